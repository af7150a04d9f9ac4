//! Names in a directory.

use std::fmt::Write as _;

/// A value as it stands in a distinguished name (RFC 4514): what means something there is written
/// as the backslash and two hexadecimal digits, and so is every control character, which would be
/// legal but confuses logs.
pub fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        let special =
            matches!(c, '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\') || c.is_ascii_control();
        if special || index == 0 && matches!(c, ' ' | '#') || index == last && c == ' ' {
            // Only ASCII gets here.
            let _ = write!(escaped, "\\{:02x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether a text is the name of an attribute: `uid`, or an object identifier such as
/// `0.9.2342.19200300.100.1.1`.
pub(crate) fn is_attribute(text: &str) -> bool {
    let oid = || {
        text.contains('.')
            && text
                .split('.')
                .all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()))
    };
    let name = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name || oid()
}

/// Whether a text can be a distinguished name: attributes with values, joined by commas and plus
/// signs. Whether the tree has such a name is the directory's to say.
pub(crate) fn is_name(text: &str) -> bool {
    let (mut start, mut escaped, mut parts) = (0, false, Vec::new());
    for (at, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' | b'+' => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    !escaped
        && parts.iter().all(|part| {
            part.split_once('=').is_some_and(|(attribute, value)| {
                is_attribute(attribute.trim()) && !value.trim().is_empty()
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_means_something() {
        for (value, escaped) in [
            ("bob", "bob"),
            ("Bob Smith", "Bob Smith"),
            ("a,b", "a\\2cb"),
            ("bob,ou=admins", "bob\\2cou\\3dadmins"),
            ("a+b", "a\\2bb"),
            ("a\"b", "a\\22b"),
            ("a\\b", "a\\5cb"),
            ("<a>", "\\3ca\\3e"),
            ("a;b", "a\\3bb"),
            ("#a#", "\\23a#"),
            (" a ", "\\20a\\20"),
            (" ", "\\20"),
            ("  ", "\\20\\20"),
            ("a\0b", "a\\00b"),
            ("a\nb", "a\\0ab"),
            ("a\rb\x7f", "a\\0db\\7f"),
            ("*)(uid=*", "*)(uid\\3d*"),
            ("Jörg", "Jörg"),
            ("", ""),
        ] {
            assert_eq!(escape(value), escaped, "{value:?}");
        }
    }

    #[test]
    fn an_escaped_value_is_one_value_and_reads_back() {
        let pool: Vec<char> = "ab \"+,;<>=\\#\0\n*)(ö".chars().collect();
        // Every text of up to four of these characters.
        for number in 0..pool.len().pow(4) {
            let value: String = (0..4)
                .map(|place| pool[number / pool.len().pow(place) % pool.len()])
                .collect();
            let escaped = escape(&value);
            assert!(is_name(&format!("cn={escaped},dc=example")), "{value:?}");
            let mut read = Vec::new();
            let mut bytes = escaped.bytes();
            while let Some(b) = bytes.next() {
                assert!(!b",+\";<>=\0\n".contains(&b), "{escaped}");
                let pair = |bytes: &mut std::str::Bytes<'_>| {
                    [bytes.next().unwrap(), bytes.next().unwrap()]
                };
                read.push(if b == b'\\' {
                    u8::from_str_radix(str::from_utf8(&pair(&mut bytes)).unwrap(), 16).unwrap()
                } else {
                    b
                });
            }
            assert_eq!(read, value.as_bytes());
        }
    }

    #[test]
    fn knows_names_and_attributes() {
        for attribute in [
            "uid",
            "cn",
            "sAMAccountName",
            "x-y1",
            "2.5.4.3",
            "0.9.2342.19200300.100.1.1",
        ] {
            assert!(is_attribute(attribute), "{attribute}");
        }
        for not in [
            "", "1", "2.", ".2", "uid=", "u id", "u,d", "ü", "-a", "uid=x,cn",
        ] {
            assert!(!is_attribute(not), "{not}");
        }
        for name in [
            "ou=people,dc=example,dc=com",
            "ou=people, dc=example",
            "ou=a\\,b,dc=c",
            "cn=a+sn=b,dc=c",
            "2.5.4.3=a",
        ] {
            assert!(is_name(name), "{name}");
        }
        for not in [
            "",
            "people",
            "ou=",
            "=a",
            "ou=a,,dc=b",
            "ou=a,",
            "ou=a\\",
            ",ou=a",
        ] {
            assert!(!is_name(not), "{not}");
        }
    }
}

//! What is captured, and whether an answer is what a file asks for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What steps captured: by name, once for each time, the values by field (empty for a value without
/// fields).
#[derive(Default)]
pub struct Captures(BTreeMap<&'static str, Vec<BTreeMap<&'static str, String>>>);

impl Captures {
    pub fn put(
        &mut self,
        name: &'static str,
        fields: impl IntoIterator<Item = (&'static str, String)>,
    ) {
        self.0
            .entry(name)
            .or_default()
            .push(fields.into_iter().collect());
    }

    /// The value of `name`, `name.field`, `name.1` or `name.1.field`.
    pub fn get(&self, reference: &str) -> Option<&str> {
        let mut words = reference.split('.').peekable();
        let times = self.0.get(words.next()?)?;
        let fields = match words.peek().and_then(|word| word.parse::<usize>().ok()) {
            None => times.last()?,
            Some(nth) => {
                words.next();
                times.get(nth.checked_sub(1)?)?
            }
        };
        let field = words.next().unwrap_or_default();
        if words.next().is_none() {
            fields.get(field).map(String::as_str)
        } else {
            None
        }
    }

    /// The text with every reference replaced.
    pub fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            let end = after
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
                .unwrap_or(after.len());
            let value = self
                .get(&after[..end])
                .ok_or_else(|| format!("${} is captured by no step", &after[..end]))?;
            filled.push_str(value);
            rest = &after[end..];
        }
        Ok(filled + rest)
    }

    /// The name of a field with its reference replaced. Some clients send names such as `$0`, which
    /// are none.
    fn fill_key(&self, key: &str) -> Result<String, String> {
        let is_reference = key
            .strip_prefix('$')
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()));
        if is_reference {
            self.fill(key)
        } else {
            Ok(key.to_owned())
        }
    }

    pub fn fill_json(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(list) => Value::Array(
                list.iter()
                    .map(|one| self.fill_json(one))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(object) => Value::Object(
                object
                    .iter()
                    .map(|(key, one)| Ok((self.fill_key(key)?, self.fill_json(one)?)))
                    .collect::<Result<_, String>>()?,
            ),
            other => other.clone(),
        })
    }

    /// Notes in `wrong` where an answer is not what the file wants.
    pub fn compare(&self, wanted: &Value, got: Option<&Value>, at: &str, wrong: &mut Vec<String>) {
        let Some(got) = got else {
            if wanted != "<<absent>>" {
                wrong.push(format!("{at} is missing"));
            }
            return;
        };
        let right = match (wanted, got) {
            (Value::Object(wanted), Value::Object(got)) => {
                for (key, value) in wanted {
                    self.compare(value, got.get(key), &format!("{at}.{key}"), wrong);
                }
                Ok(true)
            }
            (Value::Array(wanted), Value::Array(got)) => match &wanted[..] {
                [] => Ok(true),
                [first, elements @ ..] if first == "<<exactly>>" => {
                    for (place, (element, one)) in elements.iter().zip(got).enumerate() {
                        self.compare(element, Some(one), &format!("{at}[{place}]"), wrong);
                    }
                    Ok(elements.len() == got.len())
                }
                [first, elements @ ..] if first == "<<some>>" => Ok(elements
                    .iter()
                    .all(|element| got.iter().any(|one| self.matches(element, one)))),
                [_] if got.is_empty() => Ok(false),
                [element] => {
                    for (place, one) in got.iter().enumerate() {
                        self.compare(element, Some(one), &format!("{at}[{place}]"), wrong);
                    }
                    Ok(true)
                }
                _ => Err("the file's list holds more than one element".to_owned()),
            },
            (Value::String(matcher), got) if matcher.starts_with("<<") => self.fits(matcher, got),
            (Value::String(text), got) => self.fill(text).map(|text| *got == text),
            (wanted, got) => Ok(wanted == got),
        };
        match right {
            Ok(true) => {}
            Ok(false) => wrong.push(format!("{at} is {got} and not {wanted}")),
            Err(why) => wrong.push(format!("{at}: {wanted}: {why}")),
        }
    }

    /// Whether a value is what the file wants.
    fn matches(&self, wanted: &Value, got: &Value) -> bool {
        let mut wrong = Vec::new();
        self.compare(wanted, Some(got), "", &mut wrong);
        wrong.is_empty()
    }

    /// Whether a value is what a matcher asks for, whose references are replaced first.
    fn fits(&self, matcher: &str, value: &Value) -> Result<bool, String> {
        let unknown = || "this matcher is unknown".to_owned();
        let matcher = self.fill(matcher)?;
        let name = matcher
            .strip_prefix("<<")
            .and_then(|rest| rest.strip_suffix(">>"))
            .ok_or_else(unknown)?;
        match name.split_once(':') {
            Some(("set", texts)) => Ok(is_set(
                texts.split('|').filter(|text| !text.is_empty()),
                value,
            )),
            Some(("words", words)) => Ok(value
                .as_str()
                .is_some_and(|text| sorted(text.split(' ')) == sorted(words.split(' ')))),
            Some(("one-of", values)) => Ok(values.split('|').any(|one| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string().as_str() == one, |text| text == one)
            })),
            Some(("begins", text)) => Ok(value.as_str().is_some_and(|got| got.starts_with(text))),
            Some(("int", number)) => {
                Ok(value.as_u64().is_some_and(|got| number.parse() == Ok(got)))
            }
            _ => fits(name, value).ok_or_else(unknown),
        }
    }
}

/// Whether a value is what the matcher of that name asks for; `None` for one that does not exist.
fn fits(matcher: &str, value: &Value) -> Option<bool> {
    let text = |right: fn(&str) -> bool| value.as_str().is_some_and(right);
    Some(match matcher {
        "any" => true,
        "null" => value.is_null(),
        "bool" => value.is_boolean(),
        "number" => value.is_number(),
        "int" => value.is_u64(),
        "string" => value.is_string(),
        "object" => value.is_object(),
        "null-or-object" => value.is_null() || value.is_object(),
        "absent" => false,
        "id22" => text(|text| text.len() == 22 && all(text, "-_")),
        "unique-msg-id" => text(|text| {
            text.strip_prefix("webs_")
                .is_some_and(|id| id.len() == 43 && all(id, "-_"))
        }),
        "time:micros" => text(|text| shaped(text, "0000-00-00T00:00:00.000000+00:00")),
        "time:iso" => text(|text| {
            text.split_once('T').is_some_and(|(date, time)| {
                shaped(date, "0000-00-00")
                    && time.get(..8).is_some_and(|time| shaped(time, "00:00:00"))
            })
        }),
        "null-or-string" => value.is_null() || value.is_string(),
        "text" => text(|text| !text.is_empty()),
        "guid" => text(|text| text.len() == 24 && all(text, "-_")),
        "uuid" => text(|text| shaped(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh")),
        "key" => text(|text| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())),
        "token" => text(|text| text.len() >= 20 && all(text, "._~+/=-")),
        "file" => text(is_file_name),
        "url" => text(is_url),
        "link" => text(|text| is_url(text) || text.starts_with("/api/appm/publisher/v1.1/")),
        "etag" => text(|text| {
            text.strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .is_some_and(|tag| !tag.is_empty() && !tag.contains('"'))
        }),
        "attachment" => text(|text| text.starts_with("attachment")),
        "text/plain" | "application/xml" => value.as_str().is_some_and(|text| {
            text.split(';')
                .next()
                .is_some_and(|kind| kind.trim_end() == matcher)
        }),
        "base64" => text(|text| STANDARD.decode(text).is_ok()),
        "base64:some" => text(|text| STANDARD.decode(text).is_ok_and(|bytes| !bytes.is_empty())),
        "http-date" => text(is_http_date),
        "time:java" => text(is_java_time),
        "time:java-utc" => {
            text(|text| text.contains(" UTC ") && is_java_time(&text.replacen(" UTC ", " GMT ", 1)))
        }
        "time:minutes" => text(|text| shaped(text, "0000-00-00 00:00")),
        "time:seconds" => text(|text| shaped(text, "0000-00-00 00:00:00")),
        "time:millis" => text(|text| shaped(text, "0000-00-00 00:00:00:000")),
        "time:dotted" => text(|text| shaped(text, "0000-00-00 00:00:00.000")),
        "time:padded" => text(|text| shaped(text, "00000000000000000000")),
        "millis-text" => text(|text| shaped(text, "0000000000000")),
        "team-id" => text(|text| shaped(text, "hhhhhhhhhhhhhhhhhhhhhhhh")),
        _ => return None,
    })
}

/// Whether a text has that shape: `0` stands for a digit, `h` for a hexadecimal one in lower case.
fn shaped(text: &str, shape: &str) -> bool {
    let fits = |(have, want): (u8, u8)| match want {
        b'0' => have.is_ascii_digit(),
        b'h' => have.is_ascii_digit() || (b'a'..=b'f').contains(&have),
        other => have == other,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

/// Whether a text holds letters and digits alone, and these.
fn all(text: &str, and: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || and.as_bytes().contains(&b))
}

fn sorted<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut texts: Vec<_> = texts.collect();
    texts.sort_unstable();
    texts
}

/// Whether a value is a list of exactly these texts, in any order.
fn is_set<'a>(texts: impl Iterator<Item = &'a str>, value: &Value) -> bool {
    let got: Option<Vec<&str>> = value
        .as_array()
        .and_then(|list| list.iter().map(Value::as_str).collect());
    got.is_some_and(|got| sorted(got.into_iter()) == sorted(texts))
}

fn is_url(text: &str) -> bool {
    text.parse::<http::Uri>()
        .is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
}

/// Whether a text is the name of an uploaded file: at least 15 letters and digits, a dot, the
/// extension.
fn is_file_name(text: &str) -> bool {
    let extension = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.split_once('.')
        .is_some_and(|(name, rest)| name.len() >= 15 && all(name, "") && extension(rest))
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Fri Nov 02 10:06:48 GMT 2012`
fn is_java_time(text: &str) -> bool {
    let words = text
        .split_once(' ')
        .and_then(|(day, rest)| Some((day, rest.split_once(' ')?)));
    words.is_some_and(|(day, (month, rest))| {
        DAYS.contains(&day) && MONTHS.contains(&month) && shaped(rest, "00 00:00:00 GMT 0000")
    })
}

/// `Fri, 02 Nov 2012 10:06:48 GMT`
fn is_http_date(text: &str) -> bool {
    let [day, number, month, rest] = text.splitn(4, ' ').collect::<Vec<_>>()[..] else {
        return false;
    };
    let day = day.strip_suffix(',').is_some_and(|day| DAYS.contains(&day));
    day && shaped(number, "00") && MONTHS.contains(&month) && shaped(rest, "0000 00:00:00 GMT")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn captures() -> Captures {
        let mut captures = Captures::default();
        captures.put("key", [("label", "one".to_owned())]);
        captures.put("key", [("label", "two".to_owned())]);
        captures.put("domain", [("", "dev".to_owned())]);
        captures.put("partial", [("id", "42".to_owned())]);
        captures
    }

    fn right(wanted: &Value, got: &Value) -> bool {
        let mut wrong = Vec::new();
        captures().compare(wanted, Some(got), "body", &mut wrong);
        wrong.is_empty()
    }

    #[test]
    fn references_are_replaced() {
        let captures = captures();
        assert_eq!(
            captures
                .fill("/$domain/$key.label?a=$key.1.label&b=$key.2.label")
                .as_deref(),
            Ok("/dev/two?a=one&b=two")
        );
        assert!(
            captures.fill("$key.3.label").is_err()
                && captures.fill("$key.guid").is_err()
                && captures.fill("$nobody").is_err()
        );
    }

    #[test]
    fn matchers_match_what_the_readmes_say() {
        for (wanted, good, bad) in [
            (
                json!("<<guid>>"),
                json!("5w477lfgy3jrnovri7gctsb-"),
                json!("5w477lfgy3jrnovri7gctsb"),
            ),
            (
                json!("<<key>>"),
                json!("0123456789abcdef0123456789abcdef01234567"),
                json!("0123"),
            ),
            (json!("<<string>>"), json!(""), json!(1)),
            (
                json!("<<url>>"),
                json!("https://store.example/a?b=c"),
                json!("/a?b=c"),
            ),
            (json!("<<base64>>"), json!(""), json!("!")),
            (json!("<<base64:some>>"), json!("QQ=="), json!("")),
            (
                json!("<<time:java>>"),
                json!("Fri Nov 02 10:06:48 GMT 2012"),
                json!("Fri Nov 02 10:06:48 UTC 2012"),
            ),
            (
                json!("<<time:java-utc>>"),
                json!("Thu Dec 13 12:01:33 UTC 2012"),
                json!("Thu Dec 13 12:01:33 GMT 2012"),
            ),
            (
                json!("<<time:minutes>>"),
                json!("2012-12-04 12:00"),
                json!("2012-12-04 12:00:00"),
            ),
            (
                json!("<<time:millis>>"),
                json!("2017-07-07 10:03:28:117"),
                json!("2017-07-07 10:03:28.117"),
            ),
            (
                json!("<<time:seconds>>"),
                json!("2017-05-18 11:28:35"),
                json!("2017-05-18 11:28:35:000"),
            ),
            (
                json!("<<millis-text>>"),
                json!("1426252565641"),
                json!(1_426_252_565_641_u64),
            ),
            (
                json!("<<team-id>>"),
                json!("5502e3155afd8f2a5b44c065"),
                json!("5502E3155AFD8F2A5B44C065"),
            ),
            (json!("<<number>>"), json!(1), json!("1")),
            (json!("<<bool>>"), json!(false), json!("false")),
            (json!("<<null>>"), json!(null), json!("")),
            (json!("<<null-or-string>>"), json!(null), json!(0)),
            (
                json!({"a": "<<any>>"}),
                json!({"a": null, "b": 1}),
                json!({"b": 1}),
            ),
            (json!({}), json!({"a": 1}), json!([])),
            (json!([1]), json!([1, 1]), json!([1, 2])),
            (json!([1]), json!([1]), json!([])),
            (json!([]), json!([1]), json!({})),
            (json!(2), json!(2), json!("2")),
            (json!("$key.label"), json!("two"), json!("one")),
        ] {
            assert!(right(&wanted, &good), "{wanted} matches {good}");
            assert!(!right(&wanted, &bad), "{wanted} does not match {bad}");
        }
        assert!(
            !right(&json!("<<gguid>>"), &json!("5w477lfgy3jrnovri7gctsba")),
            "an unknown matcher matches nothing"
        );
    }

    #[test]
    fn matchers_match_what_the_readmes_of_the_apperian_and_pingid_apis_say() {
        let id = "XWJKqWeLM5-tp8N09-gTEw";
        let unique = "webs_DqQkivHN1hEzZfJjbcaOQdGcel7fBtZUVj7l1yNbuNI";
        for (wanted, good, bad) in [
            (json!("<<id22>>"), json!(id), json!("XWJKqWeLM5-tp8N09-gTE")),
            (
                json!("<<time:micros>>"),
                json!("2018-02-01T03:52:18.281815+00:00"),
                json!("2018-02-01T03:52:18.281Z"),
            ),
            (
                json!("<<time:iso>>"),
                json!("2027-02-01T03:52:18Z"),
                json!("2027-02-01 03:52:18"),
            ),
            (json!("<<one-of:0|3>>"), json!(3), json!(1)),
            (json!("<<one-of:0|null>>"), json!(null), json!("")),
            (json!("<<one-of:a|b>>"), json!("b"), json!("c")),
            (json!("<<object>>"), json!({}), json!(null)),
            (json!("<<null-or-object>>"), json!(null), json!([])),
            (
                json!("<<unique-msg-id>>"),
                json!(unique),
                json!(unique.replace("webs_", "oacts_")),
            ),
            (
                json!("<<begins:Invalid input.>>"),
                json!("Invalid input. name"),
                json!("invalid"),
            ),
            (
                json!({"a": "<<absent>>"}),
                json!({"b": 1}),
                json!({"a": null}),
            ),
            (json!(["<<exactly>>", 1, 2]), json!([1, 2]), json!([2, 1])),
            (json!(["<<exactly>>", 1]), json!([1]), json!([1, 1])),
            (json!(["<<exactly>>"]), json!([]), json!([1])),
            (
                json!(["<<some>>", 2, {"a": 1}]),
                json!([1, {"a": 1, "b": 2}, 2]),
                json!([2, {"a": 2}]),
            ),
        ] {
            assert!(right(&wanted, &good), "{wanted} matches {good}");
            assert!(!right(&wanted, &bad), "{wanted} does not match {bad}");
        }
    }

    #[test]
    fn matchers_match_what_the_readme_of_the_publisher_api_says() {
        let good_and_bad: &[(&str, &[Value], &[Value])] = &[
            (
                "<<text>>",
                &[json!("a")],
                &[json!(""), json!(1), json!(null)],
            ),
            (
                "<<uuid>>",
                &[json!("78593832-0a32-8ca6-b7a4-3d1e0c5f7a10")],
                &[
                    json!("78593832-0A32-8CA6-B7A4-3D1E0C5F7A10"),
                    json!("785938320a328ca6b7a43d1e0c5f7a10"),
                ],
            ),
            (
                "<<int>>",
                &[json!(0), json!(7)],
                &[json!(-1), json!(1.5), json!("1")],
            ),
            (
                "<<int:$partial.id>>",
                &[json!(42)],
                &[json!(43), json!("42"), json!(42.0)],
            ),
            ("<<int:$partial.guid>>", &[], &[json!(42)]),
            (
                "<<set:A|B>>",
                &[json!(["A", "B"]), json!(["B", "A"])],
                &[
                    json!(["A"]),
                    json!(["A", "B", "B"]),
                    json!(["A", "B", 1]),
                    json!("A|B"),
                ],
            ),
            (
                "<<set:$key.label>>",
                &[json!(["two"])],
                &[json!(["one"]), json!([])],
            ),
            (
                "<<set:>>",
                &[json!([])],
                &[json!([""]), json!(null), json!({})],
            ),
            (
                "<<words:A B>>",
                &[json!("A B"), json!("B A")],
                &[json!("A  B"), json!("A"), json!("A B C"), json!(["A", "B"])],
            ),
            (
                "<<etag>>",
                &[json!("\"1-a\"")],
                &[
                    json!("\"\""),
                    json!("W/\"1\""),
                    json!("1"),
                    json!("\""),
                    json!("\"a\", \"b\""),
                ],
            ),
            (
                "<<http-date>>",
                &[json!("Sat, 01 Jan 2000 00:00:00 GMT")],
                &[
                    json!("Sat 01 Jan 2000 00:00:00 GMT"),
                    json!("Sat, 1 Jan 2000 00:00:00 GMT"),
                    json!("Sat, 01 Jan 2000 00:00:00 UTC"),
                    json!("2000"),
                ],
            ),
            (
                "<<time:dotted>>",
                &[json!("2016-05-20 14:47:16.787")],
                &[
                    json!("2016-05-20 14:47:16:787"),
                    json!("2016-05-20 14:47:16"),
                ],
            ),
            (
                "<<time:padded>>",
                &[json!("00000001461645676735")],
                &[json!("1461645676735"), json!(1_461_645_676_735_u64)],
            ),
            (
                "<<file>>",
                &[json!("hi6s3wG3lCqPzdC.png"), json!("0123456789abcdef.apk")],
                &[
                    json!("0123456789abcd.png"),
                    json!("0123456789abcdef.PNG"),
                    json!("0123456789abcdef"),
                    json!("0123456789-abcdef.png"),
                    json!("0123456789abcdef."),
                ],
            ),
            (
                "<<link>>",
                &[
                    json!("https://store.example/a"),
                    json!("/api/appm/publisher/v1.1/apps/webapp"),
                ],
                &[
                    json!("/apps/webapp"),
                    json!(""),
                    json!("ftp://store.example/a"),
                ],
            ),
            (
                "<<token>>",
                &[json!("AZaz09._~+/=-0123456")],
                &[json!("0123456789012345678"), json!("0123456789 0123456789")],
            ),
            (
                "<<attachment>>",
                &[json!("attachment; filename=\"a.pdf\"")],
                &[json!("inline")],
            ),
            (
                "<<text/plain>>",
                &[json!("text/plain"), json!("text/plain; charset=utf-8")],
                &[json!("text/plainer"), json!("text/html")],
            ),
            (
                "<<application/xml>>",
                &[json!("application/xml;charset=utf-8")],
                &[json!("text/xml"), json!("application/xml+x")],
            ),
        ];
        for (wanted, good, bad) in good_and_bad {
            for (value, fits) in good
                .iter()
                .map(|value| (value, true))
                .chain(bad.iter().map(|value| (value, false)))
            {
                assert_eq!(right(&json!(wanted), value), fits, "{wanted} and {value}");
            }
        }
    }
}

//! Paths of the route table with values in the places of their parameters: what links, `Location`,
//! manifests and mails are written from.

use std::fmt::Display;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a segment of a path may not hold as it is (RFC 3986, section 3.3).
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A path of the table with `N` parameters, whose names were compared with the table.
///
/// Made as a constant, so that a parameter that is missing, or has another name, does not compile:
///
/// ```
/// use shared::http::path::Path;
/// use shared::http::routes::rhmap_store_client::Op;
///
/// const ICON: Path<1> = Op::Icon.path(["ticket"]);
/// assert_eq!(ICON.of([&"a b"]), "/box/srv/1.1/mas/storeitem/icon/a%20b");
/// ```
///
/// ```compile_fail
/// use shared::http::path::Path;
/// use shared::http::routes::rhmap_store_client::Op;
///
/// const ICON: Path<0> = Op::Icon.path([]);
/// assert_eq!(ICON.of([]), "");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path<const N: usize> {
    text: &'static str,
}

impl<const N: usize> Path<N> {
    /// The path `text`, whose parameters, in braces, have these names in this order.
    ///
    /// # Panics
    /// Where they have not. In a constant that is an error of the compiler.
    pub(crate) const fn new(text: &'static str, names: [&str; N]) -> Self {
        assert!(
            has_parameters(text.as_bytes(), &names),
            "the path has other parameters"
        );
        Self { text }
    }

    /// The path with these values for its parameters, percent-encoded.
    pub fn of(self, values: [&dyn Display; N]) -> String {
        let mut path = String::new();
        let mut rest = self.text;
        for value in values {
            let (before, after) = rest.split_once('{').unwrap_or((rest, ""));
            path.push_str(before);
            path.extend(utf8_percent_encode(&value.to_string(), RESERVED));
            rest = after.split_once('}').map_or("", |(_, after)| after);
        }
        path + rest
    }

    /// The whole address where this deployment is reached at `base_url`, which ends without a
    /// slash.
    pub fn at(self, base_url: &str, values: [&dyn Display; N]) -> String {
        base_url.to_owned() + &self.of(values)
    }
}

impl Path<0> {
    /// The path, which has no parameters.
    pub const fn text(self) -> &'static str {
        self.text
    }
}

/// Whether the parameters of `path` are these and no others. A `const fn` has neither iterators nor
/// comparisons of text.
const fn has_parameters(path: &[u8], names: &[&str]) -> bool {
    let (mut at, mut found) = (0, 0);
    while at < path.len() {
        if path[at] == b'{' {
            if found == names.len() {
                return false;
            }
            let name = names[found].as_bytes();
            let mut index = 0;
            while index < name.len() {
                if at + 1 + index >= path.len() || path[at + 1 + index] != name[index] {
                    return false;
                }
                index += 1;
            }
            if at + 1 + index >= path.len() || path[at + 1 + index] != b'}' {
                return false;
            }
            found += 1;
        }
        at += 1;
    }
    found == names.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes;

    #[test]
    fn values_take_the_places_of_parameters() {
        let path = Path::new("/apps/{type}/id/{app}/docs", ["type", "app"]);
        assert_eq!(path.of([&"webapp", &7]), "/apps/webapp/id/7/docs");
        assert_eq!(
            path.at("https://store.example", [&"webapp", &7]),
            "https://store.example/apps/webapp/id/7/docs"
        );
        assert_eq!(Path::new("/health", []).text(), "/health");
    }

    #[test]
    fn no_value_leaves_its_segment() {
        let path = Path::new("/files/{name}/link", ["name"]);
        assert_eq!(
            path.of([&"../{name}?a=b#c%2fd é\\"]),
            "/files/..%2F%7Bname%7D%3Fa=b%23c%252fd%20%C3%A9%5C/link"
        );
        assert_eq!(path.of([&"Abc-1.2_3~4:5@6"]), "/files/Abc-1.2_3~4:5@6/link");
    }

    #[test]
    fn parameters_are_those_of_the_table() {
        let path = b"/apps/{type}/id/{app}";
        assert!(has_parameters(path, &["type", "app"]));
        for other in [
            &[][..],
            &["type"],
            &["app", "type"],
            &["type", "ap"],
            &["type", "apps"],
            &["type", "app", "more"],
        ] {
            assert!(!has_parameters(path, other), "{other:?}");
        }
    }

    #[test]
    #[should_panic(expected = "the path has other parameters")]
    fn a_path_without_one_of_its_parameters_is_refused() {
        let _ = Path::new("/files/{name}", []);
    }

    #[test]
    fn the_addresses_of_interfaces_are_where_their_rows_begin() {
        let rows: Vec<routes::Route> = routes::all().into_iter().flat_map(|of| of.rows).collect();
        let begins = |base: &str, row: &&routes::Route| row.path.starts_with(&format!("{base}/"));
        let pingid: Vec<_> = rows
            .iter()
            .filter(|row| row.dialect.name() == "pingid")
            .collect();
        assert!(!pingid.is_empty() && pingid.iter().all(|row| begins(routes::PINGID, row)));
        let publisher: Vec<_> = rows
            .iter()
            .filter(|row| row.dialect.name() == "wso2" && row.function != "wso2-oauth")
            .collect();
        assert!(publisher.iter().all(|row| begins(routes::PUBLISHER, row)));
        assert!(publisher.len() > 50, "{}", publisher.len());
        let calls: Vec<_> = rows
            .iter()
            .filter(|row| row.dialect.name() == "apperian-calls")
            .collect();
        assert!(!calls.is_empty() && calls.iter().all(|row| begins(routes::APPERIAN_CALLS, row)));
    }
}

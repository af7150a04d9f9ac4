//! One page of a list of keys.

use std::ops::Bound;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::{S3Result, s3_error};

use crate::objects::{Object, Objects};

/// What S3 leaves as it is in a key when it is asked for URL encoding.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) prefix: String,
    pub(crate) delimiter: Option<String>,
    pub(crate) start_after: Option<String>,
    pub(crate) continuation: Option<String>,
    pub(crate) limit: usize,
}

/// What is answered.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Arc<Object>>,
    pub(crate) prefixes: Vec<String>,
    /// Where the next page goes on, if there is more.
    pub(crate) continuation: Option<String>,
}

/// The last thing that a page held.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Last {
    Key(String),
    Prefix(String),
}

impl Last {
    /// Opaque to the client: a key may hold what a query cannot.
    fn token(&self) -> String {
        let (kind, text) = match self {
            Self::Key(key) => ('k', key),
            Self::Prefix(prefix) => ('p', prefix),
        };
        let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("{kind}{digits}")
    }

    fn parse(token: &str) -> Option<Self> {
        let digits = token.get(1..)?;
        if digits.len() % 2 != 0 {
            return None;
        }
        let bytes = (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok())
            .collect::<Option<Vec<_>>>()?;
        let text = String::from_utf8(bytes).ok()?;
        match token.get(..1)? {
            "k" => Some(Self::Key(text)),
            "p" => Some(Self::Prefix(text)),
            _ => None,
        }
    }
}

/// Reads one page.
pub(crate) fn page(objects: &Objects, query: &Query) -> S3Result<Page> {
    let mut last = match &query.continuation {
        Some(token) => Some(Last::parse(token).ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "The continuation token provided is incorrect"
            )
        })?),
        None => None,
    };
    if query.limit == 0 {
        return Ok(Page::default());
    }
    let mut page = Page::default();
    loop {
        let start = start(query, last.as_ref());
        // Within one common prefix there is nothing to see, so the walk jumps over it and goes on
        // behind it.
        let more = objects.from(start, |keys| {
            for object in keys {
                let key = &object.record.key;
                if let Some(Last::Prefix(prefix)) = &last
                    && key.starts_with(prefix)
                {
                    continue;
                }
                let Some(rest) = key.strip_prefix(&query.prefix) else {
                    return false;
                };
                if page.objects.len() + page.prefixes.len() == query.limit {
                    page.continuation = last.as_ref().map(Last::token);
                    return false;
                }
                let common = query
                    .delimiter
                    .as_deref()
                    .and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()));
                match common {
                    Some(end) => {
                        let prefix = format!("{}{}", query.prefix, &rest[..end]);
                        page.prefixes.push(prefix.clone());
                        last = Some(Last::Prefix(prefix));
                        return true;
                    }
                    None => {
                        page.objects.push(Arc::clone(object));
                        last = Some(Last::Key(key.clone()));
                    }
                }
            }
            false
        });
        if !more {
            return Ok(page);
        }
    }
}

fn start(query: &Query, last: Option<&Last>) -> Bound<String> {
    let from = match last {
        Some(Last::Key(key)) => Bound::Excluded(key.clone()),
        Some(Last::Prefix(prefix)) => match after_all_with(prefix) {
            Some(next) => Bound::Included(next),
            None => Bound::Included(prefix.clone()),
        },
        None => match &query.start_after {
            Some(key) => Bound::Excluded(key.clone()),
            None => Bound::Unbounded,
        },
    };
    match &from {
        Bound::Included(key) | Bound::Excluded(key) if *key >= query.prefix => from,
        _ => Bound::Included(query.prefix.clone()),
    }
}

/// The first text that is behind all texts with this prefix, if its last character has a successor.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    let last = text.pop()?;
    let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32)?;
    text.push(next);
    Some(text)
}

/// A key or prefix as the client wants it written.
pub(crate) fn written(text: &str, url: bool) -> String {
    if url {
        utf8_percent_encode(text, ENCODED).to_string()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_back_what_it_was_made_of() {
        for last in [
            Last::Key("a/ü&+%".to_owned()),
            Last::Prefix("\u{10ffff}/".to_owned()),
            Last::Key(String::new()),
        ] {
            assert_eq!(Last::parse(&last.token()), Some(last));
        }
        for wrong in ["", "k1", "kzz", "x00", "kff", "ü"] {
            assert_eq!(Last::parse(wrong), None);
        }
    }

    #[test]
    fn the_end_of_a_prefix() {
        assert_eq!(after_all_with("a/").as_deref(), Some("a0"));
        assert_eq!(after_all_with("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_all_with("\u{10ffff}"), None);
    }
}

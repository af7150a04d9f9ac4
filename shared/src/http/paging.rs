//! Pages of lists: `limit` and `cursor`, which every list of RHMAP understands; `limit` and
//! `offset` of the publisher API.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::base::code::Code;
use crate::base::error::Error;
use crate::http::incoming::Incoming;

/// Most entries of one page.
pub const MAX_LIMIT: u64 = 1_000;

/// Which page a request asks for. Without both the list is whole, or refused where it is too large
/// for one answer.
#[derive(Debug, Deserialize)]
#[serde(bound = "C: DeserializeOwned")]
pub struct Page<C> {
    #[serde(default, deserialize_with = "crate::base::lenient::optional_number")]
    limit: Option<u64>,
    /// The last entry of the page before.
    pub cursor: Option<C>,
}

impl<C> Default for Page<C> {
    fn default() -> Self {
        Self {
            limit: None,
            cursor: None,
        }
    }
}

impl<C: DeserializeOwned> Page<C> {
    /// For plans, which must not fail: the first page where the request cannot be read.
    pub fn peek(incoming: &Incoming) -> Self {
        incoming.parse().unwrap_or_default()
    }

    /// How many entries at most, 1 to [`MAX_LIMIT`]; `None` for all.
    pub fn limit(&self) -> Option<u32> {
        self.limit
            .map(|limit| u32::try_from(limit.clamp(1, MAX_LIMIT)).unwrap_or(u32::MAX))
    }
}

/// The place in a list in the order of time that a client names: a sort key of 13 digits and a
/// guid, which the list gave before. A blank one is none.
///
/// # Errors
/// Invalid `invalid_cursor` for a text that can be none.
pub fn place_in_time(cursor: Option<String>) -> Result<Option<String>, Error> {
    let fits = |cursor: &str| {
        cursor.len() <= 64
            && cursor
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'-' | b'_'))
    };
    match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) if !fits(&cursor) => Err(Error::invalid(Code::InvalidCursor)),
        place => Ok(place),
    }
}

/// Which page of a list of the publisher API a request asks for (001 3 `limit`, `offset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// How many entries are before it.
    pub offset: u32,
    /// How many entries it has at most, 1 to [`MAX_SLICE`].
    pub limit: u32,
}

/// Entries of a page of the publisher API that asks for no number.
pub const SLICE_DEFAULT: u32 = 25;

/// Most entries of a page of the publisher API.
pub const MAX_SLICE: u32 = 100;

/// The links of a page of the publisher API: paths on this server, empty where there is nothing to
/// lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageLinks {
    /// To the page before.
    pub previous: String,
    /// To the page behind.
    pub next: String,
}

impl Slice {
    /// What a request asks for.
    ///
    /// # Errors
    /// Invalid for a limit that is no number from 1 to [`MAX_SLICE`], and for an offset that is
    /// none from 0.
    pub fn of(incoming: &Incoming) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Asked {
            #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
            limit: Option<String>,
            #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
            offset: Option<String>,
        }
        let asked: Asked = incoming.parse()?;
        let limit = asked
            .limit
            .map_or(Ok(SLICE_DEFAULT), |limit| limit.parse())
            .ok()
            .filter(|limit| (1..=MAX_SLICE).contains(limit));
        let offset = asked.offset.map_or(Ok(0), |offset| offset.parse()).ok();
        let limit = limit
            .ok_or_else(|| Error::invalid(format!("limit is a number from 1 to {MAX_SLICE}")))?;
        Ok(Self {
            offset: offset
                .ok_or_else(|| Error::invalid("offset is a number from 0 to 4294967295"))?,
            limit,
        })
    }

    /// The links of this page of the list at `path`, which keep the parameters of `kept` that are
    /// not empty. `shown` entries are on it; `more` says whether there are some behind them.
    pub fn links(self, path: &str, kept: &[(&str, &str)], shown: usize, more: bool) -> PageLinks {
        let kept: String = kept
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| {
                format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
            })
            .collect();
        let link = |offset: u32| format!("{path}?limit={}&offset={offset}{kept}", self.limit);
        let end = u32::try_from(shown)
            .ok()
            .and_then(|shown| self.offset.checked_add(shown));
        PageLinks {
            previous: if self.offset == 0 {
                String::new()
            } else {
                link(self.offset.saturating_sub(self.limit))
            },
            next: end.filter(|_| more).map(link).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error;
    use crate::http::incoming;

    fn asked(query: &str) -> Result<Slice, error::Error> {
        let fields: serde_json::Map<String, serde_json::Value> =
            form_urlencoded::parse(query.as_bytes())
                .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
                .collect();
        let body = lambda_http::Body::Text(serde_json::Value::Object(fields).to_string());
        let request = http::Request::builder()
            .method("POST")
            .uri("http://x/y")
            .body(body)
            .expect("a request");
        Slice::of(&incoming::Incoming::open(
            request,
            Vec::new(),
            "https",
            None,
        ))
    }

    #[test]
    fn what_is_no_page_is_refused() {
        assert_eq!(
            asked("").unwrap(),
            Slice {
                offset: 0,
                limit: 25
            }
        );
        assert_eq!(
            asked("limit=100&offset=4294967295").unwrap(),
            Slice {
                offset: u32::MAX,
                limit: 100
            }
        );
        for bad in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=",
            "limit=1.5",
            "limit=x",
            "limit=99999999999",
        ] {
            assert!(
                asked(bad).unwrap_err().message.starts_with("limit"),
                "{bad}"
            );
        }
        for bad in ["offset=-1", "offset=", "offset=x", "offset=4294967296"] {
            assert!(
                asked(bad).unwrap_err().message.starts_with("offset"),
                "{bad}"
            );
        }
    }

    #[test]
    fn links_lead_to_both_sides_and_keep_what_was_asked() {
        let page = Slice {
            offset: 30,
            limit: 25,
        };
        let links = page.links(
            "/apps",
            &[("query", "name:a b,provider:x&y=z"), ("field-filter", "")],
            25,
            true,
        );
        assert_eq!(
            links.previous,
            "/apps?limit=25&offset=5&query=name%3Aa%20b%2Cprovider%3Ax%26y%3Dz"
        );
        assert_eq!(
            links.next,
            "/apps?limit=25&offset=55&query=name%3Aa%20b%2Cprovider%3Ax%26y%3Dz"
        );
        assert_eq!(page.links("/apps", &[], 3, false).next, "");
        assert_eq!(
            Slice {
                offset: 0,
                limit: 25
            }
            .links("/apps", &[], 25, true)
            .previous,
            ""
        );
        assert_eq!(
            Slice {
                offset: u32::MAX,
                limit: 25
            }
            .links("/apps", &[], 1, true)
            .next,
            ""
        );
    }
}

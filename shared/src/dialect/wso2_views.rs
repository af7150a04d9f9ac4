//! What several functions of the publisher API show alike (001): pages of lists with their links, and apps in short.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::domain::catalogue::Row;
use crate::error::Error;
use crate::incoming::Incoming;

/// Where the API begins.
pub const BASE: &str = "/api/appm/publisher/v1.1";

/// How many entries a page has where the request does not say.
pub const LIMIT: u32 = 25;

/// Most entries of a page. A request for more gets as many, and a link to the next page.
pub const LIMIT_MOST: u32 = 100;

/// Which page a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Most entries: 1 to [`LIMIT_MOST`].
    pub limit: u32,
    /// How many entries are before it.
    pub offset: u32,
}

/// Where the pages around a page are; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The page after it.
    pub next: String,
    /// The page before it.
    pub previous: String,
}

impl Paging {
    /// The page that `limit` and `offset` name: [`LIMIT`] entries from the beginning where they do not.
    ///
    /// # Errors
    /// Invalid for what is no whole number, for a limit of 0, and for an offset beyond 32 bits.
    pub fn of(incoming: &Incoming) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Asked {
            #[serde(default, deserialize_with = "crate::lenient::optional_text")]
            limit: Option<String>,
            #[serde(default, deserialize_with = "crate::lenient::optional_text")]
            offset: Option<String>,
        }
        let asked: Asked = incoming.parse()?;
        let number = |field: &str, text: Option<String>, default: u32| match text.as_deref().map(str::trim) {
            None | Some("") => Ok(default),
            Some(digits) => digits.parse::<u32>().map_err(|_| Error::invalid(format!("{field} is a whole number from 0"))),
        };
        let limit = number("limit", asked.limit, LIMIT)?;
        if limit == 0 {
            return Err(Error::invalid(format!("limit is a number from 1; beyond {LIMIT_MOST} it counts as {LIMIT_MOST}")));
        }
        Ok(Self { limit: limit.min(LIMIT_MOST), offset: number("offset", asked.offset, 0)? })
    }

    /// For plans, which must not fail: the first page where the request cannot be read.
    pub fn peek(incoming: &Incoming) -> Self {
        Self::of(incoming).unwrap_or(Self { limit: LIMIT, offset: 0 })
    }

    /// The links of this page of the list at `path` (from the host on); `more` says whether there are entries behind it,
    /// and `query` is what else the list was asked by, by name and value.
    pub fn links(self, path: &str, query: &[(&str, &str)], more: bool) -> Links {
        const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
        let others: String = query.iter().map(|(name, value)| format!("&{name}={}", utf8_percent_encode(value, PLAIN))).collect();
        let at = |limit: u32, offset: u32| format!("{path}?limit={limit}&offset={offset}{others}");
        let next = match self.offset.checked_add(self.limit) {
            Some(offset) if more => at(self.limit, offset),
            _ => String::new(),
        };
        let previous = match self.offset {
            0 => String::new(),
            // The page before the second entry of a list is not as long as others.
            before => at(self.limit.min(before), before.saturating_sub(self.limit)),
        };
        Links { next, previous }
    }
}

/// An app in short.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    id: String,
    name: String,
    description: String,
    context: Option<String>,
    version: String,
    provider: String,
    lifecycle_state: String,
    rating: f64,
}

/// An app in short. Nobody rates apps here, so the rating is 0.
pub fn summary(row: &Row) -> Summary {
    Summary {
        id: row.id.uuid(),
        name: row.name.clone(),
        description: row.description.clone(),
        context: row.context.clone(),
        version: row.version.clone(),
        provider: row.provider.clone(),
        lifecycle_state: row.state.upper(),
        rating: 0.0,
    }
}

/// A page of apps in short. The document has them under one name, the original's server under another: both hold them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryPage {
    count: usize,
    next: String,
    previous: String,
    app_list: Vec<Summary>,
    app_summary_list: Vec<Summary>,
}

impl SummaryPage {
    /// The page of these apps.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>, links: Links) -> Self {
        let summaries: Vec<Summary> = rows.into_iter().map(summary).collect();
        Self { count: summaries.len(), next: links.next, previous: links.previous, app_list: summaries.clone(), app_summary_list: summaries }
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;

    fn asked(query: &str) -> Result<Paging, Error> {
        use lambda_http::RequestExt;
        let request = http::Request::builder().uri(format!("http://x/y?{query}")).body(Body::Empty).unwrap();
        let pairs: std::collections::HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Paging::of(&Incoming::open(request.with_query_string_parameters(pairs), Vec::new(), "https", None))
    }

    #[test]
    fn pages_have_limits() {
        let page = |limit, offset| Paging { limit, offset };
        assert_eq!(asked("").unwrap(), page(25, 0));
        assert_eq!(asked("limit=&offset=").unwrap(), page(25, 0));
        assert_eq!(asked("limit=1&offset=7").unwrap(), page(1, 7));
        assert_eq!(asked("limit=4000000000").unwrap(), page(100, 0));
        for query in ["limit=0", "limit=-1", "limit=many", "limit=1.5", "offset=-1", "offset=x", "offset=4294967296"] {
            assert_eq!(asked(query).unwrap_err().kind, crate::error::Kind::Invalid, "{query}");
        }
    }

    #[test]
    fn links_lead_to_the_pages_around() {
        let links = |limit, offset, more| Paging { limit, offset }.links("/x", &[("query", "name:a b&c")], more);
        let link = |limit: u32, offset: u32| format!("/x?limit={limit}&offset={offset}&query=name%3Aa%20b%26c");
        assert_eq!(links(25, 0, false), Links::default());
        assert_eq!(links(25, 0, true), Links { next: link(25, 25), previous: String::new() });
        assert_eq!(links(25, 50, false), Links { next: String::new(), previous: link(25, 25) });
        assert_eq!(links(25, 10, true), Links { next: link(25, 35), previous: link(10, 0) });
        assert_eq!(links(25, u32::MAX, true).next, "");
    }
}

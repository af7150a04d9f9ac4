//! Pages of lists: `limit` and `cursor`, which every list understands.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::incoming::Incoming;

/// Most entries of one page.
pub const LIMIT_MOST: u64 = 1_000;

/// Which page a request asks for. Without both the list is whole, or refused where it is too large for one answer.
#[derive(Debug, Deserialize)]
#[serde(bound = "C: DeserializeOwned")]
pub struct Page<C> {
    #[serde(default, deserialize_with = "crate::lenient::optional_number")]
    limit: Option<u64>,
    /// The last entry of the page before.
    pub cursor: Option<C>,
}

impl<C> Default for Page<C> {
    fn default() -> Self {
        Self { limit: None, cursor: None }
    }
}

impl<C: DeserializeOwned> Page<C> {
    /// For plans, which must not fail: the first page where the request cannot be read.
    pub fn peek(incoming: &Incoming) -> Self {
        incoming.parse().unwrap_or_default()
    }

    /// How many entries at most, 1 to [`LIMIT_MOST`]; `None` for all.
    pub fn limit(&self) -> Option<u32> {
        self.limit.map(|limit| u32::try_from(limit.clamp(1, LIMIT_MOST)).unwrap_or(u32::MAX))
    }
}

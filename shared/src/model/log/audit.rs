//! Rows of the audit log (003 2.22), and which items a user installed.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{AppId, Guid};
use crate::store::record::Record;

/// A row of the log. It keeps names, since what they name may be gone when the row is read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogRow {
    /// Its guid.
    pub guid: Guid,
    /// When.
    pub at: Timestamp,
    /// The client's id of its device; empty where it has none.
    pub cuid: String,
    /// The client's address.
    pub address: String,
    /// The item with the type that was fetched.
    pub binary: AppId,
    /// The number of the version that was fetched.
    pub version: u32,
    /// The item's name.
    pub title: String,
    /// The user.
    pub user: Guid,
    /// His name.
    pub username: String,
}

impl Record for LogRow {
    const KIND: &'static str = "log";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.at.plus_seconds(RETENTION_SECONDS))
    }
}

/// How long rows are kept, in seconds: two years.
pub const RETENTION_SECONDS: i64 = 2 * 365 * 24 * 3600;

/// That a user installed a store item, as the item was called then: it may be gone when this is
/// read (003 10.11).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstalledItem {
    /// The item.
    pub item: AppId,
    /// Its name.
    pub title: String,
    /// When he did last.
    pub at: Timestamp,
}

impl Record for InstalledItem {
    const KIND: &'static str = "installed-item";
}

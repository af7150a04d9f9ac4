//! The log of an import of users.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::Guid;
use crate::store::record::Record;

/// How long a log is kept, in seconds: a day.
pub const LOG_SECONDS: i64 = 24 * 3600;

/// What became of the rows of a file. It holds no passwords.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportLog {
    /// Who imported.
    pub by: Guid,
    /// One line for each row, and one for all together.
    pub lines: Vec<String>,
    /// How many users were made.
    pub created: usize,
    /// How many rows were refused.
    pub refused: usize,
    /// How many rows were not tried, for want of time.
    pub untried: usize,
    /// When.
    pub at: Timestamp,
}

impl Record for ImportLog {
    const KIND: &'static str = "import";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.at.plus_seconds(LOG_SECONDS))
    }
}

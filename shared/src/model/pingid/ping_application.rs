//! Applications of PingID (002).

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::store::record::Record;

/// An application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its id, as it was written: case and every blank count.
    pub id: String,
    /// Its name. Several may have the same.
    pub name: String,
    /// Since when.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
}

impl Record for Application {
    const KIND: &'static str = "ping-application";
}

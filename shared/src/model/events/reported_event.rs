//! Ids of events that were reported from outside.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::model::events::event::RETENTION_SECONDS;
use crate::store::record::Record;

/// That an event of that id was told of: whoever reports it again is answered with the first one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// When.
    pub at: Timestamp,
}

impl Record for RecordedEvent {
    const KIND: &'static str = "told-event";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.at.plus_seconds(RETENTION_SECONDS))
    }
}

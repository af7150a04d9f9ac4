//! Ids of signed messages that were taken once.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::store::record::Record;

/// A message that was taken, kept as long as it could come again.
#[derive(Serialize, Deserialize)]
pub struct AcceptedMessage {
    pub(crate) expires: Timestamp,
}

impl Record for AcceptedMessage {
    const KIND: &'static str = "message";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

//! Calls of the older Apperian API that publish a file.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{AppId, Guid};
use crate::base::secret::SecretHash;
use crate::store::record::Record;

/// How long a publication may take, in seconds, and how long its outcome is told again.
pub const VALID_SECONDS: i64 = 3_600;

/// A publication that was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PublishingCall {
    /// The app or binary that gets a version; nothing for a new app.
    pub app: Option<AppId>,
    /// Who began it, and alone may end it.
    pub by: Guid,
    /// The tenant's name.
    pub domain: String,
    /// The hash of the credential that it was begun with.
    pub credential: SecretHash,
    /// Since when.
    pub created: Timestamp,
    /// What it became.
    pub done: Option<AppId>,
}

impl Record for PublishingCall {
    const KIND: &'static str = "publishing-call";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.created.plus_seconds(VALID_SECONDS))
    }
}

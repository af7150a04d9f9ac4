//! The keys by which a PingFederate server signs its messages.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::secret::SecretHash;
use crate::store::record::Record;

/// A tenant's PingID settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PingSettings {
    /// Its keys, the current one first: one, or two while the former one is valid.
    pub keys: Vec<PingKey>,
}

impl Record for PingSettings {
    const KIND: &'static str = "ping-settings";
}

/// A key of PingID settings. The key itself is in the credential that its token leads to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PingKey {
    /// The hash of its token.
    pub hash: SecretHash,
    /// Its token, sealed.
    pub token: String,
    /// Since when.
    pub created: Timestamp,
    /// The name of the user who had it made.
    pub created_by: String,
    /// Until when it is valid; `None` for the current one.
    pub expires: Option<Timestamp>,
}

impl PingSettings {
    /// Without the keys whose time is over.
    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        self.keys
            .retain(|key| key.expires.is_none_or(|at| at.seconds() > now.seconds()));
        self
    }
}

/// What the key of PingID settings is sealed for.
pub const SEALED_FOR: &str = "pingid";

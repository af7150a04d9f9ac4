//! Failed sign-ins that are counted, and sign-ins that wait for their provider.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::model::people::auth_policy::Policy;
use crate::store::record::Record;

/// How often something was tried in one window: the item's counter says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tries {}

impl Record for Tries {
    const KIND: &'static str = "tries";
}

/// A sign-in that waits for the browser's return. It is found by the hash of its state, and good
/// for one return.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingSignIn {
    /// The policy as it was when the sign-in began.
    pub policy: Policy,
    /// The client's id of its device.
    pub cuid: String,
    /// The app as its client named it; may be empty.
    pub client_token: String,
    /// Where the browser goes in the end; `None` for our own page.
    pub end_redirect_url: Option<String>,
    /// Where the provider was told to send the browser.
    pub callback: String,
    /// What the protocol keeps between its halves, sealed.
    pub sealed: String,
    /// Until when.
    pub expires: Timestamp,
}

impl Record for PendingSignIn {
    const KIND: &'static str = "pending-sign-in";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

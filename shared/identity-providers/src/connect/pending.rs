//! What is kept between the two halves of a sign-in in the browser.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What must be kept between the two halves of a sign-in in the browser. It is secret: callers keep
/// it sealed, for one person, and use it once. Its debug form shows nothing.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending(pub(super) Step);

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "protocol")]
pub(super) enum Step {
    #[serde(rename = "openid")]
    OpenId { verifier: String, nonce: String },
    #[serde(rename = "oauth1")]
    OAuth1 { token: String, secret: String },
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

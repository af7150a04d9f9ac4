//! Credentials: one record kind for all, found by the hash of the secret.

use serde::{Deserialize, Serialize};

use crate::access::Scopes;
use crate::clock::Timestamp;
use crate::domain::api_key::ApiKey;
use crate::domain::user::Owner;
use crate::id::Guid;
use crate::records::Record;
use crate::secret::SecretHash;

/// What a credential is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A user's API key: the whole record of it.
    UserKey(ApiKey),
    /// An app's API key: the whole record of it. It opens no administration route.
    AppKey(ApiKey),
    /// A signed-in member.
    Session,
    /// A signed-in user of an app.
    AppSession {
        /// The client's id of its device.
        cuid: String,
    },
    /// A bearer token of the publisher API.
    Bearer {
        /// What it may be used for.
        scopes: Scopes,
        /// The client that got it.
        client: Guid,
        /// The refresh token that came with it and ends with it.
        refresh: Option<SecretHash>,
    },
    /// A user's token of the Apperian API. Those that never expire are his API keys.
    UserToken,
    /// PingID settings: the record's text is their token, the tenant's name their alias.
    PingId {
        /// The key that signs messages, base64, sealed.
        key: String,
    },
    /// The token by which a client gets the next bearer token.
    Refresh {
        /// What the next one may be used for at most.
        scopes: Scopes,
        /// The client that got it, and alone may use it.
        client: Guid,
        /// The bearer token that came with it and ends with it.
        bearer: SecretHash,
    },
    /// A link by which a user sets his password: good for one time.
    SetPassword {
        /// The address that it was mailed to: good as long as it is the user's.
        email: String,
    },
}

/// A credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// What it is for.
    pub purpose: Purpose,
    /// The tenant's name.
    pub domain: String,
    /// Since when.
    pub created: Timestamp,
    /// The user's password that it came by; see
    /// [`User::generation`](crate::domain::user::User::generation). 0 for keys.
    #[serde(default)]
    pub generation: u32,
    /// Until when; `None` for keys.
    pub expires: Option<Timestamp>,
    /// The copy of its owner to be written beside it; reading leaves it empty.
    #[serde(skip)]
    pub owner: Option<Owner>,
}

impl Record for Credential {
    const KIND: &'static str = "credential";

    fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    fn owner(&self) -> Option<String> {
        self.owner
            .as_ref()
            .and_then(|owner| serde_json::to_string(owner).ok())
    }
}

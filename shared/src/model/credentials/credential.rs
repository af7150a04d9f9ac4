//! Credentials: the record that a secret's hash leads to, and the API keys that are shown again.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId, random_bytes};
use crate::base::rights::Scopes;
use crate::base::secret::{CredentialText, SecretHash};
use crate::base::text::Label;
use crate::model::people::principal::Principal;
use crate::model::people::user::Owner;
use crate::services::sealing::DataKey;
use crate::store::record::Record;
use crate::store::{Key, keys};

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "type", content = "id")]
pub enum KeyOf {
    /// A user's.
    User(Guid),
    /// An app's: at most one of them is active at any time.
    App(AppId),
}

/// An API key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// What it is found by.
    pub hash: SecretHash,
    /// Whose it is.
    pub of: KeyOf,
    /// What its owner calls it.
    pub label: Label,
    /// The key itself, sealed: the documents let its owner read it back.
    pub sealed: String,
    /// The documents' `secret`, sealed. It is never a credential.
    pub sealed_secret: String,
    /// Since when.
    pub created: Timestamp,
    /// When it was revoked first; `None` while it is active.
    pub revoked: Option<Revocation>,
}

/// Who revoked a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// The user.
    pub by: Guid,
    /// The address of the user, as it was then.
    pub email: String,
}

impl Record for ApiKey {
    const KIND: &'static str = "api-key";
}

/// Which of an app's keys was made last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latest {
    pub(crate) hash: SecretHash,
}

impl Record for Latest {
    const KIND: &'static str = "api-key-latest";
}

const SEAL_KEY: &str = "api key";

const SEAL_SECRET: &str = "api key secret";

impl ApiKey {
    pub(crate) fn row(&self, tenant_id: TenantId) -> Key {
        match &self.of {
            KeyOf::User(user) => keys::user_key(tenant_id, user, self.created, &self.hash),
            KeyOf::App(app) => keys::app_key(tenant_id, *app, self.created, &self.hash),
        }
    }

    /// The key's text.
    ///
    /// # Errors
    /// Internal.
    pub fn open(&self, key: &DataKey) -> Result<String, Error> {
        key.open(SEAL_KEY, &self.sealed)
    }

    /// The documents' `secret`.
    ///
    /// # Errors
    /// Internal.
    pub fn open_secret(&self, key: &DataKey) -> Result<String, Error> {
        key.open(SEAL_SECRET, &self.sealed_secret)
    }

    pub(crate) fn new(
        tenant_id: TenantId,
        of: KeyOf,
        label: Label,
        key: &DataKey,
        now: Timestamp,
    ) -> Result<(Self, CredentialText), Error> {
        let text = CredentialText::new_api_key(tenant_id);
        let secret = data_encoding::HEXLOWER.encode(&random_bytes::<20>());
        let made = Self {
            hash: text.hash(),
            of,
            label,
            sealed: key.seal(SEAL_KEY, text.expose())?,
            sealed_secret: key.seal(SEAL_SECRET, &secret)?,
            created: now,
            revoked: None,
        };
        Ok((made, text))
    }

    pub(crate) fn credential(self, who: &Principal, owner: Option<&Owner>) -> Credential {
        let created = self.created;
        let owner = owner.cloned();
        Credential {
            purpose: self.into(),
            domain: who.domain.clone(),
            created,
            generation: 0,
            expires: None,
            owner,
        }
    }
}

/// Most active keys of a user: each carries a copy of what the user may do, and all copies are
/// changed in one transaction.
pub const MAX_KEYS: usize = 25;

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
    /// A user's token of the Apperian API. Those that never expire are API keys.
    UserToken,
    /// The settings that sign messages (002): the record's text is their token, the tenant's name
    /// their alias.
    #[serde(rename = "ping-id")]
    MessageKey {
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
    /// A link by which a user sets a new password: good for one time.
    SetPassword {
        /// The address that it was mailed to: good as long as it is the user's.
        email: String,
    },
}

impl From<ApiKey> for Purpose {
    fn from(key: ApiKey) -> Self {
        match &key.of {
            KeyOf::User(_) => Self::UserKey(key),
            KeyOf::App(_) => Self::AppKey(key),
        }
    }
}

impl Purpose {
    /// The API key that the credential is, a user's or an app's; `None` for any other credential.
    pub fn api_key(&self) -> Option<&ApiKey> {
        match self {
            Self::UserKey(key) | Self::AppKey(key) => Some(key),
            Self::Session
            | Self::AppSession { .. }
            | Self::Bearer { .. }
            | Self::UserToken
            | Self::MessageKey { .. }
            | Self::Refresh { .. }
            | Self::SetPassword { .. } => None,
        }
    }
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
    /// [`User::generation`](crate::model::people::user::User::generation). 0 for keys.
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

    fn owner(&self) -> Result<Option<String>, serde_json::Error> {
        self.owner.as_ref().map(serde_json::to_string).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Each purpose as it is stored. What an API key is stands in a record of its own.
    #[test]
    fn purposes_keep_their_stored_names() {
        let guid = || Guid::derived(&["client"]);
        let hash = || SecretHash::of("a token");
        let (id, sum) = (json!(guid()), json!(hash()));
        let key = || ApiKey {
            hash: hash(),
            of: KeyOf::User(guid()),
            label: Label::new("a key".to_owned()).unwrap(),
            sealed: "sealed".to_owned(),
            sealed_secret: "sealed too".to_owned(),
            created: Timestamp(1),
            revoked: None,
        };
        let stored_key = json!({
            "hash": sum, "of": {"type": "user", "id": id}, "label": "a key", "sealed": "sealed",
            "sealed_secret": "sealed too", "created": 1, "revoked": null,
        });
        let scopes = Scopes::named("appm:read appm:publish");
        let rows = [
            (Purpose::UserKey(key()), json!({"user-key": stored_key})),
            (Purpose::AppKey(key()), json!({"app-key": stored_key})),
            (Purpose::Session, json!("session")),
            (
                Purpose::AppSession {
                    cuid: "a device".to_owned(),
                },
                json!({"app-session": {"cuid": "a device"}}),
            ),
            (
                Purpose::Bearer {
                    scopes,
                    client: guid(),
                    refresh: None,
                },
                json!({"bearer": {"scopes": 9, "client": id, "refresh": null}}),
            ),
            (Purpose::UserToken, json!("user-token")),
            (
                Purpose::MessageKey {
                    key: "sealed".to_owned(),
                },
                json!({"ping-id": {"key": "sealed"}}),
            ),
            (
                Purpose::Refresh {
                    scopes,
                    client: guid(),
                    bearer: hash(),
                },
                json!({"refresh": {"scopes": 9, "client": id, "bearer": sum}}),
            ),
            (
                Purpose::SetPassword {
                    email: "ada@example.com".to_owned(),
                },
                json!({"set-password": {"email": "ada@example.com"}}),
            ),
        ];
        for (purpose, stored) in rows {
            assert_eq!(serde_json::to_value(&purpose).unwrap(), stored);
            let read: Purpose = serde_json::from_value(stored.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), stored);
        }
    }
}

//! Secrets: made here, kept as hashes, compared in constant time.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{Guid, MalformedId, TenantId, base32, random_bytes};

/// The SHA-256 of a credential's whole text, as 64 hex digits: what a credential is found by.
/// The text has at least 128 random bits, so that a plain hash keeps it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Debug)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of that text.
    pub fn of(text: &str) -> Self {
        Self(data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes())))
    }

    /// Whether it is the hash of that text. It takes as long for any text of that length.
    pub fn is_of(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(Self::of(text).0.as_bytes()).into()
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text of a credential. It is printed nowhere by accident: `Debug` shows its kind alone.
#[derive(Clone, PartialEq, Eq)]
pub enum CredentialText {
    /// 40 hex digits: the tenant's id and 128 random bits (003 chapter 1). The tokens of PingID
    /// settings look alike.
    ApiKey {
        /// The tenant.
        tenant_id: TenantId,
        /// The whole text.
        text: String,
    },
    /// The cookie of a signed-in member: tenant id, user, 130 random bits; 58 characters.
    Session {
        /// The tenant.
        tenant_id: TenantId,
        /// The user.
        user: Guid,
        /// The whole text.
        text: String,
    },
    /// The session of an app's user: tenant id, user, device, policy, 130 random bits; 106
    /// characters.
    AppSession {
        /// The tenant.
        tenant_id: TenantId,
        /// The user, or the identity of somebody who is none.
        user: Guid,
        /// The device; see [`device_id`].
        device: Guid,
        /// The policy that admitted the user.
        policy: Guid,
        /// The whole text.
        text: String,
    },
    /// A bearer token of the publisher API: tenant id, user, `a`, 130 random bits; 59 characters.
    Bearer {
        /// The tenant.
        tenant_id: TenantId,
        /// The user whom it stands for.
        user: Guid,
        /// The whole text.
        text: String,
    },
    /// A user's token of the Apperian API: tenant id, user, `t`, 130 random bits; 59 characters.
    UserToken {
        /// The tenant.
        tenant_id: TenantId,
        /// The user.
        user: Guid,
        /// The whole text.
        text: String,
    },
    /// The token by which a client gets the next bearer token: tenant id, user, `r`, 130 random
    /// bits; 59 characters.
    Refresh {
        /// The tenant.
        tenant_id: TenantId,
        /// The user whom it stands for.
        user: Guid,
        /// The whole text.
        text: String,
    },
}

const HANDLE: usize = 8;

const GUID: usize = 24;

const RANDOM: usize = 26;

/// What stands before the random part of tokens that name a user, so that none passes for another.
const BEARER: &str = "a";

const USER_TOKEN: &str = "t";

const REFRESH: &str = "r";

/// The guid of a device: it always comes of the cuid that the client chose, so that no name has to
/// be looked up.
pub fn device_id(cuid: &str) -> Guid {
    Guid::derived(&["device", cuid])
}

impl CredentialText {
    /// A new API key.
    pub fn new_api_key(tenant_id: TenantId) -> Self {
        Self::ApiKey {
            tenant_id,
            text: format!(
                "{tenant_id}{}",
                data_encoding::HEXLOWER.encode(&random_bytes::<16>())
            ),
        }
    }

    /// A new cookie of a member.
    pub fn new_session(tenant_id: TenantId, user: &Guid) -> Self {
        Self::Session {
            tenant_id,
            user: user.clone(),
            text: format!(
                "{tenant_id}{user}{}",
                base32().encode(&random_bytes::<16>())
            ),
        }
    }

    /// A new session of an app's user on that device, admitted by that policy.
    pub fn new_app_session(tenant_id: TenantId, user: &Guid, device: &Guid, policy: &Guid) -> Self {
        let text = format!(
            "{tenant_id}{user}{device}{policy}{}",
            base32().encode(&random_bytes::<16>())
        );
        Self::AppSession {
            tenant_id,
            user: user.clone(),
            device: device.clone(),
            policy: policy.clone(),
            text,
        }
    }

    /// A new bearer token.
    pub fn new_bearer(tenant_id: TenantId, user: &Guid) -> Self {
        Self::Bearer {
            tenant_id,
            user: user.clone(),
            text: format!(
                "{tenant_id}{user}{BEARER}{}",
                base32().encode(&random_bytes::<16>())
            ),
        }
    }

    /// A new token of the Apperian API.
    pub fn new_user_token(tenant_id: TenantId, user: &Guid) -> Self {
        Self::UserToken {
            tenant_id,
            user: user.clone(),
            text: format!(
                "{tenant_id}{user}{USER_TOKEN}{}",
                base32().encode(&random_bytes::<16>())
            ),
        }
    }

    /// A new token to get the next bearer token by.
    pub fn new_refresh(tenant_id: TenantId, user: &Guid) -> Self {
        Self::Refresh {
            tenant_id,
            user: user.clone(),
            text: format!(
                "{tenant_id}{user}{REFRESH}{}",
                base32().encode(&random_bytes::<16>())
            ),
        }
    }

    /// The tenant whose credential it says it is.
    pub fn handle(&self) -> TenantId {
        match self {
            Self::ApiKey { tenant_id, .. }
            | Self::Session { tenant_id, .. }
            | Self::AppSession { tenant_id, .. }
            | Self::Bearer { tenant_id, .. }
            | Self::UserToken { tenant_id, .. }
            | Self::Refresh { tenant_id, .. } => *tenant_id,
        }
    }

    /// The user whose session it says it is.
    pub fn user(&self) -> Option<&Guid> {
        match self {
            Self::ApiKey { .. } => None,
            Self::Session { user, .. }
            | Self::AppSession { user, .. }
            | Self::Bearer { user, .. }
            | Self::UserToken { user, .. }
            | Self::Refresh { user, .. } => Some(user),
        }
    }

    /// The whole text, for the answer that hands it out.
    pub fn expose(&self) -> &str {
        match self {
            Self::ApiKey { text, .. }
            | Self::Session { text, .. }
            | Self::AppSession { text, .. }
            | Self::Bearer { text, .. }
            | Self::UserToken { text, .. }
            | Self::Refresh { text, .. } => text,
        }
    }

    /// What it is found by.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.expose())
    }
}

impl fmt::Debug for CredentialText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey { .. } => "ApiKey(…)",
            Self::Session { .. } => "Session(…)",
            Self::AppSession { .. } => "AppSession(…)",
            Self::Bearer { .. } => "Bearer(…)",
            Self::UserToken { .. } => "UserToken(…)",
            Self::Refresh { .. } => "Refresh(…)",
        })
    }
}

impl FromStr for CredentialText {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        if !text.is_ascii() || text.len() < HANDLE {
            return Err(MalformedId);
        }
        let tenant_id = text[..HANDLE].parse()?;
        let (user_end, device_end, policy_end) =
            (HANDLE + GUID, HANDLE + 2 * GUID, HANDLE + 3 * GUID);
        let alphanumeric = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        match text.len() {
            40 if text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) =>
            {
                Ok(Self::ApiKey {
                    tenant_id,
                    text: text.to_owned(),
                })
            }
            length if length == user_end + RANDOM && alphanumeric => Ok(Self::Session {
                tenant_id,
                user: text[HANDLE..user_end].parse()?,
                text: text.to_owned(),
            }),
            length if length == user_end + 1 + RANDOM && alphanumeric => {
                let user = text[HANDLE..user_end].parse()?;
                match &text[user_end..=user_end] {
                    BEARER => Ok(Self::Bearer {
                        tenant_id,
                        user,
                        text: text.to_owned(),
                    }),
                    USER_TOKEN => Ok(Self::UserToken {
                        tenant_id,
                        user,
                        text: text.to_owned(),
                    }),
                    REFRESH => Ok(Self::Refresh {
                        tenant_id,
                        user,
                        text: text.to_owned(),
                    }),
                    _ => Err(MalformedId),
                }
            }
            length if length == policy_end + RANDOM && alphanumeric => Ok(Self::AppSession {
                tenant_id,
                user: text[HANDLE..user_end].parse()?,
                device: text[user_end..device_end].parse()?,
                policy: text[device_end..policy_end].parse()?,
                text: text.to_owned(),
            }),
            _ => Err(MalformedId),
        }
    }
}

/// OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    #[cfg(debug_assertions)]
    if HASHING_IS_CHEAP.load(std::sync::atomic::Ordering::Relaxed) {
        let params = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap_or_default();
        return Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    }
    let params = Params::new(19_456, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Whether passwords are hashed at next to no cost in this process from now on.
#[cfg(debug_assertions)]
static HASHING_IS_CHEAP: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Has passwords hashed at next to no cost in this process from now on: for tests that make and
/// sign in many users, and for nothing else. What is deployed is built without debug assertions,
/// and does not have this function.
#[cfg(debug_assertions)]
pub fn hash_cheaply_in_tests() {
    HASHING_IS_CHEAP.store(true, std::sync::atomic::Ordering::Relaxed);
}

/// Longest password, in bytes: hashing must not be a way to burn our CPU.
pub const MAX_PASSWORD: usize = 1024;

/// The PHC string under which a password is kept (argon2id).
///
/// # Errors
/// Invalid for an empty password or one beyond [`MAX_PASSWORD`].
pub fn hash_password(password: &str) -> Result<String, Error> {
    if password.is_empty() || password.len() > MAX_PASSWORD {
        return Err(Error::invalid(Code::InvalidPassword));
    }
    Ok(argon2()
        .hash_password(password.as_bytes())
        .map_err(Error::internal)?
        .to_string())
}

/// Whether the password is the one that was hashed. Without a hash the same work is done and the
/// answer is no, so that an unknown user takes as long as a wrong password.
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    static OF_NOBODY: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| hash_password("nobody has this password").unwrap_or_default());
    if password.len() > MAX_PASSWORD {
        return false;
    }
    let text = hash.unwrap_or(&OF_NOBODY);
    let Ok(parsed) = argon2::PasswordHash::new(text) else {
        return false;
    };
    argon2()
        .verify_password(password.as_bytes(), &parsed)
        .is_ok()
        && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id;

    #[test]
    fn credentials_are_read_back_and_say_whose_they_are() {
        let (tenant_id, user, device) = (
            id::TenantId::of_name("dev"),
            id::Guid::random(),
            device_id("CUID1"),
        );
        let app_session =
            CredentialText::new_app_session(tenant_id, &user, &device, &id::Guid::random());
        let tokens = [
            CredentialText::new_bearer(tenant_id, &user),
            CredentialText::new_user_token(tenant_id, &user),
            CredentialText::new_refresh(tenant_id, &user),
        ];
        for made in [
            CredentialText::new_api_key(tenant_id),
            CredentialText::new_session(tenant_id, &user),
            app_session,
        ]
        .into_iter()
        .chain(tokens)
        {
            assert_eq!(made.expose().parse::<CredentialText>().unwrap(), made);
            assert_eq!(made.handle(), tenant_id);
            assert!(!format!("{made:?}").contains(&made.expose()[8..]));
        }
        assert_eq!(CredentialText::new_api_key(tenant_id).expose().len(), 40);
    }

    #[test]
    fn other_texts_are_no_credentials() {
        for text in [
            "",
            "x",
            "é".repeat(20).as_str(),
            "g".repeat(40).as_str(),
            "0".repeat(58).as_str().replace('0', " ").as_str(),
            "A".repeat(40).as_str(),
        ] {
            assert!(text.parse::<CredentialText>().is_err(), "{text}");
        }
    }

    #[test]
    fn passwords() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify_password("correct horse", Some(&hash)));
        assert!(!verify_password("wrong horse", Some(&hash)));
        assert!(!verify_password("nobody has this password", None));
        assert!(hash_password("").is_err());
        assert!(hash_password(&"x".repeat(MAX_PASSWORD + 1)).is_err());
    }
}

//! Clients of the token endpoint.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::Guid;
use crate::base::secret::SecretHash;
use crate::base::text::{Description, Name};
use crate::store::record::Record;

/// A way to get a token (RFC 6749 1.3).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum GrantType {
    /// By name and password of a user.
    Password,
    /// By the client alone, which stands for its owner.
    ClientCredentials,
    /// By a refresh token.
    RefreshToken,
}

impl GrantType {
    /// All of them.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The standard's name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A client of the publisher API.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    /// Its guid, the second half of its id.
    pub guid: Guid,
    /// The name that whoever registered it gave it.
    pub name: Name,
    /// The address that it named for a grant that is not offered here; kept and told, never called.
    pub callback: Description,
    /// What it may use.
    pub grants: Vec<GrantType>,
    /// The user who registered it, for whom it stands by `client_credentials`.
    pub owner: Guid,
    /// The owner's password when it was registered; see [`User::generation`]. Under another one it
    /// does not stand for him any more: who once knew the password must not stay in by a client.
    pub generation: u32,
    /// The tenant's name.
    pub domain: String,
    /// The hash of its secret.
    pub secret: SecretHash,
    /// Since when.
    pub created: Timestamp,
}

impl Record for Client {
    const KIND: &'static str = "client";
}

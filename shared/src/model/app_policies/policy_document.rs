//! Documents of policies that apps read, and the keys that sign them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::AppId;
use crate::services::sealing::DataKey;
use crate::store::record::Record;

/// A document as it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The app, with the type of the binary.
    pub binary: AppId,
    /// Counts the documents of this binary: an app takes none that is older than the one it has.
    pub serial: u64,
    /// How many policies are in it.
    pub policies: usize,
    /// When it was signed.
    pub issued: Timestamp,
    /// The compact JWS.
    pub jws: String,
}

impl Record for Published {
    const KIND: &'static str = "policy-document";
}

/// The key pair that signs a tenant's documents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DocumentKey {
    /// Its id, as the header of a signature names it.
    pub kid: String,
    /// The public half, a JWK (RFC 7517).
    pub jwk: Value,
    /// The private half, PKCS#8 in base64, sealed with the tenant's data key.
    pub sealed: String,
    /// Since when.
    pub created: Timestamp,
}

impl Record for DocumentKey {
    const KIND: &'static str = "document-key";
}

/// What the private half is sealed for.
const PURPOSE: &str = "policy document key";

impl DocumentKey {
    /// A key pair to be kept: `pkcs8` is the private half in base64, `jwk` the public one, which
    /// says its `kid`.
    ///
    /// # Errors
    /// Internal for a JWK without an id; the sealer's.
    pub fn new(pkcs8: &str, jwk: Value, data_key: &DataKey, now: Timestamp) -> Result<Self, Error> {
        let kid = jwk["kid"]
            .as_str()
            .ok_or_else(|| Error::internal("a key without an id"))?
            .to_owned();
        Ok(Self {
            kid,
            jwk,
            sealed: data_key.seal(PURPOSE, pkcs8)?,
            created: now,
        })
    }

    /// The private half, PKCS#8 in base64.
    ///
    /// # Errors
    /// Internal with another tenant's data key.
    pub fn pkcs8(&self, data_key: &DataKey) -> Result<String, Error> {
        data_key.open(PURPOSE, &self.sealed)
    }

    /// The public half as a JWK set.
    pub fn key_set(&self) -> Value {
        json!({"keys": [self.jwk]})
    }
}

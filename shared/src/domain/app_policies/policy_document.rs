//! The document of an app's policies, which the app itself reads: signed with a key of the tenant,
//! put into the package, and published where an installed app looks for a newer one
//! (`docs/app-policies.md`).
//!
//! What signs is not linked here: functions that only publish need no elliptic curves.

use serde_json::{Value, json};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, TenantId};
use crate::domain::app_policies::app_policy;
use crate::model::app_policies::policy_document::{DocumentKey, Published};
use crate::model::apps::processing::Applied;
use crate::services::sealing::DataKey;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, StoreError, Write, keys, record};

/// The media type of a signed document.
pub const CONTENT_TYPE: &str = "application/jose";

/// For how many seconds whoever gets a document or the keys may keep them.
pub const MAX_AGE: u32 = 60;

/// A tenant's key pair; `None` where nothing was signed yet.
///
/// # Errors
/// The store's.
pub async fn key(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
) -> Result<Option<DocumentKey>, Error> {
    Ok(reader
        .get::<DocumentKey>(&keys::document_key(tenant_id))
        .await?
        .map(|found| found.value))
}

/// A tenant's key pair, made by `make` at its first use: it gives the private half in base64 and
/// the public one. Of several first uses at once all get the same.
///
/// # Errors
/// What `make` gives; the sealer's; the store's.
pub async fn key_or_new(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    data_key: &DataKey,
    make: impl FnOnce() -> Result<(String, Value), Error> + Send,
) -> Result<DocumentKey, Error> {
    if let Some(found) = key(reader, tenant_id).await? {
        return Ok(found);
    }
    let (pkcs8, jwk) = make()?;
    let made = DocumentKey::new(&pkcs8, jwk, data_key, reader.now())?;
    match reader
        .table()
        .write(vec![record::create(keys::document_key(tenant_id), &made)?])
        .await
    {
        Ok(()) => {
            reader.forget();
            Ok(made)
        }
        Err(StoreError::Condition { .. } | StoreError::Contended(_)) => {
            reader.forget();
            key(reader, tenant_id).await?.ok_or_else(|| {
                Error::unavailable("the key pair of the policy documents was contended")
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// The published document of a binary; `None` where there never was one.
///
/// # Errors
/// The store's.
pub async fn published(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    binary: AppId,
) -> Result<Option<Stored<Published>>, Error> {
    reader.get(&keys::policy_document(tenant_id, binary)).await
}

/// The word for a type of binary in documents: an app knows its platform and not the type of its
/// package.
fn platform(kind: BinaryType) -> &'static str {
    if kind == BinaryType::Android {
        "android"
    } else {
        "ios"
    }
}

/// A document that is to be signed.
#[derive(Clone, Debug)]
pub struct Unsigned<'a> {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The app, with the type of the binary.
    pub binary: AppId,
    /// The identifier that was read from the package.
    pub identifier: &'a str,
    /// The policies; none to let installed apps go.
    pub policies: &'a [Applied],
    /// The address where it is published.
    pub url: &'a str,
    /// When it is signed.
    pub issued: Timestamp,
    /// The document before it.
    pub former: Option<&'a Published>,
}

impl Unsigned<'_> {
    /// Its number: one more than that of the document before it.
    pub fn serial(&self) -> u64 {
        self.former.map_or(1, |former| former.serial + 1)
    }

    /// What is signed.
    ///
    /// # Errors
    /// Internal for the id of an item, which has no package.
    pub fn payload(&self) -> Result<Value, Error> {
        let kind = self
            .binary
            .kind()
            .ok_or_else(|| Error::internal("a document of policies for no binary"))?;
        let policies: Vec<Value> = self.policies.iter().map(described).collect();
        Ok(json!({
            "tenant": self.tenant_id,
            "application": self.binary.base64url(),
            "bundle_id": self.identifier,
            "platform": platform(kind),
            "issued": self.issued.rfc3339(),
            "serial": self.serial(),
            "policies": policies,
            "url": self.url,
        }))
    }

    /// Its record, once it is signed.
    pub fn signed(&self, jws: String) -> Published {
        Published {
            binary: self.binary,
            serial: self.serial(),
            policies: self.policies.len(),
            issued: self.issued,
            jws,
        }
    }
}

fn described(applied: &Applied) -> Value {
    let is_dynamic =
        app_policy::by_policy_id(&applied.policy_id).is_some_and(|policy| policy.is_dynamic);
    json!({
        "policy_id": applied.policy_id,
        "configuration": applied.configuration,
        "auth_required": applied.auth_required,
        "is_dynamic": is_dynamic,
    })
}

/// The write that publishes a document in place of the one before it. It belongs into the
/// transaction that ends the job.
///
/// # Errors
/// Internal.
pub fn publish(
    tenant_id: TenantId,
    former: Option<Stored<Published>>,
    new: Published,
) -> Result<Write, Error> {
    match former {
        Some(found) => Stored {
            value: new,
            ..found
        }
        .replace(),
        None => record::put(
            keys::policy_document(tenant_id, new.binary),
            &new,
            Condition::Absent,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{clock, id};
    use crate::model::app_policies::policy_document;
    use crate::model::apps::processing;
    use crate::services::sealing;

    #[test]
    fn a_document_says_what_an_app_must_know() {
        let (tenant_id, binary) = (
            id::TenantId::of_name("dev"),
            id::AppId::new(clock::Timestamp(1_700_000_000_000)).binary(id::BinaryType::Ipad),
        );
        let configuration = Some([("open_webpage_frequency".to_owned(), json!("1"))].into());
        let applied = processing::Applied {
            id: id::AppId::new(clock::Timestamp(0)),
            policy_id: "com.apperian.open-webpage-url".to_owned(),
            configuration,
            auth_required: true,
        };
        let issued = clock::Timestamp(1_351_850_808_034);
        let url = "https://store.example/a/document";
        let mut document = Unsigned {
            tenant_id,
            binary,
            identifier: "com.example.app",
            policies: &[applied],
            url,
            issued,
            former: None,
        };
        let id = binary.base64url();
        let policy = json!({
            "policy_id": "com.apperian.open-webpage-url",
            "configuration": {"open_webpage_frequency": "1"},
            "auth_required": true,
            "is_dynamic": true,
        });
        let wanted = json!({
            "tenant": tenant_id.to_string(),
            "application": id,
            "bundle_id": "com.example.app",
            "platform": "ios",
            "issued": "2012-11-02T10:06:48Z",
            "serial": 1,
            "policies": [policy],
            "url": url,
        });
        assert_eq!(document.payload().unwrap(), wanted);
        let former = document.signed("a.b.c".to_owned());
        document.former = Some(&former);
        document.policies = &[];
        let payload = document.payload().unwrap();
        assert_eq!(
            (payload["serial"].clone(), payload["policies"].clone()),
            (json!(2), json!([]))
        );
    }

    #[test]
    fn the_private_half_is_sealed() {
        let (ours, theirs) = (sealing::DataKey::random(), sealing::DataKey::random());
        let key = policy_document::DocumentKey::new(
            "cHJpdmF0ZQ==",
            json!({"kid": "k"}),
            &ours,
            clock::Timestamp(0),
        )
        .unwrap();
        assert!(!serde_json::to_string(&key).unwrap().contains("cHJpdmF0ZQ"));
        assert_eq!(key.pkcs8(&ours).unwrap(), "cHJpdmF0ZQ==");
        assert!(key.pkcs8(&theirs).is_err());
        assert_eq!(key.key_set(), json!({"keys": [{"kid": "k"}]}));
        assert!(
            policy_document::DocumentKey::new("x", json!({}), &ours, clock::Timestamp(0)).is_err()
        );
    }
}

//! Encryption at rest of values that a document lets an administrator read back.
//!
//! Each tenant has one data key, kept in its record wrapped under a key that is not in the table:
//! KMS on AWS, a key file in the data folder locally.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::base::error::Error;
use crate::base::id::{TenantId, random_bytes};
use crate::base::remote;
use crate::services::signed_calls::{Call, SignedCalls};

/// Wraps data keys under a key that never leaves its keeper.
#[async_trait]
pub trait KeyKeeper: Send + Sync {
    /// The data key, wrapped.
    ///
    /// # Errors
    /// Unavailable.
    async fn wrap(&self, tenant: TenantId, key: &[u8; 32]) -> Result<Vec<u8>, Error>;

    /// A wrapped data key, open.
    ///
    /// # Errors
    /// Unavailable; internal for what was never wrapped by this keeper for this tenant.
    async fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> Result<[u8; 32], Error>;
}

/// A tenant's open data key: seals, opens and signs.
#[derive(Clone)]
pub struct DataKey([u8; 32]);

const NONCE: usize = 12;

impl DataKey {
    /// A new key.
    pub fn random() -> Self {
        Self(random_bytes())
    }

    /// Seals a text for one purpose; it opens only under the same purpose. Gives base64.
    ///
    /// # Errors
    /// Internal.
    pub fn seal(&self, purpose: &str, text: &str) -> Result<String, Error> {
        Ok(STANDARD.encode(seal(&self.0, purpose, text.as_bytes())?))
    }

    /// Opens what [`seal`](Self::seal) gave.
    ///
    /// # Errors
    /// Internal for anything else.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<String, Error> {
        let bytes = STANDARD.decode(sealed).map_err(Error::internal)?;
        String::from_utf8(open(&self.0, purpose, &bytes)?).map_err(Error::internal)
    }

    fn mac(&self, purpose: &str, message: &[u8]) -> Hmac<Sha256> {
        // An HMAC key has no wrong length.
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(b"appdepot signature\0");
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(message);
        mac
    }

    /// The signature of a message for one purpose.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> Vec<u8> {
        self.mac(purpose, message).finalize().into_bytes().to_vec()
    }

    /// Whether the signature is the message's; compared in constant time.
    pub fn verify(&self, purpose: &str, message: &[u8], signature: &[u8]) -> bool {
        self.mac(purpose, message).verify_slice(signature).is_ok()
    }
}

fn seal(key: &[u8; 32], purpose: &str, message: &[u8]) -> Result<Vec<u8>, Error> {
    let nonce = random_bytes::<NONCE>();
    let cipher = Aes256Gcm::new(key.into());
    let sealed = cipher
        .encrypt(
            &Nonce::from(nonce),
            Payload {
                msg: message,
                aad: purpose.as_bytes(),
            },
        )
        .map_err(|_| Error::internal("sealing failed"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(key: &[u8; 32], purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let (nonce, message) = sealed
        .split_first_chunk::<NONCE>()
        .ok_or_else(|| Error::internal("a sealed value is too short"))?;
    let cipher = Aes256Gcm::new(key.into());
    let opened = cipher.decrypt(
        &Nonce::from(*nonce),
        Payload {
            msg: message,
            aad: purpose.as_bytes(),
        },
    );
    opened.map_err(|_| Error::internal("a sealed value does not open"))
}

/// A keeper whose key is a file's 32 bytes: the local server's.
pub struct FileKeeper {
    key: [u8; 32],
}

impl FileKeeper {
    /// A keeper with that key.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }
}

#[async_trait]
impl KeyKeeper for FileKeeper {
    async fn wrap(&self, tenant: TenantId, key: &[u8; 32]) -> Result<Vec<u8>, Error> {
        seal(&self.key, &format!("data key of {tenant}"), key)
    }

    async fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> Result<[u8; 32], Error> {
        let key = open(&self.key, &format!("data key of {tenant}"), wrapped)?;
        key.try_into()
            .map_err(|_| Error::internal("a data key of the wrong length"))
    }
}

/// A keeper that asks KMS.
pub struct KmsKeeper {
    kms: SignedCalls,
    key_id: String,
}

impl KmsKeeper {
    /// A keeper with that KMS key, by calls of KMS.
    pub fn new(kms: SignedCalls, key_id: impl Into<String>) -> Self {
        Self {
            kms,
            key_id: key_id.into(),
        }
    }

    /// Has an operation of KMS turn the bytes in the field `given` into those of the field `asked`.
    async fn ask(
        &self,
        operation: &'static str,
        tenant: TenantId,
        (given, bytes): (&str, &[u8]),
        asked: &str,
    ) -> Result<Vec<u8>, Error> {
        let call = Call {
            path: "/",
            target: Some(operation),
            content_type: "application/x-amz-json-1.1",
            body: serde_json::json!({
                "KeyId": self.key_id,
                "EncryptionContext": {"tenant": tenant.to_string()},
                given: STANDARD.encode(bytes),
            }),
        };
        let answer = self.kms.call(call).await;
        let answer = answer.map_err(|error| remote::failure(&error))?;
        let bytes = answer
            .get(asked)
            .and_then(serde_json::Value::as_str)
            .ok_or_else(|| Error::unavailable(format!("KMS gave no {asked}")))?;
        STANDARD.decode(bytes).map_err(Error::internal)
    }
}

#[async_trait]
impl KeyKeeper for KmsKeeper {
    async fn wrap(&self, tenant: TenantId, key: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let plain = ("Plaintext", key.as_slice());
        self.ask("TrentService.Encrypt", tenant, plain, "CiphertextBlob")
            .await
    }

    async fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> Result<[u8; 32], Error> {
        let sealed = ("CiphertextBlob", wrapped);
        let key = self.ask("TrentService.Decrypt", tenant, sealed, "Plaintext");
        key.await?
            .try_into()
            .map_err(|_| Error::internal("a data key of the wrong length"))
    }
}

/// How long an open data key is kept in the function.
const CACHED: Duration = Duration::from_secs(300);

/// An open data key, with when it was opened and what it was opened from.
struct Opened {
    at: Instant,
    wrapped: Vec<u8>,
    key: DataKey,
}

/// Opens tenants' data keys and keeps them for minutes.
pub struct Sealer {
    keeper: Box<dyn KeyKeeper>,
    open: Mutex<HashMap<TenantId, Opened>>,
}

impl Sealer {
    /// A sealer over that keeper.
    pub fn new(keeper: impl KeyKeeper + 'static) -> Self {
        Self {
            keeper: Box::new(keeper),
            open: Mutex::default(),
        }
    }

    /// A new data key, wrapped for the tenant's record (base64).
    ///
    /// # Errors
    /// The keeper's.
    pub async fn new_key(&self, tenant: TenantId) -> Result<String, Error> {
        Ok(STANDARD.encode(self.keeper.wrap(tenant, &DataKey::random().0).await?))
    }

    /// The tenant's data key, from what its record keeps.
    ///
    /// # Errors
    /// The keeper's.
    pub async fn data_key(&self, tenant: TenantId, wrapped: &str) -> Result<DataKey, Error> {
        let wrapped = STANDARD.decode(wrapped).map_err(Error::internal)?;
        {
            let open = self
                .open
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(opened) = open.get(&tenant)
                && opened.at.elapsed() < CACHED
                && opened.wrapped == wrapped
            {
                return Ok(opened.key.clone());
            }
        }
        let key = DataKey(self.keeper.unwrap(tenant, &wrapped).await?);
        let mut open = self
            .open
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        open.retain(|_, opened| opened.at.elapsed() < CACHED);
        open.insert(
            tenant,
            Opened {
                at: Instant::now(),
                wrapped,
                key: key.clone(),
            },
        );
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id;

    #[tokio::test]
    async fn a_sealed_value_opens_only_for_its_tenant_and_purpose() {
        let (ours, theirs) = (
            id::TenantId::of_name("ours"),
            id::TenantId::of_name("theirs"),
        );
        let sealer = Sealer::new(FileKeeper::new([7; 32]));
        let wrapped = sealer.new_key(ours).await.unwrap();
        let key = sealer.data_key(ours, &wrapped).await.unwrap();
        let sealed = key.seal("api key", "secret").unwrap();
        assert!(!sealed.contains("secret"));
        assert_eq!(key.open("api key", &sealed).unwrap(), "secret");
        assert!(key.open("other", &sealed).is_err());
        assert!(sealer.data_key(theirs, &wrapped).await.is_err());
        assert!(key.verify("link", b"m", &key.sign("link", b"m")));
        assert!(!key.verify("link", b"n", &key.sign("link", b"m")));
        assert!(!key.verify("page", b"m", &key.sign("link", b"m")));
    }
    #[tokio::test]
    async fn kms_is_sent_what_its_sdk_sends() {
        use crate::services::signed_calls::{Service, tests};
        let plain = STANDARD.encode([7; 32]);
        let (address, serving) = tests::service(vec![
            ("200 OK", r#"{"KeyId":"k","CiphertextBlob":"c2VhbGVk"}"#),
            (
                "200 OK",
                r#"{"Plaintext":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}"#,
            ),
            ("200 OK", r#"{"Plaintext":"BwcH"}"#),
            (
                "400 Bad Request",
                r#"{"__type":"AccessDeniedException","Message":"not you"}"#,
            ),
        ]);
        let keeper = KmsKeeper::new(tests::calls(Service::Kms, &address), "alias/appdepot");
        let tenant = id::TenantId::of_name("ours");
        assert_eq!(keeper.wrap(tenant, &[7; 32]).await.unwrap(), b"sealed");
        assert_eq!(keeper.unwrap(tenant, b"sealed").await.unwrap(), [7; 32]);
        assert!(keeper.unwrap(tenant, b"sealed").await.is_err());
        assert!(keeper.unwrap(tenant, b"sealed").await.is_err());

        let requests = serving.join().unwrap();
        for (number, target, given, value) in [
            (0, "trentservice.encrypt", "Plaintext", plain.as_str()),
            (1, "trentservice.decrypt", "CiphertextBlob", "c2VhbGVk"),
        ] {
            let (head, body) = requests[number].split_once("\r\n\r\n").unwrap();
            let head = head.to_ascii_lowercase();
            assert!(head.starts_with("post / http/1.1\r\n"), "{head}");
            for header in [
                "content-type: application/x-amz-json-1.1\r\n",
                &format!("x-amz-target: {target}\r\n"),
                "/eu-central-1/kms/aws4_request, signedheaders=",
            ] {
                assert!(head.contains(header), "{header} is not in {head}");
            }
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(
                body,
                serde_json::json!({
                    "KeyId": "alias/appdepot",
                    "EncryptionContext": {"tenant": tenant.to_string()},
                    given: value,
                })
            );
        }
    }
}

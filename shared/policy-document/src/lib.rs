//! Signs the documents of apps' policies: compact JWS (RFC 7515) with ES256, which both platforms
//! verify with what they have.
//!
//! A crate of its own, so that functions which only publish documents link no elliptic curves.
//! Nothing is read or kept here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The `typ` of the header: what was signed for something else is no document of policies.
pub const TYPE: &str = "app-policies";

/// Why nothing was signed: the key is none. It says nothing of the key.
#[derive(Debug)]
pub struct KeyError(&'static str);

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for KeyError {}

/// A new key pair.
pub struct KeyPair {
    /// The private half, PKCS#8 in base64.
    pub pkcs8: String,
    /// The public half, a JWK (RFC 7517) with its thumbprint (RFC 7638) as `kid`.
    pub jwk: Value,
}

/// Makes a key pair of P-256 from the generator that all secrets here come from.
///
/// # Errors
/// Where the pair cannot be written.
pub fn new_key() -> Result<KeyPair, KeyError> {
    let secret = loop {
        // A number beyond the curve's order is no key: one in 2^32 is.
        if let Ok(secret) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
            break secret;
        }
    };
    let pkcs8 = secret
        .to_pkcs8_der()
        .map_err(|_| KeyError("a new key cannot be written"))?;
    let point = secret.public_key().to_sec1_bytes();
    // Uncompressed: 4, then both coordinates.
    let (x, y) = point
        .get(1..65)
        .map(|both| both.split_at(32))
        .ok_or(KeyError("a new key has no point"))?;
    let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    let kid = thumbprint(&x, &y);
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256",
    });
    Ok(KeyPair {
        pkcs8: STANDARD.encode(pkcs8.as_bytes()),
        jwk,
    })
}

/// The members that a key has by necessity, in the order of their names.
fn thumbprint(x: &str, y: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(
        r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#
    )))
}

/// The payload as a compact JWS. `pkcs8` is the private half in base64, `kid` the id of the pair.
/// The same payload gives the same text (RFC 6979).
///
/// # Errors
/// For what is no private key of P-256.
pub fn sign(pkcs8: &str, kid: &str, payload: &Value) -> Result<String, KeyError> {
    let der = STANDARD
        .decode(pkcs8)
        .map_err(|_| KeyError("the key is not base64"))?;
    let key = SigningKey::from_pkcs8_der(&der)
        .map_err(|_| KeyError("the key is no private key of P-256"))?;
    let header = json!({"alg": "ES256", "kid": kid, "typ": TYPE}).to_string();
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload.to_string())
    );
    let signature: Signature = key.sign(signed.as_bytes());
    Ok(format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(signature.to_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    fn decoded(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn verifies(jws: &str, jwk: &Value) -> bool {
        let (signed, signature) = jws.rsplit_once('.').unwrap();
        let [x, y] = ["x", "y"].map(|name| decoded(jwk[name].as_str().unwrap()));
        let point = [&[4][..], &x, &y].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &decoded(signature))
            .is_ok()
    }

    #[test]
    fn what_is_signed_here_another_library_verifies() {
        let (ours, theirs) = (new_key().unwrap(), new_key().unwrap());
        let kid = ours.jwk["kid"].as_str().unwrap();
        let payload = json!({"application": "XWJKqWeLM5-tp8N09-gTEw", "policies": [], "note": "é"});
        let jws = sign(&ours.pkcs8, kid, &payload).unwrap();
        assert!(verifies(&jws, &ours.jwk) && !verifies(&jws, &theirs.jwk));
        let parts: Vec<&str> = jws.split('.').collect();
        let header: Value = serde_json::from_slice(&decoded(parts[0])).unwrap();
        assert_eq!(
            header,
            json!({"alg": "ES256", "kid": kid, "typ": "app-policies"})
        );
        assert_eq!(
            serde_json::from_slice::<Value>(&decoded(parts[1])).unwrap(),
            payload
        );
        let forged = format!(
            "{}.{}.{}",
            parts[0],
            URL_SAFE_NO_PAD.encode(r#"{"policies":[]}"#),
            parts[2]
        );
        assert!(!verifies(&forged, &ours.jwk));
        assert_eq!(
            sign(&ours.pkcs8, kid, &payload).unwrap(),
            jws,
            "the same is signed the same"
        );
        assert_ne!(ours.jwk["kid"], theirs.jwk["kid"]);
    }

    #[test]
    fn the_thumbprint_is_the_standards() {
        // RFC 7638 has no example of a curve: this one was computed by `openssl dgst -sha256
        // -binary | basenc --base64url`.
        let (x, y) = (
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        );
        assert_eq!(
            thumbprint(x, y),
            "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
        );
    }

    #[test]
    fn what_is_no_key_signs_nothing() {
        for key in ["", "?", "AAAA", &STANDARD.encode([0; 138])] {
            let error = sign(key, "k", &json!({})).unwrap_err();
            assert!(error.to_string().starts_with("the key is no"), "{error}");
        }
    }
}

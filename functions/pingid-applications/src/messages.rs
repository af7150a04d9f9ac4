//! How messages are written: a compact JWS (RFC 7515), HS256 alone, whose header names the settings
//! that sign it and whose payload is `{"reqHeader":{…},"reqBody":{…}}`, for answers
//! `{"responseBody":{…}}`.

use std::sync::Once;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::crypto::{self, CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey, Header};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use sha2::Sha256;
use shared::base::clock::Timestamp;
use shared::base::error::Error;
use shared::http::messages::{Opened, SignedMessages};

/// The largest message that is taken, in bytes.
pub const MAX_MESSAGE: usize = 262_144;

/// Fewest bytes of a key (RFC 7518 3.2).
const KEY_LEAST: usize = 32;

/// The messages of this API.
pub struct Messages;

impl SignedMessages for Messages {
    fn open(&self, body: &[u8]) -> Result<Opened, Error> {
        if body.len() > MAX_MESSAGE {
            return Err(Error::too_large(format!(
                "The message is larger than {MAX_MESSAGE} bytes"
            )));
        }
        let no_message = || Error::invalid("The body is not a signed message");
        let text = std::str::from_utf8(body.trim_ascii()).map_err(|_| no_message())?;
        let parts: Vec<&str> = text.splitn(4, '.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(no_message());
        };
        let decoded = |part: &str| {
            URL_SAFE_NO_PAD
                .decode(part)
                .ok()
                .filter(|bytes| !bytes.is_empty())
                .ok_or_else(no_message)
        };
        let (header, payload) = (decoded(header)?, decoded(payload)?);
        // An empty one would be what `alg: none` asks for; the other parts say so in better words.
        if !signature.is_empty() {
            decoded(signature)?;
        }
        let Head {
            alg,
            org_alias,
            org_alias_too,
            token,
            crit,
            b64,
        } = part("header", &header)?;
        if alg.as_deref() != Some("HS256") {
            return Err(refused("alg in its header must be HS256"));
        }
        if crit || b64 {
            return Err(refused("its header may not hold crit or b64"));
        }
        let (Some(token), true) = (token, org_alias.is_some() || org_alias_too.is_some()) else {
            return Err(refused("its header must hold org_alias and token"));
        };
        let aliases = [org_alias, org_alias_too].into_iter().flatten().collect();
        let mut opened = Opened {
            token,
            aliases,
            tokens: Vec::new(),
            sent: None,
            input: Map::new(),
            echo: Value::Null,
            problem: None,
        };
        // Who sent it is known by its header: what is wrong with the rest is told in a signed
        // answer.
        opened.problem = read_payload(&payload, &mut opened).err();
        Ok(opened)
    }

    fn verify(&self, body: &[u8], key: &[u8]) -> Result<(), Error> {
        if key.len() < KEY_LEAST {
            return Err(Error::internal("a key that is too short to sign with"));
        }
        install();
        // The signature alone: what stands in header and payload is judged by who opened the
        // message.
        let text = std::str::from_utf8(body.trim_ascii()).unwrap_or_default();
        let (message, signature) = text.rsplit_once('.').unwrap_or_default();
        match crypto::verify(
            signature,
            message.as_bytes(),
            &DecodingKey::from_secret(key),
            Algorithm::HS256,
        ) {
            Ok(true) => Ok(()),
            Ok(false) => Err(not_valid("another signature")),
            Err(error) => Err(not_valid(error)),
        }
    }

    fn sign(&self, alias: &str, token: &str, key: &[u8], payload: &Value) -> Result<String, Error> {
        install();
        let mut header = Header::new(Algorithm::HS256);
        header.typ = None;
        header.extras.insert("org_alias", alias);
        header.extras.insert("token", token);
        jsonwebtoken::encode(&header, payload, &EncodingKey::from_secret(key))
            .map_err(Error::internal)
    }
}

/// What of a message's payload counts, into what is known of the message.
fn read_payload(payload: &[u8], opened: &mut Opened) -> Result<(), Error> {
    let payload: Payload = part("payload", payload)?;
    let (req_header, req_body) = match payload {
        // Our own answers are signed with the same key: none of them may come back as a request.
        Payload {
            response_body: true,
            ..
        }
        | Payload {
            req_header: None,
            req_body: None,
            ..
        } => {
            return Err(Error::invalid(
                "The message's payload must be an object with reqHeader and reqBody",
            ));
        }
        Payload {
            req_header,
            req_body,
            ..
        } => (req_header.unwrap_or_default(), req_body.unwrap_or_default()),
    };
    let named = |name: &str| match req_header.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::invalid(format!("reqHeader.{name} must be a text"))),
    };
    opened.echo = req_body.get("clientData").cloned().unwrap_or_default();
    opened.aliases.extend(named("orgAlias")?);
    opened.tokens.extend(named("secretKey")?);
    opened.sent = req_header
        .get("timestamp")
        .and_then(Value::as_str)
        .and_then(Timestamp::read);
    opened.input = req_body;
    Ok(())
}

fn not_valid(cause: impl std::fmt::Display) -> Error {
    Error {
        cause: Some(cause.to_string()),
        ..Error::forbidden("Request signature is not valid")
    }
}

/// A signature that could not count, whoever made it. These words tell nothing of what is kept
/// here.
fn refused(why: &str) -> Error {
    Error::forbidden(format!("Request signature is not valid: {why}"))
}

/// What of a message's header counts. A field that stands twice is refused by its type, and what
/// else stands there is ignored: a key in it above all.
#[derive(Deserialize)]
struct Head {
    alg: Option<String>,
    org_alias: Option<String>,
    #[serde(rename = "orgAlias")]
    org_alias_too: Option<String>,
    token: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
    #[serde(default, deserialize_with = "is_there")]
    b64: bool,
}

/// What of a message's payload counts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    req_header: Option<Map<String, Value>>,
    req_body: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "is_there")]
    response_body: bool,
}

/// That a field stands there, whatever it says.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn part<T: DeserializeOwned>(name: &str, json: &[u8]) -> Result<T, Error> {
    let unread = || {
        Error::invalid(format!(
            "The message's {name} must be a JSON object with no field of its own twice"
        ))
    };
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(unread());
    }
    serde_json::from_slice(json).map_err(|error| Error {
        cause: Some(error.to_string()),
        ..unread()
    })
}

/// HMAC-SHA-256 for `jsonwebtoken`, whose own ways to it come with RSA and elliptic curves, which
/// nothing here may use.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Tells the library by what it signs, once in a process. A second teller is told no, and what the
/// first one said serves both.
fn install() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        // Another function in the same process, as the local server has them, may have been first.
        PROVIDER.install_default().unwrap_or_default();
    });
}

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(algorithm: Algorithm, key: &[u8]) -> jsonwebtoken::errors::Result<Self> {
        if algorithm != Algorithm::HS256 || key.len() < KEY_LEAST {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        Ok(Self(
            Hmac::new_from_slice(key).map_err(|_| ErrorKind::InvalidKeyFormat)?,
        ))
    }
}

fn signer(
    algorithm: &Algorithm,
    key: &EncodingKey,
) -> jsonwebtoken::errors::Result<Box<dyn JwtSigner>> {
    Ok(Box::new(Hs256::new(*algorithm, key.as_bytes())?))
}

fn verifier(
    algorithm: &Algorithm,
    key: &DecodingKey,
) -> jsonwebtoken::errors::Result<Box<dyn JwtVerifier>> {
    match key.kind() {
        DecodingKeyKind::SecretOrDer(key) => Ok(Box::new(Hs256::new(*algorithm, key)?)),
        DecodingKeyKind::RsaModulusExponent { .. } => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self
            .0
            .clone()
            .chain_update(message)
            .finalize()
            .into_bytes()
            .to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.0
            .clone()
            .chain_update(message)
            .verify_slice(signature)
            .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.1.
    #[test]
    fn the_published_example_verifies_under_its_key_and_no_other() {
        let header = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
        let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA\
            4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let message = format!("{header}.{payload}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let mut key = URL_SAFE_NO_PAD
            .decode(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-\
            1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
            )
            .unwrap();
        Messages.verify(message.as_bytes(), &key).unwrap();
        Messages
            .verify(format!(" {message}\r\n").as_bytes(), &key)
            .unwrap();
        key[0] ^= 1;
        assert!(Messages.verify(message.as_bytes(), &key).is_err());
    }

    /// The answer that PingID's own guide to registration prints, under the key that it prints.
    #[test]
    fn the_printed_answer_of_the_original_verifies() {
        let message = concat!(
            "eyJhbGciOiJIUzI1NiIsIm9yZ19hbGlhcyI6ImFhYWFhY\
            WFhLWExYjItMTIzYS1iNDU2LTEyMzRhYmNkNTY3OCIsInRva2VuIjoiMWEyYjNjNGQ1ZTZmIn0.eyAgImFjdGl\
            2YXRpb25Db2RlIjogIj",
            "I5MjA3MDUyMjcwMSIsICAgICJ1c2VyRGV0YWlscyI6IHs\
            gICAgICAiZW1haWwiOiAibWVyZWRpdGhAcGluZ2RldmVsb3BlcnMuY29tIiwgICAgICAidXNlcklkIjogMTc0N\
            TcsICAgICAgImxuYW1l",
            "IjogIkFyY2hlciIsICAgICAgInVzZXJFbmFibGVkIjogZ\
            mFsc2UsICAgICAgImZuYW1lIjogIk1lcmVkaXRoIiwgICAgICAicGljVVJMIjogIkIyVU1PVUlGRUwzQ1FIVlY\
            0S08zWjVSMk8yRlRKWU",
            "FWVDMzTlVINk1NSTRCNUdPU1BJWkFSTkE9IiwgICAgICA\
            ic3BMaXN0IjogW10sICAgICAgImxhc3RMb2dpbiI6IG51bGwsICAgICAgImJ5cGFzc0V4cGlyYXRpb24iOiBud\
            WxsLCAgICAgICJkZXZp",
            "Y2VEZXRhaWxzIjogbnVsbCwgICAgICAibGFzdFRyYW5zY\
            WN0aW9ucyI6IFtdLCAgICAgICJ1c2VySW5CeXBhc3MiOiBmYWxzZSwgICAgICAidXNlck5hbWUiOiAibWVyZWR\
            pdGgiLCAgICAgICJzdG",
            "F0dXMiOiAiUEVORElOR19BQ1RJVkFUSU9OIiwgICAgICA\
            icm9sZSI6ICJSRUdVTEFSIiAgICB9LCAgICAiZXJyb3JJZCI6IDIwMCwgICAgInVuaXF1ZU1zZ0lkIjogIndlY\
            nNfT3pHVGVXemxGeENy",
            "ejVhZXRuOUlnUlFIWGxXLVlqaGgxcU9BeGtLdmJkSSIsI\
            CAgICJlcnJvck1zZyI6ICJvayIsICAgICJjbGllbnREYXRhIjogbnVsbCAgfQ.6XMoyLUdrw7Y124-X4gNnIpj\
            -s1qMNx-5TMXCvog5eg",
        );
        let key = base64::engine::general_purpose::STANDARD
            .decode("JWC41crr322aUfdckVfJKHvGKNIPyAPGL7rMsTbzHlA=")
            .unwrap();
        Messages.verify(message.as_bytes(), &key).unwrap();
        assert!(
            Messages
                .verify(message.replace(".6XM", ".7XM").as_bytes(), &key)
                .is_err()
        );
        assert!(
            Messages.open(message.as_bytes()).unwrap().problem.is_some(),
            "an answer is no request"
        );
    }

    #[test]
    fn short_keys_sign_and_verify_nothing() {
        let signed = Messages
            .sign("dev", "token", &[7; 32], &serde_json::json!({}))
            .unwrap();
        Messages.verify(signed.as_bytes(), &[7; 32]).unwrap();
        for length in [0, 1, 31] {
            assert!(
                Messages
                    .sign("dev", "token", &vec![7; length], &serde_json::json!({}))
                    .is_err(),
                "{length}"
            );
            assert!(
                Messages
                    .verify(signed.as_bytes(), &vec![7; length])
                    .is_err(),
                "{length}"
            );
        }
    }
}

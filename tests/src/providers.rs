//! Providers of identity on this machine, each as small as the test of a sign-in needs it. The
//! protocols themselves are tested where they are spoken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use shared::base::clock::Clock as _;
use shared::base::clock::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request that came to a provider.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The path.
    pub path: String,
    /// The query.
    pub query: BTreeMap<String, String>,
    /// `Authorization`.
    pub authorization: String,
    /// The body.
    pub body: String,
}

/// The fields of a query or form.
pub fn fields(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

/// A provider that speaks HTTP at 127.0.0.1, and what it was asked. It ends with the runtime of the
/// test.
pub struct Provider {
    /// Its address without a path.
    pub origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Provider {
    /// A provider with that answer, a status and a body, to each request.
    pub async fn start(
        answer: impl Fn(&str, &Asked) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, heard, own) = (Arc::new(answer), Arc::clone(&asked), origin.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, heard, own) = (Arc::clone(&answer), Arc::clone(&heard), own.clone());
                tokio::spawn(
                    async move { serve(stream, &heard, |asked| answer(&own, asked)).await },
                );
            }
        });
        Self { origin, asked }
    }

    /// A company's own endpoint with that answer to each request.
    pub async fn endpoint(answer: impl Fn(Value) -> (u16, Value) + Send + Sync + 'static) -> Self {
        Self::start(move |_, asked| {
            let (status, body) = answer(serde_json::from_str(&asked.body).unwrap_or_default());
            (status, body.to_string())
        })
        .await
    }

    /// An OpenID provider whose people are the claims that `claims` gives at each sign-in.
    pub async fn open_id(claims: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
                .expect("a key");
        let nonce = Mutex::new(String::new());
        Self::start(move |own, asked| {
            let body = match asked.path.as_str() {
                "/.well-known/openid-configuration" => json!({
                    "issuer": own,
                    "authorization_endpoint": format!("{own}/authorize"),
                    "token_endpoint": format!("{own}/token"),
                    "jwks_uri": format!("{own}/keys"),
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256"],
                }),
                "/keys" => {
                    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
                    json!({
                        "keys": [
                            {
                                "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
                                "kid": "1", "x": x, "y": y,
                            },
                        ],
                    })
                }
                // Where the browser goes; what the provider has to remember of it.
                "/authorize" => {
                    *nonce.lock().unwrap_or_else(PoisonError::into_inner) =
                        asked.query["nonce"].clone();
                    json!({})
                }
                "/token" => {
                    let form = fields(&asked.body);
                    if form["code"] != "good" {
                        return (400, json!({"error": "invalid_grant"}).to_string());
                    }
                    let now = SystemClock.now().seconds();
                    let mut token = json!({
                        "iss": own, "aud": "field-notes", "iat": now, "exp": now + 600,
                        "nonce": *nonce.lock().unwrap_or_else(PoisonError::into_inner),
                    });
                    token
                        .as_object_mut()
                        .expect("an object")
                        .extend(claims().as_object().expect("an object").clone());
                    let text = [
                        json!({
                            "alg": "ES256", "kid": "1",
                        }),
                        token,
                    ]
                    .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
                    .join(".");
                    let signature = pair.sign(&random, text.as_bytes()).expect("a signature");
                    json!({
                        "access_token": "a",
                        "token_type": "Bearer",
                        "id_token": format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)),
                    })
                }
                _ => return (404, String::new()),
            };
            (200, body.to_string())
        })
        .await
    }

    /// An OAuth 1.0a provider where everybody is that person.
    pub async fn oauth1(user_id: &'static str) -> Self {
        Self::start(move |_, asked| match asked.path.as_str() {
            "/request" => (
                200,
                "oauth_token=t1&oauth_token_secret=s1&oauth_callback_confirmed=true".to_owned(),
            ),
            "/access" => (
                200,
                format!(
                    "oauth_token=t2&oauth_token_secret=s2&user_id={user_id}&screen_name=Somebody"
                ),
            ),
            _ => (404, String::new()),
        })
        .await
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The name and password of `Authorization: Basic`.
pub fn basic(authorization: &str) -> String {
    let encoded = authorization.strip_prefix("Basic ").unwrap_or_default();
    String::from_utf8(STANDARD.decode(encoded).unwrap_or_default()).unwrap_or_default()
}

async fn serve(
    mut stream: TcpStream,
    heard: &Mutex<Vec<Asked>>,
    answer: impl Fn(&Asked) -> (u16, String),
) {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break (
                String::from_utf8_lossy(&bytes[..end]).into_owned(),
                bytes[end + 4..].to_vec(),
            );
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&some[..count]),
            _ => return,
        }
    };
    let mut lines = head.split("\r\n");
    let target = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .unwrap_or_default()
        .to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let length: usize = header("content-length").parse().unwrap_or(0);
    while body.len() < length {
        let mut some = [0; 4096];
        let Ok(count @ 1..) = stream.read(&mut some).await else {
            return;
        };
        body.extend_from_slice(&some[..count]);
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let asked = Asked {
        path: path.to_owned(),
        query: fields(query),
        authorization: header("authorization"),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    heard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(asked.clone());
    let (status, text) = answer(&asked);
    let head = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\nconnection: close\r\n\
        content-length: {}\r\n\r\n",
        text.len()
    );
    // Who asked may be gone.
    if stream
        .write_all(format!("{head}{text}").as_bytes())
        .await
        .is_ok()
    {
        drop(stream.shutdown().await);
    }
}

/// A directory at 127.0.0.1 that speaks in clear and where everybody with the password has an entry
/// with his name and address: gives its URL.
pub async fn directory(password: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ldap://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, password));
        }
    });
    url
}

fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u16::try_from(content.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    [&[tag, 0x82, length[0], length[1]], content.as_slice()].concat()
}

/// The elements of BER that stand one after the other.
fn elements(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    while let [tag, length, rest @ ..] = bytes {
        let (length, rest) = match length {
            ..=0x7f => (usize::from(*length), rest),
            _ => {
                let (digits, rest) = rest.split_at(usize::from(*length & 0x7f));
                (
                    digits
                        .iter()
                        .fold(0, |length, digit| length << 8 | usize::from(*digit)),
                    rest,
                )
            }
        };
        all.push((*tag, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    all
}

async fn converse(mut stream: TcpStream, password: &str) {
    let result =
        |tag: u8, code: u8| element(tag, &[&[0x0a, 1, code], &element(4, &[]), &element(4, &[])]);
    let mut name = String::new();
    let mut bytes = vec![0; 8192];
    // Each request of the client is one small write.
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        let message = elements(&bytes[..count]).remove(0).1;
        let parts = elements(&message);
        let ((_, id), (tag, operation)) = (&parts[0], &parts[1]);
        let operation = elements(operation);
        let answers = match tag {
            0x60 => {
                name = String::from_utf8_lossy(&operation[1].1).into_owned();
                let right = operation[2].1 == password.as_bytes();
                vec![result(0x61, if right { 0 } else { 49 })]
            }
            0x63 => {
                let uid = name
                    .split_once('=')
                    .and_then(|(_, rest)| rest.split(',').next())
                    .unwrap_or_default()
                    .to_owned();
                let email = format!("{uid}@dev.example");
                let attributes = [("uid", uid.as_str()), ("mail", &email), ("cn", "Somebody")].map(
                    |(name, value)| {
                        element(
                            0x30,
                            &[
                                &element(4, &[name.as_bytes()]),
                                &element(0x31, &[&element(4, &[value.as_bytes()])]),
                            ],
                        )
                    },
                );
                let attributes = attributes.concat();
                vec![
                    element(
                        0x64,
                        &[
                            &element(4, &[name.as_bytes()]),
                            &element(0x30, &[&attributes]),
                        ],
                    ),
                    result(0x65, 0),
                ]
            }
            _ => return,
        };
        for answer in answers {
            if stream
                .write_all(&element(0x30, &[&element(2, &[id]), &answer]))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

/// A port of this machine where nobody listens.
pub async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address")
        .port()
}

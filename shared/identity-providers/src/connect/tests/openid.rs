//! An OpenID provider that can be told to cheat.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use url::Url;

use super::server::{Answer, Request, Server, answer, closed_port, json as reply, redirect};
use super::{CALLBACK, any, parse};
use crate::connect::{Failure, Identity, Pending};
use crate::{Configuration, Connector};

/// What a provider does to the claims it would give, and to the whole of its token.
#[derive(Default)]
struct Ways {
    claims: Option<fn(&mut Value)>,
    token: Option<fn(&Keys, Value) -> String>,
    answer: Option<fn() -> Answer>,
    metadata: Option<fn(&mut Value)>,
    posts: bool,
    user_info: Option<Value>,
}

pub struct Keys {
    own: EcdsaKeyPair,
    other: EcdsaKeyPair,
}

impl Keys {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let pair = || {
            let pkcs8 =
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
                .unwrap()
        };
        Self {
            own: pair(),
            other: pair(),
        }
    }

    pub fn own(&self) -> &EcdsaKeyPair {
        &self.own
    }

    pub fn set(&self) -> Value {
        let (x, y) = self.own.public_key().as_ref()[1..].split_at(32);
        json!({
            "keys": [
                {
                    "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
                    "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
                },
            ],
        })
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

pub fn sign(key: &EcdsaKeyPair, claims: &Value) -> String {
    let text = unsigned(&json!({"alg": "ES256", "kid": "1", "typ": "JWT"}), claims);
    let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

pub fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": [
            "ES256", "RS256", "none", "XY1",
        ],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
        ], "code_challenge_methods_supported": ["S256"],
    })
}

/// What the provider remembers of the browser that came to it.
#[derive(Default)]
struct Seen(BTreeMap<String, String>);

struct Provider {
    server: Server,
    seen: Arc<Mutex<Seen>>,
}

impl Provider {
    async fn start(ways: Ways) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (keys, memory) = (Keys::new(), seen.clone());
        let server = Server::start(move |request| {
            serve(
                &ways,
                &keys,
                &memory.lock().unwrap_or_else(PoisonError::into_inner).0,
                &request,
            )
        })
        .await;
        Self { server, seen }
    }

    fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    fn configuration(&self) -> Configuration {
        parse(
            "OAUTH2",
            json!({"issuer": self.issuer(), "clientId": "client 1", "clientSecret": "se:cr%et"}),
        )
    }

    /// The browser goes to the URL, the person says yes, the browser comes back with this query.
    fn visit(&self, url: &str) -> BTreeMap<String, String> {
        let url = Url::parse(url).unwrap();
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(url.path(), "/authorize");
        for (name, value) in [
            ("tenant", "1"),
            ("response_type", "code"),
            ("client_id", "client 1"),
            ("code_challenge_method", "S256"),
            ("redirect_uri", CALLBACK),
        ] {
            assert_eq!(query[name], value);
        }
        let answer = BTreeMap::from([
            ("code".to_owned(), "code-1".to_owned()),
            ("state".to_owned(), query["state"].clone()),
        ]);
        self.seen.lock().unwrap().0 = query;
        answer
    }
}

fn serve(ways: &Ways, keys: &Keys, seen: &BTreeMap<String, String>, request: &Request) -> Answer {
    let issuer = format!("http://{}", request.headers["host"]);
    match request.path.as_str() {
        "/.well-known/openid-configuration" => {
            let mut metadata = metadata(&issuer);
            if ways.posts {
                metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
            }
            if let Some(change) = ways.metadata {
                change(&mut metadata);
            }
            reply(200, &metadata)
        }
        "/keys" => reply(200, &keys.set()),
        "/token" => {
            if let Some(answer) = ways.answer {
                return answer();
            }
            let form = request.form();
            assert_eq!(request.method, "POST");
            assert_eq!(
                (
                    form["grant_type"].as_str(),
                    form["code"].as_str(),
                    form["redirect_uri"].as_str()
                ),
                ("authorization_code", "code-1", CALLBACK)
            );
            assert_eq!(
                URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes())),
                seen["code_challenge"]
            );
            if ways.posts {
                assert_eq!(
                    (form["client_id"].as_str(), form["client_secret"].as_str()),
                    ("client 1", "se:cr%et")
                );
            } else if let Some(basic) = request.headers.get("authorization") {
                assert_eq!(
                    *basic,
                    format!("Basic {}", STANDARD.encode("client+1:se%3Acr%25et"))
                );
            } else {
                assert_eq!(form["client_id"], "client 1");
            }
            let mut claims = json!({
                "iss": issuer,
                "aud": "client 1",
                "sub": "248289761001",
                "exp": now() + 60,
                "iat": now(),
                "nonce": seen["nonce"],
                "email": "jane@example.com", "email_verified": true, "name": "Jane Doe",
                "at_hash": URL_SAFE_NO_PAD.encode(&digest(&SHA256, b"access-1").as_ref()[..16]),
            });
            if let Some(change) = ways.claims {
                change(&mut claims);
            }
            let token = ways.token.map_or_else(
                || sign(&keys.own, &claims),
                |make| make(keys, claims.clone()),
            );
            reply(
                200,
                &json!({
                    "access_token": "access-1", "token_type": "Bearer", "expires_in": 60,
                    "id_token": token,
                }),
            )
        }
        "/userinfo" => {
            assert_eq!(request.headers["authorization"], "Bearer access-1");
            ways.user_info
                .as_ref()
                .map_or_else(|| answer(500, ""), |user_info| reply(200, user_info))
        }
        _ => answer(404, ""),
    }
}

async fn sign_in(ways: Ways) -> Result<Identity, Failure> {
    let provider = Provider::start(ways).await;
    let (connector, configuration) = (any(), provider.configuration());
    let (url, pending) = connector.begin(&configuration, CALLBACK, "state-1").await?;
    let query = provider.visit(&url);
    assert_eq!(query["state"], "state-1");
    // It is stored in between.
    let pending: Pending = serde_json::from_str(&serde_json::to_string(&pending).unwrap()).unwrap();
    connector
        .finish(&configuration, CALLBACK, &pending, &query)
        .await
}

#[tokio::test]
async fn signs_in() {
    let identity = sign_in(Ways::default()).await.unwrap();
    let (subject, email, name) = (
        "248289761001".to_owned(),
        Some("jane@example.com".to_owned()),
        Some("Jane Doe".to_owned()),
    );
    assert_eq!(
        identity,
        Identity {
            subject,
            email,
            email_verified: true,
            name
        }
    );
    assert_eq!(
        sign_in(Ways {
            posts: true,
            ..Ways::default()
        })
        .await,
        Ok(identity)
    );
}

#[tokio::test]
async fn a_public_client_signs_in_without_a_secret() {
    let provider = Provider::start(Ways::default()).await;
    let configuration = parse(
        "OPENID",
        json!({
            "issuer": provider.issuer(), "clientId": "client 1", "scopes": ["openid", "groups"],
        }),
    );
    let (url, pending) = any().begin(&configuration, CALLBACK, "s").await.unwrap();
    let query = provider.visit(&url);
    assert_eq!(provider.seen.lock().unwrap().0["scope"], "openid groups");
    assert_eq!(
        any()
            .finish(&configuration, CALLBACK, &pending, &query)
            .await
            .unwrap()
            .subject,
        "248289761001"
    );
}

#[tokio::test]
async fn an_address_counts_only_as_far_as_the_provider_vouches() {
    let with = |claims: fn(&mut Value)| {
        sign_in(Ways {
            claims: Some(claims),
            ..Ways::default()
        })
    };
    for (claims, verified) in [
        (
            (|claims| claims["email_verified"] = json!(false)) as fn(&mut Value),
            false,
        ),
        (|claims| claims["email_verified"] = json!("true"), true),
        (|claims| claims["email_verified"] = json!("false"), false),
        (
            |claims| drop(claims.as_object_mut().unwrap().remove("email_verified")),
            false,
        ),
    ] {
        let identity = with(claims).await.unwrap();
        assert_eq!(
            (identity.email.as_deref(), identity.email_verified),
            (Some("jane@example.com"), verified)
        );
    }
    let identity = with(|claims| claims["email"] = json!("no address"))
        .await
        .unwrap();
    assert_eq!((identity.email, identity.email_verified), (None, false));
}

#[tokio::test]
async fn asks_for_the_address_that_the_token_lacks() {
    let thin: fn(&mut Value) = |claims| {
        claims
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !["email", "email_verified", "name"].contains(&name.as_str()));
    };
    let more = json!({
        "sub": "248289761001", "email": "j@example.com", "email_verified": true, "name": "J",
    });
    let identity = sign_in(Ways {
        claims: Some(thin),
        user_info: Some(more),
        ..Ways::default()
    })
    .await
    .unwrap();
    assert_eq!(
        (
            identity.email.as_deref(),
            identity.email_verified,
            identity.name.as_deref()
        ),
        (Some("j@example.com"), true, Some("J"))
    );
    // Not the same person; no answer.
    let other = json!({"sub": "2", "email": "other@example.com", "email_verified": true});
    for user_info in [Some(other), None] {
        let identity = sign_in(Ways {
            claims: Some(thin),
            user_info,
            ..Ways::default()
        })
        .await
        .unwrap();
        assert_eq!(
            (
                identity.subject.as_str(),
                identity.email,
                identity.email_verified
            ),
            ("248289761001", None, false)
        );
    }
}

#[tokio::test]
async fn denies_tokens_that_prove_nothing() {
    for (what, claims) in [
        (
            "expired",
            (|claims| claims["exp"] = json!(now() - 60)) as fn(&mut Value),
        ),
        ("another nonce", |claims| claims["nonce"] = json!("x")),
        ("no nonce", |claims| {
            drop(claims.as_object_mut().unwrap().remove("nonce"))
        }),
        ("another audience", |claims| {
            claims["aud"] = json!("client 2")
        }),
        ("one more audience", |claims| {
            claims["aud"] = json!(["client 1", "client 2"])
        }),
        ("another issuer", |claims| {
            claims["iss"] = json!("https://evil.example")
        }),
        ("another access token", |claims| {
            claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")
        }),
    ] {
        let denied = sign_in(Ways {
            claims: Some(claims),
            ..Ways::default()
        })
        .await;
        assert!(
            matches!(denied, Err(Failure::Denied(_))),
            "{what}: {denied:?}"
        );
    }
    for (what, token) in [
        (
            "signed by another",
            (|keys, claims| sign(&keys.other, &claims)) as fn(&Keys, Value) -> String,
        ),
        ("of algorithm none", |_, claims| {
            format!("{}.", unsigned(&json!({"alg": "none"}), &claims))
        }),
        ("of algorithm None", |_, claims| {
            format!(
                "{}.",
                unsigned(&json!({"alg": "None", "kid": "1"}), &claims)
            )
        }),
        ("changed", |keys, mut claims| {
            let token = sign(&keys.own, &claims);
            claims["sub"] = json!("1");
            format!(
                "{}.{}",
                unsigned(&json!({"alg": "ES256", "kid": "1", "typ": "JWT"}), &claims),
                token.rsplit('.').next().unwrap()
            )
        }),
        ("signed with the public key as a secret", |keys, claims| {
            let text = unsigned(&json!({"alg": "HS256", "kid": "1"}), &claims);
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, keys.own.public_key().as_ref());
            format!(
                "{text}.{}",
                URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, text.as_bytes()))
            )
        }),
        ("signed with the client's secret", |_, claims| {
            let text = unsigned(&json!({"alg": "HS256"}), &claims);
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"se:cr%et");
            format!(
                "{text}.{}",
                URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, text.as_bytes()))
            )
        }),
        ("with an empty signature", |_, claims| {
            format!(
                "{}.",
                unsigned(&json!({"alg": "ES256", "kid": "1"}), &claims)
            )
        }),
    ] {
        let denied = sign_in(Ways {
            token: Some(token),
            ..Ways::default()
        })
        .await;
        assert!(
            matches!(denied, Err(Failure::Denied(_))),
            "{what}: {denied:?}"
        );
    }
    let named_badly = sign_in(Ways {
        claims: Some(|claims| claims["sub"] = json!("a\nb")),
        ..Ways::default()
    })
    .await;
    assert!(
        matches!(named_badly, Err(Failure::Misconfigured(_))),
        "{named_badly:?}"
    );
}

#[tokio::test]
async fn tells_whose_fault_a_refusal_is() {
    let with = |answer: fn() -> Answer| {
        sign_in(Ways {
            answer: Some(answer),
            ..Ways::default()
        })
    };
    let denied = with(|| reply(400, &json!({"error": "invalid_grant"}))).await;
    assert!(matches!(denied, Err(Failure::Denied(_))), "{denied:?}");
    for answer in [
        (|| reply(401, &json!({"error": "invalid_client"}))) as fn() -> Answer,
        || reply(200, &json!({"access_token": "a", "token_type": "Bearer"})),
    ] {
        let failed = with(answer).await;
        assert!(
            matches!(failed, Err(Failure::Misconfigured(_))),
            "{failed:?}"
        );
    }
    for broken in [
        (|| answer(500, "oops")) as fn() -> Answer,
        || answer(200, vec![b' '; 2 << 20]),
        || redirect("https://evil.example/"),
    ] {
        let failed = with(broken).await;
        assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
    }
}

#[tokio::test]
async fn refuses_what_a_provider_should_not_say_of_itself() {
    for change in [
        (|metadata| metadata["issuer"] = json!("https://evil.example")) as fn(&mut Value),
        |metadata| metadata["authorization_endpoint"] = json!("javascript:alert(1)"),
        |metadata| metadata["authorization_endpoint"] = json!("javascript://a.example/%0aalert(1)"),
        |metadata| metadata["jwks_uri"] = json!("file:///etc/passwd"),
        |metadata| drop(metadata.as_object_mut().unwrap().remove("jwks_uri")),
    ] {
        let failed = sign_in(Ways {
            metadata: Some(change),
            ..Ways::default()
        })
        .await;
        assert!(
            matches!(failed, Err(Failure::Misconfigured(_))),
            "{failed:?}"
        );
    }
}

#[tokio::test]
async fn denies_what_the_browser_should_not_bring() {
    let provider = Provider::start(Ways::default()).await;
    let (connector, configuration) = (any(), provider.configuration());
    let (url, pending) = connector
        .begin(&configuration, CALLBACK, "s")
        .await
        .unwrap();
    let good = provider.visit(&url);
    let before = provider.server.connections().await;
    let with = |name: &str, value: &str| {
        let mut query = good.clone();
        query.insert(name.to_owned(), value.to_owned());
        query
    };
    for query in [
        with("error", "access_denied"),
        with("code", ""),
        with("iss", "https://evil.example"),
        BTreeMap::new(),
    ] {
        let denied = connector
            .finish(&configuration, CALLBACK, &pending, &query)
            .await;
        assert!(matches!(denied, Err(Failure::Denied(_))), "{denied:?}");
    }
    let other = Pending(crate::connect::Step::OAuth1 {
        token: String::new(),
        secret: String::new(),
    });
    assert!(matches!(
        connector
            .finish(&configuration, CALLBACK, &other, &good)
            .await,
        Err(Failure::Denied(_))
    ));
    assert_eq!(
        provider.server.connections().await,
        before,
        "none of it needs the provider"
    );
    assert!(
        connector
            .finish(
                &configuration,
                CALLBACK,
                &pending,
                &with("iss", &provider.issuer())
            )
            .await
            .is_ok()
    );
    assert!(matches!(
        connector
            .begin(&Configuration::FeedHenry, CALLBACK, "s")
            .await,
        Err(Failure::Misconfigured(_))
    ));
}

#[tokio::test]
async fn answers_in_time_whatever_the_provider_does() {
    async fn fails(connector: &Connector, port: u16) -> f64 {
        let configuration = parse(
            "OPENID",
            json!({"issuer": format!("http://127.0.0.1:{port}"), "clientId": "a"}),
        );
        let started = Instant::now();
        let failed = connector.begin(&configuration, CALLBACK, "s").await;
        assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
        started.elapsed().as_secs_f64()
    }
    let connector = any();
    assert!(fails(&connector, closed_port().await).await < 30.0);
    let silent = Server::silent().await;
    let took = fails(&connector, silent.port).await;
    assert!(took < 30.0, "{took}");
}

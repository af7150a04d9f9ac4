//! An OAuth 1.0a provider that computes every signature by itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use serde_json::{Value, json};
use url::Url;

use super::server::{Answer, Request, Server, answer};
use super::{CALLBACK, any, parse};
use crate::Configuration;
use crate::connect::{Failure, Identity};

const CONSUMER_SECRET: &str = "con & sumer/ü";

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

fn decode(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned()
}

/// The parameters of the header, if the signature is right.
fn signed(request: &Request, token_secret: &str) -> Option<BTreeMap<String, String>> {
    let header = request
        .headers
        .get("authorization")?
        .strip_prefix("OAuth ")?;
    let header: BTreeMap<_, _> = header
        .split(',')
        .map(|part| part.trim().split_once('=').unwrap())
        .map(|(name, value)| (decode(name), decode(value.trim_matches('"'))))
        .collect();
    let mut parameters: Vec<_> = header
        .iter()
        .chain(&request.query)
        .filter(|(name, _)| *name != "oauth_signature")
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    parameters.sort();
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let url = format!("http://{}{}", request.headers["host"], request.path);
    let base = format!(
        "{}&{}&{}",
        request.method,
        encode(&url),
        encode(&parameters.join("&"))
    );
    let key = Key::new(
        HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        format!("{}&{}", encode(CONSUMER_SECRET), encode(token_secret)).as_bytes(),
    );
    let right = header["oauth_signature"] == STANDARD.encode(sign(&key, base.as_bytes()));
    let known = header["oauth_consumer_key"] == "key 1"
        && header["oauth_signature_method"] == "HMAC-SHA1"
        && !header["oauth_nonce"].is_empty();
    (right
        && known
        && header["oauth_timestamp"].parse::<u64>().unwrap() + 60 > super::openid::now())
    .then_some(header)
}

fn serve(request: &Request, admitted: &str) -> Answer {
    match request.path.as_str() {
        "/request" => {
            assert_eq!(
                (request.method.as_str(), request.query["x"].as_str()),
                ("POST", "a b+c&d")
            );
            let Some(header) = signed(request, "") else {
                return answer(401, "bad signature");
            };
            assert_eq!(
                header["oauth_callback"],
                format!("{CALLBACK}?a=b&state=state+1")
            );
            answer(
                200,
                "oauth_token=tok%2Fen&oauth_token_secret=tok%26sec&oauth_callback_confirmed=true",
            )
        }
        "/access" => match signed(request, "tok&sec") {
            Some(header)
                if header["oauth_token"] == "tok/en" && header["oauth_verifier"] == "ver ify" =>
            {
                answer(200, admitted)
            }
            Some(_) => answer(401, "bad verifier"),
            None => answer(401, "bad signature"),
        },
        "/unconfirmed" => answer(200, "oauth_token=t&oauth_token_secret=s"),
        "/empty" => answer(200, ""),
        "/down" => answer(503, ""),
        _ => answer(404, ""),
    }
}

async fn provider(admitted: &'static str) -> (Server, Value) {
    let server = Server::start(move |request| serve(&request, admitted)).await;
    let at = |path: &str| format!("http://127.0.0.1:{}/{path}", server.port);
    let fields = json!({
        "consumerKey": "key 1",
        "consumerSecret": CONSUMER_SECRET,
        "requestTokenUrl": at("request?x=a%20b%2Bc%26d"),
        "authorizeUrl": at("authorize?y=z"),
        "accessTokenUrl": at("access"),
    });
    (server, fields)
}

fn back(token: &str, verifier: &str) -> BTreeMap<String, String> {
    [
        ("oauth_token", token),
        ("oauth_verifier", verifier),
        ("state", "state 1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

async fn sign_in(
    configuration: &Configuration,
    query: &BTreeMap<String, String>,
) -> Result<Identity, Failure> {
    let connector = any();
    let callback = format!("{CALLBACK}?a=b");
    let (url, pending) = connector.begin(configuration, &callback, "state 1").await?;
    let url = Url::parse(&url).unwrap();
    assert_eq!(
        (url.path(), url.query()),
        ("/authorize", Some("y=z&oauth_token=tok%2Fen"))
    );
    connector
        .finish(configuration, &callback, &pending, query)
        .await
}

#[tokio::test]
async fn signs_in_with_signatures_that_somebody_else_computes_too() {
    let (_server, fields) = provider(
        "oauth_token=a&oauth_token_secret=b&user_id=38895958&screen_name=theSeanCook&guid=g1",
    )
    .await;
    let identity = sign_in(&parse("OAUTH1", fields.clone()), &back("tok/en", "ver ify"))
        .await
        .unwrap();
    assert_eq!(
        (
            identity.subject.as_str(),
            identity.name.as_deref(),
            identity.email,
            identity.email_verified
        ),
        ("38895958", Some("theSeanCook"), None, false)
    );
    let mut fields = fields;
    fields["userIdField"] = json!("guid");
    assert_eq!(
        sign_in(&parse("OAUTH1", fields.clone()), &back("tok/en", "ver ify"))
            .await
            .unwrap()
            .subject,
        "g1"
    );
    fields["userIdField"] = json!("other");
    assert!(matches!(
        sign_in(&parse("OAUTH1", fields), &back("tok/en", "ver ify")).await,
        Err(Failure::Misconfigured(_))
    ));
}

#[tokio::test]
async fn denies_what_the_browser_should_not_bring() {
    let (server, fields) = provider("oauth_token=a&oauth_token_secret=b&screen_name=jane").await;
    let configuration = parse("OAUTH1", fields);
    assert_eq!(
        sign_in(&configuration, &back("tok/en", "ver ify"))
            .await
            .unwrap()
            .subject,
        "jane"
    );
    let before = server.connections().await;
    let mut denied = back("tok/en", "ver ify");
    denied.insert("denied".to_owned(), "tok/en".to_owned());
    for query in [
        back("other", "ver ify"),
        back("tok/en", ""),
        BTreeMap::new(),
        denied,
    ] {
        let denied = sign_in(&configuration, &query).await;
        assert!(matches!(denied, Err(Failure::Denied(_))), "{denied:?}");
    }
    assert_eq!(
        server.connections().await,
        before + 4,
        "only the first legs"
    );
    assert!(matches!(
        sign_in(&configuration, &back("tok/en", "guessed")).await,
        Err(Failure::Denied(_))
    ));
}

#[tokio::test]
async fn tells_whose_fault_a_refusal_is() {
    let (server, fields) = provider("oauth_token_secret=b&user_id=1").await;
    let failed = sign_in(&parse("OAUTH1", fields.clone()), &back("tok/en", "ver ify")).await;
    assert!(
        matches!(failed, Err(Failure::Misconfigured(_))),
        "{failed:?}"
    );
    let with = |field: &str, value: String| {
        let mut fields = fields.clone();
        fields[field] = json!(value);
        parse("OAUTH1", fields)
    };
    let at = |path: &str| format!("http://127.0.0.1:{}/{path}", server.port);
    for configuration in [
        with("consumerSecret", "wrong".to_owned()),
        with("requestTokenUrl", at("unconfirmed")),
        with("requestTokenUrl", at("empty")),
        with("requestTokenUrl", at("lost")),
    ] {
        let failed = any()
            .begin(&configuration, &format!("{CALLBACK}?a=b"), "state 1")
            .await;
        assert!(
            matches!(failed, Err(Failure::Misconfigured(_))),
            "{failed:?}"
        );
    }
    let failed = any()
        .begin(&with("requestTokenUrl", at("down")), CALLBACK, "s")
        .await;
    assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
}

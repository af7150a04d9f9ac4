//! The sample events: each is sent to its function, and what comes back is compared.

use appdepot_tests::World;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use lambda_http::request::LambdaRequest;
use local_gateway::event::{self, Incoming};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The functions that something else than HTTP triggers.
const TRIGGERED: [&str; 5] = [
    "upload-received",
    "package-work",
    "housekeeping",
    "alert-evaluation",
    "event-received",
];

/// What an expectation can say.
const EXPECTATIONS: [&str; 5] = ["statusCode", "headers", "body", "result", "error"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// Every event with what is expected of it, by name.
fn events() -> BTreeMap<String, (Value, Value)> {
    let mut texts = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        let name = name
            .strip_suffix(".json")
            .unwrap_or_else(|| panic!("{name} is neither an event nor an expectation"))
            .to_owned();
        let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
        texts.insert(
            name.clone(),
            serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{name}: {error}")),
        );
    }
    let names: BTreeSet<String> = texts
        .keys()
        .map(|name| name.trim_end_matches(".expected").to_owned())
        .collect();
    let mut take = |name: String| {
        texts
            .remove(&name)
            .unwrap_or_else(|| panic!("there is no {name}.json"))
    };
    names
        .into_iter()
        .map(|name| {
            (
                name.clone(),
                (take(name.clone()), take(format!("{name}.expected"))),
            )
        })
        .collect()
}

/// The function whose name an event's name begins with.
fn function_of<'a>(name: &str, functions: &[&'a str]) -> &'a str {
    let of_name = |function: &&&str| {
        name.strip_prefix(**function)
            .is_some_and(|rest| rest.starts_with('-'))
    };
    functions
        .iter()
        .filter(of_name)
        .max_by_key(|function| function.len())
        .unwrap_or_else(|| panic!("{name} is of no function"))
}

/// What of `expected` is not in `found`: objects among others, everything else whole.
fn missing(expected: &Value, found: &Value, path: &str) -> Vec<String> {
    match (expected, found) {
        (Value::Object(fields), Value::Object(found)) => {
            let of_field = |(name, value): (&String, &Value)| {
                missing(
                    value,
                    found.get(name).unwrap_or(&Value::Null),
                    &format!("{path}.{name}"),
                )
            };
            fields.iter().flat_map(of_field).collect()
        }
        _ if expected == found => Vec::new(),
        _ => vec![format!("{path}: {found} in place of {expected}")],
    }
}

/// The answer of an HTTP function, in the words of an expectation.
async fn answer(world: &World, function: &str, event: Value) -> Result<Value, String> {
    let service = world
        .functions
        .of_name(function)
        .ok_or_else(|| format!("there is no function {function}"))?;
    let path = event["rawPath"].as_str().ok_or("no path")?.to_owned();
    match world.functions.of_path(&path) {
        Some((name, _)) if name == function => {}
        other => {
            return Err(format!(
                "the gateway would send {path} to {:?}",
                other.map(|(name, _)| name)
            ));
        }
    }
    let response = event::invoke(service, event).await?;
    let (parts, bytes) = event::answer(&response).into_parts();
    let headers: BTreeMap<&str, &str> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
        .collect();
    Ok(
        json!({"statusCode": parts.status.as_u16(), "headers": headers, "body": serde_json::from_slice::<Value>(&bytes).unwrap_or(Value::Null)}),
    )
}

/// The outcome of a triggered function, in the words of an expectation.
fn outcome<Done: serde::Serialize>(done: Result<Done, shared::base::error::Error>) -> Value {
    match done {
        Ok(done) => json!({"result": done}),
        Err(_) => json!({"error": true}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_event_gives_what_is_expected() {
    let (world, _) = World::new().await;
    let mut functions: Vec<&str> = routes::all().iter().map(|function| function.name).collect();
    functions.extend(TRIGGERED);
    let (mut without, mut wrong): (BTreeSet<&str>, Vec<String>) =
        (functions.iter().copied().collect(), Vec::new());
    let events = events();
    for (name, (event, expected)) in &events {
        let function = function_of(name, &functions);
        without.remove(function);
        let words: Vec<&str> = expected
            .as_object()
            .unwrap_or_else(|| panic!("{name}: no object"))
            .keys()
            .map(String::as_str)
            .collect();
        let needed = if TRIGGERED.contains(&function) {
            &["result", "error"][..]
        } else {
            &["statusCode"]
        };
        let understood = words.iter().all(|word| EXPECTATIONS.contains(word))
            && words.iter().any(|word| needed.contains(word));
        assert!(understood, "{name} expects {words:?}");
        let found = match function {
            "upload-received" => Ok(outcome(
                upload_received::handle(world.plain.clone(), event.clone()).await,
            )),
            "package-work" => Ok(outcome(
                package_work::handle(world.plain.clone(), event.clone()).await,
            )),
            "housekeeping" => Ok(outcome(
                housekeeping::handle(world.plain.clone(), event.clone()).await,
            )),
            "alert-evaluation" => Ok(outcome(
                alert_evaluation::handle(world.plain.clone(), event.clone()).await,
            )),
            "event-received" => Ok(outcome(
                event_received::handle(world.plain.clone(), event.clone()).await,
            )),
            _ => answer(&world, function, event.clone()).await,
        };
        match found {
            Ok(found) => wrong.extend(missing(expected, &found, name)),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(without.is_empty(), "no event for {without:?}");
    eprintln!("{} events", events.len());
}

#[test]
fn the_comparison_compares() {
    let found = json!({"a": {"b": 1, "c": [1, 2]}, "d": null});
    assert!(missing(&json!({"a": {"b": 1}}), &found, "").is_empty());
    for other in [
        json!({"a": {"b": 2}}),
        json!({"a": {"c": [1]}}),
        json!({"a": {"e": 1}}),
        json!({"a": 1}),
        json!({"f": {}}),
        json!([]),
    ] {
        assert_eq!(missing(&other, &found, "").len(), 1, "{other}");
    }
}

/// A pause-free source of bytes that is the same in every run.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn incoming(content_type: &'static str, body: Vec<u8>) -> Incoming {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("store.example"));
    headers.insert("content-type", HeaderValue::from_static(content_type));
    headers.append("cookie", HeaderValue::from_static("one=1; two=2"));
    headers.append("cookie", HeaderValue::from_static("three=3"));
    let (path, query) = ("/health".to_owned(), "a=1&a=2&b=%C3%A9%20x".to_owned());
    Incoming {
        method: Method::POST,
        path,
        query,
        headers,
        body: Bytes::from(body),
        source: "192.0.2.7".to_owned(),
    }
}

/// The adapter panics where a body says that it is base64 and is not: what the local gateway makes
/// of any body is.
#[test]
fn any_body_survives_the_way_through_an_event() {
    let types = [
        "application/octet-stream",
        "application/json",
        "text/plain; charset=latin1",
        "multipart/form-data; boundary=x",
        "",
        "image/svg+xml",
    ];
    let lengths = (0..300).chain([1_000, 4_095, 4_096, 4_097, 1_000_003]);
    for (round, length) in lengths.enumerate() {
        let random = noise(length, round as u64 + 1);
        let text: Vec<u8> = String::from_utf8_lossy(&random).into_owned().into_bytes();
        for body in [random, text] {
            let content_type = types[round % types.len()];
            let sent = incoming(content_type, body);
            let text = event::event(&sent).to_string();
            let payload: LambdaRequest = serde_json::from_str(&text).expect("an event");
            let received: lambda_http::Request = payload.into();
            assert!(
                received.body().as_ref() == &sent.body[..],
                "{length} bytes of {content_type}"
            );
            assert_eq!(received.method(), Method::POST);
            assert_eq!(
                (received.uri().path(), received.uri().query()),
                ("/health", Some(&*sent.query))
            );
            assert_eq!(received.headers()["content-type"], content_type);
            let cookies: Vec<&str> = received
                .headers()
                .get_all("cookie")
                .iter()
                .map(|line| line.to_str().unwrap())
                .collect();
            assert_eq!(cookies.join("; "), "one=1; two=2; three=3");
        }
    }
}

/// Events that no gateway sends end that one call and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_event_ends_its_own_call_alone() {
    let (world, _) = World::new().await;
    let service = || world.functions.of_name("rhmap-sign-in").unwrap();
    let sound = event::event(&incoming("application/octet-stream", noise(100, 1)));
    let broken = [
        ("bad base64", "body", json!("%%% no base64 %%%")),
        ("a body that is no text", "body", json!({"u": 1})),
        ("headers that are no object", "headers", json!("host: x")),
        ("no context", "requestContext", json!(null)),
    ];
    for (what, field, value) in broken {
        let mut event = sound.clone();
        event[field] = value;
        // As the local server does it: each call on a task of its own.
        let ended = tokio::spawn(event::invoke(service(), event)).await;
        let succeeded = matches!(&ended, Ok(Ok(response)) if response["statusCode"] == 200);
        assert!(!succeeded, "{what}: {ended:?}");
    }
    for event in [json!({}), json!([]), json!("text"), json!(null)] {
        let ended = tokio::spawn(event::invoke(service(), event.clone())).await;
        assert!(!matches!(ended, Ok(Ok(_))), "{event}: {ended:?}");
    }
    let health = Incoming {
        method: Method::GET,
        body: Bytes::new(),
        ..incoming("text/plain", Vec::new())
    };
    let answered = event::invoke(service(), event::event(&health))
        .await
        .unwrap();
    assert_eq!(answered["statusCode"], 200, "{answered}");
}

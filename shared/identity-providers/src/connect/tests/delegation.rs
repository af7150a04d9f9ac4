//! A company's own endpoint.

use std::time::Instant;

use serde_json::{Value, json};

use super::server::{Answer, Server, answer, closed_port, json as reply, redirect};
use super::{any, parse};
use crate::connect::{Failure, Identity};
use crate::{Configuration, MbaasConfiguration};

fn configuration(port: u16) -> MbaasConfiguration {
    match parse(
        "MBAAS",
        json!({"authEndpoint": format!("http://127.0.0.1:{port}/auth?x=y")}),
    ) {
        Configuration::Mbaas(mbaas) => mbaas,
        _ => unreachable!(),
    }
}

async fn delegate(endpoint: fn() -> Answer) -> Result<(Identity, Value), Failure> {
    let server = Server::start(move |request| {
        assert_eq!(
            (
                request.method.as_str(),
                request.path.as_str(),
                request.query["x"].as_str()
            ),
            ("POST", "/auth", "y")
        );
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(
            serde_json::from_str::<Value>(&request.body).unwrap(),
            json!({"params": {"userId": "sent", "password": "p"}})
        );
        endpoint()
    })
    .await;
    any()
        .delegate(
            &configuration(server.port),
            &json!({"params": {"userId": "sent", "password": "p"}}),
        )
        .await
}

#[tokio::test]
async fn admits_whom_the_endpoint_admits() {
    for (endpoint, subject) in [
        (
            (|| {
                reply(
                    200,
                    &json!({"status": "ok", "userId": "u1", "username": "u2", "more": [1]}),
                )
            }) as fn() -> Answer,
            "u1",
        ),
        (
            || reply(201, &json!({"userid": "u1", "email": "a@b.example"})),
            "u1",
        ),
        (|| reply(200, &json!({"username": "u2"})), "u2"),
        (|| reply(200, &json!({"userId": 17})), "17"),
    ] {
        let (identity, answer) = delegate(endpoint).await.unwrap();
        assert_eq!(
            (identity.subject.as_str(), identity.email_verified),
            (subject, false),
            "{answer}"
        );
    }
    // What the client sent names nobody, and an address is no name.
    for nobody in [
        (|| reply(200, &json!({"userId": "", "username": null}))) as fn() -> Answer,
        || reply(200, &json!({"status": "ok"})),
        || {
            reply(
                200,
                &json!({"email": "a@b.example", "email_verified": true}),
            )
        },
    ] {
        assert!(matches!(
            delegate(nobody).await,
            Err(Failure::Misconfigured(_))
        ));
    }
    let (identity, answer) = delegate(|| {
        reply(
            200,
            &json!({"userId": "u", "email": "a@b.example", "email_verified": true, "name": "A"}),
        )
    })
    .await
    .unwrap();
    assert_eq!(
        (
            identity.email.as_deref(),
            identity.email_verified,
            identity.name.as_deref()
        ),
        (Some("a@b.example"), true, Some("A"))
    );
    assert_eq!(answer["name"], "A");
}

#[tokio::test]
async fn denies_whom_the_endpoint_denies() {
    for endpoint in [
        (|| reply(200, &json!({"status": "error", "message": "no"}))) as fn() -> Answer,
        || reply(200, &json!({"status": "ERROR", "userId": "u"})),
        || reply(400, &json!({"status": "error"})),
        || reply(401, &json!({})),
        || answer(403, "no"),
    ] {
        let denied = delegate(endpoint).await;
        assert!(matches!(denied, Err(Failure::Denied(_))), "{denied:?}");
    }
}

#[tokio::test]
async fn takes_nothing_else_for_an_admission() {
    for endpoint in [
        (|| answer(200, "ok")) as fn() -> Answer,
        || reply(200, &json!(["userId"])),
        || reply(200, &json!(true)),
        || reply(404, &json!({"userId": "u"})),
        || redirect("https://evil.example/"),
        || answer(204, ""),
    ] {
        let failed = delegate(endpoint).await;
        assert!(
            matches!(failed, Err(Failure::Misconfigured(_))),
            "{failed:?}"
        );
    }
    for endpoint in [
        (|| answer(500, "")) as fn() -> Answer,
        || reply(503, &json!({"status": "error"})),
        || answer(429, ""),
        || Answer {
            headers: vec![("x", "y".repeat(128 << 10))],
            ..answer(200, "{}")
        },
        || reply(200, &json!({"userId": "u", "long": "x".repeat(64 << 10)})),
    ] {
        let failed = delegate(endpoint).await;
        assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
    }
    let failed = any()
        .delegate(&configuration(closed_port().await), &Value::Null)
        .await;
    assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
}

#[tokio::test]
async fn answers_in_time_when_the_endpoint_does_not() {
    let silent = Server::silent().await;
    let started = Instant::now();
    let failed = any()
        .delegate(&configuration(silent.port), &json!({"userId": "u"}))
        .await;
    assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
    // By itself; how soon exactly is a machine's business.
    assert!(started.elapsed().as_secs() < 30);
}

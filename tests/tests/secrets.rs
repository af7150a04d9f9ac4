//! No secret stands in clear in the table, in the log or in an answer that is not meant to hold it.

use appdepot_tests::requests::TestClient;
use appdepot_tests::{PASSWORD, World};
use serde_json::json;
use shared::base::rights::Role;
use std::io::Write;
use std::sync::{Arc, Mutex};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_kept_sealed_or_as_hashes() {
    let log = Log::default();
    let writer = log.clone();
    // Everything that our own crates say, down to the finest.
    let filter = tracing_subscriber::filter::Targets::new()
        .with_target("shared", tracing::Level::TRACE)
        .with_default(tracing::Level::INFO);
    use tracing_subscriber::layer::SubscriberExt as _;
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(layer).with(filter),
    )
    .unwrap();

    let (world, tenant) = World::new().await;
    let post = |path: &str, body: serde_json::Value| {
        let (path, cookie) = (format!("/box/srv/1.1/{path}"), tenant.cookie.clone());
        let world = &world;
        async move { world.post(&cookie, &path, body).await }
    };
    let key = post(
        "ide/dev/api/create",
        json!({"type": "user", "label": "canary"}),
    )
    .await;
    let (client_secret, consumer_secret, password, chosen) = (
        "canary-client-secret-77",
        "canary-consumer-secret-78",
        "canary password 79",
        "canary chosen 80",
    );
    let oauth2 = json!({"clientId": "id", "clientSecret": client_secret});
    let made = post("admin/authpolicy/create", json!({"policyId": "oauth", "policyType": "OAUTH2", "configurations": oauth2, "checkUserExists": true})).await;
    let url = "https://provider.example/x";
    let oauth1 = json!({"consumerKey": "k", "consumerSecret": consumer_secret, "requestTokenUrl": url, "authorizeUrl": url, "accessTokenUrl": url});
    post("admin/authpolicy/create", json!({"policyId": "oauth1", "policyType": "oauth1", "configurations": oauth1, "checkUserApproved": true})).await;
    for path in ["admin/authpolicy/read", "admin/authpolicy/list"] {
        let read = post(path, json!({"policyId": "oauth"})).await.to_string();
        assert!(
            read.contains("********") && !read.contains(client_secret),
            "{read}"
        );
    }
    assert!(!made.to_string().contains(client_secret));
    post("admin/user/create", json!({"username": "canary", "email": "canary@dev.example", "password": password, "roles": "dev"})).await;
    let session = {
        let params = json!({"userId": "canary", "password": password});
        let body = json!({"policyId": "FeedHenry", "clientToken": tenant.store, "device": "CUID-CANARY", "params": params});
        world
            .call("POST", "/box/srv/1.1/admin/authpolicy/auth")
            .json(body)
            .send()
            .await
            .json["sessionToken"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    post("act/sys/auth/forgotpassword", json!({"u": "canary"})).await;
    let mail = world.outbox.mails().remove(0);
    let link = mail
        .text
        .split("token=")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap()
        .to_owned();
    let unused = {
        post("act/sys/auth/forgotpassword", json!({"u": "canary"})).await;
        let mail = world.outbox.mails().remove(0);
        mail.text
            .split("token=")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .unwrap()
            .to_owned()
    };
    post(
        "act/sys/auth/setpassword",
        json!({"token": link, "password": chosen}),
    )
    .await;
    // Refused with the secrets in hand: an error must not repeat them.
    world
        .call("POST", "/box/srv/1.1/act/sys/auth/login")
        .json(json!({"u": "canary", "p": password}))
        .send()
        .await;
    world
        .call("POST", "/box/srv/1.1/admin/storeitem/list")
        .header(
            "x-fh-auth-user",
            &format!("{}0", key["apiKey"]["key"].as_str().unwrap()),
        )
        .send()
        .await;
    let (_, other) = world.user(&tenant, "other", vec![Role::Dev]).await;
    world
        .post(&other, "/box/srv/1.1/act/sys/auth/logout", json!({}))
        .await;

    // A client of the publisher API: its tokens by a password, the next ones, and some that are
    // refused.
    let client = TestClient::of(&world, &tenant).await;
    let refreshed = {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &client.refresh),
        ];
        world
            .call("POST", "/oauth2/token")
            .basic(&client.id, &client.secret)
            .encoded(&form)
            .send()
            .await
            .json
    };
    let (bearer, refresh) = (
        refreshed["access_token"].as_str().unwrap(),
        refreshed["refresh_token"].as_str().unwrap(),
    );
    for form in [
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", &client.refresh),
        ],
        [("grant_type", "password"), ("password", PASSWORD)],
        [("token", bearer), ("token", refresh)],
    ] {
        let answer = world
            .call("POST", "/oauth2/token")
            .basic(&client.id, &client.secret)
            .encoded(&form)
            .send()
            .await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        world
            .call("POST", "/oauth2/revoke")
            .basic(&client.id, &format!("{}x", client.secret))
            .encoded(&form)
            .send()
            .await;
    }

    let secrets = [
        (
            "the secret of a client of the publisher API",
            client.secret.as_str(),
        ),
        ("a bearer token that was replaced", &client.bearer),
        ("a refresh token that was used", &client.refresh),
        ("a bearer token", bearer),
        ("a refresh token", refresh),
        ("the password of everybody", PASSWORD),
        ("a password", password),
        ("a chosen password", chosen),
        ("a client's secret", client_secret),
        ("a consumer's secret", consumer_secret),
        ("an API key", key["apiKey"]["key"].as_str().unwrap()),
        ("a member's session", &tenant.cookie),
        ("an ended session", &other),
        ("an app user's session", &session),
        ("a used link", &link),
        ("a link", &unused),
    ];
    let table =
        serde_json::to_string(&world.snapshot().await.into_iter().collect::<Vec<_>>()).unwrap();
    let logged = log.text();
    assert!(
        table.contains("canary@dev.example") && logged.contains("answered"),
        "both were looked at"
    );
    for (what, secret) in secrets {
        assert!(!table.contains(secret), "{what} stands in the table");
        assert!(!logged.contains(secret), "{what} stands in the log");
    }
}

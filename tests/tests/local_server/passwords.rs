//! The rule for the password of a tenant's first administrator holds in all three ways of making a
//! tenant, and a refusal changes nothing.

use std::process::Stdio;
use std::time::Duration;

use appdepot_tests::PASSWORD;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::server::{Server, bare_command, command};

/// What a caller reads.
const RULE: &str = "a password has at least 8 characters and at most 1024 bytes";

/// Runs a program that is expected to refuse, and gives what it wrote to standard error.
async fn refusal(mut command: Command) -> String {
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(60), running)
        .await
        .expect("it ends by itself")
        .expect("it is started");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).expect("a text")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_refuses_a_short_password_and_makes_no_tenant() {
    let folder = tempfile::tempdir().unwrap();
    for short in ["a", "1234567", "äöüäöüä"] {
        let mut refused = command(folder.path());
        refused.env("APPDEPOT_ADMIN_PASSWORD", short);
        let said = refusal(refused).await;
        let expected = format!("APPDEPOT_ADMIN_PASSWORD: invalid_password: {RULE}");
        assert!(said.contains(&expected), "{said}");
    }
    assert!(!folder.path().join("clients").exists());

    // Had the tenant been made, this start would not take its password.
    let server = Server::start(folder.path()).await;
    assert_eq!(server.sign_in("admin", "a").await.status, 401);
    assert_eq!(server.sign_in("admin", PASSWORD).await.status, 200);
    server.stop().await;

    // The password of a tenant that exists is not changed by the variable, whatever it holds.
    let mut again = command(folder.path());
    again.env("APPDEPOT_ADMIN_PASSWORD", "a");
    let server = Server::run(again).await;
    assert_eq!(server.sign_in("admin", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn create_tenant_refuses_a_short_password_and_calls_nobody() {
    // Every request to AWS would go through this proxy or to an address that does not exist.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    let create = |password: &str| {
        let mut create = bare_command();
        create
            .args(["--table", "t", "--bucket", "b", "--kms-key", "k"])
            .args(["--create-tenant", "boss@other.example"])
            .envs([
                ("AWS_ACCESS_KEY_ID", "nobody"),
                ("AWS_SECRET_ACCESS_KEY", "nothing"),
                ("AWS_REGION", "xx-none-1"),
                ("HTTPS_PROXY", &address),
                ("APPDEPOT_ADMIN_PASSWORD", password),
            ]);
        create
    };
    for bad in ["", "a", "1234567", &"x".repeat(1025)] {
        let said = refusal(create(bad)).await;
        assert!(said.contains(RULE), "{said}");
        assert!(said.contains("APPDEPOT_ADMIN_PASSWORD"), "{said}");
    }
    let called = tokio::time::timeout(Duration::from_millis(100), nobody.accept()).await;
    assert!(called.is_err(), "a refused password led to a request");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_operation_refuses_a_short_password_and_makes_no_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let new = |password: &str| {
        json!({
            "name": "other",
            "adminEmail": "boss@other.example",
            "adminPassword": password,
        })
    };
    for bad in ["", "a", "1234567", &"x".repeat(1025)] {
        let refused = server
            .json("POST", "/local/tenants", &[], &new(bad))
            .await
            .unwrap();
        assert_eq!(refused.status, 400, "{:?}", refused.bytes);
        let message = refused.json()["message"].to_string();
        assert!(message.contains(RULE), "{message}");
    }
    // A tenant that one of these had made would be a conflict now.
    let made = server
        .json("POST", "/local/tenants", &[], &new(PASSWORD))
        .await
        .unwrap();
    assert_eq!(made.status, 200, "{:?}", made.bytes);
}

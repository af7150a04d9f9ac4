//! Jobs on the local server: the worker is a child process, whose death is an error of one app.

use std::time::Duration;

use appdepot_tests::PASSWORD;
use serde_json::{Value, json};

use crate::server::{Server, command};
use crate::uploads::apk;

/// A token of the Apperian API.
async fn token(server: &Server) -> String {
    let answer = server
        .json(
            "POST",
            "/v2/users/authenticate",
            &[],
            &json!({"user_id": "admin", "password": PASSWORD}),
        )
        .await
        .unwrap();
    answer.json()["token"]
        .as_str()
        .unwrap_or_else(|| panic!("{:?}", answer.bytes))
        .to_owned()
}

async fn apply(server: &Server, token: &str, app: &str) {
    let body = json!({"configurations": [{"policy_id": "com.apperian.app-usage"}]});
    let answer = server
        .json(
            "POST",
            &format!("/v2/applications/{app}/policies"),
            &[("x-token", token)],
            &body,
        )
        .await
        .unwrap();
    assert_eq!(answer.status, 202, "{:?}", answer.bytes);
}

/// The status of an app's policies, once they are not being applied any more.
async fn status(server: &Server, token: &str, app: &str) -> Value {
    for _ in 0..600 {
        let shown = server
            .get(
                &format!("/v2/applications/{app}/policies"),
                &[("x-token", token)],
            )
            .await
            .json();
        if shown["status"]["code"] != 2 {
            return shown["status"].clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the policies are still being applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_crashes_is_an_error_and_what_a_kill_left_is_done_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut unlucky = command(folder.path());
    unlucky.env("APPDEPOT_WORKER_CRASHES", "1");
    let mut server = Server::run(unlucky).await;
    let admin = server.admin().await;
    let app = admin.item("Unlucky").await;
    assert_eq!(
        admin.upload(&app, "android", &apk(1)).await.unwrap().status,
        200
    );
    let by = token(&server).await;
    apply(&server, &by, &app).await;
    let crashed = status(&server, &by, &app).await;
    assert_eq!(crashed["code"], -1, "{crashed}");
    assert!(
        crashed["details"]
            .as_str()
            .unwrap()
            .starts_with("unreadable: "),
        "{crashed}"
    );
    server.assert_alive().await;
    assert!(
        server.stderr().contains("the worker crashed"),
        "{}",
        server.stderr()
    );

    // Killed at once: its worker, which dies anyway, has not been given up three times.
    apply(&server, &by, &app).await;
    server.kill().await;
    let server = Server::start(folder.path()).await;
    let done = status(&server, &by, &app).await;
    assert_eq!(
        done,
        json!({"code": 3, "description": "POLICIES NOT SIGNED"})
    );
    assert_eq!(server.stop().await.code, Some(0));
}

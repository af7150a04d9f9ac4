//! Uploads through the reader's own process: good ones, hostile ones, and a reader that crashes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use appdepot_tests::{PASSWORD, client};
use package_reader::testing::{Apk, Hostile, hostile};
use package_reader::{Platform, RefusalCode};
use serde_json::{Value, json};

use crate::server::{Member, Server, command};

/// The largest file that goes through a function.
const THROUGH_A_FUNCTION: usize = 4 << 20;
/// A verdict comes within five seconds; a busy machine gets three times as many.
const VERDICT: Duration = Duration::from_secs(15);

/// A small app of that version.
pub fn apk(version: u32) -> Vec<u8> {
    Apk {
        version_code: version,
        version_name: format!("{version}.0"),
        ..Apk::default()
    }
    .build()
}

/// An app of more than that many megabytes, which do not compress.
pub fn large_apk(megabytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let more = (0..=megabytes)
        .map(|i| {
            (
                format!("assets/{i}.bin"),
                (0..125_000).flat_map(|_| noise()).collect(),
            )
        })
        .collect();
    Apk {
        more,
        ..Apk::default()
    }
    .build()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_attached_once_although_its_event_comes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut twice = command(folder.path());
    twice.env("APPDEPOT_DELIVER_TWICE", "1");
    let server = Server::run(twice).await;
    let admin = server.admin().await;
    let guid = admin.item("Once").await;
    for version in 1..=3_u32 {
        let file = apk(version);
        let answer = admin.upload(&guid, "android", &file).await.unwrap();
        assert_eq!(answer.status, 200, "{:?}", answer.bytes);
        let prepared = admin.prepare(&guid, "android", file.len()).await.unwrap();
        assert_eq!(prepared.put(&file).await.unwrap().status, 200);
        let status = admin.ended(&prepared.id, VERDICT).await;
        assert_eq!(
            (&status["state"], &status["storeItemBinaryVersion"]),
            (&json!("attached"), &json!(version * 2)),
            "{status}"
        );
        assert!(admin.install(&guid).await.bytes == file);
    }
    // The second deliveries may still be under way.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let shown = admin.read(&guid).await;
    assert_eq!(shown["binaries"].as_array().unwrap().len(), 1);
    assert_eq!(shown["binaries"][0]["storeItemBinaryVersion"], 6, "{shown}");
    assert!(!server.stop().await.stderr.contains("the reader crashed"));
}

/// Sends one hostile file as its platform's uploader would, and says what is wrong with the answer.
async fn refused(member: &Member, guid: &str, file: &Hostile) -> Result<(), String> {
    let kind = match file.platform {
        Platform::Android => "android",
        Platform::Ios => "ios",
    };
    let started = Instant::now();
    let told = if file.bytes.len() <= THROUGH_A_FUNCTION {
        let answer = member.upload(guid, kind, &file.bytes).await?;
        if !matches!(answer.status, 400 | 413) {
            return Err(format!("{}: {:?}", answer.status, answer.bytes));
        }
        answer.json()["message"].clone()
    } else {
        let prepared = member.prepare(guid, kind, file.bytes.len()).await?;
        let put = prepared.put(&file.bytes).await?;
        if put.status != 200 {
            return Err(format!(
                "the storage answers {}: {:?}",
                put.status, put.bytes
            ));
        }
        let status = member.ended(&prepared.id, VERDICT).await;
        if status["state"] != "refused" {
            return Err(status.to_string());
        }
        status["reason"].clone()
    };
    let (code, sentence) = told
        .as_str()
        .and_then(|told| told.split_once(": "))
        .ok_or_else(|| told.to_string())?;
    // From the storage only so much is read to find out what a file is: a list of entries can be
    // too long to be counted.
    let uncounted =
        file.expected == RefusalCode::TooManyEntries && code == RefusalCode::TooLarge.as_str();
    if (code != file.expected.as_str() && !uncounted) || sentence.is_empty() {
        return Err(format!("expected {}, got {told}", file.expected));
    }
    let took = started.elapsed();
    if took > VERDICT {
        Err(format!("took {took:?}"))
    } else {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_refused_and_nothing_suffers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let admin = server.admin().await;
    let guid = admin.item("Target").await;
    let files = Arc::new(tokio::task::spawn_blocking(hostile).await.unwrap());
    let kinds: BTreeSet<&str> = files.iter().map(|file| file.name).collect();
    assert!(kinds.len() >= 60, "only {} kinds", kinds.len());
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let (files, next, admin, guid) = (
                Arc::clone(&files),
                Arc::clone(&next),
                admin.clone(),
                guid.clone(),
            );
            tokio::spawn(async move {
                let mut wrong = Vec::new();
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = refused(&admin, &guid, file).await {
                        wrong.push(format!(
                            "{} ({} bytes): {error}",
                            file.name,
                            file.bytes.len()
                        ));
                    }
                }
                wrong
            })
        })
        .collect();
    let mut wrong = Vec::new();
    for sender in senders {
        wrong.extend(sender.await.unwrap());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    eprintln!("{} hostile files in {:?}", files.len(), started.elapsed());
    server.assert_alive().await;
    let shown = admin.read(&guid).await;
    assert_eq!(
        (&shown["binaries"], &shown["icon"]),
        (&json!([]), &json!(""))
    );
    let ended = server.stop().await;
    assert!(
        !ended.stderr.contains("the reader crashed"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_crashes_is_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let mut unlucky = command(folder.path());
    unlucky.env("APPDEPOT_READER_CRASHES", "1");
    let server = Server::run(unlucky).await;
    let admin = server.admin().await;
    let guid = admin.item("Unlucky").await;
    let answer = admin.upload(&guid, "android", &apk(1)).await.unwrap();
    let message: Value = answer.json()["message"].clone();
    assert_eq!(answer.status, 400, "{message}");
    assert!(
        message.as_str().unwrap().starts_with("unreadable: "),
        "{message}"
    );
    server.assert_alive().await;
    assert_eq!(admin.read(&guid).await["binaries"], json!([]));
    let ended = server.stop().await;
    assert!(
        ended.stderr.contains("the reader crashed"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.code, Some(0));

    let server = Server::start(folder.path()).await;
    let admin = admin.at(&server);
    let answer = admin.upload(&guid, "android", &apk(1)).await.unwrap();
    assert_eq!(answer.status, 200, "{:?}", answer.bytes);
    assert_eq!(
        admin.read(&guid).await["binaries"][0]["storeItemBinaryVersion"],
        1
    );
}

/// A token of the client that the server made for itself, by the administrator's password.
async fn token(server: &Server, data: &std::path::Path) -> String {
    let settings: Value = serde_json::from_str(
        &std::fs::read_to_string(data.join("clients/wso2-client.json")).unwrap(),
    )
    .unwrap();
    let text = |name: &str| {
        settings[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} in {settings}"))
    };
    let form = [
        ("grant_type", "password"),
        ("username", "admin"),
        ("password", PASSWORD),
        ("client_id", text("clientId")),
        ("client_secret", text("clientSecret")),
    ];
    let form = form
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
        .join("&");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = client::send(
        "POST",
        &format!("{}/oauth2/token", server.url),
        &headers,
        form,
    )
    .await
    .unwrap();
    assert_eq!(answer.status, 200, "{:?}", answer.bytes);
    format!("Bearer {}", answer.json()["access_token"].as_str().unwrap())
}

/// What a file becomes that is uploaded straight to the storage and belongs to no app.
async fn uploaded(server: &Server, token: &str, file_name: &str, bytes: &[u8]) -> Value {
    let uploads = "/api/appm/publisher/v1.1/apps/mobile/uploads";
    let headers = [("authorization", token)];
    let prepared = server
        .json(
            "POST",
            uploads,
            &headers,
            &json!({"fileName": file_name, "size": bytes.len()}),
        )
        .await
        .unwrap()
        .json();
    let signed: Vec<(&str, &str)> = prepared["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let sent = client::send(
        "PUT",
        prepared["url"].as_str().unwrap(),
        &signed,
        bytes.to_vec(),
    )
    .await
    .unwrap();
    assert_eq!(sent.status, 200, "{:?}", sent.bytes);
    let path = format!(
        "{}{uploads}/{}",
        server.url,
        prepared["uploadId"].as_str().unwrap()
    );
    let started = Instant::now();
    loop {
        let status = client::send("GET", &path, &headers, "")
            .await
            .unwrap()
            .json();
        if !matches!(status["state"].as_str(), Some("waiting" | "reading"))
            || started.elapsed() > VERDICT
        {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_publisher_api_are_read_in_the_readers_process() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let bearer = token(&server, folder.path()).await;
    let package = uploaded(&server, &bearer, "app.apk", &apk(1)).await;
    assert_eq!(
        (&package["state"], &package["version"]),
        (&json!("attached"), &json!("1.0")),
        "{package}"
    );
    let picture = uploaded(
        &server,
        &bearer,
        "shot.png",
        &package_reader::testing::png(20, 20),
    )
    .await;
    let path = format!(
        "{}{}?appType=webapp",
        server.url,
        picture["path"]
            .as_str()
            .unwrap_or_else(|| panic!("{picture}"))
    );
    let read = client::send("GET", &path, &[("authorization", &bearer)], "")
        .await
        .unwrap();
    assert_eq!(
        (read.status, read.header("content-type")),
        (200, "image/png")
    );
    let page = uploaded(&server, &bearer, "shot.png", b"<!DOCTYPE html>").await;
    assert_eq!(page["state"], "refused", "{page}");
    assert!(
        page["reason"].as_str().unwrap().starts_with("wrong_type: "),
        "{page}"
    );
    server.stop().await;

    let mut unlucky = command(folder.path());
    unlucky.env("APPDEPOT_READER_CRASHES", "1");
    let server = Server::run(unlucky).await;
    let bearer = token(&server, folder.path()).await;
    let crashed = uploaded(
        &server,
        &bearer,
        "shot.png",
        &package_reader::testing::png(30, 30),
    )
    .await;
    assert!(
        crashed["reason"]
            .as_str()
            .unwrap()
            .starts_with("unreadable: "),
        "{crashed}"
    );
    server.assert_alive().await;
}

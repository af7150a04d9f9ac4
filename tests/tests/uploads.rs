//! Uploads: what becomes of files, in what order and however often their events come.

use std::time::Duration;

use appdepot_tests::{PASSWORD, TestTenant, World, client};
use package_reader::testing;
use serde_json::{Value, json};

const ADMIN: &str = "/box/srv/1.1/admin";

async fn item(world: &World, tenant: &TestTenant, name: &str) -> String {
    let made = world.post(&tenant.cookie, &format!("{ADMIN}/storeitem/create"), json!({"name": name})).await;
    made["guid"].as_str().unwrap().to_owned()
}

async fn read(world: &World, tenant: &TestTenant, guid: &str) -> Value {
    world.post(&tenant.cookie, &format!("{ADMIN}/storeitem/read"), json!({"guid": guid})).await
}

/// Waits until an upload has ended and gives its status.
async fn ended(world: &World, tenant: &TestTenant, upload: &str) -> Value {
    for _ in 0..400 {
        let status = world.post(&tenant.cookie, &format!("{ADMIN}/storeitem/uploadstatus"), json!({"uploadId": upload})).await;
        if !matches!(status["state"].as_str(), Some("waiting" | "reading")) {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the upload did not end");
}

async fn direct(world: &World, tenant: &TestTenant, guid: &str, kind: &str, file: &[u8]) -> Value {
    let body = json!({"guid": guid, "type": kind, "size": file.len(), "fileName": "app.bin"});
    let prepared = world.post(&tenant.cookie, &format!("{ADMIN}/storeitem/prepareupload"), body).await;
    let headers: Vec<(String, String)> =
        prepared["headers"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sent = client::send("PUT", prepared["url"].as_str().unwrap(), &headers, file.to_vec()).await.unwrap();
    assert_eq!(sent.status, 200, "{:?}", sent.bytes);
    ended(world, tenant, prepared["uploadId"].as_str().unwrap()).await
}

fn apk(version: u32) -> Vec<u8> {
    testing::Apk { version_code: version, version_name: format!("{version}.0"), ..testing::Apk::default() }.build()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_upload_is_read_and_installed() {
    let (world, tenant) = World::new().await;
    let guid = item(&world, &tenant, "Field Notes").await;
    let answer = world.upload(&tenant.cookie, &guid, "android", &apk(7)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let shown = read(&world, &tenant, &guid).await;
    let package = &shown["binaries"][0]["package"];
    assert_eq!(package["versionCode"], "7", "{package}");
    assert_eq!(shown["binaries"][0]["storeItemBinaryVersion"], 1);
    assert_eq!(shown["binaries"][0]["versions"], json!([]));

    world.post(&tenant.cookie, &format!("{ADMIN}/appstore/additem"), json!({"guid": guid})).await;
    let session = world.store_session(&tenant, "admin", "CUID1").await;
    let listed = world.call("POST", "/box/srv/1.1/mas/appstore/getstoreitems").session(&session).json(json!({})).send().await;
    let url = listed.json["list"][0]["binaries"][0]["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("https://store.example").unwrap();
    let sent = world.call("GET", &format!("{path}&deviceId=CUID1")).session(&session).send().await;
    assert_eq!(sent.status, 302, "{}", sent.text);
    let fetched = client::send("GET", sent.header("location"), &[("range", "bytes=0-3")], "").await.unwrap();
    assert_eq!((fetched.status, &fetched.bytes[..]), (206, &b"PK\x03\x04"[..]));
    assert_eq!(fetched.header("content-type"), "application/vnd.android.package-archive");
    assert!(fetched.header("content-disposition").contains("Field_Notes-7.0.apk"), "{}", fetched.header("content-disposition"));

    let log = world.post(&tenant.cookie, &format!("{ADMIN}/auditlog/listlogs"), json!({"deviceId": "CUID1", "limit": "10"})).await;
    assert_eq!(log["list"][0]["storeItemTitle"], "Field Notes");
    assert_eq!(log["list"].as_array().unwrap().len(), 1);
    let _ = PASSWORD;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_uploads_at_once_become_sixteen_versions() {
    let (world, tenant) = World::with_deliveries(2).await;
    let guid = item(&world, &tenant, "Busy").await;
    let files: Vec<Vec<u8>> = (1..=16).map(apk).collect();
    let uploads = files.iter().map(|file| direct(&world, &tenant, &guid, "android", file));
    let mut numbers: Vec<u64> =
        futures_join(uploads).await.iter().map(|status| status["storeItemBinaryVersion"].as_u64().unwrap_or_else(|| panic!("{status}"))).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=16).collect::<Vec<u64>>());
    let shown = read(&world, &tenant, &guid).await;
    assert_eq!(shown["binaries"][0]["storeItemBinaryVersion"], 16);
    let old: Vec<u64> =
        shown["binaries"][0]["versions"].as_array().unwrap().iter().map(|version| version["storeItemBinaryVersion"].as_u64().unwrap()).collect();
    assert_eq!(old, [15, 14, 13, 12]);

    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.store.objects_under("binaries/").len(), 16);
    world.clock.advance_seconds(25 * 3600);
    world.keep_house().await;
    assert_eq!(world.store.objects_under("binaries/").len(), 5, "only what is kept is left");
    assert_eq!(world.store.objects_under("incoming/").len(), 0);
}

async fn futures_join<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    // All at once on one task is enough: the work is in the stores and on the readers' tasks.
    let mut pinned: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, slot) in pinned.iter_mut().zip(&mut done) {
            if slot.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *slot = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}

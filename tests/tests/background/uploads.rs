//! Uploads: what becomes of files, in what order and however often their events come.

use std::collections::BTreeSet;
use std::time::Duration;

use appdepot_tests::{TestTenant, World, client};
use package_reader::{Platform, RefusalCode, testing};
use serde_json::{Value, json};

const ADMIN: &str = "/box/srv/1.1/admin";

async fn item(world: &World, tenant: &TestTenant, name: &str) -> String {
    let made = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/create"),
            json!({"name": name}),
        )
        .await;
    made["guid"].as_str().unwrap().to_owned()
}

async fn read(world: &World, tenant: &TestTenant, guid: &str) -> Value {
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/read"),
            json!({"guid": guid}),
        )
        .await
}

/// Waits until an upload has ended and gives its status.
async fn ended(world: &World, tenant: &TestTenant, upload: &str) -> Value {
    for _ in 0..400 {
        let status = world
            .post(
                &tenant.cookie,
                &format!("{ADMIN}/storeitem/uploadstatus"),
                json!({"uploadId": upload}),
            )
            .await;
        if !matches!(status["state"].as_str(), Some("waiting" | "reading")) {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the upload did not end");
}

async fn direct(world: &World, tenant: &TestTenant, guid: &str, kind: &str, file: &[u8]) -> Value {
    let body = json!({"guid": guid, "type": kind, "size": file.len(), "fileName": "app.bin"});
    let prepared = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/prepareupload"),
            body,
        )
        .await;
    let headers: Vec<(String, String)> = prepared["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let sent = client::send(
        "PUT",
        prepared["url"].as_str().unwrap(),
        &headers,
        file.to_vec(),
    )
    .await
    .unwrap();
    assert_eq!(sent.status, 200, "{:?}", sent.bytes);
    ended(world, tenant, prepared["uploadId"].as_str().unwrap()).await
}

fn apk(version: u32) -> Vec<u8> {
    testing::Apk {
        version_code: version,
        version_name: format!("{version}.0"),
        ..testing::Apk::default()
    }
    .build()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_upload_is_read_and_installed() {
    let (world, tenant) = World::new().await;
    let guid = item(&world, &tenant, "Field Notes").await;
    let answer = world
        .upload(&tenant.cookie, &guid, "android", &apk(7))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let shown = read(&world, &tenant, &guid).await;
    let package = &shown["binaries"][0]["package"];
    assert_eq!(package["versionCode"], "7", "{package}");
    assert_eq!(shown["binaries"][0]["storeItemBinaryVersion"], 1);
    assert_eq!(shown["binaries"][0]["versions"], json!([]));

    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/appstore/additem"),
            json!({"guid": guid}),
        )
        .await;
    let session = world.store_session(&tenant, "admin", "CUID1").await;
    let listed = world
        .call("POST", "/box/srv/1.1/mas/appstore/getstoreitems")
        .session(&session)
        .json(json!({}))
        .send()
        .await;
    let url = listed.json["list"][0]["binaries"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = url.strip_prefix("https://store.example").unwrap();
    let sent = world
        .call("GET", &format!("{path}&deviceId=CUID1"))
        .session(&session)
        .send()
        .await;
    assert_eq!(sent.status, 302, "{}", sent.text);
    let fetched = client::send(
        "GET",
        sent.header("location"),
        &[("range", "bytes=0-3")],
        "",
    )
    .await
    .unwrap();
    assert_eq!(
        (fetched.status, &fetched.bytes[..]),
        (206, &b"PK\x03\x04"[..])
    );
    assert_eq!(
        fetched.header("content-type"),
        "application/vnd.android.package-archive"
    );
    assert!(
        fetched
            .header("content-disposition")
            .contains("Field_Notes-7.0.apk"),
        "{}",
        fetched.header("content-disposition")
    );

    let log = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/auditlog/listlogs"),
            json!({"deviceId": "CUID1", "limit": "10"}),
        )
        .await;
    assert_eq!(log["list"][0]["storeItemTitle"], "Field Notes");
    assert_eq!(log["list"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_uploads_at_once_become_sixteen_versions() {
    let (world, tenant) = World::with_deliveries(2).await;
    let guid = item(&world, &tenant, "Busy").await;
    let files: Vec<Vec<u8>> = (1..=16).map(apk).collect();
    let uploads = files
        .iter()
        .map(|file| direct(&world, &tenant, &guid, "android", file));
    let mut numbers: Vec<u64> = futures_join(uploads)
        .await
        .iter()
        .map(|status| {
            status["storeItemBinaryVersion"]
                .as_u64()
                .unwrap_or_else(|| panic!("{status}"))
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=16).collect::<Vec<u64>>());
    let shown = read(&world, &tenant, &guid).await;
    assert_eq!(shown["binaries"][0]["storeItemBinaryVersion"], 16);
    let old: Vec<u64> = shown["binaries"][0]["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["storeItemBinaryVersion"].as_u64().unwrap())
        .collect();
    assert_eq!(old, [15, 14, 13, 12]);

    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.store.objects_under("binaries/").len(), 16);
    world.clock.advance_seconds(25 * 3600);
    world.keep_house().await;
    assert_eq!(
        world.store.objects_under("binaries/").len(),
        5,
        "only what is kept is left"
    );
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
        if waiting {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

async fn code_of(
    world: &World,
    tenant: &TestTenant,
    guid: &str,
    kind: &str,
    file: &[u8],
) -> String {
    let answer = world.upload(&tenant.cookie, guid, kind, file).await;
    let message = answer.json["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        answer.status == 400 || answer.status == 413,
        "{} {}",
        answer.status,
        answer.text
    );
    message.split(':').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_why_and_attaches_nothing() {
    let (world, tenant) = World::new().await;
    let guid = item(&world, &tenant, "Strict").await;
    assert_eq!(
        code_of(&world, &tenant, &guid, "android", b"no archive").await,
        "not_an_archive"
    );
    assert_eq!(
        code_of(&world, &tenant, &guid, "ios", &apk(1)).await,
        "wrong_type"
    );
    let whole = apk(1);
    assert_eq!(
        code_of(&world, &tenant, &guid, "android", &whole[..whole.len() / 2]).await,
        "truncated"
    );
    assert_eq!(read(&world, &tenant, &guid).await["binaries"], json!([]));

    assert_eq!(
        world
            .upload(&tenant.cookie, &guid, "android", &apk(1))
            .await
            .status,
        200
    );
    let other = testing::Apk {
        package: "com.example.other".to_owned(),
        ..testing::Apk::default()
    }
    .build();
    assert_eq!(
        code_of(&world, &tenant, &guid, "android", &other).await,
        "wrong_identifier"
    );
    let shown = read(&world, &tenant, &guid).await;
    assert_eq!(shown["binaries"][0]["storeItemBinaryVersion"], 1);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.store.objects_under("incoming/").len(), 0);
    world.clock.advance_seconds(25 * 3600);
    world.keep_house().await;
    assert_eq!(
        world.store.objects_under("binaries/").len(),
        1,
        "what was refused leaves no bytes"
    );
}

/// One file for each code with which the reader of packages refuses one: the smallest.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_packages_are_refused_with_their_code_and_a_sentence() {
    let (world, tenant) = World::new().await;
    let files = testing::hostile();
    let mut refused = BTreeSet::new();
    for (expected, code) in [
        (RefusalCode::Ambiguous, "ambiguous"),
        (RefusalCode::NotAnApp, "not_an_app"),
        (RefusalCode::TooDeep, "too_deep"),
        (RefusalCode::TooManyEntries, "too_many_entries"),
    ] {
        for (platform, kind) in [(Platform::Android, "android"), (Platform::Ios, "ios")] {
            let fitting = files
                .iter()
                .filter(|file| file.expected == expected && file.platform == platform);
            let Some(file) = fitting.min_by_key(|file| file.bytes.len()) else {
                continue;
            };
            refused.insert((code, kind));
            let guid = item(&world, &tenant, &format!("{code} {kind}")).await;
            let answer = world.upload(&tenant.cookie, &guid, kind, &file.bytes).await;
            let (message, detail) = (&answer.json["message"], &answer.json["detail"]);
            let detail = detail.as_str().unwrap_or_default();
            assert_eq!(answer.status, 400, "{}: {}", file.name, answer.text);
            assert_eq!(*message, format!("{code}: {detail}"), "{}", file.name);
            assert!(
                detail.split_whitespace().count() > 3 && detail.ends_with('.'),
                "{}: {detail}",
                file.name
            );
            assert_eq!(read(&world, &tenant, &guid).await["binaries"], json!([]));
        }
    }
    // Android's archives can break each of these rules, and Apple's most of them.
    let of_android = refused.iter().filter(|(_, kind)| *kind == "android");
    assert!(of_android.count() == 4 && refused.len() >= 6, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_signer_changes_only_when_an_administrator_says_so() {
    let (world, tenant) = World::new().await;
    let guid = item(&world, &tenant, "Signed").await;
    let signed = |name: &str, version: u32| {
        testing::Apk {
            version_code: version,
            ..testing::Apk::default()
        }
        .build_signed(name)
    };
    let (first, signer) = signed("one", 1);
    assert_eq!(
        world
            .upload(&tenant.cookie, &guid, "android", &first)
            .await
            .status,
        200
    );
    let shown = read(&world, &tenant, &guid).await;
    assert_eq!(
        shown["binaries"][0]["package"]["signature"]["state"], "verified",
        "{}",
        shown["binaries"][0]["package"]
    );
    assert_eq!(
        shown["binaries"][0]["package"]["signature"]["certificateSha256"],
        json!(signer)
    );

    let (second, _) = signed("two", 2);
    assert_eq!(
        code_of(&world, &tenant, &guid, "android", &second).await,
        "wrong_signer"
    );
    let parts = [
        ("type", "android"),
        ("guid", guid.as_str()),
        ("allowSignerChange", "true"),
    ];
    let form = || {
        world
            .call("POST", "/box/srv/1.1/admin/storeitem/uploadbinary")
            .form("app.apk", &second, &parts)
    };
    let (_, developer) = world
        .user(
            &tenant,
            "dev@dev.example",
            vec![shared::base::rights::Role::DevAdmin],
        )
        .await;
    let refused = form().cookie(&developer).send().await;
    assert!(
        refused.json["message"]
            .as_str()
            .unwrap()
            .starts_with("wrong_signer"),
        "only an administrator may: {}",
        refused.text
    );
    assert_eq!(form().cookie(&tenant.cookie).send().await.status, 200);
    assert_eq!(
        read(&world, &tenant, &guid).await["binaries"][0]["storeItemBinaryVersion"],
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_is_made_live_again() {
    let (world, tenant) = World::new().await;
    let guid = item(&world, &tenant, "Back").await;
    for version in 1..=3 {
        assert_eq!(
            world
                .upload(&tenant.cookie, &guid, "android", &apk(version))
                .await
                .status,
            200
        );
    }
    let body = json!({"guid": guid, "type": "android", "version": 2});
    let rolled = world
        .post(&tenant.cookie, &format!("{ADMIN}/storeitem/rollback"), body)
        .await;
    assert_eq!(rolled["binaries"][0]["storeItemBinaryVersion"], 2);
    let shown = read(&world, &tenant, &guid).await;
    assert_eq!(shown["binaries"][0]["package"]["versionCode"], "2");
    let old: Vec<&Value> = shown["binaries"][0]["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| &version["storeItemBinaryVersion"])
        .collect();
    assert_eq!(old, [&json!(3), &json!(1)]);
    // The next upload goes on counting, and the rolled back version stays live only until then.
    assert_eq!(
        world
            .upload(&tenant.cookie, &guid, "android", &apk(4))
            .await
            .status,
        200
    );
    assert_eq!(
        read(&world, &tenant, &guid).await["binaries"][0]["storeItemBinaryVersion"],
        4
    );
    let unknown = world
        .call("POST", "/box/srv/1.1/admin/storeitem/rollback")
        .cookie(&tenant.cookie);
    assert_eq!(
        unknown
            .json(json!({"guid": guid, "type": "android", "version": 9}))
            .send()
            .await
            .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_item_leaves_nothing_behind() {
    let (world, tenant) = World::new().await;
    let (one, two) = (
        item(&world, &tenant, "One").await,
        item(&world, &tenant, "Two").await,
    );
    for guid in [&one, &two] {
        assert_eq!(
            world
                .upload(&tenant.cookie, guid, "android", &apk(1))
                .await
                .status,
            200
        );
    }
    assert_eq!(
        world.store.objects_under("binaries/").len(),
        1,
        "the same bytes are kept once"
    );
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/delete"),
            json!({"guid": one}),
        )
        .await;
    for _ in 0..3 {
        world.clock.advance_seconds(25 * 3600);
        world.keep_house().await;
    }
    assert_eq!(
        world.store.objects_under("binaries/").len(),
        1,
        "the other item still needs it"
    );
    let cookie = world.sign_in("dev", "admin").await;
    world
        .post(
            &cookie,
            &format!("{ADMIN}/storeitem/delete"),
            json!({"guid": two}),
        )
        .await;
    for _ in 0..3 {
        world.clock.advance_seconds(25 * 3600);
        world.keep_house().await;
    }
    assert_eq!(world.store.objects_under("").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_never_comes_expires_and_is_cleared() {
    let (world, tenant) = World::new().await;
    let guid = item(&world, &tenant, "Late").await;
    let body = json!({
        "guid": guid, "type": "android", "size": 20_000_000, "fileName": "app.apk", "parts": 2,
    });
    let prepared = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/prepareupload"),
            body,
        )
        .await;
    assert_eq!(prepared["parts"].as_array().unwrap().len(), 2);
    let part = client::send(
        "PUT",
        prepared["parts"][0]["url"].as_str().unwrap(),
        &[],
        vec![7; 5 << 20],
    )
    .await
    .unwrap();
    assert_eq!(part.status, 200);
    world.keep_house().await;
    let status = json!({"uploadId": prepared["uploadId"]});
    let asked = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/uploadstatus"),
            status.clone(),
        )
        .await;
    assert_eq!(asked["state"], "waiting");
    world.clock.advance_seconds(3 * 3600);
    world.keep_house().await;
    let asked = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/uploadstatus"),
            status,
        )
        .await;
    assert_eq!(
        (&asked["state"], &asked["reason"]),
        (
            &json!("expired"),
            &json!("the file was not uploaded in time")
        )
    );
    let late = client::send(
        "PUT",
        prepared["parts"][1]["url"].as_str().unwrap(),
        &[],
        vec![7; 10],
    )
    .await
    .unwrap();
    assert_eq!(late.status, 404, "the storage forgot the upload");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_comes_in_parts() {
    let (world, tenant) = World::new().await;
    let guid = item(&world, &tenant, "Parts").await;
    let filler: Vec<u8> = (0..11_u32 << 20)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let file = testing::Apk {
        more: vec![("assets/filler.bin".to_owned(), filler)],
        ..testing::Apk::default()
    }
    .build();
    let chunks: Vec<&[u8]> = file.chunks(5 << 20).collect();
    let body = json!({
        "guid": guid, "type": "android", "size": file.len(), "fileName": "big.apk",
        "parts": chunks.len(),
    });
    let prepared = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/prepareupload"),
            body,
        )
        .await;
    let mut parts = Vec::new();
    for (chunk, part) in chunks.iter().zip(prepared["parts"].as_array().unwrap()) {
        let sent = client::send("PUT", part["url"].as_str().unwrap(), &[], chunk.to_vec())
            .await
            .unwrap();
        parts.push(json!({"partNumber": part["partNumber"], "etag": sent.header("etag")}));
    }
    let complete = json!({"uploadId": prepared["uploadId"], "parts": parts});
    for _ in 0..2 {
        world
            .post(
                &tenant.cookie,
                &format!("{ADMIN}/storeitem/completeupload"),
                complete.clone(),
            )
            .await;
    }
    let status = ended(&world, &tenant, prepared["uploadId"].as_str().unwrap()).await;
    assert_eq!(
        (&status["state"], &status["storeItemBinaryVersion"]),
        (&json!("attached"), &json!(1)),
        "{status}"
    );
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/completeupload"),
            complete,
        )
        .await;
    let shown = read(&world, &tenant, &guid).await;
    assert_eq!(shown["binaries"][0]["package"]["size"], json!(file.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_iphone_installs_without_a_session() {
    let (world, tenant) = World::new().await;
    let made = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/create"),
            json!({"name": "Tom & <Jerry>'s \"App\""}),
        )
        .await;
    let guid = made["guid"].as_str().unwrap();
    let file = testing::Ipa::default().build();
    let answer = world.upload(&tenant.cookie, guid, "iphone", &file).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let shown = read(&world, &tenant, guid).await;
    let bundle = shown["binaries"][0]["package"]["identifier"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(shown["binaries"][0]["config"]["bundle_id"], json!(bundle));

    let page = world
        .call(
            "GET",
            &format!("/box/srv/1.1/mas/storeitem/install?guid={guid}&type=iphone"),
        )
        .cookie(&tenant.cookie)
        .send()
        .await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(
        page.text
            .contains("Tom &#38; &#60;Jerry&#62;&#39;s &#34;App&#34;"),
        "{}",
        page.text
    );
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    let encoded = page
        .text
        .split("url=")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let address = percent_decode(encoded);
    let path = address.strip_prefix("https://store.example").unwrap();
    let manifest = world.call("GET", path).send().await;
    assert_eq!(manifest.status, 200, "{}", manifest.text);
    let read: plist::Value = plist::from_bytes(&manifest.bytes).unwrap();
    let entry = &read.as_dictionary().unwrap()["items"].as_array().unwrap()[0]
        .as_dictionary()
        .unwrap();
    let metadata = entry["metadata"].as_dictionary().unwrap();
    assert_eq!(
        metadata["title"].as_string(),
        Some("Tom & <Jerry>'s \"App\"")
    );
    assert_eq!(
        metadata["bundle-identifier"].as_string(),
        Some(bundle.as_str())
    );
    let assets = entry["assets"].as_array().unwrap();
    let url = |at: usize| {
        assets[at].as_dictionary().unwrap()["url"]
            .as_string()
            .unwrap()
            .strip_prefix("https://store.example")
            .unwrap()
            .to_owned()
    };
    let package = world.call("GET", &url(0)).send().await;
    assert_eq!(package.status, 302, "{}", package.text);
    let fetched = client::send("GET", package.header("location"), &[], "")
        .await
        .unwrap();
    assert!(
        fetched.bytes == file,
        "the package arrives as it was uploaded"
    );
    let icon = world.call("GET", &url(1)).send().await;
    assert_eq!(
        (icon.status, icon.header("content-type"), &icon.bytes[1..4]),
        (200, "image/png", &b"PNG"[..])
    );

    let forged = path.replace(guid.get(..4).unwrap(), "aaaa");
    assert_eq!(world.call("GET", &forged).send().await.status, 403);
    world.clock.advance_seconds(3_601);
    assert_eq!(
        world.call("GET", path).send().await.status,
        403,
        "the link is valid for an hour"
    );
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn icons_become_small_pngs() {
    let (world, tenant) = World::new().await;
    let guid = item(&world, &tenant, "Picture").await;
    let answer = world
        .upload(&tenant.cookie, &guid, "icon", &testing::png(700, 300))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer.json["icon"]
            .as_str()
            .unwrap()
            .starts_with("iVBORw0KGgo")
    );
    assert_eq!(answer.json["list"][0]["guid"], json!(guid));
    assert_eq!(
        code_of(&world, &tenant, &guid, "icon", b"no picture").await,
        "not_an_archive"
    );
    let store = world
        .call("POST", &format!("{ADMIN}/appstore/uploadbinary"))
        .cookie(&tenant.cookie)
        .form("i.jpg", &testing::jpeg(400, 400), &[])
        .send()
        .await;
    assert!(
        store.json["icon"]
            .as_str()
            .unwrap()
            .starts_with("iVBORw0KGgo"),
        "{}",
        store.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_shows_what_its_user_may_see() {
    let (world, tenant) = World::new().await;
    let open = item(&world, &tenant, "Open").await;
    let closed = item(&world, &tenant, "For a group").await;
    for guid in [&open, &closed] {
        assert_eq!(
            world
                .upload(&tenant.cookie, guid, "android", &apk(1))
                .await
                .status,
            200
        );
        world
            .post(
                &tenant.cookie,
                &format!("{ADMIN}/appstore/additem"),
                json!({"guid": guid}),
            )
            .await;
    }
    let group = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitemgroup/create"),
            json!({"name": "Field"}),
        )
        .await["guid"]
        .clone();
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/addgroups"),
            json!({"guid": closed, "groups": [group]}),
        )
        .await;
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/grouprestrict"),
            json!({"guid": closed, "restrictToGroups": "true"}),
        )
        .await;
    let (ann, _) = world
        .user(
            &tenant,
            "ann@dev.example",
            vec![shared::base::rights::Role::Sub],
        )
        .await;
    let session = world
        .store_session(&tenant, "ann@dev.example", "CUID-ANN")
        .await;
    let names = async |session: &str| {
        let listed = world
            .call("POST", "/box/srv/1.1/mam/appstore/getstoreitems")
            .session(session)
            .json(json!({"appstore": tenant.store}))
            .send()
            .await;
        let names: Vec<String> = listed.json["storeitems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect();
        names
    };
    assert_eq!(names(&session).await, ["Open"]);
    let install = |guid: &str| {
        world
            .call(
                "GET",
                &format!("/box/srv/1.1/mas/storeitem/install?guid={guid}&type=android"),
            )
            .session(&session)
            .send()
    };
    assert_eq!(
        install(&closed).await.status,
        404,
        "what is not seen is not there"
    );
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitemgroup/addusers"),
            json!({"guid": group, "users": [ann]}),
        )
        .await;
    assert_eq!(names(&session).await, ["Open", "For a group"]);
    assert_eq!(install(&closed).await.status, 302);
    // Deleting the group must not open the item.
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitemgroup/delete"),
            json!({"guid": group}),
        )
        .await;
    assert_eq!(
        names(&session).await,
        ["Open"],
        "a reference to a group that is gone matches nobody"
    );
    world
        .user(
            &tenant,
            "bob@dev.example",
            vec![shared::base::rights::Role::Sub],
        )
        .await;
    let bob = world
        .store_session(&tenant, "bob@dev.example", "CUID-BOB")
        .await;
    assert_eq!(names(&bob).await, ["Open"]);
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/appstore/removeitem"),
            json!({"guid": open}),
        )
        .await;
    assert_eq!(names(&bob).await, [""; 0]);
}

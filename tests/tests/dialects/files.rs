//! Files and documents of the publisher API: what becomes of uploads, who may read them, and what
//! is left of them.

use std::collections::BTreeSet;
use std::time::Duration;

use appdepot_tests::{Answer, Part, TestTenant, World, all, client};
use local_gateway::uploads;
use package_reader::{Platform, RefusalCode, testing};
use serde_json::{Value, json};
use shared::base::id::{AppId, BinaryType, Guid};
use shared::base::kind::AppKind;
use shared::base::rights::Rights;
use shared::base::secret::SecretHash;
use shared::base::text::Name;
use shared::domain::apps::app::NewVersion;
use shared::domain::apps::{app, file, making};
use shared::model::apps::app::{App, Binary};
use shared::model::apps::file::{Content, FileUses, StoredFile};
use shared::model::people::principal::{Means, Principal};
use shared::store::keys;
use shared::store::record::{Reader, Stored};
use shared::store::wrappers::Fault;

const API: &str = "/api/appm/publisher/v1.1/apps";

const SCOPES: &str = "appm:read appm:create appm:update appm:publish";

const PDF: &[u8] = b"%PDF-1.4\n%%EOF\n";

const DAY: i64 = 24 * 3_600;

/// A publisher: a world's tenant with a token of its administrator.
struct Publisher<'a> {
    world: &'a World,
    tenant: TestTenant,
    token: String,
}

impl<'a> Publisher<'a> {
    async fn of(world: &'a World, tenant: TestTenant) -> Self {
        let token = world.bearer(&tenant, &tenant.admin, SCOPES).await;
        Self {
            world,
            tenant,
            token,
        }
    }

    fn call(&self, method: &str, path: &str) -> appdepot_tests::Call<'a> {
        self.world
            .call(method, &format!("{API}{path}"))
            .bearer(&self.token)
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    async fn upload_binary(&self, file_name: &str, bytes: &[u8]) -> Answer {
        self.call("POST", "/mobile/binaries")
            .form(file_name, bytes, &[])
            .send()
            .await
    }

    async fn upload_static(&self, file_name: &str, bytes: &[u8]) -> Answer {
        self.call("POST", "/static-contents?appType=webapp")
            .form(file_name, bytes, &[])
            .send()
            .await
    }

    async fn static_name(&self, file_name: &str, bytes: &[u8]) -> String {
        let answer = self.upload_static(file_name, bytes).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        text(&answer.json["id"])
    }

    /// Sends bytes straight to the storage and waits for the verdict.
    async fn direct(&self, file_name: &str, bytes: &[u8]) -> Value {
        let id = self.put(file_name, bytes).await;
        self.ended(&id).await
    }

    async fn put(&self, file_name: &str, bytes: &[u8]) -> String {
        let prepared = self
            .call("POST", "/mobile/uploads")
            .json(json!({"fileName": file_name, "size": bytes.len()}))
            .send()
            .await;
        assert_eq!(prepared.status, 200, "{}", prepared.text);
        let headers: Vec<(String, String)> = prepared.json["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let sent = client::send(
            "PUT",
            prepared.json["url"].as_str().unwrap(),
            &headers,
            bytes.to_vec(),
        )
        .await
        .unwrap();
        assert_eq!(sent.status, 200, "{:?}", sent.bytes);
        text(&prepared.json["uploadId"])
    }

    async fn ended(&self, upload: &str) -> Value {
        for _ in 0..800 {
            let status = self.get(&format!("/mobile/uploads/{upload}")).await;
            assert_eq!(status.status, 200, "{}", status.text);
            if !matches!(status.json["state"].as_str(), Some("waiting" | "reading")) {
                return status.json;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the upload did not end");
    }

    async fn stored(&self, name: &str) -> Option<Stored<StoredFile>> {
        let mut reader = Reader::new(&*self.world.plain.table, self.world.plain.clock.now());
        file::find(&mut reader, self.tenant.tenant_id, name)
            .await
            .unwrap()
    }

    async fn uses(&self, name: &str) -> i64 {
        let mut reader = Reader::new(&*self.world.plain.table, self.world.plain.clock.now());
        let found: Option<Stored<FileUses>> = reader
            .get(&keys::file_uses(self.tenant.tenant_id, name))
            .await
            .unwrap();
        found.unwrap().count
    }

    async fn principal(&self) -> Principal {
        let owner = self
            .world
            .user_record(&self.tenant, &self.tenant.admin)
            .await
            .value
            .owner;
        let domain = self.tenant.domain.clone();
        Principal {
            tenant_id: self.tenant.tenant_id,
            domain,
            owner,
            rights: Rights::ALL,
            means: Means::Session,
            credential: SecretHash::of("nothing"),
        }
    }

    /// Makes an app of that kind, as the publisher API does.
    async fn app(&self, kind: AppKind, name: &str) -> AppId {
        let (who, now) = (self.principal().await, self.world.plain.clock.now());
        let mut reader = Reader::new(&*self.world.plain.table, now);
        let mut app = App::new(
            &who.owner,
            AppId::new(now),
            kind,
            Name::new(name.to_owned()).unwrap(),
            now,
        );
        let writes = making::create_writes(&mut reader, &who, &mut app)
            .await
            .unwrap();
        self.world.plain.table.write(writes).await.unwrap();
        app.id
    }

    /// Makes an uploaded package a version of an app, as the publisher API does.
    async fn attach(&self, id: AppId, name: &str) -> AppId {
        let (tenant_id, now) = (self.tenant.tenant_id, self.world.plain.clock.now());
        let mut reader = Reader::new(&*self.world.plain.table, now);
        let mut app = app::read(&mut reader, tenant_id, id).await.unwrap();
        let before = app.value.clone();
        let mut stored = self.stored(name).await.unwrap();
        let Content::Package { kind, judged } = stored.value.content.clone() else {
            panic!("{name} is no package")
        };
        let former = reader
            .get::<Binary>(&keys::binary(tenant_id, id, kind))
            .await
            .unwrap();
        let icon = reader.get(&keys::icon(tenant_id, id)).await.unwrap();
        let new = NewVersion {
            guid: Guid::random(),
            upload: stored.value.upload.clone(),
            kind,
            by: self.tenant.admin.clone(),
            file_name: stored.value.file_name.clone(),
            file: Some(name.to_owned()),
            allow_signer_change: false,
        };
        let (_, versions) =
            app::attach(tenant_id, &mut app.value, former, icon, &new, &judged, now)
                .unwrap()
                .unwrap();
        let mut writes = app::update_writes(tenant_id, &before, &mut app, "admin", now).unwrap();
        writes.extend(versions);
        stored.value.app = Some(id.binary(kind));
        writes.push(stored.replace().unwrap());
        self.world.plain.table.write(writes).await.unwrap();
        id.binary(kind)
    }

    async fn document(&self, app: AppId, name: &str, source: &str) -> Answer {
        let address = (source == "URL").then_some("https://wiki.example.com/phone");
        let body =
            json!({"name": name, "type": "HOWTO", "sourceType": source, "sourceUrl": address});
        self.call("POST", &format!("/webapp/id/{}/docs", app.uuid()))
            .json(body)
            .send()
            .await
    }

    /// A document of that source whose path is given back.
    async fn document_path(&self, app: AppId, name: &str, source: &str) -> String {
        let made = self.document(app, name, source).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.header("location")
            .strip_prefix(API)
            .unwrap()
            .to_owned()
    }

    async fn write_file(&self, path: &str, file_name: &str, bytes: &[u8]) -> Answer {
        self.call("POST", &format!("{path}/content"))
            .form(file_name, bytes, &[])
            .send()
            .await
    }

    async fn write_text(&self, path: &str, content: &str) -> Answer {
        let part = Part {
            name: "inlineContent",
            file_name: None,
            content: content.as_bytes(),
        };
        self.call("POST", &format!("{path}/content"))
            .parts([part])
            .send()
            .await
    }

    async fn verify(&self) {
        self.world
            .verify(self.tenant.tenant_id)
            .await
            .unwrap_or_else(|faults| panic!("{faults}"));
    }

    async fn keep_house_after(&self, days: i64) -> shared::domain::background::housekeeping::Done {
        self.world.clock.advance_seconds(days * DAY + 60);
        self.world.keep_house().await
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text in place of {value}"))
        .to_owned()
}

fn apk(version: u32) -> Vec<u8> {
    testing::Apk {
        version_code: version,
        version_name: format!("{version}.0"),
        ..testing::Apk::default()
    }
    .build()
}

fn description(answer: &Answer) -> String {
    answer.json["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_read_and_handed_out_by_the_storage() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let bytes = apk(7);
    let answer = publisher.upload_binary("Field Notes.APK", &bytes).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        (&answer.json["package"], &answer.json["version"]),
        (&json!("com.example.app"), &json!("7.0")),
        "{}",
        answer.text
    );
    let name = text(&answer.json["path"]);
    assert!(name.len() >= 28 && name.ends_with(".apk"), "{name}");

    let read = publisher.get(&format!("/mobile/binaries/{name}")).await;
    assert_eq!(
        (read.status, read.header("etag")),
        (302, answer.header("etag"))
    );
    let fetched = client::send("GET", read.header("location"), &[], "")
        .await
        .unwrap();
    assert!(
        fetched.status == 200 && fetched.bytes == bytes,
        "{}",
        fetched.status
    );
    assert_eq!(
        fetched.header("content-type"),
        "application/vnd.android.package-archive"
    );
    assert!(
        fetched
            .header("content-disposition")
            .contains("Field_Notes.APK"),
        "{}",
        fetched.header("content-disposition")
    );

    let ipa = publisher
        .upload_binary("a.ipa", &testing::Ipa::default().build())
        .await;
    assert_eq!(ipa.status, 200, "{}", ipa.text);
    let stored = publisher
        .stored(ipa.json["path"].as_str().unwrap())
        .await
        .unwrap()
        .value;
    assert!(
        matches!(
            stored.content,
            Content::Package {
                kind: BinaryType::Ios,
                ..
            }
        ),
        "an ipa is for every device"
    );
    publisher.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_without_a_version_name_shows_its_code() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let bytes = testing::Apk {
        version_code: 41,
        version_name: String::new(),
        ..testing::Apk::default()
    }
    .build();
    let answer = publisher.upload_binary("a.apk", &bytes).await;
    assert_eq!(
        (answer.status, &answer.json["version"]),
        (200, &json!("41")),
        "{}",
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_documents_are_known_by_their_content() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let png = testing::png(300, 200);
    let mut zipped = testing::jpeg(40, 40);
    zipped.extend(apk(1));
    for (file_name, bytes, media_type, extension) in [
        ("shot.png", png.clone(), "image/png", "png"),
        ("PNG that says.pdf", png, "image/png", "png"),
        ("no extension", testing::jpeg(64, 64), "image/jpeg", "jpg"),
        ("archive behind it.zip", zipped, "image/jpeg", "jpg"),
        ("manual.html", PDF.to_vec(), "application/pdf", "pdf"),
    ] {
        let answer = publisher.upload_static(file_name, &bytes).await;
        assert_eq!(answer.status, 200, "{file_name}: {}", answer.text);
        let id = text(&answer.json["id"]);
        assert!(
            id.ends_with(&format!(".{extension}"))
                && answer.json["path"].as_str().unwrap().ends_with(&id),
            "{}",
            answer.text
        );
        let read = publisher
            .get(&format!("/static-contents/{id}?appType=mobileapp"))
            .await;
        assert!(
            read.status == 200 && read.bytes[..] == bytes[..],
            "{file_name}: {}",
            read.status
        );
        assert_eq!(
            (
                read.header("content-type"),
                read.header("x-content-type-options")
            ),
            (media_type, "nosniff"),
            "{file_name}"
        );
        assert!(
            read.header("content-disposition")
                .starts_with("attachment; "),
            "{file_name}"
        );
        assert!(
            read.header("content-disposition")
                .contains(&format!(".{extension}")),
            "{}",
            read.header("content-disposition")
        );
        let stored = publisher.stored(&id).await.unwrap().value;
        let Content::Static { icon, .. } = stored.content else {
            panic!("{id} is a package")
        };
        assert_eq!(
            icon.is_some(),
            media_type.starts_with("image/"),
            "{file_name}"
        );
    }
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec();
    for (file_name, bytes, code) in [
        (
            "page.png",
            b"<!DOCTYPE html><script>alert(1)</script>".to_vec(),
            "wrong_type",
        ),
        ("drawing.svg", svg, "wrong_type"),
        ("run.sh", b"#!/bin/sh\n".to_vec(), "wrong_type"),
        ("app.png", apk(1), "wrong_type"),
        ("text.png", b"This is no image.".to_vec(), "wrong_type"),
        (
            "half.png",
            testing::png(90, 90)[..60].to_vec(),
            "unreadable",
        ),
        ("flood.png", testing::hostile::flood_png(), "too_large"),
    ] {
        let answer = publisher.upload_static(file_name, &bytes).await;
        let status = if code == "too_large" { 413 } else { 400 };
        assert_eq!(answer.status, status, "{file_name}: {}", answer.text);
        assert!(
            description(&answer).starts_with(&format!("{code}: ")),
            "{file_name}: {}",
            answer.text
        );
    }
    publisher.verify().await;
    assert_eq!(
        world.store.objects_under("static/").len(),
        4,
        "one per content, and none of what was refused"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_packages_are_refused_and_leave_nothing() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let files = tokio::task::spawn_blocking(testing::hostile).await.unwrap();
    assert!(files.len() >= 80, "{} files", files.len());
    for hostile in &files {
        let file_name = if hostile.platform == Platform::Android {
            "a.apk"
        } else {
            "a.ipa"
        };
        let reason = if hostile.bytes.len() <= 4 << 20 {
            let answer = publisher.upload_binary(file_name, &hostile.bytes).await;
            assert!(
                matches!(answer.status, 400 | 413),
                "{}: {}",
                hostile.name,
                answer.text
            );
            description(&answer)
        } else {
            let status = publisher.direct(file_name, &hostile.bytes).await;
            assert_eq!(status["state"], "refused", "{}: {status}", hostile.name);
            text(&status["reason"])
        };
        let code = reason.split(':').next().unwrap_or_default();
        let uncounted = hostile.expected == RefusalCode::TooManyEntries
            && code == RefusalCode::TooLarge.as_str();
        assert!(
            code == hostile.expected.as_str() || uncounted,
            "{}: {reason}",
            hostile.name
        );
        if hostile.bytes.starts_with(b"PK") && hostile.bytes.len() <= 4 << 20 {
            let answer = publisher.upload_static("a.docx", &hostile.bytes).await;
            assert!(
                matches!(answer.status, 400 | 413),
                "{} as a document: {}",
                hostile.name,
                answer.text
            );
        }
    }
    publisher.verify().await;
    publisher.keep_house_after(2).await;
    assert_eq!(world.store.objects_under("").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_uploads_at_once_whose_events_come_twice_become_sixteen_files() {
    let (world, tenant) = World::with_deliveries(2).await;
    let publisher = Publisher::of(&world, tenant).await;
    let files: Vec<Vec<u8>> = (0..16)
        .map(|number| {
            if number % 2 == 0 {
                apk(number / 4 + 1)
            } else {
                testing::png(20 + number / 4, 20)
            }
        })
        .collect();
    let statuses = all(files.iter().enumerate().map(|(number, bytes)| {
        let publisher = &publisher;
        async move {
            publisher
                .direct(if number % 2 == 0 { "a.apk" } else { "a.png" }, bytes)
                .await
        }
    }))
    .await;
    let names: BTreeSet<String> = statuses
        .iter()
        .map(|status| text(&status["path"]))
        .collect();
    assert_eq!(names.len(), 16, "{statuses:?}");
    assert!(
        statuses.iter().all(|status| status["state"] == "attached"),
        "{statuses:?}"
    );
    world.quiet().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    publisher.verify().await;
    assert_eq!(
        world.store.objects_under("binaries/").len() + world.store.objects_under("static/").len(),
        8,
        "each content is kept once"
    );
    assert_eq!(
        world
            .snapshot()
            .await
            .values()
            .filter(|item| item["kind"]["S"] == "file")
            .count(),
        16
    );
}

/// Every call to the table fails in every way, one after the other: a later delivery goes on, and
/// nothing comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_stops_anywhere_loses_and_repeats_nothing() {
    let (world, tenant) = World::with_deliveries(0).await;
    let publisher = Publisher::of(&world, tenant).await;
    let mut attached = 0;
    for (file_name, bytes) in [("a.apk", apk(1)), ("a.png", testing::png(30, 30))] {
        for fault in Fault::PASSING {
            for at in 0.. {
                let upload = publisher.put(file_name, &bytes).await;
                let created = world.store.objects_under("incoming/").pop().unwrap();
                world.failing.fail(at, fault);
                let first =
                    upload_received::handle(world.context.clone(), uploads::event(&created)).await;
                let failed = world.failing.heal();
                if first.is_err() {
                    let again =
                        upload_received::handle(world.context.clone(), uploads::event(&created))
                            .await;
                    assert!(again.is_ok(), "{fault:?} at {at}: {again:?}");
                }
                let status = publisher
                    .get(&format!("/mobile/uploads/{upload}"))
                    .await
                    .json;
                assert_eq!(status["state"], "attached", "{fault:?} at {at}: {status}");
                attached += 1;
                assert_eq!(
                    world.store.objects_under("incoming/").len(),
                    0,
                    "{fault:?} at {at}"
                );
                if !failed {
                    break;
                }
            }
        }
    }
    publisher.verify().await;
    assert_eq!(
        world
            .snapshot()
            .await
            .values()
            .filter(|item| item["kind"]["S"] == "file")
            .count(),
        attached
    );
    publisher.keep_house_after(8).await;
    publisher.keep_house_after(2).await;
    publisher.verify().await;
    assert_eq!(world.store.objects_under("").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_limited_before_anything_is_sent() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let prepare = |body: Value| publisher.call("POST", "/mobile/uploads").json(body).send();
    for (body, status) in [
        (json!({"fileName": "a.pdf", "size": 20 << 20}), 200),
        (json!({"fileName": "a.pdf", "size": (20 << 20) + 1}), 413),
        (json!({"fileName": "a.apk", "size": 2_u64 << 30}), 200),
        (json!({"fileName": "a.apk", "size": (2_u64 << 30) + 1}), 413),
        (json!({"fileName": "a.apk", "size": 0}), 400),
        (json!({"fileName": "a.apk"}), 400),
        (json!({"size": 10}), 400),
        (
            json!({"fileName": "a.apk", "size": 10, "sha256": "no"}),
            400,
        ),
        (json!({"fileName": "a.apk", "size": 10, "parts": 3}), 400),
        (
            json!({"fileName": "a.png", "size": 10, "appType": "toaster"}),
            404,
        ),
    ] {
        let answer = prepare(body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    assert_eq!(publisher.get("/mobile/uploads/nonsense").await.status, 400);
    assert_eq!(
        publisher
            .get(&format!("/mobile/uploads/{}", Guid::random()))
            .await
            .status,
        404
    );
    assert_eq!(publisher.upload_static("a.png", b"").await.status, 400);
    assert_eq!(world.store.objects_under("").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_comes_straight_and_is_read_from_the_storage() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let mut large = b"%PDF-1.4\n".to_vec();
    large.resize(7 << 20, b' ');
    large.extend_from_slice(b"%%EOF\n");
    let status = publisher.direct("manual.pdf", &large).await;
    assert_eq!(status["state"], "attached", "{status}");
    let id = text(&status["id"]);
    let read = publisher
        .get(&format!("/static-contents/{id}?appType=webapp"))
        .await;
    assert_eq!(read.status, 302, "{}", read.text);
    let fetched = client::send("GET", read.header("location"), &[], "")
        .await
        .unwrap();
    assert!(fetched.bytes == large && fetched.header("content-type") == "application/pdf");
    assert!(
        fetched
            .header("content-disposition")
            .starts_with("attachment; ")
    );

    let app = publisher.app(AppKind::Web, "Booking").await;
    let path = publisher.document_path(app, "Manual", "FILE").await;
    let part = Part {
        name: "path",
        file_name: None,
        content: text(&status["path"]).into_bytes().leak(),
    };
    let written = publisher
        .call("POST", &format!("{path}/content"))
        .parts([part])
        .send()
        .await;
    assert_eq!(
        (
            written.status,
            &written.json["fileName"],
            &written.json["id"]
        ),
        (200, &json!("manual.pdf"), &json!(id)),
        "{}",
        written.text
    );
    assert_eq!(publisher.get(&format!("{path}/content")).await.status, 302);

    let upload = publisher.put("b.pdf", PDF).await;
    publisher.ended(&upload).await;
    assert_eq!(
        publisher
            .call("DELETE", &format!("/mobile/uploads/{upload}"))
            .send()
            .await
            .status,
        409,
        "what was attached is not given up"
    );
    let waiting = publisher
        .call("POST", "/mobile/uploads")
        .json(json!({"fileName": "c.pdf", "size": 9}))
        .send()
        .await;
    let waiting = format!("/mobile/uploads/{}", text(&waiting.json["uploadId"]));
    assert_eq!(publisher.call("DELETE", &waiting).send().await.status, 200);
    assert_eq!(publisher.get(&waiting).await.json["state"], "refused");
    publisher.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_comes_in_parts() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let filler: Vec<u8> = (0..6_u32 << 20)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let bytes = testing::Apk {
        more: vec![("assets/filler.bin".to_owned(), filler)],
        ..testing::Apk::default()
    }
    .build();
    let chunks: Vec<&[u8]> = bytes.chunks(5 << 20).collect();
    let body = json!({"fileName": "big.apk", "size": bytes.len(), "parts": chunks.len()});
    let prepared = publisher
        .call("POST", "/mobile/uploads")
        .json(body)
        .send()
        .await
        .json;
    let mut parts = Vec::new();
    for (chunk, part) in chunks.iter().zip(prepared["parts"].as_array().unwrap()) {
        let sent = client::send("PUT", part["url"].as_str().unwrap(), &[], chunk.to_vec())
            .await
            .unwrap();
        parts.push(json!({"partNumber": part["partNumber"], "etag": sent.header("etag")}));
    }
    let upload = text(&prepared["uploadId"]);
    for _ in 0..2 {
        let done = publisher
            .call("POST", &format!("/mobile/uploads/{upload}/complete"))
            .json(json!({"parts": parts}))
            .send()
            .await;
        assert_eq!(done.status, 200, "{}", done.text);
    }
    let status = publisher.ended(&upload).await;
    assert_eq!(
        (&status["state"], &status["package"]),
        (&json!("attached"), &json!("com.example.app")),
        "{status}"
    );
    publisher.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_tenant_is_not_there() {
    let (world, tenant) = World::new().await;
    let other = world.tenant("other").await;
    let (ours, theirs) = (
        Publisher::of(&world, tenant).await,
        Publisher::of(&world, other).await,
    );
    let (bytes, png) = (apk(1), testing::png(9, 9));
    let binary = text(&ours.upload_binary("a.apk", &bytes).await.json["path"]);
    let picture = ours.static_name("a.png", &png).await;
    let upload = ours.put("b.png", &png).await;
    ours.ended(&upload).await;
    for path in [
        format!("/mobile/binaries/{binary}"),
        format!("/static-contents/{picture}?appType=webapp"),
        format!("/mobile/uploads/{upload}"),
    ] {
        assert!(matches!(ours.get(&path).await.status, 200 | 302), "{path}");
        assert_eq!(theirs.get(&path).await.status, 404, "{path}");
    }
    assert_ne!(
        theirs.static_name("a.png", &png).await,
        picture,
        "the name says nothing of the content"
    );
    let app = theirs.app(AppKind::Web, "Thief").await;
    let path = theirs.document_path(app, "Stolen", "FILE").await;
    let part = Part {
        name: "path",
        file_name: None,
        content: picture.as_bytes(),
    };
    assert_eq!(
        theirs
            .call("POST", &format!("{path}/content"))
            .parts([part])
            .send()
            .await
            .status,
        400
    );
    // Names that would lead elsewhere in the bucket or in the table.
    for name in [
        "..%2F..%2Fbinaries",
        "%23",
        "a%00.png",
        "..",
        "incoming%2Fx.png",
        &format!("{}.png", "x".repeat(3_000)),
    ] {
        let answer = ours
            .get(&format!("/static-contents/{name}?appType=webapp"))
            .await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{name}: {}",
            answer.text
        );
    }
    ours.verify().await;
    theirs.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_by_the_other_dialect_is_read_too() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let cookie = publisher.tenant.cookie.clone();
    let guid = text(
        &world
            .post(
                &cookie,
                "/box/srv/1.1/admin/storeitem/create",
                json!({"name": "Notes"}),
            )
            .await["guid"],
    );
    assert_eq!(
        world
            .upload(&cookie, &guid, "android", &apk(3))
            .await
            .status,
        200
    );
    assert_eq!(
        world
            .upload(&cookie, &guid, "icon", &testing::png(60, 60))
            .await
            .status,
        200
    );
    let id: AppId = guid.parse().unwrap();
    let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
    let app = app::read(&mut reader, publisher.tenant.tenant_id, id)
        .await
        .unwrap()
        .value;
    let version = &app.binaries[0].versions[0].guid;
    let read = publisher
        .get(&format!("/mobile/binaries/{version}.apk"))
        .await;
    assert_eq!(read.status, 302, "{}", read.text);
    let fetched = client::send("GET", read.header("location"), &[], "")
        .await
        .unwrap();
    assert!(
        fetched.bytes == apk(3)
            && fetched
                .header("content-disposition")
                .contains("Notes-3.0.apk")
    );
    assert_eq!(
        publisher
            .get(&format!("/mobile/binaries/{version}.ipa"))
            .await
            .status,
        404,
        "it is no iOS app"
    );
    for spelling in [id.guid(), id.uuid()] {
        let icon = publisher
            .get(&format!(
                "/static-contents/{spelling}.png?appType=mobileapp"
            ))
            .await;
        assert_eq!(
            (icon.status, icon.header("content-type"), &icon.bytes[1..4]),
            (200, "image/png", &b"PNG"[..])
        );
    }
    let other = publisher.app(AppKind::Mobile, "Without").await;
    assert_eq!(
        publisher
            .get(&format!(
                "/static-contents/{}.png?appType=mobileapp",
                other.guid()
            ))
            .await
            .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_list_is_escaped_and_its_links_need_no_credential() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let bytes = testing::Ipa::default().build();
    let file = text(&publisher.upload_binary("a.ipa", &bytes).await.json["path"]);
    let tenant_id = publisher.tenant.tenant_id;
    let path = format!("/mobile/getplist/tenant/{tenant_id}/file/{file}");
    assert_eq!(
        publisher.get(&path).await.status,
        404,
        "it belongs to no app yet"
    );
    let title = "<&\"'> \u{1f600}";
    let app = publisher.app(AppKind::Mobile, title).await;
    publisher.attach(app, &file).await;
    publisher.verify().await;

    let answer = publisher.get(&path).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/xml"),
        "{}",
        answer.text
    );
    let list: plist::Value = plist::from_bytes(&answer.bytes).unwrap();
    let item = list.as_dictionary().unwrap()["items"].as_array().unwrap()[0]
        .as_dictionary()
        .unwrap();
    let metadata = item["metadata"].as_dictionary().unwrap();
    assert_eq!(metadata["title"].as_string(), Some(title));
    assert_eq!(metadata["kind"].as_string(), Some("software"));
    let asset = item["assets"].as_array().unwrap()[0]
        .as_dictionary()
        .unwrap();
    assert_eq!(asset["kind"].as_string(), Some("software-package"));
    let url = asset["url"].as_string().unwrap().to_owned();
    let in_world = |url: &str| {
        url.strip_prefix("https://store.example")
            .unwrap()
            .to_owned()
    };
    let package = world.call("GET", &in_world(&url)).send().await;
    assert_eq!(package.status, 302, "{}", package.text);
    assert!(
        client::send("GET", package.header("location"), &[], "")
            .await
            .unwrap()
            .bytes
            == bytes
    );

    let as_json = publisher
        .call("GET", &path)
        .header("accept", "application/json")
        .send()
        .await;
    assert_eq!(
        as_json.json["PListAssets"][0]["title"], title,
        "{}",
        as_json.text
    );
    assert_eq!(
        as_json.json["PListAssets"][0]["PListAssets"][0]["kind"],
        "software-package"
    );
    assert_eq!(as_json.header("vary"), "accept");

    let link = publisher.get(&format!("{path}/link")).await;
    let manifest = world
        .call("GET", &in_world(link.json["plist"].as_str().unwrap()))
        .send()
        .await;
    assert_eq!(manifest.status, 200, "{}", manifest.text);
    let install = text(&link.json["install"]);
    let encoded = install
        .strip_prefix("itms-services://?action=download-manifest&url=")
        .unwrap();
    assert_eq!(
        percent_encoding::percent_decode_str(encoded)
            .decode_utf8()
            .unwrap(),
        link.json["plist"].as_str().unwrap()
    );
    assert!(!encoded.contains(['&', ':', '/']), "{encoded}");

    let own = publisher
        .get(&format!("/mobile/getplist/tenant/-1234/file/{file}"))
        .await;
    assert_eq!(own.status, 200);
    world.clock.advance_seconds(3_601);
    assert_eq!(
        world.call("GET", &in_world(&url)).send().await.status,
        403,
        "a link is valid for an hour at most"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_property_list_of_an_app_of_the_other_dialect() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let cookie = publisher.tenant.cookie.clone();
    let guid = text(
        &world
            .post(
                &cookie,
                "/box/srv/1.1/admin/storeitem/create",
                json!({"name": "Notes"}),
            )
            .await["guid"],
    );
    assert_eq!(
        world
            .upload(&cookie, &guid, "iphone", &testing::Ipa::default().build())
            .await
            .status,
        200
    );
    let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
    let app = app::read(
        &mut reader,
        publisher.tenant.tenant_id,
        guid.parse().unwrap(),
    )
    .await
    .unwrap()
    .value;
    let version = &app.binaries[0].versions[0].guid;
    let answer = publisher
        .get(&format!("/mobile/getplist/tenant/-1234/file/{version}.ipa"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer.text.contains("<string>Notes</string>"),
        "{}",
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_uses_goes_after_a_week() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let app = publisher.app(AppKind::Web, "Booking").await;
    let mobile = publisher.app(AppKind::Mobile, "Notes").await;
    let unused = publisher
        .static_name("unused.png", &testing::png(10, 10))
        .await;
    let package = text(&publisher.upload_binary("a.apk", &apk(1)).await.json["path"]);
    publisher.attach(mobile, &package).await;
    let (kept, replaced) = (
        publisher.document_path(app, "Kept", "FILE").await,
        publisher.document_path(app, "Replaced", "FILE").await,
    );
    let first = text(&publisher.write_file(&kept, "a.pdf", PDF).await.json["id"]);
    let second = text(
        &publisher
            .write_file(&replaced, "b.png", &testing::png(20, 20))
            .await
            .json["id"],
    );

    assert_eq!(publisher.keep_house_after(6).await.files, 0);
    assert!(
        publisher.stored(&unused).await.is_some(),
        "a week is not over"
    );
    assert_eq!(publisher.keep_house_after(1).await.files, 1);
    assert!(publisher.stored(&unused).await.is_none());
    for name in [&package, &first, &second] {
        assert!(publisher.stored(name).await.is_some(), "{name} is in use");
    }
    let publisher = Publisher::of(&world, publisher.tenant).await;
    let third = text(
        &publisher
            .write_file(&replaced, "c.png", &testing::png(30, 30))
            .await
            .json["id"],
    );
    assert_eq!(publisher.call("DELETE", &kept).send().await.status, 200);
    assert_eq!(
        publisher.keep_house_after(7).await.files,
        2,
        "the file of the document that is gone, and the one that was replaced"
    );
    assert!(publisher.stored(&first).await.is_none() && publisher.stored(&second).await.is_none());
    assert!(publisher.stored(&third).await.is_some() && publisher.stored(&package).await.is_some());
    publisher.keep_house_after(2).await;
    assert_eq!(world.store.objects_under("static/").len(), 1);
    let objects: Vec<String> = world
        .store
        .objects_under("static/")
        .into_iter()
        .map(|object| object.key)
        .collect();
    let third = publisher.stored(&third).await.unwrap().value;
    assert_eq!(objects, [third.object(publisher.tenant.tenant_id)]);
    publisher.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_app_takes_its_documents_with_it() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let app = publisher.app(AppKind::Site, "Pages").await;
    let shared = publisher
        .static_name("shared.png", &testing::png(10, 10))
        .await;
    for number in 0..40 {
        let path = publisher
            .document_path(
                app,
                &format!("Document {number}"),
                if number % 2 == 0 { "FILE" } else { "INLINE" },
            )
            .await;
        let written = if number % 2 == 0 {
            let part = Part {
                name: "path",
                file_name: None,
                content: shared.as_bytes(),
            };
            publisher
                .call("POST", &format!("{path}/content"))
                .parts([part])
                .send()
                .await
        } else {
            publisher.write_text(&path, "The content.").await
        };
        assert_eq!(written.status, 200, "{}", written.text);
    }
    publisher.verify().await;
    assert_eq!(publisher.uses(&shared).await, 20);
    world
        .post(
            &publisher.tenant.cookie,
            "/box/srv/1.1/admin/storeitem/delete",
            json!({"guid": app.guid()}),
        )
        .await;
    // Two runs at once take back each use once.
    let (one, two) = tokio::join!(world.keep_house(), world.keep_house());
    assert_eq!(one.apps + two.apps, 1);
    assert_eq!(publisher.uses(&shared).await, 0);
    let left = world.snapshot().await;
    assert!(
        !left
            .keys()
            .any(|(pk, _)| *pk == keys::app_parts(publisher.tenant.tenant_id, app)),
        "nothing of the app is left"
    );
    publisher.verify().await;
    publisher.keep_house_after(8).await;
    publisher.keep_house_after(2).await;
    assert_eq!(world.store.objects_under("").len(), 0);
    publisher.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_keep_to_their_limits() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let app = publisher.app(AppKind::Web, "Booking").await;
    let path = publisher.document_path(app, "Text", "INLINE").await;
    // What is longest as JSON, and what a page must not become.
    let nasty = "\u{1}\"<script>\n".repeat(256 * 1024 / 11);
    let longest = format!("{nasty}{}", "x".repeat(256 * 1024 - nasty.len()));
    assert_eq!(
        publisher.get(&format!("{path}/content")).await.status,
        404,
        "nothing was written yet"
    );
    assert_eq!(publisher.write_text(&path, &longest).await.status, 200);
    let read = publisher.get(&format!("{path}/content")).await;
    assert!(read.status == 200 && read.text == longest);
    assert_eq!(
        (
            read.header("content-type"),
            read.header("x-content-type-options")
        ),
        ("text/plain; charset=utf-8", "nosniff")
    );
    assert_eq!(
        publisher
            .write_text(&path, &format!("{longest}x"))
            .await
            .status,
        413
    );
    assert_eq!(publisher.write_text(&path, "Another.").await.status, 200);
    let again = publisher.get(&format!("{path}/content")).await;
    assert_eq!(again.text, "Another.");
    assert_ne!(again.header("etag"), read.header("etag"));

    let address = publisher.document_path(app, "Elsewhere", "URL").await;
    let elsewhere = publisher.get(&format!("{address}/content")).await;
    assert_eq!(
        (elsewhere.status, elsewhere.header("location")),
        (303, "https://wiki.example.com/phone")
    );

    for number in 2..100 {
        assert_eq!(
            publisher
                .document(app, &format!("Document {number}"), "INLINE")
                .await
                .status,
            201,
            "{number}"
        );
    }
    let one_more = publisher.document(app, "One more", "INLINE").await;
    assert_eq!(one_more.status, 400, "{}", one_more.text);
    assert_eq!(publisher.call("DELETE", &path).send().await.status, 200);
    let statuses: Vec<u16> =
        all(["A", "B", "C", "D"].map(|name| publisher.document(app, name, "INLINE")))
            .await
            .iter()
            .map(|answer| answer.status)
            .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    publisher.verify().await;

    let docs = format!("/webapp/id/{}/docs", app.uuid());
    let page = publisher
        .get(&format!("{docs}?limit=30&offset=80"))
        .await
        .json;
    assert_eq!(
        (&page["count"], &page["next"]),
        (&json!(20), &json!("")),
        "{page}"
    );
    let before = text(&page["previous"]);
    assert_eq!(
        publisher.get(before.strip_prefix(API).unwrap()).await.json["count"],
        30
    );
    assert_eq!(
        publisher.get(&docs).await.json["count"],
        25,
        "as many as the document says"
    );
    for query in ["limit=0", "limit=x", "limit=-1", "offset=-1", "offset=1.5"] {
        assert_eq!(
            publisher.get(&format!("{docs}?{query}")).await.status,
            400,
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_document_do_not_overwrite_each_other() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let app = publisher.app(AppKind::Web, "Booking").await;
    let same: Vec<u16> = all((0..8).map(|_| publisher.document(app, "Same name", "INLINE")))
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    assert_eq!(
        same.iter().filter(|status| **status == 201).count(),
        1,
        "{same:?}"
    );
    assert!(
        same.iter().all(|status| matches!(status, 201 | 409)),
        "{same:?}"
    );
    assert_eq!(
        publisher.document(app, "SAME NAME", "URL").await.status,
        409,
        "case does not count"
    );

    let path = publisher.document_path(app, "Contended", "INLINE").await;
    let etag = publisher.get(&path).await.header("etag").to_owned();
    let put = |summary: String| {
        let call = publisher
            .call("PUT", &path)
            .header("if-match", &etag)
            .json(json!({"summary": summary}));
        async move { call.send().await }
    };
    let statuses: Vec<u16> = all((0..8).map(|number| put(format!("Summary {number}"))))
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 412)),
        "{statuses:?}"
    );
    for (body, named) in [
        (json!({"name": "Other"}), "name"),
        (json!({"sourceType": "FILE"}), "sourceType"),
        (json!({"type": "NOVEL"}), "type"),
        (json!({"sourceUrl": "https://x.example"}), "sourceUrl"),
        (json!({"summary": "x".repeat(2_001)}), "summary"),
    ] {
        let answer = publisher.call("PUT", &path).json(body).send().await;
        assert!(
            answer.status == 400 && description(&answer).contains(named),
            "{}",
            answer.text
        );
    }
    assert_eq!(
        publisher
            .call("PUT", &path)
            .json(json!({"type": "OTHER", "otherTypeName": "Poster"}))
            .send()
            .await
            .status,
        200
    );
    let read = publisher.get(&path).await.json;
    assert!(
        read["summary"].as_str().unwrap().starts_with("Summary ")
            && read["otherTypeName"] == "Poster",
        "{read}"
    );

    let mobile = publisher.app(AppKind::Mobile, "Notes").await;
    assert_eq!(
        publisher
            .get(&format!("/mobileapp/id/{}/docs", mobile.uuid()))
            .await
            .json["count"],
        0
    );
    assert_eq!(
        publisher
            .get(&format!("/webapp/id/{}/docs", mobile.uuid()))
            .await
            .status,
        404
    );
    assert_eq!(
        publisher
            .get(&format!("/site/id/{}/docs", app.uuid()))
            .await
            .status,
        404,
        "a web app is no site"
    );
    assert_eq!(
        publisher
            .get(&format!("/webapp/id/{}/docs/nonsense", app.uuid()))
            .await
            .status,
        400
    );
    assert_eq!(publisher.get("/webapp/id/nonsense/docs").await.status, 400);
    publisher.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_takes_the_content_that_its_source_says() {
    let (world, tenant) = World::new().await;
    let publisher = Publisher::of(&world, tenant).await;
    let app = publisher.app(AppKind::Web, "Booking").await;
    let file = publisher.document_path(app, "File", "FILE").await;
    let html = publisher
        .write_file(&file, "a.pdf", b"<!DOCTYPE html><script>alert(1)</script>")
        .await;
    assert!(
        html.status == 400 && description(&html).starts_with("wrong_type: "),
        "{}",
        html.text
    );
    let package = publisher.upload_binary("a.apk", &apk(1)).await.json["path"]
        .as_str()
        .unwrap()
        .to_owned();
    let part = Part {
        name: "path",
        file_name: None,
        content: package.as_bytes(),
    };
    assert_eq!(
        publisher
            .call("POST", &format!("{file}/content"))
            .parts([part])
            .send()
            .await
            .status,
        400,
        "a package is no document"
    );
    assert_eq!(publisher.get(&format!("{file}/content")).await.status, 404);
    let written = publisher.write_file(&file, "He said \"a\".pdf", PDF).await;
    assert_eq!(written.status, 200, "{}", written.text);
    let read = publisher.get(&format!("{file}/content")).await;
    assert_eq!(
        (read.status, &read.bytes[..], read.header("content-type")),
        (200, PDF, "application/pdf")
    );
    let disposition = read.header("content-disposition");
    assert!(
        disposition.starts_with("attachment; filename=\"") && disposition.matches('"').count() == 2,
        "{disposition}"
    );
    let at = read.header("etag").to_owned();
    let cached = publisher
        .call("GET", &format!("{file}/content"))
        .header("if-none-match", &at)
        .send()
        .await;
    assert_eq!(
        (cached.status, cached.header("etag"), cached.bytes.len()),
        (304, at.as_str(), 0)
    );
    publisher.verify().await;
}

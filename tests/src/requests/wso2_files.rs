//! The requests to what the publisher API has of files and documents.

use package_reader::testing;
use serde_json::json;
use shared::base::id::AppId;
use shared::base::kind::AppKind;
use shared::base::rights::Rights;
use shared::base::secret::SecretHash;
use shared::base::text::Name;
use shared::domain::apps::{app, making};
use shared::model::apps::app::App;
use shared::model::people::principal::{Means, Principal};
use shared::store::record::Reader;

use super::Carries::{Form, Json};
use super::{Carries, Entry, Furnished, MARK, apk, delete, get, none, post, query};
use crate::{Part, TestTenant, World, client};

const DOCS: &str = "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs";

const DOC: &str = "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs/{documentId}";

const CONTENT: &str =
    "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs/{documentId}/content";

const BINARIES: &str = "/api/appm/publisher/v1.1/apps/mobile/binaries";

const PLIST: &str =
    "/api/appm/publisher/v1.1/apps/mobile/getplist/tenant/{tenantId}/file/{fileName}";

const UPLOADS: &str = "/api/appm/publisher/v1.1/apps/mobile/uploads";

/// What the furnished tenant has of files and documents.
#[derive(Clone, Debug, Default)]
pub struct FilesOfTenant {
    /// A web app.
    pub web: String,
    /// Its document with a text.
    pub inline: String,
    /// Its document with a file.
    pub file: String,
    /// An uploaded package.
    pub package: String,
    /// An uploaded picture.
    pub picture: String,
    /// The file of the shelved item's iOS version, by the version's guid.
    pub ipa: String,
    /// An upload in one part whose bytes are there, with the part's tag.
    pub parts: (String, String),
}

/// Makes a web app, as the publisher API does.
async fn web_app(world: &World, tenant: &TestTenant) -> AppId {
    let owner = world.user_record(tenant, &tenant.admin).await.value.owner;
    let domain = tenant.domain.clone();
    let who = Principal {
        tenant_id: tenant.tenant_id,
        domain,
        owner,
        rights: Rights::ALL,
        means: Means::Session,
        credential: SecretHash::of("nothing"),
    };
    let now = world.plain.clock.now();
    let mut reader = Reader::new(&*world.plain.table, now);
    let name = Name::new(format!("{MARK} web app")).expect("a name");
    let mut app = App::new(&who.owner, AppId::new(now), AppKind::Web, name, now);
    let writes = making::create_writes(&mut reader, &who, &mut app)
        .await
        .expect("an app");
    world
        .plain
        .table
        .write(writes)
        .await
        .expect("an app is written");
    app.id
}

impl FilesOfTenant {
    /// Furnishes a tenant whose shelved item has an iOS version.
    pub(super) async fn of(
        world: &World,
        tenant: &TestTenant,
        bearer: &str,
        shelved: &str,
    ) -> Self {
        let web = web_app(world, tenant).await.uuid();
        let docs = DOCS.replace("{appType}", "webapp").replace("{appId}", &web);
        let upload = async |path: &str, file_name: &str, bytes: &[u8], name: &str| {
            let answer = world
                .call("POST", path)
                .bearer(bearer)
                .form(file_name, bytes, &[("appType", "webapp")])
                .send()
                .await;
            answer.json[name]
                .as_str()
                .unwrap_or_else(|| panic!("{path}: {}", answer.text))
                .to_owned()
        };
        let document = async |source: &str| {
            let body =
                json!({"name": format!("{MARK} {source}"), "type": "HOWTO", "sourceType": source});
            let made = world
                .call("POST", &docs)
                .bearer(bearer)
                .json(body)
                .send()
                .await;
            made.json["documentId"]
                .as_str()
                .unwrap_or_else(|| panic!("{docs}: {}", made.text))
                .to_owned()
        };
        let (inline, file) = (document("INLINE").await, document("FILE").await);
        let text = Part {
            name: "inlineContent",
            file_name: None,
            content: MARK.as_bytes(),
        };
        let written = world
            .call("POST", &format!("{docs}/{inline}/content"))
            .bearer(bearer)
            .parts([text])
            .send()
            .await;
        assert_eq!(written.status, 200, "{}", written.text);
        upload(
            &format!("{docs}/{file}/content"),
            "manual.pdf",
            b"%PDF-1.4\n%%EOF\n",
            "id",
        )
        .await;
        let package = upload(BINARIES, "a.apk", &apk(1), "path").await;
        let picture = upload(
            "/api/appm/publisher/v1.1/apps/static-contents",
            "a.png",
            &testing::png(8, 8),
            "id",
        )
        .await;
        let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
        let app = app::read(
            &mut reader,
            tenant.tenant_id,
            shelved.parse().expect("an id"),
        )
        .await
        .expect("an item")
        .value;
        let ios = app
            .binaries
            .iter()
            .find(|binary| binary.kind == shared::base::id::BinaryType::Ios)
            .expect("an iOS binary");
        let ipa = format!("{}.ipa", ios.versions[0].guid);
        Self {
            web,
            inline,
            file,
            package,
            picture,
            ipa,
            parts: Default::default(),
        }
    }
}

/// Another upload in one part whose bytes are there.
pub(super) async fn new_parts(world: &World, bearer: &str) -> (String, String) {
    let body = json!({"fileName": "a.apk", "size": 9, "parts": 1});
    let prepared = world
        .call("POST", UPLOADS)
        .bearer(bearer)
        .json(body)
        .send()
        .await;
    let url = prepared.json["parts"][0]["url"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", prepared.text));
    let sent = client::send("PUT", url, &[], "not a zip")
        .await
        .expect("the part is sent");
    assert_eq!(sent.status, 200, "{:?}", sent.bytes);
    (
        prepared.json["uploadId"]
            .as_str()
            .expect("an upload")
            .to_owned(),
        sent.header("etag").to_owned(),
    )
}

fn of_app(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![
        ("appType", "webapp".to_owned()),
        ("appId", f.files.web.clone()),
    ]
}

fn of_inline(f: &Furnished) -> Vec<(&'static str, String)> {
    [of_app(f), vec![("documentId", f.files.inline.clone())]].concat()
}

fn of_file(f: &Furnished) -> Vec<(&'static str, String)> {
    [of_app(f), vec![("documentId", f.files.file.clone())]].concat()
}

fn of_plist(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![
        ("tenantId", "-1234".to_owned()),
        ("fileName", f.files.ipa.clone()),
    ]
}

fn of_waiting(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("uploadId", f.waiting.clone())]
}

fn form(file: Vec<u8>) -> Carries {
    Form(file, vec![("appType", "webapp".to_owned())])
}

/// One entry per row of files and documents.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        get(DOCS, none).with(of_app),
        post(DOCS, |_| {
            Json(json!({"name": format!("{MARK} new"), "type": "HOWTO", "sourceType": "INLINE"}))
        })
        .with(of_app)
        .ok(201)
        .again(&[409]),
        get(DOC, none).with(of_inline),
        Entry::new("PUT", DOC, |_| {
            Json(json!({"summary": format!("{MARK} changed")}))
        })
        .with(of_inline),
        delete(DOC).with(of_file).again(&[404]),
        get(CONTENT, none).with(of_inline),
        post(CONTENT, |_| Form(testing::png(9, 9), Vec::new()))
            .with(of_file)
            .waits(),
        post(BINARIES, |_| form(apk(2)))
            .named("new.apk")
            .theirs()
            .waits(),
        get(
            "/api/appm/publisher/v1.1/apps/mobile/binaries/{fileName}",
            none,
        )
        .with(|f| vec![("fileName", f.files.package.clone())])
        .ok(302),
        get(PLIST, none).with(of_plist),
        get(
            "/api/appm/publisher/v1.1/apps/mobile/getplist/tenant/{tenantId}/file/{fileName}/link",
            none,
        )
        .with(of_plist),
        post("/api/appm/publisher/v1.1/apps/static-contents", |_| {
            form(testing::png(7, 7))
        })
        .theirs()
        .waits(),
        get(
            "/api/appm/publisher/v1.1/apps/static-contents/{fileName}",
            |_| query(&[("appType", "webapp")]),
        )
        .with(|f| vec![("fileName", f.files.picture.clone())]),
        post(UPLOADS, |_| Json(json!({"fileName": "a.apk", "size": 100}))).theirs(),
        post(
            "/api/appm/publisher/v1.1/apps/mobile/uploads/{uploadId}/complete",
            |f| Json(json!({"parts": [{"partNumber": 1, "etag": f.files.parts.1}]})),
        )
        .with(|f| vec![("uploadId", f.files.parts.0.clone())])
        .waits(),
        delete("/api/appm/publisher/v1.1/apps/mobile/uploads/{uploadId}").with(of_waiting),
        get(
            "/api/appm/publisher/v1.1/apps/mobile/uploads/{uploadId}",
            none,
        )
        .with(of_waiting),
    ]
}

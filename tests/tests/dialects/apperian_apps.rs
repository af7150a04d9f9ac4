//! Apps of the Apperian API: who signs in, what is listed and under which names, what becomes of
//! packages and texts, and what the other dialects show of it.

use std::collections::BTreeSet;
use std::time::Duration;

use appdepot_tests::{Answer, PASSWORD, Part, TestTenant, World, all, client};
use package_reader::testing;
use serde_json::{Value, json};
use shared::base::id::{AppId, BinaryType};
use shared::base::kind::AppKind;
use shared::base::rights::Role;
use shared::base::text::Name;
use shared::model::apps::publication::{Platform, Publication};
use shared::store::wrappers::Fault;
use shared::store::{keys, record};

const ADMIN: &str = "/box/srv/1.1/admin";

/// The API as one of its users has it.
struct Api<'a> {
    world: &'a World,
    tenant: TestTenant,
    token: String,
}

fn apk(version: u32) -> Vec<u8> {
    testing::Apk {
        version_code: version,
        version_name: format!("{version}.{version}"),
        ..testing::Apk::default()
    }
    .build()
}

fn file<'a>(file_name: &'a str, content: &'a [u8]) -> Part<'a> {
    Part {
        name: "app_file",
        file_name: Some(file_name),
        content,
    }
}

fn data(content: &str) -> Part<'_> {
    Part {
        name: "data",
        file_name: None,
        content: content.as_bytes(),
    }
}

impl<'a> Api<'a> {
    async fn of(world: &'a World, tenant: &TestTenant) -> Self {
        Self {
            world,
            tenant: tenant.clone(),
            token: world.token(tenant, &tenant.admin).await,
        }
    }

    /// As a user with these roles.
    async fn as_user(&self, name: &str, roles: Vec<Role>) -> Self {
        let user = self.world.add_user(&self.tenant, name, roles).await;
        Self {
            world: self.world,
            tenant: self.tenant.clone(),
            token: self.world.token(&self.tenant, &user).await,
        }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let call = self.world.call(method, path).token(&self.token);
        if body.is_null() {
            call.send().await
        } else {
            call.json(body).send().await
        }
    }

    /// A request that must succeed.
    async fn does(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
        assert!(
            answer.json.get("error").is_none(),
            "clients take any error for a failure: {}",
            answer.text
        );
        answer.json
    }

    /// A request that must be refused, with what its message must name.
    async fn refuses(&self, method: &str, path: &str, body: Value, status: u16, names: &str) {
        refused(&self.send(method, path, body).await, status, names);
    }

    async fn upload(&self, path: &str, file_name: &str, bytes: &[u8], said: Value) -> Answer {
        self.world
            .call("POST", path)
            .token(&self.token)
            .parts([file(file_name, bytes), data(&said.to_string())])
            .send()
            .await
    }

    /// A new app of an APK with that version.
    async fn makes(&self, version: u32, said: Value) -> Value {
        application(
            &self
                .upload("/v1/applications/", "app.apk", &apk(version), said)
                .await,
        )
    }

    async fn list(&self) -> Vec<Value> {
        self.does("GET", "/v2/applications", Value::Null).await["applications"]
            .as_array()
            .expect("a list")
            .clone()
    }

    async fn names(&self) -> BTreeSet<String> {
        self.list()
            .await
            .iter()
            .map(|app| app["name"].as_str().expect("a name").to_owned())
            .collect()
    }

    async fn read(&self, id: &str) -> Value {
        self.does("GET", &format!("/v2/applications/{id}"), Value::Null)
            .await["application"]
            .clone()
    }

    async fn verify(&self, after: &str) {
        self.world
            .verify(self.tenant.tenant_id)
            .await
            .unwrap_or_else(|faults| panic!("after {after}:\n{faults}"));
    }

    async fn item(&self, name: &str) -> AppId {
        let made = self
            .world
            .post(
                &self.tenant.cookie,
                &format!("{ADMIN}/storeitem/create"),
                json!({"name": name}),
            )
            .await;
        made["guid"]
            .as_str()
            .expect("a guid")
            .parse()
            .expect("an id")
    }

    /// What RHMAP's clients see in the store.
    async fn shelf(&self) -> Vec<String> {
        let session = self
            .world
            .store_session(
                &self.tenant,
                &format!("admin@{}.example", self.tenant.domain),
                "CUID",
            )
            .await;
        let answer = self
            .world
            .call("POST", "/box/srv/1.1/mas/appstore/getstoreitems")
            .session(&session)
            .json(json!({}))
            .send()
            .await;
        let items = answer.json["list"]
            .as_array()
            .unwrap_or_else(|| panic!("{}", answer.text));
        items
            .iter()
            .map(|item| item["name"].as_str().expect("a name").to_owned())
            .collect()
    }
}

fn application(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["application"].clone()
}

fn refused(answer: &Answer, status: u16, names: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.json["error"]["code"], status, "{}", answer.text);
    let message = answer.json["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(names), "{message} does not name {names}");
}

fn id(app: &Value) -> &str {
    app["id"].as_str().expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn name_and_password_give_a_token_until_it_is_given_back() {
    let (world, tenant) = World::new().await;
    let credentials = json!({"user_id": "admin@dev.example", "password": PASSWORD});
    let signed_in = world
        .call("POST", "/v2/users/authenticate/")
        .json(credentials.clone())
        .send()
        .await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    let user = &signed_in.json["user"];
    assert_eq!(
        (user["id"].as_str(), user["psk"].as_str()),
        (Some(tenant.admin.as_str()), Some(tenant.admin.as_str()))
    );
    assert_eq!(
        (&user["user_id"], &user["email"]),
        (&json!("admin@dev.example"), &json!("admin@dev.example"))
    );
    let catalog = json!({
        "user_id": "admin",
        "password": PASSWORD,
        "remember_me": true,
        "register_catalog": false,
        "device_info": {
            "udid": "1",
        }, "organization": "dev",
    });
    let of_catalog = world
        .call("POST", "/catalog/authenticate")
        .json(catalog)
        .send()
        .await;
    assert_eq!(of_catalog.status, 200, "{}", of_catalog.text);
    let token = signed_in.json["token"].as_str().expect("a token");
    assert_ne!(of_catalog.json["token"], token);

    let info = |token: &str| world.call("GET", "/v1/users/info/").token(token).send();
    assert_eq!(info(token).await.json["user"], *user);
    let ended = world
        .call("DELETE", "/users/authenticate")
        .token(token)
        .send()
        .await;
    assert_eq!(ended.status, 200, "{}", ended.text);
    refused(&info(token).await, 401, "");
    assert_eq!(
        info(of_catalog.json["token"].as_str().expect("a token"))
            .await
            .status,
        200,
        "the other one goes on"
    );

    let made = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/ide/dev/api/create",
            json!({"type": "user", "label": "ci"}),
        )
        .await;
    let key = made["apiKey"]["key"].as_str().expect("a key");
    assert_eq!(
        info(key).await.json["user"],
        *user,
        "an API key is a token that never expires"
    );
    refused(
        &world
            .call("DELETE", "/v2/users/authenticate")
            .token(key)
            .send()
            .await,
        400,
        "API key",
    );
    assert_eq!(info(key).await.status, 200);

    let token = world
        .call("POST", "/users/authenticate")
        .json(credentials)
        .send()
        .await
        .json["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    world.clock.advance_seconds(24 * 3_600 + 1);
    refused(&info(&token).await, 401, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_refused_alike_and_then_for_a_while() {
    let (world, tenant) = World::new().await;
    world.tenant("other").await;
    let tries = |user: &'static str, password: &'static str, organization: &'static str| {
        world
            .call("POST", "/users/authenticate")
            .json(json!({"user_id": user, "password": password, "organization": organization}))
            .send()
    };
    let (wrong, unknown) = (
        tries("admin", "wrong", "dev").await,
        tries("nobody", "wrong", "dev").await,
    );
    refused(&wrong, 401, "login failed");
    assert_eq!(wrong.text, unknown.text);
    refused(
        &tries("admin@dev.example", PASSWORD, "other").await,
        401,
        "login failed",
    );
    refused(
        &world
            .call("POST", "/users/authenticate")
            .json(json!({"user_id": "admin"}))
            .send()
            .await,
        400,
        "password",
    );
    refused(
        &world
            .call("POST", "/users/authenticate")
            .json(json!([]))
            .send()
            .await,
        400,
        "",
    );
    for _ in 0..9 {
        refused(&tries("admin", "wrong", "dev").await, 401, "");
    }
    refused(&tries("admin", PASSWORD, "dev").await, 429, "later");
    world.clock.advance_seconds(2 * 300);
    assert_eq!(tries("admin", PASSWORD, "dev").await.status, 200);
    world.verify(tenant.tenant_id).await.expect("one piece");
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_of_every_dialect_are_listed_once_for_each_type() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let both = api.item("Both").await;
    let ipa = testing::ipa("com.example.both", "1", "1.5", "Both");
    for (kind, bytes) in [("android", apk(2)), ("ios", ipa)] {
        assert_eq!(
            world
                .upload(&tenant.cookie, &both.guid(), kind, &bytes)
                .await
                .status,
            200
        );
    }
    let empty = api.item("Empty").await;
    world.make_app(&tenant, AppKind::Web, "Web").await;
    world.make_app(&tenant, AppKind::Site, "Site").await;
    let public = |name: &'static str| {
        world.make_app_with(&tenant, AppKind::Mobile, name, |app_record| {
            app_record.publisher_name = Name::new(name.to_owned())
        })
    };
    for (app, platform) in [
        (public("Public").await, Platform::Android),
        (public("Page").await, Platform::Webapp),
    ] {
        let publication = Publication {
            platform: Some(platform),
            ..Publication::default()
        };
        let write = record::create(keys::publication(tenant.tenant_id, app), &publication)
            .expect("a publication");
        world
            .plain
            .table
            .write(vec![write])
            .await
            .expect("it is written");
    }
    let listed = api.list().await;
    let of = |name: &str| {
        listed
            .iter()
            .filter(|app| app["name"] == name)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed.len(), 4, "{listed:#?}");
    let [android, ios] = of("Both")[..] else {
        panic!("{listed:#?}")
    };
    let app_record = world.app(&tenant, both).await.value;
    assert_eq!(
        (id(android), id(ios)),
        (
            both.binary(BinaryType::Android).base64url().as_str(),
            both.binary(BinaryType::Ios).base64url().as_str()
        )
    );
    assert_eq!(
        (android["psk"].as_u64(), ios["psk"].as_u64()),
        (
            Some(u64::from(app_record.numeric_id) + 1),
            Some(u64::from(app_record.numeric_id) + 4)
        )
    );
    assert_eq!(
        (
            &android["type"],
            &android["operating_system"],
            &ios["type"],
            &ios["operating_system"]
        ),
        (&json!(3), &json!(102), &json!(0), &json!(1))
    );
    assert_eq!(ios["bundle_id"], "com.example.both");
    assert_eq!(
        (
            &android["version"]["version_num"],
            &ios["version"]["version_num"]
        ),
        (&json!("2.2"), &json!("1.5"))
    );
    let url = format!(
        "https://store.example/v1/downloads/direct/applications/{}",
        id(android)
    );
    assert_eq!(android["direct_download_binary_url"], url);
    for app in &listed {
        assert_eq!(
            (
                &app["enabled"],
                &app["version"]["wrap_status"],
                &app["version"]["signing_status"]
            ),
            (&json!(false), &json!(0), &Value::Null),
            "{app}"
        );
        assert_eq!(
            (&app["app_psk"], &app["appID"], &app["app_id"]),
            (&app["psk"], &app["id"], &app["id"])
        );
        assert_eq!(*app, api.read(id(app)).await);
    }
    assert_eq!(id(of("Empty")[0]), empty.base64url());
    assert_eq!(
        (&of("Empty")[0]["type"], &of("Public")[0]["type"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(of("Empty")[0]["direct_download_binary_url"], Value::Null);
    api.refuses(
        "GET",
        &format!("/v1/downloads/direct/applications/{}", empty.base64url()),
        Value::Null,
        404,
        "no file",
    )
    .await;
    for name in ["Web", "Page"] {
        let all = api
            .does("GET", "/applications?limit=100", Value::Null)
            .await;
        assert!(
            !all.to_string().contains(&format!("\"{name}\"")),
            "{name} is no native app"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_goes_by_every_name_and_path() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let made = api.makes(1, json!({"app_name": "Named"})).await;
    let binary: AppId = id(&made).parse().expect("an id");
    let psk = made["psk"].as_u64().expect("a number");
    assert_eq!(binary.kind(), Some(BinaryType::Android));
    let item = binary.item();
    let spellings = [
        binary.base64url(),
        binary.guid(),
        binary.uuid(),
        item.base64url(),
        item.guid(),
        item.uuid(),
        psk.to_string(),
        (psk - 1).to_string(),
    ];
    for spelling in &spellings {
        for path in ["/applications", "/v1/applications", "/v2/applications"] {
            for end in ["", "/"] {
                let read = api
                    .does("GET", &format!("{path}/{spelling}{end}"), Value::Null)
                    .await;
                assert_eq!(read["application"], made, "{path}/{spelling}{end}");
            }
        }
    }
    // The node client polls with a body, which says what it will do later.
    let polled = world
        .call("GET", &format!("/v2/applications/{}", id(&made)))
        .token(&api.token)
        .json(json!({"enabled": true}))
        .send()
        .await;
    assert_eq!(application(&polled)["enabled"], false);
    let other = Api::of(&world, &world.tenant("other").await).await;
    for spelling in &spellings {
        other
            .refuses(
                "GET",
                &format!("/v1/applications/{spelling}"),
                Value::Null,
                404,
                "no such application",
            )
            .await;
        other
            .refuses(
                "PUT",
                &format!("/v1/applications/{spelling}"),
                json!({"enabled": true}),
                404,
                "no such application",
            )
            .await;
        other
            .refuses(
                "DELETE",
                &format!("/v1/applications/{spelling}"),
                Value::Null,
                404,
                "no such application",
            )
            .await;
        other
            .refuses(
                "GET",
                &format!("/v1/downloads/direct/applications/{spelling}"),
                Value::Null,
                404,
                "no such application",
            )
            .await;
        refused(
            &other
                .upload(
                    &format!("/v1/applications/{spelling}"),
                    "app.apk",
                    &apk(2),
                    json!({}),
                )
                .await,
            404,
            "no such application",
        );
    }
    assert!(other.list().await.is_empty());
    let ios = item.binary(BinaryType::Ios).base64url();
    for unknown in [
        "XWJKqWeLM5-tp8N09-gTEw",
        "8",
        "4294967295",
        "99999999999",
        &(psk + 1).to_string(),
        &ios,
    ] {
        api.refuses(
            "GET",
            &format!("/v1/applications/{unknown}"),
            Value::Null,
            404,
            "no such application",
        )
        .await;
    }
    api.refuses(
        "GET",
        "/v1/applications/none",
        Value::Null,
        400,
        "id or by its psk",
    )
    .await;
    refused(&world.call("GET", "/v1/applications").send().await, 401, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_becomes_an_app_with_what_is_said_of_it() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    assert_eq!(
        application(
            &api.upload("/v1/applications", "Field Notes.apk", &apk(7), json!({}))
                .await
        )["name"],
        "Example",
        "the package's label"
    );
    let unlabelled = testing::Apk {
        label: String::new(),
        label_in_table: false,
        ..testing::Apk::default()
    }
    .build();
    let plain = application(
        &api.upload(
            "/v1/applications",
            "C:\\Builds\\Field Notes.apk",
            &unlabelled,
            json!({"app_name": " "}),
        )
        .await,
    );
    let version = &plain["version"];
    assert_eq!(
        (&plain["name"], &version["version_num"], &version["author"]),
        (
            &json!("Field Notes"),
            &json!("1.0"),
            &json!("admin@dev.example")
        )
    );
    let day = version["created_date"].as_str().expect("a date");
    assert_eq!(
        version["version_note"],
        format!("Field Notes - {day} - 1.0")
    );
    assert_eq!(
        (
            &plain["sort_weight"],
            &plain["reviews_enabled"],
            &plain["form_factor_override"]
        ),
        (&json!(1000), &json!(true), &json!([]))
    );
    assert_eq!(
        version["install_file"],
        json!({"mime": "application/vnd.android.package-archive", "sign_credentials_id": null})
    );

    let said = json!({
        "name": "Second",
        "version": "3-beta",
        "author": "Ann",
        "short_description": "Short",
        "long_description": "x".repeat(10_000),
        "version_note": "News",
        "sort_weight": 5,
        "reviews_enabled": false,
        "form_factor_override": [
            "tablets", "phones",
        ],
        "custom_metadata": {"team": ["a"]}, "enabled": "true",
    });
    let text = said.to_string();
    // The node client's order: texts first.
    let bytes = testing::ipa("com.example.second", "1", "1.0", "Second");
    let made = world
        .call("POST", "/v2/applications/")
        .token(&api.token)
        .parts([data(&text), file("second.IPA", &bytes)])
        .send()
        .await;
    let made = application(&made);
    assert_eq!(
        (
            &made["name"],
            &made["type"],
            &made["enabled"],
            &made["version"]["version_num"]
        ),
        (&json!("Second"), &json!(0), &json!(true), &json!("3-beta"))
    );
    for name in [
        "author",
        "short_description",
        "long_description",
        "version_note",
        "custom_metadata",
    ] {
        assert_eq!(made["version"][name], said[name], "{name}");
    }
    assert_eq!(
        (&made["sort_weight"], &made["form_factor_override"]),
        (&json!(5), &json!(["phones", "tablets"]))
    );
    assert_eq!(api.shelf().await, ["Second"]);
    let guid = id(&made).parse::<AppId>().expect("an id").item().guid();
    let item = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/read"),
            json!({"guid": guid}),
        )
        .await;
    assert_eq!(
        (
            &item["description"],
            item["binaries"].as_array().map(Vec::len)
        ),
        (&json!("Short"), Some(1)),
        "{item}"
    );
    let bearer = world.bearer(&tenant, &tenant.admin, "appm:read").await;
    let history = format!(
        "/api/appm/publisher/v1.1/apps/mobileapp/id/{}/lifecycle-history",
        id(&made).parse::<AppId>().expect("an id").uuid()
    );
    let history = world.call("GET", &history).bearer(&bearer).send().await;
    assert_eq!(history.status, 200, "{}", history.text);
    for step in ["Created", "In-Review", "Approved", "Published"] {
        assert!(
            history.text.contains(step),
            "{step} is not in {}",
            history.text
        );
    }
    api.verify("three apps").await;
    for app in api.list().await {
        let deleted = api
            .does(
                "DELETE",
                &format!("/v1/applications/{}", id(&app)),
                Value::Null,
            )
            .await;
        assert_eq!(deleted, json!({"deleted_application": app["psk"]}));
        api.refuses(
            "GET",
            &format!("/v1/applications/{}", id(&app)),
            Value::Null,
            404,
            "",
        )
        .await;
    }
    assert!(api.list().await.is_empty());
    // Their files are unused from now on; then their objects are.
    for _ in 0..3 {
        world.clock.advance_seconds(8 * 24 * 3_600);
        world.keep_house().await;
    }
    assert_eq!(
        world.store.objects_under("binaries/").len(),
        0,
        "nothing is left of what was deleted"
    );
    api.verify("their end").await;
}

/// The form as the Jenkins plugin sends it, byte for byte in what counts: the file first, and texts
/// in Latin 1 under a strange type.
#[tokio::test(flavor = "multi_thread")]
async fn texts_are_in_the_charset_that_their_part_names() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let form = |charset: &str, text: &[u8]| {
        let mut body = b"--b\r\nContent-Disposition: form-data; name=\"app_file\"; \
            filename=\"app.apk\"\r\nContent-Type: application/octet-stream\r\n\r\n"
            .to_vec();
        body.extend(apk(1));
        body.extend(
            format!(
                "\r\n--b\r\nContent-Disposition: form-data; \
            name=\"data\"\r\n{charset}Content-Transfer-Encoding: 8bit\r\n\r\n"
            )
            .bytes(),
        );
        body.extend_from_slice(text);
        body.extend(b"\r\n--b--\r\n");
        world
            .call("POST", "/v1/applications/")
            .token(&api.token)
            .raw("multipart/form-data; boundary=b", body)
            .send()
    };
    let latin = b"{\"app_name\":\"Caf\xe9\",\"author\":\"Zo\xeb\"}";
    let made = application(
        &form(
            "Content-Type: multipart/form-data; charset=ISO-8859-1\r\n",
            latin,
        )
        .await,
    );
    assert_eq!(
        (&made["name"], &made["version"]["author"]),
        (&json!("Café"), &json!("Zoë"))
    );
    let utf8 = "{\"app_name\":\"Café 日本\"}".as_bytes();
    assert_eq!(application(&form("", utf8).await)["name"], "Café 日本");
    assert_eq!(
        application(&form("Content-Type: application/json; charset=utf-8\r\n", utf8).await)["name"],
        "Café 日本"
    );
    refused(&form("", latin).await, 400, "data is not UTF-8");
    refused(&form("", b"{").await, 400, "data");
    refused(&form("", b"[1]").await, 400, "data");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_makes_nothing() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let long = |length: usize| "é".repeat(length);
    let limits = [
        ("app_name", 50),
        ("version_num", 21),
        ("author", 150),
        ("short_description", 100),
        ("long_description", 10_000),
        ("version_note", 4_096),
    ];
    let mut widest = json!({});
    for (name, most) in limits {
        refused(
            &api.upload(
                "/v1/applications",
                "a.apk",
                &apk(1),
                json!({name: long(most + 1)}),
            )
            .await,
            400,
            name,
        );
        widest[name] = json!(long(most));
    }
    for (name, value) in [
        ("enabled", json!("perhaps")),
        ("app_name", json!({})),
        ("sort_weight", json!("heavy")),
        ("form_factor_override", json!(["watches"])),
        ("custom_metadata", json!(long(10_000))),
        ("app_name", json!("a\u{0}b")),
    ] {
        refused(
            &api.upload("/v1/applications", "a.apk", &apk(1), json!({name: value}))
                .await,
            400,
            name,
        );
    }
    refused(
        &api.upload("/v1/applications", "a.exe", &apk(1), json!({}))
            .await,
        400,
        ".apk or .ipa",
    );
    refused(
        &api.upload("/v1/applications", "a.apk", b"no zip", json!({}))
            .await,
        400,
        "not_an_archive",
    );
    refused(
        &api.upload("/v1/applications", "a.ipa", &apk(1), json!({}))
            .await,
        400,
        "wrong_type",
    );
    refused(
        &api.upload("/v1/applications", "a.apk", b"", json!({}))
            .await,
        400,
        "",
    );
    refused(
        &world
            .call("POST", "/v1/applications")
            .token(&api.token)
            .parts([data("{}")])
            .send()
            .await,
        400,
        "app_file",
    );
    api.refuses(
        "POST",
        "/v1/applications",
        json!({"app_name": "x"}),
        400,
        "app_file",
    )
    .await;
    assert!(api.list().await.is_empty());
    api.verify("refusals").await;
    let made = application(
        &api.upload("/v1/applications", "a.apk", &apk(1), widest.clone())
            .await,
    );
    assert_eq!(
        (&made["name"], &made["version"]["long_description"]),
        (&widest["app_name"], &widest["long_description"])
    );
    let path = format!("/v1/applications/{}", id(&made));
    for (name, most) in limits {
        api.refuses(
            "PUT",
            &path,
            json!({name: long(most + 1), "sort_weight": 1}),
            400,
            name,
        )
        .await;
    }
    refused(
        &api.upload(&path, "a.ipa", &apk(1), json!({})).await,
        400,
        ".apk",
    );
    let foreign = testing::Apk {
        package: "com.example.other".to_owned(),
        ..testing::Apk::default()
    }
    .build();
    refused(
        &api.upload(&path, "a.apk", &foreign, json!({"author": "Eve"}))
            .await,
        400,
        "wrong_identifier",
    );
    assert_eq!(api.read(id(&made)).await, made, "nothing of it has changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_changed_by_what_is_said_and_by_nothing_else() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let made = api
        .makes(
            1,
            json!({"app_name": "First", "custom_metadata": {"a": 1}, "short_description": "Short"}),
        )
        .await;
    let path = format!("/v2/applications/{}/", id(&made));
    let changed = api
        .does(
            "PUT",
            &path,
            json!({"app_name": "Second", "version_note": "Fixed"}),
        )
        .await;
    assert_eq!(changed["update_application_result"], true);
    let mut expected = made.clone();
    expected["name"] = json!("Second");
    expected["version"]["app_name"] = json!("Second");
    expected["version"]["version_note"] = json!("Fixed");
    assert_eq!(changed["application"], expected);
    let unchanged = api
        .does("PUT", &path, json!({"app_name": null, "author": null}))
        .await;
    assert_eq!(unchanged["application"], expected);
    let cleared = api
        .does(
            "PUT",
            &path,
            json!({"custom_metadata": null, "short_description": ""}),
        )
        .await;
    assert_eq!(
        (
            &cleared["application"]["version"]["custom_metadata"],
            &cleared["application"]["version"]["short_description"]
        ),
        (&Value::Null, &json!(""))
    );
    // An app of another dialect, sent back as it was read, stays as it is.
    let description = "Described at length. ".repeat(50);
    let body = json!({"name": "N".repeat(120), "description": description});
    let item = world
        .post(&tenant.cookie, &format!("{ADMIN}/storeitem/create"), body)
        .await;
    let item = item["guid"].as_str().expect("a guid").to_owned();
    let read = api.read(&item).await;
    let mut back = read["version"].clone();
    back["name"] = read["name"].clone();
    back["version"] = read["version"].clone();
    let same = api
        .does("PUT", &format!("/v1/applications/{item}"), back)
        .await;
    assert_eq!(same["application"], read);
    let item = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/read"),
            json!({"guid": item}),
        )
        .await;
    assert_eq!(item["description"], description);
    api.refuses(
        "PUT",
        &format!(
            "/v1/applications/{}",
            item["guid"].as_str().expect("a guid")
        ),
        json!({"version_num": "2"}),
        400,
        "version_num",
    )
    .await;
    api.refuses("PUT", &path, json!([1]), 400, "").await;
    api.verify("changes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enabled_is_being_in_the_store() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let creator = api
        .as_user("creator@dev.example", vec![Role::DevAdmin])
        .await;
    refused(
        &creator
            .upload(
                "/v1/applications",
                "a.apk",
                &apk(1),
                json!({"enabled": true}),
            )
            .await,
        403,
        "enabled",
    );
    assert!(api.list().await.is_empty());
    let made = creator
        .makes(1, json!({"app_name": "Mine", "enabled": false}))
        .await;
    let path = format!("/v1/applications/{}", id(&made));
    creator
        .refuses(
            "PUT",
            &path,
            json!({"enabled": true, "app_name": "Not this"}),
            403,
            "app-store",
        )
        .await;
    assert_eq!(
        creator
            .does("PUT", &path, json!({"enabled": false, "author": "Me"}))
            .await["application"]["enabled"],
        false
    );
    assert!(api.shelf().await.is_empty());
    for _ in 0..2 {
        let enabled = api.does("PUT", &path, json!({"enabled": true})).await;
        assert_eq!(
            (
                &enabled["application"]["enabled"],
                &enabled["application"]["name"]
            ),
            (&json!(true), &json!("Mine"))
        );
        assert_eq!(api.shelf().await, ["Mine"]);
    }
    creator
        .refuses("PUT", &path, json!({"enabled": false}), 403, "app-store")
        .await;
    assert_eq!(
        creator.does("PUT", &path, json!({"enabled": true})).await["application"]["enabled"],
        true,
        "it is there already"
    );
    for _ in 0..2 {
        assert_eq!(
            api.does("PUT", &path, json!({"enabled": "false"})).await["application"]["enabled"],
            false
        );
        assert!(api.shelf().await.is_empty());
    }
    assert_eq!(
        api.does("PUT", &path, json!({"enabled": true})).await["application"]["enabled"],
        true,
        "and back"
    );
    let bearer = world.bearer(&tenant, &tenant.admin, "appm:publish").await;
    let app = id(&made).parse::<AppId>().expect("an id").uuid();
    let deprecated = format!(
        "/api/appm/publisher/v1.1/apps/mobileapp/change-lifecycle?appId={app}&action=Deprecate"
    );
    assert_eq!(
        world
            .call("POST", &deprecated)
            .bearer(&bearer)
            .send()
            .await
            .status,
        202
    );
    assert_eq!(api.read(id(&made)).await["enabled"], false);
    api.refuses(
        "PUT",
        &path,
        json!({"enabled": true, "app_name": "Late"}),
        409,
        "Deprecated",
    )
    .await;
    assert_eq!(api.read(id(&made)).await["name"], "Mine");
    api.verify("the steps").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_what_is_in_the_store_for_their_groups() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let member = api.as_user("member@dev.example", vec![Role::Dev]).await;
    let guid_of = |app: &Value| id(app).parse::<AppId>().expect("an id").item().guid();
    let mut apps = Vec::new();
    for (version, name, enabled) in [
        (1, "Open", true),
        (2, "Hidden", false),
        (3, "Grouped", true),
        (4, "By policy", true),
    ] {
        apps.push(
            api.makes(version, json!({"app_name": name, "enabled": enabled}))
                .await,
        );
    }
    let group = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitemgroup/create"),
            json!({"name": "Group"}),
        )
        .await;
    let group = group["guid"].as_str().expect("a guid").to_owned();
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitemgroup/addstoreitems"),
            json!({"guid": group, "storeitems": [guid_of(&apps[2])]}),
        )
        .await;
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/update"),
            json!({"guid": guid_of(&apps[2]), "restrictToGroups": true}),
        )
        .await;
    let policy = world.add_policy(&tenant, "Only these").await;
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/addpolicy"),
            json!({"guid": guid_of(&apps[3]), "authguid": policy}),
        )
        .await;
    let named = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        api.names().await,
        named(&["Open", "Hidden", "Grouped", "By policy"])
    );
    assert_eq!(member.names().await, named(&["Open"]));
    let own = api.does("GET", "/v1/applications/user/", Value::Null).await;
    assert_eq!(
        own["applications"].as_array().map(Vec::len),
        Some(3),
        "{own}"
    );
    for (at, sees) in [(0, true), (1, false), (2, false), (3, false)] {
        for path in [
            format!("/v1/applications/{}", id(&apps[at])),
            format!("/v1/applications/{}/versions", apps[at]["psk"]),
        ] {
            assert_eq!(
                member.send("GET", &path, Value::Null).await.status,
                if sees { 200 } else { 404 },
                "{path} {}",
                apps[at]["name"]
            );
        }
        let download = member
            .send(
                "GET",
                &format!("/v1/downloads/direct/applications/{}", id(&apps[at])),
                Value::Null,
            )
            .await;
        assert_eq!(
            download.status,
            if sees { 302 } else { 404 },
            "{}",
            apps[at]["name"]
        );
    }
    let user = world
        .add_user(&tenant, "inside@dev.example", vec![Role::Sub])
        .await;
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitemgroup/addusers"),
            json!({"guid": group, "users": [user]}),
        )
        .await;
    let inside = Api {
        world: &world,
        tenant: tenant.clone(),
        token: world.token(&tenant, &user).await,
    };
    assert_eq!(inside.names().await, named(&["Open", "Grouped"]));
    // Where to go on names no app that is hidden.
    let shown: Vec<String> = [0, 2]
        .map(|at| {
            id(&apps[at])
                .parse::<AppId>()
                .expect("an id")
                .item()
                .base64url()
        })
        .to_vec();
    let (mut path, mut seen) = ("/v1/applications?limit=1".to_owned(), BTreeSet::new());
    loop {
        let page = inside.does("GET", &path, Value::Null).await;
        seen.extend(
            page["applications"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|app| app["name"].as_str().expect("a name").to_owned()),
        );
        let Some(cursor) = page["cursor"].as_str() else {
            break;
        };
        assert!(shown.iter().any(|id| id == cursor), "{page}");
        path = format!("/v1/applications?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, named(&["Open", "Grouped"]));
    inside
        .refuses(
            "PUT",
            &format!("/v1/applications/{}", id(&apps[0])),
            json!({"app_name": "Mine"}),
            403,
            "right to ",
        )
        .await;
    inside
        .refuses(
            "DELETE",
            &format!("/v1/applications/{}", id(&apps[0])),
            Value::Null,
            403,
            "right to ",
        )
        .await;
    refused(
        &inside
            .upload("/v1/applications", "a.apk", &apk(9), json!({}))
            .await,
        403,
        "right to ",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_come_one_after_the_other_and_the_live_one_is_downloaded() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let made = api
        .makes(1, json!({"app_name": "App", "enabled": true}))
        .await;
    let path = format!("/v1/applications/{}", made["psk"]);
    let second = application(
        &api.upload(
            &path,
            "whatever",
            &apk(2),
            json!({"version_note": "Second"}),
        )
        .await,
    );
    assert_eq!(
        (
            id(&second),
            &second["version"]["version_num"],
            &second["enabled"]
        ),
        (id(&made), &json!("2.0"), &json!(true))
    );
    let third = application(
        &api.upload(
            &format!("{path}/"),
            "app.apk",
            &apk(3),
            json!({"version_num": "3b", "app_name": "App 3", "enabled": false}),
        )
        .await,
    );
    assert_eq!(
        (
            &third["name"],
            &third["version"]["version_num"],
            &third["enabled"]
        ),
        (&json!("App 3"), &json!("3b"), &json!(false))
    );
    let guid = id(&made).parse::<AppId>().expect("an id").item().guid();
    assert_eq!(
        world
            .upload(&tenant.cookie, &guid, "android", &apk(4))
            .await
            .status,
        200,
        "RHMAP brings one too"
    );
    let versions = api
        .does("GET", &format!("{path}/versions"), Value::Null)
        .await["versions"]
        .as_array()
        .expect("a list")
        .clone();
    let shown: Vec<(&str, bool)> = versions
        .iter()
        .map(|v| {
            (
                v["version_num"].as_str().expect("a name"),
                v["live"].as_bool().expect("a flag"),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [("4.4", true), ("3b", false), ("2.0", false), ("1.0", false)]
    );
    assert_eq!(versions[2]["version_note"], "Second");
    let numbers: BTreeSet<u64> = versions
        .iter()
        .map(|version| version["psk"].as_u64().expect("a number"))
        .collect();
    assert_eq!(numbers.len(), 4);

    let back = json!({"guid": guid, "type": "android", "version": 2});
    world
        .post(&tenant.cookie, &format!("{ADMIN}/storeitem/rollback"), back)
        .await;
    assert_eq!(
        api.read(id(&made)).await["version"]["version_note"],
        "Second"
    );
    let url = api.read(id(&made)).await["direct_download_binary_url"]
        .as_str()
        .expect("an address")
        .to_owned();
    let sent = api
        .send(
            "GET",
            url.strip_prefix("https://store.example")
                .expect("this host"),
            Value::Null,
        )
        .await;
    assert_eq!(sent.status, 302, "{}", sent.text);
    let fetched = client::send("GET", sent.header("location"), &[], "")
        .await
        .expect("the storage answers");
    assert_eq!(
        (fetched.status, fetched.header("content-type")),
        (200, "application/vnd.android.package-archive")
    );
    assert!(
        fetched.bytes[..] == apk(2)[..],
        "the live version is handed out"
    );
    assert!(
        fetched
            .header("content-disposition")
            .contains("App_3-2.2.apk"),
        "{}",
        fetched.header("content-disposition")
    );
    let log = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/auditlog/listlogs"),
            json!({"limit": 10}),
        )
        .await;
    assert_eq!(
        (
            &log["list"][0]["storeItemTitle"],
            log["list"].as_array().map(Vec::len)
        ),
        (&json!("App 3"), Some(1))
    );
    api.verify("versions").await;
    refused(
        &world
            .call(
                "GET",
                &format!("/v1/downloads/direct/applications/{}", id(&made)),
            )
            .send()
            .await,
        401,
        "",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_one_of_several_binaries_means_that_one() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let item = api.item("Both").await;
    let ipa = |version: &str| testing::ipa("com.example.both", version, version, "Both");
    let empty = format!("/v1/applications/{}", item.base64url());
    let first = application(&api.upload(&empty, "a.ipa", &ipa("1"), json!({})).await);
    assert_eq!(
        id(&first),
        item.binary(BinaryType::Ios).base64url(),
        "an item without a file takes what comes"
    );
    refused(
        &api.upload(&empty, "a.apk", &apk(1), json!({})).await,
        400,
        ".ipa",
    );
    for kind in ["android", "iphone"] {
        let bytes = if kind == "android" { apk(1) } else { ipa("1") };
        assert_eq!(
            world
                .upload(&tenant.cookie, &item.guid(), kind, &bytes)
                .await
                .status,
            200,
            "{kind}"
        );
    }
    refused(
        &api.upload(&empty, "a.ipa", &ipa("2"), json!({})).await,
        400,
        &item.binary(BinaryType::Iphone).base64url(),
    );
    let iphone = item.binary(BinaryType::Iphone).base64url();
    let newer = application(
        &api.upload(
            &format!("/v1/applications/{iphone}"),
            "a.ipa",
            &ipa("2"),
            json!({}),
        )
        .await,
    );
    assert_eq!(
        (id(&newer), &newer["version"]["version_num"]),
        (iphone.as_str(), &json!("2.0"))
    );
    let android = application(&api.upload(&empty, "a.apk", &apk(2), json!({})).await);
    assert_eq!(id(&android), item.binary(BinaryType::Android).base64url());
    assert_eq!(api.list().await.len(), 3);
    api.does("DELETE", &format!("/v1/applications/{iphone}"), Value::Null)
        .await;
    assert_eq!(api.list().await.len(), 2, "one of several goes alone");
    api.verify("one of several is gone").await;
    api.does("DELETE", &empty, Value::Null).await;
    assert!(api.list().await.is_empty());
    api.verify("all are gone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_packages_go_straight_to_the_storage() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let bytes = apk(1);
    let prepare = json!({"file_name": "Large.apk", "size": bytes.len()});
    let prepared = api.does("POST", "/v1/uploads", prepare.clone()).await;
    let upload = prepared["uploadId"].as_str().expect("an upload").to_owned();
    let body = json!({"upload_id": upload, "app_name": "Large", "version_num": "1"});
    api.refuses("POST", "/v1/applications", body.clone(), 409, "not arrived")
        .await;
    sent_to_storage(&prepared, bytes).await;
    assert_eq!(
        ended(&api, &upload).await,
        json!({"upload_id": upload, "state": "attached"})
    );
    let other = Api::of(&world, &world.tenant("other").await).await;
    other
        .refuses(
            "POST",
            "/v1/applications",
            body.clone(),
            404,
            "no such upload",
        )
        .await;
    other
        .refuses(
            "GET",
            &format!("/v1/uploads/{upload}"),
            Value::Null,
            404,
            "no such upload",
        )
        .await;
    let made = api.does("POST", "/v1/applications", body).await["application"].clone();
    assert_eq!(
        (&made["name"], &made["version"]["version_num"]),
        (&json!("Large"), &json!("1"))
    );
    // Sent once more, as a client does that got no answer: the file is a version already.
    let again = json!({"upload_id": upload, "version_note": "Again"});
    let path = format!("/v1/applications/{}", id(&made));
    assert_eq!(
        api.does("POST", &path, again).await["application"]["version"]["version_note"],
        "Again"
    );
    assert_eq!(
        api.does("GET", &format!("{path}/versions"), Value::Null)
            .await["versions"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );

    let given_up = api.does("POST", "/v1/uploads/", prepare).await["uploadId"]
        .as_str()
        .expect("an upload")
        .to_owned();
    assert_eq!(
        api.does("DELETE", &format!("/v1/uploads/{given_up}"), Value::Null)
            .await,
        json!({"aborted_upload": given_up})
    );
    assert_eq!(
        api.does("GET", &format!("/v1/uploads/{given_up}"), Value::Null)
            .await["state"],
        "refused"
    );
    api.refuses(
        "POST",
        &path,
        json!({"upload_id": given_up}),
        400,
        "aborted",
    )
    .await;
    api.refuses(
        "POST",
        "/v1/applications",
        json!({"upload_id": "aaaaaaaaaaaaaaaaaaaaaaaa"}),
        404,
        "no such upload",
    )
    .await;
    api.refuses(
        "POST",
        "/v1/applications",
        json!({"upload_id": "x"}),
        400,
        "upload_id",
    )
    .await;
    for (body, names) in [
        (json!({"size": 1}), "file_name"),
        (json!({"file_name": "a.txt", "size": 1}), "file_name"),
        (json!({"file_name": "a.apk"}), "size"),
        (json!({"file_name": "a.apk", "size": 0}), "size"),
    ] {
        api.refuses("POST", "/v1/uploads", body, 400, names).await;
    }
    // A picture of the publisher API is no package.
    let bearer = world.bearer(&tenant, &tenant.admin, "appm:create").await;
    let direct =
        json!({"fileName": "a.png", "size": testing::png(8, 8).len(), "appType": "mobileapp"});
    let picture = world
        .call("POST", "/api/appm/publisher/v1.1/apps/mobile/uploads")
        .bearer(&bearer)
        .json(direct)
        .send()
        .await;
    sent_to_storage(&picture.json, testing::png(8, 8)).await;
    let picture = picture.json["uploadId"].as_str().expect("an upload");
    assert_eq!(ended(&api, picture).await["state"], "attached");
    api.refuses(
        "POST",
        "/v1/applications",
        json!({"upload_id": picture}),
        400,
        "no package",
    )
    .await;
    api.verify("uploads").await;
}

/// Sends bytes as a prepared upload says.
async fn sent_to_storage(prepared: &Value, bytes: Vec<u8>) {
    let headers = prepared["headers"]
        .as_object()
        .unwrap_or_else(|| panic!("{prepared}"));
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
        .collect();
    let sent = client::send(
        "PUT",
        prepared["url"].as_str().expect("an address"),
        &headers,
        bytes,
    )
    .await
    .expect("the storage answers");
    assert_eq!(sent.status, 200, "{:?}", sent.bytes);
}

/// Waits until an upload has ended.
async fn ended(api: &Api<'_>, upload: &str) -> Value {
    for _ in 0..400 {
        let status = api
            .does("GET", &format!("/v1/uploads/{upload}"), Value::Null)
            .await;
        if !matches!(status["state"].as_str(), Some("waiting" | "reading")) {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the upload did not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_at_once_are_sixteen() {
    let (world, tenant) = World::with_deliveries(2).await;
    let api = Api::of(&world, &tenant).await;
    let made = all((1..=16).map(|version| api.makes(version, json!({"enabled": true})))).await;
    let numbers: BTreeSet<u64> = made
        .iter()
        .map(|app| app["psk"].as_u64().expect("a number"))
        .collect();
    assert_eq!(numbers.len(), 16);
    assert_eq!(api.list().await.len(), 16);
    assert_eq!(api.shelf().await.len(), 16);
    let path = format!("/v1/applications/{}", id(&made[0]));
    let (api, path) = (&api, path.as_str());
    let versions = all((2..=9)
        .map(|version| async move { api.upload(path, "app.apk", &apk(version), json!({})).await }))
    .await;
    let names: BTreeSet<String> = versions
        .iter()
        .map(|answer| {
            application(answer)["version"]["version_num"]
                .as_str()
                .expect("a name")
                .to_owned()
        })
        .collect();
    assert_eq!(names.len(), 8, "each has its own number: {names:?}");
    assert_eq!(
        api.read(id(&made[0])).await["version"]["version_num"],
        "9.0"
    );
    api.verify("many at once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_whole_or_comes_in_pages() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    for name in ["A", "B", "C"] {
        api.item(name).await;
    }
    let mut seen = Vec::new();
    let mut path = "/v1/applications/?limit=2".to_owned();
    loop {
        let page = api.does("GET", &path, Value::Null).await;
        let apps = page["applications"].as_array().expect("a list");
        assert!(apps.len() <= 2);
        seen.extend(
            apps.iter()
                .map(|app| app["name"].as_str().expect("a name").to_owned()),
        );
        let Some(cursor) = page["cursor"].as_str() else {
            break;
        };
        path = format!("/v1/applications/?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["A", "B", "C"]);
    api.refuses(
        "GET",
        "/v1/applications?cursor=x",
        Value::Null,
        400,
        "cursor",
    )
    .await;
    // 8,000 bytes of description for each: more than one answer holds.
    let ids = world.fill(&tenant, AppKind::Mobile, 700).await;
    for some in ids.chunks(25) {
        let mut writes = Vec::new();
        for id in some {
            let mut app_record = world.app(&tenant, *id).await;
            app_record.value.description =
                shared::base::text::Description::new("🂡".repeat(2_000)).expect("a description");
            writes.push(app_record.replace().expect("a write"));
        }
        world
            .plain
            .table
            .write(writes)
            .await
            .expect("they are written");
    }
    api.refuses(
        "GET",
        "/v1/applications",
        Value::Null,
        413,
        "limit and cursor",
    )
    .await;
    assert_eq!(
        api.does("GET", "/v1/applications?limit=300", Value::Null)
            .await["applications"]
            .as_array()
            .map(Vec::len),
        Some(300)
    );
}

/// Whatever call to the store fails: what was refused was not done, and nothing is half done.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_leaves_nothing_half_made() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let made = api.makes(1, json!({"app_name": "App"})).await;
    let mut uploads = Vec::new();
    for version in [2, 3] {
        let bytes = apk(version);
        let prepared = api
            .does(
                "POST",
                "/v1/uploads",
                json!({"file_name": "a.apk", "size": bytes.len()}),
            )
            .await;
        sent_to_storage(&prepared, bytes).await;
        let upload = prepared["uploadId"].as_str().expect("an upload").to_owned();
        ended(&api, &upload).await;
        uploads.push(upload);
    }
    let path = format!("/v1/applications/{}", made["psk"]);
    let requests = [
        (
            "POST",
            "/v1/applications".to_owned(),
            json!({"upload_id": uploads[0], "enabled": true, "version_note": "New"}),
        ),
        (
            "POST",
            path.clone(),
            json!({"upload_id": uploads[1], "enabled": true, "version_note": "New"}),
        ),
        (
            "PUT",
            path.clone(),
            json!({"enabled": true, "long_description": "Long"}),
        ),
        ("DELETE", path, Value::Null),
    ];
    api.verify("the beginning").await;
    let before = world.snapshot().await;
    for (method, path, body) in requests {
        for fault in Fault::PASSING {
            for at in 0.. {
                world.failing.fail(at, fault);
                let answer = api.send(method, &path, body.clone()).await;
                let happened = world.failing.heal();
                api.verify(&format!(
                    "{method} {path} with {fault:?} at {at}: {}",
                    answer.status
                ))
                .await;
                if answer.status >= 400 {
                    assert!(
                        matches!(answer.status, 503 | 500),
                        "{method} {path} with {fault:?} at {at}: {} {}",
                        answer.status,
                        answer.text
                    );
                    let after = world.snapshot().await;
                    assert!(
                        after == before || fault == Fault::NotAcknowledged,
                        "{method} {path} with {fault:?} at {at} was refused and done"
                    );
                }
                world.restore(&before).await;
                if !happened {
                    assert_eq!(
                        answer.status, 200,
                        "{method} {path} without a fault: {}",
                        answer.text
                    );
                    assert!(at > 1, "{method} {path} asks the store");
                    break;
                }
            }
        }
    }
}

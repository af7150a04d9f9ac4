//! The older calls of the Apperian API: publishing in three steps, and what each error is told as.

use appdepot_tests::{Answer, PASSWORD, Part, TestTenant, World, all};
use package_reader::testing;
use serde_json::{Value, json};
use shared::base::rights::Role;
use shared::domain::publishing::publishing_call::key_of;
use shared::model::credentials::publishing_call::{PublishingCall, VALID_SECONDS};
use shared::store::record::{Reader, Stored};

const CALLS: &str = "/ease.interface.php";

const ADMIN: &str = "/box/srv/1.1/admin";

fn apk(version: u32) -> Vec<u8> {
    testing::Apk {
        version_code: version,
        version_name: format!("{version}.{version}"),
        ..testing::Apk::default()
    }
    .build()
}

/// The calls as one user makes them.
struct Calls<'a> {
    world: &'a World,
    tenant: TestTenant,
    token: String,
}

/// A publication that was begun.
#[derive(Clone)]
struct Begun {
    transaction: String,
    path: String,
    metadata: Value,
}

impl<'a> Calls<'a> {
    async fn of(world: &'a World, tenant: &TestTenant) -> Self {
        Self {
            world,
            tenant: tenant.clone(),
            token: world.token(tenant, &tenant.admin).await,
        }
    }

    async fn as_user(&self, name: &str, roles: Vec<Role>) -> Self {
        let user = self.world.add_user(&self.tenant, name, roles).await;
        Self {
            world: self.world,
            tenant: self.tenant.clone(),
            token: self.world.token(&self.tenant, &user).await,
        }
    }

    /// A call with its token among the parameters, as clients send it: as `application/js`.
    async fn send(&self, method: &str, params: Value) -> Answer {
        let mut params = params;
        params["token"] = json!(self.token);
        call(self.world, method, &params).await
    }

    /// A call that must succeed.
    async fn does(&self, method: &str, params: Value) -> Value {
        let answer = self.send(method, params).await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.text);
        let told = &answer.json;
        assert!(
            told["id"] == 7 && told["jsonrpc"] == "2.0" && told.get("error").is_none(),
            "{}",
            answer.text
        );
        told["result"].clone()
    }

    async fn begins(&self, method: &str, params: Value) -> Begun {
        let begun = self.does(method, params).await;
        let url = text(&begun["fileUploadURL"]);
        let path = url
            .strip_prefix("https://store.example")
            .unwrap_or_else(|| panic!("{url}"))
            .to_owned();
        let transaction = text(&begun["transactionID"]);
        assert!(
            path.ends_with(&format!("={transaction}")),
            "scripts take the id from behind the address's only =: {path}"
        );
        Begun {
            transaction,
            path,
            metadata: begun["EASEmetadata"].clone(),
        }
    }

    async fn uploads(&self, begun: &Begun, file_name: &str, bytes: &[u8]) -> String {
        let answer = upload(self.world, &begun.path, file_name, bytes).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        text(&answer.json["fileID"])
    }

    async fn publish(&self, begun: &Begun, file: &str, metadata: Value) -> Answer {
        self.send(
            "apps.publish",
            json!({
                "EASEmetadata": metadata, "files": {"application": file},
                "transactionID": begun.transaction,
            }),
        )
        .await
    }

    async fn publishes(&self, begun: &Begun, file: &str, metadata: Value) -> String {
        let answer = self.publish(begun, file, metadata).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            answer.json["result"]["status"], "success",
            "{}",
            answer.text
        );
        text(&answer.json["result"]["appID"])
    }

    /// A new app, from the beginning to the end.
    async fn makes(&self, version: u32, metadata: Value) -> String {
        let begun = self.begins("apps.create", json!({})).await;
        let file = self.uploads(&begun, "app.apk", &apk(version)).await;
        self.publishes(&begun, &file, metadata).await
    }

    async fn list(&self) -> Vec<Value> {
        self.does("apps.getlist", json!({})).await["applications"]
            .as_array()
            .expect("a list")
            .clone()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.world.call("GET", path).token(&self.token).send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json
    }

    async fn versions(&self, app: &str) -> usize {
        self.get(&format!("/v1/applications/{app}/versions")).await["versions"]
            .as_array()
            .expect("versions")
            .len()
    }

    async fn verify(&self, after: &str) {
        self.world
            .verify(self.tenant.tenant_id)
            .await
            .unwrap_or_else(|faults| panic!("after {after}:\n{faults}"));
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

async fn call(world: &World, method: &str, params: &Value) -> Answer {
    let body = json!({
        "id": 7,
        "apiVersion": "1.0",
        "jsonrpc": "2.0",
        "method": format!("com.apperian.eas.{method}"),
        "params": params,
    });
    raw(world, body.to_string().as_bytes()).await
}

async fn raw(world: &World, body: &[u8]) -> Answer {
    world
        .call("POST", CALLS)
        .raw("application/js", body.to_vec())
        .send()
        .await
}

async fn upload(world: &World, path: &str, file_name: &str, bytes: &[u8]) -> Answer {
    world
        .call("POST", path)
        .parts([Part {
            name: "LUuploadFile",
            file_name: Some(file_name),
            content: bytes,
        }])
        .send()
        .await
}

/// A call that was refused: with that code, and a message that names something.
fn refused(answer: &Answer, code: i64, names: &str) {
    let error = &answer.json["error"];
    assert_eq!(error["code"], code, "{}", answer.text);
    let message = text(&error["data"]["detailedMessage"]);
    assert!(message.contains(names), "{message} does not name {names}");
    assert!(answer.json.get("result").is_none(), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_published_and_listed_everywhere() {
    let (world, tenant) = World::new().await;
    let signed_in = call(
        &world,
        "user.authenticateuser",
        &json!({"email": "admin@dev.example", "password": PASSWORD}),
    )
    .await;
    let calls = Calls {
        world: &world,
        tenant: tenant.clone(),
        token: text(&signed_in.json["result"]["token"]),
    };
    assert_eq!(calls.list().await, Vec::<Value>::new());
    let begun = calls.begins("apps.create", json!({})).await;
    let author = begun.metadata["author"].clone();
    assert_eq!(
        begun.metadata,
        json!({
            "author": author, "name": "", "version": "", "versionNotes": "", "shortdescription": "",
            "longdescription": "",
        })
    );
    let file = calls.uploads(&begun, "app.apk", &apk(1)).await;
    assert_eq!(
        calls.list().await,
        Vec::<Value>::new(),
        "nothing is made before it is published"
    );
    let metadata = json!({
        "author": "Ann", "name": "First", "version": "1.0.7", "versionNotes": "Notes",
        "shortdescription": "Short", "longdescription": "Long",
    });
    let app = calls.publishes(&begun, &file, metadata.clone()).await;

    let list = calls.list().await;
    assert_eq!(list.len(), 1, "{list:?}");
    let expected = json!({
        "ID": app, "bundleId": list[0]["bundleId"], "bundleID": list[0]["bundleId"], "type": "APK",
        "status": "disabled",
    });
    let expected: Vec<_> = expected
        .as_object()
        .into_iter()
        .chain(metadata.as_object())
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    assert_eq!(list[0], Value::Object(expected.into_iter().collect()));
    let shown = calls.get(&format!("/v1/applications/{app}")).await["application"].clone();
    assert_eq!(
        (&shown["name"], &shown["enabled"], &shown["bundle_id"]),
        (&json!("First"), &json!(false), &list[0]["bundleId"])
    );
    let version = &shown["version"];
    let of_version = (
        &version["version_num"],
        &version["version_note"],
        &version["author"],
        &version["long_description"],
    );
    assert_eq!(
        of_version,
        (
            &json!("1.0.7"),
            &json!("Notes"),
            &json!("Ann"),
            &json!("Long")
        )
    );
    let items = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/list"),
            json!({}),
        )
        .await;
    assert_eq!(items["list"][0]["name"], "First", "{items}");
    calls.verify("a publication").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_adds_a_version_and_keeps_what_is_sent_back() {
    let (world, tenant) = World::new().await;
    let calls = Calls::of(&world, &tenant).await;
    let app = calls
        .makes(
            1,
            json!({
                "name": "First", "author": "Ann", "shortdescription": "Short", "version": "1.0",
            }),
        )
        .await;
    let psk = calls.get(&format!("/v1/applications/{app}")).await["application"]["psk"].to_string();
    for (number, named) in [(2, app.as_str()), (3, psk.as_str())] {
        let begun = calls.begins("apps.update", json!({"appID": named})).await;
        assert_eq!(
            (&begun.metadata["name"], &begun.metadata["author"]),
            (&json!("First"), &json!("Ann")),
            "{}",
            begun.metadata
        );
        let mut metadata = begun.metadata.clone();
        metadata["version"] = json!(format!("{number}.0 beta"));
        metadata["versionNotes"] = json!("");
        let file = calls.uploads(&begun, "app.apk", &apk(number)).await;
        assert_eq!(
            calls.publishes(&begun, &file, metadata).await,
            app,
            "the app keeps its id"
        );
        let shown = calls.get(&format!("/v1/applications/{app}")).await["application"].clone();
        assert_eq!(
            shown["version"]["version_num"],
            format!("{number}.0 beta"),
            "{shown}"
        );
        assert_eq!(
            (&shown["name"], &shown["version"]["short_description"]),
            (&json!("First"), &json!("Short"))
        );
        assert_eq!(calls.versions(&app).await, number as usize);
    }
    assert_eq!(calls.list().await.len(), 1);
    // What is not there, and what is no app.
    refused(
        &calls
            .send("apps.update", json!({"appID": "XWJKqWeLM5-tp8N09-gTEw"}))
            .await,
        1,
        "application",
    );
    refused(&calls.send("apps.update", json!({})).await, -32602, "appID");
    // The file of another platform, and another app's.
    let begun = calls.begins("apps.update", json!({"appID": app})).await;
    let answer = upload(
        &world,
        &begun.path,
        "app.ipa",
        &testing::ipa("com.example.ours", "1", "1.0", "Ours"),
    )
    .await;
    assert_eq!(
        (answer.status, answer.json["error"]["code"].as_u64()),
        (400, Some(400)),
        "{}",
        answer.text
    );
    assert!(
        answer.text.contains("LUuploadFile") && answer.text.contains(".apk"),
        "{}",
        answer.text
    );
    let other = testing::Apk {
        package: "com.example.other".to_owned(),
        ..testing::Apk::default()
    }
    .build();
    let file = calls.uploads(&begun, "other.apk", &other).await;
    refused(
        &calls.publish(&begun, &file, json!({})).await,
        1,
        "wrong_identifier",
    );
    assert_eq!(calls.versions(&app).await, 3);
    calls.verify("updates").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_happens_once_however_often_it_is_told() {
    let (world, tenant) = World::new().await;
    let calls = Calls::of(&world, &tenant).await;
    let begun = calls.begins("apps.create", json!({})).await;
    let file = calls.uploads(&begun, "app.apk", &apk(1)).await;
    let made = all((0..16)
        .map(|number| calls.publishes(&begun, &file, json!({"name": format!("App {number}")}))))
    .await;
    assert!(made.iter().all(|app| *app == made[0]), "{made:?}");
    assert_eq!(calls.list().await.len(), 1);
    let name = calls.list().await[0]["name"].clone();
    assert_eq!(
        calls
            .publishes(&begun, &file, json!({"name": "Another"}))
            .await,
        made[0]
    );
    assert_eq!(
        calls.list().await[0]["name"],
        name,
        "what came too late changes nothing"
    );
    let late = upload(&world, &begun.path, "app.apk", &apk(2)).await;
    assert_eq!(late.status, 409, "{}", late.text);

    let begun = calls.begins("apps.update", json!({"appID": made[0]})).await;
    let file = calls.uploads(&begun, "app.apk", &apk(2)).await;
    let told = all((0..16).map(|_| calls.publishes(&begun, &file, json!({})))).await;
    assert!(told.iter().all(|app| *app == made[0]), "{told:?}");
    assert_eq!(calls.versions(&made[0]).await, 2);
    calls.verify("sixteen at once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_its_makers_for_an_hour_and_is_not_kept_as_it_is() {
    let (world, tenant) = World::new().await;
    let calls = Calls::of(&world, &tenant).await;
    let stranger = Calls::of(&world, &world.tenant("other").await).await;
    let colleague = calls
        .as_user("second@dev.example", vec![Role::PortalAdmin])
        .await;
    let begun = calls.begins("apps.create", json!({})).await;
    let table = format!("{:?}", world.snapshot().await);
    assert!(
        !table.contains(&begun.transaction[8..]),
        "the id is a credential"
    );
    let file = calls.uploads(&begun, "app.apk", &apk(1)).await;
    for other in [&stranger, &colleague] {
        refused(
            &other.publish(&begun, &file, json!({})).await,
            1,
            "transactionID",
        );
    }
    // A file of another tenant is no file.
    let theirs = stranger.begins("apps.create", json!({})).await;
    refused(
        &stranger.publish(&theirs, &file, json!({})).await,
        1,
        "file",
    );
    for path in [
        "/upload",
        "/upload?transactionID=",
        "/upload?transactionID=x",
        &format!("/upload?transactionID={}", "a".repeat(34)),
    ] {
        let answer = upload(&world, path, "app.apk", &apk(1)).await;
        assert_eq!(
            (answer.status, answer.json["error"]["code"].as_u64()),
            (401, Some(401)),
            "{path}: {}",
            answer.text
        );
    }
    // One of ours under their handle leads nowhere.
    let forged = format!(
        "/upload?transactionID={}{}",
        stranger.tenant.tenant_id,
        &begun.transaction[8..]
    );
    assert_eq!(
        upload(&world, &forged, "app.apk", &apk(1)).await.status,
        401
    );

    world.clock.advance_seconds(VALID_SECONDS - 60);
    assert_eq!(
        upload(&world, &begun.path, "app.apk", &apk(1)).await.status,
        200
    );
    world.clock.advance_seconds(120);
    let late = Calls::of(&world, &tenant).await;
    assert_eq!(
        upload(&world, &begun.path, "app.apk", &apk(1)).await.status,
        401
    );
    refused(&late.publish(&begun, &file, json!({})).await, 1, "hour");
    assert_eq!(late.list().await, Vec::<Value>::new());
    calls.verify("transactions that nobody ended").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_lost_the_right_sends_no_file() {
    let (world, tenant) = World::new().await;
    let (bob, cookie) = world
        .user(&tenant, "bob@dev.example", vec![Role::DevAdmin])
        .await;
    let key = world
        .post(
            &cookie,
            "/box/srv/1.1/ide/dev/api/create",
            json!({"type": "user", "label": "his"}),
        )
        .await;
    let key = text(&key["apiKey"]["key"]);
    let by_key = Calls {
        world: &world,
        tenant: tenant.clone(),
        token: key.clone(),
    };
    let by_token = Calls {
        world: &world,
        tenant: tenant.clone(),
        token: world.token(&tenant, &bob).await,
    };
    let (with_key, with_token) = (
        by_key.begins("apps.create", json!({})).await,
        by_token.begins("apps.create", json!({})).await,
    );
    let before = world.snapshot().await;
    let status = async |begun: &Begun| upload(&world, &begun.path, "app.apk", &apk(1)).await.status;
    assert_eq!(
        (status(&with_key).await, status(&with_token).await),
        (200, 200)
    );
    world.restore(&before).await;

    world.set_roles(&tenant, &bob, vec![Role::Dev]).await;
    assert_eq!(
        (status(&with_key).await, status(&with_token).await),
        (403, 403)
    );
    world.restore(&before).await;
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/user/update"),
            json!({"username": "bob@dev.example", "enabled": false}),
        )
        .await;
    assert_eq!(
        (status(&with_key).await, status(&with_token).await),
        (401, 401)
    );
    world.restore(&before).await;
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/user/delete"),
            json!({"username": "bob@dev.example"}),
        )
        .await;
    assert_eq!(
        (status(&with_key).await, status(&with_token).await),
        (401, 401)
    );
    world.restore(&before).await;
    world
        .post(
            &cookie,
            "/box/srv/1.1/ide/dev/api/revoke",
            json!({"key": key}),
        )
        .await;
    assert_eq!(
        (status(&with_key).await, status(&with_token).await),
        (401, 200),
        "a revoked key, and a token that is good"
    );
    world.restore(&before).await;
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/user/update"),
            json!({"username": "bob@dev.example", "password": "another horse"}),
        )
        .await;
    assert_eq!(
        (status(&with_key).await, status(&with_token).await),
        (200, 401),
        "a new password ends tokens, and no keys"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_package_is_refused_with_what_is_wrong() {
    let (world, tenant) = World::new().await;
    let calls = Calls::of(&world, &tenant).await;
    let begun = calls.begins("apps.create", json!({})).await;
    for (file_name, bytes, names) in [
        ("app.apk", &b"not a package"[..], "not_an_archive"),
        ("app.apk", b"", "empty"),
        ("app.exe", b"MZ", "LUuploadFile"),
    ] {
        let answer = upload(&world, &begun.path, file_name, bytes).await;
        assert_eq!(answer.status, 400, "{file_name}: {}", answer.text);
        assert!(
            text(&answer.json["error"]["message"]).contains(names),
            "{}",
            answer.text
        );
    }
    let part = Part {
        name: "other",
        file_name: Some("app.apk"),
        content: &apk(1),
    };
    let answer = world.call("POST", &begun.path).parts([part]).send().await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(
        answer.text.contains("LUuploadFile is missing"),
        "{}",
        answer.text
    );
    assert_eq!(
        world
            .call("POST", &begun.path)
            .json(json!({}))
            .send()
            .await
            .status,
        415
    );
    refused(
        &calls.publish(&begun, "nothing.apk", json!({})).await,
        1,
        "file",
    );
    refused(
        &calls
            .send(
                "apps.publish",
                json!({"transactionID": begun.transaction, "EASEmetadata": {}}),
            )
            .await,
        -32602,
        "files.application",
    );
    refused(
        &calls
            .send(
                "apps.publish",
                json!({"files": {"application": "x"}, "EASEmetadata": {}}),
            )
            .await,
        -32602,
        "transactionID",
    );

    // Another try with the same transaction is fine, and so are fields that are too long, once they
    // are not.
    let file = calls.uploads(&begun, "app.apk", &apk(1)).await;
    for (field, most) in [
        ("name", 50),
        ("version", 21),
        ("versionNotes", 4_096),
        ("author", 150),
        ("shortdescription", 100),
        ("longdescription", 10_000),
    ] {
        let answer = calls
            .publish(&begun, &file, json!({field: "x".repeat(most + 1)}))
            .await;
        refused(&answer, 1, &format!("{field} must"));
        assert!(answer.text.contains(&most.to_string()), "{}", answer.text);
    }
    assert_eq!(calls.list().await, Vec::<Value>::new());
    calls
        .publishes(&begun, &file, json!({"name": "x".repeat(50)}))
        .await;
    calls.verify("refusals").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_error_has_the_code_that_clients_know() {
    let (world, tenant) = World::new().await;
    let calls = Calls::of(&world, &tenant).await;
    refused(&raw(&world, b"{\"id\": 1,").await, -32700, "");
    refused(&raw(&world, b"[]").await, -32700, "");
    refused(
        &calls.send("apps.remove", json!({})).await,
        -32601,
        "method",
    );
    refused(&raw(&world, b"{}").await, -32601, "method");
    refused(
        &raw(
            &world,
            json!({"method": "x".repeat(200)}).to_string().as_bytes(),
        )
        .await,
        -32601,
        "method",
    );
    for method in ["apps.getlist", "apps.create", "apps.update", "apps.publish"] {
        refused(&call(&world, method, &json!({})).await, 666, "credential");
        refused(
            &call(&world, method, &json!({"token": "x"})).await,
            666,
            "credential",
        );
        refused(
            &call(&world, method, &json!({"token": tenant.cookie})).await,
            666,
            "credential",
        );
    }
    let wrong = |email: &str, password: &str| json!({"email": email, "password": password});
    refused(
        &call(
            &world,
            "user.authenticateuser",
            &wrong("admin@dev.example", "wrong"),
        )
        .await,
        1,
        "login failed",
    );
    refused(
        &call(&world, "user.authenticateuser", &wrong("nobody", "wrong")).await,
        1,
        "login failed",
    );
    refused(
        &call(&world, "user.authenticateuser", &json!({"password": "x"})).await,
        -32602,
        "email",
    );
    refused(
        &call(&world, "user.authenticateuser", &json!({"email": "x"})).await,
        -32602,
        "password",
    );
    refused(
        &call(&world, "user.authenticateuser", &json!([1])).await,
        -32602,
        "params",
    );
    // Who may only look may list, and publish nothing.
    let dev = calls.as_user("dev@dev.example", vec![Role::Dev]).await;
    assert_eq!(dev.list().await, Vec::<Value>::new());
    refused(
        &dev.send("apps.create", json!({})).await,
        1,
        "store-item: write",
    );
    // The token in the header, as the newer API takes it; HTTP's own status is 200 whatever became
    // of a call.
    let body = json!({"id": "a", "method": "com.apperian.eas.apps.getlist"});
    let answer = world
        .call("POST", CALLS)
        .token(&calls.token)
        .json(body)
        .send()
        .await;
    assert_eq!(
        (&answer.json["id"], &answer.json["result"]),
        (&json!("a"), &json!({"applications": []}))
    );
    world.clock.advance_seconds(24 * 3_600);
    refused(
        &calls.send("apps.getlist", json!({})).await,
        666,
        "credential",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_what_the_caller_sees() {
    let (world, tenant) = World::new().await;
    let calls = Calls::of(&world, &tenant).await;
    let hidden = calls.makes(1, json!({"name": "Hidden"})).await;
    let shown = calls.makes(1, json!({"name": "Shown"})).await;
    let answer = world
        .call("PUT", &format!("/v2/applications/{shown}"))
        .token(&calls.token)
        .json(json!({"enabled": true}))
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let statuses: Vec<(String, String)> = calls
        .list()
        .await
        .iter()
        .map(|app| (text(&app["ID"]), text(&app["status"])))
        .collect();
    assert_eq!(
        statuses,
        [
            (hidden.clone(), "disabled".to_owned()),
            (shown.clone(), "enabled".to_owned())
        ]
    );
    let dev = calls.as_user("dev@dev.example", vec![Role::Dev]).await;
    let seen: Vec<String> = dev
        .list()
        .await
        .iter()
        .map(|app| text(&app["ID"]))
        .collect();
    assert_eq!(seen, [shown]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_transaction_keeps_dies_with_its_hour() {
    let (world, tenant) = World::new().await;
    let calls = Calls::of(&world, &tenant).await;
    let begun = calls.begins("apps.create", json!({})).await;
    let key = key_of(tenant.tenant_id, &begun.transaction).expect("a key");
    let kept = async || {
        let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
        let found: Option<Stored<PublishingCall>> =
            reader.get(&key).await.expect("the store answers");
        found.is_some()
    };
    world.clock.advance_seconds(VALID_SECONDS - 1);
    assert!(kept().await);
    world.clock.advance_seconds(2);
    assert!(!kept().await);
}

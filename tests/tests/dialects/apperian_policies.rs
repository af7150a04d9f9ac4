//! Policies of the Apperian API: those that there are, presets of them, those on apps, and the
//! documents that apps read.

use std::collections::BTreeSet;

use appdepot_tests::{Answer, TestTenant, World, all};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use package_reader::testing::{Apk, ipa};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use shared::base::id::{AppId, BinaryType, Guid};
use shared::base::rights::Role;
use shared::change;
use shared::domain::app_policies::app_policy::POLICIES;
use shared::domain::app_policies::job;
use shared::domain::app_policies::preset::MAX_PRESETS;
use shared::domain::apps::app;
use shared::model::apps::app::Binary;
use shared::model::apps::processing::{Job, Processing, ProcessingTask, Signing, SigningStatus};
use shared::store::keys;
use shared::store::record::{Reader, Stored};

const ADMIN: &str = "/box/srv/1.1/admin";

const USAGE: &str = "com.apperian.app-usage";

const CRASHES: &str = "com.apperian.collect-crash-reports";

const PAGE: &str = "com.apperian.open-webpage-url";

const EXPIRATION: &str = "com.apperian.app-expiration";

const WIPE: &str = "com.apperian.data-wipe";

/// The administrator of a tenant with a token of the API.
struct Desk<'w> {
    world: &'w World,
    tenant: TestTenant,
    token: String,
}

impl<'w> Desk<'w> {
    async fn of(world: &'w World, tenant: TestTenant) -> Self {
        let token = world.token(&tenant, &tenant.admin).await;
        Self {
            world,
            tenant,
            token,
        }
    }

    async fn send(&self, method: &str, path: &str) -> Answer {
        self.world
            .call(method, path)
            .token(&self.token)
            .send()
            .await
    }

    async fn say(&self, method: &str, path: &str, body: Value) -> Answer {
        self.world
            .call(method, path)
            .token(&self.token)
            .json(body)
            .send()
            .await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json
    }

    /// Makes an item and gives its id.
    async fn item(&self, name: &str) -> AppId {
        let made = self
            .world
            .post(
                &self.tenant.cookie,
                &format!("{ADMIN}/storeitem/create"),
                json!({"name": name}),
            )
            .await;
        made["guid"].as_str().unwrap().parse().unwrap()
    }

    async fn upload(&self, item: AppId, kind: &str, file: &[u8]) {
        let answer = self
            .world
            .upload(&self.tenant.cookie, &item.guid(), kind, file)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// Makes an item with an Android package.
    async fn android(&self, name: &str) -> AppId {
        let item = self.item(name).await;
        self.upload(item, "android", &apk(1)).await;
        item
    }

    async fn policies(&self, app: &str) -> Value {
        self.get(&format!("/applications/{app}/policies")).await
    }

    /// Applies policies, which must be taken.
    async fn apply(&self, app: AppId, configurations: Value) -> Value {
        let answer = self
            .say(
                "POST",
                &format!("/v2/applications/{}/policies/", app.base64url()),
                json!({"configurations": configurations}),
            )
            .await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.json["configurations"].clone()
    }

    async fn clear(&self, app: AppId) {
        let answer = self
            .send("DELETE", &format!("/applications/{app}/policies/"))
            .await;
        assert_eq!(
            (answer.status, answer.json),
            (200, json!({"configurations": []}))
        );
    }

    async fn code(&self, app: AppId) -> i64 {
        self.policies(&app.guid()).await["status"]["code"]
            .as_i64()
            .unwrap()
    }

    fn reader(&self) -> Reader<'w> {
        Reader::new(&*self.world.plain.table, self.world.plain.clock.now())
    }

    async fn binary(&self, app: AppId, kind: BinaryType) -> Stored<Binary> {
        self.reader()
            .get(&keys::binary(self.tenant.tenant_id, app, kind))
            .await
            .unwrap()
            .unwrap()
    }

    /// The work on the newest Android version.
    async fn work(&self, app: AppId) -> Processing {
        let binary = self.binary(app, BinaryType::Android).await;
        binary.value.versions[0]
            .processing
            .as_deref()
            .cloned()
            .unwrap_or_default()
    }

    /// Has the worker do the job that an app has. Gives whether there was one.
    async fn work_off(&self, app: AppId) -> bool {
        let Some(job) = self.work(app).await.job else {
            return false;
        };
        let done = self
            .world
            .deliver_job(&keys::job(self.tenant.tenant_id, &job))
            .await
            .unwrap();
        assert_eq!((done.done, done.failed, done.ended), (1, 0, 0));
        true
    }

    async fn verify(&self) {
        self.world.verify(self.tenant.tenant_id).await.unwrap();
    }
}

fn apk(version: u32) -> Vec<u8> {
    Apk {
        version_code: version,
        version_name: format!("{version}.0"),
        ..Apk::default()
    }
    .build()
}

fn page(url: &str) -> Value {
    json!({"policy_id": PAGE, "configuration": {"open_webpage_url": url}})
}

fn expiration() -> Value {
    let range = json!({"start": "2026-01-01", "end": "2036-12-31"});
    json!({
        "policy_id": EXPIRATION,
        "configuration": {"user_message": "It is over <b>&", "access_date_range": range},
    })
}

fn refused(answer: &Answer, status: u16, says: &str) {
    assert_eq!(
        (answer.status, answer.json["error"]["code"].as_u64()),
        (status, Some(u64::from(status))),
        "{}",
        answer.text
    );
    let message = answer.json["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(says), "{says} is not in {message}");
}

/// The names of the policies in a list.
fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|one| one["policy_id"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policies_that_there_are() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant.clone()).await;
    for path in ["/policies", "/policies/", "/v1/policies", "/v2/policies/"] {
        let listed = desk.get(path).await;
        let known: Vec<&str> = POLICIES.iter().map(|policy| policy.policy_id).collect();
        assert_eq!(names(&listed["policies"]), known);
        assert_eq!(listed["policies"][0]["id"], "XWJKqWeLM5-tp8N09-gTEw");
        assert_eq!(listed["policies"][0]["configurable_fields"], Value::Null);
        for policy in listed["policies"].as_array().unwrap() {
            assert_eq!(policy["configurations"], json!([]));
            for name in ["id", "policy_id"] {
                let read = desk
                    .get(&format!("/v2/policies/{}/", policy[name].as_str().unwrap()))
                    .await;
                assert_eq!(read["policy"], *policy);
            }
        }
    }
    refused(
        &desk.send("GET", "/policies/com.apperian.other").await,
        404,
        "policy",
    );
    refused(&world.call("GET", "/policies").send().await, 401, "");
    let (dev, _) = world
        .user(&tenant, "dev@dev.example", vec![Role::Dev])
        .await;
    let (sub, _) = world
        .user(&tenant, "sub@dev.example", vec![Role::Sub])
        .await;
    assert_eq!(
        world
            .call("GET", "/policies")
            .token(&world.token(&tenant, &dev).await)
            .send()
            .await
            .status,
        200
    );
    refused(
        &world
            .call("GET", "/policies")
            .token(&world.token(&tenant, &sub).await)
            .send()
            .await,
        403,
        "",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn presets_are_kept_and_change_no_app() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant.clone()).await;
    let path = format!("/v2/policies/{PAGE}/configurations/");
    let said = json!({
        "name": "News",
        "enabled_by_default": true,
        "configuration": {"open_webpage_url": "https://dev.example/news"},
    });
    let made = desk.say("POST", &path, said.clone()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let preset = made.json["configuration"].clone();
    let mut shown = preset.clone();
    let fields = shown.as_object_mut().unwrap();
    let id = fields.remove("id").unwrap().as_str().unwrap().to_owned();
    let created = fields.remove("created_time").unwrap();
    assert!(
        created.as_str().is_some_and(|created| created.len()
            == "2018-02-01T03:52:18.281815+00:00".len()
            && created.ends_with("000+00:00")),
        "{created}"
    );
    let configuration =
        json!({"open_webpage_url": "https://dev.example/news", "open_webpage_frequency": "1"});
    let rest = json!({
        "name": "News", "auth_required": true, "enabled_by_default": true, "is_a_preset": true,
        "configuration": configuration, "policy_id": PAGE,
    });
    assert_eq!(shown, rest);
    // Two may have the same name; the older one comes first.
    world.clock.advance_seconds(1);
    let second = desk.say("POST", &path, said).await.json["configuration"].clone();
    assert_ne!(second["id"], preset["id"]);
    assert_eq!(
        desk.get(&path).await["configurations"],
        json!([preset, second])
    );
    assert_eq!(
        desk.get(&format!("/policies/{PAGE}")).await["policy"]["configurations"],
        json!([preset, second])
    );
    assert_eq!(
        desk.get(&format!("/policies/{USAGE}/configurations")).await["configurations"],
        json!([])
    );
    let one = format!("/v2/policies/configurations/{id}");
    assert_eq!(desk.get(&one).await["configuration"], preset);

    // An app takes what the preset says, as it is sent, and keeps it.
    let app = desk.android("app").await;
    let applied = desk.apply(app, json!([preset])).await;
    assert_eq!(
        (&applied[0]["configuration"], &applied[0]["auth_required"]),
        (&configuration, &json!(true))
    );
    let changed = desk
        .say(
            "PUT",
            &one,
            json!({
                "name": "Old news",
                "configuration": {
                    "open_webpage_url": "http://dev.example",
                    "open_webpage_frequency": 5,
                },
            }),
        )
        .await;
    assert_eq!(
        changed.json["configuration"]["configuration"],
        json!({"open_webpage_url": "http://dev.example", "open_webpage_frequency": "5"})
    );
    assert_eq!(
        (
            &changed.json["configuration"]["name"],
            &changed.json["configuration"]["enabled_by_default"]
        ),
        (&json!("Old news"), &json!(true))
    );
    assert_eq!(desk.policies(&app.guid()).await["configurations"], applied);

    for (body, says) in [
        (json!({}), "name"),
        (json!({"name": " "}), "name"),
        (
            json!({
                "name": "x".repeat(201),
                "configuration": {"open_webpage_url": "http://dev.example"},
            }),
            "name",
        ),
        (json!({"name": "x"}), "configuration.open_webpage_url"),
        (
            json!({
                "name": "x",
                "configuration": {"open_webpage_url": "http://dev.example"},
                "auth_required": false,
            }),
            "auth_required",
        ),
        (
            json!({
                "name": "x",
                "configuration": {"open_webpage_url": "http://dev.example"},
                "enabled_by_default": 1,
            }),
            "enabled_by_default",
        ),
        (
            json!({
                "name": "x",
                "configuration": {"open_webpage_url": "http://dev.example", "other": "x"},
            }),
            "configuration.other",
        ),
    ] {
        refused(&desk.say("POST", &path, body).await, 400, says);
    }
    for (body, says) in [
        (json!({"name": ""}), "name"),
        (
            json!({"configuration": null}),
            "configuration.open_webpage_url",
        ),
        (json!({"auth_required": false}), "auth_required"),
    ] {
        refused(&desk.say("PUT", &one, body).await, 400, says);
    }
    assert_eq!(desk.get(&one).await, changed.json);

    // Nobody else's, and nobody's who may not change the store.
    let other = Desk::of(&world, world.tenant("other").await).await;
    let (devadmin, _) = world
        .user(&tenant, "devadmin@dev.example", vec![Role::DevAdmin])
        .await;
    let devadmin = world.token(&tenant, &devadmin).await;
    for method in ["GET", "PUT", "DELETE"] {
        refused(
            &other.say(method, &one, json!({"name": "mine"})).await,
            404,
            "configuration",
        );
        let status = world
            .call(method, &one)
            .token(&devadmin)
            .json(json!({"name": "mine"}))
            .send()
            .await
            .status;
        assert_eq!(status, if method == "GET" { 200 } else { 403 }, "{method}");
    }
    assert_eq!(other.get(&path).await["configurations"], json!([]));
    refused(
        &desk.send("GET", "/policies/configurations/short").await,
        400,
        "id",
    );

    let gone = desk.send("DELETE", &one).await;
    assert_eq!(
        (gone.status, gone.json),
        (200, json!({"deleted_configuration": id}))
    );
    refused(&desk.send("DELETE", &one).await, 404, "configuration");
    assert_eq!(desk.get(&path).await["configurations"], json!([second]));
    assert_eq!(desk.policies(&app.guid()).await["configurations"], applied);
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_has_so_many_presets_and_no_more() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant).await;
    let path = format!("/policies/{WIPE}/configurations");
    for at in 0..MAX_PRESETS - 2 {
        assert_eq!(
            desk.say("POST", &path, json!({"name": format!("{at}")}))
                .await
                .status,
            200
        );
    }
    let last =
        all((0..8).map(|at| desk.say("POST", &path, json!({"name": format!("last {at}")})))).await;
    assert_eq!(last.iter().filter(|answer| answer.status == 200).count(), 2);
    for answer in last.iter().filter(|answer| answer.status != 200) {
        refused(answer, 400, "at most 100");
    }
    let listed = desk.get(&path).await["configurations"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(listed.len(), 100);
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(
        desk.send("DELETE", &format!("/policies/configurations/{id}"))
            .await
            .status,
        200
    );
    assert_eq!(
        desk.say("POST", &path, json!({"name": "again"}))
            .await
            .status,
        200
    );
    assert_eq!(
        desk.say(
            "POST",
            &format!("/policies/{USAGE}/configurations"),
            json!({"name": "of another policy"})
        )
        .await
        .status,
        200
    );
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_applied_changes_nothing() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant).await;
    let app = desk.android("app").await;
    let path = format!("/applications/{app}/policies");
    let before = world.snapshot().await;
    let said =
        |configuration: Value| json!([{"policy_id": EXPIRATION, "configuration": configuration}]);
    let dates = |start: &str, end: &str| {
        json!({
            "user_message": "m",
            "access_date_range": {"start": start, "end": end},
        })
    };
    for (configurations, says) in [
        (json!(null), "configurations is a list"),
        (json!({}), "configurations is a list"),
        (json!("com.apperian.app-usage"), "configurations is a list"),
        (json!([7]), "configurations[0]"),
        (json!([{}]), "policy_id"),
        (json!([{"policy_id": ""}]), "policy_id"),
        (
            json!([{"policy_id": "XWJKqWeLM5-tp8N09-gTEw"}]),
            "policy_id",
        ),
        (
            json!([{"policy_id": USAGE}, {"policy_id": "com.apperian.other"}]),
            "configurations[1]: policy_id",
        ),
        (
            json!([{"policy_id": USAGE}, {"policy_id": WIPE}, {"policy_id": USAGE}]),
            "configurations[2]: com.apperian.app-usage is there twice",
        ),
        (json!(vec![json!({"policy_id": USAGE}); 8]), "at most 7"),
        (
            json!([{"policy_id": USAGE, "configuraton": {}}]),
            "configuraton",
        ),
        (
            json!([{"policy_id": USAGE, "configuration": {"a": 1}}]),
            "configuration.a",
        ),
        (
            json!([{"policy_id": USAGE, "configuration": []}]),
            "configuration is an object",
        ),
        (json!([{"policy_id": USAGE, "id": 7}]), "id"),
        (
            json!([{"policy_id": USAGE, "auth_required": "yes"}]),
            "auth_required",
        ),
        (
            json!([{"policy_id": WIPE, "auth_required": false}]),
            "auth_required",
        ),
        (
            json!([{"policy_id": PAGE}]),
            "configuration.open_webpage_url",
        ),
        (
            json!([{"policy_id": PAGE, "configuration": null}]),
            "configuration.open_webpage_url",
        ),
        (json!([page("ftp://dev.example")]), "http or https"),
        (
            json!([
                {
                    "policy_id": PAGE,
                    "configuration": {
                        "open_webpage_url": "http://dev.example",
                        "open_webpage_frequency": "0",
                    },
                },
            ]),
            "open_webpage_frequency",
        ),
        (said(json!({"user_message": "m"})), "access_date_range"),
        (
            said(dates("2026-02-02", "2026-02-01")),
            "start must not be after end",
        ),
        (said(dates("", "")), "start and end"),
        (said(dates("soon", "later")), "start is a date"),
        (
            said(json!({
                "user_message": "x".repeat(1_001),
                "access_date_range": {"start": "2026-01-01", "end": "2026-01-01"},
            })),
            "user_message",
        ),
    ] {
        refused(
            &desk
                .say("POST", &path, json!({"configurations": configurations}))
                .await,
            400,
            says,
        );
    }
    refused(
        &desk.say("POST", &path, json!({})).await,
        400,
        "configurations is a list",
    );
    let junk = world
        .call("POST", &path)
        .token(&desk.token)
        .raw("application/json", b"{".to_vec())
        .send()
        .await;
    refused(&junk, 400, "invalid_json");
    let deep = format!(
        "{{\"configurations\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    refused(
        &world
            .call("POST", &path)
            .token(&desk.token)
            .raw("application/json", deep.into_bytes())
            .send()
            .await,
        400,
        "invalid_json",
    );
    assert_eq!(world.snapshot().await, before);
    assert_eq!(
        desk.policies(&app.guid()).await,
        json!({
            "status": {"code": 0, "description": "NO POLICIES"},
            "configurations": [],
            "previous_version_configurations": [],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_are_named_in_many_ways_and_not_all_can_have_policies() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant.clone()).await;
    let app = desk.android("app").await;
    let app_record = app::read(&mut desk.reader(), tenant.tenant_id, app)
        .await
        .unwrap()
        .value;
    desk.apply(app, json!([{"policy_id": USAGE}])).await;
    let applied = desk.policies(&app.guid()).await["configurations"].clone();
    let binary = app.binary(BinaryType::Android);
    let mut spellings = vec![
        app_record.numeric_id.to_string(),
        (app_record.numeric_id + 1).to_string(),
    ];
    spellings.extend(
        [app, binary]
            .into_iter()
            .flat_map(|id| [id.guid(), id.uuid(), id.base64url()]),
    );
    for named in &spellings {
        assert_eq!(
            desk.policies(named).await["configurations"],
            applied,
            "{named}"
        );
        let answer = desk
            .say(
                "POST",
                &format!("/applications/{named}/policies"),
                json!({"configurations": applied}),
            )
            .await;
        assert_eq!(
            (answer.status, &answer.json["configurations"]),
            (202, &applied),
            "{named}: {}",
            answer.text
        );
    }
    let other = AppId::new(world.plain.clock.now());
    let nobody = [
        other.guid(),
        app.binary(BinaryType::Ios).guid(),
        "XWJKqWeLM5-tp8N09-gTEw".to_owned(),
        (app_record.numeric_id + 4).to_string(),
        "7".to_owned(),
    ];
    for named in &nobody {
        for method in ["GET", "POST", "DELETE"] {
            refused(
                &desk
                    .say(
                        method,
                        &format!("/applications/{named}/policies"),
                        json!({"configurations": []}),
                    )
                    .await,
                404,
                "application",
            );
        }
    }
    refused(
        &desk.send("GET", "/applications/app/policies").await,
        400,
        "psk",
    );

    // Without a binary there is nothing to apply policies to, and nothing applied.
    let empty = desk.item("empty").await;
    assert_eq!(desk.policies(&empty.guid()).await["status"]["code"], 0);
    refused(
        &desk
            .say(
                "POST",
                &format!("/applications/{empty}/policies"),
                json!({"configurations": []}),
            )
            .await,
        400,
        "no file",
    );
    let bearer = world
        .bearer(&tenant, &tenant.admin, appdepot_tests::requests::SCOPES)
        .await;
    let groups = json!([
        {
            "policyGroupName": "Default", "throttlingTier": "Gold", "userRoles": ["dev"],
            "allowAnonymousAccess": "true",
        },
    ]);
    let templates = json!([{"urlPattern": "/*", "httpVerb": "get", "policyGroupName": "Default"}]);
    let web = json!({
        "name": "web",
        "version": "1.0",
        "displayName": "web",
        "description": "A web app",
        "context": "/web",
        "appUrL": "https://web.example.com",
        "transport": "https", "policyGroups": groups, "uriTemplates": templates,
    });
    let web = world
        .call("POST", "/api/appm/publisher/v1.1/apps/webapp")
        .bearer(&bearer)
        .json(web)
        .send()
        .await;
    assert_eq!(web.status, 201, "{}", web.text);
    let web = web.json["AppId"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", web.text))
        .to_owned();
    assert_eq!(desk.policies(&web).await["status"]["code"], 0);
    refused(
        &desk
            .say(
                "POST",
                &format!("/applications/{web}/policies"),
                json!({"configurations": []}),
            )
            .await,
        400,
        "web app",
    );

    // Of two binaries each has its own; which one is meant must be said.
    desk.upload(app, "ios", &ipa("com.example.both", "1", "1.0", "Both"))
        .await;
    for (method, body) in [
        ("GET", json!({})),
        ("POST", json!({"configurations": []})),
        ("DELETE", json!({})),
    ] {
        refused(
            &desk
                .say(
                    method,
                    &format!("/applications/{}/policies", app_record.numeric_id),
                    body,
                )
                .await,
            400,
            &binary.base64url(),
        );
    }
    assert_eq!(
        desk.policies(&binary.guid()).await["configurations"],
        applied
    );
    assert_eq!(
        desk.policies(&app.binary(BinaryType::Ios).guid()).await["configurations"],
        json!([])
    );
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_replaces_the_one_before_it() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant).await;
    let app = desk.android("app").await;
    let first = desk
        .apply(
            app,
            json!([
                {"policy_id": USAGE, "configuration": null, "auth_required": "false"},
                expiration(),
                {"policy_id": CRASHES, "auth_required": "True"},
            ]),
        )
        .await;
    assert_eq!(names(&first), [USAGE, EXPIRATION, CRASHES]);
    assert_eq!(first[0]["configuration"], Value::Null);
    assert_eq!(
        [0, 1, 2].map(|at| first[at]["auth_required"].clone()),
        [json!(false), json!(false), json!(true)]
    );
    assert_eq!(first[1]["configuration"]["user_message"], "It is over <b>&");
    assert_eq!(desk.policies(&app.guid()).await["configurations"], first);

    // What a client read it sends back, with the ids, and they stay; ids that are none of these do
    // not count.
    let mut again = first.clone();
    again
        .as_array_mut()
        .unwrap()
        .push(json!({"policy_id": WIPE, "id": first[0]["id"]}));
    again[2]["id"] = json!("WY4hR8PMSgmHqsDZbYv0TA");
    let second = desk.apply(app, again).await;
    assert_eq!((&second[0], &second[1]), (&first[0], &first[1]));
    let ids: BTreeSet<&str> = second
        .as_array()
        .unwrap()
        .iter()
        .chain([&first[2]])
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 5, "{second}");
    assert_eq!(desk.policies(&app.guid()).await["configurations"], second);

    let third = desk.apply(app, json!([page("https://dev.example")])).await;
    assert_eq!(
        third[0]["configuration"],
        json!({"open_webpage_url": "https://dev.example", "open_webpage_frequency": "1"})
    );
    assert_eq!(
        (names(&third), &third[0]["auth_required"]),
        (vec![PAGE], &json!(true))
    );
    assert_eq!(desk.policies(&app.guid()).await["configurations"], third);
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_none_to_applied_and_away() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant.clone()).await;
    let app = desk.android("app").await;
    let uploaded = desk.binary(app, BinaryType::Android).await.value.versions[0]
        .sha256
        .clone();
    let applied = desk
        .apply(
            app,
            json!([{"policy_id": USAGE}, page("https://dev.example")]),
        )
        .await;
    assert_eq!(
        desk.policies(&app.guid()).await["status"],
        json!({"code": 2, "description": "APPLYING POLICIES"})
    );
    desk.verify().await;
    assert!(desk.work_off(app).await);
    desk.verify().await;
    let standing = desk.policies(&app.guid()).await;
    let wanted = json!({
        "status": {"code": 3, "description": "POLICIES NOT SIGNED"},
        "configurations": applied,
        "previous_version_configurations": [],
    });
    assert_eq!(standing, wanted);
    assert_eq!(
        desk.binary(app, BinaryType::Android).await.value.versions[0].sha256,
        uploaded,
        "what is handed out changes by signing alone"
    );

    // A new version has none, and knows what the one before it had.
    desk.upload(app, "android", &apk(2)).await;
    let standing = desk.policies(&app.guid()).await;
    assert_eq!(
        standing["status"],
        json!({"code": 4, "description": "POLICIES PREVIOUSLY APPLIED"})
    );
    assert_eq!(
        (
            &standing["configurations"],
            &standing["previous_version_configurations"]
        ),
        (&json!([]), &applied)
    );
    desk.upload(app, "android", &apk(3)).await;
    assert_eq!(
        desk.policies(&app.guid()).await["previous_version_configurations"],
        applied
    );

    // As clients do that apply them again.
    let again = desk.apply(app, applied.clone()).await;
    assert_eq!(names(&again), names(&applied));
    desk.work_off(app).await;
    let standing = desk.policies(&app.guid()).await;
    assert_eq!(
        (
            &standing["status"]["code"],
            &standing["previous_version_configurations"]
        ),
        (&json!(3), &applied)
    );
    // The policies are those of one version: who rolls back finds the ones that it had.
    let rolled = json!({"guid": app, "type": "android", "version": 1});
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/rollback"),
            rolled,
        )
        .await;
    assert_eq!(desk.policies(&app.guid()).await["configurations"], applied);
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/rollback"),
            json!({"guid": app, "type": "android", "version": 3}),
        )
        .await;

    desk.clear(app).await;
    let cleared = json!({
        "status": {"code": 0, "description": "NO POLICIES"},
        "configurations": [],
        "previous_version_configurations": [],
    });
    assert_eq!(desk.policies(&app.guid()).await, cleared);
    desk.verify().await;
    assert!(desk.work_off(app).await, "what is installed must let go");
    assert_eq!(desk.policies(&app.guid()).await, cleared);
    desk.verify().await;
    let settled = world.snapshot().await;
    desk.clear(app).await;
    assert_eq!(desk.apply(app, json!([])).await, json!([]));
    assert_eq!(
        world.snapshot().await,
        settled,
        "what is cleared is not cleared again"
    );
    // Nor do they come back with the next version.
    desk.upload(app, "android", &apk(4)).await;
    assert_eq!(desk.policies(&app.guid()).await, cleared);
    desk.verify().await;
}

/// The payload of a document, once its signature holds.
fn opened(jws: &str, keys: &Value) -> Value {
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (signed, signature) = jws.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decoded(header)).unwrap();
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("ES256"), &json!("app-policies"))
    );
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == header["kid"])
        .expect("the key");
    assert!(key.get("d").is_none(), "{key}");
    let point = [
        &[4][..],
        &decoded(key["x"].as_str().unwrap()),
        &decoded(key["y"].as_str().unwrap()),
    ]
    .concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &decoded(signature))
        .expect("the signature");
    serde_json::from_slice(&decoded(payload)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn installed_apps_read_a_signed_document() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant.clone()).await;
    let app = desk.android("app").await;
    let id = app.binary(BinaryType::Android);
    let path = format!("/policy-documents/{}/{}", tenant.tenant_id, id.base64url());
    let keys_path = format!("/policy-documents/{}/keys", tenant.tenant_id);
    refused(&world.call("GET", &path).send().await, 404, "document");
    refused(&world.call("GET", &keys_path).send().await, 404, "document");

    desk.apply(
        app,
        json!([{"policy_id": USAGE}, page("https://dev.example")]),
    )
    .await;
    desk.work_off(app).await;
    let keys = world.call("GET", &keys_path).send().await;
    assert_eq!(
        (keys.status, keys.header("cache-control")),
        (200, "public, max-age=60")
    );
    let published = world.call("GET", &path).send().await;
    assert_eq!(
        (published.status, published.header("content-type")),
        (200, "application/jose")
    );
    assert_eq!(
        published
            .headers
            .get_all("cache-control")
            .iter()
            .collect::<Vec<_>>(),
        ["public, max-age=60"]
    );
    let payload = opened(&published.text, &keys.json);
    assert_eq!(
        payload["policies"],
        json!([
            {"policy_id": USAGE, "configuration": null, "auth_required": false, "is_dynamic": true},
            {
                "policy_id": PAGE,
                "configuration": {
                    "open_webpage_frequency": "1",
                    "open_webpage_url": "https://dev.example",
                },
                "auth_required": true,
                "is_dynamic": true,
            },
        ])
    );
    let facts = [
        "tenant",
        "application",
        "bundle_id",
        "platform",
        "serial",
        "url",
    ]
    .map(|name| payload[name].clone());
    let url = format!("https://store.example{path}");
    assert_eq!(
        facts,
        [
            json!(tenant.tenant_id),
            json!(id.base64url()),
            json!(Apk::default().package),
            json!("android"),
            json!(1),
            json!(url)
        ]
    );

    // Whoever has it already is told so.
    let tag = published.header("etag").to_owned();
    let same = world
        .call("GET", &path)
        .header("if-none-match", &tag)
        .send()
        .await;
    assert_eq!(
        (
            same.status,
            same.text.as_str(),
            same.header("cache-control")
        ),
        (304, "", "public, max-age=60")
    );
    desk.clear(app).await;
    assert_eq!(desk.code(app).await, 0);
    assert!(desk.work_off(app).await);
    let emptied = world
        .call("GET", &path)
        .header("if-none-match", &tag)
        .send()
        .await;
    assert_eq!(emptied.status, 200);
    let payload = opened(&emptied.text, &keys.json);
    assert_eq!(
        (&payload["policies"], &payload["serial"]),
        (&json!([]), &json!(2))
    );

    let other = world.tenant("other").await;
    let item = app.base64url();
    for nothing in [
        format!("/policy-documents/{}/{}", other.tenant_id, id.base64url()),
        format!("/policy-documents/{}/{item}", tenant.tenant_id),
        format!("/policy-documents/{}/short", tenant.tenant_id),
        format!("/policy-documents/dev/{}", id.base64url()),
        format!("/policy-documents/{}/keys", other.tenant_id),
        "/policy-documents/dev/keys".to_owned(),
    ] {
        refused(&world.call("GET", &nothing).send().await, 404, "document");
    }
    // The private half is nowhere in the clear.
    let table = format!("{:?}", world.snapshot().await);
    assert!(
        table.contains("document-key") && !table.contains("MIGH"),
        "a PKCS#8 in the table"
    );
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_apply_policies() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant.clone()).await;
    let app = desk.android("app").await;
    let path = format!("/applications/{app}/policies");
    let body = json!({"configurations": [{"policy_id": USAGE}]});
    let mut tokens = Vec::new();
    for (name, role) in [
        ("devadmin", Role::DevAdmin),
        ("dev", Role::Dev),
        ("sub", Role::Sub),
    ] {
        let (guid, _) = world
            .user(&tenant, &format!("{name}@dev.example"), vec![role])
            .await;
        tokens.push(world.token(&tenant, &guid).await);
    }
    let other = Desk::of(&world, world.tenant("other").await).await;
    let call = |token: &str, method: &str| {
        world
            .call(method, &path)
            .token(token)
            .json(body.clone())
            .send()
    };
    for method in ["POST", "DELETE"] {
        refused(&call(&tokens[1], method).await, 403, "");
        refused(&call(&tokens[2], method).await, 403, "");
        refused(&call(&other.token, method).await, 404, "application");
        refused(
            &world.call(method, &path).json(body.clone()).send().await,
            401,
            "",
        );
    }
    refused(&call(&other.token, "GET").await, 404, "application");
    assert_eq!(desk.code(app).await, 0);
    assert_eq!(call(&tokens[0], "POST").await.status, 202);
    assert_eq!(call(&tokens[0], "GET").await.status, 200);
    // A developer reads those of apps that are in the store, unless they are others' alone.
    refused(&call(&tokens[1], "GET").await, 404, "application");
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/appstore/additem"),
            json!({"guid": app}),
        )
        .await;
    assert_eq!(call(&tokens[1], "GET").await.status, 200);
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/grouprestrict"),
            json!({"guid": app, "restrictToGroups": true}),
        )
        .await;
    refused(&call(&tokens[1], "GET").await, 404, "application");
    refused(&call(&tokens[2], "GET").await, 403, "");
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_sets_at_once_one_is_whole() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant).await;
    let app = desk.android("app").await;
    let sets: Vec<Value> = (0..16)
        .map(|at| {
            json!([
                page(&format!("https://dev.example/{at}")),
                {"policy_id": if at % 2 == 0 { USAGE } else { CRASHES }},
            ])
        })
        .collect();
    let path = format!("/applications/{app}/policies");
    let answers = all(sets
        .into_iter()
        .map(|set| desk.say("POST", &path, json!({"configurations": set}))))
    .await;
    assert!(
        answers.iter().all(|answer| answer.status == 202),
        "{answers:?}"
    );
    desk.work_off(app).await;
    let standing = desk.policies(&app.guid()).await;
    assert!(
        answers
            .iter()
            .any(|answer| answer.json["configurations"] == standing["configurations"]),
        "{standing}"
    );
    assert_eq!(standing["status"]["code"], 3);
    desk.verify().await;
}

/// Lets an app's package be signed at this moment, as far as anybody can see.
async fn signing(desk: &Desk<'_>, app: AppId) -> Guid {
    let (tenant_id, now, credential) = (
        desk.tenant.tenant_id,
        desk.world.plain.clock.now(),
        Guid::random(),
    );
    let admin = desk
        .world
        .user_record(&desk.tenant, &desk.tenant.admin)
        .await
        .value
        .owner;
    let mut reader = desk.reader();
    let reader = &mut reader;
    change!(reader, {
        let mut app_record = app::read(reader, tenant_id, app).await?;
        let mut binary: Stored<Binary> = reader
            .get(&keys::binary(tenant_id, app, BinaryType::Android))
            .await?
            .expect("a binary");
        let version = &mut binary.value.versions[0];
        let job = Job::new(
            app.binary(BinaryType::Android),
            version.guid.clone(),
            ProcessingTask::Sign {
                credential: credential.clone(),
            },
            String::new(),
            &admin,
            now,
        );
        let processing = version.processing.get_or_insert_with(Box::default);
        processing.job = Some(job.guid.clone());
        processing.signing = Some(Signing {
            status: SigningStatus::InProgress,
            details: String::new(),
            credential: credential.clone(),
        });
        let version = version.clone();
        let mut writes = job::update_writes(tenant_id, &mut app_record, &version, "admin", now)?;
        writes.push(binary.replace()?);
        writes.extend(job::ask(tenant_id, &job)?);
        Ok((job.guid, writes))
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_overtake_what_is_being_done() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant.clone()).await;
    let app = desk.android("app").await;
    let there = async |job: &Guid| {
        desk.reader()
            .get::<Job>(&keys::job(tenant.tenant_id, job))
            .await
            .unwrap()
            .is_some()
    };

    // Nothing is in the package and nothing is to be: who signs it goes on.
    let signs = signing(&desk, app).await;
    desk.clear(app).await;
    let processing = desk.work(app).await;
    assert_eq!(
        (
            processing.job,
            processing.signing.map(|signing| signing.status)
        ),
        (Some(signs.clone()), Some(SigningStatus::InProgress))
    );
    // Policies are to be: the signature would be that of a package without them.
    desk.apply(app, json!([{"policy_id": USAGE}])).await;
    let processing = desk.work(app).await;
    let cancelled = processing.signing.expect("a signing");
    assert_eq!(cancelled.status, SigningStatus::Cancelled);
    assert!(
        cancelled.details.contains("sign it again") && cancelled.details.len() <= 300,
        "{}",
        cancelled.details
    );
    assert!(!there(&signs).await, "a job that nobody waits for");
    let app_record = app::read(&mut desk.reader(), tenant.tenant_id, app)
        .await
        .unwrap()
        .value;
    let shown = app_record.binaries[0].versions[0]
        .processing
        .clone()
        .expect("what lists show");
    assert_eq!(
        shown.signing.map(|signing| signing.status),
        Some(SigningStatus::Cancelled)
    );
    desk.verify().await;

    // An older set is not applied any more, whoever is at it.
    let first = desk.work(app).await.job.expect("a job");
    let last = desk.apply(app, json!([{"policy_id": WIPE}])).await;
    assert!(desk.work(app).await.job.is_some_and(|job| job != first));
    assert!(
        !job::finish_applied(&mut desk.reader(), tenant.tenant_id, &first, None, &[])
            .await
            .unwrap()
    );
    desk.work_off(app).await;
    let standing = desk.policies(&app.guid()).await;
    assert_eq!(
        (&standing["status"]["code"], &standing["configurations"]),
        (&json!(3), &last)
    );
    // A package with policies that are gone is given back: nothing counts it.
    desk.apply(app, json!([page("https://dev.example")])).await;
    desk.verify().await;
    desk.work_off(app).await;
    desk.verify().await;

    // The app goes while its job is there: the job ends, and nothing is left that counts.
    desk.apply(app, json!([{"policy_id": CRASHES}])).await;
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/delete"),
            json!({"guid": app}),
        )
        .await;
    refused(
        &desk
            .send("GET", &format!("/applications/{app}/policies"))
            .await,
        404,
        "application",
    );
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_is_told_where_policies_could_not_be_applied() {
    let (world, tenant) = World::new().await;
    let _held = world.hold_work().await;
    let desk = Desk::of(&world, tenant.clone()).await;
    let app = desk.android("app").await;
    let applied = desk.apply(app, json!([{"policy_id": USAGE}])).await;
    let job = desk.work(app).await.job.expect("a job");
    assert!(
        job::fail(
            &mut desk.reader(),
            tenant.tenant_id,
            &job,
            "unreadable: the package ends within an entry"
        )
        .await
        .unwrap()
    );
    let status = json!({
        "code": -1,
        "description": "ERROR",
        "details": "unreadable: the package ends within an entry",
    });
    let standing = desk.policies(&app.guid()).await;
    assert_eq!(
        (&standing["status"], &standing["configurations"]),
        (&status, &applied)
    );
    desk.verify().await;
    // It can be asked for again, and taken back.
    desk.apply(app, applied).await;
    desk.work_off(app).await;
    assert_eq!(desk.code(app).await, 3);
    desk.clear(app).await;
    assert_eq!(desk.code(app).await, 0);
    desk.verify().await;
}

//! Endpoint security (003 chapter 7): who sets what, what the log says of it, and whom the decision
//! lets through.

use std::collections::BTreeMap;

use appdepot_tests::consistency::of_tenant;
use appdepot_tests::{Answer, TestTenant, World, all};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use shared::base::rights::Role;
use shared::model::events::event::{Event, Pending};
use shared::store::record::Record as _;

const AT: &str = "/box/srv/1.1/app/endpointsecurity";

/// A world with an app.
struct Stage {
    world: World,
    tenant: TestTenant,
    app: String,
}

impl Stage {
    async fn new() -> Self {
        let (world, tenant) = World::new().await;
        let app = item(&world, &tenant, "Guarded").await;
        Self { world, tenant, app }
    }

    /// What the administrator is answered.
    async fn ask(&self, operation: &str, mut body: Value) -> Answer {
        for (name, value) in [("appId", json!(self.app)), ("environment", json!("dev"))] {
            if body.get(name).is_none() {
                body[name] = value;
            }
        }
        self.world
            .call("POST", &format!("{AT}/{operation}"))
            .cookie(&self.tenant.cookie)
            .json(body)
            .send()
            .await
    }

    /// The same for what must succeed.
    async fn done(&self, operation: &str, body: Value) -> Value {
        let answer = self.ask(operation, body).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text);
        answer.json
    }

    /// Whether a call passes, asked by a member for a caller who presents that key.
    async fn decide(&self, endpoint: &str, key: Option<&str>) -> Value {
        let body = json!({"appId": self.app, "environment": "dev", "endpoint": endpoint});
        let call = self
            .world
            .call("POST", &format!("{AT}/decide"))
            .cookie(&self.tenant.cookie)
            .json(body);
        let answer = match key {
            Some(key) => call.app_key(key).send().await,
            None => call.send().await,
        };
        assert_eq!(answer.status, 200, "{endpoint}: {}", answer.text);
        answer.json
    }

    async fn log(&self, filter: Value) -> Vec<Value> {
        self.done("auditLog", json!({"filter": filter})).await["list"]
            .as_array()
            .expect("a list")
            .clone()
    }
}

async fn item(world: &World, tenant: &TestTenant, name: &str) -> String {
    let made = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/create",
            json!({"name": name}),
        )
        .await;
    made["guid"].as_str().expect("a guid").to_owned()
}

async fn app_key(world: &World, tenant: &TestTenant, app: &str) -> String {
    let path = format!("/box/srv/1.1/ide/{}/api/create", tenant.domain);
    let made = world
        .post(
            &tenant.cookie,
            &path,
            json!({"type": "app", "appId": app, "label": "key"}),
        )
        .await;
    made["apiKey"]["key"].as_str().expect("a key").to_owned()
}

async fn user_key(world: &World, tenant: &TestTenant) -> String {
    let path = format!("/box/srv/1.1/ide/{}/api/create", tenant.domain);
    world
        .post(
            &tenant.cookie,
            &path,
            json!({"type": "user", "label": "key"}),
        )
        .await["apiKey"]["key"]
        .as_str()
        .expect("a key")
        .to_owned()
}

fn rows(list: &[Value]) -> Vec<(&str, &str, &str)> {
    list.iter()
        .map(|row| {
            (
                text(row, "event"),
                text(row, "endpoint"),
                text(row, "security"),
            )
        })
        .collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {value}"))
}

/// Whether a text has that shape: `0` stands for a digit, `x` for a letter.
fn shaped(text: &str, shape: &str) -> bool {
    let fits = |(have, want): (u8, u8)| match want {
        b'0' => have.is_ascii_digit(),
        b'x' => have.is_ascii_alphabetic(),
        other => have == other,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

/// The bodies of a tenant's records of that kind.
async fn bodies(world: &World, tenant: &TestTenant, kind: &str) -> Vec<Value> {
    let snapshot = of_tenant(&world.snapshot().await, tenant.tenant_id);
    let of_kind = snapshot.values().filter(|item| item["kind"]["S"] == kind);
    of_kind
        .map(|item| serde_json::from_str(item["d"]["S"].as_str().expect("a body")).expect("JSON"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_whole_and_says_who_did_what() {
    let stage = Stage::new().await;
    let admin = format!("admin@{}.example", stage.tenant.domain);
    let never = json!({
        "status": "ok", "appId": stage.app, "environment": "dev", "default": "https",
        "overrides": {}, "updatedBy": "", "updatedWhen": "",
    });
    assert_eq!(stage.done("get", json!({})).await, never);
    let steps = [
        (
            "setDefault",
            json!({"default": "appapikey"}),
            "appapikey",
            vec![],
        ),
        (
            "setOverride",
            json!({
                "overrides": {"/hello/": {"security": "https"}, "b": {"security": "appapikey"}},
            }),
            "appapikey",
            vec![("b", "appapikey"), ("hello", "https")],
        ),
        // Without overrides they stay, with overrides they are replaced.
        (
            "set",
            json!({"default": "https"}),
            "https",
            vec![("b", "appapikey"), ("hello", "https")],
        ),
        (
            "set",
            json!({"default": "https", "overrides": null}),
            "https",
            vec![("b", "appapikey"), ("hello", "https")],
        ),
        (
            "set",
            json!({
                "default": "appapikey",
                "overrides": {"hello": {"security": "appapikey"}, "c": {"security": "https"}},
            }),
            "appapikey",
            vec![("c", "https"), ("hello", "appapikey")],
        ),
        (
            "removeOverride",
            json!({"endpoint": "//c"}),
            "appapikey",
            vec![("hello", "appapikey")],
        ),
        (
            "set",
            json!({"default": "appapikey", "overrides": {}}),
            "appapikey",
            vec![],
        ),
    ];
    for (operation, body, default, overrides) in steps {
        let answer = stage.done(operation, body.clone()).await;
        assert_eq!(
            stage.done("get", json!({})).await,
            answer,
            "{operation}: {body}"
        );
        assert_eq!(
            (
                text(&answer, "default"),
                text(&answer, "appId"),
                text(&answer, "environment")
            ),
            (default, stage.app.as_str(), "dev")
        );
        assert_eq!(
            (text(&answer, "updatedBy"), text(&answer, "status")),
            (admin.as_str(), "ok")
        );
        assert!(
            shaped(text(&answer, "updatedWhen"), "0000-00-00 00:00"),
            "{answer}"
        );
        let found: Vec<_> = answer["overrides"]
            .as_object()
            .expect("an object")
            .iter()
            .collect();
        let shown: Vec<(&str, &str)> = found
            .iter()
            .map(|(name, of)| (name.as_str(), text(of, "security")))
            .collect();
        assert_eq!(shown, overrides, "{operation}: {body}");
        for (_, of) in found {
            assert!(
                of["updatedBy"] == admin
                    && shaped(text(of, "updatedWhen"), "0000-00-00 00:00")
                    && of.as_object().expect("an object").len() == 3,
                "{of}"
            );
        }
    }
    let log = stage.log(json!({})).await;
    let expected = [
        ("Remove Endpoint", "hello", "appapikey"),
        ("Remove Endpoint", "c", "https"),
        ("Add Endpoint", "hello", "appapikey"),
        ("Add Endpoint", "c", "https"),
        ("Remove Endpoint", "b", "appapikey"),
        ("Set App Security", "", "appapikey"),
        ("Set App Security", "", "https"),
        ("Add Endpoint", "hello", "https"),
        ("Add Endpoint", "b", "appapikey"),
        ("Set App Security", "", "appapikey"),
    ];
    assert_eq!(rows(&log), expected);
    for row in &log {
        assert!(
            row["appId"] == stage.app && row["environment"] == "dev" && row["updatedBy"] == admin,
            "{row}"
        );
        assert!(
            shaped(text(row, "updatedWhen"), "xxx xxx 00 00:00:00 UTC 0000")
                && row["updatedWhenMillis"].is_i64(),
            "{row}"
        );
        assert_eq!(row.as_object().expect("an object").len(), 8, "{row}");
    }
    // Environments stand beside each other.
    assert_eq!(
        stage.done("get", json!({"environment": "live"})).await["default"],
        "https"
    );
    assert_eq!(
        stage.done("auditLog", json!({"environment": "live"})).await["list"],
        json!([])
    );
    stage
        .world
        .verify(stage.tenant.tenant_id)
        .await
        .expect("of one piece");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_so_already_is_not_written() {
    let stage = Stage::new().await;
    stage
        .done(
            "set",
            json!({"default": "https", "overrides": {"a": {"security": "https"}}}),
        )
        .await;
    assert_eq!(
        stage.log(json!({})).await.len(),
        2,
        "what nobody said is said for the first time"
    );
    let before = stage.world.snapshot().await;
    for (operation, body) in [
        ("set", json!({"default": "https"})),
        (
            "set",
            json!({"default": "https", "overrides": {"/a": {"security": "https"}}}),
        ),
        ("setDefault", json!({"default": "https"})),
        (
            "setOverride",
            json!({"overrides": {"a/": {"security": "https"}}}),
        ),
        ("setOverride", json!({"overrides": {}})),
        ("removeOverride", json!({"endpoint": "A"})),
    ] {
        stage.done(operation, body.clone()).await;
        assert!(
            stage.world.snapshot().await == before,
            "{operation}: {body}"
        );
    }
    // Of several only what changes is told, and the others keep who said so.
    let later = stage
        .world
        .user(&stage.tenant, "later@dev.example", vec![Role::DevAdmin])
        .await
        .1;
    let body = json!({
        "appId": stage.app,
        "environment": "dev",
        "overrides": {"a": {"security": "https"}, "b": {"security": "https"}},
    });
    let answer = stage
        .world
        .post(&later, &format!("{AT}/setOverride"), body)
        .await;
    assert_eq!(
        (
            &answer["overrides"]["a"]["updatedBy"],
            &answer["overrides"]["b"]["updatedBy"]
        ),
        (&json!("admin@dev.example"), &json!("later@dev.example"))
    );
    assert_eq!(
        rows(&stage.log(json!({"updatedBy": "LATER@dev.example"})).await),
        [("Add Endpoint", "b", "https")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_and_changes_nothing() {
    let stage = Stage::new().await;
    stage
        .done(
            "set",
            json!({"default": "https", "overrides": {"a": {"security": "https"}}}),
        )
        .await;
    let overrides = |name: &str, value: Value| {
        let named: serde_json::Map<String, Value> =
            [(name.to_owned(), value)].into_iter().collect();
        json!({"overrides": named})
    };
    let secure = || json!({"security": "appapikey"});
    let mut many = serde_json::Map::new();
    (0..501).for_each(|number| drop(many.insert(format!("e{number}"), secure())));
    let unknown = "zzzzzzzzzzzzzzzzzzzzzzzz";
    let cases = [
        ("get", json!({"appId": "x"}), 400, "invalid_guid"),
        ("get", json!({"appId": unknown}), 404, "invalid_guid"),
        (
            "get",
            json!({"environment": ""}),
            400,
            "invalid_environment",
        ),
        (
            "get",
            json!({"environment": "a b"}),
            400,
            "invalid_environment",
        ),
        (
            "get",
            json!({"environment": null}),
            400,
            "invalid_environment",
        ),
        ("set", json!({}), 400, "invalid_default"),
        (
            "set",
            json!({"default": "http"}),
            400,
            "invalid_default: it is https or appapikey",
        ),
        ("set", json!({"default": ""}), 400, "invalid_default"),
        ("set", json!({"default": {}}), 400, "invalid_default"),
        (
            "set",
            json!({"default": "https", "overrides": []}),
            400,
            "invalid_override",
        ),
        (
            "set",
            json!({"default": "https", "overrides": {"a": {"security": "HTTPS"}}}),
            400,
            "invalid_security: a: it is https or appapikey",
        ),
        (
            "set",
            json!({
                "default": "https",
                "overrides": {"b": {"security": "https"}, "../c": {"security": "https"}},
            }),
            400,
            "invalid_endpoint: \"../c\"",
        ),
        (
            "set",
            json!({"appId": unknown, "default": "https"}),
            404,
            "invalid_guid",
        ),
        ("setDefault", json!({}), 400, "invalid_default"),
        (
            "setDefault",
            json!({"default": "appapikey "}),
            400,
            "invalid_default",
        ),
        (
            "setDefault",
            json!({"appId": unknown, "default": "https"}),
            404,
            "invalid_guid",
        ),
        ("setOverride", json!({}), 400, "invalid_overrides"),
        (
            "setOverride",
            overrides("b", json!("https")),
            400,
            "invalid_security: b",
        ),
        (
            "setOverride",
            overrides("b", json!({})),
            400,
            "invalid_security: b",
        ),
        (
            "setOverride",
            overrides("b", json!({"security": null})),
            400,
            "invalid_security: b",
        ),
        (
            "setOverride",
            overrides("", secure()),
            400,
            "invalid_endpoint",
        ),
        (
            "setOverride",
            overrides("a%2Fb", secure()),
            400,
            "invalid_endpoint",
        ),
        (
            "setOverride",
            overrides("a%252fb", secure()),
            400,
            "invalid_endpoint",
        ),
        (
            "setOverride",
            overrides("a?b", secure()),
            400,
            "invalid_endpoint",
        ),
        (
            "setOverride",
            overrides("a\\b", secure()),
            400,
            "invalid_endpoint",
        ),
        (
            "setOverride",
            overrides("a\u{7}b", secure()),
            400,
            "invalid_endpoint",
        ),
        (
            "setOverride",
            overrides(&"x".repeat(201), secure()),
            400,
            "invalid_endpoint",
        ),
        (
            "setOverride",
            json!({"overrides": {"b": secure(), "/b": secure()}}),
            400,
            "invalid_endpoint: b is named twice",
        ),
        (
            "setOverride",
            json!({"overrides": many}),
            400,
            "invalid_overrides: at most 500",
        ),
        (
            "setOverride",
            json!({"appId": unknown, "overrides": {"b": secure()}}),
            404,
            "invalid_guid",
        ),
        ("removeOverride", json!({}), 400, "invalid_endpoint"),
        (
            "removeOverride",
            json!({"endpoint": "a#b"}),
            400,
            "invalid_endpoint",
        ),
        (
            "removeOverride",
            json!({"endpoint": ["a"]}),
            400,
            "invalid_endpoint",
        ),
        (
            "removeOverride",
            json!({"appId": unknown, "endpoint": "a"}),
            404,
            "invalid_guid",
        ),
        ("auditLog", json!({"appId": unknown}), 404, "invalid_guid"),
        (
            "auditLog",
            json!({"filter": {"limit": 0}}),
            400,
            "invalid_limit",
        ),
        (
            "auditLog",
            json!({"filter": {"limit": "1001"}}),
            400,
            "invalid_limit",
        ),
        (
            "auditLog",
            json!({"filter": {"limit": "many"}}),
            400,
            "invalid_limit",
        ),
        (
            "auditLog",
            json!({"filter": {"security": "open"}}),
            400,
            "invalid_security",
        ),
        (
            "auditLog",
            json!({"filter": {"event": "set app security"}}),
            400,
            "invalid_event",
        ),
        (
            "auditLog",
            json!({"filter": {"endpoint": "a/../b"}}),
            400,
            "invalid_endpoint",
        ),
        (
            "auditLog",
            json!({"filter": {"cursor": "\u{e9}"}}),
            400,
            "invalid_cursor",
        ),
        ("auditLog", json!({"filter": "a"}), 400, "invalid_filter"),
        ("decide", json!({}), 400, "invalid_endpoint"),
        (
            "decide",
            json!({"endpoint": "a%2fb"}),
            400,
            "invalid_endpoint",
        ),
        (
            "decide",
            json!({"endpoint": "a", "key": {}}),
            400,
            "invalid_key",
        ),
        (
            "decide",
            json!({"endpoint": "a", "enforce": "perhaps"}),
            400,
            "invalid_enforce",
        ),
        (
            "decide",
            json!({"endpoint": "a", "environment": "*"}),
            400,
            "invalid_environment",
        ),
        (
            "decide",
            json!({"endpoint": "a", "appId": unknown}),
            404,
            "invalid_guid",
        ),
    ];
    let before = stage.world.snapshot().await;
    for (operation, body, status, message) in cases {
        let answer = stage.ask(operation, body.clone()).await;
        assert_eq!(answer.status, status, "{operation} {body}: {}", answer.text);
        assert!(
            text(&answer.json, "message").starts_with(message),
            "{operation} {body}: {}",
            answer.text
        );
        assert_eq!(answer.json["msg"], answer.json["message"]);
    }
    assert!(
        stage.world.snapshot().await == before,
        "a refused request wrote something"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_has_so_many_overrides_and_no_more() {
    let stage = Stage::new().await;
    let named = |from: usize, to: usize| -> Value {
        (from..to)
            .map(|number| (format!("e{number}"), json!({"security": "https"})))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    stage
        .done("setOverride", json!({"overrides": named(0, 500)}))
        .await;
    let refused = stage
        .ask("setOverride", json!({"overrides": named(500, 501)}))
        .await;
    assert_eq!(
        (refused.status, text(&refused.json, "message")),
        (
            400,
            "invalid_overrides: an app has at most 500 in an environment"
        )
    );
    stage
        .done("setOverride", json!({"overrides": named(499, 500)}))
        .await;
    // What the answer shows is taken back, and another 500 in place of them is one change.
    let shown = stage.done("get", json!({})).await["overrides"].clone();
    assert_eq!(
        stage
            .done("set", json!({"default": "https", "overrides": shown}))
            .await["overrides"],
        shown
    );
    let others = stage
        .done(
            "set",
            json!({"default": "https", "overrides": named(1_000, 1_500)}),
        )
        .await;
    assert_eq!(
        others["overrides"].as_object().map(serde_json::Map::len),
        Some(500)
    );
    // It is read in pages that go on within the change.
    let (mut found, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = stage
            .done(
                "auditLog",
                json!({"filter": {"limit": 333}, "cursor": cursor}),
            )
            .await;
        found.extend(page["list"].as_array().expect("a list").clone());
        pages += 1;
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((found.len(), pages), (1_501, 5));
    let mut seen: Vec<_> = rows(&found);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 1_501, "a row came twice");
    // Long names are refused before the record is too large for quick decisions.
    let long = |from: usize, to: usize| -> Value {
        (from..to)
            .map(|number| {
                (
                    format!("{number:03}{}", "x".repeat(197)),
                    json!({"security": "appapikey"}),
                )
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    stage
        .done(
            "set",
            json!({"environment": "live", "default": "https", "overrides": long(0, 300)}),
        )
        .await;
    let refused = stage
        .ask(
            "setOverride",
            json!({"environment": "live", "overrides": long(300, 500)}),
        )
        .await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(
        text(&refused.json, "message").contains("96000 bytes"),
        "{}",
        refused.text
    );
    stage
        .world
        .verify(stage.tenant.tenant_id)
        .await
        .expect("of one piece");
}

/// How a name may be written.
fn spelling(rng: &mut StdRng, name: &str) -> String {
    // What must be escaped may be; plain letters are not.
    let escaped = |c: char| {
        c.to_string()
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect::<String>()
    };
    let mut written: String = name
        .chars()
        .map(|c| {
            if !c.is_ascii() && rng.random_bool(0.5) {
                escaped(c)
            } else {
                c.to_string()
            }
        })
        .collect();
    if rng.random_bool(0.3) {
        written = written.replace('/', "//");
    }
    format!(
        "{}{written}{}",
        ["", "/", "//", " /"][rng.random_range(0..4)],
        ["", "/", "// ", " "][rng.random_range(0..4)]
    )
}

/// What the rules say of a call, from their words: the override of the name before `*` before the
/// default, and the strictest of what names mean that differ in case alone.
fn model(default: &str, overrides: &BTreeMap<String, String>, name: &str) -> String {
    let fallback = overrides
        .get("*")
        .cloned()
        .unwrap_or_else(|| default.to_owned());
    let mut meanings = vec![overrides.get(name).cloned().unwrap_or(fallback)];
    meanings.extend(
        overrides
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, security)| security.clone()),
    );
    if meanings.iter().any(|security| security == "appapikey") {
        "appapikey".to_owned()
    } else {
        "https".to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_those_of_the_rules() {
    let stage = Stage::new().await;
    let (world, tenant) = (&stage.world, &stage.tenant);
    let revoked = app_key(world, tenant, &stage.app).await;
    // Another key of the app revokes the former.
    let live = app_key(world, tenant, &stage.app).await;
    let other = app_key(world, tenant, &item(world, tenant, "Other").await).await;
    let abroad = world.tenant("abroad").await;
    let foreign = app_key(world, &abroad, &item(world, &abroad, "Foreign").await).await;
    let members = user_key(world, tenant).await;
    let unknown = format!("{}{}", &live[..8], "0".repeat(32));
    let keys = [
        (Some(live.as_str()), ""),
        (None, "Missing App API key(s)"),
        (Some(" "), "Missing App API key(s)"),
        (Some(revoked.as_str()), "Invalid API Key"),
        (Some(other.as_str()), "Invalid API Key"),
        (Some(foreign.as_str()), "Invalid API Key"),
        (Some(members.as_str()), "Invalid API Key"),
        (Some(unknown.as_str()), "Invalid API Key"),
        (Some("no key"), "Invalid API Key"),
    ];
    let names = [
        "hello",
        "Hello",
        "HELLO",
        "cloud/hello",
        "Cloud/hello",
        "a/b/c",
        "/",
        "x.y",
        "*",
    ];
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut allowed, mut refused) = (0, 0);
    for _ in 0..40 {
        let security = |rng: &mut StdRng| {
            if rng.random_bool(0.5) {
                "https"
            } else {
                "appapikey"
            }
            .to_owned()
        };
        let default = security(&mut rng);
        let mut overrides = BTreeMap::new();
        for name in names {
            if rng.random_bool(0.3) {
                overrides.insert(name.to_owned(), security(&mut rng));
            }
        }
        let sent: serde_json::Map<String, Value> = overrides
            .iter()
            .map(|(name, security)| (spelling(&mut rng, name), json!({"security": security})))
            .collect();
        stage
            .done("set", json!({"default": default, "overrides": sent}))
            .await;
        for _ in 0..12 {
            let name = names[rng.random_range(0..names.len())];
            let (key, reason) = keys[rng.random_range(0..keys.len())];
            let spelled = spelling(&mut rng, name);
            let expected = model(&default, &overrides, name);
            let decision = stage.decide(&spelled, key).await;
            let open = expected == "https" || reason.is_empty();
            let context = format!(
                "seed {seed}: {spelled} with {key:?} among {overrides:?}, default {default}: \
                {decision}"
            );
            assert_eq!(
                (text(&decision, "security"), decision["allowed"].as_bool()),
                (expected.as_str(), Some(open)),
                "{context}"
            );
            assert_eq!(
                (text(&decision, "reason"), text(&decision, "endpoint")),
                (if open { "" } else { reason }, name),
                "{context}"
            );
            // What is named as the reason says so itself.
            let told = match text(&decision, "matched") {
                "default" => &default,
                matched => overrides
                    .get(matched)
                    .unwrap_or_else(|| panic!("{context}")),
            };
            assert_eq!(*told, expected, "{context}");
            if open { allowed += 1 } else { refused += 1 }
        }
    }
    assert!(
        allowed > 50 && refused > 50,
        "{allowed} allowed, {refused} refused"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_override_decides_and_is_named() {
    let stage = Stage::new().await;
    let open = stage.decide("anything", None).await;
    assert_eq!(
        open,
        json!({
            "status": "ok", "allowed": true, "security": "https", "matched": "default",
            "endpoint": "anything", "reason": "",
        })
    );
    stage
        .done(
            "set",
            json!({"default": "appapikey", "overrides": {"hello": {"security": "https"}}}),
        )
        .await;
    let cases = [
        ("hello", "https", "hello"),
        ("/hello/", "https", "hello"),
        ("other", "appapikey", "default"),
        ("Hello", "appapikey", "default"),
        ("hello/x", "appapikey", "default"),
    ];
    for (endpoint, security, matched) in cases {
        let found = stage.decide(endpoint, None).await;
        assert_eq!(
            (text(&found, "security"), text(&found, "matched")),
            (security, matched),
            "{endpoint}"
        );
    }
    stage
        .done(
            "set",
            json!({
                "default": "appapikey",
                "overrides": {"*": {"security": "https"}, "Secret": {"security": "appapikey"}},
            }),
        )
        .await;
    for (endpoint, security, matched) in [
        ("other", "https", "*"),
        ("Secret", "appapikey", "Secret"),
        ("secret", "appapikey", "Secret"),
        ("SECRET", "appapikey", "Secret"),
    ] {
        let found = stage.decide(endpoint, None).await;
        assert_eq!(
            (text(&found, "security"), text(&found, "matched")),
            (security, matched),
            "{endpoint}"
        );
    }
    // Even an open override of its own does not open what another spelling protects.
    stage
        .done(
            "setOverride",
            json!({"overrides": {"secret": {"security": "https"}}}),
        )
        .await;
    assert_eq!(stage.decide("secret", None).await["matched"], "Secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_is_a_member_or_the_app_itself() {
    let stage = Stage::new().await;
    let world = &stage.world;
    stage
        .done("setDefault", json!({"default": "appapikey"}))
        .await;
    let host = app_key(world, &stage.tenant, &stage.app).await;
    let other_app = item(world, &stage.tenant, "Other").await;
    let other = app_key(world, &stage.tenant, &other_app).await;
    let member = user_key(world, &stage.tenant).await;
    let sub = world
        .user(&stage.tenant, "sub@dev.example", vec![Role::Sub])
        .await
        .1;
    let body = |more: Value| {
        let mut body = json!({"appId": stage.app, "environment": "dev", "endpoint": "a"});
        more.as_object()
            .into_iter()
            .flatten()
            .for_each(|(name, value)| body[name] = value.clone());
        body
    };
    let post = |more: Value| world.call("POST", &format!("{AT}/decide")).json(body(more));
    let get = |more: &str| {
        world.call(
            "GET",
            &format!(
                "{AT}/decide?appId={}&environment=dev&endpoint=/a{more}",
                stage.app
            ),
        )
    };
    // The app's host is told about the key that it names, and about its own where it names none.
    let cases = [
        (post(json!({})).app_key(&host), true, ""),
        (get("").app_key(&host), true, ""),
        (post(json!({"key": host})).app_key(&host), true, ""),
        (get(&format!("&key={host}")).app_key(&host), true, ""),
        (
            post(json!({"key": other})).app_key(&host),
            false,
            "Invalid API Key",
        ),
        (
            post(json!({"key": ""})).app_key(&host),
            false,
            "Missing App API key(s)",
        ),
        (
            post(json!({"key": null})).app_key(&host),
            false,
            "Missing App API key(s)",
        ),
        (get("&key=").app_key(&host), false, "Missing App API key(s)"),
        // A member's credential is none of the caller's.
        (
            post(json!({})).header("x-fh-auth-user", &member),
            false,
            "Missing App API key(s)",
        ),
        (
            post(json!({}))
                .header("x-fh-auth-user", &member)
                .app_key(&host),
            true,
            "",
        ),
        (
            get("").header("x-fh-auth-user", &member).app_key(&other),
            false,
            "Invalid API Key",
        ),
        (
            post(json!({"key": host})).header("x-fh-auth-user", &member),
            true,
            "",
        ),
    ];
    for (number, (call, allowed, reason)) in cases.into_iter().enumerate() {
        let answer = call.send().await;
        assert_eq!(answer.status, 200, "case {number}: {}", answer.text);
        assert_eq!(
            (
                answer.json["allowed"].as_bool(),
                text(&answer.json, "reason")
            ),
            (Some(allowed), reason),
            "case {number}: {}",
            answer.text
        );
    }
    // A gateway that knows statuses alone.
    for (call, status, message) in [
        (
            get("&enforce=true&key=").app_key(&host),
            401,
            "Missing App API key(s)",
        ),
        (
            post(json!({"enforce": true}))
                .header("x-fh-auth-user", &member)
                .app_key(&other),
            401,
            "Invalid API Key",
        ),
        (
            get("&enforce=true")
                .header("x-fh-auth-user", &member)
                .app_key(&host),
            200,
            "",
        ),
        (get("&enforce=false&key=").app_key(&host), 200, ""),
        (
            get("").app_key(&other),
            403,
            "An app's key asks about that app alone",
        ),
        (
            post(json!({"appId": "zzzzzzzzzzzzzzzzzzzzzzzz"})).app_key(&host),
            403,
            "An app's key asks about that app alone",
        ),
        (post(json!({})), 401, "Operation not permitted"),
        (
            post(json!({})).app_key("junk"),
            401,
            "Operation not permitted",
        ),
        (
            post(json!({})).cookie(&sub),
            403,
            "The caller lacks the right to read store items (store-item: read)",
        ),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status != 200 {
            assert!(
                text(&answer.json, "message").starts_with(message)
                    && answer.json["status"] == "error",
                "{}",
                answer.text
            );
        }
    }
    // The other operations are for members.
    for operation in [
        "get",
        "set",
        "setOverride",
        "removeOverride",
        "setDefault",
        "auditLog",
    ] {
        let answer = world
            .call("POST", &format!("{AT}/{operation}"))
            .app_key(&host)
            .json(body(json!({"default": "https"})))
            .send()
            .await;
        assert_eq!(answer.status, 401, "{operation}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_one_call_to_the_table() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let host = app_key(world, &stage.tenant, &stage.app).await;
    let other = app_key(
        world,
        &stage.tenant,
        &item(world, &stage.tenant, "Other").await,
    )
    .await;
    let abroad = world.tenant("abroad").await;
    let foreign = app_key(world, &abroad, &item(world, &abroad, "Foreign").await).await;
    let many: serde_json::Map<String, Value> = (0..500)
        .map(|number| (format!("e{number}"), json!({"security": "appapikey"})))
        .collect();
    stage
        .done("set", json!({"default": "appapikey", "overrides": many}))
        .await;
    let before = world.snapshot().await;
    for by_member in [true, false] {
        let mut items = Vec::new();
        for key in [None, Some(&foreign), Some(&other), Some(&host)] {
            let body =
                json!({"appId": stage.app, "environment": "dev", "endpoint": "e7", "key": key});
            let call = world.call("POST", &format!("{AT}/decide")).json(body);
            world.counting.take();
            let answer = if by_member {
                call.cookie(&stage.tenant.cookie)
            } else {
                call.app_key(&host)
            }
            .send()
            .await;
            let counts = world.counting.take();
            assert_eq!(
                (answer.status, answer.json["allowed"].as_bool()),
                (200, Some(key == Some(&host))),
                "{}",
                answer.text
            );
            assert_eq!((counts.calls, counts.depth), (1, 1), "{key:?}");
            items.push(counts.items);
        }
        // The key of another tenant is not looked up, one of this tenant is.
        assert_eq!(
            (items[1], items[2], items[3]),
            (items[0], items[0] + 1, items[0] + 1),
            "asked by a member: {by_member}"
        );
    }
    assert!(
        world.snapshot().await == before,
        "a decision wrote something"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_changes_at_once_lose_nothing() {
    let stage = Stage::new().await;
    let calls = (0..100).map(|number| {
        let stage = &stage;
        async move {
            match number % 4 {
                0 => {
                    stage
                        .done(
                            "setDefault",
                            json!({
                                "default": if number % 8 == 0 { "https" } else { "appapikey" },
                            }),
                        )
                        .await
                }
                1 => {
                    stage
                        .done("removeOverride", json!({"endpoint": "shared"}))
                        .await
                }
                2 => {
                    stage
                        .done(
                            "setOverride",
                            json!({
                                "overrides": {
                                    "shared": {"security": "https"},
                                    format!("e{number}"): {"security": "appapikey"},
                                },
                            }),
                        )
                        .await
                }
                _ => {
                    stage
                        .done(
                            "setOverride",
                            json!({
                                "overrides": {format!("e{number}"): {"security": "https"}},
                            }),
                        )
                        .await
                }
            }
        }
    });
    all(calls).await;
    let found = stage.done("get", json!({})).await;
    let log = stage.log(json!({"limit": 1_000})).await;
    // The log, from its beginning, makes the state that there is, and each of its rows changed
    // something.
    let (mut default, mut overrides) = (String::new(), BTreeMap::new());
    for row in log.iter().rev() {
        let (endpoint, security) = (
            text(row, "endpoint").to_owned(),
            text(row, "security").to_owned(),
        );
        match text(row, "event") {
            "Set App Security" => assert_ne!(
                std::mem::replace(&mut default, security.clone()),
                security,
                "{row}"
            ),
            "Add Endpoint" => assert_ne!(
                overrides.insert(endpoint, security.clone()),
                Some(security),
                "{row}"
            ),
            _ => assert_eq!(overrides.remove(&endpoint), Some(security), "{row}"),
        }
    }
    let shown: BTreeMap<String, String> = found["overrides"]
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, of)| (name.clone(), text(of, "security").to_owned()))
        .collect();
    assert_eq!(
        (text(&found, "default"), shown.clone()),
        (default.as_str(), overrides)
    );
    assert_eq!(
        shown
            .keys()
            .filter(|name| name.as_str() != "shared")
            .count(),
        50,
        "an override was lost"
    );
    let times: Vec<i64> = log
        .iter()
        .filter_map(|row| row["updatedWhenMillis"].as_i64())
        .collect();
    assert!(
        times.is_sorted_by(|newer, older| newer >= older),
        "newest first"
    );
    stage
        .world
        .verify(stage.tenant.tenant_id)
        .await
        .expect("of one piece");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_filtered_as_it_is_asked_for() {
    let stage = Stage::new().await;
    let second = stage
        .world
        .user(&stage.tenant, "second@dev.example", vec![Role::DevAdmin])
        .await
        .1;
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..30 {
        let security = if rng.random_bool(0.5) {
            "https"
        } else {
            "appapikey"
        };
        let cookie = if rng.random_bool(0.5) {
            &second
        } else {
            &stage.tenant.cookie
        };
        let name = ["a", "b", "c"][rng.random_range(0..3)];
        let (operation, mut body) = match rng.random_range(0..4) {
            0 => ("setDefault", json!({"default": security})),
            1 => ("removeOverride", json!({"endpoint": name})),
            2 => (
                "setOverride",
                json!({"overrides": {name: {"security": security}}}),
            ),
            _ => (
                "set",
                json!({
                    "default": security,
                    "overrides": {name: {"security": security}, "d": {"security": security}},
                }),
            ),
        };
        body["appId"] = json!(stage.app);
        body["environment"] = json!("dev");
        stage
            .world
            .post(cookie, &format!("{AT}/{operation}"), body)
            .await;
    }
    let whole = stage.log(json!({"limit": "1000"})).await;
    assert!(whole.len() > 10, "{whole:?}");
    assert_eq!(stage.log(json!({})).await, whole[..whole.len().min(100)]);
    let some = |rng: &mut StdRng, values: &[&str]| {
        rng.random_bool(0.5)
            .then(|| values[rng.random_range(0..values.len())].to_owned())
    };
    for _ in 0..60 {
        let endpoint = some(&mut rng, &["a", "/b/", "//c", "none"]);
        let security = some(&mut rng, &["https", "appapikey"]);
        let by = some(
            &mut rng,
            &["admin@dev.example", "SECOND@dev.example", "nobody"],
        );
        let event = some(
            &mut rng,
            &["Set App Security", "Add Endpoint", "Remove Endpoint"],
        );
        let plain = endpoint
            .as_deref()
            .map(|name| name.trim_matches('/').to_owned());
        let fits = |row: &&Value| {
            plain.as_ref().is_none_or(|name| row["endpoint"] == *name)
                && security
                    .as_ref()
                    .is_none_or(|security| row["security"] == *security)
                && by
                    .as_ref()
                    .is_none_or(|by| text(row, "updatedBy").eq_ignore_ascii_case(by))
                && event.as_ref().is_none_or(|event| row["event"] == *event)
        };
        let expected: Vec<Value> = whole.iter().filter(fits).cloned().collect();
        let mut filter = json!({
            "endpoint": endpoint, "security": security, "updatedBy": by, "event": event,
            "limit": 1_000,
        });
        assert_eq!(
            stage.log(filter.clone()).await,
            expected,
            "seed {seed}: {filter}"
        );
        // In pages of any size it is the same.
        let limit = rng.random_range(1..=7);
        filter["limit"] = if rng.random_bool(0.5) {
            json!(limit)
        } else {
            json!(limit.to_string())
        };
        let mut paged = Vec::new();
        for _ in 0..=expected.len() {
            let page = stage.done("auditLog", json!({"filter": filter})).await;
            let list = page["list"].as_array().expect("a list").clone();
            assert!(
                list.len() <= limit && page["count"] == list.len(),
                "seed {seed}: {page}"
            );
            paged.extend(list);
            filter["cursor"] = page["cursor"].clone();
            if filter["cursor"].is_null() {
                break;
            }
        }
        assert_eq!(paged, expected, "seed {seed}: {filter}");
        assert!(
            filter["cursor"].is_null(),
            "seed {seed}: there is no end: {filter}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_in_its_environment() {
    let stage = Stage::new().await;
    let named: serde_json::Map<String, Value> = (0..30)
        .map(|number| (format!("e{number:02}"), json!({"security": "appapikey"})))
        .collect();
    let before = bodies(&stage.world, &stage.tenant, Event::KIND).await.len();
    stage
        .done("set", json!({"default": "appapikey", "overrides": named}))
        .await;
    stage
        .done("set", json!({"default": "appapikey", "overrides": named}))
        .await;
    let events = bodies(&stage.world, &stage.tenant, Event::KIND).await;
    let told: Vec<&Value> = events
        .iter()
        .filter(|event| event["finer"] == "ENDPOINT_SECURITY_CHANGED")
        .collect();
    assert_eq!((events.len(), told.len()), (before + 1, 1), "{events:?}");
    let event = told[0];
    assert_eq!(
        (
            text(event, "env"),
            text(event, "name"),
            text(event, "group"),
            text(event, "by")
        ),
        ("dev", "CHANGE_SUCCESSFUL", "AUDIT", "admin@dev.example")
    );
    assert_eq!(
        text(event, "message"),
        "Endpoint security was changed: the default is appapikey, 30 overrides are set, that of \
        e00 among them"
    );
    assert_eq!(event["details"]["count"], 31);
    assert_eq!(
        event["details"]["changes"].as_array().map(Vec::len),
        Some(20)
    );
    assert_eq!(
        event["details"]["changes"][1],
        json!({"event": "Add Endpoint", "endpoint": "e00", "security": "appapikey"})
    );
    let snapshot = stage.world.snapshot().await;
    let waits = snapshot.values().any(|item| {
        item["kind"]["S"] == Pending::KIND
            && item["d"]["S"]
                .as_str()
                .is_some_and(|body| body.contains(text(event, "guid")))
    });
    assert!(waits, "nobody holds the event against the alerts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_app_takes_its_protection_along_and_leaves_its_log() {
    let stage = Stage::new().await;
    let host = app_key(&stage.world, &stage.tenant, &stage.app).await;
    stage
        .done(
            "set",
            json!({"default": "appapikey", "overrides": {"a": {"security": "https"}}}),
        )
        .await;
    stage
        .world
        .post(
            &stage.tenant.cookie,
            "/box/srv/1.1/admin/storeitem/delete",
            json!({"guid": stage.app}),
        )
        .await;
    for (operation, body) in [
        ("get", json!({})),
        ("set", json!({"default": "https"})),
        (
            "setOverride",
            json!({"overrides": {"a": {"security": "appapikey"}}}),
        ),
        ("removeOverride", json!({"endpoint": "a"})),
        ("setDefault", json!({"default": "https"})),
        ("decide", json!({"endpoint": "a"})),
        ("auditLog", json!({"environment": "live"})),
    ] {
        let answer = stage.ask(operation, body).await;
        assert_eq!(
            (answer.status, text(&answer.json, "message")),
            (404, "invalid_guid"),
            "{operation}"
        );
    }
    let body = json!({"appId": stage.app, "environment": "dev", "endpoint": "a"});
    let answer = stage
        .world
        .call("POST", &format!("{AT}/decide"))
        .app_key(&host)
        .json(body)
        .send()
        .await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert_eq!(stage.log(json!({})).await.len(), 2);
    assert_eq!(stage.log(json!({"endpoint": "never"})).await.len(), 0);
    stage.world.clock.advance_seconds(25 * 3_600);
    stage.world.keep_house().await;
    assert_eq!(
        bodies(&stage.world, &stage.tenant, "endpoint-security")
            .await
            .len(),
        0,
        "housekeeping leaves nothing of it"
    );
    assert_eq!(
        bodies(&stage.world, &stage.tenant, "endpoint-change")
            .await
            .len(),
        1
    );
    stage.world.clock.advance_seconds(2 * 365 * 24 * 3_600);
    let renewed = stage
        .world
        .sign_in(&stage.tenant.domain, "admin@dev.example")
        .await;
    let body = json!({"appId": stage.app, "environment": "dev"});
    let gone = stage
        .world
        .call("POST", &format!("{AT}/auditLog"))
        .cookie(&renewed)
        .json(body)
        .send()
        .await;
    assert_eq!(gone.status, 404, "two years are over: {}", gone.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tenants_meet_an_unknown_app() {
    let stage = Stage::new().await;
    stage
        .done(
            "set",
            json!({"default": "appapikey", "overrides": {"a": {"security": "https"}}}),
        )
        .await;
    let abroad = stage.world.tenant("abroad").await;
    let before = stage.world.snapshot().await;
    for (operation, mut body) in [
        ("get", json!({})),
        ("set", json!({"default": "https"})),
        (
            "setOverride",
            json!({"overrides": {"a": {"security": "appapikey"}}}),
        ),
        ("removeOverride", json!({"endpoint": "a"})),
        ("setDefault", json!({"default": "https"})),
        ("auditLog", json!({})),
        ("decide", json!({"endpoint": "a"})),
    ] {
        body["appId"] = json!(stage.app);
        body["environment"] = json!("dev");
        let answer = stage
            .world
            .call("POST", &format!("{AT}/{operation}"))
            .cookie(&abroad.cookie)
            .json(body)
            .send()
            .await;
        assert_eq!(
            (answer.status, text(&answer.json, "message")),
            (404, "invalid_guid"),
            "{operation}"
        );
    }
    assert!(
        stage.world.snapshot().await == before,
        "another tenant wrote something"
    );
}

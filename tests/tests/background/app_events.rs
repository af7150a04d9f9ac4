//! Events of apps (003 chapter 5): what is listed, what hosts and members report, and what comes by
//! the account's bus.

use appdepot_tests::consistency::{Snapshot, of_tenant};
use appdepot_tests::{Answer, TestTenant, World, all};
use event_received::Done;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use shared::base::clock::Timestamp;
use shared::base::id::AppId;
use shared::base::rights::Role;
use shared::domain::events::event;
use shared::model::apps::app::App;
use shared::model::events::event::{Event, EventGroup, NAMES, Pending};
use shared::model::events::reported_event::RecordedEvent;
use shared::store::record::Record;
use shared::store::wrappers::Fault;

const LIST: &str = "/box/srv/1.1/app/eventlog/listEvents";

const CREATE: &str = "/box/srv/1.1/app/eventlog/create";

struct Stage {
    world: World,
    tenant: TestTenant,
    app: String,
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

/// An API key of an app: its text.
async fn app_key(world: &World, tenant: &TestTenant, app: &str) -> String {
    let path = format!("/box/srv/1.1/ide/{}/api/create", tenant.domain);
    let made = world
        .post(
            &tenant.cookie,
            &path,
            json!({"type": "app", "appId": app, "label": "host"}),
        )
        .await;
    made["apiKey"]["key"].as_str().expect("a key").to_owned()
}

/// The object with other fields in place of its own; null takes one away.
fn with(body: &Value, other: &Value) -> Value {
    let mut body = body.clone();
    for (name, value) in other.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body
}

fn records<R: Record>(snapshot: &Snapshot) -> Vec<R> {
    let of_kind = snapshot
        .values()
        .filter(|item| item["kind"]["S"] == R::KIND);
    of_kind
        .map(|item| serde_json::from_str(item["d"]["S"].as_str().unwrap()).unwrap())
        .collect()
}

impl Stage {
    async fn new() -> Self {
        let (world, tenant) = World::new().await;
        let app = item(&world, &tenant, "Watched").await;
        Self { world, tenant, app }
    }

    fn crash(&self) -> Value {
        json!({"appGuid": self.app, "env": "dev", "eventType": "CRASHED", "message": "It is gone"})
    }

    async fn ask(&self, path: &str, body: Value) -> Answer {
        self.world
            .call("POST", path)
            .cookie(&self.tenant.cookie)
            .json(body)
            .send()
            .await
    }

    /// What the member's report of a crash, with these fields instead, is answered.
    async fn report(&self, other: Value) -> Answer {
        self.ask(CREATE, with(&self.crash(), &other)).await
    }

    async fn reported(&self, other: Value) -> Event {
        let answer = self.report(other.clone()).await;
        assert_eq!(answer.status, 200, "{other}: {}", answer.text);
        let found = records::<Event>(&self.snapshot().await)
            .into_iter()
            .find(|event| event.guid.as_str() == answer.json["guid"]);
        found.unwrap_or_else(|| panic!("{other}: no event"))
    }

    async fn list(&self, other: Value) -> Value {
        let answer = self
            .ask(
                LIST,
                with(&json!({"appGuid": self.app, "env": "dev"}), &other),
            )
            .await;
        assert_eq!(answer.status, 200, "{other}: {}", answer.text);
        assert_eq!(
            answer.json["count"],
            answer.json["list"].as_array().unwrap().len()
        );
        answer.json
    }

    async fn snapshot(&self) -> Snapshot {
        of_tenant(&self.world.snapshot().await, self.tenant.tenant_id)
    }

    /// The records of events and of what they leave.
    async fn told(&self) -> (usize, usize, usize) {
        let snapshot = self.snapshot().await;
        (
            records::<Event>(&snapshot).len(),
            records::<Pending>(&snapshot).len(),
            records::<RecordedEvent>(&snapshot).len(),
        )
    }

    async fn app(&self) -> App {
        self.world
            .app(&self.tenant, self.app.parse().unwrap())
            .await
            .value
    }

    async fn delete(&self, app: &str) {
        self.world
            .post(
                &self.tenant.cookie,
                "/box/srv/1.1/admin/storeitem/delete",
                json!({"guid": app}),
            )
            .await;
    }

    async fn bus(&self, event: Value) -> Result<Done, shared::base::error::Error> {
        event_received::handle(self.world.context.clone(), event).await
    }

    /// An event of the bus with that detail.
    fn on_bus(&self, id: &str, detail: &Value) -> Value {
        json!({
            "version": "0",
            "id": id,
            "detail-type": event_received::DETAIL_TYPE,
            "source": "com.example.ops",
            "account": "123456789012",
            "time": "2026-11-22T10:00:00Z",
            "region": "eu-central-1",
            "resources": [],
            "detail": with(
                &json!({"domain": self.tenant.domain}), detail
            ),
        })
    }
}

fn guids(answer: &Value) -> Vec<&str> {
    answer["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["guid"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_listed_as_it_was_reported() {
    let stage = Stage::new().await;
    let happened = stage.world.plain.clock.now().plus_seconds(-90);
    let details = json!({"error": "SIGSEGV", "stackTrace": ["a", "b"]});
    let answer = stage
        .report(json!({
            "eventDetails": details, "timestamp": happened.0, "category": "DYNO_STATE",
            "severity": "FATAL", "updatedBy": "nobody",
        }))
        .await;
    assert_eq!(
        (answer.status, &answer.json["status"]),
        (200, &json!("ok")),
        "{}",
        answer.text
    );
    let listed = stage.list(json!({})).await;
    let event = &listed["list"][0];
    assert_eq!(event["guid"], answer.json["guid"]);
    assert_eq!(
        (&event["eventGroup"], &event["type"]),
        (&json!("NOTIFICATION"), &json!("eventlog_EventLog"))
    );
    let fields = with(&event["fields"], &json!({"sysCreated": null}));
    let expected = json!({
        "appGuid": stage.app,
        "uid": stage.app,
        "category": "DYNO_STATE",
        "severity": "FATAL",
        "dismissed": false,
        "env": "dev",
        "guid": answer.json["guid"],
        "eventDetails": with(
            &details, &json!({"message": "It is gone"})
        ), "eventType": "CRASHED", "title": "CRASHED", "message": "It is gone",
        "timestamp": happened.colon_millis(), "updatedBy": format!(
            "admin@{}.example", stage.tenant.domain
        ),
    });
    assert_eq!(fields, expected, "a member reports in his own name");
    // What happened in the catalogue is listed in every environment, what was reported in its own.
    assert_eq!(listed["list"][1]["fields"]["eventType"], "CREATED");
    for env in ["live", "test-1"] {
        let other = stage.list(json!({"env": env})).await;
        assert_eq!(
            (other["count"].as_u64(), &other["list"][0]["fields"]["env"]),
            (Some(1), &json!(env))
        );
    }
    // What fhc and the studio send, and a GET.
    let fhc = stage.list(json!({"eventGroup": "NOTIFICATION"})).await;
    assert_eq!(guids(&fhc), guids(&listed));
    let audited = stage
        .list(json!({"eventGroup": "NOTIFICATION", "audit": true}))
        .await;
    assert_eq!(guids(&audited), guids(&listed));
    assert_eq!(
        guids(&stage.list(json!({"appGuid": null, "uid": stage.app})).await),
        guids(&listed)
    );
    let path = format!("{LIST}?appGuid={}&env=dev&limit=1", stage.app);
    let got = stage
        .world
        .call("GET", &path)
        .cookie(&stage.tenant.cookie)
        .send()
        .await;
    assert_eq!(
        (got.status, guids(&got.json)),
        (200, guids(&listed)[..1].to_vec()),
        "{}",
        got.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_endpoint_security_are_in_the_audit_list() {
    let stage = Stage::new().await;
    app_key(&stage.world, &stage.tenant, &stage.app).await;
    let names = |answer: &Value| -> Vec<String> {
        let list = answer["list"].as_array().unwrap();
        list.iter()
            .map(|event| {
                event["fields"]
                    .get("finerType")
                    .unwrap_or(&event["fields"]["eventType"])
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(
        names(&stage.list(json!({})).await),
        ["KEY_CREATED", "CREATED"]
    );
    assert_eq!(
        names(&stage.list(json!({"eventGroup": ""})).await),
        ["KEY_CREATED", "CREATED"]
    );
    assert_eq!(
        names(&stage.list(json!({"eventGroup": "NOTIFICATION"})).await),
        ["CREATED"]
    );
    assert_eq!(
        names(&stage.list(json!({"eventGroup": "AUDIT"})).await),
        ["KEY_CREATED"]
    );
    assert_eq!(
        names(
            &stage
                .list(json!({"eventGroup": "NOTIFICATION", "audit": "true"}))
                .await
        ),
        ["KEY_CREATED", "CREATED"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_agree_with_a_model() {
    let stage = Stage::new().await;
    let mut random = StdRng::seed_from_u64(51);
    let app = stage.app().await;
    let now = stage.world.plain.clock.now();
    let dev: shared::base::environment::Environment = "dev".parse().unwrap();
    let names = [
        "CRASHED",
        "DEPLOYED",
        "KEY_CREATED",
        "HIGH_CPU",
        "KEY_REVOKED",
    ];
    // Newer than what making the app told, and many of the same millisecond.
    let mut all: Vec<Event> = (0..240)
        .map(|_| {
            let name = names[random.random_range(0..names.len())];
            let at = Timestamp(now.plus_seconds(60).0 + random.random_range(0..30));
            let event = Event::of(&app, name, "", "Something".to_owned(), at);
            if random.random_bool(0.5) {
                event.in_environment(dev.clone())
            } else {
                event
            }
        })
        .collect();
    for chunk in all.chunks(20) {
        stage
            .world
            .plain
            .table
            .write(event::record_writes(stage.tenant.tenant_id, chunk.to_vec()).unwrap())
            .await
            .unwrap();
    }
    all.extend(
        records::<Event>(&stage.snapshot().await)
            .into_iter()
            .filter(|event| event.name == "CREATED"),
    );
    let total = all.len();
    assert_eq!(total, 241);
    // Newest first; those of one millisecond in the order of their guids, the greatest first.
    all.sort_by(|one, other| (other.at, other.guid.as_str()).cmp(&(one.at, one.guid.as_str())));
    for round in 0..60 {
        let group = [None, Some("NOTIFICATION"), Some("AUDIT")][random.random_range(0..3)];
        let audit = random.random_bool(0.5);
        let in_dev = random.random_bool(0.7);
        let wanted = |event: &&Event| {
            let of_group = group.is_none_or(|group| group == event.group.as_str())
                || (audit && event.group == EventGroup::Audit);
            of_group && (in_dev || event.env.is_none())
        };
        let expected: Vec<&str> = all
            .iter()
            .filter(wanted)
            .map(|event| event.guid.as_str())
            .collect();
        let env = if in_dev { "dev" } else { "live" };
        let asked = json!({"env": env, "eventGroup": group, "audit": audit});
        if round % 10 == 0 {
            assert_eq!(guids(&stage.list(asked.clone()).await), expected, "{asked}");
        }
        let (mut found, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let limit = random.random_range(1..=70_usize);
            let page = stage
                .list(with(&asked, &json!({"limit": limit, "cursor": cursor})))
                .await;
            assert!(guids(&page).len() <= limit, "{asked}");
            found.extend(guids(&page).into_iter().map(str::to_owned));
            match page.get("cursor") {
                Some(next) => cursor = next.clone(),
                None => break,
            }
        }
        assert_eq!(found, expected, "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_listed_is_refused() {
    let stage = Stage::new().await;
    let asked = json!({"appGuid": stage.app, "env": "dev"});
    let unknown = AppId::new(stage.world.plain.clock.now()).guid();
    let cases = [
        (json!({"appGuid": "x"}), 400, "invalid_guid"),
        (json!({"appGuid": unknown}), 404, "invalid_guid"),
        (json!({"env": "no such"}), 400, "env"),
        (json!({"env": null}), 400, "env"),
        (json!({"appGuid": null}), 400, "appGuid"),
        (json!({"eventGroup": "OTHER"}), 400, "invalid_eventGroup"),
        (json!({"limit": 0}), 400, "invalid_limit"),
        (json!({"limit": 100_000}), 400, "invalid_limit"),
        (json!({"cursor": "a b"}), 400, "invalid_cursor"),
        (json!({"cursor": "a".repeat(65)}), 400, "invalid_cursor"),
    ];
    for (other, status, word) in cases {
        let answer = stage.ask(LIST, with(&asked, &other)).await;
        assert_eq!(answer.status, status, "{other}: {}", answer.text);
        assert!(
            answer.json["message"].as_str().unwrap().contains(word),
            "{other}: {}",
            answer.text
        );
    }
    // The log of an app outlives it.
    stage.delete(&stage.app).await;
    let listed = stage.list(json!({})).await;
    assert_eq!(listed["list"][0]["fields"]["eventType"], "DELETED");
    // Another tenant's app is none.
    let other = stage.world.tenant("other").await;
    let answer = stage
        .world
        .call("POST", LIST)
        .cookie(&other.cookie)
        .json(asked)
        .send()
        .await;
    assert_eq!(
        (
            answer.status,
            answer.json["message"]
                .as_str()
                .unwrap()
                .contains("invalid_guid")
        ),
        (404, true),
        "{}",
        answer.text
    );
}

fn nested(depth: usize) -> Value {
    (1..depth).fold(json!({"a": 1}), |inner, _| json!({"a": inner}))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reported_names_its_field_and_writes_nothing() {
    let stage = Stage::new().await;
    let now = stage.world.plain.clock.now();
    let at = |seconds: i64| now.plus_seconds(seconds).0;
    let unknown = AppId::new(now).guid();
    let names: serde_json::Map<String, Value> =
        (0..101).map(|n| (format!("n{n}"), json!(1))).collect();
    let cases = [
        (json!({"appGuid": "x"}), 400, "invalid_guid"),
        (json!({"appGuid": unknown}), 404, "invalid_guid"),
        (json!({"appGuid": null}), 400, "appGuid"),
        (json!({"env": null}), 400, "env"),
        (json!({"env": "../x"}), 400, "env"),
        (json!({"eventType": null}), 400, "eventType"),
        (json!({"eventType": "EXPLODED"}), 400, "invalid_eventType"),
        (json!({"eventType": "PUBLISHED"}), 400, "invalid_eventType"),
        (
            json!({"eventType": "PROFILE_EXPIRES"}),
            400,
            "invalid_eventType",
        ),
        (json!({"category": "APP"}), 400, "invalid_category"),
        (json!({"severity": "BAD"}), 400, "invalid_severity"),
        (json!({"message": null}), 400, "invalid_message"),
        (json!({"message": ""}), 400, "invalid_message"),
        (json!({"message": " \n"}), 400, "invalid_message"),
        (json!({"message": "a\u{7}b"}), 400, "invalid_message"),
        (
            json!({"message": "a".repeat(2_001)}),
            400,
            "invalid_message",
        ),
        (json!({"eventDetails": [1]}), 400, "invalid_eventDetails"),
        (json!({"eventDetails": "text"}), 400, "invalid_eventDetails"),
        (
            json!({"eventDetails": nested(6)}),
            400,
            "invalid_eventDetails",
        ),
        (json!({"eventDetails": names}), 400, "invalid_eventDetails"),
        (
            json!({"eventDetails": {"a": "a".repeat(16 * 1_024)}}),
            400,
            "invalid_eventDetails",
        ),
        (json!({"timestamp": "yesterday"}), 400, "invalid_timestamp"),
        (
            json!({"timestamp": at(-7 * 24 * 3_600 - 60)}),
            400,
            "invalid_timestamp",
        ),
        (json!({"timestamp": at(360)}), 400, "invalid_timestamp"),
        (json!({"id": ""}), 400, "invalid_id"),
        (json!({"id": "a".repeat(101)}), 400, "invalid_id"),
        (json!({"id": "a\nb\u{0}"}), 400, "invalid_id"),
    ];
    let before = stage.snapshot().await;
    for (other, status, word) in cases {
        let answer = stage.report(other.clone()).await;
        assert_eq!(answer.status, status, "{other}: {}", answer.text);
        assert_eq!(answer.json["status"], "error", "{other}");
        assert!(
            answer.json["message"].as_str().unwrap().contains(word),
            "{other}: {}",
            answer.text
        );
    }
    let key = app_key(&stage.world, &stage.tenant, &stage.app).await;
    let after_key = stage.snapshot().await;
    for body in [
        json!({"updatedBy": "a".repeat(101)}),
        json!({"updatedBy": "a\u{1b}b"}),
    ] {
        let answer = stage
            .world
            .call("POST", CREATE)
            .app_key(&key)
            .json(with(&stage.crash(), &body))
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.text.contains("invalid_updatedBy")),
            (400, true),
            "{}",
            answer.text
        );
    }
    assert_eq!(
        records::<Event>(&before).len() + 1,
        records::<Event>(&after_key).len(),
        "the key alone"
    );
    assert_eq!(stage.told().await, (2, 2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_at_the_limits_are_taken_whole() {
    let stage = Stage::new().await;
    let now = stage.world.plain.clock.now();
    let names: serde_json::Map<String, Value> =
        (0..100).map(|n| (format!("n{n}"), json!(1))).collect();
    let message = "🚀\n".repeat(1_000);
    let long = json!({"a": "a".repeat(16 * 1_024 - 8)});
    assert_eq!(long.to_string().len(), 16 * 1_024);
    assert_eq!(
        stage.reported(json!({"message": message})).await.message,
        message
    );
    for details in [nested(5), Value::Object(names), long, json!({})] {
        assert_eq!(
            Value::Object(
                stage
                    .reported(json!({"eventDetails": details}))
                    .await
                    .details
            ),
            details
        );
    }
    assert!(
        stage
            .reported(json!({"eventDetails": null}))
            .await
            .details
            .is_empty()
    );
    for seconds in [-7 * 24 * 3_600 + 60, 0, 240] {
        let happened = now.plus_seconds(seconds);
        assert_eq!(
            stage
                .reported(json!({"timestamp": happened.0.to_string()}))
                .await
                .happened,
            happened
        );
    }
    stage.reported(json!({"id": "ü".repeat(100)})).await;
    // Every documented name, with the category and severity that belong to it.
    for name in NAMES.iter().filter(|name| {
        name.refines.is_none() && !name.on_request && name.name != "DELETE_REQUESTED"
    }) {
        let event = stage
            .reported(json!({"eventType": format!("APP_{}", name.name)}))
            .await;
        assert_eq!(
            (event.name.as_str(), event.category, event.severity),
            (name.name, name.category, name.severity)
        );
    }
    let (before, answer) = (
        stage.told().await,
        stage.report(json!({"eventType": "DELETE_REQUESTED"})).await,
    );
    assert_eq!(
        (answer.status, stage.told().await),
        (200, before),
        "taken, and not kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_is_one_event_however_often_and_at_once() {
    let stage = Stage::new().await;
    let before = stage.told().await;
    let answers = all((0..100).map(|_| stage.report(json!({"id": "crash-7"})))).await;
    let first = answers[0].json["guid"].clone();
    assert!(
        answers.iter().all(|answer| answer.status == 200
            && answer.json["guid"] == first
            && first.is_string()),
        "{:?}",
        answers[0].text
    );
    assert_eq!(stage.told().await, (before.0 + 1, before.1 + 1, 1));
    // Another id, environment or app is another event.
    let app = item(&stage.world, &stage.tenant, "Other").await;
    let mut seen = vec![first.clone()];
    for other in [
        json!({"id": "crash-8"}),
        json!({"id": "crash-7", "env": "live"}),
        json!({"id": "crash-7", "appGuid": app}),
    ] {
        let guid = stage.report(other.clone()).await.json["guid"].clone();
        assert!(!seen.contains(&guid), "{other}");
        seen.push(guid);
    }
    // Without one each is its own.
    assert_ne!(
        stage.report(json!({})).await.json["guid"],
        stage.report(json!({})).await.json["guid"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apps_key_reports_of_its_own_app_alone() {
    let stage = Stage::new().await;
    let (world, tenant) = (&stage.world, &stage.tenant);
    let other = item(world, tenant, "Other").await;
    let key = app_key(world, tenant, &stage.app).await;
    let report = async |key: &str, body: Value| {
        world
            .call("POST", CREATE)
            .app_key(key)
            .json(with(&stage.crash(), &body))
            .send()
            .await
    };

    let answer = report(&key, json!({"updatedBy": "node-3"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let listed = stage.list(json!({})).await;
    assert_eq!(
        (
            &listed["list"][0]["guid"],
            &listed["list"][0]["fields"]["updatedBy"]
        ),
        (&answer.json["guid"], &json!("node-3"))
    );
    assert_eq!(report(&key, json!({})).await.status, 200);
    assert_eq!(
        stage.list(json!({})).await["list"][0]["fields"]["updatedBy"],
        "System"
    );

    // The message of the original's agent, as it is.
    let raw = json!({
        "uid": stage.app,
        "timestamp": world.plain.clock.now().0,
        "eventType": "CRASHED",
        "eventClass": "APP_STATE",
        "eventLevel": "ERROR",
        "domain": tenant.domain,
        "appName": "Watched",
        "env": "dev",
        "updatedBy": "System",
        "dyno": "d-1",
        "details": {"message": "It crashed", "error": "ENOENT", "stackTrace": "at x"},
    });
    let answer = world
        .call("POST", CREATE)
        .app_key(&key)
        .json(raw.clone())
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let fields = stage.list(json!({})).await["list"][0]["fields"].clone();
    assert_eq!(
        (&fields["message"], &fields["eventDetails"]),
        (&json!("It crashed"), &raw["details"])
    );
    assert_eq!(
        (&fields["category"], &fields["severity"]),
        (&json!("APP_STATE"), &json!("ERROR"))
    );

    let before = stage.told().await;
    for (body, status) in [
        (json!({"appGuid": other}), 403),
        (json!({"appGuid": AppId::new(Timestamp(0)).guid()}), 403),
    ] {
        assert_eq!(report(&key, body.clone()).await.status, status, "{body}");
    }
    assert_eq!(report(&"0".repeat(40), json!({})).await.status, 401);
    assert_eq!(
        world
            .call("POST", LIST)
            .app_key(&key)
            .json(json!({"appGuid": stage.app, "env": "dev"}))
            .send()
            .await
            .status,
        401,
        "it does not read"
    );
    // A member without the right to change apps.
    let (_, reader) = world.user(tenant, "reader", vec![Role::Sub]).await;
    assert_eq!(
        world
            .call("POST", CREATE)
            .cookie(&reader)
            .json(stage.crash())
            .send()
            .await
            .status,
        403
    );
    assert_eq!(
        world
            .call("POST", CREATE)
            .json(stage.crash())
            .send()
            .await
            .status,
        401
    );
    assert_eq!(stage.told().await, before);

    let path = format!("/box/srv/1.1/ide/{}/api/revoke", tenant.domain);
    let revoked = app_key(world, tenant, &stage.app).await;
    world
        .post(
            &tenant.cookie,
            &path,
            json!({"type": "app", "appId": stage.app, "key": revoked}),
        )
        .await;
    let before = stage.told().await;
    assert_eq!(report(&revoked, json!({})).await.status, 401);
    stage.delete(&stage.app).await;
    let deleted = stage.told().await;
    assert!(
        [401, 404].contains(&report(&key, json!({})).await.status),
        "the app is gone"
    );
    assert_eq!(stage.report(json!({})).await.status, 404);
    assert!(before < deleted);
    assert_eq!(stage.told().await, deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bus_is_heard_once() {
    let stage = Stage::new().await;
    let written = Done {
        written: 1,
        ..Done::default()
    };
    let known = Done {
        known: 1,
        ..Done::default()
    };
    let event = stage.on_bus("bus-1", &stage.crash());
    assert_eq!(stage.bus(event.clone()).await.unwrap(), written);
    assert_eq!(stage.bus(event.clone()).await.unwrap(), known);
    assert_eq!(stage.told().await, (2, 2, 1));
    let fields = stage.list(json!({})).await["list"][0]["fields"].clone();
    assert_eq!(
        (
            &fields["eventType"],
            &fields["message"],
            &fields["updatedBy"]
        ),
        (&json!("CRASHED"), &json!("It is gone"), &json!("System"))
    );
    // Its own id counts, whatever the bus calls it.
    let own = with(&stage.crash(), &json!({"id": "own"}));
    assert_eq!(
        stage.bus(stage.on_bus("bus-2", &own)).await.unwrap(),
        written
    );
    assert_eq!(stage.bus(stage.on_bus("bus-3", &own)).await.unwrap(), known);
    let deletion = with(&stage.crash(), &json!({"eventType": "DELETE_REQUESTED"}));
    assert_eq!(
        stage.bus(stage.on_bus("bus-4", &deletion)).await.unwrap(),
        known
    );
    let at_once = all((0..20).map(|_| stage.bus(stage.on_bus("bus-5", &stage.crash())))).await;
    assert_eq!(
        at_once
            .iter()
            .filter(|done| *done.as_ref().unwrap() == written)
            .count(),
        1
    );
    assert_eq!(stage.told().await, (4, 4, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bus_brings_in_vain_is_counted_and_a_failure_of_ours_is_an_error() {
    let stage = Stage::new().await;
    let refused = Done {
        refused: 1,
        ..Done::default()
    };
    let crash = stage.crash();
    let event = stage.on_bus("bus-1", &crash);
    let other = stage.world.tenant("other").await;
    let cases = [
        Value::Null,
        json!({}),
        json!({"Records": []}),
        with(&event, &json!({"detail-type": "Other"})),
        with(&event, &json!({"source": "aws.s3"})),
        with(&event, &json!({"detail": null})),
        with(&event, &json!({"detail": "text"})),
        with(&event, &json!({"detail": crash})),
        stage.on_bus("bus-1", &with(&crash, &json!({"domain": "nobody"}))),
        stage.on_bus("bus-1", &with(&crash, &json!({"domain": other.domain}))),
        stage.on_bus(
            "bus-1",
            &with(&crash, &json!({"message": "a".repeat(65 * 1_024)})),
        ),
        stage.on_bus("bus-1", &with(&crash, &json!({"eventType": "EXPLODED"}))),
        stage.on_bus(
            "bus-1",
            &with(&crash, &json!({"appGuid": AppId::new(Timestamp(0)).guid()})),
        ),
    ];
    let before = stage.told().await;
    for case in cases {
        assert_eq!(stage.bus(case.clone()).await.unwrap(), refused, "{case}");
    }
    assert_eq!(stage.told().await, before);
    // A store that fails is no fault of the event: the platform delivers it again.
    let mut failures = 0;
    for at in 0.. {
        stage.world.failing.fail(at, Fault::Unavailable);
        let answer = stage.bus(event.clone()).await;
        if !stage.world.failing.heal() {
            assert!(answer.is_ok());
            break;
        }
        assert!(answer.is_err(), "the call {at} failed: {answer:?}");
        failures += 1;
    }
    assert!(failures >= 2, "{failures}");
    assert_eq!(
        stage.told().await,
        (before.0 + 1, before.1 + 1, 1),
        "one event after all"
    );
}

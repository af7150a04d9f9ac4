//! Alerts: what may be asked for, who sees it, how many there may be, and what is listed as mailed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use appdepot_tests::consistency::faults;
use appdepot_tests::{Answer, TestTenant, World, all, golden};
use serde_json::{Value, json};
use shared::base::clock::Timestamp;
use shared::base::id::{AppId, Guid};
use shared::base::rights::Role;
use shared::domain::events::alert::MAX_ALERTS;
use shared::domain::events::notification as events_notification;
use shared::model::events::event::{Category, Event, NAMES, Severity};
use shared::model::events::notification::{Delivery, Notification};
use shared::store::{keys, record};

const ALERT: &str = "/box/srv/1.1/cm/eventlog/alert";

async fn call(world: &World, cookie: &str, what: &str, body: Value) -> Answer {
    world
        .call("POST", &format!("{ALERT}/{what}"))
        .cookie(cookie)
        .json(body)
        .send()
        .await
}

async fn post(world: &World, tenant: &TestTenant, what: &str, body: Value) -> Value {
    world
        .post(&tenant.cookie, &format!("{ALERT}/{what}"), body)
        .await
}

/// Status and message of what is refused.
async fn refused(world: &World, tenant: &TestTenant, what: &str, body: Value) -> (u16, String) {
    let answer = call(world, &tenant.cookie, what, body).await;
    assert_eq!(answer.json["status"], "error", "{what}: {}", answer.text);
    (
        answer.status,
        answer.json["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

async fn item(world: &World, tenant: &TestTenant, name: &str) -> String {
    let made = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/create",
            json!({"name": name}),
        )
        .await;
    made["guid"].as_str().unwrap().to_owned()
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

fn said(app: &str) -> Value {
    json!({
        "alertName": "TestAlert",
        "emails": "test@example.com",
        "enabled": "true",
        "env": "dev",
        "eventCategories": "APP_STATE",
        "eventNames": "TERMINATED",
        "eventSeverities": "FATAL", "uid": app,
    })
}

/// What of an alert a request decides.
fn content(alert: &Value) -> Value {
    with(
        alert,
        &json!({"guid": null, "sysCreated": null, "sysModified": null, "status": null}),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_made_read_changed_and_deleted() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    let made = post(&world, &tenant, "create", said(&app)).await;
    let expected = with(&said(&app), &json!({"enabled": true}));
    assert_eq!(content(&made), expected);
    assert_eq!(
        (made["guid"].as_str().unwrap().len(), &made["sysCreated"]),
        (24, &made["sysModified"])
    );
    assert_eq!(
        Timestamp::read(&made["sysCreated"].as_str().unwrap().replace(' ', "T"))
            .map(Timestamp::plain),
        made["sysCreated"].as_str().map(str::to_owned)
    );
    let guid = &made["guid"];
    assert_eq!(
        post(
            &world,
            &tenant,
            "read",
            json!({"guid": guid, "uid": "x", "env": 7, "emails": {}})
        )
        .await,
        made
    );
    let of_app = json!({"appGuid": app, "env": "dev"});
    let alone = with(&made, &json!({"status": null}));
    assert_eq!(
        post(&world, &tenant, "list", of_app.clone()).await["list"],
        json!([alone])
    );

    world.clock.advance_seconds(61);
    let other = json!({
        "guid": guid,
        "alertName": "Other",
        "emails": ["a@example.com", "b@example.com, a@example.com"],
        "enabled": false,
        "env": "live",
    });
    let filters = json!({
        "eventCategories": "",
        "eventNames": ["CRASHED", "APP_TERMINATED "],
        "eventSeverities": " ERROR ,FATAL",
        "appGuid": app,
    });
    let updated = post(&world, &tenant, "update", with(&other, &filters)).await;
    let expected = json!({
        "alertName": "Other",
        "emails": "a@example.com, b@example.com",
        "enabled": false,
        "env": "live",
        "eventCategories": "",
        "eventNames": "CRASHED,TERMINATED", "eventSeverities": "ERROR,FATAL", "uid": app,
    });
    assert_eq!(content(&updated), expected);
    assert_eq!(
        (&updated["guid"], &updated["sysCreated"]),
        (guid, &made["sysCreated"])
    );
    assert!(updated["sysModified"].as_str() > made["sysModified"].as_str());
    // What is absent stays.
    let again = post(
        &world,
        &tenant,
        "update",
        json!({"guid": guid, "enabled": "TRUE", "uid": null}),
    )
    .await;
    assert_eq!(content(&again), with(&expected, &json!({"enabled": true})));
    assert_eq!(
        post(&world, &tenant, "list", of_app).await["list"],
        json!([]),
        "it is in another environment now"
    );
    world.verify(tenant.tenant_id).await.unwrap();

    let deleted = post(
        &world,
        &tenant,
        "delete",
        json!({"guid": guid, "uid": "nonsense", "emails": ""}),
    )
    .await;
    assert_eq!(deleted, again);
    for what in ["read", "delete", "update", "clone"] {
        assert_eq!(
            refused(&world, &tenant, what, json!({"guid": guid})).await,
            (404, "invalid_guid".to_owned()),
            "{what}"
        );
    }
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alerts_cannot_be_is_refused_with_words() {
    let (world, tenant) = World::new().await;
    let (app, other) = (
        item(&world, &tenant, "Watched").await,
        item(&world, &tenant, "Other").await,
    );
    let made = post(&world, &tenant, "create", said(&app)).await;
    let before = world.snapshot().await;
    let many: Vec<String> = (0..21)
        .map(|number| format!("p{number}@example.com"))
        .collect();
    let cases = [
        (json!({"alertName": ""}), "invalid_alertName"),
        (json!({"alertName": "x".repeat(201)}), "invalid_alertName"),
        (
            json!({"alertName": "a\r\nBcc: evil@example.net"}),
            "invalid_alertName",
        ),
        (json!({"alertName": {}}), "invalid_alertName"),
        (json!({"emails": ""}), "invalid_emails: at least one"),
        (json!({"emails": []}), "invalid_emails: at least one"),
        (
            json!({"emails": "ok@example.com, nobody"}),
            "invalid_emails: \"nobody\" is no mail address",
        ),
        (
            json!({"emails": ["a@example.com\r\nBcc: evil@example.net"]}),
            "invalid_emails",
        ),
        (json!({"emails": "Ops <ops@example.com>"}), "invalid_emails"),
        (
            json!({"emails": many}),
            "invalid_emails: an alert has at most 20",
        ),
        (json!({"emails": {}}), "invalid_emails"),
        (json!({"enabled": "perhaps"}), "invalid_enabled"),
        (json!({"env": "d e v"}), "invalid_env"),
        (json!({"env": "*"}), "invalid_env"),
        (json!({"uid": "short"}), "invalid_guid"),
        (json!({"uid": app, "appGuid": other}), "invalid_guid"),
        (
            json!({"eventCategories": "APP_STATES"}),
            "invalid_eventCategories: \"APP_STATES\" is none of APP_STATE, APP_ENVIRONMENT",
        ),
        (
            json!({"eventSeverities": "fatal"}),
            "invalid_eventSeverities: \"fatal\" is none of TRACE, DEBUG, INFO, WARN, ERROR, FATAL",
        ),
        (
            json!({"eventNames": "CRASHED,BURNED"}),
            "invalid_eventNames: \"BURNED\" is none of START_REQUESTED",
        ),
        (
            json!({"eventNames": "", "eventCategories": "", "eventSeverities": ""}),
            "invalid_eventCategories: set at least one",
        ),
        (
            json!({
                "eventNames": "CRASHED", "eventCategories": "APP_RESOURCES", "eventSeverities": "",
            }),
            "invalid_eventNames: CRASHED is of the category APP_STATE, which is not among \
            eventCategories",
        ),
        (
            json!({"eventNames": "TERMINATED,CRASHED"}),
            "invalid_eventNames: CRASHED is of the severity ERROR, which is not among \
            eventSeverities",
        ),
    ];
    for (change, message) in cases {
        for (what, body) in [
            ("create", with(&said(&app), &change)),
            (
                "update",
                with(&with(&said(&app), &change), &json!({"guid": made["guid"]})),
            ),
        ] {
            let (status, text) = refused(&world, &tenant, what, body).await;
            assert!(
                status == 400 && text.starts_with(message),
                "{what} {change}: {status} {text}"
            );
        }
    }
    for (missing, message) in [
        ("alertName", "invalid_alertName"),
        ("emails", "invalid_emails"),
        ("env", "invalid_env"),
        ("uid", "invalid_guid"),
    ] {
        let found = refused(
            &world,
            &tenant,
            "create",
            with(&said(&app), &json!({missing: null})),
        )
        .await;
        assert_eq!(found, (400, message.to_owned()), "{missing}");
    }
    // An alert stays with its app, and what only the rest of it makes wrong is wrong too.
    for uid in [other.as_str(), "*"] {
        let (status, text) = refused(
            &world,
            &tenant,
            "update",
            json!({"guid": made["guid"], "uid": uid}),
        )
        .await;
        assert!(status == 400 && text.starts_with("invalid_uid"), "{text}");
    }
    let (status, text) = refused(
        &world,
        &tenant,
        "update",
        json!({"guid": made["guid"], "eventCategories": "DYNO_STATE"}),
    )
    .await;
    assert!(
        status == 400 && text.contains("TERMINATED is of the category APP_STATE"),
        "{text}"
    );
    let unknown = AppId::new(Timestamp(1)).guid();
    for uid in [unknown.as_str(), "ajBTU-_UMtc7ggOCL6MbZRP_"] {
        assert_eq!(
            refused(&world, &tenant, "create", said(uid)).await,
            (404, "invalid_guid".to_owned()),
            "{uid}"
        );
        assert_eq!(
            refused(&world, &tenant, "list", json!({"uid": uid, "env": "dev"})).await,
            (404, "invalid_guid".to_owned()),
            "{uid}"
        );
        // What cannot be is told before what is not there.
        let (status, text) = refused(
            &world,
            &tenant,
            "create",
            with(&said(uid), &json!({"eventNames": "CRASHED"})),
        )
        .await;
        assert!(
            status == 400 && text.starts_with("invalid_eventNames"),
            "{text}"
        );
    }
    for (what, body, message) in [
        ("list", json!({"env": "dev"}), "invalid_guid"),
        ("list", json!({"uid": app}), "invalid_env"),
        ("list", json!({"uid": app, "env": ""}), "invalid_env"),
        ("read", json!({}), "invalid_guid"),
        ("read", json!({"guid": "x"}), "invalid_guid"),
        ("delete", json!({"uid": app}), "invalid_guid"),
        (
            "update",
            json!({"guid": [], "enabled": true}),
            "invalid_guid",
        ),
        (
            "clone",
            json!({"guid": made["guid"], "alertName": " "}),
            "invalid_alertName",
        ),
    ] {
        let (status, text) = refused(&world, &tenant, what, body.clone()).await;
        assert!(
            status == 400 && text.starts_with(message),
            "{what} {body}: {status} {text}"
        );
    }
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_write_otherwise_is_understood() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    let id: AppId = app.parse().unwrap();
    for (change, field, value) in [
        (
            json!({"emails": " a@example.com ,, b@example.com, a@example.com"}),
            "emails",
            json!("a@example.com, b@example.com"),
        ),
        (
            json!({"eventNames": ["APP_TERMINATED", "TERMINATED"]}),
            "eventNames",
            json!("TERMINATED"),
        ),
        (
            json!({"eventNames": "TERMINIATED"}),
            "eventNames",
            json!("TERMINATED"),
        ),
        (
            json!({"eventCategories": [" APP_STATE ", "APP_STATE"]}),
            "eventCategories",
            json!("APP_STATE"),
        ),
        (json!({"enabled": "False"}), "enabled", json!(false)),
        (json!({"enabled": null}), "enabled", json!(true)),
        (json!({"alertName": 2026}), "alertName", json!("2026")),
        (
            json!({"alertName": "  <b>Größe</b> & \"so\"  "}),
            "alertName",
            json!("<b>Größe</b> & \"so\""),
        ),
        (json!({"uid": null, "appGuid": app}), "uid", json!(app)),
        (json!({"uid": id.uuid()}), "uid", json!(app)),
        (json!({"env": 7}), "env", json!("7")),
        // Severities are those of the name and more.
        (
            json!({"eventNames": "CRASHED", "eventSeverities": "INFO,WARN,ERROR,FATAL"}),
            "eventSeverities",
            json!("INFO,WARN,ERROR,FATAL"),
        ),
        (
            json!({"eventNames": "PROFILE_EXPIRES", "eventSeverities": ""}),
            "eventNames",
            json!("PROFILE_EXPIRES"),
        ),
    ] {
        let made = post(&world, &tenant, "create", with(&said(&app), &change)).await;
        assert_eq!(made[field], value, "{change}");
        assert_eq!(
            post(&world, &tenant, "read", json!({"guid": made["guid"]})).await,
            made
        );
    }
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_of_every_app_stands_for_itself() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    let of_all = post(
        &world,
        &tenant,
        "create",
        with(
            &said("*"),
            &json!({"eventNames": "DOWNLOAD_SPIKE", "eventCategories": "", "eventSeverities": ""}),
        ),
    )
    .await;
    let of_app = post(&world, &tenant, "create", said(&app)).await;
    assert_eq!(of_all["uid"], "*");
    let listed = async |uid: &str| {
        post(&world, &tenant, "list", json!({"uid": uid, "env": "dev"})).await["list"].clone()
    };
    assert_eq!(
        listed("*").await,
        json!([with(&of_all, &json!({"status": null}))])
    );
    assert_eq!(
        listed(&app).await,
        json!([with(&of_app, &json!({"status": null}))])
    );
    let path = format!("/api/v2/mbaas/{}/dev/apps/*/alerts", tenant.domain);
    let by_path = world.call("GET", &path).cookie(&tenant.cookie).send().await;
    assert_eq!(by_path.json["list"], listed("*").await);
    world.verify(tenant.tenant_id).await.unwrap();
    for change in [
        json!({"eventNames": "CRASHED"}),
        json!({"eventNames": "DOWNLOAD_SPIKE,CRASHED"}),
        json!({"eventNames": "DOWNLOAD_SPIKE"}),
    ] {
        post(
            &world,
            &tenant,
            "update",
            with(&change, &json!({"guid": of_all["guid"]})),
        )
        .await;
        world
            .verify(tenant.tenant_id)
            .await
            .unwrap_or_else(|faults| panic!("{change}: {faults}"));
    }
    post(&world, &tenant, "delete", json!({"guid": of_all["guid"]})).await;
    assert_eq!(listed("*").await, json!([]));
    world.verify(tenant.tenant_id).await.unwrap();
}

/// The eyes of these tests: what of an alert is missing or counted wrongly is seen.
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_not_whole_is_seen() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    for uid in [app.as_str(), "*"] {
        let filters =
            json!({"eventNames": "DOWNLOAD_SPIKE", "eventCategories": "", "eventSeverities": ""});
        post(&world, &tenant, "create", with(&said(uid), &filters)).await;
    }
    let whole = world.snapshot().await;
    assert_eq!(faults(tenant.tenant_id, &whole), Vec::<String>::new());
    let mut seen = BTreeSet::new();
    for (key, record) in &whole {
        let kind = record["kind"]["S"].as_str().unwrap_or_default();
        if ![
            "alert",
            "alert-place",
            "alert-count",
            "spike-alert",
            "spike-tenant",
        ]
        .contains(&kind)
        {
            continue;
        }
        let mut without = whole.clone();
        without.remove(key);
        assert!(
            !faults(tenant.tenant_id, &without).is_empty(),
            "a {kind} is missing and nobody sees it"
        );
        if kind.ends_with("-count") || kind == "spike-tenant" {
            let mut miscounted = whole.clone();
            let mut record = record.clone();
            record["n"] = json!({"N": "7"});
            miscounted.insert(key.clone(), record);
            assert!(
                !faults(tenant.tenant_id, &miscounted).is_empty(),
                "a {kind} counts wrongly and nobody sees it"
            );
        }
        seen.insert(kind.to_owned());
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_is_an_alert_of_its_own() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    let made = post(
        &world,
        &tenant,
        "create",
        with(&said(&app), &json!({"enabled": false})),
    )
    .await;
    let copy = post(&world, &tenant, "clone", json!({"guid": made["guid"]})).await;
    assert_eq!(content(&copy), content(&made));
    assert_ne!(copy["guid"], made["guid"]);
    let named = post(
        &world,
        &tenant,
        "clone",
        json!({"guid": made["guid"], "alertName": "Copy", "env": "live"}),
    )
    .await;
    assert_eq!(
        content(&named),
        with(
            &content(&made),
            &json!({"alertName": "Copy", "env": "live"})
        )
    );
    post(&world, &tenant, "delete", json!({"guid": made["guid"]})).await;
    assert_eq!(
        post(&world, &tenant, "read", json!({"guid": copy["guid"]})).await,
        copy
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_paths_are_of_the_same_alerts() {
    let (world, tenant) = World::new().await;
    let (app, other) = (
        item(&world, &tenant, "Watched").await,
        item(&world, &tenant, "Other").await,
    );
    let path = |env: &str, app: &str, alert: &str| {
        format!(
            "/api/v2/mbaas/{}/{env}/apps/{app}/alerts{alert}",
            tenant.domain
        )
    };
    let send = async |method: &str, path: String, body: Value| {
        world
            .call(method, &path)
            .cookie(&tenant.cookie)
            .json(body)
            .send()
            .await
    };
    let junk = json!({
        "_": ["eventalert"], "json": true, "app": other, "env": "live", "uid": other, "guid": "x",
        "$0": "fhc",
    });

    // As fhc sends it: everything, and the app's guid again.
    let made = send(
        "POST",
        path("dev", &app, ""),
        with(&said(&app), &json!({"enabled": true})),
    )
    .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let guid = made.json["guid"].as_str().unwrap().to_owned();
    assert_eq!(
        post(&world, &tenant, "read", json!({"guid": guid})).await,
        made.json
    );
    let of_path = format!("/{guid}");
    // What the path says need not be said again.
    let bare = send(
        "POST",
        path("live", &app, ""),
        with(&said(&app), &json!({"uid": null, "env": null})),
    )
    .await;
    assert_eq!(
        (&bare.json["env"], &bare.json["uid"]),
        (&json!("live"), &json!(app)),
        "{}",
        bare.text
    );
    let listed = send("GET", path("dev", &app, ""), junk.clone()).await;
    assert_eq!(
        listed.json,
        post(
            &world,
            &tenant,
            "list",
            json!({"appGuid": app, "env": "dev"})
        )
        .await
    );
    assert_eq!(
        (&listed.json["status"], &listed.json["list"][0]["guid"]),
        (&json!("ok"), &json!(guid))
    );
    assert_eq!(
        send("GET", path("dev", &app, &of_path), junk.clone())
            .await
            .json,
        made.json
    );

    // fhc sends what it has read, changed.
    let whole = with(
        &listed.json["list"][0],
        &json!({
            "alertName": "Renamed", "eventNames": "CRASHED,APP_TERMINATED",
            "eventSeverities": "ERROR,FATAL",
        }),
    );
    let updated = send("PUT", path("dev", &app, &of_path), whole).await;
    assert_eq!(
        (&updated.json["alertName"], &updated.json["eventNames"]),
        (&json!("Renamed"), &json!("CRASHED,TERMINATED")),
        "{}",
        updated.text
    );
    assert_eq!(
        post(&world, &tenant, "read", json!({"guid": guid})).await,
        updated.json
    );

    // A path names an alert by all that it says.
    let before = world.snapshot().await;
    let nowhere = format!("/{}", Guid::random());
    for (at, status) in [
        (path("live", &app, &of_path), 404),
        (path("dev", &other, &of_path), 404),
        (path("dev", "*", &of_path), 404),
        (path("dev", &app, &nowhere), 404),
        (path("dev", &AppId::new(Timestamp(1)).guid(), &of_path), 404),
        (path("dev", &app, "/short"), 400),
        (path("dev", "short", &of_path), 400),
        (path("d%20v", &app, &of_path), 400),
    ] {
        for (method, body) in [
            ("GET", junk.clone()),
            ("PUT", json!({"enabled": false})),
            ("DELETE", junk.clone()),
        ] {
            let answer = send(method, at.clone(), body).await;
            assert_eq!(answer.status, status, "{method} {at}: {}", answer.text);
            let detail = if status == 404 {
                json!("no alert with that id found")
            } else {
                answer.json["message"].clone()
            };
            assert!(
                answer.json["userDetail"] == detail
                    && answer.json["systemDetail"] == detail
                    && answer.json["code"] == status,
                "{}",
                answer.text
            );
        }
    }
    // A body that says otherwise is not obeyed in silence.
    for (change, message) in [
        (json!({"uid": other}), "invalid_uid"),
        (json!({"uid": "*"}), "invalid_uid"),
        (json!({"appGuid": other}), "invalid_uid"),
        (json!({"env": "live"}), "invalid_env"),
        (json!({"guid": Guid::random()}), "invalid_guid"),
    ] {
        let answer = send("PUT", path("dev", &app, &of_path), change.clone()).await;
        assert!(
            answer.status == 400 && answer.text.contains(message),
            "{change}: {}",
            answer.text
        );
        if change.get("guid").is_none() {
            let named = if change.get("appGuid").is_some() {
                with(&said(&app), &json!({"uid": null}))
            } else {
                said(&app)
            };
            let answer = send("POST", path("dev", &app, ""), with(&named, &change)).await;
            assert!(
                answer.status == 400 && answer.text.contains(message),
                "{change}: {}",
                answer.text
            );
        }
    }
    let elsewhere = world
        .call("GET", &format!("/api/v2/mbaas/other/dev/apps/{app}/alerts"))
        .cookie(&tenant.cookie)
        .send()
        .await;
    assert_eq!(elsewhere.status, 403, "{}", elsewhere.text);
    assert_eq!(world.snapshot().await, before);

    let deleted = send("DELETE", path("dev", &app, &of_path), junk).await;
    assert_eq!(deleted.json, updated.json);
    assert_eq!(
        refused(&world, &tenant, "read", json!({"guid": guid}))
            .await
            .0,
        404
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_their_tenants() {
    let (world, tenant) = World::new().await;
    let theirs = world.tenant("theirs").await;
    let app = item(&world, &tenant, "Watched").await;
    let made = post(&world, &tenant, "create", said(&app)).await;
    post(&world, &tenant, "create", said("*")).await;
    let before = world.snapshot().await;
    for what in ["read", "update", "delete", "clone"] {
        let body = with(&said(&app), &json!({"guid": made["guid"]}));
        assert_eq!(
            refused(&world, &theirs, what, body).await,
            (404, "invalid_guid".to_owned()),
            "{what}"
        );
    }
    for what in ["list", "listAudit"] {
        assert_eq!(
            refused(&world, &theirs, what, json!({"uid": app, "env": "dev"})).await,
            (404, "invalid_guid".to_owned()),
            "{what}"
        );
    }
    assert_eq!(refused(&world, &theirs, "create", said(&app)).await.0, 404);
    assert_eq!(
        post(&world, &theirs, "list", json!({"uid": "*", "env": "dev"})).await["list"],
        json!([])
    );
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_end_with_exactly_the_limit() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    let of_app = json!({"uid": app, "env": "dev"});
    let count = async || {
        post(&world, &tenant, "list", of_app.clone()).await["list"]
            .as_array()
            .map_or(0, Vec::len)
    };
    let limit = usize::try_from(MAX_ALERTS).unwrap();
    let mut taken = 5;
    for _ in 0..taken {
        post(&world, &tenant, "create", said(&app)).await;
    }
    for round in 0..20 {
        let answers =
            all((0..100).map(|_| call(&world, &tenant.cookie, "create", said(&app)))).await;
        taken += answers.iter().filter(|answer| answer.status == 200).count();
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer.status, 200 | 409 | 503)),
            "round {round}"
        );
        assert_eq!(count().await, taken);
        if taken == limit {
            break;
        }
    }
    assert_eq!(taken, limit);
    let (status, text) = refused(&world, &tenant, "create", said(&app)).await;
    assert!(
        status == 409 && text.contains("at most 100 alerts"),
        "{text}"
    );
    let first = post(&world, &tenant, "list", of_app.clone()).await["list"][0]["guid"].clone();
    assert_eq!(
        refused(&world, &tenant, "clone", json!({"guid": first}))
            .await
            .0,
        409
    );
    world.verify(tenant.tenant_id).await.unwrap();
    // Other apps and the tenant's own are counted for themselves, and who goes makes room.
    post(&world, &tenant, "create", said("*")).await;
    let answers =
        all((0..10).map(|_| call(&world, &tenant.cookie, "delete", json!({"guid": first})))).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
    post(&world, &tenant, "create", said(&app)).await;
    assert_eq!(refused(&world, &tenant, "create", said(&app)).await.0, 409);
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alerts_of_a_deleted_app_go_a_day_later() {
    let (world, tenant) = World::new().await;
    let (app, other) = (
        item(&world, &tenant, "Going").await,
        item(&world, &tenant, "Staying").await,
    );
    for number in 0..45 {
        let names = if number % 2 == 0 {
            "DOWNLOAD_SPIKE"
        } else {
            "CRASHED"
        };
        let filters = json!({"eventNames": names, "eventCategories": "", "eventSeverities": ""});
        post(&world, &tenant, "create", with(&said(&app), &filters)).await;
    }
    let kept = [
        post(&world, &tenant, "create", said(&other)).await,
        post(&world, &tenant, "create", said("*")).await,
    ];
    let id: AppId = app.parse().unwrap();
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/delete",
            json!({"guid": app}),
        )
        .await;
    world.verify(tenant.tenant_id).await.unwrap();
    assert_eq!(
        refused(&world, &tenant, "create", said(&app)).await,
        (404, "invalid_guid".to_owned())
    );
    world.clock.advance_seconds(23 * 3_600);
    assert_eq!(
        world.keep_house().await.alerts,
        0,
        "they hear of the deletion first"
    );
    let cookie = world.sign_in(&tenant.domain, "admin").await;
    let tenant = TestTenant { cookie, ..tenant };
    let of_app = json!({"uid": app, "env": "dev"});
    assert_eq!(
        post(&world, &tenant, "list", of_app.clone()).await["list"]
            .as_array()
            .map(Vec::len),
        Some(45)
    );
    world.clock.advance_seconds(3_601);
    let runs = all((0..3).map(|_| world.keep_house())).await;
    assert!(runs.iter().any(|done| done.alerts > 0));
    assert_eq!(
        refused(&world, &tenant, "list", of_app).await,
        (404, "invalid_guid".to_owned())
    );
    for alert in kept {
        assert_eq!(
            post(&world, &tenant, "read", json!({"guid": alert["guid"]})).await,
            alert
        );
    }
    world.verify(tenant.tenant_id).await.unwrap();
    let left = world.snapshot().await;
    let of_going = |key: &(String, String)| {
        key.0.contains(&keys::alerts(tenant.tenant_id, Some(id)))
            || key
                .0
                .contains(&keys::alert_count(tenant.tenant_id, Some(id)).pk)
    };
    assert!(!left.keys().any(of_going), "nothing of them is left");
    assert_eq!(world.keep_house().await.alerts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_reaches_the_recipients_and_nobody_else() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    let name = "<b>It's</b> down & out";
    let body = json!({
        "emails": "a@example.com, b@example.com",
        "uid": app,
        "env": "dev",
        "alertName": name,
    });
    let sent = post(&world, &tenant, "testEmails", body).await;
    assert_eq!(
        sent,
        json!({"status": "ok", "emails": "a@example.com, b@example.com"})
    );
    let mails = world.outbox.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].subject.as_str(), &mails[0].to),
        (
            "Alert Test Email",
            &vec!["a@example.com".to_owned(), "b@example.com".to_owned()]
        )
    );
    assert!(
        mails[0]
            .text
            .contains(&format!("Alert: {name}\nApp: {app}\nEnvironment: dev\n")),
        "{}",
        mails[0].text
    );
    assert!(
        !mails[0].html.contains("<b>") && mails[0].html.contains("down &#38; out"),
        "{}",
        mails[0].html
    );

    for (body, status, message) in [
        (json!({}), 400, "invalid_emails"),
        (json!({"emails": ""}), 400, "invalid_emails"),
        (
            json!({"emails": "a@example.com\r\nBcc: evil@example.net"}),
            400,
            "invalid_emails",
        ),
        (
            json!({"emails": ["a@example.com", "b@example.com\nX-Evil: 1"]}),
            400,
            "invalid_emails",
        ),
        (
            json!({"emails": (0..21).map(|n| format!("p{n}@example.com")).collect::<Vec<_>>()}),
            400,
            "invalid_emails",
        ),
        (
            json!({"emails": "a@example.com", "alertName": "x\r\nBcc: evil@example.net"}),
            400,
            "invalid_alertName",
        ),
        (
            json!({"emails": "a@example.com", "env": "a b"}),
            400,
            "invalid_env",
        ),
        (
            json!({"emails": "a@example.com", "uid": "x"}),
            400,
            "invalid_guid",
        ),
        (
            json!({"emails": "a@example.com", "uid": AppId::new(Timestamp(1)).guid()}),
            404,
            "invalid_guid",
        ),
    ] {
        let (found, text) = refused(&world, &tenant, "testEmails", body.clone()).await;
        assert!(
            found == status && text.starts_with(message),
            "{body}: {found} {text}"
        );
    }
    assert_eq!(
        world.outbox.mails().len(),
        1,
        "nothing that was refused is mailed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn test_mails_are_few() {
    let (world, tenant) = World::new().await;
    // Tries are counted in windows of five minutes, and this test begins with one.
    let into = world.plain.clock.now().seconds().rem_euclid(300);
    world.clock.advance_seconds(300 - into);
    let (_, dev) = world
        .user(&tenant, "dev@dev.example", vec![Role::DevAdmin])
        .await;
    let test = async |cookie: &str| {
        call(
            &world,
            cookie,
            "testEmails",
            json!({"emails": "a@example.com", "uid": "*"}),
        )
        .await
        .status
    };
    let at_once = all((0..30).map(|_| test(&tenant.cookie))).await;
    assert_eq!(
        at_once.iter().filter(|status| **status == 200).count(),
        10,
        "{at_once:?}"
    );
    assert_eq!(world.outbox.mails().len(), 10);
    let answer = call(
        &world,
        &tenant.cookie,
        "testEmails",
        json!({"emails": "a@example.com"}),
    )
    .await;
    assert_eq!(
        (answer.status, answer.json["message"].as_str()),
        (429, Some("Too many test mails, please try again later"))
    );
    assert_eq!(test(&dev).await, 200, "another caller is not in the way");
    for number in 0..9 {
        let (_, cookie) = world
            .user(
                &tenant,
                &format!("dev{number}@dev.example"),
                vec![Role::DevAdmin],
            )
            .await;
        for _ in 0..10 {
            test(&cookie).await;
        }
    }
    assert_eq!(world.outbox.mails().len(), 100, "a tenant has a hundred");
    assert_eq!(test(&dev).await, 429);
    world.clock.advance_seconds(300);
    assert_eq!(test(&dev).await, 200);
    assert_eq!(test(&tenant.cookie).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_options_say_which_name_is_of_which_category_and_severity() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    let options = post(&world, &tenant, "listOptions", json!({})).await;
    let by_get = world
        .call("GET", &format!("{ALERT}/listOptions"))
        .cookie(&tenant.cookie)
        .send()
        .await;
    assert_eq!(by_get.json, options);
    assert_eq!(
        options["eventCategories"],
        Value::Array(
            Category::ALL
                .iter()
                .map(|category| json!({"name": category.as_str()}))
                .collect()
        )
    );
    assert_eq!(
        options["eventSeverities"],
        Value::Array(
            Severity::ALL
                .iter()
                .map(|severity| json!({"name": severity.as_str()}))
                .collect()
        )
    );
    let names = options["eventNames"].as_array().unwrap();
    assert_eq!(names.len(), NAMES.len());
    assert!(
        names.contains(&json!({"name": "CRASHED", "category": "APP_STATE", "severity": "ERROR"}))
    );
    assert!(names.contains(&json!({
        "name": "UPLOAD_REFUSED", "category": "APP_STATE", "severity": "ERROR", "own": true,
        "refines": "DEPLOY_FAILED",
    })));
    assert!(names.contains(&json!({
        "name": "DOWNLOAD_SPIKE", "category": "APP_RESOURCES", "severity": "WARN", "own": true,
        "onRequest": true,
    })));
    // Each is taken as it is told here, and with nothing else.
    for name in names {
        let filters = json!({
            "eventNames": name["name"], "eventCategories": name["category"],
            "eventSeverities": name["severity"],
        });
        let made = post(&world, &tenant, "create", with(&said(&app), &filters)).await;
        assert_eq!(made["eventNames"], name["name"]);
        let other = if name["severity"] == "TRACE" {
            "DEBUG"
        } else {
            "TRACE"
        };
        let wrong = with(
            &with(&said(&app), &filters),
            &json!({"eventSeverities": other}),
        );
        assert_eq!(
            refused(&world, &tenant, "create", wrong).await.0,
            400,
            "{name}"
        );
    }
}

/// The table of names in the page for users is the one that alerts are judged by.
#[test]
fn the_names_are_documented() {
    const BEGIN: &str = "<!-- names -->\n";
    const END: &str = "<!-- /names -->";
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/alerts.md"))
        .expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the table begins");
    let (_, after) = rest.split_once(END).expect("the table ends");
    let mut table =
        "| Name | Category | Severity | Whose | Heard by |\n|---|---|---|---|---|\n".to_owned();
    for name in NAMES {
        let whose = match name.refines {
            None if name.on_request => "Appdepot's".to_owned(),
            None => "the document's".to_owned(),
            Some(of) => format!("Appdepot's, a finer `{of}`"),
        };
        let heard = if name.on_request {
            "alerts that name it"
        } else {
            "every alert whose filters fit"
        };
        writeln!(
            table,
            "| `{}` | `{}` | `{}` | {whose} | {heard} |",
            name.name, name.category, name.severity
        )
        .expect("a text");
    }
    golden(
        "docs/alerts.md",
        &format!("{before}{BEGIN}{table}{END}{after}"),
    );
}

/// A notification of an app that was made so many seconds after the beginning.
fn notification(app: AppId, second: i64, padding: usize) -> Notification {
    let at = Timestamp(1_793_000_000_000 + second * 1_000);
    let event = Event::named(
        app,
        "Watched & <b>co</b>",
        "CRASHED",
        "",
        format!("crash {second} {}", "x".repeat(padding)),
        at,
    );
    Notification {
        guid: Guid::random(),
        alert: Guid::random(),
        alert_name: format!("Alert {second}"),
        app,
        app_name: "Watched & <b>co</b>".to_owned(),
        env: "dev".parse().unwrap(),
        recipients: vec!["a@example.com".to_owned(), "b@example.com".to_owned()],
        events: vec![event],
        more: 0,
        delivery: if second % 2 == 0 {
            Delivery::Sent
        } else {
            Delivery::Waiting
        },
        tries: 1,
        error: (second % 2 == 1).then(|| "the mail service did not answer".to_owned()),
        created: at,
        modified: at.plus_seconds(5),
    }
}

async fn keep(world: &World, tenant: &TestTenant, notifications: &[Notification]) {
    for one in notifications {
        let key = keys::notification(tenant.tenant_id, one.app, &one.env, one.created, &one.guid);
        world
            .plain
            .table
            .write(vec![record::create(key, one).unwrap()])
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_mailed_is_listed_newest_first_in_pages() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    let id: AppId = app.parse().unwrap();
    let of_app = json!({"appGuid": app, "env": "dev"});
    assert_eq!(
        post(&world, &tenant, "listAudit", of_app.clone()).await,
        json!({"status": "ok", "list": [], "count": 0})
    );
    let kept: Vec<Notification> = (0..7).map(|second| notification(id, second, 0)).collect();
    keep(&world, &tenant, &kept).await;
    let whole = post(&world, &tenant, "listAudit", of_app.clone()).await;
    let newest: Vec<Value> = kept.iter().rev().map(|one| json!(one.guid)).collect();
    let guids = |answer: &Value| {
        answer["list"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["guid"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(guids(&whole), newest);
    assert!(whole["count"] == 7 && whole.get("cursor").is_none());
    let (first, of) = (&whole["list"][0], &kept[6]);
    let documented = json!({
        "alertName": "Alert 6",
        "env": "dev",
        "guid": of.guid,
        "recipients": "a@example.com, b@example.com",
        "uid": app,
        "subject": events_notification::subject(of),
        "sysCreated": of.created.plain(), "sysModified": of.modified.plain(), "body": first["body"],
    });
    let own =
        json!({"alertGuid": of.alert, "delivery": "sent", "sent": true, "tries": 1, "error": null});
    let mut expected = documented.clone();
    own.as_object()
        .unwrap()
        .iter()
        .for_each(|(name, value)| expected[name] = value.clone());
    assert_eq!(*first, expected);
    assert!(first["body"].as_str().unwrap().contains("crash 6"));
    let failed = &whole["list"][1];
    assert_eq!(
        (&failed["sent"], &failed["delivery"], &failed["error"]),
        (
            &json!(false),
            &json!("waiting"),
            &json!("the mail service did not answer")
        )
    );
    for spelling in ["listAudits", "listaudits"] {
        assert_eq!(
            post(
                &world,
                &tenant,
                spelling,
                json!({"uid": app, "env": "dev", "limit": "100"})
            )
            .await,
            whole,
            "{spelling}"
        );
    }
    let (mut seen, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = post(
            &world,
            &tenant,
            "listAudit",
            with(&of_app, &json!({"limit": "3", "cursor": cursor})),
        )
        .await;
        seen.extend(guids(&page));
        cursor = page["cursor"].clone();
        pages += 1;
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((seen, pages), (newest, 3));
    assert_eq!(
        post(
            &world,
            &tenant,
            "listAudit",
            json!({"appGuid": app, "env": "live"})
        )
        .await["list"],
        json!([])
    );
    for (change, message) in [
        (
            json!({"limit": 0}),
            "invalid_limit: it is a number from 1 to 1000",
        ),
        (
            json!({"limit": 1_001}),
            "invalid_limit: it is a number from 1 to 1000",
        ),
        (json!({"limit": "many"}), "invalid_limit"),
        (json!({"cursor": "' or 1"}), "invalid_cursor"),
        (
            json!({"appGuid": "*"}),
            "invalid_guid: notifications are listed for one app each",
        ),
        (
            json!({"appGuid": null}),
            "invalid_guid: notifications are listed for one app each",
        ),
        (json!({"env": null}), "invalid_env"),
    ] {
        assert_eq!(
            refused(&world, &tenant, "listAudit", with(&of_app, &change)).await,
            (400, message.to_owned()),
            "{change}"
        );
    }
    // What is over counts as gone, though the table has it still; what an app did stays when it
    // goes.
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/delete",
            json!({"guid": app}),
        )
        .await;
    assert_eq!(
        post(&world, &tenant, "listAudit", of_app.clone()).await,
        whole
    );
    let over =
        kept[6].created.plus_seconds(91 * 24 * 3_600).seconds() - world.plain.clock.now().seconds();
    world.clock.advance_seconds(over);
    let cookie = world.sign_in(&tenant.domain, "admin").await;
    let tenant = TestTenant { cookie, ..tenant };
    assert_eq!(
        refused(&world, &tenant, "listAudit", of_app).await,
        (404, "invalid_guid".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_of_large_mails_comes_whole_in_pages() {
    let (world, tenant) = World::new().await;
    let app = item(&world, &tenant, "Watched").await;
    let id: AppId = app.parse().unwrap();
    let kept: Vec<Notification> = (0..40)
        .map(|second| notification(id, second, 100_000))
        .collect();
    keep(&world, &tenant, &kept).await;
    let (mut seen, mut cursor, mut pages) = (BTreeSet::new(), Value::Null, 0);
    loop {
        let page = post(
            &world,
            &tenant,
            "listAudit",
            with(
                &json!({"uid": app, "env": "dev", "limit": 1_000}),
                &json!({"cursor": cursor}),
            ),
        )
        .await;
        for one in page["list"].as_array().unwrap() {
            assert!(
                seen.insert(one["guid"].as_str().unwrap().to_owned()),
                "one is listed twice"
            );
        }
        pages += 1;
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, kept.iter().map(|one| one.guid.to_string()).collect());
    assert!(pages > 1);
}

//! Requests of `rhmap-alerts`.

use serde_json::{Value, json};

use super::Carries::Json;
use super::{Carries, Entry, Furnished, MARK, delete, empty, get, none, post, query};
use crate::{TestTenant, World};

const V1: &str = "/box/srv/1.1/cm/eventlog/alert";
const REST: &str = "/api/v2/mbaas/{domain}/{env}/apps/{app}/alerts";
const ONE: &str = "/api/v2/mbaas/{domain}/{env}/apps/{app}/alerts/{alert}";

fn said(f: &Furnished, name: &str) -> Value {
    json!({
        "alertName": format!("{MARK} {name}"),
        "emails": "ops@dev.example, night@dev.example",
        "enabled": "true",
        "env": "dev",
        "eventCategories": "APP_STATE",
        "eventNames": "APP_TERMINATED,CRASHED",
        "eventSeverities": "ERROR, FATAL",
        "uid": f.shelved,
    })
}

fn with_guid(f: &Furnished, name: &str) -> Carries {
    let mut body = said(f, name);
    body["guid"] = json!(f.alert);
    Json(body)
}

fn of_app(f: &Furnished) -> Carries {
    Json(json!({"appGuid": f.shelved, "env": "dev"}))
}

fn place_in_query(f: &Furnished) -> Carries {
    query(&[("uid", &f.shelved), ("env", "dev")])
}

fn place(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![
        ("env", "dev".to_owned()),
        ("app", f.shelved.clone()),
        ("alert", f.alert.clone()),
    ]
}

/// Makes an alert of an app in `dev` and gives its guid.
pub(super) async fn furnish(world: &World, tenant: &TestTenant, app: &str) -> String {
    let body = json!({
        "alertName": format!("{MARK} alert"), "emails": "ops@dev.example", "env": "dev",
        "eventSeverities": "ERROR,FATAL", "uid": app,
    });
    let made = world
        .post(&tenant.cookie, &format!("{V1}/create"), body)
        .await;
    made["guid"].as_str().expect("a guid").to_owned()
}

/// One entry for each row of alerts.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        post("/box/srv/1.1/cm/eventlog/alert/list", of_app),
        get("/box/srv/1.1/cm/eventlog/alert/list", place_in_query),
        get(REST, none).with(place),
        post("/box/srv/1.1/cm/eventlog/alert/create", |f| {
            Json(said(f, "new"))
        }),
        post(REST, |f| Json(said(f, "new"))).with(place),
        post("/box/srv/1.1/cm/eventlog/alert/read", |f| {
            Json(json!({"guid": f.alert}))
        }),
        get(ONE, none).with(place),
        post("/box/srv/1.1/cm/eventlog/alert/update", |f| {
            with_guid(f, "changed")
        }),
        Entry::new("PUT", ONE, |f| with_guid(f, "changed")).with(place),
        post("/box/srv/1.1/cm/eventlog/alert/delete", |f| {
            with_guid(f, "alert")
        })
        .again(&[404]),
        delete(ONE).again(&[404]).with(place),
        post("/box/srv/1.1/cm/eventlog/alert/clone", |f| {
            Json(json!({"guid": f.alert, "alertName": format!("{MARK} copy")}))
        }),
        post("/box/srv/1.1/cm/eventlog/alert/testEmails", |f| {
            Json(json!({"emails": "ops@dev.example", "uid": f.shelved, "env": "dev"}))
        })
        .again(&[429]),
        post("/box/srv/1.1/cm/eventlog/alert/listOptions", empty).theirs(),
        get("/box/srv/1.1/cm/eventlog/alert/listOptions", none).theirs(),
        post("/box/srv/1.1/cm/eventlog/alert/listAudit", of_app),
        post("/box/srv/1.1/cm/eventlog/alert/listAudits", |f| {
            Json(json!({"uid": f.shelved, "env": "dev"}))
        }),
        post("/box/srv/1.1/cm/eventlog/alert/listaudits", of_app),
        get("/box/srv/1.1/cm/eventlog/alert/listAudit", place_in_query),
        get("/box/srv/1.1/cm/eventlog/alert/listAudits", place_in_query),
        get("/box/srv/1.1/cm/eventlog/alert/listaudits", place_in_query),
    ]
}

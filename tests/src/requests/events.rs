//! Requests of `rhmap-events`.

use serde_json::json;

use super::Carries::Json;
use super::{Entry, MARK, get, post, query};

/// One entry for each row, for the item in the store.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        post("/box/srv/1.1/app/eventlog/listEvents", |f| {
            Json(json!({"appGuid": f.shelved, "env": "dev"}))
        }),
        get("/box/srv/1.1/app/eventlog/listEvents", |f| {
            query(&[("appGuid", &f.shelved), ("env", "dev"), ("limit", "10")])
        }),
        post("/box/srv/1.1/app/eventlog/create", |f| {
            let details = json!({"error": format!("{MARK} error"), "dyno": "d-1"});
            Json(json!({
                "appGuid": f.shelved,
                "env": "dev",
                "eventType": "CRASHED",
                "message": format!("{MARK} crash"),
                "eventDetails": details,
                "id": "crash-1",
            }))
        }),
    ]
}

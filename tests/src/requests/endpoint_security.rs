//! Requests of `rhmap-endpoint-security`.

use serde_json::json;

use super::Carries::Json;
use super::{Entry, Furnished, MARK, get, post, query};
use crate::{TestTenant, World};

/// Gives an app endpoint security in the environment `dev`.
pub(super) async fn furnish(world: &World, tenant: &TestTenant, app: &str) {
    let overrides = json!({
        "hello": {"security": "https"},
        format!("{MARK}/secret"): {"security": "appapikey"},
    });
    let body =
        json!({"appId": app, "environment": "dev", "default": "https", "overrides": overrides});
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/app/endpointsecurity/set",
            body,
        )
        .await;
}

/// One entry for each row, for the item in the store.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        post("/box/srv/1.1/app/endpointsecurity/get", |f| {
            Json(json!({"appId": f.shelved, "environment": "dev"}))
        }),
        post("/box/srv/1.1/app/endpointsecurity/set", |f| {
            let overrides = json!({
                format!("{MARK}/new"): {"security": "appapikey"},
                "hello": {"security": "https"},
            });
            Json(json!({
                "appId": f.shelved, "environment": "dev", "default": "appapikey",
                "overrides": overrides,
            }))
        }),
        post("/box/srv/1.1/app/endpointsecurity/setOverride", |f| {
            Json(json!({
                "appId": f.shelved,
                "environment": "dev",
                "overrides": {format!("{MARK}/more"): {"security": "https"}},
            }))
        }),
        post("/box/srv/1.1/app/endpointsecurity/removeOverride", |f| {
            Json(json!({"appId": f.shelved, "environment": "dev", "endpoint": "hello"}))
        }),
        post("/box/srv/1.1/app/endpointsecurity/setDefault", |f| {
            Json(json!({"appId": f.shelved, "environment": "dev", "default": "appapikey"}))
        }),
        post("/box/srv/1.1/app/endpointsecurity/auditLog", |f| {
            Json(json!({
                "appId": f.shelved,
                "environment": "dev",
                "filter": {"security": "https", "limit": "10"},
            }))
        }),
        post(
            "/box/srv/1.1/app/endpointsecurity/decide",
            |f: &Furnished| {
                Json(json!({
                    "appId": f.shelved, "environment": "dev",
                    "endpoint": format!("/{MARK}/secret"), "key": f.app_key, "enforce": true,
                }))
            },
        ),
        get("/box/srv/1.1/app/endpointsecurity/decide", |f| {
            query(&[
                ("appId", &f.shelved),
                ("environment", "dev"),
                ("endpoint", "/hello"),
            ])
        }),
    ]
}

//! Apps of the publisher API, one by one.

use serde_json::json;

use super::{Carries, Entry, MARK, delete, get, named_app, none, post, query};

/// The rows of apps of the publisher API, beside those of lists: an app, what becomes of it, and
/// where it would be.
pub(super) fn entries() -> Vec<Entry> {
    use Carries::Json;
    vec![
        post("/api/appm/publisher/v1.1/apps/{appType}", |_| {
            Json(json!({
                "name": format!("{MARK} web"), "version": "1.0", "displayName": "Web",
                "context": "/ours",
            }))
        })
        .with(|_| vec![("appType", "webapp".to_owned())])
        .ok(201)
        .again(&[409])
        .theirs(),
        post(
            "/api/appm/publisher/v1.1/apps/{appType}/validate-\
            context",
            |_| query(&[("appContext", "/ours")]),
        )
        .with(|_| vec![("appType", "webapp".to_owned())])
        .theirs(),
        get("/api/appm/publisher/v1.1/apps/{appType}/id/{appId}", none).with(named_app),
        Entry::new(
            "PUT",
            "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}",
            |_| {
                Json(json!({
                    "displayName": format!("{MARK} shown"), "tags": ["new"],
                }))
            },
        )
        .with(named_app),
        delete("/api/appm/publisher/v1.1/apps/{appType}/id/{appId}")
            .with(named_app)
            .again(&[404]),
        post(
            "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/create-new-\
            version",
            |_| {
                Json(json!({
                    "version": "77",
                }))
            },
        )
        .with(named_app)
        .ok(201)
        .again(&[409]),
    ]
}

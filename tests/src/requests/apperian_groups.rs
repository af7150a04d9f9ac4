//! Requests to groups of the Apperian API.

use serde_json::json;

use super::Carries::Json;
use super::{Entry, Furnished, MARK, delete, get, none, post};

const GROUPS: &str = "/groups";
const GROUP: &str = "/groups/{group}";
const APPS: &str = "/groups/{group}/applications";
const USERS: &str = "/groups/{group}/users";

fn group(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("group", f.group.clone())]
}

/// One entry for each row of groups.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        get(GROUPS, none).theirs(),
        post(GROUPS, |_| {
            Json(json!({"group_name": format!("{MARK} new"), "group_description": MARK}))
        })
        .again(&[409])
        .theirs(),
        get(GROUP, none).with(group),
        Entry::new("PUT", GROUP, |_| {
            Json(json!({"group_name": format!("{MARK} renamed"), "group_description": ""}))
        })
        .with(group),
        delete(GROUP).again(&[404]).with(group),
        post(APPS, |f| Json(json!({"app_psk": f.plain}))).with(group),
        Entry::new("DELETE", APPS, |f| Json(json!({"app_psk": f.shelved}))).with(group),
        get(USERS, none).with(group),
        post(USERS, |f| Json(json!({"user_psk": f.tenant.admin}))).with(group),
        Entry::new("DELETE", USERS, |f| Json(json!({"user_psk": f.worker}))).with(group),
        post("/groups/users/{user}", |f| {
            Json(json!({"group_psk": f.group}))
        }),
    ]
}

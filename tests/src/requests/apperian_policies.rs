//! Requests to policies of the Apperian API, their presets, those of apps, and the documents that
//! apps read.

use serde_json::{Value, json};
use shared::base::id::{AppId, BinaryType};

use super::Carries::Json;
use super::{Entry, Furnished, MARK, delete, get, none, post};
use crate::World;

const OF_APP: &str = "/applications/{application}/policies";

const PRESETS: &str = "/policies/{policy}/configurations";

const PRESET: &str = "/policies/configurations/{configuration}";

const PAGE: &str = "com.apperian.open-webpage-url";

fn page(name: &str) -> Value {
    json!({
        "name": format!("{MARK} {name}"),
        "configuration": {"open_webpage_url": format!("https://dev.example/{MARK}")},
    })
}

fn android(f: &Furnished) -> AppId {
    f.shelved
        .parse::<AppId>()
        .expect("an id")
        .binary(BinaryType::Android)
}

fn application(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("application", android(f).base64url())]
}

fn policy(_: &Furnished) -> Vec<(&'static str, String)> {
    vec![("policy", PAGE.to_owned())]
}

fn preset(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("configuration", f.preset.clone())]
}

fn document(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![
        ("tenant", f.tenant.tenant_id.to_string()),
        ("application", android(f).base64url()),
    ]
}

/// Applies a policy to an app and waits until its document is published; makes a preset, and gives
/// its id.
pub(super) async fn prepared(world: &World, token: &str, app: &str) -> String {
    let app = app
        .parse::<AppId>()
        .expect("an id")
        .binary(BinaryType::Android);
    let body = json!({"configurations": [{"policy_id": "com.apperian.app-usage"}]});
    let applied = world
        .call("POST", &format!("/applications/{app}/policies"))
        .token(token)
        .json(body)
        .send()
        .await;
    assert_eq!(applied.status, 202, "{}", applied.text);
    world.quiet().await;
    let made = world
        .call("POST", &format!("/policies/{PAGE}/configurations"))
        .token(token)
        .json(page("preset"))
        .send()
        .await;
    made.json["configuration"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", made.text))
        .to_owned()
}

/// One entry for each row.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        get(OF_APP, none).with(application),
        post(OF_APP, |_| {
            Json(json!({
                "configurations": [{"policy_id": PAGE, "configuration": page("")["configuration"]}],
            }))
        })
        .ok(202)
        .with(application),
        delete(OF_APP).with(application),
        get("/policies", none).theirs(),
        get("/policies/{policy}", none).with(policy).theirs(),
        get(PRESETS, none).with(policy).theirs(),
        post(PRESETS, |_| Json(page("new"))).with(policy).theirs(),
        get(PRESET, none).with(preset),
        Entry::new("PUT", PRESET, |_| Json(page("renamed"))).with(preset),
        delete(PRESET).again(&[404]).with(preset),
        get("/policy-documents/{tenant}/{application}", none).with(document),
        get("/policy-documents/{tenant}/keys", none).with(document),
    ]
}

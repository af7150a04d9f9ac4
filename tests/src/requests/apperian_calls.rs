//! Requests to the older calls of the Apperian API.

use serde_json::{Value, json};

use super::Carries::{Form, Json};
use super::{Carries, Entry, Furnished, apk, post};
use crate::{PASSWORD, World};

const AUTHENTICATE: &str = "/ease.interface.php/com.apperian.eas.user.authenticateuser";
const LIST: &str = "/ease.interface.php/com.apperian.eas.apps.getlist";
const CREATE: &str = "/ease.interface.php/com.apperian.eas.apps.create";
const UPDATE: &str = "/ease.interface.php/com.apperian.eas.apps.update";
const PUBLISH: &str = "/ease.interface.php/com.apperian.eas.apps.publish";
const UNKNOWN: &str = "/ease.interface.php/{method}";

fn call(params: &Value) -> Carries {
    Json(json!({"id": 1, "apiVersion": "1.0", "jsonrpc": "2.0", "params": params}))
}

/// Begins the publication of a new app and gives its transaction's id.
pub(super) async fn begun(world: &World, token: &str) -> String {
    let answer = world
        .call("POST", CREATE)
        .json(json!({"id": 1, "params": {"token": token}}))
        .send()
        .await;
    answer.json["result"]["transactionID"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", answer.text))
        .to_owned()
}

/// One entry for each row of the older calls.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        post(AUTHENTICATE, |f| {
            call(&json!({"email": "admin", "password": PASSWORD, "organization": f.tenant.domain}))
        }),
        post(LIST, |_| call(&json!({}))).theirs(),
        post(CREATE, |_| call(&json!({}))).theirs(),
        post(UPDATE, |f| call(&json!({"appID": f.shelved}))),
        post(PUBLISH, |f| {
            let metadata = json!({"name": "Published", "version": "1.0"});
            call(&json!({
                "EASEmetadata": metadata,
                "files": {"application": f.files.package},
                "transactionID": f.transaction,
            }))
        }),
        post(UNKNOWN, |_| call(&json!({})))
            .ok(404)
            .with(|_| vec![("method", "com.apperian.eas.apps.remove".to_owned())])
            .theirs(),
        post("/upload", |_: &Furnished| Form(apk(3), Vec::new()))
            .asking(|f| format!("transactionID={}", f.transaction))
            .named("app.apk")
            .part("LUuploadFile")
            .waits(),
    ]
}

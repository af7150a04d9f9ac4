//! Requests to sign-in, apps and uploads of the Apperian API.

use serde_json::{Value, json};

use super::Carries::{Form, Json};
use super::{Carries, Entry, Furnished, MARK, apk, delete, get, none, post};
use crate::PASSWORD;

const APPLICATION: &str = "/applications/{application}";

fn credentials(f: &Furnished) -> Value {
    json!({"user_id": "admin", "password": PASSWORD, "organization": f.tenant.domain})
}

fn shelved(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("application", f.shelved.clone())]
}

fn waiting(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("upload", f.waiting.clone())]
}

fn package(version: u32) -> Carries {
    Form(
        apk(version),
        vec![("data", json!({"author": MARK}).to_string())],
    )
}

/// One entry for each row.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        post("/users/authenticate", |f| Json(credentials(f))),
        post("/catalog/authenticate", |f| Json(credentials(f))),
        delete("/users/authenticate").again(&[401]).theirs(),
        get("/users/info", none).theirs(),
        get("/applications", none).theirs(),
        get("/applications/user", none).theirs(),
        post("/applications", |_| package(1))
            .part("app_file")
            .named("app.apk")
            .theirs()
            .waits(),
        get(APPLICATION, none).with(shelved),
        Entry::new("PUT", APPLICATION, |_| {
            Json(json!({"app_name": format!("{MARK} changed"), "version_note": MARK}))
        })
        .with(shelved),
        post(APPLICATION, |_| package(3))
            .part("app_file")
            .named("app.apk")
            .with(shelved)
            .waits(),
        delete(APPLICATION).again(&[404]).with(shelved),
        get("/applications/{application}/versions", none).with(shelved),
        get("/downloads/direct/applications/{application}", none)
            .ok(302)
            .with(shelved),
        post("/uploads", |_| {
            Json(json!({"file_name": "app.apk", "size": 100}))
        })
        .theirs(),
        post("/uploads/{upload}/complete", |f| {
            Json(json!({"parts": [{"partNumber": 1, "etag": f.parts_by_token.1}]}))
        })
        .with(|f| vec![("upload", f.parts_by_token.0.clone())])
        .waits(),
        delete("/uploads/{upload}").with(waiting),
        get("/uploads/{upload}", none).with(waiting),
    ]
}

//! Requests to signing credentials of the Apperian API, and to signing.

use super::Carries::Form;
use super::{Carries, Entry, Furnished, MARK, delete, get, none, post};
use crate::{Part, World, key_file};
use serde_json::json;

const CREDENTIAL: &str = "/credentials/{credential}";

/// A key with its certificate.
const KEY: &str = "rsa.p12";

fn data() -> String {
    json!({"description": MARK, "platform": 2, "password": "secret"}).to_string()
}

fn key() -> Carries {
    Form(key_file(KEY), vec![("data", data())])
}

/// Adds a credential for Android and gives its id.
pub(super) async fn furnish(world: &World, token: &str) -> String {
    let (key, data) = (key_file(KEY), data());
    let parts = [
        Part {
            name: "file",
            file_name: Some("key.p12"),
            content: &key,
        },
        Part {
            name: "data",
            file_name: None,
            content: data.as_bytes(),
        },
    ];
    let added = world
        .call("POST", "/credentials")
        .token(token)
        .parts(parts)
        .send()
        .await;
    assert_eq!(added.status, 200, "{}", added.text);
    added.json["credential"]["psk"]
        .as_str()
        .expect("an id")
        .to_owned()
}

fn credential(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("credential", f.signing.clone())]
}

fn signed(f: &Furnished) -> Vec<(&'static str, String)> {
    // The type of the binary is in an id's last bits: the item has one for Android and one for iOS.
    let item: shared::base::id::AppId = f.shelved.parse().expect("an id");
    vec![
        (
            "application",
            item.binary(shared::base::id::BinaryType::Android).guid(),
        ),
        ("credential", f.signing.clone()),
    ]
}

/// One entry for each row.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        get("/credentials", none).theirs(),
        post("/credentials", |_| key()).named("key.p12").theirs(),
        delete(CREDENTIAL).again(&[404]).with(credential),
        Entry::new(
            "PUT",
            "/applications/{application}/credentials/{credential}",
            none,
        )
        .with(signed),
    ]
}

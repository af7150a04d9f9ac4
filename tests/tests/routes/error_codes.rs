//! Each stable code of an error occurs in a test or a documented pair: what nothing asks for may
//! change unnoticed.

use appdepot_tests::World;
use serde_json::{Value, json};
use shared::base::code::Code;
use std::collections::BTreeSet;
use std::path::Path;

/// The text of every file with one of these extensions under a folder.
fn read_all(folder: &Path, extensions: &[&str], into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            read_all(&path, extensions, into);
        } else if extension.is_some_and(|extension| extensions.contains(&extension)) {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
            into.push('\n');
        }
    }
}

/// Whether a code stands in a text as a word of its own.
fn occurs(code: &str, text: &str) -> bool {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.match_indices(code).any(|(at, _)| {
        !text[..at].ends_with(goes_on) && !text[at + code.len()..].starts_with(goes_on)
    })
}

#[test]
fn each_code_occurs_in_a_test() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = String::new();
    read_all(&here.join("tests"), &["rs"], &mut texts);
    read_all(&here.join("documented"), &["json"], &mut texts);
    let listed = std::fs::read_to_string(here.join("untested-codes.txt")).unwrap();
    let listed: BTreeSet<&str> = listed
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let untested: BTreeSet<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !occurs(code, &texts))
        .collect();
    let new: Vec<_> = untested.difference(&listed).collect();
    assert!(new.is_empty(), "no test asks for these codes: {new:?}");
    let old: Vec<_> = listed.difference(&untested).collect();
    assert!(
        old.is_empty(),
        "take these out of untested-codes.txt, since a test asks for them or they are no codes: \
            {old:?}"
    );
}

/// What is wrong in a body, and the code that tells it.
fn wrong_bodies() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "storeitem/create",
            json!({"name": "x", "description": []}),
            "invalid_description",
        ),
        (
            "storeitem/create",
            json!({"name": "x", "authToken": []}),
            "invalid_authToken",
        ),
        (
            "storeitem/create",
            json!({"name": "x", "restrictToGroups": "maybe"}),
            "invalid_restrictToGroups",
        ),
        (
            "storeitem/prepareupload",
            json!({"allowSignerChange": "maybe"}),
            "invalid_allowSignerChange",
        ),
        (
            "storeitem/uploadstatus",
            json!({"uploadId": "short"}),
            "invalid_uploadId",
        ),
        (
            "user/create",
            json!({"username": "x", "activated": "maybe"}),
            "invalid_activated",
        ),
        (
            "user/create",
            json!({"username": "x", "email": {}}),
            "invalid_email",
        ),
        (
            "user/create",
            json!({"username": "x", "storeItemGroups": {}}),
            "invalid_storeItemGroups",
        ),
        (
            "user/create",
            json!({"username": "x", "teamIds": {}}),
            "invalid_teamIds",
        ),
        (
            "authpolicy/create",
            json!({"checkUserApproved": "maybe"}),
            "invalid_checkUserApproved",
        ),
        (
            "storeitem/setbinaryconfig",
            json!({"guid": "5w477lfgy3jrnovri7gctsba", "type": "android", "config": 1}),
            "invalid_config",
        ),
        (
            "storeitem/rollback",
            json!({"guid": "5w477lfgy3jrnovri7gctsba", "type": "android", "version": "new"}),
            "invalid_version",
        ),
        (
            "storeitem/prepareupload",
            json!({"sha256": 1}),
            "invalid_sha256",
        ),
        (
            "storeitem/prepareupload",
            json!({"parts": "many"}),
            "invalid_parts",
        ),
        (
            "storeitem/prepareupload",
            json!({"fileName": []}),
            "invalid_fileName",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_is_told_by_its_code_and_in_a_sentence() {
    let (world, tenant) = World::new().await;
    let mut wrong = Vec::new();
    for (operation, body, code) in wrong_bodies() {
        let answer = world
            .call("POST", &format!("/box/srv/1.1/admin/{operation}"))
            .cookie(&tenant.cookie)
            .json(body.clone())
            .send()
            .await;
        let (told, detail) = (&answer.json["message"], &answer.json["detail"]);
        let field = code.trim_start_matches("invalid_");
        if answer.status != 400
            || told != code
            || answer.json["msg"] != *told
            || !detail.as_str().is_some_and(|detail| detail.contains(field))
        {
            wrong.push(format!(
                "{operation} {body}: {} and not {code}",
                answer.text
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

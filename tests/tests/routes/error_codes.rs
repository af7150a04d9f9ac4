//! Each stable code of an error occurs in a test or a documented pair: what nothing asks for may
//! change unnoticed.

use appdepot_tests::{Answer, PASSWORD, World};
use serde_json::{Value, json};
use shared::base::clock::Clock as _;
use shared::base::code::Code;
use shared::base::id::{AppId, Guid};
use std::path::Path;

const ADMIN: &str = "/box/srv/1.1/admin";

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
    let untested: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !occurs(code, &texts))
        .collect();
    assert!(
        untested.is_empty(),
        "no test asks for these codes: {untested:?}"
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
            .call("POST", &format!("{ADMIN}/{operation}"))
            .cookie(&tenant.cookie)
            .json(body.clone())
            .send()
            .await;
        let field = code.trim_start_matches("invalid_");
        if let Err(why) = tells(&answer, 400, code, field) {
            wrong.push(format!("{operation} {body}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether an answer of RHMAP's has that status and code, and a sentence beside or after it with
/// these words.
fn tells(answer: &Answer, status: u16, code: &str, words: &str) -> Result<(), String> {
    let (told, detail) = (&answer.json["message"], &answer.json["detail"]);
    let detail = detail.as_str().unwrap_or_default();
    let is_coded = told == code || *told == format!("{code}: {detail}");
    // A sentence has at least three words.
    let is_sentence = detail.split_whitespace().count() >= 3 && detail.contains(words);
    if answer.status == status && is_coded && answer.json["msg"] == *told && is_sentence {
        Ok(())
    } else {
        Err(format!(
            "{} {}, and not {status} {code} with {words:?}",
            answer.status, answer.text
        ))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_request_is_told_by_its_code_whoever_sends_it() {
    let (world, tenant) = World::new().await;
    let made = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/create"),
            json!({"name": "Item"}),
        )
        .await;
    let item = made["guid"].as_str().unwrap();
    let session = world.store_session(&tenant, "admin", "CUID").await;
    let guids = |count: usize| -> Vec<Guid> { (0..count).map(|_| Guid::random()).collect() };
    let apps = |count: usize| -> Vec<String> {
        (0..count)
            .map(|_| AppId::new(world.clock.now()).guid())
            .collect()
    };
    let auth = "/box/srv/1.1/admin/authpolicy/auth";
    let invite = "/box/srv/1.1/ide/dev/user/invite";
    let set_prop = "/box/srv/1.1/ide/dev/user/setProp";
    let events = "/box/srv/1.1/app/eventlog/listEvents";
    let log = format!("{ADMIN}/auditlog/listlogs");
    let prepare = format!("{ADMIN}/storeitem/prepareupload");
    let cases: Vec<(&str, Value, u16, &str, &str)> = vec![
        (
            events,
            json!({"appGuid": {}, "env": "dev"}),
            400,
            "invalid_appGuid",
            "The field appGuid is wrong: it must be a text",
        ),
        (
            events,
            json!({"appGuid": item, "env": "dev", "audit": "maybe"}),
            400,
            "invalid_audit",
            "The field audit is wrong: it must be true or false",
        ),
        (
            "/box/srv/1.1/mas/storeitem/install",
            json!({"guid": item, "download": "maybe"}),
            400,
            "invalid_download",
            "The field download is wrong: it must be true or false",
        ),
        (
            invite,
            json!({"username": "x", "force": "maybe"}),
            400,
            "invalid_force",
            "The field force is wrong: it must be true or false",
        ),
        (
            &log,
            json!({"userId": []}),
            400,
            "invalid_userId",
            "The field userId is wrong: it must be a text",
        ),
        (
            &prepare,
            json!({"guid": item, "type": "android"}),
            400,
            "invalid_size",
            "The field size is missing",
        ),
        (
            &prepare,
            json!({"guid": item, "type": "android", "size": 0}),
            400,
            "invalid_size",
            "The field size must be the number of bytes",
        ),
        (
            set_prop,
            json!({"key": "k", "value": "x".repeat(1_001)}),
            400,
            "invalid_value",
            "a value of at most 1000 characters",
        ),
        (
            set_prop,
            json!({"key": "k", "value": {}}),
            400,
            "invalid_value",
            "The field value is wrong: it must be a text",
        ),
        // These two are answered as the SDK expects it.
        (
            auth,
            json!({"policyId": "FeedHenry", "clientToken": tenant.store}),
            200,
            "invalid_device",
            "The field device must name the device",
        ),
        (
            auth,
            json!({"policyId": "FeedHenry", "device": "d", "clientToken": "x".repeat(201)}),
            200,
            "invalid_clientToken",
            "The field clientToken",
        ),
    ];
    let admin_cases: Vec<(&str, Value, u16, &str, &str)> = vec![
        (
            "user/create",
            json!({"username": "x", "teams": {}}),
            400,
            "invalid_teams",
            "The field teams is wrong: it must be a list of the ids of teams",
        ),
        (
            "user/create",
            json!({"username": "x", "groups": {}}),
            400,
            // As for each field that lists guids.
            "invalid_guid",
            "The field groups is wrong: it must be a list of texts",
        ),
        (
            "user/create",
            json!({"username": "x", "groups": guids(51)}),
            400,
            "invalid_groups",
            "The field groups names at most 50",
        ),
        (
            "storeitem/update",
            json!({"guid": item, "name": "Item", "groups": guids(31)}),
            400,
            "invalid_groups",
            "an item can be in at most 30 groups",
        ),
        (
            "appstore/update",
            json!({"storeitems": apps(20)}),
            400,
            "invalid_storeitems",
            "at most 19 items can come or go in one call",
        ),
    ];
    let admin_cases = admin_cases
        .into_iter()
        .map(|(operation, body, status, code, words)| {
            (format!("{ADMIN}/{operation}"), body, status, code, words)
        });
    let cases = cases
        .into_iter()
        .map(|(path, body, status, code, words)| (path.to_owned(), body, status, code, words));
    let mut wrong = Vec::new();
    for (path, body, status, code, words) in cases.chain(admin_cases) {
        let call = world.call("POST", &path).json(body.clone());
        let call = if path.contains("/mas/") {
            call.session(&session)
        } else if path == auth {
            call
        } else {
            call.cookie(&tenant.cookie)
        };
        if let Err(why) = tells(&call.send().await, status, code, words) {
            wrong.push(format!("{path} {body}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The answer names the field; the code that the service has for it is one for all such fields.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_without_a_code_of_its_own_is_named_all_the_same() {
    let (world, tenant) = World::new().await;
    let answer = world
        .call("POST", &format!("{ADMIN}/auditlog/listlogs"))
        .cookie(&tenant.cookie)
        .json(json!({"deviceId": []}))
        .send()
        .await;
    let words = "The field deviceId is wrong: it must be a text";
    tells(&answer, 400, "invalid_deviceId", words).unwrap();
    assert_eq!(Code::of_field("deviceId").as_str(), "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_no_json_objects_are_told_by_their_codes_too() {
    let (world, tenant) = World::new().await;
    let form = |body: &str| {
        world
            .call("POST", &format!("{ADMIN}/storeitem/uploadbinary"))
            .cookie(&tenant.cookie)
            .raw("multipart/form-data; boundary=x", body.as_bytes().to_vec())
            .send()
    };
    let torn = form("--x\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nandr").await;
    let words = "not a well-formed multipart form";
    tells(&torn, 400, "invalid_multipart", words).unwrap();
    let part = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n";
    let long = form(&format!("{}--x--\r\n", part.repeat(21))).await;
    tells(&long, 400, "invalid_multipart", "more than 20 parts").unwrap();

    let key = Guid::random();
    let unknown = world
        .call(
            "GET",
            &format!("/box/srv/1.1/dat/log/read?cacheKeys=%5B%7B%22cacheKey%22:%22{key}%22%7D%5D"),
        )
        .cookie(&tenant.cookie)
        .send()
        .await;
    let words = "There is no import with this cacheKey";
    tells(&unknown, 404, "invalid_cacheKey", words).unwrap();

    let elsewhere = world
        .call("POST", "/box/srv/1.1/act/sys/auth/login")
        .host("other.apps.example")
        .json(json!({"u": "admin", "p": PASSWORD, "d": tenant.domain}))
        .send()
        .await;
    let words = "names another domain than the one that its host belongs to";
    tells(&elsewhere, 400, "invalid_domain", words).unwrap();

    let token = world.token(&tenant, &tenant.admin).await;
    let list = world
        .call("POST", "/ease.interface.php/com.apperian.eas.apps.getlist")
        .token(&token)
        .json(json!({"id": 7, "jsonrpc": "2.0", "params": ["a"]}))
        .send()
        .await;
    let error = &list.json["error"];
    assert_eq!(
        (
            list.http,
            &list.json["id"],
            &error["code"],
            &error["data"]["status"]
        ),
        (200, &json!(7), &json!(-32602), &json!(400)),
        "{}",
        list.text
    );
    assert_eq!(
        error["message"],
        "invalid_params: The field params of the call must be a JSON object"
    );
}

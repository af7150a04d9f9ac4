//! The application API of PingID (002): its messages, its four operations, and the settings that
//! sign them.

use std::collections::{BTreeMap, BTreeSet};

use appdepot_tests::pingid::{PingSettings, path, sign, signature};
use appdepot_tests::{Answer, TestTenant, World, all};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::model::pingid::ping_application::Application;
use shared::services::context::Settings;
use shared::store::wrappers::Fault;
use shared::store::{keys, record};

const ADMIN: &str = "/box/srv/1.1/admin/pingid";

async fn world() -> (World, TestTenant, PingSettings) {
    let (world, tenant) = World::new().await;
    let settings = world.pingid(&tenant).await;
    (world, tenant, settings)
}

fn app(id: &str, name: &str) -> Value {
    json!({"application": {"id": id, "name": name}})
}

fn body(answer: &Answer) -> &Value {
    &answer.json["responseBody"]
}

/// That an answer is of this status and code, signed by these settings; gives its text.
fn is_refused(settings: &PingSettings, answer: &Answer, status: u16, id: i32) -> String {
    assert_eq!(
        (answer.status, &body(answer)["errorId"]),
        (status, &json!(id)),
        "{}",
        answer.json
    );
    settings.opened(answer);
    body(answer)["errorMsg"]
        .as_str()
        .expect("a text")
        .to_owned()
}

async fn done(world: &World, settings: &PingSettings, operation: &str, request: &Value) -> Value {
    let answer = world.ping(settings, operation, request).await;
    assert_eq!(answer.status, 200, "{operation}: {}", answer.json);
    let opened = settings.opened(&answer);
    let mut said = opened["responseBody"].clone();
    assert_eq!(
        (&said["errorId"], &said["errorMsg"]),
        (&json!(200), &Value::Null)
    );
    let unique = said["uniqueMsgId"].as_str().expect("an id").to_owned();
    assert!(
        unique.starts_with("webs_")
            && unique.len() == 48
            && URL_SAFE_NO_PAD
                .decode(&unique[5..])
                .is_ok_and(|bytes| bytes.len() == 32),
        "{unique}"
    );
    said["uniqueMsgId"].take();
    said
}

fn listed(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
        .collect()
}

/// Puts applications straight into the table.
async fn stock(
    world: &World,
    tenant: &TestTenant,
    applications: impl IntoIterator<Item = (String, String)>,
) {
    let now = world.plain.clock.now();
    let write = |(id, name): (String, String)| {
        let application = Application {
            id,
            name,
            created: now,
            modified: now,
        };
        record::create(
            keys::ping_application(tenant.tenant_id, &application.id),
            &application,
        )
        .expect("a record")
    };
    let writes: Vec<_> = applications.into_iter().map(write).collect();
    for batch in writes.chunks(100) {
        world
            .plain
            .table
            .write(batch.to_vec())
            .await
            .expect("applications are written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_four_operations_answer_as_documented() {
    let (world, _, settings) = world().await;
    let id = "https://sp.example/saml:metadata";
    let added = done(&world, &settings, "addapplication", &app(id, "Payroll")).await;
    let whole = json!({
        "clientData": null,
        "errorId": 200,
        "errorMsg": null,
        "application": {"id": id, "name": "Payroll"},
        "uniqueMsgId": null,
    });
    assert_eq!(added, whole);
    done(&world, &settings, "addapplication", &app("B", "Second")).await;
    done(&world, &settings, "addapplication", &app("b", "Second")).await;
    let list = done(
        &world,
        &settings,
        "getapplications",
        &json!({"clientData": "kept"}),
    )
    .await;
    let applications = json!([
        {"id": "B", "name": "Second"}, {"id": "b", "name": "Second"}, {"id": id, "name": "Payroll"},
    ]);
    assert_eq!(
        list,
        json!({
            "clientData": "kept", "errorId": 200, "errorMsg": null, "applications": applications,
            "uniqueMsgId": null,
        })
    );
    let updated = done(
        &world,
        &settings,
        "updateapplications",
        &json!({"appsData": {id: {"id": "new id", "name": "Wages"}}}),
    )
    .await;
    assert_eq!(
        updated,
        json!({"clientData": null, "errorId": 200, "errorMsg": null, "uniqueMsgId": null})
    );
    assert_eq!(
        world.ping_list(&settings).await,
        listed(&[("B", "Second"), ("b", "Second"), ("new id", "Wages")])
    );
    let deleted = done(
        &world,
        &settings,
        "deleteapplications",
        &json!({"applicationsIds": ["new id", "b", "b"]}),
    )
    .await;
    assert_eq!(deleted, updated);
    assert_eq!(world.ping_list(&settings).await, listed(&[("B", "Second")]));
}

/// What the client sends to have it back comes back as it was, in success and refusal.
#[tokio::test(flavor = "multi_thread")]
async fn client_data_comes_back_unchanged() {
    let (world, _, settings) = world().await;
    let long = "\u{1F600} \"\\\u{7f}é".repeat(1_000);
    for data in [
        json!("state"),
        json!(""),
        json!(long),
        json!({"a": [1, null]}),
        json!(7),
        json!(null),
    ] {
        let listed = world
            .ping(&settings, "getapplications", &json!({"clientData": data}))
            .await;
        assert_eq!(settings.opened(&listed)["responseBody"]["clientData"], data);
        let refused = world
            .ping(&settings, "addapplication", &json!({"clientData": data}))
            .await;
        assert_eq!(refused.status, 400);
        assert_eq!(
            settings.opened(&refused)["responseBody"]["clientData"],
            data
        );
    }
    let without = done(&world, &settings, "getapplications", &json!({})).await;
    assert!(
        without
            .as_object()
            .is_some_and(|fields| fields.contains_key("clientData"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_named_and_changes_nothing() {
    let (world, tenant, settings) = world().await;
    stock(
        &world,
        &tenant,
        [("one", "One"), ("two", "Two")].map(|(id, name)| (id.to_owned(), name.to_owned())),
    )
    .await;
    let (long_id, long_name) = ("é".repeat(256), "é".repeat(21));
    let before = world.snapshot().await;
    let changes = |changes: Value| json!({"appsData": changes});
    let ids = |ids: Value| json!({"applicationsIds": ids});
    let refused: Vec<(&str, Value, &str)> = vec![
        ("addapplication", json!({}), "application is missing"),
        (
            "addapplication",
            json!({"application": null}),
            "application is missing",
        ),
        (
            "addapplication",
            json!({"application": "x"}),
            "application must be an object",
        ),
        (
            "addapplication",
            json!({"application": {"name": "X"}}),
            "application.id is missing",
        ),
        (
            "addapplication",
            json!({"application": {"id": "x"}}),
            "application.name is missing",
        ),
        (
            "addapplication",
            json!({"application": {"id": 5, "name": "X"}}),
            "application.id must be a text",
        ),
        ("addapplication", app("", "X"), "application.id is blank"),
        (
            "addapplication",
            app(" \u{a0}", "X"),
            "application.id is blank",
        ),
        ("addapplication", app("x", " "), "application.name is blank"),
        (
            "addapplication",
            app(&long_id, "X"),
            "application.id has more than 255 characters",
        ),
        (
            "addapplication",
            app("x", &long_name),
            "application.name has more than 20 characters",
        ),
        (
            "addapplication",
            app("a\nb", "X"),
            "application.id may hold printable characters only",
        ),
        (
            "addapplication",
            app("a\u{202e}b", "X"),
            "application.id may hold printable characters only",
        ),
        (
            "addapplication",
            app("x", "a-b"),
            "application.name may hold letters, digits and spaces only",
        ),
        (
            "addapplication",
            app("one", "X"),
            "application.id: there is an application \"one\" already",
        ),
        ("updateapplications", json!({}), "appsData is missing"),
        (
            "updateapplications",
            changes(json!([])),
            "appsData must be an object",
        ),
        (
            "updateapplications",
            changes(json!({})),
            "appsData names no application",
        ),
        (
            "updateapplications",
            changes(json!({"one": "x"})),
            "appsData[\"one\"] must be an object",
        ),
        (
            "updateapplications",
            changes(json!({"one": {"name": "X"}, "none": {"name": "X"}})),
            "appsData: there is no application \"none\"",
        ),
        (
            "updateapplications",
            changes(json!({"ONE": {"name": "X"}})),
            "appsData: there is no application \"ONE\"",
        ),
        (
            "updateapplications",
            changes(json!({"": {"name": "X"}})),
            "appsData: there is no application \"\"",
        ),
        (
            "updateapplications",
            changes(json!({"one": {"name": "X", "id": "two"}})),
            "appsData: there is an application \"two\" already",
        ),
        (
            "updateapplications",
            changes(json!({"one": {"id": "new"}, "two": {"id": "new"}})),
            "appsData: two applications would have the id \"new\"",
        ),
        (
            "updateapplications",
            changes(json!({"one": {"id": "two"}, "two": {"name": "X"}})),
            "appsData: two applications would have the id \"two\"",
        ),
        (
            "updateapplications",
            changes(json!({"one": {"id": long_id}})),
            "appsData[\"one\"].id has more than 255 characters",
        ),
        (
            "updateapplications",
            changes(json!({"two": {"name": "X"}, "one": {"name": long_name}})),
            "appsData[\"one\"].name has more than 20 characters",
        ),
        (
            "updateapplications",
            changes(json!({"one": {"name": ""}})),
            "appsData[\"one\"].name is blank",
        ),
        (
            "deleteapplications",
            json!({}),
            "applicationsIds is missing",
        ),
        (
            "deleteapplications",
            ids(json!("one")),
            "applicationsIds must be a list",
        ),
        (
            "deleteapplications",
            ids(json!([])),
            "applicationsIds names no application",
        ),
        (
            "deleteapplications",
            ids(json!(["one", 2])),
            "applicationsIds[1] must be a text",
        ),
        (
            "deleteapplications",
            ids(json!(["one", "none"])),
            "applicationsIds: there is no application \"none\"",
        ),
    ];
    for (operation, request, text) in refused {
        let answer = world.ping(&settings, operation, &request).await;
        assert_eq!(
            is_refused(&settings, &answer, 400, 400),
            format!("Invalid input. {text}"),
            "{operation} {request}"
        );
        assert!(
            world.snapshot().await == before,
            "{operation} {request} changed something"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_count_characters() {
    let (world, _, settings) = world().await;
    for wide in ["x", "é", "日", "\u{1F600}"] {
        let id = wide.repeat(255);
        let added = done(&world, &settings, "addapplication", &app(&id, "X")).await;
        assert_eq!(added["application"]["id"], id);
    }
    for wide in ["x", "é", "日", "𝒳"] {
        let name = wide.repeat(20);
        let added = done(&world, &settings, "addapplication", &app(wide, &name)).await;
        assert_eq!(added["application"]["name"], name);
    }
    assert_eq!(world.ping_list(&settings).await.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_update_does_not_name_stays() {
    let (world, tenant, settings) = world().await;
    stock(
        &world,
        &tenant,
        [("one", "One"), ("two", "Two")].map(|(id, name)| (id.to_owned(), name.to_owned())),
    )
    .await;
    for (changes, after) in [
        (
            json!({"one": {"name": "Uno"}}),
            [("one", "Uno"), ("two", "Two")],
        ),
        (
            json!({"one": {"id": "eins"}, "two": {}}),
            [("eins", "Uno"), ("two", "Two")],
        ),
        (
            json!({"eins": {"id": "eins", "name": null}, "two": {"id": null, "name": "Dos"}}),
            [("eins", "Uno"), ("two", "Dos")],
        ),
    ] {
        done(
            &world,
            &settings,
            "updateapplications",
            &json!({"appsData": changes}),
        )
        .await;
        assert_eq!(
            world.ping_list(&settings).await,
            listed(&after),
            "{changes}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_change_places_in_one_call() {
    let (world, tenant, settings) = world().await;
    stock(
        &world,
        &tenant,
        (0..100).map(|number| (format!("id {number:02}"), format!("Name {number:02}"))),
    )
    .await;
    let swap = json!({
        "appsData": {"id 00": {"id": "id 01"}, "id 01": {"id": "id 00", "name": "Swapped"}},
    });
    done(&world, &settings, "updateapplications", &swap).await;
    let list = world.ping_list(&settings).await;
    assert_eq!(
        (list["id 00"].as_str(), list["id 01"].as_str(), list.len()),
        ("Swapped", "Name 00", 100)
    );
    // A ring of a hundred: each takes the place of the next.
    let ring: BTreeMap<String, Value> = (0..100)
        .map(|number| {
            (
                format!("id {number:02}"),
                json!({"id": format!("id {:02}", (number + 1) % 100)}),
            )
        })
        .collect();
    done(
        &world,
        &settings,
        "updateapplications",
        &json!({"appsData": ring}),
    )
    .await;
    let after = world.ping_list(&settings).await;
    let moved = |number: usize| {
        (
            list[&format!("id {number:02}")].clone(),
            after[&format!("id {:02}", (number + 1) % 100)].clone(),
        )
    };
    assert!(
        (0..100).map(moved).all(|(before, after)| before == after),
        "{after:?}"
    );
    // A chain: the last goes to a new id, each of the others to the next one's.
    let chain: BTreeMap<String, Value> = (0..30)
        .map(|number| {
            (
                format!("id {number:02}"),
                json!({"id": format!("id {:02}", number + 1)}),
            )
        })
        .collect();
    let mut chain = json!(chain);
    chain["id 30"] = json!({"id": "at the end"});
    done(
        &world,
        &settings,
        "updateapplications",
        &json!({"appsData": chain}),
    )
    .await;
    let chained = world.ping_list(&settings).await;
    assert_eq!(
        (
            &chained["id 01"],
            &chained["at the end"],
            chained.get("id 00")
        ),
        (&after["id 00"], &after["id 30"], None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_changes_as_many_as_one_transaction_holds() {
    let (world, tenant, settings) = world().await;
    stock(
        &world,
        &tenant,
        (0..120).map(|number| (format!("old {number:03}"), "Same".to_owned())),
    )
    .await;
    let renames = |count: usize| -> Value {
        let pair = |number: usize| {
            (
                format!("old {number:03}"),
                json!({"id": format!("new {number:03}"), "name": "Renamed"}),
            )
        };
        json!({"appsData": (0..count).map(pair).collect::<BTreeMap<_, _>>()})
    };
    let names = |count: usize| -> Value {
        json!({
            "appsData": (0..count).map(
                |number| (format!("old {number:03}"), json!({"name": "Other"}))
            ).collect::<BTreeMap<_,
            _>>(),
        })
    };
    let before = world.snapshot().await;
    for request in [renames(51), names(101), renames(110)] {
        let text = is_refused(
            &settings,
            &world.ping(&settings, "updateapplications", &request).await,
            400,
            400,
        );
        assert!(
            text.contains("50 renames") && text.contains("100 changes"),
            "{text}"
        );
    }
    let ids: Vec<String> = (0..101).map(|number| format!("old {number:03}")).collect();
    let refused = world
        .ping(
            &settings,
            "deleteapplications",
            &json!({"applicationsIds": ids}),
        )
        .await;
    assert_eq!(
        is_refused(&settings, &refused, 400, 400),
        "Invalid input. applicationsIds: at most 100 ids in one call"
    );
    assert!(world.snapshot().await == before);
    done(&world, &settings, "updateapplications", &names(100)).await;
    done(&world, &settings, "updateapplications", &renames(50)).await;
    let list = world.ping_list(&settings).await;
    assert_eq!(list.values().filter(|name| *name == "Renamed").count(), 50);
    assert_eq!(list.len(), 120);
    // Each id once, however often it stands there.
    let ids: Vec<String> = list
        .keys()
        .take(100)
        .flat_map(|id| [id.clone(), id.clone()])
        .collect();
    done(
        &world,
        &settings,
        "deleteapplications",
        &json!({"applicationsIds": ids}),
    )
    .await;
    assert_eq!(world.ping_list(&settings).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_applications_are_listed_whole_and_more_than_an_answer_holds_is_refused() {
    let (world, tenant, settings) = world().await;
    let id = |number: usize| format!("https://sp{number:05}.partners.example/saml/metadata");
    stock(
        &world,
        &tenant,
        (0..10_000).map(|number| (id(number), format!("Application {number}"))),
    )
    .await;
    world.counting.take();
    let answer = world.ping(&settings, "getapplications", &json!({})).await;
    let counts = world.counting.take();
    let opened = settings.opened(&answer);
    let list = opened["responseBody"]["applications"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.json))
        .clone();
    let ids: Vec<&str> = list
        .iter()
        .map(|application| application["id"].as_str().unwrap())
        .collect();
    assert!(
        ids.len() == 10_000 && ids.is_sorted() && ids[9_999] == id(9_999),
        "{} ids",
        ids.len()
    );
    assert!(counts.calls <= 7, "one query for each megabyte: {counts:?}");
    let more =
        (0..10_000).map(|number| (format!("{number:05}{}", "é".repeat(250)), "X".to_owned()));
    stock(&world, &tenant, more).await;
    let answer = world
        .ping(&settings, "getapplications", &json!({"clientData": "kept"}))
        .await;
    let text = is_refused(&settings, &answer, 413, 413);
    assert!(text.contains("20000 applications"), "{text}");
    assert_eq!(body(&answer)["clientData"], "kept");
    // It is not too large to be changed.
    done(
        &world,
        &settings,
        "deleteapplications",
        &json!({"applicationsIds": [id(0)]}),
    )
    .await;
}

/// Everything that clients of the vendor's are known to send differently.
#[tokio::test(flavor = "multi_thread")]
async fn every_known_form_of_a_message_is_taken() {
    let (world, _, settings) = world().await;
    let PingSettings { alias, token, .. } = &settings;
    let headers = [
        json!({"alg": "HS256", "orgAlias": alias, "token": token}),
        json!({"alg": "HS256", "org_alias": alias, "orgAlias": alias, "token": token}),
        json!({"typ": "JWT", "alg": "HS256", "orgAlias": alias, "token": token}),
        json!({
            "alg": "HS256", "org_alias": alias, "token": token, "kid": "x", "jwt_version": 4,
            "more": {"a": [1]},
        }),
    ];
    for header in &headers {
        let message = settings.signed(
            header,
            &json!({"reqHeader": settings.req_header("x"), "reqBody": {}}),
        );
        let answer = world
            .call("POST", &path("getapplications"))
            .raw("application/json", message.into_bytes())
            .send()
            .await;
        assert_eq!(
            (answer.status, &body(&answer)["errorId"]),
            (200, &json!(200)),
            "{header}: {}",
            answer.json
        );
        settings.opened(&answer);
    }
    let payloads = [
        json!({"reqHeader": {}}),
        json!({
            "reqHeader": {"orgAlias": null, "secretKey": null, "sessionId": null},
            "reqBody": {},
        }),
        json!({
            "reqHeader": {
                "orgAlias": alias, "secretKey": token, "version": 4.9, "timestamp": 17,
                "locale": null, "more": [1],
            },
            "reqBody": null,
        }),
        json!({
            "reqHeader": {"version": "4.9.17", "timestamp": "/Date(1700000000000)/"},
            "reqBody": {"unknown": {"x": 1}},
        }),
        json!({"reqHeader": {"timestamp": "2001-01-01 00:00:00.000"}, "reqBody": {}, "more": 1}),
        json!({"reqBody": {}}),
    ];
    for payload in &payloads {
        let message = settings.signed(&settings.header(), payload);
        for (content_type, text) in [
            ("application/json", message.clone()),
            ("application/octet-stream", format!("  {message}\r\n")),
            ("text/plain", message.clone()),
            ("application/x-www-form-urlencoded", message.clone()),
        ] {
            let answer = world
                .call("POST", &path("getapplications"))
                .raw(content_type, text.into_bytes())
                .send()
                .await;
            assert_eq!(
                answer.status, 200,
                "{content_type} {payload}: {}",
                answer.json
            );
            assert_eq!(
                answer.header("content-type"),
                "application/json; charset=utf-8"
            );
        }
    }
}

/// A message that does not count, with the status that it meets.
struct Forged {
    what: &'static str,
    text: String,
    status: u16,
    /// Whose key signs the answer, where one is known by then.
    signed: Option<PingSettings>,
}

fn forged(settings: &PingSettings, other: &PingSettings, api_key: &str) -> Vec<Forged> {
    let (key, header) = (&settings.key, settings.header());
    let payload = json!({
        "reqHeader": settings.req_header("x"),
        "reqBody": {"application": {"id": "forged", "name": "Forged"}},
    });
    let sound = settings.signed(&header, &payload);
    let parts: Vec<&str> = sound.split('.').collect();
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        settings.signed(&header, &payload)
    };
    let without = |name: &str| {
        let mut header = header.clone();
        header.as_object_mut().unwrap().remove(name);
        settings.signed(&header, &payload)
    };
    let named = |name: &str, value: Value| {
        let mut payload = payload.clone();
        payload["reqHeader"][name] = value;
        settings.signed(&header, &payload)
    };
    let text = |text: &str| sign(key, text, &payload.to_string());
    let (alias, token) = (&settings.alias, &settings.token);
    let mut flipped = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    flipped[31] ^= 1;
    let unsigned = |alg: &str| {
        let header = json!({"alg": alg, "org_alias": alias, "token": token}).to_string();
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), parts[1])
    };
    let changed = URL_SAFE_NO_PAD.encode(payload.to_string().replace("forged", "chosen"));
    let (yes, no) = (|| Some(settings.clone()), || None);
    vec![
        (
            "another key",
            sign(&[7; 32], &header.to_string(), &payload.to_string()),
            403,
            yes(),
        ),
        (
            "an empty key",
            sign(&[], &header.to_string(), &payload.to_string()),
            403,
            yes(),
        ),
        (
            "the token as key",
            sign(token.as_bytes(), &header.to_string(), &payload.to_string()),
            403,
            yes(),
        ),
        (
            "the key as it stands in the file",
            sign(
                STANDARD.encode(key).as_bytes(),
                &header.to_string(),
                &payload.to_string(),
            ),
            403,
            yes(),
        ),
        (
            "another tenant's key",
            sign(&other.key, &header.to_string(), &payload.to_string()),
            403,
            yes(),
        ),
        (
            "a changed signature",
            format!(
                "{}.{}.{}",
                parts[0],
                parts[1],
                URL_SAFE_NO_PAD.encode(&flipped)
            ),
            403,
            yes(),
        ),
        (
            "a short signature",
            format!("{}.{}.{}", parts[0], parts[1], &parts[2][..40]),
            403,
            yes(),
        ),
        (
            "a signature of one byte",
            format!("{}.{}.AA", parts[0], parts[1]),
            403,
            yes(),
        ),
        (
            "no signature",
            format!("{}.{}.", parts[0], parts[1]),
            403,
            yes(),
        ),
        (
            "a changed payload",
            format!("{}.{changed}.{}", parts[0], parts[2]),
            403,
            yes(),
        ),
        ("alg none without a signature", unsigned("none"), 403, no()),
        ("alg None without a signature", unsigned("None"), 403, no()),
        (
            "alg HS256 without a signature",
            unsigned("HS256"),
            403,
            yes(),
        ),
        ("alg none, signed", with("alg", json!("none")), 403, no()),
        ("alg HS384", with("alg", json!("HS384")), 403, no()),
        ("alg HS512", with("alg", json!("HS512")), 403, no()),
        ("alg RS256", with("alg", json!("RS256")), 403, no()),
        ("alg ES256", with("alg", json!("ES256")), 403, no()),
        ("alg hs256", with("alg", json!("hs256")), 403, no()),
        ("alg null", with("alg", json!(null)), 403, no()),
        ("alg in a list", with("alg", json!(["HS256"])), 400, no()),
        ("no alg", without("alg"), 403, no()),
        ("crit", with("crit", json!(["b64"])), 403, no()),
        ("crit that is empty", with("crit", json!([])), 403, no()),
        ("crit null", with("crit", json!(null)), 403, no()),
        ("b64", with("b64", json!(false)), 403, no()),
        (
            "alg twice",
            text(&format!(
                r#"{{"alg":"none","alg":"HS256","org_alias":"{alias}","token":"{token}"}}"#
            )),
            400,
            no(),
        ),
        (
            "token twice",
            text(&format!(
                r#"{{"alg":"HS256","org_alias":"{alias}","token":"{}","token":"{token}"}}"#,
                other.token
            )),
            400,
            no(),
        ),
        ("no token", without("token"), 403, no()),
        ("no alias", without("org_alias"), 403, no()),
        (
            "a token of nobody",
            with("token", json!("0".repeat(40))),
            403,
            no(),
        ),
        (
            "a token that is none",
            with("token", json!("../../etc")),
            403,
            no(),
        ),
        (
            "an API key for a token",
            with("token", json!(api_key)),
            403,
            no(),
        ),
        (
            "another tenant's token",
            with("token", json!(other.token)),
            403,
            Some(other.clone()),
        ),
        (
            "another alias",
            with("org_alias", json!(other.alias)),
            403,
            yes(),
        ),
        (
            "two aliases",
            with("orgAlias", json!(other.alias)),
            403,
            yes(),
        ),
        (
            "an alias in other letters",
            with("org_alias", json!(alias.to_uppercase())),
            403,
            yes(),
        ),
        (
            "another alias in reqHeader",
            named("orgAlias", json!(other.alias)),
            403,
            yes(),
        ),
        (
            "an empty alias in reqHeader",
            named("orgAlias", json!("")),
            403,
            yes(),
        ),
        (
            "another token in reqHeader",
            named("secretKey", json!(other.token)),
            403,
            yes(),
        ),
        (
            "an alias that is no text",
            named("orgAlias", json!([alias])),
            400,
            yes(),
        ),
        ("four parts", format!("{sound}.{}", parts[2]), 400, no()),
        ("two parts", format!("{}.{}", parts[0], parts[1]), 400, no()),
        ("one part", parts[0].to_owned(), 400, no()),
        ("dots", "..".to_owned(), 400, no()),
        ("nothing", String::new(), 400, no()),
        (
            "padding",
            format!("{}=.{}.{}=", parts[0], parts[1], parts[2]),
            400,
            no(),
        ),
        (
            "base64 that is not base64url",
            format!("{}.{}+.{}", parts[0], parts[1], parts[2]),
            400,
            no(),
        ),
        (
            "a line break inside",
            format!("{}\n.{}.{}", parts[0], parts[1], parts[2]),
            400,
            no(),
        ),
        ("quotes around", format!("\"{sound}\""), 400, no()),
        ("a header that is a list", text("[\"HS256\"]"), 400, no()),
        ("a header that is no JSON", text("alg"), 400, no()),
        (
            "a payload that is a list",
            sign(key, &header.to_string(), "[{},{\"application\":{}}]"),
            400,
            yes(),
        ),
        (
            "a payload that is no JSON",
            sign(key, &header.to_string(), "x"),
            400,
            yes(),
        ),
        (
            "a payload of another form",
            settings.signed(&header, &payload["reqBody"]),
            400,
            yes(),
        ),
        (
            "two bodies",
            sign(key, &header.to_string(), r#"{"reqBody":{},"reqBody":{}}"#),
            400,
            yes(),
        ),
        (
            "a body that is a list",
            settings.signed(&header, &json!({"reqHeader": {}, "reqBody": []})),
            400,
            yes(),
        ),
        (
            "a body of great depth",
            sign(
                key,
                &header.to_string(),
                &format!("{{\"reqBody\":{}1", "[".repeat(100_000)),
            ),
            400,
            yes(),
        ),
        (
            "a message that is too large",
            settings.signed(
                &header,
                &json!({"reqBody": {"clientData": "x".repeat(262_144)}}),
            ),
            413,
            no(),
        ),
    ]
    .into_iter()
    .map(|(what, text, status, signed)| Forged {
        what,
        text,
        status,
        signed,
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_messages_are_refused_and_change_nothing() {
    let (world, tenant, settings) = world().await;
    let other = world.tenant("other").await;
    let other = world.pingid(&other).await;
    let made = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/ide/dev/api/create",
            json!({"type": "user", "label": "a key"}),
        )
        .await;
    let api_key = made["apiKey"]["key"].as_str().unwrap().to_owned();
    let before = world.snapshot().await;
    for Forged {
        what,
        text,
        status,
        signed,
    } in forged(&settings, &other, &api_key)
    {
        let answer = world
            .call("POST", &path("addapplication"))
            .raw("application/json", text.into_bytes())
            .send()
            .await;
        assert_eq!(
            (answer.status, &body(&answer)["errorId"]),
            (status, &json!(status)),
            "{what}: {}",
            answer.text
        );
        assert!(!body(&answer)["errorMsg"].as_str().unwrap().is_empty());
        match signed {
            Some(by) => drop(by.opened(&answer)),
            None => assert!(answer.text.starts_with('{'), "{what}: {}", answer.text),
        }
        assert!(world.snapshot().await == before, "{what} changed something");
    }
    // The message that they were made of is sound.
    done(
        &world,
        &settings,
        "addapplication",
        &app("forged", "Forged"),
    )
    .await;
    // The token opens nothing else.
    for name in ["x-fh-auth-user", "x-token"] {
        let answer = world
            .call("GET", &format!("{ADMIN}/settings"))
            .header(name, &settings.token)
            .send()
            .await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.text);
    }
}

/// Our answers are signed with the key of the requests: who only knows the token gets refusals
/// signed, and none of them is a request.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_no_request_and_repeats_nothing_unverified() {
    let (world, _, settings) = world().await;
    let trap =
        json!({"reqHeader": {}, "reqBody": {"clientData": {"reqHeader": {}, "reqBody": {}}}});
    let forged = sign(&[7; 32], &settings.header().to_string(), &trap.to_string());
    let refused = world
        .call("POST", &path("getapplications"))
        .raw("application/json", forged.into_bytes())
        .send()
        .await;
    assert_eq!(
        is_refused(&settings, &refused, 403, 403),
        "Request signature is not valid"
    );
    assert_eq!(body(&refused)["clientData"], Value::Null);
    let listed = world
        .ping(
            &settings,
            "getapplications",
            &json!({"clientData": {"reqHeader": {}, "reqBody": {}}}),
        )
        .await;
    for answer in [refused, listed] {
        let again = world
            .call("POST", &path("getapplications"))
            .raw("application/json", answer.text.into_bytes())
            .send()
            .await;
        assert_eq!(again.status, 400, "{}", again.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_have_lists_of_their_own() {
    let (world, _, settings) = world().await;
    let other = world.tenant("other").await;
    let other = world.pingid(&other).await;
    done(&world, &settings, "addapplication", &app("shared", "Ours")).await;
    done(&world, &other, "addapplication", &app("shared", "Theirs")).await;
    done(
        &world,
        &other,
        "deleteapplications",
        &json!({"applicationsIds": ["shared"]}),
    )
    .await;
    assert_eq!(
        world.ping_list(&settings).await,
        listed(&[("shared", "Ours")])
    );
    assert_eq!(world.ping_list(&other).await, listed(&[]));
}

async fn strict() -> (World, TestTenant, PingSettings) {
    let (world, tenant) = World::with_settings(
        Settings {
            strict_messages: true,
            ..World::public_settings()
        },
        1,
    )
    .await;
    let settings = world.pingid(&tenant).await;
    (world, tenant, settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_deployment_takes_a_message_once() {
    let (world, _, settings) = strict().await;
    let now = world.plain.clock.now().dotted();
    let message = settings.message_at(&now, &app("once", "Once"));
    let send = |text: String| {
        world
            .call("POST", &path("addapplication"))
            .raw("application/json", text.into_bytes())
            .send()
    };
    let answers = all((0..200).map(|turn| {
        send(if turn % 2 == 0 {
            message.clone()
        } else {
            format!(" {message}\n")
        })
    }))
    .await;
    let added = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(added, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(
            is_refused(&settings, answer, 403, 403),
            "This message was sent before"
        );
    }
    done(
        &world,
        &settings,
        "deleteapplications",
        &json!({"applicationsIds": ["once"]}),
    )
    .await;
    // As long as its time is good it stays refused, and then its time is not good any more.
    world.clock.advance_seconds(290);
    assert_eq!(
        is_refused(&settings, &send(message.clone()).await, 403, 403),
        "This message was sent before"
    );
    for _ in 0..3 {
        world.clock.advance_seconds(400);
        assert!(
            is_refused(&settings, &send(message.clone()).await, 403, 403)
                .contains("within 300 seconds")
        );
    }
    assert_eq!(world.ping_list(&settings).await, listed(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_deployment_takes_messages_of_its_time() {
    let (world, _, settings) = strict().await;
    let send = |text: String| {
        world
            .call("POST", &path("getapplications"))
            .raw("application/json", text.into_bytes())
            .send()
    };
    for (seconds, status) in [
        (-290, 200),
        (290, 200),
        (-301, 403),
        (310, 403),
        (-86_400, 403),
    ] {
        let sent = world.plain.clock.now().plus_seconds(seconds).dotted();
        let answer = send(settings.message_at(&sent, &json!({}))).await;
        assert_eq!(answer.status, status, "{seconds}: {}", answer.json);
    }
    let now = world.plain.clock.now();
    let iso = format!(
        "{}.{:03}Z",
        now.rfc3339().trim_end_matches('Z'),
        now.0 % 1_000
    );
    for form in [iso, now.rfc3339(), now.plain(), format!("{}Z", now.plain())] {
        assert_eq!(
            send(settings.message_at(&form, &json!({}))).await.status,
            200,
            "{form}"
        );
    }
    for form in ["", "yesterday", "/Date(1700000000000)/"] {
        assert!(
            is_refused(
                &settings,
                &send(settings.message_at(form, &json!({}))).await,
                403,
                403
            )
            .contains("timestamp"),
            "{form}"
        );
    }
    let silent = settings.signed(&settings.header(), &json!({"reqHeader": {}, "reqBody": {}}));
    assert!(is_refused(&settings, &send(silent).await, 403, 403).contains("timestamp"));
}

/// The lists that some order of these changes gives, each change all or none.
fn in_some_order(
    before: &BTreeMap<String, String>,
    changes: &[Change],
) -> BTreeSet<BTreeMap<String, String>> {
    if changes.is_empty() {
        return BTreeSet::from([before.clone()]);
    }
    let mut ends = BTreeSet::new();
    for first in 0..changes.len() {
        let mut rest = changes.to_vec();
        let change = rest.remove(first);
        if let Some(after) = change.done(before) {
            ends.extend(in_some_order(&after, &rest));
        }
    }
    ends
}

#[derive(Clone, Debug)]
enum Change {
    Add(String, String),
    Update(Vec<(String, String)>),
    Delete(Vec<String>),
}

impl Change {
    fn request(&self) -> (&'static str, Value) {
        match self {
            Self::Add(id, name) => ("addapplication", app(id, name)),
            Self::Update(renames) => {
                let changes: BTreeMap<&String, Value> = renames
                    .iter()
                    .map(|(from, to)| (from, json!({"id": to})))
                    .collect();
                ("updateapplications", json!({"appsData": changes}))
            }
            Self::Delete(ids) => ("deleteapplications", json!({"applicationsIds": ids})),
        }
    }

    fn done(&self, before: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
        let mut after = before.clone();
        match self {
            Self::Add(id, name) => after
                .insert(id.clone(), name.clone())
                .is_none()
                .then_some(after),
            Self::Update(renames) => {
                let names: Option<Vec<String>> =
                    renames.iter().map(|(from, _)| after.remove(from)).collect();
                let moved = renames
                    .iter()
                    .zip(names?)
                    .all(|((_, to), name)| after.insert(to.clone(), name).is_none());
                moved.then_some(after)
            }
            Self::Delete(ids) => ids
                .iter()
                .all(|id| after.remove(id).is_some())
                .then_some(after),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_once_end_as_some_order_of_them_would() {
    let (world, tenant, settings) = world().await;
    let own = |text: &str| text.to_owned();
    let start = listed(&[("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]);
    let pair = |from: &str, to: &str| (own(from), own(to));
    let changes: Vec<Change> = vec![
        Change::Update(vec![pair("a", "b"), pair("b", "a")]),
        Change::Update(vec![pair("a", "b"), pair("b", "c"), pair("c", "a")]),
        Change::Update(vec![pair("c", "d"), pair("d", "c")]),
        Change::Update(vec![pair("a", "x")]),
        Change::Update(vec![pair("b", "x")]),
        Change::Add(own("x"), own("X")),
        Change::Add(own("x"), own("Y")),
        Change::Delete(vec![own("d")]),
        Change::Delete(vec![own("a"), own("b")]),
        Change::Update(vec![pair("d", "a"), pair("a", "d")]),
        Change::Update(vec![pair("x", "y")]),
        Change::Add(own("y"), own("Z")),
        Change::Delete(vec![own("x")]),
        Change::Update(vec![pair("c", "e")]),
        Change::Add(own("d"), own("New")),
        Change::Update(vec![pair("e", "c"), pair("a", "e")]),
    ];
    assert_eq!(changes.len(), 16);
    let before = world.snapshot().await;
    let mut several = 0;
    for round in 0..12 {
        stock(&world, &tenant, start.clone()).await;
        let mut turned = changes.clone();
        turned.rotate_left(round);
        let answers = all(turned.iter().map(|change| {
            let (operation, request) = change.request();
            let (world, settings) = (&world, &settings);
            async move { world.ping(settings, operation, &request).await }
        }))
        .await;
        let mut done = Vec::new();
        for (change, answer) in turned.iter().zip(&answers) {
            match (answer.status, body(answer)["errorId"].as_i64()) {
                (200, Some(200)) => done.push(change.clone()),
                (400, Some(400 | 10551)) => {}
                other => panic!("{change:?}: {other:?} {}", answer.json),
            }
        }
        let end = world.ping_list(&settings).await;
        assert!(
            in_some_order(&start, &done).contains(&end),
            "round {round}: no order of {done:#?} gives {end:?}"
        );
        several += usize::from(done.len() > 2);
        world.verify(tenant.tenant_id).await.unwrap();
        world.restore(&before).await;
    }
    assert!(
        several > 6,
        "most rounds let several changes through: {several}"
    );
}

/// One of sixteen wins an id, and the others are told that it is taken, not to try again.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_sixteen_gets_an_id() {
    let (world, tenant, settings) = world().await;
    stock(
        &world,
        &tenant,
        (0..8).map(|number| (format!("old {number}"), "Old".to_owned())),
    )
    .await;
    let answers = all((0..16).map(|turn| {
        let (world, settings) = (&world, &settings);
        let request = match turn % 2 {
            0 => ("addapplication", app("wanted", "New")),
            _ => (
                "updateapplications",
                json!({"appsData": {format!("old {}", turn / 2): {"id": "wanted"}}}),
            ),
        };
        async move { world.ping(settings, request.0, &request.1).await }
    }))
    .await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let text = is_refused(&settings, answer, 400, 400);
        assert!(
            text.ends_with("there is an application \"wanted\" already"),
            "{text}"
        );
    }
}

/// Whatever call to the table fails, a change is made whole or not at all, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_leaves_the_list_as_it_was_or_as_it_should_be() {
    let (world, tenant, settings) = world().await;
    stock(
        &world,
        &tenant,
        (0..20).map(|number| (format!("id {number:02}"), format!("Name {number:02}"))),
    )
    .await;
    let before = world.snapshot().await;
    let start = world.ping_list(&settings).await;
    let ring: BTreeMap<String, Value> = (0..20)
        .map(|number| {
            (
                format!("id {number:02}"),
                json!({"id": format!("id {:02}", (number + 1) % 20)}),
            )
        })
        .collect();
    let ids: Vec<String> = (0..10).map(|number| format!("id {number:02}")).collect();
    let requests = [
        ("addapplication", app("new", "New")),
        ("updateapplications", json!({"appsData": ring})),
        ("deleteapplications", json!({"applicationsIds": ids})),
        ("getapplications", json!({})),
    ];
    let mut failures = 0;
    for (operation, request) in requests {
        done(&world, &settings, operation, &request).await;
        let end = world.ping_list(&settings).await;
        world.restore(&before).await;
        'calls: for at in 0..10 {
            for fault in Fault::PASSING {
                world.failing.fail(at, fault);
                let answer = world.ping(&settings, operation, &request).await;
                let failed = world.failing.heal();
                let list = world.ping_list(&settings).await;
                let place = format!("{operation} with {fault:?} at call {at}: {}", answer.text);
                if answer.status == 200 {
                    assert_eq!(list, end, "{place}");
                } else {
                    failures += 1;
                    assert_eq!(
                        (answer.status, &body(&answer)["errorId"]),
                        (503, &json!(10551)),
                        "{place}"
                    );
                    assert!(!answer.text.contains("injected"), "{place}");
                    assert!(
                        list == start || (fault == Fault::NotAcknowledged && list == end),
                        "{place}"
                    );
                }
                world.restore(&before).await;
                if !failed {
                    break 'calls;
                }
            }
        }
    }
    assert!(failures >= 16, "{failures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_made_when_they_are_downloaded_first() {
    let (world, tenant) = World::new().await;
    let get = |what: &str| {
        world
            .call("GET", &format!("{ADMIN}/{what}"))
            .cookie(&tenant.cookie)
            .send()
    };
    let none = get("settings").await;
    assert_eq!(
        none.json,
        json!({"status": "ok", "orgAlias": "dev", "keys": []})
    );
    let answers = all((0..16).map(|_| get("pingid.properties"))).await;
    let first = answers[0].text.clone();
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 && answer.text == first),
        "sixteen at once get the same"
    );
    assert_eq!(
        answers[0].header("content-type"),
        "text/plain; charset=utf-8"
    );
    assert_eq!(
        answers[0].header("content-disposition"),
        "attachment; filename=\"pingid.properties\""
    );
    assert_eq!(answers[0].header("cache-control"), "no-store");
    let settings = PingSettings::read(&first);
    assert_eq!(
        (
            settings.alias.as_str(),
            settings.token.len(),
            settings.key.len()
        ),
        ("dev", 40, 32)
    );
    let lines: Vec<&str> = first.lines().collect();
    assert!(
        lines[0].starts_with("use_base64_key=") && lines[0].ends_with("\\="),
        "{}",
        lines[0]
    );
    assert_eq!(
        (lines[1], lines[3], lines.len()),
        (
            "use_signature=true",
            "idp_url=https://store.example/pingid",
            7
        )
    );
    done(&world, &settings, "getapplications", &json!({})).await;
    let one = get("settings").await;
    let keys = one.json["keys"].as_array().unwrap();
    assert_eq!(
        (keys.len(), &keys[0]["current"], &keys[0]["createdBy"]),
        (1, &json!(true), &json!("admin@dev.example"))
    );
    assert!(
        !one.text.contains(&settings.token) && !one.text.contains(&STANDARD.encode(&settings.key))
    );
    // Nothing of them is kept as it is.
    let kept = format!("{:?}", world.snapshot().await);
    for secret in [
        &settings.token,
        &STANDARD.encode(&settings.key),
        &URL_SAFE_NO_PAD.encode(&settings.key),
    ] {
        assert!(!kept.contains(secret.as_str()));
    }
}

async fn manage(world: &World, tenant: &TestTenant, what: &str, body: Value) -> Answer {
    world
        .call("POST", &format!("{ADMIN}/{what}"))
        .cookie(&tenant.cookie)
        .json(body)
        .send()
        .await
}

async fn signs(world: &World, settings: &PingSettings) -> bool {
    let answer = world.ping(settings, "getapplications", &json!({})).await;
    assert!(matches!(answer.status, 200 | 403), "{}", answer.text);
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_stays_valid_for_a_while() {
    let (world, tenant, first) = world().await;
    let rotated = manage(&world, &tenant, "rotate", json!({})).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    assert_eq!(
        (
            rotated.json["keys"].as_array().map(Vec::len),
            &rotated.json["ended"]
        ),
        (Some(2), &json!([]))
    );
    let second = world.pingid(&tenant).await;
    assert!(second.token != first.token && second.key != first.key);
    assert!(signs(&world, &first).await && signs(&world, &second).await);
    // Each answer is signed by the key of its request, which `done` looks at; keys are not
    // interchangeable.
    done(
        &world,
        &first,
        "addapplication",
        &app("by the former", "One"),
    )
    .await;
    done(
        &world,
        &second,
        "addapplication",
        &app("by the current", "Two"),
    )
    .await;
    let crossed = PingSettings {
        key: second.key.clone(),
        ..first.clone()
    };
    assert!(!signs(&world, &crossed).await);
    world.clock.advance_seconds(7 * 86_400 - 60);
    assert!(signs(&world, &first).await);
    world.clock.advance_seconds(120);
    assert!(!signs(&world, &first).await && signs(&world, &second).await);
    let cookie = world.sign_in("dev", "admin").await;
    let tenant = TestTenant { cookie, ..tenant };
    let read = world
        .call("GET", &format!("{ADMIN}/settings"))
        .cookie(&tenant.cookie)
        .send()
        .await;
    assert_eq!(
        read.json["keys"].as_array().map(Vec::len),
        Some(1),
        "{}",
        read.text
    );
    world.verify(tenant.tenant_id).await.unwrap();
    assert_eq!(world.ping_list(&second).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_are_valid_at_most_and_the_former_can_be_ended() {
    let (world, tenant, first) = world().await;
    let nothing = manage(&world, &tenant, "retire", json!({})).await;
    assert_eq!((nothing.status, &nothing.json["ended"]), (200, &json!([])));
    manage(&world, &tenant, "rotate", json!({"validDays": 90})).await;
    let second = world.pingid(&tenant).await;
    let third = manage(&world, &tenant, "rotate", json!({"validDays": "30"})).await;
    assert_eq!(
        (
            third.json["keys"].as_array().map(Vec::len),
            third.json["ended"].as_array().map(Vec::len)
        ),
        (Some(2), Some(1)),
        "{}",
        third.text
    );
    let third = world.pingid(&tenant).await;
    assert!(
        !signs(&world, &first).await && signs(&world, &second).await && signs(&world, &third).await
    );
    let retired = manage(&world, &tenant, "retire", json!({})).await;
    assert_eq!(
        (
            retired.json["keys"].as_array().map(Vec::len),
            retired.json["ended"].as_array().map(Vec::len)
        ),
        (Some(1), Some(1))
    );
    assert!(!signs(&world, &second).await && signs(&world, &third).await);
    let at_once = manage(&world, &tenant, "rotate", json!({"validDays": 0})).await;
    assert_eq!(
        (
            at_once.json["keys"].as_array().map(Vec::len),
            at_once.json["ended"].as_array().map(Vec::len)
        ),
        (Some(1), Some(1))
    );
    assert!(!signs(&world, &third).await && signs(&world, &world.pingid(&tenant).await).await);
    world.verify(tenant.tenant_id).await.unwrap();
    let before = world.snapshot().await;
    for days in [json!(91), json!(-1), json!("x"), json!(1.5), json!([7])] {
        let refused = manage(&world, &tenant, "rotate", json!({"validDays": days})).await;
        assert_eq!(
            (refused.status, &refused.json["message"]),
            (400, &json!("invalid_validDays")),
            "{days}"
        );
    }
    assert!(world.snapshot().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_rotations_at_once_leave_two_keys() {
    let (world, tenant, first) = world().await;
    let answers = all((0..16).map(|_| manage(&world, &tenant, "rotate", json!({})))).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{answers:?}"
    );
    let ended: usize = answers
        .iter()
        .filter_map(|answer| answer.json["ended"].as_array().map(Vec::len))
        .sum();
    assert_eq!(
        ended, 15,
        "each of the seventeen keys but two was ended by one rotation"
    );
    assert!(!signs(&world, &first).await && signs(&world, &world.pingid(&tenant).await).await);
    world.verify(tenant.tenant_id).await.unwrap();
}

/// The signature of the test is that of RFC 7515, appendix A.1: what it says of the function's is
/// worth something.
#[test]
fn the_tests_signature_is_the_standards() {
    let key = URL_SAFE_NO_PAD
        .decode(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-\
        1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        )
        .unwrap();
    let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.e\
        yJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV\
        lfQ";
    assert_eq!(
        signature(&key, text),
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
}

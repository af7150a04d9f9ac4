//! Devices: how they come to be known, what they show, and how one is shut out.

use appdepot_tests::{Answer, PASSWORD, TestTenant, World, all};
use serde_json::{Value, json};
use shared::base::id::{AppId, Guid};
use shared::base::rights::Role;
use shared::base::secret::device_id;
use shared::domain::people::auth_policy;
use shared::domain::sign_in::device;
use shared::model::people::device::Device;
use shared::model::people::user::Identity;
use shared::store::{Condition, keys, record};

const DEVICE: &str = "/box/srv/1.1/admin/device";

const AUTH: &str = "/box/srv/1.1/admin/authpolicy/auth";

const ITEMS: &str = "/box/srv/1.1/mas/appstore/getstoreitems";

async fn post(world: &World, tenant: &TestTenant, what: &str, body: Value) -> Value {
    world
        .post(&tenant.cookie, &format!("{DEVICE}/{what}"), body)
        .await
}

async fn refused(world: &World, cookie: &str, what: &str, body: Value) -> (u16, String) {
    let answer = world
        .call("POST", &format!("{DEVICE}/{what}"))
        .cookie(cookie)
        .json(body)
        .send()
        .await;
    (
        answer.status,
        answer.json["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

/// Signs the administrator in as an app's user, by that token on that device.
async fn auth(world: &World, tenant: &TestTenant, cuid: &str, token: &str) -> Answer {
    let params = json!({"userId": "admin", "password": PASSWORD});
    let body = json!({
        "policyId": auth_policy::BUILT_IN, "clientToken": token, "device": cuid, "params": params,
        "d": tenant.domain,
    });
    world.call("POST", AUTH).json(body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_known_by_its_first_sign_in() {
    let (world, tenant) = World::new().await;
    assert_eq!(
        post(&world, &tenant, "list", json!({})).await,
        json!({"status": "ok", "list": [], "count": 0})
    );
    world.store_session(&tenant, "admin", "CUID1").await;
    let read = post(&world, &tenant, "read", json!({"cuid": "CUID1"})).await;
    let fields = &read["fields"];
    assert_eq!(
        (&read["guid"], &read["type"]),
        (&json!(device_id("CUID1")), &json!("mam_Devices"))
    );
    assert_eq!(
        (
            &fields["cuid"],
            &fields["name"],
            &fields["disabled"],
            &fields["blacklisted"]
        ),
        (&json!("CUID1"), &json!(""), &json!(false), &json!(false))
    );
    assert_eq!(
        fields["businessObject"],
        "cluster/reseller/customer/domain/admin/app-store/device"
    );
    assert_eq!(
        (&fields["domain"], &fields["sysCreated"]),
        (&json!("dev"), &fields["sysModified"])
    );
    assert_eq!(
        fields["sysCreated"].as_str().unwrap().len(),
        "2017-07-07 10:03:28:117".len()
    );
    world.clock.advance_seconds(90);
    world.store_session(&tenant, "admin", "CUID1").await;
    let later = post(&world, &tenant, "read", json!({"guid": device_id("CUID1")})).await;
    assert_eq!(later["fields"]["sysCreated"], fields["sysCreated"]);
    assert!(
        later["fields"]["sysModified"].as_str() > fields["sysModified"].as_str(),
        "{later}"
    );
    let listed = post(&world, &tenant, "list", json!({})).await;
    assert_eq!(
        (&listed["count"], &listed["list"][0]["fields"]),
        (&json!(1), &later["fields"])
    );
    let by_get = world
        .call("GET", &format!("{DEVICE}/list"))
        .cookie(&tenant.cookie)
        .json(json!({"_": [], "$0": "fhc"}))
        .send()
        .await;
    assert_eq!(by_get.json, listed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_comes_in_pages() {
    let (world, tenant) = World::new().await;
    for number in 0..7 {
        let device = Device {
            cuid: format!("C{number}"),
            name: String::new(),
            created: world.plain.clock.now(),
            modified: world.plain.clock.now(),
            disabled: false,
            blacklisted: false,
        };
        let write =
            record::create(keys::device(tenant.tenant_id, &device.guid()), &device).unwrap();
        world.plain.table.write(vec![write]).await.unwrap();
    }
    let whole = post(&world, &tenant, "list", json!({})).await;
    assert!(whole["count"] == 7 && whole.get("cursor").is_none());
    let (mut seen, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = post(
            &world,
            &tenant,
            "list",
            json!({"limit": "3", "cursor": cursor}),
        )
        .await;
        seen.extend(page["list"].as_array().unwrap().clone());
        cursor = page["cursor"].clone();
        pages += 1;
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((json!(seen), pages), (whole["list"].clone(), 3));
    for body in [json!({"cursor": "x"}), json!({"limit": "many"})] {
        assert_eq!(refused(&world, &tenant.cookie, "list", body).await.0, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_it_names() {
    let (world, tenant) = World::new().await;
    world.store_session(&tenant, "admin", "CUID1").await;
    let guid = device_id("CUID1");
    let state = |answer: &Value| {
        let fields = &answer["fields"];
        (
            fields["name"].as_str().unwrap().to_owned(),
            fields["disabled"].as_bool().unwrap(),
            fields["blacklisted"].as_bool().unwrap(),
        )
    };
    let named = |name: &str, disabled, blacklisted| (name.to_owned(), disabled, blacklisted);
    for (body, expected) in [
        (
            json!({"cuid": "CUID1", "name": "Gate"}),
            named("Gate", false, false),
        ),
        (
            json!({"cuid": "CUID1", "disabled": "TRUE"}),
            named("Gate", true, false),
        ),
        (
            json!({"guid": guid, "blacklisted": true}),
            named("Gate", true, true),
        ),
        (
            json!({"cuid": "CUID1", "guid": guid}),
            named("Gate", true, true),
        ),
        (
            json!({"cuid": "CUID1", "name": null, "disabled": null}),
            named("Gate", true, true),
        ),
        (
            json!({"cuid": "CUID1", "disabled": false, "blacklisted": "false"}),
            named("Gate", false, false),
        ),
        (
            json!({"cuid": "CUID1", "name": "é".repeat(200)}),
            named(&"é".repeat(200), false, false),
        ),
        (
            json!({"cuid": "CUID1", "name": ""}),
            named("", false, false),
        ),
        (
            json!({"cuid": "CUID1", "name": 7}),
            named("7", false, false),
        ),
    ] {
        assert_eq!(
            state(&post(&world, &tenant, "update", body.clone()).await),
            expected,
            "{body}"
        );
        assert_eq!(
            state(&post(&world, &tenant, "read", json!({"cuid": "CUID1"})).await),
            expected,
            "{body}"
        );
    }
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_changes_nothing() {
    let (world, tenant) = World::new().await;
    let other = world.tenant("other").await;
    world.store_session(&tenant, "admin", "CUID1").await;
    world.store_session(&other, "admin", "THEIRS").await;
    let (_, analyst) = world
        .user(&tenant, "analyst@dev.example", vec![Role::Analytics])
        .await;
    let (_, developer) = world
        .user(&tenant, "dev@dev.example", vec![Role::DevAdmin])
        .await;
    let before = world.snapshot().await;
    let unknown = Guid::random();
    for (status, message, body) in [
        (400, "invalid_cuid", json!({})),
        (400, "invalid_cuid", json!({"cuid": ""})),
        (400, "invalid_cuid", json!({"cuid": {}})),
        (400, "invalid_guid", json!({"guid": "short"})),
        (
            400,
            "invalid_guid",
            json!({"guid": unknown, "cuid": "CUID1"}),
        ),
        (404, "invalid_cuid", json!({"cuid": "cuid1"})),
        (404, "invalid_cuid", json!({"cuid": "THEIRS"})),
        (404, "invalid_cuid", json!({"cuid": "x".repeat(10_000)})),
        (404, "invalid_guid", json!({"guid": unknown})),
        (404, "invalid_guid", json!({"guid": device_id("THEIRS")})),
    ] {
        for what in ["read", "update", "listapps", "listusers"] {
            assert_eq!(
                refused(&world, &tenant.cookie, what, body.clone()).await,
                (status, message.to_owned()),
                "{what} {body}"
            );
        }
    }
    for (message, body) in [
        (
            "invalid_name",
            json!({"cuid": "CUID1", "name": "x".repeat(201), "disabled": true}),
        ),
        ("invalid_name", json!({"cuid": "CUID1", "name": "a\u{0}"})),
        (
            "invalid_disabled",
            json!({"cuid": "CUID1", "name": "N", "disabled": "perhaps"}),
        ),
        (
            "invalid_blacklisted",
            json!({"cuid": "CUID1", "name": "N", "blacklisted": 1}),
        ),
    ] {
        assert_eq!(
            refused(&world, &tenant.cookie, "update", body.clone()).await,
            (400, message.to_owned()),
            "{body}"
        );
    }
    for what in ["list", "read", "listapps", "listusers"] {
        assert_eq!(
            refused(&world, &analyst, what, json!({"cuid": "CUID1"}))
                .await
                .0,
            200,
            "{what}"
        );
        assert_eq!(
            refused(&world, &developer, what, json!({"cuid": "CUID1"}))
                .await
                .0,
            403,
            "{what}"
        );
    }
    assert_eq!(
        refused(
            &world,
            &analyst,
            "update",
            json!({"cuid": "CUID1", "disabled": true})
        )
        .await
        .0,
        403
    );
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_apps_of_a_device_are_found_by_any_of_their_names() {
    let (world, tenant) = World::new().await;
    let item = |name: &'static str, token: &'static str| {
        let (world, tenant) = (&world, &tenant);
        async move {
            let body =
                json!({"name": name, "description": format!("About {name}"), "authToken": token});
            let made = world
                .post(&tenant.cookie, "/box/srv/1.1/admin/storeitem/create", body)
                .await;
            made["guid"].as_str().unwrap().to_owned()
        }
    };
    let (notes, maps, gone) = (
        item("Notes", "").await,
        item("Maps", "maps-token").await,
        item("Gone", "gone-token").await,
    );
    let id: AppId = notes.parse().unwrap();
    let store = tenant.store.to_string();
    for token in [
        &store,
        &notes,
        &id.uuid(),
        &id.base64url(),
        "maps-token",
        "gone-token",
        &gone,
        "who knows",
        "",
    ] {
        let answer = auth(&world, &tenant, "CUID1", token).await;
        assert_eq!(answer.json["status"], "ok", "{token}: {}", answer.text);
    }
    auth(&world, &tenant, "CUID2", &maps).await;
    auth(&world, &tenant, "CUID3", &store).await;
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/delete",
            json!({"guid": gone}),
        )
        .await;
    let entry = |guid: &str, name: &str, description: &str| {
        json!({
            "guid": guid,
            "fields": {"name": name, "description": description},
        })
    };
    let sorted = |mut list: Vec<Value>| {
        list.sort_by_key(ToString::to_string);
        json!(list)
    };
    let listed = post(&world, &tenant, "listapps", json!({"cuid": "CUID1"})).await;
    let expected = vec![
        entry(&store, "dev App Store", ""),
        entry(&notes, "Notes", "About Notes"),
        entry(&maps, "Maps", "About Maps"),
        // What nothing has any more is shown by the name that it came with.
        entry("gone-token", "gone-token", ""),
        entry(&gone, &gone, ""),
        entry("who knows", "who knows", ""),
    ];
    assert_eq!(listed["count"], 6, "{listed}");
    assert_eq!(
        sorted(listed["list"].as_array().unwrap().clone()),
        sorted(expected)
    );
    let listed = post(
        &world,
        &tenant,
        "listapps",
        json!({"guid": device_id("CUID2")}),
    )
    .await;
    assert_eq!(listed["list"], json!([entry(&maps, "Maps", "About Maps")]));
    let listed = post(&world, &tenant, "listapps", json!({"cuid": "CUID3"})).await;
    assert_eq!(listed["list"], json!([entry(&store, "dev App Store", "")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_of_a_device_are_those_of_the_platform_and_others() {
    let (world, tenant) = World::new().await;
    let (ann, _) = world
        .user(&tenant, "ann@dev.example", vec![Role::Sub])
        .await;
    for _ in 0..2 {
        world.store_session(&tenant, "admin", "CUID1").await;
        world
            .store_session(&tenant, "ann@dev.example", "CUID1")
            .await;
    }
    let outsider = Identity {
        guid: Guid::random(),
        policy: Guid::random(),
        subject: "subject-7".to_owned(),
        email: "out@example.org".to_owned(),
        name: "Otto".to_owned(),
        user: None,
        seen: world.plain.clock.now(),
    };
    let mut writes = device::sign_in_writes(
        tenant.tenant_id,
        &device_id("CUID1"),
        &outsider.guid,
        "",
        world.plain.clock.now(),
    )
    .unwrap();
    writes.push(
        record::put(
            keys::identity(tenant.tenant_id, &outsider.guid),
            &outsider,
            Condition::Always,
        )
        .unwrap(),
    );
    world.plain.table.write(writes).await.unwrap();
    let listed = post(&world, &tenant, "listusers", json!({"cuid": "CUID1"})).await;
    assert_eq!(listed["count"], 3, "{listed}");
    let mut users = vec![
        json!({
            "guid": tenant.admin,
            "fields": {
                "userId": "admin@dev.example", "email": "admin@dev.example",
                "name": "Administrator",
            },
        }),
        json!({
            "guid": ann,
            "fields": {
                "userId": "ann@dev.example", "email": "ann@dev.example", "name": "ann@dev.example",
            },
        }),
        json!({
            "guid": outsider.guid,
            "fields": {"userId": "subject-7", "email": "out@example.org", "name": "Otto"},
        }),
    ];
    users.sort_by_key(|user| user["guid"].to_string());
    assert_eq!(listed["list"], json!(users));
}

/// What a session opens, and what `verifysession` says of it.
async fn session_answers(world: &World, session: &str) -> (u16, bool) {
    let items = world
        .call("POST", ITEMS)
        .session(session)
        .json(json!({}))
        .send()
        .await;
    let verified = world
        .call("POST", "/box/srv/1.1/admin/authpolicy/verifysession")
        .json(json!({"sessionToken": session}))
        .send()
        .await;
    (items.status, verified.json["isValid"].as_bool().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_shut_out_is_out_at_once() {
    let (world, tenant) = World::new().await;
    let store = tenant.store.to_string();
    let session = world.store_session(&tenant, "admin", "CUID1").await;
    let elsewhere = world.store_session(&tenant, "admin", "CUID2").await;
    assert_eq!(session_answers(&world, &session).await, (200, true));
    let flags = |disabled: bool, blacklisted: bool| {
        json!({
            "cuid": "CUID1", "disabled": disabled, "blacklisted": blacklisted,
        })
    };
    for (disabled, blacklisted, word) in [
        (true, false, "device_disabled"),
        (false, true, "device_purge_data"),
        (true, true, "device_purge_data"),
    ] {
        post(&world, &tenant, "update", flags(disabled, blacklisted)).await;
        assert_eq!(
            session_answers(&world, &session).await,
            (401, false),
            "{word}"
        );
        let log = world
            .call("POST", "/box/srv/1.1/admin/auditlog/listlogs")
            .session(&session)
            .json(json!({}))
            .send()
            .await;
        assert_eq!(log.status, 401, "{word}");
        let answer = auth(&world, &tenant, "CUID1", &store).await;
        assert_eq!(
            (
                answer.status,
                &answer.json["status"],
                &answer.json["message"]
            ),
            (200, &json!("error"), &json!(word))
        );
        assert!(answer.json.get("sessionToken").is_none());
        // It is the device that is out, not its user.
        assert_eq!(session_answers(&world, &elsewhere).await, (200, true));
        assert_eq!(
            auth(&world, &tenant, "CUID2", &store).await.json["status"],
            "ok"
        );
        post(&world, &tenant, "update", flags(false, false)).await;
        assert_eq!(
            auth(&world, &tenant, "CUID1", &store).await.json["status"],
            "ok",
            "{word}"
        );
        assert_eq!(
            session_answers(&world, &session).await,
            (200, true),
            "{word}"
        );
    }
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_and_sign_ins_at_once_lose_nothing() {
    let (world, tenant) = World::new().await;
    world.store_session(&tenant, "admin", "CUID1").await;
    world.clock.advance_seconds(60);
    // Each changes one field; the sign-ins change the moment of the last one, until the device is
    // out.
    let update = |body: Value| {
        world
            .call("POST", &format!("{DEVICE}/update"))
            .cookie(&tenant.cookie)
            .json(body)
            .send()
    };
    let store = tenant.store.to_string();
    let bodies = (0..30).map(|n| match n % 3 {
        0 => json!({"cuid": "CUID1", "name": "Gate"}),
        1 => json!({"cuid": "CUID1", "disabled": true}),
        _ => json!({"cuid": "CUID1", "blacklisted": true}),
    });
    let (answers, auths) = tokio::join!(
        all(bodies.map(update)),
        all((0..4).map(|_| auth(&world, &tenant, "CUID1", &store)))
    );
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{answers:?}"
    );
    assert!(auths.iter().all(|answer| answer.status == 200), "{auths:?}");
    let fields = post(&world, &tenant, "read", json!({"cuid": "CUID1"})).await["fields"].clone();
    assert_eq!(
        (&fields["name"], &fields["disabled"], &fields["blacklisted"]),
        (&json!("Gate"), &json!(true), &json!(true))
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

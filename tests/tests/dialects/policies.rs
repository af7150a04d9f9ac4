//! Auth policies: what is kept and shown of them, who is listed on them, and what is left when they
//! go.

use appdepot_tests::consistency::of_tenant;
use appdepot_tests::{Answer, TestTenant, World, all};
use identity_providers::{Configuration, Reach};
use serde_json::{Value, json};
use shared::base::id::Guid;
use shared::base::rights::Role;
use shared::domain::people::auth_policy::MAX_USERS;
use shared::model::people::auth_policy::Policy;
use shared::model::people::tenant::Tenant;
use shared::model::people::user::User;
use shared::services::context::Settings;
use shared::store::keys;
use shared::store::record::{Reader, Stored};

const PATH: &str = "/box/srv/1.1/admin/authpolicy";

const SECRET: &str = "Wfv8DQw80hhyaBqnW37x5R23";

async fn send(world: &World, cookie: &str, what: &str, body: Value) -> Answer {
    world
        .call("POST", &format!("{PATH}/{what}"))
        .cookie(cookie)
        .json(body)
        .send()
        .await
}

async fn done(world: &World, cookie: &str, what: &str, body: Value) -> Value {
    world.post(cookie, &format!("{PATH}/{what}"), body).await
}

fn refused(answer: &Answer, status: u16, message: &str) {
    assert_eq!(
        (answer.status, answer.json["message"].as_str()),
        (status, Some(message)),
        "{}",
        answer.text
    );
}

fn oauth2(id: &str) -> Value {
    json!({
        "policyId": id,
        "policyType": "oauth2",
        "configurations": {"clientId": "field-notes", "clientSecret": SECRET},
        "checkUserApproved": true,
    })
}

async fn create(world: &World, tenant: &TestTenant, body: Value) -> String {
    done(world, &tenant.cookie, "create", body).await["guid"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn stored(world: &World, tenant: &TestTenant, guid: &str) -> Policy {
    let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
    let found: Option<Stored<Policy>> = reader
        .get(&keys::policy(tenant.tenant_id, &guid.parse().unwrap()))
        .await
        .unwrap();
    found.unwrap().value
}

/// The client's secret as a sign-in would use it.
async fn secret(world: &World, tenant: &TestTenant, guid: &str) -> String {
    let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
    let found: Stored<Tenant> = reader
        .get(&keys::tenant(tenant.tenant_id))
        .await
        .unwrap()
        .unwrap();
    let key = world
        .plain
        .sealer()
        .unwrap()
        .data_key(tenant.tenant_id, &found.value.data_key)
        .await
        .unwrap();
    match stored(world, tenant, guid)
        .await
        .configuration(&key, Reach::Any)
        .unwrap()
        .unwrap()
    {
        Configuration::OpenId(open_id) => open_id.client_secret.unwrap().expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

async fn listed_on(world: &World, tenant: &TestTenant, user: &Guid) -> Vec<Guid> {
    let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
    let found: Option<Stored<User>> = reader
        .get(&keys::user(tenant.tenant_id, user))
        .await
        .unwrap();
    found.unwrap().value.policies
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_shown_without_its_secret() {
    let (world, tenant) = World::new().await;
    let made = done(&world, &tenant.cookie, "create", oauth2("oauth-google")).await;
    let guid = made["guid"].clone();
    let whole = json!({
        "status": "ok",
        "guid": guid,
        "policyId": "oauth-google",
        "policyType": "oauth2",
        "checkUserExists": false,
        "checkUserApproved": true,
        "configurations": {"clientId": "field-notes", "clientSecret": "********"}, "users": [],
    });
    assert_eq!(made, whole);
    for by in [
        json!({"policyId": "oauth-google"}),
        json!({"guid": guid}),
        json!({"policyId": "oauth-google", "guid": null}),
    ] {
        assert_eq!(done(&world, &tenant.cookie, "read", by).await, whole);
    }
    let snapshot = world.snapshot().await;
    assert!(!format!("{snapshot:?}").contains(SECRET));
    assert_eq!(
        secret(&world, &tenant, guid.as_str().unwrap()).await,
        SECRET
    );

    // As fhc sends it: flags as texts, a number for an id, another case of the type, fields that
    // nobody knows.
    let body = json!({
        "policyId": 7,
        "policyType": "Mbaas",
        "configurations": {"authEndpoint": "https://a.example/x", "extra": {"a": [1]}},
        "checkUserExists": "TRUE",
        "checkUserApproved": "false",
        "users": [],
    });
    let made = done(&world, &tenant.cookie, "create", body).await;
    assert_eq!(
        (
            &made["policyId"],
            &made["policyType"],
            &made["checkUserExists"]
        ),
        (&json!("7"), &json!("Mbaas"), &json!(true))
    );
    assert_eq!(
        made["configurations"],
        json!({"authEndpoint": "https://a.example/x", "extra": {"a": [1]}})
    );
    assert_eq!(made.get("warning"), None);

    for method in ["GET", "POST"] {
        let list = world
            .call(method, &format!("{PATH}/list"))
            .cookie(&tenant.cookie)
            .send()
            .await
            .json;
        let ids: Vec<_> = list["list"]
            .as_array()
            .unwrap()
            .iter()
            .map(|policy| policy["policyId"].as_str().unwrap())
            .collect();
        assert_eq!(
            (ids, &list["count"]),
            (vec!["7", "FeedHenry", "oauth-google"], &json!(3))
        );
        assert!(
            list["list"]
                .as_array()
                .unwrap()
                .iter()
                .all(|policy| policy["users"] == json!([])),
            "{list}"
        );
    }
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_lets_everybody_in_is_warned_of() {
    let (world, tenant) = World::new().await;
    let ldap = json!({
        "policyId": "a",
        "policyType": "LDAP",
        "configurations": {
            "url": "ldap://foo.example.com:389/", "dn": "ou=people,dc=example,dc=com",
            "dn_prefix": "cn",
        },
    });
    let made = done(&world, &tenant.cookie, "create", ldap).await;
    assert!(
        made["warning"]
            .as_str()
            .unwrap()
            .contains("checkUserApproved"),
        "{made}"
    );
    let update = |fields: Value| {
        let mut body = json!({"guid": made["guid"]});
        body.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        body
    };
    assert_eq!(
        done(
            &world,
            &tenant.cookie,
            "update",
            update(json!({"checkUserExists": true}))
        )
        .await
        .get("warning"),
        None
    );
    // What is absent stays: a check does not go away because somebody did not mention it.
    let renamed = done(
        &world,
        &tenant.cookie,
        "update",
        update(json!({"policyId": "b"})),
    )
    .await;
    assert_eq!(renamed["checkUserExists"], true);
    assert!(
        done(
            &world,
            &tenant.cookie,
            "update",
            update(json!({"checkUserExists": "false"}))
        )
        .await["warning"]
            .is_string()
    );
    let own = done(
        &world,
        &tenant.cookie,
        "create",
        json!({"policyId": "own", "policyType": "feedhenry", "configurations": {}}),
    )
    .await;
    assert_eq!(own.get("warning"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_policy_is_refused_and_changes_nothing() {
    let (world, tenant) = World::new().await;
    let guid = create(&world, &tenant, oauth2("one")).await;
    create(&world, &tenant, oauth2("two")).await;
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    let with = |field: &str, value: Value| {
        let mut body = oauth2("new");
        body[field] = value;
        body
    };
    let without = |field: &str| {
        let mut body = oauth2("new");
        body.as_object_mut().unwrap().remove(field);
        body
    };
    let many: Vec<String> = (0..=MAX_USERS)
        .map(|number| format!("user-{number}"))
        .collect();
    for (body, message) in [
        (without("policyId"), "invalid_policyId"),
        (with("policyId", json!(" ")), "invalid_policyId"),
        (with("policyId", json!("x".repeat(201))), "invalid_policyId"),
        (with("policyId", json!({})), "invalid_policyId"),
        (without("policyType"), "invalid_policyType"),
        (with("policyType", json!("kerberos")), "invalid_policyType"),
        (without("configurations"), "invalid_configurations"),
        (
            with("configurations", json!("clientId")),
            "invalid_configurations",
        ),
        (
            with(
                "configurations",
                json!({"clientId": "a", "clientSecret": "b", "more": "x".repeat(70_000)}),
            ),
            "invalid_configurations: at most 65536 bytes",
        ),
        (
            with("configurations", json!({"clientId": "a"})),
            "invalid_clientSecret: must not be empty",
        ),
        (
            with(
                "configurations",
                json!({"clientId": "a", "clientSecret": "********"}),
            ),
            "invalid_clientSecret: it was kept for another provider or client, send it again",
        ),
        (
            with("checkUserExists", json!("perhaps")),
            "invalid_checkUserExists",
        ),
        (with("users", json!([{}])), "invalid_users"),
        (
            with("users", json!(many)),
            "invalid_users: at most 30 users in one call",
        ),
    ] {
        refused(
            &send(&world, &tenant.cookie, "create", body).await,
            400,
            message,
        );
    }
    refused(
        &send(&world, &tenant.cookie, "create", oauth2("one")).await,
        409,
        "policyId must be unique",
    );
    refused(
        &send(
            &world,
            &tenant.cookie,
            "create",
            with("users", json!(["nobody"])),
        )
        .await,
        404,
        "User not found",
    );
    refused(
        &send(
            &world,
            &tenant.cookie,
            "update",
            json!({"guid": guid, "policyId": "two"}),
        )
        .await,
        409,
        "policyId must be unique",
    );
    refused(
        &send(
            &world,
            &tenant.cookie,
            "update",
            json!({"guid": guid, "policyType": "ldap"}),
        )
        .await,
        400,
        "invalid_configurations",
    );
    refused(
        &send(&world, &tenant.cookie, "update", json!({"guid": "short"})).await,
        400,
        "invalid_guid",
    );
    refused(
        &send(&world, &tenant.cookie, "read", json!({})).await,
        400,
        "invalid_policyId",
    );
    refused(
        &send(&world, &tenant.cookie, "read", json!({"policyId": "three"})).await,
        404,
        "invalid_policyId",
    );
    for what in ["update", "delete", "users", "read"] {
        refused(
            &send(
                &world,
                &tenant.cookie,
                what,
                json!({"guid": Guid::random()}),
            )
            .await,
            404,
            "invalid_guid",
        );
    }
    for what in ["addusers", "removeusers"] {
        refused(
            &send(&world, &tenant.cookie, what, json!({"guid": guid})).await,
            400,
            "invalid_users",
        );
        refused(
            &send(
                &world,
                &tenant.cookie,
                what,
                json!({"guid": guid, "users": many}),
            )
            .await,
            400,
            "invalid_users: at most 30 users in one call",
        );
        refused(
            &send(
                &world,
                &tenant.cookie,
                what,
                json!({"guid": Guid::random(), "users": ["admin"]}),
            )
            .await,
            404,
            "invalid_guid",
        );
        refused(
            &send(
                &world,
                &tenant.cookie,
                what,
                json!({"guid": guid, "users": ["admin", "nobody"]}),
            )
            .await,
            404,
            "User not found",
        );
    }
    assert_eq!(of_tenant(&world.snapshot().await, tenant.tenant_id), before);
}

/// What is judged at the creation without asking anybody, in a deployment that is not inside a
/// company's network.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_at_a_private_address_is_refused_where_the_deployment_does_not_reach_it() {
    let (world, tenant) = World::with_settings(Settings::default(), 1).await;
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    let ldap = |url: &str, method: &str| {
        json!({
            "url": url, "dn": "dc=example", "dn_prefix": "uid", "authmethod": method,
        })
    };
    for (kind, configurations, field) in [
        ("ldap", ldap("ldap://10.0.0.1:389/", "simple"), "url"),
        (
            "ldap",
            ldap("ldap://foo.example.com:389/", "DIGEST-MD5"),
            "authmethod",
        ),
        (
            "ldap",
            ldap("ldap://foo.example.com:389/", "GSSAPI"),
            "authmethod",
        ),
        (
            "mbaas",
            json!({"authEndpoint": "https://169.254.169.254/latest"}),
            "authEndpoint",
        ),
        (
            "mbaas",
            json!({"authEndpoint": "http://a.example/"}),
            "authEndpoint",
        ),
        (
            "openid",
            json!({"clientId": "a", "issuer": "https://127.0.0.1"}),
            "issuer",
        ),
        (
            "openid",
            json!({"clientId": "a", "redirectUrls": ["javascript:alert(1)"]}),
            "redirectUrls",
        ),
    ] {
        let answer = send(
            &world,
            &tenant.cookie,
            "create",
            json!({"policyId": "p", "policyType": kind, "configurations": configurations}),
        )
        .await;
        let message = answer.json["message"].as_str().unwrap_or_default();
        assert!(
            answer.status == 400 && message.starts_with(&format!("invalid_{field}: ")),
            "{}",
            answer.text
        );
    }
    assert_eq!(of_tenant(&world.snapshot().await, tenant.tenant_id), before);
    create(
        &world,
        &tenant,
        json!({
            "policyId": "p",
            "policyType": "ldap",
            "configurations": ldap("ldap://foo.example.com:389/", "Simple"),
        }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_secret_stays_with_whom_it_is_for() {
    let (world, tenant) = World::new().await;
    let guid = create(&world, &tenant, oauth2("one")).await;
    let update = |kind: &str, configurations: Value| {
        json!({
            "guid": guid, "policyType": kind, "configurations": configurations,
        })
    };
    for configurations in [
        json!({"clientId": "field-notes", "clientSecret": "********"}),
        json!({
            "clientId": "field-notes",
            "clientSecret": "********",
            "issuer": "",
            "redirectUrls": ["https://app.example/"],
        }),
    ] {
        done(
            &world,
            &tenant.cookie,
            "update",
            update("OAUTH2", configurations),
        )
        .await;
        assert_eq!(secret(&world, &tenant, &guid).await, SECRET);
    }
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    for body in [
        update(
            "OAUTH2",
            json!({"clientId": "another", "clientSecret": "********"}),
        ),
        update(
            "OAUTH2",
            json!({
                "clientId": "field-notes", "clientSecret": "********",
                "issuer": "https://evil.example",
            }),
        ),
        update(
            "OPENID",
            json!({"clientId": "field-notes", "clientSecret": "********"}),
        ),
    ] {
        let answer = send(&world, &tenant.cookie, "update", body).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(
            answer.json["message"]
                .as_str()
                .unwrap()
                .starts_with("invalid_clientSecret: "),
            "{}",
            answer.text
        );
    }
    assert_eq!(of_tenant(&world.snapshot().await, tenant.tenant_id), before);
    done(
        &world,
        &tenant.cookie,
        "update",
        update(
            "oauth2",
            json!({"clientId": "another", "clientSecret": "new one"}),
        ),
    )
    .await;
    assert_eq!(secret(&world, &tenant, &guid).await, "new one");
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fhc_sends_back_what_it_read() {
    let (world, tenant) = World::new().await;
    let user = world.add_user(&tenant, "u@dev.example", vec![]).await;
    let guid = create(&world, &tenant, oauth2("one")).await;
    done(
        &world,
        &tenant.cookie,
        "addusers",
        json!({"guid": guid, "users": [user]}),
    )
    .await;
    let mut read = done(&world, &tenant.cookie, "read", json!({"policyId": "one"})).await;
    assert_eq!(
        read["users"],
        json!([
            {
                "guid": user, "userId": "u@dev.example", "userid": "u@dev.example",
                "email": "u@dev.example", "name": "u@dev.example",
            },
        ])
    );
    done(
        &world,
        &tenant.cookie,
        "removeusers",
        json!({"guid": guid, "users": [user]}),
    )
    .await;
    read["policyId"] = json!("renamed");
    read["checkUserExists"] = json!("true");
    let changed = done(&world, &tenant.cookie, "update", read).await;
    assert_eq!(
        (
            &changed["policyId"],
            &changed["checkUserExists"],
            changed.get("users")
        ),
        (&json!("renamed"), &json!(true), None)
    );
    // The list that was read before does not come back.
    assert_eq!(
        done(&world, &tenant.cookie, "users", json!({"guid": guid})).await["count"],
        0
    );
    refused(
        &send(&world, &tenant.cookie, "read", json!({"policyId": "one"})).await,
        404,
        "invalid_policyId",
    );
    create(&world, &tenant, oauth2("one")).await;
    assert_eq!(secret(&world, &tenant, &guid).await, SECRET);
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_by_name_or_guid_all_or_none() {
    let (world, tenant) = World::new().await;
    let one = world.add_user(&tenant, "one@dev.example", vec![]).await;
    let two = world.add_user(&tenant, "two@dev.example", vec![]).await;
    let other = world.tenant("other").await;
    let theirs = world.add_user(&other, "three@other.example", vec![]).await;
    let guid = create(&world, &tenant, oauth2("p")).await;
    let names = async || {
        let list = done(&world, &tenant.cookie, "users", json!({"guid": guid})).await;
        assert_eq!(list["count"], list["list"].as_array().unwrap().len());
        list["list"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["userid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for users in [
        json!(["one@dev.example", {"guid": two, "userId": "whoever"}]),
        json!([one, "ONE@dev.example", two, {"userId": "two@dev.example"}]),
    ] {
        assert_eq!(
            done(
                &world,
                &tenant.cookie,
                "addusers",
                json!({"guid": guid, "users": users})
            )
            .await,
            json!({"status": "ok"})
        );
        assert_eq!(names().await, ["one@dev.example", "two@dev.example"]);
        world.verify(tenant.tenant_id).await.unwrap();
    }
    refused(
        &send(
            &world,
            &tenant.cookie,
            "removeusers",
            json!({"guid": guid, "users": [one, theirs]}),
        )
        .await,
        404,
        "User not found",
    );
    assert_eq!(names().await.len(), 2);
    for _ in 0..2 {
        done(
            &world,
            &tenant.cookie,
            "removeusers",
            json!({"guid": guid, "users": ["one@dev.example"]}),
        )
        .await;
        assert_eq!(names().await, ["two@dev.example"]);
        world.verify(tenant.tenant_id).await.unwrap();
    }
    refused(
        &send(
            &world,
            &other.cookie,
            "addusers",
            json!({"guid": guid, "users": [theirs]}),
        )
        .await,
        404,
        "invalid_guid",
    );
    refused(
        &send(&world, &other.cookie, "read", json!({"guid": guid})).await,
        404,
        "invalid_guid",
    );
    refused(
        &send(&world, &other.cookie, "read", json!({"policyId": "p"})).await,
        404,
        "invalid_policyId",
    );
    for number in 0..49 {
        let more = world.add_policy(&tenant, &format!("more-{number}")).await;
        done(
            &world,
            &tenant.cookie,
            "addusers",
            json!({"guid": more, "users": [two]}),
        )
        .await;
    }
    let last = world.add_policy(&tenant, "last").await;
    let answer = send(
        &world,
        &tenant.cookie,
        "addusers",
        json!({"guid": last, "users": [one, two]}),
    )
    .await;
    refused(
        &answer,
        400,
        "invalid_users: a user is listed on at most 50 policies",
    );
    assert_eq!(listed_on(&world, &tenant, &one).await, Vec::<Guid>::new());
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_a_provider_the_name_of_who_may_do_more() {
    let (world, tenant) = World::new().await;
    let above = world
        .add_user(&tenant, "above@dev.example", vec![Role::CustomerAdmin])
        .await;
    let below = world
        .add_user(&tenant, "below@dev.example", vec![Role::Dev])
        .await;
    let (_, portal) = world
        .user(&tenant, "portal@dev.example", vec![Role::PortalAdmin])
        .await;
    let (_, dev) = world
        .user(&tenant, "dev@dev.example", vec![Role::Dev])
        .await;
    let forbidden = |answer: Answer| assert_eq!(answer.status, 403, "{}", answer.text);
    for what in [
        "create",
        "list",
        "read",
        "users",
        "addusers",
        "removeusers",
        "update",
        "delete",
    ] {
        forbidden(
            send(
                &world,
                &dev,
                what,
                json!({"guid": Guid::random(), "users": []}),
            )
            .await,
        );
    }
    let mut with_above = oauth2("p");
    with_above["users"] = json!([below, above]);
    forbidden(send(&world, &portal, "create", with_above).await);
    refused(
        &send(&world, &portal, "read", json!({"policyId": "p"})).await,
        404,
        "invalid_policyId",
    );
    let mut with_below = oauth2("p");
    with_below["users"] = json!(["below@dev.example"]);
    let made = done(&world, &portal, "create", with_below).await;
    assert_eq!(made["users"][0]["guid"], json!(below));
    let guid = &made["guid"];
    forbidden(
        send(
            &world,
            &portal,
            "addusers",
            json!({"guid": guid, "users": [above]}),
        )
        .await,
    );
    assert_eq!(listed_on(&world, &tenant, &above).await, Vec::<Guid>::new());

    let provider =
        json!({"guid": guid, "configurations": {"clientId": "mine", "clientSecret": "mine"}});
    let pages = json!({
        "guid": guid,
        "configurations": {
            "clientId": "mine",
            "clientSecret": "********",
            "redirectUrls": ["https://mine.example"],
        },
    });
    let secret =
        json!({"guid": guid, "configurations": {"clientId": "mine", "clientSecret": "other"}});
    let kind = json!({
        "guid": guid,
        "policyType": "MBAAS",
        "configurations": {"authEndpoint": "https://mine.example"},
    });
    done(&world, &portal, "update", provider).await;
    done(
        &world,
        &tenant.cookie,
        "addusers",
        json!({"guid": guid, "users": [above]}),
    )
    .await;
    for body in [&pages, &secret, &kind] {
        forbidden(send(&world, &portal, "update", body.clone()).await);
    }
    let same = json!({
        "guid": guid,
        "policyId": "q",
        "checkUserExists": true,
        "configurations": {"clientId": "mine", "clientSecret": "********"},
    });
    done(&world, &portal, "update", same).await;
    for body in [pages, secret, kind] {
        done(&world, &tenant.cookie, "update", body).await;
    }
    // To take somebody off gives nothing to anybody.
    done(
        &world,
        &portal,
        "removeusers",
        json!({"guid": guid, "users": [above]}),
    )
    .await;
    done(
        &world,
        &portal,
        "update",
        json!({"guid": guid, "configurations": {"authEndpoint": "https://theirs.example"}}),
    )
    .await;
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_policy_leaves_nobody_behind_and_opens_nothing() {
    let (world, tenant) = World::new().await;
    let user = world.add_user(&tenant, "u@dev.example", vec![]).await;
    let policy = world.add_policy(&tenant, "Own").await;
    let item = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/create",
            json!({"name": "Item", "authpolicies": [policy]}),
        )
        .await;
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/appstore/additem",
            json!({"guid": item["guid"]}),
        )
        .await;
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/appstore/addpolicy",
            json!({"guid": policy}),
        )
        .await;
    let seen = async |session: &str| {
        let answer = world
            .call("POST", "/box/srv/1.1/mas/appstore/getstoreitems")
            .session(session)
            .json(json!({}))
            .send()
            .await;
        (
            answer.status,
            answer.json["list"].as_array().map_or(0, Vec::len),
        )
    };
    let session = world
        .store_session_by(&tenant, "Own", "u@dev.example", "CUID")
        .await;
    assert_eq!(seen(&session).await, (200, 1));
    let mut users = vec![user];
    for number in 0..100 {
        users.push(
            world
                .add_user(&tenant, &format!("u{number}@dev.example"), vec![])
                .await,
        );
    }
    for some in users.chunks(MAX_USERS) {
        done(
            &world,
            &tenant.cookie,
            "addusers",
            json!({"guid": policy, "users": some}),
        )
        .await;
    }
    assert_eq!(
        done(&world, &tenant.cookie, "users", json!({"guid": policy})).await["count"],
        101
    );
    done(&world, &tenant.cookie, "delete", json!({"guid": policy})).await;
    world.verify(tenant.tenant_id).await.unwrap();
    assert_eq!(seen(&session).await.0, 401);
    let other_way = world.store_session(&tenant, "u@dev.example", "CUID").await;
    assert_eq!(
        seen(&other_way).await,
        (200, 0),
        "the item is not open to others now"
    );
    refused(
        &send(&world, &tenant.cookie, "delete", json!({"guid": policy})).await,
        404,
        "invalid_guid",
    );
    let list = done(&world, &tenant.cookie, "list", json!({})).await;
    assert_eq!(list["count"], 1);
    // The id is free, and the new policy is another one.
    let again = world.add_policy(&tenant, "Own").await;
    let session = world
        .store_session_by(&tenant, "Own", "u@dev.example", "CUID")
        .await;
    assert_ne!(again, policy);
    assert_eq!(seen(&session).await, (200, 0));
    assert_eq!(
        listed_on(&world, &tenant, &users[0]).await,
        Vec::<Guid>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_change_the_list_at_once() {
    let (world, tenant) = World::new().await;
    let guid = create(&world, &tenant, oauth2("p")).await;
    let mut users = Vec::new();
    for number in 0..32 {
        users.push(
            world
                .add_user(&tenant, &format!("u{number}@dev.example"), vec![])
                .await,
        );
    }
    let answers = all(users.iter().map(|user| {
        send(
            &world,
            &tenant.cookie,
            "addusers",
            json!({"guid": guid, "users": [user]}),
        )
    }))
    .await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{:?}",
        answers
            .iter()
            .map(|answer| &answer.text)
            .collect::<Vec<_>>()
    );
    assert_eq!(
        done(&world, &tenant.cookie, "users", json!({"guid": guid})).await["count"],
        32
    );
    world.verify(tenant.tenant_id).await.unwrap();
    let answers = all(users.iter().enumerate().map(|(turn, user)| {
        let (what, body) = match turn % 4 {
            0 => ("delete", json!({"guid": guid})),
            1 => ("addusers", json!({"guid": guid, "users": [user]})),
            2 => ("removeusers", json!({"guid": guid, "users": [user]})),
            _ => (
                "update",
                json!({
                    "guid": guid,
                    "policyId": format!("p{turn}"),
                    "configurations": {"clientId": "x", "clientSecret": "y"},
                }),
            ),
        };
        send(&world, &tenant.cookie, what, body)
    }))
    .await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 200 | 404)),
        "{:?}",
        answers
            .iter()
            .map(|answer| &answer.text)
            .collect::<Vec<_>>()
    );
    world.verify(tenant.tenant_id).await.unwrap();
    for user in &users {
        assert_eq!(listed_on(&world, &tenant, user).await, Vec::<Guid>::new());
    }
    // One id, claimed by many at once.
    let answers = all((0..32).map(|_| send(&world, &tenant.cookie, "create", oauth2("one")))).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 200 | 409))
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

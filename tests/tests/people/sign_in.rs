//! Sign-in of apps' users by directories, companies' own endpoints and the browser: who they are
//! here, and when they are out again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use appdepot_tests::providers::{Provider, basic, closed_port, directory, fields};
use appdepot_tests::{Answer, PASSWORD, TestTenant, World, all};
use serde_json::{Value, json};
use shared::base::id::{Guid, TenantId};
use shared::base::rights::Role;
use shared::base::secret::{CredentialText, device_id};
use shared::domain::people::auth_policy::BUILT_IN;
use shared::domain::sign_in::sign_in::{ACCOUNT_FAILURES, FAILURE_WINDOW, PENDING_SECONDS};
use shared::model::people::device::Device;
use shared::model::people::user::User;
use shared::store::record::{Reader, Record, Stored};
use shared::store::{Key, keys};

const PATH: &str = "/box/srv/1.1/admin/authpolicy";

const CALLBACK: &str = "/box/srv/1.1/arm/authCallback";

const OWN: &str = "https://store.example/box/srv/1.1/arm/authCallback";

async fn policy(
    world: &World,
    tenant: &TestTenant,
    id: &str,
    kind: &str,
    configurations: Value,
) -> String {
    let body = json!({"policyId": id, "policyType": kind, "configurations": configurations});
    world
        .post(&tenant.cookie, &format!("{PATH}/create"), body)
        .await["guid"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn update(world: &World, tenant: &TestTenant, guid: &str, field: &str, value: Value) {
    world
        .post(
            &tenant.cookie,
            &format!("{PATH}/update"),
            json!({"guid": guid, field: value}),
        )
        .await;
}

async fn list_users(world: &World, tenant: &TestTenant, what: &str, guid: &str, users: &[&Guid]) {
    world
        .post(
            &tenant.cookie,
            &format!("{PATH}/{what}"),
            json!({"guid": guid, "users": users}),
        )
        .await;
}

async fn change<R: Record>(world: &World, key: Key, change: impl FnOnce(&mut R)) {
    let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
    let mut found: Stored<R> = reader.get(&key).await.unwrap().unwrap();
    change(&mut found.value);
    world
        .plain
        .table
        .write(vec![found.replace().unwrap()])
        .await
        .unwrap();
}

async fn auth(world: &World, tenant: &TestTenant, policy_id: &str, params: Value) -> Answer {
    let body = json!({
        "policyId": policy_id, "clientToken": tenant.store, "device": "CUID", "params": params,
        "environment": "live",
    });
    world
        .call("POST", &format!("{PATH}/auth"))
        .json(body)
        .send()
        .await
}

fn session_of(answer: &Answer) -> String {
    assert_eq!(answer.json["status"], "ok", "{}", answer.text);
    answer.json["sessionToken"].as_str().unwrap().to_owned()
}

fn refused(answer: &Answer, status: u16, message: &str) {
    let got = (
        answer.status,
        answer.json["status"].as_str(),
        answer.json["message"].as_str(),
    );
    assert_eq!(
        got,
        (status, Some("error"), Some(message)),
        "{}",
        answer.text
    );
}

/// Whether the session is good for anything: by the client's own question, and by what it opens.
async fn is_in(world: &World, session: &str) -> bool {
    let answer = world
        .call("POST", &format!("{PATH}/verifysession"))
        .json(json!({"sessionToken": session}))
        .send()
        .await;
    let items = world
        .call("POST", "/box/srv/1.1/mas/appstore/getstoreitems")
        .session(session)
        .json(json!({}))
        .send()
        .await;
    assert_eq!(
        items.status == 200,
        answer.json["isValid"] == true,
        "{} {}",
        answer.text,
        items.text
    );
    answer.json["isValid"] == true
}

async fn info(world: &World, session: &str) -> Value {
    world
        .call("POST", &format!("{PATH}/sessioninfo"))
        .json(json!({"sessionToken": session}))
        .send()
        .await
        .json
}

async fn items(world: &World, session: &str) -> Vec<String> {
    let answer = world
        .call("POST", "/box/srv/1.1/mas/appstore/getstoreitems")
        .session(session)
        .json(json!({}))
        .send()
        .await;
    answer.json["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_signs_in_by_its_own_password() {
    let (world, tenant) = World::new().await;
    let url = directory("open sesame").await;
    let guid = policy(
        &world,
        &tenant,
        "dir",
        "LDAP",
        json!({
            "url": url, "dn": "ou=people,dc=example", "dn_prefix": "uid", "starttls": false,
            "emailVerified": true,
        }),
    )
    .await;
    let bob = world
        .add_user(&tenant, "bob@dev.example", vec![Role::Analytics])
        .await;
    let right = || json!({"userId": "Bob", "password": "open sesame"});
    let answer = auth(&world, &tenant, "dir", right()).await;
    let stranger = session_of(&answer);
    assert_eq!(
        (&answer.json["userId"], &answer.json["message"]),
        (&json!("bob"), &json!("Authentication successful"))
    );
    assert_eq!(
        answer.json["authResponse"],
        json!({"userId": "bob", "email": "Bob@dev.example", "name": "Somebody"})
    );
    let told = info(&world, &stranger).await;
    assert_eq!(
        (&told["userId"], &told["email"], &told["policy"]),
        (&json!("bob"), &json!("Bob@dev.example"), &json!(guid))
    );
    assert_ne!(told["userGuid"], json!(bob));
    // He is nothing of the user whose address he has, until he is listed.
    let log = || world.call("GET", "/box/srv/1.1/admin/auditlog/listlogs?limit=10");
    assert_eq!(log().session(&stranger).send().await.status, 403);
    list_users(&world, &tenant, "addusers", &guid, &[&bob]).await;
    let session = session_of(&auth(&world, &tenant, "dir", right()).await);
    assert_eq!(info(&world, &session).await["userGuid"], json!(bob));
    assert_eq!(log().session(&session).send().await.status, 200);
    list_users(&world, &tenant, "removeusers", &guid, &[&bob]).await;
    assert!(!is_in(&world, &session).await);
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_with_a_provider_are_throttled_by_themselves() {
    let (world, tenant) = World::new().await;
    let url = directory("open sesame").await;
    let configurations =
        json!({"url": url, "dn": "ou=people,dc=example", "dn_prefix": "uid", "starttls": false});
    policy(&world, &tenant, "dir", "LDAP", configurations.clone()).await;
    policy(&world, &tenant, "dir2", "LDAP", configurations).await;
    for spelling in ["admin", "ADMIN", " admin ", "ad\u{ad}min", "ａｄｍｉｎ"]
        .iter()
        .cycle()
        .take(ACCOUNT_FAILURES as usize)
    {
        let answer = auth(
            &world,
            &tenant,
            "dir",
            json!({"userId": spelling, "password": "wrong"}),
        )
        .await;
        refused(&answer, 200, "User login failed");
        assert!(!answer.text.contains("49"), "{}", answer.text);
    }
    let right = json!({"userId": "admin", "password": "open sesame"});
    refused(
        &auth(&world, &tenant, "dir", right.clone()).await,
        429,
        "Too many failed logins, please try again later",
    );
    // Neither the platform's account of that name nor the other policy is closed.
    session_of(&auth(&world, &tenant, "dir2", right.clone()).await);
    session_of(
        &auth(
            &world,
            &tenant,
            BUILT_IN,
            json!({"userId": "admin", "password": PASSWORD}),
        )
        .await,
    );
    world.clock.advance_seconds(FAILURE_WINDOW + 1);
    for round in 0..2 {
        for _ in 0..ACCOUNT_FAILURES - 1 {
            refused(
                &auth(
                    &world,
                    &tenant,
                    "dir",
                    json!({"userId": "admin", "password": "wrong"}),
                )
                .await,
                200,
                "User login failed",
            );
        }
        assert!(
            auth(&world, &tenant, "dir", right.clone()).await.json["status"] == "ok",
            "a success forgives: {round}"
        );
    }
    // And who knows the directory's password opens nothing of the platform's.
    for _ in 0..ACCOUNT_FAILURES {
        refused(
            &auth(
                &world,
                &tenant,
                BUILT_IN,
                json!({"userId": "admin", "password": "wrong"}),
            )
            .await,
            200,
            "User login failed",
        );
    }
    session_of(&auth(&world, &tenant, "dir", right).await);
    let own = json!({"userId": "admin", "password": PASSWORD});
    refused(
        &auth(&world, &tenant, BUILT_IN, own).await,
        429,
        "Too many failed logins, please try again later",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_decides_and_its_answer_goes_out() {
    let (world, tenant) = World::new().await;
    let endpoint = Provider::endpoint(|request| match request["password"].as_str() {
        Some("right") => (
            200,
            json!({"status": "ok", "userId": request["userId"], "badge": 7}),
        ),
        _ => (401, json!({"status": "error", "message": "internal words"})),
    })
    .await;
    policy(
        &world,
        &tenant,
        "own",
        "MBAAS",
        json!({"authEndpoint": format!("{}/auth", endpoint.origin), "defaultEnvironment": "dev"}),
    )
    .await;
    let answer = auth(
        &world,
        &tenant,
        "own",
        json!({"userId": "E-77", "password": "right", "site": 4}),
    )
    .await;
    let session = session_of(&answer);
    assert_eq!(
        answer.json["authResponse"],
        json!({"status": "ok", "userId": "E-77", "badge": 7})
    );
    let sent: Value = serde_json::from_str(&endpoint.asked()[0].body).unwrap();
    assert_eq!(
        sent,
        json!({
            "userId": "E-77", "password": "right", "site": 4, "device": "CUID",
            "clientToken": tenant.store, "environment": "live",
        })
    );
    assert!(is_in(&world, &session).await);
    let answer = auth(
        &world,
        &tenant,
        "own",
        json!({"userId": "E-77", "password": "wrong"}),
    )
    .await;
    refused(&answer, 200, "User login failed");
    let body = json!({
        "policyId": "own",
        "clientToken": tenant.store,
        "__fh": {"cuid": "CUID"},
        "params": {"userId": 5, "password": "right"},
    });
    assert_eq!(
        world
            .call("POST", &format!("{PATH}/auth"))
            .json(body)
            .send()
            .await
            .json["userId"],
        "5"
    );
    let sent: Value = serde_json::from_str(&endpoint.asked()[2].body).unwrap();
    assert_eq!(sent["environment"], "dev");
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_told_as_such() {
    let (world, tenant) = World::new().await;
    let port = closed_port().await;
    let origin = format!("http://127.0.0.1:{port}");
    policy(
        &world,
        &tenant,
        "own",
        "MBAAS",
        json!({"authEndpoint": origin}),
    )
    .await;
    policy(
        &world,
        &tenant,
        "dir",
        "LDAP",
        json!({"url": format!("ldap://127.0.0.1:{port}"), "dn": "dc=a", "dn_prefix": "uid"}),
    )
    .await;
    policy(
        &world,
        &tenant,
        "oidc",
        "OPENID",
        json!({"clientId": "a", "issuer": origin}),
    )
    .await;
    let urls = json!({
        "consumerKey": "a", "consumerSecret": "b", "requestTokenUrl": origin,
        "authorizeUrl": origin, "accessTokenUrl": origin,
    });
    policy(&world, &tenant, "oauth1", "OAUTH1", urls).await;
    let began = Instant::now();
    for id in ["own", "dir", "oidc", "oauth1"] {
        let answer = auth(&world, &tenant, id, json!({"userId": "a", "password": "b"})).await;
        refused(
            &answer,
            503,
            "The identity provider of this policy does not answer, please try again later",
        );
        assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
    }
    assert!(began.elapsed() < Duration::from_secs(30));
    let broken = Provider::endpoint(|_| (200, json!(["no object"]))).await;
    policy(
        &world,
        &tenant,
        "broken",
        "MBAAS",
        json!({"authEndpoint": broken.origin}),
    )
    .await;
    let answer = auth(&world, &tenant, "broken", json!({"userId": "a"})).await;
    refused(
        &answer,
        503,
        "This policy cannot sign anybody in as it is set up with its identity provider, please \
        tell an administrator",
    );
    refused(
        &auth(&world, &tenant, "nothing", json!({})).await,
        200,
        "unknown_policyId",
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

/// An endpoint that admits everybody as whom the test says, and the policy `own` with it.
async fn everybody(world: &World, tenant: &TestTenant) -> (Arc<Mutex<Value>>, String, Provider) {
    let person = Arc::new(Mutex::new(json!({"userId": "jane"})));
    let shown = Arc::clone(&person);
    let endpoint = Provider::endpoint(move |_| (200, shown.lock().unwrap().clone())).await;
    let guid = policy(
        world,
        tenant,
        "own",
        "MBAAS",
        json!({"authEndpoint": endpoint.origin}),
    )
    .await;
    (person, guid, endpoint)
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_the_codes_that_clients_know() {
    let (world, tenant) = World::new().await;
    let (_, guid, _endpoint) = everybody(&world, &tenant).await;
    let tenant_id = tenant.tenant_id;
    let enter = || auth(&world, &tenant, "own", json!({}));
    let device = keys::device(tenant_id, &device_id("CUID"));
    session_of(&enter().await);
    change(&world, device.clone(), |device: &mut Device| {
        device.disabled = true
    })
    .await;
    refused(&enter().await, 200, "device_disabled");
    change(&world, device.clone(), |device: &mut Device| {
        device.blacklisted = true
    })
    .await;
    refused(&enter().await, 200, "device_purge_data");
    change(&world, device, |device: &mut Device| {
        (device.disabled, device.blacklisted) = (false, false)
    })
    .await;

    update(&world, &tenant, &guid, "checkUserExists", json!(true)).await;
    refused(&enter().await, 200, "user_not_found");
    let jane = world.add_user(&tenant, "jane", vec![]).await;
    session_of(&enter().await);
    update(&world, &tenant, &guid, "checkUserApproved", json!(true)).await;
    refused(&enter().await, 200, "user_not_approved");
    list_users(&world, &tenant, "addusers", &guid, &[&jane]).await;
    let session = session_of(&enter().await);
    assert_eq!(info(&world, &session).await["userGuid"], json!(jane));
    let user = keys::user(tenant_id, &jane);
    change(&world, user.clone(), |user: &mut User| {
        user.owner.enabled = false
    })
    .await;
    refused(&enter().await, 200, "user_disabled");
    assert!(!is_in(&world, &session).await);
    change(&world, user, |user: &mut User| {
        user.owner.blacklisted = true
    })
    .await;
    refused(&enter().await, 200, "user_purge_data");
    // A stranger is told nothing of that.
    let wrong = json!({"userId": "jane", "password": "wrong"});
    refused(
        &auth(&world, &tenant, BUILT_IN, wrong).await,
        200,
        "User login failed",
    );
    world.verify(tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_counts_only_where_it_is_vouched_for_and_one_persons() {
    let (world, tenant) = World::new().await;
    let (person, guid, _endpoint) = everybody(&world, &tenant).await;
    let bob = world.add_user(&tenant, "bob@dev.example", vec![]).await;
    list_users(&world, &tenant, "addusers", &guid, &[&bob]).await;
    let comes = async |who: Value| {
        *person.lock().unwrap() = who;
        let session = session_of(&auth(&world, &tenant, "own", json!({})).await);
        info(&world, &session).await["userGuid"].clone()
    };
    assert_ne!(
        comes(json!({"userId": "x1", "email": "bob@dev.example"})).await,
        json!(bob)
    );
    assert_eq!(
        comes(json!({"userId": "x1", "email": "BOB@dev.example", "email_verified": true})).await,
        json!(bob)
    );
    // Another user with the same address: now it says nothing any more.
    let second = world.add_user(&tenant, "second", vec![]).await;
    let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
    let mut found: Stored<User> = reader
        .get(&keys::user(tenant.tenant_id, &second))
        .await
        .unwrap()
        .unwrap();
    let before = found.value.clone();
    found.value.owner.email = "bob@dev.example".to_owned();
    let writes =
        shared::domain::people::user::changed(&mut reader, tenant.tenant_id, &before, found)
            .await
            .unwrap();
    world.plain.table.write(writes).await.unwrap();
    let stranger =
        comes(json!({"userId": "x1", "email": "bob@dev.example", "email_verified": true})).await;
    assert_ne!(stranger, json!(bob));
    assert_ne!(stranger, json!(second));
    // The name is his.
    assert_eq!(
        comes(json!({"userId": "bob@dev.example"})).await,
        json!(bob)
    );
    // The same subject is the same stranger, that of another policy is another one.
    assert_eq!(comes(json!({"userId": "x1"})).await, stranger);
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_what_is_for_everybody_and_no_more() {
    let (world, tenant) = World::new().await;
    let (_, guid, _endpoint) = everybody(&world, &tenant).await;
    let group = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitemgroup/create",
            json!({"name": "Group"}),
        )
        .await;
    for (name, more) in [
        ("open", json!({})),
        (
            "grouped",
            json!({"groups": [group["guid"]], "restrictToGroups": true}),
        ),
        (
            "by another policy",
            json!({"authpolicies": [world.add_policy(&tenant, "other").await]}),
        ),
        ("by this policy", json!({"authpolicies": [guid]})),
    ] {
        let mut body = more;
        body["name"] = json!(name);
        let item = world
            .post(&tenant.cookie, "/box/srv/1.1/admin/storeitem/create", body)
            .await;
        world
            .post(
                &tenant.cookie,
                "/box/srv/1.1/admin/appstore/additem",
                json!({"guid": item["guid"]}),
            )
            .await;
    }
    let session = session_of(&auth(&world, &tenant, "own", json!({})).await);
    assert_eq!(
        items(&world, &session).await,
        Vec::<String>::new(),
        "the store is not for who comes by this policy"
    );
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/appstore/addpolicy",
            json!({"guid": guid}),
        )
        .await;
    assert_eq!(items(&world, &session).await, ["open", "by this policy"]);
    for path in [
        "/box/srv/1.1/admin/storeitem/list",
        "/box/srv/1.1/admin/authpolicy/list",
        "/box/srv/1.1/admin/auditlog/listlogs",
    ] {
        assert_eq!(
            world
                .call("GET", path)
                .session(&session)
                .send()
                .await
                .status,
            403,
            "{path}"
        );
    }
    assert_eq!(
        world
            .call("POST", "/box/srv/1.1/ide/dev/api/list")
            .session(&session)
            .json(json!({}))
            .send()
            .await
            .status,
        403
    );
    let shown = world
        .call("GET", "/box/srv/1.1/mas/appstore/read")
        .send()
        .await;
    assert!(
        shown.text.contains(r#""name":"own""#) && shown.text.contains("MBAAS"),
        "{}",
        shown.text
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_what_it_came_by() {
    let (world, tenant) = World::new().await;
    let (person, guid, _endpoint) = everybody(&world, &tenant).await;
    let jane = world.add_user(&tenant, "jane", vec![]).await;
    let enter = async |who: &str| {
        *person.lock().unwrap() = json!({"userId": who});
        session_of(&auth(&world, &tenant, "own", json!({})).await)
    };
    // He is known here and not listed: he is out when the user is.
    let unlinked = enter("jane").await;
    assert_ne!(info(&world, &unlinked).await["userGuid"], json!(jane));
    let user = keys::user(tenant.tenant_id, &jane);
    change(&world, user.clone(), |user: &mut User| {
        user.owner.enabled = false
    })
    .await;
    assert!(!is_in(&world, &unlinked).await);
    change(&world, user, |user: &mut User| user.owner.enabled = true).await;
    assert!(is_in(&world, &unlinked).await);

    list_users(&world, &tenant, "addusers", &guid, &[&jane]).await;
    let listed = enter("jane").await;
    let stranger = enter("somebody").await;
    list_users(&world, &tenant, "removeusers", &guid, &[&jane]).await;
    assert!(!is_in(&world, &listed).await && is_in(&world, &stranger).await);
    list_users(&world, &tenant, "addusers", &guid, &[&jane]).await;
    assert!(is_in(&world, &listed).await);

    update(&world, &tenant, &guid, "checkUserApproved", json!(true)).await;
    assert!(is_in(&world, &listed).await && !is_in(&world, &stranger).await);
    update(&world, &tenant, &guid, "checkUserApproved", json!(false)).await;
    update(&world, &tenant, &guid, "checkUserExists", json!(true)).await;
    assert!(is_in(&world, &listed).await && !is_in(&world, &stranger).await);
    update(&world, &tenant, &guid, "checkUserExists", json!(false)).await;

    let revoked = enter("somebody").await;
    for _ in 0..2 {
        let answer = world
            .call("POST", &format!("{PATH}/revokesession"))
            .json(json!({"sessionToken": revoked}))
            .send()
            .await;
        assert_eq!(answer.json, json!({"status": "ok"}));
    }
    assert!(!is_in(&world, &revoked).await && is_in(&world, &stranger).await);
    assert_eq!(
        info(&world, &revoked).await["message"],
        "invalid_sessionToken"
    );

    world
        .post(
            &tenant.cookie,
            &format!("{PATH}/delete"),
            json!({"guid": guid}),
        )
        .await;
    assert!(
        !is_in(&world, &listed).await
            && !is_in(&world, &stranger).await
            && !is_in(&world, &unlinked).await
    );
    // Another policy of that id is another policy.
    policy(
        &world,
        &tenant,
        "own",
        "MBAAS",
        json!({"authEndpoint": "https://a.example"}),
    )
    .await;
    assert!(!is_in(&world, &listed).await && !is_in(&world, &stranger).await);
    world.verify(tenant.tenant_id).await.unwrap();
}

/// An OpenID provider with that policy, whose people are `subject`.
async fn open_id(world: &World, tenant: &TestTenant) -> (Provider, String) {
    let provider = Provider::open_id(|| {
        json!({
            "sub": "s-100%", "email": "bob@dev.example", "email_verified": true, "name": "Bob & Co",
        })
    })
    .await;
    let configurations = json!({
        "issuer": provider.origin,
        "clientId": "field-notes",
        "clientSecret": "kd94",
        "redirectUrls": [
            "https://app.example/in",
        ],
    });
    let guid = policy(world, tenant, "oidc", "OAUTH2", configurations).await;
    (provider, guid)
}

async fn begin(world: &World, tenant: &TestTenant, policy_id: &str, end: Option<&str>) -> Answer {
    let body = json!({
        "policyId": policy_id, "clientToken": tenant.store, "device": "CUID", "endRedirectUrl": end,
    });
    world
        .call("POST", &format!("{PATH}/auth"))
        .json(body)
        .send()
        .await
}

/// The browser goes where it is sent, and this is its state.
async fn visit(answer: &Answer) -> String {
    assert_eq!(answer.json["status"], "ok", "{}", answer.text);
    let url = answer.json["url"].as_str().unwrap();
    assert_eq!(
        appdepot_tests::client::send("GET", url, &[], "")
            .await
            .unwrap()
            .status,
        200
    );
    fields(url.split_once('?').unwrap().1)["state"].clone()
}

async fn back(world: &World, query: &str) -> Answer {
    world
        .call("GET", &format!("{CALLBACK}?{query}"))
        .send()
        .await
}

/// Where the browser is sent, and with what.
fn sent(answer: &Answer) -> (String, std::collections::BTreeMap<String, String>) {
    assert_eq!(
        (answer.status, answer.header("referrer-policy")),
        (302, "no-referrer"),
        "{}",
        answer.text
    );
    let (target, query) = answer.header("location").split_once('?').unwrap();
    assert!(!query.contains('+'));
    (target.to_owned(), fields(query))
}

fn failed(answer: &Answer, target: &str, message: &str) {
    let (to, query) = sent(answer);
    let wanted = [
        ("status", "complete"),
        ("result", "failure"),
        ("message", message),
    ];
    assert_eq!(to, target);
    assert!(
        wanted
            .iter()
            .all(|(name, value)| query.get(*name).is_some_and(|have| have == value)),
        "{query:?}"
    );
    assert!(!query.contains_key("fh_auth_session"), "{query:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_comes_back_with_a_session_once() {
    let (world, tenant) = World::new().await;
    let (provider, guid) = open_id(&world, &tenant).await;
    let begun = begin(
        &world,
        &tenant,
        "oidc",
        Some("https://app.example/in/page?a=b"),
    )
    .await;
    let url = begun.json["url"].as_str().unwrap();
    let asked = fields(url.split_once('?').unwrap().1);
    assert!(
        url.starts_with(&provider.origin)
            && asked["redirect_uri"] == OWN
            && asked["client_id"] == "field-notes",
        "{url}"
    );
    assert!(!begun.text.contains("kd94") && begun.json.get("sessionToken").is_none());
    let state = visit(&begun).await;
    let snapshot = format!("{:?}", world.snapshot().await);
    assert!(
        !snapshot.contains(&state) && !snapshot.contains("verifier"),
        "what waits is sealed, and found by a hash"
    );
    world.verify(tenant.tenant_id).await.unwrap();

    let query = format!("state={state}&code=good");
    let answers = all((0..8).map(|_| back(&world, &query))).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.header("location").contains("fh_auth_session"));
    assert_eq!((good.len(), bad.len()), (1, 7));
    for answer in bad {
        failed(answer, OWN, "invalid_state");
    }
    let (target, query) = sent(good[0]);
    assert_eq!(target, "https://app.example/in/page");
    assert_eq!(
        (&*query["a"], &*query["status"], &*query["result"]),
        ("b", "complete", "success")
    );
    let response: Value = serde_json::from_str(&query["authResponse"]).unwrap();
    assert_eq!(
        response,
        json!({"userId": "s-100%", "email": "bob@dev.example", "name": "Bob & Co"})
    );
    let session = &query["fh_auth_session"];
    let told = info(&world, session).await;
    assert_eq!(
        (
            &told["userId"],
            &told["device"],
            &told["policy"],
            &told["domain"]
        ),
        (
            &json!("s-100%"),
            &json!("CUID"),
            &json!(guid),
            &json!("dev")
        )
    );
    let token = provider
        .asked()
        .into_iter()
        .find(|asked| asked.path == "/token")
        .unwrap();
    assert_eq!(basic(&token.authorization), "field-notes:kd94");
    assert_eq!(fields(&token.body)["redirect_uri"], OWN);

    // Listed on the policy he is the user of the address that the provider vouches for.
    let bob = world.add_user(&tenant, "bob@dev.example", vec![]).await;
    list_users(&world, &tenant, "addusers", &guid, &[&bob]).await;
    let state = visit(&begin(&world, &tenant, "oidc", None).await).await;
    let (target, query) = sent(&back(&world, &format!("state={state}&code=good")).await);
    assert_eq!(target, OWN);
    assert_eq!(
        info(&world, &query["fh_auth_session"]).await["userGuid"],
        json!(bob)
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_sent_only_where_the_policy_says() {
    let (world, tenant) = World::new().await;
    open_id(&world, &tenant).await;
    let before = world.snapshot().await;
    for end in [
        "https://evil.example/in",
        "https://app.example/other",
        "https://app.example/in#fragment",
        "http://app.example/in",
        "https://app.example@evil.example/in",
        "https://store.example.evil.example/",
        "https://store.example\\@evil.example/",
        "http://store.example/",
        "//evil.example",
        "/in",
        "javascript:alert(1)",
        "x",
    ] {
        refused(
            &begin(&world, &tenant, "oidc", Some(end)).await,
            200,
            "invalid_endRedirectUrl",
        );
    }
    assert_eq!(world.snapshot().await, before);
    for (end, target) in [
        (Some("https://app.example/in"), "https://app.example/in"),
        (
            Some("https://store.example/studio/"),
            "https://store.example/studio/",
        ),
        (Some(""), OWN),
        (None, OWN),
    ] {
        let state = visit(&begin(&world, &tenant, "oidc", end).await).await;
        failed(
            &back(
                &world,
                &format!("state={state}&error=access_denied&error_description=words"),
            )
            .await,
            target,
            "access_denied",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_nobody_waits_for_ends_on_our_own_page() {
    let (world, tenant) = World::new().await;
    let (_provider, guid) = open_id(&world, &tenant).await;
    const APP: &str = "https://app.example/in";
    for query in [
        String::new(),
        "state=".to_owned(),
        "state=garbage&code=good&endRedirectUrl=https://evil.example".to_owned(),
        format!(
            "state={}&code=good",
            CredentialText::new_api_key(tenant.tenant_id).expose()
        ),
        format!(
            "state={}&code=good",
            CredentialText::new_api_key(TenantId::of_name("nobody")).expose()
        ),
        format!(
            "state={}&code=good",
            CredentialText::new_session(tenant.tenant_id, &tenant.admin).expose()
        ),
        format!("state={}&code=good", "%00".repeat(40)),
    ] {
        failed(&back(&world, &query).await, OWN, "invalid_state");
    }
    let wait = async || visit(&begin(&world, &tenant, "oidc", Some(APP)).await).await;
    let state = wait().await;
    world.clock.advance_seconds(PENDING_SECONDS + 1);
    failed(
        &back(&world, &format!("state={state}&code=good")).await,
        OWN,
        "invalid_state",
    );
    let state = wait().await;
    failed(
        &back(&world, &format!("state={state}&code=bad")).await,
        APP,
        "access_denied",
    );
    failed(
        &back(&world, &format!("state={state}&code=good")).await,
        OWN,
        "invalid_state",
    );
    failed(
        &back(&world, &format!("state={}", wait().await)).await,
        APP,
        "access_denied",
    );
    let state = wait().await;
    update(&world, &tenant, &guid, "checkUserExists", json!(true)).await;
    failed(
        &back(&world, &format!("state={state}&code=good")).await,
        APP,
        "user_not_found",
    );
    let bob = world.add_user(&tenant, "bob@dev.example", vec![]).await;
    // To list somebody is no change of the provider.
    let state = wait().await;
    list_users(&world, &tenant, "addusers", &guid, &[&bob]).await;
    assert_eq!(
        sent(&back(&world, &format!("state={state}&code=good")).await).1["result"],
        "success"
    );
    let state = wait().await;
    change(
        &world,
        keys::user(tenant.tenant_id, &bob),
        |user: &mut User| user.owner.enabled = false,
    )
    .await;
    failed(
        &back(&world, &format!("state={state}&code=good")).await,
        APP,
        "user_disabled",
    );

    let read = world
        .post(
            &tenant.cookie,
            &format!("{PATH}/read"),
            json!({"guid": guid}),
        )
        .await;
    let mut configurations = read["configurations"].clone();
    configurations["redirectUrls"] = json!(["https://other.example"]);
    let (changed, deleted) = (wait().await, wait().await);
    update(&world, &tenant, &guid, "configurations", configurations).await;
    failed(
        &back(&world, &format!("state={changed}&code=good")).await,
        OWN,
        "unknown_policyId",
    );
    world
        .post(
            &tenant.cookie,
            &format!("{PATH}/delete"),
            json!({"guid": guid}),
        )
        .await;
    failed(
        &back(&world, &format!("state={deleted}&code=good")).await,
        OWN,
        "unknown_policyId",
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_at_the_return_loses_the_sign_in_and_nothing_else() {
    use shared::store::wrappers::Fault;
    let (world, tenant) = World::new().await;
    open_id(&world, &tenant).await;
    let mut failures = 0;
    for at in 0..8 {
        for fault in Fault::PASSING {
            let state = visit(&begin(&world, &tenant, "oidc", None).await).await;
            world.failing.fail(at, fault);
            let answer = back(&world, &format!("state={state}&code=good")).await;
            let failed = world.failing.heal();
            let (target, query) = sent(&answer);
            assert_eq!(target, OWN);
            if query["result"] == "failure" {
                failures += 1;
                assert!(
                    failed
                        && matches!(
                            &*query["message"],
                            "temporarily_unavailable" | "invalid_state"
                        ),
                    "{fault:?} at {at}: {query:?}"
                );
            } else {
                assert!(is_in(&world, &query["fh_auth_session"]).await);
            }
            world.verify(tenant.tenant_id).await.unwrap();
        }
    }
    assert!(failures > 0);
}

/// An OpenID provider whose token endpoint gives that answer, and everything else as it should.
async fn ends_with(status: u16, token: Value) -> Answer {
    let (world, tenant) = World::new().await;
    let provider = Provider::start(move |own, asked| match asked.path.as_str() {
        "/.well-known/openid-configuration" => {
            let metadata = json!({
                "issuer": own,
                "authorization_endpoint": format!("{own}/authorize"),
                "token_endpoint": format!("{own}/token"),
                "jwks_uri": format!("{own}/keys"),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            });
            (200, metadata.to_string())
        }
        "/keys" => (200, json!({"keys": []}).to_string()),
        "/token" => (status, token.to_string()),
        _ => (200, "{}".to_owned()),
    })
    .await;
    let configurations = json!({"issuer": provider.origin, "clientId": "field-notes"});
    policy(&world, &tenant, "oidc", "OPENID", configurations).await;
    let state = visit(&begin(&world, &tenant, "oidc", None).await).await;
    let answer = back(&world, &format!("state={state}&code=good")).await;
    world.verify(tenant.tenant_id).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_told_whose_fault_a_failed_return_is() {
    let down = ends_with(500, json!("oops")).await;
    failed(&down, OWN, "provider_unavailable");
    let unknown = ends_with(401, json!({"error": "invalid_client"})).await;
    failed(&unknown, OWN, "provider_misconfigured");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_at_the_return_is_a_defect_and_no_call_to_try_again() {
    use shared::store::wrappers::Fault;
    let (world, tenant) = World::new().await;
    open_id(&world, &tenant).await;
    let mut failures = 0;
    for at in 0..20 {
        let state = visit(&begin(&world, &tenant, "oidc", None).await).await;
        world.failing.fail(at, Fault::Refused);
        let answer = back(&world, &format!("state={state}&code=good")).await;
        if !world.failing.heal() {
            assert_eq!(sent(&answer).1["result"], "success");
            break;
        }
        failures += 1;
        failed(&answer, OWN, "internal_error");
        world.verify(tenant.tenant_id).await.unwrap();
    }
    assert!((2..20).contains(&failures), "{failures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth_1_signs_in_too() {
    let (world, tenant) = World::new().await;
    let provider = Provider::oauth1("77").await;
    let at = |path: &str| format!("{}/{path}", provider.origin);
    let configurations = json!({
        "consumerKey": "key",
        "consumerSecret": "secret",
        "requestTokenUrl": at("request"),
        "authorizeUrl": at("authorize"),
        "accessTokenUrl": at("access"),
    });
    policy(&world, &tenant, "one", "oauth1", configurations).await;
    let begun = begin(&world, &tenant, "one", None).await;
    assert_eq!(
        begun.json["url"],
        format!("{}?oauth_token=t1", at("authorize")),
        "{}",
        begun.text
    );
    // The state is in the callback that the provider was given.
    let authorization = provider.asked()[0].authorization.clone();
    let callback = authorization
        .split("oauth_callback=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let callback = fields(&format!("c={callback}"))["c"].clone();
    let state = callback.split_once("state=").unwrap().1.to_owned();
    assert!(callback.starts_with(OWN));
    let (target, query) = sent(
        &back(
            &world,
            &format!("state={state}&oauth_token=t1&oauth_verifier=v"),
        )
        .await,
    );
    assert_eq!((&*target, &*query["result"]), (OWN, "success"));
    assert_eq!(
        info(&world, &query["fh_auth_session"]).await["userId"],
        "77"
    );
    failed(
        &back(
            &world,
            &format!("state={state}&oauth_token=t1&oauth_verifier=v"),
        )
        .await,
        OWN,
        "invalid_state",
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_page_says_how_it_ended_and_nothing_else() {
    let (world, _) = World::new().await;
    for (query, words) in [
        (
            "status=complete&result=success&fh_auth_session=abc&authResponse=%3Cscript%3E",
            "You are signed in",
        ),
        (
            "status=complete&result=failure&message=%3Cscript%3Ealert(1)%3C/script%3E",
            "Sign-in failed",
        ),
        ("status=complete", "Sign-in failed"),
    ] {
        let page = back(&world, query).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, "text/html; charset=utf-8")
        );
        assert!(
            page.text.contains(words)
                && !page.text.contains("script")
                && !page.text.contains("abc"),
            "{}",
            page.text
        );
        assert!(
            page.header("content-security-policy")
                .starts_with("default-src 'none'")
        );
        assert_eq!(
            (page.header("referrer-policy"), page.header("cache-control")),
            ("no-referrer", "no-store")
        );
    }
    for method in ["GET", "POST"] {
        let answer = world
            .call(method, "/box/srv/1.1/arm/getAuthCallbackUrl")
            .send()
            .await;
        assert_eq!(answer.json, json!({"status": "ok", "url": OWN}));
    }
}

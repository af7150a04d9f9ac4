//! Users as administrators and they themselves notice them: made, invited, changed, imported,
//! deleted.

use std::sync::Arc;

use appdepot_tests::consistency::of_tenant;
use appdepot_tests::{Answer, PASSWORD, TestTenant, World, all};
use async_trait::async_trait;
use local_gateway::functions::Functions;
use serde_json::{Value, json};
use shared::base::id::{Guid, TeamId};
use shared::base::rights::{Level, Role};
use shared::base::text::{Description, Label, Name};
use shared::domain::people::password::{INVITATION_SECONDS, RESET_SECONDS};
use shared::model::credentials::credential::MAX_KEYS;
use shared::model::people::team;
use shared::model::people::team::{Access, Grants, Team};
use shared::services::context::Context;
use shared::services::mail::{Mail, Mailer};
use shared::store::{Condition, keys, record};

const ADMIN: &str = "/box/srv/1.1/admin";

const AUTH: &str = "/box/srv/1.1/act/sys/auth";

async fn send(world: &World, cookie: &str, what: &str, body: Value) -> Answer {
    world
        .call("POST", &format!("{ADMIN}/user/{what}"))
        .cookie(cookie)
        .json(body)
        .send()
        .await
}

async fn done(world: &World, tenant: &TestTenant, what: &str, body: Value) -> Value {
    world
        .post(&tenant.cookie, &format!("{ADMIN}/user/{what}"), body)
        .await
}

async fn refused(world: &World, cookie: &str, what: &str, body: Value, status: u16, message: &str) {
    let answer = send(world, cookie, what, body.clone()).await;
    assert_eq!(answer.status, status, "{what} {body}: {}", answer.text);
    let told = answer.json["message"].as_str().unwrap_or_default();
    assert!(told.contains(message), "{what} {body}: {told}");
}

async fn login(world: &World, tenant: &TestTenant, name: &str, password: &str) -> Answer {
    world
        .call("POST", &format!("{AUTH}/login"))
        .json(json!({"u": name, "p": password, "d": tenant.domain}))
        .send()
        .await
}

async fn whoami(world: &World, tenant: &TestTenant, cookie: &str) -> u16 {
    world
        .call(
            "GET",
            &format!("/box/srv/1.1/ide/{}/user/read", tenant.domain),
        )
        .cookie(cookie)
        .send()
        .await
        .status
}

/// The link in the newest mail.
fn link(world: &World) -> String {
    let mail = world.outbox.mails().into_iter().next().expect("a mail");
    mail.text
        .split("token=")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .expect("a link")
        .to_owned()
}

async fn choose(world: &World, token: &str, password: &str) -> Answer {
    world
        .call("POST", &format!("{AUTH}/setpassword"))
        .json(json!({"token": token, "password": password}))
        .send()
        .await
}

async fn group(world: &World, tenant: &TestTenant, name: &str) -> String {
    let made = world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitemgroup/create"),
            json!({"name": name}),
        )
        .await;
    made["guid"].as_str().unwrap().to_owned()
}

async fn key(world: &World, tenant: &TestTenant, cookie: &str) -> String {
    let made = world
        .post(
            cookie,
            &format!("/box/srv/1.1/ide/{}/api/create", tenant.domain),
            json!({"type": "user", "label": "k"}),
        )
        .await;
    made["apiKey"]["key"].as_str().unwrap().to_owned()
}

async fn store_items(world: &World, key: &str) -> u16 {
    world
        .call("POST", &format!("{ADMIN}/storeitem/list"))
        .header("x-fh-auth-user", key)
        .json(json!({}))
        .send()
        .await
        .status
}

/// Makes teams of the tenant's own, each with that permission at that path, in place of those that
/// were there.
async fn teams(world: &World, tenant: &TestTenant, perms: &[(&str, Level)]) -> Vec<TeamId> {
    let (tenant_id, now) = (tenant.tenant_id, world.plain.clock.now());
    let mut access = Access::default();
    let mut writes = Vec::new();
    for (at, (path, level)) in perms.iter().enumerate() {
        let grants = Grants {
            perms: [((*path).to_owned(), *level)].into(),
            objects: [("cluster".to_owned(), vec!["*".to_owned()])].into(),
        };
        let id = TeamId::derived(&["test", &at.to_string()]);
        access.teams.insert(id.clone(), grants.clone());
        let name = Name::new(format!("Team {at}")).unwrap();
        let team = Team {
            id,
            name,
            code: Label::default(),
            desc: Description::default(),
            grants,
            created: now,
            updated: now,
        };
        writes
            .push(record::put(keys::team(tenant_id, &team.id), &team, Condition::Always).unwrap());
    }
    writes.push(record::put(keys::access(tenant_id), &access, Condition::Always).unwrap());
    world.plain.table.write(writes).await.unwrap();
    access.teams.into_keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_made_with_all_that_he_is_on() {
    let (world, tenant) = World::new().await;
    let policy = world.add_policy(&tenant, "Extra").await;
    let group = group(&world, &tenant, "Field").await;
    let team = teams(
        &world,
        &tenant,
        &[(
            "cluster/reseller/customer/domain/admin/app-store",
            Level::Read,
        )],
    )
    .await
    .remove(0);
    let body = json!({
        "username": " anna ",
        "password": "Field-notes-2026",
        "email": "Anna@Example.com",
        "name": "Anna Field",
        "roles": "sub, dev",
        "authpolicies": policy, "invite": "true", "teamIds": team, "storeItemGroups": [group],
    });
    let made = done(&world, &tenant, "create", body).await;
    assert_eq!(
        (&made["username"], &made["type"]),
        (&json!("anna"), &json!("ten_User")),
        "{made}"
    );
    assert_eq!(made.get("warning"), None);
    world.verify(tenant.tenant_id).await.unwrap();
    assert_eq!(world.outbox.mails()[0].to, ["Anna@Example.com"]);
    let signed_in = login(&world, &tenant, "ANNA", "Field-notes-2026").await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);

    let read = done(&world, &tenant, "read", json!({"username": "Anna"})).await;
    assert_eq!(read["guid"], made["guid"]);
    for (name, value) in [
        ("username", json!("anna")),
        ("email", json!("Anna@Example.com")),
        ("name", json!("Anna Field")),
        ("enabled", json!(true)),
        ("blacklisted", json!(false)),
        ("activated", json!(true)),
        ("roles", json!(["sub", "dev"])),
        ("authpolicies", json!([policy])),
        (
            "businessObject",
            json!("cluster/reseller/customer/domain/admin/user"),
        ),
    ] {
        assert_eq!(read["fields"][name], value, "{name} in {read}");
    }
    assert_eq!(
        read["fields"]["lastLogin"].as_str().unwrap().len(),
        19,
        "{read}"
    );
    assert_eq!(
        (&read["roles"], &read["storeItemGroups"]),
        (&json!(["sub", "dev"]), &json!([group]))
    );
    assert_eq!(
        (&read["teams"][0]["_id"], &read["teams"][0]["users"]),
        (&json!(team), &json!([made["guid"]]))
    );
    assert_eq!(read["teams"][0]["defaultTeam"], false);
    assert!(
        read["permissions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["access"] == "read"),
        "{read}"
    );
    done(
        &world,
        &tenant,
        "create",
        json!({"username": "out", "password": PASSWORD, "enabled": false}),
    )
    .await;
    assert_eq!(login(&world, &tenant, "out", PASSWORD).await.status, 401);
    // By guid too.
    assert_eq!(
        done(&world, &tenant, "read", json!({"username": made["guid"]})).await["guid"],
        made["guid"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_changes_nothing() {
    let (world, tenant) = World::new().await;
    let other = world.tenant("other").await;
    let (their_policy, their_group) = (
        world.add_policy(&other, "Theirs").await,
        group(&world, &other, "Theirs").await,
    );
    let policy = world.add_policy(&tenant, "Ours").await;
    let (_, portal) = world.user(&tenant, "portal", vec![Role::PortalAdmin]).await;
    let (_, developer) = world.user(&tenant, "developer", vec![Role::Dev]).await;
    let their_team = team::default_teams(other.tenant_id)[0].id.clone();
    let whole_team = team::default_teams(tenant.tenant_id)[0].id.clone();
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    let with = |field: &str, value: Value| {
        let mut body = json!({"username": "anna", "email": "anna@example.com"});
        body[field] = value;
        body
    };
    let many: Vec<Guid> = (0..51).map(|_| Guid::random()).collect();
    for (body, status, message) in [
        (json!({}), 400, "invalid_username"),
        (with("username", json!("  ")), 400, "invalid_username"),
        (
            with("username", json!("x".repeat(201))),
            400,
            "invalid_username",
        ),
        (with("username", json!("a\r\nb")), 400, "invalid_username"),
        (with("username", json!("ADMIN")), 409, "taken"),
        (with("username", json!("Admin@dev.example")), 409, "taken"),
        (with("email", json!("nowhere")), 400, "user_invalid_email"),
        (
            with("email", json!("a@example.com\r\nBcc: b@example.com")),
            400,
            "user_invalid_email",
        ),
        (
            with("email", json!("a@example.com, b@example.com")),
            400,
            "user_invalid_email",
        ),
        (
            json!({"username": "anna", "invite": true}),
            400,
            "user_invalid_email",
        ),
        (
            with("password", json!("x".repeat(1025))),
            400,
            "invalid_password",
        ),
        (with("name", json!("x".repeat(201))), 400, "invalid_name"),
        (with("name", json!({})), 400, "invalid_name"),
        (with("invite", json!("perhaps")), 400, "invalid_invite"),
        (with("roles", json!("sub,king")), 400, "invalid_roles"),
        (with("roles", json!({"sub": true})), 400, "invalid_roles"),
        (with("authpolicies", json!("short")), 400, "invalid_guid"),
        (
            with("authpolicies", json!([policy, Guid::random()])),
            404,
            "invalid_guid",
        ),
        (
            with("authpolicies", json!([their_policy])),
            404,
            "invalid_guid",
        ),
        (
            with("authpolicies", json!(many)),
            400,
            "invalid_authpolicies",
        ),
        (
            with("storeItemGroups", json!(their_group)),
            404,
            "invalid_guid",
        ),
        (with("teamIds", json!("short")), 400, "invalid_guid"),
        (with("teamIds", json!(their_team)), 404, "invalid_guid"),
        (with("roles", json!("reselleradmin")), 403, "reselleradmin"),
    ] {
        refused(&world, &tenant.cookie, "create", body, status, message).await;
    }
    refused(
        &world,
        &portal,
        "create",
        with("roles", json!("sub,customeradmin")),
        403,
        "customeradmin",
    )
    .await;
    refused(
        &world,
        &portal,
        "create",
        with("teamIds", json!(whole_team)),
        403,
        "rights that the caller lacks",
    )
    .await;
    refused(
        &world,
        &developer,
        "create",
        with("roles", json!("")),
        403,
        "right to write users",
    )
    .await;
    assert_eq!(of_tenant(&world.snapshot().await, tenant.tenant_id), before);
    assert!(world.outbox.mails().is_empty());

    // Whoever may write users alone puts nobody into groups.
    let ours = group(&world, &tenant, "Ours").await;
    let team = teams(
        &world,
        &tenant,
        &[("cluster/reseller/customer/domain/admin/user", Level::Write)],
    )
    .await
    .remove(0);
    done(
        &world,
        &tenant,
        "update",
        json!({"username": "developer", "teamIds": team}),
    )
    .await;
    refused(
        &world,
        &developer,
        "create",
        with("groups", json!(ours)),
        403,
        "groups",
    )
    .await;
    refused(
        &world,
        &developer,
        "create",
        with("roles", json!("dev,devadmin")),
        403,
        "devadmin",
    )
    .await;
    assert_eq!(
        send(&world, &developer, "create", with("roles", json!("dev")))
            .await
            .status,
        200
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_user_chooses_his_password_once() {
    let (world, tenant) = World::new().await;
    let name = "<b>Anna</b> Field";
    done(
        &world,
        &tenant,
        "create",
        json!({"username": "anna", "email": "anna@example.com", "name": name, "invite": true}),
    )
    .await;
    let mail = world.outbox.mails().remove(0);
    assert!(
        mail.text.contains("Your user name is anna")
            && mail
                .text
                .contains("https://store.example/box/srv/1.1/act/sys/auth/setpassword?token=")
    );
    assert!(
        !mail.html.contains("<b>Anna") && mail.html.contains("Anna"),
        "{}",
        mail.html
    );
    assert_eq!(
        done(&world, &tenant, "read", json!({"username": "anna"})).await["fields"]["activated"],
        false
    );
    for password in ["", "anna", PASSWORD] {
        assert_eq!(login(&world, &tenant, "anna", password).await.status, 401);
    }
    let first = link(&world);
    // A link is no session, and looking at it does not use it up.
    assert_eq!(whoami(&world, &tenant, &first).await, 401);
    for _ in 0..2 {
        let page = world
            .call("GET", &format!("{AUTH}/setpassword?token={first}"))
            .send()
            .await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, "text/html; charset=utf-8")
        );
        assert!(
            page.text.contains(&first)
                && page
                    .header("content-security-policy")
                    .contains("default-src 'none'"),
            "{}",
            page.text
        );
    }
    let attack = world
        .call(
            "GET",
            &format!("{AUTH}/setpassword?token=%22%3E%3Cscript%3E"),
        )
        .send()
        .await;
    assert!(!attack.text.contains("<script>"), "{}", attack.text);
    // Sent again: both are good until one was used.
    assert_eq!(
        world
            .call("POST", "/box/srv/1.1/ide/dev/user/invite")
            .cookie(&tenant.cookie)
            .json(json!({"email": "ANNA@example.com"}))
            .send()
            .await
            .status,
        200
    );
    let second = link(&world);
    assert_ne!(first, second);
    assert_eq!(choose(&world, &first, "short").await.status, 400);
    let form = format!("token={first}&password=a+long+password");
    let set = world
        .call("POST", &format!("{AUTH}/setpassword"))
        .raw("application/x-www-form-urlencoded", form.into_bytes())
        .send()
        .await;
    assert!(set.text.contains("Your password is set"), "{}", set.text);
    assert_eq!(
        login(&world, &tenant, "anna", "a long password")
            .await
            .status,
        200
    );
    world.clock.advance_seconds(1);
    for used in [&first, &second, &"x".repeat(58), &String::new()] {
        assert_eq!(
            choose(&world, used, "another password").await.status,
            400,
            "{used}"
        );
    }
    assert_eq!(
        login(&world, &tenant, "anna", "a long password")
            .await
            .status,
        200
    );
    assert_eq!(
        done(&world, &tenant, "read", json!({"username": "anna"})).await["fields"]["activated"],
        true
    );

    // Of an activated user only with force, and then as a reset.
    let invite = |body: Value| {
        world
            .call("POST", "/box/srv/1.1/ide/dev/user/invite")
            .cookie(&tenant.cookie)
            .json(body)
            .send()
    };
    assert_eq!(invite(json!({"username": "anna"})).await.status, 409);
    assert_eq!(
        invite(json!({"email": "anna", "force": "true"}))
            .await
            .status,
        200
    );
    assert!(
        world.outbox.mails()[0].subject.contains("Your password"),
        "{}",
        world.outbox.mails()[0].subject
    );
    assert_eq!(invite(json!({})).await.status, 400);
    assert_eq!(
        invite(json!({"email": "nobody@example.com", "force": true}))
            .await
            .status,
        404
    );
    // Two users of one address: he must be named.
    done(
        &world,
        &tenant,
        "create",
        json!({"username": "twin", "email": "anna@example.com"}),
    )
    .await;
    assert_eq!(
        invite(json!({"email": "anna@example.com", "force": true}))
            .await
            .status,
        400
    );
    done(&world, &tenant, "create", json!({"username": "mute"})).await;
    assert_eq!(invite(json!({"username": "mute"})).await.status, 400);
    let (_, portal) = world.user(&tenant, "portal", vec![Role::PortalAdmin]).await;
    let above = world
        .call("POST", "/box/srv/1.1/ide/dev/user/invite")
        .cookie(&portal)
        .json(json!({"username": "admin", "force": true}))
        .send()
        .await;
    assert_eq!(above.status, 403, "{}", above.text);

    // A link ends with its time.
    assert_eq!(invite(json!({"username": "twin"})).await.status, 200);
    let late = link(&world);
    world.clock.advance_seconds(INVITATION_SECONDS + 1);
    assert_eq!(choose(&world, &late, "another password").await.status, 400);
    world.verify(tenant.tenant_id).await.unwrap();
}

struct Broken;

#[async_trait]
impl Mailer for Broken {
    async fn send(&self, _mail: &Mail) -> Result<(), shared::base::error::Error> {
        Err(shared::base::error::Error::unavailable("no mail today"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_cannot_be_sent() {
    let (mut world, tenant) = World::new().await;
    let body = json!({"username": "anna", "email": "anna@example.com", "invite": true});
    let without = Context::new(
        Arc::clone(&world.context.table),
        Arc::clone(&world.context.clock),
        world.context.settings.clone(),
    );
    world.functions = Functions::new(&without).unwrap();
    refused(
        &world,
        &tenant.cookie,
        "create",
        body.clone(),
        400,
        "MailFrom",
    )
    .await;
    refused(
        &world,
        &tenant.cookie,
        "read",
        json!({"username": "anna"}),
        404,
        "User not found",
    )
    .await;
    world.functions = Functions::new(&world.context.clone().with_mailer(Arc::new(Broken))).unwrap();
    let made = done(&world, &tenant, "create", body).await;
    assert!(
        made["warning"].as_str().unwrap().contains("user/invite"),
        "{made}"
    );
    let updated = done(
        &world,
        &tenant,
        "update",
        json!({"username": "anna", "invite": true}),
    )
    .await;
    assert!(
        updated["warning"].as_str().unwrap().contains("user/invite"),
        "{updated}"
    );
    let invited = world
        .call("POST", "/box/srv/1.1/ide/dev/user/invite")
        .cookie(&tenant.cookie)
        .json(json!({"username": "anna"}))
        .send()
        .await;
    assert_eq!(invited.status, 503, "{}", invited.text);
    world.functions = Functions::new(&world.context).unwrap();
    let updated = done(
        &world,
        &tenant,
        "update",
        json!({"username": "anna", "invite": true}),
    )
    .await;
    assert_eq!(updated.get("warning"), None);
    assert_eq!(
        choose(&world, &link(&world), "a long password")
            .await
            .status,
        200
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password() {
    let (world, tenant) = World::new().await;
    let (_, cookie) = world
        .user(&tenant, "anna@example.com", vec![Role::Dev])
        .await;
    let forgot = |name: &str| {
        world
            .call("POST", &format!("{AUTH}/forgotpassword"))
            .json(json!({"u": name, "d": "dev"}))
            .send()
    };
    let (known, unknown) = (
        forgot("anna@example.com").await,
        forgot("nobody@example.com").await,
    );
    assert_eq!((known.status, &known.text), (200, &unknown.text));
    assert_eq!(world.outbox.mails().len(), 1);
    let token = link(&world);
    // Whoever is out is sent nothing.
    done(
        &world,
        &tenant,
        "update",
        json!({"username": "anna@example.com", "enabled": false}),
    )
    .await;
    assert_eq!(forgot("anna@example.com").await.status, 200);
    assert_eq!(world.outbox.mails().len(), 1);
    done(
        &world,
        &tenant,
        "update",
        json!({"username": "anna@example.com", "enabled": true}),
    )
    .await;
    assert_eq!(whoami(&world, &tenant, &cookie).await, 200);
    world.clock.advance_seconds(1);
    assert_eq!(choose(&world, &token, "a new password").await.status, 200);
    assert_eq!(
        whoami(&world, &tenant, &cookie).await,
        401,
        "sessions from before end"
    );
    assert_eq!(
        login(&world, &tenant, "anna@example.com", PASSWORD)
            .await
            .status,
        401
    );
    assert_eq!(
        login(&world, &tenant, "anna@example.com", "a new password")
            .await
            .status,
        200
    );
    forgot("ANNA@example.com").await;
    let late = link(&world);
    assert_ne!(late, token);
    world.clock.advance_seconds(RESET_SECONDS + 1);
    assert_eq!(choose(&world, &late, "another password").await.status, 400);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(forgot("anna@example.com").await.status);
    }
    assert!(
        statuses.contains(&429),
        "nobody's mailbox is flooded: {statuses:?}"
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_password() {
    let (world, tenant) = World::new().await;
    let (_, cookie) = world.user(&tenant, "anna", vec![Role::Sub]).await;
    let elsewhere = world.sign_in("dev", "anna").await;
    let change = |cookie: &str, old: &str, new: &str| {
        world
            .call("POST", "/box/srv/1.1/ide/dev/user/changepassword")
            .cookie(cookie)
            .json(json!({"oldPassword": old, "newPassword": new}))
            .send()
    };
    assert_eq!(change(&cookie, "wrong", "a new password").await.status, 401);
    assert_eq!(change(&cookie, PASSWORD, "short").await.status, 400);
    assert_eq!(login(&world, &tenant, "anna", PASSWORD).await.status, 200);
    world.clock.advance_seconds(1);
    let changed = change(&cookie, PASSWORD, "a new password").await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(whoami(&world, &tenant, &elsewhere).await, 401);
    assert_eq!(whoami(&world, &tenant, &cookie).await, 401);
    assert_eq!(
        whoami(&world, &tenant, changed.json["login"].as_str().unwrap()).await,
        200,
        "the answer brings a new session"
    );
    assert_eq!(login(&world, &tenant, "anna", PASSWORD).await.status, 401);
    assert_eq!(
        login(&world, &tenant, "anna", "a new password")
            .await
            .status,
        200
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_stays_and_what_is_sent_counts_at_once() {
    let (world, tenant) = World::new().await;
    let (guid, cookie) = world
        .user(&tenant, "anna@example.com", vec![Role::DevAdmin])
        .await;
    let policy = world.add_policy(&tenant, "Extra").await;
    let group = group(&world, &tenant, "Field").await;
    let key = key(&world, &tenant, &cookie).await;
    let name = "anna@example.com";
    let first = done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "authpolicies": [policy], "groups": group, "name": "Anna"}),
    )
    .await;
    world.verify(tenant.tenant_id).await.unwrap();
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    let again = done(&world, &tenant, "update", json!({"username": guid})).await;
    assert_eq!(again, first);
    // As fhc does: it always sends these.
    done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "invite": false, "enabled": true}),
    )
    .await;
    assert_eq!(
        of_tenant(&world.snapshot().await, tenant.tenant_id),
        before,
        "nothing changed, nothing written"
    );

    assert_eq!(store_items(&world, &key).await, 200);
    let roles = done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "roles": ["sub"]}),
    )
    .await;
    assert_eq!(
        (&roles["fields"]["roles"], &roles["fields"]["authpolicies"]),
        (&json!(["sub"]), &json!([policy]))
    );
    assert_eq!(
        store_items(&world, &key).await,
        403,
        "his key carries the new roles"
    );
    done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "roles": "dev", "enabled": false}),
    )
    .await;
    assert_eq!(
        (
            store_items(&world, &key).await,
            whoami(&world, &tenant, &cookie).await
        ),
        (401, 401)
    );
    let enabled = done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "invite": false, "enabled": "true"}),
    )
    .await;
    assert_eq!(enabled["fields"]["enabled"], true);
    assert_eq!(
        (
            store_items(&world, &key).await,
            whoami(&world, &tenant, &cookie).await
        ),
        (200, 200)
    );
    done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "blacklisted": true}),
    )
    .await;
    assert_eq!(store_items(&world, &key).await, 401);
    done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "blacklisted": false}),
    )
    .await;

    world.clock.advance_seconds(1);
    done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "password": "short", "email": "other@example.com"}),
    )
    .await;
    assert_eq!(
        whoami(&world, &tenant, &cookie).await,
        401,
        "a new password ends his sessions"
    );
    assert_eq!(login(&world, &tenant, name, PASSWORD).await.status, 401);
    assert_eq!(
        login(&world, &tenant, name, "short").await.status,
        200,
        "an administrator's choice"
    );
    world.verify(tenant.tenant_id).await.unwrap();

    let team = team::default_teams(tenant.tenant_id)[3].id.clone();
    let in_team = done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "teams": [team], "groups": [], "authpolicies": "", "email": ""}),
    )
    .await;
    let shown = &in_team["fields"]["teams"][0];
    assert_eq!(
        (&shown["_id"], &shown["users"], &shown["defaultTeam"]),
        (&json!(team), &json!([guid]), &json!(true))
    );
    assert!(
        shown["perms"].is_object()
            && shown["business-objects"].is_object()
            && shown["created"].as_str().unwrap().len() == 13,
        "{shown}"
    );
    assert_eq!(
        (
            &in_team["fields"]["authpolicies"],
            &in_team["fields"]["email"]
        ),
        (&json!([]), &json!(""))
    );
    world.verify(tenant.tenant_id).await.unwrap();
    // What update answered may be sent back.
    done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "teams": in_team["fields"]["teams"], "name": "Again"}),
    )
    .await;
    let out = done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "teamIds": ""}),
    )
    .await;
    assert_eq!(out["fields"].get("teams"), None);
    world.verify(tenant.tenant_id).await.unwrap();

    for (body, status, message) in [
        (json!({"name": "x"}), 400, "invalid_username"),
        (json!({"username": "nobody"}), 404, "User not found"),
        (json!({"username": Guid::random()}), 404, "User not found"),
        (
            json!({"username": name, "enabled": "perhaps"}),
            400,
            "invalid_enabled",
        ),
        (
            json!({"username": name, "email": "nowhere"}),
            400,
            "user_invalid_email",
        ),
        (
            json!({"username": name, "invite": true}),
            400,
            "user_invalid_email",
        ),
        (
            json!({"username": name, "name": "x", "authpolicies": [policy, Guid::random()]}),
            404,
            "invalid_guid",
        ),
        (
            json!({"username": name, "name": "x", "roles": "sub,king"}),
            400,
            "invalid_roles",
        ),
    ] {
        refused(&world, &tenant.cookie, "update", body, status, message).await;
    }
    assert_eq!(
        done(&world, &tenant, "read", json!({"username": name})).await["fields"]["name"],
        "Again"
    );
    let other = world.tenant("other").await;
    for what in ["read", "update", "delete", "listdevices", "liststoreitems"] {
        refused(
            &world,
            &other.cookie,
            what,
            json!({"username": name}),
            404,
            "User not found",
        )
        .await;
        refused(
            &world,
            &other.cookie,
            what,
            json!({"username": guid}),
            404,
            "User not found",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_who_stands_above_and_one_administrator_stays() {
    let (world, tenant) = World::new().await;
    let (_, portal) = world.user(&tenant, "portal", vec![Role::PortalAdmin]).await;
    world
        .add_user(&tenant, "worker", vec![Role::Dev, Role::CustomerAdmin])
        .await;
    done(
        &world,
        &tenant,
        "update",
        json!({"username": "worker", "roles": "dev"}),
    )
    .await;
    world
        .set_roles(&tenant, &tenant.admin, vec![Role::CustomerAdmin])
        .await;
    for body in [
        json!({"name": "x"}),
        json!({"password": "mine now"}),
        json!({"enabled": false}),
        json!({"invite": true}),
        json!({"roles": "sub"}),
    ] {
        let mut body = body;
        body["username"] = json!("admin");
        refused(
            &world,
            &portal,
            "update",
            body,
            403,
            "rights that the caller lacks",
        )
        .await;
    }
    refused(
        &world,
        &portal,
        "update",
        json!({"username": "worker", "roles": "dev,customeradmin"}),
        403,
        "customeradmin",
    )
    .await;
    refused(
        &world,
        &portal,
        "delete",
        json!({"username": "worker"}),
        403,
        "right to delete users",
    )
    .await;
    // By a team, too.
    let whole = team::default_teams(tenant.tenant_id)[0].id.clone();
    done(
        &world,
        &tenant,
        "update",
        json!({"username": "worker", "teamIds": whole}),
    )
    .await;
    refused(
        &world,
        &portal,
        "update",
        json!({"username": "worker", "password": "mine now"}),
        403,
        "rights that the caller lacks",
    )
    .await;
    for body in [
        json!({"enabled": false}),
        json!({"blacklisted": true}),
        json!({"roles": "portaladmin"}),
        json!({"roles": ""}),
    ] {
        let mut body = body;
        body["username"] = json!("admin");
        refused(
            &world,
            &tenant.cookie,
            "update",
            body,
            409,
            "last administrator",
        )
        .await;
    }
    refused(
        &world,
        &tenant.cookie,
        "delete",
        json!({"username": "admin"}),
        409,
        "last administrator",
    )
    .await;
    // Two who put each other out at the same time: one of them stays.
    for _ in 0..5 {
        done(
            &world,
            &tenant,
            "update",
            json!({"username": "worker", "roles": "customeradmin", "enabled": true}),
        )
        .await;
        let worker = world.sign_in("dev", "worker").await;
        let (one, two) = tokio::join!(
            send(
                &world,
                &tenant.cookie,
                "update",
                json!({"username": "worker", "roles": "sub"})
            ),
            send(
                &world,
                &worker,
                "update",
                json!({"username": "admin", "enabled": false})
            )
        );
        assert!(
            (one.status == 200) != (two.status == 200),
            "{} {}",
            one.text,
            two.text
        );
        world.verify(tenant.tenant_id).await.unwrap();
        if two.status == 200 {
            world
                .post(
                    &worker,
                    &format!("{ADMIN}/user/update"),
                    json!({"username": "admin", "enabled": true}),
                )
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_is_gone_with_everything() {
    let (world, tenant) = World::new().await;
    let (guid, cookie) = world
        .user(&tenant, "anna@example.com", vec![Role::DevAdmin])
        .await;
    let name = "anna@example.com";
    let policy = world.add_policy(&tenant, "Extra").await;
    let group = group(&world, &tenant, "Field").await;
    let team = team::default_teams(tenant.tenant_id)[3].id.clone();
    done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "authpolicies": [policy], "groups": group, "teams": [team]}),
    )
    .await;
    let (key, revoked) = (
        key(&world, &tenant, &cookie).await,
        key(&world, &tenant, &cookie).await,
    );
    world
        .post(
            &cookie,
            "/box/srv/1.1/ide/dev/api/revoke",
            json!({"key": revoked}),
        )
        .await;
    let session = world.store_session(&tenant, name, "CUID-1").await;
    done(
        &world,
        &tenant,
        "update",
        json!({"username": name, "invite": true}),
    )
    .await;
    let token = link(&world);
    let item = world
        .post(
            &cookie,
            &format!("{ADMIN}/storeitem/create"),
            json!({"name": "Mine"}),
        )
        .await;
    refused(
        &world,
        &tenant.cookie,
        "delete",
        json!({"username": name}),
        409,
        "owns apps",
    )
    .await;
    assert_eq!(store_items(&world, &key).await, 200, "nothing was changed");
    world.verify(tenant.tenant_id).await.unwrap();
    world
        .post(
            &cookie,
            &format!("{ADMIN}/storeitem/delete"),
            json!({"guid": item["guid"]}),
        )
        .await;

    let deleted = done(&world, &tenant, "delete", json!({"username": name})).await;
    assert_eq!(
        (
            &deleted["guid"],
            &deleted["fields"]["username"],
            &deleted["fields"]["authpolicies"]
        ),
        (&json!(guid), &json!(name), &json!([policy]))
    );
    world.verify(tenant.tenant_id).await.unwrap();
    refused(
        &world,
        &tenant.cookie,
        "delete",
        json!({"username": name}),
        404,
        "User not found",
    )
    .await;
    assert_eq!(
        (
            store_items(&world, &key).await,
            whoami(&world, &tenant, &cookie).await
        ),
        (401, 401)
    );
    let asked = world
        .call("POST", "/box/srv/1.1/mam/appstore/getstoreitems")
        .session(&session)
        .json(json!({}))
        .send()
        .await;
    assert_eq!(asked.status, 401, "{}", asked.text);
    assert_eq!(choose(&world, &token, "a new password").await.status, 400);
    assert_eq!(login(&world, &tenant, name, PASSWORD).await.status, 401);
    let left: Vec<_> = of_tenant(&world.snapshot().await, tenant.tenant_id)
        .into_keys()
        .filter(|(pk, sk)| format!("{pk} {sk}").contains(guid.as_str()))
        .collect();
    assert_eq!(left, [], "nothing names him");

    // Whoever gets the name again inherits nothing.
    done(
        &world,
        &tenant,
        "create",
        json!({"username": name, "password": PASSWORD}),
    )
    .await;
    let read = done(&world, &tenant, "read", json!({"username": name})).await;
    assert_ne!(read["guid"], json!(guid));
    assert_eq!(
        (&read["fields"]["roles"], &read["groups"], &read["teams"]),
        (&json!([]), &json!([]), &json!([]))
    );
    assert_eq!(
        done(&world, &tenant, "listdevices", json!({"username": name})).await["list"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_more_than_one_transaction_holds_is_deleted() {
    let (world, tenant) = World::new().await;
    let (guid, cookie) = world.user(&tenant, "busy", vec![Role::Dev]).await;
    let mut groups = Vec::new();
    for at in 0..50 {
        groups.push(group(&world, &tenant, &format!("Group {at}")).await);
    }
    for half in [&groups[..30], &groups[..]] {
        done(
            &world,
            &tenant,
            "update",
            json!({"username": "busy", "groups": half}),
        )
        .await;
    }
    let mut policies = Vec::new();
    for at in 0..45 {
        policies.push(world.add_policy(&tenant, &format!("Policy {at}")).await);
    }
    done(
        &world,
        &tenant,
        "update",
        json!({"username": "busy", "authpolicies": policies[..20]}),
    )
    .await;
    done(
        &world,
        &tenant,
        "update",
        json!({"username": "busy", "authpolicies": policies}),
    )
    .await;
    // As many keys as a user may have, and more at the same time than that.
    let create = format!("/box/srv/1.1/ide/{}/api/create", tenant.domain);
    let keys = all((0..MAX_KEYS + 7).map(|_| {
        world
            .call("POST", &create)
            .cookie(&cookie)
            .json(json!({"type": "user"}))
            .send()
    }))
    .await;
    assert_eq!(
        keys.iter().filter(|answer| answer.status == 200).count(),
        MAX_KEYS
    );
    assert!(keys.iter().all(|answer| matches!(answer.status, 200 | 409)));
    let mut writes = Vec::new();
    for at in 0..130 {
        let device = shared::base::secret::device_id(&format!("CUID-{at}"));
        let links = shared::domain::sign_in::device::sign_in_writes(
            tenant.tenant_id,
            &device,
            &guid,
            "",
            world.plain.clock.now(),
        )
        .unwrap();
        writes.extend(links);
    }
    for batch in writes.chunks(100) {
        world.plain.table.write(batch.to_vec()).await.unwrap();
    }
    world.verify(tenant.tenant_id).await.unwrap();
    let (first, second) = tokio::join!(
        send(
            &world,
            &tenant.cookie,
            "delete",
            json!({"username": "busy"})
        ),
        async {
            send(
                &world,
                &tenant.cookie,
                "update",
                json!({"username": "busy", "name": "Meanwhile"}),
            )
            .await
        }
    );
    assert_eq!(first.status, 200, "{}", first.text);
    assert!(matches!(second.status, 200 | 404), "{}", second.text);
    assert_eq!(
        first.json["fields"]["authpolicies"]
            .as_array()
            .unwrap()
            .len(),
        45,
        "as he was"
    );
    world.verify(tenant.tenant_id).await.unwrap();
    let left: Vec<_> = of_tenant(&world.snapshot().await, tenant.tenant_id)
        .into_keys()
        .filter(|(pk, sk)| format!("{pk} {sk}").contains(guid.as_str()))
        .collect();
    assert_eq!(left, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_whole_and_by_pages() {
    let (world, tenant) = World::new().await;
    for at in 0..12 {
        let name = format!("user-{at}");
        world.add_user(&tenant, &name, vec![Role::Sub]).await;
        if at % 3 == 0 {
            world.sign_in("dev", &name).await;
        }
    }
    let whole = done(&world, &tenant, "list", json!({})).await;
    assert_eq!(
        (&whole["count"], whole["list"].as_array().unwrap().len()),
        (&json!(13), 13)
    );
    assert_eq!(whole.get("cursor"), None);
    let signed_in = whole["list"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|user| user["fields"]["lastLogin"] != "")
        .count();
    assert_eq!(signed_in, 5, "{whole}");
    assert!(!whole.to_string().contains("argon2"), "no hash is shown");
    for limit in [1, 4, 13, 14] {
        let (mut pages, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let page = done(
                &world,
                &tenant,
                "list",
                json!({"limit": limit, "cursor": cursor}),
            )
            .await;
            let list = page["list"].as_array().unwrap();
            assert!(list.len() <= limit && !list.is_empty());
            pages.extend(list.clone());
            cursor = page["cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(json!(pages), whole["list"], "in pages of {limit}");
    }
    let got = world
        .call("GET", &format!("{ADMIN}/user/list?limit=2"))
        .cookie(&tenant.cookie)
        .send()
        .await;
    assert_eq!(
        got.json["list"].as_array().unwrap().len(),
        2,
        "{}",
        got.text
    );
    refused(
        &world,
        &tenant.cookie,
        "list",
        json!({"cursor": "x"}),
        400,
        "invalid_cursor",
    )
    .await;
    refused(
        &world,
        &tenant.cookie,
        "list",
        json!({"limit": "many"}),
        400,
        "invalid_limit",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_devices_and_items_of_a_user() {
    let (world, tenant) = World::new().await;
    let (_, _) = world.user(&tenant, "anna", vec![Role::Sub]).await;
    world.add_user(&tenant, "ben", vec![Role::Sub]).await;
    world.store_session(&tenant, "ben", "CUID-BEN").await;
    let session = world.store_session(&tenant, "anna", "CUID-ANNA").await;
    let listed = done(&world, &tenant, "listdevices", json!({"username": "anna"})).await;
    let guid = shared::base::secret::device_id("CUID-ANNA");
    assert_eq!(
        listed["list"],
        json!([
            {
                "guid": guid, "cuid": "CUID-ANNA", "name": "", "disabled": false,
                "blacklisted": false,
            },
        ])
    );
    assert_eq!(
        done(
            &world,
            &tenant,
            "liststoreitems",
            json!({"username": "anna"})
        )
        .await["list"],
        json!([])
    );
    let mut items = Vec::new();
    for name in ["Kept", "Gone"] {
        let made = world
            .post(
                &tenant.cookie,
                &format!("{ADMIN}/storeitem/create"),
                json!({"name": name, "description": format!("{name} notes")}),
            )
            .await;
        let guid = made["guid"].as_str().unwrap().to_owned();
        assert_eq!(
            world
                .upload(
                    &tenant.cookie,
                    &guid,
                    "android",
                    &package_reader::testing::Apk::default().build()
                )
                .await
                .status,
            200
        );
        world
            .post(
                &tenant.cookie,
                &format!("{ADMIN}/appstore/additem"),
                json!({"guid": guid}),
            )
            .await;
        for _ in 0..2 {
            let path = format!(
                "/box/srv/1.1/mas/storeitem/install?guid={guid}&type=android&deviceId=CUID-ANNA"
            );
            let installed = world.call("GET", &path).session(&session).send().await;
            assert_eq!(installed.status, 302, "{}", installed.text);
        }
        items.push(guid);
    }
    world
        .post(
            &tenant.cookie,
            &format!("{ADMIN}/storeitem/delete"),
            json!({"guid": items[1]}),
        )
        .await;
    let listed = done(
        &world,
        &tenant,
        "liststoreitems",
        json!({"username": "anna"}),
    )
    .await;
    let expected = json!([
        {"guid": items[0], "name": "Kept", "description": "Kept notes"},
        {"guid": items[1], "name": "Gone", "description": ""},
    ]);
    assert_eq!(listed["list"], expected);
    assert_eq!(
        done(
            &world,
            &tenant,
            "liststoreitems",
            json!({"username": "ben"})
        )
        .await["list"],
        json!([])
    );
    for what in ["listdevices", "liststoreitems", "read"] {
        refused(
            &world,
            &tenant.cookie,
            what,
            json!({}),
            400,
            "invalid_username",
        )
        .await;
        refused(
            &world,
            &tenant.cookie,
            what,
            json!({"username": "nobody"}),
            404,
            "User not found",
        )
        .await;
    }
}

async fn import(world: &World, cookie: &str, file: &[u8], texts: &[(&str, &str)]) -> Answer {
    world
        .call("POST", &format!("{ADMIN}/user/import"))
        .cookie(cookie)
        .form("users.csv", file, texts)
        .send()
        .await
}

async fn log_of(world: &World, cookie: &str, keys: Value) -> Answer {
    let keys = keys.to_string().replace('"', "%22");
    world
        .call(
            "GET",
            &format!("/box/srv/1.1/dat/log/read?cacheKeys={keys}"),
        )
        .cookie(cookie)
        .send()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_imported_row_by_row() {
    let (world, tenant) = World::new().await;
    let policy = world.add_policy(&tenant, "Extra").await;
    let file = "UserID,Email,Name,Password\r\n\
        anna,anna@example.com,Anna Field,secret-one\r\n\
        admin,x@example.com,Somebody,secret-two\r\n\
        ben,nowhere,Ben,secret-three\r\n\
        carl,,Carl,secret-four\r\n\
        ,d@example.com,Nobody,secret-five\r\n\
        anna,again@example.com,Again,secret-six\r\n\
        \"=cmd|' /C calc'!A0\",e@example.com,\"Erna, \"\"E\"\"\"\r\n";
    let answer = import(
        &world,
        &tenant.cookie,
        file.as_bytes(),
        &[
            ("invite", "true"),
            ("roles", "sub,dev"),
            ("authpolicies", policy.as_str()),
        ],
    )
    .await;
    assert_eq!(
        (answer.status, &answer.json["status"]),
        (200, &json!("ok")),
        "{}",
        answer.text
    );
    let cache_key = answer.json["cachekey"].clone();
    let log = log_of(
        &world,
        &tenant.cookie,
        json!([{"cacheKey": cache_key, "start": 0}]),
    )
    .await;
    assert_eq!(
        (&log.json[0]["status"], &log.json[0]["progress"]),
        (&json!("complete"), &json!(100)),
        "{}",
        log.text
    );
    let lines: Vec<&str> = log.json[0]["log"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "line 2: anna: created",
            "line 3: admin: This username is taken",
            "line 4: ben: user_invalid_email",
            "line 5: carl: user_invalid_email",
            "line 6: ?: invalid_username",
            "line 7: anna: This username is taken",
            "line 8: =cmd|' /C calc'!A0: created",
            "2 created, 5 refused, 0 not tried",
        ]
    );
    assert!(!log.text.contains("secret-"));
    assert!(
        !world
            .snapshot()
            .await
            .values()
            .any(|item| item.to_string().contains("secret-"))
    );
    world.verify(tenant.tenant_id).await.unwrap();
    let mailed: Vec<String> = world
        .outbox
        .mails()
        .into_iter()
        .flat_map(|mail| mail.to)
        .collect();
    assert_eq!(mailed.len(), 2, "{mailed:?}");
    assert_eq!(
        login(&world, &tenant, "anna", "secret-one").await.status,
        200
    );
    let read = done(&world, &tenant, "read", json!({"username": "anna"})).await;
    assert_eq!(
        (
            &read["fields"]["roles"],
            &read["fields"]["authpolicies"],
            &read["fields"]["name"]
        ),
        (
            &json!(["sub", "dev"]),
            &json!([policy]),
            &json!("Anna Field")
        )
    );

    // From a line on; and nobody else sees it, nor anybody after a day.
    let rest = log_of(
        &world,
        &tenant.cookie,
        json!([{"cacheKey": cache_key, "start": "7"}]),
    )
    .await;
    assert_eq!(rest.json[0]["log"].as_array().unwrap().len(), 1);
    let other = world.tenant("other").await;
    assert_eq!(
        log_of(
            &world,
            &other.cookie,
            json!([{"cacheKey": cache_key, "start": 0}])
        )
        .await
        .status,
        404
    );
    let (_, developer) = world.user(&tenant, "developer", vec![Role::Dev]).await;
    assert_eq!(
        log_of(
            &world,
            &developer,
            json!([{"cacheKey": cache_key, "start": 0}])
        )
        .await
        .status,
        403
    );
    for keys in [
        json!([]),
        json!({}),
        json!([{"start": 0}]),
        json!([{"cacheKey": "x", "start": 0}]),
    ] {
        assert_eq!(log_of(&world, &tenant.cookie, keys).await.status, 400);
    }
    let again = world
        .call("GET", "/box/srv/1.1/dat/log/read")
        .cookie(&tenant.cookie)
        .send()
        .await;
    assert_eq!(
        (again.status, &again.json["message"]),
        (400, &json!("invalid_cacheKeys"))
    );
    world.clock.advance_seconds(24 * 3600 + 1);
    let late = world.sign_in("dev", "admin").await;
    assert_eq!(
        log_of(&world, &late, json!([{"cacheKey": cache_key, "start": 0}]))
            .await
            .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_refused_makes_nobody() {
    let (world, tenant) = World::new().await;
    let (_, portal) = world.user(&tenant, "portal", vec![Role::PortalAdmin]).await;
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    let row = b"anna,anna@example.com,Anna,secret";
    for (file, texts, status, message) in [
        (&row[..], &[("roles", "king")][..], 400, "invalid_roles"),
        (row, &[("roles", "customeradmin")], 403, "customeradmin"),
        (row, &[("authpolicies", "short")], 400, "invalid_guid"),
        (
            row,
            &[("authpolicies", "aaaaaaaaaaaaaaaaaaaaaaaa")],
            404,
            "invalid_guid",
        ),
        (row, &[("invite", "perhaps")], 400, "invalid_invite"),
        (b"", &[], 400, "invalid_file"),
        (b"\xff\xfe\x00", &[], 400, "invalid_file"),
        ("anna\n".repeat(501).as_bytes(), &[], 400, "at most 500"),
        (&vec![b'a'; 1_100_000], &[], 413, "larger"),
    ] {
        let answer = import(&world, &portal, file, texts).await;
        assert_eq!(answer.status, status, "{texts:?}: {}", answer.text);
        assert!(answer.text.contains(message), "{texts:?}: {}", answer.text);
    }
    let (_, developer) = world.user(&tenant, "developer", vec![Role::Dev]).await;
    assert_eq!(import(&world, &developer, row, &[]).await.status, 403);
    done(&world, &tenant, "delete", json!({"username": "developer"})).await;
    assert_eq!(
        of_tenant(&world.snapshot().await, tenant.tenant_id).len(),
        before.len() + 1,
        "nothing but the developer's session"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once() {
    let (world, tenant) = World::new().await;
    let group = group(&world, &tenant, "Busy").await;
    let policy = world.add_policy(&tenant, "Busy").await;
    let team = teams(
        &world,
        &tenant,
        &[(
            "cluster/reseller/customer/domain/admin/app-store",
            Level::Read,
        )],
    )
    .await
    .remove(0);
    // 32 who want one name: one has it.
    let answers = all((0..32).map(|_| {
        send(
            &world,
            &tenant.cookie,
            "create",
            json!({"username": "anna", "email": "anna@example.com"}),
        )
    }))
    .await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 200 | 409))
    );
    // 32 users who come onto one group, policy and team.
    let bodies = (0..32).map(|at| {
        json!({
            "username": format!("user-{at}"), "groups": group, "authpolicies": policy,
            "teamIds": team, "roles": "customeradmin",
        })
    });
    let answers = all(bodies.map(|body| send(&world, &tenant.cookie, "create", body))).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{:?}",
        answers
            .iter()
            .map(|answer| &answer.text)
            .collect::<Vec<_>>()
    );
    world.verify(tenant.tenant_id).await.unwrap();
    // 32 changes of one user: none is lost that does not contradict another.
    let answers = all((0..32).map(|at| {
        let body = match at % 4 {
            0 => json!({"username": "anna", "groups": group}),
            1 => json!({"username": "anna", "authpolicies": [policy]}),
            2 => json!({"username": "anna", "roles": "dev"}),
            _ => json!({"username": "anna", "name": "Anna"}),
        };
        send(&world, &tenant.cookie, "update", body)
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
    let read = done(&world, &tenant, "read", json!({"username": "anna"})).await;
    assert_eq!(
        (&read["groups"], &read["fields"]["authpolicies"]),
        (&json!([group]), &json!([policy]))
    );
    assert_eq!(
        (&read["fields"]["roles"], &read["fields"]["name"]),
        (&json!(["dev"]), &json!("Anna"))
    );
    // Deletion against everything that would put him on something.
    for round in 0..4 {
        let name = format!("user-{round}");
        let answers = all((0..10).map(|turn| match turn % 5 {
            0 => send(&world, &tenant.cookie, "delete", json!({"username": name})),
            1 => send(
                &world,
                &tenant.cookie,
                "update",
                json!({"username": name, "groups": "", "teamIds": "", "email": "late@example.com"}),
            ),
            2 => send(
                &world,
                &tenant.cookie,
                "update",
                json!({"username": name, "groups": [group], "teamIds": team, "password": "late"}),
            ),
            3 => send(
                &world,
                &tenant.cookie,
                "update",
                json!({"username": name, "authpolicies": "", "roles": "dev"}),
            ),
            _ => send(
                &world,
                &tenant.cookie,
                "update",
                json!({"username": name, "authpolicies": [policy], "roles": "customeradmin"}),
            ),
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
    }
    // A group that is deleted while users come into it.
    let deleted = world
        .call("POST", &format!("{ADMIN}/storeitemgroup/delete"))
        .cookie(&tenant.cookie)
        .json(json!({"guid": group}))
        .send();
    let (deleted, _) = tokio::join!(
        deleted,
        all((0..16).map(|at| send(
            &world,
            &tenant.cookie,
            "create",
            json!({"username": format!("late-{at}"), "groups": group})
        )))
    );
    assert_eq!(deleted.status, 200, "{}", deleted.text);
    world.verify(tenant.tenant_id).await.unwrap();
}

/// A user who is deleted while he makes apps owns none, or is not deleted.
#[tokio::test(flavor = "multi_thread")]
async fn apps_are_counted_for_their_owner() {
    let (world, tenant) = World::new().await;
    let (_, cookie) = world.user(&tenant, "maker", vec![Role::DevAdmin]).await;
    let mut made = Vec::new();
    for at in 0..3 {
        let item = world
            .post(
                &cookie,
                &format!("{ADMIN}/storeitem/create"),
                json!({"name": format!("App {at}")}),
            )
            .await;
        made.push(item["guid"].clone());
    }
    world.verify(tenant.tenant_id).await.unwrap();
    for guid in made {
        refused(
            &world,
            &tenant.cookie,
            "delete",
            json!({"username": "maker"}),
            409,
            "owns apps",
        )
        .await;
        // Whoever deletes it: it is the owner's count.
        world
            .post(
                &tenant.cookie,
                &format!("{ADMIN}/storeitem/delete"),
                json!({"guid": guid}),
            )
            .await;
        world.verify(tenant.tenant_id).await.unwrap();
    }
    let create = || {
        world
            .call("POST", &format!("{ADMIN}/storeitem/create"))
            .cookie(&cookie)
            .json(json!({"name": "Late"}))
            .send()
    };
    let (deleted, created) = tokio::join!(
        send(
            &world,
            &tenant.cookie,
            "delete",
            json!({"username": "maker"})
        ),
        create()
    );
    assert!(
        (deleted.status == 200) != (created.status == 200),
        "{} {}",
        deleted.text,
        created.text
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

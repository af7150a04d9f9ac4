//! Teams and roles: what they give, who may give it, and how it is taken away.

use appdepot_tests::requests::rows;
use appdepot_tests::{Answer, PASSWORD, TestTenant, World, all};
use serde_json::{Value, json};
use shared::base::id::Guid;
use shared::base::rights::{DOMAIN_PATH, Level, Permission, Rights, Role};
use shared::domain::people::team::{MAX_TEAMS, TEAMS_OF_USER};
use shared::domain::people::user;
use shared::domain::people::user::NewUser;

const TEAMS: &str = "/api/v2/admin/teams";

const LOG: &str = "/box/srv/1.1/admin/auditlog/listlogs";

const ADMIN_PATH: &str = "cluster/reseller/customer/domain/admin";

/// A team with one permission over everything that is the tenant's.
fn team_of(name: &str, path: &str, level: &str) -> Value {
    json!({
        "name": name, "code": "", "desc": "", "perms": {path: level},
        "business-objects": {"cluster": ["*"]},
    })
}

async fn send(world: &World, cookie: &str, method: &str, path: &str) -> Answer {
    world.call(method, path).cookie(cookie).send().await
}

async fn create(world: &World, cookie: &str, body: Value) -> Answer {
    world
        .call("POST", TEAMS)
        .cookie(cookie)
        .json(body)
        .send()
        .await
}

/// Makes a team as the administrator and gives its id.
async fn made(world: &World, tenant: &TestTenant, body: Value) -> String {
    let answer = create(world, &tenant.cookie, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["_id"].as_str().unwrap().to_owned()
}

async fn member(world: &World, cookie: &str, method: &str, team: &str, user: &str) -> Answer {
    send(
        world,
        cookie,
        method,
        &format!("{TEAMS}/{team}/user/{user}"),
    )
    .await
}

async fn put_in(world: &World, tenant: &TestTenant, team: &str, user: &Guid) {
    let answer = member(world, &tenant.cookie, "POST", team, user.as_str()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

fn error(answer: &Answer) -> (u16, String) {
    let text = answer.json["error"]
        .as_str()
        .or_else(|| answer.json["error"]["error"].as_str());
    (
        answer.status,
        text.unwrap_or_else(|| panic!("{} {}", answer.status, answer.text))
            .to_owned(),
    )
}

/// The ids of the teams that a list shows.
fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
        .json
        .as_array()
        .unwrap()
        .iter()
        .map(|team| team["_id"].as_str().unwrap().to_owned())
        .collect()
}

async fn default_team(world: &World, tenant: &TestTenant, code: &str) -> String {
    let listed = send(world, &tenant.cookie, "GET", TEAMS).await;
    let found = listed
        .json
        .as_array()
        .unwrap()
        .iter()
        .find(|team| team["code"] == code)
        .unwrap_or_else(|| panic!("{}", listed.text));
    found["_id"].as_str().unwrap().to_owned()
}

/// Users of the role `sub` who have no password yet: making them costs no hashing.
async fn quick_users(world: &World, tenant: &TestTenant, count: usize) -> Vec<Guid> {
    let mut guids = Vec::new();
    for number in 0..count {
        let username = format!("quick-{number}");
        let new = NewUser {
            username: &username,
            email: "",
            name: &username,
            roles: vec![Role::Sub],
            password_hash: None,
            aliases: &[],
        };
        let (user, writes) = user::create(tenant.tenant_id, new, world.plain.clock.now()).unwrap();
        world.plain.table.write(writes).await.unwrap();
        guids.push(user.owner.user);
    }
    guids
}

async fn user_key(world: &World, tenant: &TestTenant, cookie: &str) -> String {
    let made = world
        .post(
            cookie,
            &format!("/box/srv/1.1/ide/{}/api/create", tenant.domain),
            json!({"type": "user", "label": "k"}),
        )
        .await;
    made["apiKey"]["key"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_made_shown_and_removed() {
    let (world, tenant) = World::new().await;
    let ann = world
        .add_user(&tenant, "ann@dev.example", vec![Role::Sub])
        .await;
    let before = send(&world, &tenant.cookie, "GET", TEAMS).await;
    assert_eq!(before.json.as_array().unwrap().len(), 4, "{}", before.text);
    for team in before.json.as_array().unwrap() {
        assert_eq!(
            (&team["defaultTeam"], &team["users"]),
            (&json!(true), &json!([])),
            "{team}"
        );
        assert!(
            !team["perms"].as_object().unwrap().is_empty()
                && !team["business-objects"].as_object().unwrap().is_empty()
        );
    }

    let body = json!({"name": "Müller & Søn", "code": "m", "desc": "Two\nlines", "perms": {
        "cluster/reseller": "READ",
    },
        "business-objects": {
            "cluster/reseller": ["DEV"], "cluster": ["*", "*"],
        }, "users": ["ANN@dev.example", ann], "extra": 1});
    let created = create(&world, &tenant.cookie, body).await;
    assert_eq!(created.status, 200, "{}", created.text);
    assert_eq!(
        created.header("content-type"),
        "application/json; charset=utf-8"
    );
    let shown = &created.json;
    let id = shown["_id"].as_str().unwrap();
    assert!(
        id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{id}"
    );
    assert_eq!(shown["perms"], json!({"cluster/reseller": "read"}));
    assert_eq!(
        shown["business-objects"],
        json!({"cluster": ["*"], "cluster/reseller": ["dev"]})
    );
    assert_eq!(
        (&shown["users"], &shown["defaultTeam"], &shown["name"]),
        (&json!([ann]), &json!(false), &json!("Müller & Søn"))
    );
    assert_eq!(
        (&shown["desc"], &shown["code"], &shown["bosLabel"]),
        (&json!("Two\nlines"), &json!("m"), &json!("default"))
    );
    assert!(shown["created"].as_str().unwrap().len() == 13 && shown["updated"] == shown["created"]);

    assert_eq!(
        send(&world, &tenant.cookie, "GET", &format!("{TEAMS}/{id}"))
            .await
            .json,
        *shown
    );
    let second = made(&world, &tenant, json!({"name": "Second"})).await;
    let listed = send(&world, &tenant.cookie, "GET", TEAMS).await;
    let mut expected = ids(&before);
    expected.extend([id.to_owned(), second.clone()]);
    assert_eq!(
        ids(&listed),
        expected,
        "the default teams, then the others as they were made"
    );
    for named in [ann.as_str(), "ann@dev.example", "ANN%40dev.example"] {
        assert_eq!(
            ids(&send(
                &world,
                &tenant.cookie,
                "GET",
                &format!("/api/v2/admin/users/{named}/teams")
            )
            .await),
            [id],
            "{named}"
        );
    }
    let alone = send(&world, &tenant.cookie, "GET", &format!("{TEAMS}/{second}"))
        .await
        .json;
    assert_eq!(
        (
            &alone["users"],
            &alone["perms"],
            &alone["business-objects"],
            &alone["desc"]
        ),
        (&json!([]), &json!({}), &json!({}), &json!(""))
    );
    world.verify(tenant.tenant_id).await.unwrap();

    let removed = world
        .call("DELETE", &format!("{TEAMS}/{id}"))
        .cookie(&tenant.cookie)
        .raw("application/json", b"{junk".to_vec())
        .send()
        .await;
    assert_eq!((removed.status, &removed.json), (200, shown));
    assert_eq!(
        error(&send(&world, &tenant.cookie, "GET", &format!("{TEAMS}/{id}")).await),
        (404, "Team not found".to_owned())
    );
    assert_eq!(
        error(&send(&world, &tenant.cookie, "DELETE", &format!("{TEAMS}/{id}")).await).0,
        404
    );
    assert_eq!(
        ids(&send(
            &world,
            &tenant.cookie,
            "GET",
            &format!("/api/v2/admin/users/{ann}/teams")
        )
        .await),
        Vec::<String>::new()
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_team_takes_members_and_stays() {
    let (world, tenant) = World::new().await;
    let (ann, cookie) = world
        .user(&tenant, "ann@dev.example", vec![Role::Sub])
        .await;
    let viewers = default_team(&world, &tenant, "default-viewer").await;
    assert_eq!(send(&world, &cookie, "GET", TEAMS).await.status, 403);
    put_in(&world, &tenant, &viewers, &ann).await;
    assert_eq!(
        send(&world, &cookie, "GET", &format!("{TEAMS}/{viewers}"))
            .await
            .json["users"],
        json!([ann])
    );
    assert_eq!(
        ids(&send(
            &world,
            &tenant.cookie,
            "GET",
            "/api/v2/admin/users/ann@dev.example/teams"
        )
        .await),
        [viewers.as_str()]
    );
    assert_eq!(
        error(
            &send(
                &world,
                &tenant.cookie,
                "DELETE",
                &format!("{TEAMS}/{viewers}")
            )
            .await
        )
        .0,
        403
    );
    world.verify(tenant.tenant_id).await.unwrap();
    assert_eq!(
        member(
            &world,
            &tenant.cookie,
            "DELETE",
            &viewers,
            "ANN@dev.example"
        )
        .await
        .json["users"],
        json!([])
    );
    assert_eq!(send(&world, &cookie, "GET", TEAMS).await.status, 403);
    world.verify(tenant.tenant_id).await.unwrap();
}

/// Every right by a team of its own: its member may use just the rows of that right and of those
/// below its path.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_team_gives_decides_over_every_row() {
    let (world, tenant) = World::new().await;
    let (user, cookie) = world
        .user(&tenant, "sub@dev.example", vec![Role::Sub])
        .await;
    let key = user_key(&world, &tenant, &cookie).await;
    let held: Vec<_> = rows()
        .into_iter()
        .filter_map(|row| {
            if let Permission::Holds(right) = row.permission {
                Some((row, right))
            } else {
                None
            }
        })
        .collect();
    let mut tried = 0;
    for right in Rights::ALL {
        let (path, level) = right.permission_path();
        let id = made(
            &world,
            &tenant,
            team_of("One right", path, &level.to_string()),
        )
        .await;
        put_in(&world, &tenant, &id, &user).await;
        for (at, (row, asked)) in held.iter().enumerate() {
            let (below, needs) = asked.permission_path();
            let expected =
                (below == path || below.starts_with(&format!("{path}/"))) && needs <= level;
            assert!(*asked != right || expected);
            let address = row
                .path
                .replace("{domain}", &tenant.domain)
                .replace("{team}", "ffffffffffffffffffffffff")
                .replace("{user}", "nobody");
            // A body that cannot be read: whoever is let in changes nothing.
            let call = world
                .call(row.method.as_str(), &address)
                .raw("application/json", b"{".to_vec());
            // The Apperian API takes the key in a header of its own, and nothing else.
            let call = call.token(&key);
            let call = if at % 2 == 0 {
                call.cookie(&cookie)
            } else {
                call.header("x-fh-auth-user", &key)
            };
            let answer = call.send().await;
            assert!(answer.status != 401, "{address}: {}", answer.text);
            assert_eq!(
                answer.status != 403,
                expected,
                "{} {address} by {right:?}: {} {}",
                row.method,
                answer.status,
                answer.text
            );
            tried += 1;
        }
        let answer = send(&world, &tenant.cookie, "DELETE", &format!("{TEAMS}/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(send(&world, &cookie, "POST", LOG).await.status, 403);
    }
    assert!(tried > 16 * 50, "{tried}");
    world.verify(tenant.tenant_id).await.unwrap();
}

/// By each way in the log answers so.
async fn log_answers(
    world: &World,
    cookie: &str,
    key: &str,
    session: &str,
    status: u16,
    when: &str,
) {
    let log = || world.call("POST", LOG).json(json!({}));
    assert_eq!(
        log().cookie(cookie).send().await.status,
        status,
        "{when}, by cookie"
    );
    assert_eq!(
        log().header("x-fh-auth-user", key).send().await.status,
        status,
        "{when}, by API key"
    );
    assert_eq!(
        log().session(session).send().await.status,
        status,
        "{when}, by an app's session"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_team_gave_is_taken_away_at_once() {
    let (world, tenant) = World::new().await;
    let (user, cookie) = world
        .user(&tenant, "sub@dev.example", vec![Role::Sub])
        .await;
    let key = user_key(&world, &tenant, &cookie).await;
    let session = world
        .store_session(&tenant, "sub@dev.example", "CUID-SUB")
        .await;
    log_answers(&world, &cookie, &key, &session, 403, "before").await;
    let id = made(
        &world,
        &tenant,
        team_of(
            "Auditors",
            &format!("{ADMIN_PATH}/app-store/audit-log"),
            "read",
        ),
    )
    .await;
    put_in(&world, &tenant, &id, &user).await;
    log_answers(&world, &cookie, &key, &session, 200, "in the team").await;
    // Two times is one time.
    put_in(&world, &tenant, &id, &user).await;
    world.verify(tenant.tenant_id).await.unwrap();
    for _ in 0..2 {
        let answer = member(&world, &tenant.cookie, "DELETE", &id, user.as_str()).await;
        assert_eq!(
            (answer.status, &answer.json["users"]),
            (200, &json!([])),
            "{}",
            answer.text
        );
    }
    log_answers(&world, &cookie, &key, &session, 403, "out of the team").await;
    put_in(&world, &tenant, &id, &user).await;
    log_answers(&world, &cookie, &key, &session, 200, "in again").await;
    assert_eq!(
        send(&world, &tenant.cookie, "DELETE", &format!("{TEAMS}/{id}"))
            .await
            .status,
        200
    );
    log_answers(&world, &cookie, &key, &session, 403, "the team is gone").await;
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_what_he_does_not_hold() {
    let (world, tenant) = World::new().await;
    let (lead, cookie) = world
        .user(&tenant, "lead@dev.example", vec![Role::Sub])
        .await;
    let ann = world
        .add_user(&tenant, "ann@dev.example", vec![Role::Sub])
        .await;
    let boss = world
        .add_user(&tenant, "boss@dev.example", vec![Role::ResellerAdmin])
        .await;
    let leads = made(
        &world,
        &tenant,
        team_of("Leads", &format!("{ADMIN_PATH}/team"), "write"),
    )
    .await;
    put_in(&world, &tenant, &leads, &lead).await;
    let strong = made(&world, &tenant, team_of("Strong", DOMAIN_PATH, "write")).await;
    put_in(&world, &tenant, &strong, &ann).await;
    let weak = made(
        &world,
        &tenant,
        team_of("Weak", &format!("{ADMIN_PATH}/team"), "read"),
    )
    .await;
    let whole = default_team(&world, &tenant, "default-customer-admin").await;
    let before = world.snapshot().await;

    let forbidden = |answer: Answer| assert_eq!(error(&answer).0, 403, "{}", answer.text);
    for team in [&strong, &whole] {
        for user in [lead.as_str(), "lead@dev.example", tenant.admin.as_str()] {
            forbidden(member(&world, &cookie, "POST", team, user).await);
            forbidden(member(&world, &cookie, "DELETE", team, user).await);
        }
        forbidden(send(&world, &cookie, "DELETE", &format!("{TEAMS}/{team}")).await);
    }
    // He is no hindrance to those above him either, whatever the team is.
    for above in [&tenant.admin, &ann, &boss] {
        forbidden(member(&world, &cookie, "POST", &weak, above.as_str()).await);
        forbidden(member(&world, &cookie, "DELETE", &weak, above.as_str()).await);
        let mut with = team_of("With", &format!("{ADMIN_PATH}/team"), "read");
        with["users"] = json!([above]);
        forbidden(create(&world, &cookie, with).await);
    }
    for (path, level) in [
        ("cluster", "read"),
        (DOMAIN_PATH, "read"),
        (ADMIN_PATH, "write"),
        ("cluster/reseller/customer/admin/user", "write"),
    ] {
        forbidden(create(&world, &cookie, team_of("Above", path, level)).await);
    }
    assert_eq!(world.snapshot().await, before);

    // The administrator holds all rights, and is below a reseller's all the same.
    forbidden(member(&world, &tenant.cookie, "POST", &weak, boss.as_str()).await);
    let (_, domain_admin) = world
        .user(&tenant, "domain@dev.example", vec![Role::PortalAdmin])
        .await;
    forbidden(member(&world, &domain_admin, "POST", &whole, "domain@dev.example").await);
    forbidden(member(&world, &domain_admin, "POST", &weak, tenant.admin.as_str()).await);

    // What he holds he gives.
    let mut own = team_of("Own", &format!("{ADMIN_PATH}/team"), "write");
    own["users"] = json!([lead]);
    let own = create(&world, &cookie, own).await;
    assert_eq!(
        (own.status, &own.json["users"]),
        (200, &json!([lead])),
        "{}",
        own.text
    );
    assert_eq!(
        member(&world, &cookie, "POST", &weak, lead.as_str())
            .await
            .status,
        200
    );
    // A team that somebody above him is in is not his to delete.
    assert_eq!(
        member(&world, &tenant.cookie, "POST", &weak, ann.as_str())
            .await
            .status,
        200
    );
    forbidden(send(&world, &cookie, "DELETE", &format!("{TEAMS}/{weak}")).await);
    assert_eq!(
        member(&world, &tenant.cookie, "DELETE", &weak, ann.as_str())
            .await
            .status,
        200
    );
    assert_eq!(
        send(&world, &cookie, "DELETE", &format!("{TEAMS}/{weak}"))
            .await
            .status,
        200
    );
    // And he may leave what he is in, with all that it gave.
    assert_eq!(
        member(
            &world,
            &cookie,
            "DELETE",
            own.json["_id"].as_str().unwrap(),
            lead.as_str()
        )
        .await
        .status,
        200
    );
    assert_eq!(
        member(&world, &cookie, "DELETE", &leads, lead.as_str())
            .await
            .status,
        200
    );
    forbidden(
        create(
            &world,
            &cookie,
            team_of("Late", &format!("{ADMIN_PATH}/team"), "read"),
        )
        .await,
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_changes_nothing() {
    let (world, tenant) = World::new().await;
    let other = world.tenant("other").await;
    let id = made(&world, &tenant, json!({"name": "There"})).await;
    let foreign = made(
        &world,
        &other,
        json!({"name": "Theirs", "users": [other.admin]}),
    )
    .await;
    let foreign_default = default_team(&world, &other, "default-viewer").await;
    let before = world.snapshot().await;

    let paths = |count: usize, value: Value| {
        (0..count)
            .map(|n| (format!("cluster/p{n}"), value.clone()))
            .collect::<serde_json::Map<_, _>>()
    };
    let admin = "cluster/reseller/customer/domain/admin/app-store";
    for (status, words, body) in [
        (400, "invalid_name", json!({})),
        (400, "invalid_name", json!({"name": ""})),
        (400, "invalid_name", json!({"name": "  "})),
        (400, "invalid_name", json!({"name": "x".repeat(201)})),
        (400, "invalid_name", json!({"name": null})),
        (
            400,
            "invalid_code",
            json!({"name": "T", "code": "x".repeat(201)}),
        ),
        (
            400,
            "invalid_desc",
            json!({"name": "T", "desc": "x".repeat(2_001)}),
        ),
        (400, "invalid_perms", json!({"name": "T", "perms": "all"})),
        (
            400,
            "invalid_perms",
            json!({"name": "T", "perms": {"cluster": 7}}),
        ),
        (
            400,
            "invalid_perms",
            json!({"name": "T", "perms": {"cluster": null}}),
        ),
        (
            400,
            "invalid_perms",
            json!({"name": "T", "perms": {"cluster": "*"}}),
        ),
        (
            400,
            "invalid_perms",
            json!({"name": "T", "perms": {"cluster/Reseller": "read"}}),
        ),
        (
            400,
            "invalid_perms",
            json!({"name": "T", "perms": {"": "read"}}),
        ),
        (
            400,
            "invalid_perms",
            json!({
                "name": "T",
                "perms": {"cluster": "read"},
                "business-objects": {"cluster": "write"},
            }),
        ),
        (
            400,
            "invalid_perms",
            json!({"name": "T", "perms": paths(41, json!("read"))}),
        ),
        (
            400,
            "invalid_business-objects",
            json!({"name": "T", "business-objects": paths(41, json!(["*"]))}),
        ),
        (
            400,
            "invalid_business-objects",
            json!({"name": "T", "business-objects": {"cluster": [{}]}}),
        ),
        (400, "invalid_users", json!({"name": "T", "users": "x"})),
        (
            400,
            "invalid_users",
            json!({"name": "T", "users": vec!["x"; 41]}),
        ),
        (
            404,
            "User not found",
            json!({"name": "T", "users": [tenant.admin, "nobody"]}),
        ),
        (
            404,
            "User not found",
            json!({"name": "T", "users": [other.admin]}),
        ),
        (
            403,
            "not yours",
            json!({"name": "T", "business-objects": {"cluster": ["other"]}}),
        ),
        (
            403,
            "not yours",
            json!({"name": "T", "business-objects": {DOMAIN_PATH: [other.store]}}),
        ),
        (
            403,
            "not yours",
            json!({"name": "T", "perms": {"cluster/reseller": ["dev", "sam1-core"]}}),
        ),
        (
            403,
            "not yours",
            json!({"name": "T", "business-objects": {admin: [other.store]}}),
        ),
        (
            403,
            "not yours",
            json!({
                "name": "T",
                "business-objects": {format!("{admin}/store-item"): [tenant.store]},
            }),
        ),
        (
            403,
            "not yours",
            json!({"name": "T", "business-objects": {admin: ["dev"]}}),
        ),
    ] {
        let (got, message) = error(&create(&world, &tenant.cookie, body.clone()).await);
        assert!(
            got == status && message.contains(words),
            "{body}: {got} {message}"
        );
    }
    for team in [
        foreign.as_str(),
        &foreign_default,
        "ffffffffffffffffffffffff",
        "x",
        "FFFFFFFFFFFFFFFFFFFFFFFF",
        &format!("{id}0"),
    ] {
        for (method, path) in [
            ("GET", format!("{TEAMS}/{team}")),
            ("DELETE", format!("{TEAMS}/{team}")),
        ] {
            assert_eq!(
                error(&send(&world, &tenant.cookie, method, &path).await),
                (404, "Team not found".to_owned()),
                "{method} {path}"
            );
        }
        for method in ["POST", "DELETE"] {
            assert_eq!(
                error(&member(&world, &tenant.cookie, method, team, tenant.admin.as_str()).await).0,
                404,
                "{method} {team}"
            );
        }
    }
    for user in [
        other.admin.as_str(),
        "nobody",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "%20",
    ] {
        for method in ["POST", "DELETE"] {
            assert_eq!(
                error(&member(&world, &tenant.cookie, method, &id, user).await),
                (404, "User not found".to_owned()),
                "{method} {user}"
            );
        }
        let answer = send(
            &world,
            &tenant.cookie,
            "GET",
            &format!("/api/v2/admin/users/{user}/teams"),
        )
        .await;
        assert_eq!(
            (answer.status, answer.json["error"]["error"].as_str()),
            (404, Some("User not found")),
            "{user}"
        );
    }
    assert_eq!(world.snapshot().await, before);

    // All that can be given can be.
    let own = json!({
        "cluster": ["dev", tenant.tenant_id.to_string(), tenant.store],
        "cluster/reseller": ["*"],
        admin: [tenant.store],
    });
    let answer = create(
        &world,
        &tenant.cookie,
        json!({"name": "T", "business-objects": own}),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.json["business-objects"]),
        (200, &own),
        "{}",
        answer.text
    );
    // As 003 9.5 prints it, and mixed.
    let swapped = json!({
        "name": "T",
        "perms": {"cluster": ["dev"], DOMAIN_PATH: "read"},
        "business-objects": {"cluster/reseller": "write"},
    });
    let answer = create(&world, &tenant.cookie, swapped).await;
    assert_eq!(
        answer.json["perms"],
        json!({"cluster/reseller": "write", DOMAIN_PATH: "read"}),
        "{}",
        answer.text
    );
    assert_eq!(
        answer.json["business-objects"],
        json!({"cluster": ["dev"]}),
        "{}",
        answer.text
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_users_join_one_team_at_once() {
    let (world, tenant) = World::new().await;
    let users = quick_users(&world, &tenant, 32).await;
    let id = made(&world, &tenant, team_of("Busy", DOMAIN_PATH, "read")).await;
    let answers = all(users
        .iter()
        .map(|user| member(&world, &tenant.cookie, "POST", &id, user.as_str())))
    .await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{answers:?}"
    );
    let shown = send(&world, &tenant.cookie, "GET", &format!("{TEAMS}/{id}")).await;
    let mut expected: Vec<String> = users.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(shown.json["users"], json!(expected));
    world.verify(tenant.tenant_id).await.unwrap();
    // Thirty-two leave, in steps of one deletion, and the answer shows who they were.
    let gone = send(&world, &tenant.cookie, "DELETE", &format!("{TEAMS}/{id}")).await;
    assert_eq!(
        (gone.status, &gone.json["users"]),
        (200, &json!(expected)),
        "{}",
        gone.text
    );
    world.verify(tenant.tenant_id).await.unwrap();
    assert_eq!(
        ids(&send(
            &world,
            &tenant.cookie,
            "GET",
            &format!("/api/v2/admin/users/{}/teams", users[7])
        )
        .await),
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_joins_and_leaves_thirty_two_teams_at_once() {
    let (world, tenant) = World::new().await;
    let (user, cookie) = world
        .user(&tenant, "busy@dev.example", vec![Role::Sub])
        .await;
    let key = user_key(&world, &tenant, &cookie).await;
    let mut teams = all((0..32).map(|n| {
        made(
            &world,
            &tenant,
            team_of(&format!("Team {n}"), &format!("cluster/p{n}"), "read"),
        )
    }))
    .await;
    world.verify(tenant.tenant_id).await.unwrap();
    teams.sort();
    let (first, second) = teams.split_at(16);
    for team in first {
        put_in(&world, &tenant, team, &user).await;
    }
    let leave = first.iter().map(|team| ("DELETE", team));
    let join = second.iter().map(|team| ("POST", team));
    let answers = all(leave
        .chain(join)
        .map(|(method, team)| member(&world, &tenant.cookie, method, team, user.as_str())))
    .await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{answers:?}"
    );
    let mut now = ids(&send(
        &world,
        &tenant.cookie,
        "GET",
        &format!("/api/v2/admin/users/{user}/teams"),
    )
    .await);
    now.sort();
    assert_eq!(now, second);
    world.verify(tenant.tenant_id).await.unwrap();
    assert_eq!(
        world
            .call("POST", "/box/srv/1.1/admin/role/list")
            .header("x-fh-auth-user", &key)
            .json(json!({}))
            .send()
            .await
            .json["list"],
        json!(["sub"])
    );
}

/// Deletes a team while users join it and leave it; afterwards nothing of it may be left on either
/// side.
async fn delete_among(
    world: &World,
    tenant: &TestTenant,
    members: &[Guid],
    joining: &[Guid],
    leaving: &[Guid],
    at: usize,
    deletions: usize,
) {
    let mut body = team_of("Short", DOMAIN_PATH, "read");
    body["users"] = json!(members);
    let id = made(world, tenant, body).await;
    let path = format!("{TEAMS}/{id}");
    let joins = joining
        .iter()
        .map(|user| ("POST", format!("{path}/user/{user}")));
    let leaves = leaving
        .iter()
        .map(|user| ("DELETE", format!("{path}/user/{user}")));
    let mut calls: Vec<(&str, String)> = joins.chain(leaves).collect();
    for _ in 0..deletions {
        calls.insert(at, ("DELETE", path.clone()));
    }
    let answers = all(calls
        .iter()
        .map(|(method, path)| send(world, &tenant.cookie, method, path)))
    .await;
    for ((method, called), answer) in calls.iter().zip(&answers) {
        assert!(
            matches!(answer.status, 200 | 404),
            "{method} {called}: {} {}",
            answer.status,
            answer.text
        );
    }
    let deleted = calls
        .iter()
        .zip(&answers)
        .filter(|((_, called), answer)| *called == path && answer.status == 200)
        .count();
    assert_eq!(deleted, 1, "{answers:?}");
    assert_eq!(send(world, &tenant.cookie, "GET", &path).await.status, 404);
    world
        .verify(tenant.tenant_id)
        .await
        .unwrap_or_else(|faults| panic!("deleted after {at} of {}:\n{faults}", calls.len()));
    let left = world
        .snapshot()
        .await
        .into_keys()
        .filter(|(_, sk)| sk.starts_with(&id))
        .count();
    assert_eq!(left, 0, "something of the team is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_deleted_while_users_join_it() {
    let (world, tenant) = World::new().await;
    let users = quick_users(&world, &tenant, 24).await;
    // A deletion of one transaction, which an addition comes before in the moment between its
    // reading and its writing.
    for round in 0..24 {
        delete_among(&world, &tenant, &[], &users[..4], &[], round % 5, 1).await;
    }
    // Deletions in steps, two of them at once, while some leave by themselves.
    for round in 0..4 {
        delete_among(
            &world,
            &tenant,
            &users[..12],
            &users[12..],
            &users[..4],
            round * 3,
            2,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_have_their_limits() {
    let (world, tenant) = World::new().await;
    let user = world
        .add_user(&tenant, "ann@dev.example", vec![Role::Sub])
        .await;
    for number in 0..MAX_TEAMS {
        let users = if number < TEAMS_OF_USER {
            vec![&user]
        } else {
            Vec::new()
        };
        made(
            &world,
            &tenant,
            json!({"name": format!("Team {number}"), "users": users}),
        )
        .await;
    }
    let listed = send(&world, &tenant.cookie, "GET", TEAMS).await;
    assert_eq!(ids(&listed).len(), MAX_TEAMS + 4);
    assert_eq!(
        error(&create(&world, &tenant.cookie, json!({"name": "One more"})).await),
        (400, format!("invalid_team: at most {MAX_TEAMS} teams"))
    );
    let last = ids(&listed).pop().unwrap();
    let (status, message) =
        error(&member(&world, &tenant.cookie, "POST", &last, user.as_str()).await);
    assert!(
        status == 400 && message.contains("at most 50 teams"),
        "{status} {message}"
    );
    assert_eq!(
        send(&world, &tenant.cookie, "DELETE", &format!("{TEAMS}/{last}"))
            .await
            .status,
        200
    );
    assert_eq!(
        create(&world, &tenant.cookie, json!({"name": "One more"}))
            .await
            .status,
        200
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_are_only_for_those_who_may() {
    let (world, tenant) = World::new().await;
    let (_, analyst) = world
        .user(
            &tenant,
            "analyst@dev.example",
            vec![Role::Analytics, Role::DevAdmin],
        )
        .await;
    let (viewer, cookie) = world
        .user(&tenant, "viewer@dev.example", vec![Role::Sub])
        .await;
    let id = made(
        &world,
        &tenant,
        team_of("Viewers", &format!("{ADMIN_PATH}/team"), "read"),
    )
    .await;
    put_in(&world, &tenant, &id, &viewer).await;
    let session = world.store_session(&tenant, "admin", "CUID1").await;
    let calls = [
        ("GET", TEAMS.to_owned(), Level::Read),
        ("GET", format!("{TEAMS}/{id}"), Level::Read),
        (
            "GET",
            format!("/api/v2/admin/users/{viewer}/teams"),
            Level::Read,
        ),
        ("POST", TEAMS.to_owned(), Level::Write),
        ("POST", format!("{TEAMS}/{id}/user/{viewer}"), Level::Write),
        (
            "DELETE",
            format!("{TEAMS}/{id}/user/{viewer}"),
            Level::Write,
        ),
        ("DELETE", format!("{TEAMS}/{id}"), Level::Write),
    ];
    let before = world.snapshot().await;
    for (method, path, level) in &calls {
        assert_eq!(
            error(&world.call(method, path).send().await).0,
            401,
            "{method} {path}"
        );
        assert_eq!(
            error(&send(&world, &analyst, method, path).await).0,
            403,
            "{method} {path}"
        );
        assert_eq!(
            error(&world.call(method, path).session(&session).send().await).0,
            403,
            "{method} {path}"
        );
        assert_eq!(
            send(&world, &cookie, method, path).await.status,
            if *level == Level::Read { 200 } else { 403 },
            "{method} {path}"
        );
        if *method != "GET" {
            let answer = world
                .call(method, path)
                .cookie(&tenant.cookie)
                .header("origin", "https://evil.example")
                .send()
                .await;
            assert_eq!(error(&answer).0, 403, "{method} {path} from another site");
        }
    }
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_listed_and_given_by_what_the_caller_holds() {
    let (world, tenant) = World::new().await;
    let to_portal = ["sub", "dev", "devadmin", "analytics", "portaladmin"];
    let to_customer = [
        "sub",
        "dev",
        "devadmin",
        "analytics",
        "portaladmin",
        "customeradmin",
    ];
    let cases: [(Vec<Role>, &[&str]); 6] = [
        (vec![Role::Sub, Role::Dev], &[]),
        (vec![Role::DevAdmin], &[]),
        (vec![Role::Analytics], &[]),
        (vec![Role::PortalAdmin], &to_portal),
        (vec![Role::CustomerAdmin, Role::Sub], &to_customer),
        (
            vec![Role::ResellerAdmin],
            &[
                "sub",
                "dev",
                "devadmin",
                "analytics",
                "portaladmin",
                "customeradmin",
                "reselleradmin",
            ],
        ),
    ];
    for (number, (roles, assignable)) in cases.iter().enumerate() {
        let (_, cookie) = world
            .user(&tenant, &format!("r{number}@dev.example"), roles.clone())
            .await;
        assert_eq!(
            world
                .post(&cookie, "/box/srv/1.1/admin/role/list", json!({}))
                .await,
            json!({"status": "ok", "list": roles})
        );
        assert_eq!(
            world
                .post(&cookie, "/box/srv/1.1/admin/role/listAssignable", json!({}))
                .await,
            json!({"status": "ok", "list": assignable})
        );
    }
    // A team can give the right to give roles: then none that holds more than the team.
    let (user, cookie) = world
        .user(&tenant, "team@dev.example", vec![Role::Sub])
        .await;
    let mut body = team_of("Staff", &format!("{ADMIN_PATH}/user"), "write");
    body["perms"][format!("{ADMIN_PATH}/app-store")] = json!("read");
    let id = made(&world, &tenant, body).await;
    put_in(&world, &tenant, &id, &user).await;
    assert_eq!(
        world
            .post(&cookie, "/box/srv/1.1/admin/role/listAssignable", json!({}))
            .await["list"],
        json!(["sub", "dev", "analytics"])
    );
    let session = world.store_session(&tenant, "admin", "CUID1").await;
    for path in [
        "/box/srv/1.1/admin/role/list",
        "/box/srv/1.1/admin/role/listAssignable",
    ] {
        assert_eq!(
            world
                .call("POST", path)
                .session(&session)
                .json(json!({}))
                .send()
                .await
                .status,
            403
        );
        assert_eq!(
            world
                .call("POST", path)
                .json(json!({"u": "admin", "p": PASSWORD}))
                .send()
                .await
                .status,
            401
        );
    }
}

//! Clients of the publisher API and their tokens, as those who have them and those who want them
//! notice it: who gets one, what ends one, and what happens to many at once.

use appdepot_tests::requests::TestClient;
use appdepot_tests::{Answer, Call, PASSWORD, TestTenant, World, all};
use serde_json::{Value, json};
use shared::base::rights::Role;
use shared::domain::sign_in::oauth::{BEARER_SECONDS, ClientId, REFRESH_SECONDS};
use shared::domain::sign_in::sign_in::{ACCOUNT_FAILURES, FAILURE_WINDOW};
use shared::model::credentials::oauth_client::Client;
use shared::store::keys;
use shared::store::record::{Reader, Stored};

const REGISTER: &str = "/api/appm/oauth/v1.0/register";

const TOKEN: &str = "/oauth2/token";

const REVOKE: &str = "/oauth2/revoke";

const ALL: &str =
    "appm:read appm:create appm:update appm:publish appm:administration appm:subscribe";

async fn register(world: &World, username: &str, password: &str, body: Value) -> Answer {
    world
        .call("POST", REGISTER)
        .basic(username, password)
        .json(body)
        .send()
        .await
}

/// A client of the administrator, without tokens.
async fn client(world: &World, grants: &str) -> TestClient {
    let made = register(
        world,
        "admin",
        PASSWORD,
        json!({"clientName": "a client", "grantType": grants}),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let text = |name: &str| made.json[name].as_str().expect("a text").to_owned();
    TestClient {
        id: text("clientId"),
        secret: text("clientSecret"),
        ..TestClient::default()
    }
}

async fn ask(world: &World, client: &TestClient, form: &[(&str, &str)]) -> Answer {
    world
        .call("POST", TOKEN)
        .basic(&client.id, &client.secret)
        .encoded(form)
        .send()
        .await
}

fn send<'a>(call: Call<'a>, form: Vec<(&'static str, String)>) -> Call<'a> {
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    call.encoded(&form)
}

async fn by_password(world: &World, client: &TestClient, username: &str, password: &str) -> Answer {
    ask(
        world,
        client,
        &[
            ("grant_type", "password"),
            ("username", username),
            ("password", password),
        ],
    )
    .await
}

async fn by_refresh(world: &World, client: &TestClient, refresh: &str) -> Answer {
    ask(
        world,
        client,
        &[("grant_type", "refresh_token"), ("refresh_token", refresh)],
    )
    .await
}

async fn revoke(world: &World, client: &TestClient, token: &str) -> Answer {
    world
        .call("POST", REVOKE)
        .basic(&client.id, &client.secret)
        .encoded(&[("token", token)])
        .send()
        .await
}

#[track_caller]
fn is_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status, answer.json["error"].as_str()),
        (status, Some(code)),
        "{}",
        answer.text
    );
    assert!(
        answer.json["error_description"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{}",
        answer.text
    );
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        ("no-store", "no-cache")
    );
    assert_eq!(
        answer.header("www-authenticate").starts_with("Basic "),
        status == 401
    );
}

#[track_caller]
fn pair(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = |name: &str| {
        answer.json[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} in {}", answer.text))
            .to_owned()
    };
    (text("access_token"), text("refresh_token"))
}

/// Whether a bearer token of `appm:read` is let in.
async fn is_let_in(world: &World, bearer: &str) -> bool {
    let answer = world
        .call("GET", "/api/appm/publisher/v1.1/apps/webapp")
        .bearer(bearer)
        .send()
        .await;
    assert!(!matches!(answer.status, 403 | 500..), "{}", answer.text);
    answer.status != 401
}

/// Goes to the beginning of a window of failures, so that none ends in the midst of a test.
fn begin_window(world: &World) {
    world.clock.advance_seconds(
        FAILURE_WINDOW - world.plain.clock.now().seconds().rem_euclid(FAILURE_WINDOW),
    );
}

async fn change(world: &World, tenant: &TestTenant, body: Value) {
    world
        .post(&tenant.cookie, "/box/srv/1.1/admin/user/update", body)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_kept_for_whom_registered_it_and_its_secret_is_not() {
    let (world, tenant) = World::new().await;
    let body = json!({
        "clientName": "Ours", "callbackUrl": "www.example.com", "grantType": "password implicit",
        "owner": "somebody else", "saasApp": true,
    });
    let made = register(&world, "admin@dev.example", PASSWORD, body).await;
    let (id, secret) = (
        made.json["clientId"].as_str().unwrap(),
        made.json["clientSecret"].as_str().unwrap(),
    );
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(
        made.json,
        json!({
            "clientId": id, "clientSecret": secret, "clientName": "Ours",
            "callBackURL": "www.example.com",
        })
    );
    let id: ClientId = id.parse().unwrap();
    assert_eq!(id.tenant_id, tenant.tenant_id);
    let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
    let kept: Stored<Client> = reader
        .get(&keys::client(id.tenant_id, &id.guid))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            &kept.value.owner,
            kept.value.name.as_str(),
            kept.value.domain.as_str()
        ),
        (&tenant.admin, "Ours", "dev")
    );
    assert!(kept.value.secret.is_of(secret) && !json!(kept.value).to_string().contains(secret));
    // Another of the same name is another one.
    assert_ne!(
        register(&world, "admin", PASSWORD, json!({"clientName": "Ours"}))
            .await
            .json["clientId"],
        made.json["clientId"]
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_registration_makes_nothing() {
    let (world, tenant) = World::new().await;
    world.add_user(&tenant, "out", vec![Role::Dev]).await;
    change(
        &world,
        &tenant,
        json!({"username": "out", "enabled": false}),
    )
    .await;
    let fine = json!({"clientName": "x"});
    let key = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/ide/dev/api/create",
            json!({"type": "user", "label": "x"}),
        )
        .await;
    let key = key["apiKey"]["key"].as_str().unwrap();
    for call in [
        world.call("POST", REGISTER),
        world.call("POST", REGISTER).cookie(&tenant.cookie),
        world.call("POST", REGISTER).header("x-fh-auth-user", key),
        world
            .call("POST", REGISTER)
            .bearer(&world.bearer(&tenant, &tenant.admin, ALL).await),
        world
            .call("POST", REGISTER)
            .header("authorization", "Basic !"),
        world.call("POST", REGISTER).basic("admin", "wrong"),
        world.call("POST", REGISTER).basic("out", PASSWORD),
        world
            .call("POST", REGISTER)
            .basic("admin@nowhere", PASSWORD),
    ] {
        let answer = call.json(fine.clone()).send().await;
        assert_eq!(
            (answer.status, &answer.json["code"]),
            (401, &json!(401)),
            "{}",
            answer.text
        );
        assert!(
            answer.header("www-authenticate").starts_with("Basic "),
            "{}",
            answer.header("www-authenticate")
        );
    }
    for (body, named) in [
        (json!({}), "clientName"),
        (json!({"clientName": " "}), "clientName"),
        (json!({"clientName": "x".repeat(201)}), "clientName"),
        (json!({"clientName": ["x"]}), "clientName"),
        (
            json!({"clientName": "x", "callbackUrl": "x".repeat(2_001)}),
            "callbackUrl",
        ),
        (
            json!({"clientName": "x", "grantType": "authorization_code"}),
            "grantType",
        ),
    ] {
        let answer = register(&world, "admin", PASSWORD, body).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(
            answer.json["description"].as_str().unwrap().contains(named),
            "{}",
            answer.text
        );
        // Whoever does not know the password hears nothing of it.
        assert_eq!(
            register(&world, "nobody", PASSWORD, json!({})).await.status,
            401
        );
    }
    let form = world
        .call("POST", REGISTER)
        .basic("admin", PASSWORD)
        .encoded(&[("clientName", "x")])
        .send()
        .await;
    assert_eq!(form.status, 415, "{}", form.text);
    assert_eq!(
        world
            .call("GET", REGISTER)
            .basic("admin", PASSWORD)
            .send()
            .await
            .status,
        405
    );
    let kinds = world
        .snapshot()
        .await
        .into_values()
        .filter(|item| item["kind"]["S"] == "client")
        .count();
    assert_eq!(kinds, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_of_a_registration_is_that_of_the_user_name() {
    let (world, _) = World::new().await;
    let other = world.tenant("other").await;
    let body = json!({"clientName": "x"});
    for (host, username, status) in [
        ("store.example", "admin@other", 201),
        ("store.example", "admin@other.example@OTHER", 201),
        ("other.apps.example", "admin@other.example", 201),
        ("other.apps.example", "admin@other", 201),
        ("store.example", "admin@other.example", 401),
        ("dev.apps.example", "admin@other", 400),
    ] {
        let answer = world
            .call("POST", REGISTER)
            .host(host)
            .basic(username, PASSWORD)
            .json(body.clone())
            .send()
            .await;
        assert_eq!(answer.status, status, "{host} {username}: {}", answer.text);
        if status == 201 {
            let id: ClientId = answer.json["clientId"].as_str().unwrap().parse().unwrap();
            assert_eq!(id.tenant_id, other.tenant_id, "{host} {username}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_are_throttled_and_leave_the_sign_in_open() {
    let (world, tenant) = World::new().await;
    begin_window(&world);
    world.add_user(&tenant, "other", vec![Role::Dev]).await;
    let body = json!({"clientName": "x"});
    // At once, and under both names of the user.
    let answers = all((0..30).map(|turn| {
        register(
            &world,
            if turn % 2 == 0 {
                "admin"
            } else {
                "admin@dev.example"
            },
            PASSWORD,
            body.clone(),
        )
    }))
    .await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(
        made,
        usize::try_from(ACCOUNT_FAILURES).unwrap(),
        "{:?}",
        answers
            .iter()
            .map(|answer| answer.status)
            .collect::<Vec<_>>()
    );
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 201 | 429))
    );
    assert_eq!(
        register(&world, "admin", PASSWORD, body.clone())
            .await
            .status,
        429
    );
    assert_eq!(
        register(&world, "other", PASSWORD, body.clone())
            .await
            .status,
        201,
        "others are not concerned"
    );
    world.sign_in("dev", "admin").await;
    world.clock.advance_seconds(FAILURE_WINDOW + 1);
    assert_eq!(
        register(&world, "admin", PASSWORD, body.clone())
            .await
            .status,
        201
    );
    // Wrong passwords are those of the sign-in.
    for _ in 0..ACCOUNT_FAILURES {
        assert_eq!(
            register(&world, "other", "wrong", body.clone())
                .await
                .status,
            401
        );
    }
    assert_eq!(
        register(&world, "other", PASSWORD, body.clone())
            .await
            .status,
        429
    );
    let login = json!({"u": "other", "p": PASSWORD, "d": "dev"});
    assert_eq!(
        world
            .call("POST", "/box/srv/1.1/act/sys/auth/login")
            .json(login)
            .send()
            .await
            .status,
        429
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_named_with_or_without_the_tenant_of_the_client() {
    let (world, tenant) = World::new().await;
    world.tenant("other").await;
    // One whose name looks like another tenant's user, and one whose name only looks so.
    world.add_user(&tenant, "bob@other", vec![Role::Dev]).await;
    world
        .add_user(&tenant, "bob@nowhere", vec![Role::Dev])
        .await;
    let client = client(&world, "").await;
    for username in [
        "admin",
        "ADMIN",
        "admin@dev",
        "admin@DEV",
        " admin@dev.example ",
        "admin@dev.example@dev",
        "bob@other@dev",
        "bob@nowhere",
    ] {
        let answer = by_password(&world, &client, username, PASSWORD).await;
        assert_eq!(answer.status, 200, "{username}: {}", answer.text);
    }
    for username in [
        "admin@other",
        "admin@other.example@other",
        "admin@other.example",
        "bob@other",
        "bob@dev",
        "@dev",
        "admin@dev@dev",
    ] {
        is_error(
            &by_password(&world, &client, username, PASSWORD).await,
            400,
            "invalid_grant",
        );
    }
}

/// The same words, and the same work.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_are_told_alike() {
    let (world, tenant) = World::new().await;
    world.tenant("other").await;
    for name in ["known", "out", "purged"] {
        world.add_user(&tenant, name, vec![Role::Dev]).await;
    }
    change(
        &world,
        &tenant,
        json!({"username": "out", "enabled": false}),
    )
    .await;
    change(
        &world,
        &tenant,
        json!({"username": "purged", "blacklisted": true}),
    )
    .await;
    let client = client(&world, "").await;
    let mut seen = Vec::new();
    for username in ["known", "nobody", "out", "purged", "known@example.com"] {
        world.counting.take();
        let answer = by_password(&world, &client, username, "wrong").await;
        is_error(&answer, 400, "invalid_grant");
        let counts = world.counting.take();
        seen.push((answer.text, counts.calls, counts.depth));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    for username in ["out", "purged", "known@other"] {
        let answer = by_password(&world, &client, username, PASSWORD).await;
        assert_eq!(
            (answer.status, &answer.text),
            (400, &seen[0].0),
            "{username}"
        );
    }
    pair(&by_password(&world, &client, "known", PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_close_the_account_here_and_at_the_sign_in() {
    let (world, tenant) = World::new().await;
    begin_window(&world);
    for name in ["one", "two"] {
        world.add_user(&tenant, name, vec![Role::Dev]).await;
    }
    let client = client(&world, "").await;
    // Without a scope that there is nobody's password is looked at, and nothing counts.
    for password in [PASSWORD, "wrong"] {
        for _ in 0..ACCOUNT_FAILURES {
            let form = [
                ("grant_type", "password"),
                ("username", "one"),
                ("password", password),
                ("scope", "openid"),
            ];
            is_error(&ask(&world, &client, &form).await, 400, "invalid_scope");
        }
    }
    pair(&by_password(&world, &client, "one", PASSWORD).await);
    let guesses = all((0..30).map(|_| by_password(&world, &client, "one", "wrong"))).await;
    assert!(
        guesses
            .iter()
            .all(|answer| matches!(answer.status, 400 | 429))
    );
    let closed = by_password(&world, &client, "one@dev", PASSWORD).await;
    is_error(&closed, 429, "temporarily_unavailable");
    let login = json!({"u": "one", "p": PASSWORD, "d": "dev"});
    assert_eq!(
        world
            .call("POST", "/box/srv/1.1/act/sys/auth/login")
            .json(login)
            .send()
            .await
            .status,
        429
    );
    pair(&by_password(&world, &client, "two", PASSWORD).await);
    world.clock.advance_seconds(FAILURE_WINDOW + 1);
    pair(&by_password(&world, &client, "one", PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_presents_itself_in_one_way_and_says_everything_once() {
    let (world, tenant) = World::new().await;
    let other = world.tenant("other").await;
    let (ours, second) = (client(&world, "").await, client(&world, "").await);
    let theirs = TestClient::of(&world, &other).await;
    let fine = [("grant_type", "client_credentials")];
    let with = |more: &[(&'static str, String)]| -> Vec<(&'static str, String)> {
        let base = [("grant_type", "client_credentials".to_owned())];
        base.into_iter().chain(more.iter().cloned()).collect()
    };
    let post = || world.call("POST", TOKEN);

    // In the header or in the body.
    assert_eq!(
        post()
            .basic(&ours.id, &ours.secret)
            .encoded(&fine)
            .send()
            .await
            .status,
        200
    );
    let in_body = with(&[
        ("client_id", ours.id.clone()),
        ("client_secret", ours.secret.clone()),
    ]);
    assert_eq!(send(post(), in_body.clone()).send().await.status, 200);
    assert_eq!(
        send(
            post().basic(&ours.id, &ours.secret),
            with(&[("client_id", ours.id.clone())])
        )
        .send()
        .await
        .status,
        200
    );

    // As somebody else, or as nobody.
    let their_guid = format!("{}{}", &ours.id[..8], &theirs.id[8..]);
    for (id, secret) in [
        (&*ours.id, "wrong"),
        (&ours.id, ""),
        (&ours.id, &second.secret),
        (&ours.id[1..], &ours.secret),
        ("", ""),
        ("é".repeat(16).as_str(), "x"),
        (&their_guid, &theirs.secret),
        (
            &format!("{}{}", other.tenant_id, &ours.id[8..]),
            &ours.secret,
        ),
    ] {
        is_error(
            &post().basic(id, secret).encoded(&fine).send().await,
            401,
            "invalid_client",
        );
        let form = with(&[
            ("client_id", id.to_owned()),
            ("client_secret", secret.to_owned()),
        ]);
        is_error(&send(post(), form).send().await, 401, "invalid_client");
        is_error(
            &world
                .call("POST", REVOKE)
                .basic(id, secret)
                .encoded(&[("token", &theirs.bearer)])
                .send()
                .await,
            401,
            "invalid_client",
        );
    }
    is_error(
        &post().bearer(&theirs.bearer).encoded(&fine).send().await,
        401,
        "invalid_client",
    );
    is_error(
        &post().cookie(&tenant.cookie).encoded(&fine).send().await,
        401,
        "invalid_client",
    );
    // Secrets in a path would stand in the logs of others.
    let query = format!(
        "{TOKEN}?client_id={}&client_secret={}",
        ours.id, ours.secret
    );
    is_error(
        &world.call("POST", &query).encoded(&fine).send().await,
        401,
        "invalid_client",
    );

    let long = "x".repeat(1_025);
    for form in [
        with(&[("client_secret", ours.secret.clone())]),
        with(&[("client_id", second.id.clone())]),
        with(&[("grant_type", "client_credentials".to_owned())]),
        with(&[
            ("scope", "appm:read".to_owned()),
            ("scope", "appm:read".to_owned()),
        ]),
        with(&[("scope", long)]),
        (0..40).map(|_| ("x", "x".repeat(1_000))).collect(),
        vec![],
        vec![("grant_type", String::new())],
        vec![("grant_type", "refresh_token".to_owned())],
        vec![
            ("grant_type", "password".to_owned()),
            ("username", "admin".to_owned()),
        ],
    ] {
        is_error(
            &send(post().basic(&ours.id, &ours.secret), form)
                .send()
                .await,
            400,
            "invalid_request",
        );
    }
    let as_json = post()
        .basic(&ours.id, &ours.secret)
        .json(json!({"grant_type": "client_credentials"}))
        .send()
        .await;
    is_error(&as_json, 400, "invalid_request");
    for path in [TOKEN, REVOKE] {
        let answer = world
            .call("GET", path)
            .basic(&ours.id, &ours.secret)
            .send()
            .await;
        assert_eq!(
            (answer.status, &answer.json["error"]),
            (405, &json!("invalid_request")),
            "{}",
            answer.text
        );
    }
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_what_it_was_registered_for() {
    let (world, _) = World::new().await;
    let only_password = client(&world, "password").await;
    let answer = by_password(&world, &only_password, "admin", PASSWORD).await;
    assert_eq!(
        (answer.status, &answer.json["refresh_token"]),
        (200, &Value::Null),
        "{}",
        answer.text
    );
    is_error(
        &ask(
            &world,
            &only_password,
            &[("grant_type", "client_credentials")],
        )
        .await,
        400,
        "unauthorized_client",
    );
    is_error(
        &by_refresh(&world, &only_password, "x").await,
        400,
        "unauthorized_client",
    );
    let only_itself = client(&world, "client_credentials").await;
    is_error(
        &by_password(&world, &only_itself, "admin", PASSWORD).await,
        400,
        "unauthorized_client",
    );
    let answer = ask(
        &world,
        &only_itself,
        &[("grant_type", "client_credentials")],
    )
    .await;
    assert_eq!(
        (
            answer.status,
            &answer.json["refresh_token"],
            &answer.json["scope"]
        ),
        (200, &Value::Null, &json!(ALL)),
        "{}",
        answer.text
    );
    assert!(is_let_in(&world, answer.json["access_token"].as_str().unwrap()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_what_its_user_may_do() {
    let (world, tenant) = World::new().await;
    for (name, role) in [
        ("creator", Role::DevAdmin),
        ("reader", Role::Dev),
        ("nothing", Role::Sub),
    ] {
        world.add_user(&tenant, name, vec![role]).await;
    }
    let client = client(&world, "").await;
    let scope = |answer: &Answer| {
        answer.json["scope"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", answer.text))
            .to_owned()
    };
    for (name, most) in [
        ("admin", ALL),
        (
            "creator",
            "appm:read appm:create appm:update appm:publish appm:subscribe",
        ),
        ("reader", "appm:read appm:subscribe"),
        ("nothing", "appm:subscribe"),
    ] {
        assert_eq!(
            scope(&by_password(&world, &client, name, PASSWORD).await),
            most,
            "{name}"
        );
        let form = [
            ("grant_type", "password"),
            ("username", name),
            ("password", PASSWORD),
            ("scope", "openid appm:administration appm:subscribe"),
        ];
        let expected = if name == "admin" {
            "appm:administration appm:subscribe"
        } else {
            "appm:subscribe"
        };
        assert_eq!(
            scope(&ask(&world, &client, &form).await),
            expected,
            "{name}"
        );
    }
    let form = [
        ("grant_type", "password"),
        ("username", "nothing"),
        ("password", PASSWORD),
        ("scope", "appm:read"),
    ];
    is_error(&ask(&world, &client, &form).await, 400, "invalid_scope");

    // What a user may not do any more his next token is not good for.
    let (_, refresh) = pair(&by_password(&world, &client, "creator", PASSWORD).await);
    change(
        &world,
        &tenant,
        json!({"username": "creator", "roles": "dev"}),
    )
    .await;
    let answer = by_refresh(&world, &client, &refresh).await;
    assert_eq!(scope(&answer), "appm:read appm:subscribe");
    // And good for it again when he may do it again: the refresh token keeps what it was for.
    change(
        &world,
        &tenant,
        json!({"username": "creator", "roles": "devadmin"}),
    )
    .await;
    let form = [
        ("grant_type", "refresh_token"),
        (
            "refresh_token",
            answer.json["refresh_token"].as_str().unwrap(),
        ),
        ("scope", "appm:create"),
    ];
    let answer = ask(&world, &client, &form).await;
    assert_eq!(scope(&answer), "appm:create");
    for (scopes, error) in [
        ("appm:administration appm:read", "invalid_scope"),
        ("openid", "invalid_scope"),
    ] {
        let form = [
            ("grant_type", "refresh_token"),
            (
                "refresh_token",
                answer.json["refresh_token"].as_str().unwrap(),
            ),
            ("scope", scopes),
        ];
        is_error(&ask(&world, &client, &form).await, 400, error);
    }
    let again = by_refresh(
        &world,
        &client,
        answer.json["refresh_token"].as_str().unwrap(),
    )
    .await;
    assert_eq!(
        scope(&again),
        "appm:read appm:create appm:update appm:publish appm:subscribe",
        "refusals used nothing up"
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_good_for_one_time_and_one_client() {
    let (world, tenant) = World::new().await;
    let (ours, second) = (client(&world, "").await, client(&world, "").await);
    let other = world.tenant("other").await;
    let theirs = TestClient::of(&world, &other).await;
    let (bearer, refresh) = pair(&by_password(&world, &ours, "admin", PASSWORD).await);
    for stranger in [&second, &theirs] {
        is_error(
            &by_refresh(&world, stranger, &refresh).await,
            400,
            "invalid_grant",
        );
        assert_eq!(revoke(&world, stranger, &refresh).await.status, 200);
    }
    // Neither passes for the other.
    is_error(
        &by_refresh(&world, &ours, &bearer).await,
        400,
        "invalid_grant",
    );
    assert!(!is_let_in(&world, &refresh).await && is_let_in(&world, &bearer).await);

    let answer = by_refresh(&world, &ours, &refresh).await;
    let (next, next_refresh) = pair(&answer);
    assert_eq!(answer.json["expires_in"], json!(BEARER_SECONDS));
    assert!(
        is_let_in(&world, &next).await && !is_let_in(&world, &bearer).await,
        "the old pair went with the refresh"
    );
    is_error(
        &by_refresh(&world, &ours, &refresh).await,
        400,
        "invalid_grant",
    );
    world.verify(tenant.tenant_id).await.unwrap();

    world.clock.advance_seconds(BEARER_SECONDS - 1);
    assert!(is_let_in(&world, &next).await);
    world.clock.advance_seconds(1);
    assert!(!is_let_in(&world, &next).await);
    let (last, last_refresh) = pair(&by_refresh(&world, &ours, &next_refresh).await);
    assert!(is_let_in(&world, &last).await);
    world.clock.advance_seconds(REFRESH_SECONDS);
    is_error(
        &by_refresh(&world, &ours, &last_refresh).await,
        400,
        "invalid_grant",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_refreshes_at_once_one_wins() {
    let (world, tenant) = World::new().await;
    let client = client(&world, "").await;
    for _ in 0..3 {
        let (bearer, refresh) = pair(&by_password(&world, &client, "admin", PASSWORD).await);
        let answers = all((0..32).map(|_| by_refresh(&world, &client, &refresh))).await;
        let (won, lost): (Vec<&Answer>, Vec<&Answer>) =
            answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        lost.into_iter()
            .for_each(|answer| is_error(answer, 400, "invalid_grant"));
        let (next, next_refresh) = pair(won[0]);
        assert!(is_let_in(&world, &next).await && !is_let_in(&world, &bearer).await);
        world.verify(tenant.tenant_id).await.unwrap();
        pair(&by_refresh(&world, &client, &next_refresh).await);
    }
}

/// Either the refresh was first, and its pair is whole, or the revocation was, and nothing is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_beside_a_refresh_leaves_a_whole_pair_or_none() {
    let (world, tenant) = World::new().await;
    let client = client(&world, "").await;
    for round in 0..12 {
        let (bearer, refresh) = pair(&by_password(&world, &client, "admin", PASSWORD).await);
        let named = if round % 2 == 0 { &bearer } else { &refresh };
        let (refreshed, revoked) = tokio::join!(
            by_refresh(&world, &client, &refresh),
            revoke(&world, &client, named)
        );
        assert_eq!((revoked.status, revoked.text.as_str()), (200, ""));
        assert!(!is_let_in(&world, &bearer).await);
        is_error(
            &by_refresh(&world, &client, &refresh).await,
            400,
            "invalid_grant",
        );
        if refreshed.status == 200 {
            let (next, next_refresh) = pair(&refreshed);
            assert!(is_let_in(&world, &next).await);
            assert_eq!(revoke(&world, &client, &next).await.status, 200);
            is_error(
                &by_refresh(&world, &client, &next_refresh).await,
                400,
                "invalid_grant",
            );
        } else {
            is_error(&refreshed, 400, "invalid_grant");
        }
        world.verify(tenant.tenant_id).await.unwrap();
    }
    // What is no token of its is fine, whatever it looks like.
    for text in [
        "x",
        &tenant.cookie,
        &world.bearer(&tenant, &tenant.admin, ALL).await,
    ] {
        assert_eq!(revoke(&world, &client, text).await.status, 200);
    }
    world.sign_in("dev", "admin").await;
    assert_eq!(
        world
            .call("POST", "/box/srv/1.1/admin/storeitem/list")
            .cookie(&tenant.cookie)
            .json(json!({}))
            .send()
            .await
            .status,
        200
    );
}

/// Out, another password, gone: each for a user with a client of his own.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_with_their_user() {
    let (world, tenant) = World::new().await;
    let ends: [(&str, &str, Value); 5] = [
        (
            "disabled",
            "admin/user/update",
            json!({"username": "disabled", "enabled": false}),
        ),
        (
            "purged",
            "admin/user/update",
            json!({"username": "purged", "blacklisted": true}),
        ),
        (
            "renewed",
            "admin/user/update",
            json!({"username": "renewed", "password": "another horse"}),
        ),
        (
            "deleted",
            "admin/user/delete",
            json!({"username": "deleted"}),
        ),
        (
            "changed",
            "ide/dev/user/changepassword",
            json!({"oldPassword": PASSWORD, "newPassword": "another horse"}),
        ),
    ];
    for (name, path, body) in ends {
        let (_, cookie) = world.user(&tenant, name, vec![Role::Dev]).await;
        let made = register(&world, name, PASSWORD, json!({"clientName": "x"})).await;
        let text = |name: &str| made.json[name].as_str().unwrap().to_owned();
        let client = TestClient {
            id: text("clientId"),
            secret: text("clientSecret"),
            ..TestClient::default()
        };
        let (bearer, refresh) = pair(&by_password(&world, &client, name, PASSWORD).await);
        let itself = ask(&world, &client, &[("grant_type", "client_credentials")]).await;
        let itself = itself.json["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", itself.text))
            .to_owned();
        assert!(is_let_in(&world, &bearer).await && is_let_in(&world, &itself).await);

        let by = if path.starts_with("ide") {
            &cookie
        } else {
            &tenant.cookie
        };
        world.post(by, &format!("/box/srv/1.1/{path}"), body).await;
        assert!(
            !is_let_in(&world, &bearer).await && !is_let_in(&world, &itself).await,
            "{name}"
        );
        is_error(
            &by_refresh(&world, &client, &refresh).await,
            400,
            "invalid_grant",
        );
        is_error(
            &by_password(&world, &client, name, PASSWORD).await,
            400,
            "invalid_grant",
        );
        is_error(
            &ask(&world, &client, &[("grant_type", "client_credentials")]).await,
            400,
            "unauthorized_client",
        );
        // The client itself stays, for whoever else signs in by it.
        pair(&by_password(&world, &client, "admin", PASSWORD).await);
        world.verify(tenant.tenant_id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_api_takes_its_own_credentials() {
    let (world, tenant) = World::new().await;
    let client = TestClient::of(&world, &tenant).await;
    let key = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/ide/dev/api/create",
            json!({"type": "user", "label": "x"}),
        )
        .await;
    let key = key["apiKey"]["key"].as_str().unwrap();
    let rhmap = || {
        world
            .call("POST", "/box/srv/1.1/admin/storeitem/list")
            .json(json!({}))
    };
    for call in [
        rhmap().bearer(&client.bearer),
        rhmap().cookie(&client.bearer),
        rhmap().header("x-fh-auth-user", &client.bearer),
        rhmap().session(&client.bearer),
        rhmap().cookie(&client.refresh),
        rhmap().basic(&client.id, &client.secret),
    ] {
        assert_eq!(call.send().await.status, 401);
    }
    let apps = || world.call("GET", "/api/appm/publisher/v1.1/apps/webapp");
    for call in [
        apps(),
        apps().cookie(&tenant.cookie),
        apps().header("x-fh-auth-user", key),
        apps().bearer(&tenant.cookie),
        apps().bearer(key),
        apps().bearer(&client.refresh),
        apps().basic("admin", PASSWORD),
        apps().basic(&client.id, &client.secret),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
    }
    assert!(is_let_in(&world, &client.bearer).await);
}

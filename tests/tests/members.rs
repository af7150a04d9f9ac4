//! Signing in as a member, as people and attackers notice it: words, time, throttle, cookie,
//! tenant.

use appdepot_tests::{Answer, PASSWORD, TestTenant, World};
use serde_json::{Value, json};
use shared::base::rights::Role;
use shared::domain::sign_in::sign_in::{ACCOUNT_FAILURES, ADDRESS_FAILURES, FAILURE_WINDOW};

const LOGIN: &str = "/box/srv/1.1/act/sys/auth/login";

async fn login(world: &World, username: &str, password: &str, domain: &str) -> Answer {
    world
        .call("POST", LOGIN)
        .json(json!({"u": username, "p": password, "d": domain}))
        .send()
        .await
}

async fn login_from(world: &World, address: &str, username: &str, password: &str) -> Answer {
    world
        .call("POST", LOGIN)
        .from_address(address)
        .json(json!({"u": username, "p": password, "d": "dev"}))
        .send()
        .await
}

/// The same words, and the same work: the clock is not asked, since the calls and the hashing are
/// what takes time.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_are_told_alike() {
    let (world, tenant) = World::new().await;
    world.add_user(&tenant, "known", vec![Role::Dev]).await;
    world.add_user(&tenant, "out", vec![Role::Dev]).await;
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/user/update",
            json!({"username": "out", "enabled": false}),
        )
        .await;
    let mut seen = Vec::new();
    for (username, password) in [
        ("known", "wrong"),
        ("nobody", "wrong"),
        ("known", ""),
        ("nobody", ""),
        ("out", "wrong"),
    ] {
        world.counting.take();
        let answer = login(&world, username, password, "dev").await;
        let counts = world.counting.take();
        assert_eq!(answer.status, 401, "{username}");
        assert_eq!(answer.header("set-cookie"), "");
        seen.push((answer.text, counts.calls, counts.depth));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    // Whoever is out and has proved who he is hears the same at this door: the codes are for
    // `$fh.auth`.
    let out = login(&world, "out", PASSWORD, "dev").await;
    assert_eq!((out.status, out.text), (401, seen[0].0.clone()));
    assert_eq!(login(&world, "known", PASSWORD, "dev").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_close_an_account_and_an_address_for_a_while() {
    let (world, tenant) = World::new().await;
    for name in ["one", "two"] {
        world.add_user(&tenant, name, vec![Role::Dev]).await;
    }
    for failure in 0..ACCOUNT_FAILURES {
        // From another address each time: it is the account that is closed.
        assert_eq!(
            login_from(&world, &format!("192.0.2.{failure}"), "one", "wrong")
                .await
                .status,
            401
        );
    }
    let closed = login_from(&world, "198.51.100.1", "one", PASSWORD).await;
    assert_eq!(closed.status, 429, "{}", closed.text);
    assert_eq!(
        login_from(&world, "198.51.100.1", "ONE", PASSWORD)
            .await
            .status,
        429,
        "another spelling is the same account"
    );
    assert_eq!(
        login_from(&world, "198.51.100.1", "two", PASSWORD)
            .await
            .status,
        200,
        "others are not concerned"
    );
    world.clock.advance_seconds(FAILURE_WINDOW + 1);
    assert_eq!(
        login_from(&world, "198.51.100.1", "one", PASSWORD)
            .await
            .status,
        200
    );

    for failure in 0..ADDRESS_FAILURES {
        assert_eq!(
            login_from(&world, "203.0.113.9", &format!("guess-{failure}"), "wrong")
                .await
                .status,
            401
        );
    }
    assert_eq!(
        login_from(&world, "203.0.113.9", "two", PASSWORD)
            .await
            .status,
        429,
        "the address is closed"
    );
    assert_eq!(
        login_from(&world, "203.0.113.10", "two", PASSWORD)
            .await
            .status,
        200
    );
    // Thirty at once do not get thirty guesses.
    world.clock.advance_seconds(FAILURE_WINDOW + 1);
    let answers =
        appdepot_tests::all((0..30).map(|_| login_from(&world, "203.0.113.11", "one", "wrong")))
            .await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 401 | 429))
    );
    assert_eq!(
        login_from(&world, "203.0.113.12", "one", PASSWORD)
            .await
            .status,
        429,
        "each of them was counted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_for_this_site_and_no_script() {
    let (world, tenant) = World::new().await;
    let answer = login(&world, "admin", PASSWORD, "dev").await;
    let cookie = answer.header("set-cookie").to_owned();
    let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
    assert_eq!(
        attributes,
        [
            "Path=/",
            "HttpOnly",
            "SameSite=Lax",
            "Max-Age=43200",
            "Secure"
        ],
        "{cookie}"
    );
    // A page elsewhere cannot use it, not even by a form of text/plain.
    let body = json!({"name": "Made elsewhere"}).to_string().into_bytes();
    for (origin, status) in [
        ("https://evil.example", 403),
        ("null", 403),
        ("https://store.example", 200),
    ] {
        let call = world
            .call("POST", "/box/srv/1.1/admin/storeitem/create")
            .cookie(&tenant.cookie)
            .header("origin", origin);
        assert_eq!(
            call.raw("text/plain", body.clone()).send().await.status,
            status,
            "{origin}"
        );
    }
}

/// DECISIONS of who is meant before anybody has signed in.
#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_before_sign_in_is_named_once() {
    let (world, _) = World::new().await;
    let other: TestTenant = world.tenant("other").await;
    let send = |host: &str, body: Value| {
        let call = world
            .call("POST", LOGIN)
            .host(host)
            .header("x-forwarded-host", "other.apps.example");
        call.json(body)
    };
    let credentials = |domain: Option<&str>| {
        let mut body = json!({"u": "admin@other.example", "p": PASSWORD});
        if let Some(domain) = domain {
            body["d"] = json!(domain);
        }
        body
    };
    for (host, domain, status) in [
        ("store.example", Some("other"), 200),
        ("other.apps.example", None, 200),
        ("OTHER.apps.example:443", Some("other"), 200),
        ("store.example", None, 401),
        ("dev.apps.example", Some("other"), 400),
        ("a.other.apps.example", None, 401),
        ("store.example", Some("nowhere"), 401),
    ] {
        let answer = send(host, credentials(domain)).send().await;
        assert_eq!(answer.status, status, "{host} {domain:?}: {}", answer.text);
        if status == 200 {
            assert_eq!(answer.json["domain"], "other");
        }
    }
    // A store's guid names its tenant; a host of another one contradicts it.
    let params = json!({"userId": "admin@other.example", "password": PASSWORD});
    let body = json!({"policyId": "FeedHenry", "clientToken": other.store, "device": "CUID", "params": params});
    for (host, status) in [
        ("store.example", "ok"),
        ("other.apps.example", "ok"),
        ("dev.apps.example", "error"),
    ] {
        let answer = world
            .call("POST", "/box/srv/1.1/admin/authpolicy/auth")
            .host(host)
            .json(body.clone())
            .send()
            .await;
        assert_eq!(answer.json["status"], status, "{host}: {}", answer.text);
    }
}

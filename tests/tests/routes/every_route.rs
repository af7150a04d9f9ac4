//! What holds for every route, walked over the route table: who is let in, what a broken body
//! meets, and that nothing is half-written when the store fails or many do the same at once.

use std::collections::BTreeSet;

use appdepot_tests::consistency::{Snapshot, faults, of_tenant};
use appdepot_tests::pingid::PingSettings;
use appdepot_tests::requests::{
    Abroad, Carries, Entry, Furnished, MARK, SCOPES, Signed, Takes, entries, rows,
};
use appdepot_tests::{Answer, Call, TestTenant, World, all, checked};
use serde_json::{Value, json};
use shared::base::id::Guid;
use shared::base::rights::{Permission, Right, Role, Scope};
use shared::base::secret::{CredentialText, device_id};
use shared::domain::sign_in::sign_in::{APP_SESSION_SECONDS, SESSION_SECONDS};
use shared::store::wrappers::Fault;

pub(crate) async fn furnished() -> (World, Furnished) {
    let (world, tenant) = World::new().await;
    let furnished = Furnished::of(&world, tenant).await;
    (world, furnished)
}

pub(crate) fn is_error(entry: &Entry, answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{entry}: {}", answer.text);
    is_enveloped(entry, answer);
}

/// The text of an error, where its dialect has it.
pub(crate) fn message<'a>(entry: &Entry, answer: &'a Answer) -> &'a str {
    let message = match entry.row().dialect.name() {
        "rhmap" | "rhmap-sdk" | "rhmap-mbaas" => &answer.json["message"],
        "rhmap-teams" => &answer.json["error"]["error"],
        "rhmap-team-members" | "oauth" => &answer.json["error"],
        "wso2" => &answer.json["message"],
        "apperian" | "apperian-calls" => &answer.json["error"]["message"],
        "pingid" => &answer.json["responseBody"]["errorMsg"],
        other => panic!("where does {other} tell what is wrong?"),
    };
    message.as_str().unwrap_or_default()
}

/// Whether success is a word beside what is answered.
fn says_ok(entry: &Entry) -> bool {
    matches!(
        entry.row().dialect.name(),
        "rhmap" | "rhmap-sdk" | "rhmap-mbaas"
    )
}

fn is_enveloped(entry: &Entry, answer: &Answer) {
    let message = message(entry, answer);
    assert!(!message.is_empty(), "{entry}: {}", answer.text);
    if says_ok(entry) {
        assert!(
            answer.json["status"] == "error" && answer.json["msg"] == message,
            "{entry}: {}",
            answer.text
        );
    }
    assert_eq!(
        answer.header("content-type"),
        "application/json; charset=utf-8",
        "{entry}"
    );
}

fn is_unauthenticated(entry: &Entry, answer: &Answer) {
    is_error(entry, answer, 401);
    if says_ok(entry) {
        assert_eq!(
            answer.json["address"],
            json!({"login-status": "none"}),
            "{entry}: {}",
            answer.text
        );
    }
}

/// What a tenant's records are without the moment of a sign-in.
async fn records(world: &World, tenant: &TestTenant) -> Snapshot {
    of_tenant(&world.snapshot().await, tenant.tenant_id)
}

#[test]
fn every_row_has_one_request() {
    let of_rows: Vec<String> = rows()
        .iter()
        .map(|row| format!("{} {}", row.method, row.path))
        .collect();
    let of_entries: Vec<String> = entries().iter().map(Entry::to_string).collect();
    assert_eq!(
        of_entries.iter().collect::<BTreeSet<_>>().len(),
        of_entries.len(),
        "an entry stands twice"
    );
    let missing: Vec<_> = of_rows
        .iter()
        .filter(|row| !of_entries.contains(row))
        .collect();
    let unknown: Vec<_> = of_entries
        .iter()
        .filter(|entry| !of_rows.contains(entry))
        .collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "rows without an entry: {missing:#?}; entries without a row: {unknown:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_valid() {
    let (world, furnished) = furnished().await;
    world.verify(furnished.tenant.tenant_id).await.unwrap();
    let before = world.snapshot().await;
    for entry in entries() {
        let answer = entry.send(&world, &furnished).await;
        assert_eq!(answer.status, entry.ok, "{entry}: {}", answer.text);
        let dialect = entry.row().dialect;
        if answer.json.is_object() && says_ok(&entry) {
            assert_eq!(
                answer.json["status"], "ok",
                "{entry} in {dialect:?}: {}",
                answer.text
            );
        }
        world
            .verify(furnished.tenant.tenant_id)
            .await
            .unwrap_or_else(|faults| panic!("after {entry}:\n{faults}"));
        let (looked, scanned) = (world.snapshot().await, world.scan().await);
        assert!(
            looked == scanned,
            "after {entry}: not everything that was written was noted"
        );
        world.restore(&before).await;
        assert!(
            world.scan().await == before,
            "after {entry}: something was not put back"
        );
    }
    checked("every_route: valid requests", entries().len());
}

/// The eyes of the tests below: whatever is taken away or counted wrongly is seen.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_together_is_seen() {
    let (world, furnished) = furnished().await;
    let tenant_id = furnished.tenant.tenant_id;
    let whole = world.snapshot().await;
    assert_eq!(faults(tenant_id, &whole), Vec::<String>::new());
    let mut seen = BTreeSet::new();
    for (key, item) in &of_tenant(&whole, tenant_id) {
        let kind = item["kind"]["S"].as_str().unwrap_or_default().to_owned();
        let mut without = whole.clone();
        without.remove(key);
        // Sessions end, icons and devices come and go, an upload that has ended may be forgotten,
        // and nothing points at the plain item or an alias.
        let passing = matches!(
            kind.as_str(),
            "app"
                | "credential"
                | "sign-in"
                | "icon"
                | "device"
                | "api-key-latest"
                | "upload"
                | "chore"
        );
        // Nor at when somebody signed in last, and at what he used for it; a publication that
        // nobody ends is forgotten, and an application of PingID's stands for itself. What waits
        // for the alerts is taken by their evaluation.
        let free = passing
            || matches!(
                kind.as_str(),
                "pending-event"
                    | "ping-application"
                    | "last-login"
                    | "device-app"
                    | "import"
                    | "tries"
                    | "publishing-call"
            );
        let noticed = !faults(tenant_id, &without).is_empty();
        assert!(
            noticed || free,
            "a {kind} is missing and nobody sees it: {key:?}"
        );
        if noticed {
            seen.insert(kind.clone());
        }
        if let "object" | "group" | "partial" = kind.as_str() {
            let mut miscounted = whole.clone();
            let mut item = item.clone();
            item["n"] = json!({"N": "7"});
            miscounted.insert(key.clone(), item);
            assert!(
                !faults(tenant_id, &miscounted).is_empty(),
                "a {kind} counts wrongly and nobody sees it: {key:?}"
            );
        }
    }
    for kind in [
        "app",
        "binary",
        "version-alias",
        "object",
        "credential",
        "api-key",
        "group-member",
        "group-name",
        "shelved",
        "sign-in",
        "user",
        "log",
        "chore",
    ] {
        assert!(seen.contains(kind), "no missing {kind} was seen: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_credential_there_is_401() {
    let (world, furnished) = furnished().await;
    let tenant_id = furnished.tenant.tenant_id;
    let unknown_user = Guid::random();
    let unknown = [
        CredentialText::new_session(tenant_id, &furnished.tenant.admin),
        CredentialText::new_session(tenant_id, &unknown_user),
        CredentialText::new_api_key(tenant_id),
        CredentialText::new_app_session(
            tenant_id,
            &furnished.tenant.admin,
            &device_id("X"),
            &furnished.built_in.parse().unwrap(),
        ),
    ]
    .map(|text| text.expose().to_owned());
    let ended = world.sign_in(&furnished.tenant.domain, "admin").await;
    world
        .post(&ended, "/box/srv/1.1/act/sys/auth/logout", json!({}))
        .await;
    let given_up = world
        .store_session(&furnished.tenant, "admin", "CUID-GIVEN-UP")
        .await;
    let body = json!({"sessionToken": given_up});
    assert_eq!(
        world
            .call("POST", "/box/srv/1.1/admin/authpolicy/revokesession")
            .json(body)
            .send()
            .await
            .status,
        200
    );
    let before = records(&world, &furnished.tenant).await;

    type Present = for<'a> fn(Call<'a>, &str) -> Call<'a>;
    fn as_cookie<'a>(call: Call<'a>, text: &str) -> Call<'a> {
        call.cookie(text)
    }
    fn as_key<'a>(call: Call<'a>, text: &str) -> Call<'a> {
        call.header("x-fh-auth-user", text)
    }
    fn as_session<'a>(call: Call<'a>, text: &str) -> Call<'a> {
        call.session(text)
    }
    fn as_token<'a>(call: Call<'a>, text: &str) -> Call<'a> {
        call.token(text)
    }
    fn as_bearer<'a>(call: Call<'a>, text: &str) -> Call<'a> {
        call.bearer(text)
    }
    let (cookie, key, session, bearer): (Present, Present, Present, Present) =
        (as_cookie, as_key, as_session, as_bearer);
    let token: Present = as_token;
    let mut presented: Vec<(&str, Present, String)> = vec![
        ("a malformed cookie", cookie, "x".to_owned()),
        ("an unknown cookie", cookie, unknown[0].clone()),
        ("a cookie of nobody", cookie, unknown[1].clone()),
        ("a cookie that was logged out", cookie, ended),
        ("an API key as cookie", cookie, furnished.user_key.clone()),
        ("a malformed key", key, "0123".to_owned()),
        ("an unknown key", key, unknown[2].clone()),
        ("a revoked key", key, furnished.revoked_key.clone()),
        ("an app's key", key, furnished.app_key.clone()),
        ("a cookie as key", key, furnished.tenant.cookie.clone()),
        (
            "a malformed session",
            session,
            format!("{}%", &furnished.session[1..]),
        ),
        ("an unknown session", session, unknown[3].clone()),
        ("a session that was given up", session, given_up),
        (
            "a cookie as session",
            session,
            furnished.tenant.cookie.clone(),
        ),
        ("a malformed token", bearer, "x".to_owned()),
        (
            "an unknown token",
            bearer,
            CredentialText::new_bearer(tenant_id, &furnished.tenant.admin)
                .expose()
                .to_owned(),
        ),
        (
            "a refresh token",
            bearer,
            CredentialText::new_refresh(tenant_id, &furnished.tenant.admin)
                .expose()
                .to_owned(),
        ),
        ("an API key as token", bearer, furnished.user_key.clone()),
        ("a cookie as token", bearer, furnished.tenant.cookie.clone()),
        ("a malformed X-TOKEN", token, "x".to_owned()),
        (
            "an unknown X-TOKEN",
            token,
            CredentialText::new_user_token(tenant_id, &furnished.tenant.admin)
                .expose()
                .to_owned(),
        ),
        ("a bearer token as X-TOKEN", token, furnished.bearer.clone()),
        (
            "a cookie as X-TOKEN",
            token,
            furnished.tenant.cookie.clone(),
        ),
        (
            "a revoked key as X-TOKEN",
            token,
            furnished.revoked_key.clone(),
        ),
        ("an app's key as X-TOKEN", token, furnished.app_key.clone()),
    ];
    // Messages are refused in words of their own.
    let closed = |entry: &&Entry| entry.closed() && entry.takes() != Takes::Message;
    for entry in entries()
        .iter()
        .filter(|entry| entry.takes() == Takes::Message)
    {
        is_error(entry, &entry.call(&world, &furnished).send().await, 400);
        for (_, present, text) in &presented {
            is_error(
                entry,
                &present(entry.call(&world, &furnished), text).send().await,
                400,
            );
        }
        let own = &furnished.ping;
        for (token, key) in [
            (&"0".repeat(40), &own.key),
            (&own.token, &vec![0; 32]),
            (&furnished.user_key, &own.key),
        ] {
            let ping = PingSettings {
                token: token.clone(),
                key: key.clone(),
                ..own.clone()
            };
            let by = Signed {
                ping: &ping,
                ..furnished.signed()
            };
            is_error(
                entry,
                &entry.sign(entry.call(&world, &furnished), by).send().await,
                403,
            );
        }
    }
    let mut cases = 0;
    for entry in entries().iter().filter(closed) {
        cases += presented.len() + 2;
        is_unauthenticated(entry, &entry.call(&world, &furnished).send().await);
        for (what, present, text) in &presented {
            let answer = present(entry.call(&world, &furnished), text).send().await;
            assert_eq!(answer.status, 401, "{entry} with {what}: {}", answer.text);
            is_unauthenticated(entry, &answer);
        }
        // A member is let in by the credential that the row takes and by no other.
        let other = entry.call(&world, &furnished);
        let other = match entry.takes() {
            Takes::Bearer => other
                .cookie(&furnished.tenant.cookie)
                .header("x-fh-auth-user", &furnished.user_key)
                .token(&furnished.token),
            Takes::Token => other
                .cookie(&furnished.tenant.cookie)
                .header("x-fh-auth-user", &furnished.user_key)
                .bearer(&furnished.bearer),
            Takes::Cookie | Takes::Message => {
                other.bearer(&furnished.bearer).token(&furnished.token)
            }
        };
        is_unauthenticated(entry, &other.send().await);
    }
    world
        .clock
        .advance_seconds(SESSION_SECONDS.max(APP_SESSION_SECONDS) + 1);
    presented = vec![
        ("an expired cookie", cookie, furnished.tenant.cookie.clone()),
        ("an expired session", session, furnished.session.clone()),
        ("an expired token", bearer, furnished.bearer.clone()),
        ("an expired X-TOKEN", token, furnished.token.clone()),
    ];
    for entry in entries().iter().filter(closed) {
        cases += presented.len();
        for (what, present, text) in &presented {
            let answer = present(entry.call(&world, &furnished), text).send().await;
            assert_eq!(answer.status, 401, "{entry} with {what}: {}", answer.text);
        }
    }
    checked("every_route: operations without a valid credential", cases);
    assert_eq!(records(&world, &furnished.tenant).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_administrator_meets_nothing_of_ours() {
    let (world, furnished) = furnished().await;
    let other = world.tenant("other").await;
    let key = world
        .post(
            &other.cookie,
            "/box/srv/1.1/ide/other/api/create",
            json!({"type": "user", "label": "theirs"}),
        )
        .await;
    let key = key["apiKey"]["key"].as_str().unwrap().to_owned();
    let bearer = world.bearer(&other, &other.admin, SCOPES).await;
    let token = world.token(&other, &other.admin).await;
    let ping = world.pingid(&other).await;
    let theirs = Signed {
        cookie: &other.cookie,
        bearer: &bearer,
        token: &token,
        ping: &ping,
    };
    let before = records(&world, &furnished.tenant).await;
    let everything = world.snapshot().await;
    let secrets = [
        MARK,
        furnished.tenant.store.as_str(),
        &furnished.group,
        &furnished.user_key,
        furnished.worker.as_str(),
        "admin@dev.example",
    ];
    let mut cases = 0;
    for entry in entries().iter().filter(|entry| entry.closed()) {
        for with_key in [false, true] {
            // A key does not end by signing out.
            if with_key
                && (matches!(entry.takes(), Takes::Bearer | Takes::Message)
                    || entry.to_string() == "DELETE /users/authenticate")
            {
                continue;
            }
            fn signed<'a>(
                entry: &Entry,
                call: Call<'a>,
                key: Option<&str>,
                theirs: Signed<'_>,
            ) -> Call<'a> {
                match key {
                    Some(key) if entry.takes() == Takes::Token => call.token(key),
                    Some(key) => call.header("x-fh-auth-user", key),
                    None => entry.sign(call, theirs),
                }
            }
            let sign = with_key.then_some(key.as_str());
            let mut answers = Vec::new();
            if entry.path.contains("{domain}") {
                let answer = signed(entry, entry.call(&world, &furnished), sign, theirs)
                    .send()
                    .await;
                is_error(entry, &answer, 403);
                answers.push(answer);
            }
            let answer = signed(
                entry,
                entry.call_in(&world, &furnished, &other.domain),
                sign,
                theirs,
            )
            .send()
            .await;
            match entry.abroad {
                // PingID's clients know one code for all that is wrong with a request.
                Abroad::NotFound if entry.takes() == Takes::Message => {
                    is_error(entry, &answer, 400)
                }
                Abroad::NotFound => is_error(entry, &answer, 404),
                Abroad::Theirs => assert_eq!(answer.status, entry.ok, "{entry}: {}", answer.text),
            }
            if entry.path.ends_with("/api/validate") {
                assert_eq!(answer.json["valid"], false, "{entry}");
            }
            answers.push(answer);
            cases += answers.len();
            for answer in answers {
                // What they sent themselves comes back to them.
                let sent = match (entry.carries)(&furnished) {
                    Carries::Json(body) => body.to_string(),
                    Carries::Query(query) => query,
                    Carries::Form(_, texts) | Carries::Encoded(texts) => {
                        texts.into_iter().map(|(_, text)| text).collect()
                    }
                };
                let leaked = secrets
                    .iter()
                    .find(|secret| answer.text.contains(**secret) && !sent.contains(**secret));
                assert_eq!(leaked, None, "{entry}: {}", answer.text);
            }
            assert_eq!(records(&world, &furnished.tenant).await, before, "{entry}");
            world
                .verify(other.tenant_id)
                .await
                .unwrap_or_else(|faults| panic!("after {entry}:\n{faults}"));
            world.restore(&everything).await;
        }
    }
    checked(
        "every_route: answers to another tenant's administrator",
        cases,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_rights_are_403() {
    let (world, furnished) = furnished().await;
    let analyst = format!("analyst@{}.example", furnished.tenant.domain);
    world
        .user(&furnished.tenant, &analyst, vec![Role::Analytics])
        .await;
    let analyst = world
        .store_session(&furnished.tenant, &analyst, "CUID-ANALYST")
        .await;
    let powerless = world
        .bearer(&furnished.tenant, &furnished.sub.0, SCOPES)
        .await;
    let mut narrow = Vec::new();
    for scope in Scope::ALL.iter().copied() {
        let others: Vec<&str> = SCOPES
            .split(' ')
            .filter(|other| *other != scope.as_str())
            .collect();
        narrow.push((
            scope,
            world
                .bearer(
                    &furnished.tenant,
                    &furnished.tenant.admin,
                    &others.join(" "),
                )
                .await,
        ));
    }
    let before = records(&world, &furnished.tenant).await;
    for entry in &entries() {
        let permission = entry.row().permission;
        if let Permission::Scope(scope) = permission {
            let (_, without) = narrow.iter().find(|(of, _)| *of == scope).expect("a token");
            let answer = entry.call(&world, &furnished).bearer(without).send().await;
            is_error(entry, &answer, 403);
            assert!(
                answer.text.contains(scope.as_str()),
                "{entry}: {}",
                answer.text
            );
            // The scope of a token is worth no more than what its user may do.
            if scope != Scope::Subscribe {
                is_error(
                    entry,
                    &entry
                        .call(&world, &furnished)
                        .bearer(&powerless)
                        .send()
                        .await,
                    403,
                );
            }
        }
        if let Permission::Holds(_) = permission {
            let sub = Signed {
                cookie: &furnished.sub.1,
                bearer: &powerless,
                token: &furnished.sub_token,
                ping: &furnished.ping,
            };
            is_error(
                entry,
                &entry.sign(entry.call(&world, &furnished), sub).send().await,
                403,
            );
        }
        // Sessions of apps' users are for what takes them.
        if entry.takes() == Takes::Token {
            continue;
        }
        if let Permission::Holds(_) = permission {
            is_error(
                entry,
                &entry
                    .call(&world, &furnished)
                    .session(&furnished.sub_session)
                    .send()
                    .await,
                403,
            );
        }
        if let Permission::Holds(_) | Permission::Member = permission {
            let reads_log = permission == Permission::Holds(Right::ReadAuditLog);
            for session in [&furnished.session, &analyst] {
                let answer = entry.call(&world, &furnished).session(session).send().await;
                if reads_log {
                    assert_eq!(answer.status, 200, "{entry}: {}", answer.text);
                } else {
                    is_error(entry, &answer, 403);
                }
            }
        }
    }
    assert_eq!(records(&world, &furnished.tenant).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_is_400() {
    let (world, furnished) = furnished().await;
    let before = records(&world, &furnished.tenant).await;
    let signed = furnished.signed();
    // The publisher API's bodies are read where there are any.
    let bodiless = |entry: &Entry| {
        entry.takes() != Takes::Cookie && matches!((entry.carries)(&furnished), Carries::Query(_))
    };
    for entry in entries()
        .iter()
        .filter(|entry| matches!(entry.method, "POST" | "PUT") && !bodiless(entry))
    {
        let path = entry.path_of(&furnished, &furnished.tenant.domain);
        let send = |content_type: &str, body: &[u8]| {
            let call = entry.presenting(
                &furnished,
                entry.sign(world.call(entry.method, &path), signed),
            );
            call.raw(content_type, body.to_vec()).send()
        };
        // What that file is for stands in the query, which is its credential too.
        if entry.path == "/upload" {
            continue;
        }
        if let Carries::Form(..) = (entry.carries)(&furnished) {
            for (content_type, body, status) in [
                (
                    "multipart/form-data; boundary=x",
                    &b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf"[..],
                    400,
                ),
                ("multipart/form-data; boundary=x", b"no part at all", 400),
                ("multipart/form-data", b"", 415),
                ("application/json", br#"{"guid": "#, 415),
            ] {
                // Apps of the Apperian API are made of a form, or of what was uploaded before.
                let either = entry.takes() == Takes::Token && content_type == "application/json";
                let answer = send(content_type, body).await;
                is_error(
                    entry,
                    &answer,
                    if either && answer.status == 400 {
                        400
                    } else {
                        status
                    },
                );
            }
            continue;
        }
        for body in [&br#"{"guid": "#[..], b"[]", b"\"text\"", b"\xff\xfe"] {
            let answer = send("application/json", body).await;
            // `$fh.auth` says what is wrong in a 200, as its clients want it.
            is_error(
                entry,
                &answer,
                if entry.row().dialect.name() == "rhmap-sdk" {
                    200
                } else {
                    400
                },
            );
            let word = match entry.row().dialect.name() {
                "wso2" => "Bad Request",
                "oauth" => "invalid_request",
                "rhmap" | "rhmap-sdk" | "rhmap-mbaas" | "rhmap-teams" | "rhmap-team-members"
                | "apperian" | "apperian-calls" => "invalid_json",
                "pingid" => "Invalid input. The body is not a signed message",
                other => panic!("what does {other} call a body that is no JSON?"),
            };
            assert_eq!(message(entry, &answer), word, "{entry}");
        }
    }
    assert_eq!(records(&world, &furnished.tenant).await, before);
}

/// Every call of every request fails in every way: no half-written thing, no 500, and the next try
/// succeeds.
async fn fail_everywhere(where_to: &str, of: impl Fn(&Entry) -> bool) {
    let (world, mut furnished) = furnished().await;
    let tenant_id = furnished.tenant.tenant_id;
    let mut before = world.snapshot().await;
    let (mut happened, mut retried) = (0, 0);
    for entry in entries().iter().filter(|entry| of(entry)) {
        let gone_with_the_bytes =
            entry.path.ends_with("/completeupload") || entry.path.ends_with("/complete");
        let kinds = if entry.waits {
            &[Fault::Unavailable, Fault::NotAcknowledged][..]
        } else {
            &Fault::PASSING
        };
        'calls: for at in 0..if entry.waits { 4 } else { 50 } {
            for fault in kinds {
                let place = || format!("{entry} with {fault:?} at call {at}");
                world.failing.fail(at, *fault);
                let first = entry.send(&world, &furnished).await;
                let failed = world.failing.heal();
                if failed {
                    happened += 1;
                    if first.status != entry.ok {
                        assert!(
                            matches!(first.status, 503 | 409),
                            "{}: {} {}",
                            place(),
                            first.status,
                            first.text
                        );
                        is_enveloped(entry, &first);
                        assert!(
                            !first.text.contains("injected"),
                            "{}: {}",
                            place(),
                            first.text
                        );
                    } else {
                        retried += 1;
                    }
                } else {
                    assert_eq!(first.status, entry.ok, "{}: {}", place(), first.text);
                }
                world
                    .verify(tenant_id)
                    .await
                    .unwrap_or_else(|faults| panic!("{} ({}):\n{faults}", place(), first.text));
                let second = entry.send(&world, &furnished).await;
                let allowed = second.status == entry.ok || entry.again.contains(&second.status);
                assert!(
                    allowed,
                    "{}, then again: {} {}",
                    place(),
                    second.status,
                    second.text
                );
                world
                    .verify(tenant_id)
                    .await
                    .unwrap_or_else(|faults| panic!("{}, then again:\n{faults}", place()));
                world.restore(&before).await;
                if gone_with_the_bytes {
                    furnished.new_parts(&world).await;
                    before = world.snapshot().await;
                }
                if !failed {
                    break 'calls;
                }
            }
        }
    }
    assert!(happened > 0 && retried > 0);
    println!("{happened} failures, {retried} of them not seen by the caller");
    checked(&format!("every_route: failures {where_to}"), happened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_leaves_nothing_half_written_in_administration() {
    fail_everywhere("in administration", |entry| {
        entry.path.contains("/admin/store")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_leaves_nothing_half_written_elsewhere() {
    let elsewhere =
        |entry: &Entry| entry.takes() != Takes::Token && !entry.path.contains("/admin/store");
    fail_everywhere("elsewhere", elsewhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_leaves_nothing_half_written_in_the_apperian_api() {
    fail_everywhere("in the apperian api", |entry| entry.takes() == Takes::Token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_twenty_times_at_once_and_twice_in_a_row() {
    let (world, furnished) = furnished().await;
    let tenant_id = furnished.tenant.tenant_id;
    let before = world.snapshot().await;
    let mut cases = 0;
    for entry in entries()
        .iter()
        .filter(|entry| matches!(entry.method, "POST" | "PUT") && !entry.waits)
    {
        cases += 22;
        let allowed = |status: u16| status == entry.ok || entry.again.contains(&status);
        for round in ["first", "second"] {
            let answer = entry.send(&world, &furnished).await;
            assert!(
                allowed(answer.status),
                "{entry}, {round} in a row: {} {}",
                answer.status,
                answer.text
            );
            world
                .verify(tenant_id)
                .await
                .unwrap_or_else(|faults| panic!("{entry}, {round} in a row:\n{faults}"));
        }
        world.restore(&before).await;
        let answers = all((0..20).map(|_| entry.send(&world, &furnished))).await;
        for answer in &answers {
            assert!(
                allowed(answer.status),
                "{entry}, twenty at once: {} {}",
                answer.status,
                answer.text
            );
        }
        let succeeded = answers
            .iter()
            .filter(|answer| answer.status == entry.ok)
            .count();
        assert!(succeeded >= 1, "{entry}");
        if entry.again.contains(&404) || entry.again.contains(&409) {
            assert_eq!(succeeded, 1, "{entry}: only one can have done it");
        }
        world
            .verify(tenant_id)
            .await
            .unwrap_or_else(|faults| panic!("{entry}, twenty at once:\n{faults}"));
        world.restore(&before).await;
    }
    checked("every_route: requests at once and in a row", cases);
}

/// Answers agree with what is kept, whoever was first.
#[tokio::test(flavor = "multi_thread")]
async fn opposite_changes_at_once_leave_one_of_both() {
    let (world, furnished) = furnished().await;
    let before = world.snapshot().await;
    let (item, group, policy) = (&furnished.shelved, &furnished.group, &furnished.policy);
    let pairs: [(&str, &str, Value); 5] = [
        (
            "admin/appstore/additem",
            "admin/appstore/removeitem",
            json!({"guid": item}),
        ),
        (
            "admin/storeitem/addgroups",
            "admin/storeitemgroup/delete",
            json!({"guid": item, "groups": [group]}),
        ),
        (
            "admin/storeitemgroup/addstoreitems",
            "admin/storeitemgroup/removestoreitems",
            json!({"guid": group, "storeitems": [item, furnished.plain]}),
        ),
        (
            "admin/storeitemgroup/addusers",
            "admin/storeitemgroup/removeusers",
            json!({"guid": group, "users": [furnished.worker, furnished.tenant.admin]}),
        ),
        (
            "admin/storeitem/addpolicy",
            "admin/storeitem/delete",
            json!({"guid": item, "authguid": policy}),
        ),
    ];
    for (one, opposite, body) in pairs {
        for _ in 0..3 {
            let answers = all((0..10).map(|turn| {
                let path = if turn % 2 == 0 { one } else { opposite };
                let body = if path.ends_with("group/delete") {
                    json!({"guid": group})
                } else {
                    body.clone()
                };
                world
                    .call("POST", &format!("/box/srv/1.1/{path}"))
                    .cookie(&furnished.tenant.cookie)
                    .json(body)
                    .send()
            }))
            .await;
            for answer in answers {
                assert!(
                    matches!(answer.status, 200 | 404),
                    "{one} and {opposite}: {} {}",
                    answer.status,
                    answer.text
                );
            }
            world
                .verify(furnished.tenant.tenant_id)
                .await
                .unwrap_or_else(|faults| panic!("{one} and {opposite}:\n{faults}"));
            world.restore(&before).await;
        }
    }
}

/// A name that is taken is told as such, by the creation and by the change of a group.
#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_is_refused_in_the_same_words() {
    let (world, furnished) = furnished().await;
    let send = |what: &str, body: Value| {
        world
            .call("POST", &format!("/box/srv/1.1/admin/storeitemgroup/{what}"))
            .cookie(&furnished.tenant.cookie)
            .json(body)
            .send()
    };
    assert_eq!(send("create", json!({"name": "Taken"})).await.status, 200);
    for (what, body) in [
        ("create", json!({"name": "taken"})),
        ("update", json!({"guid": furnished.group, "name": "TAKEN"})),
    ] {
        let answer = send(what, body).await;
        assert_eq!(
            (answer.status, &answer.json["message"]),
            (409, &json!("group names must be unique")),
            "{what}: {}",
            answer.text
        );
        world.verify(furnished.tenant.tenant_id).await.unwrap();
    }
}

//! Who may call what: every operation against every kind of caller, held against the reviewed table
//! `tests/access-matrix.txt`.
//!
//! The caller is judged before the request is read, so that a request that cannot be read shows the
//! verdict and changes nothing: 401 and 403 are refusals, anything else means that the caller was
//! let in.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use appdepot_tests::pingid::PingSettings;
use appdepot_tests::requests::{Carries, Entry, Furnished, SCOPES, Signed, Takes, entries, rows};
use appdepot_tests::{Answer, Call, TestTenant, World, checked, golden};
use serde_json::json;
use shared::base::id::{TeamId, TenantId};
use shared::base::rights::{Permission, Right, Rights, Role};
use shared::model::people::team::default_teams;

/// A kind of caller.
struct Caller {
    name: String,
    credential: Credential,
}

enum Credential {
    Nobody,
    Cookie(String),
    Key(String),
    Session(String),
    Bearer(String),
    Token(String),
    Message(PingSettings),
    App(String),
}

impl Caller {
    fn signed<'a>(&self, call: Call<'a>) -> Call<'a> {
        match &self.credential {
            Credential::Nobody => call,
            Credential::Cookie(text) => call.cookie(text),
            Credential::Key(text) => call.header("x-fh-auth-user", text).token(text),
            Credential::Token(text) => call.token(text),
            Credential::Message(settings) => call.message(settings, &json!({"application": {}})),
            Credential::App(text) => call.app_key(text),
            Credential::Session(text) => call.session(text),
            Credential::Bearer(text) => call.bearer(text),
        }
    }
}

async fn key_of(world: &World, domain: &str, cookie: &str) -> String {
    let made = world
        .post(
            cookie,
            &format!("/box/srv/1.1/ide/{domain}/api/create"),
            json!({"type": "user", "label": "matrix"}),
        )
        .await;
    made["apiKey"]["key"].as_str().expect("a key").to_owned()
}

/// A user of no role in a team that has that permission alone.
async fn in_team(world: &World, tenant: &TestTenant, right: Right) -> Caller {
    let (path, level) = right.permission_path();
    let name = format!("team with {level} {path}");
    let body = json!({
        "name": name, "perms": {path: level.to_string()}, "business-objects": {"cluster": ["*"]},
    });
    let team = world
        .post(&tenant.cookie, "/api/v2/admin/teams", body)
        .await;
    let (guid, cookie) = world
        .user(
            tenant,
            &format!("{right:?}@{}.example", tenant.domain),
            vec![Role::Sub],
        )
        .await;
    let team = team["_id"].as_str().expect("a team");
    world
        .post(
            &tenant.cookie,
            &format!("/api/v2/admin/teams/{team}/user/{guid}"),
            json!({}),
        )
        .await;
    Caller {
        name,
        credential: Credential::Cookie(cookie),
    }
}

async fn callers(world: &World, furnished: &Furnished) -> Vec<Caller> {
    let tenant = &furnished.tenant;
    let cookie = |name: &str, text: String| Caller {
        name: name.to_owned(),
        credential: Credential::Cookie(text),
    };
    let mut callers = vec![Caller {
        name: "nobody".to_owned(),
        credential: Credential::Nobody,
    }];
    callers.push(Caller {
        name: "app user without rights".to_owned(),
        credential: Credential::Session(furnished.sub_session.clone()),
    });
    let analyst = format!("analyst@{}.example", tenant.domain);
    world
        .add_user(tenant, &analyst, vec![Role::Analytics])
        .await;
    let session = world.store_session(tenant, &analyst, "CUID-ANALYST").await;
    callers.push(Caller {
        name: "app user who is an analyst".to_owned(),
        credential: Credential::Session(session),
    });
    let (mut tokens, mut user_tokens) = (Vec::new(), Vec::new());
    for role in Role::ALL.iter().copied() {
        let (guid, text) = world
            .user(
                tenant,
                &format!("role-{}@{}.example", role.as_str(), tenant.domain),
                vec![role],
            )
            .await;
        let token = world.bearer(tenant, &guid, SCOPES).await;
        let token_of_user = world.token(tenant, &guid).await;
        user_tokens.push(Caller {
            name: format!("X-TOKEN of a {}", role.as_str()),
            credential: Credential::Token(token_of_user),
        });
        tokens.push(Caller {
            name: format!("token of a {} with every scope", role.as_str()),
            credential: Credential::Bearer(token),
        });
        if role == Role::Dev {
            callers.push(Caller {
                name: "API key of a dev".to_owned(),
                credential: Credential::Key(key_of(world, &tenant.domain, &text).await),
            });
        }
        callers.push(cookie(role.as_str(), text));
    }
    for right in Rights::ALL {
        callers.push(in_team(world, tenant, right).await);
    }
    callers.push(cookie("administrator", tenant.cookie.clone()));
    callers.extend(tokens);
    for scope in SCOPES.split(' ') {
        let token = world.bearer(tenant, &tenant.admin, scope).await;
        callers.push(Caller {
            name: format!("token of the administrator with {scope} alone"),
            credential: Credential::Bearer(token),
        });
    }
    callers.extend(user_tokens);
    callers.push(Caller {
        name: "holder of the PingID settings".to_owned(),
        credential: Credential::Message(furnished.ping.clone()),
    });
    callers.push(Caller {
        name: "app key".to_owned(),
        credential: Credential::App(furnished.app_key.clone()),
    });
    callers
}

/// The request without anything that could be done: a body that cannot be read, or the path of a
/// thing that is not there.
fn harmless<'a>(world: &'a World, furnished: &Furnished, entry: &Entry) -> Call<'a> {
    let nowhere = TeamId::random();
    let path = entry.path.replace("{team}", nowhere.as_str());
    let path = path
        .replace("{user}", "nobody")
        .replace("{domain}", &furnished.tenant.domain)
        .replace("{ticket}", &furnished.ticket);
    // A type of app that there is none of: nothing of the publisher API is changed by it.
    let path = path
        .replace("{appType}", "nothing")
        .replace("{appId}", "nothing")
        .replace(['{', '}'], "");
    let call = match (entry.carries)(furnished) {
        Carries::Query(query) if entry.method == "GET" => {
            return world.call("GET", &format!("{path}?{query}"));
        }
        _ => world.call(entry.method, &path),
    };
    // Where messages are taken, one that nobody's settings sign: without it the body would be
    // judged before its sender.
    if entry.takes() == Takes::Message {
        let nobody = PingSettings {
            alias: furnished.tenant.domain.clone(),
            token: "0".repeat(40),
            key: vec![0; 32],
        };
        return call.message(&nobody, &json!({}));
    }
    call.raw("application/json", b"{\"".to_vec())
}

fn verdict(entry: &Entry, caller: &str, answer: &Answer) -> &'static str {
    match answer.status {
        401 => "401",
        403 => "403",
        200..=299 | 302 | 303 | 400 | 404 | 409 | 412 | 415 => "yes",
        other => panic!("{entry} as {caller}: {other} {}", answer.text),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_lets_in_whom_the_table_says() {
    let (world, tenant) = World::new().await;
    let furnished = Furnished::of(&world, tenant).await;
    let stranger = world.tenant("other").await;
    let callers = callers(&world, &furnished).await;
    let mut table = "# Who may call what: `yes` is let in, 401 and 403 are refused. Written by a \
        test, reviewed by people.\n# `stranger` is another tenant's administrator who names our \
        things: `own` means that he only meets what is his.\n#\n# Columns:\n#   1 stranger\n"
        .to_owned();
    for (number, caller) in callers.iter().enumerate() {
        writeln!(table, "#  {:2} {}", number + 2, caller.name).expect("a text");
    }
    writeln!(table).expect("a text");
    // Requests of the stranger are whole ones: what he names must not be found.
    let token = world.bearer(&stranger, &stranger.admin, SCOPES).await;
    let of_user = world.token(&stranger, &stranger.admin).await;
    let ping = world.pingid(&stranger).await;
    let theirs = Signed {
        cookie: &stranger.cookie,
        bearer: &token,
        token: &of_user,
        ping: &ping,
    };
    let before = world.snapshot().await;
    for entry in entries() {
        let answer = entry
            .sign(entry.call(&world, &furnished), theirs)
            .send()
            .await;
        let stranger_meets = match answer.status {
            401 => "401",
            403 => "403",
            404 => "404",
            _ if entry.closed() => "own",
            _ => "yes",
        };
        world.restore(&before).await;
        write!(table, "{stranger_meets:>3}").expect("a text");
        for caller in &callers {
            let answer = caller
                .signed(harmless(&world, &furnished, &entry))
                .send()
                .await;
            write!(table, " {}", verdict(&entry, &caller.name, &answer)).expect("a text");
        }
        writeln!(table, "  {entry}").expect("a text");
    }
    checked(
        "access_matrix: operations and callers",
        entries().len() * (callers.len() + 1),
    );
    golden("tests/access-matrix.txt", &table);
}

/// The operations that anybody may call stand in `tests/open-operations.txt`: a line can be taken
/// out of it by `UPDATE_GOLDEN`, and added only by hand.
#[test]
fn what_is_open_is_known_and_can_only_shrink() {
    let open: BTreeSet<String> = rows()
        .iter()
        .filter(|row| row.permission == Permission::Open)
        .map(|row| format!("{} {}", row.method, row.path))
        .collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("open-operations.txt");
    let known: BTreeSet<String> = std::fs::read_to_string(path)
        .expect("the list is there")
        .lines()
        .map(str::to_owned)
        .collect();
    let opened: Vec<&String> = open.difference(&known).collect();
    assert!(
        opened.is_empty(),
        "these operations ask for no credential, and nobody said so: {opened:#?}"
    );
    golden(
        "tests/open-operations.txt",
        &open
            .iter()
            .fold(String::new(), |text, line| text + line + "\n"),
    );
}

/// `docs/permissions.md`: what each role and default team may do.
#[test]
fn the_table_of_permissions_is_written() {
    let tenant_id = TenantId::of_name("any");
    let teams = default_teams(tenant_id);
    let mut table = "# Permissions\n\
         \n\
         What a caller may do by roles and teams, which add up. The table is written by a test \
         from the code.\n\
         \n\
         A permission of a team holds for its path and everything below, until a deeper path of \
         the same team\n\
         says otherwise; `write` includes `read`. A team without `business-objects` at or above a \
         path gives\n\
         no permission there.\n\
         \n\
         | Permission path | Level |"
        .to_owned();
    for role in Role::ALL.iter().copied() {
        write!(table, " {} |", role.as_str()).expect("a text");
    }
    for team in &teams {
        write!(table, " team {} |", team.name).expect("a text");
    }
    write!(table, "\n|---|---|").expect("a text");
    table.push_str(&"---|".repeat(Role::ALL.len() + teams.len()));
    for right in Rights::ALL {
        let (path, level) = right.permission_path();
        write!(table, "\n| `{path}` | {level} |").expect("a text");
        let by_roles = Role::ALL.iter().map(|role| role.rights());
        for rights in by_roles.chain(teams.iter().map(|team| team.grants.rights())) {
            table.push_str(if rights.contains(right) {
                " yes |"
            } else {
                "  |"
            });
        }
    }
    table.push('\n');
    golden("docs/permissions.md", &table);
}

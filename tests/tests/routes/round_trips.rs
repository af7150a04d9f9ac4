//! Calls to the table: how many each operation makes and how deep they stand, and which of the
//! table's actions each function needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use appdepot_tests::requests::{Entry, Furnished, Takes, apk, entries, rows};
use appdepot_tests::{TestTenant, World, client, golden, key_file};
use http::Method;
use local_gateway::{uploads, work};
use package_reader::testing::{Ipa, ProfileKind};
use serde_json::{Value, json};
use shared::base::clock::Clock;
use shared::base::id::{AppId, Guid};
use shared::base::kind::AppKind;
use shared::base::rights::{Permission, Right};
use shared::base::text::{Description, Name};
use shared::domain::events::event;
use shared::http::routes::Route;
use shared::model::apps::app::App;
use shared::model::apps::life_cycle::LifeCycleState;
use shared::model::events::alert::Alert;
use shared::model::events::event::{Event, Severity};
use shared::store::wrappers::{Counts, Fault};
use shared::store::{keys, record};

/// Rows that may go beyond the limits, with what they may do at most (calls, depth) and why.
const EXCEPTIONS: &[(&str, (usize, usize), &str)] = &[
    (
        "POST /box/srv/1.1/act/sys/auth/login",
        (3, 3),
        "no credential yet: the name leads to the user",
    ),
    (
        "POST /box/srv/1.1/admin/authpolicy/auth",
        (5, 4),
        "no credential yet: the store leads to the tenant, the name to the user; policies beside \
        it",
    ),
    (
        "POST /box/srv/1.1/ide/{domain}/api/create",
        (3, 3),
        "the pointer leads to the app's former key, which is revoked with it",
    ),
    (
        "POST /box/srv/1.1/app/eventlog/listEvents",
        (3, 1),
        "two queries at once: what happened in the environment, and what happened in all of them",
    ),
    (
        "GET /box/srv/1.1/app/eventlog/listEvents",
        (3, 1),
        "two queries at once: what happened in the environment, and what happened in all of them",
    ),
    (
        "POST /box/srv/1.1/admin/appstore/update",
        (4, 3),
        "the whole store is a query, which leads to the items that leave it",
    ),
    (
        "POST /box/srv/1.1/admin/storeitem/create",
        (3, 2),
        "the newest bucket of the catalogue is a query, beside the caller",
    ),
    (
        "POST /box/srv/1.1/admin/storeitem/update",
        (3, 3),
        "the item leads to the groups that it leaves, which count their items",
    ),
    (
        "POST /box/srv/1.1/admin/storeitem/delete",
        (3, 3),
        "the item leads to its groups, which count their items",
    ),
    (
        "POST /box/srv/1.1/admin/storeitemgroup/delete",
        (5, 3),
        "the members lead to the users, whose API keys carry their groups",
    ),
    (
        "POST /box/srv/1.1/admin/storeitemgroup/addstoreitems",
        (3, 2),
        "the answer shows the members: a query beside the items that are named",
    ),
    (
        "POST /box/srv/1.1/admin/storeitemgroup/removestoreitems",
        (3, 2),
        "the answer shows the members: a query beside the items that are named",
    ),
    (
        "POST /box/srv/1.1/admin/storeitemgroup/addusers",
        (4, 2),
        "members, and per user a query of the API keys that carry its groups",
    ),
    (
        "POST /box/srv/1.1/admin/storeitemgroup/removeusers",
        (4, 2),
        "members, and per user a query of the API keys that carry its groups",
    ),
    (
        "POST /box/srv/1.1/admin/authpolicy/read",
        (3, 3),
        "the id leads to the policy, its list to the users",
    ),
    (
        "POST /box/srv/1.1/admin/authpolicy/update",
        (4, 3),
        "another provider: the list leads to the users, none of whom may hold what the caller does \
        not",
    ),
    (
        "POST /box/srv/1.1/admin/authpolicy/delete",
        (4, 3),
        "the list leads to the users, who leave",
    ),
    (
        "POST /box/srv/1.1/admin/authpolicy/list",
        (4, 2),
        "policies and lists of users, which lead to the users",
    ),
    (
        "GET /box/srv/1.1/admin/authpolicy/list",
        (4, 2),
        "policies and lists of users, which lead to the users",
    ),
    (
        "POST /box/srv/1.1/admin/authpolicy/users",
        (3, 2),
        "the list leads to the users",
    ),
    (
        "GET /box/srv/1.1/mas/storeitem/downloadvers",
        (3, 3),
        "the version's guid leads to the item",
    ),
    (
        "POST /box/srv/1.1/mas/storeitem/downloadvers",
        (3, 3),
        "the version's guid leads to the item",
    ),
    (
        "POST /box/srv/1.1/admin/device/listapps",
        (3, 2),
        "the device leads to its apps' items; a token that is no guid asks for all apps",
    ),
    (
        "POST /box/srv/1.1/admin/device/listusers",
        (3, 2),
        "the device leads to its users",
    ),
    (
        "POST /credentials",
        (3, 2),
        "there is a most of them: the list is a query, beside the caller",
    ),
    (
        "DELETE /api/v2/admin/teams/{team}",
        (5, 3),
        "the members lead to the users, whose API keys carry their teams",
    ),
    (
        "POST /api/v2/admin/teams/{team}/user/{user}",
        (4, 2),
        "the answer shows the members, and the user's API keys carry its teams: two queries",
    ),
    (
        "DELETE /api/v2/admin/teams/{team}/user/{user}",
        (4, 2),
        "the answer shows the members, and the user's API keys carry its teams: two queries",
    ),
    (
        "POST /box/srv/1.1/admin/appstore/uploadbinary",
        (usize::MAX, usize::MAX),
        "waits for the reader's verdict and asks again",
    ),
    (
        "POST /box/srv/1.1/admin/storeitem/uploadbinary",
        (usize::MAX, usize::MAX),
        "waits for the reader's verdict and asks again",
    ),
    (
        "POST /box/srv/1.1/act/sys/auth/forgotpassword",
        (5, 4),
        "no credential: the name or address leads to the user; the request is counted before the \
        link is written",
    ),
    (
        "POST /box/srv/1.1/act/sys/auth/setpassword",
        (3, 3),
        "the user leads to all names of the user, each of which carries the password",
    ),
    (
        "POST /box/srv/1.1/ide/{domain}/user/changepassword",
        (4, 4),
        "the caller leads to the user's name, the user to the other names, each of \
         which carries the password",
    ),
    (
        "POST /box/srv/1.1/admin/user/update",
        (6, 4),
        "the name leads to the user, beside it a query of the API keys \
         that carry the user's rights; the teams after it",
    ),
    (
        "POST /box/srv/1.1/admin/user/delete",
        (4, 3),
        "the name leads to the user, and beside it a query of all that belongs to the user",
    ),
    (
        "POST /box/srv/1.1/admin/user/read",
        (4, 3),
        "the name leads to the user; the user's teams, if there are any, are read after it",
    ),
    (
        "POST /box/srv/1.1/admin/user/listdevices",
        (3, 3),
        "the name leads to the user, the user's links to the devices",
    ),
    (
        "POST /box/srv/1.1/admin/user/liststoreitems",
        (3, 3),
        "the name leads to the user, the user's installs to the items",
    ),
    (
        "POST /box/srv/1.1/admin/user/import",
        (usize::MAX, usize::MAX),
        "a read and a write for each row, two rows side by side, and the log",
    ),
    (
        "GET /api/appm/publisher/v1.1/apps/{appType}/stats/{statType}",
        (3, 2),
        "the log leads to the apps that were fetched",
    ),
    (
        "POST /api/appm/oauth/v1.0/register",
        (4, 4),
        "no credential yet: the user name leads to the tenant, the name there to the user",
    ),
    (
        "POST /box/srv/1.1/admin/pingid/rotate",
        (3, 3),
        "the settings lead to the former key, which gets its end with it",
    ),
    (
        "POST /box/srv/1.1/ide/{domain}/user/invite",
        (4, 3),
        "the address is a query, which leads to the user",
    ),
    (
        "POST /api/appm/publisher/v1.1/apps/mobile/binaries",
        (usize::MAX, usize::MAX),
        "waits for the reader's verdict and asks again",
    ),
    (
        "POST /api/appm/publisher/v1.1/apps/static-contents",
        (usize::MAX, usize::MAX),
        "waits for the reader's verdict and asks again",
    ),
    (
        "POST /api/appm/publisher/v1.1/apps/{appType}/id/{appId}/docs/{documentId}/content",
        (usize::MAX, usize::MAX),
        "waits for the reader's verdict and asks again",
    ),
    (
        "GET /api/appm/publisher/v1.1/apps/mobile/getplist/tenant/{tenantId}/file/{fileName}",
        (2, 2),
        "the file leads to its app",
    ),
    (
        "GET /api/appm/publisher/v1.1/apps/mobile/getplist/tenant/{tenantId}/file/{fileName}/link",
        (2, 2),
        "the file leads to its app",
    ),
    (
        "GET /api/appm/publisher/v1.1/xacmlpolicies/{policyPartialId}/apps/{appType}",
        (3, 2),
        "a query of the apps that the partial is mapped to, which leads to the apps",
    ),
    (
        "POST /api/appm/publisher/v1.1/apps/{appType}",
        (4, 3),
        "the newest bucket of the catalogue is a query; the caller's name is part of what the \
        version claims",
    ),
    (
        "DELETE /api/appm/publisher/v1.1/apps/{appType}/id/{appId}",
        (3, 3),
        "the app leads to what it claims and to its groups, which count their items",
    ),
    (
        "POST /api/appm/publisher/v1.1/apps/{appType}/id/{appId}/create-new-version",
        (5, 4),
        "the newest bucket of the catalogue is a query; the source leads to its line and to the \
        files that are copied, each by its name",
    ),
    (
        "POST /users/authenticate",
        (3, 3),
        "no credential yet: the name leads to the user",
    ),
    (
        "POST /catalog/authenticate",
        (3, 3),
        "no credential yet: the name leads to the user",
    ),
    (
        "GET /applications",
        (3, 1),
        "apps and their texts are two queries, beside the caller",
    ),
    (
        "GET /applications/user",
        (3, 1),
        "apps and their texts are two queries, beside the caller",
    ),
    (
        "GET /downloads/direct/applications/{application}",
        (2, 2),
        "a download is a row of the log",
    ),
    (
        "POST /applications",
        (usize::MAX, usize::MAX),
        "waits for the reader's verdict and asks again",
    ),
    (
        "POST /applications/{application}",
        (usize::MAX, usize::MAX),
        "waits for the reader's verdict and asks again",
    ),
    (
        "DELETE /applications/{application}",
        (3, 3),
        "the app leads to its groups, which count their items",
    ),
    (
        "POST /api/appm/publisher/v1.1/apps/{appType}/id/{appId}/decision",
        (2, 2),
        "the app leads to its policy partials",
    ),
    (
        "GET /groups",
        (3, 1),
        "the groups and the users who are in them are two queries, beside the caller",
    ),
    (
        "GET /groups/{group}",
        (3, 2),
        "the members, a query beside the caller, lead to the apps",
    ),
    (
        "DELETE /groups/{group}",
        (5, 3),
        "the members lead to the users, whose API keys carry their groups",
    ),
    (
        "GET /groups/{group}/users",
        (3, 2),
        "the members, a query beside the caller, lead to the users",
    ),
    (
        "POST /ease.interface.php/com.apperian.eas.user.authenticateuser",
        (3, 3),
        "no credential yet: the name leads to the user",
    ),
    (
        "POST /ease.interface.php/com.apperian.eas.apps.getlist",
        (3, 1),
        "apps and their texts are two queries, beside the caller",
    ),
    (
        "POST /ease.interface.php/com.apperian.eas.apps.publish",
        (3, 2),
        "the newest bucket of the catalogue is a query, beside the caller",
    ),
    (
        "POST /box/srv/1.1/cm/eventlog/alert/read",
        (2, 2),
        "the guid leads to the alert",
    ),
    (
        "POST /box/srv/1.1/cm/eventlog/alert/clone",
        (3, 3),
        "the guid leads to the alert, which leads to its app",
    ),
    (
        "POST /upload",
        (usize::MAX, usize::MAX),
        "waits for the reader's verdict and asks again",
    ),
];

/// What a list reads: the caller, the app records and the icons, side by side.
const LISTS: [&str; 3] = ["appstore/liststoreitems", "storeitem/list", "getstoreitems"];

fn reads(row: &Route) -> bool {
    let by_right = |right| {
        let store = matches!(
            right,
            Right::ReadStore | Right::ReadStoreItems | Right::ReadGroups | Right::ReadAuditLog
        );
        store
            || matches!(
                right,
                Right::ReadDevices | Right::ReadTeams | Right::ReadUsers | Right::ReadPolicies
            )
    };
    match row.permission {
        Permission::Holds(right) => {
            by_right(right) || matches!(row.operation, "UploadStatus" | "ReadImportLog")
        }
        Permission::Scope(_) => {
            row.method == Method::GET
                || matches!(row.operation, "Validate" | "ValidateContext" | "Decide")
        }
        Permission::StoreUser => row.operation == "GetStoreItems",
        Permission::Signed => row.operation == "List",
        Permission::AppOr(right) => by_right(right),
        Permission::Member => {
            row.dialect.name() == "apperian" && row.method == Method::GET
                || matches!(
                    row.operation,
                    "List" | "ListAssignable" | "Validate" | "ReadUser"
                )
        }
        Permission::Open => {
            row.method == Method::GET
                || matches!(row.operation, "ReadStore" | "VerifySession" | "SessionInfo")
        }
    }
}

/// The limit of a row without an exception: calls and depth.
fn limit(row: &Route) -> (usize, usize) {
    if LISTS.iter().any(|list| row.path.ends_with(list)) {
        (3, 1)
    } else if reads(row) {
        (2, 1)
    } else {
        (2, 2)
    }
}

async fn measured(world: &World, furnished: &Furnished, entry: &Entry) -> Counts {
    world.counting.take();
    let answer = entry.send(world, furnished).await;
    assert_eq!(answer.status, entry.ok, "{entry}: {}", answer.text);
    world.counting.take()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_makes_more_calls_than_it_must() {
    let (world, tenant) = World::new().await;
    let furnished = Furnished::of(&world, tenant).await;
    let before = world.snapshot().await;
    let mut table = "# Calls to the table\n\
         \n\
         What one request costs: the calls to DynamoDB, and their depth, which is the longest \
         chain of calls\n\
         that each begin after the one before has ended. The figures are measured for a member \
         with a cookie\n\
         in a small tenant, by a test that also holds the limits: a read makes at most 2 calls \
         side by side\n\
         (a list of items 3, for the caller, the items and their icons, and one more per \
         megabyte), a write\n\
         at most 2 one after the other. The note says why an operation goes beyond.\n\
         \n\
         | Function | Operation | Method and path | Calls | Depth | Note |\n\
         |---|---|---|---:|---:|---|\n\
         "
    .to_owned();
    let mut beyond = Vec::new();
    let mut unused: BTreeSet<&str> = EXCEPTIONS.iter().map(|(row, ..)| *row).collect();
    for row in rows() {
        let entry = entries()
            .into_iter()
            .find(|entry| entry.method == row.method && entry.path == row.path)
            .expect("an entry");
        let counts = measured(&world, &furnished, &entry).await;
        world.restore(&before).await;
        let name = entry.to_string();
        let exception = EXCEPTIONS.iter().find(|(of, ..)| *of == name);
        let most = limit(&row);
        let within = counts.calls <= most.0 && counts.depth <= most.1;
        let allowed = exception.map_or(most, |(_, most, _)| *most);
        if !within {
            unused.remove(name.as_str());
        }
        if counts.calls > allowed.0 || counts.depth > allowed.1 {
            beyond.push(format!(
                "{name}: {} calls at depth {}, at most {allowed:?}",
                counts.calls, counts.depth
            ));
        }
        let (calls, depth) = if allowed.0 == usize::MAX {
            ("…".to_owned(), "…".to_owned())
        } else {
            (counts.calls.to_string(), counts.depth.to_string())
        };
        let note = exception.map_or("", |(_, _, why)| *why);
        writeln!(
            table,
            "| {} | {} | `{name}` | {calls} | {depth} | {note} |",
            row.function, row.operation
        )
        .expect("a text");
    }
    assert!(beyond.is_empty(), "beyond the limits: {beyond:#?}");
    assert!(
        unused.is_empty(),
        "exceptions that are not needed: {unused:#?}"
    );
    golden("docs/round-trips.md", &table);
}

/// Puts so many more items into the store.
async fn stock(world: &World, furnished: &Furnished, items: usize) {
    let tenant_id = furnished.tenant.tenant_id;
    let owner = world
        .user_record(&furnished.tenant, &furnished.tenant.admin)
        .await
        .value
        .owner;
    let mut writes = Vec::new();
    for number in 0..items {
        let now = world.plain.clock.now();
        let id = AppId::new(now);
        let name = Name::new(format!("Item {number}")).expect("a name");
        let mut app = App::new(&owner, id, AppKind::Mobile, name, now);
        app.description = Description::new(
            "Two hundred characters of words that say what the item is for. ".repeat(3),
        )
        .expect("a description");
        app.state = LifeCycleState::Published;
        writes.push(record::create(keys::app(tenant_id, app.id), &app).expect("a card"));
    }
    for batch in writes.chunks(100) {
        world
            .plain
            .table
            .write(batch.to_vec())
            .await
            .expect("items are written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_costs_as_many_calls_as_a_short_one() {
    let (world, tenant) = World::new().await;
    let furnished = Furnished::of(&world, tenant).await;
    stock(&world, &furnished, 8).await;
    let lists: Vec<Entry> = entries()
        .into_iter()
        .filter(|entry| LISTS.iter().any(|list| entry.path.ends_with(list)))
        .collect();
    assert_eq!(lists.len(), 8);
    let mut short = Vec::new();
    for entry in &lists {
        short.push(measured(&world, &furnished, entry).await);
    }
    stock(&world, &furnished, 290).await;
    for (entry, short) in lists.iter().zip(short) {
        let long = measured(&world, &furnished, entry).await;
        assert_eq!(
            (long.calls, long.depth),
            (short.calls, short.depth),
            "{entry}"
        );
        let answer = entry.send(&world, &furnished).await;
        assert!(
            answer.json["list"].as_array().map_or(0, Vec::len) >= 299,
            "{entry}"
        );
    }
}

/// Permissions that no request below needs, and why the function has them.
const UNSEEN: [(&str, &str, &str); 1] = [(
    "rhmap-app-sign-in",
    "dynamodb:Query",
    "who comes from a provider is looked for by his mail address, and no provider is asked here",
)];

#[tokio::test(flavor = "multi_thread")]
async fn every_function_may_do_what_it_does_and_no_more() {
    let (world, tenant) = World::new().await;
    let mut furnished = Furnished::of(&world, tenant).await;
    let mut before = world.snapshot().await;
    // Every function reads one item when it starts.
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = appdepot_template::permissions()
        .iter()
        .map(|of| (of.function, BTreeSet::from(["dynamodb:GetItem"])))
        .collect();
    for entry in entries() {
        let function = entry.row().function;
        let actions = measured(&world, &furnished, &entry).await.actions;
        seen.entry(function).or_default().extend(actions);
        world.restore(&before).await;
        if entry.path.ends_with("/completeupload") || entry.path.ends_with("/complete") {
            furnished.new_parts(&world).await;
            before = world.snapshot().await;
        }
        // A row that asks for a scope or a message takes no key, and a key does not end by signing
        // out.
        if matches!(entry.takes(), Takes::Bearer | Takes::Message)
            || entry.to_string() == "DELETE /users/authenticate"
        {
            continue;
        }
        let answer = entry
            .call(&world, &furnished)
            .header("x-fh-auth-user", &furnished.user_key)
            .token(&furnished.user_key)
            .send()
            .await;
        assert!(
            answer.status == entry.ok || entry.path.contains("/ide/"),
            "{entry} with a key: {}",
            answer.text
        );
        seen.entry(function)
            .or_default()
            .extend(world.counting.take().actions);
        world.restore(&before).await;
    }
    let failed = json!({"u": "admin", "p": "wrong", "d": furnished.tenant.domain});
    assert_eq!(
        world
            .call("POST", "/box/srv/1.1/act/sys/auth/login")
            .json(failed)
            .send()
            .await
            .status,
        401
    );
    seen.entry("rhmap-sign-in")
        .or_default()
        .extend(world.counting.take().actions);
    let failed = json!({
        "policyId": "FeedHenry",
        "clientToken": furnished.tenant.store,
        "device": "X",
        "params": {"userId": "admin", "password": "wrong"},
    });
    assert_eq!(
        world
            .call("POST", "/box/srv/1.1/admin/authpolicy/auth")
            .json(failed)
            .send()
            .await
            .json["status"],
        "error"
    );
    seen.entry("rhmap-app-sign-in")
        .or_default()
        .extend(world.counting.take().actions);
    let failed =
        json!({"user_id": "admin", "password": "wrong", "organization": furnished.tenant.domain});
    assert_eq!(
        world
            .call("POST", "/users/authenticate")
            .json(failed)
            .send()
            .await
            .status,
        401
    );
    seen.entry("apperian-sign-in")
        .or_default()
        .extend(world.counting.take().actions);
    let keys = format!("/box/srv/1.1/ide/{}/api", furnished.tenant.domain);
    world
        .post(
            &furnished.tenant.cookie,
            &format!("{keys}/create"),
            json!({"type": "user"}),
        )
        .await;
    seen.entry("rhmap-api-keys")
        .or_default()
        .extend(world.counting.take().actions);
    let detail = json!({
        "domain": furnished.tenant.domain, "appGuid": furnished.shelved, "env": "dev",
        "eventType": "CRASHED", "message": "It is gone",
    });
    let told = json!({
        "id": "1",
        "source": "com.example.ops",
        "detail-type": event_received::DETAIL_TYPE,
        "detail": detail,
    });
    assert_eq!(
        event_received::handle(world.context.clone(), told)
            .await
            .expect("it is taken")
            .written,
        1
    );
    seen.entry("event-received")
        .or_default()
        .extend(world.counting.take().actions);
    drop(world);
    let (received, worked, kept) = unattended().await;
    seen.entry("upload-received").or_default().extend(received);
    seen.entry("package-work").or_default().extend(worked);
    seen.entry("housekeeping").or_default().extend(kept);
    seen.entry("alert-evaluation")
        .or_default()
        .extend(evaluated().await);

    let mut wrong = Vec::new();
    for of in appdepot_template::permissions() {
        let (may, does): (BTreeSet<&str>, &BTreeSet<&str>) =
            (of.dynamodb.iter().copied().collect(), &seen[of.function]);
        let explained = |action: &&&str| {
            UNSEEN
                .iter()
                .any(|(function, unseen, _)| *function == of.function && unseen == *action)
        };
        wrong.extend(does.difference(&may).map(|action| {
            format!(
                "{} needs {action}, which the template does not allow",
                of.function
            )
        }));
        wrong.extend(
            may.difference(does)
                .filter(|action| !explained(action))
                .map(|action| format!("{} may {action}, which nothing needs", of.function)),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

type Actions = BTreeSet<&'static str>;

/// Uploads a file that nobody reads yet.
async fn put(world: &World, tenant: &TestTenant, guid: &Value, kind: &str, file: Vec<u8>) {
    let body = json!({"guid": guid, "type": kind, "size": file.len()});
    let prepared = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/prepareupload",
            body,
        )
        .await;
    let headers: Vec<(&str, &str)> = prepared["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
        .collect();
    let sent = client::send(
        "PUT",
        prepared["url"].as_str().expect("an address"),
        &headers,
        file,
    )
    .await
    .expect("the file is sent");
    assert_eq!(sent.status, 200);
}

/// The actions of the functions that no request calls: seven versions of one binary, one refusal,
/// policies and a signature for the newest version, and their clearing.
async fn unattended() -> (Actions, Actions, Actions) {
    let (world, tenant) = World::with_deliveries(0).await;
    let admin = "/box/srv/1.1/admin";
    let made = world
        .post(
            &tenant.cookie,
            &format!("{admin}/storeitem/create"),
            json!({"name": "Read"}),
        )
        .await;
    world.counting.take();
    let (mut received, mut worked, mut kept) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let files = (1..=7).map(apk).chain([b"not a package".to_vec()]);
    let icon = ("icon", package_reader::testing::png(64, 64));
    let mut uploads = Vec::new();
    for (kind, file) in files.map(|file| ("android", file)).chain([icon]) {
        if kind == "icon" {
            // The form waits for a verdict that nobody gives here; the event is what counts.
            let form = world.upload(
                &tenant.cookie,
                made["guid"].as_str().expect("a guid"),
                kind,
                &file,
            );
            let _ = tokio::time::timeout(std::time::Duration::from_millis(300), form).await;
        } else {
            put(&world, &tenant, &made["guid"], kind, file).await;
        }
        uploads.extend(world.store.objects_under(keys::INCOMING));
        let created = uploads.last().expect("an object").clone();
        world.counting.take();
        for _ in 0..2 {
            upload_received::handle(world.context.clone(), uploads::event(&created))
                .await
                .expect("it is read");
        }
        received.extend(world.counting.take().actions);
    }
    let token = world.token(&tenant, &tenant.admin).await;
    let app = format!("/applications/{}", made["guid"].as_str().expect("a guid"));
    let apply = || {
        world
            .call("POST", &format!("{app}/policies"))
            .token(&token)
            .json(json!({"configurations": [{"policy_id": "com.apperian.app-usage"}]}))
    };
    assert_eq!(apply().send().await.status, 202);
    worked.extend(work_off(&world).await);
    let data = json!({"description": "x", "platform": 2, "password": "secret"}).to_string();
    let key = key_file("rsa.p12");
    let added = world
        .call("POST", "/credentials")
        .token(&token)
        .form("key.p12", &key, &[("data", &data)])
        .send()
        .await;
    let credential = added.json["credential"]["psk"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(
        world
            .call("PUT", &format!("{app}/credentials/{credential}"))
            .token(&token)
            .send()
            .await
            .status,
        200
    );
    worked.extend(work_off(&world).await);
    // And one that nobody does.
    assert_eq!(apply().send().await.status, 202);
    // Housekeeping tells of a profile that ends soon.
    let soon =
        u64::try_from(world.clock.now().plus_seconds(5 * 24 * 3600).seconds()).expect("after 1970");
    let ipa = Ipa {
        profile: Some((ProfileKind::Enterprise, 0, soon)),
        ..Ipa::default()
    }
    .build();
    let before = world.store.objects_under(keys::INCOMING);
    put(&world, &tenant, &made["guid"], "ios", ipa).await;
    let created = world
        .store
        .objects_under(keys::INCOMING)
        .into_iter()
        .find(|object| !before.iter().any(|known| known.key == object.key));
    upload_received::handle(
        world.context.clone(),
        uploads::event(&created.expect("an object")),
    )
    .await
    .expect("it is read");
    world.counting.take();
    let done = housekeeping::handle(world.context.clone(), json!({}))
        .await
        .expect("housekeeping");
    assert_eq!(done.warnings, 1);
    kept.extend(world.counting.take().actions);
    let body = json!({"guid": made["guid"], "type": "android", "size": 10});
    world
        .post(
            &tenant.cookie,
            &format!("{admin}/storeitem/prepareupload"),
            body,
        )
        .await;
    world
        .post(
            &tenant.cookie,
            &format!("{admin}/storeitem/delete"),
            json!({"guid": made["guid"]}),
        )
        .await;
    world.counting.take();
    for _ in 0..2 {
        world.clock.advance_seconds(25 * 3600);
        housekeeping::handle(world.context.clone(), json!({}))
            .await
            .expect("housekeeping");
        kept.extend(world.counting.take().actions);
    }
    assert!(
        world.store.objects_under("binaries/").is_empty(),
        "a deleted app leaves nothing behind"
    );
    (received, worked, kept)
}

/// The actions of the evaluation of alerts: two events are heard, and the answer to their being
/// taken is lost.
async fn evaluated() -> Actions {
    let (world, tenant) = World::new().await;
    let now = world.clock.now();
    let app = AppId::new(now);
    let alert = Alert {
        guid: Guid::random(),
        name: "Anything".to_owned(),
        app: None,
        env: "dev".parse().expect("an environment"),
        emails: vec!["ops@example.com".to_owned()],
        enabled: true,
        categories: Vec::new(),
        severities: Severity::ALL.to_vec(),
        names: Vec::new(),
        created: now,
        modified: now,
    };
    let mut writes = vec![
        record::create(keys::alert(tenant.tenant_id, None, &alert.guid), &alert).expect("an alert"),
    ];
    for message in ["one", "two"] {
        let event = Event::named(app, "App", "CRASHED", "System", message.to_owned(), now);
        writes.extend(event::record_writes(tenant.tenant_id, vec![event]).expect("an event"));
    }
    world
        .plain
        .table
        .write(writes)
        .await
        .expect("they are told");
    world.counting.take();
    // Behind the queries of shards and the alerts of an app and of all.
    world
        .failing
        .fail(2 * usize::from(keys::SHARDS) + 2, Fault::NotAcknowledged);
    let done = world.evaluate().await.expect("it is found out");
    assert!(world.failing.heal());
    assert_eq!((done.notifications, done.mails), (1, 1));
    world.counting.take().actions
}

/// Does the jobs that there are, and gives the worker's actions.
async fn work_off(world: &World) -> Actions {
    let jobs = work::left(&*world.plain.table)
        .await
        .expect("the chores are read");
    world.counting.take();
    let mut done = 0;
    for job in jobs {
        done += package_work::handle(world.context.clone(), work::event(&job))
            .await
            .expect("it is done")
            .done;
    }
    assert_eq!(done, 1);
    world.counting.take().actions
}

#[test]
fn the_table_of_operations_is_written() {
    let mut table = "# Operations\n\
         \n\
         Every route, written by a test from the route table. The permission is what the caller \
         needs. The\n\
         section is that of the vendor's document ([sources.md](sources.md)), or begins with \
         `own` for what\n\
         no document describes.\n\
         \n\
         | Function | Operation | Method | Path | Permission | Section |\n\
         |---|---|---|---|---|---|\n\
         "
    .to_owned();
    let told = |right: Right| {
        let (path, access) = right.permission_path();
        format!(
            "{access} `{}`",
            path.rsplit_once("admin/").map_or(path, |(_, short)| short)
        )
    };
    for row in rows() {
        let permission = match row.permission {
            Permission::Open => "anybody".to_owned(),
            Permission::Member => "a member".to_owned(),
            Permission::StoreUser => "a member or an app's user".to_owned(),
            Permission::Signed => "a message that is signed with the tenant's key".to_owned(),
            Permission::Scope(scope) => format!("a token with `{}`", scope.as_str()),
            Permission::AppOr(right) => format!("an app's API key, or {}", told(right)),
            Permission::Holds(right) => told(right),
        };
        writeln!(
            table,
            "| {} | {} | {} | `{}` | {permission} | {} |",
            row.function, row.operation, row.method, row.path, row.section
        )
        .expect("a text");
    }
    golden("docs/operations-table.md", &table);
}

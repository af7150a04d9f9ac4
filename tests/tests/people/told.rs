//! What happens to an app is told, whichever route and dialect made it happen: in the transaction
//! that makes it true.

use std::collections::{BTreeMap, BTreeSet};

use appdepot_tests::consistency::{Snapshot, of_tenant};
use appdepot_tests::requests::{Carries, Furnished, apk, entries};
use appdepot_tests::{Part, TestTenant, World};
use package_reader::testing;
use serde_json::{Value, json};
use shared::base::id::{AppId, BinaryType};
use shared::base::rights::{Permission, Right, Scope};
use shared::model::apps::app::App;
use shared::model::events::event::{Event, NAMES, Pending};
use shared::store::record::Record;

const API: &str = "/box/srv/1.1";

fn bodies<R: Record>(snapshot: &Snapshot) -> BTreeMap<String, R> {
    let of_kind = snapshot
        .iter()
        .filter(|(_, item)| item["kind"]["S"] == R::KIND);
    of_kind
        .map(|((pk, sk), item)| {
            (
                format!("{pk}/{sk}"),
                serde_json::from_str(item["d"]["S"].as_str().unwrap_or("{}")).unwrap(),
            )
        })
        .collect()
}

/// The apps whose app records came, changed or went.
fn changed_apps(before: &Snapshot, after: &Snapshot) -> BTreeSet<AppId> {
    let (before, after) = (bodies::<App>(before), bodies::<App>(after));
    let text = |app: Option<&App>| {
        let mut app = json!(app?);
        // A change that changes nothing is noted and not told.
        app["modified"] = Value::Null;
        Some(app)
    };
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = all
        .into_iter()
        .filter(|key| text(before.get(*key)) != text(after.get(*key)));
    changed
        .map(|key| {
            before
                .get(key)
                .or_else(|| after.get(key))
                .unwrap()
                .id
                .item()
        })
        .collect()
}

/// What was told between two looks: each event, which waits to be held against the alerts too.
fn told(before: &Snapshot, after: &Snapshot) -> Vec<Event> {
    let known = bodies::<Event>(before);
    let new: Vec<Event> = bodies::<Event>(after)
        .into_iter()
        .filter(|(key, _)| !known.contains_key(key))
        .map(|(_, event)| event)
        .collect();
    let waiting: BTreeSet<String> = bodies::<Pending>(after)
        .into_values()
        .flat_map(|pending| pending.events)
        .map(|event| event.guid.to_string())
        .collect();
    for event in &new {
        assert!(
            waiting.contains(event.guid.as_str()),
            "nobody will hear of {event:?}"
        );
        assert!(
            NAMES
                .iter()
                .any(|name| name.name == event.name && name.refines.is_none()),
            "{event:?}"
        );
        assert!(
            !event.message.is_empty() && !event.by.is_empty() && !event.app_name.is_empty(),
            "{event:?}"
        );
    }
    new
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_changes_an_app_tells_of_it() {
    let (world, tenant) = World::new().await;
    let mut furnished = Furnished::of(&world, tenant.clone()).await;
    furnished.new_parts(&world).await;
    world.quiet().await;
    let start = world.snapshot().await;
    let changes = |permission| match permission {
        Permission::Holds(right) => matches!(
            right,
            Right::WriteStore | Right::WriteStoreItems | Right::WriteGroups
        ),
        Permission::Scope(scope) => matches!(scope, Scope::Create | Scope::Update | Scope::Publish),
        _ => false,
    };
    let mut silent = Vec::new();
    let mut telling = BTreeSet::new();
    for entry in entries()
        .into_iter()
        .filter(|entry| changes(entry.row().permission) && entry.method != "GET")
    {
        let answer = entry.send(&world, &furnished).await;
        world.quiet().await;
        let after = world.snapshot().await;
        let (before, after) = (
            of_tenant(&start, tenant.tenant_id),
            of_tenant(&after, tenant.tenant_id),
        );
        let events: BTreeSet<AppId> = told(&before, &after)
            .iter()
            .map(|event| event.app)
            .collect();
        let changed = changed_apps(&before, &after);
        if !changed.is_subset(&events) {
            silent.push(format!("{entry} ({})", answer.status));
        }
        if !changed.is_empty() {
            telling.insert(entry.to_string());
        }
        world.restore(&start).await;
    }
    assert!(silent.is_empty(), "{silent:#?}");
    assert!(telling.len() >= 30, "{telling:#?}");
}

async fn names(world: &World, tenant: &TestTenant, app: &str, before: &Snapshot) -> Vec<String> {
    world.quiet().await;
    let id: AppId = app.parse().unwrap();
    let after = of_tenant(&world.snapshot().await, tenant.tenant_id);
    let mut events = told(before, &after);
    events.retain(|event| event.app == id);
    events.sort_by(|one, other| (one.at, &one.name).cmp(&(other.at, &other.name)));
    events
        .into_iter()
        .map(|event| event.finer.unwrap_or(event.name))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_happening_has_its_name() {
    let (world, tenant) = World::new().await;
    let cookie = tenant.cookie.as_str();
    let item = world
        .post(
            cookie,
            &format!("{API}/admin/storeitem/create"),
            json!({"name": "One"}),
        )
        .await;
    let app = item["guid"].as_str().unwrap();
    let nothing = Snapshot::new();
    assert_eq!(names(&world, &tenant, app, &nothing).await, ["CREATED"]);
    let group = world
        .post(
            cookie,
            &format!("{API}/admin/storeitemgroup/create"),
            json!({"name": "Ward"}),
        )
        .await;
    let group = group["guid"].as_str().unwrap();
    let key = |what: &str| format!("{API}/ide/{}/api/{what}", tenant.domain);
    let post = async |path: String, body: Value| {
        let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
        world.post(cookie, &path, body).await;
        names(&world, &tenant, app, &before).await
    };
    let of_item = |operation: &str| format!("{API}/admin/storeitem/{operation}");
    assert_eq!(
        post(of_item("update"), json!({"guid": app, "name": "Two"})).await,
        ["CHANGE_SUCCESSFUL"]
    );
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    assert_eq!(
        world.upload(cookie, app, "android", &apk(1)).await.status,
        200
    );
    assert_eq!(names(&world, &tenant, app, &before).await, ["DEPLOYED"]);
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    assert_eq!(
        world
            .upload(cookie, app, "android", b"no package")
            .await
            .status,
        400
    );
    assert_eq!(
        names(&world, &tenant, app, &before).await,
        ["UPLOAD_REFUSED"]
    );
    assert_eq!(
        post(
            format!("{API}/admin/appstore/additem"),
            json!({"guid": app})
        )
        .await,
        ["PUBLISHED"]
    );
    assert!(
        post(
            format!("{API}/admin/appstore/additem"),
            json!({"guid": app})
        )
        .await
        .is_empty(),
        "it was there"
    );
    assert!(
        post(of_item("update"), json!({"guid": app, "name": "Two"}))
            .await
            .is_empty(),
        "it was called so"
    );
    assert_eq!(
        post(
            of_item("addgroups"),
            json!({"guid": app, "groups": [group]})
        )
        .await,
        ["CHANGE_SUCCESSFUL"]
    );
    assert_eq!(
        post(
            format!("{API}/admin/storeitemgroup/removestoreitems"),
            json!({"guid": group, "storeitems": [app]})
        )
        .await,
        ["CHANGE_SUCCESSFUL"]
    );
    assert_eq!(
        post(
            format!("{API}/admin/appstore/removeitem"),
            json!({"guid": app})
        )
        .await,
        ["UNPUBLISHED"]
    );
    assert_eq!(
        post(
            key("create"),
            json!({"type": "app", "appId": app, "label": "host"})
        )
        .await,
        ["KEY_CREATED"]
    );
    // A key that takes another one's place ends that one.
    let mut both = post(
        key("create"),
        json!({"type": "app", "appId": app, "label": "second"}),
    )
    .await;
    both.sort();
    assert_eq!(both, ["KEY_CREATED", "KEY_REVOKED"]);
    let keys = world
        .post(cookie, &key("list"), json!({"type": "app", "appId": app}))
        .await;
    let text = keys["list"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["revoked"].is_null())
        .unwrap()["key"]
        .as_str()
        .unwrap();
    assert_eq!(
        post(key("revoke"), json!({"key": text})).await,
        ["KEY_REVOKED"]
    );
    assert!(
        post(key("revoke"), json!({"key": text})).await.is_empty(),
        "it was revoked before"
    );
    let binary = app.parse::<AppId>().unwrap().binary(BinaryType::Android);
    let token = world.token(&tenant, &tenant.admin).await;
    // A CI job's package is refused as a file, before it is a version of the app.
    let path = format!("/v2/applications/{}", binary.base64url());
    let other = testing::Apk {
        package: "com.example.other".to_owned(),
        ..testing::Apk::default()
    }
    .build();
    for file in [&b"no package"[..], &other] {
        let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
        let part = Part {
            name: "app_file",
            file_name: Some("app.apk"),
            content: file,
        };
        let answer = world
            .call("POST", &path)
            .token(&token)
            .parts([part])
            .send()
            .await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(
            names(&world, &tenant, app, &before).await,
            ["UPLOAD_REFUSED"]
        );
    }
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    let body = json!({"configurations": [{"policy_id": "com.apperian.app-usage"}]});
    let answer = world
        .call(
            "POST",
            &format!("/v2/applications/{}/policies", binary.base64url()),
        )
        .token(&token)
        .json(body)
        .send()
        .await;
    assert!(answer.status < 300, "{}", answer.text);
    assert_eq!(
        names(&world, &tenant, app, &before).await,
        ["CHANGE_REQUESTED", "POLICY_APPLIED"]
    );
    assert_eq!(
        post(of_item("delete"), json!({"guid": app})).await,
        ["DELETED"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_told() {
    let (world, tenant) = World::new().await;
    let furnished = Furnished::of(&world, tenant.clone()).await;
    world.quiet().await;
    let before = of_tenant(&world.snapshot().await, tenant.tenant_id);
    for entry in entries()
        .into_iter()
        .filter(|entry| entry.method != "GET" && entry.closed())
    {
        if matches!((entry.carries)(&furnished), Carries::Form(..)) {
            continue;
        }
        let answer = entry.call(&world, &furnished).send().await;
        assert!(answer.status >= 400, "{entry}: {}", answer.text);
    }
    world.quiet().await;
    let after = of_tenant(&world.snapshot().await, tenant.tenant_id);
    assert!(told(&before, &after).is_empty());
}

//! What a storm of events costs: how many are taken, and how much of them one answer reads and
//! says.

use std::collections::BTreeSet;

use appdepot_tests::{Answer, TestTenant, World, all};
use serde_json::{Value, json};
use shared::base::clock::{Clock as _, Timestamp};
use shared::base::id::AppId;
use shared::base::kind::AppKind;
use shared::base::limits::MAX_ANSWER;
use shared::domain::events::reported_event::MAX_MINUTE;
use shared::model::events::event::{Event, EventGroup, RETENTION_SECONDS};
use shared::store::{Condition, Write, keys, record};

const API: &str = "/box/srv/1.1/app/eventlog";

async fn report(world: &World, tenant: &TestTenant, app: AppId, id: &str) -> Answer {
    let body = json!({
        "appGuid": app.guid(), "env": "live", "eventType": "CRASHED", "message": "It is down",
        "id": id,
    });
    world
        .call("POST", &format!("{API}/create"))
        .cookie(&tenant.cookie)
        .json(body)
        .send()
        .await
}

async fn list(world: &World, tenant: &TestTenant, app: AppId, more: Value) -> Answer {
    let mut body = json!({"appGuid": app.guid(), "env": "live"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    world
        .call("POST", &format!("{API}/listEvents"))
        .cookie(&tenant.cookie)
        .json(body)
        .send()
        .await
}

/// Writes events of an app into both partitions, one a second back from `newest`. The last of them
/// is one of the group AUDIT.
async fn fill(
    world: &World,
    tenant: &TestTenant,
    app: AppId,
    newest: Timestamp,
    number: u32,
    bytes: usize,
) {
    let mut writes = Vec::new();
    for n in 0..number {
        let at = newest.plus_seconds(-i64::from(n));
        let mut event = Event::named(app, "Storm", "CRASHED", "", format!("Event {n}"), at)
            .with("text", "x".repeat(bytes));
        event.env = (n % 3 == 0).then(|| "live".parse().unwrap());
        event.group = if n + 1 == number {
            EventGroup::Audit
        } else {
            EventGroup::Notification
        };
        let key = keys::event(tenant.tenant_id, app, event.env.as_ref(), at, &event.guid);
        writes.push(record::put(key, &event, Condition::Always).unwrap());
    }
    for some in writes.chunks(50) {
        world.plain.table.write(some.to_vec()).await.unwrap();
    }
}

/// Lists page by page: the messages in order, and how many pages there were.
async fn walk(
    world: &World,
    tenant: &TestTenant,
    app: AppId,
    asked: Value,
) -> (Vec<String>, usize) {
    let (mut messages, mut pages, mut cursor) = (Vec::new(), 0, Value::Null);
    loop {
        let mut asked = asked.clone();
        asked["cursor"] = cursor;
        let page = list(world, tenant, app, asked).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.len() <= MAX_ANSWER);
        pages += 1;
        let events = page.json["list"].as_array().unwrap();
        assert_eq!(page.json["count"], events.len());
        messages.extend(
            events
                .iter()
                .map(|event| event["fields"]["message"].as_str().unwrap().to_owned()),
        );
        cursor = page.json["cursor"].clone();
        if cursor.is_null() {
            return (messages, pages);
        }
    }
}

async fn stored(world: &World, tenant: &TestTenant, app: AppId) -> usize {
    let answer = list(world, tenant, app, json!({"eventGroup": "NOTIFICATION"})).await;
    answer.json["list"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["fields"]["eventType"] == "CRASHED")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_events_of_an_app_than_the_limit_are_not_taken_in_a_minute() {
    let (world, tenant) = World::new().await;
    let app = world.make_app(&tenant, AppKind::Mobile, "Storm").await;
    let other = world.make_app(&tenant, AppKind::Mobile, "Quiet").await;
    // A minute begins, and only three more are free in it.
    world
        .clock
        .advance_seconds(60 - world.clock.now().seconds().rem_euclid(60));
    let minute = world.clock.now().seconds().div_euclid(60);
    let key = keys::tries(
        tenant.tenant_id,
        &format!("reports#{}", app.sort_key()),
        minute,
    );
    let free = Write::Tally {
        key,
        kind: "tries",
        by: MAX_MINUTE - 3,
        expires: (minute + 2) * 60,
        condition: Condition::Always,
    };
    world.plain.table.write(vec![free]).await.unwrap();

    let ids: Vec<String> = (0..12).map(|n| format!("report {n}")).collect();
    let answers = all(ids.iter().map(|id| report(&world, &tenant, app, id))).await;
    let taken: Vec<&String> = ids
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.status == 200)
        .map(|(id, _)| id)
        .collect();
    assert_eq!(taken.len(), 3);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.status, 429, "{}", refused.text);
    }
    assert_eq!(stored(&world, &tenant, app).await, 3);

    // What was taken is answered as before, and another app has its own minute.
    let again = report(&world, &tenant, app, taken[0]).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(report(&world, &tenant, other, "report").await.status, 200);

    // The bus delivers later what it could not deliver now: it is neither lost nor refused for
    // good.
    let detail = json!({
        "domain": tenant.domain, "appGuid": app.guid(), "env": "live", "eventType": "CRASHED",
        "message": "It is down",
    });
    let event = json!({
        "id": "8f9f2c9e-0000-4000-8000-000000000001",
        "source": "host",
        "detail-type": "Appdepot App Event",
        "detail": detail,
    });
    assert!(
        event_received::handle(world.plain.clone(), event.clone())
            .await
            .is_err()
    );
    assert_eq!(stored(&world, &tenant, app).await, 3);
    world.clock.advance_seconds(60);
    assert_eq!(
        event_received::handle(world.plain.clone(), event)
            .await
            .unwrap()
            .written,
        1
    );
    let refused = ids.iter().find(|id| !taken.contains(id)).unwrap();
    assert_eq!(report(&world, &tenant, app, refused).await.status, 200);
    assert_eq!(stored(&world, &tenant, app).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_long_events_ends_before_the_answer_is_too_large() {
    let (world, tenant) = World::new().await;
    let app = world.make_app(&tenant, AppKind::Mobile, "Storm").await;
    world.delete_app(&tenant, app).await;
    // Before the app's deletion, which is told of too.
    fill(
        &world,
        &tenant,
        app,
        world.clock.now().plus_seconds(-60),
        700,
        14_000,
    )
    .await;

    let whole = list(&world, &tenant, app, json!({})).await;
    assert_eq!(whole.status, 413, "{}", whole.text);
    assert!(
        whole.text.contains("limit") && whole.text.contains("cursor"),
        "{}",
        whole.text
    );
    let (messages, pages) = walk(&world, &tenant, app, json!({"limit": 1_000})).await;
    assert!(pages > 2);
    let storm: Vec<&String> = messages
        .iter()
        .filter(|message| message.starts_with("Event "))
        .collect();
    assert_eq!(
        storm,
        (0..700)
            .map(|n| format!("Event {n}"))
            .collect::<Vec<_>>()
            .iter()
            .collect::<Vec<_>>(),
        "newest first, each once"
    );
    assert_eq!(
        messages.iter().collect::<BTreeSet<_>>().len(),
        messages.len()
    );

    // One event of a group among all of them: nobody reads them all in one request, and it is
    // found.
    let audit = json!({"eventGroup": "AUDIT"});
    let whole = list(&world, &tenant, app, audit).await;
    assert_eq!(whole.status, 413, "{}", whole.text);
    let first = list(
        &world,
        &tenant,
        app,
        json!({"eventGroup": "AUDIT", "limit": 1}),
    )
    .await;
    assert_eq!(
        (first.status, &first.json["list"]),
        (200, &json!([])),
        "{}",
        first.text
    );
    let (messages, pages) = walk(
        &world,
        &tenant,
        app,
        json!({"eventGroup": "AUDIT", "limit": 1}),
    )
    .await;
    assert_eq!(messages, ["Event 699"]);
    assert!(pages > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_whose_time_is_over_are_not_read_one_by_one() {
    let (world, tenant) = World::new().await;
    let app = world.make_app(&tenant, AppKind::Mobile, "Old").await;
    let now = world.clock.now();
    fill(
        &world,
        &tenant,
        app,
        now.plus_seconds(-RETENTION_SECONDS - 10),
        300,
        10,
    )
    .await;
    world.counting.take();
    let (messages, pages) = walk(&world, &tenant, app, json!({"limit": 1})).await;
    let calls = world.counting.take().calls;
    assert!(
        !messages.is_empty()
            && messages
                .iter()
                .all(|message| !message.starts_with("Event ")),
        "{messages:?}"
    );
    assert!(calls <= 8 * pages, "{calls} calls for {pages} pages");
}

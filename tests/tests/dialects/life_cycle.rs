//! The life cycle of apps: who may take which step, what is left of it, and many at once.

use std::collections::BTreeSet;

use appdepot_tests::catalogue::APPS;
use appdepot_tests::{Answer, TestTenant, World, all};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use shared::base::id::{AppId, Guid};
use shared::base::kind::AppKind;
use shared::base::rights::Role;

const STORE: &str = "/box/srv/1.1/admin/appstore";

const PUBLISH: &str = "appm:read appm:publish";

/// The steps that there are, written down from the product's own tables: from, action, to, and
/// whether mobile apps have it.
const STEPS: [(&str, &str, &str, bool); 12] = [
    ("Created", "Submit for Review", "In-Review", true),
    ("In-Review", "Approve", "Approved", true),
    ("In-Review", "Reject", "Rejected", true),
    ("Approved", "Publish", "Published", true),
    ("Approved", "Revert", "In-Review", false),
    ("Rejected", "Submit for Review", "In-Review", true),
    ("Published", "Unpublish", "Unpublished", true),
    ("Published", "Deprecate", "Deprecated", true),
    ("Unpublished", "Re-Publish", "Published", true),
    ("Unpublished", "Retire", "Retired", true),
    ("Unpublished", "Recycle", "Created", false),
    ("Deprecated", "Retire", "Retired", true),
];

const ACTIONS: [&str; 10] = [
    "Submit for Review",
    "Approve",
    "Reject",
    "Publish",
    "Revert",
    "Unpublish",
    "Deprecate",
    "Re-Publish",
    "Retire",
    "Recycle",
];

/// Creators make apps and submit them; the rest is for those who answer for the store.
fn is_creators(action: &str) -> bool {
    matches!(action, "Submit for Review" | "Recycle")
}

/// Somebody who takes steps.
struct Person {
    guid: Guid,
    name: String,
    cookie: String,
    token: String,
    creates: bool,
    publishes: bool,
}

impl Person {
    fn may(&self, action: &str) -> bool {
        if is_creators(action) {
            self.creates
        } else {
            self.publishes
        }
    }
}

/// What the model holds of an app.
struct Model {
    id: AppId,
    mobile: bool,
    list: &'static str,
    state: &'static str,
    /// From, action, to, who, why.
    history: Vec<(
        &'static str,
        &'static str,
        &'static str,
        String,
        Option<String>,
    )>,
}

impl Model {
    fn target(&self, action: &str) -> Option<&'static str> {
        STEPS
            .iter()
            .find(|(from, by, _, mobile)| {
                *from == self.state && *by == action && (*mobile || !self.mobile)
            })
            .map(|(_, _, to, _)| *to)
    }

    fn allowed(&self) -> BTreeSet<&'static str> {
        STEPS
            .iter()
            .filter(|(from, _, _, mobile)| *from == self.state && (*mobile || !self.mobile))
            .map(|(_, by, ..)| *by)
            .collect()
    }

    fn take(&mut self, action: &'static str, by: &str, reason: Option<String>) {
        let to = self.target(action).expect("an allowed step");
        self.history
            .push((self.state, action, to, by.to_owned(), reason));
        self.state = to;
    }

    /// The steps by which the other dialect puts it into the store; nothing where it cannot come
    /// there any more.
    fn way(&self) -> Option<Vec<&'static str>> {
        match self.state {
            "Created" | "Rejected" => Some(vec!["Submit for Review", "Approve", "Publish"]),
            "In-Review" => Some(vec!["Approve", "Publish"]),
            "Approved" => Some(vec!["Publish"]),
            "Published" => Some(Vec::new()),
            "Unpublished" => Some(vec!["Re-Publish"]),
            "Deprecated" | "Retired" => None,
            other => panic!("{other}"),
        }
    }
}

async fn person(
    world: &World,
    tenant: &TestTenant,
    name: &str,
    roles: Vec<Role>,
    creates: bool,
    publishes: bool,
) -> Person {
    let (guid, cookie) = world.user(tenant, name, roles).await;
    Person {
        name: name.to_owned(),
        cookie,
        token: world.bearer(tenant, &guid, PUBLISH).await,
        guid,
        creates,
        publishes,
    }
}

/// Those who work on apps: a creator, somebody of a team who answers for the store and makes no
/// apps, and one who may both.
async fn people(world: &World, tenant: &TestTenant) -> Vec<Person> {
    let creator = person(
        world,
        tenant,
        "creator@dev.example",
        vec![Role::DevAdmin],
        true,
        false,
    )
    .await;
    let publisher = person(
        world,
        tenant,
        "publisher@dev.example",
        vec![Role::Dev],
        false,
        true,
    )
    .await;
    let both = person(
        world,
        tenant,
        "both@dev.example",
        vec![Role::PortalAdmin],
        true,
        true,
    )
    .await;
    let store = "cluster/reseller/customer/domain/admin/app-store";
    let items = format!("{store}/store-item");
    let team = json!({
        "name": "Publishers",
        "code": "",
        "desc": "",
        "perms": {store: "write", items: "read"},
        "business-objects": {"cluster": ["*"]},
        "users": [publisher.guid],
    });
    world
        .post(&tenant.cookie, "/api/v2/admin/teams", team)
        .await;
    vec![creator, publisher, both]
}

async fn change(
    world: &World,
    token: &str,
    model: &Model,
    action: &str,
    reason: Option<&str>,
) -> Answer {
    let path = format!(
        "{APPS}/{}/change-lifecycle?appId={}&action={}",
        model.list,
        model.id.uuid(),
        action.replace(' ', "%20")
    );
    let call = world.call("POST", &path).bearer(token);
    match reason {
        Some(reason) => call.json(json!({"reason": reason})).send().await,
        None => call.send().await,
    }
}

fn texts(value: &Value) -> BTreeSet<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// What both dialects show of an app is what the model says.
async fn agrees(world: &World, tenant: &TestTenant, token: &str, model: &Model, context: &str) {
    let read = world
        .call(
            "GET",
            &format!("{APPS}/{}/id/{}/lifecycle", model.list, model.id.uuid()),
        )
        .bearer(token)
        .send()
        .await;
    assert_eq!(read.json["state"], model.state.to_uppercase(), "{context}");
    assert_eq!(texts(&read.json["actions"]), model.allowed(), "{context}");
    let history = world
        .call(
            "GET",
            &format!(
                "{APPS}/{}/id/{}/lifecycle-history",
                model.list,
                model.id.uuid()
            ),
        )
        .bearer(token)
        .send()
        .await;
    let entries = history.json["lifeCycleHistoryList"]
        .as_array()
        .unwrap_or_else(|| panic!("{context}: {}", history.text))
        .clone();
    let text = |entry: &Value, name: &str| {
        entry[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} in {entry}"))
            .to_owned()
    };
    let shown: Vec<_> = entries
        .iter()
        .rev()
        .map(|entry| {
            let reason = entry
                .get("reason")
                .map(|reason| reason.as_str().unwrap().to_owned());
            (
                text(entry, "state"),
                text(entry, "action"),
                text(entry, "targetState"),
                text(entry, "user"),
                reason,
            )
        })
        .collect();
    let expected: Vec<_> = model
        .history
        .iter()
        .map(|(from, by, to, who, why)| {
            (
                (*from).to_owned(),
                (*by).to_owned(),
                (*to).to_owned(),
                who.clone(),
                why.clone(),
            )
        })
        .collect();
    assert_eq!(shown, expected, "{context}");
    let orders: Vec<u64> = entries
        .iter()
        .map(|entry| entry["order"].as_u64().unwrap())
        .collect();
    assert_eq!(
        orders,
        (1..=entries.len() as u64).rev().collect::<Vec<_>>(),
        "{context}"
    );
    let shelf = world
        .post(
            &tenant.cookie,
            &format!("{STORE}/liststoreitems"),
            json!({}),
        )
        .await;
    let on_shelf = shelf["list"]
        .as_array()
        .unwrap()
        .iter()
        .any(|item| item["guid"] == model.id.guid());
    assert_eq!(on_shelf, model.state == "Published", "{context}: {shelf}");
}

#[tokio::test(flavor = "multi_thread")]
async fn random_walks_agree_with_the_table() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let (world, tenant) = World::new().await;
    let people = people(&world, &tenant).await;
    let admin = format!("admin@{}.example", tenant.domain);
    let kinds = [
        (AppKind::Mobile, "mobileapp"),
        (AppKind::Web, "webapp"),
        (AppKind::Site, "site"),
    ];
    let mut apps = Vec::new();
    for round in 0..160 {
        // Walks end; others begin.
        apps.retain(|model: &Model| model.state != "Retired" || model.history.len() < 6);
        while apps.len() < 5 {
            let (kind, list) = kinds[rng.random_range(0..3)];
            let id = world
                .make_app(&tenant, kind, &format!("App {round} {}", apps.len()))
                .await;
            let history = vec![("Initial", "Create", "Created", admin.clone(), None)];
            apps.push(Model {
                id,
                mobile: kind == AppKind::Mobile,
                list,
                state: "Created",
                history,
            });
        }
        let at = rng.random_range(0..apps.len());
        let model = &mut apps[at];
        let who = &people[rng.random_range(0..people.len())];
        let context = format!(
            "seed {seed}, round {round}: {} in {}, {}",
            model.list, model.state, who.name
        );
        match rng.random_range(0..10) {
            0 => {
                let answer = world
                    .call("POST", &format!("{STORE}/additem"))
                    .cookie(&who.cookie)
                    .json(json!({"guid": model.id.guid()}))
                    .send()
                    .await;
                let way = model.way();
                let expected = match &way {
                    _ if !who.publishes => 403,
                    None => 409,
                    Some(way) if way.iter().all(|action| who.may(action)) => 200,
                    Some(_) => 403,
                };
                assert_eq!(
                    answer.status, expected,
                    "{context}, additem: {}",
                    answer.text
                );
                if expected == 200 {
                    way.into_iter()
                        .flatten()
                        .for_each(|action| model.take(action, &who.name, None));
                }
            }
            1 => {
                let answer = world
                    .call("POST", &format!("{STORE}/removeitem"))
                    .cookie(&who.cookie)
                    .json(json!({"guid": model.id.guid()}))
                    .send()
                    .await;
                assert_eq!(
                    answer.status,
                    if who.publishes { 200 } else { 403 },
                    "{context}, removeitem: {}",
                    answer.text
                );
                if who.publishes && model.state == "Published" {
                    model.take("Unpublish", &who.name, None);
                }
            }
            choice => {
                // Half of them where it goes on, or most walks would stand still.
                let allowed: Vec<&str> = model.allowed().into_iter().collect();
                let action = if choice < 6 && !allowed.is_empty() {
                    allowed[rng.random_range(0..allowed.len())]
                } else {
                    ACTIONS[rng.random_range(0..10)]
                };
                let reason = rng.random_bool(0.3).then(|| format!("because of {round}"));
                let answer = change(&world, &who.token, model, action, reason.as_deref()).await;
                let expected = if !who.may(action) {
                    403
                } else if model.target(action).is_none() {
                    400
                } else {
                    202
                };
                assert_eq!(
                    answer.status, expected,
                    "{context}, {action}: {}",
                    answer.text
                );
                match expected {
                    202 => {
                        model.take(action, &who.name, reason);
                        assert_eq!(
                            answer.json["message"],
                            format!(
                                "Lifecycle action : {action} has been accepted for processing "
                            )
                        );
                        assert_eq!(
                            answer.json["state"],
                            model.state.to_uppercase(),
                            "{context}"
                        );
                        assert_eq!(texts(&answer.json["actions"]), model.allowed(), "{context}");
                    }
                    400 => {
                        let description = answer.json["description"].as_str().unwrap();
                        assert!(
                            model
                                .allowed()
                                .iter()
                                .all(|action| description.contains(action))
                                && description.contains(model.state),
                            "{context}: {description}"
                        );
                    }
                    _ => {}
                }
            }
        }
        agrees(&world, &tenant, &people[0].token, &apps[at], &context).await;
    }
    for model in &apps {
        agrees(
            &world,
            &tenant,
            &people[0].token,
            model,
            &format!("seed {seed}, at the end"),
        )
        .await;
    }
    world
        .verify(tenant.tenant_id)
        .await
        .unwrap_or_else(|faults| panic!("seed {seed}: {faults}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_publishers_at_once_one_wins() {
    let (world, tenant) = World::new().await;
    let token = world.bearer(&tenant, &tenant.admin, PUBLISH).await;
    let id = world.make_app(&tenant, AppKind::Web, "One").await;
    let send = |action: &'static str| {
        let path = format!(
            "{APPS}/webapp/change-lifecycle?appId={}&action={action}",
            id.uuid()
        );
        world.call("POST", &path).bearer(&token).send()
    };
    assert_eq!(send("Submit").await.status, 202);
    // Half of them approve, half reject.
    let answers = all((0..16).map(|n| send(if n % 2 == 0 { "Approve" } else { "Reject" }))).await;
    let (won, lost): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 202);
    assert_eq!(won.len(), 1);
    let state = won[0].json["state"].as_str().unwrap().to_owned();
    for answer in lost {
        assert!(
            answer.status == 400
                && answer.json["description"]
                    .as_str()
                    .unwrap()
                    .to_uppercase()
                    .contains(&state),
            "{state}: {}",
            answer.text
        );
    }
    let history = world
        .call(
            "GET",
            &format!("{APPS}/webapp/id/{}/lifecycle-history", id.uuid()),
        )
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        history.json["lifeCycleHistoryList"]
            .as_array()
            .unwrap()
            .len(),
        3
    );

    // Under one ETag only one of sixteen different changes is made.
    let id = world.make_app(&tenant, AppKind::Web, "Two").await;
    let path = format!(
        "{APPS}/webapp/change-lifecycle?appId={}&action=Submit",
        id.uuid()
    );
    let first = world.call("POST", &path).bearer(&token).send().await;
    let etag = first.header("etag").to_owned();
    let approve = format!(
        "{APPS}/webapp/change-lifecycle?appId={}&action=Approve",
        id.uuid()
    );
    let answers = all((0..16).map(|_| {
        world
            .call("POST", &approve)
            .bearer(&token)
            .header("if-match", &etag)
            .send()
    }))
    .await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![202], vec![412; 15]].concat());
    let read = world
        .call("GET", &format!("{APPS}/webapp/id/{}", id.uuid()))
        .bearer(&token)
        .send()
        .await;
    let won = answers.iter().find(|answer| answer.status == 202).unwrap();
    assert_eq!(
        (
            read.status,
            read.header("etag"),
            read.header("last-modified")
        ),
        (200, won.header("etag"), won.header("last-modified"))
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_takes_no_step() {
    let (world, tenant) = World::new().await;
    let token = world.bearer(&tenant, &tenant.admin, PUBLISH).await;
    let id = world.make_app(&tenant, AppKind::Mobile, "One").await;
    let path = |action: &str| {
        format!(
            "{APPS}/mobileapp/change-lifecycle?appId={}&action={action}",
            id.uuid()
        )
    };
    let long = "é".repeat(1_001);
    for (answer, status, word) in [
        (
            world
                .call("POST", &path("Launch"))
                .bearer(&token)
                .send()
                .await,
            400,
            "Submit for Review",
        ),
        (
            world.call("POST", &path("")).bearer(&token).send().await,
            400,
            "action",
        ),
        (
            world
                .call(
                    "POST",
                    &format!("{APPS}/mobileapp/change-lifecycle?action=Submit"),
                )
                .bearer(&token)
                .send()
                .await,
            400,
            "appId",
        ),
        (
            world
                .call("POST", &path("Submit"))
                .bearer(&token)
                .json(json!({"reason": long}))
                .send()
                .await,
            400,
            "reason",
        ),
        (
            world
                .call("POST", &path("Submit"))
                .bearer(&token)
                .json(json!({"reason": "a\u{0}b"}))
                .send()
                .await,
            400,
            "reason",
        ),
        (
            world
                .call("POST", &path("Submit"))
                .bearer(&token)
                .json(json!({"reason": ["x"]}))
                .send()
                .await,
            400,
            "reason",
        ),
        (
            world
                .call("POST", &path("Submit"))
                .bearer(&token)
                .raw("text/xml", b"<a/>".to_vec())
                .send()
                .await,
            415,
            "json",
        ),
        (
            world
                .call("POST", &path("Submit").replace("mobileapp", "toaster"))
                .bearer(&token)
                .send()
                .await,
            404,
            "appType",
        ),
        (
            world
                .call("POST", &path("Submit").replace("mobileapp", "webapp"))
                .bearer(&token)
                .send()
                .await,
            404,
            "app",
        ),
    ] {
        assert!(
            answer.status == status && answer.text.contains(word),
            "{status} {word}: {} {}",
            answer.status,
            answer.text
        );
    }
    let read = world
        .call(
            "GET",
            &format!("{APPS}/mobileapp/id/{}/lifecycle", id.uuid()),
        )
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        read.json,
        json!({"state": "CREATED", "actions": ["Submit for Review"], "async": false})
    );

    // The longest reason is kept as it is, and shown as it is.
    let reason = format!("<b>\"{}\"</b>\n", "é".repeat(980));
    let answer = world
        .call("POST", &path("submit%20%20FOR%20review"))
        .bearer(&token)
        .json(json!({"reason": reason}))
        .send()
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let history = world
        .call(
            "GET",
            &format!("{APPS}/mobileapp/id/{}/lifecycle-history", id.uuid()),
        )
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        history.json["lifeCycleHistoryList"][0]["reason"],
        reason.trim()
    );
}

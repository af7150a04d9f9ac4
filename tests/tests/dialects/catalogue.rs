//! The lists of the publisher API: pages, searches, tags and subscribers.

use std::collections::{BTreeMap, BTreeSet};

use appdepot_tests::catalogue::APPS;
use appdepot_tests::requests::apk;
use appdepot_tests::{Answer, TestTenant, World, all};
use package_reader::testing;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use shared::base::id::AppId;
use shared::base::kind::AppKind;
use shared::base::rights::Role;
use shared::base::text::{Description, Name};
use shared::store::wrappers::Counts;

const READ: &str = "appm:read";

async fn world() -> (World, TestTenant, String) {
    let (world, tenant) = World::new().await;
    let token = world.bearer(&tenant, &tenant.admin, READ).await;
    (world, tenant, token)
}

async fn get(world: &World, token: &str, path: &str) -> Answer {
    world.call("GET", path).bearer(token).send().await
}

async fn page(world: &World, token: &str, path: &str) -> Value {
    let answer = get(world, token, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    assert_eq!(
        answer.json["count"],
        answer.json["appList"].as_array().unwrap().len(),
        "{path}"
    );
    answer.json
}

fn ids(page: &Value) -> Vec<String> {
    page["appList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|app| app["id"].as_str().unwrap().to_owned())
        .collect()
}

/// All ids of a list, by its links.
async fn walk(world: &World, token: &str, first: &str) -> Vec<String> {
    let (mut found, mut path) = (Vec::new(), first.to_owned());
    while !path.is_empty() {
        let page = page(world, token, &path).await;
        found.extend(ids(&page));
        path = page["next"].as_str().unwrap().to_owned();
    }
    found
}

fn uuids(ids: &[AppId]) -> Vec<String> {
    ids.iter().map(|id| id.uuid()).collect()
}

async fn cost(world: &World, token: &str, path: &str) -> Counts {
    world.counting.take();
    page(world, token, path).await;
    world.counting.take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_costs_the_same_wherever_it_is() {
    let (world, tenant, token) = world().await;
    let made = uuids(&world.fill(&tenant, AppKind::Web, 3_000).await);
    let list = format!("{APPS}/webapp");

    let first = cost(&world, &token, &format!("{list}?limit=25")).await;
    // Caller, user and teams in one read; the rows beside it, one more than the page has.
    assert!(
        (first.calls, first.depth) == (2, 1) && first.items <= 3 + 26,
        "{first:?}"
    );
    for offset in [1, 99, 100, 150, 1_234, 2_975, 2_999] {
        let counts = cost(&world, &token, &format!("{list}?limit=25&offset={offset}")).await;
        // The directory has an item per hundred apps; of the rows there are those of a bucket
        // before the page at most.
        assert!(
            (counts.calls, counts.depth) == (3, 2) && counts.items <= 3 + 30 + 100 + 26,
            "{offset}: {counts:?}"
        );
    }
    let beyond = cost(&world, &token, &format!("{list}?offset=3000")).await;
    assert!(
        (beyond.calls, beyond.depth) == (2, 1) && beyond.items <= 3 + 30,
        "{beyond:?}"
    );
    for offset in [0, 1, 99, 100, 101, 1_234, 2_950, 2_999, 3_000, 9_999] {
        let page = page(&world, &token, &format!("{list}?limit=50&offset={offset}")).await;
        let slice: Vec<String> = made.iter().skip(offset).take(50).cloned().collect();
        assert_eq!(ids(&page), slice, "{offset}");
        assert_eq!(
            page["next"].as_str().unwrap().is_empty(),
            offset + 50 >= 3_000,
            "{offset}"
        );
    }
    assert_eq!(
        walk(&world, &token, &format!("{list}?limit=97")).await,
        made
    );

    // Whole apps: one read more, for app records and publications together.
    let whole = cost(
        &world,
        &token,
        &format!("{list}?limit=25&offset=1234&field-filter=all"),
    )
    .await;
    assert!((whole.calls, whole.depth) == (4, 3), "{whole:?}");

    // One app by its id costs its app record, however many there are.
    let one = cost(
        &world,
        &token,
        &format!("{list}?query=app_id:{}", made[1_700]),
    )
    .await;
    assert!(
        (one.calls, one.depth) == (1, 1) && one.items <= 4,
        "{one:?}"
    );

    let tags = get(&world, &token, &format!("{list}/tags")).await;
    let counted: Vec<Value> = (0..3)
        .map(|n| json!({"name": format!("tag-{n}"), "noOfOccurrences": 1_000}))
        .collect();
    assert_eq!(tags.json, json!(counted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_a_slice_of_the_list_whatever_came_and_went() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let (world, tenant, token) = world().await;
    // Old apps, so that there are several buckets, with holes in them.
    let mut mobile = world.fill(&tenant, AppKind::Mobile, 250).await;
    for _ in 0..40 {
        let gone = mobile.remove(rng.random_range(0..mobile.len()));
        world.delete_app(&tenant, gone).await;
    }
    let kinds = [AppKind::Mobile, AppKind::Web, AppKind::Site];
    let mut live: Vec<(AppId, AppKind)> =
        mobile.into_iter().map(|id| (id, AppKind::Mobile)).collect();
    let ipa = testing::ipa("com.example.ours", "1", "1.0", "Ours");
    for round in 0..60 {
        match rng.random_range(0..10) {
            0..=4 => {
                let kind = kinds[rng.random_range(0..3)];
                live.push((
                    world.make_app(&tenant, kind, &format!("App {round}")).await,
                    kind,
                ));
            }
            5..=7 => {
                let (gone, _) = live.remove(rng.random_range(0..live.len()));
                world.delete_app(&tenant, gone).await;
            }
            _ => {
                let of_kind: Vec<AppId> = live
                    .iter()
                    .filter(|(_, kind)| *kind == AppKind::Mobile)
                    .map(|(id, _)| *id)
                    .collect();
                let id = of_kind[rng.random_range(0..of_kind.len())];
                let (kind, file) = if rng.random_bool(0.5) {
                    ("android", apk(1))
                } else {
                    ("ios", ipa.clone())
                };
                let answer = world.upload(&tenant.cookie, &id.guid(), kind, &file).await;
                assert_eq!(answer.status, 200, "seed {seed}: {}", answer.text);
            }
        }
        if round % 10 != 9 {
            continue;
        }
        for list in ["mobileapp", "webapp", "site"] {
            let all = walk(&world, &token, &format!("{APPS}/{list}?limit=100")).await;
            let mut expected = BTreeMap::<String, usize>::new();
            for (id, kind) in &live {
                let listed = match list {
                    "mobileapp" => *kind == AppKind::Mobile,
                    "webapp" => *kind != AppKind::Mobile,
                    _ => *kind == AppKind::Site,
                };
                if listed {
                    let app = world.app(&tenant, *id).await.value;
                    let ids: Vec<AppId> = app
                        .binaries
                        .iter()
                        .map(|binary| id.binary(binary.kind))
                        .collect();
                    for id in if ids.is_empty() { vec![*id] } else { ids } {
                        *expected.entry(id.uuid()).or_default() += 1;
                    }
                }
            }
            let mut found = BTreeMap::<String, usize>::new();
            all.iter()
                .for_each(|id| *found.entry(id.clone()).or_default() += 1);
            assert_eq!(found, expected, "seed {seed}, round {round}, {list}");
            for _ in 0..8 {
                let (offset, limit) = (
                    rng.random_range(0..all.len() + 5),
                    rng.random_range(1..=100),
                );
                let page = page(
                    &world,
                    &token,
                    &format!("{APPS}/{list}?offset={offset}&limit={limit}"),
                )
                .await;
                let slice: Vec<String> = all.iter().skip(offset).take(limit).cloned().collect();
                assert_eq!(
                    ids(&page),
                    slice,
                    "seed {seed}, round {round}, {list} from {offset}, {limit}"
                );
                assert_eq!(
                    page["next"].as_str().unwrap().is_empty(),
                    offset + limit >= all.len(),
                    "seed {seed}"
                );
                assert_eq!(
                    page["previous"].as_str().unwrap().is_empty(),
                    offset == 0,
                    "seed {seed}"
                );
            }
        }
    }
    world
        .verify(tenant.tenant_id)
        .await
        .unwrap_or_else(|faults| panic!("seed {seed}: {faults}"));
}

/// What an offset promises while others change the list: an app before which nothing comes or goes
/// is shown exactly once, in order. New apps come at the end; a deletion before the place moves the
/// later ones up, so that one of them is passed over.
#[tokio::test(flavor = "multi_thread")]
async fn apps_that_come_and_go_between_pages_make_no_duplicates() {
    let (world, tenant, token) = world().await;
    let made = uuids(&world.fill(&tenant, AppKind::Web, 120).await);
    world.verify(tenant.tenant_id).await.unwrap();
    let ids_made: Vec<AppId> = {
        let mut all = Vec::new();
        for uuid in &made {
            all.push(
                uuid.parse::<shared::base::id::AppRef>()
                    .unwrap()
                    .exact()
                    .unwrap(),
            );
        }
        all
    };
    // Creations alone: everybody once, the new ones at the end.
    let (mut found, mut path, mut newer) =
        (Vec::new(), format!("{APPS}/webapp?limit=30"), Vec::new());
    while !path.is_empty() {
        let page = page(&world, &token, &path).await;
        found.extend(ids(&page));
        path = page["next"].as_str().unwrap().to_owned();
        if newer.len() < 3 {
            newer.push(
                world
                    .make_app(&tenant, AppKind::Web, &format!("Newer {}", newer.len()))
                    .await
                    .uuid(),
            );
        }
    }
    assert_eq!(found, [made.clone(), newer.clone()].concat());

    // Deletions behind the place take only themselves away; one before it moves one survivor out of
    // sight.
    let first = page(&world, &token, &format!("{APPS}/webapp?limit=30")).await;
    world.delete_app(&tenant, ids_made[5]).await;
    world.delete_app(&tenant, ids_made[70]).await;
    let rest = walk(&world, &token, first["next"].as_str().unwrap()).await;
    let seen = [ids(&first), rest].concat();
    assert_eq!(
        seen.iter().collect::<BTreeSet<_>>().len(),
        seen.len(),
        "nobody is shown twice"
    );
    let missed: Vec<&String> = made
        .iter()
        .chain(&newer)
        .filter(|id| !seen.contains(id))
        .collect();
    assert_eq!(
        missed,
        [&made[30], &made[70]],
        "one survivor is passed over, and what was deleted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_that_are_made_at_once_are_all_listed_and_counted() {
    let (world, tenant, token) = world().await;
    world.fill(&tenant, AppKind::Mobile, 95).await;
    let names: Vec<String> = (0..32).map(|n| format!("At once {n}")).collect();
    let make = |name: String| {
        let (world, tenant) = (&world, &tenant);
        async move {
            world
                .post(
                    &tenant.cookie,
                    "/box/srv/1.1/admin/storeitem/create",
                    json!({"name": name}),
                )
                .await
        }
    };
    let answers = all(names.into_iter().map(make)).await;
    let mut guids: Vec<String> = answers
        .iter()
        .map(|answer| answer["guid"].as_str().unwrap().to_owned())
        .collect();
    let all_of_them = walk(&world, &token, &format!("{APPS}/mobileapp?limit=10")).await;
    assert_eq!(all_of_them.len(), 127);
    assert_eq!(all_of_them.iter().collect::<BTreeSet<_>>().len(), 127);
    world.verify(tenant.tenant_id).await.unwrap();
    // Half of them go at once.
    guids.truncate(16);
    let delete = |guid: String| {
        let (world, tenant) = (&world, &tenant);
        async move {
            world
                .post(
                    &tenant.cookie,
                    "/box/srv/1.1/admin/storeitem/delete",
                    json!({"guid": guid}),
                )
                .await
        }
    };
    all(guids.into_iter().map(delete)).await;
    assert_eq!(
        walk(&world, &token, &format!("{APPS}/mobileapp?limit=10"))
            .await
            .len(),
        111
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_what_every_condition_names() {
    let (world, tenant, token) = world().await;
    let booking = world
        .make_app_with(&tenant, AppKind::Web, "Travel Booking", |app| {
            app.version = "1.0".to_owned();
            app.context = Some("/travel".to_owned());
            app.business_owner = Some(7);
            app.tags = vec!["Holidays".to_owned()];
        })
        .await
        .uuid();
    let pages = world
        .make_app_with(&tenant, AppKind::Site, "Pages, and: more", |app| {
            app.version = "2.1".to_owned();
            app.business_owner = Some(70);
            app.description = Description::new("Straße & Büro".to_owned()).unwrap();
        })
        .await
        .uuid();
    let other = world
        .make_app(&tenant, AppKind::Mobile, "Travel Notes")
        .await;
    let upload = world
        .upload(&tenant.cookie, &other.guid(), "android", &apk(1))
        .await;
    assert_eq!(upload.status, 200, "{}", upload.text);
    let android = other.binary(shared::base::id::BinaryType::Android).uuid();

    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let upper = booking.to_uppercase();
    let cases: Vec<(&str, String, Vec<&String>)> = vec![
        ("webapp", String::new(), vec![&booking, &pages]),
        ("webapp", " ".to_owned(), vec![&booking, &pages]),
        ("webapp", "TRAVEL".to_owned(), vec![&booking]),
        ("webapp", "app_name:avel boo".to_owned(), vec![&booking]),
        ("webapp", "Name : pages".to_owned(), vec![&pages]),
        ("webapp", "version:1".to_owned(), vec![&booking, &pages]),
        (
            "webapp",
            "app_version:1.0, provider:ADMIN".to_owned(),
            vec![&booking],
        ),
        (
            "webapp",
            "provider:admin,app_name:nothing".to_owned(),
            vec![],
        ),
        ("webapp", "business_owner_id:7".to_owned(), vec![&booking]),
        ("webapp", "treatasasite:False".to_owned(), vec![&booking]),
        ("webapp", "treatasasite:true".to_owned(), vec![&pages]),
        ("site", "treatasasite:false".to_owned(), vec![]),
        ("webapp", "contains:straße &".to_owned(), vec![&pages]),
        ("webapp", "contains:holiday".to_owned(), vec![&booking]),
        ("webapp", "contains:/TRAVEL".to_owned(), vec![&booking]),
        ("webapp", format!("app_id:{booking}"), vec![&booking]),
        ("webapp", format!("id:{upper},treatasasite:true"), vec![]),
        ("webapp", format!("id:{upper}"), vec![&booking]),
        ("webapp", format!("id:{}", &booking[3..30]), vec![&booking]),
        ("site", format!("id:{booking}"), vec![]),
        ("mobileapp", format!("id:{booking}"), vec![]),
        ("mobileapp", "travel".to_owned(), vec![&android]),
        ("mobileapp", format!("id:{}", other.uuid()), vec![&android]),
        ("mobileapp", format!("id:{}", other.guid()), vec![&android]),
        ("mobileapp", format!("id:{android}"), vec![&android]),
        (
            "mobileapp",
            "id:00000000-0000-8000-8000-000000000000".to_owned(),
            vec![],
        ),
    ];
    for (list, query, expected) in cases {
        let found = page(
            &world,
            &token,
            &format!("{APPS}/{list}?query={}", encode(&query)),
        )
        .await;
        assert_eq!(
            ids(&found).iter().collect::<Vec<_>>(),
            expected,
            "{list} {query}"
        );
    }

    // Another tenant's apps are not found, by their id neither.
    let neighbour = world.tenant("neighbour").await;
    let theirs = world.bearer(&neighbour, &neighbour.admin, READ).await;
    assert_eq!(
        ids(&page(
            &world,
            &theirs,
            &format!("{APPS}/webapp?query=id:{booking}")
        )
        .await),
        Vec::<String>::new()
    );

    // Links keep the search and the filter, whatever stands in them.
    for n in 0..3 {
        world
            .make_app(&tenant, AppKind::Web, &format!("a&b=c %2C +{n}"))
            .await;
    }
    let first = page(
        &world,
        &token,
        &format!(
            "{APPS}/webapp?limit=1&field-filter=ALL&query={}",
            encode("name:a&b=c %2C +")
        ),
    )
    .await;
    let second = page(&world, &token, first["next"].as_str().unwrap()).await;
    let third = page(&world, &token, second["next"].as_str().unwrap()).await;
    assert!(
        third["next"] == ""
            && third["appSummaryList"] == json!([])
            && third["appList"][0]["policyGroups"].is_array(),
        "{third}"
    );
    assert_eq!(third["appList"][0]["name"], "a&b=c %2C +2");
    assert_eq!(
        page(&world, &token, third["previous"].as_str().unwrap()).await["appList"],
        second["appList"]
    );

    for (parameter, bad) in [
        ("query", "colour:red"),
        ("query", "provider:"),
        ("query", "a,,b"),
        ("query", "business_owner_id:7a"),
        ("query", "treatasasite:yes"),
        ("query", &"x".repeat(1_001)),
        ("query", &"a,".repeat(11)),
        ("field-filter", "some"),
        ("limit", "0"),
        ("limit", "101"),
        ("offset", "-1"),
        ("offset", "4294967296"),
    ] {
        let answer = get(
            &world,
            &token,
            &format!("{APPS}/webapp?{parameter}={}", encode(bad)),
        )
        .await;
        assert_eq!(answer.status, 400, "{parameter}={bad}");
        assert!(
            answer.json["description"]
                .as_str()
                .unwrap()
                .starts_with(parameter),
            "{}",
            answer.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_apps_fill_an_answer_and_no_more() {
    let (world, tenant, token) = world().await;
    // Each app is shown with about 90 kB: a hundred of them are more than one answer.
    let ids_made = world.fill(&tenant, AppKind::Web, 90).await;
    for some in ids_made.chunks(5) {
        let writes = some.iter().map(|id| {
            let publication = shared::model::apps::publication::Publication {
                app_definition: "\"".repeat(45_000),
                ..Default::default()
            };
            shared::store::record::create(
                shared::store::keys::publication(tenant.tenant_id, *id),
                &publication,
            )
            .unwrap()
        });
        world.plain.table.write(writes.collect()).await.unwrap();
    }
    let first = get(
        &world,
        &token,
        &format!("{APPS}/webapp?limit=90&field-filter=all"),
    )
    .await;
    assert_eq!(first.status, 200, "{}", first.text);
    let shown = first.json["appList"].as_array().unwrap().len();
    assert!(
        first.text.len() <= 5_000_000 && (50..60).contains(&shown),
        "{shown} apps in {} bytes",
        first.text.len()
    );
    assert_eq!(
        walk(
            &world,
            &token,
            &format!("{APPS}/webapp?limit=90&field-filter=all")
        )
        .await,
        uuids(&ids_made)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_list_is_its_content() {
    let (world, tenant, token) = world().await;
    world.make_app(&tenant, AppKind::Web, "One").await;
    let list = format!("{APPS}/webapp");
    let etag = get(&world, &token, &list).await.header("etag").to_owned();
    let again = world
        .call("GET", &list)
        .bearer(&token)
        .header("if-none-match", &etag)
        .send()
        .await;
    assert!(again.status == 304 && again.text.is_empty() && again.header("etag") == etag);
    world.make_app(&tenant, AppKind::Mobile, "Elsewhere").await;
    assert_eq!(
        world
            .call("GET", &list)
            .bearer(&token)
            .header("if-none-match", &etag)
            .send()
            .await
            .status,
        304
    );
    world.make_app(&tenant, AppKind::Web, "Two").await;
    assert_eq!(
        world
            .call("GET", &list)
            .bearer(&token)
            .header("if-none-match", &etag)
            .send()
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_added_and_removed_under_their_own_condition() {
    let (world, tenant, token) = world().await;
    let creator = world.bearer(&tenant, &tenant.admin, "appm:create").await;
    let id = world.make_app(&tenant, AppKind::Web, "One").await;
    let path = format!("{APPS}/webapp/id/{}/tags", id.uuid());
    let send = |method: &'static str, body: Value| {
        world.call(method, &path).bearer(&creator).json(body).send()
    };
    let answer = send("PUT", json!({"tags": ["b", " a ", "b"]})).await;
    assert!(answer.status == 200 && answer.bytes.is_empty());
    let read = get(&world, &token, &path).await;
    assert_eq!(read.json, json!({"tags": ["b", "a"]}));
    assert!(!read.header("last-modified").is_empty());

    // Another change of the app leaves the tags' state alone, a change of the tags does not.
    let etag = read.header("etag").to_owned();
    let publisher = world.bearer(&tenant, &tenant.admin, "appm:publish").await;
    let submit = format!(
        "{APPS}/webapp/change-lifecycle?action=Submit&appId={}",
        id.uuid()
    );
    assert_eq!(
        world
            .call("POST", &submit)
            .bearer(&publisher)
            .send()
            .await
            .status,
        202
    );
    let put = |tags: Value, etag: String| {
        let call = world
            .call("PUT", &path)
            .bearer(&creator)
            .header("if-match", &etag);
        async move { call.json(json!({"tags": tags})).send().await.status }
    };
    assert_eq!(put(json!(["c"]), etag.clone()).await, 200);
    assert_eq!(put(json!(["d"]), etag).await, 412);
    assert_eq!(
        get(&world, &token, &path).await.json,
        json!({"tags": ["b", "a", "c"]})
    );

    // What is no list of tags changes nothing.
    let many: Vec<String> = (0..18).map(|n| n.to_string()).collect();
    for bad in [
        json!({}),
        json!({"tags": "x"}),
        json!({"tags": [" "]}),
        json!({"tags": ["x", "y\u{7}"]}),
        json!({"tags": ["x".repeat(51)]}),
        json!({"tags": many}),
    ] {
        let answer = send("PUT", bad.clone()).await;
        assert_eq!(answer.status, 400, "{bad}");
        assert!(
            answer.json["description"]
                .as_str()
                .unwrap()
                .contains("tags"),
            "{}",
            answer.text
        );
    }
    assert_eq!(send("DELETE", json!({})).await.status, 400);
    let answer = send("DELETE", json!({"tags": ["a", "x", " "]})).await;
    assert!(answer.status == 200 && answer.bytes.is_empty());
    assert_eq!(
        get(&world, &token, &path).await.json,
        json!({"tags": ["b", "c"]})
    );

    // Sixteen at once add one each: none is lost.
    let other = world.make_app(&tenant, AppKind::Web, "Two").await;
    let path = format!("{APPS}/webapp/id/{}/tags", other.uuid());
    let answers = all((0..16).map(|n| {
        world
            .call("PUT", &path)
            .bearer(&creator)
            .json(json!({"tags": [format!("t{n:02}")]}))
            .send()
    }))
    .await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let mut found = get(&world, &token, &path).await.json["tags"]
        .as_array()
        .unwrap()
        .clone();
    found.sort_by_key(ToString::to_string);
    assert_eq!(
        json!(found),
        json!((0..16).map(|n| format!("t{n:02}")).collect::<Vec<_>>())
    );
    let counted = get(&world, &token, &format!("{APPS}/webapp/tags"))
        .await
        .json;
    assert!(
        counted.as_array().unwrap().len() == 18
            && counted[0] == json!({"name": "b", "noOfOccurrences": 1}),
        "{counted}"
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_are_who_installed_an_app_and_who_subscribed_to_it() {
    let (world, tenant, token) = world().await;
    let id = world.make_app(&tenant, AppKind::Mobile, "One").await;
    let upload = world
        .upload(&tenant.cookie, &id.guid(), "android", &apk(1))
        .await;
    assert_eq!(upload.status, 200, "{}", upload.text);
    let path = format!("{APPS}/mobileapp/id/{}/subscriptions", id.uuid());
    let (zoe, _) = world
        .user(&tenant, "zoe@dev.example", vec![Role::Dev])
        .await;
    let (sub, _) = world
        .user(&tenant, "sub@dev.example", vec![Role::Sub])
        .await;
    let zoe_token = world.bearer(&tenant, &zoe, "appm:subscribe").await;
    let sub_token = world.bearer(&tenant, &sub, "appm:subscribe").await;
    let none = get(&world, &token, &path).await;
    assert_eq!(none.json, json!({"userIds": []}));
    let send = |method: &'static str, token: &str| world.call(method, &path).bearer(token).send();

    // Not in the store: who sees the catalogue is told why, who does not learns nothing of it.
    let refused = send("POST", &zoe_token).await;
    assert!(
        refused.status == 403 && refused.text.contains("Created"),
        "{}",
        refused.text
    );
    assert_eq!(send("POST", &sub_token).await.status, 404);
    assert_eq!(
        send("POST", &token).await.status,
        403,
        "appm:read does not subscribe"
    );

    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/appstore/additem",
            json!({"guid": id.guid()}),
        )
        .await;
    world.clock.advance_seconds(2);
    for _ in 0..2 {
        let answer = send("POST", &zoe_token).await;
        assert_eq!(
            (answer.status, answer.json),
            (200, json!({"userIds": ["zoe@dev.example"]}))
        );
    }
    world.clock.advance_seconds(2);
    let session = world
        .store_session(&tenant, "sub@dev.example", "CUID1")
        .await;
    let install = json!({"guid": id.guid(), "type": "android", "deviceId": "CUID1"});
    for _ in 0..2 {
        let answer = world
            .call("POST", "/box/srv/1.1/mas/storeitem/install")
            .session(&session)
            .json(install.clone())
            .send()
            .await;
        assert_eq!(answer.status, 303, "{}", answer.text);
    }
    let both = get(&world, &token, &path).await;
    assert_eq!(
        both.json,
        json!({"userIds": ["sub@dev.example", "zoe@dev.example"]})
    );
    let since = both.header("last-modified").to_owned();
    assert_ne!(since, none.header("last-modified"));
    assert_eq!(
        world
            .call("GET", &path)
            .bearer(&token)
            .header("if-modified-since", &since)
            .send()
            .await
            .status,
        304
    );

    // Who leaves changes the list too: a client that asks by a date must see it.
    world.clock.advance_seconds(2);
    for _ in 0..2 {
        let answer = send("DELETE", &zoe_token).await;
        assert!(answer.status == 200 && answer.bytes.is_empty());
    }
    let changed = world
        .call("GET", &path)
        .bearer(&token)
        .header("if-modified-since", &since)
        .send()
        .await;
    assert_eq!(
        (changed.status, changed.json),
        (200, json!({"userIds": ["sub@dev.example"]}))
    );

    // Under the condition that the list is what it was.
    let stale = both.header("etag").to_owned();
    let answer = world
        .call("POST", &path)
        .bearer(&zoe_token)
        .header("if-match", &stale)
        .send()
        .await;
    assert_eq!(answer.status, 412);
    assert_eq!(
        get(&world, &token, &path).await.json,
        json!({"userIds": ["sub@dev.example"]})
    );

    // What is withdrawn takes no new subscriber, and lets those go that it has.
    assert_eq!(send("POST", &zoe_token).await.status, 200);
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/appstore/removeitem",
            json!({"guid": id.guid()}),
        )
        .await;
    assert_eq!(send("DELETE", &zoe_token).await.status, 200);
    assert_eq!(send("POST", &zoe_token).await.status, 403);

    // Groups keep apps from those who are in none of them.
    let hidden = world
        .make_app_with(&tenant, AppKind::Web, "Hidden", |app| {
            app.restrict_to_groups = true;
            app.name = Name::new("Hidden".to_owned()).unwrap();
        })
        .await;
    let hidden_path = format!("{APPS}/webapp/id/{}/subscriptions", hidden.uuid());
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/appstore/additem",
            json!({"guid": hidden.guid()}),
        )
        .await;
    assert_eq!(
        world
            .call("POST", &hidden_path)
            .bearer(&sub_token)
            .send()
            .await
            .status,
        404
    );
    assert_eq!(
        world
            .call("POST", &hidden_path)
            .bearer(&zoe_token)
            .send()
            .await
            .status,
        200
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

//! Groups of the Apperian API: what becomes of each entry of a list, who sees what, and what the
//! other dialects show of it.

use appdepot_tests::{Answer, TestTenant, World, all};
use serde_json::{Value, json};
use shared::base::id::{AppId, Guid};
use shared::base::rights::Role;

const ADMIN: &str = "/box/srv/1.1/admin";

/// The API as the administrator of a tenant has it.
struct Api<'a> {
    world: &'a World,
    tenant: TestTenant,
    token: String,
}

impl<'a> Api<'a> {
    async fn of(world: &'a World, tenant: &TestTenant) -> Self {
        Self {
            world,
            tenant: tenant.clone(),
            token: world.token(tenant, &tenant.admin).await,
        }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let call = self.world.call(method, path).token(&self.token);
        if body.is_null() {
            call.send().await
        } else {
            call.json(body).send().await
        }
    }

    /// A request that must succeed.
    async fn does(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
        assert!(answer.json.get("error").is_none(), "{}", answer.text);
        answer.json
    }

    /// A request that must be refused, with what its message must name.
    async fn refuses(&self, method: &str, path: &str, body: Value, status: u16, names: &str) {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let message = answer.json["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(names), "{message} does not name {names}");
    }

    async fn group(&self, name: &str) -> String {
        let made = self
            .does(
                "POST",
                "/v1/groups/",
                json!({"group_name": name, "group_description": "Some"}),
            )
            .await;
        text(&made["group"]["psk"])
    }

    async fn row(&self, group: &str) -> Value {
        let listed = self.does("GET", "/v1/groups/", Value::Null).await;
        let rows = listed["groups"].as_array().expect("groups");
        rows.iter()
            .find(|row| row["psk"] == group)
            .unwrap_or_else(|| panic!("{listed}"))
            .clone()
    }

    /// An item, and its number.
    async fn item(&self, name: &str) -> (AppId, String) {
        let made = self.rhmap("storeitem/create", json!({"name": name})).await;
        let id: AppId = text(&made["guid"]).parse().expect("an id");
        let shown = self
            .does(
                "GET",
                &format!("/v1/applications/{}", id.base64url()),
                Value::Null,
            )
            .await;
        (id, shown["application"]["psk"].to_string())
    }

    async fn rhmap(&self, operation: &str, body: Value) -> Value {
        self.world
            .post(&self.tenant.cookie, &format!("{ADMIN}/{operation}"), body)
            .await
    }

    /// What the other dialect shows of a group: its items and its users.
    async fn elsewhere(&self, group: &str) -> (Vec<String>, Vec<String>) {
        let shown = self
            .rhmap("storeitemgroup/read", json!({"guid": group}))
            .await;
        let texts = |list: &Value| {
            list.as_array()
                .expect("a list")
                .iter()
                .map(text)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown["count"], texts(&shown["storeitems"]).len(), "{shown}");
        (texts(&shown["storeitems"]), texts(&shown["users"]))
    }

    async fn verify(&self, after: &str) {
        self.world
            .verify(self.tenant.tenant_id)
            .await
            .unwrap_or_else(|faults| panic!("after {after}:\n{faults}"));
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

fn sorted(list: &Value) -> Vec<String> {
    let mut texts: Vec<String> = list
        .as_array()
        .unwrap_or_else(|| panic!("{list} is no list"))
        .iter()
        .map(text)
        .collect();
    texts.sort();
    texts
}

fn of(texts: &[&str]) -> Vec<String> {
    let mut texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    texts.sort();
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_renamed_listed_and_deleted() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let made = api
        .does(
            "POST",
            "/v1/groups/",
            json!({"group_name": "Sales", "group_description": "Who sells"}),
        )
        .await;
    let psk = text(&made["group"]["psk"]);
    assert_eq!(
        made,
        json!({"group": {"psk": psk, "name": "Sales", "description": "Who sells"}})
    );
    assert_eq!(
        api.row(&psk).await,
        json!({
            "psk": psk, "name": "Sales", "description": "Who sells", "app_count": 0,
            "user_count": 0,
        })
    );
    let listed = api.rhmap("storeitemgroup/list", json!({})).await;
    assert_eq!(listed["list"][0]["guid"], json!(psk), "{listed}");

    let renamed = api
        .does(
            "PUT",
            &format!("/v1/groups/{psk}"),
            json!({"group_name": "Sellers"}),
        )
        .await;
    assert_eq!(
        renamed,
        json!({"group": {"psk": psk, "name": "Sellers", "description": "Who sells"}})
    );
    api.group("Others").await;
    api.refuses(
        "PUT",
        &format!("/v1/groups/{psk}"),
        json!({"group_name": "others"}),
        409,
        "group_name",
    )
    .await;
    api.refuses(
        "POST",
        "/v1/groups",
        json!({"group_name": "SELLERS"}),
        409,
        "group_name",
    )
    .await;
    api.refuses(
        "POST",
        "/v1/groups",
        json!({"group_description": "x"}),
        400,
        "group_name",
    )
    .await;
    api.refuses(
        "POST",
        "/v1/groups",
        json!({"group_name": "x".repeat(201)}),
        400,
        "group_name",
    )
    .await;
    api.refuses(
        "POST",
        "/v1/groups",
        json!({"group_name": "x", "group_description": "x".repeat(2_001)}),
        400,
        "group_description",
    )
    .await;

    let deleted = api
        .does("DELETE", &format!("/v1/groups/{psk}/"), Value::Null)
        .await;
    assert_eq!(
        deleted,
        json!({"deleted_group": {"psk": psk, "name": "Sellers", "description": "Who sells"}})
    );
    let gone = Guid::random().to_string();
    for unknown in [psk.as_str(), gone.as_str(), "123"] {
        let (group, users) = (
            format!("/v1/groups/{unknown}"),
            format!("/v1/groups/{unknown}/users"),
        );
        api.refuses("GET", &group, Value::Null, 404, "group").await;
        api.refuses("PUT", &group, json!({"group_name": "New"}), 404, "group")
            .await;
        api.refuses("DELETE", &group, Value::Null, 404, "group")
            .await;
        api.refuses("GET", &users, Value::Null, 404, "group").await;
        api.refuses(
            "POST",
            &users,
            json!({"user_psk": tenant.admin}),
            404,
            "group",
        )
        .await;
        api.refuses(
            "DELETE",
            &users,
            json!({"user_psk": "nobody"}),
            404,
            "group",
        )
        .await;
        api.refuses(
            "POST",
            &format!("{group}/applications"),
            json!({"app_psk": "8"}),
            404,
            "group",
        )
        .await;
        api.refuses(
            "DELETE",
            &format!("{group}/applications"),
            json!({"app_psk": "8"}),
            404,
            "group",
        )
        .await;
    }
    api.verify("the life of a group").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_app_of_a_list_joins_or_fails_for_itself() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let stranger = world.tenant("other").await;
    let theirs = Api::of(&world, &stranger).await;
    let (_, their_number) = theirs.item("Theirs").await;
    let (their_id, _) = theirs.item("Theirs too").await;
    let group = api.group("Sales").await;
    let path = format!("/v1/groups/{group}/applications");
    let (one, number_of_one) = api.item("One").await;
    let (two, _) = api.item("Two").await;
    let (three, number_of_three) = api.item("Three").await;
    api.does(
        "POST",
        &path,
        json!({"app_psk": number_of_three.parse::<u32>().expect("a number")}),
    )
    .await;

    let list = format!(
        "{number_of_one}, {},{number_of_three},{their_number},7,{},app",
        two.base64url(),
        their_id.base64url()
    );
    let answer = api.does("POST", &path, json!({"app_psk": list})).await;
    assert_eq!(
        sorted(&answer["response"]["apps_added"]),
        of(&[&number_of_one, &two.base64url()]),
        "{answer}"
    );
    assert_eq!(
        sorted(&answer["response"]["apps_failed"]),
        of(&[
            &number_of_three,
            &their_number,
            "7",
            &their_id.base64url(),
            "app"
        ]),
        "{answer}"
    );
    let (items, _) = api.elsewhere(&group).await;
    assert_eq!(items.len(), 3);
    assert!(
        [one, two, three]
            .iter()
            .all(|id| items.contains(&id.guid())),
        "{items:?}"
    );
    assert_eq!(api.row(&group).await["app_count"], 3);
    let shown = api
        .rhmap("storeitem/read", json!({"guid": two.guid()}))
        .await;
    assert!(
        shown.to_string().contains(&group),
        "the item names its group: {shown}"
    );
    assert!(
        !theirs
            .rhmap("storeitem/read", json!({"guid": their_id.guid()}))
            .await
            .to_string()
            .contains(&group)
    );

    let listed = api
        .does("GET", &format!("/v1/groups/{group}"), Value::Null)
        .await;
    let mut names: Vec<String> = listed["applications"]
        .as_array()
        .expect("apps")
        .iter()
        .map(|app| text(&app["name"]))
        .collect();
    names.sort();
    assert_eq!(names, ["One", "Three", "Two"]);
    assert_eq!(
        listed["applications"][0]["version"]["wrap_status"], 0,
        "they are whole applications: {listed}"
    );

    let answer = api
        .does(
            "DELETE",
            &path,
            json!({"app_psk": [number_of_one, three.guid(), number_of_one, "7"]}),
        )
        .await;
    assert_eq!(
        sorted(&answer["response"]["apps_removed"]),
        of(&[&number_of_one, &three.guid()]),
        "{answer}"
    );
    assert_eq!(answer["response"]["apps_failed"], json!(["7"]));
    let again = api
        .does("DELETE", &path, json!({"app_psk": number_of_one}))
        .await;
    assert_eq!(
        again["response"],
        json!({"apps_removed": [], "apps_failed": [number_of_one]})
    );
    assert_eq!(api.elsewhere(&group).await.0, [two.guid()]);

    api.refuses("POST", &path, json!({}), 400, "app_psk").await;
    api.refuses("POST", &path, json!({"app_psk": " , "}), 400, "app_psk")
        .await;
    api.refuses("POST", &path, json!({"app_psk": {}}), 400, "app_psk")
        .await;
    let many: Vec<String> = (1..=501).map(|number| (number * 8).to_string()).collect();
    api.refuses(
        "POST",
        &path,
        json!({"app_psk": many.join(",")}),
        400,
        "500",
    )
    .await;
    api.verify("lists of apps").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_apps_than_one_transaction_holds_join_and_leave_in_one_call() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let group = api.group("Many").await;
    let mut ids = Vec::new();
    for number in 0..60 {
        let made = api
            .rhmap(
                "storeitem/create",
                json!({"name": format!("Item {number}")}),
            )
            .await;
        ids.push(text(&made["guid"]));
    }
    let path = format!("/v1/groups/{group}/applications");
    let answer = api
        .does("POST", &path, json!({"app_psk": ids.join(",")}))
        .await;
    assert_eq!(
        answer["response"]["apps_added"].as_array().map(Vec::len),
        Some(60),
        "{answer}"
    );
    assert_eq!(api.row(&group).await["app_count"], 60);
    api.verify("sixty apps came").await;
    let answer = api.does("DELETE", &path, json!({"app_psk": ids})).await;
    assert_eq!(
        answer["response"]["apps_removed"].as_array().map(Vec::len),
        Some(60),
        "{answer}"
    );
    assert_eq!(api.row(&group).await["app_count"], 0);
    api.verify("sixty apps went").await;

    // An app that is in as many groups as it can be fails, and the one beside it does not.
    for number in 0..30 {
        let group = api.group(&format!("Group {number}")).await;
        api.does(
            "POST",
            &format!("/v1/groups/{group}/applications"),
            json!({"app_psk": ids[0]}),
        )
        .await;
    }
    let answer = api
        .does("POST", &path, json!({"app_psk": [ids[0], ids[1]]}))
        .await;
    assert_eq!(
        answer["response"],
        json!({"apps_added": [ids[1]], "apps_failed": [ids[0]]})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_of_a_list_joins_or_fails_for_himself() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let stranger = world.tenant("other").await;
    let group = api.group("Sales").await;
    let path = format!("/v1/groups/{group}/users");
    let (ann, _) = world
        .user(&tenant, "ann@dev.example", vec![Role::Sub])
        .await;
    let bob = world
        .add_user(&tenant, "bob@dev.example", vec![Role::Dev])
        .await;
    api.does("POST", &path, json!({"user_psk": bob})).await;
    let list = format!("{ann},bob@dev.example,nobody,{}", stranger.admin);
    let answer = api.does("POST", &path, json!({"user_psk": list})).await;
    assert_eq!(answer["response"]["users_added"], json!([ann]), "{answer}");
    assert_eq!(
        sorted(&answer["response"]["users_failed"]),
        of(&["bob@dev.example", "nobody", stranger.admin.as_str()]),
        "{answer}"
    );
    let mut users = vec![ann.to_string(), bob.to_string()];
    users.sort();
    assert_eq!(api.elsewhere(&group).await.1, users);
    assert_eq!(api.row(&group).await["user_count"], 2);

    let listed = api.does("GET", &path, Value::Null).await;
    let shown = listed["users_in_group"].as_array().expect("users");
    let of_ann = shown
        .iter()
        .find(|user| user["psk"] == json!(ann))
        .expect("ann");
    assert_eq!(
        (&of_ann["user_id"], &of_ann["email"]),
        (&json!("ann@dev.example"), &json!("ann@dev.example"))
    );
    // Who may not read users learns no names of them.
    let manager = world
        .add_user(&tenant, "manager@dev.example", vec![Role::DevAdmin])
        .await;
    let token = world.token(&tenant, &manager).await;
    let answer = world.call("GET", &path).token(&token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer.text.contains(ann.as_str()) && !answer.text.contains("ann@dev"),
        "{}",
        answer.text
    );

    let answer = api
        .does("DELETE", &path, json!({"user_psk": [ann, "nobody"]}))
        .await;
    assert_eq!(
        answer["response"],
        json!({"users_removed": [ann], "users_failed": ["nobody"]})
    );
    assert_eq!(api.elsewhere(&group).await.1, [bob.to_string()]);
    api.verify("lists of users").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_sees_at_once_what_is_restricted_to_the_group() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let group = api.group("Sales").await;
    let (ann, cookie) = world
        .user(&tenant, "ann@dev.example", vec![Role::Sub])
        .await;
    let key = world
        .post(
            &cookie,
            "/box/srv/1.1/ide/dev/api/create",
            json!({"type": "user", "label": "hers"}),
        )
        .await;
    let key = text(&key["apiKey"]["key"]);
    let (item, number) = api.item("For few").await;
    api.rhmap(
        "storeitem/update",
        json!({"guid": item.guid(), "restrictToGroups": true}),
    )
    .await;
    api.rhmap("appstore/additem", json!({"guid": item.guid()}))
        .await;
    api.does(
        "POST",
        &format!("/v1/groups/{group}/applications"),
        json!({"app_psk": number}),
    )
    .await;
    let sees = async || {
        let answer = world
            .call("GET", "/v2/applications")
            .token(&key)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        !answer.json["applications"]
            .as_array()
            .expect("apps")
            .is_empty()
    };
    assert!(!sees().await);
    let answer = api
        .does(
            "POST",
            &format!("/v1/groups/users/{ann}"),
            json!({"group_psk": group}),
        )
        .await;
    assert_eq!(
        answer["response"],
        json!({"added_groups": [group], "failed_groups": []})
    );
    assert!(sees().await, "by the copy in her API key");
    api.does(
        "DELETE",
        &format!("/v1/groups/{group}/users"),
        json!({"user_psk": "ann@dev.example"}),
    )
    .await;
    assert!(!sees().await);
    api.does(
        "POST",
        &format!("/v1/groups/{group}/users"),
        json!({"user_psk": ann}),
    )
    .await;
    assert!(sees().await);
    api.does("DELETE", &format!("/v1/groups/{group}"), Value::Null)
        .await;
    assert!(!sees().await, "a group that is gone lets nobody in");
    api.verify("a group that was deleted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_joins_groups_up_to_the_limit() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let ann = world
        .add_user(&tenant, "ann@dev.example", vec![Role::Sub])
        .await;
    let mut groups = Vec::new();
    for number in 0..52 {
        groups.push(api.group(&format!("Group {number}")).await);
    }
    let path = format!("/v1/groups/users/{ann}");
    let unknown = Guid::random().to_string();
    let first = api
        .does(
            "POST",
            &path,
            json!({"group_psk": format!("{},{unknown},x", groups[0])}),
        )
        .await;
    assert_eq!(
        first["response"],
        json!({"added_groups": [groups[0]], "failed_groups": [unknown, "x"]})
    );
    let answer = api
        .does(
            "POST",
            "/v1/groups/users/ann@dev.example",
            json!({"group_psk": groups}),
        )
        .await;
    let failed = sorted(&answer["response"]["failed_groups"]);
    assert_eq!(
        (
            answer["response"]["added_groups"].as_array().map(Vec::len),
            failed.len()
        ),
        (Some(49), 3),
        "{answer}"
    );
    assert!(failed.contains(&groups[0]), "he is in it already");
    let listed = api.does("GET", "/v1/groups", Value::Null).await;
    let counted: u64 = listed["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .filter_map(|group| group["user_count"].as_u64())
        .sum();
    assert_eq!(counted, 50);
    api.refuses(
        "POST",
        "/v1/groups/users/nobody",
        json!({"group_psk": groups[0]}),
        404,
        "user_psk",
    )
    .await;
    api.refuses("POST", &path, json!({}), 400, "group_psk")
        .await;
    api.verify("fifty groups").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_with_a_body_changes_nothing() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let group = api.group("Sales").await;
    let before = world.snapshot().await;
    let listed = api
        .does(
            "GET",
            &format!("/v1/groups/{group}/users"),
            json!({"user_psk": tenant.admin}),
        )
        .await;
    assert_eq!(listed, json!({"users_in_group": []}));
    api.refuses(
        "GET",
        &format!("/v1/groups/users/{}", tenant.admin),
        json!({"group_psk": group}),
        405,
        "POST",
    )
    .await;
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_of_a_group_at_once_are_each_done_once() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let group = api.group("Sales").await;
    let (_, number) = api.item("One").await;
    let ann = world
        .add_user(&tenant, "ann@dev.example", vec![Role::Sub])
        .await;
    let (apps, users) = (
        format!("/v1/groups/{group}/applications"),
        format!("/v1/groups/{group}/users"),
    );
    for (method, done, count) in [("POST", "added", 1), ("DELETE", "removed", 0)] {
        let answers =
            all((0..8).map(|_| api.does(method, &apps, json!({"app_psk": number})))).await;
        let times = answers
            .iter()
            .filter(|answer| answer["response"][format!("apps_{done}")] == json!([number]))
            .count();
        assert_eq!(times, 1, "{answers:?}");
        let answers = all((0..8).map(|_| api.does(method, &users, json!({"user_psk": ann})))).await;
        let times = answers
            .iter()
            .filter(|answer| answer["response"][format!("users_{done}")] == json!([ann]))
            .count();
        assert_eq!(times, 1, "{answers:?}");
        let row = api.row(&group).await;
        assert_eq!(
            (&row["app_count"], &row["user_count"]),
            (&json!(count), &json!(count))
        );
        api.verify(method).await;
    }
    // Who joins while the group is deleted is in nothing that is not there.
    let path = format!("/v1/groups/{group}");
    let joining = all((0..4).map(|_| api.send("POST", &users, json!({"user_psk": ann}))));
    let (joined, deleted) = tokio::join!(joining, api.send("DELETE", &path, Value::Null));
    assert_eq!(deleted.status, 200, "{}", deleted.text);
    assert!(
        joined
            .iter()
            .all(|answer| matches!(answer.status, 200 | 404)),
        "{joined:?}"
    );
    assert_eq!(
        world.user_record(&tenant, &ann).await.value.owner.groups,
        []
    );
    api.verify("a deletion among joinings").await;
}

//! Apps of the publisher API beyond its documented examples: races, crashes, limits, what is kept
//! of them and what the other dialect shows.

use appdepot_tests::requests::SCOPES;
use appdepot_tests::{Answer, TestTenant, World, all};
use package_reader::testing;
use serde_json::{Value, json};
use shared::base::id::{AppId, BinaryType, Guid};
use shared::base::rights::Role;
use shared::model::apps::analysis::PackageAnalysis;
use shared::model::apps::file::{Content, FileUses, StoredFile};
use shared::model::apps::policy_partial::{Partial, SharedPartial};
use shared::model::task;
use shared::model::task::{Task, count_object};
use shared::store::wrappers::Fault;
use shared::store::{keys, record};

const API: &str = "/api/appm/publisher/v1.1";

/// The API as one of its users has it.
struct Api<'a> {
    world: &'a World,
    tenant: TestTenant,
    bearer: String,
}

impl<'a> Api<'a> {
    async fn of(world: &'a World, tenant: &TestTenant) -> Self {
        Self {
            world,
            tenant: tenant.clone(),
            bearer: world.bearer(tenant, &tenant.admin, SCOPES).await,
        }
    }

    /// As a user with these roles.
    async fn as_user(&self, name: &str, roles: Vec<Role>) -> Self {
        let user = self.world.add_user(&self.tenant, name, roles).await;
        let bearer = self.world.bearer(&self.tenant, &user, SCOPES).await;
        Self {
            world: self.world,
            tenant: self.tenant.clone(),
            bearer,
        }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let call = self
            .world
            .call(method, &format!("{API}{path}"))
            .bearer(&self.bearer);
        if body.is_null() {
            call.send().await
        } else {
            call.json(body).send().await
        }
    }

    /// A request that must succeed.
    async fn does(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body).await;
        assert!(
            matches!(answer.status, 200..=202),
            "{method} {path}: {} {}",
            answer.status,
            answer.text
        );
        answer.json
    }

    /// A request that must be refused, with what its description must name.
    async fn refuses(&self, method: &str, path: &str, body: Value, status: u16, names: &str) {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let description = answer.json["description"].as_str().unwrap_or_default();
        assert!(
            description.contains(names),
            "{method} {path}: {description} does not name {names}"
        );
    }

    async fn makes(&self, listing: &str, body: Value) -> String {
        let made = self.does("POST", &format!("/apps/{listing}"), body).await;
        made["id"].as_str().expect("an id").to_owned()
    }

    async fn read(&self, listing: &str, id: &str) -> Value {
        self.does("GET", &format!("/apps/{listing}/id/{id}"), Value::Null)
            .await
    }

    async fn step(&self, listing: &str, id: &str, action: &str) {
        self.does(
            "POST",
            &format!(
                "/apps/{listing}/change-lifecycle?appId={id}&action={}",
                action.replace(' ', "%20")
            ),
            Value::Null,
        )
        .await;
    }

    async fn verify(&self, after: &str) {
        self.world
            .verify(self.tenant.tenant_id)
            .await
            .unwrap_or_else(|faults| panic!("after {after}:\n{faults}"));
    }

    /// An uploaded file, as the function of files keeps it.
    async fn file(&self, name: &str, content: Content) -> String {
        let now = self.world.plain.clock.now();
        let tenant_id = self.tenant.tenant_id;
        let sha256 = if let Content::Package { judged, .. } = &content {
            judged.sha256.clone()
        } else {
            format!("{:0>64}", name.len())
        };
        let file = StoredFile {
            name: name.to_owned(),
            upload: Guid::random(),
            content,
            file_name: format!("my {name}"),
            size: 1_000,
            sha256,
            by: self.tenant.admin.clone(),
            created: now,
            app: None,
        };
        let writes = vec![
            record::create(keys::file(tenant_id, name), &file).expect("a file"),
            record::create(keys::file_uses(tenant_id, name), &FileUses {}).expect("its uses"),
            count_object(tenant_id, &file.object(tenant_id), 1),
            task::task(
                now,
                &Task::File {
                    tenant_id,
                    name: name.to_owned(),
                },
            )
            .expect("a chore"),
        ];
        self.world
            .plain
            .table
            .write(writes)
            .await
            .expect("a file is written");
        name.to_owned()
    }

    async fn picture(&self, name: &str) -> String {
        let icon = data_encoding_of(&testing::png(32, 32));
        self.file(
            name,
            Content::Static {
                media_type: "image/png".to_owned(),
                icon: Some(icon),
            },
        )
        .await
    }

    async fn package(&self, name: &str, version: &str) -> String {
        let judged = PackageAnalysis {
            sha256: format!("{:0>64}", version.replace('.', "")),
            size: 1_000,
            identifier: "com.example.notes".to_owned(),
            version_name: version.to_owned(),
            verified_signer: None,
            icon: None,
            package: json!({"name": "Notes"}),
        };
        self.file(
            name,
            Content::Package {
                kind: BinaryType::Android,
                judged,
            },
        )
        .await
    }

    async fn group(&self, name: &str) -> String {
        let made = self
            .world
            .post(
                &self.tenant.cookie,
                "/box/srv/1.1/admin/storeitemgroup/create",
                json!({"name": name}),
            )
            .await;
        made["guid"].as_str().expect("a guid").to_owned()
    }

    /// A policy partial of that number, as the function of policies keeps it.
    async fn partial(&self, id: u32, shared: bool, author: &Guid) -> String {
        let now = self.world.plain.clock.now();
        let (name, description) = (Default::default(), Default::default());
        let partial = Partial {
            id,
            name,
            description,
            text: "<Condition/>".to_owned(),
            shared,
            author: author.clone(),
            created: now,
            modified: now,
        };
        let tenant_id = self.tenant.tenant_id;
        let mut writes =
            vec![record::create(keys::partial(tenant_id, id), &partial).expect("a partial")];
        if shared {
            let row = SharedPartial {
                id,
                name: partial.name.clone(),
            };
            writes.push(
                record::create(keys::shared_partial(tenant_id, now, id), &row).expect("its row"),
            );
        }
        self.world
            .plain
            .table
            .write(writes)
            .await
            .expect("a partial is written");
        id.to_string()
    }

    async fn owner(&self, name: &str) -> String {
        let body = json!({
            "name": name, "email": format!("{name}@dev.example"), "description": "", "site": "",
            "properties": [],
        });
        let made = self
            .does("POST", "/administration/businessowner", body)
            .await;
        made["id"].to_string().trim_matches('"').to_owned()
    }
}

fn data_encoding_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn web(name: &str, context: &str) -> Value {
    json!({
        "name": name,
        "version": "1.0",
        "displayName": format!("{name} shown"),
        "description": "A web app",
        "context": context,
        "appUrL": "https://web.example.com",
        "transport": "https", "tags": ["one", "two"],
        "policyGroups": [
            {
                "policyGroupName": "Default", "throttlingTier": "Gold", "userRoles": ["dev"],
                "allowAnonymousAccess": "true",
            },
        ],
        "uriTemplates": [{"urlPattern": "/*", "httpVerb": "get", "policyGroupName": "Default"}],
        "customProperties": [{"name": "overview_centre", "value": 4711}],
    })
}

fn mobile(name: &str, package: &str, version: &str, picture: &str) -> Value {
    json!({
        "name": name,
        "version": "1.0",
        "displayName": format!("{name} shown"),
        "description": "A mobile app",
        "category": "Business",
        "platform": "android",
        "marketType": "enterprise",
        "banner": picture,
        "thumbnailUrl": picture,
        "screenshots": [picture],
        "appmeta": {"path": package, "package": "com.example.notes", "version": version},
    })
}

/// What was read of an app, sent back, changes nothing but when it was changed.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_can_be_sent_back() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    api.group("Staff").await;
    let (picture, package) = (
        api.picture("0123456789abcdef.png").await,
        api.package("0123456789abcdef.apk", "1.0").await,
    );
    let mut of_web = web("Round", "/round");
    of_web["visibleRoles"] = json!(["Staff"]);
    of_web["businessOwnerId"] = json!(api.owner("round").await);
    let web = api.makes("webapp", of_web).await;
    let mobile = api
        .makes("mobileapp", mobile("Round", &package, "1.0", &picture))
        .await;
    let item = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/create",
            json!({"name": "Item"}),
        )
        .await;
    let item: AppId = item["guid"].as_str().unwrap().parse().unwrap();
    for (listing, id) in [
        ("webapp", web),
        ("mobileapp", mobile),
        ("mobileapp", item.uuid()),
    ] {
        let before = api.read(listing, &id).await;
        let put = api
            .does("PUT", &format!("/apps/{listing}/id/{id}"), before.clone())
            .await;
        assert_eq!(put, before, "{listing}");
        assert_eq!(api.read(listing, &id).await, before, "{listing}");
        api.verify(listing).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_creates_of_one_name_one_wins() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let answers = all((0..32).map(|n| {
        api.send(
            "POST",
            "/apps/webapp",
            web(
                if n % 2 == 0 { "Same" } else { "SAME" },
                &format!("/context-{n}"),
            ),
        )
    }))
    .await;
    let won: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    assert_eq!(
        won.len(),
        1,
        "{:?}",
        answers
            .iter()
            .map(|answer| answer.status)
            .collect::<Vec<_>>()
    );
    for lost in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(lost.status, 409, "{}", lost.text);
        assert!(
            lost.json["description"].as_str().unwrap().contains("name"),
            "{}",
            lost.text
        );
    }
    assert_eq!(
        api.does("GET", "/apps/webapp", Value::Null).await["count"],
        1
    );
    api.verify("32 creates of one name").await;

    let answers = all((0..8).map(|n| {
        api.send(
            "POST",
            "/apps/webapp",
            web(&format!("Other {n}"), "/shared"),
        )
    }))
    .await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        1
    );
    for lost in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(lost.status, 409, "{}", lost.text);
        assert!(
            lost.json["description"]
                .as_str()
                .unwrap()
                .contains("/shared"),
            "{}",
            lost.text
        );
    }
    api.verify("8 creates of one context").await;
    // What one list has the other may have too.
    assert_eq!(
        api.does(
            "POST",
            "/apps/webapp/validate-context?appContext=shared",
            Value::Null
        )
        .await,
        json!({"IsContextExists": true})
    );
    assert_eq!(
        api.does(
            "POST",
            "/apps/site/validate-context?appContext=/free",
            Value::Null
        )
        .await,
        json!({"IsContextExists": false})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_share_name_and_context_and_one_is_the_default() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let mut body = web("Line", "/line");
    body["isDefaultVersion"] = json!(true);
    let first = api.makes("webapp", body).await;
    let before = api.read("webapp", &first).await;
    let again = format!("/apps/webapp/id/{first}/create-new-version");
    let second = json!({"version": "2.0", "isDefaultVersion": "true", "description": "The second"});
    let second = api.does("POST", &again, second).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    api.verify("a new version").await;
    let (old, new) = (
        api.read("webapp", &first).await,
        api.read("webapp", &second).await,
    );
    assert_eq!(
        (&old["isDefaultVersion"], &new["isDefaultVersion"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (&new["context"], &new["tags"], &new["customProperties"]),
        (
            &before["context"],
            &before["tags"],
            &before["customProperties"]
        )
    );
    assert_eq!(
        (
            &new["description"],
            &new["previousVersionAppID"],
            &new["lifecycleState"]
        ),
        (&json!("The second"), &json!(first), &json!("CREATED"))
    );
    assert_eq!(new["policyGroups"][0]["policyGroupName"], "Default");
    api.refuses("POST", &again, json!({"version": "2.0"}), 409, "2.0")
        .await;
    api.refuses(
        "POST",
        &again,
        json!({"version": "3.0", "name": "Another"}),
        400,
        "name",
    )
    .await;
    api.refuses(
        "POST",
        "/apps/webapp",
        web("line", "/elsewhere"),
        409,
        "name",
    )
    .await;

    let chosen = api
        .does(
            "PUT",
            &format!("/apps/webapp/id/{first}"),
            json!({"isDefaultVersion": true}),
        )
        .await;
    assert_eq!(chosen["isDefaultVersion"], true);
    assert_eq!(api.read("webapp", &second).await["isDefaultVersion"], false);
    api.verify("another default").await;
    // The name and the context are kept by the version that is left, and free with the last one.
    api.does("DELETE", &format!("/apps/webapp/id/{first}"), Value::Null)
        .await;
    api.verify("the first version is gone").await;
    api.refuses(
        "POST",
        "/apps/webapp",
        web("Line", "/elsewhere"),
        409,
        "name",
    )
    .await;
    api.refuses(
        "POST",
        "/apps/webapp",
        web("Elsewhere", "/line"),
        409,
        "/line",
    )
    .await;
    api.does("DELETE", &format!("/apps/webapp/id/{second}"), Value::Null)
        .await;
    api.verify("the last version is gone").await;
    api.makes("webapp", web("Line", "/line")).await;
    api.verify("the name is used again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_new_versions_at_once_one_wins() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let first = api.makes("webapp", web("Line", "/line")).await;
    let again = format!("/apps/webapp/id/{first}/create-new-version");
    let answers = all((0..12).map(|_| api.send("POST", &again, json!({"version": "2.0"})))).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        1
    );
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 201 | 409))
    );
    api.verify("12 new versions at once").await;
}

/// An app with a package is an item of the other dialect, with its icon, and goes from there too.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_dialect_shows_and_deletes_what_was_made_here() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let picture = api.picture("0123456789abcdef.png").await;
    let first = api.package("0123456789abcdef.apk", "1.0").await;
    let second = api.package("0123456789abcdee.apk", "2.0").await;
    let id = api
        .makes(
            "mobileapp",
            mobile(
                "Notes",
                &format!("/publisher/api/mobileapp/getfile/{first}"),
                "1.0",
                &picture,
            ),
        )
        .await;
    let guid = id.parse::<AppId>().unwrap().item().guid();
    let item = || {
        world.post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/read",
            json!({"guid": guid}),
        )
    };
    let shown = item().await;
    assert_eq!(
        (&shown["name"], &shown["description"]),
        (&json!("Notes"), &json!("A mobile app"))
    );
    assert_eq!(
        shown["icon"].as_str().unwrap(),
        data_encoding_of(&testing::png(32, 32)),
        "the thumbnail is the icon"
    );
    let read = api.read("mobileapp", &id).await;
    assert_eq!(
        (&read["appmeta"]["version"], &read["packageName"]),
        (&json!("1.0"), &json!("com.example.notes"))
    );
    assert!(
        read["appmeta"]["path"].as_str().unwrap().ends_with(&first),
        "{read}"
    );

    // The same file again is no new version, another one is.
    let meta = |file: &str, version: &str| {
        json!({
            "appmeta": {"path": file, "package": "com.example.notes", "version": version},
        })
    };
    api.does(
        "PUT",
        &format!("/apps/mobileapp/id/{id}"),
        meta(&first, "1.0"),
    )
    .await;
    assert_eq!(item().await["binaries"][0]["storeItemBinaryVersion"], 1);
    let changed = api
        .does(
            "PUT",
            &format!("/apps/mobileapp/id/{id}"),
            meta(&second, "2.0"),
        )
        .await;
    assert_eq!(
        (&changed["id"], &changed["appmeta"]["version"]),
        (&json!(id), &json!("2.0"))
    );
    assert_eq!(item().await["binaries"][0]["storeItemBinaryVersion"], 2);
    api.refuses(
        "PUT",
        &format!("/apps/mobileapp/id/{id}"),
        json!({"platform": "ios"}),
        400,
        "platform",
    )
    .await;
    api.refuses(
        "PUT",
        &format!("/apps/mobileapp/id/{id}"),
        json!({"version": "9"}),
        400,
        "version",
    )
    .await;
    api.verify("a second package").await;

    // A new version without a package has the live one of its source; the object is counted for
    // both.
    let made = api
        .does(
            "POST",
            &format!("/apps/mobileapp/id/{id}/create-new-version"),
            json!({"version": "2.0"}),
        )
        .await;
    let copy = made["id"].as_str().unwrap().to_owned();
    let of_copy = api.read("mobileapp", &copy).await;
    assert_eq!(
        (&of_copy["appmeta"]["version"], &of_copy["platform"]),
        (&json!("2.0"), &json!("android"))
    );
    api.verify("a new version with the same package").await;

    // Renamed there, it keeps its name here.
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/update",
            json!({"guid": guid, "name": "Renamed"}),
        )
        .await;
    assert_eq!(api.read("mobileapp", &id).await["name"], "Notes");
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/delete",
            json!({"guid": guid}),
        )
        .await;
    api.verify("deleted by the other dialect").await;
    api.refuses(
        "GET",
        &format!("/apps/mobileapp/id/{id}"),
        Value::Null,
        404,
        "",
    )
    .await;
    assert_eq!(api.read("mobileapp", &copy).await["name"], "Notes");
    world.keep_house().await;
    api.verify("housekeeping").await;
}

/// An item with two packages is two apps here: one of them goes alone.
#[tokio::test(flavor = "multi_thread")]
async fn one_package_of_two_goes_alone() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let item = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/create",
            json!({"name": "Both"}),
        )
        .await;
    let guid = item["guid"].as_str().unwrap().to_owned();
    for (kind, file) in [
        ("android", appdepot_tests::requests::apk(1)),
        ("ios", testing::ipa("com.example.both", "1", "1.0", "Both")),
    ] {
        assert_eq!(
            world
                .upload(&tenant.cookie, &guid, kind, &file)
                .await
                .status,
            200
        );
    }
    let id: AppId = guid.parse().unwrap();
    let (android, ios) = (
        id.binary(BinaryType::Android).uuid(),
        id.binary(BinaryType::Ios).uuid(),
    );
    assert_eq!(api.read("mobileapp", &ios).await["platform"], "ios");
    assert!(
        api.read("mobileapp", &ios).await["thumbnail"]
            .as_str()
            .unwrap()
            .contains(&format!("{guid}.png"))
    );
    api.does("DELETE", &format!("/apps/mobileapp/id/{ios}"), Value::Null)
        .await;
    api.refuses(
        "GET",
        &format!("/apps/mobileapp/id/{ios}"),
        Value::Null,
        404,
        "",
    )
    .await;
    assert_eq!(api.read("mobileapp", &android).await["platform"], "android");
    api.verify("one package of two").await;
    world.keep_house().await;
    api.verify("its object is released").await;
    api.does(
        "DELETE",
        &format!("/apps/mobileapp/id/{android}"),
        Value::Null,
    )
    .await;
    api.refuses(
        "GET",
        &format!("/apps/mobileapp/id/{guid}"),
        Value::Null,
        404,
        "",
    )
    .await;
    api.verify("the whole item").await;
}

/// An item of the other dialect becomes the first version of a line.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_of_an_item_of_the_other_dialect() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let group = api.group("Staff").await;
    let body = json!({"name": "Item", "groups": [group], "restrictToGroups": true});
    let item = world
        .post(&tenant.cookie, "/box/srv/1.1/admin/storeitem/create", body)
        .await;
    let guid = item["guid"].as_str().unwrap().to_owned();
    let made = api
        .does(
            "POST",
            &format!("/apps/mobileapp/id/{guid}/create-new-version"),
            json!({"version": "2.0"}),
        )
        .await;
    let new = api.read("mobileapp", made["id"].as_str().unwrap()).await;
    assert_eq!(
        (&new["name"], &new["version"], &new["visibleRoles"]),
        (&json!("Item"), &json!("2.0"), &json!(["Staff"]))
    );
    api.verify("a new version of an item").await;
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitem/delete",
            json!({"guid": guid}),
        )
        .await;
    api.verify("the item is gone").await;
}

/// Who makes apps may change them until they are approved; who runs the store always may.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_change_an_app_in_which_state() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let maker = api.as_user("maker@dev.example", vec![Role::DevAdmin]).await;
    let id = maker.makes("webapp", web("States", "/states")).await;
    let path = format!("/apps/webapp/id/{id}");
    let change = |who: &'static str| json!({"displayName": format!("by the {who}")});
    for (action, may) in [
        ("", true),
        ("Submit for Review", true),
        ("Approve", false),
        ("Publish", false),
        ("Unpublish", true),
        ("Retire", false),
    ] {
        if !action.is_empty() {
            api.step("webapp", &id, action).await;
        }
        let answer = maker.send("PUT", &path, change("maker")).await;
        assert_eq!(
            answer.status,
            if may { 200 } else { 403 },
            "after {action}: {}",
            answer.text
        );
        assert_eq!(
            api.does("PUT", &path, change("publisher")).await["displayName"],
            "by the publisher"
        );
    }
    assert_eq!(
        api.read("webapp", &id).await["provider"],
        "maker@dev.example"
    );
    // What a body says of its provider is not asked.
    let mut other = web("Provided", "/provided");
    other["provider"] = json!("somebody else");
    let id = api.makes("webapp", other).await;
    assert_ne!(api.read("webapp", &id).await["provider"], "somebody else");
}

/// Groups and templates of a web app, and the groups of users that see it.
#[tokio::test(flavor = "multi_thread")]
async fn policy_groups_and_roles() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let staff = api.group("Staff").await;
    let id = api.makes("webapp", web("Groups", "/groups")).await;
    let path = format!("/apps/webapp/id/{id}");
    let before = api.read("webapp", &id).await;
    let number = before["policyGroups"][0]["policyGroupId"].clone();
    assert_eq!(before["uriTemplates"][0]["policyGroupId"], number);
    let groups = json!({"policyGroups": [
        {
            "policyGroupId": number, "policyGroupName": "Renamed", "throttlingTier": "Silver",
            "userRoles": ["Staff", "analytics"],
        },
        {"policyGroupName": "More", "throttlingTier": "Bronze"},
    ]});
    let after = api.does("PUT", &path, groups).await;
    assert_eq!(after["policyGroups"][0]["policyGroupId"], number);
    assert_eq!(
        after["policyGroups"][0]["userRoles"],
        json!(["Staff", "analytics"])
    );
    assert_eq!(
        after["uriTemplates"][0]["policyGroupName"], "Renamed",
        "the template stays with its group"
    );
    let alone = json!([{"policyGroupName": "More", "throttlingTier": "Bronze"}]);
    api.refuses(
        "PUT",
        &path,
        json!({"policyGroups": alone}),
        400,
        "uriTemplates",
    )
    .await;
    let after = api
        .does(
            "PUT",
            &path,
            json!({"policyGroups": alone, "uriTemplates": []}),
        )
        .await;
    assert_eq!(
        after["uriTemplates"],
        json!([]),
        "it goes with its group where the body says so"
    );
    for (body, names) in [
        (
            json!({"policyGroups": [{"policyGroupName": "A", "userRoles": ["nobody"]}]}),
            "nobody",
        ),
        (
            json!({"policyGroups": [{"policyGroupName": "A", "throttlingTier": "Platinum"}]}),
            "throttlingTier",
        ),
        (
            json!({"policyGroups": [{"policyGroupName": "A", "policyPartialMapping": ["77"]}]}),
            "77",
        ),
        (
            json!({"policyGroups": [{"policyGroupName": "A", "policyGroupId": 1}]}),
            "policyGroupId",
        ),
        (
            json!({"policyGroups": [{"policyGroupName": "A"}, {"policyGroupName": "A"}]}),
            "policyGroups",
        ),
        (
            json!({
                "uriTemplates": [
                    {"urlPattern": "/*", "httpVerb": "GET", "policyGroupName": "None"},
                ],
            }),
            "None",
        ),
        (json!({"visibleRoles": ["Nobody"]}), "Nobody"),
        (json!({"businessOwnerId": "77"}), "77"),
        (json!({"context": "/a b"}), "context"),
    ] {
        api.refuses("PUT", &path, body, 400, names).await;
    }
    let seen = api
        .does("PUT", &path, json!({"visibleRoles": ["Staff"]}))
        .await;
    assert_eq!(seen["visibleRoles"], json!(["Staff"]));
    let guid = id.parse::<AppId>().unwrap().guid();
    let members = world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitemgroup/read",
            json!({"guid": staff}),
        )
        .await;
    assert!(members.to_string().contains(&guid), "{members}");
    api.verify("roles").await;
    let seen = api
        .does(
            "PUT",
            &path,
            json!({"visibleRoles": [], "context": "elsewhere"}),
        )
        .await;
    assert_eq!(
        (&seen["visibleRoles"], &seen["context"]),
        (&json!([]), &json!("/elsewhere"))
    );
    api.verify("no roles, another context").await;
    api.makes("webapp", web("Takes it", "/groups")).await;
}

/// Policy partials are counted by the apps that they are mapped to; a private one is its author's,
/// and stays where it is.
#[tokio::test(flavor = "multi_thread")]
async fn partials_of_policy_groups() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let other = world
        .add_user(&tenant, "author@dev.example", vec![Role::DevAdmin])
        .await;
    let (shared, own, theirs) = (
        api.partial(1, true, &other).await,
        api.partial(2, false, &tenant.admin).await,
        api.partial(3, false, &other).await,
    );
    let with =
        |partials: Value| json!([{"policyGroupName": "Default", "policyPartialMapping": partials}]);
    let mut body = web("Partials", "/partials");
    body["policyGroups"] = with(json!([shared, theirs]));
    api.refuses(
        "POST",
        "/apps/webapp",
        body.clone(),
        400,
        "policyPartialMapping",
    )
    .await;
    body["policyGroups"] = with(json!([shared, own]));
    let id = api.makes("webapp", body).await;
    api.verify("two partials").await;
    let maker = api.as_user("maker@dev.example", vec![Role::DevAdmin]).await;
    let made = maker
        .does(
            "POST",
            &format!("/apps/webapp/id/{id}/create-new-version"),
            json!({"version": "2.0"}),
        )
        .await;
    let copy = made["id"].as_str().unwrap();
    assert_eq!(
        api.read("webapp", copy).await["policyGroups"][0]["policyPartialMapping"],
        json!(["1", "2"]),
        "somebody's private one is copied"
    );
    api.verify("a copy").await;
    api.does(
        "PUT",
        &format!("/apps/webapp/id/{copy}"),
        json!({"policyGroups": with(json!([]))}),
    )
    .await;
    maker
        .refuses(
            "PUT",
            &format!("/apps/webapp/id/{copy}"),
            json!({"policyGroups": with(json!([own]))}),
            400,
            "policyPartialMapping",
        )
        .await;
    api.does("DELETE", &format!("/apps/webapp/id/{id}"), Value::Null)
        .await;
    api.verify("the source is gone").await;
    let counts = world
        .plain
        .table
        .read(&[
            keys::partial(tenant.tenant_id, 1),
            keys::partial(tenant.tenant_id, 2),
        ])
        .await
        .unwrap();
    assert!(
        counts.iter().flatten().all(|partial| partial.count == 0),
        "{counts:?}"
    );
}

/// An app that is restricted to groups that are gone stays closed when what was read of it is sent
/// back.
#[tokio::test(flavor = "multi_thread")]
async fn a_restriction_outlives_its_groups() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let group = api.group("Staff").await;
    let mut body = web("Closed", "/closed");
    body["visibleRoles"] = json!(["Staff"]);
    let id = api.makes("webapp", body).await;
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitemgroup/delete",
            json!({"guid": group}),
        )
        .await;
    let read = api.read("webapp", &id).await;
    assert_eq!(read["visibleRoles"], json!([]));
    api.does("PUT", &format!("/apps/webapp/id/{id}"), read)
        .await;
    let again = api
        .does(
            "POST",
            &format!("/apps/webapp/id/{id}/create-new-version"),
            json!({"version": "2.0"}),
        )
        .await;
    for id in [id.as_str(), again["id"].as_str().unwrap()] {
        let guid = id.parse::<AppId>().unwrap().guid();
        let item = world
            .post(
                &tenant.cookie,
                "/box/srv/1.1/admin/storeitem/read",
                json!({"guid": guid}),
            )
            .await;
        assert_eq!(item["restrictToGroups"], true, "{item}");
    }
    api.verify("a group is gone").await;
}

/// Bodies that are too large, too deep or of too many, and files that are not what they should be.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_bodies_are_refused_and_change_nothing() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let picture = api.picture("0123456789abcdef.png").await;
    let manual = api
        .file(
            "0123456789abcdef.pdf",
            Content::Static {
                media_type: "application/pdf".to_owned(),
                icon: None,
            },
        )
        .await;
    let package = api.package("0123456789abcdef.apk", "1.0").await;
    let before = world.snapshot().await;
    let with = |field: &str, value: Value| {
        let mut body = web("Hostile", "/hostile");
        body[field] = value;
        body
    };
    for (body, names) in [
        (
            with(
                "policyGroups",
                json!(vec![json!({"policyGroupName": "a"}); 10_000]),
            ),
            "policyGroups",
        ),
        (
            with(
                "uriTemplates",
                json!(vec![json!({"urlPattern": "/", "httpVerb": "GET"}); 201]),
            ),
            "uriTemplates",
        ),
        (
            with("customProperties", json!(vec![json!({"name": "a"}); 51])),
            "customProperties",
        ),
        (with("tags", json!(vec!["a"; 21])), "tags"),
        (with("name", json!("n".repeat(201))), "name"),
        (with("name", json!("a\u{0}b")), "name"),
        (with("version", json!("1".repeat(101))), "version"),
        (
            with("appDefinition", json!("é".repeat(100_001))),
            "appDefinition",
        ),
        (with("logoutURL", json!("javascript:alert(1)")), "logoutURL"),
        (with("isSite", json!("perhaps")), "isSite"),
        (with("displayName", json!(["x"])), "displayName"),
    ] {
        api.refuses("POST", "/apps/webapp", body, 400, names).await;
    }
    for (field, value, names) in [
        ("banner", json!(manual), "banner"),
        ("thumbnailUrl", json!(package), "thumbnailUrl"),
        ("screenshots", json!(["../../../etc/passwd"]), "screenshots"),
        (
            "appmeta",
            json!({"path": picture, "package": "com.example.notes", "version": "1.0"}),
            "appmeta.path",
        ),
        ("marketType", json!("webapp"), "weburl"),
    ] {
        let mut body = mobile("Hostile", &package, "1.0", &picture);
        body[field] = value;
        api.refuses("POST", "/apps/mobileapp", body, 400, names)
            .await;
    }
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    for (body, status) in [
        (deep, 400),
        (format!("{{\"name\":\"{}\"}}", "n".repeat(1_100_000)), 413),
    ] {
        let answer = world
            .call("POST", &format!("{API}/apps/webapp"))
            .bearer(&api.bearer)
            .raw("application/json", body.into_bytes())
            .send()
            .await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    assert_eq!(world.snapshot().await, before);
    // A definition within its limit, and the record that holds it.
    let id = api
        .makes("webapp", with("appDefinition", json!("é".repeat(100_000))))
        .await;
    assert_eq!(
        api.read("webapp", &id).await["appDefinition"]
            .as_str()
            .unwrap()
            .chars()
            .count(),
        100_000
    );
}

/// Wherever the store fails, a request is done whole or not at all, and can be sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_leaves_nothing_half_done() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    api.group("Staff").await;
    let picture = api.picture("0123456789abcdef.png").await;
    let (first, second) = (
        api.package("0123456789abcdef.apk", "1.0").await,
        api.package("0123456789abcdee.apk", "2.0").await,
    );
    let owner = api.owner("crash").await;
    let mut of_web = web("Crash", "/crash");
    of_web["visibleRoles"] = json!(["Staff"]);
    of_web["businessOwnerId"] = json!(owner);
    of_web["isDefaultVersion"] = json!(true);
    of_web["policyGroups"][0]["policyPartialMapping"] = json!([
        api.partial(1, true, &tenant.admin).await,
        api.partial(2, true, &tenant.admin).await
    ]);
    let web_id = api.makes("webapp", of_web.clone()).await;
    let mobile_id = api
        .makes("mobileapp", mobile("Crash", &first, "1.0", &picture))
        .await;
    let mut another = of_web;
    another["name"] = json!("Another");
    another["context"] = json!("/another");
    let web_path = format!("/apps/webapp/id/{web_id}");
    let mobile_path = format!("/apps/mobileapp/id/{mobile_id}");
    let meta =
        json!({"appmeta": {"path": second, "package": "com.example.notes", "version": "2.0"}});
    let requests = [
        ("POST", "/apps/webapp".to_owned(), another),
        (
            "POST",
            "/apps/mobileapp".to_owned(),
            mobile("Another", &second, "2.0", &picture),
        ),
        (
            "PUT",
            web_path.clone(),
            json!({
                "policyGroups": [{"policyGroupName": "Staff", "policyPartialMapping": ["2"]}],
                "uriTemplates": [],
                "context": "/moved",
                "visibleRoles": [],
                "businessOwnerId": "",
                "isDefaultVersion": false,
            }),
        ),
        ("PUT", mobile_path.clone(), meta),
        (
            "POST",
            format!("{web_path}/create-new-version"),
            json!({"version": "2.0", "isDefaultVersion": true}),
        ),
        (
            "POST",
            format!("{mobile_path}/create-new-version"),
            json!({"version": "2.0"}),
        ),
        ("DELETE", web_path, Value::Null),
        ("DELETE", mobile_path, Value::Null),
    ];
    api.verify("the beginning").await;
    let before = world.snapshot().await;
    for (method, path, body) in requests {
        for fault in Fault::PASSING {
            for at in 0.. {
                world.failing.fail(at, fault);
                let answer = api.send(method, &path, body.clone()).await;
                let happened = world.failing.heal();
                api.verify(&format!(
                    "{method} {path} with {fault:?} at {at}: {}",
                    answer.status
                ))
                .await;
                if answer.status >= 400 {
                    assert!(
                        matches!(answer.status, 503 | 500),
                        "{method} {path} with {fault:?} at {at}: {} {}",
                        answer.status,
                        answer.text
                    );
                    let after = world.snapshot().await;
                    assert!(
                        after == before || fault == Fault::NotAcknowledged,
                        "{method} {path} with {fault:?} at {at} was refused and done"
                    );
                }
                world.restore(&before).await;
                if !happened {
                    assert!(
                        answer.status < 300,
                        "{method} {path} without a fault: {} {}",
                        answer.status,
                        answer.text
                    );
                    assert!(at > 1, "{method} {path} asks the store");
                    break;
                }
            }
        }
    }
}

/// Objects are counted by whoever has them: releasing one app's does not take another's.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_two_versions_outlives_one_of_them() {
    let (world, tenant) = World::new().await;
    let api = Api::of(&world, &tenant).await;
    let (picture, package) = (
        api.picture("0123456789abcdef.png").await,
        api.package("0123456789abcdef.apk", "1.0").await,
    );
    let id = api
        .makes("mobileapp", mobile("Shared", &package, "1.0", &picture))
        .await;
    let made = api
        .does(
            "POST",
            &format!("/apps/mobileapp/id/{id}/create-new-version"),
            json!({"version": "2.0"}),
        )
        .await;
    api.does("DELETE", &format!("/apps/mobileapp/id/{id}"), Value::Null)
        .await;
    world.clock.advance_seconds(3 * 24 * 3_600);
    world.keep_house().await;
    world.keep_house().await;
    let api = Api::of(&world, &tenant).await;
    api.verify("housekeeping").await;
    let copy = api.read("mobileapp", made["id"].as_str().unwrap()).await;
    assert_eq!(copy["appmeta"]["package"], "com.example.notes");
    let object = keys::object(
        tenant.tenant_id,
        &keys::binary_object(tenant.tenant_id, &format!("{:0>64}", "10")),
    );
    let counted = world.plain.table.read(&[object]).await.unwrap();
    assert_eq!(
        counted[0].as_ref().map(|item| item.count),
        Some(2),
        "the file's and the copy's"
    );
    // One more reference can be taken: the counter is open.
    let write = count_object(
        tenant.tenant_id,
        &keys::binary_object(tenant.tenant_id, &format!("{:0>64}", "10")),
        1,
    );
    world.plain.table.write(vec![write]).await.unwrap();
}

//! Business owners, roles, tiers, java policies and statistics of the publisher API.

use std::collections::BTreeSet;

use appdepot_tests::{Answer, TestTenant, World, all};
use package_reader::testing::Apk;
use serde_json::{Value, json};
use shared::base::clock::Timestamp;
use shared::base::error::Kind;
use shared::base::id::{AppId, BinaryType, Guid};
use shared::base::kind::AppKind;
use shared::base::rights::{Rights, Role, Scopes};
use shared::base::secret::CredentialText;
use shared::base::text::Name;
use shared::change;
use shared::domain::apps::{app, business_owner, making, tier};
use shared::domain::people::roles;
use shared::model::apps::app::App;
use shared::model::log::audit::LogRow;
use shared::model::people::principal::{Means, Principal};
use shared::services::context::Settings;
use shared::store::keys::LogOf;
use shared::store::record::Reader;
use shared::store::{Condition, Write, keys, record};

const API: &str = "/api/appm/publisher/v1.1";

const OWNERS: &str = "/api/appm/publisher/v1.1/administration/businessowner";

const ADMIN: &str = "/box/srv/1.1/admin";

const EVERY_SCOPE: &str = "appm:read appm:create appm:update appm:publish appm:administration";

/// The administrator of a tenant with a token for everything.
struct Desk<'w> {
    world: &'w World,
    tenant: TestTenant,
    token: String,
}

impl<'w> Desk<'w> {
    async fn of(world: &'w World, tenant: TestTenant) -> Self {
        let token = world.bearer(&tenant, &tenant.admin, EVERY_SCOPE).await;
        Self {
            world,
            tenant,
            token,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.world
            .call("GET", path)
            .bearer(&self.token)
            .send()
            .await
    }

    async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        self.world
            .call(method, path)
            .bearer(&self.token)
            .json(body)
            .send()
            .await
    }

    /// Makes an owner and gives its number.
    async fn owner(&self, name: &str) -> u32 {
        let made = self
            .send(
                "POST",
                OWNERS,
                owner(
                    name,
                    &format!("{}@owners.example", name.to_lowercase().replace(' ', "-")),
                ),
            )
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        u32::try_from(made.json["id"].as_u64().unwrap()).unwrap()
    }

    async fn stats(&self, stat: &str, query: &str) -> Value {
        self.read(&format!("{API}/apps/mobileapp/stats/{stat}?{query}"))
            .await["result"]
            .clone()
    }

    async fn principal(&self) -> Principal {
        let owner = self
            .world
            .user_record(&self.tenant, &self.tenant.admin)
            .await
            .value
            .owner;
        let means = Means::Bearer {
            scopes: Scopes::named(EVERY_SCOPE),
        };
        let credential =
            CredentialText::new_bearer(self.tenant.tenant_id, &self.tenant.admin).hash();
        Principal {
            tenant_id: self.tenant.tenant_id,
            domain: self.tenant.domain.clone(),
            owner,
            rights: Rights::ALL,
            means,
            credential,
        }
    }

    /// Makes a web app with that owner, as whoever makes apps does it.
    async fn app(
        &self,
        name: &str,
        owner: Option<u32>,
    ) -> Result<AppId, shared::base::error::Error> {
        let (who, now) = (self.principal().await, self.world.plain.clock.now());
        let reader = &mut Reader::new(&*self.world.plain.table, now);
        let id = AppId::new(now);
        let name = Name::new(name.to_owned()).unwrap();
        change!(reader, {
            let mut app = App::new(&who.owner, id, AppKind::Web, name.clone(), now);
            app.business_owner = owner;
            app.version = "1.0".to_owned();
            let mut writes = making::create_writes(reader, &who, &mut app).await?;
            writes.extend(business_owner::assign(reader, who.tenant_id, None, owner).await?);
            Ok((id, writes))
        })
    }

    /// Gives an app another owner.
    async fn assign(
        &self,
        id: AppId,
        owner: Option<u32>,
    ) -> Result<(), shared::base::error::Error> {
        let (tenant_id, now) = (self.tenant.tenant_id, self.world.plain.clock.now());
        let reader = &mut Reader::new(&*self.world.plain.table, now);
        change!(reader, {
            let mut found = app::read(reader, tenant_id, id).await?;
            let before = found.value.clone();
            found.value.business_owner = owner;
            let mut writes = app::update_writes(tenant_id, &before, &mut found, "admin", now)?;
            writes.extend(
                business_owner::assign(reader, tenant_id, before.business_owner, owner).await?,
            );
            Ok(((), writes))
        })
    }

    async fn verify(&self) {
        self.world.verify(self.tenant.tenant_id).await.unwrap();
    }
}

fn owner(name: &str, email: &str) -> Value {
    json!({
        "name": name,
        "email": email,
        "site": "owners.example",
        "description": "Who answers",
        "properties": [{"key": "telephone", "value": "011", "isVisible": true}],
    })
}

fn is_error(answer: &Answer, status: u16, names: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    let description = answer.json["description"].as_str().unwrap_or_default();
    assert!(
        description.contains(names),
        "{names} is not in {}",
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_business_owner() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    assert_eq!(desk.read(OWNERS).await, json!({"businessOwnerList": []}));
    let made = desk
        .send("POST", OWNERS, owner(" Zoe ", "zoe@owners.example"))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let place = made.header("location").to_owned();
    assert_eq!(place, format!("{OWNERS}/{}", made.json["id"]));
    let read = desk.get(&place).await;
    let mut shown = owner("Zoe", "zoe@owners.example");
    shown["id"] = made.json["id"].clone();
    assert_eq!(read.json, shown);
    assert_eq!(read.header("etag"), made.header("etag"));
    assert!(!read.header("last-modified").is_empty());
    world.clock.advance_seconds(1);
    desk.owner("Abe").await;
    // Oldest first, whatever their numbers and names.
    let names = |list: &Value| {
        list["businessOwnerList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|owner| owner["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&desk.read(OWNERS).await), ["Zoe", "Abe"]);

    let change = |tag: &str, body: Value| {
        world
            .call("PUT", &place)
            .bearer(&desk.token)
            .header("if-match", tag)
            .json(body)
    };
    let changed = change(
        read.header("etag"),
        json!({"name": "Zoe B", "email": "zoe@owners.example"}),
    )
    .send()
    .await;
    assert_eq!((changed.status, changed.text.as_str()), (200, ""));
    assert_ne!(changed.header("etag"), read.header("etag"));
    is_error(
        &change(read.header("etag"), owner("Zoe C", "zoe@owners.example"))
            .send()
            .await,
        412,
        "If-Match",
    );
    let now = desk.get(&place).await;
    assert_eq!(now.header("etag"), changed.header("etag"));
    let id = &made.json["id"];
    // What was not said is empty.
    assert_eq!(
        now.json,
        json!({
            "id": id, "name": "Zoe B", "email": "zoe@owners.example", "site": "", "description": "",
            "properties": [],
        })
    );

    let removal = |tag: &str| {
        world
            .call("DELETE", &place)
            .bearer(&desk.token)
            .header("if-match", tag)
    };
    is_error(&removal("\"stale\"").send().await, 412, "If-Match");
    assert_eq!(removal(now.header("etag")).send().await.status, 200);
    is_error(&desk.get(&place).await, 404, "no business owner");
    is_error(
        &desk.send("PUT", &place, json!({})).await,
        404,
        "no business owner",
    );
    assert_eq!(names(&desk.read(OWNERS).await), ["Abe"]);
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_its_address_is_had_once() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let attempts =
        all((0..8).map(|_| desk.send("POST", OWNERS, owner("Twin", "twin@owners.example")))).await;
    assert_eq!(
        attempts
            .iter()
            .filter(|answer| answer.status == 201)
            .count(),
        1
    );
    assert_eq!(
        attempts
            .iter()
            .filter(|answer| answer.status == 409)
            .count(),
        7
    );
    let twin = desk.read(OWNERS).await["businessOwnerList"][0]["id"].clone();
    is_error(
        &desk
            .send("POST", OWNERS, owner("TWIN", "Twin@Owners.example"))
            .await,
        409,
        "already",
    );
    let other = desk.owner("Other").await;
    let place = format!("{OWNERS}/{other}");
    is_error(
        &desk
            .send("PUT", &place, owner("twin", "twin@owners.example"))
            .await,
        409,
        "already",
    );
    assert_eq!(desk.read(&place).await["name"], "Other");
    // Its own name in other letters is nobody else's.
    assert_eq!(
        desk.send(
            "PUT",
            &format!("{OWNERS}/{twin}"),
            owner("TWIN", "twin@owners.example")
        )
        .await
        .status,
        200
    );
    // A name that was given up is free, and so is that of one that is gone.
    assert_eq!(
        desk.send(
            "PUT",
            &format!("{OWNERS}/{twin}"),
            owner("Single", "twin@owners.example")
        )
        .await
        .status,
        200
    );
    assert_eq!(
        desk.send("PUT", &place, owner("twin", "twin@owners.example"))
            .await
            .status,
        200
    );
    assert_eq!(desk.send("DELETE", &place, Value::Null).await.status, 200);
    assert_eq!(
        desk.send("POST", OWNERS, owner("Twin", "twin@owners.example"))
            .await
            .status,
        201
    );
    desk.verify().await;
    // Two who want one name at once: one has it.
    let rivals = [desk.owner("First").await, desk.owner("Second").await];
    let bodies = rivals.map(|id| {
        (
            format!("{OWNERS}/{id}"),
            owner("Wanted", "wanted@owners.example"),
        )
    });
    let answers = all(bodies
        .iter()
        .map(|(place, body)| desk.send("PUT", place, body.clone())))
    .await;
    assert_eq!(
        answers
            .iter()
            .map(|answer| answer.status)
            .collect::<BTreeSet<_>>(),
        BTreeSet::from([200, 409])
    );
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_once_under_one_tag_are_one_change() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let place = format!("{OWNERS}/{}", desk.owner("Contested").await);
    let tag = desk.get(&place).await.header("etag").to_owned();
    let changes = (0..6).map(|number| {
        let body = owner(&format!("Contested {number}"), "contested@owners.example");
        world
            .call("PUT", &place)
            .bearer(&desk.token)
            .header("if-match", &tag)
            .json(body)
            .send()
    });
    let answers = all(changes).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 412).count(),
        5
    );
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_apps_have_stays() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let (kept, spare) = (desk.owner("Kept").await, desk.owner("Spare").await);
    let place = format!("{OWNERS}/{kept}");
    let before = desk.get(&place).await;
    let mut apps = Vec::new();
    for number in 0..12 {
        apps.push(
            desk.app(&format!("Booking {number:02}"), Some(kept))
                .await
                .unwrap(),
        );
    }
    // What an owner says did not change by the apps that it has.
    assert_eq!(desk.get(&place).await.header("etag"), before.header("etag"));
    let refused = desk.send("DELETE", &place, Value::Null).await;
    is_error(&refused, 412, "12 apps have this business owner: ");
    assert!(
        refused.text.contains("Booking 00 1.0") && refused.text.contains("Booking 09 1.0, …"),
        "{}",
        refused.text
    );
    desk.verify().await;
    // A change of what it says keeps the count.
    assert_eq!(
        desk.send("PUT", &place, owner("Renamed", "kept@owners.example"))
            .await
            .status,
        200
    );
    desk.verify().await;
    for id in &apps[1..] {
        desk.assign(*id, Some(spare)).await.unwrap();
    }
    is_error(
        &desk.send("DELETE", &place, Value::Null).await,
        412,
        "1 app has this business owner: Booking 00 1.0",
    );
    desk.assign(apps[0], None).await.unwrap();
    assert_eq!(desk.send("DELETE", &place, Value::Null).await.status, 200);
    let unknown = desk.assign(apps[0], Some(kept)).await.unwrap_err();
    assert!(
        unknown.kind == Kind::Invalid && unknown.message.contains("businessOwnerId"),
        "{unknown}"
    );
    desk.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_goes_or_gets_an_app_and_never_both() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    for round in 0..10 {
        let id = desk.owner(&format!("Round {round}")).await;
        let place = format!("{OWNERS}/{id}");
        let name = format!("App {round}");
        let (gone, app) = tokio::join!(
            desk.send("DELETE", &place, Value::Null),
            desk.app(&name, Some(id))
        );
        match app {
            Ok(_) => is_error(&gone, 412, "business owner"),
            Err(error) => assert!(
                gone.status == 200 && error.kind == Kind::Invalid,
                "{error} {}",
                gone.text
            ),
        }
        desk.verify().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_business_owner_is_refused_and_changes_nothing() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let place = format!("{OWNERS}/{}", desk.owner("Steady").await);
    let before = world.snapshot().await;
    let good = || owner("Fresh", "fresh@owners.example");
    let with = |field: &str, value: Value| {
        let mut body = good();
        body[field] = value;
        body
    };
    let property =
        |key: &str, value: &str| json!([{"key": key, "value": value, "isVisible": false}]);
    let cases = [
        (with("name", json!("  ")), "name"),
        (with("name", Value::Null), "name"),
        (with("name", json!("x".repeat(201))), "name"),
        (with("name", json!("a\u{0}b")), "name"),
        (with("name", json!({"first": "x"})), "name"),
        (with("email", json!("nobody")), "email"),
        (
            with("email", json!("two@one.example, three@one.example")),
            "email",
        ),
        (
            with("email", json!(format!("{}@one.example", "x".repeat(200)))),
            "email",
        ),
        (with("site", json!("x".repeat(1_001))), "site"),
        (with("description", json!("\u{1b}[0m")), "description"),
        (
            with(
                "properties",
                json!(
                    (0..51)
                        .map(|n| json!({"key": format!("k{n}"), "value": ""}))
                        .collect::<Vec<_>>()
                ),
            ),
            "properties",
        ),
        (with("properties", property("", "x")), "properties"),
        (
            with("properties", property(&"k".repeat(201), "x")),
            "properties",
        ),
        (
            with("properties", property("k", &"v".repeat(1_001))),
            "properties",
        ),
        (
            with(
                "properties",
                json!([{"key": "k", "value": "v", "isVisible": "perhaps"}]),
            ),
            "properties",
        ),
        (with("properties", json!("telephone")), "properties"),
        (json!([]), ""),
    ];
    for (body, names) in cases {
        is_error(&desk.send("POST", OWNERS, body.clone()).await, 400, names);
        is_error(&desk.send("PUT", &place, body).await, 400, names);
    }
    for id in [
        "0",
        "-1",
        "+5",
        "007",
        "2147483648",
        "99999999999999999999",
        "1.0",
        "%20",
        "one",
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            assert_eq!(
                desk.send(method, &format!("{OWNERS}/{id}"), good())
                    .await
                    .status,
                400,
                "{method} {id}"
            );
        }
    }
    let made = world
        .call("POST", OWNERS)
        .bearer(&desk.token)
        .header("if-match", "*")
        .json(good())
        .send()
        .await;
    is_error(&made, 412, "If-Match");
    assert!(world.snapshot().await == before, "something was written");
    // The most that is allowed is.
    let most = json!(
        (0..50)
            .map(|n| json!({"key": format!("{n:0>200}"), "value": "\u{1F600}".repeat(1_000)}))
            .collect::<Vec<_>>()
    );
    let made = desk.send("POST", OWNERS, with("properties", most)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let shown = desk.read(made.header("location")).await;
    assert_eq!(shown["properties"].as_array().unwrap().len(), 50);
    assert_eq!(shown["properties"][0]["isVisible"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_may_ask_for_conditions() {
    let settings = Settings {
        require_if_match: true,
        create_status: 200,
        ..Settings::default()
    };
    let (world, tenant) = World::with_settings(settings, 1).await;
    let desk = Desk::of(&world, tenant).await;
    let made = desk
        .send("POST", OWNERS, owner("Guarded", "guarded@owners.example"))
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let place = made.header("location").to_owned();
    is_error(&desk.send("PUT", &place, json!({})).await, 403, "If-Match");
    is_error(
        &desk.send("DELETE", &place, Value::Null).await,
        403,
        "If-Match",
    );
    let conditional = |method: &str| {
        world
            .call(method, &place)
            .bearer(&desk.token)
            .header("if-match", "*")
    };
    assert_eq!(
        conditional("PUT")
            .json(owner("Other", "guarded@owners.example"))
            .send()
            .await
            .status,
        200
    );
    assert_eq!(conditional("DELETE").send().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_of_another_tenant_are_nowhere() {
    let (world, tenant) = World::new().await;
    let ours = Desk::of(&world, tenant).await;
    let theirs = Desk::of(&world, world.tenant("other").await).await;
    let place = format!("{OWNERS}/{}", ours.owner("Ours").await);
    assert_eq!(theirs.get(&place).await.status, 404);
    assert_eq!(
        theirs
            .send("PUT", &place, owner("Theirs", "ours@owners.example"))
            .await
            .status,
        404
    );
    assert_eq!(theirs.send("DELETE", &place, Value::Null).await.status, 404);
    assert_eq!(theirs.read(OWNERS).await["businessOwnerList"], json!([]));
    // The same name is free there.
    theirs.owner("Ours").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_those_of_the_platform_and_the_groups() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let path = format!("{API}/roles");
    let platform: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    assert_eq!(desk.read(&path).await, json!({"roleIds": platform}));
    let tag = desk.get(&path).await.header("etag").to_owned();
    for name in ["Sales team", "DEV"] {
        world
            .post(
                &desk.tenant.cookie,
                &format!("{ADMIN}/storeitemgroup/create"),
                json!({"name": name}),
            )
            .await;
        world.clock.advance_seconds(1);
    }
    let listed = desk.get(&path).await;
    // A group that is called as a role of the platform is no second role.
    assert_eq!(
        listed.json["roleIds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect::<Vec<_>>(),
        [&platform[..], &["Sales team"]].concat()
    );
    assert_ne!(listed.header("etag"), tag);
    let required = async |names: &[&str]| {
        let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        roles::require(&mut reader, desk.tenant.tenant_id, "userRoles", &names)
            .await
            .map_err(|error| error.message)
    };
    assert_eq!(required(&[]).await, Ok(()));
    assert_eq!(
        required(&["dev", "sales TEAM", "Dev", "sales team"]).await,
        Ok(())
    );
    assert_eq!(
        required(&["dev", "Marketing"]).await,
        Err("userRoles: there is no role Marketing".to_owned())
    );
    let many: Vec<String> = (0..101).map(|number| format!("Group {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        required(&many).await,
        Err("userRoles: at most 100 roles".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_are_of_web_apps_and_java_policies_are_none() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    for kind in ["webapp", "site"] {
        let tiers = desk
            .read(&format!("{API}/apps/{kind}/throttlingtiers"))
            .await;
        let names: Vec<&str> = tiers["tierList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tier| tier["tierName"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["Bronze", "Silver", "Gold", "Unlimited"]);
        // What is listed is what an app may have.
        assert!(names.iter().all(|name| tier::find(name).is_ok()));
    }
    for (query, status) in [
        ("", 200),
        ("?isGlobal=True", 200),
        ("?isGlobal=false", 200),
        ("?isGlobal=", 400),
        ("?isGlobal=1", 400),
    ] {
        let answer = desk.get(&format!("{API}/javapolicies{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
    }
}

/// A published item with an Android binary.
async fn item(desk: &Desk<'_>, name: &str) -> String {
    let cookie = &desk.tenant.cookie;
    let made = desk
        .world
        .post(
            cookie,
            &format!("{ADMIN}/storeitem/create"),
            json!({"name": name}),
        )
        .await;
    let guid = made["guid"].as_str().unwrap().to_owned();
    assert_eq!(
        desk.world
            .upload(cookie, &guid, "android", &Apk::default().build())
            .await
            .status,
        200
    );
    desk.world
        .post(
            cookie,
            &format!("{ADMIN}/appstore/additem"),
            json!({"guid": guid}),
        )
        .await;
    guid
}

async fn install(world: &World, session: &str, guid: &str) {
    let path = format!("/box/srv/1.1/mas/storeitem/install?guid={guid}&type=android");
    let installed = world.call("GET", &path).session(session).send().await;
    assert_eq!(installed.status, 302, "{}", installed.text);
}

fn uuid(guid: &str) -> String {
    guid.parse::<AppId>()
        .unwrap()
        .binary(BinaryType::Android)
        .uuid()
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_count_what_was_fetched() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let mut sessions = Vec::new();
    for name in ["anna", "ben"] {
        world.add_user(&desk.tenant, name, vec![Role::Sub]).await;
        sessions.push(
            world
                .store_session(&desk.tenant, name, &format!("CUID-{name}"))
                .await,
        );
    }
    let (notes, maps, gone) = (
        item(&desk, "Notes").await,
        item(&desk, "Maps").await,
        item(&desk, "Gone").await,
    );
    item(&desk, "Unused").await;
    for (session, guid) in [
        (0, &notes),
        (0, &notes),
        (1, &notes),
        (0, &gone),
        (1, &maps),
    ] {
        install(&world, &sessions[session], guid).await;
    }
    world.clock.advance_seconds(1_800);
    let later = world.plain.clock.now();
    install(&world, &sessions[1], &maps).await;
    world
        .post(
            &desk.tenant.cookie,
            &format!("{ADMIN}/storeitem/delete"),
            json!({"guid": gone}),
        )
        .await;
    let version = Apk::default().version_name.clone();

    let counts = |maps_count: u64, notes_count: u64| {
        let row = |guid: &str, name: &str, count: u64| {
            json!({
                "appId": uuid(guid), "appName": name, "appVersion": version,
                "subscriptionCount": count,
            })
        };
        let mut rows = vec![
            (notes_count, row(&notes, "Notes", notes_count)),
            (maps_count, row(&maps, "Maps", maps_count)),
        ];
        rows.retain(|(count, _)| *count > 0);
        Value::Array(rows.into_iter().map(|(_, row)| row).collect())
    };
    // Who fetched an app twice subscribed once; what is gone and what nobody fetched is not in it.
    assert_eq!(
        desk.stats("getSubscriptionCountsPerApp", "").await,
        counts(1, 2)
    );
    assert_eq!(
        desk.stats("getSubscriptionCountsPerApp", "limit=1").await,
        json!([counts(1, 2)[0]])
    );
    let since = format!("startTimeStamp={}", later.0);
    assert_eq!(
        desk.stats("getSubscriptionCountsPerApp", &since).await,
        counts(1, 0)
    );
    let until = format!(
        "endTimeStamp={}",
        later.plus_seconds(-900).plain().replace(' ', "%20")
    );
    assert_eq!(
        desk.stats("getSubscriptionCountsPerApp", &until).await,
        counts(1, 2)
    );

    let subscriptions = desk.stats("getSubscriptionsPerApp", "").await;
    let of_maps = subscriptions
        .as_array()
        .unwrap()
        .iter()
        .find(|app| app["appName"] == "Maps")
        .unwrap();
    assert_eq!(
        of_maps["subscribersList"],
        json!([{"name": "ben", "subscribedDate": later.plain()}])
    );
    let names = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|user| user["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let of_notes = subscriptions
        .as_array()
        .unwrap()
        .iter()
        .find(|app| app["appName"] == "Notes")
        .unwrap();
    assert_eq!(names(&of_notes["subscribersList"]), ["anna", "ben"]);

    let usage = |list: Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|row| {
                (
                    row["apiName"].clone(),
                    row["userId"].clone(),
                    row["count"].clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    let row = |name: &str, user: &str, count: u64| (json!(name), json!(user), json!(count));
    // The most often first; of as many, those of the app that was fetched more often.
    let per_user = usage(desk.stats("getAppUsagePerUser", "").await);
    assert_eq!(
        per_user,
        [
            row("Notes", "anna", 2),
            row("Maps", "ben", 2),
            row("Notes", "ben", 1)
        ]
    );
    assert_eq!(
        usage(
            desk.stats("getAppUsagePerUser", &format!("{since}&limit=5"))
                .await
        ),
        [row("Maps", "ben", 1)]
    );
    assert_eq!(
        usage(desk.stats("getAppUsagePerPage", &since).await),
        [row(&format!("Maps(v{version})"), "ben", 1)]
    );
    for stat in ["getAppResponseTime", "getCacheHit"] {
        assert_eq!(desk.stats(stat, "").await, json!([]));
    }
    // Web apps are fetched from nowhere.
    assert_eq!(
        desk.read(&format!("{API}/apps/webapp/stats/getAppUsagePerUser"))
            .await,
        json!({"result": []})
    );
    let other = Desk::of(&world, world.tenant("other").await).await;
    assert_eq!(other.stats("getAppUsagePerUser", "").await, json!([]));
    let refused = [
        "startTimeStamp=2016-02-30",
        "endTimeStamp=soon",
        "startTimeStamp=2&endTimeStamp=1",
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=99999999999",
    ];
    for query in refused {
        let names = query.split_once('=').unwrap().0;
        is_error(
            &desk
                .get(&format!(
                    "{API}/apps/mobileapp/stats/getAppUsagePerUser?{query}"
                ))
                .await,
            400,
            names,
        );
        // What answers nothing reads its parameters too.
        is_error(
            &desk
                .get(&format!("{API}/apps/webapp/stats/getCacheHit?{query}"))
                .await,
            400,
            names,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statistic_reads_so_much_of_the_log_and_says_so() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let guid = item(&desk, "Popular").await;
    let binary = guid.parse::<AppId>().unwrap().binary(BinaryType::Android);
    // Rows of 300 KB: three of them are a page.
    let start = world.plain.clock.now().0 - 60 * 86_400_000;
    for day in 0..40 {
        let at = Timestamp(start + day * 86_400_000);
        let address = "x".repeat(300_000);
        let row = LogRow {
            guid: Guid::random(),
            at,
            cuid: String::new(),
            address,
            binary,
            version: 1,
            title: "Popular".to_owned(),
            user: Guid::random(),
            username: format!("user {day}"),
        };
        let key = keys::log_row(desk.tenant.tenant_id, LogOf::All, at, &row.guid);
        let write: Write = record::put(key, &row, Condition::Always).unwrap();
        world.plain.table.write(vec![write]).await.unwrap();
    }
    let path = format!("{API}/apps/mobileapp/stats/getAppUsagePerUser");
    world.counting.take();
    is_error(&desk.get(&path).await, 413, "startTimeStamp");
    let counts = world.counting.take();
    // The caller, and eight pages.
    assert!(counts.calls <= 9, "{counts:?}");
    let narrow = desk
        .stats(
            "getAppUsagePerUser",
            &format!(
                "startTimeStamp={start}&endTimeStamp={}",
                start + 9 * 86_400_000
            ),
        )
        .await;
    assert_eq!(narrow.as_array().unwrap().len(), 10);
    let last = desk
        .stats(
            "getAppUsagePerUser",
            &format!("startTimeStamp={}", start + 30 * 86_400_000),
        )
        .await;
    assert_eq!(last.as_array().unwrap().len(), 10);
}

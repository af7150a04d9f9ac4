//! Policy partials and decisions by them: what several requests at once leave behind, hostile
//! texts, and who gets in where.

use std::collections::BTreeSet;

use appdepot_tests::{Answer, TestTenant, World, all};
use serde_json::{Value, json};
use shared::base::error::{Error, Kind};
use shared::base::id::{AppId, Guid};
use shared::base::kind::{AppKind, Listing};
use shared::base::rights::{Rights, Role, Scopes};
use shared::base::secret::CredentialText;
use shared::base::text::Name;
use shared::change;
use shared::domain::apps::policy_partial::{MAX_NUMBER, PolicyPartialInput};
use shared::domain::apps::{app, making, policy_partial, publication};
use shared::model::apps::app::App;
use shared::model::apps::line::ContextClaim;
use shared::model::apps::policy_partial::Partial;
use shared::model::apps::publication::{PolicyGroup, Publication, UriTemplate};
use shared::model::people::principal::{Means, Principal};
use shared::store::record::{Reader, Stored};
use shared::store::{Condition, keys, record};

const API: &str = "/api/appm/publisher/v1.1";

const STRING: &str = "http://www.w3.org/2001/XMLSchema#string";

const ROLE: &str = "http://wso2.org/claims/role";

const SUBJECT: &str = "urn:oasis:names:tc:xacml:1.0:subject-category:access-subject";

const ENVIRONMENT: &str = "urn:oasis:names:tc:xacml:3.0:attribute-category:environment";

const RESOURCE: &str = "urn:oasis:names:tc:xacml:3.0:attribute-category:resource";

/// A condition that holds where an attribute has a value.
fn condition(category: &str, attribute: &str, value: &str) -> String {
    format!(
        "<Condition>\n<Apply \
            FunctionId=\"urn:oasis:names:tc:xacml:1.0:function:string-is-in\">\n<AttributeValue \
            DataType=\"{STRING}\">{value}</AttributeValue>\n\
         <AttributeDesignator Category=\"{category}\" AttributeId=\"{attribute}\" \
         DataType=\"{STRING}\" MustBePresent=\"false\"/>\n</Apply>\n</Condition>"
    )
}

fn rule(effect: &str, id: &str, condition: &str) -> String {
    format!("<Rule Effect=\"{effect}\" RuleId=\"{id}\">{condition}</Rule>")
}

fn admins_only() -> String {
    rule("Permit", "admins-only", &condition(SUBJECT, ROLE, "admin"))
}

/// A world with a token of the administrator for everything.
struct Stage {
    world: World,
    tenant: TestTenant,
    token: String,
}

impl Stage {
    async fn new() -> Self {
        let (world, tenant) = World::new().await;
        let token = world
            .bearer(
                &tenant,
                &tenant.admin,
                "appm:read appm:create appm:update appm:publish appm:administration",
            )
            .await;
        Self {
            world,
            tenant,
            token,
        }
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let call = self
            .world
            .call(method, &format!("{API}{path}"))
            .bearer(&self.token);
        if let Some(body) = body {
            call.json(body).send().await
        } else {
            call.send().await
        }
    }

    async fn partial(&self, text: &str, shared: bool) -> u32 {
        let body =
            json!({"policyPartial": text, "policyPartialName": "Ours", "isSharedPartial": shared});
        let answer = self
            .send("POST", "/administration/xacmlpolicies", Some(body))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        number(&answer.json["policyPartialId"])
    }

    async fn delete(&self, partial: u32) -> Answer {
        self.send(
            "DELETE",
            &format!("/administration/xacmlpolicies/{partial}"),
            None,
        )
        .await
    }

    /// The caller that operations would see.
    async fn principal(&self, user: &Guid) -> Principal {
        let tenant = &self.tenant;
        let owner = self.world.user_record(tenant, user).await.value.owner;
        let credential = CredentialText::new_bearer(tenant.tenant_id, user).hash();
        Principal {
            tenant_id: tenant.tenant_id,
            domain: tenant.domain.clone(),
            owner,
            rights: Rights::ALL,
            means: Means::Bearer {
                scopes: Scopes::named("appm:read"),
            },
            credential,
        }
    }

    fn reader(&self) -> Reader<'_> {
        Reader::new(&*self.world.plain.table, self.world.plain.clock.now())
    }

    /// Makes a web app by the rules of the house, with that said of it.
    async fn app(
        &self,
        who: &Principal,
        name: &str,
        kind: AppKind,
        said: &Publication,
    ) -> Result<AppId, Error> {
        self.app_by(&mut self.reader(), who, name, kind, said).await
    }

    async fn app_by(
        &self,
        reader: &mut Reader<'_>,
        who: &Principal,
        name: &str,
        kind: AppKind,
        said: &Publication,
    ) -> Result<AppId, Error> {
        let now = reader.now();
        let id = AppId::new(now);
        let partials = partials_of(said);
        change!(reader, {
            let mut app = App::new(
                &who.owner,
                id,
                kind,
                Name::new(name.to_owned()).expect("a name"),
                now,
            );
            app.context = Some(format!("/{name}"));
            app.version = "1.0".to_owned();
            let mut writes = making::create_writes(reader, who, &mut app).await?;
            writes.extend(
                policy_partial::map(reader, who.tenant_id, &who.owner.user, id, &[], &partials)
                    .await?,
            );
            writes.push(record::create(keys::publication(who.tenant_id, id), said)?);
            let claim = ContextClaim {
                line: id.guid(),
                versions: vec![id],
            };
            writes.push(record::create(
                keys::context(who.tenant_id, &format!("/{name}")),
                &claim,
            )?);
            Ok((id, writes))
        })
    }

    /// Says something else of an app.
    async fn say(&self, who: &Principal, id: AppId, said: &Publication) -> Result<(), Error> {
        let reader = &mut self.reader();
        let now = reader.now();
        change!(reader, {
            let mut app = publication::read(reader, who.tenant_id, Listing::Web, id).await?;
            let mut found: Stored<Publication> = reader
                .get(&keys::publication(who.tenant_id, id))
                .await?
                .expect("a publication");
            let before = partials_of(&found.value);
            found.value = said.clone();
            let app_before = app.value.clone();
            let mut writes = app::update_writes(
                who.tenant_id,
                &app_before,
                &mut app,
                &who.owner.username,
                now,
            )?;
            writes.push(found.replace()?);
            writes.extend(
                policy_partial::map(
                    reader,
                    who.tenant_id,
                    &who.owner.user,
                    id,
                    &before,
                    &partials_of(said),
                )
                .await?,
            );
            Ok(((), writes))
        })
    }

    async fn publish(&self, id: AppId, publish: bool) {
        let operation = if publish { "additem" } else { "removeitem" };
        self.world
            .post(
                &self.tenant.cookie,
                &format!("/box/srv/1.1/admin/appstore/{operation}"),
                json!({"guid": id.guid()}),
            )
            .await;
    }

    async fn decide(&self, id: AppId, body: Value) -> Value {
        let answer = self
            .send(
                "POST",
                &format!("/apps/webapp/id/{}/decision", id.uuid()),
                Some(body),
            )
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    }

    async fn verify(&self) {
        self.world
            .verify(self.tenant.tenant_id)
            .await
            .unwrap_or_else(|faults| panic!("{faults}"));
    }
}

fn number(value: &Value) -> u32 {
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or_else(|| panic!("no number: {value}"))
}

fn partials_of(said: &Publication) -> Vec<u32> {
    said.policy_groups
        .iter()
        .flat_map(|group| &group.partials)
        .copied()
        .collect()
}

fn group(
    id: u32,
    name: &str,
    roles: &[&str],
    partials: &[u32],
    allow_anonymous: bool,
) -> PolicyGroup {
    PolicyGroup {
        id,
        name: name.to_owned(),
        description: String::new(),
        throttling_tier: ["Unlimited", "Gold", "Silver"][id as usize % 3].to_owned(),
        user_roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        partials: partials.to_vec(),
        allow_anonymous,
    }
}

fn said(groups: Vec<PolicyGroup>, templates: &[(&str, &str, u32)]) -> Publication {
    let template = |(id, (pattern, verb, group)): (u32, &(&str, &str, u32))| UriTemplate {
        id,
        url_pattern: (*pattern).to_owned(),
        http_verb: (*verb).to_owned(),
        policy_group: *group,
    };
    Publication {
        policy_groups: groups,
        uri_templates: (1..).zip(templates).map(template).collect(),
        ..Publication::default()
    }
}

/// With one group of these partials.
fn with_partials(partials: &[u32]) -> Publication {
    said(
        vec![group(1, "Default", &[], partials, false)],
        &[("/*", "GET", 1)],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_is_kept_as_it_was_sent() {
    let stage = Stage::new().await;
    let text = format!("\n  {}  <!-- é -->\n", admins_only());
    let body = json!({
        "policyPartial": text, "policyPartialName": "é".repeat(256),
        "policyPartialDesc": "d".repeat(1_000), "isSharedPartial": "TRUE",
    });
    let made = stage
        .send("POST", "/administration/xacmlpolicies/", Some(body.clone()))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = number(&made.json["policyPartialId"]);
    assert!((1..=MAX_NUMBER).contains(&id));
    assert_eq!(
        made.header("location"),
        format!("{API}/administration/xacmlpolicies/{id}")
    );
    let read = stage
        .send("GET", &format!("/administration/xacmlpolicies/{id}"), None)
        .await;
    assert_eq!(read.header("etag"), made.header("etag"));
    assert_eq!(read.json["policyPartial"], text);
    assert_eq!(read.json["isSharedPartial"], true);
    assert_eq!(read.json["policyPartialDesc"], body["policyPartialDesc"]);
    // What an update does not say stays.
    let changed = stage
        .send(
            "PUT",
            &format!("/administration/xacmlpolicies/{id}"),
            Some(json!({"policyPartial": condition(SUBJECT, ROLE, "a")})),
        )
        .await;
    assert_eq!((changed.status, changed.text.as_str()), (200, ""));
    let read_again = stage
        .send("GET", &format!("/administration/xacmlpolicies/{id}"), None)
        .await;
    assert_eq!(read_again.header("etag"), changed.header("etag"));
    assert_ne!(read_again.header("etag"), read.header("etag"));
    assert_eq!(
        read_again.json["policyPartialName"],
        body["policyPartialName"]
    );
    assert_eq!(read_again.json["isSharedPartial"], true);
    assert_eq!(
        read_again.json["policyPartial"],
        condition(SUBJECT, ROLE, "a")
    );
    stage.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_refused_and_change_nothing() {
    let stage = Stage::new().await;
    let kept = stage.partial(&admins_only(), true).await;
    let before = stage.world.snapshot().await;
    let laughs = "<!DOCTYPE Rule [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \
        \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>";
    let deep = |levels: usize| {
        let not = "<Apply FunctionId=\"urn:oasis:names:tc:xacml:1.0:function:not\">";
        format!(
            "<Condition>{}{}</Condition>",
            not.repeat(levels),
            "</Apply>".repeat(levels)
        )
    };
    let unknown = condition(SUBJECT, ROLE, "admin").replace("string-is-in", "string-eats");
    let attributes: String = (0..2_000)
        .map(|number| format!(" a{number}=\"\""))
        .collect();
    for (text, contains) in [
        (
            format!("{laughs}<Rule Effect=\"Permit\">&c;</Rule>"),
            "policyPartial: ",
        ),
        (
            format!(
                "<!DOCTYPE Rule SYSTEM \"http://127.0.0.1/x.dtd\">{}",
                admins_only()
            ),
            "policyPartial: ",
        ),
        (deep(40), "Line 1, column"),
        (deep(400), "policyPartial: "),
        (format!("<Condition{attributes}/>"), "policyPartial: "),
        (
            format!("<!--{}-->{}", "x".repeat(30_000), admins_only()),
            "30000",
        ),
        (unknown, "Line 2, column 1: The function"),
        ("<Rule Effect=\"Permit\"/>".to_owned(), "policyPartial: "),
        ("<Policy/>".to_owned(), "policyPartial: "),
        ("\u{0}".to_owned(), "policyPartial"),
        (" \n ".to_owned(), "policyPartial is missing"),
        (String::new(), "policyPartial is missing"),
    ] {
        for (method, path) in [
            ("POST", "/administration/xacmlpolicies/validate".to_owned()),
            ("POST", "/administration/xacmlpolicies".to_owned()),
            ("PUT", format!("/administration/xacmlpolicies/{kept}")),
        ] {
            let answer = stage
                .send(method, &path, Some(json!({"policyPartial": text})))
                .await;
            assert_eq!(
                answer.status, 400,
                "{method} {path} {text:.200}: {}",
                answer.text
            );
            let description = answer.json["description"].as_str().unwrap_or_default();
            assert!(
                description.contains(contains),
                "{method} {path} {text:.200}: {description}"
            );
        }
    }
    let good = admins_only();
    for (body, status) in [
        (
            json!({"policyPartial": good, "policyPartialName": "é".repeat(257)}),
            400,
        ),
        (
            json!({"policyPartial": good, "policyPartialName": "a\u{7}b"}),
            400,
        ),
        (
            json!({"policyPartial": good, "policyPartialDesc": "d".repeat(1_001)}),
            400,
        ),
        (
            json!({"policyPartial": good, "isSharedPartial": "perhaps"}),
            400,
        ),
        (json!({"policyPartial": {"a": 1}}), 400),
        (json!({"policyPartial": "x".repeat(1_100_000)}), 413),
    ] {
        for (method, path) in [
            ("POST", "/administration/xacmlpolicies".to_owned()),
            ("PUT", format!("/administration/xacmlpolicies/{kept}")),
        ] {
            let answer = stage.send(method, &path, Some(body.clone())).await;
            assert_eq!(answer.status, status, "{method}: {}", answer.text);
        }
    }
    let broken = stage
        .world
        .call("POST", &format!("{API}/administration/xacmlpolicies"))
        .bearer(&stage.token);
    let broken = broken
        .raw(
            "application/json",
            b"{\"policyPartial\": \"\xff\xfe<Rule/>\"}".to_vec(),
        )
        .send()
        .await;
    assert_eq!(broken.status, 400, "{}", broken.text);
    assert!(
        stage.world.snapshot().await == before,
        "something was written"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_shared_partials_in_the_order_of_their_creation() {
    let stage = Stage::new().await;
    let mut made = Vec::new();
    for turn in 0..7 {
        made.push(stage.partial(&admins_only(), turn != 3).await);
        stage.world.clock.advance_seconds(1);
    }
    let shared: Vec<u32> = made
        .iter()
        .enumerate()
        .filter(|(turn, _)| *turn != 3)
        .map(|(_, id)| *id)
        .collect();
    let ids = |answer: &Answer| -> Vec<u32> {
        let list = answer.json["policyList"]
            .as_array()
            .unwrap_or_else(|| panic!("{}", answer.text));
        list.iter()
            .map(|entry| number(&entry["policyPartialId"]))
            .collect()
    };
    let whole = stage.send("GET", "/xacmlpolicies?limit=100", None).await;
    assert_eq!(ids(&whole), shared);
    // Page by page, forwards and back.
    let (mut path, mut seen, mut pages) =
        ("/xacmlpolicies?limit=4".to_owned(), Vec::new(), Vec::new());
    loop {
        let page = stage.send("GET", &path, None).await;
        seen.extend(ids(&page));
        pages.push(page.clone());
        match page.json["next"]
            .as_str()
            .expect("a link")
            .strip_prefix(API)
        {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((seen, pages.len()), (shared.clone(), 2));
    let back = pages[1].json["previous"]
        .as_str()
        .and_then(|link| link.strip_prefix(API))
        .expect("a link");
    assert_eq!(ids(&stage.send("GET", back, None).await), ids(&pages[0]));
    assert_eq!(
        ids(&stage.send("GET", "/xacmlpolicies?offset=100", None).await),
        Vec::<u32>::new()
    );
    for query in ["limit=0", "limit=101", "limit=-1", "offset=-1", "limit=x"] {
        assert_eq!(
            stage
                .send("GET", &format!("/xacmlpolicies?{query}"), None)
                .await
                .status,
            400,
            "{query}"
        );
    }
    // Shared and not shared again.
    for (id, shared_now) in [(made[3], true), (made[0], false)] {
        let body = json!({
            "policyPartial": admins_only(), "isSharedPartial": shared_now,
            "policyPartialName": "Renamed",
        });
        assert_eq!(
            stage
                .send(
                    "PUT",
                    &format!("/administration/xacmlpolicies/{id}"),
                    Some(body)
                )
                .await
                .status,
            200
        );
    }
    assert_eq!(stage.delete(made[6]).await.status, 200);
    let now = stage.send("GET", "/xacmlpolicies", None).await;
    assert_eq!(ids(&now), made[1..6]);
    assert_eq!(
        now.json["policyList"][2],
        json!({"policyPartialId": made[3], "policyPartialName": "Renamed"})
    );
    stage.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_number_is_drawn_again() {
    let stage = Stage::new().await;
    let taken = stage.partial(&admins_only(), true).await;
    let who = stage.principal(&stage.tenant.admin).await;
    let free = if taken == 7 { 8 } else { 7 };
    let said = PolicyPartialInput {
        text: condition(SUBJECT, ROLE, "other"),
        ..PolicyPartialInput::default()
    };
    let mut draws = [taken, taken, free].into_iter();
    let made = policy_partial::create_numbered(&mut stage.reader(), &who, &said, || {
        draws.next().expect("a number")
    })
    .await
    .expect("a partial");
    assert_eq!(made.id, free);
    let refused = policy_partial::create_numbered(&mut stage.reader(), &who, &said, || taken)
        .await
        .expect_err("no number is free");
    assert_eq!(refused.kind, Kind::Conflict);
    let read = stage
        .send(
            "GET",
            &format!("/administration/xacmlpolicies/{taken}"),
            None,
        )
        .await;
    assert_eq!(
        read.json["policyPartial"],
        admins_only(),
        "the one that was first stays"
    );
    stage.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_in_use_stays_and_names_its_apps() {
    let stage = Stage::new().await;
    let who = stage.principal(&stage.tenant.admin).await;
    let partial = stage.partial(&admins_only(), true).await;
    let mut apps = Vec::new();
    for turn in 0..22 {
        let kind = if turn % 5 == 0 {
            AppKind::Site
        } else {
            AppKind::Web
        };
        apps.push(
            stage
                .app(
                    &who,
                    &format!("app-{turn:02}"),
                    kind,
                    &with_partials(&[partial]),
                )
                .await
                .expect("an app"),
        );
        stage.world.clock.advance_seconds(1);
    }
    let refused = stage.delete(partial).await;
    assert_eq!(refused.status, 412, "{}", refused.text);
    let description = refused.json["description"].as_str().expect("a text");
    for (turn, id) in apps.iter().enumerate() {
        let named = description.contains(&format!("app-{turn:02} ({})", id.uuid()));
        assert_eq!(named, turn < 20, "{description}");
    }
    assert!(description.ends_with("2 more"), "{description}");

    // The apps by pages, in the order of their creation; sites alone too.
    let page = |path: String| {
        let stage = &stage;
        async move {
            let answer = stage.send("GET", &path, None).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.json["appList"], answer.json["appSummaryList"]);
            let ids: Vec<String> = answer.json["appList"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|app| app["id"].as_str().unwrap_or_default().to_owned())
                .collect();
            assert_eq!(answer.json["count"], ids.len());
            (
                ids,
                answer.json["next"].as_str().unwrap_or_default().to_owned(),
                answer.json["previous"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            )
        }
    };
    let all_ids: Vec<String> = apps.iter().map(|id| id.uuid()).collect();
    let sites: Vec<String> = apps.iter().step_by(5).map(|id| id.uuid()).collect();
    let path = |list: &str| format!("/xacmlpolicies/{partial}/apps/{list}");
    assert_eq!(
        page(path("webapp")).await,
        (all_ids.clone(), String::new(), String::new())
    );
    let (first, next, previous) = page(format!("{}?limit=20", path("webapp"))).await;
    assert_eq!((&first[..], previous.as_str()), (&all_ids[..20], ""));
    let (second, end, back) = page(next.strip_prefix(API).expect("a link").to_owned()).await;
    assert_eq!((&second[..], end.as_str()), (&all_ids[20..], ""));
    assert_eq!(
        page(back.strip_prefix(API).expect("a link").to_owned())
            .await
            .0,
        first
    );
    assert_eq!(page(path("site")).await.0, sites);
    let (some_sites, more, _) = page(format!("{}?limit=2&offset=1", path("site"))).await;
    assert_eq!((&some_sites[..], more.is_empty()), (&sites[1..3], false));
    assert_eq!(page(path("mobileapp")).await.0, Vec::<String>::new());
    let row = &stage.send("GET", &path("webapp"), None).await.json["appList"][0];
    let wanted = json!({
        "id": all_ids[0],
        "name": "app-00",
        "description": "",
        "context": "/app-00",
        "version": "1.0",
        "provider": who.owner.username,
        "lifecycleState": "CREATED", "rating": 0
    });
    assert_eq!(*row, wanted);

    for id in &apps {
        stage
            .say(&who, *id, &with_partials(&[]))
            .await
            .expect("unmapped");
    }
    stage.verify().await;
    assert_eq!(page(path("webapp")).await.0, Vec::<String>::new());
    assert_eq!(stage.delete(partial).await.status, 200);
    assert_eq!(stage.delete(partial).await.status, 404);
    stage.verify().await;
}

/// The entity tag is about what the partial says, and an update loses no count.
#[tokio::test(flavor = "multi_thread")]
async fn conditions_do_not_see_the_apps() {
    let stage = Stage::new().await;
    let who = stage.principal(&stage.tenant.admin).await;
    let partial = stage.partial(&admins_only(), true).await;
    let path = format!("/administration/xacmlpolicies/{partial}");
    let before = stage.send("GET", &path, None).await;
    let app = stage
        .app(&who, "app", AppKind::Web, &with_partials(&[partial]))
        .await
        .expect("an app");
    let after = stage.send("GET", &path, None).await;
    assert_eq!(before.header("etag"), after.header("etag"));
    let put = |etag: &str| {
        stage
            .world
            .call("PUT", &format!("{API}{path}"))
            .bearer(&stage.token)
            .header("if-match", etag)
            .json(json!({"policyPartial": admins_only()}))
            .send()
    };
    assert_eq!(put(before.header("etag")).await.status, 200);
    assert_eq!(
        put(before.header("etag")).await.status,
        412,
        "it was changed in between"
    );
    assert_eq!(
        stage.delete(partial).await.status,
        412,
        "the app is still counted"
    );
    stage
        .say(&who, app, &with_partials(&[]))
        .await
        .expect("unmapped");
    let stale = stage
        .world
        .call("DELETE", &format!("{API}{path}"))
        .bearer(&stage.token)
        .header("if-match", before.header("etag"))
        .send()
        .await;
    assert_eq!(stale.status, 412, "{}", stale.text);
    assert_eq!(stage.delete(partial).await.status, 200);
    stage.verify().await;
}

/// Between the reading and the writing of each change the other one happens.
#[tokio::test(flavor = "multi_thread")]
async fn mapping_and_deleting_see_each_other() {
    let stage = Stage::new().await;
    let who = stage.principal(&stage.tenant.admin).await;
    let tenant_id = stage.tenant.tenant_id;
    let partial = stage.partial(&admins_only(), true).await;
    let mut stale = stage.reader();
    assert_eq!(
        policy_partial::find(&mut stale, tenant_id, partial)
            .await
            .expect("a partial")
            .count,
        0
    );
    let app = stage
        .app(&who, "first", AppKind::Web, &with_partials(&[partial]))
        .await
        .expect("an app");
    let refused = policy_partial::delete(&mut stale, tenant_id, partial, |_| Ok(()))
        .await
        .expect_err("it is in use");
    assert_eq!(refused.kind, Kind::PreconditionFailed);
    assert!(refused.message.contains(&app.uuid()), "{}", refused.message);

    stage
        .say(&who, app, &with_partials(&[]))
        .await
        .expect("unmapped");
    let mut stale = stage.reader();
    policy_partial::find(&mut stale, tenant_id, partial)
        .await
        .expect("a partial");
    assert_eq!(stage.delete(partial).await.status, 200);
    let refused = stage
        .app_by(
            &mut stale,
            &who,
            "second",
            AppKind::Web,
            &with_partials(&[partial]),
        )
        .await
        .expect_err("it is gone");
    assert_eq!(refused.kind, Kind::Invalid);
    stage.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_map_update_and_delete_at_once() {
    let stage = Stage::new().await;
    let who = &stage.principal(&stage.tenant.admin).await;
    let stage = &stage;
    for round in 0..6 {
        let partial = stage.partial(&admins_only(), round % 2 == 0).await;
        let results = all((0..12).map(|turn| async move {
            match turn % 3 {
                0 => {
                    let made = stage
                        .app(
                            who,
                            &format!("app-{round}-{turn}"),
                            AppKind::Web,
                            &with_partials(&[partial]),
                        )
                        .await;
                    let refused = made.as_ref().err().map(|error| error.kind);
                    assert!(refused.is_none_or(|kind| kind == Kind::Invalid), "{made:?}");
                    ("mapped", made.is_ok())
                }
                1 => {
                    let body = json!({
                        "policyPartial": condition(SUBJECT, ROLE, "b"),
                        "isSharedPartial": turn % 2 == 0,
                    });
                    let answer = stage
                        .send(
                            "PUT",
                            &format!(
                                "/administration/xacmlpolicies/\
                        {partial}"
                            ),
                            Some(body),
                        )
                        .await;
                    assert!(matches!(answer.status, 200 | 404), "{}", answer.text);
                    ("updated", answer.status == 200)
                }
                _ => {
                    let answer = stage.delete(partial).await;
                    assert!(matches!(answer.status, 200 | 404 | 412), "{}", answer.text);
                    ("deleted", answer.status == 200)
                }
            }
        }))
        .await;
        let count = |what: &str| {
            results
                .iter()
                .filter(|result| **result == (what, true))
                .count()
        };
        assert!(count("deleted") <= 1, "{results:?}");
        assert_eq!(count("deleted") == 1, count("mapped") == 0, "{results:?}");
        stage.verify().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partials_of_others_cannot_be_met_or_mapped() {
    let stage = Stage::new().await;
    let (shared, private) = (
        stage.partial(&admins_only(), true).await,
        stage.partial(&admins_only(), false).await,
    );
    let author = stage.principal(&stage.tenant.admin).await;
    let colleague = stage
        .world
        .add_user(
            &stage.tenant,
            "colleague@dev.example",
            vec![Role::PortalAdmin],
        )
        .await;
    let colleague = stage.principal(&colleague).await;
    let own = stage
        .app(
            &author,
            "own",
            AppKind::Web,
            &with_partials(&[shared, private]),
        )
        .await
        .expect("the author maps both");
    stage
        .app(
            &colleague,
            "shared",
            AppKind::Web,
            &with_partials(&[shared]),
        )
        .await
        .expect("whoever maps a shared one");
    let refused = stage
        .app(
            &colleague,
            "private",
            AppKind::Web,
            &with_partials(&[private]),
        )
        .await
        .expect_err("it is somebody else's");
    assert_eq!(
        (refused.kind, refused.message.contains(&private.to_string())),
        (Kind::Invalid, true)
    );
    stage
        .say(&colleague, own, &with_partials(&[private]))
        .await
        .expect("what was mapped before stays");
    // Whoever may administer may read, change and delete it.
    let token = stage
        .world
        .bearer(&stage.tenant, &colleague.owner.user, "appm:administration")
        .await;
    let path = format!("{API}/administration/xacmlpolicies/{private}");
    assert_eq!(
        stage
            .world
            .call("GET", &path)
            .bearer(&token)
            .send()
            .await
            .json["isSharedPartial"],
        false
    );
    let other = stage.world.tenant("other").await;
    let token = stage
        .world
        .bearer(
            &other,
            &other.admin,
            "appm:read appm:create appm:administration",
        )
        .await;
    let before = stage.world.snapshot().await;
    for (method, path) in [
        ("GET", format!("/administration/xacmlpolicies/{shared}")),
        ("PUT", format!("/administration/xacmlpolicies/{shared}")),
        ("DELETE", format!("/administration/xacmlpolicies/{shared}")),
        ("GET", format!("/xacmlpolicies/{shared}/apps/webapp")),
        ("POST", format!("/apps/webapp/id/{}/decision", own.uuid())),
    ] {
        let call = stage
            .world
            .call(method, &format!("{API}{path}"))
            .bearer(&token);
        let body = json!({"policyPartial": admins_only(), "path": "/", "verb": "GET"});
        let answer = if method == "GET" || method == "DELETE" {
            call.send().await
        } else {
            call.json(body).send().await
        };
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
    }
    let listed = stage
        .world
        .call("GET", &format!("{API}/xacmlpolicies"))
        .bearer(&token)
        .send()
        .await;
    assert_eq!(listed.json["count"], 0);
    let mut reader = stage.reader();
    let nowhere = AppId::new(reader.now());
    let mapped = policy_partial::map(
        &mut reader,
        other.tenant_id,
        &other.admin,
        nowhere,
        &[],
        &[shared],
    )
    .await
    .expect_err("it is another tenant's");
    assert_eq!(mapped.kind, Kind::Invalid);
    assert!(
        stage.world.snapshot().await == before,
        "something was written"
    );
    stage.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_in_where() {
    let stage = Stage::new().await;
    let who = stage.principal(&stage.tenant.admin).await;
    let admins = stage.partial(&admins_only(), true).await;
    let no_guests = stage
        .partial(
            &rule(
                "Deny",
                "no-guests",
                &condition(SUBJECT, "urn:x:kind", "guest"),
            ),
            true,
        )
        .await;
    let inside = stage
        .partial(&condition(ENVIRONMENT, "urn:x:zone", "inside"), true)
        .await;
    let tagged = stage
        .partial(&condition(RESOURCE, "urn:x:tag", "open"), true)
        .await;
    let groups = vec![
        group(1, "public", &[], &[], true),
        group(2, "staff", &["employee", "boss"], &[no_guests], false),
        group(3, "admins", &["employee"], &[admins, no_guests], false),
        group(4, "signed in", &[], &[], false),
        group(5, "network", &[], &[inside], true),
        group(6, "tagged", &[], &[tagged], true),
    ];
    let templates = [
        ("/*", "GET", 4),
        ("/public/*", "GET", 1),
        ("/staff/*", "GET", 2),
        ("/staff/*", "POST", 2),
        ("/staff/admin", "GET", 3),
        ("/net/*", "GET", 5),
        ("/tag/*", "GET", 6),
        ("/lost", "GET", 99),
        ("/two/{a}", "GET", 3),
        ("/two/{b}", "GET", 5),
        ("/two/{c}", "GET", 4),
    ];
    let shop = stage
        .app(&who, "shop", AppKind::Web, &said(groups, &templates))
        .await
        .expect("an app");
    stage.publish(shop, true).await;
    let nobody = json!(null);
    let ann = json!({"id": "ann", "roles": ["employee"]});
    let boss = json!({"id": "bob", "roles": ["boss", "admin"]});
    let admin = json!({"id": "eve", "roles": ["employee", "admin"]});
    let guest = json!({
        "id": "guy", "roles": ["employee", "admin"], "attributes": {"urn:x:kind": ["guest"]},
    });
    let guest_listed = json!({
        "id": "guy",
        "roles": ["employee"],
        "attributes": [{"id": "urn:x:kind", "dataType": STRING, "values": ["guest"]}],
    });
    let unnamed = json!({"roles": ["employee", "admin"]});
    for (path, verb, subject, decision, group, rules, doubt) in [
        (
            "/public/a",
            "GET",
            &nobody,
            "Permit",
            json!("public"),
            json!([]),
            false,
        ),
        (
            "/public",
            "GET",
            &nobody,
            "Permit",
            json!("public"),
            json!([]),
            false,
        ),
        (
            "/",
            "GET",
            &nobody,
            "Deny",
            json!("signed in"),
            json!([]),
            false,
        ),
        (
            "/",
            "GET",
            &ann,
            "Permit",
            json!("signed in"),
            json!([]),
            false,
        ),
        (
            "/",
            "POST",
            &ann,
            "NotApplicable",
            json!(null),
            json!([]),
            false,
        ),
        (
            "/staff/a",
            "GET",
            &nobody,
            "Deny",
            json!("staff"),
            json!([]),
            false,
        ),
        (
            "/staff/a",
            "GET",
            &unnamed,
            "Deny",
            json!("staff"),
            json!([]),
            false,
        ),
        (
            "/staff/a",
            "GET",
            &ann,
            "Permit",
            json!("staff"),
            json!([[no_guests, "no-guests"]]),
            false,
        ),
        (
            "/staff/a",
            "POST",
            &boss,
            "Permit",
            json!("staff"),
            json!([[no_guests, "no-guests"]]),
            false,
        ),
        (
            "/staff/a",
            "GET",
            &json!({"id": "x", "roles": ["Employee"]}),
            "Deny",
            json!("staff"),
            json!([]),
            false,
        ),
        (
            "/staff/a",
            "GET",
            &guest,
            "Deny",
            json!("staff"),
            json!([[no_guests, "no-guests"]]),
            false,
        ),
        (
            "/staff/a",
            "GET",
            &guest_listed,
            "Deny",
            json!("staff"),
            json!([[no_guests, "no-guests"]]),
            false,
        ),
        (
            "/staff/admin",
            "GET",
            &ann,
            "Deny",
            json!("admins"),
            json!([[admins, "admins-only"]]),
            false,
        ),
        (
            "/staff/admin",
            "GET",
            &boss,
            "Deny",
            json!("admins"),
            json!([]),
            false,
        ),
        (
            "/staff/admin",
            "GET",
            &admin,
            "Permit",
            json!("admins"),
            json!([[admins, "admins-only"], [no_guests, "no-guests"]]),
            false,
        ),
        (
            "/staff/%61dmin",
            "GET",
            &admin,
            "Permit",
            json!("admins"),
            json!([[admins, "admins-only"], [no_guests, "no-guests"]]),
            false,
        ),
        (
            "/staff/../public/a",
            "GET",
            &admin,
            "Deny",
            json!(null),
            json!([]),
            true,
        ),
        (
            "/staff//admin",
            "GET",
            &admin,
            "Deny",
            json!(null),
            json!([]),
            true,
        ),
        (
            "/staff/Admin",
            "GET",
            &admin,
            "Deny",
            json!(null),
            json!([]),
            true,
        ),
        (
            "/public/a",
            "get",
            &nobody,
            "Deny",
            json!(null),
            json!([]),
            true,
        ),
        (
            "public/a",
            "GET",
            &nobody,
            "Deny",
            json!(null),
            json!([]),
            true,
        ),
        ("/lost", "GET", &admin, "Deny", json!(null), json!([]), true),
        (
            "/net/a",
            "GET",
            &nobody,
            "Deny",
            json!("network"),
            json!([[inside, null]]),
            false,
        ),
        (
            "/tag/a",
            "GET",
            &nobody,
            "Deny",
            json!("tagged"),
            json!([[tagged, null]]),
            false,
        ),
    ] {
        let answer = stage
            .decide(
                shop,
                json!({"path": path, "verb": verb, "subject": subject}),
            )
            .await;
        let found: Vec<Value> = answer["partials"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|rule| json!([rule["policyPartialId"], rule["ruleId"]]))
            .collect();
        let found = (
            answer["decision"].clone(),
            answer["policyGroup"]["name"].clone(),
            json!(found),
            answer["indeterminate"].clone(),
        );
        assert_eq!(
            found,
            (json!(decision), group, rules, json!(doubt)),
            "{verb} {path} {subject}: {answer}"
        );
        assert!(
            !answer["reason"].as_str().unwrap_or_default().is_empty(),
            "{answer}"
        );
    }
    let permitted = stage
        .decide(
            shop,
            json!({"path": "/net/a", "verb": "GET", "environment": {"urn:x:zone": "inside"}}),
        )
        .await;
    let group = json!({"id": 5, "name": "network", "throttlingTier": "Silver"});
    assert_eq!(
        (
            &permitted["decision"],
            &permitted["policyGroup"],
            &permitted["policyGroups"]
        ),
        (&json!("Permit"), &group, &json!([group]))
    );
    let body = json!({
        "path": "/two/x",
        "verb": "GET",
        "subject": admin,
        "environment": {"urn:x:zone": ["inside"]},
    });
    let strictest = stage.decide(shop, body).await;
    let ids: Vec<&Value> = strictest["policyGroups"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|group| &group["id"])
        .collect();
    assert_eq!(
        (&strictest["policyGroup"], ids),
        (&group, vec![&json!(3), &json!(5), &json!(4)]),
        "{strictest}"
    );
    let tag = json!([{"id": "urn:x:tag", "values": ["closed", "open"]}]);
    assert_eq!(
        stage
            .decide(
                shop,
                json!({"path": "/tag/a", "verb": "GET", "resource": tag})
            )
            .await["decision"],
        "Permit"
    );

    // With the context of the app, without it, and where it could be either.
    for (path, flag, decision, doubt) in [
        ("/shop/public/a", json!(true), "Permit", false),
        ("/shop", json!("true"), "Deny", false),
        ("/public/a", json!(true), "Deny", true),
        ("/shop/public/a", json!(false), "Deny", false),
        ("/shop/public/a", json!(null), "Deny", true),
        ("/Shop/public/a", json!(null), "Deny", true),
        ("/%73hop/public/a", json!(null), "Deny", true),
        ("/shopping", json!(null), "Deny", false),
    ] {
        let answer = stage
            .decide(
                shop,
                json!({"path": path, "verb": "GET", "pathIncludesContext": flag}),
            )
            .await;
        assert_eq!(
            (&answer["decision"], &answer["indeterminate"]),
            (&json!(decision), &json!(doubt)),
            "{path} {flag}: {answer}"
        );
    }
    let plain = stage
        .decide(
            shop,
            json!({"path": "/shop/x", "verb": "GET", "subject": {"id": "ann"}}),
        )
        .await;
    assert_eq!(
        plain["decision"], "Permit",
        "both ways lead to the same group: {plain}"
    );
    stage.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_follow_what_is_stored_now() {
    let stage = Stage::new().await;
    let (who, tenant_id) = (
        stage.principal(&stage.tenant.admin).await,
        stage.tenant.tenant_id,
    );
    let partial = stage.partial(&admins_only(), true).await;
    let app = stage
        .app(&who, "app", AppKind::Web, &with_partials(&[partial]))
        .await
        .expect("an app");
    let question =
        json!({"path": "/a", "verb": "GET", "subject": {"id": "ann", "roles": ["admin"]}});
    let decided = |answer: &Value| {
        (
            answer["decision"].as_str().unwrap_or_default().to_owned(),
            answer["indeterminate"].as_bool().unwrap_or_default(),
        )
    };
    let ruling = async || decided(&stage.decide(app, question.clone()).await);
    let is = |decision: &str, doubt: bool| (decision.to_owned(), doubt);

    assert_eq!(ruling().await, is("Deny", false), "it is not published");
    stage.publish(app, true).await;
    stage.world.counting.take();
    assert_eq!(ruling().await, is("Permit", false));
    let counts = stage.world.counting.take();
    assert_eq!(
        (counts.calls, counts.depth),
        (2, 2),
        "the caller with the app, then its partials"
    );

    let body = json!({"policyPartial": rule("Deny", "no", &condition(SUBJECT, ROLE, "admin"))});
    assert_eq!(
        stage
            .send(
                "PUT",
                &format!("/administration/xacmlpolicies/{partial}"),
                Some(body)
            )
            .await
            .status,
        200
    );
    assert_eq!(
        ruling().await,
        is("Deny", false),
        "the update counts at once"
    );

    // What no request can bring about: a text that cannot be read, and a partial that is gone.
    let whole = stage.world.snapshot().await;
    let key = keys::partial(tenant_id, partial);
    let mut found: Stored<Partial> = stage
        .reader()
        .get(&key)
        .await
        .expect("the store answers")
        .expect("a partial");
    found.value.text = "<Rule".to_owned();
    stage
        .world
        .plain
        .table
        .write(vec![found.replace().expect("a write")])
        .await
        .expect("written");
    assert_eq!(ruling().await, is("Deny", true), "it cannot be read");
    stage
        .world
        .plain
        .table
        .write(vec![shared::store::Write::Delete(key, Condition::Present)])
        .await
        .expect("written");
    assert_eq!(ruling().await, is("Deny", true), "it is gone");
    stage.world.restore(&whole).await;

    stage
        .say(
            &who,
            app,
            &said(
                vec![group(1, "Default", &[], &[], true)],
                &[("/a*b", "GET", 1), ("/*", "GET", 1)],
            ),
        )
        .await
        .expect("said");
    assert_eq!(
        ruling().await,
        is("Deny", true),
        "a template that cannot be read closes the app"
    );
    stage
        .say(&who, app, &Publication::default())
        .await
        .expect("said");
    assert_eq!(
        ruling().await,
        is("NotApplicable", false),
        "no template, no group"
    );
    stage.publish(app, false).await;
    assert_eq!(
        ruling().await,
        is("Deny", false),
        "it is not published any more"
    );

    // An app that other dialects made has nothing said of it.
    let made = stage
        .world
        .post(
            &stage.tenant.cookie,
            "/box/srv/1.1/admin/storeitem/create",
            json!({"name": "Item"}),
        )
        .await;
    let item: AppId = made["guid"]
        .as_str()
        .expect("a guid")
        .parse()
        .expect("an id");
    stage.publish(item, true).await;
    let answer = stage
        .send(
            "POST",
            &format!("/apps/mobileapp/id/{}/decision", item.uuid()),
            Some(question.clone()),
        )
        .await;
    assert_eq!(answer.json["decision"], "NotApplicable", "{}", answer.text);
    for (path, status) in [
        (format!("/apps/webapp/id/{}/decision", item.uuid()), 404),
        ("/apps/webapp/id/nothing/decision".to_owned(), 400),
        (format!("/apps/toaster/id/{}/decision", app.uuid()), 404),
    ] {
        assert_eq!(
            stage
                .send("POST", &path, Some(question.clone()))
                .await
                .status,
            status,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_have_limits() {
    let stage = Stage::new().await;
    let who = stage.principal(&stage.tenant.admin).await;
    let partial = stage.partial(&admins_only(), true).await;
    let app = stage
        .app(&who, "app", AppKind::Web, &with_partials(&[partial]))
        .await
        .expect("an app");
    stage.publish(app, true).await;
    let path = format!("/apps/webapp/id/{}/decision", app.uuid());
    let many = |count: usize| -> Value {
        (0..count)
            .map(|number| (format!("urn:x:{number}"), json!("v")))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let with = |field: &str, value: Value| {
        let mut body =
            json!({"path": "/", "verb": "GET", "subject": {"id": "ann", "roles": ["admin"]}});
        match field.split_once('.') {
            Some((outer, inner)) => body[outer][inner] = value,
            None => body[field] = value,
        }
        body
    };
    let fine = [
        with("subject.attributes", many(100)),
        with("environment", json!({"a": vec!["v"; 1_000]})),
        with(
            "subject.attributes",
            json!({"a": [1, 1.5, true, "x".repeat(8_192)]}),
        ),
        with(
            "resource",
            json!([
                {"id": "a", "dataType": "integer", "values": ["5"]},
                {"id": "b", "dataType": null, "value": 5},
            ]),
        ),
        with("subject.attributes", json!({ROLE: "other"})),
    ];
    for body in fine {
        let answer = stage.send("POST", &path, Some(body)).await;
        assert_eq!(
            (answer.status, &answer.json["decision"]),
            (200, &json!("Permit")),
            "{}",
            answer.text
        );
    }
    let mut named = BTreeSet::new();
    for (body, names) in [
        (json!({"verb": "GET"}), "path"),
        (json!({"path": "/"}), "verb"),
        (with("path", json!("x".repeat(16_385))), "path"),
        (with("path", json!(["/"])), "path"),
        (with("verb", json!("X".repeat(41))), "verb"),
        (
            with("pathIncludesContext", json!("perhaps")),
            "pathIncludesContext",
        ),
        (with("subject", json!("ann")), "subject"),
        (with("subject.id", json!("x".repeat(1_001))), "subject.id"),
        (
            with("subject.roles", json!(vec!["r"; 1_001])),
            "subject.roles",
        ),
        (with("subject.roles", json!([""])), "subject.roles"),
        (with("subject.attributes", many(101)), "subject.attributes"),
        (
            with("environment", json!({"a": vec!["v"; 1_001]})),
            "environment",
        ),
        (with("environment", json!("a")), "environment"),
        (with("resource", json!({"a": {"b": 1}})), "resource"),
        (
            with("resource", json!({"a": "x".repeat(8_193)})),
            "resource",
        ),
        (with("resource", json!({"": "x"})), "resource"),
        (with("resource", json!([{"values": ["x"]}])), "resource"),
        (with("resource", json!([{"id": "a"}])), "resource"),
        (
            with(
                "resource",
                json!([{"id": "a", "dataType": "word", "values": ["x"]}]),
            ),
            "resource",
        ),
        (
            with(
                "resource",
                json!([{"id": "a", "dataType": "integer", "values": ["x"]}]),
            ),
            "resource",
        ),
        (with("resource", json!([5])), "resource"),
    ] {
        let answer = stage.send("POST", &path, Some(body)).await;
        assert_eq!(answer.status, 400, "{names}: {}", answer.text);
        let description = answer.json["description"].as_str().unwrap_or_default();
        assert!(description.contains(names), "{names}: {description}");
        named.insert(names);
    }
    assert_eq!(named.len(), 9);
    let mut three = with("subject.attributes", many(40));
    three["resource"] = many(40);
    three["environment"] = many(40);
    assert_eq!(
        stage.send("POST", &path, Some(three)).await.status,
        400,
        "all attributes count together"
    );
    let xml = stage
        .world
        .call("POST", &format!("{API}{path}"))
        .bearer(&stage.token)
        .raw("application/xml", b"<Request/>".to_vec())
        .send()
        .await;
    assert_eq!(xml.status, 415, "{}", xml.text);
}

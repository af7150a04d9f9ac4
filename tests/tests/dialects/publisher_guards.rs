//! What the publisher API must not let happen: paths of a web app that open by what a change leaves
//! out, creators who get past the states of published apps, apps that are guessed, and links that
//! are lost with another app.

use appdepot_tests::requests::SCOPES;
use appdepot_tests::{Answer, PASSWORD, TestTenant, World, all};
use package_reader::testing;
use serde_json::{Value, json};
use shared::base::rights::Role;

const API: &str = "/api/appm/publisher/v1.1";

struct Caller<'a> {
    world: &'a World,
    tenant: TestTenant,
    bearer: String,
}

impl<'a> Caller<'a> {
    async fn administrator(world: &'a World, tenant: &TestTenant) -> Self {
        Self {
            world,
            tenant: tenant.clone(),
            bearer: world.bearer(tenant, &tenant.admin, SCOPES).await,
        }
    }

    async fn with_role(&self, name: &str, role: Role) -> Self {
        let user = self.world.add_user(&self.tenant, name, vec![role]).await;
        Self {
            world: self.world,
            tenant: self.tenant.clone(),
            bearer: self.world.bearer(&self.tenant, &user, SCOPES).await,
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

    async fn publishes(&self, listing: &str, id: &str) {
        for action in ["Submit%20for%20Review", "Approve", "Publish"] {
            self.does(
                "POST",
                &format!("/apps/{listing}/change-lifecycle?appId={id}&action={action}"),
                Value::Null,
            )
            .await;
        }
    }

    async fn web_app(&self, name: &str, more: Value) -> String {
        let mut body = json!({
            "name": name, "version": "1.0", "displayName": name, "context": format!("/{name}"),
        });
        more.as_object()
            .into_iter()
            .flatten()
            .for_each(|(key, value)| body[key] = value.clone());
        self.does("POST", "/apps/webapp", body).await["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    async fn uploads(&self, path: &str, file_name: &str, bytes: &[u8]) -> Value {
        let answer = self
            .world
            .call("POST", &format!("{API}{path}"))
            .bearer(&self.bearer)
            .form(file_name, bytes, &[])
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    }

    async fn mobile_app(&self, name: &str, platform: &str, market: &str, meta: Value) -> String {
        let picture = self
            .uploads(
                "/apps/static-contents?appType=mobileapp",
                "a.png",
                &testing::png(32, 32),
            )
            .await["id"]
            .clone();
        let body = json!({
            "name": name,
            "version": "1.0",
            "displayName": name,
            "description": "d",
            "category": "Business",
            "platform": platform,
            "marketType": market,
            "appmeta": meta, "banner": picture, "thumbnailUrl": picture, "screenshots": [picture],
        });
        self.does("POST", "/apps/mobileapp", body).await["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    async fn decides(&self, id: &str, path: &str, subject: Value) -> String {
        let body = json!({"path": path, "verb": "GET", "subject": subject});
        self.does("POST", &format!("/apps/webapp/id/{id}/decision"), body)
            .await["decision"]
            .as_str()
            .expect("a decision")
            .to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_of_policy_groups_leaves_out_opens_nothing() {
    let (world, tenant) = World::new().await;
    let admin = Caller::administrator(&world, &tenant).await;
    let groups = json!({
        "policyGroups": [
            {
                "policyGroupName": "open", "throttlingTier": "Unlimited",
                "allowAnonymousAccess": "true",
            },
            {
                "policyGroupName": "staff", "throttlingTier": "Gold", "userRoles": ["devadmin"],
                "allowAnonymousAccess": "false",
            },
        ],
        "uriTemplates": [
            {"urlPattern": "/*", "httpVerb": "GET", "policyGroupName": "open"},
            {"urlPattern": "/admin/*", "httpVerb": "GET", "policyGroupName": "staff"},
        ],
    });
    let id = admin.web_app("guarded", groups).await;
    admin.publishes("webapp", &id).await;
    let (guest, member) = (
        json!({"id": "guest", "roles": ["dev"]}),
        json!({"id": "ann", "roles": ["devadmin"]}),
    );
    assert_eq!(admin.decides(&id, "/a", Value::Null).await, "Permit");
    assert_eq!(admin.decides(&id, "/admin/x", guest.clone()).await, "Deny");
    assert_eq!(
        admin.decides(&id, "/admin/x", member.clone()).await,
        "Permit"
    );

    let path = format!("/apps/webapp/id/{id}");
    let kept = admin.does("GET", &path, Value::Null).await["policyGroups"].clone();
    let [open, staff] = [&kept[0]["policyGroupId"], &kept[1]["policyGroupId"]];
    let short = json!([
        {"policyGroupId": open, "policyGroupName": "open"},
        {"policyGroupId": staff, "policyGroupName": "staff", "throttlingTier": "Bronze"},
    ]);
    let changed = admin
        .does("PUT", &path, json!({"policyGroups": short}))
        .await;
    assert_eq!(
        (
            &changed["policyGroups"][1]["userRoles"],
            &changed["policyGroups"][1]["throttlingTier"]
        ),
        (&json!(["devadmin"]), &json!("Bronze"))
    );
    assert_eq!(changed["policyGroups"][0]["allowAnonymousAccess"], "true");
    assert_eq!(admin.decides(&id, "/admin/x", guest.clone()).await, "Deny");

    let renamed = json!([
        {"policyGroupId": open, "policyGroupName": "open"},
        {"policyGroupName": "employees", "userRoles": ["devadmin"]},
    ]);
    let refused = admin
        .send("PUT", &path, json!({"policyGroups": renamed}))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("/admin/*"), "{}", refused.text);
    assert_eq!(admin.decides(&id, "/admin/x", guest).await, "Deny");
    assert_eq!(
        admin
            .decides(&id, "/admin/x", json!({"id": "ann", "roles": ["devadmin"]}))
            .await,
        "Permit"
    );
    for pattern in ["*", "/a*", "/{a", "/a/../b", "x"] {
        let body = json!({
            "uriTemplates": [{"urlPattern": pattern, "httpVerb": "GET", "policyGroupName": "open"}],
        });
        let refused = admin.send("PUT", &path, body).await;
        assert!(
            refused.status == 400 && refused.text.contains("urlPattern"),
            "{pattern}: {}",
            refused.text
        );
    }
    let nobody = json!({"path": "/admin/x", "verb": "GET", "subject": {"id": false}});
    assert_eq!(
        admin
            .send("POST", &format!("{path}/decision"), nobody)
            .await
            .status,
        400
    );
    assert_eq!(
        admin.decides(&id, "/adm%E2%81%AAin/x", member).await,
        "Deny",
        "a character that is not seen"
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creator_changes_nothing_of_a_published_app() {
    let (world, tenant) = World::new().await;
    let admin = Caller::administrator(&world, &tenant).await;
    let creator = admin.with_role("creator@dev.example", Role::DevAdmin).await;
    let id = admin
        .web_app("offered", json!({"isDefaultVersion": true}))
        .await;
    let path = format!("/apps/webapp/id/{id}");
    creator
        .does("PUT", &format!("{path}/tags"), json!({"tags": ["early"]}))
        .await;
    admin.publishes("webapp", &id).await;
    let before = admin.does("GET", &path, Value::Null).await;
    let document = json!({
        "name": "Bad",
        "type": "HOWTO",
        "sourceType": "URL",
        "sourceUrl": "https://elsewhere.example/",
    });
    for (method, at, body) in [
        ("PUT", String::new(), json!({"description": "changed"})),
        ("PUT", "/tags".to_owned(), json!({"tags": ["late"]})),
        ("DELETE", "/tags".to_owned(), json!({"tags": ["early"]})),
        ("POST", "/docs".to_owned(), document),
        (
            "POST",
            "/create-new-version".to_owned(),
            json!({"version": "2.0", "displayName": "Two", "isDefaultVersion": true}),
        ),
    ] {
        let answer = creator.send(method, &format!("{path}{at}"), body).await;
        assert_eq!(answer.status, 403, "{method} {at}: {}", answer.text);
    }
    assert_eq!(admin.does("GET", &path, Value::Null).await, before);
    creator
        .does(
            "POST",
            &format!("{path}/create-new-version"),
            json!({"version": "2.0", "displayName": "Two"}),
        )
        .await;
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_kept_from_somebody_cannot_be_guessed() {
    let (world, tenant) = World::new().await;
    let admin = Caller::administrator(&world, &tenant).await;
    let nobody = admin.with_role("nobody@dev.example", Role::Sub).await;
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/storeitemgroup/create",
            json!({"name": "few"}),
        )
        .await;
    let id = admin
        .web_app("hidden", json!({"visibleRoles": ["few"]}))
        .await;
    admin.publishes("webapp", &id).await;
    for method in ["POST", "DELETE"] {
        for named in [
            id.as_str(),
            "admin@dev.example-hidden-1.0",
            "admin@dev.example-nothing-1.0",
        ] {
            let answer = nobody
                .send(
                    method,
                    &format!("/apps/webapp/id/{named}/subscriptions"),
                    Value::Null,
                )
                .await;
            assert_eq!(answer.status, 404, "{method} {named}: {}", answer.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_keeps_its_install_link_when_another_of_the_same_file_goes() {
    let (world, tenant) = World::new().await;
    let admin = Caller::administrator(&world, &tenant).await;
    let file = admin
        .uploads(
            "/apps/mobile/binaries",
            "a.ipa",
            &testing::ipa("com.example.kept", "1", "1.0", "Kept"),
        )
        .await;
    let meta =
        json!({"path": file["path"], "package": file["package"], "version": file["version"]});
    let first = admin
        .mobile_app("first", "ios", "enterprise", meta.clone())
        .await;
    let second = admin
        .does(
            "POST",
            &format!("/apps/mobileapp/id/{first}/create-new-version"),
            json!({"version": "2.0", "displayName": "Second"}),
        )
        .await;
    let second = second["id"].as_str().unwrap().to_owned();
    let creator = admin.with_role("creator@dev.example", Role::DevAdmin).await;
    let foreign = creator
        .mobile_app("foreign", "ios", "enterprise", meta)
        .await;
    let plist = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let admin = &admin;
        async move {
            admin
                .send(
                    "GET",
                    &format!("/apps/mobile/getplist/tenant/-1234/file/{name}"),
                    Value::Null,
                )
                .await
        }
    };
    let mut paths = Vec::new();
    for id in [&first, &second, &foreign] {
        let app = admin
            .does("GET", &format!("/apps/mobileapp/id/{id}"), Value::Null)
            .await;
        let path = app["appmeta"]["path"].as_str().unwrap().to_owned();
        let answer = plist(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(
            answer.text.contains(&format!(
                "<string>{}</string>",
                app["name"].as_str().unwrap()
            )),
            "{}",
            answer.text
        );
        assert!(!answer.header("last-modified").is_empty());
        // What was read can be sent back.
        admin
            .does("PUT", &format!("/apps/mobileapp/id/{id}"), app)
            .await;
        paths.push(path);
    }
    creator
        .does(
            "DELETE",
            &format!("/apps/mobileapp/id/{foreign}"),
            Value::Null,
        )
        .await;
    assert_eq!(plist(&paths[0]).await.status, 200);
    admin
        .does(
            "DELETE",
            &format!("/apps/mobileapp/id/{first}"),
            Value::Null,
        )
        .await;
    let left = plist(&paths[1]).await;
    assert_eq!(left.status, 200, "{}", left.text);
    world.verify(tenant.tenant_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_dialect_gives_an_app_locks_no_publisher_out() {
    let (world, tenant) = World::new().await;
    let admin = Caller::administrator(&world, &tenant).await;
    let declared = json!({"package": "com.example.app", "version": "1.0"});
    for (name, platform, market, meta) in [
        ("public", "android", "public", declared),
        (
            "page",
            "webapp",
            "webapp",
            json!({"weburl": "https://a.example", "version": "1.0"}),
        ),
    ] {
        let id = admin.mobile_app(name, platform, market, meta).await;
        let path = format!("/apps/mobileapp/id/{id}");
        let answer = world
            .upload(
                &tenant.cookie,
                &id,
                "android",
                &testing::Apk::default().build(),
            )
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let app = admin.does("GET", &path, Value::Null).await;
        assert_eq!(
            (&app["platform"], &app["marketType"]),
            (&json!("android"), &json!("enterprise"))
        );
        let binary = app["appmeta"]["path"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(
            admin
                .send(
                    "GET",
                    &format!("/apps/mobile/binaries/{binary}"),
                    Value::Null
                )
                .await
                .status,
            302
        );
        admin.does("PUT", &path, app).await;
        admin
            .does("PUT", &path, json!({"description": "changed"}))
            .await;
        admin
            .does(
                "POST",
                &format!("{path}/create-new-version"),
                json!({"version": "2", "displayName": "x"}),
            )
            .await;
        // An icon that comes by the other dialect is the one that both show.
        let icon = world
            .upload(&tenant.cookie, &id, "icon", &testing::png(64, 64))
            .await;
        assert_eq!(icon.status, 200, "{}", icon.text);
        let shown = admin.does("GET", &path, Value::Null).await["thumbnailUrl"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(shown.contains(&format!("{}.png", guid_of(&id))), "{shown}");
    }
    let web = admin.web_app("web", Value::Null).await;
    assert_eq!(
        world
            .upload(
                &tenant.cookie,
                &web,
                "android",
                &testing::Apk::default().build()
            )
            .await
            .status,
        400
    );
    world.verify(tenant.tenant_id).await.unwrap();
}

fn guid_of(uuid: &str) -> String {
    uuid.parse::<shared::base::id::AppId>()
        .expect("an id")
        .item()
        .guid()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_guesses_at_once_none_is_answered_otherwise() {
    let (world, tenant) = World::new().await;
    for round in 0..3 {
        let name = format!("target-{round}@dev.example");
        world.add_user(&tenant, &name, vec![Role::Dev]).await;
        let guess = |password: String| {
            let (world, name) = (&world, name.clone());
            async move {
                world
                    .call("POST", "/box/srv/1.1/act/sys/auth/login")
                    .json(json!({"u": name, "p": password, "d": "dev"}))
                    .send()
                    .await
                    .status
            }
        };
        let answers = all((0..24).map(|at| {
            guess(if at == 17 {
                PASSWORD.to_owned()
            } else {
                format!("guess {at}")
            })
        }))
        .await;
        let of_wrong = answers
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != 17)
            .any(|(_, status)| *status == 429);
        assert!(
            answers[17] != 429 || of_wrong,
            "only the right one was refused in other words: {answers:?}"
        );
    }
}

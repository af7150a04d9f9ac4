//! One valid request per row of the route table, all for one furnished tenant.

use package_reader::testing;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use shared::base::id::Guid;
use shared::base::rights::{DOMAIN_PATH, Permission, Role};
use shared::domain::people::password::Reason;
use shared::domain::people::{auth_policy, password};
use shared::http::routes;
use shared::http::routes::Route;
pub use wso2_files::FilesOfTenant;
pub use wso2_oauth::TestClient;
pub use wso2_policies::Policies;

use crate::pingid::PingSettings;
use crate::{Answer, Call, PASSWORD, Part, TestTenant, World, client};

mod alerts;

mod apperian_apps;

mod apperian_calls;

mod apperian_groups;

mod apperian_policies;

mod apperian_signing;

mod endpoint_security;

mod events;

mod pingid;

mod wso2_apps;

mod wso2_files;

mod wso2_oauth;

mod wso2_policies;

mod wso2_reference;

const API: &str = "/box/srv/1.1";

/// What every name in the furnished tenant begins with, so that it is seen where it must not be.
pub const MARK: &str = "Ours-only";

/// The device that the furnished tenant's user signed in on.
pub const CUID: &str = "CUID-OURS";

/// A tenant with one of everything.
#[derive(Clone, Debug)]
pub struct Furnished {
    /// The tenant.
    pub tenant: TestTenant,
    /// A member of the role `sub`: guid and cookie.
    pub sub: (Guid, String),
    /// A user in the group.
    pub worker: Guid,
    /// An item in the store and in the group, with two Android versions and one for iOS.
    pub shelved: String,
    /// An item that is nowhere.
    pub plain: String,
    /// The guid of its first Android version.
    pub version: String,
    /// The group.
    pub group: String,
    /// A team of the tenant's own, with the worker in it.
    pub team: String,
    /// The policy that every tenant has.
    pub built_in: String,
    /// A policy that no item and no store refers to, on which the worker is listed.
    pub policy: String,
    /// The administrator's API key.
    pub user_key: String,
    /// The item's API key.
    pub app_key: String,
    /// A key that was revoked.
    pub revoked_key: String,
    /// The administrator's session as an app's user.
    pub session: String,
    /// The `sub` member's session as an app's user.
    pub sub_session: String,
    /// An upload that waits for its bytes.
    pub waiting: String,
    /// An upload in one part whose bytes are there, with the part's tag.
    pub parts: (String, String),
    /// Another one, for the Apperian API.
    pub parts_by_token: (String, String),
    /// An install link's ticket.
    pub ticket: String,
    /// A link by which the worker may choose a password.
    pub link: String,
    /// A user who was invited and has no password yet.
    pub invited: String,
    /// The log of an import of users.
    pub import: String,
    /// The administrator's bearer token with every scope.
    pub bearer: String,
    /// The administrator's token of the Apperian API.
    pub token: String,
    /// The same of the `sub` member.
    pub sub_token: String,
    /// A publication that was begun by the older calls of that API.
    pub transaction: String,
    /// Options of a policy of that API, under a name. Its item in the store has a policy, and a
    /// published document.
    pub preset: String,
    /// The tenant's PingID settings.
    pub ping: PingSettings,
    /// Its files and documents.
    pub files: FilesOfTenant,
    /// An Android signing credential of the Apperian API.
    pub signing: String,
    /// The number of a business owner that no app has.
    pub owner: String,
    /// Policy partials and what they are mapped to.
    pub policies: Policies,
    /// An alert of the item in the store, in the environment `dev`.
    pub alert: String,
    /// The administrator's client of the publisher API, with the tokens that it got by his
    /// password.
    pub client: TestClient,
}

/// Every scope of the publisher API.
pub const SCOPES: &str =
    "appm:read appm:create appm:update appm:publish appm:administration appm:subscribe";

/// An Android package of that version.
pub fn apk(version: u32) -> Vec<u8> {
    testing::Apk {
        version_code: version,
        version_name: format!("{version}.0"),
        ..testing::Apk::default()
    }
    .build()
}

impl Furnished {
    /// Furnishes a tenant.
    pub async fn of(world: &World, tenant: TestTenant) -> Self {
        let post = |path: String, body: Value| {
            let cookie = tenant.cookie.clone();
            async move { world.post(&cookie, &path, body).await }
        };
        let text = |answer: &Value, name: &str| {
            answer[name]
                .as_str()
                .unwrap_or_else(|| panic!("{name} in {answer}"))
                .to_owned()
        };
        let admin = format!("{API}/admin");
        let shelved = text(
            &post(
                format!("{admin}/storeitem/create"),
                json!({"name": format!("{MARK} shelved")}),
            )
            .await,
            "guid",
        );
        let plain = text(
            &post(
                format!("{admin}/storeitem/create"),
                json!({"name": format!("{MARK} plain")}),
            )
            .await,
            "guid",
        );
        let ipa = testing::ipa("com.example.ours", "1", "1.0", "Ours");
        for (kind, file) in [("android", apk(1)), ("android", apk(2)), ("ios", ipa)] {
            let answer = world.upload(&tenant.cookie, &shelved, kind, &file).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        let group = text(
            &post(
                format!("{admin}/storeitemgroup/create"),
                json!({"name": format!("{MARK} group")}),
            )
            .await,
            "guid",
        );
        let (worker, _) = world
            .user(
                &tenant,
                &format!("worker@{}.example", tenant.domain),
                vec![Role::Dev],
            )
            .await;
        let sub = world
            .user(
                &tenant,
                &format!("sub@{}.example", tenant.domain),
                vec![Role::Sub],
            )
            .await;
        post(
            format!("{admin}/storeitemgroup/addusers"),
            json!({"guid": group, "users": [worker]}),
        )
        .await;
        post(
            format!("{admin}/storeitemgroup/addstoreitems"),
            json!({"guid": group, "storeitems": [shelved]}),
        )
        .await;
        post(
            format!("{admin}/appstore/additem"),
            json!({"guid": shelved}),
        )
        .await;
        let viewers = json!({
            "name": format!("{MARK} team"), "perms": {DOMAIN_PATH: "read"},
            "business-objects": {"cluster": ["*"]}, "users": [worker],
        });
        let team = text(
            &post("/api/v2/admin/teams".to_owned(), viewers).await,
            "_id",
        );
        let policies = post(format!("{admin}/appstore/listpolicies"), json!({})).await;
        let built_in = policies["list"][0].as_str().expect("a policy").to_owned();
        let (policy, writes) =
            auth_policy::create_built_in(tenant.tenant_id, "Second").expect("a policy");
        world
            .plain
            .table
            .write(writes)
            .await
            .expect("a policy is written");
        post(
            format!("{admin}/authpolicy/addusers"),
            json!({"guid": policy, "users": [worker]}),
        )
        .await;
        post(
            format!("{admin}/storeitem/addpolicy"),
            json!({"guid": shelved, "authguid": built_in}),
        )
        .await;

        let keys = format!("{API}/ide/{}/api", tenant.domain);
        let key = |answer: Value| text(&answer["apiKey"], "key");
        let user_key = key(post(
            format!("{keys}/create"),
            json!({"type": "user", "label": "ours"}),
        )
        .await);
        let revoked_key = key(post(
            format!("{keys}/create"),
            json!({"type": "user", "label": "gone"}),
        )
        .await);
        post(format!("{keys}/revoke"), json!({"key": revoked_key})).await;
        let app_key = key(post(
            format!("{keys}/create"),
            json!({"type": "app", "appId": shelved, "label": "app"}),
        )
        .await);

        let session = world
            .store_session(&tenant, &format!("admin@{}.example", tenant.domain), CUID)
            .await;
        let sub_session = world
            .store_session(&tenant, &format!("sub@{}.example", tenant.domain), CUID)
            .await;
        let params =
            json!({"userId": format!("sub@{}.example", tenant.domain), "password": PASSWORD});
        let from_app = json!({
            "policyId": auth_policy::BUILT_IN, "clientToken": shelved, "device": CUID,
            "params": params,
            "d": tenant.domain,
        });
        let from_app = world
            .call("POST", &format!("{admin}/authpolicy/auth"))
            .json(from_app)
            .send()
            .await;
        assert_eq!(from_app.json["status"], "ok", "{}", from_app.text);
        let waiting = text(
            &post(
                format!("{admin}/storeitem/prepareupload"),
                json!({"guid": plain, "type": "android", "size": 100}),
            )
            .await,
            "uploadId",
        );
        let read = post(format!("{admin}/storeitem/read"), json!({"guid": shelved})).await;
        let android = read["binaries"]
            .as_array()
            .and_then(|all| all.iter().find(|binary| binary["type"] == "android"))
            .expect("an Android binary")
            .clone();
        let url = text(&android["versions"][0], "url");
        let version = url
            .split_once("guid=")
            .map(|(_, guid)| guid[..24].to_owned())
            .unwrap_or_else(|| panic!("a guid in {url}"));
        let page = world
            .call(
                "GET",
                &format!("{API}/mas/storeitem/install?guid={shelved}&type=ios"),
            )
            .cookie(&tenant.cookie)
            .send()
            .await;
        let ticket = page
            .text
            .split("storeitem/icon/")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_else(|| panic!("{}", page.text))
            .to_owned();
        let person = world.user_record(&tenant, &worker).await.value;
        let (link, write) = password::link(
            tenant.tenant_id,
            &tenant.domain,
            &person,
            Reason::Reset,
            world.plain.clock.now(),
        )
        .expect("a link");
        world
            .plain
            .table
            .write(vec![write])
            .await
            .expect("a link is written");
        let name = format!("invited@{}.example", tenant.domain);
        let made = post(
            format!("{admin}/user/create"),
            json!({
                "username": name, "email": name, "name": format!("{MARK} invited"), "invite": true,
            }),
        )
        .await;
        let invited = text(&made, "username");
        let file = format!(
            "{MARK} imported,imported@{}.example,Imported",
            tenant.domain
        );
        let imported = world
            .call("POST", &format!("{admin}/user/import"))
            .cookie(&tenant.cookie)
            .form("users.csv", file.as_bytes(), &[("roles", "sub")]);
        let import = text(&imported.send().await.json, "cachekey");
        let bearer = world.bearer(&tenant, &tenant.admin, SCOPES).await;
        let token = world.token(&tenant, &tenant.admin).await;
        let sub_token = world.token(&tenant, &sub.0).await;
        let ping = pingid::furnished(world, &tenant).await;
        let files = FilesOfTenant::of(world, &tenant, &bearer, &shelved).await;
        let owner = wso2_reference::new_owner(world, &bearer).await;
        endpoint_security::furnish(world, &tenant, &shelved).await;
        let of_store = shelved.clone();
        let mut furnished = Self {
            tenant: tenant.clone(),
            sub,
            worker,
            shelved,
            plain,
            version,
            group,
            team,
            built_in,
            policy: policy.to_string(),
            user_key,
            app_key,
            revoked_key,
            session,
            sub_session,
            waiting,
            parts: Default::default(),
            parts_by_token: Default::default(),
            ticket,
            link: link.expose().to_owned(),
            invited,
            import,
            bearer,
            transaction: apperian_calls::begun(world, &token).await,
            preset: apperian_policies::prepared(world, &token, &of_store).await,
            signing: apperian_signing::furnish(world, &token).await,
            token,
            sub_token,
            ping,
            files,
            owner,
            policies: Policies::of(world, &tenant).await,
            alert: alerts::furnish(world, &tenant, &of_store).await,
            client: TestClient::of(world, &tenant).await,
        };
        furnished.new_parts(world).await;
        world.quiet().await;
        furnished
    }

    /// How the administrator presents himself.
    pub fn signed(&self) -> Signed<'_> {
        Signed {
            cookie: &self.tenant.cookie,
            bearer: &self.bearer,
            token: &self.token,
            ping: &self.ping,
        }
    }

    /// Other uploads in one part whose bytes are there.
    pub async fn new_parts(&mut self, world: &World) {
        self.parts = self.sent_part(world).await;
        self.parts_by_token = self.sent_part(world).await;
        self.files.parts = wso2_files::new_parts(world, &self.bearer).await;
    }

    /// An upload in one part whose bytes are there, with the part's tag.
    async fn sent_part(&self, world: &World) -> (String, String) {
        let body = json!({"guid": self.plain, "type": "android", "size": 9, "parts": 1});
        let prepared = world
            .post(
                &self.tenant.cookie,
                &format!("{API}/admin/storeitem/prepareupload"),
                body,
            )
            .await;
        let url = prepared["parts"][0]["url"]
            .as_str()
            .expect("an address of the part");
        let sent = client::send("PUT", url, &[], "not a zip")
            .await
            .expect("the part is sent");
        assert_eq!(sent.status, 200, "{:?}", sent.bytes);
        (
            prepared["uploadId"].as_str().expect("an upload").to_owned(),
            sent.header("etag").to_owned(),
        )
    }
}

/// What another tenant's administrator meets who names our things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abroad {
    /// 404: the request names a thing of ours.
    NotFound,
    /// Success with what is theirs: it names nothing, or the answer says no.
    Theirs,
}

/// What the request carries beside its credential.
pub enum Carries {
    /// A query.
    Query(String),
    /// A JSON body.
    Json(Value),
    /// A form with a file.
    Form(Vec<u8>, Vec<(&'static str, String)>),
    /// A form of texts, percent-encoded.
    Encoded(Vec<(&'static str, String)>),
}

/// Who a request says that it is, by name and password.
pub type Basic = fn(&Furnished) -> (String, String);

/// A valid request for one row.
pub struct Entry {
    /// The row's method.
    pub method: &'static str,
    /// The row's path.
    pub path: &'static str,
    /// What the request carries.
    pub carries: fn(&Furnished) -> Carries,
    /// The status of success.
    pub ok: u16,
    /// What the same request may meet when it is sent once more.
    pub again: &'static [u16],
    /// What another tenant's administrator meets.
    pub abroad: Abroad,
    /// Whether it waits for the reader of uploads.
    pub waits: bool,
    /// What stands for the parameters of its path, by their names in braces.
    pub params: fn(&Furnished) -> Vec<(&'static str, String)>,
    /// What the file of its form is called.
    pub file_name: &'static str,
    /// The name of the part that the file is in.
    pub file_part: &'static str,
    /// What its address asks beside what it carries.
    pub asks: fn(&Furnished) -> String,
    /// Name and password in `Authorization`, for what asks for them itself.
    pub basic: Option<Basic>,
}

/// How a member presents himself: by what the row takes.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The cookie's value.
    pub cookie: &'a str,
    /// The bearer token.
    pub bearer: &'a str,
    /// The token of the Apperian API.
    pub token: &'a str,
    /// PingID settings.
    pub ping: &'a PingSettings,
}

/// What a row takes for a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A cookie, an API key or an app user's session.
    Cookie,
    /// A bearer token.
    Bearer,
    /// `X-TOKEN`.
    Token,
    /// A signed message.
    Message,
}

impl Entry {
    fn new(method: &'static str, path: &'static str, carries: fn(&Furnished) -> Carries) -> Self {
        Self {
            method,
            path,
            carries,
            ok: 200,
            again: &[],
            abroad: Abroad::NotFound,
            waits: false,
            params: |_| Vec::new(),
            basic: None,
            file_name: "app.bin",
            file_part: "file",
            asks: |_| String::new(),
        }
    }

    fn ok(self, ok: u16) -> Self {
        Self { ok, ..self }
    }

    fn again(self, again: &'static [u16]) -> Self {
        Self { again, ..self }
    }

    fn theirs(self) -> Self {
        Self {
            abroad: Abroad::Theirs,
            ..self
        }
    }

    /// With these values of the path's parameters.
    pub fn with(self, params: fn(&Furnished) -> Vec<(&'static str, String)>) -> Self {
        Self { params, ..self }
    }

    fn named(self, file_name: &'static str) -> Self {
        Self { file_name, ..self }
    }

    /// With its file in a part of that name.
    pub fn part(self, file_part: &'static str) -> Self {
        Self { file_part, ..self }
    }

    /// With a query beside its body.
    fn asking(self, asks: fn(&Furnished) -> String) -> Self {
        Self { asks, ..self }
    }

    fn waits(self) -> Self {
        Self {
            waits: true,
            ..self
        }
    }

    fn basic(self, basic: Basic) -> Self {
        Self {
            basic: Some(basic),
            ..self
        }
    }

    /// With the name and password that the request presents by itself.
    pub fn presenting<'a>(&self, furnished: &Furnished, call: Call<'a>) -> Call<'a> {
        match self.basic.map(|basic| basic(furnished)) {
            Some((name, password)) => call.basic(&name, &password),
            None => call,
        }
    }

    /// The row.
    pub fn row(&self) -> Route {
        rows()
            .into_iter()
            .find(|row| row.method == self.method && row.path == self.path)
            .unwrap_or_else(|| panic!("no row for {self}"))
    }

    /// The path with its parameters; `domain` is the tenant that it names.
    pub fn path_of(&self, furnished: &Furnished, domain: &str) -> String {
        // Who is not in the team comes in, who is in it goes out.
        let user = if self.method == "POST" {
            &furnished.sub.0
        } else {
            &furnished.worker
        };
        let path = self
            .path
            .replace("{domain}", domain)
            .replace("{ticket}", &furnished.ticket);
        let path = path
            .replace("{team}", &furnished.team)
            .replace("{user}", user.as_str());
        let path = (self.params)(furnished)
            .iter()
            .fold(path, |path, (name, value)| {
                path.replace(&format!("{{{name}}}"), value)
            });
        let asked = (self.asks)(furnished);
        if asked.is_empty() {
            path
        } else {
            format!("{path}?{asked}")
        }
    }

    /// The request in the furnished tenant, without a credential.
    pub fn call<'a>(&self, world: &'a World, furnished: &Furnished) -> Call<'a> {
        self.call_in(world, furnished, &furnished.tenant.domain)
    }

    /// The request with another tenant in its path.
    pub fn call_in<'a>(&self, world: &'a World, furnished: &Furnished, domain: &str) -> Call<'a> {
        let path = self.path_of(furnished, domain);
        let call = match (self.carries)(furnished) {
            Carries::Query(query) => world.call(self.method, &format!("{path}?{query}")),
            Carries::Json(body) => world.call(self.method, &path).json(body),
            Carries::Form(file, texts) => {
                let file = Part {
                    name: self.file_part,
                    file_name: Some(self.file_name),
                    content: &file,
                };
                let texts = texts.iter().map(|(name, text)| Part {
                    name,
                    file_name: None,
                    content: text.as_bytes(),
                });
                world
                    .call(self.method, &path)
                    .parts(std::iter::once(file).chain(texts))
            }
            Carries::Encoded(texts) => {
                let texts: Vec<(&str, &str)> = texts
                    .iter()
                    .map(|(name, text)| (*name, text.as_str()))
                    .collect();
                world.call(self.method, &path).encoded(&texts)
            }
        };
        self.presenting(furnished, call)
    }

    /// The request with the administrator's credential.
    pub async fn send(&self, world: &World, furnished: &Furnished) -> Answer {
        self.sign(self.call(world, furnished), furnished.signed())
            .send()
            .await
    }

    /// A request to this row with the credential that it takes.
    pub fn sign<'a>(&self, call: Call<'a>, signed: Signed<'_>) -> Call<'a> {
        match self.takes() {
            Takes::Cookie => call.cookie(signed.cookie),
            Takes::Bearer => call.bearer(signed.bearer),
            Takes::Token => call.token(signed.token),
            // What is carried is the message's body.
            Takes::Message => {
                let body = serde_json::from_slice(call.body()).unwrap_or_default();
                call.message(signed.ping, &body)
            }
        }
    }

    /// What the row takes for a credential.
    pub fn takes(&self) -> Takes {
        let row = self.row();
        match (row.permission, row.dialect.name()) {
            (Permission::Scope(_), _) => Takes::Bearer,
            (Permission::Signed, _) => Takes::Message,
            (_, "apperian" | "apperian-calls") => Takes::Token,
            _ => Takes::Cookie,
        }
    }

    /// Whether the row asks for a bearer token.
    pub fn is_scoped(&self) -> bool {
        self.takes() == Takes::Bearer
    }

    /// Whether the row asks for a credential.
    pub fn closed(&self) -> bool {
        self.row().permission != Permission::Open
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Every row of every function.
pub fn rows() -> Vec<Route> {
    routes::all()
        .into_iter()
        .flat_map(|function| function.rows)
        .collect()
}

fn get(path: &'static str, carries: fn(&Furnished) -> Carries) -> Entry {
    Entry::new("GET", path, carries)
}

fn post(path: &'static str, carries: fn(&Furnished) -> Carries) -> Entry {
    Entry::new("POST", path, carries)
}

fn delete(path: &'static str) -> Entry {
    Entry::new("DELETE", path, none)
}

fn none(_: &Furnished) -> Carries {
    Carries::Query(String::new())
}

fn empty(_: &Furnished) -> Carries {
    Carries::Json(json!({}))
}

fn query(pairs: &[(&str, &str)]) -> Carries {
    let pair = |(name, value): &(&str, &str)| {
        format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
    };
    Carries::Query(pairs.iter().map(pair).collect::<Vec<_>>().join("&"))
}

fn credentials(f: &Furnished) -> Value {
    json!({"u": "admin", "p": PASSWORD, "d": f.tenant.domain})
}

fn worker(f: &Furnished) -> String {
    format!("worker@{}.example", f.tenant.domain)
}

fn sub(f: &Furnished) -> String {
    format!("sub@{}.example", f.tenant.domain)
}

/// The table: one entry per row.
pub fn entries() -> Vec<Entry> {
    let mut all = rhmap_entries();
    all.extend(apperian_apps::entries());
    all.extend(wso2_files::entries());
    all.extend(wso2_policies::entries());
    all.extend(wso2_reference::entries());
    all.extend(wso2_apps::entries());
    all.extend(publisher_list_entries());
    all.extend(wso2_oauth::entries());
    all.extend(apperian_groups::entries());
    all.extend(apperian_policies::entries());
    all.extend(apperian_signing::entries());
    all.extend(apperian_calls::entries());
    all.extend(pingid::entries());
    all.extend(alerts::entries());
    all.extend(events::entries());
    all.extend(endpoint_security::entries());
    all
}

fn rhmap_entries() -> Vec<Entry> {
    use Carries::Form;
    use Carries::Json;
    vec![
        get("/health", none),
        get("/box/srv/1.1/tst/version", none),
        post("/box/srv/1.1/act/sys/auth/login", |f| Json(credentials(f))),
        post("/box/srv/1.1/act/sys/auth/logout", empty)
            .again(&[401])
            .theirs(),
        post("/box/srv/1.1/act/sys/auth/forgotpassword", |f| {
            Json(json!({
                "u": "admin", "d": f.tenant.domain,
            }))
        })
        .again(&[429]),
        get("/box/srv/1.1/act/sys/auth/setpassword", |f| {
            query(&[("token", &f.link)])
        }),
        post("/box/srv/1.1/act/sys/auth/setpassword", |f| {
            Json(json!({
                "token": f.link, "password": "a new password",
            }))
        })
        .again(&[400]),
        post("/box/srv/1.1/ide/{domain}/user/changepassword", |_| {
            Json(json!({
                "oldPassword": PASSWORD, "newPassword": "a new password",
            }))
        })
        .again(&[401, 429])
        .theirs(),
        get("/box/srv/1.1/ide/{domain}/user/read", none).theirs(),
        post("/box/srv/1.1/ide/{domain}/user/read", empty).theirs(),
        post("/box/srv/1.1/ide/{domain}/user/setProp", |_| {
            Json(json!({
                "key": "studio.version", "value": "3",
            }))
        })
        .theirs(),
        post("/box/srv/1.1/admin/authpolicy/auth", |f| {
            let params = json!({"userId": "admin", "password": PASSWORD});
            Json(json!({
                "policyId": "FeedHenry", "clientToken": f.tenant.store, "device": CUID,
                "params": params,
            }))
        }),
        post("/box/srv/1.1/admin/authpolicy/verifysession", |f| {
            Json(json!({
                "sessionToken": f.session,
            }))
        }),
        post("/box/srv/1.1/admin/authpolicy/sessioninfo", |f| {
            Json(json!({
                "sessionToken": f.session,
            }))
        }),
        post("/box/srv/1.1/admin/authpolicy/revokesession", |f| {
            Json(json!({
                "sessionToken": f.session,
            }))
        }),
        // A state that nobody waits for: the browser is told so on our own page.
        get("/box/srv/1.1/arm/authCallback", |f| {
            query(&[(
                "state",
                &format!("{}{}", f.tenant.tenant_id, "0".repeat(32)),
            )])
        })
        .ok(302),
        get("/box/srv/1.1/arm/getAuthCallbackUrl", none),
        post("/box/srv/1.1/arm/getAuthCallbackUrl", empty),
        post("/box/srv/1.1/ide/{domain}/api/list", |_| {
            Json(json!({"type": "user"}))
        })
        .theirs(),
        post("/box/srv/1.1/ide/{domain}/api/create", |f| {
            Json(json!({
                "type": "app", "appId": f.shelved, "label": "new",
            }))
        }),
        post("/box/srv/1.1/ide/{domain}/api/revoke", |f| {
            Json(json!({"key": f.user_key}))
        }),
        post("/box/srv/1.1/ide/{domain}/api/delete", |f| {
            Json(json!({
                "key": f.user_key,
            }))
        })
        .again(&[404]),
        post("/box/srv/1.1/ide/{domain}/api/update", |f| {
            Json(json!({
                "key": f.user_key, "fields": {"label": "changed"},
            }))
        }),
        post("/box/srv/1.1/ide/{domain}/api/validate", |f| {
            Json(json!({
                "type": "user", "key": f.user_key,
            }))
        })
        .theirs(),
        post("/box/srv/1.1/admin/appstore/read", empty).theirs(),
        get("/box/srv/1.1/admin/appstore/read", none).theirs(),
        post("/box/srv/1.1/admin/appstore/update", |f| {
            Json(json!({
                "name": format!("{MARK} changed"),
                "storeitems": [f.plain],
                "authpolicies": [f.policy],
            }))
        }),
        post("/box/srv/1.1/admin/appstore/additem", |f| {
            Json(json!({"guid": f.plain}))
        }),
        post("/box/srv/1.1/admin/appstore/removeitem", |f| {
            Json(json!({"guid": f.shelved}))
        }),
        post("/box/srv/1.1/admin/appstore/uploadbinary", |_| {
            Form(testing::png(64, 64), vec![("type", "icon".to_owned())])
        })
        .theirs()
        .waits(),
        post("/box/srv/1.1/admin/appstore/liststoreitems", empty).theirs(),
        get("/box/srv/1.1/admin/appstore/liststoreitems", none).theirs(),
        post("/box/srv/1.1/admin/appstore/addpolicy", |f| {
            Json(json!({"guid": f.policy}))
        }),
        post("/box/srv/1.1/admin/appstore/removepolicy", |f| {
            Json(json!({
                "guid": f.built_in,
            }))
        })
        .theirs(),
        post("/box/srv/1.1/admin/appstore/listpolicies", empty).theirs(),
        get("/box/srv/1.1/admin/appstore/listpolicies", none).theirs(),
        post("/box/srv/1.1/admin/storeitem/create", |f| {
            Json(json!({
                "name": format!("{MARK} new"), "groups": [f.group], "authpolicies": [f.policy],
            }))
        }),
        post("/box/srv/1.1/admin/storeitem/read", |f| {
            Json(json!({"guid": f.shelved}))
        }),
        get("/box/srv/1.1/admin/storeitem/read", |f| {
            query(&[("guid", &f.shelved)])
        }),
        post("/box/srv/1.1/admin/storeitem/update", |f| {
            Json(json!({
                "guid": f.shelved, "name": format!("{MARK} changed"), "groups": [],
                "authpolicies": [f.policy], "restrictToGroups": true,
            }))
        }),
        post("/box/srv/1.1/admin/storeitem/delete", |f| {
            Json(json!({
                "guid": f.shelved,
            }))
        })
        .again(&[404]),
        post("/box/srv/1.1/admin/storeitem/list", empty).theirs(),
        get("/box/srv/1.1/admin/storeitem/list", none).theirs(),
        post("/box/srv/1.1/admin/storeitem/uploadbinary", |f| {
            Form(
                apk(3),
                vec![("type", "android".to_owned()), ("guid", f.shelved.clone())],
            )
        })
        .waits(),
        post("/box/srv/1.1/admin/storeitem/addpolicy", |f| {
            Json(json!({
                "guid": f.shelved, "authguid": f.policy,
            }))
        }),
        post("/box/srv/1.1/admin/storeitem/removepolicy", |f| {
            Json(json!({
                "guid": f.shelved, "authguid": f.built_in,
            }))
        }),
        post("/box/srv/1.1/admin/storeitem/listpolicies", |f| {
            Json(json!({"guid": f.shelved}))
        }),
        post("/box/srv/1.1/admin/storeitem/getbinaryconfig", |f| {
            Json(json!({
                "guid": f.shelved, "type": "android",
            }))
        }),
        get("/box/srv/1.1/admin/storeitem/getbinaryconfig", |f| {
            query(&[("guid", &f.shelved), ("type", "android")])
        }),
        post("/box/srv/1.1/admin/storeitem/setbinaryconfig", |f| {
            Json(json!({
                "guid": f.shelved, "type": "android", "config": {"note": MARK},
            }))
        }),
        post("/box/srv/1.1/admin/storeitem/addgroups", |f| {
            Json(json!({
                "guid": f.plain, "groups": [f.group],
            }))
        }),
        post("/box/srv/1.1/admin/storeitem/removegroups", |f| {
            Json(json!({
                "guid": f.shelved, "groups": [f.group],
            }))
        }),
        post("/box/srv/1.1/admin/storeitem/grouprestrict", |f| {
            Json(json!({
                "guid": f.shelved, "restrictToGroups": true,
            }))
        }),
        post("/box/srv/1.1/admin/storeitem/listitemtypes", |f| {
            Json(json!({"guid": f.shelved}))
        }),
        get("/box/srv/1.1/admin/storeitem/listitemtypes", |f| {
            query(&[("guid", &f.shelved)])
        }),
        post("/box/srv/1.1/admin/storeitem/prepareupload", |f| {
            Json(json!({
                "guid": f.plain, "type": "android", "size": 100, "fileName": "app.apk",
            }))
        }),
        post("/box/srv/1.1/admin/storeitem/completeupload", |f| {
            Json(json!({
                "uploadId": f.parts.0,
                "parts": [{"partNumber": 1, "etag": f.parts.1}],
            }))
        })
        .waits(),
        post("/box/srv/1.1/admin/storeitem/abortupload", |f| {
            Json(json!({"uploadId": f.waiting}))
        }),
        post("/box/srv/1.1/admin/storeitem/uploadstatus", |f| {
            Json(json!({"uploadId": f.waiting}))
        }),
        post("/box/srv/1.1/admin/storeitem/rollback", |f| {
            Json(json!({
                "guid": f.shelved, "type": "android", "version": 1,
            }))
        }),
        post("/box/srv/1.1/admin/storeitemgroup/create", |_| {
            Json(json!({
                "name": format!("{MARK} new"),
            }))
        })
        .again(&[409])
        .theirs(),
        post("/box/srv/1.1/admin/storeitemgroup/list", empty).theirs(),
        get("/box/srv/1.1/admin/storeitemgroup/list", none).theirs(),
        post("/box/srv/1.1/admin/storeitemgroup/read", |f| {
            Json(json!({"guid": f.group}))
        }),
        post("/box/srv/1.1/admin/storeitemgroup/update", |f| {
            Json(json!({
                "guid": f.group, "name": format!("{MARK} renamed"),
            }))
        }),
        post("/box/srv/1.1/admin/storeitemgroup/delete", |f| {
            Json(json!({
                "guid": f.group,
            }))
        })
        .again(&[404]),
        post("/box/srv/1.1/admin/storeitemgroup/addstoreitems", |f| {
            Json(json!({
                "guid": f.group, "storeitems": [f.plain],
            }))
        }),
        post("/box/srv/1.1/admin/storeitemgroup/removestoreitems", |f| {
            Json(json!({
                "guid": f.group, "storeitems": [f.shelved],
            }))
        }),
        post("/box/srv/1.1/admin/storeitemgroup/addusers", |f| {
            Json(json!({
                "guid": f.group, "users": [f.tenant.admin],
            }))
        }),
        post("/box/srv/1.1/admin/storeitemgroup/removeusers", |f| {
            Json(json!({
                "guid": f.group, "users": [f.worker],
            }))
        }),
        post("/box/srv/1.1/admin/authpolicy/create", |f| {
            let configurations = json!({"clientId": MARK, "clientSecret": "kd94hf93k423kf44"});
            Json(json!({
                "policyId": format!("{MARK} new"), "policyType": "OAUTH2",
                "configurations": configurations, "users": [{"guid": f.tenant.admin}],
            }))
        })
        .again(&[409]),
        post("/box/srv/1.1/admin/authpolicy/read", |_| {
            Json(json!({"policyId": "Second"}))
        }),
        post("/box/srv/1.1/admin/authpolicy/update", |f| {
            let configurations = json!({"clientId": MARK, "clientSecret": "kd94hf93k423kf44"});
            Json(json!({
                "guid": f.policy, "policyId": format!("{MARK} renamed"), "policyType": "OPENID",
                "configurations": configurations,
            }))
        }),
        post("/box/srv/1.1/admin/authpolicy/delete", |f| {
            Json(json!({
                "guid": f.policy,
            }))
        })
        .again(&[404]),
        post("/box/srv/1.1/admin/authpolicy/list", empty).theirs(),
        get("/box/srv/1.1/admin/authpolicy/list", none).theirs(),
        post("/box/srv/1.1/admin/authpolicy/users", |f| {
            Json(json!({"guid": f.policy}))
        }),
        post("/box/srv/1.1/admin/authpolicy/addusers", |f| {
            Json(json!({
                "guid": f.policy, "users": [f.tenant.admin, f.sub.0],
            }))
        }),
        post("/box/srv/1.1/admin/authpolicy/removeusers", |f| {
            Json(json!({
                "guid": f.policy, "users": [f.worker],
            }))
        }),
        post("/box/srv/1.1/admin/auditlog/listlogs", |_| {
            Json(json!({"limit": 100}))
        })
        .theirs(),
        get("/box/srv/1.1/admin/auditlog/listlogs", |f| {
            query(&[("storeItemGuid", &f.shelved), ("limit", "100")])
        })
        .theirs(),
        post("/box/srv/1.1/mas/appstore/read", |f| {
            Json(json!({"d": f.tenant.domain}))
        }),
        get("/box/srv/1.1/mas/appstore/read", |f| {
            query(&[("d", &f.tenant.domain)])
        }),
        post("/box/srv/1.1/mam/appstore/getstoreitems", |f| {
            Json(json!({
                "appstore": f.tenant.store,
            }))
        }),
        get("/box/srv/1.1/mam/appstore/getstoreitems", none).theirs(),
        post("/box/srv/1.1/mas/appstore/getstoreitems", |f| {
            Json(json!({
                "appstore": f.tenant.store,
            }))
        }),
        get("/box/srv/1.1/mas/appstore/getstoreitems", none).theirs(),
        post("/box/srv/1.1/mas/storeitem/install", |f| {
            Json(json!({
                "guid": f.shelved, "type": "ios", "deviceId": CUID,
            }))
        }),
        get("/box/srv/1.1/mas/storeitem/install", |f| {
            query(&[
                ("guid", &f.shelved),
                ("type", "android"),
                ("deviceId", CUID),
            ])
        })
        .ok(302),
        post("/box/srv/1.1/mas/storeitem/downloadvers", |f| {
            Json(json!({
                "guid": f.version,
            }))
        })
        .ok(303),
        get("/box/srv/1.1/mas/storeitem/downloadvers", |f| {
            query(&[("guid", &f.version)])
        })
        .ok(302),
        get("/box/srv/1.1/mas/storeitem/manifest/{ticket}", none),
        get("/box/srv/1.1/mas/storeitem/package/{ticket}", none).ok(302),
        get("/box/srv/1.1/mas/storeitem/icon/{ticket}", none),
        post("/box/srv/1.1/admin/device/list", empty).theirs(),
        get("/box/srv/1.1/admin/device/list", none).theirs(),
        post("/box/srv/1.1/admin/device/read", |_| {
            Json(json!({"cuid": CUID}))
        }),
        post("/box/srv/1.1/admin/device/update", |_| {
            Json(json!({
                "cuid": CUID, "name": format!("{MARK} device"), "disabled": true,
            }))
        }),
        post("/box/srv/1.1/admin/device/listapps", |_| {
            Json(json!({"cuid": CUID}))
        }),
        post("/box/srv/1.1/admin/device/listusers", |_| {
            Json(json!({"cuid": CUID}))
        }),
        post("/box/srv/1.1/admin/role/list", empty).theirs(),
        post("/box/srv/1.1/admin/role/listAssignable", empty).theirs(),
        get("/api/v2/admin/teams", none).theirs(),
        get("/api/v2/admin/users/{user}/teams", none),
        get("/api/v2/admin/teams/{team}", none),
        post("/api/v2/admin/teams", |f| {
            let perms = json!({DOMAIN_PATH: "read"});
            Json(json!({
                "name": format!("{MARK} new"), "perms": perms,
                "business-objects": {"cluster": ["*"]}, "users": [f.sub.0],
            }))
        }),
        delete("/api/v2/admin/teams/{team}").again(&[404]),
        post("/api/v2/admin/teams/{team}/user/{user}", empty),
        delete("/api/v2/admin/teams/{team}/user/{user}"),
        post("/box/srv/1.1/admin/user/create", |f| {
            let lists = [
                ("roles", json!("sub, dev")),
                ("authpolicies", json!(f.policy)),
                ("storeItemGroups", json!([f.group])),
                ("invite", json!("true")),
            ];
            let mut body = json!({
                "username": format!("{MARK} new"), "email": "new@dev.example", "name": "New",
                "password": PASSWORD,
            });
            lists
                .into_iter()
                .for_each(|(name, value)| body[name] = value);
            Json(body)
        })
        .again(&[409]),
        post("/box/srv/1.1/admin/user/update", |f| {
            let lists = json!({
                "roles": "dev,analytics", "authpolicies": f.policy, "storeItemGroups": "",
                "email": "other@dev.example", "enabled": true,
            });
            let mut body = json!({
                "username": worker(f), "name": "Other", "password": "another horse",
                "blacklisted": false,
            });
            for (name, value) in lists.as_object().into_iter().flatten() {
                body[name] = value.clone();
            }
            Json(body)
        }),
        post("/box/srv/1.1/admin/user/delete", |f| {
            Json(json!({
                "username": worker(f),
            }))
        })
        .again(&[404]),
        post("/box/srv/1.1/admin/user/read", |f| {
            Json(json!({"username": worker(f)}))
        }),
        post("/box/srv/1.1/admin/user/list", empty).theirs(),
        get("/box/srv/1.1/admin/user/list", none).theirs(),
        post("/box/srv/1.1/admin/user/listdevices", |f| {
            Json(json!({"username": sub(f)}))
        }),
        post("/box/srv/1.1/admin/user/liststoreitems", |f| {
            Json(json!({"username": sub(f)}))
        }),
        post("/box/srv/1.1/admin/user/import", |_| {
            Form(
                format!(
                    "UserID,Email,Name,Password\n\
                    {MARK} 1,one@dev.example,One,secret one\n\
                    {MARK} 2,two@dev.example,Two\n"
                )
                .into_bytes(),
                vec![("roles", "sub".to_owned())],
            )
        })
        .theirs(),
        get("/box/srv/1.1/dat/log/read", |f| {
            query(&[(
                "cacheKeys",
                &json!([
                    {"cacheKey": f.import, "start": 0},
                ])
                .to_string(),
            )])
        }),
        post("/box/srv/1.1/ide/{domain}/user/invite", |f| {
            Json(json!({
                "email": f.invited, "force": true,
            }))
        }),
    ]
}

fn named_app(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![
        ("appType", "mobileapp".to_owned()),
        ("appId", f.shelved.clone()),
    ]
}

/// The rows of lists, life cycle, tags and subscriptions of the publisher API, for an item in the
/// store.
fn publisher_list_entries() -> Vec<Entry> {
    use Carries::Json;
    const APPS: &str = "/api/appm/publisher/v1.1/apps/{appType}";
    const LIFE_CYCLE: &str = "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/lifecycle";
    const HISTORY: &str = "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/lifecycle-history";
    const TAGS: &str = "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/tags";
    const SUBSCRIPTIONS: &str = "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/subscriptions";
    vec![
        get(APPS, |_| query(&[("field-filter", "basic")]))
            .with(named_app)
            .theirs(),
        post(
            "/api/appm/publisher/v1.1/apps/{appType}/change-lifecycle",
            |f| query(&[("appId", &f.shelved), ("action", "Unpublish")]),
        )
        .with(named_app)
        .ok(202)
        .again(&[400]),
        get("/api/appm/publisher/v1.1/apps/{appType}/tags", none)
            .with(named_app)
            .theirs(),
        get(LIFE_CYCLE, none).with(named_app),
        get(HISTORY, none).with(named_app),
        get(TAGS, none).with(named_app),
        Entry::new("PUT", TAGS, |_| {
            Json(json!({"tags": [format!("{MARK} tag")]}))
        })
        .with(named_app),
        Entry::new("DELETE", TAGS, |_| {
            Json(json!({"tags": [format!("{MARK} tag")]}))
        })
        .with(named_app),
        get(SUBSCRIPTIONS, none).with(named_app),
        post(SUBSCRIPTIONS, none).with(named_app),
        delete(SUBSCRIPTIONS).with(named_app),
    ]
}

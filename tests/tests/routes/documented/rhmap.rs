//! The steps of `README.md`: what is done before a request through the operations of document 003.

use appdepot_tests::{Answer, PASSWORD, client};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::base::id::{AppId, Guid};
use shared::base::rights::Role;
use shared::model::events::event::{Event, SYSTEM};
use shared::model::events::notification::{Delivery, Notification};
use shared::store::{keys, record};

use super::case::example;
use super::stage::{ADMIN, IDENTIFIER, ORIGIN, Stage, bytes_of, text};

const TEAMS: &str = "/api/v2/admin/teams";

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    DefaultTenant,
    CallerKey,
    UserKey,
    AppKey,
    RevokedKey,
    Item,
    ItemInStore,
    AndroidBinary,
    AndroidBinaryTwice,
    IosBinary,
    IosBinaryTwice,
    IpadBinary,
    IpadBinaryTwice,
    IphoneBinary,
    IphoneBinaryTwice,
    AndroidConfig,
    Icon,
    StoreIcon,
    NoPolicies,
    Policy,
    Oauth1Policy,
    Oauth2Policy,
    LdapPolicy,
    OpenidPolicy,
    PolicyOnStore,
    PolicyOnItem,
    Group,
    GroupOnItem,
    StoreUser,
    User,
    SignedIn,
    UserDisabled,
    UserBlacklisted,
    ListedUser,
    OwnedApp,
    Developer,
    DomainAdmin,
    Device,
    AppDevice,
    DeviceNamed,
    DeviceDisabled,
    DeviceBlacklisted,
    Team,
    DefaultTeam,
    TeamMember,
    AuditReader,
    Installed,
    EndpointSecurity,
    EndpointRemoved,
    Alert,
    Event,
    Notification,
    DeletedItem,
}

impl Stage<'_> {
    pub async fn rhmap_step(&mut self, step: Step) {
        match step {
            Step::DefaultTenant => {}
            Step::CallerKey => self.key("caller", json!({"type": "user"}), false).await,
            Step::UserKey => self.key("key", json!({"type": "user"}), false).await,
            Step::AppKey => {
                self.key(
                    "key",
                    json!({"type": "app", "appId": self.captured("item.guid")}),
                    false,
                )
                .await
            }
            Step::RevokedKey => self.key("key", json!({"type": "user"}), true).await,
            Step::Item => self.item().await,
            Step::ItemInStore => {
                self.post(
                    "appstore/additem",
                    json!({"guid": self.captured("item.guid")}),
                )
                .await;
            }
            Step::AndroidBinary => self.binary("android", 1).await,
            Step::AndroidBinaryTwice => self.binary("android", 2).await,
            Step::IosBinary => self.binary("ios", 1).await,
            Step::IosBinaryTwice => self.binary("ios", 2).await,
            Step::IpadBinary => self.binary("ipad", 1).await,
            Step::IpadBinaryTwice => self.binary("ipad", 2).await,
            Step::IphoneBinary => self.binary("iphone", 1).await,
            Step::IphoneBinaryTwice => self.binary("iphone", 2).await,
            Step::AndroidConfig => {
                let body = json!({
                    "guid": self.captured("item.guid"), "type": "android",
                    "config": {"channel": "beta"},
                });
                self.post("storeitem/setbinaryconfig", body).await;
            }
            Step::Icon => {
                self.upload("icon", &bytes_of("@png", 0).expect("an icon"))
                    .await
            }
            Step::StoreIcon => {
                let icon = bytes_of("@png", 0).expect("an icon");
                let call = self
                    .world
                    .call("POST", &format!("{ADMIN}/appstore/uploadbinary"))
                    .cookie(&self.tenant.cookie);
                let answer = call.form("icon.png", &icon, &[]).send().await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            Step::NoPolicies => {
                let policies = self.post("authpolicy/list", json!({})).await;
                for policy in policies["list"].as_array().expect("a list") {
                    self.post("authpolicy/delete", json!({"guid": policy["guid"]}))
                        .await;
                }
            }
            Step::Policy => {
                self.policy().await;
            }
            Step::Oauth1Policy => self.policy_as_documented("oauth1").await,
            Step::Oauth2Policy => self.policy_as_documented("oauth2").await,
            Step::LdapPolicy => self.policy_as_documented("ldap").await,
            Step::OpenidPolicy => self.policy_as_documented("openid").await,
            Step::PolicyOnStore => {
                let (guid, _) = self.policy().await;
                self.post("appstore/addpolicy", json!({"guid": guid})).await;
            }
            Step::PolicyOnItem => {
                let (guid, _) = self.policy().await;
                self.post(
                    "storeitem/addpolicy",
                    json!({"guid": self.captured("item.guid"), "authguid": guid}),
                )
                .await;
            }
            Step::Group => {
                self.group().await;
            }
            Step::GroupOnItem => {
                let guid = self.group().await;
                self.post(
                    "storeitem/addgroups",
                    json!({"guid": self.captured("item.guid"), "groups": [guid]}),
                )
                .await;
            }
            Step::StoreUser => self.store_user().await,
            Step::User => self.user().await,
            Step::SignedIn => {
                self.world
                    .sign_in(&self.tenant.domain, self.captured("user.userId"))
                    .await;
            }
            Step::UserDisabled => self.change_user(json!({"enabled": false})).await,
            Step::UserBlacklisted => self.change_user(json!({"blacklisted": true})).await,
            Step::ListedUser => {
                let body = json!({
                    "guid": self.captured("policy.guid"), "users": [self.captured("user.userId")],
                });
                self.post("authpolicy/addusers", body).await;
            }
            Step::OwnedApp => {
                self.change_user(json!({"roles": "sub,devadmin"})).await;
                let cookie = self
                    .world
                    .sign_in(&self.tenant.domain, self.captured("user.userId"))
                    .await;
                self.world
                    .post(
                        &cookie,
                        &format!("{ADMIN}/storeitem/create"),
                        json!({"name": "Owned"}),
                    )
                    .await;
            }
            Step::Developer => self.caller_with(vec![Role::Sub, Role::Dev]).await,
            Step::DomainAdmin => self.caller_with(vec![Role::PortalAdmin]).await,
            Step::Device => {
                let token = self.captured("store.guid").to_owned();
                self.device(&token).await;
            }
            Step::AppDevice => {
                let token = self.captured("item.guid").to_owned();
                self.device(&token).await;
            }
            Step::DeviceNamed => {
                self.change_device(json!({"name": "Tablet at the gate"}))
                    .await
            }
            Step::DeviceDisabled => self.change_device(json!({"disabled": true})).await,
            Step::DeviceBlacklisted => self.change_device(json!({"blacklisted": true})).await,
            Step::Team => self.team().await,
            Step::DefaultTeam => {
                let teams = self
                    .world
                    .call("GET", TEAMS)
                    .cookie(&self.tenant.cookie)
                    .send()
                    .await
                    .json;
                let team = teams
                    .as_array()
                    .and_then(|teams| teams.iter().find(|team| team["defaultTeam"] == true))
                    .expect("a default team");
                self.captures.put("team", [("id", text(&team["_id"]))]);
            }
            Step::TeamMember => {
                let path = format!(
                    "{TEAMS}/{}/user/{}",
                    self.captured("team.id"),
                    self.captured("user.guid")
                );
                self.world.post(&self.tenant.cookie, &path, json!({})).await;
            }
            Step::EndpointSecurity => {
                let overrides = json!({
                    "hello": {"security": "https"},
                    "cloud/status": {"security": "appapikey"},
                });
                self.endpoint_security(
                    "set",
                    json!({"default": "appapikey", "overrides": overrides}),
                )
                .await;
            }
            Step::EndpointRemoved => {
                self.endpoint_security("removeOverride", json!({"endpoint": "hello"}))
                    .await
            }
            Step::Alert => {
                let filters = json!({
                    "alertName": "AppTerminated", "eventCategories": "APP_STATE",
                    "eventSeverities": "FATAL",
                });
                let mut body = json!({
                    "emails": "test@example.com", "env": "dev", "uid": self.captured("item.guid"),
                });
                filters
                    .as_object()
                    .into_iter()
                    .flatten()
                    .for_each(|(name, value)| body[name] = value.clone());
                let made = self
                    .world
                    .post(
                        &self.tenant.cookie,
                        "/box/srv/1.1/cm/eventlog/alert/create",
                        body,
                    )
                    .await;
                self.captures.put("alert", [("guid", text(&made["guid"]))]);
            }
            Step::Event => self.event().await,
            Step::Notification => self.notification().await,
            Step::DeletedItem => {
                self.post(
                    "storeitem/delete",
                    json!({"guid": self.captured("item.guid")}),
                )
                .await;
            }
            Step::AuditReader => {
                let user = self
                    .user
                    .as_ref()
                    .expect("the step store-user comes before audit-reader");
                self.world
                    .set_roles(&self.tenant, user, vec![Role::Analytics])
                    .await;
            }
            Step::Installed => self.install(self.captured("item.guid")).await,
        }
    }

    /// Has the item's host tell that it was deployed.
    async fn event(&mut self) {
        let app = self.captured("item.guid").to_owned();
        let path = format!("/box/srv/1.1/ide/{}/api/create", self.tenant.domain);
        let made = self
            .world
            .post(
                &self.tenant.cookie,
                &path,
                json!({"type": "app", "appId": app, "label": "host"}),
            )
            .await;
        let body = json!({
            "appGuid": app, "env": "dev", "eventType": "DEPLOYED",
            "message": "Completed app deployment",
        });
        let key = made["apiKey"]["key"].as_str().expect("a key");
        let told = self
            .world
            .call("POST", "/box/srv/1.1/app/eventlog/create")
            .app_key(key)
            .json(body)
            .send()
            .await;
        assert_eq!(told.status, 200, "{}", told.text);
        self.captures
            .put("event", [("guid", text(&told.json["guid"]))]);
    }

    /// Keeps what `alert-evaluation` keeps when it has mailed.
    async fn notification(&mut self) {
        let now = self.world.plain.clock.now();
        let app: AppId = self.captured("item.guid").parse().expect("an app");
        let name = self.captured("item.name");
        let notification = Notification {
            guid: Guid::random(),
            alert: self.captured("alert.guid").parse().expect("an alert"),
            alert_name: "AppTerminated".to_owned(),
            app,
            app_name: name.to_owned(),
            env: "dev".parse().expect("an environment"),
            recipients: vec!["test@example.com".to_owned()],
            events: vec![Event::named(
                app,
                name,
                "TERMINATED",
                SYSTEM,
                "App terminated".to_owned(),
                now,
            )],
            more: 0,
            delivery: Delivery::Sent,
            tries: 1,
            error: None,
            created: now,
            modified: now,
        };
        let key = keys::notification(
            self.tenant.tenant_id,
            app,
            &notification.env,
            now,
            &notification.guid,
        );
        let write = record::create(key, &notification).expect("a notification");
        self.world
            .plain
            .table
            .write(vec![write])
            .await
            .expect("it is kept");
        self.captures
            .put("notification", [("guid", notification.guid.to_string())]);
    }

    pub async fn item(&mut self) {
        let fields = json!({
            "name": "Field Notes", "description": "Notes from the field",
            "authToken": "field-token",
        });
        let made = self.post("storeitem/create", fields).await;
        let field = |name: &'static str| (name, text(&made[name]));
        self.captures.put(
            "item",
            ["guid", "name", "description", "authToken"].map(field),
        );
    }

    async fn key(&mut self, name: &'static str, mut body: Value, revoke: bool) {
        body["label"] = json!(format!("Key {}", self.next()));
        let path =
            |operation: &str| format!("/box/srv/1.1/ide/{}/api/{operation}", self.tenant.domain);
        let mut answer = self
            .world
            .post(&self.tenant.cookie, &path("create"), body)
            .await;
        if revoke {
            answer = self
                .world
                .post(
                    &self.tenant.cookie,
                    &path("revoke"),
                    json!({"key": answer["apiKey"]["key"]}),
                )
                .await;
        }
        let made = &answer["apiKey"];
        let fields = ["key", "label", "revoked"]
            .into_iter()
            .filter(|field| !made[*field].is_null());
        self.captures
            .put(name, fields.map(|field| (field, text(&made[field]))));
    }

    async fn endpoint_security(&self, operation: &str, mut body: Value) {
        body["appId"] = json!(self.captured("item.guid"));
        body["environment"] = json!("dev");
        self.world
            .post(
                &self.tenant.cookie,
                &format!("/box/srv/1.1/app/endpointsecurity/{operation}"),
                body,
            )
            .await;
    }

    async fn policy(&mut self) -> (Guid, String) {
        let policy_id = format!("Policy {}", self.next());
        let guid = self.world.add_policy(&self.tenant, &policy_id).await;
        self.captures.put(
            "policy",
            [("guid", guid.to_string()), ("policyId", policy_id.clone())],
        );
        (guid, policy_id)
    }

    /// Makes a policy as the document's own example of that type, under an id of its own.
    async fn policy_as_documented(&mut self, kind: &str) {
        let mut body = example(&format!("rhmap/3.1-create-auth-policy-{kind}.json"));
        let policy_id = format!("Policy {}", self.next());
        body["policyId"] = json!(policy_id);
        let made = self.post("authpolicy/create", body).await;
        self.captures.put(
            "policy",
            [("guid", text(&made["guid"])), ("policyId", policy_id)],
        );
    }

    async fn user(&mut self) {
        let number = self.next();
        let (username, email, name) = (
            format!("user-{number}"),
            format!("user-{number}@example.com"),
            format!("User {number}"),
        );
        self.post(
            "user/create",
            json!({
                "username": username, "email": email, "name": name, "password": PASSWORD,
                "roles": "sub",
            }),
        )
        .await;
        let read = self.post("user/read", json!({"username": username})).await;
        self.captures.put(
            "user",
            [
                ("guid", text(&read["guid"])),
                ("userId", username),
                ("email", email),
                ("name", name),
            ],
        );
    }

    async fn change_user(&self, mut change: Value) {
        change["username"] = json!(self.captured("user.userId"));
        self.post("user/update", change).await;
    }

    /// Another user with these roles, whose key the case asks with.
    async fn caller_with(&mut self, roles: Vec<Role>) {
        let username = format!("caller-{}", self.next());
        let (_, cookie) = self.world.user(&self.tenant, &username, roles).await;
        let path = format!("/box/srv/1.1/ide/{}/api/create", self.tenant.domain);
        let made = self
            .world
            .post(&cookie, &path, json!({"type": "user", "label": "caller"}))
            .await;
        self.captures
            .put("caller", [("key", text(&made["apiKey"]["key"]))]);
    }

    /// The user signs in on a new device, as that app.
    async fn device(&mut self, client_token: &str) {
        let (policy_id, cuid) = (
            format!("Policy {}", self.next()),
            format!("{:032X}", self.next()),
        );
        self.world.add_policy(&self.tenant, &policy_id).await;
        let params = json!({"userId": self.captured("user.userId"), "password": PASSWORD});
        let body = json!({
            "policyId": policy_id, "clientToken": client_token, "device": cuid, "params": params,
        });
        // An item's guid leads to no tenant: the host does.
        let call = self
            .world
            .call("POST", &format!("{ADMIN}/authpolicy/auth"))
            .host(&format!("{}.apps.example", self.tenant.domain));
        let answer = call.json(body).send().await;
        assert_eq!(answer.json["status"], "ok", "{}", answer.text);
        let read = self.post("device/read", json!({"cuid": cuid})).await;
        self.captures.put(
            "device",
            [
                ("", cuid.clone()),
                ("cuid", cuid),
                ("guid", text(&read["guid"])),
            ],
        );
    }

    async fn change_device(&self, mut change: Value) {
        change["cuid"] = json!(self.captured("device.cuid"));
        self.post("device/update", change).await;
    }

    async fn team(&mut self) {
        let number = self.next();
        let (name, code, desc) = (
            format!("Team {number}"),
            format!("team-{number}"),
            format!("The team of number {number}"),
        );
        let body = json!({
            "name": name,
            "code": code,
            "desc": desc,
            "perms": {"cluster/reseller": "read"},
            "business-objects": {"cluster/reseller": [self.tenant.domain]},
            "users": [],
        });
        let made = self.world.post(&self.tenant.cookie, TEAMS, body).await;
        self.captures.put(
            "team",
            [
                ("id", text(&made["_id"])),
                ("name", name),
                ("code", code),
                ("desc", desc),
            ],
        );
    }

    pub async fn group(&mut self) -> String {
        let name = format!("Group {}", self.next());
        let made = self
            .post("storeitemgroup/create", json!({"name": name}))
            .await;
        let guid = text(&made["guid"]);
        self.captures.put("group", [("guid", guid.clone())]);
        guid
    }

    pub async fn binary(&mut self, kind: &'static str, times: usize) {
        for _ in 0..times {
            let version = self.next();
            let file = bytes_of(if kind == "android" { "@apk" } else { "@ipa" }, version)
                .expect("a binary");
            self.upload(kind, &file).await;
        }
        self.kind = kind;
        self.captures
            .put("binary", [("bundleId", IDENTIFIER.to_owned())]);
    }

    async fn upload(&self, kind: &str, file: &[u8]) {
        let answer = self
            .world
            .upload(&self.tenant.cookie, self.captured("item.guid"), kind, file)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    pub async fn store_user(&mut self) {
        let username = format!("user-{}", self.next());
        let device = format!("DEVICE-{}", self.next());
        // Not captured: `$policy` stays what the file's other steps made.
        let policy_id = format!("Policy {}", self.next());
        let policy = self.world.add_policy(&self.tenant, &policy_id).await;
        self.post("appstore/addpolicy", json!({"guid": policy}))
            .await;
        let guid = self
            .world
            .add_user(&self.tenant, &username, vec![Role::Sub])
            .await;
        self.session = self
            .world
            .store_session_by(&self.tenant, &policy_id, &username, &device)
            .await;
        self.captures
            .put("user", [("guid", guid.to_string()), ("userId", username)]);
        self.captures.put("device", [("", device)]);
        self.user = Some(guid);
    }

    /// Installs an item as a device does, down to the file's first bytes.
    pub async fn install(&self, guid: &str) {
        let (kind, device) = (self.kind, self.captured("device"));
        let path =
            format!("/box/srv/1.1/mas/storeitem/install?guid={guid}&type={kind}&deviceId={device}");
        let mut answer = self
            .world
            .call("GET", &path)
            .session(&self.session)
            .send()
            .await;
        if answer.status == 200 {
            let (_, link) = answer
                .text
                .split_once("url=")
                .expect("a link to the manifest");
            let link = percent_decode_str(link.split('"').next().expect("the link ends"))
                .decode_utf8()
                .expect("a link");
            let manifest = self.follow(&link).await;
            let manifest = plist::Value::from_reader_xml(&manifest.bytes[..]).expect("a manifest");
            let package = first(&manifest, "items")
                .and_then(|item| first(item, "assets"))
                .and_then(plist::Value::as_dictionary);
            let url = package
                .and_then(|package| package.get("url")?.as_string())
                .expect("the package's address");
            answer = self.follow(url).await;
        }
        assert_eq!(answer.status, 302, "{}", answer.text);
        let file = client::send(
            "GET",
            answer.header("location"),
            &[("range", "bytes=0-3")],
            "",
        )
        .await
        .expect("the storage answers");
        assert_eq!(
            (file.status, &file.bytes[..]),
            (206, &b"PK\x03\x04"[..]),
            "the file itself"
        );
    }

    /// Follows a link of this server without a session.
    async fn follow(&self, url: &str) -> Answer {
        let path = url
            .strip_prefix(ORIGIN)
            .unwrap_or_else(|| panic!("{url} leads elsewhere"));
        self.world.call("GET", path).send().await
    }
}

/// The first element of a list in a property list.
fn first<'a>(value: &'a plist::Value, key: &str) -> Option<&'a plist::Value> {
    value.as_dictionary()?.get(key)?.as_array()?.first()
}

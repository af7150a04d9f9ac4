//! Replays `tests/documented`: each documented request with its documented answer, in a tenant of its own, and the
//! documented operations against the route table. What the files mean stands in `tests/documented/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use appdepot_tests::{Answer, PASSWORD, Part, TestTenant, World, client, golden};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use package_reader::testing;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::access::Role;
use shared::id::Guid;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const ADMIN: &str = "/box/srv/1.1/admin";
const TEAMS: &str = "/api/v2/admin/teams";

/// The identifier of every binary: one per case is enough, since each case has its own tenant.
const IDENTIFIER: &str = "com.example.documented";

/// How many cases of a test run side by side: most of their time is waiting for uploads to be read.
const AT_ONCE: usize = 4;

/// Names a test for each span of sections: chapter, first and last section.
macro_rules! spans {
    ($($name:ident $chapter:literal $first:literal $last:literal;)+) => {
        const SPANS: &[Span] = &[$(Span { chapter: $chapter, first: $first, last: $last }),+];

        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                replay(Span { chapter: $chapter, first: $first, last: $last }).await;
            }
        )+
    };
}

spans! {
    api_keys 1 1 6;
    store_front 2 1 9;
    store_items 2 10 14;
    binaries 2 15 15;
    item_policies_and_configurations 2 16 19;
    item_groups_and_audit_log 2 20 22;
    store_client 2 23 25;
    policies 3 1 5;
    users_of_policies 3 6 8;
    devices 6 1 5;
    roles 8 1 2;
    teams 9 2 8;
    users 10 2 6;
    changes_of_users 10 7 11;
}

/// A span of sections of document 003.
#[derive(Clone, Copy)]
struct Span {
    chapter: u32,
    first: u32,
    last: u32,
}

impl Span {
    /// Whether a section such as `003 2.15` is in it.
    fn holds(self, section: &str) -> bool {
        let numbers = section.strip_prefix("003 ").and_then(|number| number.split_once('.'));
        let numbers = numbers.and_then(|(chapter, section)| Some((chapter.parse::<u32>().ok()?, section.parse::<u32>().ok()?)));
        numbers.is_some_and(|(chapter, section)| chapter == self.chapter && (self.first..=self.last).contains(&section))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    section: String,
    title: String,
    repairs: Vec<String>,
    #[serde(rename = "as")]
    caller: Caller,
    given: Vec<Step>,
    request: Request,
    response: Response,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Caller {
    Admin,
    StoreUser,
    Nobody,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
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
    DeletedItem,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    #[serde(default)]
    multipart: Vec<FormPart>,
    raw: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum FormPart {
    Text { name: String, value: String },
    File { name: String, filename: String, content: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    status: u16,
    body: Option<Value>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    contains: Vec<String>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("documented")
}

/// All files with their names. One that cannot be read, or names an unknown step, fails every test.
fn cases() -> Vec<(String, String, Case)> {
    let entries = fs::read_dir(folder().join("rhmap")).expect("the folder is there");
    let mut found: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            let case: Case = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, text, case)
        })
        .collect();
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    found
}

/// Replays the files of a span and tells of all that fail.
async fn replay(span: Span) {
    let world = Arc::new(World::of_public_addresses().await.0);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let mut names = BTreeMap::new();
    let chosen = cases().into_iter().filter(|(.., case)| span.holds(&case.section));
    for (number, (name, text, case)) in chosen.enumerate() {
        let (world, turns) = (Arc::clone(&world), Arc::clone(&turns));
        let task = running.spawn(async move {
            let _turn = turns.acquire_owned().await.expect("turns are never closed");
            if case.given.contains(&Step::DefaultTenant) {
                let (world, tenant) = World::of_public_addresses().await;
                run(&world, tenant, &case, &text).await
            } else {
                let tenant = world.tenant(&format!("case-{number}")).await;
                run(&world, tenant, &case, &text).await
            }
        });
        names.insert(task.id(), name);
    }
    assert!(!names.is_empty(), "no file of these sections");
    let mut failures = BTreeMap::new();
    while let Some(ended) = running.join_next_with_id().await {
        let (id, failure) = match ended {
            Ok((id, outcome)) => (id, outcome.err()),
            Err(error) => (error.id(), Some(format!("its steps failed: {}", said(error)))),
        };
        if let Some(failure) = failure {
            failures.insert(&names[&id], failure);
        }
    }
    let report = failures.iter().fold(String::new(), |report, (name, failure)| format!("{report}\n=== {name}\n{failure}\n"));
    assert!(failures.is_empty(), "{} of {} files failed\n{report}", failures.len(), names.len());
}

/// What a panicking task said.
fn said(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("a panic without words").to_owned(),
        },
        Err(error) => error.to_string(),
    }
}

/// Runs one case: the steps, the request, the comparison.
async fn run(world: &World, tenant: TestTenant, case: &Case, text: &str) -> Result<(), String> {
    let mut stage = Stage::new(world, tenant).await;
    for step in &case.given {
        stage.step(*step).await;
    }
    let mut told = String::new();
    let answer = stage.ask(case, &mut told).await?;
    let mut wrong = Vec::new();
    let response = &case.response;
    if answer.status != response.status {
        wrong.push(format!("status {} instead of {}", answer.status, response.status));
    }
    if let Some(body) = &response.body {
        let json = (!answer.json.is_null()).then_some(&answer.json);
        if !answer.header("content-type").starts_with("application/json") {
            wrong.push(format!("content-type {:?}", answer.header("content-type")));
        }
        stage.captures.compare(body, json, "body", &mut wrong);
    }
    for (name, value) in &response.headers {
        let got = answer.headers.contains_key(name).then(|| Value::from(answer.header(name)));
        stage.captures.compare(value, got.as_ref(), name, &mut wrong);
    }
    for part in &response.contains {
        let part = stage.captures.fill(part)?;
        if !answer.text.contains(&part) {
            wrong.push(format!("{part:?} is not in the body"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let expected = serde_json::from_str::<Value>(text).map(|file| file["response"].to_string()).unwrap_or_default();
    let Case { section, title, repairs, .. } = case;
    Err(format!(
        "{section} {title}\nrepaired: {repairs:?}\n> {told}\nexpected: {expected}\nreceived: {} {:?} {}\nwrong:    {}",
        answer.status,
        answer.headers,
        answer.text,
        wrong.join("\n          ")
    ))
}

/// What steps captured: by name, once for each time, the values by field (empty for a value without fields).
#[derive(Default)]
struct Captures(BTreeMap<&'static str, Vec<BTreeMap<&'static str, String>>>);

impl Captures {
    fn put(&mut self, name: &'static str, fields: impl IntoIterator<Item = (&'static str, String)>) {
        self.0.entry(name).or_default().push(fields.into_iter().collect());
    }

    /// The value of `name`, `name.field`, `name.1` or `name.1.field`.
    fn get(&self, reference: &str) -> Option<&str> {
        let mut words = reference.split('.').peekable();
        let times = self.0.get(words.next()?)?;
        let fields = match words.peek().and_then(|word| word.parse::<usize>().ok()) {
            None => times.last()?,
            Some(nth) => {
                words.next();
                times.get(nth.checked_sub(1)?)?
            }
        };
        let field = words.next().unwrap_or_default();
        if words.next().is_none() { fields.get(field).map(String::as_str) } else { None }
    }

    /// The text with every reference replaced.
    fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(after.len());
            let value = self.get(&after[..end]).ok_or_else(|| format!("${} is captured by no step", &after[..end]))?;
            filled.push_str(value);
            rest = &after[end..];
        }
        Ok(filled + rest)
    }

    fn fill_json(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(list) => Value::Array(list.iter().map(|one| self.fill_json(one)).collect::<Result<_, _>>()?),
            Value::Object(object) => Value::Object(object.iter().map(|(key, one)| Ok((key.clone(), self.fill_json(one)?))).collect::<Result<_, String>>()?),
            other => other.clone(),
        })
    }

    /// Notes in `wrong` where an answer is not what the file wants.
    fn compare(&self, wanted: &Value, got: Option<&Value>, at: &str, wrong: &mut Vec<String>) {
        let Some(got) = got else {
            wrong.push(format!("{at} is missing"));
            return;
        };
        let right = match (wanted, got) {
            (Value::Object(wanted), Value::Object(got)) => {
                for (key, value) in wanted {
                    self.compare(value, got.get(key), &format!("{at}.{key}"), wrong);
                }
                Ok(true)
            }
            (Value::Array(wanted), Value::Array(got)) => match &wanted[..] {
                [] => Ok(true),
                [_] if got.is_empty() => Ok(false),
                [element] => {
                    for (place, one) in got.iter().enumerate() {
                        self.compare(element, Some(one), &format!("{at}[{place}]"), wrong);
                    }
                    Ok(true)
                }
                _ => Err("the file's list holds more than one element".to_owned()),
            },
            (Value::String(matcher), got) if matcher.starts_with("<<") => fits(matcher, got).ok_or_else(|| "this matcher is unknown".to_owned()),
            (Value::String(text), got) => self.fill(text).map(|text| *got == text),
            (wanted, got) => Ok(wanted == got),
        };
        match right {
            Ok(true) => {}
            Ok(false) => wrong.push(format!("{at} is {got} and not {wanted}")),
            Err(why) => wrong.push(format!("{at}: {wanted}: {why}")),
        }
    }
}

/// Whether a value is what a matcher asks for; `None` for a matcher that does not exist.
fn fits(matcher: &str, value: &Value) -> Option<bool> {
    let text = |right: fn(&str) -> bool| value.as_str().is_some_and(right);
    Some(match matcher {
        "<<any>>" => true,
        "<<null>>" => value.is_null(),
        "<<bool>>" => value.is_boolean(),
        "<<number>>" => value.is_number(),
        "<<string>>" => value.is_string(),
        "<<null-or-string>>" => value.is_null() || value.is_string(),
        "<<guid>>" => text(|text| text.len() == 24 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')),
        "<<key>>" => text(|text| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())),
        "<<url>>" => text(|text| text.parse::<http::Uri>().is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())),
        "<<base64>>" => text(|text| STANDARD.decode(text).is_ok()),
        "<<base64:some>>" => text(|text| STANDARD.decode(text).is_ok_and(|bytes| !bytes.is_empty())),
        "<<time:java>>" => text(is_java_time),
        "<<time:seconds>>" => text(|text| shaped(text, "0000-00-00 00:00:00")),
        "<<millis-text>>" => text(|text| shaped(text, "0000000000000")),
        "<<team-id>>" => text(|text| text.len() == 24 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))),
        "<<time:millis>>" => text(|text| shaped(text, "0000-00-00 00:00:00:000")),
        _ => return None,
    })
}

/// Whether a text has that shape: `0` stands for a digit.
fn shaped(text: &str, shape: &str) -> bool {
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(|(have, want)| if want == b'0' { have.is_ascii_digit() } else { have == want })
}

fn is_java_time(text: &str) -> bool {
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words = text.split_once(' ').and_then(|(day, rest)| Some((day, rest.split_once(' ')?)));
    words.is_some_and(|(day, (month, rest))| days.contains(&day) && months.contains(&month) && shaped(rest, "00 00:00:00 GMT 0000"))
}

/// Where a case plays.
struct Stage<'a> {
    world: &'a World,
    tenant: TestTenant,
    captures: Captures,
    /// Counts what was made, for names and for versions that rise.
    made: u32,
    /// The type of the binary that was uploaded last.
    kind: &'static str,
    user: Option<Guid>,
    session: String,
}

impl<'a> Stage<'a> {
    /// The tenant with an empty store.
    async fn new(world: &'a World, tenant: TestTenant) -> Self {
        let mut captures = Captures::default();
        captures.put("domain", [("", tenant.domain.clone())]);
        captures.put("store", [("guid", tenant.store.to_string())]);
        captures.put("unknown", [("guid", Guid::random().to_string())]);
        let administrator = format!("admin@{}.example", tenant.domain);
        captures.put("admin", [("guid", tenant.admin.to_string()), ("userId", administrator)]);
        let stage = Self { world, tenant, captures, made: 0, kind: "", user: None, session: String::new() };
        let policies = stage.post("appstore/listpolicies", json!({})).await;
        for guid in policies["list"].as_array().expect("a list") {
            stage.post("appstore/removepolicy", json!({"guid": guid})).await;
        }
        stage
    }

    /// Asks an administration operation as the administrator.
    async fn post(&self, operation: &str, body: Value) -> Value {
        self.world.post(&self.tenant.cookie, &format!("{ADMIN}/{operation}"), body).await
    }

    /// A number that no earlier call gave.
    fn next(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    fn captured(&self, reference: &str) -> &str {
        self.captures.get(reference).unwrap_or_else(|| panic!("a step before this one must capture ${reference}"))
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::DefaultTenant => {}
            Step::CallerKey => self.key("caller", json!({"type": "user"}), false).await,
            Step::UserKey => self.key("key", json!({"type": "user"}), false).await,
            Step::AppKey => self.key("key", json!({"type": "app", "appId": self.captured("item.guid")}), false).await,
            Step::RevokedKey => self.key("key", json!({"type": "user"}), true).await,
            Step::Item => {
                let fields = json!({"name": "Field Notes", "description": "Notes from the field", "authToken": "field-token"});
                let made = self.post("storeitem/create", fields).await;
                let field = |name: &'static str| (name, text(&made[name]));
                self.captures.put("item", ["guid", "name", "description", "authToken"].map(field));
            }
            Step::ItemInStore => {
                self.post("appstore/additem", json!({"guid": self.captured("item.guid")})).await;
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
                let body = json!({"guid": self.captured("item.guid"), "type": "android", "config": {"channel": "beta"}});
                self.post("storeitem/setbinaryconfig", body).await;
            }
            Step::Icon => self.upload("icon", &self.content("@png", 0).expect("an icon")).await,
            Step::StoreIcon => {
                let icon = self.content("@png", 0).expect("an icon");
                let call = self.world.call("POST", &format!("{ADMIN}/appstore/uploadbinary")).cookie(&self.tenant.cookie);
                let answer = call.form("icon.png", &icon, &[]).send().await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            Step::NoPolicies => {
                let policies = self.post("authpolicy/list", json!({})).await;
                for policy in policies["list"].as_array().expect("a list") {
                    self.post("authpolicy/delete", json!({"guid": policy["guid"]})).await;
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
                self.post("storeitem/addpolicy", json!({"guid": self.captured("item.guid"), "authguid": guid})).await;
            }
            Step::Group => {
                self.group().await;
            }
            Step::GroupOnItem => {
                let guid = self.group().await;
                self.post("storeitem/addgroups", json!({"guid": self.captured("item.guid"), "groups": [guid]})).await;
            }
            Step::StoreUser => self.store_user().await,
            Step::User => self.user().await,
            Step::SignedIn => {
                self.world.sign_in(&self.tenant.domain, self.captured("user.userId")).await;
            }
            Step::UserDisabled => self.change_user(json!({"enabled": false})).await,
            Step::UserBlacklisted => self.change_user(json!({"blacklisted": true})).await,
            Step::ListedUser => {
                let body = json!({"guid": self.captured("policy.guid"), "users": [self.captured("user.userId")]});
                self.post("authpolicy/addusers", body).await;
            }
            Step::OwnedApp => {
                self.change_user(json!({"roles": "sub,devadmin"})).await;
                let cookie = self.world.sign_in(&self.tenant.domain, self.captured("user.userId")).await;
                self.world.post(&cookie, &format!("{ADMIN}/storeitem/create"), json!({"name": "Owned"})).await;
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
            Step::DeviceNamed => self.change_device(json!({"name": "Tablet at the gate"})).await,
            Step::DeviceDisabled => self.change_device(json!({"disabled": true})).await,
            Step::DeviceBlacklisted => self.change_device(json!({"blacklisted": true})).await,
            Step::Team => self.team().await,
            Step::DefaultTeam => {
                let teams = self.world.call("GET", TEAMS).cookie(&self.tenant.cookie).send().await.json;
                let team = teams.as_array().and_then(|teams| teams.iter().find(|team| team["defaultTeam"] == true)).expect("a default team");
                self.captures.put("team", [("id", text(&team["_id"]))]);
            }
            Step::TeamMember => {
                let path = format!("{TEAMS}/{}/user/{}", self.captured("team.id"), self.captured("user.guid"));
                self.world.post(&self.tenant.cookie, &path, json!({})).await;
            }
            Step::DeletedItem => {
                self.post("storeitem/delete", json!({"guid": self.captured("item.guid")})).await;
            }
            Step::AuditReader => {
                let user = self.user.as_ref().expect("the step store-user comes before audit-reader");
                self.world.set_roles(&self.tenant, user, vec![Role::Analytics]).await;
            }
            Step::Installed => self.install().await,
        }
    }

    async fn key(&mut self, name: &'static str, mut body: Value, revoke: bool) {
        body["label"] = json!(format!("Key {}", self.next()));
        let path = |operation: &str| format!("/box/srv/1.1/ide/{}/api/{operation}", self.tenant.domain);
        let mut answer = self.world.post(&self.tenant.cookie, &path("create"), body).await;
        if revoke {
            answer = self.world.post(&self.tenant.cookie, &path("revoke"), json!({"key": answer["apiKey"]["key"]})).await;
        }
        let made = &answer["apiKey"];
        let fields = ["key", "label", "revoked"].into_iter().filter(|field| !made[*field].is_null());
        self.captures.put(name, fields.map(|field| (field, text(&made[field]))));
    }

    async fn policy(&mut self) -> (Guid, String) {
        let policy_id = format!("Policy {}", self.next());
        let guid = self.world.add_policy(&self.tenant, &policy_id).await;
        self.captures.put("policy", [("guid", guid.to_string()), ("policyId", policy_id.clone())]);
        (guid, policy_id)
    }

    /// Makes a policy as the document's own example of that type, under an id of its own.
    async fn policy_as_documented(&mut self, kind: &str) {
        let name = format!("3.1-create-auth-policy-{kind}.json");
        let (.., case) = cases().into_iter().find(|(of, ..)| *of == name).unwrap_or_else(|| panic!("{name} is there"));
        let mut body = case.request.body.expect("a body");
        let policy_id = format!("Policy {}", self.next());
        body["policyId"] = json!(policy_id);
        let made = self.post("authpolicy/create", body).await;
        self.captures.put("policy", [("guid", text(&made["guid"])), ("policyId", policy_id)]);
    }

    async fn user(&mut self) {
        let number = self.next();
        let (username, email, name) = (format!("user-{number}"), format!("user-{number}@example.com"), format!("User {number}"));
        self.post("user/create", json!({"username": username, "email": email, "name": name, "password": PASSWORD, "roles": "sub"})).await;
        let read = self.post("user/read", json!({"username": username})).await;
        self.captures.put("user", [("guid", text(&read["guid"])), ("userId", username), ("email", email), ("name", name)]);
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
        let made = self.world.post(&cookie, &path, json!({"type": "user", "label": "caller"})).await;
        self.captures.put("caller", [("key", text(&made["apiKey"]["key"]))]);
    }

    /// The user signs in on a new device, as that app.
    async fn device(&mut self, client_token: &str) {
        let (policy_id, cuid) = (format!("Policy {}", self.next()), format!("{:032X}", self.next()));
        self.world.add_policy(&self.tenant, &policy_id).await;
        let params = json!({"userId": self.captured("user.userId"), "password": PASSWORD});
        let body = json!({"policyId": policy_id, "clientToken": client_token, "device": cuid, "params": params});
        // An item's guid leads to no tenant: the host does.
        let call = self.world.call("POST", &format!("{ADMIN}/authpolicy/auth")).host(&format!("{}.apps.example", self.tenant.domain));
        let answer = call.json(body).send().await;
        assert_eq!(answer.json["status"], "ok", "{}", answer.text);
        let read = self.post("device/read", json!({"cuid": cuid})).await;
        self.captures.put("device", [("", cuid.clone()), ("cuid", cuid), ("guid", text(&read["guid"]))]);
    }

    async fn change_device(&self, mut change: Value) {
        change["cuid"] = json!(self.captured("device.cuid"));
        self.post("device/update", change).await;
    }

    async fn team(&mut self) {
        let number = self.next();
        let (name, code, desc) = (format!("Team {number}"), format!("team-{number}"), format!("The team of number {number}"));
        let body = json!({
            "name": name,
            "code": code,
            "desc": desc,
            "perms": {"cluster/reseller": "read"},
            "business-objects": {"cluster/reseller": [self.tenant.domain]},
            "users": [],
        });
        let made = self.world.post(&self.tenant.cookie, TEAMS, body).await;
        self.captures.put("team", [("id", text(&made["_id"])), ("name", name), ("code", code), ("desc", desc)]);
    }

    async fn group(&mut self) -> String {
        let name = format!("Group {}", self.next());
        let made = self.post("storeitemgroup/create", json!({"name": name})).await;
        let guid = text(&made["guid"]);
        self.captures.put("group", [("guid", guid.clone())]);
        guid
    }

    async fn binary(&mut self, kind: &'static str, times: usize) {
        for _ in 0..times {
            let version = self.next();
            let file = self.content(if kind == "android" { "@apk" } else { "@ipa" }, version).expect("a binary");
            self.upload(kind, &file).await;
        }
        self.kind = kind;
        self.captures.put("binary", [("bundleId", IDENTIFIER.to_owned())]);
    }

    async fn upload(&self, kind: &str, file: &[u8]) {
        let answer = self.world.upload(&self.tenant.cookie, self.captured("item.guid"), kind, file).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// The bytes that a file's content stands for.
    fn content(&self, content: &str, version: u32) -> Result<Vec<u8>, String> {
        match content {
            "@apk" => Ok(testing::apk(IDENTIFIER, version, &format!("{version}.0"), "Field Notes")),
            "@ipa" => Ok(testing::ipa(IDENTIFIER, &version.to_string(), &format!("{version}.0"), "Field Notes")),
            "@png" => Ok(testing::png(128, 128)),
            "@jpeg" => Ok(testing::jpeg(128, 128)),
            other => Err(format!("the content {other} is unknown")),
        }
    }

    async fn store_user(&mut self) {
        let username = format!("user-{}", self.next());
        let device = format!("DEVICE-{}", self.next());
        // Not captured: `$policy` stays what the file's other steps made.
        let policy_id = format!("Policy {}", self.next());
        let policy = self.world.add_policy(&self.tenant, &policy_id).await;
        self.post("appstore/addpolicy", json!({"guid": policy})).await;
        let guid = self.world.add_user(&self.tenant, &username, vec![Role::Sub]).await;
        self.session = self.world.store_session_by(&self.tenant, &policy_id, &username, &device).await;
        self.captures.put("user", [("guid", guid.to_string()), ("userId", username)]);
        self.captures.put("device", [("", device)]);
        self.user = Some(guid);
    }

    /// Installs the item as a device does, down to the file's first bytes.
    async fn install(&self) {
        let (guid, kind, device) = (self.captured("item.guid"), self.kind, self.captured("device"));
        let path = format!("/box/srv/1.1/mas/storeitem/install?guid={guid}&type={kind}&deviceId={device}");
        let mut answer = self.world.call("GET", &path).session(&self.session).send().await;
        if answer.status == 200 {
            let (_, link) = answer.text.split_once("url=").expect("a link to the manifest");
            let link = percent_decode_str(link.split('"').next().expect("the link ends")).decode_utf8().expect("a link");
            let manifest = self.follow(&link).await;
            let manifest = plist::Value::from_reader_xml(&manifest.bytes[..]).expect("a manifest");
            let package = first(&manifest, "items").and_then(|item| first(item, "assets")).and_then(plist::Value::as_dictionary);
            let url = package.and_then(|package| package.get("url")?.as_string()).expect("the package's address");
            answer = self.follow(url).await;
        }
        assert_eq!(answer.status, 302, "{}", answer.text);
        let file = client::send("GET", answer.header("location"), &[("range", "bytes=0-3")], "").await.expect("the storage answers");
        assert_eq!((file.status, &file.bytes[..]), (206, &b"PK\x03\x04"[..]), "the file itself");
    }

    /// Follows a link of this server without a session.
    async fn follow(&self, url: &str) -> Answer {
        let path = url.strip_prefix("https://store.example").unwrap_or_else(|| panic!("{url} leads elsewhere"));
        self.world.call("GET", path).send().await
    }

    /// Sends the case's request and notes it in `told`.
    async fn ask(&mut self, case: &Case, told: &mut String) -> Result<Answer, String> {
        let request = &case.request;
        let path = self.captures.fill(&request.path)?;
        write!(told, "{} {path}", request.method).map_err(|error| error.to_string())?;
        let mut call = self.world.call(&request.method, &path);
        call = match case.caller {
            Caller::Admin => call.cookie(&self.tenant.cookie),
            Caller::StoreUser => call.session(&self.session),
            Caller::Nobody => call,
        };
        let mut content_type = None;
        for (name, value) in &request.headers {
            let value = self.captures.fill(value)?;
            write!(told, "\n> {name}: {value}").map_err(|error| error.to_string())?;
            if name.eq_ignore_ascii_case("content-type") {
                content_type = Some(value);
            } else {
                call = call.header(name, &value);
            }
        }
        let version = self.next();
        let mut parts = Vec::new();
        for part in &request.multipart {
            parts.push(match part {
                FormPart::Text { name, value } => (name, None, self.captures.fill(value)?.into_bytes()),
                FormPart::File { name, filename, content } => (name, Some(filename.as_str()), self.content(content, version)?),
            });
        }
        let told_parts = request.multipart.iter().zip(&parts).map(|(part, (name, _, bytes))| match part {
            FormPart::Text { .. } => format!("\n> {name}={}", String::from_utf8_lossy(bytes)),
            FormPart::File { filename, content, .. } => format!("\n> {name}={content} ({filename})"),
        });
        told.extend(told_parts);
        call = match (&request.body, &request.raw, content_type) {
            (None, None, None) if parts.is_empty() => call,
            (None, None, None) => call.parts(parts.iter().map(|(name, file_name, content)| Part { name, file_name: *file_name, content })),
            (Some(body), None, None) if parts.is_empty() => {
                let body = self.captures.fill_json(body)?;
                write!(told, "\n> {body}").map_err(|error| error.to_string())?;
                call.json(body)
            }
            (None, Some(raw), Some(content_type)) if parts.is_empty() => {
                write!(told, "\n> {raw}").map_err(|error| error.to_string())?;
                call.raw(&content_type, raw.clone().into_bytes())
            }
            _ => return Err("one of body, multipart and raw, and a Content-Type with raw alone".to_owned()),
        };
        Ok(call.send().await)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The first element of a list in a property list.
fn first<'a>(value: &'a plist::Value, key: &str) -> Option<&'a plist::Value> {
    value.as_dictionary()?.get(key)?.as_array()?.first()
}

#[test]
fn every_file_is_replayed_by_one_test() {
    let cases = cases();
    assert!(!cases.is_empty());
    for (name, _, case) in &cases {
        let times = SPANS.iter().filter(|span| span.holds(&case.section)).count();
        assert_eq!(times, 1, "{name}: section {} is in {times} spans", case.section);
        let number = case.section.trim_start_matches("003 ");
        assert!(name.starts_with(&format!("{number}-")) && name.ends_with(".json"), "{name} is of section {number}");
    }
}

#[test]
fn matchers_match_what_the_readme_says() {
    let captures = {
        let mut captures = Captures::default();
        captures.put("key", [("label", "one".to_owned())]);
        captures.put("key", [("label", "two".to_owned())]);
        captures.put("domain", [("", "dev".to_owned())]);
        captures
    };
    assert_eq!(captures.fill("/$domain/$key.label?a=$key.1.label&b=$key.2.label").as_deref(), Ok("/dev/two?a=one&b=two"));
    assert!(captures.fill("$key.3.label").is_err() && captures.fill("$key.guid").is_err() && captures.fill("$nobody").is_err());
    let right = |wanted: Value, got: Value| {
        let mut wrong = Vec::new();
        captures.compare(&wanted, Some(&got), "body", &mut wrong);
        wrong.is_empty()
    };
    for (wanted, good, bad) in [
        (json!("<<guid>>"), json!("5w477lfgy3jrnovri7gctsb-"), json!("5w477lfgy3jrnovri7gctsb")),
        (json!("<<key>>"), json!("0123456789abcdef0123456789abcdef01234567"), json!("0123")),
        (json!("<<string>>"), json!(""), json!(1)),
        (json!("<<url>>"), json!("https://store.example/a?b=c"), json!("/a?b=c")),
        (json!("<<base64>>"), json!(""), json!("!")),
        (json!("<<base64:some>>"), json!("QQ=="), json!("")),
        (json!("<<time:java>>"), json!("Fri Nov 02 10:06:48 GMT 2012"), json!("Fri Nov 02 10:06:48 UTC 2012")),
        (json!("<<time:millis>>"), json!("2017-07-07 10:03:28:117"), json!("2017-07-07 10:03:28.117")),
        (json!("<<time:seconds>>"), json!("2017-05-18 11:28:35"), json!("2017-05-18 11:28:35:000")),
        (json!("<<millis-text>>"), json!("1426252565641"), json!(1_426_252_565_641_u64)),
        (json!("<<team-id>>"), json!("5502e3155afd8f2a5b44c065"), json!("5502E3155AFD8F2A5B44C065")),
        (json!("<<number>>"), json!(1), json!("1")),
        (json!("<<bool>>"), json!(false), json!("false")),
        (json!("<<null>>"), json!(null), json!("")),
        (json!("<<null-or-string>>"), json!(null), json!(0)),
        (json!({"a": "<<any>>"}), json!({"a": null, "b": 1}), json!({"b": 1})),
        (json!({}), json!({"a": 1}), json!([])),
        (json!([1]), json!([1, 1]), json!([1, 2])),
        (json!([1]), json!([1]), json!([])),
        (json!([]), json!([1]), json!({})),
        (json!(2), json!(2), json!("2")),
        (json!("$key.label"), json!("two"), json!("one")),
    ] {
        assert!(right(wanted.clone(), good.clone()), "{wanted} matches {good}");
        assert!(!right(wanted.clone(), bad.clone()), "{wanted} does not match {bad}");
    }
    assert!(!right(json!("<<gguid>>"), json!("5w477lfgy3jrnovri7gctsba")), "an unknown matcher matches nothing");
}

/// A documented operation with one of its methods.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Documented {
    dialect: String,
    section: String,
    method: String,
    path: String,
}

impl Documented {
    fn line(&self) -> String {
        [&*self.dialect, &*self.section, &*self.method, &*self.path].join("\t")
    }

    /// What routes are told apart by: sections that print the same method and path are one operation.
    fn route(&self) -> (String, String) {
        (self.method.clone(), shape_of(&self.path))
    }
}

/// A path without its query and without the names of its parameters, which the documents write in three ways.
fn shape_of(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let segments = path.split('/').map(|segment| if segment.starts_with(['{', '<', '(']) { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

fn documented() -> Vec<Documented> {
    let table = fs::read_to_string(folder().join("operations.tsv")).expect("the table is there");
    let rows = table.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.flat_map(|row| {
        let [dialect, section, _, methods, path] = row[..] else { panic!("{row:?} has five columns") };
        let one = |method: &str| Documented { dialect: dialect.to_owned(), section: section.to_owned(), method: method.to_owned(), path: path.to_owned() };
        methods.split('|').map(one).collect::<Vec<_>>()
    })
    .collect()
}

/// The documented operations without a row of that method, path and section.
fn missing() -> BTreeSet<Documented> {
    let documented = documented();
    let rows: BTreeSet<(String, String, &str)> =
        shared::routes::all().into_iter().flat_map(|function| function.rows).map(|row| (row.method.to_string(), shape_of(row.path), row.section)).collect();
    let has_row = |operation: &Documented| {
        let (method, path) = operation.route();
        documented.iter().any(|other| other.route() == operation.route() && rows.contains(&(method.clone(), path.clone(), &other.section)))
    };
    documented.iter().filter(|operation| !has_row(operation)).cloned().collect()
}

#[test]
fn the_operations_of_the_replayed_chapters_have_their_rows() {
    let served = |section: &str| SPANS.iter().any(|span| span.holds(section));
    assert_eq!(documented().iter().filter(|operation| served(&operation.section)).count(), 68);
    let missing: Vec<String> = missing().iter().filter(|operation| served(&operation.section)).map(Documented::line).collect();
    assert!(missing.is_empty(), "no row of that method, path and section:\n{}", missing.join("\n"));
}

/// `missing-operations.txt` says what is documented and not served yet. It can only shrink, also with `UPDATE_GOLDEN=1`.
#[test]
fn what_is_missing_is_known() {
    let known = fs::read_to_string(folder().join("missing-operations.txt")).ok();
    let lines: Vec<String> = missing().iter().map(Documented::line).collect();
    let listed = |line: &&String| known.as_ref().is_none_or(|known| known.lines().any(|one| one == *line));
    let lost: Vec<&String> = lines.iter().filter(|line| !listed(line)).collect();
    assert!(lost.is_empty(), "these documented operations have no row any more: {lost:#?}");
    golden("tests/documented/missing-operations.txt", &lines.iter().fold(String::new(), |text, line| text + line + "\n"));
}

//! Data that a release wrote stay readable, and what it answered about them stays the answer.
//!
//! `tests/kept-data/README.md` says what the folders of kept data hold and how they are made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use appdepot_tests::client::{self, HttpAnswer};
use appdepot_tests::pingid::payload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use embedded_store::{EmbeddedStore, Settings as StoreSettings};
use local_gateway::stack::Addresses;
use serde_json::{Value, json};
use shared::base::clock::SystemClock;
use shared::model::credentials::message::AcceptedMessage;
use shared::services::context::Settings;
use shared::store::record::{Record, Stored};
use shared::store::{Condition, Item, Key, MAX_READ, Table, Write};

use crate::server::{Server, bare_command};

/// The releases whose data are kept.
const RELEASES: [&str; 1] = ["0.4"];

const ADMIN: &str = "admin@example.com";

type Parse = fn(Item) -> Result<(), String>;

macro_rules! kinds {
    ($($record:ty),+ $(,)?) => {
        [$((<$record as Record>::KIND, parse::<$record> as Parse)),+]
    };
}

/// Every kind of record that there is, with what reads it.
fn kinds() -> Vec<(&'static str, Parse)> {
    use shared::model::app_policies::*;
    use shared::model::apps::*;
    use shared::model::credentials::*;
    use shared::model::endpoints::*;
    use shared::model::events::*;
    use shared::model::log::*;
    use shared::model::people::*;
    use shared::model::pingid::*;
    use shared::model::{task, task_run};
    kinds![
        alert::Alert,
        alert::AlertCount,
        alert::AlertPlace,
        credential::ApiKey,
        credential::Latest,
        app::App,
        app::Binary,
        app::Icon,
        app::OwnedApps,
        app::NumericId,
        app::VersionAlias,
        app_text::AppText,
        audit::InstalledItem,
        audit::LogRow,
        business_owner::BusinessOwner,
        business_owner::OwnerName,
        catalogue::Bucket,
        catalogue::CatalogueRow,
        credential::Credential,
        device::Device,
        device::DeviceApp,
        device::DeviceUser,
        document::Document,
        document::DocumentCount,
        document::DocumentName,
        document::DocumentText,
        download_spike::SpikeWatch,
        download_spike::AskingTenant,
        download_spike::RecordedSpike,
        endpoint_security::EndpointChange,
        endpoint_security::EndpointSecurity,
        due_mail::DueMail,
        event::Event,
        event::Pending,
        file::FileUses,
        file::StoredFile,
        group::Group,
        group::GroupName,
        group::Member,
        task::Task,
        life_cycle::Steps,
        line::ContextClaim,
        line::Line,
        AcceptedMessage,
        notification::Notification,
        oauth_client::Client,
        policy_partial::Mapped,
        policy_partial::Partial,
        policy_partial::SharedPartial,
        ping_application::Application,
        ping_settings::PingSettings,
        auth_policy::Policy,
        auth_policy::PolicyIdClaim,
        auth_policy::PolicyUser,
        policy_document::DocumentKey,
        policy_document::Published,
        preset::Preset,
        preset::PresetCount,
        publication::Publication,
        publication::VersionClaim,
        publishing_call::PublishingCall,
        reported_event::RecordedEvent,
        sign_in::PendingSignIn,
        sign_in::Tries,
        signing_credential::SigningCredential,
        signing_credential::SigningProfile,
        signing_credential::SigningSecret,
        store_front::Shelved,
        store_front::StoreFront,
        subscription::Subscription,
        team::Access,
        team::Team,
        team::TeamMember,
        tenant::StoreDirectory,
        tenant::Tenant,
        upload::Upload,
        user::Administrators,
        user::EmailOf,
        user::Identity,
        user::LastLogin,
        user::SignInName,
        user::User,
        task_run::TaskRun,
        user_import::ImportLog,
        processing::Job,
    ]
    .to_vec()
}

/// Kinds that are no records: items with a counter alone, which nothing parses.
const COUNTERS: [&str; 1] = ["object"];

/// Kinds that a release's data do not have, with the reason.
const NOT_KEPT: [(&str, &str, &str); 1] = [(
    "0.4",
    "task-run",
    "background tasks keep their last run since the release after",
)];

/// Reads an item as its record. Where its shape is today's, writing it again loses nothing of it:
/// a field under another name would otherwise be read as its default and be gone with the next
/// change of the record.
fn parse<R: Record>(item: Item) -> Result<(), String> {
    let (key, schema) = (format!("{} {:?}", item.kind, item.key), item.schema);
    let body: Value =
        serde_json::from_str(&item.body).map_err(|error| format!("{key}: {error}"))?;
    let record = Stored::<R>::parse(item).map_err(|error| format!("{key}: {error}"))?;
    let again = serde_json::to_value(&record.value).map_err(|error| format!("{key}: {error}"))?;
    match lost(&body, &again, "") {
        Some(place) if schema == R::SCHEMA => Err(format!("{key}: {place} is lost in {again}")),
        _ => Ok(()),
    }
}

/// The first place of `kept` that `again` does not have as it was. It may have more.
fn lost(kept: &Value, again: &Value, place: &str) -> Option<String> {
    match (kept, again) {
        (Value::Object(kept), Value::Object(again)) => kept.iter().find_map(|(name, value)| {
            let place = format!("{place}/{name}");
            match again.get(name) {
                Some(again) => lost(value, again, &place),
                None => Some(place),
            }
        }),
        (Value::Array(kept), Value::Array(again)) if kept.len() == again.len() => {
            let mut pairs = kept.iter().zip(again).enumerate();
            pairs.find_map(|(at, (kept, again))| lost(kept, again, &format!("{place}/{at}")))
        }
        _ => (kept != again).then(|| place.to_owned()),
    }
}

fn folder(release: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("kept-data")
        .join(release)
}

fn read_json(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A copy of a release's data.
struct Kept {
    _folder: tempfile::TempDir,
    data: PathBuf,
    /// What the release's clients know of the data.
    facts: Value,
    /// What it answered.
    answers: Value,
}

impl Kept {
    fn of(release: &str) -> Self {
        let kept = folder(release);
        let temporary = tempfile::tempdir().unwrap();
        let data = temporary.path().join("data");
        copy(&kept.join("data"), &data);
        let (facts, answers) = ("facts.json", "answers.json");
        let (facts, answers) = (read_json(&kept.join(facts)), read_json(&kept.join(answers)));
        Self {
            _folder: temporary,
            data,
            facts,
            answers,
        }
    }

    fn password(&self) -> &str {
        self.facts["password"].as_str().expect("a password")
    }

    fn settings(&self, name: &str) -> String {
        std::fs::read_to_string(self.data.join("clients").join(name)).expect("settings")
    }

    /// Every item of the table, as the table gives it. An item whose time is over is there too.
    async fn items(&self, store: &EmbeddedStore, table: &dyn Table) -> Vec<Item> {
        let mut keys = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut body =
                json!({"TableName": self.stores().table, "ProjectionExpression": "pk, sk"});
            if !start.is_null() {
                body["ExclusiveStartKey"] = start;
            }
            // The embedded engine looks at the form of the signature alone.
            let signed = "AWS4-HMAC-SHA256 Credential=local/20240101/us-east-1/dynamodb/\
                          aws4_request, SignedHeaders=host;x-amz-date, Signature=0";
            let headers = [
                ("x-amz-target", "DynamoDB_20120810.Scan"),
                ("content-type", "application/x-amz-json-1.0"),
                ("authorization", signed),
                ("x-amz-date", "20240101T000000Z"),
            ];
            let endpoint = store.dynamodb_endpoint();
            let page = client::send("POST", &endpoint, &headers, body.to_string());
            let page = page.await.expect("the table answers").json();
            for item in page["Items"].as_array().expect("items") {
                let text = |name: &str| item[name]["S"].as_str().expect("a key").to_owned();
                keys.push(Key {
                    pk: text("pk"),
                    sk: text("sk"),
                });
            }
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
        let mut items = Vec::new();
        for keys in keys.chunks(MAX_READ) {
            items.extend(
                table
                    .read(keys)
                    .await
                    .expect("the items are read")
                    .into_iter()
                    .flatten(),
            );
        }
        items
    }

    fn stores(&self) -> StoreSettings {
        StoreSettings::in_folder(&self.data)
    }

    /// Does something with the table while no server runs on it.
    async fn with_table<T>(&self, does: impl AsyncFnOnce(Vec<Item>, &dyn Table) -> T) -> T {
        let (store, settings) = (
            EmbeddedStore::start(self.stores()).await.unwrap(),
            self.stores(),
        );
        let addresses = Addresses {
            dynamodb: store.dynamodb_endpoint(),
            s3: store.s3_endpoint(),
            table: settings.table,
            bucket: store.bucket().to_owned(),
            access_key: settings.access_key,
            secret_key: settings.secret_key,
            key_file: self.data.join("key"),
        };
        let context = addresses
            .context(Settings::default(), Arc::new(SystemClock))
            .unwrap();
        let items = self.items(&store, &*context.table).await;
        let done = does(items, &*context.table).await;
        store.stop().await;
        done
    }

    /// Moves every time of expiry by the age of the data: what had two years when the answers were
    /// recorded has two years now.
    async fn prolong(&self) {
        let made = self.facts["made"].as_u64().expect("a time");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let age = i64::try_from(now.saturating_sub(made)).unwrap();
        self.with_table(async |items, table| {
            for mut item in items {
                let Some(expires) = item.expires else {
                    continue;
                };
                item.expires = Some(expires + age);
                table
                    .write(vec![Write::Put(item, Condition::Always)])
                    .await
                    .unwrap();
            }
        })
        .await;
    }

    async fn server(&self) -> Server {
        let mut command = bare_command();
        command
            .arg("--data")
            .arg(&self.data)
            .args(["--listen", "127.0.0.1:0"]);
        Server::run(command).await
    }

    /// A bearer token by the kept password and the kept client of the publisher API.
    async fn bearer(&self, server: &Server) -> String {
        let client: Value = serde_json::from_str(&self.settings("wso2-client.json")).unwrap();
        let text = |name: &str| client[name].as_str().expect("a text");
        let basic = STANDARD.encode(format!("{}:{}", text("clientId"), text("clientSecret")));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "password")
            .append_pair("username", text("username"))
            .append_pair("password", self.password())
            .finish();
        let headers = [
            ("authorization", &*format!("Basic {basic}")),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let url = format!("{}/oauth2/token", server.url);
        let answer = client::send("POST", &url, &headers, form);
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.status, 200, "{:?}", answer.bytes);
        answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// The key of a user that is in the settings of fhc.
    fn key(&self) -> String {
        let settings = self.settings("fhcrc");
        let key = settings
            .lines()
            .find_map(|line| line.strip_prefix("user_api_key = "));
        key.expect("a key").to_owned()
    }
}

/// What differs between a recorded answer and the one that came.
fn differences(recorded: &Value, came: &Value, place: &str, found: &mut Vec<String>) {
    match (recorded, came) {
        (Value::Object(one), _) if one.contains_key("$any") => {
            let kind = match came {
                Value::String(_) => "string",
                Value::Number(_) => "number",
                _ => "other",
            };
            if one["$any"] != kind {
                found.push(format!("{place}: a {} and not {came}", one["$any"]));
            }
        }
        (Value::Object(one), Value::Object(other)) => {
            for name in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
                let place = format!("{place}/{name}");
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => differences(one, other, &place, found),
                    (one, other) => found.push(format!("{place}: {one:?} and not {other:?}")),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                differences(one, other, &format!("{place}/{at}"), found);
            }
        }
        _ if recorded != came => found.push(format!("{place}: {recorded} and not {came}")),
        _ => {}
    }
}

/// An answer in the form in which `tests/kept-data/make.py` records it.
fn said(server: &Server, path: &str, answer: &HttpAnswer) -> Value {
    let mut said = json!({"status": answer.status, "headers": {}});
    for name in ["content-type", "location", "content-disposition"] {
        if answer.headers.contains_key(name) {
            let text = answer.header(name).replace(&server.url, "{url}");
            let unsigned = text
                .split_once("?X-Amz-")
                .map(|(text, _)| format!("{text}?X-Amz"));
            said["headers"][name] = json!(unsigned.unwrap_or(text));
        }
    }
    let Ok(text) = std::str::from_utf8(&answer.bytes) else {
        let hex: String = answer
            .bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        said["bytes"] = json!(hex);
        return said;
    };
    if path.starts_with("/pingid/") {
        said["message"] = payload(text);
        return said;
    }
    let text = text.replace(&server.url, "{url}");
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => said["json"] = value,
        Err(_) => said["text"] = json!(text),
    }
    said
}

#[test]
fn every_record_of_the_source_is_a_kind_here() {
    fn count(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries
            .map(|path| {
                if path.is_dir() {
                    return count(&path);
                }
                if path.extension().is_none_or(|extension| extension != "rs") {
                    return 0;
                }
                let text = std::fs::read_to_string(path).unwrap();
                text.lines()
                    .filter(|line| line.starts_with("impl Record for "))
                    .count()
            })
            .sum()
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let kinds = kinds();
    assert_eq!(
        count(&root.join("shared")) + count(&root.join("functions")),
        kinds.len()
    );
    let different: BTreeSet<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        different.len(),
        kinds.len(),
        "two records have the same kind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kept_record_is_read() {
    let kinds: BTreeMap<&str, Parse> = kinds().into_iter().collect();
    for release in RELEASES {
        let items = Kept::of(release).with_table(async |items, _| items).await;
        // One fault of a kind says enough.
        let (mut seen, mut faults) = (BTreeSet::new(), BTreeMap::new());
        for item in items {
            let kind = item.kind.clone();
            seen.insert(kind.clone());
            let fault = match kinds.get(&*kind) {
                Some(parse) => parse(item).err(),
                None if COUNTERS.contains(&&*kind) => None,
                None => Some(format!("nothing reads the kind {kind}")),
            };
            faults.extend(fault.map(|fault| (kind, fault)));
        }
        let faults: Vec<String> = faults.into_values().collect();
        assert!(faults.is_empty(), "{release}: {}", faults.join("\n"));
        let excused = |kind: &str| {
            NOT_KEPT
                .iter()
                .any(|(of, not, _)| (*of, *not) == (release, kind))
        };
        let missing: Vec<_> = kinds
            .keys()
            .filter(|kind| !seen.contains(**kind) && !excused(kind))
            .collect();
        assert!(
            missing.is_empty(),
            "the data of {release} have none of {missing:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kept_administrator_signs_in() {
    for release in RELEASES {
        let kept = Kept::of(release);
        let server = kept.server().await;
        let wrong = server.sign_in(ADMIN, "not the password").await;
        assert_eq!(wrong.status, 401, "{:?}", wrong.bytes);
        let answer = server.sign_in(ADMIN, kept.password()).await;
        assert_eq!(answer.status, 200, "{:?}", answer.bytes);
        assert_eq!(answer.json()["domain"], "dev");
        for key in [
            kept.key(),
            kept.facts["key"].as_str().expect("a key").to_owned(),
        ] {
            let headers = [("x-fh-auth-user", &*key)];
            let answer = server.get("/box/srv/1.1/ide/dev/user/read", &headers).await;
            assert_eq!(answer.status, 200, "{:?}", answer.bytes);
            assert_eq!(answer.json()["email"], ADMIN);
        }
        assert_eq!(server.stop().await.code, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_about_kept_data_are_as_they_were() {
    for release in RELEASES {
        let kept = Kept::of(release);
        kept.prolong().await;
        let server = kept.server().await;
        assert_eq!(server.sign_in(ADMIN, kept.password()).await.status, 200);
        let who = BTreeMap::from([
            ("key", vec![("x-fh-auth-user", kept.key())]),
            (
                "bearer",
                vec![(
                    "authorization",
                    format!("Bearer {}", kept.bearer(&server).await),
                )],
            ),
            (
                "token",
                vec![("x-token", kept.settings("apperian-token").trim().to_owned())],
            ),
            ("nobody", vec![]),
        ]);
        let mut faults = Vec::new();
        let recorded = kept.answers.as_array().expect("answers");
        for request in recorded {
            let text = |name: &str| request[name].as_str();
            let (method, path) = (
                text("method").expect("a method"),
                text("path").expect("a path"),
            );
            let mut headers: Vec<(&str, &str)> = who[text("as").expect("a name")]
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            let body = match (text("text"), request.get("json")) {
                (Some(text), _) => text.to_owned(),
                (None, Some(json)) => json.to_string(),
                (None, None) => String::new(),
            };
            if !body.is_empty() {
                headers.push(("content-type", "application/json"));
            }
            let url = format!("{}{path}", server.url);
            let answer = client::send(method, &url, &headers, body)
                .await
                .expect("an answer");
            let place = format!(
                "{method} {path} {}",
                request.get("json").unwrap_or(&Value::Null)
            );
            differences(
                &request["answer"],
                &said(&server, path, &answer),
                &place,
                &mut faults,
            );
        }
        assert!(recorded.len() > 100, "few answers are recorded");
        assert!(
            faults.is_empty(),
            "{release}:\n{}\n{}",
            faults.join("\n"),
            server.stderr()
        );
        assert_eq!(server.stop().await.code, Some(0));
    }
}

/// Writes the packages that `tests/kept-data/make.py` uploads. It runs only when it is asked for.
#[test]
#[ignore = "writes files that are committed: see tests/kept-data/README.md"]
fn packages() {
    use package_reader::testing;
    let folder = folder("packages");
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    for version in [1, 2] {
        let version_name = format!("{version}.0");
        let android = testing::Apk {
            version_code: version,
            version_name,
            ..testing::Apk::default()
        };
        write(&format!("{version}.apk"), android.build());
    }
    // Its profile ends in the year 2100: before that nothing of it is told of.
    let profile = Some((testing::ProfileKind::AdHoc, 3, 4_102_444_800));
    write(
        "1.ipa",
        testing::Ipa {
            profile,
            ..testing::Ipa::default()
        }
        .build(),
    );
    write("icon.png", testing::png(48, 48));
}

//! Looking at the whole table: what is in it, whether it is of one piece, and putting it back. The
//! product never scans; a test may.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value, json};
use shared::base::clock::Timestamp;
use shared::base::environment::Environment;
use shared::base::id::{AppId, BinaryType, Guid, TeamId, TenantId};
use shared::domain::apps::{catalogue, file, line};
use shared::domain::events::spike_watch;
use shared::model::app_policies::policy_document::Published;
use shared::model::app_policies::preset::{Preset, PresetCount};
use shared::model::apps::app::{App, Binary, NumericId, VersionAlias};
use shared::model::apps::app_text::AppText;
use shared::model::apps::business_owner::{BusinessOwner, OwnerName};
use shared::model::apps::document::{Document, DocumentCount, DocumentName, Source};
use shared::model::apps::file::{FileUses, StoredFile};
use shared::model::apps::life_cycle::Steps;
use shared::model::apps::line::{ContextClaim, Line};
use shared::model::apps::policy_partial::{Partial, SharedPartial};
use shared::model::apps::processing::{Job, ProcessingStatus, ProcessingSummary, SigningStatus};
use shared::model::apps::publication::{Publication, VersionClaim};
use shared::model::apps::store_front::StoreFront;
use shared::model::apps::upload::{Upload, UploadState};
use shared::model::credentials::credential::{ApiKey, Credential, KeyOf, Purpose};
use shared::model::credentials::oauth_client::Client;
use shared::model::credentials::publishing_call::{PublishingCall, VALID_SECONDS};
use shared::model::credentials::signing_credential::{SigningCredential, SigningPlatform};
use shared::model::endpoints::endpoint_security::{EndpointChange, EndpointSecurity, Kind};
use shared::model::events::alert::{Alert, AlertCount, AlertPlace};
use shared::model::events::download_spike::SpikeWatch;
use shared::model::events::due_mail::DueMail;
use shared::model::events::event::{Event, Pending};
use shared::model::events::notification::{Delivery, Notification};
use shared::model::events::reported_event::RecordedEvent;
use shared::model::log::audit::LogRow;
use shared::model::people::auth_policy::{Policy, PolicyIdClaim};
use shared::model::people::group::{Group, GroupName};
use shared::model::people::team::{Access, Team, default_teams};
use shared::model::people::tenant::Tenant;
use shared::model::people::user::{Administrators, Owner, SignInName, User};
use shared::model::pingid::ping_application::Application;
use shared::model::pingid::ping_settings::PingSettings;
use shared::model::task::Task;
use shared::store::keys::LogOf;
use shared::store::record::{Record, Stored};
use shared::store::{Item, Key, Write, keys};
use tokio::sync::MutexGuard;

use crate::{World, client};

/// Everything in the table, as DynamoDB writes it, by partition and sort key.
pub type Snapshot = BTreeMap<(String, String), Value>;

impl World {
    async fn dynamodb(&self, action: &str, body: Value) -> Value {
        let target = format!("DynamoDB_20120810.{action}");
        // The embedded engine looks at the form of the signature alone.
        let signed = "AWS4-HMAC-SHA256 Credential=local/20240101/us-east-1/dynamodb/aws4_request, \
            SignedHeaders=host;x-amz-date, Signature=0";
        let date = ("x-amz-date", "20240101T000000Z");
        let headers = [
            ("x-amz-target", target.as_str()),
            ("content-type", "application/x-amz-json-1.0"),
            ("authorization", signed),
            date,
        ];
        let answer = client::send("POST", &self.addresses.dynamodb, &headers, body.to_string())
            .await
            .expect("the table answers");
        assert_eq!(answer.status, 200, "{action}: {:?}", answer.bytes);
        answer.json()
    }

    /// Everything in the table, read from its beginning to its end.
    pub async fn scan(&self) -> Snapshot {
        let mut found = Snapshot::new();
        let mut start = Value::Null;
        loop {
            let mut body = json!({"TableName": self.addresses.table, "ConsistentRead": true});
            if !start.is_null() {
                body["ExclusiveStartKey"] = start;
            }
            let page = self.dynamodb("Scan", body).await;
            for item in page["Items"].as_array().into_iter().flatten() {
                found.insert(place(item), item.clone());
            }
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                return found;
            }
        }
    }

    /// Everything in the table, of which what was written since the last time is read anew: what
    /// [`World::scan`] gives, sooner.
    pub async fn snapshot(&self) -> Snapshot {
        self.look().await.snapshot().clone()
    }

    async fn look(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen.lock().await;
        let changed: Vec<Key> = self.notes.take().into_iter().collect();
        // Reading all is cheaper than reading most of it by key.
        let known = seen.snapshot.as_ref().map_or(0, BTreeMap::len);
        if changed.len() > known {
            let found = self.scan().await;
            seen.mark = found.iter().fold(0, |mark, item| mark ^ mark_of(item));
            seen.jobs = found.values().filter(|item| is_job(item)).count();
            seen.snapshot = Some(found);
            return seen;
        }
        for keys in changed.chunks(100) {
            let mut found = self.items(keys).await;
            for Key { pk, sk } in keys {
                let place = (pk.clone(), sk.clone());
                let item = found.remove(&place);
                seen.set(place, item);
            }
        }
        seen
    }

    /// The items of these keys that are there, at most a hundred.
    async fn items(&self, keys: &[Key]) -> Snapshot {
        let table = &self.addresses.table;
        let mut wanted: Vec<Value> = keys
            .iter()
            .map(|Key { pk, sk }| json!({"pk": {"S": pk}, "sk": {"S": sk}}))
            .collect();
        let mut found = Snapshot::new();
        while !wanted.is_empty() {
            let body = json!({"RequestItems": {table: {"Keys": wanted, "ConsistentRead": true}}});
            let answer = self.dynamodb("BatchGetItem", body).await;
            for item in answer["Responses"][table].as_array().into_iter().flatten() {
                found.insert(place(item), item.clone());
            }
            wanted = answer["UnprocessedKeys"][table]["Keys"]
                .as_array()
                .cloned()
                .unwrap_or_default();
        }
        found
    }

    /// Puts the table back to what it was.
    pub async fn restore(&self, to: &Snapshot) {
        self.quiet().await;
        let seen = self.look().await;
        let now = seen.snapshot();
        let gone = now
            .keys()
            .filter(|key| !to.contains_key(*key))
            .map(|key| (key, json!({"DeleteRequest": {"Key": attributes(key)}})));
        let changed = to
            .iter()
            .filter(|(key, item)| now.get(*key) != Some(*item))
            .map(|(key, item)| (key, json!({"PutRequest": {"Item": item}})));
        let (places, requests): (Vec<_>, Vec<Value>) = gone.chain(changed).unzip();
        for batch in requests.chunks(25) {
            let mut items = Map::new();
            items.insert(self.addresses.table.clone(), json!(batch));
            let answer = self
                .dynamodb("BatchWriteItem", json!({"RequestItems": items}))
                .await;
            assert!(
                answer["UnprocessedItems"]
                    .as_object()
                    .is_none_or(Map::is_empty),
                "{answer}"
            );
        }
        let written = places.into_iter().map(|(pk, sk)| Key {
            pk: pk.clone(),
            sk: sk.clone(),
        });
        self.notes.add(written);
    }

    /// Waits until nothing is being read or worked on, unless the worker is held.
    pub async fn quiet(&self) {
        for _ in 0..1_000 {
            if self.store.objects_under(keys::INCOMING).is_empty()
                && (self.work_is_held() || !self.has_jobs().await)
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!(
            "uploads are still being read, or jobs are left: {:?}",
            self.store.objects_under(keys::INCOMING)
        );
    }

    async fn has_jobs(&self) -> bool {
        self.look().await.jobs > 0
    }

    /// Says what of a tenant does not fit together. What did fit together before is not judged
    /// again.
    pub async fn verify(&self, tenant_id: TenantId) -> Result<(), String> {
        self.quiet().await;
        let mut seen = self.look().await;
        let content = (tenant_id.to_string(), seen.mark);
        if seen.whole.contains(&content) {
            return Ok(());
        }
        let found = faults(tenant_id, seen.snapshot());
        if found.is_empty() {
            seen.whole.insert(content);
            Ok(())
        } else {
            Err(found.join("\n"))
        }
    }
}

/// What was seen of a world's table when it was last looked at.
#[derive(Default)]
pub struct Seen {
    snapshot: Option<Snapshot>,
    /// Stands for the content: the hashes of all items, one over the other.
    mark: u128,
    /// How many of the items are jobs.
    jobs: usize,
    /// The tenants that were of one piece, each with the content that it was in.
    whole: HashSet<(String, u128)>,
}

impl Seen {
    fn snapshot(&self) -> &Snapshot {
        self.snapshot.as_ref().expect("somebody looked")
    }

    fn set(&mut self, place: (String, String), item: Option<Value>) {
        let snapshot = self.snapshot.as_mut().expect("somebody looked");
        if let Some(before) = snapshot.remove_entry(&place) {
            self.mark ^= mark_of((&before.0, &before.1));
            self.jobs -= usize::from(is_job(&before.1));
        }
        if let Some(item) = item {
            self.mark ^= mark_of((&place, &item));
            self.jobs += usize::from(is_job(&item));
            snapshot.insert(place, item);
        }
    }
}

fn is_job(item: &Value) -> bool {
    item["kind"]["S"] == Job::KIND
}

fn mark_of(item: (&(String, String), &Value)) -> u128 {
    let half = |of: u8| {
        let mut hasher = DefaultHasher::new();
        (of, item).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// Where an item is.
fn place(item: &Value) -> (String, String) {
    let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    (text("pk"), text("sk"))
}

fn attributes((pk, sk): &(String, String)) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": sk}})
}

/// What in a snapshot belongs to a tenant: its partitions, and the tasks that name it.
pub fn of_tenant(snapshot: &Snapshot, tenant_id: TenantId) -> Snapshot {
    let tenant_id = tenant_id.to_string();
    snapshot
        .iter()
        .filter(|(place, item)| is_of(&tenant_id, place, item))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

fn is_of(tenant_id: &str, (pk, sk): &(String, String), item: &Value) -> bool {
    pk.starts_with(tenant_id)
        || (pk.starts_with("MAILS#")
            && item["d"]["S"]
                .as_str()
                .is_some_and(|body| body.contains(tenant_id)))
        || (pk.starts_with("CHORES#") && sk.contains(tenant_id))
        || (pk.starts_with("PENDING#") && sk.contains(tenant_id))
        || (pk == "SPIKES" && sk == tenant_id)
}

fn item(value: &Value) -> Item {
    let text = |name: &str| value[name]["S"].as_str().map(str::to_owned);
    let number = |name: &str| {
        value[name]["N"]
            .as_str()
            .and_then(|digits| digits.parse::<i64>().ok())
    };
    Item {
        key: Key {
            pk: text("pk").unwrap_or_default(),
            sk: text("sk").unwrap_or_default(),
        },
        kind: text("kind").unwrap_or_default(),
        schema: number("v").and_then(|v| u32::try_from(v).ok()).unwrap_or(1),
        rev: number("rev")
            .and_then(|rev| u64::try_from(rev).ok())
            .unwrap_or(0),
        body: text("d").unwrap_or_else(|| "{}".to_owned()),
        owner: text("own"),
        count: number("n").unwrap_or(0),
        expires: number("expires"),
    }
}

/// The records of a tenant, by kind.
struct Records {
    kinds: BTreeMap<String, Vec<Item>>,
}

impl Records {
    fn of(tenant_id: TenantId, snapshot: &Snapshot) -> Self {
        let tenant_id = tenant_id.to_string();
        let mut kinds: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for (place, value) in snapshot {
            if is_of(&tenant_id, place, value) {
                let item = item(value);
                kinds.entry(item.kind.clone()).or_default().push(item);
            }
        }
        Self { kinds }
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.kinds.values().flatten()
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Item> {
        self.kinds.get(kind).into_iter().flatten()
    }

    fn all<R: Record>(&self) -> Vec<Stored<R>> {
        self.of_kind(R::KIND)
            .map(|item| Stored::parse(item.clone()).unwrap_or_else(|error| panic!("{error}")))
            .collect()
    }

    fn keys(&self, kind: &str) -> BTreeSet<Key> {
        self.of_kind(kind).map(|item| item.key.clone()).collect()
    }
}

/// Two sides of one fact.
struct Sides<'a> {
    found: &'a mut Vec<String>,
}

impl Sides<'_> {
    fn same<T: Ord + std::fmt::Debug>(
        &mut self,
        what: &str,
        left: BTreeSet<T>,
        right: BTreeSet<T>,
    ) {
        for only in left.difference(&right) {
            self.found
                .push(format!("{what}: only on the left: {only:?}"));
        }
        for only in right.difference(&left) {
            self.found
                .push(format!("{what}: only on the right: {only:?}"));
        }
    }

    fn holds(&mut self, what: impl FnOnce() -> String, holds: bool) {
        if !holds {
            self.found.push(what());
        }
    }
}

/// What does not fit together of notifications and the mails that are due: every notification that
/// is not at its end is due, and everything that is due is such a notification.
pub fn undelivered(snapshot: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    let items = |kind: &'static str| {
        snapshot
            .values()
            .map(item)
            .filter(move |item| item.kind == kind && item.schema == 1)
    };
    let unsent = items(Notification::KIND)
        .map(|item| Stored::<Notification>::parse(item).unwrap_or_else(|error| panic!("{error}")));
    let unsent = unsent
        .filter(|notification| {
            !matches!(
                notification.value.delivery,
                Delivery::Sent | Delivery::Failed
            )
        })
        .map(|notification| notification.key);
    let due = items(DueMail::KIND).map(|item| {
        Stored::<DueMail>::parse(item)
            .unwrap_or_else(|error| panic!("{error}"))
            .value
            .notification_key()
    });
    let (due, times): (BTreeSet<Key>, usize) =
        due.fold((BTreeSet::new(), 0), |(mut due, times), key| {
            due.insert(key);
            (due, times + 1)
        });
    let mut sides = Sides { found: &mut found };
    sides.holds(
        || format!("{times} due mails are of {} notifications", due.len()),
        times == due.len(),
    );
    sides.same(
        "a notification and the mail that is due",
        unsent.collect(),
        due,
    );
    found
}

/// What does not fit together in a tenant. A reference to a group or policy that is gone is meant
/// to stay.
pub fn faults(tenant_id: TenantId, snapshot: &Snapshot) -> Vec<String> {
    let records = Records::of(tenant_id, snapshot);
    let mut found = Vec::new();
    let mut sides = Sides { found: &mut found };
    let known: BTreeSet<&str> = [
        "app",
        "app-text",
        "psk",
        "icon",
        "binary",
        "version-alias",
        "business-owner",
        "business-owner-name",
        "object",
        "credential",
        "api-key",
        "api-key-latest",
        "user",
        "sign-in",
        "group",
        "group-name",
        "group-member",
        "store",
        "shelved",
        "policy",
        "policy-id",
        "upload",
        "chore",
        "task-run",
        "log",
        "device",
        "tries",
        "last-login",
        "email",
        "administrators",
        "identity",
        "access",
        "team",
        "team-member",
        "policy-user",
        "device-user",
        "device-app",
        "installed-item",
        "owned-apps",
        "import",
        "pending-sign-in",
        "file",
        "file-uses",
        "document",
        "document-name",
        "document-text",
        "document-count",
        "steps",
        "row",
        "bucket",
        "subscription",
        "publication",
        "partial",
        "mapped-partial",
        "shared-partial",
        "client",
        "line",
        "version-claim",
        "context-claim",
        "ping-application",
        "ping-settings",
        "message",
        "file",
        "psk",
        "job",
        "policy-document",
        "document-key",
        "preset",
        "preset-count",
        "signing-credential",
        "signing-secret",
        "signing-profile",
        "publishing-call",
        "event",
        "spike-alert",
        "spike-tenant",
        "told-spike",
        "told-event",
        "pending-event",
        "alert",
        "alert-place",
        "alert-count",
        "notification",
        "due-mail",
        "endpoint-security",
        "endpoint-change",
    ]
    .into();
    for (kind, items) in &records.kinds {
        sides.holds(
            || format!("records of no known kind: {items:?}"),
            known.contains(kind.as_str()),
        );
    }
    let tasks = records.all::<Task>();
    apps(tenant_id, &records, &tasks, &mut sides);
    native(tenant_id, &records, &mut sides);
    published(tenant_id, &records, &mut sides);
    documents(tenant_id, &records, &mut sides);
    files(tenant_id, &records, &tasks, &mut sides);
    groups(tenant_id, &records, &mut sides);
    business_owners(tenant_id, &records, &mut sides);
    people(tenant_id, &records, &mut sides);
    tokens(tenant_id, &records, &mut sides);
    publications(tenant_id, &records, &mut sides);
    ping(tenant_id, &records, &mut sides);
    let waiting = records
        .all::<Upload>()
        .into_iter()
        .filter(|upload| upload.value.state == UploadState::Waiting)
        .map(|upload| upload.value.guid);
    let cleared: BTreeSet<_> = tasks
        .iter()
        .filter_map(|task| {
            if let Task::Upload { upload, .. } = &task.value {
                Some(upload.clone())
            } else {
                None
            }
        })
        .collect();
    for upload in waiting {
        sides.holds(
            || format!("no chore for the waiting upload {upload}"),
            cleared.contains(&upload),
        );
    }
    log(tenant_id, &records, &mut sides);
    partials(tenant_id, &records, &mut sides);
    works(tenant_id, &records, &tasks, &mut sides);
    presets(tenant_id, &records, &mut sides);
    signing_credentials(tenant_id, &records, &mut sides);
    endpoint_security(tenant_id, &records, &mut sides);
    alerts(tenant_id, &records, &tasks, &mut sides);
    events(tenant_id, &records, &mut sides);
    let stores: Vec<Stored<StoreFront>> = records.all();
    sides.holds(|| format!("{} stores", stores.len()), stores.len() == 1);
    let whole = |policy: Policy| json!(policy).to_string();
    let claims = records
        .all::<PolicyIdClaim>()
        .into_iter()
        .map(|claim| (claim.key, whole(claim.value.policy)))
        .collect();
    let policies = records
        .all::<Policy>()
        .into_iter()
        .map(|policy| {
            (
                keys::policy_id(tenant_id, &policy.value.policy_id),
                whole(policy.value),
            )
        })
        .collect();
    sides.same("policy ids and policies", claims, policies);
    sides.found.extend(undelivered(snapshot));
    let tenant = snapshot
        .get(&("TENANTS".to_owned(), tenant_id.to_string()))
        .map(item);
    sides.holds(
        || "no tenant".to_owned(),
        tenant.is_some_and(|tenant| Stored::<Tenant>::parse(tenant).is_ok()),
    );
    found
}

/// What the log of endpoint security tells, from its beginning, is what endpoints ask for now; and
/// each change was told of.
fn endpoint_security(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let apps: BTreeMap<String, AppId> = records
        .all::<App>()
        .iter()
        .map(|app_record| (app_record.value.id.item().sort_key(), app_record.value.id))
        .collect();
    let logs = keys::endpoint_log(
        tenant_id,
        AppId::new(Timestamp(0)),
        &"dev".parse().expect("an environment"),
    );
    let prefix = logs.split_inclusive('#').take(2).collect::<String>();
    let mut changes: BTreeMap<(String, String), Vec<Stored<EndpointChange>>> = BTreeMap::new();
    for change in records.all::<EndpointChange>() {
        let place = change
            .key
            .pk
            .strip_prefix(&prefix)
            .and_then(|rest| rest.split_once('#'));
        let (app, env) = place.unwrap_or_else(|| panic!("no log of an app: {:?}", change.key));
        changes
            .entry((app.to_owned(), env.to_owned()))
            .or_default()
            .push(change);
    }
    let (mut told, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for ((app, env), mut changes) in changes {
        let Some(id) = apps.get(&app) else { continue };
        let env: Environment = env.parse().expect("an environment");
        changes.sort_by_key(|change| change.value.at);
        let (mut default, mut overrides) = (None, BTreeMap::new());
        for change in &changes {
            for row in &change.value.rows {
                match (row.kind, &row.endpoint) {
                    (Kind::Set, None) => default = Some(row.security),
                    (Kind::Add, Some(name)) => {
                        overrides.insert(name.clone(), row.security);
                    }
                    (Kind::Remove, Some(name)) => {
                        overrides.remove(name);
                    }
                    _ => sides.holds(|| format!("a row of no change: {row:?}"), false),
                }
            }
            let events = keys::events(tenant_id, *id, Some(&env));
            let is_recorded = records
                .all::<Event>()
                .iter()
                .any(|event| event.key.pk == events && event.value.at == change.value.at);
            sides.holds(
                || {
                    format!(
                        "a change of endpoint security that nothing tells of: {:?}",
                        change.key
                    )
                },
                is_recorded,
            );
        }
        told.insert((
            keys::endpoint_security(tenant_id, *id, &env),
            json!([default, overrides]).to_string(),
        ));
    }
    for found in records.all::<EndpointSecurity>() {
        if !apps
            .values()
            .any(|id| keys::app_parts(tenant_id, *id) == found.key.pk)
        {
            continue;
        }
        let overrides: BTreeMap<_, _> = found
            .value
            .overrides
            .iter()
            .map(|(name, of)| (name.clone(), of.security))
            .collect();
        kept.insert((
            found.key,
            json!([found.value.default, overrides]).to_string(),
        ));
    }
    sides.same("the log of endpoint security and what it made", told, kept);
}

/// Events are where their app and environment put them, and whatever waits to be held against the
/// alerts is there. What was told of once by its id has its event.
fn events(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let all = records.all::<Event>();
    let mut kept = BTreeMap::new();
    for event in &all {
        let key = keys::event(
            tenant_id,
            event.value.app,
            event.value.env.as_ref(),
            event.value.at,
            &event.value.guid,
        );
        sides.holds(|| format!("an event is not at {key:?}"), event.key == key);
        sides.holds(
            || format!("two events are {}", event.value.guid),
            kept.insert(event.value.guid.clone(), &event.value)
                .is_none(),
        );
    }
    for waiting in records.all::<Pending>() {
        sides.holds(
            || format!("another tenant's events wait here: {:?}", waiting.key),
            waiting.value.tenant_id == tenant_id,
        );
        for event in &waiting.value.events {
            sides.holds(
                || format!("an event waits that is not kept: {}", event.guid),
                kept.get(&event.guid) == Some(&event),
            );
        }
    }
    let claims: BTreeSet<Key> = kept
        .keys()
        .map(|guid| keys::recorded_event(tenant_id, guid))
        .collect();
    for told in records.all::<RecordedEvent>() {
        sides.holds(
            || format!("told of, and no event: {:?}", told.key),
            claims.contains(&told.key),
        );
    }
}

/// Alerts, where they are by their guids, how many an app has, and which ask about download spikes.
fn alerts(tenant_id: TenantId, records: &Records, tasks: &[Stored<Task>], sides: &mut Sides<'_>) {
    let all = records.all::<Alert>();
    let apps: BTreeSet<_> = records
        .all::<App>()
        .into_iter()
        .map(|app_record| app_record.value.id.item())
        .collect();
    let going: BTreeSet<_> = tasks
        .iter()
        .filter_map(|task| {
            if let Task::Alerts { app, .. } = &task.value {
                Some(*app)
            } else {
                None
            }
        })
        .collect();
    for app in all.iter().filter_map(|alert| alert.value.app) {
        sides.holds(
            || format!("alerts of the deleted app {app} stay for ever"),
            apps.contains(&app) || going.contains(&app),
        );
    }
    for alert in &all {
        let key = keys::alert(tenant_id, alert.value.app, &alert.value.guid);
        sides.holds(|| format!("an alert is not at {key:?}"), alert.key == key);
    }
    let placed = all
        .iter()
        .map(|alert| {
            (
                keys::alert_place(tenant_id, &alert.value.guid),
                alert.value.app,
            )
        })
        .collect();
    sides.same(
        "alerts and their places",
        placed,
        records
            .all::<AlertPlace>()
            .into_iter()
            .map(|place| (place.key, place.value.app))
            .collect(),
    );
    let mut counted = BTreeMap::<Key, i64>::new();
    for alert in &all {
        *counted
            .entry(keys::alert_count(tenant_id, alert.value.app))
            .or_default() += 1;
    }
    let counts = records
        .all::<AlertCount>()
        .into_iter()
        .filter(|count| count.count != 0)
        .map(|count| (count.key, count.count))
        .collect();
    sides.same(
        "alerts and their counts",
        counted.into_iter().collect(),
        counts,
    );
    let asking: Vec<_> = all
        .iter()
        .filter(|alert| {
            alert
                .value
                .names
                .iter()
                .any(|name| name == spike_watch::NAME)
        })
        .collect();
    let asked = records
        .all::<SpikeWatch>()
        .into_iter()
        .map(|asked| (asked.key, asked.value.app))
        .collect();
    sides.same(
        "alerts and questions about spikes",
        asking
            .iter()
            .map(|alert| {
                (
                    keys::spike_alert(tenant_id, &alert.value.guid),
                    alert.value.app,
                )
            })
            .collect(),
        asked,
    );
    let of_tenant = records
        .items()
        .find(|item| item.key == keys::spike_tenant(tenant_id))
        .map_or(0, |item| item.count);
    sides.holds(
        || {
            format!(
                "{of_tenant} alerts ask about spikes, and not {}",
                asking.len()
            )
        },
        i64::try_from(asking.len()) == Ok(of_tenant),
    );
}

fn apps(tenant_id: TenantId, records: &Records, tasks: &[Stored<Task>], sides: &mut Sides<'_>) {
    let apps = records.all::<App>();
    let shelf = records.keys("shelved");
    let in_store = apps
        .iter()
        .filter(|app| app.value.in_store())
        .map(|app| keys::store_listing(tenant_id, app.value.id))
        .collect();
    sides.same("the shelf and in_store", shelf, in_store);
    listed(tenant_id, records, &apps, sides);
    let icons: BTreeSet<Key> = records
        .keys("icon")
        .into_iter()
        .filter(|key| *key != keys::store_icon(tenant_id))
        .collect();
    let of_cards: BTreeSet<Key> = apps
        .iter()
        .map(|app| keys::icon(tenant_id, app.value.id))
        .collect();
    for icon in icons.difference(&of_cards) {
        sides.holds(|| format!("an icon of no app: {icon:?}"), false);
    }
    let binaries = records.all::<Binary>();
    let on_cards: BTreeSet<_> = apps
        .iter()
        .flat_map(|app| app.value.binaries.iter().map(move |binary| (app, binary)))
        .map(|(app, binary)| {
            let versions: Vec<_> = binary
                .versions
                .iter()
                .map(|version| (version.number, version.guid.clone()))
                .collect();
            (keys::binary(tenant_id, app.value.id, binary.kind), versions)
        })
        .collect();
    let kept = binaries
        .iter()
        .map(|binary| {
            (
                binary.key.clone(),
                binary
                    .value
                    .versions
                    .iter()
                    .map(|version| (version.number, version.guid.clone()))
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    sides.same("binaries of cards and binaries", on_cards, kept);
    let mut aliases = BTreeSet::new();
    let mut counted = BTreeMap::<Key, i64>::new();
    for app in &apps {
        for kind in BinaryType::ALL.iter().copied() {
            let key = keys::binary(tenant_id, app.value.id, kind);
            let (shown, binary) = (
                app.value.binary(kind),
                binaries.iter().find(|binary| binary.key == key),
            );
            let (Some(shown), Some(binary)) = (shown, binary) else {
                continue;
            };
            sides.holds(
                || format!("the live version of {key:?} is not kept"),
                binary.value.version(shown.live).is_some(),
            );
            sides.holds(
                || format!("the next number of {key:?} is taken"),
                binary
                    .value
                    .versions
                    .iter()
                    .all(|version| version.number < binary.value.next),
            );
            for version in &binary.value.versions {
                aliases.insert((
                    keys::version(tenant_id, &version.guid),
                    Some(app.value.id.binary(kind)),
                ));
                for sha256 in version.objects() {
                    *counted
                        .entry(keys::object(
                            tenant_id,
                            &keys::binary_object(tenant_id, sha256),
                        ))
                        .or_default() += 1;
                }
            }
        }
    }
    let mut there: BTreeSet<_> = records
        .all::<VersionAlias>()
        .into_iter()
        .map(|alias| (alias.key, Some(alias.value.binary)))
        .collect();
    for task in tasks {
        // What a deleted app left to housekeeping.
        if let Task::Release {
            objects,
            aliases: left,
            ..
        } = &task.value
        {
            for guid in left {
                let key = keys::version(tenant_id, guid);
                sides.holds(
                    || format!("{key:?} is to be removed and is not there"),
                    there.iter().any(|(alias, _)| *alias == key),
                );
                there.retain(|(alias, _)| *alias != key);
            }
            for name in objects {
                *counted.entry(keys::object(tenant_id, name)).or_default() += 1;
            }
        }
    }
    sides.same("guids of versions and kept versions", there, aliases);
    for file in records.all::<StoredFile>() {
        *counted
            .entry(keys::object(tenant_id, &file.value.object(tenant_id)))
            .or_default() += 1;
    }
    let counters = records
        .items()
        .filter(|item| item.kind == "object" && item.count != 0)
        .map(|item| (item.key.clone(), item.count))
        .collect();
    sides.same(
        "counters of objects and references",
        counters,
        counted.into_iter().collect(),
    );
}

/// The work on versions: app records show it as it stands, what is being done has its job, and what
/// waits for a job is being done. A job that was overtaken is left to its task.
fn works(tenant_id: TenantId, records: &Records, tasks: &[Stored<Task>], sides: &mut Sides<'_>) {
    let apps = records.all::<App>();
    let (mut shown, mut kept, mut present) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let said = |guid: &Guid, processing: Option<&ProcessingSummary>| {
        processing.map(|processing| (guid.clone(), json!(processing).to_string()))
    };
    for app in &apps {
        shown.extend(
            app.value
                .binaries
                .iter()
                .flat_map(|binary| &binary.versions)
                .filter_map(|version| said(&version.guid, version.processing.as_ref())),
        );
    }
    for version in records
        .all::<Binary>()
        .iter()
        .flat_map(|binary| &binary.value.versions)
    {
        let Some(processing) = version.processing.as_deref() else {
            continue;
        };
        kept.extend(said(
            &version.guid,
            Some(&ProcessingSummary::of(processing)),
        ));
        present.extend(processing.job.clone());
        let signs = processing
            .signing
            .as_ref()
            .is_some_and(|signing| signing.status == SigningStatus::InProgress);
        let waits = signs || processing.status == ProcessingStatus::Applying;
        sides.holds(
            || {
                format!(
                    "{} waits for a job and has none: {processing:?}",
                    version.guid
                )
            },
            !waits || processing.job.is_some(),
        );
        sides.holds(
            || {
                format!(
                    "{} is applied and signed at once: {processing:?}",
                    version.guid
                )
            },
            !(signs && processing.status == ProcessingStatus::Applying),
        );
        let without = processing.policies.is_empty()
            && matches!(
                processing.status,
                ProcessingStatus::Applying | ProcessingStatus::NotSigned | ProcessingStatus::Signed
            );
        sides.holds(
            || {
                format!(
                    "{} has no policies and is {:?}",
                    version.guid, processing.status
                )
            },
            !without,
        );
        let lacks = processing.applied.is_none()
            && matches!(
                processing.status,
                ProcessingStatus::NotSigned | ProcessingStatus::Signed
            );
        sides.holds(
            || {
                format!(
                    "{} has no package for its policies: {processing:?}",
                    version.guid
                )
            },
            !lacks,
        );
    }
    sides.same("work on cards and on versions", shown, kept);
    let jobs: BTreeSet<Guid> = records
        .all::<Job>()
        .into_iter()
        .map(|job| job.value.guid)
        .collect();
    let tasks: BTreeSet<Guid> = tasks
        .iter()
        .filter_map(|task| {
            if let Task::Job { job, .. } = &task.value {
                Some(job.clone())
            } else {
                None
            }
        })
        .collect();
    for job in jobs.difference(&tasks) {
        sides.holds(|| format!("no chore for the job {job}"), false);
    }
    for job in present.difference(&jobs) {
        sides.holds(
            || format!("a version waits for the job {job}, which is not there"),
            false,
        );
    }
    // Whatever has policies in a package has a published document.
    let documents = records.keys(Published::KIND);
    let binaries = records.all::<Binary>();
    for id in apps.iter().flat_map(|app| {
        BinaryType::ALL
            .iter()
            .map(|kind| app.value.id.binary(*kind))
    }) {
        let versions = binaries.iter().filter(|binary| {
            id.kind()
                .is_some_and(|kind| binary.key == keys::binary(tenant_id, id, kind))
        });
        let applied = versions
            .flat_map(|binary| &binary.value.versions)
            .any(|version| {
                version
                    .processing
                    .as_ref()
                    .is_some_and(|processing| processing.applied.is_some())
            });
        let key = keys::policy_document(tenant_id, id);
        sides.holds(
            || format!("no document is published at {key:?}"),
            !applied || documents.contains(&key),
        );
    }
    let binaries: BTreeSet<Key> = apps
        .iter()
        .flat_map(|app| {
            let ids = BinaryType::ALL
                .iter()
                .map(|kind| app.value.id.binary(*kind));
            ids.map(|id| keys::policy_document(tenant_id, id))
        })
        .collect();
    for document in records.all::<Published>() {
        // What a deleted app left, housekeeping removes.
        let key = keys::policy_document(tenant_id, document.value.binary);
        sides.holds(
            || format!("a document under another key: {:?}", document.key),
            document.key == key,
        );
        sides.holds(
            || format!("a document without a key pair: {key:?}"),
            !binaries.contains(&key) || !records.keys("document-key").is_empty(),
        );
    }
}

/// The presets of each policy and what their counters say.
fn presets(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let mut counts = BTreeMap::<Key, i64>::new();
    for preset in records.all::<Preset>() {
        sides.holds(
            || format!("a preset under another key: {:?}", preset.key),
            preset.key == keys::preset(tenant_id, preset.value.id),
        );
        *counts
            .entry(keys::preset_count(tenant_id, &preset.value.policy_id))
            .or_default() += 1;
    }
    let counted = records
        .items()
        .filter(|item| item.kind == PresetCount::KIND && item.count != 0)
        .map(|item| (item.key.clone(), item.count));
    sides.same(
        "counters of presets and presets",
        counted.collect(),
        counts.into_iter().collect(),
    );
}

/// Signing credentials and what they sign with; those for iOS have a profile, and no others.
fn signing_credentials(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let credentials = records.all::<SigningCredential>();
    let secrets = credentials
        .iter()
        .map(|found| keys::signing_secret(tenant_id, &found.value.guid))
        .collect();
    sides.same(
        "signing credentials and what they sign with",
        records.keys("signing-secret"),
        secrets,
    );
    let ios = credentials
        .iter()
        .filter(|found| found.value.platform == SigningPlatform::Ios);
    let profiles = ios
        .map(|found| keys::signing_profile(tenant_id, &found.value.guid))
        .collect();
    sides.same(
        "signing credentials for iOS and their profiles",
        records.keys("signing-profile"),
        profiles,
    );
}

/// What the Apperian API keeps of apps beside their app records: the claim of each one's number,
/// and what is said of it.
fn native(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let apps = records.all::<App>();
    let numbered = apps
        .iter()
        .filter(|app| app.value.numeric_id != 0)
        .map(|app| {
            (
                keys::numeric_id(tenant_id, app.value.numeric_id),
                app.value.id,
            )
        })
        .collect();
    sides.same(
        "claims of numbers and apps",
        records
            .all::<NumericId>()
            .into_iter()
            .map(|claim| (claim.key, claim.value.app))
            .collect(),
        numbered,
    );
    let described: BTreeSet<Key> = apps
        .iter()
        .map(|app| keys::app_text(tenant_id, app.value.id))
        .collect();
    for text in records.all::<AppText>() {
        sides.holds(
            || format!("{:?} is of no app", text.key),
            described.contains(&text.key),
        );
    }
}

/// The uses of files and what their counters say; what nothing uses has a task that removes it.
fn files(tenant_id: TenantId, records: &Records, tasks: &[Stored<Task>], sides: &mut Sides<'_>) {
    let files = records.all::<StoredFile>();
    let removed: BTreeSet<&String> = tasks
        .iter()
        .filter_map(|task| {
            if let Task::File { name, .. } = &task.value {
                Some(name)
            } else {
                None
            }
        })
        .collect();
    let mut uses = BTreeMap::<Key, i64>::new();
    for name in records
        .all::<Document>()
        .iter()
        .filter_map(|document| document.value.file())
    {
        *uses.entry(keys::file_uses(tenant_id, name)).or_default() += 1;
    }
    let by_cards = records
        .all::<App>()
        .into_iter()
        .flat_map(|app| file::files_of(&app.value));
    let left = tasks
        .iter()
        .filter_map(|task| {
            if let Task::Abandoned { files, .. } = &task.value {
                Some(files.clone())
            } else {
                None
            }
        })
        .flatten();
    let shown = records
        .all::<Publication>()
        .into_iter()
        .flat_map(|publication| publication.value.pictures());
    for name in by_cards.chain(left).chain(shown) {
        *uses.entry(keys::file_uses(tenant_id, &name)).or_default() += 1;
    }
    let counters = records.all::<FileUses>();
    sides.same(
        "files and their counters",
        files
            .iter()
            .map(|file| keys::file_uses(tenant_id, &file.value.name))
            .collect(),
        counters.iter().map(|counter| counter.key.clone()).collect(),
    );
    for file in &files {
        let used = uses.contains_key(&keys::file_uses(tenant_id, &file.value.name));
        sides.holds(
            || format!("no chore for the unused file {}", file.value.name),
            used || removed.contains(&file.value.name),
        );
    }
    let counted = counters
        .into_iter()
        .filter(|counter| counter.count != 0)
        .map(|counter| (counter.key, counter.count))
        .collect();
    sides.same(
        "counters of files and their uses",
        counted,
        uses.into_iter().collect(),
    );
}

/// Documents, the claims of their names, their texts, and how many an app has. What a deleted app
/// left is not looked at: housekeeping removes it.
fn documents(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let parts: BTreeSet<String> = records
        .all::<App>()
        .iter()
        .map(|app| keys::app_parts(tenant_id, app.value.id))
        .collect();
    let (mut names, mut texts, mut counts) = (
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeMap::<String, i64>::new(),
    );
    for app in records.all::<App>() {
        let pk = keys::app_parts(tenant_id, app.value.id);
        for document in records
            .all::<Document>()
            .into_iter()
            .filter(|document| document.key.pk == pk)
        {
            let document = document.value;
            names.insert(keys::document_name(
                tenant_id,
                app.value.id,
                document.name.as_str(),
            ));
            if document.source == (Source::Inline { written: true }) {
                texts.insert(keys::document_text(tenant_id, app.value.id, document.id));
            }
            *counts.entry(pk.clone()).or_default() += 1;
        }
    }
    let kept = |kind: &str| {
        records
            .keys(kind)
            .into_iter()
            .filter(|key| parts.contains(&key.pk))
            .collect::<BTreeSet<Key>>()
    };
    sides.same(
        "names of documents and documents",
        kept(DocumentName::KIND),
        names,
    );
    sides.same("texts and documents", kept("document-text"), texts);
    let counted = records
        .all::<DocumentCount>()
        .into_iter()
        .filter(|found| found.count != 0 && parts.contains(&found.key.pk));
    sides.same(
        "counted and kept documents",
        counted.map(|found| (found.key.pk, found.count)).collect(),
        counts.into_iter().collect(),
    );
}

/// The rows of lists and what the directory counts, beside the app records; and each app record's
/// history, which ends where it stands.
fn listed(tenant_id: TenantId, records: &Records, apps: &[Stored<App>], sides: &mut Sides<'_>) {
    let (mut rows, mut counts) = (BTreeSet::new(), BTreeMap::<Key, i64>::new());
    for app in apps {
        for write in catalogue::changes(tenant_id, None, Some(&app.value)).expect("rows") {
            match write {
                Write::Put(item, _) => {
                    rows.insert((item.key, item.body));
                }
                Write::Count { key, by, .. } => *counts.entry(key).or_default() += by,
                other => panic!("a new card makes {other:?}"),
            }
        }
    }
    let there = records
        .items()
        .filter(|item| item.kind == "row")
        .map(|item| (item.key.clone(), item.body.clone()))
        .collect();
    sides.same("rows and cards", there, rows);
    let all_apps = |key: &Key| key.sk.starts_with(keys::BUCKETS_PREFIX);
    let counted = records
        .items()
        .filter(|item| item.kind == "bucket" && item.count != 0 && !all_apps(&item.key));
    sides.same(
        "the directory and rows",
        counted.map(|item| (item.key.clone(), item.count)).collect(),
        counts.into_iter().collect(),
    );
    let steps = records.all::<Steps>();
    for app in apps {
        let bucket = keys::bucket(tenant_id, app.value.bucket);
        let beside = i64::try_from(
            apps.iter()
                .filter(|other| other.value.bucket == app.value.bucket)
                .count(),
        )
        .expect("a number");
        let put_in = records
            .items()
            .find(|item| item.key == bucket)
            .map_or(0, |item| item.count);
        sides.holds(
            || format!("{put_in} apps were put into {bucket:?} and {beside} are in it"),
            put_in >= beside,
        );
        let mut of_card: Vec<_> = steps
            .iter()
            .filter(|steps| steps.key.pk == keys::app_parts(tenant_id, app.value.id))
            .collect();
        of_card.sort_by_key(|steps| steps.key.sk.clone());
        // Each step begins where the one before ended, the first one nowhere.
        let end = of_card
            .iter()
            .flat_map(|steps| &steps.value.steps)
            .try_fold(None, |stood, step| {
                (step.from == stood).then_some(Some(step.to))
            });
        sides.holds(
            || {
                format!(
                    "{:?} stands at {:?}, its history ends at {end:?}",
                    app.key, app.value.state
                )
            },
            end == Some(Some(app.value.state)),
        );
    }
}

/// What apps of the publisher API claim and are linked to, beside their app records.
fn published(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let apps = records.all::<App>();
    let publications = records.all::<Publication>();
    let of = |app_record: &App| {
        publications
            .iter()
            .find(|found| found.key == keys::publication(tenant_id, app_record.id))
            .map(|found| &found.value)
    };
    let cardless = publications.iter().filter(|found| {
        !apps
            .iter()
            .any(|app_record| found.key == keys::publication(tenant_id, app_record.value.id))
    });
    sides.same(
        "publications and apps",
        cardless.map(|found| found.key.clone()).collect(),
        BTreeSet::new(),
    );
    let (mut names, mut versions, mut contexts, mut defaults) = (
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
    );
    for app_record in apps.iter().map(|app_record| &app_record.value) {
        names.extend(line::name_key(tenant_id, app_record).map(|key| (key, app_record.id)));
        versions.extend(line::version_key(tenant_id, app_record).map(|key| (key, app_record.id)));
        contexts.extend(line::context_key(tenant_id, app_record).map(|key| (key, app_record.id)));
        if of(app_record).is_some_and(|publication| publication.default_version) {
            defaults.insert(app_record.id);
        }
    }
    let lines = records.all::<Line>();
    let members = lines.iter().flat_map(|line| {
        line.value
            .versions
            .iter()
            .map(|member| (line.key.clone(), member.app))
    });
    sides.same(
        "versions of lines and apps with a claimed name",
        members.collect(),
        names,
    );
    sides.same(
        "default versions of lines and apps that are one",
        lines.iter().filter_map(|line| line.value.default).collect(),
        defaults,
    );
    let claims = records
        .all::<VersionClaim>()
        .into_iter()
        .map(|claim| (claim.key, claim.value.app))
        .collect();
    sides.same(
        "claims of provider, name and version, and apps",
        claims,
        versions,
    );
    let claims = records.all::<ContextClaim>();
    let claims = claims.iter().flat_map(|claim| {
        claim
            .value
            .versions
            .iter()
            .map(|app| (claim.key.clone(), *app))
    });
    sides.same("claims of contexts and apps", claims.collect(), contexts);
}

/// Business owners beside their names and the apps that have them.
fn business_owners(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let owners = records.all::<BusinessOwner>();
    let claims = records
        .all::<OwnerName>()
        .into_iter()
        .map(|claim| (claim.key, claim.value.owner))
        .collect();
    let named = owners
        .iter()
        .map(|owner| {
            (
                keys::business_owner_name(tenant_id, &owner.value.name, &owner.value.email),
                owner.value.id,
            )
        })
        .collect();
    sides.same(
        "names of business owners and business owners",
        claims,
        named,
    );
    let mut had = BTreeMap::<u32, i64>::new();
    for id in records
        .all::<App>()
        .into_iter()
        .filter_map(|app| app.value.business_owner)
    {
        *had.entry(id).or_default() += 1;
    }
    let counted = owners
        .iter()
        .filter(|owner| owner.count != 0)
        .map(|owner| (owner.value.id, owner.count))
        .collect();
    sides.same(
        "counters of business owners and apps",
        counted,
        had.into_iter().collect(),
    );
}

fn groups(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let groups = records.all::<Group>();
    let claims = records
        .all::<GroupName>()
        .into_iter()
        .map(|claim| (claim.key, claim.value.group))
        .collect();
    let named = groups
        .iter()
        .map(|group| {
            (
                keys::group_name(tenant_id, group.value.name.as_str()),
                group.value.guid.clone(),
            )
        })
        .collect();
    sides.same("names of groups and groups", claims, named);
    let mut members = BTreeSet::new();
    for app in records.all::<App>() {
        members.extend(
            app.value
                .groups
                .iter()
                .map(|group| keys::group_item(tenant_id, group, app.value.id)),
        );
    }
    for user in records.all::<User>() {
        members.extend(
            user.value
                .owner
                .groups
                .iter()
                .map(|group| keys::group_user(tenant_id, group, &user.value.owner.user)),
        );
    }
    let of_live: BTreeSet<String> = groups
        .iter()
        .map(|group| keys::group_members(tenant_id, &group.value.guid))
        .collect();
    members.retain(|key| of_live.contains(&key.pk));
    let there = records.keys("group-member");
    for group in &groups {
        let pk = keys::group_members(tenant_id, &group.value.guid);
        let items = there
            .iter()
            .filter(|key| key.pk == pk && key.sk.starts_with("I#"))
            .count();
        sides.holds(
            || {
                format!(
                    "the group {} counts {} of {items} items",
                    group.value.guid, group.count
                )
            },
            usize::try_from(group.count) == Ok(items),
        );
    }
    sides.same("members of groups and references to groups", there, members);
}

fn people(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let all = records.all::<User>();
    members(tenant_id, records, &all, sides);
    let of_records = all
        .iter()
        .flat_map(|user| {
            user.value
                .keys
                .iter()
                .map(|hash| keys::credential(tenant_id, hash))
        })
        .collect();
    let users: BTreeMap<_, Owner> = all
        .into_iter()
        .map(|user| (user.value.owner.user.clone(), user.value.owner))
        .collect();
    let names = records.all::<SignInName>();
    for name in &names {
        sides.holds(
            || format!("a name of nobody: {:?}", name.key),
            users.contains_key(&name.value.user),
        );
    }
    for owner in users.values() {
        let claim = keys::sign_in(tenant_id, &owner.username);
        sides.holds(
            || format!("{} has no name to sign in with", owner.username),
            names
                .iter()
                .any(|name| name.key == claim && name.value.user == owner.user),
        );
    }
    let rows = records
        .all::<ApiKey>()
        .into_iter()
        .map(|row| (row.key, json!(row.value).to_string()))
        .collect();
    let mut listed = BTreeSet::new();
    let mut active = BTreeMap::<String, usize>::new();
    let mut of_users = BTreeSet::new();
    for credential in records.all::<Credential>() {
        if let Some(key) = credential.value.purpose.api_key() {
            let row = match &key.of {
                KeyOf::User(user) => {
                    let copy = credential
                        .owner
                        .as_deref()
                        .and_then(|copy| serde_json::from_str::<Owner>(copy).ok());
                    let current = key.revoked.is_some() || copy.as_ref() == users.get(user);
                    sides.holds(
                        || format!("the key {} carries another owner: {copy:?}", key.label),
                        current,
                    );
                    if key.revoked.is_none() {
                        of_users.insert(credential.key.clone());
                    }
                    keys::user_key(tenant_id, user, key.created, &key.hash)
                }
                KeyOf::App(app) => {
                    if key.revoked.is_none() {
                        *active.entry(app.guid()).or_default() += 1;
                    }
                    keys::app_key(tenant_id, *app, key.created, &key.hash)
                }
            };
            sides.holds(
                || format!("a key under another hash: {:?}", credential.key),
                credential.key == keys::credential(tenant_id, &key.hash),
            );
            listed.insert((row, json!(key).to_string()));
        }
    }
    sides.same("rows of API keys and their credentials", rows, listed);
    sides.same(
        "active keys of users and what their records say",
        of_users,
        of_records,
    );
    for (app, keys) in active {
        sides.holds(
            || format!("the app {app} has {keys} active keys"),
            keys == 1,
        );
    }
}

/// A refresh token and the bearer token that came with it, each of which names the other, for one
/// client that is there.
fn tokens(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let clients: BTreeSet<Key> = records
        .all::<Client>()
        .iter()
        .map(|client| keys::client(tenant_id, &client.value.guid))
        .collect();
    sides.same(
        "clients and their keys",
        records.keys("client"),
        clients.clone(),
    );
    let (mut by_bearers, mut by_refreshes) = (BTreeSet::new(), BTreeSet::new());
    for credential in records.all::<Credential>() {
        match credential.value.purpose {
            Purpose::Bearer {
                client,
                refresh: Some(refresh),
                ..
            } => {
                by_bearers.insert((
                    credential.key,
                    keys::credential(tenant_id, &refresh),
                    client,
                ));
            }
            Purpose::Refresh { client, bearer, .. } => {
                sides.holds(
                    || format!("a token of no client: {:?}", credential.key),
                    clients.contains(&keys::client(tenant_id, &client)),
                );
                by_refreshes.insert((keys::credential(tenant_id, &bearer), credential.key, client));
            }
            _ => {}
        }
    }
    sides.same("bearer tokens and refresh tokens", by_bearers, by_refreshes);
}

/// Applications under their ids, and the keys of PingID settings with their credentials.
fn ping(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    for application in records.all::<Application>() {
        let own = keys::ping_application(tenant_id, &application.value.id);
        sides.holds(
            || format!("an application of another id: {:?}", application.key),
            application.key == own,
        );
    }
    let settings = records.all::<PingSettings>();
    let keys_of = settings.iter().flat_map(|settings| &settings.value.keys);
    let listed = keys_of
        .map(|key| {
            (
                keys::credential(tenant_id, &key.hash),
                key.created,
                key.expires,
            )
        })
        .collect();
    let of_ping = records
        .all::<Credential>()
        .into_iter()
        .filter(|credential| matches!(credential.value.purpose, Purpose::MessageKey { .. }));
    let valid = of_ping
        .map(|credential| {
            (
                credential.key,
                credential.value.created,
                credential.value.expires,
            )
        })
        .collect();
    sides.same("keys of the PingID settings and credentials", listed, valid);
    for settings in &settings {
        let current = settings.value.keys.iter().map(|key| key.expires.is_none());
        let alone = current.clone().take(1).all(|current| current)
            && !current.clone().skip(1).any(|current| current);
        sides.holds(
            || format!("not one current key: {:?}", settings.key),
            alone && (1..=2).contains(&settings.value.keys.len()),
        );
    }
}

/// What users are in and what they own, on both sides of each. Publications by the older calls of
/// the Apperian API: each ends with its hour, and none has made what another one made.
fn publications(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let calls = records.all::<PublishingCall>();
    let ends: BTreeMap<&Key, Option<i64>> = records
        .items()
        .map(|item| (&item.key, item.expires))
        .collect();
    let mut made = BTreeSet::new();
    for call in &calls {
        let end = call.value.created.plus_seconds(VALID_SECONDS).seconds();
        sides.holds(
            || format!("{:?} has no end", call.key),
            ends.get(&call.key) == Some(&Some(end)),
        );
        sides.holds(
            || format!("{:?} is not of this tenant", call.key),
            call.key.pk.starts_with(&tenant_id.to_string()),
        );
        let new = call.value.done.filter(|_| call.value.app.is_none());
        sides.holds(
            || format!("two publications made {new:?}"),
            new.is_none_or(|app| made.insert(app)),
        );
    }
}

fn members(tenant_id: TenantId, records: &Records, users: &[Stored<User>], sides: &mut Sides<'_>) {
    let (mut emails, mut policies, mut teams, mut administrators) = (
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
    );
    let mut owned: BTreeMap<Key, i64> = BTreeMap::new();
    for user in users.iter().map(|user| &user.value) {
        let guid = &user.owner.user;
        if !user.owner.email.is_empty() {
            emails.insert(keys::email(tenant_id, &user.owner.email, guid));
        }
        policies.extend(
            user.policies
                .iter()
                .map(|policy| keys::policy_user(tenant_id, policy, guid)),
        );
        teams.extend(
            user.owner
                .teams
                .iter()
                .map(|team| keys::team_user(tenant_id, team, guid)),
        );
        if user.is_full_administrator() {
            administrators.insert(guid.clone());
        }
        sides.holds(
            || format!("{} has not his own name", user.owner.username),
            user.names.contains(&user.owner.username),
        );
    }
    sides.same("mail addresses and users", records.keys("email"), emails);
    sides.same(
        "users listed on policies and policies of users",
        records.keys("policy-user"),
        policies,
    );
    sides.same(
        "members of teams and teams of users",
        records.keys("team-member"),
        teams,
    );
    let device_users = records.keys("device-user").into_iter();
    let (of_devices, of_users): (Vec<Key>, Vec<Key>) =
        device_users.partition(|key| key.sk.starts_with(keys::USER_PREFIX));
    let named = |key: &Key, pk: &str, sk: &str| {
        let before = format!("{tenant_id}#{pk}#");
        (
            key.pk.strip_prefix(&before).unwrap_or("?").to_owned(),
            key.sk.strip_prefix(sk).unwrap_or("?").to_owned(),
        )
    };
    let of_devices = of_devices
        .iter()
        .map(|key| named(key, "DEV", keys::USER_PREFIX))
        .collect();
    let of_users = of_users
        .iter()
        .map(|key| named(key, "U", keys::DEVICE_PREFIX))
        .map(|(user, device)| (device, user))
        .collect();
    sides.same(
        "users of devices and devices of users",
        of_devices,
        of_users,
    );
    let registered = records
        .all::<Administrators>()
        .into_iter()
        .flat_map(|all| all.value.users)
        .collect();
    sides.same(
        "the register of administrators and administrators",
        registered,
        administrators,
    );
    for app in records.all::<App>() {
        *owned
            .entry(keys::owned_apps(tenant_id, &app.value.owner))
            .or_default() += 1;
    }
    let counted: BTreeSet<(Key, i64)> = records
        .items()
        .filter(|item| item.kind == "owned-apps" && item.count != 0)
        .map(|item| (item.key.clone(), item.count))
        .collect();
    sides.same(
        "counted and owned apps",
        counted,
        owned.into_iter().collect(),
    );
    let access: Access = records
        .all::<Access>()
        .pop()
        .map(|found| found.value)
        .unwrap_or_default();
    let granted = access
        .teams
        .into_iter()
        .map(|(team, grants)| (team, json!(grants).to_string()))
        .collect();
    let kept: BTreeMap<TeamId, String> = records
        .all::<Team>()
        .into_iter()
        .map(|team| (team.value.id, json!(team.value.grants).to_string()))
        .collect();
    for owner in users.iter().map(|user| &user.value.owner) {
        let known = |team: &TeamId| {
            kept.contains_key(team)
                || default_teams(tenant_id)
                    .iter()
                    .any(|default| default.id == *team)
        };
        sides.holds(
            || {
                format!(
                    "{} is in a team that is gone: {:?}",
                    owner.username, owner.teams
                )
            },
            owner.teams.iter().all(known),
        );
        let once: BTreeSet<&TeamId> = owner.teams.iter().collect();
        sides.holds(
            || format!("{} is in a team twice: {:?}", owner.username, owner.teams),
            once.len() == owner.teams.len(),
        );
    }
    sides.same(
        "what teams may do and teams",
        granted,
        kept.into_iter().collect(),
    );
}

fn log(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let mut wanted = BTreeSet::new();
    let installed = records.keys("installed-item");
    let subscribed = records.keys("subscription");
    let apps = records.keys("app");
    let users = records.keys("user");
    for row in records.all::<LogRow>() {
        let row = row.value;
        let known = !users.contains(&keys::user(tenant_id, &row.user))
            || installed.contains(&keys::user_item(tenant_id, &row.user, row.binary.item()));
        sides.holds(
            || {
                format!(
                    "{} does not have {} that he fetched",
                    row.username, row.title
                )
            },
            known,
        );
        let app = row.binary.item();
        let has = !apps.contains(&keys::app(tenant_id, app))
            || subscribed.contains(&keys::subscription(tenant_id, app, &row.user));
        sides.holds(
            || format!("{} is not among those who have {}", row.username, row.title),
            has,
        );
        let mut copies = vec![
            LogOf::All,
            LogOf::User(row.user.as_str()),
            LogOf::User(&row.username),
            LogOf::Item(row.binary.item()),
        ];
        copies.extend(row.binary.kind().map(LogOf::Type));
        if !row.cuid.is_empty() {
            copies.push(LogOf::Device(&row.cuid));
        }
        wanted.extend(
            copies
                .into_iter()
                .map(|of| keys::log_row(tenant_id, of, row.at, &row.guid)),
        );
    }
    sides.same(
        "copies of the log and its rows",
        records.keys("log"),
        wanted,
    );
}

/// Policy partials beside what apps say of them: the apps that each is mapped to, how many these
/// are, and the list of the shared ones.
fn partials(tenant_id: TenantId, records: &Records, sides: &mut Sides<'_>) {
    let (mut links, mut counts) = (BTreeSet::new(), BTreeMap::<Key, i64>::new());
    let apps = records.all::<App>();
    // What was said of an app that was deleted is removed later.
    for publication in records.all::<Publication>() {
        let Some(app) = apps
            .iter()
            .find(|app| keys::app_parts(tenant_id, app.value.id) == publication.key.pk)
        else {
            continue;
        };
        let mapped: BTreeSet<u32> = publication
            .value
            .policy_groups
            .iter()
            .flat_map(|group| &group.partials)
            .copied()
            .collect();
        for partial in mapped {
            links.insert(keys::partial_app(tenant_id, partial, app.value.id));
            *counts.entry(keys::partial(tenant_id, partial)).or_default() += 1;
        }
    }
    sides.same(
        "apps of policy partials and policy partials of apps",
        records.keys("mapped-partial"),
        links,
    );
    let partials = records.all::<Partial>();
    for partial in &partials {
        counts.entry(partial.key.clone()).or_default();
        sides.holds(
            || format!("a partial under another number: {:?}", partial.key),
            partial.key == keys::partial(tenant_id, partial.value.id),
        );
    }
    let counted = partials
        .iter()
        .map(|partial| (partial.key.clone(), partial.count))
        .collect();
    sides.same(
        "counters of policy partials and their apps",
        counted,
        counts.into_iter().collect(),
    );
    let listed = records
        .all::<SharedPartial>()
        .into_iter()
        .map(|shown| (shown.key, json!(shown.value).to_string()))
        .collect();
    let shared = partials
        .iter()
        .map(|partial| &partial.value)
        .filter(|partial| partial.shared);
    let shown = shared.map(|partial| {
        let shown = SharedPartial {
            id: partial.id,
            name: partial.name.clone(),
        };
        (
            keys::shared_partial(tenant_id, partial.created, partial.id),
            json!(shown).to_string(),
        )
    });
    sides.same(
        "the list of policy partials and the shared ones",
        listed,
        shown.collect(),
    );
}

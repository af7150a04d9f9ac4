//! The policies on an app (000): which ones are asked for, how they stand, and the work that puts
//! them into its package.
//!
//! They belong to the version that is live when they are asked for. A request replaces all of them:
//! it writes the new set, takes back the package that an older set was put into, and asks for a
//! job, in one transaction. What is handed out does not change by that: it stays what it is until
//! the package is signed again, or another one is uploaded.

use serde_json::{Value, json};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::base::kind::AppKind;
use crate::change;
use crate::domain::app_policies::app_policy::POLICIES;
use crate::domain::app_policies::{app_policy, job, policy_document};
use crate::domain::apps::numbers;
use crate::model::app_policies::app_policy::{AppPolicy, Configuration, flag};
use crate::model::app_policies::policy_document::Published;
use crate::model::apps::app::{App, Binary, Version};
use crate::model::apps::processing::{
    Applied, Job, Processing, ProcessingStatus, ProcessingTask, Signing, SigningStatus,
};
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys};

/// What is told to who waits for a signature that will not come.
const OVERTAKEN: &str =
    "The policies were changed before the package was signed: sign it again once they are applied";

/// A policy that a client wants on an app, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestedPolicy {
    policy: &'static AppPolicy,
    id: Option<String>,
    configuration: Option<Configuration>,
    auth_required: bool,
}

/// What an entry may say: what is taken, and what clients send back from presets.
const ENTRY_FIELDS: [&str; 8] = [
    "policy_id",
    "configuration",
    "id",
    "auth_required",
    "name",
    "enabled_by_default",
    "is_a_preset",
    "created_time",
];

impl RequestedPolicy {
    /// The policies of a list that a client sent, in its order.
    ///
    /// # Errors
    /// Invalid for what is no list, for more entries than there are policies, the same policy
    /// twice, an unknown one, and what [`AppPolicy::options`] and [`AppPolicy::auth_required`]
    /// refuse: with the entry's number, from 0.
    pub fn parse(said: Option<&Value>) -> Result<Vec<Self>, Error> {
        let entries = said.and_then(Value::as_array).ok_or_else(|| {
            Error::invalid("configurations is a list of policies, empty for none")
        })?;
        if entries.len() > POLICIES.len() {
            return Err(Error::invalid(format!(
                "configurations has at most {} policies",
                POLICIES.len()
            )));
        }
        let mut wanted: Vec<Self> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let one = Self::entry(entry).map_err(|error| {
                Error::invalid(format!("configurations[{at}]: {}", error.message))
            })?;
            if wanted.iter().any(|before| before.policy == one.policy) {
                return Err(Error::invalid(format!(
                    "configurations[{at}]: {} is there twice",
                    one.policy.policy_id
                )));
            }
            wanted.push(one);
        }
        Ok(wanted)
    }

    fn entry(entry: &Value) -> Result<Self, Error> {
        let entry = entry
            .as_object()
            .ok_or_else(|| Error::invalid("it is an object with a policy_id"))?;
        if let Some(unknown) = entry
            .keys()
            .find(|name| !ENTRY_FIELDS.contains(&name.as_str()))
        {
            let unknown: String = unknown.chars().take(100).collect();
            return Err(Error::invalid(format!(
                "{unknown} is no field of it; there are policy_id, configuration, id and \
                    auth_required"
            )));
        }
        let policy_id = entry
            .get("policy_id")
            .and_then(Value::as_str)
            .ok_or_else(|| Error::invalid("policy_id is the name of a policy"))?;
        let policy = app_policy::by_policy_id(policy_id).ok_or_else(|| {
            Error::invalid("policy_id: there is no such policy, GET /policies lists them")
        })?;
        let id = match entry.get("id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Error::invalid("id is a text")),
        };
        let auth_required = policy.auth_required(flag(entry, "auth_required")?)?;
        Ok(Self {
            policy,
            id,
            configuration: policy.options(entry.get("configuration"))?,
            auth_required,
        })
    }

    /// As it is applied: the id that the client sent back stays where the app has this policy under
    /// it.
    fn applied(&self, before: &[Applied], now: Timestamp) -> Applied {
        let sent = self.id.as_deref().and_then(|id| id.parse::<AppId>().ok());
        let same = |applied: &&Applied| {
            applied.policy_id == self.policy.policy_id && sent == Some(applied.id)
        };
        Applied {
            id: before
                .iter()
                .find(same)
                .map_or_else(|| AppId::new(now), |applied| applied.id),
            policy_id: self.policy.policy_id.to_owned(),
            configuration: self.configuration.clone(),
            auth_required: self.auth_required,
        }
    }
}

/// Policies of an app as clients read them.
pub fn view(policies: &[Applied]) -> Value {
    let one = |applied: &Applied| {
        let Applied {
            id,
            policy_id,
            configuration,
            auth_required,
        } = applied;
        json!({
            "id": id.base64url(),
            "policy_id": policy_id,
            "configuration": configuration,
            "auth_required": auth_required,
        })
    };
    policies.iter().map(one).collect()
}

/// How the policies of an app stand, as clients read it.
pub fn standing(processing: &Processing) -> Value {
    let mut status =
        json!({"code": processing.status.code(), "description": processing.status.as_str()});
    if let Some(reason) = &processing.reason {
        status["details"] = json!(reason);
    }
    json!({
        "status": status,
        "configurations": view(&processing.policies),
        "previous_version_configurations": view(&processing.previous),
    })
}

/// Which records an id leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Those that say how policies stand.
    Reading,
    /// Those that change when policies do.
    Changing,
}

fn keys_of_id(tenant_id: TenantId, id: AppId, purpose: Purpose) -> Vec<Key> {
    // An item's id may mean any of its binaries.
    let kinds = id
        .kind()
        .map_or_else(|| BinaryType::ALL.to_vec(), |kind| vec![kind]);
    let mut wanted = vec![keys::app(tenant_id, id)];
    wanted.extend(kinds.iter().map(|kind| keys::binary(tenant_id, id, *kind)));
    if purpose == Purpose::Changing {
        wanted.extend(
            kinds
                .iter()
                .map(|kind| keys::policy_document(tenant_id, id.binary(*kind))),
        );
    }
    wanted
}

/// What will be read for an app that is named so, for a plan. A number leads to an app by a reading
/// of its own.
pub fn keys_of(tenant_id: TenantId, named: &str, purpose: Purpose) -> Vec<Key> {
    match named.parse::<AppId>() {
        Ok(id) => keys_of_id(tenant_id, id, purpose),
        Err(_) => numbers::keys_of(tenant_id, named),
    }
}

/// How the policies of an app stand: on the live version of the binary that is named, or of the
/// only one. An app without a binary has none.
///
/// # Errors
/// Not found for an unknown app and one that the caller does not see; invalid for the id of an item
/// with several binaries; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    who: &Principal,
    named: &str,
) -> Result<Processing, Error> {
    let id = numbers::locate(reader, who.tenant_id, named).await?;
    reader
        .fetch_missing(&keys_of_id(who.tenant_id, id, Purpose::Reading))
        .await?;
    let app = numbers::read(reader, who.tenant_id, id).await?.value;
    if !numbers::visible(&app, who) {
        return Err(numbers::unknown());
    }
    if id.kind().is_none() && app.binaries.is_empty() {
        return Ok(Processing::default());
    }
    let kind = numbers::binary(&app, id)?;
    let binary: Option<Stored<Binary>> = reader.get(&keys::binary(who.tenant_id, id, kind)).await?;
    let live = binary
        .as_ref()
        .zip(app.binary(kind))
        .and_then(|(binary, shown)| binary.value.version(shown.live));
    Ok(live
        .and_then(|version| version.processing.as_deref().cloned())
        .unwrap_or_default())
}

/// An app's binary whose policies are to change.
struct Subject {
    app: Stored<App>,
    kind: BinaryType,
    binary: Stored<Binary>,
    published: Option<Stored<Published>>,
}

impl Subject {
    async fn of(reader: &mut Reader<'_>, tenant_id: TenantId, named: &str) -> Result<Self, Error> {
        let id = numbers::locate(reader, tenant_id, named).await?;
        reader
            .fetch_missing(&keys_of_id(tenant_id, id, Purpose::Changing))
            .await?;
        let app = numbers::read(reader, tenant_id, id).await?;
        if app.value.kind != AppKind::Mobile {
            return Err(Error::invalid(
                "The application is a web app: policies are for Android and iOS packages",
            ));
        }
        let kind = numbers::binary(&app.value, id)?;
        let binary = reader
            .get::<Binary>(&keys::binary(tenant_id, id, kind))
            .await?
            .ok_or_else(numbers::unknown)?;
        let published = policy_document::published(reader, tenant_id, id.binary(kind)).await?;
        Ok(Self {
            app,
            kind,
            binary,
            published,
        })
    }

    fn live(&mut self) -> Result<&mut Version, Error> {
        let number = self.app.value.binary(self.kind).map(|shown| shown.live);
        let live = self
            .binary
            .value
            .versions
            .iter_mut()
            .find(|version| Some(version.number) == number);
        live.ok_or_else(|| Error::torn("the live version is not kept"))
    }
}

/// Whether a set is asked for that is there already, as far as nothing can be done about it.
fn is_cleared(processing: &Processing, published: bool) -> bool {
    let none = processing.policies.is_empty()
        && processing.previous.is_empty()
        && processing.status == ProcessingStatus::None;
    let signs = processing
        .signing
        .as_ref()
        .is_some_and(|signing| signing.status == SigningStatus::InProgress);
    none && (!published || (processing.job.is_some() && !signs))
}

/// Changes how a version stands to this set of policies. Gives the job that ended by that and
/// whether one is needed.
fn replace_in(
    processing: &mut Processing,
    policies: Vec<Applied>,
    published: bool,
) -> (Option<Guid>, bool) {
    let (clears, needs_job) = (policies.is_empty(), !policies.is_empty() || published);
    // Where nothing was in the package and nothing is to be, whoever signs it may go on.
    let changes_package = !clears || !processing.policies.is_empty();
    let mut overtaken = None;
    if changes_package || needs_job {
        overtaken = processing.job.take();
        let cancelled = |signing: Signing| Signing {
            status: SigningStatus::Cancelled,
            details: OVERTAKEN.to_owned(),
            ..signing
        };
        processing.signing = match processing.signing.take() {
            Some(signing) if signing.status == SigningStatus::InProgress => {
                Some(cancelled(signing))
            }
            // A signature is that of the package with what was in it.
            signing => signing.filter(|_| !changes_package),
        };
    }
    processing.status = if clears {
        ProcessingStatus::None
    } else {
        ProcessingStatus::Applying
    };
    processing.reason = None;
    processing.applied = None;
    if clears {
        processing.previous.clear();
    }
    processing.policies = policies;
    (overtaken, needs_job)
}

/// Replaces the policies of an app: those of the live version of the binary that is named, or of
/// the only one. `base_url` is where this deployment is reached. Gives them as they are applied. An
/// empty set needs no work on the package: only where a document with policies is published, one
/// without any is asked for, so that installed apps let go.
///
/// # Errors
/// Not found for an unknown app; invalid for one that is no Android or iOS app, for the id of an
/// item with several binaries, and for a policy that the platform does not have; the store's.
pub async fn replace(
    reader: &mut Reader<'_>,
    who: &Principal,
    named: &str,
    wanted: &[RequestedPolicy],
    base_url: &str,
) -> Result<Vec<Applied>, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    change!(reader, {
        let mut subject = Subject::of(reader, tenant_id, named).await?;
        let kind = subject.kind;
        if let Some(other) = wanted.iter().find(|wanted| !wanted.policy.supports(kind)) {
            return Err(Error::invalid(format!(
                "policy_id: {} is not for {kind} apps",
                other.policy.policy_id
            )));
        }
        let binary = subject.app.value.id.binary(kind);
        let published = subject
            .published
            .as_ref()
            .is_some_and(|found| found.value.policies > 0);
        let live = subject.live()?;
        let before = live.clone();
        let nothing = Processing::default();
        let stood = before.processing.as_deref().unwrap_or(&nothing);
        if wanted.is_empty() && is_cleared(stood, published) {
            return Ok((Vec::new(), Vec::new()));
        }
        let policies: Vec<Applied> = wanted
            .iter()
            .map(|wanted| wanted.applied(&stood.policies, now))
            .collect();
        let processing = live.processing.get_or_insert_with(Box::default);
        let (overtaken, needs_job) = replace_in(processing, policies.clone(), published);
        let asked = needs_job.then(|| {
            Job::new(
                binary,
                before.guid.clone(),
                ProcessingTask::Apply,
                base_url.to_owned(),
                &who.owner,
                now,
            )
        });
        if let Some(asked) = &asked {
            processing.job = Some(asked.guid.clone());
        }
        let after = live.clone();
        let mut writes = job::update_writes(
            tenant_id,
            &mut subject.app,
            &after,
            &who.owner.username,
            now,
        )?;
        writes.push(subject.binary.replace()?);
        writes.extend(job::counted(tenant_id, &before, &after, None, now)?);
        writes.extend(
            overtaken.map(|overtaken| {
                Write::Delete(keys::job(tenant_id, &overtaken), Condition::Always)
            }),
        );
        if let Some(asked) = &asked {
            writes.extend(job::ask(tenant_id, asked)?);
        }
        Ok((policies, writes))
    })
}

//! Jobs: asked for by a request, done by `package-work`, ended once.
//!
//! A job counts as long as its version says that it is being done. Whoever wants something else of
//! that version writes another job there, and the one before does nothing any more, however far it
//! is. Each end is one transaction: what was made, how the version stands, and that the job is
//! gone.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::change;
use crate::domain::apps::app;
use crate::model::apps::app::{App, Binary, Version, VersionSummary};
use crate::model::apps::processing::{
    Build, Job, Processing, ProcessingStatus, ProcessingSummary, ProcessingTask, Signing,
    SigningStatus,
};
use crate::model::people::user::Owner;
use crate::model::task;
use crate::model::task::{Held, Task};
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Write, keys, record};

/// How often a job is begun before its worker's crashes count as its end.
pub const ATTEMPTS: u32 = 3;

/// How long an attempt must have gone on, in seconds, before another delivery of the event takes it
/// for crashed. A mere second delivery comes at once.
const CRASHED_AFTER_SECONDS: i64 = 45;

/// The longest that one attempt takes, in seconds: the function's timeout.
pub const ATTEMPT_SECONDS: i64 = 900;

/// The reason of a job whose worker stopped without a verdict.
pub const CRASHED: &str = "unreadable: the worker stopped while it was working on this package";

/// The reason of a job that nobody did.
pub const LOST: &str = "unavailable: nobody came to do this, please ask for it again";

/// Most characters of a signing's details.
const MAX_DETAILS: usize = 300;

impl Job {
    /// A job on that version of a binary; `binary` names the type too. `base_url` is where this
    /// deployment is reached.
    pub fn new(
        binary: AppId,
        version: Guid,
        task: ProcessingTask,
        base_url: String,
        by: &Owner,
        now: Timestamp,
    ) -> Self {
        let (by, by_name) = (by.user.clone(), by.username.clone());
        Self {
            guid: Guid::random(),
            binary,
            version,
            task,
            base_url,
            by,
            by_name,
            created: now,
            attempts: 0,
            since: None,
        }
    }
}

/// The writes that ask for a job: itself, and the task that ends it if nobody does. They belong
/// into the transaction that makes it the version's present one (`Processing::job`); whatever job
/// was that before is overtaken.
///
/// # Errors
/// Internal.
pub fn ask(tenant_id: TenantId, job: &Job) -> Result<Vec<Write>, Error> {
    let lost = Task::Job {
        tenant_id,
        job: job.guid.clone(),
    };
    Ok(vec![
        record::create(keys::job(tenant_id, &job.guid), job)?,
        task::task(job.created, &lost)?,
    ])
}

/// What is to be done about a job.
#[derive(Clone, Debug)]
pub enum Begin {
    /// It is to be done, on that version.
    Do(Box<Job>, Box<Version>),
    /// It was given up: its attempts ended without a verdict.
    GivenUp,
    /// It ended before, or was overtaken.
    Ended,
}

/// Notes that a job's work begins. After [`ATTEMPTS`] that ended without a verdict it is given up;
/// one that was overtaken is removed.
///
/// # Errors
/// The store's.
pub async fn begin(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
) -> Result<Begin, Error> {
    let now = reader.now();
    change!(reader, {
        let Some(mut job) = reader.get::<Job>(&keys::job(tenant_id, guid)).await? else {
            return Ok((Begin::Ended, Vec::new()));
        };
        let Some(mut subject) = Subject::of(reader, tenant_id, &job.value).await? else {
            return Ok((Begin::Ended, vec![job.remove()]));
        };
        let crashed = job
            .value
            .since
            .is_some_and(|since| since.plus_seconds(CRASHED_AFTER_SECONDS) <= now);
        if job.value.attempts >= ATTEMPTS && crashed {
            failed(subject.work(), &job.value.task, CRASHED);
            return Ok((
                Begin::GivenUp,
                subject.end_writes(tenant_id, &job, None, now)?,
            ));
        }
        job.value.attempts += 1;
        job.value.since = Some(now);
        let write = job.replace()?;
        Ok((
            Begin::Do(Box::new(job.value), Box::new(subject.before)),
            vec![write],
        ))
    })
}

/// A package that a job made, held until the job ends.
#[derive(Clone, Debug)]
pub struct BuiltPackage {
    /// What it is.
    pub build: Build,
    held: Held,
}

/// Holds the object of a package that is about to be stored under its content's name.
///
/// # Errors
/// The store's.
pub async fn hold(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    build: Build,
) -> Result<BuiltPackage, Error> {
    let (held, writes) = task::hold(
        tenant_id,
        keys::binary_object(tenant_id, &build.sha256),
        reader.now(),
    )?;
    change!(reader, { Ok(((), writes.clone())) })?;
    Ok(BuiltPackage { build, held })
}

/// Ends a job that applied policies: `applied` is the package with them, which must be signed now;
/// `None` where there are none any more. `beside` are the writes of the published document, which
/// belong into the same transaction. Gives whether this call ended it.
///
/// # Errors
/// The store's.
pub async fn finish_applied(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
    applied: Option<&BuiltPackage>,
    beside: &[Write],
) -> Result<bool, Error> {
    end(reader, tenant_id, guid, applied, beside, |version, _| {
        let processing = processing_of(version);
        processing.status = if applied.is_some() {
            ProcessingStatus::NotSigned
        } else {
            ProcessingStatus::None
        };
        processing.reason = None;
        processing.applied = applied.map(|made| made.build.clone());
    })
    .await
}

/// Ends a job that signed: `signed` is the package that is handed out from now on, `signer` the
/// SHA-256 of the certificate in it. `beside` are writes of the same transaction. Gives whether
/// this call ended it.
///
/// # Errors
/// The store's.
pub async fn finish_signed(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
    signed: &BuiltPackage,
    signer: &str,
    beside: &[Write],
) -> Result<bool, Error> {
    end(
        reader,
        tenant_id,
        guid,
        Some(signed),
        beside,
        |version, task| {
            let uploaded = Build {
                sha256: version.sha256.clone(),
                size: version.size,
            };
            version.sha256.clone_from(&signed.build.sha256);
            version.size = signed.build.size;
            let processing = processing_of(version);
            processing.original.get_or_insert(uploaded);
            processing.signer = Some(signer.to_owned());
            if processing.status == ProcessingStatus::NotSigned {
                processing.status = ProcessingStatus::Signed;
            }
            if let ProcessingTask::Sign { credential } = task {
                processing.signing = Some(Signing {
                    status: SigningStatus::Signed,
                    details: String::new(),
                    credential: credential.clone(),
                });
            }
        },
    )
    .await
}

/// Ends a job with a reason, which its app shows. Gives whether this call ended it.
///
/// # Errors
/// The store's.
pub async fn fail(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
    reason: &str,
) -> Result<bool, Error> {
    end(reader, tenant_id, guid, None, &[], |version, task| {
        failed(processing_of(version), task, reason)
    })
    .await
}

/// Ends a job that was lost: it was asked for an hour ago and nobody is at it. `None` where
/// somebody may still be.
///
/// # Errors
/// The store's.
pub async fn lost(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
) -> Result<Option<bool>, Error> {
    let now = reader.now();
    let Some(job) = reader.get::<Job>(&keys::job(tenant_id, guid)).await? else {
        return Ok(Some(false));
    };
    if job
        .value
        .since
        .is_some_and(|since| since.plus_seconds(ATTEMPT_SECONDS) > now)
    {
        return Ok(None);
    }
    fail(reader, tenant_id, guid, LOST).await.map(Some)
}

fn processing_of(version: &mut Version) -> &mut Processing {
    version.processing.get_or_insert_with(Box::default)
}

/// How a version stands after a job failed.
fn failed(processing: &mut Processing, task: &ProcessingTask, reason: &str) {
    match task {
        ProcessingTask::Apply => {
            processing.status = ProcessingStatus::Error;
            processing.reason = Some(reason.to_owned());
            // What is in it are policies that nobody wants any more.
            processing.applied = None;
        }
        ProcessingTask::Sign { credential } => {
            let details = reason.chars().take(MAX_DETAILS).collect();
            processing.signing = Some(Signing {
                status: SigningStatus::Error,
                details,
                credential: credential.clone(),
            });
        }
    }
}

async fn end(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
    made: Option<&BuiltPackage>,
    beside: &[Write],
    to: impl Fn(&mut Version, &ProcessingTask) + Send + Sync,
) -> Result<bool, Error> {
    let now = reader.now();
    change!(reader, {
        let Some(job) = reader.get::<Job>(&keys::job(tenant_id, guid)).await? else {
            return Ok((false, Vec::new()));
        };
        let Some(mut subject) = Subject::of(reader, tenant_id, &job.value).await? else {
            return Ok((false, vec![job.remove()]));
        };
        to(subject.version(), &job.value.task);
        let mut writes = subject.end_writes(tenant_id, &job, made, now)?;
        writes.extend_from_slice(beside);
        Ok((true, writes))
    })
}

/// The version that a job is the present one of.
struct Subject {
    app: Stored<App>,
    binary: Stored<Binary>,
    at: usize,
    before: Version,
}

impl Subject {
    /// `None` for a job that was overtaken: by another, by a deleted app or binary, by newer
    /// versions.
    async fn of(
        reader: &mut Reader<'_>,
        tenant_id: TenantId,
        job: &Job,
    ) -> Result<Option<Self>, Error> {
        let Some(kind) = job.binary.kind() else {
            return Ok(None);
        };
        let app = job.binary.item();
        let (app_key, binary_key) = (
            keys::app(tenant_id, app),
            keys::binary(tenant_id, app, kind),
        );
        reader
            .fetch_missing(&[app_key.clone(), binary_key.clone()])
            .await?;
        let Some(app_record) = reader.get::<App>(&app_key).await? else {
            return Ok(None);
        };
        let Some(binary) = reader.get::<Binary>(&binary_key).await? else {
            return Ok(None);
        };
        let Some(at) = binary
            .value
            .versions
            .iter()
            .position(|version| version.guid == job.version)
        else {
            return Ok(None);
        };
        let before = binary.value.versions[at].clone();
        let present = before
            .processing
            .as_ref()
            .is_some_and(|processing| processing.job.as_ref() == Some(&job.guid));
        Ok(present.then_some(Self {
            app: app_record,
            binary,
            at,
            before,
        }))
    }

    fn version(&mut self) -> &mut Version {
        &mut self.binary.value.versions[self.at]
    }

    fn work(&mut self) -> &mut Processing {
        processing_of(self.version())
    }

    /// The writes that end its job, with what was changed of the version.
    fn end_writes(
        mut self,
        tenant_id: TenantId,
        job: &Stored<Job>,
        made: Option<&BuiltPackage>,
        now: Timestamp,
    ) -> Result<Vec<Write>, Error> {
        self.work().job = None;
        let version = self.version().clone();
        let mut writes =
            update_writes(tenant_id, &mut self.app, &version, &job.value.by_name, now)?;
        writes.push(self.binary.replace()?);
        writes.push(job.remove());
        let held = made.map(|made| &made.held);
        writes.extend(counted(tenant_id, &self.before, &version, held, now)?);
        writes.extend(held.map(|held| Write::Delete(held.task.clone(), Condition::Present)));
        Ok(writes)
    }
}

/// The writes of an app record that shows how the work on one of its versions stands.
///
/// # Errors
/// Internal.
pub fn update_writes(
    tenant_id: TenantId,
    app: &mut Stored<App>,
    version: &Version,
    by: &str,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let before = app.value.clone();
    let mut shown = app
        .value
        .binaries
        .iter_mut()
        .flat_map(|binary| &mut binary.versions);
    if let Some(shown) = shown.find(|shown: &&mut VersionSummary| shown.guid == version.guid) {
        shown.processing = version.processing.as_deref().map(ProcessingSummary::of);
    }
    app::update_writes(tenant_id, &before, app, by, now)
}

/// The counts of objects that change when a version does: one write per object. What was held is
/// counted already.
///
/// # Errors
/// Internal.
pub fn counted(
    tenant_id: TenantId,
    before: &Version,
    after: &Version,
    held: Option<&Held>,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let mut counts = BTreeMap::<String, i64>::new();
    let mut count = |name: String, by: i64| *counts.entry(name).or_default() += by;
    after
        .objects()
        .into_iter()
        .for_each(|sha256| count(keys::binary_object(tenant_id, sha256), 1));
    before
        .objects()
        .into_iter()
        .for_each(|sha256| count(keys::binary_object(tenant_id, sha256), -1));
    if let Some(held) = held {
        count(held.name.clone(), -1);
    }
    let mut writes = Vec::new();
    for (name, by) in counts.into_iter().filter(|(_, by)| *by != 0) {
        writes.push(task::count_object(tenant_id, &name, by));
        if by < 0 {
            writes.push(task::task(now, &Task::Object { tenant_id, name })?);
        }
    }
    Ok(writes)
}

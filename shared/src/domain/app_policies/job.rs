//! Jobs: asked for by a request, done by `package-work`, ended once.
//!
//! A job counts as long as its version says that it is being done. Whoever wants something else of
//! that version writes another job there, and the one before does nothing any more, however far it
//! is. Each end is one transaction: what was made, how the version stands, and that the job is
//! gone.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, Handle};
use crate::change;
use crate::domain::apps::app;
use crate::model::apps::app::{AppCard, Binary, Version, VersionCard};
use crate::model::apps::work::{
    Build, Job, Signing, SigningStatus, Task, Work, WorkCard, WrapStatus,
};
use crate::model::people::user::Owner;
use crate::model::task;
use crate::model::task::{Chore, Held};
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
const DETAILS_LIMIT: usize = 300;

impl Job {
    /// A job on that version of a binary; `binary` names the type too. `base_url` is where this
    /// deployment is reached.
    pub fn new(
        binary: AppId,
        version: Guid,
        task: Task,
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

/// The writes that ask for a job: itself, and the chore that ends it if nobody does. They belong
/// into the transaction that makes it the version's present one (`Work::job`); whatever job was
/// that before is overtaken.
///
/// # Errors
/// Internal.
pub fn ask(handle: Handle, job: &Job) -> Result<Vec<Write>, Error> {
    let lost = Chore::Job {
        handle,
        job: job.guid.clone(),
    };
    Ok(vec![
        record::create(keys::job(handle, &job.guid), job)?,
        task::chore(job.created, &lost)?,
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
pub async fn begin(reader: &mut Reader<'_>, handle: Handle, guid: &Guid) -> Result<Begin, Error> {
    let now = reader.now();
    change!(reader, {
        let Some(mut job) = reader.get::<Job>(&keys::job(handle, guid)).await? else {
            return Ok((Begin::Ended, Vec::new()));
        };
        let Some(mut subject) = Subject::of(reader, handle, &job.value).await? else {
            return Ok((Begin::Ended, vec![job.remove()]));
        };
        let crashed = job
            .value
            .since
            .is_some_and(|since| since.plus_seconds(CRASHED_AFTER_SECONDS) <= now);
        if job.value.attempts >= ATTEMPTS && crashed {
            failed(subject.work(), &job.value.task, CRASHED);
            return Ok((Begin::GivenUp, subject.ended(handle, &job, None, now)?));
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
pub struct Made {
    /// What it is.
    pub build: Build,
    held: Held,
}

/// Holds the object of a package that is about to be stored under its content's name.
///
/// # Errors
/// The store's.
pub async fn hold(reader: &mut Reader<'_>, handle: Handle, build: Build) -> Result<Made, Error> {
    let (held, writes) = task::hold(
        handle,
        keys::binary_object(handle, &build.sha256),
        reader.now(),
    )?;
    change!(reader, { Ok(((), writes.clone())) })?;
    Ok(Made { build, held })
}

/// Ends a job that applied policies: `applied` is the package with them, which must be signed now;
/// `None` where there are none any more. `beside` are the writes of the published document, which
/// belong into the same transaction. Gives whether this call ended it.
///
/// # Errors
/// The store's.
pub async fn finish_applied(
    reader: &mut Reader<'_>,
    handle: Handle,
    guid: &Guid,
    applied: Option<&Made>,
    beside: &[Write],
) -> Result<bool, Error> {
    end(reader, handle, guid, applied, beside, |version, _| {
        let work = work_of(version);
        work.status = if applied.is_some() {
            WrapStatus::NotSigned
        } else {
            WrapStatus::None
        };
        work.reason = None;
        work.applied = applied.map(|made| made.build.clone());
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
    handle: Handle,
    guid: &Guid,
    signed: &Made,
    signer: &str,
    beside: &[Write],
) -> Result<bool, Error> {
    end(
        reader,
        handle,
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
            let work = work_of(version);
            work.original.get_or_insert(uploaded);
            work.signer = Some(signer.to_owned());
            if work.status == WrapStatus::NotSigned {
                work.status = WrapStatus::Signed;
            }
            if let Task::Sign { credential } = task {
                work.signing = Some(Signing {
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
    handle: Handle,
    guid: &Guid,
    reason: &str,
) -> Result<bool, Error> {
    end(reader, handle, guid, None, &[], |version, task| {
        failed(work_of(version), task, reason)
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
    handle: Handle,
    guid: &Guid,
) -> Result<Option<bool>, Error> {
    let now = reader.now();
    let Some(job) = reader.get::<Job>(&keys::job(handle, guid)).await? else {
        return Ok(Some(false));
    };
    if job
        .value
        .since
        .is_some_and(|since| since.plus_seconds(ATTEMPT_SECONDS) > now)
    {
        return Ok(None);
    }
    fail(reader, handle, guid, LOST).await.map(Some)
}

fn work_of(version: &mut Version) -> &mut Work {
    version.work.get_or_insert_with(Box::default)
}

/// How a version stands after a job failed.
fn failed(work: &mut Work, task: &Task, reason: &str) {
    match task {
        Task::Apply => {
            work.status = WrapStatus::Error;
            work.reason = Some(reason.to_owned());
            // What is in it are policies that nobody wants any more.
            work.applied = None;
        }
        Task::Sign { credential } => {
            let details = reason.chars().take(DETAILS_LIMIT).collect();
            work.signing = Some(Signing {
                status: SigningStatus::Error,
                details,
                credential: credential.clone(),
            });
        }
    }
}

async fn end(
    reader: &mut Reader<'_>,
    handle: Handle,
    guid: &Guid,
    made: Option<&Made>,
    beside: &[Write],
    to: impl Fn(&mut Version, &Task) + Send + Sync,
) -> Result<bool, Error> {
    let now = reader.now();
    change!(reader, {
        let Some(job) = reader.get::<Job>(&keys::job(handle, guid)).await? else {
            return Ok((false, Vec::new()));
        };
        let Some(mut subject) = Subject::of(reader, handle, &job.value).await? else {
            return Ok((false, vec![job.remove()]));
        };
        to(subject.version(), &job.value.task);
        let mut writes = subject.ended(handle, &job, made, now)?;
        writes.extend_from_slice(beside);
        Ok((true, writes))
    })
}

/// The version that a job is the present one of.
struct Subject {
    card: Stored<AppCard>,
    binary: Stored<Binary>,
    at: usize,
    before: Version,
}

impl Subject {
    /// `None` for a job that was overtaken: by another, by a deleted app or binary, by newer
    /// versions.
    async fn of(reader: &mut Reader<'_>, handle: Handle, job: &Job) -> Result<Option<Self>, Error> {
        let Some(kind) = job.binary.kind() else {
            return Ok(None);
        };
        let app = job.binary.item();
        let (card_key, binary_key) = (keys::app_card(handle, app), keys::binary(handle, app, kind));
        reader
            .fetch_missing(&[card_key.clone(), binary_key.clone()])
            .await?;
        let Some(card) = reader.get::<AppCard>(&card_key).await? else {
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
            .work
            .as_ref()
            .is_some_and(|work| work.job.as_ref() == Some(&job.guid));
        Ok(present.then_some(Self {
            card,
            binary,
            at,
            before,
        }))
    }

    fn version(&mut self) -> &mut Version {
        &mut self.binary.value.versions[self.at]
    }

    fn work(&mut self) -> &mut Work {
        work_of(self.version())
    }

    /// The writes that end its job, with what was changed of the version.
    fn ended(
        mut self,
        handle: Handle,
        job: &Stored<Job>,
        made: Option<&Made>,
        now: Timestamp,
    ) -> Result<Vec<Write>, Error> {
        self.work().job = None;
        let version = self.version().clone();
        let mut writes = rewritten(handle, &mut self.card, &version, &job.value.by_name, now)?;
        writes.push(self.binary.replace()?);
        writes.push(job.remove());
        let held = made.map(|made| &made.held);
        writes.extend(counted(handle, &self.before, &version, held, now)?);
        writes.extend(held.map(|held| Write::Delete(held.chore.clone(), Condition::Present)));
        Ok(writes)
    }
}

/// The writes of a card that shows how the work on one of its versions stands.
///
/// # Errors
/// Internal.
pub fn rewritten(
    handle: Handle,
    card: &mut Stored<AppCard>,
    version: &Version,
    by: &str,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let before = card.value.clone();
    let mut shown = card
        .value
        .binaries
        .iter_mut()
        .flat_map(|binary| &mut binary.versions);
    if let Some(shown) = shown.find(|shown: &&mut VersionCard| shown.guid == version.guid) {
        shown.work = version.work.as_deref().map(WorkCard::of);
    }
    app::rewritten(handle, &before, card, by, now)
}

/// The counts of objects that change when a version does: one write per object. What was held is
/// counted already.
///
/// # Errors
/// Internal.
pub fn counted(
    handle: Handle,
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
        .for_each(|sha256| count(keys::binary_object(handle, sha256), 1));
    before
        .objects()
        .into_iter()
        .for_each(|sha256| count(keys::binary_object(handle, sha256), -1));
    if let Some(held) = held {
        count(held.name.clone(), -1);
    }
    let mut writes = Vec::new();
    for (name, by) in counts.into_iter().filter(|(_, by)| *by != 0) {
        writes.push(task::count_object(handle, &name, by));
        if by < 0 {
            writes.push(task::chore(now, &Chore::Object { handle, name })?);
        }
    }
    Ok(writes)
}

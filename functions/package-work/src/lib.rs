//! The function that works on packages: it applies policies and signs. Triggered by the table's
//! stream, once or more for each job that was asked for, and isolated from everything else.
//!
//! The job's record says what is left to do. What is wrong with a package or a credential ends the
//! job with a reason, which the app shows; only a failure of ours is an error, which makes the
//! platform deliver again.

use document::Document;
use packages::{Refused, WrittenPackage};
use serde::Serialize;
use shared::base::error::Error;
use shared::base::id::{BinaryType, Guid, TenantId};
use shared::domain::app_policies::job::Begin;
use shared::domain::app_policies::{job, signing_credential};
use shared::domain::events::expiry;
use shared::model::apps::app::Version;
use shared::model::apps::processing::{Job, ProcessingTask};
use shared::model::credentials::signing_credential::SigningCredential;
use shared::model::people::tenant::Tenant;
use shared::services::context::Context;
use shared::services::sealing::DataKey;
use shared::store::keys;
use shared::store::record::{Reader, Stored};

mod document;

mod event;

mod packages;

/// What became of an event's jobs.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// How many were done.
    pub done: usize,
    /// How many ended in an error that their app shows.
    pub failed: usize,
    /// How many needed nothing.
    pub ended: usize,
}

/// Does every job that the event names. One that fails does not keep the others from being done.
///
/// # Errors
/// The last failure of ours; internal for an event that is none of a stream.
pub async fn handle(context: Context, event: serde_json::Value) -> Result<Done, Error> {
    let mut done = Done::default();
    let mut failure = None;
    for (tenant_id, guid) in event::jobs(event)? {
        match process(&context, tenant_id, &guid).await {
            Ok(Outcome::Done) => {
                done.done += 1;
                tracing::info!(job = %guid, "done");
            }
            Ok(Outcome::Failed(reason)) => {
                done.failed += 1;
                tracing::info!(job = %guid, reason, "failed");
            }
            Ok(Outcome::Ended) => done.ended += 1,
            Err(error) => {
                tracing::error!(
                    job = %guid,
                    %error,
                    cause = error.cause.as_deref().unwrap_or_default(),
                    "working failed"
                );
                failure = Some(error);
            }
        }
    }
    match failure {
        None => Ok(done),
        Some(error) => Err(error),
    }
}

/// The same for whoever has the folder of temporary files for himself and does one event at a time:
/// empties it first.
///
/// # Errors
/// As [`handle`]; internal for what cannot be removed.
pub async fn handle_alone(context: Context, event: serde_json::Value) -> Result<Done, Error> {
    for left in std::fs::read_dir(std::env::temp_dir()).map_err(Error::internal)? {
        let left = left.map_err(Error::internal)?;
        let is_folder = left.file_type().map_err(Error::internal)?.is_dir();
        let removed = if is_folder {
            std::fs::remove_dir_all(left.path())
        } else {
            std::fs::remove_file(left.path())
        };
        removed.map_err(Error::internal)?;
    }
    handle(context, event).await
}

enum Outcome {
    Done,
    Failed(String),
    Ended,
}

/// What a job made of its version, before it is told to anybody.
enum Finished {
    Applied(Option<WrittenPackage>, Box<Document>),
    /// With the credential.
    Signed(WrittenPackage, SigningCredential),
}

async fn process(context: &Context, tenant_id: TenantId, guid: &Guid) -> Result<Outcome, Error> {
    let (job, version) = match job::begin(&mut reader(context), tenant_id, guid).await? {
        Begin::Do(job, version) => (job, version),
        Begin::GivenUp => return Ok(Outcome::Failed(job::CRASHED.to_owned())),
        Begin::Ended => return Ok(Outcome::Ended),
    };
    let Some(kind) = job.binary.kind() else {
        return Err(Error::internal("a job on no binary"));
    };
    tracing::info!(
        job = %guid,
        app = %job.binary,
        version = %job.version,
        task = task_name(&job.task),
        attempt = job.attempts,
        "begun"
    );
    let finished = match &job.task {
        ProcessingTask::Apply => apply(context, tenant_id, kind, &job, &version).await?,
        ProcessingTask::Sign { credential } => {
            sign(context, tenant_id, kind, credential, &job, &version).await?
        }
    };
    // The reading of now: what was read before the work may have changed since.
    let mut reader = reader(context);
    let ended = match finished {
        Err(Refused(reason)) => {
            let ended = job::fail(&mut reader, tenant_id, guid, &reason).await?;
            return Ok(if ended {
                Outcome::Failed(reason)
            } else {
                Outcome::Ended
            });
        }
        Ok(Finished::Applied(made, document)) => {
            let made = match made {
                Some(made) => Some(store(context, &mut reader, tenant_id, kind, made).await?),
                None => None,
            };
            job::finish_applied(
                &mut reader,
                tenant_id,
                guid,
                made.as_ref(),
                &[document.publish()?],
            )
            .await?
        }
        Ok(Finished::Signed(made, by)) => {
            let made = store(context, &mut reader, tenant_id, kind, made).await?;
            let watched = expiry::watch_signed(
                tenant_id,
                job.binary,
                &job.version,
                &by.fingerprint,
                by.expires,
                reader.now(),
            )?;
            job::finish_signed(
                &mut reader,
                tenant_id,
                guid,
                &made,
                &by.fingerprint,
                &[watched],
            )
            .await?
        }
    };
    Ok(if ended { Outcome::Done } else { Outcome::Ended })
}

fn reader(context: &Context) -> Reader<'_> {
    Reader::new(&*context.table, context.clock.now())
}

fn task_name(task: &ProcessingTask) -> &'static str {
    match task {
        ProcessingTask::Apply => "apply",
        ProcessingTask::Sign { .. } => "sign",
    }
}

/// Stores what was made under its content's name, held until the job's end takes it over.
async fn store(
    context: &Context,
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    kind: BinaryType,
    made: WrittenPackage,
) -> Result<job::BuiltPackage, Error> {
    let name = keys::binary_object(tenant_id, &made.build.sha256);
    let held = job::hold(reader, tenant_id, made.build).await?;
    context
        .objects()?
        .put_file(&name, kind.content_type(), made.file.path())
        .await?;
    reader.forget();
    Ok(held)
}

/// Puts the document of the version's policies into its package: into what was uploaded, never into
/// what was made here before. Without policies the document alone is made: what is installed is to
/// let go of those that it has.
async fn apply(
    context: &Context,
    tenant_id: TenantId,
    kind: BinaryType,
    job: &Job,
    version: &Version,
) -> Result<Result<Finished, Refused>, Error> {
    let key = data_key(context, tenant_id).await?;
    let document = Document::signed(context, tenant_id, &key, job, version).await?;
    if version
        .processing
        .as_ref()
        .is_none_or(|processing| processing.policies.is_empty())
    {
        return Ok(Ok(Finished::Applied(None, Box::new(document))));
    }
    let source = packages::fetch(context, tenant_id, version.uploaded()).await?;
    let made = match packages::insert(source, kind, document.files.clone()).await? {
        Ok(made) => made.of(version).await?,
        Err(refused) => Err(refused),
    };
    Ok(made.map(|made| Finished::Applied(Some(made), Box::new(document))))
}

async fn data_key(context: &Context, tenant_id: TenantId) -> Result<DataKey, Error> {
    let tenant: Option<Stored<Tenant>> = reader(context).get(&keys::tenant(tenant_id)).await?;
    let tenant = tenant.ok_or_else(|| Error::internal("a job of no tenant"))?;
    context
        .sealer()?
        .data_key(tenant_id, &tenant.value.data_key)
        .await
}

/// Signs the version's package: that with the policies, where there are some, else what was
/// uploaded.
async fn sign(
    context: &Context,
    tenant_id: TenantId,
    kind: BinaryType,
    credential: &Guid,
    job: &Job,
    version: &Version,
) -> Result<Result<Finished, Refused>, Error> {
    let key = data_key(context, tenant_id).await?;
    let Some((found, material)) =
        signing_credential::open(&mut reader(context), tenant_id, &key, credential).await?
    else {
        return Ok(Err(Refused(
            "unknown_credential: the signing credential was deleted".to_owned(),
        )));
    };
    let processing = version.processing.as_deref();
    let source = match processing.and_then(|processing| processing.applied.as_ref()) {
        Some(applied) => applied.clone(),
        None if processing.is_some_and(|processing| !processing.policies.is_empty()) => {
            return Ok(Err(Refused(
                "not_applied: the policies of this version are not in a package yet".to_owned(),
            )));
        }
        None => version.uploaded(),
    };
    let source = packages::fetch(context, tenant_id, source).await?;
    let made = match packages::sign(source, kind, material, job.created).await? {
        Ok(made) => made.of(version).await?,
        Err(refused) => Err(refused),
    };
    Ok(made.map(|made| Finished::Signed(made, found)))
}

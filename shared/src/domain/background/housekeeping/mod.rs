//! Work that is done later: objects that nothing points at any more, uploads that were never
//! finished. One file for each kind of task.
//!
//! A task is written in the transaction that makes it necessary and removed in the one that does
//! it, so that neither a crash nor a second run loses or repeats one.

mod abandoned;
mod alerts;
mod expiry;
mod file;
mod job;
mod object;
mod parts;
mod release;
mod run;
mod upload;

use serde::Serialize;

use crate::base::error::Error;
use crate::domain::background::task::{BackgroundTask, Ended};
use crate::model::task::Task;
use crate::services::context::Context;
use crate::store::record::Stored;
use crate::store::{Condition, Item, Query, Write, keys};
use run::Run;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Objects removed from the bucket.
    pub objects: usize,
    /// Uploads ended.
    pub uploads: usize,
    /// Uploaded files removed that nothing used.
    pub files: usize,
    /// Deleted apps, and objects that nothing took over, whose references were taken back.
    pub releases: usize,
    /// Jobs ended that nobody did.
    pub jobs: usize,
    /// Deleted apps of which nothing is left.
    pub apps: usize,
    /// Alerts of deleted apps that were removed.
    pub alerts: usize,
    /// Warnings that something of a version expires.
    pub warnings: usize,
}

/// Does every task that is due. Any number of runs at once do it once.
///
/// Its failure is the last error of the store or the bucket, after all other tasks were tried; a
/// page of tasks that cannot be read ends the run.
#[derive(Clone, Copy, Debug)]
pub struct Housekeeping;

impl BackgroundTask for Housekeeping {
    const NAME: &'static str = "housekeeping";
    type Report = Done;

    async fn run(&self, context: &Context) -> Ended<Done> {
        let mut report = Done::default();
        let failure = all(context, &mut report).await.err();
        Ended { report, failure }
    }
}

async fn all(context: &Context, done: &mut Done) -> Result<(), Error> {
    let run = Run {
        table: &*context.table,
        objects: context.objects()?,
        now: context.clock.now(),
    };
    let mut failure = None;
    for shard in 0..keys::SHARDS {
        let mut query = Query::all(keys::tasks(shard));
        'pages: loop {
            let page = run.table.query(&query).await?;
            for item in page.items {
                if item.key.sk >= keys::tasks_due(run.now.plus_seconds(1)) {
                    break 'pages;
                }
                if let Err(error) = one(&run, item, done).await {
                    tracing::error!(
                        cause = error.cause.as_deref().unwrap_or_default(),
                        %error,
                        "a chore failed"
                    );
                    failure = Some(error);
                }
            }
            if page.next.is_none() {
                break;
            }
            query.after = page.next;
        }
    }
    failure.map_or(Ok(()), Err)
}

async fn one(run: &Run<'_>, item: Item, done: &mut Done) -> Result<(), Error> {
    let found = Stored::<Task>::parse(item)?;
    let task = Write::Delete(found.key.clone(), Condition::Present);
    let (did, how_many) = match &found.value {
        Task::Object { tenant_id, name } => (
            &mut done.objects,
            usize::from(object::remove(run, *tenant_id, name, task).await?),
        ),
        Task::Upload { tenant_id, upload } => (
            &mut done.uploads,
            usize::from(upload::expire(run, *tenant_id, upload, task).await?),
        ),
        Task::Abandoned {
            tenant_id, files, ..
        } => {
            return abandoned::take_back(run, *tenant_id, files, task).await;
        }
        Task::File { tenant_id, name } => (
            &mut done.files,
            usize::from(file::remove(run, *tenant_id, name, task).await?),
        ),
        Task::Job { tenant_id, job } => (
            &mut done.jobs,
            usize::from(job::end_lost(run, *tenant_id, job, task).await?),
        ),
        Task::Expiry(watched) => (
            &mut done.warnings,
            usize::from(expiry::record_expiry(run, watched, task).await?),
        ),
        Task::Parts { tenant_id, app } => (
            &mut done.apps,
            usize::from(parts::remove(run, *tenant_id, *app, task).await?),
        ),
        Task::Alerts { tenant_id, app } => (
            &mut done.alerts,
            alerts::remove(run, *tenant_id, *app, task).await?,
        ),
        Task::Release {
            tenant_id,
            objects,
            aliases,
        } => (
            &mut done.releases,
            usize::from(release::take_back(run, *tenant_id, objects, aliases, task).await?),
        ),
    };
    *did += how_many;
    Ok(())
}

//! Work that is done later: objects that nothing points at any more, uploads that were never
//! finished. One file for each kind of chore.
//!
//! A chore is written in the transaction that makes it necessary and removed in the one that does
//! it, so that neither a crash nor a second run loses or repeats one.

mod abandoned;
mod alerts;
mod expiry;
mod file;
mod job;
mod object;
mod parts;
mod release;
mod upload;
mod work;

use serde::Serialize;

use crate::base::error::Error;
use crate::domain::background::task::{BackgroundTask, Ended};
use crate::model::task::Chore;
use crate::services::context::Context;
use crate::store::record::Stored;
use crate::store::{Condition, Item, Query, Write, keys};
use work::Work;

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

/// Does every chore that is due. Any number of runs at once do it once.
///
/// Its failure is the last error of the store or the bucket, after all other chores were tried; a
/// page of chores that cannot be read ends the run.
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
    let work = Work {
        table: &*context.table,
        objects: context.objects()?,
        now: context.clock.now(),
    };
    let mut failure = None;
    for shard in 0..keys::SHARDS {
        let mut query = Query::all(keys::chores(shard));
        'pages: loop {
            let page = work.table.query(&query).await?;
            for item in page.items {
                if item.key.sk >= keys::chores_due(work.now.plus_seconds(1)) {
                    break 'pages;
                }
                if let Err(error) = one(&work, item, done).await {
                    tracing::error!(cause = error.cause.as_deref().unwrap_or_default(), %error, "a chore failed");
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

async fn one(work: &Work<'_>, item: Item, done: &mut Done) -> Result<(), Error> {
    let found = Stored::<Chore>::parse(item)?;
    let chore = Write::Delete(found.key.clone(), Condition::Present);
    let (did, how_many) = match &found.value {
        Chore::Object { handle, name } => (
            &mut done.objects,
            usize::from(object::remove(work, *handle, name, chore).await?),
        ),
        Chore::Upload { handle, upload } => (
            &mut done.uploads,
            usize::from(upload::expire(work, *handle, upload, chore).await?),
        ),
        Chore::Abandoned { handle, files, .. } => {
            return abandoned::take_back(work, *handle, files, chore).await;
        }
        Chore::File { handle, name } => (
            &mut done.files,
            usize::from(file::remove(work, *handle, name, chore).await?),
        ),
        Chore::Job { handle, job } => (
            &mut done.jobs,
            usize::from(job::end_lost(work, *handle, job, chore).await?),
        ),
        Chore::Expiry(watched) => (
            &mut done.warnings,
            usize::from(expiry::tell(work, watched, chore).await?),
        ),
        Chore::Parts { handle, app } => (
            &mut done.apps,
            usize::from(parts::remove(work, *handle, *app, chore).await?),
        ),
        Chore::Alerts { handle, app } => (
            &mut done.alerts,
            alerts::remove(work, *handle, *app, chore).await?,
        ),
        Chore::Release {
            handle,
            objects,
            aliases,
        } => (
            &mut done.releases,
            usize::from(release::take_back(work, *handle, objects, aliases, chore).await?),
        ),
    };
    *did += how_many;
    Ok(())
}

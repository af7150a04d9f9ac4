//! What a background task is, and how it is run: each keeps when it ran last and what it did.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;

use crate::base::error::Error;
use crate::model::task_run::TaskRun;
use crate::services::context::Context;
use crate::store::{Condition, Write, keys, record};

/// Work that runs by a schedule.
pub trait BackgroundTask: Sync {
    /// By what its record and its lines in the log are told from those of others.
    const NAME: &'static str;
    /// How many of what a run did: a structure of numbers.
    type Report: Debug + Default + PartialEq + Serialize + Send;

    /// Does what is due. What failed does not stop the rest.
    fn run(&self, context: &Context) -> impl Future<Output = Ended<Self::Report>> + Send;
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended<R> {
    /// What it did, even where something else failed.
    pub report: R,
    /// What failed.
    pub failure: Option<Error>,
}

impl<R> Ended<R> {
    /// What it did.
    ///
    /// # Errors
    /// What failed.
    pub fn into_result(self) -> Result<R, Error> {
        self.failure.map_or(Ok(self.report), Err)
    }
}

/// Runs a task, and gives how that ended and the write of its record, which [`keep`] takes: the
/// records of tasks that run together are written together. A run that did something has a line in
/// the log.
///
/// # Errors
/// Internal, for a report that is no structure of numbers.
pub async fn run<T: BackgroundTask>(
    task: &T,
    context: &Context,
) -> Result<(Ended<T::Report>, Write), Error> {
    let started = context.clock.now();
    let ended = task.run(context).await;
    let report = serde_json::to_value(&ended.report).map_err(Error::internal)?;
    if ended.report != T::Report::default() {
        tracing::info!(task = T::NAME, did = %report, "a background task did something");
    }
    let counts: BTreeMap<String, u64> = serde_json::from_value(report).map_err(Error::internal)?;
    let run = TaskRun {
        started,
        ended: context.clock.now(),
        failure: ended.failure.as_ref().map(|error| error.message.clone()),
        counts,
    };
    let write = record::put(keys::task_run(T::NAME), &run, Condition::Always)?;
    Ok((ended, write))
}

/// Keeps the records of runs, in place of those of the runs before.
///
/// # Errors
/// The store's.
pub async fn keep(context: &Context, runs: Vec<Write>) -> Result<(), Error> {
    Ok(context.table.write(runs).await?)
}

/// Runs a task, and keeps its record.
///
/// # Errors
/// What failed in the run; else the store's, where the record could not be kept.
pub async fn run_and_keep<T: BackgroundTask>(
    task: &T,
    context: &Context,
) -> Result<T::Report, Error> {
    let (ended, record) = run(task, context).await?;
    let kept = keep(context, vec![record]).await;
    first(ended.into_result(), kept)
}

/// The result of a run whose record was kept, or was not; of two failures the run's, and the other
/// one stands in the log.
///
/// # Errors
/// See there.
pub fn first<R>(ran: Result<R, Error>, kept: Result<(), Error>) -> Result<R, Error> {
    match (ran, kept) {
        (Err(failure), Err(error)) => {
            tracing::error!(
                %error,
                cause = error.cause.as_deref().unwrap_or_default(),
                "the record of a run was not kept"
            );
            Err(failure)
        }
        (Ok(_), Err(error)) => Err(error),
        (ran, Ok(())) => ran,
    }
}

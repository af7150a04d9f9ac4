//! What runs every minute: the evaluation of alerts, and with the time that it leaves, the look for
//! download spikes.

use std::time::{Duration, Instant};

use crate::base::error::Error;
use crate::domain::background::download_spike::DownloadSpikes;
use crate::domain::background::evaluation::{Done, Evaluation, MAX_MAIL};
use crate::domain::background::task;
use crate::services::context::Context;

/// How long a run looks for download spikes.
const MAX_SPIKE: Duration = Duration::from_secs(8);

/// Evaluates alerts, looks for spikes, which wait for the next minute as other events do, and keeps
/// the records of both. Gives what the evaluation did.
///
/// # Errors
/// What failed first: in the evaluation, in the look for spikes, in keeping the records.
pub async fn run(context: &Context) -> Result<Done, Error> {
    let begun = Instant::now();
    let (evaluated, evaluation) = task::run(&Evaluation, context).await?;
    let spikes = DownloadSpikes {
        time: MAX_MAIL.saturating_sub(begun.elapsed()).min(MAX_SPIKE),
    };
    let (looked, look) = task::run(&spikes, context).await?;
    let kept = task::keep(context, vec![evaluation, look]).await;
    let ran = evaluated.into_result();
    task::first(
        ran.and_then(|done| looked.into_result().map(|_| done)),
        kept,
    )
}

//! Jobs on packages that nobody did.

use super::work::Work;
use crate::base::error::Error;
use crate::base::id::{Guid, Handle};
use crate::domain::app_policies::job;
use crate::store::Write;

/// Ends a job that nobody did; gives whether it had not ended before. Where somebody may still be
/// at it, the chore stays.
///
/// # Errors
/// The store's.
pub(super) async fn end_lost(
    work: &Work<'_>,
    handle: Handle,
    job: &Guid,
    chore: Write,
) -> Result<bool, Error> {
    let Some(ended) = job::lost(&mut work.reader(), handle, job).await? else {
        return Ok(false);
    };
    work.finish(vec![chore]).await?;
    Ok(ended)
}

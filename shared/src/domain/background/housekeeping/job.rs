//! Jobs on packages that nobody did.

use super::run::Run;
use crate::base::error::Error;
use crate::base::id::{Guid, TenantId};
use crate::domain::app_policies::job;
use crate::store::Write;

/// Ends a job that nobody did; gives whether it had not ended before. Where somebody may still be
/// at it, the task stays.
///
/// # Errors
/// The store's.
pub(super) async fn end_lost(
    run: &Run<'_>,
    tenant_id: TenantId,
    job: &Guid,
    task: Write,
) -> Result<bool, Error> {
    let Some(ended) = job::lost(&mut run.reader(), tenant_id, job).await? else {
        return Ok(false);
    };
    run.finish(vec![task]).await?;
    Ok(ended)
}

//! Objects of the bucket that nothing points at any more.

use super::run::Run;
use crate::base::error::Error;
use crate::base::id::TenantId;
use crate::store::{Condition, StoreError, Write, keys};

/// Removes an object where nothing counts it, and the task; gives whether the object went.
///
/// # Errors
/// The store's and the bucket's.
pub(super) async fn remove(
    run: &Run<'_>,
    tenant_id: TenantId,
    name: &str,
    task: Write,
) -> Result<bool, Error> {
    let removed = remove_uncounted(run, tenant_id, name).await?;
    run.finish(vec![task]).await?;
    Ok(removed)
}

/// Removes an object if nothing counts it: first its counter is closed, so that no new reference
/// can come while the bytes go; a crash in between leaves it closed, and the next run goes on.
async fn remove_uncounted(run: &Run<'_>, tenant_id: TenantId, name: &str) -> Result<bool, Error> {
    let key = keys::object(tenant_id, name);
    match run
        .table
        .write(vec![Write::Close(key.clone(), Condition::Uncounted)])
        .await
    {
        Ok(()) => {}
        Err(StoreError::Condition { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    run.objects.delete(name).await?;
    run.finish(vec![Write::Delete(key, Condition::Uncounted)])
        .await
}

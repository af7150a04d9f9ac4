//! Objects of the bucket that nothing points at any more.

use super::work::Work;
use crate::base::error::Error;
use crate::base::id::Handle;
use crate::store::{Condition, StoreError, Write, keys};

/// Removes an object where nothing counts it, and the chore; gives whether the object went.
///
/// # Errors
/// The store's and the bucket's.
pub(super) async fn remove(
    work: &Work<'_>,
    handle: Handle,
    name: &str,
    chore: Write,
) -> Result<bool, Error> {
    let removed = remove_uncounted(work, handle, name).await?;
    work.finish(vec![chore]).await?;
    Ok(removed)
}

/// Removes an object if nothing counts it: first its counter is closed, so that no new reference
/// can come while the bytes go; a crash in between leaves it closed, and the next run goes on.
async fn remove_uncounted(work: &Work<'_>, handle: Handle, name: &str) -> Result<bool, Error> {
    let key = keys::object(handle, name);
    match work
        .table
        .write(vec![Write::Close(key.clone(), Condition::Uncounted)])
        .await
    {
        Ok(()) => {}
        Err(StoreError::Condition { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    work.objects.delete(name).await?;
    work.finish(vec![Write::Delete(key, Condition::Uncounted)])
        .await
}

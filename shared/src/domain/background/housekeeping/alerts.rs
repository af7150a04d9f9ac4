//! Alerts of deleted apps.

use super::work::Work;
use crate::base::error::Error;
use crate::base::id::{AppId, Handle};
use crate::domain::events::alert;
use crate::store::Write;

/// Removes the alerts of a deleted app; gives how many.
///
/// # Errors
/// The store's.
pub(super) async fn remove(
    work: &Work<'_>,
    handle: Handle,
    app: AppId,
    chore: Write,
) -> Result<usize, Error> {
    let removed = alert::remove_of_deleted(work.table, handle, app).await?;
    work.finish(vec![chore]).await?;
    Ok(removed)
}

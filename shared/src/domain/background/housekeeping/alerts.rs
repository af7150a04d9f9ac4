//! Alerts of deleted apps.

use super::run::Run;
use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::domain::events::alert;
use crate::store::Write;

/// Removes the alerts of a deleted app; gives how many.
///
/// # Errors
/// The store's.
pub(super) async fn remove(
    run: &Run<'_>,
    tenant_id: TenantId,
    app: AppId,
    task: Write,
) -> Result<usize, Error> {
    let removed = alert::remove_of_deleted(run.table, tenant_id, app).await?;
    run.finish(vec![task]).await?;
    Ok(removed)
}

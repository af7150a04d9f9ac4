//! Uploads that were never finished.

use super::run::Run;
use crate::base::error::Error;
use crate::base::id::{Guid, TenantId};
use crate::model::apps::upload::{EXPIRED, Upload, UploadState};
use crate::store::record::Stored;
use crate::store::{Write, keys};

/// Ends an upload whose time is over and clears its bytes; gives whether it had not ended before.
///
/// # Errors
/// The store's and the bucket's.
pub(super) async fn expire(
    run: &Run<'_>,
    tenant_id: TenantId,
    upload: &Guid,
    task: Write,
) -> Result<bool, Error> {
    let mut reader = run.reader();
    let found: Option<Stored<Upload>> = reader.get(&keys::upload(tenant_id, upload)).await?;
    let Some(mut found) = found else {
        return run.finish(vec![task]).await;
    };
    let live = matches!(
        found.value.state,
        UploadState::Waiting | UploadState::Reading
    );
    if live && found.value.deadline() > run.now {
        // Not yet: the task stays, and sorts before what is due later; runs are hours apart.
        return Ok(false);
    }
    if let Some(parts) = &found.value.parts_id {
        run.objects
            .abort_parts(&keys::incoming_object(tenant_id, upload), parts)
            .await?;
    }
    run.objects
        .delete(&keys::incoming_object(tenant_id, upload))
        .await?;
    let mut writes = vec![task];
    if live {
        found.value.state = UploadState::Expired;
        found.value.reason = Some(EXPIRED.to_owned());
        writes.push(found.replace()?);
    }
    run.finish(writes).await?;
    Ok(live)
}

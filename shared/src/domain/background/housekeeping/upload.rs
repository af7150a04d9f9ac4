//! Uploads that were never finished.

use super::work::Work;
use crate::base::error::Error;
use crate::base::id::{Guid, Handle};
use crate::model::apps::upload::{EXPIRED, State, Upload};
use crate::store::record::Stored;
use crate::store::{Write, keys};

/// Ends an upload whose time is over and clears its bytes; gives whether it had not ended before.
///
/// # Errors
/// The store's and the bucket's.
pub(super) async fn expire(
    work: &Work<'_>,
    handle: Handle,
    upload: &Guid,
    chore: Write,
) -> Result<bool, Error> {
    let mut reader = work.reader();
    let found: Option<Stored<Upload>> = reader.get(&keys::upload(handle, upload)).await?;
    let Some(mut found) = found else {
        return work.finish(vec![chore]).await;
    };
    let live = matches!(found.value.state, State::Waiting | State::Reading);
    if live && found.value.deadline() > work.now {
        // Not yet: the chore stays, and sorts before what is due later; runs are hours apart.
        return Ok(false);
    }
    if let Some(parts) = &found.value.parts_id {
        work.objects
            .abort_parts(&keys::incoming_object(handle, upload), parts)
            .await?;
    }
    work.objects
        .delete(&keys::incoming_object(handle, upload))
        .await?;
    let mut writes = vec![chore];
    if live {
        found.value.state = State::Expired;
        found.value.reason = Some(EXPIRED.to_owned());
        writes.push(found.replace()?);
    }
    work.finish(writes).await?;
    Ok(live)
}

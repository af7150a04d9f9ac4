//! What of versions expires.

use super::run::Run;
use crate::base::error::Error;
use crate::domain::events::expiry;
use crate::model::task::Watched;
use crate::store::{StoreError, Write};

/// Tells that something of a version expires; gives whether it was told.
///
/// # Errors
/// The store's.
pub(super) async fn record_expiry(
    run: &Run<'_>,
    watched: &Watched,
    task: Write,
) -> Result<bool, Error> {
    let (is_recorded, beside) = expiry::due(&mut run.reader(), watched).await?;
    let mut writes = vec![task];
    writes.extend(beside);
    match run.table.write(writes).await {
        Ok(()) => Ok(is_recorded),
        // Another run was first, or the app changed at this moment: the next run sees which.
        Err(StoreError::Condition { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

//! What of versions expires.

use super::work::Work;
use crate::base::error::Error;
use crate::domain::events::expiry;
use crate::model::task::Watched;
use crate::store::{StoreError, Write};

/// Tells that something of a version expires; gives whether it was told.
///
/// # Errors
/// The store's.
pub(super) async fn tell(work: &Work<'_>, watched: &Watched, chore: Write) -> Result<bool, Error> {
    let (is_told, beside) = expiry::due(&mut work.reader(), watched).await?;
    let mut writes = vec![chore];
    writes.extend(beside);
    match work.table.write(writes).await {
        Ok(()) => Ok(is_told),
        // Another run was first, or the app changed at this moment: the next run sees which.
        Err(StoreError::Condition { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

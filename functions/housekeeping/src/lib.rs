//! The scheduled function that does what was left for later: objects that nothing points at,
//! uploads that were never finished, references of deleted apps.

use shared::base::error::Error;
use shared::domain::background::housekeeping;
use shared::domain::background::housekeeping::Done;
use shared::services::context::Context;

/// Does everything that is due. The event says no more than that it is time; two at once do it
/// once.
///
/// # Errors
/// The store's or the bucket's: the platform tries again, and what is left stays due.
pub async fn handle(context: Context, _event: serde_json::Value) -> Result<Done, Error> {
    let done = housekeeping::run(&*context.table, context.objects()?, context.clock.now()).await?;
    tracing::info!(
        objects = done.objects,
        uploads = done.uploads,
        releases = done.releases,
        "housekeeping done"
    );
    Ok(done)
}

//! The scheduled function that holds what happened against the alerts, and mails.

use shared::base::error::Error;
use shared::domain::background::evaluation;
pub use shared::domain::background::evaluation::Done;
use shared::services::context::Context;

/// Does everything that is due. The event says no more than that it is time; two at once do it
/// once.
///
/// # Errors
/// The store's, or unavailable where a notification was given up: what is left stays due, and the
/// next minute's run does it.
pub async fn handle(context: Context, _event: serde_json::Value) -> Result<Done, Error> {
    let done = evaluation::run(&context).await?;
    if done != Done::default() {
        tracing::info!(
            events = done.events,
            notifications = done.notifications,
            mails = done.mails,
            failed = done.failed,
            "alerts were evaluated"
        );
    }
    Ok(done)
}

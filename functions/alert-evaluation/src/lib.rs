//! The scheduled function that holds what happened against the alerts, mails, and looks for
//! download spikes.

use shared::base::error::Error;
pub use shared::domain::background::evaluation::Done;
use shared::domain::background::minute;
use shared::services::context::Context;

/// Does everything that is due. The event says no more than that it is time; two at once do it
/// once.
///
/// # Errors
/// The store's, or unavailable where a notification was given up: what is left stays due, and the
/// next minute's run does it.
pub async fn handle(context: Context, _event: serde_json::Value) -> Result<Done, Error> {
    minute::run(&context).await
}

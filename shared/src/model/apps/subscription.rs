//! Subscriptions of apps.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::Guid;
use crate::store::record::Record;

/// That a user has an app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// The user.
    pub user: Guid,
    /// His name, as it was then.
    pub username: String,
    /// When he subscribed or installed last, or ended it.
    pub at: Timestamp,
    /// Whether he ended it. The record stays: without it the list would look unchanged to whoever
    /// asks by a date.
    #[serde(default)]
    pub ended: bool,
}

impl Record for Subscription {
    const KIND: &'static str = "subscription";
}

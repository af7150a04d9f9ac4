//! Notifications: what an alert heard, and how its mail fared.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::environment::Environment;
use crate::base::id::{AppId, Guid};
use crate::model::events::event::{Event, RETENTION_SECONDS};
use crate::store::record::Record;

/// Where the mail of a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// The run that made it still adds events.
    Collecting,
    /// It waits for its first try, or its next one after one that failed.
    Waiting,
    /// A run is mailing it, or died while it did.
    Sending,
    /// The mail service has taken it.
    Sent,
    /// It was tried for a day and given up.
    Failed,
}

/// A mail because of an alert: one event, or a digest of several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Its guid; also the `Message-ID` of its mail.
    pub guid: Guid,
    /// The alert.
    pub alert: Guid,
    /// The alert's name, as it was then.
    pub alert_name: String,
    /// The app.
    pub app: AppId,
    /// The app's name, as it was then.
    pub app_name: String,
    /// The alert's environment.
    pub env: Environment,
    /// Who is mailed.
    pub recipients: Vec<String>,
    /// The events that it lists.
    pub events: Vec<Event>,
    /// How many more there were than it lists.
    pub more: u32,
    /// Where its mail stands.
    pub delivery: Delivery,
    /// How often it was tried.
    pub tries: u32,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Since when.
    pub created: Timestamp,
    /// When it was changed last.
    pub modified: Timestamp,
}

impl Record for Notification {
    const KIND: &'static str = "notification";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.created.plus_seconds(RETENTION_SECONDS))
    }
}

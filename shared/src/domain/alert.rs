//! Alerts: who is mailed when something happens to an app (003 chapter 4).

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::domain::environment::Environment;
use crate::domain::event::{Category, Event, NAMES, Severity};
use crate::id::{AppId, Guid};
use crate::records::Record;

/// An alert. A list that is empty means any; at least one of the three is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its guid.
    pub guid: Guid,
    /// What its makers call it.
    pub name: String,
    /// The app; `None` for every app of the tenant.
    pub app: Option<AppId>,
    /// The environment.
    pub env: Environment,
    /// Who is mailed.
    pub emails: Vec<String>,
    /// Whether anybody is.
    pub enabled: bool,
    /// The categories that it hears of.
    pub categories: Vec<Category>,
    /// The severities.
    pub severities: Vec<Severity>,
    /// The names of events, each one of [`NAMES`].
    pub names: Vec<String>,
    /// Since when.
    pub created: Timestamp,
    /// When it was changed last.
    pub modified: Timestamp,
}

impl Record for Alert {
    const KIND: &'static str = "alert";
}

impl Alert {
    /// Whether it hears of that event: OR within a list, AND across the three. What happens in every environment is heard in each.
    /// A category or severity counts as it was told and as the event's name has it, so that an alert by the table of names
    /// misses nothing.
    pub fn hears(&self, event: &Event) -> bool {
        let known = NAMES.iter().find(|known| known.name == event.name);
        let category = |category: &Category| *category == event.category || known.is_some_and(|known| known.category == *category);
        let severity = |severity: &Severity| *severity == event.severity || known.is_some_and(|known| known.severity == *severity);
        let named = self.names.iter().any(|name| *name == event.name || event.finer.as_ref() == Some(name));
        self.enabled
            && self.app.is_none_or(|app| app == event.app)
            && event.env.as_ref().is_none_or(|env| *env == self.env)
            && (self.categories.is_empty() || self.categories.iter().any(category))
            && (self.severities.is_empty() || self.severities.iter().any(severity))
            && (named || (self.names.is_empty() && !known.is_some_and(|known| known.on_request)))
    }
}

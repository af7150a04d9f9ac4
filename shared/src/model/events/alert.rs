//! Alerts.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid};
use crate::model::events::event::{Category, Event, EventName, NAMES, Severity};
use crate::store::record::Record;

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
    /// Whether it hears of that event: OR within a list, AND across the three. What happens in
    /// every environment is heard in each. A category or severity counts as it was told and as the
    /// event's name has it, so that an alert by the table of names misses nothing.
    pub fn hears(&self, event: &Event) -> bool {
        let known = NAMES.iter().find(|known| known.name == event.name);
        let category = |category: &Category| {
            *category == event.category || known.is_some_and(|known| known.category == *category)
        };
        let severity = |severity: &Severity| {
            *severity == event.severity || known.is_some_and(|known| known.severity == *severity)
        };
        let named = self
            .names
            .iter()
            .any(|name| *name == event.name || event.finer.as_ref() == Some(name));
        self.enabled
            && self.app.is_none_or(|app| app == event.app)
            && event.env.as_ref().is_none_or(|env| *env == self.env)
            && (self.categories.is_empty() || self.categories.iter().any(category))
            && (self.severities.is_empty() || self.severities.iter().any(severity))
            && (named || (self.names.is_empty() && !known.is_some_and(|known| known.on_request)))
    }
}

/// Where the alert of a guid is: the record of [`keys::alert_place`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AlertPlace {
    /// Its app; `None` for every app of the tenant.
    pub app: Option<AppId>,
}

impl Record for AlertPlace {
    const KIND: &'static str = "alert-place";
}

/// How many alerts an app has: the item's counter says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AlertCount {}

impl Record for AlertCount {
    const KIND: &'static str = "alert-count";
}

impl Alert {
    /// Refuses an alert that hears of everything, or of a name that its other filters shut out.
    pub(crate) fn fits(&self) -> Result<(), Error> {
        if self.categories.is_empty() && self.severities.is_empty() && self.names.is_empty() {
            return Err(Error::invalid(Code::InvalidEventCategories.with(
                "set at least one of eventCategories, eventSeverities and eventNames",
            )));
        }
        for name in self.names.iter().filter_map(|name| EventName::parse(name)) {
            let misfit = |what: &str, of: &dyn Display, field: &str| {
                Err(Error::invalid(Code::InvalidEventNames.with(format!(
                    "{} is of the {what} {of}, which is not among {field}",
                    name.name
                ))))
            };
            if !self.categories.is_empty() && !self.categories.contains(&name.category) {
                return misfit("category", &name.category, "eventCategories");
            }
            if !self.severities.is_empty() && !self.severities.contains(&name.severity) {
                return misfit("severity", &name.severity, "eventSeverities");
            }
        }
        Ok(())
    }
}

//! What answers show.

use serde::Serialize;
use shared::base::environment::Environment;
use shared::base::id::Guid;
use shared::domain::events::alert;
use shared::model::events::alert::Alert;
use shared::model::events::event::{Category, EventName, NAMES, Severity};

/// An alert (003 4.1 to 4.4): its lists are texts with commas between their words.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertView {
    alert_name: String,
    emails: String,
    enabled: bool,
    env: Environment,
    event_categories: String,
    event_names: String,
    event_severities: String,
    guid: Guid,
    sys_created: String,
    sys_modified: String,
    uid: String,
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        let categories: Vec<&str> = alert
            .categories
            .iter()
            .map(|category| category.as_str())
            .collect();
        let severities: Vec<&str> = alert
            .severities
            .iter()
            .map(|severity| severity.as_str())
            .collect();
        Self {
            alert_name: alert.name,
            emails: alert.emails.join(", "),
            enabled: alert.enabled,
            env: alert.env,
            event_categories: categories.join(","),
            event_names: alert.names.join(","),
            event_severities: severities.join(","),
            guid: alert.guid,
            sys_created: alert.created.plain(),
            sys_modified: alert.modified.plain(),
            uid: alert::app_text(alert.app),
        }
    }
}

/// A name of events with the one category and severity that it fits.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NameView {
    name: &'static str,
    category: Category,
    severity: Severity,
    /// Whether no document has it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    own: bool,
    /// The documented name that says the same less exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    refines: Option<&'static str>,
    /// Whether only alerts that name it hear of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    on_request: bool,
}

impl From<&'static EventName> for NameView {
    fn from(name: &'static EventName) -> Self {
        let EventName {
            name,
            category,
            severity,
            refines,
            on_request,
        } = *name;
        Self {
            name,
            category,
            severity,
            own: refines.is_some() || on_request,
            refines,
            on_request,
        }
    }
}

/// One of a list to choose from, as the studio reads it.
#[derive(Serialize)]
struct Choice {
    name: &'static str,
}

/// What the filters of alerts may say.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Options {
    event_categories: Vec<Choice>,
    event_severities: Vec<Choice>,
    event_names: Vec<NameView>,
    recipients_limit: usize,
    alerts_limit: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            event_categories: Category::ALL
                .iter()
                .map(|category| Choice {
                    name: category.as_str(),
                })
                .collect(),
            event_severities: Severity::ALL
                .iter()
                .map(|severity| Choice {
                    name: severity.as_str(),
                })
                .collect(),
            event_names: NAMES.iter().map(NameView::from).collect(),
            recipients_limit: alert::MAX_RECIPIENTS,
            alerts_limit: alert::MAX_ALERTS,
        }
    }
}

//! Events: their names, categories and severities.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::clock::Timestamp;
use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::model::apps::app::App;
use crate::store::record::Record;

/// How long events are kept, in seconds: 90 days.
pub const RETENTION_SECONDS: i64 = 90 * 24 * 3_600;

/// A category of events (003 4.2).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::VariantNames,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_category)]
#[allow(missing_docs, reason = "the document's own names")]
pub enum Category {
    AppState,
    AppEnvironment,
    AppResources,
    DynoResources,
    DynoState,
    DynoConfig,
    DynoAccess,
}

impl Category {
    /// All of them.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The document's name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn unknown_category(_: &str) -> Error {
    Error::invalid(format!(
        "category is one of {}",
        <Category as strum::VariantNames>::VARIANTS.join(", ")
    ))
}

/// How bad an event is (003 4.2).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::VariantNames,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_severity)]
#[allow(missing_docs, reason = "the document's own names")]
pub enum Severity {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The document's name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn unknown_severity(_: &str) -> Error {
    Error::invalid(format!(
        "severity is one of {}",
        <Severity as strum::VariantNames>::VARIANTS.join(", ")
    ))
}

/// A name of events with its one category and severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventName {
    /// The name.
    pub name: &'static str,
    /// Its category.
    pub category: Category,
    /// Its severity.
    pub severity: Severity,
    /// For the names that no document has: which documented name says the same less exactly.
    pub refines: Option<&'static str>,
    /// Whether only alerts that name it hear of it.
    pub on_request: bool,
}

const fn documented(name: &'static str, category: Category, severity: Severity) -> EventName {
    EventName {
        name,
        category,
        severity,
        refines: None,
        on_request: false,
    }
}

const fn refining(
    name: &'static str,
    of: &'static str,
    category: Category,
    severity: Severity,
) -> EventName {
    EventName {
        name,
        category,
        severity,
        refines: Some(of),
        on_request: false,
    }
}

const fn on_request(name: &'static str, category: Category, severity: Severity) -> EventName {
    EventName {
        name,
        category,
        severity,
        refines: None,
        on_request: true,
    }
}

/// Every name of events. The documents name them without a table of categories and severities; of
/// the first group the pairs of `DEPLOYED`, `START_…`, `CRASHED` and `TERMINATED` were seen in the
/// original's answers, the others are ours. Those behind them are our own: finer names of what
/// happens here, and warnings that only alerts hear of which name them.
pub const NAMES: &[EventName] = &[
    documented("START_REQUESTED", Category::AppState, Severity::Info),
    documented("START_SUCCESSFUL", Category::AppState, Severity::Info),
    documented("START_FAILED", Category::AppState, Severity::Error),
    documented("STOP_REQUESTED", Category::AppState, Severity::Info),
    documented("STOP_SUCCESSFUL", Category::AppState, Severity::Info),
    documented("STOP_FAILED", Category::AppState, Severity::Error),
    documented("DEPLOY_REQUESTED", Category::AppState, Severity::Info),
    documented("DEPLOYED", Category::AppState, Severity::Info),
    documented("DEPLOY_FAILED", Category::AppState, Severity::Error),
    documented("CREATE_REQUESTED", Category::AppState, Severity::Info),
    documented("CREATED", Category::AppState, Severity::Info),
    documented("CREATE_FAILED", Category::AppState, Severity::Error),
    documented("DELETE_REQUESTED", Category::AppState, Severity::Info),
    documented("DELETED", Category::AppState, Severity::Warn),
    documented("DELETE_FAILED", Category::AppState, Severity::Error),
    documented("CRASHED", Category::AppState, Severity::Error),
    documented("TERMINATED", Category::AppState, Severity::Fatal),
    documented("SUSPENDED", Category::AppState, Severity::Warn),
    documented("CHANGE_REQUESTED", Category::AppEnvironment, Severity::Info),
    documented(
        "CHANGE_SUCCESSFUL",
        Category::AppEnvironment,
        Severity::Info,
    ),
    documented("CHANGE_FAILED", Category::AppEnvironment, Severity::Error),
    documented("HIGH_MEMORY", Category::AppResources, Severity::Warn),
    documented("HIGH_CPU", Category::AppResources, Severity::Warn),
    documented("STD_ERR_INCREASE", Category::AppResources, Severity::Warn),
    documented("KILLED_RESTARTED", Category::DynoState, Severity::Warn),
    refining(
        "PUBLISHED",
        "START_SUCCESSFUL",
        Category::AppState,
        Severity::Info,
    ),
    refining(
        "UNPUBLISHED",
        "STOP_SUCCESSFUL",
        Category::AppState,
        Severity::Info,
    ),
    refining(
        "UPLOAD_REFUSED",
        "DEPLOY_FAILED",
        Category::AppState,
        Severity::Error,
    ),
    refining(
        "POLICY_APPLIED",
        "CHANGE_SUCCESSFUL",
        Category::AppEnvironment,
        Severity::Info,
    ),
    refining(
        "POLICY_FAILED",
        "CHANGE_FAILED",
        Category::AppEnvironment,
        Severity::Error,
    ),
    refining(
        "SIGNED",
        "CHANGE_SUCCESSFUL",
        Category::AppEnvironment,
        Severity::Info,
    ),
    refining(
        "SIGNING_FAILED",
        "CHANGE_FAILED",
        Category::AppEnvironment,
        Severity::Error,
    ),
    refining(
        "KEY_CREATED",
        "CHANGE_SUCCESSFUL",
        Category::AppEnvironment,
        Severity::Info,
    ),
    refining(
        "KEY_REVOKED",
        "CHANGE_SUCCESSFUL",
        Category::AppEnvironment,
        Severity::Info,
    ),
    refining(
        "ENDPOINT_SECURITY_CHANGED",
        "CHANGE_SUCCESSFUL",
        Category::AppEnvironment,
        Severity::Info,
    ),
    on_request("PROFILE_EXPIRES", Category::AppState, Severity::Warn),
    on_request("CERTIFICATE_EXPIRES", Category::AppState, Severity::Warn),
    on_request("DOWNLOAD_SPIKE", Category::AppResources, Severity::Warn),
];

impl EventName {
    /// The name of that text. `APP_…` before a name and `TERMINIATED` are read too: the documents
    /// write both (003 4.2).
    pub fn parse(text: &str) -> Option<&'static Self> {
        let text = text.strip_prefix("APP_").unwrap_or(text);
        let text = if text == "TERMINIATED" {
            "TERMINATED"
        } else {
            text
        };
        NAMES.iter().find(|name| name.name == text)
    }
}

/// Which list of events an event is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum EventGroup {
    /// What happens to an app.
    Notification,
    /// Who changed what protects it: keys, endpoint security, policies.
    Audit,
}

impl EventGroup {
    /// The document's name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Something that happened to an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its guid. Whoever may tell of the same event twice derives it from what is the same.
    pub guid: Guid,
    /// The app.
    pub app: AppId,
    /// The app's name, as it was then.
    pub app_name: String,
    /// The environment; `None` for what happens to the app in all of them, as everything does that
    /// happens to it here.
    pub env: Option<Environment>,
    /// One of [`NAMES`] that refines no other.
    pub name: String,
    /// The finer name of [`NAMES`], where there is one.
    pub finer: Option<String>,
    /// The category, as it was told.
    pub category: Category,
    /// The severity, as it was told.
    pub severity: Severity,
    /// The list that it is in.
    pub group: EventGroup,
    /// What happened, in a sentence.
    pub message: String,
    /// More of it.
    pub details: Map<String, Value>,
    /// The name of who did it; `System` for nobody.
    pub by: String,
    /// When it was written.
    pub at: Timestamp,
    /// When it happened, by whoever told of it.
    pub happened: Timestamp,
}

impl Record for Event {
    const KIND: &'static str = "event";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.at.plus_seconds(RETENTION_SECONDS))
    }
}

/// Who did what nobody in particular did.
pub const SYSTEM: &str = "System";

impl Event {
    /// An event of that name to an app, in every environment. The name is one of [`NAMES`]; a finer
    /// one stands beside the one that it refines.
    pub fn of(app: &App, name: &'static str, by: &str, message: String, now: Timestamp) -> Self {
        Self::named(app.id, app.name.as_str(), name, by, message, now)
    }

    /// The same for an app of which only id and name are known.
    pub fn named(
        app: AppId,
        app_name: &str,
        name: &'static str,
        by: &str,
        message: String,
        now: Timestamp,
    ) -> Self {
        let known = NAMES
            .iter()
            .find(|known| known.name == name)
            .unwrap_or(&NAMES[0]);
        let audited = [
            "KEY_CREATED",
            "KEY_REVOKED",
            "ENDPOINT_SECURITY_CHANGED",
            "POLICY_APPLIED",
            "POLICY_FAILED",
        ];
        Self {
            guid: Guid::random(),
            app: app.item(),
            app_name: app_name.to_owned(),
            env: None,
            name: known.refines.unwrap_or(known.name).to_owned(),
            finer: known.refines.map(|_| known.name.to_owned()),
            category: known.category,
            severity: known.severity,
            group: if audited.contains(&name) {
                EventGroup::Audit
            } else {
                EventGroup::Notification
            },
            message,
            details: Map::new(),
            by: if by.is_empty() {
                SYSTEM.to_owned()
            } else {
                by.to_owned()
            },
            at: now,
            happened: now,
        }
    }

    /// With that detail.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// In that environment alone.
    pub fn in_environment(mut self, env: Environment) -> Self {
        self.env = Some(env);
        self
    }
}

/// Events of one transaction that were not held against the alerts yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// The tenant.
    #[serde(rename = "handle")]
    pub tenant_id: TenantId,
    /// The events.
    pub events: Vec<Event>,
    /// The alerts that took them already, where they are too many for one transaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Guid>,
}

impl Record for Pending {
    const KIND: &'static str = "pending-event";
}

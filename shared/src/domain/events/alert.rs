//! Alerts: who is mailed when something happens to an app (003 chapter 4).

use std::fmt::Display;
use std::str::FromStr;

use askama::Template;

use crate::base::clock::Timestamp;
use crate::base::code::{Code, ErrorText};
use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::base::id::{AppId, AppRef, Guid, TenantId};
use crate::change;
use crate::domain::events::spike_watch;
use crate::model::apps::app::App;
use crate::model::events::alert::{Alert, AlertCount, AlertPlace};
use crate::model::events::event::{Category, EventName, NAMES, Severity};
use crate::model::task;
use crate::model::task::Task;
use crate::services::mail;
use crate::services::mail::Mail;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Query, StoreError, Table, Write, keys, record};

/// Most alerts of an app, and most of a tenant for all of its apps.
pub const MAX_ALERTS: i64 = 100;

/// Most recipients of an alert.
pub const MAX_RECIPIENTS: usize = 20;

/// Most characters of an alert's name.
pub const MAX_NAME: usize = 200;

/// What stands for every app of the tenant where a request names an app.
pub const EVERY_APP: &str = "*";

/// Whose alerts a request means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// An app's.
    App(AppRef),
    /// Those of every app of the tenant.
    Every,
}

impl Watched {
    /// The app; `None` for every one.
    ///
    /// # Errors
    /// Not found `invalid_guid` for an id of other origin.
    pub fn app(&self) -> Result<Option<AppId>, Error> {
        match self {
            Self::App(app) => app.ours().map(Some),
            Self::Every => Ok(None),
        }
    }
}

/// Written out: one of the two carries the app that its text names.
impl FromStr for Watched {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            EVERY_APP => Ok(Self::Every),
            guid => guid.parse().map(Self::App).map_err(|_| {
                Error::invalid(
                    Code::InvalidGuid
                        .beside("This is not the guid of any alert: it is missing or malformed"),
                )
            }),
        }
    }
}

/// An app as requests and answers name it.
pub fn app_text(app: Option<AppId>) -> String {
    app.map_or_else(|| EVERY_APP.to_owned(), AppId::guid)
}

/// What a request says of an alert, as it was written; `None` for what it does not say.
#[derive(Clone, Debug, Default)]
pub struct AlertInput {
    /// The name.
    pub name: Option<String>,
    /// Who is mailed.
    pub emails: Option<Vec<String>>,
    /// Whether anybody is.
    pub enabled: Option<bool>,
    /// The environment.
    pub env: Option<Environment>,
    /// The categories.
    pub categories: Option<Vec<String>>,
    /// The severities.
    pub severities: Option<Vec<String>>,
    /// The names of events.
    pub names: Option<Vec<String>>,
}

/// The same, each part for itself found valid.
#[derive(Clone, Debug)]
pub struct AlertChanges {
    name: Option<String>,
    emails: Option<Vec<String>>,
    enabled: Option<bool>,
    env: Option<Environment>,
    categories: Option<Vec<Category>>,
    severities: Option<Vec<Severity>>,
    names: Option<Vec<String>>,
}

impl AlertInput {
    /// Judges each part for itself.
    ///
    /// # Errors
    /// Invalid, with words that name the field, what of it is wrong, and what is allowed.
    pub fn checked(self) -> Result<AlertChanges, Error> {
        Ok(AlertChanges {
            name: self.name.as_deref().map(name).transpose()?,
            emails: self.emails.as_deref().map(recipients).transpose()?,
            enabled: self.enabled,
            env: self.env,
            categories: self
                .categories
                .as_deref()
                .map(|words| known("eventCategories", words, Category::ALL))
                .transpose()?,
            severities: self
                .severities
                .as_deref()
                .map(|words| known("eventSeverities", words, Severity::ALL))
                .transpose()?,
            names: self.names.as_deref().map(names).transpose()?,
        })
    }
}

impl AlertChanges {
    /// The environment, where one is said.
    pub fn env(&self) -> Option<&Environment> {
        self.env.as_ref()
    }

    /// A new alert, which is enabled where nothing else is said.
    ///
    /// # Errors
    /// Invalid without name, recipients, environment or any filter, and where the filters exclude
    /// each other.
    pub fn made(self, app: Option<AppId>, now: Timestamp) -> Result<Alert, Error> {
        let mut alert = Alert {
            guid: Guid::random(),
            name: self
                .name
                .clone()
                .ok_or_else(|| Error::invalid(Code::InvalidAlertName))?,
            app: app.map(AppId::item),
            env: self
                .env
                .clone()
                .ok_or_else(|| Error::invalid(Code::InvalidEnv))?,
            emails: self
                .emails
                .clone()
                .ok_or_else(|| Error::invalid(Code::InvalidEmails))?,
            enabled: true,
            categories: Vec::new(),
            severities: Vec::new(),
            names: Vec::new(),
            created: now,
            modified: now,
        };
        self.change(&mut alert, now)?;
        Ok(alert)
    }

    /// Changes what is said of an alert; the rest stays.
    fn change(self, alert: &mut Alert, now: Timestamp) -> Result<(), Error> {
        fn take<T>(field: &mut T, said: Option<T>) {
            if let Some(said) = said {
                *field = said;
            }
        }
        take(&mut alert.name, self.name);
        take(&mut alert.emails, self.emails);
        take(&mut alert.enabled, self.enabled);
        take(&mut alert.env, self.env);
        take(&mut alert.categories, self.categories);
        take(&mut alert.severities, self.severities);
        take(&mut alert.names, self.names);
        alert.modified = now;
        alert.fits()
    }
}

/// Puts a word behind the others if it is not among them.
fn add<T: PartialEq>(to: &mut Vec<T>, word: T) {
    if !to.contains(&word) {
        to.push(word);
    }
}

/// The beginning of what somebody wrote, for telling what is wrong with it.
fn quoted(word: &str) -> String {
    let shown: String = word.chars().filter(|c| !c.is_control()).take(80).collect();
    format!("\"{shown}\"")
}

/// An alert's name, without the blanks around it.
fn name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let fits =
        (1..=MAX_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid(Code::InvalidAlertName.with(format!(
            "a name has 1 to {MAX_NAME} characters on one line"
        ))))
    }
}

/// The recipients of a mail, each once.
///
/// # Errors
/// Invalid for none, for more than [`MAX_RECIPIENTS`], and for what is no address.
pub fn recipients(words: &[String]) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for word in words {
        let word = word.trim();
        // Quoted names and addresses of machines are in no mailbox that a mail service delivers to.
        let is_plain = !word
            .chars()
            .any(|c| c.is_control() || matches!(c, '"' | '['));
        let address = mail::address(word).ok().filter(|_| is_plain);
        let address = address.ok_or_else(|| {
            Error::invalid(Code::InvalidEmails.with(format!("{} is no mail address", quoted(word))))
        })?;
        add(&mut found, address.to_string());
        if found.len() > MAX_RECIPIENTS {
            return Err(Error::invalid(
                Code::InvalidEmails
                    .with(format!("an alert has at most {MAX_RECIPIENTS} recipients")),
            ));
        }
    }
    if found.is_empty() {
        Err(Error::invalid(
            Code::InvalidEmails.with("at least one mail address is needed"),
        ))
    } else {
        Ok(found)
    }
}

/// Words of a closed list.
fn known<T: Copy + PartialEq + Display>(
    field: &str,
    words: &[String],
    all: &[T],
) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    for word in words {
        let one = all.iter().find(|one| one.to_string() == *word);
        let one = one.ok_or_else(|| {
            let allowed: Vec<String> = all.iter().map(ToString::to_string).collect();
            Error::invalid(ErrorText::of_field(
                field,
                format!("{} is none of {}", quoted(word), allowed.join(", ")),
            ))
        })?;
        add(&mut found, *one);
    }
    Ok(found)
}

/// Names of events, as [`NAMES`] spells them.
fn names(words: &[String]) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for word in words {
        let name = EventName::parse(word).ok_or_else(|| {
            let allowed: Vec<&str> = NAMES.iter().map(|name| name.name).collect();
            Error::invalid(Code::InvalidEventNames.with(format!(
                "{} is none of {}",
                quoted(word),
                allowed.join(", ")
            )))
        })?;
        add(&mut found, name.name.to_owned());
    }
    Ok(found)
}

#[derive(Template)]
#[template(
    ext = "html",
    source = "<!DOCTYPE html><html><body>{% for line in lines %}<p>{{ line }}</p>{% endfor \
        %}</body></html>"
)]
struct TestMail<'a> {
    lines: &'a [String],
}

/// A mail that shows whether an alert's mails reach its recipients. `lines` are what it says.
///
/// # Errors
/// Invalid for recipients that are none.
pub fn test_mail(recipients: &[String], lines: &[String]) -> Result<Mail, Error> {
    let to: Vec<&str> = recipients.iter().map(String::as_str).collect();
    let html = TestMail { lines }.render().map_err(Error::internal)?;
    Mail::new(&to, "Alert Test Email", lines.join("\n") + "\n", html)
}

/// An alert as a request names it: by its guid, and on the paths that say so by where it must be.
#[derive(Clone, Debug)]
pub struct AlertReference {
    /// The guid.
    pub guid: Guid,
    /// App and environment that it must be of.
    pub of: Option<(Option<AppId>, Environment)>,
}

fn unknown() -> Error {
    Error::not_found(Code::InvalidGuid.beside("There is no alert with this guid in this domain"))
}

/// What reading the alerts of an app asks.
pub fn listing(tenant_id: TenantId, app: Option<AppId>) -> Query {
    Query::all(keys::alerts(tenant_id, app))
}

/// The alerts of an app in an environment, the newest first.
///
/// # Errors
/// Not found for an app that has neither an app record nor an alert; the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: Option<AppId>,
    env: &Environment,
) -> Result<Vec<Alert>, Error> {
    let items = reader.all(listing(tenant_id, app)).await?;
    if items.is_empty() {
        must_exist(reader, tenant_id, app).await?;
    }
    let mut alerts = Vec::new();
    for item in items {
        let alert = Stored::<Alert>::parse(item)?.value;
        if alert.env == *env {
            alerts.push(alert);
        }
    }
    alerts.sort_by(|one, other| {
        other
            .created
            .cmp(&one.created)
            .then_with(|| one.guid.cmp(&other.guid))
    });
    Ok(alerts)
}

/// Refuses an app that is not there.
///
/// # Errors
/// Not found; the store's.
pub async fn must_exist(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: Option<AppId>,
) -> Result<(), Error> {
    let Some(app) = app else { return Ok(()) };
    let app_record: Option<Stored<App>> = reader.get(&keys::app(tenant_id, app)).await?;
    app_record.map(drop).ok_or_else(unknown)
}

/// Whose alert a request names.
async fn app_of(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &AlertReference,
) -> Result<Option<AppId>, Error> {
    if let Some((app, _)) = &named.of {
        return Ok(*app);
    }
    let place: Option<Stored<AlertPlace>> = reader
        .get(&keys::alert_place(tenant_id, &named.guid))
        .await?;
    Ok(place.ok_or_else(unknown)?.value.app)
}

/// An alert.
///
/// # Errors
/// Not found, also where it is elsewhere than the request says; the store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &AlertReference,
) -> Result<Stored<Alert>, Error> {
    let app = app_of(reader, tenant_id, named).await?;
    let found: Option<Stored<Alert>> = reader
        .get(&keys::alert(tenant_id, app, &named.guid))
        .await?;
    let of_environment = |alert: &Alert| named.of.as_ref().is_none_or(|(_, env)| *env == alert.env);
    found
        .filter(|found| of_environment(&found.value))
        .ok_or_else(unknown)
}

fn counted(tenant_id: TenantId, app: Option<AppId>, by: i64, condition: Condition) -> Write {
    Write::Count {
        key: keys::alert_count(tenant_id, app),
        kind: AlertCount::KIND,
        by,
        condition,
    }
}

/// What [`create`] reads.
pub fn keys_of(tenant_id: TenantId, app: Option<AppId>) -> Vec<crate::store::Key> {
    let mut keys = vec![keys::alert_count(tenant_id, app)];
    keys.extend(app.map(|app| keys::app(tenant_id, app)));
    keys
}

/// The writes of a new alert.
async fn created(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    alert: &Alert,
) -> Result<Vec<Write>, Error> {
    let app = alert.app;
    reader.fetch_missing(&keys_of(tenant_id, app)).await?;
    must_exist(reader, tenant_id, app).await?;
    let count: Option<Stored<AlertCount>> = reader.get(&keys::alert_count(tenant_id, app)).await?;
    if count.is_some_and(|found| found.count >= MAX_ALERTS) {
        let whose = if app.is_some() {
            "An app"
        } else {
            "All apps of a tenant together"
        };
        return Err(Error::conflict(format!(
            "{whose} can have at most {MAX_ALERTS} alerts: delete one first"
        )));
    }
    let mut writes = vec![
        record::create(keys::alert(tenant_id, app, &alert.guid), alert)?,
        record::create(
            keys::alert_place(tenant_id, &alert.guid),
            &AlertPlace { app },
        )?,
        counted(tenant_id, app, 1, Condition::Below(MAX_ALERTS)),
    ];
    // An app that goes meanwhile leaves no alert behind.
    writes.extend(app.map(|app| Write::Check(keys::app(tenant_id, app), Condition::Present)));
    writes.extend(spike_watch::watch_writes(tenant_id, None, Some(alert))?);
    Ok(writes)
}

/// Keeps a new alert (003 4.2).
///
/// # Errors
/// Not found for an app that is not there; conflict beyond [`MAX_ALERTS`]; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    alert: &Alert,
) -> Result<(), Error> {
    change!(reader, {
        let writes = created(reader, tenant_id, alert).await?;
        Ok(((), writes))
    })
}

/// Changes an alert (003 4.3). `app` is whose it is by the request, where that says it: an alert
/// does not go from one app to another.
///
/// # Errors
/// Not found; invalid for another app, and for filters that do not fit; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &AlertReference,
    app: Option<&Watched>,
    changes: &AlertChanges,
) -> Result<Alert, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = find(reader, tenant_id, named).await?;
        if app.is_some_and(|app| app.app().ok() != Some(found.value.app)) {
            return Err(Error::invalid(
                Code::InvalidUid.with("an alert stays with its app"),
            ));
        }
        let before = found.value.clone();
        changes.clone().change(&mut found.value, now)?;
        let mut writes = vec![found.replace()?];
        writes.extend(spike_watch::watch_writes(
            tenant_id,
            Some(&before),
            Some(&found.value),
        )?);
        Ok((found.value, writes))
    })
}

/// Removes an alert and gives it as it was (003 4.4).
///
/// # Errors
/// Not found; the store's.
pub async fn delete(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &AlertReference,
) -> Result<Alert, Error> {
    change!(reader, {
        let found = find(reader, tenant_id, named).await?;
        let mut writes = removal(tenant_id, &found, Condition::Rev(found.rev))?;
        writes.push(counted(tenant_id, found.value.app, -1, Condition::Always));
        Ok((found.value, writes))
    })
}

/// The writes that remove an alert, without those of its count.
fn removal(
    tenant_id: TenantId,
    found: &Stored<Alert>,
    condition: Condition,
) -> Result<Vec<Write>, Error> {
    let mut writes = vec![
        Write::Delete(found.key.clone(), condition),
        Write::Delete(
            keys::alert_place(tenant_id, &found.value.guid),
            Condition::Present,
        ),
    ];
    writes.extend(spike_watch::watch_writes(
        tenant_id,
        Some(&found.value),
        None,
    )?);
    Ok(writes)
}

/// Keeps a copy of an alert under a guid of its own, in what is said another way.
///
/// # Errors
/// As [`find`], [`create`] and [`update`].
pub async fn copy(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &AlertReference,
    changes: &AlertChanges,
) -> Result<Alert, Error> {
    let (guid, now) = (Guid::random(), reader.now());
    change!(reader, {
        let app = app_of(reader, tenant_id, named).await?;
        let mut wanted = keys_of(tenant_id, app);
        wanted.push(keys::alert(tenant_id, app, &named.guid));
        reader.fetch_missing(&wanted).await?;
        let found = find(reader, tenant_id, named).await?.value;
        let mut alert = Alert {
            guid: guid.clone(),
            created: now,
            ..found
        };
        changes.clone().change(&mut alert, now)?;
        let writes = created(reader, tenant_id, &alert).await?;
        Ok((alert, writes))
    })
}

/// The write of an app's deletion by which its alerts go a day later: who asked to hear of the
/// deletion is mailed before.
///
/// # Errors
/// Internal.
pub fn of_deleted(tenant_id: TenantId, app: AppId, now: Timestamp) -> Result<Write, Error> {
    task::task(
        now,
        &Task::Alerts {
            tenant_id,
            app: app.item(),
        },
    )
}

/// How many alerts one transaction removes: two writes each, two more for one that asks about
/// spikes.
const MAX_REMOVED_AT_ONCE: u32 = 20;

/// How often another run, or somebody who deletes an alert, may be faster.
const INTERRUPTIONS: u32 = 20;

/// Removes the alerts of a deleted app with where they are and how many they are, as often as it
/// takes; what a crash leaves the next run removes. Gives how many it removed.
///
/// # Errors
/// The store's.
pub async fn remove_of_deleted(
    table: &dyn Table,
    tenant_id: TenantId,
    app: AppId,
) -> Result<usize, Error> {
    let (mut removed, mut interrupted) = (0, 0);
    loop {
        let page = table
            .query(&listing(tenant_id, Some(app)).limit(Some(MAX_REMOVED_AT_ONCE)))
            .await?;
        let found = page.items.len();
        if found == 0 {
            table
                .write(vec![Write::Delete(
                    keys::alert_count(tenant_id, Some(app)),
                    Condition::Always,
                )])
                .await?;
            return Ok(removed);
        }
        let mut writes = Vec::new();
        for item in page.items {
            // Whoever removes the record counts it down: of two runs at once only one does.
            writes.extend(removal(
                tenant_id,
                &Stored::<Alert>::parse(item)?,
                Condition::Present,
            )?);
            writes.push(counted(tenant_id, Some(app), -1, Condition::Always));
        }
        match table.write(summed(writes)).await {
            Ok(()) => removed += found,
            Err(StoreError::Condition { .. } | StoreError::Contended(_))
                if interrupted < INTERRUPTIONS =>
            {
                interrupted += 1
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The same writes with one count for each counter: a transaction takes no two of one item.
fn summed(writes: Vec<Write>) -> Vec<Write> {
    let mut all: Vec<Write> = Vec::with_capacity(writes.len());
    for write in writes {
        let same = all
            .iter_mut()
            .find(|other| matches!(other, Write::Count { .. }) && other.key() == write.key());
        match (same, write) {
            (Some(Write::Count { by: sum, .. }), Write::Count { by, .. }) => *sum += by,
            (_, write) => all.push(write),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{clock, error, id};
    use crate::model::events::{alert, event};
    use crate::store;
    use crate::store::keys as store_keys;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn said(
        categories: &[&str],
        severities: &[&str],
        names: &[&str],
    ) -> Result<alert::Alert, error::Error> {
        let (categories, severities, names) = (
            Some(words(categories)),
            Some(words(severities)),
            Some(words(names)),
        );
        let (name, emails, env) = (
            Some(" Down ".to_owned()),
            Some(words(&[
                "a@example.com",
                " b@example.com ",
                "a@example.com",
            ])),
            "dev".parse().ok(),
        );
        AlertInput {
            name,
            emails,
            enabled: None,
            env,
            categories,
            severities,
            names,
        }
        .checked()?
        .made(None, clock::Timestamp(1_000))
    }

    fn refusal(categories: &[&str], severities: &[&str], names: &[&str]) -> String {
        said(categories, severities, names).unwrap_err().message
    }

    #[test]
    fn an_alert_is_kept_as_the_tables_spell_it() {
        let alert = said(
            &["APP_STATE", "APP_STATE"],
            &["FATAL", "ERROR"],
            &["APP_TERMINATED", "TERMINIATED", "CRASHED"],
        )
        .unwrap();
        assert_eq!(
            (alert.categories, alert.severities, alert.names),
            (
                vec![event::Category::AppState],
                vec![event::Severity::Fatal, event::Severity::Error],
                words(&["TERMINATED", "CRASHED"])
            )
        );
        assert_eq!(
            (alert.name.as_str(), alert.emails, alert.enabled),
            ("Down", words(&["a@example.com", "b@example.com"]), true)
        );
    }

    #[test]
    fn filters_that_do_not_fit_are_named() {
        assert_eq!(
            refusal(&["APP_RESOURCES"], &[], &["CRASHED"]),
            "invalid_eventNames: CRASHED is of the category APP_STATE, which is not among \
                eventCategories"
        );
        assert_eq!(
            refusal(&["APP_STATE"], &["INFO"], &["DEPLOYED", "CRASHED"]),
            "invalid_eventNames: CRASHED is of the severity ERROR, which is not among \
                eventSeverities"
        );
        assert!(refusal(&[], &[], &[]).starts_with("invalid_eventCategories: set at least one"));
        assert!(refusal(&["app_state"], &[], &[]).starts_with(
            "invalid_eventCategories: \"app_state\" is none of APP_STATE, APP_ENVIRONMENT,"
        ));
        assert!(
            refusal(&[], &["BAD"], &[])
                .starts_with("invalid_eventSeverities: \"BAD\" is none of TRACE,")
        );
        assert!(refusal(&[], &[], &["NOTHING"]).contains("is none of START_REQUESTED,"));
        // A category and a severity that no name has together are no contradiction: events tell
        // their own.
        assert!(said(&["DYNO_ACCESS"], &["TRACE"], &[]).is_ok());
    }

    #[test]
    fn names_and_recipients_have_limits() {
        for bad in [
            "",
            "  ",
            "two\nlines",
            "a\r\nBcc: x@example.net",
            "a\u{85}x",
            &"x".repeat(201),
        ] {
            assert!(
                name(bad)
                    .unwrap_err()
                    .message
                    .starts_with("invalid_alertName"),
                "{bad:?}"
            );
        }
        assert_eq!(name(&"é".repeat(200)).unwrap(), "é".repeat(200));
        for bad in [
            &["a"][..],
            &["a@example.com\r\nBcc: b@example.com"],
            &["a@example.com", "<b@example.com>"],
            &[],
        ] {
            assert!(
                recipients(&words(bad))
                    .unwrap_err()
                    .message
                    .starts_with("invalid_emails: "),
                "{bad:?}"
            );
        }
        let many: Vec<String> = (0..21)
            .map(|number| format!("p{number}@example.com"))
            .collect();
        assert!(recipients(&many).is_err());
        assert_eq!(recipients(&many[..20]).unwrap().len(), 20);
    }

    #[test]
    fn counts_of_one_counter_become_one() {
        let tenant_id = id::TenantId::of_name("dev");
        let count = |by| counted(tenant_id, None, by, store::Condition::Always);
        assert_eq!(
            summed(vec![
                count(-1),
                count(-1),
                store::Write::Delete(
                    store_keys::alert_count(tenant_id, None),
                    store::Condition::Always
                )
            ])
            .len(),
            2
        );
        assert!(matches!(
            summed(vec![count(-1), count(-2)])[..],
            [store::Write::Count { by: -3, .. }]
        ));
    }
}

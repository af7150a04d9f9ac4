//! Events that apps' hosts and other systems report.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::base::clock::Timestamp;
use crate::base::code::{Code, ErrorText};
use crate::base::environment::Environment;
use crate::base::error::{Error, Kind};
use crate::base::id::{AppId, AppRef, Guid, TenantId};
use crate::change;
use crate::domain::events::event;
use crate::model::apps::app::App;
use crate::model::credentials::sign_in::Tries;
use crate::model::events::event::{
    Category, Event, EventGroup, EventName, NAMES, SYSTEM, Severity,
};
use crate::model::events::reported_event::RecordedEvent;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

/// Longest message, in characters.
pub const MAX_MESSAGE: usize = 2_000;

/// Most bytes of an event's details as JSON.
pub const MAX_DETAILS: usize = 16 * 1_024;

/// Most names in an event's details, all levels together.
pub const DETAILS_NAMES: usize = 100;

/// How deep an event's details go.
pub const DETAILS_DEPTH: usize = 5;

/// Longest id of a report and longest name of who did it, in characters.
pub const MAX_NAME: usize = 100;

/// How old a report may be, in seconds: a week.
pub const AGE_LIMIT_SECONDS: i64 = 7 * 24 * 3_600;

/// How far ahead of ours a reporter's clock may be, in seconds.
pub const AHEAD_LIMIT_SECONDS: i64 = 300;

/// Most events that are taken of one app in one minute of the clock.
pub const MAX_MINUTE: i64 = 1_000;

/// What is reported, as it was sent. The names of the original's own messages on the bus are taken
/// too, and both names beside each other, as lists of events print them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    app_guid: Option<String>,
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    uid: Option<String>,
    /// The environment.
    pub env: Environment,
    /// The name of the event.
    #[serde(deserialize_with = "crate::base::lenient::text")]
    pub event_type: String,
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    category: Option<String>,
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    event_class: Option<String>,
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    severity: Option<String>,
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    event_level: Option<String>,
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    message: Option<String>,
    #[serde(default)]
    event_details: Option<Value>,
    #[serde(default)]
    details: Option<Value>,
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    timestamp: Option<String>,
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    updated_by: Option<String>,
    /// By which whoever reports knows the event: reported twice it is one.
    #[serde(default, deserialize_with = "crate::base::lenient::optional_text")]
    pub id: Option<String>,
}

fn too_long(field: &str, most: usize) -> Error {
    Error::invalid(ErrorText::of_field(
        field,
        format!("at most {most} characters, none of them a control character"),
    ))
}

/// A text of at most `most` characters; line breaks and tabs are none of the control characters
/// that are refused.
fn bounded(field: &str, text: String, most: usize) -> Result<String, Error> {
    let fits = text.chars().count() <= most
        && !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    if fits {
        Ok(text)
    } else {
        Err(too_long(field, most))
    }
}

/// How many names are in a value, and how deep it goes.
fn measured(value: &Value) -> (usize, usize) {
    let deepest = |parts: &mut dyn Iterator<Item = &Value>| {
        parts
            .map(measured)
            .fold((0, 0), |(names, depth), (more, deep)| {
                (names + more, depth.max(deep))
            })
    };
    match value {
        Value::Object(fields) => {
            let (names, depth) = deepest(&mut fields.values());
            (names + fields.len(), depth + 1)
        }
        Value::Array(items) => {
            let (names, depth) = deepest(&mut items.iter());
            (names + items.len(), depth + 1)
        }
        _ => (0, 0),
    }
}

/// The app that a request names, by either name or by both.
///
/// # Errors
/// Invalid `invalid_guid` for none, for two, and for a text that is none.
pub fn app_of(app_guid: Option<&str>, uid: Option<&str>) -> Result<AppRef, Error> {
    let told = |text: Option<&str>| {
        text.map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let (one, other) = (told(app_guid), told(uid));
    if one
        .as_ref()
        .zip(other.as_ref())
        .is_some_and(|(one, other)| one != other)
    {
        return Err(Error::invalid(
            Code::InvalidGuid.with("appGuid and uid name two apps"),
        ));
    }
    let text = one
        .or(other)
        .ok_or_else(|| Error::invalid(Code::InvalidGuid.with("appGuid is missing")))?;
    text.parse().map_err(|_| {
        Error::invalid(
            Code::InvalidGuid.beside("This is not the guid of any app: it is missing or malformed"),
        )
    })
}

/// What is said of something under either name; a blank text says nothing.
fn either(one: Option<String>, other: Option<String>) -> Option<String> {
    one.filter(|text| !text.trim().is_empty())
        .or(other.filter(|text| !text.trim().is_empty()))
}

impl Report {
    /// The app that it is about.
    ///
    /// # Errors
    /// As [`app_of`].
    pub fn app(&self) -> Result<AppRef, Error> {
        app_of(self.app_guid.as_deref(), self.uid.as_deref())
    }

    /// What reading it needs, for plans.
    pub fn keys(&self, tenant_id: TenantId) -> Vec<Key> {
        let Ok(app) = self.app().and_then(|app| app.ours()) else {
            return Vec::new();
        };
        let mut wanted = vec![keys::app(tenant_id, app)];
        wanted.extend(
            self.id
                .as_ref()
                .map(|id| keys::recorded_event(tenant_id, &self.derived(app, id))),
        );
        wanted
    }

    fn derived(&self, app: AppId, id: &str) -> Guid {
        Guid::derived(&["reported event", &app.sort_key(), self.env.as_str(), id])
    }

    fn details(&mut self) -> Result<Map<String, Value>, Error> {
        let details = match self.event_details.take().or(self.details.take()) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(fields)) => fields,
            Some(_) => {
                return Err(Error::invalid(
                    Code::InvalidEventDetails.with("it is an object"),
                ));
            }
        };
        let whole = Value::Object(details);
        let (names, depth) = measured(&whole);
        if names > DETAILS_NAMES || depth > DETAILS_DEPTH || whole.to_string().len() > MAX_DETAILS {
            let words = format!(
                "at most {MAX_DETAILS} bytes of JSON, {DETAILS_NAMES} names and {DETAILS_DEPTH} \
                    levels"
            );
            return Err(Error::invalid(Code::InvalidEventDetails.with(words)));
        }
        match whole {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    }

    fn name(&self) -> Result<&'static EventName, Error> {
        let known = EventName::parse(&self.event_type)
            .filter(|known| known.refines.is_none() && !known.on_request);
        known.ok_or_else(|| {
            let names: Vec<&str> = NAMES
                .iter()
                .filter(|name| name.refines.is_none() && !name.on_request)
                .map(|name| name.name)
                .collect();
            Error::invalid(Code::InvalidEventType.with(format!("one of {}", names.join(", "))))
        })
    }

    /// The event, of an app that is called `app_name`. `by` is the name of the member who reports
    /// it; an app's host says itself who did it.
    ///
    /// # Errors
    /// Invalid, naming the field.
    fn event(
        mut self,
        app: AppId,
        app_name: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<Event, Error> {
        let named =
            |field: &str, error: Error| Error::invalid(ErrorText::of_field(field, error.message));
        let known = self.name()?;
        let category = either(self.category.take(), self.event_class.take())
            .map_or(Ok(known.category), |text| text.parse::<Category>())
            .map_err(|error| named("category", error))?;
        let severity = either(self.severity.take(), self.event_level.take())
            .map_or(Ok(known.severity), |text| text.parse::<Severity>())
            .map_err(|error| named("severity", error))?;
        let details = self.details()?;
        let message = match self.message.take().filter(|message| !message.is_empty()) {
            Some(message) => message,
            // The original's own messages have it there.
            None => details
                .get("message")
                .and_then(Value::as_str)
                .ok_or_else(|| Error::invalid(Code::InvalidMessage.with("it is missing")))?
                .to_owned(),
        };
        let message = bounded("message", message, MAX_MESSAGE)?;
        if message.trim().is_empty() {
            return Err(Error::invalid(Code::InvalidMessage.with("it is blank")));
        }
        let happened = match self.timestamp.take() {
            None => now,
            Some(text) => {
                let at = Timestamp::read(&text).ok_or_else(|| {
                    Error::invalid(
                        Code::InvalidTimestamp.with("milliseconds since 1970, or a time in UTC"),
                    )
                })?;
                if at < now.plus_seconds(-AGE_LIMIT_SECONDS)
                    || at > now.plus_seconds(AHEAD_LIMIT_SECONDS)
                {
                    return Err(Error::invalid(Code::InvalidTimestamp.with(
                        "within the last seven days, and at most five minutes ahead of now",
                    )));
                }
                at
            }
        };
        let by = match (
            by,
            self.updated_by.take().filter(|by| !by.trim().is_empty()),
        ) {
            (Some(member), _) => member.to_owned(),
            (None, Some(said)) => bounded("updatedBy", said, MAX_NAME)?,
            (None, None) => SYSTEM.to_owned(),
        };
        let id = self
            .id
            .take()
            .map(|id| bounded("id", id, MAX_NAME))
            .transpose()?;
        if id.as_ref().is_some_and(|id| id.trim().is_empty()) {
            return Err(Error::invalid(Code::InvalidId.with("it is blank")));
        }
        Ok(Event {
            guid: id.map_or_else(Guid::random, |id| self.derived(app, &id)),
            app,
            app_name: app_name.to_owned(),
            env: Some(self.env),
            name: known.name.to_owned(),
            finer: None,
            category,
            severity,
            group: EventGroup::Notification,
            message,
            details,
            by,
            at: now,
            happened,
        })
    }
}

/// How many reports of an app were written in a minute. It is counted in the transaction that
/// writes a report: more than the limit are never taken, however many come at once, and a refused
/// one writes nothing.
struct Minute {
    key: Key,
    ends: i64,
}

impl Minute {
    fn of(tenant_id: TenantId, app: AppId, now: Timestamp) -> Self {
        let minute = now.seconds().div_euclid(60);
        Self {
            key: keys::tries(tenant_id, &format!("reports#{}", app.sort_key()), minute),
            ends: (minute + 2) * 60,
        }
    }

    fn counted(&self) -> Write {
        Write::Tally {
            key: self.key.clone(),
            kind: Tries::KIND,
            by: 1,
            expires: self.ends,
            condition: Condition::Below(MAX_MINUTE),
        }
    }

    /// Refuses beyond the limit. The counter is read by a later try alone, which the refused
    /// transaction of the first one asked for: where few reports come nobody reads it.
    async fn refuse_beyond(&self, reader: &mut Reader<'_>) -> Result<(), Error> {
        match reader.get::<Tries>(&self.key).await? {
            Some(found) if found.count >= MAX_MINUTE => Err(Error::new(
                Kind::TooManyRequests,
                format!(
                    "At most {MAX_MINUTE} events of an app are taken in a minute, please try \
                        again later"
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOutcome {
    /// The event's guid.
    pub guid: Guid,
    /// Whether it was written now: not where it was reported before, nor where its name is one that
    /// is not kept.
    pub is_new: bool,
}

/// Takes a report of an app, by the member of that name or by the app's host. The same id is one
/// event, however often it comes. `DELETE_REQUESTED` is taken and not kept, as the original did.
///
/// # Errors
/// Not found for an unknown app; invalid, naming the field; too many requests beyond
/// [`MAX_MINUTE`]; the store's.
pub async fn take(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    report: &Report,
    by: Option<&str>,
) -> Result<ReportOutcome, Error> {
    let now = reader.now();
    let app = report.app()?.ours()?;
    let random = Guid::random();
    let minute = Minute::of(tenant_id, app, now);
    let mut is_later_try = false;
    change!(reader, {
        reader.fetch_missing(&report.keys(tenant_id)).await?;
        let app_record: Option<Stored<App>> = reader.get(&keys::app(tenant_id, app)).await?;
        let name = app_record
            .as_ref()
            .map(|app_record| app_record.value.name.to_string())
            .unwrap_or_default();
        let mut event = report.clone().event(app, &name, by, now)?;
        // Of an app that goes at this moment something may still be told: its log outlives it.
        if app_record.is_none() {
            return Err(Error::not_found(
                Code::InvalidGuid.beside("There is no app with this guid in this domain"),
            ));
        }
        let mut writes = Vec::new();
        if report.id.is_none() {
            event.guid = random.clone();
        } else {
            let claim = keys::recorded_event(tenant_id, &event.guid);
            if reader.get::<RecordedEvent>(&claim).await?.is_some() {
                return Ok((
                    ReportOutcome {
                        guid: event.guid,
                        is_new: false,
                    },
                    Vec::new(),
                ));
            }
            writes.push(record::put(
                claim,
                &RecordedEvent { at: now },
                Condition::AbsentOrExpired { now: now.seconds() },
            )?);
        }
        let taken = ReportOutcome {
            guid: event.guid.clone(),
            is_new: event.name != "DELETE_REQUESTED",
        };
        if !taken.is_new {
            return Ok((taken, Vec::new()));
        }
        if std::mem::replace(&mut is_later_try, true) {
            minute.refuse_beyond(reader).await?;
        }
        writes.extend(event::record_writes(tenant_id, vec![event])?);
        writes.push(minute.counted());
        Ok((taken, writes))
    })
}

//! 003 chapter 5: what happened to apps, and what they and their hosts report themselves.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::base::code::Code;
use shared::base::environment::Environment;
use shared::base::error::Error;
use shared::base::id::{AppRef, Guid, TenantId};
use shared::domain::events::event_log::Groups;
use shared::domain::events::reported_event::Report;
use shared::domain::events::{event_log, reported_event};
use shared::http::incoming::Incoming;
use shared::http::paging;
use shared::http::paging::MAX_LIMIT;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_events::{FUNCTION, Op};
use shared::model::apps::app::App;
use shared::model::events::event::{Event, EventGroup};
use shared::model::people::principal::Means;
use shared::store::keys;

/// The function.
pub struct Events;

impl Operations for Events {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        match op {
            Op::List => {
                let Ok(asked) = incoming.parse::<ListBody>().and_then(ListBody::validated) else {
                    return Plan::default();
                };
                let Ok(app) = asked.app.ours() else {
                    return Plan::default();
                };
                let queries = event_log::listing(
                    tenant_id,
                    app,
                    &asked.env,
                    asked.groups,
                    asked.limit,
                    asked.before.as_deref(),
                );
                queries
                    .into_iter()
                    .fold(Plan::keys(vec![keys::app(tenant_id, app)]), Plan::query)
            }
            Op::Report => incoming
                .parse::<Report>()
                .map(|report| Plan::keys(report.keys(tenant_id)))
                .unwrap_or_default(),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => list(call).await,
            Op::Report => report(call).await,
        }
    }
}

/// 003 5.1, and what fhc and the studio send.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListBody {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    app_guid: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    uid: Option<String>,
    env: Environment,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    event_group: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    audit: Option<bool>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_number")]
    limit: Option<u64>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    cursor: Option<String>,
}

struct EventQuery {
    app: AppRef,
    env: Environment,
    groups: Groups,
    limit: Option<u32>,
    before: Option<String>,
}

impl ListBody {
    fn validated(self) -> Result<EventQuery, Error> {
        let group = self.event_group.filter(|group| !group.is_empty());
        let named = match group.as_deref() {
            None => None,
            Some("NOTIFICATION") => Some(EventGroup::Notification),
            Some("AUDIT") => Some(EventGroup::Audit),
            Some(_) => {
                return Err(Error::invalid(
                    Code::InvalidEventGroup.with("NOTIFICATION or AUDIT"),
                ));
            }
        };
        if self
            .limit
            .is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit))
        {
            return Err(Error::invalid(
                Code::InvalidLimit.beside(format!("The limit is a number from 1 to {MAX_LIMIT}")),
            ));
        }
        let before = paging::place_in_time(self.cursor)?;
        let app = reported_event::app_of(self.app_guid.as_deref(), self.uid.as_deref())?;
        let limit = self
            .limit
            .map(u32::try_from)
            .transpose()
            .map_err(Error::internal)?;
        Ok(EventQuery {
            app,
            env: self.env,
            groups: Groups {
                named,
                audit: self.audit.unwrap_or_default(),
            },
            limit,
            before,
        })
    }
}

/// An event as the original's answers have it: what it says stands in `fields`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventView<'a> {
    event_group: &'static str,
    fields: FieldsView<'a>,
    guid: &'a Guid,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldsView<'a> {
    app_guid: String,
    category: &'static str,
    dismissed: bool,
    env: &'a str,
    event_details: Map<String, Value>,
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    finer_type: Option<&'a str>,
    guid: &'a Guid,
    message: &'a str,
    severity: &'static str,
    sys_created: String,
    timestamp: String,
    title: &'a str,
    uid: String,
    updated_by: &'a str,
}

impl<'a> EventView<'a> {
    /// As it is shown to whoever asked for that environment.
    fn of(event: &'a Event, env: &'a Environment) -> Self {
        let mut details = event.details.clone();
        details
            .entry("message")
            .or_insert_with(|| event.message.clone().into());
        let fields = FieldsView {
            app_guid: event.app.guid(),
            category: event.category.as_str(),
            dismissed: false,
            env: env.as_str(),
            event_details: details,
            event_type: &event.name,
            finer_type: event.finer.as_deref(),
            guid: &event.guid,
            message: &event.message,
            severity: event.severity.as_str(),
            sys_created: event.at.colon_millis(),
            timestamp: event.happened.colon_millis(),
            title: &event.name,
            uid: event.app.guid(),
            updated_by: &event.by,
        };
        Self {
            event_group: event.group.as_str(),
            fields,
            guid: &event.guid,
            kind: "eventlog_EventLog",
        }
    }
}

/// 003 5.1
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let asked = call.body::<ListBody>()?.validated()?;
    let app = asked.app.ours()?;
    let (events, cursor) = event_log::list(
        &mut call.reader,
        tenant_id,
        app,
        &asked.env,
        asked.groups,
        asked.limit,
        asked.before.as_deref(),
    )
    .await?;
    // The log of an app that was deleted outlives it.
    if events.is_empty()
        && cursor.is_none()
        && asked.before.is_none()
        && call
            .reader
            .get::<App>(&keys::app(tenant_id, app))
            .await?
            .is_none()
    {
        return Err(Error::not_found(
            Code::InvalidGuid.beside("There is no app with this guid in this domain"),
        ));
    }
    #[derive(Serialize)]
    struct ListView<'a> {
        list: Vec<EventView<'a>>,
        count: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    }
    Reply::of(&ListView {
        list: events
            .iter()
            .map(|event| EventView::of(event, &asked.env))
            .collect(),
        count: events.len(),
        cursor,
    })
}

/// What an app's host, or a member who may change apps, reports.
async fn report(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let report = call.body::<Report>()?;
    let by = match &who.means {
        Means::App { app } if report.app()?.ours().ok() != Some(*app) => {
            return Err(Error::forbidden("The API key is another app's"));
        }
        Means::App { .. } => None,
        _ => Some(who.owner.username.as_str()),
    };
    let taken = reported_event::take(&mut call.reader, who.tenant_id, &report, by).await?;
    #[derive(Serialize)]
    struct TakenView {
        guid: Guid,
    }
    Reply::of(&TakenView { guid: taken.guid })
}

//! 001 2, 001a 4, 5: where an app stands, where it may go, and where it has been.

use serde::{Deserialize, Serialize};
use shared::base::clock::Timestamp;
use shared::base::conditions::Validators;
use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::base::kind::AppKind;
use shared::domain::apps::life_cycle::MAX_REASON;
use shared::domain::apps::{app, life_cycle, publication};
use shared::http::incoming::Incoming;
use shared::http::pipeline::Plan;
use shared::http::reply::{Reply, Success};
use shared::model::apps::life_cycle::{Action, LifeCycleState, Steps};

use crate::body::Call;
use crate::subject::Subject;
use crate::views::validators;

#[derive(Serialize)]
struct LifeCycle {
    state: String,
    actions: Vec<&'static str>,
    /// Whether a change waits for somebody: here it is done when it is answered.
    r#async: bool,
}

fn allowed(kind: AppKind, state: LifeCycleState) -> Vec<&'static str> {
    life_cycle::actions(kind, state)
        .into_iter()
        .map(Action::title)
        .collect()
}

/// What reading an app asks.
pub fn plan(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    Plan::keys(
        Subject::of_path(incoming)
            .map(|subject| subject.keys(tenant_id))
            .unwrap_or_default(),
    )
}

/// The state, and the actions that are allowed now (001a 4).
pub async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let (_, found) = Subject::of_path(call.incoming)?
        .app(&mut call.reader, tenant_id)
        .await?;
    let app = found.value;
    dated(
        &LifeCycle {
            state: app.state.upper(),
            actions: allowed(app.kind, app.state),
            r#async: false,
        },
        app.modified,
    )
}

/// An answer whose tag is made of its content, with a time after which it did not change.
fn dated<T: Serialize>(view: &T, modified: Timestamp) -> Result<Reply, Error> {
    let content = serde_json::to_vec(view).map_err(Error::internal)?;
    Ok(Reply::of(view)?.validators(Validators::of_content(&content).modified(modified)))
}

#[derive(Serialize)]
struct History {
    #[serde(rename = "lifeCycleHistoryList")]
    list: Vec<HistoryEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryEntry {
    order: usize,
    state: &'static str,
    target_state: &'static str,
    timestamp: String,
    user: String,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The steps of changes, newest first: each step is an entry, also where one change took several.
fn entries(history: Vec<Steps>) -> Vec<HistoryEntry> {
    let mut list = Vec::new();
    for change in history {
        for step in &change.steps {
            list.push(HistoryEntry {
                order: list.len() + 1,
                state: step.from.map_or("Initial", LifeCycleState::title),
                target_state: step.to.title(),
                timestamp: change.at.dotted(),
                user: change.user.clone(),
                action: step.by.map_or("Create", Action::title),
                reason: change.reason.clone(),
            });
        }
    }
    list.reverse();
    list
}

/// What reading an app's history asks.
pub fn history_plan(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let plan = plan(incoming, tenant_id);
    match Subject::of_path(incoming)
        .ok()
        .and_then(|subject| subject.id())
    {
        Some(id) => plan.query(life_cycle::history_query(tenant_id, id)),
        None => plan,
    }
}

/// The history, newest first (001a 5).
pub async fn history(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let (id, found) = Subject::of_path(call.incoming)?
        .app(&mut call.reader, tenant_id)
        .await?;
    let history = life_cycle::history(&mut call.reader, tenant_id, id).await?;
    let newest = history.last().map_or(found.value.created, |steps| steps.at);
    dated(
        &History {
            list: entries(history),
        },
        newest,
    )
}

#[derive(Deserialize)]
struct Change {
    action: Option<String>,
    #[serde(rename = "appId")]
    app: Option<String>,
    reason: Option<String>,
}

impl Change {
    /// The reason, where somebody gave one.
    fn reason(&self) -> Result<Option<&str>, Error> {
        let reason = self
            .reason
            .as_deref()
            .map(str::trim)
            .filter(|reason| !reason.is_empty());
        let fits = |text: &str| {
            text.chars().count() <= MAX_REASON
                && !text
                    .chars()
                    .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        };
        match reason {
            Some(text) if !fits(text) => Err(Error::invalid(format!(
                "reason is a text of at most {MAX_REASON} characters, without control characters"
            ))),
            fitting => Ok(fitting),
        }
    }
}

/// What a change of state reads.
pub fn change_plan(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let subject = incoming
        .peek::<String>("appId")
        .and_then(|app| Subject::new(incoming, &app).ok());
    Plan::keys(
        subject
            .map(|subject| subject.keys(tenant_id))
            .unwrap_or_default(),
    )
}

#[derive(Serialize)]
struct Accepted {
    message: String,
    state: String,
    actions: Vec<&'static str>,
}

/// Takes an app one step on (001 2). The conditions are about the app.
pub async fn change(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let incoming = call.incoming;
    // An unknown app type is told before anything of the request.
    Subject::new(incoming, "")?;
    incoming.require_json()?;
    let wanted: Change = call.body()?;
    let missing = |name: &str| Error::invalid(format!("{name} is missing"));
    let action = Action::parse(wanted.action.as_deref().ok_or_else(|| missing("action"))?)?;
    let subject = Subject::new(
        incoming,
        wanted.app.as_deref().ok_or_else(|| missing("appId"))?,
    )?;
    let reason = wanted.reason()?;
    let required = call.context.settings.require_if_match;
    let reader = &mut call.reader;
    let now = reader.now();
    let (id, rev, app) = shared::change!(reader, {
        let (named, mut found) = subject.app(reader, who.tenant_id).await?;
        // As reading the app shows it, whose state the conditions know.
        let id = publication::shown_id(&found.value, named);
        incoming
            .conditions
            .judge_change(&validators(id, &found.value, found.rev), required)?;
        let before = found.value.clone();
        let taken = life_cycle::take(who, &mut found.value, found.rev, &[action], reason, now)?;
        let mut writes =
            app::update_writes(who.tenant_id, &before, &mut found, &who.owner.username, now)?;
        writes.extend(taken);
        Ok(((id, found.rev + 1, found.value), writes))
    })?;
    let view = Accepted {
        // The blank at the end is the published server's.
        message: format!(
            "Lifecycle action : {} has been accepted for processing ",
            action.title()
        ),
        state: app.state.upper(),
        actions: allowed(app.kind, app.state),
    };
    Ok(Reply::of(&view)?
        .success(Success::Accepted)
        .validators(validators(id, &app, rev)))
}

//! The life cycle of an app: its states, who takes it from one to the next, and its history (001
//! 2).
//!
//! One table for every dialect: being in the store of RHMAP and *Published* are the same fact.
//! `additem` runs through the steps that lead there and leaves them in the history, `removeitem` is
//! *Unpublish*.
//!
//! | from | action | to | web app | mobile app |
//! |---|---|---|---|---|
//! | Created | Submit for Review | In-Review | yes | yes |
//! | In-Review | Approve | Approved | yes | yes |
//! | In-Review | Reject | Rejected | yes | yes |
//! | Approved | Publish | Published | yes | yes |
//! | Approved | Revert | In-Review | yes | no |
//! | Rejected | Submit for Review | In-Review | yes | yes |
//! | Published | Unpublish | Unpublished | yes | yes |
//! | Published | Deprecate | Deprecated | yes | yes |
//! | Unpublished | Re-Publish | Published | yes | yes |
//! | Unpublished | Retire | Retired | yes | yes |
//! | Unpublished | Recycle | Created | yes | no |
//! | Deprecated | Retire | Retired | yes | yes |

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::base::kind::AppKind;
use crate::model::apps::app::App;
use crate::model::apps::life_cycle::{Action, LifeCycleState, Step, Steps};
use crate::model::apps::store_front::Shelved;
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Query, Write, keys, record};

/// The steps that there are: from, by, to, and whether mobile apps take it too.
const STEPS: [(LifeCycleState, Action, LifeCycleState, bool); 12] = [
    (
        LifeCycleState::Created,
        Action::SubmitForReview,
        LifeCycleState::InReview,
        true,
    ),
    (
        LifeCycleState::InReview,
        Action::Approve,
        LifeCycleState::Approved,
        true,
    ),
    (
        LifeCycleState::InReview,
        Action::Reject,
        LifeCycleState::Rejected,
        true,
    ),
    (
        LifeCycleState::Approved,
        Action::Publish,
        LifeCycleState::Published,
        true,
    ),
    (
        LifeCycleState::Approved,
        Action::Revert,
        LifeCycleState::InReview,
        false,
    ),
    (
        LifeCycleState::Rejected,
        Action::SubmitForReview,
        LifeCycleState::InReview,
        true,
    ),
    (
        LifeCycleState::Published,
        Action::Unpublish,
        LifeCycleState::Unpublished,
        true,
    ),
    (
        LifeCycleState::Published,
        Action::Deprecate,
        LifeCycleState::Deprecated,
        true,
    ),
    (
        LifeCycleState::Unpublished,
        Action::RePublish,
        LifeCycleState::Published,
        true,
    ),
    (
        LifeCycleState::Unpublished,
        Action::Retire,
        LifeCycleState::Retired,
        true,
    ),
    (
        LifeCycleState::Unpublished,
        Action::Recycle,
        LifeCycleState::Created,
        false,
    ),
    (
        LifeCycleState::Deprecated,
        Action::Retire,
        LifeCycleState::Retired,
        true,
    ),
];

fn steps(kind: AppKind) -> impl Iterator<Item = (LifeCycleState, Action, LifeCycleState)> {
    STEPS
        .into_iter()
        .filter(move |(.., mobile)| *mobile || kind != AppKind::Mobile)
        .map(|(from, by, to, _)| (from, by, to))
}

/// The actions that an app of that kind in that state allows, in the order of the table.
pub fn actions(kind: AppKind, state: LifeCycleState) -> Vec<Action> {
    steps(kind)
        .filter(|(from, ..)| *from == state)
        .map(|(_, by, _)| by)
        .collect()
}

/// Where an action leads, `None` where it is not allowed.
pub fn target(kind: AppKind, state: LifeCycleState, action: Action) -> Option<LifeCycleState> {
    steps(kind)
        .find(|(from, by, _)| *from == state && *by == action)
        .map(|(.., to)| to)
}

/// The steps by which an app gets into the store; `None` from where it cannot any more.
pub fn way_into_store(state: LifeCycleState) -> Option<&'static [Action]> {
    match state {
        LifeCycleState::Created | LifeCycleState::Rejected => {
            Some(&[Action::SubmitForReview, Action::Approve, Action::Publish])
        }
        LifeCycleState::InReview => Some(&[Action::Approve, Action::Publish]),
        LifeCycleState::Approved => Some(&[Action::Publish]),
        LifeCycleState::Published => Some(&[]),
        LifeCycleState::Unpublished => Some(&[Action::RePublish]),
        LifeCycleState::Deprecated | LifeCycleState::Retired => None,
    }
}

/// Longest reason of a step, in characters.
pub const MAX_REASON: usize = 1_000;

/// The write of an app's first entry, beside that of its app record.
///
/// # Errors
/// Internal.
pub fn begun(tenant_id: TenantId, app: &App, user: &str) -> Result<Write, Error> {
    let steps = Steps {
        steps: vec![Step {
            from: None,
            by: None,
            to: app.state,
        }],
        at: app.created,
        user: user.to_owned(),
        reason: None,
    };
    record::create(keys::history(tenant_id, app.id, 1), &steps)
}

/// The writes of the first entry of an app that goes into the store as it is made: the steps that
/// lead there stand in the history behind its creation, and its place on the store listing. The app
/// record is in the store after it.
///
/// # Errors
/// Forbidden without the right of an action.
pub fn begun_in_store(who: &Principal, app: &mut App) -> Result<Vec<Write>, Error> {
    let mut steps = vec![Step {
        from: None,
        by: None,
        to: app.state,
    }];
    steps.extend(walk(
        who,
        app,
        way_into_store(app.state).unwrap_or_default(),
    )?);
    let steps = Steps {
        steps,
        at: app.created,
        user: who.owner.username.clone(),
        reason: None,
    };
    let history = record::create(keys::history(who.tenant_id, app.id, 1), &steps)?;
    Ok(vec![
        history,
        record::put(
            keys::store_listing(who.tenant_id, app.id),
            &Shelved {},
            Condition::Always,
        )?,
    ])
}

/// Takes an app record through those actions and gives the steps.
fn walk(who: &Principal, app: &mut App, actions_taken: &[Action]) -> Result<Vec<Step>, Error> {
    let mut taken = Vec::new();
    for action in actions_taken {
        if !who.holds(action.right()) {
            return Err(Error::forbidden(format!(
                "{} needs the permission {}",
                action.title(),
                action.right().permission_path().0
            )));
        }
        let to = target(app.kind, app.state, *action).ok_or_else(|| not_allowed(app, *action))?;
        taken.push(Step {
            from: Some(app.state),
            by: Some(*action),
            to,
        });
        app.state = to;
    }
    Ok(taken)
}

/// Takes an app record through those actions. Gives the writes of the history and of the store
/// listing beside the app record's own, which the caller adds: `rev` is the app record's revision
/// as it was read, so that of two changes at once one loses.
///
/// # Errors
/// Forbidden without the right of an action; invalid for one that is not allowed, with those that
/// are.
pub fn take(
    who: &Principal,
    app: &mut App,
    rev: u64,
    actions_taken: &[Action],
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let was_in_store = app.in_store();
    let taken = walk(who, app, actions_taken)?;
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let steps = Steps {
        steps: taken,
        at: now,
        user: who.owner.username.clone(),
        reason: reason.map(str::to_owned),
    };
    let mut writes = vec![record::create(
        keys::history(who.tenant_id, app.id, rev + 1),
        &steps,
    )?];
    let shelf = keys::store_listing(who.tenant_id, app.id);
    match (was_in_store, app.in_store()) {
        (false, true) => writes.push(record::put(shelf, &Shelved {}, Condition::Always)?),
        (true, false) => writes.push(Write::Delete(shelf, Condition::Always)),
        _ => {}
    }
    Ok(writes)
}

fn not_allowed(app: &App, action: Action) -> Error {
    let allowed: Vec<&str> = actions(app.kind, app.state)
        .into_iter()
        .map(Action::title)
        .collect();
    let allowed = if allowed.is_empty() {
        "none".to_owned()
    } else {
        allowed.join(", ")
    };
    Error::invalid(format!(
        "{} is not allowed for an app in the state {}; allowed: {allowed}",
        action.title(),
        app.state.title()
    ))
}

/// An app's history, oldest first.
///
/// # Errors
/// The store's.
pub async fn history(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: AppId,
) -> Result<Vec<Steps>, Error> {
    let items = reader.all(history_query(tenant_id, id)).await?;
    items
        .into_iter()
        .map(|item| Ok(Stored::<Steps>::parse(item)?.value))
        .collect()
}

/// What reading an app's history asks.
pub fn history_query(tenant_id: TenantId, id: AppId) -> Query {
    Query {
        prefix: keys::HISTORY_PREFIX.to_owned(),
        ..Query::all(keys::app_parts(tenant_id, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::kind;
    use crate::model::apps::life_cycle;

    #[test]
    fn every_spelling_of_an_action() {
        for text in [
            "Submit for Review",
            "Submit#for#Review",
            "Submit+for+Review",
            "Submit%20for%20Review",
            "Submit%23for%23Review",
            "submit  for review",
            "Submit",
        ] {
            assert_eq!(
                life_cycle::Action::parse(text).unwrap(),
                life_cycle::Action::SubmitForReview,
                "{text}"
            );
        }
        for action in life_cycle::Action::ALL.iter().copied() {
            assert_eq!(life_cycle::Action::parse(action.title()).unwrap(), action);
        }
        for text in ["", "Block", "Publish Publish", "Demote"] {
            assert!(
                life_cycle::Action::parse(text)
                    .unwrap_err()
                    .message
                    .contains("Re-Publish"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_way_into_the_store_is_made_of_allowed_steps() {
        for kind in [
            kind::AppKind::Mobile,
            kind::AppKind::Web,
            kind::AppKind::Site,
        ] {
            for state in life_cycle::LifeCycleState::ALL.iter().copied() {
                let Some(way) = way_into_store(state) else {
                    continue;
                };
                let end = way
                    .iter()
                    .try_fold(state, |state, action| target(kind, state, *action));
                assert_eq!(
                    end,
                    Some(life_cycle::LifeCycleState::Published),
                    "{kind:?} {state:?}"
                );
            }
        }
    }

    #[test]
    fn mobile_apps_do_not_recycle_and_do_not_revert() {
        assert_eq!(
            actions(
                kind::AppKind::Mobile,
                life_cycle::LifeCycleState::Unpublished
            ),
            [life_cycle::Action::RePublish, life_cycle::Action::Retire]
        );
        assert_eq!(
            actions(kind::AppKind::Web, life_cycle::LifeCycleState::Unpublished),
            [
                life_cycle::Action::RePublish,
                life_cycle::Action::Retire,
                life_cycle::Action::Recycle
            ]
        );
        assert_eq!(
            actions(kind::AppKind::Mobile, life_cycle::LifeCycleState::Approved),
            [life_cycle::Action::Publish]
        );
        assert!(actions(kind::AppKind::Site, life_cycle::LifeCycleState::Retired).is_empty());
    }
}

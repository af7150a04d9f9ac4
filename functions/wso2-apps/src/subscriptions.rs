//! 001 9: who has an app, and subscribing to it.

use std::collections::BTreeSet;

use serde::Serialize;
use shared::base::conditions::Validators;
use shared::base::error::Error;
use shared::base::id::{AppId, TenantId};
use shared::base::rights::Right;
use shared::domain::apps::{app, subscription};
use shared::http::incoming::Incoming;
use shared::http::pipeline::Plan;
use shared::http::reply::Reply;
use shared::model::apps::app::App;
use shared::model::apps::subscription::Subscription;
use shared::model::people::principal::Principal;
use shared::store::record::Reader;
use shared::store::{Condition, Write, keys};

use crate::body::Call;
use crate::life_cycle;
use crate::subject::Subject;

#[derive(Serialize)]
struct UserIds<'a> {
    #[serde(rename = "userIds")]
    names: &'a BTreeSet<String>,
}

/// The names of who has an app, and the state of that list.
async fn subscribers(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: AppId,
    app: &App,
) -> Result<(BTreeSet<String>, Validators), Error> {
    let found = subscription::list(reader, tenant_id, id).await?;
    let names = found.names.into_iter().collect();
    let bytes = serde_json::to_vec(&UserIds { names: &names }).map_err(Error::internal)?;
    Ok((
        names,
        Validators::of_content(&bytes).modified(found.changed.unwrap_or(app.created)),
    ))
}

/// What listing an app's subscribers reads.
pub fn list_plan(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let plan = life_cycle::plan(incoming, tenant_id);
    match Subject::of_path(incoming)
        .ok()
        .and_then(|subject| subject.id())
    {
        Some(id) => plan.query(subscription::of_app(tenant_id, id)),
        None => plan,
    }
}

/// The names of those who installed an app or subscribed to it, each once, sorted (001 9).
pub async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let (id, found) = Subject::of_path(call.incoming)?
        .app(&mut call.reader, tenant_id)
        .await?;
    let (names, validators) = subscribers(&mut call.reader, tenant_id, id, &found.value).await?;
    Ok(Reply::of(&UserIds { names: &names })?.validators(validators))
}

/// Refuses an app that the caller does not see in the store: to whoever may look at the catalogue
/// it says why.
fn require_visible(app: &App, who: &Principal) -> Result<(), Error> {
    // What the store asks of users of apps beyond that it does not ask of members, who alone have
    // tokens.
    if app::visible(app, who, &[]) {
        Ok(())
    } else if who.holds(Right::ReadStoreItems) {
        Err(Error::forbidden(format!(
            "Only an app that is published can be subscribed to; this one is in the state {}",
            app.state.title()
        )))
    } else {
        Err(Error::not_found("There is no such app"))
    }
}

/// Subscribes the caller to an app that he sees in the store. Twice is fine.
pub async fn subscribe(call: Call<'_>) -> Result<Reply, Error> {
    let name = call.who()?.owner.username.clone();
    change(call, true).await?;
    Reply::of(&UserIds {
        names: &BTreeSet::from([name]),
    })
}

/// Ends the caller's own subscription. Without one it is fine too.
pub async fn unsubscribe(call: Call<'_>) -> Result<Reply, Error> {
    change(call, false).await?;
    Ok(Reply::empty())
}

async fn change(mut call: Call<'_>, to: bool) -> Result<(), Error> {
    let who = call.who()?;
    let incoming = call.incoming;
    let subject = Subject::of_path(incoming)?;
    let reader = &mut call.reader;
    let now = reader.now();
    shared::change!(reader, {
        let (id, found) = subject.app(reader, who.tenant_id).await?;
        let mine = reader
            .get::<Subscription>(&keys::subscription(who.tenant_id, id, &who.owner.user))
            .await?;
        let has = mine.is_some_and(|mine| !mine.value.ended);
        // Whoever has the app may give it back, whatever became of it since; nobody else learns
        // that it is there.
        if to || !has {
            require_visible(&found.value, who)?;
        }
        if incoming.conditions.guard_changes() {
            let (_, validators) = subscribers(reader, who.tenant_id, id, &found.value).await?;
            incoming.conditions.judge_change(&validators, false)?;
        }
        let mut writes = Vec::new();
        if has != to {
            writes.push(if to {
                subscription::subscribed(who, id, now)?
            } else {
                subscription::end_write(who, id, now)?
            });
            // An app that is withdrawn or deleted at this moment gets no subscriber.
            writes.push(Write::Check(
                found.key.clone(),
                if to {
                    Condition::Rev(found.rev)
                } else {
                    Condition::Present
                },
            ));
        }
        Ok(((), writes))
    })
}

/// What a change of the caller's own subscription reads first.
pub fn change_plan(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let user = shared::http::presented::choose_bearer(&incoming.presented)
        .and_then(|token| token.user().cloned());
    let subject = Subject::of_path(incoming)
        .ok()
        .and_then(|subject| subject.id());
    let mine = subject
        .zip(user)
        .map(|(id, user)| keys::subscription(tenant_id, id, &user));
    life_cycle::plan(incoming, tenant_id).and(mine)
}

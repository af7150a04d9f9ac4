//! Who has an app: whoever installed it from the store, or subscribed to it (001 9).

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::base::limits::MAX_ANSWER;
use crate::model::apps::subscription::Subscription;
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Query, Write, keys, record};

/// The write that the caller has an app.
///
/// # Errors
/// Internal.
pub fn subscribed(who: &Principal, app: AppId, now: Timestamp) -> Result<Write, Error> {
    write(who, app, false, now)
}

/// The write that the caller has ended his subscription.
///
/// # Errors
/// Internal.
pub fn end_write(who: &Principal, app: AppId, now: Timestamp) -> Result<Write, Error> {
    write(who, app, true, now)
}

fn write(who: &Principal, app: AppId, ended: bool, now: Timestamp) -> Result<Write, Error> {
    let subscription = Subscription {
        user: who.owner.user.clone(),
        username: who.owner.username.clone(),
        at: now,
        ended,
    };
    record::put(
        keys::subscription(who.tenant_id, app, &who.owner.user),
        &subscription,
        Condition::Always,
    )
}

/// What reading an app's subscriptions asks.
pub fn of_app(tenant_id: TenantId, app: AppId) -> Query {
    Query {
        prefix: keys::SUBSCRIPTION_PREFIX.to_owned(),
        ..Query::all(keys::app_parts(tenant_id, app))
    }
}

/// Who has an app.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Subscribers {
    /// The names, as they were then, in the order of the users' guids.
    pub names: Vec<String>,
    /// When one came or went last; `None` where nobody ever did.
    pub changed: Option<Timestamp>,
}

/// Everybody who has an app: one query per MB.
///
/// # Errors
/// Too large beyond one answer, before more is read; the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
) -> Result<Subscribers, Error> {
    let mut query = of_app(tenant_id, app);
    let (mut found, mut bytes) = (Subscribers::default(), 0);
    loop {
        let page = reader.query(&query).await?;
        for item in page.items {
            let subscription = Stored::<Subscription>::parse(item)?.value;
            found.changed = found.changed.max(Some(subscription.at));
            if !subscription.ended {
                bytes += subscription.username.len();
                found.names.push(subscription.username);
            }
        }
        if bytes > MAX_ANSWER {
            return Err(Error::too_large("The list is too large for one answer"));
        }
        if page.next.is_none() {
            return Ok(found);
        }
        query.after = page.next;
    }
}

//! Who has an app: whoever installed it from the store, or subscribed to it (001 9).

use serde::{Deserialize, Serialize};

use crate::access::Principal;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{AppId, Guid, Handle};
use crate::records::{self, Reader, Record, Stored};
use crate::reply::ANSWER_LIMIT;
use crate::store::{Condition, Query, Write, keys};

/// That a user has an app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// The user.
    pub user: Guid,
    /// His name, as it was then.
    pub username: String,
    /// When he subscribed or installed last, or ended it.
    pub at: Timestamp,
    /// Whether he ended it. The record stays: without it the list would look unchanged to whoever
    /// asks by a date.
    #[serde(default)]
    pub ended: bool,
}

impl Record for Subscription {
    const KIND: &'static str = "subscription";
}

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
pub fn ended(who: &Principal, app: AppId, now: Timestamp) -> Result<Write, Error> {
    write(who, app, true, now)
}

fn write(who: &Principal, app: AppId, ended: bool, now: Timestamp) -> Result<Write, Error> {
    let subscription = Subscription {
        user: who.owner.user.clone(),
        username: who.owner.username.clone(),
        at: now,
        ended,
    };
    records::put(
        keys::subscription(who.handle, app, &who.owner.user),
        &subscription,
        Condition::Always,
    )
}

/// What reading an app's subscriptions asks.
pub fn of_app(handle: Handle, app: AppId) -> Query {
    Query {
        prefix: keys::SUBSCRIPTION_PREFIX.to_owned(),
        ..Query::all(keys::app_parts(handle, app))
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
    handle: Handle,
    app: AppId,
) -> Result<Subscribers, Error> {
    let mut query = of_app(handle, app);
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
        if bytes > ANSWER_LIMIT {
            return Err(Error::too_large("The list is too large for one answer"));
        }
        if page.next.is_none() {
            return Ok(found);
        }
        query.after = page.next;
    }
}

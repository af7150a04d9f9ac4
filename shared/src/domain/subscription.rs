//! Who has an app: whoever installed it from the store, or subscribed to it (001 9).

use serde::{Deserialize, Serialize};

use crate::access::Principal;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{AppId, Guid, Handle};
use crate::records::{self, Reader, Record, Stored};
use crate::store::{Condition, Query, Write, keys};

/// That a user has an app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// The user.
    pub user: Guid,
    /// His name, as it was then.
    pub username: String,
    /// When he subscribed or installed last.
    pub at: Timestamp,
}

impl Record for Subscription {
    const KIND: &'static str = "subscription";
}

/// The write that the caller has an app.
///
/// # Errors
/// Internal.
pub fn subscribed(who: &Principal, app: AppId, now: Timestamp) -> Result<Write, Error> {
    let subscription = Subscription { user: who.owner.user.clone(), username: who.owner.username.clone(), at: now };
    records::put(keys::subscription(who.handle, app, &who.owner.user), &subscription, Condition::Always)
}

/// What reading an app's subscriptions asks.
pub fn of_app(handle: Handle, app: AppId) -> Query {
    Query { prefix: keys::SUBSCRIPTION_PREFIX.to_owned(), ..Query::all(keys::app_parts(handle, app)) }
}

/// Everybody who has an app, in the order of their guids.
///
/// # Errors
/// The store's.
pub async fn list(reader: &mut Reader<'_>, handle: Handle, app: AppId) -> Result<Vec<Subscription>, Error> {
    let items = reader.all(of_app(handle, app)).await?;
    items.into_iter().map(|item| Ok(Stored::<Subscription>::parse(item)?.value)).collect()
}

//! Policy partials: XACML conditions under a number, mapped to web apps through their policy groups (001 1, 14).

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{AppId, Guid, Handle};
use crate::records::{self, Reader, Record, Stored};
use crate::store::{Condition, Key, Write, keys};

/// A policy partial. Its item's counter says to how many apps it is mapped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Partial {
    /// Its number.
    pub id: u32,
    /// Its name, which others may have too.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The XACML rule or condition, as it was sent.
    pub text: String,
    /// Whether others than its author may map it and see it in lists.
    pub shared: bool,
    /// Who made it.
    pub author: Guid,
    /// Since when.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
}

impl Record for Partial {
    const KIND: &'static str = "partial";
}

/// That a partial is mapped to an app; the key says which.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mapped {
    /// The app.
    pub app: AppId,
}

impl Record for Mapped {
    const KIND: &'static str = "mapped-partial";
}

/// Most partials of one app: its deletion undoes them in one transaction.
pub const APP_LIMIT: usize = 10;

/// The writes that make `after` the partials of an app in place of `before`. A private partial can be mapped by its author
/// alone; one that was mapped before stays.
///
/// # Errors
/// Invalid for an unknown partial, somebody else's private one, and beyond [`APP_LIMIT`]; the store's.
pub async fn map(reader: &mut Reader<'_>, handle: Handle, user: &Guid, app: AppId, before: &[u32], after: &[u32]) -> Result<Vec<Write>, Error> {
    let (mut before, mut after) = (before.to_vec(), after.to_vec());
    for list in [&mut before, &mut after] {
        list.sort_unstable();
        list.dedup();
    }
    if after.len() > APP_LIMIT {
        return Err(Error::invalid(format!("policyPartialMapping: at most {APP_LIMIT} policy partials for one app")));
    }
    let added: Vec<u32> = after.iter().filter(|id| !before.contains(id)).copied().collect();
    let wanted: Vec<Key> = added.iter().map(|id| keys::partial(handle, *id)).collect();
    let mut writes = Vec::new();
    for (id, found) in added.iter().zip(reader.get_all::<Partial>(&wanted).await?) {
        if !found.is_some_and(|found| found.value.shared || found.value.author == *user) {
            return Err(Error::invalid(format!("policyPartialMapping: there is no policy partial {id}")));
        }
        writes.push(records::put(keys::partial_app(handle, *id, app), &Mapped { app: app.item() }, Condition::Always)?);
        writes.push(counted(handle, *id, 1));
    }
    for id in before.iter().filter(|id| !after.contains(id)) {
        writes.push(Write::Delete(keys::partial_app(handle, *id, app), Condition::Always));
        writes.push(counted(handle, *id, -1));
    }
    Ok(writes)
}

/// The writes that map partials to a new version of an app, as they are mapped to the version that it is made of: nobody's
/// leave is asked again.
///
/// # Errors
/// Internal.
pub fn copied(handle: Handle, app: AppId, partials: &[u32]) -> Result<Vec<Write>, Error> {
    let mut writes = Vec::new();
    for id in partials {
        writes.push(records::put(keys::partial_app(handle, *id, app), &Mapped { app: app.item() }, Condition::Always)?);
        writes.push(counted(handle, *id, 1));
    }
    Ok(writes)
}

fn counted(handle: Handle, id: u32, by: i64) -> Write {
    Write::Count { key: keys::partial(handle, id), kind: Partial::KIND, by, condition: Condition::Present }
}

/// A partial.
///
/// # Errors
/// Not found; the store's.
pub async fn find(reader: &mut Reader<'_>, handle: Handle, id: u32) -> Result<Stored<Partial>, Error> {
    let found = reader.get(&keys::partial(handle, id)).await?;
    found.ok_or_else(|| Error::not_found(format!("There is no policy partial {id}")))
}

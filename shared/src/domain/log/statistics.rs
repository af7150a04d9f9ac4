//! Who uses which apps (001 "stats"), counted from the log of downloads and installs. Requests to
//! apps do not pass through this product, so that an app that is used without being fetched from
//! the store is not in it.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::base::kind::Listing;
use crate::model::apps::app::App;
use crate::model::log::audit::LogRow;
use crate::store::keys::LogOf;
use crate::store::record::{Reader, Stored};
use crate::store::{Key, Query, keys};

/// The time that a statistic is about: beginning and end are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Window {
    /// Its beginning; without one that of the log.
    pub start: Option<Timestamp>,
    /// Its end; without one now.
    pub end: Option<Timestamp>,
}

/// How often a user fetched an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The user's name, as it was when he did last.
    pub username: String,
    /// How often.
    pub count: u64,
    /// When he did last.
    pub last: Timestamp,
}

/// An app with those who fetched it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Its id in the list: that of its binary.
    pub id: AppId,
    /// Its name in the list.
    pub name: String,
    /// Its version in the list.
    pub version: String,
    /// Where a gateway serves it.
    pub context: Option<String>,
    /// Its users: who fetched it most often first, then by name.
    pub users: Vec<Use>,
}

impl Used {
    /// How often it was fetched by all of them.
    pub fn count(&self) -> u64 {
        self.users.iter().map(|user| user.count).sum()
    }
}

/// Most pages of the log that one statistic reads: 1 MB each.
pub const PAGES: usize = 8;

/// Most apps of one statistic: a hundred of their app records are read in one call.
pub const APPS: usize = 1_000;

fn too_much() -> Error {
    Error::too_large(
        "The log holds more of that time than one statistic reads: narrow it with startTimeStamp \
            and endTimeStamp",
    )
}

/// What reading a statistic asks first; nothing for lists whose apps are never fetched.
pub fn first_rows(tenant_id: TenantId, listing: Listing, window: Window) -> Option<Query> {
    // The log is of binaries, which only mobile apps have.
    (listing == Listing::Mobile).then(|| {
        Query::all(keys::log(tenant_id, LogOf::All)).after(window.start.map(keys::log_from))
    })
}

/// The apps of a list that were fetched in that time, as they are now called, the most fetched
/// first. Apps and binaries that are gone are not in it. It makes at most [`PAGES`] queries and a
/// call for each hundred apps.
///
/// # Errors
/// Too large where the log holds more than [`PAGES`] MB or [`APPS`] apps of that time; the store's.
pub async fn used(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    listing: Listing,
    window: Window,
) -> Result<Vec<Used>, Error> {
    let Some(query) = first_rows(tenant_id, listing, window) else {
        return Ok(Vec::new());
    };
    let counted = counted(reader, query, window).await?;
    let mut items: Vec<AppId> = counted.keys().map(|binary| binary.item()).collect();
    // Binaries of one item stand side by side.
    items.dedup();
    if items.len() > APPS {
        return Err(too_much());
    }
    let keys: Vec<Key> = items
        .iter()
        .map(|item| keys::app(tenant_id, *item))
        .collect();
    let apps: BTreeMap<AppId, App> = reader
        .get_all::<App>(&keys)
        .await?
        .into_iter()
        .flatten()
        .map(|app| (app.value.id, app.value))
        .collect();
    let mut all: Vec<Used> = counted
        .into_iter()
        .filter_map(|(binary, users)| shown(&apps, listing, binary, users))
        .collect();
    all.sort_by(|left, right| {
        (right.count(), &left.name, &left.version, left.id).cmp(&(
            left.count(),
            &right.name,
            &right.version,
            right.id,
        ))
    });
    Ok(all)
}

/// How often each user fetched each binary.
async fn counted(
    reader: &mut Reader<'_>,
    mut query: Query,
    window: Window,
) -> Result<BTreeMap<AppId, BTreeMap<Guid, Use>>, Error> {
    let mut counted = BTreeMap::<AppId, BTreeMap<Guid, Use>>::new();
    for _ in 0..PAGES {
        let page = reader.query(&query).await?;
        for item in page.items {
            let row = Stored::<LogRow>::parse(item)?.value;
            if window.end.is_some_and(|end| row.at > end) {
                return Ok(counted);
            }
            let of_user = counted.entry(row.binary).or_default().entry(row.user);
            let found = of_user.or_insert_with(|| Use {
                username: String::new(),
                count: 0,
                last: row.at,
            });
            // Rows come in the order of time.
            *found = Use {
                username: row.username,
                count: found.count + 1,
                last: row.at,
            };
        }
        if page.next.is_none() {
            return Ok(counted);
        }
        query.after = page.next;
    }
    Err(too_much())
}

fn shown(
    apps: &BTreeMap<AppId, App>,
    listing: Listing,
    id: AppId,
    users: BTreeMap<Guid, Use>,
) -> Option<Used> {
    let app = apps.get(&id.item()).filter(|app| listing.holds(app.kind))?;
    // The list has no row for a binary that was removed.
    app.binary(id.kind()?)?;
    let mut users: Vec<Use> = users.into_values().collect();
    users.sort_by(|left, right| (right.count, &left.username).cmp(&(left.count, &right.username)));
    Some(Used {
        id,
        name: app.listed_name().to_owned(),
        version: app.listed_version(id),
        context: app.context.clone(),
        users,
    })
}

//! The store front: the tenant's one app store, and what is on its shelf.

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, Handle};
use crate::base::text::{Description, Name};
use crate::change;
use crate::domain::apps::{app, life_cycle};
use crate::domain::events::event;
use crate::model::apps::app::{AppCard, Icon};
use crate::model::apps::life_cycle::{Action, State};
use crate::model::apps::store_front::StoreFront;
use crate::model::people::auth_policy::Policy;
use crate::model::people::principal::Principal;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Query, TRANSACTION_LIMIT, Write, keys};

/// The store with its icon and the ids of its items, oldest first.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The store.
    pub store: Stored<StoreFront>,
    /// Its icon, base64, empty where there is none.
    pub icon: String,
    /// The items in it.
    pub items: Vec<AppId>,
}

/// What reading the store whole asks: one partition.
pub fn listing(handle: Handle) -> Query {
    Query::all(keys::store_front(handle))
}

fn no_store() -> Error {
    Error::not_found("There is no such store")
}

/// The store with everything.
///
/// # Errors
/// Not found where the tenant does not exist; the store's.
pub async fn read(reader: &mut Reader<'_>, handle: Handle) -> Result<Whole, Error> {
    let (mut store, mut icon, mut items) = (None, String::new(), Vec::new());
    for item in reader.all(listing(handle)).await? {
        if let Some(id) = item.key.sk.strip_prefix(keys::SHELF_PREFIX) {
            items.push(AppId::from_sort_key(id).map_err(Error::internal)?);
        } else if item.kind == Icon::KIND {
            icon = Stored::<Icon>::parse(item)?.value.png;
        } else {
            store = Some(Stored::<StoreFront>::parse(item)?);
        }
    }
    Ok(Whole {
        store: store.ok_or_else(no_store)?,
        icon,
        items,
    })
}

/// The store alone, and its policies with names and types.
///
/// # Errors
/// Not found where the tenant does not exist; the store's.
pub async fn policies(
    reader: &mut Reader<'_>,
    handle: Handle,
    store: &StoreFront,
) -> Result<Vec<Policy>, Error> {
    let items = reader.all(Query::all(keys::policies(handle))).await?;
    let found = items
        .into_iter()
        .map(|item| Ok(Stored::<Policy>::parse(item)?.value))
        .collect::<Result<Vec<_>, Error>>()?;
    // In the store's order; a policy that is gone is not shown.
    Ok(store
        .policies
        .iter()
        .filter_map(|guid| found.iter().find(|policy| policy.guid == *guid).cloned())
        .collect())
}

/// The store's record.
///
/// # Errors
/// Not found; the store's.
pub async fn store(reader: &mut Reader<'_>, handle: Handle) -> Result<Stored<StoreFront>, Error> {
    reader.get(&keys::store(handle)).await?.ok_or_else(no_store)
}

/// What is to be changed; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The name.
    pub name: Option<Name>,
    /// What it is.
    pub description: Option<Description>,
    /// The whole set of items in it.
    pub items: Option<Vec<AppId>>,
    /// The whole list of its policies.
    pub policies: Option<Vec<Guid>>,
}

/// Most items that one call puts into the store or takes out of it: five writes each, one for the
/// store, and one for what waits to be held against the alerts. Items with binaries of several
/// types take more.
pub const ITEMS_LIMIT: usize = 19;

/// Changes the store (003 2.2): all or nothing.
///
/// # Errors
/// Not found `invalid_guid` for an unknown item or policy; invalid beyond [`ITEMS_LIMIT`] items
/// that come or go at once; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    who: &Principal,
    changes: &Changes,
) -> Result<Whole, Error> {
    let (handle, now) = (who.handle, reader.now());
    change!(reader, {
        let mut whole = read(reader, handle).await?;
        let store = &mut whole.store.value;
        if let Some(policies) = &changes.policies {
            app::require_policies(reader, handle, policies, &store.policies).await?;
            store.policies = policies.clone();
        }
        store.name = changes.name.clone().unwrap_or_else(|| store.name.clone());
        store.description = changes
            .description
            .clone()
            .unwrap_or_else(|| store.description.clone());
        let mut writes = vec![whole.store.replace()?];
        if let Some(items) = &changes.items {
            let mut wanted = items.clone();
            wanted.sort();
            wanted.dedup();
            let moved: Vec<AppId> = wanted
                .iter()
                .filter(|id| !whole.items.contains(id))
                .chain(whole.items.iter().filter(|id| !wanted.contains(id)))
                .copied()
                .collect();
            if moved.len() > ITEMS_LIMIT {
                return Err(Error::invalid(Code::InvalidStoreitems.with(format!(
                    "at most {ITEMS_LIMIT} items can come or go in one call"
                ))));
            }
            let cards: Vec<Key> = moved.iter().map(|id| keys::app_card(handle, *id)).collect();
            for (id, card) in moved.iter().zip(reader.get_all::<AppCard>(&cards).await?) {
                let shelve = wanted.contains(id);
                match card {
                    Some(card) => writes.extend(shelving(who, card, shelve, now)?),
                    None if shelve => {
                        return Err(Error::not_found(
                            Code::InvalidGuid
                                .beside("There is no item with this guid in this domain"),
                        ));
                    }
                    None => writes.push(Write::Delete(keys::shelf(handle, *id), Condition::Always)),
                }
            }
            writes = event::together(writes)?;
            if writes.len() > TRANSACTION_LIMIT {
                return Err(Error::invalid(Code::InvalidStoreitems.with(
                    "fewer items can come or go in one call where they have binaries of \
                            several types",
                )));
            }
            whole.items = wanted;
        }
        Ok((whole, writes))
    })
}

fn shelving(
    who: &Principal,
    mut found: Stored<AppCard>,
    shelve: bool,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let before = found.value.clone();
    let taken = moved(who, &mut found.value, found.rev, shelve, now)?;
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let mut writes = app::rewritten(who.handle, &before, &mut found, &who.owner.username, now)?;
    writes.extend(taken);
    Ok(writes)
}

/// Takes a card into the store or out of it by the steps of its life cycle. Gives the writes of
/// these beside the card's own, which the caller adds: none where it is there already. `rev` is the
/// card's revision as it was read.
///
/// # Errors
/// Conflict for an app that is deprecated or retired and is to come into the store; forbidden
/// without the right of a step.
pub fn moved(
    who: &Principal,
    card: &mut AppCard,
    rev: u64,
    shelve: bool,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let way: &[Action] = match (shelve, card.state) {
        (true, state) => life_cycle::way_into_store(state).ok_or_else(|| {
            Error::conflict(format!(
                "An app in the state {} cannot come into the store any more",
                state.title()
            ))
        })?,
        (false, State::Published) => &[Action::Unpublish],
        (false, _) => &[],
    };
    life_cycle::take(who, card, rev, way, None, now)
}

/// Puts an item into the store or takes it out (003 2.3, 2.4), by the steps of its life cycle.
/// Twice is fine.
///
/// # Errors
/// Not found for an unknown item; conflict for one that is deprecated or retired; the store's.
pub async fn shelve(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    shelve: bool,
) -> Result<(), Error> {
    let now = reader.now();
    change!(reader, {
        let found = app::card(reader, who.handle, id).await?;
        Ok(((), shelving(who, found, shelve, now)?))
    })
}

/// Adds a policy to the store, or removes it (003 2.7, 2.8). Adding twice and removing what is not
/// there are fine.
///
/// # Errors
/// Not found for an unknown policy that is to be added; the store's.
pub async fn change_policy(
    reader: &mut Reader<'_>,
    who: &Principal,
    policy: &Guid,
    add: bool,
) -> Result<(), Error> {
    let handle = who.handle;
    change!(reader, {
        let mut found = store(reader, handle).await?;
        let before = found.value.policies.clone();
        found.value.policies.retain(|have| have != policy);
        if add {
            found.value.policies.push(policy.clone());
            app::require_policies(reader, handle, &found.value.policies, &before).await?;
        }
        Ok((
            (),
            if found.value.policies == before {
                Vec::new()
            } else {
                vec![found.replace()?]
            },
        ))
    })
}

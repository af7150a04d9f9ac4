//! The store front: the tenant's one app store, and what is on its store listing.

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::base::text::{Description, Name};
use crate::change;
use crate::domain::apps::{app, life_cycle};
use crate::domain::events::event;
use crate::model::apps::app::{App, Icon};
use crate::model::apps::life_cycle::{Action, LifeCycleState};
use crate::model::apps::store_front::StoreFront;
use crate::model::people::auth_policy::Policy;
use crate::model::people::principal::Principal;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, MAX_TRANSACTION, Query, Write, keys};

/// The store with its icon and the ids of its items, oldest first.
#[derive(Clone, Debug)]
pub struct StoreDetails {
    /// The store.
    pub store: Stored<StoreFront>,
    /// Its icon, base64, empty where there is none.
    pub icon: String,
    /// The items in it.
    pub items: Vec<AppId>,
}

/// What reading the store whole asks: one partition.
pub fn listing(tenant_id: TenantId) -> Query {
    Query::all(keys::store_front(tenant_id))
}

fn no_store() -> Error {
    Error::not_found("There is no such store")
}

/// The store with everything.
///
/// # Errors
/// Not found where the tenant does not exist; the store's.
pub async fn read(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<StoreDetails, Error> {
    let (mut store, mut icon, mut items) = (None, String::new(), Vec::new());
    for item in reader.all(listing(tenant_id)).await? {
        if let Some(id) = item.key.sk.strip_prefix(keys::SHELF_PREFIX) {
            items.push(AppId::from_sort_key(id).map_err(Error::internal)?);
        } else if item.kind == Icon::KIND {
            icon = Stored::<Icon>::parse(item)?.value.png;
        } else {
            store = Some(Stored::<StoreFront>::parse(item)?);
        }
    }
    Ok(StoreDetails {
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
    tenant_id: TenantId,
    store: &StoreFront,
) -> Result<Vec<Policy>, Error> {
    let items = reader.all(Query::all(keys::policies(tenant_id))).await?;
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
pub async fn store(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
) -> Result<Stored<StoreFront>, Error> {
    reader
        .get(&keys::store(tenant_id))
        .await?
        .ok_or_else(no_store)
}

/// What is to be changed; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct StoreChanges {
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
pub const MAX_ITEMS: usize = 19;

/// Changes the store (003 2.2): all or nothing.
///
/// # Errors
/// Not found `invalid_guid` for an unknown item or policy; invalid beyond [`MAX_ITEMS`] items
/// that come or go at once; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    who: &Principal,
    changes: &StoreChanges,
) -> Result<StoreDetails, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    change!(reader, {
        let mut whole = read(reader, tenant_id).await?;
        let store = &mut whole.store.value;
        if let Some(policies) = &changes.policies {
            app::require_policies(reader, tenant_id, policies, &store.policies).await?;
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
            if moved.len() > MAX_ITEMS {
                return Err(Error::invalid(Code::InvalidStoreitems.with(format!(
                    "at most {MAX_ITEMS} items can come or go in one call"
                ))));
            }
            let apps: Vec<Key> = moved.iter().map(|id| keys::app(tenant_id, *id)).collect();
            for (id, app) in moved.iter().zip(reader.get_all::<App>(&apps).await?) {
                let shelve = wanted.contains(id);
                match app {
                    Some(app) => writes.extend(shelving(who, app, shelve, now)?),
                    None if shelve => {
                        return Err(Error::not_found(
                            Code::InvalidGuid
                                .beside("There is no item with this guid in this domain"),
                        ));
                    }
                    None => writes.push(Write::Delete(
                        keys::store_listing(tenant_id, *id),
                        Condition::Always,
                    )),
                }
            }
            writes = event::together(writes)?;
            if writes.len() > MAX_TRANSACTION {
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
    mut found: Stored<App>,
    shelve: bool,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let before = found.value.clone();
    let taken = moved(who, &mut found.value, found.rev, shelve, now)?;
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let mut writes =
        app::update_writes(who.tenant_id, &before, &mut found, &who.owner.username, now)?;
    writes.extend(taken);
    Ok(writes)
}

/// Takes an app record into the store or out of it by the steps of its life cycle. Gives the writes
/// of these beside the app record's own, which the caller adds: none where it is there already.
/// `rev` is the app record's revision as it was read.
///
/// # Errors
/// Conflict for an app that is deprecated or retired and is to come into the store; forbidden
/// without the right of a step.
pub fn moved(
    who: &Principal,
    app: &mut App,
    rev: u64,
    shelve: bool,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let way: &[Action] = match (shelve, app.state) {
        (true, state) => life_cycle::way_into_store(state).ok_or_else(|| {
            Error::conflict(format!(
                "An app in the state {} cannot come into the store any more",
                state.title()
            ))
        })?,
        (false, LifeCycleState::Published) => &[Action::Unpublish],
        (false, _) => &[],
    };
    life_cycle::take(who, app, rev, way, None, now)
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
        let found = app::read(reader, who.tenant_id, id).await?;
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
    let tenant_id = who.tenant_id;
    change!(reader, {
        let mut found = store(reader, tenant_id).await?;
        let before = found.value.policies.clone();
        found.value.policies.retain(|have| have != policy);
        if add {
            found.value.policies.push(policy.clone());
            app::require_policies(reader, tenant_id, &found.value.policies, &before).await?;
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

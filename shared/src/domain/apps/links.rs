//! Links between items and groups: one idea behind `addgroups`, `removegroups`, `addstoreitems` and
//! `removestoreitems`.
//!
//! The item's app record holds its groups (what visibility asks), the group's partition holds its
//! items (what `read` of the group shows), and the group's counter says how many.

use std::collections::BTreeSet;

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::change;
use crate::domain::apps::app;
use crate::domain::events::event;
use crate::domain::people::group;
use crate::domain::people::group::Members;
use crate::model::apps::app::{App, MAX_GROUPS};
use crate::model::people::group::{Group, Member};
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

fn membership_writes(tenant_id: TenantId, group: &Guid, app: AppId) -> Result<[Write; 2], Error> {
    let member = record::put(
        keys::group_item(tenant_id, group, app),
        &Member {},
        Condition::Always,
    )?;
    Ok([
        member,
        Write::Count {
            key: keys::group(tenant_id, group),
            kind: <Group as record::Record>::KIND,
            by: 1,
            condition: Condition::Present,
        },
    ])
}

/// A group that is gone has no counter to lower.
fn unlink(tenant_id: TenantId, group: &Guid, app: AppId) -> Vec<Write> {
    vec![Write::Delete(
        keys::group_item(tenant_id, group, app),
        Condition::Always,
    )]
}

fn unlink_counted(tenant_id: TenantId, group: &Guid, app: AppId) -> Vec<Write> {
    let mut writes = unlink(tenant_id, group, app);
    writes.push(Write::Count {
        key: keys::group(tenant_id, group),
        kind: <Group as record::Record>::KIND,
        by: -1,
        condition: Condition::Present,
    });
    writes
}

/// Makes `groups` the groups of this app record; gives the writes of the links beside the app
/// record's own.
///
/// # Errors
/// Not found `invalid_guid` for an unknown group among the new ones: none is linked then. Invalid
/// beyond [`MAX_GROUPS`]; the store's.
pub async fn regroup(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: &mut App,
    groups: &[Guid],
) -> Result<Vec<Write>, Error> {
    let mut wanted: Vec<Guid> = Vec::new();
    for group in groups {
        if !wanted.contains(group) {
            wanted.push(group.clone());
        }
    }
    if wanted.len() > MAX_GROUPS {
        return Err(Error::invalid(
            Code::InvalidGroups.with(format!("an item can be in at most {MAX_GROUPS} groups")),
        ));
    }
    let (added, removed): (Vec<&Guid>, Vec<&Guid>) = (
        wanted
            .iter()
            .filter(|group| !app.groups.contains(group))
            .collect(),
        app.groups
            .iter()
            .filter(|group| !wanted.contains(group))
            .collect(),
    );
    let group_keys: Vec<Key> = added
        .iter()
        .chain(&removed)
        .map(|group| keys::group(tenant_id, group))
        .collect();
    let found = reader.get_all::<Group>(&group_keys).await?;
    let (found_added, found_removed) = found.split_at(added.len());
    if found_added.iter().any(Option::is_none) {
        return Err(Error::not_found(
            Code::InvalidGuid.beside("There is no item with this guid in this domain"),
        ));
    }
    let mut writes = Vec::new();
    for group in &added {
        writes.extend(membership_writes(tenant_id, group, app.id)?);
    }
    for (group, found) in removed.iter().zip(found_removed) {
        writes.extend(if found.is_some() {
            unlink_counted(tenant_id, group, app.id)
        } else {
            unlink(tenant_id, group, app.id)
        });
    }
    app.groups = wanted;
    Ok(writes)
}

/// Adds groups to an app, or removes them (003 2.20, 2.21).
///
/// # Errors
/// As [`regroup`]; not found for an unknown app.
pub async fn change_groups(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    groups: &[Guid],
    add: bool,
) -> Result<App, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = app::read(reader, who.tenant_id, id).await?;
        let app_before = found.value.clone();
        let mut wanted = found.value.groups.clone();
        wanted.retain(|group| add || !groups.contains(group));
        if add {
            wanted.extend(groups.iter().cloned());
        }
        let links = regroup(reader, who.tenant_id, &mut found.value, &wanted).await?;
        let mut writes = Vec::new();
        if found.value.groups != app_before.groups {
            writes = app::update_writes(
                who.tenant_id,
                &app_before,
                &mut found,
                &who.owner.username,
                now,
            )?;
        }
        writes.extend(links);
        Ok((found.value, writes))
    })
}

/// Most items that one transaction puts into a group or takes out of it: three writes an item, one
/// for the group and one for what waits to be held against the alerts.
pub const MAX_ITEMS: usize = 32;

/// How an app took the wish to be in a group, or not to be.
enum Moved {
    /// It is moved by these writes.
    Now(Vec<Write>),
    /// It was as wished before.
    Before,
    /// It is in [`MAX_GROUPS`].
    Full,
}

fn moved(
    who: &Principal,
    guid: &Guid,
    mut found: Stored<App>,
    add: bool,
    now: Timestamp,
) -> Result<Moved, Error> {
    let (tenant_id, before) = (who.tenant_id, found.value.clone());
    let app = &mut found.value;
    let member = keys::group_item(tenant_id, guid, app.id);
    let link = match (add, app.groups.contains(guid)) {
        (true, false) if app.groups.len() >= MAX_GROUPS => return Ok(Moved::Full),
        (true, false) => {
            app.groups.push(guid.clone());
            record::put(member, &Member {}, Condition::Always)?
        }
        (false, true) => {
            app.groups.retain(|have| have != guid);
            Write::Delete(member, Condition::Always)
        }
        _ => return Ok(Moved::Before),
    };
    // What a list shows of it stays as it is.
    found.value.modified = now;
    let mut writes = vec![link, found.replace()?];
    writes.extend(event::record_writes(
        tenant_id,
        event::of_change(&before, &found.value, &who.owner.username, now),
    )?);
    Ok(Moved::Now(writes))
}

/// The write that counts so many items more in a group, or fewer; none for none.
fn counted(tenant_id: TenantId, guid: &Guid, moved: usize, add: bool) -> Option<Write> {
    let by = i64::try_from(moved).unwrap_or(i64::MAX);
    let kind = <Group as record::Record>::KIND;
    (moved > 0).then(|| Write::Count {
        key: keys::group(tenant_id, guid),
        kind,
        by: if add { by } else { -by },
        condition: Condition::Present,
    })
}

/// Puts apps into a group, or takes them out: all or none; gives the group as it is then.
///
/// # Errors
/// Not found for an unknown group, or an unknown app that is to be added; invalid beyond
/// [`MAX_ITEMS`]; the store's.
pub async fn change_items(
    reader: &mut Reader<'_>,
    who: &Principal,
    guid: &Guid,
    apps: &[AppId],
    add: bool,
) -> Result<Members, Error> {
    if apps.len() > MAX_ITEMS {
        return Err(Error::invalid(
            Code::InvalidGuid.with(format!("at most {MAX_ITEMS} items in one call")),
        ));
    }
    let mut apps = apps.to_vec();
    apps.sort();
    apps.dedup();
    let (tenant_id, now) = (who.tenant_id, reader.now());
    change!(reader, {
        let mut wanted = vec![keys::group(tenant_id, guid)];
        wanted.extend(apps.iter().map(|app| keys::app(tenant_id, *app)));
        reader.fetch_missing(&wanted).await?;
        let mut members = group::read(reader, tenant_id, guid).await?;
        let mut writes = Vec::new();
        let mut changed = 0;
        for found in reader.get_all::<App>(&wanted[1..]).await? {
            let Some(found) = found else {
                if add {
                    return Err(Error::not_found(
                        Code::InvalidGuid.beside("There is no item with this guid in this domain"),
                    ));
                }
                continue;
            };
            let id = found.value.id;
            members.items.retain(|item| *item != id);
            if add {
                members.items.push(id);
            }
            match moved(who, guid, found, add, now)? {
                Moved::Now(both) => {
                    writes.extend(both);
                    changed += 1;
                }
                Moved::Before => {}
                Moved::Full => {
                    return Err(Error::invalid(
                        Code::InvalidGroups
                            .with(format!("an item can be in at most {MAX_GROUPS} groups")),
                    ));
                }
            }
        }
        writes.extend(counted(tenant_id, guid, changed, add));
        members.items.sort();
        Ok((members, event::together(writes)?))
    })
}

/// Puts apps into a group, or takes them out, each for itself: gives those with which that was
/// done. It was not for an app that is not there, one that is in the group already (or is not in
/// it), and one that is in [`MAX_GROUPS`]. [`MAX_ITEMS`] go in one transaction; each of them is
/// whole.
///
/// # Errors
/// Not found for an unknown group; the store's, with the transactions before it done.
pub async fn change_each_item(
    reader: &mut Reader<'_>,
    who: &Principal,
    guid: &Guid,
    apps: &BTreeSet<AppId>,
    add: bool,
) -> Result<BTreeSet<AppId>, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    let group_key = keys::group(tenant_id, guid);
    // Not to be told by a list of none alone.
    reader.get::<Group>(&group_key).await?.ok_or_else(|| {
        Error::not_found(Code::InvalidGuid.beside("There is no item with this guid in this domain"))
    })?;
    let mut all = BTreeSet::new();
    for batch in apps.iter().collect::<Vec<_>>().chunks(MAX_ITEMS) {
        let done = change!(reader, {
            let apps: Vec<Key> = batch
                .iter()
                .map(|app| keys::app(tenant_id, **app))
                .collect();
            let mut wanted = apps.clone();
            wanted.push(group_key.clone());
            reader.fetch_missing(&wanted).await?;
            reader.get::<Group>(&group_key).await?.ok_or_else(|| {
                Error::not_found(
                    Code::InvalidGuid.beside("There is no item with this guid in this domain"),
                )
            })?;
            let (mut done, mut writes) = (Vec::new(), Vec::new());
            for found in reader.get_all::<App>(&apps).await?.into_iter().flatten() {
                let id = found.value.id;
                if let Moved::Now(both) = moved(who, guid, found, add, now)? {
                    writes.extend(both);
                    done.push(id);
                }
            }
            writes.extend(counted(tenant_id, guid, done.len(), add));
            Ok((done, event::together(writes)?))
        })?;
        all.extend(done);
    }
    Ok(all)
}

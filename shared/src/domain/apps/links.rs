//! Links between items and groups: one idea behind `addgroups`, `removegroups`, `addstoreitems` and
//! `removestoreitems`.
//!
//! The item's card holds its groups (what visibility asks), the group's partition holds its items
//! (what `read` of the group shows), and the group's counter says how many.

use std::collections::BTreeSet;

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, Handle};
use crate::change;
use crate::domain::apps::app;
use crate::domain::events::event;
use crate::domain::people::group;
use crate::domain::people::group::Members;
use crate::model::apps::app::{AppCard, GROUPS_LIMIT};
use crate::model::people::group::{Group, Member};
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

fn link(handle: Handle, group: &Guid, app: AppId) -> Result<[Write; 2], Error> {
    let member = record::put(
        keys::group_item(handle, group, app),
        &Member {},
        Condition::Always,
    )?;
    Ok([
        member,
        Write::Count {
            key: keys::group(handle, group),
            kind: <Group as record::Record>::KIND,
            by: 1,
            condition: Condition::Present,
        },
    ])
}

/// A group that is gone has no counter to lower.
fn unlink(handle: Handle, group: &Guid, app: AppId) -> Vec<Write> {
    vec![Write::Delete(
        keys::group_item(handle, group, app),
        Condition::Always,
    )]
}

fn unlink_counted(handle: Handle, group: &Guid, app: AppId) -> Vec<Write> {
    let mut writes = unlink(handle, group, app);
    writes.push(Write::Count {
        key: keys::group(handle, group),
        kind: <Group as record::Record>::KIND,
        by: -1,
        condition: Condition::Present,
    });
    writes
}

/// Makes `groups` the groups of this card; gives the writes of the links beside the card's own.
///
/// # Errors
/// Not found `invalid_guid` for an unknown group among the new ones: none is linked then. Invalid
/// beyond [`GROUPS_LIMIT`]; the store's.
pub async fn regroup(
    reader: &mut Reader<'_>,
    handle: Handle,
    card: &mut AppCard,
    groups: &[Guid],
) -> Result<Vec<Write>, Error> {
    let mut wanted: Vec<Guid> = Vec::new();
    for group in groups {
        if !wanted.contains(group) {
            wanted.push(group.clone());
        }
    }
    if wanted.len() > GROUPS_LIMIT {
        return Err(Error::invalid(
            Code::InvalidGroups.with(format!("an item can be in at most {GROUPS_LIMIT} groups")),
        ));
    }
    let (added, removed): (Vec<&Guid>, Vec<&Guid>) = (
        wanted
            .iter()
            .filter(|group| !card.groups.contains(group))
            .collect(),
        card.groups
            .iter()
            .filter(|group| !wanted.contains(group))
            .collect(),
    );
    let group_keys: Vec<Key> = added
        .iter()
        .chain(&removed)
        .map(|group| keys::group(handle, group))
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
        writes.extend(link(handle, group, card.id)?);
    }
    for (group, found) in removed.iter().zip(found_removed) {
        writes.extend(if found.is_some() {
            unlink_counted(handle, group, card.id)
        } else {
            unlink(handle, group, card.id)
        });
    }
    card.groups = wanted;
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
) -> Result<AppCard, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = app::card(reader, who.handle, id).await?;
        let card_before = found.value.clone();
        let mut wanted = found.value.groups.clone();
        wanted.retain(|group| add || !groups.contains(group));
        if add {
            wanted.extend(groups.iter().cloned());
        }
        let links = regroup(reader, who.handle, &mut found.value, &wanted).await?;
        let mut writes = Vec::new();
        if found.value.groups != card_before.groups {
            writes = app::rewritten(
                who.handle,
                &card_before,
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
pub const ITEMS_LIMIT: usize = 32;

/// How an app took the wish to be in a group, or not to be.
enum Moved {
    /// It is moved by these writes.
    Now(Vec<Write>),
    /// It was as wished before.
    Before,
    /// It is in [`GROUPS_LIMIT`].
    Full,
}

fn moved(
    who: &Principal,
    guid: &Guid,
    mut found: Stored<AppCard>,
    add: bool,
    now: Timestamp,
) -> Result<Moved, Error> {
    let (handle, before) = (who.handle, found.value.clone());
    let card = &mut found.value;
    let member = keys::group_item(handle, guid, card.id);
    let link = match (add, card.groups.contains(guid)) {
        (true, false) if card.groups.len() >= GROUPS_LIMIT => return Ok(Moved::Full),
        (true, false) => {
            card.groups.push(guid.clone());
            record::put(member, &Member {}, Condition::Always)?
        }
        (false, true) => {
            card.groups.retain(|have| have != guid);
            Write::Delete(member, Condition::Always)
        }
        _ => return Ok(Moved::Before),
    };
    // What a list shows of it stays as it is.
    found.value.modified = now;
    let mut writes = vec![link, found.replace()?];
    writes.extend(event::told(
        handle,
        event::of_change(&before, &found.value, &who.owner.username, now),
    )?);
    Ok(Moved::Now(writes))
}

/// The write that counts so many items more in a group, or fewer; none for none.
fn counted(handle: Handle, guid: &Guid, moved: usize, add: bool) -> Option<Write> {
    let by = i64::try_from(moved).unwrap_or(i64::MAX);
    let kind = <Group as record::Record>::KIND;
    (moved > 0).then(|| Write::Count {
        key: keys::group(handle, guid),
        kind,
        by: if add { by } else { -by },
        condition: Condition::Present,
    })
}

/// Puts apps into a group, or takes them out: all or none; gives the group as it is then.
///
/// # Errors
/// Not found for an unknown group, or an unknown app that is to be added; invalid beyond
/// [`ITEMS_LIMIT`]; the store's.
pub async fn change_items(
    reader: &mut Reader<'_>,
    who: &Principal,
    guid: &Guid,
    apps: &[AppId],
    add: bool,
) -> Result<Members, Error> {
    if apps.len() > ITEMS_LIMIT {
        return Err(Error::invalid(
            Code::InvalidGuid.with(format!("at most {ITEMS_LIMIT} items in one call")),
        ));
    }
    let mut apps = apps.to_vec();
    apps.sort();
    apps.dedup();
    let (handle, now) = (who.handle, reader.now());
    change!(reader, {
        let mut wanted = vec![keys::group(handle, guid)];
        wanted.extend(apps.iter().map(|app| keys::app_card(handle, *app)));
        reader.fetch_missing(&wanted).await?;
        let mut members = group::read(reader, handle, guid).await?;
        let mut writes = Vec::new();
        let mut changed = 0;
        for found in reader.get_all::<AppCard>(&wanted[1..]).await? {
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
                            .with(format!("an item can be in at most {GROUPS_LIMIT} groups")),
                    ));
                }
            }
        }
        writes.extend(counted(handle, guid, changed, add));
        members.items.sort();
        Ok((members, event::together(writes)?))
    })
}

/// Puts apps into a group, or takes them out, each for itself: gives those with which that was
/// done. It was not for an app that is not there, one that is in the group already (or is not in
/// it), and one that is in [`GROUPS_LIMIT`]. [`ITEMS_LIMIT`] go in one transaction; each of them is
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
    let (handle, now) = (who.handle, reader.now());
    let group_key = keys::group(handle, guid);
    // Not to be told by a list of none alone.
    reader.get::<Group>(&group_key).await?.ok_or_else(|| {
        Error::not_found(Code::InvalidGuid.beside("There is no item with this guid in this domain"))
    })?;
    let mut all = BTreeSet::new();
    for batch in apps.iter().collect::<Vec<_>>().chunks(ITEMS_LIMIT) {
        let done = change!(reader, {
            let cards: Vec<Key> = batch
                .iter()
                .map(|app| keys::app_card(handle, **app))
                .collect();
            let mut wanted = cards.clone();
            wanted.push(group_key.clone());
            reader.fetch_missing(&wanted).await?;
            reader.get::<Group>(&group_key).await?.ok_or_else(|| {
                Error::not_found(
                    Code::InvalidGuid.beside("There is no item with this guid in this domain"),
                )
            })?;
            let (mut done, mut writes) = (Vec::new(), Vec::new());
            for found in reader
                .get_all::<AppCard>(&cards)
                .await?
                .into_iter()
                .flatten()
            {
                let id = found.value.id;
                if let Moved::Now(both) = moved(who, guid, found, add, now)? {
                    writes.extend(both);
                    done.push(id);
                }
            }
            writes.extend(counted(handle, guid, done.len(), add));
            Ok((done, event::together(writes)?))
        })?;
        all.extend(done);
    }
    Ok(all)
}

//! Links between items and groups: one idea behind `addgroups`, `removegroups`, `addstoreitems` and `removestoreitems`.
//!
//! The item's card holds its groups (what visibility asks), the group's partition holds its items (what `read` of the
//! group shows), and the group's counter says how many.

use crate::access::Principal;
use crate::change;
use crate::domain::app::{self, AppCard, GROUPS_LIMIT};
use crate::domain::group::{self, Group, Member, Members};
use crate::error::Error;
use crate::id::{AppId, Guid, Handle};
use crate::records::{self, Reader};
use crate::store::{Condition, Key, Write, keys};

fn link(handle: Handle, group: &Guid, app: AppId) -> Result<[Write; 2], Error> {
    let member = records::put(keys::group_item(handle, group, app), &Member {}, Condition::Always)?;
    Ok([member, Write::Count { key: keys::group(handle, group), kind: <Group as records::Record>::KIND, by: 1, condition: Condition::Present }])
}

/// A group that is gone has no counter to lower.
fn unlink(handle: Handle, group: &Guid, app: AppId) -> Vec<Write> {
    vec![Write::Delete(keys::group_item(handle, group, app), Condition::Always)]
}

fn unlink_counted(handle: Handle, group: &Guid, app: AppId) -> Vec<Write> {
    let mut writes = unlink(handle, group, app);
    writes.push(Write::Count { key: keys::group(handle, group), kind: <Group as records::Record>::KIND, by: -1, condition: Condition::Present });
    writes
}

/// Makes `groups` the groups of this card; gives the writes of the links beside the card's own.
///
/// # Errors
/// Not found `invalid_guid` for an unknown group among the new ones: none is linked then. Invalid beyond
/// [`GROUPS_LIMIT`]; the store's.
pub async fn regroup(reader: &mut Reader<'_>, handle: Handle, card: &mut AppCard, groups: &[Guid]) -> Result<Vec<Write>, Error> {
    let mut wanted: Vec<Guid> = Vec::new();
    for group in groups {
        if !wanted.contains(group) {
            wanted.push(group.clone());
        }
    }
    if wanted.len() > GROUPS_LIMIT {
        return Err(Error::invalid(format!("invalid_groups: at most {GROUPS_LIMIT}")));
    }
    let (added, removed): (Vec<&Guid>, Vec<&Guid>) =
        (wanted.iter().filter(|group| !card.groups.contains(group)).collect(), card.groups.iter().filter(|group| !wanted.contains(group)).collect());
    let group_keys: Vec<Key> = added.iter().chain(&removed).map(|group| keys::group(handle, group)).collect();
    let found = reader.get_all::<Group>(&group_keys).await?;
    let (found_added, found_removed) = found.split_at(added.len());
    if found_added.iter().any(Option::is_none) {
        return Err(Error::not_found("invalid_guid"));
    }
    let mut writes = Vec::new();
    for group in &added {
        writes.extend(link(handle, group, card.id)?);
    }
    for (group, found) in removed.iter().zip(found_removed) {
        writes.extend(if found.is_some() { unlink_counted(handle, group, card.id) } else { unlink(handle, group, card.id) });
    }
    card.groups = wanted;
    Ok(writes)
}

/// Adds groups to an app, or removes them (003 2.20, 2.21).
///
/// # Errors
/// As [`regroup`]; not found for an unknown app.
pub async fn change_groups(reader: &mut Reader<'_>, who: &Principal, id: AppId, groups: &[Guid], add: bool) -> Result<AppCard, Error> {
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
            writes = app::rewritten(who.handle, &card_before, &mut found, now)?;
        }
        writes.extend(links);
        Ok((found.value, writes))
    })
}

/// Most items that one call puts into a group or takes out of it: two writes an item and one for the group.
pub const ITEMS_LIMIT: usize = 49;

/// Puts apps into a group, or takes them out: all or none; gives the group as it is then.
///
/// # Errors
/// Not found for an unknown group, or an unknown app that is to be added; invalid beyond [`ITEMS_LIMIT`]; the store's.
pub async fn change_items(reader: &mut Reader<'_>, who: &Principal, guid: &Guid, apps: &[AppId], add: bool) -> Result<Members, Error> {
    if apps.len() > ITEMS_LIMIT {
        return Err(Error::invalid(format!("invalid_guid: at most {ITEMS_LIMIT} items in one call")));
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
        let mut changed = 0_i64;
        for found in reader.get_all::<AppCard>(&wanted[1..]).await? {
            let Some(mut found) = found else {
                if add {
                    return Err(Error::not_found("invalid_guid"));
                }
                continue;
            };
            let card = &mut found.value;
            let member = keys::group_item(handle, guid, card.id);
            members.items.retain(|id| *id != card.id);
            if add {
                members.items.push(card.id);
            }
            match (add, card.groups.contains(guid)) {
                (true, false) if card.groups.len() >= GROUPS_LIMIT => {
                    return Err(Error::invalid(format!("invalid_groups: an item can be in at most {GROUPS_LIMIT}")));
                }
                (true, false) => {
                    card.groups.push(guid.clone());
                    writes.push(records::put(member, &Member {}, Condition::Always)?);
                    changed += 1;
                }
                (false, true) => {
                    card.groups.retain(|have| have != guid);
                    writes.push(Write::Delete(member, Condition::Always));
                    changed -= 1;
                }
                _ => continue,
            }
            // What a list shows of it stays as it is.
            found.value.modified = now;
            writes.push(found.replace()?);
        }
        if changed != 0 {
            let kind = <Group as records::Record>::KIND;
            writes.push(Write::Count { key: wanted[0].clone(), kind, by: changed, condition: Condition::Present });
        }
        members.items.sort();
        Ok((members, writes))
    })
}

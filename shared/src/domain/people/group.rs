//! Groups of store items and users: who sees what is restricted to groups.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::base::text::{Description, Name};
use crate::change;
use crate::domain::people::user;
use crate::model::people::group::{Group, GroupName, Member};
use crate::model::people::principal::Principal;
use crate::model::people::user::User;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, MAX_TRANSACTION, Query, Write, keys, record};

/// A group with its members.
#[derive(Clone, Debug)]
pub struct Members {
    /// The group.
    pub group: Stored<Group>,
    /// The store items in it.
    pub items: Vec<AppId>,
    /// The users in it.
    pub users: Vec<Guid>,
}

fn unknown() -> Error {
    Error::not_found(Code::InvalidGuid.beside("There is no group with this guid in this domain"))
}

fn name_taken(error: Error) -> Error {
    // The only conflict of a create that is not retried is the claim of the name.
    if error.kind == crate::base::error::Kind::Conflict {
        Error::conflict("group names must be unique")
    } else {
        error
    }
}

/// Makes a group.
///
/// # Errors
/// Conflict where the name is taken; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    name: Name,
    description: Description,
) -> Result<Group, Error> {
    let group = Group {
        guid: Guid::random(),
        name,
        description,
        created: reader.now(),
    };
    let claim = GroupName {
        group: group.guid.clone(),
    };
    let made = change!(reader, {
        let name = record::create(keys::group_name(who.tenant_id, group.name.as_str()), &claim)?;
        Ok((
            (),
            vec![
                name,
                record::create(keys::group(who.tenant_id, &group.guid), &group)?,
            ],
        ))
    });
    made.map_err(name_taken)?;
    Ok(group)
}

/// All groups with the number of their items; or the one of that name.
///
/// # Errors
/// The store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    name: Option<&str>,
) -> Result<Vec<(Group, i64)>, Error> {
    let mut found = Vec::new();
    for item in reader.all(Query::all(keys::groups(tenant_id))).await? {
        let group = Stored::<Group>::parse(item)?;
        if name.is_none_or(|name| name.eq_ignore_ascii_case(group.value.name.as_str())) {
            found.push((group.value, group.count));
        }
    }
    found.sort_by_key(|(group, _)| group.created);
    Ok(found)
}

/// A group with its members.
///
/// # Errors
/// Not found; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
) -> Result<Members, Error> {
    let group: Stored<Group> = reader
        .get(&keys::group(tenant_id, guid))
        .await?
        .ok_or_else(unknown)?;
    let mut members = Members {
        group,
        items: Vec::new(),
        users: Vec::new(),
    };
    for item in reader
        .all(Query::all(keys::group_members(tenant_id, guid)))
        .await?
    {
        let sk = item.key.sk.as_str();
        if let Some(id) = sk.strip_prefix("I#") {
            members
                .items
                .push(AppId::from_sort_key(id).map_err(Error::internal)?);
        } else if let Some(user) = sk.strip_prefix("U#") {
            members.users.push(user.parse().map_err(Error::internal)?);
        }
    }
    Ok(members)
}

/// Changes a group's name or description; what is absent stays.
///
/// # Errors
/// Not found; conflict where the name is taken; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    who: &Principal,
    guid: &Guid,
    name: Option<Name>,
    description: Option<Description>,
) -> Result<(Group, i64), Error> {
    let tenant_id = who.tenant_id;
    let changed = change!(reader, {
        let mut found: Stored<Group> = reader
            .get(&keys::group(tenant_id, guid))
            .await?
            .ok_or_else(unknown)?;
        let mut writes = Vec::new();
        if let Some(name) = &name {
            let (before, after) = (
                keys::group_name(tenant_id, found.value.name.as_str()),
                keys::group_name(tenant_id, name.as_str()),
            );
            if before != after {
                writes.push(record::create(
                    after,
                    &GroupName {
                        group: guid.clone(),
                    },
                )?);
                writes.push(Write::Delete(before, Condition::Always));
            }
            found.value.name = name.clone();
        }
        if let Some(description) = &description {
            found.value.description = description.clone();
        }
        // First, since of two failed conditions the first one counts: who was overtaken looks
        // again, and may find the name its own.
        writes.insert(0, found.replace()?);
        Ok(((found.value, found.count), writes))
    });
    changed.map_err(name_taken)
}

/// Deletes a group. Its users leave it first, so that an item that is restricted to it is seen by
/// nobody afterwards; the items' references stay behind and match nobody, since a guid is never
/// given twice. Gives the group as it was.
///
/// # Errors
/// Not found; the store's.
pub async fn delete(reader: &mut Reader<'_>, who: &Principal, guid: &Guid) -> Result<Group, Error> {
    let tenant_id = who.tenant_id;
    let (group, leftovers) = loop {
        let done = change!(reader, {
            let found = read(reader, tenant_id, guid).await?;
            let (now, later) = found
                .users
                .split_at(found.users.len().min(USERS_AT_DELETION));
            let user_keys: Vec<Key> = now.iter().map(|user| keys::user(tenant_id, user)).collect();
            reader.fetch_missing(&user_keys).await?;
            let mut writes = Vec::new();
            for user in reader
                .get_all::<User>(&user_keys)
                .await?
                .into_iter()
                .flatten()
            {
                writes.extend(moved(tenant_id, guid, user, false)?);
            }
            if !later.is_empty() {
                writes.push(touched(tenant_id, guid));
                return Ok((None, writes));
            }
            let name = keys::group_name(tenant_id, found.group.value.name.as_str());
            writes.extend([found.group.remove(), Write::Delete(name, Condition::Always)]);
            let mut left: Vec<Write> = found
                .items
                .iter()
                .map(|app| {
                    Write::Delete(keys::group_item(tenant_id, guid, *app), Condition::Always)
                })
                .collect();
            writes
                .extend(left.drain(..left.len().min(MAX_TRANSACTION.saturating_sub(writes.len()))));
            Ok((Some((found.group.value, left)), writes))
        })?;
        match done {
            Some(deleted) => break deleted,
            None => reader.forget(),
        }
    };
    // What is left of a crash here is never shown: the group that it belongs to is gone.
    for batch in leftovers.chunks(MAX_TRANSACTION) {
        reader.table().write(batch.to_vec()).await?;
    }
    Ok(group)
}

/// How many users leave a group that is deleted in one transaction: room for the copies in their
/// API keys.
const USERS_AT_DELETION: usize = 10;

/// Most groups that a user is in: they stand in his record and in the copies in his API keys.
pub const GROUPS_OF_USER: usize = 50;

/// Most users that one call puts into a group or takes out of it: two writes each.
pub const MAX_USERS: usize = 49;

/// Puts users into a group, or takes them out: all or none; gives the group as it is then. The
/// users' API keys get the new copy of their owner in the same transaction.
///
/// # Errors
/// Not found for an unknown group or user; invalid beyond [`MAX_USERS`]; the store's.
pub async fn change_users(
    reader: &mut Reader<'_>,
    who: &Principal,
    guid: &Guid,
    named: &[String],
    add: bool,
) -> Result<Members, Error> {
    if named.len() > MAX_USERS {
        return Err(Error::invalid(
            Code::InvalidUsers.with(format!("at most {MAX_USERS} users in one call")),
        ));
    }
    let tenant_id = who.tenant_id;
    change!(reader, {
        let mut members = read(reader, tenant_id, guid).await?;
        let users = user::resolve(reader, tenant_id, named).await?;
        let user_keys: Vec<Key> = users
            .iter()
            .map(|user| keys::user(tenant_id, user))
            .collect();
        let mut writes = vec![touched(tenant_id, guid)];
        for found in reader.get_all::<User>(&user_keys).await? {
            let found = found.ok_or_else(user::not_found)?;
            let user = found.value.owner.user.clone();
            members.users.retain(|member| *member != user);
            if add {
                members.users.push(user);
            }
            writes.extend(moved(tenant_id, guid, found, add)?);
        }
        members.users.sort();
        Ok((
            members,
            if writes.len() == 1 {
                Vec::new()
            } else {
                writes
            },
        ))
    })
}

/// How many users are in each group, by what the users' own records say. Reads all users, a page at
/// a time; a group without users is not in it.
///
/// # Errors
/// The store's.
pub async fn user_counts(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
) -> Result<BTreeMap<Guid, u64>, Error> {
    let mut counts = BTreeMap::new();
    let mut query = everybody(tenant_id);
    loop {
        let page = reader.query(&query).await?;
        for item in page
            .items
            .into_iter()
            .filter(|item| item.kind == User::KIND)
        {
            for group in Stored::<User>::parse(item)?.value.owner.groups {
                *counts.entry(group).or_default() += 1;
            }
        }
        if page.next.is_none() {
            return Ok(counts);
        }
        query.after = page.next;
    }
}

/// What [`user_counts`] reads first.
pub fn everybody(tenant_id: TenantId) -> Query {
    Query::all(keys::users(tenant_id))
}

/// Puts users into a group, or takes them out, each for himself: tells for each name whether that
/// was done. It was not for a user who is not there, one who is in the group already (or is not in
/// it), and one who is in [`GROUPS_OF_USER`]. As many as fit go in one transaction; each of them is
/// whole.
///
/// # Errors
/// Not found for an unknown group; the store's, with the transactions before it done.
pub async fn change_each_user(
    reader: &mut Reader<'_>,
    who: &Principal,
    guid: &Guid,
    named: &[String],
    add: bool,
) -> Result<Vec<bool>, Error> {
    let tenant_id = who.tenant_id;
    let found = user::resolve_each(reader, tenant_id, named).await?;
    let wanted: Vec<Guid> = found
        .iter()
        .flatten()
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut changed = BTreeSet::new();
    let mut begin = 0;
    loop {
        let batch = &wanted[begin..wanted.len().min(begin + MAX_USERS)];
        let (done, passed) = change!(reader, {
            let mut needed: Vec<Key> = batch
                .iter()
                .map(|user| keys::user(tenant_id, user))
                .collect();
            needed.push(keys::group(tenant_id, guid));
            reader.fetch_missing(&needed).await?;
            reader
                .get::<Group>(&keys::group(tenant_id, guid))
                .await?
                .ok_or_else(unknown)?;
            let mut writes = vec![touched(tenant_id, guid)];
            let (mut done, mut passed) = (Vec::new(), 0);
            for user in batch {
                if let Some(found) = reader
                    .get::<User>(&keys::user(tenant_id, user))
                    .await?
                    .filter(|found| !add || found.value.owner.groups.len() < GROUPS_OF_USER)
                {
                    let more = moved(tenant_id, guid, found, add)?;
                    if writes.len() + more.len() > MAX_TRANSACTION {
                        break;
                    }
                    if !more.is_empty() {
                        writes.extend(more);
                        done.push(user.clone());
                    }
                }
                passed += 1;
            }
            Ok((
                (done, passed),
                if writes.len() == 1 {
                    Vec::new()
                } else {
                    writes
                },
            ))
        })?;
        changed.extend(done);
        begin += passed;
        if begin >= wanted.len() {
            return Ok(found
                .iter()
                .map(|user| user.as_ref().is_some_and(|user| changed.contains(user)))
                .collect());
        }
    }
}

/// Groups that a user joins in one transaction: two writes each, and room for the copies in his API
/// keys.
const MAX_GROUPS_AT_ONCE: usize = 35;

/// Puts a user into groups, each for itself: gives those that he joined. He did not join a group
/// that is not there, one that he is in already, and what is more than [`GROUPS_OF_USER`]. As many
/// as fit go in one transaction.
///
/// # Errors
/// Not found `User not found`; the store's, with the transactions before it done.
pub async fn join_each(
    reader: &mut Reader<'_>,
    who: &Principal,
    name: &str,
    groups: &BTreeSet<Guid>,
) -> Result<BTreeSet<Guid>, Error> {
    let tenant_id = who.tenant_id;
    let user = user::find(reader, tenant_id, name).await?.value.owner.user;
    let mut joined = BTreeSet::new();
    for batch in groups.iter().collect::<Vec<_>>().chunks(MAX_GROUPS_AT_ONCE) {
        let done = change!(reader, {
            let group_keys: Vec<Key> = batch
                .iter()
                .map(|group| keys::group(tenant_id, group))
                .collect();
            let mut needed = group_keys.clone();
            needed.push(keys::user(tenant_id, &user));
            reader.fetch_missing(&needed).await?;
            let mut found: Stored<User> = reader
                .get(&keys::user(tenant_id, &user))
                .await?
                .ok_or_else(user::not_found)?;
            let have = &mut found.value.owner.groups;
            let (mut done, mut writes) = (Vec::new(), Vec::new());
            for group in reader
                .get_all::<Group>(&group_keys)
                .await?
                .into_iter()
                .flatten()
            {
                let guid = group.value.guid;
                if have.len() < GROUPS_OF_USER && !have.contains(&guid) {
                    have.push(guid.clone());
                    writes.extend([
                        touched(tenant_id, &guid),
                        record::put(
                            keys::group_user(tenant_id, &guid, &user),
                            &Member {},
                            Condition::Always,
                        )?,
                    ]);
                    done.push(guid);
                }
            }
            if !done.is_empty() {
                writes.push(found.replace()?);
                writes.extend(user::copies(tenant_id, &found.value)?);
            }
            Ok((done, writes))
        })?;
        joined.extend(done);
        // The next ones begin from the user as he is now.
        reader.forget();
    }
    Ok(joined)
}

/// Counts nothing and moves the group's revision: a deletion that did not see a member begins
/// again.
pub(super) fn touched(tenant_id: TenantId, guid: &Guid) -> Write {
    Write::Count {
        key: keys::group(tenant_id, guid),
        kind: Group::KIND,
        by: 0,
        condition: Condition::Present,
    }
}

/// The writes that put a user into a group or take him out of it, with the copies in his API keys;
/// none where he is there already, or is not.
fn moved(
    tenant_id: TenantId,
    guid: &Guid,
    mut found: Stored<User>,
    add: bool,
) -> Result<Vec<Write>, Error> {
    let owner = &mut found.value.owner;
    if add == owner.groups.contains(guid) {
        return Ok(Vec::new());
    }
    let member = keys::group_user(tenant_id, guid, &owner.user);
    let member = if add {
        if owner.groups.len() >= GROUPS_OF_USER {
            return Err(Error::invalid(
                Code::InvalidUsers
                    .with(format!("a user can be in at most {GROUPS_OF_USER} groups")),
            ));
        }
        owner.groups.push(guid.clone());
        record::put(member, &Member {}, Condition::Always)?
    } else {
        owner.groups.retain(|have| have != guid);
        Write::Delete(member, Condition::Always)
    };
    let mut writes = vec![member, found.replace()?];
    writes.extend(user::copies(tenant_id, &found.value)?);
    Ok(writes)
}

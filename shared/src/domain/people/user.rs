//! Users: who they are, and the copy of that which their API keys carry.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{Guid, TenantId};
use crate::base::rights::Role;
use crate::change;
use crate::model::people::user::{Administrators, EmailOf, Owner, SignInName, User};
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

/// A user to be made.
pub struct NewUser<'a> {
    /// The name to sign in with.
    pub username: &'a str,
    /// The mail address; may be empty.
    pub email: &'a str,
    /// The name to show.
    pub name: &'a str,
    /// The roles.
    pub roles: Vec<Role>,
    /// The PHC string of the password; `None` for one who is invited to choose it.
    pub password_hash: Option<String>,
    /// Further names to sign in with.
    pub aliases: &'a [&'a str],
}

/// Longest name to sign in with and longest mail address, in characters.
pub const MAX_NAME: usize = 200;

/// A name to sign in with, without the blanks around it.
///
/// # Errors
/// Invalid for a name that is blank, longer than [`MAX_NAME`] or has control characters.
pub fn checked_username(name: &str) -> Result<&str, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Error::invalid(Code::InvalidUsername));
    }
    Ok(name)
}

/// A mail address, without the blanks around it; empty for none.
///
/// # Errors
/// Invalid `user_invalid_email` for what is no address, or longer than [`MAX_NAME`].
pub fn checked_email(email: &str) -> Result<&str, Error> {
    let email = email.trim();
    if !email.is_empty() {
        crate::services::mail::address(email)?;
    }
    if email.chars().count() > MAX_NAME {
        Err(Error::invalid(Code::UserInvalidEmail))
    } else {
        Ok(email)
    }
}

/// The user that is to be, with the writes that make him; those of a full administrator lack the
/// register's, see [`registered`].
///
/// # Errors
/// Those of [`checked_username`].
pub fn create(
    tenant_id: TenantId,
    new: NewUser<'_>,
    now: Timestamp,
) -> Result<(User, Vec<Write>), Error> {
    let password_hash = new.password_hash.clone();
    let user = prepare(new, now)?;
    let writes = entered(tenant_id, &user, password_hash)?;
    Ok((user, writes))
}

/// The user that is to be, in nothing yet.
///
/// # Errors
/// Those of [`checked_username`].
pub fn prepare(new: NewUser<'_>, now: Timestamp) -> Result<User, Error> {
    let username = checked_username(new.username)?;
    let owner = Owner {
        user: Guid::random(),
        username: username.to_owned(),
        email: new.email.to_owned(),
        roles: new.roles,
        groups: Vec::new(),
        teams: Vec::new(),
        enabled: true,
        blacklisted: false,
    };
    let names = std::iter::once(username)
        .chain(new.aliases.iter().copied())
        .map(str::to_owned)
        .collect();
    let activated = new.password_hash.is_some();
    Ok(User {
        owner,
        name: new.name.to_owned(),
        created: now,
        prefs: BTreeMap::new(),
        names,
        policies: Vec::new(),
        keys: Vec::new(),
        activated,
        generation: u32::from(activated),
    })
}

/// The writes that make a prepared user with that password: his names, himself, his mail address.
///
/// # Errors
/// Internal.
pub fn entered(
    tenant_id: TenantId,
    user: &User,
    password_hash: Option<String>,
) -> Result<Vec<Write>, Error> {
    let guid = &user.owner.user;
    let claim = SignInName {
        user: guid.clone(),
        generation: u32::from(password_hash.is_some()),
        password: password_hash,
    };
    let mut writes = Vec::new();
    for name in &user.names {
        writes.push(record::create(keys::sign_in(tenant_id, name), &claim)?);
    }
    writes.push(record::create(keys::user(tenant_id, guid), user)?);
    if !user.owner.email.is_empty() {
        writes.push(record::put(
            keys::email(tenant_id, &user.owner.email, guid),
            &EmailOf {},
            Condition::Always,
        )?);
    }
    Ok(writes)
}

/// The write that enters a user in the register of full administrators or takes him out of it,
/// where that changes; `None` where it does not.
///
/// # Errors
/// Conflict where the last one would leave; the store's.
pub async fn registered(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    user: &Guid,
    was: bool,
    is: bool,
) -> Result<Option<Write>, Error> {
    if was == is {
        return Ok(None);
    }
    let key = keys::administrators(tenant_id);
    let found: Option<Stored<Administrators>> = reader.get(&key).await?;
    let Some(mut found) = found else {
        let only = Administrators {
            users: [user.clone()].into(),
        };
        return if is {
            Ok(Some(record::put(
                key,
                &only,
                Condition::AbsentOrExpired { now: 0 },
            )?))
        } else {
            Err(Error::internal("no administrators"))
        };
    };
    if is {
        found.value.users.insert(user.clone());
    } else {
        found.value.users.remove(user);
    }
    if found.value.users.is_empty() {
        return Err(Error::conflict(
            "This is the last administrator: make another one first",
        ));
    }
    Ok(Some(found.replace()?))
}

/// The writes that put a user's changed record in the place of the one that was read: the record,
/// the copies in his API keys, his mail address, and the register of administrators.
///
/// # Errors
/// Conflict where the last administrator would leave; the store's.
pub async fn changed(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    before: &User,
    after: Stored<User>,
) -> Result<Vec<Write>, Error> {
    let guid = before.owner.user.clone();
    let mut writes = vec![after.replace()?];
    if before.owner != after.value.owner {
        writes.extend(copies(tenant_id, &after.value)?);
    }
    let (old, new) = (&before.owner.email, &after.value.owner.email);
    // Compared as the key that both would have: of one item there is one write.
    if keys::email(tenant_id, old, &guid) != keys::email(tenant_id, new, &guid) {
        if !old.is_empty() {
            writes.push(Write::Delete(
                keys::email(tenant_id, old, &guid),
                Condition::Always,
            ));
        }
        if !new.is_empty() {
            writes.push(record::put(
                keys::email(tenant_id, new, &guid),
                &EmailOf {},
                Condition::Always,
            )?);
        }
    }
    writes.extend(
        registered(
            reader,
            tenant_id,
            &guid,
            before.is_full_administrator(),
            after.value.is_full_administrator(),
        )
        .await?,
    );
    Ok(writes)
}

/// Users as a client names them: each by guid, or by a name that he signs in with. None stands
/// twice in the answer.
///
/// # Errors
/// Not found `User not found` where one is not there; the store's.
pub async fn resolve(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &[String],
) -> Result<Vec<Guid>, Error> {
    let mut users = Vec::new();
    for user in resolve_each(reader, tenant_id, named).await? {
        let user = user.ok_or_else(not_found)?;
        if !users.contains(&user) {
            users.push(user);
        }
    }
    Ok(users)
}

/// The same, each in the place of its name; `None` for one who is not there.
///
/// # Errors
/// The store's.
pub async fn resolve_each(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &[String],
) -> Result<Vec<Option<Guid>>, Error> {
    let as_guid: Vec<Option<Guid>> = named.iter().map(|text| text.parse().ok()).collect();
    let mut wanted: Vec<Key> = named
        .iter()
        .map(|text| keys::sign_in(tenant_id, text))
        .collect();
    wanted.extend(
        as_guid
            .iter()
            .flatten()
            .map(|guid| keys::user(tenant_id, guid)),
    );
    reader.fetch_missing(&wanted).await?;
    let mut users = Vec::new();
    for (text, guid) in named.iter().zip(as_guid) {
        let by_guid = match &guid {
            Some(guid) => reader
                .get::<User>(&keys::user(tenant_id, guid))
                .await?
                .map(|_| guid.clone()),
            None => None,
        };
        users.push(match by_guid {
            Some(user) => Some(user),
            None => reader
                .get::<SignInName>(&keys::sign_in(tenant_id, text))
                .await?
                .map(|claim| claim.value.user),
        });
    }
    Ok(users)
}

/// The words that scripts look for.
pub fn not_found() -> Error {
    Error::not_found("User not found")
}

/// The user of that name or guid.
///
/// # Errors
/// As [`resolve`].
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    name: &str,
) -> Result<Stored<User>, Error> {
    let found = resolve(reader, tenant_id, &[name.trim().to_owned()]).await?;
    let guid = found.first().ok_or_else(not_found)?;
    reader
        .get(&keys::user(tenant_id, guid))
        .await?
        .ok_or_else(not_found)
}

/// Most preferences of a user, and most characters of one.
const MAX_PREFS: (usize, usize) = (100, 1_000);

/// Most bytes of all preferences: they stand in the user's record, which must always have room for
/// what an administrator changes.
const PREFS_BYTES: usize = 16_384;

/// Keeps a preference of the user.
///
/// # Errors
/// Invalid beyond 100 preferences or 1,000 characters; the store's.
pub async fn set_preference(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    user: &Guid,
    name: &str,
    value: &str,
) -> Result<(), Error> {
    if name.is_empty() || name.chars().count() > 100 || value.chars().count() > MAX_PREFS.1 {
        return Err(Error::invalid(Code::InvalidValue));
    }
    change!(reader, {
        let mut found: Stored<User> = reader
            .get(&keys::user(tenant_id, user))
            .await?
            .ok_or_else(not_found)?;
        found.value.prefs.insert(name.to_owned(), value.to_owned());
        let bytes: usize = found
            .value
            .prefs
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if found.value.prefs.len() > MAX_PREFS.0 || bytes > PREFS_BYTES {
            return Err(Error::invalid(
                Code::InvalidKey.with("too many preferences"),
            ));
        }
        Ok(((), vec![found.replace()?]))
    })
}

/// The writes that give a user's active API keys the new copy of their owner: what decides what the
/// user may do is changed everywhere in one transaction, or nowhere.
///
/// # Errors
/// Internal.
pub fn copies(tenant_id: TenantId, user: &User) -> Result<Vec<Write>, Error> {
    let copy = serde_json::to_string(&user.owner).map_err(Error::internal)?;
    Ok(user
        .keys
        .iter()
        .map(|hash| Write::Owner(keys::credential(tenant_id, hash), copy.clone()))
        .collect())
}

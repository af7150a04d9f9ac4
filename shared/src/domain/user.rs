//! Users: who they are, and the copy of that which their API keys carry.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::access::Role;
use crate::change;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{Guid, Handle, TeamId};
use crate::records::{self, Reader, Record, Stored};
use crate::secret::SecretHash;
use crate::store::{Condition, Key, Write, keys};

/// What decides what a user may do. Each API key carries a copy, rewritten in the transaction that
/// changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The user's guid: what references hold, so that a re-created name inherits nothing.
    pub user: Guid,
    /// The name to sign in with, as it was given.
    pub username: String,
    /// The mail address.
    pub email: String,
    /// The roles.
    pub roles: Vec<Role>,
    /// The groups of store items that the user is in.
    pub groups: Vec<Guid>,
    /// The teams that the user is in.
    #[serde(default)]
    pub teams: Vec<TeamId>,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Whether the user's devices are to purge their data.
    pub blacklisted: bool,
}

impl Owner {
    /// The owner of what no user does: by that name, without any right.
    pub fn of_nobody(name: &str) -> Self {
        let (user, username) = (Guid::derived(&["nobody", name]), name.to_owned());
        Self {
            user,
            username,
            email: String::new(),
            roles: Vec::new(),
            groups: Vec::new(),
            teams: Vec::new(),
            enabled: true,
            blacklisted: false,
        }
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Name, roles and state.
    pub owner: Owner,
    /// The name to show.
    pub name: String,
    /// Since when.
    pub created: Timestamp,
    /// What clients keep for the user (`studio.version` and the like).
    pub prefs: BTreeMap<String, String>,
    /// All names to sign in with, the username among them.
    pub names: Vec<String>,
    /// The auth policies that the user is listed on (003 10.9).
    pub policies: Vec<Guid>,
    /// The active API keys. They stand here, so that whoever changes the user knows all copies of
    /// him.
    #[serde(default)]
    pub keys: Vec<SecretHash>,
    /// Whether the user ever had a password of his own or of an administrator's choice.
    pub activated: bool,
    /// Counts the passwords that the user had: 0 while there is none. Sessions and links carry the
    /// number that was true for them, and are over when it is not any more.
    pub generation: u32,
}

impl User {
    /// Whether this user holds every right by a role and can sign in, a password included: of these
    /// one must stay.
    pub fn is_full_administrator(&self) -> bool {
        let owner = &self.owner;
        owner.enabled
            && !owner.blacklisted
            && self.generation > 0
            && owner
                .roles
                .iter()
                .any(|role| matches!(role, Role::CustomerAdmin | Role::ResellerAdmin))
    }
}

impl User {
    /// The name to show in two parts, the last word on its own; the second is empty for a name of
    /// one word.
    pub fn first_and_last_name(&self) -> (&str, &str) {
        let name = self.name.trim();
        name.rsplit_once(' ')
            .map_or((name, ""), |(first, last)| (first.trim_end(), last))
    }
}

impl Record for User {
    const KIND: &'static str = "user";
}

/// When a user signed in last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LastLogin {
    /// When.
    pub at: Timestamp,
}

impl Record for LastLogin {
    const KIND: &'static str = "last-login";
}

/// That a user has a mail address; the key says which and who.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmailOf {}

impl Record for EmailOf {
    const KIND: &'static str = "email";
}

/// The users who hold every right by a role and may sign in. It exists so that the last one can be
/// kept without looking at all users, also when two administrators disable each other at the same
/// time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Administrators {
    /// Their guids.
    pub users: BTreeSet<Guid>,
}

impl Record for Administrators {
    const KIND: &'static str = "administrators";
}

/// Somebody whom a provider admitted and who is no user of the platform: policy and subject are all
/// that he is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// The guid that always comes of policy and subject.
    pub guid: Guid,
    /// The policy.
    pub policy: Guid,
    /// The provider's own name of him.
    pub subject: String,
    /// The mail address that the provider told; empty where it told none.
    pub email: String,
    /// The name that the provider told.
    pub name: String,
    /// The platform's user that he is, where there is one who is not listed on the policy: he may
    /// be nothing of that user, and is out when that user is.
    pub user: Option<Guid>,
    /// When he came last.
    pub seen: Timestamp,
}

impl Record for Identity {
    const KIND: &'static str = "identity";
}

impl Identity {
    /// He as a caller: without roles, groups and teams.
    pub fn owner(&self) -> Owner {
        Owner {
            user: self.guid.clone(),
            username: self.subject.clone(),
            email: self.email.clone(),
            roles: Vec::new(),
            groups: Vec::new(),
            teams: Vec::new(),
            enabled: true,
            blacklisted: false,
        }
    }
}

/// The claim of a name to sign in with. It carries the password's hash, so that a sign-in needs no
/// second read and nothing that lists users ever holds one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignInName {
    /// Whose it is.
    pub user: Guid,
    /// The PHC string of the password (argon2id); `None` for a user who was invited and has chosen
    /// none yet.
    pub password: Option<String>,
    /// The number of that password; see [`User::generation`].
    pub generation: u32,
}

impl Record for SignInName {
    const KIND: &'static str = "sign-in";
}

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
pub const NAME_LIMIT: usize = 200;

/// A name to sign in with, without the blanks around it.
///
/// # Errors
/// Invalid for a name that is blank, longer than [`NAME_LIMIT`] or has control characters.
pub fn checked_username(name: &str) -> Result<&str, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_LIMIT || name.chars().any(char::is_control) {
        return Err(Error::invalid("invalid_username"));
    }
    Ok(name)
}

/// A mail address, without the blanks around it; empty for none.
///
/// # Errors
/// Invalid `user_invalid_email` for what is no address, or longer than [`NAME_LIMIT`].
pub fn checked_email(email: &str) -> Result<&str, Error> {
    let email = email.trim();
    if !email.is_empty() {
        crate::mail::address(email)?;
    }
    if email.chars().count() > NAME_LIMIT {
        Err(Error::invalid("user_invalid_email"))
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
    handle: Handle,
    new: NewUser<'_>,
    now: Timestamp,
) -> Result<(User, Vec<Write>), Error> {
    let password_hash = new.password_hash.clone();
    let user = prepare(new, now)?;
    let writes = entered(handle, &user, password_hash)?;
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
    handle: Handle,
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
        writes.push(records::create(keys::sign_in(handle, name), &claim)?);
    }
    writes.push(records::create(keys::user(handle, guid), user)?);
    if !user.owner.email.is_empty() {
        writes.push(records::put(
            keys::email(handle, &user.owner.email, guid),
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
    handle: Handle,
    user: &Guid,
    was: bool,
    is: bool,
) -> Result<Option<Write>, Error> {
    if was == is {
        return Ok(None);
    }
    let key = keys::administrators(handle);
    let found: Option<Stored<Administrators>> = reader.get(&key).await?;
    let Some(mut found) = found else {
        let only = Administrators {
            users: [user.clone()].into(),
        };
        return if is {
            Ok(Some(records::put(
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
    handle: Handle,
    before: &User,
    after: Stored<User>,
) -> Result<Vec<Write>, Error> {
    let guid = before.owner.user.clone();
    let mut writes = vec![after.replace()?];
    if before.owner != after.value.owner {
        writes.extend(copies(handle, &after.value)?);
    }
    let (old, new) = (&before.owner.email, &after.value.owner.email);
    // Compared as the key that both would have: of one item there is one write.
    if keys::email(handle, old, &guid) != keys::email(handle, new, &guid) {
        if !old.is_empty() {
            writes.push(Write::Delete(
                keys::email(handle, old, &guid),
                Condition::Always,
            ));
        }
        if !new.is_empty() {
            writes.push(records::put(
                keys::email(handle, new, &guid),
                &EmailOf {},
                Condition::Always,
            )?);
        }
    }
    writes.extend(
        registered(
            reader,
            handle,
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
    handle: Handle,
    named: &[String],
) -> Result<Vec<Guid>, Error> {
    let mut users = Vec::new();
    for user in resolve_each(reader, handle, named).await? {
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
    handle: Handle,
    named: &[String],
) -> Result<Vec<Option<Guid>>, Error> {
    let as_guid: Vec<Option<Guid>> = named.iter().map(|text| text.parse().ok()).collect();
    let mut wanted: Vec<Key> = named
        .iter()
        .map(|text| keys::sign_in(handle, text))
        .collect();
    wanted.extend(
        as_guid
            .iter()
            .flatten()
            .map(|guid| keys::user(handle, guid)),
    );
    reader.fetch_missing(&wanted).await?;
    let mut users = Vec::new();
    for (text, guid) in named.iter().zip(as_guid) {
        let by_guid = match &guid {
            Some(guid) => reader
                .get::<User>(&keys::user(handle, guid))
                .await?
                .map(|_| guid.clone()),
            None => None,
        };
        users.push(match by_guid {
            Some(user) => Some(user),
            None => reader
                .get::<SignInName>(&keys::sign_in(handle, text))
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
pub async fn named(
    reader: &mut Reader<'_>,
    handle: Handle,
    name: &str,
) -> Result<Stored<User>, Error> {
    let found = resolve(reader, handle, &[name.trim().to_owned()]).await?;
    let guid = found.first().ok_or_else(not_found)?;
    reader
        .get(&keys::user(handle, guid))
        .await?
        .ok_or_else(not_found)
}

/// Most preferences of a user, and most characters of one.
const PREFS_LIMIT: (usize, usize) = (100, 1_000);

/// Most bytes of all preferences: they stand in the user's record, which must always have room for
/// what an administrator changes.
const PREFS_BYTES: usize = 16_384;

/// Keeps a preference of the user.
///
/// # Errors
/// Invalid beyond 100 preferences or 1,000 characters; the store's.
pub async fn set_preference(
    reader: &mut Reader<'_>,
    handle: Handle,
    user: &Guid,
    name: &str,
    value: &str,
) -> Result<(), Error> {
    if name.is_empty() || name.chars().count() > 100 || value.chars().count() > PREFS_LIMIT.1 {
        return Err(Error::invalid("invalid_value"));
    }
    change!(reader, {
        let mut found: Stored<User> = reader
            .get(&keys::user(handle, user))
            .await?
            .ok_or_else(not_found)?;
        found.value.prefs.insert(name.to_owned(), value.to_owned());
        let bytes: usize = found
            .value
            .prefs
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if found.value.prefs.len() > PREFS_LIMIT.0 || bytes > PREFS_BYTES {
            return Err(Error::invalid("invalid_key: too many preferences"));
        }
        Ok(((), vec![found.replace()?]))
    })
}

/// The writes that give a user's active API keys the new copy of their owner: what decides what the
/// user may do is changed everywhere in one transaction, or nowhere.
///
/// # Errors
/// Internal.
pub fn copies(handle: Handle, user: &User) -> Result<Vec<Write>, Error> {
    let copy = serde_json::to_string(&user.owner).map_err(Error::internal)?;
    Ok(user
        .keys
        .iter()
        .map(|hash| Write::Owner(keys::credential(handle, hash), copy.clone()))
        .collect())
}

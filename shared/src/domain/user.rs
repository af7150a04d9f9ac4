//! Users: who they are, and the copy of that which their API keys carry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::access::Role;
use crate::change;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{Guid, Handle};
use crate::records::{self, Reader, Record, Stored};
use crate::store::{Write, keys};

/// What decides what a user may do. Each API key carries a copy, rewritten in the transaction that changes it.
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
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Whether the user's devices are to purge their data.
    pub blacklisted: bool,
}

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Name, roles and state.
    pub owner: Owner,
    /// The name to show.
    pub name: String,
    /// Since when.
    pub created: Timestamp,
    /// What clients keep for the user (`studio.version` and the like).
    pub prefs: BTreeMap<String, String>,
}

impl Record for User {
    const KIND: &'static str = "user";
}

/// The claim of a name to sign in with. It carries the password's hash, so that a sign-in needs no second read and
/// nothing that lists users ever holds one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignInName {
    /// Whose it is.
    pub user: Guid,
    /// The PHC string of the password (argon2id).
    pub password: String,
}

impl Record for SignInName {
    const KIND: &'static str = "sign-in";
}

/// A user to be made.
pub struct NewUser<'a> {
    /// The name to sign in with.
    pub username: &'a str,
    /// The mail address.
    pub email: &'a str,
    /// The name to show.
    pub name: &'a str,
    /// The roles.
    pub roles: Vec<Role>,
    /// The PHC string of the password.
    pub password_hash: String,
    /// Further names to sign in with.
    pub aliases: &'a [&'a str],
}

/// The writes that make a user, with its guid.
///
/// # Errors
/// Invalid for a name that is blank or longer than 200 characters.
pub fn create(handle: Handle, new: NewUser<'_>, now: Timestamp) -> Result<(Guid, Vec<Write>), Error> {
    let username = new.username.trim();
    if username.is_empty() || username.chars().count() > 200 || username.chars().any(char::is_control) {
        return Err(Error::invalid("invalid_username"));
    }
    let guid = Guid::random();
    let owner = Owner {
        user: guid.clone(),
        username: username.to_owned(),
        email: new.email.to_owned(),
        roles: new.roles,
        groups: Vec::new(),
        enabled: true,
        blacklisted: false,
    };
    let user = User { owner, name: new.name.to_owned(), created: now, prefs: BTreeMap::new() };
    let mut writes = vec![records::create(keys::user(handle, &guid), &user)?];
    let claim = SignInName { user: guid.clone(), password: new.password_hash };
    for name in std::iter::once(&username).chain(new.aliases) {
        writes.push(records::create(keys::sign_in(handle, name), &claim)?);
    }
    Ok((guid, writes))
}

/// Most preferences of a user, and most characters of one.
const PREFS_LIMIT: (usize, usize) = (100, 1_000);

/// Keeps a preference of the user.
///
/// # Errors
/// Invalid beyond 100 preferences or 1,000 characters; the store's.
pub async fn set_preference(reader: &mut Reader<'_>, handle: Handle, user: &Guid, name: &str, value: &str) -> Result<(), Error> {
    if name.is_empty() || name.chars().count() > 100 || value.chars().count() > PREFS_LIMIT.1 {
        return Err(Error::invalid("invalid_value"));
    }
    change!(reader, {
        let mut found: Stored<User> = reader.get(&keys::user(handle, user)).await?.ok_or_else(|| Error::not_found("User not found"))?;
        found.value.prefs.insert(name.to_owned(), value.to_owned());
        if found.value.prefs.len() > PREFS_LIMIT.0 {
            return Err(Error::invalid("invalid_key"));
        }
        Ok(((), vec![found.replace()?]))
    })
}

/// The writes that give a user's active API keys the new copy of their owner: what decides what the user may do is changed
/// everywhere in one transaction, or nowhere.
///
/// # Errors
/// The store's.
pub async fn copies(reader: &mut Reader<'_>, handle: Handle, owner: &Owner) -> Result<Vec<Write>, Error> {
    let copy = serde_json::to_string(owner).map_err(Error::internal)?;
    let mut writes = Vec::new();
    for item in reader.all(super::api_key::listing(handle, &super::api_key::KeyOf::User(owner.user.clone()))).await? {
        let key = Stored::<super::api_key::ApiKey>::parse(item)?.value;
        if key.revoked.is_none() {
            writes.push(Write::Owner(keys::credential(handle, &key.hash), copy.clone()));
        }
    }
    Ok(writes)
}

//! Users and what leads to them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{Guid, TeamId};
use crate::base::rights::Role;
use crate::base::secret::SecretHash;
use crate::store::record::Record;

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

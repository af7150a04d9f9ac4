//! Users as administrators make, change, invite and delete them (003 10.2 to 10.4 and 10.7 to
//! 10.9).
//!
//! Nobody grants what they do not hold, and nobody touches a user who may do what they may not.
//! Both sides of every membership are written in the transaction that changes the user.

use std::str::FromStr;

use crate::base::code::{Code, ErrorText};
use crate::base::error::{Error, Kind};
use crate::base::id::{Guid, TeamId, TenantId};
use crate::base::rights::{Right, Role};
use crate::base::secret::{CredentialText, SecretHash};
use crate::change;
use crate::domain::people::password::Reason;
use crate::domain::people::user::NewUser;
use crate::domain::people::user_list::ListedUser;
use crate::domain::people::{auth_policy, group, password, team, user, user_list};
use crate::model::apps::app::OwnedApps;
use crate::model::credentials::credential::{ApiKey, MAX_KEYS};
use crate::model::people::auth_policy::{Policy, PolicyUser};
use crate::model::people::group::{Group, Member};
use crate::model::people::principal::Principal;
use crate::model::people::team::Access;
use crate::model::people::user::{SignInName, User};
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, MAX_TRANSACTION, Query, Write, keys, record};

/// Most policies, teams or groups that one call puts a user on.
pub const MAX_MEMBERSHIPS: usize = 50;

/// Roles, policies, teams and groups of a user as a caller wants them: each list whole, `None` for
/// as it was.
#[derive(Clone, Debug, Default)]
pub struct Memberships {
    /// The roles.
    pub roles: Option<Vec<Role>>,
    /// The auth policies.
    pub policies: Option<Vec<Guid>>,
    /// The teams.
    pub teams: Option<Vec<TeamId>>,
    /// The groups of store items.
    pub groups: Option<Vec<Guid>>,
}

fn parsed<T: PartialEq>(
    words: Option<&[String]>,
    what: &str,
    read: impl Fn(&str) -> Result<T, Error>,
) -> Result<Option<Vec<T>>, Error> {
    let Some(words) = words else { return Ok(None) };
    let mut found = Vec::new();
    for word in words {
        let one = read(word)?;
        if !found.contains(&one) {
            found.push(one);
        }
    }
    if found.len() > MAX_MEMBERSHIPS {
        return Err(Error::invalid(ErrorText::of_field(
            what,
            format!("The field {what} names at most {MAX_MEMBERSHIPS} in one call"),
        )));
    }
    Ok(Some(found))
}

/// The id of a thing that is called `what`.
fn id<T: FromStr>(word: &str, what: &str) -> Result<T, Error> {
    word.parse().map_err(|_| {
        Error::invalid(Code::InvalidGuid.beside(format!(
            "The list of the user's {what} must hold their ids, and one of them is malformed"
        )))
    })
}

impl Memberships {
    /// The lists as clients name them: roles by name, the rest by id.
    ///
    /// # Errors
    /// Invalid `invalid_roles` for a role that there is not, `invalid_guid` for a malformed id, and
    /// beyond [`MAX_MEMBERSHIPS`].
    pub fn parse(
        roles: Option<&[String]>,
        policies: Option<&[String]>,
        teams: Option<&[String]>,
        groups: Option<&[String]>,
    ) -> Result<Self, Error> {
        Ok(Self {
            roles: parsed(roles, "roles", str::parse)?,
            policies: parsed(policies, "authpolicies", |word| id(word, "policies"))?,
            teams: parsed(teams, "teams", |word| id(word, "teams"))?,
            groups: parsed(groups, "groups", |word| id(word, "groups"))?,
        })
    }

    /// What a change to them reads beside the caller and the user.
    pub fn keys(&self, tenant_id: TenantId) -> Vec<Key> {
        let policies = self
            .policies
            .iter()
            .flatten()
            .map(|policy| keys::policy(tenant_id, policy));
        let groups = self
            .groups
            .iter()
            .flatten()
            .map(|group| keys::group(tenant_id, group));
        let register = self
            .roles
            .is_some()
            .then(|| keys::administrators(tenant_id));
        policies.chain(groups).chain(register).collect()
    }
}

fn difference<T: PartialEq + Clone>(before: &[T], after: &[T]) -> (Vec<T>, Vec<T>) {
    let only = |one: &[T], other: &[T]| {
        one.iter()
            .filter(|item| !other.contains(item))
            .cloned()
            .collect()
    };
    (only(after, before), only(before, after))
}

fn unknown() -> Error {
    Error::not_found(Code::InvalidGuid.beside("There is no user with this guid in this domain"))
}

/// Puts the wanted lists into the user; gives the writes of the other sides.
async fn joined(
    reader: &mut Reader<'_>,
    who: &Principal,
    user: &mut User,
    wanted: &Memberships,
) -> Result<Vec<Write>, Error> {
    let tenant_id = who.tenant_id;
    let guid = user.owner.user.clone();
    let mut writes = Vec::new();
    if let Some(roles) = &wanted.roles {
        let (added, removed) = difference(&user.owner.roles, roles);
        let assignable = who.assignable();
        if let Some(role) = added
            .iter()
            .chain(&removed)
            .find(|role| !assignable.contains(role))
        {
            return Err(Error::forbidden(format!(
                "You may not give or take the role {}",
                role.as_str()
            )));
        }
        user.owner.roles.clone_from(roles);
    }
    if let Some(policies) = &wanted.policies {
        let (added, removed) = difference(&user.policies, policies);
        let wanted: Vec<Key> = added
            .iter()
            .map(|policy| keys::policy(tenant_id, policy))
            .collect();
        if reader
            .get_all::<Policy>(&wanted)
            .await?
            .iter()
            .any(Option::is_none)
        {
            return Err(unknown());
        }
        for policy in &added {
            writes.push(record::put(
                keys::policy_user(tenant_id, policy, &guid),
                &PolicyUser {},
                Condition::Always,
            )?);
            writes.push(auth_policy::touched(tenant_id, policy));
        }
        writes.extend(removed.iter().map(|policy| {
            Write::Delete(
                keys::policy_user(tenant_id, policy, &guid),
                Condition::Always,
            )
        }));
        user.policies.clone_from(policies);
    }
    if let Some(teams) = &wanted.teams {
        writes.extend(joined_teams(reader, who, user, teams).await?);
    }
    if let Some(groups) = &wanted.groups {
        let (added, removed) = difference(&user.owner.groups, groups);
        // The same door as that of the groups' own operations.
        let same = added.is_empty() && removed.is_empty();
        if !same && !who.holds(Right::WriteGroups) {
            return Err(Error::forbidden(
                "You may not change who is in groups of store items",
            ));
        }
        let wanted: Vec<Key> = added
            .iter()
            .map(|group| keys::group(tenant_id, group))
            .collect();
        if reader
            .get_all::<Group>(&wanted)
            .await?
            .iter()
            .any(Option::is_none)
        {
            return Err(unknown());
        }
        for group in &added {
            writes.push(record::put(
                keys::group_user(tenant_id, group, &guid),
                &Member {},
                Condition::Always,
            )?);
            writes.push(group::touched(tenant_id, group));
        }
        writes.extend(removed.iter().map(|group| {
            Write::Delete(keys::group_user(tenant_id, group, &guid), Condition::Always)
        }));
        user.owner.groups.clone_from(groups);
    }
    Ok(writes)
}

/// The same for teams: the caller must hold what each of them gives.
async fn joined_teams(
    reader: &mut Reader<'_>,
    who: &Principal,
    user: &mut User,
    teams: &[TeamId],
) -> Result<Vec<Write>, Error> {
    let tenant_id = who.tenant_id;
    let (added, removed) = difference(&user.owner.teams, teams);
    let grantable = team::require_grantable(reader, who, &added).await;
    grantable.map_err(|error| {
        if error.kind == Kind::NotFound {
            unknown()
        } else {
            error
        }
    })?;
    let access = access(reader, tenant_id).await?;
    // One that is gone gives nothing, and may be left.
    if removed
        .iter()
        .any(|team| !who.rights.contains(access.of_team(tenant_id, team)))
    {
        return Err(Error::forbidden(
            "One of the user's teams gives rights that the caller lacks",
        ));
    }
    let mut writes = Vec::new();
    for (team, add) in added
        .iter()
        .map(|team| (team, true))
        .chain(removed.iter().map(|team| (team, false)))
    {
        writes.extend(team::membership_writes(
            tenant_id,
            team,
            &user.owner.user,
            add,
        )?);
    }
    user.owner.teams = teams.to_vec();
    Ok(writes)
}

/// Whether the caller may give all of this to somebody, before anybody is made.
///
/// # Errors
/// Forbidden for what he does not hold; not found for an unknown policy, team or group; the
/// store's.
pub async fn grantable(
    reader: &mut Reader<'_>,
    who: &Principal,
    wanted: &Memberships,
) -> Result<(), Error> {
    let nobody = NewUser {
        username: "nobody",
        email: "",
        name: "",
        roles: Vec::new(),
        password_hash: None,
        aliases: &[],
    };
    joined(
        reader,
        who,
        &mut user::prepare(nobody, reader.now())?,
        wanted,
    )
    .await
    .map(|_| ())
}

async fn access(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<Access, Error> {
    Ok(reader
        .get::<Access>(&keys::access(tenant_id))
        .await?
        .map(|found| found.value)
        .unwrap_or_default())
}

fn within(writes: Vec<Write>) -> Result<Vec<Write>, Error> {
    if writes.len() > MAX_TRANSACTION {
        return Err(Error::invalid(
            "Too many policies, teams and groups at once: change them in several calls",
        ));
    }
    Ok(writes)
}

/// A user to be made (003 10.2).
#[derive(Clone, Debug)]
pub struct Creation<'a> {
    /// The name to sign in with; required.
    pub username: &'a str,
    /// The mail address; may be empty.
    pub email: &'a str,
    /// The name to show.
    pub name: &'a str,
    /// The PHC string of the password; without it the user cannot sign in by password until he has
    /// chosen one by a link.
    pub password_hash: Option<String>,
    /// Whether he counts as activated; `None` for whether he has a password.
    pub activated: Option<bool>,
    /// Whether he may sign in.
    pub enabled: bool,
    /// Whether his devices are to purge their data.
    pub blacklisted: bool,
    /// What he is put on.
    pub memberships: &'a Memberships,
    /// Whether a link for his password is made with him.
    pub invite: bool,
}

fn username_taken() -> Error {
    Error::conflict("This username is taken")
}

/// Makes a user with all that he is on, and the link of his invitation, in one transaction (003
/// 10.2).
///
/// # Errors
/// Conflict for a username that is taken, also as somebody's other name; invalid for a bad username
/// or address, and for an invitation without an address; forbidden for what the caller does not
/// hold; not found for an unknown policy, team or group; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    new: &Creation<'_>,
) -> Result<(User, Option<CredentialText>), Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    let username = user::checked_username(new.username)?;
    let email = user::checked_email(new.email)?;
    if new.invite && email.is_empty() {
        return Err(Error::invalid(Code::UserInvalidEmail));
    }
    if new.name.chars().any(char::is_control) {
        return Err(Error::invalid(Code::InvalidName));
    }
    let claim = keys::sign_in(tenant_id, username);
    let made = change!(reader, {
        // A name that is somebody's guid would lead to him.
        if let Ok(guid) = username.parse::<Guid>()
            && reader
                .get::<User>(&keys::user(tenant_id, &guid))
                .await?
                .is_some()
        {
            return Err(username_taken());
        }
        if reader.get::<SignInName>(&claim).await?.is_some() {
            return Err(username_taken());
        }
        let person = NewUser {
            username,
            email,
            name: new.name,
            roles: Vec::new(),
            password_hash: new.password_hash.clone(),
            aliases: &[],
        };
        let mut user = user::prepare(person, now)?;
        user.activated = new.activated.unwrap_or(user.activated);
        user.owner.enabled = new.enabled;
        user.owner.blacklisted = new.blacklisted;
        let memberships = joined(reader, who, &mut user, new.memberships).await?;
        let mut writes = user::entered(tenant_id, &user, new.password_hash.clone())?;
        writes.extend(memberships);
        writes.extend(
            user::registered(
                reader,
                tenant_id,
                &user.owner.user,
                false,
                user.is_full_administrator(),
            )
            .await?,
        );
        let mut link = None;
        if new.invite {
            let (text, write) =
                password::link(tenant_id, &who.domain, &user, Reason::Invitation, now)?;
            writes.push(write);
            link = Some(text);
        }
        Ok(((user, link), within(writes)?))
    });
    match made {
        Ok((user, link)) => {
            tracing::info!(
                by = %who.owner.user,
                user = %user.owner.user,
                roles = ?user.owner.roles,
                teams = ?user.owner.teams,
                "a user was made"
            );
            Ok((user, link))
        }
        // Another request had the name in the same moment, or was first with something else forty
        // times.
        Err(error) if error.kind == Kind::Conflict => {
            reader.forget();
            Err(if reader.get::<SignInName>(&claim).await?.is_some() {
                username_taken()
            } else {
                error
            })
        }
        Err(error) => Err(error),
    }
}

/// What changes of a user (003 10.3, 10.7 to 10.9); `None` stays.
#[derive(Clone, Debug)]
pub struct UserChanges<'a> {
    /// The mail address; empty for none.
    pub email: Option<&'a str>,
    /// The name to show.
    pub name: Option<&'a str>,
    /// The PHC string of a new password.
    pub password_hash: Option<&'a str>,
    /// Whether he may sign in.
    pub enabled: Option<bool>,
    /// Whether his devices are to purge their data.
    pub blacklisted: Option<bool>,
    /// What he is on.
    pub memberships: &'a Memberships,
    /// Whether he gets a link for a password.
    pub invite: bool,
}

/// A link for a password that is to be mailed, and why.
pub type PasswordLink = (CredentialText, Reason);

/// Why a user of that state gets a link.
fn reason(user: &User) -> Reason {
    if user.activated {
        Reason::Reset
    } else {
        Reason::Invitation
    }
}

/// What is read beside a user who is to be changed.
fn with_access(tenant_id: TenantId) -> impl Fn(&Guid) -> (Vec<Key>, Vec<Query>) {
    move |_| (vec![keys::access(tenant_id)], Vec::new())
}

/// Changes a user; gives him as he is then (003 10.3). A new password ends his sessions.
///
/// # Errors
/// Not found for an unknown user, policy, team or group; invalid `user_invalid_email`; forbidden
/// for a user who may do what the caller may not, and for what the caller does not hold; conflict
/// where the last administrator would leave; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    who: &Principal,
    name: &str,
    changes: &UserChanges<'_>,
) -> Result<(ListedUser, Option<PasswordLink>), Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    let email = changes.email.map(user::checked_email).transpose()?;
    // It stands in mails: one line.
    if changes
        .name
        .is_some_and(|name| name.chars().any(char::is_control))
    {
        return Err(Error::invalid(Code::InvalidName));
    }
    let (found, link, was) = change!(reader, {
        let mut found = user_list::find(reader, tenant_id, name, with_access(tenant_id)).await?;
        who.outranks(&found.user.value.owner, &access(reader, tenant_id).await?)?;
        let before = found.user.value.clone();
        let mut sides = joined(reader, who, &mut found.user.value, changes.memberships).await?;
        let after = &mut found.user.value;
        if let Some(email) = email {
            email.clone_into(&mut after.owner.email);
        }
        if let Some(name) = changes.name {
            name.clone_into(&mut after.name);
        }
        after.owner.enabled = changes.enabled.unwrap_or(after.owner.enabled);
        after.owner.blacklisted = changes.blacklisted.unwrap_or(after.owner.blacklisted);
        if let Some(hash) = changes.password_hash {
            sides.extend(password::replaced(reader, tenant_id, &mut found.user, hash).await?);
        }
        let mut link = None;
        if changes.invite {
            if found.user.value.owner.email.is_empty() {
                return Err(Error::invalid(Code::UserInvalidEmail));
            }
            let why = reason(&before);
            let (text, write) =
                password::link(tenant_id, &who.domain, &found.user.value, why, now)?;
            sides.push(write);
            link = Some((text, why));
        }
        let mut writes = Vec::new();
        if found.user.value != before {
            writes = user::changed(reader, tenant_id, &before, found.user.clone()).await?;
        } else if link.is_some() {
            writes.push(password::check_unchanged(&found.user));
        }
        writes.extend(sides);
        Ok(((found, link, before.owner), within(writes)?))
    })?;
    let is = &found.user.value.owner;
    if was != *is {
        let (enabled, blacklisted, roles, teams) =
            (is.enabled, is.blacklisted, &is.roles, &is.teams);
        tracing::info!(
            by = %who.owner.user,
            user = %is.user,
            enabled,
            blacklisted,
            ?roles,
            ?teams,
            was = ?was.roles,
            "what a user may do was changed"
        );
    }
    Ok((found, link))
}

/// Whom an invitation is for.
#[derive(Clone, Copy, Debug)]
pub enum Invited<'a> {
    /// The user of that name or guid.
    Name(&'a str),
    /// The only user of that mail address, or the one of that name.
    Email(&'a str),
}

/// Makes another link for a user's password: the invitation of one who is not activated; with
/// `force` a reset for anybody whom the caller may change.
///
/// # Errors
/// Not found `User not found`; invalid for a user without an address, or an address that several
/// users have; conflict for one who is activated, without `force`; forbidden for a user who may do
/// what the caller may not; the store's.
pub async fn invite(
    reader: &mut Reader<'_>,
    who: &Principal,
    invited: Invited<'_>,
    force: bool,
) -> Result<(User, PasswordLink), Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    change!(reader, {
        let also = |_: &Guid| (vec![keys::access(tenant_id)], Vec::new());
        let found = match invited {
            Invited::Name(name) => user_list::find(reader, tenant_id, name, also).await?,
            Invited::Email(email) => match reader
                .all(Query::all(keys::email_users(tenant_id, email.trim())))
                .await?
                .as_slice()
            {
                [] => user_list::find(reader, tenant_id, email, also).await?,
                [only] => {
                    user_list::found(
                        reader,
                        tenant_id,
                        &only.key.sk.parse().map_err(Error::internal)?,
                        also,
                    )
                    .await?
                }
                _ => {
                    return Err(Error::invalid(
                        Code::InvalidEmail
                            .with("several users have this address, name one by username"),
                    ));
                }
            },
        };
        let found = found.user;
        who.outranks(&found.value.owner, &access(reader, tenant_id).await?)?;
        if found.value.owner.email.is_empty() {
            return Err(Error::invalid(Code::UserInvalidEmail));
        }
        if found.value.activated && !force {
            return Err(Error::conflict(
                "This user is activated already: with force he is sent a link for a new password",
            ));
        }
        let why = reason(&found.value);
        let (text, write) = password::link(tenant_id, &who.domain, &found.value, why, now)?;
        let writes = vec![password::check_unchanged(&found), write];
        Ok(((found.value, (text, why)), writes))
    })
}

/// A user's end: what goes with him in one transaction, and what nothing shows any more once he is
/// gone.
struct End {
    now: Vec<Write>,
    later: Vec<Write>,
}

/// Deletes a user who owns no apps, and gives him as he was (003 10.4). He is gone at once, with
/// his names, his keys and all that he is on; what is left of a crash afterwards is never shown.
///
/// # Errors
/// Not found `User not found`; forbidden for a user who may do what the caller may not; conflict
/// for one who owns apps, and for the last administrator; the store's.
pub async fn delete(
    reader: &mut Reader<'_>,
    who: &Principal,
    name: &str,
) -> Result<ListedUser, Error> {
    let tenant_id = who.tenant_id;
    let also = |user: &Guid| {
        (
            vec![keys::access(tenant_id), keys::owned_apps(tenant_id, user)],
            vec![Query::all(keys::user_keys(tenant_id, user))],
        )
    };
    let mut first: Option<ListedUser> = None;
    let later = loop {
        let (found, later) = change!(reader, {
            let found = user_list::find(reader, tenant_id, name, also).await?;
            who.outranks(&found.user.value.owner, &access(reader, tenant_id).await?)?;
            let end = end(reader, tenant_id, &found.user).await?;
            if end.now.len() <= MAX_TRANSACTION {
                return Ok(((found, Some(end.later)), end.now));
            }
            // More than one transaction holds: he leaves some of what he is on first.
            let writes = left(reader, tenant_id, found.user.clone()).await?;
            Ok(((found, None), writes))
        })?;
        first.get_or_insert(found);
        match later {
            Some(later) => break later,
            None => reader.forget(),
        }
    };
    tracing::info!(
        by = %who.owner.user,
        user = first.as_ref().map(|found| found.user.value.owner.user.as_str()),
        "a user was deleted"
    );
    for batch in later.chunks(MAX_TRANSACTION) {
        reader.table().write(batch.to_vec()).await?;
    }
    first.ok_or_else(user::not_found)
}

async fn end(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    found: &Stored<User>,
) -> Result<End, Error> {
    let user = &found.value;
    let guid = &user.owner.user;
    let owned: Option<Stored<OwnedApps>> = reader.get(&keys::owned_apps(tenant_id, guid)).await?;
    if owned.is_some_and(|owned| owned.count > 0) {
        return Err(Error::conflict("This user owns apps: delete them first"));
    }
    let gone = |key: Key| Write::Delete(key, Condition::Always);
    let mut now = vec![
        found.remove(),
        Write::Delete(keys::owned_apps(tenant_id, guid), Condition::Uncounted),
        gone(keys::last_login(tenant_id, guid)),
    ];
    now.extend(
        user::registered(reader, tenant_id, guid, user.is_full_administrator(), false).await?,
    );
    now.extend(
        user.names
            .iter()
            .map(|name| gone(keys::sign_in(tenant_id, name))),
    );
    if !user.owner.email.is_empty() {
        now.push(gone(keys::email(tenant_id, &user.owner.email, guid)));
    }
    now.extend(
        user.keys
            .iter()
            .map(|hash| gone(keys::credential(tenant_id, hash))),
    );
    now.extend(memberships(tenant_id, user).into_iter().map(gone));
    let (mut pairs, mut single) = (Vec::new(), Vec::new());
    let mut rows = reader
        .all(Query::all(keys::user_keys(tenant_id, guid)))
        .await?;
    // The listing was read beside his record: where it is the older one it lacks the row of a key
    // that he has.
    let is_listed = |hash: &SecretHash| {
        rows.iter().any(|row| {
            row.key.sk.starts_with(keys::KEY_PREFIX) && row.key.sk.ends_with(&format!("#{hash}"))
        })
    };
    if !user.keys.iter().all(is_listed) {
        rows = Reader::new(reader.table(), reader.now())
            .all(Query::all(keys::user_keys(tenant_id, guid)))
            .await?;
    }
    for item in rows {
        let row = item.key.clone();
        if let Some(device) = row.sk.strip_prefix(keys::DEVICE_PREFIX) {
            let device: Guid = device.parse().map_err(Error::internal)?;
            pairs.extend([gone(keys::device_user(tenant_id, &device, guid)), gone(row)]);
        } else if row.sk.starts_with(keys::ITEM_PREFIX) {
            single.push(gone(row));
        } else if row.sk.starts_with(keys::KEY_PREFIX) {
            let key = Stored::<ApiKey>::parse(item)?.value;
            // The active ones go with him, by what his record says; this listing may be older than
            // he is.
            pairs.extend(
                [gone(row)].into_iter().chain(
                    (!user.keys.contains(&key.hash))
                        .then(|| gone(keys::credential(tenant_id, &key.hash))),
                ),
            );
        }
    }
    // The two sides of a pair stay in one batch.
    pairs.extend(single);
    Ok(End { now, later: pairs })
}

fn memberships(tenant_id: TenantId, user: &User) -> Vec<Key> {
    let guid = &user.owner.user;
    let groups = user
        .owner
        .groups
        .iter()
        .map(|group| keys::group_user(tenant_id, group, guid));
    let policies = user
        .policies
        .iter()
        .map(|policy| keys::policy_user(tenant_id, policy, guid));
    let teams = user
        .owner
        .teams
        .iter()
        .map(|team| keys::team_user(tenant_id, team, guid));
    groups.chain(policies).chain(teams).collect()
}

/// The writes by which a user leaves as many groups, policies and teams as one transaction holds.
async fn left(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    mut found: Stored<User>,
) -> Result<Vec<Write>, Error> {
    let before = found.value.clone();
    let all = memberships(tenant_id, &before);
    // Room for himself and the copies in his keys.
    let mut room = MAX_TRANSACTION - MAX_KEYS - 10;
    let removed = all
        .iter()
        .take(room)
        .cloned()
        .map(|key| Write::Delete(key, Condition::Always))
        .collect::<Vec<_>>();
    let user = &mut found.value;
    let mut shorten = |length: usize| {
        let cut = room.min(length);
        room -= cut;
        cut
    };
    user.owner
        .groups
        .drain(..shorten(before.owner.groups.len()));
    user.policies.drain(..shorten(before.policies.len()));
    user.owner.teams.drain(..shorten(before.owner.teams.len()));
    let mut writes = user::changed(reader, tenant_id, &before, found).await?;
    writes.extend(removed);
    Ok(writes)
}

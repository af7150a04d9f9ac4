//! Teams: what their members may do beyond their roles (003 chapter 9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::access::{DOMAIN_PATH, Level, Principal, Right, Rights};
use crate::change;
use crate::clock::Timestamp;
use crate::domain::tenant::Tenant;
use crate::domain::text::{Description, Label, Name};
use crate::domain::user::{self, Owner, User};
use crate::error::Error;
use crate::id::{Guid, Handle, TeamId};
use crate::records::{self, Reader, Record, Stored};
use crate::store::{Condition, Key, Query, TRANSACTION_LIMIT, Write, keys};

/// What a team may do (003 9.2.2): levels of permission by path, and the business objects that they
/// are for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// By path: what the team may do there and below, until a deeper path says otherwise.
    pub perms: BTreeMap<String, Level>,
    /// By path: the objects that the team is for there and below. Without any the team is for
    /// nothing.
    pub objects: BTreeMap<String, Vec<String>>,
}

/// The value of the nearest path at or above this one.
fn nearest<'a, T>(by_path: &'a BTreeMap<String, T>, path: &str) -> Option<&'a T> {
    let mut path = path;
    loop {
        if let Some(found) = by_path.get(path) {
            return Some(found);
        }
        path = path.rsplit_once('/')?.0;
    }
}

impl Grants {
    /// The rights that they give. Objects of other tenants never get into a team, so that whatever
    /// is named is ours.
    pub fn rights(&self) -> Rights {
        let mut rights = Vec::new();
        for right in Right::ALL {
            let (path, level) = right.permission_path();
            let permitted = nearest(&self.perms, path).is_some_and(|have| *have >= level);
            if permitted && nearest(&self.objects, path).is_some_and(|objects| !objects.is_empty())
            {
                rights.push(right);
            }
        }
        Rights::of(&rights)
    }
}

/// Longest path, in characters.
const PATH_LIMIT: usize = 200;

/// The level of the store in the documents' paths: below the tenant the one that has an object of
/// its own.
const APP_STORE_PATH: &str = "cluster/reseller/customer/domain/admin/app-store";

fn checked_path(path: &str, field: &str) -> Result<(), Error> {
    let segment = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let fits = path.len() <= PATH_LIMIT
        && path.split('/').next() == Some("cluster")
        && path.split('/').all(segment);
    if fits {
        Ok(())
    } else {
        Err(Error::invalid(format!(
            "invalid_{field}: {:?} is no path of permissions",
            path.chars().take(PATH_LIMIT).collect::<String>()
        )))
    }
}

impl Grants {
    /// What a client asks for (003 9.5), if it can be: levels `read` or `write` (case does not
    /// count), paths of the documents' form, and no object but this tenant's: it is the cluster,
    /// the reseller, the customer and the domain, by its name, handle or store's guid. Below the
    /// domain everything of it is meant (`*`), and the store has its guid.
    ///
    /// # Errors
    /// Invalid `invalid_perms` and `invalid_business-objects`, also beyond [`PATHS_LIMIT`];
    /// forbidden for an object that is not this tenant's.
    pub fn checked(
        handle: Handle,
        tenant: &Tenant,
        perms: &[(String, String)],
        objects: &[(String, Vec<String>)],
    ) -> Result<Self, Error> {
        let mut grants = Self::default();
        for (path, level) in perms {
            checked_path(path, "perms")?;
            let level = match level.to_ascii_lowercase().as_str() {
                "read" => Level::Read,
                "write" => Level::Write,
                _ => {
                    return Err(Error::invalid(
                        "invalid_perms: a permission is read or write",
                    ));
                }
            };
            if grants
                .perms
                .insert(path.clone(), level)
                .is_some_and(|before| before != level)
            {
                return Err(Error::invalid(format!(
                    "invalid_perms: {path} is given twice"
                )));
            }
        }
        for (path, named) in objects {
            checked_path(path, "business-objects")?;
            let ids = grants.objects.entry(path.clone()).or_default();
            for object in named {
                let object = own_object(handle, tenant, path, object)?;
                if !ids.contains(&object) {
                    ids.push(object);
                }
            }
        }
        for (paths, field) in [
            (grants.perms.len(), "perms"),
            (grants.objects.len(), "business-objects"),
        ] {
            if paths > PATHS_LIMIT {
                return Err(Error::invalid(format!(
                    "invalid_{field}: at most {PATHS_LIMIT} paths"
                )));
            }
        }
        Ok(grants)
    }
}

/// A business object of this tenant, in one spelling.
fn own_object(handle: Handle, tenant: &Tenant, path: &str, object: &str) -> Result<String, Error> {
    let is_tenant = DOMAIN_PATH == path
        || DOMAIN_PATH
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('/'));
    let own = if object == "*"
        || (is_tenant || path == APP_STORE_PATH) && object == tenant.store.as_str()
    {
        Some(object.to_owned())
    } else if is_tenant && object.eq_ignore_ascii_case(&tenant.name) {
        Some(tenant.name.clone())
    } else if is_tenant && object.eq_ignore_ascii_case(&handle.to_string()) {
        Some(handle.to_string())
    } else {
        None
    };
    own.ok_or_else(|| {
        let object: String = object.chars().take(PATH_LIMIT).collect();
        Error::forbidden(format!(
            "{object:?} is not yours to give at {path}: there it can be \"*\"{}",
            if is_tenant { " or your own domain" } else { "" }
        ))
    })
}

/// What the tenant's own teams may do: one record, read with every credential.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Access {
    /// By team.
    pub teams: BTreeMap<TeamId, Grants>,
}

impl Record for Access {
    const KIND: &'static str = "access";
}

/// Most teams of a tenant beside the default ones: their grants are read with every credential.
pub const TEAMS_LIMIT: usize = 200;
/// Most paths of one team, permissions and business objects each.
pub const PATHS_LIMIT: usize = 40;

impl Access {
    /// What a team gives; nothing where there is no such team.
    pub fn of_team(&self, handle: Handle, team: &TeamId) -> Rights {
        match (
            self.teams.get(team),
            default_teams(handle)
                .into_iter()
                .find(|default| default.id == *team),
        ) {
            (Some(grants), _) => grants.rights(),
            (None, Some(default)) => default.grants.rights(),
            (None, None) => Rights::NONE,
        }
    }

    /// What a user may do by roles and teams.
    pub fn rights_of(&self, handle: Handle, owner: &Owner) -> Rights {
        let by_roles = owner
            .roles
            .iter()
            .fold(Rights::NONE, |rights, role| rights.and(role.rights()));
        owner.teams.iter().fold(by_roles, |rights, team| {
            rights.and(self.of_team(handle, team))
        })
    }
}

/// A team.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: Name,
    /// The code that its maker gave it.
    pub code: Label,
    /// What it is for.
    pub desc: Description,
    /// What it may do.
    pub grants: Grants,
    /// Since when.
    pub created: Timestamp,
    /// When it was changed last; members do not count.
    pub updated: Timestamp,
}

impl Record for Team {
    const KIND: &'static str = "team";
}

/// That a user is in a team; the key says who.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TeamMember {}

impl Record for TeamMember {
    const KIND: &'static str = "team-member";
}

/// A team that every tenant has and nobody can remove. It is no record: its id comes of the tenant,
/// and only its members are kept.
#[derive(Clone, Debug)]
pub struct DefaultTeam {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: &'static str,
    /// Its code.
    pub code: &'static str,
    /// What it is for.
    pub desc: &'static str,
    /// What it may do.
    pub grants: Grants,
}

/// The default teams of a tenant.
pub fn default_teams(handle: Handle) -> [DefaultTeam; 4] {
    let team =
        |code: &'static str, name: &'static str, desc: &'static str, path: &str, level: Level| {
            DefaultTeam {
                id: TeamId::derived(&["default team", &handle.to_string(), code]),
                name,
                code,
                desc,
                grants: Grants {
                    perms: [(path.to_owned(), level)].into(),
                    objects: [("cluster".to_owned(), vec!["*".to_owned()])].into(),
                },
            }
        };
    [
        team(
            "default-customer-admin",
            "Customer Administrators",
            "Everything, the deletion of users too",
            "cluster/reseller/customer",
            Level::Write,
        ),
        team(
            "default-domain-admin",
            "Domain Administrators",
            "Everything but the deletion of users",
            DOMAIN_PATH,
            Level::Write,
        ),
        team(
            "default-app-store",
            "App Store Editors",
            "The app store, its items, groups and devices",
            APP_STORE_PATH,
            Level::Write,
        ),
        team(
            "default-viewer",
            "Viewers",
            "Looking at everything, changing nothing",
            DOMAIN_PATH,
            Level::Read,
        ),
    ]
}

/// A team with its members, as it is shown.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The team; a default one exists as long as its tenant.
    pub team: Team,
    /// Whether it is a default one.
    pub is_default: bool,
    /// Its members.
    pub users: Vec<Guid>,
}

/// Most teams that a user is in.
pub const TEAMS_OF_USER: usize = 50;
/// Most users that a new team is made with: two writes each.
pub const USERS_LIMIT: usize = 40;
/// How many users leave a team that is deleted in one transaction, at most: room for the copies in
/// their API keys.
const USERS_AT_DELETION: usize = 10;

fn unknown() -> Error {
    Error::not_found("Team not found")
}

/// The id of a team as a client wrote it.
///
/// # Errors
/// Not found for what is no id: no team has it.
pub fn id(text: &str) -> Result<TeamId, Error> {
    text.parse().map_err(|_| unknown())
}

/// What a listing of all teams reads beside [`keys::tenant`].
pub fn listing(handle: Handle) -> Query {
    Query::all(keys::teams(handle))
}

/// What reading one team reads beside [`keys::tenant`]: itself and its members.
pub fn reading(handle: Handle, team: &TeamId) -> Query {
    Query {
        prefix: team.to_string(),
        ..Query::all(keys::teams(handle))
    }
}

async fn tenant_of(reader: &mut Reader<'_>, handle: Handle) -> Result<Tenant, Error> {
    let found: Option<Stored<Tenant>> = reader.get(&keys::tenant(handle)).await?;
    Ok(found
        .ok_or_else(|| Error::not_found("unknown tenant"))?
        .value)
}

async fn access_of(reader: &mut Reader<'_>, handle: Handle) -> Result<Access, Error> {
    Ok(reader
        .get::<Access>(&keys::access(handle))
        .await?
        .map(|found| found.value)
        .unwrap_or_default())
}

/// Teams that are records, and the members of all.
#[derive(Default)]
struct Gathered {
    records: Vec<Stored<Team>>,
    members: BTreeMap<TeamId, Vec<Guid>>,
}

async fn gather(reader: &mut Reader<'_>, query: Query) -> Result<Gathered, Error> {
    let mut found = Gathered::default();
    for item in reader.all(query).await? {
        match item.key.sk.split_once(keys::MEMBER) {
            Some((team, user)) => {
                let team = team.parse().map_err(Error::internal)?;
                found
                    .members
                    .entry(team)
                    .or_default()
                    .push(user.parse().map_err(Error::internal)?);
            }
            None => found.records.push(Stored::parse(item)?),
        }
    }
    Ok(found)
}

fn default_as_team(default: DefaultTeam, tenant: &Tenant) -> Result<Team, Error> {
    let too_long = || Error::internal("a default team breaks the limits of a team");
    Ok(Team {
        id: default.id,
        name: Name::new(default.name.to_owned()).ok_or_else(too_long)?,
        code: Label::new(default.code.to_owned()).ok_or_else(too_long)?,
        desc: Description::new(default.desc.to_owned()).ok_or_else(too_long)?,
        grants: default.grants,
        created: tenant.created,
        updated: tenant.created,
    })
}

/// All teams with their members: the default ones, then the tenant's own in the order of their
/// creation (003 9.2).
///
/// # Errors
/// The store's.
pub async fn list(reader: &mut Reader<'_>, handle: Handle) -> Result<Vec<Whole>, Error> {
    let tenant = tenant_of(reader, handle).await?;
    let Gathered {
        records,
        mut members,
    } = gather(reader, listing(handle)).await?;
    let mut own: Vec<Team> = records.into_iter().map(|found| found.value).collect();
    own.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    let mut teams = Vec::new();
    for default in default_teams(handle) {
        teams.push((default_as_team(default, &tenant)?, true));
    }
    teams.extend(own.into_iter().map(|team| (team, false)));
    Ok(teams
        .into_iter()
        .map(|(team, is_default)| Whole {
            users: members.remove(&team.id).unwrap_or_default(),
            team,
            is_default,
        })
        .collect())
}

/// The teams of the user of that guid or name, in the order of [`list`] (003 9.3).
///
/// # Errors
/// Not found for an unknown user; the store's.
pub async fn of_user(
    reader: &mut Reader<'_>,
    handle: Handle,
    named: &str,
) -> Result<Vec<Whole>, Error> {
    let user = user::named(reader, handle, named).await?;
    let all = list(reader, handle).await?;
    Ok(all
        .into_iter()
        .filter(|whole| user.value.owner.teams.contains(&whole.team.id))
        .collect())
}

/// The same for somebody who was read already, whose teams are read side by side: for an answer
/// that shows more than teams. Nothing is read for who is in none.
///
/// # Errors
/// The store's.
pub async fn of_owner(
    reader: &mut Reader<'_>,
    handle: Handle,
    owner: &Owner,
) -> Result<Vec<Whole>, Error> {
    if owner.teams.is_empty() {
        return Ok(Vec::new());
    }
    reader
        .fetch_beside(
            &[keys::tenant(handle)],
            owner.teams.iter().map(|id| reading(handle, id)).collect(),
        )
        .await?;
    let mut teams = Vec::new();
    for id in &owner.teams {
        // A team can go between the reading of its member and its own.
        teams.extend(look(reader, handle, id).await?.map(|(whole, _)| whole));
    }
    teams.sort_by(|one: &Whole, other| {
        (!one.is_default, one.team.created, &one.team.id).cmp(&(
            !other.is_default,
            other.team.created,
            &other.team.id,
        ))
    });
    Ok(teams)
}

/// A team with its members, and its record where it is no default one; `None` where it is not
/// there.
async fn look(
    reader: &mut Reader<'_>,
    handle: Handle,
    id: &TeamId,
) -> Result<Option<(Whole, Option<Stored<Team>>)>, Error> {
    let default = default_teams(handle)
        .into_iter()
        .find(|team| team.id == *id);
    let Gathered {
        mut records,
        mut members,
    } = gather(reader, reading(handle, id)).await?;
    let users = members.remove(id).unwrap_or_default();
    if let Some(default) = default {
        let team = default_as_team(default, &tenant_of(reader, handle).await?)?;
        return Ok(Some((
            Whole {
                team,
                is_default: true,
                users,
            },
            None,
        )));
    }
    Ok(records.pop().map(|record| {
        (
            Whole {
                team: record.value.clone(),
                is_default: false,
                users,
            },
            Some(record),
        )
    }))
}

async fn found(
    reader: &mut Reader<'_>,
    handle: Handle,
    id: &TeamId,
) -> Result<(Whole, Option<Stored<Team>>), Error> {
    look(reader, handle, id).await?.ok_or_else(unknown)
}

/// A team with its members (003 9.4).
///
/// # Errors
/// Not found; the store's.
pub async fn read(reader: &mut Reader<'_>, handle: Handle, id: &TeamId) -> Result<Whole, Error> {
    Ok(found(reader, handle, id).await?.0)
}

fn refuse_above(who: &Principal, rights: Rights) -> Result<(), Error> {
    if who.rights.covers(rights) {
        Ok(())
    } else {
        Err(Error::forbidden(
            "This team holds permissions that you do not hold",
        ))
    }
}

/// Refuses teams that are not there, and those that may do what the caller may not: nobody grants
/// what they do not hold.
///
/// # Errors
/// Not found `Team not found`; forbidden; the store's.
pub async fn require_grantable(
    reader: &mut Reader<'_>,
    who: &Principal,
    teams: &[TeamId],
) -> Result<(), Error> {
    let access = access_of(reader, who.handle).await?;
    for team in teams {
        let known = access.teams.contains_key(team)
            || default_teams(who.handle)
                .iter()
                .any(|default| default.id == *team);
        if !known {
            return Err(unknown());
        }
        refuse_above(who, access.of_team(who.handle, team))?;
    }
    Ok(())
}

/// The writes on the team's side that put a user into it or take him out; `owner.teams` is the
/// other side, and goes into the same transaction under the revision of the user's record. They
/// move the revision of a team that is a record, so that a deletion which did not see the new
/// member begins again.
///
/// # Errors
/// Internal.
pub fn linked(handle: Handle, team: &TeamId, user: &Guid, add: bool) -> Result<Vec<Write>, Error> {
    let member = keys::team_user(handle, team, user);
    if !add {
        return Ok(vec![Write::Delete(member, Condition::Always)]);
    }
    let mut writes = vec![records::put(member, &TeamMember {}, Condition::Always)?];
    if !default_teams(handle)
        .iter()
        .any(|default| default.id == *team)
    {
        writes.push(Write::Count {
            key: keys::team(handle, team),
            kind: Team::KIND,
            by: 0,
            condition: Condition::Present,
        });
    }
    Ok(writes)
}

/// The writes on the user's side, with the copies in his API keys; `None` where he is in the team
/// already, or is not.
async fn moved(
    reader: &mut Reader<'_>,
    handle: Handle,
    team: &TeamId,
    mut found: Stored<User>,
    add: bool,
) -> Result<Option<Vec<Write>>, Error> {
    let before = found.value.clone();
    let teams = &mut found.value.owner.teams;
    if add == teams.contains(team) {
        return Ok(None);
    }
    if add {
        if teams.len() >= TEAMS_OF_USER {
            return Err(Error::invalid(format!(
                "invalid_users: a user can be in at most {TEAMS_OF_USER} teams"
            )));
        }
        teams.push(team.clone());
    } else {
        teams.retain(|have| have != team);
    }
    Ok(Some(user::changed(reader, handle, &before, found).await?))
}

/// The write that enters what a team may do in the record of that, or takes it out.
async fn access_changed(
    reader: &mut Reader<'_>,
    handle: Handle,
    team: &TeamId,
    grants: Option<&Grants>,
) -> Result<Write, Error> {
    let key = keys::access(handle);
    let found: Option<Stored<Access>> = reader.get(&key).await?;
    let mut access = found
        .as_ref()
        .map(|found| found.value.clone())
        .unwrap_or_default();
    match grants {
        Some(_) if access.teams.len() >= TEAMS_LIMIT => {
            return Err(Error::invalid(format!(
                "invalid_team: at most {TEAMS_LIMIT} teams"
            )));
        }
        Some(grants) => access.teams.insert(team.clone(), grants.clone()),
        None => access.teams.remove(team),
    };
    match found {
        Some(found) => Stored {
            value: access,
            ..found
        }
        .replace(),
        // Not a name to be lost: whoever comes second begins again.
        None => records::put(key, &access, Condition::AbsentOrExpired { now: 0 }),
    }
}

/// Fetches users side by side.
async fn fetch_users(reader: &mut Reader<'_>, handle: Handle, users: &[Guid]) -> Result<(), Error> {
    let records: Vec<Key> = users.iter().map(|user| keys::user(handle, user)).collect();
    reader.fetch_missing(&records).await
}

/// What a new team is made of.
#[derive(Clone, Debug)]
pub struct NewTeam {
    /// Its name.
    pub name: Name,
    /// Its maker's code.
    pub code: Label,
    /// What it is for.
    pub desc: Description,
    /// Levels by path, as they were sent.
    pub perms: Vec<(String, String)>,
    /// Business objects by path, as they were sent.
    pub objects: Vec<(String, Vec<String>)>,
    /// Its first members, each by guid or name.
    pub users: Vec<String>,
}

/// Makes a team with its members, all or nothing (003 9.5).
///
/// # Errors
/// Those of [`Grants::checked`]; forbidden where the team would hold, or a member holds, what the
/// caller does not; not found for an unknown user; invalid beyond [`TEAMS_LIMIT`], [`USERS_LIMIT`],
/// [`TEAMS_OF_USER`]; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    new: &NewTeam,
) -> Result<Whole, Error> {
    if new.users.len() > USERS_LIMIT {
        return Err(Error::invalid(format!(
            "invalid_users: at most {USERS_LIMIT} users in one call"
        )));
    }
    let handle = who.handle;
    let grants = Grants::checked(
        handle,
        &tenant_of(reader, handle).await?,
        &new.perms,
        &new.objects,
    )?;
    refuse_above(who, grants.rights())?;
    let now = reader.now();
    let (id, desc) = (TeamId::random(), new.desc.clone());
    let team = Team {
        id,
        name: new.name.clone(),
        code: new.code.clone(),
        desc,
        grants,
        created: now,
        updated: now,
    };
    change!(reader, {
        let mut users = user::resolve(reader, handle, &new.users).await?;
        let by_name: Vec<Guid> = users
            .iter()
            .filter(|user| !new.users.iter().any(|text| text == user.as_str()))
            .cloned()
            .collect();
        fetch_users(reader, handle, &by_name).await?;
        let access = access_of(reader, handle).await?;
        let mut writes = vec![
            access_changed(reader, handle, &team.id, Some(&team.grants)).await?,
            records::create(keys::team(handle, &team.id), &team)?,
        ];
        for user in &users {
            let found: Stored<User> = reader
                .get(&keys::user(handle, user))
                .await?
                .ok_or_else(user::not_found)?;
            who.outranks(&found.value.owner, &access)?;
            writes.push(records::put(
                keys::team_user(handle, &team.id, user),
                &TeamMember {},
                Condition::Always,
            )?);
            writes.extend(
                moved(reader, handle, &team.id, found, true)
                    .await?
                    .unwrap_or_default(),
            );
        }
        if writes.len() > TRANSACTION_LIMIT {
            return Err(Error::invalid(
                "invalid_users: these users have too many API keys for one call, add some of them to the team later",
            ));
        }
        users.sort();
        Ok((
            Whole {
                team: team.clone(),
                is_default: false,
                users,
            },
            writes,
        ))
    })
}

/// Puts a user into a team or takes him out of it, and gives the team as it is then (003 9.7, 9.8).
/// Twice is fine. His API keys get the new copy of him in the same transaction.
///
/// # Errors
/// Not found for an unknown team or user; forbidden where the team or the user holds what the
/// caller does not; invalid beyond [`TEAMS_OF_USER`]; the store's.
pub async fn change_user(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: &TeamId,
    named: &str,
    add: bool,
) -> Result<Whole, Error> {
    let handle = who.handle;
    let named = [named.trim().to_owned()];
    change!(reader, {
        let (mut whole, _) = found(reader, handle, id).await?;
        let access = access_of(reader, handle).await?;
        refuse_above(who, access.of_team(handle, id))?;
        let users = user::resolve(reader, handle, &named).await?;
        let guid = users.first().ok_or_else(user::not_found)?;
        if named[0] != guid.as_str() {
            fetch_users(reader, handle, &users).await?;
        }
        let user: Stored<User> = reader
            .get(&keys::user(handle, guid))
            .await?
            .ok_or_else(user::not_found)?;
        who.outranks(&user.value.owner, &access)?;
        whole.users.retain(|member| member != guid);
        if add {
            whole.users.push(guid.clone());
            whole.users.sort();
        }
        let writes = match moved(reader, handle, id, user, add).await? {
            Some(mut writes) => {
                writes.extend(linked(handle, id, guid, add)?);
                writes
            }
            None => Vec::new(),
        };
        Ok((whole, writes))
    })
}

/// Deletes a team and gives it as it was (003 9.6). Its members leave it first, in as many
/// transactions as they need; the last of these takes the team and what it may do with it, under
/// the revision at which all of them were seen.
///
/// # Errors
/// Not found; forbidden for a default team, and where the team or a member holds what the caller
/// does not; the store's.
pub async fn delete(reader: &mut Reader<'_>, who: &Principal, id: &TeamId) -> Result<Whole, Error> {
    let handle = who.handle;
    let (whole, record) = found(reader, handle, id).await?;
    let record = record.ok_or_else(|| Error::forbidden("A default team cannot be deleted"))?;
    let access = access_of(reader, handle).await?;
    refuse_above(who, access.of_team(handle, id))?;
    fetch_users(reader, handle, &whole.users).await?;
    for user in &whole.users {
        if let Some(user) = reader.get::<User>(&keys::user(handle, user)).await? {
            who.outranks(&user.value.owner, &access)?;
        }
    }
    let mut seen = Some((whole.users.clone(), record));
    loop {
        let gone = change!(reader, {
            let (users, record) = match seen.take() {
                Some(seen) => seen,
                None => {
                    let (whole, record) = found(reader, handle, id).await?;
                    fetch_users(
                        reader,
                        handle,
                        &whole.users[..whole.users.len().min(USERS_AT_DELETION)],
                    )
                    .await?;
                    (whole.users, record.ok_or_else(unknown)?)
                }
            };
            left(reader, handle, record, &users).await
        })?;
        if gone {
            return Ok(whole);
        }
        reader.forget();
    }
}

/// The writes by which as many users leave a team as one transaction holds; where these are all of
/// them, the team goes too, and the answer is true.
async fn left(
    reader: &mut Reader<'_>,
    handle: Handle,
    team: Stored<Team>,
    users: &[Guid],
) -> Result<(bool, Vec<Write>), Error> {
    let id = team.value.id.clone();
    let mut writes = Vec::new();
    let mut leaving = 0;
    for user in users.iter().take(USERS_AT_DELETION) {
        let mut of_user = linked(handle, &id, user, false)?;
        if let Some(user) = reader.get::<User>(&keys::user(handle, user)).await? {
            of_user.extend(
                moved(reader, handle, &id, user, false)
                    .await?
                    .unwrap_or_default(),
            );
        }
        // Two are for the team and for what it may do.
        if leaving > 0 && writes.len() + of_user.len() + 2 > TRANSACTION_LIMIT {
            break;
        }
        writes.extend(of_user);
        leaving += 1;
    }
    let all = leaving == users.len();
    if all {
        writes.extend([
            team.remove(),
            access_changed(reader, handle, &id, None).await?,
        ]);
    }
    Ok((all, writes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(perms: &[(&str, Level)], objects: &[(&str, &[&str])]) -> Grants {
        Grants {
            perms: perms
                .iter()
                .map(|(path, level)| ((*path).to_owned(), *level))
                .collect(),
            objects: objects
                .iter()
                .map(|(path, ids)| {
                    (
                        (*path).to_owned(),
                        ids.iter().map(|id| (*id).to_owned()).collect(),
                    )
                })
                .collect(),
        }
    }

    #[test]
    fn the_nearest_path_decides() {
        // 003 9.2.2's own example.
        let perms = [
            ("cluster/reseller", Level::Read),
            ("cluster/reseller/customer", Level::Write),
            (DOMAIN_PATH, Level::Read),
        ];
        let rights = grants(&perms, &[("cluster", &["*"])]).rights();
        assert!(
            rights.contains(Right::DeleteUsers)
                && rights.contains(Right::ReadTeams)
                && !rights.contains(Right::WriteTeams)
        );
        let deeper = grants(
            &[
                (DOMAIN_PATH, Level::Write),
                (
                    "cluster/reseller/customer/domain/admin/app-store",
                    Level::Read,
                ),
            ],
            &[("cluster", &["*"])],
        )
        .rights();
        assert!(deeper.contains(Right::WriteUsers) && !deeper.contains(Right::DeleteUsers));
        assert!(deeper.contains(Right::ReadStoreItems) && !deeper.contains(Right::WriteStoreItems));
    }

    #[test]
    fn a_team_without_objects_is_for_nothing() {
        assert_eq!(
            grants(&[("cluster", Level::Write)], &[]).rights(),
            Rights::NONE
        );
        assert_eq!(
            grants(
                &[("cluster", Level::Write)],
                &[("cluster", &["*"]), (DOMAIN_PATH, &[])]
            )
            .rights(),
            Rights::of(&[Right::DeleteUsers])
        );
        assert_eq!(
            grants(&[("cluster", Level::Write)], &[("cluster", &["dev"])]).rights(),
            Rights::ALL
        );
        // A path that only begins alike is another one.
        assert_eq!(
            grants(
                &[("cluster/reseller/custom", Level::Write)],
                &[("cluster", &["*"])]
            )
            .rights(),
            Rights::NONE
        );
    }

    #[test]
    fn what_the_default_teams_give() {
        let handle = Handle::of_name("dev");
        let [customer, domain, store, viewer] =
            default_teams(handle).map(|team| team.grants.rights());
        assert_eq!(customer, Rights::ALL);
        assert_eq!(domain, Rights::ALL.without(Right::DeleteUsers));
        assert!(store.contains(Right::WriteDevices) && !store.contains(Right::ReadUsers));
        assert!(viewer.contains(Right::ReadUsers) && !viewer.contains(Right::WriteStore));
        assert_ne!(
            default_teams(handle)[0].id,
            default_teams(Handle::of_name("other"))[0].id
        );
    }

    #[test]
    fn only_the_tenants_own_objects_are_given() {
        let (handle, store) = (Handle::of_name("dev"), Guid::random());
        let tenant = Tenant {
            name: "dev".to_owned(),
            store: store.clone(),
            data_key: String::new(),
            created: Timestamp(0),
        };
        let checked = |path: &str, object: &str| {
            let given = Grants::checked(
                handle,
                &tenant,
                &[],
                &[(path.to_owned(), vec![object.to_owned()])],
            );
            given
                .map(|grants| grants.objects[path].clone())
                .map_err(|error| error.kind)
        };
        use crate::error::Kind;
        for path in [
            "cluster",
            "cluster/reseller",
            "cluster/reseller/customer",
            DOMAIN_PATH,
        ] {
            for (sent, kept) in [
                ("*", "*"),
                ("dev", "dev"),
                ("DEV", "dev"),
                (store.as_str(), store.as_str()),
                (&handle.to_string(), &handle.to_string()),
            ] {
                assert_eq!(
                    checked(path, sent),
                    Ok(vec![kept.to_owned()]),
                    "{sent} at {path}"
                );
            }
            for foreign in ["other", "", "sam1-core", Guid::random().as_str(), "dev "] {
                assert_eq!(
                    checked(path, foreign),
                    Err(Kind::Forbidden),
                    "{foreign} at {path}"
                );
            }
        }
        assert!(
            checked(APP_STORE_PATH, store.as_str()).is_ok() && checked(APP_STORE_PATH, "*").is_ok()
        );
        for (path, object) in [
            (APP_STORE_PATH, "dev"),
            ("cluster/reseller/customer/domain/project", store.as_str()),
            ("cluster/res", "dev"),
        ] {
            assert_eq!(
                checked(path, object),
                Err(Kind::Forbidden),
                "{object} at {path}"
            );
        }
        let long = format!("cluster/{}", "x".repeat(200));
        for path in [
            "",
            "Cluster",
            "reseller",
            "cluster/",
            "cluster//x",
            "/cluster",
            "cluster/ä",
            "cluster/a b",
            "clusters",
            &long,
        ] {
            assert_eq!(checked(path, "*"), Err(Kind::Invalid), "{path}");
        }
    }

    #[test]
    fn levels_and_numbers_of_paths_are_checked() {
        let tenant = Tenant {
            name: "dev".to_owned(),
            store: Guid::random(),
            data_key: String::new(),
            created: Timestamp(0),
        };
        let perms = |sent: &[(&str, &str)]| {
            let sent: Vec<(String, String)> = sent
                .iter()
                .map(|(path, level)| ((*path).to_owned(), (*level).to_owned()))
                .collect();
            Grants::checked(Handle::of_name("dev"), &tenant, &sent, &[])
                .map(|grants| grants.perms)
                .map_err(|error| error.message)
        };
        assert_eq!(
            perms(&[("cluster", "Write")]),
            Ok([("cluster".to_owned(), Level::Write)].into())
        );
        assert!(perms(&[("cluster", "own")]).is_err() && perms(&[("cluster", "")]).is_err());
        assert!(perms(&[("cluster", "read"), ("cluster", "write")]).is_err());
        let many: Vec<(String, String)> = (0..=PATHS_LIMIT)
            .map(|n| (format!("cluster/p{n}"), "read".to_owned()))
            .collect();
        let many: Vec<(&str, &str)> = many
            .iter()
            .map(|(path, level)| (path.as_str(), level.as_str()))
            .collect();
        assert!(perms(&many[..PATHS_LIMIT]).is_ok());
        assert!(perms(&many).is_err_and(|message| message.contains("at most")));
    }
}

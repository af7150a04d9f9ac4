//! Teams: what their members may do beyond their roles (003 chapter 9).

use std::collections::BTreeMap;

use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::{Guid, TeamId, TenantId};
use crate::base::rights::Rights;
use crate::base::text::{Description, Label, Name};
use crate::change;
use crate::domain::people::user;
use crate::model::people::principal::Principal;
use crate::model::people::team;
use crate::model::people::team::{Access, DefaultTeam, Grants, Team, TeamMember};
use crate::model::people::tenant::Tenant;
use crate::model::people::user::{Owner, User};
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, MAX_TRANSACTION, Query, Write, keys, record};

/// Most teams of a tenant beside the default ones: their grants are read with every credential.
pub const MAX_TEAMS: usize = 200;

/// A team with its members, as it is shown.
#[derive(Clone, Debug)]
pub struct TeamDetails {
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
pub const MAX_USERS: usize = 40;

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
pub fn listing(tenant_id: TenantId) -> Query {
    Query::all(keys::teams(tenant_id))
}

/// What reading one team reads beside [`keys::tenant`]: itself and its members.
pub fn reading(tenant_id: TenantId, team: &TeamId) -> Query {
    Query {
        prefix: team.to_string(),
        ..Query::all(keys::teams(tenant_id))
    }
}

async fn tenant_of(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<Tenant, Error> {
    let found: Option<Stored<Tenant>> = reader.get(&keys::tenant(tenant_id)).await?;
    Ok(found
        .ok_or_else(|| Error::not_found("unknown tenant"))?
        .value)
}

async fn access_of(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<Access, Error> {
    Ok(reader
        .get::<Access>(&keys::access(tenant_id))
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
pub async fn list(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<Vec<TeamDetails>, Error> {
    let tenant = tenant_of(reader, tenant_id).await?;
    let Gathered {
        records,
        mut members,
    } = gather(reader, listing(tenant_id)).await?;
    let mut own: Vec<Team> = records.into_iter().map(|found| found.value).collect();
    own.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    let mut teams = Vec::new();
    for default in team::default_teams(tenant_id) {
        teams.push((default_as_team(default, &tenant)?, true));
    }
    teams.extend(own.into_iter().map(|team| (team, false)));
    Ok(teams
        .into_iter()
        .map(|(team, is_default)| TeamDetails {
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
    tenant_id: TenantId,
    named: &str,
) -> Result<Vec<TeamDetails>, Error> {
    let user = user::find(reader, tenant_id, named).await?;
    let all = list(reader, tenant_id).await?;
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
    tenant_id: TenantId,
    owner: &Owner,
) -> Result<Vec<TeamDetails>, Error> {
    if owner.teams.is_empty() {
        return Ok(Vec::new());
    }
    reader
        .fetch_beside(
            &[keys::tenant(tenant_id)],
            owner
                .teams
                .iter()
                .map(|id| reading(tenant_id, id))
                .collect(),
        )
        .await?;
    let mut teams = Vec::new();
    for id in &owner.teams {
        // A team can go between the reading of its member and its own.
        teams.extend(look(reader, tenant_id, id).await?.map(|(whole, _)| whole));
    }
    teams.sort_by(|one: &TeamDetails, other| {
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
    tenant_id: TenantId,
    id: &TeamId,
) -> Result<Option<(TeamDetails, Option<Stored<Team>>)>, Error> {
    let default = team::default_teams(tenant_id)
        .into_iter()
        .find(|team| team.id == *id);
    let Gathered {
        mut records,
        mut members,
    } = gather(reader, reading(tenant_id, id)).await?;
    let users = members.remove(id).unwrap_or_default();
    if let Some(default) = default {
        let team = default_as_team(default, &tenant_of(reader, tenant_id).await?)?;
        return Ok(Some((
            TeamDetails {
                team,
                is_default: true,
                users,
            },
            None,
        )));
    }
    Ok(records.pop().map(|record| {
        (
            TeamDetails {
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
    tenant_id: TenantId,
    id: &TeamId,
) -> Result<(TeamDetails, Option<Stored<Team>>), Error> {
    look(reader, tenant_id, id).await?.ok_or_else(unknown)
}

/// A team with its members (003 9.4).
///
/// # Errors
/// Not found; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: &TeamId,
) -> Result<TeamDetails, Error> {
    Ok(found(reader, tenant_id, id).await?.0)
}

fn refuse_above(who: &Principal, rights: Rights) -> Result<(), Error> {
    if who.rights.contains(rights) {
        Ok(())
    } else {
        Err(Error::forbidden(format!(
            "This team gives rights that the caller lacks: {}",
            crate::base::rights::lacking(who.rights, rights)
        )))
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
    let access = access_of(reader, who.tenant_id).await?;
    for team in teams {
        let known = access.teams.contains_key(team)
            || team::default_teams(who.tenant_id)
                .iter()
                .any(|default| default.id == *team);
        if !known {
            return Err(unknown());
        }
        refuse_above(who, access.of_team(who.tenant_id, team))?;
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
pub fn membership_writes(
    tenant_id: TenantId,
    team: &TeamId,
    user: &Guid,
    add: bool,
) -> Result<Vec<Write>, Error> {
    let member = keys::team_user(tenant_id, team, user);
    if !add {
        return Ok(vec![Write::Delete(member, Condition::Always)]);
    }
    let mut writes = vec![record::put(member, &TeamMember {}, Condition::Always)?];
    if !team::default_teams(tenant_id)
        .iter()
        .any(|default| default.id == *team)
    {
        writes.push(Write::Count {
            key: keys::team(tenant_id, team),
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
    tenant_id: TenantId,
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
            return Err(Error::invalid(
                Code::InvalidUsers.with(format!("a user can be in at most {TEAMS_OF_USER} teams")),
            ));
        }
        teams.push(team.clone());
    } else {
        teams.retain(|have| have != team);
    }
    Ok(Some(
        user::changed(reader, tenant_id, &before, found).await?,
    ))
}

/// The write that enters what a team may do in the record of that, or takes it out.
async fn access_changed(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    team: &TeamId,
    grants: Option<&Grants>,
) -> Result<Write, Error> {
    let key = keys::access(tenant_id);
    let found: Option<Stored<Access>> = reader.get(&key).await?;
    let mut access = found
        .as_ref()
        .map(|found| found.value.clone())
        .unwrap_or_default();
    match grants {
        Some(_) if access.teams.len() >= MAX_TEAMS => {
            return Err(Error::invalid(
                Code::InvalidTeam.with(format!("at most {MAX_TEAMS} teams")),
            ));
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
        None => record::put(key, &access, Condition::AbsentOrExpired { now: 0 }),
    }
}

/// Fetches users side by side.
async fn fetch_users(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    users: &[Guid],
) -> Result<(), Error> {
    let records: Vec<Key> = users
        .iter()
        .map(|user| keys::user(tenant_id, user))
        .collect();
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
/// caller does not; not found for an unknown user; invalid beyond [`MAX_TEAMS`], [`MAX_USERS`],
/// [`TEAMS_OF_USER`]; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    new: &NewTeam,
) -> Result<TeamDetails, Error> {
    if new.users.len() > MAX_USERS {
        return Err(Error::invalid(
            Code::InvalidUsers.with(format!("at most {MAX_USERS} users in one call")),
        ));
    }
    let tenant_id = who.tenant_id;
    let grants = Grants::checked(
        tenant_id,
        &tenant_of(reader, tenant_id).await?,
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
        let mut users = user::resolve(reader, tenant_id, &new.users).await?;
        let by_name: Vec<Guid> = users
            .iter()
            .filter(|user| !new.users.iter().any(|text| text == user.as_str()))
            .cloned()
            .collect();
        fetch_users(reader, tenant_id, &by_name).await?;
        let access = access_of(reader, tenant_id).await?;
        let mut writes = vec![
            access_changed(reader, tenant_id, &team.id, Some(&team.grants)).await?,
            record::create(keys::team(tenant_id, &team.id), &team)?,
        ];
        for user in &users {
            let found: Stored<User> = reader
                .get(&keys::user(tenant_id, user))
                .await?
                .ok_or_else(user::not_found)?;
            who.outranks(&found.value.owner, &access)?;
            writes.push(record::put(
                keys::team_user(tenant_id, &team.id, user),
                &TeamMember {},
                Condition::Always,
            )?);
            writes.extend(
                moved(reader, tenant_id, &team.id, found, true)
                    .await?
                    .unwrap_or_default(),
            );
        }
        if writes.len() > MAX_TRANSACTION {
            return Err(Error::invalid(Code::InvalidUsers.with(
                "these users have too many API keys for one call, add some of them to the \
                        team later",
            )));
        }
        users.sort();
        Ok((
            TeamDetails {
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
) -> Result<TeamDetails, Error> {
    let tenant_id = who.tenant_id;
    let named = [named.trim().to_owned()];
    change!(reader, {
        let (mut whole, _) = found(reader, tenant_id, id).await?;
        let access = access_of(reader, tenant_id).await?;
        refuse_above(who, access.of_team(tenant_id, id))?;
        let users = user::resolve(reader, tenant_id, &named).await?;
        let guid = users.first().ok_or_else(user::not_found)?;
        if named[0] != guid.as_str() {
            fetch_users(reader, tenant_id, &users).await?;
        }
        let user: Stored<User> = reader
            .get(&keys::user(tenant_id, guid))
            .await?
            .ok_or_else(user::not_found)?;
        who.outranks(&user.value.owner, &access)?;
        whole.users.retain(|member| member != guid);
        if add {
            whole.users.push(guid.clone());
            whole.users.sort();
        }
        let writes = match moved(reader, tenant_id, id, user, add).await? {
            Some(mut writes) => {
                writes.extend(membership_writes(tenant_id, id, guid, add)?);
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
pub async fn delete(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: &TeamId,
) -> Result<TeamDetails, Error> {
    let tenant_id = who.tenant_id;
    let (whole, record) = found(reader, tenant_id, id).await?;
    let record = record.ok_or_else(|| Error::forbidden("A default team cannot be deleted"))?;
    let access = access_of(reader, tenant_id).await?;
    refuse_above(who, access.of_team(tenant_id, id))?;
    fetch_users(reader, tenant_id, &whole.users).await?;
    for user in &whole.users {
        if let Some(user) = reader.get::<User>(&keys::user(tenant_id, user)).await? {
            who.outranks(&user.value.owner, &access)?;
        }
    }
    let mut seen = Some((whole.users.clone(), record));
    loop {
        let gone = change!(reader, {
            let (users, record) = match seen.take() {
                Some(seen) => seen,
                None => {
                    let (whole, record) = found(reader, tenant_id, id).await?;
                    fetch_users(
                        reader,
                        tenant_id,
                        &whole.users[..whole.users.len().min(USERS_AT_DELETION)],
                    )
                    .await?;
                    (whole.users, record.ok_or_else(unknown)?)
                }
            };
            left(reader, tenant_id, record, &users).await
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
    tenant_id: TenantId,
    team: Stored<Team>,
    users: &[Guid],
) -> Result<(bool, Vec<Write>), Error> {
    let id = team.value.id.clone();
    let mut writes = Vec::new();
    let mut leaving = 0;
    for user in users.iter().take(USERS_AT_DELETION) {
        let mut of_user = membership_writes(tenant_id, &id, user, false)?;
        if let Some(user) = reader.get::<User>(&keys::user(tenant_id, user)).await? {
            of_user.extend(
                moved(reader, tenant_id, &id, user, false)
                    .await?
                    .unwrap_or_default(),
            );
        }
        // Two are for the team and for what it may do.
        if leaving > 0 && writes.len() + of_user.len() + 2 > MAX_TRANSACTION {
            break;
        }
        writes.extend(of_user);
        leaving += 1;
    }
    let all = leaving == users.len();
    if all {
        writes.extend([
            team.remove(),
            access_changed(reader, tenant_id, &id, None).await?,
        ]);
    }
    Ok((all, writes))
}

#[cfg(test)]
mod tests {
    use crate::base::clock::Timestamp;
    use crate::base::rights::{DOMAIN_PATH, Level, Right};
    use crate::base::{id as base_id, rights};
    use crate::model::people::team::{APP_STORE_PATH, MAX_PATHS};
    use crate::model::people::{team as team_record, tenant};

    fn grants(perms: &[(&str, Level)], objects: &[(&str, &[&str])]) -> team_record::Grants {
        team_record::Grants {
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
            rights::Rights::EMPTY
        );
        assert_eq!(
            grants(
                &[("cluster", Level::Write)],
                &[("cluster", &["*"]), (DOMAIN_PATH, &[])]
            )
            .rights(),
            rights::Rights::from(Right::DeleteUsers)
        );
        assert_eq!(
            grants(&[("cluster", Level::Write)], &[("cluster", &["dev"])]).rights(),
            rights::Rights::ALL
        );
        // A path that only begins alike is another one.
        assert_eq!(
            grants(
                &[("cluster/reseller/custom", Level::Write)],
                &[("cluster", &["*"])]
            )
            .rights(),
            rights::Rights::EMPTY
        );
    }

    #[test]
    fn what_the_default_teams_give() {
        let tenant_id = base_id::TenantId::of_name("dev");
        let [customer, domain, store, viewer] =
            team_record::default_teams(tenant_id).map(|team| team.grants.rights());
        assert_eq!(customer, rights::Rights::ALL);
        assert_eq!(domain, rights::Rights::ALL & !Right::DeleteUsers);
        assert!(store.contains(Right::WriteDevices) && !store.contains(Right::ReadUsers));
        assert!(viewer.contains(Right::ReadUsers) && !viewer.contains(Right::WriteStore));
        assert_ne!(
            team_record::default_teams(tenant_id)[0].id,
            team_record::default_teams(base_id::TenantId::of_name("other"))[0].id
        );
    }

    #[test]
    fn only_the_tenants_own_objects_are_given() {
        let (tenant_id, store) = (base_id::TenantId::of_name("dev"), base_id::Guid::random());
        let tenant = tenant::Tenant {
            name: "dev".to_owned(),
            store: store.clone(),
            data_key: String::new(),
            created: Timestamp(0),
        };
        let checked = |path: &str, object: &str| {
            let given = team_record::Grants::checked(
                tenant_id,
                &tenant,
                &[],
                &[(path.to_owned(), vec![object.to_owned()])],
            );
            given
                .map(|grants| grants.objects[path].clone())
                .map_err(|error| error.kind)
        };
        use crate::base::error::Kind;
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
                (&tenant_id.to_string(), &tenant_id.to_string()),
            ] {
                assert_eq!(
                    checked(path, sent),
                    Ok(vec![kept.to_owned()]),
                    "{sent} at {path}"
                );
            }
            for foreign in [
                "other",
                "",
                "sam1-core",
                base_id::Guid::random().as_str(),
                "dev ",
            ] {
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
        let tenant = tenant::Tenant {
            name: "dev".to_owned(),
            store: base_id::Guid::random(),
            data_key: String::new(),
            created: Timestamp(0),
        };
        let perms = |sent: &[(&str, &str)]| {
            let sent: Vec<(String, String)> = sent
                .iter()
                .map(|(path, level)| ((*path).to_owned(), (*level).to_owned()))
                .collect();
            team_record::Grants::checked(base_id::TenantId::of_name("dev"), &tenant, &sent, &[])
                .map(|grants| grants.perms)
                .map_err(|error| error.message)
        };
        assert_eq!(
            perms(&[("cluster", "Write")]),
            Ok([("cluster".to_owned(), Level::Write)].into())
        );
        assert!(perms(&[("cluster", "own")]).is_err() && perms(&[("cluster", "")]).is_err());
        assert!(perms(&[("cluster", "read"), ("cluster", "write")]).is_err());
        let many: Vec<(String, String)> = (0..=MAX_PATHS)
            .map(|n| (format!("cluster/p{n}"), "read".to_owned()))
            .collect();
        let many: Vec<(&str, &str)> = many
            .iter()
            .map(|(path, level)| (path.as_str(), level.as_str()))
            .collect();
        assert!(perms(&many[..MAX_PATHS]).is_ok());
        assert!(perms(&many).is_err_and(|message| message.contains("at most")));
    }
}

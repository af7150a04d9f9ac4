//! Auth policies: how an app's users may sign in (003 chapter 3).

use std::collections::{BTreeMap, HashMap};

use identity_providers::{PolicyType, Reach};
use serde_json::{Map, Value};

use crate::base::code::Code;
use crate::base::error::{Error, Kind};
use crate::base::id::{Guid, TenantId};
use crate::base::rights::{Rights, Role};
use crate::change;
use crate::domain::people::user;
use crate::model::people::auth_policy::{Policy, PolicyIdClaim, PolicyUser};
use crate::model::people::principal::Principal;
use crate::model::people::team::Access;
use crate::model::people::user::User;
use crate::services::sealing::DataKey;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Query, Write, keys, record};

/// The id of the policy that every tenant has from the start: sign-in with the platform's own users
/// and passwords.
pub const BUILT_IN: &str = "FeedHenry";

/// What a listing of one policy's users reads.
pub fn users_listing(tenant_id: TenantId, policy: &Guid) -> Query {
    Query {
        prefix: format!("{policy}{}", keys::MEMBER),
        ..Query::all(keys::policy_users(tenant_id))
    }
}

/// Longest id of a policy, in characters.
pub const MAX_ID: usize = 200;

/// Most users that one call lists or takes off the list: two writes each.
pub const MAX_USERS: usize = 30;

/// Most policies that a user is listed on.
pub const MAX_POLICIES: usize = 50;

/// How many users leave a policy that is deleted in one transaction.
const USERS_AT_DELETION: usize = 45;

/// Most listed users at whom a change of the provider looks.
const MAX_LISTED: usize = 5_000;

/// What a policy is to be; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub struct AuthPolicyInput {
    /// The id that `$fh.auth` names.
    pub policy_id: Option<String>,
    /// The type.
    pub policy_type: Option<String>,
    /// The whole configuration.
    pub configurations: Option<Map<String, Value>>,
    /// Whether the user must exist in the platform.
    pub check_user_exists: Option<bool>,
    /// Whether the user must be listed on the policy.
    pub check_user_approved: Option<bool>,
}

fn unknown() -> Error {
    Error::not_found(
        Code::InvalidGuid.beside("There is no auth policy with this guid in this domain"),
    )
}

fn name_taken(error: Error) -> Error {
    // The only conflict of a change that is not retried is the claim of the id.
    if error.kind == Kind::Conflict {
        Error::conflict("policyId must be unique")
    } else {
        error
    }
}

fn checked_id(id: &str) -> Result<String, Error> {
    let id = id.trim();
    if id.is_empty() || id.chars().count() > MAX_ID || id.chars().any(char::is_control) {
        return Err(Error::invalid(Code::InvalidPolicyId));
    }
    Ok(id.to_owned())
}

impl AuthPolicyInput {
    /// The policy that this makes of `before`.
    fn applied(&self, before: &Policy, key: &DataKey, reach: Reach) -> Result<Policy, Error> {
        let mut policy = before.clone();
        if let Some(id) = &self.policy_id {
            policy.policy_id = checked_id(id)?;
        }
        policy.check_user_exists = self.check_user_exists.unwrap_or(before.check_user_exists);
        policy.check_user_approved = self
            .check_user_approved
            .unwrap_or(before.check_user_approved);
        if let Some(kind) = &self.policy_type {
            policy.policy_type = kind.trim().to_owned();
        }
        let kind: PolicyType = policy
            .policy_type
            .parse()
            .map_err(|_| Error::invalid(Code::InvalidPolicyType))?;
        let same_type = before.policy_type.parse() == Ok(kind);
        match &self.configurations {
            Some(fields) => {
                policy.configure(kind, fields, same_type.then_some(before), key, reach)?
            }
            None if same_type => {}
            None => return Err(Error::invalid(Code::InvalidConfigurations)),
        }
        Ok(policy)
    }
}

/// Makes a policy (003 3.1), with the users who are listed on it, each by name or guid.
///
/// # Errors
/// Invalid for an id, type or configuration that cannot be, or beyond [`MAX_USERS`]; conflict
/// where the id is taken; for the users as [`change_users`]; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    wanted: &AuthPolicyInput,
    named: &[String],
    key: &DataKey,
    reach: Reach,
) -> Result<(Policy, Vec<User>), Error> {
    let tenant_id = who.tenant_id;
    let nothing = Policy {
        guid: Guid::random(),
        policy_id: String::new(),
        policy_type: String::new(),
        configurations: Map::new(),
        sealed: BTreeMap::new(),
        check_user_exists: false,
        check_user_approved: false,
    };
    let policy = wanted.applied(&nothing, key, reach)?;
    checked_id(&policy.policy_id)?;
    refuse_too_many(named)?;
    let made = change!(reader, {
        let claim = record::create(
            keys::policy_id(tenant_id, &policy.policy_id),
            &PolicyIdClaim {
                policy: policy.clone(),
            },
        )?;
        let mut writes = vec![
            claim,
            record::create(keys::policy(tenant_id, &policy.guid), &policy)?,
        ];
        let mut users = Vec::new();
        for mut found in named_users(reader, tenant_id, named).await? {
            refuse_above(reader, who, &found.value).await?;
            writes.extend(listed(tenant_id, &policy.guid, &mut found, true)?);
            users.push(found.value);
        }
        Ok((users, writes))
    });
    Ok((policy.clone(), by_name(made.map_err(name_taken)?)))
}

/// Changes a policy (003 3.3). Who is listed on it stays: that is [`change_users`]' to change.
///
/// # Errors
/// Not found; invalid for an id, type or configuration that cannot be, and for a secret that must
/// be sent again; conflict where the id is taken; forbidden where another provider could sign in as
/// a listed user who may do what the caller may not; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    who: &Principal,
    guid: &Guid,
    wanted: &AuthPolicyInput,
    key: &DataKey,
    reach: Reach,
) -> Result<Policy, Error> {
    let tenant_id = who.tenant_id;
    let changed = change!(reader, {
        let mut found: Stored<Policy> = reader
            .get(&keys::policy(tenant_id, guid))
            .await?
            .ok_or_else(unknown)?;
        let before = found.value.clone();
        let after = wanted.applied(&before, key, reach)?;
        if !after.is_built_in() && !after.has_provider_of(&before) {
            refuse_above_listed(reader, who, guid).await?;
        }
        found.value = after.clone();
        // First, since of two failed conditions the first one counts: who was overtaken looks
        // again.
        let mut writes = vec![found.replace()?];
        let (old, new) = (
            keys::policy_id(tenant_id, &before.policy_id),
            keys::policy_id(tenant_id, &after.policy_id),
        );
        let claim = PolicyIdClaim {
            policy: after.clone(),
        };
        if old == new {
            writes.push(record::put(new, &claim, Condition::Present)?);
        } else {
            writes.extend([
                record::create(new, &claim)?,
                Write::Delete(old, Condition::Always),
            ]);
        }
        Ok((after, writes))
    });
    changed.map_err(name_taken)
}

/// What a deletion reads first: the users who leave in its first step, and whether there are more.
pub fn leaving(tenant_id: TenantId, policy: &Guid) -> Query {
    // The limit is small and the conversion never fails.
    users_listing(tenant_id, policy).limit(u32::try_from(USERS_AT_DELETION + 1).ok())
}

/// Deletes a policy (003 3.4). Its users leave it first, in steps; the references of items and of
/// the store stay behind and match nobody, since a guid is never given twice. Whoever came by it is
/// out at once.
///
/// # Errors
/// Not found; the store's.
pub async fn delete(reader: &mut Reader<'_>, who: &Principal, guid: &Guid) -> Result<(), Error> {
    let tenant_id = who.tenant_id;
    loop {
        let done = change!(reader, {
            let policy: Stored<Policy> = reader
                .get(&keys::policy(tenant_id, guid))
                .await?
                .ok_or_else(unknown)?;
            let page = reader.query(&leaving(tenant_id, guid)).await?;
            let last = page.next.is_none() && page.items.len() <= USERS_AT_DELETION;
            let items: Vec<Key> = page
                .items
                .into_iter()
                .take(USERS_AT_DELETION)
                .map(|item| item.key)
                .collect();
            let user_keys = items
                .iter()
                .map(|key| Ok(keys::user(tenant_id, &user_of(key)?)))
                .collect::<Result<Vec<_>, Error>>()?;
            let mut writes: Vec<Write> = items
                .iter()
                .map(|key| Write::Delete(key.clone(), Condition::Always))
                .collect();
            for mut user in reader
                .get_all::<User>(&user_keys)
                .await?
                .into_iter()
                .flatten()
            {
                user.value.policies.retain(|have| have != guid);
                writes.push(user.replace()?);
            }
            if last {
                writes.extend([
                    policy.remove(),
                    Write::Delete(
                        keys::policy_id(tenant_id, &policy.value.policy_id),
                        Condition::Always,
                    ),
                ]);
            } else {
                writes.push(touched(tenant_id, guid));
            }
            Ok((last, writes))
        })?;
        if done {
            return Ok(());
        }
        reader.forget();
    }
}

/// A policy by its id (003 3.2), with the users who are listed on it, in the order of their names.
///
/// # Errors
/// Not found; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    policy_id: &str,
) -> Result<(Policy, Vec<User>), Error> {
    let claim: Option<Stored<PolicyIdClaim>> = reader
        .get(&keys::policy_id(tenant_id, policy_id.trim()))
        .await?;
    let policy = claim
        .ok_or_else(|| Error::not_found(Code::InvalidPolicyId))?
        .value
        .policy;
    let users = users_on(reader, tenant_id, &policy.guid).await?;
    Ok((policy, users))
}

/// A policy by its guid, with the users who are listed on it (003 3.6), in the order of their
/// names.
///
/// # Errors
/// Not found; the store's.
pub async fn with_users(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
) -> Result<(Policy, Vec<User>), Error> {
    let policy: Stored<Policy> = reader
        .get(&keys::policy(tenant_id, guid))
        .await?
        .ok_or_else(unknown)?;
    let users = users_on(reader, tenant_id, guid).await?;
    Ok((policy.value, users))
}

/// All policies with the users who are listed on each (003 3.5), in the order of their ids.
///
/// # Errors
/// The store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
) -> Result<Vec<(Policy, Vec<User>)>, Error> {
    let policies = reader.all(Query::all(keys::policies(tenant_id))).await?;
    let policies = policies
        .into_iter()
        .map(|item| Ok(Stored::<Policy>::parse(item)?.value))
        .collect::<Result<Vec<_>, Error>>()?;
    let mut on: HashMap<Guid, Vec<Guid>> = HashMap::new();
    for item in reader
        .all(Query::all(keys::policy_users(tenant_id)))
        .await?
    {
        let (policy, user) = item
            .key
            .sk
            .split_once(keys::MEMBER)
            .ok_or_else(|| Error::internal("a listed user of no policy"))?;
        on.entry(policy.parse().map_err(Error::internal)?)
            .or_default()
            .push(user.parse().map_err(Error::internal)?);
    }
    let mut all: Vec<Key> = on
        .values()
        .flatten()
        .map(|user| keys::user(tenant_id, user))
        .collect();
    all.sort_by(|one, other| one.sk.cmp(&other.sk));
    all.dedup();
    reader.fetch_missing(&all).await?;
    let mut found = Vec::with_capacity(policies.len());
    for policy in policies {
        let users = existing(
            reader,
            tenant_id,
            &on.remove(&policy.guid).unwrap_or_default(),
        )
        .await?;
        found.push((policy, users));
    }
    found.sort_by(|(one, _), (other, _)| one.policy_id.cmp(&other.policy_id));
    Ok(found)
}

/// Lists users on a policy (003 3.7) or takes them off (003 3.8), each by name or guid: all or
/// none. Repeating is fine.
///
/// To be listed means that the policy's provider signs in as that user. So nobody lists somebody
/// who may do what he may not himself. To take somebody off gives nothing to anybody, and anybody
/// who may write policies may do it.
///
/// # Errors
/// Not found for an unknown policy or user; invalid beyond [`MAX_USERS`] or [`MAX_POLICIES`];
/// forbidden for a user who may do what the caller may not; the store's.
pub async fn change_users(
    reader: &mut Reader<'_>,
    who: &Principal,
    guid: &Guid,
    named: &[String],
    add: bool,
) -> Result<(), Error> {
    refuse_too_many(named)?;
    let tenant_id = who.tenant_id;
    change!(reader, {
        reader
            .get::<Policy>(&keys::policy(tenant_id, guid))
            .await?
            .ok_or_else(unknown)?;
        let mut writes = Vec::new();
        for mut found in named_users(reader, tenant_id, named).await? {
            if add {
                refuse_above(reader, who, &found.value).await?;
            }
            writes.extend(listed(tenant_id, guid, &mut found, add)?);
        }
        if !writes.is_empty() {
            writes.insert(0, touched(tenant_id, guid));
        }
        Ok(((), writes))
    })
}

/// Counts nothing and moves the policy's revision: a deletion that did not see a listed user begins
/// again, and so does a change of the provider.
pub fn touched(tenant_id: TenantId, guid: &Guid) -> Write {
    Write::Count {
        key: keys::policy(tenant_id, guid),
        kind: Policy::KIND,
        by: 0,
        condition: Condition::Present,
    }
}

fn refuse_too_many(named: &[String]) -> Result<(), Error> {
    if named.len() > MAX_USERS {
        return Err(Error::invalid(
            Code::InvalidUsers.with(format!("at most {MAX_USERS} users in one call")),
        ));
    }
    Ok(())
}

async fn named_users(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    named: &[String],
) -> Result<Vec<Stored<User>>, Error> {
    let users = user::resolve(reader, tenant_id, named).await?;
    let user_keys: Vec<Key> = users
        .iter()
        .map(|user| keys::user(tenant_id, user))
        .collect();
    reader
        .get_all::<User>(&user_keys)
        .await?
        .into_iter()
        .map(|found| found.ok_or_else(user::not_found))
        .collect()
}

/// The writes of both sides; none where nothing changes.
fn listed(
    tenant_id: TenantId,
    guid: &Guid,
    found: &mut Stored<User>,
    add: bool,
) -> Result<Vec<Write>, Error> {
    let policies = &mut found.value.policies;
    if add == policies.contains(guid) {
        return Ok(Vec::new());
    }
    let key = keys::policy_user(tenant_id, guid, &found.value.owner.user);
    let other_side = if add {
        if policies.len() >= MAX_POLICIES {
            return Err(Error::invalid(Code::InvalidUsers.with(format!(
                "a user is listed on at most {MAX_POLICIES} policies"
            ))));
        }
        policies.push(guid.clone());
        record::put(key, &PolicyUser {}, Condition::Always)?
    } else {
        policies.retain(|have| have != guid);
        Write::Delete(key, Condition::Always)
    };
    Ok(vec![found.replace()?, other_side])
}

async fn refuse_above(reader: &mut Reader<'_>, who: &Principal, user: &User) -> Result<(), Error> {
    let teams = reader
        .get::<Access>(&keys::access(who.tenant_id))
        .await?
        .map(|found| found.value)
        .unwrap_or_default();
    who.outranks(&user.owner, &teams)
}

/// Refuses to change the provider of a policy on which somebody is listed who may do what the
/// caller may not: the new provider would sign in as him.
async fn refuse_above_listed(
    reader: &mut Reader<'_>,
    who: &Principal,
    guid: &Guid,
) -> Result<(), Error> {
    if who.rights.contains(Rights::ALL) && who.owner.roles.contains(&Role::ResellerAdmin) {
        return Ok(());
    }
    let mut query = users_listing(who.tenant_id, guid);
    let mut user_keys = Vec::new();
    loop {
        let page = reader.query(&query).await?;
        for item in &page.items {
            user_keys.push(keys::user(who.tenant_id, &user_of(&item.key)?));
        }
        if user_keys.len() > MAX_LISTED {
            return Err(Error::forbidden(format!(
                "More than {MAX_LISTED} users are listed on this policy: make another one for \
                    another provider"
            )));
        }
        if page.next.is_none() {
            break;
        }
        query.after = page.next;
    }
    for user in reader
        .get_all::<User>(&user_keys)
        .await?
        .into_iter()
        .flatten()
    {
        refuse_above(reader, who, &user.value).await?;
    }
    Ok(())
}

/// The user of a [`keys::policy_user`].
fn user_of(key: &Key) -> Result<Guid, Error> {
    let (_, user) = key
        .sk
        .split_once(keys::MEMBER)
        .ok_or_else(|| Error::internal("a listed user of no policy"))?;
    user.parse().map_err(Error::internal)
}

async fn users_on(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    guid: &Guid,
) -> Result<Vec<User>, Error> {
    let items = reader.all(users_listing(tenant_id, guid)).await?;
    let users = items
        .iter()
        .map(|item| user_of(&item.key))
        .collect::<Result<Vec<_>, _>>()?;
    existing(reader, tenant_id, &users).await
}

async fn existing(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    users: &[Guid],
) -> Result<Vec<User>, Error> {
    let user_keys: Vec<Key> = users
        .iter()
        .map(|user| keys::user(tenant_id, user))
        .collect();
    Ok(by_name(
        reader
            .get_all::<User>(&user_keys)
            .await?
            .into_iter()
            .flatten()
            .map(|found| found.value)
            .collect(),
    ))
}

fn by_name(mut users: Vec<User>) -> Vec<User> {
    users.sort_by(|one, other| one.owner.username.cmp(&other.owner.username));
    users
}

/// The writes that make a built-in policy, with its guid.
///
/// # Errors
/// Internal.
pub fn create_built_in(tenant_id: TenantId, policy_id: &str) -> Result<(Guid, Vec<Write>), Error> {
    let policy = Policy {
        guid: Guid::random(),
        policy_id: policy_id.to_owned(),
        policy_type: "FEEDHENRY".to_owned(),
        configurations: Map::from_iter([("provider".to_owned(), Value::from("FEEDHENRY"))]),
        sealed: BTreeMap::new(),
        check_user_exists: true,
        check_user_approved: false,
    };
    let guid = policy.guid.clone();
    let writes = vec![
        record::create(
            keys::policy_id(tenant_id, policy_id),
            &PolicyIdClaim {
                policy: policy.clone(),
            },
        )?,
        record::create(keys::policy(tenant_id, &guid), &policy)?,
    ];
    Ok((guid, writes))
}

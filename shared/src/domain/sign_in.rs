//! Signing in: members by cookie, apps' users by session. Throttled per account and address, and alike in words and time
//! for an unknown user and a wrong password.

use serde::{Deserialize, Serialize};

use crate::change;
use crate::clock::Timestamp;
use crate::domain::credential::{Credential, Purpose};
use crate::domain::device::Device;
use crate::domain::policy::Policy;
use crate::domain::tenant::Tenant;
use crate::domain::user::{SignInName, User};
use crate::error::{Error, Kind};
use crate::id::Handle;
use crate::records::{self, Reader, Record, Stored};
use crate::secret::{CredentialText, device_id, verify_password};
use crate::store::{Condition, Key, Query, Write, keys};

/// How long a member's cookie lasts, in seconds.
pub const SESSION_SECONDS: i64 = 12 * 3600;
/// How long an app user's session lasts, in seconds.
pub const APP_SESSION_SECONDS: i64 = 7 * 24 * 3600;
/// Failures within [`FAILURE_WINDOW`] after which an account is closed until the window ends.
pub const ACCOUNT_FAILURES: u32 = 10;
/// The same for an address, behind which many people may sit.
pub const ADDRESS_FAILURES: u32 = 100;
/// The window in which failures are counted, in seconds.
pub const FAILURE_WINDOW: i64 = 300;

/// Failed sign-ins of an account or from an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Failures {
    times: u32,
    until: Timestamp,
}

impl Record for Failures {
    const KIND: &'static str = "failures";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

/// Who wants to sign in, and from where.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// The tenant.
    pub handle: Handle,
    /// The name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// The client's address.
    pub address: &'a str,
}

impl Attempt<'_> {
    fn counters(&self) -> [(Key, u32); 2] {
        let account = keys::failures(self.handle, &format!("account#{}", self.name));
        let address = keys::failures(self.handle, &format!("address#{}", self.address));
        [(account, ACCOUNT_FAILURES), (address, ADDRESS_FAILURES)]
    }
}

/// A member who signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The new session.
    pub session: CredentialText,
    /// The user.
    pub user: User,
    /// The tenant's name.
    pub domain: String,
}

/// Checks name and password and gives the user with the tenant. `also` and `queries` are what the caller reads after it.
async fn prove(reader: &mut Reader<'_>, attempt: Attempt<'_>, also: Vec<Key>, queries: Vec<Query>) -> Result<(Stored<User>, Tenant), Error> {
    let handle = attempt.handle;
    let counters = attempt.counters();
    let claim_key = keys::sign_in(handle, attempt.name);
    let mut wanted = vec![claim_key.clone(), keys::tenant(handle)];
    wanted.extend(counters.iter().map(|(key, _)| key.clone()));
    wanted.extend(also);
    reader.fetch(wanted, queries).await?;
    for (key, most) in &counters {
        if reader.get::<Failures>(key).await?.is_some_and(|found| found.value.times >= *most) {
            return Err(Error::new(Kind::TooManyRequests, "Too many failed logins, please try again later"));
        }
    }
    let claim: Option<Stored<SignInName>> = reader.get(&claim_key).await?;
    let tenant: Option<Stored<Tenant>> = reader.get(&keys::tenant(handle)).await?;
    let right = verify_password(attempt.password, claim.as_ref().map(|claim| claim.value.password.as_str()));
    match (right, claim, tenant) {
        (true, Some(claim), Some(tenant)) => {
            let user: Option<Stored<User>> = reader.get(&keys::user(handle, &claim.value.user)).await?;
            Ok((user.ok_or_else(Error::sign_in_failed)?, tenant.value))
        }
        _ => {
            count_failure(reader, &counters).await?;
            Err(Error::sign_in_failed())
        }
    }
}

async fn count_failure(reader: &mut Reader<'_>, counters: &[(Key, u32)]) -> Result<(), Error> {
    let now = reader.now();
    change!(reader, {
        let mut writes = Vec::new();
        for (key, _) in counters {
            match reader.get::<Failures>(key).await? {
                Some(mut found) => {
                    found.value.times += 1;
                    writes.push(found.replace()?);
                }
                None => {
                    let first = Failures { times: 1, until: now.plus_seconds(FAILURE_WINDOW) };
                    writes.push(records::put(key.clone(), &first, Condition::AbsentOrExpired { now: now.seconds() })?);
                }
            }
        }
        Ok(((), writes))
    })
}

/// Signs a member in.
///
/// # Errors
/// [`Error::sign_in_failed`]; too many requests; the store's.
pub async fn member(reader: &mut Reader<'_>, attempt: Attempt<'_>) -> Result<SignedIn, Error> {
    let (user, tenant) = prove(reader, attempt, Vec::new(), Vec::new()).await?;
    let now = reader.now();
    let session = CredentialText::new_session(attempt.handle, &user.value.owner.user);
    let credential =
        Credential { purpose: Purpose::Session, domain: tenant.name.clone(), created: now, expires: Some(now.plus_seconds(SESSION_SECONDS)), owner: None };
    let [(account, _), _] = attempt.counters();
    let credential = records::create(keys::credential(attempt.handle, &session.hash()), &credential)?;
    // The same user signs in elsewhere at the same time: the transactions meet at the user and the failures.
    let user = change!(reader, {
        let user: Stored<User> = reader.get(&user.key).await?.ok_or_else(Error::sign_in_failed)?;
        let owner = &user.value.owner;
        if !owner.enabled || owner.blacklisted {
            return Err(Error::sign_in_failed());
        }
        let check = Write::Check(user.key.clone(), Condition::Rev(user.rev));
        Ok((user.value, vec![credential.clone(), Write::Delete(account.clone(), Condition::Always), check]))
    })?;
    Ok(SignedIn { session, user, domain: tenant.name })
}

/// An app's user who signed in.
#[derive(Debug)]
pub struct AppSignedIn {
    /// The new session.
    pub session: CredentialText,
    /// The user's name.
    pub username: String,
}

fn refused(message: &str) -> Error {
    Error::forbidden(message)
}

/// Signs an app's user in by a policy of type FEEDHENRY, and notes the device. The coded refusals of users
/// and devices are given only to somebody who has proved who they are.
///
/// # Errors
/// `unknown_policyId`; [`Error::sign_in_failed`]; `user_disabled`, `user_purge_data`, `user_not_approved`,
/// `device_disabled`, `device_purge_data`; too many requests; the store's.
pub async fn app_user(reader: &mut Reader<'_>, attempt: Attempt<'_>, policy_id: &str, cuid: &str) -> Result<AppSignedIn, Error> {
    let handle = attempt.handle;
    let query = Query::all(keys::policies(handle));
    let id = device_id(cuid);
    let device_key = keys::device(handle, &id);
    // Policies and device are read beside the claim, so that the sign-in is no deeper for them.
    let proved = prove(reader, attempt, vec![device_key.clone()], vec![query.clone()]).await;
    let policy = find_policy(reader, query, policy_id).await?.ok_or_else(|| refused("unknown_policyId"))?;
    if !policy.policy_type.eq_ignore_ascii_case("FEEDHENRY") {
        return Err(refused("unknown_policyId"));
    }
    let (user, tenant) = proved?;
    let now = reader.now();
    let session = CredentialText::new_app_session(handle, &user.value.owner.user, &id);
    let credential = Credential {
        purpose: Purpose::AppSession { cuid: cuid.to_owned(), policy: policy.guid.clone() },
        domain: tenant.name.clone(),
        created: now,
        expires: Some(now.plus_seconds(APP_SESSION_SECONDS)),
        owner: None,
    };
    let credential = records::create(keys::credential(handle, &session.hash()), &credential)?;
    let username = change!(reader, {
        let user: Stored<User> = reader.get(&user.key).await?.ok_or_else(Error::sign_in_failed)?;
        let owner = &user.value.owner;
        if owner.blacklisted {
            return Err(refused("user_purge_data"));
        }
        if !owner.enabled {
            return Err(refused("user_disabled"));
        }
        if policy.check_user_approved && !policy.users.contains(&owner.user) {
            return Err(refused("user_not_approved"));
        }
        let device = match reader.get::<Device>(&device_key).await? {
            Some(found) if found.value.blacklisted => return Err(refused("device_purge_data")),
            Some(found) if found.value.disabled => return Err(refused("device_disabled")),
            Some(mut found) => {
                found.value.modified = now;
                found.replace()?
            }
            None => {
                let device = Device { cuid: cuid.to_owned(), name: String::new(), created: now, modified: now, disabled: false, blacklisted: false };
                records::put(device_key.clone(), &device, Condition::AbsentOrExpired { now: now.seconds() })?
            }
        };
        let check = Write::Check(user.key.clone(), Condition::Rev(user.rev));
        Ok((user.value.owner.username, vec![credential.clone(), check, device]))
    })?;
    Ok(AppSignedIn { session, username })
}

async fn find_policy(reader: &mut Reader<'_>, mut query: Query, policy_id: &str) -> Result<Option<Policy>, Error> {
    loop {
        let page = reader.query(&query).await?;
        for item in page.items {
            let policy = Stored::<Policy>::parse(item)?.value;
            if policy.policy_id == policy_id {
                return Ok(Some(policy));
            }
        }
        if page.next.is_none() {
            return Ok(None);
        }
        query.after = page.next;
    }
}

/// Ends a session; one that is not there is fine.
///
/// # Errors
/// The store's.
pub async fn end(reader: &Reader<'_>, session: &CredentialText) -> Result<(), Error> {
    let key = keys::credential(session.handle(), &session.hash());
    Ok(reader.table().write(vec![Write::Delete(key, Condition::Always)]).await?)
}

//! Signing in: members by cookie, apps' users by session. Throttled per account and address, and alike in words and time
//! for an unknown user and a wrong password.

use serde::{Deserialize, Serialize};

use crate::change;
use crate::clock::Timestamp;
use crate::domain::credential::{Credential, Purpose};
use crate::domain::device::{self, Device};
use crate::domain::policy::Policy;
use crate::domain::tenant::Tenant;
use crate::domain::user::{Identity, LastLogin, Owner, SignInName, User};
use crate::error::{Error, Kind};
use crate::id::{Guid, Handle};
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

    /// What [`refuse_throttled`](Self::refuse_throttled) reads.
    pub fn keys(&self) -> Vec<Key> {
        self.counters().into_iter().map(|(key, _)| key).collect()
    }

    /// Refuses to go on after too many failures of this account or from this address.
    ///
    /// # Errors
    /// Too many requests; the store's.
    pub async fn refuse_throttled(&self, reader: &mut Reader<'_>) -> Result<(), Error> {
        for (key, most) in &self.counters() {
            if reader.get::<Failures>(key).await?.is_some_and(|found| found.value.times >= *most) {
                return Err(Error::new(Kind::TooManyRequests, "Too many failed logins, please try again later"));
            }
        }
        Ok(())
    }

    /// Counts a failure, for the account and for the address.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_failure(&self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let now = reader.now();
        change!(reader, {
            let mut writes = Vec::new();
            for (key, _) in &self.counters() {
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

    /// The write that forgets the account's failures.
    pub fn forgive(&self) -> Write {
        let [(account, _), _] = self.counters();
        Write::Delete(account, Condition::Always)
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

/// Checks name and password and gives the user's guid. The name and the failures are read here if they were not fetched
/// before.
///
/// # Errors
/// [`Error::sign_in_failed`]; too many requests; the store's.
pub async fn prove(reader: &mut Reader<'_>, attempt: Attempt<'_>) -> Result<Guid, Error> {
    let claim_key = keys::sign_in(attempt.handle, attempt.name);
    let mut wanted = attempt.keys();
    wanted.push(claim_key.clone());
    reader.fetch_missing(&wanted).await?;
    attempt.refuse_throttled(reader).await?;
    let claim: Option<Stored<SignInName>> = reader.get(&claim_key).await?;
    let right = verify_password(attempt.password, claim.as_ref().and_then(|claim| claim.value.password.as_deref()));
    match (right, claim) {
        (true, Some(claim)) => Ok(claim.value.user),
        _ => {
            attempt.count_failure(reader).await?;
            Err(Error::sign_in_failed())
        }
    }
}

/// A new session of a member, with the write that makes it.
///
/// # Errors
/// Internal.
pub fn new_session(handle: Handle, domain: &str, user: &Guid, now: Timestamp) -> Result<(CredentialText, Write), Error> {
    let session = CredentialText::new_session(handle, user);
    let expires = Some(now.plus_seconds(SESSION_SECONDS));
    let credential = Credential { purpose: Purpose::Session, domain: domain.to_owned(), created: now, expires, owner: None };
    let write = records::create(keys::credential(handle, &session.hash()), &credential)?;
    Ok((session, write))
}

fn login_noted(handle: Handle, user: &Guid, now: Timestamp) -> Result<Write, Error> {
    records::put(keys::last_login(handle, user), &LastLogin { at: now }, Condition::Always)
}

/// Signs a member in.
///
/// # Errors
/// [`Error::sign_in_failed`]; too many requests; the store's.
pub async fn member(reader: &mut Reader<'_>, attempt: Attempt<'_>) -> Result<SignedIn, Error> {
    let handle = attempt.handle;
    let mut wanted = attempt.keys();
    wanted.extend([keys::sign_in(handle, attempt.name), keys::tenant(handle)]);
    reader.fetch(wanted, Vec::new()).await?;
    let guid = prove(reader, attempt).await?;
    let tenant: Stored<Tenant> = reader.get(&keys::tenant(handle)).await?.ok_or_else(Error::sign_in_failed)?;
    let now = reader.now();
    let domain = tenant.value.name;
    let (session, credential) = new_session(handle, &domain, &guid, now)?;
    // The same user signs in elsewhere at the same time: the transactions meet at the user and the failures.
    let user = change!(reader, {
        let user: Stored<User> = reader.get(&keys::user(handle, &guid)).await?.ok_or_else(Error::sign_in_failed)?;
        let owner = &user.value.owner;
        if !owner.enabled || owner.blacklisted {
            return Err(Error::sign_in_failed());
        }
        let check = Write::Check(user.key.clone(), Condition::Rev(user.rev));
        Ok((user.value, vec![credential.clone(), attempt.forgive(), check, login_noted(handle, &guid, now)?]))
    })?;
    Ok(SignedIn { session, user, domain })
}

/// Somebody whom a provider admitted.
#[derive(Clone, Debug)]
pub struct Outsider {
    /// The provider's own name of him, which it gives to nobody else.
    pub subject: String,
    /// His mail address, if the provider told one.
    pub email: Option<String>,
    /// Whether the provider says that the address is his.
    pub email_verified: bool,
    /// His name, if the provider told one.
    pub name: Option<String>,
}

/// Who wants to be let in.
#[derive(Clone, Debug)]
pub enum Person {
    /// A user of the platform, who gave his password here.
    User(Guid),
    /// Somebody whom a provider admitted.
    Outsider(Outsider),
}

/// An app's user at the door: who he is was proved before.
#[derive(Clone, Copy, Debug)]
pub struct Entrance<'a> {
    /// The tenant.
    pub handle: Handle,
    /// Its name.
    pub domain: &'a str,
    /// The policy by which he comes.
    pub policy: &'a Policy,
    /// The client's id of its device.
    pub cuid: &'a str,
    /// The app as its client named it; may be empty.
    pub client_token: &'a str,
}

/// An app's user who signed in.
#[derive(Debug)]
pub struct AppSignedIn {
    /// The new session.
    pub session: CredentialText,
    /// The user's name: that of the platform, or the provider's own where he is none of its users.
    pub user_id: String,
}

/// The coded refusals that clients look for (`$fh.auth`). They are given only to somebody who has proved who he is.
fn refused(message: &str) -> Error {
    Error::forbidden(message)
}

/// The platform's user that an outsider is: the one whose name is the provider's own name of him, else the only one with
/// his verified address.
async fn user_of(reader: &mut Reader<'_>, handle: Handle, outsider: &Outsider) -> Result<Option<Stored<User>>, Error> {
    let by_name: Option<Stored<SignInName>> = reader.get(&keys::sign_in(handle, &outsider.subject)).await?;
    if let Some(claim) = by_name {
        return reader.get(&keys::user(handle, &claim.value.user)).await;
    }
    let Some(email) = outsider.email.as_deref().filter(|email| outsider.email_verified && !email.is_empty()) else { return Ok(None) };
    let found = reader.all(Query::all(keys::email_users(handle, email))).await?;
    match found.as_slice() {
        [only] => reader.get(&keys::user(handle, &only.key.sk.parse().map_err(Error::internal)?)).await,
        _ => Ok(None),
    }
}

fn refuse_blocked(owner: &Owner) -> Result<(), Error> {
    if owner.blacklisted {
        return Err(refused("user_purge_data"));
    }
    if !owner.enabled {
        return Err(refused("user_disabled"));
    }
    Ok(())
}

/// Lets an app's user in whom the policy's provider admitted: the checks of policy, user and device, the note of the
/// device, and the session.
///
/// An outsider is taken for a platform's user only where that user is listed on the policy; otherwise policy and subject
/// are all that he is.
///
/// # Errors
/// `user_not_found`, `user_not_approved`, `user_disabled`, `user_purge_data`, `device_disabled`, `device_purge_data`; the
/// store's.
pub async fn admit(reader: &mut Reader<'_>, entrance: Entrance<'_>, person: &Person, also: Vec<Write>) -> Result<AppSignedIn, Error> {
    let Entrance { handle, domain, policy, cuid, client_token } = entrance;
    let now = reader.now();
    let device = device_id(cuid);
    let device_key = keys::device(handle, &device);
    change!(reader, {
        let mut writes = also.clone();
        let found: Option<Stored<User>> = match person {
            Person::User(guid) => Some(reader.get(&keys::user(handle, guid)).await?.ok_or_else(Error::sign_in_failed)?),
            Person::Outsider(outsider) => user_of(reader, handle, outsider).await?,
        };
        let listed = found.as_ref().is_some_and(|user| user.value.policies.contains(&policy.guid));
        if let Some(user) = &found {
            refuse_blocked(&user.value.owner)?;
            writes.push(Write::Check(user.key.clone(), Condition::Rev(user.rev)));
        }
        if policy.check_user_exists && found.is_none() {
            return Err(refused("user_not_found"));
        }
        if policy.check_user_approved && !listed {
            return Err(refused("user_not_approved"));
        }
        let (guid, user_id) = match (person, &found) {
            (Person::Outsider(outsider), user) if !listed => {
                let identity = Identity {
                    guid: Guid::derived(&["identity", policy.guid.as_str(), &outsider.subject]),
                    policy: policy.guid.clone(),
                    subject: outsider.subject.clone(),
                    email: outsider.email.clone().unwrap_or_default(),
                    name: outsider.name.clone().unwrap_or_default(),
                    user: user.as_ref().map(|user| user.value.owner.user.clone()),
                    seen: now,
                };
                writes.push(records::put(keys::identity(handle, &identity.guid), &identity, Condition::Always)?);
                (identity.guid, identity.subject)
            }
            (_, Some(user)) => {
                let owner = &user.value.owner;
                writes.push(login_noted(handle, &owner.user, now)?);
                (owner.user.clone(), owner.username.clone())
            }
            (_, None) => return Err(Error::sign_in_failed()),
        };
        writes.push(match reader.get::<Device>(&device_key).await? {
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
        });
        writes.extend(device::links(handle, &device, &guid, client_token, now)?);
        let session = CredentialText::new_app_session(handle, &guid, &device, &policy.guid);
        let credential = Credential {
            purpose: Purpose::AppSession { cuid: cuid.to_owned() },
            domain: domain.to_owned(),
            created: now,
            expires: Some(now.plus_seconds(APP_SESSION_SECONDS)),
            owner: None,
        };
        writes.push(records::create(keys::credential(handle, &session.hash()), &credential)?);
        Ok((AppSignedIn { session, user_id }, writes))
    })
}

/// How long a sign-in waits for the browser's return from the provider, in seconds.
pub const PENDING_SECONDS: i64 = 600;

/// A sign-in that waits for the browser's return. It is found by the hash of its state, and good for one return.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingSignIn {
    /// The policy as it was when the sign-in began.
    pub policy: Policy,
    /// The client's id of its device.
    pub cuid: String,
    /// The app as its client named it; may be empty.
    pub client_token: String,
    /// Where the browser goes in the end; `None` for our own page.
    pub end_redirect_url: Option<String>,
    /// Where the provider was told to send the browser.
    pub callback: String,
    /// What the protocol keeps between its halves, sealed.
    pub sealed: String,
    /// Until when.
    pub expires: Timestamp,
}

impl Record for PendingSignIn {
    const KIND: &'static str = "pending-sign-in";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

/// Keeps a sign-in that waits under its state.
///
/// # Errors
/// The store's.
pub async fn wait(reader: &Reader<'_>, state: &CredentialText, pending: &PendingSignIn) -> Result<(), Error> {
    let write = records::create(keys::pending_sign_in(state.handle(), &state.hash()), pending)?;
    Ok(reader.table().write(vec![write]).await?)
}

/// Takes the sign-in that waits under that state: whoever asks for it a second time gets nothing.
///
/// # Errors
/// The store's. Then it is not known whether it still waits.
pub async fn take(reader: &mut Reader<'_>, state: &CredentialText) -> Result<Option<PendingSignIn>, Error> {
    let key = keys::pending_sign_in(state.handle(), &state.hash());
    change!(reader, {
        let found: Option<Stored<PendingSignIn>> = reader.get(&key).await?;
        let writes = found.iter().map(Stored::remove).collect();
        Ok((found.map(|found| found.value), writes))
    })
}

/// Ends a session; one that is not there is fine.
///
/// # Errors
/// The store's.
pub async fn end(reader: &Reader<'_>, session: &CredentialText) -> Result<(), Error> {
    let key = keys::credential(session.handle(), &session.hash());
    Ok(reader.table().write(vec![Write::Delete(key, Condition::Always)]).await?)
}

//! Signing in: members by cookie, apps' users by session. Throttled per account and address, and
//! alike in words and time for an unknown user and a wrong password.

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::{Error, Kind};
use crate::base::id::{Guid, TenantId};
use crate::base::secret::{CredentialText, device_id, verify_password};
use crate::change;
use crate::domain::sign_in::device;
use crate::model::credentials::credential::{Credential, Purpose};
use crate::model::credentials::sign_in::{PendingSignIn, Tries};
use crate::model::people::auth_policy::Policy;
use crate::model::people::device::Device;
use crate::model::people::tenant::Tenant;
use crate::model::people::user::{Identity, LastLogin, Owner, SignInName, User};
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Query, StoreError, Write, keys, record};

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

/// What is throttled, each counted for itself: who floods one is not in the way of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Throttled {
    /// Passwords of the platform.
    Password,
    /// A policy's provider that is asked with a password.
    Provider,
    /// The way to a provider in the browser.
    Browser,
    /// Requests for a new password.
    Reset,
    /// Registrations of clients.
    Registration,
    /// Test mails to the recipients of alerts.
    TestMail,
}

/// Who wants to sign in, and from where.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// What is tried.
    pub of: Throttled,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// The client's address.
    pub address: &'a str,
    /// When.
    pub now: Timestamp,
}

/// The addresses that one person has: all of a network of IPv6.
fn network(address: &str) -> String {
    match address.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("{:x?}", &address.segments()[..4]),
        Err(_) => address.to_owned(),
    }
}

fn throttled(of: Throttled) -> Error {
    let message = match of {
        Throttled::Registration => "Too many registrations, please try again later",
        Throttled::TestMail => "Too many test mails, please try again later",
        Throttled::Password | Throttled::Provider | Throttled::Browser | Throttled::Reset => {
            "Too many failed logins, please try again later"
        }
    };
    Error::new(Kind::TooManyRequests, message)
}

impl Attempt<'_> {
    fn window(&self) -> i64 {
        self.now.seconds().div_euclid(FAILURE_WINDOW)
    }

    fn counters(&self) -> [(Key, i64); 2] {
        let of: &str = self.of.into();
        let account = keys::tries(
            self.tenant_id,
            &format!("{of}#account#{}", self.name),
            self.window(),
        );
        let address = keys::tries(
            self.tenant_id,
            &format!("{of}#address#{}", network(self.address)),
            self.window(),
        );
        [
            (account, i64::from(ACCOUNT_FAILURES)),
            (address, i64::from(ADDRESS_FAILURES)),
        ]
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
            if reader
                .get::<Tries>(key)
                .await?
                .is_some_and(|found| found.count >= *most)
            {
                return Err(throttled(self.of));
            }
        }
        Ok(())
    }

    /// The same for who has given a right password: of many guesses at once, the one that is right
    /// must not be told from the others by another refusal.
    ///
    /// # Errors
    /// [`Error::sign_in_failed`]; the store's.
    pub async fn refuse_alike(&self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let alike = |error: Error| {
            if error.kind == Kind::TooManyRequests {
                Error::sign_in_failed()
            } else {
                error
            }
        };
        self.refuse_throttled(reader).await.map_err(alike)
    }

    fn tally(&self, by: i64, bounded: bool) -> Vec<Write> {
        let expires = (self.window() + 2) * FAILURE_WINDOW;
        let condition = |most| {
            if bounded {
                Condition::Below(most)
            } else {
                Condition::Always
            }
        };
        self.counters()
            .into_iter()
            .map(|(key, most)| Write::Tally {
                key,
                kind: Tries::KIND,
                by,
                expires,
                condition: condition(most),
            })
            .collect()
    }

    async fn written(&self, reader: &Reader<'_>, writes: Vec<Write>) -> Result<(), Error> {
        for pause in [5, 10, 20, 40, 80, 160] {
            match reader.table().write(writes.clone()).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Condition { .. }) => return Err(throttled(self.of)),
                // Many at once count at the same item: nothing was changed.
                Err(StoreError::Contended(_)) => {
                    tokio::time::sleep(std::time::Duration::from_millis(rand::random_range(
                        1..=pause,
                    )))
                    .await
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(throttled(self.of))
    }

    /// Counts a failure, for the account and for the address.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_failure(&self, reader: &Reader<'_>) -> Result<(), Error> {
        self.written(reader, self.tally(1, false)).await
    }

    /// Counts a try before it is made, so that no number of them at once is more than the limit.
    /// Who may try gets it back by [`forgive`](Self::forgive).
    ///
    /// # Errors
    /// Too many requests; the store's.
    pub async fn charge(&self, reader: &Reader<'_>) -> Result<(), Error> {
        self.written(reader, self.tally(1, true)).await
    }

    /// The same for the address alone, where there is no account yet.
    ///
    /// # Errors
    /// Too many requests; the store's.
    pub async fn charge_address(&self, reader: &Reader<'_>) -> Result<(), Error> {
        self.written(reader, self.tally(1, true).split_off(1)).await
    }

    /// The writes of a success that counts as a try itself, for the account and for the address: it
    /// only happens while both are below their limits.
    pub fn charges(&self) -> Vec<Write> {
        self.tally(1, true)
    }

    /// The writes that take back what was charged.
    pub fn give_back(&self) -> Vec<Write> {
        self.tally(-1, false)
    }

    /// The writes of a success that was charged: the account's tries are forgotten, the address
    /// gets its own back.
    pub fn forgive(&self) -> Vec<Write> {
        let [(account, _), _] = self.counters();
        let mut writes = vec![Write::Delete(account, Condition::Always)];
        writes.extend(self.tally(-1, false).pop());
        writes
    }

    /// The writes of a success that was not charged: it only happens while account and address are
    /// below their limits, so that of many guesses at once none is better than one of the first.
    pub fn within(&self) -> Vec<Write> {
        let [(account, most), (address, most_of_address)] = self.counters();
        vec![
            Write::Delete(account, Condition::Below(most)),
            Write::Check(address, Condition::Below(most_of_address)),
        ]
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

/// Somebody who gave a right password.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The user.
    pub user: Guid,
    /// Which of his passwords it was; see [`User::generation`].
    pub generation: u32,
}

/// Checks name and password and gives whose they are. The name and the failures are read here if
/// they were not fetched before.
///
/// # Errors
/// [`Error::sign_in_failed`]; too many requests; the store's.
pub async fn prove(reader: &mut Reader<'_>, attempt: Attempt<'_>) -> Result<Proved, Error> {
    let claim_key = keys::sign_in(attempt.tenant_id, attempt.name);
    let mut wanted = attempt.keys();
    wanted.push(claim_key.clone());
    reader.fetch_missing(&wanted).await?;
    attempt.refuse_throttled(reader).await?;
    let claim: Option<Stored<SignInName>> = reader.get(&claim_key).await?;
    let right = verify_password(
        attempt.password,
        claim
            .as_ref()
            .and_then(|claim| claim.value.password.as_deref()),
    );
    match (right, claim) {
        (true, Some(claim)) => Ok(Proved {
            user: claim.value.user,
            generation: claim.value.generation,
        }),
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
pub fn new_session(
    tenant_id: TenantId,
    domain: &str,
    user: &Guid,
    generation: u32,
    now: Timestamp,
) -> Result<(CredentialText, Write), Error> {
    let session = CredentialText::new_session(tenant_id, user);
    let expires = Some(now.plus_seconds(SESSION_SECONDS));
    let credential = Credential {
        purpose: Purpose::Session,
        domain: domain.to_owned(),
        created: now,
        generation,
        expires,
        owner: None,
    };
    let write = record::create(keys::credential(tenant_id, &session.hash()), &credential)?;
    Ok((session, write))
}

/// The write that notes when a user signed in.
///
/// # Errors
/// Internal.
pub fn login_noted(tenant_id: TenantId, user: &Guid, now: Timestamp) -> Result<Write, Error> {
    record::put(
        keys::last_login(tenant_id, user),
        &LastLogin { at: now },
        Condition::Always,
    )
}

/// The user who gave a right password, as he is now, with the writes of his success. They stand in
/// one change with what he gets by it, whose outcome goes through [`equalize_timing`].
///
/// # Errors
/// [`Error::sign_in_failed`] for a user who is out or has another password by now, and where others
/// failed too often meanwhile; the store's.
pub async fn let_in(
    reader: &mut Reader<'_>,
    attempt: Attempt<'_>,
    proved: &Proved,
) -> Result<(User, Vec<Write>), Error> {
    let tenant_id = attempt.tenant_id;
    let user: Stored<User> = reader
        .get(&keys::user(tenant_id, &proved.user))
        .await?
        .ok_or_else(Error::sign_in_failed)?;
    let owner = &user.value.owner;
    if !owner.enabled || owner.blacklisted || user.value.generation != proved.generation {
        return Err(Error::sign_in_failed());
    }
    attempt.refuse_alike(reader).await?;
    // The same user signs in elsewhere at the same time: the transactions meet at the user and the
    // failures.
    let mut writes = vec![Write::Check(user.key.clone(), Condition::Rev(user.rev))];
    writes.extend(attempt.within());
    Ok((user.value, writes))
}

/// The outcome of a change with [`let_in`]. A right password of who is out counts as a wrong one:
/// nothing tells them apart.
///
/// # Errors
/// The outcome's; the store's.
pub async fn equalize_timing<T>(
    reader: &Reader<'_>,
    attempt: Attempt<'_>,
    outcome: Result<T, Error>,
) -> Result<T, Error> {
    if outcome.as_ref().is_err_and(|error| error.sign_in) {
        attempt.count_failure(reader).await?;
    }
    outcome
}

/// Signs a member in.
///
/// # Errors
/// [`Error::sign_in_failed`]; too many requests; the store's.
pub async fn member(reader: &mut Reader<'_>, attempt: Attempt<'_>) -> Result<SignedIn, Error> {
    let tenant_id = attempt.tenant_id;
    let mut wanted = attempt.keys();
    wanted.extend([
        keys::sign_in(tenant_id, attempt.name),
        keys::tenant(tenant_id),
    ]);
    reader.fetch(wanted, Vec::new()).await?;
    let proved = prove(reader, attempt).await?;
    let tenant: Stored<Tenant> = reader
        .get(&keys::tenant(tenant_id))
        .await?
        .ok_or_else(Error::sign_in_failed)?;
    let now = reader.now();
    let domain = tenant.value.name;
    let (session, credential) =
        new_session(tenant_id, &domain, &proved.user, proved.generation, now)?;
    let user = change!(reader, {
        let (user, mut writes) = let_in(reader, attempt, &proved).await?;
        writes.extend([
            credential.clone(),
            login_noted(tenant_id, &proved.user, now)?,
        ]);
        Ok((user, writes))
    });
    let user = equalize_timing(reader, attempt, user).await?;
    Ok(SignedIn {
        session,
        user,
        domain,
    })
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
    User(Proved),
    /// Somebody whom a provider admitted.
    Outsider(Outsider),
}

/// An app's user at the door: who he is was proved before.
#[derive(Clone, Copy, Debug)]
pub struct Entrance<'a> {
    /// The tenant.
    pub tenant_id: TenantId,
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

/// The coded refusals that clients look for (`$fh.auth`). They are given only to somebody who has
/// proved who he is.
fn refused(code: Code) -> Error {
    Error::forbidden(code)
}

/// The platform's user that an outsider is: the one whose name is the provider's own name of him,
/// else the only one with his verified address.
async fn user_of(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    outsider: &Outsider,
) -> Result<Option<Stored<User>>, Error> {
    let by_name: Option<Stored<SignInName>> = reader
        .get(&keys::sign_in(tenant_id, &outsider.subject))
        .await?;
    if let Some(claim) = by_name {
        let user: Option<Stored<User>> = reader
            .get(&keys::user(tenant_id, &claim.value.user))
            .await?;
        // Names are claimed without case in all of Unicode, which takes signs for letters that a
        // provider tells apart.
        return Ok(user.filter(|user| {
            user.value
                .names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&outsider.subject))
        }));
    }
    let Some(email) = outsider
        .email
        .as_deref()
        .filter(|email| outsider.email_verified && !email.is_empty())
    else {
        return Ok(None);
    };
    let found = reader
        .all(Query::all(keys::email_users(tenant_id, email)))
        .await?;
    match found.as_slice() {
        [only] => {
            let user: Option<Stored<User>> = reader
                .get(&keys::user(
                    tenant_id,
                    &only.key.sk.parse().map_err(Error::internal)?,
                ))
                .await?;
            Ok(user.filter(|user| user.value.owner.email.eq_ignore_ascii_case(email)))
        }
        _ => Ok(None),
    }
}

fn refuse_blocked(owner: &Owner) -> Result<(), Error> {
    if owner.blacklisted {
        return Err(refused(Code::UserPurgeData));
    }
    if !owner.enabled {
        return Err(refused(Code::UserDisabled));
    }
    Ok(())
}

/// Lets an app's user in whom the policy's provider admitted: the checks of policy, user and
/// device, the note of the device, and the session.
///
/// An outsider is taken for a platform's user only where that user is listed on the policy;
/// otherwise policy and subject are all that he is. `attempt` is what was throttled on the way:
/// counted with a success of a password, given back for a provider.
///
/// # Errors
/// Too many requests; `user_not_found`, `user_not_approved`, `user_disabled`, `user_purge_data`,
/// `device_disabled`, `device_purge_data`; the store's.
pub async fn admit(
    reader: &mut Reader<'_>,
    entrance: Entrance<'_>,
    person: &Person,
    attempt: Option<Attempt<'_>>,
) -> Result<AppSignedIn, Error> {
    let Entrance {
        tenant_id,
        domain,
        policy,
        cuid,
        client_token,
    } = entrance;
    let now = reader.now();
    let device = device_id(cuid);
    let device_key = keys::device(tenant_id, &device);
    change!(reader, {
        let mut writes = Vec::new();
        let found: Option<Stored<User>> = match person {
            Person::User(proved) => {
                let user: Stored<User> = reader
                    .get(&keys::user(tenant_id, &proved.user))
                    .await?
                    .ok_or_else(Error::sign_in_failed)?;
                if user.value.generation != proved.generation {
                    return Err(Error::sign_in_failed());
                }
                if let Some(attempt) = attempt {
                    attempt.refuse_alike(reader).await?;
                    writes.extend(attempt.within());
                }
                Some(user)
            }
            Person::Outsider(outsider) => {
                writes.extend(attempt.iter().flat_map(Attempt::forgive));
                user_of(reader, tenant_id, outsider).await?
            }
        };
        let generation = found.as_ref().map_or(0, |user| user.value.generation);
        let listed = found
            .as_ref()
            .is_some_and(|user| user.value.policies.contains(&policy.guid));
        if let Some(user) = &found {
            refuse_blocked(&user.value.owner)?;
            writes.push(Write::Check(user.key.clone(), Condition::Rev(user.rev)));
        }
        if policy.check_user_exists && found.is_none() {
            return Err(refused(Code::UserNotFound));
        }
        if policy.check_user_approved && !listed {
            return Err(refused(Code::UserNotApproved));
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
                writes.push(record::put(
                    keys::identity(tenant_id, &identity.guid),
                    &identity,
                    Condition::Always,
                )?);
                (identity.guid, identity.subject)
            }
            (_, Some(user)) => {
                let owner = &user.value.owner;
                writes.push(login_noted(tenant_id, &owner.user, now)?);
                (owner.user.clone(), owner.username.clone())
            }
            (_, None) => return Err(Error::sign_in_failed()),
        };
        writes.push(match reader.get::<Device>(&device_key).await? {
            Some(found) if found.value.blacklisted => return Err(refused(Code::DevicePurgeData)),
            Some(found) if found.value.disabled => return Err(refused(Code::DeviceDisabled)),
            Some(mut found) => {
                found.value.modified = now;
                found.replace()?
            }
            None => {
                let device = Device {
                    cuid: cuid.to_owned(),
                    name: String::new(),
                    created: now,
                    modified: now,
                    disabled: false,
                    blacklisted: false,
                };
                record::put(
                    device_key.clone(),
                    &device,
                    Condition::AbsentOrExpired { now: now.seconds() },
                )?
            }
        });
        writes.extend(device::sign_in_writes(
            tenant_id,
            &device,
            &guid,
            client_token,
            now,
        )?);
        let session = CredentialText::new_app_session(tenant_id, &guid, &device, &policy.guid);
        let credential = Credential {
            purpose: Purpose::AppSession {
                cuid: cuid.to_owned(),
            },
            domain: domain.to_owned(),
            created: now,
            generation,
            expires: Some(now.plus_seconds(APP_SESSION_SECONDS)),
            owner: None,
        };
        writes.push(record::create(
            keys::credential(tenant_id, &session.hash()),
            &credential,
        )?);
        Ok((AppSignedIn { session, user_id }, writes))
    })
}

/// How long a sign-in waits for the browser's return from the provider, in seconds.
pub const PENDING_SECONDS: i64 = 600;

/// Keeps a sign-in that waits under its state.
///
/// # Errors
/// The store's.
pub async fn wait(
    reader: &Reader<'_>,
    state: &CredentialText,
    pending: &PendingSignIn,
) -> Result<(), Error> {
    let write = record::create(
        keys::pending_sign_in(state.handle(), &state.hash()),
        pending,
    )?;
    Ok(reader.table().write(vec![write]).await?)
}

/// Takes the sign-in that waits under that state: whoever asks for it a second time gets nothing.
///
/// # Errors
/// The store's. Then it is not known whether it still waits.
pub async fn take(
    reader: &mut Reader<'_>,
    state: &CredentialText,
) -> Result<Option<PendingSignIn>, Error> {
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
    Ok(reader
        .table()
        .write(vec![Write::Delete(key, Condition::Always)])
        .await?)
}

#[cfg(test)]
mod tests {
    use super::Throttled;

    /// The words stand in the keys of the counters.
    #[test]
    fn what_is_throttled_keeps_its_words() {
        let rows = [
            (Throttled::Password, "password"),
            (Throttled::Provider, "provider"),
            (Throttled::Browser, "browser"),
            (Throttled::Reset, "reset"),
            (Throttled::Registration, "registration"),
            (Throttled::TestMail, "test-mail"),
        ];
        for (what, word) in rows {
            assert_eq!(<&str>::from(what), word);
        }
    }
}

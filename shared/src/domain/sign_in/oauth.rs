//! Clients of the publisher API and their tokens (RFC 6749, RFC 7009).
//!
//! A client belongs to the tenant of the user who registered it, and its id leads there. Tokens
//! come in pairs that end together; a refresh token is good for one time. They are refused while
//! their user is out, and over when he is gone or has another password.

use std::fmt;
use std::str::FromStr;

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::{Error, Kind};
use crate::base::id::{Guid, MalformedId, TenantId, base32, random_bytes};
use crate::base::rights::Scopes;
use crate::base::secret::{CredentialText, SecretHash};
use crate::base::text::{Description, Name};
use crate::change;
use crate::domain::sign_in::sign_in;
use crate::domain::sign_in::sign_in::{Attempt, Throttled};
use crate::model::credentials::credential::{Credential, Purpose};
use crate::model::credentials::oauth_client::{Client, GrantType};
use crate::model::people::team::Access;
use crate::model::people::tenant::Tenant;
use crate::model::people::user::{Owner, User};
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

/// How long a bearer token lasts, in seconds.
pub const BEARER_SECONDS: i64 = 3_600;

/// How long a refresh token lasts, in seconds.
pub const REFRESH_SECONDS: i64 = 24 * 3_600;

/// The id of a client: the tenant's id and the client's guid, 32 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The client.
    pub guid: Guid,
}

impl ClientId {
    fn key(&self) -> Key {
        keys::client(self.tenant_id, &self.guid)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.tenant_id, self.guid)
    }
}

impl FromStr for ClientId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let (tenant_id, guid) = text.split_at_checked(8).ok_or(MalformedId)?;
        Ok(Self {
            tenant_id: tenant_id.parse()?,
            guid: guid.parse()?,
        })
    }
}

/// A client to be registered.
#[derive(Clone, Debug)]
pub struct NewClient {
    name: Name,
    callback: Description,
    grants: Vec<GrantType>,
}

impl NewClient {
    /// A client of that name. `grant_type` holds words; those that are not offered here are passed
    /// over, and none at all stands for every one.
    ///
    /// # Errors
    /// Invalid for a name that is blank or longer than 200 characters, a callback of more than
    /// 2,000, or words none of which is offered.
    pub fn new(name: String, callback: String, grant_type: &str) -> Result<Self, Error> {
        let name = Name::new(name)
            .ok_or_else(|| Error::invalid("clientName must be a text of 1 to 200 characters"))?;
        let callback = Description::new(callback).ok_or_else(|| {
            Error::invalid("callbackUrl must be a text of at most 2000 characters")
        })?;
        let mut words = grant_type
            .split([' ', ',', '\t', '\n', '\r'])
            .filter(|word| !word.is_empty())
            .peekable();
        let grants = match words.peek() {
            None => GrantType::ALL.to_vec(),
            Some(_) => {
                let words: Vec<&str> = words.collect();
                GrantType::ALL
                    .iter()
                    .copied()
                    .filter(|grant| words.contains(&grant.as_str()))
                    .collect()
            }
        };
        if grants.is_empty() {
            return Err(Error::invalid(
                "grantType must name password, refresh_token or client_credentials",
            ));
        }
        Ok(Self {
            name,
            callback,
            grants,
        })
    }

    /// The client that is to be, with the write that makes it.
    ///
    /// # Errors
    /// Internal.
    pub fn owned_by(
        &self,
        tenant_id: TenantId,
        domain: &str,
        owner: &User,
        now: Timestamp,
    ) -> Result<(Registered, Write), Error> {
        let secret = base32().encode(&random_bytes::<20>());
        let client = Client {
            guid: Guid::random(),
            name: self.name.clone(),
            callback: self.callback.clone(),
            grants: self.grants.clone(),
            owner: owner.owner.user.clone(),
            generation: owner.generation,
            domain: domain.to_owned(),
            secret: SecretHash::of(&secret),
            created: now,
        };
        let id = ClientId {
            tenant_id,
            guid: client.guid.clone(),
        };
        let write = record::create(id.key(), &client)?;
        Ok((Registered { id, secret, client }, write))
    }
}

/// A client that was registered, with its secret, which is told this once.
#[derive(Clone)]
pub struct Registered {
    /// Its id.
    pub id: ClientId,
    /// Its secret: 160 random bits.
    pub secret: String,
    /// Its record.
    pub client: Client,
}

/// A user name and the name of a tenant behind its last `@`, where what stands there can be one: a
/// DNS label. What stands behind the `@` of a mail address has a dot and cannot.
pub fn split_tenant(username: &str) -> Option<(&str, &str)> {
    let (user, tenant) = username.rsplit_once('@')?;
    let label = (1..=63).contains(&tenant.len())
        && tenant
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (label && !user.is_empty()).then_some((user, tenant))
}

/// Whether there is a tenant of that name.
///
/// # Errors
/// The store's.
pub async fn is_tenant(reader: &mut Reader<'_>, name: &str) -> Result<bool, Error> {
    let found: Option<Stored<Tenant>> = reader.get(&keys::tenant(TenantId::of_name(name))).await?;
    Ok(found.is_some_and(|tenant| tenant.value.name.eq_ignore_ascii_case(name)))
}

/// Registers a client for the user who gives his password. What is wrong with the client is told to
/// nobody else, and a registration counts as a try: not more than ten of a user, and a hundred from
/// an address, within five minutes.
///
/// # Errors
/// [`Error::sign_in_failed`]; what is wrong with `asked`; too many requests; the store's.
pub async fn register(
    reader: &mut Reader<'_>,
    attempt: Attempt<'_>,
    asked: Result<NewClient, Error>,
) -> Result<Registered, Error> {
    let tenant_id = attempt.tenant_id;
    let mut wanted = attempt.keys();
    wanted.extend([
        keys::sign_in(tenant_id, attempt.name),
        keys::tenant(tenant_id),
    ]);
    reader.fetch_missing(&wanted).await?;
    let proved = sign_in::prove(reader, attempt).await?;
    let tenant: Stored<Tenant> = reader
        .get(&keys::tenant(tenant_id))
        .await?
        .ok_or_else(Error::sign_in_failed)?;
    let (domain, now) = (tenant.value.name, reader.now());
    let of_user = Attempt {
        of: Throttled::Registration,
        name: proved.user.as_str(),
        ..attempt
    };
    let outcome = change!(reader, {
        let mut wanted = of_user.keys();
        wanted.push(keys::user(tenant_id, &proved.user));
        reader.fetch_missing(&wanted).await?;
        let (user, mut writes) = sign_in::let_in(reader, attempt, &proved).await?;
        // A right password shows by what is wrong with the client too: that answer counts the same.
        let Ok(new) = &asked else {
            return Ok((None, writes));
        };
        of_user.refuse_throttled(reader).await?;
        writes.extend(of_user.charges());
        let (registered, write) = new.owned_by(tenant_id, &domain, &user, now)?;
        writes.extend([write, sign_in::login_noted(tenant_id, &proved.user, now)?]);
        Ok((Some(registered), writes))
    });
    let registered = sign_in::equalize_timing(reader, attempt, outcome).await?;
    asked?;
    let registered = registered.ok_or_else(|| Error::internal("a client was not made"))?;
    tracing::info!(
        by = %registered.client.owner,
        client = %registered.client.guid,
        "a client was registered"
    );
    Ok(registered)
}

/// How a client proves which one it is.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a str,
}

fn invalid_client() -> Error {
    Error::new(
        Kind::Unauthenticated,
        Code::InvalidClient.with("The client is not known or its secret is not right"),
    )
}

fn unauthorized_client(why: &str) -> Error {
    Error::invalid(Code::UnauthorizedClient.with(why))
}

fn invalid_scope(why: &str) -> Error {
    Error::invalid(Code::InvalidScope.with(why))
}

/// The same words for a token that never was, is over, or is another client's.
fn invalid_refresh() -> Error {
    Error::invalid(Code::InvalidGrant.with("The refresh token is not valid"))
}

impl Proof<'_> {
    fn client_id(&self) -> Result<ClientId, Error> {
        self.id.parse().map_err(|_| invalid_client())
    }

    async fn client(&self, reader: &mut Reader<'_>, id: &ClientId) -> Result<Client, Error> {
        let found: Option<Stored<Client>> = reader.get(&id.key()).await?;
        found
            .map(|found| found.value)
            .filter(|client| client.secret.is_of(self.secret))
            .ok_or_else(invalid_client)
    }
}

/// By what a client wants a token.
#[derive(Clone, Copy)]
pub enum Grant<'a> {
    /// A user's name and password.
    Password {
        /// The name: with or without its tenant's behind it.
        username: &'a str,
        /// The password.
        password: &'a str,
        /// The address that the request came from.
        address: &'a str,
    },
    /// Nothing more: the client stands for its owner.
    ClientCredentials,
    /// A refresh token.
    Refresh(&'a str),
}

impl Grant<'_> {
    fn kind(&self) -> GrantType {
        match self {
            Self::Password { .. } => GrantType::Password,
            Self::ClientCredentials => GrantType::ClientCredentials,
            Self::Refresh(_) => GrantType::RefreshToken,
        }
    }
}

/// The tokens that a client got. Their texts are told this once.
#[derive(Debug)]
pub struct Issued {
    /// The bearer token.
    pub bearer: CredentialText,
    /// The refresh token, where there is one.
    pub refresh: Option<CredentialText>,
    /// What the bearer token may be used for.
    pub scopes: Scopes,
}

/// A pair to be issued.
struct Issue<'a> {
    tenant_id: TenantId,
    client: &'a Client,
    user: &'a User,
    /// What the bearer token may be used for.
    scopes: Scopes,
    /// What later ones may be used for at most; `None` for no refresh token.
    renewable: Option<Scopes>,
}

impl Issue<'_> {
    fn writes(&self, now: Timestamp) -> Result<(Issued, Vec<Write>), Error> {
        let owner = &self.user.owner.user;
        let bearer = CredentialText::new_bearer(self.tenant_id, owner);
        let refresh = self
            .renewable
            .map(|scopes| (scopes, CredentialText::new_refresh(self.tenant_id, owner)));
        let record = |text: &CredentialText, purpose, seconds| {
            let expires = Some(now.plus_seconds(seconds));
            let credential = Credential {
                purpose,
                domain: self.client.domain.clone(),
                created: now,
                generation: self.user.generation,
                expires,
                owner: None,
            };
            record::create(keys::credential(self.tenant_id, &text.hash()), &credential)
        };
        let client = || self.client.guid.clone();
        let purpose = Purpose::Bearer {
            scopes: self.scopes,
            client: client(),
            refresh: refresh.as_ref().map(|(_, text)| text.hash()),
        };
        let mut writes = vec![record(&bearer, purpose, BEARER_SECONDS)?];
        if let Some((scopes, text)) = &refresh {
            let purpose = Purpose::Refresh {
                scopes: *scopes,
                client: client(),
                bearer: bearer.hash(),
            };
            writes.push(record(text, purpose, REFRESH_SECONDS)?);
        }
        Ok((
            Issued {
                bearer,
                refresh: refresh.map(|(_, text)| text),
                scopes: self.scopes,
            },
            writes,
        ))
    }
}

/// Those of `wanted` that the user may have by his roles and teams.
async fn open_to(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    owner: &Owner,
    wanted: Scopes,
) -> Result<Scopes, Error> {
    let access: Option<Stored<Access>> = reader.get(&keys::access(tenant_id)).await?;
    Ok(wanted.open_to(
        access
            .map(|found| found.value)
            .unwrap_or_default()
            .rights_of(tenant_id, owner),
    ))
}

/// Gives a client tokens. `scope` holds the words for what they shall be good for: those that are
/// not known are passed over, those that the user may not have are left out, and `None` asks for
/// all that there may be.
///
/// # Errors
/// In the standard's codes: `invalid_client` (unauthenticated); `unauthorized_client`,
/// `invalid_grant`, `invalid_scope` (invalid). Too many requests; the store's.
pub async fn token(
    reader: &mut Reader<'_>,
    proof: Proof<'_>,
    grant: Grant<'_>,
    scope: Option<&str>,
) -> Result<Issued, Error> {
    let id = proof.client_id()?;
    let tenant_id = id.tenant_id;
    let mut wanted = vec![id.key(), keys::access(tenant_id)];
    let attempt = attempt(&id, grant, reader.now());
    if let Some((attempt, elsewhere)) = &attempt {
        wanted.extend(attempt.keys());
        wanted.push(keys::sign_in(tenant_id, attempt.name));
        wanted.extend(elsewhere.map(|tenant| keys::tenant(TenantId::of_name(tenant))));
    }
    let refresh = match grant {
        Grant::Refresh(text) => text.parse::<CredentialText>().ok().filter(|text| {
            matches!(text, CredentialText::Refresh { .. }) && text.handle() == tenant_id
        }),
        Grant::Password { .. } | Grant::ClientCredentials => None,
    };
    if let Some(text) = &refresh {
        wanted.push(keys::credential(tenant_id, &text.hash()));
        wanted.extend(text.user().map(|user| keys::user(tenant_id, user)));
    }
    reader.fetch_missing(&wanted).await?;
    let client = proof.client(reader, &id).await?;
    if !client.grants.contains(&grant.kind()) {
        return Err(unauthorized_client(&format!(
            "The client was registered without the grant type {}",
            grant.kind().as_str()
        )));
    }
    let asked = scope.map(Scopes::named);
    // Before any password is looked at: the answer must not tell whether it was right.
    if asked.is_some_and(Scopes::is_empty) {
        return Err(invalid_scope("There is no such scope"));
    }
    match (grant, attempt) {
        (Grant::Password { .. }, Some((attempt, elsewhere))) => {
            by_password(reader, &client, attempt, elsewhere, asked).await
        }
        (Grant::Refresh(_), _) => {
            by_refresh(
                reader,
                tenant_id,
                &client,
                &refresh.ok_or_else(invalid_refresh)?,
                asked,
            )
            .await
        }
        _ => by_itself(reader, tenant_id, &client, asked).await,
    }
}

/// The attempt of a password grant, and the other tenant that its user name may name.
fn attempt<'a>(
    id: &ClientId,
    grant: Grant<'a>,
    now: Timestamp,
) -> Option<(Attempt<'a>, Option<&'a str>)> {
    let Grant::Password {
        username,
        password,
        address,
    } = grant
    else {
        return None;
    };
    let username = username.trim();
    let (name, elsewhere) = match split_tenant(username) {
        Some((user, tenant)) if TenantId::of_name(tenant) == id.tenant_id => (user, None),
        Some((_, tenant)) => (username, Some(tenant)),
        None => (username, None),
    };
    Some((
        Attempt {
            of: Throttled::Password,
            tenant_id: id.tenant_id,
            name,
            password,
            address,
            now,
        },
        elsewhere,
    ))
}

async fn by_password(
    reader: &mut Reader<'_>,
    client: &Client,
    attempt: Attempt<'_>,
    elsewhere: Option<&str>,
    asked: Option<Scopes>,
) -> Result<Issued, Error> {
    let (tenant_id, now) = (attempt.tenant_id, reader.now());
    let in_words = |error: Error| {
        if error.sign_in {
            Error::invalid(Code::InvalidGrant.with("The user name or the password is not right"))
        } else {
            error
        }
    };
    let proved = sign_in::prove(reader, attempt).await.map_err(in_words)?;
    // The name of another tenant's user, even where somebody here is called like that.
    if let Some(tenant) = elsewhere
        && is_tenant(reader, tenant).await?
    {
        attempt.count_failure(reader).await?;
        return Err(in_words(Error::sign_in_failed()));
    }
    let renewable = client.grants.contains(&GrantType::RefreshToken);
    let outcome = change!(reader, {
        let (user, mut writes) = sign_in::let_in(reader, attempt, &proved).await?;
        let scopes = open_to(reader, tenant_id, &user.owner, asked.unwrap_or(Scopes::ALL)).await?;
        if scopes.is_empty() {
            return Ok((None, writes));
        }
        let (issued, more) = Issue {
            tenant_id,
            client,
            user: &user,
            scopes,
            renewable: renewable.then_some(scopes),
        }
        .writes(now)?;
        writes.extend(more);
        writes.push(sign_in::login_noted(tenant_id, &proved.user, now)?);
        Ok((Some(issued), writes))
    });
    let issued = sign_in::equalize_timing(reader, attempt, outcome)
        .await
        .map_err(in_words)?;
    issued.ok_or_else(|| invalid_scope("The user may have none of these scopes"))
}

/// The client's owner, if it still stands for him: he is in, and has the password that it was
/// registered by.
async fn by_itself(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    client: &Client,
    asked: Option<Scopes>,
) -> Result<Issued, Error> {
    let now = reader.now();
    change!(reader, {
        let user: Option<Stored<User>> = reader.get(&keys::user(tenant_id, &client.owner)).await?;
        let user = user.map(|found| found.value).filter(|user| {
            user.generation == client.generation && user.owner.enabled && !user.owner.blacklisted
        });
        let user = user.ok_or_else(|| {
            unauthorized_client(
                "The client's owner is gone, disabled \
            or has another password: register the client again",
            )
        })?;
        let scopes = open_to(reader, tenant_id, &user.owner, asked.unwrap_or(Scopes::ALL)).await?;
        if scopes.is_empty() {
            return Err(invalid_scope(
                "The client's owner may have none of these scopes",
            ));
        }
        Issue {
            tenant_id,
            client,
            user: &user,
            scopes,
            renewable: None,
        }
        .writes(now)
    })
}

/// The next pair in place of the one before. Of two that ask with the same token at once one gets
/// it.
async fn by_refresh(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    client: &Client,
    text: &CredentialText,
    asked: Option<Scopes>,
) -> Result<Issued, Error> {
    let now = reader.now();
    let user_key = keys::user(tenant_id, text.user().ok_or_else(invalid_refresh)?);
    change!(reader, {
        let found: Option<Stored<Credential>> = reader
            .get(&keys::credential(tenant_id, &text.hash()))
            .await?;
        let found = found.ok_or_else(invalid_refresh)?;
        let (most, bearer) = match &found.value.purpose {
            Purpose::Refresh {
                scopes,
                client: of,
                bearer,
            } if *of == client.guid => (*scopes, bearer.clone()),
            _ => return Err(invalid_refresh()),
        };
        let user: Option<Stored<User>> = reader.get(&user_key).await?;
        let user = user.map(|user| user.value).filter(|user| {
            user.generation == found.value.generation
                && user.owner.enabled
                && !user.owner.blacklisted
        });
        let user = user.ok_or_else(invalid_refresh)?;
        if asked.is_some_and(|asked| !most.covers(asked)) {
            return Err(invalid_scope(
                "The refresh token is not good for all of these scopes",
            ));
        }
        let scopes = open_to(reader, tenant_id, &user.owner, asked.unwrap_or(most)).await?;
        if scopes.is_empty() {
            return Err(invalid_scope(
                "The user may have none of these scopes any more",
            ));
        }
        // A later one may be good for all that this one was good for (RFC 6749 6).
        let (issued, made) = Issue {
            tenant_id,
            client,
            user: &user,
            scopes,
            renewable: Some(most),
        }
        .writes(now)?;
        let mut writes = vec![
            found.remove(),
            Write::Delete(keys::credential(tenant_id, &bearer), Condition::Always),
        ];
        writes.extend(made);
        Ok((issued, writes))
    })
}

/// Ends a token and the one that came with it, if they are that client's. A text that is no token
/// of its is fine (RFC 7009 2.2).
///
/// # Errors
/// `invalid_client` (unauthenticated); the store's.
pub async fn revoke(reader: &mut Reader<'_>, proof: Proof<'_>, text: &str) -> Result<(), Error> {
    let id = proof.client_id()?;
    let tenant_id = id.tenant_id;
    let token = text
        .parse::<CredentialText>()
        .ok()
        .filter(|token| token.handle() == tenant_id);
    let key = token.map(|token| keys::credential(tenant_id, &token.hash()));
    let wanted: Vec<Key> = std::iter::once(id.key()).chain(key.clone()).collect();
    reader.fetch_missing(&wanted).await?;
    let client = proof.client(reader, &id).await?;
    let Some(key) = key else { return Ok(()) };
    change!(reader, {
        let found: Option<Stored<Credential>> = reader.get(&key).await?;
        let Some(found) = found else {
            return Ok(((), Vec::new()));
        };
        let other = match &found.value.purpose {
            Purpose::Bearer {
                client: of,
                refresh,
                ..
            } if *of == client.guid => refresh.clone(),
            Purpose::Refresh {
                client: of, bearer, ..
            } if *of == client.guid => Some(bearer.clone()),
            _ => return Ok(((), Vec::new())),
        };
        let mut writes = vec![found.remove()];
        writes
            .extend(other.map(|other| {
                Write::Delete(keys::credential(tenant_id, &other), Condition::Always)
            }));
        Ok(((), writes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id;
    use crate::model::credentials::oauth_client;

    #[test]
    fn a_client_id_leads_to_its_tenant() {
        let id = ClientId {
            tenant_id: id::TenantId::of_name("dev"),
            guid: id::Guid::random(),
        };
        assert_eq!(id.to_string().parse::<ClientId>(), Ok(id.clone()));
        for text in [
            "",
            "x",
            &id.to_string()[1..],
            &format!("{id}0"),
            &"é".repeat(16),
            &format!("1234567é{}", id.guid),
        ] {
            assert!(text.parse::<ClientId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tenant_stands_behind_the_last_at_sign_and_has_no_dot() {
        assert_eq!(
            split_tenant("admin@example.com@dev"),
            Some(("admin@example.com", "dev"))
        );
        assert_eq!(split_tenant("admin@dev"), Some(("admin", "dev")));
        for none in [
            "admin",
            "admin@example.com",
            "@dev",
            "admin@",
            "admin@de v",
            &format!("admin@{}", "x".repeat(64)),
        ] {
            assert_eq!(split_tenant(none), None, "{none}");
        }
    }

    #[test]
    fn grant_types_are_words_of_which_one_must_be_known() {
        let grants = |text: &str| {
            NewClient::new("x".to_owned(), String::new(), text)
                .map(|client| client.grants)
                .ok()
        };
        assert_eq!(grants(""), Some(oauth_client::GrantType::ALL.to_vec()));
        assert_eq!(
            grants(" refresh_token  password implicit"),
            Some(vec![
                oauth_client::GrantType::Password,
                oauth_client::GrantType::RefreshToken
            ])
        );
        assert_eq!(grants("authorization_code"), None);
        assert!(NewClient::new("x".repeat(201), String::new(), "").is_err());
        assert!(NewClient::new(" ".to_owned(), String::new(), "").is_err());
        assert!(NewClient::new("x".to_owned(), "x".repeat(2_001), "").is_err());
    }
}

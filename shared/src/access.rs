//! Who is calling and what they may do: the one place that authenticates and authorises.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::api_key::KeyOf;
use crate::domain::credential::{Credential, Purpose};
use crate::domain::device::Device;
use crate::domain::policy::Policy;
use crate::domain::team::Access;
use crate::domain::user::{Identity, Owner, User};
use crate::error::Error;
use crate::id::{AppId, Guid, Handle};
use crate::records::{Reader, Stored};
use crate::secret::{CredentialText, SecretHash};
use crate::store::{Key, keys};

/// What a row of the route table asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nothing: anybody may call.
    Open,
    /// Any member: a user with a cookie session or an API key.
    Member,
    /// Any member, or an app's user with a session.
    StoreUser,
    /// A member with this right. An app's user too, where [`Right::open_to_app_users`] says so.
    Holds(Right),
    /// An app's host, by the app's API key in `X-FH-AUTH-APP`, or a member with this right.
    AppOr(Right),
    /// A message that is signed with the key of the tenant's settings (002).
    Signed,
    /// A bearer token with exactly this scope, whose user holds a right that the scope stands for.
    Scope(Scope),
}

/// What a bearer token of the publisher API may be used for (001, `x-wso2-scopes`). There is no
/// order among them: a token with `appm:administration` alone may not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the published names")]
pub enum Scope {
    Read,
    Create,
    Update,
    Publish,
    Administration,
    Subscribe,
}

impl Scope {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Publish,
        Self::Administration,
        Self::Subscribe,
    ];

    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "appm:read",
            Self::Create => "appm:create",
            Self::Update => "appm:update",
            Self::Publish => "appm:publish",
            Self::Administration => "appm:administration",
            Self::Subscribe => "appm:subscribe",
        }
    }

    /// Whether whoever holds these rights may hold a token with this scope. `appm:publish` goes to
    /// creators too, who submit their apps for review; the life cycle asks for more where it must.
    pub fn open_to(self, rights: Rights) -> bool {
        match self {
            Self::Read => rights.contains(Right::ReadStoreItems),
            Self::Create | Self::Update => rights.contains(Right::WriteStoreItems),
            Self::Publish => {
                rights.contains(Right::WriteStore) || rights.contains(Right::WriteStoreItems)
            }
            Self::Administration => {
                rights.contains(Right::WriteStore) && rights.contains(Right::WritePolicies)
            }
            Self::Subscribe => true,
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(u8);

impl Scopes {
    /// All of them.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);

    /// The scopes that a text of words names; other words are passed over (RFC 6749 3.3).
    pub fn named(text: &str) -> Self {
        let named = |scope: &Scope| {
            text.split_ascii_whitespace()
                .any(|word| word == scope.as_str())
        };
        Scope::ALL
            .into_iter()
            .filter(named)
            .fold(Self::default(), Self::with)
    }

    /// Those of them that whoever holds these rights may have.
    pub fn open_to(self, rights: Rights) -> Self {
        Scope::ALL
            .into_iter()
            .filter(|scope| self.contains(*scope) && scope.open_to(rights))
            .fold(Self::default(), Self::with)
    }

    fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u8)
    }

    /// Whether that one is in it.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }

    /// Those that are in both.
    pub fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of the other's are in it.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<&str> = Scope::ALL
            .into_iter()
            .filter(|scope| self.contains(*scope))
            .map(Scope::as_str)
            .collect();
        f.write_str(&words.join(" "))
    }
}

/// A right, named by the documents' permission paths (003 9.2.2) and read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the path and the access say what each is")]
pub enum Right {
    ReadStore,
    WriteStore,
    ReadStoreItems,
    WriteStoreItems,
    ReadGroups,
    WriteGroups,
    ReadAuditLog,
    ReadDevices,
    WriteDevices,
    ReadPolicies,
    WritePolicies,
    ReadTeams,
    WriteTeams,
    ReadUsers,
    WriteUsers,
    DeleteUsers,
}

/// How far a permission goes (003 9.2.2): `write` includes `read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Looking.
    Read,
    /// Changing.
    Write,
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

/// The level of the tenant in the documents' paths. Cluster, reseller and customer are the tenant
/// too.
pub const DOMAIN_PATH: &str = "cluster/reseller/customer/domain";

impl Right {
    /// All rights.
    pub const ALL: [Self; 16] = [
        Self::ReadStore,
        Self::WriteStore,
        Self::ReadStoreItems,
        Self::WriteStoreItems,
        Self::ReadGroups,
        Self::WriteGroups,
        Self::ReadAuditLog,
        Self::ReadDevices,
        Self::WriteDevices,
        Self::ReadPolicies,
        Self::WritePolicies,
        Self::ReadTeams,
        Self::WriteTeams,
        Self::ReadUsers,
        Self::WriteUsers,
        Self::DeleteUsers,
    ];

    /// The documents' permission path and the level that it asks for there. Users are deleted by
    /// who administers the customer (003 10.1), which a permission at the domain does not reach.
    pub fn permission_path(self) -> (&'static str, Level) {
        match self {
            Self::ReadStore => (
                "cluster/reseller/customer/domain/admin/app-store",
                Level::Read,
            ),
            Self::WriteStore => (
                "cluster/reseller/customer/domain/admin/app-store",
                Level::Write,
            ),
            Self::ReadStoreItems => (
                "cluster/reseller/customer/domain/admin/app-store/store-item",
                Level::Read,
            ),
            Self::WriteStoreItems => (
                "cluster/reseller/customer/domain/admin/app-store/store-item",
                Level::Write,
            ),
            Self::ReadGroups => (
                "cluster/reseller/customer/domain/admin/app-store/store-item-group",
                Level::Read,
            ),
            Self::WriteGroups => (
                "cluster/reseller/customer/domain/admin/app-store/store-item-group",
                Level::Write,
            ),
            Self::ReadAuditLog => (
                "cluster/reseller/customer/domain/admin/app-store/audit-log",
                Level::Read,
            ),
            Self::ReadDevices => (
                "cluster/reseller/customer/domain/admin/app-store/device",
                Level::Read,
            ),
            Self::WriteDevices => (
                "cluster/reseller/customer/domain/admin/app-store/device",
                Level::Write,
            ),
            Self::ReadPolicies => (
                "cluster/reseller/customer/domain/admin/auth-policy",
                Level::Read,
            ),
            Self::WritePolicies => (
                "cluster/reseller/customer/domain/admin/auth-policy",
                Level::Write,
            ),
            Self::ReadTeams => ("cluster/reseller/customer/domain/admin/team", Level::Read),
            Self::WriteTeams => ("cluster/reseller/customer/domain/admin/team", Level::Write),
            Self::ReadUsers => ("cluster/reseller/customer/domain/admin/user", Level::Read),
            Self::WriteUsers => ("cluster/reseller/customer/domain/admin/user", Level::Write),
            Self::DeleteUsers => ("cluster/reseller/customer/admin/user", Level::Write),
        }
    }

    /// 003 2.22 opens the log to an app-user session: accepted only when its user holds the right.
    fn open_to_app_users(self) -> bool {
        self == Self::ReadAuditLog
    }
}

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights(u32);

impl Rights {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self((1 << Right::ALL.len()) - 1);

    /// These.
    pub const fn of(rights: &[Right]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < rights.len() {
            bits |= 1 << rights[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    /// Without that one.
    pub const fn without(self, right: Right) -> Self {
        Self(self.0 & !(1 << right as u32))
    }

    /// Both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether that one is in it.
    pub const fn contains(self, right: Right) -> bool {
        self.0 & (1 << right as u32) != 0
    }

    /// Whether all of the other's are in it.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A role of the platform (003 chapter 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the documents' own names")]
pub enum Role {
    Sub,
    Dev,
    DevAdmin,
    Analytics,
    PortalAdmin,
    CustomerAdmin,
    ResellerAdmin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 7] = [
        Self::Sub,
        Self::Dev,
        Self::DevAdmin,
        Self::Analytics,
        Self::PortalAdmin,
        Self::CustomerAdmin,
        Self::ResellerAdmin,
    ];

    /// The documents' name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sub => "sub",
            Self::Dev => "dev",
            Self::DevAdmin => "devadmin",
            Self::Analytics => "analytics",
            Self::PortalAdmin => "portaladmin",
            Self::CustomerAdmin => "customeradmin",
            Self::ResellerAdmin => "reselleradmin",
        }
    }

    /// What its holders may do.
    pub const fn rights(self) -> Rights {
        match self {
            Self::Sub => Rights::NONE,
            Self::Dev => Rights::of(&[Right::ReadStore, Right::ReadStoreItems]),
            Self::DevAdmin => Rights::of(&[
                Right::ReadStore,
                Right::ReadStoreItems,
                Right::WriteStoreItems,
                Right::ReadGroups,
            ]),
            Self::Analytics => Rights::of(&[
                Right::ReadStore,
                Right::ReadStoreItems,
                Right::ReadAuditLog,
                Right::ReadDevices,
            ]),
            Self::PortalAdmin => Rights::ALL.without(Right::DeleteUsers),
            Self::CustomerAdmin | Self::ResellerAdmin => Rights::ALL,
        }
    }

    /// Whether its holders administer the tenant.
    pub fn administers(self) -> bool {
        matches!(
            self,
            Self::PortalAdmin | Self::CustomerAdmin | Self::ResellerAdmin
        )
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| Error::invalid("invalid_roles"))
    }
}

/// How the caller proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// A cookie of a signed-in member.
    Session,
    /// An API key.
    ApiKey,
    /// A session of an app's user, with the device and the policy it came by.
    AppSession {
        /// The client's own id of its device.
        cuid: String,
        /// The policy that admitted the user.
        policy: Guid,
    },
    /// An app's own API key: no user stands behind it.
    App {
        /// The app, whose card the operation has to look for: an app that was deleted has keys
        /// still.
        app: AppId,
    },
    /// A user's token of the Apperian API.
    UserToken,
    /// A message that is signed with the key of the tenant's settings: no user stands behind it.
    Message,
    /// A bearer token of a client.
    Bearer {
        /// What it may be used for.
        scopes: Scopes,
    },
}

/// A caller who proved who they are.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The tenant.
    pub handle: Handle,
    /// The tenant's name.
    pub domain: String,
    /// The user, as of now.
    pub owner: Owner,
    /// What they may do by their roles and teams.
    pub rights: Rights,
    /// How they proved it.
    pub means: Means,
    /// The hash of the credential.
    pub credential: SecretHash,
}

impl Principal {
    /// Whether one of the caller's roles or teams gives that right.
    pub fn holds(&self, right: Right) -> bool {
        self.rights.contains(right)
    }

    /// The roles that the caller may give to others (003 8.2): none that holds what the caller does
    /// not hold.
    pub fn assignable(&self) -> Vec<Role> {
        if !self.holds(Right::WriteUsers) {
            return Vec::new();
        }
        let may = |role: &Role| {
            self.rights.covers(role.rights())
                && (*role != Role::ResellerAdmin || self.owner.roles.contains(role))
        };
        Role::ALL.into_iter().filter(may).collect()
    }

    /// Refuses to touch somebody who may do what the caller may not: whoever sets his password
    /// would be him.
    ///
    /// # Errors
    /// Forbidden.
    pub fn outranks(&self, other: &Owner, teams: &Access) -> Result<(), Error> {
        let above = other.roles.contains(&Role::ResellerAdmin)
            && !self.owner.roles.contains(&Role::ResellerAdmin);
        if !above && self.rights.covers(teams.rights_of(self.handle, other)) {
            return Ok(());
        }
        Err(Error::forbidden(
            "This user holds permissions that you do not hold",
        ))
    }

    /// Whether the caller administers the tenant.
    pub fn administers(&self) -> bool {
        self.owner.roles.iter().any(|role| role.administers())
    }

    /// Whether the caller is a member: neither an app's user with a session nor an app.
    pub fn is_member(&self) -> bool {
        !matches!(self.means, Means::AppSession { .. } | Means::App { .. })
    }
}

/// Which texts a request presents as credentials.
#[derive(Clone, Default)]
pub struct Presented {
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// `X-FH-AUTH-USER`.
    pub api_key: Option<String>,
    /// `X-FH-AUTH-APP`.
    pub app_key: Option<String>,
    /// The cookie `feedhenry`.
    pub cookie: Option<String>,
    /// `X-FH-AUTH-SESSION`, the query `fh_auth_session` or the cookie `x-fh-auth-session`.
    pub app_session: Option<String>,
    /// Whether the app session came in a cookie.
    pub app_session_in_cookie: bool,
    /// `X-TOKEN`, or what a remote call says as `token`.
    pub token: Option<String>,
}

impl Presented {
    /// The bearer token in `Authorization`; the scheme's case does not count.
    pub fn bearer(&self) -> Option<&str> {
        self.of_scheme("bearer")
    }

    /// User and password of the Basic scheme in `Authorization` (RFC 7617, UTF-8).
    pub fn basic(&self) -> Option<(String, String)> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(self.of_scheme("basic")?)
            .ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    fn of_scheme(&self, wanted: &str) -> Option<&str> {
        let (scheme, rest) = self.authorization.as_deref()?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
    }
}

/// The credential that counts where a row asks for a scope: a bearer token, and nothing else.
pub fn choose_bearer(presented: &Presented) -> Option<CredentialText> {
    match presented.bearer()?.parse() {
        Ok(token @ CredentialText::Bearer { .. }) => Some(token),
        _ => None,
    }
}

/// The credential that counts in the Apperian API: a user's token, or one of his API keys, which
/// never expire.
pub fn choose_token(presented: &Presented) -> Option<CredentialText> {
    match presented.token.as_deref()?.trim().parse() {
        Ok(token @ (CredentialText::UserToken { .. } | CredentialText::ApiKey { .. })) => {
            Some(token)
        }
        _ => None,
    }
}

/// The credential that counts: the platform user's before the app user's (what the original's own
/// client relied on). `None` where none of the texts is a credential of the kind that its place
/// takes.
pub fn choose(presented: &Presented) -> Option<(CredentialText, bool)> {
    let read = |text: &Option<String>| {
        text.as_deref()
            .and_then(|text| text.parse::<CredentialText>().ok())
    };
    if let Some(key @ CredentialText::ApiKey { .. }) = read(&presented.api_key) {
        return Some((key, false));
    }
    if let Some(session @ CredentialText::Session { .. }) = read(&presented.cookie) {
        return Some((session, true));
    }
    match read(&presented.app_session) {
        Some(session @ CredentialText::AppSession { .. }) => {
            Some((session, presented.app_session_in_cookie))
        }
        _ => None,
    }
}

/// The credential that counts where apps may ask: a member's before the app's own. Whoever holds
/// both may have got the app's from somebody else's request.
pub fn choose_app(presented: &Presented) -> Option<(CredentialText, bool)> {
    if let Some(found @ (CredentialText::ApiKey { .. } | CredentialText::Session { .. }, _)) =
        choose(presented)
    {
        return Some(found);
    }
    match presented.app_key.as_deref()?.trim().parse() {
        Ok(key @ CredentialText::ApiKey { .. }) => Some((key, false)),
        _ => None,
    }
}

/// Whether the credential of [`choose_app`] stands where apps present theirs: their key counts
/// nowhere else.
pub fn is_presented_by_app(presented: &Presented) -> bool {
    !matches!(
        choose(presented),
        Some((
            CredentialText::ApiKey { .. } | CredentialText::Session { .. },
            _
        ))
    )
}

/// The keys that must be read to judge a credential: known from its text alone, so that they are
/// fetched in one call together with what the operation needs.
pub fn keys_of(text: &CredentialText) -> Vec<Key> {
    let handle = text.handle();
    let mut wanted = vec![keys::credential(handle, &text.hash())];
    wanted.extend(text.user().map(|user| keys::user(handle, user)));
    wanted.push(keys::access(handle));
    if let CredentialText::AppSession {
        user,
        device,
        policy,
        ..
    } = text
    {
        wanted.extend([
            keys::identity(handle, user),
            keys::device(handle, device),
            keys::policy(handle, policy),
        ]);
    }
    wanted
}

/// Who presents this credential, from what was fetched for [`keys_of`] it. `for_apps` says whether
/// it stands where apps present theirs: then an app's own key is taken, and nothing else.
///
/// # Errors
/// Unauthenticated for an unknown, expired or revoked credential, for a user or device that is
/// disabled, and for a session whose policy is gone or does not list its user any more; the
/// store's.
pub async fn authenticate(
    reader: &mut Reader<'_>,
    text: &CredentialText,
    for_apps: bool,
) -> Result<Principal, Error> {
    let handle = text.handle();
    let hash = text.hash();
    let found: Option<Stored<Credential>> = reader.get(&keys::credential(handle, &hash)).await?;
    let found = found.ok_or_else(Error::unauthenticated)?;
    let credential = found.value;
    let (owner, means) = match (text, credential.purpose) {
        (CredentialText::ApiKey { .. }, Purpose::UserKey(key))
            if !for_apps && key.revoked.is_none() =>
        {
            let copy = found
                .owner
                .ok_or_else(|| Error::internal("an API key without its owner"))?;
            (
                serde_json::from_str::<Owner>(&copy).map_err(Error::internal)?,
                Means::ApiKey,
            )
        }
        (CredentialText::ApiKey { .. }, Purpose::AppKey(key))
            if for_apps && key.revoked.is_none() =>
        {
            let KeyOf::App(app) = key.of else {
                return Err(Error::internal("a key of an app that is none's"));
            };
            (Owner::of_nobody(&format!("app {app}")), Means::App { app })
        }
        (CredentialText::Session { user, .. }, Purpose::Session) => (
            owner_since(reader, handle, user, credential.generation).await?,
            Means::Session,
        ),
        (CredentialText::UserToken { user, .. }, Purpose::UserToken) => (
            owner_since(reader, handle, user, credential.generation).await?,
            Means::UserToken,
        ),
        (CredentialText::Bearer { user, .. }, Purpose::Bearer { scopes, .. }) => (
            owner_since(reader, handle, user, credential.generation).await?,
            Means::Bearer { scopes },
        ),
        (
            CredentialText::AppSession {
                user,
                device,
                policy,
                ..
            },
            Purpose::AppSession { cuid },
        ) => {
            let device: Option<Stored<Device>> = reader.get(&keys::device(handle, device)).await?;
            if device.is_some_and(|device| device.value.disabled || device.value.blacklisted) {
                return Err(Error::unauthenticated());
            }
            let policy: Stored<Policy> = reader
                .get(&keys::policy(handle, policy))
                .await?
                .ok_or_else(Error::unauthenticated)?;
            let owner = match reader.get::<User>(&keys::user(handle, user)).await? {
                Some(user) => {
                    // Whoever came by a provider is this user only as long as he is listed.
                    let needs_listing =
                        policy.value.check_user_approved || !policy.value.is_built_in();
                    let listed = user.value.policies.contains(&policy.value.guid);
                    if user.value.generation != credential.generation || (needs_listing && !listed)
                    {
                        return Err(Error::unauthenticated());
                    }
                    user.value.owner
                }
                None => {
                    let identity: Option<Stored<Identity>> =
                        reader.get(&keys::identity(handle, user)).await?;
                    let identity = identity.ok_or_else(Error::unauthenticated)?.value;
                    if identity.policy != policy.value.guid || policy.value.check_user_approved {
                        return Err(Error::unauthenticated());
                    }
                    // One more read, and only for somebody who is known here without being listed
                    // on the policy.
                    let known: Option<Stored<User>> = match &identity.user {
                        Some(user) => reader.get(&keys::user(handle, user)).await?,
                        None => None,
                    };
                    let blocked = known.as_ref().is_some_and(|user| {
                        !user.value.owner.enabled || user.value.owner.blacklisted
                    });
                    if blocked || (policy.value.check_user_exists && known.is_none()) {
                        return Err(Error::unauthenticated());
                    }
                    identity.owner()
                }
            };
            (
                owner,
                Means::AppSession {
                    cuid,
                    policy: policy.value.guid,
                },
            )
        }
        _ => return Err(Error::unauthenticated()),
    };
    if !owner.enabled || owner.blacklisted {
        return Err(Error::unauthenticated());
    }
    if let Means::App { .. } = means {
        return Ok(Principal {
            handle,
            domain: credential.domain,
            owner,
            rights: Rights::NONE,
            means,
            credential: hash,
        });
    }
    let access: Access = reader
        .get::<Access>(&keys::access(handle))
        .await?
        .map(|found| found.value)
        .unwrap_or_default();
    let rights = access.rights_of(handle, &owner);
    Ok(Principal {
        handle,
        domain: credential.domain,
        owner,
        rights,
        means,
        credential: hash,
    })
}

/// The owner of a credential that came by a password, as long as that is still his.
async fn owner_since(
    reader: &mut Reader<'_>,
    handle: Handle,
    user: &Guid,
    generation: u32,
) -> Result<Owner, Error> {
    let user: Option<Stored<User>> = reader.get(&keys::user(handle, user)).await?;
    user.map(|user| user.value)
        .filter(|user| user.generation == generation)
        .map(|user| user.owner)
        .ok_or_else(Error::unauthenticated)
}

/// Whether this caller may use a row with that permission. `named` is the tenant that the path
/// names.
///
/// # Errors
/// Unauthenticated without a principal where one is needed; forbidden otherwise.
pub fn authorise(
    principal: Option<&Principal>,
    permission: Permission,
    named: Option<&str>,
) -> Result<(), Error> {
    if permission == Permission::Open {
        return Ok(());
    }
    let principal = principal.ok_or_else(Error::unauthenticated)?;
    if let Permission::Scope(scope) = permission {
        return match &principal.means {
            Means::Bearer { scopes } if !scopes.contains(scope) => Err(Error::forbidden(format!(
                "The token has not the scope {}",
                scope.as_str()
            ))),
            Means::Bearer { .. } if !scope.open_to(principal.rights) => {
                Err(Error::forbidden(format!(
                    "The token's user does not hold the rights that the scope {} stands for any more",
                    scope.as_str()
                )))
            }
            Means::Bearer { .. } => Ok(()),
            _ => Err(Error::unauthenticated()),
        };
    }
    let allowed = match permission {
        Permission::Scope(_) => false,
        Permission::Signed => principal.means == Means::Message,
        Permission::AppOr(right) => {
            matches!(principal.means, Means::App { .. })
                || (principal.is_member() && principal.holds(right))
        }
        Permission::Open => true,
        Permission::StoreUser => !matches!(principal.means, Means::App { .. }),
        Permission::Member => principal.is_member(),
        Permission::Holds(right) => {
            principal.holds(right) && (principal.is_member() || right.open_to_app_users())
        }
    };
    if !allowed {
        return Err(Error::forbidden(
            "You do not have the permission for this operation",
        ));
    }
    match named {
        Some(domain) if !domain.eq_ignore_ascii_case(&principal.domain) => {
            Err(Error::forbidden("Your credential is not of this domain"))
        }
        _ => Ok(()),
    }
}

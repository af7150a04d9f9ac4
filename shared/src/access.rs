//! Who is calling and what they may do: the one place that authenticates and authorises.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::credential::{Credential, Purpose};
use crate::domain::device::Device;
use crate::domain::user::{Owner, User};
use crate::error::Error;
use crate::id::{Guid, Handle};
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
}

impl Right {
    /// All rights.
    pub const ALL: [Self; 7] =
        [Self::ReadStore, Self::WriteStore, Self::ReadStoreItems, Self::WriteStoreItems, Self::ReadGroups, Self::WriteGroups, Self::ReadAuditLog];

    /// The documents' permission path and access.
    pub fn permission_path(self) -> (&'static str, &'static str) {
        match self {
            Self::ReadStore => ("cluster/reseller/customer/domain/admin/app-store", "read"),
            Self::WriteStore => ("cluster/reseller/customer/domain/admin/app-store", "write"),
            Self::ReadStoreItems => ("cluster/reseller/customer/domain/admin/app-store/store-item", "read"),
            Self::WriteStoreItems => ("cluster/reseller/customer/domain/admin/app-store/store-item", "write"),
            Self::ReadGroups => ("cluster/reseller/customer/domain/admin/app-store/store-item-group", "read"),
            Self::WriteGroups => ("cluster/reseller/customer/domain/admin/app-store/store-item-group", "write"),
            Self::ReadAuditLog => ("cluster/reseller/customer/domain/admin/app-store/audit-log", "read"),
        }
    }

    /// 003 2.22 opens the log to an app-user session: accepted only when its user holds the right.
    fn open_to_app_users(self) -> bool {
        self == Self::ReadAuditLog
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
    pub const ALL: [Self; 7] = [Self::Sub, Self::Dev, Self::DevAdmin, Self::Analytics, Self::PortalAdmin, Self::CustomerAdmin, Self::ResellerAdmin];

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
    pub fn rights(self) -> &'static [Right] {
        match self {
            Self::Sub => &[],
            Self::Dev => &[Right::ReadStore, Right::ReadStoreItems],
            Self::DevAdmin => &[Right::ReadStore, Right::ReadStoreItems, Right::WriteStoreItems, Right::ReadGroups],
            Self::Analytics => &[Right::ReadStore, Right::ReadStoreItems, Right::ReadAuditLog],
            Self::PortalAdmin | Self::CustomerAdmin | Self::ResellerAdmin => &Right::ALL,
        }
    }

    /// Whether its holders administer the tenant.
    pub fn administers(self) -> bool {
        matches!(self, Self::PortalAdmin | Self::CustomerAdmin | Self::ResellerAdmin)
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| Error::invalid("invalid_roles"))
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
    /// How they proved it.
    pub means: Means,
    /// The hash of the credential.
    pub credential: SecretHash,
}

impl Principal {
    /// Whether one of the caller's roles gives that right.
    pub fn holds(&self, right: Right) -> bool {
        self.owner.roles.iter().any(|role| role.rights().contains(&right))
    }

    /// Whether the caller administers the tenant.
    pub fn administers(&self) -> bool {
        self.owner.roles.iter().any(|role| role.administers())
    }

    /// Whether the caller is a member: a cookie or an API key, not the session of an app's user.
    pub fn is_member(&self) -> bool {
        !matches!(self.means, Means::AppSession { .. })
    }
}

/// Which texts a request presents as credentials.
#[derive(Clone, Debug, Default)]
pub struct Presented {
    /// `X-FH-AUTH-USER`.
    pub api_key: Option<String>,
    /// The cookie `feedhenry`.
    pub cookie: Option<String>,
    /// `X-FH-AUTH-SESSION`, the query `fh_auth_session` or the cookie `x-fh-auth-session`.
    pub app_session: Option<String>,
    /// Whether the app session came in a cookie.
    pub app_session_in_cookie: bool,
}

/// The credential that counts: the platform user's before the app user's (what the original's own client relied on).
/// `None` where none of the texts is a credential of the kind that its place takes.
pub fn choose(presented: &Presented) -> Option<(CredentialText, bool)> {
    let read = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<CredentialText>().ok());
    if let Some(key @ CredentialText::ApiKey { .. }) = read(&presented.api_key) {
        return Some((key, false));
    }
    if let Some(session @ CredentialText::Session { .. }) = read(&presented.cookie) {
        return Some((session, true));
    }
    match read(&presented.app_session) {
        Some(session @ CredentialText::AppSession { .. }) => Some((session, presented.app_session_in_cookie)),
        _ => None,
    }
}

/// The keys that must be read to judge a credential: known from its text alone, so that they are fetched in one call
/// together with what the operation needs.
pub fn keys_of(text: &CredentialText) -> Vec<Key> {
    let handle = text.handle();
    let mut wanted = vec![keys::credential(handle, &text.hash())];
    wanted.extend(text.user().map(|user| keys::user(handle, user)));
    if let CredentialText::AppSession { device, .. } = text {
        wanted.push(keys::device(handle, device));
    }
    wanted
}

/// Who presents this credential, from what was fetched for [`keys_of`] it.
///
/// # Errors
/// Unauthenticated for an unknown, expired or revoked credential and for a user or device that is disabled; the store's.
pub async fn authenticate(reader: &mut Reader<'_>, text: &CredentialText) -> Result<Principal, Error> {
    let handle = text.handle();
    let hash = text.hash();
    let found: Option<Stored<Credential>> = reader.get(&keys::credential(handle, &hash)).await?;
    let found = found.ok_or_else(Error::unauthenticated)?;
    let credential = found.value;
    let (owner, means) = match (text, credential.purpose) {
        (CredentialText::ApiKey { .. }, Purpose::UserKey(key)) if key.revoked.is_none() => {
            let copy = found.owner.ok_or_else(|| Error::internal("an API key without its owner"))?;
            (serde_json::from_str::<Owner>(&copy).map_err(Error::internal)?, Means::ApiKey)
        }
        (CredentialText::Session { user, .. }, Purpose::Session) => (owner_of(reader, handle, user).await?, Means::Session),
        (CredentialText::AppSession { user, device, .. }, Purpose::AppSession { cuid, policy }) => {
            let device: Option<Stored<Device>> = reader.get(&keys::device(handle, device)).await?;
            if device.is_some_and(|device| device.value.disabled || device.value.blacklisted) {
                return Err(Error::unauthenticated());
            }
            (owner_of(reader, handle, user).await?, Means::AppSession { cuid, policy })
        }
        _ => return Err(Error::unauthenticated()),
    };
    if !owner.enabled || owner.blacklisted {
        return Err(Error::unauthenticated());
    }
    Ok(Principal { handle, domain: credential.domain, owner, means, credential: hash })
}

async fn owner_of(reader: &mut Reader<'_>, handle: Handle, user: &Guid) -> Result<Owner, Error> {
    let user: Option<Stored<User>> = reader.get(&keys::user(handle, user)).await?;
    Ok(user.ok_or_else(Error::unauthenticated)?.value.owner)
}

/// Whether this caller may use a row with that permission. `named` is the tenant that the path names.
///
/// # Errors
/// Unauthenticated without a principal where one is needed; forbidden otherwise.
pub fn authorise(principal: Option<&Principal>, permission: Permission, named: Option<&str>) -> Result<(), Error> {
    if permission == Permission::Open {
        return Ok(());
    }
    let principal = principal.ok_or_else(Error::unauthenticated)?;
    let allowed = match permission {
        Permission::Open | Permission::StoreUser => true,
        Permission::Member => principal.is_member(),
        Permission::Holds(right) => principal.holds(right) && (principal.is_member() || right.open_to_app_users()),
    };
    if !allowed {
        return Err(Error::forbidden("You do not have the permission for this operation"));
    }
    match named {
        Some(domain) if !domain.eq_ignore_ascii_case(&principal.domain) => Err(Error::forbidden("Your credential is not of this domain")),
        _ => Ok(()),
    }
}

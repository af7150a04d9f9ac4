//! The vocabulary of rights: what a route asks, what a role or a scope gives.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::code::Code;
use crate::base::error::Error;

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

    /// What it lets its holder do, as in "the right to write store items".
    pub const fn words(self) -> &'static str {
        match self {
            Self::ReadStore => "read the app store",
            Self::WriteStore => "write the app store",
            Self::ReadStoreItems => "read store items",
            Self::WriteStoreItems => "write store items",
            Self::ReadGroups => "read groups of store items",
            Self::WriteGroups => "write groups of store items",
            Self::ReadAuditLog => "read the audit log",
            Self::ReadDevices => "read devices",
            Self::WriteDevices => "write devices",
            Self::ReadPolicies => "read auth policies",
            Self::WritePolicies => "write auth policies",
            Self::ReadTeams => "read teams",
            Self::WriteTeams => "write teams",
            Self::ReadUsers => "read users",
            Self::WriteUsers => "write users",
            Self::DeleteUsers => "delete users",
        }
    }

    /// The sentence of a caller's refusal who does not hold it: what it is, and which permission
    /// of the documents gives it.
    pub fn lacking(self) -> String {
        let (path, level) = self.permission_path();
        let place = path.rsplit('/').next().unwrap_or(path);
        format!(
            "The caller lacks the right to {} ({place}: {level})",
            self.words()
        )
    }

    /// 003 2.22 opens the log to an app-user session: accepted only when its user holds the right.
    pub(crate) fn open_to_app_users(self) -> bool {
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

    /// The others that are not in it, for a sentence: `write teams, delete users`.
    pub fn lacking(self, others: Self) -> String {
        let missing = |right: &Right| others.contains(*right) && !self.contains(*right);
        let words: Vec<&str> = Right::ALL
            .into_iter()
            .filter(missing)
            .map(Right::words)
            .collect();
        words.join(", ")
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
            .ok_or_else(|| {
                let roles: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
                Error::invalid(
                    Code::InvalidRoles.beside(format!("A role is one of {}", roles.join(", "))),
                )
            })
    }
}

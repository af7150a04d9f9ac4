//! The vocabulary of rights: what a route asks, what a role or a scope gives.

use enumflags2::{BitFlags, bitflags};
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
/// order among them: a token with `appm:administration` alone may not read. Each has its bit in the
/// number that credentials keep, for ever.
#[bitflags]
#[repr(u8)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "lowercase", prefix = "appm:")]
#[allow(missing_docs, reason = "the published names")]
pub enum Scope {
    Read = 1 << 0,
    Create = 1 << 1,
    Update = 1 << 2,
    Publish = 1 << 3,
    Administration = 1 << 4,
    Subscribe = 1 << 5,
}

impl Scope {
    /// All of them, in the order in which they are told.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The published name.
    pub fn as_str(self) -> &'static str {
        self.into()
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

/// A set of scopes. Credentials keep it as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub struct Scopes {
    known: BitFlags<Scope>,
    /// Bits of the scopes of another version. They give nothing, and are kept where a refresh token
    /// hands them on to the next one.
    unknown: u8,
}

impl From<u8> for Scopes {
    fn from(bits: u8) -> Self {
        let known = BitFlags::from_bits_truncate(bits);
        Self {
            known,
            unknown: bits & !known.bits(),
        }
    }
}

impl From<Scopes> for u8 {
    fn from(scopes: Scopes) -> Self {
        scopes.known.bits() | scopes.unknown
    }
}

impl From<BitFlags<Scope>> for Scopes {
    fn from(known: BitFlags<Scope>) -> Self {
        Self { known, unknown: 0 }
    }
}

impl Scopes {
    /// All of them.
    pub const ALL: Self = Self {
        known: BitFlags::ALL,
        unknown: 0,
    };

    /// The scopes that a text of words names; other words are passed over (RFC 6749 3.3).
    pub fn named(text: &str) -> Self {
        let named = |scope: &Scope| {
            text.split_ascii_whitespace()
                .any(|word| word == scope.as_str())
        };
        let known: BitFlags<Scope> = Self::ALL.known.iter().filter(named).collect();
        known.into()
    }

    /// Those of them that whoever holds these rights may have.
    pub fn open_to(self, rights: Rights) -> Self {
        let open: BitFlags<Scope> = self
            .known
            .iter()
            .filter(|scope| scope.open_to(rights))
            .collect();
        open.into()
    }

    /// Whether that one is in it.
    pub fn contains(self, scope: Scope) -> bool {
        self.known.contains(scope)
    }

    /// Whether all of the other's are in it.
    pub fn covers(self, other: Self) -> bool {
        self.known.contains(other.known)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.known.is_empty()
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<&str> = self.known.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

/// A right, named by the documents' permission paths (003 9.2.2) and read or write.
#[bitflags]
#[repr(u32)]
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
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Level {
    /// Looking.
    Read,
    /// Changing.
    Write,
}

/// The level of the tenant in the documents' paths. Cluster, reseller and customer are the tenant
/// too.
pub const DOMAIN_PATH: &str = "cluster/reseller/customer/domain";

impl Right {
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

/// A set of rights. It is made of roles and teams at each request and stored nowhere.
pub type Rights = BitFlags<Right>;

/// The rights of `wanted` that are not in `held`, for a sentence: `write teams, delete users`.
pub fn lacking(held: Rights, wanted: Rights) -> String {
    let words: Vec<&str> = (wanted & !held).iter().map(Right::words).collect();
    words.join(", ")
}

/// A role of the platform (003 chapter 8).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_role)]
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
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The documents' name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What its holders may do.
    pub fn rights(self) -> Rights {
        match self {
            Self::Sub => Rights::EMPTY,
            Self::Dev => Right::ReadStore | Right::ReadStoreItems,
            Self::DevAdmin => {
                Right::ReadStore
                    | Right::ReadStoreItems
                    | Right::WriteStoreItems
                    | Right::ReadGroups
            }
            Self::Analytics => {
                Right::ReadStore | Right::ReadStoreItems | Right::ReadAuditLog | Right::ReadDevices
            }
            Self::PortalAdmin => Rights::ALL & !Right::DeleteUsers,
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

fn unknown_role(_: &str) -> Error {
    let roles = <Role as strum::VariantNames>::VARIANTS.join(", ");
    Error::invalid(Code::InvalidRoles.beside(format!("A role is one of {roles}")))
}

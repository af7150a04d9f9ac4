//! Teams and what they grant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::code::{Code, ErrorText};
use crate::base::error::Error;
use crate::base::id::{TeamId, TenantId};
use crate::base::rights::{DOMAIN_PATH, Level, Rights};
use crate::base::text::{Description, Label, Name};
use crate::model::people::tenant::Tenant;
use crate::model::people::user::Owner;
use crate::store::record::Record;

/// What a team may do (003 9.2.2): levels of permission by path, and the business objects that they
/// are for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// By path: what the team may do there and below, until a deeper path says otherwise.
    pub perms: BTreeMap<String, Level>,
    /// By path: the objects that the team is for there and below. Without any the team is for
    /// nothing.
    pub objects: BTreeMap<String, Vec<String>>,
}

/// The value of the nearest path at or above this one.
fn nearest<'a, T>(by_path: &'a BTreeMap<String, T>, path: &str) -> Option<&'a T> {
    let mut path = path;
    loop {
        if let Some(found) = by_path.get(path) {
            return Some(found);
        }
        path = path.rsplit_once('/')?.0;
    }
}

impl Grants {
    /// The rights that they give. Objects of other tenants never get into a team, so that whatever
    /// is named is ours.
    pub fn rights(&self) -> Rights {
        let mut rights = Rights::EMPTY;
        for right in Rights::ALL {
            let (path, level) = right.permission_path();
            let permitted = nearest(&self.perms, path).is_some_and(|have| *have >= level);
            if permitted && nearest(&self.objects, path).is_some_and(|objects| !objects.is_empty())
            {
                rights |= right;
            }
        }
        rights
    }
}

/// Longest path, in characters.
const MAX_PATH: usize = 200;

/// The level of the store in the documents' paths: below the tenant the one that has an object of
/// its own.
pub(crate) const APP_STORE_PATH: &str = "cluster/reseller/customer/domain/admin/app-store";

fn checked_path(path: &str, field: &str) -> Result<(), Error> {
    let segment = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let fits = path.len() <= MAX_PATH
        && path.split('/').next() == Some("cluster")
        && path.split('/').all(segment);
    if fits {
        Ok(())
    } else {
        Err(Error::invalid(ErrorText::of_field(
            field,
            format!(
                "{:?} is no path of permissions",
                path.chars().take(MAX_PATH).collect::<String>()
            ),
        )))
    }
}

impl Grants {
    /// What a client asks for (003 9.5), if it can be: levels `read` or `write` (case does not
    /// count), paths of the documents' form, and no object but this tenant's: it is the cluster,
    /// the reseller, the customer and the domain, by its name, handle or store's guid. Below the
    /// domain everything of it is meant (`*`), and the store has its guid.
    ///
    /// # Errors
    /// Invalid `invalid_perms` and `invalid_business-objects`, also beyond [`MAX_PATHS`];
    /// forbidden for an object that is not this tenant's.
    pub fn checked(
        tenant_id: TenantId,
        tenant: &Tenant,
        perms: &[(String, String)],
        objects: &[(String, Vec<String>)],
    ) -> Result<Self, Error> {
        let mut grants = Self::default();
        for (path, level) in perms {
            checked_path(path, "perms")?;
            let level = match level.to_ascii_lowercase().as_str() {
                "read" => Level::Read,
                "write" => Level::Write,
                _ => {
                    return Err(Error::invalid(
                        Code::InvalidPerms.with("a permission is read or write"),
                    ));
                }
            };
            if grants
                .perms
                .insert(path.clone(), level)
                .is_some_and(|before| before != level)
            {
                return Err(Error::invalid(
                    Code::InvalidPerms.with(format!("{path} is given twice")),
                ));
            }
        }
        for (path, named) in objects {
            checked_path(path, "business-objects")?;
            let ids = grants.objects.entry(path.clone()).or_default();
            for object in named {
                let object = own_object(tenant_id, tenant, path, object)?;
                if !ids.contains(&object) {
                    ids.push(object);
                }
            }
        }
        for (paths, field) in [
            (grants.perms.len(), "perms"),
            (grants.objects.len(), "business-objects"),
        ] {
            if paths > MAX_PATHS {
                return Err(Error::invalid(ErrorText::of_field(
                    field,
                    format!("at most {MAX_PATHS} paths"),
                )));
            }
        }
        Ok(grants)
    }
}

/// A business object of this tenant, in one spelling.
fn own_object(
    tenant_id: TenantId,
    tenant: &Tenant,
    path: &str,
    object: &str,
) -> Result<String, Error> {
    let is_tenant = DOMAIN_PATH == path
        || DOMAIN_PATH
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('/'));
    let own = if object == "*"
        || (is_tenant || path == APP_STORE_PATH) && object == tenant.store.as_str()
    {
        Some(object.to_owned())
    } else if is_tenant && object.eq_ignore_ascii_case(&tenant.name) {
        Some(tenant.name.clone())
    } else if is_tenant && object.eq_ignore_ascii_case(&tenant_id.to_string()) {
        Some(tenant_id.to_string())
    } else {
        None
    };
    own.ok_or_else(|| {
        let object: String = object.chars().take(MAX_PATH).collect();
        Error::forbidden(format!(
            "{object:?} is not yours to give at {path}: there it can be \"*\"{}",
            if is_tenant { " or your own domain" } else { "" }
        ))
    })
}

/// What the tenant's own teams may do: one record, read with every credential.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Access {
    /// By team.
    pub teams: BTreeMap<TeamId, Grants>,
}

impl Record for Access {
    const KIND: &'static str = "access";
}

/// Most paths of one team, permissions and business objects each.
pub const MAX_PATHS: usize = 40;

impl Access {
    /// What a team gives; nothing where there is no such team.
    pub fn of_team(&self, tenant_id: TenantId, team: &TeamId) -> Rights {
        match (
            self.teams.get(team),
            default_teams(tenant_id)
                .into_iter()
                .find(|default| default.id == *team),
        ) {
            (Some(grants), _) => grants.rights(),
            (None, Some(default)) => default.grants.rights(),
            (None, None) => Rights::EMPTY,
        }
    }

    /// What a user may do by roles and teams.
    pub fn rights_of(&self, tenant_id: TenantId, owner: &Owner) -> Rights {
        let by_roles = owner
            .roles
            .iter()
            .fold(Rights::EMPTY, |rights, role| rights | role.rights());
        owner.teams.iter().fold(by_roles, |rights, team| {
            rights | self.of_team(tenant_id, team)
        })
    }
}

/// A team.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: Name,
    /// The code that its maker gave it.
    pub code: Label,
    /// What it is for.
    pub desc: Description,
    /// What it may do.
    pub grants: Grants,
    /// Since when.
    pub created: Timestamp,
    /// When it was changed last; members do not count.
    pub updated: Timestamp,
}

impl Record for Team {
    const KIND: &'static str = "team";
}

/// That a user is in a team; the key says who.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TeamMember {}

impl Record for TeamMember {
    const KIND: &'static str = "team-member";
}

/// A team that every tenant has and nobody can remove. It is no record: its id comes of the tenant,
/// and only its members are kept.
#[derive(Clone, Debug)]
pub struct DefaultTeam {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: &'static str,
    /// Its code.
    pub code: &'static str,
    /// What it is for.
    pub desc: &'static str,
    /// What it may do.
    pub grants: Grants,
}

/// The default teams of a tenant.
pub fn default_teams(tenant_id: TenantId) -> [DefaultTeam; 4] {
    let team =
        |code: &'static str, name: &'static str, desc: &'static str, path: &str, level: Level| {
            DefaultTeam {
                id: TeamId::derived(&["default team", &tenant_id.to_string(), code]),
                name,
                code,
                desc,
                grants: Grants {
                    perms: [(path.to_owned(), level)].into(),
                    objects: [("cluster".to_owned(), vec!["*".to_owned()])].into(),
                },
            }
        };
    [
        team(
            "default-customer-admin",
            "Customer Administrators",
            "Everything, the deletion of users too",
            "cluster/reseller/customer",
            Level::Write,
        ),
        team(
            "default-domain-admin",
            "Domain Administrators",
            "Everything but the deletion of users",
            DOMAIN_PATH,
            Level::Write,
        ),
        team(
            "default-app-store",
            "App Store Editors",
            "The app store, its items, groups and devices",
            APP_STORE_PATH,
            Level::Write,
        ),
        team(
            "default-viewer",
            "Viewers",
            "Looking at everything, changing nothing",
            DOMAIN_PATH,
            Level::Read,
        ),
    ]
}

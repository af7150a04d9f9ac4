//! Who is calling, as it was established from a credential.

use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::base::rights::{self, Right, Rights, Role, Scopes};
use crate::base::secret::SecretHash;
use crate::model::people::team::Access;
use crate::model::people::user::Owner;

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
        /// The app, whose app record the operation has to look for: an app that was deleted has
        /// keys still.
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
    pub tenant_id: TenantId,
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
            self.rights.contains(role.rights())
                && (*role != Role::ResellerAdmin || self.owner.roles.contains(role))
        };
        Role::ALL.iter().copied().filter(may).collect()
    }

    /// Refuses to touch somebody who may do what the caller may not: whoever sets his password
    /// would be him.
    ///
    /// # Errors
    /// Forbidden.
    pub fn outranks(&self, other: &Owner, teams: &Access) -> Result<(), Error> {
        let above = other.roles.contains(&Role::ResellerAdmin)
            && !self.owner.roles.contains(&Role::ResellerAdmin);
        if !above && self.rights.contains(teams.rights_of(self.tenant_id, other)) {
            return Ok(());
        }
        let theirs = teams.rights_of(self.tenant_id, other);
        Err(Error::forbidden(if self.rights.contains(theirs) {
            format!(
                "This user has the role {}, which the caller lacks",
                Role::ResellerAdmin.as_str()
            )
        } else {
            format!(
                "This user holds rights that the caller lacks: {}",
                rights::lacking(self.rights, theirs)
            )
        }))
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

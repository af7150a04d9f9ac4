//! Teams: what their members may do beyond their roles (003 chapter 9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::access::{DOMAIN_PATH, Level, Right, Rights};
use crate::clock::Timestamp;
use crate::domain::text::{Description, Label, Name};
use crate::domain::user::Owner;
use crate::id::{Handle, TeamId};
use crate::records::Record;

/// What a team may do (003 9.2.2): levels of permission by path, and the business objects that they are for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// By path: what the team may do there and below, until a deeper path says otherwise.
    pub perms: BTreeMap<String, Level>,
    /// By path: the objects that the team is for there and below. Without any the team is for nothing.
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
    /// The rights that they give. Objects of other tenants never get into a team, so that whatever is named is ours.
    pub fn rights(&self) -> Rights {
        let mut rights = Vec::new();
        for right in Right::ALL {
            let (path, level) = right.permission_path();
            let permitted = nearest(&self.perms, path).is_some_and(|have| *have >= level);
            if permitted && nearest(&self.objects, path).is_some_and(|objects| !objects.is_empty()) {
                rights.push(right);
            }
        }
        Rights::of(&rights)
    }
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

/// Most teams of a tenant beside the default ones: their grants are read with every credential.
pub const TEAMS_LIMIT: usize = 200;
/// Most paths of one team, permissions and business objects each.
pub const PATHS_LIMIT: usize = 40;

impl Access {
    /// What a team gives; nothing where there is no such team.
    pub fn of_team(&self, handle: Handle, team: &TeamId) -> Rights {
        match (self.teams.get(team), default_teams(handle).into_iter().find(|default| default.id == *team)) {
            (Some(grants), _) => grants.rights(),
            (None, Some(default)) => default.grants.rights(),
            (None, None) => Rights::NONE,
        }
    }

    /// What a user may do by roles and teams.
    pub fn rights_of(&self, handle: Handle, owner: &Owner) -> Rights {
        let by_roles = owner.roles.iter().fold(Rights::NONE, |rights, role| rights.and(role.rights()));
        owner.teams.iter().fold(by_roles, |rights, team| rights.and(self.of_team(handle, team)))
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

/// A team that every tenant has and nobody can remove. It is no record: its id comes of the tenant, and only its members
/// are kept.
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

const APP_STORE_PATH: &str = "cluster/reseller/customer/domain/admin/app-store";

/// The default teams of a tenant.
pub fn default_teams(handle: Handle) -> [DefaultTeam; 4] {
    let team = |code: &'static str, name: &'static str, desc: &'static str, path: &str, level: Level| DefaultTeam {
        id: TeamId::derived(&["default team", &handle.to_string(), code]),
        name,
        code,
        desc,
        grants: Grants { perms: [(path.to_owned(), level)].into(), objects: [("cluster".to_owned(), vec!["*".to_owned()])].into() },
    };
    [
        team("default-customer-admin", "Customer Administrators", "Everything, the deletion of users too", "cluster/reseller/customer", Level::Write),
        team("default-domain-admin", "Domain Administrators", "Everything but the deletion of users", DOMAIN_PATH, Level::Write),
        team("default-app-store", "App Store Editors", "The app store, its items, groups and devices", APP_STORE_PATH, Level::Write),
        team("default-viewer", "Viewers", "Looking at everything, changing nothing", DOMAIN_PATH, Level::Read),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(perms: &[(&str, Level)], objects: &[(&str, &[&str])]) -> Grants {
        Grants {
            perms: perms.iter().map(|(path, level)| ((*path).to_owned(), *level)).collect(),
            objects: objects.iter().map(|(path, ids)| ((*path).to_owned(), ids.iter().map(|id| (*id).to_owned()).collect())).collect(),
        }
    }

    #[test]
    fn the_nearest_path_decides() {
        // 003 9.2.2's own example.
        let perms = [("cluster/reseller", Level::Read), ("cluster/reseller/customer", Level::Write), (DOMAIN_PATH, Level::Read)];
        let rights = grants(&perms, &[("cluster", &["*"])]).rights();
        assert!(rights.contains(Right::DeleteUsers) && rights.contains(Right::ReadTeams) && !rights.contains(Right::WriteTeams));
        let deeper = grants(&[(DOMAIN_PATH, Level::Write), ("cluster/reseller/customer/domain/admin/app-store", Level::Read)], &[("cluster", &["*"])]).rights();
        assert!(deeper.contains(Right::WriteUsers) && !deeper.contains(Right::DeleteUsers));
        assert!(deeper.contains(Right::ReadStoreItems) && !deeper.contains(Right::WriteStoreItems));
    }

    #[test]
    fn a_team_without_objects_is_for_nothing() {
        assert_eq!(grants(&[("cluster", Level::Write)], &[]).rights(), Rights::NONE);
        assert_eq!(grants(&[("cluster", Level::Write)], &[("cluster", &["*"]), (DOMAIN_PATH, &[])]).rights(), Rights::of(&[Right::DeleteUsers]));
        assert_eq!(grants(&[("cluster", Level::Write)], &[("cluster", &["dev"])]).rights(), Rights::ALL);
        // A path that only begins alike is another one.
        assert_eq!(grants(&[("cluster/reseller/custom", Level::Write)], &[("cluster", &["*"])]).rights(), Rights::NONE);
    }

    #[test]
    fn default_teams_hold_what_they_say() {
        let handle = Handle::of_name("dev");
        let [customer, domain, store, viewer] = default_teams(handle).map(|team| team.grants.rights());
        assert_eq!(customer, Rights::ALL);
        assert_eq!(domain, Rights::ALL.without(Right::DeleteUsers));
        assert!(store.contains(Right::WriteDevices) && !store.contains(Right::ReadUsers));
        assert!(viewer.contains(Right::ReadUsers) && !viewer.contains(Right::WriteStore));
        assert_ne!(default_teams(handle)[0].id, default_teams(Handle::of_name("other"))[0].id);
    }
}

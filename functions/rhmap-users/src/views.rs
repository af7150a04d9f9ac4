//! How users are printed: the documents' fields and those of the real platform's answers (003 10.3
//! to 10.6).

use std::collections::BTreeMap;

use serde::Serialize;
use shared::base::clock::Timestamp;
use shared::base::id::Guid;
use shared::base::rights::{Level, Rights, Role};
use shared::domain::people::team::TeamDetails;
use shared::http::dialect::rhmap::views::TeamView;
use shared::model::people::user::User;

/// A user's fields. `teams` is `None` where it was not looked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fields {
    username: String,
    email: String,
    name: String,
    enabled: bool,
    blacklisted: bool,
    activated: bool,
    roles: Vec<&'static str>,
    authpolicies: Vec<Guid>,
    store_item_groups: Vec<Guid>,
    last_login: String,
    sys_created: String,
    prefs: BTreeMap<String, String>,
    business_object: &'static str,
    default_domain: &'static str,
    tenant: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<Vec<TeamView>>,
}

impl Fields {
    fn of(user: &User, last_login: Option<Timestamp>) -> Self {
        Self {
            username: user.owner.username.clone(),
            email: user.owner.email.clone(),
            name: user.name.clone(),
            enabled: user.owner.enabled,
            blacklisted: user.owner.blacklisted,
            activated: user.activated,
            roles: user
                .owner
                .roles
                .iter()
                .map(|role: &Role| role.as_str())
                .collect(),
            authpolicies: user.policies.clone(),
            store_item_groups: user.owner.groups.clone(),
            last_login: last_login.map(Timestamp::plain).unwrap_or_default(),
            sys_created: user.created.colon_millis(),
            prefs: user.prefs.clone(),
            business_object: "cluster/reseller/customer/domain/admin/user",
            default_domain: "",
            tenant: "",
            teams: None,
        }
    }
}

/// A user as every answer has him.
#[derive(Serialize)]
pub struct UserView {
    guid: Guid,
    #[serde(rename = "type")]
    kind: &'static str,
    fields: Fields,
}

impl UserView {
    /// That user; `last_login` is `None` for one who never signed in.
    pub fn of(user: &User, last_login: Option<Timestamp>) -> Self {
        Self {
            guid: user.owner.user.clone(),
            kind: "ten_User",
            fields: Fields::of(user, last_login),
        }
    }

    /// With the teams that he is in, where he is in any.
    pub fn teams(mut self, teams: Vec<TeamDetails>) -> Self {
        self.fields.teams =
            (!teams.is_empty()).then(|| teams.into_iter().map(TeamView::of).collect());
        self
    }
}

/// A user as `create` answers him.
#[derive(Serialize)]
pub struct CreatedView {
    username: String,
    #[serde(flatten)]
    user: UserView,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

impl CreatedView {
    /// That user, with a warning where his invitation was not mailed.
    pub fn of(user: &User, warning: Option<&'static str>) -> Self {
        Self {
            username: user.owner.username.clone(),
            user: UserView::of(user, None),
            warning,
        }
    }
}

/// A user as `update` answers him.
#[derive(Serialize)]
pub struct UpdatedView {
    #[serde(flatten)]
    user: UserView,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

impl UpdatedView {
    /// That user, with a warning where his link was not mailed.
    pub fn of(user: UserView, warning: Option<&'static str>) -> Self {
        Self { user, warning }
    }
}

/// What a user may do at a path.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionView {
    business_object: &'static str,
    access: Level,
}

/// A user as `read` answers him: what the real platform put beside the fields (003 10.5).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadView {
    #[serde(flatten)]
    user: UserView,
    roles: Vec<&'static str>,
    authpolicies: Vec<Guid>,
    groups: Vec<Guid>,
    store_item_groups: Vec<Guid>,
    teams: Vec<TeamView>,
    permissions: Vec<PermissionView>,
    customer_roles: [(); 0],
    reseller_roles: [(); 0],
}

impl ReadView {
    /// That user with his teams and what he may do.
    pub fn of(
        user: &User,
        last_login: Option<Timestamp>,
        teams: Vec<TeamDetails>,
        rights: Rights,
    ) -> Self {
        let mut levels: BTreeMap<&'static str, Level> = BTreeMap::new();
        for right in rights.iter() {
            let (path, level) = right.permission_path();
            let have = levels.entry(path).or_insert(level);
            *have = (*have).max(level);
        }
        Self {
            roles: user.owner.roles.iter().map(|role| role.as_str()).collect(),
            authpolicies: user.policies.clone(),
            groups: user.owner.groups.clone(),
            store_item_groups: user.owner.groups.clone(),
            teams: teams.iter().cloned().map(TeamView::of).collect(),
            permissions: levels
                .into_iter()
                .map(|(business_object, access)| PermissionView {
                    business_object,
                    access,
                })
                .collect(),
            customer_roles: [],
            reseller_roles: [],
            user: UserView::of(user, last_login).teams(teams),
        }
    }
}

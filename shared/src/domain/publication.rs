//! What an app's publishers say of it beyond its card: everything that the publisher API keeps and lists do not show.

use serde::{Deserialize, Serialize};

use crate::domain::text::Name;
use crate::id::AppId;
use crate::records::Record;

/// What publishers say of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The name that people see; without one it is the app's name.
    pub display_name: Option<Name>,
    /// The version before this one, which it was made of.
    pub previous: Option<AppId>,
    /// Whether it is the one that the store offers of its versions.
    pub default_version: bool,
    /// The groups by which a gateway decides who may reach a web app.
    pub policy_groups: Vec<PolicyGroup>,
    /// What of a web app each group is for.
    pub uri_templates: Vec<UriTemplate>,
}

impl Record for Publication {
    const KIND: &'static str = "publication";
}

/// Who may reach a part of a web app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyGroup {
    /// Its number.
    pub id: u32,
    /// Its name, one of its kind in the app.
    pub name: String,
    /// What it is.
    pub description: String,
    /// How much may be asked for.
    pub throttling_tier: String,
    /// The roles that get in; none means every role.
    pub user_roles: Vec<String>,
    /// The policy partials that must permit.
    pub partials: Vec<u32>,
    /// Whether nobody in particular gets in.
    pub allow_anonymous: bool,
}

/// A part of a web app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UriTemplate {
    /// Its number.
    pub id: u32,
    /// Its paths below the context, `*` at the end for all that begin so.
    pub url_pattern: String,
    /// Its method.
    pub http_verb: String,
    /// The number of its policy group.
    pub policy_group: u32,
}

//! What the publisher API keeps of an app.

use serde::{Deserialize, Serialize};

use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType};
use crate::base::text::Name;
use crate::store::record::Record;

/// What publishers say of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Publication {
    /// The name that people see; without one it is the app's name.
    pub display_name: Option<Name>,
    /// The version before this one, which it was made of.
    pub previous: Option<AppId>,
    /// Whether it is the one that the store offers of its versions.
    pub default_version: bool,
    /// What a mobile app runs on; without it, what its binary says.
    pub platform: Option<Platform>,
    /// Where a mobile app is got.
    pub market: Option<Market>,
    /// The package of a mobile app that another store has.
    pub package: String,
    /// The version of that package, or of the page.
    pub package_version: String,
    /// The page that a mobile app of the platform `webapp` is.
    pub web_url: String,
    /// A word of its publisher's for what it is about.
    pub category: String,
    /// The file of its banner.
    pub banner: Option<String>,
    /// The file of its picture in lists.
    pub thumbnail: Option<String>,
    /// The files of its screenshots, in order.
    pub screenshots: Vec<String>,
    /// What is new in it.
    pub recent_changes: String,
    /// Its publisher's word for what it is.
    pub app_type: String,
    /// Its media type.
    pub media_type: String,
    /// Where a web app is behind its gateway.
    pub app_url: String,
    /// By what a gateway serves it: `http`, `https`, or both with a comma.
    pub transport: String,
    /// Where one signs out of a web app.
    pub logout_url: String,
    /// Where a web app takes assertions of who somebody is.
    pub acs_url: String,
    /// What a web app's pages are counted under.
    pub tracking_code: String,
    /// Whether a web app is reached past the gateway.
    pub skip_gateway: bool,
    /// Whether nobody in particular gets into a web app.
    pub allow_anonymous: bool,
    /// Whether its gateway is to be made known to the identity server.
    pub service_provider: bool,
    /// The tenants that see it.
    pub visible_tenants: Vec<String>,
    /// The claims about its users that it gets.
    pub claims: Vec<String>,
    /// The definition of a web app's interface.
    pub app_definition: String,
    /// What else its publishers keep of it.
    pub custom_properties: Vec<CustomProperty>,
    /// The groups by which a gateway decides who may reach a web app.
    pub policy_groups: Vec<PolicyGroup>,
    /// What of a web app each group is for.
    pub uri_templates: Vec<UriTemplate>,
}

impl Publication {
    /// The files of its pictures, once for each place that shows one.
    pub fn pictures(&self) -> Vec<String> {
        self.banner
            .iter()
            .chain(&self.thumbnail)
            .chain(&self.screenshots)
            .cloned()
            .collect()
    }

    /// The policy partials that its policy groups are mapped to, each once.
    pub fn partials(&self) -> Vec<u32> {
        let mut partials: Vec<u32> = self
            .policy_groups
            .iter()
            .flat_map(|group| group.partials.iter().copied())
            .collect();
        partials.sort_unstable();
        partials.dedup();
        partials
    }
}

/// What a mobile app runs on.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_platform)]
pub enum Platform {
    /// Android.
    Android,
    /// iOS.
    Ios,
    /// A page in a browser.
    Webapp,
}

impl Platform {
    /// The document's word. It is read in any case.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What a binary of that type runs on.
    pub fn of(kind: BinaryType) -> Self {
        if kind == BinaryType::Android {
            Self::Android
        } else {
            Self::Ios
        }
    }
}

fn unknown_platform(_: &str) -> Error {
    Error::invalid("platform is android, ios or webapp")
}

/// Where a mobile app is got.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_market)]
pub enum Market {
    /// From this store.
    Enterprise,
    /// From another store, which has it under its package.
    Public,
    /// From its address.
    Webapp,
}

impl Market {
    /// The document's word. It is read in any case.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn unknown_market(_: &str) -> Error {
    Error::invalid("marketType is enterprise, public or webapp")
}

/// Something that an app's publishers keep of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomProperty {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
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

/// Whose a provider, name and version are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VersionClaim {
    /// The app.
    pub app: AppId,
}

impl Record for VersionClaim {
    const KIND: &'static str = "version-claim";
}

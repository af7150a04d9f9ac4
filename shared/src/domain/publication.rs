//! What an app's publishers say of it beyond its card: everything that the publisher API keeps and
//! lists do not show.

use serde::{Deserialize, Serialize};

use crate::domain::app::AppCard;
use crate::domain::catalogue::{AppKind, Listing};
use crate::domain::text::Name;
use crate::error::Error;
use crate::id::{AppId, AppRef, BinaryType, Handle};
use crate::records::{Reader, Record, Stored};
use crate::store::{Key, keys};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Android.
    Android,
    /// iOS.
    Ios,
    /// A page in a browser.
    Webapp,
}

impl Platform {
    /// The document's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Webapp => "webapp",
        }
    }

    /// What a binary of that type runs on.
    pub fn of(kind: BinaryType) -> Self {
        if kind == BinaryType::Android {
            Self::Android
        } else {
            Self::Ios
        }
    }

    /// The platform of that word.
    ///
    /// # Errors
    /// Invalid for any other.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let found = [Self::Android, Self::Ios, Self::Webapp]
            .into_iter()
            .find(|platform| platform.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Error::invalid("platform is android, ios or webapp"))
    }
}

/// Where a mobile app is got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Market {
    /// From this store.
    Enterprise,
    /// From another store, which has it under its package.
    Public,
    /// From its address.
    Webapp,
}

impl Market {
    /// The document's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
            Self::Public => "public",
            Self::Webapp => "webapp",
        }
    }

    /// The market of that word.
    ///
    /// # Errors
    /// Invalid for any other.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let found = [Self::Enterprise, Self::Public, Self::Webapp]
            .into_iter()
            .find(|market| market.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Error::invalid("marketType is enterprise, public or webapp"))
    }
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

/// An app as a path names it (001 "appId").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its id, in any of its spellings.
    Id(AppId),
    /// By an id that nothing here answers to.
    Foreign,
    /// By provider, name and version, joined by hyphens.
    Joined(String),
}

impl Named {
    /// Reads what a path says. Clients of the original write `-AT-` for the `@` of a provider.
    ///
    /// # Errors
    /// Invalid for what is neither an id nor joined of three texts.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.parse::<AppRef>() {
            Ok(AppRef::Ours(id)) => return Ok(Self::Id(id)),
            Ok(AppRef::Foreign) => return Ok(Self::Foreign),
            Err(_) => {}
        }
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        if groups == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()) {
            return Ok(Self::Foreign);
        }
        let parts = text.split('-').filter(|part| !part.is_empty()).count();
        if parts < 3 || text.chars().count() > 1_000 || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                "appId is the id of an app, or its provider, name and version joined by hyphens",
            ));
        }
        Ok(Self::Joined(joined(text)))
    }

    /// What reading the app asks, as far as the text alone says it: for a plan.
    pub fn keys(&self, handle: Handle, listing: Listing) -> Vec<Key> {
        match self {
            Self::Id(id) => vec![keys::app_card(handle, *id), keys::publication(handle, *id)],
            Self::Foreign => Vec::new(),
            Self::Joined(text) => vec![keys::version_claim(handle, claimed_among(listing), text)],
        }
    }
}

/// A provider, name and version as they are claimed.
pub fn joined(text: &str) -> String {
    text.replace("-AT-", "@")
}

/// The list among whose apps one of that list claims its names: what a site claims it claims among
/// web apps.
pub fn claimed_among(listing: Listing) -> Listing {
    if listing == Listing::Site {
        Listing::Web
    } else {
        listing
    }
}

fn unknown() -> Error {
    Error::not_found("There is no such app")
}

/// The id of the app that a path names: that of its binary, where the path names one.
///
/// # Errors
/// Invalid as [`Named::parse`]; not found; the store's.
pub async fn locate(
    reader: &mut Reader<'_>,
    handle: Handle,
    listing: Listing,
    text: &str,
) -> Result<AppId, Error> {
    let joined = match Named::parse(text)? {
        Named::Id(id) => return Ok(id),
        // 24 characters that are no id of ours may be a joined name.
        Named::Foreign => joined(text),
        Named::Joined(joined) => joined,
    };
    let claim: Option<Stored<VersionClaim>> = reader
        .get(&keys::version_claim(
            handle,
            claimed_among(listing),
            &joined,
        ))
        .await?;
    Ok(claim.ok_or_else(unknown)?.value.app)
}

/// The card of an app of that list. An id that names a binary names it as long as the binary is
/// there.
///
/// # Errors
/// Not found for an unknown app and for one of another list; the store's.
pub async fn card(
    reader: &mut Reader<'_>,
    handle: Handle,
    listing: Listing,
    id: AppId,
) -> Result<Stored<AppCard>, Error> {
    let found: Stored<AppCard> = reader
        .get(&keys::app_card(handle, id))
        .await?
        .ok_or_else(unknown)?;
    let there = id
        .kind()
        .is_none_or(|kind| found.value.binary(kind).is_some());
    if there && listing.holds(found.value.kind) {
        Ok(found)
    } else {
        Err(unknown())
    }
}

/// The id under which the publisher API shows an app that was named by `id`: that of its first
/// binary, where it has one and `id` names none.
pub fn shown_id(card: &AppCard, id: AppId) -> AppId {
    match (id.kind(), card.binaries.first()) {
        (None, Some(binary)) if card.kind == AppKind::Mobile => card.id.binary(binary.kind),
        _ => id,
    }
}

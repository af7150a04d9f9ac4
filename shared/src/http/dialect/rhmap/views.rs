//! Views that more than one function of RHMAP prints.

use crate::http::addresses;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::id::{BinaryType, Guid, TeamId};
use crate::base::rights::Level;
use crate::domain::apps::app::Details;
use crate::domain::apps::store_front::StoreDetails;
use crate::domain::people::team;
use crate::model::apps::app::{App, Binary, BinarySummary};

/// A store item (003 2.6.4, 2.10 to 2.17). The fields after `groups` were in the real platform's
/// answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemView {
    guid: String,
    name: String,
    description: String,
    auth_token: String,
    icon: String,
    binaries: Vec<BinaryView>,
    authpolicies: Vec<Guid>,
    restrict_to_groups: bool,
    groups: Vec<Guid>,
    notes: &'static str,
    requirements: &'static str,
    screenshots: [(); 0],
    support: BTreeMap<(), ()>,
    version: String,
    whats_new: &'static str,
    #[serde(rename = "inStore")]
    in_store: bool,
}

/// A binary (003 2.6.5.1). `package` is our own: what was read from the live version; only `read`
/// has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BinaryView {
    config: BTreeMap<String, String>,
    guid: String,
    store_item_binary_version: u32,
    sys_modified: String,
    #[serde(rename = "type")]
    kind: BinaryType,
    url: String,
    versions: Vec<VersionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<PackageView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionView {
    config: BTreeMap<String, String>,
    destination_code: BinaryType,
    store_item_binary_guid: String,
    store_item_binary_modified: String,
    store_item_binary_version: u32,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<PackageView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PackageView {
    file_name: String,
    size: u64,
    sha256: String,
    uploaded_by: Guid,
    uploaded: String,
    #[serde(flatten)]
    read: serde_json::Value,
}

fn package(binary: Option<&Binary>, number: u32) -> Option<PackageView> {
    let version = binary?.version(number)?;
    Some(PackageView {
        file_name: version.file_name.clone(),
        size: version.size,
        sha256: version.sha256.clone(),
        uploaded_by: version.by.clone(),
        uploaded: version.at.rfc3339(),
        read: version.shown_package(),
    })
}

fn binary_view(
    app: &App,
    binary: &BinarySummary,
    whole: Option<&Binary>,
    base: &str,
) -> BinaryView {
    let guid = app.id.binary(binary.kind).guid();
    let config = binary.shown_config();
    let old = binary
        .versions
        .iter()
        .filter(|version| version.number != binary.live);
    let versions = old.map(|version| VersionView {
        config: config.clone(),
        destination_code: binary.kind,
        store_item_binary_guid: guid.clone(),
        store_item_binary_modified: version.at.java(),
        store_item_binary_version: version.number,
        url: addresses::install_version(base, version.guid.as_str()),
        package: package(whole, version.number),
    });
    BinaryView {
        store_item_binary_version: binary.live,
        sys_modified: binary.modified.java(),
        kind: binary.kind,
        url: addresses::install(base, &guid),
        versions: versions.collect(),
        package: package(whole, binary.live),
        config,
        guid,
    }
}

impl ItemView {
    /// An item as lists show it.
    pub fn of_app(app: &App, icon: String, base: &str) -> Self {
        Self::new(app, icon, base, |_| None)
    }

    /// An item with what was read from its binaries.
    pub fn of_details(details: &Details, base: &str) -> Self {
        let whole = |kind| {
            details
                .binaries
                .iter()
                .find(|(have, _)| *have == kind)
                .map(|(_, binary)| &binary.value)
        };
        Self::new(&details.app.value, details.icon.clone(), base, whole)
    }

    fn new<'a>(
        app: &App,
        icon: String,
        base: &str,
        whole: impl Fn(BinaryType) -> Option<&'a Binary>,
    ) -> Self {
        Self {
            guid: app.id.guid(),
            name: app.name.to_string(),
            description: app.description.to_string(),
            auth_token: app.auth_token.to_string(),
            icon,
            binaries: app
                .binaries
                .iter()
                .map(|binary| binary_view(app, binary, whole(binary.kind), base))
                .collect(),
            authpolicies: app.policies.clone(),
            restrict_to_groups: app.restrict_to_groups,
            groups: app.groups.clone(),
            notes: "",
            requirements: "",
            screenshots: [],
            support: BTreeMap::new(),
            version: String::new(),
            whats_new: "",
            in_store: app.in_store(),
        }
    }
}

/// An item alone and in a list of one, as the documents print some answers and the real platform
/// gave the others (003 2.15 to 2.17, 2.20, 2.21).
#[derive(Serialize)]
pub struct ItemAndList<'a> {
    #[serde(flatten)]
    item: &'a ItemView,
    list: [&'a ItemView; 1],
}

impl<'a> ItemAndList<'a> {
    /// Both forms of that item.
    pub fn of(item: &'a ItemView) -> Self {
        Self { item, list: [item] }
    }
}

/// A list of items, with where to go on.
#[derive(Serialize)]
pub struct ItemList {
    /// The items.
    pub list: Vec<ItemView>,
    /// How many they are.
    pub count: usize,
    /// What to send as `cursor` for the next ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The store (003 2.1, 2.2, 2.5).
#[derive(Serialize)]
pub struct StoreView {
    guid: Guid,
    name: String,
    description: String,
    icon: String,
    storeitems: Vec<String>,
    authpolicies: Vec<Guid>,
}

impl StoreView {
    /// The store with its icon and items.
    pub fn of(whole: &StoreDetails) -> Self {
        let store = &whole.store.value;
        Self {
            guid: store.guid.clone(),
            name: store.name.to_string(),
            description: store.description.to_string(),
            icon: whole.icon.clone(),
            storeitems: whole.items.iter().map(|id| id.guid()).collect(),
            authpolicies: store.policies.clone(),
        }
    }
}

/// A team (003 9.2.2); `bosLabel` and `created` were in the real platform's answers.
#[derive(Serialize)]
pub struct TeamView {
    #[serde(rename = "_id")]
    id: TeamId,
    code: String,
    created: String,
    desc: String,
    name: String,
    updated: String,
    #[serde(rename = "bosLabel")]
    bos_label: &'static str,
    #[serde(rename = "business-objects")]
    business_objects: BTreeMap<String, Vec<String>>,
    users: Vec<Guid>,
    perms: BTreeMap<String, Level>,
    #[serde(rename = "defaultTeam")]
    default_team: bool,
}

impl TeamView {
    /// A team with its members.
    pub fn of(whole: team::TeamDetails) -> Self {
        let team::TeamDetails {
            team,
            is_default,
            users,
        } = whole;
        Self {
            id: team.id,
            code: team.code.to_string(),
            created: team.created.0.to_string(),
            desc: team.desc.to_string(),
            name: team.name.to_string(),
            updated: team.updated.0.to_string(),
            bos_label: "default",
            business_objects: team.grants.objects,
            users,
            perms: team.grants.perms,
            default_team: is_default,
        }
    }
}

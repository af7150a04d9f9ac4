//! Apps, the binaries with their kept versions, and the icon.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{AppId, BinaryType, Guid};
use crate::base::kind::AppKind;
use crate::base::text::{Description, Label, Name};
use crate::model::apps::life_cycle::LifeCycleState;
use crate::model::apps::processing::{Build, Processing, ProcessingSummary};
use crate::model::people::user::Owner;
use crate::store::record::Record;

/// How far apart the numbers of items are: the number of each type of binary fits between.
pub const NUMERIC_ID_STEP: u32 = 8;

/// That a number is an app's; see [`App::psk`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NumericId {
    /// The app.
    pub app: AppId,
}

impl Record for NumericId {
    const KIND: &'static str = "psk";
}

/// Most groups of an item: deleting the item undoes all of them in one transaction.
pub const MAX_GROUPS: usize = 30;

/// Most auth policies of an item or of the store.
pub const MAX_POLICIES: usize = 50;

/// Old versions that are kept beside the live one (003 2.6.5.1).
pub const OLD_VERSIONS: usize = 4;

/// An app as lists show it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: Name,
    /// What it is.
    pub description: Description,
    /// The token by which the app tells itself to `$fh.auth`.
    pub auth_token: Label,
    /// Whether only users in one of its groups see it.
    pub restrict_to_groups: bool,
    /// Its groups.
    pub groups: Vec<Guid>,
    /// The policies by which its users must have signed in; empty means any.
    pub policies: Vec<Guid>,
    /// Where it stands in its life cycle; *Published* is in the store.
    pub state: LifeCycleState,
    /// What kind of app it is.
    pub kind: AppKind,
    /// The bucket of its rows in the catalogue.
    pub bucket: u32,
    /// The number under which the Apperian API knows it, a multiple of [`NUMERIC_ID_STEP`]: its
    /// binaries have the numbers after it.
    #[serde(rename = "psk")]
    pub numeric_id: u32,
    /// The name of who made it, as it was then: the publisher API's `provider`.
    pub provider: String,
    /// The name that it claimed in the publisher API; nothing for apps of other dialects.
    pub publisher_name: Option<Name>,
    /// The version that the publisher API gave it; empty for apps of other dialects.
    pub version: String,
    /// Where a gateway serves it, for web apps.
    pub context: Option<String>,
    /// Its business owner.
    pub business_owner: Option<u32>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its binaries, at most one of each type.
    pub binaries: Vec<BinarySummary>,
    /// Who made it: a user who owns apps cannot be deleted (003 10.4).
    pub owner: Guid,
    /// Since when.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
}

impl Record for App {
    const KIND: &'static str = "app";
}

impl App {
    /// A new app record of that kind and name, in no state but the first, with nothing on it.
    pub fn new(owner: &Owner, id: AppId, kind: AppKind, name: Name, now: Timestamp) -> Self {
        Self {
            id,
            name,
            description: Description::default(),
            auth_token: Label::default(),
            restrict_to_groups: false,
            groups: Vec::new(),
            policies: Vec::new(),
            state: LifeCycleState::Created,
            kind,
            bucket: 0,
            numeric_id: 0,
            provider: owner.username.clone(),
            publisher_name: None,
            version: String::new(),
            context: None,
            business_owner: None,
            tags: Vec::new(),
            binaries: Vec::new(),
            owner: owner.user.clone(),
            created: now,
            modified: now,
        }
    }

    /// Whether it is in the store.
    pub fn in_store(&self) -> bool {
        self.state == LifeCycleState::Published
    }

    /// The name by which the publisher API knows it.
    pub fn listed_name(&self) -> &str {
        self.publisher_name.as_ref().unwrap_or(&self.name).as_str()
    }

    /// Its version in the publisher API: the one that was given there, else what was read from the
    /// binary that the id names; empty where there is none.
    pub fn listed_version(&self, id: AppId) -> String {
        let binary = id
            .kind()
            .and_then(|kind| self.binary(kind))
            .or_else(|| self.binaries.first());
        let read = || {
            binary
                .and_then(BinarySummary::live_version)
                .map(|version| version.version_name.clone())
                .unwrap_or_default()
        };
        if self.version.is_empty() {
            read()
        } else {
            self.version.clone()
        }
    }

    /// The binary of that type.
    pub fn binary(&self, kind: BinaryType) -> Option<&BinarySummary> {
        self.binaries.iter().find(|binary| binary.kind == kind)
    }
}

/// A binary as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinarySummary {
    /// Its type.
    pub kind: BinaryType,
    /// The number of the live version.
    pub live: u32,
    /// The identifier that was read: an Android package's id or an iOS bundle's.
    pub identifier: String,
    /// When it changed.
    pub modified: Timestamp,
    /// What an administrator keeps beside it (003 2.18).
    pub config: BTreeMap<String, String>,
    /// The kept versions, newest first, the live one among them.
    pub versions: Vec<VersionSummary>,
}

impl BinarySummary {
    /// The live version.
    pub fn live_version(&self) -> Option<&VersionSummary> {
        self.versions
            .iter()
            .find(|version| version.number == self.live)
    }

    /// The configuration as clients read it: for iOS the bundle id is in it, set or read.
    pub fn shown_config(&self) -> BTreeMap<String, String> {
        let mut config = self.config.clone();
        if self.kind != BinaryType::Android {
            config
                .entry("bundle_id".to_owned())
                .or_insert_with(|| self.identifier.clone());
        }
        config
    }
}

/// A kept version as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSummary {
    /// Its number, from 1.
    pub number: u32,
    /// Its own guid.
    pub guid: Guid,
    /// When it was uploaded.
    pub at: Timestamp,
    /// The version's name that was read.
    pub version_name: String,
    /// The name of the uploaded file that it came from, where it was uploaded on its own.
    pub file: Option<String>,
    /// Where the work on it stands; nothing for a version that nobody wanted changed or signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "work")]
    pub processing: Option<ProcessingSummary>,
}

impl VersionSummary {
    /// The name of its file in the publisher API: that of the upload that became this version and
    /// no other, else its own guid with the extension of its type.
    pub fn shown_file(&self, kind: BinaryType) -> String {
        self.file
            .clone()
            .unwrap_or_else(|| format!("{}.{}", self.guid, kind.extension()))
    }
}

/// The kept versions of a binary with all that was read from them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Binary {
    /// The number that the next upload gets.
    pub next: u32,
    /// The kept versions, newest first.
    pub versions: Vec<Version>,
}

impl Record for Binary {
    const KIND: &'static str = "binary";
}

impl Binary {
    /// The version of that number.
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }
}

/// A version with all that was read from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    /// Its number, from 1.
    pub number: u32,
    /// Its own guid.
    pub guid: Guid,
    /// The upload that brought it: a second delivery of its event attaches nothing.
    pub upload: Guid,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was uploaded.
    pub at: Timestamp,
    /// Who uploaded it.
    pub by: Guid,
    /// The name of the uploaded file.
    pub file_name: String,
    /// The identifier that was read.
    pub identifier: String,
    /// The version's name that was read.
    pub version_name: String,
    /// The SHA-256 of the signer's certificate, where the signature was verified.
    pub verified_signer: Option<String>,
    /// Everything that was read.
    pub package: serde_json::Value,
    /// The policies and the signature that it was given here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "work")]
    pub processing: Option<Box<Processing>>,
}

impl Version {
    /// What was uploaded, whatever is handed out.
    pub fn uploaded(&self) -> Build {
        let original = self
            .processing
            .as_ref()
            .and_then(|processing| processing.original.clone());
        original.unwrap_or_else(|| Build {
            sha256: self.sha256.clone(),
            size: self.size,
        })
    }

    /// Everything that was read from it, with the signature of what is handed out.
    pub fn shown_package(&self) -> serde_json::Value {
        let mut package = self.package.clone();
        if let Some(signer) = self
            .processing
            .as_ref()
            .and_then(|processing| processing.signer.as_ref())
            && let Some(fields) = package.as_object_mut()
        {
            fields.insert(
                "signature".to_owned(),
                serde_json::json!({"certificateSha256": signer}),
            );
        }
        package
    }

    /// The SHA-256 of every object that it counts, once each: what is handed out, and what it was
    /// made of.
    pub fn objects(&self) -> BTreeSet<&str> {
        let made = self
            .processing
            .iter()
            .flat_map(|processing| [processing.original.as_ref(), processing.applied.as_ref()])
            .flatten();
        std::iter::once(self.sha256.as_str())
            .chain(made.map(|build| build.sha256.as_str()))
            .collect()
    }
}

/// An icon: a PNG of at most 128 × 128 and 16 KB, as base64.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Icon {
    /// The picture.
    pub png: String,
    /// Whether it came out of a package; an icon that somebody uploaded is not replaced by one that
    /// did not.
    pub from_package: bool,
}

impl Record for Icon {
    const KIND: &'static str = "icon";
}

/// The guid of a kept version, which leads to its app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VersionAlias {
    /// The app and type.
    pub binary: AppId,
}

impl Record for VersionAlias {
    const KIND: &'static str = "version-alias";
}

/// The counter of the apps that a user owns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnedApps {}

impl Record for OwnedApps {
    const KIND: &'static str = "owned-apps";
}

//! Texts of an app that the Apperian API knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::id::{BinaryType, Guid};
use crate::base::text::Text;
use crate::model::apps::app::{App, VersionSummary};
use crate::store::record::Record;

/// Longest short description, in characters.
pub const MAX_SHORT: usize = 100;

/// Where an app stands among others, if nobody said it.
const SORT_WEIGHT: i32 = 1_000;

/// Who wrote an app.
pub type Author = Text<150, true>;

/// A long description.
pub type LongDescription = Text<10_000, true>;

/// What is to be said of a version.
pub type VersionNote = Text<4_096, true>;

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the document's own names")]
pub enum FormFactor {
    Phones,
    Tablets,
}

/// What is said of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VersionText {
    /// Its name; without one the name that was read from the package.
    pub num: Option<String>,
    /// What is to be said of it.
    pub note: Option<VersionNote>,
}

/// What is said of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppText {
    /// Who wrote it; without one it is who made the app here.
    pub author: Option<Author>,
    /// What it is, at length; without it the app record's description.
    pub long_description: Option<LongDescription>,
    /// Where it stands among others.
    pub sort_weight: i32,
    /// Whether its users may judge it.
    pub reviews_enabled: bool,
    /// The devices that it is for, whatever its package says; none for what that says.
    pub form_factors: Vec<FormFactor>,
    /// What its clients keep with it.
    pub custom_metadata: Value,
    /// What is said of its kept versions, by their guids.
    pub versions: BTreeMap<Guid, VersionText>,
}

impl Default for AppText {
    fn default() -> Self {
        Self {
            author: None,
            long_description: None,
            sort_weight: SORT_WEIGHT,
            reviews_enabled: true,
            form_factors: Vec::new(),
            custom_metadata: Value::Null,
            versions: BTreeMap::new(),
        }
    }
}

impl Record for AppText {
    const KIND: &'static str = "app-text";
}

/// The beginning of a text, `most` characters of it.
pub(crate) fn beginning(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

impl AppText {
    /// Who wrote the app.
    pub fn author<'a>(&'a self, app: &'a App) -> &'a str {
        self.author
            .as_ref()
            .map_or(app.provider.as_str(), Author::as_str)
    }

    /// What the app is, in a line: at most [`MAX_SHORT`] characters of the app record's
    /// description.
    pub fn short_description(app: &App) -> String {
        beginning(app.description.as_str(), MAX_SHORT)
    }

    /// What the app is, at length.
    pub fn long_description<'a>(&'a self, app: &'a App) -> &'a str {
        self.long_description
            .as_ref()
            .map_or(app.description.as_str(), LongDescription::as_str)
    }

    /// The name of a version: the one that was said, else the one that its app has in the publisher
    /// API or that was read.
    pub fn version_num(&self, app: &App, kind: BinaryType, version: &VersionSummary) -> String {
        let said = self
            .versions
            .get(&version.guid)
            .and_then(|text| text.num.clone());
        said.unwrap_or_else(|| {
            let live = app
                .binary(kind)
                .is_some_and(|binary| binary.live == version.number);
            if live {
                app.listed_version(app.id.binary(kind))
            } else {
                version.version_name.clone()
            }
        })
    }

    /// What is to be said of a version: by default its app's name, its day and its name.
    pub fn version_note(&self, app: &App, kind: BinaryType, version: &VersionSummary) -> String {
        match self
            .versions
            .get(&version.guid)
            .and_then(|text| text.note.as_ref())
        {
            Some(note) => note.to_string(),
            None => format!(
                "{} - {} - {}",
                app.name,
                version.at.rfc3339(),
                self.version_num(app, kind, version)
            ),
        }
    }
}

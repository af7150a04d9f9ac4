//! The rows that lists are made of.

use serde::{Deserialize, Serialize};

use crate::base::id::AppId;
use crate::model::apps::life_cycle::LifeCycleState;
use crate::store::record::Record;

/// An app as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueRow {
    /// Its id: that of its binary, where it has one.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Where a gateway serves it, for web apps.
    pub context: Option<String>,
    /// Its version.
    pub version: String,
    /// The name of who made it.
    pub provider: String,
    /// Where it stands.
    pub state: LifeCycleState,
    /// Its business owner.
    pub business_owner: Option<u32>,
    /// Whether it is a site.
    pub site: bool,
    /// Its tags.
    pub tags: Vec<String>,
}

impl Record for CatalogueRow {
    const KIND: &'static str = "row";
}

/// The record of a bucket's count: the item's counter says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bucket {}

impl Record for Bucket {
    const KIND: &'static str = "bucket";
}

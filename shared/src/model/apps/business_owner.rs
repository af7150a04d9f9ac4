//! Business owners of the publisher API.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::conditions::Validators;
use crate::store::record::Record;

/// A business owner. Its item's counter says of how many apps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BusinessOwner {
    /// Its number: 1 to [`MAX_NUMBER`].
    pub id: u32,
    /// Counts its changes from 1. Its item's revision counts the apps that come and go too, and is
    /// no entity tag.
    pub revision: u64,
    /// Its name.
    pub name: String,
    /// Its mail address.
    pub email: String,
    /// What it is.
    pub description: String,
    /// Its page.
    pub site: String,
    /// What else is kept of it.
    pub properties: Vec<Property>,
    /// Since when.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
}

/// Something that is kept of a business owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whether the store shows it.
    pub visible: bool,
}

impl Record for BusinessOwner {
    const KIND: &'static str = "business-owner";
}

impl BusinessOwner {
    /// Its state for conditional requests: that of what it says, whatever apps it has.
    pub fn validators(&self) -> Validators {
        Validators::of_record(&format!("owner-{}", self.id), self.revision, self.modified)
    }
}

/// The claim of a name and mail address together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnerName {
    /// Whose they are.
    pub owner: u32,
}

impl Record for OwnerName {
    const KIND: &'static str = "business-owner-name";
}

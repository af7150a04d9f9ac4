//! Groups and their members.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::Guid;
use crate::base::text::{Description, Name};
use crate::store::record::Record;

/// A group. Its item's counter says how many store items are in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Its guid.
    pub guid: Guid,
    /// Its name, unique in the tenant.
    pub name: Name,
    /// What it is for.
    pub description: Description,
    /// Since when.
    pub created: Timestamp,
}

impl Record for Group {
    const KIND: &'static str = "group";
}

/// The claim of a group's name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupName {
    /// Whose it is.
    pub group: Guid,
}

impl Record for GroupName {
    const KIND: &'static str = "group-name";
}

/// That something is in a group; the key says what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {}

impl Record for Member {
    const KIND: &'static str = "group-member";
}

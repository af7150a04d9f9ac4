//! The store and the items in it.

use serde::{Deserialize, Serialize};

use crate::base::id::Guid;
use crate::base::text::{Description, Name};
use crate::store::record::Record;

/// The store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoreFront {
    /// Its guid.
    pub guid: Guid,
    /// Its name.
    pub name: Name,
    /// What it is.
    pub description: Description,
    /// The policies by which its users sign in.
    pub policies: Vec<Guid>,
}

impl Record for StoreFront {
    const KIND: &'static str = "store";
}

/// That an item is in the store; the key says which.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shelved {}

impl Record for Shelved {
    const KIND: &'static str = "shelved";
}

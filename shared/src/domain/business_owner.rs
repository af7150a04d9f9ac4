//! Business owners: who answers for an app towards the business, under a number.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::Handle;
use crate::records::{Reader, Record, Stored};
use crate::store::{Condition, Write, keys};

/// A business owner. Its item's counter says of how many apps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BusinessOwner {
    /// Its number.
    pub id: u32,
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

/// The writes that make `after` the business owner of an app in place of `before`.
///
/// # Errors
/// Invalid for an unknown one; the store's.
pub async fn assign(reader: &mut Reader<'_>, handle: Handle, before: Option<u32>, after: Option<u32>) -> Result<Vec<Write>, Error> {
    if before == after {
        return Ok(Vec::new());
    }
    if let Some(id) = after
        && reader.get::<BusinessOwner>(&keys::business_owner(handle, id)).await?.is_none()
    {
        return Err(Error::invalid(format!("businessOwnerId: there is no business owner {id}")));
    }
    Ok(before.map(|id| counted(handle, id, -1)).into_iter().chain(after.map(|id| counted(handle, id, 1))).collect())
}

fn counted(handle: Handle, id: u32, by: i64) -> Write {
    Write::Count { key: keys::business_owner(handle, id), kind: BusinessOwner::KIND, by, condition: Condition::Present }
}

/// A business owner.
///
/// # Errors
/// Not found; the store's.
pub async fn find(reader: &mut Reader<'_>, handle: Handle, id: u32) -> Result<Stored<BusinessOwner>, Error> {
    let found = reader.get(&keys::business_owner(handle, id)).await?;
    found.ok_or_else(|| Error::not_found(format!("There is no business owner {id}")))
}

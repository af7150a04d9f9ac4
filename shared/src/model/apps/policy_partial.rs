//! XACML policy partials (001) and where they are used.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::conditions::Validators;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid};
use crate::base::text::Text;
use crate::store::record::Record;

/// A policy partial. Its item's counter says to how many apps it is mapped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Partial {
    /// Its number, 1 to [`MAX_NUMBER`].
    pub id: u32,
    /// Its name, which others may have too; it may be blank.
    pub name: PartialName,
    /// What it is.
    pub description: PartialDescription,
    /// The XACML rule or condition, as it was sent.
    pub text: String,
    /// Whether others than its author may map it and see it in lists.
    pub shared: bool,
    /// Who made it.
    pub author: Guid,
    /// Since when.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
}

impl Record for Partial {
    const KIND: &'static str = "partial";
}

impl Partial {
    /// Its state for conditional requests: that of what it says. Its item's revision counts the
    /// apps that come and go too, and is no entity tag.
    ///
    /// # Errors
    /// Internal.
    pub fn validators(&self) -> Result<Validators, Error> {
        let content = serde_json::to_vec(self).map_err(Error::internal)?;
        Ok(Validators::of_content(&content).modified(self.modified))
    }
}

/// A partial's name: up to 256 characters.
pub type PartialName = Text<256, true>;

/// A partial's description: up to 1,000 characters.
pub type PartialDescription = Text<1_000, true>;

/// What lists show of a partial that is shared. One that is not is in no list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedPartial {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: PartialName,
}

impl Record for SharedPartial {
    const KIND: &'static str = "shared-partial";
}

/// That a partial is mapped to an app; the key says which.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mapped {
    /// The app.
    pub app: AppId,
}

impl Record for Mapped {
    const KIND: &'static str = "mapped-partial";
}

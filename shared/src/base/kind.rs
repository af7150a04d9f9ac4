//! The kinds of apps, and the lists of the publisher API that they are in.

use serde::{Deserialize, Serialize};

use crate::base::error::Error;

/// What kind of app it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppKind {
    /// One that is installed, or opened from the store on a device: `mobileapp`.
    #[default]
    Mobile,
    /// One that a gateway stands before: `webapp`.
    Web,
    /// A web app that is treated as a site (`isSite`).
    Site,
}

/// A list of apps of the publisher API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listing {
    /// `mobileapp`.
    Mobile,
    /// `webapp`: sites too.
    Web,
    /// `site`.
    Site,
}

impl Listing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mobile, Self::Web, Self::Site];

    /// The documents' `appType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobileapp",
            Self::Web => "webapp",
            Self::Site => "site",
        }
    }

    /// The list of that `appType`.
    ///
    /// # Errors
    /// Not found for any other text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let found = Self::ALL
            .into_iter()
            .find(|listing| listing.as_str() == text);
        found.ok_or_else(|| Error::not_found("appType is webapp, mobileapp or site"))
    }

    /// Whether apps of that kind are in it.
    pub fn holds(self, kind: AppKind) -> bool {
        match self {
            Self::Mobile => kind == AppKind::Mobile,
            Self::Web => kind != AppKind::Mobile,
            Self::Site => kind == AppKind::Site,
        }
    }
}

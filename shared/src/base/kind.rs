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
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_listing)]
pub enum Listing {
    /// `mobileapp`.
    #[strum(to_string = "mobileapp")]
    Mobile,
    /// `webapp`: sites too.
    #[strum(to_string = "webapp")]
    Web,
    /// `site`.
    Site,
}

impl Listing {
    /// All of them.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The documents' `appType`.
    pub fn as_str(self) -> &'static str {
        self.into()
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

fn unknown_listing(_: &str) -> Error {
    Error::not_found("appType is webapp, mobileapp or site")
}

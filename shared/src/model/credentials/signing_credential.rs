//! Signing credentials: what is shown of them, and their sealed secrets.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{BinaryType, Guid};
use crate::store::record::Record;

/// What a credential signs for, by the document's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
pub enum SigningPlatform {
    /// 1.
    #[strum(to_string = "iOS")]
    Ios,
    /// 2.
    Android,
}

impl SigningPlatform {
    /// The platform of that number; `None` for those that are not signed here (4 and 5 are
    /// Windows).
    pub fn of_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Ios),
            2 => Some(Self::Android),
            _ => None,
        }
    }

    /// The document's number.
    pub fn number(self) -> u8 {
        match self {
            Self::Ios => 1,
            Self::Android => 2,
        }
    }

    /// That of a type of binary.
    pub fn of(kind: BinaryType) -> Self {
        match kind {
            BinaryType::Android => Self::Android,
            BinaryType::Iphone | BinaryType::Ipad | BinaryType::Ios => Self::Ios,
        }
    }

    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A signing credential as lists show it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SigningCredential {
    /// Its id.
    pub guid: Guid,
    /// What people call it.
    pub description: String,
    /// What it signs for.
    pub platform: SigningPlatform,
    /// When it ends: its certificate, or its profile if that ends before.
    pub expires: Timestamp,
    /// The name in its certificate.
    pub subject: String,
    /// The SHA-256 of its certificate, in hex.
    pub fingerprint: String,
    /// Who added it.
    pub by: Guid,
    /// When.
    pub created: Timestamp,
}

impl Record for SigningCredential {
    const KIND: &'static str = "signing-credential";
}

/// What a signing credential signs with, sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SigningSecret {
    pub(crate) sealed: String,
}

impl Record for SigningSecret {
    const KIND: &'static str = "signing-secret";
}

/// The provisioning profile of a signing credential, in base64. It is in every app that is signed
/// by it: no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SigningProfile {
    pub(crate) profile: String,
}

impl Record for SigningProfile {
    const KIND: &'static str = "signing-profile";
}

//! What was read out of a package.

use serde::{Deserialize, Serialize};

/// What was read from a binary that is to be attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageAnalysis {
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// The identifier.
    pub identifier: String,
    /// The version's name.
    pub version_name: String,
    /// The SHA-256 of the signer's certificate, where the signature was verified.
    pub verified_signer: Option<String>,
    /// The small icon, base64.
    pub icon: Option<String>,
    /// Everything that was read.
    pub package: serde_json::Value,
}

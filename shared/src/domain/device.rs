//! Devices of apps' users, noted when somebody signs in on one.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::records::Record;

/// A device. Its `cuid` is chosen by the client: blocking a device does not block its user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Device {
    /// The client's own id.
    pub cuid: String,
    /// The name that an administrator gave.
    pub name: String,
    /// First seen.
    pub created: Timestamp,
    /// Last sign-in.
    pub modified: Timestamp,
    /// Out.
    pub disabled: bool,
    /// Out, and told to purge its data.
    pub blacklisted: bool,
}

impl Record for Device {
    const KIND: &'static str = "device";
}

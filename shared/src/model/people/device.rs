//! Devices, their users and their apps.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::Guid;
use crate::base::secret::device_id;
use crate::store::record::Record;

/// A device. Its `cuid` is chosen by the client: blocking a device does not block its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Device {
    /// Its guid, which always comes of the cuid.
    pub fn guid(&self) -> Guid {
        device_id(&self.cuid)
    }
}

/// That a user signed in on a device, kept with the user and with the device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceUser {
    /// When he did last.
    pub at: Timestamp,
}

impl Record for DeviceUser {
    const KIND: &'static str = "device-user";
}

/// That an app signed somebody in on a device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceApp {
    /// The app as its client named it: a store's or item's guid, or an item's `authToken`.
    pub client_token: String,
    /// When it did last.
    pub at: Timestamp,
}

impl Record for DeviceApp {
    const KIND: &'static str = "device-app";
}

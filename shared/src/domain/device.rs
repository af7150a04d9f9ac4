//! Devices of apps' users, noted when somebody signs in on one (003 chapter 6).

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{Guid, Handle};
use crate::records::{self, Record};
use crate::secret::device_id;
use crate::store::{Condition, Write, keys};

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

/// The writes that note a sign-in of `user` by the app `client_token` on the device: blind ones, since nothing of what was
/// there before counts.
///
/// # Errors
/// Internal.
pub fn links(handle: Handle, device: &Guid, user: &Guid, client_token: &str, now: Timestamp) -> Result<Vec<Write>, Error> {
    let of_user = DeviceUser { at: now };
    let mut writes = vec![
        records::put(keys::device_user(handle, device, user), &of_user, Condition::Always)?,
        records::put(keys::user_device(handle, user, device), &of_user, Condition::Always)?,
    ];
    if !client_token.is_empty() {
        let app = DeviceApp { client_token: client_token.chars().take(200).collect(), at: now };
        writes.push(records::put(keys::device_app(handle, device, client_token), &app, Condition::Always)?);
    }
    Ok(writes)
}

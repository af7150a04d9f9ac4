//! What an app says about itself, in the same words for both platforms.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::icon::Icon;
use crate::profile::Profile;

/// Characters of a name or a label.
pub(crate) const TEXT: usize = 256;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// An APK.
    Android,
    /// An IPA.
    Ios,
}

impl fmt::Display for Platform {
    /// `android` or `ios`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Platform::Android => "android",
            Platform::Ios => "ios",
        })
    }
}

/// What an app says about itself. Texts have at most 256 characters and no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// The platform it was read as.
    pub platform: Platform,
    /// The package name or the bundle identifier: ASCII letters, digits, `.`, `_` and (iOS) `-`, at
    /// most 255.
    pub identifier: String,
    /// `versionCode` as a decimal number (with `versionCodeMajor` in its upper half), or
    /// `CFBundleVersion`.
    pub version_code: String,
    /// `versionName` or `CFBundleShortVersionString`; may be empty.
    pub version_name: String,
    /// Its name for people without regard to languages; the identifier if it has none that can be
    /// found.
    pub label: String,
    /// `minSdkVersion` (a number or a code name) or `MinimumOSVersion`; may be empty for iOS.
    pub min_os: String,
    /// `targetSdkVersion`, which is `minSdkVersion` if it is not stated. `None` for iOS.
    pub target_sdk: Option<u32>,
    /// The Android permissions that it uses, each once: at most 512.
    pub permissions: Vec<String>,
    /// `iphone`, `ipad`, `tv`, `watch`, `mac`, `vision`. Empty for Android.
    pub device_family: Vec<String>,
    /// The provisioning profile of an IPA, if it has one.
    pub profile: Option<Profile>,
    /// Whether the label, the icon or the profile are missing because the source refused to give so
    /// much: the budget of a [`BlockCache`](crate::BlockCache) did not suffice. Reading the whole
    /// file from a disk finds them.
    #[serde(default)]
    pub partial: bool,
    /// Its icon, if it has one as PNG or JPEG. Not part of the serialized form.
    #[serde(skip)]
    pub icon: Option<Icon>,
}

/// A text of an app as a [`Package`] has it: without control characters and outer spaces, and of at
/// most 256 characters.
pub(crate) fn tidy(text: String) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TEXT)
        .collect();
    text.trim().to_owned()
}

//! Reads Android APKs and iOS IPAs that strangers upload.
//!
//! Two passes. [`read_metadata`] finds out what a file is from as few of its bytes as possible:
//! give it a [`BlockCache`] over ranged requests and a 100 MB app costs less than 1 MB.
//! [`apk_signature`] reads a whole file from a disk and says who signed it.
//!
//! Every file is taken for hostile. Sizes are checked before anything is inflated or parsed,
//! whatever can be understood in two ways is refused, and the parsers of others run on a thread of
//! their own, where a panic is a refusal. Android's binary formats are read in place by this crate,
//! because parsers that build a tree can be made to fill the memory by a file of a few kilobytes.
//! Still, run it in a process that may die.
//!
//! All calls block.

mod android;
mod archive;
mod block_cache;
mod icon;
mod ios;
mod isolation;
mod profile;
mod property_list;
mod refusal;
mod signature;
mod static_content;
#[cfg(feature = "testing")]
pub mod testing;

use std::fmt;
use std::io::{Read, Seek};

use serde::{Deserialize, Serialize};

pub use archive::{Archive, ENTRIES, Entry};
pub use block_cache::BlockCache;
pub use icon::{Icon, store_icon};
pub use ios::app_folder;
pub use profile::{Profile, ProfileContents, profile_contents};
pub use property_list::property_list;
pub use refusal::{ReadError, Refusal, RefusalCode, quoted};
pub use signature::{Signature, apk_signature, ipa_signature};
pub use static_content::{STATIC_BYTES, StaticContent, StaticKind, static_content};

use refusal::refused;

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
    /// much: the budget of a [`BlockCache`] did not suffice. Reading the whole file from a disk
    /// finds them.
    #[serde(default)]
    pub partial: bool,
    /// Its icon, if it has one as PNG or JPEG. Not part of the serialized form.
    #[serde(skip)]
    pub icon: Option<Icon>,
}

/// Pass 1: finds out what the `length` bytes of `source` are, reading as few of them as possible.
///
/// A table of resources that is too big for what may be read (or for 32 MiB) is not a refusal: the
/// label is then the package name, and there is no icon; see [`Package::partial`]. The same goes
/// for icons that cannot be read.
///
/// # Errors
///
/// [`ReadError::Refused`] if the file is at fault. [`ReadError::Source`] if reading failed, except
/// that an error of the kind [`std::io::ErrorKind::FileTooLarge`], by which a [`BlockCache`] says
/// that its budget is spent, is a `too_large`.
pub fn read_metadata<R: Read + Seek>(
    source: R,
    length: u64,
    platform: Platform,
) -> Result<Package, ReadError> {
    let mut archive = Archive::open(source, length)?;
    check_platform(&archive, platform)?;
    match platform {
        Platform::Android => android::read(&mut archive),
        Platform::Ios => ios::read(&mut archive),
    }
}

/// Checks by the names of its entries that an archive is no app of the other platform.
///
/// # Errors
///
/// An app of the other platform, or of both, is refused.
pub fn check_platform<R: Read + Seek>(
    archive: &Archive<R>,
    platform: Platform,
) -> Result<(), ReadError> {
    let is_android = archive.has(android::MANIFEST);
    let is_ios = !ios::apps(archive).is_empty();
    match (platform, is_android, is_ios) {
        (_, true, true) => Err(refused(
            RefusalCode::Ambiguous,
            "The archive is an Android app and an iOS app at the same time.",
        )),
        (Platform::Android, false, true) => Err(refused(
            RefusalCode::WrongType,
            "This is an iOS app (.ipa), but an Android app (.apk) is expected.",
        )),
        (Platform::Ios, true, false) => Err(refused(
            RefusalCode::WrongType,
            "This is an Android app (.apk), but an iOS app (.ipa) is expected.",
        )),
        _ => Ok(()),
    }
}

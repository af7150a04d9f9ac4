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
mod package;
mod profile;
mod property_list;
mod refusal;
mod signature;
mod static_content;
#[cfg(feature = "testing")]
pub mod testing;

use std::io::{Read, Seek};

pub use archive::{Archive, ENTRIES, Entry};
pub use block_cache::BlockCache;
pub use icon::{Icon, store_icon};
pub use ios::app_folder;
pub use package::{Package, Platform};
pub use profile::{Profile, ProfileContents, profile_contents};
pub use property_list::property_list;
pub use refusal::{ReadError, Refusal, RefusalCode, quoted};
pub use signature::{Signature, apk_signature, ipa_signature};
pub use static_content::{STATIC_BYTES, StaticContent, StaticKind, static_content};

use refusal::refused;

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

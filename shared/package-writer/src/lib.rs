//! Changes and signs Android APKs and iOS IPAs that strangers uploaded: files in, files out.
//!
//! [`insert`] puts small documents into an app, [`Identity`] is a key with its certificate,
//! [`sign_android`] and `sign_ios` sign with it. What is not changed keeps its packed bytes:
//! nothing is compressed anew.
//!
//! Every file is taken for hostile and read with the strict reader of `package-reader`: what can be
//! understood in two ways is refused, and every entry is unpacked once to see that it is what it
//! declares. Files are streamed, so memory does not depend on their sizes, except that `sign_ios`
//! holds one executable file after the other. A target is written beside its place and moved there
//! when it is whole; a refusal leaves nothing.
//!
//! Signing IPAs is a feature of its own (`ios`, on by default), because of the many crates that it
//! needs.
//!
//! All calls block. [`sign_ios`] is there with the feature `ios` alone.

mod android;
mod archive;
mod failure;
mod identity;
mod insert;
#[cfg(feature = "ios")]
mod ios;
mod profile;

pub use android::sign_android;
pub use failure::WriteError;
pub use identity::{IDENTITY_BYTES, Identity, KeyKind};
pub use insert::{DOCUMENT_BYTES, DOCUMENTS, insert};
#[cfg(feature = "ios")]
pub use ios::{EXECUTABLE_BYTES, UNPACKED_BYTES, sign_ios};
pub use package_reader::{Platform, Refusal, RefusalCode};
pub use profile::check_profile;

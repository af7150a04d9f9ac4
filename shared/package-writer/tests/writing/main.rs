//! Packages that are changed and signed.

mod android;
#[cfg(feature = "ios")]
mod hostile;
mod identity;
mod insert;
#[cfg(feature = "ios")]
mod ios;
#[cfg(feature = "ios")]
mod limited;
mod support;

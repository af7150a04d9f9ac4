//! Packages that are changed and signed.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

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

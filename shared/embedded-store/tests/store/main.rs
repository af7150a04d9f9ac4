//! The embedded store, seen by the real AWS SDKs and by a plain HTTP client.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod clients;
mod conditions;
mod killed;
mod listing;
mod multipart;
mod notifications;
mod objects;
mod presigned;
mod restart;
mod table;

//! Conditions, functions, and the decision over a web app.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod conditions;
mod document;
mod functions;
mod groups;
mod notation;
mod properties;

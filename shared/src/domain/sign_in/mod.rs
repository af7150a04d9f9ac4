//! Signing in, and the credentials that a sign-in gives.

pub mod api_key;
pub mod device;
pub mod oauth;
pub mod own_password;
#[allow(
    clippy::module_inception,
    reason = "the room is named after the file that the rest of it serves"
)]
pub mod sign_in;
pub mod user_token;

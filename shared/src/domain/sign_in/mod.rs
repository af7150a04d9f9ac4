//! Signing in, and the credentials that a sign-in gives.

pub mod api_key;
pub mod device;
pub mod oauth;
pub mod own_password;
pub mod sign_in;
pub mod user_token;

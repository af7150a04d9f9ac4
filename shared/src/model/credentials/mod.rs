//! Credentials of every kind, and what is kept of sign-ins and signed messages.

pub mod credential;
pub mod message;
pub mod oauth_client;
pub mod publishing_call;
pub mod sign_in;
pub mod signing_credential;

//! Endpoint security.

pub mod endpoint_security;

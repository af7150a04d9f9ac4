//! The applications and settings of PingID.

pub mod ping_application;
pub mod ping_settings;

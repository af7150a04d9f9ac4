//! Apps with everything that hangs on them.

pub mod analysis;
pub mod app;
pub mod app_text;
pub mod business_owner;
pub mod catalogue;
pub mod document;
pub mod file;
pub mod life_cycle;
pub mod line;
pub mod policy_partial;
pub mod processing;
pub mod publication;
pub mod store_front;
pub mod subscription;
pub mod upload;

//! Apps: making, changing, listing and releasing them, with everything that hangs on them.

pub mod app;
pub mod business_owner;
pub mod catalogue;
pub mod document;
pub mod file;
pub mod life_cycle;
pub mod line;
pub mod links;
pub mod making;
pub mod numbers;
pub mod policy_partial;
pub mod publication;
pub mod store_front;
pub mod subscription;
pub mod tier;
pub mod upload;

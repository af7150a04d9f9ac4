//! Rows of the audit log.

pub mod audit;

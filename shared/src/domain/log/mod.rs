//! The audit log and what is counted.

pub mod audit;
pub mod statistics;
pub mod ticket;

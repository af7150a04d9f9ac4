//! App policies, the jobs that put them into packages, and signing.

pub mod app_policy;
pub mod job;
pub mod policy_document;
pub mod policy_set;
pub mod preset;
pub mod signing;
pub mod signing_credential;

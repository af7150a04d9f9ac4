//! App policies (000): the catalogue of them, presets, and the documents that apps read.

pub mod app_policy;
pub mod policy_document;
pub mod preset;

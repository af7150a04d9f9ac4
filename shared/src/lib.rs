//! Appdepot's one crate of models, validation, dialects and storage.
//!
//! It has floors: `base` (words without storage), `store` (the table), `services` (the other
//! services), `model` (what is stored), `domain` (the rules) and `http` (a request's way). A file
//! uses what stands on its own floor or below, never what stands above.
//!
//! A request's way: `template.yaml` → a function's `main` → [`http::pipeline`] → one operation →
//! [`domain`] → [`store`].

pub mod base;
pub mod domain;
pub mod http;
pub mod model;
pub mod services;
pub mod store;

pub use base::error::Error;

//! Appdepot's one crate of models, validation, dialects and storage.
//!
//! A request's way: `template.yaml` → a function's `main` → [`spine::serve`] → one operation →
//! [`domain`] → [`store`].

pub mod access;
pub mod clock;
pub mod conditions;
pub mod context;
pub mod dialect;
pub mod direct_upload;
pub mod domain;
pub mod error;
pub mod id;
pub mod incoming;
pub mod lambda;
pub mod lenient;
pub mod mail;
pub mod messages;
pub mod multipart;
pub mod objects;
pub mod paging;
pub mod records;
pub mod reply;
pub mod routes;
pub mod routing;
pub mod sealing;
pub mod secret;
pub mod spine;
pub mod store;

pub use error::Error;

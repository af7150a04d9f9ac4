//! Words without storage: ids, times, rights, limits and errors. Everything may use them.

pub mod clock;
pub mod code;
pub mod conditions;
pub mod environment;
pub mod error;
pub mod id;
pub mod kind;
pub mod lenient;
pub mod limits;
pub mod remote;
pub mod rights;
pub mod secret;
pub mod text;

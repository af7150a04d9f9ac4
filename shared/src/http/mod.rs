//! A request's way: from the gateway to an operation, and from its answer to the dialect's.

pub mod addresses;
pub mod authenticate;
pub mod dialect;
pub mod direct_upload;
mod field_errors;
pub mod incoming;
pub mod lambda;
pub mod messages;
pub mod multipart;
pub mod paging;
pub mod path;
pub mod pipeline;
pub mod presented;
pub mod reply;
pub mod routes;
pub mod routing;

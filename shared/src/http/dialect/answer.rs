//! What a dialect closes an answer with, and what it writes.

use serde_json::Value;

use crate::base::conditions::Conditions;
use crate::base::error::Kind;
use crate::http::incoming::Signer;

/// What of a request and of the deployment the closing of an answer asks for.
#[derive(Clone, Copy)]
pub struct Closing<'a> {
    /// Whether the request only reads by its method.
    pub is_get: bool,
    /// Its `If-…` headers.
    pub conditions: &'a Conditions,
    /// The status of what is made in the catalogue (`Wso2CreateStatus`).
    pub create_status: u16,
    /// Whether the operation asks for name and password in place of a token.
    pub by_password: bool,
    /// What the answer repeats from the request.
    pub echo: &'a Value,
    /// What signs the answer.
    pub signer: Option<&'a Signer>,
}

/// What a dialect writes: status, content type and body of a JSON answer.
pub struct Written {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// The HTTP status of each meaning of an error, in every dialect that tells it by its status.
pub(crate) fn status(kind: Kind) -> u16 {
    match kind {
        Kind::Invalid => 400,
        Kind::Unauthenticated => 401,
        Kind::Forbidden => 403,
        Kind::NotFound | Kind::NoSuchOperation => 404,
        Kind::MethodNotAllowed => 405,
        Kind::Conflict => 409,
        Kind::PreconditionFailed => 412,
        Kind::TooLarge => 413,
        Kind::UnsupportedType => 415,
        Kind::TooManyRequests => 429,
        Kind::Internal => 500,
        Kind::Unavailable => 503,
    }
}

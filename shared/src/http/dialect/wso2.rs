//! The publisher API of WSO2 App Manager v1.1 (001): bare JSON, errors as
//! `{code,message,description,moreInfo,error}`, conditional requests. Its tokens are in `oauth`.

use serde_json::json;

use crate::base::error::{Error, Kind};
use crate::http::dialect::Dialect;
use crate::http::dialect::answer::{Closing, Written, status};
use crate::http::reply::Success;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Wso2;

impl Dialect for Wso2 {
    fn name(&self) -> &'static str {
        "wso2"
    }

    fn success(
        &self,
        success: Success,
        json: &[u8],
        closing: &Closing<'_>,
    ) -> Result<Written, Error> {
        Ok(Written {
            status: success_status(success, closing.create_status),
            body: json.to_vec(),
        })
    }

    fn error(&self, error: &Error, _closing: &Closing<'_>) -> Written {
        self::error(error)
    }

    fn challenge(&self, closing: &Closing<'_>) -> Option<&'static str> {
        Some(challenge(closing.by_password))
    }

    fn is_conditional(&self) -> bool {
        true
    }

    // The publisher API says 200 without a body; a client of it may know no 204.
    fn empty_status(&self) -> u16 {
        200
    }
}

/// The HTTP status of a success. `create_status` is the deployment's parameter for what is made in
/// the catalogue.
pub(super) fn success_status(success: Success, create_status: u16) -> u16 {
    match success {
        Success::Done => 200,
        Success::Created => 201,
        Success::Catalogued => create_status,
        Success::Accepted => 202,
    }
}

/// The documented text of each status.
fn message(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "Bad Request",
        Kind::Unauthenticated => "Unauthorized",
        Kind::Forbidden => "Forbidden",
        Kind::NotFound | Kind::NoSuchOperation => "Not Found",
        Kind::MethodNotAllowed => "Method Not Allowed",
        Kind::Conflict => "Resource Already Exists",
        Kind::PreconditionFailed => "Precondition Failed",
        Kind::TooLarge => "Payload Too Large",
        Kind::UnsupportedType => "Unsupported Media Type",
        Kind::TooManyRequests => "Too Many Requests",
        Kind::Internal => "Internal server error",
        Kind::Unavailable => "Service Unavailable",
    }
}

/// The documented text of a defect of ours.
pub(crate) const INTERNAL: &str =
    "The server encountered an internal error. Please contact administrator.";

/// An error with its HTTP status (001, "Error").
fn error(error: &Error) -> Written {
    let code = status(error.kind);
    let description = match error.kind {
        Kind::Internal => INTERNAL.to_owned(),
        Kind::NoSuchOperation
        | Kind::MethodNotAllowed
        | Kind::NotFound
        | Kind::Invalid
        | Kind::Conflict
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::PreconditionFailed
        | Kind::TooLarge
        | Kind::UnsupportedType
        | Kind::TooManyRequests
        | Kind::Unavailable => error.line(),
    };
    let body = json!({
        "code": code,
        "message": message(error.kind),
        "description": description,
        "moreInfo": "",
        "error": [],
    });
    Written {
        status: code,
        body: body.to_string().into_bytes(),
    }
}

/// How whoever asks proves who he is, for the header of a 401: by name and password (a client by id
/// and secret), or by a token.
pub(super) fn challenge(by_password: bool) -> &'static str {
    if by_password {
        "Basic realm=\"Appdepot\""
    } else {
        "Bearer realm=\"Appdepot\""
    }
}

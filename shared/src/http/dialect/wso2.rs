//! The publisher API of WSO2 App Manager v1.1 (001): bare JSON, errors as
//! `{code,message,description,moreInfo,error}`; and OAuth 2.0's own form of errors for its tokens
//! (RFC 6749 5.2).

use serde_json::json;

use crate::base::code::Code;
use crate::base::error::{Error, Kind};
use crate::http::dialect::answer::{Written, status};
use crate::http::reply::Success;

/// The HTTP status of a success. `create_status` is the deployment's parameter for what is made in
/// the catalogue.
pub fn success(success: Success, create_status: u16) -> u16 {
    match success {
        Success::Done => 200,
        Success::Created => 201,
        Success::Catalogued => create_status,
        Success::Accepted => 202,
    }
}

/// The published text of each status.
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

/// The published text of a defect of ours.
const INTERNAL: &str = "The server encountered an internal error. Please contact administrator.";

/// An error with its HTTP status (001, "Error").
pub fn error(error: &Error) -> Written {
    let code = status(error.kind);
    let description = match error.kind {
        Kind::Internal => INTERNAL.to_owned(),
        _ => error.line(),
    };
    let body = json!({"code": code, "message": message(error.kind), "description": description, "moreInfo": "", "error": []});
    Written {
        status: code,
        body: body.to_string().into_bytes(),
    }
}

/// An error of the token endpoint, with the standard's code: the error's own where it is one of
/// them, else the one of its kind.
pub fn oauth_error(error: &Error) -> Written {
    let line = error.line();
    let (code, description) = match error.code.filter(|code| code.is_of_oauth()) {
        Some(code) => (code, error.sentence()),
        None => match error.kind {
            Kind::Internal => (Code::ServerError, INTERNAL),
            Kind::Unavailable | Kind::TooManyRequests => {
                (Code::TemporarilyUnavailable, line.as_str())
            }
            Kind::Unauthenticated => (Code::InvalidClient, line.as_str()),
            Kind::NoSuchOperation
            | Kind::MethodNotAllowed
            | Kind::NotFound
            | Kind::Invalid
            | Kind::Conflict
            | Kind::Forbidden
            | Kind::PreconditionFailed
            | Kind::TooLarge
            | Kind::UnsupportedType => (Code::InvalidRequest, line.as_str()),
        },
    };
    let status = if code == Code::InvalidClient {
        401
    } else {
        status(error.kind)
    };
    Written {
        status,
        body: json!({"error": code, "error_description": description})
            .to_string()
            .into_bytes(),
    }
}

/// How whoever asks proves who he is, for the header of a 401: by name and password (a client by id
/// and secret), or by a token.
pub fn challenge(by_password: bool) -> &'static str {
    if by_password {
        "Basic realm=\"Appdepot\""
    } else {
        "Bearer realm=\"Appdepot\""
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error as base_error;

    #[test]
    fn errors_of_tokens_have_the_codes_of_the_standard() {
        let spelled = |error: &base_error::Error| {
            let written = oauth_error(error);
            (written.status, String::from_utf8(written.body).unwrap())
        };
        let (status, body) = spelled(&base_error::Error::invalid(
            Code::InvalidGrant.with("wrong: really"),
        ));
        assert_eq!(
            (status, body.as_str()),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"wrong: really"}"#
            )
        );
        let (status, body) = spelled(&base_error::Error::new(
            base_error::Kind::Unauthenticated,
            Code::InvalidClient.with("unknown"),
        ));
        assert_eq!(
            (status, body.as_str()),
            (
                401,
                r#"{"error":"invalid_client","error_description":"unknown"}"#
            )
        );
        assert_eq!(spelled(&base_error::Error::internal("secret")).0, 500);
        assert!(
            !spelled(&base_error::Error::internal("secret"))
                .1
                .contains("secret")
        );
    }
}

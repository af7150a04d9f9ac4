//! The publisher API of WSO2 App Manager v1.1 (001): bare JSON, errors as
//! `{code,message,description,moreInfo,error}`; and OAuth 2.0's own form of errors for its tokens
//! (RFC 6749 5.2).

use serde_json::json;

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

/// An error with its HTTP status (001, "Error").
pub fn error(error: &Error) -> Written {
    let code = status(error.kind);
    let description = match error.kind {
        Kind::Internal => "The server encountered an internal error. Please contact administrator.",
        _ => &error.message,
    };
    let body = json!({"code": code, "message": message(error.kind), "description": description, "moreInfo": "", "error": []});
    Written {
        status: code,
        body: body.to_string().into_bytes(),
    }
}

/// An error of the token endpoint. The operation's message begins with the standard's code where it
/// has one.
pub fn oauth_error(error: &Error) -> Written {
    const CODES: [&str; 6] = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ];
    let (code, description) = match error
        .message
        .split_once(": ")
        .filter(|(code, _)| CODES.contains(code))
    {
        Some(found) => found,
        None => match error.kind {
            Kind::Internal => (
                "server_error",
                "The server encountered an internal error. Please contact administrator.",
            ),
            Kind::Unavailable | Kind::TooManyRequests => {
                ("temporarily_unavailable", error.message.as_str())
            }
            Kind::Unauthenticated => ("invalid_client", error.message.as_str()),
            _ => ("invalid_request", error.message.as_str()),
        },
    };
    let status = if code == "invalid_client" {
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
        let (status, body) = spelled(&base_error::Error::invalid("invalid_grant: wrong: really"));
        assert_eq!(
            (status, body.as_str()),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"wrong: really"}"#
            )
        );
        let (status, body) = spelled(&base_error::Error::new(
            base_error::Kind::Unauthenticated,
            "invalid_client: unknown",
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

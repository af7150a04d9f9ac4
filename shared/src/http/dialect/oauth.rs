//! OAuth 2.0's tokens for the publisher API, with the standard's own form of errors (RFC 6749 5.2).

use serde_json::json;

use crate::base::code::Code;
use crate::base::error::{Error, Kind};
use crate::http::dialect::answer::{Closing, Written, status};
use crate::http::dialect::{Dialect, wso2};
use crate::http::reply::Success;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct OAuth;

impl Dialect for OAuth {
    fn name(&self) -> &'static str {
        "oauth"
    }

    fn success(
        &self,
        success: Success,
        json: &[u8],
        closing: &Closing<'_>,
    ) -> Result<Written, Error> {
        Ok(Written {
            status: wso2::success_status(success, closing.create_status),
            body: json.to_vec(),
        })
    }

    fn error(&self, error: &Error, _closing: &Closing<'_>) -> Written {
        oauth_error(error)
    }

    fn challenge(&self, _closing: &Closing<'_>) -> Option<&'static str> {
        Some(wso2::challenge(true))
    }

    // RFC 7009 2.2 answers a revocation with 200.
    fn empty_status(&self) -> u16 {
        200
    }

    // RFC 6749 5.1.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("pragma", "no-cache")]
    }
}

/// An error of the token endpoint, with the standard's code: the error's own where it is one of
/// them, else the one of its kind.
fn oauth_error(error: &Error) -> Written {
    let line = error.line();
    let (code, description) = match error.code.filter(|code| code.is_of_oauth()) {
        Some(code) => (code, error.sentence()),
        None => match error.kind {
            Kind::Internal => (Code::ServerError, wso2::INTERNAL),
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

//! `$fh.auth`: the v1 envelope, whose clients expect 200 with `"status":"error"`.

use serde_json::json;

use crate::base::error::{Error, Kind};
use crate::http::dialect::answer::{Closing, Written, status};
use crate::http::dialect::{Dialect, rhmap};
use crate::http::reply::Success;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct RhmapSdk;

impl Dialect for RhmapSdk {
    fn name(&self) -> &'static str {
        "rhmap-sdk"
    }

    fn success(
        &self,
        success: Success,
        json: &[u8],
        _closing: &Closing<'_>,
    ) -> Result<Written, Error> {
        Ok(rhmap::success(success, json))
    }

    fn error(&self, error: &Error, _closing: &Closing<'_>) -> Written {
        sdk_error(error)
    }
}

/// `$fh.auth`: the client libraries look into a 200 for `"status":"error"`, so a refused sign-in is
/// one. What is not an answer to the sign-in itself keeps its status.
fn sdk_error(error: &Error) -> Written {
    let answer = match error.kind {
        Kind::Unauthenticated | Kind::Forbidden | Kind::NotFound | Kind::Invalid => true,
        Kind::NoSuchOperation
        | Kind::MethodNotAllowed
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::TooLarge
        | Kind::UnsupportedType
        | Kind::TooManyRequests
        | Kind::Unavailable
        | Kind::Internal => false,
    };
    let mut body = json!({"status": "error", "message": error.message, "msg": error.message});
    if error.code.is_some() {
        body["detail"] = json!(error.sentence());
    }
    Written {
        status: if answer { 200 } else { status(error.kind) },
        body: body.to_string().into_bytes(),
    }
}

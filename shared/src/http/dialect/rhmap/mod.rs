//! RHMAP's v1 envelope (003): `"status":"ok"` beside the view; errors as
//! `{"status":"error","message":M,"msg":M}`.

pub mod mbaas;
pub mod sdk;
pub mod team_members;
pub mod teams;
pub mod views;

use serde_json::json;

use crate::base::error::{Error, Kind};
use crate::http::dialect::Dialect;
use crate::http::dialect::answer::{Closing, Written, status};
use crate::http::reply::Success;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Rhmap;

impl Dialect for Rhmap {
    fn name(&self) -> &'static str {
        "rhmap"
    }

    fn success(
        &self,
        success: Success,
        json: &[u8],
        _closing: &Closing<'_>,
    ) -> Result<Written, Error> {
        Ok(self::success(success, json))
    }

    fn error(&self, error: &Error, _closing: &Closing<'_>) -> Written {
        self::error(error)
    }
}

/// A view's object with `"status":"ok"` put in front of its fields.
fn success(success: Success, view: &[u8]) -> Written {
    let fields = view.strip_prefix(b"{").unwrap_or(view);
    let mut body = Vec::with_capacity(view.len() + 16);
    body.extend_from_slice(br#"{"status":"ok""#);
    if fields != b"}" {
        body.push(b',');
    }
    body.extend_from_slice(fields);
    // 003 knows one success.
    let status = match success {
        Success::Done | Success::Created | Success::Catalogued | Success::Accepted => 200,
    };
    Written { status, body }
}

/// An error with its HTTP status. Both `message` and `msg` are there: the documents print the one,
/// the real platform's framework errors had the other. Clients compare them with codes, so where
/// there is a code the sentence for people is `detail`. Without a login clients look at `address`.
fn error(error: &Error) -> Written {
    let mut body = json!({"status": "error", "message": error.message, "msg": error.message});
    if error.code.is_some() {
        body["detail"] = json!(error.sentence());
    }
    if error.kind == Kind::Unauthenticated {
        body["address"] = json!({"login-status": "none"});
    }
    if error.sign_in {
        body["result"] = json!("fail");
        body["reason"] = json!(error.message);
    }
    Written {
        status: status(error.kind),
        body: body.to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::reply;

    #[test]
    fn the_envelope_goes_around_any_object() {
        assert_eq!(
            success(reply::Success::Done, b"{}").body,
            br#"{"status":"ok"}"#
        );
        assert_eq!(
            success(reply::Success::Done, br#"{"list":[]}"#).body,
            br#"{"status":"ok","list":[]}"#
        );
    }
}

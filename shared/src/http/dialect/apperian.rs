//! The Apperian API (000): bare JSON, errors as `{"error":{"code","message"}}`. Its older
//! calls are in `apperian_calls`.
//!
//! Its clients take 200 and 202 for success and nothing else, and any `error` key for failure, null
//! ones too.

use serde_json::json;

use crate::base::error::Error;
use crate::base::rights::Permission;
use crate::base::secret::CredentialText;
use crate::http::dialect::Dialect;
use crate::http::dialect::answer::{Closing, Written, status};
use crate::http::presented::{Presented, choose_token};
use crate::http::reply::Success;

/// What may stand before each path of the Apperian API (000).
pub const APPERIAN_VERSIONS: [&str; 2] = ["/v1", "/v2"];

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Apperian;

impl Dialect for Apperian {
    fn name(&self) -> &'static str {
        "apperian"
    }

    fn success(
        &self,
        success: Success,
        json: &[u8],
        _closing: &Closing<'_>,
    ) -> Result<Written, Error> {
        Ok(Written {
            status: success_status(success),
            body: json.to_vec(),
        })
    }

    fn error(&self, error: &Error, _closing: &Closing<'_>) -> Written {
        self::error(error)
    }

    fn choose_credential(
        &self,
        presented: &Presented,
        _permission: Permission,
    ) -> Option<(CredentialText, bool)> {
        choose_token(presented).map(|token| (token, false))
    }
}

/// A path without the version before it: `/v1` and `/v2` are taken and mean nothing, as is none.
pub fn unversioned(path: &str) -> &str {
    let mut versions = APPERIAN_VERSIONS.iter();
    let rest = versions.find_map(|version| path.strip_prefix(version));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// The HTTP status of a success.
fn success_status(success: Success) -> u16 {
    match success {
        Success::Done | Success::Created | Success::Catalogued => 200,
        Success::Accepted => 202,
    }
}

/// An error with its HTTP status, which is its code too. Where the message is a stable code, the
/// sentence for people is `detail`.
fn error(error: &Error) -> Written {
    let code = status(error.kind);
    let mut body = json!({"error": {"code": code, "message": error.message}});
    if error.code.is_some() {
        body["error"]["detail"] = json!(error.sentence());
    }
    Written {
        status: code,
        body: body.to_string().into_bytes(),
    }
}

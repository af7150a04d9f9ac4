//! The Apperian API (000): bare JSON, errors as `{"error":{"code","message"}}`; and its older calls
//! in JSON-RPC 2.0.
//!
//! Its clients take 200 and 202 for success and nothing else, and any `error` key for failure, null
//! ones too.

use serde_json::{Value, json};

use crate::base::code::Code;
use crate::base::error::{Error, Kind};
use crate::http::dialect::answer::{Written, status};
use crate::http::reply::Success;

/// A path without the version before it: `/v1` and `/v2` are taken and mean nothing, as is none.
pub fn unversioned(path: &str) -> &str {
    let rest = path
        .strip_prefix("/v1")
        .or_else(|| path.strip_prefix("/v2"));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// The HTTP status of a success.
pub fn success(success: Success) -> u16 {
    match success {
        Success::Done | Success::Created | Success::Catalogued => 200,
        Success::Accepted => 202,
    }
}

/// An error with its HTTP status, which is its code too.
pub fn error(error: &Error) -> Written {
    let code = status(error.kind);
    Written {
        status: code,
        body: json!({"error": {"code": code, "message": error.line()}})
            .to_string()
            .into_bytes(),
    }
}

/// The result of a call, with the id of the call.
///
/// # Errors
/// Internal for a view that is no JSON.
pub fn result(json: &[u8], id: &Value) -> Result<Written, Error> {
    let result: Value = serde_json::from_slice(json).map_err(Error::internal)?;
    Ok(Written {
        status: 200,
        body: json!({"id": id, "apiVersion": "1.0", "jsonrpc": "2.0", "result": result})
            .to_string()
            .into_bytes(),
    })
}

/// The code of a session that is over, which makes clients sign in again.
const SESSION_EXPIRED: i32 = 666;

/// An error of a call. Calls are answered with 200 whatever became of them, as JSON-RPC over HTTP
/// has it: clients read the body of no other status.
pub fn call_error(error: &Error, id: &Value) -> Written {
    let code = match error.kind {
        Kind::Unauthenticated if !error.sign_in => SESSION_EXPIRED,
        Kind::NoSuchOperation | Kind::MethodNotAllowed => -32601,
        Kind::Invalid => match error.code {
            Some(Code::InvalidJson) => -32700,
            Some(code) if code.is_of_parameters() => -32602,
            _ => 1,
        },
        Kind::Internal => -32603,
        _ => 1,
    };
    let line = error.line();
    // The status is what the same refusal has elsewhere in this API: more than the two codes say.
    let data = json!({"detailedMessage": line, "status": status(error.kind)});
    let error = json!({"code": code, "message": line, "data": data});
    Written {
        status: 200,
        body: json!({"id": id, "apiVersion": "1.0", "jsonrpc": "2.0", "error": error})
            .to_string()
            .into_bytes(),
    }
}

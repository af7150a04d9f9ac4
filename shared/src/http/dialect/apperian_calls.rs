//! The older calls of the Apperian API, JSON-RPC 2.0: one path per method, the token among the
//! parameters.

use serde_json::{Value, json};

use crate::base::code::Code;
use crate::base::error::{Error, Kind};
use crate::base::rights::Permission;
use crate::base::secret::CredentialText;
use crate::http::dialect::Dialect;
use crate::http::dialect::answer::{Closing, Written, status};
use crate::http::incoming::Incoming;
use crate::http::presented::{Presented, choose_token};
use crate::http::reply::Success;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct ApperianCalls;

impl Dialect for ApperianCalls {
    fn name(&self) -> &'static str {
        "apperian-calls"
    }

    fn success(
        &self,
        _success: Success,
        json: &[u8],
        closing: &Closing<'_>,
    ) -> Result<Written, Error> {
        result(json, closing.echo)
    }

    fn error(&self, error: &Error, closing: &Closing<'_>) -> Written {
        call_error(error, closing.echo)
    }

    fn choose_credential(
        &self,
        presented: &Presented,
        _permission: Permission,
    ) -> Option<(CredentialText, bool)> {
        choose_token(presented).map(|token| (token, false))
    }

    fn unwrap_envelope(&self, incoming: &mut Incoming) {
        incoming.unwrap_call();
    }
}

/// The result of a call, with the id of the call.
///
/// # Errors
/// Internal for a view that is no JSON.
fn result(json: &[u8], id: &Value) -> Result<Written, Error> {
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
fn call_error(error: &Error, id: &Value) -> Written {
    let code = match error.kind {
        Kind::Unauthenticated if !error.sign_in => SESSION_EXPIRED,
        Kind::NoSuchOperation | Kind::MethodNotAllowed => -32601,
        Kind::Invalid => match error.code {
            Some(Code::InvalidJson) => -32700,
            Some(code) if code.is_of_parameters() => -32602,
            Some(_) | None => 1,
        },
        Kind::Internal => -32603,
        Kind::NotFound
        | Kind::Conflict
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::PreconditionFailed
        | Kind::TooLarge
        | Kind::UnsupportedType
        | Kind::TooManyRequests
        | Kind::Unavailable => 1,
    };
    // The status is what the same refusal has elsewhere in this API: more than the two codes say.
    let mut data = json!({"detailedMessage": error.message, "status": status(error.kind)});
    if error.code.is_some() {
        data["detail"] = json!(error.sentence());
    }
    let error = json!({"code": code, "message": error.message, "data": data});
    Written {
        status: 200,
        body: json!({"id": id, "apiVersion": "1.0", "jsonrpc": "2.0", "error": error})
            .to_string()
            .into_bytes(),
    }
}

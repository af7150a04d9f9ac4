//! The application API of PingID (002): every answer is `{"responseBody":{…}}`, signed as a compact
//! JWS whenever it is known with whose key, raw where it is not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::base::error::{Error, Kind};
use crate::base::id::random_bytes;
use crate::http::dialect::Dialect;
use crate::http::dialect::answer::{Closing, Written, status};
use crate::http::reply::Success;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct PingId;

impl Dialect for PingId {
    fn name(&self) -> &'static str {
        "pingid"
    }

    fn success(
        &self,
        _success: Success,
        json: &[u8],
        closing: &Closing<'_>,
    ) -> Result<Written, Error> {
        self::success(json, closing)
    }

    fn error(&self, error: &Error, closing: &Closing<'_>) -> Written {
        self::error(error, closing)
    }
}

/// A success: what the operation gives beside the four fields that every answer has.
///
/// # Errors
/// Internal for a view that is no JSON object.
fn success(json: &[u8], closing: &Closing<'_>) -> Result<Written, Error> {
    let fields: Map<String, Value> = serde_json::from_slice(json).map_err(Error::internal)?;
    written(200, 200, &Value::Null, fields, closing)
}

/// `Failed transaction. Please retry.`
const RETRY: i32 = 10551;

/// An error. The class is the HTTP status, the code the document's: 400 for what is wrong with the
/// request, 10551 for what changed nothing and may succeed when it is sent again. For what the
/// document has no code for, the status stands there too.
fn error(error: &Error, closing: &Closing<'_>) -> Written {
    let (http, id) = match error.kind {
        Kind::Unauthenticated | Kind::Forbidden => (403, 403),
        // Unknown and duplicate ids too: nothing else is documented.
        Kind::Invalid | Kind::NotFound => (400, 400),
        Kind::Conflict | Kind::PreconditionFailed => (400, RETRY),
        Kind::Unavailable => (503, RETRY),
        kind @ (Kind::NoSuchOperation
        | Kind::MethodNotAllowed
        | Kind::TooLarge
        | Kind::UnsupportedType
        | Kind::TooManyRequests
        | Kind::Internal) => (status(kind), i32::from(status(kind))),
    };
    let message = match error.kind {
        Kind::Invalid | Kind::NotFound => format!("Invalid input. {}", error.line()),
        Kind::Conflict | Kind::PreconditionFailed | Kind::Unavailable => {
            format!("Failed transaction. Please retry. {}", error.line())
        }
        Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NoSuchOperation
        | Kind::MethodNotAllowed
        | Kind::TooLarge
        | Kind::UnsupportedType
        | Kind::TooManyRequests
        | Kind::Internal => error.line(),
    };
    let made = written(http, id, &Value::String(message), Map::new(), closing);
    made.unwrap_or_else(|_| Written {
        status: 500,
        body: br#"{"responseBody":{"errorId":500,"errorMsg":"internal error"}}"#.to_vec(),
    })
}

fn written(
    http: u16,
    id: i32,
    message: &Value,
    fields: Map<String, Value>,
    closing: &Closing<'_>,
) -> Result<Written, Error> {
    let unique = format!("webs_{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
    tracing::info!(
        unique_msg_id = unique,
        error_id = id,
        "a message was answered"
    );
    let mut body = json!({"clientData": closing.echo, "errorId": id, "errorMsg": message});
    if let Value::Object(body) = &mut body {
        body.extend(fields);
        body.insert("uniqueMsgId".to_owned(), Value::String(unique));
    }
    let payload = json!({"responseBody": body});
    let text = match closing.signer {
        Some(sign) => sign(&payload)?,
        None => payload.to_string(),
    };
    Ok(Written {
        status: http,
        body: text.into_bytes(),
    })
}

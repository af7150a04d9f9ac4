//! The v2 paths of alerts: the v1 envelope, errors with the words of that platform's middleware
//! beside its own.

use serde_json::json;

use crate::base::error::{Error, Kind};
use crate::http::dialect::answer::{Closing, Written};
use crate::http::dialect::{Dialect, rhmap};
use crate::http::reply::Success;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct RhmapMbaas;

impl Dialect for RhmapMbaas {
    fn name(&self) -> &'static str {
        "rhmap-mbaas"
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
        mbaas_error(error)
    }
}

/// An error of the v2 paths of alerts: what the middleware behind them said, and the v1 envelope's
/// words.
fn mbaas_error(error: &Error) -> Written {
    let written = rhmap::error(error);
    let Ok(serde_json::Value::Object(mut body)) = serde_json::from_slice(&written.body) else {
        return written;
    };
    // The words that scripts look for.
    let detail = if error.kind == Kind::NotFound {
        "no alert with that id found"
    } else {
        error.message.as_ref()
    };
    body.insert("userDetail".to_owned(), json!(detail));
    body.insert("systemDetail".to_owned(), json!(detail));
    body.insert("code".to_owned(), json!(written.status));
    Written {
        body: serde_json::Value::Object(body).to_string().into_bytes(),
        ..written
    }
}

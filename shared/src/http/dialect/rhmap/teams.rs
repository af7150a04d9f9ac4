//! The v2 envelope of teams: bare JSON, errors as `{"error":{"error":M}}` (003 9.2 to 9.5).

use serde_json::json;

use crate::base::error::Error;
use crate::http::dialect::Dialect;
use crate::http::dialect::answer::{Closing, Written, status};
use crate::http::reply::Success;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct RhmapTeams;

impl Dialect for RhmapTeams {
    fn name(&self) -> &'static str {
        "rhmap-teams"
    }

    fn success(
        &self,
        _success: Success,
        json: &[u8],
        _closing: &Closing<'_>,
    ) -> Result<Written, Error> {
        Ok(Written {
            status: 200,
            body: json.to_vec(),
        })
    }

    fn error(&self, error: &Error, _closing: &Closing<'_>) -> Written {
        teams_error(error)
    }
}

/// The v2 envelope's error, nested (003 9.2.5.2). Where there is a code, the sentence for people is
/// `detail`.
fn teams_error(error: &Error) -> Written {
    let mut body = json!({"error": {"error": error.message}});
    if error.code.is_some() {
        body["error"]["detail"] = json!(error.sentence());
    }
    Written {
        status: status(error.kind),
        body: body.to_string().into_bytes(),
    }
}

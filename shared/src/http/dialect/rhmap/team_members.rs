//! The v2 envelope of the removal and the members of a team: errors as `{"error":M}` (003 9.6 to
//! 9.8).

use serde_json::json;

use crate::base::error::Error;
use crate::http::dialect::Dialect;
use crate::http::dialect::answer::{Closing, Written, status};
use crate::http::reply::Success;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct RhmapTeamMembers;

impl Dialect for RhmapTeamMembers {
    fn name(&self) -> &'static str {
        "rhmap-team-members"
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
        team_members_error(error)
    }
}

/// The v2 envelope's error, flat (003 9.6.5.2). Where there is a code, the sentence for people is
/// `detail`.
fn team_members_error(error: &Error) -> Written {
    let mut body = json!({"error": error.message});
    if error.code.is_some() {
        body["detail"] = json!(error.sentence());
    }
    Written {
        status: status(error.kind),
        body: body.to_string().into_bytes(),
    }
}

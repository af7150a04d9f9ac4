//! RHMAP's v1 envelope (003): `"status":"ok"` beside the view; errors as
//! `{"status":"error","message":M,"msg":M}`.

pub mod views;

use serde_json::json;

use crate::base::error::{Error, Kind};
use crate::http::dialect::answer::{Written, status};
use crate::http::reply::Success;

/// A view's object with `"status":"ok"` put in front of its fields.
pub fn success(success: Success, view: &[u8]) -> Written {
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
pub fn error(error: &Error) -> Written {
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

/// `$fh.auth`: the client libraries look into a 200 for `"status":"error"`, so a refused sign-in is
/// one. What is not an answer to the sign-in itself keeps its status.
pub fn sdk_error(error: &Error) -> Written {
    let answer = matches!(
        error.kind,
        Kind::Unauthenticated | Kind::Forbidden | Kind::NotFound | Kind::Invalid
    );
    let mut body = json!({"status": "error", "message": error.message, "msg": error.message});
    if error.code.is_some() {
        body["detail"] = json!(error.sentence());
    }
    Written {
        status: if answer { 200 } else { status(error.kind) },
        body: body.to_string().into_bytes(),
    }
}

/// The v2 envelope's error, nested (003 9.2.5.2).
pub fn teams_error(error: &Error) -> Written {
    Written {
        status: status(error.kind),
        body: json!({"error": {"error": error.message}})
            .to_string()
            .into_bytes(),
    }
}

/// The v2 envelope's error, flat (003 9.6.5.2).
pub fn team_members_error(error: &Error) -> Written {
    Written {
        status: status(error.kind),
        body: json!({"error": error.message}).to_string().into_bytes(),
    }
}

/// An error of the v2 paths of alerts: what the middleware behind them said, and the v1 envelope's
/// words.
pub fn mbaas_error(error: &Error) -> Written {
    let written = self::error(error);
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

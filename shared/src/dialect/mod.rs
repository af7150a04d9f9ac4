//! The dialects: how each spells success and each meaning of an error. One file each.

pub mod rhmap;

use lambda_http::{Body, Response};

use crate::error::Error;
use crate::reply::{Content, Reply};

/// A dialect, or a form of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RHMAP's v1 envelope: `{"status":"ok",…}`.
    Rhmap,
    /// The same for `$fh.auth`, whose clients expect 200 with `"status":"error"`.
    RhmapSdk,
    /// The v2 envelope of teams: bare JSON, errors as `{"error":{"error":M}}` (003 9.2 to 9.5).
    RhmapTeams,
    /// The same for the removal and the members of a team: errors as `{"error":M}` (003 9.6 to 9.8).
    RhmapTeamMembers,
}

/// What a dialect writes: status, content type and body of a JSON answer.
pub struct Written {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Dialect {
    fn success(self, reply: &Reply, json: &[u8]) -> Written {
        match self {
            Self::Rhmap | Self::RhmapSdk => rhmap::success(reply.success, json),
            Self::RhmapTeams | Self::RhmapTeamMembers => Written { status: 200, body: json.to_vec() },
        }
    }

    fn error(self, error: &Error) -> Written {
        match self {
            Self::Rhmap => rhmap::error(error),
            Self::RhmapSdk => rhmap::sdk_error(error),
            Self::RhmapTeams => rhmap::teams_error(error),
            Self::RhmapTeamMembers => rhmap::team_members_error(error),
        }
    }

    /// The answer in this dialect. `is_get` decides how a redirect is spelled: a POST must become a GET.
    pub fn close(self, outcome: &Result<Reply, Error>, is_get: bool) -> Response<Body> {
        let mut response = Response::builder().header("x-content-type-options", "nosniff").header("cache-control", "no-store");
        let built = match outcome {
            Err(error) => {
                let written = self.error(error);
                response.status(written.status).header("content-type", JSON).body(text(written.body))
            }
            Ok(reply) => {
                for (name, value) in &reply.headers {
                    response = response.header(*name, value);
                }
                if let Some(cookie) = &reply.cookie {
                    response = response.header("set-cookie", cookie);
                }
                match &reply.content {
                    Content::Json(json) => {
                        let written = self.success(reply, json);
                        response.status(written.status).header("content-type", JSON).body(text(written.body))
                    }
                    Content::BareJson(json) => response.status(200).header("content-type", JSON).body(text(json.clone())),
                    Content::Bytes { content_type, bytes } if content_type.starts_with("text/") || content_type.ends_with("xml") => {
                        response.status(200).header("content-type", *content_type).body(text(bytes.clone()))
                    }
                    Content::Bytes { content_type, bytes } => response.status(200).header("content-type", *content_type).body(Body::Binary(bytes.clone())),
                    Content::Redirect(url) => response.status(if is_get { 302 } else { 303 }).header("location", url).body(Body::Empty),
                    Content::Empty => response.status(204).body(Body::Empty),
                }
            }
        };
        built.unwrap_or_else(|error| {
            tracing::error!(%error, "an answer could not be built");
            let mut fallback = Response::new(text(self.error(&Error::internal("")).body));
            *fallback.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            fallback
        })
    }
}

const JSON: &str = "application/json; charset=utf-8";

/// Text passes the gateway as text, which is shorter than base64.
fn text(bytes: Vec<u8>) -> Body {
    match String::from_utf8(bytes) {
        Ok(text) => Body::Text(text),
        Err(bytes) => Body::Binary(bytes.into_bytes()),
    }
}

//! The dialects: how each spells success and each meaning of an error. One file each.

pub mod answer;
pub mod apperian;
pub mod pingid;
pub mod rhmap;
pub mod wso2;
pub mod wso2_views;

use lambda_http::{Body, Response};

use crate::base::conditions::{Validators, Verdict, http_date};
use crate::base::error::Error;
use crate::http::dialect::answer::{Closing, Written};
use crate::http::reply::{Content, Reply};

/// A dialect, or a form of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RHMAP's v1 envelope: `{"status":"ok",…}`.
    Rhmap,
    /// The same for `$fh.auth`, whose clients expect 200 with `"status":"error"`.
    RhmapSdk,
    /// The v2 envelope of teams: bare JSON, errors as `{"error":{"error":M}}` (003 9.2 to 9.5).
    RhmapTeams,
    /// The same for the removal and the members of a team: errors as `{"error":M}` (003 9.6 to
    /// 9.8).
    RhmapTeamMembers,
    /// The v2 paths of alerts: the v1 envelope, errors with the words of that platform's middleware
    /// beside its own.
    RhmapMbaas,
    /// The publisher API of WSO2 App Manager: bare JSON, conditional requests (001).
    Wso2,
    /// OAuth 2.0's tokens (RFC 6749).
    OAuth,
    /// The Apperian API: bare JSON, errors as `{"error":{"code","message"}}` (000).
    Apperian,
    /// Its older calls, JSON-RPC 2.0.
    ApperianCalls,
    /// The application API of PingID: signed messages (002).
    PingId,
}

impl Dialect {
    fn success(self, reply: &Reply, json: &[u8], closing: &Closing<'_>) -> Result<Written, Error> {
        Ok(match self {
            Self::Wso2 | Self::OAuth => Written {
                status: wso2::success(reply.success, closing.create_status),
                body: json.to_vec(),
            },
            Self::Rhmap | Self::RhmapSdk | Self::RhmapMbaas => rhmap::success(reply.success, json),
            Self::RhmapTeams | Self::RhmapTeamMembers => Written {
                status: 200,
                body: json.to_vec(),
            },
            Self::Apperian => Written {
                status: apperian::success(reply.success),
                body: json.to_vec(),
            },
            Self::ApperianCalls => apperian::result(json, closing.echo)?,
            Self::PingId => pingid::success(json, closing)?,
        })
    }

    fn error(self, error: &Error, closing: &Closing<'_>) -> Written {
        match self {
            Self::Rhmap => rhmap::error(error),
            Self::RhmapSdk => rhmap::sdk_error(error),
            Self::RhmapTeams => rhmap::teams_error(error),
            Self::RhmapTeamMembers => rhmap::team_members_error(error),
            Self::RhmapMbaas => rhmap::mbaas_error(error),
            Self::Wso2 => wso2::error(error),
            Self::OAuth => wso2::oauth_error(error),
            Self::Apperian => apperian::error(error),
            Self::ApperianCalls => apperian::call_error(error, closing.echo),
            Self::PingId => pingid::error(error, closing),
        }
    }

    /// Whether answers carry `ETag` and `Last-Modified`, and readings may be answered by 304.
    fn is_conditional(self) -> bool {
        self == Self::Wso2
    }

    /// How whoever has no credential may get in.
    fn challenge(self, closing: &Closing<'_>) -> Option<&'static str> {
        match self {
            Self::Wso2 => Some(wso2::challenge(closing.by_password)),
            Self::OAuth => Some(wso2::challenge(true)),
            Self::Rhmap
            | Self::RhmapSdk
            | Self::RhmapTeams
            | Self::RhmapTeamMembers
            | Self::RhmapMbaas
            | Self::Apperian
            | Self::ApperianCalls
            | Self::PingId => None,
        }
    }

    /// Judges a reading by its conditions, and notes the state of what an answer shows.
    ///
    /// # Errors
    /// Precondition failed.
    pub fn judge(self, reply: Reply, closing: &Closing<'_>) -> Result<(Reply, Verdict), Error> {
        // What a secret is told in has no tag made of it.
        if (!self.is_conditional() || closing.by_password) && reply.max_age.is_none() {
            return Ok((reply, Verdict::Go));
        }
        let mut reply = reply;
        if reply.validators.is_none() {
            reply.validators = match &reply.content {
                Content::Json(bytes) | Content::BareJson(bytes) | Content::Bytes { bytes, .. } => {
                    Some(Validators::of_content(bytes))
                }
                Content::Redirect(_) | Content::SeeOther(_) | Content::Empty => None,
            };
        }
        let verdict = match &reply.validators {
            Some(validators) if closing.is_get => closing.conditions.judge_reading(validators)?,
            _ => Verdict::Go,
        };
        Ok((reply, verdict))
    }

    /// The answer in this dialect. Whether it reads decides how a redirect is spelled: a POST must
    /// become a GET.
    pub fn close(self, outcome: Result<Reply, Error>, closing: &Closing<'_>) -> Response<Body> {
        let mut response = Response::builder().header("x-content-type-options", "nosniff");
        // What a client keeps it must ask about each time; what has no entity tag it must not keep.
        let caching = if self.is_conditional() && closing.is_get && outcome.is_ok() {
            "private, no-cache"
        } else {
            "no-store"
        };
        let kept = outcome
            .as_ref()
            .ok()
            .and_then(|reply| reply.max_age)
            .map(|seconds| format!("public, max-age={seconds}"));
        response = response.header("cache-control", kept.as_deref().unwrap_or(caching));
        if self == Self::OAuth {
            response = response.header("pragma", "no-cache");
        }
        let outcome = outcome.and_then(|reply| self.judge(reply, closing));
        let built = match outcome {
            Err(error) => {
                let written = self.error(&error, closing);
                if let (401, Some(challenge)) = (written.status, self.challenge(closing)) {
                    response = response.header("www-authenticate", challenge);
                }
                response
                    .status(written.status)
                    .header("content-type", JSON)
                    .body(text(written.body))
            }
            Ok((reply, verdict)) => {
                if let Some(validators) = &reply.validators {
                    response = response.header("etag", &validators.etag);
                    if let Some(modified) = validators.modified {
                        response = response.header("last-modified", http_date(modified));
                    }
                }
                if verdict == Verdict::NotModified {
                    response.status(304).body(Body::Empty)
                } else {
                    self.whole(response, reply, closing)
                }
            }
        };
        built.unwrap_or_else(|error| {
            tracing::error!(%error, "an answer could not be built");
            let mut fallback = Response::new(text(self.error(&Error::internal(""), closing).body));
            *fallback.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            fallback
        })
    }

    fn whole(
        self,
        mut response: http::response::Builder,
        reply: Reply,
        closing: &Closing<'_>,
    ) -> http::Result<Response<Body>> {
        for (name, value) in &reply.headers {
            response = response.header(*name, value);
        }
        if let Some(cookie) = &reply.cookie {
            response = response.header("set-cookie", cookie);
        }
        match &reply.content {
            Content::Json(json) => {
                let written = self.success(&reply, json, closing).unwrap_or_else(|error| {
                    tracing::error!(%error, cause = error.cause.as_deref().unwrap_or_default(), "an answer could not be written");
                    self.error(&error, closing)
                });
                response
                    .status(written.status)
                    .header("content-type", JSON)
                    .body(text(written.body))
            }
            Content::BareJson(json) => response
                .status(200)
                .header("content-type", JSON)
                .body(text(json.clone())),
            Content::Bytes {
                content_type,
                bytes,
            } if content_type.starts_with("text/") || content_type.ends_with("xml") => response
                .status(200)
                .header("content-type", content_type.as_ref())
                .body(text(bytes.clone())),
            Content::Bytes {
                content_type,
                bytes,
            } => response
                .status(200)
                .header("content-type", content_type.as_ref())
                .body(Body::Binary(bytes.clone())),
            Content::Redirect(url) => response
                .status(if closing.is_get { 302 } else { 303 })
                .header("location", url)
                .body(Body::Empty),
            Content::SeeOther(url) => response
                .status(303)
                .header("location", url)
                .body(Body::Empty),
            // The publisher API says 200 without a body; a client of its may know no 204.
            Content::Empty => response
                .status(if self == Self::Wso2 || self == Self::OAuth {
                    200
                } else {
                    204
                })
                .body(Body::Empty),
        }
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

//! The dialects: how each spells success and each meaning of an error. One file each.
//!
//! A new dialect is one file that implements [`Dialect`], its `pub mod` line here, and in the route
//! table its `use` line and its rows. Nothing else asks which dialect it is.

pub mod answer;
pub mod apperian;
pub mod apperian_calls;
pub mod oauth;
pub mod pingid;
pub mod rhmap;
pub mod wso2;
pub mod wso2_views;

use std::fmt;

use lambda_http::{Body, Response};

use crate::base::conditions::{Validators, Verdict, http_date};
use crate::base::error::Error;
use crate::base::rights::Permission;
use crate::base::secret::CredentialText;
use crate::http::dialect::answer::{Closing, Written};
use crate::http::incoming::Incoming;
use crate::http::presented::{self, Presented};
use crate::http::reply::{Content, Reply, Success};

/// A dialect, or a form of one: how it spells what operations give back. One file implements it;
/// the rows of the route table that speak it name it.
pub trait Dialect: Sync {
    /// Its name, by which two are told apart.
    fn name(&self) -> &'static str;

    /// The answer for a success that shows `json`, an object.
    ///
    /// # Errors
    /// Internal for a view that the dialect cannot put into its envelope.
    fn success(
        &self,
        success: Success,
        json: &[u8],
        closing: &Closing<'_>,
    ) -> Result<Written, Error>;

    /// The answer for an error.
    fn error(&self, error: &Error, closing: &Closing<'_>) -> Written;

    /// What `WWW-Authenticate` says beside a 401: how a caller without a credential may get in.
    fn challenge(&self, _closing: &Closing<'_>) -> Option<&'static str> {
        None
    }

    /// Which of the presented credentials counts on a row with that permission, and whether it
    /// came in a cookie.
    fn choose_credential(
        &self,
        presented: &Presented,
        permission: Permission,
    ) -> Option<(CredentialText, bool)> {
        presented::choose_by(presented, permission)
    }

    /// Takes the envelope off a request, where the dialect has one that says nothing of who sent
    /// it. What is wrong with it is told when the operation parses its input.
    fn unwrap_envelope(&self, _incoming: &mut Incoming) {}

    /// Whether answers carry `ETag` and `Last-Modified`, and readings may be answered by 304.
    fn is_conditional(&self) -> bool {
        false
    }

    /// The status of an answer without content.
    fn empty_status(&self) -> u16 {
        204
    }

    /// Headers that every answer has.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

impl fmt::Debug for dyn Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for dyn Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Dialect {}

impl dyn Dialect {
    /// Judges a reading by its conditions, and notes the state of what an answer shows.
    ///
    /// # Errors
    /// Precondition failed.
    pub fn judge(&self, reply: Reply, closing: &Closing<'_>) -> Result<(Reply, Verdict), Error> {
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
    pub fn close(&self, outcome: Result<Reply, Error>, closing: &Closing<'_>) -> Response<Body> {
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
        for (name, value) in self.headers() {
            response = response.header(*name, *value);
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
        &self,
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
                let written = self
                    .success(reply.success, json, closing)
                    .unwrap_or_else(|error| {
                        tracing::error!(
                            %error,
                            cause = error.cause.as_deref().unwrap_or_default(),
                            "an answer could not be written"
                        );
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
            Content::Empty => response.status(self.empty_status()).body(Body::Empty),
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

//! The HTTP server: one address for the API, the storage's signed requests, and `/local/*`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming as Body;
use shared::services::context::Context;
use shared::services::mail::Outbox;

use crate::event::{self, Incoming, MAX_FUNCTION, MAX_GATEWAY, gateway_answer};
use crate::functions::Functions;
use crate::local;

/// The longest that the gateway waits for a function.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is taken without AWS's limits, so that the server's memory stays bounded.
const UNLIMITED: usize = 256 * 1024 * 1024;

/// What answers.
#[derive(Clone)]
pub struct Gateway {
    /// The functions.
    pub functions: Functions,
    /// What `/local/*` works with.
    pub context: Context,
    /// This server's address, as clients write it.
    pub base_url: String,
    /// What would have been mailed; `None` where mail is really sent.
    pub outbox: Option<Outbox>,
    /// Whether what AWS would refuse is refused.
    pub aws_limits: bool,
}

impl Gateway {
    /// Answers one request of the API or of `/local/*`.
    pub async fn answer(&self, request: Request<Body>, peer: SocketAddr) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let limit = if self.aws_limits {
            MAX_GATEWAY
        } else {
            UNLIMITED
        };
        let body = match whole(body, limit).await {
            Ok(Some(body)) => body,
            Ok(None) => return gateway_answer(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long"),
            Err(_) => return gateway_answer(StatusCode::BAD_REQUEST, "Bad Request"),
        };
        let incoming = Incoming {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body,
            source: peer.ip().to_canonical().to_string(),
        };
        if incoming.path.starts_with("/local/") {
            return local::serve(
                &self.context,
                &self.base_url,
                self.outbox.as_ref(),
                &incoming,
            )
            .await;
        }
        self.dispatch(&incoming).await
    }

    /// Sends a request to its function, as API Gateway would.
    pub async fn dispatch(&self, incoming: &Incoming) -> Response<Bytes> {
        let Some((name, service)) = self.functions.of_path(&incoming.path) else {
            return gateway_answer(StatusCode::NOT_FOUND, "Not Found");
        };
        // A gateway is reached by its name: what is none would be the end of the function's
        // adapter.
        if !has_one_host(incoming) {
            return gateway_answer(StatusCode::BAD_REQUEST, "Bad Request");
        }
        let event = event::event(incoming);
        if self.aws_limits && event.to_string().len() > MAX_FUNCTION {
            return gateway_answer(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
        }
        // On its own task: a panic of a function is an answer, not an outage.
        let patience = if self.aws_limits {
            TIMEOUT
        } else {
            Duration::MAX
        };
        let invoked = tokio::spawn(tokio::time::timeout(
            patience,
            event::invoke(service, event),
        ));
        let response = match invoked.await {
            Ok(Ok(Ok(response))) => response,
            Ok(Err(_)) => {
                return gateway_answer(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
            }
            other => {
                tracing::error!(function = name, ?other, "a function failed");
                return gateway_answer(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
            }
        };
        if self.aws_limits && response.to_string().len() > MAX_FUNCTION {
            tracing::error!(
                function = name,
                "an answer is larger than a function can give"
            );
            return gateway_answer(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        }
        event::answer(&response)
    }
}

/// Whether a request names at most one host, and one that an address can have.
fn has_one_host(incoming: &Incoming) -> bool {
    let mut hosts = incoming.headers.get_all(http::header::HOST).iter();
    let sound = |host: &http::HeaderValue| {
        host.to_str()
            .is_ok_and(|host| url::Url::parse(&format!("http://{host}/")).is_ok())
    };
    hosts.next().is_none_or(sound) && hosts.next().is_none()
}

/// A request's body, if it is not longer than that. What is too long is taken in and thrown away:
/// many clients send everything before they look for an answer, and to them a connection that is
/// closed meanwhile is no answer.
async fn whole(mut body: Body, limit: usize) -> Result<Option<Bytes>, hyper::Error> {
    let (mut kept, mut length) = (Vec::new(), 0);
    while length <= UNLIMITED
        && let Some(frame) = body.frame().await
    {
        if let Ok(bytes) = frame?.into_data() {
            length += bytes.len();
            if length <= limit {
                kept.extend_from_slice(&bytes);
            } else {
                kept = Vec::new();
            }
        }
    }
    Ok((length <= limit).then(|| Bytes::from(kept)))
}

/// The body of an answer, whoever gave it.
pub type AnswerBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// An answer whose body is at hand.
pub fn boxed(response: Response<Bytes>) -> Response<AnswerBody> {
    response.map(|bytes| {
        Full::new(bytes)
            .map_err(|never: Infallible| match never {})
            .boxed_unsync()
    })
}

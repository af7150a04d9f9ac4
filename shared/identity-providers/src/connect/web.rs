//! Requests of HTTP: one connection each, no redirects, a bounded answer.

use http::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use url::Url;

use super::dial::{Connector, Stream};
use super::outcome::Failure;
use crate::endpoint::{host_of, web};

/// The most bytes of an answer's body.
pub(super) const MOST_BODY: usize = 1 << 20;

/// The most bytes of an answer's head.
const MOST_HEAD: usize = 64 << 10;

impl Connector {
    /// The answer to a request whose URL is judged first, wherever it came from.
    pub(super) async fn ask(
        &self,
        request: http::Request<Vec<u8>>,
        most: usize,
    ) -> Result<http::Response<Vec<u8>>, Failure> {
        let (mut head, body) = request.into_parts();
        let url = web(&head.uri.to_string(), self.reach)
            .map_err(|reason| Failure::Misconfigured(format!("{} {reason}", head.uri)))?;
        let host = host_of(&url).map_err(Failure::Misconfigured)?;
        let port = url.port_or_known_default().unwrap_or(443);

        let invalid = |_| Failure::Misconfigured(format!("{url} makes no request"));
        let named = &url[url::Position::BeforeHost..url::Position::AfterPort];
        head.headers
            .insert(HOST, HeaderValue::from_str(named).map_err(|_| invalid(()))?);
        head.headers
            .insert(CONNECTION, HeaderValue::from_static("close"));
        head.headers
            .insert(USER_AGENT, HeaderValue::from_static("appdepot"));
        head.uri = url[url::Position::BeforePath..url::Position::AfterQuery]
            .parse()
            .map_err(|_| invalid(()))?;
        head.version = http::Version::HTTP_11;
        let request = http::Request::from_parts(head, Full::new(Bytes::from(body)));

        let stream = self.dial(&host, port).await?;
        let answer = match url.scheme() {
            "https" => exchange(self.encrypt(&host, stream, &[]).await?, request, most).await,
            _ => exchange(stream, request, most).await,
        };
        answer.map_err(|error| Failure::Unreachable(format!("{}: {error}", place(&url))))
    }
}

/// A URL without its query, which may hold what no log should show.
fn place(url: &Url) -> &str {
    &url[..url::Position::AfterPath]
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(
    stream: impl Stream + 'static,
    request: http::Request<Full<Bytes>>,
    most: usize,
) -> Result<http::Response<Vec<u8>>, BoxError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MOST_HEAD)
        .handshake(TokioIo::new(stream))
        .await?;
    let answer = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, most).collect().await?.to_bytes();
        Ok(http::Response::from_parts(head, body.to_vec()))
    };
    // The connection is driven here and not in a task: when the caller's time is up, both are gone.
    let (mut answer, mut connection) = (std::pin::pin!(answer), std::pin::pin!(connection));
    tokio::select! {
        answer = &mut answer => answer,
        // The answer may be all there when the connection ends; if not, it says why.
        _ = &mut connection => answer.await,
    }
}

//! `/local/*`: what stands in for a mailbox, a scheduler and an operator's hands. Answered to this
//! machine alone.

use std::net::IpAddr;

use askama::Template;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::base::error::Kind;
use shared::domain::people::tenant;
use shared::domain::people::tenant::NewTenant;
use shared::services::context::Context;
use shared::services::mail::{Outbox, OutboxMail};

use crate::clients;
use crate::event::Incoming;

fn json_answer(status: u16, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    response
}

fn is_loopback_host(host: &str) -> bool {
    let name = host
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or_else(
            || host.rsplit_once(':').map_or(host, |(name, _)| name),
            |(name, _)| name,
        );
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Peer and `Host` must be this machine, and no page of another origin may ask: a browser here must
/// not be a way in.
fn is_local(request: &Incoming) -> bool {
    let header =
        |name: &str| HeaderMap::get(&request.headers, name).and_then(|value| value.to_str().ok());
    let peer = request
        .source
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    let host = header("host").is_some_and(is_loopback_host);
    let origin = match header("origin") {
        None => true,
        Some(origin) => origin
            .split_once("://")
            .is_some_and(|(_, host_of_origin)| Some(host_of_origin) == header("host")),
    };
    peer && host && origin
}

/// Answers a request under `/local/`.
pub async fn serve(
    context: &Context,
    base_url: &str,
    outbox: Option<&Outbox>,
    request: &Incoming,
) -> Response<Bytes> {
    if !is_local(request) {
        return json_answer(403, &json!({"message": "only for this machine"}));
    }
    let is_json = request
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    match (&request.method, request.path.as_str()) {
        (&Method::GET, "/local/mail") => mail(outbox, request),
        (&Method::POST, _) if !is_json && !request.body.is_empty() => {
            json_answer(415, &json!({"message": "JSON only"}))
        }
        (&Method::POST, "/local/tenants") => make_tenant(context, base_url, &request.body).await,
        (&Method::POST, "/local/schedule/housekeeping") => {
            match housekeeping::handle(context.clone(), Value::Null).await {
                Ok(done) => json_answer(200, &json!(done)),
                Err(error) => failed(&error),
            }
        }
        (&Method::POST, "/local/schedule/alert-evaluation") => {
            match alert_evaluation::handle(context.clone(), Value::Null).await {
                Ok(done) => json_answer(200, &json!(done)),
                Err(error) => failed(&error),
            }
        }
        (&Method::POST, "/local/event-bus") => match serde_json::from_slice::<Value>(&request.body)
        {
            Err(error) => json_answer(400, &json!({"message": error.to_string()})),
            Ok(event) => match event_received::handle(context.clone(), event).await {
                Ok(done) => json_answer(200, &json!(done)),
                Err(error) => failed(&error),
            },
        },
        _ => json_answer(404, &json!({"message": "there is no such local operation"})),
    }
}

fn failed(error: &shared::base::error::Error) -> Response<Bytes> {
    let status = match error.kind {
        Kind::Invalid => 400,
        Kind::Conflict => 409,
        _ => 500,
    };
    tracing::info!(
        %error,
        cause = error.cause.as_deref().unwrap_or_default(),
        "a local operation failed"
    );
    json_answer(status, &json!({"message": error.line()}))
}

#[derive(Template)]
#[template(path = "mails.html")]
struct MailPage {
    mails: Vec<OutboxMail>,
}

/// What would have been mailed, newest first.
fn mail(outbox: Option<&Outbox>, request: &Incoming) -> Response<Bytes> {
    let mails = outbox.map(Outbox::mails).unwrap_or_default();
    let wants_json = request
        .headers
        .get("accept")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"));
    if wants_json {
        return json_answer(200, &json!(mails));
    }
    let page = match (MailPage { mails }).render() {
        Ok(page) => page,
        Err(error) => return failed(&shared::base::error::Error::internal(error)),
    };
    let mut response = Response::new(Bytes::from(page));
    response.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response
}

async fn make_tenant(context: &Context, base_url: &str, body: &[u8]) -> Response<Bytes> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        name: String,
        admin_email: String,
        admin_password: String,
    }
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return json_answer(
            400,
            &json!({"message": "name, adminEmail and adminPassword are needed"}),
        );
    };
    let made = async {
        let new = NewTenant {
            name: &body.name,
            admin_email: &body.admin_email,
            admin_password: &body.admin_password,
        };
        let made =
            tenant::create(&*context.table, context.sealer()?, new, context.clock.now()).await?;
        let clients =
            clients::make(context, &body.name, &made.admin, base_url, &clients::FILES).await?;
        Ok::<_, shared::base::error::Error>((made, clients))
    };
    match made.await {
        Ok((made, clients)) => json_answer(
            200,
            &json!({"name": body.name, "handle": made.tenant_id, "clients": clients}),
        ),
        Err(error) => failed(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        let request = |source: &str, host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert("host", http::HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert("origin", http::HeaderValue::from_static(origin));
            }
            Incoming {
                method: Method::GET,
                path: "/local/mail".to_owned(),
                query: String::new(),
                headers,
                body: Bytes::new(),
                source: source.to_owned(),
            }
        };
        assert!(is_local(&request("127.0.0.1", "127.0.0.1:4000", None)));
        assert!(is_local(&request("::1", "[::1]:4000", None)));
        assert!(is_local(&request(
            "127.0.0.1",
            "localhost:4000",
            Some("http://localhost:4000")
        )));
        assert!(!is_local(&request("10.0.0.7", "127.0.0.1:4000", None)));
        assert!(!is_local(&request("127.0.0.1", "evil.example:4000", None)));
        assert!(!is_local(&request(
            "127.0.0.1",
            "127.0.0.1.evil.example:4000",
            None
        )));
        assert!(!is_local(&request(
            "127.0.0.1",
            "127.0.0.1:4000",
            Some("https://evil.example")
        )));
    }
}

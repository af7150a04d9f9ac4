//! HTTP requests as the events that API Gateway's HTTP API sends (payload format 2.0), and back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Context, LambdaEvent};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use shared::http::pipeline::Service;

/// The most that a function takes in or gives out: 6 MB, counted on the event.
pub const MAX_FUNCTION: usize = 6 * 1024 * 1024;

/// The most that the gateway takes: 10 MB.
pub const MAX_GATEWAY: usize = 10 * 1024 * 1024;

/// A request to be sent to a function.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The method.
    pub method: Method,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The client's address.
    pub source: String,
}

/// API Gateway decodes text bodies and sends everything else as base64.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    content_type.starts_with("text/")
        || ["json", "xml", "javascript", "x-www-form-urlencoded"]
            .iter()
            .any(|word| content_type.contains(word))
}

/// The event of a request.
pub fn event(request: &Incoming) -> Value {
    let mut headers = Map::new();
    let mut cookies = Vec::new();
    for name in request.headers.keys() {
        let values: Vec<&str> = request
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        if name == "cookie" {
            cookies.extend(
                values
                    .iter()
                    .flat_map(|line| line.split(';'))
                    .map(|pair| pair.trim().to_owned())
                    .filter(|pair| !pair.is_empty()),
            );
        } else {
            headers.insert(name.as_str().to_owned(), Value::String(values.join(",")));
        }
    }
    let mut parameters = Map::new();
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        let (name, value) = (decode(name), decode(value));
        let value = match parameters.get(&name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value,
        };
        parameters.insert(name, Value::String(value));
    }
    let host = request
        .headers
        .get("host")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let text = is_text(&request.headers)
        .then(|| std::str::from_utf8(&request.body).ok())
        .flatten();
    let body = match text {
        _ if request.body.is_empty() => Value::Null,
        Some(text) => Value::String(text.to_owned()),
        None => Value::String(STANDARD.encode(&request.body)),
    };
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": request.method.as_str(),
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.source,
                "userAgent": headers
                    .get("user-agent")
                    .cloned()
                    .unwrap_or(Value::String(String::new())),
            },
            "requestId": "local",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/1970:00:00:00 +0000",
            "timeEpoch": 0,
        },
        "isBase64Encoded": text.is_none() && !request.body.is_empty(),
    });
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !parameters.is_empty() {
        event["queryStringParameters"] = Value::Object(parameters);
    }
    if !body.is_null() {
        event["body"] = body;
    }
    event
}

/// A gateway's own answer, in its own words.
pub fn gateway_answer(status: StatusCode, message: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json!({"message": message}).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    response
}

/// Runs an event through a function as Lambda would: event JSON in, response JSON out.
///
/// # Errors
/// A text for an event or an answer that the adapter cannot read.
pub async fn invoke(service: Service, event: Value) -> Result<Value, String> {
    use lambda_http::tower::ServiceExt as _;
    let payload: LambdaRequest =
        serde_json::from_value(event).map_err(|error| error.to_string())?;
    let adapter = lambda_http::Adapter::from(service);
    let answer = adapter
        .oneshot(LambdaEvent::new(payload, Context::default()))
        .await
        .map_err(|error| error.to_string())?;
    serde_json::to_value(&answer).map_err(|error| error.to_string())
}

/// The HTTP answer of a function's response JSON.
pub fn answer(response: &Value) -> Response<Bytes> {
    let broken = || gateway_answer(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    let text = response
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let body = if response
        .get("isBase64Encoded")
        .and_then(Value::as_bool)
        .unwrap_or(false)
    {
        match STANDARD.decode(text) {
            Ok(bytes) => Bytes::from(bytes),
            Err(_) => return broken(),
        }
    } else {
        Bytes::from(text.to_owned())
    };
    let status = response
        .get("statusCode")
        .and_then(Value::as_u64)
        .and_then(|code| u16::try_from(code).ok())
        .unwrap_or(500);
    let mut builder = Response::builder().status(status);
    for (name, value) in response
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        builder = builder.header(name, value.as_str().unwrap_or_default());
    }
    for cookie in response
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        builder = builder.header("set-cookie", cookie.as_str().unwrap_or_default());
    }
    builder.body(body).unwrap_or_else(|_| broken())
}

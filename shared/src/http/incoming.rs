//! A request as operations see it: the envelope is off, the credential is taken out.

use lambda_http::{Body, RequestExt};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::base::code::{Code, ErrorText};
use crate::base::conditions::Conditions;
use crate::base::error::{Error, Kind};
use crate::base::id::TenantId;
use crate::http::field_errors;
use crate::http::presented::Presented;

/// The largest JSON body that is parsed.
pub const MAX_JSON: usize = 1_048_576;

/// A request after the pipeline opened it.
pub struct Incoming {
    /// The path's parameters, decoded.
    pub params: Vec<(String, String)>,
    /// The body's object with the query's fields under it; an error that the operation's parsing
    /// will meet.
    input: Result<Map<String, Value>, (Kind, ErrorText)>,
    /// The raw body, for multipart.
    pub body: Vec<u8>,
    /// The body's content type.
    pub content_type: String,
    /// The header `Accept`, empty without one.
    pub accept: String,
    /// What the request presents as credentials.
    pub presented: Presented,
    /// Where this server is reached: scheme and host, no slash at the end.
    pub base_url: String,
    /// The `Host` header without its port.
    pub host: String,
    /// The client's address.
    pub address: String,
    /// Its `If-…` headers.
    pub conditions: Conditions,
    /// Whether the `Origin` header, if there is one, is this server's.
    pub same_origin: bool,
    /// Whether the request only reads by its method.
    pub is_get: bool,
    /// The tenant that the credential's text names; `None` without one.
    pub claimed: Option<TenantId>,
    /// What the answer repeats from the request: the id of a remote call, the client's data of a
    /// signed message.
    pub echo: Value,
    /// What signs the answer; `None` for dialects without signatures, and as long as nobody is
    /// known to sign for.
    pub signer: Option<Signer>,
}

/// Writes a payload as a signed message.
pub type Signer = Box<dyn Fn(&Value) -> Result<String, Error> + Send + Sync>;

fn header<'a>(request: &'a lambda_http::Request, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
}

impl Incoming {
    /// Takes a request apart. Nothing in it is trusted yet, and nothing in it makes this fail: what
    /// is wrong with the body is told by [`parse`](Self::parse), after the caller has been
    /// authenticated.
    pub fn open(
        request: lambda_http::Request,
        params: Vec<(String, String)>,
        scheme: &str,
        public_url: Option<&str>,
    ) -> Self {
        let text = |name: &str| header(&request, name).unwrap_or_default().to_owned();
        let host_and_port = text("host");
        let context = request.request_context_ref();
        // The gateway knows by which name it was reached; what the client writes into `Host` may be
        // anything, and stands in mails.
        let domain_name = match context {
            Some(lambda_http::request::RequestContext::ApiGatewayV2(context)) => {
                context.domain_name.clone()
            }
            _ => None,
        };
        let reached = domain_name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| host_and_port.clone());
        let base_url = public_url.map_or_else(
            || format!("{scheme}://{reached}"),
            |url| url.trim_end_matches('/').to_owned(),
        );
        let same_origin = match header(&request, "origin") {
            None => true,
            Some(origin) => origin
                .split_once("://")
                .is_some_and(|(_, host)| host.eq_ignore_ascii_case(&host_and_port)),
        };
        let address = match context {
            Some(lambda_http::request::RequestContext::ApiGatewayV2(context)) => {
                context.http.source_ip.clone().unwrap_or_default()
            }
            _ => String::new(),
        };
        let query = request.query_string_parameters_ref();
        let from_query = |name: &str| query.and_then(|query| query.first(name)).map(str::to_owned);
        let conditions = Conditions {
            if_match: header(&request, "if-match").map(str::to_owned),
            if_none_match: header(&request, "if-none-match").map(str::to_owned),
            if_modified_since: header(&request, "if-modified-since").map(str::to_owned),
            if_unmodified_since: header(&request, "if-unmodified-since").map(str::to_owned),
        };
        let presented = Presented::of(&request, from_query);
        let mut fields = Map::new();
        if let Some(query) = query {
            for (name, value) in query.iter() {
                fields
                    .entry(name.to_owned())
                    .or_insert_with(|| Value::String(value.to_owned()));
            }
        }
        let content_type = text("content-type");
        let accept = text("accept");
        let is_get = matches!(*request.method(), http::Method::GET | http::Method::HEAD);
        let host = host_and_port
            .rsplit_once(':')
            .map_or(host_and_port.as_str(), |(host, _)| host)
            .to_owned();
        let body = match request.into_body() {
            Body::Empty => Vec::new(),
            Body::Text(text) => text.into_bytes(),
            Body::Binary(bytes) => bytes,
            _ => Vec::new(),
        };
        let input = input(&body, &content_type, fields, is_get);
        Self {
            params,
            input,
            body,
            content_type,
            accept,
            presented,
            base_url,
            host,
            address,
            conditions,
            same_origin,
            is_get,
            claimed: None,
            echo: Value::Null,
            signer: None,
        }
    }

    /// Takes another object for the request's input: what stood inside of an envelope.
    pub fn replace_input(&mut self, input: Map<String, Value>) {
        self.input = Ok(input);
    }

    /// Takes the envelope of a remote call off (JSON-RPC 2.0): its parameters are the input, with
    /// the token among them, and its id is what the answer repeats.
    pub fn unwrap_call(&mut self) {
        let Ok(fields) = &mut self.input else { return };
        self.echo = fields.remove("id").unwrap_or_default();
        self.input = match fields.remove("params") {
            Some(Value::Object(params)) => Ok(params),
            None | Some(Value::Null) => Ok(Map::new()),
            Some(_) => Err((
                Kind::Invalid,
                Code::InvalidParams.with("The field params of the call must be a JSON object"),
            )),
        };
        let token = self.peek::<String>("token");
        self.presented.token = token.or_else(|| self.presented.token.take());
    }

    /// The path's parameter of that name, empty where the row has none.
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// The value of one field, before parsing; for plans, which must not fail.
    pub fn peek<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let input = self.input.as_ref().ok()?;
        serde_json::from_value(input.get(name)?.clone()).ok()
    }

    /// Refuses a body that does not say that it is JSON. A request without a body may say anything.
    ///
    /// # Errors
    /// Unsupported type.
    pub fn require_json(&self) -> Result<(), Error> {
        let media_type = self
            .content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let json = media_type == "application/json"
            || (media_type.starts_with("application/") && media_type.ends_with("+json"));
        if json || self.body.is_empty() {
            Ok(())
        } else {
            Err(Error::new(
                Kind::UnsupportedType,
                "The body must be application/json",
            ))
        }
    }

    /// Whether the body can be read at all, for operations that take nothing from it.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn readable(&self) -> Result<(), Error> {
        self.input
            .as_ref()
            .map(|_| ())
            .map_err(|(kind, text)| Error::new(*kind, text.clone()))
    }

    /// The request as an operation's own type.
    ///
    /// # Errors
    /// Invalid: `invalid_json` for a body that is not a JSON object, `invalid_<field>` for a field
    /// that is missing or is not what it must be; too large beyond [`MAX_JSON`].
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let input = self
            .input
            .clone()
            .map_err(|(kind, text)| Error::new(kind, text))?;
        field_errors::read(input).map_err(|error| match error.field {
            Some(field) => Error::invalid(
                ErrorText::beside_field(singular(&field), error.sentence).in_field(&field),
            ),
            None => Error::invalid(Code::InvalidJson.beside(error.sentence)),
        })
    }
}

/// The documents speak of `invalid_guid` wherever a guid is wrong.
fn singular(field: &str) -> &str {
    match field {
        "appId"
        | "items"
        | "storeitems"
        | "authpolicies"
        | "groups"
        | "authguid"
        | "storeItemGuid"
        | "storeItemBinaryGuid"
        | "binversGuid" => "guid",
        "storeItemBinaryType" => "type",
        other => other,
    }
}

fn input(
    body: &[u8],
    content_type: &str,
    mut fields: Map<String, Value>,
    is_get: bool,
) -> Result<Map<String, Value>, (Kind, ErrorText)> {
    if content_type.to_ascii_lowercase().starts_with("multipart/") {
        return Ok(fields);
    }
    if content_type
        .to_ascii_lowercase()
        .starts_with("application/x-www-form-urlencoded")
    {
        // As clients do that name no type: fhc and curl send JSON under it too.
        if body.len() <= MAX_JSON && !body.trim_ascii_start().starts_with(b"{") {
            for (name, value) in form_urlencoded::parse(body) {
                fields.insert(name.into_owned(), Value::String(value.into_owned()));
            }
            return Ok(fields);
        }
    }
    let blank = body.iter().all(u8::is_ascii_whitespace);
    let parsed = if blank {
        Ok(Map::new())
    } else if body.len() > MAX_JSON {
        return Err((
            Kind::TooLarge,
            format!("The body is larger than {MAX_JSON} bytes").into(),
        ));
    } else {
        // A byte order mark is no JSON, and some clients send one.
        serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
    };
    match parsed {
        Ok(object) => {
            let object = unwrap_payload(object);
            // The body says more than the query; on GET clients send junk bodies, and the query
            // says more.
            for (name, value) in object {
                if is_get {
                    fields.entry(name).or_insert(value);
                } else {
                    fields.insert(name, value);
                }
            }
            Ok(fields)
        }
        Err(_) if is_get => Ok(fields),
        Err(_) => Err((Kind::Invalid, Code::InvalidJson.into())),
    }
}

/// The original's web client wraps each body as `{"payload":{…},"context":{}}`.
fn unwrap_payload(mut object: Map<String, Value>) -> Map<String, Value> {
    if object
        .keys()
        .all(|key| key == "payload" || key == "context")
        && let Some(Value::Object(payload)) = object.get_mut("payload")
    {
        return std::mem::take(payload);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    struct Wanted {
        guid: crate::base::id::AppRef,
        #[serde(default)]
        groups: Vec<crate::base::id::Guid>,
    }

    fn incoming(method: &str, body: &str) -> Incoming {
        let request = http::Request::builder()
            .method(method)
            .uri("http://x/y")
            .body(Body::Text(body.to_owned()))
            .unwrap();
        Incoming::open(request, Vec::new(), "https", None)
    }

    fn message(body: &str) -> String {
        incoming("POST", body)
            .parse::<Wanted>()
            .unwrap_err()
            .message
    }

    #[test]
    fn what_is_wrong_with_a_body_is_named() {
        assert_eq!(message("{"), "invalid_json");
        assert_eq!(message("[1]"), "invalid_json");
        assert_eq!(message("{}"), "invalid_guid");
        assert_eq!(message(r#"{"guid":"short"}"#), "invalid_guid");
        assert_eq!(
            message(r#"{"guid":"5w477lfgy3jrnovri7gctsb7","groups":["x"]}"#),
            "invalid_guid"
        );
        assert_eq!(message(&"[".repeat(100_000)), "invalid_json");
    }

    #[test]
    fn bodies_are_unwrapped_and_junk_on_get_is_ignored() {
        let wrapped = r#"{"payload":{"guid":"5w477lfgy3jrnovri7gctsba"},"context":{}}"#;
        let wanted = incoming("POST", wrapped).parse::<Wanted>().unwrap();
        assert!(wanted.guid.ours().is_ok() && wanted.groups.is_empty());
        assert!(incoming("GET", "{{{").input.is_ok());
    }
}

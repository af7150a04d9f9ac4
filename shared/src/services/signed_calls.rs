//! Calls of AWS services that the program asks one or two things of: KMS and SES.
//!
//! Their SDK crates know hundreds of operations and took a twelfth of the time of a first build.
//! Here are the SDK's own runtime, signer (SigV4) and rules of what is tried again, with a JSON
//! body that the caller writes.

use std::fmt;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use serde_json::Value;

/// Why a call failed. What the service said is an [`ErrorMetadata`] with its code.
pub type CallError = SdkError<ErrorMetadata, HttpResponse>;

/// A service of AWS, by the first label of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The keeper of keys.
    Kms,
    /// The mail service, in its version 2.
    Ses,
}

impl Service {
    /// The first label of the host.
    fn host(self) -> &'static str {
        match self {
            Service::Kms => "kms",
            Service::Ses => "email",
        }
    }

    /// The name under which requests are signed.
    fn signing_name(self) -> &'static str {
        match self {
            Service::Kms => "kms",
            Service::Ses => "ses",
        }
    }

    /// Its address in a region, as the SDK finds it: each of AWS's partitions has a domain.
    fn endpoint(self, region: &str) -> String {
        let domain = [
            ("cn-", "amazonaws.com.cn"),
            ("eusc-", "amazonaws.eu"),
            ("us-iso-", "c2s.ic.gov"),
            ("us-isob-", "sc2s.sgov.gov"),
            ("eu-isoe-", "cloud.adc-e.uk"),
            ("us-isof-", "csp.hci.ic.gov"),
        ]
        .into_iter()
        .find(|(beginning, _)| region.starts_with(beginning))
        .map_or("amazonaws.com", |(_, domain)| domain);
        format!("https://{}.{region}.{domain}", self.host())
    }
}

/// What is asked of a service.
pub struct Call {
    /// The path of the operation's URL.
    pub path: &'static str,
    /// The operation's name in the header `X-Amz-Target`, for services that tell it there.
    pub target: Option<&'static str>,
    /// The type of the body: each service has its own.
    pub content_type: &'static str,
    /// The body.
    pub body: Value,
}

/// Without the body: it has keys and mails, which no log may show.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("path", &self.path)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// What a service answered. Its `Debug` form does not show it, for the same reason.
struct Answer(Value);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answer").finish_non_exhaustive()
    }
}

/// Calls one service in one region. Calls are signed, and tried up to three times where the
/// service or the network may be well again a moment later.
#[derive(Clone)]
pub struct SignedCalls {
    operation: Operation<Call, Answer, ErrorMetadata>,
}

impl SignedCalls {
    /// Calls of that service by that HTTP client; `endpoint` replaces AWS's address.
    pub fn new(
        service: Service,
        region: &str,
        credentials: Credentials,
        http: SharedHttpClient,
        endpoint: Option<&str>,
    ) -> Self {
        let mut signing = Layer::new("signing");
        signing.store_put(AuthSchemeOptionResolverParams::new(()));
        signing.store_put(SigV4OperationSigningConfig::default());
        signing.store_put(SigningName::from_static(service.signing_name()));
        signing.store_put(SigningRegion::from(Region::new(region.to_owned())));
        let components = RuntimeComponentsBuilder::new("signing")
            .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
            .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
                StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
            )))
            .with_identity_resolver(
                SCHEME_ID,
                SharedIdentityResolver::new(SharedCredentialsProvider::new(credentials)),
            );
        let endpoint = endpoint.map_or_else(|| service.endpoint(region), str::to_owned);
        let operation = Operation::builder()
            .service_name(service.host())
            .operation_name("call")
            .http_client(http)
            .endpoint_url(&endpoint)
            .runtime_plugin(
                StaticRuntimePlugin::new()
                    .with_config(signing.freeze())
                    .with_runtime_components(components),
            )
            .standard_retry(&RetryConfig::standard())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .with_connection_poisoning()
            .serializer(request)
            .deserializer(answer)
            .build();
        Self { operation }
    }

    /// The answer to a call.
    ///
    /// # Errors
    /// The service's refusal, or that it did not answer.
    pub async fn call(&self, call: Call) -> Result<Value, CallError> {
        self.operation.invoke(call).await.map(|Answer(body)| body)
    }
}

fn request(call: Call) -> Result<HttpRequest, aws_smithy_runtime_api::box_error::BoxError> {
    let body = serde_json::to_vec(&call.body)?;
    let mut request = http::Request::post(call.path)
        .header(http::header::CONTENT_TYPE, call.content_type)
        .header(http::header::CONTENT_LENGTH, body.len());
    if let Some(target) = call.target {
        request = request.header("x-amz-target", target);
    }
    Ok(request.body(SdkBody::from(body))?.try_into()?)
}

fn answer(response: &HttpResponse) -> Result<Answer, OrchestratorError<ErrorMetadata>> {
    let body = serde_json::from_slice(response.body().bytes().unwrap_or_default());
    if response.status().is_success() {
        return body.map(Answer).map_err(OrchestratorError::other);
    }
    let body: Value = body.unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let mut refusal = ErrorMetadata::builder();
    let code = response.headers().get("x-amzn-errortype");
    if let Some(code) = code.or_else(|| text("code")).or_else(|| text("__type")) {
        refusal = refusal.code(code_of(code));
    }
    if let Some(message) = text("message").or_else(|| text("Message")) {
        refusal = refusal.message(message);
    }
    if let Some(id) = response.headers().get("x-amzn-requestid") {
        refusal = refusal.custom("aws_request_id", id);
    }
    Err(OrchestratorError::operation(refusal.build()))
}

/// The code in a service's name of an error, which may have a name space before it and an address
/// after it: `com.amazonaws.kms#NotFoundException:http://...`.
fn code_of(name: &str) -> &str {
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    name.split_once('#').map_or(name, |(_, name)| name)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    /// A service that gives these answers, each a status line with headers and a body, and in the
    /// end the requests that it was sent.
    pub(crate) fn service(
        answers: Vec<(&'static str, &'static str)>,
    ) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let mut requests = Vec::new();
            for (head, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let whole = |request: &[u8]| {
                    let text = String::from_utf8_lossy(request).into_owned();
                    let (head, body) = text.split_once("\r\n\r\n")?;
                    let length = head.lines().find_map(|line| {
                        let (name, value) = line.split_once(": ")?;
                        name.eq_ignore_ascii_case("content-length").then_some(value)
                    })?;
                    (body.len() >= length.parse().unwrap()).then_some(text)
                };
                let text = loop {
                    if let Some(text) = whole(&request) {
                        break text;
                    }
                    let mut some = [0; 4096];
                    let read = stream.read(&mut some).unwrap();
                    assert!(read > 0, "the request ends early");
                    request.extend_from_slice(&some[..read]);
                };
                requests.push(text);
                write!(
                    stream,
                    "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .unwrap();
            }
            requests
        });
        (address, serving)
    }

    /// Calls of a service at that address.
    pub(crate) fn calls(service: Service, address: &str) -> SignedCalls {
        SignedCalls::new(
            service,
            "eu-central-1",
            Credentials::new("AKID", "secret", Some("session".to_owned()), None, "test"),
            aws_smithy_http_client::Builder::new().build_http(),
            Some(address),
        )
    }

    #[test]
    fn each_partition_has_its_domain() {
        for (region, host) in [
            ("eu-central-1", "https://kms.eu-central-1.amazonaws.com"),
            ("us-gov-west-1", "https://kms.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "https://kms.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", "https://kms.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "https://kms.us-isob-east-1.sc2s.sgov.gov"),
        ] {
            assert_eq!(Service::Kms.endpoint(region), host);
        }
        assert_eq!(
            Service::Ses.endpoint("eu-west-1"),
            "https://email.eu-west-1.amazonaws.com"
        );
    }

    #[test]
    fn a_code_is_found_in_every_form_of_it() {
        for name in [
            "MessageRejected",
            "com.amazonaws.sesv2#MessageRejected",
            "MessageRejected:http://internal.amazon.com/coral/com.amazonaws.ses/",
            "a.b#MessageRejected:http://internal.amazon.com/",
        ] {
            assert_eq!(code_of(name), "MessageRejected");
        }
    }

    #[test]
    fn no_log_shows_a_body() {
        let call = Call {
            path: "/",
            target: None,
            content_type: "application/json",
            body: "secret".into(),
        };
        assert!(!format!("{call:?}{:?}", Answer("secret".into())).contains("secret"));
    }
}

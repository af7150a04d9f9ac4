//! The company's own endpoint.

use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Map, Value};

use super::dial::Connector;
use super::outcome::{Failure, Identity, excerpt};
use crate::MbaasConfiguration;

/// The most bytes of an answer.
const MOST: usize = 64 << 10;

pub(super) async fn delegate(
    connector: &Connector,
    configuration: &MbaasConfiguration,
    request: &Value,
) -> Result<(Identity, Value), Failure> {
    let post = http::Request::post(configuration.auth_endpoint.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json");
    let post = post
        .body(request.to_string().into_bytes())
        .map_err(|error| Failure::Misconfigured(error.to_string()))?;
    let answer = connector.ask(post, MOST).await?;
    let status = answer.status();
    let object = serde_json::from_slice::<Map<String, Value>>(answer.body()).ok();

    let says_no = object
        .as_ref()
        .and_then(|object| object.get("status")?.as_str())
        .is_some_and(|status| status.eq_ignore_ascii_case("error"));
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        || says_no && !status.is_server_error()
    {
        let message = object
            .as_ref()
            .and_then(|object| object.get("message")?.as_str())
            .unwrap_or_default();
        return Err(Failure::Denied(format!(
            "the endpoint said no with {status}: {}",
            excerpt(message)
        )));
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Failure::Unreachable(format!(
            "the endpoint answered {status}"
        )));
    }
    if !status.is_success() {
        return Err(Failure::Misconfigured(format!(
            "the endpoint answered {status}; redirects are not followed"
        )));
    }
    let Some(object) = object else {
        return Err(Failure::Misconfigured(
            "the endpoint's answer is not a JSON object".to_owned(),
        ));
    };

    // Only what the endpoint says: what the client sent is the client's choice, and an address is
    // no name.
    let named = ["userId", "userid", "username"]
        .into_iter()
        .find_map(|field| text(object.get(field)));
    let Some(subject) = named else {
        return Err(Failure::Misconfigured(
            "the endpoint admits somebody and does not say whom".to_owned(),
        ));
    };
    let email_verified = object.get("email_verified") == Some(&Value::Bool(true));
    let identity = Identity {
        subject,
        email: text(object.get("email")),
        email_verified,
        name: text(object.get("name")),
    };
    Ok((identity, Value::Object(object)))
}

/// A text that can name somebody; numbers are taken for their digits.
fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

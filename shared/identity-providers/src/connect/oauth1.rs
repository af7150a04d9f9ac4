//! OAuth 1.0a (RFC 5849) with its three legs, signed with HMAC-SHA1.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::StatusCode;
use http::header::AUTHORIZATION;
use oauth1_request::signature_method::HmacSha1;
use oauth1_request::{Builder, Credentials, ParameterList};
use url::Url;

use super::dial::Connector;
use super::outcome::{Failure, Identity, excerpt};
use super::pending::{Pending, Step};
use crate::OAuth1Configuration;
use crate::endpoint::web;

/// The most bytes of an answer: a few parameters.
const MOST: usize = 64 << 10;

pub(super) async fn begin(
    connector: &Connector,
    configuration: &OAuth1Configuration,
    callback: &str,
    state: &str,
) -> Result<(String, Pending), Failure> {
    let mut callback = Url::parse(callback)
        .map_err(|error| Failure::Misconfigured(format!("callback: {error}")))?;
    callback.query_pairs_mut().append_pair("state", state);
    let client = Credentials::new(
        configuration.consumer_key.as_str(),
        configuration.consumer_secret.expose(),
    );
    let mut builder = Builder::new(client, HmacSha1::new());
    builder.callback(callback.as_str());
    let answer = ask(
        connector,
        &configuration.request_token_url,
        &builder,
        Failure::Misconfigured,
    )
    .await?;

    let (Some(token), Some(secret)) = (answer.get("oauth_token"), answer.get("oauth_token_secret"))
    else {
        return Err(Failure::Misconfigured(
            "the provider gave no request token".to_owned(),
        ));
    };
    // The protocol before this confirmation lets somebody sign another person in as themselves.
    if answer
        .get("oauth_callback_confirmed")
        .is_none_or(|confirmed| confirmed != "true")
    {
        return Err(Failure::Misconfigured(
            "the provider does not speak OAuth 1.0a: it did not confirm the callback".to_owned(),
        ));
    }
    let mut url = web(configuration.authorize_url.as_str(), connector.reach)
        .map_err(|reason| Failure::Misconfigured(format!("authorizeUrl {reason}")))?;
    url.query_pairs_mut().append_pair("oauth_token", token);
    Ok((
        url.into(),
        Pending(Step::OAuth1 {
            token: token.clone(),
            secret: secret.clone(),
        }),
    ))
}

pub(super) async fn finish(
    connector: &Connector,
    configuration: &OAuth1Configuration,
    token: &str,
    secret: &str,
    query: &BTreeMap<String, String>,
) -> Result<Identity, Failure> {
    // There is no common word for it: some providers name an error, some the token that was denied.
    if query.contains_key("denied")
        || query.contains_key("error")
        || query.contains_key("oauth_problem")
    {
        return Err(Failure::Denied(
            "the person or the provider said no".to_owned(),
        ));
    }
    if query
        .get("oauth_token")
        .is_none_or(|returned| returned != token)
    {
        return Err(Failure::Denied(
            "the answer is to another sign-in".to_owned(),
        ));
    }
    let Some(verifier) = query
        .get("oauth_verifier")
        .filter(|verifier| !verifier.is_empty())
    else {
        return Err(Failure::Denied(
            "the browser came back without a verifier".to_owned(),
        ));
    };
    let client = Credentials::new(
        configuration.consumer_key.as_str(),
        configuration.consumer_secret.expose(),
    );
    let mut builder = Builder::new(client, HmacSha1::new());
    builder
        .token(Credentials::new(token, secret))
        .verifier(verifier.as_str());
    let answer = ask(
        connector,
        &configuration.access_token_url,
        &builder,
        Failure::Denied,
    )
    .await?;

    if !answer.contains_key("oauth_token") {
        return Err(Failure::Misconfigured(
            "the provider gave no access token".to_owned(),
        ));
    }
    let fields = configuration
        .user_id_field
        .as_deref()
        .map_or_else(|| vec!["user_id", "screen_name"], |field| vec![field]);
    let subject = fields
        .iter()
        .find_map(|field| answer.get(*field).filter(|subject| !subject.is_empty()));
    let Some(subject) = subject else {
        return Err(Failure::Misconfigured(format!(
            "the answer with the access token has no {}",
            fields.join(" and no ")
        )));
    };
    Ok(Identity {
        subject: subject.clone(),
        email: None,
        email_verified: false,
        name: answer.get("screen_name").cloned(),
    })
}

/// The parameters of the answer to a signed POST; `refused` says what an answer of 400, 401 or 403
/// means.
async fn ask(
    connector: &Connector,
    url: &Url,
    builder: &Builder<'_, HmacSha1, &str>,
    refused: fn(String) -> Failure,
) -> Result<BTreeMap<String, String>, Failure> {
    // Parameters of the URL are signed as parameters; the text that is signed has none.
    let parameters: Vec<(Cow<'_, str>, Cow<'_, str>)> = url.query_pairs().collect();
    let mut bare = url.clone();
    bare.set_query(None);
    let authorization = builder.post(bare.as_str(), &ParameterList::new(parameters));
    let request = http::Request::post(url.as_str())
        .header(AUTHORIZATION, authorization)
        .header(http::header::CONTENT_LENGTH, 0);
    let request = request
        .body(Vec::new())
        .map_err(|error| Failure::Misconfigured(error.to_string()))?;
    let answer = connector.ask(request, MOST).await?;
    match answer.status() {
        status if status.is_success() => {}
        status @ (StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(refused(format!(
                "the provider answered {status}: {}",
                excerpt(&String::from_utf8_lossy(answer.body()))
            )));
        }
        status if status.is_server_error() => {
            return Err(Failure::Unreachable(format!(
                "the provider answered {status}"
            )));
        }
        status => {
            return Err(Failure::Misconfigured(format!(
                "the provider answered {status}; redirects are not followed"
            )));
        }
    }
    Ok(url::form_urlencoded::parse(answer.body())
        .into_owned()
        .collect())
}

//! OpenID Connect: discovery, the authorization code with PKCE, the ID token.

use std::collections::BTreeMap;
use std::error::Error;
use std::pin::Pin;

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreErrorResponseType,
    CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, TokenResponse as _,
};

use super::dial::Connector;
use super::outcome::{Failure, Identity, excerpt};
use super::pending::{Pending, Step};
use super::web::MOST_BODY;
use crate::OpenIdConfiguration;
use crate::endpoint::web;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The one way out, in the form in which the library takes it. Boxed, or the compiler does not see
/// that what waits for an answer may move between threads.
struct Ask<'a>(&'a Connector);

impl<'c> AsyncHttpClient<'c> for Ask<'_> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.0.ask(request, MOST_BODY))
    }
}

pub(super) async fn begin(
    connector: &Connector,
    configuration: &OpenIdConfiguration,
    callback: &str,
    state: &str,
) -> Result<(String, Pending), Failure> {
    let client = client(connector, configuration, callback).await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let state = CsrfToken::new(state.to_owned());
    let request = client.authorize_url(
        CoreAuthenticationFlow::AuthorizationCode,
        move || state,
        Nonce::new_random,
    );
    let request = request
        .add_scopes(configuration.scopes.iter().cloned().map(Scope::new))
        .set_pkce_challenge(challenge);
    let (url, _, nonce) = request.url();
    // The browser follows this URL: a document that named a `javascript:` one would run it on our
    // page.
    web(url.as_str(), connector.reach)
        .map_err(|reason| Failure::Misconfigured(format!("authorization_endpoint {reason}")))?;
    Ok((
        url.into(),
        Pending(Step::OpenId {
            verifier: verifier.into_secret(),
            nonce: nonce.secret().clone(),
        }),
    ))
}

pub(super) async fn finish(
    connector: &Connector,
    configuration: &OpenIdConfiguration,
    callback: &str,
    verifier: &str,
    nonce: &str,
    query: &BTreeMap<String, String>,
) -> Result<Identity, Failure> {
    if let Some(error) = query.get("error") {
        let more = query
            .get("error_description")
            .map(String::as_str)
            .unwrap_or_default();
        return Err(Failure::Denied(format!(
            "the provider came back with {} {}",
            excerpt(error),
            excerpt(more)
        )));
    }
    // A provider that names itself in its answer (RFC 9207) must be the one that was asked.
    if query
        .get("iss")
        .is_some_and(|issuer| *issuer != configuration.issuer)
    {
        return Err(Failure::Denied(
            "the answer is another provider's".to_owned(),
        ));
    }
    let code = query
        .get("code")
        .filter(|code| !code.is_empty())
        .ok_or_else(|| Failure::Denied("the browser came back without a code".to_owned()))?;

    let client = client(connector, configuration, callback).await?;
    let ask = Ask(connector);
    let request = client
        .exchange_code(AuthorizationCode::new(code.clone()))
        .map_err(|error| Failure::Misconfigured(error.to_string()))?;
    let tokens = request
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
        .request_async(&ask)
        .await
        .map_err(|error| match error {
            RequestTokenError::Request(failure) => failure,
            RequestTokenError::ServerResponse(answer) => {
                let text = format!("the code was not taken: {}", excerpt(&answer.to_string()));
                // The code is the person's, the client's id and secret are the policy's.
                if *answer.error() == CoreErrorResponseType::InvalidGrant {
                    Failure::Denied(text)
                } else {
                    Failure::Misconfigured(text)
                }
            }
            // A token that cannot be read proves as little as a forged one; anything else is a
            // provider in trouble.
            RequestTokenError::Parse(error, body) if holds_token(&body) => {
                Failure::Denied(format!("the ID token: {}", chain(&error)))
            }
            error => Failure::Unreachable(format!("the answer to the code: {}", chain(&error))),
        })?;

    let token = tokens.id_token().ok_or_else(|| {
        Failure::Misconfigured(
            "the provider gave no ID token: it does not speak OpenID Connect".to_owned(),
        )
    })?;
    let verifier = client.id_token_verifier();
    let claims = token
        .claims(&verifier, &Nonce::new(nonce.to_owned()))
        .map_err(|error| Failure::Denied(format!("the ID token: {}", chain(&error))))?;
    if let Some(expected) = claims.access_token_hash() {
        let hash = token.signing_alg().and_then(|algorithm| {
            let key = token.signing_key(&verifier)?;
            Ok(AccessTokenHash::from_token(tokens.access_token(), algorithm, key).ok())
        });
        // Where the hash cannot be computed the access token is not believed either: it is only
        // used to ask who it is for.
        if !matches!(hash, Ok(Some(ref hash)) if hash == expected) {
            return Err(Failure::Denied(
                "the access token is not the ID token's".to_owned(),
            ));
        }
    }

    let mut identity = Identity {
        subject: claims.subject().to_string(),
        email: claims.email().map(|email| email.to_string()),
        email_verified: claims.email_verified().unwrap_or(false),
        name: claims
            .name()
            .and_then(|name| name.get(None))
            .map(|name| name.to_string()),
    };
    // Some providers keep the ID token small and tell the rest at another place. That they do not
    // is no reason to refuse.
    if identity.email.is_none()
        && let Ok(request) = client.user_info(
            tokens.access_token().clone(),
            Some(claims.subject().clone()),
        )
        && let Ok(more) = request.request_async(&ask).await
    {
        let more: CoreUserInfoClaims = more;
        identity.email = more.email().map(|email| email.to_string());
        identity.email_verified = more.email_verified().unwrap_or(false);
        identity.name = identity.name.or_else(|| {
            more.name()
                .and_then(|name| name.get(None))
                .map(|name| name.to_string())
        });
    }
    Ok(identity)
}

async fn client(
    connector: &Connector,
    configuration: &OpenIdConfiguration,
    callback: &str,
) -> Result<Client, Failure> {
    let issuer = IssuerUrl::new(configuration.issuer.clone())
        .map_err(|error| Failure::Misconfigured(format!("issuer: {error}")))?;
    let callback = RedirectUrl::new(callback.to_owned())
        .map_err(|error| Failure::Misconfigured(format!("callback: {error}")))?;
    let ask = Ask(connector);
    let metadata = CoreProviderMetadata::discover_async(issuer, &ask)
        .await
        .map_err(|error| match error {
            DiscoveryError::Request(failure) => failure,
            DiscoveryError::Response(status, ..) if status.is_server_error() => {
                Failure::Unreachable(format!("discovery: the provider answered {status}"))
            }
            error => Failure::Misconfigured(format!("discovery: {}", chain(&error))),
        })?;

    // Basic authentication is what a provider understands that does not say.
    let methods = metadata.token_endpoint_auth_methods_supported();
    let posts = methods.is_some_and(|methods| {
        !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
    });
    let secret = configuration
        .client_secret
        .as_ref()
        .map(|secret| ClientSecret::new(secret.expose().to_owned()));
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(configuration.client_id.clone()),
        secret,
    )
    .set_redirect_uri(callback);
    Ok(if posts {
        client.set_auth_type(AuthType::RequestBody)
    } else {
        client
    })
}

/// Whether an answer has an ID token, of whatever kind.
fn holds_token(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body)
        .is_ok_and(|answer| answer.get("id_token").is_some())
}

/// An error with all its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    excerpt(&text)
}

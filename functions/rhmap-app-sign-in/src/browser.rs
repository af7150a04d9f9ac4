//! Sign-in in the browser: the way to the provider, the return from it, and the page where a
//! client's web view ends.

use std::collections::BTreeMap;

use identity_providers::{Configuration, Failure, Pending};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::{Error, Kind};
use shared::base::secret::CredentialText;
use shared::domain::sign_in::sign_in;
use shared::domain::sign_in::sign_in::{Attempt, Entrance, PENDING_SECONDS, Person};
use shared::http::path::Path;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::http::routes::rhmap_app_sign_in::Op;
use shared::model::credentials::sign_in::PendingSignIn;
use shared::model::people::auth_policy::Policy;
use shared::model::people::tenant::Tenant;
use shared::store::keys;
use shared::store::record::Stored;
use url::Url;

use crate::asked::SignInRequest;
use crate::providers;

/// What the protocol keeps between its halves is sealed for this.
const PURPOSE: &str = "pending sign-in";

const CALLBACK: Path<0> = Op::Callback.path([]);

/// Where a provider sends the browser back to.
pub fn callback(call: &Call<'_>) -> String {
    CALLBACK.at(&call.incoming.base_url, [])
}

/// Whether the browser may be sent there with a session: to this server, or where the policy says.
fn may_end_at(url: &str, own: &str, configuration: &Configuration) -> bool {
    configuration
        .redirects()
        .is_some_and(|redirects| redirects.admits(url))
        || is_own(url, own)
}

/// Whether it is a page of this server.
fn is_own(text: &str, own: &str) -> bool {
    // A parser of URLs drops or turns these silently; then a browser and we see two hosts.
    let doubtful = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    let (Ok(url), Ok(own)) = (Url::parse(text), Url::parse(own)) else {
        return false;
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain
        && matches!(url.scheme(), "https" | "http")
        && url.origin() == own.origin()
        && !text.contains(doubtful)
        && text.contains("://")
        && !text.contains('@')
}

/// Begins a sign-in: gives the URL to which the client sends the browser.
pub async fn begin(
    mut call: Call<'_>,
    asked: SignInRequest,
    attempt: Attempt<'_>,
    end_redirect_url: Option<String>,
) -> Result<Reply, Error> {
    let configuration = providers::configuration(&mut call, asked.tenant_id, &asked.policy).await?;
    if end_redirect_url
        .as_deref()
        .is_some_and(|url| !may_end_at(url, &call.incoming.base_url, &configuration))
    {
        return Err(Error::invalid(Code::InvalidEndRedirectUrl));
    }
    // Nobody is proved yet, and each asks the provider and leaves a record.
    attempt.charge_address(&call.reader).await?;
    let (callback, state) = (
        callback(&call),
        CredentialText::new_api_key(asked.tenant_id),
    );
    let connector = providers::connector(call.context.settings.reach())?;
    let (url, pending) = connector
        .begin(&configuration, &callback, state.expose())
        .await
        .map_err(providers::refusal)?;
    let key = call.data_key(asked.tenant_id).await?;
    let pending = PendingSignIn {
        policy: asked.policy,
        cuid: asked.cuid,
        client_token: asked.client_token,
        end_redirect_url,
        callback,
        sealed: key.seal(
            PURPOSE,
            &serde_json::to_string(&pending).map_err(Error::internal)?,
        )?,
        expires: call.reader.now().plus_seconds(PENDING_SECONDS),
    };
    sign_in::wait(&call.reader, &state, &pending).await?;
    #[derive(Serialize)]
    struct UrlView {
        url: String,
    }
    Reply::of(&UrlView { url })
}

/// A page that says how it ended, and nothing that stood in the request.
const SIGNED_IN: &[u8] = include_bytes!("signed-in.html");

const FAILED: &[u8] = include_bytes!("sign-in-failed.html");

/// What these pages may load: nothing.
const PAGE_POLICY: &str =
    "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// `authCallback`: the browser's return from a provider, or the end of the way in a client's web
/// view.
pub async fn returned(mut call: Call<'_>) -> Result<Reply, Error> {
    let query: BTreeMap<String, String> = call.body::<Query>()?.0;
    let own = callback(&call);
    if query
        .get("status")
        .is_some_and(|status| status == "complete")
    {
        let good = query
            .get("result")
            .is_some_and(|result| result == "success");
        let page = if good { SIGNED_IN } else { FAILED };
        let reply = Reply::bytes("text/html; charset=utf-8", page.to_vec())
            .header("content-security-policy", PAGE_POLICY);
        return Ok(reply.header("referrer-policy", "no-referrer"));
    }
    let state = query
        .get("state")
        .and_then(|state| state.parse::<CredentialText>().ok());
    let (target, outcome) = match state {
        Some(state @ CredentialText::ApiKey { .. }) => {
            finish(&mut call, &state, &query, &own).await
        }
        _ => (own.clone(), Err(SignInFailure::plain(Code::InvalidState))),
    };
    let pairs = match &outcome {
        Ok((session, auth_response)) => {
            vec![
                ("fh_auth_session", session.expose()),
                ("authResponse", auth_response),
                ("status", "complete"),
                ("result", "success"),
            ]
        }
        Err(lost) => {
            tracing::warn!(
                code = lost.message,
                cause = lost.cause.as_deref().unwrap_or_default(),
                "a sign-in in the browser failed"
            );
            vec![
                ("status", "complete"),
                ("result", "failure"),
                ("message", lost.message.as_str()),
            ]
        }
    };
    // The session in the URL must not travel on in a Referer.
    Ok(Reply::redirect(with_query(&target, &pairs)?).header("referrer-policy", "no-referrer"))
}

/// Every field of a query as a text; the browser's request has no body that counts.
struct Query(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
        let texts = fields.into_iter().filter_map(|(name, value)| {
            if let serde_json::Value::String(text) = value {
                Some((name, text))
            } else {
                None
            }
        });
        Ok(Self(texts.collect()))
    }
}

/// Why nobody is signed in: a word for the client, and a cause for the log.
struct SignInFailure {
    message: String,
    cause: Option<String>,
}

impl SignInFailure {
    fn plain(code: Code) -> Self {
        Self {
            message: code.to_string(),
            cause: None,
        }
    }

    fn by(error: Error) -> Self {
        let message = match error.kind {
            // The coded refusals of `$fh.auth`: they say who is not let in, and why.
            Kind::Forbidden => error.message,
            Kind::Unavailable | Kind::TooManyRequests | Kind::Conflict => {
                Code::TemporarilyUnavailable.to_string()
            }
            _ => Code::InternalError.to_string(),
        };
        Self {
            message,
            cause: error.cause,
        }
    }
}

impl From<Failure> for SignInFailure {
    fn from(failure: Failure) -> Self {
        let (code, cause) = match failure {
            Failure::Denied(text) => (Code::AccessDenied, text),
            Failure::Unreachable(text) => (Code::ProviderUnavailable, text),
            Failure::Misconfigured(text) => (Code::ProviderMisconfigured, text),
        };
        Self {
            message: code.to_string(),
            cause: Some(cause),
        }
    }
}

type Outcome = Result<(CredentialText, String), SignInFailure>;

/// Ends the sign-in that waits under this state: gives where the browser goes, and with what.
async fn finish(
    call: &mut Call<'_>,
    state: &CredentialText,
    query: &BTreeMap<String, String>,
    own: &str,
) -> (String, Outcome) {
    let tenant_id = state.handle();
    let wanted = vec![
        keys::pending_sign_in(tenant_id, &state.hash()),
        keys::tenant(tenant_id),
    ];
    if let Err(error) = call.reader.fetch(wanted, Vec::new()).await {
        return (own.to_owned(), Err(SignInFailure::by(error)));
    }
    // Taken before the provider is asked: a code that was seen by somebody else is good for
    // nothing.
    let pending = match sign_in::take(&mut call.reader, state).await {
        Ok(Some(pending)) => pending,
        Ok(None) => {
            return (
                own.to_owned(),
                Err(SignInFailure::plain(Code::InvalidState)),
            );
        }
        Err(error) => return (own.to_owned(), Err(SignInFailure::by(error))),
    };
    let (domain, policy) = match still(call, state, &pending).await {
        Ok(Some(found)) => found,
        // What the policy allowed then it may not allow any more, its pages too.
        Ok(None) => {
            return (
                own.to_owned(),
                Err(SignInFailure::plain(Code::UnknownPolicyId)),
            );
        }
        Err(error) => return (own.to_owned(), Err(SignInFailure::by(error))),
    };
    let entrance = Entrance {
        tenant_id,
        domain: &domain,
        policy: &policy,
        cuid: &pending.cuid,
        client_token: &pending.client_token,
    };
    let outcome = admitted(call, entrance, &pending, query).await;
    (
        pending.end_redirect_url.unwrap_or_else(|| own.to_owned()),
        outcome,
    )
}

/// The tenant's name and the policy as it is now; `None` where it is gone or asks another provider.
async fn still(
    call: &mut Call<'_>,
    state: &CredentialText,
    pending: &PendingSignIn,
) -> Result<Option<(String, Policy)>, Error> {
    let tenant_id = state.handle();
    let tenant: Option<Stored<Tenant>> = call.reader.get(&keys::tenant(tenant_id)).await?;
    let policy: Option<Stored<Policy>> = call
        .reader
        .get(&keys::policy(tenant_id, &pending.policy.guid))
        .await?;
    let policy = policy
        .map(|policy| policy.value)
        .filter(|policy| policy.has_provider_of(&pending.policy));
    Ok(tenant
        .zip(policy)
        .map(|(tenant, policy)| (tenant.value.name, policy)))
}

async fn admitted(
    call: &mut Call<'_>,
    entrance: Entrance<'_>,
    pending: &PendingSignIn,
    query: &BTreeMap<String, String>,
) -> Outcome {
    let configuration = providers::configuration(call, entrance.tenant_id, entrance.policy)
        .await
        .map_err(SignInFailure::by)?;
    let key = call
        .data_key(entrance.tenant_id)
        .await
        .map_err(SignInFailure::by)?;
    let kept = key
        .open(PURPOSE, &pending.sealed)
        .map_err(SignInFailure::by)?;
    let kept: Pending = serde_json::from_str(&kept)
        .map_err(Error::internal)
        .map_err(SignInFailure::by)?;
    let connector =
        providers::connector(call.context.settings.reach()).map_err(SignInFailure::by)?;
    let identity = connector
        .finish(&configuration, &pending.callback, &kept, query)
        .await?;
    let outsider = providers::outsider(identity);
    let told = providers::identity_view(&outsider).to_string();
    let signed_in = sign_in::admit(
        &mut call.reader,
        entrance,
        &Person::Outsider(outsider),
        None,
    )
    .await
    .map_err(SignInFailure::by)?;
    // Some clients decode the value twice: so it has nothing in it that a second time would change.
    Ok((signed_in.session, told.replace('%', "\\u0025")))
}

/// The URL with these fields after those that it has.
fn with_query(target: &str, pairs: &[(&str, &str)]) -> Result<String, Error> {
    let mut url = Url::parse(target).map_err(Error::internal)?;
    // Blanks as %20 and not as +, which clients in JavaScript would keep.
    let encoded = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    let fields: Vec<String> = url
        .query()
        .filter(|query| !query.is_empty())
        .map(str::to_owned)
        .into_iter()
        .chain(encoded)
        .collect();
    url.set_query(Some(&fields.join("&")));
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_server_are_its_own() {
        let own = "https://store.example";
        for url in [
            "https://store.example",
            "https://store.example/",
            "https://STORE.example:443/a?b=c",
        ] {
            assert!(is_own(url, own), "{url}");
        }
        for url in [
            "",
            "/a",
            "//store.example/a",
            "http://store.example/",
            "https://store.example:8443/",
            "https://store.example.evil.example/",
            "https://store.example@evil.example/",
            "https://evil.example@store.example/",
            "https://store.example\\@evil.example/",
            "https:\\\\store.example/",
            "https:store.example/",
            "https://store.example/#f",
            "https://store.example/\n",
            " https://store.example/",
            "javascript:alert(1)",
            "javascript://store.example/",
        ] {
            assert!(!is_own(url, own), "{url}");
        }
    }

    #[test]
    fn what_a_target_has_is_kept() {
        let pairs = [("status", "complete"), ("message", "a b&c=+%")];
        assert_eq!(
            with_query("https://a.example/x?y=z", &pairs).unwrap(),
            "https://a.example/x?y=z&status=complete&message=a%20b%26c%3D%2B%25"
        );
        assert_eq!(
            with_query("https://a.example", &pairs[..1]).unwrap(),
            "https://a.example/?status=complete"
        );
        assert_eq!(
            with_query("https://a.example/?", &pairs[..1]).unwrap(),
            "https://a.example/?status=complete"
        );
    }
}

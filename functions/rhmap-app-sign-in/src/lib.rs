//! `$fh.auth`: sign-in of apps' users by policies, the browser's return from a provider, and what
//! is asked about sessions.

use identity_providers::PolicyType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::base::code::Code;
use shared::base::error::{Error, Kind};
use shared::base::id::{Guid, TenantId};
use shared::base::secret::{CredentialText, device_id};
use shared::domain::sign_in::sign_in;
use shared::domain::sign_in::sign_in::{Attempt, Person, Throttled};
use shared::http::authenticate;
use shared::http::pipeline::{Call, Operations};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_app_sign_in::{FUNCTION, Op};
use shared::model::people::auth_policy::PolicyIdClaim;
use shared::model::people::principal::{Means, Principal};
use shared::model::people::tenant::{StoreDirectory, Tenant};
use shared::store::keys;
use shared::store::record::Stored;

use crate::asked::{PASSWORD, SignInRequest, USER_ID, text_of};

mod asked;

mod browser;

mod providers;

/// The function.
pub struct AppSignIn;

impl Operations for AppSignIn {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Auth => auth(call).await,
            Op::VerifySession => verify_session(call).await,
            Op::SessionInfo => session_info(call).await,
            Op::RevokeSession => revoke_session(call).await,
            Op::Callback => browser::returned(call).await,
            Op::CallbackUrl => callback_url(&call),
        }
    }
}

/// The tenant of a `clientToken`: a store's guid leads to it; an app's token does not, and the
/// request's host or the default decides.
async fn tenant_of_token(call: &mut Call<'_>, token: &str) -> Result<TenantId, Error> {
    let store: Option<Guid> = token.parse().ok();
    if let Some(store) = store
        && let Some(found) = call
            .reader
            .get::<StoreDirectory>(&keys::store_directory(&store))
            .await?
    {
        return call
            .context
            .tenant_before_sign_in(&call.incoming.host, Some(&found.value.domain));
    }
    call.context
        .tenant_before_sign_in(&call.incoming.host, None)
}

/// What `$fh.auth` sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthBody {
    #[serde(deserialize_with = "shared::base::lenient::text")]
    policy_id: String,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    client_token: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    device: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    end_redirect_url: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    environment: Option<String>,
    #[serde(default)]
    params: Option<Map<String, Value>>,
    #[serde(default, rename = "__fh")]
    fh: Option<Fh>,
}

#[derive(Deserialize)]
struct Fh {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    cuid: Option<String>,
}

/// Longest id that a client may choose for its device, in characters.
const MAX_CUID: usize = 200;

/// Longest name of an app, in characters.
const MAX_CLIENT_TOKEN: usize = 200;

/// Longest address that the browser may be sent to in the end, in characters.
const MAX_URL: usize = 2_000;

async fn auth(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: AuthBody = call.body()?;
    let cuid = body
        .device
        .or(body.fh.and_then(|fh| fh.cuid))
        .filter(|cuid| !cuid.is_empty() && cuid.chars().count() <= MAX_CUID);
    let cuid = cuid.ok_or_else(|| Error::invalid(Code::InvalidDevice))?;
    let client_token = body.client_token.unwrap_or_default();
    if client_token.chars().count() > MAX_CLIENT_TOKEN {
        return Err(Error::invalid(Code::InvalidClientToken));
    }
    if body
        .end_redirect_url
        .as_ref()
        .is_some_and(|url| url.chars().count() > MAX_URL)
    {
        return Err(Error::invalid(Code::InvalidEndRedirectUrl));
    }
    let policy_id = body.policy_id.trim();
    let params = body.params.unwrap_or_default();
    let tenant_id = tenant_of_token(&mut call, &client_token).await?;
    let (name, password) = (text_of(&params, &USER_ID), text_of(&params, &PASSWORD));
    let (address, now) = (&*call.incoming.address, call.reader.now());
    let attempt = Attempt {
        of: Throttled::Password,
        tenant_id,
        name: name.trim(),
        password: &password,
        address,
        now,
    };
    let account = providers::account(policy_id, &name, &cuid);
    let mut wanted = attempt.keys();
    wanted.extend([
        keys::tenant(tenant_id),
        keys::policy_id(tenant_id, policy_id),
        keys::sign_in(tenant_id, attempt.name),
        keys::device(tenant_id, &device_id(&cuid)),
    ]);
    call.reader.fetch(wanted, Vec::new()).await?;
    let unknown = || Error::forbidden(Code::UnknownPolicyId);
    let tenant: Stored<Tenant> = call
        .reader
        .get(&keys::tenant(tenant_id))
        .await?
        .ok_or_else(unknown)?;
    let policy = call
        .reader
        .get::<PolicyIdClaim>(&keys::policy_id(tenant_id, policy_id))
        .await?
        .ok_or_else(unknown)?
        .value
        .policy;
    let asked = SignInRequest {
        tenant_id,
        domain: tenant.value.name,
        policy,
        cuid,
        client_token,
        environment: body.environment,
        params,
    };
    let (signed_in, auth_response) = match asked.policy.kind()? {
        PolicyType::FeedHenry => {
            let person = Person::User(sign_in::prove(&mut call.reader, attempt).await?);
            let signed_in =
                sign_in::admit(&mut call.reader, asked.entrance(), &person, Some(attempt)).await?;
            let auth_response = json!({"userId": signed_in.user_id});
            (signed_in, auth_response)
        }
        PolicyType::Ldap | PolicyType::Mbaas => {
            let attempt = Attempt {
                of: Throttled::Provider,
                name: &account,
                ..attempt
            };
            let (outsider, auth_response) = providers::ask(&mut call, &asked, attempt).await?;
            let person = Person::Outsider(outsider);
            (
                sign_in::admit(&mut call.reader, asked.entrance(), &person, Some(attempt)).await?,
                auth_response,
            )
        }
        PolicyType::OpenId | PolicyType::OAuth2 | PolicyType::OAuth1 => {
            let end = body.end_redirect_url.filter(|url| !url.is_empty());
            let (address, now) = (call.incoming.address.clone(), call.reader.now());
            let attempt = Attempt {
                of: Throttled::Browser,
                tenant_id,
                name: &account,
                password: "",
                address: &address,
                now,
            };
            return browser::begin(call, asked, attempt, end).await;
        }
    };
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct AuthView<'a> {
        message: &'static str,
        session_token: &'a str,
        user_id: &'a str,
        auth_response: Value,
    }
    Reply::of(&AuthView {
        message: "Authentication successful",
        session_token: signed_in.session.expose(),
        user_id: &signed_in.user_id,
        auth_response,
    })
}

fn callback_url(call: &Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    #[derive(Serialize)]
    struct UrlView {
        url: String,
    }
    Reply::of(&UrlView {
        url: browser::callback(call),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionBody {
    session_token: String,
}

/// The caller whose session that is; `None` for one that is not valid (any more).
async fn caller_of(call: &mut Call<'_>, token: &str) -> Result<Option<Principal>, Error> {
    let Ok(session @ CredentialText::AppSession { .. }) = token.parse::<CredentialText>() else {
        return Ok(None);
    };
    call.reader
        .fetch(authenticate::keys_of(&session), Vec::new())
        .await?;
    match authenticate::authenticate(&mut call.reader, &session, false).await {
        Ok(principal) => Ok(Some(principal)),
        Err(error) if error.kind == Kind::Unauthenticated => Ok(None),
        Err(error) => Err(error),
    }
}

async fn verify_session(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: SessionBody = call.body()?;
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct VerifyView {
        is_valid: bool,
    }
    Reply::of(&VerifyView {
        is_valid: caller_of(&mut call, &body.session_token).await?.is_some(),
    })
}

/// Who a session's user is. It is asked with the session itself, so that it tells nothing that its
/// holder may not know.
async fn session_info(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: SessionBody = call.body()?;
    let Some(who) = caller_of(&mut call, &body.session_token).await? else {
        return Err(Error::forbidden(Code::InvalidSessionToken));
    };
    let (cuid, policy) = match &who.means {
        Means::AppSession { cuid, policy } => (cuid, policy),
        Means::Session
        | Means::ApiKey
        | Means::App { .. }
        | Means::UserToken
        | Means::Message
        | Means::Bearer { .. } => {
            return Err(Error::internal("a session of another kind"));
        }
    };
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct InfoView<'a> {
        is_valid: bool,
        user_id: &'a str,
        email: &'a str,
        user_guid: &'a Guid,
        device: &'a str,
        domain: &'a str,
        policy: &'a Guid,
    }
    let owner = &who.owner;
    Reply::of(&InfoView {
        is_valid: true,
        user_id: &owner.username,
        email: &owner.email,
        user_guid: &owner.user,
        device: cuid,
        domain: &who.domain,
        policy,
    })
}

async fn revoke_session(call: Call<'_>) -> Result<Reply, Error> {
    let body: SessionBody = call.body()?;
    if let Ok(session @ CredentialText::AppSession { .. }) =
        body.session_token.parse::<CredentialText>()
    {
        sign_in::end(&call.reader, &session).await?;
    }
    Ok(Reply::done())
}

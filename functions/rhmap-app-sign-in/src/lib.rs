//! `$fh.auth`: sign-in of apps' users by policies, the browser's return from a provider, and what is asked about sessions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::Error;
use shared::access::{self, Means, Principal};
use shared::domain::policy::PolicyIdClaim;
use shared::domain::sign_in::{self, Attempt, Entrance, Person};
use shared::domain::tenant::{StoreDirectory, Tenant};
use shared::error::Kind;
use shared::id::{Guid, Handle};
use shared::records::Stored;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_app_sign_in::{FUNCTION, Op};
use shared::secret::{CredentialText, device_id};
use shared::spine::{Call, Operations};
use shared::store::keys;

/// The function.
pub struct AppSignIn;

impl Operations for AppSignIn {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Auth => auth(call).await,
            Op::VerifySession => verify_session(call).await,
            Op::SessionInfo => session_info(call).await,
            Op::RevokeSession => revoke_session(call).await,
            Op::Callback => Err(Error::internal("to be written")),
            Op::CallbackUrl => callback_url(&call),
        }
    }
}

/// The tenant of a `clientToken`: a store's guid leads to it; an app's token does not, and the request's host or the
/// default decides.
async fn tenant_of_token(call: &mut Call<'_>, token: &str) -> Result<Handle, Error> {
    let store: Option<Guid> = token.parse().ok();
    if let Some(store) = store
        && let Some(found) = call.reader.get::<StoreDirectory>(&keys::store_directory(&store)).await?
    {
        return call.context.tenant_before_sign_in(call.incoming, Some(&found.value.domain));
    }
    call.context.tenant_before_sign_in(call.incoming, None)
}

/// What `$fh.auth` sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthBody {
    #[serde(deserialize_with = "shared::lenient::text")]
    policy_id: String,
    #[serde(default, deserialize_with = "shared::lenient::optional_text")]
    client_token: Option<String>,
    #[serde(default, deserialize_with = "shared::lenient::optional_text")]
    device: Option<String>,
    #[serde(default)]
    params: Params,
    #[serde(default, rename = "__fh")]
    fh: Fh,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Params {
    #[serde(default, deserialize_with = "shared::lenient::optional_text", alias = "userid")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "shared::lenient::optional_text")]
    password: Option<String>,
}

#[derive(Deserialize, Default)]
struct Fh {
    #[serde(default, deserialize_with = "shared::lenient::optional_text")]
    cuid: Option<String>,
}

/// Longest id that a client may choose for its device, in characters.
const CUID_LIMIT: usize = 200;

async fn auth(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: AuthBody = call.body()?;
    let cuid = body.device.or(body.fh.cuid).filter(|cuid| !cuid.is_empty() && cuid.chars().count() <= CUID_LIMIT);
    let cuid = cuid.ok_or_else(|| Error::invalid("invalid_device"))?;
    let client_token = body.client_token.unwrap_or_default();
    let handle = tenant_of_token(&mut call, &client_token).await?;
    let (name, password) = (body.params.user_id.unwrap_or_default(), body.params.password.unwrap_or_default());
    let attempt = Attempt { handle, name: name.trim(), password: &password, address: &call.incoming.address };
    let mut wanted = attempt.keys();
    wanted.extend([
        keys::tenant(handle),
        keys::policy_id(handle, &body.policy_id),
        keys::sign_in(handle, attempt.name),
        keys::device(handle, &device_id(&cuid)),
    ]);
    call.reader.fetch(wanted, Vec::new()).await?;
    let unknown = || Error::forbidden("unknown_policyId");
    let tenant: Stored<Tenant> = call.reader.get(&keys::tenant(handle)).await?.ok_or_else(unknown)?;
    let policy = call.reader.get::<PolicyIdClaim>(&keys::policy_id(handle, &body.policy_id)).await?.ok_or_else(unknown)?.value.policy;
    let entrance = Entrance { handle, domain: &tenant.value.name, policy: &policy, cuid: &cuid, client_token: &client_token };
    let person = Person::User(sign_in::prove(&mut call.reader, attempt).await?);
    let signed_in = sign_in::admit(&mut call.reader, entrance, &person, Vec::new()).await?;
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct AuthView<'a> {
        message: &'static str,
        session_token: &'a str,
        user_id: &'a str,
        auth_response: BTreeMap<&'static str, &'a str>,
    }
    let auth_response = BTreeMap::from([("userId", signed_in.user_id.as_str())]);
    Reply::of(&AuthView { message: "Authentication successful", session_token: signed_in.session.expose(), user_id: &signed_in.user_id, auth_response })
}

/// Where a provider sends the browser back to.
fn callback(call: &Call<'_>) -> String {
    format!("{}/box/srv/1.1/arm/authCallback", call.incoming.base_url)
}

fn callback_url(call: &Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct UrlView {
        url: String,
    }
    Reply::of(&UrlView { url: callback(call) })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionBody {
    session_token: String,
}

/// The caller whose session that is; `None` for one that is not valid (any more).
async fn caller_of(call: &mut Call<'_>, token: &str) -> Result<Option<Principal>, Error> {
    let Ok(session @ CredentialText::AppSession { .. }) = token.parse::<CredentialText>() else { return Ok(None) };
    call.reader.fetch(access::keys_of(&session), Vec::new()).await?;
    match access::authenticate(&mut call.reader, &session).await {
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
    Reply::of(&VerifyView { is_valid: caller_of(&mut call, &body.session_token).await?.is_some() })
}

/// Who a session's user is. It is asked with the session itself, so that it tells nothing that its holder may not know.
async fn session_info(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: SessionBody = call.body()?;
    let Some(who) = caller_of(&mut call, &body.session_token).await? else { return Err(Error::forbidden("invalid_sessionToken")) };
    let (cuid, policy) = match &who.means {
        Means::AppSession { cuid, policy } => (cuid, policy),
        Means::Session | Means::ApiKey => return Err(Error::internal("a session of another kind")),
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
    Reply::of(&InfoView { is_valid: true, user_id: &owner.username, email: &owner.email, user_guid: &owner.user, device: cuid, domain: &who.domain, policy })
}

async fn revoke_session(call: Call<'_>) -> Result<Reply, Error> {
    let body: SessionBody = call.body()?;
    if let Ok(session @ CredentialText::AppSession { .. }) = body.session_token.parse::<CredentialText>() {
        sign_in::end(&call.reader, &session).await?;
    }
    Ok(Reply::done())
}

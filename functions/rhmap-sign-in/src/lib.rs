//! Sign-in of members and of apps' users, and what their clients ask on the way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::Error;
use shared::access::Role;
use shared::domain::sign_in::{self, Attempt};
use shared::domain::tenant::StoreDirectory;
use shared::domain::user::{self, User};
use shared::id::{Guid, Handle};
use shared::records::Stored;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_sign_in::{FUNCTION, Op};
use shared::secret::CredentialText;
use shared::spine::{Call, Operations};
use shared::store::keys;

/// The function.
pub struct SignIn;

impl Operations for SignIn {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Health => Ok(Reply::done()),
            Op::Version => version(),
            Op::Login => login(call).await,
            Op::Logout => logout(call).await,
            Op::ReadUser => read_user(call).await,
            Op::SetProp => set_prop(call).await,
            Op::Auth => auth(call).await,
            Op::VerifySession => verify_session(call).await,
            Op::RevokeSession => revoke_session(call).await,
        }
    }
}

/// fhc asks this before it accepts a target.
fn version() -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct VersionView {
        #[serde(rename = "Product")]
        product: &'static str,
        #[serde(rename = "Release")]
        release: &'static str,
    }
    Reply::of(&VersionView { product: "Appdepot", release: env!("CARGO_PKG_VERSION") })
}

/// The cookie's line. `Secure` where the deployment is reached by https: a browser would drop it on the local server.
fn cookie(call: &Call<'_>, value: &str, seconds: i64) -> String {
    let secure = if call.incoming.base_url.starts_with("https:") { "; Secure" } else { "" };
    format!("feedhenry={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// `{u, p, d}`: user, password, domain.
async fn login(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(deserialize_with = "shared::lenient::text")]
        u: String,
        #[serde(deserialize_with = "shared::lenient::text")]
        p: String,
        #[serde(default, deserialize_with = "shared::lenient::optional_text")]
        d: Option<String>,
    }
    let body: Body = call.body()?;
    let handle = call.context.tenant_before_sign_in(call.incoming, body.d.as_deref())?;
    let attempt = Attempt { handle, name: body.u.trim(), password: &body.p, address: &call.incoming.address };
    let signed_in = sign_in::member(&mut call.reader, attempt).await?;
    #[derive(Serialize)]
    struct LoginView<'a> {
        result: &'static str,
        login: &'a str,
        domain: &'a str,
        #[serde(rename = "userName")]
        user_name: &'a str,
    }
    let text = signed_in.session.expose();
    let view = LoginView { result: "ok", login: text, domain: &signed_in.domain, user_name: &signed_in.user.owner.username };
    let line = cookie(&call, text, sign_in::SESSION_SECONDS);
    Ok(Reply::of(&view)?.cookie(line))
}

async fn logout(call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let presented = &call.incoming.presented;
    if let Some((session @ CredentialText::Session { .. }, _)) = shared::access::choose(presented) {
        sign_in::end(&call.reader, &session).await?;
    }
    let line = cookie(&call, "", 0);
    Ok(Reply::done().cookie(line))
}

async fn read_user(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let who = call.who()?;
    let found: Option<Stored<User>> = call.reader.get(&keys::user(who.handle, &who.owner.user)).await?;
    let user = found.ok_or_else(Error::unauthenticated)?.value;
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct UserView<'a> {
        guid: &'a Guid,
        user_name: &'a str,
        userid: &'a str,
        email: &'a str,
        name: &'a str,
        domain: &'a str,
        roles: Vec<&'static str>,
        prefs: &'a BTreeMap<String, String>,
        sys_created: String,
    }
    Reply::of(&UserView {
        guid: &user.owner.user,
        user_name: &user.owner.username,
        userid: &user.owner.username,
        email: &user.owner.email,
        name: &user.name,
        domain: &who.domain,
        roles: user.owner.roles.iter().map(|role: &Role| role.as_str()).collect(),
        prefs: &user.prefs,
        sys_created: user.created.colon_millis(),
    })
}

/// fhc keeps `studio.version` here after each login.
async fn set_prop(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(deserialize_with = "shared::lenient::text")]
        key: String,
        #[serde(deserialize_with = "shared::lenient::text")]
        value: String,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    user::set_preference(&mut call.reader, who.handle, &who.owner.user, &body.key, &body.value).await?;
    Ok(Reply::done())
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

/// `$fh.auth` with a policy of type FEEDHENRY.
async fn auth(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
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
    let body: Body = call.body()?;
    let cuid = body.device.or(body.fh.cuid).filter(|cuid| !cuid.is_empty() && cuid.chars().count() <= 200);
    let cuid = cuid.ok_or_else(|| Error::invalid("invalid_device"))?;
    let handle = tenant_of_token(&mut call, body.client_token.as_deref().unwrap_or_default()).await?;
    let (name, password) = (body.params.user_id.unwrap_or_default(), body.params.password.unwrap_or_default());
    let attempt = Attempt { handle, name: name.trim(), password: &password, address: &call.incoming.address };
    let signed_in = sign_in::app_user(&mut call.reader, attempt, &body.policy_id, &cuid).await?;
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct AuthView<'a> {
        message: &'static str,
        session_token: &'a str,
        user_id: &'a str,
        auth_response: BTreeMap<&'static str, &'a str>,
    }
    let auth_response = BTreeMap::from([("userId", signed_in.username.as_str())]);
    Reply::of(&AuthView { message: "Authentication successful", session_token: signed_in.session.expose(), user_id: &signed_in.username, auth_response })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionBody {
    session_token: String,
}

async fn verify_session(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: SessionBody = call.body()?;
    let mut is_valid = false;
    if let Ok(session @ CredentialText::AppSession { .. }) = body.session_token.parse::<CredentialText>() {
        call.reader.fetch(shared::access::keys_of(&session), Vec::new()).await?;
        is_valid = match shared::access::authenticate(&mut call.reader, &session).await {
            Ok(_) => true,
            Err(error) if error.kind == shared::error::Kind::Unauthenticated => false,
            Err(error) => return Err(error),
        };
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct VerifyView {
        is_valid: bool,
    }
    Reply::of(&VerifyView { is_valid })
}

async fn revoke_session(call: Call<'_>) -> Result<Reply, Error> {
    let body: SessionBody = call.body()?;
    if let Ok(session @ CredentialText::AppSession { .. }) = body.session_token.parse::<CredentialText>() {
        sign_in::end(&call.reader, &session).await?;
    }
    Ok(Reply::done())
}

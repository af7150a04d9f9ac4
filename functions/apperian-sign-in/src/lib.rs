//! Sign-in to the Apperian API: name and password for a token, and whose token it is.

use serde::{Deserialize, Serialize};
use shared::base::error::Error;
use shared::base::id::Guid;
use shared::domain::sign_in::sign_in::{Attempt, Throttled};
use shared::domain::sign_in::{sign_in, user_token};
use shared::http::dialect::apperian;
use shared::http::pipeline::{Call, Operations};
use shared::http::presented;
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::apperian_sign_in::{FUNCTION, Op};
use shared::model::people::principal::Means;
use shared::model::people::user::User;
use shared::store::keys;
use shared::store::record::Stored;

/// The function.
pub struct SignIn;

impl Operations for SignIn {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn address(request: &lambda_http::Request) -> std::borrow::Cow<'_, str> {
        std::borrow::Cow::Borrowed(apperian::unversioned(request.uri().path()))
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            // The store's client says more of itself (`device_info`, `remember_me`), which changes
            // nothing about its token.
            Op::Authenticate | Op::AuthenticateForCatalog => authenticate(call).await,
            Op::SignOut => sign_out(call).await,
            Op::ReadUser => read_user(call).await,
        }
    }
}

/// A user. Users have no number here: `psk` is the guid too, which clients send back as they got
/// it.
#[derive(Serialize)]
struct UserView {
    id: Guid,
    psk: Guid,
    user_id: String,
    email: String,
    first_name: String,
    last_name: String,
}

impl UserView {
    fn of(user: &User) -> Self {
        let (first, last) = user.first_and_last_name();
        Self {
            id: user.owner.user.clone(),
            psk: user.owner.user.clone(),
            user_id: user.owner.username.clone(),
            email: user.owner.email.clone(),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
        }
    }
}

/// `{user_id, password}`: a token for who they are of. `organization` names the tenant where the
/// host does not.
async fn authenticate(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(deserialize_with = "shared::base::lenient::text")]
        user_id: String,
        #[serde(deserialize_with = "shared::base::lenient::text")]
        password: String,
        #[serde(
            default,
            alias = "d",
            deserialize_with = "shared::base::lenient::optional_text"
        )]
        organization: Option<String>,
    }
    #[derive(Serialize)]
    struct TokenView<'a> {
        token: &'a str,
        user: UserView,
    }
    let body: Body = call.body()?;
    let tenant_id = call
        .context
        .tenant_before_sign_in(&call.incoming.host, body.organization.as_deref())?;
    let (now, address) = (call.reader.now(), &call.incoming.address);
    let attempt = Attempt {
        of: Throttled::Password,
        tenant_id,
        name: body.user_id.trim(),
        password: &body.password,
        address,
        now,
    };
    let (token, user) = user_token::sign_in(&mut call.reader, attempt).await?;
    Reply::of(&TokenView {
        token: token.expose(),
        user: UserView::of(&user),
    })
}

/// Ends the token that it is called with.
async fn sign_out(call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct SignedOutView {
        signed_out: bool,
    }
    let token =
        presented::choose_token(&call.incoming.presented).ok_or_else(Error::unauthenticated)?;
    if call.who()?.means != Means::UserToken {
        return Err(Error::invalid(
            "X-TOKEN is an API key, which does not end by signing out: revoke it where keys are \
            kept",
        ));
    }
    sign_in::end(&call.reader, &token).await?;
    Reply::of(&SignedOutView { signed_out: true })
}

/// Whose token it is.
async fn read_user(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct InfoView {
        user: UserView,
    }
    let who = call.who()?;
    let found: Option<Stored<User>> = call
        .reader
        .get(&keys::user(who.tenant_id, &who.owner.user))
        .await?;
    let user = found.ok_or_else(Error::unauthenticated)?.value;
    Reply::of(&InfoView {
        user: UserView::of(&user),
    })
}

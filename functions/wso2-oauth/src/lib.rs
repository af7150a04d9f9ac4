//! Clients of the publisher API and their tokens.

use form::Form;
use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::{Error, Kind};
use shared::domain::sign_in::oauth;
use shared::domain::sign_in::oauth::{BEARER_SECONDS, Grant, NewClient, Proof};
use shared::domain::sign_in::sign_in::{Attempt, Throttled};
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations};
use shared::http::reply::{Reply, Success};
use shared::http::routes::Function;
use shared::http::routes::wso2_oauth::{FUNCTION, Op};

mod form;

/// The function.
pub struct OAuth;

impl Operations for OAuth {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Register => register(call).await,
            Op::Token => token(call).await,
            Op::Revoke => revoke(call).await,
        }
    }
}

/// A client, for the user whose name and password the request presents. `owner`, `tokenScope` and
/// `saasApp` are not looked at: a client belongs to whoever registers it.
async fn register(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        #[serde(deserialize_with = "shared::base::lenient::text")]
        client_name: String,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        callback_url: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        grant_type: Option<String>,
    }
    let (username, password) = call
        .incoming
        .presented
        .basic()
        .ok_or_else(Error::unauthenticated)?;
    let asked = call
        .incoming
        .require_json()
        .and_then(|()| call.body::<Body>())
        .and_then(|body| {
            let grants = body.grant_type.unwrap_or_default();
            NewClient::new(
                body.client_name,
                body.callback_url.unwrap_or_default(),
                &grants,
            )
        });
    let username = username.trim();
    // `user@tenant` where there is such a tenant, else all of it is the name.
    let (name, named) = match oauth::split_tenant(username) {
        Some((name, tenant)) if oauth::is_tenant(&mut call.reader, tenant).await? => {
            (name, Some(tenant))
        }
        _ => (username, None),
    };
    let tenant_id = call
        .context
        .tenant_before_sign_in(&call.incoming.host, named)?;
    let attempt = Attempt {
        of: Throttled::Password,
        tenant_id,
        name,
        password: &password,
        address: &call.incoming.address,
        now: call.reader.now(),
    };
    let registered = oauth::register(&mut call.reader, attempt, asked).await?;
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct ClientView<'a> {
        client_id: String,
        client_secret: &'a str,
        client_name: &'a str,
        #[serde(rename = "callBackURL")]
        callback: &'a str,
    }
    let view = ClientView {
        client_id: registered.id.to_string(),
        client_secret: &registered.secret,
        client_name: registered.client.name.as_str(),
        callback: registered.client.callback.as_str(),
    };
    Ok(Reply::of(&view)?.success(Success::Created))
}

/// Id and secret of a client as a request presents them: in `Authorization` or in the body, not in
/// both.
struct Presented {
    id: String,
    secret: String,
}

impl Presented {
    fn of(incoming: &Incoming, form: &Form) -> Result<Self, Error> {
        let none = || {
            Error::new(
                Kind::Unauthenticated,
                Code::InvalidClient.with("The client must present its id and its secret"),
            )
        };
        if incoming.presented.authorization.is_none() {
            let (Some(id), Some(secret)) = (form.get("client_id"), form.get("client_secret"))
            else {
                return Err(none());
            };
            return Ok(Self {
                id: id.to_owned(),
                secret: secret.to_owned(),
            });
        }
        let (id, secret) = incoming.presented.basic().ok_or_else(none)?;
        if form.get("client_secret").is_some()
            || form.get("client_id").is_some_and(|named| named != id)
        {
            return Err(Error::invalid(
                Code::InvalidRequest.with("The client must present itself in one way"),
            ));
        }
        Ok(Self { id, secret })
    }

    fn proof(&self) -> Proof<'_> {
        Proof {
            id: &self.id,
            secret: &self.secret,
        }
    }
}

async fn token(mut call: Call<'_>) -> Result<Reply, Error> {
    let form = Form::of(call.incoming)?;
    let client = Presented::of(call.incoming, &form)?;
    let grant = match form.need("grant_type")? {
        "password" => Grant::Password {
            username: form.need("username")?,
            password: form.need("password")?,
            address: &call.incoming.address,
        },
        "client_credentials" => Grant::ClientCredentials,
        "refresh_token" => Grant::Refresh(form.need("refresh_token")?),
        _ => {
            return Err(Error::invalid(Code::UnsupportedGrantType.with(
                "The grant types are password, client_credentials and refresh_token",
            )));
        }
    };
    let issued = oauth::token(&mut call.reader, client.proof(), grant, form.get("scope")).await?;
    #[derive(Serialize)]
    struct TokenView<'a> {
        access_token: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        refresh_token: Option<&'a str>,
        scope: String,
        token_type: &'static str,
        expires_in: i64,
    }
    Reply::of(&TokenView {
        access_token: issued.bearer.expose(),
        refresh_token: issued.refresh.as_ref().map(|text| text.expose()),
        scope: issued.scopes.to_string(),
        token_type: "Bearer",
        expires_in: BEARER_SECONDS,
    })
}

async fn revoke(mut call: Call<'_>) -> Result<Reply, Error> {
    let form = Form::of(call.incoming)?;
    let client = Presented::of(call.incoming, &form)?;
    oauth::revoke(&mut call.reader, client.proof(), form.need("token")?).await?;
    Ok(Reply::empty())
}

//! Sign-in of members, the passwords that they sign in with, and what their clients ask on the way.

use std::collections::BTreeMap;

use askama::Template;
use serde::{Deserialize, Serialize};
use shared::base::error::{Error, Kind};
use shared::base::id::{Guid, TenantId};
use shared::base::rights::Role;
use shared::base::secret::CredentialText;
use shared::domain::people::password::Reason;
use shared::domain::people::{password, user};
use shared::domain::sign_in::sign_in::{Attempt, Throttled};
use shared::domain::sign_in::{own_password, sign_in};
use shared::http::addresses;
use shared::http::pipeline::{Call, Operations};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_sign_in::{FUNCTION, Op};
use shared::model::people::tenant::Tenant;
use shared::model::people::user::User;
use shared::services::mail::Mailer;
use shared::store::keys;
use shared::store::record::Stored;

/// The function.
pub struct SignIn;

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage<'a> {
    token: &'a str,
    least: usize,
    problem: &'a str,
}

#[derive(Template)]
#[template(path = "password-set.html")]
struct PasswordSet<'a> {
    username: &'a str,
}

impl Operations for SignIn {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Health => Ok(Reply::done()),
            Op::Version => version(),
            Op::Login => login(call).await,
            Op::Logout => logout(call).await,
            Op::ReadUser => read_user(call).await,
            Op::SetProp => set_prop(call).await,
            Op::ForgotPassword => forgot_password(call).await,
            Op::PasswordPage => password_page(&call),
            Op::SetPassword => set_password(call).await,
            Op::ChangePassword => change_password(call).await,
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
    Reply::of(&VersionView {
        product: "Appdepot",
        release: env!("CARGO_PKG_VERSION"),
    })
}

/// The cookie's line. `Secure` where the deployment is reached by https: a browser would drop it on
/// the local server.
fn cookie(call: &Call<'_>, value: &str, seconds: i64) -> String {
    let secure = if call.incoming.base_url.starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    format!("feedhenry={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// `{u, p, d}`: user, password, domain.
async fn login(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(deserialize_with = "shared::base::lenient::text")]
        u: String,
        #[serde(deserialize_with = "shared::base::lenient::text")]
        p: String,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        d: Option<String>,
    }
    let body: Body = call.body()?;
    let tenant_id = call
        .context
        .tenant_before_sign_in(&call.incoming.host, body.d.as_deref())?;
    let attempt = attempt(
        &call,
        Throttled::Password,
        tenant_id,
        body.u.trim(),
        &body.p,
    );
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
    let view = LoginView {
        result: "ok",
        login: text,
        domain: &signed_in.domain,
        user_name: &signed_in.user.owner.username,
    };
    let line = cookie(&call, text, sign_in::SESSION_SECONDS);
    Ok(Reply::of(&view)?.cookie(line))
}

async fn logout(call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let presented = &call.incoming.presented;
    if let Some((session @ CredentialText::Session { .. }, _)) =
        shared::http::presented::choose(presented)
    {
        sign_in::end(&call.reader, &session).await?;
    }
    let line = cookie(&call, "", 0);
    Ok(Reply::done().cookie(line))
}

async fn read_user(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let who = call.who()?;
    let found: Option<Stored<User>> = call
        .reader
        .get(&keys::user(who.tenant_id, &who.owner.user))
        .await?;
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
        roles: user
            .owner
            .roles
            .iter()
            .map(|role: &Role| role.as_str())
            .collect(),
        prefs: &user.prefs,
        sys_created: user.created.colon_millis(),
    })
}

/// fhc keeps `studio.version` here after each login.
async fn set_prop(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(deserialize_with = "shared::base::lenient::text")]
        key: String,
        #[serde(deserialize_with = "shared::base::lenient::text")]
        value: String,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    user::set_preference(
        &mut call.reader,
        who.tenant_id,
        &who.owner.user,
        &body.key,
        &body.value,
    )
    .await?;
    Ok(Reply::done())
}

/// Where a page may load from and post to: nowhere and here.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";

fn page(page: &impl Template) -> Result<Reply, Error> {
    let reply = Reply::bytes(
        "text/html; charset=utf-8",
        page.render().map_err(Error::internal)?.into_bytes(),
    );
    // The link must not travel on in a Referer.
    Ok(reply
        .header("content-security-policy", PAGE_POLICY.to_owned())
        .header("referrer-policy", "no-referrer".to_owned()))
}

/// `{u, d}`: a user who forgot his password, by name or mail address. The answer is the same
/// whoever asks.
async fn forgot_password(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(deserialize_with = "shared::base::lenient::text")]
        u: String,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        d: Option<String>,
    }
    let body: Body = call.body()?;
    let mailer = call.context.mailer()?;
    let tenant_id = call
        .context
        .tenant_before_sign_in(&call.incoming.host, body.d.as_deref())?;
    let name = body.u.trim();
    // As long for nobody as for somebody, and whatever becomes of the mail.
    let alike = std::time::Duration::from_millis(call.context.settings.reset_millis);
    let (done, ()) = tokio::join!(
        reset(&mut call, mailer, tenant_id, name),
        tokio::time::sleep(alike)
    );
    done.map(|()| Reply::done())
}

/// Mails a link to the user of that name or address, if there is one.
async fn reset(
    call: &mut Call<'_>,
    mailer: &dyn Mailer,
    tenant_id: TenantId,
    name: &str,
) -> Result<(), Error> {
    let found = password::forgotten(&mut call.reader, tenant_id, name, Vec::new()).await?;
    // Each request counts, so that nobody's mailbox is flooded: for the user, whatever he was
    // called.
    let counted = found
        .as_ref()
        .map_or_else(|| name.to_owned(), |user| user.owner.user.to_string());
    attempt(call, Throttled::Reset, tenant_id, &counted, "")
        .charge(&call.reader)
        .await?;
    let tenant: Option<Stored<Tenant>> = call.reader.get(&keys::tenant(tenant_id)).await?;
    let (Some(user), Some(tenant)) = (found, tenant) else {
        return Ok(());
    };
    let (link, write) = password::link(
        tenant_id,
        &tenant.value.name,
        &user,
        Reason::Reset,
        call.reader.now(),
    )?;
    call.reader.table().write(vec![write]).await?;
    // What went wrong stands in the log: who asks must not learn whether there was anything to be
    // mailed.
    password::send(
        mailer,
        &user,
        &tenant.value.name,
        &addresses::password_page(&call.incoming.base_url),
        Reason::Reset,
        &link,
    )
    .await;
    Ok(())
}

/// A try from where the request came.
fn attempt<'a>(
    call: &Call<'a>,
    of: Throttled,
    tenant_id: TenantId,
    name: &'a str,
    password: &'a str,
) -> Attempt<'a> {
    Attempt {
        of,
        tenant_id,
        name,
        password,
        address: &call.incoming.address,
        now: call.reader.now(),
    }
}

#[derive(Deserialize)]
struct LinkBody {
    #[serde(deserialize_with = "shared::base::lenient::text")]
    token: String,
}

/// The page behind the link of a mail. It only asks: programs that look into mails follow links,
/// and must not use one up.
fn password_page(call: &Call<'_>) -> Result<Reply, Error> {
    let body: LinkBody = call.body()?;
    page(&PasswordPage {
        token: &body.token,
        least: password::LEAST,
        problem: "",
    })
}

/// `{token, password}`, as JSON or from the page's form.
async fn set_password(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(flatten)]
        link: LinkBody,
        #[serde(deserialize_with = "shared::base::lenient::text")]
        password: String,
    }
    let from_page = call
        .incoming
        .content_type
        .starts_with("application/x-www-form-urlencoded");
    let body: Body = call.body()?;
    match password::set_by_link(&mut call.reader, &body.link.token, &body.password).await {
        Ok(user) if from_page => page(&PasswordSet {
            username: &user.owner.username,
        }),
        Ok(_) => Ok(Reply::done()),
        Err(error) if from_page && error.kind == Kind::Invalid => page(&PasswordPage {
            token: &body.link.token,
            least: password::LEAST,
            problem: &error.message,
        }),
        Err(error) => Err(error),
    }
}

/// `{oldPassword, newPassword}`: a member's own. His other sessions end; the answer brings a new
/// one.
async fn change_password(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        #[serde(deserialize_with = "shared::base::lenient::text")]
        old_password: String,
        #[serde(deserialize_with = "shared::base::lenient::text")]
        new_password: String,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let attempt = attempt(
        &call,
        Throttled::Password,
        who.tenant_id,
        &who.owner.username,
        &body.old_password,
    );
    let session =
        own_password::change_own(&mut call.reader, who, attempt, &body.new_password).await?;
    #[derive(Serialize)]
    struct ChangedView<'a> {
        login: &'a str,
    }
    let line = cookie(&call, session.expose(), sign_in::SESSION_SECONDS);
    Ok(Reply::of(&ChangedView {
        login: session.expose(),
    })?
    .cookie(line))
}

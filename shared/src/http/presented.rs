//! What a request presents as credentials: the names on the wire stand here, once, and so does
//! which of several credentials counts.

use crate::base::rights::Permission;
use crate::base::secret::CredentialText;

const API_KEY_HEADER: &str = "x-fh-auth-user";
const APP_KEY_HEADER: &str = "x-fh-auth-app";
const SESSION_COOKIE: &str = "feedhenry";
/// A header and a cookie have this name.
const APP_SESSION: &str = "x-fh-auth-session";
const APP_SESSION_QUERY: &str = "fh_auth_session";
const TOKEN_HEADER: &str = "x-token";

/// Which texts a request presents as credentials.
#[derive(Clone, Default)]
pub struct Presented {
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// `X-FH-AUTH-USER`.
    pub api_key: Option<String>,
    /// `X-FH-AUTH-APP`.
    pub app_key: Option<String>,
    /// The cookie `feedhenry`.
    pub cookie: Option<String>,
    /// `X-FH-AUTH-SESSION`, the query `fh_auth_session` or the cookie `x-fh-auth-session`.
    pub app_session: Option<String>,
    /// Whether the app session came in a cookie.
    pub app_session_in_cookie: bool,
    /// `X-TOKEN`, or what a remote call says as `token`.
    pub token: Option<String>,
}

impl Presented {
    /// What that request presents. `from_query` gives the first value of a name in its query.
    pub fn of(request: &lambda_http::Request, from_query: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| {
            let value = request.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let app_session = text(APP_SESSION).or_else(|| from_query(APP_SESSION_QUERY));
        Self {
            authorization: text("authorization"),
            api_key: text(API_KEY_HEADER),
            app_key: text(APP_KEY_HEADER),
            cookie: cookie(request, SESSION_COOKIE),
            app_session_in_cookie: app_session.is_none(),
            app_session: app_session.or_else(|| cookie(request, APP_SESSION)),
            token: text(TOKEN_HEADER),
        }
    }

    /// The bearer token in `Authorization`; the scheme's case does not count.
    pub fn bearer(&self) -> Option<&str> {
        self.of_scheme("bearer")
    }

    /// User and password of the Basic scheme in `Authorization` (RFC 7617, UTF-8).
    pub fn basic(&self) -> Option<(String, String)> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(self.of_scheme("basic")?)
            .ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    fn of_scheme(&self, wanted: &str) -> Option<&str> {
        let (scheme, rest) = self.authorization.as_deref()?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
    }
}

/// The credential that counts where a row asks for a scope: a bearer token, and nothing else.
pub fn choose_bearer(presented: &Presented) -> Option<CredentialText> {
    match presented.bearer()?.parse() {
        Ok(token @ CredentialText::Bearer { .. }) => Some(token),
        _ => None,
    }
}

/// The credential that counts where `X-TOKEN` is what a dialect takes: a user's token, or one of
/// their API keys, which never expire.
pub fn choose_token(presented: &Presented) -> Option<CredentialText> {
    match presented.token.as_deref()?.trim().parse() {
        Ok(token @ (CredentialText::UserToken { .. } | CredentialText::ApiKey { .. })) => {
            Some(token)
        }
        _ => None,
    }
}

/// The credential that counts: the platform user's before the app user's (what the original's own
/// client relied on). `None` where none of the texts is a credential of the kind that its place
/// takes.
pub fn choose(presented: &Presented) -> Option<(CredentialText, bool)> {
    let read = |text: &Option<String>| {
        text.as_deref()
            .and_then(|text| text.parse::<CredentialText>().ok())
    };
    if let Some(key @ CredentialText::ApiKey { .. }) = read(&presented.api_key) {
        return Some((key, false));
    }
    if let Some(session @ CredentialText::Session { .. }) = read(&presented.cookie) {
        return Some((session, true));
    }
    match read(&presented.app_session) {
        Some(session @ CredentialText::AppSession { .. }) => {
            Some((session, presented.app_session_in_cookie))
        }
        _ => None,
    }
}

/// The credential that counts where apps may ask: a member's before the app's own. Whoever holds
/// both may have got the app's from somebody else's request.
pub fn choose_app(presented: &Presented) -> Option<(CredentialText, bool)> {
    if let Some(found @ (CredentialText::ApiKey { .. } | CredentialText::Session { .. }, _)) =
        choose(presented)
    {
        return Some(found);
    }
    match presented.app_key.as_deref()?.trim().parse() {
        Ok(key @ CredentialText::ApiKey { .. }) => Some((key, false)),
        _ => None,
    }
}

/// Whether the credential of [`choose_app`] stands where apps present theirs: their key counts
/// nowhere else.
pub fn is_presented_by_app(presented: &Presented) -> bool {
    !matches!(
        choose(presented),
        Some((
            CredentialText::ApiKey { .. } | CredentialText::Session { .. },
            _
        ))
    )
}

/// The credential that counts on a row with that permission, and whether it came in a cookie: a
/// bearer token where a scope is asked for, an app's key too where apps may ask, else that of
/// [`choose`].
pub fn choose_by(presented: &Presented, permission: Permission) -> Option<(CredentialText, bool)> {
    match permission {
        Permission::AppOr(_) => choose_app(presented),
        Permission::Scope(_) => choose_bearer(presented).map(|token| (token, false)),
        Permission::Open
        | Permission::StoreUser
        | Permission::Member
        | Permission::Holds(_)
        | Permission::Signed => choose(presented),
    }
}

fn cookie(request: &lambda_http::Request, name: &str) -> Option<String> {
    let lines = request
        .headers()
        .get_all("cookie")
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value.trim_matches('"').to_owned())
}

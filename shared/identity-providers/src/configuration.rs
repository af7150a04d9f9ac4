//! What may stand in the configuration of an authentication policy.

use std::fmt;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};
use url::Url;

use crate::endpoint::{MOST, Reach, directory, page, web};
use crate::ldap_name::{is_attribute, is_name};

/// Who an `OAUTH2` or `OPENID` policy asks when it names no issuer.
const GOOGLE: &str = "https://accounts.google.com";

/// The most characters of `caCertificate`: a chain of a few certificates.
const MOST_PEM: usize = 16_000;

/// The most entries of a list.
const MOST_ENTRIES: usize = 50;

/// The kind of a policy. Upper and lower case of its name mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
#[strum(parse_err_ty = UnknownPolicyType, parse_err_fn = unknown_type)]
pub enum PolicyType {
    /// OAuth 1.0a with three legs.
    OAuth1,
    /// OpenID Connect for a client with a secret: a bare OAuth 2.0 grant would not say who somebody
    /// is.
    OAuth2,
    /// OpenID Connect.
    OpenId,
    /// A simple bind at the company's directory.
    Ldap,
    /// The platform's own users.
    FeedHenry,
    /// The company's own endpoint decides.
    Mbaas,
}

/// No kind of a policy has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownPolicyType;

impl fmt::Display for UnknownPolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be one of OAUTH1, OAUTH2, OPENID, LDAP, FEEDHENRY and MBAAS")
    }
}

impl std::error::Error for UnknownPolicyType {}

fn unknown_type(_: &str) -> UnknownPolicyType {
    UnknownPolicyType
}

impl PolicyType {
    /// The name, in upper case.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The fields that are secrets: stored sealed, never shown.
    pub fn secrets(self) -> &'static [&'static str] {
        match self {
            Self::OAuth1 => &["consumerSecret"],
            Self::OAuth2 | Self::OpenId => &["clientSecret"],
            Self::Ldap | Self::FeedHenry | Self::Mbaas => &[],
        }
    }

    /// The fields that say whom a secret is for. When one of them changes, the secret must be sent
    /// again: or whoever may edit a policy, but was never told its secret, could have it sent to a
    /// host of their own.
    pub fn anchors(self) -> &'static [&'static str] {
        match self {
            Self::OAuth1 => &[
                "consumerKey",
                "requestTokenUrl",
                "authorizeUrl",
                "accessTokenUrl",
            ],
            Self::OAuth2 | Self::OpenId => &["issuer", "clientId"],
            Self::Ldap | Self::FeedHenry | Self::Mbaas => &[],
        }
    }
}

/// A field of a configuration that cannot be accepted. It displays as `invalid_<field>: <reason>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The field, as it is spelt in the configuration.
    pub field: String,
    /// Why, for the one who sent it.
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid_{}: {}", self.field, self.reason)
    }
}

impl std::error::Error for Refused {}

/// A text that no log may show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A configuration that was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configuration {
    /// Of `OAUTH2` and `OPENID`.
    OpenId(OpenIdConfiguration),
    /// Of `OAUTH1`.
    OAuth1(OAuth1Configuration),
    /// Of `LDAP`.
    Ldap(LdapConfiguration),
    /// Of `FEEDHENRY`: nothing to configure.
    FeedHenry,
    /// Of `MBAAS`.
    Mbaas(MbaasConfiguration),
}

/// An OpenID provider and this service's registration there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdConfiguration {
    /// The issuer exactly as it was written: providers tell `https://a` from `https://a/`.
    pub issuer: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret; none for a public client, which PKCE alone protects.
    pub client_secret: Option<Secret>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// Where a finished sign-in may send the browser.
    pub redirects: Redirects,
}

/// An OAuth 1.0a provider and this service's registration there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth1Configuration {
    /// The consumer's key.
    pub consumer_key: String,
    /// The consumer's secret.
    pub consumer_secret: Secret,
    /// Where the first leg asks.
    pub request_token_url: Url,
    /// Where the browser is sent.
    pub authorize_url: Url,
    /// Where the third leg asks.
    pub access_token_url: Url,
    /// The field of the last answer that says who it is; `user_id`, else `screen_name`, where none
    /// is named.
    pub user_id_field: Option<String>,
    /// Where a finished sign-in may send the browser.
    pub redirects: Redirects,
}

/// A directory and where its people are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapConfiguration {
    /// `ldap://` or `ldaps://`, with a host.
    pub url: Url,
    /// The name under which the people stand, such as `ou=people,dc=example,dc=com`.
    pub dn: String,
    /// The attribute that names a person there, such as `uid`.
    pub dn_prefix: String,
    /// Whether an `ldap://` connection is encrypted before the password is sent. True unless the
    /// configuration says false in so many words: a simple bind in clear shows the password to the
    /// whole path. Of no meaning for `ldaps://`.
    pub starttls: bool,
    /// Whether the directory vouches for the `mail` of its entries: not where people may write it
    /// themselves.
    pub email_verified: bool,
    /// Certificates, as PEM, that vouch for the directory besides the public authorities: the
    /// company's own.
    pub ca_certificate: Option<String>,
}

/// A company's own endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MbaasConfiguration {
    /// What is asked.
    pub auth_endpoint: Url,
    /// The name of the backend; kept, not used.
    pub mbaas: Option<String>,
    /// The environment that a request without one means.
    pub default_environment: Option<String>,
    /// The name of the provider; kept, not used.
    pub provider: Option<String>,
}

/// Where a finished sign-in may send the browser: origins, paths below which anything is admitted,
/// or whole URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redirects(Vec<Url>);

impl Redirects {
    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the URL is one of those named: of the same origin, and with a path that is a named
    /// one or lies below it, so that `https://a.example/x` admits `/x`, `/x?y` and `/x/y` but not
    /// `/xy`. One that was named with a query admits only itself.
    pub fn admits(&self, url: &str) -> bool {
        let Ok(url) = page(url) else { return false };
        self.0.iter().any(|named| {
            let path = named.path().trim_end_matches('/');
            let below = || {
                url.path()
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if named.query().is_some() {
                *named == url
            } else {
                named.origin() == url.origin() && (named.path() == url.path() || below())
            }
        })
    }
}

impl Configuration {
    /// Judges the fields of a policy's configuration. Never resolves a name and never connects.
    /// Fields it does not know are ignored; a text that is empty is as one that is absent; no text
    /// is longer than 2,000 characters.
    ///
    /// # Errors
    /// The first field that cannot be accepted, and why.
    pub fn parse(
        kind: PolicyType,
        fields: &Map<String, Value>,
        reach: Reach,
    ) -> Result<Self, Refused> {
        let fields = Fields { fields, reach };
        match kind {
            PolicyType::OAuth2 => fields.open_id(true).map(Self::OpenId),
            PolicyType::OpenId => fields.open_id(false).map(Self::OpenId),
            PolicyType::OAuth1 => fields.oauth1().map(Self::OAuth1),
            PolicyType::Ldap => fields.ldap().map(Self::Ldap),
            PolicyType::FeedHenry => Ok(Self::FeedHenry),
            PolicyType::Mbaas => fields.mbaas().map(Self::Mbaas),
        }
    }

    /// Where a finished sign-in may send the browser; none for the kinds that need no browser.
    pub fn redirects(&self) -> Option<&Redirects> {
        match self {
            Self::OpenId(configuration) => Some(&configuration.redirects),
            Self::OAuth1(configuration) => Some(&configuration.redirects),
            Self::Ldap(_) | Self::FeedHenry | Self::Mbaas(_) => None,
        }
    }
}

fn refused(field: &str, reason: impl Into<String>) -> Refused {
    Refused {
        field: field.to_owned(),
        reason: reason.into(),
    }
}

struct Fields<'a> {
    fields: &'a Map<String, Value>,
    reach: Reach,
}

impl Fields<'_> {
    fn open_id(&self, confidential: bool) -> Result<OpenIdConfiguration, Refused> {
        let issuer = match self.text("issuer")? {
            Some(issuer) => {
                let url = web(&issuer, self.reach).map_err(|reason| refused("issuer", reason))?;
                if url.query().is_some() {
                    return Err(refused("issuer", "must not have a query"));
                }
                issuer
            }
            None => GOOGLE.to_owned(),
        };
        let client_secret = if confidential {
            Some(self.required_secret("clientSecret")?)
        } else {
            self.secret("clientSecret")?
        };
        let scopes = match self.list("scopes")? {
            scopes if scopes.is_empty() => vec!["email".to_owned(), "profile".to_owned()],
            mut scopes => {
                scopes.retain(|scope| scope != "openid");
                scopes
            }
        };
        if !scopes.iter().all(|scope| {
            scope
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
        }) {
            return Err(refused("scopes", "must hold names of printable ASCII"));
        }
        Ok(OpenIdConfiguration {
            issuer,
            client_id: self.required("clientId")?,
            client_secret,
            scopes,
            redirects: self.redirects()?,
        })
    }

    fn oauth1(&self) -> Result<OAuth1Configuration, Refused> {
        Ok(OAuth1Configuration {
            consumer_key: self.required("consumerKey")?,
            consumer_secret: self.required_secret("consumerSecret")?,
            request_token_url: self.web("requestTokenUrl")?,
            authorize_url: self.web("authorizeUrl")?,
            access_token_url: self.web("accessTokenUrl")?,
            user_id_field: self.text("userIdField")?,
            redirects: self.redirects()?,
        })
    }

    fn ldap(&self) -> Result<LdapConfiguration, Refused> {
        let method = self
            .text("authmethod")?
            .unwrap_or_default()
            .to_ascii_lowercase();
        match method.as_str() {
            "" | "simple" => {}
            "digest-md5" | "cram-md5" => {
                let reason = "DIGEST-MD5 and CRAM-MD5 are not offered: both rest on MD5, prove no \
                    server and are withdrawn (RFC 6331); \
                              use simple, which is sent over TLS";
                return Err(refused("authmethod", reason));
            }
            "gssapi" => {
                let reason = "GSSAPI is not offered: it needs a Kerberos ticket of the person, and \
                    a sign-in brings a name and a password; use simple";
                return Err(refused("authmethod", reason));
            }
            _ => return Err(refused("authmethod", "must be simple")),
        }
        let url = directory(&self.required("url")?, self.reach)
            .map_err(|reason| refused("url", reason))?;
        let dn = self.required("dn")?;
        if !is_name(&dn) {
            return Err(refused(
                "dn",
                "must be a distinguished name such as ou=people,dc=example,dc=com",
            ));
        }
        let dn_prefix = self.required("dn_prefix")?;
        if !is_attribute(&dn_prefix) {
            return Err(refused(
                "dn_prefix",
                "must be the name of an attribute such as uid or cn",
            ));
        }
        Ok(LdapConfiguration {
            url,
            dn,
            dn_prefix,
            starttls: self.flag("starttls")?.unwrap_or(true),
            email_verified: self.flag("emailVerified")?.unwrap_or(false),
            ca_certificate: self.certificates("caCertificate")?,
        })
    }

    fn mbaas(&self) -> Result<MbaasConfiguration, Refused> {
        let endpoint = self.required("authEndpoint")?;
        if !endpoint.contains("://") {
            let reason = "must be an absolute URL: there is no backend here of which a path alone \
                could be the path";
            return Err(refused("authEndpoint", reason));
        }
        Ok(MbaasConfiguration {
            auth_endpoint: self.web("authEndpoint")?,
            mbaas: self.text("mbaas")?,
            default_environment: self.text("defaultEnvironment")?,
            provider: self.text("provider")?,
        })
    }

    /// A text without what surrounds it.
    fn text(&self, field: &str) -> Result<Option<String>, Refused> {
        Ok(self
            .untrimmed(field)?
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty()))
    }

    fn untrimmed(&self, field: &str) -> Result<Option<&str>, Refused> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                short(field, text)?;
                Ok(Some(text.as_str()).filter(|text| !text.is_empty()))
            }
            Some(_) => Err(refused(field, "must be a text")),
        }
    }

    fn required(&self, field: &str) -> Result<String, Refused> {
        self.text(field)?
            .ok_or_else(|| refused(field, "must not be empty"))
    }

    /// A secret is taken to the letter: a blank at its end may belong to it.
    fn secret(&self, field: &str) -> Result<Option<Secret>, Refused> {
        Ok(self.untrimmed(field)?.map(|text| Secret(text.to_owned())))
    }

    fn required_secret(&self, field: &str) -> Result<Secret, Refused> {
        self.secret(field)?
            .ok_or_else(|| refused(field, "must not be empty"))
    }

    fn web(&self, field: &str) -> Result<Url, Refused> {
        web(&self.required(field)?, self.reach).map_err(|reason| refused(field, reason))
    }

    fn flag(&self, field: &str) -> Result<Option<bool>, Refused> {
        let text = match self.fields.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_ascii_lowercase(),
            Some(other) => other.to_string(),
        };
        match text.as_str() {
            "" => Ok(None),
            "true" | "1" | "yes" | "on" => Ok(Some(true)),
            "false" | "0" | "no" | "off" => Ok(Some(false)),
            _ => Err(refused(field, "must be true or false")),
        }
    }

    /// A list of texts: an array, or one text with commas or blanks between them.
    fn list(&self, field: &str) -> Result<Vec<String>, Refused> {
        let list: Vec<String> = match self.fields.get(field) {
            Some(Value::Array(entries)) => {
                let entries = entries
                    .iter()
                    .map(|entry| entry.as_str().map(|text| text.trim().to_owned()));
                entries
                    .collect::<Option<_>>()
                    .ok_or_else(|| refused(field, "must hold texts"))?
            }
            _ => {
                let text = self.text(field)?.unwrap_or_default();
                text.split(|c: char| c == ',' || c.is_whitespace())
                    .map(str::to_owned)
                    .collect()
            }
        };
        if list.len() > MOST_ENTRIES {
            return Err(refused(
                field,
                format!("must not hold more than {MOST_ENTRIES} entries"),
            ));
        }
        list.iter().try_for_each(|entry| short(field, entry))?;
        Ok(list.into_iter().filter(|entry| !entry.is_empty()).collect())
    }

    fn redirects(&self) -> Result<Redirects, Refused> {
        const FIELD: &str = "redirectUrls";
        let urls = self
            .list(FIELD)?
            .into_iter()
            .map(|text| page(&text).map_err(|reason| refused(FIELD, format!("{text} {reason}"))));
        urls.collect::<Result<_, _>>().map(Redirects)
    }

    fn certificates(&self, field: &str) -> Result<Option<String>, Refused> {
        let text = match self.fields.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => text,
            Some(_) => return Err(refused(field, "must be a text")),
        };
        if text.len() > MOST_PEM {
            return Err(refused(
                field,
                format!("must not be longer than {MOST_PEM} bytes"),
            ));
        }
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(Some(text.clone())),
            _ => Err(refused(field, "must be certificates as PEM")),
        }
    }
}

fn short(field: &str, text: &str) -> Result<(), Refused> {
    if text.chars().count() > MOST {
        return Err(refused(
            field,
            format!("must not be longer than {MOST} characters"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(refused(field, "must not hold control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(kind: &str, fields: &Value) -> Result<Configuration, String> {
        Configuration::parse(
            kind.parse().unwrap(),
            fields.as_object().unwrap(),
            Reach::Public,
        )
        .map_err(|refused| refused.to_string())
    }

    fn refused_field(kind: &str, fields: &Value) -> String {
        Configuration::parse(
            kind.parse().unwrap(),
            fields.as_object().unwrap(),
            Reach::Public,
        )
        .unwrap_err()
        .field
    }

    /// The words are stored with policies and sent to clients.
    #[test]
    fn kinds_keep_their_words() {
        let rows = [
            (PolicyType::OAuth1, "OAUTH1"),
            (PolicyType::OAuth2, "OAUTH2"),
            (PolicyType::OpenId, "OPENID"),
            (PolicyType::Ldap, "LDAP"),
            (PolicyType::FeedHenry, "FEEDHENRY"),
            (PolicyType::Mbaas, "MBAAS"),
        ];
        for (kind, word) in rows {
            assert_eq!(kind.as_str(), word);
            assert_eq!(kind.to_string(), word);
            assert_eq!(word.parse(), Ok(kind));
            assert_eq!(word.to_lowercase().parse(), Ok(kind));
            assert_eq!(
                format!("{word} ").parse::<PolicyType>(),
                Err(UnknownPolicyType)
            );
        }
    }

    #[test]
    fn reads_kinds_without_case() {
        for (text, kind) in [
            ("oauth1", PolicyType::OAuth1),
            ("OAUTH2", PolicyType::OAuth2),
            ("OpenId", PolicyType::OpenId),
            ("ldap", PolicyType::Ldap),
        ] {
            assert_eq!(text.parse(), Ok(kind));
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("feedhenry".parse(), Ok(PolicyType::FeedHenry));
        assert_eq!("MBaaS".parse(), Ok(PolicyType::Mbaas));
        assert_eq!("saml".parse::<PolicyType>(), Err(UnknownPolicyType));
        assert_eq!("".parse::<PolicyType>(), Err(UnknownPolicyType));
    }

    #[test]
    fn reads_the_documented_examples() {
        let fields = json!({
            "clientId": "1234567890.apps.example.com",
            "clientSecret": "Wfv8DQw80hhyaBqnW37x5R23",
            "provider": "OAUTH2",
            "other": {},
        });
        let Ok(Configuration::OpenId(open_id)) = parse("OAUTH2", &fields) else {
            panic!()
        };
        assert_eq!(
            (open_id.issuer.as_str(), open_id.client_id.as_str()),
            (GOOGLE, "1234567890.apps.example.com")
        );
        assert_eq!(
            open_id.client_secret.as_ref().unwrap().expose(),
            "Wfv8DQw80hhyaBqnW37x5R23"
        );
        assert!(!format!("{open_id:?}").contains("Wfv8"));
        assert!(open_id.redirects.is_empty());

        let fields = json!({
            "authmethod": "simple", "url": "ldap://foo.example.com:389/",
            "dn": "ou=people,dc=example,dc=com", "dn_prefix": "cn",
        });
        let Ok(Configuration::Ldap(ldap)) = parse("LDAP", &fields) else {
            panic!()
        };
        assert_eq!(
            (ldap.dn.as_str(), ldap.dn_prefix.as_str(), ldap.starttls),
            ("ou=people,dc=example,dc=com", "cn", true)
        );
        assert_eq!(
            parse("FEEDHENRY", &json!({"provider": "FEEDHENRY"})),
            Ok(Configuration::FeedHenry)
        );
    }

    #[test]
    fn open_id_asks_for_a_secret_only_under_oauth2() {
        assert_eq!(
            refused_field("OAUTH2", &json!({"clientId": "a"})),
            "clientSecret"
        );
        assert_eq!(refused_field("OPENID", &json!({})), "clientId");
        let Ok(Configuration::OpenId(open_id)) = parse(
            "OPENID",
            &json!({"clientId": "a", "scopes": "openid, email groups"}),
        ) else {
            panic!()
        };
        assert_eq!(
            (open_id.client_secret, open_id.scopes),
            (None, vec!["email".to_owned(), "groups".to_owned()])
        );
        assert_eq!(
            refused_field("OPENID", &json!({"clientId": "a", "scopes": ["a\"b"]})),
            "scopes"
        );
        assert_eq!(
            refused_field("OPENID", &json!({"clientId": "a", "scopes": [1]})),
            "scopes"
        );
        for issuer in [
            "https://localhost",
            "http://a.example",
            "https://a.example/?b",
            "file:///etc",
            "a",
        ] {
            assert_eq!(
                refused_field("OPENID", &json!({"clientId": "a", "issuer": issuer})),
                "issuer"
            );
        }
        let Ok(Configuration::OpenId(open_id)) = parse(
            "OPENID",
            &json!({"clientId": "a", "issuer": "https://login.example.com/a/"}),
        ) else {
            panic!()
        };
        assert_eq!(open_id.issuer, "https://login.example.com/a/");
    }

    #[test]
    fn bounds_every_text() {
        let long = "x".repeat(MOST + 1);
        assert_eq!(
            refused_field("OPENID", &json!({"clientId": long})),
            "clientId"
        );
        assert_eq!(
            refused_field("OPENID", &json!({"clientId": "a\nb"})),
            "clientId"
        );
        assert_eq!(refused_field("OPENID", &json!({"clientId": 7})), "clientId");
        assert_eq!(
            refused_field(
                "OAUTH2",
                &json!({"clientId": "a", "clientSecret": "a\u{0}"})
            ),
            "clientSecret"
        );
        assert_eq!(
            refused_field(
                "OPENID",
                &json!({
                    "clientId": "a",
                    "redirectUrls": vec!["https://a.example"; MOST_ENTRIES + 1],
                })
            ),
            "redirectUrls"
        );
        assert_eq!(
            parse("OPENID", &json!({"clientId": "  "})),
            Err("invalid_clientId: must not be empty".to_owned())
        );
    }

    #[test]
    fn oauth1_needs_all_its_urls() {
        let fields = json!({
            "consumerKey": "k",
            "consumerSecret": "s",
            "requestTokenUrl": "https://a.example/1",
            "authorizeUrl": "https://a.example/2?x=y",
            "accessTokenUrl": "https://a.example/3",
            "redirectUrls": "https://b.example, https://c.example/x"
        });
        assert!(matches!(
            parse("OAUTH1", &fields),
            Ok(Configuration::OAuth1(_))
        ));
        for field in [
            "consumerKey",
            "consumerSecret",
            "requestTokenUrl",
            "authorizeUrl",
            "accessTokenUrl",
        ] {
            let mut without = fields.clone();
            without.as_object_mut().unwrap().remove(field);
            assert_eq!(refused_field("OAUTH1", &without), field);
            if field.ends_with("Url") {
                without[field] = json!("https://127.1/x");
                assert_eq!(refused_field("OAUTH1", &without), field);
            }
        }
        for kind in [PolicyType::OAuth1, PolicyType::OAuth2] {
            assert!(
                kind.secrets()
                    .iter()
                    .all(|secret| !kind.anchors().contains(secret))
            );
        }
    }

    #[test]
    fn ldap_offers_the_simple_bind_alone() {
        let fields = json!({"url": "ldaps://a.example", "dn": "dc=a", "dn_prefix": "uid"});
        let with = |field: &str, value: Value| {
            let mut fields = fields.clone();
            fields[field] = value;
            fields
        };
        assert!(parse("LDAP", &fields).is_ok());
        for method in ["Simple", "", "SIMPLE"] {
            assert!(parse("LDAP", &with("authmethod", json!(method))).is_ok());
        }
        for (method, word) in [
            ("DIGEST-MD5", "MD5"),
            ("cram-md5", "MD5"),
            ("GSSAPI", "Kerberos"),
            ("NTLM", "must be simple"),
        ] {
            let refused = parse("LDAP", &with("authmethod", json!(method))).unwrap_err();
            assert!(
                refused.starts_with("invalid_authmethod: ") && refused.contains(word),
                "{refused}"
            );
        }
        for (field, value) in [
            ("url", json!("ldapi://%2frun")),
            ("url", json!("https://a.example")),
            ("url", json!("ldap://")),
            ("url", json!("ldap://10.0.0.1")),
            ("dn", json!("people")),
            ("dn_prefix", json!("uid=x,cn")),
            ("starttls", json!("perhaps")),
            ("starttls", json!(2)),
            ("caCertificate", json!("x")),
            ("caCertificate", json!(1)),
            (
                "caCertificate",
                json!("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----"),
            ),
        ] {
            assert_eq!(refused_field("LDAP", &with(field, value)), field);
        }
        for (value, expected) in [
            (json!(false), false),
            (json!("False"), false),
            (json!(0), false),
            (json!(null), true),
            (json!("yes"), true),
        ] {
            let Ok(Configuration::Ldap(ldap)) = parse("LDAP", &with("starttls", value)) else {
                panic!()
            };
            assert_eq!(ldap.starttls, expected);
        }
    }

    #[test]
    fn mbaas_needs_an_absolute_url() {
        let fields = json!({
            "authEndpoint": "https://a.example/auth",
            "mbaas": "m",
            "defaultEnvironment": "dev",
            "provider": "MBAAS",
        });
        let Ok(Configuration::Mbaas(mbaas)) = parse("MBAAS", &fields) else {
            panic!()
        };
        assert_eq!(
            (mbaas.mbaas.as_deref(), mbaas.default_environment.as_deref()),
            (Some("m"), Some("dev"))
        );
        assert!(
            parse("MBAAS", &json!({"authEndpoint": "/auth"}))
                .unwrap_err()
                .contains("absolute")
        );
        assert_eq!(refused_field("MBAAS", &json!({})), "authEndpoint");
        assert_eq!(
            refused_field("MBAAS", &json!({"authEndpoint": "https://[::1]/"})),
            "authEndpoint"
        );
    }

    #[test]
    fn redirects_admit_what_lies_below_them() {
        let urls = json!([
            "https://a.example",
            "https://b.example/x/",
            "http://localhost:3000/y",
            "https://c.example/z?q=1"
        ]);
        let Ok(Configuration::OpenId(open_id)) =
            parse("OPENID", &json!({"clientId": "a", "redirectUrls": urls}))
        else {
            panic!()
        };
        for url in [
            "https://a.example",
            "https://a.example/",
            "https://A.example/b?c=d",
            "https://a.example:443/",
            "https://b.example/x",
            "https://b.example/x/",
            "https://b.example/x/y?z",
            "http://localhost:3000/y",
            "http://localhost:3000/y?z",
            "https://c.example/z?q=1",
        ] {
            assert!(open_id.redirects.admits(url), "{url}");
        }
        for url in [
            "",
            "/",
            "//a.example",
            "http://a.example",
            "https://a.example.evil.example",
            "https://a.example@evil.example",
            "https://a.example:8443/",
            "https://b.example/",
            "https://b.example/xy",
            "https://b.example/x/../y",
            "https://b.example/x/%2e%2e/y",
            "https://a.example\\@evil.example/",
            "http://localhost/y",
            "https://c.example/z",
            "https://c.example/z?q=2",
            "https://a.example/#f",
            "javascript:alert(1)",
            "javascript://a.example/",
            "https://a.example/\n",
            "https://user:pass@a.example/",
        ] {
            assert!(!open_id.redirects.admits(url), "{url}");
        }
        for bad in [
            "a.example",
            "ftp://a.example",
            "https://u@a.example",
            "https://a.example/#f",
            "javascript:alert(1)",
        ] {
            assert_eq!(
                refused_field("OPENID", &json!({"clientId": "a", "redirectUrls": bad})),
                "redirectUrls"
            );
        }
    }
}

//! The protocols. Whatever is asked was named by somebody who may write a policy, so that every way
//! out of here leads through [`dial`], which judges the address.

mod delegation;
mod dial;
mod directory;
mod oauth1;
mod openid;
#[cfg(test)]
mod tests;
mod web;

use std::collections::BTreeMap;
use std::fmt;
#[cfg(test)]
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

pub use self::dial::{Resolve, SystemResolver};
use crate::{Configuration, LdapConfiguration, MbaasConfiguration, Reach};

/// How long an operation takes at most, with all that it asks.
const WHOLE: Duration = Duration::from_millis(4_500);

/// The most characters of a subject.
const MOST_SUBJECT: usize = 255;

/// The most characters of an e-mail address.
const MOST_EMAIL: usize = 254;

/// Who somebody is, by the word of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider's name for the person, of at most 255 characters; only together with the policy
    /// does it name one person. Of a directory it is the name in the form in which directories
    /// compare it, so that `Bob` and `bob ` are one subject.
    pub subject: String,
    /// The e-mail address, where the provider tells it; at most 254 characters, with an `@`.
    pub email: Option<String>,
    /// Whether the provider vouches for the address: only then may a person be found by it.
    pub email_verified: bool,
    /// The name that people call the person by, where the provider tells it; cut at 200 characters.
    pub name: Option<String>,
}

impl Identity {
    /// The same, without what could not be an e-mail address or a name: it goes into records and
    /// pages.
    fn judged(mut self) -> Result<Self, Failure> {
        let sound = |text: &str, most: usize| {
            !text.trim().is_empty()
                && text.chars().count() <= most
                && !text.chars().any(char::is_control)
        };
        if !sound(&self.subject, MOST_SUBJECT) {
            return Err(Failure::Misconfigured(
                "the provider names the person by what cannot be a name".to_owned(),
            ));
        }
        self.email = self
            .email
            .filter(|email| sound(email, MOST_EMAIL) && email.contains('@'));
        self.email_verified &= self.email.is_some();
        self.name = self
            .name
            .map(|name| excerpt(name.trim()))
            .filter(|name| !name.is_empty());
        Ok(self)
    }
}

/// Why nobody was identified. The texts are for the log: they may hold what a foreign host sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The provider, or the person there, said no, or what came back proves nothing: a wrong
    /// password, an unknown user, a token that is forged, expired or somebody else's.
    Denied(String),
    /// The provider could not be asked in time: down, silent, or broken. Trying again may help.
    Unreachable(String),
    /// It cannot work before somebody changes the policy or the registration at the provider; also
    /// a host that may not be connected to.
    Misconfigured(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => write!(f, "denied: {text}"),
            Self::Unreachable(text) => write!(f, "unreachable: {text}"),
            Self::Misconfigured(text) => write!(f, "misconfigured: {text}"),
        }
    }
}

impl std::error::Error for Failure {}

/// What must be kept between the two halves of a sign-in in the browser. It is secret: callers keep
/// it sealed, for one person, and use it once. Its debug form shows nothing.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending(Step);

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "protocol")]
enum Step {
    #[serde(rename = "openid")]
    OpenId { verifier: String, nonce: String },
    #[serde(rename = "oauth1")]
    OAuth1 { token: String, secret: String },
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

/// Asks providers. Cheap to make: the public authorities are read when TLS is first spoken; keep it
/// to read them once.
///
/// Every operation takes at most 4.5 seconds, so that who asked hears of it within five, of which a
/// connection takes at most 3. Names are resolved once and the address that was judged is the one
/// that is connected to; redirects are not followed; an answer of the web has at most 1 MB, of
/// which its head 64 KB.
pub struct Connector {
    reach: Reach,
    roots: Vec<CertificateDer<'static>>,
    resolver: Arc<dyn Resolve>,
    authorities: OnceLock<RootCertStore>,
    tls: OnceLock<Arc<ClientConfig>>,
    /// Stands for the rest of the world in the tests: an address that was judged, and the one that
    /// answers for it.
    #[cfg(test)]
    detours: Vec<(IpAddr, IpAddr)>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("reach", &self.reach)
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

impl Connector {
    /// A connector that reaches so far, and that believes these certificates (PEM) besides the
    /// operating system's authorities.
    ///
    /// # Errors
    /// [`Failure::Misconfigured`] where the text is not certificates.
    pub fn new(reach: Reach, roots: Option<&str>) -> Result<Self, Failure> {
        let roots = roots
            .map(dial::certificates)
            .transpose()?
            .unwrap_or_default();
        Ok(Self {
            reach,
            roots,
            resolver: Arc::new(SystemResolver),
            authorities: OnceLock::new(),
            tls: OnceLock::new(),
            #[cfg(test)]
            detours: Vec::new(),
        })
    }

    /// The same connector, with another way to find the addresses of a name. They are judged all
    /// the same.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, ..self }
    }

    /// Signs in at a directory by a simple bind with the password. The name and the e-mail address
    /// are those of the own entry, if it may be read.
    ///
    /// # Errors
    /// [`Failure`]; an empty name or password is denied without asking anybody, since directories
    /// take a bind without password for an anonymous one and let it pass.
    pub async fn bind(
        &self,
        configuration: &LdapConfiguration,
        user: &str,
        password: &str,
    ) -> Result<Identity, Failure> {
        within(|deadline| directory::bind(self, configuration, user, password, deadline))
            .await?
            .judged()
    }

    /// Lets a company's own endpoint decide: sends it the request and gives its answer too. It
    /// admits with a status of 2xx and an object whose `status` is not `error`, of at most 64 KB.
    /// The subject is the first of `userId`, `userid`, `username` and `email` that the answer
    /// holds, else the `userId` of the request or of its `params`. Its e-mail address counts as
    /// verified only if it says `email_verified: true`.
    ///
    /// # Errors
    /// [`Failure`]; denied for 401, 403 and the status `error`.
    pub async fn delegate(
        &self,
        configuration: &MbaasConfiguration,
        request: &Value,
    ) -> Result<(Identity, Value), Failure> {
        let (identity, answer) =
            within(|_| delegation::delegate(self, configuration, request)).await?;
        Ok((identity.judged()?, answer))
    }

    /// Begins a sign-in in the browser: gives the URL to send it to, and what
    /// [`finish`](Self::finish) needs. The browser comes back to the callback with the state in its
    /// query; the caller compares it.
    ///
    /// # Errors
    /// [`Failure`]; misconfigured for the kinds of policies that need no browser.
    pub async fn begin(
        &self,
        configuration: &Configuration,
        callback: &str,
        state: &str,
    ) -> Result<(String, Pending), Failure> {
        within(|_| async move {
            match configuration {
                Configuration::OpenId(configuration) => {
                    openid::begin(self, configuration, callback, state).await
                }
                Configuration::OAuth1(configuration) => {
                    oauth1::begin(self, configuration, callback, state).await
                }
                _ => Err(no_browser()),
            }
        })
        .await
    }

    /// Ends a sign-in in the browser: with the callback that it began with, what was kept, and the
    /// query with which the browser came back.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn finish(
        &self,
        configuration: &Configuration,
        callback: &str,
        pending: &Pending,
        query: &BTreeMap<String, String>,
    ) -> Result<Identity, Failure> {
        within(|_| async move {
            match (configuration, &pending.0) {
                (Configuration::OpenId(configuration), Step::OpenId { verifier, nonce }) => {
                    openid::finish(self, configuration, callback, verifier, nonce, query).await
                }
                (Configuration::OAuth1(configuration), Step::OAuth1 { token, secret }) => {
                    oauth1::finish(self, configuration, token, secret, query).await
                }
                (Configuration::OpenId(_) | Configuration::OAuth1(_), _) => Err(Failure::Denied(
                    "the sign-in began under another protocol".to_owned(),
                )),
                _ => Err(no_browser()),
            }
        })
        .await?
        .judged()
    }
}

fn no_browser() -> Failure {
    Failure::Misconfigured("policies of this type do not sign in through a browser".to_owned())
}

async fn within<T, F: Future<Output = Result<T, Failure>>>(
    operation: impl FnOnce(Instant) -> F,
) -> Result<T, Failure> {
    let deadline = Instant::now() + WHOLE;
    let answer = tokio::time::timeout_at(deadline, operation(deadline)).await;
    answer.unwrap_or_else(|_| {
        Err(Failure::Unreachable(format!(
            "no answer within {} seconds",
            WHOLE.as_secs()
        )))
    })
}

/// A text of a foreign host as the log may have it: short, on one line.
fn excerpt(text: &str) -> String {
    text.chars()
        .take(200)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

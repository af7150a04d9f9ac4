//! How asking a provider ends: with somebody's identity, or with the reason why not.

use std::fmt;

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
    ///
    /// # Errors
    /// [`Failure::Misconfigured`] where the subject could not be a name.
    pub(super) fn judged(mut self) -> Result<Self, Failure> {
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

/// A text of a foreign host as the log may have it: short, on one line.
pub(super) fn excerpt(text: &str) -> String {
    text.chars()
        .take(200)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

//! The protocols. Whatever is asked was named by somebody who may write a policy, so that every way
//! out of here leads through [`dial`], which judges the address.

mod delegation;
mod dial;
mod directory;
mod oauth1;
mod openid;
mod outcome;
mod pending;
#[cfg(test)]
mod tests;
mod web;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

pub use self::dial::{Connector, Resolve, SystemResolver};
pub use self::outcome::{Failure, Identity};
pub use self::pending::Pending;
use self::pending::Step;
use crate::{Configuration, LdapConfiguration, MbaasConfiguration};

/// How long an operation takes at most, with all that it asks.
const WHOLE: Duration = Duration::from_millis(4_500);

impl Connector {
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

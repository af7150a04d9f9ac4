//! Providers that are asked with what the person typed: a directory, or a company's own endpoint.
//! And what all providers have in common: how they are reached, and what becomes of their refusals.

use std::sync::OnceLock;

use identity_providers::{Configuration, Connector, Failure, Identity, Reach};
use serde_json::{Value, json};
use shared::base::error::{Error, Kind};
use shared::base::id::TenantId;
use shared::domain::sign_in::sign_in::{Attempt, Outsider};
use shared::http::pipeline::Call;
use shared::model::people::auth_policy::Policy;
use unicode_normalization::UnicodeNormalization as _;

use crate::asked::{PASSWORD, SignInRequest, USER_ID};

/// The account for which failures with a policy's provider are counted. It is none of the
/// platform's: who knows a password here must not open or close the account of the same name there.
/// Names that a directory may take for one are one.
pub fn account(policy_id: &str, name: &str, cuid: &str) -> String {
    let folded: String = name
        .nfkd()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let of = if folded.is_empty() {
        format!("device#{cuid}")
    } else {
        folded
    };
    format!("policy#{policy_id}#{of}")
}

/// The connector, kept so that the authorities of TLS are read once.
pub fn connector(reach: Reach) -> Result<&'static Connector, Error> {
    static PUBLIC: OnceLock<Connector> = OnceLock::new();
    static ANY: OnceLock<Connector> = OnceLock::new();
    let kept = match reach {
        Reach::Public => &PUBLIC,
        Reach::Any => &ANY,
    };
    if let Some(connector) = kept.get() {
        return Ok(connector);
    }
    let made = Connector::new(reach, None).map_err(Error::internal)?;
    Ok(kept.get_or_init(|| made))
}

/// What the caller reads of a provider's refusal: never what the provider said, which the log gets.
pub fn refusal(failure: Failure) -> Error {
    match failure {
        Failure::Denied(text) => Error {
            cause: Some(text),
            ..Error::sign_in_failed()
        },
        Failure::Unreachable(text) => Error {
            cause: Some(text),
            ..Error::new(
                Kind::Unavailable,
                "The identity provider of this policy does not answer, please try again later",
            )
        },
        Failure::Misconfigured(text) => Error {
            cause: Some(text),
            ..Error::new(
                Kind::Unavailable,
                "This policy cannot sign anybody in as it is set up with its identity provider, \
                please tell an administrator",
            )
        },
    }
}

/// The policy's configuration, ready to be used.
pub async fn configuration(
    call: &mut Call<'_>,
    tenant_id: TenantId,
    policy: &Policy,
) -> Result<Configuration, Error> {
    let key = call.data_key(tenant_id).await?;
    policy
        .configuration(&key, call.context.settings.reach())?
        .map_err(|refused| refusal(Failure::Misconfigured(refused.to_string())))
}

/// The person as the platform sees who comes from a provider.
pub fn outsider(identity: Identity) -> Outsider {
    Outsider {
        subject: identity.subject,
        email: identity.email,
        email_verified: identity.email_verified,
        name: identity.name,
    }
}

/// What is told of a person to the client.
pub fn identity_view(person: &Outsider) -> Value {
    json!({"userId": person.subject, "email": person.email, "name": person.name})
}

/// Asks the policy's directory or endpoint, throttled as a password is: gives who it is and the
/// client's `authResponse`.
pub async fn ask(
    call: &mut Call<'_>,
    asked: &SignInRequest,
    attempt: Attempt<'_>,
) -> Result<(Outsider, Value), Error> {
    attempt.charge(&call.reader).await?;
    let connector = connector(call.context.settings.reach())?;
    let answer = match configuration(call, asked.tenant_id, &asked.policy).await? {
        Configuration::Ldap(directory) => {
            let (user, password) = (asked.param(&USER_ID), asked.param(&PASSWORD));
            connector
                .bind(&directory, user.trim(), &password)
                .await
                .map(|identity| (identity, None))
        }
        Configuration::Mbaas(endpoint) => {
            let mut request = asked.params.clone();
            let environment = asked
                .environment
                .clone()
                .or_else(|| endpoint.default_environment.clone());
            let more = [
                ("device", Some(asked.cuid.clone())),
                ("clientToken", Some(asked.client_token.clone())),
                ("environment", environment),
            ];
            request.extend(
                more.into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))),
            );
            connector
                .delegate(&endpoint, &Value::Object(request))
                .await
                .map(|(identity, answer)| (identity, Some(answer)))
        }
        Configuration::OpenId(_) | Configuration::OAuth1(_) | Configuration::FeedHenry => {
            return Err(Error::internal("a policy of another type"));
        }
    };
    match answer {
        Ok((identity, answer)) => {
            let person = outsider(identity);
            let told = answer.unwrap_or_else(|| identity_view(&person));
            Ok((person, told))
        }
        Err(failure) => {
            // What the provider could not judge is nobody's failure.
            if !matches!(failure, Failure::Denied(_)) {
                call.reader.table().write(attempt.give_back()).await?;
            }
            Err(refusal(failure))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_a_directory_may_take_for_one_are_counted_as_one() {
        for name in [
            "jorg smith",
            " JÖRG  Smith ",
            "jo\u{308}rg smith",
            "j\u{200b}org\u{ad} smith",
            "ｊｏｒｇ smith",
        ] {
            assert_eq!(
                account("p", name, "CUID"),
                account("p", "jorg smith", "OTHER"),
                "{name:?}"
            );
        }
        assert_ne!(account("p", "bob", "CUID"), account("q", "bob", "CUID"));
        assert_ne!(account("p", " ", "ONE"), account("p", "", "TWO"));
    }
}

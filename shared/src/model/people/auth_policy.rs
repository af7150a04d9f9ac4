//! Auth policies (003 chapter 3) and the users that are listed on them.

use std::collections::BTreeMap;

use identity_providers::{Configuration, PolicyType, Reach, Refused};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::code::{Code, ErrorText};
use crate::base::error::Error;
use crate::base::id::Guid;
use crate::services::sealing::DataKey;
use crate::store::record::Record;

/// An auth policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its guid.
    pub guid: Guid,
    /// The id that `$fh.auth` names.
    pub policy_id: String,
    /// The type, as it was sent; case does not count.
    pub policy_type: String,
    /// The configuration as it was sent, without its secrets.
    pub configurations: Map<String, Value>,
    /// The secrets of the configuration by their fields, sealed.
    pub sealed: BTreeMap<String, String>,
    /// Whether the user must exist in the platform.
    pub check_user_exists: bool,
    /// Whether the user must be listed on the policy.
    pub check_user_approved: bool,
}

impl Record for Policy {
    const KIND: &'static str = "policy";
}

impl Policy {
    /// Whether it admits the platform's own users by their passwords.
    pub fn is_built_in(&self) -> bool {
        self.policy_type.eq_ignore_ascii_case("FEEDHENRY")
    }

    /// Its type.
    ///
    /// # Errors
    /// Internal for a type that nobody could have stored.
    pub fn kind(&self) -> Result<PolicyType, Error> {
        self.policy_type
            .parse()
            .map_err(|_| Error::internal("a policy of an unknown type"))
    }

    /// Its configuration, with the secrets opened.
    ///
    /// # Errors
    /// Internal for secrets that do not open; for the rest [`Refused`]: what was good when it was
    /// stored may be beyond the reach that the deployment has today.
    pub fn configuration(
        &self,
        key: &DataKey,
        reach: Reach,
    ) -> Result<Result<Configuration, Refused>, Error> {
        let mut fields = self.configurations.clone();
        for (field, sealed) in &self.sealed {
            fields.insert(
                field.clone(),
                Value::String(key.open(&purpose(&self.guid, field), sealed)?),
            );
        }
        Ok(Configuration::parse(self.kind()?, &fields, reach))
    }

    /// The configuration as it is shown: with [`MASK`] for each secret.
    pub fn masked(&self) -> Map<String, Value> {
        let mut fields = self.configurations.clone();
        fields.extend(
            self.sealed
                .keys()
                .map(|field| (field.clone(), Value::from(MASK))),
        );
        fields
    }

    /// Whether it admits everybody whom its provider admits.
    pub fn admits_anybody(&self) -> bool {
        !self.is_built_in() && !self.check_user_exists && !self.check_user_approved
    }

    /// Whether the other one asks the same provider in the same way.
    pub fn has_provider_of(&self, other: &Self) -> bool {
        self.policy_type.eq_ignore_ascii_case(&other.policy_type)
            && self.configurations == other.configurations
            && self.sealed == other.sealed
    }
}

/// What stands for a secret wherever a policy is shown. Sent back it means the secret that is kept.
pub const MASK: &str = "********";

/// What a secret is sealed for: it opens in no other policy and no other field.
fn purpose(policy: &Guid, field: &str) -> String {
    format!("policy secret {policy} {field}")
}

/// The claim of a policy's id. It holds the whole policy, so that a sign-in, which knows the id
/// alone, is no deeper for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyIdClaim {
    /// The policy, as in its own record.
    pub policy: Policy,
}

impl Record for PolicyIdClaim {
    const KIND: &'static str = "policy-id";
}

/// That a user is listed on a policy; the key says which and who. The user's record says it too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyUser {}

impl Record for PolicyUser {
    const KIND: &'static str = "policy-user";
}

/// Most bytes of a configuration as JSON.
pub const MAX_CONFIGURATION: usize = 65_536;

impl Policy {
    /// Gives it this configuration. `before` is it as it was, where the secrets of then may stay.
    pub(crate) fn configure(
        &mut self,
        kind: PolicyType,
        fields: &Map<String, Value>,
        before: Option<&Self>,
        key: &DataKey,
        reach: Reach,
    ) -> Result<(), Error> {
        if serde_json::to_string(fields)
            .map_err(Error::internal)?
            .len()
            > MAX_CONFIGURATION
        {
            return Err(Error::invalid(
                Code::InvalidConfigurations.with(format!("at most {MAX_CONFIGURATION} bytes")),
            ));
        }
        let mut whole = fields.clone();
        let mut sealed = BTreeMap::new();
        for field in kind.secrets() {
            if fields.get(*field).and_then(Value::as_str) != Some(MASK) {
                continue;
            }
            // Whoever may edit a policy was not told its secret, and must not have it sent to a
            // host of his own.
            let kept = before.filter(|before| {
                kind.anchors()
                    .iter()
                    .all(|anchor| said(&before.configurations, anchor) == said(fields, anchor))
            });
            let kept = kept.and_then(|before| before.sealed.get(*field));
            let kept = kept.ok_or_else(|| {
                Error::invalid(ErrorText::of_field(
                    field,
                    "it was kept for another provider or client, send it again",
                ))
            })?;
            whole.insert(
                (*field).to_owned(),
                Value::String(key.open(&purpose(&self.guid, field), kept)?),
            );
            sealed.insert((*field).to_owned(), kept.clone());
        }
        Configuration::parse(kind, &whole, reach).map_err(|refused| {
            Error::invalid(ErrorText::of_field(&refused.field, refused.reason))
        })?;
        for field in kind.secrets() {
            if let Some(Value::String(secret)) = whole.remove(*field)
                && !secret.is_empty()
                && !sealed.contains_key(*field)
            {
                sealed.insert(
                    (*field).to_owned(),
                    key.seal(&purpose(&self.guid, field), &secret)?,
                );
            }
        }
        self.configurations = whole;
        self.sealed = sealed;
        Ok(())
    }
}

/// What a field says: one that is empty says nothing.
fn said<'a>(fields: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    fields
        .get(field)
        .filter(|value| !value.is_null() && value.as_str() != Some(""))
}

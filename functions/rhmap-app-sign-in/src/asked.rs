//! What a client asks for with `$fh.auth`, in the words that all types of policies share.

use serde_json::{Map, Value};
use shared::base::id::TenantId;
use shared::domain::sign_in::sign_in::Entrance;
use shared::model::people::auth_policy::Policy;

/// A sign-in that was asked for: by which policy, for which device and app, and with what.
pub struct SignInRequest {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The tenant's own name.
    pub domain: String,
    /// The policy.
    pub policy: Policy,
    /// The id that the client chose for its device.
    pub cuid: String,
    /// The app; empty for none.
    pub client_token: String,
    /// The environment that the client names.
    pub environment: Option<String>,
    /// What proves who somebody is, as the policy's type asks for it.
    pub params: Map<String, Value>,
}

impl SignInRequest {
    /// A parameter as a text; numbers are taken for their digits.
    pub fn param(&self, names: &[&str]) -> String {
        text_of(&self.params, names)
    }

    /// What admits somebody who has proved who they are.
    pub fn entrance(&self) -> Entrance<'_> {
        Entrance {
            tenant_id: self.tenant_id,
            domain: &self.domain,
            policy: &self.policy,
            cuid: &self.cuid,
            client_token: &self.client_token,
        }
    }
}

/// The first of those parameters that is there, as a text; empty without one.
pub fn text_of(params: &Map<String, Value>, names: &[&str]) -> String {
    let texts = names
        .iter()
        .filter_map(|name| params.get(*name))
        .filter_map(|value| shared::base::lenient::text(value.clone()).ok());
    texts.into_iter().next().unwrap_or_default()
}

/// The names of the user's own name in `params`.
pub const USER_ID: [&str; 2] = ["userId", "userid"];

/// The name of the password in `params`.
pub const PASSWORD: [&str; 1] = ["password"];

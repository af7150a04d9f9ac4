//! Auth policies: how an app's users may sign in (003 chapter 3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::id::{Guid, Handle};
use crate::records::{self, Record};
use crate::store::{Query, Write, keys};

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
}

/// The claim of a policy's id. It holds the whole policy, so that a sign-in, which knows the id alone, is no deeper for it.
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

/// The id of the policy that every tenant has from the start: sign-in with the platform's own users and passwords.
pub const BUILT_IN: &str = "FeedHenry";

/// What a listing of one policy's users reads.
pub fn users_listing(handle: Handle, policy: &Guid) -> Query {
    Query { prefix: format!("{policy}{}", keys::MEMBER), ..Query::all(keys::policy_users(handle)) }
}

/// The writes that make a built-in policy, with its guid.
///
/// # Errors
/// Internal.
pub fn create_built_in(handle: Handle, policy_id: &str) -> Result<(Guid, Vec<Write>), Error> {
    let policy = Policy {
        guid: Guid::random(),
        policy_id: policy_id.to_owned(),
        policy_type: "FEEDHENRY".to_owned(),
        configurations: Map::from_iter([("provider".to_owned(), Value::from("FEEDHENRY"))]),
        sealed: BTreeMap::new(),
        check_user_exists: true,
        check_user_approved: false,
    };
    let guid = policy.guid.clone();
    let writes = vec![
        records::create(keys::policy_id(handle, policy_id), &PolicyIdClaim { policy: policy.clone() })?,
        records::create(keys::policy(handle, &guid), &policy)?,
    ];
    Ok((guid, writes))
}

//! Auth policies: how an app's users may sign in (003 chapter 3). What stands here is what the store and the built-in
//! sign-in need.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::id::{Guid, Handle};
use crate::records::{self, Record};
use crate::store::{Write, keys};

/// An auth policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Its guid.
    pub guid: Guid,
    /// The id that `$fh.auth` names.
    pub policy_id: String,
    /// The type, as it was sent: `FEEDHENRY` for the built-in one.
    pub policy_type: String,
    /// Whether the user must exist in the platform.
    pub check_user_exists: bool,
    /// Whether the user must be listed on the policy.
    pub check_user_approved: bool,
    /// The users listed on it.
    pub users: Vec<Guid>,
}

impl Record for Policy {
    const KIND: &'static str = "policy";
}

/// The claim of a policy's id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyIdClaim {
    /// Whose it is.
    pub policy: Guid,
}

impl Record for PolicyIdClaim {
    const KIND: &'static str = "policy-id";
}

/// The id of the policy that every tenant has from the start: sign-in with the platform's own users and passwords.
pub const BUILT_IN: &str = "FeedHenry";

/// The writes that make a built-in policy, with its guid.
///
/// # Errors
/// Internal.
pub fn create_built_in(handle: Handle, policy_id: &str) -> Result<(Guid, Vec<Write>), Error> {
    let policy = Policy {
        guid: Guid::random(),
        policy_id: policy_id.to_owned(),
        policy_type: "FEEDHENRY".to_owned(),
        check_user_exists: true,
        check_user_approved: false,
        users: Vec::new(),
    };
    let claim = PolicyIdClaim { policy: policy.guid.clone() };
    let writes = vec![records::create(keys::policy(handle, &policy.guid), &policy)?, records::create(keys::policy_id(handle, policy_id), &claim)?];
    Ok((policy.guid, writes))
}

//! The policies and the signature that a version is given here, and the jobs that do it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{AppId, Guid};
use crate::store::record::Record;

/// How long after it was asked for a job that nobody did counts as lost, in seconds.
pub const LOST_SECONDS: i64 = 3_600;

/// Where the policies of a version stand, by the document's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessingStatus {
    /// -1: they could not be applied.
    #[strum(to_string = "ERROR")]
    Error,
    /// 0: there are none.
    #[strum(to_string = "NO POLICIES")]
    None,
    /// 1: applied, and the package is signed.
    #[strum(to_string = "POLICIES AND SIGNED")]
    Signed,
    /// 2: they are being applied.
    #[strum(to_string = "APPLYING POLICIES")]
    Applying,
    /// 3: applied; the package must be signed.
    #[strum(to_string = "POLICIES NOT SIGNED")]
    NotSigned,
    /// 4: a former version had some, this one has none.
    #[strum(to_string = "POLICIES PREVIOUSLY APPLIED")]
    Previously,
}

impl ProcessingStatus {
    /// The document's number.
    pub fn code(self) -> i8 {
        match self {
            Self::Error => -1,
            Self::None => 0,
            Self::Signed => 1,
            Self::Applying => 2,
            Self::NotSigned => 3,
            Self::Previously => 4,
        }
    }

    /// The document's name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Where signing stands; no other words are known to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the document's own names")]
pub enum SigningStatus {
    InProgress,
    Signed,
    Cancelled,
    Error,
}

/// The signing of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// Where it stands.
    pub status: SigningStatus,
    /// More of it, for people; at most 300 characters.
    pub details: String,
    /// With which credential.
    pub credential: Guid,
}

/// A policy as it is applied to an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The id of this application of it, spelled as apps' are.
    pub id: AppId,
    /// Which policy.
    pub policy_id: String,
    /// Its options; `None` for a policy without any.
    pub configuration: Option<BTreeMap<String, serde_json::Value>>,
    /// Whether the app's user must have signed in.
    pub auth_required: bool,
}

/// A package in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

/// The work on a version. What is handed out is the version's own `sha256`: what was uploaded,
/// until a build of it was signed here; then the last one that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processing {
    /// What was uploaded, once something else is handed out.
    pub original: Option<Build>,
    /// Where the policies stand.
    pub status: ProcessingStatus,
    /// Why they could not be applied: a code, a colon, a sentence.
    pub reason: Option<String>,
    /// The policies that were asked for last.
    pub policies: Vec<Applied>,
    /// Those of the version before this one.
    pub previous: Vec<Applied>,
    /// The package with the policies in it, not signed.
    pub applied: Option<Build>,
    /// The signing.
    pub signing: Option<Signing>,
    /// The SHA-256 of the certificate by which what is handed out was signed here, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// What is being done.
    pub job: Option<Guid>,
}

impl Default for Processing {
    fn default() -> Self {
        let (policies, previous) = (Vec::new(), Vec::new());
        Self {
            original: None,
            status: ProcessingStatus::None,
            reason: None,
            policies,
            previous,
            applied: None,
            signing: None,
            signer: None,
            job: None,
        }
    }
}

impl Processing {
    /// What a new version takes over from the one before it: what that one's policies were, to
    /// apply them again. `None` where there never were any.
    pub fn inherited(before: Option<&Self>) -> Option<Self> {
        let processing = before?;
        let previous = if processing.policies.is_empty() {
            &processing.previous
        } else {
            &processing.policies
        };
        (!previous.is_empty()).then(|| Self {
            status: ProcessingStatus::Previously,
            previous: previous.clone(),
            ..Self::default()
        })
    }
}

/// The work on a version, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessingSummary {
    /// Where the policies stand.
    pub status: ProcessingStatus,
    /// The signing.
    pub signing: Option<Signing>,
}

impl ProcessingSummary {
    /// What lists show of it.
    pub fn of(processing: &Processing) -> Self {
        Self {
            status: processing.status,
            signing: processing.signing.clone(),
        }
    }
}

/// What a job does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessingTask {
    /// Puts the version's policies into its package.
    Apply,
    /// Signs the version's package, with the policies in it where there are some.
    Sign {
        /// With which credential.
        credential: Guid,
    },
}

/// Work that was asked for and has not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub guid: Guid,
    /// The app, with the type of the binary.
    pub binary: AppId,
    /// The version.
    pub version: Guid,
    /// What is to be done.
    pub task: ProcessingTask,
    /// Where this deployment is reached, for the document that goes into the package.
    pub base_url: String,
    /// Who asked for it.
    pub by: Guid,
    /// His name, as it was then.
    #[serde(default)]
    pub by_name: String,
    /// When.
    pub created: Timestamp,
    /// How often it was begun.
    pub attempts: u32,
    /// When that was last.
    pub since: Option<Timestamp>,
}

impl Record for Job {
    const KIND: &'static str = "job";
}

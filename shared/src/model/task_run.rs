//! The last run of a background task.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::store::record::Record;

/// When a background task ran last, and what it did. A run that the platform stopped leaves the
/// record of the run before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRun {
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What failed; none for a run in which nothing did.
    pub failure: Option<String>,
    /// How many of what it did, by the names of the task's report.
    pub counts: BTreeMap<String, u64>,
}

impl Record for TaskRun {
    const KIND: &'static str = "task-run";
}

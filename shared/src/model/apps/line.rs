//! Lines of versions, and contexts of web apps.

use serde::{Deserialize, Serialize};

use crate::base::id::AppId;
use crate::store::record::Record;

/// A line, kept under its name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Line {
    /// Its versions, oldest first.
    pub versions: Vec<Member>,
    /// The one that the store offers of them.
    pub default: Option<AppId>,
}

/// A version in its line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The app.
    pub app: AppId,
    /// What its version is called.
    pub version: String,
}

impl Record for Line {
    const KIND: &'static str = "line";
}

/// Whose a context is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContextClaim {
    /// The key of the line's name.
    pub line: String,
    /// The versions that have it.
    pub versions: Vec<AppId>,
}

impl Record for ContextClaim {
    const KIND: &'static str = "context-claim";
}

//! The announcements that stand in for S3 event notifications.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// By which kind of request an object came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventName {
    /// One PUT.
    #[serde(rename = "ObjectCreated:Put")]
    Put,
    /// A multipart upload was completed.
    #[serde(rename = "ObjectCreated:CompleteMultipartUpload")]
    CompleteMultipartUpload,
    /// A copy inside the bucket.
    #[serde(rename = "ObjectCreated:Copy")]
    Copy,
}

impl EventName {
    /// The name as it stands in an S3 event record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::Copy => "ObjectCreated:Copy",
        }
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An object was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket.
    pub bucket: String,
    /// The key as it is; in the JSON of an S3 event it is URL-encoded.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// The entity tag without quotes, as S3 events have it.
    pub etag: String,
    /// Orders the events of one key: the longer one, or the greater of equal length, is later.
    pub sequencer: String,
    /// What stored it.
    pub event_name: EventName,
    /// When.
    pub event_time: SystemTime,
}

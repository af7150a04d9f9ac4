//! The announcements that stand in for S3 event notifications.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// By which kind of request an object came to be.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::IntoStaticStr,
)]
pub enum EventName {
    /// One PUT.
    #[serde(rename = "ObjectCreated:Put")]
    #[strum(to_string = "ObjectCreated:Put")]
    Put,
    /// A multipart upload was completed.
    #[serde(rename = "ObjectCreated:CompleteMultipartUpload")]
    #[strum(to_string = "ObjectCreated:CompleteMultipartUpload")]
    CompleteMultipartUpload,
    /// A copy inside the bucket.
    #[serde(rename = "ObjectCreated:Copy")]
    #[strum(to_string = "ObjectCreated:Copy")]
    Copy,
}

impl EventName {
    /// The name as it stands in an S3 event record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
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

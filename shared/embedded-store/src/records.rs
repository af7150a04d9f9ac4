//! What is written down about objects, uploads and their parts.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::checksums::{Checksums, Kind};
use crate::events::EventName;

/// The form of the records, for a later version that has to read older ones.
pub(crate) const SCHEMA: u8 = 1;

/// The headers and metadata that a client gives an object and gets back with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Description {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// A stretch of an object's bytes: the whole of it, or one part of a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) file: String,
    pub(crate) size: u64,
}

/// An object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) schema: u8,
    pub(crate) key: String,
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) modified: Millis,
    pub(crate) sequencer: u64,
    pub(crate) event_name: EventName,
    /// The multipart upload that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upload_id: Option<String>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) description: Description,
    pub(crate) checksums: Checksums,
    pub(crate) checksum_kind: Kind,
}

/// An open multipart upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) schema: u8,
    pub(crate) upload_id: String,
    pub(crate) key: String,
    pub(crate) initiated: Millis,
    pub(crate) description: Description,
    /// The checksum that the client announced for the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) algorithm: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum_kind: Option<Kind>,
}

/// A part of a multipart upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) schema: u8,
    pub(crate) number: i32,
    pub(crate) segment: Segment,
    pub(crate) etag: String,
    pub(crate) modified: Millis,
    /// All that were computed, which is more than the client asked for.
    pub(crate) checksums: Checksums,
}

/// A time in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Millis(u64);

impl Millis {
    pub(crate) fn now() -> Self {
        let passed = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }

    /// In seconds: what HTTP dates can say, and so what they are compared by.
    pub(crate) fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

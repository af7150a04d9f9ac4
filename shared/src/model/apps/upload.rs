//! Uploads that go straight to the bucket.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::code::{Code, ErrorText, Refusal};
use crate::base::id::{AppId, BinaryType, Guid};
use crate::store::record::Record;

/// The largest upload: 2 GiB.
pub const MAX_SIZE: u64 = 2 << 30;

/// The smallest part but the last: what the storage demands.
pub const PART_MINIMUM: u64 = 5 << 20;

/// Most parts.
pub const MAX_PARTS: u32 = 1_000;

/// The largest picture or document that is uploaded on its own: 20 MiB.
pub const MAX_STATIC: u64 = 20 << 20;

/// The largest icon as it is uploaded.
pub const MAX_ICON: u64 = 4 << 20;

/// How long an upload's requests are valid, in seconds.
pub const VALID_SECONDS: i64 = 3_600;

/// How long after that its bytes may still arrive and be read, in seconds.
pub const READING_SECONDS: i64 = 3_600;

/// How long an upload's record is kept, in seconds.
const RECORD_SECONDS: i64 = 7 * 24 * 3_600;

/// The reason of an upload that was never finished.
pub const EXPIRED: &str = "the file was not uploaded in time";

/// How often the reading of an upload is begun before its reader's crashes count as a refusal.
pub const READINGS: u32 = 2;

/// How long a reading must have gone on, in seconds, before another delivery of the event takes it
/// for crashed. The platform waits a minute before it tries again; a mere second delivery comes at
/// once.
pub(crate) const CRASHED_AFTER_SECONDS: i64 = 45;

/// The reason of an upload whose reader stopped without a verdict.
pub fn crashed() -> Refusal {
    Refusal::new(
        Code::Unreadable,
        "the reader stopped while it was reading this file",
    )
}

/// What an upload is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A binary of an app.
    Binary(BinaryType),
    /// The icon of an app.
    Icon,
    /// The icon of the store.
    StoreIcon,
    /// A package on its own, which an app is made of later.
    Package(BinaryType),
    /// A picture or document on its own.
    Static,
}

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UploadState {
    /// The bytes have not arrived.
    Waiting,
    /// They are being read.
    Reading,
    /// They are a version now, an icon or a file.
    Attached,
    /// They were refused; the reason says why.
    Refused,
    /// They never came.
    Expired,
}

/// An upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upload {
    /// Its id.
    pub guid: Guid,
    /// The app; for the store's icon and for files on their own, nothing.
    pub app: Option<AppId>,
    /// What it is for.
    pub target: Target,
    /// The size that was announced.
    pub size: u64,
    /// The SHA-256 that was announced, in hex.
    pub sha256: Option<String>,
    /// The file's name, as it was announced.
    pub file_name: String,
    /// The storage's id of an upload in parts.
    pub parts_id: Option<String>,
    /// How many parts were prepared.
    pub parts: u32,
    /// Whether a changed signer is allowed: an administrator said so.
    pub allow_signer_change: bool,
    /// Who uploads.
    pub by: Guid,
    /// His name, as it was then.
    #[serde(default)]
    pub by_name: String,
    /// The app's name, as it was then; nothing without an app.
    #[serde(default)]
    pub app_name: String,
    /// Since when.
    pub created: Timestamp,
    /// How often its reading was begun.
    pub readings: u32,
    /// When that was last.
    pub reading_since: Option<Timestamp>,
    /// Where it stands.
    pub state: UploadState,
    /// Why it was refused: a code, a colon, a sentence.
    pub reason: Option<String>,
    /// The same in its two halves; nothing in records of version 0.4, whose `reason` alone says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The number of the version that it became.
    pub version: Option<u32>,
    /// The name of the file that it became.
    pub file: Option<String>,
}

impl Record for Upload {
    const KIND: &'static str = "upload";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.created.plus_seconds(RECORD_SECONDS))
    }
}

impl Upload {
    /// Why it was refused, for an error.
    pub fn why_refused(&self) -> ErrorText {
        match &self.refusal {
            Some(refusal) => refusal.clone().into(),
            None => self.reason.clone().unwrap_or_default().into(),
        }
    }

    /// Until when its requests are valid.
    pub fn valid_until(&self) -> Timestamp {
        self.created.plus_seconds(VALID_SECONDS)
    }

    /// From when on it counts as dead.
    pub fn deadline(&self) -> Timestamp {
        self.valid_until().plus_seconds(READING_SECONDS)
    }

    /// Where it stands at `now`: an upload whose bytes did not come in time is expired before
    /// housekeeping says so.
    pub fn state_at(&self, now: Timestamp) -> UploadState {
        if self.state == UploadState::Waiting && self.deadline() <= now {
            UploadState::Expired
        } else {
            self.state
        }
    }
}

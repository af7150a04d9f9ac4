//! Files that are uploaded on their own and named by what uses them: packages, pictures and documents of the publisher API
//! (001 12, 13).

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::domain::app::Judged;
use crate::error::Error;
use crate::id::{AppId, BinaryType, Guid, Handle};
use crate::records::{Reader, Record, Stored};
use crate::store::keys;

/// A file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its name: unguessable, with the extension of what it is.
    pub name: String,
    /// The upload that brought it.
    pub upload: Guid,
    /// What it is.
    pub content: Content,
    /// The name on the uploader's disk.
    pub file_name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Who uploaded it.
    pub by: Guid,
    /// When.
    pub created: Timestamp,
    /// The app whose binary it became last, by the binary's id.
    pub app: Option<AppId>,
}

/// What a file is, by its content.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// A package of an app.
    Package {
        /// The type of binary that it is.
        kind: BinaryType,
        /// What was read from it.
        judged: Judged,
    },
    /// A picture or a document.
    Static {
        /// Its media type.
        media_type: String,
        /// The small icon that was made of a picture, base64.
        icon: Option<String>,
    },
}

impl Record for StoredFile {
    const KIND: &'static str = "file";
}

impl StoredFile {
    /// The name of its object in the bucket.
    pub fn object(&self, handle: Handle) -> String {
        match self.content {
            Content::Package { .. } => keys::binary_object(handle, &self.sha256),
            Content::Static { .. } => keys::static_object(handle, &self.sha256),
        }
    }
}

/// The name that a reference ends with: clients write paths of the original before it.
pub fn last_segment(reference: &str) -> &str {
    reference.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// A file of that name.
///
/// # Errors
/// The store's.
pub async fn find(reader: &mut Reader<'_>, handle: Handle, name: &str) -> Result<Option<Stored<StoredFile>>, Error> {
    reader.get(&keys::file(handle, name)).await
}

//! Files that were uploaded on their own.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::conditions::Validators;
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::model::apps::analysis::PackageAnalysis;
use crate::store::keys;
use crate::store::record::Record;

/// How long a file is kept that nothing uses, in seconds: from its upload, and from the end of its
/// last use.
pub const UNUSED_SECONDS: i64 = 7 * 24 * 3_600;

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
        judged: PackageAnalysis,
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

/// The uses of a file: the item's counter says how many.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileUses {}

impl Record for FileUses {
    const KIND: &'static str = "file-uses";
}

impl StoredFile {
    /// The name of its object in the bucket.
    pub fn object(&self, tenant_id: TenantId) -> String {
        match self.content {
            Content::Package { .. } => keys::binary_object(tenant_id, &self.sha256),
            Content::Static { .. } => keys::static_object(tenant_id, &self.sha256),
        }
    }

    /// The media type under which it is handed out.
    pub fn media_type(&self) -> &str {
        match &self.content {
            Content::Package { kind, .. } => kind.content_type(),
            Content::Static { media_type, .. } => media_type,
        }
    }

    /// Its state for conditional requests: its bytes never change.
    pub fn validators(&self) -> Validators {
        Validators::of_content(self.sha256.as_bytes()).modified(self.created)
    }

    /// The name under which it is saved: the uploader's, if that says what the file is, else with
    /// the right extension behind it.
    pub fn download_name(&self) -> String {
        let extension = extension(&self.name).unwrap_or_default();
        let said = self
            .file_name
            .rsplit_once('.')
            .map(|(_, said)| said.to_ascii_lowercase())
            .unwrap_or_default();
        if self.file_name.is_empty() {
            self.name.clone()
        } else if said == extension || (said == "jpeg" && extension == "jpg") {
            self.file_name.clone()
        } else {
            format!("{}.{extension}", self.file_name)
        }
    }
}

/// The extension of a file's name, as it stands there.
pub fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}

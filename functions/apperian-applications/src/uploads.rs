//! Uploads straight to the storage.

use shared::Error;
use shared::error::Kind;
use shared::id::Handle;
use shared::incoming::Incoming;
use shared::reply::Reply;
use shared::routes::apperian_applications::Op;
use shared::spine::{Call, Plan};

/// What the operations here will read.
pub fn plan(_op: Op, _incoming: &Incoming, _handle: Handle) -> Plan {
    Plan::default()
}

/// PrepareUpload
pub async fn prepare_upload(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// CompleteUpload
pub async fn complete_upload(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// AbortUpload
pub async fn abort_upload(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// UploadStatus
pub async fn upload_status(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

//! 000: policies, their presets, those of an app, and the documents that apps read.

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

/// ReadPolicies
pub async fn read_policies(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ApplyPolicies
pub async fn apply_policies(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// RemovePolicies
pub async fn remove_policies(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ListPolicies
pub async fn list_policies(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ReadPolicy
pub async fn read_policy(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ListPresets
pub async fn list_presets(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// CreatePreset
pub async fn create_preset(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ReadPreset
pub async fn read_preset(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// UpdatePreset
pub async fn update_preset(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// DeletePreset
pub async fn delete_preset(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ReadDocument
pub async fn read_document(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ReadDocumentKeys
pub async fn read_document_keys(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

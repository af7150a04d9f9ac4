//! Apps: listing, making, changing, deleting, downloading.

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

/// List
pub async fn list(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ListOfUser
pub async fn list_of_user(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// Create
pub async fn create(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// Read
pub async fn read(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// Update
pub async fn update(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// NewVersion
pub async fn new_version(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// Delete
pub async fn delete(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ListVersions
pub async fn list_versions(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// Download
pub async fn download(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

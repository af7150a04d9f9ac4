//! Signing credentials, and signing with them.

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

/// Sign
pub async fn sign(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ListCredentials
pub async fn list_credentials(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// AddCredential
pub async fn add_credential(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// DeleteCredential
pub async fn delete_credential(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

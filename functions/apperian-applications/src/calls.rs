//! The older calls, JSON-RPC 2.0: publishing in three steps.

use std::borrow::Cow;

use lambda_http::{Body, Request};
use serde::Deserialize;
use shared::Error;
use shared::error::Kind;
use shared::id::Handle;
use shared::incoming::{Incoming, JSON_LIMIT};
use shared::reply::Reply;
use shared::routes::apperian_applications::Op;
use shared::spine::{Call, Plan};

/// Where calls are sent.
const CALLS: &str = "/ease.interface.php";

/// The path of the row that a call is for: that of all calls with its method behind it. `None` for what is no call.
pub fn address(request: &Request) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Named {
        method: String,
    }
    if request.uri().path().trim_end_matches('/') != CALLS {
        return None;
    }
    let body: &[u8] = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    let named = if body.len() > JSON_LIMIT { None } else { serde_json::from_slice::<Named>(body).ok() };
    let fits = |method: &String| !method.is_empty() && method.len() <= 100 && method.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_');
    let method = named.map(|named| named.method).filter(fits).unwrap_or_else(|| "unknown".to_owned());
    Some(Cow::Owned(format!("{CALLS}/{method}")))
}

/// What the operations here will read.
pub fn plan(_op: Op, _incoming: &Incoming, _handle: Handle) -> Plan {
    Plan::default()
}

/// CallAuthenticate
pub async fn call_authenticate(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// CallList
pub async fn call_list(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// CallCreate
pub async fn call_create(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// CallUpdate
pub async fn call_update(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// CallPublish
pub async fn call_publish(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// CallUnknown
pub async fn call_unknown(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// UploadOfCall
pub async fn upload_of_call(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

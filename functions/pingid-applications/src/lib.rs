//! 002: the applications that PingID's policies name, and the settings that sign its messages.

use shared::Error;
use shared::error::Kind;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::pingid_applications::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Applications;

impl Operations for Applications {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Add => add(call).await,
            Op::List => list(call).await,
            Op::Update => update(call).await,
            Op::Delete => delete(call).await,
            Op::ReadSettings => read_settings(call).await,
            Op::DownloadProperties => download_properties(call).await,
            Op::RotateKey => rotate_key(call).await,
            Op::RetireKey => retire_key(call).await,
        }
    }
}

/// Add
async fn add(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// List
async fn list(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// Update
async fn update(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// Delete
async fn delete(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// ReadSettings
async fn read_settings(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// DownloadProperties
async fn download_properties(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// RotateKey
async fn rotate_key(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

/// RetireKey
async fn retire_key(_call: Call<'_>) -> Result<Reply, Error> {
    Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
}

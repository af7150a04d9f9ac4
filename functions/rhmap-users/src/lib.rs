//! 003 chapter 10: users, and their import.

use shared::Error;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_users::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Users;

impl Operations for Users {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Create => Err(Error::internal("to be written")),
            Op::Update => Err(Error::internal("to be written")),
            Op::Delete => Err(Error::internal("to be written")),
            Op::Read => Err(Error::internal("to be written")),
            Op::List => Err(Error::internal("to be written")),
            Op::ListDevices => Err(Error::internal("to be written")),
            Op::ListStoreItems => Err(Error::internal("to be written")),
            Op::Import => Err(Error::internal("to be written")),
            Op::ReadImportLog => Err(Error::internal("to be written")),
            Op::Invite => Err(Error::internal("to be written")),
        }
    }
}

//! 003 chapter 6: devices of apps' users.

use shared::Error;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_devices::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Devices;

impl Operations for Devices {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => Err(Error::internal("to be written")),
            Op::Read => Err(Error::internal("to be written")),
            Op::Update => Err(Error::internal("to be written")),
            Op::ListApps => Err(Error::internal("to be written")),
            Op::ListUsers => Err(Error::internal("to be written")),
        }
    }
}

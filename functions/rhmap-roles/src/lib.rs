//! 003 chapter 8: roles.

use shared::Error;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_roles::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Roles;

impl Operations for Roles {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => Err(Error::internal("to be written")),
            Op::ListAssignable => Err(Error::internal("to be written")),
        }
    }
}

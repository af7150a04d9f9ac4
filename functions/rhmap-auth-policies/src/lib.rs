//! 003 chapter 3: auth policies.

use shared::Error;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_auth_policies::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct AuthPolicies;

impl Operations for AuthPolicies {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Create => Err(Error::internal("to be written")),
            Op::Read => Err(Error::internal("to be written")),
            Op::Update => Err(Error::internal("to be written")),
            Op::Delete => Err(Error::internal("to be written")),
            Op::List => Err(Error::internal("to be written")),
            Op::ListUsers => Err(Error::internal("to be written")),
            Op::AddUsers => Err(Error::internal("to be written")),
            Op::RemoveUsers => Err(Error::internal("to be written")),
        }
    }
}

//! 001: policy partials and decisions by them.

use shared::Error;
use shared::error::Kind;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::wso2_policies::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Policies;

impl Operations for Policies {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(_op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
    }
}

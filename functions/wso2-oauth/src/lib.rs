//! Clients of the publisher API and their tokens.

use shared::Error;
use shared::error::Kind;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::wso2_oauth::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct OAuth;

impl Operations for OAuth {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(_op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
    }
}

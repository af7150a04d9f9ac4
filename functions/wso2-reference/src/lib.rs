//! 001: business owners, roles, tiers, java policies and statistics.

use shared::Error;
use shared::error::Kind;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::wso2_reference::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Reference;

impl Operations for Reference {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(_op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
    }
}

//! 003 chapter 7: endpoint security.

use shared::Error;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_endpoint_security::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct EndpointSecurity;

impl Operations for EndpointSecurity {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        Err(Error::internal(format!("{op:?}")))
    }
}

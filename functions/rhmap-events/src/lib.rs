//! 003 chapter 5: events.

use shared::Error;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_events::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Events;

impl Operations for Events {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        Err(Error::internal(format!("{op:?}")))
    }
}

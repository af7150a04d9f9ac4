//! 003 chapter 4: alerts, and what was mailed because of them.

use shared::Error;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_alerts::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Alerts;

impl Operations for Alerts {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        Err(Error::internal(format!("{op:?}")))
    }
}

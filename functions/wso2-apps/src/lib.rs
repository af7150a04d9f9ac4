//! 001: apps, their versions, life cycle, tags and subscriptions.

pub mod views;

use shared::Error;
use shared::error::Kind;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::wso2_apps::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Apps;

impl Operations for Apps {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(_op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
    }
}

//! 001: documents of web apps.

use shared::Error;
use shared::error::Kind;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::wso2_documents::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Documents;

impl Operations for Documents {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(_op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        Err(Error::new(Kind::NoSuchOperation, "There is no such operation"))
    }
}

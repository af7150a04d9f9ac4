//! 003 chapter 9: teams.

use shared::Error;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::rhmap_teams::{FUNCTION, Op};
use shared::spine::{Call, Operations};

/// The function.
pub struct Teams;

impl Operations for Teams {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, _call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => Err(Error::internal("to be written")),
            Op::ListOfUser => Err(Error::internal("to be written")),
            Op::Read => Err(Error::internal("to be written")),
            Op::Create => Err(Error::internal("to be written")),
            Op::Delete => Err(Error::internal("to be written")),
            Op::AddUser => Err(Error::internal("to be written")),
            Op::RemoveUser => Err(Error::internal("to be written")),
        }
    }
}

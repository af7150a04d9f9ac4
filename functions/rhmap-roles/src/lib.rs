//! 003 chapter 8: roles.

use serde::Serialize;
use shared::base::error::Error;
use shared::base::rights::Role;
use shared::http::pipeline::{Call, Operations};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_roles::{FUNCTION, Op};

/// The function.
pub struct Roles;

impl Operations for Roles {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        call.incoming.readable()?;
        let who = call.who()?;
        match op {
            // 003 8.1
            Op::List => view(who.owner.roles.clone()),
            // 003 8.2
            Op::ListAssignable => view(who.assignable()),
        }
    }
}

fn view(list: Vec<Role>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct RolesView {
        list: Vec<Role>,
    }
    Reply::of(&RolesView { list })
}

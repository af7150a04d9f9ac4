//! 001: apps, their versions, life cycle, tags and subscriptions.

mod apps;
mod body;
pub mod views;

use shared::Error;
use shared::error::Kind;
use shared::id::Handle;
use shared::incoming::Incoming;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::wso2_apps::{FUNCTION, Op};
use shared::spine::{Call, Operations, Plan};

/// The function.
pub struct Apps;

impl Operations for Apps {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, handle: Handle) -> Plan {
        match op {
            Op::Create => apps::plan_create(incoming, handle),
            Op::Read => apps::plan_read(incoming, handle),
            Op::Update => apps::plan_update(incoming, handle),
            Op::NewVersion => apps::plan_new_version(incoming, handle),
            Op::Delete => apps::plan_delete(incoming, handle),
            Op::ValidateContext => apps::plan_validate(incoming, handle),
            _ => Plan::default(),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Create => apps::create(call).await,
            Op::Read => apps::read(call).await,
            Op::Update => apps::update(call).await,
            Op::NewVersion => apps::new_version(call).await,
            Op::Delete => apps::delete(call).await,
            Op::ValidateContext => apps::validate_context(call).await,
            _ => Err(Error::new(Kind::NoSuchOperation, "There is no such operation")),
        }
    }
}

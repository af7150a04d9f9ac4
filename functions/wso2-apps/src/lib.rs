//! 001: apps, their versions, life cycle, tags and subscriptions.

use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::domain::publishing::publishing::AppInput;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::wso2_apps::{FUNCTION, Op};

use crate::body::Call;

mod apps;

mod body;

mod life_cycle;

mod list;

mod subject;

mod subscriptions;

mod tags;

pub mod views;

/// The function.
pub struct Apps;

impl Operations for Apps {
    type Op = Op;
    type Body = Option<AppInput>;
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan<Option<AppInput>> {
        let plan = match op {
            Op::Create => return apps::plan_create(incoming, tenant_id),
            Op::Update => return apps::plan_update(incoming, tenant_id),
            Op::NewVersion => return apps::plan_new_version(incoming, tenant_id),
            Op::Read => apps::plan_read(incoming, tenant_id),
            Op::Delete => apps::plan_delete(incoming, tenant_id),
            Op::ValidateContext => apps::plan_validate(incoming, tenant_id),
            Op::List => list::plan(incoming, tenant_id),
            Op::ChangeLifeCycle => life_cycle::change_plan(incoming, tenant_id),
            Op::ReadLifeCycle | Op::ReadTags | Op::AddTags | Op::RemoveTags => {
                life_cycle::plan(incoming, tenant_id)
            }
            Op::ReadHistory => life_cycle::history_plan(incoming, tenant_id),
            Op::ListTags => tags::count_plan(incoming, tenant_id),
            Op::ListSubscriptions => subscriptions::list_plan(incoming, tenant_id),
            Op::Subscribe | Op::Unsubscribe => subscriptions::change_plan(incoming, tenant_id),
        };
        plan.with_body(None)
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Create => apps::create(call).await,
            Op::Read => apps::read(call).await,
            Op::Update => apps::update(call).await,
            Op::NewVersion => apps::new_version(call).await,
            Op::Delete => apps::delete(call).await,
            Op::ValidateContext => apps::validate_context(call).await,
            Op::List => list::list(call).await,
            Op::ChangeLifeCycle => life_cycle::change(call).await,
            Op::ReadLifeCycle => life_cycle::read(call).await,
            Op::ReadHistory => life_cycle::history(call).await,
            Op::ListTags => tags::count(call).await,
            Op::ReadTags => tags::read(call).await,
            Op::AddTags => tags::add(call).await,
            Op::RemoveTags => tags::remove(call).await,
            Op::ListSubscriptions => subscriptions::list(call).await,
            Op::Subscribe => subscriptions::subscribe(call).await,
            Op::Unsubscribe => subscriptions::unsubscribe(call).await,
        }
    }
}

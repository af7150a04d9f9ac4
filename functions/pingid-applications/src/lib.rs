//! 002: the applications that PingID's policies name, and the settings that sign its messages.

pub use messages::MAX_MESSAGE;
use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::domain::pingid::{ping_application, ping_settings};
use shared::http::incoming::Incoming;
use shared::http::messages::SignedMessages;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::pingid_applications::{FUNCTION, Op};

mod applications;

mod messages;

mod settings;

/// The function.
pub struct Applications;

impl Operations for Applications {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn messages() -> Option<&'static dyn SignedMessages> {
        Some(&messages::Messages)
    }

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        match op {
            Op::List => Plan::default().query(ping_application::listing(tenant_id)),
            Op::Add | Op::Update | Op::Delete => {
                Plan::keys(applications::keys_of_change(op, incoming, tenant_id))
            }
            Op::ReadSettings | Op::DownloadProperties | Op::RotateKey | Op::RetireKey => {
                Plan::keys(ping_settings::keys_to_read(tenant_id))
            }
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Add => applications::add(call).await,
            Op::List => applications::list(call).await,
            Op::Update => applications::update(call).await,
            Op::Delete => applications::delete(call).await,
            Op::ReadSettings => settings::read(call).await,
            Op::DownloadProperties => settings::download(call).await,
            Op::RotateKey => settings::rotate(call).await,
            Op::RetireKey => settings::retire(call).await,
        }
    }
}

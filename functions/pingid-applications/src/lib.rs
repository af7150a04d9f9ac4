//! 002: the applications that PingID's policies name, and the settings that sign its messages.

mod applications;
mod messages;
mod settings;

use shared::Error;
use shared::domain::{ping_application, ping_settings};
use shared::id::Handle;
use shared::incoming::Incoming;
use shared::messages::SignedMessages;
use shared::reply::Reply;
use shared::routes::Function;
use shared::routes::pingid_applications::{FUNCTION, Op};
use shared::spine::{Call, Operations, Plan};

pub use messages::MESSAGE_LIMIT;

/// The function.
pub struct Applications;

impl Operations for Applications {
    type Op = Op;
    const FUNCTION: Function<Op> = FUNCTION;

    fn messages() -> Option<&'static dyn SignedMessages> {
        Some(&messages::Messages)
    }

    fn plan(op: Op, incoming: &Incoming, handle: Handle) -> Plan {
        match op {
            Op::List => Plan::default().query(ping_application::listing(handle)),
            Op::Add | Op::Update | Op::Delete => {
                Plan::keys(applications::named(op, incoming, handle))
            }
            Op::ReadSettings | Op::DownloadProperties | Op::RotateKey | Op::RetireKey => {
                Plan::keys(ping_settings::keys_to_read(handle))
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

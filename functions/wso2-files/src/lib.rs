//! 001: packages, pictures and documents that are uploaded on their own, and the manifests of iOS
//! apps.

use shared::base::error::Error;
use shared::base::id::{AppRef, Guid, TenantId};
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::wso2_files::{FUNCTION, Op};
use shared::store::keys;

mod parameters;

mod plist;

mod reading;

mod uploads;

mod versions;

/// The function.
pub struct Files;

impl Operations for Files {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        let name = incoming.param("fileName");
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let version = stem
            .parse::<Guid>()
            .ok()
            .map(|guid| keys::version(tenant_id, &guid));
        match op {
            Op::ReadBinary => Plan::keys(vec![keys::file(tenant_id, name)]).and(version),
            Op::ReadPlist | Op::LinkPlist => {
                Plan::keys(vec![keys::file(tenant_id, name), keys::tenant(tenant_id)]).and(version)
            }
            Op::ReadStatic => {
                let app = stem.parse::<AppRef>().ok().and_then(|app| app.ours().ok());
                Plan::keys(vec![keys::file(tenant_id, name)])
                    .and(app.map(|app| keys::icon(tenant_id, app)))
            }
            Op::CompleteUpload | Op::AbortUpload | Op::UploadStatus => Plan::default().and(
                incoming
                    .param("uploadId")
                    .parse::<Guid>()
                    .ok()
                    .map(|upload| keys::upload(tenant_id, &upload)),
            ),
            Op::UploadBinary | Op::UploadStatic | Op::PrepareUpload => Plan::default(),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::UploadBinary => uploads::binary(call).await,
            Op::UploadStatic => uploads::picture_or_document(call).await,
            Op::PrepareUpload => uploads::prepare(call).await,
            Op::CompleteUpload => uploads::complete(call).await,
            Op::AbortUpload => uploads::abort(call).await,
            Op::UploadStatus => uploads::status(call).await,
            Op::ReadBinary => reading::binary(call).await,
            Op::ReadStatic => reading::picture_or_document(call).await,
            Op::ReadPlist => plist::read(call).await,
            Op::LinkPlist => plist::link(call).await,
        }
    }
}

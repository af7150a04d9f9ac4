//! 000: apps, their policies and signatures, groups, and the older calls of the Apperian API.

use std::borrow::Cow;

use lambda_http::Request;
use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::http::dialect::apperian;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::apperian_applications::{FUNCTION, Op};

mod applications;

mod body;

mod calls;

mod groups;

mod policies;

mod signing;

mod uploads;

mod views;

/// The function.
pub struct Applications;

impl Operations for Applications {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn address(request: &Request) -> Cow<'_, str> {
        calls::address(request)
            .unwrap_or_else(|| Cow::Borrowed(apperian::unversioned(request.uri().path())))
    }

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        match op {
            Op::List
            | Op::ListOfUser
            | Op::Create
            | Op::Read
            | Op::Update
            | Op::NewVersion
            | Op::Delete
            | Op::ListVersions
            | Op::Download => applications::plan(op, incoming, tenant_id),
            Op::ReadPolicies
            | Op::ApplyPolicies
            | Op::RemovePolicies
            | Op::ListPolicies
            | Op::ReadPolicy
            | Op::ListPresets
            | Op::CreatePreset
            | Op::ReadPreset
            | Op::UpdatePreset
            | Op::DeletePreset
            | Op::ReadDocument
            | Op::ReadDocumentKeys => policies::plan(op, incoming, tenant_id),
            Op::Sign | Op::ListCredentials | Op::AddCredential | Op::DeleteCredential => {
                signing::plan(op, incoming, tenant_id)
            }
            Op::ListGroups
            | Op::CreateGroup
            | Op::ListAppsOfGroup
            | Op::UpdateGroup
            | Op::DeleteGroup
            | Op::AddAppsToGroup
            | Op::RemoveAppsFromGroup
            | Op::ListUsersOfGroup
            | Op::AddUsersToGroup
            | Op::RemoveUsersFromGroup
            | Op::AddUserToGroups => groups::plan(op, incoming, tenant_id),
            Op::PrepareUpload | Op::CompleteUpload | Op::AbortUpload | Op::UploadStatus => {
                uploads::plan(op, incoming, tenant_id)
            }
            Op::CallAuthenticate
            | Op::CallList
            | Op::CallCreate
            | Op::CallUpdate
            | Op::CallPublish
            | Op::CallUnknown
            | Op::UploadOfCall => calls::plan(op, incoming, tenant_id),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => applications::list(call).await,
            Op::ListOfUser => applications::list_of_user(call).await,
            Op::Create => applications::create(call).await,
            Op::Read => applications::read(call).await,
            Op::Update => applications::update(call).await,
            Op::NewVersion => applications::new_version(call).await,
            Op::Delete => applications::delete(call).await,
            Op::ListVersions => applications::list_versions(call).await,
            Op::Download => applications::download(call).await,
            Op::ReadPolicies => policies::read_policies(call).await,
            Op::ApplyPolicies => policies::apply_policies(call).await,
            Op::RemovePolicies => policies::remove_policies(call).await,
            Op::ListPolicies => policies::list_policies(call).await,
            Op::ReadPolicy => policies::read_policy(call).await,
            Op::ListPresets => policies::list_presets(call).await,
            Op::CreatePreset => policies::create_preset(call).await,
            Op::ReadPreset => policies::read_preset(call).await,
            Op::UpdatePreset => policies::update_preset(call).await,
            Op::DeletePreset => policies::delete_preset(call).await,
            Op::ReadDocument => policies::read_document(call).await,
            Op::ReadDocumentKeys => policies::read_document_keys(call).await,
            Op::Sign => signing::sign(call).await,
            Op::ListCredentials => signing::list_credentials(call).await,
            Op::AddCredential => signing::add_credential(call).await,
            Op::DeleteCredential => signing::delete_credential(call).await,
            Op::ListGroups => groups::list_groups(call).await,
            Op::CreateGroup => groups::create_group(call).await,
            Op::ListAppsOfGroup => groups::list_apps_of_group(call).await,
            Op::UpdateGroup => groups::update_group(call).await,
            Op::DeleteGroup => groups::delete_group(call).await,
            Op::AddAppsToGroup => groups::add_apps_to_group(call).await,
            Op::RemoveAppsFromGroup => groups::remove_apps_from_group(call).await,
            Op::ListUsersOfGroup => groups::list_users_of_group(call).await,
            Op::AddUsersToGroup => groups::add_users_to_group(call).await,
            Op::RemoveUsersFromGroup => groups::remove_users_from_group(call).await,
            Op::AddUserToGroups => groups::add_user_to_groups(call).await,
            Op::PrepareUpload => uploads::prepare_upload(call).await,
            Op::CompleteUpload => uploads::complete_upload(call).await,
            Op::AbortUpload => uploads::abort_upload(call).await,
            Op::UploadStatus => uploads::upload_status(call).await,
            Op::CallAuthenticate => calls::call_authenticate(call).await,
            Op::CallList => calls::call_list(call).await,
            Op::CallCreate => calls::call_create(call).await,
            Op::CallUpdate => calls::call_update(call).await,
            Op::CallPublish => calls::call_publish(call).await,
            Op::CallUnknown => calls::call_unknown(&call),
            Op::UploadOfCall => calls::upload_of_call(call).await,
        }
    }
}

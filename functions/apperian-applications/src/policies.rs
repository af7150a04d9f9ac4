//! 000: policies, their presets, those of an app, and the documents that apps read.

use serde_json::{Map, Value, json};
use shared::base::conditions::Validators;
use shared::base::error::Error;
use shared::base::id::{AppId, TenantId};
use shared::domain::app_policies::policy_document::{CONTENT_TYPE, MAX_AGE};
use shared::domain::app_policies::policy_set::{Purpose, RequestedPolicy};
use shared::domain::app_policies::{app_policy, policy_document, policy_set, preset};
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Plan};
use shared::http::reply::{Reply, Success};
use shared::http::routes::apperian_applications::Op;
use shared::model::app_policies::app_policy::AppPolicy;
use shared::store::keys;

/// What the operations here will read.
pub fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let application = incoming.param("application");
    match op {
        Op::ReadPolicies => Plan::keys(policy_set::keys_of(
            tenant_id,
            application,
            Purpose::Reading,
        )),
        Op::ApplyPolicies | Op::RemovePolicies => Plan::keys(policy_set::keys_of(
            tenant_id,
            application,
            Purpose::Changing,
        )),
        Op::ListPolicies | Op::ReadPolicy | Op::ListPresets => {
            Plan::default().query(preset::listing(tenant_id))
        }
        Op::CreatePreset => {
            let policy = app_policy::find(incoming.param("policy")).ok();
            Plan::keys(
                policy
                    .map(|policy| keys::preset_count(tenant_id, policy.policy_id))
                    .into_iter()
                    .collect(),
            )
        }
        Op::ReadPreset | Op::UpdatePreset | Op::DeletePreset => {
            let preset = preset::id(incoming.param("configuration")).ok();
            Plan::keys(
                preset
                    .map(|preset| keys::preset(tenant_id, preset))
                    .into_iter()
                    .collect(),
            )
        }
        // Open operations have no plan, and the others are not here.
        _ => Plan::default(),
    }
}

/// Where the policies of an app stand (000 4).
pub async fn read_policies(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let processing =
        policy_set::read(&mut call.reader, who, call.incoming.param("application")).await?;
    Reply::of(&policy_set::standing(&processing))
}

/// Replaces the policies of an app (000 3). They are applied afterwards; the answer says which.
pub async fn apply_policies(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let said: Map<String, Value> = call.body()?;
    let wanted = RequestedPolicy::parse(said.get("configurations"))?;
    let application = call.incoming.param("application");
    let applied = policy_set::replace(
        &mut call.reader,
        who,
        application,
        &wanted,
        &call.incoming.base_url,
    )
    .await?;
    Ok(
        Reply::of(&json!({"configurations": policy_set::view(&applied)}))?
            .success(Success::Accepted),
    )
}

/// Takes all policies from an app.
pub async fn remove_policies(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    call.incoming.readable()?;
    let application = call.incoming.param("application");
    let applied = policy_set::replace(
        &mut call.reader,
        who,
        application,
        &[],
        &call.incoming.base_url,
    )
    .await?;
    Reply::of(&json!({"configurations": policy_set::view(&applied)}))
}

/// All policies, each with its presets (000 2).
pub async fn list_policies(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let presets = preset::views(&mut call.reader, tenant_id).await?;
    let of = |policy_id: &str| presets.get(policy_id).map_or(&[][..], Vec::as_slice);
    let policies: Vec<Value> = app_policy::POLICIES
        .iter()
        .map(|policy| policy.view(of(policy.policy_id)))
        .collect();
    Reply::of(&json!({"policies": policies}))
}

/// The presets of the policy that the path names.
async fn presets_of(call: &mut Call<'_>, policy: &AppPolicy) -> Result<Vec<Value>, Error> {
    let tenant_id = call.who()?.tenant_id;
    let mut presets = preset::views(&mut call.reader, tenant_id).await?;
    Ok(presets.remove(policy.policy_id).unwrap_or_default())
}

/// A policy with its presets.
pub async fn read_policy(mut call: Call<'_>) -> Result<Reply, Error> {
    let policy = app_policy::find(call.incoming.param("policy"))?;
    let presets = presets_of(&mut call, policy).await?;
    Reply::of(&json!({"policy": policy.view(&presets)}))
}

/// The presets of a policy.
pub async fn list_presets(mut call: Call<'_>) -> Result<Reply, Error> {
    let policy = app_policy::find(call.incoming.param("policy"))?;
    let presets = presets_of(&mut call, policy).await?;
    Reply::of(&json!({"configurations": presets}))
}

/// Keeps options of a policy under a name.
pub async fn create_preset(mut call: Call<'_>) -> Result<Reply, Error> {
    let said: Map<String, Value> = call.body()?;
    let policy = app_policy::find(call.incoming.param("policy"))?;
    let tenant_id = call.who()?.tenant_id;
    let made = preset::create(&mut call.reader, tenant_id, policy, &said).await?;
    Reply::of(&json!({"configuration": made.view()}))
}

/// A preset.
pub async fn read_preset(mut call: Call<'_>) -> Result<Reply, Error> {
    let id = preset::id(call.incoming.param("configuration"))?;
    let tenant_id = call.who()?.tenant_id;
    let found = preset::find(&mut call.reader, tenant_id, id).await?;
    Reply::of(&json!({"configuration": found.value.view()}))
}

/// Changes a preset.
pub async fn update_preset(mut call: Call<'_>) -> Result<Reply, Error> {
    let said: Map<String, Value> = call.body()?;
    let id = preset::id(call.incoming.param("configuration"))?;
    let tenant_id = call.who()?.tenant_id;
    let changed = preset::update(&mut call.reader, tenant_id, id, &said).await?;
    Reply::of(&json!({"configuration": changed.view()}))
}

/// Removes a preset.
pub async fn delete_preset(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let id = preset::id(call.incoming.param("configuration"))?;
    let tenant_id = call.who()?.tenant_id;
    preset::delete(&mut call.reader, tenant_id, id).await?;
    Reply::of(&json!({"deleted_configuration": id.base64url()}))
}

fn no_document() -> Error {
    Error::not_found("There is no such document")
}

/// The published document of an app's policies, which the app reads: anybody may, it is signed and
/// says nothing secret.
pub async fn read_document(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id: TenantId = call
        .incoming
        .param("tenant")
        .parse()
        .map_err(|_| no_document())?;
    let binary: AppId = call
        .incoming
        .param("application")
        .parse()
        .map_err(|_| no_document())?;
    let found = policy_document::published(&mut call.reader, tenant_id, binary)
        .await?
        .ok_or_else(no_document)?
        .value;
    let state = Validators::of_content(found.jws.as_bytes()).modified(found.issued);
    Ok(Reply::bytes(CONTENT_TYPE, found.jws.into_bytes())
        .validators(state)
        .max_age(MAX_AGE))
}

/// The public keys by which an app verifies it.
pub async fn read_document_keys(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id: TenantId = call
        .incoming
        .param("tenant")
        .parse()
        .map_err(|_| no_document())?;
    let key = policy_document::key(&mut call.reader, tenant_id)
        .await?
        .ok_or_else(no_document)?;
    Ok(Reply::of(&key.key_set())?.max_age(MAX_AGE))
}

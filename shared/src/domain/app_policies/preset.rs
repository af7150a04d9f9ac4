//! Presets: options of a policy that an administrator prepared under a name (000). They are only
//! kept: to change one changes no app that its options were applied to.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::base::error::Error;
use crate::base::id::{AppId, AppRef, TenantId};
use crate::base::text::Name;
use crate::change;
use crate::domain::app_policies::app_policy::by_policy_id;
use crate::domain::apps::numbers;
use crate::model::app_policies::app_policy::AppPolicy;
use crate::model::app_policies::preset::{Preset, PresetCount};
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Query, Write, keys, record};

/// Most presets of a policy.
pub const MAX_PRESETS: i64 = 100;

fn unknown() -> Error {
    Error::not_found("There is no such configuration")
}

/// The id that a path names.
///
/// # Errors
/// Invalid for what is no id; not found for an id of something else, or of other origin.
pub fn id(text: &str) -> Result<AppId, Error> {
    match text.parse() {
        Ok(AppRef::Ours(id)) if id.kind().is_none() => Ok(id),
        Ok(_) => Err(unknown()),
        Err(_) if numbers::is_foreign(text) => Err(unknown()),
        Err(_) => Err(Error::invalid("A configuration is named by its id")),
    }
}

/// What reading all presets asks.
pub fn listing(tenant_id: TenantId) -> Query {
    Query::all(keys::presets(tenant_id))
}

/// The presets as clients read them, by the names of their policies, oldest first.
///
/// # Errors
/// The store's.
pub async fn views(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
) -> Result<BTreeMap<String, Vec<Value>>, Error> {
    let items = reader.all(listing(tenant_id)).await?;
    let mut views = BTreeMap::<String, Vec<Value>>::new();
    for item in items {
        let preset = Stored::<Preset>::parse(item)?.value;
        let view = preset.view();
        views.entry(preset.policy_id).or_default().push(view);
    }
    Ok(views)
}

/// A preset.
///
/// # Errors
/// Not found; the store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    preset: AppId,
) -> Result<Stored<Preset>, Error> {
    reader
        .get(&keys::preset(tenant_id, preset))
        .await?
        .ok_or_else(unknown)
}

fn counted(tenant_id: TenantId, policy_id: &str, by: i64, condition: Condition) -> Write {
    Write::Count {
        key: keys::preset_count(tenant_id, policy_id),
        kind: PresetCount::KIND,
        by,
        condition,
    }
}

/// Keeps a new preset of a policy.
///
/// # Errors
/// Invalid for what it cannot be, and beyond [`MAX_PRESETS`]; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    policy: &AppPolicy,
    said: &Map<String, Value>,
) -> Result<Preset, Error> {
    let name = said
        .get("name")
        .and_then(Value::as_str)
        .and_then(|name| Name::new(name.trim().to_owned()));
    let mut preset = Preset {
        id: AppId::new(reader.now()),
        policy_id: policy.policy_id.to_owned(),
        name: name.ok_or_else(|| Error::invalid("name is a text of 1 to 200 characters"))?,
        auth_required: policy.auth_required(None)?,
        enabled_by_default: false,
        configuration: policy.options(said.get("configuration"))?,
        created: reader.now(),
    };
    preset.take(policy, said)?;
    let counter = keys::preset_count(tenant_id, policy.policy_id);
    change!(reader, {
        if reader
            .get::<PresetCount>(&counter)
            .await?
            .is_some_and(|found| found.count >= MAX_PRESETS)
        {
            return Err(Error::invalid(format!(
                "A policy has at most {MAX_PRESETS} configurations"
            )));
        }
        let kept = record::create(keys::preset(tenant_id, preset.id), &preset)?;
        Ok((
            preset.clone(),
            vec![
                kept,
                counted(
                    tenant_id,
                    policy.policy_id,
                    1,
                    Condition::Below(MAX_PRESETS),
                ),
            ],
        ))
    })
}

/// Changes a preset; what is absent stays.
///
/// # Errors
/// Not found; invalid for what it cannot be; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    preset: AppId,
    said: &Map<String, Value>,
) -> Result<Preset, Error> {
    change!(reader, {
        let mut found = find(reader, tenant_id, preset).await?;
        let policy = by_policy_id(&found.value.policy_id)
            .ok_or_else(|| Error::internal("a preset of no policy"))?;
        found.value.take(policy, said)?;
        let write = found.replace()?;
        Ok((found.value, vec![write]))
    })
}

/// Removes a preset.
///
/// # Errors
/// Not found; the store's.
pub async fn delete(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    preset: AppId,
) -> Result<(), Error> {
    change!(reader, {
        let found = find(reader, tenant_id, preset).await?;
        Ok((
            (),
            vec![
                found.remove(),
                counted(tenant_id, &found.value.policy_id, -1, Condition::Always),
            ],
        ))
    })
}

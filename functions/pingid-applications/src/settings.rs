//! The settings that sign messages: who may manage them downloads them, and changes their key.

use serde::{Deserialize, Serialize};
use shared::base::clock::Timestamp;
use shared::base::error::Error;
use shared::domain::pingid::ping_settings;
use shared::domain::pingid::ping_settings::{Changed, VALID_DAYS};
use shared::http::addresses;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::pingid::ping_settings::PingKey;

/// A key, without what is secret of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    created: String,
    current: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    created_by: String,
}

impl KeyView {
    fn all(keys: Vec<PingKey>) -> Vec<Self> {
        let view = |key: PingKey| Self {
            created: key.created.rfc3339(),
            current: key.expires.is_none(),
            expires: key.expires.map(Timestamp::rfc3339),
            created_by: key.created_by,
        };
        keys.into_iter().map(view).collect()
    }
}

/// Which keys there are. None as long as nobody has downloaded the settings or rotated their key.
pub async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct SettingsView {
        org_alias: String,
        keys: Vec<KeyView>,
    }
    let who = call.who()?;
    let keys = ping_settings::list(&mut call.reader, who.tenant_id).await?;
    Reply::of(&SettingsView {
        org_alias: who.domain.clone(),
        keys: KeyView::all(keys),
    })
}

/// `pingid.properties` with the current key.
pub async fn download(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let data_key = call.data_key(who.tenant_id).await?;
    let text = ping_settings::properties(
        &mut call.reader,
        who,
        &data_key,
        &addresses::of_pingid(&call.incoming.base_url),
    )
    .await?;
    tracing::info!(user = %who.owner.user, "the PingID settings were downloaded");
    let reply = Reply::bytes("text/plain; charset=utf-8", text.into_bytes());
    Ok(reply.header(
        "content-disposition",
        "attachment; filename=\"pingid.properties\"",
    ))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangedView {
    org_alias: String,
    keys: Vec<KeyView>,
    /// Keys that signed until now and do so no more.
    ended: Vec<EndedView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndedView {
    created: String,
    created_by: String,
}

impl ChangedView {
    fn of(org_alias: &str, changed: Changed) -> Self {
        let ended = changed.ended.into_iter().map(|key| EndedView {
            created: key.created.rfc3339(),
            created_by: key.created_by,
        });
        Self {
            org_alias: org_alias.to_owned(),
            keys: KeyView::all(changed.keys),
            ended: ended.collect(),
        }
    }
}

/// A new key; the former one stays valid for some days.
pub async fn rotate(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Asked {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_number")]
        valid_days: Option<u64>,
    }
    let asked: Asked = call.body()?;
    let who = call.who()?;
    let data_key = call.data_key(who.tenant_id).await?;
    let days = asked.valid_days.unwrap_or(VALID_DAYS);
    let changed = ping_settings::rotate(&mut call.reader, who, &data_key, days).await?;
    tracing::info!(
        user = %who.owner.user,
        valid_days = days,
        ended = changed.ended.len(),
        "the PingID key was rotated"
    );
    Reply::of(&ChangedView::of(&who.domain, changed))
}

/// The former key ends now.
pub async fn retire(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let who = call.who()?;
    let changed = ping_settings::retire(&mut call.reader, who.tenant_id).await?;
    tracing::info!(user = %who.owner.user, ended = changed.ended.len(), "the former PingID key was \
        retired");
    Reply::of(&ChangedView::of(&who.domain, changed))
}

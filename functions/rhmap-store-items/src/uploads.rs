//! Uploads: the document's multipart for small files, and our own contract straight to the storage
//! for real apps.

use super::item_and_list;
use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppRef, BinaryType, Guid};
use shared::domain::apps::upload::Announced;
use shared::domain::apps::{app, upload};
use shared::http::direct_upload::{PartsBody, PreparedView};
use shared::http::multipart;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::upload::{EXPIRED, State, Target, Upload};

/// 003 2.15: `file`, `type` and `guid` in any order; `type` may be `icon`.
pub async fn upload_binary(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let form = multipart::read(call.incoming).await?;
    let guid: AppRef = form.text("guid").unwrap_or_default().parse().map_err(|_| {
        Error::invalid(
            Code::InvalidGuid
                .beside("This is not the guid of any item: it is missing or malformed"),
        )
    })?;
    let target = match form.text("type").unwrap_or_default() {
        "icon" => Target::Icon,
        kind => Target::Binary(
            kind.parse()
                .map_err(|_| Error::invalid(Code::InvalidType))?,
        ),
    };
    let allow_signer_change = form.text("allowSignerChange") == Some("true");
    let bytes = form.file.ok_or_else(|| Error::invalid(Code::InvalidFile))?;
    let id = guid.ours()?;
    let announced = Announced {
        app: Some(id),
        target,
        size: bytes.len() as u64,
        sha256: None,
        file_name: form.file_name,
        parts: None,
        allow_signer_change,
    };
    multipart::deliver(call.context, &mut call.reader, who, announced, bytes).await?;
    call.reader.forget();
    call.reader
        .fetch_missing(&app::card_keys(who.handle, id))
        .await?;
    let card = app::card(&mut call.reader, who.handle, id).await?.value;
    item_and_list(&mut call, &card).await
}

/// Prepares an upload straight to the storage.
pub async fn prepare(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        guid: AppRef,
        #[serde(rename = "type")]
        kind: BinaryType,
        #[serde(deserialize_with = "shared::base::lenient::optional_number")]
        size: Option<u64>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        file_name: Option<String>,
        sha256: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_number")]
        parts: Option<u64>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        allow_signer_change: Option<bool>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let announced = Announced {
        app: Some(body.guid.ours()?),
        target: Target::Binary(body.kind),
        size: body.size.ok_or_else(|| Error::invalid(Code::InvalidSize))?,
        sha256: body.sha256,
        file_name: body.file_name.unwrap_or_default(),
        parts: body
            .parts
            .map(|parts| u32::try_from(parts).unwrap_or(u32::MAX)),
        allow_signer_change: body.allow_signer_change.unwrap_or(false),
    };
    let (upload, requests) =
        upload::prepare(&mut call.reader, call.context.objects()?, who, announced).await?;
    Reply::of(&PreparedView::of(&upload, requests))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadBody {
    upload_id: Guid,
}

/// Puts the parts of an upload together.
pub async fn complete(mut call: Call<'_>) -> Result<Reply, Error> {
    let (named, body, who): (UploadBody, PartsBody, _) = (call.body()?, call.body()?, call.who()?);
    let parts = body.sorted()?;
    let objects = call.context.objects()?;
    let done = upload::complete(&mut call.reader, objects, who, &named.upload_id, &parts).await?;
    Reply::of(&StatusView::of(&done, done.state_at(call.reader.now())))
}

/// Gives an upload up.
pub async fn abort(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (UploadBody, _) = (call.body()?, call.who()?);
    let objects = call.context.objects()?;
    upload::abort(&mut call.reader, objects, who, &body.upload_id).await?;
    Ok(Reply::done())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusView<'a> {
    upload_id: &'a Guid,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_item_binary_version: Option<u32>,
}

impl<'a> StatusView<'a> {
    fn of(upload: &'a Upload, state: State) -> Self {
        let reason = upload
            .reason
            .as_deref()
            .or((state == State::Expired).then_some(EXPIRED));
        Self {
            upload_id: &upload.guid,
            state,
            reason,
            store_item_binary_version: upload.version,
        }
    }
}

/// Where an upload stands.
pub async fn status(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (UploadBody, _) = (call.body()?, call.who()?);
    let found = upload::find(&mut call.reader, who.handle, &body.upload_id)
        .await?
        .value;
    Reply::of(&StatusView::of(&found, found.state_at(call.reader.now())))
}

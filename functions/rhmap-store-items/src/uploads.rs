//! Uploads: the document's multipart for small files, and our own contract straight to the storage
//! for real apps.

use serde::{Deserialize, Serialize};
use shared::base::clock::Timestamp;
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppRef, BinaryType, Guid};
use shared::domain::apps::app;
use shared::domain::apps::upload::Announced;
use shared::http::direct_upload;
use shared::http::direct_upload::Standing;
use shared::http::multipart;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::upload::{Target, Upload};

use crate::answer::item_and_list;

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
        kind => Target::Binary(kind.parse().map_err(|_| {
            let types = BinaryType::words();
            let sentence = format!("The type is icon or one of {types}");
            Error::invalid(Code::InvalidType.beside(sentence))
        })?),
    };
    let allow_signer_change = form.text("allowSignerChange") == Some("true");
    let bytes = form.file.ok_or_else(|| Error::invalid(Code::InvalidFile))?;
    let id = guid.ours()?;
    let announced = Announced {
        app: Some(id),
        allow_signer_change,
        ..Announced::whole(target, form.file_name, &bytes)
    };
    multipart::deliver(call.context, &mut call.reader, who, announced, bytes).await?;
    call.reader.forget();
    call.reader
        .fetch_missing(&app::app_keys(who.tenant_id, id))
        .await?;
    let app_record = app::read(&mut call.reader, who.tenant_id, id).await?.value;
    item_and_list(&mut call, &app_record).await
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
    let body: Body = call.body()?;
    let announced = Announced {
        app: Some(body.guid.ours()?),
        target: Target::Binary(body.kind),
        size: body.size.ok_or_else(|| Error::invalid(Code::InvalidSize))?,
        sha256: body.sha256,
        file_name: body.file_name.unwrap_or_default(),
        parts: direct_upload::count(body.parts),
        allow_signer_change: body.allow_signer_change.unwrap_or(false),
    };
    direct_upload::prepare(&mut call, announced).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadBody {
    upload_id: Guid,
}

/// Puts the parts of an upload together.
pub async fn complete(mut call: Call<'_>) -> Result<Reply, Error> {
    let named: UploadBody = call.body()?;
    let done = direct_upload::complete(&mut call, &named.upload_id).await?;
    Reply::of(&StatusView::of(&done, call.reader.now()))
}

/// Gives an upload up.
pub async fn abort(mut call: Call<'_>) -> Result<Reply, Error> {
    let named: UploadBody = call.body()?;
    direct_upload::abort(&mut call, &named.upload_id).await?;
    Ok(Reply::done())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusView<'a> {
    upload_id: &'a Guid,
    #[serde(flatten)]
    standing: Standing<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_item_binary_version: Option<u32>,
}

impl<'a> StatusView<'a> {
    fn of(upload: &'a Upload, now: Timestamp) -> Self {
        Self {
            upload_id: &upload.guid,
            standing: Standing::of(upload, now),
            store_item_binary_version: upload.version,
        }
    }
}

/// Where an upload stands.
pub async fn status(mut call: Call<'_>) -> Result<Reply, Error> {
    let named: UploadBody = call.body()?;
    let found = direct_upload::status(&mut call, &named.upload_id).await?;
    Reply::of(&StatusView::of(&found, call.reader.now()))
}

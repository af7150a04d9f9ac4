//! Uploads: the document's multipart for small files, and our own contract straight to the storage
//! for large ones.

use serde::{Deserialize, Serialize};
use shared::base::error::Error;
use shared::base::id::Guid;
use shared::base::kind::Listing;
use shared::domain::apps::file;
use shared::domain::apps::upload::Announced;
use shared::http::dialect::wso2_views::static_path;
use shared::http::direct_upload;
use shared::http::direct_upload::Standing;
use shared::http::multipart;
use shared::http::multipart::Form;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::file::{Content, StoredFile};
use shared::model::apps::upload::{Target, Upload};

use crate::parameters::app_type;

/// 001a 16: `file`, an Android or iOS package by its extension.
pub async fn binary(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.conditions.judge_creation()?;
    let mut form = multipart::read(call.incoming).await?;
    let bytes = content(&mut form)?;
    let kind = file::package_kind(&form.file_name)
        .ok_or_else(|| Error::invalid("file must be named .apk or .ipa"))?;
    let stored = delivered(&mut call, Target::Package(kind), form.file_name, bytes).await?;
    Ok(Reply::of(&FileView::of(&stored))?.validators(stored.validators()))
}

/// 001 13: `file`, a picture or document whatever it is called.
pub async fn picture_or_document(mut call: Call<'_>) -> Result<Reply, Error> {
    let named = call.incoming.peek::<String>("appType");
    if named.is_some() {
        app_type(named.as_deref())?;
    }
    call.incoming.conditions.judge_creation()?;
    let mut form = multipart::read(call.incoming).await?;
    if named.is_none() {
        app_type(form.text("appType"))?;
    }
    let bytes = content(&mut form)?;
    if bytes.is_empty() {
        return Err(Error::invalid("file is empty"));
    }
    let stored = delivered(&mut call, Target::Static, form.file_name, bytes).await?;
    Ok(Reply::of(&FileView::of(&stored))?.validators(stored.validators()))
}

/// The bytes of the form's file; that they are none is said by whoever judges them.
fn content(form: &mut Form) -> Result<Vec<u8>, Error> {
    form.file
        .take()
        .ok_or_else(|| Error::invalid("file is missing"))
}

/// The file that an upload through this function became.
async fn delivered(
    call: &mut Call<'_>,
    target: Target,
    file_name: String,
    bytes: Vec<u8>,
) -> Result<StoredFile, Error> {
    let who = call.who()?;
    let announced = Announced::whole(target, file_name, &bytes);
    let upload = multipart::deliver(call.context, &mut call.reader, who, announced, bytes).await?;
    became(call, &upload)
        .await?
        .ok_or_else(|| Error::internal("an upload that became nothing"))
}

/// The file that an upload became; none while it is none, or once the file is gone.
async fn became(call: &mut Call<'_>, upload: &Upload) -> Result<Option<StoredFile>, Error> {
    let tenant_id = call.who()?.tenant_id;
    match &upload.file {
        None => Ok(None),
        Some(name) => Ok(file::find(&mut call.reader, tenant_id, name)
            .await?
            .map(|found| found.value)),
    }
}

/// A file as apps name it: for packages the schema `Binary`, else `StaticContent` with the `id`
/// that the sample shows.
#[derive(Serialize)]
struct FileView {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

impl FileView {
    fn of(stored: &StoredFile) -> Self {
        match &stored.content {
            Content::Package { judged, .. } => Self {
                id: None,
                path: stored.name.clone(),
                package: Some(judged.identifier.clone()),
                version: Some(judged.shown_version().to_owned()),
            },
            Content::Static { .. } => Self {
                id: Some(stored.name.clone()),
                path: static_path(&stored.name),
                package: None,
                version: None,
            },
        }
    }
}

/// Prepares an upload straight to the storage; the extension says whether it is a package.
pub async fn prepare(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        file_name: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_number")]
        size: Option<u64>,
        sha256: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_number")]
        parts: Option<u64>,
        app_type: Option<String>,
    }
    call.incoming.conditions.judge_creation()?;
    call.incoming.require_json()?;
    let body: Body = call.body()?;
    if let Some(named) = &body.app_type {
        named.parse::<Listing>()?;
    }
    let file_name = body
        .file_name
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Error::invalid("fileName is missing"))?;
    let announced = Announced {
        app: None,
        target: file::package_kind(&file_name).map_or(Target::Static, Target::Package),
        size: body.size.ok_or_else(|| Error::invalid("size is missing"))?,
        sha256: body.sha256,
        file_name,
        parts: direct_upload::count(body.parts),
        allow_signer_change: false,
    };
    direct_upload::prepare(&mut call, announced).await
}

/// Puts the parts of an upload together; doing it again is fine.
pub async fn complete(mut call: Call<'_>) -> Result<Reply, Error> {
    let named = direct_upload::upload_id(call.incoming, "uploadId")?;
    call.incoming.require_json()?;
    let done = direct_upload::complete(&mut call, &named).await?;
    view(&mut call, &done).await
}

/// Gives an upload up.
pub async fn abort(mut call: Call<'_>) -> Result<Reply, Error> {
    let named = direct_upload::upload_id(call.incoming, "uploadId")?;
    direct_upload::abort(&mut call, &named).await?;
    Ok(Reply::empty())
}

/// Where an upload stands, and what it became.
pub async fn status(mut call: Call<'_>) -> Result<Reply, Error> {
    let named = direct_upload::upload_id(call.incoming, "uploadId")?;
    let found = direct_upload::status(&mut call, &named).await?;
    view(&mut call, &found).await
}

async fn view(call: &mut Call<'_>, upload: &Upload) -> Result<Reply, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct StatusView<'a> {
        upload_id: &'a Guid,
        #[serde(flatten)]
        standing: Standing<'a>,
        #[serde(flatten)]
        file: Option<FileView>,
    }
    let file = became(call, upload)
        .await?
        .map(|stored| FileView::of(&stored));
    Reply::of(&StatusView {
        upload_id: &upload.guid,
        standing: Standing::of(upload, call.reader.now()),
        file,
    })
}

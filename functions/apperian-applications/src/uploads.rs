//! Packages: in a form that passes through this function, or straight to the storage, and then
//! named by the upload's id.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppId, Guid, TenantId};
use shared::domain::apps::upload::Announced;
use shared::domain::apps::{file, upload};
use shared::domain::publishing::app_text::AppTextInput;
use shared::domain::publishing::native_app;
use shared::http::direct_upload;
use shared::http::direct_upload::Standing;
use shared::http::incoming::Incoming;
use shared::http::multipart;
use shared::http::pipeline::{Call, Plan};
use shared::http::reply::Reply;
use shared::http::routes::apperian_applications::Op;
use shared::model::apps::app::App;
use shared::model::apps::upload::{EXPIRED, Target, Upload, UploadState};
use shared::store::keys;

use crate::body::{Blank, Fields};

/// What the operations here will read.
pub fn plan(_op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
    Plan::default().and(
        incoming
            .param("upload")
            .parse::<Guid>()
            .ok()
            .map(|upload| keys::upload(tenant_id, &upload)),
    )
}

/// What an operation reads for the upload that its body names.
pub fn plan_of_body(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    Plan::default().and(
        incoming
            .peek::<Guid>("upload_id")
            .map(|upload| keys::upload(tenant_id, &upload)),
    )
}

/// What a request sends for an app: a package, and what is said of it.
pub struct Sent {
    source: Source,
    /// What is said.
    pub said: AppTextInput,
}

enum Source {
    /// The file in the form.
    Form { file_name: String, bytes: Vec<u8> },
    /// A file that was sent before.
    Upload(Guid),
}

impl Sent {
    /// Reads a form, or a body of JSON that names an upload.
    ///
    /// # Errors
    /// Invalid for a broken form, a missing file, and with the field's name for what is said; too
    /// large.
    pub async fn of(call: &Call<'_>) -> Result<Self, Error> {
        if !call
            .incoming
            .content_type
            .to_ascii_lowercase()
            .starts_with("multipart/")
        {
            let fields = Fields(call.body::<Map<String, Value>>()?);
            let named = fields.text(&["upload_id", "uploadId"])?;
            let named = named.ok_or_else(|| {
                Error::invalid(
                    "app_file is missing: send a form with \
                it, or upload_id of a file that was uploaded before",
                )
            })?;
            let upload = named
                .parse()
                .map_err(|_| Error::invalid("upload_id is not the id of an upload"))?;
            return Ok(Self {
                source: Source::Upload(upload),
                said: fields.input(Blank::SaysNothing)?,
            });
        }
        let form = multipart::read_named(call.incoming, "app_file").await?;
        let said =
            Fields::of_part(form.text("data").unwrap_or_default())?.input(Blank::SaysNothing)?;
        let bytes = form
            .file
            .ok_or_else(|| Error::invalid("app_file is missing"))?;
        Ok(Self {
            source: Source::Form {
                file_name: form.file_name,
                bytes,
            },
            said,
        })
    }

    /// The name of the file in the form; empty for one that was sent before.
    pub fn file_name(&self) -> String {
        match &self.source {
            Source::Form { file_name, .. } => file_name.clone(),
            Source::Upload(_) => String::new(),
        }
    }

    /// The name of the file that the package is kept as, once it was judged, and what is said of
    /// it. `of` is the app whose version it becomes, and how the request named it; nothing for a
    /// new app.
    ///
    /// # Errors
    /// Invalid for a file of no or another kind, and with its code for one that was refused; not
    /// found for an unknown upload; conflict for one that has not ended; the store's.
    pub async fn file(
        self,
        call: &mut Call<'_>,
        of: Option<(&App, AppId)>,
    ) -> Result<(String, AppTextInput), Error> {
        let who = call.who()?;
        let (upload, mut said) = match self.source {
            Source::Form { file_name, bytes } => {
                let of_file = file::package_kind(&file_name);
                let kind = match of {
                    Some((app, id)) => native_app::kind_of_version(app, id, of_file)?,
                    None => of_file
                        .ok_or_else(|| Error::invalid("app_file must be named .apk or .ipa"))?,
                };
                let announced = Announced {
                    allow_signer_change: self.said.allow_signer_change,
                    ..Announced::whole(Target::Package(kind), file_name, &bytes)
                };
                (
                    multipart::deliver(call.context, &mut call.reader, who, announced, bytes)
                        .await?,
                    self.said,
                )
            }
            Source::Upload(named) => (finished_upload(call, &named).await?, self.said),
        };
        said.allow_signer_change |= upload.allow_signer_change;
        let file = upload
            .file
            .ok_or_else(|| Error::invalid("upload_id: the upload is no package of an app"))?;
        Ok((file, said))
    }
}

/// An upload whose bytes were judged and taken.
async fn finished_upload(call: &mut Call<'_>, named: &Guid) -> Result<Upload, Error> {
    let tenant_id = call.who()?.tenant_id;
    let found = upload::find(&mut call.reader, tenant_id, named)
        .await
        .map_err(in_words)?
        .value;
    match found.state_at(call.reader.now()) {
        UploadState::Attached => Ok(found),
        UploadState::Refused => Err(Error::invalid(found.why_refused())),
        UploadState::Expired => Err(Error::invalid(Code::Expired.with(EXPIRED))),
        UploadState::Waiting => Err(Error::conflict(
            "upload_id: the bytes of the upload have not arrived",
        )),
        UploadState::Reading => Err(Error::conflict(
            "upload_id: the file is still being read, please try again",
        )),
    }
}

/// Errors of uploads speak of `uploadId`, as the other dialects have it.
fn in_words(error: Error) -> Error {
    if error.kind == shared::base::error::Kind::NotFound {
        Error::not_found("There is no such upload")
    } else {
        error
    }
}

/// Prepares an upload of a package straight to the storage.
pub async fn prepare_upload(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(
            default,
            alias = "fileName",
            deserialize_with = "shared::base::lenient::optional_text"
        )]
        file_name: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_number")]
        size: Option<u64>,
        sha256: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_number")]
        parts: Option<u64>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        allow_signer_change: Option<bool>,
    }
    let body: Body = call.body()?;
    let file_name = body
        .file_name
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Error::invalid("file_name is missing"))?;
    let kind = file::package_kind(&file_name)
        .ok_or_else(|| Error::invalid("file_name must end with .apk or .ipa"))?;
    let announced = Announced {
        app: None,
        target: Target::Package(kind),
        size: body.size.ok_or_else(|| Error::invalid("size is missing"))?,
        sha256: body.sha256,
        file_name,
        parts: direct_upload::count(body.parts),
        allow_signer_change: body.allow_signer_change.unwrap_or(false),
    };
    direct_upload::prepare(&mut call, announced).await
}

#[derive(Serialize)]
struct StatusView<'a> {
    upload_id: &'a Guid,
    #[serde(flatten)]
    standing: Standing<'a>,
}

impl<'a> StatusView<'a> {
    fn reply(call: &Call<'_>, upload: &'a Upload) -> Result<Reply, Error> {
        Reply::of(&StatusView {
            upload_id: &upload.guid,
            standing: Standing::of(upload, call.reader.now()),
        })
    }
}

/// Puts the parts of an upload together; doing it again is fine.
pub async fn complete_upload(mut call: Call<'_>) -> Result<Reply, Error> {
    let named = direct_upload::upload_id(call.incoming, "upload")?;
    let done = direct_upload::complete(&mut call, &named)
        .await
        .map_err(in_words)?;
    StatusView::reply(&call, &done)
}

/// Gives an upload up.
pub async fn abort_upload(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct AbortedView {
        aborted_upload: Guid,
    }
    let named = direct_upload::upload_id(call.incoming, "upload")?;
    direct_upload::abort(&mut call, &named)
        .await
        .map_err(in_words)?;
    Reply::of(&AbortedView {
        aborted_upload: named,
    })
}

/// Where an upload stands.
pub async fn upload_status(mut call: Call<'_>) -> Result<Reply, Error> {
    let named = direct_upload::upload_id(call.incoming, "upload")?;
    let found = direct_upload::status(&mut call, &named)
        .await
        .map_err(in_words)?;
    StatusView::reply(&call, &found)
}

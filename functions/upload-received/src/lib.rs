//! The function that reads what was uploaded: triggered by the object's arrival, isolated from
//! everything else.
//!
//! An event comes at least once and in any order; the upload's record says what is left to do. A
//! bad file is refused with a reason; only a failure of ours is an error, which makes the platform
//! deliver again.

use aws_lambda_events::event::s3::S3Event;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use shared::base::code::{Code, Refusal};
use shared::base::error::Error;
use shared::base::id::{Guid, TenantId};
use shared::domain::apps::upload;
use shared::domain::apps::upload::{AnalysedFile, Begin, Verdict};
use shared::model::apps::file::Content;
use shared::model::apps::upload::{MAX_ICON, Target, Upload, UploadState};
use shared::model::task;
use shared::model::task::Task;
use shared::services::context::Context;
use shared::store::keys;
use shared::store::record::Reader;

mod analysis;

/// What became of an event's objects.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// How many became a version, an icon or a file.
    pub attached: usize,
    /// How many were refused.
    pub refused: usize,
    /// How many needed nothing.
    pub ended: usize,
}

/// Reads every object that the event names. One that fails does not keep the others from being
/// read.
///
/// # Errors
/// The last failure of ours; internal for an event that is no S3 event.
pub async fn handle(context: Context, event: serde_json::Value) -> Result<Done, Error> {
    if event.get("Event").and_then(serde_json::Value::as_str) == Some("s3:TestEvent") {
        return Ok(Done::default());
    }
    let event: S3Event = serde_json::from_value(event).map_err(Error::internal)?;
    let mut done = Done::default();
    let mut failure = None;
    for record in event.records {
        let name = decoded(&record.s3.object.key.unwrap_or_default());
        let Some((tenant_id, guid)) = keys::parse_incoming_object(&name) else {
            tracing::warn!(name, "an object that no upload announced");
            continue;
        };
        match receive(&context, tenant_id, &guid).await {
            Ok(Verdict::Attached(version)) => {
                done.attached += 1;
                tracing::info!(upload = %guid, version, "attached");
            }
            Ok(Verdict::Refused(reason)) => {
                done.refused += 1;
                tracing::info!(upload = %guid, %reason, "refused");
            }
            Ok(Verdict::Ended) => done.ended += 1,
            Err(error) => {
                tracing::error!(
                    upload = %guid,
                    %error,
                    cause = error.cause.as_deref().unwrap_or_default(),
                    "reading failed"
                );
                failure = Some(error);
            }
        }
    }
    match failure {
        None => Ok(done),
        Some(error) => Err(error),
    }
}

/// Keys in events are URL-encoded, as in a form.
fn decoded(key: &str) -> String {
    percent_encoding::percent_decode_str(&key.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

async fn receive(context: &Context, tenant_id: TenantId, guid: &Guid) -> Result<Verdict, Error> {
    let mut reader = Reader::new(&*context.table, context.clock.now());
    let name = keys::incoming_object(tenant_id, guid);
    let verdict = match upload::begin_reading(&mut reader, tenant_id, guid).await? {
        Begin::Unknown => Verdict::Ended,
        Begin::Ended(ended) => {
            settle(context, tenant_id, &ended).await?;
            Verdict::Ended
        }
        Begin::Read(begun) => {
            reader.forget();
            match context.objects()?.facts(&name).await? {
                // Another delivery was faster.
                None => return Ok(Verdict::Ended),
                Some(facts) => analyse(context, &mut reader, tenant_id, &begun, facts.size).await?,
            }
        }
    };
    context.objects()?.delete(&name).await?;
    Ok(verdict)
}

async fn analyse(
    context: &Context,
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    begun: &Upload,
    size: u64,
) -> Result<Verdict, Error> {
    if size < begun.size {
        return refuse(
            reader,
            tenant_id,
            begun,
            Refusal::new(
                Code::Truncated,
                format!("{} bytes were announced and {size} arrived", begun.size),
            ),
        )
        .await;
    }
    if size > begun.size {
        return refuse(
            reader,
            tenant_id,
            begun,
            Refusal::new(
                Code::TooLarge,
                format!("{} bytes were announced and {size} arrived", begun.size),
            ),
        )
        .await;
    }
    match begun.target {
        Target::Icon | Target::StoreIcon => icon(context, reader, tenant_id, begun).await,
        Target::Static => picture_or_document(context, reader, tenant_id, begun).await,
        Target::Binary(kind) | Target::Package(kind) => {
            let judged = match analysis::binary(context, tenant_id, begun, kind).await? {
                Ok(judged) => judged,
                Err(reason) => return refuse(reader, tenant_id, begun, reason).await,
            };
            let object = StoredObject {
                name: keys::binary_object(tenant_id, &judged.sha256),
                content_type: kind.content_type(),
            };
            object.copy(context, reader, tenant_id, begun).await?;
            let verdict = if let Target::Binary(kind) = begun.target {
                upload::attach(reader, tenant_id, begun, kind, &judged).await?
            } else {
                let (sha256, extension) = (judged.sha256.clone(), kind.extension());
                upload::attach_file(
                    reader,
                    tenant_id,
                    begun,
                    &AnalysedFile {
                        content: Content::Package { kind, judged },
                        extension,
                        sha256,
                    },
                )
                .await?
            };
            object.settle(context, tenant_id, begun, verdict).await
        }
    }
}

async fn picture_or_document(
    context: &Context,
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    begun: &Upload,
) -> Result<Verdict, Error> {
    let (found, sha256) = match analysis::picture_or_document(context, tenant_id, begun).await? {
        Ok(found) => found,
        Err(reason) => return refuse(reader, tenant_id, begun, reason).await,
    };
    let object = StoredObject {
        name: keys::static_object(tenant_id, &sha256),
        content_type: STATIC_CONTENT_TYPE,
    };
    object.copy(context, reader, tenant_id, begun).await?;
    let content = Content::Static {
        media_type: found.kind.media_type().to_owned(),
        icon: found.icon.map(|png| STANDARD.encode(png)),
    };
    let verdict = upload::attach_file(
        reader,
        tenant_id,
        begun,
        &AnalysedFile {
            content,
            extension: found.kind.extension(),
            sha256,
        },
    )
    .await?;
    object.settle(context, tenant_id, begun, verdict).await
}

/// The content type of pictures and documents in the bucket: the right one is said by whoever hands
/// them out.
const STATIC_CONTENT_TYPE: &str = "application/octet-stream";

async fn refuse(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    begun: &Upload,
    refusal: Refusal,
) -> Result<Verdict, Error> {
    upload::refuse(reader, tenant_id, &begun.guid, refusal.clone()).await?;
    Ok(Verdict::Refused(refusal))
}

async fn icon(
    context: &Context,
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    begun: &Upload,
) -> Result<Verdict, Error> {
    let bytes = context
        .objects()?
        .range(&keys::incoming_object(tenant_id, &begun.guid), 0, MAX_ICON)
        .await?;
    match analysis::isolated(move || package_reader::store_icon(&bytes)).await? {
        Ok(png) => upload::attach_icon(reader, tenant_id, begun, &STANDARD.encode(png)).await,
        Err(refusal) => refuse(reader, tenant_id, begun, analysis::refused(refusal)).await,
    }
}

/// What a crash after the attaching may have left: the kept object is made sure of.
async fn settle(context: &Context, tenant_id: TenantId, ended: &Upload) -> Result<(), Error> {
    let (UploadState::Attached, Some(sha256)) = (ended.state, &ended.sha256) else {
        return Ok(());
    };
    match ended.target {
        Target::Binary(kind) | Target::Package(kind) => {
            StoredObject {
                name: keys::binary_object(tenant_id, sha256),
                content_type: kind.content_type(),
            }
            .keep(context, tenant_id, ended)
            .await
        }
        Target::Static => {
            StoredObject {
                name: keys::static_object(tenant_id, sha256),
                content_type: STATIC_CONTENT_TYPE,
            }
            .keep(context, tenant_id, ended)
            .await
        }
        Target::Icon | Target::StoreIcon => Ok(()),
    }
}

/// The object that an upload's bytes are kept as.
struct StoredObject {
    name: String,
    content_type: &'static str,
}

impl StoredObject {
    /// Copies the bytes there. Before that: whatever ends this upload without a reference to the
    /// object, a refusal or a crash, the object goes.
    async fn copy(
        &self,
        context: &Context,
        reader: &mut Reader<'_>,
        tenant_id: TenantId,
        upload: &Upload,
    ) -> Result<(), Error> {
        let look = task::task(
            reader.now(),
            &Task::Object {
                tenant_id,
                name: self.name.clone(),
            },
        )?;
        reader.table().write(vec![look]).await?;
        context
            .objects()?
            .copy(
                &keys::incoming_object(tenant_id, &upload.guid),
                &self.name,
                self.content_type,
            )
            .await
    }

    /// The verdict, once what was attached is made sure of.
    async fn settle(
        &self,
        context: &Context,
        tenant_id: TenantId,
        upload: &Upload,
        verdict: Verdict,
    ) -> Result<Verdict, Error> {
        if let Verdict::Attached(_) = verdict {
            self.keep(context, tenant_id, upload).await?;
        }
        Ok(verdict)
    }

    /// Makes sure that the object is there: housekeeping may have removed one of the same content
    /// between the copy and the reference to it. While the incoming object is still there it can be
    /// copied again.
    async fn keep(
        &self,
        context: &Context,
        tenant_id: TenantId,
        upload: &Upload,
    ) -> Result<(), Error> {
        let (objects, incoming) = (
            context.objects()?,
            keys::incoming_object(tenant_id, &upload.guid),
        );
        if objects.facts(&self.name).await?.is_none() && objects.facts(&incoming).await?.is_some() {
            objects
                .copy(&incoming, &self.name, self.content_type)
                .await?;
        }
        Ok(())
    }
}

//! The content of documents: a text, a file, or where it is to be read.

use serde::Serialize;
use shared::base::conditions::{Validators, Verdict};
use shared::base::error::Error;
use shared::domain::apps::upload::Announced;
use shared::domain::apps::{document, file};
use shared::http::dialect::wso2_views::static_path;
use shared::http::multipart;
use shared::http::multipart::Form;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::document::{Document, Source};
use shared::model::apps::file::StoredFile;
use shared::model::apps::upload::Target;
use shared::services::objects::{Presentation, disposition};
use shared::store::record::Stored;

use crate::place::{CONTENT, Place, guard};
use crate::view::DocumentView;

/// How long a signed address of the storage is valid.
const STORAGE_URL: std::time::Duration = std::time::Duration::from_secs(300);

/// The largest file that is answered from here: as base64 it passes a function.
const ANSWERED: u64 = 4 << 20;

fn nothing() -> Error {
    Error::not_found("The document has no content yet")
}

/// The state of a document's content: another tag than the document's own, and it changes with it.
fn validators(found: &Stored<Document>) -> Validators {
    Validators::of_record(
        &format!("{}.content", found.value.id.uuid()),
        found.rev,
        found.value.modified,
    )
}

/// 001a 7: a text as it is, a file to be saved, an address by 303.
pub async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let place = Place::of(&mut call).await?;
    let found =
        document::find(&mut call.reader, place.tenant_id, place.app, place.document).await?;
    let validators = validators(&found);
    let reply = match &found.value.source {
        Source::Url { address } => Reply::see_other(address.clone()),
        Source::Inline { .. } => {
            let text = document::text(&mut call.reader, place.tenant_id, place.app, found.value.id)
                .await?
                .ok_or_else(nothing)?;
            Reply::bytes("text/plain; charset=utf-8", text.into_bytes())
        }
        Source::File { file: None } => return Err(nothing()),
        Source::File { file: Some(named) } => {
            if call.incoming.conditions.judge_reading(&validators)? == Verdict::NotModified {
                return Ok(Reply::empty().validators(validators));
            }
            let stored = file::find(&mut call.reader, place.tenant_id, &named.name)
                .await?
                .ok_or_else(nothing)?
                .value;
            file_reply(&call, &place, &stored, &named.file_name).await?
        }
    };
    Ok(reply.validators(validators))
}

async fn file_reply(
    call: &Call<'_>,
    place: &Place,
    stored: &StoredFile,
    file_name: &str,
) -> Result<Reply, Error> {
    let object = stored.object(place.tenant_id);
    if stored.size > ANSWERED {
        let presentation = Presentation {
            content_type: stored.media_type().to_owned(),
            file_name: file_name.to_owned(),
        };
        return Ok(Reply::redirect(
            call.objects()?
                .sign_get(&object, STORAGE_URL, &presentation)
                .await?
                .url,
        ));
    }
    let bytes = call.objects()?.range(&object, 0, stored.size).await?;
    Ok(Reply::bytes(stored.media_type().to_owned(), bytes)
        .header("content-disposition", disposition(file_name)))
}

/// What is to become a document's content.
enum New {
    Text(String),
    Bytes(String, Vec<u8>),
    /// A file that was uploaded before: for those that are too large to pass a function.
    Uploaded(String),
}

impl New {
    /// One of `file`, `inlineContent` and `path`.
    fn of(form: Form) -> Result<Self, Error> {
        let text = form.text("inlineContent").map(str::to_owned);
        let uploaded = form
            .text("path")
            .map(|path| file::last_segment(path).to_owned());
        match (form.file, text, uploaded) {
            (Some(bytes), None, None) if bytes.is_empty() => Err(Error::invalid("file is empty")),
            (Some(bytes), None, None) => Ok(Self::Bytes(form.file_name, bytes)),
            (None, Some(text), None) => Ok(Self::Text(text)),
            (None, None, Some(name)) => Ok(Self::Uploaded(name)),
            _ => Err(Error::invalid(
                "Send either file or inlineContent, or path for a file that was uploaded before",
            )),
        }
    }
}

/// A document with the keys of `StaticContent`, which the page promises for its file.
#[derive(Serialize)]
struct WrittenView<'a> {
    #[serde(flatten)]
    document: DocumentView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

/// 001a 8
pub async fn write(mut call: Call<'_>) -> Result<Reply, Error> {
    let place = Place::of(&mut call).await?;
    let found =
        document::find(&mut call.reader, place.tenant_id, place.app, place.document).await?;
    let guard = guard(&call);
    guard.judge(&found)?;
    let new = New::of(multipart::read(call.incoming).await?)?;
    // Before the bytes are sent anywhere.
    match (&new, &found.value.source) {
        (New::Text(_), Source::Inline { .. })
        | (New::Bytes(..) | New::Uploaded(_), Source::File { .. }) => {}
        (New::Text(_), _) => {
            return Err(Error::invalid(
                "inlineContent is for documents of the sourceType INLINE",
            ));
        }
        (New::Bytes(..) | New::Uploaded(_), _) => {
            return Err(Error::invalid(
                "file is for documents of the sourceType FILE",
            ));
        }
    }
    let name = match new {
        New::Text(text) => {
            let written = document::write_text(
                &mut call.reader,
                place.tenant_id,
                place.app,
                place.document,
                guard,
                &text,
            )
            .await?;
            return answer(&place, &written);
        }
        New::Uploaded(name) => name,
        New::Bytes(file_name, bytes) => {
            let (who, announced) = (
                call.who()?,
                Announced::whole(Target::Static, file_name, &bytes),
            );
            let upload =
                multipart::deliver(call.context, &mut call.reader, who, announced, bytes).await?;
            call.reader.forget();
            upload
                .file
                .ok_or_else(|| Error::internal("an upload that became nothing"))?
        }
    };
    let written = document::write_file(
        &mut call.reader,
        place.tenant_id,
        place.app,
        place.document,
        guard,
        &name,
    )
    .await?;
    answer(&place, &written)
}

fn answer(place: &Place, written: &Stored<Document>) -> Result<Reply, Error> {
    let id = written.value.file();
    let path = id.map(static_path);
    let view = WrittenView {
        document: DocumentView::of(&written.value),
        id,
        path,
    };
    let reply = Reply::of(&view)?.validators(document::validators(written));
    Ok(reply.header("location", place.path_of(CONTENT, &written.value)))
}

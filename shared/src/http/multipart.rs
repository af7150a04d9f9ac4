//! Small uploads that pass through a function as `multipart/form-data`. The parsing is `multer`'s.

use std::convert::Infallible;
use std::time::Duration;

use crate::base::code::Code;
use crate::base::error::{Error, Kind};
use crate::base::id::Guid;
use crate::domain::apps::upload;
use crate::domain::apps::upload::Announced;
use crate::http::incoming::Incoming;
use crate::model::apps::upload::{Upload, UploadState};
use crate::model::people::principal::Principal;
use crate::services::context::Context;
use crate::store::keys;
use crate::store::record::Reader;

/// The parts of a form: one file and texts.
#[derive(Debug, Default)]
pub struct Form {
    /// The file's bytes.
    pub file: Option<Vec<u8>>,
    /// The file's name.
    pub file_name: String,
    files: Vec<(String, Vec<u8>)>,
    texts: Vec<(String, String)>,
}

impl Form {
    /// Takes the file of that name out of a form that was read by [`read_files`].
    pub fn take_file(&mut self, name: &str) -> Option<Vec<u8>> {
        let at = self.files.iter().position(|(have, _)| have == name)?;
        Some(self.files.swap_remove(at).1)
    }

    /// The text of that name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, text)| text.as_str())
    }
}

/// Most bytes of a text part.
const MAX_TEXT: u64 = 10_000;

/// Most parts.
const MAX_PARTS: usize = 20;

/// Reads a form. The first part with a file name, or named `file`, is the file.
///
/// # Errors
/// Unsupported type for another content type; invalid `invalid_multipart` for a broken form, and
/// for a text that is neither UTF-8 nor names its charset.
pub async fn read(incoming: &Incoming) -> Result<Form, Error> {
    read_parts(incoming, |name, file_name| {
        file_name.is_some() || name == "file"
    })
    .await
}

/// Reads a form whose file is the part of that name, and nothing else: parts of other names are
/// texts, whatever they say of themselves. A text is in the charset that its part names, UTF-8
/// without one.
///
/// # Errors
/// As [`read`].
pub async fn read_named(incoming: &Incoming, file: &str) -> Result<Form, Error> {
    read_parts(incoming, |name, _| name == file).await
}

/// Reads a form with files of these names, which [`Form::take_file`] gives; all other parts are
/// texts.
///
/// # Errors
/// As [`read`].
pub async fn read_files(incoming: &Incoming, files: &[&str]) -> Result<Form, Error> {
    read_kinds(incoming, |name, _| {
        if files.contains(&name) {
            PartKind::NamedFile
        } else {
            PartKind::Text
        }
    })
    .await
}

/// What a part of a form is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PartKind {
    /// The form's one file.
    File,
    /// One of several files.
    NamedFile,
    Text,
}

async fn read_parts(
    incoming: &Incoming,
    is_file: impl Fn(&str, Option<&str>) -> bool + Send + Sync,
) -> Result<Form, Error> {
    read_kinds(incoming, |name, file_name| {
        if is_file(name, file_name) {
            PartKind::File
        } else {
            PartKind::Text
        }
    })
    .await
}

async fn read_kinds(
    incoming: &Incoming,
    kind: impl Fn(&str, Option<&str>) -> PartKind + Send + Sync,
) -> Result<Form, Error> {
    let boundary = multer::parse_boundary(&incoming.content_type).map_err(|_| {
        Error::new(
            Kind::UnsupportedType,
            "The file must be sent as multipart/form-data",
        )
    })?;
    let body = incoming.body.clone();
    let limits = multer::SizeLimit::new()
        .for_field("type", MAX_TEXT)
        .for_field("guid", MAX_TEXT);
    let constraints = multer::Constraints::new().size_limit(limits);
    let stream = futures_util::stream::once(async move { Ok::<_, Infallible>(body) });
    let mut parts = multer::Multipart::with_constraints(stream, boundary, constraints);
    let broken = |error: multer::Error| Error {
        cause: Some(error.to_string()),
        ..Error::invalid(Code::InvalidMultipart)
    };
    let mut form = Form::default();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        count += 1;
        if count > MAX_PARTS {
            return Err(Error::invalid(
                Code::InvalidMultipart.beside(format!("The form has more than {MAX_PARTS} parts")),
            ));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let kind = kind(&name, file_name.as_deref());
        if kind == PartKind::NamedFile {
            form.files
                .push((name, part.bytes().await.map_err(broken)?.to_vec()));
        } else if kind == PartKind::File && form.file.is_none() {
            form.file = Some(part.bytes().await.map_err(broken)?.to_vec());
            // A path in the name is the uploader's own; its last segment is what people know the
            // file by.
            form.file_name = file_name
                .unwrap_or_default()
                .rsplit(['/', '\\'])
                .next()
                .unwrap_or_default()
                .chars()
                .filter(|c| !c.is_control())
                .take(255)
                .collect();
        } else {
            let named_charset = part
                .content_type()
                .is_some_and(|of| of.get_param("charset").is_some());
            let text = if named_charset {
                part.text().await.map_err(broken)?
            } else {
                // What is no UTF-8 and names nothing else would be kept as something that nobody
                // sent.
                match String::from_utf8(part.bytes().await.map_err(broken)?.to_vec()) {
                    Ok(text) => text,
                    // A file that nobody asks for.
                    Err(_) if file_name.is_some() => continue,
                    Err(_) => {
                        return Err(Error::invalid(format!(
                            "{name} is not UTF-8: its part of the form must name its charset"
                        )));
                    }
                }
            };
            form.texts.push((name, text));
        }
    }
    Ok(form)
}

/// How an upload through a function ended: as a direct one does, since it takes the same way. The
/// bytes go to `incoming/`, the reader judges them in its own process, and this waits for the
/// verdict.
///
/// # Errors
/// What the upload was refused with: too large, or invalid with the stable code and the sentence;
/// unavailable where the verdict takes longer than the gateway waits (it will still come; the
/// message names the upload); the store's.
pub async fn deliver(
    context: &Context,
    reader: &mut Reader<'_>,
    who: &Principal,
    announced: Announced,
    bytes: Vec<u8>,
) -> Result<Upload, Error> {
    if bytes.is_empty() {
        return Err(Error::invalid(
            Code::NotAnArchive.with("The file is empty."),
        ));
    }
    let objects = context.objects()?;
    let upload = upload::announce(reader, who, announced, None, Guid::random()).await?;
    let guid = upload.guid.clone();
    objects
        .put_new(
            &keys::incoming_object(who.tenant_id, &guid),
            "application/octet-stream",
            bytes,
        )
        .await?;
    let mut wait = Duration::from_millis(40);
    let mut waited = Duration::ZERO;
    loop {
        tokio::time::sleep(wait).await;
        waited += wait;
        wait = (wait * 3 / 2).min(Duration::from_millis(500));
        reader.forget();
        let found = upload::find(reader, who.tenant_id, &guid).await?.value;
        match found.state {
            UploadState::Attached => return Ok(found),
            UploadState::Refused | UploadState::Expired => {
                let kind = match found.refusal.as_ref().map(|refusal| refusal.code) {
                    Some(Code::TooLarge) => Kind::TooLarge,
                    _ => Kind::Invalid,
                };
                return Err(Error::new(kind, found.why_refused()));
            }
            UploadState::Waiting | UploadState::Reading
                if waited.as_secs() >= context.settings.upload_wait_seconds =>
            {
                return Err(Error::new(
                    Kind::Unavailable,
                    format!("The file is still being read: ask uploadstatus for the upload {guid}"),
                ));
            }
            UploadState::Waiting | UploadState::Reading => {}
        }
    }
}

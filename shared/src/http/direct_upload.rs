//! Uploads straight to the storage: one contract for every dialect. The dialects differ in where a
//! request names its upload and in the names of an answer's fields; what is done stands here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::Guid;
use crate::domain::apps::upload;
use crate::domain::apps::upload::{Announced, Requests};
use crate::http::incoming::Incoming;
use crate::http::pipeline::Call;
use crate::http::reply::Reply;
use crate::model::apps::upload::{EXPIRED, MAX_PARTS, Upload, UploadState};

/// What the uploader gets: one request, or one per part.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PreparedView {
    upload_id: Guid,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<PartView>>,
    expires: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartView {
    part_number: usize,
    url: String,
}

impl PreparedView {
    /// The view of a prepared upload.
    fn of(upload: &Upload, requests: Requests) -> Self {
        let mut view = Self {
            upload_id: upload.guid.clone(),
            method: None,
            url: None,
            headers: None,
            parts: None,
            expires: upload.valid_until().rfc3339(),
        };
        match requests {
            Requests::Whole(request) => {
                view.method = Some("PUT");
                view.url = Some(request.url);
                view.headers = Some(request.headers.into_iter().collect());
            }
            Requests::Parts(parts) => {
                view.parts = Some(
                    parts
                        .into_iter()
                        .enumerate()
                        .map(|(index, request)| PartView {
                            part_number: index + 1,
                            url: request.url,
                        })
                        .collect(),
                );
            }
        }
        view
    }
}

/// The parts that were sent, with the tags that the storage gave for them.
#[derive(Debug, Deserialize)]
struct PartsBody {
    parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    part_number: u32,
    etag: String,
}

impl PartsBody {
    /// Number and tag of each part, in the order of the numbers.
    ///
    /// # Errors
    /// Invalid `invalid_parts` for none, or more than [`MAX_PARTS`].
    fn sorted(self) -> Result<Vec<(u32, String)>, Error> {
        let mut parts: Vec<(u32, String)> = self
            .parts
            .into_iter()
            .map(|part| (part.part_number, part.etag))
            .collect();
        parts.sort();
        if parts.is_empty() || parts.len() > MAX_PARTS as usize {
            Err(Error::invalid(Code::InvalidParts))
        } else {
            Ok(parts)
        }
    }
}

/// Where an upload stands and why, for the answers of every dialect.
#[derive(Debug, Serialize)]
pub struct Standing<'a> {
    state: UploadState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> Standing<'a> {
    /// Where `upload` stands at `now`.
    pub fn of(upload: &'a Upload, now: Timestamp) -> Self {
        let state = upload.state_at(now);
        let expired = (state == UploadState::Expired).then_some(EXPIRED);
        Self {
            state,
            reason: upload.reason.as_deref().or(expired),
        }
    }
}

/// A number of parts as a request announces it; what is too large for a count is the largest one,
/// which preparing refuses.
pub fn count(parts: Option<u64>) -> Option<u32> {
    parts.map(|parts| u32::try_from(parts).unwrap_or(u32::MAX))
}

/// The upload that the path names by the parameter `name`.
///
/// # Errors
/// Invalid for what is no id.
pub fn upload_id(incoming: &Incoming, name: &str) -> Result<Guid, Error> {
    incoming
        .param(name)
        .parse()
        .map_err(|_| Error::invalid(format!("{name} is not the id of an upload")))
}

/// Prepares an upload, and answers with the requests that the uploader is to send.
///
/// # Errors
/// Those of [`upload::prepare`].
pub async fn prepare(call: &mut Call<'_>, announced: Announced) -> Result<Reply, Error> {
    let (who, objects) = (call.who()?, call.context.objects()?);
    let (upload, requests) = upload::prepare(&mut call.reader, objects, who, announced).await?;
    Reply::of(&PreparedView::of(&upload, requests))
}

/// Puts the parts of an upload together, which the body names; doing it again is fine.
///
/// # Errors
/// Invalid for a body without parts, and those of [`upload::complete`].
pub async fn complete(call: &mut Call<'_>, named: &Guid) -> Result<Upload, Error> {
    let (body, who): (PartsBody, _) = (call.body()?, call.who()?);
    let (parts, objects) = (body.sorted()?, call.context.objects()?);
    upload::complete(&mut call.reader, objects, who, named, &parts).await
}

/// Gives an upload up.
///
/// # Errors
/// Those of [`upload::abort`].
pub async fn abort(call: &mut Call<'_>, named: &Guid) -> Result<(), Error> {
    let (who, objects) = (call.who()?, call.context.objects()?);
    upload::abort(&mut call.reader, objects, who, named).await
}

/// The upload, to tell where it stands.
///
/// # Errors
/// Not found; the store's.
pub async fn status(call: &mut Call<'_>, named: &Guid) -> Result<Upload, Error> {
    let tenant_id = call.who()?.tenant_id;
    let found = upload::find(&mut call.reader, tenant_id, named).await?;
    Ok(found.value)
}

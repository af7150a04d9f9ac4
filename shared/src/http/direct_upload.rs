//! Uploads straight to the storage: one contract for every dialect.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::Guid;
use crate::domain::apps::upload::Requests;
use crate::model::apps::upload::{PARTS_LIMIT, Upload};

/// What the uploader gets: one request, or one per part.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreparedView {
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
    pub fn of(upload: &Upload, requests: Requests) -> Self {
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
pub struct PartsBody {
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
    /// Invalid `invalid_parts` for none, or more than [`PARTS_LIMIT`].
    pub fn sorted(self) -> Result<Vec<(u32, String)>, Error> {
        let mut parts: Vec<(u32, String)> = self
            .parts
            .into_iter()
            .map(|part| (part.part_number, part.etag))
            .collect();
        parts.sort();
        if parts.is_empty() || parts.len() > PARTS_LIMIT as usize {
            Err(Error::invalid(Code::InvalidParts))
        } else {
            Ok(parts)
        }
    }
}

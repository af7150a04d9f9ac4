//! Documents as answers show them.

use serde::Serialize;
use shared::base::text::{Description, Label};
use shared::model::apps::document::{Document, Source, Topic};

/// A document (001 "Document").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentView<'a> {
    document_id: String,
    name: &'a str,
    #[serde(rename = "type")]
    topic: Topic,
    summary: Option<&'a str>,
    source_type: &'static str,
    source_url: Option<&'a str>,
    file_name: Option<&'a str>,
    other_type_name: Option<&'a str>,
}

impl<'a> DocumentView<'a> {
    /// The view of a document.
    pub fn of(document: &'a Document) -> Self {
        let (source_url, file_name) = match &document.source {
            Source::Inline { .. } => (None, None),
            Source::Url { address } => (Some(address.as_str()), None),
            Source::File { file } => (None, file.as_ref().map(|file| file.file_name.as_str())),
        };
        Self {
            document_id: document.id.uuid(),
            name: document.name.as_str(),
            topic: document.topic,
            summary: document.summary.as_ref().map(Description::as_str),
            source_type: document.source.word(),
            source_url,
            file_name,
            other_type_name: document.other_topic.as_ref().map(Label::as_str),
        }
    }
}

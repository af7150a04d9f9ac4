//! Documents of an app (001).

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::AppId;
use crate::base::text::{Description, Label, Name};
use crate::store::record::Record;

/// Most characters of an address.
const MAX_ADDRESS: usize = 2_000;

/// What a document is about (001 "Document", `type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the documents' own names")]
pub enum Topic {
    Howto,
    Samples,
    PublicForum,
    SupportForum,
    ApiMessageFormat,
    SwaggerDoc,
    Other,
}

impl Topic {
    /// The words of the documents, in their order.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("HOWTO", Self::Howto),
        ("SAMPLES", Self::Samples),
        ("PUBLIC_FORUM", Self::PublicForum),
        ("SUPPORT_FORUM", Self::SupportForum),
        ("API_MESSAGE_FORMAT", Self::ApiMessageFormat),
        ("SWAGGER_DOC", Self::SwaggerDoc),
        ("OTHER", Self::Other),
    ];

    /// The topic of that word.
    ///
    /// # Errors
    /// Invalid for any other text.
    pub fn parse(word: &str) -> Result<Self, Error> {
        let found = Self::WORDS
            .into_iter()
            .find(|(have, _)| *have == word)
            .map(|(_, topic)| topic);
        found.ok_or_else(|| {
            Error::invalid(format!(
                "type is one of {}",
                Self::WORDS.map(|(word, _)| word).join(", ")
            ))
        })
    }
}

/// Where a document's content is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A text in the table; nothing was written yet where it is `false`.
    Inline {
        /// Whether there is a text.
        written: bool,
    },
    /// Somewhere else.
    Url {
        /// The address, http or https.
        address: String,
    },
    /// An uploaded file; nothing was uploaded yet where there is none.
    File {
        /// The file.
        file: Option<FileRef>,
    },
}

/// The file that is a document's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// Its name among the tenant's files.
    pub name: String,
    /// The name on the uploader's disk.
    pub file_name: String,
}

impl Source {
    /// The documents' word for it (`sourceType`).
    pub fn word(&self) -> &'static str {
        match self {
            Self::Inline { .. } => "INLINE",
            Self::Url { .. } => "URL",
            Self::File { .. } => "FILE",
        }
    }

    /// A source of that kind without content; `address` is the one of a document elsewhere.
    ///
    /// # Errors
    /// Invalid for an unknown word, an address that is not an absolute one of http or https, none
    /// where it is needed, and one where it is not.
    pub fn new(word: &str, address: Option<String>) -> Result<Self, Error> {
        let address = address.filter(|address| !address.trim().is_empty());
        let none = || {
            if address.is_some() {
                Err(Error::invalid(
                    "sourceUrl is for documents of the sourceType URL",
                ))
            } else {
                Ok(())
            }
        };
        match word {
            "INLINE" => none().map(|()| Self::Inline { written: false }),
            "FILE" => none().map(|()| Self::File { file: None }),
            "URL" => Ok(Self::Url {
                address: checked_address(address.as_deref().unwrap_or_default())?,
            }),
            _ => Err(Error::invalid("sourceType is one of INLINE, URL, FILE")),
        }
    }
}

fn checked_address(text: &str) -> Result<String, Error> {
    let wrong = || Error::invalid("sourceUrl must be an absolute address of http or https");
    let text = text.trim();
    let parsed: http::Uri = if text.len() <= MAX_ADDRESS {
        text.parse().map_err(|_| wrong())?
    } else {
        return Err(wrong());
    };
    let scheme = parsed.scheme_str().unwrap_or_default();
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if web && parsed.host().is_some_and(|host| !host.is_empty()) {
        Ok(text.to_owned())
    } else {
        Err(wrong())
    }
}

/// A document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Document {
    /// Its id, spelled as apps' are.
    pub id: AppId,
    /// Its name, the only one of its kind in the app.
    pub name: Name,
    /// What it is about.
    pub topic: Topic,
    /// What it is about in other words.
    pub other_topic: Option<Label>,
    /// What is in it.
    pub summary: Option<Description>,
    /// Where its content is.
    pub source: Source,
    /// Since when.
    pub created: Timestamp,
    /// When it or its content changed last.
    pub modified: Timestamp,
}

impl Record for Document {
    const KIND: &'static str = "document";
}

impl Document {
    /// The name of the uploaded file that it uses.
    pub fn file(&self) -> Option<&str> {
        match &self.source {
            Source::File { file } => file.as_ref().map(|file| file.name.as_str()),
            Source::Inline { .. } | Source::Url { .. } => None,
        }
    }
}

/// The text of a document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DocumentText {
    /// As base64: a text of control characters would be six times as long as JSON.
    pub(crate) text: String,
}

impl Record for DocumentText {
    const KIND: &'static str = "document-text";
}

/// Whose a document's name is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DocumentName {
    /// The document.
    pub document: AppId,
}

impl Record for DocumentName {
    const KIND: &'static str = "document-name";
}

/// The record of how many documents an app has: the item's counter says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DocumentCount {}

impl Record for DocumentCount {
    const KIND: &'static str = "document-count";
}

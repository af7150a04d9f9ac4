//! Documents of web apps (001 6, 001a 7 to 12): a text that is kept here, a file that was uploaded,
//! or an address.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::conditions::{Conditions, Validators};
use crate::base::error::{Error, Kind};
use crate::base::id::{AppId, TenantId};
use crate::base::text::{Description, Label, Name};
use crate::change;
use crate::domain::apps::file;
use crate::model::apps::app::App;
use crate::model::apps::document::{
    Document, DocumentCount, DocumentName, DocumentText, FileRef, Source, Topic,
};
use crate::model::apps::file::{Content, StoredFile};
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Query, Write, keys, record};

/// Most documents of one app.
pub const MAX_DOCUMENTS: i64 = 100;

/// Most bytes of a text.
pub const MAX_TEXT: usize = 256 * 1024;

/// The state of a document for conditional requests; its content changes with it.
pub fn validators(found: &Stored<Document>) -> Validators {
    Validators::of_record(&found.value.id.uuid(), found.rev, found.value.modified)
}

/// What a document is made of, or what of it changes.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Its name.
    pub name: Name,
    /// What it is about.
    pub topic: Topic,
    /// What it is about in other words.
    pub other_topic: Option<Label>,
    /// What is in it.
    pub summary: Option<Description>,
    /// Where its content is.
    pub source: Source,
}

/// What of a document changes: what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct DocumentChanges {
    /// Its name, which cannot change.
    pub name: Option<String>,
    /// What it is about.
    pub topic: Option<Topic>,
    /// What it is about in other words.
    pub other_topic: Option<Label>,
    /// What is in it.
    pub summary: Option<Description>,
    /// The word for where its content is, which cannot change.
    pub source_type: Option<String>,
    /// The address of a document elsewhere.
    pub address: Option<String>,
}

/// The conditions of a change, and whether there must be one.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'a> {
    /// The request's `If-…` headers.
    pub conditions: &'a Conditions,
    /// Whether a change without a condition is refused (`RequireIfMatch`).
    pub required: bool,
}

impl Guard<'_> {
    /// Judges a change of a document as it was read.
    ///
    /// # Errors
    /// Forbidden without a condition where there must be one; precondition failed where one does
    /// not hold.
    pub fn judge(&self, found: &Stored<Document>) -> Result<(), Error> {
        self.conditions
            .judge_change(&validators(found), self.required)
    }
}

fn unknown() -> Error {
    Error::not_found("There is no such document")
}

/// The document of an app that a path names.
///
/// # Errors
/// Not found; the store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    document: Option<AppId>,
) -> Result<Stored<Document>, Error> {
    let document = document.ok_or_else(unknown)?;
    reader
        .get(&keys::document(tenant_id, app, document))
        .await?
        .ok_or_else(unknown)
}

/// What reading an app's documents asks, for a plan.
pub fn listing(tenant_id: TenantId, app: AppId) -> Query {
    Query {
        prefix: keys::DOCUMENT_PREFIX.to_owned(),
        ..Query::all(keys::app_parts(tenant_id, app))
    }
}

/// All documents of an app, oldest first: at most [`MAX_DOCUMENTS`].
///
/// # Errors
/// The store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
) -> Result<Vec<Document>, Error> {
    let items = reader.all(listing(tenant_id, app)).await?;
    items
        .into_iter()
        .map(|item| Ok(Stored::<Document>::parse(item)?.value))
        .collect()
}

/// The write that counts an app's documents.
fn count(tenant_id: TenantId, app: AppId, by: i64, condition: Condition) -> Write {
    Write::Count {
        key: keys::document_count(tenant_id, app),
        kind: DocumentCount::KIND,
        by,
        condition,
    }
}

/// Makes a document of an app that is there.
///
/// # Errors
/// Conflict for a name that another document of the app has; invalid beyond [`MAX_DOCUMENTS`];
/// not found for an app that was deleted meanwhile; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    new: NewDocument,
) -> Result<Stored<Document>, Error> {
    let now = reader.now();
    let NewDocument {
        name,
        topic,
        other_topic,
        summary,
        source,
    } = new;
    let document = Document {
        id: AppId::new(now),
        name,
        topic,
        other_topic,
        summary,
        source,
        created: now,
        modified: now,
    };
    let (key, claim) = (
        keys::document(tenant_id, app, document.id),
        keys::document_name(tenant_id, app, document.name.as_str()),
    );
    let (app_record, counter) = (
        keys::app(tenant_id, app),
        keys::document_count(tenant_id, app),
    );
    let taken = || Error::conflict("The app has a document of that name");
    let made: Result<(), Error> = change!(reader, {
        reader
            .fetch_missing(&[app_record.clone(), counter.clone(), claim.clone()])
            .await?;
        if reader.get::<App>(&app_record).await?.is_none() {
            return Err(Error::not_found("There is no such app"));
        }
        if reader.get::<DocumentName>(&claim).await?.is_some() {
            return Err(taken());
        }
        if reader
            .get::<DocumentCount>(&counter)
            .await?
            .is_some_and(|found| found.count >= MAX_DOCUMENTS)
        {
            return Err(Error::invalid(format!(
                "An app has at most {MAX_DOCUMENTS} documents"
            )));
        }
        let writes = vec![
            record::create(key.clone(), &document)?,
            record::create(
                claim.clone(),
                &DocumentName {
                    document: document.id,
                },
            )?,
            count(tenant_id, app, 1, Condition::Below(MAX_DOCUMENTS)),
            Write::Check(app_record.clone(), Condition::Present),
        ];
        Ok(((), writes))
    });
    // Two at once: one of them meets the other's claim.
    made.map_err(|error| {
        if error.kind == Kind::Conflict {
            taken()
        } else {
            error
        }
    })?;
    Ok(Stored {
        value: document,
        key,
        rev: 1,
        count: 0,
        owner: None,
    })
}

/// The document after a write of it as it was read.
fn after(found: &Stored<Document>) -> Stored<Document> {
    Stored {
        rev: found.rev + 1,
        ..found.clone()
    }
}

/// Changes what is said of a document.
///
/// # Errors
/// Not found; what the conditions say; invalid for another name or source type, and for a wrong
/// address; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    document: Option<AppId>,
    guard: Guard<'_>,
    changes: &DocumentChanges,
) -> Result<Stored<Document>, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = find(reader, tenant_id, app, document).await?;
        guard.judge(&found)?;
        let value = &mut found.value;
        if changes
            .name
            .as_ref()
            .is_some_and(|name| name != value.name.as_str())
        {
            return Err(Error::invalid("name cannot be changed"));
        }
        if changes
            .source_type
            .as_ref()
            .is_some_and(|word| word != value.source.word())
        {
            return Err(Error::invalid("sourceType cannot be changed"));
        }
        if let Some(address) = changes
            .address
            .clone()
            .filter(|address| !address.trim().is_empty())
        {
            let source = Source::new(value.source.word(), Some(address))?;
            value.source = source;
        }
        value.topic = changes.topic.unwrap_or(value.topic);
        value.other_topic = changes
            .other_topic
            .clone()
            .or_else(|| value.other_topic.clone());
        value.summary = changes.summary.clone().or_else(|| value.summary.clone());
        value.modified = now;
        let write = found.replace()?;
        Ok((after(&found), vec![write]))
    })
}

/// Deletes a document with its content; an uploaded file has one use less.
///
/// # Errors
/// Not found; what the conditions say; the store's.
pub async fn delete(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    document: Option<AppId>,
    guard: Guard<'_>,
) -> Result<(), Error> {
    let now = reader.now();
    change!(reader, {
        let found = find(reader, tenant_id, app, document).await?;
        guard.judge(&found)?;
        let used: Vec<String> = found.value.file().map(str::to_owned).into_iter().collect();
        let mut writes = vec![
            found.remove(),
            Write::Delete(
                keys::document_name(tenant_id, app, found.value.name.as_str()),
                Condition::Always,
            ),
            Write::Delete(
                keys::document_text(tenant_id, app, found.value.id),
                Condition::Always,
            ),
            count(tenant_id, app, -1, Condition::Always),
        ];
        writes.extend(file::uses(tenant_id, &used, &[], now)?);
        Ok(((), writes))
    })
}

/// Writes the text of a document.
///
/// # Errors
/// Not found; what the conditions say; invalid for a document of another source type; too large
/// beyond [`MAX_TEXT`]; the store's.
pub async fn write_text(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    document: Option<AppId>,
    guard: Guard<'_>,
    text: &str,
) -> Result<Stored<Document>, Error> {
    if text.len() > MAX_TEXT {
        return Err(Error::too_large(format!(
            "inlineContent has at most {MAX_TEXT} bytes"
        )));
    }
    let (now, kept) = (
        reader.now(),
        DocumentText {
            text: STANDARD.encode(text),
        },
    );
    change!(reader, {
        let mut found = find(reader, tenant_id, app, document).await?;
        guard.judge(&found)?;
        let Source::Inline { written } = &mut found.value.source else {
            return Err(Error::invalid(
                "inlineContent is for documents of the sourceType INLINE",
            ));
        };
        *written = true;
        found.value.modified = now;
        let writes = vec![
            found.replace()?,
            record::put(
                keys::document_text(tenant_id, app, found.value.id),
                &kept,
                Condition::Always,
            )?,
        ];
        Ok((after(&found), writes))
    })
}

/// The text of a document, `None` where nothing was written yet.
///
/// # Errors
/// The store's; internal for a text that is none.
pub async fn text(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    document: AppId,
) -> Result<Option<String>, Error> {
    let Some(found) = reader
        .get::<DocumentText>(&keys::document_text(tenant_id, app, document))
        .await?
    else {
        return Ok(None);
    };
    let bytes = STANDARD.decode(found.value.text).map_err(Error::internal)?;
    String::from_utf8(bytes).map(Some).map_err(Error::internal)
}

/// Makes an uploaded file the content of a document: the file has one use more, the one before it
/// one less.
///
/// # Errors
/// Not found; what the conditions say; invalid for a document of another source type, and for a
/// name that is no picture or document of this tenant; the store's.
pub async fn write_file(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    document: Option<AppId>,
    guard: Guard<'_>,
    name: &str,
) -> Result<Stored<Document>, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = find(reader, tenant_id, app, document).await?;
        guard.judge(&found)?;
        let stored = file::find(reader, tenant_id, name)
            .await?
            .map(|stored| stored.value);
        let fits = |stored: &StoredFile| matches!(stored.content, Content::Static { .. });
        let stored = stored.filter(fits).ok_or_else(|| {
            Error::invalid("path names no picture or document that was uploaded here")
        })?;
        let before: Vec<String> = found.value.file().map(str::to_owned).into_iter().collect();
        let Source::File { file } = &mut found.value.source else {
            return Err(Error::invalid(
                "file is for documents of the sourceType FILE",
            ));
        };
        *file = Some(FileRef {
            name: stored.name.clone(),
            file_name: stored.download_name(),
        });
        found.value.modified = now;
        let mut writes = vec![found.replace()?];
        writes.extend(file::uses(
            tenant_id,
            &before,
            std::slice::from_ref(&stored.name),
            now,
        )?);
        Ok((after(&found), writes))
    })
}

#[cfg(test)]
mod tests {
    use crate::model::apps::document;

    #[test]
    fn only_addresses_of_the_web_are_taken() {
        for address in [
            "https://wiki.example.com/phone",
            "http://localhost:8080/a?b=c#d",
            "HTTPS://x.example",
        ] {
            assert!(
                document::Source::new("URL", Some(address.to_owned())).is_ok(),
                "{address}"
            );
        }
        let long = format!("https://x.example/{}", "a".repeat(2_000));
        for address in [
            "",
            " ",
            "javascript:alert(1)",
            "/relative",
            "//x.example/",
            "ftp://x.example/",
            "https://",
            "https:///x",
            "https://x\r\ny",
            &long,
        ] {
            assert!(
                document::Source::new("URL", Some(address.to_owned())).is_err(),
                "{address}"
            );
        }
        assert!(document::Source::new("URL", None).is_err());
        assert!(document::Source::new("INLINE", Some("https://x.example".to_owned())).is_err());
        assert!(document::Source::new("FILE", Some(String::new())).is_ok());
        assert!(document::Source::new("inline", None).is_err());
    }

    #[test]
    fn topics_are_those_of_the_documents() {
        for (word, topic) in document::Topic::WORDS {
            assert_eq!(document::Topic::parse(word).unwrap(), topic);
            assert_eq!(serde_json::to_value(topic).unwrap(), word);
        }
        assert!(
            document::Topic::parse("NOVEL")
                .unwrap_err()
                .message
                .contains("type")
        );
    }
}

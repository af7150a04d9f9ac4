//! Uploads: prepared here, sent straight to the storage, judged by the reader, and attached or
//! refused.

use std::time::Duration;

use crate::base::clock::Timestamp;
use crate::base::code::{Code, Refusal};
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::base::kind::AppKind;
use crate::change;
use crate::domain::apps::app::NewVersion;
use crate::domain::apps::{app, file};
use crate::domain::events::event;
use crate::model::apps::analysis::PackageAnalysis;
use crate::model::apps::app::{App, Binary, Icon};
use crate::model::apps::file::{Content, FileUses, StoredFile};
use crate::model::apps::publication::Publication;
use crate::model::apps::upload::{
    CRASHED_AFTER_SECONDS, MAX_ICON, MAX_PARTS, MAX_SIZE, MAX_STATIC, PART_MINIMUM, READINGS,
    Target, Upload, UploadState, VALID_SECONDS, crashed,
};
use crate::model::events::event::Event;
use crate::model::people::principal::Principal;
use crate::model::task;
use crate::model::task::Task;
use crate::services::objects::{Objects, SignedRequest};
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Write, keys, record};

/// What is announced of an upload.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The app; nothing for the store's icon and for files on their own.
    pub app: Option<AppId>,
    /// What it is for.
    pub target: Target,
    /// Bytes.
    pub size: u64,
    /// The SHA-256 in hex.
    pub sha256: Option<String>,
    /// The file's name.
    pub file_name: String,
    /// In how many parts; `None` for one request.
    pub parts: Option<u32>,
    /// Whether a changed signer is allowed.
    pub allow_signer_change: bool,
}

impl Announced {
    /// A file of `bytes` that came whole, of no app, whose signer must be the former one.
    pub fn whole(target: Target, file_name: String, bytes: &[u8]) -> Self {
        Self {
            app: None,
            target,
            size: bytes.len() as u64,
            sha256: None,
            file_name,
            parts: None,
            allow_signer_change: false,
        }
    }
}

/// What the uploader sends.
#[derive(Clone, Debug)]
pub enum Requests {
    /// One request.
    Whole(SignedRequest),
    /// One request per part, the first of number 1.
    Parts(Vec<SignedRequest>),
}

fn check(announced: &Announced) -> Result<(), Error> {
    let most = match announced.target {
        Target::Binary(_) | Target::Package(_) => MAX_SIZE,
        Target::Static => MAX_STATIC,
        Target::Icon | Target::StoreIcon => MAX_ICON,
    };
    if announced.size == 0 {
        return Err(Error::invalid(Code::InvalidSize));
    }
    if announced.size > most {
        return Err(Error::too_large(
            Code::TooLarge.with(format!("at most {most} bytes")),
        ));
    }
    let hex = |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if announced.sha256.as_ref().is_some_and(|text| !hex(text)) {
        return Err(Error::invalid(Code::InvalidSha256));
    }
    if announced.file_name.chars().count() > 255
        || announced.file_name.chars().any(char::is_control)
    {
        return Err(Error::invalid(Code::InvalidFileName));
    }
    if let Some(parts) = announced.parts {
        let smallest = PART_MINIMUM * u64::from(parts.saturating_sub(1));
        if parts == 0 || parts > MAX_PARTS || (parts > 1 && announced.size <= smallest) {
            return Err(Error::invalid(Code::InvalidParts.with(format!(
                "1 to {MAX_PARTS} parts of at least {PART_MINIMUM} bytes"
            ))));
        }
    }
    Ok(())
}

/// Web apps are reached through a gateway: nobody installs them.
fn takes(app: &App, target: Target) -> Result<(), Error> {
    match target {
        Target::Binary(_) if app.kind != AppKind::Mobile => Err(Error::invalid(
            Code::InvalidType.with("the item is a web app, which has no binary"),
        )),
        _ => Ok(()),
    }
}

/// Announces an upload: its record, and the task that clears it if its bytes never come.
///
/// # Errors
/// Not found for an unknown app; invalid and too large for what is announced; the store's.
pub async fn announce(
    reader: &mut Reader<'_>,
    who: &Principal,
    announced: Announced,
    parts_id: Option<String>,
    guid: Guid,
) -> Result<Upload, Error> {
    check(&announced)?;
    let now = reader.now();
    let tenant_id = who.tenant_id;
    let upload = Upload {
        guid,
        app: announced.app,
        target: announced.target,
        size: announced.size,
        sha256: announced.sha256.map(|text| text.to_ascii_lowercase()),
        file_name: announced.file_name,
        parts_id,
        parts: announced.parts.unwrap_or(0),
        allow_signer_change: announced.allow_signer_change && who.administers(),
        by: who.owner.user.clone(),
        by_name: who.owner.username.clone(),
        app_name: String::new(),
        created: now,
        readings: 0,
        reading_since: None,
        state: UploadState::Waiting,
        reason: None,
        refusal: None,
        version: None,
        file: None,
    };
    let task = Task::Upload {
        tenant_id,
        upload: upload.guid.clone(),
    };
    let task = record::put(
        keys::task(upload.deadline(), &format!("{tenant_id}#{}", upload.guid)),
        &task,
        Condition::Always,
    )?;
    // Uploads to one item meet at its app record: the check of one and the attaching of another.
    change!(reader, {
        let mut upload = upload.clone();
        let mut writes = vec![task.clone()];
        if let Some(app) = upload.app {
            let app_record = app::read(reader, tenant_id, app).await?.value;
            takes(&app_record, upload.target)?;
            upload.app_name = app_record.name.to_string();
            writes.push(Write::Check(keys::app(tenant_id, app), Condition::Present));
        }
        writes.push(record::create(
            keys::upload(tenant_id, &upload.guid),
            &upload,
        )?);
        Ok((upload, writes))
    })
}

/// Prepares an upload straight to the storage.
///
/// # Errors
/// As [`announce`]; the bucket's.
pub async fn prepare(
    reader: &mut Reader<'_>,
    objects: &dyn Objects,
    who: &Principal,
    announced: Announced,
) -> Result<(Upload, Requests), Error> {
    check(&announced)?;
    if let Some(app) = announced.app {
        takes(
            &app::read(reader, who.tenant_id, app).await?.value,
            announced.target,
        )?;
    }
    let guid = Guid::random();
    let name = keys::incoming_object(who.tenant_id, &guid);
    let valid = Duration::from_secs(VALID_SECONDS.unsigned_abs());
    let Some(parts) = announced.parts else {
        let digest = announced.sha256.as_deref().map(base64_of_hex).transpose()?;
        let request = objects
            .sign_put(&name, valid, announced.size, digest.as_deref())
            .await?;
        let upload = announce(reader, who, announced, None, guid).await?;
        return Ok((upload, Requests::Whole(request)));
    };
    let parts_id = objects.begin_parts(&name).await?;
    let upload = announce(reader, who, announced, Some(parts_id.clone()), guid).await?;
    let mut requests = Vec::new();
    for part in 1..=parts {
        requests.push(objects.sign_part(&name, &parts_id, part, valid).await?);
    }
    Ok((upload, Requests::Parts(requests)))
}

fn base64_of_hex(text: &str) -> Result<String, Error> {
    use base64::Engine as _;
    let bytes = data_encoding::HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .map_err(|_| Error::invalid(Code::InvalidSha256))?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// An upload of the caller's tenant.
///
/// # Errors
/// Not found `invalid_uploadId`; the store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    upload: &Guid,
) -> Result<Stored<Upload>, Error> {
    reader
        .get(&keys::upload(tenant_id, upload))
        .await?
        .ok_or_else(|| Error::not_found(Code::InvalidUploadId))
}

/// Puts the parts of an upload together; doing it again is fine.
///
/// # Errors
/// Not found; invalid for wrong parts, conflict for an upload without parts or one that has ended;
/// the bucket's.
pub async fn complete(
    reader: &mut Reader<'_>,
    objects: &dyn Objects,
    who: &Principal,
    upload: &Guid,
    parts: &[(u32, String)],
) -> Result<Upload, Error> {
    let found = find(reader, who.tenant_id, upload).await?.value;
    let Some(parts_id) = &found.parts_id else {
        return Err(Error::conflict("This upload has no parts"));
    };
    match found.state_at(reader.now()) {
        UploadState::Reading | UploadState::Attached | UploadState::Refused => return Ok(found),
        UploadState::Expired => return Err(Error::conflict("This upload has expired")),
        UploadState::Waiting => {}
    }
    objects
        .complete_parts(
            &keys::incoming_object(who.tenant_id, upload),
            parts_id,
            parts,
        )
        .await?;
    Ok(found)
}

/// Gives an upload up.
///
/// # Errors
/// Not found; conflict for one that was attached; the store's and the bucket's.
pub async fn abort(
    reader: &mut Reader<'_>,
    objects: &dyn Objects,
    who: &Principal,
    upload: &Guid,
) -> Result<(), Error> {
    let name = keys::incoming_object(who.tenant_id, upload);
    let found = find(reader, who.tenant_id, upload).await?;
    if found.value.state == UploadState::Attached {
        return Err(Error::conflict("This upload is attached already"));
    }
    if let Some(parts_id) = &found.value.parts_id {
        objects.abort_parts(&name, parts_id).await?;
    }
    refuse(
        reader,
        who.tenant_id,
        upload,
        Refusal::new(Code::Aborted, "the upload was given up"),
    )
    .await?;
    objects.delete(&name).await
}

/// What is to be done with an upload whose bytes have arrived.
#[derive(Clone, Debug)]
pub enum Begin {
    /// It is to be read.
    Read(Box<Upload>),
    /// It ended before; its bytes may go.
    Ended(Box<Upload>),
    /// Nobody announced it; its bytes may go.
    Unknown,
}

/// Notes that the reading of an upload begins. After [`READINGS`] that ended without a verdict it
/// is refused.
///
/// # Errors
/// The store's.
pub async fn begin_reading(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    upload: &Guid,
) -> Result<Begin, Error> {
    let now = reader.now();
    change!(reader, {
        let found: Option<Stored<Upload>> = reader.get(&keys::upload(tenant_id, upload)).await?;
        let Some(mut found) = found else {
            return Ok((Begin::Unknown, Vec::new()));
        };
        let record = &mut found.value;
        if !matches!(record.state, UploadState::Waiting | UploadState::Reading) {
            return Ok((Begin::Ended(Box::new(found.value)), Vec::new()));
        }
        if record.readings >= READINGS
            && record
                .reading_since
                .is_some_and(|since| since.plus_seconds(CRASHED_AFTER_SECONDS) <= now)
        {
            let writes = refused(tenant_id, &mut found, crashed(), now)?;
            return Ok((Begin::Ended(Box::new(found.value)), writes));
        }
        record.state = UploadState::Reading;
        record.readings += 1;
        record.reading_since = Some(now);
        let write = found.replace()?;
        Ok((Begin::Read(Box::new(found.value)), vec![write]))
    })
}

/// Ends an upload with a reason; one that has ended stays as it is.
///
/// # Errors
/// The store's.
pub async fn refuse(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    upload: &Guid,
    refusal: Refusal,
) -> Result<(), Error> {
    let now = reader.now();
    change!(reader, {
        let found: Option<Stored<Upload>> = reader.get(&keys::upload(tenant_id, upload)).await?;
        let Some(mut found) = found else {
            return Ok(((), Vec::new()));
        };
        if !matches!(
            found.value.state,
            UploadState::Waiting | UploadState::Reading
        ) {
            return Ok(((), Vec::new()));
        }
        Ok(((), refused(tenant_id, &mut found, refusal.clone(), now)?))
    })
}

/// The event of an upload for an app's binary of that type (nothing where that is not known) that
/// was refused.
fn refusal(
    app: AppId,
    app_name: &str,
    kind: Option<BinaryType>,
    file_name: &str,
    by: &str,
    why: &Refusal,
    now: Timestamp,
) -> Event {
    let of = kind.map_or_else(String::new, |kind| format!(" for {kind}"));
    let event = Event::named(
        app,
        app_name,
        "UPLOAD_REFUSED",
        by,
        format!("An upload{of} was refused: {why}"),
        now,
    );
    event
        .with("type", kind.map(|kind| kind.to_string()))
        .with("code", why.code.as_str())
        .with("fileName", file_name)
}

/// Tells that a package was refused that was to become an app's newest version, where that comes to
/// light outside of an upload to the app itself. Errors that are no refusal of a package are not
/// told.
///
/// # Errors
/// The store's.
pub async fn record_refusal(
    reader: &Reader<'_>,
    who: &Principal,
    app: &App,
    kind: Option<BinaryType>,
    file_name: &str,
    error: &Error,
) -> Result<(), Error> {
    let Some(code) = error.code.filter(|code| code.refuses_package()) else {
        return Ok(());
    };
    let event = refusal(
        app.id,
        app.name.as_str(),
        kind,
        file_name,
        &who.owner.username,
        &Refusal::new(code, error.sentence()),
        reader.now(),
    );
    Ok(reader
        .table()
        .write(event::record_writes(who.tenant_id, vec![event])?)
        .await?)
}

/// The writes of an upload that ends with a reason: itself, first, and the event that tells of it
/// where it was one of an app's binary.
fn refused(
    tenant_id: TenantId,
    found: &mut Stored<Upload>,
    why: Refusal,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let upload = &mut found.value;
    let mut events = Vec::new();
    if let (Some(app), Target::Binary(kind)) = (upload.app, upload.target) {
        events.push(refusal(
            app,
            &upload.app_name,
            Some(kind),
            &upload.file_name,
            &upload.by_name,
            &why,
            now,
        ));
    }
    upload.state = UploadState::Refused;
    upload.reason = Some(why.to_string());
    upload.refusal = Some(why);
    let mut writes = vec![found.replace()?];
    writes.extend(event::record_writes(tenant_id, events)?);
    Ok(writes)
}

/// How attaching ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is that version now; 0 for what has no versions.
    Attached(u32),
    /// It was refused with that reason.
    Refused(Refusal),
    /// It had ended before.
    Ended,
}

/// Makes a judged binary the newest version of its app, and the live one. A fifth old version goes:
/// its record now, its object once nothing else points at it. The same upload attaches once,
/// however often its event comes.
///
/// # Errors
/// Conflict when other uploads to the same item keep winning; the store's.
pub async fn attach(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    upload: &Upload,
    kind: BinaryType,
    judged: &PackageAnalysis,
) -> Result<Verdict, Error> {
    let now = reader.now();
    let guid = Guid::random();
    change!(reader, {
        let Some(app) = upload.app else {
            return Err(Error::internal("an upload of a binary without an app"));
        };
        let (app_key, binary_key, icon_key) = (
            keys::app(tenant_id, app),
            keys::binary(tenant_id, app, kind),
            keys::icon(tenant_id, app),
        );
        let upload_key = keys::upload(tenant_id, &upload.guid);
        reader
            .fetch_missing(&[
                app_key.clone(),
                binary_key.clone(),
                icon_key.clone(),
                upload_key.clone(),
            ])
            .await?;
        let Some(mut record) = reader.get::<Upload>(&upload_key).await? else {
            return Ok((Verdict::Ended, Vec::new()));
        };
        if !matches!(
            record.value.state,
            UploadState::Waiting | UploadState::Reading
        ) {
            return Ok((Verdict::Ended, Vec::new()));
        }
        let refusal = |mut record: Stored<Upload>, reason: Refusal| {
            Ok((
                Verdict::Refused(reason.clone()),
                refused(tenant_id, &mut record, reason, now)?,
            ))
        };
        let Some(mut app_record) = reader.get::<App>(&app_key).await? else {
            return refusal(
                record,
                Refusal::new(Code::WrongIdentifier, "the item was deleted meanwhile"),
            );
        };
        let before = app_record.value.clone();
        let former = reader.get::<Binary>(&binary_key).await?;
        let icon = reader.get::<Icon>(&icon_key).await?;
        let new = NewVersion {
            guid: guid.clone(),
            upload: upload.guid.clone(),
            kind,
            by: upload.by.clone(),
            file_name: upload.file_name.clone(),
            file: None,
            allow_signer_change: record.value.allow_signer_change,
        };
        let (number, versions) = match app::attach(
            tenant_id,
            &mut app_record.value,
            former,
            icon,
            &new,
            judged,
            now,
        )? {
            Ok(attached) => attached,
            Err(reason) => return refusal(record, reason),
        };
        record.value.state = UploadState::Attached;
        record.value.version = Some(number);
        record.value.sha256 = Some(judged.sha256.clone());
        let mut writes =
            app::update_writes(tenant_id, &before, &mut app_record, &upload.by_name, now)?;
        writes.push(record.replace()?);
        writes.extend(versions);
        Ok((Verdict::Attached(number), writes))
    })
}

/// What a judged file is, beside what its upload says of it.
#[derive(Clone, Debug)]
pub struct AnalysedFile {
    /// What it is.
    pub content: Content,
    /// The extension of what it is, in lower case and without the dot.
    pub extension: &'static str,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// Makes a judged file one of the tenant's own, under a name that cannot be guessed. Nothing uses
/// it yet: its task removes it after [`file::UNUSED_SECONDS`] if nothing does by then. The same
/// upload becomes one file, however often its event comes.
///
/// # Errors
/// The store's.
pub async fn attach_file(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    upload: &Upload,
    judged: &AnalysedFile,
) -> Result<Verdict, Error> {
    let now = reader.now();
    let name = file::new_name(judged.extension);
    change!(reader, {
        let Some(mut record) = reader
            .get::<Upload>(&keys::upload(tenant_id, &upload.guid))
            .await?
        else {
            return Ok((Verdict::Ended, Vec::new()));
        };
        if !matches!(
            record.value.state,
            UploadState::Waiting | UploadState::Reading
        ) {
            return Ok((Verdict::Ended, Vec::new()));
        }
        let file = StoredFile {
            name: name.clone(),
            upload: upload.guid.clone(),
            content: judged.content.clone(),
            file_name: upload.file_name.clone(),
            size: upload.size,
            sha256: judged.sha256.clone(),
            by: upload.by.clone(),
            created: now,
            app: None,
        };
        record.value.state = UploadState::Attached;
        record.value.sha256 = Some(judged.sha256.clone());
        record.value.file = Some(name.clone());
        let writes = vec![
            record.replace()?,
            record::create(keys::file(tenant_id, &name), &file)?,
            record::create(keys::file_uses(tenant_id, &name), &FileUses {})?,
            task::count_object(tenant_id, &file.object(tenant_id), 1),
            task::task(
                now,
                &Task::File {
                    tenant_id,
                    name: name.clone(),
                },
            )?,
        ];
        Ok((Verdict::Attached(0), writes))
    })
}

/// Makes a judged picture the icon of its app or of the store.
///
/// # Errors
/// The store's.
pub async fn attach_icon(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    upload: &Upload,
    png: &str,
) -> Result<Verdict, Error> {
    let now = reader.now();
    change!(reader, {
        let Some(mut record) = reader
            .get::<Upload>(&keys::upload(tenant_id, &upload.guid))
            .await?
        else {
            return Ok((Verdict::Ended, Vec::new()));
        };
        if !matches!(
            record.value.state,
            UploadState::Waiting | UploadState::Reading
        ) {
            return Ok((Verdict::Ended, Vec::new()));
        }
        let icon = Icon {
            png: png.to_owned(),
            from_package: false,
        };
        let mut writes = Vec::new();
        let key = match upload.app {
            None => keys::store_icon(tenant_id),
            Some(app) => {
                let Some(mut app_record) = reader.get::<App>(&keys::app(tenant_id, app)).await?
                else {
                    let reason =
                        Refusal::new(Code::WrongIdentifier, "the item was deleted meanwhile");
                    return Ok((
                        Verdict::Refused(reason.clone()),
                        refused(tenant_id, &mut record, reason, now)?,
                    ));
                };
                let before = app_record.value.clone();
                // Every dialect shows the new icon: a publisher's picture makes way.
                let publication: Option<Stored<Publication>> =
                    reader.get(&keys::publication(tenant_id, app)).await?;
                if let Some(mut found) = publication.filter(|found| found.value.thumbnail.is_some())
                {
                    let pictures = found.value.pictures();
                    found.value.thumbnail = None;
                    writes.extend(file::uses(
                        tenant_id,
                        &pictures,
                        &found.value.pictures(),
                        now,
                    )?);
                    writes.push(found.replace()?);
                }
                writes.extend(app::update_writes(
                    tenant_id,
                    &before,
                    &mut app_record,
                    &upload.by_name,
                    now,
                )?);
                writes.extend(event::record_writes(
                    tenant_id,
                    event::changed(&app_record.value, &upload.by_name, &["icon"], now)
                        .into_iter()
                        .collect(),
                )?);
                keys::icon(tenant_id, app)
            }
        };
        writes.push(record::put(key, &icon, Condition::Always)?);
        record.value.state = UploadState::Attached;
        writes.push(record.replace()?);
        Ok((Verdict::Attached(0), writes))
    })
}

//! Work that is done later: objects that nothing points at any more, uploads that were never
//! finished.
//!
//! A chore is written in the transaction that makes it necessary and removed in the one that does
//! it, so that neither a crash nor a second run loses or repeats one.

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, Handle};
use crate::domain::app_policies::job;
use crate::domain::apps::file;
use crate::domain::events::{alert, expiry};
use crate::model::apps::document::Document;
use crate::model::apps::file::{FileUses, StoredFile};
use crate::model::apps::upload::{EXPIRED, State, Upload};
use crate::model::task;
use crate::model::task::Chore;
use crate::services::objects::Objects;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Item, Query, StoreError, Table, Write, keys};

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Objects removed from the bucket.
    pub objects: usize,
    /// Uploads ended.
    pub uploads: usize,
    /// Uploaded files removed that nothing used.
    pub files: usize,
    /// Deleted apps, and objects that nothing took over, whose references were taken back.
    pub releases: usize,
    /// Jobs ended that nobody did.
    pub jobs: usize,
    /// Deleted apps of which nothing is left.
    pub apps: usize,
    /// Alerts of deleted apps that were removed.
    pub alerts: usize,
    /// Warnings that something of a version expires.
    pub warnings: usize,
}

/// Does everything that is due. Any number of runs at once do it once.
///
/// # Errors
/// The first store's or bucket's error, after all other chores were tried.
pub async fn run(table: &dyn Table, objects: &dyn Objects, now: Timestamp) -> Result<Done, Error> {
    let mut done = Done::default();
    let mut failure = None;
    for shard in 0..keys::SHARDS {
        let mut query = Query::all(keys::chores(shard));
        'pages: loop {
            let page = table.query(&query).await?;
            for item in page.items {
                if item.key.sk >= keys::chores_due(now.plus_seconds(1)) {
                    break 'pages;
                }
                if let Err(error) = one(table, objects, now, item, &mut done).await {
                    tracing::error!(cause = error.cause.as_deref().unwrap_or_default(), %error, "a chore failed");
                    failure = Some(error);
                }
            }
            if page.next.is_none() {
                break;
            }
            query.after = page.next;
        }
    }
    match failure {
        None => Ok(done),
        Some(error) => Err(error),
    }
}

async fn one(
    table: &dyn Table,
    objects: &dyn Objects,
    now: Timestamp,
    item: Item,
    done: &mut Done,
) -> Result<(), Error> {
    let found = Stored::<Chore>::parse(item)?;
    let remove = Write::Delete(found.key.clone(), Condition::Present);
    match &found.value {
        Chore::Object { handle, name } => {
            if remove_object(table, objects, *handle, name).await? {
                done.objects += 1;
            }
            finish(table, vec![remove]).await?;
        }
        Chore::Upload { handle, upload } => {
            if expire(table, objects, now, *handle, upload, remove).await? {
                done.uploads += 1;
            }
        }
        Chore::Abandoned { handle, files, .. } => {
            let mut writes = vec![remove];
            writes.extend(file::uses(*handle, files, &[], now)?);
            finish(table, writes).await?;
        }
        Chore::File { handle, name } => {
            if remove_file(table, now, *handle, name, remove).await? {
                done.files += 1;
            }
        }
        Chore::Job { handle, job } => {
            // Where somebody may still be at it, the chore stays.
            if let Some(ended) = job::lost(&mut Reader::new(table, now), *handle, job).await? {
                done.jobs += usize::from(ended);
                finish(table, vec![remove]).await?;
            }
        }
        Chore::Expiry(watched) => {
            let (is_told, beside) = expiry::due(&mut Reader::new(table, now), watched).await?;
            let mut writes = vec![remove];
            writes.extend(beside);
            match table.write(writes).await {
                Ok(()) => done.warnings += usize::from(is_told),
                // Another run was first, or the app changed at this moment: the next run sees
                // which.
                Err(StoreError::Condition { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Chore::Parts { handle, app } => {
            remove_parts(table, now, *handle, *app).await?;
            if finish(table, vec![remove]).await? {
                done.apps += 1;
            }
        }
        Chore::Alerts { handle, app } => {
            done.alerts += alert::remove_of_deleted(table, *handle, *app).await?;
            finish(table, vec![remove]).await?;
        }
        Chore::Release {
            handle,
            objects: names,
            aliases,
        } => {
            let mut writes = vec![remove];
            let mut counted = std::collections::BTreeMap::<&String, i64>::new();
            for name in names {
                *counted.entry(name).or_default() -= 1;
            }
            for (name, by) in counted {
                writes.push(Write::Count {
                    key: keys::object(*handle, name),
                    kind: "object",
                    by,
                    condition: Condition::Always,
                });
                writes.push(task::chore(
                    now,
                    &Chore::Object {
                        handle: *handle,
                        name: name.clone(),
                    },
                )?);
            }
            writes.extend(
                aliases
                    .iter()
                    .map(|alias| Write::Delete(keys::version(*handle, alias), Condition::Always)),
            );
            if finish(table, writes).await? {
                done.releases += 1;
            }
        }
    }
    Ok(())
}

/// Removes everything in an app's partition, as often as it takes, and takes back the uses of files
/// with the records that name them; what a crash leaves the next run removes.
async fn remove_parts(
    table: &dyn Table,
    now: Timestamp,
    handle: Handle,
    app: AppId,
) -> Result<(), Error> {
    let mut interrupted = 0;
    loop {
        let page = table
            .query(&Query::all(keys::app_parts(handle, app)).limit(Some(PARTS_AT_ONCE)))
            .await?;
        if page.items.is_empty() {
            return Ok(());
        }
        let mut writes = Vec::new();
        let mut used = Vec::new();
        for item in page.items {
            // Whoever removes the record takes back its uses: of two runs at once only one does.
            writes.push(Write::Delete(item.key.clone(), Condition::Present));
            used.extend(files_of(item)?);
        }
        writes.extend(file::uses(handle, &used, &[], now)?);
        match table.write(writes).await {
            Ok(()) => {}
            Err(StoreError::Condition { .. } | StoreError::Contended(_))
                if interrupted < INTERRUPTIONS =>
            {
                interrupted += 1
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The names of the files that a record of an app uses, once per use.
fn files_of(item: Item) -> Result<Vec<String>, Error> {
    if item.kind == Document::KIND {
        return Ok(Stored::<Document>::parse(item)?
            .value
            .file()
            .map(str::to_owned)
            .into_iter()
            .collect());
    }
    Ok(Vec::new())
}

/// How many records one transaction removes: each may use a file, which makes two more writes.
const PARTS_AT_ONCE: u32 = 30;

/// How often another run may be faster.
const INTERRUPTIONS: u32 = 20;

/// Removes an uploaded file that nothing uses: its record, then its object through its count. A use
/// that comes at the same moment wins, and the file stays.
async fn remove_file(
    table: &dyn Table,
    now: Timestamp,
    handle: Handle,
    name: &str,
    remove: Write,
) -> Result<bool, Error> {
    let mut reader = Reader::new(table, now);
    reader
        .fetch(
            vec![keys::file(handle, name), keys::file_uses(handle, name)],
            Vec::new(),
        )
        .await?;
    let uses: Option<Stored<FileUses>> = reader.get(&keys::file_uses(handle, name)).await?;
    let found: Option<Stored<StoredFile>> = file::find(&mut reader, handle, name).await?;
    let Some(found) = found.filter(|_| uses.is_none_or(|uses| uses.count <= 0)) else {
        // Gone, or in use: whoever ends the last use writes another chore.
        finish(table, vec![remove]).await?;
        return Ok(false);
    };
    let object = found.value.object(handle);
    let writes = vec![
        remove,
        Write::Delete(found.key.clone(), Condition::Rev(found.rev)),
        Write::Delete(keys::file_uses(handle, name), Condition::Uncounted),
        Write::Count {
            key: keys::object(handle, &object),
            kind: "object",
            by: -1,
            condition: Condition::Always,
        },
        task::chore(
            now,
            &Chore::Object {
                handle,
                name: object,
            },
        )?,
    ];
    match table.write(writes).await {
        Ok(()) => Ok(true),
        // Another run was first, or a use came: the next run sees which.
        Err(StoreError::Condition { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Writes what ends a chore; another run may have ended it first.
async fn finish(table: &dyn Table, writes: Vec<Write>) -> Result<bool, Error> {
    match table.write(writes).await {
        Ok(()) => Ok(true),
        Err(StoreError::Condition { at: 0 }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Removes an object if nothing counts it: first its counter is closed, so that no new reference
/// can come while the bytes go; a crash in between leaves it closed, and the next run goes on.
async fn remove_object(
    table: &dyn Table,
    objects: &dyn Objects,
    handle: Handle,
    name: &str,
) -> Result<bool, Error> {
    let key = keys::object(handle, name);
    match table
        .write(vec![Write::Close(key.clone(), Condition::Uncounted)])
        .await
    {
        Ok(()) => {}
        Err(StoreError::Condition { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    objects.delete(name).await?;
    finish(table, vec![Write::Delete(key, Condition::Uncounted)]).await
}

/// Ends an upload whose time is over and clears its bytes.
async fn expire(
    table: &dyn Table,
    objects: &dyn Objects,
    now: Timestamp,
    handle: Handle,
    upload: &Guid,
    remove: Write,
) -> Result<bool, Error> {
    let mut reader = Reader::new(table, now);
    let found: Option<Stored<Upload>> = reader.get(&keys::upload(handle, upload)).await?;
    let Some(mut found) = found else {
        return finish(table, vec![remove]).await;
    };
    let live = matches!(found.value.state, State::Waiting | State::Reading);
    if live && found.value.deadline() > now {
        // Not yet: the chore stays, and sorts before what is due later; runs are hours apart.
        return Ok(false);
    }
    if let Some(parts) = &found.value.parts_id {
        objects
            .abort_parts(&keys::incoming_object(handle, upload), parts)
            .await?;
    }
    objects
        .delete(&keys::incoming_object(handle, upload))
        .await?;
    let mut writes = vec![remove];
    if live {
        found.value.state = State::Expired;
        found.value.reason = Some(EXPIRED.to_owned());
        writes.push(found.replace()?);
    }
    finish(table, writes).await?;
    Ok(live)
}

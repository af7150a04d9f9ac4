//! The objects and multipart uploads of the bucket.
//!
//! Their records are held in memory as well, sorted by key, so that reading and listing touch no
//! more of the disk than the bytes themselves. Changes go one after another: each checks its
//! condition, puts its record in place, and only then shows in memory. That makes a condition and
//! the write that it guards one step.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::UNIX_EPOCH;

use s3s::{S3Error, S3Result, s3_error};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::checksums::{Checksums, Kind};
use crate::conditions::WriteCondition;
use crate::disk::{DataFile, Disk, json_files};
use crate::events::{EventName, ObjectCreated};
use crate::receive::Received;
use crate::records::{
    Description, Millis, ObjectRecord, PartRecord, SCHEMA, Segment, UploadRecord,
};

/// An object and its bytes.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) record: ObjectRecord,
    pub(crate) files: Vec<Arc<DataFile>>,
}

/// A part of an upload and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) record: Arc<PartRecord>,
    pub(crate) file: Arc<DataFile>,
}

/// An open multipart upload.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) record: Arc<UploadRecord>,
    pub(crate) parts: BTreeMap<i32, Part>,
}

/// Keys first, so that uploads are listed in their order.
type UploadName = (String, String);

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Arc<Object>>,
    uploads: BTreeMap<UploadName, Upload>,
}

/// An object about to be stored.
pub(crate) struct Draft {
    pub(crate) key: String,
    pub(crate) etag: String,
    pub(crate) event_name: EventName,
    pub(crate) files: Vec<Arc<DataFile>>,
    pub(crate) description: Description,
    pub(crate) checksums: Checksums,
    pub(crate) checksum_kind: Kind,
}

/// The content of the bucket.
#[derive(Debug)]
pub(crate) struct Objects {
    disk: Arc<Disk>,
    bucket: String,
    state: RwLock<State>,
    /// Held by whoever changes something; it guards the last sequencer.
    changes: Mutex<u64>,
    announcements: Mutex<Announcements>,
}

#[derive(Debug)]
struct Announcements {
    sender: UnboundedSender<ObjectCreated>,
    /// Until somebody takes it.
    receiver: Option<UnboundedReceiver<ObjectCreated>>,
}

impl Announcements {
    fn new() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self {
            sender,
            receiver: Some(receiver),
        }
    }
}

impl Objects {
    /// Reads what the folder holds and removes what no record names.
    pub(crate) fn load(disk: Disk, bucket: &str) -> io::Result<Self> {
        let disk = Arc::new(disk);
        let mut state = State::default();
        let mut sequencer = 0;
        for path in disk.object_records()? {
            let record: ObjectRecord = read_record(&path)?;
            sequencer = sequencer.max(record.sequencer);
            let files = record
                .segments
                .iter()
                .map(|segment| disk.adopt(&segment.file, segment.size))
                .collect::<Option<Vec<_>>>();
            match files {
                Some(files) => {
                    let object = Object { record, files };
                    state
                        .objects
                        .insert(object.record.key.clone(), Arc::new(object));
                }
                None => tracing::error!(key = record.key, "the bytes of a stored object are lost"),
            }
        }
        for folder in disk.upload_folders()? {
            match load_upload(&disk, &folder)? {
                Some(upload) if !was_completed(&state, &upload) => {
                    let name = (upload.record.key.clone(), upload.record.upload_id.clone());
                    state.uploads.insert(name, upload);
                }
                _ => fs::remove_dir_all(&folder)?,
            }
        }
        {
            let mut wanted: std::collections::HashSet<&str> = std::collections::HashSet::new();
            for object in state.objects.values() {
                wanted.extend(object.files.iter().map(|file| file.name()));
            }
            for upload in state.uploads.values() {
                wanted.extend(upload.parts.values().map(|part| part.file.name()));
            }
            let removed = disk.remove_data_except(|name| wanted.contains(name))?;
            if removed > 0 {
                tracing::info!(removed, "removed what interrupted uploads had left");
            }
        }
        Ok(Self {
            disk,
            bucket: bucket.to_owned(),
            state: RwLock::new(state),
            changes: Mutex::new(sequencer),
            announcements: Mutex::new(Announcements::new()),
        })
    }

    pub(crate) fn disk(&self) -> &Arc<Disk> {
        &self.disk
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(crate) fn take_events(&self) -> UnboundedReceiver<ObjectCreated> {
        let mut announcements = self.announcements();
        if announcements.receiver.is_none() {
            *announcements = Announcements::new();
        }
        match announcements.receiver.take() {
            Some(receiver) => receiver,
            // It was put there just now.
            None => unbounded_channel().1,
        }
    }

    pub(crate) fn under(&self, prefix: &str) -> Vec<ObjectCreated> {
        let mut found: Vec<_> = self.from(Bound::Included(prefix.to_owned()), |objects| {
            objects
                .take_while(|object| object.record.key.starts_with(prefix))
                .map(Arc::clone)
                .collect()
        });
        found.sort_by_key(|object: &Arc<Object>| object.record.sequencer);
        found
            .iter()
            .map(|object| self.announcement(&object.record))
            .collect()
    }

    /// Looks at the objects from a key on, in the order of their keys.
    pub(crate) fn from<T>(
        &self,
        start: Bound<String>,
        look: impl FnOnce(&mut dyn Iterator<Item = &Arc<Object>>) -> T,
    ) -> T {
        let state = self.state();
        let mut objects = state
            .objects
            .range::<String, _>((start, Bound::Unbounded))
            .map(|(_, object)| object);
        look(&mut objects)
    }

    pub(crate) fn get(&self, key: &str) -> S3Result<Arc<Object>> {
        match self.state().objects.get(key) {
            Some(object) => Ok(Arc::clone(object)),
            None => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
        }
    }

    /// Stores an object, if the condition holds.
    pub(crate) fn store(&self, draft: Draft, condition: &WriteCondition) -> S3Result<Arc<Object>> {
        let mut sequencer = self.changes();
        self.commit(draft, None, condition, &mut sequencer)
    }

    fn commit(
        &self,
        draft: Draft,
        upload: Option<&UploadName>,
        condition: &WriteCondition,
        sequencer: &mut u64,
    ) -> S3Result<Arc<Object>> {
        let present = self.state().objects.get(&draft.key).cloned();
        condition.check(present.as_deref().map(|object| &object.record))?;

        let modified = Millis::now();
        // Later than all before, also when the clock was set back.
        let nanos = modified
            .time()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |passed| passed.as_nanos());
        let next = u64::try_from(nanos).unwrap_or(0).max(*sequencer + 1);
        let object = Arc::new(Object {
            record: ObjectRecord {
                schema: SCHEMA,
                key: draft.key,
                etag: draft.etag,
                size: draft.files.iter().map(|file| file.size()).sum(),
                modified,
                sequencer: next,
                event_name: draft.event_name,
                upload_id: upload.map(|(_, upload_id)| upload_id.clone()),
                segments: draft.files.iter().map(segment).collect(),
                description: draft.description,
                checksums: draft.checksums,
                checksum_kind: draft.checksum_kind,
            },
            files: draft.files,
        });
        let path = self.disk.object_record(&object.record.key);
        self.disk
            .put_record(&path, &object.record)
            .map_err(S3Error::internal_error)?;
        *sequencer = next;
        for file in &object.files {
            file.keep();
        }
        let finished = {
            let mut state = self.state_mut();
            state
                .objects
                .insert(object.record.key.clone(), Arc::clone(&object));
            upload.and_then(|name| state.uploads.remove(name))
        };
        if let Some(present) = present {
            present.files.iter().for_each(|file| file.release());
        }
        if let Some(finished) = finished {
            self.discard(&finished, &object.files);
        }
        self.disk
            .settle_record(&path)
            .map_err(S3Error::internal_error)?;
        // Nobody listening is no error: the object is stored all the same.
        let _ = self
            .announcements()
            .sender
            .send(self.announcement(&object.record));
        Ok(object)
    }

    /// Removes an object; it is no error if there is none.
    pub(crate) fn delete(&self, key: &str, condition: &WriteCondition) -> S3Result<()> {
        let changes = self.changes();
        let present = self.state().objects.get(key).cloned();
        condition.check(present.as_deref().map(|object| &object.record))?;
        let Some(present) = present else {
            return Ok(());
        };
        let path = self.disk.object_record(key);
        self.disk
            .remove_record(&path)
            .map_err(S3Error::internal_error)?;
        self.state_mut().objects.remove(key);
        present.files.iter().for_each(|file| file.release());
        let settled = self.disk.settle_record(&path);
        drop(changes);
        settled.map_err(S3Error::internal_error)
    }

    /// Opens a multipart upload.
    pub(crate) fn open_upload(
        &self,
        key: String,
        description: Description,
        algorithm: Option<String>,
        checksum_kind: Option<Kind>,
    ) -> S3Result<Arc<UploadRecord>> {
        let _changes = self.changes();
        let record = Arc::new(UploadRecord {
            schema: SCHEMA,
            upload_id: self.disk.unique_name(),
            key,
            initiated: Millis::now(),
            description,
            algorithm,
            checksum_kind,
        });
        let path = self.upload_path(&record.upload_id);
        self.disk
            .put_record(&path, &*record)
            .and_then(|()| self.disk.settle_record(&path))
            .map_err(S3Error::internal_error)?;
        let upload = Upload {
            record: Arc::clone(&record),
            parts: BTreeMap::new(),
        };
        let name = (record.key.clone(), record.upload_id.clone());
        self.state_mut().uploads.insert(name, upload);
        Ok(record)
    }

    pub(crate) fn upload(&self, key: &str, upload_id: &str) -> S3Result<Upload> {
        let name = (key.to_owned(), upload_id.to_owned());
        self.state()
            .uploads
            .get(&name)
            .cloned()
            .ok_or_else(no_such_upload)
    }

    /// The open uploads, sorted by key and id.
    pub(crate) fn uploads(&self) -> Vec<Arc<UploadRecord>> {
        let state = self.state();
        let records = state.uploads.values().map(|upload| &upload.record);
        records.cloned().collect()
    }

    /// Adds a part to an upload, in the place of the one of that number.
    pub(crate) fn add_part(
        &self,
        key: &str,
        upload_id: &str,
        number: i32,
        received: Received,
    ) -> S3Result<Part> {
        let _changes = self.changes();
        // It may have been completed or aborted while the part was on its way.
        self.upload(key, upload_id)?;
        let part = Part {
            record: Arc::new(PartRecord {
                schema: SCHEMA,
                number,
                segment: segment(&received.file),
                etag: received.etag,
                modified: Millis::now(),
                checksums: received.checksums,
            }),
            file: received.file,
        };
        let path = self
            .disk
            .upload_folder(upload_id)
            .join(format!("{number}.json"));
        self.disk
            .put_record(&path, &*part.record)
            .map_err(S3Error::internal_error)?;
        part.file.keep();
        let name = (key.to_owned(), upload_id.to_owned());
        let replaced = self
            .state_mut()
            .uploads
            .get_mut(&name)
            .and_then(|upload| upload.parts.insert(number, part.clone()));
        if let Some(replaced) = replaced {
            replaced.file.release();
        }
        self.disk
            .settle_record(&path)
            .map_err(S3Error::internal_error)?;
        Ok(part)
    }

    /// Makes the object out of an upload, if the condition holds. `assemble` chooses the parts.
    pub(crate) fn complete_upload(
        &self,
        key: &str,
        upload_id: &str,
        condition: &WriteCondition,
        assemble: impl FnOnce(&Upload) -> S3Result<Draft>,
    ) -> S3Result<Arc<Object>> {
        let mut sequencer = self.changes();
        let upload = self.upload(key, upload_id)?;
        let draft = assemble(&upload)?;
        let name = (key.to_owned(), upload_id.to_owned());
        self.commit(draft, Some(&name), condition, &mut sequencer)
    }

    pub(crate) fn abort_upload(&self, key: &str, upload_id: &str) -> S3Result<()> {
        let _changes = self.changes();
        let name = (key.to_owned(), upload_id.to_owned());
        let upload = self
            .state_mut()
            .uploads
            .remove(&name)
            .ok_or_else(no_such_upload)?;
        self.discard(&upload, &[]);
        Ok(())
    }

    /// Takes an upload off the disk, apart from the bytes that an object has now.
    fn discard(&self, upload: &Upload, taken: &[Arc<DataFile>]) {
        // Without this record the rest is nothing to the next start, so a kill in between is
        // harmless, and so is a failure.
        let first = self.upload_path(&upload.record.upload_id);
        let folder = self.disk.upload_folder(&upload.record.upload_id);
        let removed = self
            .disk
            .remove_record(&first)
            .and_then(|()| fs::remove_dir_all(folder));
        if let Err(error) = removed {
            tracing::warn!(%error, "a finished upload could not be removed");
        }
        for part in upload.parts.values() {
            if !taken.iter().any(|file| Arc::ptr_eq(file, &part.file)) {
                part.file.release();
            }
        }
    }

    fn upload_path(&self, upload_id: &str) -> std::path::PathBuf {
        self.disk.upload_folder(upload_id).join("upload.json")
    }

    fn announcement(&self, record: &ObjectRecord) -> ObjectCreated {
        ObjectCreated {
            bucket: self.bucket.clone(),
            key: record.key.clone(),
            size: record.size,
            etag: record.etag.clone(),
            sequencer: format!("{:016X}", record.sequencer),
            event_name: record.event_name,
            event_time: record.modified.time(),
        }
    }

    // A panic elsewhere does not make the maps wrong: each change to them is one step.

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn changes(&self) -> MutexGuard<'_, u64> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announcements(&self) -> MutexGuard<'_, Announcements> {
        self.announcements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn segment(file: &Arc<DataFile>) -> Segment {
    Segment {
        file: file.name().to_owned(),
        size: file.size(),
    }
}

fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
         been aborted or completed."
    )
}

/// Whether the object was stored and then the process ended before it removed the upload.
fn was_completed(state: &State, upload: &Upload) -> bool {
    state
        .objects
        .get(&upload.record.key)
        .is_some_and(|object| object.record.upload_id.as_ref() == Some(&upload.record.upload_id))
}

/// The upload in a folder; nothing if it was being opened or removed when the process ended.
fn load_upload(disk: &Arc<Disk>, folder: &Path) -> io::Result<Option<Upload>> {
    let first = folder.join("upload.json");
    if !first.exists() {
        return Ok(None);
    }
    let record: UploadRecord = read_record(&first)?;
    let mut parts = BTreeMap::new();
    for path in json_files(folder)? {
        if path == first {
            continue;
        }
        let record: PartRecord = read_record(&path)?;
        if let Some(file) = disk.adopt(&record.segment.file, record.segment.size) {
            let part = Part {
                record: Arc::new(record),
                file,
            };
            parts.insert(part.record.number, part);
        }
    }
    Ok(Some(Upload {
        record: Arc::new(record),
        parts,
    }))
}

/// Records are renamed into place whole, so an unreadable one is damage of another kind. Going on
/// would remove the bytes that it names.
fn read_record<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    serde_json::from_slice(&fs::read(path)?).map_err(|error| {
        let reason = format!("the record {} is unreadable: {error}", path.display());
        io::Error::new(io::ErrorKind::InvalidData, reason)
    })
}

//! The folder of one bucket, and how a change reaches it.
//!
//! ```text
//! records/AB/<sha256 of the key>.json     one object: this file's appearance makes it exist
//! data/AB/<unique name>                   bytes, of an object or of an uploaded part
//! uploads/<upload id>/upload.json         an open multipart upload
//! uploads/<upload id>/<part number>.json  one of its parts
//! fresh/<unique name>                     records being written; emptied at every start
//! ```
//!
//! No file name is made from a key, so no key can reach outside. Bytes are written and synced under
//! a name that nothing refers to yet; then a record that names them is renamed into place. A kill
//! in between leaves bytes that no record names, which the next start removes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The folders of one bucket.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    /// Held for as long as anything can write here. A temporary folder has none, and need not
    /// survive a power cut either.
    lock: Option<Arc<File>>,
    names: AtomicU64,
}

impl Disk {
    /// Makes the folders and removes records that were never put in place.
    pub(crate) fn open(root: &Path, lock: Option<Arc<File>>) -> io::Result<Self> {
        let fresh = root.join("fresh");
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        for folder in ["records", "data", "uploads", "fresh"] {
            fs::create_dir_all(root.join(folder))?;
        }
        // Names continue from the clock, so that they differ from those of the runs before;
        // creating a file refuses an existing name all the same.
        let start = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |passed| passed.as_nanos());
        Ok(Self {
            root: root.to_owned(),
            lock,
            names: AtomicU64::new(u64::try_from(start).unwrap_or(0)),
        })
    }

    /// Whether to wait until the disk has what it was given.
    fn durable(&self) -> bool {
        self.lock.is_some()
    }

    /// A name that this bucket has not used yet.
    pub(crate) fn unique_name(&self) -> String {
        format!("{:016x}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// A new data file. It removes itself unless [`DataFile::keep`] is called.
    pub(crate) fn create_data(self: &Arc<Self>) -> io::Result<(File, DataFile)> {
        loop {
            let name = self.unique_name();
            let path = self.data_path(&name);
            let mut options = File::options();
            options.write(true).create_new(true);
            let opened = match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // The first file of its folder.
                    if let Some(folder) = path.parent() {
                        fs::create_dir_all(folder)?;
                        self.sync_folder(&self.root.join("data"))?;
                    }
                    options.open(&path)
                }
                opened => opened,
            };
            match opened {
                Ok(file) => return Ok((file, DataFile::new(Arc::clone(self), name, 0, false))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until a data file and its name are on the disk.
    pub(crate) fn settle_data(&self, file: &File, name: &str) -> io::Result<()> {
        if !self.durable() {
            return Ok(());
        }
        file.sync_data()?;
        match self.data_path(name).parent() {
            Some(folder) => self.sync_folder(folder),
            None => Ok(()),
        }
    }

    /// A second name for the bytes of a data file, or a copy where the file system has no links.
    pub(crate) fn duplicate(self: &Arc<Self>, source: &DataFile) -> io::Result<DataFile> {
        let name = self.unique_name();
        let path = self.data_path(&name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let duplicate = DataFile::new(Arc::clone(self), name, source.size, false);
        if fs::hard_link(source.path(), &path).is_err() {
            fs::copy(source.path(), &path)?;
        }
        if self.durable() {
            File::open(&path)?.sync_all()?;
            if let Some(folder) = path.parent() {
                self.sync_folder(folder)?;
            }
        }
        Ok(duplicate)
    }

    /// The data file that a record names, if it is there with the size that the record says.
    pub(crate) fn adopt(self: &Arc<Self>, name: &str, size: u64) -> Option<Arc<DataFile>> {
        let found = fs::metadata(self.data_path(name)).ok()?;
        (found.len() == size)
            .then(|| Arc::new(DataFile::new(Arc::clone(self), name.to_owned(), size, true)))
    }

    /// Removes the data files that no record names.
    pub(crate) fn remove_data_except(&self, wanted: impl Fn(&str) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for folder in folders(&self.root.join("data"))? {
            for file in fs::read_dir(folder)? {
                let file = file?;
                if !file.file_name().to_str().is_some_and(&wanted) {
                    fs::remove_file(file.path())?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Puts a record in place at once, replacing the one that was there.
    pub(crate) fn put_record(&self, path: &Path, record: &impl Serialize) -> io::Result<()> {
        let fresh = self.root.join("fresh").join(self.unique_name());
        let written = (|| {
            let mut file = File::options().write(true).create_new(true).open(&fresh)?;
            file.write_all(&serde_json::to_vec(record)?)?;
            if self.durable() {
                file.sync_all()?;
            }
            drop(file);
            match fs::rename(&fresh, path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if let Some(folder) = path.parent() {
                        fs::create_dir_all(folder)?;
                        if let Some(above) = folder.parent() {
                            self.sync_folder(above)?;
                        }
                    }
                    fs::rename(&fresh, path)
                }
                renamed => renamed,
            }
        })();
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written
    }

    /// Takes a record away. It is no error if it is already gone.
    pub(crate) fn remove_record(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Waits until a record's appearance or removal is on the disk.
    pub(crate) fn settle_record(&self, path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(folder) => self.sync_folder(folder),
            None => Ok(()),
        }
    }

    /// Where the record of a key is.
    pub(crate) fn object_record(&self, key: &str) -> PathBuf {
        let digest: String = Sha256::digest(key.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let folder = self.root.join("records").join(&digest[..2]);
        folder.join(format!("{digest}.json"))
    }

    /// The records of all objects.
    pub(crate) fn object_records(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for folder in folders(&self.root.join("records"))? {
            found.extend(json_files(&folder)?);
        }
        Ok(found)
    }

    /// The folder of a multipart upload.
    pub(crate) fn upload_folder(&self, upload_id: &str) -> PathBuf {
        self.root.join("uploads").join(upload_id)
    }

    /// The folders of all multipart uploads.
    pub(crate) fn upload_folders(&self) -> io::Result<Vec<PathBuf>> {
        folders(&self.root.join("uploads"))
    }

    fn data_path(&self, name: &str) -> PathBuf {
        // Names count up, so their ends are what spreads them evenly.
        let folder = name.get(name.len().saturating_sub(2)..).unwrap_or("00");
        self.root.join("data").join(folder).join(name)
    }

    #[cfg(unix)]
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if self.durable() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Folders cannot be opened to be synced here.
    #[cfg(not(unix))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// The folders in a folder. File managers leave files of their own everywhere; they are ignored.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The JSON files of a folder.
pub(crate) fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
    Ok(found)
}

/// A file of bytes, which goes when the last that uses it goes, unless a record names it.
///
/// So an upload that breaks off leaves nothing behind, and a download goes on undisturbed while its
/// object is replaced or deleted.
#[derive(Debug)]
pub(crate) struct DataFile {
    disk: Arc<Disk>,
    name: String,
    size: u64,
    kept: AtomicBool,
}

impl DataFile {
    fn new(disk: Arc<Disk>, name: String, size: u64, kept: bool) -> Self {
        Self {
            disk,
            name,
            size,
            kept: AtomicBool::new(kept),
        }
    }

    pub(crate) fn with_size(mut self, size: u64) -> Self {
        self.size = size;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.disk.data_path(&self.name)
    }

    /// A record names it now.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Release);
    }

    /// No record names it any more.
    pub(crate) fn release(&self) {
        self.kept.store(false, Ordering::Release);
    }
}

impl Drop for DataFile {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::Acquire) {
            // What cannot be removed now is removed at the next start.
            let _ = fs::remove_file(self.path());
        }
    }
}

//! DynamoDB and S3 on the loopback interface, inside one process.
//!
//! The local server and the tests run the functions' real AWS SDK code: the same calls, signatures
//! and error codes as on AWS, against two endpoints that this crate opens. Nothing has to be
//! installed, and nothing listens beyond this machine.
//!
//! * **DynamoDB** is the `dynoxide` engine over SQLite: one file, or memory for a test.
//! * **S3** is the `s3s` protocol adapter over the object store of this crate: signatures and
//!   presigned URLs are verified, conditional writes are atomic, and an object is either there
//!   whole or not at all, also after the process was killed in the middle of a write.
//! * **Notifications**: every stored object is announced, so that a local server can do what an S3
//!   trigger does.
//!
//! ```no_run
//! # async fn example() -> Result<(), embedded_store::StartError> {
//! use embedded_store::{EmbeddedStore, Settings};
//!
//! let store = EmbeddedStore::start(Settings::in_memory()).await?;
//! println!("DynamoDB {}, S3 {}", store.dynamodb_endpoint(), store.s3_endpoint());
//! store.stop().await;
//! # Ok(())
//! # }
//! ```

mod blocking;
mod checksums;
mod conditions;
mod disk;
mod events;
mod listing;
mod objects;
mod receive;
mod records;
mod server;
mod service;
mod start_error;
mod table;

use std::collections::HashMap;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use dynoxide::types::AttributeValue;
pub use events::{EventName, ObjectCreated};
pub use s3s::service::S3Service;
pub use start_error::StartError;

use disk::Disk;
use objects::Objects;
use server::SingleKey;
use service::ObjectService;
use table::Table;

/// How long [`EmbeddedStore::stop`] waits for requests that are being answered.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How often expired DynamoDB items are removed. AWS promises no more than "within a few days", so
/// nothing may depend on it; this only keeps the file from growing.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(3600);

/// What to start, and where it keeps its data.
#[derive(Clone)]
pub struct Settings {
    /// The data folder, made if it is absent. `None` keeps everything in memory and in a temporary
    /// folder that is removed at the end.
    pub data: Option<PathBuf>,
    /// The DynamoDB table, made if it is absent: string keys `pk` and `sk`, on demand, items expire
    /// by their attribute `expires`.
    pub table: String,
    /// The S3 bucket, made if it is absent.
    pub bucket: String,
    /// The one access key id that S3 accepts.
    pub access_key: String,
    /// The secret that belongs to it.
    pub secret_key: String,
    /// Where S3 listens. Port 0 picks a free one; a fixed port lets presigned URLs outlive a
    /// restart, because the address is part of what they sign.
    pub s3_listen: SocketAddr,
}

impl Settings {
    /// Everything in memory or a temporary folder, on free ports: what a test wants.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            data: None,
            table: "appdepot".to_owned(),
            bucket: "appdepot".to_owned(),
            access_key: "local".to_owned(),
            secret_key: "local-secret".to_owned(),
            s3_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }

    /// As [`Settings::in_memory`], but keeping its data in this folder.
    #[must_use]
    pub fn in_folder(data: impl Into<PathBuf>) -> Self {
        Self {
            data: Some(data.into()),
            ..Self::in_memory()
        }
    }
}

/// Without the secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("data", &self.data)
            .field("table", &self.table)
            .field("bucket", &self.bucket)
            .field("access_key", &self.access_key)
            .field("s3_listen", &self.s3_listen)
            .finish_non_exhaustive()
    }
}

/// The running DynamoDB and S3.
///
/// [`stop`](Self::stop) ends it in order. Dropping it cuts off what is under way, which loses
/// nothing that was acknowledged; the data folder is free again a moment later.
#[derive(Debug)]
pub struct EmbeddedStore {
    dynamodb_address: SocketAddr,
    s3_address: SocketAddr,
    bucket: String,
    objects: Arc<Objects>,
    s3: S3Service,
    database: Table,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    threads: Threads,
    _temporary: Option<tempfile::TempDir>,
}

impl EmbeddedStore {
    /// Opens the data, makes what is absent, and listens.
    ///
    /// # Errors
    /// When the data folder is in use or unusable, or an address is taken.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        // Opening reads the record of every object.
        match tokio::task::spawn_blocking(move || Self::open(settings)).await {
            Ok(opened) => opened,
            Err(error) => Err(StartError::Runtime(error.into())),
        }
    }

    fn open(settings: Settings) -> Result<Self, StartError> {
        if !s3s::path::check_bucket_name(&settings.bucket) {
            return Err(StartError::BucketName(settings.bucket));
        }
        let (root, lock, temporary) = match &settings.data {
            Some(data) => (data.clone(), Some(Arc::new(lock(data)?)), None),
            None => {
                let folder = tempfile::Builder::new()
                    .prefix("embedded-store-")
                    .tempdir()
                    .map_err(StartError::data(std::env::temp_dir()))?;
                (folder.path().to_owned(), None, Some(folder))
            }
        };

        let database_file = settings.data.as_ref().map(|_| root.join("dynamodb.sqlite"));
        let database = Table::open(database_file.as_deref(), &settings.table, lock.clone())?;

        let bucket_folder = root.join("objects").join(&settings.bucket);
        let objects = Disk::open(&bucket_folder, lock)
            .and_then(|disk| Objects::load(disk, &settings.bucket))
            .map_err(StartError::data(&bucket_folder))?;
        let objects = Arc::new(objects);

        let mut builder = S3ServiceBuilder::new(ObjectService::new(Arc::clone(&objects)));
        builder.set_auth(SingleKey(SimpleAuth::from_single(
            settings.access_key,
            settings.secret_key,
        )));
        let s3 = builder.build();

        let threads = Threads::start().map_err(StartError::Runtime)?;
        let runtime = &threads.tenant_id;
        // A listener belongs to the runtime that it is made in.
        let entered = runtime.enter();
        let dynamodb_listener = table::listen().map_err(|source| StartError::Listen {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            source,
        })?;
        let s3_listener =
            server::listen(settings.s3_listen).map_err(|source| StartError::Listen {
                address: settings.s3_listen,
                source,
            })?;
        drop(entered);
        let dynamodb_address = local_address(&dynamodb_listener)?;
        let s3_address = local_address(&s3_listener)?;

        let (stop, stopped) = watch::channel(false);
        let servers = vec![
            runtime.spawn(database.clone().serve(dynamodb_listener, stopped.clone())),
            runtime.spawn(server::serve(s3_listener, s3.clone(), stopped.clone())),
            runtime.spawn(database.clone().expire_every(EXPIRY_INTERVAL, stopped)),
        ];
        Ok(Self {
            dynamodb_address,
            s3_address,
            bucket: settings.bucket,
            objects,
            s3,
            database,
            stop,
            servers,
            threads,
            _temporary: temporary,
        })
    }

    /// The DynamoDB endpoint, `http://ADDRESS:PORT`.
    ///
    /// On Linux the address is a random one of `127.0.0.0/8`. The engine does not check who signed
    /// a request and answers any web origin, so a page in a browser on this machine could read the
    /// table if it could guess where it is.
    #[must_use]
    pub fn dynamodb_endpoint(&self) -> String {
        format!("http://{}", self.dynamodb_address)
    }

    /// The S3 endpoint, `http://ADDRESS:PORT`, for path-style addressing.
    #[must_use]
    pub fn s3_endpoint(&self) -> String {
        format!("http://{}", self.s3_address)
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// S3 as a service for another listener.
    ///
    /// A presigned URL signs the host and the path, so the path must arrive unchanged: hand over
    /// the requests whose first path segment is [`bucket`](Self::bucket), and sign for that
    /// listener's own address. No prefix can be put in front.
    #[must_use]
    pub fn s3_service(&self) -> S3Service {
        self.s3.clone()
    }

    /// The announcements of stored objects, in the order in which they were stored.
    ///
    /// The first call gives all since the start. A further call gives those from then on and ends
    /// the earlier receiver.
    #[must_use]
    pub fn take_events(&mut self) -> UnboundedReceiver<ObjectCreated> {
        self.objects.take_events()
    }

    /// What is stored under a prefix, as it was announced, oldest first.
    ///
    /// Announcements are not kept over a restart. Asking for what still waits in a staging folder
    /// and handling it again makes their delivery at least once, which is what S3 promises too.
    #[must_use]
    pub fn objects_under(&self, prefix: &str) -> Vec<ObjectCreated> {
        self.objects.under(prefix)
    }

    /// Puts items into a DynamoDB table past the protocol, all or none: tens of thousands of them
    /// in the time that the protocol takes for hundreds. An item that is there already is replaced.
    ///
    /// # Errors
    /// When the table is not there or the database cannot be written.
    pub async fn import_items(
        &self,
        table: impl Into<String>,
        items: Vec<HashMap<String, AttributeValue>>,
    ) -> io::Result<()> {
        self.database.import(table.into(), items).await
    }

    /// Removes the DynamoDB items whose time has passed, and says how many there were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn remove_expired_items(&self) -> io::Result<usize> {
        self.database.remove_expired().await
    }

    /// Stops listening, waits a few seconds for requests under way, and closes the data.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let servers = std::mem::take(&mut self.servers);
        let all = async {
            for server in servers {
                let _ = server.await;
            }
        };
        if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
            tracing::warn!("requests to the embedded store were cut off");
        }
        if let Some(runtime) = self.threads.runtime.take() {
            // Ending a runtime waits for its threads, which an asynchronous task must not do.
            let ended = tokio::task::spawn_blocking(move || {
                runtime.shutdown_timeout(Duration::from_secs(2));
            });
            let _ = ended.await;
        }
    }
}

/// The store's own threads: SQLite and the file system block, and must not block the functions that
/// wait for their answer. Dropping it ends them without waiting.
#[derive(Debug)]
struct Threads {
    tenant_id: Handle,
    /// `None` once its end was asked for.
    runtime: Option<Runtime>,
}

impl Threads {
    fn start() -> io::Result<Self> {
        let count = std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 4));
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(count)
            .thread_name("embedded-store")
            .enable_all()
            .build()
            .map(|runtime| Self {
                tenant_id: runtime.handle().clone(),
                runtime: Some(runtime),
            })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(StartError::Runtime)
}

/// Two processes on one SQLite file would merely be slow, but each keeps the list of objects in
/// memory, so the second would work with a stale one.
fn lock(data: &Path) -> Result<File, StartError> {
    std::fs::create_dir_all(data).map_err(StartError::data(data))?;
    let path = data.join("embedded-store.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StartError::data(&path))?;
    // A process that was killed while it started another one leaves the lock with that one until it
    // has begun.
    let patient_until = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < patient_until => {
                std::thread::sleep(LOCK_PATIENCE / 20)
            }
            Err(TryLockError::WouldBlock) => return Err(StartError::DataInUse(data.to_owned())),
            Err(TryLockError::Error(source)) => return Err(StartError::Data { path, source }),
        }
    }
}

/// How long a start waits for the lock of a process that is just ending.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

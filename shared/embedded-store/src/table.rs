//! The DynamoDB engine and the one table in it.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::describe_time_to_live::DescribeTimeToLiveRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use dynoxide::types::{AttributeDefinition, Item, KeySchemaElement, KeyType, ScalarAttributeType};
use dynoxide::{Database, DynoxideError, ImportOptions};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::server;
use crate::start_error::StartError;

const PARTITION_KEY: &str = "pk";
const SORT_KEY: &str = "sk";
const EXPIRY: &str = "expires";

/// The database that holds the table.
#[derive(Clone)]
pub(crate) struct Table {
    database: Database,
    /// Held for as long as anything can write.
    _lock: Option<Arc<File>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl Table {
    /// Opens the file, or memory, and makes the table if it is absent.
    ///
    /// The engine keeps SQLite's write-ahead log and its default of syncing every commit, so what
    /// was acknowledged outlives a kill.
    pub(crate) fn open(
        file: Option<&Path>,
        table: &str,
        lock: Option<Arc<File>>,
    ) -> Result<Self, StartError> {
        let unfinished = file.map(begin).transpose()?;
        let database = match file {
            Some(file) => {
                let file = file.to_str().ok_or_else(|| {
                    StartError::Table(format!("{} is not valid Unicode", file.display()))
                })?;
                Database::new(file)
            }
            None => Database::memory(),
        }
        .map_err(failed)?;

        let described = database.describe_table(DescribeTableRequest {
            table_name: table.to_owned(),
        });
        match described {
            Ok(described) => check(table, &described.table.key_schema)?,
            Err(DynoxideError::ResourceNotFoundException(_)) => {
                database.create_table(request(table)).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }

        let expiry = database
            .describe_time_to_live(DescribeTimeToLiveRequest {
                table_name: table.to_owned(),
            })
            .map_err(failed)?
            .time_to_live_description;
        // Switching on what is on is an error.
        if expiry.attribute_name.as_deref() != Some(EXPIRY) {
            database
                .update_time_to_live(UpdateTimeToLiveRequest {
                    table_name: table.to_owned(),
                    time_to_live_specification: TimeToLiveSpecification {
                        attribute_name: EXPIRY.to_owned(),
                        enabled: true,
                    },
                })
                .map_err(failed)?;
        }
        match unfinished.as_deref().map(std::fs::remove_file) {
            Some(Err(source)) if source.kind() != io::ErrorKind::NotFound => {
                Err(StartError::data(unfinished.unwrap_or_default())(source))
            }
            _ => Ok(Self {
                database,
                _lock: lock,
            }),
        }
    }

    /// Answers requests until told to stop.
    pub(crate) async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let stopped = async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let database = self.database.clone();
        let served = dynoxide::server::serve_with_shutdown(listener, database, stopped).await;
        if let Err(error) = served {
            tracing::error!(error, "DynamoDB ended");
        }
    }

    /// Removes what has expired, again and again.
    pub(crate) async fn expire_every(self, interval: Duration, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            if let Err(error) = self.remove_expired().await {
                tracing::warn!(%error, "expired items could not be removed");
            }
        }
    }

    /// Puts items into a table without the protocol.
    pub(crate) async fn import(&self, table: String, items: Vec<Item>) -> io::Result<()> {
        let database = self.database.clone();
        tokio::task::spawn_blocking(move || {
            database.import_items(&table, items, ImportOptions::default())
        })
        .await?
        .map(|_| ())
        .map_err(io::Error::other)
    }

    /// Removes what has expired, once.
    pub(crate) async fn remove_expired(&self) -> io::Result<usize> {
        let database = self.database.clone();
        tokio::task::spawn_blocking(move || database.sweep_ttl())
            .await?
            .map_err(io::Error::other)
    }
}

/// Listens on a loopback address that nobody can guess, where the system has more than one.
///
/// It has to run inside a runtime.
pub(crate) fn listen() -> io::Result<TcpListener> {
    #[cfg(target_os = "linux")]
    {
        let [_, .., a, b, c] = RandomState::new().hash_one(0).to_be_bytes();
        let hidden = Ipv4Addr::new(127, a, b.max(1), c.clamp(1, 254));
        if let Ok(listener) = server::listen(SocketAddr::from((hidden, 0))) {
            return Ok(listener);
        }
    }
    server::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// The engine makes a table in several commits, and one that a kill left half made is of no use and
/// cannot be mended. So a file stands beside a database for as long as it is being made; a database
/// that has it at a start has nothing in it yet, and is made anew.
fn begin(file: &Path) -> Result<PathBuf, StartError> {
    let unfinished = file.with_extension("unfinished");
    if unfinished.exists() {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = file.as_os_str().to_owned();
            name.push(suffix);
            match std::fs::remove_file(&name) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(StartError::data(name)(source));
                }
                _ => {}
            }
        }
    }
    if !file.exists() {
        File::create(&unfinished).map_err(StartError::data(&unfinished))?;
    }
    Ok(unfinished)
}

fn request(table: &str) -> CreateTableRequest {
    let attribute = |name: &str| AttributeDefinition {
        attribute_name: name.to_owned(),
        attribute_type: ScalarAttributeType::S,
    };
    CreateTableRequest {
        table_name: table.to_owned(),
        key_schema: key_schema(),
        attribute_definitions: vec![attribute(PARTITION_KEY), attribute(SORT_KEY)],
        billing_mode: Some("PAY_PER_REQUEST".to_owned()),
        ..CreateTableRequest::default()
    }
}

fn key_schema() -> Vec<KeySchemaElement> {
    let element = |name: &str, key_type| KeySchemaElement {
        attribute_name: name.to_owned(),
        key_type,
    };
    vec![
        element(PARTITION_KEY, KeyType::HASH),
        element(SORT_KEY, KeyType::RANGE),
    ]
}

fn check(table: &str, schema: &[KeySchemaElement]) -> Result<(), StartError> {
    if schema == key_schema() {
        Ok(())
    } else {
        Err(StartError::Table(format!(
            "the table {table} in the data folder has other keys than {PARTITION_KEY} and \
                {SORT_KEY}"
        )))
    }
}

fn failed(error: DynoxideError) -> StartError {
    StartError::Table(error.to_string())
}

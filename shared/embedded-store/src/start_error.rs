//! Why a store does not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the store did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Another process, or another store in this one, works in the data folder.
    DataInUse(PathBuf),
    /// The bucket's name is not one that S3 allows.
    BucketName(String),
    /// The data folder could not be read or written.
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database could not be opened, or its table is not the expected one.
    Table(String),
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The threads of the store could not be started.
    Runtime(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataInUse(path) => write!(
                f,
                "the data folder {} is in use by another process; stop it or choose another folder",
                path.display()
            ),
            Self::BucketName(name) => write!(f, "{name:?} is not a valid bucket name"),
            Self::Data { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Table(reason) => write!(f, "DynamoDB table: {reason}"),
            Self::Listen { address, source } => write!(f, "cannot listen on {address}: {source}"),
            Self::Runtime(source) => write!(f, "cannot start threads: {source}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Data { source, .. } | Self::Listen { source, .. } | Self::Runtime(source) => {
                Some(source)
            }
            Self::DataInUse(_) | Self::BucketName(_) | Self::Table(_) => None,
        }
    }
}

impl StartError {
    pub(crate) fn data(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Data { path, source }
    }
}

//! What is said when nothing was written.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};

use package_reader::{ReadError, Refusal, RefusalCode};

/// Why nothing was written.
#[derive(Debug)]
pub enum WriteError {
    /// What was given is at fault; trying again gives the same.
    Refused(Refusal),
    /// This machine failed at a file; what was given may be perfectly good.
    File(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Refused(refusal) => refusal.fmt(f),
            WriteError::File(error) => write!(f, "a file could not be read or written: {error}"),
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            WriteError::Refused(refusal) => Some(refusal),
            WriteError::File(error) => Some(error),
        }
    }
}

impl From<Refusal> for WriteError {
    fn from(refusal: Refusal) -> WriteError {
        WriteError::Refused(refusal)
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> WriteError {
        WriteError::File(error)
    }
}

impl From<ReadError> for WriteError {
    fn from(error: ReadError) -> WriteError {
        match error {
            ReadError::Refused(refusal) => WriteError::Refused(refusal),
            ReadError::Source(error) => WriteError::File(error),
        }
    }
}

/// Shorthand for a refusal.
pub(crate) fn refused(code: RefusalCode, reason: impl Into<String>) -> WriteError {
    WriteError::Refused(Refusal::new(code, reason))
}

/// Runs code of other people on what strangers gave; its panic is an `unreadable` with that
/// sentence.
pub(crate) fn guarded<T>(
    sentence: &str,
    run: impl FnOnce() -> Result<T, WriteError>,
) -> Result<T, WriteError> {
    panic::catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_: Box<dyn Any + Send>| Err(refused(RefusalCode::Unreadable, sentence)))
}

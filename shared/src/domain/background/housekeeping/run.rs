//! What every kind of task is done with.

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::services::objects::Objects;
use crate::store::record::Reader;
use crate::store::{StoreError, Table, Write};

/// What a run does its tasks with.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// The table.
    pub table: &'a dyn Table,
    /// The bucket.
    pub objects: &'a dyn Objects,
    /// When the run began.
    pub now: Timestamp,
}

impl<'a> Run<'a> {
    /// A reader that has read nothing.
    pub fn reader(&self) -> Reader<'a> {
        Reader::new(self.table, self.now)
    }

    /// Writes what ends a task, the removal of the task first. Gives whether this run ended it:
    /// another one may have been first.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish(&self, writes: Vec<Write>) -> Result<bool, Error> {
        match self.table.write(writes).await {
            Ok(()) => Ok(true),
            Err(StoreError::Condition { at: 0 }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

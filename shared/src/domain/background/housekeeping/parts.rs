//! What belonged to a deleted app.

use super::work::Work;
use crate::base::error::Error;
use crate::base::id::{AppId, Handle};
use crate::domain::apps::file;
use crate::model::apps::document::Document;
use crate::store::record::{Record, Stored};
use crate::store::{Condition, Item, Query, StoreError, Write, keys};

/// How many records one transaction removes: each may use a file, which makes two more writes.
const PARTS_AT_ONCE: u32 = 30;

/// How often another run may be faster.
const INTERRUPTIONS: u32 = 20;

/// Removes all that belonged to a deleted app; gives whether this run was the one that ended it.
///
/// # Errors
/// The store's.
pub(super) async fn remove(
    work: &Work<'_>,
    handle: Handle,
    app: AppId,
    chore: Write,
) -> Result<bool, Error> {
    remove_records(work, handle, app).await?;
    work.finish(vec![chore]).await
}

/// Removes everything in an app's partition, as often as it takes, and takes back the uses of files
/// with the records that name them; what a crash leaves the next run removes.
async fn remove_records(work: &Work<'_>, handle: Handle, app: AppId) -> Result<(), Error> {
    let mut interrupted = 0;
    loop {
        let page = work
            .table
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
        writes.extend(file::uses(handle, &used, &[], work.now)?);
        match work.table.write(writes).await {
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

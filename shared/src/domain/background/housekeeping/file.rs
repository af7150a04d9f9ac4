//! Uploaded files that nothing uses.

use super::work::Work;
use crate::base::error::Error;
use crate::base::id::Handle;
use crate::domain::apps::file;
use crate::model::apps::file::{FileUses, StoredFile};
use crate::model::task;
use crate::model::task::Chore;
use crate::store::record::Stored;
use crate::store::{Condition, StoreError, Write, keys};

/// Removes an uploaded file that nothing uses: its record, then its object through its count. A use
/// that comes at the same moment wins, and the file stays. Gives whether it went.
///
/// # Errors
/// The store's.
pub(super) async fn remove(
    work: &Work<'_>,
    handle: Handle,
    name: &str,
    chore: Write,
) -> Result<bool, Error> {
    let mut reader = work.reader();
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
        work.finish(vec![chore]).await?;
        return Ok(false);
    };
    let object = found.value.object(handle);
    let writes = vec![
        chore,
        Write::Delete(found.key.clone(), Condition::Rev(found.rev)),
        Write::Delete(keys::file_uses(handle, name), Condition::Uncounted),
        Write::Count {
            key: keys::object(handle, &object),
            kind: "object",
            by: -1,
            condition: Condition::Always,
        },
        task::chore(
            work.now,
            &Chore::Object {
                handle,
                name: object,
            },
        )?,
    ];
    match work.table.write(writes).await {
        Ok(()) => Ok(true),
        // Another run was first, or a use came: the next run sees which.
        Err(StoreError::Condition { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

//! Uploaded files that nothing uses.

use super::run::Run;
use crate::base::error::Error;
use crate::base::id::TenantId;
use crate::domain::apps::file;
use crate::model::apps::file::{FileUses, StoredFile};
use crate::model::task;
use crate::model::task::Task;
use crate::store::record::Stored;
use crate::store::{Condition, StoreError, Write, keys};

/// Removes an uploaded file that nothing uses: its record, then its object through its count. A use
/// that comes at the same moment wins, and the file stays. Gives whether it went.
///
/// # Errors
/// The store's.
pub(super) async fn remove(
    run: &Run<'_>,
    tenant_id: TenantId,
    name: &str,
    task: Write,
) -> Result<bool, Error> {
    let mut reader = run.reader();
    reader
        .fetch(
            vec![
                keys::file(tenant_id, name),
                keys::file_uses(tenant_id, name),
            ],
            Vec::new(),
        )
        .await?;
    let uses: Option<Stored<FileUses>> = reader.get(&keys::file_uses(tenant_id, name)).await?;
    let found: Option<Stored<StoredFile>> = file::find(&mut reader, tenant_id, name).await?;
    let Some(found) = found.filter(|_| uses.is_none_or(|uses| uses.count <= 0)) else {
        // Gone, or in use: whoever ends the last use writes another task.
        run.finish(vec![task]).await?;
        return Ok(false);
    };
    let object = found.value.object(tenant_id);
    let writes = vec![
        task,
        Write::Delete(found.key.clone(), Condition::Rev(found.rev)),
        Write::Delete(keys::file_uses(tenant_id, name), Condition::Uncounted),
        Write::Count {
            key: keys::object(tenant_id, &object),
            kind: "object",
            by: -1,
            condition: Condition::Always,
        },
        task::task(
            run.now,
            &Task::Object {
                tenant_id,
                name: object,
            },
        )?,
    ];
    match run.table.write(writes).await {
        Ok(()) => Ok(true),
        // Another run was first, or a use came: the next run sees which.
        Err(StoreError::Condition { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

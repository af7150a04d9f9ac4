//! What belonged to a deleted app.

use super::run::Run;
use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::domain::apps::file;
use crate::model::apps::document::Document;
use crate::store::record::{Record, Stored};
use crate::store::{Condition, Item, Query, StoreError, Write, keys};

/// How many records one transaction removes: each may use a file, which makes two more writes.
const MAX_PARTS_AT_ONCE: u32 = 30;

/// How often another run may be faster.
const INTERRUPTIONS: u32 = 20;

/// Removes all that belonged to a deleted app; gives whether this run was the one that ended it.
///
/// # Errors
/// The store's.
pub(super) async fn remove(
    run: &Run<'_>,
    tenant_id: TenantId,
    app: AppId,
    task: Write,
) -> Result<bool, Error> {
    remove_records(run, tenant_id, app).await?;
    run.finish(vec![task]).await
}

/// Removes everything in an app's partition, as often as it takes, and takes back the uses of files
/// with the records that name them; what a crash leaves the next run removes.
async fn remove_records(run: &Run<'_>, tenant_id: TenantId, app: AppId) -> Result<(), Error> {
    let mut interrupted = 0;
    loop {
        let page = run
            .table
            .query(&Query::all(keys::app_parts(tenant_id, app)).limit(Some(MAX_PARTS_AT_ONCE)))
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
        writes.extend(file::uses(tenant_id, &used, &[], run.now)?);
        match run.table.write(writes).await {
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

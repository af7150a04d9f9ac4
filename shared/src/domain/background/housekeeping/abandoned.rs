//! Files that a deleted app used.

use super::run::Run;
use crate::base::error::Error;
use crate::base::id::TenantId;
use crate::domain::apps::file;
use crate::store::Write;

/// Takes back the uses of files by a deleted app; `files` names each once per use.
///
/// # Errors
/// The store's.
pub(super) async fn take_back(
    run: &Run<'_>,
    tenant_id: TenantId,
    files: &[String],
    task: Write,
) -> Result<(), Error> {
    let mut writes = vec![task];
    writes.extend(file::uses(tenant_id, files, &[], run.now)?);
    run.finish(writes).await?;
    Ok(())
}

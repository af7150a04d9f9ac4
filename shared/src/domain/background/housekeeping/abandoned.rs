//! Files that a deleted app used.

use super::work::Work;
use crate::base::error::Error;
use crate::base::id::Handle;
use crate::domain::apps::file;
use crate::store::Write;

/// Takes back the uses of files by a deleted app; `files` names each once per use.
///
/// # Errors
/// The store's.
pub(super) async fn take_back(
    work: &Work<'_>,
    handle: Handle,
    files: &[String],
    chore: Write,
) -> Result<(), Error> {
    let mut writes = vec![chore];
    writes.extend(file::uses(handle, files, &[], work.now)?);
    work.finish(writes).await?;
    Ok(())
}

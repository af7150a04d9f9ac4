//! Work on the disk, off the threads that answer.

use s3s::{S3Error, S3Result};

/// Runs work that blocks on a thread where it may block.
///
/// # Errors
/// The work's own error, and an internal one if the work panicked.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> S3Result<T> + Send + 'static,
) -> S3Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(S3Error::internal_error(error)),
    }
}

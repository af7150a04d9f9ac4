//! Parsers of other people run here: a panic becomes a refusal, and recursion has room.

use std::thread;

use crate::refusal::{ReadError, RefusalCode, refused};

/// Bytes of stack. With the byte limits on what is parsed, no document can nest deeply enough to
/// fill it.
const STACK: usize = 64 * 1024 * 1024;

/// Runs `parse` on a thread with a deep stack and gives back what it gives; its panic is an
/// `unreadable`.
pub(crate) fn isolated<T: Send>(
    what: &str,
    parse: impl FnOnce() -> Result<T, ReadError> + Send,
) -> Result<T, ReadError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("package-reader".into())
            .stack_size(STACK)
            .spawn_scoped(scope, parse);
        match thread.map_err(ReadError::Source)?.join() {
            Ok(result) => result,
            Err(_) => Err(refused(
                RefusalCode::Unreadable,
                format!("{what} is damaged and cannot be read."),
            )),
        }
    })
}

//! Requests of `rhmap-events`.

use super::Entry;

pub(super) fn entries() -> Vec<Entry> {
    Vec::new()
}

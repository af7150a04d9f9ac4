//! Requests of `rhmap-alerts`.

use super::Entry;

pub(super) fn entries() -> Vec<Entry> {
    Vec::new()
}

//! Requests of `rhmap-endpoint-security`.

use super::Entry;

pub(super) fn entries() -> Vec<Entry> {
    Vec::new()
}

//! A table that notes which items are written, so that looking at everything again reads those
//! alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use shared::store::{Item, Key, Page, Query, StoreError, Table, Write};

/// Which items may differ from what was last looked at.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    /// Written since the last look.
    written: BTreeSet<Key>,
    /// Being written, and by how many calls.
    under_way: BTreeMap<Key, usize>,
    /// Of calls that nobody waits for any more: the store may still do them, at any time.
    given_up: BTreeSet<Key>,
}

impl Notes {
    /// The keys of all items that may have changed since the last call.
    pub fn take(&self) -> BTreeSet<Key> {
        self.with(|noted| {
            let mut keys = std::mem::take(&mut noted.written);
            keys.extend(noted.under_way.keys().cloned());
            keys.extend(noted.given_up.iter().cloned());
            keys
        })
    }

    /// Notes items that somebody wrote past the table.
    pub fn add(&self, keys: impl IntoIterator<Item = Key>) {
        self.with(|noted| noted.written.extend(keys));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Noted) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begin(&self, keys: Vec<Key>) -> UnderWay {
        self.with(|noted| {
            for key in &keys {
                *noted.under_way.entry(key.clone()).or_default() += 1;
            }
        });
        UnderWay {
            notes: self.clone(),
            keys,
            is_answered: false,
        }
    }
}

/// One call that writes.
struct UnderWay {
    notes: Notes,
    keys: Vec<Key>,
    is_answered: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let keys = std::mem::take(&mut self.keys);
        self.notes.with(|noted| {
            for key in keys {
                if let Some(calls) = noted.under_way.get_mut(&key) {
                    *calls -= 1;
                    if *calls == 0 {
                        noted.under_way.remove(&key);
                    }
                }
                if self.is_answered {
                    noted.written.insert(key);
                } else {
                    noted.given_up.insert(key);
                }
            }
        });
    }
}

/// Notes what goes to the table inside.
pub struct NotingTable<T> {
    inner: T,
    notes: Notes,
}

impl<T> NotingTable<T> {
    /// Notes in `notes` what is written to `inner`.
    pub fn new(inner: T, notes: Notes) -> Self {
        Self { inner, notes }
    }
}

#[async_trait]
impl<T: Table> Table for NotingTable<T> {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.inner.read(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.inner.query(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let keys = writes.iter().map(|write| write.key().clone()).collect();
        let mut under_way = self.notes.begin(keys);
        let result = self.inner.write(writes).await;
        // The SDK gives up waiting for an answer that comes late, and the store may go on.
        under_way.is_answered = !matches!(result, Err(StoreError::Unavailable(_)));
        result
    }
}

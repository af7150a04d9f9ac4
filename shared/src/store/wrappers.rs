//! Tables around a table: one tells of new items, as a stream does; for tests and benchmarks one
//! counts, and one fails where it is told to.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::sync::mpsc::UnboundedSender;

use crate::store::{Condition, Item, Key, Page, Query, StoreError, Table, Write};

/// What a [`CountingTable`] saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls to the table.
    pub calls: usize,
    /// The longest chain of calls of which each began after the one before had ended.
    pub depth: usize,
    /// The items that reads and queries gave.
    pub items: usize,
    /// The DynamoDB actions that the calls needed permission for, such as `dynamodb:GetItem`.
    pub actions: BTreeSet<&'static str>,
}

/// Counts calls and their depth.
pub struct CountingTable<T> {
    inner: T,
    seen: Mutex<Counts>,
}

impl<T> CountingTable<T> {
    /// Counts what goes to `inner`.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            seen: Mutex::default(),
        }
    }

    /// What was seen since the last time, and begins anew.
    pub fn take(&self) -> Counts {
        std::mem::take(
            &mut *self
                .seen
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    async fn begin(&self, actions: &[&'static str]) -> usize {
        let level = {
            let mut seen = self
                .seen
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            seen.calls += 1;
            seen.actions.extend(actions);
            seen.depth + 1
        };
        // A store on the same machine may answer before the calls beside this one have begun.
        tokio::task::yield_now().await;
        level
    }

    fn end(&self, level: usize, items: usize) {
        let mut seen = self
            .seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.depth = seen.depth.max(level);
        seen.items += items;
    }
}

fn actions(writes: &[Write]) -> Vec<&'static str> {
    writes
        .iter()
        .map(|write| match write {
            Write::Put(..) => "dynamodb:PutItem",
            Write::Delete(..) => "dynamodb:DeleteItem",
            Write::Count { .. } | Write::Tally { .. } | Write::Close(..) | Write::Owner(..) => {
                "dynamodb:UpdateItem"
            }
            Write::Check(..) => "dynamodb:ConditionCheckItem",
        })
        .collect()
}

#[async_trait]
impl<T: Table> Table for CountingTable<T> {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        let level = self
            .begin(&[if keys.len() == 1 {
                "dynamodb:GetItem"
            } else {
                "dynamodb:BatchGetItem"
            }])
            .await;
        let result = self.inner.read(keys).await;
        self.end(
            level,
            result
                .as_ref()
                .map_or(0, |found| found.iter().flatten().count()),
        );
        result
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let level = self.begin(&["dynamodb:Query"]).await;
        let result = self.inner.query(query).await;
        self.end(level, result.as_ref().map_or(0, |page| page.items.len()));
        result
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let level = self.begin(&actions(&writes)).await;
        let result = self.inner.write(writes).await;
        self.end(level, 0);
        result
    }
}

/// How a [`FailingTable`] fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is not made.
    Unavailable,
    /// The call is not made: throttled.
    Throttled,
    /// A write is not made: another request was first. Reads throttle.
    Conflict,
    /// Keys of a read, or a transaction's items, stayed unprocessed.
    Unprocessed,
    /// The call is made, and its answer is lost.
    NotAcknowledged,
    /// The call is not made: the table refuses it, and would refuse it each time.
    Refused,
    /// A write is not made: an item of it is too large. Reads are refused.
    TooLarge,
}

impl Fault {
    /// Those that another try may not meet.
    pub const PASSING: [Self; 5] = [
        Self::Unavailable,
        Self::Throttled,
        Self::Conflict,
        Self::Unprocessed,
        Self::NotAcknowledged,
    ];

    /// Those that every other try would meet too.
    pub const PERMANENT: [Self; 2] = [Self::Refused, Self::TooLarge];
}

/// Fails at one call.
pub struct FailingTable<T> {
    inner: T,
    plan: Mutex<Option<(usize, Fault)>>,
    calls: AtomicUsize,
}

impl<T> FailingTable<T> {
    /// Passes everything to `inner` until it is told to fail.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            plan: Mutex::new(None),
            calls: AtomicUsize::new(0),
        }
    }

    /// Fails with `fault` at the `at`-th call from now (0 is the next one); later calls pass.
    pub fn fail(&self, at: usize, fault: Fault) {
        self.calls.store(0, Ordering::SeqCst);
        *self
            .plan
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some((at, fault));
    }

    /// Stops failing; says whether the planned fault happened.
    pub fn heal(&self) -> bool {
        let plan = self
            .plan
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        plan.is_some_and(|(at, _)| self.calls.load(Ordering::SeqCst) > at)
    }

    fn fault(&self) -> Option<Fault> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let plan = self
            .plan
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        plan.and_then(|(at, fault)| (at == call).then_some(fault))
    }
}

fn injected(fault: Fault) -> StoreError {
    match fault {
        Fault::Unavailable | Fault::NotAcknowledged => {
            StoreError::Unavailable("injected".to_owned())
        }
        Fault::Throttled | Fault::Conflict | Fault::Unprocessed => {
            StoreError::Contended("injected".to_owned())
        }
        Fault::Refused | Fault::TooLarge => StoreError::Refused("injected".to_owned()),
    }
}

#[async_trait]
impl<T: Table> Table for FailingTable<T> {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        match self.fault() {
            Some(fault) => Err(injected(fault)),
            None => self.inner.read(keys).await,
        }
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        match self.fault() {
            Some(fault) => Err(injected(fault)),
            None => self.inner.query(query).await,
        }
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        match self.fault() {
            Some(Fault::NotAcknowledged) => {
                self.inner.write(writes).await?;
                Err(injected(Fault::NotAcknowledged))
            }
            Some(Fault::TooLarge) => Err(StoreError::TooLarge("injected".to_owned())),
            Some(Fault::Conflict) => {
                // The first condition that another request can break; without one the transaction
                // itself collides.
                let conditional = writes.iter().position(|write| {
                    matches!(
                        write,
                        Write::Put(_, Condition::Rev(_)) | Write::Delete(_, Condition::Rev(_))
                    )
                });
                Err(conditional
                    .map_or(injected(Fault::Conflict), |at| StoreError::Condition { at }))
            }
            Some(fault) => Err(injected(fault)),
            None => self.inner.write(writes).await,
        }
    }
}

/// Tells of new items of one kind once they are written: what the table's stream does on AWS. What
/// is told is where they are.
pub struct TellingTable<T> {
    inner: T,
    kind: &'static str,
    tell: UnboundedSender<Key>,
}

impl<T> TellingTable<T> {
    /// Tells `tell` of items of that kind that are new in `inner`.
    pub fn new(inner: T, kind: &'static str, tell: UnboundedSender<Key>) -> Self {
        Self { inner, kind, tell }
    }
}

#[async_trait]
impl<T: Table> Table for TellingTable<T> {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.inner.read(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.inner.query(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let new = |write: &Write| match write {
            Write::Put(item, Condition::Absent) if item.kind == self.kind => Some(item.key.clone()),
            _ => None,
        };
        let told: Vec<Key> = writes.iter().filter_map(new).collect();
        self.inner.write(writes).await?;
        for key in told {
            if self.tell.send(key).is_err() {
                tracing::warn!(kind = self.kind, "nobody listens to new items any more");
            }
        }
        Ok(())
    }
}

#[async_trait]
impl<T: Table + ?Sized> Table for std::sync::Arc<T> {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        (**self).read(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        (**self).query(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        (**self).write(writes).await
    }
}

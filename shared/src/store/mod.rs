//! Storage of records: one DynamoDB table behind one trait of three verbs on items. There is no
//! scan.

pub mod dynamo;
pub mod keys;
pub mod record;
pub mod wrappers;

use std::fmt;

use async_trait::async_trait;

use crate::base::error::Error;

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Condition { .. } => Self {
                cause: Some(error.to_string()),
                ..Self::conflict("The record was changed by another request, please try again")
            },
            // Nothing was changed, and the same request may succeed: what clients take 503 for.
            StoreError::Contended(_) | StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::TooLarge(_) => Self {
                cause: Some(error.to_string()),
                ..Self::too_large("The record would become too large")
            },
            // No repetition cures these: the log counts them as defects.
            StoreError::Corrupt(_) | StoreError::Refused(_) => Self::internal(error),
        }
    }
}

/// Where an item is: partition key and sort key. Made in [`keys`] only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.pk, self.sk)
    }
}

/// An item as it is kept. The record itself is one text of JSON: it is parsed eight times as fast
/// as an attribute map, and conditions need no more than the attributes beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub key: Key,
    /// The kind of record.
    pub kind: String,
    /// The schema version of the record.
    pub schema: u32,
    /// Counts the writes to this item; conditions compare it.
    pub rev: u64,
    /// The record as JSON.
    pub body: String,
    /// The copy of a credential's owner, replaced without reading the item.
    pub owner: Option<String>,
    /// A counter, changed without reading the item.
    pub count: i64,
    /// Seconds since 1970 from which on the item counts as absent. DynamoDB removes it within days
    /// after.
    pub expires: Option<i64>,
}

/// What must hold for a write to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is no item with this key.
    Absent,
    /// There is one.
    Present,
    /// There is one, and it has this revision.
    Rev(u64),
    /// There is no item, or its time is over: the key may be taken.
    AbsentOrExpired {
        /// Now, in seconds since 1970.
        now: i64,
    },
    /// The counter is zero or less.
    Uncounted,
    /// There is no item, or its body is not closed (see [`Write::Count`]).
    Open,
    /// The counter is less than this, or there is no item.
    Below(i64),
}

/// One change of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Writes the item whole.
    Put(Item, Condition),
    /// Removes it.
    Delete(Key, Condition),
    /// Adds to the counter, making the item where there is none. [`Condition::Open`] refuses a
    /// closed one.
    Count {
        /// Which item.
        key: Key,
        /// The kind of record, for an item that is made by this.
        kind: &'static str,
        /// How much is added.
        by: i64,
        /// What must hold.
        condition: Condition,
    },
    /// Adds to a counter whose time ends, making the item where there is none.
    Tally {
        /// Which item.
        key: Key,
        /// The kind of record, for an item that is made by this.
        kind: &'static str,
        /// How much is added.
        by: i64,
        /// Seconds since 1970 from which on an item that is made by this counts as absent.
        expires: i64,
        /// What must hold.
        condition: Condition,
    },
    /// Closes a counter: no further [`Condition::Open`] count succeeds until the item is removed.
    Close(Key, Condition),
    /// Replaces the copy of a credential's owner, if the credential is still there.
    Owner(Key, String),
    /// Changes nothing, and refuses the transaction where the condition does not hold.
    Check(Key, Condition),
}

impl Write {
    /// Which item it changes.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(item, _) => &item.key,
            Self::Delete(key, _)
            | Self::Close(key, _)
            | Self::Owner(key, _)
            | Self::Check(key, _) => key,
            Self::Count { key, .. } | Self::Tally { key, .. } => key,
        }
    }
}

/// A reading of one partition in the order of the sort keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The partition.
    pub pk: String,
    /// Only sort keys that begin so; empty for all.
    pub prefix: String,
    /// Only sort keys after this one (before it, when newest first).
    pub after: Option<String>,
    /// Largest sort keys first.
    pub newest_first: bool,
    /// At most so many items; `None` for as many as one call gives (1 MB).
    pub limit: Option<u32>,
}

impl Query {
    /// Everything in the partition.
    pub fn all(pk: String) -> Self {
        Self {
            pk,
            prefix: String::new(),
            after: None,
            newest_first: false,
            limit: None,
        }
    }

    /// Only sort keys after (or before, newest first) this one.
    pub fn after(mut self, sk: Option<String>) -> Self {
        self.after = sk;
        self
    }

    /// At most so many items.
    pub fn limit(mut self, limit: Option<u32>) -> Self {
        self.limit = limit;
        self
    }
}

/// What one call of a query gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The items, in order.
    pub items: Vec<Item>,
    /// The sort key to go on after; `None` at the end.
    pub next: Option<String>,
}

/// Most actions in one transaction.
pub const MAX_TRANSACTION: usize = 100;

/// Most keys in one read.
pub const MAX_READ: usize = 100;

/// Why the store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// A condition did not hold; nothing was changed. `at` is the place of the write in its
    /// transaction.
    Condition {
        /// Index into the writes.
        at: usize,
    },
    /// Throttled, or another transaction holds an item; nothing was changed, trying again may
    /// succeed.
    Contended(String),
    /// No answer or an error; a write may or may not have been applied.
    Unavailable(String),
    /// The table refuses the request, and would refuse it each time: it is not valid, the table is
    /// not there, or the function may not use it. Nothing was changed.
    Refused(String),
    /// An item beyond 400 KB, or a transaction beyond its limits.
    TooLarge(String),
    /// An item that cannot be read.
    Corrupt(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition { at } => write!(f, "the condition of write {at} does not hold"),
            Self::Contended(cause) => write!(f, "contended: {cause}"),
            Self::Unavailable(cause) => write!(f, "store unavailable: {cause}"),
            Self::Refused(cause) => write!(f, "refused: {cause}"),
            Self::TooLarge(cause) => write!(f, "too large: {cause}"),
            Self::Corrupt(cause) => write!(f, "corrupt item: {cause}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// The table: three verbs. All reads are strongly consistent.
#[async_trait]
pub trait Table: Send + Sync {
    /// Reads up to [`MAX_READ`] items by key, in the order of the keys, `None` for those that are
    /// not there.
    ///
    /// # Errors
    /// [`StoreError::Contended`] when keys stay unprocessed, [`StoreError::Unavailable`],
    /// [`StoreError::Refused`], [`StoreError::Corrupt`].
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError>;

    /// Reads one page of one partition: one call, at most 1 MB.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    async fn query(&self, query: &Query) -> Result<Page, StoreError>;

    /// Does all writes or none, at most [`MAX_TRANSACTION`], no two on one item.
    ///
    /// # Errors
    /// [`StoreError::Condition`] and [`StoreError::Contended`] when nothing was changed,
    /// [`StoreError::Unavailable`] when it is not known, [`StoreError::Refused`],
    /// [`StoreError::TooLarge`].
    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError>;
}

//! Records as typed values over items: reading, and the writes that keep revision and schema right.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::store::{Condition, Item, Key, MAX_READ, Page, Query, StoreError, Table, Write};

/// A kind of record.
pub trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// Its name in the table's attribute `kind`.
    const KIND: &'static str;
    /// The version of its shape. A change of shape raises it, and [`upgrade`](Self::upgrade) reads
    /// the older ones.
    const SCHEMA: u32 = 1;

    /// Brings a record of an older version into today's shape.
    fn upgrade(_from: u32, body: serde_json::Value) -> serde_json::Value {
        body
    }

    /// From when on it counts as absent.
    fn expires(&self) -> Option<Timestamp> {
        None
    }

    /// The copy of its owner as JSON, for records that are credentials.
    ///
    /// # Errors
    /// That of writing it as JSON.
    fn owner(&self) -> Result<Option<String>, serde_json::Error> {
        Ok(None)
    }
}

/// A record as it was read, with what a later write of it needs.
#[derive(Clone, Debug)]
pub struct Stored<R> {
    /// The record.
    pub value: R,
    /// Its item's key.
    pub key: Key,
    /// Its item's revision.
    pub rev: u64,
    /// Its item's counter.
    pub count: i64,
    /// The copy of the owner beside it.
    pub owner: Option<String>,
}

impl<R: Record> Stored<R> {
    /// Reads an item as this kind of record.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an item of another kind or a newer version, or one that does not
    /// parse.
    pub fn parse(item: Item) -> Result<Self, StoreError> {
        let corrupt = |why: String| StoreError::Corrupt(format!("{:?}: {why}", item.key));
        if item.kind != R::KIND {
            return Err(corrupt(format!(
                "kind {} where {} is kept",
                item.kind,
                R::KIND
            )));
        }
        let value = if item.schema == R::SCHEMA {
            serde_json::from_str(&item.body)
        } else if item.schema < R::SCHEMA {
            serde_json::from_str(&item.body)
                .and_then(|body| serde_json::from_value(R::upgrade(item.schema, body)))
        } else {
            return Err(corrupt(format!(
                "version {} is newer than {}",
                item.schema,
                R::SCHEMA
            )));
        };
        let value = value.map_err(|error| corrupt(error.to_string()))?;
        Ok(Self {
            value,
            rev: item.rev,
            count: item.count,
            owner: item.owner,
            key: item.key,
        })
    }

    /// The write that replaces the record as it was read by its present value.
    ///
    /// # Errors
    /// [`Error::internal`] when the record cannot be written as JSON.
    pub fn replace(&self) -> Result<Write, Error> {
        let mut item = item(self.key.clone(), &self.value, self.rev + 1)?;
        item.count = self.count;
        item.owner = item.owner.or_else(|| self.owner.clone());
        Ok(Write::Put(item, Condition::Rev(self.rev)))
    }

    /// The write that removes the record if it is still as it was read.
    pub fn remove(&self) -> Write {
        Write::Delete(self.key.clone(), Condition::Rev(self.rev))
    }
}

fn item<R: Record>(key: Key, record: &R, rev: u64) -> Result<Item, Error> {
    Ok(Item {
        key,
        kind: R::KIND.to_owned(),
        schema: R::SCHEMA,
        rev,
        body: serde_json::to_string(record).map_err(Error::internal)?,
        owner: record.owner().map_err(Error::internal)?,
        count: 0,
        expires: record.expires().map(Timestamp::seconds),
    })
}

/// The write of a record that must not be there yet.
///
/// # Errors
/// [`Error::internal`] when the record cannot be written as JSON.
pub fn create<R: Record>(key: Key, record: &R) -> Result<Write, Error> {
    Ok(Write::Put(item(key, record, 1)?, Condition::Absent))
}

/// The write of a record under that condition.
///
/// # Errors
/// As [`create`].
pub fn put<R: Record>(key: Key, record: &R, condition: Condition) -> Result<Write, Error> {
    Ok(Write::Put(item(key, record, 1)?, condition))
}

/// Reads for one request: what the pipeline fetched together with the credential is answered
/// without a call.
pub struct Reader<'a> {
    table: &'a dyn Table,
    now: Timestamp,
    fetched: HashMap<Key, Option<Item>>,
    pages: Vec<(Query, Page)>,
}

impl<'a> Reader<'a> {
    /// A reader with nothing fetched.
    pub fn new(table: &'a dyn Table, now: Timestamp) -> Self {
        Self {
            table,
            now,
            fetched: HashMap::new(),
            pages: Vec::new(),
        }
    }

    /// Fetches keys and the first pages of queries side by side, for later [`get`](Self::get) and
    /// [`query`](Self::query).
    ///
    /// # Errors
    /// The store's.
    pub async fn fetch(&mut self, keys: Vec<Key>, queries: Vec<Query>) -> Result<(), Error> {
        let table = self.table;
        let reads =
            futures_util::future::join_all(keys.chunks(MAX_READ).map(|chunk| table.read(chunk)));
        let pages = futures_util::future::join_all(queries.iter().map(|query| table.query(query)));
        let (found, pages) = tokio::join!(reads, pages);
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        self.keep(&keys, found);
        for (query, page) in queries.into_iter().zip(pages) {
            self.pages.push((query, page?));
        }
        Ok(())
    }

    fn keep(&mut self, keys: &[Key], found: Vec<Option<Item>>) {
        let now = self.now;
        let live = found
            .into_iter()
            .map(|item| item.filter(|item| item.expires.is_none_or(|at| at > now.seconds())));
        self.fetched.extend(keys.iter().cloned().zip(live));
    }

    /// The record under `key`, `None` where there is none or its time is over.
    ///
    /// # Errors
    /// The store's.
    pub async fn get<R: Record>(&mut self, key: &Key) -> Result<Option<Stored<R>>, Error> {
        if !self.fetched.contains_key(key) {
            self.fetch(vec![key.clone()], Vec::new()).await?;
        }
        let item = self.fetched.get(key).cloned().flatten();
        Ok(item.map(Stored::parse).transpose()?)
    }

    /// The records under `keys`, in their order: one call for those that were not fetched.
    ///
    /// # Errors
    /// The store's.
    pub async fn get_all<R: Record>(
        &mut self,
        keys: &[Key],
    ) -> Result<Vec<Option<Stored<R>>>, Error> {
        self.fetch_missing(keys).await?;
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            records.push(
                self.fetched
                    .get(key)
                    .cloned()
                    .flatten()
                    .map(Stored::parse)
                    .transpose()?,
            );
        }
        Ok(records)
    }

    /// Fetches those of `keys` that were not fetched yet, in one call.
    ///
    /// # Errors
    /// The store's.
    pub async fn fetch_missing(&mut self, keys: &[Key]) -> Result<(), Error> {
        let missing: Vec<Key> = keys
            .iter()
            .filter(|key| !self.fetched.contains_key(key))
            .cloned()
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            self.fetch(missing, Vec::new()).await
        }
    }

    /// The same with the first pages of queries side by side.
    ///
    /// # Errors
    /// The store's.
    pub async fn fetch_beside(&mut self, keys: &[Key], queries: Vec<Query>) -> Result<(), Error> {
        let missing: Vec<Key> = keys
            .iter()
            .filter(|key| !self.fetched.contains_key(key))
            .cloned()
            .collect();
        let queries: Vec<Query> = queries
            .into_iter()
            .filter(|query| !self.pages.iter().any(|(asked, _)| asked == query))
            .collect();
        if missing.is_empty() && queries.is_empty() {
            Ok(())
        } else {
            self.fetch(missing, queries).await
        }
    }

    /// One page of a query.
    ///
    /// # Errors
    /// The store's.
    pub async fn query(&mut self, query: &Query) -> Result<Page, Error> {
        let page = match self.pages.iter().position(|(asked, _)| asked == query) {
            Some(at) => self.pages.swap_remove(at).1,
            None => self.table.query(query).await?,
        };
        let live = page
            .items
            .into_iter()
            .filter(|item| item.expires.is_none_or(|at| at > self.now.seconds()));
        Ok(Page {
            items: live.collect(),
            next: page.next,
        })
    }

    /// Every item of a query, however many pages it has: one call per MB.
    ///
    /// # Errors
    /// The store's.
    pub async fn all(&mut self, mut query: Query) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        loop {
            let page = self.query(&query).await?;
            items.extend(page.items);
            if page.next.is_none() {
                return Ok(items);
            }
            query.after = page.next;
        }
    }

    /// Forgets what was fetched: the next reads go to the table.
    pub fn forget(&mut self) {
        self.fetched.clear();
        self.pages.clear();
    }

    /// The table, for writes.
    pub fn table(&self) -> &'a dyn Table {
        self.table
    }

    /// The moment of this request.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

/// Most tries of a change that others interrupt.
const TRIES: u32 = 40;

/// How often a change begins again that has read records which contradict each other.
const TORN_TRIES: u32 = 5;

/// The tries of a change; see [`change!`](crate::change).
#[derive(Default)]
pub struct Tries {
    done: u32,
    torn: u32,
}

impl Tries {
    /// Whether a try that ended with that error is made again: another request may have changed one
    /// of the records between two reads. What was fetched is forgotten then.
    pub async fn again(&mut self, reader: &mut Reader<'_>, error: &Error) -> bool {
        let again = error.is_torn && self.torn < TORN_TRIES;
        if again {
            self.torn += 1;
            self.wait(reader).await;
        }
        again
    }

    /// Waits for a moment that grows with the tries, and forgets what was fetched.
    async fn wait(&mut self, reader: &mut Reader<'_>) {
        self.done += 1;
        let most = 2_u64 << self.done.min(7);
        tokio::time::sleep(Duration::from_millis(rand::random_range(1..=most))).await;
        reader.forget();
    }

    /// Does the writes of one try. `false` when another request was first: then what was fetched is
    /// forgotten, and the change begins again.
    ///
    /// # Errors
    /// A conflict where a name is taken, or after 40 tries; the store's.
    pub async fn write(
        &mut self,
        reader: &mut Reader<'_>,
        writes: Vec<Write>,
    ) -> Result<bool, Error> {
        if writes.is_empty() {
            return Ok(true);
        }
        // A lost claim of a name cannot be won by another try; a record that moved on can.
        let again: Vec<bool> = writes
            .iter()
            .map(|write| !matches!(write, Write::Put(_, Condition::Absent)))
            .collect();
        match reader.table().write(writes).await {
            Ok(()) => return Ok(true),
            Err(StoreError::Condition { at })
                if self.done < TRIES && again.get(at).copied().unwrap_or(false) => {}
            Err(StoreError::Contended(_)) if self.done < TRIES => {}
            Err(StoreError::Condition { .. }) => {
                return Err(Error::conflict(
                    "It exists already or was changed by another request",
                ));
            }
            Err(error) => return Err(error.into()),
        }
        self.wait(reader).await;
        Ok(false)
    }
}

/// One try of a change, as it is: this only tells the compiler what an async block gives.
///
/// # Errors
/// What the try gives.
pub async fn one_try<T>(
    body: impl Future<Output = Result<(T, Vec<Write>), Error>>,
) -> Result<(T, Vec<Write>), Error> {
    body.await
}

/// Does a change that reads, decides and writes under conditions, and begins again with fresh reads
/// when another request was first, or changed something between two reads. The body gives its
/// answer and its writes; it must have no effects of its own.
///
/// A macro and not a function, since the future of an async closure cannot be required to be
/// `Send`.
#[macro_export]
macro_rules! change {
    ($reader:ident, $body:block) => {
        // A block of its own, so that an error is the value of the change and not the end of the
        // function around it.
        async {
            let mut tries = $crate::store::record::Tries::default();
            loop {
                match $crate::store::record::one_try(async { $body }).await {
                    Ok((answer, writes)) => {
                        if tries.write($reader, writes).await? {
                            break Ok::<_, $crate::Error>(answer);
                        }
                    }
                    Err(error) => {
                        if !tries.again($reader, &error).await {
                            break Err(error);
                        }
                    }
                }
            }
        }
        .await
    };
}

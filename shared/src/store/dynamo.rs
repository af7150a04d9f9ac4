//! The table on DynamoDB.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, TransactWriteItem, Update,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::base::remote::is_permanent;
use crate::store::{Condition, Item, Key, MAX_TRANSACTION, Page, Query, StoreError, Table, Write};

type Attributes = HashMap<String, AttributeValue>;

/// How often a batch asks again for keys that DynamoDB left unprocessed.
const UNPROCESSED_ROUNDS: u32 = 6;

/// A DynamoDB table with the string keys `pk` and `sk` and the time-to-live attribute `expires`.
pub struct DynamoTable {
    client: Client,
    name: String,
}

impl DynamoTable {
    /// The table of that name, reached by that client.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
        }
    }
}

fn string(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key_attributes(key: &Key) -> Attributes {
    HashMap::from([
        ("pk".to_owned(), string(&key.pk)),
        ("sk".to_owned(), string(&key.sk)),
    ])
}

fn to_attributes(item: Item) -> Attributes {
    let mut attributes = key_attributes(&item.key);
    attributes.insert("kind".to_owned(), string(item.kind));
    attributes.insert("v".to_owned(), number(item.schema));
    attributes.insert("rev".to_owned(), number(item.rev));
    attributes.insert("d".to_owned(), string(item.body));
    attributes.insert("n".to_owned(), number(item.count));
    if let Some(owner) = item.owner {
        attributes.insert("own".to_owned(), string(owner));
    }
    if let Some(expires) = item.expires {
        attributes.insert("expires".to_owned(), number(expires));
    }
    attributes
}

fn from_attributes(mut attributes: Attributes) -> Result<Item, StoreError> {
    let mut text = |name: &str| match attributes.remove(name) {
        Some(AttributeValue::S(value) | AttributeValue::N(value)) => Some(value),
        _ => None,
    };
    let pk = text("pk").ok_or_else(|| StoreError::Corrupt("an item without pk".to_owned()))?;
    let sk = text("sk").ok_or_else(|| StoreError::Corrupt("an item without sk".to_owned()))?;
    let key = Key { pk, sk };
    let corrupt = |name: &str| StoreError::Corrupt(format!("{key:?}: {name}"));
    let mut whole = |name: &str, default: i64| match text(name) {
        Some(digits) => digits.parse::<i64>().map_err(|_| corrupt(name)),
        None => Ok(default),
    };
    let (schema, rev, count) = (whole("v", 1)?, whole("rev", 0)?, whole("n", 0)?);
    let expires = match text("expires") {
        Some(digits) => Some(digits.parse().map_err(|_| corrupt("expires"))?),
        None => None,
    };
    Ok(Item {
        kind: text("kind").unwrap_or_default(),
        schema: u32::try_from(schema).map_err(|_| corrupt("v"))?,
        rev: u64::try_from(rev).map_err(|_| corrupt("rev"))?,
        body: text("d").unwrap_or_else(|| "{}".to_owned()),
        owner: text("own"),
        count,
        expires,
        key,
    })
}

/// Most bytes of one item (400 KB).
const ITEM_BYTES: usize = 400 * 1024;

/// Most bytes of all items of one transaction (4 MB).
const WRITE_BYTES: usize = 4 * 1024 * 1024;

/// The bytes that DynamoDB counts for an item: names and texts in UTF-8, and for numbers half a
/// byte a digit and one. It says no more than that a request is not valid when there are too many.
fn size(item: &Item) -> usize {
    let text = |name: &str, value: &str| name.len() + value.len();
    let number = |name: &str, value: i128| name.len() + value.to_string().len().div_ceil(2) + 1;
    text("pk", &item.key.pk)
        + text("sk", &item.key.sk)
        + text("kind", &item.kind)
        + text("d", &item.body)
        + item.owner.as_deref().map_or(0, |owner| text("own", owner))
        + number("v", item.schema.into())
        + number("rev", item.rev.into())
        + number("n", item.count.into())
        + item.expires.map_or(0, |at| number("expires", at.into()))
}

/// A condition as an expression with the values it names; `None` where nothing must hold.
fn expression(condition: &Condition) -> Option<(&'static str, Attributes)> {
    let value = |name: &str, value| HashMap::from([(name.to_owned(), value)]);
    match condition {
        Condition::Always => None,
        Condition::Absent => Some(("attribute_not_exists(pk)", HashMap::new())),
        Condition::Present => Some(("attribute_exists(pk)", HashMap::new())),
        Condition::Rev(rev) => Some(("rev = :rev", value(":rev", number(rev)))),
        Condition::AbsentOrExpired { now } => Some((
            "attribute_not_exists(pk) OR expires <= :now",
            value(":now", number(now)),
        )),
        Condition::Uncounted => Some((
            "attribute_not_exists(n) OR n <= :zero",
            value(":zero", number(0)),
        )),
        Condition::Open => Some(("attribute_not_exists(closed)", HashMap::new())),
        Condition::Below(most) => Some((
            "attribute_not_exists(n) OR n < :most",
            value(":most", number(most)),
        )),
    }
}

fn build_failure(error: impl std::fmt::Display) -> StoreError {
    StoreError::Refused(format!("request not built: {error}"))
}

impl DynamoTable {
    fn action(&self, write: Write) -> Result<TransactWriteItem, StoreError> {
        let action = TransactWriteItem::builder();
        let action = match write {
            Write::Put(item, condition) => {
                let (condition, values) = split(&condition);
                let put = Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(to_attributes(item)));
                action.put(
                    put.set_condition_expression(condition)
                        .set_expression_attribute_values(values)
                        .build()
                        .map_err(build_failure)?,
                )
            }
            Write::Delete(key, condition) => {
                let (condition, values) = split(&condition);
                let delete = Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&key)));
                action.delete(
                    delete
                        .set_condition_expression(condition)
                        .set_expression_attribute_values(values)
                        .build()
                        .map_err(build_failure)?,
                )
            }
            Write::Count {
                key,
                kind,
                by,
                condition,
            } => {
                let (condition, values) = split(&condition);
                let mut values = values.unwrap_or_default();
                values.insert(":by".to_owned(), number(by));
                values.insert(":one".to_owned(), number(1));
                values.insert(":kind".to_owned(), string(kind));
                let update = Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&key)))
                    .update_expression(
                        "SET kind = if_not_exists(kind, :kind), v = \
                        if_not_exists(v, :one) ADD n :by, rev :one",
                    )
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(Some(values));
                action.update(update.build().map_err(build_failure)?)
            }
            Write::Tally {
                key,
                kind,
                by,
                expires,
                condition,
            } => {
                let (condition, values) = split(&condition);
                let mut values = values.unwrap_or_default();
                values.insert(":by".to_owned(), number(by));
                values.insert(":one".to_owned(), number(1));
                values.insert(":kind".to_owned(), string(kind));
                values.insert(":expires".to_owned(), number(expires));
                let update = Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&key)))
                    .update_expression(
                        "SET kind = if_not_exists(kind, :kind), v = if_not_exists(v, :one), \
                            expires = if_not_exists(expires, :expires) ADD n :by, rev :one",
                    )
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(Some(values));
                action.update(update.build().map_err(build_failure)?)
            }
            Write::Close(key, condition) => {
                let (condition, values) = split(&condition);
                let mut values = values.unwrap_or_default();
                values.insert(":one".to_owned(), number(1));
                let update = Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&key)))
                    .update_expression("SET closed = :one ADD rev :one")
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(Some(values));
                action.update(update.build().map_err(build_failure)?)
            }
            Write::Owner(key, owner) => {
                let update = Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&key)))
                    .update_expression("SET own = :own")
                    .condition_expression("attribute_exists(pk)")
                    .expression_attribute_values(":own", string(owner));
                action.update(update.build().map_err(build_failure)?)
            }
            Write::Check(key, condition) => {
                let (condition, values) = split(&condition);
                let check = ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&key)));
                let check = check
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values);
                action.condition_check(check.build().map_err(build_failure)?)
            }
        };
        Ok(action.build())
    }
}

fn split(condition: &Condition) -> (Option<String>, Option<Attributes>) {
    match expression(condition) {
        None => (None, None),
        Some((text, values)) => (
            Some(text.to_owned()),
            (!values.is_empty()).then_some(values),
        ),
    }
}

/// What a failed call means. Only the error's code is looked at: the texts differ between engines.
/// An item that is too large has no code of its own: what may be too large is measured before it
/// is sent.
fn meaning<E>(error: &SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let Some(service) = error.as_service_error() else {
        let text = aws_sdk_dynamodb::error::DisplayErrorContext(error).to_string();
        return if is_permanent(error) {
            StoreError::Refused(text)
        } else {
            StoreError::Unavailable(text)
        };
    };
    let text = || {
        format!(
            "{}: {}",
            service.code().unwrap_or("?"),
            service.message().unwrap_or("")
        )
    };
    match service.code() {
        Some("ConditionalCheckFailedException") => StoreError::Condition { at: 0 },
        Some(
            "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TransactionConflictException"
            | "TransactionInProgressException",
        ) => StoreError::Contended(text()),
        Some("ItemCollectionSizeLimitExceededException") => StoreError::TooLarge(text()),
        _ if is_permanent(error) => StoreError::Refused(text()),
        _ => StoreError::Unavailable(text()),
    }
}

fn transaction_meaning(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> StoreError {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return meaning(error);
    };
    let reasons = cancelled.cancellation_reasons();
    if let Some(at) = reasons
        .iter()
        .position(|reason| reason.code() == Some("ConditionalCheckFailed"))
    {
        return StoreError::Condition { at };
    }
    let codes: Vec<&str> = reasons
        .iter()
        .filter_map(|reason| reason.code())
        .filter(|code| *code != "None")
        .collect();
    if codes.contains(&"ValidationError") {
        return StoreError::Refused(codes.join(", "));
    }
    if codes.contains(&"ItemCollectionSizeLimitExceeded") {
        return StoreError::TooLarge(codes.join(", "));
    }
    StoreError::Contended(codes.join(", "))
}

#[async_trait]
impl Table for DynamoTable {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        if let [key] = keys {
            let got = self
                .client
                .get_item()
                .table_name(&self.name)
                .set_key(Some(key_attributes(key)))
                .consistent_read(true)
                .send()
                .await;
            let item = got.map_err(|error| meaning(&error))?.item;
            return Ok(vec![item.map(from_attributes).transpose()?]);
        }
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut found: HashMap<Key, Item> = HashMap::with_capacity(keys.len());
        // BatchGetItem refuses a key that is named twice.
        let mut wanted: Vec<Key> = keys.to_vec();
        wanted.sort();
        wanted.dedup();
        let mut pending: Vec<Attributes> = wanted.iter().map(key_attributes).collect();
        for round in 0..UNPROCESSED_ROUNDS {
            if round > 0 {
                tokio::time::sleep(Duration::from_millis(10 << round)).await;
            }
            let request = KeysAndAttributes::builder()
                .set_keys(Some(pending))
                .consistent_read(true)
                .build()
                .map_err(build_failure)?;
            let got = self
                .client
                .batch_get_item()
                .request_items(&self.name, request)
                .send()
                .await
                .map_err(|error| meaning(&error))?;
            for attributes in got
                .responses
                .unwrap_or_default()
                .remove(&self.name)
                .unwrap_or_default()
            {
                let item = from_attributes(attributes)?;
                found.insert(item.key.clone(), item);
            }
            pending = got
                .unprocessed_keys
                .unwrap_or_default()
                .remove(&self.name)
                .map(|left| left.keys)
                .unwrap_or_default();
            if pending.is_empty() {
                return Ok(keys.iter().map(|key| found.get(key).cloned()).collect());
            }
        }
        Err(StoreError::Contended(format!(
            "{} keys stayed unprocessed",
            pending.len()
        )))
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let mut values = HashMap::from([(":pk".to_owned(), string(&query.pk))]);
        let mut condition = "pk = :pk".to_owned();
        if !query.prefix.is_empty() {
            condition.push_str(" AND begins_with(sk, :prefix)");
            values.insert(":prefix".to_owned(), string(&query.prefix));
        }
        let start = query.after.as_ref().map(|sk| {
            key_attributes(&Key {
                pk: query.pk.clone(),
                sk: sk.clone(),
            })
        });
        let got = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .set_exclusive_start_key(start)
            .scan_index_forward(!query.newest_first)
            .set_limit(
                query
                    .limit
                    .map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)),
            )
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| meaning(&error))?;
        let next = got
            .last_evaluated_key
            .and_then(|mut last| match last.remove("sk") {
                Some(AttributeValue::S(sk)) => Some(sk),
                _ => None,
            });
        let items = got
            .items
            .unwrap_or_default()
            .into_iter()
            .map(from_attributes)
            .collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// Always a transaction, even for one write: the SDK sends the same idempotency token with each
    /// of its tries, so that a write which was applied but not acknowledged does not meet its own
    /// condition on the next try.
    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        if writes.len() > MAX_TRANSACTION {
            return Err(StoreError::TooLarge(format!(
                "{} writes in one transaction",
                writes.len()
            )));
        }
        let puts = writes.iter().filter_map(|write| match write {
            Write::Put(item, _) => Some(size(item)),
            _ => None,
        });
        let sizes: Vec<usize> = puts.collect();
        if sizes.iter().any(|size| *size > ITEM_BYTES) || sizes.iter().sum::<usize>() > WRITE_BYTES
        {
            return Err(StoreError::TooLarge(format!(
                "items of {sizes:?} bytes in one transaction"
            )));
        }
        let actions = writes
            .into_iter()
            .map(|write| self.action(write))
            .collect::<Result<Vec<_>, _>>()?;
        self.client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .send()
            .await
            .map_err(|error| transaction_meaning(&error))?;
        Ok(())
    }
}

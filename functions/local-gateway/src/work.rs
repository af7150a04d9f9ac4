//! The stand-in for the table's stream: a new job becomes an event of a stream, delivered at least
//! once to `package-work` in a child process, so that a crash of the worker is an error of one app
//! and not an outage.

use std::time::Duration;

use serde_json::{Value, json};
use shared::base::error::Error;
use shared::domain::app_policies::job;
use shared::domain::app_policies::job::CRASHED;
use shared::model::task::Task;
use shared::services::context::Context;
use shared::store::record::Record as _;
use shared::store::record::{Reader, Stored};
use shared::store::{Key, Query, Table, keys};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::child::{self, Ended};
use crate::stack::Addresses;

/// The hidden first argument by which the server's own binary becomes the worker of one event.
pub const CHILD: &str = "--do-work";

/// The longest that one worker may take: the function's timeout.
const TIMEOUT: Duration = Duration::from_secs(job::ATTEMPT_SECONDS.unsigned_abs());

/// How often an event is delivered: what a worker fails at, or crashes of, may succeed another
/// time.
const DELIVERIES: u32 = 3;

/// The event of a new item.
pub fn event(key: &Key) -> Value {
    json!({"Records": [{
        "eventID": "local",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 0,
            "Keys": {"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            "NewImage": {
                "pk": {"S": key.pk},
                "sk": {"S": key.sk},
                "kind": {"S": shared::model::apps::processing::Job::KIND},
            },
            "SequenceNumber": "1",
            "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/local/stream/local",
    }]})
}

/// The jobs that were asked for and may not have ended: those that housekeeping would end one day.
///
/// # Errors
/// The store's.
pub async fn left(table: &dyn Table) -> Result<Vec<Key>, Error> {
    let mut jobs = Vec::new();
    for shard in 0..keys::SHARDS {
        let mut query = Query::all(keys::tasks(shard));
        loop {
            let page = table.query(&query).await?;
            for item in page.items {
                if let Task::Job { tenant_id, job } = Stored::<Task>::parse(item)?.value {
                    jobs.push(keys::job(tenant_id, &job));
                }
            }
            if page.next.is_none() {
                break;
            }
            query.after = page.next;
        }
    }
    Ok(jobs)
}

/// Delivers events, one after the other.
pub struct Worker {
    addresses: Addresses,
    context: Context,
}

impl Worker {
    /// A worker on that stack.
    pub fn new(addresses: Addresses, context: Context) -> Self {
        Self { addresses, context }
    }

    /// Works on every job that is told, until nobody tells any more.
    pub async fn run(self, mut told: UnboundedReceiver<Key>) {
        while let Some(key) = told.recv().await {
            self.deliver(&key).await;
        }
    }

    async fn deliver(&self, key: &Key) {
        let mut crashed = false;
        for delivery in 1..=DELIVERIES {
            let mut environment = self.addresses.environment();
            // What signs is sealed: unlike the reader of uploads this one needs the key.
            environment.push((
                "APPDEPOT_KEY_FILE",
                self.addresses.key_file.display().to_string(),
            ));
            crashed = match child::run(CHILD, environment, &event(key), TIMEOUT).await {
                Ended::Done => return,
                Ended::Crashed(how) => {
                    tracing::error!(?key, delivery, how, "the worker crashed");
                    true
                }
                Ended::Failed => {
                    tracing::warn!(?key, delivery, "the worker failed");
                    false
                }
            };
            tokio::time::sleep(Duration::from_millis(200) * delivery).await;
        }
        if crashed {
            self.give_up(key).await;
        }
    }

    /// Nobody can know sooner that the worker will not come back.
    async fn give_up(&self, key: &Key) {
        let Some((tenant_id, guid)) = keys::parse_job(key) else {
            return;
        };
        let mut reader = Reader::new(&*self.context.table, self.context.clock.now());
        if let Err(error) = job::fail(&mut reader, tenant_id, &guid, CRASHED).await {
            tracing::error!(%error, ?key, "a job whose worker crashed could not be ended");
        }
    }
}

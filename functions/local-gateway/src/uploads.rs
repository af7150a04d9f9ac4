//! The stand-in for S3's notifications: an object that arrives in `incoming/` becomes an S3 event,
//! delivered at least once to `upload-received` in a child process, so that a crash of the reader
//! is a refusal and not an outage.

use std::sync::Arc;
use std::time::Duration;

use embedded_store::ObjectCreated;
use serde_json::{Value, json};
use shared::domain::apps::upload;
use shared::model::apps::upload::crashed;
use shared::services::context::Context;
use shared::store::keys;
use shared::store::record::Reader;
use tokio::sync::Semaphore;

use crate::child::{self, Ended};
use crate::stack::Addresses;

/// The hidden first argument by which the server's own binary becomes the reader of one event.
pub const CHILD: &str = "--read-upload";

/// Readers at once.
const READERS: usize = 2;

/// The longest that one reader may take: the function's timeout.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How often an event is delivered when the reader fails without crashing, as Lambda does it for
/// asynchronous events.
const DELIVERIES: u32 = 3;

/// The S3 event of an object that arrived, with its name URL-encoded as S3 does it.
pub fn event(created: &ObjectCreated) -> Value {
    let encoded: String =
        percent_encoding::utf8_percent_encode(&created.key, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .replace("%2F", "/")
            .replace("%20", "+");
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "1970-01-01T00:00:00.000Z",
        "eventName": created.event_name.as_str(),
        "userIdentity": {"principalId": "local"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "local", "x-amz-id-2": "local"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "incoming",
            "bucket": {
                "name": created.bucket,
                "ownerIdentity": {"principalId": "local"},
                "arn": format!("arn:aws:s3:::{}", created.bucket),
            },
            "object": {
                "key": encoded, "size": created.size, "eTag": created.etag,
                "sequencer": created.sequencer,
            },
        },
    }]})
}

/// Delivers events.
#[derive(Clone)]
pub struct Notifier {
    addresses: Addresses,
    context: Context,
    readers: Arc<Semaphore>,
    twice: bool,
}

impl Notifier {
    /// A notifier for that stack; `twice` delivers each event a second time, side by side.
    pub fn new(addresses: Addresses, context: Context, twice: bool) -> Self {
        Self {
            addresses,
            context,
            readers: Arc::new(Semaphore::new(READERS)),
            twice,
        }
    }

    /// Delivers the event of an object, if it is one of an upload, without waiting for it.
    pub fn notify(&self, created: ObjectCreated) {
        if !created.key.starts_with(keys::INCOMING) {
            return;
        }
        for _ in 0..if self.twice { 2 } else { 1 } {
            let (this, created) = (self.clone(), created.clone());
            tokio::spawn(async move { this.deliver(&created).await });
        }
    }

    async fn deliver(&self, created: &ObjectCreated) {
        let Ok(_permit) = self.readers.acquire().await else {
            return;
        };
        for delivery in 1..=DELIVERIES {
            match child::run(
                CHILD,
                self.addresses.environment(),
                &event(created),
                TIMEOUT,
            )
            .await
            {
                Ended::Done => return,
                Ended::Crashed(how) => {
                    tracing::error!(key = created.key, how, "the reader crashed");
                    return self.refuse(created).await;
                }
                Ended::Failed => {
                    tracing::warn!(key = created.key, delivery, "the reader failed");
                    tokio::time::sleep(Duration::from_millis(200) * delivery).await;
                }
            }
        }
    }

    async fn refuse(&self, created: &ObjectCreated) {
        let Some((tenant_id, guid)) = keys::parse_incoming_object(&created.key) else {
            return;
        };
        let mut reader = Reader::new(&*self.context.table, self.context.clock.now());
        let refused = upload::refuse(&mut reader, tenant_id, &guid, crashed()).await;
        let deleted = match self.context.objects() {
            Ok(objects) => objects.delete(&created.key).await,
            Err(error) => Err(error),
        };
        if let Err(error) = refused.and(deleted) {
            tracing::error!(%error, "a crashed upload could not be refused");
        }
    }
}

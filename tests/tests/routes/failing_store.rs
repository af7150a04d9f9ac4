//! What callers read of a store that fails: "try again" where that may help, and a defect of the
//! service where it does not, in each of the four APIs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use appdepot_tests::providers::Provider;
use appdepot_tests::requests::{Entry, entries};
use appdepot_tests::{Answer, World};
use local_gateway::functions::Functions;
use local_gateway::stack::Addresses;
use serde_json::{Value, json};
use shared::base::clock::Clock;
use shared::base::error::{Error, Kind};
use shared::change;
use shared::services::context::Context;
use shared::store::record::Reader;
use shared::store::wrappers::Fault;
use shared::store::{Item, Write as TableWrite, keys};

use super::every_route::{furnished, is_error, message};

/// One operation that writes for each dialect of the APIs.
const OPERATIONS: [&str; 7] = [
    "POST /box/srv/1.1/admin/storeitem/create",
    "POST /box/srv/1.1/admin/authpolicy/auth",
    "POST /api/appm/publisher/v1.1/administration/businessowner",
    "POST /oauth2/token",
    "POST /pingid/rest/4/addapplication/do",
    "PUT /applications/{application}",
    "POST /ease.interface.php/com.apperian.eas.apps.update",
];

fn operations() -> Vec<Entry> {
    let found: Vec<Entry> = entries()
        .into_iter()
        .filter(|entry| OPERATIONS.contains(&entry.to_string().as_str()))
        .collect();
    assert_eq!(found.len(), OPERATIONS.len());
    found
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Logs what the test's own thread does, where the requests are served.
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// The kinds and causes of the failures since the last time.
    fn failures(&self) -> Vec<(String, String)> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        String::from_utf8_lossy(&bytes)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
            .filter(|line| line["fields"]["message"] == "failed")
            .map(|line| {
                (
                    text(&line["fields"]["kind"]),
                    text(&line["fields"]["cause"]),
                )
            })
            .collect()
    }
}

/// Whether a text asks for a repetition.
fn says_again(text: &str) -> bool {
    let text = text.to_lowercase();
    ["again", "retry", "temporarily"]
        .iter()
        .any(|word| text.contains(word))
}

/// An answer of a defect: 500 in its dialect, without the cause, and without a call to try again.
fn is_defect(entry: &Entry, answer: &Answer, cause: &str, place: &str) {
    is_error(entry, answer, 500);
    assert!(
        !says_again(&answer.text) && !answer.text.contains(cause),
        "{place}: {}",
        answer.text
    );
    let dialect = entry.row().dialect.name();
    let code = match dialect {
        "oauth" => ("server_error".into(), &answer.json["error"]),
        "wso2" => (500.into(), &answer.json["code"]),
        "pingid" => (500.into(), &answer.json["responseBody"]["errorId"]),
        "apperian" => (500.into(), &answer.json["error"]["code"]),
        "apperian-calls" => ((-32603).into(), &answer.json["error"]["code"]),
        "rhmap" | "rhmap-sdk" => (Value::from("error"), &answer.json["status"]),
        other => panic!("what is the code of {other}?"),
    };
    assert_eq!(code.0, *code.1, "{place}: {}", answer.text);
}

/// A table that answers every call with this error of DynamoDB's.
async fn refusing(world: &World, code: &str, more: Value) -> Context {
    let mut body = more;
    body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{code}"));
    let table = Provider::start(move |_, _| (400, body.to_string())).await;
    let addresses = Addresses {
        dynamodb: table.origin,
        ..world.addresses.clone()
    };
    let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
    addresses
        .context(world.plain.settings.clone(), clock)
        .expect("a context")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_table_refuses_is_a_defect_and_a_throttled_table_is_503() {
    let (mut world, furnished) = furnished().await;
    let log = Log::default();
    let _guard = log.begin();
    for code in ["ValidationException", "ResourceNotFoundException"] {
        let more = json!({"message": "canary of the table"});
        let context = refusing(&world, code, more).await;
        world.functions = Functions::new(&context).expect("the functions");
        for entry in operations() {
            let answer = entry.send(&world, &furnished).await;
            let place = format!("{entry} with {code}");
            is_defect(&entry, &answer, "canary", &place);
            let failures = log.failures();
            let [(kind, cause)] = &failures[..] else {
                panic!("{place} is logged once: {failures:?}");
            };
            assert!(
                kind == "Internal" && cause.contains(code) && cause.contains("canary"),
                "{place}: {kind} {cause}"
            );
        }
    }
    let more = json!({"message": "canary of the table"});
    let context = refusing(&world, "ProvisionedThroughputExceededException", more).await;
    world.functions = Functions::new(&context).expect("the functions");
    for entry in operations() {
        let answer = entry.send(&world, &furnished).await;
        is_error(&entry, &answer, 503);
        assert!(!answer.text.contains("canary"), "{entry}: {}", answer.text);
        assert!(says_again(&answer.text), "{entry}: {}", answer.text);
        assert!(!message(&entry, &answer).is_empty());
        let failures = log.failures();
        assert!(
            !failures.is_empty() && failures.iter().all(|(kind, _)| kind == "Unavailable"),
            "{entry}: {failures:?}"
        );
    }
}

/// What the table says of an item beyond its limit, which may not be found before it is sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_the_table_finds_too_large_is_a_defect() {
    let (world, tenant) = World::new().await;
    let reason = |code: &str, text: &str| json!({"Code": code, "Message": text});
    let write = || {
        let item = Item {
            key: keys::tenant(tenant.tenant_id),
            kind: "tenant".to_owned(),
            schema: 1,
            rev: 1,
            body: "{}".to_owned(),
            owner: None,
            count: 0,
            expires: None,
        };
        vec![TableWrite::Put(item, shared::store::Condition::Always)]
    };
    for (code, text, kind) in [
        (
            "ValidationError",
            "Item size has exceeded the maximum allowed size",
            Kind::Internal,
        ),
        ("ThrottlingError", "Slow down", Kind::Unavailable),
        ("TransactionConflict", "Another one", Kind::Unavailable),
    ] {
        let more = json!({
            "message": "Transaction cancelled", "CancellationReasons": [reason(code, text)],
        });
        let context = refusing(&world, "TransactionCanceledException", more).await;
        let failed: Error = context.table.write(write()).await.unwrap_err().into();
        assert_eq!(failed.kind, kind, "{code}: {failed:?}");
        assert_eq!(
            says_again(&failed.line()),
            kind == Kind::Unavailable,
            "{code}"
        );
        assert!(
            failed.cause.is_some_and(|cause| cause.contains(code)),
            "{code}"
        );
    }
}

/// Every call of these requests is refused in turn: nobody takes the refusal for a conflict or for
/// something that passes, and nothing is half written.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_is_refused_the_caller_is_not_told_to_try_again() {
    let (world, furnished) = furnished().await;
    let before = world.snapshot().await;
    let log = Log::default();
    let _guard = log.begin();
    let mut cases = 0;
    for entry in operations() {
        let mut refused_writes = 0;
        for fault in Fault::PERMANENT {
            for at in 0.. {
                let place = format!("{entry} with {fault:?} at call {at}");
                world.failing.fail(at, fault);
                let answer = entry.send(&world, &furnished).await;
                let happened = world.failing.heal();
                let failures = log.failures();
                if !happened {
                    assert_eq!(answer.status, entry.ok, "{place}: {}", answer.text);
                    assert!(at > 1, "{entry} asks the store");
                    world.restore(&before).await;
                    break;
                }
                cases += 1;
                if fault == Fault::TooLarge && answer.status == 413 {
                    // What the service measures itself is the request's: it would make a record
                    // too large.
                    is_error(&entry, &answer, 413);
                    assert!(!says_again(&answer.text), "{place}: {}", answer.text);
                    refused_writes += 1;
                } else {
                    is_defect(&entry, &answer, "injected", &place);
                    let kinds: Vec<&str> = failures.iter().map(|(kind, _)| &**kind).collect();
                    assert_eq!(kinds, ["Internal"], "{place}");
                }
                world
                    .verify(furnished.tenant.tenant_id)
                    .await
                    .unwrap_or_else(|faults| panic!("{place}:\n{faults}"));
                world.restore(&before).await;
            }
        }
        assert!(refused_writes > 0, "{entry} writes");
    }
    appdepot_tests::checked("failing_store: calls that the table refuses", cases);
}

/// Records that contradict each other since another request came in between are read again; a
/// contradiction that stays is a defect.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_read_records_apart_begins_again() {
    let (world, _) = World::new().await;
    let mut reader = Reader::new(&*world.plain.table, world.plain.clock.now());
    let reader = &mut reader;
    let mut tries = 0;
    let answer = change!(reader, {
        tries += 1;
        if tries < 3 {
            return Err(Error::torn("a key without its settings"));
        }
        Ok((tries, Vec::new()))
    });
    assert_eq!(answer.unwrap(), 3);
    let mut tries = 0;
    let answer: Result<(), Error> = change!(reader, {
        tries += 1;
        Err(Error::torn("a key without its settings"))
    });
    assert_eq!((answer.unwrap_err().kind, tries), (Kind::Internal, 6));
    let mut tries = 0;
    let answer: Result<(), Error> = change!(reader, {
        tries += 1;
        Err(Error::internal("a defect"))
    });
    assert_eq!((answer.unwrap_err().kind, tries), (Kind::Internal, 1));
}

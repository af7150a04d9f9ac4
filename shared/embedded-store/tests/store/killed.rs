//! A process that is killed in the middle of its work.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aws_sdk_dynamodb::types::AttributeValue;
use embedded_store::{EmbeddedStore, Settings};

use crate::clients::{self, TABLE, bytes, get, put};

const FOLDER: &str = "EMBEDDED_STORE_KILLED_FOLDER";
const SIZE: usize = 300_000;

/// The process that will be killed: writes without end and says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by what_was_acknowledged_outlives_a_kill"]
async fn writes_without_end() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let store = EmbeddedStore::start(Settings::in_folder(folder))
        .await
        .expect("the store starts");
    let s3 = clients::s3(&store);
    let dynamodb = clients::dynamodb(&store);
    let objects = async {
        for number in 0_u64.. {
            // A few keys again and again, so that objects are replaced as well.
            put(&s3, &format!("k{}", number % 5), &bytes(SIZE, number)).await;
            println!("\nobject {number}");
        }
    };
    let items = async {
        for number in 0_u64.. {
            dynamodb
                .put_item()
                .table_name(TABLE)
                .item("pk", AttributeValue::S("p".to_owned()))
                .item("sk", AttributeValue::S(number.to_string()))
                .send()
                .await
                .expect("stored");
            println!("\nitem {number}");
        }
    };
    tokio::join!(objects, items);
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() {
    for round in 1..=3 {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args([
                "--exact",
                "killed::writes_without_end",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let (mut objects, mut items) = (0_u64, 0_u64);
        let output = child.stdout.take().expect("its output");
        let mut killed = false;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("object ") {
                objects = number.parse().expect("a number");
            } else if let Some(number) = line.strip_prefix("item ") {
                items = number.parse().expect("a number");
            }
            if !killed && objects >= 8 * round && items >= 8 {
                // SIGKILL where there is such a thing. What it still said before counts too.
                child.kill().expect("killed");
                killed = true;
            }
        }
        child.wait().expect("ended");
        assert!(killed, "it ended by itself after {objects} objects");

        let store = EmbeddedStore::start(Settings::in_folder(folder.path()))
            .await
            .expect("the store starts again");
        let s3 = clients::s3(&store);
        for key in 0..5 {
            let found = get(&s3, &format!("k{key}")).await.expect("there");
            // The last one that was acknowledged under this key, or the one that was under way.
            let last = objects - (objects + 5 - key) % 5;
            let next = last + 5;
            assert!(
                found == bytes(SIZE, last) || found == bytes(SIZE, next),
                "round {round}, key {key}"
            );
        }
        let count = clients::dynamodb(&store)
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :p")
            .expression_attribute_values(":p", AttributeValue::S("p".to_owned()))
            .send()
            .await
            .expect("queried")
            .count();
        assert!(u64::try_from(count).expect("a count") > items);
        store.stop().await;
    }
}

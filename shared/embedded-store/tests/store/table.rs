//! DynamoDB.

use aws_sdk_dynamodb::types::{AttributeValue, BillingMode, KeyType, TimeToLiveStatus};

use crate::clients::{self, TABLE};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test]
async fn the_table_is_there() {
    let store = clients::in_memory().await;
    let dynamodb = clients::dynamodb(&store);
    let described = dynamodb
        .describe_table()
        .table_name(TABLE)
        .send()
        .await
        .expect("there");
    let table = described.table().expect("a table");
    let keys: Vec<_> = table
        .key_schema()
        .iter()
        .map(|key| (key.attribute_name(), key.key_type().clone()))
        .collect();
    assert_eq!(keys, [("pk", KeyType::Hash), ("sk", KeyType::Range)]);
    let billing = table.billing_mode_summary().expect("a billing mode");
    assert_eq!(billing.billing_mode(), Some(&BillingMode::PayPerRequest));
    let expiry = dynamodb
        .describe_time_to_live()
        .table_name(TABLE)
        .send()
        .await
        .expect("described");
    let expiry = expiry.time_to_live_description().expect("a description");
    assert_eq!(expiry.attribute_name(), Some("expires"));
    assert_eq!(
        expiry.time_to_live_status(),
        Some(&TimeToLiveStatus::Enabled)
    );
}

#[tokio::test]
async fn expired_items_can_be_removed() {
    let store = clients::in_memory().await;
    let dynamodb = clients::dynamodb(&store);
    for (key, expires) in [("old", "1000000000"), ("new", "9000000000")] {
        dynamodb
            .put_item()
            .table_name(TABLE)
            .item("pk", text("p"))
            .item("sk", text(key))
            .item("expires", AttributeValue::N(expires.to_owned()))
            .send()
            .await
            .expect("stored");
    }
    assert_eq!(store.remove_expired_items().await.expect("swept"), 1);
    let left = dynamodb
        .query()
        .table_name(TABLE)
        .key_condition_expression("pk = :p")
        .expression_attribute_values(":p", text("p"))
        .send()
        .await
        .expect("queried");
    assert_eq!(left.count(), 1);
    assert_eq!(left.items()[0]["sk"], text("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_conditional_writers_one_wins() {
    let store = clients::in_memory().await;
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let dynamodb = clients::dynamodb(&store);
            tokio::spawn(async move {
                dynamodb
                    .put_item()
                    .table_name(TABLE)
                    .item("pk", text("p"))
                    .item("sk", text("s"))
                    .condition_expression("attribute_not_exists(pk)")
                    .send()
                    .await
                    .is_ok()
            })
        })
        .collect();
    let mut winners = 0;
    for writer in writers {
        winners += usize::from(writer.await.expect("no panic"));
    }
    assert_eq!(winners, 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn it_does_not_listen_where_a_web_page_would_look() {
    let store = clients::in_memory().await;
    let endpoint = store.dynamodb_endpoint();
    assert!(endpoint.starts_with("http://127."), "{endpoint}");
    assert!(!endpoint.starts_with("http://127.0.0."), "{endpoint}");
}

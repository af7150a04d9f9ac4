//! Writes and reads with a condition.

use aws_sdk_s3::primitives::ByteStream;

use crate::clients::{self, BUCKET, get, put, refusal};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_writers_one_wins() {
    let store = clients::in_memory().await;
    for round in 0..10 {
        let key = format!("race-{round}");
        let writers: Vec<_> = (0..16)
            .map(|writer| {
                // Each on its own connections.
                let s3 = clients::s3(&store);
                let key = key.clone();
                tokio::spawn(async move {
                    let result = s3
                        .put_object()
                        .bucket(BUCKET)
                        .key(key)
                        .if_none_match("*")
                        .body(ByteStream::from(vec![writer; 1000]))
                        .send()
                        .await;
                    match result {
                        Ok(_) => Some(writer),
                        Err(error) => {
                            let refused = refusal::<(), _>(Err(error));
                            assert_eq!(refused, (412, "PreconditionFailed".to_owned()));
                            None
                        }
                    }
                })
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            winners.extend(writer.await.expect("no panic"));
        }
        assert_eq!(winners.len(), 1, "round {round}");
        let stored = get(&clients::s3(&store), &key).await;
        assert_eq!(stored, Some(vec![winners[0]; 1000]));
    }
}

#[tokio::test]
async fn a_write_that_expects_a_version() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let write = |if_match: &str| {
        s3.put_object()
            .bucket(BUCKET)
            .key("k")
            .if_match(if_match)
            .body(ByteStream::from_static(b"2"))
            .send()
    };
    assert_eq!(refusal(write("\"1\"").await), (404, "NoSuchKey".to_owned()));
    let etag = put(&s3, "k", b"1").await;
    assert_eq!(
        refusal(write("\"0123\"").await),
        (412, "PreconditionFailed".to_owned())
    );
    write(&etag).await.expect("stored");
    assert_eq!(
        refusal(write(&etag).await),
        (412, "PreconditionFailed".to_owned())
    );
    let unknown = s3
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .if_none_match("\"1\"")
        .send()
        .await;
    assert_eq!(refusal(unknown).0, 501);
}

#[tokio::test]
async fn a_deletion_that_expects_a_version() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let etag = put(&s3, "k", b"1").await;
    let delete = |if_match: &str| {
        s3.delete_object()
            .bucket(BUCKET)
            .key("k")
            .if_match(if_match)
            .send()
    };
    assert_eq!(
        refusal(delete("\"0123\"").await),
        (412, "PreconditionFailed".to_owned())
    );
    delete(&etag).await.expect("deleted");
    assert_eq!(get(&s3, "k").await, None);
}

#[tokio::test]
async fn a_read_of_what_is_known_already() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let etag = put(&s3, "k", b"1").await;
    let read = || s3.get_object().bucket(BUCKET).key("k");
    assert_eq!(refusal(read().if_none_match(&etag).send().await).0, 304);
    read()
        .if_none_match("\"0123\"")
        .send()
        .await
        .expect("changed");
    read().if_match(&etag).send().await.expect("unchanged");
    let refused = refusal(read().if_match("\"0123\"").send().await);
    assert_eq!(refused, (412, "PreconditionFailed".to_owned()));

    let head = s3
        .head_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .expect("there");
    let modified = *head.last_modified().expect("a date");
    assert_eq!(
        refusal(read().if_modified_since(modified).send().await).0,
        304
    );
    read()
        .if_unmodified_since(modified)
        .send()
        .await
        .expect("unchanged");
    // The tag decides where both are given.
    read()
        .if_match(&etag)
        .if_unmodified_since(aws_sdk_s3::primitives::DateTime::from_secs(0))
        .send()
        .await
        .expect("unchanged");
}

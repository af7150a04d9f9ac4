//! The announcements of stored objects.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use embedded_store::EventName;

use crate::clients::{self, BUCKET, next, put, refusal};

#[tokio::test]
async fn each_stored_object_is_announced_once_and_in_order() {
    let mut store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    // Before anybody listens, too.
    put(&s3, "incoming/ü +", b"hello").await;
    let mut events = store.take_events();

    let opened = s3
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("incoming/2")
        .send()
        .await
        .expect("opened");
    let upload = opened.upload_id().expect("an id");
    let part = s3
        .upload_part()
        .bucket(BUCKET)
        .key("incoming/2")
        .upload_id(upload)
        .part_number(1)
        .body(b"part".to_vec().into())
        .send()
        .await
        .expect("stored");
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag().map(str::to_owned))
        .build();
    s3.complete_multipart_upload()
        .bucket(BUCKET)
        .key("incoming/2")
        .upload_id(upload)
        .multipart_upload(CompletedMultipartUpload::builder().parts(part).build())
        .send()
        .await
        .expect("completed");
    s3.copy_object()
        .bucket(BUCKET)
        .key("binaries/2")
        .copy_source(format!("{BUCKET}/incoming/2"))
        .send()
        .await
        .expect("copied");
    // Neither of these stores anything.
    let refused = s3
        .put_object()
        .bucket(BUCKET)
        .key("incoming/2")
        .if_none_match("*")
        .send()
        .await;
    assert_eq!(refusal(refused).0, 412);
    s3.delete_object()
        .bucket(BUCKET)
        .key("incoming/2")
        .send()
        .await
        .expect("deleted");
    put(&s3, "incoming/ü +", b"again").await;

    let mut sequencers = Vec::new();
    for (key, size, etag, name) in [
        (
            "incoming/ü +",
            5,
            Some("5d41402abc4b2a76b9719d911017c592"),
            EventName::Put,
        ),
        ("incoming/2", 4, None, EventName::CompleteMultipartUpload),
        ("binaries/2", 4, None, EventName::Copy),
        ("incoming/ü +", 5, None, EventName::Put),
    ] {
        let event = next(&mut events).await;
        assert_eq!(
            (&*event.bucket, &*event.key, event.size),
            (BUCKET, key, size)
        );
        assert_eq!(event.event_name, name);
        if let Some(etag) = etag {
            assert_eq!(event.etag, etag);
        }
        sequencers.push(event.sequencer);
    }
    assert!(events.try_recv().is_err());
    assert!(sequencers.is_sorted() && sequencers[0] < sequencers[3]);
    assert_eq!(EventName::Copy.to_string(), "ObjectCreated:Copy");
}

#[tokio::test]
async fn what_waits_under_a_prefix() {
    let mut store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    for key in [
        "incoming/b",
        "incoming/a",
        "incoming",
        "incomingx",
        "binaries/a",
    ] {
        put(&s3, key, b"1").await;
    }
    let mut events = store.take_events();
    let waiting = store.objects_under("incoming/");
    let keys: Vec<_> = waiting.iter().map(|event| &*event.key).collect();
    assert_eq!(keys, ["incoming/b", "incoming/a"], "oldest first");
    assert_eq!(next(&mut events).await, waiting[0]);
    assert_eq!(store.objects_under("").len(), 5);
    assert!(store.objects_under("none/").is_empty());
}

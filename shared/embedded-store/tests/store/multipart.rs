//! Multipart uploads.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};

use crate::clients::{self, BUCKET, PART, bytes, get, refusal};

async fn open(s3: &Client, key: &str) -> String {
    let opened = s3
        .create_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .content_type("application/zip")
        .metadata("a", "1")
        .send()
        .await
        .expect("opened");
    opened.upload_id().expect("an id").to_owned()
}

async fn part(s3: &Client, key: &str, upload: &str, number: i32, body: &[u8]) -> CompletedPart {
    let stored = s3
        .upload_part()
        .bucket(BUCKET)
        .key(key)
        .upload_id(upload)
        .part_number(number)
        .body(body.to_vec().into())
        .send()
        .await
        .expect("stored");
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(stored.e_tag().map(str::to_owned))
        .build()
}

fn parts(parts: &[CompletedPart]) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder()
        .set_parts(Some(parts.to_vec()))
        .build()
}

#[tokio::test]
async fn three_parts_make_an_object() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let body = bytes(2 * PART + 1234, 5);
    let upload = open(&s3, "k").await;
    let mut done = Vec::new();
    // Out of order, and one of them again.
    done.push(part(&s3, "k", &upload, 7, &body[2 * PART..]).await);
    part(&s3, "k", &upload, 1, b"to be replaced").await;
    done.push(part(&s3, "k", &upload, 1, &body[..PART]).await);
    done.push(part(&s3, "k", &upload, 3, &body[PART..2 * PART]).await);
    assert_eq!(get(&s3, "k").await, None);

    let listed = s3
        .list_parts()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&upload)
        .max_parts(2)
        .send()
        .await
        .expect("a page");
    let numbers: Vec<_> = listed
        .parts()
        .iter()
        .filter_map(|part| part.part_number())
        .collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(listed.parts()[0].size(), Some(PART as i64));
    assert_eq!(listed.is_truncated(), Some(true));
    let rest = s3
        .list_parts()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&upload)
        .part_number_marker(listed.next_part_number_marker().expect("a marker"))
        .send()
        .await
        .expect("a page");
    assert_eq!(rest.parts().len(), 1);

    done.sort_by_key(|part| part.part_number());
    let completed = s3
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&upload)
        .multipart_upload(parts(&done))
        .send()
        .await
        .expect("completed");
    let etag = completed.e_tag().expect("an entity tag");
    assert!(etag.ends_with("-3\""), "{etag}");
    assert_eq!(completed.checksum_type(), Some(&ChecksumType::FullObject));

    // The SDK checks the CRC64NVME of the whole, which was never computed over the whole.
    let got = s3
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .expect("there");
    assert!(got.checksum_crc64_nvme().is_some());
    assert_eq!(got.content_type(), Some("application/zip"));
    assert_eq!(got.metadata().expect("metadata")["a"], "1");
    assert!(got.body.collect().await.expect("a body").to_vec() == body);

    // A range over the seams.
    let got = s3
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .range(format!("bytes={}-{}", PART - 10, 2 * PART + 9))
        .send()
        .await
        .expect("there");
    assert!(got.body.collect().await.expect("a body").to_vec() == body[PART - 10..2 * PART + 10]);

    let again = s3
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&upload)
        .multipart_upload(parts(&done))
        .send()
        .await;
    assert_eq!(refusal(again), (404, "NoSuchUpload".to_owned()));
}

#[tokio::test]
async fn what_may_not_be_completed() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let upload = open(&s3, "k").await;
    let small = part(&s3, "k", &upload, 1, b"small").await;
    let last = part(&s3, "k", &upload, 2, b"last").await;
    let complete = |chosen: Vec<CompletedPart>| {
        s3.complete_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .upload_id(&upload)
            .multipart_upload(parts(&chosen))
            .send()
    };
    let refused = refusal(complete(vec![small.clone(), last.clone()]).await);
    assert_eq!(refused, (400, "EntityTooSmall".to_owned()));
    let refused = refusal(complete(vec![last.clone(), small.clone()]).await);
    assert_eq!(refused, (400, "InvalidPartOrder".to_owned()));
    let twice = refusal(complete(vec![last.clone(), last.clone()]).await);
    assert_eq!(twice, (400, "InvalidPartOrder".to_owned()));
    let wrong = CompletedPart::builder()
        .part_number(2)
        .e_tag("\"0123\"")
        .build();
    assert_eq!(
        refusal(complete(vec![wrong]).await),
        (400, "InvalidPart".to_owned())
    );
    let absent = CompletedPart::builder()
        .part_number(9)
        .e_tag("\"0123\"")
        .build();
    assert_eq!(
        refusal(complete(vec![absent]).await),
        (400, "InvalidPart".to_owned())
    );
    assert_eq!(
        refusal(complete(Vec::new()).await),
        (400, "MalformedXML".to_owned())
    );

    // All that refused nothing for good.
    complete(vec![last])
        .await
        .expect("one small part is the last one");
    assert_eq!(get(&s3, "k").await, Some(b"last".to_vec()));
}

#[tokio::test]
async fn completion_under_a_condition() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    clients::put(&s3, "k", b"there").await;
    let upload = open(&s3, "k").await;
    let only = part(&s3, "k", &upload, 1, b"new").await;
    let refused = s3
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&upload)
        .if_none_match("*")
        .multipart_upload(parts(&[only]))
        .send()
        .await;
    assert_eq!(refusal(refused), (412, "PreconditionFailed".to_owned()));
    assert_eq!(get(&s3, "k").await, Some(b"there".to_vec()));
}

#[tokio::test]
async fn aborts_and_lists() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let fresh = open(&s3, "incoming/1").await;
    let used = open(&s3, "incoming/2").await;
    let other = open(&s3, "other").await;
    part(&s3, "incoming/2", &used, 1, b"1").await;

    let listed = s3
        .list_multipart_uploads()
        .bucket(BUCKET)
        .prefix("incoming/")
        .max_uploads(1)
        .send()
        .await
        .expect("a page");
    assert_eq!(listed.uploads()[0].upload_id(), Some(&*fresh));
    assert_eq!(listed.is_truncated(), Some(true));
    let listed = s3
        .list_multipart_uploads()
        .bucket(BUCKET)
        .prefix("incoming/")
        .key_marker(listed.next_key_marker().expect("a marker"))
        .upload_id_marker(listed.next_upload_id_marker().expect("a marker"))
        .send()
        .await
        .expect("a page");
    assert_eq!(listed.uploads().len(), 1);
    assert_eq!(listed.uploads()[0].upload_id(), Some(&*used));

    let abort = |key: &str, upload: &str| {
        s3.abort_multipart_upload()
            .bucket(BUCKET)
            .key(key)
            .upload_id(upload)
            .send()
    };
    abort("incoming/1", &fresh).await.expect("aborted");
    abort("incoming/2", &used).await.expect("aborted");
    let gone = (404, "NoSuchUpload".to_owned());
    assert_eq!(refusal(abort("incoming/1", &fresh).await), gone);
    assert_eq!(refusal(abort("other", "../../x").await), gone);
    // An id belongs to its key.
    assert_eq!(refusal(abort("incoming/1", &other).await), gone);
    let late = s3
        .upload_part()
        .bucket(BUCKET)
        .key("incoming/2")
        .upload_id(&used)
        .part_number(2)
        .body(b"2".to_vec().into())
        .send()
        .await;
    assert_eq!(refusal(late), gone);
    let parts = s3
        .list_parts()
        .bucket(BUCKET)
        .key("incoming/2")
        .upload_id(&used)
        .send()
        .await;
    assert_eq!(refusal(parts), gone);
    let zeroth = s3
        .upload_part()
        .bucket(BUCKET)
        .key("other")
        .upload_id(&other)
        .part_number(0)
        .body(b"0".to_vec().into())
        .send()
        .await;
    assert_eq!(refusal(zeroth), (400, "InvalidArgument".to_owned()));
}

#[tokio::test]
async fn the_checksum_of_the_checksums() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let opened = s3
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await
        .expect("opened");
    assert_eq!(opened.checksum_type(), Some(&ChecksumType::Composite));
    let upload = opened.upload_id().expect("an id");
    let mut done = Vec::new();
    for (number, body) in [(1, bytes(PART, 6)), (2, bytes(10, 7))] {
        let stored = s3
            .upload_part()
            .bucket(BUCKET)
            .key("k")
            .upload_id(upload)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(body.into())
            .send()
            .await
            .expect("stored");
        assert!(stored.checksum_sha256().is_some());
        done.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(stored.e_tag().map(str::to_owned))
                .set_checksum_sha256(stored.checksum_sha256().map(str::to_owned))
                .build(),
        );
    }
    let mut wrong = done.clone();
    wrong[1] = CompletedPart::builder()
        .part_number(2)
        .set_e_tag(done[1].e_tag().map(str::to_owned))
        .set_checksum_sha256(done[0].checksum_sha256().map(str::to_owned))
        .build();
    let complete = |chosen: &[CompletedPart]| {
        s3.complete_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .upload_id(upload)
            .multipart_upload(parts(chosen))
            .send()
    };
    assert_eq!(
        refusal(complete(&wrong).await),
        (400, "InvalidPart".to_owned())
    );
    let completed = complete(&done).await.expect("completed");
    assert!(
        completed
            .checksum_sha256()
            .expect("a checksum")
            .ends_with("-2")
    );
}

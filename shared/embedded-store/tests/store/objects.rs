//! Single objects.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, Delete, MetadataDirective, ObjectIdentifier,
};

use crate::clients::{self, BUCKET, bytes, get, put, refusal};

#[tokio::test]
async fn an_object_comes_back_as_it_was_given() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let body = bytes(3 * 1024 * 1024 + 17, 1);
    let stored = s3
        .put_object()
        .bucket(BUCKET)
        .key("binaries/app.apk")
        .content_type("application/vnd.android.package-archive")
        .cache_control("no-store")
        .content_disposition("attachment; filename=\"app.apk\"")
        .content_language("de")
        .metadata("tenant", "0badcafe")
        .body(body.clone().into())
        .send()
        .await
        .expect("stored");
    let etag = stored.e_tag().expect("an entity tag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() == 34);

    let head = s3
        .head_object()
        .bucket(BUCKET)
        .key("binaries/app.apk")
        .send()
        .await
        .expect("there");
    assert_eq!(head.content_length(), Some(body.len() as i64));
    assert_eq!(head.e_tag(), Some(&*etag));
    assert!(head.last_modified().is_some());

    let got = s3
        .get_object()
        .bucket(BUCKET)
        .key("binaries/app.apk")
        .send()
        .await
        .expect("there");
    assert_eq!(
        got.content_type(),
        Some("application/vnd.android.package-archive")
    );
    assert_eq!(got.cache_control(), Some("no-store"));
    assert_eq!(
        got.content_disposition(),
        Some("attachment; filename=\"app.apk\"")
    );
    assert_eq!(got.content_language(), Some("de"));
    assert_eq!(got.metadata().expect("metadata")["tenant"], "0badcafe");
    assert_eq!(got.content_encoding(), None);
    assert_eq!(got.body.collect().await.expect("a body").to_vec(), body);
}

#[tokio::test]
async fn the_entity_tag_is_the_md5() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let etag = put(&s3, "hello", b"hello").await;
    assert_eq!(etag, "\"5d41402abc4b2a76b9719d911017c592\"");
    let etag = put(&s3, "empty", b"").await;
    assert_eq!(etag, "\"d41d8cd98f00b204e9800998ecf8427e\"");
    assert_eq!(get(&s3, "empty").await, Some(Vec::new()));
}

#[tokio::test]
async fn keys_of_every_kind() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let longest = "k".repeat(1024);
    let keys = [
        "with space",
        "plus+and%25percent%2F",
        "Ünïcode/日本語/🚀.ipa",
        "../../etc/passwd",
        "a/../b",
        "./a",
        "a//b///c",
        "/leading",
        "trailing/",
        "quotes\"'<>&;=?#[]@!$()*,:",
        "back\\slash",
        "CON",
        "tab\tand\u{7f}",
        &longest,
    ];
    for (at, key) in keys.iter().enumerate() {
        put(&s3, key, at.to_string().as_bytes()).await;
    }
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(
            get(&s3, key).await,
            Some(at.to_string().into_bytes()),
            "{key}"
        );
    }
    let mut listed: Vec<String> = Vec::new();
    let mut pages = s3.list_objects_v2().bucket(BUCKET).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        listed.extend(
            page.contents()
                .iter()
                .filter_map(|object| object.key().map(str::to_owned)),
        );
    }
    let mut expected: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    expected.sort();
    assert_eq!(listed, expected);

    for key in keys {
        s3.delete_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .expect("deleted");
        assert_eq!(get(&s3, key).await, None, "{key}");
    }
    let too_long = "k".repeat(1025);
    let result = s3.put_object().bucket(BUCKET).key(&too_long).send().await;
    assert_eq!(refusal(result), (400, "KeyTooLongError".to_owned()));
}

#[tokio::test]
async fn ranges() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let body = bytes(1000, 2);
    put(&s3, "k", &body).await;
    for (range, expected, header) in [
        ("bytes=0-0", &body[0..1], "bytes 0-0/1000"),
        ("bytes=10-19", &body[10..20], "bytes 10-19/1000"),
        ("bytes=990-", &body[990..], "bytes 990-999/1000"),
        ("bytes=990-5000", &body[990..], "bytes 990-999/1000"),
        ("bytes=-7", &body[993..], "bytes 993-999/1000"),
        ("bytes=-5000", &body[..], "bytes 0-999/1000"),
    ] {
        let got = s3
            .get_object()
            .bucket(BUCKET)
            .key("k")
            .range(range)
            .send()
            .await
            .expect(range);
        assert_eq!(got.content_range(), Some(header));
        assert_eq!(got.content_length(), Some(expected.len() as i64));
        assert_eq!(got.body.collect().await.expect("a body").to_vec(), expected);
    }
    for range in ["bytes=1000-", "bytes=-0"] {
        let result = s3
            .get_object()
            .bucket(BUCKET)
            .key("k")
            .range(range)
            .send()
            .await;
        assert_eq!(refusal(result), (416, "InvalidRange".to_owned()), "{range}");
    }
}

#[tokio::test]
async fn what_is_absent() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let get = s3.get_object().bucket(BUCKET).key("none").send().await;
    assert_eq!(refusal(get), (404, "NoSuchKey".to_owned()));
    let get = s3.get_object().bucket("another").key("none").send().await;
    assert_eq!(refusal(get), (404, "NoSuchBucket".to_owned()));
    let put = s3.put_object().bucket("another").key("k").send().await;
    assert_eq!(refusal(put), (404, "NoSuchBucket".to_owned()));
    let head = s3.head_object().bucket(BUCKET).key("none").send().await;
    assert_eq!(refusal(head).0, 404);
    let list = s3.list_objects_v2().bucket("another").send().await;
    assert_eq!(refusal(list), (404, "NoSuchBucket".to_owned()));
    s3.head_bucket().bucket(BUCKET).send().await.expect("there");
    let head = s3.head_bucket().bucket("another").send().await;
    assert_eq!(refusal(head).0, 404);
    s3.delete_object()
        .bucket(BUCKET)
        .key("none")
        .send()
        .await
        .expect("nothing to delete is no error");
}

#[tokio::test]
async fn other_credentials_are_refused() {
    let store = clients::in_memory().await;
    let endpoint = store.s3_endpoint();
    let list = |access, secret| {
        let client = clients::s3_with(&endpoint, access, secret);
        async move { refusal(client.list_objects_v2().bucket(BUCKET).send().await) }
    };
    let wrong_secret = list("local", "guess").await;
    assert_eq!(wrong_secret, (403, "SignatureDoesNotMatch".to_owned()));
    let wrong_key = list("guess", "local-secret").await;
    assert_eq!(wrong_key, (403, "InvalidAccessKeyId".to_owned()));
    let url = format!("{endpoint}/{BUCKET}/k");
    let unsigned = clients::plain(http::Method::GET, &url, &[], "").await;
    assert_eq!(unsigned.status, 403);
    assert!(unsigned.text().contains("<Code>AccessDenied</Code>"));
}

#[tokio::test]
async fn checksums_are_verified_kept_and_shown() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        // As a header, computed by the SDK.
        let key = format!("header-{algorithm}");
        s3.put_object()
            .bucket(BUCKET)
            .key(&key)
            .checksum_algorithm(algorithm.clone())
            .body(ByteStream::from_static(b"some bytes"))
            .send()
            .await
            .expect("stored");
        // The SDK compares what it gets with the checksum in the answer.
        let got = s3
            .get_object()
            .bucket(BUCKET)
            .key(&key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .expect("there");
        let shown = match algorithm {
            ChecksumAlgorithm::Crc32 => got.checksum_crc32(),
            ChecksumAlgorithm::Crc32C => got.checksum_crc32_c(),
            ChecksumAlgorithm::Crc64Nvme => got.checksum_crc64_nvme(),
            ChecksumAlgorithm::Sha1 => got.checksum_sha1(),
            _ => got.checksum_sha256(),
        };
        assert!(shown.is_some(), "{algorithm}");
        assert_eq!(
            &got.body.collect().await.expect("a body").to_vec(),
            b"some bytes"
        );
    }

    let wrong = s3
        .put_object()
        .bucket(BUCKET)
        .key("wrong")
        .checksum_sha256("RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=")
        .body(ByteStream::from_static(b"some bytes"))
        .send()
        .await;
    assert_eq!(refusal(wrong), (400, "BadDigest".to_owned()));
    let malformed = s3
        .put_object()
        .bucket(BUCKET)
        .key("wrong")
        .checksum_crc32("no")
        .body(ByteStream::from_static(b"some bytes"))
        .send()
        .await;
    assert_eq!(refusal(malformed), (400, "InvalidRequest".to_owned()));
    let md5 = s3
        .put_object()
        .bucket(BUCKET)
        .key("wrong")
        .content_md5("AAAAAAAAAAAAAAAAAAAAAA==")
        .body(ByteStream::from_static(b"some bytes"))
        .send()
        .await;
    assert_eq!(refusal(md5), (400, "BadDigest".to_owned()));
    assert_eq!(get(&s3, "wrong").await, None);
}

#[tokio::test]
async fn a_streamed_body_with_its_checksum_behind_it() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let body = bytes(2 * 1024 * 1024 + 3, 3);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &body).expect("written");
    let stored = s3
        .put_object()
        .bucket(BUCKET)
        .key("streamed")
        .body(ByteStream::from_path(file.path()).await.expect("a stream"))
        .send()
        .await
        .expect("stored");
    assert!(stored.checksum_crc32().is_some());
    assert_eq!(get(&s3, "streamed").await, Some(body));
}

#[tokio::test]
async fn copies() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    s3.put_object()
        .bucket(BUCKET)
        .key("incoming/ü +%")
        .content_type("application/zip")
        .metadata("a", "1")
        .body(ByteStream::from_static(b"bytes"))
        .send()
        .await
        .expect("stored");
    let source = format!("{BUCKET}/incoming/%C3%BC%20%2B%25");
    let copied = s3
        .copy_object()
        .bucket(BUCKET)
        .key("binaries/1")
        .copy_source(&source)
        .send()
        .await
        .expect("copied");
    let result = copied.copy_object_result().expect("a result");
    assert_eq!(result.e_tag(), Some("\"4b3a6218bb3e3a7303e8a171a60fcf92\""));
    s3.copy_object()
        .bucket(BUCKET)
        .key("binaries/2")
        .copy_source(&source)
        .metadata_directive(MetadataDirective::Replace)
        .content_type("text/plain")
        .send()
        .await
        .expect("copied");
    s3.delete_object()
        .bucket(BUCKET)
        .key("incoming/ü +%")
        .send()
        .await
        .expect("deleted");
    for (key, content_type, metadata) in [
        ("binaries/1", "application/zip", Some("1")),
        ("binaries/2", "text/plain", None),
    ] {
        let got = s3
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .expect(key);
        assert_eq!(got.content_type(), Some(content_type));
        let found = got
            .metadata()
            .and_then(|all| all.get("a"))
            .map(String::as_str);
        assert_eq!(found, metadata);
        assert_eq!(got.body.collect().await.expect("a body").to_vec(), b"bytes");
    }

    let copy = |source: String, key: &str| {
        s3.copy_object()
            .bucket(BUCKET)
            .key(key)
            .copy_source(source)
            .send()
    };
    let gone = copy(format!("{BUCKET}/none"), "x").await;
    assert_eq!(refusal(gone), (404, "NoSuchKey".to_owned()));
    let other = copy("another/none".to_owned(), "x").await;
    assert_eq!(refusal(other), (404, "NoSuchBucket".to_owned()));
    let itself = copy(format!("{BUCKET}/binaries/1"), "binaries/1").await;
    assert_eq!(refusal(itself), (400, "InvalidRequest".to_owned()));
    let changed = s3
        .copy_object()
        .bucket(BUCKET)
        .key("x")
        .copy_source(format!("{BUCKET}/binaries/1"))
        .copy_source_if_match("\"0123\"")
        .send()
        .await;
    assert_eq!(refusal(changed), (412, "PreconditionFailed".to_owned()));
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    for key in ["a", "b & <c>", "d"] {
        put(&s3, key, b"1").await;
    }
    let identifier = |key: &str| ObjectIdentifier::builder().key(key).build().expect("a key");
    let delete = Delete::builder()
        .objects(identifier("a"))
        .objects(identifier("b & <c>"))
        .objects(identifier("never was"))
        .build()
        .expect("a list");
    let deleted = s3
        .delete_objects()
        .bucket(BUCKET)
        .delete(delete)
        .send()
        .await
        .expect("deleted");
    assert_eq!(deleted.deleted().len(), 3);
    assert!(deleted.errors().is_empty());
    assert_eq!(get(&s3, "a").await, None);
    assert_eq!(get(&s3, "d").await, Some(b"1".to_vec()));
}

#[tokio::test]
async fn a_download_goes_on_while_its_object_is_replaced_and_deleted() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    // More than the buffers between the two ends hold.
    let body = bytes(24 * 1024 * 1024, 4);
    put(&s3, "k", &body).await;
    let got = s3
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .expect("there");
    put(&s3, "k", b"new").await;
    assert_eq!(get(&s3, "k").await, Some(b"new".to_vec()));
    s3.delete_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .expect("deleted");
    assert!(got.body.collect().await.expect("a body").to_vec() == body);
}

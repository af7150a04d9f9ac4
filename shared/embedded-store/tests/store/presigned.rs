//! Presigned URLs, used by a client that knows nothing of AWS.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use http::Method;

use crate::clients::{self, BUCKET, PART, bytes, get, plain, put};

fn for_a_minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).expect("a minute")
}

fn expired() -> PresigningConfig {
    PresigningConfig::builder()
        .start_time(SystemTime::now() - Duration::from_secs(120))
        .expires_in(Duration::from_secs(60))
        .build()
        .expect("a minute")
}

#[tokio::test]
async fn a_download() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let body = bytes(100_000, 8);
    let etag = put(&s3, "binaries/ü +%.apk", &body).await;
    let signed = s3
        .get_object()
        .bucket(BUCKET)
        .key("binaries/ü +%.apk")
        .response_content_type("application/vnd.android.package-archive")
        .response_content_disposition("attachment; filename=\"a b.apk\"")
        .response_cache_control("no-store")
        .presigned(for_a_minute())
        .await
        .expect("signed");
    let url = signed.uri();

    let whole = plain(Method::GET, url, &[], "").await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    assert!(whole.body == body);
    assert_eq!(
        whole.header("content-type"),
        Some("application/vnd.android.package-archive")
    );
    assert_eq!(
        whole.header("content-disposition"),
        Some("attachment; filename=\"a b.apk\"")
    );
    assert_eq!(whole.header("cache-control"), Some("no-store"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(whole.header("content-length"), Some("100000"));
    assert_eq!(whole.header("etag"), Some(&*etag));

    // A phone that resumes.
    let rest = plain(Method::GET, url, &[("range", "bytes=99990-")], "").await;
    assert_eq!(rest.status, 206);
    assert_eq!(
        rest.header("content-range"),
        Some("bytes 99990-99999/100000")
    );
    assert_eq!(rest.header("content-length"), Some("10"));
    assert!(rest.body == body[99_990..]);
    let resumed = [("range", "bytes=99990-"), ("if-range", &*etag)];
    assert_eq!(plain(Method::GET, url, &resumed, "").await.status, 206);
    let outdated = [("range", "bytes=99990-"), ("if-range", "\"0123\"")];
    let all = plain(Method::GET, url, &outdated, "").await;
    assert_eq!((all.status.as_u16(), all.body.len()), (200, 100_000));
    let beyond = plain(Method::GET, url, &[("range", "bytes=100000-")], "").await;
    assert_eq!(beyond.status, 416);

    let known = plain(Method::GET, url, &[("if-none-match", &etag)], "").await;
    assert_eq!(known.status, 304);
    assert_eq!(known.header("etag"), Some(&*etag));
    assert!(known.body.is_empty());
}

#[tokio::test]
async fn an_upload() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let body = bytes(3_000_000, 9);
    let signed = s3
        .put_object()
        .bucket(BUCKET)
        .key("incoming/u1")
        .content_type("application/octet-stream")
        .content_length(3_000_000)
        .presigned(for_a_minute())
        .await
        .expect("signed");
    let headers: Vec<_> = signed.headers().collect();
    assert!(headers.contains(&("content-type", "application/octet-stream")));

    let longer = plain(
        Method::PUT,
        signed.uri(),
        &headers[..0],
        bytes(3_000_001, 9),
    )
    .await;
    assert_eq!(longer.status, 403, "the length is signed");
    let other_type = [("content-type", "text/html")];
    let other = plain(Method::PUT, signed.uri(), &other_type, body.clone()).await;
    assert_eq!(other.status, 403, "the type is signed");
    assert_eq!(get(&s3, "incoming/u1").await, None);

    let headers: Vec<_> = headers
        .into_iter()
        .filter(|(name, _)| *name != "content-length")
        .collect();
    let stored = plain(Method::PUT, signed.uri(), &headers, body.clone()).await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    assert!(stored.header("etag").is_some());
    assert_eq!(get(&s3, "incoming/u1").await, Some(body));
}

#[tokio::test]
async fn an_upload_whose_hash_is_signed() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let signed = s3
        .put_object()
        .bucket(BUCKET)
        .key("incoming/u2")
        // of "hello"
        .checksum_sha256("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
        .presigned(for_a_minute())
        .await
        .expect("signed");
    let headers: Vec<_> = signed.headers().collect();
    let other = plain(Method::PUT, signed.uri(), &headers, "other").await;
    assert_eq!(other.status, 400, "{}", other.text());
    assert!(other.text().contains("BadDigest"));
    let stored = plain(Method::PUT, signed.uri(), &headers, "hello").await;
    assert_eq!(stored.status, 200, "{}", stored.text());
}

#[tokio::test]
async fn parts() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    let body = bytes(PART + 99, 10);
    let opened = s3
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("incoming/u3")
        .send()
        .await
        .expect("opened");
    let upload = opened.upload_id().expect("an id");
    let mut done = aws_sdk_s3::types::CompletedMultipartUpload::builder();
    for (number, piece) in [(1, &body[..PART]), (2, &body[PART..])] {
        let signed = s3
            .upload_part()
            .bucket(BUCKET)
            .key("incoming/u3")
            .upload_id(upload)
            .part_number(number)
            .presigned(for_a_minute())
            .await
            .expect("signed");
        let stored = plain(Method::PUT, signed.uri(), &[], piece.to_vec()).await;
        assert_eq!(stored.status, 200, "{}", stored.text());
        done = done.parts(
            aws_sdk_s3::types::CompletedPart::builder()
                .part_number(number)
                .e_tag(stored.header("etag").expect("an entity tag"))
                .build(),
        );
    }
    s3.complete_multipart_upload()
        .bucket(BUCKET)
        .key("incoming/u3")
        .upload_id(upload)
        .multipart_upload(done.build())
        .send()
        .await
        .expect("completed");
    assert!(get(&s3, "incoming/u3").await == Some(body));
}

#[tokio::test]
async fn from_a_listener_of_somebody_else() {
    let store = clients::in_memory().await;
    put(&clients::s3(&store), "k", b"1").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bound");
    let address = listener.local_addr().expect("an address");
    let service = store.s3_service();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = hyper_util::rt::TokioIo::new(stream);
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(stream, service.clone());
            tokio::spawn(connection);
        }
    });
    let s3 = clients::s3_with(&format!("http://{address}"), "local", "local-secret");
    let signed = s3
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .presigned(for_a_minute())
        .await
        .expect("signed");
    assert_eq!(plain(Method::GET, signed.uri(), &[], "").await.body, "1");
    // The address is signed, too.
    let elsewhere = signed
        .uri()
        .replace(&format!("http://{address}"), &store.s3_endpoint());
    assert_eq!(plain(Method::GET, &elsewhere, &[], "").await.status, 403);
}

#[tokio::test]
async fn what_is_refused() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    put(&s3, "k", b"1").await;
    put(&s3, "l", b"2").await;

    let late = s3
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .presigned(expired())
        .await
        .expect("signed");
    let refused = plain(Method::GET, late.uri(), &[], "").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("Request has expired"));
    let late = s3
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .presigned(expired())
        .await
        .expect("signed");
    let refused = plain(Method::PUT, late.uri(), &[], "3").await;
    assert_eq!(refused.status, 403);

    let signed = s3
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .presigned(for_a_minute())
        .await
        .expect("signed");
    let url = signed.uri();
    for tampered in [
        url.replace("/k?", "/l?"),
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        format!("{url}&response-content-type=text%2Fhtml"),
    ] {
        assert_ne!(tampered, url);
        let refused = plain(Method::GET, &tampered, &[], "").await;
        assert_eq!(refused.status, 403, "{tampered}");
        assert!(refused.text().contains("SignatureDoesNotMatch"));
    }
    // Another method is another request.
    assert_eq!(plain(Method::PUT, url, &[], "3").await.status, 403);
    assert_eq!(plain(Method::DELETE, url, &[], "").await.status, 403);
    assert_eq!(get(&s3, "k").await, Some(b"1".to_vec()));
}

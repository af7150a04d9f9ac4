//! What a later start finds.

use std::fs;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use embedded_store::{EmbeddedStore, Settings, StartError};

use crate::clients::{self, BUCKET, TABLE, get, put};

async fn start(folder: &Path) -> EmbeddedStore {
    EmbeddedStore::start(Settings::in_folder(folder))
        .await
        .expect("the store starts")
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn objects_items_and_open_uploads_are_still_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = start(folder.path()).await;
    let s3 = clients::s3(&store);
    s3.put_object()
        .bucket(BUCKET)
        .key("incoming/1")
        .content_type("application/zip")
        .metadata("a", "1")
        .body(b"bytes".to_vec().into())
        .send()
        .await
        .expect("stored");
    put(&s3, "gone", b"1").await;
    s3.delete_object()
        .bucket(BUCKET)
        .key("gone")
        .send()
        .await
        .expect("deleted");
    let opened = s3
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("later")
        .content_type("text/plain")
        .send()
        .await
        .expect("opened");
    let upload = opened.upload_id().expect("an id").to_owned();
    let part = s3
        .upload_part()
        .bucket(BUCKET)
        .key("later")
        .upload_id(&upload)
        .part_number(1)
        .body(b"part".to_vec().into())
        .send()
        .await
        .expect("stored");
    let item = |value: &str| AttributeValue::S(value.to_owned());
    clients::dynamodb(&store)
        .put_item()
        .table_name(TABLE)
        .item("pk", item("p"))
        .item("sk", item("s"))
        .item("value", item("v"))
        .send()
        .await
        .expect("stored");
    let before = store.objects_under("incoming/");
    store.stop().await;

    let mut store = start(folder.path()).await;
    let s3 = clients::s3(&store);
    assert_eq!(store.objects_under("incoming/"), before);
    let got = s3
        .get_object()
        .bucket(BUCKET)
        .key("incoming/1")
        .send()
        .await
        .expect("there");
    assert_eq!(got.content_type(), Some("application/zip"));
    assert_eq!(got.metadata().expect("metadata")["a"], "1");
    assert_eq!(got.body.collect().await.expect("a body").to_vec(), b"bytes");
    assert_eq!(get(&s3, "gone").await, None);
    let mut events = store.take_events();
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag().map(str::to_owned))
        .build();
    s3.complete_multipart_upload()
        .bucket(BUCKET)
        .key("later")
        .upload_id(&upload)
        .multipart_upload(CompletedMultipartUpload::builder().parts(part).build())
        .send()
        .await
        .expect("completed");
    assert_eq!(get(&s3, "later").await, Some(b"part".to_vec()));
    let event = clients::next(&mut events).await;
    assert!(event.sequencer > before[0].sequencer);
    let found = clients::dynamodb(&store)
        .get_item()
        .table_name(TABLE)
        .key("pk", item("p"))
        .key("sk", item("s"))
        .consistent_read(true)
        .send()
        .await
        .expect("found");
    assert_eq!(found.item().expect("an item")["value"], item("v"));
    store.stop().await;
}

#[tokio::test]
async fn a_fixed_port_keeps_presigned_urls_alive() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = start(folder.path()).await;
    let s3 = clients::s3(&store);
    put(&s3, "k", b"1").await;
    let signed = s3
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .presigned(
            aws_sdk_s3::presigning::PresigningConfig::expires_in(std::time::Duration::from_secs(
                60,
            ))
            .expect("a minute"),
        )
        .await
        .expect("signed");
    let address = store.s3_endpoint().replace("http://", "");
    store.stop().await;
    let store = EmbeddedStore::start(Settings {
        s3_listen: address.parse().expect("an address"),
        ..Settings::in_folder(folder.path())
    })
    .await
    .expect("the same port is free again");
    let answer = clients::plain(http::Method::GET, signed.uri(), &[], "").await;
    assert_eq!(answer.status, 200);
    store.stop().await;
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = start(folder.path()).await;
    let second = EmbeddedStore::start(Settings::in_folder(folder.path())).await;
    let error = second.expect_err("refused");
    assert!(matches!(&error, StartError::DataInUse(path) if path == folder.path()));
    assert!(error.to_string().contains("in use by another process"));
    // The first one is none the worse for it.
    put(&clients::s3(&store), "k", b"1").await;
    store.stop().await;
    start(folder.path()).await.stop().await;
}

#[tokio::test]
async fn what_cannot_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        bucket: "No_Bucket".to_owned(),
        ..Settings::in_memory()
    };
    let error = EmbeddedStore::start(settings).await.expect_err("refused");
    assert!(matches!(error, StartError::BucketName(_)));
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    let error = EmbeddedStore::start(Settings::in_folder(&file)).await;
    assert!(matches!(error, Err(StartError::Data { .. })));
    let store = clients::in_memory().await;
    let address = store.s3_endpoint().replace("http://", "");
    let settings = Settings {
        s3_listen: address.parse().expect("an address"),
        ..Settings::in_memory()
    };
    let error = EmbeddedStore::start(settings).await;
    assert!(matches!(error, Err(StartError::Listen { .. })));
}

#[tokio::test]
async fn leftovers_are_removed_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let bucket = folder.path().join("objects").join(BUCKET);
    let store = start(folder.path()).await;
    let s3 = clients::s3(&store);
    for round in 0..3 {
        put(&s3, "replaced", &[round]).await;
    }
    put(&s3, "kept", b"1").await;
    let opened = s3
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("open")
        .send()
        .await
        .expect("opened");
    let upload = opened.upload_id().expect("an id").to_owned();
    store.stop().await;
    assert_eq!(
        files_under(&bucket.join("data")).len(),
        2,
        "what is replaced goes at once"
    );
    let sound = files_under(&bucket);

    // Bytes whose record was never written, records never put in place, an upload half removed.
    // And what a file manager leaves.
    for folder in ["data", "records", "uploads"] {
        fs::write(bucket.join(folder).join(".DS_Store"), "").expect("written");
    }
    fs::create_dir_all(bucket.join("data/zz")).expect("made");
    fs::write(bucket.join("data/zz/00000000000000zz"), "half").expect("written");
    fs::write(bucket.join("fresh/1"), "{\"key\":").expect("written");
    fs::create_dir_all(bucket.join("uploads/0123")).expect("made");
    fs::write(bucket.join("uploads/0123/1.json"), "{}").expect("written");

    let store = start(folder.path()).await;
    let s3 = clients::s3(&store);
    let mut left = files_under(&bucket);
    left.retain(|file| !file.ends_with(".DS_Store"));
    assert_eq!(left, sound);
    assert!(!bucket.join("uploads/0123").exists());
    assert_eq!(get(&s3, "kept").await, Some(b"1".to_vec()));
    assert_eq!(get(&s3, "replaced").await, Some(vec![2]));
    let uploads = s3
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .expect("listed");
    assert_eq!(uploads.uploads()[0].upload_id(), Some(&*upload));
    store.stop().await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    use tokio::io::AsyncWriteExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let bucket = folder.path().join("objects").join(BUCKET);
    let mut store = start(folder.path()).await;
    let mut events = store.take_events();
    let s3 = clients::s3(&store);
    let signed = s3
        .put_object()
        .bucket(BUCKET)
        .key("broken")
        .presigned(
            aws_sdk_s3::presigning::PresigningConfig::expires_in(std::time::Duration::from_secs(
                60,
            ))
            .expect("a minute"),
        )
        .await
        .expect("signed");
    let address = store.s3_endpoint().replace("http://", "");
    let path = signed
        .uri()
        .strip_prefix(&store.s3_endpoint())
        .expect("a path");
    let mut connection = tokio::net::TcpStream::connect(&address)
        .await
        .expect("connected");
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 9000000\r\n\r\n");
    connection.write_all(head.as_bytes()).await.expect("sent");
    connection
        .write_all(&vec![1; 3_000_000])
        .await
        .expect("sent");
    while files_under(&bucket.join("data")).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    drop(connection);
    for _ in 0..1000 {
        if files_under(&bucket.join("data")).is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(files_under(&bucket.join("data")).is_empty());
    assert_eq!(get(&s3, "broken").await, None);
    assert!(events.try_recv().is_err());
    store.stop().await;
}

#[tokio::test]
async fn damage_is_not_made_worse() {
    let folder = tempfile::tempdir().expect("a folder");
    let bucket = folder.path().join("objects").join(BUCKET);
    let store = start(folder.path()).await;
    let s3 = clients::s3(&store);
    put(&s3, "kept", b"kept").await;
    put(&s3, "lost", b"some bytes").await;
    store.stop().await;
    for file in files_under(&bucket.join("data")) {
        if fs::read(&file).expect("readable") == b"some bytes" {
            fs::write(file, "some").expect("written");
        }
    }
    let store = start(folder.path()).await;
    let s3 = clients::s3(&store);
    assert_eq!(get(&s3, "kept").await, Some(b"kept".to_vec()));
    assert_eq!(get(&s3, "lost").await, None, "half an object is none");
    put(&s3, "lost", b"again").await;
    assert_eq!(get(&s3, "lost").await, Some(b"again".to_vec()));
    store.stop().await;

    let record = files_under(&bucket.join("records")).remove(0);
    fs::write(&record, "{").expect("written");
    let error = EmbeddedStore::start(Settings::in_folder(folder.path())).await;
    let error = error.expect_err("refused").to_string();
    assert!(error.contains(record.to_str().expect("a path")), "{error}");
    assert_eq!(files_under(&bucket.join("data")).len(), 2);
}

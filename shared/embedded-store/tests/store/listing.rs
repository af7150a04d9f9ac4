//! Lists of keys.

use aws_sdk_s3::types::EncodingType;

use crate::clients::{self, BUCKET, put, refusal};

async fn filled() -> (embedded_store::EmbeddedStore, aws_sdk_s3::Client) {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    for key in [
        "a", "a/", "a/1", "a/2", "a/b/1", "a/b/2", "a/c/1", "a0", "b/1", "b/2", "c",
    ] {
        put(&s3, key, key.as_bytes()).await;
    }
    (store, s3)
}

async fn walk(
    s3: &aws_sdk_s3::Client,
    prefix: &str,
    delimiter: Option<&str>,
    size: i32,
) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut prefixes) = (Vec::new(), Vec::new());
    let mut token = None;
    loop {
        let page = s3
            .list_objects_v2()
            .bucket(BUCKET)
            .prefix(prefix)
            .set_delimiter(delimiter.map(str::to_owned))
            .max_keys(size)
            .set_continuation_token(token)
            .send()
            .await
            .expect("a page");
        let entries = page.contents().len() + page.common_prefixes().len();
        assert_eq!(page.key_count(), Some(entries as i32));
        assert!(entries <= size as usize);
        keys.extend(
            page.contents()
                .iter()
                .filter_map(|object| object.key().map(str::to_owned)),
        );
        prefixes.extend(
            page.common_prefixes()
                .iter()
                .filter_map(|common| common.prefix().map(str::to_owned)),
        );
        token = page.next_continuation_token().map(str::to_owned);
        assert_eq!(page.is_truncated(), Some(token.is_some()));
        if token.is_none() {
            return (keys, prefixes);
        }
        // A page that promises more is a full one.
        assert_eq!(entries, size as usize);
    }
}

#[tokio::test]
async fn pages_of_every_size_hold_the_same() {
    let (_store, s3) = filled().await;
    for size in [1, 2, 3, 5, 1000] {
        let (keys, prefixes) = walk(&s3, "", None, size).await;
        assert_eq!(keys.len(), 11);
        assert!(keys.is_sorted() && prefixes.is_empty());

        let (keys, prefixes) = walk(&s3, "", Some("/"), size).await;
        assert_eq!(keys, ["a", "a0", "c"]);
        assert_eq!(prefixes, ["a/", "b/"]);

        let (keys, prefixes) = walk(&s3, "a/", Some("/"), size).await;
        assert_eq!(keys, ["a/", "a/1", "a/2"]);
        assert_eq!(prefixes, ["a/b/", "a/c/"]);

        let (keys, prefixes) = walk(&s3, "a/b", None, size).await;
        assert_eq!(keys, ["a/b/1", "a/b/2"]);
        assert!(prefixes.is_empty());

        let (keys, prefixes) = walk(&s3, "nothing", Some("/"), size).await;
        assert!(keys.is_empty() && prefixes.is_empty());
    }
}

#[tokio::test]
async fn starting_points_and_limits() {
    let (_store, s3) = filled().await;
    let list = || s3.list_objects_v2().bucket(BUCKET);
    let keys = |page: &aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output| {
        page.contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let page = list().start_after("b/1").send().await.expect("a page");
    assert_eq!(keys(&page), ["b/2", "c"]);
    let page = list()
        .start_after("a")
        .prefix("b/")
        .send()
        .await
        .expect("a page");
    assert_eq!(keys(&page), ["b/1", "b/2"]);
    let page = list()
        .start_after("z")
        .prefix("b/")
        .send()
        .await
        .expect("a page");
    assert!(keys(&page).is_empty());
    let page = list().max_keys(0).send().await.expect("a page");
    assert_eq!(
        (page.key_count(), page.is_truncated()),
        (Some(0), Some(false))
    );
    let refused = refusal(list().max_keys(-1).send().await);
    assert_eq!(refused, (400, "InvalidArgument".to_owned()));
    let refused = refusal(list().continuation_token("made up").send().await);
    assert_eq!(refused, (400, "InvalidArgument".to_owned()));
}

#[tokio::test]
async fn keys_are_encoded_when_asked_for() {
    let store = clients::in_memory().await;
    let s3 = clients::s3(&store);
    put(&s3, "d ir/ü+%.ipa", b"1").await;
    let page = s3
        .list_objects_v2()
        .bucket(BUCKET)
        .prefix("d ir/")
        .encoding_type(EncodingType::Url)
        .send()
        .await
        .expect("a page");
    assert_eq!(page.contents()[0].key(), Some("d%20ir/%C3%BC%2B%25.ipa"));
    assert_eq!(page.prefix(), Some("d%20ir/"));
    assert_eq!(page.encoding_type(), Some(&EncodingType::Url));
}

//! The Lambda function `rhmap-store-client`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_store_client::StoreClient>(
        shared::http::lambda::Start::with_table()
            .and_then(shared::http::lambda::Start::and_objects)
            .and_then(shared::http::lambda::Start::and_keys),
    )
    .await
}

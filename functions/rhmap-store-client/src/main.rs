//! The Lambda function `rhmap-store-client`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_store_client::StoreClient>(
        shared::lambda::Start::with_table()
            .and_then(shared::lambda::Start::and_objects)
            .and_then(shared::lambda::Start::and_keys),
    )
    .await
}

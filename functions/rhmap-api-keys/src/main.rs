//! The Lambda function `rhmap-api-keys`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_api_keys::ApiKeys>(
        shared::http::lambda::Start::with_table().and_then(shared::http::lambda::Start::and_keys),
    )
    .await
}

//! The Lambda function `rhmap-store-groups`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_store_groups::StoreGroups>(
        shared::http::lambda::Start::with_table(),
    )
    .await
}

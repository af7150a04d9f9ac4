//! The Lambda function `rhmap-store-groups`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_store_groups::StoreGroups>(shared::lambda::Start::with_table())
        .await
}

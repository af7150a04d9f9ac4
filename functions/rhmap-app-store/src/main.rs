//! The Lambda function `rhmap-app-store`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_app_store::AppStore>(
        shared::lambda::Start::with_table().and_then(shared::lambda::Start::and_objects),
    )
    .await
}

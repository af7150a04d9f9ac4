//! The Lambda function `rhmap-events`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_events::Events>(shared::lambda::Start::with_table()).await
}

//! The Lambda function `rhmap-events`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let start = shared::http::lambda::Start::with_table();
    shared::http::lambda::run_http::<rhmap_events::Events>(start).await
}

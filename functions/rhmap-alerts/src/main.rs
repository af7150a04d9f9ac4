//! The Lambda function `rhmap-alerts`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_alerts::Alerts>(
        shared::lambda::Start::with_table().and_then(shared::lambda::Start::and_mail),
    )
    .await
}

//! The Lambda function `alert-evaluation`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_event(
        shared::http::lambda::Start::with_table().and_then(shared::http::lambda::Start::and_mail),
        alert_evaluation::handle,
    )
    .await
}

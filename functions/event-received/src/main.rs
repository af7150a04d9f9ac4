//! The Lambda function `event-received`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_event(
        shared::http::lambda::Start::with_table(),
        event_received::handle,
    )
    .await
}

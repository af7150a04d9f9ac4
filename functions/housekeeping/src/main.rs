//! The Lambda function `housekeeping`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_event(
        shared::lambda::Start::with_table().and_then(shared::lambda::Start::and_objects),
        housekeeping::handle,
    )
    .await
}

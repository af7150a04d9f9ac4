//! The Lambda function `package-work`.

use shared::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_event(Start::with_table().and_then(Start::and_objects).and_then(Start::and_keys), package_work::handle).await
}

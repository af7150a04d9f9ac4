//! The Lambda function `pingid-applications`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<pingid_applications::Applications>(
        Start::with_table().and_then(Start::and_keys),
    )
    .await
}

//! The Lambda function `apperian-applications`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<apperian_applications::Applications>(
        Start::with_table()
            .and_then(Start::and_objects)
            .and_then(Start::and_keys),
    )
    .await
}

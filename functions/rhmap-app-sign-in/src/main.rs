//! The Lambda function `rhmap-app-sign-in`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_app_sign_in::AppSignIn>(
        Start::with_table().and_then(Start::and_keys),
    )
    .await
}

//! The Lambda function `apperian-sign-in`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<apperian_sign_in::SignIn>(Start::with_table()).await
}

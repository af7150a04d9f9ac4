//! The Lambda function `rhmap-sign-in`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_sign_in::SignIn>(
        shared::http::lambda::Start::with_table().and_then(shared::http::lambda::Start::and_mail),
    )
    .await
}

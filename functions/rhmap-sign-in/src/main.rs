//! The Lambda function `rhmap-sign-in`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_sign_in::SignIn>(
        shared::lambda::Start::with_table().and_then(shared::lambda::Start::and_mail),
    )
    .await
}

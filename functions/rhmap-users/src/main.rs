//! The Lambda function `rhmap-users`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_users::Users>(
        Start::with_table().and_then(Start::and_mail),
    )
    .await
}

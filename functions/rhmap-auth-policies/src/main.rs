//! The Lambda function `rhmap-auth-policies`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_auth_policies::AuthPolicies>(
        Start::with_table().and_then(Start::and_keys),
    )
    .await
}

//! The Lambda function `rhmap-roles`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_roles::Roles>(Start::with_table()).await
}

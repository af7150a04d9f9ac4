//! The Lambda function `rhmap-teams`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_teams::Teams>(Start::with_table()).await
}

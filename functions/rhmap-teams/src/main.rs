//! The Lambda function `rhmap-teams`.

use shared::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_teams::Teams>(Start::with_table()).await
}

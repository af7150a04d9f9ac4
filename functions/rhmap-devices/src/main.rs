//! The Lambda function `rhmap-devices`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_devices::Devices>(Start::with_table()).await
}

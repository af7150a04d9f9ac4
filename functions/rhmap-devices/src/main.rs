//! The Lambda function `rhmap-devices`.

use shared::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_devices::Devices>(Start::with_table()).await
}

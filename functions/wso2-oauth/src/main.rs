//! The Lambda function `wso2-oauth`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<wso2_oauth::OAuth>(Start::with_table()).await
}

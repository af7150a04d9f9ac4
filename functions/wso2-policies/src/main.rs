//! The Lambda function `wso2-policies`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<wso2_policies::Policies>(Start::with_table()).await
}

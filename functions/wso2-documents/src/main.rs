//! The Lambda function `wso2-documents`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<wso2_documents::Documents>(
        Start::with_table().and_then(Start::and_objects),
    )
    .await
}

//! The Lambda function `wso2-files`.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<wso2_files::Files>(
        Start::with_table()
            .and_then(Start::and_objects)
            .and_then(Start::and_keys),
    )
    .await
}

//! The Lambda function `rhmap-endpoint-security`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_endpoint_security::EndpointSecurity>(
        shared::lambda::Start::with_table(),
    )
    .await
}

//! The Lambda function `rhmap-endpoint-security`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_endpoint_security::EndpointSecurity>(
        shared::http::lambda::Start::with_table(),
    )
    .await
}

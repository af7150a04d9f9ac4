//! The Lambda function `rhmap-audit-log`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_audit_log::AuditLog>(
        shared::http::lambda::Start::with_table(),
    )
    .await
}

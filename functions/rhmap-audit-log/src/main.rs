//! The Lambda function `rhmap-audit-log`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run_http::<rhmap_audit_log::AuditLog>(shared::lambda::Start::with_table()).await
}

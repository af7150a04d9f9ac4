//! The Lambda function `package-work`.
//!
//! It does one event at a time and has its folder for itself: what an invocation left there that
//! died is removed before the next.

use shared::http::lambda::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_event(
        Start::with_table()
            .and_then(Start::and_objects)
            .and_then(Start::and_keys),
        package_work::handle_alone,
    )
    .await
}

//! The Lambda function `rhmap-store-items`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::lambda::run_http::<rhmap_store_items::StoreItems>(
        shared::http::lambda::Start::with_table()
            .and_then(shared::http::lambda::Start::and_objects),
    )
    .await
}

//! Answers that several operations share.

use shared::base::error::Error;
use shared::domain::apps::app;
use shared::http::dialect::rhmap::views::{ItemAndList, ItemView};
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::app::App;

/// The item of an answer, with its icon.
///
/// # Errors
/// Unauthenticated without a caller; the store's.
pub async fn item_view(call: &mut Call<'_>, app: &App) -> Result<ItemView, Error> {
    let tenant_id = call.who()?.tenant_id;
    let icon = app::icon(&mut call.reader, tenant_id, app.id).await?;
    Ok(ItemView::of_app(app, icon, &call.incoming.base_url))
}

/// The answer that 003 2.15, 2.16, 2.17, 2.20 and 2.21 share.
///
/// # Errors
/// As [`item_view`].
pub async fn item_and_list(call: &mut Call<'_>, app: &App) -> Result<Reply, Error> {
    Reply::of(&ItemAndList::of(&item_view(call, app).await?))
}

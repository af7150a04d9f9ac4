//! Answers that several operations share.

use shared::base::error::Error;
use shared::domain::apps::app;
use shared::http::dialect::rhmap::views::{ItemAndList, ItemView};
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::app::AppCard;

/// The item of an answer, with its icon.
///
/// # Errors
/// Unauthenticated without a caller; the store's.
pub async fn shown(call: &mut Call<'_>, card: &AppCard) -> Result<ItemView, Error> {
    let handle = call.who()?.handle;
    let icon = app::icon(&mut call.reader, handle, card.id).await?;
    Ok(ItemView::of_card(card, icon, &call.incoming.base_url))
}

/// The answer that 003 2.15, 2.16, 2.17, 2.20 and 2.21 share.
///
/// # Errors
/// As [`shown`].
pub async fn item_and_list(call: &mut Call<'_>, card: &AppCard) -> Result<Reply, Error> {
    Reply::of(&ItemAndList::of(&shown(call, card).await?))
}

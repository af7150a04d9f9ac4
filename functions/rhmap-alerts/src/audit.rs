//! 003 4.5: what was mailed because of alerts, and what is still to be.

use serde::Serialize;
use shared::base::environment::Environment;
use shared::base::error::Error;
use shared::base::id::Guid;
use shared::base::limits::MAX_ANSWER;
use shared::domain::events::notification;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::events::notification::{Delivery, Notification};
use shared::store::keys;

use crate::requests::AuditBody;

/// A notification: the document's fields, and how its mail fares.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotificationView {
    alert_name: String,
    body: String,
    env: Environment,
    guid: Guid,
    recipients: String,
    subject: String,
    sys_created: String,
    sys_modified: String,
    uid: String,
    alert_guid: Guid,
    delivery: Delivery,
    sent: bool,
    tries: u32,
    error: Option<String>,
}

impl NotificationView {
    fn of(notification: Notification) -> Self {
        Self {
            body: notification::html(&notification),
            subject: notification::subject(&notification),
            alert_name: notification.alert_name,
            env: notification.env,
            guid: notification.guid,
            recipients: notification.recipients.join(", "),
            sys_created: notification.created.plain(),
            sys_modified: notification.modified.plain(),
            uid: notification.app.guid(),
            alert_guid: notification.alert,
            sent: notification.delivery == Delivery::Sent,
            delivery: notification.delivery,
            tries: notification.tries,
            error: notification.error,
        }
    }
}

/// What the rows of one answer may take: half of what one holds, since quotes and line breaks of a
/// body are written as two characters.
const MAX_ROWS: usize = MAX_ANSWER / 2;

/// 003 4.5
pub async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let asked = call.body::<AuditBody>()?.validated()?;
    let app = asked.app.ours()?;
    let (found, mut cursor) = notification::list(
        &mut call.reader,
        tenant_id,
        app,
        &asked.env,
        asked.limit,
        asked.after,
    )
    .await?;
    let (mut list, mut size) = (Vec::new(), 0);
    let mut last = None;
    for notification in found {
        let place = keys::notification(
            tenant_id,
            app,
            &asked.env,
            notification.created,
            &notification.guid,
        )
        .sk;
        let view = NotificationView::of(notification);
        size += view.body.len() + view.subject.len() + view.recipients.len() + 1_000;
        // One is always answered, so that every page goes on.
        if size > MAX_ROWS && !list.is_empty() {
            if asked.limit.is_none() {
                return Err(Error::too_large(
                    "The list is too large for one answer: ask for pages with limit and cursor",
                ));
            }
            cursor = last;
            break;
        }
        list.push(view);
        last = Some(place);
    }
    #[derive(Serialize)]
    struct ListView {
        list: Vec<NotificationView>,
        count: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    }
    Reply::of(&ListView {
        count: list.len(),
        list,
        cursor,
    })
}

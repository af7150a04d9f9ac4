//! The log of downloads and installs: one row each, with one copy per documented filter.

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::domain::apps::subscription;
use crate::model::apps::app::App;
use crate::model::log::audit::{InstalledItem, LogRow};
use crate::model::people::principal::{Means, Principal};
use crate::store::keys::LogOf;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Query, Write, keys, record};

/// The writes of a row: one copy per filter, that the user has the item, and that the item has the
/// user.
///
/// # Errors
/// Internal.
pub fn row(
    who: &Principal,
    app: &App,
    kind: BinaryType,
    version: u32,
    cuid: Option<&str>,
    address: &str,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let cuid = match (&who.means, cuid) {
        (_, Some(cuid)) if !cuid.is_empty() => cuid.chars().take(200).collect(),
        (Means::AppSession { cuid, .. }, _) => cuid.clone(),
        _ => String::new(),
    };
    let row = LogRow {
        guid: Guid::random(),
        at: now,
        cuid,
        address: address.to_owned(),
        binary: app.id.binary(kind),
        version,
        title: app.name.to_string(),
        user: who.owner.user.clone(),
        username: who.owner.username.clone(),
    };
    let mut copies = vec![
        LogOf::All,
        LogOf::User(row.user.as_str()),
        LogOf::Item(app.id),
        LogOf::Type(kind),
    ];
    if !row.username.eq_ignore_ascii_case(row.user.as_str()) {
        copies.push(LogOf::User(&row.username));
    }
    if !row.cuid.is_empty() {
        copies.push(LogOf::Device(&row.cuid));
    }
    let installed = InstalledItem {
        item: app.id,
        title: row.title.clone(),
        at: now,
    };
    let mut writes = vec![record::put(
        keys::user_item(who.tenant_id, &row.user, app.id),
        &installed,
        Condition::Always,
    )?];
    writes.push(subscription::subscribed(who, app.id, now)?);
    for of in copies {
        writes.push(record::put(
            keys::log_row(who.tenant_id, of, now, &row.guid),
            &row,
            Condition::Always,
        )?);
    }
    Ok(writes)
}

/// What a listing of the log asks for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The user's guid or name.
    pub user: Option<String>,
    /// The item, or its binary of one type.
    pub item: Option<AppId>,
    /// A second item or binary that must hold too.
    pub binary: Option<AppId>,
    /// The type.
    pub kind: Option<BinaryType>,
    /// The device's cuid.
    pub cuid: Option<String>,
}

impl Filter {
    fn fits(&self, row: &LogRow) -> bool {
        let names = |wanted: &AppId| *wanted == row.binary || *wanted == row.binary.item();
        self.user.as_deref().is_none_or(|user| {
            user == row.user.as_str() || user.eq_ignore_ascii_case(&row.username)
        }) && self.item.as_ref().is_none_or(names)
            && self.binary.as_ref().is_none_or(names)
            && self.kind.is_none_or(|kind| row.binary.kind() == Some(kind))
            && self.cuid.as_deref().is_none_or(|cuid| cuid == row.cuid)
    }

    /// The narrowest copy of the log that holds every row that fits.
    fn copy(&self) -> LogOf<'_> {
        match (&self.cuid, &self.user, self.item.or(self.binary), self.kind) {
            (Some(cuid), ..) => LogOf::Device(cuid),
            (_, Some(user), ..) => LogOf::User(user),
            (_, _, Some(app), _) => LogOf::Item(app),
            (_, _, _, Some(kind)) => LogOf::Type(kind),
            _ => LogOf::All,
        }
    }

    /// Whether the copy holds nothing but rows that fit.
    fn is_single(&self) -> bool {
        let binary_of_one_type = [self.item, self.binary]
            .into_iter()
            .flatten()
            .any(|id| id.kind().is_some());
        let filters = [
            self.user.is_some(),
            self.item.is_some(),
            self.binary.is_some(),
            self.kind.is_some(),
            self.cuid.is_some(),
        ];
        filters.into_iter().filter(|set| *set).count() <= 1 && !binary_of_one_type
    }
}

/// Most pages that one listing with combined filters reads before it answers what it found with a
/// cursor.
const PAGES: usize = 8;

/// What the listing's first query is: known before the caller is.
pub fn listing(tenant_id: TenantId, filter: &Filter, limit: u32, after: Option<String>) -> Query {
    let limit = filter.is_single().then_some(limit);
    Query {
        newest_first: true,
        ..Query::all(keys::log(tenant_id, filter.copy()))
            .after(after)
            .limit(limit)
    }
}

/// Rows that fit, newest first, at most `limit`, with where to go on. With combined filters it
/// reads the narrowest copy, eight pages at most.
///
/// # Errors
/// The store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    filter: &Filter,
    limit: u32,
    after: Option<String>,
) -> Result<(Vec<LogRow>, Option<String>), Error> {
    let mut query = listing(tenant_id, filter, limit, after);
    let mut rows = Vec::new();
    for _ in 0..PAGES {
        let page = reader.query(&query).await?;
        let more = page.next.is_some();
        for item in page.items {
            let sk = item.key.sk.clone();
            let row = Stored::<LogRow>::parse(item)?.value;
            if filter.fits(&row) {
                rows.push(row);
            }
            if rows.len() == limit as usize {
                return Ok((rows, Some(sk)));
            }
        }
        if !more {
            return Ok((rows, None));
        }
        query.after = page.next;
    }
    Ok((rows, query.after))
}

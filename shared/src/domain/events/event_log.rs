//! Listing what happened to an app (003 5.1): what happened in one environment, and what happened
//! in all of them.

use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::base::limits::MAX_ANSWER;
use crate::model::events::event::{Event, EventGroup, RETENTION_SECONDS};
use crate::store::record::{Reader, Stored};
use crate::store::{Item, Query, keys};

/// Which events a listing asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// The one that is named; none for all.
    pub named: Option<EventGroup>,
    /// Whether those of [`EventGroup::Audit`] come too.
    pub audit: bool,
}

impl Groups {
    fn has(self, group: EventGroup) -> bool {
        self.named.is_none_or(|named| named == group) || (self.audit && group == EventGroup::Audit)
    }

    fn is_all(self) -> bool {
        self.named.is_none()
    }
}

/// Most pages of a megabyte each that one listing looks through: with a limit it answers what it
/// found and where to go on, a list of all is refused. Without it who asks for the few of a group
/// would have every event of 90 days read.
const PAGES: usize = 8;

/// Most bytes of records on a page: printed, an event is less than twice and a half as long, since
/// its message stands there twice.
const PAGE_BYTES: usize = MAX_ANSWER / 5 * 2;

/// What a listing's first queries are: known before the caller is. `before` is where the listing
/// before it ended.
pub fn listing(
    tenant_id: TenantId,
    app: AppId,
    env: &Environment,
    groups: Groups,
    limit: Option<u32>,
    before: Option<&str>,
) -> [Query; 2] {
    let limit = limit.filter(|_| groups.is_all());
    [Some(env), None].map(|env| {
        Query {
            newest_first: true,
            ..Query::all(keys::events(tenant_id, app, env))
        }
        .after(before.map(str::to_owned))
        .limit(limit)
    })
}

/// One of the two partitions, read as far as it takes.
struct Side {
    query: Query,
    items: std::vec::IntoIter<Item>,
    next: Option<Item>,
    is_open: bool,
}

impl Side {
    /// Makes sure that the newest event that was not taken yet is at hand. Gives how many pages it
    /// read.
    async fn ready(&mut self, reader: &mut Reader<'_>) -> Result<usize, Error> {
        let mut pages = 0;
        while self.next.is_none() {
            self.next = self.items.next();
            if self.next.is_some() || !self.is_open {
                break;
            }
            let page = reader.query(&self.query).await?;
            pages += 1;
            // Newest first, nothing lives behind an event whose time is over: the table removes
            // those within days.
            let oldest = keys::due_until(reader.now().plus_seconds(-RETENTION_SECONDS));
            self.is_open = page.next.as_ref().is_some_and(|next| *next > oldest);
            self.query.after = page.next;
            self.items = page.items.into_iter();
        }
        Ok(pages)
    }
}

/// An app's events in an environment and in all of them, newest first: all of them, or at most
/// `limit`, with where to go on; nothing at the end. A page of long or rare events may have fewer
/// than `limit`, and even none, and more behind it.
///
/// # Errors
/// Too large for a list of all that is beyond one answer, or is looked for among too many others;
/// the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    env: &Environment,
    groups: Groups,
    limit: Option<u32>,
    before: Option<&str>,
) -> Result<(Vec<Event>, Option<String>), Error> {
    let mut sides = listing(tenant_id, app, env, groups, limit, before).map(|query| Side {
        query,
        items: Vec::new().into_iter(),
        next: None,
        is_open: true,
    });
    let (mut events, mut pages, mut bytes, mut last) = (Vec::new(), 0, 0, None);
    loop {
        for side in &mut sides {
            pages += side.ready(reader).await?;
        }
        let [one, other] = &mut sides;
        let newest = match (&one.next, &other.next) {
            (None, None) => return Ok((events, None)),
            (Some(item), Some(beside)) if beside.key.sk > item.key.sk => other.next.take(),
            (Some(_), _) => one.next.take(),
            (None, Some(_)) => other.next.take(),
        };
        let Some(newest) = newest else {
            return Ok((events, None));
        };
        last = Some(newest.key.sk.clone()).or(last);
        let length = newest.body.len();
        let event = Stored::<Event>::parse(newest)?.value;
        if groups.has(event.group) {
            bytes += length;
            events.push(event);
        }
        match limit {
            Some(limit)
                if events.len() >= limit as usize || bytes > PAGE_BYTES || pages > PAGES =>
            {
                return Ok((events, last));
            }
            None if bytes > MAX_ANSWER || pages > PAGES => {
                return Err(Error::too_large(
                    "The list is too large for one answer: ask for pages with limit and cursor",
                ));
            }
            _ => {}
        }
    }
}

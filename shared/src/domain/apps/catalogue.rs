//! The catalogue: one row per listed app, in a stable order, found at any offset without reading
//! what is before it.
//!
//! An app record is the truth; its rows are copies of what lists show, rewritten in the transaction
//! that changes the app record. An item with binaries of two types is two rows. Rows stand in
//! numbered buckets of about a hundred; the directory counts them, so that an offset leads to a
//! bucket.

use std::collections::BTreeMap;

use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::base::kind::{AppKind, Listing};
use crate::model::apps::app::App;
use crate::model::apps::catalogue::{Bucket, CatalogueRow};
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Page, Query, Write, keys, record};

/// About how many apps a bucket holds: apps that are made at the same moment may make it a few
/// more.
pub const BUCKET: i64 = 100;

/// What making an app reads to find its bucket.
pub fn last_bucket(tenant_id: TenantId) -> Query {
    let prefix = keys::BUCKETS_PREFIX.to_owned();
    Query {
        prefix,
        newest_first: true,
        ..Query::all(keys::directory(tenant_id))
    }
    .limit(Some(1))
}

/// The bucket for a new app, and the write that counts it in.
///
/// # Errors
/// The store's.
pub async fn bucket(reader: &mut Reader<'_>, tenant_id: TenantId) -> Result<(u32, Write), Error> {
    let page = reader.query(&last_bucket(tenant_id)).await?;
    let number = match page.items.first() {
        None => 0,
        Some(item) => {
            let number: u32 = item
                .key
                .sk
                .trim_start_matches(keys::BUCKETS_PREFIX)
                .parse()
                .map_err(Error::internal)?;
            if item.count < BUCKET {
                number
            } else {
                number + 1
            }
        }
    };
    Ok((
        number,
        Write::Count {
            key: keys::bucket(tenant_id, number),
            kind: Bucket::KIND,
            by: 1,
            condition: Condition::Always,
        },
    ))
}

/// The rows of an app, by list and sort key.
fn rows(app: &App) -> BTreeMap<(Listing, String), CatalogueRow> {
    let whole = app.binaries.is_empty().then_some(app.id.item());
    let ids: Vec<AppId> = app
        .binaries
        .iter()
        .map(|binary| app.id.binary(binary.kind))
        .chain(whole)
        .collect();
    let row = |id: &AppId| CatalogueRow {
        id: *id,
        name: app.listed_name().to_owned(),
        description: app.description.to_string(),
        context: app.context.clone(),
        version: app.listed_version(*id),
        provider: app.provider.clone(),
        state: app.state,
        business_owner: app.business_owner,
        site: app.kind == AppKind::Site,
        tags: app.tags.clone(),
    };
    let listings = Listing::ALL
        .iter()
        .copied()
        .filter(|listing| listing.holds(app.kind));
    listings
        .flat_map(|listing| {
            ids.iter()
                .map(move |id| ((listing, keys::row_sort(app.bucket, *id)), row(id)))
        })
        .collect()
}

/// The rows of an app in one list, in its order.
pub fn rows_of(app: &App, listing: Listing) -> Vec<CatalogueRow> {
    rows(app)
        .into_iter()
        .filter(|((of, _), _)| *of == listing)
        .map(|(_, row)| row)
        .collect()
}

/// The writes of the rows and of the directory that a change of an app record makes necessary:
/// `before` is nothing for a new app record, `after` for one that goes.
///
/// # Errors
/// Internal.
pub fn changes(
    tenant_id: TenantId,
    before: Option<&App>,
    after: Option<&App>,
) -> Result<Vec<Write>, Error> {
    let (old, new) = (
        before.map(rows).unwrap_or_default(),
        after.map(rows).unwrap_or_default(),
    );
    let bucket = after.or(before).map_or(0, |app| app.bucket);
    let mut writes = Vec::new();
    let mut counts = BTreeMap::<Listing, i64>::new();
    for ((listing, sort), row) in &new {
        match old.get(&(*listing, sort.clone())) {
            Some(same) if same == row => continue,
            Some(_) => {}
            None => *counts.entry(*listing).or_default() += 1,
        }
        writes.push(record::put(
            keys::row(tenant_id, *listing, sort),
            row,
            Condition::Always,
        )?);
    }
    for (listing, sort) in old.keys().filter(|key| !new.contains_key(*key)) {
        *counts.entry(*listing).or_default() -= 1;
        writes.push(Write::Delete(
            keys::row(tenant_id, *listing, sort),
            Condition::Always,
        ));
    }
    for (listing, by) in counts.into_iter().filter(|(_, by)| *by != 0) {
        writes.push(Write::Count {
            key: keys::directory_entry(tenant_id, listing, bucket),
            kind: Bucket::KIND,
            by,
            condition: Condition::Always,
        });
    }
    Ok(writes)
}

/// The first rows of a list, for a plan: the page at offset 0, and one row more, to see whether
/// there is a next page.
pub fn first_rows(tenant_id: TenantId, listing: Listing, limit: u32) -> Query {
    Query::all(keys::rows(tenant_id, listing)).limit(Some(limit.saturating_add(1)))
}

/// The directory of a list, for a plan: what a page at an offset reads first.
pub fn directory_of(tenant_id: TenantId, listing: Listing) -> Query {
    Query {
        prefix: keys::directory_prefix(listing),
        ..Query::all(keys::directory(tenant_id))
    }
}

/// All rows of a list, for a plan: what a search and a count read first.
pub fn whole(tenant_id: TenantId, listing: Listing) -> Query {
    Query::all(keys::rows(tenant_id, listing))
}

/// Rows of a page, and whether there are more behind them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The rows, in the order of the list.
    pub rows: Vec<CatalogueRow>,
    /// Whether there are more.
    pub more: bool,
}

fn parsed(page: Page) -> Result<Vec<CatalogueRow>, Error> {
    page.items
        .into_iter()
        .map(|item| Ok(Stored::<CatalogueRow>::parse(item)?.value))
        .collect()
}

/// The page of a list at an offset: one query at offset 0, else the directory and the rows from the
/// bucket where the page begins, whatever the offset.
///
/// # Errors
/// The store's.
pub async fn page(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    listing: Listing,
    offset: u32,
    limit: u32,
) -> Result<Rows, Error> {
    let wanted = limit as usize;
    if offset == 0 {
        return rows_from(reader, first_rows(tenant_id, listing, limit), 0, wanted).await;
    }
    let mut skipped = i64::from(offset);
    let mut start = None;
    for item in reader.all(directory_of(tenant_id, listing)).await? {
        if item.count > skipped {
            let number: u32 = item
                .key
                .sk
                .rsplit('#')
                .next()
                .unwrap_or_default()
                .parse()
                .map_err(Error::internal)?;
            start = Some(number);
            break;
        }
        skipped -= item.count.max(0);
    }
    let Some(bucket) = start else {
        return Ok(Rows::default());
    };
    let skip = usize::try_from(skipped).map_err(Error::internal)?;
    let most = u32::try_from(skip + wanted + 1).map_err(Error::internal)?;
    let query = Query::all(keys::rows(tenant_id, listing))
        .after(Some(keys::before_bucket(bucket)))
        .limit(Some(most));
    rows_from(reader, query, skip, wanted).await
}

async fn rows_from(
    reader: &mut Reader<'_>,
    mut query: Query,
    skip: usize,
    wanted: usize,
) -> Result<Rows, Error> {
    let mut found = Vec::new();
    loop {
        let page = reader.query(&query).await?;
        let next = page.next.clone();
        found.extend(parsed(page)?);
        // One call gives 1 MB, which long descriptions fill.
        if next.is_none() || found.len() > skip + wanted {
            break;
        }
        query.after = next;
        query.limit = u32::try_from(skip + wanted + 1 - found.len()).ok();
    }
    let more = found.len() > skip + wanted;
    Ok(Rows {
        rows: found.into_iter().skip(skip).take(wanted).collect(),
        more,
    })
}

/// Shows every row of a list to `see`, in its order: one query per MB.
///
/// # Errors
/// The store's.
pub async fn each(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    listing: Listing,
    mut see: impl FnMut(CatalogueRow) + Send,
) -> Result<(), Error> {
    let mut query = whole(tenant_id, listing);
    loop {
        let page = reader.query(&query).await?;
        let next = page.next.clone();
        parsed(page)?.into_iter().for_each(&mut see);
        if next.is_none() {
            return Ok(());
        }
        query.after = next;
    }
}

/// The page of the rows that `fits` says yes to: it reads the list from its beginning, one query
/// per MB, until the page is full.
///
/// # Errors
/// The store's.
pub async fn search(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    listing: Listing,
    offset: u32,
    limit: u32,
    fits: impl Fn(&CatalogueRow) -> bool + Send,
) -> Result<Rows, Error> {
    let (skip, wanted) = (offset as usize, limit as usize);
    let mut query = whole(tenant_id, listing);
    let mut found = Vec::new();
    loop {
        let page = reader.query(&query).await?;
        let next = page.next.clone();
        found.extend(parsed(page)?.into_iter().filter(|row| fits(row)));
        if next.is_none() || found.len() > skip + wanted {
            break;
        }
        query.after = next;
    }
    let more = found.len() > skip + wanted;
    Ok(Rows {
        rows: found.into_iter().skip(skip).take(wanted).collect(),
        more,
    })
}

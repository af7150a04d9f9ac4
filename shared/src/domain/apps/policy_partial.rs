//! Policy partials: XACML conditions under a number, mapped to web apps through their policy groups
//! (001 1, 14).

use crate::base::conditions::Validators;
use crate::base::error::{Error, Kind};
use crate::base::id::{AppId, Guid, TenantId};
use crate::base::kind::Listing;
use crate::change;
use crate::domain::apps::catalogue;
use crate::model::apps::app::App;
use crate::model::apps::catalogue::CatalogueRow;
use crate::model::apps::policy_partial::{
    Mapped, Partial, PartialDescription, PartialName, SharedPartial,
};
use crate::model::people::principal::Principal;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Item, Key, MAX_READ, Query, Write, keys, record};

/// The largest number of a partial: clients keep it in 31 bits.
pub const MAX_NUMBER: u32 = 2_147_483_646;

/// Most partials of one app: its deletion undoes them in one transaction.
pub const MAX_APP: usize = 10;

/// The writes that make `after` the partials of an app in place of `before`. A private partial can
/// be mapped by its author alone; one that was mapped before stays.
///
/// # Errors
/// Invalid for an unknown partial, somebody else's private one, and beyond [`MAX_APP`]; the
/// store's.
pub async fn map(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    user: &Guid,
    app: AppId,
    before: &[u32],
    after: &[u32],
) -> Result<Vec<Write>, Error> {
    let (mut before, mut after) = (before.to_vec(), after.to_vec());
    for list in [&mut before, &mut after] {
        list.sort_unstable();
        list.dedup();
    }
    if after.len() > MAX_APP {
        return Err(Error::invalid(format!(
            "policyPartialMapping: at most {MAX_APP} policy partials for one app"
        )));
    }
    let added: Vec<u32> = after
        .iter()
        .filter(|id| !before.contains(id))
        .copied()
        .collect();
    let wanted: Vec<Key> = added
        .iter()
        .map(|id| keys::partial(tenant_id, *id))
        .collect();
    let mut writes = Vec::new();
    for (id, found) in added.iter().zip(reader.get_all::<Partial>(&wanted).await?) {
        if !found.is_some_and(|found| found.value.shared || found.value.author == *user) {
            return Err(Error::invalid(format!(
                "policyPartialMapping: there is no policy partial {id}"
            )));
        }
        writes.push(record::put(
            keys::partial_app(tenant_id, *id, app),
            &Mapped { app: app.item() },
            Condition::Always,
        )?);
        writes.push(counted(tenant_id, *id, 1));
    }
    for id in before.iter().filter(|id| !after.contains(id)) {
        writes.push(Write::Delete(
            keys::partial_app(tenant_id, *id, app),
            Condition::Always,
        ));
        writes.push(counted(tenant_id, *id, -1));
    }
    Ok(writes)
}

/// The writes that map partials to a new version of an app, as they are mapped to the version that
/// it is made of: nobody's leave is asked again.
///
/// # Errors
/// Internal.
pub fn copied(tenant_id: TenantId, app: AppId, partials: &[u32]) -> Result<Vec<Write>, Error> {
    let mut writes = Vec::new();
    for id in partials {
        writes.push(record::put(
            keys::partial_app(tenant_id, *id, app),
            &Mapped { app: app.item() },
            Condition::Always,
        )?);
        writes.push(counted(tenant_id, *id, 1));
    }
    Ok(writes)
}

fn counted(tenant_id: TenantId, id: u32, by: i64) -> Write {
    Write::Count {
        key: keys::partial(tenant_id, id),
        kind: Partial::KIND,
        by,
        condition: Condition::Present,
    }
}

/// A partial.
///
/// # Errors
/// Not found; the store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: u32,
) -> Result<Stored<Partial>, Error> {
    let found = reader.get(&keys::partial(tenant_id, id)).await?;
    found.ok_or_else(|| Error::not_found(format!("There is no policy partial {id}")))
}

/// What somebody says of a partial; what is absent stays as it is, or is blank and not shared in a
/// new one.
#[derive(Clone, Debug, Default)]
pub struct PolicyPartialInput {
    /// The name.
    pub name: Option<PartialName>,
    /// What it is.
    pub description: Option<PartialDescription>,
    /// The XACML rule or condition, which was checked.
    pub text: String,
    /// Whether others than its author may map it and see it in lists.
    pub shared: Option<bool>,
}

/// Most numbers that are drawn for a new partial. Beside a million of them one in two thousand is
/// taken.
const DRAWS: usize = 12;

/// Makes a partial under a number of chance.
///
/// # Errors
/// The store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    said: &PolicyPartialInput,
) -> Result<Partial, Error> {
    create_numbered(reader, who, said, || rand::random_range(1..=MAX_NUMBER)).await
}

/// Makes a partial under the first number of `draw` that is free.
///
/// # Errors
/// Conflict where twelve numbers were taken; the store's.
pub async fn create_numbered(
    reader: &mut Reader<'_>,
    who: &Principal,
    said: &PolicyPartialInput,
    mut draw: impl FnMut() -> u32 + Send,
) -> Result<Partial, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    let mut partial = Partial {
        id: 0,
        name: said.name.clone().unwrap_or_default(),
        description: said.description.clone().unwrap_or_default(),
        text: said.text.clone(),
        shared: said.shared.unwrap_or_default(),
        author: who.owner.user.clone(),
        created: now,
        modified: now,
    };
    for _ in 0..DRAWS {
        partial.id = draw();
        let made = change!(reader, {
            let mut writes = vec![record::create(
                keys::partial(tenant_id, partial.id),
                &partial,
            )?];
            writes.extend(listing_writes(tenant_id, None, Some(&partial))?);
            Ok(((), writes))
        });
        match made {
            Ok(()) => return Ok(partial),
            Err(error) if error.kind == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::conflict(
        "No number was free for the policy partial, please try again",
    ))
}

/// The writes that make lists show `after` in place of `before`.
fn listing_writes(
    tenant_id: TenantId,
    before: Option<&Partial>,
    after: Option<&Partial>,
) -> Result<Vec<Write>, Error> {
    let (before, after) = (
        before.filter(|partial| partial.shared),
        after.filter(|partial| partial.shared),
    );
    let key = |partial: &Partial| keys::shared_partial(tenant_id, partial.created, partial.id);
    Ok(match (before, after) {
        (_, Some(partial)) => vec![record::put(
            key(partial),
            &SharedPartial {
                id: partial.id,
                name: partial.name.clone(),
            },
            Condition::Always,
        )?],
        (Some(partial), None) => vec![Write::Delete(key(partial), Condition::Always)],
        (None, None) => Vec::new(),
    })
}

/// Changes a partial; decisions about the apps that it is mapped to go by the new text at once.
/// `judge` says whether the caller's conditions hold for what is there.
///
/// # Errors
/// Not found; what `judge` says; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: u32,
    judge: impl Fn(&Validators) -> Result<(), Error> + Send + Sync,
    said: &PolicyPartialInput,
) -> Result<Partial, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = find(reader, tenant_id, id).await?;
        judge(&found.value.validators()?)?;
        let before = found.value.clone();
        let partial = &mut found.value;
        partial.name = said.name.clone().unwrap_or_else(|| before.name.clone());
        partial.description = said
            .description
            .clone()
            .unwrap_or_else(|| before.description.clone());
        partial.shared = said.shared.unwrap_or(before.shared);
        partial.text.clone_from(&said.text);
        partial.modified = now;
        let mut writes = vec![found.replace()?];
        writes.extend(listing_writes(
            tenant_id,
            Some(&before),
            Some(&found.value),
        )?);
        Ok((found.value, writes))
    })
}

/// Deletes a partial that no app uses. Whoever maps it at this moment is either in the way or finds
/// it gone: both changes go by the revision of its item.
///
/// # Errors
/// Not found; what `judge` says; precondition failed with the names of the apps that use it; the
/// store's.
pub async fn delete(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: u32,
    judge: impl Fn(&Validators) -> Result<(), Error> + Send + Sync,
) -> Result<(), Error> {
    change!(reader, {
        let found = find(reader, tenant_id, id).await?;
        judge(&found.value.validators()?)?;
        if found.count > 0 {
            return Err(in_use(reader, tenant_id, id, found.count).await?);
        }
        let mut writes = vec![found.remove()];
        writes.extend(listing_writes(tenant_id, Some(&found.value), None)?);
        Ok(((), writes))
    })
}

/// Most apps that the refusal of a deletion names.
const NAMED_APPS: u32 = 20;

/// Why a partial cannot be deleted.
async fn in_use(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: u32,
    count: i64,
) -> Result<Error, Error> {
    let links = first(
        reader,
        Query::all(keys::partial_apps(tenant_id, id)),
        NAMED_APPS,
    )
    .await?;
    let apps = apps_of(reader, tenant_id, &links).await?;
    let mut apps: Vec<String> = apps
        .iter()
        .map(|app| format!("{} ({})", app.listed_name(), app.id.uuid()))
        .collect();
    let unnamed = usize::try_from(count)
        .unwrap_or_default()
        .saturating_sub(apps.len());
    match (unnamed, apps.is_empty()) {
        (0, _) => {}
        (_, true) => apps.push(format!("{count} apps")),
        (_, false) => apps.push(format!("{unnamed} more")),
    }
    Ok(Error::new(
        Kind::PreconditionFailed,
        format!("The policy partial {id} is in use by {}", apps.join(", ")),
    ))
}

/// The first so many items of a query: one call per MB.
async fn first(reader: &mut Reader<'_>, query: Query, most: u32) -> Result<Vec<Item>, Error> {
    let wanted = most as usize;
    let mut query = query.limit(Some(most));
    let mut items = Vec::new();
    loop {
        let page = reader.query(&query).await?;
        items.extend(page.items);
        if page.next.is_none() || items.len() >= wanted {
            return Ok(items);
        }
        query.after = page.next;
        query.limit = u32::try_from(wanted - items.len()).ok();
    }
}

/// The apps that links lead to, in their order. An app that was deleted in between has
/// none.
async fn apps_of(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    links: &[Item],
) -> Result<Vec<App>, Error> {
    let ids = links
        .iter()
        .map(|link| Ok(Stored::<Mapped>::parse(link.clone())?.value.app))
        .collect::<Result<Vec<_>, Error>>()?;
    let wanted: Vec<Key> = ids.into_iter().map(|id| keys::app(tenant_id, id)).collect();
    Ok(reader
        .get_all::<App>(&wanted)
        .await?
        .into_iter()
        .flatten()
        .map(|app| app.value)
        .collect())
}

/// How many entries must be read to show a page, and to see whether there is a next one.
fn until(offset: u32, limit: u32) -> u32 {
    offset.saturating_add(limit).saturating_add(1)
}

/// What the page of the shared partials reads, for a plan.
pub fn listing(tenant_id: TenantId, offset: u32, limit: u32) -> Query {
    Query::all(keys::shared_partials(tenant_id)).limit(Some(until(offset, limit)))
}

/// The shared partials of a page, in the order of their creation, and whether there are more behind
/// them: one query.
///
/// # Errors
/// The store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    offset: u32,
    limit: u32,
) -> Result<(Vec<SharedPartial>, bool), Error> {
    let items = first(
        reader,
        Query::all(keys::shared_partials(tenant_id)),
        until(offset, limit),
    )
    .await?;
    let (page, more) = cut(items, offset, limit);
    let shown = page
        .into_iter()
        .map(|item| Ok(Stored::<SharedPartial>::parse(item)?.value))
        .collect::<Result<_, Error>>()?;
    Ok((shown, more))
}

/// A page of what was read from the beginning, and whether there is more behind it.
fn cut<T>(found: Vec<T>, offset: u32, limit: u32) -> (Vec<T>, bool) {
    let (skip, wanted) = (offset as usize, limit as usize);
    let more = found.len() > skip.saturating_add(wanted);
    (found.into_iter().skip(skip).take(wanted).collect(), more)
}

/// What the page of the apps that a partial is mapped to reads beside the partial, for a plan.
pub fn mapped(
    tenant_id: TenantId,
    id: u32,
    listing: Listing,
    offset: u32,
    limit: u32,
) -> Option<Query> {
    let links = Query::all(keys::partial_apps(tenant_id, id));
    match listing {
        Listing::Mobile => None,
        Listing::Web => Some(links.limit(Some(until(offset, limit)))),
        Listing::Site => Some(links),
    }
}

/// The apps of a list that a partial is mapped to, in the order of their creation: the page and
/// whether there are more behind it. Web apps cost the links and the app records of the page; sites
/// the links and app records of all, up to the page.
///
/// # Errors
/// The store's.
pub async fn apps(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: u32,
    listing: Listing,
    offset: u32,
    limit: u32,
) -> Result<(Vec<CatalogueRow>, bool), Error> {
    let links = Query::all(keys::partial_apps(tenant_id, id));
    let (apps, more) = match listing {
        // A gateway stands before web apps alone.
        Listing::Mobile => (Vec::new(), false),
        Listing::Web => {
            let (page, more) = cut(
                first(reader, links, until(offset, limit)).await?,
                offset,
                limit,
            );
            (apps_of(reader, tenant_id, &page).await?, more)
        }
        Listing::Site => {
            let wanted = until(offset, limit) as usize;
            let (mut query, mut sites) = (links, Vec::new());
            'pages: loop {
                let page = reader.query(&query).await?;
                for chunk in page.items.chunks(MAX_READ) {
                    let apps = apps_of(reader, tenant_id, chunk).await?;
                    sites.extend(apps.into_iter().filter(|app| listing.holds(app.kind)));
                    if sites.len() >= wanted {
                        break 'pages;
                    }
                }
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
            cut(sites, offset, limit)
        }
    };
    Ok((
        apps.iter()
            .flat_map(|app| catalogue::rows_of(app, listing))
            .collect(),
        more,
    ))
}

/// The partials of these numbers, in their order, in one call; `None` for one that is gone.
///
/// # Errors
/// The store's.
pub async fn texts(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    ids: &[u32],
) -> Result<Vec<Option<String>>, Error> {
    let wanted: Vec<Key> = ids.iter().map(|id| keys::partial(tenant_id, *id)).collect();
    Ok(reader
        .get_all::<Partial>(&wanted)
        .await?
        .into_iter()
        .map(|found| found.map(|found| found.value.text))
        .collect())
}

//! Lines: the versions of an app of the publisher API, which share its name, and what each of them
//! claims (001 4, 10).
//!
//! A name belongs to one line among the apps of its type. Provider, name and version together
//! belong to one version, a context to the versions of one line. What is claimed is claimed by a
//! record under a key of its own, in the transaction that makes the version, and goes with the last
//! version that has it.

use crate::base::error::Error;
use crate::base::id::{AppId, Handle};
use crate::base::kind::{AppKind, Listing};
use crate::domain::apps::app;
use crate::domain::apps::publication::joined;
use crate::model::apps::app::AppCard;
use crate::model::apps::line::{ContextClaim, Line, Member};
use crate::model::apps::publication::{Publication, VersionClaim};
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

/// Most versions of a line.
pub const VERSIONS_LIMIT: usize = 100;

/// The list among whose apps those of that kind have their names. What a site claims it claims
/// among web apps.
pub fn among(kind: AppKind) -> Listing {
    if kind == AppKind::Mobile {
        Listing::Mobile
    } else {
        Listing::Web
    }
}

/// The key of the line that a card belongs to; none for apps of other dialects.
pub fn name_key(handle: Handle, card: &AppCard) -> Option<Key> {
    card.publisher_name
        .as_ref()
        .map(|name| keys::app_name(handle, among(card.kind), name.as_str()))
}

/// The key of a card's provider, name and version; none where it claims no name or has no version
/// of its own.
pub fn version_key(handle: Handle, card: &AppCard) -> Option<Key> {
    let name = card
        .publisher_name
        .as_ref()
        .filter(|_| !card.version.is_empty())?;
    Some(keys::version_claim(
        handle,
        among(card.kind),
        &joined(&format!("{}-{name}-{}", card.provider, card.version)),
    ))
}

/// The key of a card's context.
pub fn context_key(handle: Handle, card: &AppCard) -> Option<Key> {
    card.context
        .as_ref()
        .map(|context| keys::context(handle, context))
}

/// Everything that a card claims, for reading it in one call.
pub fn keys_of(handle: Handle, card: &AppCard) -> Vec<Key> {
    [
        name_key(handle, card),
        version_key(handle, card),
        context_key(handle, card),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A claim that another request made a moment before is found by the next try, which tells whose it
/// is; a claim under [`Condition::Absent`] would end in words that name nothing.
fn free(reader: &Reader<'_>) -> Condition {
    Condition::AbsentOrExpired {
        now: reader.now().seconds(),
    }
}

/// A line that a new version has joined, with the writes of all that the version claims.
#[derive(Debug)]
pub struct Joined {
    /// The writes.
    pub writes: Vec<Write>,
    /// The version that was the default of the line and is not any more.
    pub former_default: Option<AppId>,
}

/// Claims name, version and context of a new card. With `source` it is a new version of that app
/// and joins its line; an app of another dialect that claimed no name begins a line with it.
///
/// # Errors
/// Conflict where the name, the version or the context is taken, naming which; invalid beyond
/// [`VERSIONS_LIMIT`]; the store's.
pub async fn join(
    reader: &mut Reader<'_>,
    handle: Handle,
    card: &AppCard,
    default: bool,
    source: Option<&AppCard>,
) -> Result<Joined, Error> {
    reader.fetch_missing(&keys_of(handle, card)).await?;
    let key = name_key(handle, card).ok_or_else(|| Error::internal("a new app claims no name"))?;
    let name = card.listed_name();
    let mut writes = Vec::new();
    let mut found: Option<Stored<Line>> = reader.get(&key).await?;
    let mut line = found
        .as_ref()
        .map(|found| found.value.clone())
        .unwrap_or_default();
    if let Some(source) = source {
        let id = source.id.item();
        if !line.versions.iter().any(|member| member.app == id) && line.versions.is_empty() {
            line.versions.push(Member {
                app: id,
                version: source.listed_version(source.id),
            });
        }
    }
    let same = source.is_some_and(|source| {
        line.versions
            .iter()
            .any(|member| member.app == source.id.item())
    });
    if found.is_some() && !same {
        return Err(Error::conflict(format!(
            "name: there is an app of the name {name} already"
        )));
    }
    if line
        .versions
        .iter()
        .any(|member| member.version == card.version)
    {
        return Err(Error::conflict(format!(
            "version: the app {name} has a version {} already",
            card.version
        )));
    }
    if line.versions.len() >= VERSIONS_LIMIT {
        return Err(Error::invalid(format!(
            "version: an app has at most {VERSIONS_LIMIT} versions"
        )));
    }
    line.versions.push(Member {
        app: card.id.item(),
        version: card.version.clone(),
    });
    let former_default = if default {
        line.default.replace(card.id.item())
    } else {
        None
    };
    writes.push(match found.take() {
        Some(found) => Stored {
            value: line,
            ..found
        }
        .replace()?,
        None => record::put(key, &line, free(reader))?,
    });
    if let Some(key) = version_key(handle, card) {
        if reader.get::<VersionClaim>(&key).await?.is_some() {
            let (provider, version) = (&card.provider, &card.version);
            return Err(Error::conflict(format!(
                "version: there is an app that {provider}-{name}-{version} names already"
            )));
        }
        writes.push(record::put(
            key,
            &VersionClaim {
                app: card.id.item(),
            },
            free(reader),
        )?);
    }
    writes.extend(claim_context(reader, handle, card).await?);
    Ok(Joined {
        writes,
        former_default,
    })
}

async fn claim_context(
    reader: &mut Reader<'_>,
    handle: Handle,
    card: &AppCard,
) -> Result<Option<Write>, Error> {
    let (Some(key), Some(line)) = (context_key(handle, card), name_key(handle, card)) else {
        return Ok(None);
    };
    let found: Option<Stored<ContextClaim>> = reader.get(&key).await?;
    Ok(Some(match found {
        None => record::put(
            key,
            &ContextClaim {
                line: line.pk,
                versions: vec![card.id.item()],
            },
            free(reader),
        )?,
        Some(mut found) if found.value.line == line.pk => {
            found.value.versions.push(card.id.item());
            found.replace()?
        }
        Some(_) => {
            let context = card.context.as_deref().unwrap_or_default();
            return Err(Error::conflict(format!(
                "context: there is a web app with the context {context} already"
            )));
        }
    }))
}

async fn free_context(
    reader: &mut Reader<'_>,
    handle: Handle,
    card: &AppCard,
) -> Result<Option<Write>, Error> {
    let Some(key) = context_key(handle, card) else {
        return Ok(None);
    };
    let Some(mut found) = reader.get::<ContextClaim>(&key).await? else {
        return Ok(None);
    };
    found.value.versions.retain(|app| *app != card.id.item());
    Ok(Some(if found.value.versions.is_empty() {
        found.remove()
    } else {
        found.replace()?
    }))
}

/// The writes by which a version that goes gives back what it claimed.
///
/// # Errors
/// The store's.
pub async fn leave(
    reader: &mut Reader<'_>,
    handle: Handle,
    card: &AppCard,
) -> Result<Vec<Write>, Error> {
    reader.fetch_missing(&keys_of(handle, card)).await?;
    let mut writes = Vec::new();
    if let Some(key) = name_key(handle, card)
        && let Some(mut found) = reader.get::<Line>(&key).await?
    {
        let line = &mut found.value;
        line.versions.retain(|member| member.app != card.id.item());
        line.default = line.default.filter(|app| *app != card.id.item());
        writes.push(if line.versions.is_empty() {
            found.remove()
        } else {
            found.replace()?
        });
    }
    if let Some(key) = version_key(handle, card) {
        writes.push(Write::Delete(key, Condition::Always));
    }
    writes.extend(free_context(reader, handle, card).await?);
    Ok(writes)
}

/// The writes by which an app that is changed moves from one context to another.
///
/// # Errors
/// Conflict where the new one is taken; the store's.
pub async fn move_context(
    reader: &mut Reader<'_>,
    handle: Handle,
    before: &AppCard,
    after: &AppCard,
) -> Result<Vec<Write>, Error> {
    if before.context == after.context {
        return Ok(Vec::new());
    }
    let wanted: Vec<Key> = context_key(handle, before)
        .into_iter()
        .chain(context_key(handle, after))
        .collect();
    reader.fetch_missing(&wanted).await?;
    let mut writes: Vec<Write> = claim_context(reader, handle, after)
        .await?
        .into_iter()
        .collect();
    writes.extend(free_context(reader, handle, before).await?);
    Ok(writes)
}

/// The writes that make an app the default of its line, or not its default any more; beside them
/// which app was it before.
///
/// # Errors
/// Invalid for an app that is in no line; the store's.
pub async fn choose_default(
    reader: &mut Reader<'_>,
    handle: Handle,
    card: &AppCard,
    default: bool,
) -> Result<Joined, Error> {
    let unknown =
        || Error::invalid("isDefaultVersion: the app has no versions of the publisher API");
    let key = name_key(handle, card).ok_or_else(unknown)?;
    let mut found: Stored<Line> = reader.get(&key).await?.ok_or_else(unknown)?;
    let id = card.id.item();
    let former = found.value.default.filter(|app| *app != id);
    found.value.default = if default { Some(id) } else { former };
    Ok(Joined {
        writes: vec![found.replace()?],
        former_default: former.filter(|_| default),
    })
}

/// The writes that take being the default from an app.
///
/// # Errors
/// The store's.
pub async fn no_default(
    reader: &mut Reader<'_>,
    who: &Principal,
    app: AppId,
) -> Result<Vec<Write>, Error> {
    let (handle, by) = (who.handle, &who.owner.username);
    reader
        .fetch_missing(&[keys::app_card(handle, app), keys::publication(handle, app)])
        .await?;
    let (card, publication): (Option<Stored<AppCard>>, Option<Stored<Publication>>) = (
        reader.get(&keys::app_card(handle, app)).await?,
        reader.get(&keys::publication(handle, app)).await?,
    );
    let (Some(mut card), Some(mut publication)) = (card, publication) else {
        return Ok(Vec::new());
    };
    publication.value.default_version = false;
    let before = card.value.clone();
    let mut writes = app::rewritten(handle, &before, &mut card, by, reader.now())?;
    writes.push(publication.replace()?);
    Ok(writes)
}

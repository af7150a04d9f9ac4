//! Lines: the versions of an app of the publisher API, which share its name, and what each of them
//! claims (001 4, 10).
//!
//! A name belongs to one line among the apps of its type. Provider, name and version together
//! belong to one version, a context to the versions of one line. What is claimed is claimed by a
//! record under a key of its own, in the transaction that makes the version, and goes with the last
//! version that has it.

use crate::base::error::Error;
use crate::base::id::{AppId, TenantId};
use crate::base::kind::{AppKind, Listing};
use crate::domain::apps::app;
use crate::domain::apps::publication::joined;
use crate::model::apps::app::App;
use crate::model::apps::line::{ContextClaim, Line, Member};
use crate::model::apps::publication::{Publication, VersionClaim};
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Write, keys, record};

/// Most versions of a line.
pub const MAX_VERSIONS: usize = 100;

/// The list among whose apps those of that kind have their names. What a site claims it claims
/// among web apps.
pub fn among(kind: AppKind) -> Listing {
    if kind == AppKind::Mobile {
        Listing::Mobile
    } else {
        Listing::Web
    }
}

/// The key of the line that an app record belongs to; none for apps of other dialects.
pub fn name_key(tenant_id: TenantId, app: &App) -> Option<Key> {
    app.publisher_name
        .as_ref()
        .map(|name| keys::app_name(tenant_id, among(app.kind), name.as_str()))
}

/// The key of an app record's provider, name and version; none where it claims no name or has no
/// version of its own.
pub fn version_key(tenant_id: TenantId, app: &App) -> Option<Key> {
    let name = app
        .publisher_name
        .as_ref()
        .filter(|_| !app.version.is_empty())?;
    Some(keys::version_claim(
        tenant_id,
        among(app.kind),
        &joined(&format!("{}-{name}-{}", app.provider, app.version)),
    ))
}

/// The key of an app record's context.
pub fn context_key(tenant_id: TenantId, app: &App) -> Option<Key> {
    app.context
        .as_ref()
        .map(|context| keys::context(tenant_id, context))
}

/// Everything that an app record claims, for reading it in one call.
pub fn keys_of(tenant_id: TenantId, app: &App) -> Vec<Key> {
    [
        name_key(tenant_id, app),
        version_key(tenant_id, app),
        context_key(tenant_id, app),
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

/// Claims name, version and context of a new app record. With `source` it is a new version of that
/// app and joins its line; an app of another dialect that claimed no name begins a line with it.
///
/// # Errors
/// Conflict where the name, the version or the context is taken, naming which; invalid beyond
/// [`MAX_VERSIONS`]; the store's.
pub async fn join(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app_record: &App,
    default: bool,
    source: Option<&App>,
) -> Result<Joined, Error> {
    reader
        .fetch_missing(&keys_of(tenant_id, app_record))
        .await?;
    let key = name_key(tenant_id, app_record)
        .ok_or_else(|| Error::internal("a new app claims no name"))?;
    let name = app_record.listed_name();
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
        .any(|member| member.version == app_record.version)
    {
        return Err(Error::conflict(format!(
            "version: the app {name} has a version {} already",
            app_record.version
        )));
    }
    if line.versions.len() >= MAX_VERSIONS {
        return Err(Error::invalid(format!(
            "version: an app has at most {MAX_VERSIONS} versions"
        )));
    }
    line.versions.push(Member {
        app: app_record.id.item(),
        version: app_record.version.clone(),
    });
    let former_default = if default {
        line.default.replace(app_record.id.item())
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
    if let Some(key) = version_key(tenant_id, app_record) {
        if reader.get::<VersionClaim>(&key).await?.is_some() {
            let (provider, version) = (&app_record.provider, &app_record.version);
            return Err(Error::conflict(format!(
                "version: there is an app that {provider}-{name}-{version} names already"
            )));
        }
        writes.push(record::put(
            key,
            &VersionClaim {
                app: app_record.id.item(),
            },
            free(reader),
        )?);
    }
    writes.extend(claim_context(reader, tenant_id, app_record).await?);
    Ok(Joined {
        writes,
        former_default,
    })
}

async fn claim_context(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: &App,
) -> Result<Option<Write>, Error> {
    let (Some(key), Some(line)) = (context_key(tenant_id, app), name_key(tenant_id, app)) else {
        return Ok(None);
    };
    let found: Option<Stored<ContextClaim>> = reader.get(&key).await?;
    Ok(Some(match found {
        None => record::put(
            key,
            &ContextClaim {
                line: line.pk,
                versions: vec![app.id.item()],
            },
            free(reader),
        )?,
        Some(mut found) if found.value.line == line.pk => {
            found.value.versions.push(app.id.item());
            found.replace()?
        }
        Some(_) => {
            let context = app.context.as_deref().unwrap_or_default();
            return Err(Error::conflict(format!(
                "context: there is a web app with the context {context} already"
            )));
        }
    }))
}

async fn free_context(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app_record: &App,
) -> Result<Option<Write>, Error> {
    let Some(key) = context_key(tenant_id, app_record) else {
        return Ok(None);
    };
    let Some(mut found) = reader.get::<ContextClaim>(&key).await? else {
        return Ok(None);
    };
    found
        .value
        .versions
        .retain(|app| *app != app_record.id.item());
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
    tenant_id: TenantId,
    app_record: &App,
) -> Result<Vec<Write>, Error> {
    reader
        .fetch_missing(&keys_of(tenant_id, app_record))
        .await?;
    let mut writes = Vec::new();
    if let Some(key) = name_key(tenant_id, app_record)
        && let Some(mut found) = reader.get::<Line>(&key).await?
    {
        let line = &mut found.value;
        line.versions
            .retain(|member| member.app != app_record.id.item());
        line.default = line.default.filter(|app| *app != app_record.id.item());
        writes.push(if line.versions.is_empty() {
            found.remove()
        } else {
            found.replace()?
        });
    }
    if let Some(key) = version_key(tenant_id, app_record) {
        writes.push(Write::Delete(key, Condition::Always));
    }
    writes.extend(free_context(reader, tenant_id, app_record).await?);
    Ok(writes)
}

/// The writes by which an app that is changed moves from one context to another.
///
/// # Errors
/// Conflict where the new one is taken; the store's.
pub async fn move_context(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    before: &App,
    after: &App,
) -> Result<Vec<Write>, Error> {
    if before.context == after.context {
        return Ok(Vec::new());
    }
    let wanted: Vec<Key> = context_key(tenant_id, before)
        .into_iter()
        .chain(context_key(tenant_id, after))
        .collect();
    reader.fetch_missing(&wanted).await?;
    let mut writes: Vec<Write> = claim_context(reader, tenant_id, after)
        .await?
        .into_iter()
        .collect();
    writes.extend(free_context(reader, tenant_id, before).await?);
    Ok(writes)
}

/// The writes that make an app the default of its line, or not its default any more; beside them
/// which app was it before.
///
/// # Errors
/// Invalid for an app that is in no line; the store's.
pub async fn choose_default(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app_record: &App,
    default: bool,
) -> Result<Joined, Error> {
    let unknown =
        || Error::invalid("isDefaultVersion: the app has no versions of the publisher API");
    let key = name_key(tenant_id, app_record).ok_or_else(unknown)?;
    let mut found: Stored<Line> = reader.get(&key).await?.ok_or_else(unknown)?;
    let id = app_record.id.item();
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
    let (tenant_id, by) = (who.tenant_id, &who.owner.username);
    reader
        .fetch_missing(&[keys::app(tenant_id, app), keys::publication(tenant_id, app)])
        .await?;
    let (app_record, publication): (Option<Stored<App>>, Option<Stored<Publication>>) = (
        reader.get(&keys::app(tenant_id, app)).await?,
        reader.get(&keys::publication(tenant_id, app)).await?,
    );
    let (Some(mut app_record), Some(mut publication)) = (app_record, publication) else {
        return Ok(Vec::new());
    };
    publication.value.default_version = false;
    let before = app_record.value.clone();
    let mut writes = app::update_writes(tenant_id, &before, &mut app_record, by, reader.now())?;
    writes.push(publication.replace()?);
    Ok(writes)
}

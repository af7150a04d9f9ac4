//! Making, changing and deleting apps.

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::base::kind::AppKind;
use crate::base::text::{Description, Label, Name};
use crate::change;
use crate::domain::apps::{
    app, business_owner, catalogue, file, life_cycle, line, links, policy_partial,
};
use crate::domain::events::{alert, event};
use crate::model::apps::app::{App, Binary, NUMERIC_ID_STEP, NumericId, OwnedApps, Version};
use crate::model::apps::publication::Publication;
use crate::model::events::event::Event;
use crate::model::people::principal::Principal;
use crate::model::task;
use crate::model::task::Task;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Write, keys, record};

/// What a new app is made of.
#[derive(Clone, Debug, Default)]
pub struct NewApp {
    /// The name.
    pub name: Option<Name>,
    /// What it is.
    pub description: Option<Description>,
    /// The token.
    pub auth_token: Option<Label>,
    /// Whether only its groups see it.
    pub restrict_to_groups: Option<bool>,
    /// The whole list of its groups.
    pub groups: Option<Vec<Guid>>,
    /// The whole list of its policies.
    pub policies: Option<Vec<Guid>>,
}

fn apply(app: &mut App, changes: &NewApp) {
    let NewApp {
        name,
        description,
        auth_token,
        restrict_to_groups,
        groups: _,
        policies,
    } = changes.clone();
    app.name = name.unwrap_or_else(|| app.name.clone());
    app.description = description.unwrap_or_else(|| app.description.clone());
    app.auth_token = auth_token.unwrap_or_else(|| app.auth_token.clone());
    app.restrict_to_groups = restrict_to_groups.unwrap_or(app.restrict_to_groups);
    app.policies = policies.unwrap_or_else(|| app.policies.clone());
}

/// Makes an app; it is not in the store yet (003 2.10).
///
/// # Errors
/// Not found for an unknown policy or group; invalid beyond their limits; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    name: Name,
    changes: &NewApp,
) -> Result<App, Error> {
    let now = reader.now();
    let id = AppId::new(now);
    change!(reader, {
        let mut app = App::new(&who.owner, id, AppKind::Mobile, name.clone(), now);
        apply(&mut app, changes);
        app::require_policies(reader, who.tenant_id, &app.policies, &[]).await?;
        let mut writes = Vec::new();
        if let Some(groups) = &changes.groups {
            writes = links::regroup(reader, who.tenant_id, &mut app, groups).await?;
        }
        let mut all = create_writes(reader, who, &mut app).await?;
        all.extend(writes);
        Ok((app, all))
    })
}

/// The writes of a new app: its app record, first, its rows, its history, its uses of files, and
/// that its owner has it. Gives the app record its bucket.
///
/// # Errors
/// The store's.
pub async fn create_writes(
    reader: &mut Reader<'_>,
    who: &Principal,
    app: &mut App,
) -> Result<Vec<Write>, Error> {
    let begun = life_cycle::begun(who.tenant_id, app, &who.owner.username)?;
    create_writes_with(reader, who, app, vec![begun]).await
}

/// The same for an app that is in the store from its beginning.
///
/// # Errors
/// Forbidden for whoever may not put apps into the store; the store's.
pub async fn create_in_store_writes(
    reader: &mut Reader<'_>,
    who: &Principal,
    app: &mut App,
) -> Result<Vec<Write>, Error> {
    let begun = life_cycle::begun_in_store(who, app)?;
    create_writes_with(reader, who, app, begun).await
}

async fn create_writes_with(
    reader: &mut Reader<'_>,
    who: &Principal,
    app_record: &mut App,
    begun: Vec<Write>,
) -> Result<Vec<Write>, Error> {
    let (bucket, counted) = catalogue::bucket(reader, who.tenant_id).await?;
    app_record.bucket = bucket;
    // Positive, and below 2^31 with its types. One that is taken is tried again with another.
    app_record.numeric_id = rand::random_range(1..(1 << 31) / NUMERIC_ID_STEP) * NUMERIC_ID_STEP;
    let free = Condition::AbsentOrExpired {
        now: reader.now().seconds(),
    };
    let numbered = record::put(
        keys::numeric_id(who.tenant_id, app_record.numeric_id),
        &NumericId { app: app_record.id },
        free,
    )?;
    let mut writes = vec![
        record::create(keys::app(who.tenant_id, app_record.id), app_record)?,
        counted,
        numbered,
    ];
    writes.extend(catalogue::changes(who.tenant_id, None, Some(app_record))?);
    writes.extend(file::uses(
        who.tenant_id,
        &[],
        &file::files_of(app_record),
        reader.now(),
    )?);
    writes.extend(begun);
    writes.extend(event::record_writes(
        who.tenant_id,
        event::of_new(app_record, &who.owner.username, reader.now()),
    )?);
    writes.push(count_owned(who.tenant_id, &app_record.owner, 1));
    // Whoever is being deleted at this moment owns nothing new.
    writes.push(Write::Check(
        keys::user(who.tenant_id, &app_record.owner),
        Condition::Present,
    ));
    Ok(writes)
}

/// Counts an app that a user owns.
fn count_owned(tenant_id: TenantId, user: &Guid, by: i64) -> Write {
    Write::Count {
        key: keys::owned_apps(tenant_id, user),
        kind: OwnedApps::KIND,
        by,
        condition: Condition::Always,
    }
}

/// Changes an app; what is absent stays (003 2.12).
///
/// # Errors
/// Not found for an unknown app, policy or group; the store's.
pub async fn update(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    changes: &NewApp,
) -> Result<App, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = app::read(reader, who.tenant_id, id).await?;
        let before = found.value.clone();
        apply(&mut found.value, changes);
        app::require_policies(
            reader,
            who.tenant_id,
            &found.value.policies,
            &before.policies,
        )
        .await?;
        let mut links = Vec::new();
        if let Some(groups) = &changes.groups {
            links = links::regroup(reader, who.tenant_id, &mut found.value, groups).await?;
        }
        let mut writes =
            app::update_writes(who.tenant_id, &before, &mut found, &who.owner.username, now)?;
        writes.extend(links);
        Ok((found.value, writes))
    })
}

/// Deletes an app with everything of it. Its objects are released by housekeeping from the task
/// that is written in the same transaction (003 2.13).
///
/// # Errors
/// Not found; the store's.
pub async fn delete(reader: &mut Reader<'_>, who: &Principal, id: AppId) -> Result<(), Error> {
    change!(reader, { Ok(((), delete_writes(reader, who, id).await?)) })
}

/// The writes that delete an app with everything of it, whichever dialect made it: app record,
/// rows, store listing, icon and binaries, the links to groups, policy partials and a business
/// owner, what it claimed, and what its publishers said of it. What else is in its partition and
/// its objects is left to housekeeping.
///
/// # Errors
/// Not found; the store's.
pub async fn delete_writes(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
) -> Result<Vec<Write>, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    let mut wanted = app::keys_of(tenant_id, id);
    wanted.push(keys::publication(tenant_id, id));
    reader.fetch_missing(&wanted).await?;
    let mut found = app::details(reader, tenant_id, id).await?;
    let before = found.app.value.clone();
    let mut linked = line::keys_of(tenant_id, &before);
    linked.extend(
        before
            .groups
            .iter()
            .map(|group| keys::group(tenant_id, group)),
    );
    reader.fetch_missing(&linked).await?;
    let unlinked = links::regroup(reader, tenant_id, &mut found.app.value, &[]).await?;
    let mut writes = vec![
        found.app.remove(),
        Write::Delete(keys::icon(tenant_id, id), Condition::Always),
        Write::Delete(keys::store_listing(tenant_id, id), Condition::Always),
    ];
    writes.push(Write::Delete(
        keys::numeric_id(tenant_id, before.numeric_id),
        Condition::Always,
    ));
    writes.push(Write::Delete(
        keys::app_text(tenant_id, id),
        Condition::Always,
    ));
    writes.extend(catalogue::changes(tenant_id, Some(&before), None)?);
    writes.push(task::task(
        now,
        &Task::Parts {
            tenant_id,
            app: id.item(),
        },
    )?);
    for (kind, binary) in &found.binaries {
        // What is published for installed apps goes at once, not when housekeeping comes.
        writes.push(Write::Delete(
            keys::policy_document(tenant_id, id.binary(*kind)),
            Condition::Always,
        ));
        writes.push(binary.remove());
    }
    writes.extend(unlinked);
    writes.push(count_owned(tenant_id, &found.app.value.owner, -1));
    writes.extend(line::leave(reader, tenant_id, &before).await?);
    writes.extend(business_owner::assign(reader, tenant_id, before.business_owner, None).await?);
    let mut files = file::files_of(&before);
    if let Some(publication) = reader
        .get::<Publication>(&keys::publication(tenant_id, id))
        .await?
    {
        files.extend(publication.value.pictures());
        writes.extend(
            policy_partial::map(
                reader,
                tenant_id,
                &who.owner.user,
                id.item(),
                &publication.value.partials(),
                &[],
            )
            .await?,
        );
        writes.push(publication.remove());
    }
    writes.extend(file::abandoned(tenant_id, id, files, now)?);
    writes.push(alert::of_deleted(tenant_id, id, now)?);
    writes.extend(event::record_writes(
        tenant_id,
        vec![Event::of(
            &before,
            "DELETED",
            &who.owner.username,
            "The app was deleted".to_owned(),
            now,
        )],
    )?);
    writes.extend(release_task(
        tenant_id,
        found.binaries.iter().map(|(_, binary)| &binary.value),
        now,
    )?);
    Ok(writes)
}

/// The task that takes back the references of binaries that go; none where they have no version.
fn release_task<'a>(
    tenant_id: TenantId,
    binaries: impl Iterator<Item = &'a Binary>,
    now: Timestamp,
) -> Result<Option<Write>, Error> {
    let versions: Vec<&Version> = binaries.flat_map(|binary| &binary.versions).collect();
    if versions.is_empty() {
        return Ok(None);
    }
    let task = Task::Release {
        tenant_id,
        objects: versions
            .iter()
            .flat_map(|version| version.objects())
            .map(|sha256| keys::binary_object(tenant_id, sha256))
            .collect(),
        aliases: versions
            .iter()
            .map(|version| version.guid.clone())
            .collect(),
    };
    Ok(Some(task::task(now, &task)?))
}

/// The writes that take one binary from an app, with its versions.
///
/// # Errors
/// The store's.
pub async fn without_binary(
    reader: &mut Reader<'_>,
    who: &Principal,
    mut found: Stored<App>,
    kind: BinaryType,
) -> Result<Vec<Write>, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    let before = found.value.clone();
    let binary: Option<Stored<Binary>> = reader
        .get(&keys::binary(tenant_id, before.id, kind))
        .await?;
    found.value.binaries.retain(|binary| binary.kind != kind);
    let mut writes = app::update_writes(tenant_id, &before, &mut found, &who.owner.username, now)?;
    if let Some(binary) = binary {
        writes.push(binary.remove());
        writes.extend(release_task(
            tenant_id,
            std::iter::once(&binary.value),
            now,
        )?);
    }
    Ok(writes)
}

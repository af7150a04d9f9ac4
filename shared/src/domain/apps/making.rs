//! Making, changing and deleting apps.

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, Guid, Handle};
use crate::base::kind::AppKind;
use crate::base::text::{Description, Label, Name};
use crate::change;
use crate::domain::apps::{
    app, business_owner, catalogue, file, life_cycle, line, links, policy_partial,
};
use crate::domain::events::{alert, event};
use crate::model::apps::app::{AppCard, Binary, OwnedApps, PSK_STEP, Psk, Version};
use crate::model::apps::publication::Publication;
use crate::model::events::event::Event;
use crate::model::people::principal::Principal;
use crate::model::task;
use crate::model::task::Chore;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Write, keys, record};

/// What a new app is made of.
#[derive(Clone, Debug, Default)]
pub struct Changes {
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

fn apply(card: &mut AppCard, changes: &Changes) {
    let Changes {
        name,
        description,
        auth_token,
        restrict_to_groups,
        groups: _,
        policies,
    } = changes.clone();
    card.name = name.unwrap_or_else(|| card.name.clone());
    card.description = description.unwrap_or_else(|| card.description.clone());
    card.auth_token = auth_token.unwrap_or_else(|| card.auth_token.clone());
    card.restrict_to_groups = restrict_to_groups.unwrap_or(card.restrict_to_groups);
    card.policies = policies.unwrap_or_else(|| card.policies.clone());
}

/// Makes an app; it is not in the store yet (003 2.10).
///
/// # Errors
/// Not found for an unknown policy or group; invalid beyond their limits; the store's.
pub async fn create(
    reader: &mut Reader<'_>,
    who: &Principal,
    name: Name,
    changes: &Changes,
) -> Result<AppCard, Error> {
    let now = reader.now();
    let id = AppId::new(now);
    change!(reader, {
        let mut card = AppCard::new(&who.owner, id, AppKind::Mobile, name.clone(), now);
        apply(&mut card, changes);
        app::require_policies(reader, who.handle, &card.policies, &[]).await?;
        let mut writes = Vec::new();
        if let Some(groups) = &changes.groups {
            writes = links::regroup(reader, who.handle, &mut card, groups).await?;
        }
        let mut all = made(reader, who, &mut card).await?;
        all.extend(writes);
        Ok((card, all))
    })
}

/// The writes of a new app: its card, first, its rows, its history, its uses of files, and that its
/// owner has it. Gives the card its bucket.
///
/// # Errors
/// The store's.
pub async fn made(
    reader: &mut Reader<'_>,
    who: &Principal,
    card: &mut AppCard,
) -> Result<Vec<Write>, Error> {
    let begun = life_cycle::begun(who.handle, card, &who.owner.username)?;
    made_with(reader, who, card, vec![begun]).await
}

/// The same for an app that is in the store from its beginning.
///
/// # Errors
/// Forbidden for whoever may not put apps into the store; the store's.
pub async fn made_in_store(
    reader: &mut Reader<'_>,
    who: &Principal,
    card: &mut AppCard,
) -> Result<Vec<Write>, Error> {
    let begun = life_cycle::begun_in_store(who, card)?;
    made_with(reader, who, card, begun).await
}

async fn made_with(
    reader: &mut Reader<'_>,
    who: &Principal,
    card: &mut AppCard,
    begun: Vec<Write>,
) -> Result<Vec<Write>, Error> {
    let (bucket, counted) = catalogue::bucket(reader, who.handle).await?;
    card.bucket = bucket;
    // Positive, and below 2^31 with its types. One that is taken is tried again with another.
    card.psk = rand::random_range(1..(1 << 31) / PSK_STEP) * PSK_STEP;
    let free = Condition::AbsentOrExpired {
        now: reader.now().seconds(),
    };
    let numbered = record::put(keys::psk(who.handle, card.psk), &Psk { app: card.id }, free)?;
    let mut writes = vec![
        record::create(keys::app_card(who.handle, card.id), card)?,
        counted,
        numbered,
    ];
    writes.extend(catalogue::changes(who.handle, None, Some(card))?);
    writes.extend(file::uses(
        who.handle,
        &[],
        &file::of_card(card),
        reader.now(),
    )?);
    writes.extend(begun);
    writes.extend(event::told(
        who.handle,
        event::of_new(card, &who.owner.username, reader.now()),
    )?);
    writes.push(owned(who.handle, &card.owner, 1));
    // Whoever is being deleted at this moment owns nothing new.
    writes.push(Write::Check(
        keys::user(who.handle, &card.owner),
        Condition::Present,
    ));
    Ok(writes)
}

/// Counts an app that a user owns.
fn owned(handle: Handle, user: &Guid, by: i64) -> Write {
    Write::Count {
        key: keys::owned_apps(handle, user),
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
    changes: &Changes,
) -> Result<AppCard, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = app::card(reader, who.handle, id).await?;
        let before = found.value.clone();
        apply(&mut found.value, changes);
        app::require_policies(reader, who.handle, &found.value.policies, &before.policies).await?;
        let mut links = Vec::new();
        if let Some(groups) = &changes.groups {
            links = links::regroup(reader, who.handle, &mut found.value, groups).await?;
        }
        let mut writes = app::rewritten(who.handle, &before, &mut found, &who.owner.username, now)?;
        writes.extend(links);
        Ok((found.value, writes))
    })
}

/// Deletes an app with everything of it. Its objects are released by housekeeping from the chore
/// that is written in the same transaction (003 2.13).
///
/// # Errors
/// Not found; the store's.
pub async fn delete(reader: &mut Reader<'_>, who: &Principal, id: AppId) -> Result<(), Error> {
    change!(reader, { Ok(((), removed(reader, who, id).await?)) })
}

/// The writes that delete an app with everything of it, whichever dialect made it: card, rows,
/// shelf, icon and binaries, the links to groups, policy partials and a business owner, what it
/// claimed, and what its publishers said of it. What else is in its partition and its objects is
/// left to housekeeping.
///
/// # Errors
/// Not found; the store's.
pub async fn removed(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
) -> Result<Vec<Write>, Error> {
    let (handle, now) = (who.handle, reader.now());
    let mut wanted = app::keys_of(handle, id);
    wanted.push(keys::publication(handle, id));
    reader.fetch_missing(&wanted).await?;
    let mut found = app::details(reader, handle, id).await?;
    let before = found.card.value.clone();
    let mut linked = line::keys_of(handle, &before);
    linked.extend(before.groups.iter().map(|group| keys::group(handle, group)));
    reader.fetch_missing(&linked).await?;
    let unlinked = links::regroup(reader, handle, &mut found.card.value, &[]).await?;
    let mut writes = vec![
        found.card.remove(),
        Write::Delete(keys::icon(handle, id), Condition::Always),
        Write::Delete(keys::shelf(handle, id), Condition::Always),
    ];
    writes.push(Write::Delete(
        keys::psk(handle, before.psk),
        Condition::Always,
    ));
    writes.push(Write::Delete(keys::app_text(handle, id), Condition::Always));
    writes.extend(catalogue::changes(handle, Some(&before), None)?);
    writes.push(task::chore(
        now,
        &Chore::Parts {
            handle,
            app: id.item(),
        },
    )?);
    for (kind, binary) in &found.binaries {
        // What is published for installed apps goes at once, not when housekeeping comes.
        writes.push(Write::Delete(
            keys::policy_document(handle, id.binary(*kind)),
            Condition::Always,
        ));
        writes.push(binary.remove());
    }
    writes.extend(unlinked);
    writes.push(owned(handle, &found.card.value.owner, -1));
    writes.extend(line::leave(reader, handle, &before).await?);
    writes.extend(business_owner::assign(reader, handle, before.business_owner, None).await?);
    let mut files = file::of_card(&before);
    if let Some(publication) = reader
        .get::<Publication>(&keys::publication(handle, id))
        .await?
    {
        files.extend(publication.value.pictures());
        writes.extend(
            policy_partial::map(
                reader,
                handle,
                &who.owner.user,
                id.item(),
                &publication.value.partials(),
                &[],
            )
            .await?,
        );
        writes.push(publication.remove());
    }
    writes.extend(file::abandoned(handle, id, files, now)?);
    writes.push(alert::of_deleted(handle, id, now)?);
    writes.extend(event::told(
        handle,
        vec![Event::of(
            &before,
            "DELETED",
            &who.owner.username,
            "The app was deleted".to_owned(),
            now,
        )],
    )?);
    writes.extend(released(
        handle,
        found.binaries.iter().map(|(_, binary)| &binary.value),
        now,
    )?);
    Ok(writes)
}

/// The chore that takes back the references of binaries that go; none where they have no version.
fn released<'a>(
    handle: Handle,
    binaries: impl Iterator<Item = &'a Binary>,
    now: Timestamp,
) -> Result<Option<Write>, Error> {
    let versions: Vec<&Version> = binaries.flat_map(|binary| &binary.versions).collect();
    if versions.is_empty() {
        return Ok(None);
    }
    let chore = Chore::Release {
        handle,
        objects: versions
            .iter()
            .flat_map(|version| version.objects())
            .map(|sha256| keys::binary_object(handle, sha256))
            .collect(),
        aliases: versions
            .iter()
            .map(|version| version.guid.clone())
            .collect(),
    };
    Ok(Some(task::chore(now, &chore)?))
}

/// The writes that take one binary from an app, with its versions.
///
/// # Errors
/// The store's.
pub async fn without_binary(
    reader: &mut Reader<'_>,
    who: &Principal,
    mut found: Stored<AppCard>,
    kind: BinaryType,
) -> Result<Vec<Write>, Error> {
    let (handle, now) = (who.handle, reader.now());
    let before = found.value.clone();
    let binary: Option<Stored<Binary>> = reader.get(&keys::binary(handle, before.id, kind)).await?;
    found.value.binaries.retain(|binary| binary.kind != kind);
    let mut writes = app::rewritten(handle, &before, &mut found, &who.owner.username, now)?;
    if let Some(binary) = binary {
        writes.push(binary.remove());
        writes.extend(released(handle, std::iter::once(&binary.value), now)?);
    }
    Ok(writes)
}

//! Apps: the app record that lists show, the binaries with their kept versions, the icon, and who
//! may see what.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::base::code::{Code, Refusal};
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::base::rights::Right;
use crate::change;
use crate::domain::apps::{catalogue, file};
use crate::domain::events::{event, expiry};
use crate::model::apps::analysis::PackageAnalysis;
use crate::model::apps::app::{
    App, Binary, BinarySummary, Icon, MAX_POLICIES, OLD_VERSIONS, Version, VersionAlias,
    VersionSummary,
};
use crate::model::apps::processing::{Processing, ProcessingSummary};
use crate::model::people::auth_policy::Policy;
use crate::model::people::principal::{Means, Principal};
use crate::model::task;
use crate::model::task::{Task, count_object};
use crate::store::record::{Reader, Record, Stored};
use crate::store::{Condition, Key, Query, Write, keys, record};

/// An app with everything that `read` shows.
#[derive(Clone, Debug)]
pub struct Details {
    /// The app record.
    pub app: Stored<App>,
    /// The binaries.
    pub binaries: Vec<(BinaryType, Stored<Binary>)>,
    /// The icon, base64, empty where there is none.
    pub icon: String,
}

/// What reading an app whole needs.
pub fn keys_of(tenant_id: TenantId, id: AppId) -> Vec<Key> {
    let mut wanted = vec![keys::app(tenant_id, id), keys::icon(tenant_id, id)];
    wanted.extend(
        BinaryType::ALL
            .iter()
            .map(|kind| keys::binary(tenant_id, id, *kind)),
    );
    wanted
}

/// What an app record with its icon needs.
pub fn app_keys(tenant_id: TenantId, id: AppId) -> Vec<Key> {
    vec![keys::app(tenant_id, id), keys::icon(tenant_id, id)]
}

fn unknown() -> Error {
    Error::not_found(Code::InvalidGuid.beside("There is no item with this guid in this domain"))
}

/// The error for an item that has no binary of the type that was asked for.
pub fn no_such_binary() -> Error {
    let types = BinaryType::words();
    Error::not_found(Code::InvalidType.beside(format!(
        "The item has no binary of this type, which is one of {types}"
    )))
}

/// The type of a binary that a request names.
///
/// # Errors
/// Invalid for any other text; the error names the types.
pub fn binary_type(text: &str) -> Result<BinaryType, Error> {
    text.parse().map_err(|_| {
        let types = BinaryType::words();
        Error::invalid(Code::InvalidType.beside(format!("The type is one of {types}")))
    })
}

/// An app.
///
/// # Errors
/// Not found; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: AppId,
) -> Result<Stored<App>, Error> {
    reader
        .get(&keys::app(tenant_id, id))
        .await?
        .ok_or_else(unknown)
}

/// An app's icon as base64, empty where there is none.
///
/// # Errors
/// The store's.
pub async fn icon(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: AppId,
) -> Result<String, Error> {
    Ok(reader
        .get::<Icon>(&keys::icon(tenant_id, id))
        .await?
        .map(|icon| icon.value.png)
        .unwrap_or_default())
}

/// An app with everything.
///
/// # Errors
/// Not found; the store's.
pub async fn details(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    id: AppId,
) -> Result<Details, Error> {
    let app = read(reader, tenant_id, id).await?;
    let of_kind = |kind: &BinaryType| keys::binary(tenant_id, id, *kind);
    let wanted: Vec<Key> = BinaryType::ALL.iter().map(of_kind).collect();
    let found = reader.get_all::<Binary>(&wanted).await?;
    let binaries = BinaryType::ALL
        .iter()
        .copied()
        .zip(found)
        .filter_map(|(kind, binary)| Some((kind, binary?)))
        .collect();
    let icon = icon(reader, tenant_id, id).await?;
    Ok(Details {
        app,
        binaries,
        icon,
    })
}

/// The writes of a changed app record: itself, first, under its revision, its rows, the uses of
/// files that its versions came from, and the events that tell of it. `by` is the name of who
/// changed it. Notes when it changed.
///
/// # Errors
/// Internal.
pub fn update_writes(
    tenant_id: TenantId,
    before: &App,
    found: &mut Stored<App>,
    by: &str,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    found.value.modified = now;
    let mut writes = vec![found.replace()?];
    writes.extend(catalogue::changes(
        tenant_id,
        Some(before),
        Some(&found.value),
    )?);
    writes.extend(file::uses(
        tenant_id,
        &file::files_of(before),
        &file::files_of(&found.value),
        now,
    )?);
    writes.extend(event::record_writes(
        tenant_id,
        event::of_change(before, &found.value, by, now),
    )?);
    Ok(writes)
}

/// All policies must exist; those that were there before may be gone (a dangling reference matches
/// nobody).
///
/// # Errors
/// Not found `invalid_guid`; invalid beyond [`MAX_POLICIES`]; the store's.
pub async fn require_policies(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    policies: &[Guid],
    before: &[Guid],
) -> Result<(), Error> {
    if policies.len() > MAX_POLICIES {
        return Err(Error::invalid(
            Code::InvalidAuthpolicies.with(format!("at most {MAX_POLICIES}")),
        ));
    }
    let wanted: Vec<Key> = policies
        .iter()
        .filter(|policy| !before.contains(policy))
        .map(|policy| keys::policy(tenant_id, policy))
        .collect();
    let found = reader.get_all::<Policy>(&wanted).await?;
    if found.iter().any(Option::is_none) {
        Err(unknown())
    } else {
        Ok(())
    }
}

/// What a new version is, beside what was read from it.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Its own guid.
    pub guid: Guid,
    /// The upload or file that brought it.
    pub upload: Guid,
    /// The type of binary.
    pub kind: BinaryType,
    /// Who uploaded it.
    pub by: Guid,
    /// The name of the file on the uploader's disk.
    pub file_name: String,
    /// The name of the uploaded file, where it was uploaded on its own.
    pub file: Option<String>,
    /// Whether another signer than the live version's is allowed.
    pub allow_signer_change: bool,
}

/// Makes a judged binary the newest version on an app record, and the live one. Gives its number
/// and the writes beside the app record's own; a fifth old version goes: its record now, its object
/// once nothing else points at it. The inner error is a refusal with its code.
///
/// # Errors
/// Internal.
pub fn attach(
    tenant_id: TenantId,
    app: &mut App,
    former: Option<Stored<Binary>>,
    icon: Option<Stored<Icon>>,
    new: &NewVersion,
    judged: &PackageAnalysis,
    now: Timestamp,
) -> Result<Result<(u32, Vec<Write>), Refusal>, Error> {
    let kind = new.kind;
    let live = app.binary(kind);
    if let Some(live) = live
        && live.identifier != judged.identifier
    {
        return Ok(Err(Refusal::new(
            Code::WrongIdentifier,
            format!(
                "the file is {}, the item's binary is {}",
                judged.identifier, live.identifier
            ),
        )));
    }
    let inherited = former
        .as_ref()
        .zip(live)
        .and_then(|(former, live)| former.value.version(live.live))
        .and_then(|version| Processing::inherited(version.processing.as_deref()));
    let before = live.and_then(|live| former.as_ref()?.value.version(live.live));
    let live_signer = before.and_then(|version| version.verified_signer.as_ref());
    // What was downloaded with the signature that it got here may come back.
    let signed_here = before.and_then(|version| version.processing.as_ref()?.signer.as_ref());
    if let (Some(before), Some(after)) = (live_signer, &judged.verified_signer)
        && before != after
        && signed_here != Some(after)
        && !new.allow_signer_change
    {
        let reason = "the file is signed by another certificate than the live version; an \
            administrator can allow the change with allowSignerChange";
        return Ok(Err(Refusal::new(Code::WrongSigner, reason)));
    }
    let mut binary = former
        .as_ref()
        .map(|found| found.value.clone())
        .unwrap_or(Binary {
            next: 1,
            versions: Vec::new(),
        });
    let number = binary.next;
    binary.next += 1;
    let version = Version {
        number,
        guid: new.guid.clone(),
        upload: new.upload.clone(),
        sha256: judged.sha256.clone(),
        size: judged.size,
        at: now,
        by: new.by.clone(),
        file_name: new.file_name.clone(),
        identifier: judged.identifier.clone(),
        version_name: judged.version_name.clone(),
        verified_signer: judged.verified_signer.clone(),
        package: judged.package.clone(),
        processing: inherited.map(Box::new),
    };
    let shown = version.processing.as_deref().map(ProcessingSummary::of);
    binary.versions.insert(0, version);
    let dropped = binary
        .versions
        .split_off(binary.versions.len().min(OLD_VERSIONS + 1));
    let mut config = app
        .binary(kind)
        .map(|binary| binary.config.clone())
        .unwrap_or_default();
    config.remove("bundle_id");
    let mut versions = app
        .binary(kind)
        .map(|binary| binary.versions.clone())
        .unwrap_or_default();
    versions.insert(
        0,
        VersionSummary {
            number,
            guid: new.guid.clone(),
            at: now,
            version_name: judged.version_name.clone(),
            file: new.file.clone(),
            processing: shown,
        },
    );
    versions.truncate(OLD_VERSIONS + 1);
    app.binaries.retain(|binary| binary.kind != kind);
    app.binaries.push(BinarySummary {
        kind,
        live: number,
        identifier: judged.identifier.clone(),
        modified: now,
        config,
        versions,
    });
    app.binaries.sort_by_key(|binary| binary.kind);

    let mut writes = references(tenant_id, &binary.versions[0], &dropped, now)?;
    writes.extend(expiry::watch(
        tenant_id,
        app.id.binary(kind),
        &new.guid,
        &judged.package,
        now,
    )?);
    writes.push(record::create(
        keys::version(tenant_id, &new.guid),
        &VersionAlias {
            binary: app.id.binary(kind),
        },
    )?);
    let absent = Condition::AbsentOrExpired { now: now.seconds() };
    writes.push(match former {
        Some(found) => Stored {
            value: binary,
            ..found
        }
        .replace()?,
        None => record::put(
            keys::binary(tenant_id, app.id, kind),
            &binary,
            absent.clone(),
        )?,
    });
    if let Some(png) = &judged.icon {
        match icon {
            None => writes.push(record::put(
                keys::icon(tenant_id, app.id),
                &Icon {
                    png: png.clone(),
                    from_package: true,
                },
                absent,
            )?),
            Some(mut found) if found.value.from_package && found.value.png != *png => {
                found.value.png = png.clone();
                writes.push(found.replace()?);
            }
            Some(_) => {}
        }
    }
    Ok(Ok((number, writes)))
}

/// The counts of objects that change when one version comes and others go: one write per object.
fn references(
    tenant_id: TenantId,
    new: &Version,
    dropped: &[Version],
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let mut counted =
        std::collections::BTreeMap::from([(keys::binary_object(tenant_id, &new.sha256), 1_i64)]);
    let mut writes = Vec::new();
    for version in dropped {
        for sha256 in version.objects() {
            *counted
                .entry(keys::binary_object(tenant_id, sha256))
                .or_default() -= 1;
        }
        writes.push(Write::Delete(
            keys::version(tenant_id, &version.guid),
            Condition::Always,
        ));
    }
    for (name, by) in counted {
        if by < 0 {
            writes.push(task::task(
                now,
                &Task::Object {
                    tenant_id,
                    name: name.clone(),
                },
            )?);
        }
        if by != 0 {
            writes.push(count_object(tenant_id, &name, by));
        }
    }
    Ok(writes)
}

/// Most entries of a binary's configuration, and most characters of a key or value.
const MAX_CONFIG: (usize, usize) = (20, 500);

/// Replaces the configuration of an app's binary (003 2.19).
///
/// # Errors
/// Not found `invalid_type` where there is no such binary; invalid `wrong_identifier` for a bundle
/// id other than the one that was read, and beyond 20 entries; the store's.
pub async fn set_config(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    kind: BinaryType,
    config: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    let fits = |text: &String| text.chars().count() <= MAX_CONFIG.1;
    if config.len() > MAX_CONFIG.0 || !config.iter().all(|(key, value)| fits(key) && fits(value)) {
        return Err(Error::invalid(Code::InvalidConfig));
    }
    let now = reader.now();
    change!(reader, {
        let mut found = read(reader, who.tenant_id, id).await?;
        let before = found.value.clone();
        let binary = found
            .value
            .binaries
            .iter_mut()
            .find(|binary| binary.kind == kind)
            .ok_or_else(no_such_binary)?;
        if config
            .get("bundle_id")
            .is_some_and(|bundle| kind != BinaryType::Android && *bundle != binary.identifier)
        {
            return Err(Error::invalid(Code::WrongIdentifier.with(format!(
                "the bundle id that was read from the binary is {}",
                binary.identifier
            ))));
        }
        binary.config = config.clone();
        let shown = binary.shown_config();
        Ok((
            shown,
            update_writes(who.tenant_id, &before, &mut found, &who.owner.username, now)?,
        ))
    })
}

/// Adds policies to an app, or removes them (003 2.16, 2.17). Adding twice and removing what is not
/// there are fine.
///
/// # Errors
/// Not found for an unknown app, or an unknown policy that is to be added; the store's.
pub async fn change_policy(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    policy: &Guid,
    add: bool,
) -> Result<App, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = read(reader, who.tenant_id, id).await?;
        let before = found.value.clone();
        found.value.policies.retain(|have| have != policy);
        if add {
            found.value.policies.push(policy.clone());
            require_policies(
                reader,
                who.tenant_id,
                &found.value.policies,
                &before.policies,
            )
            .await?;
        }
        let writes = if found.value.policies == before.policies {
            Vec::new()
        } else {
            update_writes(who.tenant_id, &before, &mut found, &who.owner.username, now)?
        };
        Ok((found.value, writes))
    })
}

/// Makes a kept version the live one again.
///
/// # Errors
/// Not found for an unknown app, type (`invalid_type`) or version (`invalid_version`); the store's.
pub async fn roll_back(
    reader: &mut Reader<'_>,
    who: &Principal,
    id: AppId,
    kind: BinaryType,
    number: u32,
) -> Result<App, Error> {
    let now = reader.now();
    change!(reader, {
        let mut found = read(reader, who.tenant_id, id).await?;
        let before = found.value.clone();
        let app = &mut found.value;
        let binary = app
            .binaries
            .iter_mut()
            .find(|binary| binary.kind == kind)
            .ok_or_else(no_such_binary)?;
        if !binary
            .versions
            .iter()
            .any(|version| version.number == number)
        {
            return Err(Error::not_found(Code::InvalidVersion));
        }
        if binary.live == number {
            return Ok((found.value, Vec::new()));
        }
        binary.live = number;
        binary.modified = now;
        let writes = update_writes(who.tenant_id, &before, &mut found, &who.owner.username, now)?;
        Ok((found.value, writes))
    })
}

/// Whether a caller sees an app in the store. It fails closed: a reference to a policy or group
/// that is gone matches nobody.
pub fn visible(app: &App, who: &Principal, store_policies: &[Guid]) -> bool {
    if who.is_member() && who.holds(Right::ReadStoreItems) {
        return app.in_store();
    }
    let by = match &who.means {
        Means::AppSession { policy, .. } => Some(policy),
        Means::Session
        | Means::ApiKey
        | Means::App { .. }
        | Means::UserToken
        | Means::Message
        | Means::Bearer { .. } => None,
    };
    let admits =
        |policies: &[Guid]| policies.is_empty() || by.is_some_and(|by| policies.contains(by));
    let in_group = !app.restrict_to_groups
        || app
            .groups
            .iter()
            .any(|group| who.owner.groups.contains(group));
    app.in_store()
        && in_group
        && admits(&app.policies)
        && (who.is_member() || admits(store_policies))
}

/// One page of all app records, oldest first, each with its icon.
#[derive(Debug, Default)]
pub struct AppPage {
    /// The app records with their icons.
    pub apps: Vec<(App, String)>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// The first queries of a listing: app records and icons, side by side.
pub fn listing(tenant_id: TenantId, after: Option<String>, limit: Option<u32>) -> [Query; 2] {
    [keys::apps(tenant_id), keys::icons(tenant_id)]
        .map(|pk| Query::all(pk).after(after.clone()).limit(limit))
}

/// Lists app records with their icons: all of them, or `limit` from after `after`. Stops with an
/// error once it holds more than one answer can.
///
/// # Errors
/// Too large beyond one answer; the store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    after: Option<String>,
    limit: Option<u32>,
) -> Result<AppPage, Error> {
    let (found, next) =
        list_beside::<Icon>(reader, listing(tenant_id, after, limit), limit).await?;
    let apps = found
        .into_iter()
        .map(|(app, icon)| (app, icon.map(|icon| icon.png).unwrap_or_default()))
        .collect();
    Ok(AppPage { apps, next })
}

/// Most bytes of records that one list reads. More than an answer has: not everybody sees every
/// app.
const MAX_READ: usize = 2 * crate::base::limits::MAX_ANSWER;

/// App records with what stands beside each, and where to go on; nothing at the end.
pub type Listed<R> = (Vec<(App, Option<R>)>, Option<String>);

/// Lists app records with the records of another partition that has at most one of each app, under
/// the same sort keys: all of them, or `limit`. `queries` are those of the app records and of the
/// others, from the same place on. Stops with an error once it holds more than one answer can.
///
/// # Errors
/// Too large beyond one answer; the store's.
pub async fn list_beside<R: Record>(
    reader: &mut Reader<'_>,
    queries: [Query; 2],
    limit: Option<u32>,
) -> Result<Listed<R>, Error> {
    let [mut apps, mut others] = queries;
    let mut found = Vec::new();
    let mut next;
    let mut bytes = 0;
    loop {
        let page = reader.query(&apps).await?;
        bytes += page.items.iter().map(|item| item.body.len()).sum::<usize>();
        for item in page.items {
            found.push((Stored::<App>::parse(item)?.value, None));
        }
        next = page.next.clone();
        let full = limit.is_some_and(|limit| found.len() >= limit as usize);
        if page.next.is_none() || full || bytes > MAX_READ {
            break;
        }
        apps.limit =
            limit.map(|limit| limit - u32::try_from(found.len()).unwrap_or(limit).min(limit));
        apps.after = page.next;
    }
    let too_large = || {
        Error::too_large(
            "The list is too large for one answer: ask for pages with limit and cursor",
        )
    };
    // Whoever asked for no page must not take a part for the whole.
    if limit.is_none() && next.is_some() {
        return Err(too_large());
    }
    let Some(last) = found.last().map(|(app, _)| app.id.sort_key()) else {
        return Ok((found, next));
    };
    let mut beside = BTreeMap::new();
    loop {
        let page = reader.query(&others).await?;
        let passed = page.items.last().is_some_and(|item| item.key.sk > last);
        for item in page.items {
            let sk = item.key.sk.clone();
            bytes += item.body.len();
            beside.insert(sk, Stored::<R>::parse(item)?.value);
        }
        if page.next.is_none() || passed || bytes > MAX_READ {
            break;
        }
        others.after = page.next;
    }
    for (app, other) in &mut found {
        *other = beside.remove(&app.id.sort_key());
    }
    if bytes > MAX_READ {
        Err(too_large())
    } else {
        Ok((found, next))
    }
}

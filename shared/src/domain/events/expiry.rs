//! Watching what ends: the provisioning profile of an app, its certificates, and the signature that
//! it got here.
//!
//! When a version becomes the newest of its binary, a task waits for each thing in its package
//! that expires. It is due 30, 14 and 3 days before (003 chapter 4 has no such warning:
//! `PROFILE_EXPIRES` and `CERTIFICATE_EXPIRES` are our own), one task at a time: each writes the
//! next. What ends sooner when it comes is told at once, for the nearest of these days alone.

use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::domain::events::event;
use crate::model::apps::app::{App, Binary};
use crate::model::events::event::Event;
use crate::model::events::reported_event::RecordedEvent;
use crate::model::task;
use crate::model::task::{Task, Watched, What};
use crate::store::record::Reader;
use crate::store::{Condition, Write, keys, record};

/// The writes that watch what was read of a package whose version became the newest of its binary.
///
/// # Errors
/// Internal.
pub fn watch(
    tenant_id: TenantId,
    binary: AppId,
    version: &Guid,
    package: &Value,
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let profile = package.get("profile");
    let said = |name: &str| profile?.get(name)?.as_str().and_then(Timestamp::read);
    let ends = [
        (What::Profile, said("expires")),
        (What::Certificate, said("certificateExpires")),
    ];
    let watched = ends.into_iter().filter_map(|(what, expires)| {
        let expires = expires?;
        Some(Watched {
            tenant_id,
            binary,
            version: version.clone(),
            what,
            signer: None,
            expires,
            days: 0,
        })
    });
    watched.map(|watched| watched.first(now)).collect()
}

/// The write that watches the signature that a version gets here, by a credential that ends at
/// `expires`. `signer` is the SHA-256 of its certificate.
///
/// # Errors
/// Internal.
pub fn watch_signed(
    tenant_id: TenantId,
    binary: AppId,
    version: &Guid,
    signer: &str,
    expires: Timestamp,
    now: Timestamp,
) -> Result<Write, Error> {
    Watched {
        tenant_id,
        binary,
        version: version.clone(),
        what: What::Signature,
        signer: Some(signer.to_owned()),
        expires,
        days: 0,
    }
    .first(now)
}

/// What a due task leads to: the event, where the version is the live one of an app that is there
/// and this was not told before, and the next task as long as the version is kept. Gives whether
/// there is an event, and the writes beside the task's removal.
///
/// # Errors
/// The store's.
pub async fn due(reader: &mut Reader<'_>, watched: &Watched) -> Result<(bool, Vec<Write>), Error> {
    let now = reader.now();
    let (tenant_id, app) = (watched.tenant_id, watched.binary.item());
    let Some(kind) = watched.binary.kind() else {
        return Ok((false, Vec::new()));
    };
    let days = watched.reached(now).unwrap_or(watched.days);
    let guid = watched.guid(days);
    let (app_record, binary, claim) = (
        keys::app(tenant_id, app),
        keys::binary(tenant_id, app, kind),
        keys::recorded_event(tenant_id, &guid),
    );
    reader
        .fetch_missing(&[app_record.clone(), binary.clone(), claim.clone()])
        .await?;
    let Some(app_record) = reader.get::<App>(&app_record).await? else {
        return Ok((false, Vec::new()));
    };
    let Some(binary) = reader.get::<Binary>(&binary).await? else {
        return Ok((false, Vec::new()));
    };
    let Some(version) = binary
        .value
        .versions
        .iter()
        .find(|version| version.guid == watched.version)
    else {
        return Ok((false, Vec::new()));
    };
    // Another task of the same thing told of it, and goes on: the version was signed twice by the
    // same credential.
    if reader.get::<RecordedEvent>(&claim).await?.is_some() {
        return Ok((false, Vec::new()));
    }
    let mut writes = Vec::new();
    if let Some(next) = watched.next(now) {
        writes.push(task::task(now, &Task::Expiry(next))?);
    }
    let is_live = app_record
        .value
        .binary(kind)
        .is_some_and(|shown| shown.live == version.number);
    // Another version may be taken back, and another signature: then the next warning counts.
    if !is_live || !watched.counts(version) {
        return Ok((false, writes));
    }
    let event = Event {
        guid,
        ..watched.event(&app_record.value, version, now)
    };
    writes.push(record::put(
        claim,
        &RecordedEvent { at: now },
        Condition::AbsentOrExpired { now: now.seconds() },
    )?);
    // Whoever deletes the app or makes another version the live one at this moment comes first.
    writes.push(Write::Check(
        app_record.key.clone(),
        Condition::Rev(app_record.rev),
    ));
    writes.extend(event::record_writes(tenant_id, vec![event])?);
    Ok((true, writes))
}

//! What happens to apps: the vocabulary of events, their records, and that each waits to be held
//! against the alerts (003 chapters 4 and 5).
//!
//! An event is written in the transaction that makes it true, together with an item that waits for
//! `alert-evaluation`; neither is there without the other. Events are kept for
//! [`RETENTION_SECONDS`].

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::TenantId;
use crate::model::apps::app::App;
use crate::model::apps::life_cycle::LifeCycleState;
use crate::model::apps::processing::{ProcessingStatus, SigningStatus};
use crate::model::events::event::{Event, Pending};
use crate::store::record::Record;
use crate::store::{Condition, Write, keys, record};

/// The writes that tell of events: each event, and one item that waits for the evaluation of all of
/// them. An event whose guid is derived is told of once: where it may come again its write asks for
/// its absence, and refuses the transaction.
///
/// # Errors
/// Internal.
pub fn record_writes(tenant_id: TenantId, events: Vec<Event>) -> Result<Vec<Write>, Error> {
    let Some(first) = events.first() else {
        return Ok(Vec::new());
    };
    let waits = keys::pending_event(first.at, tenant_id, &first.guid);
    let mut writes = Vec::with_capacity(events.len() + 1);
    for event in &events {
        writes.push(record::put(
            keys::event(
                tenant_id,
                event.app,
                event.env.as_ref(),
                event.at,
                &event.guid,
            ),
            event,
            Condition::Always,
        )?);
    }
    writes.push(record::put(
        waits,
        &Pending {
            tenant_id,
            events,
            taken: Vec::new(),
        },
        Condition::Always,
    )?);
    Ok(writes)
}

/// The writes of a transaction that tells of several apps: their events wait together in one item,
/// so that more apps fit.
///
/// # Errors
/// Internal.
pub fn together(writes: Vec<Write>) -> Result<Vec<Write>, Error> {
    let is_waiting =
        |write: &Write| matches!(write, Write::Put(item, _) if item.kind == Pending::KIND);
    if writes.iter().filter(|write| is_waiting(write)).count() < 2 {
        return Ok(writes);
    }
    let (waiting, mut writes): (Vec<Write>, Vec<Write>) = writes.into_iter().partition(is_waiting);
    let (mut key, mut all) = (None, None::<Pending>);
    for write in waiting {
        let Write::Put(item, _) = write else { continue };
        let pending: Pending = serde_json::from_str(&item.body).map_err(Error::internal)?;
        key.get_or_insert(item.key);
        match &mut all {
            Some(all) => all.events.extend(pending.events),
            None => all = Some(pending),
        }
    }
    if let Some((key, all)) = key.zip(all) {
        writes.push(record::put(key, &all, Condition::Always)?);
    }
    Ok(writes)
}

/// What a new app tells: that it was made, the versions that it has, and that it is in the store.
pub fn of_new(app: &App, by: &str, now: Timestamp) -> Vec<Event> {
    let before = App {
        binaries: Vec::new(),
        state: LifeCycleState::Created,
        ..app.clone()
    };
    let mut events = vec![Event::of(
        app,
        "CREATED",
        by,
        "The app was made".to_owned(),
        now,
    )];
    events.extend(
        of_change(&before, app, by, now)
            .into_iter()
            .filter(|event| event.name != "CHANGE_SUCCESSFUL"),
    );
    events
}

/// What a change of an app tells, by what it was before.
pub fn of_change(before: &App, after: &App, by: &str, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    let mut tell = |name, message: String| events.push(Event::of(after, name, by, message, now));
    match (before.in_store(), after.in_store()) {
        (false, true) => tell("PUBLISHED", "The app is in the store".to_owned()),
        (true, false) => tell(
            "UNPUBLISHED",
            "The app is not in the store any more".to_owned(),
        ),
        _ => {}
    }
    for binary in &after.binaries {
        let former = before.binary(binary.kind);
        let Some(newest) = binary.versions.first() else {
            continue;
        };
        if !former.is_some_and(|former| {
            former
                .versions
                .iter()
                .any(|version| version.guid == newest.guid)
        }) {
            let message = format!(
                "Version {} ({}) for {} was uploaded",
                newest.number, newest.version_name, binary.kind
            );
            let event = Event::of(after, "DEPLOYED", by, message, now);
            events.push(
                event
                    .with("type", binary.kind.to_string())
                    .with("version", newest.number)
                    .with("versionName", newest.version_name.clone()),
            );
        }
        for version in &binary.versions {
            let was = former
                .and_then(|former| former.versions.iter().find(|was| was.guid == version.guid))
                .and_then(|was| was.processing.clone());
            let (Some(processing), true) = (&version.processing, former.is_some()) else {
                continue;
            };
            let number = version.number;
            let mut tell = |name, message: String| {
                events.push(
                    Event::of(after, name, by, message, now)
                        .with("type", binary.kind.to_string())
                        .with("version", number),
                );
            };
            let (status_before, signing_before) = was
                .map_or((ProcessingStatus::None, None), |was| {
                    (was.status, was.signing.map(|signing| signing.status))
                });
            if processing.status != status_before {
                match processing.status {
                    ProcessingStatus::Applying => tell(
                        "CHANGE_REQUESTED",
                        format!("Policies are being applied to version {number}"),
                    ),
                    ProcessingStatus::NotSigned => tell(
                        "POLICY_APPLIED",
                        format!(
                            "Policies were applied to version {number}, which must be signed now"
                        ),
                    ),
                    ProcessingStatus::Error => tell(
                        "POLICY_FAILED",
                        format!("Policies could not be applied to version {number}"),
                    ),
                    ProcessingStatus::None | ProcessingStatus::Previously => tell(
                        "POLICY_APPLIED",
                        format!("Version {number} has no policies any more"),
                    ),
                    ProcessingStatus::Signed => {}
                }
            }
            let signing = processing.signing.as_ref().map(|signing| signing.status);
            if signing != signing_before {
                match signing {
                    Some(SigningStatus::InProgress) => tell(
                        "CHANGE_REQUESTED",
                        format!("Version {number} is being signed"),
                    ),
                    Some(SigningStatus::Signed) => {
                        tell("SIGNED", format!("Version {number} was signed"))
                    }
                    Some(SigningStatus::Error) => tell(
                        "SIGNING_FAILED",
                        format!("Version {number} could not be signed"),
                    ),
                    Some(SigningStatus::Cancelled) | None => {}
                }
            }
        }
    }
    if events.is_empty() && before.state != after.state {
        let message = format!(
            "The app went from {} to {}",
            before.state.title(),
            after.state.title()
        );
        let event = Event::of(after, "CHANGE_SUCCESSFUL", by, message, now);
        events.push(
            event
                .with("changed", vec!["state"])
                .with("from", before.state.title())
                .with("to", after.state.title()),
        );
    }
    if events.is_empty() {
        for binary in &after.binaries {
            let Some(former) = before
                .binary(binary.kind)
                .filter(|former| former.live != binary.live)
            else {
                continue;
            };
            let message = format!(
                "Version {} for {} is the live one again, in place of {}",
                binary.live, binary.kind, former.live
            );
            let event = Event::of(after, "CHANGE_SUCCESSFUL", by, message, now);
            events.push(
                event
                    .with("changed", vec!["binaries"])
                    .with("type", binary.kind.to_string())
                    .with("version", binary.live),
            );
        }
    }
    if events.is_empty() {
        events.extend(changed(after, by, &changed_fields(before, after), now));
    }
    events
}

/// What a change of these parts of an app tells; nothing where nothing changed.
pub fn changed(app: &App, by: &str, fields: &[&str], now: Timestamp) -> Option<Event> {
    let event = || {
        Event::of(
            app,
            "CHANGE_SUCCESSFUL",
            by,
            format!("The app was changed: {}", fields.join(", ")),
            now,
        )
        .with("changed", fields)
    };
    (!fields.is_empty()).then(event)
}

/// The names of the parts of an app record that are not as they were.
fn changed_fields(before: &App, after: &App) -> Vec<&'static str> {
    [
        ("name", before.name != after.name),
        ("description", before.description != after.description),
        ("authToken", before.auth_token != after.auth_token),
        (
            "restrictToGroups",
            before.restrict_to_groups != after.restrict_to_groups,
        ),
        ("groups", before.groups != after.groups),
        ("authpolicies", before.policies != after.policies),
        ("displayName", before.publisher_name != after.publisher_name),
        ("version", before.version != after.version),
        ("provider", before.provider != after.provider),
        ("context", before.context != after.context),
        (
            "businessOwner",
            before.business_owner != after.business_owner,
        ),
        ("tags", before.tags != after.tags),
        ("binaries", before.binaries != after.binaries),
    ]
    .into_iter()
    .filter_map(|(name, changed)| changed.then_some(name))
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::model::events::event::{EventName, NAMES};

    #[test]
    fn every_name_is_there_once_and_refines_one_that_fits_it() {
        for name in NAMES {
            assert_eq!(
                NAMES.iter().filter(|other| other.name == name.name).count(),
                1,
                "{}",
                name.name
            );
            if let Some(of) = name.refines {
                let of = EventName::parse(of).unwrap_or_else(|| panic!("{of}"));
                assert_eq!(
                    (of.category, of.severity, of.refines),
                    (name.category, name.severity, None),
                    "{}",
                    name.name
                );
            }
        }
        for (text, name) in [
            ("APP_TERMINATED", "TERMINATED"),
            ("TERMINIATED", "TERMINATED"),
            ("TERMINATED", "TERMINATED"),
            ("CRASHED", "CRASHED"),
        ] {
            assert_eq!(EventName::parse(text).map(|found| found.name), Some(name));
        }
        assert!(EventName::parse("NOTHING").is_none());
    }
}

//! Watching what ends: the provisioning profile of an app, its certificates, and the signature that
//! it got here.
//!
//! When a version becomes the newest of its binary, a chore waits for each thing in its package
//! that expires. It is due 30, 14 and 3 days before (003 chapter 4 has no such warning:
//! `PROFILE_EXPIRES` and `CERTIFICATE_EXPIRES` are our own), one chore at a time: each writes the
//! next. What ends sooner when it comes is told at once, for the nearest of these days alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::domain::app::{AppCard, Binary, Version};
use crate::domain::event::{self, Event};
use crate::domain::housekeeping::{self, Chore};
use crate::domain::reported_event::Told;
use crate::error::Error;
use crate::id::{AppId, Guid, Handle};
use crate::records::{self, Reader};
use crate::store::{Condition, Write, keys};

/// How many days before the end it is told, the first time first.
pub const DAYS: [i64; 3] = [30, 14, 3];

const DAY_SECONDS: i64 = 24 * 3_600;

/// What expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The provisioning profile in an IPA.
    Profile,
    /// The certificate of that profile that ends first.
    Certificate,
    /// The signature that the version got here: the credential's certificate, or its profile if
    /// that ends before.
    Signature,
}

impl What {
    /// The name of the event that tells of it.
    fn event(self) -> &'static str {
        match self {
            Self::Profile => "PROFILE_EXPIRES",
            Self::Certificate | Self::Signature => "CERTIFICATE_EXPIRES",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Certificate => "certificate",
            Self::Signature => "signature",
        }
    }

    fn named(self) -> &'static str {
        match self {
            Self::Profile => "provisioning profile",
            Self::Certificate => "signing certificate",
            Self::Signature => "signing credential",
        }
    }
}

/// Something of a version that expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// The tenant.
    pub handle: Handle,
    /// The app and type of the binary.
    pub binary: AppId,
    /// The guid of the version.
    pub version: Guid,
    /// What of it.
    pub what: What,
    /// The SHA-256 of the certificate by which the version is signed here while this counts; none
    /// for the signature that it came with.
    pub signer: Option<String>,
    /// When it expires.
    pub expires: Timestamp,
    /// How many days before that the chore is due; 0 for what had expired before it came.
    pub days: i64,
}

impl Watched {
    /// When it is to be told.
    pub fn due(&self) -> Timestamp {
        self.expires.plus_seconds(-self.days * DAY_SECONDS)
    }

    /// That of [`DAYS`] which is to be told now; none where none has come, 0 where it has expired.
    fn reached(&self, now: Timestamp) -> Option<i64> {
        if self.expires <= now {
            return Some(0);
        }
        DAYS.into_iter()
            .rev()
            .find(|days| self.expires.plus_seconds(-days * DAY_SECONDS) <= now)
    }

    /// The same at the next of [`DAYS`] after `now`; none where no other comes.
    fn next(&self, now: Timestamp) -> Option<Self> {
        let days = DAYS
            .into_iter()
            .find(|days| self.expires.plus_seconds(-days * DAY_SECONDS) > now)?;
        Some(Self {
            days,
            ..self.clone()
        })
    }

    /// The first chore of something that came now.
    fn first(mut self, now: Timestamp) -> Result<Write, Error> {
        self.days = self.reached(now).unwrap_or(DAYS[0]);
        housekeeping::chore(now, &Chore::Expiry(self))
    }

    /// Whether it is what is handed out of this version now.
    fn counts(&self, version: &Version) -> bool {
        version.work.as_ref().and_then(|work| work.signer.as_ref()) == self.signer.as_ref()
    }

    /// The event, for an app whose card is there.
    fn event(&self, card: &AppCard, version: &Version, now: Timestamp) -> Event {
        // The day that has begun counts: a run is some time after the chore is due.
        let left = (self.expires.seconds() - now.seconds() + DAY_SECONDS - 1)
            .div_euclid(DAY_SECONDS)
            .max(0);
        let thing = format!(
            "The {} of version {} ({})",
            self.what.named(),
            version.number,
            version.version_name
        );
        let when = self.expires.rfc3339();
        let message = match left {
            _ if self.expires <= now => format!("{thing} expired on {when}"),
            1 => format!("{thing} expires within a day, on {when}"),
            _ => format!("{thing} expires in {left} days, on {when}"),
        };
        let event = Event::of(card, self.what.event(), event::SYSTEM, message, now);
        let kind = self.binary.kind().map(|kind| kind.to_string());
        event
            .with("type", kind)
            .with("version", version.number)
            .with("expires", when)
            .with("daysLeft", left)
    }

    /// By what one warning is told from all others.
    fn guid(&self, days: i64) -> Guid {
        let signer = self.signer.as_deref().unwrap_or_default();
        let (expires, days) = (self.expires.rfc3339(), days.to_string());
        Guid::derived(&[
            "expiry",
            &self.binary.sort_key(),
            self.version.as_str(),
            self.what.as_str(),
            signer,
            &expires,
            &days,
        ])
    }
}

/// The writes that watch what was read of a package whose version became the newest of its binary.
///
/// # Errors
/// Internal.
pub fn watch(
    handle: Handle,
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
            handle,
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
    handle: Handle,
    binary: AppId,
    version: &Guid,
    signer: &str,
    expires: Timestamp,
    now: Timestamp,
) -> Result<Write, Error> {
    Watched {
        handle,
        binary,
        version: version.clone(),
        what: What::Signature,
        signer: Some(signer.to_owned()),
        expires,
        days: 0,
    }
    .first(now)
}

/// What a due chore leads to: the event, where the version is the live one of an app that is there
/// and this was not told before, and the next chore as long as the version is kept. Gives whether
/// there is an event, and the writes beside the chore's removal.
///
/// # Errors
/// The store's.
pub async fn due(reader: &mut Reader<'_>, watched: &Watched) -> Result<(bool, Vec<Write>), Error> {
    let now = reader.now();
    let (handle, app) = (watched.handle, watched.binary.item());
    let Some(kind) = watched.binary.kind() else {
        return Ok((false, Vec::new()));
    };
    let days = watched.reached(now).unwrap_or(watched.days);
    let guid = watched.guid(days);
    let (card, binary, claim) = (
        keys::app_card(handle, app),
        keys::binary(handle, app, kind),
        keys::told_event(handle, &guid),
    );
    reader
        .fetch_missing(&[card.clone(), binary.clone(), claim.clone()])
        .await?;
    let Some(card) = reader.get::<AppCard>(&card).await? else {
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
    // Another chore of the same thing told of it, and goes on: the version was signed twice by the
    // same credential.
    if reader.get::<Told>(&claim).await?.is_some() {
        return Ok((false, Vec::new()));
    }
    let mut writes = Vec::new();
    if let Some(next) = watched.next(now) {
        writes.push(housekeeping::chore(now, &Chore::Expiry(next))?);
    }
    let is_live = card
        .value
        .binary(kind)
        .is_some_and(|shown| shown.live == version.number);
    // Another version may be taken back, and another signature: then the next warning counts.
    if !is_live || !watched.counts(version) {
        return Ok((false, writes));
    }
    let event = Event {
        guid,
        ..watched.event(&card.value, version, now)
    };
    writes.push(records::put(
        claim,
        &Told { at: now },
        Condition::AbsentOrExpired { now: now.seconds() },
    )?);
    // Whoever deletes the app or makes another version the live one at this moment comes first.
    writes.push(Write::Check(card.key.clone(), Condition::Rev(card.rev)));
    writes.extend(event::told(handle, vec![event])?);
    Ok((true, writes))
}

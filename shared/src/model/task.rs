//! Tasks: what is left for housekeeping to do later, and the writes that leave it there.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::model::apps::app::{App, Version};
use crate::model::apps::file::UNUSED_SECONDS;
use crate::model::apps::processing::LOST_SECONDS;
use crate::model::events::event::{Event, SYSTEM};
use crate::store::record::Record;
use crate::store::{Condition, Key, Write, keys, record};

/// How many days before the end it is told, the first time first.
pub const DAYS: [i64; 3] = [30, 14, 3];

const DAY_SECONDS: i64 = 24 * 3_600;

/// What expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
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
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Profile => "PROFILE_EXPIRES",
            Self::Certificate | Self::Signature => "CERTIFICATE_EXPIRES",
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
    #[serde(rename = "handle")]
    pub tenant_id: TenantId,
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
    /// How many days before that the task is due; 0 for what had expired before it came.
    pub days: i64,
}

impl Watched {
    /// When it is to be told.
    pub fn due(&self) -> Timestamp {
        self.expires.plus_seconds(-self.days * DAY_SECONDS)
    }

    /// That of [`DAYS`] which is to be told now; none where none has come, 0 where it has expired.
    pub(crate) fn reached(&self, now: Timestamp) -> Option<i64> {
        if self.expires <= now {
            return Some(0);
        }
        DAYS.into_iter()
            .rev()
            .find(|days| self.expires.plus_seconds(-days * DAY_SECONDS) <= now)
    }

    /// The same at the next of [`DAYS`] after `now`; none where no other comes.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Self> {
        let days = DAYS
            .into_iter()
            .find(|days| self.expires.plus_seconds(-days * DAY_SECONDS) > now)?;
        Some(Self {
            days,
            ..self.clone()
        })
    }

    /// The first task of something that came now.
    pub(crate) fn first(mut self, now: Timestamp) -> Result<Write, Error> {
        self.days = self.reached(now).unwrap_or(DAYS[0]);
        task(now, &Task::Expiry(self))
    }

    /// Whether it is what is handed out of this version now.
    pub(crate) fn counts(&self, version: &Version) -> bool {
        version
            .processing
            .as_ref()
            .and_then(|processing| processing.signer.as_ref())
            == self.signer.as_ref()
    }

    /// The event, for an app whose app record is there.
    pub(crate) fn event(&self, app: &App, version: &Version, now: Timestamp) -> Event {
        // The day that has begun counts: a run is some time after the task is due.
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
        let event = Event::of(app, self.what.event(), SYSTEM, message, now);
        let kind = self.binary.kind().map(|kind| kind.to_string());
        event
            .with("type", kind)
            .with("version", version.number)
            .with("expires", when)
            .with("daysLeft", left)
    }

    /// By what one warning is told from all others.
    pub(crate) fn guid(&self, days: i64) -> Guid {
        let signer = self.signer.as_deref().unwrap_or_default();
        let (expires, days) = (self.expires.rfc3339(), days.to_string());
        Guid::derived(&[
            "expiry",
            &self.binary.sort_key(),
            self.version.as_str(),
            self.what.into(),
            signer,
            &expires,
            &days,
        ])
    }
}

/// Something to be done later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Removes an object of the bucket if nothing counts it any more.
    Object {
        /// The tenant.
        #[serde(rename = "handle")]
        tenant_id: TenantId,
        /// Its name.
        name: String,
    },
    /// Ends an upload whose time is over.
    Upload {
        /// The tenant.
        #[serde(rename = "handle")]
        tenant_id: TenantId,
        /// Which upload.
        upload: Guid,
    },
    /// Takes back the references of an app that was deleted, or of what nobody took over.
    Release {
        /// The tenant.
        #[serde(rename = "handle")]
        tenant_id: TenantId,
        /// The objects that it counted, once per reference.
        objects: Vec<String>,
        /// The guids of its versions.
        aliases: Vec<Guid>,
    },
    /// Takes back the uses of files by an app that was deleted.
    Abandoned {
        /// The tenant.
        #[serde(rename = "handle")]
        tenant_id: TenantId,
        /// The app: two may have used the same files.
        app: AppId,
        /// The names of the files, once per use.
        files: Vec<String>,
    },
    /// Removes an uploaded file if nothing uses it.
    File {
        /// The tenant.
        #[serde(rename = "handle")]
        tenant_id: TenantId,
        /// Its name.
        name: String,
    },
    /// Ends a job on a package that nobody did.
    Job {
        /// The tenant.
        #[serde(rename = "handle")]
        tenant_id: TenantId,
        /// Which job.
        job: Guid,
    },
    /// Removes what belonged to an app that was deleted: its history, its subscriptions, its
    /// documents, what its publishers said of it.
    Parts {
        /// The tenant.
        #[serde(rename = "handle")]
        tenant_id: TenantId,
        /// The app.
        app: AppId,
    },
    /// Removes the alerts of an app that was deleted.
    Alerts {
        /// The tenant.
        #[serde(rename = "handle")]
        tenant_id: TenantId,
        /// The app.
        app: AppId,
    },
    /// Tells that something of a version expires soon.
    Expiry(Watched),
}

impl Record for Task {
    const KIND: &'static str = "chore";
}

/// How long an object is kept after the last reference to it is gone, in seconds.
pub const GRACE_SECONDS: i64 = 24 * 3600;

/// How long the alerts of a deleted app are kept, in seconds: what its deletion tells must still
/// meet them.
pub const ALERTS_SECONDS: i64 = 24 * 3600;

/// The write of a task that is due at once (`Release`, `Abandoned`, `Parts`), when an upload
/// expires, after the grace of an object, when an uploaded file was long enough without use, when a
/// job counts as lost, a day after an app with its alerts was deleted, or so many days before
/// something expires.
///
/// # Errors
/// Internal.
pub fn task(now: Timestamp, task: &Task) -> Result<Write, Error> {
    let (due, subject) = match task {
        Task::Object { tenant_id, name } => (
            now.plus_seconds(GRACE_SECONDS),
            format!("{tenant_id}#{name}"),
        ),
        Task::File { tenant_id, name } => (
            now.plus_seconds(UNUSED_SECONDS),
            format!("{tenant_id}#{name}"),
        ),
        Task::Upload { tenant_id, upload } => (now, format!("{tenant_id}#{upload}")),
        Task::Abandoned { tenant_id, app, .. } => (now, format!("{tenant_id}#{app}#FILES")),
        Task::Release {
            tenant_id, aliases, ..
        } => (now, format!("{tenant_id}#{:?}", aliases.first())),
        Task::Parts { tenant_id, app } => (now, format!("{tenant_id}#{app}")),
        Task::Job { tenant_id, job } => {
            (now.plus_seconds(LOST_SECONDS), format!("{tenant_id}#{job}"))
        }
        Task::Expiry(watched) => (
            watched.due(),
            format!("{}#{}#EXPIRY", watched.tenant_id, watched.version),
        ),
        Task::Alerts { tenant_id, app } => (
            now.plus_seconds(ALERTS_SECONDS),
            format!("{tenant_id}#{app}#ALERTS"),
        ),
    };
    record::put(keys::task(due, &subject), task, Condition::Always)
}

/// The write that counts a reference to an object.
pub fn count_object(tenant_id: TenantId, name: &str, by: i64) -> Write {
    Write::Count {
        key: keys::object(tenant_id, name),
        kind: "object",
        by,
        condition: Condition::Open,
    }
}

/// A reference to an object before anything has it: counted before the object is written, so that
/// nobody removes it meanwhile.
#[derive(Clone, Debug)]
pub struct Held {
    /// The object's name.
    pub name: String,
    /// The task that takes the reference back if nothing takes it over.
    pub task: Key,
}

/// The writes of a reference to an object that is about to be written. Whatever is to have the
/// object removes the task in its transaction; if nothing does, the reference is taken back after
/// [`GRACE_SECONDS`].
///
/// # Errors
/// Internal.
pub fn hold(
    tenant_id: TenantId,
    name: String,
    now: Timestamp,
) -> Result<(Held, Vec<Write>), Error> {
    let key = keys::task(
        now.plus_seconds(GRACE_SECONDS),
        &format!("{tenant_id}#{name}#HELD"),
    );
    let release = Task::Release {
        tenant_id,
        objects: vec![name.clone()],
        aliases: Vec::new(),
    };
    let writes = vec![
        count_object(tenant_id, &name, 1),
        record::put(key.clone(), &release, Condition::Always)?,
    ];
    Ok((Held { name, task: key }, writes))
}

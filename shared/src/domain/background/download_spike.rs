//! Download spikes: an app is fetched far more often than it used to be. A warning that the
//! documents do not have.
//!
//! Nothing is counted for apps that nobody asked about. The alerts that name `DOWNLOAD_SPIKE` are
//! noted per tenant, and each evaluation reads what the log of downloads of such a tenant has of
//! the last hour.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::domain::background::task::{BackgroundTask, Ended};
use crate::domain::events::event;
use crate::domain::events::spike_watch::NAME;
use crate::model::apps::app::App;
use crate::model::events::download_spike::{RecordedSpike, SpikeWatch};
use crate::model::events::event::{Event, SYSTEM};
use crate::model::log::audit::LogRow;
use crate::services::context::Context;
use crate::store::keys::LogOf;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Query, StoreError, Table, keys, record};

/// Fewer downloads within an hour are no spike.
pub const LEAST: usize = 50;

/// How many times as many as in an hour of the seven days before.
pub const TIMES: usize = 5;

/// A spike of an app is told of at most once within so many seconds: six hours.
pub const PAUSE_SECONDS: i64 = 6 * 3_600;

/// For how long an app whose downloads are as usual is not looked at again, in seconds.
const USUAL_SECONDS: i64 = 600;

const HOUR_SECONDS: i64 = 3_600;

const WEEK_HOURS: i64 = 7 * 24;

/// Most pages of the log, of a megabyte each, that one question reads.
const PAGES: usize = 4;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Spikes that were told.
    pub spikes: usize,
}

/// Looks for spikes where somebody asked about them, and tells of those that are new.
///
/// Its failure is the first error of the store, after every other tenant was looked at.
#[derive(Clone, Copy, Debug)]
pub struct DownloadSpikes {
    /// How long it may look; whom there was no time for the next run may look at.
    pub time: Duration,
}

impl BackgroundTask for DownloadSpikes {
    const NAME: &'static str = "download-spikes";
    type Report = Done;

    async fn run(&self, context: &Context) -> Ended<Done> {
        let mut report = Done::default();
        let look = look(&*context.table, context.clock.now(), &mut report);
        let failure = match tokio::time::timeout(self.time, look).await {
            Ok(looked) => looked.err(),
            Err(_) => {
                tracing::warn!("there was no time to look for every download spike");
                None
            }
        };
        if let Some(error) = &failure {
            tracing::error!(
                %error,
                cause = error.cause.as_deref().unwrap_or_default(),
                "download spikes were not looked for"
            );
        }
        Ended { report, failure }
    }
}

async fn look(table: &dyn Table, now: Timestamp, done: &mut Done) -> Result<(), Error> {
    let mut failure = None;
    let mut tenants = Reader::new(table, now)
        .all(Query::all(keys::spike_tenants()))
        .await?;
    tenants.retain(|tenant| tenant.count > 0);
    if !tenants.is_empty() {
        // Another one is the first each time: there may be no time for all.
        let first = rand::random_range(0..tenants.len());
        tenants.rotate_left(first);
    }
    for tenant in tenants {
        match look_at(table, &tenant.key.sk, now).await {
            Ok(more) => done.spikes += more,
            Err(error) => {
                tracing::error!(
                    tenant = tenant.key.sk,
                    %error,
                    cause = error.cause.as_deref().unwrap_or_default(),
                    "a tenant's downloads were not looked at"
                );
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

async fn look_at(table: &dyn Table, tenant_id: &str, now: Timestamp) -> Result<usize, Error> {
    let tenant_id: TenantId = tenant_id.parse().map_err(Error::internal)?;
    let mut reader = Reader::new(table, now);
    let (mut told, mut asked) = (0, Vec::new());
    for item in reader
        .all(Query::all(keys::spike_alerts(tenant_id)))
        .await?
    {
        asked.push(Stored::<SpikeWatch>::parse(item)?.value.app);
    }
    if asked.is_empty() {
        return Ok(0);
    }
    for (app, downloads) in of_last_hour(&mut reader, tenant_id, now).await? {
        let wanted = asked.iter().any(|of| of.is_none_or(|of| of == app));
        if wanted && downloads >= LEAST {
            told += usize::from(record_spike(&mut reader, tenant_id, app, downloads, now).await?);
        }
    }
    Ok(told)
}

/// How often each app was fetched within the last hour, as far as [`PAGES`] of the log go.
async fn of_last_hour(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    now: Timestamp,
) -> Result<BTreeMap<AppId, usize>, Error> {
    let since = keys::log_from(now.plus_seconds(-HOUR_SECONDS));
    let mut query = Query {
        newest_first: true,
        ..Query::all(keys::log(tenant_id, LogOf::All))
    };
    let mut found = BTreeMap::new();
    for _ in 0..PAGES {
        let page = reader.query(&query).await?;
        for item in page.items {
            if item.key.sk < since {
                return Ok(found);
            }
            *found
                .entry(Stored::<LogRow>::parse(item)?.value.binary.item())
                .or_default() += 1;
        }
        if page.next.is_none() {
            break;
        }
        query.after = page.next;
    }
    Ok(found)
}

/// Whether so many downloads are [`TIMES`] as many as in an hour of the week before. It reads no
/// further than it takes to know, and where a week has more rows than [`PAGES`] it judges by the
/// hours that those cover.
async fn is_unusual(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    downloads: usize,
    now: Timestamp,
) -> Result<bool, Error> {
    let (until, since) = (
        now.plus_seconds(-HOUR_SECONDS),
        now.plus_seconds(-HOUR_SECONDS * (WEEK_HOURS + 1)),
    );
    let mut query = Query {
        newest_first: true,
        ..Query::all(keys::log(tenant_id, LogOf::Item(app)))
    }
    .after(Some(keys::log_from(until)));
    let (mut rows, mut oldest) = (0_usize, until);
    let is_more = |rows: usize, hours: i64| {
        rows.saturating_mul(TIMES)
            > downloads.saturating_mul(usize::try_from(hours.max(1)).unwrap_or(1))
    };
    for _ in 0..PAGES {
        let page = reader.query(&query).await?;
        for item in page.items {
            let row = Stored::<LogRow>::parse(item)?.value;
            if row.at < since {
                return Ok(!is_more(rows, WEEK_HOURS));
            }
            rows += 1;
            oldest = row.at;
        }
        if is_more(rows, WEEK_HOURS) {
            return Ok(false);
        }
        if page.next.is_none() {
            return Ok(true);
        }
        query.after = page.next;
    }
    Ok(!is_more(
        rows,
        (until.seconds() - oldest.seconds()) / HOUR_SECONDS,
    ))
}

async fn record_spike(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    downloads: usize,
    now: Timestamp,
) -> Result<bool, Error> {
    let (claim, app_record) = (
        keys::recorded_spike(tenant_id, app),
        keys::app(tenant_id, app),
    );
    reader
        .fetch_missing(&[claim.clone(), app_record.clone()])
        .await?;
    if reader.get::<RecordedSpike>(&claim).await?.is_some() {
        return Ok(false);
    }
    let Some(app_record) = reader.get::<App>(&app_record).await? else {
        return Ok(false);
    };
    if !is_unusual(reader, tenant_id, app, downloads, now).await? {
        // What is usual now is not asked again each minute: a week of the log is read for it.
        let usual = RecordedSpike {
            expires: now.plus_seconds(USUAL_SECONDS),
        };
        let quiet = record::put(
            claim,
            &usual,
            Condition::AbsentOrExpired { now: now.seconds() },
        )?;
        return match reader.table().write(vec![quiet]).await {
            Ok(()) | Err(StoreError::Condition { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        };
    }
    let message = format!(
        "The app was downloaded {downloads} times within an hour, {TIMES} times as often as usual \
            or more"
    );
    let mut event =
        Event::of(&app_record.value, NAME, SYSTEM, message, now).with("downloads", downloads);
    event.guid = Guid::derived(&[
        "download spike",
        app.sort_key().as_str(),
        &now.0.to_string(),
    ]);
    let mut writes = vec![record::put(
        claim,
        &RecordedSpike {
            expires: now.plus_seconds(PAUSE_SECONDS),
        },
        Condition::AbsentOrExpired { now: now.seconds() },
    )?];
    writes.extend(event::record_writes(tenant_id, vec![event])?);
    match reader.table().write(writes).await {
        Ok(()) => Ok(true),
        // Another run was first.
        Err(StoreError::Condition { at: 0 }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

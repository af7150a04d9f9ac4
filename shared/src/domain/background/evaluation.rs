//! The evaluation of events against alerts, and the mails that come of it.
//!
//! A run first mails what is due from before, then takes the events that wait, then mails what it
//! made of them. An event is taken by the transaction that removes it from what waits and writes it
//! into the notification of each alert that hears it: whoever is second loses that transaction and
//! looks again. A notification is written together with a [`DueMail`], which says from when on any
//! run may mail it: until then it belongs to the run that made or claimed it, so that a run that
//! dies leaves its mails to later ones.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::domain::background::task::{BackgroundTask, Ended};
use crate::domain::events::notification;
use crate::model::events::alert::Alert;
use crate::model::events::due_mail::DueMail;
use crate::model::events::event::{Event, Pending};
use crate::model::events::notification::{Delivery, Notification};
use crate::services::context::Context;
use crate::store::record::Stored;
use crate::store::{
    Item, Key, MAX_TRANSACTION, Page, Query, StoreError, Table, Write, keys, record,
};

/// For how many seconds a mail belongs to the run that made or claimed its notification: longer
/// than any run lives.
pub const LEASE_SECONDS: i64 = 120;

/// For how many seconds after it was made a notification is tried: a day.
pub const GIVE_UP_SECONDS: i64 = 24 * 3_600;

/// Most events that one notification lists; further ones it counts.
pub const LISTED_EVENTS: usize = 500;

/// Most bytes of the events that a notification lists: its item must stay below 400 KB.
pub const LISTED_BYTES: usize = 300_000;

/// The longest pause between two tries of a mail, in seconds.
const LONGEST_PAUSE_SECONDS: i64 = 3_600;

/// Most waiting items that a run takes from one shard.
const MAX_TAKEN_AT_ONCE: usize = 625;

/// Most of them that are one tenant's, as long as others have some.
const SHARE: usize = 100;

/// Most bytes of them that it holds at once, per shard.
const TAKEN_BYTES: usize = 4_000_000;

/// Most due mails that a run sends.
const MAX_DUE_AT_ONCE: usize = 256;

/// Most due mails of one shard that it chooses them from.
const DUE_READ: usize = 256;

/// Most bytes of one transaction, of DynamoDB's 4 MB.
const TRANSACTION_BYTES: usize = 3_000_000;

/// Most bytes of waiting items that are taken together.
const TOGETHER_BYTES: usize = 500_000;

/// From so many takers on, items with the same takers share several transactions.
const MANY_TAKERS: usize = 35;

/// Most bytes of notifications that wait in memory to be mailed.
const OPEN_BYTES: usize = 48_000_000;

/// An event with more bytes than this is listed without its details, and with the beginning of its
/// message.
const LARGE_EVENT: usize = 16_000;

/// Most characters of the message of such an event.
const LARGE_MESSAGE: usize = 3_000;

/// Most characters of the reason that a notification keeps.
const MAX_REASON: usize = 300;

/// A run begins no further try of a mail from before after so many seconds,
const MAX_DUE: Duration = Duration::from_secs(10);

/// takes no further events after so many,
const MAX_TAKE: Duration = Duration::from_secs(32);

/// and begins no further mail after so many. The function lives for 55.
pub const MAX_MAIL: Duration = Duration::from_secs(44);

/// How long one mail may take.
const MAX_SEND: Duration = Duration::from_secs(8);

/// How many mails go side by side.
const MAX_MAILS_AT_ONCE: usize = 4;

/// How many partitions of alerts are read side by side.
const MAX_READS_AT_ONCE: usize = 16;

/// How often a transaction is begun again because another run was first.
const INTERRUPTIONS: u32 = 40;

/// How often one is begun again whose outcome nobody knows.
const UNKNOWN_OUTCOMES: u32 = 3;

/// How often it is tried to write down that a mail was sent.
const RECORDINGS: u32 = 8;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Events that were held against the alerts.
    pub events: usize,
    /// Notifications that were made.
    pub notifications: usize,
    /// Mails that were taken by the mail service.
    pub mails: usize,
    /// Tries to mail that failed and will be repeated.
    pub failed: usize,
    /// Notifications that were given up.
    pub given_up: usize,
}

/// Does everything that is due, as far as the time of a run goes; what is left the next run does.
/// Two at once do it once.
///
/// Its failure is the first error of the store, or unavailable where a notification was given up,
/// after everything else was tried. A mail that failed and will be tried again is no failure: its
/// notification says why.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation;

impl BackgroundTask for Evaluation {
    const NAME: &'static str = "alert-evaluation";
    type Report = Done;

    async fn run(&self, context: &Context) -> Ended<Done> {
        let mut run = Run {
            context,
            table: &*context.table,
            begun: Instant::now(),
            open: HashMap::new(),
            open_bytes: 0,
            done: Done::default(),
            failure: None,
        };
        let (due, failures) = run.due().await;
        failures
            .into_iter()
            .for_each(|error| run.note("due mails were not read", error));
        run.mail_due(due).await;
        run.take().await;
        run.mail_open().await;
        Ended {
            report: run.done,
            failure: run.failure,
        }
    }
}

/// These in turns: one of each tenant, then another one of each, beginning with any of them. Nobody
/// waits until others have nothing left.
fn in_turns<T>(all: Vec<T>, of: impl Fn(&T) -> TenantId) -> Vec<T> {
    let mut tenants: Vec<(TenantId, VecDeque<T>)> = Vec::new();
    for one in all {
        let tenant_id = of(&one);
        match tenants.iter_mut().find(|(known, _)| *known == tenant_id) {
            Some((_, theirs)) => theirs.push_back(one),
            None => tenants.push((tenant_id, VecDeque::from([one]))),
        }
    }
    if !tenants.is_empty() {
        let first = rand::random_range(0..tenants.len());
        tenants.rotate_left(first);
    }
    let mut turns = Vec::new();
    while !tenants.is_empty() {
        turns.extend(
            tenants
                .iter_mut()
                .filter_map(|(_, theirs)| theirs.pop_front()),
        );
        tenants.retain(|(_, theirs)| !theirs.is_empty());
    }
    turns
}

/// Who takes an event: an alert, for an app.
type Taker = (TenantId, Guid, AppId);

/// A notification that this run makes.
#[derive(Clone)]
struct Open {
    notification: Stored<Notification>,
    due: Stored<DueMail>,
    /// The bytes of the events that it lists.
    bytes: usize,
    /// Whether it was written.
    is_stored: bool,
}

/// A notification as one transaction changes it.
struct Draft {
    open: Open,
    lists_more: bool,
    counts_more: bool,
}

/// The waiting items that are taken together, with who takes which of their events.
struct Together {
    pendings: Vec<Stored<Pending>>,
    takers: BTreeSet<Taker>,
    bytes: usize,
}

impl Together {
    /// Whether another item can be taken in the same transactions: because it fits, or because many
    /// take the same. Then half a transaction of items goes with the other half of takers, again
    /// and again.
    fn has_room(&self, next: &Stored<Pending>, alerts: &Alerts) -> bool {
        let takers = takers(&next.value, alerts);
        let all = self.takers.union(&takers).count();
        let fits = self.pendings.len() + 1 + 2 * all <= MAX_TRANSACTION;
        let goes_along = all > MANY_TAKERS
            && all == self.takers.len()
            && self.pendings.len() < MAX_TRANSACTION / 2;
        (fits || goes_along) && self.bytes + size(&next.value) <= TOGETHER_BYTES
    }
}

/// The alerts by tenant and app; nothing where they could not be read.
type Alerts = HashMap<(TenantId, Option<AppId>), Option<Vec<Alert>>>;

/// How a try to mail ended.
enum Outcome {
    Sent,
    Failed,
    GivenUp,
    /// Another run has it, or it is not there any more.
    Left,
}

/// How a notification stands in the table.
enum Standing {
    Written,
    AsBefore,
    Overtaken,
}

struct Run<'a> {
    context: &'a Context,
    table: &'a dyn Table,
    begun: Instant,
    open: HashMap<Taker, Open>,
    open_bytes: usize,
    done: Done,
    failure: Option<Error>,
}

/// A look at what waits in a shard.
struct Look<'a> {
    run: &'a Run<'a>,
    query: Query,
    found: Vec<Stored<Pending>>,
    failures: Vec<Error>,
    bytes: usize,
}

impl Look<'_> {
    /// The next page; nothing where enough was found, the time is over, or the store fails.
    async fn page(&mut self, most: usize) -> Option<Page> {
        let room = MAX_TAKEN_AT_ONCE.saturating_sub(self.found.len()).min(most);
        if room == 0 || self.bytes >= TAKEN_BYTES || self.run.begun.elapsed() > MAX_TAKE {
            return None;
        }
        self.query.limit = u32::try_from(room).ok();
        match self.run.table.query(&self.query).await {
            Ok(page) => Some(page),
            Err(error) => {
                self.failures.push(error.into());
                None
            }
        }
    }

    fn keep(&mut self, items: Vec<Item>) {
        for item in items {
            self.bytes += item.body.len();
            match Stored::<Pending>::parse(item) {
                Ok(pending) => self.found.push(pending),
                Err(error) => self.failures.push(error.into()),
            }
        }
    }
}

impl Run<'_> {
    fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    /// Logs what went wrong, for the run to end with.
    fn note(&mut self, what: &'static str, error: Error) {
        tracing::error!(%error, cause = error.cause.as_deref().unwrap_or_default(), "{what}");
        self.failure.get_or_insert(error);
    }

    // ---- Taking

    /// Takes the events that wait.
    async fn take(&mut self) {
        let shards = join_all((0..keys::SHARDS).map(|shard| self.waiting(shard))).await;
        let mut waiting = Vec::new();
        for (found, failures) in shards {
            waiting.extend(found);
            failures
                .into_iter()
                .for_each(|error| self.note("a waiting event was not read", error));
        }
        if waiting.is_empty() {
            return;
        }
        let alerts = self.alerts(&waiting).await;
        // What cannot be held against every alert that may hear it waits on.
        waiting.retain(|pending| {
            partitions(&pending.value)
                .all(|partition| alerts.get(&partition).is_some_and(Option::is_some))
        });
        let (mut heard, unheard): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|pending| !takers(&pending.value, &alerts).is_empty());
        for chunk in unheard.chunks(MAX_TRANSACTION) {
            if self.begun.elapsed() > MAX_TAKE {
                return;
            }
            self.take_all(chunk.to_vec(), &alerts).await;
        }
        // Events of one app stand together: their notifications are written once for many of them.
        heard.sort_by_cached_key(|pending| {
            (
                pending.value.tenant_id.to_string(),
                pending
                    .value
                    .events
                    .first()
                    .map(|event| event.app.sort_key()),
                pending.key.sk.clone(),
            )
        });
        let mut heard = heard.into_iter().peekable();
        let mut batches = Vec::new();
        while let Some(first) = heard.next() {
            let mut together = Together {
                takers: takers(&first.value, &alerts),
                bytes: size(&first.value),
                pendings: vec![first],
            };
            while let Some(next) = heard.next_if(|next| together.has_room(next, &alerts)) {
                together.takers.extend(takers(&next.value, &alerts));
                together.bytes += size(&next.value);
                together.pendings.push(next);
            }
            batches.push(together.pendings);
        }
        for batch in in_turns(batches, |batch| batch[0].value.tenant_id) {
            if self.begun.elapsed() > MAX_TAKE {
                return;
            }
            self.take_all(batch, &alerts).await;
            if self.open_bytes > OPEN_BYTES {
                self.mail_open().await;
            }
        }
    }

    /// What waits in a shard, and what could not be read of it: that stays. Where more waits than
    /// one look shows, each tenant has a share, beginning with any of them; what is left of the
    /// whole goes to those who have more.
    async fn waiting(&self, shard: u8) -> (Vec<Stored<Pending>>, Vec<Error>) {
        let mut look = Look {
            run: self,
            query: Query::all(keys::pending_events(shard)),
            found: Vec::new(),
            failures: Vec::new(),
            bytes: 0,
        };
        let Some(page) = look.page(SHARE).await else {
            return (look.found, look.failures);
        };
        if page.next.is_none() {
            look.keep(page.items);
            return (look.found, look.failures);
        }
        // Sort keys begin with the tenant's id: another one is the first each time.
        let start = format!("{:08x}", rand::random::<u32>());
        let mut more = Vec::new();
        for (after, until) in [(Some(start.clone()), None), (None, Some(start))] {
            look.query.after = after;
            loop {
                let Some(mut page) = look.page(SHARE).await else {
                    return (look.found, look.failures);
                };
                if let Some(until) = &until {
                    let before = page.items.len();
                    page.items.retain(|item| item.key.sk <= *until);
                    if page.items.len() < before {
                        page.next = None;
                    }
                }
                let last = page
                    .items
                    .last()
                    .and_then(|item| item.key.sk.get(..8)?.parse::<TenantId>().ok());
                look.keep(page.items);
                let Some(next) = page.next else { break };
                look.query.after = match last.filter(|tenant_id| {
                    look.found
                        .iter()
                        .filter(|pending| pending.value.tenant_id == *tenant_id)
                        .count()
                        >= SHARE
                }) {
                    // He has his share: on behind what he has.
                    Some(tenant_id) => {
                        more.push((tenant_id, next));
                        Some(keys::behind_pending(tenant_id))
                    }
                    None => Some(next),
                };
            }
        }
        for (tenant_id, next) in more {
            look.query = Query {
                prefix: keys::pending_prefix(tenant_id),
                ..Query::all(keys::pending_events(shard))
            }
            .after(Some(next));
            while let Some(page) = look.page(MAX_TAKEN_AT_ONCE).await {
                look.keep(page.items);
                if page.next.is_none() {
                    break;
                }
                look.query.after = page.next;
            }
        }
        (look.found, look.failures)
    }

    /// The alerts that may hear these events.
    async fn alerts(&mut self, waiting: &[Stored<Pending>]) -> Alerts {
        let wanted: BTreeMap<String, (TenantId, Option<AppId>)> = waiting
            .iter()
            .flat_map(|pending| partitions(&pending.value))
            .map(|(tenant_id, app)| (keys::alerts(tenant_id, app), (tenant_id, app)))
            .collect();
        let table = self.table;
        let reads = wanted
            .into_iter()
            .map(|(pk, of)| async move { (of, every_alert(table, pk).await) });
        let read: Vec<_> = stream::iter(reads)
            .buffer_unordered(MAX_READS_AT_ONCE)
            .collect()
            .await;
        let mut alerts = Alerts::new();
        for (of, found) in read {
            let known = match found {
                Ok((found, unreadable)) => {
                    unreadable.into_iter().for_each(|error| {
                        self.note("an alert was not read, and hears nothing", error)
                    });
                    Some(found)
                }
                Err(error) => {
                    self.note("alerts were not read: their events wait on", error);
                    None
                }
            };
            alerts.insert(of, known);
        }
        alerts
    }

    /// Takes these items; where that fails for several, each one on its own, so that one that
    /// cannot be taken stops no other.
    async fn take_all(&mut self, pendings: Vec<Stored<Pending>>, alerts: &Alerts) {
        let Err(error) = self.take_together(pendings.clone(), alerts).await else {
            return;
        };
        if pendings.len() == 1 || matches!(error.kind, crate::base::error::Kind::Unavailable) {
            self.note("events were not taken", error);
            return;
        }
        tracing::warn!(
            %error,
            cause = error.cause.as_deref().unwrap_or_default(),
            "events could not be taken together"
        );
        for pending in pendings {
            if self.begun.elapsed() > MAX_TAKE {
                return;
            }
            let mut alone = vec![pending];
            if let Err(error) = self.refresh(&mut alone, &[]).await {
                self.note("events were not taken", error);
                return;
            }
            if let Err(error) = self.take_together(alone, alerts).await {
                self.note("an event was not taken", error);
            }
        }
    }

    /// Takes these items: in one transaction where their takers fit, else in several, each of which
    /// writes down who took.
    async fn take_together(
        &mut self,
        mut pendings: Vec<Stored<Pending>>,
        alerts: &Alerts,
    ) -> Result<(), Error> {
        let (mut interruptions, mut unknown) = (0, 0);
        while !pendings.is_empty() && self.begun.elapsed() <= MAX_TAKE {
            let takers: BTreeSet<Taker> = pendings
                .iter()
                .flat_map(|pending| takers(&pending.value, alerts))
                .collect();
            let mut left = takers.iter();
            let now = self.now();
            let (mut drafts, mut bytes) = (BTreeMap::new(), 0);
            let room = (MAX_TRANSACTION - pendings.len()) / 2;
            for taker in left.by_ref() {
                let draft = self.draft(taker, &pendings, alerts, now)?;
                bytes += if draft.lists_more {
                    draft.open.bytes
                } else {
                    0
                };
                drafts.insert(taker.clone(), draft);
                if drafts.len() == room || bytes > TRANSACTION_BYTES - 2 * LISTED_BYTES {
                    break;
                }
            }
            let is_last = left.next().is_none();
            let events: usize = pendings
                .iter()
                .map(|pending| pending.value.events.len())
                .sum();
            let writes = writes(&mut pendings, &drafts, is_last)?;
            // Whether the notifications may not be as they are known.
            let mut is_unsure = false;
            match self.table.write(writes).await {
                Ok(()) => {
                    self.keep(drafts);
                    if is_last {
                        self.done.events += events;
                        return Ok(());
                    }
                    pendings.iter_mut().for_each(|pending| pending.rev += 1);
                    continue;
                }
                Err(StoreError::Condition { at }) if interruptions < INTERRUPTIONS => {
                    is_unsure = at >= pendings.len();
                    interruptions += 1;
                }
                Err(StoreError::Contended(_)) if interruptions < INTERRUPTIONS => {
                    interruptions += 1
                }
                Err(StoreError::Unavailable(_)) if unknown < UNKNOWN_OUTCOMES => {
                    is_unsure = true;
                    unknown += 1;
                }
                Err(error) => return Err(error.into()),
            }
            pause(interruptions + unknown).await;
            let drafts: Vec<(Taker, Open)> = drafts
                .into_iter()
                .filter(|_| is_unsure)
                .map(|(taker, draft)| (taker, draft.open))
                .collect();
            self.refresh(&mut pendings, &drafts).await?;
        }
        Ok(())
    }

    /// The notification of a taker with what it takes of these items.
    fn draft(
        &self,
        taker: &Taker,
        pendings: &[Stored<Pending>],
        alerts: &Alerts,
        now: Timestamp,
    ) -> Result<Draft, Error> {
        let (tenant_id, guid, app) = taker;
        let of = |app| {
            alerts
                .get(&(*tenant_id, app))
                .into_iter()
                .flatten()
                .flatten()
                .find(|alert| alert.guid == *guid)
        };
        let alert = of(Some(*app))
            .or_else(|| of(None))
            .ok_or_else(|| Error::internal("a taker is an alert that was read"))?;
        let taken = taken(taker);
        let events = pendings
            .iter()
            .filter(|pending| !pending.value.taken.contains(&taken))
            .flat_map(|pending| &pending.value.events);
        let mut draft = Draft {
            open: self
                .open
                .get(taker)
                .cloned()
                .unwrap_or_else(|| new(*tenant_id, alert, *app, now)),
            lists_more: false,
            counts_more: false,
        };
        for event in events.filter(|event| event.app == *app && alert.hears(event)) {
            draft.add(event)?;
        }
        Ok(draft)
    }

    /// Keeps what was written.
    fn keep(&mut self, drafts: BTreeMap<Taker, Draft>) {
        for (taker, mut draft) in drafts {
            self.done.notifications += usize::from(!draft.open.is_stored);
            if draft.open.is_stored {
                draft.open.notification.rev += u64::from(draft.lists_more);
                draft.open.due.rev += u64::from(draft.counts_more);
            }
            draft.open.is_stored = true;
            self.open_bytes += draft.open.bytes;
            if let Some(before) = self.open.insert(taker, draft.open) {
                self.open_bytes = self.open_bytes.saturating_sub(before.bytes);
            }
        }
    }

    /// Reads what a transaction that failed was about: the items that still wait, and the
    /// notifications that it would have written.
    async fn refresh(
        &mut self,
        pendings: &mut Vec<Stored<Pending>>,
        drafts: &[(Taker, Open)],
    ) -> Result<(), Error> {
        let keys: Vec<Key> = pendings.iter().map(|pending| pending.key.clone()).collect();
        let found = self.table.read(&keys).await?;
        *pendings = found
            .into_iter()
            .flatten()
            .map(Stored::parse)
            .collect::<Result<_, _>>()?;
        for (taker, open) in drafts {
            let found = self
                .table
                .read(&[open.notification.key.clone(), open.due.key.clone()])
                .await?;
            let [Some(notification), Some(due)] =
                <[Option<Item>; 2]>::try_from(found).unwrap_or_default()
            else {
                // It was not written, or another run has claimed it since.
                self.forget(taker);
                continue;
            };
            let (notification, due) = (
                Stored::<Notification>::parse(notification)?,
                Stored::<DueMail>::parse(due)?,
            );
            if notification.value.delivery != Delivery::Collecting {
                self.forget(taker);
                continue;
            }
            let bytes = notification
                .value
                .events
                .iter()
                .map(json_bytes)
                .sum::<Result<usize, Error>>()?;
            let is_new = !self.open.contains_key(taker);
            self.done.notifications += usize::from(is_new);
            self.forget(taker);
            self.open_bytes += bytes;
            self.open.insert(
                taker.clone(),
                Open {
                    notification,
                    due,
                    bytes,
                    is_stored: true,
                },
            );
        }
        Ok(())
    }

    fn forget(&mut self, taker: &Taker) {
        if let Some(open) = self.open.remove(taker) {
            self.open_bytes = self.open_bytes.saturating_sub(open.bytes);
        }
    }

    // ---- Mailing

    /// The mails that are due, and what could not be read of them.
    async fn due(&self) -> (Vec<Stored<DueMail>>, Vec<Error>) {
        let shards = join_all((0..keys::SHARDS).map(|shard| self.due_of(shard))).await;
        let (mut due, mut failures) = (Vec::new(), Vec::new());
        for (found, failed) in shards {
            due.extend(found);
            failures.extend(failed);
        }
        // The oldest first, whichever shard it is in, and one tenant after the other.
        due.sort_by(|one: &Stored<DueMail>, other| one.key.sk.cmp(&other.key.sk));
        let mut due = in_turns(due, |due| due.value.tenant_id);
        due.truncate(MAX_DUE_AT_ONCE);
        (due, failures)
    }

    async fn due_of(&self, shard: u8) -> (Vec<Stored<DueMail>>, Vec<Error>) {
        let until = keys::due_until(Timestamp(self.now().0.saturating_add(1)));
        let mut query = Query::all(keys::due_mails(shard)).limit(u32::try_from(DUE_READ).ok());
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        loop {
            let page = match self.table.query(&query).await {
                Ok(page) => page,
                Err(error) => {
                    failures.push(error.into());
                    return (found, failures);
                }
            };
            for item in page.items {
                if item.key.sk >= until {
                    return (found, failures);
                }
                match Stored::parse(item) {
                    Ok(due) => found.push(due),
                    Err(error) => failures.push(error.into()),
                }
            }
            if page.next.is_none() || found.len() >= DUE_READ || self.begun.elapsed() > MAX_DUE {
                return (found, failures);
            }
            query.after = page.next;
        }
    }

    async fn mail_due(&mut self, due: Vec<Stored<DueMail>>) {
        let this = &*self;
        let mails = due.into_iter().map(|due| async move {
            if this.begun.elapsed() > MAX_DUE {
                Ok(Outcome::Left)
            } else {
                this.claim_and_mail(due).await
            }
        });
        let outcomes: Vec<_> = stream::iter(mails)
            .buffer_unordered(MAX_MAILS_AT_ONCE)
            .collect()
            .await;
        self.count(outcomes);
    }

    /// Mails what this run made. What it has no time for belongs to later runs when its lease ends.
    async fn mail_open(&mut self) {
        let mut open: Vec<Open> = self.open.drain().map(|(_, open)| open).collect();
        self.open_bytes = 0;
        open.sort_by(|one, other| one.notification.key.cmp(&other.notification.key));
        let open = in_turns(open, |open| open.due.value.tenant_id);
        let this = &*self;
        let mails = open.into_iter().map(|open| async move {
            // Past half of its lease the mail is left to whoever claims it.
            let is_ours = this.now().0
                < open
                    .notification
                    .value
                    .created
                    .plus_seconds(LEASE_SECONDS / 2)
                    .0;
            if this.begun.elapsed() > MAX_MAIL || !is_ours {
                return Ok(Outcome::Left);
            }
            let (mut notification, mut due) = (open.notification, open.due);
            notification.value.tries += 1;
            notification.value.more = notification.value.more.saturating_add(due.value.more);
            due.value.more = 0;
            this.mail(notification, due).await
        });
        let outcomes: Vec<_> = stream::iter(mails)
            .buffer_unordered(MAX_MAILS_AT_ONCE)
            .collect()
            .await;
        self.count(outcomes);
    }

    fn count(&mut self, outcomes: Vec<Result<Outcome, Error>>) {
        for outcome in outcomes {
            match outcome {
                Ok(Outcome::Sent) => self.done.mails += 1,
                Ok(Outcome::Failed) => self.done.failed += 1,
                Ok(Outcome::GivenUp) => {
                    self.done.given_up += 1;
                    self.note(
                        "a notification was given up",
                        Error::unavailable("its mail was not taken for a day"),
                    );
                }
                Ok(Outcome::Left) => {}
                Err(error) => self.note("a notification was not mailed", error),
            }
        }
    }

    /// Claims a due mail, so that no other run has it, and mails it.
    async fn claim_and_mail(&self, due: Stored<DueMail>) -> Result<Outcome, Error> {
        let now = self.now();
        let found = self
            .table
            .read(&[due.value.notification_key()])
            .await?
            .into_iter()
            .next()
            .flatten();
        let found = match found
            .filter(|item| item.expires.is_none_or(|at| at > now.seconds()))
            .map(Stored::<Notification>::parse)
            .transpose()
        {
            Ok(found) => found,
            Err(error) => {
                // It must not stand before the others again and again.
                self.written(moved(&due, now.plus_seconds(LONGEST_PAUSE_SECONDS))?)
                    .await?;
                return Err(error.into());
            }
        };
        let unsent = |found: &Stored<Notification>| {
            !matches!(found.value.delivery, Delivery::Sent | Delivery::Failed)
        };
        let Some(mut notification) = found.filter(unsent) else {
            return self
                .written(vec![due.remove()])
                .await
                .map(|_| Outcome::Left);
        };
        let value = &mut notification.value;
        // Runs that die each time they mail it: the next one might do so too, and mail it again.
        let is_hopeless = value.delivery == Delivery::Sending
            && value.created.plus_seconds(GIVE_UP_SECONDS).0 <= now.0;
        value.more = value.more.saturating_add(due.value.more);
        value.modified = now;
        if is_hopeless {
            value.delivery = Delivery::Failed;
            value.error =
                Some("It was begun to be mailed again and again, and never ended".to_owned());
            let is_ours = self
                .written(vec![notification.replace()?, due.remove()])
                .await?;
            return Ok(if is_ours {
                Outcome::GivenUp
            } else {
                Outcome::Left
            });
        }
        value.delivery = Delivery::Sending;
        value.tries += 1;
        let until = now.plus_seconds(LEASE_SECONDS.max(pause_seconds(value.tries)));
        let mut moved = due.clone();
        moved.value.more = 0;
        moved.key = keys::due_mail(until, &due.value.notification);
        moved.rev = 1;
        let writes = vec![
            notification.replace()?,
            due.remove(),
            record::create(moved.key.clone(), &moved.value)?,
        ];
        if !self.written(writes).await? {
            return Ok(Outcome::Left);
        }
        notification.rev += 1;
        self.mail(notification, moved).await
    }

    /// Writes that; `false` where another run was first. An unknown outcome is an error: whatever
    /// became of it, the lease ends.
    async fn written(&self, writes: Vec<Write>) -> Result<bool, Error> {
        match self.table.write(writes).await {
            Ok(()) => Ok(true),
            Err(StoreError::Condition { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends the mail of a notification that is this run's, and writes down what became of it.
    async fn mail(
        &self,
        mut notification: Stored<Notification>,
        due: Stored<DueMail>,
    ) -> Result<Outcome, Error> {
        let sent = async {
            let mail = notification::mail(&notification.value)?;
            let mailer = self.context.mailer()?;
            let in_time = tokio::time::timeout(MAX_SEND, mailer.send(&mail)).await;
            in_time.unwrap_or_else(|_| {
                Err(Error {
                    message: "The mail service did not answer in time".to_owned(),
                    ..Error::unavailable("no answer")
                })
            })
        };
        let sent = sent.await;
        let now = self.now();
        let value = &mut notification.value;
        value.modified = now;
        let (outcome, mut writes) = match sent {
            Ok(()) => {
                value.delivery = Delivery::Sent;
                value.error = None;
                (Outcome::Sent, vec![due.remove()])
            }
            Err(error) => {
                let (guid, tries) = (&value.guid, value.tries);
                tracing::error!(
                    notification = %guid,
                    tries,
                    %error,
                    cause = error.cause.as_deref().unwrap_or_default(),
                    "a notification was not mailed"
                );
                value.error = Some(
                    error
                        .message
                        .chars()
                        .map(|c| if c.is_control() { ' ' } else { c })
                        .take(MAX_REASON)
                        .collect(),
                );
                let again = now.plus_seconds(pause_seconds(value.tries));
                if again.0 > value.created.plus_seconds(GIVE_UP_SECONDS).0 {
                    value.delivery = Delivery::Failed;
                    (Outcome::GivenUp, vec![due.remove()])
                } else {
                    value.delivery = Delivery::Waiting;
                    (Outcome::Failed, moved(&due, again)?)
                }
            }
        };
        writes.push(notification.replace()?);
        // What the mail service took must be known before the lease ends: it is tried several
        // times.
        let mut tries = 0;
        loop {
            let failed = match self.table.write(writes.clone()).await {
                Ok(()) => return Ok(outcome),
                // The answer of an earlier try was lost; or, after the lease, another run has it.
                Err(StoreError::Condition { .. }) => match self.standing(&notification).await {
                    Ok(Standing::Written) => return Ok(outcome),
                    Ok(Standing::Overtaken) => {
                        return Err(Error::internal("another run has mailed it meanwhile"));
                    }
                    Ok(Standing::AsBefore) => Error::unavailable("it was not written"),
                    Err(error) => error,
                },
                Err(error) => error.into(),
            };
            tries += 1;
            if tries == RECORDINGS {
                return Err(failed);
            }
            pause(tries).await;
        }
    }
}

impl Run<'_> {
    /// Whether a notification was written as it is here.
    async fn standing(&self, notification: &Stored<Notification>) -> Result<Standing, Error> {
        let found = self
            .table
            .read(std::slice::from_ref(&notification.key))
            .await?
            .into_iter()
            .next()
            .flatten();
        Ok(
            match found.map(Stored::<Notification>::parse).transpose()? {
                Some(found) if found.value == notification.value => Standing::Written,
                Some(found) if found.rev == notification.rev => Standing::AsBefore,
                _ => Standing::Overtaken,
            },
        )
    }
}

impl Draft {
    /// Lists an event, or counts it where the list is full.
    fn add(&mut self, event: &Event) -> Result<(), Error> {
        let mut event = event.clone();
        let mut bytes = json_bytes(&event)?;
        if bytes > LARGE_EVENT {
            event.details.clear();
            event.message = event.message.chars().take(LARGE_MESSAGE).collect();
            bytes = json_bytes(&event)?;
        }
        let open = &mut self.open;
        if open.notification.value.app_name.is_empty() {
            open.notification.value.app_name.clone_from(&event.app_name);
        }
        if open.notification.value.events.len() < LISTED_EVENTS
            && open.bytes + bytes <= LISTED_BYTES
        {
            open.notification.value.events.push(event);
            open.bytes += bytes;
            self.lists_more = true;
        } else {
            open.due.value.more = open.due.value.more.saturating_add(1);
            self.counts_more = true;
        }
        Ok(())
    }
}

/// The transaction that takes these items into these notifications. Those who took are written down
/// where others are left to.
fn writes(
    pendings: &mut [Stored<Pending>],
    drafts: &BTreeMap<Taker, Draft>,
    is_last: bool,
) -> Result<Vec<Write>, Error> {
    let mut writes = Vec::with_capacity(pendings.len() + 2 * drafts.len());
    for pending in pendings {
        if is_last {
            writes.push(pending.remove());
        } else {
            pending.value.taken.extend(drafts.keys().map(taken));
            writes.push(pending.replace()?);
        }
    }
    for Draft {
        open,
        lists_more,
        counts_more,
    } in drafts.values()
    {
        if open.is_stored {
            if *lists_more {
                writes.push(open.notification.replace()?);
            }
            if *counts_more {
                writes.push(open.due.replace()?);
            }
        } else {
            writes.push(record::create(
                open.notification.key.clone(),
                &open.notification.value,
            )?);
            writes.push(record::create(open.due.key.clone(), &open.due.value)?);
        }
    }
    Ok(writes)
}

/// A notification of an alert for an app, with nothing in it yet.
fn new(tenant_id: TenantId, alert: &Alert, app: AppId, now: Timestamp) -> Open {
    let value = Notification {
        guid: Guid::random(),
        alert: alert.guid.clone(),
        alert_name: alert.name.clone(),
        app,
        app_name: String::new(),
        env: alert.env.clone(),
        recipients: alert.emails.clone(),
        events: Vec::new(),
        more: 0,
        delivery: Delivery::Collecting,
        tries: 0,
        error: None,
        created: now,
        modified: now,
    };
    let due = DueMail {
        tenant_id,
        app,
        env: value.env.clone(),
        created: now,
        notification: value.guid.clone(),
        more: 0,
    };
    let (key, due_key) = (
        due.notification_key(),
        keys::due_mail(now.plus_seconds(LEASE_SECONDS), &value.guid),
    );
    let due = Stored {
        value: due,
        key: due_key,
        rev: 1,
        count: 0,
        owner: None,
    };
    Open {
        notification: Stored {
            value,
            key,
            rev: 1,
            count: 0,
            owner: None,
        },
        due,
        bytes: 0,
        is_stored: false,
    }
}

/// The writes that make a mail due at another time.
fn moved(due: &Stored<DueMail>, to: Timestamp) -> Result<Vec<Write>, Error> {
    let key = keys::due_mail(to, &due.value.notification);
    if key == due.key {
        return Ok(vec![due.replace()?]);
    }
    Ok(vec![due.remove(), record::create(key, &due.value)?])
}

/// The partitions of the alerts that may hear these events.
fn partitions(pending: &Pending) -> impl Iterator<Item = (TenantId, Option<AppId>)> {
    let tenant_id = pending.tenant_id;
    let apps: BTreeSet<AppId> = pending.events.iter().map(|event| event.app).collect();
    apps.into_iter()
        .map(move |app| (tenant_id, Some(app)))
        .chain(std::iter::once((tenant_id, None)))
}

/// Who has yet to take something of it.
fn takers(pending: &Pending, alerts: &Alerts) -> BTreeSet<Taker> {
    let mut takers = BTreeSet::new();
    for event in &pending.events {
        let hearing = [Some(event.app), None]
            .into_iter()
            .filter_map(|app| alerts.get(&(pending.tenant_id, app)))
            .flatten()
            .flatten();
        takers.extend(
            hearing
                .filter(|alert| alert.hears(event))
                .map(|alert| (pending.tenant_id, alert.guid.clone(), event.app)),
        );
    }
    if !pending.taken.is_empty() {
        let before: BTreeSet<&Guid> = pending.taken.iter().collect();
        takers.retain(|taker| !before.contains(&taken(taker)));
    }
    takers
}

/// How an item says that somebody took from it: an alert of all apps takes for each of them.
fn taken((_, alert, app): &Taker) -> Guid {
    Guid::derived(&["taken", alert.as_str(), &app.sort_key()])
}

/// Every alert of a partition, and what could not be read there.
async fn every_alert(table: &dyn Table, pk: String) -> Result<(Vec<Alert>, Vec<Error>), Error> {
    let (mut alerts, mut unreadable) = (Vec::new(), Vec::new());
    let mut query = Query::all(pk);
    loop {
        let page = table.query(&query).await?;
        for item in page.items {
            match Stored::<Alert>::parse(item) {
                Ok(alert) => alerts.push(alert.value),
                Err(error) => unreadable.push(error.into()),
            }
        }
        if page.next.is_none() {
            return Ok((alerts, unreadable));
        }
        query.after = page.next;
    }
}

/// About how many bytes an item has.
fn size(pending: &Pending) -> usize {
    pending
        .events
        .iter()
        .map(|event| json_bytes(event).unwrap_or(LARGE_EVENT))
        .sum()
}

fn json_bytes(event: &Event) -> Result<usize, Error> {
    serde_json::to_string(event)
        .map(|text| text.len())
        .map_err(Error::internal)
}

/// The pause after so many tries that failed: 1, 2, 4, … 60 minutes.
fn pause_seconds(tries: u32) -> i64 {
    (60_i64 << tries.saturating_sub(1).min(6)).min(LONGEST_PAUSE_SECONDS)
}

/// Lets another run go first.
async fn pause(tries: u32) {
    tokio::time::sleep(Duration::from_millis(rand::random_range(
        1..=4_u64 << tries.min(6),
    )))
    .await;
}

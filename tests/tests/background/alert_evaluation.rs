//! The evaluation of alerts as those notice it who are mailed: nothing is missed, nothing comes
//! twice, whatever dies meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use appdepot_tests::consistency::{Snapshot, undelivered};
use appdepot_tests::{TestTenant, World};
use async_trait::async_trait;
use serde_json::{Value, json};
use shared::base::clock::{Clock, Timestamp};
use shared::base::error::Error;
use shared::base::id::{AppId, BinaryType, Guid, TenantId};
use shared::base::kind::AppKind;
use shared::domain::background::evaluation::{GIVE_UP_SECONDS, LEASE_SECONDS, LISTED_EVENTS};
use shared::domain::events::{event, spike_watch};
use shared::model::events::alert::Alert;
use shared::model::events::due_mail::DueMail;
use shared::model::events::event::{Event, Pending, Severity};
use shared::model::events::notification::{Delivery, Notification};
use shared::model::log::audit::LogRow;
use shared::model::task_run::TaskRun;
use shared::services::context::Context;
use shared::services::mail::{Mail, Mailer};
use shared::store::keys::LogOf;
use shared::store::record::{Reader, Record, Stored};
use shared::store::wrappers::Fault;
use shared::store::{Condition, Item, Key, Page, Query, StoreError, Table, Write, keys, record};
use tokio::sync::Notify;

/// A mail service that keeps what it took, and can refuse.
#[derive(Default)]
struct Post {
    taken: Mutex<Vec<Mail>>,
    is_closed: AtomicBool,
    refused: AtomicUsize,
}

#[async_trait]
impl Mailer for Post {
    async fn send(&self, mail: &Mail) -> Result<(), Error> {
        tokio::task::yield_now().await;
        if self.is_closed.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Error {
                message: "Sending is paused".to_owned(),
                ..Error::unavailable("secret of the cause")
            });
        }
        self.taken.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// What a mail says: the alert's name, and the messages of its events.
fn said(mail: &Mail) -> (String, Vec<String>) {
    let alert = mail
        .subject
        .strip_prefix("FeedHenry Appdepot Alert: ")
        .unwrap_or_else(|| panic!("{}", mail.subject))
        .split(" - ")
        .next()
        .unwrap();
    (
        alert.to_owned(),
        mail.text
            .lines()
            .filter_map(|line| line.strip_prefix("  Message: "))
            .map(str::to_owned)
            .collect(),
    )
}

impl Post {
    fn mails(&self) -> Vec<Mail> {
        self.taken.lock().unwrap().clone()
    }

    fn empty(&self) {
        self.taken.lock().unwrap().clear();
    }

    /// Which messages (of alert and event) came in mails of which `Message-ID`s.
    fn heard(&self) -> BTreeMap<(String, String), BTreeSet<String>> {
        let mut heard: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for mail in self.mails() {
            let (alert, messages) = said(&mail);
            for message in messages {
                heard
                    .entry((alert.clone(), message))
                    .or_default()
                    .insert(mail.message_id.clone());
            }
        }
        heard
    }
}

struct Scene {
    world: World,
    tenant: TestTenant,
    post: Arc<Post>,
    apps: Vec<AppId>,
}

impl Scene {
    async fn new(apps: usize) -> Self {
        let (mut world, tenant) = World::new().await;
        let post = Arc::new(Post::default());
        world.context = world
            .context
            .clone()
            .with_mailer(Arc::clone(&post) as Arc<dyn Mailer>);
        world.plain = world
            .plain
            .clone()
            .with_mailer(Arc::clone(&post) as Arc<dyn Mailer>);
        let apps = (0..apps)
            .map(|number| {
                AppId::new(
                    world
                        .clock
                        .now()
                        .plus_seconds(i64::try_from(number).unwrap()),
                )
            })
            .collect();
        Self {
            world,
            tenant,
            post,
            apps,
        }
    }

    fn alert(&self, name: &str, app: Option<AppId>) -> Alert {
        let now = self.world.clock.now();
        Alert {
            guid: Guid::random(),
            name: name.to_owned(),
            app,
            env: "dev".parse().unwrap(),
            emails: vec!["ops@example.com".to_owned(), "night@example.com".to_owned()],
            enabled: true,
            categories: Vec::new(),
            severities: Severity::ALL.to_vec(),
            names: Vec::new(),
            created: now,
            modified: now,
        }
    }

    async fn add(&self, alert: &Alert) {
        let write = record::put(
            keys::alert(self.tenant.tenant_id, alert.app, &alert.guid),
            alert,
            Condition::Always,
        )
        .unwrap();
        self.world.plain.table.write(vec![write]).await.unwrap();
    }

    fn event(&self, app: usize, name: &'static str, message: &str) -> Event {
        Event::named(
            self.apps[app],
            &format!("App {app}"),
            name,
            "System",
            message.to_owned(),
            self.world.clock.now(),
        )
    }

    /// Tells of each event in an item of its own, many in one transaction.
    async fn tell(&self, events: &[Event]) {
        for chunk in events.chunks(50) {
            let writes = chunk
                .iter()
                .flat_map(|event| {
                    event::record_writes(self.tenant.tenant_id, vec![event.clone()]).unwrap()
                })
                .collect();
            self.world.plain.table.write(writes).await.unwrap();
        }
    }

    async fn tell_crashes(&self, app: usize, count: usize, prefix: &str) {
        let events: Vec<Event> = (0..count)
            .map(|number| self.event(app, "CRASHED", &format!("{prefix} {number:04}")))
            .collect();
        self.tell(&events).await;
    }

    /// What a background task did last.
    async fn last_run(&self, task: &str) -> TaskRun {
        let mut reader = Reader::new(&*self.world.plain.table, self.world.clock.now());
        let found: Option<Stored<TaskRun>> = reader.get(&keys::task_run(task)).await.unwrap();
        found.expect("a run was kept").value
    }

    /// Runs until nothing is left, as the hours go by.
    async fn settle(&self) {
        let mut idle = 0;
        for _ in 0..20 {
            let done = alert_evaluation::handle(self.world.plain.clone(), Value::Null)
                .await
                .unwrap();
            idle = if done == alert_evaluation::Done::default() {
                idle + 1
            } else {
                0
            };
            if idle == 2 {
                break;
            }
            // Longer than a lease, and than every pause between tries.
            self.world.clock.advance_seconds(LEASE_SECONDS + 3_600);
        }
        let left = self.left().await;
        assert!(left.is_empty(), "{left:#?}");
    }

    /// What waits to be taken or mailed, and what does not fit together.
    async fn left(&self) -> Vec<String> {
        let snapshot = self.world.snapshot().await;
        let waits = snapshot
            .keys()
            .filter(|(pk, _)| pk.starts_with("PENDING#") || pk.starts_with("MAILS#"));
        waits
            .map(|(pk, sk)| format!("{pk} {sk}"))
            .chain(undelivered(&snapshot))
            .collect()
    }

    async fn notifications(&self) -> Vec<Notification> {
        of_kind(&self.world.snapshot().await)
    }
}

fn of_kind<R: Record>(snapshot: &Snapshot) -> Vec<R> {
    let of_kind = snapshot
        .values()
        .filter(|item| item["kind"]["S"] == R::KIND);
    of_kind
        .map(|item| serde_json::from_str(item["d"]["S"].as_str().unwrap()).unwrap())
        .collect()
}

// ---- The simulation

/// Lets a run die at one of its calls, before or after the call was done.
struct Killer {
    left: AtomicI64,
    after: bool,
    is_dead: AtomicBool,
    died: Notify,
    /// Mails that were taken, and notifications that were written down as sent.
    accepted: Mutex<BTreeSet<String>>,
    recorded: Mutex<BTreeSet<String>>,
}

impl Killer {
    fn at(call: i64, after: bool) -> Arc<Self> {
        let left = AtomicI64::new(call);
        Arc::new(Self {
            left,
            after,
            is_dead: AtomicBool::new(false),
            died: Notify::new(),
            accepted: Mutex::default(),
            recorded: Mutex::default(),
        })
    }

    async fn pass<T>(&self, call: impl Future<Output = T>) -> T {
        let is_last = self.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if self.is_dead.load(Ordering::SeqCst) || (is_last && !self.after) {
            self.die().await;
        }
        let answer = call.await;
        if is_last {
            self.die().await;
        }
        answer
    }

    async fn die(&self) {
        self.is_dead.store(true, Ordering::SeqCst);
        self.died.notify_one();
        std::future::pending::<()>().await;
    }
}

struct Mortal {
    table: Arc<dyn Table>,
    post: Arc<Post>,
    killer: Arc<Killer>,
}

#[async_trait]
impl Table for Mortal {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.killer.pass(self.table.read(keys)).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.killer.pass(self.table.query(query)).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let sent = |write: &Write| match write {
            Write::Put(item, _) if item.kind == Notification::KIND => {
                let notification: Notification = serde_json::from_str(&item.body).unwrap();
                (notification.delivery == Delivery::Sent).then(|| notification.guid.to_string())
            }
            _ => None,
        };
        let sent: Vec<String> = writes.iter().filter_map(sent).collect();
        let call = async {
            let answer = self.table.write(writes).await;
            if answer.is_ok() {
                self.killer.recorded.lock().unwrap().extend(sent);
            }
            answer
        };
        self.killer.pass(call).await
    }
}

#[async_trait]
impl Mailer for Mortal {
    async fn send(&self, mail: &Mail) -> Result<(), Error> {
        let call = async {
            let answer = self.post.send(mail).await;
            if answer.is_ok() {
                self.killer
                    .accepted
                    .lock()
                    .unwrap()
                    .insert(mail.message_id.clone());
            }
            answer
        };
        self.killer.pass(call).await
    }
}

impl Scene {
    /// A run that dies at that call. Gives the mails that were taken and not written down as sent.
    async fn mortal_run(&self, killer: Arc<Killer>) -> BTreeSet<String> {
        let mortal = || Mortal {
            table: Arc::clone(&self.world.plain.table),
            post: Arc::clone(&self.post),
            killer: Arc::clone(&killer),
        };
        let context: Context = self
            .world
            .plain
            .clone()
            .with_table(Arc::new(mortal()))
            .with_mailer(Arc::new(mortal()));
        tokio::select! {
            outcome = alert_evaluation::handle(context, Value::Null) => { outcome.unwrap(); }
            () = killer.died.notified() => {}
        }
        let (accepted, recorded) = (
            killer.accepted.lock().unwrap(),
            killer.recorded.lock().unwrap(),
        );
        accepted.difference(&recorded).cloned().collect()
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_or_repeated_by_runs_that_die() {
    const RUNS: usize = 200;
    const EVENTS: usize = 25;
    const NAMES: [&str; 6] = [
        "CRASHED",
        "TERMINATED",
        "DEPLOYED",
        "HIGH_MEMORY",
        "KILLED_RESTARTED",
        "PUBLISHED",
    ];
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_261_122);
    eprintln!("SEED={seed}");
    let mut numbers = Numbers(seed);
    let scene = Scene::new(5).await;
    let mut alerts = Vec::new();
    for number in 0..20 {
        let app = (number % 5 != 4).then(|| scene.apps[numbers.below(5)]);
        let mut alert = scene.alert(&format!("Alert {number}"), app);
        alert.severities = match number % 3 {
            0 => vec![Severity::Error, Severity::Fatal],
            1 => vec![Severity::Warn],
            _ => Vec::new(),
        };
        alert.names = if number % 3 == 2 {
            vec![
                NAMES[numbers.below(6)].to_owned(),
                NAMES[numbers.below(6)].to_owned(),
            ]
        } else {
            Vec::new()
        };
        alert.env = if number % 7 == 6 { "live" } else { "dev" }
            .parse()
            .unwrap();
        scene.add(&alert).await;
        alerts.push(alert);
    }
    let (mut events, mut kills, mut twice, mut windows) = (Vec::new(), 0, 0, 0);
    let mut in_window: BTreeMap<String, usize> = BTreeMap::new();
    for run in 0..RUNS {
        let mut told = Vec::new();
        for number in 0..EVENTS {
            let mut event = scene.event(
                numbers.below(5),
                NAMES[numbers.below(6)],
                &format!("event {:05}", run * EVENTS + number),
            );
            event.env =
                [None, Some("dev"), Some("live")][numbers.below(3)].map(|env| env.parse().unwrap());
            // Some come late.
            event.at = event
                .at
                .plus_seconds(-i64::try_from(numbers.below(600)).unwrap());
            told.push(event);
        }
        scene.tell(&told).await;
        events.extend(told);
        let mut killer = || {
            Killer::at(
                i64::try_from(numbers.below(90)).unwrap(),
                numbers.below(2) == 0,
            )
        };
        let (one, other) = (killer(), killer());
        let lost = if numbers.below(3) == 0 {
            twice += 1;
            let (mut lost, more) = tokio::join!(
                scene.mortal_run(Arc::clone(&one)),
                scene.mortal_run(Arc::clone(&other))
            );
            lost.extend(more);
            kills += usize::from(other.is_dead.load(Ordering::SeqCst));
            lost
        } else {
            scene.mortal_run(Arc::clone(&one)).await
        };
        kills += usize::from(one.is_dead.load(Ordering::SeqCst));
        windows += usize::from(!lost.is_empty());
        for id in lost {
            *in_window.entry(id).or_default() += 1;
        }
        scene.world.clock.advance_seconds(9);
    }
    assert_eq!(events.len(), 5_000);
    for _ in 0..40 {
        scene.mortal_run(Killer::at(i64::MAX, false)).await;
        scene.world.clock.advance_seconds(60);
    }
    let left = scene.left().await;
    assert!(left.is_empty(), "{left:#?}");

    let heard = scene.post.heard();
    let expected: BTreeSet<(String, String)> = events
        .iter()
        .flat_map(|event| {
            alerts
                .iter()
                .filter(|alert| alert.hears(event))
                .map(|alert| (alert.name.clone(), event.message.clone()))
        })
        .collect();
    let missed: Vec<_> = expected
        .iter()
        .filter(|pair| !heard.contains_key(*pair))
        .collect();
    assert!(missed.is_empty(), "{} missed: {missed:?}", missed.len());
    assert_eq!(
        heard.len(),
        expected.len(),
        "nobody hears what he did not ask for"
    );
    let repeated: Vec<_> = heard.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(repeated.is_empty(), "in two mails: {repeated:?}");
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for mail in scene.post.mails() {
        *sent.entry(mail.message_id).or_default() += 1;
    }
    for (id, times) in &sent {
        assert!(
            *times <= 1 + in_window.get(id).copied().unwrap_or_default(),
            "{id} came {times} times"
        );
    }
    let again: usize = sent.values().map(|times| times - 1).sum();
    eprintln!(
        "{RUNS} runs, {twice} of them fired twice, {kills} died; {} events, {} matches, {} mails; \
        {windows} runs died between the service's acceptance and our record, which repeated \
        {again} mails",
        events.len(),
        expected.len(),
        sent.len()
    );
    assert!(
        kills > RUNS / 2 && twice > RUNS / 5 && windows > 0,
        "the simulation simulates nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_dies_between_acceptance_and_record_repeats_its_mail_once() {
    let scene = Scene::new(1).await;
    scene.add(&scene.alert("Down", Some(scene.apps[0]))).await;
    let mut died = None;
    for call in 0..40 {
        scene.tell_crashes(0, 1, "crash").await;
        if !scene.mortal_run(Killer::at(call, false)).await.is_empty() {
            died = Some(call);
            break;
        }
        scene.settle().await;
        assert_eq!(scene.post.mails().len(), 1, "it died elsewhere");
        scene.post.empty();
    }
    assert!(died.is_some(), "no call is behind the mail");
    assert_eq!(scene.post.mails().len(), 1);
    scene.world.clock.advance_seconds(LEASE_SECONDS - 10);
    scene.world.evaluate().await.unwrap();
    assert_eq!(scene.post.mails().len(), 1, "the lease still holds");
    scene.settle().await;
    let mails = scene.post.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].message_id, mails[1].message_id);
    assert_eq!(
        (&mails[0].subject, &mails[0].text, &mails[0].html),
        (&mails[1].subject, &mails[1].text, &mails[1].html)
    );
}

// ---- What it costs

#[tokio::test(flavor = "multi_thread")]
async fn stored_events_cost_nothing() {
    let scene = Scene::new(2).await;
    scene.add(&scene.alert("Down", Some(scene.apps[0]))).await;
    scene.add(&scene.alert("Anything", None)).await;
    let (mut stored, mut counts) = (0, Vec::new());
    for count in [100, 10_000, 100_000] {
        let old = (stored..count).map(|number| {
            let at = scene
                .world
                .clock
                .now()
                .plus_seconds(-3_600 - i64::from(number));
            let event = Event {
                at,
                happened: at,
                ..scene.event(0, "CRASHED", "old")
            };
            let key = keys::event(
                scene.tenant.tenant_id,
                event.app,
                None,
                event.at,
                &event.guid,
            );
            match record::put(key, &event, Condition::Always).unwrap() {
                Write::Put(item, _) => item,
                other => panic!("{other:?}"),
            }
        });
        scene.world.import(old.collect()).await;
        stored = count;
        scene.tell_crashes(0, 10, "new").await;
        scene.world.counting.take();
        let done = scene.world.evaluate().await.unwrap();
        assert_eq!((done.events, done.notifications, done.mails), (10, 2, 2));
        let seen = scene.world.counting.take();
        eprintln!(
            "{count} stored events, 10 new ones: {} calls, {} deep, {} items",
            seen.calls, seen.depth, seen.items
        );
        counts.push((seen.calls, seen.items));
    }
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    scene.world.counting.take();
    assert_eq!(
        scene.world.evaluate().await.unwrap(),
        alert_evaluation::Done::default()
    );
    let idle = scene.world.counting.take();
    assert_eq!((idle.calls, idle.items), (18, 0), "a minute without events");
}

// ---- Storms

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_events_come_in_one_mail() {
    let scene = Scene::new(1).await;
    scene.add(&scene.alert("Down", Some(scene.apps[0]))).await;
    scene.tell_crashes(0, 700, "crash").await;
    scene.world.counting.take();
    let done = scene.world.evaluate().await.unwrap();
    assert_eq!((done.events, done.notifications, done.mails), (700, 1, 1));
    let calls = scene.world.counting.take().calls;
    assert!(calls <= 35, "{calls} calls");
    let mails = scene.post.mails();
    let (alert, messages) = said(&mails[0]);
    assert_eq!(
        (alert.as_str(), messages.len(), mails.len()),
        ("Down", LISTED_EVENTS, 1)
    );
    assert!(
        mails[0].subject.ends_with(" - 700 events"),
        "{}",
        mails[0].subject
    );
    assert!(mails[0].text.contains("and 200 more") && mails[0].html.contains("and 200 more"));
    assert_eq!(mails[0].html.matches("crash ").count(), LISTED_EVENTS);
    let stored = scene.notifications().await;
    assert_eq!(
        (
            stored.len(),
            stored[0].events.len(),
            stored[0].more,
            stored[0].delivery
        ),
        (1, LISTED_EVENTS, 200, Delivery::Sent)
    );
    scene.settle().await;
    assert_eq!(scene.post.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_do_not_make_a_notification_too_large() {
    let scene = Scene::new(1).await;
    scene.add(&scene.alert("Down", Some(scene.apps[0]))).await;
    let large = |number: usize| {
        scene
            .event(
                0,
                "CRASHED",
                &format!("large {number:02} {}", "\u{1F4A5}\"".repeat(5_000)),
            )
            .with("dump", "x".repeat(40_000))
    };
    for number in 0..60 {
        scene.tell(&[large(number)]).await;
    }
    let medium: Vec<Event> = (0..150)
        .map(|number| {
            scene.event(
                0,
                "CRASHED",
                &format!("medium {number:03} {}", "y".repeat(4_000)),
            )
        })
        .collect();
    for chunk in medium.chunks(10) {
        scene.tell(chunk).await;
    }
    scene.settle().await;
    let stored = scene.notifications().await;
    let counted: usize = stored
        .iter()
        .map(|notification| notification.events.len() + usize::try_from(notification.more).unwrap())
        .sum();
    assert_eq!((counted, scene.post.mails().len()), (210, 1));
    assert!(serde_json::to_string(&stored[0]).unwrap().len() < 350_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_heard_by_very_many() {
    let scene = Scene::new(1).await;
    for number in 0..75 {
        scene
            .add(&scene.alert(&format!("Of the app {number}"), Some(scene.apps[0])))
            .await;
        scene
            .add(&scene.alert(&format!("Of all {number}"), None))
            .await;
    }
    scene.tell_crashes(0, 1, "first").await;
    let done = scene.world.evaluate().await.unwrap();
    assert_eq!((done.events, done.notifications, done.mails), (1, 150, 150));
    scene.post.empty();
    scene.tell_crashes(0, 55, "more").await;
    scene.settle().await;
    let heard = scene.post.heard();
    assert_eq!(heard.len(), 150 * 55);
    assert!(heard.values().all(|ids| ids.len() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_taking_one_event_while_runs_die() {
    let scene = Scene::new(1).await;
    for number in 0..120 {
        scene
            .add(&scene.alert(&format!("Alert {number}"), None))
            .await;
    }
    scene.tell_crashes(0, 3, "crash").await;
    for call in 17..26 {
        for after in [false, true] {
            scene.mortal_run(Killer::at(call, after)).await;
        }
    }
    scene.settle().await;
    let heard = scene.post.heard();
    assert_eq!(heard.len(), 3 * 120);
    assert!(heard.values().all(|ids| ids.len() == 1), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_transaction_reach_the_alerts_of_each_app() {
    let scene = Scene::new(40).await;
    for number in 0..3 {
        scene
            .add(&scene.alert(&format!("Of all {number}"), None))
            .await;
    }
    scene.add(&scene.alert("Of one", Some(scene.apps[7]))).await;
    let events: Vec<Event> = (0..40)
        .map(|app| scene.event(app, "DELETED", &format!("deleted {app:02}")))
        .collect();
    scene
        .world
        .plain
        .table
        .write(event::record_writes(scene.tenant.tenant_id, events).unwrap())
        .await
        .unwrap();
    let done = scene.world.evaluate().await.unwrap();
    assert_eq!(
        (done.events, done.notifications, done.mails),
        (40, 121, 121)
    );
    assert!(
        scene
            .post
            .mails()
            .iter()
            .all(|mail| said(mail).1.len() == 1),
        "a mail per app"
    );
    scene.settle().await;
    assert_eq!(scene.post.mails().len(), 121);
}

// ---- Who hears

#[tokio::test(flavor = "multi_thread")]
async fn alerts_hear_of_what_they_ask_for() {
    let scene = Scene::new(2).await;
    let of_all = scene.alert("Of all", None);
    let of_one = scene.alert("Of one", Some(scene.apps[0]));
    let live = Alert {
        env: "live".parse().unwrap(),
        ..scene.alert("Live", Some(scene.apps[0]))
    };
    let off = Alert {
        enabled: false,
        ..scene.alert("Off", None)
    };
    let fatal = Alert {
        severities: vec![Severity::Fatal],
        ..scene.alert("Fatal", None)
    };
    for alert in [&of_all, &of_one, &live, &off, &fatal] {
        scene.add(alert).await;
    }
    let in_env = |event: Event, env: &str| event.in_environment(env.parse().unwrap());
    scene
        .tell(&[
            scene.event(0, "CRASHED", "a"),
            in_env(scene.event(0, "CRASHED", "b"), "live"),
            in_env(scene.event(1, "TERMINATED", "c"), "dev"),
            scene.event(1, "DOWNLOAD_SPIKE", "only for those who name it"),
        ])
        .await;
    scene.world.evaluate().await.unwrap();
    let pair = |alert: &str, message: &str| (alert.to_owned(), message.to_owned());
    let expected = [
        pair("Fatal", "c"),
        pair("Live", "a"),
        pair("Live", "b"),
        pair("Of all", "a"),
        pair("Of all", "c"),
        pair("Of one", "a"),
    ];
    assert_eq!(scene.post.heard().into_keys().collect::<Vec<_>>(), expected);
    assert_eq!(
        scene.post.mails().len(),
        5,
        "an alert of all apps mails one digest per app"
    );
    // What is switched off or removed before the run hears nothing.
    scene.post.empty();
    scene.tell_crashes(0, 1, "later").await;
    scene
        .add(&Alert {
            enabled: false,
            ..of_all.clone()
        })
        .await;
    let gone = Write::Delete(
        keys::alert(scene.tenant.tenant_id, of_one.app, &of_one.guid),
        Condition::Present,
    );
    scene.world.plain.table.write(vec![gone]).await.unwrap();
    scene.settle().await;
    assert_eq!(
        scene.post.heard().into_keys().collect::<Vec<_>>(),
        [pair("Live", "later 0000")]
    );
    // Another tenant's alerts hear nothing of it.
    let other = scene.world.tenant("other").await;
    let alien = scene.alert("Alien", None);
    scene
        .world
        .plain
        .table
        .write(vec![
            record::create(keys::alert(other.tenant_id, None, &alien.guid), &alien).unwrap(),
        ])
        .await
        .unwrap();
    scene.post.empty();
    scene.tell_crashes(1, 1, "ours").await;
    scene.settle().await;
    assert!(scene.post.mails().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_event_is_mailed_on_its_own() {
    let scene = Scene::new(1).await;
    scene.add(&scene.alert("Down", Some(scene.apps[0]))).await;
    let late = scene.event(0, "CRASHED", "late");
    scene.world.clock.advance_seconds(3_600);
    scene.tell_crashes(0, 1, "in time").await;
    scene.world.evaluate().await.unwrap();
    scene.tell(&[late]).await;
    scene.world.evaluate().await.unwrap();
    let said: Vec<_> = scene.post.mails().iter().map(|mail| said(mail).1).collect();
    assert_eq!(
        said,
        [vec!["in time 0000".to_owned()], vec!["late".to_owned()]]
    );
    assert!(scene.left().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_once_do_it_once() {
    let scene = Scene::new(3).await;
    for number in 0..4 {
        scene
            .add(&scene.alert(
                &format!("Alert {number}"),
                (number > 0).then(|| scene.apps[number - 1]),
            ))
            .await;
    }
    for app in 0..3 {
        scene.tell_crashes(app, 80, &format!("app {app}")).await;
    }
    let runs = futures_util::future::join_all((0..8).map(|_| scene.world.evaluate())).await;
    let done: usize = runs.into_iter().map(|done| done.unwrap().events).sum();
    assert_eq!(done, 240, "each is taken once");
    let heard = scene.post.heard();
    assert_eq!(heard.len(), 2 * 240);
    assert!(heard.values().all(|ids| ids.len() == 1), "{heard:?}");
    let mails = scene.post.mails().len();
    scene.settle().await;
    assert_eq!(scene.post.mails().len(), mails);
}

// ---- What goes wrong

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_the_store_at_every_call() {
    let scene = Scene::new(2).await;
    scene.add(&scene.alert("Of all", None)).await;
    scene.add(&scene.alert("Of one", Some(scene.apps[0]))).await;
    for fault in Fault::PASSING {
        let mut call = 0;
        loop {
            scene.post.empty();
            // One mail is due from before, one waits.
            scene.post.is_closed.store(true, Ordering::SeqCst);
            scene.tell_crashes(0, 1, "before").await;
            alert_evaluation::handle(scene.world.plain.clone(), Value::Null)
                .await
                .unwrap();
            scene.post.is_closed.store(false, Ordering::SeqCst);
            scene.world.clock.advance_seconds(61);
            scene.tell_crashes(0, 2, "crash").await;
            scene.tell_crashes(1, 1, "other").await;
            scene.world.failing.fail(call, fault);
            let outcome = scene.world.evaluate().await;
            let happened = scene.world.failing.heal();
            if let Err(error) = outcome {
                assert!(happened, "{error}");
            }
            scene.settle().await;
            let heard = scene.post.heard();
            assert_eq!(heard.len(), 2 * 3 + 1, "{fault:?} at {call}: {heard:?}");
            assert_eq!(
                scene
                    .post
                    .mails()
                    .iter()
                    .map(|mail| said(mail).1.len())
                    .sum::<usize>(),
                2 * 3 + 1,
                "{fault:?} at {call} repeats a mail"
            );
            if !happened {
                break;
            }
            call += 1;
        }
        assert!(call > 20, "{call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_is_refused_is_tried_again_for_a_day() {
    let scene = Scene::new(1).await;
    scene.add(&scene.alert("Down", Some(scene.apps[0]))).await;
    scene.post.is_closed.store(true, Ordering::SeqCst);
    scene.tell_crashes(0, 1, "crash").await;
    // Three hours, a run a minute: tries after 0, 1, 3, 7, 15, 31, 63, 123 and 183 minutes.
    let mut failed = Vec::new();
    for minute in 0..190 {
        let done = scene.world.evaluate().await.unwrap();
        if done.failed > 0 {
            failed.push(minute);
        }
        assert!(undelivered(&scene.world.snapshot().await).is_empty() || minute % 10 != 0);
        scene.world.clock.advance_seconds(60);
    }
    assert_eq!(failed.len(), 9, "{failed:?}");
    for (at, expected) in [0, 1, 3, 7, 15, 31, 63, 123, 183].into_iter().enumerate() {
        assert!(
            (expected..=expected + 9).contains(&failed[at]),
            "{failed:?}"
        );
    }
    let stored = scene.notifications().await;
    assert_eq!(
        (
            stored[0].delivery,
            stored[0].tries,
            stored[0].error.as_deref()
        ),
        (Delivery::Waiting, 9, Some("Sending is paused"))
    );
    // It heals: the mail comes once, and says nothing of what went before.
    scene.post.is_closed.store(false, Ordering::SeqCst);
    scene.settle().await;
    assert_eq!(scene.post.mails().len(), 1);
    let stored = scene.notifications().await;
    assert_eq!(
        (
            stored[0].delivery,
            stored[0].tries,
            stored[0].error.as_deref()
        ),
        (Delivery::Sent, 10, None)
    );
    // Another one is given up after a day, and the run that does so fails, for its alarm to ring.
    scene.post.is_closed.store(true, Ordering::SeqCst);
    scene.tell_crashes(0, 1, "another").await;
    let mut ended = 0;
    for _ in 0..30 {
        ended += usize::from(scene.world.evaluate().await.is_err());
        scene.world.clock.advance_seconds(GIVE_UP_SECONDS / 20);
    }
    assert_eq!(ended, 1);
    assert!(scene.left().await.is_empty());
    let given_up = scene
        .notifications()
        .await
        .into_iter()
        .find(|notification| notification.delivery == Delivery::Failed)
        .unwrap();
    assert_eq!(given_up.error.as_deref(), Some("Sending is paused"));
    assert_eq!(scene.post.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_task_keeps_when_it_ran_last_and_what_it_did() {
    let scene = Scene::new(1).await;
    scene.add(&scene.alert("Down", Some(scene.apps[0]))).await;
    scene.tell_crashes(0, 2, "crash").await;
    let first = scene.world.clock.now();
    scene.world.evaluate().await.unwrap();
    scene.world.keep_house().await;
    let run = scene.last_run("alert-evaluation").await;
    assert!(run.started >= first && run.ended >= run.started, "{run:?}");
    let counts: Vec<(&str, u64)> = run.counts.iter().map(|(of, n)| (of.as_str(), *n)).collect();
    assert_eq!(
        counts,
        [
            ("events", 2),
            ("failed", 0),
            ("given_up", 0),
            ("mails", 1),
            ("notifications", 1)
        ]
    );
    assert_eq!(run.failure, None);
    let look = scene.last_run("download-spikes").await;
    assert_eq!((look.counts["spikes"], look.failure), (0, None));
    let house = scene.last_run("housekeeping").await;
    assert!(house.started >= first && house.counts.values().all(|count| *count == 0));
    // The next run's record takes the place of this one.
    scene.world.clock.advance_seconds(60);
    scene.world.evaluate().await.unwrap();
    let next = scene.last_run("alert-evaluation").await;
    assert!(next.started >= first.plus_seconds(60), "{next:?}");
    assert_eq!(next.counts["events"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_without_a_sender_keeps_the_reason() {
    let scene = Scene::new(1).await;
    scene.add(&scene.alert("Down", Some(scene.apps[0]))).await;
    scene.tell_crashes(0, 1, "crash").await;
    let plain = &scene.world.plain;
    let without = Context::new(
        Arc::clone(&plain.table),
        Arc::clone(&plain.clock),
        plain.settings.clone(),
    );
    let done = alert_evaluation::handle(without, Value::Null)
        .await
        .unwrap();
    assert_eq!((done.notifications, done.mails, done.failed), (1, 0, 1));
    let stored = scene.notifications().await;
    assert!(
        stored[0].error.as_deref().unwrap().contains("MailFrom"),
        "{stored:?}"
    );
    scene.settle().await;
    assert_eq!(
        scene.post.mails().len(),
        1,
        "as soon as there is one it is mailed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_stops_nothing_else() {
    let scene = Scene::new(2).await;
    scene.add(&scene.alert("Down", None)).await;
    let now = scene.world.clock.now();
    let mut broken = Vec::new();
    for number in 0..40 {
        let pending = Pending {
            tenant_id: scene.tenant.tenant_id,
            events: Vec::new(),
            taken: Vec::new(),
        };
        let Write::Put(mut item, _) = record::create(
            keys::pending_event(now, scene.tenant.tenant_id, &Guid::random()),
            &pending,
        )
        .unwrap() else {
            panic!()
        };
        if number % 2 == 0 {
            item.body = "{".to_owned();
        } else {
            item.schema = 99;
        }
        broken.push(Write::Put(item, Condition::Absent));
        let due = DueMail {
            tenant_id: scene.tenant.tenant_id,
            app: scene.apps[0],
            env: "dev".parse().unwrap(),
            created: now,
            notification: Guid::random(),
            more: 0,
        };
        let Write::Put(mut item, _) =
            record::create(keys::due_mail(now, &due.notification), &due).unwrap()
        else {
            panic!()
        };
        item.schema = 99;
        broken.push(Write::Put(item, Condition::Absent));
    }
    scene.world.plain.table.write(broken).await.unwrap();
    scene.tell_crashes(0, 3, "crash").await;
    let error = scene.world.evaluate().await;
    let error = error.expect_err("the alarm must ring");
    let run = scene.last_run("alert-evaluation").await;
    assert_eq!(run.failure, Some(error.message));
    assert_eq!((run.counts["events"], run.counts["mails"]), (3, 1));
    assert_eq!(scene.post.heard().len(), 3);
    assert_eq!(scene.post.mails().len(), 1);
    assert_eq!(
        scene
            .left()
            .await
            .iter()
            .filter(|line| line.starts_with("PENDING#"))
            .count(),
        40,
        "what cannot be read stays for a version that can"
    );
    // An alert that cannot be read, too.
    scene.post.empty();
    let mut write = record::create(
        keys::alert(scene.tenant.tenant_id, None, &Guid::random()),
        &scene.alert("Newer", None),
    )
    .unwrap();
    if let Write::Put(item, _) = &mut write {
        item.schema = 99;
    }
    scene.world.plain.table.write(vec![write]).await.unwrap();
    scene.tell_crashes(1, 1, "again").await;
    assert!(scene.world.evaluate().await.is_err());
    assert_eq!(scene.post.heard().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_notification_is_gone_or_done_is_not_due() {
    let scene = Scene::new(1).await;
    scene.add(&scene.alert("Down", None)).await;
    scene.tell_crashes(0, 1, "crash").await;
    scene.world.evaluate().await.unwrap();
    let sent = scene.notifications().await.remove(0);
    let now = scene.world.clock.now();
    let due = |created| DueMail {
        tenant_id: scene.tenant.tenant_id,
        app: sent.app,
        env: sent.env.clone(),
        created,
        notification: sent.guid.clone(),
        more: 0,
    };
    let done = record::create(keys::due_mail(now, &sent.guid), &due(sent.created)).unwrap();
    let gone = record::create(keys::due_mail(now.plus_seconds(-1), &sent.guid), &due(now)).unwrap();
    scene
        .world
        .plain
        .table
        .write(vec![done, gone])
        .await
        .unwrap();
    assert_eq!(
        undelivered(&scene.world.snapshot().await).len(),
        2,
        "the invariant sees it"
    );
    scene.settle().await;
    assert_eq!(scene.post.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_from_outside_stay_names() {
    let scene = Scene::new(1).await;
    let attack = "x\r\nBcc: evil@example.net\r\n\r\n<script>alert(1)</script>";
    scene.add(&scene.alert(attack, Some(scene.apps[0]))).await;
    let mut event = scene.event(0, "CRASHED", attack);
    event.app_name = attack.to_owned();
    event.by = attack.to_owned();
    scene
        .tell(&[event.with(attack, json!({ attack: [attack] }))])
        .await;
    scene.world.evaluate().await.unwrap();
    let mail = scene.post.mails().remove(0);
    assert_eq!(mail.recipients(), ["ops@example.com", "night@example.com"]);
    assert!(
        !mail.subject.contains(['\r', '\n'])
            && mail.subject.ends_with(&format!("({})", scene.apps[0])),
        "{}",
        mail.subject
    );
    assert!(
        !mail.html.contains("<script") && mail.html.contains("&#60;script&#62;"),
        "{}",
        mail.html
    );
    assert!(mail.text.contains("<script>alert(1)</script>"));
    let mime = String::from_utf8(
        mail.mime(&shared::services::mail::sender("store@example.com").unwrap())
            .unwrap(),
    )
    .unwrap();
    let headers = mime.split("\r\n\r\n").next().unwrap();
    assert!(
        !headers.lines().any(|line| line.starts_with("Bcc")),
        "{headers}"
    );
    assert!(
        headers.contains("X-Appdepot-Notification: ") && headers.contains("multipart/alternative"),
        "{headers}"
    );
}

// ---- One tenant and the others

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_events_storm_keeps_nobody_waiting() {
    let mut scene = Scene::new(1).await;
    // What waits stands in the order of the tenants' handles: there are some on both sides of the
    // storm.
    let mut names = ["acme", "bolt", "crux", "dune", "echo", "flux", "gale"];
    names.sort_by_key(|name| TenantId::of_name(name).to_string());
    let storming = names[3];
    scene.tenant = scene.world.tenant(storming).await;
    scene.add(&scene.alert("storm", None)).await;
    // More than a run takes, and older than what the others have.
    scene.tell_crashes(0, 6_500, "storm").await;
    scene.world.clock.advance_seconds(60);
    let others: Vec<&str> = names.into_iter().filter(|name| *name != storming).collect();
    for name in &others {
        scene.tenant = scene.world.tenant(name).await;
        scene.add(&scene.alert(name, None)).await;
        scene.tell(&[scene.event(0, "CRASHED", name)]).await;
    }
    scene.world.evaluate().await.unwrap();
    let heard = scene.post.heard();
    for name in others {
        assert!(
            heard.contains_key(&(name.to_owned(), name.to_owned())),
            "{name}: {:?}",
            heard
                .keys()
                .filter(|(alert, _)| alert != "storm")
                .collect::<Vec<_>>()
        );
    }
    scene.settle().await;
}

/// A download as the log has it, for an app of the scene.
fn download(scene: &Scene, at: Timestamp) -> Vec<Write> {
    let guid = Guid::random();
    let row = LogRow {
        guid: guid.clone(),
        at,
        cuid: String::new(),
        address: "192.0.2.1".to_owned(),
        binary: scene.apps[0].binary(BinaryType::Android),
        version: 1,
        title: "App 0".to_owned(),
        user: Guid::random(),
        username: "anna".to_owned(),
    };
    let copies = [LogOf::All, LogOf::Item(scene.apps[0])];
    copies
        .map(|of| {
            record::put(
                keys::log_row(scene.tenant.tenant_id, of, at, &guid),
                &row,
                Condition::Always,
            )
            .unwrap()
        })
        .into()
}

async fn downloads(scene: &Scene, count: usize, at: Timestamp) {
    for chunk in (0..count).collect::<Vec<_>>().chunks(40) {
        let writes = chunk.iter().flat_map(|_| download(scene, at)).collect();
        scene.world.plain.table.write(writes).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_spike_is_told_once_to_those_who_asked() {
    let mut scene = Scene::new(1).await;
    let app = scene
        .world
        .make_app(&scene.tenant, AppKind::Mobile, "App 0")
        .await;
    scene.apps[0] = app;
    let mut asking = scene.alert("spikes", None);
    asking.names = vec![spike_watch::NAME.to_owned()];
    asking.severities.clear();
    scene.add(&asking).await;
    scene.add(&scene.alert("all else", None)).await;
    let asked = spike_watch::watch_writes(scene.tenant.tenant_id, None, Some(&asking)).unwrap();
    scene.world.plain.table.write(asked).await.unwrap();
    let now = scene.world.clock.now();
    let look = async |scene: &Scene| {
        for _ in 0..3 {
            scene.world.evaluate().await.unwrap();
        }
        scene
            .post
            .heard()
            .keys()
            .filter(|(_, message)| message.contains("downloaded"))
            .cloned()
            .collect::<Vec<_>>()
    };
    downloads(&scene, 49, now.plus_seconds(-600)).await;
    assert!(look(&scene).await.is_empty(), "too few");
    downloads(&scene, 31, now.plus_seconds(-300)).await;
    let heard = look(&scene).await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].0, "spikes");
    assert!(heard[0].1.contains("80 times"), "{heard:?}");
    // Not again within six hours.
    downloads(&scene, 200, now.plus_seconds(-200)).await;
    assert_eq!(look(&scene).await.len(), 1);
    // What is usual is no spike: as many in each hour of the week before.
    scene.world.clock.advance_seconds(7 * 24 * 3_600);
    let now = scene.world.clock.now();
    for hour in 2..=168 {
        downloads(&scene, 12, now.plus_seconds(-3_600 * hour)).await;
    }
    downloads(&scene, 59, now.plus_seconds(-60)).await;
    assert_eq!(
        look(&scene).await.len(),
        1,
        "59 are less than five times 12"
    );
    scene.world.clock.advance_seconds(601);
    downloads(&scene, 60, scene.world.clock.now()).await;
    assert_eq!(look(&scene).await.len(), 2, "119 are more");
}

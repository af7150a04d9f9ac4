//! What expires is told: 30, 14 and 3 days before the end of an app's profile, its certificates,
//! and the signature it got here.

use appdepot_tests::consistency::of_tenant;
use appdepot_tests::{TestTenant, World};
use package_reader::testing::{Ipa, ProfileKind};
use serde_json::{Value, json};
use shared::base::clock::{Clock as _, Timestamp};
use shared::base::id::{AppId, BinaryType};
use shared::domain::events::expiry;
use shared::model::apps::app::Binary;
use shared::model::events::event::{Event, EventGroup, Pending};
use shared::model::task::{Task, Watched};
use shared::store::keys;
use shared::store::record::{Reader, Record};

const ADMIN: &str = "/box/srv/1.1/admin";

const DAY: i64 = 24 * 3_600;

struct Stage {
    world: World,
    tenant: TestTenant,
    app: String,
    begun: Timestamp,
}

impl Stage {
    async fn new() -> Self {
        let (world, tenant) = World::new().await;
        let made = world
            .post(
                &tenant.cookie,
                &format!("{ADMIN}/storeitem/create"),
                json!({"name": "Field Notes"}),
            )
            .await;
        let begun = world.clock.now();
        Self {
            app: made["guid"].as_str().unwrap().to_owned(),
            world,
            tenant,
            begun,
        }
    }

    /// The moment so many days and seconds after the beginning.
    fn after(&self, days: i64, seconds: i64) -> Timestamp {
        self.begun.plus_seconds(days * DAY + seconds)
    }

    /// Uploads an IPA whose profile expires in so many days, and whose certificates do.
    async fn upload(&self, profile: i64, certificates: &[i64]) {
        let at = |days: &i64| u64::try_from(self.after(*days, 0).seconds()).unwrap();
        let certificates: Vec<u64> = certificates.iter().map(at).collect();
        let ipa = Ipa {
            profile: Some((ProfileKind::Enterprise, 0, at(&profile))),
            certificates,
            ..Ipa::default()
        };
        let answer = self
            .world
            .upload(&self.tenant.cookie, &self.app, "ios", &ipa.build())
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.world.quiet().await;
    }

    /// Moves the clock to so many days and seconds after the beginning.
    fn move_to(&self, days: i64, seconds: i64) {
        let to = self.after(days, seconds).seconds();
        let from = self.world.clock.now().seconds();
        assert!(to >= from, "the clock goes forward");
        self.world.clock.advance_seconds(to - from);
    }

    async fn all<R: Record>(&self) -> Vec<R> {
        let snapshot = of_tenant(&self.world.snapshot().await, self.tenant.tenant_id);
        let of_kind = snapshot
            .values()
            .filter(|item| item["kind"]["S"] == R::KIND);
        of_kind
            .map(|item| serde_json::from_str(item["d"]["S"].as_str().unwrap()).unwrap())
            .collect()
    }

    async fn warnings(&self) -> Vec<Event> {
        let mut events: Vec<Event> = self
            .all::<Event>()
            .await
            .into_iter()
            .filter(|event| event.name.ends_with("_EXPIRES"))
            .collect();
        events.sort_by_key(|event| event.at);
        events
    }

    async fn chores(&self) -> Vec<Watched> {
        let tasks = self.all::<Task>().await;
        tasks
            .into_iter()
            .filter_map(|task| {
                if let Task::Expiry(watched) = task {
                    Some(watched)
                } else {
                    None
                }
            })
            .collect()
    }

    /// Runs housekeeping, and gives the names and days of what it told.
    async fn told(&self) -> Vec<(String, i64)> {
        let before = self.warnings().await;
        let done = self.world.keep_house().await;
        let mut new = self.warnings().await;
        new.retain(|event| !before.contains(event));
        assert_eq!(done.warnings, new.len());
        let mut told: Vec<(String, i64)> = new
            .into_iter()
            .map(|event| (event.name, event.details["daysLeft"].as_i64().unwrap()))
            .collect();
        told.sort();
        told
    }
}

fn warned(name: &str, days: i64) -> Vec<(String, i64)> {
    vec![(format!("{name}_EXPIRES"), days)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_told_of_30_14_and_3_days_before_its_end() {
    let stage = Stage::new().await;
    stage.upload(100, &[]).await;
    assert_eq!(stage.told().await, []);
    for (day, left) in [(70, 30), (86, 14), (97, 3)] {
        stage.move_to(day, -60);
        assert_eq!(stage.told().await, [], "a minute too early");
        assert_eq!(stage.chores().await.len(), 1, "one chore at a time");
        stage.move_to(day, 0);
        assert_eq!(stage.told().await, warned("PROFILE", left));
        assert_eq!(stage.told().await, [], "once");
    }
    assert_eq!(stage.chores().await, []);
    stage.move_to(101, 0);
    assert_eq!(stage.told().await, []);

    let warnings = stage.warnings().await;
    let last = &warnings[2];
    let ends = stage.after(100, 0).rfc3339();
    assert_eq!(
        last.message,
        format!("The provisioning profile of version 1 (1.0) expires in 3 days, on {ends}")
    );
    assert_eq!(
        Value::Object(last.details.clone()),
        json!({"type": "ios", "version": 1, "expires": ends, "daysLeft": 3})
    );
    assert_eq!(
        (
            last.app_name.as_str(),
            last.by.as_str(),
            last.env.as_ref(),
            last.group
        ),
        ("Field Notes", "System", None, EventGroup::Notification)
    );
    assert_eq!(
        (
            last.category.as_str(),
            last.severity.as_str(),
            last.finer.as_deref()
        ),
        ("APP_STATE", "WARN", None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_certificate_to_end_is_told_of_beside_the_profile() {
    let stage = Stage::new().await;
    stage.upload(100, &[300, 50, 90]).await;
    stage.move_to(20, 0);
    assert_eq!(stage.told().await, warned("CERTIFICATE", 30));
    stage.move_to(36, 0);
    assert_eq!(stage.told().await, warned("CERTIFICATE", 14));
    stage.move_to(70, 0);
    // The last warning of the certificate was due long ago: it says how it stands.
    assert_eq!(
        stage.told().await,
        [warned("CERTIFICATE", 0), warned("PROFILE", 30)].concat()
    );
    let ends = stage.after(50, 0).rfc3339();
    let said: Vec<String> = stage
        .warnings()
        .await
        .into_iter()
        .map(|event| event.message)
        .collect();
    assert!(
        said.contains(&format!(
            "The signing certificate of version 1 (1.0) expired on {ends}"
        )),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_soon_when_it_comes_is_told_at_once_for_the_nearest_day_alone() {
    // In so many days it ends, so many are told of at once, and what comes after.
    let cases: [(i64, Option<i64>, &[i64]); 7] = [
        (31, None, &[30, 14, 3]),
        (30, Some(30), &[14, 3]),
        (20, Some(20), &[14, 3]),
        (14, Some(14), &[3]),
        (5, Some(5), &[3]),
        (2, Some(2), &[]),
        (-9, Some(0), &[]),
    ];
    for (ends, at_once, later) in cases {
        let stage = Stage::new().await;
        stage.upload(ends, &[]).await;
        let expected = at_once
            .map(|days| warned("PROFILE", days))
            .unwrap_or_default();
        assert_eq!(stage.told().await, expected, "{ends}");
        assert_eq!(stage.told().await, [], "{ends}: once");
        for days in later {
            stage.move_to(ends - days, 0);
            assert_eq!(stage.told().await, warned("PROFILE", *days), "{ends}");
        }
        assert_eq!(stage.chores().await, [], "{ends}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_run_tells_once_how_it_stands() {
    let stage = Stage::new().await;
    stage.upload(100, &[]).await;
    // Housekeeping was not there for the first two.
    stage.move_to(90, 0);
    assert_eq!(stage.told().await, warned("PROFILE", 10));
    stage.move_to(97, 0);
    assert_eq!(stage.told().await, warned("PROFILE", 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_live_version_of_an_app_that_is_there_is_told_of() {
    let stage = Stage::new().await;
    stage.upload(40, &[]).await;
    stage.upload(200, &[]).await;
    stage.move_to(10, 0);
    assert_eq!(
        stage.told().await,
        [],
        "version 1 is not handed out any more"
    );
    assert_eq!(stage.chores().await.len(), 2, "it may be taken back");
    stage.move_to(170, 0);
    assert_eq!(stage.told().await, warned("PROFILE", 30));
    assert_eq!(stage.warnings().await[0].details["version"], 2);

    let cookie = stage.world.sign_in(&stage.tenant.domain, "admin").await;
    stage
        .world
        .post(
            &cookie,
            &format!("{ADMIN}/storeitem/delete"),
            json!({"guid": stage.app}),
        )
        .await;
    stage.move_to(186, 0);
    assert_eq!(stage.told().await, [], "the app was deleted");
    assert_eq!(stage.chores().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_that_say_nothing_of_an_end_are_not_watched() {
    let stage = Stage::new().await;
    let apk = package_reader::testing::Apk::default().build();
    assert_eq!(
        stage
            .world
            .upload(&stage.tenant.cookie, &stage.app, "android", &apk)
            .await
            .status,
        200
    );
    let bare = Ipa {
        profile: None,
        ..Ipa::default()
    };
    assert_eq!(
        stage
            .world
            .upload(&stage.tenant.cookie, &stage.app, "ios", &bare.build())
            .await
            .status,
        200
    );
    stage.world.quiet().await;
    assert_eq!(stage.chores().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_once_tell_once() {
    let stage = Stage::new().await;
    stage.upload(100, &[]).await;
    stage.move_to(70, 0);
    appdepot_tests::all((0..8).map(|_| stage.world.keep_house())).await;
    let warnings = stage.warnings().await;
    assert_eq!(warnings.len(), 1);
    assert_eq!(stage.chores().await.len(), 1);
    let waiting: Vec<Event> = stage
        .all::<Pending>()
        .await
        .into_iter()
        .flat_map(|pending| pending.events)
        .collect();
    assert_eq!(
        waiting
            .iter()
            .filter(|event| event.guid == warnings[0].guid)
            .count(),
        1,
        "it is held against the alerts once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_was_made_here_counts_instead_of_the_uploads_own() {
    let stage = Stage::new().await;
    stage.upload(60, &[]).await;
    let id: AppId = stage.app.parse().unwrap();
    let (tenant_id, now) = (stage.tenant.tenant_id, stage.world.clock.now());
    let version = stage.chores().await[0].version.clone();
    // Signed twice by the same credential, and the first time by another: the tasks of all three
    // are there.
    let ends = stage.after(50, 0);
    for (signer, ends) in [("bb", stage.after(45, 0)), ("aa", ends), ("aa", ends)] {
        let write = expiry::watch_signed(
            tenant_id,
            id.binary(BinaryType::Ios),
            &version,
            signer,
            ends,
            now,
        )
        .unwrap();
        stage.world.plain.table.write(vec![write]).await.unwrap();
    }
    sign(&stage, id, "aa").await;
    stage.move_to(20, 1);
    assert_eq!(
        stage.told().await,
        warned("CERTIFICATE", 30),
        "by the credential that signed last, once"
    );
    stage.move_to(36, 1);
    assert_eq!(
        stage.told().await,
        warned("CERTIFICATE", 14),
        "and nothing of the profile that is not handed out"
    );
}

/// Has the live iOS version signed by that certificate.
async fn sign(stage: &Stage, id: AppId, signer: &str) {
    let key = keys::binary(stage.tenant.tenant_id, id, BinaryType::Ios);
    let now = stage.world.clock.now();
    let mut reader = Reader::new(&*stage.world.plain.table, now);
    let mut found = reader.get::<Binary>(&key).await.unwrap().unwrap();
    found.value.versions[0]
        .processing
        .get_or_insert_default()
        .signer = Some(signer.to_owned());
    stage
        .world
        .plain
        .table
        .write(vec![found.replace().unwrap()])
        .await
        .unwrap();
}

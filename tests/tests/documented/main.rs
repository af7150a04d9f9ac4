//! Replays `tests/documented`: each documented request with its documented answer, in a tenant of
//! its own, and the documented operations against the route table. What the files mean stands in
//! `tests/documented/README.md` and in the `README-….md` beside it.

use appdepot_tests::{TestTenant, World};
use case::{Case, Step, cases};
use serde_json::Value;
use shared::services::context::Settings;
use stage::Stage;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};

mod apperian;

mod case;

mod matching;

mod operations;

mod pingid;

mod rhmap;

mod stage;

mod wso2;

/// How many cases of a test run side by side: most of their time is waiting for uploads to be read.
const AT_ONCE: usize = 4;

/// Names a test for each span of sections: document, first and last section.
macro_rules! spans {
    ($($name:ident $document:literal $first:tt $last:tt;)+) => {
        const SPANS: &[Span] = &[$(Span { document: $document, first: $first, last: $last }),+];

        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                replay(Span { document: $document, first: $first, last: $last }).await;
            }
        )+
    };
}

spans! {
    api_keys "003" (1, 1) (1, 6);
    store_front "003" (2, 1) (2, 9);
    store_items "003" (2, 10) (2, 14);
    binaries "003" (2, 15) (2, 15);
    item_policies_and_configurations "003" (2, 16) (2, 19);
    item_groups_and_audit_log "003" (2, 20) (2, 22);
    store_client "003" (2, 23) (2, 25);
    policies "003" (3, 1) (3, 5);
    users_of_policies "003" (3, 6) (3, 8);
    alerts "003" (4, 1) (4, 5);
    events "003" (5, 1) (5, 1);
    devices "003" (6, 1) (6, 5);
    endpoint_security "003" (7, 1) (7, 6);
    roles "003" (8, 1) (8, 2);
    teams "003" (9, 2) (9, 8);
    users "003" (10, 2) (10, 6);
    changes_of_users "003" (10, 7) (10, 11);
    publisher_changes_of_state "001" (1, 0) (2, 0);
    publisher_lists_and_versions "001" (3, 0) (4, 0);
    publisher_details_and_deletions "001" (5, 0) (7, 0);
    publisher_updates_and_subscriptions "001" (8, 0) (9, 0);
    publisher_creates "001" (10, 0) (10, 0);
    publisher_files_and_apps_of_partials "001" (11, 0) (14, 0);
    publisher_tags_and_life_cycles "001a" (1, 0) (6, 0);
    publisher_documents "001a" (7, 0) (12, 0);
    publisher_contexts_stats_and_binaries "001a" (13, 0) (17, 0);
    publisher_partials "001a" (18, 0) (22, 0);
    publisher_owners_and_reference "001a" (23, 0) (29, 0);
    publisher_tokens "001b" (1, 0) (3, 0);
    apperian_lists "000" (1, 0) (2, 0);
    apperian_policies_of_apps "000" (3, 0) (4, 0);
    apperian_sign_ins_and_uploads "000a" (1, 0) (5, 0);
    apperian_apps "000a" (6, 0) (11, 0);
    apperian_stored_options_and_signing "000a" (12, 0) (17, 0);
    apperian_groups_and_downloads "000a" (18, 0) (29, 0);
    apperian_calls "000b" (1, 0) (7, 0);
    pingid_additions_and_lists "002" (1, 0) (2, 0);
    pingid_changes "002" (3, 0) (4, 0);
}

/// A span of sections of one document.
#[derive(Clone, Copy)]
struct Span {
    document: &'static str,
    first: (u32, u32),
    last: (u32, u32),
}

impl Span {
    /// Whether a section such as `003 2.15` or `001a 7` is in it.
    fn holds(self, section: &str) -> bool {
        let Some((document, number)) = section.split_once(' ') else {
            return false;
        };
        let (chapter, section) = number.split_once('.').unwrap_or((number, "0"));
        let number = chapter.parse().ok().zip(section.parse().ok());
        document == self.document
            && number.is_some_and(|number| (self.first..=self.last).contains(&number))
    }
}

/// The deployment that a case runs in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Deployment {
    require_if_match: bool,
    create_status_200: bool,
    pingid_strict: bool,
}

impl Deployment {
    /// The one that the case's steps ask for.
    fn of(case: &Case) -> Self {
        let has = |step| case.given.contains(&step);
        Self {
            require_if_match: has(Step::Wso2(wso2::Step::RequireIfMatch)),
            create_status_200: has(Step::Wso2(wso2::Step::CreateStatus200)),
            pingid_strict: has(Step::PingId(pingid::Step::PingStrict)),
        }
    }

    /// Its parameters.
    fn settings(self) -> Settings {
        let wso2_create_status = if self.create_status_200 { 200 } else { 201 };
        let Self {
            require_if_match,
            pingid_strict,
            ..
        } = self;
        Settings {
            require_if_match,
            wso2_create_status,
            pingid_strict,
            ..World::public_settings()
        }
    }
}

/// Replays the files of a span and tells of all that fail.
async fn replay(span: Span) {
    let mut worlds: BTreeMap<Deployment, Arc<World>> = BTreeMap::new();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let mut names = BTreeMap::new();
    let chosen = cases()
        .into_iter()
        .filter(|(.., case)| span.holds(&case.section));
    for (number, (name, text, case)) in chosen.enumerate() {
        let deployment = Deployment::of(&case);
        let world = match worlds.entry(deployment) {
            Entry::Occupied(world) => Arc::clone(world.get()),
            Entry::Vacant(none) => Arc::clone(none.insert(Arc::new(
                World::with_settings(deployment.settings(), 1).await.0,
            ))),
        };
        let turns = Arc::clone(&turns);
        let task = running.spawn(async move {
            let _turn = turns.acquire_owned().await.expect("turns are never closed");
            if case
                .given
                .contains(&Step::Rhmap(rhmap::Step::DefaultTenant))
            {
                let (world, tenant) = World::with_settings(deployment.settings(), 1).await;
                run(&world, tenant, &case, &text).await
            } else {
                let tenant = world.tenant(&format!("case-{number}")).await;
                run(&world, tenant, &case, &text).await
            }
        });
        names.insert(task.id(), name);
    }
    assert!(!names.is_empty(), "no file of these sections");
    let mut failures = BTreeMap::new();
    while let Some(ended) = running.join_next_with_id().await {
        let (id, failure) = match ended {
            Ok((id, outcome)) => (id, outcome.err()),
            Err(error) => (
                error.id(),
                Some(format!("its steps failed: {}", said(error))),
            ),
        };
        if let Some(failure) = failure {
            failures.insert(&names[&id], failure);
        }
    }
    let report = failures
        .iter()
        .fold(String::new(), |report, (name, failure)| {
            format!("{report}\n=== {name}\n{failure}\n")
        });
    assert!(
        failures.is_empty(),
        "{} of {} files failed\n{report}",
        failures.len(),
        names.len()
    );
}

/// What a panicking task said.
fn said(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => panic
                .downcast_ref::<&str>()
                .copied()
                .unwrap_or("a panic without words")
                .to_owned(),
        },
        Err(error) => error.to_string(),
    }
}

/// Runs one case: the steps, then each request with the comparison of its answer.
async fn run(world: &World, tenant: TestTenant, case: &Case, text: &str) -> Result<(), String> {
    let mut stage = Stage::new(world, tenant).await;
    let Case {
        section,
        title,
        repairs,
        ..
    } = case;
    stage
        .credentials_of(section)
        .await
        .map_err(|why| format!("{section} {title}\n{why}"))?;
    for step in &case.given {
        stage
            .step(*step, case)
            .await
            .map_err(|why| format!("{section} {title}\nits steps failed: {why}"))?;
    }
    for (number, exchange) in case.exchanges().enumerate() {
        stage.exchange(&exchange).await.map_err(|why| {
            let file: Value = serde_json::from_str(text).unwrap_or_default();
            let (place, part) = if number == 0 {
                (String::new(), &file)
            } else {
                (format!(", then {number}"), &file["then"][number - 1])
            };
            format!(
                "{section} {title}{place}\nrepaired: {repairs:?}\n{why}\nexpected: {}",
                part["response"]
            )
        })?;
    }
    Ok(())
}

#[test]
fn every_file_is_replayed_by_one_test() {
    let cases = cases();
    assert!(!cases.is_empty());
    let names: BTreeSet<&String> = cases.iter().map(|(name, ..)| name).collect();
    assert_eq!(
        names.len(),
        cases.len(),
        "names tell files apart, whatever their folders"
    );
    for (name, _, case) in &cases {
        let times = SPANS
            .iter()
            .filter(|span| span.holds(&case.section))
            .count();
        assert_eq!(
            times, 1,
            "{name}: section {} is in {times} spans",
            case.section
        );
        let number = ["003 ", "001", "000", "002"]
            .iter()
            .fold(&*case.section, |number, document| {
                number.trim_start_matches(document)
            })
            .replace(' ', "");
        assert!(
            name.starts_with(&format!("{number}-")) && name.ends_with(".json"),
            "{name} is of section {number}"
        );
    }
}

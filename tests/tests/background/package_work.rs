//! The way of a package through policies and signatures: asked for by requests, done by the worker,
//! handed out.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use appdepot_tests::consistency::of_tenant;
use appdepot_tests::{Answer, Part, TestTenant, World, all, client, key_file};
use package_reader::testing::Apk;
use package_reader::testing::ios::{dictionary, profile, property_list};
use package_reader::{Signature, apk_signature};
use package_work::Done;
use serde_json::{Value, json};
use shared::base::clock::Timestamp;
use shared::base::id::{AppId, BinaryType, Guid};
use shared::domain::app_policies::job;
use shared::domain::app_policies::job::ATTEMPTS;
use shared::model::apps::app::{App, Binary, Version};
use shared::model::apps::processing::{Job, LOST_SECONDS, ProcessingStatus, SigningStatus};
use shared::model::credentials::signing_credential::SigningCredential;
use shared::model::task::Task;
use shared::store::record::{Reader, Record as _, Stored};
use shared::store::wrappers::{FailingTable, Fault};
use shared::store::{Key, keys};

const ADMIN: &str = "/box/srv/1.1/admin";

const RSA: &str = "rsa.p12";

const EC: &str = "ec.p12";

/// The password of both.
const SECRET: &str = "secret";

/// The SHA-256 of the certificate in the first.
const RSA_SIGNER: &str = "609f563b5b382f53daa778e2b9d33d6467e4c5a7cee6d2ac100e749f55db35de";

fn apk(version: u32) -> Vec<u8> {
    let more = vec![(
        "assets/words.txt".to_owned(),
        b"some words that are packed, some words that are packed".to_vec(),
    )];
    Apk {
        version_code: version,
        version_name: format!("{version}.0"),
        more,
        ..Apk::default()
    }
    .build()
}

/// The administrator of a tenant with an Android app, a credential and a token.
struct Desk<'w> {
    world: &'w World,
    tenant: TestTenant,
    token: String,
    app: AppId,
}

impl<'w> Desk<'w> {
    async fn of(world: &'w World, tenant: TestTenant) -> Self {
        let token = world.token(&tenant, &tenant.admin).await;
        let made = world
            .post(
                &tenant.cookie,
                &format!("{ADMIN}/storeitem/create"),
                json!({"name": "Field Notes"}),
            )
            .await;
        let app: AppId = made["guid"].as_str().unwrap().parse().unwrap();
        let desk = Self {
            world,
            tenant,
            token,
            app,
        };
        desk.upload(1).await;
        desk
    }

    async fn upload(&self, version: u32) {
        let answer = self
            .world
            .upload(
                &self.tenant.cookie,
                &self.app.guid(),
                "android",
                &apk(version),
            )
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    async fn send(&self, method: &str, path: &str) -> Answer {
        self.world
            .call(method, path)
            .token(&self.token)
            .send()
            .await
    }

    async fn add_as(
        &self,
        description: &str,
        platform: Value,
        file: &[u8],
        password: &str,
    ) -> Answer {
        self.add_with(description, platform, file, password, None)
            .await
    }

    async fn add_with(
        &self,
        description: &str,
        platform: Value,
        file: &[u8],
        password: &str,
        profile: Option<&[u8]>,
    ) -> Answer {
        let data = json!({"description": description, "platform": platform, "password": password})
            .to_string();
        let profile = profile.map(|content| Part {
            name: "profile",
            file_name: Some("app.mobileprovision"),
            content,
        });
        let parts = [
            Part {
                name: "file",
                file_name: Some("key.p12"),
                content: file,
            },
            Part {
                name: "data",
                file_name: None,
                content: data.as_bytes(),
            },
        ];
        self.world
            .call("POST", "/v1/credentials/")
            .token(&self.token)
            .parts(parts.into_iter().chain(profile))
            .send()
            .await
    }

    /// Adds an Android credential and gives its id.
    async fn credential(&self, file: &str) -> String {
        let answer = self
            .add_as("Release key", json!(2), &key_file(file), SECRET)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["credential"]["psk"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn apply_as(&self, policies: &[&str]) -> Answer {
        let configurations: Vec<Value> = policies
            .iter()
            .map(|policy| json!({"policy_id": policy}))
            .collect();
        let path = format!("/v2/applications/{}/policies/", self.app.base64url());
        self.world
            .call("POST", &path)
            .token(&self.token)
            .json(json!({"configurations": configurations}))
            .send()
            .await
    }

    async fn apply(&self, policies: &[&str]) {
        let answer = self.apply_as(policies).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }

    async fn sign_as(&self, credential: &str) -> Answer {
        self.send(
            "PUT",
            &format!(
                "/v1/applications/{}/credentials/{credential}",
                self.app.guid()
            ),
        )
        .await
    }

    async fn sign(&self, credential: &str) {
        let answer = self.sign_as(credential).await;
        assert_eq!(
            (answer.status, answer.json),
            (
                200,
                json!({"signing_status": "in_progress", "signing_status_details": ""})
            )
        );
    }

    fn reader(&self) -> Reader<'w> {
        Reader::new(&*self.world.plain.table, self.world.plain.clock.now())
    }

    async fn binary(&self) -> Binary {
        let found: Option<Stored<Binary>> = self
            .reader()
            .get(&keys::binary(
                self.tenant.tenant_id,
                self.app,
                BinaryType::Android,
            ))
            .await
            .unwrap();
        found.unwrap().value
    }

    async fn app(&self) -> App {
        self.reader()
            .get(&keys::app(self.tenant.tenant_id, self.app))
            .await
            .unwrap()
            .unwrap()
            .value
    }

    /// The newest version.
    async fn version(&self) -> Version {
        self.binary().await.versions.remove(0)
    }

    /// Waits until the newest version has no job any more.
    async fn ended(&self) -> Version {
        for _ in 0..600 {
            let version = self.version().await;
            if version
                .processing
                .as_ref()
                .is_none_or(|processing| processing.job.is_none())
            {
                return version;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the job did not end");
    }

    /// What is watched because it expires: of which version, signed by whom, and when.
    async fn watched(&self) -> Vec<(Guid, Option<String>, Timestamp)> {
        let snapshot = of_tenant(&self.world.snapshot().await, self.tenant.tenant_id);
        let tasks = snapshot
            .values()
            .filter(|item| item["kind"]["S"] == Task::KIND);
        let tasks =
            tasks.map(|item| serde_json::from_str(item["d"]["S"].as_str().unwrap()).unwrap());
        tasks
            .filter_map(|task| {
                if let Task::Expiry(of) = task {
                    Some((of.version, of.signer, of.expires))
                } else {
                    None
                }
            })
            .collect()
    }

    /// When a credential ends.
    async fn end_of(&self, credential: &str) -> Timestamp {
        let key = keys::signing_credential(self.tenant.tenant_id, &credential.parse().unwrap());
        self.reader()
            .get::<SigningCredential>(&key)
            .await
            .unwrap()
            .unwrap()
            .value
            .expires
    }

    /// The key of the newest version's job.
    async fn job(&self) -> Key {
        let guid = self.version().await.processing.unwrap().job.expect("a job");
        keys::job(self.tenant.tenant_id, &guid)
    }

    fn object(&self, sha256: &str) -> String {
        keys::binary_object(self.tenant.tenant_id, sha256)
    }

    async fn bytes(&self, sha256: &str) -> Vec<u8> {
        let objects = self.world.plain.objects().unwrap();
        let size = objects
            .facts(&self.object(sha256))
            .await
            .unwrap()
            .expect("the object is there")
            .size;
        objects.range(&self.object(sha256), 0, size).await.unwrap()
    }

    async fn policies(&self) -> Value {
        self.send("GET", &format!("/applications/{}/policies", self.app))
            .await
            .json
    }

    async fn is_consistent(&self) {
        self.world.verify(self.tenant.tenant_id).await.unwrap();
    }

    /// Lets all graces pass, and keeps house.
    async fn days_pass(&self) {
        for _ in 0..4 {
            self.world.clock.advance_seconds(25 * 3_600);
            self.world.keep_house().await;
        }
    }

    /// Everything that is in the bucket is what the versions count, after housekeeping.
    async fn no_orphans(&self) {
        self.days_pass().await;
        let counted: Vec<String> = self
            .binary()
            .await
            .versions
            .iter()
            .flat_map(|version| version.objects())
            .map(|sha256| self.object(sha256))
            .collect();
        let mut wanted = counted;
        wanted.sort();
        wanted.dedup();
        let mut there: Vec<String> = self
            .world
            .store
            .objects_under("")
            .into_iter()
            .map(|created| created.key)
            .collect();
        there.sort();
        assert_eq!(there, wanted);
    }
}

/// The entries of an archive: their names with their unpacked contents.
fn entries(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive =
        package_reader::Archive::open(std::io::Cursor::new(bytes), bytes.len() as u64).unwrap();
    let names: Vec<String> = archive
        .entries()
        .map(|(name, _)| String::from_utf8(name.to_vec()).unwrap())
        .collect();
    names
        .into_iter()
        .map(|name| (name.clone(), archive.read(&name, 1 << 24).unwrap().unwrap()))
        .collect()
}

fn signer(bytes: &[u8]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    match apk_signature(file.path()) {
        Signature::Verified {
            certificate_sha256, ..
        } => Some(certificate_sha256),
        Signature::Unverified { .. } => None,
    }
}

const USAGE: &str = "com.apperian.app-usage";

const CRASHES: &str = "com.apperian.collect-crash-reports";

#[tokio::test(flavor = "multi_thread")]
async fn a_package_gets_its_policies_and_its_signature_and_is_handed_out_then() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let uploaded = desk.version().await.sha256;
    desk.apply(&[USAGE, CRASHES]).await;
    let applied = desk.ended().await;
    let status = desk.policies().await["status"].clone();
    assert_eq!(
        status,
        json!({"code": 3, "description": "POLICIES NOT SIGNED"})
    );
    assert_eq!(
        applied.sha256, uploaded,
        "what is handed out changes by signing alone"
    );
    let build = applied.processing.unwrap().applied.unwrap();
    let (before, with) = (entries(&apk(1)), entries(&desk.bytes(&build.sha256).await));
    let added: Vec<&String> = with
        .keys()
        .filter(|name| !before.contains_key(*name))
        .collect();
    assert_eq!(
        added,
        [
            "assets/appdepot/policies-keys.json",
            "assets/appdepot/policies.jws"
        ]
    );
    assert!(
        before.iter().all(|(name, content)| with[name] == *content),
        "all other entries are what they were"
    );
    // What is published is what is in the package.
    let binary = desk.app.binary(BinaryType::Android).base64url();
    let published = world
        .call(
            "GET",
            &format!("/policy-documents/{}/{binary}", desk.tenant.tenant_id),
        )
        .send()
        .await;
    assert_eq!(
        published.text.as_bytes(),
        with["assets/appdepot/policies.jws"]
    );
    let keys = world
        .call(
            "GET",
            &format!("/policy-documents/{}/keys", desk.tenant.tenant_id),
        )
        .send()
        .await;
    assert_eq!(
        serde_json::from_slice::<Value>(&with["assets/appdepot/policies-keys.json"]).unwrap(),
        keys.json
    );
    desk.is_consistent().await;

    let credential = desk.credential(RSA).await;
    desk.sign(&credential).await;
    let signed = desk.ended().await;
    let processing = signed.processing.clone().unwrap();
    assert_eq!(
        (
            processing.status,
            processing.signing.as_ref().map(|signing| signing.status)
        ),
        (ProcessingStatus::Signed, Some(SigningStatus::Signed))
    );
    assert_eq!(
        processing
            .original
            .as_ref()
            .map(|build| build.sha256.as_str()),
        Some(&*uploaded)
    );
    assert_ne!(signed.sha256, uploaded);
    let bytes = desk.bytes(&signed.sha256).await;
    assert_eq!(signed.size, bytes.len() as u64);
    assert_eq!(signer(&bytes).as_deref(), Some(RSA_SIGNER));
    let of_signed = entries(&bytes);
    assert!(
        with.iter()
            .all(|(name, content)| of_signed[name] == *content),
        "a signature changes no entry"
    );
    assert_eq!(
        desk.app().await.binaries[0].versions[0]
            .processing
            .as_ref()
            .map(|processing| processing.status),
        Some(ProcessingStatus::Signed)
    );
    assert_eq!(
        desk.watched().await,
        [(
            signed.guid.clone(),
            processing.signer,
            desk.end_of(&credential).await
        )]
    );
    desk.is_consistent().await;

    // Signed by another: what was uploaded and its policies stay, the first signed package goes.
    let other = desk.credential(EC).await;
    desk.sign(&other).await;
    let again = desk.ended().await;
    assert_ne!(again.sha256, signed.sha256);
    assert_eq!(again.processing.unwrap().original.unwrap().sha256, uploaded);
    desk.is_consistent().await;
    desk.no_orphans().await;
    assert_eq!(world.store.objects_under("").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_without_policies_is_signed_too() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let credential = desk.credential(RSA).await;
    desk.sign(&credential).await;
    let signed = desk.ended().await;
    assert_eq!(
        signed.processing.as_ref().unwrap().status,
        ProcessingStatus::None
    );
    assert_eq!(
        signer(&desk.bytes(&signed.sha256).await).as_deref(),
        Some(RSA_SIGNER)
    );
    // The next version is the uploader's own again.
    desk.upload(2).await;
    let next = desk.version().await;
    assert!(next.processing.is_none(), "{:?}", next.processing);
    desk.is_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_has_to_get_its_policies_again_and_an_old_one_keeps_its_own() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let credential = desk.credential(RSA).await;
    desk.apply(&[USAGE]).await;
    desk.ended().await;
    desk.sign(&credential).await;
    let signed = desk.ended().await.sha256;
    desk.upload(2).await;
    let shown = desk.policies().await;
    assert_eq!(
        shown["status"],
        json!({"code": 4, "description": "POLICIES PREVIOUSLY APPLIED"})
    );
    assert_eq!(
        shown["previous_version_configurations"][0]["policy_id"],
        USAGE
    );
    let body = json!({"guid": desk.app.guid(), "type": "android", "version": 1});
    world
        .post(
            &desk.tenant.cookie,
            &format!("{ADMIN}/storeitem/rollback"),
            body,
        )
        .await;
    assert_eq!(desk.policies().await["status"]["code"], 1);
    assert_eq!(
        desk.binary().await.version(1).unwrap().sha256,
        signed,
        "the signed package is handed out again"
    );
    desk.is_consistent().await;
    desk.no_orphans().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_later_overtakes_a_job() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let credential = desk.credential(RSA).await;
    let held = world.hold_work().await;
    desk.apply(&[USAGE]).await;
    let first = desk.job().await;
    let refused = desk.sign_as(&credential).await;
    assert_eq!(
        refused.status, 409,
        "policies are being applied: {}",
        refused.text
    );
    desk.apply(&[USAGE, CRASHES]).await;
    let second = desk.job().await;
    assert_ne!(first, second);
    assert_eq!(
        world.deliver_job(&first).await.unwrap(),
        Done {
            ended: 1,
            ..Done::default()
        }
    );
    assert_eq!(
        world.deliver_job(&second).await.unwrap(),
        Done {
            done: 1,
            ..Done::default()
        }
    );
    assert_eq!(desk.version().await.processing.unwrap().policies.len(), 2);

    // A signature that waits is cancelled by other policies.
    desk.sign(&credential).await;
    let signing = desk.job().await;
    desk.sign(&credential).await;
    assert_eq!(desk.job().await, signing, "asked for twice it is done once");
    desk.apply(&[CRASHES]).await;
    assert_eq!(
        world.deliver_job(&signing).await.unwrap(),
        Done {
            ended: 1,
            ..Done::default()
        }
    );
    let processing = desk.version().await.processing.unwrap();
    assert_eq!(
        processing.signing.map(|signing| signing.status),
        Some(SigningStatus::Cancelled)
    );
    drop(held);
    let done = desk.ended().await.processing.unwrap();
    assert_eq!(
        (done.status, done.signing.map(|signing| signing.status)),
        (ProcessingStatus::NotSigned, Some(SigningStatus::Cancelled))
    );
    desk.is_consistent().await;
    desk.no_orphans().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_or_replaced_under_a_job_ends_it() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let credential = desk.credential(RSA).await;
    let held = world.hold_work().await;

    // The credential.
    desk.sign(&credential).await;
    let deleted = desk
        .send("DELETE", &format!("/credentials/{credential}"))
        .await;
    assert_eq!(
        (deleted.status, deleted.json),
        (200, json!({"deleted_credential": credential}))
    );
    assert_eq!(
        world.deliver_job(&desk.job().await).await.unwrap(),
        Done {
            failed: 1,
            ..Done::default()
        }
    );
    let signing = desk.version().await.processing.unwrap().signing.unwrap();
    assert_eq!(signing.status, SigningStatus::Error);
    assert!(signing.details.contains("deleted"), "{}", signing.details);

    // The version gets a successor: its own job goes on.
    desk.apply(&[USAGE]).await;
    let job = desk.job().await;
    desk.upload(2).await;
    assert_eq!(
        world.deliver_job(&job).await.unwrap(),
        Done {
            done: 1,
            ..Done::default()
        }
    );
    let versions = desk.binary().await.versions;
    assert_eq!(
        versions[0]
            .processing
            .as_ref()
            .map(|processing| processing.status),
        Some(ProcessingStatus::Previously),
        "the new version has nothing of it"
    );
    assert_eq!(
        versions[1]
            .processing
            .as_ref()
            .map(|processing| processing.status),
        Some(ProcessingStatus::NotSigned)
    );

    // The whole app.
    desk.apply(&[USAGE]).await;
    let job = desk.job().await;
    world
        .post(
            &desk.tenant.cookie,
            &format!("{ADMIN}/storeitem/delete"),
            json!({"guid": desk.app.guid()}),
        )
        .await;
    assert_eq!(
        world.deliver_job(&job).await.unwrap(),
        Done {
            ended: 1,
            ..Done::default()
        }
    );
    drop(held);
    desk.is_consistent().await;
    desk.days_pass().await;
    assert_eq!(world.store.objects_under("").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_five_times_at_once_is_done_once() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let credential = desk.credential(RSA).await;
    let held = world.hold_work().await;
    for signs in [false, true] {
        if signs {
            desk.sign(&credential).await;
        } else {
            desk.apply(&[USAGE]).await;
        }
        let job = desk.job().await;
        let ends: Vec<Done> = all((0..5).map(|_| world.deliver_job(&job)))
            .await
            .into_iter()
            .map(|end| end.unwrap())
            .collect();
        assert_eq!(
            ends.iter().map(|end| end.done).sum::<usize>(),
            1,
            "{ends:?}"
        );
        assert_eq!(
            ends.iter().map(|end| end.ended).sum::<usize>(),
            4,
            "{ends:?}"
        );
        desk.is_consistent().await;
    }
    drop(held);
    assert_eq!(
        desk.version().await.processing.unwrap().status,
        ProcessingStatus::Signed
    );
    desk.no_orphans().await;
}

/// The worker that dies anywhere: after the next delivery the job has ended once, and the package
/// is whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_fails_at_any_call_ends_its_job_at_the_next_delivery() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let credential = desk.credential(RSA).await;
    let _held = world.hold_work().await;
    for signs in [false, true] {
        for fault in Fault::PASSING {
            for at in 0.. {
                if signs {
                    desk.sign(&credential).await;
                } else {
                    desk.apply(&[USAGE]).await;
                }
                let job = desk.job().await;
                let failing = std::sync::Arc::new(FailingTable::new(std::sync::Arc::clone(
                    &world.plain.table,
                )));
                let context =
                    world
                        .plain
                        .clone()
                        .with_table(std::sync::Arc::clone(&failing)
                            as std::sync::Arc<dyn shared::store::Table>);
                failing.fail(at, fault);
                let first = package_work::handle(context, local_gateway::work::event(&job)).await;
                let happened = failing.heal();
                let second = world.deliver_job(&job).await.unwrap();
                let done = first.as_ref().map_or(0, |first| first.done) + second.done;
                let lost = fault == Fault::NotAcknowledged && first.is_err();
                assert!(
                    done == 1 || (lost && done == 0),
                    "{fault:?} at call {at}: {first:?}, then {second:?}"
                );
                let version = desk.version().await;
                let processing = version.processing.as_ref().unwrap();
                assert_eq!(processing.job, None);
                let made = if signs {
                    &version.sha256
                } else {
                    &processing.applied.as_ref().unwrap().sha256
                };
                assert!(!desk.bytes(made).await.is_empty());
                if !happened {
                    break;
                }
            }
            desk.is_consistent().await;
        }
    }
    desk.no_orphans().await;
}

/// The same for the bucket: what it does not take is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fails_leaves_the_job_for_the_next_delivery() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let _held = world.hold_work().await;
    desk.apply(&[USAGE]).await;
    let job = desk.job().await;
    let addresses = local_gateway::stack::Addresses {
        bucket: "not-there".to_owned(),
        ..world.addresses.clone()
    };
    let elsewhere = addresses
        .system_context(World::public_settings())
        .unwrap()
        .with_table(std::sync::Arc::clone(&world.plain.table));
    for _ in 0..2 {
        assert!(
            package_work::handle(elsewhere.clone(), local_gateway::work::event(&job))
                .await
                .is_err()
        );
    }
    assert_eq!(desk.policies().await["status"]["code"], 2);
    assert_eq!(
        world.deliver_job(&job).await.unwrap(),
        Done {
            done: 1,
            ..Done::default()
        }
    );
    desk.is_consistent().await;
    desk.no_orphans().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_worker_crashes_is_given_up_and_one_that_nobody_does_is_lost() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let credential = desk.credential(RSA).await;
    let _held = world.hold_work().await;
    desk.apply(&[USAGE]).await;
    let key = desk.job().await;
    let (tenant_id, guid) = keys::parse_job(&key).unwrap();
    // Begun, and never heard of again.
    for _ in 0..ATTEMPTS {
        assert!(matches!(
            job::begin(&mut desk.reader(), tenant_id, &guid)
                .await
                .unwrap(),
            job::Begin::Do(..)
        ));
        world.clock.advance_seconds(60);
    }
    assert_eq!(
        world.deliver_job(&key).await.unwrap(),
        Done {
            failed: 1,
            ..Done::default()
        }
    );
    let shown = desk.policies().await["status"].clone();
    assert_eq!(
        shown,
        json!({"code": -1, "description": "ERROR", "details": job::CRASHED})
    );
    let refused = desk.sign_as(&credential).await;
    assert_eq!(refused.status, 409, "{}", refused.text);

    desk.apply(&[]).await;
    desk.sign(&credential).await;
    world.clock.advance_seconds(LOST_SECONDS - 60);
    assert_eq!(world.keep_house().await.jobs, 0);
    world.clock.advance_seconds(120);
    assert_eq!(world.keep_house().await.jobs, 1);
    let signing = desk.version().await.processing.unwrap().signing.unwrap();
    assert_eq!(
        (signing.status, &*signing.details),
        (SigningStatus::Error, job::LOST)
    );
    desk.is_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_signed_says_why() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    // The builder's app can be installed where signatures by elliptic curves are not known.
    let old = Apk {
        min_sdk: Some(16),
        package: "com.example.old".to_owned(),
        ..Apk::default()
    }
    .build();
    let made = world
        .post(
            &desk.tenant.cookie,
            &format!("{ADMIN}/storeitem/create"),
            json!({"name": "Old"}),
        )
        .await;
    let app: AppId = made["guid"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        world
            .upload(&desk.tenant.cookie, &app.guid(), "android", &old)
            .await
            .status,
        200
    );
    let desk = Desk { app, ..desk };
    let before = desk.version().await.sha256;
    let credential = desk.credential(EC).await;
    desk.sign(&credential).await;
    let version = desk.ended().await;
    let signing = version.processing.unwrap().signing.unwrap();
    assert_eq!(signing.status, SigningStatus::Error);
    assert!(
        signing.details.starts_with("unsupported_key: ") && signing.details.chars().count() <= 300,
        "{}",
        signing.details
    );
    assert_eq!(version.sha256, before);
    desk.is_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_judged_listed_and_deleted() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let listed = desk.send("GET", "/v1/credentials").await;
    assert_eq!(listed.json, json!({"credentials": []}));
    let rsa = key_file(RSA);
    let added = desk.add_as("Release key", json!(2), &rsa, SECRET).await;
    let credential = added.json["credential"].clone();
    let id = credential["psk"].as_str().unwrap().to_owned();
    assert_eq!(
        credential,
        json!({
            "psk": id,
            "description": "Release key",
            "expiration_date": "2051-07-14T20:21:45Z",
            "platform": 2,
        })
    );
    assert_eq!(
        desk.send("GET", "/credentials/").await.json,
        json!({"credentials": [credential]})
    );

    let wrong = [
        (
            desk.add_as("x", json!(2), &rsa, "wrong").await,
            400,
            "wrong_password",
        ),
        (
            desk.add_as("x", json!(2), b"no key", SECRET).await,
            400,
            "unreadable",
        ),
        (desk.add_as("x", json!(2), &[], SECRET).await, 400, "file"),
        (
            desk.add_as("x", json!(2), &vec![0; 64 * 1024 + 1], SECRET)
                .await,
            413,
            "file",
        ),
        (
            desk.add_as("x", json!(1), &rsa, SECRET).await,
            400,
            "profile",
        ),
        (
            desk.add_as("x", json!(4), &rsa, SECRET).await,
            400,
            "platform",
        ),
        (
            desk.add_as("x", json!(null), &rsa, SECRET).await,
            400,
            "platform",
        ),
        (
            desk.add_as("", json!(2), &rsa, SECRET).await,
            400,
            "description",
        ),
        (
            desk.add_as(&"x".repeat(201), json!(2), &rsa, SECRET).await,
            400,
            "description",
        ),
        (
            desk.add_as("x", json!(2), &rsa, &"x".repeat(1_025)).await,
            400,
            "password",
        ),
    ];
    // A profile that was made for another certificate than the key's.
    let list = dictionary(&[
        ("Name", "Example Profile".into()),
        (
            "TeamIdentifier",
            plist::Value::Array(vec!["A1B2C3D4E5".into()]),
        ),
        (
            "ExpirationDate",
            plist::Value::Date((SystemTime::now() + Duration::from_secs(3_600)).into()),
        ),
        (
            "DeveloperCertificates",
            plist::Value::Array(vec![plist::Value::Data(b"another".to_vec())]),
        ),
        (
            "Entitlements",
            plist::Value::Dictionary(dictionary(&[(
                "application-identifier",
                "A1B2C3D4E5.*".into(),
            )])),
        ),
    ]);
    let of_another = profile(&property_list(list, false), false);
    let refused = desk
        .add_with("x", json!(1), &rsa, SECRET, Some(&of_another))
        .await;
    let message = refused.json["error"]["message"]
        .as_str()
        .unwrap_or_default();
    assert!(
        refused.status == 400
            && message
                .starts_with("profile: wrong_profile: The provisioning profile was not made for")
            && message.contains("certificate"),
        "{}",
        refused.text
    );
    for (answer, status, names) in &wrong {
        let message = answer.json["error"]["message"].as_str().unwrap_or_default();
        assert!(
            answer.status == *status && message.contains(names) && !message.contains(SECRET),
            "{names}: {} {}",
            answer.status,
            answer.text
        );
    }
    let data = json!({"description": "x", "platform": 2, "password": SECRET}).to_string();
    let text = |name, content| Part {
        name,
        file_name: None,
        content,
    };
    for parts in [
        vec![text("data", data.as_bytes())],
        vec![text("file", &rsa)],
        vec![text("file", &rsa), text("data", b"{")],
        vec![text("file", &rsa), text("data", b"[]")],
    ] {
        let answer = world
            .call("POST", "/credentials")
            .token(&desk.token)
            .parts(parts)
            .send()
            .await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    let json = world
        .call("POST", "/credentials")
        .token(&desk.token)
        .json(json!({}))
        .send()
        .await;
    assert_eq!(json.status, 415, "{}", json.text);
    assert_eq!(
        desk.send("GET", "/credentials/").await.json["credentials"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "what was refused added nothing"
    );

    for unknown in ["aaaaaaaaaaaaaaaaaaaaaaaa", "x"] {
        assert_eq!(desk.sign_as(unknown).await.status, 404);
        assert_eq!(
            desk.send("DELETE", &format!("/credentials/{unknown}"))
                .await
                .status,
            404
        );
    }
    let nowhere = desk
        .send(
            "PUT",
            &format!("/applications/XWJKqWeLM5-tp8N09-gTEw/credentials/{id}"),
        )
        .await;
    assert_eq!(nowhere.status, 404, "{}", nowhere.text);
    // Another tenant's credential is not there.
    let other = world.tenant("other").await;
    let token = world.token(&other, &other.admin).await;
    let theirs = world
        .call("DELETE", &format!("/credentials/{id}"))
        .token(&token)
        .send()
        .await;
    assert_eq!(theirs.status, 404, "{}", theirs.text);
    // What clients send along means nothing.
    for body in ["", r#"{"enabled":true}"#] {
        let path = format!("/v1/applications/{}/credentials/{id}", desk.app.base64url());
        let answer = world
            .call("PUT", &path)
            .token(&desk.token)
            .raw("application/json", body.as_bytes().to_vec())
            .send()
            .await;
        assert_eq!(
            answer.json["signing_status"], "in_progress",
            "{}",
            answer.text
        );
    }
    desk.ended().await;
    assert_eq!(
        desk.send("DELETE", &format!("/v1/credentials/{id}"))
            .await
            .json,
        json!({"deleted_credential": id})
    );
    assert_eq!(
        desk.send("GET", "/credentials").await.json,
        json!({"credentials": []})
    );
    desk.is_consistent().await;
}

/// Neither the key nor its password is in the table as it is, and what is sealed opens in its own
/// place alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_signs_is_sealed() {
    use base64::Engine as _;
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let id = desk.credential(RSA).await;
    let credential = id.parse().unwrap();
    let tenant_id = desk.tenant.tenant_id;
    let found = world
        .plain
        .table
        .read(&[
            keys::signing_secret(tenant_id, &credential),
            keys::signing_credential(tenant_id, &credential),
        ])
        .await
        .unwrap();
    let whole = base64::engine::general_purpose::STANDARD.encode(key_file(RSA));
    for item in found.into_iter().flatten() {
        assert!(
            !item.body.contains(SECRET) && !item.body.contains(&whole[100..140]),
            "{}",
            item.kind
        );
    }
    let other: shared::base::id::Guid = desk.credential(RSA).await.parse().unwrap();
    let [one, two] =
        [&credential, &other].map(|credential| keys::signing_secret(tenant_id, credential));
    let mut items = world
        .plain
        .table
        .read(&[one.clone(), two.clone()])
        .await
        .unwrap();
    let moved = shared::store::Item {
        key: two,
        ..items.remove(0).unwrap()
    };
    world
        .plain
        .table
        .write(vec![shared::store::Write::Put(
            moved,
            shared::store::Condition::Always,
        )])
        .await
        .unwrap();
    let _held = world.hold_work().await;
    desk.sign(other.as_str()).await;
    assert!(
        world.deliver_job(&desk.job().await).await.is_err(),
        "it does not open in another's place"
    );
}

/// The handed out package is what a device gets.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_gets_the_signed_package() {
    let (world, tenant) = World::new().await;
    let desk = Desk::of(&world, tenant).await;
    let credential = desk.credential(RSA).await;
    desk.sign(&credential).await;
    let signed = desk.ended().await;
    world
        .post(
            &desk.tenant.cookie,
            &format!("{ADMIN}/appstore/additem"),
            json!({"guid": desk.app.guid()}),
        )
        .await;
    let session = world.store_session(&desk.tenant, "admin", "CUID1").await;
    let listed = world
        .call("POST", "/box/srv/1.1/mas/appstore/getstoreitems")
        .session(&session)
        .json(json!({}))
        .send()
        .await;
    let url = listed.json["list"][0]["binaries"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = url.strip_prefix("https://store.example").unwrap();
    let sent = world
        .call("GET", &format!("{path}&deviceId=CUID1"))
        .session(&session)
        .send()
        .await;
    let fetched = client::send("GET", sent.header("location"), &[], "")
        .await
        .unwrap();
    assert_eq!(fetched.bytes.len() as u64, signed.size);
    assert_eq!(signer(&fetched.bytes).as_deref(), Some(RSA_SIGNER));
}

#[test]
fn the_kind_of_a_job_is_what_the_stream_is_filtered_by() {
    assert_eq!(Job::KIND, "job");
}

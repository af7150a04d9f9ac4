//! A server that is killed in the middle of its work, again and again: what it acknowledged is
//! there afterwards, and nothing that nobody sent.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use appdepot_tests::PASSWORD;
use serde_json::{Value, json};
use shared::model::credentials::credential::MAX_KEYS;

use crate::server::{ADMIN, Member, Server, command};
use crate::uploads::apk;

const KILLS: u32 = 20;

const KEYS: &str = "/box/srv/1.1/ide/dev/api";

/// What was sent and what was acknowledged.
#[derive(Default)]
struct Ledger {
    sent: Mutex<BTreeSet<String>>,
    items: Mutex<BTreeMap<String, String>>,
    keys: Mutex<BTreeMap<String, String>>,
    groups: Mutex<BTreeMap<String, String>>,
    users: Mutex<BTreeMap<String, String>>,
    uploads: Mutex<Vec<Upload>>,
}

/// An upload whose bytes the storage took.
#[derive(Clone)]
struct Upload {
    id: String,
    item: String,
    file: Vec<u8>,
    attached: bool,
}

impl Ledger {
    /// Sends one creation, noted before and after.
    async fn create(
        &self,
        member: &Member,
        path: &str,
        name: &str,
        body: Value,
    ) -> Result<Value, String> {
        self.sent.lock().unwrap().insert(name.to_owned());
        let answer = member.try_post(path, &body).await?;
        assert_eq!(answer.status, 200, "{name}: {:?}", answer.bytes);
        Ok(answer.json())
    }

    async fn item(&self, member: &Member, name: &str) -> Result<String, String> {
        let made = self
            .create(
                member,
                &format!("{ADMIN}/storeitem/create"),
                name,
                json!({"name": name}),
            )
            .await?;
        let guid = made["guid"].as_str().expect("a guid").to_owned();
        self.items
            .lock()
            .unwrap()
            .insert(name.to_owned(), guid.clone());
        Ok(guid)
    }

    async fn items(&self, member: &Member, prefix: &str) -> Result<(), String> {
        for number in 0.. {
            self.item(member, &format!("{prefix}-{number}")).await?;
        }
        Ok(())
    }

    /// API keys as long as the administrator may have more, then users.
    async fn people(&self, member: &Member, prefix: &str) -> Result<(), String> {
        for number in 0.. {
            let name = format!("{prefix}-{number}");
            if self.keys.lock().unwrap().len() >= MAX_KEYS / 2 {
                let made = self
                    .create(
                        member,
                        &format!("{ADMIN}/user/create"),
                        &name,
                        json!({"username": name, "roles": "dev"}),
                    )
                    .await?;
                self.users
                    .lock()
                    .unwrap()
                    .insert(name, made["guid"].as_str().expect("a guid").to_owned());
                continue;
            }
            let made = self
                .create(
                    member,
                    &format!("{KEYS}/create"),
                    &name,
                    json!({"type": "user", "label": name}),
                )
                .await?;
            let key = made["apiKey"]["key"].as_str().expect("a key").to_owned();
            self.keys.lock().unwrap().insert(name, key);
        }
        Ok(())
    }

    async fn groups(&self, member: &Member, prefix: &str) -> Result<(), String> {
        for number in 0.. {
            let name = format!("{prefix}-{number}");
            let made = self
                .create(
                    member,
                    &format!("{ADMIN}/storeitemgroup/create"),
                    &name,
                    json!({"name": name}),
                )
                .await?;
            self.groups
                .lock()
                .unwrap()
                .insert(name, made["guid"].as_str().expect("a guid").to_owned());
        }
        Ok(())
    }

    async fn uploads(&self, member: &Member, prefix: &str, round: u32) -> Result<(), String> {
        for number in 0..100 {
            let item = self.item(member, &format!("{prefix}-{number}")).await?;
            let file = apk(1 + round * 100 + number);
            let prepared = member.prepare(&item, "android", file.len()).await?;
            let put = prepared.put(&file).await?;
            assert_eq!(put.status, 200, "{:?}", put.bytes);
            let at = {
                let mut uploads = self.uploads.lock().unwrap();
                uploads.push(Upload {
                    id: prepared.id.clone(),
                    item,
                    file,
                    attached: false,
                });
                uploads.len() - 1
            };
            // Only every other one waits for the verdict: the rest is killed while it is read.
            let mut waits = number % 2 == 1;
            while waits {
                let status = member.status(&prepared.id).await?;
                match status["state"].as_str() {
                    Some("waiting" | "reading") => {
                        tokio::time::sleep(Duration::from_millis(10)).await
                    }
                    Some("attached") => {
                        self.uploads.lock().unwrap()[at].attached = true;
                        waits = false;
                    }
                    _ => panic!("{status}"),
                }
            }
        }
        Ok(())
    }

    /// How much was acknowledged: items, uploads that the storage took, uploads that were attached.
    fn progress(&self) -> [usize; 3] {
        let uploads = self.uploads.lock().unwrap();
        [
            self.items.lock().unwrap().len(),
            uploads.len(),
            uploads.iter().filter(|upload| upload.attached).count(),
        ]
    }
}

fn by_name(list: &Value, name: &str, value: &str) -> BTreeMap<String, String> {
    let list = list["list"]
        .as_array()
        .unwrap_or_else(|| panic!("no list: {list}"));
    let text = |item: &Value, field: &str| {
        item[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field}: {item}"))
            .to_owned()
    };
    let found: BTreeMap<String, String> = list
        .iter()
        .map(|item| (text(item, name), text(item, value)))
        .collect();
    assert_eq!(found.len(), list.len(), "what was sent once is there once");
    found
}

/// All items, by pages.
async fn items(member: &Member) -> BTreeMap<String, String> {
    let mut all = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let mut body = json!({"limit": 500});
        if !cursor.is_null() {
            body["cursor"] = cursor;
        }
        let mut page = member.post(&format!("{ADMIN}/storeitem/list"), &body).await;
        all.append(page["list"].as_array_mut().expect("a list"));
        cursor = page["cursor"].take();
        if cursor.is_null() {
            return by_name(&json!({"list": all}), "name", "guid");
        }
    }
}

/// Looks for everything that was acknowledged, and for what nobody sent. Items in `seen` were read
/// before.
async fn verify(ledger: &Ledger, member: &Member, seen: &mut BTreeSet<String>) {
    let holds =
        |what: &str, found: &BTreeMap<String, String>, acknowledged: &BTreeMap<String, String>| {
            for (name, guid) in acknowledged {
                assert_eq!(
                    found.get(name),
                    Some(guid),
                    "the {what} {name} was acknowledged"
                );
            }
            let sent = ledger.sent.lock().unwrap();
            for name in found.keys() {
                assert!(sent.contains(name), "the {what} {name} was never sent");
            }
        };
    let found = items(member).await;
    holds("item", &found, &ledger.items.lock().unwrap());
    let mut keys = by_name(
        &member
            .post(&format!("{KEYS}/list"), &json!({"type": "user"}))
            .await,
        "label",
        "key",
    );
    for of_the_first_start in ["client settings", "Apperian client settings"] {
        keys.remove(of_the_first_start)
            .expect("a key of the first start");
    }
    holds("key", &keys, &ledger.keys.lock().unwrap());
    let groups = by_name(
        &member
            .post(&format!("{ADMIN}/storeitemgroup/list"), &json!({}))
            .await,
        "name",
        "guid",
    );
    holds("group", &groups, &ledger.groups.lock().unwrap());
    let users = member.post(&format!("{ADMIN}/user/list"), &json!({})).await;
    let list: Vec<Value> = users["list"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|user| json!({"name": user["fields"]["username"], "guid": user["guid"]}))
        .collect();
    let mut users = by_name(&json!({"list": list}), "name", "guid");
    users
        .remove("admin@example.com")
        .expect("the administrator");
    holds("user", &users, &ledger.users.lock().unwrap());

    for (name, guid) in &found {
        if seen.insert(guid.clone()) {
            assert_eq!(
                member.read(guid).await["name"],
                name.as_str(),
                "what is listed is whole"
            );
        }
    }
    let uploads = ledger.uploads.lock().unwrap().clone();
    for upload in uploads
        .iter()
        .filter(|upload| !upload.attached || seen.insert(upload.id.clone()))
    {
        let status = member.ended(&upload.id, Duration::from_secs(20)).await;
        assert_eq!(status["state"], "attached", "{status}");
        assert_eq!(status["storeItemBinaryVersion"], 1, "once");
        let installed = member.install(&upload.item).await;
        assert_eq!(installed.status, 200, "{:?}", installed.bytes);
        assert!(
            installed.bytes == upload.file,
            "every byte of {} is as it was sent",
            upload.id
        );
        let binaries = &member.read(&upload.item).await["binaries"];
        assert_eq!(
            (binaries.as_array().map(Vec::len), &binaries[0]["versions"]),
            (Some(1), &json!([])),
            "{binaries}"
        );
    }
    for upload in ledger.uploads.lock().unwrap().iter_mut() {
        upload.attached = true;
        seen.insert(upload.id.clone());
    }
}

fn random_pause() -> Duration {
    let [high, low] = shared::base::id::random_bytes::<2>();
    Duration::from_millis(20 + u64::from(u16::from_be_bytes([high, low])) % 281)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_twenty_kills() {
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let ledger = Arc::new(Ledger::default());
    let mut seen = BTreeSet::new();
    let mut interrupted = 0;
    let server = Server::start(folder.path()).await;
    let admin = server.admin().await;
    assert_eq!(server.stop().await.code, Some(0));

    for round in 0..KILLS {
        let mut server = Server::start(folder.path()).await;
        let member = admin.at(&server);
        // After every other kill at once into the next, with what the last one left undone.
        if round % 2 == 0 {
            verify(&ledger, &member, &mut seen).await;
        }
        let before = ledger.progress();
        let clients: Vec<_> = (0..6)
            .map(|client| {
                let (ledger, member, prefix) = (
                    Arc::clone(&ledger),
                    member.clone(),
                    format!("round {round} client {client}"),
                );
                tokio::spawn(async move {
                    match client {
                        0 => ledger.people(&member, &prefix).await,
                        1 => ledger.groups(&member, &prefix).await,
                        2 => ledger.uploads(&member, &prefix, round).await,
                        _ => ledger.items(&member, &prefix).await,
                    }
                })
            })
            .collect();
        // At a random moment after the first item, the first upload, or the first that was
        // attached.
        let kind = [0, 1, 0, 2][round as usize % 4];
        let acknowledged = async {
            while ledger.progress()[kind] == before[kind] {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), acknowledged)
            .await
            .expect("something is acknowledged");
        tokio::time::sleep(random_pause()).await;
        server.kill().await;
        for client in clients {
            // Each ends with the connection that broke.
            client
                .await
                .expect("a client")
                .expect_err("the server is gone");
        }
        interrupted += ledger
            .uploads
            .lock()
            .unwrap()
            .iter()
            .filter(|upload| !upload.attached)
            .count();
    }
    let server = Server::start(folder.path()).await;
    verify(&ledger, &admin.at(&server), &mut seen).await;
    assert_eq!(server.stop().await.code, Some(0));

    let counts = [
        ledger.items.lock().unwrap().len(),
        ledger.keys.lock().unwrap().len(),
        ledger.groups.lock().unwrap().len(),
    ];
    let uploads = ledger.uploads.lock().unwrap().len();
    eprintln!(
        "{KILLS} kills in {:?}: items, keys, groups {counts:?}, uploads {uploads}, of which \
        {interrupted} were killed before their verdict",
        started.elapsed()
    );
    assert!(
        counts.iter().sum::<usize>() >= 100 && interrupted > 0,
        "the kills met no work: {counts:?}, {uploads}, {interrupted}"
    );
}

/// A first start makes a key, a database, a tenant and files: whatever of it was done, the next
/// start does the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_is_killed_is_made_up_for() {
    for round in 0..12_u64 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("started");
        tokio::time::sleep(Duration::from_millis(round * 12)).await;
        child.kill().await.expect("killed");
        let server = Server::start(folder.path()).await;
        let admin = server.admin().await;
        assert_eq!(admin.item("The first").await.len(), 24);
        let settings = std::fs::read_to_string(folder.path().join("clients/fhcrc"))
            .expect("settings of clients");
        let key = settings
            .lines()
            .find_map(|line| line.strip_prefix("user_api_key = "))
            .expect("a key");
        let listed = server
            .json(
                "POST",
                &format!("{ADMIN}/storeitem/list"),
                &[("x-fh-auth-user", key)],
                &json!({}),
            )
            .await
            .unwrap();
        assert_eq!(
            (listed.status, &listed.json()["count"]),
            (200, &json!(1)),
            "round {round}"
        );
        assert_eq!(
            super::token(&super::wso2_client(folder.path()), PASSWORD)
                .await
                .status,
            200,
            "round {round}"
        );
    }
}

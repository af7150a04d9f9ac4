//! The fast local endpoint, the few records behind it, and the requests that read them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use shared::base::clock::{Clock, SystemClock};
use shared::base::id::{Guid, TenantId};
use shared::base::rights::{Permission, Rights, Role};
use shared::base::secret::CredentialText;
use shared::base::text::Name;
use shared::domain::apps::making;
use shared::domain::apps::making::NewApp;
use shared::domain::people::tenant;
use shared::domain::people::tenant::NewTenant;
use shared::http::routes;
use shared::http::routes::Route;
use shared::model::apps::app::App;
use shared::model::credentials::credential::{Credential, Purpose};
use shared::model::people::principal::{Means, Principal};
use shared::model::people::user::Owner;
use shared::services::sealing::{FileKeeper, Sealer};
use shared::store::record::Reader;
use shared::store::{Item, Key, Page, Query, StoreError, Table, Write, keys, record};

use crate::failure::Failure;
use crate::http::{self, Head, Server};

/// The table that the functions are told to use.
pub const TABLE: &str = "appdepot";

/// The bucket that the functions are told to use.
pub const BUCKET: &str = "appdepot";

/// The tenant of all records here.
pub const TENANT: &str = "bench";

/// The key in the functions' key file.
const KEY: [u8; 32] = [7; 32];

/// A tenant with its administrator, who is signed in, and an app.
pub struct Scene {
    /// The administrator's session: what the cookie holds.
    pub session: CredentialText,
    /// The app.
    pub app: App,
    /// Their records.
    pub items: Vec<Item>,
}

/// A table that holds nothing and keeps what is written to it.
#[derive(Default)]
struct Recorder(Mutex<Vec<Item>>);

#[async_trait]
impl Table for Recorder {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        Ok(vec![None; keys.len()])
    }

    async fn query(&self, _query: &Query) -> Result<Page, StoreError> {
        Ok(Page {
            items: Vec::new(),
            next: None,
        })
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let items = writes.into_iter().filter_map(|write| {
            if let Write::Put(item, _) = write {
                Some(item)
            } else {
                None
            }
        });
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(items);
        Ok(())
    }
}

/// A caller who may do everything.
pub fn administrator(user: Guid) -> Principal {
    let owner = Owner {
        user,
        username: "admin@example.com".to_owned(),
        email: "admin@example.com".to_owned(),
        roles: Role::ALL.to_vec(),
        groups: Vec::new(),
        teams: Vec::new(),
        enabled: true,
        blacklisted: false,
    };
    let tenant_id = TenantId::of_name(TENANT);
    let credential = CredentialText::new_session(tenant_id, &owner.user).hash();
    Principal {
        tenant_id,
        domain: TENANT.to_owned(),
        owner,
        rights: Rights::ALL,
        means: Means::Session,
        credential,
    }
}

impl Scene {
    /// Makes it, as the functions themselves would write it.
    ///
    /// # Errors
    /// When the domain refuses these records.
    pub async fn new() -> Result<Self, Failure> {
        let now = SystemClock.now();
        let recorder = Recorder::default();
        let new = NewTenant {
            name: TENANT,
            admin_email: "admin@example.com",
            admin_password: "nobody signs in here",
        };
        let made = tenant::create(&recorder, &Sealer::new(FileKeeper::new(KEY)), new, now).await?;
        let session = CredentialText::new_session(made.tenant_id, &made.admin);
        let expires = Some(now.plus_seconds(24 * 3_600));
        let credential = Credential {
            purpose: Purpose::Session,
            domain: TENANT.to_owned(),
            created: now,
            generation: 1,
            expires,
            owner: None,
        };
        recorder
            .write(vec![record::create(
                keys::credential(made.tenant_id, &session.hash()),
                &credential,
            )?])
            .await?;
        let mut reader = Reader::new(&recorder, now);
        let name = Name::new("Field Service".to_owned()).ok_or("not a name")?;
        let app = making::create(
            &mut reader,
            &administrator(made.admin),
            name,
            &NewApp::default(),
        )
        .await?;
        Ok(Self {
            session,
            app,
            items: recorder
                .0
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// The event by which API Gateway sends the authorised read of one item.
    pub fn read_event(&self) -> Vec<u8> {
        self.event("POST", "/box/srv/1.1/admin/storeitem/read")
    }

    /// The event of a request to one of a function's routes, and its path. A route that reads goes
    /// before others, and one that asks for a credential before an open one.
    pub fn event_for(&self, function: &str) -> Option<(Vec<u8>, String)> {
        let rows = routes::all()
            .into_iter()
            .find(|summary| summary.name == function)?
            .rows;
        let reads = |row: &&Route| {
            ["Read", "List", "Get"]
                .iter()
                .any(|word| row.operation.starts_with(word))
        };
        let closed = |row: &&Route| row.permission != Permission::Open;
        let row = rows
            .iter()
            .find(|row| closed(row) && reads(row))
            .or_else(|| rows.iter().find(closed))
            .or(rows.first())?;
        let user = self.session.user()?;
        let segments = row.path.split('/').map(|segment| match segment {
            "{domain}" => TENANT.to_owned(),
            other if other.starts_with('{') => user.to_string(),
            other => other.to_owned(),
        });
        let path = segments.collect::<Vec<_>>().join("/");
        Some((self.event(row.method.as_str(), &path), path))
    }

    fn event(&self, method: &str, path: &str) -> Vec<u8> {
        let body = json!({ "guid": self.app.id.guid(), "type": "user" }).to_string();
        json!({
            "version": "2.0",
            "routeKey": "ANY /{proxy+}",
            "rawPath": path,
            "rawQueryString": "",
            "cookies": [format!("feedhenry={}", self.session.expose())],
            "headers": {
                "accept": "*/*",
                "content-length": body.len().to_string(),
                "content-type": "application/json",
                "host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
                "user-agent": "curl/8.5.0",
                "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
                "x-forwarded-for": "192.0.2.1",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "abcdefghij",
                "domainName": "abcdefghij.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "abcdefghij",
                "http": {
                    "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "curl/8.5.0",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": "ANY /{proxy+}",
                "stage": "$default",
                "time": "10/Mar/2026:05:16:23 +0000",
                "timeEpoch": 1_773_119_783_638_i64,
            },
            "body": body,
            "isBase64Encoded": false,
        })
        .to_string()
        .into_bytes()
    }
}

/// An item as DynamoDB's protocol writes it.
fn wire(item: &Item) -> Value {
    let mut attributes = json!({
        "pk": { "S": item.key.pk },
        "sk": { "S": item.key.sk },
        "kind": { "S": item.kind },
        "v": { "N": item.schema.to_string() },
        "rev": { "N": item.rev.to_string() },
        "d": { "S": item.body },
        "n": { "N": item.count.to_string() },
    });
    if let Some(owner) = &item.owner {
        attributes["own"] = json!({ "S": owner });
    }
    if let Some(expires) = item.expires {
        attributes["expires"] = json!({ "N": expires.to_string() });
    }
    attributes
}

/// A key of the protocol: partition and sort key.
fn key_of(key: &Value) -> (String, String) {
    let text = |name: &str| key[name]["S"].as_str().unwrap_or_default().to_owned();
    (text("pk"), text("sk"))
}

/// The answer to a call.
fn answer(items: &BTreeMap<(String, String), Value>, call: &str, request: &Value) -> Value {
    match call {
        "BatchGetItem" => {
            let keys = request["RequestItems"][TABLE]["Keys"].as_array();
            let found: Vec<&Value> = keys
                .into_iter()
                .flatten()
                .filter_map(|key| items.get(&key_of(key)))
                .collect();
            json!({ "Responses": { TABLE: found }, "UnprocessedKeys": {} })
        }
        "GetItem" => items
            .get(&key_of(&request["Key"]))
            .map_or_else(|| json!({}), |item| json!({ "Item": item })),
        "Query" => {
            let value = |name: &str| {
                request["ExpressionAttributeValues"][name]["S"]
                    .as_str()
                    .unwrap_or_default()
            };
            let (pk, prefix) = (value(":pk"), value(":prefix"));
            let found: Vec<&Value> = items
                .iter()
                .filter(|((of, sk), _)| of == pk && sk.starts_with(prefix))
                .map(|(_, item)| item)
                .collect();
            json!({ "Count": found.len(), "ScannedCount": found.len(), "Items": found })
        }
        _ => json!({}),
    }
}

/// The endpoint: it speaks DynamoDB's protocol, keeps nothing that is written, and as S3 finds
/// every object missing.
///
/// # Errors
/// When there is no port to listen on.
pub fn endpoint(scene: &Scene) -> Result<Server, Failure> {
    let items: BTreeMap<_, _> = scene
        .items
        .iter()
        .map(|item| ((item.key.pk.clone(), item.key.sk.clone()), wire(item)))
        .collect();
    Ok(Server::start(move |mut from, mut to| {
        while let Some(head) = Head::read(&mut from)? {
            let body = http::read_body(&mut from, head.framing())?;
            match head
                .header("x-amz-target")
                .and_then(|target| target.rsplit_once('.'))
            {
                None => http::answer(&mut to, "404 Not Found", &[], b"")?,
                Some((_, call)) => {
                    let answer = answer(&items, call, &serde_json::from_slice(&body)?).to_string();
                    let headers = [
                        ("content-type", "application/x-amz-json-1.0"),
                        (
                            "x-amzn-requestid",
                            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEF",
                        ),
                    ];
                    http::answer(&mut to, "200 OK", &headers, answer.as_bytes())?;
                }
            }
        }
        Ok(())
    })?)
}

/// The environment of a function, beside what Lambda sets.
///
/// # Errors
/// When the key file cannot be written.
pub fn environment(
    folder: &Path,
    dynamodb: &str,
    s3: &str,
) -> Result<Vec<(String, OsString)>, Failure> {
    let key_file = folder.join("key");
    fs::write(&key_file, KEY)?;
    let texts = [
        ("APPDEPOT_TABLE", TABLE),
        ("APPDEPOT_BUCKET", BUCKET),
        ("APPDEPOT_TENANT", TENANT),
        ("APPDEPOT_DYNAMODB_ENDPOINT", dynamodb),
        ("APPDEPOT_S3_ENDPOINT", s3),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local-secret"),
    ];
    let mut environment: Vec<(String, OsString)> = texts
        .map(|(name, value)| (name.to_owned(), value.into()))
        .to_vec();
    environment.push(("APPDEPOT_KEY_FILE".to_owned(), key_file.into()));
    Ok(environment)
}

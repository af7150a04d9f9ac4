//! The fast local endpoint: it answers every read with the same few records, and the requests that read them.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use shared::access::{Means, Permission, Principal, Role};
use shared::clock::{Clock, SystemClock};
use shared::domain::app::{self, AppCard, Changes};
use shared::domain::credential::{Credential, Purpose};
use shared::domain::text::Name;
use shared::domain::user::{self, NewUser, Owner};
use shared::id::{Guid, Handle};
use shared::records::{self, Reader};
use shared::routes::{self, Row};
use shared::secret::CredentialText;
use shared::store::{Item, Key, Page, Query, StoreError, Table, Write, keys};

use crate::Failure;
use crate::http::{self, Head, Server};

/// The table that the functions are told to use.
pub const TABLE: &str = "appdepot";
/// The bucket that the functions are told to use.
pub const BUCKET: &str = "appdepot";

/// The tenant of all records here.
pub const TENANT: &str = "bench";

/// A member who may do everything, and an app.
pub struct Scene {
    /// The member's session: what the cookie holds.
    pub session: CredentialText,
    /// The app.
    pub app: AppCard,
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
        Ok(Page { items: Vec::new(), next: None })
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let items = writes.into_iter().filter_map(|write| if let Write::Put(item, _) = write { Some(item) } else { None });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(items);
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
        enabled: true,
        blacklisted: false,
    };
    let handle = Handle::of_name(TENANT);
    let credential = CredentialText::new_session(handle, &owner.user).hash();
    Principal { handle, domain: TENANT.to_owned(), owner, means: Means::Session, credential }
}

impl Scene {
    /// Makes it, as the functions themselves would write it.
    ///
    /// # Errors
    /// When the domain refuses these records.
    pub async fn new() -> Result<Self, Failure> {
        let (handle, now) = (Handle::of_name(TENANT), SystemClock.now());
        let recorder = Recorder::default();
        let new = NewUser {
            username: "admin@example.com",
            email: "admin@example.com",
            name: "Administrator",
            roles: Role::ALL.to_vec(),
            password_hash: String::new(),
            aliases: &[],
        };
        let (user, writes) = user::create(handle, new, now)?;
        recorder.write(writes).await?;
        let session = CredentialText::new_session(handle, &user);
        let expires = Some(now.plus_seconds(24 * 3_600));
        let credential = Credential { purpose: Purpose::Session, domain: TENANT.to_owned(), created: now, expires, owner: None };
        recorder.write(vec![records::create(keys::credential(handle, &session.hash()), &credential)?]).await?;
        let mut reader = Reader::new(&recorder, now);
        let name = Name::new("Field Service".to_owned()).ok_or("not a name")?;
        let app = app::create(&mut reader, &administrator(user), name, &Changes::default()).await?;
        let items = recorder.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Self { session, app, items: items.into_iter().filter(|item| item.kind != "sign-in").collect() })
    }

    /// The event by which API Gateway sends the authorised read of one item.
    pub fn read_event(&self) -> Vec<u8> {
        self.event("POST", "/box/srv/1.1/admin/storeitem/read")
    }

    /// The event of a request to one of a function's routes, and its path. A route that reads goes before others, and one
    /// that asks for a credential before an open one.
    pub fn event_for(&self, function: &str) -> Option<(Vec<u8>, String)> {
        let rows = routes::all().into_iter().find(|summary| summary.name == function)?.rows;
        let reads = |row: &&Row| ["Read", "List", "Get"].iter().any(|word| row.operation.starts_with(word));
        let closed = |row: &&Row| row.permission != Permission::Open;
        let row = rows.iter().find(|row| closed(row) && reads(row)).or_else(|| rows.iter().find(closed)).or(rows.first())?;
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
                "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "curl/8.5.0" },
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

/// The endpoint: DynamoDB's protocol; S3 finds every object missing.
///
/// # Errors
/// When there is no port to listen on.
pub fn endpoint(scene: &Scene) -> Result<Server, Failure> {
    let items: Vec<Value> = scene.items.iter().map(wire).collect();
    let batch = json!({ "Responses": { TABLE: items }, "UnprocessedKeys": {} }).to_string();
    Ok(Server::start(move |mut from, mut to| {
        while let Some(head) = Head::read(&mut from)? {
            http::read_body(&mut from, head.framing())?;
            let json = [("content-type", "application/x-amz-json-1.0"), ("x-amzn-requestid", "BENCH0000000000000000000000000000000000000000000000")];
            match head.header("x-amz-target").and_then(|target| target.rsplit_once('.')).map(|(_, call)| call) {
                Some("BatchGetItem") => http::answer(&mut to, "200 OK", &json, batch.as_bytes())?,
                Some("Query") => http::answer(&mut to, "200 OK", &json, br#"{"Count":0,"Items":[],"ScannedCount":0}"#)?,
                Some(_) => http::answer(&mut to, "200 OK", &json, b"{}")?,
                None => http::answer(&mut to, "404 Not Found", &[], b"")?,
            }
        }
        Ok(())
    })?)
}

/// The environment of a function, beside what Lambda sets.
///
/// # Errors
/// When the key file cannot be written.
pub fn environment(folder: &Path, dynamodb: &str, s3: &str) -> Result<Vec<(String, OsString)>, Failure> {
    let key_file = folder.join("key");
    fs::write(&key_file, [7; 32])?;
    let texts = [
        ("APPDEPOT_TABLE", TABLE),
        ("APPDEPOT_BUCKET", BUCKET),
        ("APPDEPOT_TENANT", TENANT),
        ("APPDEPOT_DYNAMODB_ENDPOINT", dynamodb),
        ("APPDEPOT_S3_ENDPOINT", s3),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local-secret"),
    ];
    let mut environment: Vec<(String, OsString)> = texts.map(|(name, value)| (name.to_owned(), value.into())).to_vec();
    environment.push(("APPDEPOT_KEY_FILE".to_owned(), key_file.into()));
    Ok(environment)
}

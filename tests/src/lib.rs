//! A world for tests: the functions behind the gateway's events, on embedded stores, with a clock
//! that can be moved and a table that counts and fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use embedded_store::{AttributeValue, EmbeddedStore, ObjectCreated, Settings as StoreSettings};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use local_gateway::event::{self, Incoming};
use local_gateway::functions::Functions;
use local_gateway::stack::{Addresses, ensure_key_file};
use local_gateway::{uploads, work};
use serde_json::{Value, json};
use shared::base::clock::{Clock, ShiftedClock};
use shared::base::id::{Guid, TenantId};
use shared::base::rights::{Role, Scopes};
use shared::base::secret::{CredentialText, hash_password};
use shared::domain::people::tenant::NewTenant;
use shared::domain::people::user::NewUser;
use shared::domain::people::{auth_policy, tenant, user};
use shared::model::apps::processing::Job;
use shared::model::credentials::credential::{Credential, Purpose};
use shared::model::people::user::User;
use shared::services::context::{Context, Settings};
use shared::services::mail::Outbox;
use shared::store::record::{Reader, Record as _, Stored};
use shared::store::wrappers::{CountingTable, FailingTable, TellingTable};
use shared::store::{Item, Key, Table, Write, keys, record};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::consistency::Seen;
use crate::noted::{Notes, NotingTable};

pub mod catalogue;

pub mod client;

pub mod consistency;

pub mod noted;

pub mod pingid;

pub mod providers;

pub mod requests;

/// The password of everybody in a world.
pub const PASSWORD: &str = "correct horse battery staple";

/// The table of a world: counted outside, failing inside.
pub type TestTable = CountingTable<Arc<FailingTable<Arc<dyn Table>>>>;

/// Everything, in memory.
pub struct World {
    /// The functions.
    pub functions: Functions,
    /// What the functions work with: the counted and failing table.
    pub context: Context,
    /// The same stores, neither counted nor failing: for preparing and looking.
    pub plain: Context,
    /// Counts the functions' calls.
    pub counting: Arc<TestTable>,
    /// Makes the functions' calls fail.
    pub failing: Arc<FailingTable<Arc<dyn Table>>>,
    /// The clock of all of them.
    pub clock: Arc<ShiftedClock>,
    /// The addresses of the stores.
    pub addresses: Addresses,
    /// The stores.
    pub store: EmbeddedStore,
    /// What was mailed.
    pub outbox: Outbox,
    notes: Notes,
    seen: tokio::sync::Mutex<Seen>,
    processing: Arc<Semaphore>,
    work_is_held: Arc<AtomicBool>,
    _folder: tempfile::TempDir,
    reader: tokio::task::JoinHandle<()>,
    worker: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.reader.abort();
        self.worker.abort();
    }
}

/// Keeps the worker of a world from beginning further jobs.
pub struct HeldWork {
    _permit: OwnedSemaphorePermit,
    is_held: Arc<AtomicBool>,
}

impl Drop for HeldWork {
    fn drop(&mut self) {
        self.is_held.store(false, Ordering::SeqCst);
    }
}

/// A tenant of a world with its administrator's cookie.
#[derive(Clone, Debug)]
pub struct TestTenant {
    /// Its name.
    pub domain: String,
    /// Its handle.
    pub tenant_id: TenantId,
    /// Its store's guid.
    pub store: Guid,
    /// The administrator's guid.
    pub admin: Guid,
    /// The administrator's cookie value.
    pub cookie: String,
}

impl World {
    /// A new world with the tenant `dev`, in which each upload's event is delivered once.
    pub async fn new() -> (Self, TestTenant) {
        Self::with_deliveries(1).await
    }

    /// A new world in which each upload's event is delivered so often, one after the other.
    pub async fn with_deliveries(deliveries: usize) -> (Self, TestTenant) {
        // Providers of identity that a test starts are on this machine.
        let base_domain = Some("apps.example".to_owned());
        let settings = Settings {
            scheme: "https".to_owned(),
            base_domain,
            reset_millis: 1,
            allow_private_addresses: true,
            ..Settings::default()
        };
        Self::with_settings(settings, deliveries).await
    }

    /// A new world whose deployment reaches public addresses alone, as deployments do that nobody
    /// told otherwise.
    pub async fn of_public_addresses() -> (Self, TestTenant) {
        Self::with_settings(Self::public_settings(), 1).await
    }

    /// The parameters of such a deployment.
    pub fn public_settings() -> Settings {
        Settings {
            scheme: "https".to_owned(),
            base_domain: Some("apps.example".to_owned()),
            reset_millis: 1,
            ..Settings::default()
        }
    }

    /// The same in a deployment with these parameters.
    pub async fn with_settings(deployment: Settings, deliveries: usize) -> (Self, TestTenant) {
        // At its real cost, hashing passwords would take two fifths of the longest test program.
        #[cfg(debug_assertions)]
        shared::base::secret::hash_cheaply_in_tests();
        let mut store = EmbeddedStore::start(StoreSettings::in_memory())
            .await
            .expect("the stores start");
        let folder = tempfile::tempdir().expect("a folder");
        let key_file = folder.path().join("key");
        ensure_key_file(&key_file).expect("a key file");
        let settings = StoreSettings::in_memory();
        let addresses = Addresses {
            dynamodb: store.dynamodb_endpoint(),
            s3: store.s3_endpoint(),
            table: settings.table,
            bucket: store.bucket().to_owned(),
            access_key: settings.access_key,
            secret_key: settings.secret_key,
            key_file,
        };
        let clock = Arc::new(ShiftedClock::default());
        let outbox = Outbox::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let stores = addresses
            .context(deployment, Arc::clone(&clock) as Arc<dyn Clock>)
            .expect("a context")
            .with_mailer(Arc::new(outbox.clone()));
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let notes = Notes::default();
        let noting = NotingTable::new(Arc::clone(&stores.table), notes.clone());
        let telling = TellingTable::new(noting, Job::KIND, tell);
        let plain = stores.clone().with_table(Arc::new(telling));
        let failing = Arc::new(FailingTable::new(Arc::clone(&plain.table)));
        let counting = Arc::new(CountingTable::new(Arc::clone(&failing)));
        let context = plain
            .clone()
            .with_table(Arc::clone(&counting) as Arc<dyn Table>);
        let functions = Functions::new(&context).expect("the functions");
        let mut arrivals = store.take_events();
        let readers = plain.clone();
        let reader = tokio::spawn(async move {
            while let Some(created) = arrivals.recv().await {
                if created.key.starts_with(keys::INCOMING) {
                    let context = readers.clone();
                    tokio::spawn(async move {
                        for _ in 0..deliveries {
                            read_until_done(&context, &created).await;
                        }
                    });
                }
            }
        });
        let processing = Arc::new(Semaphore::new(1));
        let (workers, free) = (plain.clone(), Arc::clone(&processing));
        let worker = tokio::spawn(async move {
            while let Some(key) = told.recv().await {
                for _ in 0..deliveries {
                    let _free = free.acquire().await;
                    work_until_done(&workers, &key).await;
                }
            }
        });
        let world = Self {
            functions,
            context,
            plain,
            counting,
            failing,
            clock,
            addresses,
            store,
            outbox,
            notes,
            seen: tokio::sync::Mutex::default(),
            processing,
            work_is_held: Arc::default(),
            _folder: folder,
            reader,
            worker,
        };
        let tenant = world.tenant("dev").await;
        (world, tenant)
    }

    /// Makes a tenant and signs its administrator `admin@<name>.example` in.
    pub async fn tenant(&self, name: &str) -> TestTenant {
        let email = format!("admin@{name}.example");
        let new = NewTenant {
            name,
            admin_email: &email,
            admin_password: PASSWORD,
        };
        let sealer = self.plain.sealer().expect("a sealer");
        let made = tenant::create(&*self.plain.table, sealer, new, self.plain.clock.now())
            .await
            .expect("a tenant");
        let cookie = self.sign_in(name, &email).await;
        TestTenant {
            domain: name.to_owned(),
            tenant_id: made.tenant_id,
            store: made.store,
            admin: made.admin,
            cookie,
        }
    }

    /// Makes a user with these roles and gives his guid and cookie.
    pub async fn user(
        &self,
        tenant: &TestTenant,
        username: &str,
        roles: Vec<Role>,
    ) -> (Guid, String) {
        let guid = self.add_user(tenant, username, roles).await;
        let cookie = self.sign_in(&tenant.domain, username).await;
        (guid, cookie)
    }

    /// Makes a user with these roles, who has not signed in.
    pub async fn add_user(&self, tenant: &TestTenant, username: &str, roles: Vec<Role>) -> Guid {
        let new = NewUser {
            username,
            email: username,
            name: username,
            roles,
            password_hash: Some(hash_password(PASSWORD).expect("a hash")),
            aliases: &[],
        };
        let (user, mut writes): (User, Vec<Write>) =
            user::create(tenant.tenant_id, new, self.plain.clock.now()).expect("a user");
        let mut reader = Reader::new(&*self.plain.table, self.plain.clock.now());
        let guid = user.owner.user.clone();
        let registered = user::registered(
            &mut reader,
            tenant.tenant_id,
            &guid,
            false,
            user.is_full_administrator(),
        )
        .await;
        writes.extend(registered.expect("the register is read"));
        self.plain
            .table
            .write(writes)
            .await
            .expect("a user is written");
        guid
    }

    /// Puts items into the table past DynamoDB's protocol, for so many of them that the protocol
    /// would take minutes; then sees that the table gives them back as they are.
    pub async fn import(&self, items: Vec<Item>) {
        let rows = items.iter().map(|item| {
            let text = |value: &str| AttributeValue::S(value.to_owned());
            let number = |value: i64| AttributeValue::N(value.to_string());
            let mut row = HashMap::from([
                ("pk".to_owned(), text(&item.key.pk)),
                ("sk".to_owned(), text(&item.key.sk)),
                ("kind".to_owned(), text(&item.kind)),
                ("v".to_owned(), number(i64::from(item.schema))),
                ("rev".to_owned(), AttributeValue::N(item.rev.to_string())),
                ("d".to_owned(), text(&item.body)),
                ("n".to_owned(), number(item.count)),
            ]);
            if let Some(owner) = &item.owner {
                row.insert("own".to_owned(), text(owner));
            }
            if let Some(expires) = item.expires {
                row.insert("expires".to_owned(), number(expires));
            }
            row
        });
        self.store
            .import_items(&self.addresses.table, rows.collect())
            .await
            .expect("items are imported");
        self.notes.add(items.iter().map(|item| item.key.clone()));
        for item in items.iter().take(1).chain(items.last()) {
            let found = self.plain.table.read(std::slice::from_ref(&item.key)).await;
            assert_eq!(found.expect("the table is read"), [Some(item.clone())]);
        }
    }

    /// A bearer token that stands for a user, with these scopes, as a client gets one.
    pub async fn bearer(&self, tenant: &TestTenant, user: &Guid, scopes: &str) -> String {
        let now = self.plain.clock.now();
        let generation = self.user_record(tenant, user).await.value.generation;
        let text = CredentialText::new_bearer(tenant.tenant_id, user);
        let purpose = Purpose::Bearer {
            scopes: Scopes::named(scopes),
            client: Guid::random(),
            refresh: None,
        };
        let credential = Credential {
            purpose,
            domain: tenant.domain.clone(),
            created: now,
            generation,
            expires: Some(now.plus_seconds(3_600)),
            owner: None,
        };
        let write = record::create(
            keys::credential(tenant.tenant_id, &text.hash()),
            &credential,
        )
        .expect("a credential");
        self.plain
            .table
            .write(vec![write])
            .await
            .expect("a token is written");
        text.expose().to_owned()
    }

    /// A token of the Apperian API that stands for a user, as he gets one by signing in.
    pub async fn token(&self, tenant: &TestTenant, user: &Guid) -> String {
        let now = self.plain.clock.now();
        let generation = self.user_record(tenant, user).await.value.generation;
        let text = CredentialText::new_user_token(tenant.tenant_id, user);
        let expires = Some(now.plus_seconds(3_600));
        let credential = Credential {
            purpose: Purpose::UserToken,
            domain: tenant.domain.clone(),
            created: now,
            generation,
            expires,
            owner: None,
        };
        let write = record::create(
            keys::credential(tenant.tenant_id, &text.hash()),
            &credential,
        )
        .expect("a credential");
        self.plain
            .table
            .write(vec![write])
            .await
            .expect("a token is written");
        text.expose().to_owned()
    }

    /// A user's record.
    pub async fn user_record(&self, tenant: &TestTenant, user: &Guid) -> Stored<User> {
        let mut reader = Reader::new(&*self.plain.table, self.plain.clock.now());
        let found: Option<Stored<User>> = reader
            .get(&keys::user(tenant.tenant_id, user))
            .await
            .expect("the store answers");
        found.expect("the user is there")
    }

    /// Gives a user these roles in place of his own.
    pub async fn set_roles(&self, tenant: &TestTenant, user: &Guid, roles: Vec<Role>) {
        let mut reader = Reader::new(&*self.plain.table, self.plain.clock.now());
        let mut found = self.user_record(tenant, user).await;
        let before = found.value.clone();
        found.value.owner.roles = roles;
        let writes = user::changed(&mut reader, tenant.tenant_id, &before, found)
            .await
            .expect("the writes");
        self.plain
            .table
            .write(writes)
            .await
            .expect("the roles are written");
    }

    /// Makes a policy of type FEEDHENRY that is on nothing.
    pub async fn add_policy(&self, tenant: &TestTenant, policy_id: &str) -> Guid {
        let (guid, writes) =
            auth_policy::create_built_in(tenant.tenant_id, policy_id).expect("a policy");
        self.plain
            .table
            .write(writes)
            .await
            .expect("a policy is written");
        guid
    }

    /// Signs a member in and gives the cookie's value.
    pub async fn sign_in(&self, domain: &str, username: &str) -> String {
        let answer = self
            .call("POST", "/box/srv/1.1/act/sys/auth/login")
            .json(json!({"u": username, "p": PASSWORD, "d": domain}))
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["login"].as_str().expect("a cookie").to_owned()
    }

    /// Signs a user of the store in on a device and gives the session.
    pub async fn store_session(&self, tenant: &TestTenant, username: &str, cuid: &str) -> String {
        self.store_session_by(tenant, auth_policy::BUILT_IN, username, cuid)
            .await
    }

    /// The same through the policy of that id.
    pub async fn store_session_by(
        &self,
        tenant: &TestTenant,
        policy_id: &str,
        username: &str,
        cuid: &str,
    ) -> String {
        let body = json!({
            "policyId": policy_id,
            "clientToken": tenant.store,
            "device": cuid,
            "params": {"userId": username, "password": PASSWORD},
        });
        let answer = self
            .call("POST", "/box/srv/1.1/admin/authpolicy/auth")
            .json(body)
            .send()
            .await;
        assert_eq!(answer.json["status"], "ok", "{}", answer.text);
        answer.json["sessionToken"]
            .as_str()
            .expect("a session")
            .to_owned()
    }

    /// A request to the API.
    pub fn call(&self, method: &str, path_and_query: &str) -> Call<'_> {
        let (path, query) = path_and_query
            .split_once('?')
            .unwrap_or((path_and_query, ""));
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("store.example"));
        let method = method.parse().expect("a method");
        let source = "192.0.2.7".to_owned();
        Call {
            world: self,
            incoming: Incoming {
                method,
                path: path.to_owned(),
                query: query.to_owned(),
                headers,
                body: Bytes::new(),
                source,
            },
        }
    }

    /// A POST of JSON by a member with that cookie, which must succeed.
    pub async fn post(&self, cookie: &str, path: &str, body: Value) -> Value {
        let answer = self
            .call("POST", path)
            .cookie(cookie)
            .json(body)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json
    }

    /// Uploads a file through `uploadbinary`, as fhc sends it.
    pub async fn upload(&self, cookie: &str, guid: &str, kind: &str, file: &[u8]) -> Answer {
        let parts = [("type", kind), ("guid", guid)];
        self.call("POST", "/box/srv/1.1/admin/storeitem/uploadbinary")
            .cookie(cookie)
            .form("app.bin", file, &parts)
            .send()
            .await
    }

    /// Delivers the event of an object again.
    pub async fn deliver(
        &self,
        created: &ObjectCreated,
    ) -> Result<upload_received::Done, shared::base::error::Error> {
        upload_received::handle(self.plain.clone(), uploads::event(created)).await
    }

    /// Keeps the worker from beginning further jobs as long as what this gives is there.
    pub async fn hold_work(&self) -> HeldWork {
        let permit = Arc::clone(&self.processing)
            .acquire_owned()
            .await
            .expect("the worker is there");
        self.work_is_held.store(true, Ordering::SeqCst);
        HeldWork {
            _permit: permit,
            is_held: Arc::clone(&self.work_is_held),
        }
    }

    /// Whether somebody keeps the worker from beginning jobs.
    pub fn work_is_held(&self) -> bool {
        self.work_is_held.load(Ordering::SeqCst)
    }

    /// Delivers the event of a job, again or in the worker's place.
    pub async fn deliver_job(
        &self,
        key: &Key,
    ) -> Result<package_work::Done, shared::base::error::Error> {
        package_work::handle(self.plain.clone(), work::event(key)).await
    }

    /// Evaluates alerts now, by calls that are counted and may fail.
    pub async fn evaluate(&self) -> Result<alert_evaluation::Done, shared::base::error::Error> {
        alert_evaluation::handle(self.context.clone(), Value::Null).await
    }

    /// Runs housekeeping now.
    pub async fn keep_house(&self) -> shared::domain::background::housekeeping::Done {
        housekeeping::handle(self.plain.clone(), Value::Null)
            .await
            .expect("housekeeping")
    }
}

/// As the platform does it: an event whose reading fails is delivered again.
async fn read_until_done(context: &Context, created: &ObjectCreated) {
    for _ in 0..3 {
        match upload_received::handle(context.clone(), uploads::event(created)).await {
            Ok(_) => return,
            Err(error) => eprintln!("reading {} failed: {error} {:?}", created.key, error.cause),
        }
    }
}

/// The same for a job.
async fn work_until_done(context: &Context, key: &Key) {
    for _ in 0..3 {
        match package_work::handle(context.clone(), work::event(key)).await {
            Ok(_) => return,
            Err(error) => eprintln!("working on {key:?} failed: {error} {:?}", error.cause),
        }
    }
}

/// A part of a form.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its name.
    pub name: &'a str,
    /// The file's name, for a part that is a file.
    pub file_name: Option<&'a str>,
    /// What it holds.
    pub content: &'a [u8],
}

/// The media type that a file's extension says.
fn media_type(file_name: &str) -> &'static str {
    let extension = file_name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        Some("pdf") => "application/pdf",
        Some("html") => "text/html",
        Some("apk") => "application/vnd.android.package-archive",
        _ => "application/octet-stream",
    }
}

/// A request that is being made up.
pub struct Call<'a> {
    world: &'a World,
    incoming: Incoming,
}

impl Call<'_> {
    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header's name");
        self.incoming.headers.append(
            name,
            HeaderValue::from_str(value).expect("a header's value"),
        );
        self
    }

    /// To another host of this deployment.
    pub fn host(mut self, name: &str) -> Self {
        self.incoming
            .headers
            .insert("host", HeaderValue::from_str(name).expect("a host"));
        self
    }

    /// From another address.
    pub fn from_address(mut self, address: &str) -> Self {
        self.incoming.source = address.to_owned();
        self
    }

    /// With a member's cookie.
    pub fn cookie(self, value: &str) -> Self {
        self.header("cookie", &format!("feedhenry={value};"))
    }

    /// With an app's API key.
    pub fn app_key(self, text: &str) -> Self {
        self.header("x-fh-auth-app", text)
    }

    /// With a bearer token of the publisher API.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With a token of the Apperian API.
    pub fn token(self, text: &str) -> Self {
        self.header("x-token", text)
    }

    /// With name and password in `Authorization`.
    pub fn basic(self, name: &str, password: &str) -> Self {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        self.header("authorization", &format!("Basic {text}"))
    }

    /// With a form of texts, percent-encoded.
    pub fn encoded(self, fields: &[(&str, &str)]) -> Self {
        let text = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.raw("application/x-www-form-urlencoded", text.into_bytes())
    }

    /// With the session of an app's user.
    pub fn session(self, value: &str) -> Self {
        self.header("x-fh-auth-session", value)
    }

    /// With a JSON body.
    pub fn json(self, body: Value) -> Self {
        self.raw("application/json", body.to_string().into_bytes())
    }

    /// With any body.
    pub fn raw(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.incoming.body = Bytes::from(body);
        self.header("content-type", content_type)
    }

    /// With the fields of a form in the body, percent-encoded.
    pub fn url_encoded<'p>(self, fields: impl IntoIterator<Item = (&'p str, &'p str)>) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.raw("application/x-www-form-urlencoded", body.into_bytes())
    }

    /// With a form as fhc sends it: the file first.
    pub fn form(self, file_name: &str, file: &[u8], texts: &[(&str, &str)]) -> Self {
        let file = Part {
            name: "file",
            file_name: Some(file_name),
            content: file,
        };
        let texts = texts.iter().map(|(name, text)| Part {
            name,
            file_name: None,
            content: text.as_bytes(),
        });
        self.parts(std::iter::once(file).chain(texts))
    }

    /// With a form of these parts in this order. A file has the media type that its extension says.
    pub fn parts<'p>(self, parts: impl IntoIterator<Item = Part<'p>>) -> Self {
        let boundary = "----------------------------270192837465";
        let mut body = Vec::new();
        for Part {
            name,
            file_name,
            content,
        } in parts
        {
            let file = file_name.map_or_else(String::new, |file_name| {
                format!(
                    "; filename=\"{file_name}\"\r\nContent-Type: {}",
                    media_type(file_name)
                )
            });
            body.extend_from_slice(
                format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
                )
                .as_bytes(),
            );
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        self.raw(&format!("multipart/form-data; boundary={boundary}"), body)
    }

    /// Sends it as an event through the Lambda adapter.
    pub async fn send(self) -> Answer {
        let Some((name, service)) = self.world.functions.of_path(&self.incoming.path) else {
            return Answer {
                status: 404,
                http: 404,
                headers: HeaderMap::new(),
                text: String::new(),
                bytes: Bytes::new(),
                json: Value::Null,
            };
        };
        let response = event::invoke(service, event::event(&self.incoming))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let (parts, bytes) = event::answer(&response).into_parts();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // Of a signed answer what it says.
        let json: Value = serde_json::from_slice(&bytes).unwrap_or_else(|_| pingid::payload(&text));
        // Remote calls are answered with 200; what became of them stands in the body.
        let http = parts.status.as_u16();
        let told = json["error"]["data"]["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        Answer {
            status: told.unwrap_or(http),
            http,
            headers: parts.headers,
            text,
            bytes,
            json,
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status: HTTP's, or the one that the error of a remote call tells.
    pub status: u16,
    /// HTTP's status.
    pub http: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body.
    pub bytes: Bytes,
    /// The body as JSON, the payload of one that is signed; null where it is neither.
    pub json: Value,
}

impl Answer {
    /// A header's value, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// A key with its certificate, PKCS#12: one of those that signing is tested with, whose password is
/// `secret`.
pub fn key_file(name: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    std::fs::read(root.join("shared/package-writer/tests/fixtures").join(name)).expect("a key file")
}

/// The method of a text.
pub fn method(text: &str) -> Method {
    text.parse().expect("a method")
}

/// Waits for all of them, at once on one task: the work is in the stores.
pub async fn all<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    futures_util::future::join_all(futures).await
}

/// Says how many cases a test checked, and fails where they are fewer than `tests/cases.tsv` says.
pub fn checked(what: &str, cases: usize) {
    println!("{cases} cases: {what}");
    let known = include_str!("../cases.tsv")
        .lines()
        .find_map(|line| line.strip_prefix(what)?.strip_prefix('\t'))
        .unwrap_or_else(|| panic!("tests/cases.tsv has no line for {what}; here are {cases}"));
    let known: usize = known.parse().expect("a number");
    assert!(cases >= known, "{what}: only {cases} cases of {known}");
}

/// Holds a generated document against the committed one; `UPDATE_GOLDEN` in the environment writes
/// it instead.
pub fn golden(document: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(document);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("the document is written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let first = committed
        .lines()
        .zip(text.lines())
        .find(|(before, now)| before != now);
    assert!(
        committed == text,
        "{document} is not what the code says; UPDATE_GOLDEN=1 cargo test rewrites it. The first \
        difference: {first:#?}"
    );
}

//! The reading of uploads: what is fetched from the bucket, and the memory that it takes.
//!
//! The function runs against the embedded stores, and reaches the bucket through a proxy that
//! counts.

use std::io::{self, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use embedded_store::{EmbeddedStore, Settings};
use package_reader::testing::archive::{Part, zip};
use package_reader::testing::{Apk, Ipa, android};
use serde_json::{Value, json};
use shared::base::clock::{Clock, SystemClock};
use shared::base::id::{BinaryType, Guid};
use shared::base::text::Name;
use shared::domain::apps::making::NewApp;
use shared::domain::apps::upload::Announced;
use shared::domain::apps::{making, upload};
use shared::http::lambda::Aws;
use shared::model::apps::app::Binary;
use shared::model::apps::upload::Target;
use shared::services::objects::Objects;
use shared::store::keys;
use shared::store::record::Reader;

use crate::binaries;
use crate::canned::{self, administrator};
use crate::failure::Failure;
use crate::http::{self, Framing, Head, Server};
use crate::report::{Report, Row, float};
use crate::runtime::{Function, Launch};

/// Most bytes of the metadata pass.
const METADATA_LIMIT_MB: f64 = 2.097_152;

/// Most bytes that may be fetched beyond the file's size.
const MORE_THAN_SIZE_MB: f64 = 2.097_152;

/// Most memory while a binary of 500 MB is read.
const MEMORY_LIMIT_KB: f64 = 65_536.0;

/// How long one reading may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How many further files are in an app.
const FILES: usize = 2_000;

const MB: usize = 1_000_000;

/// What went through the proxy.
#[derive(Clone, Copy, Debug, Default)]
struct Fetched {
    /// Bytes of answers to ranged reads.
    ranged: u64,
    /// How many ranged reads.
    reads: u32,
    /// Bytes of answers to reads of whole objects.
    whole: u64,
}

/// A proxy in front of S3 that changes nothing, not even the host that the signatures name.
struct Proxy {
    server: Server,
    fetched: Arc<Mutex<Fetched>>,
}

impl Proxy {
    fn start(s3: String) -> io::Result<Self> {
        let fetched = Arc::new(Mutex::new(Fetched::default()));
        let counter = Arc::clone(&fetched);
        let server = Server::start(move |mut from, mut to| {
            let mut upstream = TcpStream::connect(&s3)?;
            upstream.set_nodelay(true)?;
            let mut answers = BufReader::with_capacity(64 * 1024, upstream.try_clone()?);
            while let Some(request) = Head::read(&mut from)? {
                upstream.write_all(&request.raw)?;
                http::pass_body(&mut from, &mut upstream, request.framing())?;
                let answer = Head::read(&mut answers)?.ok_or(io::ErrorKind::UnexpectedEof)?;
                to.write_all(&answer.raw)?;
                let bodiless = request.first.starts_with("HEAD ")
                    || answer.first.contains(" 204 ")
                    || answer.first.contains(" 304 ");
                let bytes = http::pass_body(
                    &mut answers,
                    &mut to,
                    if bodiless {
                        Framing::Length(0)
                    } else {
                        answer.framing()
                    },
                )?;
                if request.first.starts_with("GET ") {
                    let mut fetched = counter.lock().unwrap_or_else(PoisonError::into_inner);
                    if request.header("range").is_some() {
                        fetched.ranged += bytes;
                        fetched.reads += 1;
                    } else {
                        fetched.whole += bytes;
                    }
                }
            }
            Ok(())
        })?;
        Ok(Self { server, fetched })
    }

    fn take(&self) -> Fetched {
        std::mem::take(&mut *self.fetched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Files that no compression makes smaller, `size` bytes together.
fn filling(folder: &str, size: usize) -> Vec<Part> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let file = size / FILES;
    let mut content = vec![0; file];
    let parts = (0..FILES).map(|number| {
        for chunk in content.chunks_mut(8) {
            chunk.copy_from_slice(&next()[..chunk.len()]);
        }
        Part::stored(format!("{folder}/file-{number:05}.bin"), &content)
    });
    parts.collect()
}

fn signed_apk(size: usize) -> Vec<u8> {
    let mut parts = Apk {
        package: "com.example.large".to_owned(),
        ..Apk::default()
    }
    .parts();
    parts.append(&mut filling("assets", size));
    let unsigned = zip(&parts);
    drop(parts);
    android::sign(&unsigned, "bench").0
}

fn ipa(size: usize) -> Vec<u8> {
    let mut parts = Ipa {
        bundle_id: "com.example.large".to_owned(),
        ..Ipa::default()
    }
    .parts();
    parts.append(&mut filling("Payload/Example.app/Assets", size));
    zip(&parts)
}

/// The event that S3 sends when the object has arrived.
fn event(key: &str, size: usize) -> Value {
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-03-10T05:16:23.638Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "AWS:AROAEXAMPLE" },
        "requestParameters": { "sourceIPAddress": "192.0.2.1" },
        "responseElements": { "x-amz-request-id": "C3D13FE58DE4C810" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "incoming",
            "bucket": {
                "name": canned::BUCKET,
                "ownerIdentity": { "principalId": "EXAMPLE" },
                "arn": format!("arn:aws:s3:::{}", canned::BUCKET),
            },
            "object": {
                "key": key,
                "size": size,
                "eTag": "0123456789abcdef0123456789abcdef",
                "sequencer": "0055AED6DCD90281E5",
            },
        },
    }] })
}

/// The stores, the proxy, and the function that is measured.
struct Stage<'a> {
    binary: &'a binaries::Binary,
    folder: &'a Path,
    store: EmbeddedStore,
    proxy: Proxy,
}

/// What one reading took.
struct Reading {
    size: u64,
    fetched: Fetched,
    peak_kb: u64,
    took: Duration,
}

impl Stage<'_> {
    /// Uploads a file and has it read. It must be attached.
    async fn read(&self, kind: BinaryType, file: Vec<u8>) -> Result<Reading, Failure> {
        let credentials = Credentials::new("local", "local-secret", None, None, "bench");
        let aws = Aws::new("us-east-1".to_owned(), credentials)?;
        let table = aws.table(canned::TABLE, Some(self.store.dynamodb_endpoint()));
        let objects = aws.objects(canned::BUCKET, Some(self.store.s3_endpoint()));
        let who = administrator(Guid::random());
        let mut reader = Reader::new(&table, SystemClock.now());
        let name = Name::new("Large".to_owned()).ok_or("not a name")?;
        let app = making::create(&mut reader, &who, name, &NewApp::default()).await?;
        let size = file.len();
        let announced = Announced {
            app: Some(app.id),
            target: Target::Binary(kind),
            size: size as u64,
            sha256: None,
            file_name: "large".to_owned(),
            parts: None,
            allow_signer_change: false,
        };
        reader.forget();
        let upload = upload::announce(&mut reader, &who, announced, None, Guid::random()).await?;
        let key = keys::incoming_object(who.tenant_id, &upload.guid);
        objects.put(&key, "application/octet-stream", file).await?;

        let s3 = format!("http://{}", self.proxy.server.address);
        let environment = canned::environment(self.folder, &self.store.dynamodb_endpoint(), &s3)?;
        let mut function = Function::start(&Launch {
            program: &self.binary.program,
            environment: &environment,
            folder: self.folder,
        })?;
        self.proxy.take();
        let began = Instant::now();
        let answer = function.invoke(event(&key, size).to_string().as_bytes(), PATIENCE)?;
        let took = began.elapsed();
        if serde_json::from_slice::<Value>(&answer)?["attached"] != 1 {
            return Err(format!(
                "a large binary was not attached: {}",
                String::from_utf8_lossy(&answer)
            )
            .into());
        }
        // A reading that leaves the signature out must not look like a good one. An IPA's is never
        // verified.
        let mut reader = Reader::new(&table, SystemClock.now());
        let kept = reader
            .get::<Binary>(&keys::binary(who.tenant_id, app.id, kind))
            .await?
            .ok_or("attached, and no version is kept")?;
        if kind == BinaryType::Android
            && kept
                .value
                .versions
                .iter()
                .any(|version| version.verified_signer.is_none())
        {
            return Err("the signature of a large binary was not verified".into());
        }
        let peak_kb = function.peak_kb()?;
        // What has been read is not needed again, and disks are small.
        for stored in self.store.objects_under("") {
            objects.delete(&stored.key).await?;
        }
        Ok(Reading {
            size: size as u64,
            fetched: self.proxy.take(),
            peak_kb,
            took,
        })
    }
}

fn megabytes(bytes: u64) -> f64 {
    float(bytes) / 1e6
}

/// Measures the reading of uploads.
///
/// # Errors
/// When the stores do not start, or a binary is not attached.
pub async fn run(
    binary: &binaries::Binary,
    folder: &Path,
    report: &mut Report,
) -> Result<(), Failure> {
    let store = EmbeddedStore::start(Settings::in_folder(folder.join("store"))).await?;
    let proxy = Proxy::start(store.s3_endpoint().trim_start_matches("http://").to_owned())?;
    let stage = Stage {
        binary,
        folder,
        store,
        proxy,
    };
    let sized = [
        (
            "APK of 100 MB",
            stage
                .read(BinaryType::Android, signed_apk(100 * MB))
                .await?,
        ),
        (
            "IPA of 100 MB",
            stage.read(BinaryType::Ios, ipa(100 * MB)).await?,
        ),
        (
            "APK of 500 MB",
            stage
                .read(BinaryType::Android, signed_apk(500 * MB))
                .await?,
        ),
    ];
    for (subject, reading) in &sized {
        report.rows.push(Row {
            gate: "Upload: bytes of the metadata pass",
            subject: (*subject).to_owned(),
            measured: megabytes(reading.fetched.ranged),
            limit: Some(METADATA_LIMIT_MB),
            unit: "MB",
            note: format!("{} ranged reads", reading.fetched.reads),
        });
    }
    for (subject, reading) in &sized {
        report.rows.push(Row {
            gate: "Upload: bytes fetched in all, beyond the size of the file",
            subject: (*subject).to_owned(),
            measured: megabytes(reading.fetched.ranged + reading.fetched.whole)
                - megabytes(reading.size),
            limit: Some(MORE_THAN_SIZE_MB),
            unit: "MB",
            note: format!("{:.1} s", reading.took.as_secs_f64()),
        });
    }
    for (subject, reading) in &sized {
        report.rows.push(Row {
            gate: "Upload: peak memory (VmHWM) of the reading function",
            subject: (*subject).to_owned(),
            measured: float(reading.peak_kb),
            limit: Some(MEMORY_LIMIT_KB),
            unit: "kB",
            note: String::new(),
        });
    }
    stage.store.stop().await;
    Ok(())
}

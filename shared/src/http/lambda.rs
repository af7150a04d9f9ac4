//! A function's start on AWS: clients, context, and the loop of the runtime.
//!
//! Start-up is money: no `aws-config` (credentials come from the environment), one HTTP client for
//! all SDK clients, Amazon's roots embedded, one cheap read while initialising, which CPU time is
//! not throttled for.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::base::clock::SystemClock;
use crate::base::error::Error;
use crate::http::pipeline;
use crate::http::pipeline::Operations;
use crate::services::context::{Context, Settings};
use crate::services::mail;
use crate::services::mail::SesMailer;
use crate::services::objects::S3Objects;
use crate::services::sealing::{FileKeeper, KmsKeeper, Sealer};
use crate::services::signed_calls::{Service, SignedCalls};
use crate::store::dynamo::DynamoTable;
use crate::store::{Key, Table};

/// Amazon's roots, which all AWS services chain to. `AWS_CA_BUNDLE` replaces them.
const ROOTS: &[u8] = include_bytes!("../../certs/amazon-roots.pem");

/// What is the same for every client of an AWS service.
#[derive(Clone)]
pub struct Aws {
    region: String,
    credentials: Credentials,
    http: SharedHttpClient,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn required(name: &str) -> Result<String, Error> {
    variable(name)
        .ok_or_else(|| Error::internal(format!("the environment variable {name} is not set")))
}

impl Aws {
    /// Region and credentials as Lambda sets them in the environment.
    ///
    /// # Errors
    /// Internal where a variable is missing or the bundle of roots cannot be read.
    pub fn from_environment() -> Result<Self, Error> {
        let region = variable("AWS_REGION")
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .unwrap_or_else(|| "us-east-1".to_owned());
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        Self::new(region, credentials)
    }

    /// That region with those credentials.
    ///
    /// # Errors
    /// Internal where the bundle of roots cannot be read.
    pub fn new(region: String, credentials: Credentials) -> Result<Self, Error> {
        let roots = match variable("AWS_CA_BUNDLE") {
            Some(path) => std::fs::read(path).map_err(Error::internal)?,
            None => ROOTS.to_vec(),
        };
        let trust = tls::TrustStore::empty()
            .with_native_roots(false)
            .with_pem_certificate(roots);
        let context = tls::TlsContext::builder()
            .with_trust_store(trust)
            .build()
            .map_err(Error::internal)?;
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .tls_context(context)
            .build_https();
        Ok(Self {
            region,
            credentials,
            http,
        })
    }

    /// The table of that name; `endpoint` for one that is not AWS's.
    pub fn table(&self, name: &str, endpoint: Option<String>) -> DynamoTable {
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(aws_sdk_dynamodb::config::Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(self.http.clone());
        config.set_endpoint_url(endpoint);
        DynamoTable::new(aws_sdk_dynamodb::Client::from_conf(config.build()), name)
    }

    /// The bucket of that name; `endpoint` for one that is not AWS's.
    pub fn objects(&self, bucket: &str, endpoint: Option<String>) -> S3Objects {
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(self.http.clone())
            .force_path_style(endpoint.is_some());
        config.set_endpoint_url(endpoint);
        S3Objects::new(
            move || aws_sdk_s3::Client::from_conf(config.build()),
            bucket,
        )
    }

    /// The mailer that hands over to SES, for that sender.
    ///
    /// # Errors
    /// Internal for a sender that is no mailbox.
    pub fn mailer(&self, from: &str) -> Result<SesMailer, Error> {
        Ok(SesMailer::new(
            self.calls(Service::Ses),
            mail::sender(from)?,
        ))
    }

    /// The keeper of data keys in KMS.
    pub fn kms(&self, key_id: &str) -> KmsKeeper {
        KmsKeeper::new(self.calls(Service::Kms), key_id)
    }

    fn calls(&self, service: Service) -> SignedCalls {
        let (credentials, http) = (self.credentials.clone(), self.http.clone());
        SignedCalls::new(service, &self.region, credentials, http, None)
    }
}

fn settings() -> Settings {
    let defaults = Settings::default();
    Settings {
        default_tenant: variable("APPDEPOT_TENANT").unwrap_or(defaults.default_tenant),
        base_domain: variable("APPDEPOT_BASE_DOMAIN"),
        public_url: variable("APPDEPOT_PUBLIC_URL"),
        scheme: variable("APPDEPOT_SCHEME").unwrap_or(defaults.scheme),
        upload_wait_seconds: defaults.upload_wait_seconds,
        reset_millis: defaults.reset_millis,
        allow_private_addresses: variable("APPDEPOT_ALLOW_PRIVATE_ADDRESSES")
            .is_some_and(|value| value.eq_ignore_ascii_case("true")),
        create_status: if variable("APPDEPOT_WSO2_CREATE_STATUS").as_deref() == Some("200") {
            200
        } else {
            defaults.create_status
        },
        strict_messages: variable("APPDEPOT_PINGID_STRICT")
            .is_some_and(|value| value.eq_ignore_ascii_case("true")),
        require_if_match: variable("APPDEPOT_REQUIRE_IF_MATCH")
            .is_some_and(|value| value.eq_ignore_ascii_case("true")),
    }
}

/// Builds a function's context from its environment. Each step links one SDK, so that a function
/// carries what it uses.
pub struct Start {
    aws: Aws,
    context: Context,
}

impl Start {
    /// With the table alone.
    ///
    /// # Errors
    /// Internal where a variable is missing.
    pub fn with_table() -> Result<Self, Error> {
        let aws = Aws::from_environment()?;
        let table: Arc<dyn Table> = Arc::new(aws.table(
            &required("APPDEPOT_TABLE")?,
            variable("APPDEPOT_DYNAMODB_ENDPOINT"),
        ));
        let context = Context::new(table, Arc::new(SystemClock), settings());
        Ok(Self { aws, context })
    }

    /// And the bucket.
    ///
    /// # Errors
    /// Internal where a variable is missing.
    pub fn and_objects(mut self) -> Result<Self, Error> {
        let objects = self.aws.objects(
            &required("APPDEPOT_BUCKET")?,
            variable("APPDEPOT_S3_ENDPOINT"),
        );
        self.context = self.context.with_objects(Arc::new(objects));
        Ok(self)
    }

    /// And the keys that seal and sign: KMS, or a key file where the environment names one.
    ///
    /// # Errors
    /// Internal where a variable is missing or the key file is not 32 bytes.
    pub fn and_keys(mut self) -> Result<Self, Error> {
        let sealer = match variable("APPDEPOT_KEY_FILE") {
            Some(path) => {
                let key = std::fs::read(path).map_err(Error::internal)?;
                Sealer::new(FileKeeper::new(key.try_into().map_err(|_| {
                    Error::internal("the key file does not hold 32 bytes")
                })?))
            }
            None => Sealer::new(self.aws.kms(&required("APPDEPOT_KMS_KEY")?)),
        };
        self.context = self.context.with_sealer(Arc::new(sealer));
        Ok(self)
    }

    /// And mail, where the deployment has a sender's address.
    ///
    /// # Errors
    /// Internal for a sender that is no mailbox.
    pub fn and_mail(mut self) -> Result<Self, Error> {
        if let Some(from) = variable("APPDEPOT_MAIL_FROM") {
            self.context = self.context.with_mailer(Arc::new(self.aws.mailer(&from)?));
        }
        Ok(self)
    }

    /// The context, after one cheap read that opens the connection while initialising. Its failure
    /// is only logged: the first request will tell.
    pub async fn ready(self) -> Context {
        if variable("APPDEPOT_NO_WARMING").is_none() {
            let nothing = Key {
                pk: "WARMING".to_owned(),
                sk: "-".to_owned(),
            };
            if let Err(error) = self.context.table.read(&[nothing]).await {
                tracing::warn!(%error, "the warming read failed");
            }
        }
        self.context
    }
}

/// JSON lines on standard error for people's and CloudWatch's eyes. `APPDEPOT_LOG` says what is
/// told, as `info,module=level`; the embedded stores' own words about refused conditions are left
/// out.
pub fn log_to_stderr() {
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let quiet = || {
        Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target("s3s", LevelFilter::OFF)
            .with_target("dynoxide", LevelFilter::ERROR)
    };
    let targets = variable("APPDEPOT_LOG")
        .and_then(|told| told.parse::<Targets>().ok())
        .unwrap_or_else(quiet);
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(LevelFilter::TRACE)
        .with_writer(std::io::stderr);
    if subscriber.finish().with(targets).try_init().is_err() {
        tracing::debug!("logging was set up before");
    }
}

/// Runs a function that answers HTTP until Lambda ends it.
///
/// # Errors
/// What the runtime or the route table gives.
pub async fn run_http<F: Operations>(
    start: Result<Start, Error>,
) -> Result<(), lambda_http::Error> {
    log_to_stderr();
    let context = start?.ready().await;
    lambda_http::run(pipeline::service::<F>(context)?).await
}

/// Runs a function that something else than HTTP triggers, until Lambda ends it. An error is the
/// only answer that makes the platform try again.
///
/// # Errors
/// What the runtime gives.
pub async fn run_event<H, Done>(
    start: Result<Start, Error>,
    handle: H,
) -> Result<(), lambda_http::Error>
where
    H: AsyncFn(Context, serde_json::Value) -> Result<Done, Error>,
    Done: serde::Serialize,
{
    log_to_stderr();
    let context = start?.ready().await;
    let handle = &handle;
    let service = lambda_runtime::service_fn(
        move |event: lambda_runtime::LambdaEvent<serde_json::Value>| {
            let context = context.clone();
            async move {
                handle(context, event.payload)
                    .await
                    .map_err(lambda_http::Error::from)
            }
        },
    );
    lambda_runtime::run(service).await
}

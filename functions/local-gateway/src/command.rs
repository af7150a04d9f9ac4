//! The local server: the whole system on one machine, on embedded stores or on a table and a bucket
//! of AWS.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use embedded_store::{EmbeddedStore, Settings as StoreSettings};
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming as Body;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use shared::base::error::Kind;
use shared::base::id::{TenantId, base32, random_bytes};
use shared::domain::people::tenant::NewTenant;
use shared::domain::people::{password, tenant};
use shared::http::lambda::{Start, log_to_stderr};
use shared::model::apps::processing::Job;
use shared::model::people::tenant::Tenant;
use shared::model::people::user::SignInName;
use shared::services::context::{Context, Settings};
use shared::services::mail::Outbox;
use shared::store::keys;
use shared::store::record::{Reader, Record};
use shared::store::wrappers::TellingTable;
use tokio::net::TcpListener;

use crate::child::ADDRESS_SPACE;
use crate::functions::Functions;
use crate::server::{Gateway, boxed};
use crate::stack::{Addresses, KEY_FILE};
use crate::uploads::Notifier;
use crate::work::Worker;
use crate::{clients, stack, uploads, work};

/// The administrator that the first start makes.
const ADMIN: &str = "admin@example.com";

/// The variable with the password of a new tenant's administrator.
const ADMIN_PASSWORD: &str = "APPDEPOT_ADMIN_PASSWORD";

/// For tests: makes the reader crash when it has its event.
const READER_CRASHES: &str = "APPDEPOT_READER_CRASHES";

/// For tests: makes the worker crash when it has its event.
const WORKER_CRASHES: &str = "APPDEPOT_WORKER_CRASHES";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Appdepot: a private app store. Without options it serves on 127.0.0.1:4000 and keeps its data in
/// .appdepot.
#[derive(Parser, Debug)]
#[command(name = "appdepot", version)]
struct Options {
    /// Where to listen; port 0 picks a free one
    #[arg(long, env = "APPDEPOT_LISTEN", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    /// The folder of the embedded stores' data
    #[arg(long, env = "APPDEPOT_DATA", default_value = ".appdepot")]
    data: PathBuf,
    /// The tenant that the first start makes, and that requests without a tenant are for
    #[arg(long, env = "APPDEPOT_TENANT", default_value = "dev")]
    tenant: String,
    /// The address that clients and devices reach this server by, where it is not the one it
    /// listens on
    #[arg(long, env = "APPDEPOT_PUBLIC_URL")]
    public_url: Option<String>,
    /// The domain whose first labels are tenants' names
    #[arg(long, env = "APPDEPOT_BASE_DOMAIN")]
    base_domain: Option<String>,
    /// Let auth policies reach private, loopback and link-local addresses: for a provider on this
    /// machine or network
    #[arg(
        long,
        env = "APPDEPOT_ALLOW_PRIVATE_ADDRESSES",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    allow_private_addresses: bool,
    /// The status by which the publisher API answers when it made something: 201, or 200 for
    /// clients that take no other
    #[arg(
        long,
        env = "APPDEPOT_WSO2_CREATE_STATUS",
        default_value = "201",
        value_parser = ["200", "201"],
        value_name = "STATUS"
    )]
    wso2_create_status: String,
    /// Let the publisher API refuse changes without If-Match or If-Unmodified-Since
    #[arg(
        long,
        env = "APPDEPOT_REQUIRE_IF_MATCH",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    require_if_match: bool,
    /// Take each message of the PingID API once, and only with a time within five minutes of this
    /// machine's
    #[arg(
        long,
        env = "APPDEPOT_PINGID_STRICT",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pingid_strict: bool,
    /// Do not refuse what AWS would refuse: bodies over 6 MB, requests over 30 seconds
    #[arg(long)]
    no_aws_limits: bool,
    /// Deliver each upload's event twice, as S3 may do it
    #[arg(
        long,
        env = "APPDEPOT_DELIVER_TWICE",
        hide = true,
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    deliver_twice: bool,
    /// A DynamoDB table on AWS in place of the embedded one; needs --bucket and --kms-key, and
    /// credentials in the environment
    #[arg(long, requires_all = ["bucket", "kms_key"])]
    table: Option<String>,
    /// The bucket on AWS
    #[arg(long, requires = "table")]
    bucket: Option<String>,
    /// The KMS key that wraps the tenants' data keys
    #[arg(long, requires = "table")]
    kms_key: Option<String>,
    /// The sender of mail by SES, a mailbox; without it nothing is mailed
    #[arg(long, requires = "table", value_name = "MAILBOX")]
    mail_from: Option<String>,
    /// Make the tenant (--tenant) with this administrator in the table, print nothing more and
    /// stop; the password comes from APPDEPOT_ADMIN_PASSWORD
    #[arg(long, requires = "table", value_name = "EMAIL")]
    create_tenant: Option<String>,
}

/// The whole program: the server, the reader of one upload, or the worker on one job.
pub fn main() -> ExitCode {
    log_to_stderr();
    match std::env::args().nth(1).as_deref() {
        Some(uploads::CHILD) => return child(READER_CRASHES, read_upload),
        Some(work::CHILD) => return child(WORKER_CRASHES, do_work),
        _ => {}
    }
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::from);
    match runtime.and_then(|runtime| runtime.block_on(run(options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A child's process: one event from standard input, under a limit of memory. 0 is done, 1 asks for
/// another delivery.
fn child(
    crashes: &str,
    deal_with: impl AsyncFnOnce(serde_json::Value) -> Result<(), Failure>,
) -> ExitCode {
    let deal = || -> Result<(), Failure> {
        #[cfg(unix)]
        rlimit::Resource::AS.set(ADDRESS_SPACE, ADDRESS_SPACE)?;
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        let event = serde_json::from_str(&text)?;
        if std::env::var_os(crashes).is_some() {
            std::process::abort();
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(deal_with(event))
    };
    match deal() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(?error, "an event was not dealt with");
            ExitCode::FAILURE
        }
    }
}

async fn read_upload(event: serde_json::Value) -> Result<(), Failure> {
    let context = Start::with_table()?.and_objects()?.ready().await;
    upload_received::handle(context, event).await?;
    Ok(())
}

async fn do_work(event: serde_json::Value) -> Result<(), Failure> {
    let context = Start::with_table()?
        .and_objects()?
        .and_keys()?
        .ready()
        .await;
    package_work::handle(context, event).await?;
    Ok(())
}

fn settings(options: &Options) -> Settings {
    Settings {
        default_tenant: options.tenant.clone(),
        base_domain: options.base_domain.clone(),
        public_url: options.public_url.clone(),
        scheme: "http".to_owned(),
        allow_private_addresses: options.allow_private_addresses,
        create_status: if options.wso2_create_status == "200" {
            200
        } else {
            201
        },
        require_if_match: options.require_if_match,
        strict_messages: options.pingid_strict,
        ..Settings::default()
    }
}

async fn run(options: Options) -> Result<(), Failure> {
    match (&options.table, &options.bucket, &options.kms_key) {
        (Some(table), Some(bucket), Some(kms_key)) => {
            run_on_aws(&options, table, bucket, kms_key).await
        }
        _ => run_embedded(&options).await,
    }
}

/// The API on this machine, the records and objects on AWS. Uploads are read by the deployed
/// function.
async fn run_on_aws(
    options: &Options,
    table: &str,
    bucket: &str,
    kms_key: &str,
) -> Result<(), Failure> {
    let aws = shared::http::lambda::Aws::from_environment()?;
    let mut context = Context::new(
        std::sync::Arc::new(aws.table(table, None)),
        std::sync::Arc::new(shared::base::clock::SystemClock),
        settings(options),
    )
    .with_objects(std::sync::Arc::new(aws.objects(bucket, None)))
    .with_sealer(std::sync::Arc::new(shared::services::sealing::Sealer::new(
        aws.kms(kms_key),
    )));
    if let Some(from) = &options.mail_from {
        context = context.with_mailer(std::sync::Arc::new(aws.mailer(from)?));
    }
    if let Some(email) = &options.create_tenant {
        let password =
            std::env::var(ADMIN_PASSWORD).map_err(|_| format!("set {ADMIN_PASSWORD}"))?;
        check_admin_password(&password)?;
        let new = NewTenant {
            name: &options.tenant,
            admin_email: email,
            admin_password: &password,
        };
        tenant::create(&*context.table, context.sealer()?, new, context.clock.now()).await?;
        return Ok(());
    }
    let listener = listen(options.listen).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let gateway = Gateway {
        functions: Functions::new(&context)?,
        context,
        base_url,
        outbox: None,
        aws_limits: !options.no_aws_limits,
    };
    serve(listener, gateway, None).await
}

async fn run_embedded(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.data)?;
    // Everything that the server keeps is in it, hashes of passwords too.
    #[cfg(unix)]
    std::fs::set_permissions(
        &options.data,
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )?;
    let listener = listen(options.listen).await?;
    let address = listener.local_addr()?;
    // An address of "every interface" is no address to go to.
    let host = if address.ip().is_unspecified() {
        SocketAddr::from(([127, 0, 0, 1], address.port()))
    } else {
        address
    };
    let base_url = options
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{host}"));
    let mut store = EmbeddedStore::start(StoreSettings::in_folder(&options.data)).await?;
    let key_file = options.data.join(KEY_FILE);
    stack::ensure_key_file(&key_file)?;
    let credentials = StoreSettings::in_folder(&options.data);
    let addresses = Addresses {
        dynamodb: store.dynamodb_endpoint(),
        // One address for the API and the storage, so that a device reaches both.
        s3: options
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{host}")),
        table: credentials.table,
        bucket: store.bucket().to_owned(),
        access_key: credentials.access_key,
        secret_key: credentials.secret_key,
        key_file,
    };
    let outbox = Outbox::new(std::sync::Arc::new(shared::base::clock::SystemClock));
    let context = addresses
        .system_context(settings(options))?
        .with_mailer(std::sync::Arc::new(outbox.clone()));
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    // What the last stop left undone comes first.
    for job in work::left(&*context.table).await? {
        tell.send(job)?;
    }
    let telling = TellingTable::new(std::sync::Arc::clone(&context.table), Job::KIND, tell);
    let context = context.with_table(std::sync::Arc::new(telling));
    let worker = Worker::new(addresses.clone(), context.clone());
    let waiting = store.objects_under(keys::INCOMING);
    let mut arrivals = store.take_events();
    let notifier = Notifier::new(addresses, context.clone(), options.deliver_twice);
    let gateway = Gateway {
        functions: Functions::new(&context)?,
        context: context.clone(),
        base_url: base_url.clone(),
        outbox: Some(outbox),
        aws_limits: !options.no_aws_limits,
    };
    let storage = store.s3_service();
    let bucket = store.bucket().to_owned();
    let server = tokio::spawn(serve(listener, gateway, Some((bucket, storage))));
    first_start(&context, options, &base_url).await?;
    // What arrived before the last stop and was not read to the end is delivered again.
    for created in waiting {
        notifier.notify(created);
    }
    let deliveries = tokio::spawn(async move {
        while let Some(created) = arrivals.recv().await {
            notifier.notify(created);
        }
    });
    let work = tokio::spawn(worker.run(told));
    let tasks = tokio::spawn(keep_house(context.clone()));
    let alerts = tokio::spawn(evaluate_alerts(context));
    println!("ready {base_url}");
    std::io::stdout().flush()?;
    let outcome = server.await?;
    deliveries.abort();
    work.abort();
    tasks.abort();
    alerts.abort();
    store.stop().await;
    outcome
}

/// The schedule of the template, hourly.
async fn keep_house(context: Context) {
    let mut hours = tokio::time::interval(Duration::from_secs(3_600));
    loop {
        hours.tick().await;
        if let Err(error) = housekeeping::handle(context.clone(), serde_json::Value::Null).await {
            tracing::error!(%error, "housekeeping failed");
        }
    }
}

/// The same for alerts, every minute.
async fn evaluate_alerts(context: Context) {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        if let Err(error) = alert_evaluation::handle(context.clone(), serde_json::Value::Null).await
        {
            tracing::error!(%error, "the evaluation of alerts failed");
        }
    }
}

/// Makes the tenant and its administrator where they are not there yet, and the settings of
/// clients.
async fn first_start(context: &Context, options: &Options, base_url: &str) -> Result<(), Failure> {
    let folder = options.data.join("clients");
    let tenant_id = TenantId::of_name(&options.tenant);
    let found = context
        .table
        .read(&[keys::tenant(tenant_id), keys::administrators(tenant_id)])
        .await?;
    if found[0]
        .as_ref()
        .is_some_and(|tenant| tenant.schema < <Tenant as Record>::SCHEMA)
    {
        let folder = options.data.display();
        return Err(format!(
            "{folder} was written by a version before 0.4, which this version does \
            not read: name another folder with --data"
        )
        .into());
    }
    if found[0].is_some() {
        clients::readdress(&folder, base_url)?;
        let missing: Vec<&str> = clients::FILES
            .into_iter()
            .filter(|name| !folder.join(name).exists())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        // The first start was killed before it came to them, or somebody took them away.
        let claim = Reader::new(&*context.table, context.clock.now())
            .get::<SignInName>(&keys::sign_in(tenant_id, ADMIN))
            .await?;
        let Some(claim) = claim else { return Ok(()) };
        let files = clients::make(
            context,
            &options.tenant,
            &claim.value.user,
            base_url,
            &missing,
        )
        .await?;
        return Ok(clients::write(&folder, &files)?);
    }
    let given = std::env::var(ADMIN_PASSWORD)
        .ok()
        .filter(|password| !password.is_empty());
    if let Some(password) = &given {
        check_admin_password(password)?;
    }
    let password = given
        .clone()
        .unwrap_or_else(|| base32().encode(&random_bytes::<15>()));
    // Said before it counts: a kill in between must not leave an administrator whose password
    // nobody knows.
    if given.is_none() {
        eprintln!("admin password: {password}");
    }
    let new = NewTenant {
        name: &options.tenant,
        admin_email: ADMIN,
        admin_password: &password,
    };
    let made =
        match tenant::create(&*context.table, context.sealer()?, new, context.clock.now()).await {
            Ok(made) => made,
            Err(error) if error.kind == Kind::Conflict => return Ok(()),
            Err(error) => return Err(error.into()),
        };
    let files = clients::make(
        context,
        &options.tenant,
        &made.admin,
        base_url,
        &clients::FILES,
    )
    .await?;
    Ok(clients::write(&folder, &files)?)
}

/// Refuses a password that breaks the rule before anything is written, and names the variable that
/// holds it.
fn check_admin_password(password: &str) -> Result<(), Failure> {
    password::acceptable(password)
        .map_err(|error| format!("{ADMIN_PASSWORD}: {}", error.message).into())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("{address} cannot be listened on: {error}").into())
}

type Storage = (String, embedded_store::S3Service);

async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    storage: Option<Storage>,
) -> Result<(), Failure> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let graceful = GracefulShutdown::new();
    if storage.is_none() {
        println!("ready {}", gateway.base_url);
    }
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = tokio::signal::ctrl_c() => break,
            _ = terminate.recv() => break,
        };
        let (gateway, storage) = (gateway.clone(), storage.clone());
        let answer = service_fn(move |request: Request<Body>| {
            let (gateway, storage) = (gateway.clone(), storage.clone());
            async move {
                if let Some((bucket, storage)) = storage
                    && is_of_bucket(request.uri().path(), &bucket)
                {
                    let response = hyper::service::Service::call(&storage, request)
                        .await
                        .map_err(|error| std::io::Error::other(format!("{error:?}")))?;
                    return Ok(response.map(|body| {
                        body.map_err(|error| std::io::Error::other(error.to_string()))
                            .boxed_unsync()
                    }));
                }
                Ok::<_, std::io::Error>(boxed(gateway.answer(request, peer).await))
            }
        });
        let connection = Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), answer)
            .into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(error, "a connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(Duration::from_secs(10), graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some connections did not end in time");
    }
    Ok(())
}

fn is_of_bucket(path: &str, bucket: &str) -> bool {
    path.strip_prefix('/').is_some_and(|path| {
        path == bucket
            || path
                .strip_prefix(bucket)
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

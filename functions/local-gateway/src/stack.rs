//! The stack that the local server runs on: the embedded stores, or a table and a bucket on AWS.

use aws_credential_types::Credentials;
use shared::base::clock::{Clock, SystemClock};
use shared::base::error::Error;
use shared::http::lambda::Aws;
use shared::services::context::{Context, Settings};
use shared::services::sealing::{FileKeeper, Sealer};
use shared::store::Table;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The key file in the data folder: 32 random bytes, made at the first start.
pub const KEY_FILE: &str = "key";

/// Where a stack's parts are.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The DynamoDB endpoint.
    pub dynamodb: String,
    /// The S3 endpoint, which signed addresses begin with.
    pub s3: String,
    /// The table.
    pub table: String,
    /// The bucket.
    pub bucket: String,
    /// The access key of both.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// The key file.
    pub key_file: PathBuf,
}

impl Addresses {
    /// What a child process needs in its environment to reach the same stack.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", self.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_key.clone()),
            ("APPDEPOT_DYNAMODB_ENDPOINT", self.dynamodb.clone()),
            ("APPDEPOT_S3_ENDPOINT", self.s3.clone()),
            ("APPDEPOT_TABLE", self.table.clone()),
            ("APPDEPOT_BUCKET", self.bucket.clone()),
            ("APPDEPOT_NO_WARMING", "1".to_owned()),
        ]
    }

    /// A context on this stack.
    ///
    /// # Errors
    /// Internal where the key file is not 32 bytes.
    pub fn context(&self, settings: Settings, clock: Arc<dyn Clock>) -> Result<Context, Error> {
        let aws = Aws::new(
            "us-east-1".to_owned(),
            Credentials::new(&self.access_key, &self.secret_key, None, None, "local"),
        )?;
        let table: Arc<dyn Table> = Arc::new(aws.table(&self.table, Some(self.dynamodb.clone())));
        let objects = aws.objects(&self.bucket, Some(self.s3.clone()));
        let key = std::fs::read(&self.key_file).map_err(Error::internal)?;
        let keeper = FileKeeper::new(
            key.try_into()
                .map_err(|_| Error::internal("the key file does not hold 32 bytes"))?,
        );
        Ok(Context::new(table, clock, settings)
            .with_objects(Arc::new(objects))
            .with_sealer(Arc::new(Sealer::new(keeper))))
    }

    /// A context on this stack with the machine's clock.
    ///
    /// # Errors
    /// As [`context`](Self::context).
    pub fn system_context(&self, settings: Settings) -> Result<Context, Error> {
        self.context(settings, Arc::new(SystemClock))
    }
}

/// Makes the key file where there is none, readable by its owner alone.
///
/// # Errors
/// The disk's.
pub fn ensure_key_file(path: &Path) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Written beside and renamed: a kill in between must not leave half a key that later starts
    // would use.
    let draft = path.with_extension("draft");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if path.exists() {
        return Ok(());
    }
    let mut file = options.open(&draft)?;
    file.write_all(&shared::base::id::random_bytes::<32>())?;
    file.sync_all()?;
    std::fs::rename(draft, path)
}

//! Packages on the disk: fetched, changed, signed and judged. Everything that reads them blocks,
//! and runs on a thread of its own.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};

use package_reader::{Platform, ReadError, Signature, apk_signature, read_metadata};
use package_writer::{Identity, WriteError};
use sha2::{Digest, Sha256};
use shared::base::clock::Timestamp;
use shared::base::error::Error;
use shared::base::id::{BinaryType, TenantId};
use shared::domain::app_policies::signing_credential::Material;
use shared::model::apps::app::Version;
use shared::model::apps::processing::Build;
use shared::services::context::Context;
use shared::store::keys;
use tempfile::NamedTempFile;

/// Why a job ends: a code, a colon, a sentence.
#[derive(Debug)]
pub struct Refused(pub String);

/// A package that was made.
pub struct WrittenPackage {
    /// What it is.
    pub build: Build,
    /// Where it is.
    pub file: NamedTempFile,
    platform: Platform,
}

/// Runs something that blocks, or may panic, on a thread of its own.
async fn isolated<T: Send + 'static>(
    processing: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(processing)
        .await
        .map_err(Error::internal)
}

fn platform(kind: BinaryType) -> Platform {
    match kind {
        BinaryType::Android => Platform::Android,
        BinaryType::Iphone | BinaryType::Ipad | BinaryType::Ios => Platform::Ios,
    }
}

/// A refusal ends the job, a failure of this machine is one of ours.
fn outcome_of<T>(written: Result<T, WriteError>) -> Result<Result<T, Refused>, Error> {
    match written {
        Ok(made) => Ok(Ok(made)),
        Err(WriteError::Refused(refusal)) => Ok(Err(Refused(refusal.to_string()))),
        Err(WriteError::File(error)) => Err(Error::internal(error)),
    }
}

/// A package of the bucket on the disk.
///
/// # Errors
/// The bucket's, and those of the disk; internal for bytes that are not what their name says.
pub async fn fetch(
    context: &Context,
    tenant_id: TenantId,
    build: Build,
) -> Result<NamedTempFile, Error> {
    let mut stream = context
        .objects()?
        .stream(&keys::binary_object(tenant_id, &build.sha256))
        .await?;
    let mut file = NamedTempFile::new().map_err(Error::internal)?;
    let mut hash = Sha256::new();
    while let Some(bytes) = stream.try_next().await.map_err(Error::unavailable)? {
        hash.update(&bytes);
        file.write_all(&bytes).map_err(Error::internal)?;
    }
    file.flush().map_err(Error::internal)?;
    if data_encoding::HEXLOWER.encode(&hash.finalize()) != build.sha256 {
        return Err(Error::internal(format!(
            "the object of {} holds something else",
            build.sha256
        )));
    }
    Ok(file)
}

/// The package with these documents in it.
///
/// # Errors
/// Those of the disk.
pub async fn insert(
    source: NamedTempFile,
    kind: BinaryType,
    documents: Vec<(&'static str, Vec<u8>)>,
) -> Result<Result<WrittenPackage, Refused>, Error> {
    let platform = platform(kind);
    let made = isolated(move || {
        let target = NamedTempFile::new()?;
        let documents: Vec<(&str, &[u8])> = documents
            .iter()
            .map(|(name, content)| (*name, content.as_slice()))
            .collect();
        package_writer::insert(platform, source.path(), target.path(), &documents)?;
        Ok((measured(&target)?, target))
    });
    Ok(
        outcome_of(made.await?)?.map(|(build, file)| WrittenPackage {
            build,
            file,
            platform,
        }),
    )
}

/// The package, signed as of when it was asked for.
///
/// # Errors
/// Those of the disk.
pub async fn sign(
    source: NamedTempFile,
    kind: BinaryType,
    material: Material,
    asked: Timestamp,
) -> Result<Result<WrittenPackage, Refused>, Error> {
    let platform = platform(kind);
    let made = isolated(move || {
        let target = NamedTempFile::new()?;
        let identity = Identity::from_pkcs12(&material.file, &material.password)?;
        match platform {
            Platform::Android => {
                package_writer::sign_android(source.path(), target.path(), &identity)?
            }
            Platform::Ios => {
                // The time of the job and not of this attempt: the same job gives the same package.
                let (profile, asked) = (
                    material.profile.unwrap_or_default(),
                    asked.seconds().unsigned_abs(),
                );
                package_writer::sign_ios(
                    source.path(),
                    target.path(),
                    &identity,
                    &profile,
                    asked,
                    &std::env::temp_dir(),
                )?;
            }
        }
        let signer = verified(&target, platform, &identity);
        Ok((measured(&target)?, target, signer))
    });
    let (build, file, verified) = match outcome_of(made.await?)? {
        Ok(made) => made,
        Err(refused) => return Ok(Err(refused)),
    };
    Ok(if verified {
        Ok(WrittenPackage {
            build,
            file,
            platform,
        })
    } else {
        Err(Refused(
            "unreadable: the signature of the signed app does not hold".to_owned(),
        ))
    })
}

/// Whether the signature is the identity's, as an independent reader sees it. For iOS nobody but
/// the signer reads signatures.
fn verified(target: &NamedTempFile, platform: Platform, identity: &Identity) -> bool {
    match platform {
        Platform::Android => match apk_signature(target.path()) {
            Signature::Verified {
                certificate_sha256, ..
            } => certificate_sha256 == identity.fingerprint(),
            Signature::Unverified { .. } => false,
        },
        Platform::Ios => true,
    }
}

/// The hash and size of a file: read by its path, since writers put another in its place.
fn measured(file: &NamedTempFile) -> std::io::Result<Build> {
    let mut source = File::open(file.path())?;
    let (mut hash, mut size, mut block) = (Sha256::new(), 0_u64, vec![0; 64 * 1024]);
    loop {
        let read = source.read(&mut block)?;
        if read == 0 {
            return Ok(Build {
                sha256: data_encoding::HEXLOWER.encode(&hash.finalize()),
                size,
            });
        }
        hash.update(&block[..read]);
        size += read as u64;
    }
}

impl WrittenPackage {
    /// Itself, if it still reads as that version.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn of(self, version: &Version) -> Result<Result<Self, Refused>, Error> {
        let (platform, size, path) = (self.platform, self.build.size, self.file.path().to_owned());
        let read =
            isolated(move || read_metadata(BufReader::new(File::open(path)?), size, platform))
                .await?;
        match read {
            Ok(package) if package.identifier == version.identifier => {
                // A version without a name is known by its code, wherever it was taken in.
                let same = [&package.version_name, &package.version_code]
                    .into_iter()
                    .any(|read| *read == version.version_name);
                if same || version.version_name.is_empty() {
                    Ok(Ok(self))
                } else {
                    Ok(Err(Refused(format!(
                        "wrong_identifier: what was made reads as version {}",
                        package.version_name
                    ))))
                }
            }
            Ok(package) => Ok(Err(Refused(format!(
                "wrong_identifier: what was made reads as {} {}",
                package.identifier, package.version_name
            )))),
            Err(ReadError::Refused(refusal)) => Ok(Err(Refused(refusal.to_string()))),
            Err(ReadError::Source(error)) => Err(Error::internal(error)),
        }
    }
}

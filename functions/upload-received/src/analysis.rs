//! The two passes over a binary: metadata in ranged reads, then every byte once.

use std::io;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use package_reader::{
    BlockCache, Package, Platform, ReadError, RefusalCode, Signature, StaticContent, apk_signature,
    ipa_signature, read_metadata, static_content, store_icon,
};
use sha2::{Digest, Sha256};
use shared::base::code::{Code, Refusal};
use shared::base::error::Error;
use shared::base::id::{BinaryType, TenantId};
use shared::model::apps::analysis::PackageAnalysis;
use shared::model::apps::upload::{MAX_STATIC, Upload};
use shared::services::context::Context;
use shared::store::keys;

/// Most bytes that the metadata pass fetches.
const MAX_METADATA: u64 = 2 << 20;

/// Runs something that blocks, or may panic, on a thread of its own.
///
/// # Errors
/// Internal when it panicked.
pub async fn isolated<T: Send + 'static>(
    processing: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(processing)
        .await
        .map_err(Error::internal)
}

/// What the reader of packages refuses, in the words of uploads.
pub fn refused(refusal: package_reader::Refusal) -> Refusal {
    let code = match refusal.code {
        RefusalCode::NotAnArchive => Code::NotAnArchive,
        RefusalCode::NotAnApp => Code::NotAnApp,
        RefusalCode::TooLarge => Code::TooLarge,
        RefusalCode::TooDeep => Code::TooDeep,
        RefusalCode::TooManyEntries => Code::TooManyEntries,
        RefusalCode::Ambiguous => Code::Ambiguous,
        RefusalCode::Truncated => Code::Truncated,
        RefusalCode::WrongType => Code::WrongType,
        RefusalCode::WrongIdentifier => Code::WrongIdentifier,
        RefusalCode::Unreadable => Code::Unreadable,
        RefusalCode::WrongPassword => Code::WrongPassword,
        RefusalCode::WrongProfile => Code::WrongProfile,
        RefusalCode::Expired => Code::Expired,
        RefusalCode::UnsupportedKey => Code::UnsupportedKey,
    };
    Refusal::new(code, refusal.reason)
}

fn platform(kind: BinaryType) -> Platform {
    match kind {
        BinaryType::Android => Platform::Android,
        BinaryType::Iphone | BinaryType::Ipad | BinaryType::Ios => Platform::Ios,
    }
}

/// What a binary is, or the reason why it is refused.
///
/// # Errors
/// The bucket's, and those of the disk.
pub async fn binary(
    context: &Context,
    tenant_id: TenantId,
    upload: &Upload,
    kind: BinaryType,
) -> Result<Result<PackageAnalysis, Refusal>, Error> {
    let name = keys::incoming_object(tenant_id, &upload.guid);
    let package = match metadata(context, name.clone(), upload.size, platform(kind)).await? {
        Ok(package) => package,
        Err(refusal) => return Ok(Err(refused(refusal))),
    };
    let (sha256, file) = download(context, &name).await?;
    if let Some(reason) = other_content(upload, &sha256) {
        return Ok(Err(reason));
    }
    let (size, platform) = (upload.size, platform(kind));
    let (package, signature) = isolated(move || {
        // What did not fit into the budget of the first pass is on the disk now.
        let package = if package.partial {
            reread(&file, size, platform).unwrap_or(package)
        } else {
            package
        };
        let signature = match platform {
            Platform::Android => apk_signature(file.path()),
            Platform::Ios => ipa_signature(file.path()),
        };
        (package, signature)
    })
    .await?;
    analyse(package, signature, sha256, size).await.map(Ok)
}

/// Why these bytes are not those that were announced.
fn other_content(upload: &Upload, sha256: &str) -> Option<Refusal> {
    let other = upload
        .sha256
        .as_ref()
        .is_some_and(|announced| announced != sha256);
    other.then(|| {
        Refusal::new(
            Code::Truncated,
            "the SHA-256 of what arrived is not the one that was announced",
        )
    })
}

/// What a picture or document is, with the SHA-256 of its bytes in hex, or the reason why it is
/// refused.
///
/// # Errors
/// The bucket's.
pub async fn picture_or_document(
    context: &Context,
    tenant_id: TenantId,
    upload: &Upload,
) -> Result<Result<(StaticContent, String), Refusal>, Error> {
    let bytes = context
        .objects()?
        .range(
            &keys::incoming_object(tenant_id, &upload.guid),
            0,
            MAX_STATIC,
        )
        .await?;
    let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
    if let Some(reason) = other_content(upload, &sha256) {
        return Ok(Err(reason));
    }
    let found = isolated(move || static_content(&bytes)).await?;
    Ok(found.map(|content| (content, sha256)).map_err(refused))
}

fn reread(file: &tempfile::NamedTempFile, size: u64, platform: Platform) -> Option<Package> {
    read_metadata(file.reopen().ok()?, size, platform).ok()
}

async fn metadata(
    context: &Context,
    name: String,
    size: u64,
    platform: Platform,
) -> Result<Result<Package, package_reader::Refusal>, Error> {
    let objects = context.shared_objects()?;
    let runtime = tokio::runtime::Handle::current();
    let read = isolated(move || {
        let fetch = move |offset: u64, length: u64| {
            runtime
                .block_on(objects.range(&name, offset, length))
                .map_err(io::Error::other)
        };
        read_metadata(BlockCache::new(fetch, size, MAX_METADATA), size, platform)
    });
    match read.await? {
        Ok(package) => Ok(Ok(package)),
        Err(ReadError::Refused(refusal)) => Ok(Err(refusal)),
        Err(ReadError::Source(error)) => Err(Error::unavailable(error)),
    }
}

/// Every byte once: hashed on the way to the disk, where the signature is judged.
async fn download(
    context: &Context,
    name: &str,
) -> Result<(String, tempfile::NamedTempFile), Error> {
    let mut stream = context.objects()?.stream(name).await?;
    let mut file = tempfile::NamedTempFile::new().map_err(Error::internal)?;
    let mut hash = Sha256::new();
    while let Some(bytes) = stream.try_next().await.map_err(Error::unavailable)? {
        hash.update(&bytes);
        file.write_all(&bytes).map_err(Error::internal)?;
    }
    file.flush().map_err(Error::internal)?;
    Ok((data_encoding::HEXLOWER.encode(&hash.finalize()), file))
}

async fn analyse(
    mut package: Package,
    signature: Signature,
    sha256: String,
    size: u64,
) -> Result<PackageAnalysis, Error> {
    let icon = package.icon.take();
    let icon = isolated(move || icon.and_then(|icon| store_icon(&icon.png).ok())).await?;
    let mut read = serde_json::to_value(&package).map_err(Error::internal)?;
    read["signature"] = serde_json::to_value(&signature).map_err(Error::internal)?;
    let verified_signer = match signature {
        Signature::Verified {
            certificate_sha256, ..
        } => Some(certificate_sha256),
        Signature::Unverified { .. } => None,
    };
    Ok(PackageAnalysis {
        sha256,
        size,
        identifier: package.identifier,
        version_name: package.version_name,
        verified_signer,
        icon: icon.map(|png| STANDARD.encode(png)),
        package: read,
    })
}

//! The kept versions of packages, by the two names that this dialect has for them: the file that
//! was uploaded, and the version's own guid.

use shared::base::error::Error;
use shared::base::id::{AppId, BinaryType, Guid, TenantId};
use shared::domain::apps::file;
use shared::http::pipeline::Call;
use shared::model::apps::app::{App, Binary, Version, VersionAlias};
use shared::model::apps::file::Content;
use shared::store::keys;

/// A kept version of an app's binary, with the binary's id.
pub struct StoredVersion {
    /// The app with the binary's type.
    pub binary: AppId,
    /// The version.
    pub version: Version,
}

/// The version of that guid, where `name` begins with one: so versions are named that came by other
/// dialects.
///
/// # Errors
/// The store's.
pub async fn version_named(
    call: &mut Call<'_>,
    tenant_id: TenantId,
    name: &str,
    kind: BinaryType,
) -> Result<Option<StoredVersion>, Error> {
    let Some(guid) = name
        .rsplit_once('.')
        .and_then(|(stem, _)| stem.parse::<Guid>().ok())
    else {
        return Ok(None);
    };
    let Some(alias) = call
        .reader
        .get::<VersionAlias>(&keys::version(tenant_id, &guid))
        .await?
    else {
        return Ok(None);
    };
    let id = alias.value.binary;
    let Some(of) = id.kind().filter(|of| of.extension() == kind.extension()) else {
        return Ok(None);
    };
    call.reader
        .fetch_missing(&[keys::app(tenant_id, id), keys::binary(tenant_id, id, of)])
        .await?;
    let found = call
        .reader
        .get::<Binary>(&keys::binary(tenant_id, id, of))
        .await?;
    let version = found.and_then(|found| {
        found
            .value
            .versions
            .into_iter()
            .find(|version| version.guid == guid)
    });
    Ok(version.map(|version| StoredVersion {
        binary: id,
        version,
    }))
}

/// The version that came from the uploaded file of that name, in the app that it belongs to.
///
/// # Errors
/// The store's.
pub async fn of_file(
    call: &mut Call<'_>,
    tenant_id: TenantId,
    name: &str,
) -> Result<Option<StoredVersion>, Error> {
    let Some(stored) = file::find(&mut call.reader, tenant_id, name)
        .await?
        .map(|found| found.value)
    else {
        return Ok(None);
    };
    let (Content::Package { .. }, Some(binary)) = (&stored.content, stored.app) else {
        return Ok(None);
    };
    let Some(kind) = binary.kind() else {
        return Ok(None);
    };
    call.reader
        .fetch_missing(&[
            keys::app(tenant_id, binary),
            keys::binary(tenant_id, binary, kind),
        ])
        .await?;
    let Some(app) = call
        .reader
        .get::<App>(&keys::app(tenant_id, binary))
        .await?
    else {
        return Ok(None);
    };
    let came = |number: &u32| {
        app.value.binary(kind).is_some_and(|shown| {
            shown
                .versions
                .iter()
                .any(|v| v.number == *number && v.file.as_deref() == Some(name))
        })
    };
    let found = call
        .reader
        .get::<Binary>(&keys::binary(tenant_id, binary, kind))
        .await?;
    let version = found.and_then(|found| {
        found
            .value
            .versions
            .into_iter()
            .find(|version| came(&version.number))
    });
    Ok(version.map(|version| StoredVersion { binary, version }))
}

/// The error for a file name that no file of this tenant has, even if another tenant has one.
pub fn unknown() -> Error {
    Error::not_found("There is no such file")
}

//! Signing credentials: keys with their certificates, by which packages are signed (000).
//!
//! Lists show a record that holds no secret. The PKCS#12 file and its password are sealed under the
//! tenant's data key in a record of their own, which only signing reads; no answer, error or log
//! line has anything of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::base::error::Error;
use crate::base::id::{Guid, TenantId};
use crate::change;
use crate::model::credentials::signing_credential::{
    SigningCredential, SigningProfile, SigningSecret,
};
use crate::services::sealing::DataKey;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Query, Write, keys, record};

/// Most signing credentials of a tenant.
pub const MAX_CREDENTIALS: usize = 100;

/// Most characters of a description.
pub const MAX_DESCRIPTION: usize = 200;

/// Most bytes of a PKCS#12 file.
pub const MAX_FILE: usize = 64 * 1024;

/// Most bytes of a provisioning profile.
pub const MAX_PROFILE: usize = 256 * 1024;

/// Most bytes of a password.
pub const MAX_PASSWORD: usize = 1_024;

/// What the sealed part is sealed for.
const PURPOSE: &str = "signing credential";

#[derive(Serialize, Deserialize)]
struct Sealed {
    file: String,
    password: String,
}

/// What a signing credential signs with. Not `Debug`: it is nobody's to print.
pub struct Material {
    /// The PKCS#12 file.
    pub file: Vec<u8>,
    /// Its password.
    pub password: String,
    /// The provisioning profile, for iOS.
    pub profile: Option<Vec<u8>>,
}

/// The tenant's credentials, oldest first.
///
/// # Errors
/// The store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
) -> Result<Vec<SigningCredential>, Error> {
    let items = reader
        .all(Query::all(keys::signing_credentials(tenant_id)))
        .await?;
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        all.push(Stored::<SigningCredential>::parse(item)?.value);
    }
    all.sort_by(|one, other| (one.created, &one.guid).cmp(&(other.created, &other.guid)));
    Ok(all)
}

/// Adds a credential that was judged, with what it signs with.
///
/// # Errors
/// Conflict beyond [`MAX_CREDENTIALS`]; the store's.
pub async fn add(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    key: &DataKey,
    credential: &SigningCredential,
    material: &Material,
) -> Result<(), Error> {
    if list(reader, tenant_id).await?.len() >= MAX_CREDENTIALS {
        return Err(Error::conflict(format!(
            "There are {MAX_CREDENTIALS} credentials already: delete one that is not needed any \
                more"
        )));
    }
    let sealed = Sealed {
        file: STANDARD.encode(&material.file),
        password: material.password.clone(),
    };
    let sealed = key.seal(
        &purpose(&credential.guid),
        &serde_json::to_string(&sealed).map_err(Error::internal)?,
    )?;
    let mut writes = vec![
        record::create(
            keys::signing_credential(tenant_id, &credential.guid),
            credential,
        )?,
        record::create(
            keys::signing_secret(tenant_id, &credential.guid),
            &SigningSecret { sealed },
        )?,
    ];
    if let Some(profile) = &material.profile {
        let profile = SigningProfile {
            profile: STANDARD.encode(profile),
        };
        writes.push(record::create(
            keys::signing_profile(tenant_id, &credential.guid),
            &profile,
        )?);
    }
    change!(reader, { Ok(((), writes.clone())) })
}

/// A credential cannot be put in another's place in the table.
fn purpose(credential: &Guid) -> String {
    format!("{PURPOSE} {credential}")
}

/// A credential of the tenant.
///
/// # Errors
/// Not found; the store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    credential: &Guid,
) -> Result<Stored<SigningCredential>, Error> {
    reader
        .get(&keys::signing_credential(tenant_id, credential))
        .await?
        .ok_or_else(unknown)
}

/// What is said of a credential that is not there.
pub fn unknown() -> Error {
    Error::not_found("There is no such signing credential")
}

/// Removes a credential with what it signs with. Work that was to sign with it ends in an error.
///
/// # Errors
/// Not found; the store's.
pub async fn delete(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    credential: &Guid,
) -> Result<SigningCredential, Error> {
    change!(reader, {
        let found = find(reader, tenant_id, credential).await?;
        let gone = |key| Write::Delete(key, Condition::Always);
        let writes = vec![
            found.remove(),
            gone(keys::signing_secret(tenant_id, credential)),
            gone(keys::signing_profile(tenant_id, credential)),
        ];
        Ok((found.value, writes))
    })
}

/// A credential with what it signs with; `None` where it was deleted.
///
/// # Errors
/// Internal for what does not open; the store's.
pub async fn open(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    key: &DataKey,
    credential: &Guid,
) -> Result<Option<(SigningCredential, Material)>, Error> {
    let (secret_key, profile_key) = (
        keys::signing_secret(tenant_id, credential),
        keys::signing_profile(tenant_id, credential),
    );
    reader
        .fetch_missing(&[
            keys::signing_credential(tenant_id, credential),
            secret_key.clone(),
            profile_key.clone(),
        ])
        .await?;
    let Some(found) = reader
        .get::<SigningCredential>(&keys::signing_credential(tenant_id, credential))
        .await?
    else {
        return Ok(None);
    };
    let Some(secret) = reader.get::<SigningSecret>(&secret_key).await? else {
        return Ok(None);
    };
    let opened: Sealed =
        serde_json::from_str(&key.open(&purpose(credential), &secret.value.sealed)?)
            .map_err(|_| Error::internal("a sealed credential is broken"))?;
    let profile = reader.get::<SigningProfile>(&profile_key).await?;
    let profile = profile
        .map(|profile| STANDARD.decode(profile.value.profile))
        .transpose()
        .map_err(|_| Error::internal("a kept profile is broken"))?;
    let file = STANDARD
        .decode(opened.file)
        .map_err(|_| Error::internal("a sealed credential is broken"))?;
    Ok(Some((
        found.value,
        Material {
            file,
            password: opened.password,
            profile,
        },
    )))
}

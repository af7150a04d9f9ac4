//! 000: signing credentials, and signing with them.

use std::str::FromStr as _;

use package_writer::{Identity, WriteError, check_profile};
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::base::clock::Timestamp;
use shared::base::error::{Error, Kind};
use shared::base::id::{Guid, TenantId};
use shared::domain::app_policies::signing_credential::{
    MAX_DESCRIPTION, MAX_FILE, MAX_PASSWORD, MAX_PROFILE, Material,
};
use shared::domain::app_policies::{policy_set, signing, signing_credential};
use shared::http::incoming::Incoming;
use shared::http::multipart;
use shared::http::pipeline::{Call, Plan};
use shared::http::reply::Reply;
use shared::http::routes::apperian_applications::Op;
use shared::model::credentials::signing_credential::{SigningCredential, SigningPlatform};
use shared::store::{Query, keys};

/// What the operations here will read.
pub fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let credential = || {
        Guid::from_str(incoming.param("credential"))
            .ok()
            .map(|credential| keys::signing_credential(tenant_id, &credential))
    };
    match op {
        Op::ListCredentials => {
            Plan::default().query(Query::all(keys::signing_credentials(tenant_id)))
        }
        Op::AddCredential => Plan::keys(vec![keys::tenant(tenant_id)])
            .query(Query::all(keys::signing_credentials(tenant_id))),
        Op::DeleteCredential => Plan::keys(credential().into_iter().collect()),
        Op::Sign => Plan::keys(policy_set::keys_of(
            tenant_id,
            incoming.param("application"),
            policy_set::Purpose::Reading,
        ))
        .and(credential()),
        _ => Plan::default(),
    }
}

/// A credential as lists show it.
#[derive(Serialize)]
struct CredentialView {
    psk: Guid,
    description: String,
    expiration_date: String,
    platform: u8,
}

impl CredentialView {
    fn of(credential: SigningCredential) -> Self {
        let (expiration_date, platform) =
            (credential.expires.rfc3339(), credential.platform.number());
        Self {
            psk: credential.guid,
            description: credential.description,
            expiration_date,
            platform,
        }
    }
}

/// The tenant's signing credentials, without what they sign with.
pub async fn list_credentials(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let all = signing_credential::list(&mut call.reader, tenant_id).await?;
    let views: Vec<CredentialView> = all.into_iter().map(CredentialView::of).collect();
    Reply::of(&json!({"credentials": views}))
}

/// What a form says of a credential.
struct Announced {
    description: String,
    platform: SigningPlatform,
    material: Material,
}

/// Takes a form apart. Nothing of it is told in an error.
async fn announced(incoming: &Incoming) -> Result<Announced, Error> {
    let mut form = multipart::read_files(incoming, &["file", "profile"]).await?;
    let within = |name: &str, bytes: &Vec<u8>, most: usize| match bytes.len() {
        0 => Err(Error::invalid(format!("{name} is empty"))),
        length if length > most => Err(Error::too_large(format!(
            "{name} is larger than {most} bytes"
        ))),
        _ => Ok(()),
    };
    let file = form
        .take_file("file")
        .ok_or_else(|| Error::invalid("file must be a PKCS#12 file (.p12, .pfx)"))?;
    within("file", &file, MAX_FILE)?;
    let profile = form.take_file("profile");
    if let Some(profile) = &profile {
        within("profile", profile, MAX_PROFILE)?;
    }
    let data: Map<String, Value> = form
        .text("data")
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| Error::invalid("data must be a JSON object"))?;
    let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
    let description = text("description")
        .map(|description| description.trim().to_owned())
        .unwrap_or_default();
    if description.is_empty()
        || description.chars().count() > MAX_DESCRIPTION
        || description.chars().any(char::is_control)
    {
        return Err(Error::invalid(format!(
            "description must be a text of 1 to {MAX_DESCRIPTION} characters"
        )));
    }
    let number = data.get("platform").and_then(|platform| {
        platform
            .as_u64()
            .or_else(|| platform.as_str()?.parse().ok())
    });
    let platform = number
        .and_then(SigningPlatform::of_number)
        .ok_or_else(|| Error::invalid("platform must be 1 (iOS) or 2 (Android)"))?;
    let password = text("password")
        .ok_or_else(|| Error::invalid("password must be the text that opens the file"))?;
    if password.len() > MAX_PASSWORD {
        return Err(Error::invalid(format!(
            "password is longer than {MAX_PASSWORD} bytes"
        )));
    }
    match (platform, &profile) {
        (SigningPlatform::Ios, None) => Err(Error::invalid(
            "profile must be the provisioning profile that was made for the certificate",
        )),
        (SigningPlatform::Android, Some(_)) => Err(Error::invalid("profile is for iOS alone")),
        _ => Ok(Announced {
            description,
            platform,
            material: Material {
                file,
                password,
                profile,
            },
        }),
    }
}

/// What was read from a credential's files.
struct CredentialAnalysis {
    expires: u64,
    subject: String,
    fingerprint: String,
}

/// Opens what a credential signs with, and sees whether it signs now. Gives it back with what was
/// read.
async fn analyse(
    material: Material,
    now: Timestamp,
) -> Result<(Material, CredentialAnalysis), Error> {
    let now = now.seconds().unsigned_abs();
    let judge = move || {
        let identity = Identity::from_pkcs12(&material.file, &material.password)
            .map_err(|error| ("file", error))?;
        let profile = material
            .profile
            .as_deref()
            .map(|profile| check_profile(profile, &identity, now))
            .transpose()
            .map_err(|error| ("profile", error))?;
        let expires = profile.map_or(identity.not_after(), |profile| {
            profile.min(identity.not_after())
        });
        let read = CredentialAnalysis {
            expires,
            subject: identity.subject(),
            fingerprint: identity.fingerprint(),
        };
        Ok((material, read))
    };
    // On a thread of its own: it blocks, and what it opens may be hostile.
    let (material, read) = tokio::task::spawn_blocking(judge)
        .await
        .map_err(Error::internal)?
        .map_err(|(part, error)| match error {
            WriteError::Refused(refusal) => Error::invalid(format!("{part}: {refusal}")),
            WriteError::File(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                Error::new(
                    Kind::TooManyRequests,
                    "Other key files are being opened: try again in a minute",
                )
            }
            WriteError::File(error) => Error::internal(error),
        })?;
    if read.expires <= now {
        return Err(Error::invalid("file: expired: the certificate has expired"));
    }
    Ok((material, read))
}

/// Adds a signing credential: a key with its certificate, and for iOS the provisioning profile.
pub async fn add_credential(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let (tenant_id, by, now) = (who.tenant_id, who.owner.user.clone(), call.reader.now());
    let Announced {
        description,
        platform,
        material,
    } = announced(call.incoming).await?;
    let (material, read) = analyse(material, now).await?;
    let expires = Timestamp(
        i64::try_from(read.expires)
            .unwrap_or(i64::MAX / 1_000)
            .saturating_mul(1_000),
    );
    let (subject, fingerprint) = (read.subject, read.fingerprint);
    let credential = SigningCredential {
        guid: Guid::random(),
        description,
        platform,
        expires,
        subject,
        fingerprint,
        by: by.clone(),
        created: now,
    };
    let key = call.data_key(tenant_id).await?;
    signing_credential::add(&mut call.reader, tenant_id, &key, &credential, &material).await?;
    tracing::info!(
        credential = %credential.guid,
        fingerprint = credential.fingerprint,
        %by,
        "a signing credential was added"
    );
    Reply::of(&json!({"credential": CredentialView::of(credential)}))
}

/// The credential that the path names.
fn credential_id(call: &Call<'_>) -> Result<Guid, Error> {
    Guid::from_str(call.incoming.param("credential")).map_err(|_| signing_credential::unknown())
}

/// Removes a signing credential. What it signed stays signed.
pub async fn delete_credential(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let (who, credential) = (call.who()?, credential_id(&call)?);
    let (tenant_id, by) = (who.tenant_id, who.owner.user.clone());
    let deleted = signing_credential::delete(&mut call.reader, tenant_id, &credential).await?;
    tracing::info!(
        credential = %deleted.guid,
        fingerprint = deleted.fingerprint,
        %by,
        "a signing credential was deleted"
    );
    Reply::of(&json!({"deleted_credential": deleted.guid}))
}

/// Signs an app, afterwards: the answer says that it is being done. Clients send nothing, an empty
/// body that calls itself JSON, or `{"enabled":true}`; nothing is taken from it.
pub async fn sign(mut call: Call<'_>) -> Result<Reply, Error> {
    let (who, credential) = (call.who()?, credential_id(&call)?);
    let signing = signing::ask(
        &mut call.reader,
        who,
        call.incoming.param("application"),
        &credential,
        &call.incoming.base_url,
    )
    .await?;
    tracing::info!(%credential, by = %who.owner.user, "a signature was asked for");
    Reply::of(&json!({"signing_status": signing.status, "signing_status_details": signing.details}))
}

//! Asking for a signature (000): on the live version of a binary, by a signing credential of its
//! platform.

use crate::base::error::Error;
use crate::base::id::Guid;
use crate::base::kind::AppKind;
use crate::change;
use crate::domain::app_policies::{job, signing_credential};
use crate::domain::apps::numbers;
use crate::model::apps::app::Binary;
use crate::model::apps::processing::{
    Job, Processing, ProcessingStatus, ProcessingTask, Signing, SigningStatus,
};
use crate::model::credentials::signing_credential::SigningPlatform;
use crate::model::people::principal::Principal;
use crate::store::record::Reader;
use crate::store::{Condition, Write, keys};

/// Why a version cannot be signed now.
fn refusal(processing: &Processing) -> Option<Error> {
    match processing.status {
        ProcessingStatus::Applying => Some(Error::conflict(
            "Policies are being applied: sign once that is done",
        )),
        ProcessingStatus::Error => {
            let why = processing.reason.as_deref().unwrap_or("unknown");
            Some(Error::conflict(format!(
                "The policies could not be applied ({why}): apply or remove them first"
            )))
        }
        // What takes the policies back from what is installed must not be overtaken.
        _ if processing.job.is_some() && !is_in_progress(processing) => Some(Error::conflict(
            "Policies are being removed: sign once that is done",
        )),
        ProcessingStatus::None
        | ProcessingStatus::Signed
        | ProcessingStatus::NotSigned
        | ProcessingStatus::Previously => None,
    }
}

fn is_in_progress(processing: &Processing) -> bool {
    processing.job.is_some()
        && processing
            .signing
            .as_ref()
            .is_some_and(|signing| signing.status == SigningStatus::InProgress)
}

/// Asks for a signature of the live version of the binary that is named, or of the only one.
/// `base_url` is where this deployment is reached. While the same credential signs already nothing
/// changes; another one takes its place.
///
/// # Errors
/// Invalid for an app that is no Android or iOS app, for the id of an item with several binaries,
/// and for a credential of another platform; not found for an unknown app or credential; conflict
/// while policies change or where they could not be applied, and for a credential that has expired;
/// the store's.
pub async fn ask(
    reader: &mut Reader<'_>,
    who: &Principal,
    named: &str,
    credential: &Guid,
    base_url: &str,
) -> Result<Signing, Error> {
    let (tenant_id, now) = (who.tenant_id, reader.now());
    change!(reader, {
        let id = numbers::locate(reader, tenant_id, named).await?;
        reader
            .fetch_missing(&[
                keys::app(tenant_id, id),
                keys::signing_credential(tenant_id, credential),
            ])
            .await?;
        let mut app = numbers::read(reader, tenant_id, id).await?;
        if app.value.kind != AppKind::Mobile {
            return Err(Error::invalid(
                "The application is a web app: signatures are for Android and iOS packages",
            ));
        }
        let with = signing_credential::find(reader, tenant_id, credential)
            .await?
            .value;
        let kind = numbers::binary(&app.value, id)?;
        if with.platform != SigningPlatform::of(kind) {
            return Err(Error::invalid(format!(
                "The credential is for {} and the application for {}",
                with.platform.as_str(),
                SigningPlatform::of(kind).as_str()
            )));
        }
        if with.expires <= now {
            return Err(Error::conflict("The signing credential has expired"));
        }
        let mut binary = reader
            .get::<Binary>(&keys::binary(tenant_id, id, kind))
            .await?
            .ok_or_else(numbers::unknown)?;
        let live = app.value.binary(kind).map(|shown| shown.live);
        let version = binary
            .value
            .versions
            .iter_mut()
            .find(|version| Some(version.number) == live);
        let version = version.ok_or_else(|| Error::torn("the live version is not kept"))?;
        let processing = version.processing.get_or_insert_with(Box::default);
        if let Some(refusal) = refusal(processing) {
            return Err(refusal);
        }
        if let Some(signing) = processing
            .signing
            .clone()
            .filter(|signing| is_in_progress(processing) && signing.credential == *credential)
        {
            return Ok((signing, Vec::new()));
        }
        let task = ProcessingTask::Sign {
            credential: credential.clone(),
        };
        let asked = Job::new(
            app.value.id.binary(kind),
            version.guid.clone(),
            task,
            base_url.to_owned(),
            &who.owner,
            now,
        );
        let signing = Signing {
            status: SigningStatus::InProgress,
            details: String::new(),
            credential: credential.clone(),
        };
        let overtaken = processing.job.replace(asked.guid.clone());
        processing.signing = Some(signing.clone());
        let version = version.clone();
        let mut writes =
            job::update_writes(tenant_id, &mut app, &version, &who.owner.username, now)?;
        writes.push(binary.replace()?);
        writes.extend(
            overtaken.map(|overtaken| {
                Write::Delete(keys::job(tenant_id, &overtaken), Condition::Always)
            }),
        );
        writes.extend(job::ask(tenant_id, &asked)?);
        Ok((signing, writes))
    })
}

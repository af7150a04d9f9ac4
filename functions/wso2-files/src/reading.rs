//! Reading what was uploaded: packages by a redirect to the storage, pictures and documents from
//! here.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::base::conditions::{Validators, Verdict};
use shared::base::error::Error;
use shared::base::id::{AppRef, BinaryType, TenantId};
use shared::domain::apps::{app, file};
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::file::{Content, StoredFile};
use shared::services::objects::{Presentation, disposition};
use shared::store::keys;

use crate::parameters::{app_type, named_package};
use crate::versions::{StoredVersion, of_file, unknown, version_named};

/// How long a signed address of the storage is valid.
const STORAGE_URL: Duration = Duration::from_secs(300);

/// The largest file that is answered from here: as base64 it passes a function.
const ANSWERED: u64 = 4 << 20;

/// 001a 17: a package, by the name of its file or the guid of its version.
pub async fn binary(mut call: Call<'_>) -> Result<Reply, Error> {
    let (name, tenant_id) = (
        call.incoming.param("fileName").to_owned(),
        call.who()?.tenant_id,
    );
    let kind = named_package(&name)?;
    let stored = file::find(&mut call.reader, tenant_id, &name)
        .await?
        .map(|found| found.value);
    if let Some(stored) = stored.filter(|stored| matches!(stored.content, Content::Package { .. }))
    {
        // What was signed here is handed out in place of what was uploaded, in every dialect.
        let signed = match stored.app {
            Some(_) => of_file(&mut call, tenant_id, &name)
                .await?
                .filter(|kept| kept.version.sha256 != stored.sha256),
            None => None,
        };
        return match signed {
            Some(kept) => from_version(&mut call, tenant_id, kind, kept).await,
            None => from_storage(&call, tenant_id, &stored).await,
        };
    }
    let kept = version_named(&mut call, tenant_id, &name, kind)
        .await?
        .ok_or_else(unknown)?;
    from_version(&mut call, tenant_id, kind, kept).await
}

async fn from_version(
    call: &mut Call<'_>,
    tenant_id: TenantId,
    kind: BinaryType,
    kept: StoredVersion,
) -> Result<Reply, Error> {
    let StoredVersion { binary, version } = kept;
    let app = app::read(&mut call.reader, tenant_id, binary).await?.value;
    let presentation = Presentation {
        content_type: kind.content_type().to_owned(),
        file_name: format!("{}-{}.{}", app.name, version.version_name, kind.extension()),
    };
    let validators = Validators::of_content(version.sha256.as_bytes()).modified(version.at);
    let url = call
        .objects()?
        .sign_get(
            &keys::binary_object(tenant_id, &version.sha256),
            STORAGE_URL,
            &presentation,
        )
        .await?
        .url;
    Ok(Reply::redirect(url).validators(validators))
}

async fn from_storage(
    call: &Call<'_>,
    tenant_id: TenantId,
    stored: &StoredFile,
) -> Result<Reply, Error> {
    let presentation = Presentation {
        content_type: stored.media_type().to_owned(),
        file_name: stored.download_name(),
    };
    let url = call
        .objects()?
        .sign_get(&stored.object(tenant_id), STORAGE_URL, &presentation)
        .await?
        .url;
    Ok(Reply::redirect(url).validators(stored.validators()))
}

/// 001 12: a picture or document, by the name of its file; an app's icon, by the app's guid and
/// `.png`.
pub async fn picture_or_document(mut call: Call<'_>) -> Result<Reply, Error> {
    app_type(call.incoming.peek::<String>("appType").as_deref())?;
    let (name, tenant_id) = (
        call.incoming.param("fileName").to_owned(),
        call.who()?.tenant_id,
    );
    let stored = file::find(&mut call.reader, tenant_id, &name)
        .await?
        .map(|found| found.value);
    let Some(stored) = stored.filter(|stored| matches!(stored.content, Content::Static { .. }))
    else {
        return icon(&mut call, tenant_id, &name).await;
    };
    let validators = stored.validators();
    if call.incoming.conditions.judge_reading(&validators)? == Verdict::NotModified {
        return Ok(Reply::empty().validators(validators));
    }
    if stored.size > ANSWERED {
        return from_storage(&call, tenant_id, &stored).await;
    }
    let bytes = call
        .objects()?
        .range(&stored.object(tenant_id), 0, stored.size)
        .await?;
    let reply = Reply::bytes(stored.media_type().to_owned(), bytes).validators(validators);
    Ok(reply.header("content-disposition", disposition(&stored.download_name())))
}

/// The icon of an app, whichever dialect gave it.
async fn icon(call: &mut Call<'_>, tenant_id: TenantId, name: &str) -> Result<Reply, Error> {
    let stem = name.strip_suffix(".png").ok_or_else(unknown)?;
    let Ok(AppRef::Ours(id)) = stem.parse::<AppRef>() else {
        return Err(unknown());
    };
    call.reader
        .fetch_missing(&app::app_keys(tenant_id, id))
        .await?;
    let picture = app::icon(&mut call.reader, tenant_id, id).await?;
    if picture.is_empty() {
        return Err(unknown());
    }
    let app = app::read(&mut call.reader, tenant_id, id).await?.value;
    let bytes = STANDARD.decode(picture).map_err(Error::internal)?;
    let validators = Validators::of_content(&bytes).modified(app.modified);
    Ok(Reply::bytes("image/png", bytes)
        .validators(validators)
        .header("content-disposition", disposition(name)))
}

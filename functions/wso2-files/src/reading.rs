//! Reading what was uploaded: packages by a redirect to the storage, pictures and documents from
//! here.

use crate::plist::of_file;
use crate::uploads::app_type;
use crate::{named_package, unknown};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::base::conditions::{Validators, Verdict};
use shared::base::error::Error;
use shared::base::id::{AppId, AppRef, BinaryType, Guid, Handle};
use shared::domain::apps::{app, file};
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::app::{Binary, Version, VersionAlias};
use shared::model::apps::file::{Content, StoredFile};
use shared::services::objects::{Presentation, disposition};
use shared::store::keys;
use std::time::Duration;

/// How long a signed address of the storage is valid.
const STORAGE_URL: Duration = Duration::from_secs(300);

/// The largest file that is answered from here: as base64 it passes a function.
const ANSWERED: u64 = 4 << 20;

/// Where a picture or document is read, without the query that the document asks for.
pub fn static_path(name: &str) -> String {
    format!("/api/appm/publisher/v1.1/apps/static-contents/{name}")
}

/// A kept version of an app's binary, with the binary's id.
pub struct Kept {
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
    handle: Handle,
    name: &str,
    kind: BinaryType,
) -> Result<Option<Kept>, Error> {
    let Some(guid) = name
        .rsplit_once('.')
        .and_then(|(stem, _)| stem.parse::<Guid>().ok())
    else {
        return Ok(None);
    };
    let Some(alias) = call
        .reader
        .get::<VersionAlias>(&keys::version(handle, &guid))
        .await?
    else {
        return Ok(None);
    };
    let id = alias.value.binary;
    let Some(of) = id.kind().filter(|of| of.extension() == kind.extension()) else {
        return Ok(None);
    };
    call.reader
        .fetch_missing(&[keys::app_card(handle, id), keys::binary(handle, id, of)])
        .await?;
    let found = call
        .reader
        .get::<Binary>(&keys::binary(handle, id, of))
        .await?;
    let version = found.and_then(|found| {
        found
            .value
            .versions
            .into_iter()
            .find(|version| version.guid == guid)
    });
    Ok(version.map(|version| Kept {
        binary: id,
        version,
    }))
}

/// 001a 17: a package, by the name of its file or the guid of its version.
pub async fn binary(mut call: Call<'_>) -> Result<Reply, Error> {
    let (name, handle) = (
        call.incoming.param("fileName").to_owned(),
        call.who()?.handle,
    );
    let kind = named_package(&name)?;
    let stored = file::find(&mut call.reader, handle, &name)
        .await?
        .map(|found| found.value);
    if let Some(stored) = stored.filter(|stored| matches!(stored.content, Content::Package { .. }))
    {
        // What was signed here is handed out in place of what was uploaded, in every dialect.
        let signed = match stored.app {
            Some(_) => of_file(&mut call, handle, &name)
                .await?
                .filter(|kept| kept.version.sha256 != stored.sha256),
            None => None,
        };
        return match signed {
            Some(kept) => from_version(&mut call, handle, kind, kept).await,
            None => from_storage(&call, handle, &stored).await,
        };
    }
    let kept = version_named(&mut call, handle, &name, kind)
        .await?
        .ok_or_else(unknown)?;
    from_version(&mut call, handle, kind, kept).await
}

async fn from_version(
    call: &mut Call<'_>,
    handle: Handle,
    kind: BinaryType,
    kept: Kept,
) -> Result<Reply, Error> {
    let Kept { binary, version } = kept;
    let card = app::card(&mut call.reader, handle, binary).await?.value;
    let presentation = Presentation {
        content_type: kind.content_type().to_owned(),
        file_name: format!(
            "{}-{}.{}",
            card.name,
            version.version_name,
            kind.extension()
        ),
    };
    let validators = Validators::of_content(version.sha256.as_bytes()).modified(version.at);
    let url = call
        .objects()?
        .sign_get(
            &keys::binary_object(handle, &version.sha256),
            STORAGE_URL,
            &presentation,
        )
        .await?
        .url;
    Ok(Reply::redirect(url).validators(validators))
}

async fn from_storage(
    call: &Call<'_>,
    handle: Handle,
    stored: &StoredFile,
) -> Result<Reply, Error> {
    let presentation = Presentation {
        content_type: stored.media_type().to_owned(),
        file_name: stored.download_name(),
    };
    let url = call
        .objects()?
        .sign_get(&stored.object(handle), STORAGE_URL, &presentation)
        .await?
        .url;
    Ok(Reply::redirect(url).validators(stored.validators()))
}

/// 001 12: a picture or document, by the name of its file; an app's icon, by the app's guid and
/// `.png`.
pub async fn picture_or_document(mut call: Call<'_>) -> Result<Reply, Error> {
    app_type(call.incoming.peek::<String>("appType").as_deref())?;
    let (name, handle) = (
        call.incoming.param("fileName").to_owned(),
        call.who()?.handle,
    );
    let stored = file::find(&mut call.reader, handle, &name)
        .await?
        .map(|found| found.value);
    let Some(stored) = stored.filter(|stored| matches!(stored.content, Content::Static { .. }))
    else {
        return icon(&mut call, handle, &name).await;
    };
    let validators = stored.validators();
    if call.incoming.conditions.judge_reading(&validators)? == Verdict::NotModified {
        return Ok(Reply::empty().validators(validators));
    }
    if stored.size > ANSWERED {
        return from_storage(&call, handle, &stored).await;
    }
    let bytes = call
        .objects()?
        .range(&stored.object(handle), 0, stored.size)
        .await?;
    let reply = Reply::bytes(stored.media_type().to_owned(), bytes).validators(validators);
    Ok(reply.header("content-disposition", disposition(&stored.download_name())))
}

/// The icon of an app, whichever dialect gave it.
async fn icon(call: &mut Call<'_>, handle: Handle, name: &str) -> Result<Reply, Error> {
    let stem = name.strip_suffix(".png").ok_or_else(unknown)?;
    let Ok(AppRef::Ours(id)) = stem.parse::<AppRef>() else {
        return Err(unknown());
    };
    call.reader
        .fetch_missing(&app::card_keys(handle, id))
        .await?;
    let picture = app::icon(&mut call.reader, handle, id).await?;
    if picture.is_empty() {
        return Err(unknown());
    }
    let card = app::card(&mut call.reader, handle, id).await?.value;
    let bytes = STANDARD.decode(picture).map_err(Error::internal)?;
    let validators = Validators::of_content(&bytes).modified(card.modified);
    Ok(Reply::bytes("image/png", bytes)
        .validators(validators)
        .header("content-disposition", disposition(name)))
}

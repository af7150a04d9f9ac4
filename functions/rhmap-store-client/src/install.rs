//! Installing: Android is sent to a signed address of the storage, iOS gets a page with an
//! `itms-services` link whose manifest, package and icon a device fetches without a session. No
//! binary passes through a function.

use std::time::Duration;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppId, AppRef, BinaryType, Guid, TenantId};
use shared::base::rights::Right;
use shared::domain::apps::{app, store_front};
use shared::domain::log::audit;
use shared::domain::log::ticket::{Ticket, VALID_SECONDS};
use shared::http::addresses;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::model::apps::app::{App, Binary, Version, VersionAlias};
use shared::model::people::principal::Principal;
use shared::services::objects::Presentation;
use shared::store::keys;

/// How long a signed address of the storage is valid: a phone that resumes later asks for another.
const STORAGE_URL: Duration = Duration::from_secs(300);

#[derive(Template)]
#[template(path = "install.html")]
struct InstallPage<'a> {
    title: &'a str,
    version: &'a str,
    icon_url: &'a str,
    manifest_parameter: String,
}

#[derive(Template)]
#[template(path = "manifest.xml", escape = "html")]
struct ManifestFile<'a> {
    title: &'a str,
    version: &'a str,
    bundle_id: &'a str,
    package_url: String,
    icon_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstallBody {
    guid: AppRef,
    #[serde(rename = "type")]
    kind: Option<BinaryType>,
    binvers_guid: Option<Guid>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    download: Option<bool>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    device_id: Option<String>,
}

/// 003 2.25: by the item's guid with a type, or by the guid of its binary, as the addresses in
/// lists have it.
pub async fn install(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (InstallBody, _) = (call.body()?, call.who()?);
    let id = body.guid.exact()?;
    let app = visible_app(&mut call, who, id).await?;
    let only = || match &app.binaries[..] {
        [one] => Ok(one.kind),
        _ => Err(Error::invalid(Code::InvalidType.beside(
            "The item has binaries of several types: the request must say which type is meant",
        ))),
    };
    let kind = match (id.kind(), body.kind) {
        (Some(of_guid), Some(asked)) if of_guid != asked => return Err(app::no_such_binary()),
        (Some(kind), _) | (None, Some(kind)) => kind,
        (None, None) => only()?,
    };
    let live = app.binary(kind).ok_or_else(app::no_such_binary)?.live;
    let binary = binary(&mut call, who.tenant_id, app.id, kind).await?;
    let version = match &body.binvers_guid {
        None => binary.version(live),
        Some(guid) => binary.versions.iter().find(|version| version.guid == *guid),
    };
    let version = version.ok_or_else(|| {
        Error::not_found(Code::InvalidGuid.beside("There is no item with this guid in this domain"))
    })?;
    hand_out(
        call,
        &app,
        kind,
        version,
        body.download.unwrap_or(false),
        body.device_id.as_deref(),
    )
    .await
}

/// 003 2.6.4: `downloadvers?guid=<guid of a kept version>`.
pub async fn download_version(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        guid: Guid,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        device_id: Option<String>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let unknown = || {
        Error::not_found(Code::InvalidGuid.beside("There is no item with this guid in this domain"))
    };
    let alias = call
        .reader
        .get::<VersionAlias>(&keys::version(who.tenant_id, &body.guid))
        .await?
        .ok_or_else(unknown)?
        .value;
    let kind = alias.binary.kind().ok_or_else(unknown)?;
    call.reader
        .fetch_missing(&[
            keys::app(who.tenant_id, alias.binary),
            keys::binary(who.tenant_id, alias.binary, kind),
        ])
        .await?;
    let app = visible_app(&mut call, who, alias.binary).await?;
    let binary = binary(&mut call, who.tenant_id, app.id, kind).await?;
    let version = binary
        .versions
        .iter()
        .find(|version| version.guid == body.guid)
        .ok_or_else(unknown)?;
    hand_out(call, &app, kind, version, true, body.device_id.as_deref()).await
}

/// The item, if the caller sees it; a member who may read store items fetches from the catalogue
/// too.
async fn visible_app(call: &mut Call<'_>, who: &Principal, id: AppId) -> Result<App, Error> {
    let app = app::read(&mut call.reader, who.tenant_id, id).await?.value;
    let store = store_front::store(&mut call.reader, who.tenant_id)
        .await?
        .value;
    let keeper = who.is_member() && who.holds(Right::ReadStoreItems);
    if keeper || app::visible(&app, who, &store.policies) {
        Ok(app)
    } else {
        Err(Error::not_found(
            Code::InvalidGuid.beside("There is no item with this guid in this domain"),
        ))
    }
}

async fn binary(
    call: &mut Call<'_>,
    tenant_id: TenantId,
    id: AppId,
    kind: BinaryType,
) -> Result<Binary, Error> {
    Ok(call
        .reader
        .get(&keys::binary(tenant_id, id, kind))
        .await?
        .ok_or_else(app::no_such_binary)?
        .value)
}

/// Writes the row of the log, and answers the page or the way to the bytes.
async fn hand_out(
    mut call: Call<'_>,
    app: &App,
    kind: BinaryType,
    version: &Version,
    raw: bool,
    cuid: Option<&str>,
) -> Result<Reply, Error> {
    let who = call.who()?;
    let rows = audit::row(
        who,
        app,
        kind,
        version.number,
        cuid,
        &call.incoming.address,
        call.reader.now(),
    )?;
    let reply = if kind == BinaryType::Android || raw {
        Reply::redirect(storage_url(&call, who.tenant_id, app, kind, version).await?)
    } else {
        page(&mut call, who.tenant_id, app, kind, version).await?
    };
    call.reader.table().write(rows).await?;
    Ok(reply)
}

async fn storage_url(
    call: &Call<'_>,
    tenant_id: TenantId,
    app: &App,
    kind: BinaryType,
    version: &Version,
) -> Result<String, Error> {
    let extension = if kind == BinaryType::Android {
        "apk"
    } else {
        "ipa"
    };
    let presentation = Presentation {
        content_type: kind.content_type().to_owned(),
        file_name: format!("{}-{}.{extension}", app.name, version.version_name),
    };
    let name = keys::binary_object(tenant_id, &version.sha256);
    Ok(call
        .objects()?
        .sign_get(&name, STORAGE_URL, &presentation)
        .await?
        .url)
}

async fn page(
    call: &mut Call<'_>,
    tenant_id: TenantId,
    app: &App,
    kind: BinaryType,
    version: &Version,
) -> Result<Reply, Error> {
    let key = call.data_key(tenant_id).await?;
    let expires = call.reader.now().plus_seconds(VALID_SECONDS).seconds();
    let ticket = Ticket {
        tenant_id,
        binary: app.id.binary(kind),
        version: version.number,
        expires,
    }
    .sign(&key);
    let base = &call.incoming.base_url;
    let page = InstallPage {
        title: app.name.as_str(),
        version: &version.version_name,
        icon_url: &addresses::ticket_icon(base, &ticket),
        manifest_parameter: utf8_percent_encode(
            &addresses::ticket_manifest(base, &ticket),
            NON_ALPHANUMERIC,
        )
        .to_string(),
    };
    let html = page.render().map_err(Error::internal)?;
    Ok(Reply::bytes("text/html; charset=utf-8", html.into_bytes())
        .header(
            "content-security-policy",
            "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'",
        )
        .header("referrer-policy", "no-referrer"))
}

/// The version that a ticket lets its bearer fetch.
async fn ticketed(
    call: &mut Call<'_>,
) -> Result<(String, Ticket, App, BinaryType, Version), Error> {
    let text = call.incoming.param("ticket").to_owned();
    let (ticket, signature) = Ticket::read(&text)?;
    let unknown = || {
        Error::not_found(Code::InvalidGuid.beside("There is no item with this guid in this domain"))
    };
    let kind = ticket.binary.kind().ok_or_else(unknown)?;
    let wanted = [
        keys::tenant(ticket.tenant_id),
        keys::app(ticket.tenant_id, ticket.binary),
        keys::binary(ticket.tenant_id, ticket.binary, kind),
        keys::icon(ticket.tenant_id, ticket.binary),
    ];
    call.reader.fetch_missing(&wanted).await?;
    // Nothing read so far is told before the signature is seen to be ours.
    let key = call.data_key(ticket.tenant_id).await.map_err(|error| {
        if error.kind == shared::base::error::Kind::NotFound {
            Error::forbidden("This link is not valid")
        } else {
            error
        }
    })?;
    ticket.verify(&key, &signature, call.reader.now())?;
    let app = app::read(&mut call.reader, ticket.tenant_id, ticket.binary)
        .await?
        .value;
    let binary = binary(call, ticket.tenant_id, app.id, kind).await?;
    let version = binary.version(ticket.version).ok_or_else(unknown)?.clone();
    Ok((text, ticket, app, kind, version))
}

/// Apple's over-the-air manifest.
pub async fn manifest(mut call: Call<'_>) -> Result<Reply, Error> {
    let (text, _, app, _, version) = ticketed(&mut call).await?;
    let base = &call.incoming.base_url;
    let file = ManifestFile {
        title: app.name.as_str(),
        version: &version.version_name,
        bundle_id: &version.identifier,
        package_url: addresses::ticket_package(base, &text),
        icon_url: addresses::ticket_icon(base, &text),
    };
    Ok(Reply::bytes(
        "text/xml; charset=utf-8",
        file.render().map_err(Error::internal)?.into_bytes(),
    ))
}

/// The package: a fresh address of the storage per request, so that a phone can resume within the
/// hour.
pub async fn package(mut call: Call<'_>) -> Result<Reply, Error> {
    let (_, ticket, app, kind, version) = ticketed(&mut call).await?;
    Ok(Reply::redirect(
        storage_url(&call, ticket.tenant_id, &app, kind, &version).await?,
    ))
}

/// The item's icon: what the device shows while it installs.
pub async fn icon(mut call: Call<'_>) -> Result<Reply, Error> {
    let (_, ticket, ..) = ticketed(&mut call).await?;
    let picture = app::icon(&mut call.reader, ticket.tenant_id, ticket.binary).await?;
    let bytes = STANDARD.decode(picture).map_err(Error::internal)?;
    Ok(Reply::bytes(
        "image/png",
        if bytes.is_empty() {
            PLAIN_ICON.to_vec()
        } else {
            bytes
        },
    ))
}

/// A grey square for apps without an icon: Apple's installer wants a picture.
const PLAIN_ICON: &[u8] = include_bytes!("../templates/plain-icon.png");

//! 001 11: the manifest by which an iOS device installs an app.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use shared::base::clock::Timestamp;
use shared::base::conditions::Validators;
use shared::base::error::Error;
use shared::base::id::{BinaryType, TenantId};
use shared::domain::log::ticket::{Ticket, VALID_SECONDS};
use shared::http::addresses;
use shared::http::incoming::Incoming;
use shared::http::pipeline::Call;
use shared::http::reply::{Content, Reply};
use shared::model::apps::app::App;
use shared::store::keys;

use crate::parameters::named_package;
use crate::versions::{StoredVersion, of_file, unknown, version_named};

/// The tenant id that clients of the original write for their own tenant.
const OWN_TENANT: &str = "-1234";

/// For how long links are the same, in seconds: a client that asks again within it may be told that
/// nothing changed.
const SAME_SECONDS: i64 = 600;

#[derive(Template)]
#[template(path = "plist.xml", escape = "html")]
struct PlistFile<'a> {
    title: &'a str,
    version: &'a str,
    bundle_id: &'a str,
    package_url: &'a str,
}

/// The documented `PList`, whose names are those of its schema.
#[derive(Serialize)]
struct PlistView<'a> {
    #[serde(rename = "PListAssets")]
    items: [ItemView<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemView<'a> {
    #[serde(rename = "PListAssets")]
    assets: [AssetView<'a>; 1],
    bundle_identifier: &'a str,
    bundle_version: &'a str,
    kind: &'static str,
    title: &'a str,
}

#[derive(Serialize)]
struct AssetView<'a> {
    kind: &'static str,
    url: &'a str,
}

/// A version of an app that a device may install.
struct Installable {
    title: String,
    version: String,
    bundle_id: String,
    ticket: String,
    /// When its app or its link changed last.
    modified: Timestamp,
}

/// The manifest as XML; as the documented JSON for whoever asks for JSON by name and not for XML.
pub async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let app = installable(&mut call).await?;
    let url = addresses::ticket_package(&call.incoming.base_url, &app.ticket);
    let reply = if asks_for_json(call.incoming) {
        let assets = [AssetView {
            kind: "software-package",
            url: &url,
        }];
        let item = ItemView {
            assets,
            bundle_identifier: &app.bundle_id,
            bundle_version: &app.version,
            kind: "software",
            title: &app.title,
        };
        Reply::of(&PlistView { items: [item] })?
    } else {
        let file = PlistFile {
            title: &app.title,
            version: &app.version,
            bundle_id: &app.bundle_id,
            package_url: &url,
        };
        Reply::bytes(
            "application/xml",
            file.render().map_err(Error::internal)?.into_bytes(),
        )
    };
    Ok(dated(reply, app.modified).header("vary", "accept"))
}

/// Our own: addresses for a device, which sends no credential.
pub async fn link(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct LinkView {
        plist: String,
        install: String,
    }
    let app = installable(&mut call).await?;
    let plist = addresses::ticket_manifest(&call.incoming.base_url, &app.ticket);
    let install = format!(
        "itms-services://?action=download-manifest&url={}",
        utf8_percent_encode(&plist, NON_ALPHANUMERIC)
    );
    Ok(dated(
        Reply::of(&LinkView { plist, install })?,
        app.modified,
    ))
}

/// With the tag of its content and a time of change.
fn dated(reply: Reply, modified: Timestamp) -> Reply {
    let validators = match &reply.content {
        Content::Json(bytes) | Content::BareJson(bytes) | Content::Bytes { bytes, .. } => {
            Validators::of_content(bytes).modified(modified)
        }
        Content::Redirect(_) | Content::SeeOther(_) | Content::Empty => return reply,
    };
    reply.validators(validators)
}

fn asks_for_json(incoming: &Incoming) -> bool {
    let named = |wanted: &str| {
        let types = incoming
            .accept
            .split(',')
            .map(|range| range.split(';').next().unwrap_or_default().trim());
        types
            .into_iter()
            .any(|media_type| media_type.eq_ignore_ascii_case(wanted))
    };
    named("application/json") && !named("application/xml") && !named("text/xml")
}

/// The caller's tenant, if the path names it.
fn own_tenant(named: &str, own: TenantId) -> Result<(), Error> {
    if named == OWN_TENANT {
        return Ok(());
    }
    let named: TenantId = named
        .parse()
        .map_err(|_| Error::invalid("tenantId is the handle of your tenant, or -1234"))?;
    if named == own {
        Ok(())
    } else {
        Err(Error::forbidden("Your token is not of this tenant"))
    }
}

async fn installable(call: &mut Call<'_>) -> Result<Installable, Error> {
    let tenant_id = call.who()?.tenant_id;
    own_tenant(call.incoming.param("tenantId"), tenant_id)?;
    let name = call.incoming.param("fileName").to_owned();
    if named_package(&name)? == BinaryType::Android {
        return Err(Error::invalid(
            "fileName must end with .ipa: an Android app is installed without a property list",
        ));
    }
    let StoredVersion { binary, version } = match of_file(call, tenant_id, &name).await? {
        Some(kept) => kept,
        None => version_named(call, tenant_id, &name, BinaryType::Ios)
            .await?
            .ok_or_else(unknown)?,
    };
    let app = call
        .reader
        .get::<App>(&keys::app(tenant_id, binary))
        .await?
        .ok_or_else(unknown)?
        .value;
    let ticket = Ticket {
        tenant_id,
        binary,
        version: version.number,
        expires: expires(call.reader.now()),
    };
    let key = call.data_key(tenant_id).await?;
    let shown = if version.version_name.is_empty() {
        version.package["versionCode"].as_str().unwrap_or_default()
    } else {
        &version.version_name
    };
    // XML has no way to write these two.
    let title = app
        .listed_name()
        .chars()
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect();
    let slot = Timestamp((ticket.expires - VALID_SECONDS) * 1000);
    let modified = slot.max(app.modified);
    Ok(Installable {
        title,
        version: shown.to_owned(),
        bundle_id: version.identifier.clone(),
        ticket: ticket.sign(&key),
        modified,
    })
}

/// Until when a link is valid, in seconds since 1970: between fifty minutes and an hour, and the
/// same for ten minutes, so that the entity tag of a manifest changes when its link does.
fn expires(now: Timestamp) -> i64 {
    now.seconds() - now.seconds().rem_euclid(SAME_SECONDS) + VALID_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(accept: &str) -> Incoming {
        let request = lambda_http::http::Request::builder()
            .uri("http://x/y")
            .header("accept", accept)
            .body(lambda_http::Body::Empty)
            .unwrap();
        Incoming::open(request, Vec::new(), "https", None)
    }

    #[test]
    fn json_is_for_those_who_name_it() {
        for accept in [
            "application/json",
            "text/html, Application/JSON;q=0.9",
            "application/json, */*",
        ] {
            assert!(asks_for_json(&accepting(accept)), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/*",
            "application/xml, application/json",
            "text/xml,application/json;q=0.1",
        ] {
            assert!(!asks_for_json(&accepting(accept)), "{accept}");
        }
    }

    #[test]
    fn links_are_the_same_for_ten_minutes_and_never_longer_than_an_hour() {
        for second in [0, 1, 599, 600, 1_700_000_123] {
            let now = Timestamp(second * 1000);
            let left = expires(now) - now.seconds();
            assert!(
                (VALID_SECONDS - SAME_SECONDS + 1..=VALID_SECONDS).contains(&left),
                "{left}"
            );
        }
        assert_eq!(expires(Timestamp(600_000)), expires(Timestamp(1_199_000)));
        assert_ne!(expires(Timestamp(600_000)), expires(Timestamp(1_200_000)));
    }
}

//! Addresses that answers, mails and documents of several functions name, from the route table.
//! Each takes `base_url`, where this deployment is reached, without a slash at its end.

use crate::base::id::{AppId, TenantId};
use crate::domain::pingid::ping_settings::Addresses;
use crate::http::path::Path;
use crate::http::routes::rhmap_store_client::Op;
use crate::http::routes::{PINGID, apperian_applications, rhmap_sign_in};

const INSTALL: Path<0> = Op::Install.path([]);

const DOWNLOAD_VERSION: Path<0> = Op::DownloadVersion.path([]);

const MANIFEST: Path<1> = Op::Manifest.path(["ticket"]);

const PACKAGE: Path<1> = Op::Package.path(["ticket"]);

const ICON: Path<1> = Op::Icon.path(["ticket"]);

const PASSWORD_PAGE: Path<0> = rhmap_sign_in::Op::PasswordPage.path([]);

const POLICY_DOCUMENT: Path<2> =
    apperian_applications::Op::ReadDocument.path(["tenant", "application"]);

/// The address under which a binary's live version is fetched; `guid` is the binary's. It carries a
/// `?`: the store's client appends `&deviceId=`.
pub fn install(base_url: &str, guid: &str) -> String {
    format!("{}?guid={guid}", INSTALL.at(base_url, []))
}

/// The address under which one version of a binary is fetched; `guid` is the version's.
pub fn install_version(base_url: &str, guid: &str) -> String {
    format!("{}?guid={guid}", DOWNLOAD_VERSION.at(base_url, []))
}

/// The address of the manifest by which a device installs what the ticket is for. It needs no
/// credential.
pub fn ticket_manifest(base_url: &str, ticket: &str) -> String {
    MANIFEST.at(base_url, [&ticket])
}

/// The address of the package itself: each request is sent to a fresh address of the storage, so
/// that a phone can resume while the ticket is valid.
pub fn ticket_package(base_url: &str, ticket: &str) -> String {
    PACKAGE.at(base_url, [&ticket])
}

/// The address of the icon that the device shows while it installs.
pub fn ticket_icon(base_url: &str, ticket: &str) -> String {
    ICON.at(base_url, [&ticket])
}

/// The address of the page on which the holder of a mailed link chooses a password, without the
/// link's token.
pub fn password_page(base_url: &str) -> String {
    PASSWORD_PAGE.at(base_url, [])
}

/// The address at which the policies of a binary are published, which the app itself reads without
/// a credential.
pub fn policy_document(base_url: &str, tenant_id: TenantId, binary: AppId) -> String {
    POLICY_DOCUMENT.at(base_url, [&tenant_id, &binary.base64url()])
}

/// The addresses for the settings of PingID's clients.
pub fn of_pingid(base_url: &str) -> Addresses<'_> {
    Addresses {
        administration: base_url,
        api: format!("{base_url}{PINGID}"),
    }
}

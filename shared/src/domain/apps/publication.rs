//! What an app's publishers say of it beyond its app record: everything that the publisher API
//! keeps and lists do not show.

use crate::base::error::Error;
use crate::base::id::{AppId, AppRef, TenantId};
use crate::base::kind::{AppKind, Listing};
use crate::model::apps::app::App;
use crate::model::apps::publication::VersionClaim;
use crate::store::record::{Reader, Stored};
use crate::store::{Key, keys};

/// An app as a path names it (001 "appId").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppReference {
    /// By its id, in any of its spellings.
    Id(AppId),
    /// By an id that nothing here answers to.
    Foreign,
    /// By provider, name and version, joined by hyphens.
    Joined(String),
}

impl AppReference {
    /// Reads what a path says. Clients of the original write `-AT-` for the `@` of a provider.
    ///
    /// # Errors
    /// Invalid for what is neither an id nor joined of three texts.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.parse::<AppRef>() {
            Ok(AppRef::Ours(id)) => return Ok(Self::Id(id)),
            Ok(AppRef::Foreign) => return Ok(Self::Foreign),
            Err(_) => {}
        }
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        if groups == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()) {
            return Ok(Self::Foreign);
        }
        let parts = text.split('-').filter(|part| !part.is_empty()).count();
        if parts < 3 || text.chars().count() > 1_000 || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                "appId is the id of an app, or its provider, name and version joined by hyphens",
            ));
        }
        Ok(Self::Joined(joined(text)))
    }

    /// What reading the app asks, as far as the text alone says it: for a plan.
    pub fn keys(&self, tenant_id: TenantId, listing: Listing) -> Vec<Key> {
        match self {
            Self::Id(id) => vec![keys::app(tenant_id, *id), keys::publication(tenant_id, *id)],
            Self::Foreign => Vec::new(),
            Self::Joined(text) => {
                vec![keys::version_claim(tenant_id, claimed_among(listing), text)]
            }
        }
    }
}

/// A provider, name and version as they are claimed.
pub fn joined(text: &str) -> String {
    text.replace("-AT-", "@")
}

/// The list among whose apps one of that list claims its names: what a site claims it claims among
/// web apps.
pub fn claimed_among(listing: Listing) -> Listing {
    if listing == Listing::Site {
        Listing::Web
    } else {
        listing
    }
}

fn unknown() -> Error {
    Error::not_found("There is no such app")
}

/// The id of the app that a path names: that of its binary, where the path names one.
///
/// # Errors
/// Invalid as [`AppReference::parse`]; not found; the store's.
pub async fn locate(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    listing: Listing,
    text: &str,
) -> Result<AppId, Error> {
    let joined = match AppReference::parse(text)? {
        AppReference::Id(id) => return Ok(id),
        // 24 characters that are no id of ours may be a joined name.
        AppReference::Foreign => joined(text),
        AppReference::Joined(joined) => joined,
    };
    let claim: Option<Stored<VersionClaim>> = reader
        .get(&keys::version_claim(
            tenant_id,
            claimed_among(listing),
            &joined,
        ))
        .await?;
    Ok(claim.ok_or_else(unknown)?.value.app)
}

/// The record of an app of that list. An id that names a binary names it as long as the binary is
/// there.
///
/// # Errors
/// Not found for an unknown app and for one of another list; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    listing: Listing,
    id: AppId,
) -> Result<Stored<App>, Error> {
    let found: Stored<App> = reader
        .get(&keys::app(tenant_id, id))
        .await?
        .ok_or_else(unknown)?;
    let there = id
        .kind()
        .is_none_or(|kind| found.value.binary(kind).is_some());
    if there && listing.holds(found.value.kind) {
        Ok(found)
    } else {
        Err(unknown())
    }
}

/// The id under which the publisher API shows an app that was named by `id`: that of its first
/// binary, where it has one and `id` names none.
pub fn shown_id(app: &App, id: AppId) -> AppId {
    match (id.kind(), app.binaries.first()) {
        (None, Some(binary)) if app.kind == AppKind::Mobile => app.id.binary(binary.kind),
        _ => id,
    }
}

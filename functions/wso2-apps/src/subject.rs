//! The app that a request is about.

use shared::base::error::Error;
use shared::base::id::{AppId, TenantId};
use shared::base::kind::Listing;
use shared::domain::apps::publication;
use shared::domain::apps::publication::AppReference;
use shared::http::incoming::Incoming;
use shared::model::apps::app::App;
use shared::store::record::{Reader, Stored};
use shared::store::{Key, keys};

/// An app as a request names it: a list, and an id or provider, name and version.
pub struct Subject {
    listing: Listing,
    app: String,
}

impl Subject {
    /// The one of the path.
    ///
    /// # Errors
    /// Not found for an unknown app type.
    pub fn of_path(incoming: &Incoming) -> Result<Self, Error> {
        Self::new(incoming, incoming.param("appId"))
    }

    /// That one among the apps of the path's type.
    ///
    /// # Errors
    /// Not found for an unknown app type.
    pub fn new(incoming: &Incoming, app: &str) -> Result<Self, Error> {
        Ok(Self {
            listing: incoming.param("appType").parse::<Listing>()?,
            app: app.to_owned(),
        })
    }

    /// The id, where the text is one.
    pub fn id(&self) -> Option<AppId> {
        match AppReference::parse(&self.app) {
            Ok(AppReference::Id(id)) => Some(id),
            _ => None,
        }
    }

    /// What finding its app record reads first, for a plan.
    pub fn keys(&self, tenant_id: TenantId) -> Vec<Key> {
        match AppReference::parse(&self.app) {
            Ok(AppReference::Id(id)) => vec![keys::app(tenant_id, id)],
            Ok(AppReference::Joined(joined)) => vec![keys::version_claim(
                tenant_id,
                publication::claimed_among(self.listing),
                &joined,
            )],
            Ok(AppReference::Foreign) | Err(_) => Vec::new(),
        }
    }

    /// Its app record, and the id by which the request names it.
    ///
    /// # Errors
    /// Invalid for a malformed id; not found; the store's.
    pub async fn app(
        &self,
        reader: &mut Reader<'_>,
        tenant_id: TenantId,
    ) -> Result<(AppId, Stored<App>), Error> {
        let id = publication::locate(reader, tenant_id, self.listing, &self.app).await?;
        Ok((
            id,
            publication::read(reader, tenant_id, self.listing, id).await?,
        ))
    }
}

//! The app that a request is about.

use shared::base::error::Error;
use shared::base::id::{AppId, Handle};
use shared::base::kind::Listing;
use shared::domain::apps::publication;
use shared::domain::apps::publication::Named;
use shared::http::incoming::Incoming;
use shared::model::apps::app::AppCard;
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
        match Named::parse(&self.app) {
            Ok(Named::Id(id)) => Some(id),
            _ => None,
        }
    }

    /// What finding its card reads first, for a plan.
    pub fn keys(&self, handle: Handle) -> Vec<Key> {
        match Named::parse(&self.app) {
            Ok(Named::Id(id)) => vec![keys::app_card(handle, id)],
            Ok(Named::Joined(joined)) => vec![keys::version_claim(
                handle,
                publication::claimed_among(self.listing),
                &joined,
            )],
            Ok(Named::Foreign) | Err(_) => Vec::new(),
        }
    }

    /// Its card, and the id by which the request names it.
    ///
    /// # Errors
    /// Invalid for a malformed id; not found; the store's.
    pub async fn card(
        &self,
        reader: &mut Reader<'_>,
        handle: Handle,
    ) -> Result<(AppId, Stored<AppCard>), Error> {
        let id = publication::locate(reader, handle, self.listing, &self.app).await?;
        Ok((
            id,
            publication::card(reader, handle, self.listing, id).await?,
        ))
    }
}

//! What the paths of documents name.

use shared::base::error::Error;
use shared::base::id::{AppId, TenantId};
use shared::base::kind::{AppKind, Listing};
use shared::domain::apps::document::Guard;
use shared::domain::apps::publication;
use shared::domain::apps::publication::AppReference;
use shared::domain::publishing::publishing;
use shared::http::path::Path;
use shared::http::pipeline::Call;
use shared::http::routes::wso2_documents::Op;
use shared::model::apps::document::Document;

const DOCUMENTS: Path<2> = Op::List.path(["appType", "appId"]);

/// The path of a document.
pub const DOCUMENT: Path<3> = Op::Read.path(["appType", "appId", "documentId"]);

/// The path of a document's content.
pub const CONTENT: Path<3> = Op::ReadContent.path(["appType", "appId", "documentId"]);

/// What a path names, once the app is known to be there.
pub struct Place {
    /// The caller's tenant.
    pub tenant_id: TenantId,
    listing: Listing,
    /// The app.
    pub app: AppId,
    /// The kind of app that it is.
    pub kind: AppKind,
    /// The document's id; `None` for a well-formed one that nothing here answers to, and where the
    /// path names none.
    pub document: Option<AppId>,
}

impl Place {
    /// Takes the path apart.
    ///
    /// # Errors
    /// Not found for the app type and for an app that is not there, invalid for a malformed id,
    /// forbidden to change an app that the caller may not edit; the store's.
    pub async fn of(call: &mut Call<'_>) -> Result<Self, Error> {
        let tenant_id = call.who()?.tenant_id;
        let listing = call.incoming.param("appType").parse::<Listing>()?;
        let named = call.incoming.param("documentId");
        let document = if named.is_empty() {
            None
        } else {
            document_id(named)?
        };
        let app = publication::locate(
            &mut call.reader,
            tenant_id,
            listing,
            call.incoming.param("appId"),
        )
        .await?;
        let app_record = publication::read(&mut call.reader, tenant_id, listing, app).await?;
        if !call.incoming.is_get {
            publishing::require_editable(call.who()?, &app_record.value)?;
        }
        Ok(Self {
            tenant_id,
            listing,
            app,
            kind: app_record.value.kind,
            document,
        })
    }

    /// The path of the app's documents.
    pub fn path(&self) -> String {
        DOCUMENTS.of([&self.listing.as_str(), &self.app.uuid()])
    }

    /// One of the paths of a document of the app.
    pub fn path_of(&self, path: Path<3>, document: &Document) -> String {
        path.of([
            &self.listing.as_str(),
            &self.app.uuid(),
            &document.id.uuid(),
        ])
    }
}

/// A document's id as a path names it; a uuid that is none of ours names nothing.
fn document_id(text: &str) -> Result<Option<AppId>, Error> {
    match AppReference::parse(text) {
        Ok(AppReference::Id(id)) => Ok(Some(id)),
        Ok(AppReference::Foreign) => Ok(None),
        Ok(AppReference::Joined(_)) | Err(_) => {
            Err(Error::invalid("documentId is not the id of a document"))
        }
    }
}

/// What the request demands of a document before it is changed.
pub fn guard<'a>(call: &Call<'a>) -> Guard<'a> {
    Guard {
        conditions: &call.incoming.conditions,
        required: call.context.settings.require_if_match,
    }
}

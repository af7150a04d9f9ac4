//! What several functions of the publisher API show alike: apps in short (001 3, 14).

use serde::Serialize;

use crate::http::paging::PageLinks;
use crate::http::path::Path;
use crate::http::routes::wso2_files;
use crate::model::apps::catalogue::CatalogueRow;

const STATIC_FILE: Path<1> = wso2_files::Op::ReadStatic.path(["fileName"]);

/// The path at which a picture or document is read, without the query that 001 12 asks for.
pub fn static_path(file: &str) -> String {
    STATIC_FILE.of([&file])
}

/// An app as short lists show it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    id: String,
    name: String,
    description: String,
    context: Option<String>,
    version: String,
    provider: String,
    lifecycle_state: String,
    /// Nothing here rates apps.
    rating: u8,
}

impl From<CatalogueRow> for Summary {
    fn from(row: CatalogueRow) -> Self {
        Self {
            id: row.id.uuid(),
            name: row.name,
            description: row.description,
            context: row.context,
            version: row.version,
            provider: row.provider,
            lifecycle_state: row.state.upper(),
            rating: 0,
        }
    }
}

/// A page of apps; the short ones stand in two places.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppList<'a, A> {
    previous: String,
    next: String,
    count: usize,
    app_list: &'a [A],
    app_summary_list: &'a [Summary],
}

impl<'a> AppList<'a, Summary> {
    /// A page of apps in short. The document shows them under one name, the published server
    /// answered them under the other.
    pub fn short(apps: &'a [Summary], links: PageLinks) -> Self {
        Self {
            previous: links.previous,
            next: links.next,
            count: apps.len(),
            app_list: apps,
            app_summary_list: apps,
        }
    }
}

impl<'a, A> AppList<'a, A> {
    /// A page of whole apps.
    pub fn whole(apps: &'a [A], links: PageLinks) -> Self {
        Self {
            previous: links.previous,
            next: links.next,
            count: apps.len(),
            app_list: apps,
            app_summary_list: &[],
        }
    }
}

//! 001 3: the apps of a type, by pages, and searched.

use serde::Deserialize;
use shared::base::error::Error;
use shared::base::id::{AppId, AppRef, TenantId};
use shared::base::kind::Listing;
use shared::base::lenient::optional_text;
use shared::base::limits::MAX_ANSWER;
use shared::domain::apps::catalogue;
use shared::domain::apps::catalogue::Rows;
use shared::http::dialect::wso2_views::{AppList, Summary};
use shared::http::incoming::Incoming;
use shared::http::paging::Slice;
use shared::http::path::Path;
use shared::http::pipeline::Plan;
use shared::http::reply::Reply;
use shared::http::routes::wso2_apps::Op;
use shared::model::apps::app::App;
use shared::model::apps::catalogue::CatalogueRow;
use shared::model::apps::publication::Publication;
use shared::store::record::Reader;
use shared::store::{Key, keys};

use crate::body::Call;
use crate::views::{AppView, group_names, whole_view};

const APPS: Path<1> = Op::List.path(["appType"]);

/// Most characters of a search.
const MAX_QUERY: usize = 1_000;

/// Most conditions of a search.
const MAX_CONDITIONS: usize = 10;

/// A condition of a search. Texts are parts that are looked for without regard to case; here they
/// are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Provider(String),
    Name(String),
    Version(String),
    Id(String),
    /// Exactly that one.
    App(AppId),
    BusinessOwner(u32),
    Site(bool),
    Anything(String),
}

fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(part)
}

impl Condition {
    fn parse(text: &str) -> Result<Self, Error> {
        let Some((attribute, value)) = text.split_once(':') else {
            return Ok(Self::Name(text.to_lowercase()));
        };
        let (attribute, value) = (
            attribute.trim().to_ascii_lowercase(),
            value.trim().to_lowercase(),
        );
        if value.is_empty() {
            return Err(Error::invalid(format!(
                "query: the attribute {attribute} has no value"
            )));
        }
        match attribute.as_str() {
            "provider" => Ok(Self::Provider(value)),
            "app_name" | "name" => Ok(Self::Name(value)),
            "app_version" | "version" => Ok(Self::Version(value)),
            "app_id" | "id" => Ok(whole_id(&value).map_or(Self::Id(value), Self::App)),
            "business_owner_id" => value.parse().map(Self::BusinessOwner).map_err(|_| {
                Error::invalid("query: business_owner_id is the number of a business owner")
            }),
            "treatasasite" => value
                .parse()
                .map(Self::Site)
                .map_err(|_| Error::invalid("query: treatasasite is true or false")),
            "contains" => Ok(Self::Anything(value)),
            _ => Err(Error::invalid(
                "query: the attributes are provider, app_name, app_version, app_id, \
                business_owner_id, treatasasite and contains, or name, version and id",
            )),
        }
    }

    fn fits(&self, row: &CatalogueRow) -> bool {
        match self {
            Self::Provider(part) => holds(&row.provider, part),
            Self::Name(part) => holds(&row.name, part),
            Self::Version(part) => holds(&row.version, part),
            Self::Id(part) => row.id.uuid().contains(part),
            // The id of an item stands for all its binaries.
            Self::App(id) => row.id == *id || (id.kind().is_none() && row.id.item() == *id),
            Self::BusinessOwner(owner) => row.business_owner == Some(*owner),
            Self::Site(site) => row.site == *site,
            Self::Anything(part) => {
                let texts = [&row.name, &row.description, &row.provider, &row.version]
                    .into_iter()
                    .chain(&row.context)
                    .chain(&row.tags);
                texts.into_iter().any(|text| holds(text, part))
            }
        }
    }
}

/// A whole id, in the spelling of this API or of RHMAP; a part of one is searched for.
fn whole_id(text: &str) -> Option<AppId> {
    if matches!(text.len(), 36 | 24) {
        text.parse::<AppRef>().ok()?.exact().ok()
    } else {
        None
    }
}

/// What a request asks for.
#[derive(Debug, Default)]
struct ListQuery {
    conditions: Vec<Condition>,
    all: bool,
    /// The parameters that the links keep.
    query: String,
    field_filter: String,
}

impl ListQuery {
    fn of(incoming: &Incoming) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Parameters {
            #[serde(default, deserialize_with = "optional_text")]
            query: Option<String>,
            #[serde(default, rename = "field-filter", deserialize_with = "optional_text")]
            field_filter: Option<String>,
        }
        let Parameters {
            query,
            field_filter,
        } = incoming.parse()?;
        let (query, field_filter) = (query.unwrap_or_default(), field_filter.unwrap_or_default());
        let all = match field_filter.to_ascii_lowercase().as_str() {
            "" | "basic" => false,
            "all" => true,
            _ => return Err(Error::invalid("field-filter is basic or all")),
        };
        Ok(Self {
            conditions: conditions(&query)?,
            all,
            query,
            field_filter,
        })
    }

    /// The app that a search names by its whole id: its app record is read in place of the list.
    fn app(&self) -> Option<AppId> {
        self.conditions.iter().find_map(|condition| {
            if let Condition::App(id) = condition {
                Some(*id)
            } else {
                None
            }
        })
    }
}

/// The conditions of a search, all of which must hold. A blank one asks for everything.
fn conditions(query: &str) -> Result<Vec<Condition>, Error> {
    if query.chars().count() > MAX_QUERY {
        return Err(Error::invalid(format!(
            "query is longer than {MAX_QUERY} characters"
        )));
    }
    if query.trim().is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<&str> = query.split(',').map(str::trim).collect();
    if texts.len() > MAX_CONDITIONS {
        return Err(Error::invalid(format!(
            "query has more than {MAX_CONDITIONS} conditions"
        )));
    }
    if texts.iter().any(|text| text.is_empty()) {
        return Err(Error::invalid("query has an empty condition"));
    }
    texts.into_iter().map(Condition::parse).collect()
}

/// What the page reads first: the rows at the beginning, else the directory; for a search the whole
/// list, or one app record.
pub fn plan(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let (Ok(listing), Ok(slice), Ok(asked)) = (
        incoming.param("appType").parse::<Listing>(),
        Slice::of(incoming),
        ListQuery::of(incoming),
    ) else {
        return Plan::default();
    };
    if let Some(id) = asked.app() {
        return Plan::keys(vec![keys::app(tenant_id, id)]);
    }
    let query = match (asked.conditions.is_empty(), slice.offset) {
        (false, _) => catalogue::whole(tenant_id, listing),
        (true, 0) => catalogue::first_rows(tenant_id, listing, slice.limit),
        (true, _) => catalogue::directory_of(tenant_id, listing),
    };
    Plan::default().query(query)
}

/// A page of the apps of a type (001 3).
pub async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let listing = call.incoming.param("appType").parse::<Listing>()?;
    let slice = Slice::of(call.incoming)?;
    let asked = ListQuery::of(call.incoming)?;
    let reader = &mut call.reader;
    let fits = |row: &CatalogueRow| asked.conditions.iter().all(|condition| condition.fits(row));
    let Rows { rows, more } = if let Some(id) = asked.app() {
        let app: Option<App> = reader
            .get(&keys::app(tenant_id, id))
            .await?
            .map(|found| found.value);
        let rows: Vec<CatalogueRow> = app
            .map(|app| catalogue::rows_of(&app, listing))
            .unwrap_or_default()
            .into_iter()
            .filter(fits)
            .collect();
        let (skip, wanted) = (slice.offset as usize, slice.limit as usize);
        Rows {
            more: rows.len() > skip.saturating_add(wanted),
            rows: rows.into_iter().skip(skip).take(wanted).collect(),
        }
    } else if asked.conditions.is_empty() {
        catalogue::page(reader, tenant_id, listing, slice.offset, slice.limit).await?
    } else {
        catalogue::search(reader, tenant_id, listing, slice.offset, slice.limit, fits).await?
    };
    let path = APPS.of([&listing.as_str()]);
    let kept = [
        ("query", asked.query.as_str()),
        ("field-filter", asked.field_filter.as_str()),
    ];
    if asked.all {
        let (views, read) = whole(reader, tenant_id, &rows).await?;
        let links = slice.links(&path, &kept, read, more || read < rows.len());
        return Reply::of(&AppList::whole(&views, links));
    }
    let summaries: Vec<Summary> = rows.into_iter().map(Summary::from).collect();
    let links = slice.links(&path, &kept, summaries.len(), more);
    Reply::of(&AppList::short(&summaries, links))
}

/// What the links and names of a list take of an answer at most.
const FRAME: usize = 40_000;

/// The apps of those rows, whole, and of how many rows they are: a page ends early where an answer
/// is full, and the next one goes on there. One read in batches, and one for the names of groups
/// where apps are restricted to some.
async fn whole(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    rows: &[CatalogueRow],
) -> Result<(Vec<AppView>, usize), Error> {
    let apps: Vec<Key> = rows
        .iter()
        .map(|row| keys::app(tenant_id, row.id))
        .collect();
    let publications: Vec<Key> = rows
        .iter()
        .map(|row| keys::publication(tenant_id, row.id))
        .collect();
    let mut wanted = [apps.clone(), publications.clone()].concat();
    // An item of several binaries is several rows and one app record.
    wanted.sort();
    wanted.dedup();
    reader.fetch_missing(&wanted).await?;
    let apps = reader.get_all::<App>(&apps).await?;
    let publications = reader.get_all::<Publication>(&publications).await?;
    let groups = group_names(
        reader,
        tenant_id,
        apps.iter().flatten().map(|app| &app.value),
    )
    .await?;
    let (mut views, mut bytes) = (Vec::new(), FRAME);
    for (read, ((row, app), publication)) in rows.iter().zip(apps).zip(publications).enumerate() {
        // An app that was deleted since its row was read is not there any more.
        let Some(app) = app else { continue };
        let publication = publication.map(|found| found.value).unwrap_or_default();
        let view = whole_view(&app.value, &publication, row.id, &groups);
        bytes += serde_json::to_vec(&view).map_err(Error::internal)?.len() + 1;
        if bytes > MAX_ANSWER && !views.is_empty() {
            return Ok((views, read));
        }
        views.push(view);
    }
    Ok((views, rows.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_conditions_with_commas_between() {
        let found = conditions("Provider: Admin ,app_name:X:y,notes").unwrap();
        let wanted = [
            Condition::Provider("admin".to_owned()),
            Condition::Name("x:y".to_owned()),
            Condition::Name("notes".to_owned()),
        ];
        assert_eq!(found, wanted);
        assert!(conditions(" ").unwrap().is_empty());
        assert_eq!(
            conditions("business_owner_id:7,treatasasite:TRUE").unwrap(),
            [Condition::BusinessOwner(7), Condition::Site(true)]
        );
        assert_eq!(
            conditions("id:01890a5d").unwrap(),
            [Condition::Id("01890a5d".to_owned())]
        );
    }

    #[test]
    fn what_is_no_search_is_refused() {
        let many = ["a"; MAX_CONDITIONS + 1].join(",");
        let long = "x".repeat(MAX_QUERY + 1);
        for bad in [
            "colour:red",
            "provider:",
            "provider: ",
            ",",
            "a,,b",
            ":a",
            "business_owner_id:x",
            "treatasasite:maybe",
            &many,
            &long,
        ] {
            assert!(
                conditions(bad).unwrap_err().message.starts_with("query"),
                "{bad}"
            );
        }
    }
}

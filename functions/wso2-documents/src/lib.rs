//! 001: documents of web apps and sites. Mobile apps have none: reading finds none, making one is
//! refused.

use serde::{Deserialize, Serialize};
use shared::base::error::Error;
use shared::base::id::{AppId, TenantId};
use shared::base::kind::{AppKind, Listing};
use shared::base::text::{Description, Label, Name};
use shared::domain::apps::document;
use shared::domain::apps::document::{DocumentChanges, NewDocument};
use shared::domain::apps::publication::AppReference;
use shared::http::incoming::Incoming;
use shared::http::paging::Slice;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::{Reply, Success};
use shared::http::routes::Function;
use shared::http::routes::wso2_documents::{FUNCTION, Op};
use shared::model::apps::document::{Document, Source, Topic};
use shared::store::keys;
use shared::store::record::Stored;

use crate::place::{DOCUMENT, Place, guard};
use crate::view::DocumentView;

mod content;
mod place;
mod view;

/// The function.
pub struct Documents;

impl Operations for Documents {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        let (Ok(listing), Ok(named)) = (
            incoming.param("appType").parse::<Listing>(),
            AppReference::parse(incoming.param("appId")),
        ) else {
            return Plan::default();
        };
        let AppReference::Id(app) = named else {
            return Plan::keys(named.keys(tenant_id, listing));
        };
        let document = incoming.param("documentId").parse::<AppId>().ok();
        let plan = Plan::keys(vec![keys::app(tenant_id, app)]);
        match op {
            Op::List => plan.query(document::listing(tenant_id, app)),
            Op::Create => {
                let name = incoming
                    .peek::<Name>("name")
                    .map(|name| keys::document_name(tenant_id, app, name.as_str()));
                plan.and([keys::document_count(tenant_id, app)]).and(name)
            }
            Op::Read | Op::Update | Op::Delete | Op::WriteContent => {
                plan.and(document.map(|document| keys::document(tenant_id, app, document)))
            }
            Op::ReadContent => {
                let both = |document| {
                    [
                        keys::document(tenant_id, app, document),
                        keys::document_text(tenant_id, app, document),
                    ]
                };
                plan.and(document.map(both).into_iter().flatten())
            }
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => list(call).await,
            Op::Create => create(call).await,
            Op::Read => read(call).await,
            Op::Update => update(call).await,
            Op::Delete => delete(call).await,
            Op::ReadContent => content::read(call).await,
            Op::WriteContent => content::write(call).await,
        }
    }
}

fn view(found: &Stored<Document>) -> Result<Reply, Error> {
    Ok(Reply::of(&DocumentView::of(&found.value))?.validators(document::validators(found)))
}

/// 001a 9
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct ListView<'a> {
        count: usize,
        next: String,
        previous: String,
        list: Vec<DocumentView<'a>>,
    }
    let place = Place::of(&mut call).await?;
    let page = Slice::of(call.incoming)?;
    let found = document::list(&mut call.reader, place.tenant_id, place.app).await?;
    let list: Vec<DocumentView<'_>> = found
        .iter()
        .skip(page.offset as usize)
        .take(page.limit as usize)
        .map(DocumentView::of)
        .collect();
    let more = (page.offset as usize).saturating_add(list.len()) < found.len();
    let links = page.links(&place.path(), &[], list.len(), more);
    Reply::of(&ListView {
        count: list.len(),
        next: links.next,
        previous: links.previous,
        list,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentBody {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    name: Option<String>,
    #[serde(
        default,
        rename = "type",
        deserialize_with = "shared::base::lenient::optional_text"
    )]
    topic: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    other_type_name: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    summary: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    source_type: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    source_url: Option<String>,
}

impl DocumentBody {
    fn other_topic(&self) -> Result<Option<Label>, Error> {
        let label = |text: &String| {
            Label::new(text.clone())
                .ok_or_else(|| Error::invalid("otherTypeName has at most 200 characters"))
        };
        self.other_type_name.as_ref().map(label).transpose()
    }

    fn summary(&self) -> Result<Option<Description>, Error> {
        let description = |text: &String| {
            Description::new(text.clone())
                .ok_or_else(|| Error::invalid("summary has at most 2000 characters"))
        };
        self.summary.as_ref().map(description).transpose()
    }
}

/// 001a 10
async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    let place = Place::of(&mut call).await?;
    call.incoming.conditions.judge_creation()?;
    call.incoming.require_json()?;
    if place.kind == AppKind::Mobile {
        return Err(Error::invalid("Mobile apps have no documents"));
    }
    let body: DocumentBody = call.body()?;
    let missing = |name: &str| Error::invalid(format!("{name} is missing"));
    let name = body.name.clone().ok_or_else(|| missing("name"))?;
    let new = NewDocument {
        name: Name::new(name)
            .ok_or_else(|| Error::invalid("name has 1 to 200 characters and is not blank"))?,
        topic: Topic::parse(body.topic.as_deref().ok_or_else(|| missing("type"))?)?,
        other_topic: body.other_topic()?,
        summary: body.summary()?,
        source: Source::new(
            body.source_type
                .as_deref()
                .ok_or_else(|| missing("sourceType"))?,
            body.source_url.clone(),
        )?,
    };
    let made = document::create(&mut call.reader, place.tenant_id, place.app, new).await?;
    Ok(view(&made)?
        .success(Success::Created)
        .header("location", place.path_of(DOCUMENT, &made.value)))
}

/// 001a 11
async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let place = Place::of(&mut call).await?;
    view(&document::find(&mut call.reader, place.tenant_id, place.app, place.document).await?)
}

/// 001a 12: what is absent stays; name and source type cannot change.
async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    let place = Place::of(&mut call).await?;
    let found =
        document::find(&mut call.reader, place.tenant_id, place.app, place.document).await?;
    let guard = guard(&call);
    guard.judge(&found)?;
    call.incoming.require_json()?;
    let body: DocumentBody = call.body()?;
    let changes = DocumentChanges {
        topic: body.topic.as_deref().map(Topic::parse).transpose()?,
        other_topic: body.other_topic()?,
        summary: body.summary()?,
        name: body.name,
        source_type: body.source_type,
        address: body.source_url,
    };
    view(
        &document::update(
            &mut call.reader,
            place.tenant_id,
            place.app,
            place.document,
            guard,
            &changes,
        )
        .await?,
    )
}

/// 001 6
async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let place = Place::of(&mut call).await?;
    let guard = guard(&call);
    document::delete(
        &mut call.reader,
        place.tenant_id,
        place.app,
        place.document,
        guard,
    )
    .await?;
    Ok(Reply::empty())
}

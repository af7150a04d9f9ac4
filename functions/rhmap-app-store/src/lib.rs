//! 003 2.1 to 2.9: the store front.

use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppId, AppRef, Guid, TenantId};
use shared::base::text::{Description, Name};
use shared::domain::apps::store_front::StoreChanges;
use shared::domain::apps::upload::Announced;
use shared::domain::apps::{app, store_front};
use shared::http::dialect::rhmap::views::{ItemList, ItemView, StoreView};
use shared::http::incoming::Incoming;
use shared::http::multipart;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_app_store::{FUNCTION, Op};
use shared::model::apps::app::App;
use shared::model::apps::upload::Target;
use shared::store::keys;

/// The function.
pub struct AppStore;

impl Operations for AppStore {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        let item = incoming
            .peek::<AppRef>("guid")
            .and_then(|guid| guid.ours().ok());
        let policy = incoming
            .peek::<Guid>("guid")
            .map(|guid| keys::policy(tenant_id, &guid));
        let named = ["items", "storeitems"]
            .into_iter()
            .find_map(|field| incoming.peek::<Vec<AppRef>>(field))
            .unwrap_or_default();
        let policies = incoming
            .peek::<Vec<Guid>>("authpolicies")
            .unwrap_or_default();
        match op {
            Op::Read => Plan::default().query(store_front::listing(tenant_id)),
            Op::Update => Plan::default()
                .query(store_front::listing(tenant_id))
                .and(
                    named
                        .iter()
                        .take(100)
                        .filter_map(|named| named.ours().ok())
                        .map(|id| keys::app(tenant_id, id)),
                )
                .and(
                    policies
                        .iter()
                        .take(100)
                        .map(|policy| keys::policy(tenant_id, policy)),
                ),
            Op::AddItem | Op::RemoveItem => Plan::keys(
                item.map(|id| keys::app(tenant_id, id))
                    .into_iter()
                    .collect(),
            ),
            Op::ListItems => {
                let [apps, icons] = app::listing(tenant_id, None, None);
                Plan::default().query(apps).query(icons)
            }
            Op::AddPolicy | Op::RemovePolicy => {
                Plan::keys(vec![keys::store(tenant_id)]).and(policy)
            }
            Op::ListPolicies => Plan::keys(vec![keys::store(tenant_id)]),
            Op::UploadIcon => Plan::default(),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Read => read(call).await,
            Op::Update => update(call).await,
            Op::AddItem => shelve(call, true).await,
            Op::RemoveItem => shelve(call, false).await,
            Op::UploadIcon => upload_icon(call).await,
            Op::ListItems => list_items(call).await,
            Op::AddPolicy => change_policy(call, true).await,
            Op::RemovePolicy => change_policy(call, false).await,
            Op::ListPolicies => list_policies(call).await,
        }
    }
}

/// 003 2.1
async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let tenant_id = call.who()?.tenant_id;
    let whole = store_front::read(&mut call.reader, tenant_id).await?;
    Reply::of(&StoreView::of(&whole))
}

/// 003 2.2. The document's field is `storeitems`, fhc's is `items`; what is absent stays.
async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        name: Option<Name>,
        description: Option<Description>,
        storeitems: Option<Vec<AppRef>>,
        items: Option<Vec<AppRef>>,
        authpolicies: Option<Vec<Guid>>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let items = body
        .storeitems
        .or(body.items)
        .map(|items| {
            items
                .iter()
                .map(AppRef::ours)
                .collect::<Result<Vec<AppId>, _>>()
        })
        .transpose()?;
    let changes = StoreChanges {
        name: body.name,
        description: body.description,
        items,
        policies: body.authpolicies,
    };
    let whole = store_front::update(&mut call.reader, who, &changes).await?;
    Reply::of(&StoreView::of(&whole))
}

#[derive(Deserialize)]
struct ItemBody {
    guid: AppRef,
}

/// 003 2.3, 2.4
async fn shelve(mut call: Call<'_>, shelve: bool) -> Result<Reply, Error> {
    let (body, who): (ItemBody, _) = (call.body()?, call.who()?);
    store_front::shelve(&mut call.reader, who, body.guid.ours()?, shelve).await?;
    Ok(Reply::done())
}

/// 003 2.5
async fn upload_icon(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let form = multipart::read(call.incoming).await?;
    let bytes = form.file.ok_or_else(|| Error::invalid(Code::InvalidFile))?;
    let announced = Announced::whole(Target::StoreIcon, form.file_name, &bytes);
    multipart::deliver(call.context, &mut call.reader, who, announced, bytes).await?;
    call.reader.forget();
    let whole = store_front::read(&mut call.reader, who.tenant_id).await?;
    Reply::of(&StoreView::of(&whole))
}

/// 003 2.6: the items that are in the store.
async fn list_items(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let who = call.who()?;
    let found = app::list(&mut call.reader, who.tenant_id, None, None).await?;
    let base = &call.incoming.base_url;
    let shown = found
        .apps
        .into_iter()
        .filter(|(app, _): &(App, String)| app.in_store());
    let list: Vec<ItemView> = shown
        .map(|(app, icon)| ItemView::of_app(&app, icon, base))
        .collect();
    Reply::of(&ItemList {
        count: list.len(),
        list,
        cursor: None,
    })
}

/// 003 2.7, 2.8
async fn change_policy(mut call: Call<'_>, add: bool) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        guid: Guid,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    store_front::change_policy(&mut call.reader, who, &body.guid, add).await?;
    Ok(Reply::done())
}

/// 003 2.9
async fn list_policies(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let tenant_id = call.who()?.tenant_id;
    let store = store_front::store(&mut call.reader, tenant_id).await?;
    #[derive(Serialize)]
    struct PoliciesView {
        list: Vec<Guid>,
    }
    Reply::of(&PoliciesView {
        list: store.value.policies,
    })
}

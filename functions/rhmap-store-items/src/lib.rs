//! 003 2.10 to 2.21: store items, their binaries, and uploads straight to the storage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppId, AppRef, BinaryType, Guid, TenantId};
use shared::base::text::{Description, Label, Name};
use shared::domain::apps::making::NewApp;
use shared::domain::apps::{app, catalogue, links, making};
use shared::http::dialect::rhmap::views::{ItemList, ItemView};
use shared::http::incoming::Incoming;
use shared::http::paging::Page;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_store_items::{FUNCTION, Op};
use shared::store::keys;

use crate::answer::{item_and_list, item_view};

mod answer;

mod uploads;

/// The function.
pub struct StoreItems;

impl Operations for StoreItems {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        let item = incoming
            .peek::<AppRef>("guid")
            .and_then(|guid| guid.ours().ok());
        let app = || {
            item.map(|id| app::app_keys(tenant_id, id))
                .unwrap_or_default()
        };
        let whole = || {
            item.map(|id| app::keys_of(tenant_id, id))
                .unwrap_or_default()
        };
        let groups = || {
            incoming
                .peek::<Vec<Guid>>("groups")
                .unwrap_or_default()
                .into_iter()
                .take(100)
                .map(|group| keys::group(tenant_id, &group))
                .collect::<Vec<_>>()
        };
        let policies = || {
            incoming
                .peek::<Vec<Guid>>("authpolicies")
                .unwrap_or_default()
                .into_iter()
                .take(100)
                .map(|policy| keys::policy(tenant_id, &policy))
                .collect::<Vec<_>>()
        };
        let upload = || {
            incoming
                .peek::<Guid>("uploadId")
                .map(|guid| keys::upload(tenant_id, &guid))
        };
        match op {
            Op::Create => Plan::keys(groups())
                .and(policies())
                .query(catalogue::last_bucket(tenant_id)),
            Op::Update => Plan::keys(app()).and(groups()).and(policies()),
            Op::Read => Plan::keys(whole()),
            Op::Delete => Plan::keys(whole()).and(item.map(|id| keys::publication(tenant_id, id))),
            Op::List => {
                let page = Page::peek(incoming);
                let [apps, icons] =
                    app::listing(tenant_id, after(&page).ok().flatten(), page.limit());
                Plan::default().query(apps).query(icons)
            }
            Op::AddPolicy | Op::RemovePolicy => Plan::keys(app()).and(
                incoming
                    .peek::<Guid>("authguid")
                    .map(|policy| keys::policy(tenant_id, &policy)),
            ),
            Op::AddGroups | Op::RemoveGroups => Plan::keys(app()).and(groups()),
            Op::ListPolicies
            | Op::GetBinaryConfig
            | Op::SetBinaryConfig
            | Op::GroupRestrict
            | Op::Rollback
            | Op::ListItemTypes
            | Op::PrepareUpload => Plan::keys(app()),
            Op::CompleteUpload | Op::AbortUpload | Op::UploadStatus => {
                Plan::default().and(upload())
            }
            Op::UploadBinary => Plan::default(),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Create => create(call).await,
            Op::Read => read(call).await,
            Op::Update => update(call).await,
            Op::Delete => delete(call).await,
            Op::List => list(call).await,
            Op::UploadBinary => uploads::upload_binary(call).await,
            Op::AddPolicy => change_policy(call, true).await,
            Op::RemovePolicy => change_policy(call, false).await,
            Op::ListPolicies => list_policies(call).await,
            Op::GetBinaryConfig => get_binary_config(call).await,
            Op::SetBinaryConfig => set_binary_config(call).await,
            Op::AddGroups => change_groups(call, true).await,
            Op::RemoveGroups => change_groups(call, false).await,
            Op::GroupRestrict => group_restrict(call).await,
            Op::ListItemTypes => list_item_types(call).await,
            Op::PrepareUpload => uploads::prepare(call).await,
            Op::CompleteUpload => uploads::complete(call).await,
            Op::AbortUpload => uploads::abort(call).await,
            Op::UploadStatus => uploads::status(call).await,
            Op::Rollback => roll_back(call).await,
        }
    }
}

#[derive(Deserialize)]
struct ItemBody {
    guid: AppRef,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangesBody {
    description: Option<Description>,
    auth_token: Option<Label>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    restrict_to_groups: Option<bool>,
    groups: Option<Vec<Guid>>,
    authpolicies: Option<Vec<Guid>>,
}

impl ChangesBody {
    fn changes(self, name: Option<Name>) -> NewApp {
        let Self {
            description,
            auth_token,
            restrict_to_groups,
            groups,
            authpolicies,
        } = self;
        NewApp {
            name,
            description,
            auth_token,
            restrict_to_groups,
            groups,
            policies: authpolicies,
        }
    }
}

/// 003 2.10
async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        name: Name,
    }
    let (body, changes, who): (Body, ChangesBody, _) = (call.body()?, call.body()?, call.who()?);
    let app = making::create(&mut call.reader, who, body.name, &changes.changes(None)).await?;
    Reply::of(&ItemView::of_app(
        &app,
        String::new(),
        &call.incoming.base_url,
    ))
}

/// 003 2.11
async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: ItemBody = call.body()?;
    let tenant_id = call.who()?.tenant_id;
    let details = app::details(&mut call.reader, tenant_id, body.guid.ours()?).await?;
    Reply::of(&ItemView::of_details(&details, &call.incoming.base_url))
}

/// 003 2.12
async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        guid: AppRef,
        name: Option<Name>,
    }
    let (body, changes, who): (Body, ChangesBody, _) = (call.body()?, call.body()?, call.who()?);
    let app = making::update(
        &mut call.reader,
        who,
        body.guid.ours()?,
        &changes.changes(body.name),
    )
    .await?;
    Reply::of(&item_view(&mut call, &app).await?)
}

/// 003 2.13
async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (ItemBody, _) = (call.body()?, call.who()?);
    making::delete(&mut call.reader, who, body.guid.ours()?).await?;
    Ok(Reply::done())
}

fn after(page: &Page<AppRef>) -> Result<Option<String>, Error> {
    page.cursor
        .map(|cursor| Ok(cursor.ours()?.sort_key()))
        .transpose()
}

/// 003 2.14
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let page: Page<AppRef> = call.body()?;
    let who = call.who()?;
    let found = app::list(&mut call.reader, who.tenant_id, after(&page)?, page.limit()).await?;
    let cursor = found
        .next
        .and_then(|sk| AppId::from_sort_key(&sk).ok())
        .map(AppId::guid);
    let base = &call.incoming.base_url;
    let list: Vec<ItemView> = found
        .apps
        .into_iter()
        .map(|(app, icon)| ItemView::of_app(&app, icon, base))
        .collect();
    Reply::of(&ItemList {
        count: list.len(),
        list,
        cursor,
    })
}

/// 003 2.16, 2.17
async fn change_policy(mut call: Call<'_>, add: bool) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        guid: AppRef,
        authguid: Guid,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let app = app::change_policy(
        &mut call.reader,
        who,
        body.guid.ours()?,
        &body.authguid,
        add,
    )
    .await?;
    item_and_list(&mut call, &app).await
}

async fn list_policies(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: ItemBody = call.body()?;
    let tenant_id = call.who()?.tenant_id;
    let app = app::read(&mut call.reader, tenant_id, body.guid.ours()?).await?;
    #[derive(Serialize)]
    struct PoliciesView {
        list: Vec<Guid>,
    }
    Reply::of(&PoliciesView {
        list: app.value.policies,
    })
}

#[derive(Deserialize)]
struct BinaryBody {
    guid: AppRef,
    #[serde(rename = "type")]
    kind: BinaryType,
}

#[derive(Serialize)]
struct ConfigView {
    guid: String,
    #[serde(rename = "type")]
    kind: BinaryType,
    config: BTreeMap<String, String>,
}

/// 003 2.18
async fn get_binary_config(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: BinaryBody = call.body()?;
    let tenant_id = call.who()?.tenant_id;
    let app = app::read(&mut call.reader, tenant_id, body.guid.ours()?)
        .await?
        .value;
    let binary = app.binary(body.kind).ok_or_else(app::no_such_binary)?;
    Reply::of(&ConfigView {
        guid: app.id.guid(),
        kind: body.kind,
        config: binary.shown_config(),
    })
}

/// 003 2.19
async fn set_binary_config(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        config: BTreeMap<String, Value>,
    }
    #[derive(Deserialize)]
    struct Value(#[serde(deserialize_with = "shared::base::lenient::text")] String);
    let (named, body, who): (BinaryBody, Body, _) = (call.body()?, call.body()?, call.who()?);
    let config = body
        .config
        .into_iter()
        .map(|(key, value)| (key, value.0))
        .collect();
    let id = named.guid.ours()?;
    let config = app::set_config(&mut call.reader, who, id, named.kind, &config).await?;
    Reply::of(&ConfigView {
        guid: id.guid(),
        kind: named.kind,
        config,
    })
}

/// 003 2.20, 2.21
async fn change_groups(mut call: Call<'_>, add: bool) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        guid: AppRef,
        groups: Vec<Guid>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let app =
        links::change_groups(&mut call.reader, who, body.guid.ours()?, &body.groups, add).await?;
    item_and_list(&mut call, &app).await
}

async fn group_restrict(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        guid: AppRef,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        restrict_to_groups: Option<bool>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let restrict_to_groups = Some(
        body.restrict_to_groups
            .ok_or_else(|| Error::invalid(Code::InvalidRestrictToGroups))?,
    );
    let changes = NewApp {
        restrict_to_groups,
        ..NewApp::default()
    };
    let app = making::update(&mut call.reader, who, body.guid.ours()?, &changes).await?;
    item_and_list(&mut call, &app).await
}

/// The types that an item can have binaries of; for one item, those that it has.
async fn list_item_types(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        guid: Option<AppRef>,
    }
    #[derive(Serialize)]
    struct TypesView {
        list: Vec<BinaryType>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let list = match body.guid {
        None => BinaryType::ALL.to_vec(),
        Some(guid) => app::read(&mut call.reader, who.tenant_id, guid.ours()?)
            .await?
            .value
            .binaries
            .iter()
            .map(|binary| binary.kind)
            .collect(),
    };
    Reply::of(&TypesView { list })
}

/// Our own: makes a kept version the live one again.
async fn roll_back(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(
            deserialize_with = "shared::base::lenient::optional_number",
            alias = "storeItemBinaryVersion"
        )]
        version: Option<u64>,
    }
    let (named, body, who): (BinaryBody, Body, _) = (call.body()?, call.body()?, call.who()?);
    let number = body
        .version
        .and_then(|version| u32::try_from(version).ok())
        .ok_or_else(|| Error::invalid(Code::InvalidVersion))?;
    let app = app::roll_back(
        &mut call.reader,
        who,
        named.guid.ours()?,
        named.kind,
        number,
    )
    .await?;
    item_and_list(&mut call, &app).await
}

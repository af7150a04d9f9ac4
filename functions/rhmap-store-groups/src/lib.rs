//! Groups of store items and users, which 003 uses everywhere and creates nowhere. The answers are
//! the real platform's.

use serde::{Deserialize, Serialize};
use shared::base::error::Error;
use shared::base::id::{AppRef, Guid, TenantId};
use shared::base::text::{Description, Name};
use shared::domain::apps::links;
use shared::domain::people::group;
use shared::domain::people::group::Members;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_store_groups::{FUNCTION, Op};
use shared::model::people::group::Group;
use shared::store::{Query, keys};

/// The function.
pub struct StoreGroups;

impl Operations for StoreGroups {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        let Some(guid) = incoming.peek::<Guid>("guid") else {
            return if op == Op::List {
                Plan::default().query(Query::all(keys::groups(tenant_id)))
            } else {
                Plan::default()
            };
        };
        let plan = Plan::keys(vec![keys::group(tenant_id, &guid)]);
        match op {
            Op::Create => Plan::default(),
            Op::List => Plan::default().query(Query::all(keys::groups(tenant_id))),
            Op::Read | Op::Delete => plan.query(Query::all(keys::group_members(tenant_id, &guid))),
            Op::Update => plan,
            Op::AddStoreItems | Op::RemoveStoreItems => {
                let items = incoming
                    .peek::<Vec<AppRef>>("storeitems")
                    .unwrap_or_default();
                plan.query(Query::all(keys::group_members(tenant_id, &guid)))
                    .and(
                        items
                            .into_iter()
                            .take(100)
                            .filter_map(|item| item.ours().ok())
                            .map(|id| keys::app(tenant_id, id)),
                    )
            }
            Op::AddUsers | Op::RemoveUsers => {
                let users = incoming.peek::<Vec<String>>("users").unwrap_or_default();
                let guids: Vec<Guid> = users
                    .iter()
                    .take(group::MAX_USERS)
                    .filter_map(|user| user.parse().ok())
                    .collect();
                let plan = plan.query(Query::all(keys::group_members(tenant_id, &guid)));
                plan.and(
                    users
                        .iter()
                        .take(100)
                        .map(|user| keys::sign_in(tenant_id, user)),
                )
                .and(guids.iter().map(|user| keys::user(tenant_id, user)))
            }
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Create => create(call).await,
            Op::List => list(call).await,
            Op::Read => read(call).await,
            Op::Update => update(call).await,
            Op::Delete => delete(call).await,
            Op::AddStoreItems => change_items(call, true).await,
            Op::RemoveStoreItems => change_items(call, false).await,
            Op::AddUsers => change_users(call, true).await,
            Op::RemoveUsers => change_users(call, false).await,
        }
    }
}

#[derive(Serialize)]
struct GroupView {
    guid: Guid,
    name: String,
    description: String,
    count: i64,
}

impl GroupView {
    fn of(group: &Group, count: i64) -> Self {
        Self {
            guid: group.guid.clone(),
            name: group.name.to_string(),
            description: group.description.to_string(),
            count,
        }
    }
}

#[derive(Serialize)]
struct MembersView {
    #[serde(flatten)]
    group: GroupView,
    storeitems: Vec<String>,
    users: Vec<Guid>,
}

impl MembersView {
    fn of(members: &Members) -> Self {
        let count = i64::try_from(members.items.len()).unwrap_or(i64::MAX);
        let storeitems = members.items.iter().map(|id| id.guid()).collect();
        Self {
            group: GroupView::of(&members.group.value, count),
            storeitems,
            users: members.users.clone(),
        }
    }
}

#[derive(Deserialize)]
struct GuidBody {
    guid: Guid,
}

async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        name: Name,
        #[serde(default)]
        description: Description,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let group = group::create(&mut call.reader, who, body.name, body.description).await?;
    Reply::of(&GroupView::of(&group, 0))
}

/// All groups; with `name` the one of that name (fhc's `readByName` takes the first of the list).
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        name: Option<String>,
    }
    #[derive(Serialize)]
    struct ListView {
        list: Vec<GroupView>,
        count: usize,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let found = group::list(
        &mut call.reader,
        who.tenant_id,
        body.name.as_deref().filter(|name| !name.is_empty()),
    )
    .await?;
    let list: Vec<GroupView> = found
        .iter()
        .map(|(group, count)| GroupView::of(group, *count))
        .collect();
    Reply::of(&ListView {
        count: list.len(),
        list,
    })
}

async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: GuidBody = call.body()?;
    let tenant_id = call.who()?.tenant_id;
    let members = group::read(&mut call.reader, tenant_id, &body.guid).await?;
    Reply::of(&MembersView::of(&members))
}

/// fhc sends back everything that `read` gave; only name and description are taken from it.
async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        guid: Guid,
        name: Option<Name>,
        description: Option<Description>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let (group, count) = group::update(
        &mut call.reader,
        who,
        &body.guid,
        body.name,
        body.description,
    )
    .await?;
    Reply::of(&GroupView::of(&group, count))
}

async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (GuidBody, _) = (call.body()?, call.who()?);
    group::delete(&mut call.reader, who, &body.guid).await?;
    Ok(Reply::done())
}

async fn change_items(mut call: Call<'_>, add: bool) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        guid: Guid,
        storeitems: Vec<AppRef>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let items = body
        .storeitems
        .iter()
        .map(AppRef::ours)
        .collect::<Result<Vec<_>, _>>()?;
    let members = links::change_items(&mut call.reader, who, &body.guid, &items, add).await?;
    Reply::of(&MembersView::of(&members))
}

async fn change_users(mut call: Call<'_>, add: bool) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        guid: Guid,
        users: Vec<UserReference>,
    }
    #[derive(Deserialize)]
    struct UserReference(#[serde(deserialize_with = "shared::base::lenient::text")] String);
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let named: Vec<String> = body.users.into_iter().map(|user| user.0).collect();
    let members = group::change_users(&mut call.reader, who, &body.guid, &named, add).await?;
    Reply::of(&MembersView::of(&members))
}

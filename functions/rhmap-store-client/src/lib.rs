//! 003 2.23 to 2.25: what the store's client on a device asks, and the links that an installing
//! device follows.

use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppRef, BinaryType, Guid, TenantId};
use shared::domain::apps::{app, store_front};
use shared::http::addresses;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_store_client::{FUNCTION, Op};
use shared::model::apps::app::{BinarySummary, Icon};
use shared::store::{Query, keys};

mod install;

/// The function.
pub struct StoreClient;

impl Operations for StoreClient {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        match op {
            Op::GetStoreItems => {
                let [apps, icons] = app::listing(tenant_id, None, None);
                Plan::keys(vec![keys::store(tenant_id)])
                    .query(apps)
                    .query(icons)
            }
            Op::Install => {
                let Some(id) = incoming
                    .peek::<AppRef>("guid")
                    .and_then(|guid| guid.exact().ok())
                else {
                    return Plan::default();
                };
                let kind = id.kind().or_else(|| incoming.peek("type"));
                let kinds = kind.map_or_else(|| BinaryType::ALL.to_vec(), |kind| vec![kind]);
                Plan::keys(vec![
                    keys::app(tenant_id, id),
                    keys::store(tenant_id),
                    keys::tenant(tenant_id),
                ])
                .and(
                    kinds
                        .into_iter()
                        .map(|kind| keys::binary(tenant_id, id, kind)),
                )
            }
            Op::DownloadVersion => Plan::keys(vec![keys::store(tenant_id)]).and(
                incoming
                    .peek::<Guid>("guid")
                    .map(|guid| keys::version(tenant_id, &guid)),
            ),
            Op::ReadStore | Op::Manifest | Op::Package | Op::Icon => Plan::default(),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::ReadStore => read_store(call).await,
            Op::GetStoreItems => get_store_items(call).await,
            Op::Install => install::install(call).await,
            Op::DownloadVersion => install::download_version(call).await,
            Op::Manifest => install::manifest(call).await,
            Op::Package => install::package(call).await,
            Op::Icon => install::icon(call).await,
        }
    }
}

/// 003 2.23: open to everybody; the tenant is told by `d`, the host, or the default.
async fn read_store(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        d: Option<String>,
    }
    #[derive(Serialize)]
    struct StoreView {
        guid: Guid,
        name: String,
        description: String,
        icon: String,
        authpolicies: Vec<PolicyView>,
    }
    #[derive(Serialize)]
    struct PolicyView {
        name: String,
        #[serde(rename = "type")]
        kind: String,
    }
    let body: Body = call.body()?;
    let tenant_id = call
        .context
        .tenant_before_sign_in(&call.incoming.host, body.d.as_deref())?;
    call.reader
        .fetch(
            vec![keys::store(tenant_id), keys::store_icon(tenant_id)],
            vec![Query::all(keys::policies(tenant_id))],
        )
        .await?;
    let store = store_front::store(&mut call.reader, tenant_id).await?.value;
    let icon = call
        .reader
        .get::<Icon>(&keys::store_icon(tenant_id))
        .await?
        .map(|icon| icon.value.png)
        .unwrap_or_default();
    let policies = store_front::policies(&mut call.reader, tenant_id, &store).await?;
    let authpolicies = policies
        .into_iter()
        .map(|policy| PolicyView {
            name: policy.policy_id,
            kind: policy.policy_type,
        })
        .collect();
    Reply::of(&StoreView {
        guid: store.guid,
        name: store.name.to_string(),
        description: store.description.to_string(),
        icon,
        authpolicies,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StoreItemView {
    guid: String,
    name: String,
    description: String,
    icon: String,
    targets: Vec<TargetView>,
    binaries: Vec<TargetView>,
    authpolicies: Vec<Guid>,
}

#[derive(Serialize, Clone)]
struct TargetView {
    #[serde(rename = "type")]
    kind: BinaryType,
    url: String,
}

/// 003 2.24. The document reads `storeitems[].targets`, the real client `list[].binaries`: both are
/// there.
async fn get_store_items(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        appstore: Option<String>,
    }
    #[derive(Serialize)]
    struct ItemsView<'a> {
        storeitems: &'a [StoreItemView],
        list: &'a [StoreItemView],
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let store = store_front::store(&mut call.reader, who.tenant_id)
        .await?
        .value;
    if let Some(named) = body.appstore.filter(|named| !named.is_empty()) {
        let named: Guid = named.parse().map_err(|_| {
            Error::invalid(
                Code::InvalidGuid
                    .beside("This is not the guid of any item: it is missing or malformed"),
            )
        })?;
        if named != store.guid {
            return Err(Error::not_found(
                Code::InvalidGuid.beside("There is no item with this guid in this domain"),
            ));
        }
    }
    let found = app::list(&mut call.reader, who.tenant_id, None, None).await?;
    let base = &call.incoming.base_url;
    let visible = found
        .apps
        .into_iter()
        .filter(|(app, _)| app::visible(app, who, &store.policies));
    let items: Vec<StoreItemView> = visible
        .map(|(app, icon)| {
            let target = |binary: &BinarySummary| TargetView {
                kind: binary.kind,
                url: addresses::install(base, &app.id.binary(binary.kind).to_string()),
            };
            let targets: Vec<TargetView> = app.binaries.iter().map(target).collect();
            StoreItemView {
                guid: app.id.guid(),
                name: app.name.to_string(),
                description: app.description.to_string(),
                icon,
                binaries: targets.clone(),
                targets,
                authpolicies: app.policies.clone(),
            }
        })
        .collect();
    Reply::of(&ItemsView {
        storeitems: &items,
        list: &items,
    })
}

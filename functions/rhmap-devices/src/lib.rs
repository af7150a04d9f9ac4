//! 003 chapter 6: devices of apps' users.

use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{Guid, TenantId};
use shared::base::text::Label;
use shared::domain::sign_in::device;
use shared::domain::sign_in::device::{DeviceChanges, DeviceReference};
use shared::http::incoming::Incoming;
use shared::http::paging::Page;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_devices::{FUNCTION, Op};
use shared::model::people::device::Device;
use shared::store::keys;

/// The function.
pub struct Devices;

impl Operations for Devices {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        if op == Op::List {
            let page = Page::peek(incoming);
            return Plan::default().query(device::listing(
                tenant_id,
                page.cursor.as_ref(),
                page.limit(),
            ));
        }
        let body = DeviceBody {
            cuid: incoming.peek::<Text>("cuid").and_then(|cuid| cuid.0),
            guid: incoming.peek("guid"),
        };
        let Ok(named) = body.named() else {
            return Plan::default();
        };
        let guid = named.guid();
        let plan = Plan::keys(vec![keys::device(tenant_id, &guid)]);
        match op {
            Op::List | Op::Read | Op::Update => plan,
            Op::ListApps => plan
                .and([keys::store(tenant_id)])
                .query(device::apps_listing(tenant_id, &guid)),
            Op::ListUsers => plan.query(device::users_listing(tenant_id, &guid)),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => list(call).await,
            Op::Read => read(call).await,
            Op::Update => update(call).await,
            Op::ListApps => list_apps(call).await,
            Op::ListUsers => list_users(call).await,
        }
    }
}

#[derive(Deserialize)]
struct Text(#[serde(deserialize_with = "shared::base::lenient::optional_text")] Option<String>);

/// 003 6.3 says "based on its guid" and prints `cuid`: both are taken.
#[derive(Deserialize)]
struct DeviceBody {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    cuid: Option<String>,
    guid: Option<Guid>,
}

impl DeviceBody {
    fn named(self) -> Result<DeviceReference, Error> {
        match (self.cuid.filter(|cuid| !cuid.is_empty()), self.guid) {
            (None, None) => Err(Error::invalid(Code::InvalidCuid)),
            (None, Some(guid)) => Ok(DeviceReference::Guid(guid)),
            (Some(cuid), None) => Ok(DeviceReference::Cuid(cuid)),
            (Some(cuid), Some(guid)) => {
                let named = DeviceReference::Cuid(cuid);
                // Two names of two devices: nobody knows which one is meant.
                if named.guid() == guid {
                    Ok(named)
                } else {
                    Err(Error::invalid(Code::InvalidGuid.beside(
                        "This is not the guid of any device: it is missing or malformed",
                    )))
                }
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldsView {
    cuid: String,
    name: String,
    disabled: bool,
    blacklisted: bool,
    business_object: &'static str,
    domain: String,
    sys_created: String,
    sys_modified: String,
}

/// A device (003 6.1 to 6.3). What is beside the documented fields was in the real platform's
/// answers, and fhc prints it.
#[derive(Serialize)]
struct DeviceView {
    guid: Guid,
    fields: FieldsView,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl DeviceView {
    fn of(device: Device, domain: &str) -> Self {
        let guid = device.guid();
        let fields = FieldsView {
            cuid: device.cuid,
            name: device.name,
            disabled: device.disabled,
            blacklisted: device.blacklisted,
            business_object: "cluster/reseller/customer/domain/admin/app-store/device",
            domain: domain.to_owned(),
            sys_created: device.created.colon_millis(),
            sys_modified: device.modified.colon_millis(),
        };
        Self {
            guid,
            fields,
            kind: "mam_Devices",
        }
    }
}

#[derive(Serialize)]
struct ListView<T> {
    list: Vec<T>,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<Guid>,
}

/// Something with a guid and its fields.
#[derive(Serialize)]
struct Listed<G, F> {
    guid: G,
    fields: F,
}

/// 003 6.1
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let (page, who): (Page<Guid>, _) = (call.body()?, call.who()?);
    let (devices, cursor) = device::list(
        &mut call.reader,
        who.tenant_id,
        page.cursor.as_ref(),
        page.limit(),
    )
    .await?;
    let list: Vec<DeviceView> = devices
        .into_iter()
        .map(|device| DeviceView::of(device, &who.domain))
        .collect();
    Reply::of(&ListView {
        count: list.len(),
        list,
        cursor,
    })
}

/// 003 6.2
async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (DeviceBody, _) = (call.body()?, call.who()?);
    let found = device::read(&mut call.reader, who.tenant_id, &body.named()?).await?;
    Reply::of(&DeviceView::of(found.value, &who.domain))
}

/// 003 6.3. The document's "DEFAULT=false" would let each of fhc's commands undo the other: what is
/// absent stays.
async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        name: Option<Label>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        disabled: Option<bool>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        blacklisted: Option<bool>,
    }
    let (named, body, who): (DeviceBody, Body, _) = (call.body()?, call.body()?, call.who()?);
    let changes = DeviceChanges {
        name: body.name,
        disabled: body.disabled,
        blacklisted: body.blacklisted,
    };
    let device = device::update(&mut call.reader, who.tenant_id, &named.named()?, &changes).await?;
    Reply::of(&DeviceView::of(device, &who.domain))
}

/// 003 6.4
async fn list_apps(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct AppFields {
        name: String,
        description: String,
    }
    let (body, who): (DeviceBody, _) = (call.body()?, call.who()?);
    let apps = device::apps(&mut call.reader, who.tenant_id, &body.named()?).await?;
    let list: Vec<_> = apps
        .into_iter()
        .map(|app| Listed {
            guid: app.guid,
            fields: AppFields {
                name: app.name,
                description: app.description,
            },
        })
        .collect();
    Reply::of(&ListView {
        count: list.len(),
        list,
        cursor: None,
    })
}

/// 003 6.5
async fn list_users(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct UserFields {
        user_id: String,
        email: String,
        name: String,
    }
    let (body, who): (DeviceBody, _) = (call.body()?, call.who()?);
    let users = device::users(&mut call.reader, who.tenant_id, &body.named()?).await?;
    let list: Vec<_> = users
        .into_iter()
        .map(|user| Listed {
            guid: user.guid,
            fields: UserFields {
                user_id: user.user_id,
                email: user.email,
                name: user.name,
            },
        })
        .collect();
    Reply::of(&ListView {
        count: list.len(),
        list,
        cursor: None,
    })
}

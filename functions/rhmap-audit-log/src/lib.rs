//! 003 2.22: the log of downloads and installs.

use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppRef, BinaryType, Guid, TenantId};
use shared::domain::log::audit;
use shared::domain::log::audit::Filter;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_audit_log::{FUNCTION, Op};
use shared::model::log::audit::LogRow;

/// The function.
pub struct AuditLog;

impl Operations for AuditLog {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        let Op::List = op;
        match incoming.parse::<ListBody>().and_then(ListBody::validated) {
            Ok(asked) => Plan::default().query(audit::listing(
                tenant_id,
                &asked.filter,
                asked.limit,
                asked.after,
            )),
            Err(_) => Plan::default(),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => list(call).await,
        }
    }
}

/// The document's filters, and those that fhc sends: an empty one is none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListBody {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    store_item_guid: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    store_item_binary_guid: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    store_item_binary_type: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    device_id: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_number")]
    limit: Option<u64>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    cursor: Option<String>,
}

struct AuditQuery {
    filter: Filter,
    limit: u32,
    after: Option<String>,
}

/// What is answered without a limit: the smallest that the document names.
const LIMIT: u64 = 10;

/// The largest limit that the document names.
const MAX_LIMIT: u64 = 1_000;

impl ListBody {
    fn validated(self) -> Result<AuditQuery, Error> {
        let text = |value: Option<String>| value.filter(|text| !text.is_empty());
        let item = |value: Option<String>| {
            text(value)
                .map(|guid| {
                    guid.parse::<AppRef>()
                        .map_err(|_| {
                            Error::invalid(Code::InvalidGuid.beside(
                                "This is not the guid of any item: it is missing or malformed",
                            ))
                        })?
                        .exact()
                })
                .transpose()
        };
        let kind = text(self.store_item_binary_type)
            .map(|kind| shared::domain::apps::app::binary_type(&kind))
            .transpose()?;
        let limit = self.limit.unwrap_or(LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid(
                Code::InvalidLimit.beside(format!("The limit is a number from 1 to {MAX_LIMIT}")),
            ));
        }
        let fits = |cursor: &String| {
            cursor.len() <= 64
                && cursor
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'#')
        };
        let after = text(self.cursor);
        if after.as_ref().is_some_and(|cursor| !fits(cursor)) {
            return Err(Error::invalid(Code::InvalidCursor));
        }
        let filter = Filter {
            user: text(self.user_id),
            item: item(self.store_item_guid)?,
            binary: item(self.store_item_binary_guid)?,
            kind,
            cuid: text(self.device_id),
        };
        Ok(AuditQuery {
            filter,
            limit: u32::try_from(limit).map_err(Error::internal)?,
            after,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowView<'a> {
    business_object: &'static str,
    device_id: &'a str,
    domain: &'a str,
    guid: &'a Guid,
    ip_address: &'a str,
    store_item_binary_guid: String,
    store_item_binary_type: Option<BinaryType>,
    store_item_binary_version: u32,
    store_item_guid: String,
    store_item_title: &'a str,
    sys_created: String,
    sys_version: u32,
    user_guid: &'a Guid,
    user_id: &'a str,
}

impl<'a> RowView<'a> {
    fn of(row: &'a LogRow, domain: &'a str) -> Self {
        Self {
            business_object: "cluster/reseller/customer/domain/admin/app-store/audit-log",
            device_id: &row.cuid,
            domain,
            guid: &row.guid,
            ip_address: &row.address,
            store_item_binary_guid: row.binary.guid(),
            store_item_binary_type: row.binary.kind(),
            store_item_binary_version: row.version,
            store_item_guid: row.binary.item().guid(),
            store_item_title: &row.title,
            sys_created: row.at.colon_millis(),
            sys_version: 0,
            user_guid: &row.user,
            user_id: &row.username,
        }
    }
}

/// 003 2.22
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    let asked = call.body::<ListBody>()?.validated()?;
    let (rows, cursor) = audit::list(
        &mut call.reader,
        who.tenant_id,
        &asked.filter,
        asked.limit,
        asked.after,
    )
    .await?;
    #[derive(Serialize)]
    struct ListView<'a> {
        list: Vec<RowView<'a>>,
        count: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    }
    Reply::of(&ListView {
        list: rows
            .iter()
            .map(|row| RowView::of(row, &who.domain))
            .collect(),
        count: rows.len(),
        cursor,
    })
}

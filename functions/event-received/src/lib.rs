//! The function that takes events of apps from the account's event bus.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::base::error::{Error, Kind};
use shared::base::id::TenantId;
use shared::domain::events::reported_event;
use shared::domain::events::reported_event::Report;
use shared::model::people::tenant::Tenant;
use shared::services::context::Context;
use shared::store::keys;
use shared::store::record::Reader;

/// The detail-type of the events that are taken.
pub const DETAIL_TYPE: &str = "Appdepot App Event";

/// Longest detail, in bytes of JSON: EventBridge passes 256 KB.
const MAX_DETAIL: usize = 64 * 1_024;

/// What became of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Events that were written.
    pub written: usize,
    /// Events that had been written before, or are not kept.
    pub known: usize,
    /// Events that nobody can take: what is wrong with them is in the log.
    pub refused: usize,
}

/// An event of EventBridge, as far as it counts here.
#[derive(Deserialize)]
struct BusEvent {
    id: String,
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Value,
}

#[derive(Deserialize)]
struct EventEnvelope {
    #[serde(deserialize_with = "shared::base::lenient::text")]
    domain: String,
}

/// Takes one event of EventBridge: its detail is a report with the tenant's name as `domain`. The
/// same event twice is written once.
///
/// # Errors
/// The store's: the platform tries again. What is wrong with an event itself is logged and counted,
/// since no try would mend it.
pub async fn handle(context: Context, event: Value) -> Result<Done, Error> {
    match accept(&context, event).await {
        Ok(true) => Ok(Done {
            written: 1,
            ..Done::default()
        }),
        Ok(false) => Ok(Done {
            known: 1,
            ..Done::default()
        }),
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::NotFound | Kind::Forbidden) => {
            tracing::warn!(message = %error.message, "an event of the bus was refused");
            Ok(Done {
                refused: 1,
                ..Done::default()
            })
        }
        Err(error) => Err(error),
    }
}

async fn accept(context: &Context, event: Value) -> Result<bool, Error> {
    let event: BusEvent = serde_json::from_value(event)
        .map_err(|error| Error::invalid(format!("no event of EventBridge: {error}")))?;
    if event.detail_type != DETAIL_TYPE || event.source.starts_with("aws.") {
        return Err(Error::invalid(format!(
            "the detail-type is {DETAIL_TYPE}, and the source none of AWS's own"
        )));
    }
    if event.detail.to_string().len() > MAX_DETAIL {
        return Err(Error::invalid("the detail is too large"));
    }
    let named = EventEnvelope::deserialize(&event.detail)
        .map_err(|error| Error::invalid(format!("detail.domain: {error}")))?;
    let mut report = Report::deserialize(&event.detail)
        .map_err(|error| Error::invalid(format!("detail: {error}")))?;
    // Delivered twice it is one; whoever reports may know it by an id of his own.
    report.id.get_or_insert(event.id);
    let tenant_id = TenantId::of_name(&named.domain);
    let mut reader = Reader::new(&*context.table, context.clock.now());
    let mut wanted = vec![keys::tenant(tenant_id)];
    wanted.extend(report.keys(tenant_id));
    reader.fetch_missing(&wanted).await?;
    let tenant = reader
        .get::<Tenant>(&keys::tenant(tenant_id))
        .await?
        .filter(|tenant| tenant.value.name == named.domain);
    if tenant.is_none() {
        return Err(Error::not_found("unknown domain"));
    }
    Ok(reported_event::take(&mut reader, tenant_id, &report, None)
        .await?
        .is_new)
}

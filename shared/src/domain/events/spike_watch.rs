//! Who asked to hear of download spikes: kept beside the alerts that name them.

use crate::base::error::Error;
use crate::base::id::TenantId;
use crate::model::events::alert::Alert;
use crate::model::events::download_spike::{AskingTenant, SpikeWatch};
use crate::store::record::Record;
use crate::store::{Condition, Write, keys, record};

/// The name of the event.
pub const NAME: &str = "DOWNLOAD_SPIKE";

/// The writes beside those of an alert that comes, changes or goes: whether it asks about spikes.
///
/// # Errors
/// Internal.
pub fn watch_writes(
    tenant_id: TenantId,
    before: Option<&Alert>,
    after: Option<&Alert>,
) -> Result<Vec<Write>, Error> {
    let asks = |alert: &&Alert| alert.names.iter().any(|name| name == NAME);
    let counted = |by| Write::Count {
        key: keys::spike_tenant(tenant_id),
        kind: AskingTenant::KIND,
        by,
        condition: Condition::Always,
    };
    Ok(match (before.filter(asks), after.filter(asks)) {
        (None, Some(alert)) => vec![
            record::put(
                keys::spike_alert(tenant_id, &alert.guid),
                &SpikeWatch { app: alert.app },
                Condition::Always,
            )?,
            counted(1),
        ],
        (Some(alert), None) => vec![
            Write::Delete(keys::spike_alert(tenant_id, &alert.guid), Condition::Always),
            counted(-1),
        ],
        _ => Vec::new(),
    })
}

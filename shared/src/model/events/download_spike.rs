//! Who asked to hear of download spikes, and what was told.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::AppId;
use crate::store::record::Record;

/// That an alert asks about spikes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpikeWatch {
    /// Of which app; `None` for every app of the tenant.
    pub app: Option<AppId>,
}

impl Record for SpikeWatch {
    const KIND: &'static str = "spike-alert";
}

/// The tenants with such alerts: the item's counter says how many.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AskingTenant {}

impl Record for AskingTenant {
    const KIND: &'static str = "spike-tenant";
}

/// That a spike was told of, or that there was none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedSpike {
    pub(crate) expires: Timestamp,
}

impl Record for RecordedSpike {
    const KIND: &'static str = "told-spike";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.expires)
    }
}

//! Tenants and what leads to one.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::{Guid, TenantId};
use crate::store::record::Record;

/// A tenant in the register.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// The guid of its one app store.
    pub store: Guid,
    /// Its data key, wrapped.
    pub data_key: String,
    /// Since when.
    pub created: Timestamp,
}

impl Record for Tenant {
    const KIND: &'static str = "tenant";
    // 2: its apps have a life cycle and rows in the catalogue. 3: and a number each.
    const SCHEMA: u32 = 3;
}

/// The store guid that leads to a tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoreDirectory {
    /// Whose store it is.
    #[serde(rename = "handle")]
    pub tenant_id: TenantId,
    /// The tenant's name.
    pub domain: String,
}

impl Record for StoreDirectory {
    const KIND: &'static str = "store-directory";
}

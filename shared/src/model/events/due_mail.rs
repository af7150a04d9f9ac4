//! Mails that are due.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::environment::Environment;
use crate::base::id::{AppId, Guid, TenantId};
use crate::store::record::Record;
use crate::store::{Key, keys};

/// That a notification is to be mailed. When stands in its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueMail {
    /// The tenant.
    #[serde(rename = "handle")]
    pub tenant_id: TenantId,
    /// The app of the notification.
    pub app: AppId,
    /// Its environment.
    pub env: Environment,
    /// Since when it is there.
    pub created: Timestamp,
    /// The notification.
    pub notification: Guid,
    /// Events that the notification has not counted yet: a digest that is full is not written anew
    /// for each one.
    #[serde(default)]
    pub more: u32,
}

impl Record for DueMail {
    const KIND: &'static str = "due-mail";
}

impl DueMail {
    /// Where its notification is.
    pub fn notification_key(&self) -> Key {
        keys::notification(
            self.tenant_id,
            self.app,
            &self.env,
            self.created,
            &self.notification,
        )
    }
}

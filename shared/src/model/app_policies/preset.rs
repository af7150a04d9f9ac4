//! Policies with options under a name.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::AppId;
use crate::base::text::Name;
use crate::model::app_policies::app_policy::{AppPolicy, Configuration, flag};
use crate::store::record::Record;

/// Options of a policy under a name. Two may have the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Preset {
    /// Its id, spelled as apps' are.
    pub id: AppId,
    /// The policy's name among programs.
    pub policy_id: String,
    /// Its name.
    pub name: Name,
    /// Whether the app's user must have signed in.
    pub auth_required: bool,
    /// Whether who applies policies by hand is to see it chosen.
    pub enabled_by_default: bool,
    /// The options; `None` for a policy without any.
    pub configuration: Option<Configuration>,
    /// Since when.
    pub created: Timestamp,
}

impl Record for Preset {
    const KIND: &'static str = "preset";
}

/// How many presets of a policy there are: the item's counter says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PresetCount {}

impl Record for PresetCount {
    const KIND: &'static str = "preset-count";
}

impl Preset {
    /// The preset as clients read it.
    pub fn view(&self) -> Value {
        json!({
            "name": self.name,
            "auth_required": self.auth_required,
            "enabled_by_default": self.enabled_by_default,
            "is_a_preset": true,
            "created_time": self.created.rfc3339_micros(),
            "configuration": self.configuration,
            "id": self.id.base64url(),
            "policy_id": self.policy_id,
        })
    }

    /// Takes what a client says; what it leaves out stays.
    pub(crate) fn take(
        &mut self,
        policy: &AppPolicy,
        said: &Map<String, Value>,
    ) -> Result<(), Error> {
        match said.get("name") {
            None => {}
            Some(Value::String(name)) => {
                self.name = Name::new(name.trim().to_owned())
                    .ok_or_else(|| Error::invalid("name is a text of 1 to 200 characters"))?;
            }
            Some(_) => return Err(Error::invalid("name is a text of 1 to 200 characters")),
        }
        if let Some(required) = flag(said, "auth_required")? {
            self.auth_required = policy.auth_required(Some(required))?;
        }
        if let Some(enabled) = flag(said, "enabled_by_default")? {
            self.enabled_by_default = enabled;
        }
        if let Some(configuration) = said.get("configuration") {
            self.configuration = policy.options(Some(configuration))?;
        }
        Ok(())
    }
}

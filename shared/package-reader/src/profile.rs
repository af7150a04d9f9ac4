//! The provisioning profile in an IPA: who may install the app, and until when.

use plist::{Dictionary, Value};
use rasn_cms::{CONTENT_SIGNED_DATA, ContentInfo, SignedData};
use serde::{Deserialize, Serialize};

use crate::property_list;
use crate::refusal::{ReadError, RefusalCode, refused};

/// What a provisioning profile says. Its signature is not checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: String,
    /// The identifiers of the team, as in `["A1B2C3D4E5"]`.
    pub team: Vec<String>,
    /// The name of the team, empty if there is none.
    pub team_name: String,
    /// When it expires, RFC 3339 in UTC; empty if it does not say.
    pub expires: String,
    /// `development`, `ad-hoc`, `enterprise` or `app-store`.
    pub kind: String,
    /// How many devices it names; 0 for `enterprise` and `app-store`.
    pub devices: usize,
}

/// Parses a profile: a property list inside of a CMS signature, BER or DER. Call it on an isolated thread.
pub(crate) fn parse(bytes: &[u8]) -> Result<Profile, ReadError> {
    let list = property_list::parse(&content(bytes)?, "The provisioning profile")?;
    let text = |key: &str| short(list.get(key).and_then(Value::as_string).unwrap_or_default());
    let devices = list.get("ProvisionedDevices").and_then(Value::as_array);
    let debuggable = list
        .get("Entitlements")
        .and_then(Value::as_dictionary)
        .and_then(|entitlements: &Dictionary| entitlements.get("get-task-allow"))
        .and_then(Value::as_boolean);
    let kind = if list.get("ProvisionsAllDevices").and_then(Value::as_boolean) == Some(true) {
        "enterprise"
    } else if devices.is_none() {
        "app-store"
    } else if debuggable == Some(true) {
        "development"
    } else {
        "ad-hoc"
    };
    let team = list.get("TeamIdentifier").and_then(Value::as_array).into_iter().flatten();
    Ok(Profile {
        name: text("Name"),
        uuid: text("UUID"),
        team: team.filter_map(Value::as_string).take(16).map(short).collect(),
        team_name: text("TeamName"),
        expires: list.get("ExpirationDate").and_then(Value::as_date).map(|d| d.to_xml_format()).unwrap_or_default(),
        kind: kind.to_owned(),
        devices: devices.map_or(0, Vec::len),
    })
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(256).collect()
}

/// The content of a CMS signature.
fn content(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let damaged = || refused(RefusalCode::Unreadable, "The app's provisioning profile is damaged.");
    let outer: ContentInfo = rasn::ber::decode(bytes).map_err(|_| damaged())?;
    if outer.content_type != *CONTENT_SIGNED_DATA {
        return Err(damaged());
    }
    let signed: SignedData = rasn::ber::decode(outer.content.as_bytes()).map_err(|_| damaged())?;
    signed.encap_content_info.content.map(|content| content.to_vec()).ok_or_else(damaged)
}

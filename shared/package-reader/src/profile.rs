//! The provisioning profile in an IPA: who may install the app, and until when.

use std::time::SystemTime;

use apk::sign::Certificate;
use bcder::decode::{Constructed, DecodeError, Source};
use bcder::{ConstOid, Mode, OctetString, Oid, Tag};
use plist::{Dictionary, Value};
use serde::{Deserialize, Serialize};

use crate::isolation::isolated;
use crate::property_list;
use crate::refusal::{ReadError, RefusalCode, refused};

/// Bytes of a profile.
pub(crate) const MAX_PROFILE: u64 = 2 * 1024 * 1024;
/// How many of its certificates are read.
const CERTIFICATES: usize = 200;
/// What a CMS message says it is if it is signed: 1.2.840.113549.1.7.2 (RFC 5652, section 5.1).
const SIGNED_DATA: ConstOid = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]);

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
    /// When the first of its certificates expires, RFC 3339 in UTC; empty if none can be read. One
    /// of them signed the app.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub certificate_expires: String,
    /// `development`, `ad-hoc`, `enterprise` or `app-store`.
    pub kind: String,
    /// How many devices it names; 0 for `enterprise` and `app-store`.
    pub devices: usize,
}

/// What has to be known of a profile to sign an app with it. Its signature is not checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileContents {
    /// What it says about itself.
    pub profile: Profile,
    /// What apps may do with it.
    pub entitlements: Dictionary,
    /// The certificates whose holders may sign with it, in distinguished encoding.
    pub certificates: Vec<Vec<u8>>,
    /// When it expires, in seconds since 1970, if it says so.
    pub expires_at: Option<u64>,
}

/// Reads a file `embedded.mobileprovision`.
///
/// # Errors
///
/// [`ReadError::Refused`] if it is bigger than 2 MB or no profile.
pub fn profile_contents(bytes: &[u8]) -> Result<ProfileContents, ReadError> {
    if bytes.len() as u64 > MAX_PROFILE {
        return Err(refused(
            RefusalCode::TooLarge,
            "The provisioning profile is bigger than the 2 MB that are accepted.",
        ));
    }
    isolated("The provisioning profile", || {
        let list = list(bytes)?;
        let certificates = list
            .get("DeveloperCertificates")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let expires = list
            .get("ExpirationDate")
            .and_then(Value::as_date)
            .map(SystemTime::from);
        Ok(ProfileContents {
            profile: describe(&list),
            entitlements: list
                .get("Entitlements")
                .and_then(Value::as_dictionary)
                .cloned()
                .unwrap_or_default(),
            certificates: certificates
                .filter_map(Value::as_data)
                .map(<[u8]>::to_vec)
                .collect(),
            // What expired before 1970 has expired.
            expires_at: expires.map(|time| {
                time.duration_since(SystemTime::UNIX_EPOCH)
                    .map_or(0, |since| since.as_secs())
            }),
        })
    })
}

/// The property list inside of a CMS signature, BER or DER.
fn list(bytes: &[u8]) -> Result<Dictionary, ReadError> {
    property_list::parse(&content(bytes)?, "The provisioning profile")
}

/// Parses a profile. Call it on an isolated thread.
pub(crate) fn parse(bytes: &[u8]) -> Result<Profile, ReadError> {
    Ok(describe(&list(bytes)?))
}

fn describe(list: &Dictionary) -> Profile {
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
    let team = list
        .get("TeamIdentifier")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Profile {
        name: text("Name"),
        uuid: text("UUID"),
        team: team
            .filter_map(Value::as_string)
            .take(16)
            .map(short)
            .collect(),
        team_name: text("TeamName"),
        expires: list
            .get("ExpirationDate")
            .and_then(Value::as_date)
            .map(|d| d.to_xml_format())
            .unwrap_or_default(),
        certificate_expires: first_end(list)
            .map(|time| plist::Date::from(time).to_xml_format())
            .unwrap_or_default(),
        kind: kind.to_owned(),
        devices: devices.map_or(0, Vec::len),
    }
}

/// When the first of a profile's certificates expires, as far as they can be read.
fn first_end(list: &Dictionary) -> Option<SystemTime> {
    let certificates = list
        .get("DeveloperCertificates")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    certificates
        .filter_map(Value::as_data)
        .take(CERTIFICATES)
        .filter_map(not_after)
        .min()
}

/// The end of a certificate's validity; `None` for what is none, and for one that ended before
/// 1970.
fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let end = certificate.x509().tbs_certificate().validity().not_after;
    SystemTime::UNIX_EPOCH.checked_add(end.to_unix_duration())
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(256).collect()
}

/// Skips what is left of a value. (`skip_all` of `bcder` 0.7 takes the end of a value of indefinite
/// length for damage.)
fn skip_rest<S: Source>(value: &mut Constructed<S>) -> Result<(), DecodeError<S::Error>> {
    while value.skip_opt(|_, _, _| Ok(()))?.is_some() {}
    Ok(())
}

/// The content of a CMS signature (RFC 5652, sections 3 and 5), which may be in pieces.
fn content(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let content = Mode::Ber.decode(bytes, |message| {
        message.take_sequence(|message| {
            SIGNED_DATA.skip_if(message)?;
            message.take_constructed_if(Tag::CTX_0, |message| {
                message.take_sequence(|signed| {
                    // The version, and the set of digest algorithms.
                    signed.take_u8()?;
                    signed.take_set(skip_rest)?;
                    let content = signed.take_sequence(|content| {
                        Oid::skip_in(content)?;
                        content.take_constructed_if(Tag::CTX_0, OctetString::take_from)
                    })?;
                    // Certificates and signatures.
                    skip_rest(signed)?;
                    Ok(content)
                })
            })
        })
    });
    match content {
        Ok(content) => Ok(content.into_bytes().to_vec()),
        Err(_) => Err(refused(
            RefusalCode::Unreadable,
            "The app's provisioning profile is damaged.",
        )),
    }
}

//! What the endpoints of an app ask for, and the log of its changes (003 chapter 7).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::error::Error;
use crate::base::id::Guid;
use crate::store::record::Record;

/// How long the log is kept, in seconds: two years.
pub const RETENTION_SECONDS: i64 = 2 * 365 * 24 * 3_600;

/// Longest name of an endpoint, in bytes of UTF-8.
pub const MAX_NAME: usize = 200;

/// What an endpoint asks of its callers (003 7.1). Behind is what asks for more.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_security)]
pub enum Security {
    /// Nothing: anybody may call.
    #[default]
    Https,
    /// The app's API key.
    AppApiKey,
}

impl Security {
    /// The document's name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn unknown_security(_: &str) -> Error {
    Error::invalid("it is https or appapikey")
}

/// The name of an endpoint in its one spelling: the path without slashes around it, or `/` for the
/// root, or `*` for every endpoint that has no override of its own. Case counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointName(String);

impl EndpointName {
    /// The override of every endpoint that has none of its own.
    pub const ANY: &'static str = "*";

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a refused name begins in the words of the refusal: it may be long, and holds anything.
fn quoted(text: &str) -> String {
    let start: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        format!("\"{start}…\"")
    } else {
        format!("\"{start}\"")
    }
}

impl FromStr for EndpointName {
    type Err = Error;

    /// Brings a spelling of a name into its one form: blanks around it go, what must be escaped is
    /// read, slashes around it do not count, several slashes are one. What servers do not agree on
    /// is refused, since the name that is judged must be the one that is called: escaped slashes,
    /// what is escaped twice, `.` and `..`, `?`, `#`, `;`, backslashes, control characters, and
    /// blanks around a segment.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = |why: &str| {
            Error::invalid(Code::InvalidEndpoint.with(format!("{}: {why}", quoted(text))))
        };
        if text.len() > MAX_NAME * 3 {
            return Err(refused("it is too long"));
        }
        if text.to_ascii_lowercase().contains("%2f") {
            return Err(refused("an escaped slash is not the same to all servers"));
        }
        // Whoever compares paths as they were sent, as most routers do, would not take `%68ello`
        // for `hello`.
        let plain = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'*')
        };
        let escapes = text.as_bytes().windows(3).filter(|bytes| bytes[0] == b'%');
        let mut escaped = escapes.filter_map(|bytes| {
            u8::from_str_radix(std::str::from_utf8(&bytes[1..]).ok()?, 16).ok()
        });
        if escaped.any(plain) {
            return Err(refused(
                "letters, digits, -, ., _, ~ and * are not escaped in a name",
            ));
        }
        let decoded = percent_decode_str(text.trim())
            .decode_utf8()
            .map_err(|_| refused("what it escapes is not UTF-8"))?;
        if decoded.contains('%') {
            return Err(refused(
                "a per cent sign is left after its escapes were read once",
            ));
        }
        if decoded
            .chars()
            .any(|c| c.is_control() || matches!(c, '?' | '#' | ';' | '\\'))
        {
            return Err(refused(
                "control characters, question marks, hashes, semicolons and backslashes are in no \
                    name",
            ));
        }
        let segments: Vec<&str> = decoded
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        if segments
            .iter()
            .any(|segment| matches!(*segment, "." | ".."))
        {
            return Err(refused("segments of . and .. lead elsewhere"));
        }
        if segments.iter().any(|segment| segment.trim() != *segment) {
            return Err(refused("a segment begins or ends with a blank"));
        }
        match segments.join("/") {
            _ if decoded.is_empty() => {
                Err(Error::invalid(Code::InvalidEndpoint.with("it is empty")))
            }
            name if name.is_empty() => Ok(Self("/".to_owned())),
            name if name.len() > MAX_NAME => Err(refused("it is longer than 200 bytes")),
            name => Ok(Self(name)),
        }
    }
}

/// What an endpoint has of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// What it asks for.
    pub security: Security,
    /// The name of who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The endpoint security of an app in an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSecurity {
    /// What endpoints without an override ask for; `None` as long as nobody said so, which is open.
    pub default: Option<Security>,
    /// What others ask for.
    pub overrides: BTreeMap<EndpointName, Override>,
    /// The name of who changed it last; empty for nobody.
    pub by: String,
    /// When.
    pub at: Option<Timestamp>,
}

impl Record for EndpointSecurity {
    const KIND: &'static str = "endpoint-security";
}

impl EndpointSecurity {
    /// What that endpoint asks for, and what says so: the override's name, `*` or `default`.
    ///
    /// Where a name differs from others in case alone, the strictest of what it could mean counts:
    /// to a router that ignores case they are one endpoint.
    pub fn of_endpoint(&self, name: &EndpointName) -> (Security, &str) {
        let own = self.overrides.get_key_value(name);
        let folded = without_case(name.as_str());
        let others = self
            .overrides
            .iter()
            .filter(|(other, _)| *other != name && without_case(other.as_str()) == folded);
        let overridden = own
            .into_iter()
            .chain(others)
            .map(|(name, of)| (of.security, name.as_str()));
        let rest = own.is_none().then(|| {
            let any = self
                .overrides
                .iter()
                .find(|(name, _)| name.as_str() == EndpointName::ANY);
            any.map_or(
                (self.default.unwrap_or_default(), "default"),
                |(name, of)| (of.security, name.as_str()),
            )
        });
        let strictest = overridden
            .chain(rest)
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        strictest.unwrap_or((self.default.unwrap_or_default(), "default"))
    }
}

/// A name as it is to whoever ignores case, `ſ` and the Kelvin sign included.
fn without_case(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

/// What kind of change a row of the log tells of.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_event)]
pub enum Kind {
    /// What endpoints without an override ask for.
    #[strum(to_string = "Set App Security")]
    Set,
    /// An override was made or changed.
    #[strum(to_string = "Add Endpoint")]
    Add,
    /// An override was removed.
    #[strum(to_string = "Remove Endpoint")]
    Remove,
}

impl Kind {
    /// All of them.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The document's name (003 7.6).
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn unknown_event(_: &str) -> Error {
    Error::invalid(Code::InvalidEvent.with(format!(
        "it is one of {}",
        <Kind as strum::VariantNames>::VARIANTS.join(", ")
    )))
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRow {
    /// What happened.
    pub kind: Kind,
    /// The endpoint; `None` for what endpoints without an override ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointName>,
    /// What it asks for since then, or asked for until then.
    pub security: Security,
}

/// One change with all of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointChange {
    /// Its guid.
    pub guid: Guid,
    /// The name of who made it.
    pub by: String,
    /// When: later than every change before it.
    pub at: Timestamp,
    /// What it changed, in this order.
    pub rows: Vec<LogRow>,
}

impl Record for EndpointChange {
    const KIND: &'static str = "endpoint-change";

    fn expires(&self) -> Option<Timestamp> {
        Some(self.at.plus_seconds(RETENTION_SECONDS))
    }
}

//! The app policies that there are, and the options of each.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::BinaryType;
use crate::base::text::Text;

/// When the built-in policies were made, in the document's form: none of them is younger than the
/// first.
const CREATED: &str = "2018-02-01T03:52:18.281815+00:00";

/// Most characters of a text that an app shows to its user.
const MAX_TEXT: usize = 1_000;

/// Most characters of an address.
const MAX_ADDRESS: usize = 2_048;

/// The largest number that an option takes.
const MAX_NUMBER: u32 = 1_000_000;

/// A built-in policy.
#[derive(Debug, PartialEq, Eq)]
pub struct AppPolicy {
    /// Its 22-character id. That of the first is the document's, the others are the beginnings of
    /// the SHA-256 of their names.
    pub id: &'static str,
    /// Its name among programs.
    pub policy_id: &'static str,
    /// Its name among people.
    pub display_name: &'static str,
    /// What an app with this policy does.
    pub display_description: &'static str,
    /// Whether it can be applied without the app's user having signed in. Where it cannot,
    /// `auth_required` is always true.
    pub auth_optional: bool,
    /// Whether an app that is installed follows a change without an update.
    pub is_dynamic: bool,
    /// Whether iOS apps can have it.
    pub supports_ios: bool,
    /// Whether Android apps can have it.
    pub supports_android: bool,
    /// Its options, in the order in which they are told.
    pub fields: &'static [Field],
}

/// An option of a policy.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its name among people.
    pub label: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must have a value.
    pub required: bool,
    /// What it has where nothing is said, for texts.
    pub default: Option<&'static str>,
}

/// What an option holds. All but a range are texts to clients, numbers too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A text of at most 1,000 characters.
    Text,
    /// A whole number from `min` to 1,000,000.
    Number {
        /// The smallest.
        min: u32,
    },
    /// An address of http or https of at most 2,048 characters.
    Url,
    /// Two moments or days, `start` and `end`.
    DateRange,
}

/// The options of a policy by their names.
pub type Configuration = BTreeMap<String, Value>;

/// What a client says under a name that is true or false; `None` where it says nothing, or null.
///
/// # Errors
/// Invalid for anything else.
pub fn flag(said: &Map<String, Value>, name: &str) -> Result<Option<bool>, Error> {
    match said.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        // Clients that keep what they read as text send it back as text.
        Some(Value::String(word)) if word.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(Error::invalid(format!("{name} is true or false"))),
    }
}

impl AppPolicy {
    /// The policy as clients read it, with the presets of it that a tenant has.
    pub fn view(&self, presets: &[Value]) -> Value {
        let fields: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| (field.name.to_owned(), field.view()))
            .collect();
        let configurable = match fields.is_empty() {
            true => Value::Null,
            false => Value::Object(fields),
        };
        json!({
            "display_name": self.display_name,
            "created": CREATED,
            "auth_optional": self.auth_optional,
            "display_description": self.display_description,
            "is_dynamic": self.is_dynamic,
            "supports_ios": self.supports_ios,
            "configurable_fields": configurable,
            "supports_android": self.supports_android,
            "configurations": presets,
            "id": self.id,
            "policy_id": self.policy_id,
        })
    }

    /// Whether apps of that type can have it.
    pub fn supports(&self, kind: BinaryType) -> bool {
        if kind == BinaryType::Android {
            self.supports_android
        } else {
            self.supports_ios
        }
    }

    /// Whether the app's user must have signed in, from what a client says: where he need not, only
    /// when it says so.
    ///
    /// # Errors
    /// Invalid where he must and the client says that he need not.
    pub fn auth_required(&self, said: Option<bool>) -> Result<bool, Error> {
        match said {
            Some(false) if !self.auth_optional => Err(Error::invalid(format!(
                "auth_required: {} always needs a user who has signed in, so it cannot be false",
                self.policy_id
            ))),
            said => Ok(!self.auth_optional || said == Some(true)),
        }
    }

    /// The options as they are kept, from what a client says: checked, with what it left out where
    /// there is a default. `None` for a policy without options.
    ///
    /// # Errors
    /// Invalid for what is no object, for an unknown option, a missing one and a value that it
    /// cannot have, with the option's name.
    pub fn options(&self, said: Option<&Value>) -> Result<Option<Configuration>, Error> {
        let none = Map::new();
        let said = match said {
            None | Some(Value::Null) => &none,
            Some(Value::Object(said)) => said,
            Some(_) => {
                return Err(Error::invalid(
                    "configuration is an object with the options of the policy, or null",
                ));
            }
        };
        if let Some(unknown) = said
            .keys()
            .find(|name| !self.fields.iter().any(|field| field.name == **name))
        {
            let unknown: String = unknown.chars().take(100).collect();
            return Err(Error::invalid(format!(
                "configuration.{unknown}: {} has no such option",
                self.policy_id
            )));
        }
        let mut options = Configuration::new();
        for field in self.fields {
            if let Some(value) = field
                .value(said.get(field.name))
                .map_err(|why| Error::invalid(format!("configuration.{}: {why}", field.name)))?
            {
                options.insert(field.name.to_owned(), value);
            }
        }
        Ok((!self.fields.is_empty()).then_some(options))
    }
}

impl Field {
    fn view(&self) -> Value {
        let (kind, validation) = match self.kind {
            FieldKind::Text => ("text", json!({"type": "string", "required": self.required})),
            FieldKind::Number { min } => (
                "text",
                json!({"type": "number", "required": self.required, "min": min}),
            ),
            FieldKind::Url => ("text", json!({"type": "url", "required": self.required})),
            FieldKind::DateRange => ("daterange", json!({"required": self.required})),
        };
        let mut view = json!({"label": self.label, "type": kind, "validation": validation});
        if self.kind == FieldKind::DateRange {
            view["default"] = json!({"start": "", "end": ""});
        } else if let Some(default) = self.default {
            view["default"] = json!(default);
        }
        view
    }

    /// The value as it is kept; what is wrong with it otherwise.
    fn value(&self, said: Option<&Value>) -> Result<Option<Value>, String> {
        if self.kind == FieldKind::DateRange {
            return self.range(said);
        }
        let text = match said {
            None | Some(Value::Null) => self.default.unwrap_or_default().to_owned(),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) if matches!(self.kind, FieldKind::Number { .. }) => {
                number.to_string()
            }
            Some(_) if matches!(self.kind, FieldKind::Number { .. }) => {
                return Err("it is a whole number".to_owned());
            }
            Some(_) => return Err("it is a text".to_owned()),
        };
        if text.is_empty() {
            return if self.required {
                Err("it must have a value".to_owned())
            } else {
                Ok(self.default.map(|default| json!(default)))
            };
        }
        let kept = match self.kind {
            FieldKind::Number { min } => number(&text, min)?,
            FieldKind::Url => address(text)?,
            FieldKind::Text | FieldKind::DateRange => shown(text)?,
        };
        Ok(Some(Value::String(kept)))
    }

    fn range(&self, said: Option<&Value>) -> Result<Option<Value>, String> {
        let none = Map::new();
        let said = match said {
            None | Some(Value::Null) => &none,
            Some(Value::Object(said))
                if said.keys().all(|name| name == "start" || name == "end") =>
            {
                said
            }
            Some(_) => return Err("it is an object with start and end".to_owned()),
        };
        let (start, end) = (moment(said, "start")?, moment(said, "end")?);
        if self.required && (start.is_none() || end.is_none()) {
            return Err("start and end must have values".to_owned());
        }
        // A day without a time is whole: as an end it counts to its last second.
        let last = |at: Timestamp, text: &str| {
            if text.len() == DAY {
                at.plus_seconds(24 * 3_600 - 1)
            } else {
                at
            }
        };
        if let (Some((start, _)), Some((end, text))) = (&start, &end)
            && *start > last(*end, text)
        {
            return Err("start must not be after end".to_owned());
        }
        let text =
            |moment: Option<(Timestamp, String)>| moment.map(|(_, text)| text).unwrap_or_default();
        Ok(Some(json!({"start": text(start), "end": text(end)})))
    }
}

/// The length of a day without a time, `2026-11-22`.
const DAY: usize = 10;

fn moment(said: &Map<String, Value>, name: &str) -> Result<Option<(Timestamp, String)>, String> {
    let text = match said.get(name) {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text.trim(),
        Some(_) => return Err(format!("{name} is a text")),
    };
    if text.is_empty() {
        return Ok(None);
    }
    // Milliseconds, which other operations take for a moment, are no date.
    let far = || {
        text.parse::<jiff::civil::Date>()
            .ok()
            .filter(|day| text.len() == DAY && day.year() > 2285)
            .map(|_| Timestamp(9_999_999_999_999))
    };
    let at = if text.contains('-') {
        Timestamp::read(text).or_else(far)
    } else {
        None
    };
    let at = at.ok_or_else(|| {
        format!(
            "{name} is a date such as 2026-11-22, or a date with its \
        time such as 2026-11-22T18:00:00Z"
        )
    })?;
    Ok(Some((at, text.to_owned())))
}

fn number(text: &str, min: u32) -> Result<String, String> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = if digits {
        text.parse::<u32>().ok()
    } else {
        None
    }
    .filter(|number| (min..=MAX_NUMBER).contains(number));
    number
        .map(|number| number.to_string())
        .ok_or_else(|| format!("it is a whole number from {min} to {MAX_NUMBER}"))
}

fn shown(text: String) -> Result<String, String> {
    let text = Text::<MAX_TEXT, false>::new(text).ok_or_else(|| {
        format!("it is a text of at most {MAX_TEXT} characters without control characters")
    })?;
    Ok(text.to_string())
}

fn address(text: String) -> Result<String, String> {
    let web = |uri: http::Uri| {
        let scheme = uri.scheme_str().unwrap_or_default();
        // No names of users, which make an address look like another's, and a port that there is.
        let plain = |authority: &http::uri::Authority| {
            let port = authority.port_u16().is_some() || authority.as_str() == authority.host();
            !authority.host().is_empty() && !authority.as_str().contains('@') && port
        };
        (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
            && uri.authority().is_some_and(plain)
    };
    let fits = text.is_ascii() && text.len() <= MAX_ADDRESS && text.parse().is_ok_and(web);
    if fits {
        Ok(text)
    } else {
        Err(format!(
            "it is an absolute address of http or https in ASCII, without a user's name, of at \
                most {MAX_ADDRESS} characters"
        ))
    }
}

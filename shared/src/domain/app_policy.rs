//! The policies that can be applied to apps (000): what each is, and what its options must be.
//!
//! They are data and built in. What an app does about a policy is the app's own business: it reads
//! the signed document (`docs/app-policies.md`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::domain::text::Text;
use crate::error::Error;
use crate::id::BinaryType;

/// When the built-in policies were made, in the document's form: none of them is younger than the
/// first.
const CREATED: &str = "2018-02-01T03:52:18.281815+00:00";
/// Most characters of a text that an app shows to its user.
const TEXT_LIMIT: usize = 1_000;
/// Most characters of an address.
const ADDRESS_LIMIT: usize = 2_048;
/// The largest number that an option takes.
const NUMBER_LIMIT: u32 = 1_000_000;

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

/// The policies, in the order in which lists show them.
pub static POLICIES: [AppPolicy; 7] = [
    AppPolicy {
        id: "XWJKqWeLM5-tp8N09-gTEw",
        policy_id: "com.apperian.app-usage",
        display_name: "App Usage",
        display_description: "Tracks whenever users opens the app, foregrounds the app, or returns to the app from the lock screen.",
        auth_optional: true,
        is_dynamic: true,
        supports_ios: true,
        supports_android: true,
        fields: &[],
    },
    AppPolicy {
        id: "X1lI_0YatFZG_yG8JVSUHg",
        policy_id: "com.apperian.collect-crash-reports",
        display_name: "Collect Crash Reports",
        display_description: "Collects a report whenever the app ends by a fault.",
        auth_optional: true,
        // What catches faults is set up before anything is read from the network.
        is_dynamic: false,
        supports_ios: true,
        supports_android: true,
        fields: &[],
    },
    AppPolicy {
        id: "_WFUTNh4hIm867qtaei3ww",
        policy_id: "com.apperian.self-update",
        display_name: "Self Updating App",
        display_description: "Looks for a newer version whenever the app is opened, and offers it to the user.",
        auth_optional: true,
        is_dynamic: true,
        supports_ios: true,
        supports_android: true,
        fields: &[],
    },
    AppPolicy {
        id: "kY90_CuRsuknjYkaCCo1Ww",
        policy_id: "com.apperian.app-expiration",
        display_name: "App Expiration",
        display_description: "Lets users run the app within a range of dates, and shows them a message before and after it.",
        auth_optional: true,
        is_dynamic: true,
        supports_ios: true,
        supports_android: true,
        fields: &[
            Field {
                name: "user_message",
                label: "User Message",
                kind: FieldKind::Text,
                required: true,
                default: None,
            },
            Field {
                name: "access_date_range",
                label: "Access Date Range",
                kind: FieldKind::DateRange,
                required: true,
                default: None,
            },
        ],
    },
    AppPolicy {
        id: "q8Xm4XrhRxTIv8yoaIH-9Q",
        policy_id: "com.apperian.jailbreak-and-root-protection",
        display_name: "Jailbreak and Root Protection",
        display_description: "Keeps users from running the app on a device that is jailbroken or rooted.",
        auth_optional: true,
        // It must hold at the first start, and where the network is kept from the app.
        is_dynamic: false,
        supports_ios: true,
        supports_android: true,
        fields: &[],
    },
    AppPolicy {
        id: "INHTtGRxGsvAhtsTKg8-pg",
        policy_id: "com.apperian.open-webpage-url",
        display_name: "Open Web Page",
        display_description: "Opens a web page each time that the app was opened as often as the frequency says.",
        auth_optional: false,
        is_dynamic: true,
        supports_ios: true,
        supports_android: true,
        fields: &[
            Field {
                name: "open_webpage_frequency",
                label: "Frequency",
                kind: FieldKind::Number { min: 1 },
                required: false,
                default: Some("1"),
            },
            Field {
                name: "open_webpage_url",
                label: "URL",
                kind: FieldKind::Url,
                required: true,
                default: None,
            },
        ],
    },
    AppPolicy {
        id: "FY-Yzx-lxXibOO4GvFOQmg",
        policy_id: "com.apperian.data-wipe",
        display_name: "Data Wipe",
        display_description: "Removes the data of the app from the device once its user is disabled or may not use the app any more.",
        auth_optional: false,
        is_dynamic: true,
        supports_ios: true,
        supports_android: true,
        fields: &[],
    },
];

/// The options of a policy by their names.
pub type Configuration = BTreeMap<String, Value>;

/// The policy of that name.
pub fn named(policy_id: &str) -> Option<&'static AppPolicy> {
    POLICIES.iter().find(|policy| policy.policy_id == policy_id)
}

/// The policy that a path names, by its id or its name.
///
/// # Errors
/// Not found.
pub fn find(text: &str) -> Result<&'static AppPolicy, Error> {
    let found = POLICIES
        .iter()
        .find(|policy| policy.id == text || policy.policy_id == text);
    found.ok_or_else(|| Error::not_found("There is no such policy"))
}

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
        json!({
            "display_name": self.display_name,
            "created": CREATED,
            "auth_optional": self.auth_optional,
            "display_description": self.display_description,
            "is_dynamic": self.is_dynamic,
            "supports_ios": self.supports_ios,
            "configurable_fields": if fields.is_empty() { Value::Null } else { Value::Object(fields) },
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
    let at = at.ok_or_else(|| format!("{name} is a date such as 2026-11-22, or a date with its time such as 2026-11-22T18:00:00Z"))?;
    Ok(Some((at, text.to_owned())))
}

fn number(text: &str, min: u32) -> Result<String, String> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = if digits {
        text.parse::<u32>().ok()
    } else {
        None
    }
    .filter(|number| (min..=NUMBER_LIMIT).contains(number));
    number
        .map(|number| number.to_string())
        .ok_or_else(|| format!("it is a whole number from {min} to {NUMBER_LIMIT}"))
}

fn shown(text: String) -> Result<String, String> {
    let text = Text::<TEXT_LIMIT, false>::new(text).ok_or_else(|| {
        format!("it is a text of at most {TEXT_LIMIT} characters without control characters")
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
    let fits = text.is_ascii() && text.len() <= ADDRESS_LIMIT && text.parse().is_ok_and(web);
    if fits {
        Ok(text)
    } else {
        Err(format!(
            "it is an absolute address of http or https in ASCII, without a user's name, of at most {ADDRESS_LIMIT} characters"
        ))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn ids_follow_from_names() {
        for policy in &POLICIES[1..] {
            let digest = Sha256::digest(policy.policy_id.as_bytes());
            assert_eq!(
                policy.id,
                URL_SAFE_NO_PAD.encode(&digest[..16]),
                "{}",
                policy.policy_id
            );
            assert_eq!(find(policy.id).unwrap(), policy);
            assert_eq!(find(policy.policy_id).unwrap(), policy);
        }
        assert_eq!(
            find("XWJKqWeLM5-tp8N09-gTEw").unwrap().policy_id,
            "com.apperian.app-usage"
        );
        assert!(find("").is_err() && named("").is_none());
    }

    #[test]
    fn a_policy_is_shown_as_the_document_shows_it() {
        let seen = json!({
            "display_name": "App Usage",
            "created": "2018-02-01T03:52:18.281815+00:00",
            "auth_optional": true,
            "display_description": "Tracks whenever users opens the app, foregrounds the app, or returns to the app from the lock screen.",
            "is_dynamic": true,
            "supports_ios": true,
            "configurable_fields": null,
            "supports_android": true,
            "configurations": [],
            "id": "XWJKqWeLM5-tp8N09-gTEw",
            "policy_id": "com.apperian.app-usage",
        });
        assert_eq!(POLICIES[0].view(&[]), seen);
        let fields =
            &find("com.apperian.open-webpage-url").unwrap().view(&[])["configurable_fields"];
        assert_eq!(
            fields["open_webpage_frequency"]["validation"],
            json!({"type": "number", "required": false, "min": 1})
        );
        assert_eq!(fields["open_webpage_frequency"]["default"], "1");
        assert_eq!(
            fields["open_webpage_url"],
            json!({"label": "URL", "type": "text", "validation": {"type": "url", "required": true}})
        );
        let fields = &find("com.apperian.app-expiration").unwrap().view(&[])["configurable_fields"];
        assert_eq!(
            fields["access_date_range"]["default"],
            json!({"start": "", "end": ""})
        );
    }

    #[test]
    fn options_are_checked() {
        let page = named("com.apperian.open-webpage-url").unwrap();
        let kept = |said: Value| {
            page.options(Some(&said))
                .map(|kept| json!(kept))
                .map_err(|error| error.message)
        };
        let url = "https://dev.example/news?a=1#top";
        assert_eq!(
            kept(json!({"open_webpage_url": url})),
            Ok(json!({"open_webpage_frequency": "1", "open_webpage_url": url}))
        );
        for (frequency, is) in [
            (json!("3"), "3"),
            (json!(3), "3"),
            (json!(" 007 "), "7"),
            (json!(null), "1"),
            (json!(""), "1"),
            (json!(1_000_000), "1000000"),
        ] {
            let kept = kept(json!({"open_webpage_url": url, "open_webpage_frequency": frequency}));
            assert_eq!(
                kept,
                Ok(json!({"open_webpage_frequency": is, "open_webpage_url": url}))
            );
        }
        for frequency in [
            json!(0),
            json!("0"),
            json!(-1),
            json!(1.5),
            json!("1.0"),
            json!("one"),
            json!("+1"),
            json!(true),
            json!([1]),
            json!(1_000_001),
        ] {
            let why = kept(json!({"open_webpage_url": url, "open_webpage_frequency": frequency}))
                .unwrap_err();
            assert!(
                why.starts_with("configuration.open_webpage_frequency: it is a whole number"),
                "{why}"
            );
        }
        let long = format!("https://dev.example/{}", "x".repeat(2_028));
        assert_eq!(long.len(), 2_048);
        assert!(kept(json!({"open_webpage_url": long})).is_ok());
        let addresses = [
            json!("ftp://dev.example"),
            json!("javascript:alert(1)"),
            json!("/news"),
            json!("https://"),
            json!(format!("{long}x")),
            json!(7),
            json!("a b"),
        ];
        for address in addresses {
            let why = kept(json!({"open_webpage_url": address})).unwrap_err();
            assert!(
                why.starts_with("configuration.open_webpage_url: it is "),
                "{why}"
            );
        }
        assert_eq!(
            kept(json!({})).unwrap_err(),
            "configuration.open_webpage_url: it must have a value"
        );
        assert_eq!(
            kept(json!({"open_webpage_url": url, "x": 1})).unwrap_err(),
            "configuration.x: com.apperian.open-webpage-url has no such option"
        );
        assert!(kept(json!("x")).is_err() && kept(json!([])).is_err());
        assert!(page.options(None).is_err());

        let usage = named("com.apperian.app-usage").unwrap();
        assert_eq!(usage.options(None).unwrap(), None);
        assert_eq!(usage.options(Some(&json!({}))).unwrap(), None);
        assert!(usage.options(Some(&json!({"user_message": "x"}))).is_err());
    }

    #[test]
    fn ranges_of_dates_are_checked() {
        let expiration = named("com.apperian.app-expiration").unwrap();
        let kept = |start: &str, end: &str| {
            let said = json!({"user_message": "It is over", "access_date_range": {"start": start, "end": end}});
            expiration
                .options(Some(&said))
                .map(|kept| json!(kept)["access_date_range"].clone())
                .map_err(|error| error.message)
        };
        for (start, end) in [
            ("2026-01-01", "2026-12-31"),
            ("2026-01-01", "2026-01-01"),
            ("2026-01-01T12:00:00Z", "2026-01-01"),
            ("2026-01-01T00:00:00+02:00", "2025-12-31T22:00:00Z"),
        ] {
            assert_eq!(kept(start, end), Ok(json!({"start": start, "end": end})));
        }
        for (start, end) in [
            ("2026-01-02", "2026-01-01"),
            ("2026-01-01T12:00:01Z", "2026-01-01T12:00:00Z"),
            ("", "2026-01-01"),
            ("2026-01-01", ""),
            ("", ""),
            ("tomorrow", "2026-01-01"),
            ("2026-02-30", "2026-03-01"),
            ("1461061920000", "2026-01-01"),
        ] {
            let why = kept(start, end).unwrap_err();
            assert!(
                why.starts_with("configuration.access_date_range: start "),
                "{why}"
            );
        }
        for said in [
            json!("2026"),
            json!({"start": 1, "end": 2}),
            json!({"start": "2026-01-01", "end": "2026-01-01", "x": 1}),
            json!(null),
        ] {
            assert!(
                expiration
                    .options(Some(
                        &json!({"user_message": "m", "access_date_range": said})
                    ))
                    .is_err(),
                "{said}"
            );
        }
        let range = json!({"start": "2026-01-01", "end": "2026-01-02"});
        for message in [
            json!(""),
            json!("  "),
            json!(null),
            json!(7),
            json!("x".repeat(1_001)),
            json!("a\u{0}b"),
        ] {
            let why = expiration
                .options(Some(
                    &json!({"user_message": message, "access_date_range": range}),
                ))
                .unwrap_err()
                .message;
            assert!(why.starts_with("configuration.user_message: it "), "{why}");
        }
        assert!(
            expiration
                .options(Some(
                    &json!({"user_message": "é".repeat(1_000), "access_date_range": range})
                ))
                .is_ok()
        );
    }

    #[test]
    fn who_must_have_signed_in() {
        let (usage, wipe) = (
            named("com.apperian.app-usage").unwrap(),
            named("com.apperian.data-wipe").unwrap(),
        );
        let said = [None, Some(true), Some(false)];
        assert_eq!(
            said.map(|said| usage.auth_required(said).ok()),
            [Some(false), Some(true), Some(false)]
        );
        assert_eq!(
            said.map(|said| wipe.auth_required(said).ok()),
            [Some(true), Some(true), None]
        );
    }
}

//! The policies that can be applied to apps (000): what each is, and what its options must be.
//!
//! They are data and built in. What an app does about a policy is the app's own business: it reads
//! the signed document (`docs/app-policies.md`).

use crate::base::error::Error;
use crate::model::app_policies::app_policy::{AppPolicy, Field, FieldKind};

/// The policies, in the order in which lists show them.
pub static POLICIES: [AppPolicy; 7] = [
    AppPolicy {
        id: "XWJKqWeLM5-tp8N09-gTEw",
        policy_id: "com.apperian.app-usage",
        display_name: "App Usage",
        display_description: "Tracks whenever users opens the app, foregrounds the app, or \
            returns to the app from the lock screen.",
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
        display_description: "Looks for a newer version whenever the app is opened, and offers it \
            to the user.",
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
        display_description: "Lets users run the app within a range of dates, and shows them a \
            message before and after it.",
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
        display_description: "Keeps users from running the app on a device that is jailbroken or \
            rooted.",
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
        display_description: "Opens a web page each time that the app was opened as often as the \
            frequency says.",
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
        display_description: "Removes the data of the app from the device once its user is \
            disabled or may not use the app any more.",
        auth_optional: false,
        is_dynamic: true,
        supports_ios: true,
        supports_android: true,
        fields: &[],
    },
];

/// The policy of that name.
pub fn by_policy_id(policy_id: &str) -> Option<&'static AppPolicy> {
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};
    use sha2::Digest;
    use sha2::Sha256;

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
        assert!(find("").is_err() && by_policy_id("").is_none());
    }

    #[test]
    fn a_policy_is_shown_as_the_document_shows_it() {
        let seen = json!({
            "display_name": "App Usage",
            "created": "2018-02-01T03:52:18.281815+00:00",
            "auth_optional": true,
            "display_description": "Tracks whenever users opens the app, foregrounds the app, or \
                returns to the app from the lock screen.",
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
        let page = by_policy_id("com.apperian.open-webpage-url").unwrap();
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

        let usage = by_policy_id("com.apperian.app-usage").unwrap();
        assert_eq!(usage.options(None).unwrap(), None);
        assert_eq!(usage.options(Some(&json!({}))).unwrap(), None);
        assert!(usage.options(Some(&json!({"user_message": "x"}))).is_err());
    }

    #[test]
    fn ranges_of_dates_are_checked() {
        let expiration = by_policy_id("com.apperian.app-expiration").unwrap();
        let kept = |start: &str, end: &str| {
            let said = json!({
                "user_message": "It is over",
                "access_date_range": {"start": start, "end": end},
            });
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
            by_policy_id("com.apperian.app-usage").unwrap(),
            by_policy_id("com.apperian.data-wipe").unwrap(),
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

//! The words and numbers of the closed lists as they are stored and sent. Data of every version
//! hold them, so a line here is added to and never changed.

use std::fmt::Debug;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::base::id::BinaryType;
use crate::base::kind::{AppKind, Listing};
use crate::base::rights::{Level, Role, Scope, Scopes};
use crate::model::apps::life_cycle::{Action, LifeCycleState};
use crate::model::apps::processing::ProcessingStatus;
use crate::model::apps::publication::{Market, Platform};
use crate::model::credentials::oauth_client::GrantType;
use crate::model::credentials::signing_credential::SigningPlatform;
use crate::model::endpoints::endpoint_security::{Kind, Security};
use crate::model::events::event::{Category, EventGroup, Severity};
use crate::model::task::What;

/// Each value is written as that JSON and read from it.
fn stored<T>(rows: &[(T, &str)])
where
    T: Copy + Debug + PartialEq + Serialize + DeserializeOwned,
{
    for (value, word) in rows {
        assert_eq!(serde_json::to_value(value).unwrap(), json!(word));
        assert_eq!(serde_json::from_value::<T>(json!(word)).unwrap(), *value);
    }
}

/// Each value has that word.
fn spelled<T: Copy + Debug + PartialEq>(rows: &[(T, &str)], word: impl Fn(T) -> &'static str) {
    for (value, expected) in rows {
        assert_eq!(word(*value), *expected, "{value:?}");
    }
}

/// The list holds these and no other, in this order.
fn listed<T: Copy + Debug + PartialEq>(rows: &[(T, &str)], all: &[T]) {
    let expected: Vec<T> = rows.iter().map(|(value, _)| *value).collect();
    assert_eq!(all, expected);
}

/// Each word is read, and nothing like it.
fn read<T>(rows: &[(T, &str)])
where
    T: Copy + Debug + PartialEq + FromStr<Err: Debug>,
{
    for (value, word) in rows {
        assert_eq!(word.parse::<T>().unwrap(), *value);
        for other in [
            format!(" {word}"),
            word.to_lowercase(),
            word.to_uppercase(),
            format!("{word}s"),
            String::new(),
        ] {
            if other != *word {
                assert!(other.parse::<T>().is_err(), "{other:?}");
            }
        }
    }
}

#[test]
fn scopes_keep_their_words_and_bits() {
    let rows = [
        (Scope::Read, "appm:read"),
        (Scope::Create, "appm:create"),
        (Scope::Update, "appm:update"),
        (Scope::Publish, "appm:publish"),
        (Scope::Administration, "appm:administration"),
        (Scope::Subscribe, "appm:subscribe"),
    ];
    spelled(&rows, Scope::as_str);
    for (bit, (scope, word)) in rows.into_iter().enumerate() {
        let set = Scopes::named(word);
        assert!(set.contains(scope));
        assert_eq!(
            serde_json::to_value(set).unwrap(),
            json!(1 << bit),
            "{word}"
        );
        assert_eq!(
            serde_json::from_value::<Scopes>(json!(1 << bit)).unwrap(),
            set
        );
    }
    assert_eq!(serde_json::to_value(Scopes::ALL).unwrap(), json!(63));
    assert_eq!(serde_json::to_value(Scopes::default()).unwrap(), json!(0));
    assert_eq!(
        Scopes::ALL.to_string(),
        "appm:read appm:create appm:update appm:publish appm:administration appm:subscribe"
    );
}

/// A version that knew more scopes may have written the record: its bits are read, stand for
/// nothing, and are written again as they were.
#[test]
fn scopes_keep_the_bits_of_other_versions() {
    let set: Scopes = serde_json::from_value(json!(0b1100_0001)).unwrap();
    assert_eq!(set.to_string(), "appm:read");
    assert!(set.contains(Scope::Read) && !set.contains(Scope::Create));
    assert!(set.covers(Scopes::named("appm:read")));
    assert!(!set.covers(Scopes::named("appm:read appm:create")));
    assert_eq!(serde_json::to_value(set).unwrap(), json!(0b1100_0001));
    for other in [
        json!(256),
        json!(-1),
        json!("1"),
        json!(["appm:read"]),
        Value::Null,
    ] {
        assert!(
            serde_json::from_value::<Scopes>(other.clone()).is_err(),
            "{other}"
        );
    }
}

#[test]
fn roles_and_levels_keep_their_words() {
    let rows = [
        (Role::Sub, "sub"),
        (Role::Dev, "dev"),
        (Role::DevAdmin, "devadmin"),
        (Role::Analytics, "analytics"),
        (Role::PortalAdmin, "portaladmin"),
        (Role::CustomerAdmin, "customeradmin"),
        (Role::ResellerAdmin, "reselleradmin"),
    ];
    stored(&rows);
    spelled(&rows, Role::as_str);
    listed(&rows, Role::ALL);
    read(&rows);
    let rows = [(Level::Read, "read"), (Level::Write, "write")];
    stored(&rows);
    for (level, word) in rows {
        assert_eq!(level.to_string(), word);
    }
}

#[test]
fn kinds_of_apps_and_binaries_keep_their_words() {
    let rows = [
        (BinaryType::Android, "android"),
        (BinaryType::Iphone, "iphone"),
        (BinaryType::Ipad, "ipad"),
        (BinaryType::Ios, "ios"),
    ];
    stored(&rows);
    spelled(&rows, BinaryType::as_str);
    listed(&rows, BinaryType::ALL);
    read(&rows);
    for (kind, word) in rows {
        assert_eq!(kind.to_string(), word);
    }
    stored(&[
        (AppKind::Mobile, "mobile"),
        (AppKind::Web, "web"),
        (AppKind::Site, "site"),
    ]);
    let rows = [
        (Listing::Mobile, "mobileapp"),
        (Listing::Web, "webapp"),
        (Listing::Site, "site"),
    ];
    spelled(&rows, Listing::as_str);
    listed(&rows, Listing::ALL);
    for (listing, word) in rows {
        assert_eq!(word.parse::<Listing>().unwrap(), listing);
        assert!(word.to_uppercase().parse::<Listing>().is_err());
    }
}

#[test]
fn events_keep_their_words() {
    let rows = [
        (Category::AppState, "APP_STATE"),
        (Category::AppEnvironment, "APP_ENVIRONMENT"),
        (Category::AppResources, "APP_RESOURCES"),
        (Category::DynoResources, "DYNO_RESOURCES"),
        (Category::DynoState, "DYNO_STATE"),
        (Category::DynoConfig, "DYNO_CONFIG"),
        (Category::DynoAccess, "DYNO_ACCESS"),
    ];
    stored(&rows);
    spelled(&rows, Category::as_str);
    listed(&rows, Category::ALL);
    read(&rows);
    for (category, word) in rows {
        assert_eq!(category.to_string(), word);
    }
    let rows = [
        (Severity::Trace, "TRACE"),
        (Severity::Debug, "DEBUG"),
        (Severity::Info, "INFO"),
        (Severity::Warn, "WARN"),
        (Severity::Error, "ERROR"),
        (Severity::Fatal, "FATAL"),
    ];
    stored(&rows);
    spelled(&rows, Severity::as_str);
    listed(&rows, Severity::ALL);
    read(&rows);
    for (severity, word) in rows {
        assert_eq!(severity.to_string(), word);
    }
    let rows = [
        (EventGroup::Notification, "NOTIFICATION"),
        (EventGroup::Audit, "AUDIT"),
    ];
    stored(&rows);
    spelled(&rows, EventGroup::as_str);
}

#[test]
fn the_life_cycle_keeps_its_words() {
    let rows = [
        (LifeCycleState::Created, "created", "Created"),
        (LifeCycleState::InReview, "in-review", "In-Review"),
        (LifeCycleState::Approved, "approved", "Approved"),
        (LifeCycleState::Rejected, "rejected", "Rejected"),
        (LifeCycleState::Published, "published", "Published"),
        (LifeCycleState::Unpublished, "unpublished", "Unpublished"),
        (LifeCycleState::Deprecated, "deprecated", "Deprecated"),
        (LifeCycleState::Retired, "retired", "Retired"),
    ];
    stored(&rows.map(|(state, word, _)| (state, word)));
    let titles = rows.map(|(state, _, title)| (state, title));
    spelled(&titles, LifeCycleState::title);
    listed(&titles, LifeCycleState::ALL);
    let rows = [
        (
            Action::SubmitForReview,
            "submit-for-review",
            "Submit for Review",
        ),
        (Action::Approve, "approve", "Approve"),
        (Action::Reject, "reject", "Reject"),
        (Action::Publish, "publish", "Publish"),
        (Action::Revert, "revert", "Revert"),
        (Action::Unpublish, "unpublish", "Unpublish"),
        (Action::Deprecate, "deprecate", "Deprecate"),
        (Action::RePublish, "re-publish", "Re-Publish"),
        (Action::Retire, "retire", "Retire"),
        (Action::Recycle, "recycle", "Recycle"),
    ];
    stored(&rows.map(|(action, word, _)| (action, word)));
    let titles = rows.map(|(action, _, title)| (action, title));
    spelled(&titles, Action::title);
    listed(&titles, Action::ALL);
    for (action, title) in titles {
        assert_eq!(Action::parse(&title.to_uppercase()).unwrap(), action);
    }
}

#[test]
fn what_is_published_keeps_its_words() {
    let rows = [
        (Platform::Android, "android"),
        (Platform::Ios, "ios"),
        (Platform::Webapp, "webapp"),
    ];
    stored(&rows);
    spelled(&rows, Platform::as_str);
    for (platform, word) in rows {
        assert_eq!(word.parse::<Platform>().unwrap(), platform);
        assert_eq!(word.to_uppercase().parse::<Platform>().unwrap(), platform);
    }
    let rows = [
        (Market::Enterprise, "enterprise"),
        (Market::Public, "public"),
        (Market::Webapp, "webapp"),
    ];
    stored(&rows);
    spelled(&rows, Market::as_str);
    for (market, word) in rows {
        assert_eq!(word.parse::<Market>().unwrap(), market);
        assert_eq!(word.to_uppercase().parse::<Market>().unwrap(), market);
    }
    let rows = [
        (ProcessingStatus::Error, "error", "ERROR"),
        (ProcessingStatus::None, "none", "NO POLICIES"),
        (ProcessingStatus::Signed, "signed", "POLICIES AND SIGNED"),
        (ProcessingStatus::Applying, "applying", "APPLYING POLICIES"),
        (
            ProcessingStatus::NotSigned,
            "not-signed",
            "POLICIES NOT SIGNED",
        ),
        (
            ProcessingStatus::Previously,
            "previously",
            "POLICIES PREVIOUSLY APPLIED",
        ),
    ];
    stored(&rows.map(|(status, word, _)| (status, word)));
    spelled(
        &rows.map(|(status, _, name)| (status, name)),
        ProcessingStatus::as_str,
    );
    for (status, code) in rows.map(|(status, ..)| status).into_iter().zip(-1_i8..) {
        assert_eq!(status.code(), code);
    }
}

#[test]
fn credentials_keep_their_words() {
    let rows = [
        (GrantType::Password, "password"),
        (GrantType::ClientCredentials, "client_credentials"),
        (GrantType::RefreshToken, "refresh_token"),
    ];
    stored(&rows);
    spelled(&rows, GrantType::as_str);
    listed(&rows, GrantType::ALL);
    let rows = [
        (SigningPlatform::Ios, "ios", "iOS"),
        (SigningPlatform::Android, "android", "Android"),
    ];
    stored(&rows.map(|(platform, word, _)| (platform, word)));
    spelled(
        &rows.map(|(platform, _, name)| (platform, name)),
        SigningPlatform::as_str,
    );
}

#[test]
fn endpoints_keep_their_words() {
    let rows = [
        (Security::Https, "https"),
        (Security::AppApiKey, "appapikey"),
    ];
    stored(&rows);
    spelled(&rows, Security::as_str);
    read(&rows);
    let rows = [
        (Kind::Set, "set", "Set App Security"),
        (Kind::Add, "add", "Add Endpoint"),
        (Kind::Remove, "remove", "Remove Endpoint"),
    ];
    stored(&rows.map(|(kind, word, _)| (kind, word)));
    let names = rows.map(|(kind, _, name)| (kind, name));
    spelled(&names, Kind::as_str);
    listed(&names, Kind::ALL);
    read(&names);
}

/// The words go into the guids of the events that tell of an expiry, so that none is told twice.
#[test]
fn what_expires_keeps_its_words() {
    let rows = [
        (What::Profile, "profile"),
        (What::Certificate, "certificate"),
        (What::Signature, "signature"),
    ];
    stored(&rows);
    spelled(&rows, Into::into);
}

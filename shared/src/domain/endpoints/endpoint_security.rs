//! Endpoint security: which endpoints of an app's cloud code ask for its API key (003 chapter 7),
//! who changed that and when, and the decision about a call.
//!
//! There is one record per app and environment, in the app's partition, and it goes with the app.
//! Each change is one item of the log, written with the change and with its event in one
//! transaction, and kept for [`RETENTION_SECONDS`].

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::json;

use crate::base::clock::Timestamp;
use crate::base::code::Code;
use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::base::id::{AppId, Guid, TenantId};
use crate::base::secret::CredentialText;
use crate::change;
use crate::domain::events::event;
use crate::model::apps::app::App;
use crate::model::credentials::credential::{Credential, KeyOf};
use crate::model::endpoints::endpoint_security::{
    EndpointChange, EndpointName, EndpointSecurity, Kind, LogRow, Override, Security,
};
use crate::model::events::event::Event;
use crate::model::people::principal::Principal;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Key, Query, Write, keys, record};

/// Most overrides of an app in an environment, and most names in one call.
pub const MAX_OVERRIDES: usize = 500;

/// Most bytes of an app's endpoint security in one environment, as it is stored.
pub const MAX_RECORD: usize = 96_000;

/// Most changes that an event lists; it counts all of them.
const MAX_TOLD: usize = 20;

/// What overrides a call names.
pub type Overrides = BTreeMap<EndpointName, Security>;

/// A change that is asked for.
#[derive(Clone, Debug)]
pub enum Change {
    /// What endpoints ask for that have no override, and, where they are named, all overrides in
    /// place of those that there are (003 7.2).
    Set(Security, Option<Overrides>),
    /// These overrides among the others (003 7.3).
    SetOverrides(Overrides),
    /// One override less (003 7.4).
    RemoveOverride(EndpointName),
    /// What endpoints ask for that have no override (003 7.5).
    SetDefault(Security),
}

impl Change {
    /// Makes the change, and gives its rows: none where everything is as it is asked for.
    fn apply(&self, to: &mut EndpointSecurity, by: &str, at: Timestamp) -> Vec<LogRow> {
        let mut rows = Vec::new();
        let (default, overrides, gone): (_, Option<&Overrides>, Vec<EndpointName>) = match self {
            Self::Set(default, None) | Self::SetDefault(default) => {
                (Some(*default), None, Vec::new())
            }
            Self::Set(default, Some(all)) => (
                Some(*default),
                Some(all),
                to.overrides
                    .keys()
                    .filter(|name| !all.contains_key(name))
                    .cloned()
                    .collect(),
            ),
            Self::SetOverrides(some) => (None, Some(some), Vec::new()),
            Self::RemoveOverride(name) => (None, None, vec![name.clone()]),
        };
        if let Some(default) = default.filter(|default| to.default != Some(*default)) {
            to.default = Some(default);
            rows.push(LogRow {
                kind: Kind::Set,
                endpoint: None,
                security: default,
            });
        }
        for name in gone {
            if let Some(former) = to.overrides.remove(&name) {
                rows.push(LogRow {
                    kind: Kind::Remove,
                    endpoint: Some(name),
                    security: former.security,
                });
            }
        }
        for (name, security) in overrides.into_iter().flatten() {
            if to
                .overrides
                .get(name)
                .is_none_or(|former| former.security != *security)
            {
                to.overrides.insert(
                    name.clone(),
                    Override {
                        security: *security,
                        by: by.to_owned(),
                        at,
                    },
                );
                rows.push(LogRow {
                    kind: Kind::Add,
                    endpoint: Some(name.clone()),
                    security: *security,
                });
            }
        }
        if !rows.is_empty() {
            (to.by, to.at) = (by.to_owned(), Some(at));
        }
        rows
    }
}

/// What every operation reads beside its caller: the app and its endpoint security.
pub fn keys_of(tenant_id: TenantId, app: AppId, env: &Environment) -> [Key; 2] {
    [
        keys::app(tenant_id, app),
        keys::endpoint_security(tenant_id, app, env),
    ]
}

async fn app_of(reader: &mut Reader<'_>, tenant_id: TenantId, app: AppId) -> Result<App, Error> {
    let app_record: Option<Stored<App>> = reader.get(&keys::app(tenant_id, app)).await?;
    app_record
        .map(|app_record| app_record.value)
        .ok_or_else(|| {
            Error::not_found(
                Code::InvalidGuid.beside("There is no app with this guid in this domain"),
            )
        })
}

/// The endpoint security of an app in an environment (003 7.1); an app for which nobody said
/// anything is open.
///
/// # Errors
/// Not found for an unknown app; the store's.
pub async fn read(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    app: AppId,
    env: &Environment,
) -> Result<EndpointSecurity, Error> {
    app_of(reader, tenant_id, app).await?;
    let found: Option<Stored<EndpointSecurity>> = reader
        .get(&keys::endpoint_security(tenant_id, app, env))
        .await?;
    Ok(found.map(|found| found.value).unwrap_or_default())
}

/// Changes the endpoint security of an app in an environment, and gives what it is then. Where it
/// is so already nothing is written; else the change, its rows in the log and its event are one
/// transaction.
///
/// # Errors
/// Not found for an unknown app; invalid beyond [`MAX_OVERRIDES`] and [`MAX_RECORD`]; the
/// store's.
pub async fn change(
    reader: &mut Reader<'_>,
    who: &Principal,
    app: AppId,
    env: &Environment,
    wanted: &Change,
) -> Result<EndpointSecurity, Error> {
    let (tenant_id, by) = (who.tenant_id, who.owner.username.as_str());
    change!(reader, {
        let app_record = app_of(reader, tenant_id, app).await?;
        let key = keys::endpoint_security(tenant_id, app, env);
        let mut found: Option<Stored<EndpointSecurity>> = reader.get(&key).await?;
        let mut after = found
            .as_ref()
            .map(|found| found.value.clone())
            .unwrap_or_default();
        // The log is read in the order of time: a change that was asked for earlier than the one
        // that it builds on comes behind it.
        let at = after.at.map_or(reader.now(), |last| {
            reader.now().max(Timestamp(last.0.saturating_add(1)))
        });
        let rows = wanted.apply(&mut after, by, at);
        if rows.is_empty() {
            return Ok((after, Vec::new()));
        }
        if after.overrides.len() > MAX_OVERRIDES {
            return Err(Error::invalid(Code::InvalidOverrides.with(format!(
                "an app has at most {MAX_OVERRIDES} in an environment"
            ))));
        }
        if serde_json::to_vec(&after).map_err(Error::internal)?.len() > MAX_RECORD {
            return Err(Error::invalid(Code::InvalidOverrides.with(format!(
                "all of an app in an environment take more than {MAX_RECORD} bytes"
            ))));
        }
        let told = change_event(&app_record, env, by, &rows, at);
        let change = EndpointChange {
            guid: Guid::random(),
            by: by.to_owned(),
            at,
            rows,
        };
        let mut writes = vec![
            match &mut found {
                Some(found) => {
                    found.value = after.clone();
                    found.replace()?
                }
                // Not a name to be lost: whoever comes second begins again.
                None => record::put(
                    key,
                    &after,
                    Condition::AbsentOrExpired {
                        now: reader.now().seconds(),
                    },
                )?,
            },
            record::create(
                keys::endpoint_log_row(tenant_id, app, env, at, &change.guid),
                &change,
            )?,
            Write::Check(keys::app(tenant_id, app), Condition::Present),
        ];
        writes.extend(event::record_writes(tenant_id, vec![told])?);
        Ok((after, writes))
    })
}

/// The event of a change: it lists the first rows, and counts all of them.
fn change_event(app: &App, env: &Environment, by: &str, rows: &[LogRow], at: Timestamp) -> Event {
    let count = |kind| rows.iter().filter(|row| row.kind == kind).count();
    let mut parts = Vec::new();
    if let Some(row) = rows.iter().find(|row| row.kind == Kind::Set) {
        parts.push(format!("the default is {}", row.security.as_str()));
    }
    for (kind, what) in [(Kind::Add, "are set"), (Kind::Remove, "are removed")] {
        let Some(first) = rows.iter().find(|row| row.kind == kind) else {
            continue;
        };
        let name = first.endpoint.as_ref().map_or("", EndpointName::as_str);
        parts.push(match (count(kind), kind) {
            (1, Kind::Remove) => format!("the override of {name} is removed"),
            (1, _) => format!("{name} asks for {}", first.security.as_str()),
            (many, _) => format!("{many} overrides {what}, that of {name} among them"),
        });
    }
    let listed: Vec<_> = rows
        .iter()
        .take(MAX_TOLD)
        .map(|row| {
            json!({
                "event": row.kind.as_str(),
                "endpoint": row.endpoint.as_ref().map_or("", EndpointName::as_str),
                "security": row.security,
            })
        })
        .collect();
    let message = format!("Endpoint security was changed: {}", parts.join(", "));
    let event =
        Event::of(app, "ENDPOINT_SECURITY_CHANGED", by, message, at).in_environment(env.clone());
    event.with("changes", listed).with("count", rows.len())
}

/// What a listing of the log asks for: all that is there must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The endpoint.
    pub endpoint: Option<EndpointName>,
    /// What it asks for since then, or asked for until then.
    pub security: Option<Security>,
    /// The name of who changed it; case does not count.
    pub by: Option<String>,
    /// What happened.
    pub kind: Option<Kind>,
}

impl Filter {
    fn fits(&self, change: &EndpointChange, row: &LogRow) -> bool {
        self.endpoint
            .as_ref()
            .is_none_or(|name| row.endpoint.as_ref() == Some(name))
            && self
                .security
                .is_none_or(|security| row.security == security)
            && self
                .by
                .as_ref()
                .is_none_or(|by| by.to_lowercase() == change.by.to_lowercase())
            && self.kind.is_none_or(|kind| row.kind == kind)
    }

    fn is_empty(&self) -> bool {
        self.endpoint.is_none()
            && self.security.is_none()
            && self.by.is_none()
            && self.kind.is_none()
    }
}

/// Where a listing of the log goes on: behind a change, or within one, after so many of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    sk: String,
    rows: usize,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows == 0 {
            f.write_str(&self.sk)
        } else {
            write!(f, "{}~{}", self.sk, self.rows)
        }
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (sk, rows) = text.split_once('~').unwrap_or((text, "0"));
        let fits = (1..=64).contains(&sk.len())
            && sk
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'-' | b'_'));
        match rows.parse() {
            Ok(rows) if fits => Ok(Self {
                sk: sk.to_owned(),
                rows,
            }),
            _ => Err(Error::invalid(Code::InvalidCursor)),
        }
    }
}

impl Cursor {
    /// The sort key that the query goes on before. That of a change that was not told whole has
    /// something behind it.
    fn after(&self) -> String {
        if self.rows == 0 {
            self.sk.clone()
        } else {
            format!("{}~", self.sk)
        }
    }
}

/// A row of the log with the change that it is of.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The row.
    pub row: LogRow,
    /// The name of who made the change.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Most pages that one listing with filters reads before it answers what it found with a cursor.
const PAGES: usize = 8;

/// What the listing's first query is: known before the caller is.
pub fn listing(
    tenant_id: TenantId,
    app: AppId,
    env: &Environment,
    filter: &Filter,
    limit: Option<u32>,
    cursor: Option<&Cursor>,
) -> Query {
    // Without a filter each change brings a row at least.
    let limit = limit.filter(|_| filter.is_empty());
    Query {
        newest_first: true,
        ..Query::all(keys::endpoint_log(tenant_id, app, env))
            .after(cursor.map(Cursor::after))
            .limit(limit)
    }
}

/// Rows of the log that fit, newest first: all, or at most `limit` with where to go on (003 7.6).
/// The rows of one change stand in the reverse of the order in which it made them. It reads eight
/// pages at most. The log of a deleted app is kept.
///
/// # Errors
/// Not found for an unknown app without a log; too large for a whole list beyond eight pages; the
/// store's.
pub async fn list(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    (app, env): (AppId, &Environment),
    filter: &Filter,
    limit: Option<u32>,
    cursor: Option<&Cursor>,
) -> Result<(Vec<Logged>, Option<Cursor>), Error> {
    let is_known = app_of(reader, tenant_id, app).await.map(|_| ());
    if let Err(error) = &is_known
        && error.kind != crate::base::error::Kind::NotFound
    {
        return is_known.map(|()| (Vec::new(), None));
    }
    let mut query = listing(tenant_id, app, env, filter, limit, cursor);
    let (mut found, mut seen) = (Vec::new(), cursor.is_some());
    for _ in 0..PAGES {
        let page = reader.query(&query).await?;
        let last = page.items.len().saturating_sub(1);
        for (at, item) in page.items.into_iter().enumerate() {
            seen = true;
            let sk = item.key.sk.clone();
            let change = Stored::<EndpointChange>::parse(item)?.value;
            let told = cursor
                .filter(|cursor| cursor.sk == sk)
                .map_or(0, |cursor| cursor.rows);
            let count = change.rows.len();
            for (number, row) in change.rows.iter().rev().enumerate().skip(told) {
                if filter.fits(&change, row) {
                    found.push(Logged {
                        row: row.clone(),
                        by: change.by.clone(),
                        at: change.at,
                    });
                }
                if limit.is_some_and(|limit| found.len() == limit as usize) {
                    let is_last = number + 1 == count;
                    let more = !is_last || at < last || page.next.is_some();
                    return Ok((
                        found,
                        more.then_some(Cursor {
                            sk,
                            rows: if is_last { 0 } else { number + 1 },
                        }),
                    ));
                }
            }
        }
        match page.next {
            None if seen => return Ok((found, None)),
            None => return is_known.map(|()| (found, None)),
            Some(next) => query.after = Some(next),
        }
    }
    // Whoever asked for no page must not take a part for the whole.
    if limit.is_none() {
        return Err(Error::too_large(
            "The list is too large for one answer: ask for pages with limit and cursor",
        ));
    }
    Ok((found, query.after.map(|sk| Cursor { sk, rows: 0 })))
}

/// A key that a caller of an endpoint presented.
#[derive(Clone)]
pub enum PresentedKey {
    /// None.
    Missing,
    /// A text that can be no key of this tenant.
    Malformed,
    /// One that may be.
    Key(CredentialText),
}

impl PresentedKey {
    /// What was presented to an endpoint of that tenant; blank is missing.
    pub fn of(tenant_id: TenantId, text: Option<&str>) -> Self {
        match text
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::parse)
        {
            None => Self::Missing,
            Some(Ok(key @ CredentialText::ApiKey { .. })) if key.handle() == tenant_id => {
                Self::Key(key)
            }
            Some(_) => Self::Malformed,
        }
    }

    /// Where its credential is, if it may have one.
    pub fn credential(&self) -> Option<Key> {
        match self {
            Self::Key(key) => Some(keys::credential(key.handle(), &key.hash())),
            Self::Missing | Self::Malformed => None,
        }
    }
}

/// The decision about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the endpoint asks for.
    pub security: Security,
    /// What says so: the override's name, `*` or `default`.
    pub matched: String,
    /// Why it is refused; `None` for a call that is allowed.
    pub refused: Option<&'static str>,
}

/// Decides about a call of that endpoint of an app by whoever presented that key. It reads what
/// [`keys_of`] and [`PresentedKey::credential`] name, and writes nothing.
///
/// # Errors
/// Not found for an unknown app; the store's.
pub async fn decide(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    (app, env): (AppId, &Environment),
    endpoint: &EndpointName,
    key: &PresentedKey,
) -> Result<Decision, Error> {
    let config = read(reader, tenant_id, app, env).await?;
    let (security, matched) = config.of_endpoint(endpoint);
    let refused = match (security, key.credential()) {
        (Security::Https, _) => None,
        (Security::AppApiKey, Some(credential)) => {
            let found: Option<Stored<Credential>> = reader.get(&credential).await?;
            let key = found
                .as_ref()
                .and_then(|found| found.value.purpose.api_key());
            let is_live =
                key.is_some_and(|key| key.revoked.is_none() && key.of == KeyOf::App(app.item()));
            (!is_live).then_some("Invalid API Key")
        }
        (Security::AppApiKey, None) if matches!(key, PresentedKey::Missing) => {
            Some("Missing App API key(s)")
        }
        (Security::AppApiKey, None) => Some("Invalid API Key"),
    };
    Ok(Decision {
        security,
        matched: matched.to_owned(),
        refused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoints::endpoint_security;

    fn name(text: &str) -> Option<String> {
        text.parse::<endpoint_security::EndpointName>()
            .ok()
            .map(|name| name.as_str().to_owned())
    }

    #[test]
    fn a_name_has_one_spelling() {
        for text in [
            "cloud/hello",
            "/cloud/hello",
            "cloud/hello/",
            "//cloud//hello//",
            "  /cloud/hello ",
        ] {
            assert_eq!(name(text).as_deref(), Some("cloud/hello"), "{text}");
        }
        for (text, one) in [
            ("/", "/"),
            ("///", "/"),
            ("*", "*"),
            ("/*", "*"),
            ("Hello", "Hello"),
            ("gr%C3%BC%C3%9Fe", "grüße"),
            ("a b", "a b"),
            ("...", "..."),
        ] {
            assert_eq!(name(text).as_deref(), Some(one), "{text}");
        }
        let refused = [
            "",
            " ",
            "%20",
            "hello%20",
            "%C2%A0hello",
            "h%65llo",
            "%2a",
            "a%2Fb",
            "a%2fb",
            "a%252Fb",
            "a%25",
            "100%",
            "a%zz",
            "..",
            "a/../b",
            "a/./b",
            "%2e%2e/b",
            "a?b",
            "a%3Fb",
            "a#b",
            "a;b",
            "a%3bb",
            "a\\b",
            "a%5cb",
            "a\nb",
            "a%00b",
            "a%ff",
            "a /b",
            "a/ b",
        ];
        for text in refused {
            assert_eq!(name(text), None, "{text:?}");
        }
        assert_eq!(name(&"x".repeat(200)).map(|name| name.len()), Some(200));
        assert_eq!(name(&"x".repeat(201)), None);
        assert_eq!(
            name(&"%C3%A4".repeat(100)).map(|name| name.len()),
            Some(200)
        );
    }

    #[test]
    fn reading_a_name_twice_changes_nothing() {
        for text in [
            "/a//b/",
            " x%20y ",
            "%C3%A4%26",
            "grüße/ö",
            "/",
            "*",
            "a.b/..c",
            "a+b&c=d",
        ] {
            let once = name(text);
            assert!(once.is_some(), "{text}");
            assert_eq!(once.as_deref().and_then(name), once, "{text}");
        }
    }

    #[test]
    fn the_words_of_a_refusal_are_short_and_plain() {
        let long = format!("a\n{}", "é?".repeat(300));
        let error = long
            .parse::<endpoint_security::EndpointName>()
            .expect_err("refused");
        assert!(
            error.message.len() < 250 && !error.message.contains('\n'),
            "{}",
            error.message
        );
        assert!(
            error.message.starts_with("invalid_endpoint: \"a\\n"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_cursor_is_read_back() {
        for cursor in [
            Cursor {
                sk: "1764316800000#abc".to_owned(),
                rows: 0,
            },
            Cursor {
                sk: "1764316800000#abc".to_owned(),
                rows: 7,
            },
        ] {
            assert_eq!(
                cursor.to_string().parse::<Cursor>().expect("a cursor"),
                cursor
            );
        }
        for text in ["", "~1", "a~", "a~x", "a b", "a~-1", "é", &"x".repeat(65)] {
            assert_eq!(
                text.parse::<Cursor>().map_err(|error| error.message),
                Err("invalid_cursor".to_owned()),
                "{text}"
            );
        }
    }
}

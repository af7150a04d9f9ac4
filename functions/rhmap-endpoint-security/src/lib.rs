//! 003 chapter 7: endpoint security.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use shared::base::code::Code;
use shared::base::environment::Environment;
use shared::base::error::{Error, Kind};
use shared::base::id::{AppId, AppRef, TenantId};
use shared::domain::endpoints::endpoint_security;
use shared::domain::endpoints::endpoint_security::{
    Change, Cursor, Filter, Logged, Overrides, PresentedKey,
};
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_endpoint_security::{FUNCTION, Op};
use shared::model::endpoints::endpoint_security as endpoint_security_record;
use shared::model::endpoints::endpoint_security::{EndpointName, Security};
use shared::model::people::principal::Means;

/// The function.
pub struct EndpointSecurity;

impl Operations for EndpointSecurity {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        let (Some(AppRef::Ours(app)), Some(env)) = (
            incoming.peek::<AppRef>("appId"),
            incoming.peek::<Environment>("environment"),
        ) else {
            return Plan::default();
        };
        let app = app.item();
        let plan = Plan::keys(endpoint_security::keys_of(tenant_id, app, &env).to_vec());
        match op {
            Op::Get | Op::Set | Op::SetOverride | Op::RemoveOverride | Op::SetDefault => plan,
            Op::ListChanges => match incoming.parse::<LogBody>().and_then(LogBody::validated) {
                Ok(asked) => plan.query(endpoint_security::listing(
                    tenant_id,
                    app,
                    &env,
                    &asked.filter,
                    asked.limit,
                    asked.cursor.as_ref(),
                )),
                Err(_) => plan,
            },
            Op::Decide => match incoming.parse::<DecideBody>() {
                Ok(body) => plan.and(body.presented(incoming, tenant_id).credential()),
                Err(_) => plan,
            },
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Get => get(call).await,
            Op::Set => set(call).await,
            Op::SetOverride => set_override(call).await,
            Op::RemoveOverride => remove_override(call).await,
            Op::SetDefault => set_default(call).await,
            Op::ListChanges => list_changes(call).await,
            Op::Decide => decide(call).await,
        }
    }
}

/// What every request names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    app_id: AppRef,
    environment: Environment,
}

/// An override as the real platform answered it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OverrideView<'a> {
    security: Security,
    updated_by: &'a str,
    updated_when: String,
}

/// The document's answer to `get`; the real platform gave it to every change too. Without a change
/// its name and time are empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityView<'a> {
    app_id: String,
    default: Security,
    environment: &'a Environment,
    overrides: BTreeMap<&'a EndpointName, OverrideView<'a>>,
    updated_by: &'a str,
    updated_when: String,
}

fn view(
    app: AppId,
    env: &Environment,
    security: &endpoint_security_record::EndpointSecurity,
) -> Result<Reply, Error> {
    let overrides = security.overrides.iter().map(|(name, of)| {
        let view = OverrideView {
            security: of.security,
            updated_by: &of.by,
            updated_when: of.at.minutes(),
        };
        (name, view)
    });
    Reply::of(&SecurityView {
        app_id: app.guid(),
        default: security.default.unwrap_or_default(),
        environment: env,
        overrides: overrides.collect(),
        updated_by: &security.by,
        updated_when: security.at.map(|at| at.minutes()).unwrap_or_default(),
    })
}

async fn changed(mut call: Call<'_>, place: Place, change: &Change) -> Result<Reply, Error> {
    let (who, app) = (call.who()?, place.app_id.ours()?);
    let after =
        endpoint_security::change(&mut call.reader, who, app, &place.environment, change).await?;
    view(app, &place.environment, &after)
}

/// 003 7.1
async fn get(mut call: Call<'_>) -> Result<Reply, Error> {
    let (place, who): (Place, _) = (call.body()?, call.who()?);
    let app = place.app_id.ours()?;
    let security =
        endpoint_security::read(&mut call.reader, who.tenant_id, app, &place.environment).await?;
    view(app, &place.environment, &security)
}

/// What endpoints without an override ask for.
#[derive(Deserialize)]
struct DefaultBody {
    #[serde(deserialize_with = "shared::base::lenient::text")]
    default: String,
}

impl DefaultBody {
    fn security(&self) -> Result<Security, Error> {
        self.default
            .parse()
            .map_err(|error: Error| Error::invalid(Code::InvalidDefault.with(error.message)))
    }
}

/// The overrides of a request, judged one by one, so that what is wrong is named.
fn overrides(named: &Map<String, Value>) -> Result<Overrides, Error> {
    if named.len() > endpoint_security::MAX_OVERRIDES {
        return Err(Error::invalid(Code::InvalidOverrides.with(format!(
            "at most {} at once",
            endpoint_security::MAX_OVERRIDES
        ))));
    }
    let mut overrides = Overrides::new();
    for (spelling, value) in named {
        let name: EndpointName = spelling.parse()?;
        let security = value
            .get("security")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let security = security.parse().map_err(|error: Error| {
            Error::invalid(Code::InvalidSecurity.with(format!("{name}: {}", error.message)))
        })?;
        if overrides.insert(name.clone(), security).is_some() {
            return Err(Error::invalid(
                Code::InvalidEndpoint.with(format!("{name} is named twice")),
            ));
        }
    }
    Ok(overrides)
}

/// 003 7.2
async fn set(call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        overrides: Option<Map<String, Value>>,
    }
    let (place, default, body): (Place, DefaultBody, Body) =
        (call.body()?, call.body()?, call.body()?);
    let change = Change::Set(
        default.security()?,
        body.overrides.as_ref().map(overrides).transpose()?,
    );
    changed(call, place, &change).await
}

/// 003 7.3
async fn set_override(call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        overrides: Map<String, Value>,
    }
    let (place, body): (Place, Body) = (call.body()?, call.body()?);
    let change = Change::SetOverrides(overrides(&body.overrides)?);
    changed(call, place, &change).await
}

/// 003 7.4
async fn remove_override(call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(deserialize_with = "shared::base::lenient::text")]
        endpoint: String,
    }
    let (place, body): (Place, Body) = (call.body()?, call.body()?);
    let change = Change::RemoveOverride(body.endpoint.parse()?);
    changed(call, place, &change).await
}

/// 003 7.5
async fn set_default(call: Call<'_>) -> Result<Reply, Error> {
    let (place, default): (Place, DefaultBody) = (call.body()?, call.body()?);
    let change = Change::SetDefault(default.security()?);
    changed(call, place, &change).await
}

/// The largest limit.
const MAX_LIMIT: u32 = 1_000;

/// The document's filter; an empty field is none. Where to go on may stand in it or beside it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilterBody {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    endpoint: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    security: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    updated_by: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    event: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    limit: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct LogBody {
    filter: Option<FilterBody>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    limit: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    cursor: Option<String>,
}

struct LogQuery {
    filter: Filter,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

impl LogBody {
    fn validated(self) -> Result<LogQuery, Error> {
        let told = |text: Option<String>| {
            text.map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let filter = self.filter.unwrap_or_default();
        let bad_limit = || {
            Error::invalid(Code::InvalidLimit.with(format!("it is a number from 1 to {MAX_LIMIT}")))
        };
        let read = |digits: String| {
            digits
                .parse::<u32>()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(bad_limit)
        };
        let security = told(filter.security).map(|text| text.parse());
        Ok(LogQuery {
            limit: told(filter.limit)
                .or(told(self.limit))
                .map(read)
                .transpose()?,
            cursor: told(filter.cursor)
                .or(told(self.cursor))
                .map(|cursor| cursor.parse())
                .transpose()?,
            filter: Filter {
                endpoint: told(filter.endpoint).map(|name| name.parse()).transpose()?,
                security: security.transpose().map_err(|error: Error| {
                    Error::invalid(Code::InvalidSecurity.with(error.message))
                })?,
                by: told(filter.updated_by),
                kind: told(filter.event).map(|event| event.parse()).transpose()?,
            },
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowView<'a> {
    app_id: &'a str,
    endpoint: &'a str,
    environment: &'a Environment,
    event: &'static str,
    security: Security,
    updated_by: &'a str,
    updated_when: String,
    updated_when_millis: i64,
}

/// 003 7.6
async fn list_changes(mut call: Call<'_>) -> Result<Reply, Error> {
    let (place, body, who): (Place, LogBody, _) = (call.body()?, call.body()?, call.who()?);
    let LogQuery {
        filter,
        limit,
        cursor,
    } = body.validated()?;
    let (app, env) = (place.app_id.ours()?, &place.environment);
    let (rows, next) = endpoint_security::list(
        &mut call.reader,
        who.tenant_id,
        (app, env),
        &filter,
        limit,
        cursor.as_ref(),
    )
    .await?;
    let app_id = app.guid();
    let list = rows.iter().map(|logged: &Logged| RowView {
        app_id: &app_id,
        endpoint: logged
            .row
            .endpoint
            .as_ref()
            .map_or("", EndpointName::as_str),
        environment: env,
        event: logged.row.kind.as_str(),
        security: logged.row.security,
        updated_by: &logged.by,
        updated_when: logged.at.java_utc(),
        updated_when_millis: logged.at.0,
    });
    #[derive(Serialize)]
    struct ListView<'a> {
        list: Vec<RowView<'a>>,
        count: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    }
    Reply::of(&ListView {
        list: list.collect(),
        count: rows.len(),
        cursor: next.map(|next| next.to_string()),
    })
}

/// A host's question. A `key` that is there is what counts, even where it is empty: a host that
/// passes on what its caller presented must not be answered about its own key.
#[derive(Deserialize)]
struct DecideBody {
    #[serde(deserialize_with = "shared::base::lenient::text")]
    endpoint: String,
    #[serde(default, deserialize_with = "present")]
    key: Option<Option<String>>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    enforce: Option<bool>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    shared::base::lenient::optional_text(deserializer).map(Some)
}

impl DecideBody {
    /// The key that is judged: the one in the question, else the one in `X-FH-AUTH-APP`, which is
    /// the caller's where the host asks with a credential of its own, and else the credential that
    /// it asks with.
    fn presented(&self, incoming: &Incoming, tenant_id: TenantId) -> PresentedKey {
        let text = match &self.key {
            Some(key) => key.as_deref(),
            None => incoming.presented.app_key.as_deref(),
        };
        PresentedKey::of(tenant_id, text)
    }
}

#[derive(Serialize)]
struct DecisionView<'a> {
    allowed: bool,
    security: Security,
    matched: &'a str,
    endpoint: &'a EndpointName,
    reason: &'static str,
}

/// Our own: whether a call may pass.
async fn decide(mut call: Call<'_>) -> Result<Reply, Error> {
    let who = call.who()?;
    if let (Means::App { app }, Some(named)) = (&who.means, call.incoming.peek::<AppRef>("appId"))
        && named.ours().ok() != Some(app.item())
    {
        return Err(Error::forbidden("An app's key asks about that app alone"));
    }
    let (place, body): (Place, DecideBody) = (call.body()?, call.body()?);
    let endpoint: EndpointName = body.endpoint.parse()?;
    let app = place.app_id.ours()?;
    let key = body.presented(call.incoming, who.tenant_id);
    let decision = endpoint_security::decide(
        &mut call.reader,
        who.tenant_id,
        (app, &place.environment),
        &endpoint,
        &key,
    )
    .await?;
    if let (Some(reason), Some(true)) = (decision.refused, body.enforce) {
        return Err(Error::new(Kind::Unauthenticated, reason));
    }
    Reply::of(&DecisionView {
        allowed: decision.refused.is_none(),
        security: decision.security,
        matched: &decision.matched,
        endpoint: &endpoint,
        reason: decision.refused.unwrap_or_default(),
    })
}

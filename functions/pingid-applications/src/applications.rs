//! 002 1 to 4: the list of applications.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};
use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::domain::pingid::ping_application;
use shared::domain::pingid::ping_application::PingApplicationInput;
use shared::http::incoming::Incoming;
use shared::http::pipeline::Call;
use shared::http::reply::Reply;
use shared::http::routes::pingid_applications::Op;
use shared::model::pingid::ping_application::Application;
use shared::store::{Key, MAX_TRANSACTION, keys};

/// Most bytes of a list: signed it is a third longer, beside it stands what the client wants
/// repeated, and a function answers with 6 MB at most.
const MAX_LIST: usize = 3_900_000;

#[derive(Serialize)]
struct ApplicationView<'a> {
    id: &'a str,
    name: &'a str,
}

impl<'a> ApplicationView<'a> {
    fn of(application: &'a Application) -> Self {
        Self {
            id: &application.id,
            name: &application.name,
        }
    }
}

/// What of the list a change names, for the fetching of it together with the caller's settings.
/// What cannot be read is told later.
pub fn keys_of_change(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Vec<Key> {
    let read = match op {
        Op::Add => new(incoming).map(|(id, _)| vec![keys::ping_application(tenant_id, &id)]),
        Op::Update => {
            changes(incoming).map(|changes| ping_application::touched(tenant_id, &changes))
        }
        _ => ids(incoming).map(|ids| {
            ids.iter()
                .map(|id| keys::ping_application(tenant_id, id))
                .collect()
        }),
    };
    read.ok()
        .filter(|keys| keys.len() <= MAX_TRANSACTION)
        .unwrap_or_default()
}

fn object(field: &str, value: Option<Value>) -> Result<Map<String, Value>, Error> {
    match value {
        None | Some(Value::Null) => Err(Error::invalid(format!("{field} is missing"))),
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) => Err(Error::invalid(format!("{field} must be an object"))),
    }
}

/// Id and name of what is to be added.
fn new(incoming: &Incoming) -> Result<(String, String), Error> {
    let fields = object("application", incoming.peek("application"))?;
    Ok((
        ping_application::id("application.id", fields.get("id"))?,
        ping_application::name("application.name", fields.get("name"))?,
    ))
}

/// What is to be changed, by current ids.
fn changes(incoming: &Incoming) -> Result<BTreeMap<String, PingApplicationInput>, Error> {
    let fields = object("appsData", incoming.peek("appsData"))?;
    if fields.is_empty() {
        return Err(Error::invalid("appsData names no application"));
    }
    let mut changes = BTreeMap::new();
    for (current, said) in fields {
        let of = |field: &str| format!("appsData[{current:?}]{field}");
        // What no id can be is no application's.
        if ping_application::id("appsData", Some(&Value::String(current.clone()))).is_err() {
            return Err(Error::invalid(format!(
                "appsData: there is no application {current:?}"
            )));
        }
        let fields = object(&of(""), Some(said))?;
        let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let id = given("id")
            .map(|id| ping_application::id(&of(".id"), Some(id)))
            .transpose()?;
        let name = given("name")
            .map(|name| ping_application::name(&of(".name"), Some(name)))
            .transpose()?;
        changes.insert(current, PingApplicationInput { id, name });
    }
    Ok(changes)
}

/// The ids of what is to be removed, each once.
fn ids(incoming: &Incoming) -> Result<BTreeSet<String>, Error> {
    let list = match incoming.peek::<Value>("applicationsIds") {
        None | Some(Value::Null) => return Err(Error::invalid("applicationsIds is missing")),
        Some(Value::Array(list)) if list.is_empty() => {
            return Err(Error::invalid("applicationsIds names no application"));
        }
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Error::invalid("applicationsIds must be a list")),
    };
    list.iter()
        .enumerate()
        .map(|(place, id)| ping_application::id(&format!("applicationsIds[{place}]"), Some(id)))
        .collect()
}

/// 002 1
pub async fn add(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct AddedView<'a> {
        application: ApplicationView<'a>,
    }
    let tenant_id = call.who()?.tenant_id;
    let (id, name) = new(call.incoming)?;
    let added = ping_application::add(&mut call.reader, tenant_id, id, name).await?;
    Reply::of(&AddedView {
        application: ApplicationView::of(&added),
    })
}

/// 002 2
pub async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct ListView<'a> {
        applications: Vec<ApplicationView<'a>>,
    }
    let tenant_id = call.who()?.tenant_id;
    let all = ping_application::list(&mut call.reader, tenant_id).await?;
    let too_large = || {
        Error::too_large(format!(
            "The list of {} applications is larger than one answer can be",
            all.len()
        ))
    };
    // Beyond it the view is not even written.
    if all
        .iter()
        .map(|application| application.id.len() + application.name.len())
        .sum::<usize>()
        > MAX_LIST
    {
        return Err(too_large());
    }
    let reply = Reply::of(&ListView {
        applications: all.iter().map(ApplicationView::of).collect(),
    })?;
    match &reply.content {
        shared::http::reply::Content::Json(json) if json.len() > MAX_LIST => Err(too_large()),
        _ => Ok(reply),
    }
}

/// 002 3
pub async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let changes = changes(call.incoming)?;
    ping_application::update(&mut call.reader, tenant_id, &changes).await?;
    Ok(Reply::done())
}

/// 002 4
pub async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let ids = ids(call.incoming)?;
    ping_application::delete(&mut call.reader, tenant_id, &ids).await?;
    Ok(Reply::done())
}

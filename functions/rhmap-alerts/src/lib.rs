//! 003 chapter 4: alerts, and what was mailed because of them.

use requests::{AlertBody, AuditBody, Place, place};
use serde::Serialize;
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppId, Guid, TenantId};
use shared::domain::events::alert::Watched;
use shared::domain::events::{alert, notification};
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_alerts::{FUNCTION, Op};
use shared::store::keys;
use views::{AlertView, Options};

mod audit;

mod requests;

mod test_mail;

mod views;

/// The function.
pub struct Alerts;

impl Operations for Alerts {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        // What the path or the body says of the app; a guid alone leads to its alert by its place.
        let app = match place(incoming) {
            Ok(Some(place)) => place.watched.app().ok(),
            _ => peeked(incoming),
        };
        let app_record = |app: Option<AppId>| app.map(|app| keys::app(tenant_id, app));
        match op {
            Op::List => app.map_or_else(Plan::default, |app| {
                Plan::default()
                    .and(app_record(app))
                    .query(alert::listing(tenant_id, app))
            }),
            Op::Create => app.map_or_else(Plan::default, |app| {
                Plan::keys(alert::keys_of(tenant_id, app))
            }),
            Op::Read | Op::Update | Op::Delete | Op::Clone => {
                let in_path = incoming.param("alert");
                let guid: Option<Guid> = if in_path.is_empty() {
                    incoming.peek("guid")
                } else {
                    in_path.parse().ok()
                };
                let Some(guid) = guid else {
                    return Plan::default();
                };
                let place = in_path
                    .is_empty()
                    .then(|| keys::alert_place(tenant_id, &guid));
                Plan::default()
                    .and(place)
                    .and(app.map(|app| keys::alert(tenant_id, app, &guid)))
            }
            Op::TestEmails => Plan::default().and(app.and_then(app_record)),
            Op::ListOptions => Plan::default(),
            Op::ListNotifications => {
                match incoming.parse::<AuditBody>().and_then(AuditBody::validated) {
                    Ok(asked) => match asked.app.ours() {
                        Ok(app) => {
                            let listing = notification::listing(
                                tenant_id,
                                app,
                                &asked.env,
                                asked.limit,
                                asked.after,
                            );
                            Plan::keys(vec![keys::app(tenant_id, app)]).query(listing)
                        }
                        Err(_) => Plan::default(),
                    },
                    Err(_) => Plan::default(),
                }
            }
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => list(call).await,
            Op::Create => create(call).await,
            Op::Read => read(call).await,
            Op::Update => update(call).await,
            Op::Delete => delete(call).await,
            Op::Clone => clone(call).await,
            Op::TestEmails => test_mail::send(call).await,
            Op::ListOptions => list_options(&call),
            Op::ListNotifications => audit::list(call).await,
        }
    }
}

/// The app that a body names, for plans; the outer `None` where it names none.
fn peeked(incoming: &Incoming) -> Option<Option<AppId>> {
    let text: String = incoming.peek("uid").or_else(|| incoming.peek("appGuid"))?;
    text.parse::<Watched>().ok()?.app().ok()
}

/// 003 4.1
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let place = match place(call.incoming)? {
        Some(place) => place,
        None => call.body::<AlertBody>()?.place()?,
    };
    let alerts = alert::list(
        &mut call.reader,
        tenant_id,
        place.watched.app()?,
        &place.env,
    )
    .await?;
    #[derive(Serialize)]
    struct ListView {
        list: Vec<AlertView>,
        count: usize,
    }
    Reply::of(&ListView {
        count: alerts.len(),
        list: alerts.into_iter().map(AlertView::from).collect(),
    })
}

/// 003 4.2
async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let mut body: AlertBody = call.body()?;
    let place = place(call.incoming)?;
    if let Some(place) = &place {
        body.agrees_with(place)?;
        body.env = Some(place.env.clone());
    }
    let watched = match place {
        Some(place) => place.watched,
        None => body.watched()?.ok_or_else(|| {
            Error::invalid(
                Code::InvalidGuid
                    .beside("This is not the guid of any alert: it is missing or malformed"),
            )
        })?,
    };
    let changes = body.input().checked()?;
    // What is said is judged as a whole before the app is looked for.
    let mut alert = changes.made(None, call.reader.now())?;
    alert.app = watched.app()?;
    alert::create(&mut call.reader, tenant_id, &alert).await?;
    Reply::of(&AlertView::from(alert))
}

/// The alert that a request is about, by its path or by the guid in its body: whatever else a body
/// says does not count.
fn named(call: &Call<'_>) -> Result<alert::AlertReference, Error> {
    let named = |guid: Guid, place: Option<Place>| -> Result<alert::AlertReference, Error> {
        let of = place
            .map(|place| Ok::<_, Error>((place.watched.app()?, place.env)))
            .transpose()?;
        Ok(alert::AlertReference { guid, of })
    };
    match place(call.incoming)? {
        Some(place) => named(
            call.incoming.param("alert").parse().map_err(|_| {
                Error::invalid(
                    Code::InvalidGuid
                        .beside("This is not the guid of any alert: it is missing or malformed"),
                )
            })?,
            Some(place),
        ),
        None => named(call.body::<requests::GuidBody>()?.guid, None),
    }
}

/// Of no document: what the original's own client asks.
async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let named = named(&call)?;
    let found = alert::find(&mut call.reader, tenant_id, &named).await?;
    Reply::of(&AlertView::from(found.value))
}

/// 003 4.3. What is absent stays.
async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let body: AlertBody = call.body()?;
    let watched = body.watched()?;
    if let Some(place) = place(call.incoming)? {
        body.agrees_with(&place)?;
        body.is_of(call.incoming.param("alert"))?;
    }
    let changes = body.input().checked()?;
    let named = named(&call)?;
    let updated = alert::update(
        &mut call.reader,
        tenant_id,
        &named,
        watched.as_ref(),
        &changes,
    )
    .await?;
    Reply::of(&AlertView::from(updated))
}

/// 003 4.4
async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let named = named(&call)?;
    let deleted = alert::delete(&mut call.reader, tenant_id, &named).await?;
    Reply::of(&AlertView::from(deleted))
}

/// Of no document: a copy under another guid, and another name or environment where one is said.
async fn clone(mut call: Call<'_>) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let body: requests::CloneBody = call.body()?;
    let named = alert::AlertReference {
        guid: body.guid.clone(),
        of: None,
    };
    let changes = body.input().checked()?;
    let made = alert::copy(&mut call.reader, tenant_id, &named, &changes).await?;
    Reply::of(&AlertView::from(made))
}

/// Of no document: what the filters of alerts may say.
fn list_options(call: &Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    Reply::of(&Options::default())
}

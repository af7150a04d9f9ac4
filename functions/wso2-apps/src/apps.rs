//! Apps, made, read, changed, deleted, and made again as a new version (001 4, 5, 7, 8, 10; 001a
//! 13).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};
use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::base::kind::Listing;
use shared::domain::apps::publication::AppReference;
use shared::domain::apps::{app, catalogue, publication};
use shared::domain::publishing::publishing;
use shared::domain::publishing::publishing::{AppInput, Guard, Published};
use shared::http::incoming::Incoming;
use shared::http::pipeline::Plan;
use shared::http::reply::{Reply, Success};
use shared::model::apps::publication::Publication;
use shared::store::keys;
use shared::store::record::Stored;

use crate::body::Call;
use crate::{body, views};

fn listing(incoming: &Incoming) -> Result<Listing, Error> {
    incoming.param("appType").parse::<Listing>()
}

/// What a body says; a body of another type than JSON is refused first.
fn read_body(incoming: &Incoming) -> Result<AppInput, Error> {
    incoming.require_json()?;
    body::read(&incoming.parse::<Map<String, Value>>()?)
}

/// What the body says, as the plan read it. What the plan could not read is read again, for the
/// error: the plan comes before the caller is known, and keeps none.
fn input<'a>(
    planned: &'a Option<AppInput>,
    incoming: &Incoming,
) -> Result<Cow<'a, AppInput>, Error> {
    match planned {
        Some(said) => Ok(Cow::Borrowed(said)),
        None => read_body(incoming).map(Cow::Owned),
    }
}

/// What naming an app reads, as far as its path says it.
fn plan_app(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let (Ok(listing), Ok(named)) = (
        listing(incoming),
        AppReference::parse(incoming.param("appId")),
    ) else {
        return Plan::default();
    };
    Plan::keys(named.keys(tenant_id, listing))
}

/// What creating reads.
pub fn plan_create(incoming: &Incoming, tenant_id: TenantId) -> Plan<Option<AppInput>> {
    let (Ok(listing), Ok(said)) = (listing(incoming), read_body(incoming)) else {
        return Plan::default();
    };
    Plan::keys(said.wanted_for_new(tenant_id, listing))
        .query(catalogue::last_bucket(tenant_id))
        .with_body(Some(said))
}

/// What reading reads.
pub fn plan_read(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    plan_app(incoming, tenant_id)
}

/// What changing reads.
pub fn plan_update(incoming: &Incoming, tenant_id: TenantId) -> Plan<Option<AppInput>> {
    let said = read_body(incoming).ok();
    let judged_by = said.as_ref().map(|said| said.wanted(tenant_id));
    plan_app(incoming, tenant_id)
        .and(judged_by.into_iter().flatten())
        .with_body(said)
}

/// What making a new version reads.
pub fn plan_new_version(incoming: &Incoming, tenant_id: TenantId) -> Plan<Option<AppInput>> {
    plan_update(incoming, tenant_id).query(catalogue::last_bucket(tenant_id))
}

/// What deleting reads.
pub fn plan_delete(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let whole = match AppReference::parse(incoming.param("appId")) {
        Ok(AppReference::Id(id)) => app::keys_of(tenant_id, id),
        _ => Vec::new(),
    };
    let mut plan = plan_app(incoming, tenant_id);
    plan.keys.retain(|key| !whole.contains(key));
    plan.and(whole)
}

/// What judging a context reads.
pub fn plan_validate(incoming: &Incoming, tenant_id: TenantId) -> Plan {
    let context = incoming
        .peek::<String>("appContext")
        .and_then(|text| publishing::normal_context(&text).ok());
    Plan::default().and(context.map(|context| keys::context(tenant_id, &context)))
}

/// The answer of what is made: its id under both names that clients read.
fn created_view(published: &Published) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct Made {
        id: String,
        #[serde(rename = "AppId")]
        app_id: String,
    }
    let id = published.id.uuid();
    Ok(Reply::of(&Made {
        id: id.clone(),
        app_id: id,
    })?
    .success(Success::Catalogued)
    .header("location", views::location(&published.app, published.id))
    .validators(views::validators(
        published.id,
        &published.app,
        published.rev,
    )))
}

/// 001 10
pub async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    let listing = listing(call.incoming)?;
    call.incoming.conditions.judge_creation()?;
    let said = input(&call.planned, call.incoming)?;
    let who = call.who()?;
    created_view(&publishing::create(&mut call.reader, who, listing, &said).await?)
}

/// 001 7
pub async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let listing = listing(call.incoming)?;
    let tenant_id = call.who()?.tenant_id;
    let id = publication::locate(
        &mut call.reader,
        tenant_id,
        listing,
        call.incoming.param("appId"),
    )
    .await?;
    call.reader
        .fetch_missing(&[keys::app(tenant_id, id), keys::publication(tenant_id, id)])
        .await?;
    let found = publication::read(&mut call.reader, tenant_id, listing, id).await?;
    let said: Option<Stored<Publication>> =
        call.reader.get(&keys::publication(tenant_id, id)).await?;
    let id = publication::shown_id(&found.value, id);
    let published = Published {
        id,
        rev: found.rev,
        app: found.value,
        publication: said.map(|said| said.value).unwrap_or_default(),
    };
    whole(&mut call, &published).await
}

async fn whole(call: &mut Call<'_>, published: &Published) -> Result<Reply, Error> {
    let tenant_id = call.who()?.tenant_id;
    let groups = views::group_names(&mut call.reader, tenant_id, [&published.app]).await?;
    let view = views::whole_view(
        &published.app,
        &published.publication,
        published.id,
        &groups,
    );
    let validators = views::validators(published.id, &published.app, published.rev);
    // The names of its groups are no part of the app record: a group may be renamed.
    let validators = if published.app.restrict_to_groups {
        validators.beside(
            &serde_json::to_vec(&groups.values().collect::<Vec<_>>()).map_err(Error::internal)?,
        )
    } else {
        validators
    };
    Ok(Reply::of(&view)?.validators(validators))
}

fn guard<'a>(call: &Call<'a>) -> Guard<'a> {
    Guard {
        conditions: &call.incoming.conditions,
        required: call.context.settings.require_if_match,
    }
}

/// 001 8
pub async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    let listing = listing(call.incoming)?;
    let (incoming, who, guard) = (call.incoming, call.who()?, guard(&call));
    let published = publishing::update(
        &mut call.reader,
        who,
        listing,
        incoming.param("appId"),
        guard,
        &|| input(&call.planned, incoming),
    )
    .await?;
    whole(&mut call, &published).await
}

/// 001 4
pub async fn new_version(mut call: Call<'_>) -> Result<Reply, Error> {
    let listing = listing(call.incoming)?;
    let (incoming, who) = (call.incoming, call.who()?);
    let named = incoming.param("appId");
    created_view(
        &publishing::new_version(
            &mut call.reader,
            who,
            listing,
            named,
            &incoming.conditions,
            &|| input(&call.planned, incoming),
        )
        .await?,
    )
}

/// 001 5
pub async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let listing = listing(call.incoming)?;
    let (who, guard) = (call.who()?, guard(&call));
    publishing::delete(
        &mut call.reader,
        who,
        listing,
        call.incoming.param("appId"),
        guard,
    )
    .await?;
    Ok(Reply::empty())
}

/// 001a 13
pub async fn validate_context(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct View {
        #[serde(rename = "IsContextExists")]
        exists: bool,
    }
    if listing(call.incoming)? == Listing::Mobile {
        return Err(Error::invalid("appType: mobile apps have no context"));
    }
    let tenant_id = call.who()?.tenant_id;
    let context = call
        .incoming
        .peek::<String>("appContext")
        .filter(|text| !text.trim().is_empty());
    let context = context.ok_or_else(|| Error::invalid("appContext is mandatory"))?;
    Reply::of(&View {
        exists: publishing::context_exists(&mut call.reader, tenant_id, &context).await?,
    })
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use lambda_http::http::Request;

    use super::*;

    fn incoming(body: &str) -> Incoming {
        let request = Request::builder()
            .method("POST")
            .uri("http://x/y")
            .header("content-type", "application/json")
            .body(Body::Text(body.to_owned()))
            .unwrap();
        let params = vec![("appType".to_owned(), "webapp".to_owned())];
        Incoming::open(request, params, "https", None)
    }

    #[test]
    fn an_operation_takes_the_body_that_its_plan_read() {
        let incoming = incoming(r#"{"name":"Ledger","context":"/ledger"}"#);
        let tenant_id: TenantId = "aaaaaaaa".parse().unwrap();
        for plan in [
            plan_create(&incoming, tenant_id),
            plan_update(&incoming, tenant_id),
            plan_new_version(&incoming, tenant_id),
        ] {
            assert!(!plan.keys.is_empty());
            let said = input(&plan.body, &incoming).unwrap();
            assert!(matches!(said, Cow::Borrowed(_)));
            assert_eq!(said.context.as_deref(), Some("/ledger"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_body_is_told_by_the_operation() {
        let incoming = incoming(r#"{"skipGateway":"perhaps"}"#);
        let tenant_id: TenantId = "aaaaaaaa".parse().unwrap();
        let plan = plan_create(&incoming, tenant_id);
        let error = input(&plan.body, &incoming).unwrap_err();
        assert_eq!(error.message, "skipGateway: must be true or false");
    }
}

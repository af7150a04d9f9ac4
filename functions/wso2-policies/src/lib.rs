//! 001: policy partials, the apps that they are mapped to, and decisions by them.

use serde::{Deserialize, Serialize};
use shared::base::conditions::Validators;
use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::base::kind::Listing;
use shared::base::text::Text;
use shared::domain::apps::policy_partial;
use shared::domain::apps::policy_partial::PolicyPartialInput;
use shared::domain::apps::publication::AppReference;
use shared::http::dialect::wso2_views::{AppList, Summary};
use shared::http::incoming::Incoming;
use shared::http::paging::{SLICE_DEFAULT, Slice};
use shared::http::path::Path;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::{Reply, Success};
use shared::http::routes::Function;
use shared::http::routes::wso2_policies::FUNCTION;
use shared::http::routes::wso2_policies::Op;
use shared::model::apps::policy_partial::SharedPartial;
use shared::store::keys;

mod attributes;

mod decision;

/// The function.
pub struct Policies;

const LIST: Path<0> = Op::List.path([]);

const APPS_OF: Path<2> = Op::ListApps.path(["policyPartialId", "appType"]);

const PARTIAL: Path<1> = Op::Read.path(["policyPartialId"]);

impl Operations for Policies {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        // A request for no page is refused before anything is read.
        let Slice { limit, offset } = Slice::of(incoming).unwrap_or(Slice {
            limit: SLICE_DEFAULT,
            offset: 0,
        });
        match op {
            Op::Validate | Op::Create => Plan::default(),
            Op::List => Plan::default().query(policy_partial::listing(tenant_id, offset, limit)),
            Op::ListApps => {
                let (Ok(id), Ok(listing)) = (number(incoming), listing(incoming)) else {
                    return Plan::default();
                };
                let plan = Plan::keys(vec![keys::partial(tenant_id, id)]);
                match policy_partial::mapped(tenant_id, id, listing, offset, limit) {
                    Some(query) => plan.query(query),
                    None => plan,
                }
            }
            Op::Read | Op::Update | Op::Delete => number(incoming).map_or_else(
                |_| Plan::default(),
                |id| Plan::keys(vec![keys::partial(tenant_id, id)]),
            ),
            Op::Decide => {
                let (Ok(named), Ok(listing)) = (
                    AppReference::parse(incoming.param("appId")),
                    listing(incoming),
                ) else {
                    return Plan::default();
                };
                Plan::keys(named.keys(tenant_id, listing))
            }
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => list(call).await,
            Op::ListApps => list_apps(call).await,
            Op::Validate => validate(&call),
            Op::Create => create(call).await,
            Op::Read => read(call).await,
            Op::Update => update(call).await,
            Op::Delete => delete(call).await,
            Op::Decide => decision::decide(call).await,
        }
    }
}

/// The list that the path names.
fn listing(incoming: &Incoming) -> Result<Listing, Error> {
    incoming.param("appType").parse::<Listing>()
}

/// The number of the partial that the path names.
fn number(incoming: &Incoming) -> Result<u32, Error> {
    let text = incoming.param("policyPartialId");
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or_else(|| Error::invalid("policyPartialId is the number of a policy partial"))
}

/// What a request says of a partial.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    policy_partial: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    policy_partial_name: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    is_shared_partial: Option<bool>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    policy_partial_desc: Option<String>,
}

/// A text that may be blank, within its limit.
fn within<const MOST: usize>(
    field: &str,
    text: Option<String>,
) -> Result<Option<Text<MOST, true>>, Error> {
    let checked = |text| {
        Text::new(text).ok_or_else(|| {
            Error::invalid(format!(
                "{field} has at most {MOST} characters, and no control characters"
            ))
        })
    };
    text.map(checked).transpose()
}

/// Reads and checks what a request says of a partial. The text of the partial stays as it was sent.
fn input(call: &Call<'_>) -> Result<PolicyPartialInput, Error> {
    call.incoming.require_json()?;
    let body: Body = call.body()?;
    let text = body
        .policy_partial
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Error::invalid("policyPartial is missing"))?;
    xacml::parse(&text).map_err(|refused| Error::invalid(format!("policyPartial: {refused}")))?;
    let name = within("policyPartialName", body.policy_partial_name)?;
    let description = within("policyPartialDesc", body.policy_partial_desc)?;
    Ok(PolicyPartialInput {
        name,
        description,
        text,
        shared: body.is_shared_partial,
    })
}

fn validate(call: &Call<'_>) -> Result<Reply, Error> {
    input(call)?;
    Ok(Reply::empty())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartialView<'a> {
    policy_partial_id: u32,
    policy_partial_name: &'a str,
    policy_partial: &'a str,
    is_shared_partial: bool,
    policy_partial_desc: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NumberView {
    policy_partial_id: u32,
}

async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.conditions.judge_creation()?;
    let (said, who) = (input(&call)?, call.who()?);
    let made = policy_partial::create(&mut call.reader, who, &said).await?;
    let location = PARTIAL.of([&made.id]);
    let view = NumberView {
        policy_partial_id: made.id,
    };
    Ok(Reply::of(&view)?
        .success(Success::Catalogued)
        .header("location", location)
        .validators(made.validators()?))
}

async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let (id, tenant_id) = (number(call.incoming)?, call.who()?.tenant_id);
    let found = policy_partial::find(&mut call.reader, tenant_id, id)
        .await?
        .value;
    let view = PartialView {
        policy_partial_id: found.id,
        policy_partial_name: found.name.as_str(),
        policy_partial: &found.text,
        is_shared_partial: found.shared,
        policy_partial_desc: found.description.as_str(),
    };
    Ok(Reply::of(&view)?.validators(found.validators()?))
}

async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    let (id, tenant_id) = (number(call.incoming)?, call.who()?.tenant_id);
    let (conditions, required) = (
        &call.incoming.conditions,
        call.context.settings.require_if_match,
    );
    let judge = |state: &Validators| conditions.judge_change(state, required);
    // What is there and its conditions come before what is wrong with the body.
    judge(
        &policy_partial::find(&mut call.reader, tenant_id, id)
            .await?
            .value
            .validators()?,
    )?;
    let said = input(&call)?;
    let changed = policy_partial::update(&mut call.reader, tenant_id, id, judge, &said).await?;
    Ok(Reply::empty().validators(changed.validators()?))
}

async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let (id, tenant_id) = (number(call.incoming)?, call.who()?.tenant_id);
    let (conditions, required) = (
        &call.incoming.conditions,
        call.context.settings.require_if_match,
    );
    policy_partial::delete(&mut call.reader, tenant_id, id, |state| {
        conditions.judge_change(state, required)
    })
    .await?;
    Ok(Reply::empty())
}

async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct InfoView {
        policy_partial_id: u32,
        policy_partial_name: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct ListView {
        count: usize,
        next: String,
        previous: String,
        policy_list: Vec<InfoView>,
    }
    let (slice, tenant_id) = (Slice::of(call.incoming)?, call.who()?.tenant_id);
    let (found, more) =
        policy_partial::list(&mut call.reader, tenant_id, slice.offset, slice.limit).await?;
    let links = slice.links(LIST.text(), &[], found.len(), more);
    let view = |shown: SharedPartial| InfoView {
        policy_partial_id: shown.id,
        policy_partial_name: shown.name.to_string(),
    };
    let policy_list: Vec<InfoView> = found.into_iter().map(view).collect();
    Reply::of(&ListView {
        count: policy_list.len(),
        next: links.next,
        previous: links.previous,
        policy_list,
    })
}

async fn list_apps(mut call: Call<'_>) -> Result<Reply, Error> {
    let listing = listing(call.incoming)?;
    let (id, slice, tenant_id) = (
        number(call.incoming)?,
        Slice::of(call.incoming)?,
        call.who()?.tenant_id,
    );
    policy_partial::find(&mut call.reader, tenant_id, id).await?;
    let (rows, more) = policy_partial::apps(
        &mut call.reader,
        tenant_id,
        id,
        listing,
        slice.offset,
        slice.limit,
    )
    .await?;
    let apps: Vec<Summary> = rows.into_iter().map(Summary::from).collect();
    // An app that was deleted in between is not shown, and the next page begins where this one was
    // to end.
    let links = slice.links(
        &APPS_OF.of([&id, &listing.as_str()]),
        &[],
        slice.limit as usize,
        more,
    );
    Reply::of(&AppList::short(&apps, links))
}

//! Business owners (001a 23 to 27).

use serde::{Deserialize, Serialize};
use shared::base::conditions::Validators;
use shared::base::error::{Error, Kind};
use shared::domain::apps::business_owner;
use shared::domain::apps::business_owner::BusinessOwnerInput;
use shared::http::path::Path;
use shared::http::pipeline::Call;
use shared::http::reply::{Reply, Success};
use shared::http::routes::wso2_reference::Op;
use shared::model::apps::business_owner::{BusinessOwner, Property};

const OWNER: Path<1> = Op::ReadOwner.path(["businessOwnerId"]);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PropertyView<'a> {
    key: &'a str,
    value: &'a str,
    is_visible: bool,
}

#[derive(Serialize)]
struct OwnerView<'a> {
    id: u32,
    name: &'a str,
    email: &'a str,
    site: &'a str,
    description: &'a str,
    properties: Vec<PropertyView<'a>>,
}

impl<'a> OwnerView<'a> {
    fn of(owner: &'a BusinessOwner) -> Self {
        let view = |property: &'a Property| PropertyView {
            key: &property.key,
            value: &property.value,
            is_visible: property.visible,
        };
        Self {
            id: owner.id,
            name: &owner.name,
            email: &owner.email,
            site: &owner.site,
            description: &owner.description,
            properties: owner.properties.iter().map(view).collect(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PropertyBody {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    key: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    value: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
    is_visible: Option<bool>,
}

#[derive(Deserialize)]
struct OwnerBody {
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    site: Option<String>,
    #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
    description: Option<String>,
    properties: Option<Vec<PropertyBody>>,
}

/// What a request says of an owner. An `id` in it is passed over: the path says whose it is.
fn input(call: &Call<'_>) -> Result<BusinessOwnerInput, Error> {
    call.incoming.require_json()?;
    let body: OwnerBody = call.body()?;
    let property = |body: PropertyBody| Property {
        key: body.key.unwrap_or_default(),
        value: body.value.unwrap_or_default(),
        visible: body.is_visible.unwrap_or_default(),
    };
    let said = BusinessOwnerInput {
        name: body.name.unwrap_or_default(),
        email: body.email.unwrap_or_default(),
        site: body.site.unwrap_or_default(),
        description: body.description.unwrap_or_default(),
        properties: body
            .properties
            .unwrap_or_default()
            .into_iter()
            .map(property)
            .collect(),
    };
    said.checked()
}

/// 001a 23: all of them, since the documents do not page this list.
pub async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct OwnersView<'a> {
        #[serde(rename = "businessOwnerList")]
        list: Vec<OwnerView<'a>>,
    }
    let tenant_id = call.who()?.tenant_id;
    let owners = business_owner::list(&mut call.reader, tenant_id).await?;
    let too_large = |error: Error| match error.kind {
        Kind::TooLarge => Error::too_large(
            "There are more business owners than one answer holds: read them by businessOwnerId",
        ),
        _ => error,
    };
    Reply::of(&OwnersView {
        list: owners.iter().map(OwnerView::of).collect(),
    })
    .map_err(too_large)
}

/// 001a 24
pub async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct MadeView {
        id: u32,
    }
    call.incoming.conditions.judge_creation()?;
    let (said, tenant_id) = (input(&call)?, call.who()?.tenant_id);
    let owner = business_owner::create(&mut call.reader, tenant_id, said).await?;
    let reply = Reply::of(&MadeView { id: owner.id })?
        .success(Success::Catalogued)
        .validators(owner.validators());
    Ok(reply.header("location", OWNER.of([&owner.id])))
}

fn number(call: &Call<'_>) -> Result<u32, Error> {
    business_owner::number(call.incoming.param("businessOwnerId"))
}

/// 001a 25
pub async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    let (id, tenant_id) = (number(&call)?, call.who()?.tenant_id);
    let owner = business_owner::find(&mut call.reader, tenant_id, id)
        .await?
        .value;
    Ok(Reply::of(&OwnerView::of(&owner))?.validators(owner.validators()))
}

/// 001a 26: what the request does not say is empty afterwards.
pub async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    let (id, tenant_id) = (number(&call)?, call.who()?.tenant_id);
    let (conditions, required) = (
        &call.incoming.conditions,
        call.context.settings.require_if_match,
    );
    let judge = |validators: &Validators| conditions.judge_change(validators, required);
    // Whether it is there, and may be changed, comes before what the body says.
    judge(
        &business_owner::find(&mut call.reader, tenant_id, id)
            .await?
            .value
            .validators(),
    )?;
    let said = input(&call)?;
    let owner = business_owner::update(&mut call.reader, tenant_id, id, judge, said).await?;
    Ok(Reply::empty().validators(owner.validators()))
}

/// 001a 27
pub async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let (id, tenant_id) = (number(&call)?, call.who()?.tenant_id);
    let (conditions, required) = (
        &call.incoming.conditions,
        call.context.settings.require_if_match,
    );
    business_owner::delete(&mut call.reader, tenant_id, id, |validators| {
        conditions.judge_change(validators, required)
    })
    .await?;
    Ok(Reply::empty())
}

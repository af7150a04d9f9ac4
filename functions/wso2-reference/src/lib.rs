//! 001: business owners, roles, tiers, java policies and statistics.

use serde::{Deserialize, Serialize};
use shared::base::error::Error;
use shared::base::id::TenantId;
use shared::base::kind::Listing;
use shared::domain::apps::{business_owner, tier};
use shared::domain::people::roles;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::wso2_reference::{FUNCTION, Op};
use shared::store::keys;

mod owners;

mod stats;

/// The function.
pub struct Reference;

impl Operations for Reference {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        match op {
            Op::ListOwners => Plan::default().query(business_owner::listing(tenant_id)),
            Op::ReadOwner | Op::UpdateOwner | Op::DeleteOwner => {
                let number = business_owner::number(incoming.param("businessOwnerId"));
                Plan::keys(
                    number
                        .into_iter()
                        .map(|number| keys::business_owner(tenant_id, number))
                        .collect(),
                )
            }
            Op::ListRoles => Plan::default().query(roles::listing(tenant_id)),
            Op::ReadStats => stats::first_rows(incoming, tenant_id)
                .into_iter()
                .fold(Plan::default(), Plan::query),
            Op::CreateOwner | Op::ListJavaPolicies | Op::ListTiers => Plan::default(),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::ListOwners => owners::list(call).await,
            Op::CreateOwner => owners::create(call).await,
            Op::ReadOwner => owners::read(call).await,
            Op::UpdateOwner => owners::update(call).await,
            Op::DeleteOwner => owners::delete(call).await,
            Op::ListRoles => list_roles(call).await,
            Op::ListJavaPolicies => list_java_policies(&call),
            Op::ListTiers => list_tiers(&call),
            Op::ReadStats => stats::read(call).await,
        }
    }
}

/// 001a 28
async fn list_roles(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct RolesView {
        #[serde(rename = "roleIds")]
        role_ids: Vec<String>,
    }
    let tenant_id = call.who()?.tenant_id;
    Reply::of(&RolesView {
        role_ids: roles::list(&mut call.reader, tenant_id).await?,
    })
}

/// 001a 29. Java policies are what the original's gateway does with a request on its way to an app.
/// No request passes through this product, so that there is none.
fn list_java_policies(call: &Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Asked {
        #[serde(
            default,
            rename = "isGlobal",
            deserialize_with = "shared::base::lenient::optional_flag"
        )]
        _is_global: Option<bool>,
    }
    #[derive(Serialize)]
    struct PoliciesView {
        #[serde(rename = "policyList")]
        policy_list: [(); 0],
    }
    let _: Asked = call
        .body()
        .map_err(|_| Error::invalid("isGlobal is true or false"))?;
    Reply::of(&PoliciesView { policy_list: [] })
}

/// 001a 6
fn list_tiers(call: &Call<'_>) -> Result<Reply, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct TierView {
        tier_name: &'static str,
        tier_display_name: &'static str,
        tier_description: &'static str,
        tier_sort_key: u32,
    }
    #[derive(Serialize)]
    struct TiersView {
        #[serde(rename = "tierList")]
        tier_list: Vec<TierView>,
    }
    if call.incoming.param("appType").parse::<Listing>()? == Listing::Mobile {
        return Err(Error::invalid(
            "appType: a mobileapp has no throttling tiers",
        ));
    }
    let view = |tier: tier::Tier| TierView {
        tier_name: tier.name,
        tier_display_name: tier.display_name,
        tier_description: tier.description,
        tier_sort_key: tier.sort_key,
    };
    Reply::of(&TiersView {
        tier_list: tier::ALL.into_iter().map(view).collect(),
    })
}

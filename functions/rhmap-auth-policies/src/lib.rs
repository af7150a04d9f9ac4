//! 003 chapter 3: auth policies.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{Guid, TenantId};
use shared::domain::people::auth_policy;
use shared::domain::people::auth_policy::AuthPolicyInput;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_auth_policies::{FUNCTION, Op};
use shared::model::people::auth_policy::Policy;
use shared::model::people::user::User;
use shared::store::{Query, keys};

/// The function.
pub struct AuthPolicies;

impl Operations for AuthPolicies {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        if op == Op::List {
            return Plan::default()
                .query(Query::all(keys::policies(tenant_id)))
                .query(Query::all(keys::policy_users(tenant_id)));
        }
        let guid = incoming.peek::<Guid>("guid");
        let record = Plan::keys(
            guid.iter()
                .map(|guid| keys::policy(tenant_id, guid))
                .collect(),
        );
        match (op, &guid) {
            (Op::Create, _) => plan_users(
                incoming,
                tenant_id,
                Plan::keys(vec![keys::tenant(tenant_id)]),
            ),
            // Another provider is given only to users whom the caller may be.
            (Op::Update, Some(guid)) => record
                .and([keys::tenant(tenant_id)])
                .query(auth_policy::users_listing(tenant_id, guid)),
            (Op::Read, _) if incoming.peek::<PolicyId>("policyId").is_some() => Plan::keys(
                incoming
                    .peek::<PolicyId>("policyId")
                    .iter()
                    .map(|id| keys::policy_id(tenant_id, &id.0))
                    .collect(),
            ),
            (Op::Read | Op::ListUsers, Some(guid)) => {
                record.query(auth_policy::users_listing(tenant_id, guid))
            }
            (Op::Delete, Some(guid)) => record.query(auth_policy::leaving(tenant_id, guid)),
            (Op::AddUsers | Op::RemoveUsers, _) => plan_users(incoming, tenant_id, record),
            (Op::Read | Op::Update | Op::ListUsers | Op::Delete | Op::List, _) => record,
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::Create => create(call).await,
            Op::Read => read(call).await,
            Op::Update => update(call).await,
            Op::Delete => delete(call).await,
            Op::List => list(call).await,
            Op::ListUsers => list_users(call).await,
            Op::AddUsers => change_users(call, true).await,
            Op::RemoveUsers => change_users(call, false).await,
        }
    }
}

/// With the users whom the request names.
fn plan_users(incoming: &Incoming, tenant_id: TenantId, plan: Plan) -> Plan {
    let users = incoming
        .peek::<Vec<UserReference>>("users")
        .unwrap_or_default();
    let of = |user: &UserReference| {
        [
            Some(keys::sign_in(tenant_id, &user.0)),
            user.0.parse().ok().map(|guid| keys::user(tenant_id, &guid)),
        ]
    };
    plan.and(
        users
            .iter()
            .take(auth_policy::MAX_USERS)
            .flat_map(of)
            .flatten(),
    )
}

#[derive(Deserialize)]
struct PolicyId(#[serde(deserialize_with = "shared::base::lenient::text")] String);

/// A user: a name or guid, or the object that `read` gives, which fhc sends back.
struct UserReference(String);

impl<'de> Deserialize<'de> for UserReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let part = ["guid", "userId", "userid"]
            .into_iter()
            .find_map(|field| value.get(field).filter(|part| !part.is_null()))
            .unwrap_or(&value);
        shared::base::lenient::text(part.clone())
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

fn texts(users: Vec<UserReference>) -> Vec<String> {
    users
        .into_iter()
        .map(|user| user.0.trim().to_owned())
        .collect()
}

#[derive(Serialize)]
struct UserView<'a> {
    guid: &'a Guid,
    #[serde(rename = "userId")]
    user_id: &'a str,
    userid: &'a str,
    email: &'a str,
    name: &'a str,
}

impl<'a> UserView<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            guid: &user.owner.user,
            user_id: &user.owner.username,
            userid: &user.owner.username,
            email: &user.owner.email,
            name: &user.name,
        }
    }
}

/// What the answer to a change says of a policy that lets everybody in.
const WARNING: &str = "Neither checkUserExists nor checkUserApproved is set: this policy admits \
    everybody whom its provider admits";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyView<'a> {
    guid: &'a Guid,
    policy_id: &'a str,
    policy_type: &'a str,
    configurations: Map<String, Value>,
    check_user_exists: bool,
    check_user_approved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<UserView<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

impl<'a> PolicyView<'a> {
    fn of(policy: &'a Policy, users: Option<&'a [User]>) -> Self {
        Self {
            guid: &policy.guid,
            policy_id: &policy.policy_id,
            policy_type: &policy.policy_type,
            configurations: policy.masked(),
            check_user_exists: policy.check_user_exists,
            check_user_approved: policy.check_user_approved,
            users: users.map(|users| users.iter().map(UserView::of).collect()),
            warning: None,
        }
    }

    /// As the answer to whoever made it what it is.
    fn warned(self, policy: &Policy) -> Self {
        Self {
            warning: policy.admits_anybody().then_some(WARNING),
            ..self
        }
    }
}

async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        #[serde(deserialize_with = "shared::base::lenient::text")]
        policy_id: String,
        #[serde(deserialize_with = "shared::base::lenient::text")]
        policy_type: String,
        configurations: Map<String, Value>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        check_user_exists: Option<bool>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        check_user_approved: Option<bool>,
        #[serde(default)]
        users: Option<Vec<UserReference>>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let wanted = AuthPolicyInput {
        policy_id: Some(body.policy_id),
        policy_type: Some(body.policy_type),
        configurations: Some(body.configurations),
        check_user_exists: body.check_user_exists,
        check_user_approved: body.check_user_approved,
    };
    let key = call.data_key(who.tenant_id).await?;
    let users = texts(body.users.unwrap_or_default());
    let (policy, users) = auth_policy::create(
        &mut call.reader,
        who,
        &wanted,
        &users,
        &key,
        call.context.settings.reach(),
    )
    .await?;
    Reply::of(&PolicyView::of(&policy, Some(&users)).warned(&policy))
}

/// By its id, or by its guid where no id is named.
async fn read(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        policy_id: Option<String>,
        guid: Option<Guid>,
    }
    let body: Body = call.body()?;
    let tenant_id = call.who()?.tenant_id;
    let (policy, users) = match (body.policy_id, body.guid) {
        (Some(id), _) => auth_policy::read(&mut call.reader, tenant_id, &id).await?,
        (None, Some(guid)) => auth_policy::with_users(&mut call.reader, tenant_id, &guid).await?,
        (None, None) => return Err(Error::invalid(Code::InvalidPolicyId)),
    };
    Reply::of(&PolicyView::of(&policy, Some(&users)))
}

/// What is absent stays. fhc sends back everything that `read` gave: the users in it are not taken,
/// since a list that was read a while ago would undo what others did; `addusers` and `removeusers`
/// change it. The answer is without them.
async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        guid: Guid,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        policy_id: Option<String>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_text")]
        policy_type: Option<String>,
        #[serde(default)]
        configurations: Option<Map<String, Value>>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        check_user_exists: Option<bool>,
        #[serde(default, deserialize_with = "shared::base::lenient::optional_flag")]
        check_user_approved: Option<bool>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let wanted = AuthPolicyInput {
        policy_id: body.policy_id,
        policy_type: body.policy_type,
        configurations: body.configurations,
        check_user_exists: body.check_user_exists,
        check_user_approved: body.check_user_approved,
    };
    let key = call.data_key(who.tenant_id).await?;
    let policy = auth_policy::update(
        &mut call.reader,
        who,
        &body.guid,
        &wanted,
        &key,
        call.context.settings.reach(),
    )
    .await?;
    Reply::of(&PolicyView::of(&policy, None).warned(&policy))
}

#[derive(Deserialize)]
struct GuidBody {
    guid: Guid,
}

async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (GuidBody, _) = (call.body()?, call.who()?);
    auth_policy::delete(&mut call.reader, who, &body.guid).await?;
    Ok(Reply::done())
}

#[derive(Serialize)]
struct ListView<V> {
    list: Vec<V>,
    count: usize,
}

impl<V> ListView<V> {
    fn of(list: Vec<V>) -> Self {
        Self {
            count: list.len(),
            list,
        }
    }
}

async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    call.incoming.readable()?;
    let tenant_id = call.who()?.tenant_id;
    let found = auth_policy::list(&mut call.reader, tenant_id).await?;
    Reply::of(&ListView::of(
        found
            .iter()
            .map(|(policy, users)| PolicyView::of(policy, Some(users)))
            .collect(),
    ))
}

async fn list_users(mut call: Call<'_>) -> Result<Reply, Error> {
    let body: GuidBody = call.body()?;
    let tenant_id = call.who()?.tenant_id;
    let (_, users) = auth_policy::with_users(&mut call.reader, tenant_id, &body.guid).await?;
    Reply::of(&ListView::of(users.iter().map(UserView::of).collect()))
}

async fn change_users(mut call: Call<'_>, add: bool) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        guid: Guid,
        users: Vec<UserReference>,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    auth_policy::change_users(&mut call.reader, who, &body.guid, &texts(body.users), add).await?;
    Ok(Reply::done())
}

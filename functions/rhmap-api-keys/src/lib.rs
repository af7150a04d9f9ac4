//! 003 chapter 1: API keys of users and apps.

use serde::{Deserialize, Serialize};
use shared::base::code::Code;
use shared::base::error::Error;
use shared::base::id::{AppRef, TenantId};
use shared::base::secret::CredentialText;
use shared::base::text::Label;
use shared::domain::sign_in::api_key;
use shared::http::incoming::Incoming;
use shared::http::pipeline::{Call, Operations, Plan};
use shared::http::reply::Reply;
use shared::http::routes::Function;
use shared::http::routes::rhmap_api_keys::{FUNCTION, Op};
use shared::model::credentials::credential::{ApiKey, KeyOf};
use shared::model::people::principal::Principal;
use shared::services::sealing::DataKey;
use shared::store::keys;

/// The function.
pub struct ApiKeys;

impl Operations for ApiKeys {
    type Op = Op;
    type Body = ();
    const FUNCTION: Function<Op> = FUNCTION;

    fn plan(op: Op, incoming: &Incoming, tenant_id: TenantId) -> Plan {
        let of = match (
            incoming.peek::<AppRef>("appId"),
            shared::http::presented::choose(&incoming.presented),
        ) {
            (Some(AppRef::Ours(app)), _) => Some(KeyOf::App(app.item())),
            (_, Some((credential, _))) => credential.user().cloned().map(KeyOf::User),
            _ => None,
        };
        let named = incoming
            .peek::<String>("key")
            .and_then(|text| text.parse::<CredentialText>().ok());
        let named = named.map(|text| keys::credential(tenant_id, &text.hash()));
        let plan = Plan::keys(vec![keys::tenant(tenant_id)]);
        match (op, of) {
            (Op::List, Some(of)) => {
                let plan = plan.query(api_key::listing(tenant_id, &of));
                if let KeyOf::App(app) = of {
                    plan.and([keys::app(tenant_id, app)])
                } else {
                    plan
                }
            }
            (Op::Create, Some(of)) => plan.and(api_key::keys_to_create(tenant_id, &of)),
            (Op::List | Op::Create, None) => plan,
            (Op::Revoke | Op::Delete | Op::Update | Op::Validate, _) => plan.and(named),
        }
    }

    async fn call(op: Op, call: Call<'_>) -> Result<Reply, Error> {
        match op {
            Op::List => list(call).await,
            Op::Create => create(call).await,
            Op::Revoke => revoke(call).await,
            Op::Delete => delete(call).await,
            Op::Update => update(call).await,
            Op::Validate => validate(call).await,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnerBody {
    #[serde(rename = "type")]
    kind: KeyType,
    app_id: Option<AppRef>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum KeyType {
    User,
    App,
}

impl OwnerBody {
    fn of(&self, who: &Principal) -> Result<KeyOf, Error> {
        match (self.kind, self.app_id) {
            (KeyType::User, _) => Ok(KeyOf::User(who.owner.user.clone())),
            (KeyType::App, Some(AppRef::Ours(app))) => Ok(KeyOf::App(app.item())),
            (KeyType::App, Some(AppRef::Foreign)) => Err(Error::not_found(
                Code::InvalidGuid.beside("There is no app with this guid in this domain"),
            )),
            (KeyType::App, None) => Err(Error::invalid(
                Code::InvalidGuid
                    .beside("This is not the guid of any app: it is missing or malformed"),
            )),
        }
    }
}

/// An API key as 003 prints it: a key that is not revoked has nulls, as the real platform gave.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    label: String,
    key_type: &'static str,
    key: String,
    key_reference: String,
    /// 003: "only for 'admin' group".
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    revoked: Option<String>,
    revoked_by: Option<String>,
    revoked_email: Option<String>,
}

impl KeyView {
    fn of(key: &ApiKey, who: &Principal, opener: &DataKey) -> Result<Self, Error> {
        let (key_type, key_reference) = match &key.of {
            KeyOf::User(user) => ("user", user.to_string()),
            KeyOf::App(app) => ("app", app.guid()),
        };
        Ok(Self {
            label: key.label.to_string(),
            key_type,
            key: key.open(opener)?,
            key_reference,
            secret: if who.administers() {
                Some(key.open_secret(opener)?)
            } else {
                None
            },
            revoked: key
                .revoked
                .as_ref()
                .map(|revoked| revoked.at.colon_millis()),
            revoked_by: key.revoked.as_ref().map(|revoked| revoked.by.to_string()),
            revoked_email: key.revoked.as_ref().map(|revoked| revoked.email.clone()),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneView {
    api_key: KeyView,
}

async fn one(call: &mut Call<'_>, key: &ApiKey) -> Result<Reply, Error> {
    let who = call.who()?;
    let opener = call.data_key(who.tenant_id).await?;
    Reply::of(&OneView {
        api_key: KeyView::of(key, who, &opener)?,
    })
}

/// 003 1.1
async fn list(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (OwnerBody, _) = (call.body()?, call.who()?);
    let of = body.of(who)?;
    let found = api_key::list(&mut call.reader, who, &of).await?;
    let opener = call.data_key(who.tenant_id).await?;
    #[derive(Serialize)]
    struct ListView {
        list: Vec<KeyView>,
    }
    Reply::of(&ListView {
        list: found
            .iter()
            .map(|key| KeyView::of(key, who, &opener))
            .collect::<Result<_, _>>()?,
    })
}

/// 003 1.2
async fn create(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        label: Label,
    }
    let (body, owner, who): (Body, OwnerBody, _) = (call.body()?, call.body()?, call.who()?);
    let of = owner.of(who)?;
    let opener = call.data_key(who.tenant_id).await?;
    let key = api_key::create(&mut call.reader, who, of, body.label, &opener).await?;
    Reply::of(&OneView {
        api_key: KeyView::of(&key, who, &opener)?,
    })
}

#[derive(Deserialize)]
struct KeyBody {
    key: String,
}

/// 003 1.3
async fn revoke(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (KeyBody, _) = (call.body()?, call.who()?);
    let key = api_key::revoke(&mut call.reader, who, &body.key).await?;
    one(&mut call, &key).await
}

/// 003 1.4
async fn delete(mut call: Call<'_>) -> Result<Reply, Error> {
    let (body, who): (KeyBody, _) = (call.body()?, call.who()?);
    let key = api_key::delete(&mut call.reader, who, &body.key).await?;
    one(&mut call, &key).await
}

/// 003 1.5. fhc sends the label twice; the document's place counts.
async fn update(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        key: String,
        fields: Fields,
    }
    #[derive(Deserialize)]
    struct Fields {
        label: Label,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let key = api_key::relabel(&mut call.reader, who, &body.key, &body.fields.label).await?;
    one(&mut call, &key).await
}

/// 003 1.6
async fn validate(mut call: Call<'_>) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "type")]
        kind: String,
        key: String,
    }
    let (body, who): (Body, _) = (call.body()?, call.who()?);
    let valid = api_key::is_valid(&mut call.reader, who, &body.kind, &body.key).await?;
    #[derive(Serialize)]
    struct ValidView {
        valid: bool,
    }
    Reply::of(&ValidView { valid })
}

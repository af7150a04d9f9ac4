//! Policy partials and decisions.

use serde_json::json;
use shared::base::id::AppId;
use shared::base::rights::{Rights, Scopes};
use shared::base::secret::CredentialText;
use shared::domain::apps::policy_partial;
use shared::domain::apps::policy_partial::PolicyPartialInput;
use shared::model::people::principal::{Means, Principal};
use shared::store::record::Reader;

use super::{Carries, Entry, Furnished, MARK, SCOPES, delete, get, none, post};
use crate::{TestTenant, World};

/// What the furnished tenant has of them.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// A shared partial that the web app uses.
    pub used: u32,
    /// Another shared one that nothing uses.
    pub spare: u32,
    /// A published web app.
    pub web_app: String,
}

/// A condition that holds for a role.
pub const CONDITION: &str = "<Condition><Apply \
    FunctionId=\"urn:oasis:names:tc:xacml:1.0:function:string-is-in\">\
    <AttributeValue DataType=\"http://www.w3.org/2001/XMLSchema#string\">admin</AttributeValue>\
    <AttributeDesignator Category=\"urn:oasis:names:tc:xacml:1.0:subject-category:access-subject\" \
    AttributeId=\"http://wso2.org/claims/role\" \
    DataType=\"http://www.w3.org/2001/XMLSchema#string\" \
    MustBePresent=\"false\"/></Apply></Condition>";

impl Policies {
    /// Furnishes a tenant with them.
    pub async fn of(world: &World, tenant: &TestTenant) -> Self {
        let tenant_id = tenant.tenant_id;
        let owner = world.user_record(tenant, &tenant.admin).await.value.owner;
        let means = Means::Bearer {
            scopes: Scopes::named("appm:administration"),
        };
        let credential = CredentialText::new_bearer(tenant_id, &tenant.admin).hash();
        let who = &Principal {
            tenant_id,
            domain: tenant.domain.clone(),
            owner,
            rights: Rights::ALL,
            means,
            credential,
        };
        let now = world.plain.clock.now();
        let reader = &mut Reader::new(&*world.plain.table, now);
        let said = PolicyPartialInput {
            text: CONDITION.to_owned(),
            shared: Some(true),
            ..PolicyPartialInput::default()
        };
        let used = policy_partial::create(reader, who, &said)
            .await
            .expect("a partial")
            .id;
        let spare = policy_partial::create(reader, who, &said)
            .await
            .expect("a partial")
            .id;
        let group = json!({
            "policyGroupName": format!("{MARK} group"),
            "throttlingTier": "Unlimited",
            "policyPartialMapping": [used],
        });
        let template = json!({
            "urlPattern": "/*",
            "httpVerb": "GET",
            "policyGroupName": format!("{MARK} group"),
        });
        let web_app = json!({
            "name": format!("{MARK} web app"),
            "version": "1.0",
            "displayName": format!("{MARK} web app"),
            "context": format!("/{MARK}"),
            "policyGroups": [group], "uriTemplates": [template],
        });
        let bearer = world.bearer(tenant, &tenant.admin, SCOPES).await;
        let made = world
            .call("POST", "/api/appm/publisher/v1.1/apps/webapp")
            .bearer(&bearer)
            .json(web_app)
            .send()
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id: AppId = made.json["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .expect("an id");
        world
            .post(
                &tenant.cookie,
                "/box/srv/1.1/admin/appstore/additem",
                json!({"guid": id.guid()}),
            )
            .await;
        Self {
            used,
            spare,
            web_app: id.uuid(),
        }
    }
}

const PARTIALS: &str = "/api/appm/publisher/v1.1/administration/xacmlpolicies";

const PARTIAL: &str = "/api/appm/publisher/v1.1/administration/xacmlpolicies/{policyPartialId}";

fn used(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![
        ("policyPartialId", f.policies.used.to_string()),
        ("appType", "webapp".to_owned()),
    ]
}

fn spare(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("policyPartialId", f.policies.spare.to_string())]
}

/// One entry for each row of the function.
pub(super) fn entries() -> Vec<Entry> {
    use Carries::Json;
    let new = |_: &Furnished| {
        Json(json!({
            "policyPartial": CONDITION,
            "policyPartialName": format!("{MARK} new"),
            "isSharedPartial": true,
        }))
    };
    let question = |_: &Furnished| {
        Json(json!({"path": "/a", "verb": "GET", "subject": {"id": "ann", "roles": ["admin"]}}))
    };
    vec![
        get("/api/appm/publisher/v1.1/xacmlpolicies", none).theirs(),
        get(
            "/api/appm/publisher/v1.1/xacmlpolicies/{policyPartialId}/apps/{appType}",
            none,
        )
        .with(used),
        post(
            "/api/appm/publisher/v1.1/administration/xacmlpolicies/validate",
            |_| Json(json!({"policyPartial": CONDITION})),
        )
        .theirs(),
        post(PARTIALS, new).ok(201).theirs(),
        get(PARTIAL, none).with(used),
        Entry::new("PUT", PARTIAL, |_| {
            Json(json!({"policyPartial": CONDITION, "policyPartialDesc": MARK}))
        })
        .with(used),
        delete(PARTIAL).again(&[404]).with(spare),
        post(
            "/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/decision",
            question,
        )
        .with(|f| {
            vec![
                ("appType", "webapp".to_owned()),
                ("appId", f.policies.web_app.clone()),
            ]
        }),
    ]
}

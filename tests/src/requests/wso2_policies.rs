//! Policy partials and decisions.

use serde_json::json;
use shared::access::{Means, Principal, Rights, Scopes};
use shared::domain::partial::{self, Said};
use shared::id::AppId;
use shared::records::Reader;
use shared::secret::CredentialText;

use super::{Carries, Entry, Furnished, MARK, SCOPES, delete, get, none, post};
use crate::{TestTenant, World};

/// What the furnished tenant has of them.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// A shared partial that the web app uses.
    pub used: u32,
    /// A partial that nothing uses.
    pub spare: u32,
    /// A published web app.
    pub web_app: String,
}

/// A condition that holds for a role.
pub const CONDITION: &str = "<Condition><Apply FunctionId=\"urn:oasis:names:tc:xacml:1.0:function:string-is-in\">\
    <AttributeValue DataType=\"http://www.w3.org/2001/XMLSchema#string\">admin</AttributeValue>\
    <AttributeDesignator Category=\"urn:oasis:names:tc:xacml:1.0:subject-category:access-subject\" AttributeId=\"http://wso2.org/claims/role\" \
    DataType=\"http://www.w3.org/2001/XMLSchema#string\" MustBePresent=\"false\"/></Apply></Condition>";

impl Policies {
    /// Furnishes a tenant with them.
    pub async fn of(world: &World, tenant: &TestTenant) -> Self {
        let handle = tenant.handle;
        let owner = world.user_record(tenant, &tenant.admin).await.value.owner;
        let means = Means::Bearer { scopes: Scopes::named("appm:administration") };
        let credential = CredentialText::new_bearer(handle, &tenant.admin).hash();
        let who = &Principal { handle, domain: tenant.domain.clone(), owner, rights: Rights::ALL, means, credential };
        let now = world.plain.clock.now();
        let reader = &mut Reader::new(&*world.plain.table, now);
        let said = Said { text: CONDITION.to_owned(), shared: Some(true), ..Said::default() };
        let used = partial::create(reader, who, &said).await.expect("a partial").id;
        let spare = partial::create(reader, who, &Said { shared: None, ..said }).await.expect("a partial").id;
        let group = json!({"policyGroupName": format!("{MARK} group"), "throttlingTier": "Unlimited", "policyPartialMapping": [used]});
        let template = json!({"urlPattern": "/*", "httpVerb": "GET", "policyGroupName": format!("{MARK} group")});
        let web_app = json!({
            "name": format!("{MARK} web app"), "version": "1.0", "displayName": format!("{MARK} web app"), "context": format!("/{MARK}"),
            "policyGroups": [group], "uriTemplates": [template],
        });
        let bearer = world.bearer(tenant, &tenant.admin, SCOPES).await;
        let made = world.call("POST", "/api/appm/publisher/v1.1/apps/webapp").bearer(&bearer).json(web_app).send().await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id: AppId = made.json["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        world.post(&tenant.cookie, "/box/srv/1.1/admin/appstore/additem", json!({"guid": id.guid()})).await;
        Self { used, spare, web_app: id.uuid() }
    }
}

fn named(f: &Furnished, partial: u32) -> Vec<(&'static str, String)> {
    vec![("policyPartialId", partial.to_string()), ("appType", "webapp".to_owned()), ("appId", f.policies.web_app.clone())]
}

/// One request per row.
pub(super) fn entries() -> Vec<Entry> {
    let of_used = |entry: Entry| if entry.method == "DELETE" { entry.with(|f| named(f, f.policies.spare)) } else { entry.with(|f| named(f, f.policies.used)) };
    requests().into_iter().map(of_used).collect()
}

fn requests() -> Vec<Entry> {
    use Carries::Json;
    vec![
        get("/api/appm/publisher/v1.1/xacmlpolicies", none).theirs(),
        get("/api/appm/publisher/v1.1/xacmlpolicies/{policyPartialId}/apps/{appType}", none),
        post("/api/appm/publisher/v1.1/administration/xacmlpolicies/validate", |_| Json(json!({"policyPartial": CONDITION}))).theirs(),
        post("/api/appm/publisher/v1.1/administration/xacmlpolicies", |_| {
            Json(json!({"policyPartial": CONDITION, "policyPartialName": format!("{MARK} new"), "isSharedPartial": true}))
        })
        .ok(201)
        .theirs(),
        get("/api/appm/publisher/v1.1/administration/xacmlpolicies/{policyPartialId}", none),
        Entry::new("PUT", "/api/appm/publisher/v1.1/administration/xacmlpolicies/{policyPartialId}", |_| {
            Json(json!({"policyPartial": CONDITION, "isSharedPartial": true, "policyPartialDesc": MARK}))
        }),
        delete("/api/appm/publisher/v1.1/administration/xacmlpolicies/{policyPartialId}").again(&[404]),
        post("/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/decision", |_| {
            Json(json!({"path": "/a", "verb": "GET", "subject": {"id": "ann", "roles": ["admin"]}}))
        }),
    ]
}

//! Policy partials and decisions.

use serde_json::json;
use shared::access::{Means, Principal, Rights, Scopes};
use shared::change;
use shared::domain::app::{self, AppCard};
use shared::domain::catalogue::AppKind;
use shared::domain::partial::{self, Said};
use shared::domain::publication::{PolicyGroup, Publication, UriTemplate};
use shared::domain::text::Name;
use shared::id::AppId;
use shared::records::{self, Reader};
use shared::secret::CredentialText;
use shared::store::keys;

use super::{Carries, Entry, Furnished, MARK, delete, get, none, post};
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
        let name = |what: &str| Name::new(format!("{MARK} {what}")).expect("a name");
        let said = Said { text: CONDITION.to_owned(), shared: Some(true), ..Said::default() };
        let used = partial::create(reader, who, &said).await.expect("a partial").id;
        let spare = partial::create(reader, who, &said).await.expect("a partial").id;
        let group = PolicyGroup {
            id: 1,
            name: format!("{MARK} group"),
            description: String::new(),
            throttling_tier: "Unlimited".to_owned(),
            user_roles: Vec::new(),
            partials: vec![used],
            allow_anonymous: false,
        };
        let template = UriTemplate { id: 1, url_pattern: "/*".to_owned(), http_verb: "GET".to_owned(), policy_group: 1 };
        let publication = Publication { policy_groups: vec![group], uri_templates: vec![template], ..Publication::default() };
        let id = AppId::new(now);
        let made: Result<(), shared::Error> = change!(reader, {
            let mut card = AppCard::new(&who.owner, id, AppKind::Web, name("web app"), now);
            card.context = Some(format!("/{MARK}"));
            let mut writes = app::made(reader, who, &mut card).await?;
            writes.extend(partial::map(reader, handle, &who.owner.user, id, &[], &[used]).await?);
            writes.push(records::create(keys::publication(handle, id), &publication)?);
            Ok(((), writes))
        });
        made.expect("a web app");
        let body = json!({"guid": id.guid()});
        world.post(&tenant.cookie, "/box/srv/1.1/admin/appstore/additem", body).await;
        Self { used, spare, web_app: id.uuid() }
    }
}

const PARTIALS: &str = "/api/appm/publisher/v1.1/administration/xacmlpolicies";
const PARTIAL: &str = "/api/appm/publisher/v1.1/administration/xacmlpolicies/{policyPartialId}";

fn used(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("policyPartialId", f.policies.used.to_string()), ("appType", "webapp".to_owned())]
}

fn spare(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("policyPartialId", f.policies.spare.to_string())]
}

/// One entry for each row of the function.
pub(super) fn entries() -> Vec<Entry> {
    use Carries::Json;
    let new = |_: &Furnished| Json(json!({"policyPartial": CONDITION, "policyPartialName": format!("{MARK} new"), "isSharedPartial": true}));
    let question = |_: &Furnished| Json(json!({"path": "/a", "verb": "GET", "subject": {"id": "ann", "roles": ["admin"]}}));
    vec![
        get("/api/appm/publisher/v1.1/xacmlpolicies", none).theirs(),
        get("/api/appm/publisher/v1.1/xacmlpolicies/{policyPartialId}/apps/{appType}", none).with(used),
        post("/api/appm/publisher/v1.1/administration/xacmlpolicies/validate", |_| Json(json!({"policyPartial": CONDITION}))).theirs(),
        post(PARTIALS, new).ok(201).theirs(),
        get(PARTIAL, none).with(used),
        Entry::new("PUT", PARTIAL, |_| Json(json!({"policyPartial": CONDITION, "policyPartialDesc": MARK}))).with(used),
        delete(PARTIAL).again(&[404]).with(spare),
        post("/api/appm/publisher/v1.1/apps/{appType}/id/{appId}/decision", question)
            .with(|f| vec![("appType", "webapp".to_owned()), ("appId", f.policies.web_app.clone())]),
    ]
}

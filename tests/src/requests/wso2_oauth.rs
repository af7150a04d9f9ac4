//! Clients of the publisher API and their tokens.

use serde_json::json;

use super::{Carries, Entry, Furnished, MARK, post};
use crate::{Answer, PASSWORD, TestTenant, World};

/// A client of the publisher API with its tokens.
#[derive(Clone, Debug, Default)]
pub struct TestClient {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// A bearer token of all scopes.
    pub bearer: String,
    /// The refresh token that came with it.
    pub refresh: String,
}

impl TestClient {
    /// Registers a client for the tenant's administrator and gets it tokens by his password.
    pub async fn of(world: &World, tenant: &TestTenant) -> Self {
        let body = json!({"clientName": format!("{MARK} client")});
        let made = world
            .call("POST", "/api/appm/oauth/v1.0/register")
            .basic(&login(tenant), PASSWORD)
            .json(body)
            .send()
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        let text = |answer: &Answer, name: &str| {
            answer.json[name]
                .as_str()
                .unwrap_or_else(|| panic!("{name} in {}", answer.text))
                .to_owned()
        };
        let (id, secret) = (text(&made, "clientId"), text(&made, "clientSecret"));
        let form = [
            ("grant_type", "password"),
            ("username", &login(tenant)),
            ("password", PASSWORD),
        ];
        let got = world
            .call("POST", "/oauth2/token")
            .basic(&id, &secret)
            .encoded(&form)
            .send()
            .await;
        assert_eq!(got.status, 200, "{}", got.text);
        Self {
            id,
            secret,
            bearer: text(&got, "access_token"),
            refresh: text(&got, "refresh_token"),
        }
    }
}

/// The administrator's name with the tenant's behind it.
fn login(tenant: &TestTenant) -> String {
    format!("admin@{0}.example@{0}", tenant.domain)
}

/// One entry for each row of the function.
pub(super) fn entries() -> Vec<Entry> {
    use Carries::{Encoded, Json};
    let client = |f: &Furnished| (f.client.id.clone(), f.client.secret.clone());
    vec![
        post("/api/appm/oauth/v1.0/register", |_| {
            Json(
                json!({"clientName": format!("{MARK} new"), "grantType": "password refresh_token"}),
            )
        })
        .basic(|f| (login(&f.tenant), PASSWORD.to_owned()))
        .ok(201)
        .again(&[429]),
        post("/oauth2/token", |f| {
            Encoded(vec![
                ("grant_type", "refresh_token".to_owned()),
                ("refresh_token", f.client.refresh.clone()),
            ])
        })
        .basic(client)
        .again(&[400]),
        post("/oauth2/revoke", |f| {
            Encoded(vec![("token", f.client.bearer.clone())])
        })
        .basic(client),
    ]
}

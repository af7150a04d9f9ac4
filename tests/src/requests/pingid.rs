//! Requests to the application API of PingID, and to the settings that sign its messages.

use serde_json::json;

use super::{Carries, Entry, Furnished, MARK, empty, get, none, post};
use crate::pingid::PingSettings;
use crate::{TestTenant, World};

const ADDED: &str = "https://ours.example/saml";

/// The tenant's settings, with a former key beside the current one, and with an application.
pub(super) async fn furnished(world: &World, tenant: &TestTenant) -> PingSettings {
    world.pingid(tenant).await;
    world
        .post(
            &tenant.cookie,
            "/box/srv/1.1/admin/pingid/rotate",
            json!({}),
        )
        .await;
    let settings = world.pingid(tenant).await;
    let added = world
        .ping(
            &settings,
            "addapplication",
            &json!({"application": {"id": ADDED, "name": "Ours only"}}),
        )
        .await;
    assert_eq!(added.status, 200, "{}", added.json);
    settings
}

/// One entry for each row of the function.
pub(super) fn entries() -> Vec<Entry> {
    use Carries::Json;
    fn new(_: &Furnished) -> Carries {
        Json(json!({
            "application": {"id": format!("{MARK} new"), "name": "New"},
            "clientData": "kept",
        }))
    }
    fn renamed(_: &Furnished) -> Carries {
        Json(json!({"appsData": {ADDED: {"id": format!("{MARK} renamed"), "name": "Renamed"}}}))
    }
    fn removed(_: &Furnished) -> Carries {
        Json(json!({"applicationsIds": [ADDED]}))
    }
    vec![
        post("/pingid/rest/4/addapplication/do", new)
            .again(&[400])
            .theirs(),
        post("/pingid/rest/4/getapplications/do", empty).theirs(),
        post("/pingid/rest/4/updateapplications/do", renamed).again(&[400]),
        post("/pingid/rest/4/deleteapplications/do", removed).again(&[400]),
        get("/box/srv/1.1/admin/pingid/settings", none).theirs(),
        get("/box/srv/1.1/admin/pingid/pingid.properties", none).theirs(),
        post("/box/srv/1.1/admin/pingid/rotate", empty).theirs(),
        post("/box/srv/1.1/admin/pingid/retire", empty).theirs(),
    ]
}

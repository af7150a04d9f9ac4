//! Requests to business owners, roles, tiers, java policies and statistics of the publisher API.

use serde_json::{Value, json};

use super::{Carries, Entry, Furnished, MARK, get, none, post};
use crate::World;

const OWNERS: &str = "/api/appm/publisher/v1.1/administration/businessowner";
const OWNER: &str = "/api/appm/publisher/v1.1/administration/businessowner/{businessOwnerId}";

fn owner(name: &str) -> Value {
    let properties =
        json!([{"key": "telephone", "value": format!("{MARK} 011"), "isVisible": true}]);
    json!({
        "name": format!("{MARK} {name}"), "email": "owner@dev.example", "site": "dev.example",
        "description": MARK, "properties": properties,
    })
}

/// Makes a business owner and gives its number.
pub(super) async fn new_owner(world: &World, bearer: &str) -> String {
    let made = world
        .call("POST", OWNERS)
        .bearer(bearer)
        .json(owner("owner"))
        .send()
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json["id"].to_string()
}

fn number(f: &Furnished) -> Vec<(&'static str, String)> {
    vec![("businessOwnerId", f.owner.clone())]
}

/// One entry for each row of the function.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        get(OWNERS, none).theirs(),
        post(OWNERS, |_| Carries::Json(owner("new")))
            .ok(201)
            .again(&[409])
            .theirs(),
        get(OWNER, none).with(number),
        Entry::new("PUT", OWNER, |_| Carries::Json(owner("renamed"))).with(number),
        Entry::new("DELETE", OWNER, none).again(&[404]).with(number),
        get("/api/appm/publisher/v1.1/roles", none).theirs(),
        get("/api/appm/publisher/v1.1/javapolicies", none).theirs(),
        get(
            "/api/appm/publisher/v1.1/apps/{appType}/throttlingtiers",
            none,
        )
        .with(|_| vec![("appType", "webapp".to_owned())])
        .theirs(),
        get(
            "/api/appm/publisher/v1.1/apps/{appType}/stats/{statType}",
            none,
        )
        .with(|_| {
            vec![
                ("appType", "mobileapp".to_owned()),
                ("statType", "getSubscriptionsPerApp".to_owned()),
            ]
        })
        .theirs(),
    ]
}

//! The events of the table's stream.

use serde::Deserialize;
use shared::base::error::Error;
use shared::base::id::{Guid, TenantId};
use shared::store::{Key, keys};

/// What is read of an event: the keys of items that are new. Nothing is taken from the items
/// themselves, which may be old by now.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName", default)]
    name: String,
    #[serde(default)]
    dynamodb: Option<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "Keys", default)]
    keys: Option<Keys>,
}

#[derive(Deserialize)]
struct Keys {
    pk: Text,
    sk: Text,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

/// The jobs that an event tells, in its order; what is no new job is passed over.
///
/// # Errors
/// Internal for an event that is none of a stream.
pub fn jobs(event: serde_json::Value) -> Result<Vec<(TenantId, Guid)>, Error> {
    let event: Event = serde_json::from_value(event).map_err(Error::internal)?;
    let new = event
        .records
        .into_iter()
        .filter(|record| record.name == "INSERT")
        .filter_map(|record| record.dynamodb?.keys);
    Ok(new
        .filter_map(|keys| {
            keys::parse_job(&Key {
                pk: keys.pk.text,
                sk: keys.sk.text,
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn new_jobs_are_found_and_nothing_else_is() {
        let (tenant_id, guid) = (TenantId::of_name("dev"), Guid::random());
        let key = keys::job(tenant_id, &guid);
        let record = |name: &str, pk: &str| {
            json!({
                "eventName": name,
                "dynamodb": {
                    "Keys": {"pk": {"S": pk}, "sk": {"S": key.sk}},
                    "StreamViewType": "NEW_IMAGE",
                },
            })
        };
        let event = json!({"Records": [
            record(
                "MODIFY", &key.pk
            ), record(
                "REMOVE", &key.pk
            ), record("INSERT", "x"), {"eventName": "INSERT"}, record("INSERT", &key.pk),
        ]});
        assert_eq!(jobs(event).unwrap(), [(tenant_id, guid)]);
        assert!(jobs(json!({"Records": []})).unwrap().is_empty());
        for other in [
            json!({}),
            json!(null),
            json!({"Records": "x"}),
            json!({"Records": [{"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"N": "1"}}}}]}),
        ] {
            assert!(jobs(other.clone()).is_err(), "{other}");
        }
    }
}

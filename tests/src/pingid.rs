//! A client of PingID's API for tests, which signs with an HMAC of its own.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};

use crate::{Answer, Call, TestTenant, World};

/// What a client has in its `pingid.properties`.
#[derive(Clone, Debug)]
pub struct PingSettings {
    /// The alias of the organization.
    pub alias: String,
    /// The token of the settings.
    pub token: String,
    /// The key.
    pub key: Vec<u8>,
}

/// Where an operation is.
pub fn path(operation: &str) -> String {
    format!("/pingid/rest/4/{operation}/do")
}

/// The HMAC of a text in base64url.
pub fn signature(key: &[u8], text: &str) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, key),
        text.as_bytes(),
    ))
}

/// A signed text of any header and payload.
pub fn sign(key: &[u8], header: &str, payload: &str) -> String {
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    format!("{text}.{}", signature(key, &text))
}

impl PingSettings {
    /// From the text of a `pingid.properties`, as Java reads it.
    pub fn read(text: &str) -> Self {
        let lines = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name, value.replace('\\', "")));
        let fields: BTreeMap<&str, String> = lines.collect();
        let field = |name: &str| {
            fields
                .get(name)
                .unwrap_or_else(|| panic!("no {name} in {text}"))
                .clone()
        };
        let key = STANDARD
            .decode(field("use_base64_key"))
            .expect("the key is base64");
        Self {
            alias: field("org_alias"),
            token: field("token"),
            key,
        }
    }

    /// The header of a message.
    pub fn header(&self) -> Value {
        json!({"alg": "HS256", "org_alias": self.alias, "token": self.token})
    }

    /// The `reqHeader` of a message that is sent at that time.
    pub fn req_header(&self, sent: &str) -> Value {
        json!({
            "locale": "en", "orgAlias": self.alias, "secretKey": self.token, "timestamp": sent,
            "version": "4.9",
        })
    }

    /// A message with that body, sent at that time.
    pub fn message_at(&self, sent: &str, body: &Value) -> String {
        self.signed(
            &self.header(),
            &json!({"reqHeader": self.req_header(sent), "reqBody": body}),
        )
    }

    /// A message of that header and payload.
    pub fn signed(&self, header: &Value, payload: &Value) -> String {
        sign(&self.key, &header.to_string(), &payload.to_string())
    }

    /// What an answer says, which must be signed by these settings.
    pub fn opened(&self, answer: &Answer) -> Value {
        let (text, signed_by) = answer
            .text
            .rsplit_once('.')
            .unwrap_or_else(|| panic!("not signed: {}", answer.text));
        assert_eq!(signature(&self.key, text), signed_by, "{}", answer.text);
        let part = |part: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
        };
        let (header, payload) = text.split_once('.').expect("two parts");
        assert_eq!(part(header), self.header());
        part(payload)
    }
}

/// What a signed text says, whoever signed it; null for anything else.
pub fn payload(text: &str) -> Value {
    let parts: Vec<&str> = text.split('.').collect();
    let [_, payload, _] = parts[..] else {
        return Value::Null;
    };
    URL_SAFE_NO_PAD
        .decode(payload)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_default()
}

impl World {
    /// The current PingID settings of a tenant, as its administrator downloads them.
    pub async fn pingid(&self, tenant: &TestTenant) -> PingSettings {
        let answer = self
            .call("GET", "/box/srv/1.1/admin/pingid/pingid.properties")
            .cookie(&tenant.cookie)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        PingSettings::read(&answer.text)
    }

    /// Calls an operation.
    pub async fn ping(&self, settings: &PingSettings, operation: &str, body: &Value) -> Answer {
        self.call("POST", &path(operation))
            .message(settings, body)
            .send()
            .await
    }

    /// The list of applications as pairs of id and name.
    pub async fn ping_list(&self, settings: &PingSettings) -> BTreeMap<String, String> {
        let answer = self.ping(settings, "getapplications", &json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let list = answer.json["responseBody"]["applications"]
            .as_array()
            .expect("a list");
        list.iter()
            .map(|application| (text(&application["id"]), text(&application["name"])))
            .collect()
    }
}

impl Call<'_> {
    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.incoming.body
    }

    /// With a signed message that is sent now.
    pub fn message(self, settings: &PingSettings, body: &Value) -> Self {
        let now = self.world.plain.clock.now().dotted();
        self.raw(
            "application/json",
            settings.message_at(&now, body).into_bytes(),
        )
    }
}

//! The steps of `README-pingid.md`, and how its messages are signed and opened: with nothing of the
//! product's own code.

use appdepot_tests::{Answer, TestTenant, World};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde::Deserialize;
use serde_json::{Value, json};

use super::stage::{Stage, succeeded};

const SETTINGS: &str = "/box/srv/1.1/admin/pingid";

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    PingStrict,
    PingApplication,
    PingRotated,
    PingRetired,
    OtherPing,
}

/// A message as a file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub header: Value,
    pub payload: Value,
    /// The key that it is signed with, in base64; `$ping.key` where it is absent.
    pub key: Option<String>,
}

/// What `pingid.properties` holds.
#[derive(Clone)]
pub struct Settings {
    alias: String,
    token: String,
    key: String,
}

impl Settings {
    /// The current settings of a tenant.
    async fn read(world: &World, tenant: &TestTenant) -> Result<Self, String> {
        let call = world
            .call("GET", &format!("{SETTINGS}/pingid.properties"))
            .cookie(&tenant.cookie);
        let text = succeeded("pingid.properties", call).await?.text;
        let value = |name: &str| {
            let found = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            found
                .map(|value| value.replace('\\', ""))
                .ok_or_else(|| format!("no {name} in {text}"))
        };
        Ok(Self {
            alias: value("org_alias")?,
            token: value("token")?,
            key: value("use_base64_key")?,
        })
    }
}

fn hmac_key(base64: &str) -> Result<hmac::Key, String> {
    let key = STANDARD
        .decode(base64)
        .map_err(|error| format!("the key {base64}: {error}"))?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

/// The compact JWS of that header and payload.
pub fn signed(header: &Value, payload: &Value, key: &str) -> Result<String, String> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(payload));
    let signature = hmac::sign(&hmac_key(key)?, text.as_bytes());
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

impl Stage<'_> {
    /// The settings of the tenant, made when they are first asked for.
    pub async fn ping_settings(&mut self) -> Result<(), String> {
        let settings = Settings::read(self.world, &self.tenant).await?;
        let wrong_token = format!("{}{}", self.tenant.tenant_id, "0123456789abcdef".repeat(2));
        let fields = [
            ("alias", settings.alias.clone()),
            ("token", settings.token.clone()),
            ("key", settings.key.clone()),
            ("wrongKey", STANDARD.encode([7; 32])),
            ("wrongToken", wrong_token),
            ("now", self.world.plain.clock.now().dotted()),
        ];
        self.captures.put("ping", fields);
        self.settings.push(settings);
        Ok(())
    }

    /// The payload of an answer, whose header and signature must be those of settings that are
    /// known here.
    pub fn opened(&self, answer: &Answer) -> Result<Value, String> {
        let parts: Vec<&str> = answer.text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err("the answer is no compact JWS".to_owned());
        };
        let json = |part: &str| -> Result<Value, String> {
            let bytes = URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|error| format!("{part}: {error}"))?;
            serde_json::from_slice(&bytes).map_err(|error| format!("{part}: {error}"))
        };
        let header_json = json(header)?;
        let settings = self
            .settings
            .iter()
            .find(|settings| header_json["token"] == settings.token);
        let settings =
            settings.ok_or_else(|| format!("{header_json} names no token that is known"))?;
        if header_json["alg"] != "HS256" || header_json["org_alias"] != settings.alias {
            return Err(format!("the answer's header is {header_json}"));
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|error| format!("{signature}: {error}"))?;
        let text = format!("{header}.{payload}");
        hmac::verify(&hmac_key(&settings.key)?, text.as_bytes(), &signature)
            .map_err(|_| "the answer's signature is wrong".to_owned())?;
        json(payload)
    }

    /// Does a step that makes or changes something for PingID.
    pub async fn pingid_step(&mut self, step: Step) -> Result<(), String> {
        match step {
            // The deployment has the parameter: the world was chosen by it.
            Step::PingStrict => Ok(()),
            Step::PingApplication => {
                let number = self.next_of("application");
                let (id, name) = (format!("app-{number}"), format!("Application {number}"));
                let header = json!({
                    "alg": "HS256", "org_alias": self.known("ping.alias")?,
                    "token": self.known("ping.token")?,
                });
                let requester = json!({
                    "orgAlias": self.known("ping.alias")?, "secretKey": self.known("ping.token")?,
                    "timestamp": self.known("ping.now")?,
                });
                let payload = json!({
                    "reqHeader": requester,
                    "reqBody": {"application": {"id": id, "name": name}},
                });
                let message = signed(&header, &payload, &self.known("ping.key")?)?;
                let call = self
                    .world
                    .call("POST", "/pingid/rest/4/addapplication/do")
                    .raw("application/json", message.into_bytes());
                succeeded("addapplication", call).await?;
                self.captures
                    .put("application", [("id", id), ("name", name)]);
                Ok(())
            }
            Step::PingRotated => {
                let call = self
                    .world
                    .call("POST", &format!("{SETTINGS}/rotate"))
                    .cookie(&self.tenant.cookie)
                    .json(json!({}));
                succeeded("rotate", call).await?;
                self.ping_settings().await
            }
            Step::PingRetired => {
                let call = self
                    .world
                    .call("POST", &format!("{SETTINGS}/retire"))
                    .cookie(&self.tenant.cookie)
                    .json(json!({}));
                succeeded("retire", call).await.map(drop)
            }
            Step::OtherPing => {
                let tenant = self
                    .world
                    .tenant(&format!("{}-other", self.tenant.domain))
                    .await;
                let settings = Settings::read(self.world, &tenant).await?;
                let fields = [
                    ("alias", settings.alias.clone()),
                    ("token", settings.token.clone()),
                    ("key", settings.key.clone()),
                ];
                self.captures.put("otherping", fields);
                self.settings.push(settings);
                Ok(())
            }
        }
    }
}

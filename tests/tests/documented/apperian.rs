//! The steps of `README-apperian.md`, and whose tokens the Apperian API's requests carry.

use crate::case::Caller;
use crate::stage::{ORIGIN, Stage, bytes_of, field, succeeded, text};
use appdepot_tests::{Answer, PASSWORD, Part};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::base::id::{AppId, BinaryType};
use shared::base::rights::Role;
use std::path::Path;

const CALLS: &str = "/ease.interface.php";

const APP_USAGE: &str = "com.apperian.app-usage";

const OPEN_WEB_PAGE: &str = "com.apperian.open-webpage-url";

/// A key and its certificate, made for tests; with its password.
const SIGNING_FILE: (&str, &str) = ("shared/package-writer/tests/fixtures/ec.p12", "secret");

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    AndroidApp,
    IosApp,
    NewBinary,
    AppNumber,
    AppUsage,
    Preset,
    Credential,
    Signed,
    UserToken,
    SignedOut,
    UserInGroup,
    OtherApp,
    CallCreated,
    CallUpdated,
    CallUploaded,
}

/// The tokens of a tenant, each made when it is first asked with.
#[derive(Default)]
pub struct Tokens {
    /// An API key of the administrator.
    pub key: String,
    signed_in: Option<String>,
    member: Option<String>,
}

impl Stage<'_> {
    /// The administrator's API key.
    pub async fn apperian_key(&mut self) -> Result<(), String> {
        let path = format!("/box/srv/1.1/ide/{}/api/create", self.tenant.domain);
        let made = self
            .world
            .post(
                &self.tenant.cookie,
                &path,
                json!({"type": "user", "label": "documented"}),
            )
            .await;
        self.tokens.key = field(&made["apiKey"], "key")?;
        self.captures
            .put("apperian", [("token", self.tokens.key.clone())]);
        Ok(())
    }

    /// The token of a caller of the Apperian API; `None` for the others'.
    pub async fn apperian_token(&mut self, caller: Caller) -> Result<Option<String>, String> {
        Ok(match caller {
            Caller::ApperianAdmin => Some(self.tokens.key.clone()),
            Caller::ApperianToken => {
                if self.tokens.signed_in.is_none() {
                    self.tokens.signed_in = Some(self.sign_in_there().await?);
                }
                self.tokens.signed_in.clone()
            }
            Caller::ApperianMember => {
                if self.tokens.member.is_none() {
                    let guid = self
                        .world
                        .add_user(&self.tenant, "member@example.com", vec![Role::Sub])
                        .await;
                    self.tokens.member = Some(self.world.token(&self.tenant, &guid).await);
                }
                self.tokens.member.clone()
            }
            _ => None,
        })
    }

    /// Signs the administrator in by `users/authenticate`.
    async fn sign_in_there(&self) -> Result<String, String> {
        let body = json!({"user_id": self.captured("admin.userId"), "password": PASSWORD});
        // Nothing but the host says which organization it is.
        let call = self
            .world
            .call("POST", "/v2/users/authenticate/")
            .host(&self.host())
            .json(body);
        field(&succeeded("users/authenticate", call).await?.json, "token")
    }

    /// A request of the administrator that must succeed.
    async fn administer(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, String> {
        let call = self.world.call(method, path).token(&self.tokens.key);
        let call = if let Some(body) = body {
            call.json(body)
        } else {
            call
        };
        succeeded(&format!("{method} {path}"), call).await
    }

    /// Asks until the answer is what is waited for.
    async fn wait_for(&self, path: &str, arrived: impl Fn(&Value) -> bool) -> Result<(), String> {
        let mut last = Value::Null;
        for _ in 0..TRIES {
            last = self.administer("GET", path, None).await?.json;
            if arrived(&last) {
                return Ok(());
            }
            pause().await;
        }
        Err(format!("GET {path} still answers {last}"))
    }

    /// Does a step that makes or changes something by the Apperian API.
    pub async fn apperian_step(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::AndroidApp => self.native_app("android", BinaryType::Android).await,
            Step::IosApp => self.native_app("ios", BinaryType::Ios).await,
            Step::NewBinary => {
                self.binary(self.kind, 1).await;
                Ok(())
            }
            Step::AppNumber => {
                let path = format!("/v2/applications/{}", self.known("native.id")?);
                let number = field(
                    &self.administer("GET", &path, None).await?.json["application"],
                    "psk",
                )?;
                self.captures.put("number", [("", number)]);
                Ok(())
            }
            Step::AppUsage => {
                let path = format!("/v2/applications/{}/policies/", self.known("native.id")?);
                let applied = self
                    .administer(
                        "POST",
                        &path,
                        Some(json!({"configurations": [{"policy_id": APP_USAGE}]})),
                    )
                    .await?;
                self.captures.put(
                    "applied",
                    [("id", field(&applied.json["configurations"][0], "id")?)],
                );
                self.wait_for(&path, |answer| answer["status"]["code"] == 3)
                    .await
            }
            Step::Preset => {
                let name = format!("Preset {}", self.next());
                let configuration = json!({"open_webpage_frequency": "1", "open_webpage_url": "https://example.com/news"});
                let body = json!({"name": name, "auth_required": true, "enabled_by_default": false, "configuration": configuration});
                let made = self
                    .administer(
                        "POST",
                        &format!("/v2/policies/{OPEN_WEB_PAGE}/configurations/"),
                        Some(body),
                    )
                    .await?;
                self.captures.put(
                    "preset",
                    [
                        ("id", field(&made.json["configuration"], "id")?),
                        ("name", name),
                    ],
                );
                Ok(())
            }
            Step::Credential => self.credential().await,
            Step::Signed => {
                let app = self.known("native.id")?;
                self.administer(
                    "PUT",
                    &format!(
                        "/v1/applications/{app}/credentials/{}",
                        self.known("credential.psk")?
                    ),
                    None,
                )
                .await?;
                self.wait_for(&format!("/v2/applications/{app}"), |answer| {
                    answer["application"]["version"]["signing_status"] == "signed"
                })
                .await
            }
            Step::UserToken => {
                let token = self.sign_in_there().await?;
                self.captures.put("login", [("token", token)]);
                Ok(())
            }
            Step::SignedOut => {
                let call = self
                    .world
                    .call("DELETE", "/v2/users/authenticate/")
                    .token(&self.known("login.token")?);
                succeeded("signing out", call).await.map(drop)
            }
            Step::UserInGroup => {
                let group = self.group().await;
                self.post(
                    "storeitemgroup/addusers",
                    json!({"guid": group, "users": [self.known("user.guid")?]}),
                )
                .await;
                Ok(())
            }
            Step::OtherApp => self.other_app().await,
            Step::CallCreated => self.begun("create", json!({})).await,
            Step::CallUpdated => {
                self.begun("update", json!({"appID": self.known("native.id")?}))
                    .await
            }
            Step::CallUploaded => {
                let file = bytes_of("@apk", self.next())?;
                let part = Part {
                    name: "LUuploadFile",
                    file_name: Some("app.apk"),
                    content: &file,
                };
                let uploaded = succeeded(
                    "the upload",
                    self.world
                        .call("POST", &self.known("transaction.path")?)
                        .parts([part]),
                )
                .await?;
                self.captures.put(
                    "transaction",
                    [
                        ("id", self.known("transaction.id")?),
                        ("path", self.known("transaction.path")?),
                        ("file", field(&uploaded.json, "fileID")?),
                    ],
                );
                Ok(())
            }
        }
    }

    /// Makes a store item with a binary.
    async fn native_app(&mut self, kind: &'static str, of: BinaryType) -> Result<(), String> {
        self.item().await;
        self.binary(kind, 1).await;
        let guid = self.known("item.guid")?;
        let id: AppId = guid.parse().map_err(|_| format!("{guid} is no id"))?;
        self.captures.put(
            "native",
            [("id", id.binary(of).base64url()), ("guid", guid)],
        );
        Ok(())
    }

    async fn credential(&mut self) -> Result<(), String> {
        let description = format!("Example key {}", self.next());
        let (path, password) = SIGNING_FILE;
        let file = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(path))
            .map_err(|error| format!("{path}: {error}"))?;
        let data =
            json!({"description": description, "platform": 2, "password": password}).to_string();
        let parts = [
            Part {
                name: "file",
                file_name: Some("keys.p12"),
                content: &file,
            },
            Part {
                name: "data",
                file_name: None,
                content: data.as_bytes(),
            },
        ];
        let added = succeeded(
            "POST /v1/credentials",
            self.world
                .call("POST", "/v1/credentials/")
                .token(&self.tokens.key)
                .parts(parts),
        )
        .await?;
        self.captures.put(
            "credential",
            [
                ("psk", field(&added.json["credential"], "psk")?),
                ("description", description),
            ],
        );
        Ok(())
    }

    /// Makes another tenant with an Android app.
    async fn other_app(&mut self) -> Result<(), String> {
        let tenant = self
            .world
            .tenant(&format!("{}-other", self.tenant.domain))
            .await;
        let made = self
            .world
            .post(
                &tenant.cookie,
                "/box/srv/1.1/admin/storeitem/create",
                json!({"name": "Foreign"}),
            )
            .await;
        let guid = text(&made["guid"]);
        let uploaded = self
            .world
            .upload(&tenant.cookie, &guid, "android", &bytes_of("@apk", 1)?)
            .await;
        if uploaded.status != 200 {
            return Err(format!("the upload of another tenant: {}", uploaded.text));
        }
        let id: AppId = guid.parse().map_err(|_| format!("{guid} is no id"))?;
        self.captures.put(
            "foreign",
            [("id", id.binary(BinaryType::Android).base64url())],
        );
        Ok(())
    }

    /// Begins publishing by an older call.
    async fn begun(&mut self, call: &str, mut params: Value) -> Result<(), String> {
        params["token"] = json!(self.tokens.key);
        let body = json!({"id": 1, "apiVersion": "1.0", "jsonrpc": "2.0", "method": format!("com.apperian.eas.apps.{call}"), "params": params});
        let begun = succeeded(call, self.world.call("POST", CALLS).json(body)).await?;
        let result = &begun.json["result"];
        let url = field(result, "fileUploadURL")?;
        let path = url
            .strip_prefix(ORIGIN)
            .ok_or_else(|| format!("{url} leads elsewhere"))?
            .to_owned();
        self.captures.put(
            "transaction",
            [("id", field(result, "transactionID")?), ("path", path)],
        );
        Ok(())
    }
}

/// How often a request is asked again at the most, and what is done between.
pub const TRIES: usize = 600;

/// Lets the work go on that is waited for.
pub async fn pause() {
    tokio::time::sleep(std::time::Duration::from_millis(25)).await;
}

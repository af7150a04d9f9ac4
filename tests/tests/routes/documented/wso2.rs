//! The steps of `README-wso2.md`, and whose tokens the publisher API's requests carry.

use std::collections::BTreeMap;

use appdepot_tests::{Answer, PASSWORD, Part, World};
use serde::Deserialize;
use serde_json::{Value, json};

use super::case::{Caller, Case, example};
use super::stage::{Stage, basic, bytes_of, field, login, succeeded};

const API: &str = "/api/appm/publisher/v1.1";
const EVERYTHING: &str = "appm:read appm:create appm:update appm:publish appm:administration";

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    RequireIfMatch,
    #[serde(rename = "create-status-200")]
    CreateStatus200,
    Webapp,
    WebappPlain,
    Site,
    WebappWithPartial,
    PartialInUse,
    BusinessOwnerInUse,
    Binary,
    BinaryIpa,
    StaticContent,
    StaticContentJpeg,
    StaticContentPdf,
    Mobileapp,
    MobileappIos,
    MobileappPublic,
    MobileappWeb,
    Submitted,
    Approved,
    Rejected,
    Published,
    Unpublished,
    Deprecated,
    Retired,
    AppChanged,
    AppDeleted,
    AppRead,
    ReadBefore,
    Tagged,
    Subscribed,
    SubscribedAgain,
    DocumentInline,
    DocumentUrl,
    DocumentFile,
    DocumentEmpty,
    Partial,
    PartialUnshared,
    BusinessOwner,
    OtherTenant,
    Client,
    Token,
    TokenRead,
    RevokedToken,
}

/// The scopes of a caller of the publisher API.
pub fn scopes(caller: Caller) -> &'static str {
    match caller {
        Caller::Wso2Admin => EVERYTHING,
        Caller::Wso2Creator => "appm:read appm:create appm:update",
        Caller::Wso2Publisher => "appm:read appm:publish",
        Caller::Wso2Reader => "appm:read",
        Caller::Wso2Administration => "appm:administration",
        Caller::Admin
        | Caller::StoreUser
        | Caller::Nobody
        | Caller::ApperianAdmin
        | Caller::ApperianToken
        | Caller::ApperianMember => "",
    }
}

/// A tenant's administrator at the publisher API: a client that is registered once, and its tokens
/// by their scopes.
pub struct Publisher {
    login: String,
    client: Option<String>,
    tokens: BTreeMap<&'static str, String>,
}

/// What a step sends.
enum Sent<'a> {
    Nothing,
    Json(Value),
    /// One part of a form.
    Part(Part<'a>),
}

impl Publisher {
    pub fn new(domain: &str) -> Self {
        Self {
            login: login(domain),
            client: None,
            tokens: BTreeMap::new(),
        }
    }

    /// A token with exactly these scopes.
    pub async fn token(&mut self, world: &World, scopes: &'static str) -> Result<String, String> {
        if let Some(token) = self.tokens.get(scopes) {
            return Ok(token.clone());
        }
        let client = match &self.client {
            Some(client) => client.clone(),
            None => {
                let made = register(world, &self.login, "documented").await?;
                self.client
                    .insert(basic(
                        &field(&made, "clientId")?,
                        &field(&made, "clientSecret")?,
                    ))
                    .clone()
            }
        };
        let granted = by_password(world, &client, &self.login, scopes).await?;
        let token = field(&granted, "access_token")?;
        self.tokens.insert(scopes, token.clone());
        Ok(token)
    }

    /// A request with all scopes that must succeed.
    async fn ask(
        &mut self,
        world: &World,
        method: &str,
        path: &str,
        if_match: bool,
        sent: Sent<'_>,
    ) -> Result<Answer, String> {
        let token = self.token(world, EVERYTHING).await?;
        let mut call = world
            .call(method, &format!("{API}{path}"))
            .header("authorization", &format!("Bearer {token}"));
        if if_match {
            call = call.header("if-match", "*");
        }
        call = match sent {
            Sent::Nothing => call,
            Sent::Json(body) => call.json(body),
            Sent::Part(part) => call.parts([part]),
        };
        succeeded(&format!("{method} {path}"), call).await
    }
}

/// Registers a client of a tenant's administrator.
async fn register(world: &World, login: &str, name: &str) -> Result<Value, String> {
    let call = world.call("POST", "/api/appm/oauth/v1.0/register").header(
        "authorization",
        &format!("Basic {}", basic(login, PASSWORD)),
    );
    let body =
        json!({"clientName": name, "grantType": "password refresh_token client_credentials"});
    Ok(succeeded("the registration of a client", call.json(body))
        .await?
        .json)
}

/// The administrator's token with these scopes, no more and no fewer, of the client with that
/// `Basic`.
async fn by_password(
    world: &World,
    client: &str,
    login: &str,
    scopes: &str,
) -> Result<Value, String> {
    let call = world
        .call("POST", "/oauth2/token")
        .header("authorization", &format!("Basic {client}"));
    let fields = [
        ("grant_type", "password"),
        ("username", login),
        ("password", PASSWORD),
        ("scope", scopes),
    ];
    let granted = succeeded("the password grant", call.url_encoded(fields))
        .await?
        .json;
    let mut words: Vec<&str> = granted["scope"]
        .as_str()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let mut wanted: Vec<&str> = scopes.split(' ').collect();
    words.sort_unstable();
    wanted.sort_unstable();
    if words == wanted {
        Ok(granted)
    } else {
        Err(format!("the password grant for {scopes} gave {words:?}"))
    }
}

/// The web app of that number as the step `webapp` makes it.
fn web_app(number: u32) -> Value {
    json!({
        "name": format!("webapp-{number}-booking"),
        "version": "1.0",
        "displayName": format!("Web app {number}"),
        "description": format!("The web app of number {number}"),
        "context": format!("/webapp-{number}"),
        "appUrL": format!("https://webapp-{number}.example.com"),
        "transport": "https",
        "policyGroups": [{
            "policyGroupName": "Default",
            "throttlingTier": "Unlimited",
            "userRoles": [],
            "policyPartialMapping": [],
            "allowAnonymousAccess": "false",
        }],
        "uriTemplates": [{"urlPattern": "/*", "httpVerb": "GET", "policyGroupName": "Default"}],
        "tags": [],
    })
}

impl Stage<'_> {
    /// Does a step that makes or changes something by the publisher API.
    pub async fn wso2_step(&mut self, step: Step, case: &Case) -> Result<(), String> {
        match step {
            // The deployment has the parameter: the world was chosen by it.
            Step::CreateStatus200 => Ok(()),
            Step::RequireIfMatch => {
                self.if_match = true;
                Ok(())
            }
            Step::Webapp => self.web_app(|_, _| {}).await,
            Step::WebappPlain => {
                self.web_app(|body, number| body["name"] = json!(format!("Plain{number}")))
                    .await
            }
            Step::Site => self.site().await,
            Step::WebappWithPartial => self.web_app_with_partial().await,
            Step::PartialInUse => {
                self.partial(true).await?;
                self.web_app_with_partial().await
            }
            Step::BusinessOwnerInUse => {
                self.business_owner().await?;
                let owner = self.known("owner.id")?;
                self.web_app(|body, _| body["businessOwnerId"] = json!(owner))
                    .await
            }
            Step::Binary => self.uploaded_binary("@apk", "sample.apk", "android").await,
            Step::BinaryIpa => self.uploaded_binary("@ipa", "sample.ipa", "ios").await,
            Step::StaticContent => self.static_content("@png", "sample.png", "mobileapp").await,
            Step::StaticContentJpeg => {
                self.static_content("@jpeg", "sample.jpg", "mobileapp")
                    .await
            }
            Step::StaticContentPdf => self.static_content("@pdf", "manual.pdf", "webapp").await,
            Step::Mobileapp => {
                self.uploaded_binary("@apk", "sample.apk", "android")
                    .await?;
                let appmeta = self.appmeta_of_binary()?;
                self.mobile_app("android", "enterprise", appmeta).await
            }
            Step::MobileappIos => {
                self.uploaded_binary("@ipa", "sample.ipa", "ios").await?;
                let appmeta = self.appmeta_of_binary()?;
                self.mobile_app("ios", "enterprise", appmeta).await
            }
            Step::MobileappPublic => {
                self.mobile_app(
                    "android",
                    "public",
                    json!({"package": "com.example.public", "version": "1.0"}),
                )
                .await
            }
            Step::MobileappWeb => {
                self.mobile_app(
                    "webapp",
                    "webapp",
                    json!({"weburl": "http://wso2.com", "version": "1.0"}),
                )
                .await
            }
            Step::Submitted => self.moved(&["Submit for Review"]).await,
            Step::Approved => self.moved(&["Submit for Review", "Approve"]).await,
            Step::Rejected => self.moved(&["Submit for Review", "Reject"]).await,
            Step::Published => {
                self.moved(&["Submit for Review", "Approve", "Publish"])
                    .await
            }
            Step::Unpublished => {
                self.moved(&["Submit for Review", "Approve", "Publish", "Unpublish"])
                    .await
            }
            Step::Deprecated => {
                self.moved(&["Submit for Review", "Approve", "Publish", "Deprecate"])
                    .await
            }
            Step::Retired => {
                self.moved(&[
                    "Submit for Review",
                    "Approve",
                    "Publish",
                    "Deprecate",
                    "Retire",
                ])
                .await
            }
            Step::AppChanged => {
                let body = json!({
                    "name": self.known("app.name")?, "version": self.known("app.version")?,
                    "displayName": "Changed",
                });
                self.change("PUT", &self.app_path()?, Sent::Json(body))
                    .await
            }
            Step::AppDeleted => {
                self.change("DELETE", &self.app_path()?, Sent::Nothing)
                    .await
            }
            Step::AppRead => {
                let path = self.app_path()?;
                let read = self
                    .publisher
                    .ask(self.world, "GET", &path, false, Sent::Nothing)
                    .await?;
                self.captures.put("read", validators(&read));
                Ok(())
            }
            Step::ReadBefore => self.read_before(case).await,
            Step::Tagged => {
                self.change(
                    "PUT",
                    &format!("{}/tags", self.app_path()?),
                    Sent::Json(json!({"tags": ["tagA", "tagB"]})),
                )
                .await
            }
            Step::Subscribed => {
                self.store_user().await;
                self.install(&self.known("app.id")?).await;
                Ok(())
            }
            Step::SubscribedAgain => {
                self.install(&self.known("app.id")?).await;
                Ok(())
            }
            Step::DocumentInline => {
                self.document("INLINE").await?;
                self.content_of_document(Part {
                    name: "inlineContent",
                    file_name: None,
                    content: b"The content of the document.",
                })
                .await
            }
            Step::DocumentUrl => self.document("URL").await,
            Step::DocumentFile => {
                self.document("FILE").await?;
                self.content_of_document(Part {
                    name: "file",
                    file_name: Some("manual.pdf"),
                    content: &bytes_of("@pdf", 0)?,
                })
                .await
            }
            Step::DocumentEmpty => self.document("FILE").await,
            Step::Partial => self.partial(true).await,
            Step::PartialUnshared => self.partial(false).await,
            Step::BusinessOwner => self.business_owner().await,
            Step::OtherTenant => self.other_tenant().await,
            Step::Client => self.client().await,
            Step::Token => self.granted(EVERYTHING).await,
            Step::TokenRead => self.granted("appm:read").await,
            Step::RevokedToken => {
                let call = self.world.call("POST", "/oauth2/revoke").header(
                    "authorization",
                    &format!("Basic {}", self.known("client.basic")?),
                );
                succeeded(
                    "the revocation",
                    call.url_encoded([("token", self.known("token.access")?.as_str())]),
                )
                .await
                .map(drop)
            }
        }
    }

    /// What a step before this one captured.
    pub fn known(&self, reference: &str) -> Result<String, String> {
        self.captures
            .get(reference)
            .map(str::to_owned)
            .ok_or_else(|| format!("${reference} is captured by no step"))
    }

    /// The path of the app that was made last.
    fn app_path(&self) -> Result<String, String> {
        Ok(format!(
            "/apps/{}/id/{}",
            self.app_type,
            self.known("app.id")?
        ))
    }

    /// Makes something new: nothing is there yet that a condition could be about.
    async fn create(&mut self, path: &str, body: Value) -> Result<Value, String> {
        Ok(self
            .publisher
            .ask(self.world, "POST", path, false, Sent::Json(body))
            .await?
            .json)
    }

    /// Changes what is there, under a condition where the deployment asks for one.
    async fn change(&mut self, method: &str, path: &str, sent: Sent<'_>) -> Result<(), String> {
        self.publisher
            .ask(self.world, method, path, self.if_match, sent)
            .await
            .map(drop)
    }

    async fn uploaded(
        &mut self,
        path: &str,
        content: &str,
        file_name: &str,
    ) -> Result<Value, String> {
        let bytes = bytes_of(content, self.next())?;
        let part = Part {
            name: "file",
            file_name: Some(file_name),
            content: &bytes,
        };
        Ok(self
            .publisher
            .ask(self.world, "POST", path, false, Sent::Part(part))
            .await?
            .json)
    }

    fn app_made(&mut self, app_type: &'static str, id: &str, body: &Value) -> Result<(), String> {
        self.app_type = app_type;
        self.captures.put(
            "app",
            [
                ("id", id.to_owned()),
                ("name", field(body, "name")?),
                ("version", field(body, "version")?),
            ],
        );
        Ok(())
    }

    async fn web_app(&mut self, change: impl FnOnce(&mut Value, u32)) -> Result<(), String> {
        let number = self.next_of("webapp");
        let mut body = web_app(number);
        change(&mut body, number);
        let id = field(&self.create("/apps/webapp", body.clone()).await?, "id")?;
        let context = field(&body, "context")?;
        let mut fields = vec![
            ("id", id.clone()),
            ("bareContext", context.trim_start_matches('/').to_owned()),
            ("context", context),
        ];
        for name in ["name", "version", "displayName", "description"] {
            fields.push((name, field(&body, name)?));
        }
        self.captures.put("webapp", fields);
        self.app_made("webapp", &id, &body)
    }

    async fn site(&mut self) -> Result<(), String> {
        let number = self.next_of("site");
        let mut body = web_app(number);
        body["name"] = json!(format!("site-{number}-pages"));
        body["context"] = json!(format!("/site-{number}"));
        body["isSite"] = json!("TRUE");
        let id = field(&self.create("/apps/webapp", body.clone()).await?, "id")?;
        self.app_made("webapp", &id, &body)
    }

    async fn web_app_with_partial(&mut self) -> Result<(), String> {
        let partial = self.known("partial.id")?;
        self.web_app(|body, _| body["policyGroups"][0]["policyPartialMapping"] = json!([partial]))
            .await
    }

    async fn uploaded_binary(
        &mut self,
        content: &str,
        file_name: &str,
        kind: &'static str,
    ) -> Result<(), String> {
        let made = self
            .uploaded("/apps/mobile/binaries", content, file_name)
            .await?;
        let path = field(&made, "path")?;
        let file = path.rsplit('/').next().unwrap_or_default().to_owned();
        self.kind = kind;
        self.captures.put(
            "binary",
            [
                ("file", file),
                ("path", path),
                ("package", field(&made, "package")?),
                ("version", field(&made, "version")?),
            ],
        );
        Ok(())
    }

    async fn static_content(
        &mut self,
        content: &str,
        file_name: &str,
        app_type: &str,
    ) -> Result<(), String> {
        let made = self
            .uploaded(
                &format!("/apps/static-contents?appType={app_type}"),
                content,
                file_name,
            )
            .await?;
        self.captures.put(
            "image",
            [
                ("file", field(&made, "id")?),
                ("path", field(&made, "path")?),
            ],
        );
        Ok(())
    }

    fn appmeta_of_binary(&self) -> Result<Value, String> {
        Ok(json!({
            "path": self.known("binary.path")?,
            "package": self.known("binary.package")?,
            "version": self.known("binary.version")?,
        }))
    }

    /// Uploads an image and makes a mobile app with it.
    async fn mobile_app(
        &mut self,
        platform: &str,
        market: &str,
        appmeta: Value,
    ) -> Result<(), String> {
        self.static_content("@png", "sample.png", "mobileapp")
            .await?;
        let (number, image) = (self.next_of("mobileapp"), self.known("image.file")?);
        let body = json!({
            "name": format!("mobile-{number}-notes"),
            "version": "1.0",
            "displayName": format!("Mobile app {number}"),
            "description": format!("The mobile app of number {number}"),
            "platform": platform,
            "marketType": market,
            "appmeta": appmeta,
            "category": "Business",
            "banner": image,
            "thumbnailUrl": image,
            "screenshots": [image],
        });
        let id = field(&self.create("/apps/mobileapp", body.clone()).await?, "id")?;
        self.captures.put(
            "mobileapp",
            [("id", id.clone()), ("name", field(&body, "name")?)],
        );
        self.app_made("mobileapp", &id, &body)
    }

    /// Takes the app through these actions of the life cycle.
    async fn moved(&mut self, actions: &[&str]) -> Result<(), String> {
        for action in actions {
            let (app, action) = (self.known("app.id")?, action.replace(' ', "%20"));
            let path = format!(
                "/apps/{}/change-lifecycle?appId={app}&action={action}",
                self.app_type
            );
            self.change("POST", &path, Sent::Nothing).await?;
        }
        Ok(())
    }

    /// Reads what the case asks about, as its own caller where he may read.
    async fn read_before(&mut self, case: &Case) -> Result<(), String> {
        let mut told = String::new();
        let mut read = self
            .call(case.caller, "GET", &case.request.path, &mut told)
            .await?
            .send()
            .await;
        if matches!(read.status, 401 | 403) {
            read = self
                .call(Caller::Wso2Admin, "GET", &case.request.path, &mut told)
                .await?
                .send()
                .await;
        }
        if read.status >= 400 {
            return Err(format!("{told}: {} {}", read.status, read.text));
        }
        self.captures.put("before", validators(&read));
        Ok(())
    }

    async fn document(&mut self, source_type: &str) -> Result<(), String> {
        let number = self.next_of("document");
        let (name, summary) = (
            format!("Document {number}"),
            format!("The summary of number {number}"),
        );
        let mut body =
            json!({"name": name, "type": "HOWTO", "summary": summary, "sourceType": source_type});
        if source_type == "URL" {
            body["sourceUrl"] = json!("https://wiki.example.com/phone");
        }
        let made = self
            .create(&format!("{}/docs", self.app_path()?), body)
            .await?;
        self.captures.put(
            "document",
            [
                ("id", field(&made, "documentId")?),
                ("name", name),
                ("summary", summary),
            ],
        );
        Ok(())
    }

    async fn content_of_document(&mut self, part: Part<'_>) -> Result<(), String> {
        let path = format!(
            "{}/docs/{}/content",
            self.app_path()?,
            self.known("document.id")?
        );
        self.change("POST", &path, Sent::Part(part)).await
    }

    async fn partial(&mut self, shared: bool) -> Result<(), String> {
        let text = field(&example("wso2/a20-create-partial.json"), "policyPartial")?;
        let number = self.next_of("partial");
        let name = format!("Partial {number}");
        let desc = format!("The partial of number {number}");
        let body = json!({
            "policyPartialName": name, "isSharedPartial": shared, "policyPartialDesc": desc,
            "policyPartial": text,
        });
        let made = self.create("/administration/xacmlpolicies/", body).await?;
        self.captures.put(
            "partial",
            [
                ("id", field(&made, "policyPartialId")?),
                ("name", name),
                ("text", text),
            ],
        );
        Ok(())
    }

    async fn business_owner(&mut self) -> Result<(), String> {
        let number = self.next_of("owner");
        let (name, email) = (
            format!("Owner {number}"),
            format!("owner-{number}@example.com"),
        );
        let body = json!({
            "name": name,
            "email": email,
            "site": format!("owner-{number}.example.com"),
            "description": format!("The owner of number {number}"),
            "properties": [{"key": "telephone", "value": "0112345678", "isVisible": true}],
        });
        let made = self.create("/administration/businessowner", body).await?;
        self.captures.put(
            "owner",
            [
                ("id", field(&made, "id")?),
                ("name", name),
                ("email", email),
            ],
        );
        Ok(())
    }

    /// Makes another tenant with a web app and an image of its own.
    async fn other_tenant(&mut self) -> Result<(), String> {
        let tenant = self
            .world
            .tenant(&format!("{}-other", self.tenant.domain))
            .await;
        let mut publisher = Publisher::new(&tenant.domain);
        let app = publisher
            .ask(
                self.world,
                "POST",
                "/apps/webapp",
                false,
                Sent::Json(web_app(1)),
            )
            .await?
            .json;
        let bytes = bytes_of("@png", 0)?;
        let part = Part {
            name: "file",
            file_name: Some("sample.png"),
            content: &bytes,
        };
        let image = publisher
            .ask(
                self.world,
                "POST",
                "/apps/static-contents?appType=mobileapp",
                false,
                Sent::Part(part),
            )
            .await?
            .json;
        let fields = [
            ("handle", tenant.tenant_id.to_string()),
            ("appId", field(&app, "id")?),
            ("imageFile", field(&image, "id")?),
            ("login", login(&tenant.domain)),
        ];
        self.captures.put("other", fields);
        Ok(())
    }

    async fn client(&mut self) -> Result<(), String> {
        let name = format!("client-{}", self.next_of("client"));
        let made = register(self.world, &self.known("admin.login")?, &name).await?;
        let (id, secret) = (field(&made, "clientId")?, field(&made, "clientSecret")?);
        let (right, wrong) = (basic(&id, &secret), basic(&id, "another secret"));
        self.captures.put(
            "client",
            [
                ("id", id),
                ("secret", secret),
                ("name", name),
                ("basic", right),
                ("wrongBasic", wrong),
            ],
        );
        Ok(())
    }

    /// The client made last gets a token for these scopes.
    async fn granted(&mut self, scopes: &str) -> Result<(), String> {
        let granted = by_password(
            self.world,
            &self.known("client.basic")?,
            &self.known("admin.login")?,
            scopes,
        )
        .await?;
        self.captures.put(
            "token",
            [
                ("access", field(&granted, "access_token")?),
                ("refresh", field(&granted, "refresh_token")?),
            ],
        );
        Ok(())
    }
}

/// What an answer's conditions can be made of.
fn validators(answer: &Answer) -> Vec<(&'static str, String)> {
    let named = [("etag", "etag"), ("lastModified", "last-modified")];
    let there = named
        .into_iter()
        .filter(|(_, header)| answer.headers.contains_key(*header));
    there
        .map(|(name, header)| (name, answer.header(header).to_owned()))
        .collect()
}

//! Where a case plays: a tenant, what is captured there, and how its requests are sent.

use std::collections::BTreeMap;

use appdepot_tests::{Answer, Call, PASSWORD, Part, TestTenant, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use package_reader::testing;
use serde_json::{Value, json};
use shared::base::id::{AppId, Guid};

use super::apperian::{self, Tokens, pause};
use super::case::{Caller, Case, Exchange, FormPart, Request, Response, Step};
use super::matching::Captures;
use super::pingid;
use super::wso2::{Publisher, scopes};

pub const ADMIN: &str = "/box/srv/1.1/admin";

/// Where the server says that it is reached.
pub const ORIGIN: &str = "https://store.example";

/// The identifier of every binary: one per case is enough, since each case has its own tenant.
pub const IDENTIFIER: &str = "com.example.documented";

/// Where a case plays.
pub struct Stage<'a> {
    pub world: &'a World,
    pub tenant: TestTenant,
    pub captures: Captures,
    /// Counts what was made, for names and for versions that rise.
    made: u32,
    /// Counts what was made of each kind, for the names of the publisher API.
    made_of: BTreeMap<&'static str, u32>,
    /// The type of the binary that was uploaded last.
    pub kind: &'static str,
    /// The type of the publisher API's app that was made last.
    pub app_type: &'static str,
    pub user: Option<Guid>,
    pub session: String,
    pub publisher: Publisher,
    /// Whether steps change things under `If-Match: *`.
    pub if_match: bool,
    pub tokens: Tokens,
    /// The settings that sign messages, of this tenant and of others that steps made.
    pub settings: Vec<pingid::Settings>,
}

impl<'a> Stage<'a> {
    /// The tenant with an empty store.
    pub async fn new(world: &'a World, tenant: TestTenant) -> Self {
        let mut captures = Captures::default();
        captures.put("domain", [("", tenant.domain.clone())]);
        captures.put("tenant", [("handle", tenant.tenant_id.to_string())]);
        captures.put("store", [("guid", tenant.store.to_string())]);
        let unknown = AppId::new(world.plain.clock.now());
        captures.put(
            "unknown",
            [
                ("guid", Guid::random().to_string()),
                ("uuid", unknown.uuid()),
                ("id", unknown.base64url()),
            ],
        );
        let login = login(&tenant.domain);
        let administrator = [
            ("guid", tenant.admin.to_string()),
            ("userId", administrator(&tenant.domain)),
            ("password", PASSWORD.to_owned()),
            ("basic", basic(&login, PASSWORD)),
            ("wrongBasic", basic(&login, "another password")),
            ("login", login),
        ];
        captures.put("admin", administrator);
        let publisher = Publisher::new(&tenant.domain);
        let (made_of, session) = (BTreeMap::new(), String::new());
        let (tokens, settings) = (Tokens::default(), Vec::new());
        let stage = Self {
            world,
            tenant,
            captures,
            made: 0,
            made_of,
            kind: "",
            app_type: "",
            user: None,
            session,
            publisher,
            if_match: false,
            tokens,
            settings,
        };
        let policies = stage.post("appstore/listpolicies", json!({})).await;
        for guid in policies["list"].as_array().expect("a list") {
            stage
                .post("appstore/removepolicy", json!({"guid": guid}))
                .await;
        }
        stage
    }

    /// Makes what requests of that document are asked with.
    pub async fn credentials_of(&mut self, section: &str) -> Result<(), String> {
        if section.starts_with("000") {
            self.apperian_key().await?;
        }
        if section.starts_with("002") {
            self.ping_settings().await
        } else {
            Ok(())
        }
    }

    /// The tenant's own name of this deployment.
    pub fn host(&self) -> String {
        format!("{}.apps.example", self.tenant.domain)
    }

    /// Asks an administration operation as the administrator.
    pub async fn post(&self, operation: &str, body: Value) -> Value {
        self.world
            .post(&self.tenant.cookie, &format!("{ADMIN}/{operation}"), body)
            .await
    }

    /// A number that no earlier call gave.
    pub fn next(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    /// The number of the next thing of that kind, from 1.
    pub fn next_of(&mut self, kind: &'static str) -> u32 {
        let made = self.made_of.entry(kind).or_default();
        *made += 1;
        *made
    }

    pub fn captured(&self, reference: &str) -> &str {
        self.captures
            .get(reference)
            .unwrap_or_else(|| panic!("a step before this one must capture ${reference}"))
    }

    /// Does one of the case's steps.
    pub async fn step(&mut self, step: Step, case: &Case) -> Result<(), String> {
        match step {
            Step::Rhmap(step) => {
                self.rhmap_step(step).await;
                Ok(())
            }
            Step::Wso2(step) => self.wso2_step(step, case).await,
            Step::Apperian(step) => self.apperian_step(step).await,
            Step::PingId(step) => self.pingid_step(step).await,
        }
    }

    /// Asks one of the case's requests and says what is wrong with its answer.
    pub async fn exchange(&mut self, exchange: &Exchange<'_>) -> Result<(), String> {
        let (mut told, mut answer, mut wrong) = self.asked(exchange).await?;
        for _ in 1..apperian::TRIES {
            if wrong.is_empty() || !exchange.until {
                break;
            }
            pause().await;
            (told, answer, wrong) = self.asked(exchange).await?;
        }
        let location = answer
            .headers
            .contains_key("location")
            .then(|| answer.header("location").to_owned());
        let etag = answer
            .headers
            .contains_key("etag")
            .then(|| answer.header("etag").to_owned());
        let of_body = |name: &str| written(&answer.json[name]);
        let of_result = |name: &str| written(&answer.json["result"][name]);
        let fields = [
            ("etag", etag),
            ("location", location),
            (
                "token",
                of_body("access_token")
                    .or_else(|| of_body("token"))
                    .or_else(|| of_result("token")),
            ),
            (
                "configuration",
                written(&answer.json["configuration"]["id"]),
            ),
            ("fileID", of_body("fileID")),
            ("appID", of_result("appID")),
            ("id", of_body("id")),
            ("path", of_body("path")),
            ("next", of_body("next")),
            ("previous", of_body("previous")),
        ];
        self.captures.put(
            "answer",
            fields
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!(
            "> {told}\nreceived: {} {:?} {}\nwrong:    {}",
            answer.status,
            answer.headers,
            answer.text,
            wrong.join("\n          ")
        ))
    }

    /// Asks once: what was sent, the answer, and where it is not the documented one.
    async fn asked(
        &mut self,
        exchange: &Exchange<'_>,
    ) -> Result<(String, Answer, Vec<String>), String> {
        let mut told = String::new();
        let answer = self.ask(exchange, &mut told).await?;
        let wrong = self.wrong(exchange.response, &answer)?;
        Ok((told, answer, wrong))
    }

    /// Where an answer is not the documented one.
    fn wrong(&self, response: &Response, answer: &Answer) -> Result<Vec<String>, String> {
        let mut wrong = Vec::new();
        if answer.http != response.status {
            wrong.push(format!(
                "status {} instead of {}",
                answer.http, response.status
            ));
        }
        // Clients of the Apperian API take any `error` for a failure. Those of its older calls ask
        // for it in the files.
        if !self.tokens.key.is_empty()
            && answer.http < 300
            && answer.json.get("jsonrpc").is_none()
            && answer.json.get("error").is_some()
        {
            wrong.push("a success has the key error".to_owned());
        }
        if let Some(payload) = &response.signed {
            if !answer
                .header("content-type")
                .starts_with("application/json")
            {
                wrong.push(format!("content-type {:?}", answer.header("content-type")));
            }
            match self.opened(answer) {
                Ok(opened) => self
                    .captures
                    .compare(payload, Some(&opened), "payload", &mut wrong),
                Err(why) => wrong.push(why),
            }
        }
        if let Some(body) = &response.body {
            let json = (!answer.json.is_null()).then_some(&answer.json);
            if !answer
                .header("content-type")
                .starts_with("application/json")
            {
                wrong.push(format!("content-type {:?}", answer.header("content-type")));
            }
            self.captures.compare(body, json, "body", &mut wrong);
        }
        if response.empty && !answer.bytes.is_empty() {
            wrong.push("the body is not empty".to_owned());
        }
        for (name, value) in &response.headers {
            let got = answer
                .headers
                .contains_key(name)
                .then(|| Value::from(answer.header(name)));
            self.captures.compare(value, got.as_ref(), name, &mut wrong);
        }
        for part in &response.contains {
            let part = self.captures.fill(part)?;
            if !answer.text.contains(&part) {
                wrong.push(format!("{part:?} is not in the body"));
            }
        }
        Ok(wrong)
    }

    /// Sends a request and notes it in `told`.
    async fn ask(&mut self, exchange: &Exchange<'_>, told: &mut String) -> Result<Answer, String> {
        let request = exchange.request;
        let mut call = self
            .call(exchange.caller, &request.method, &request.path, told)
            .await?;
        let mut content_type = None;
        for (name, value) in &request.headers {
            let value = self.captures.fill(value)?;
            tell(told, &format!("{name}: {value}"));
            if name.eq_ignore_ascii_case("content-type") {
                content_type = Some(value);
            } else {
                call = call.header(name, &value);
            }
        }
        call = self.with_body(call, request, content_type, told)?;
        Ok(call.send().await)
    }

    /// A request of that caller. A path may be an answer's absolute URL of this server.
    pub async fn call(
        &mut self,
        caller: Caller,
        method: &str,
        path: &str,
        told: &mut String,
    ) -> Result<Call<'a>, String> {
        let path = self.captures.fill(path)?;
        let path = path.strip_prefix(ORIGIN).unwrap_or(&path);
        tell(told, &format!("{method} {path}"));
        let call = self.world.call(method, path);
        if let Some(token) = self.apperian_token(caller).await? {
            return Ok(call.token(&token));
        }
        // Nothing but the host says which organization signs in.
        let call = if self.tokens.key.is_empty() {
            call
        } else {
            call.host(&self.host())
        };
        Ok(match caller {
            Caller::Admin => call.cookie(&self.tenant.cookie),
            Caller::StoreUser => call.session(&self.session),
            Caller::Nobody => call,
            publisher => call.header(
                "authorization",
                &format!(
                    "Bearer {}",
                    self.publisher.token(self.world, scopes(publisher)).await?
                ),
            ),
        })
    }

    /// With what the file says the request holds.
    fn with_body(
        &mut self,
        call: Call<'a>,
        request: &Request,
        content_type: Option<String>,
        told: &mut String,
    ) -> Result<Call<'a>, String> {
        if let Some(message) = &request.message {
            let (header, payload) = (
                self.captures.fill_json(&message.header)?,
                self.captures.fill_json(&message.payload)?,
            );
            tell(told, &format!("{header} {payload}"));
            let key = self
                .captures
                .fill(message.key.as_deref().unwrap_or("$ping.key"))?;
            return Ok(call.raw(
                "application/json",
                pingid::signed(&header, &payload, &key)?.into_bytes(),
            ));
        }
        let parts = &request.multipart;
        match (&request.body, &request.raw, &request.form, content_type) {
            (None, None, None, None) if parts.is_empty() => Ok(call),
            (None, None, None, None) => self.with_parts(call, parts, told),
            (Some(body), None, None, None) if parts.is_empty() => {
                let body = self.captures.fill_json(body)?;
                tell(told, &body.to_string());
                Ok(call.json(body))
            }
            (None, Some(raw), None, Some(content_type)) if parts.is_empty() => {
                let raw = self.captures.fill(raw)?;
                tell(told, &raw);
                Ok(call.raw(&content_type, raw.into_bytes()))
            }
            (None, None, Some(form), None) if parts.is_empty() => {
                let fields = form
                    .iter()
                    .map(|(name, value)| Ok((name.as_str(), self.captures.fill(value)?)));
                let fields = fields.collect::<Result<Vec<_>, String>>()?;
                tell(told, &format!("{fields:?}"));
                Ok(call.url_encoded(fields.iter().map(|(name, value)| (*name, value.as_str()))))
            }
            _ => Err(
                "one of body, multipart, raw and form, and a Content-Type with raw alone"
                    .to_owned(),
            ),
        }
    }

    fn with_parts(
        &mut self,
        call: Call<'a>,
        file_parts: &[FormPart],
        told: &mut String,
    ) -> Result<Call<'a>, String> {
        let version = self.next();
        let mut parts = Vec::new();
        for part in file_parts {
            parts.push(match part {
                FormPart::Text { name, value, kind } => {
                    let value = self.captures.fill(value)?;
                    tell(told, &format!("{name}={value}"));
                    (
                        name,
                        None,
                        kind.as_deref(),
                        in_charset(value, kind.as_deref())?,
                    )
                }
                FormPart::File {
                    name,
                    filename,
                    content,
                    kind,
                } => {
                    tell(told, &format!("{name}={content} ({filename})"));
                    (
                        name,
                        Some(filename.as_str()),
                        kind.as_deref(),
                        bytes_of(content, version)?,
                    )
                }
            });
        }
        if parts.iter().all(|(_, _, kind, _)| kind.is_none()) {
            return Ok(
                call.parts(parts.iter().map(|(name, file_name, _, content)| Part {
                    name,
                    file_name: *file_name,
                    content,
                })),
            );
        }
        let boundary = "4f1d2c3b-boundary";
        let mut body = Vec::new();
        for (name, file_name, kind, content) in &parts {
            let file_name = file_name.map_or_else(String::new, |file_name| {
                format!("; filename=\"{file_name}\"")
            });
            let kind = kind.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
            body.extend_from_slice(
                format!(
                    "--{boundary}\r\nContent-Disposition: form-data; \
                name=\"{name}\"{file_name}\r\n{kind}\r\n"
                )
                .as_bytes(),
            );
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Ok(call.raw(&format!("multipart/form-data; boundary={boundary}"), body))
    }
}

/// Notes a line of a request.
fn tell(told: &mut String, line: &str) {
    if !told.is_empty() {
        told.push_str("\n> ");
    }
    told.push_str(line);
}

/// A text in the charset that its media type names.
fn in_charset(text: String, kind: Option<&str>) -> Result<Vec<u8>, String> {
    if !kind.is_some_and(|kind| kind.ends_with("charset=ISO-8859-1")) {
        return Ok(text.into_bytes());
    }
    text.chars()
        .map(|one| u8::try_from(u32::from(one)).map_err(|_| format!("{one} is not in ISO-8859-1")))
        .collect()
}

/// Sends a request that must succeed.
pub async fn succeeded(what: &str, call: Call<'_>) -> Result<Answer, String> {
    let answer = call.send().await;
    if (200..400).contains(&answer.status) && answer.json.get("error").is_none() {
        Ok(answer)
    } else {
        Err(format!("{what}: {} {}", answer.status, answer.text))
    }
}

/// The text or the number of that name in an answer.
pub fn field(answer: &Value, name: &str) -> Result<String, String> {
    written(&answer[name]).ok_or_else(|| format!("no {name} in {answer}"))
}

/// The bytes that a file's content stands for.
pub fn bytes_of(content: &str, version: u32) -> Result<Vec<u8>, String> {
    match content {
        "@apk" => Ok(testing::apk(
            IDENTIFIER,
            version,
            &format!("{version}.0"),
            "Field Notes",
        )),
        "@ipa" => Ok(testing::ipa(
            IDENTIFIER,
            &version.to_string(),
            &format!("{version}.0"),
            "Field Notes",
        )),
        "@png" => Ok(testing::png(128, 128)),
        "@jpeg" => Ok(testing::jpeg(128, 128)),
        "@pdf" => Ok(b"%PDF-1.4\n%%EOF\n".to_vec()),
        "@html" => Ok(b"<!DOCTYPE html><script>alert(1)</script>".to_vec()),
        "@text" => Ok(b"This is no archive and no image.".to_vec()),
        other => Err(format!("the content {other} is unknown")),
    }
}

/// The username of a tenant's administrator, which is the email too.
pub fn administrator(domain: &str) -> String {
    format!("admin@{domain}.example")
}

/// The same with the tenant.
pub fn login(domain: &str) -> String {
    format!("{}@{domain}", administrator(domain))
}

/// What `Basic` of a name and a secret is.
pub fn basic(name: &str, secret: &str) -> String {
    STANDARD.encode(format!("{name}:{secret}"))
}

pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// A text, or a number as a text.
pub fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

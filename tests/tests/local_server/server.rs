//! The local server as a process, and what its clients send.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use appdepot_tests::PASSWORD;
use appdepot_tests::client::{self, HttpAnswer};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Where the administrator's calls begin.
pub const ADMIN: &str = "/box/srv/1.1/admin";
/// Longer than any start takes on a busy machine.
const START: Duration = Duration::from_secs(60);

/// The program without any setting of whoever runs the tests.
pub fn bare_command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_appdepot-under-test"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("APPDEPOT_") {
            command.env_remove(name);
        }
    }
    command
}

/// The program on this data folder, on a free port, with the known password.
pub fn command(data: &Path) -> Command {
    let mut command = bare_command();
    command
        .arg("--data")
        .arg(data)
        .args(["--listen", "127.0.0.1:0"])
        .env("APPDEPOT_ADMIN_PASSWORD", PASSWORD);
    command
}

/// A server that runs. It is killed when this is dropped.
pub struct Server {
    child: Child,
    /// Its address, as it said it.
    pub url: String,
    stdout: JoinHandle<String>,
    stderr: Arc<Mutex<String>>,
    stderr_ended: JoinHandle<()>,
}

/// How a server ended.
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it said on standard output after the line `ready`.
    pub stdout: String,
    /// All that it said on standard error.
    pub stderr: String,
}

impl Server {
    /// Starts the program on this data folder.
    pub async fn start(data: &Path) -> Self {
        Self::run(command(data)).await
    }

    /// Starts the program and waits for its line `ready`.
    pub async fn run(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server is started");
        let stderr = Arc::new(Mutex::new(String::new()));
        let mut errors = BufReader::new(child.stderr.take().expect("standard error")).lines();
        let told = Arc::clone(&stderr);
        let stderr_ended = tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                let mut told = told.lock().expect("a text");
                told.push_str(&line);
                told.push('\n');
            }
        });
        let mut output = BufReader::new(child.stdout.take().expect("standard output"));
        let mut line = String::new();
        let read = tokio::time::timeout(START, output.read_line(&mut line)).await;
        let url = line.trim_end().strip_prefix("ready ").map(str::to_owned);
        let Some(url) = url else {
            panic!(
                "not ready: {read:?} {line:?}: {}",
                stderr.lock().expect("a text")
            );
        };
        let stdout = tokio::spawn(async move {
            let mut rest = String::new();
            let _ = output.read_to_string(&mut rest).await;
            rest
        });
        Self {
            child,
            url,
            stdout,
            stderr,
            stderr_ended,
        }
    }

    /// What it has said on standard error.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("a text").clone()
    }

    /// `HOST:PORT`.
    pub fn host(&self) -> &str {
        self.url.strip_prefix("http://").expect("an address")
    }

    /// Asks it to stop, which it has to within ten seconds.
    pub async fn stop(mut self) -> Ended {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .await
                .expect("kill")
                .success()
        );
        let status = tokio::time::timeout(Duration::from_secs(30), self.child.wait())
            .await
            .expect("it stops in time")
            .expect("it ends");
        self.stderr_ended.await.expect("standard error");
        let stderr = self.stderr.lock().expect("a text").clone();
        Ended {
            code: status.code(),
            stdout: self.stdout.await.expect("standard output"),
            stderr,
        }
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.start_kill().expect("it is killed");
        self.child.wait().await.expect("it ends");
    }

    /// Signs a member of the default tenant in.
    pub async fn sign_in(&self, user: &str, password: &str) -> HttpAnswer {
        let body = json!({"u": user, "p": password});
        self.json("POST", "/box/srv/1.1/act/sys/auth/login", &[], &body)
            .await
            .expect("an answer")
    }

    /// The administrator of the default tenant.
    pub async fn admin(&self) -> Member {
        self.admin_of("dev", "admin").await
    }

    /// A member of that tenant.
    pub async fn admin_of(&self, domain: &str, user: &str) -> Member {
        let body = json!({"u": user, "p": PASSWORD, "d": domain});
        let answer = self
            .json("POST", "/box/srv/1.1/act/sys/auth/login", &[], &body)
            .await
            .expect("an answer");
        assert_eq!(answer.status, 200, "{:?}", answer.bytes);
        let cookie = answer.json()["login"]
            .as_str()
            .expect("a session")
            .to_owned();
        Member {
            url: self.url.clone(),
            cookie,
        }
    }

    /// One request with a JSON body.
    pub async fn json(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<HttpAnswer, String> {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        client::send(
            method,
            &format!("{}{path}", self.url),
            &all,
            body.to_string(),
        )
        .await
    }

    /// One request without a body.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> HttpAnswer {
        client::send("GET", &format!("{}{path}", self.url), headers, "")
            .await
            .expect("an answer")
    }

    /// Whether it still answers.
    pub async fn assert_alive(&self) {
        assert_eq!(self.get("/health", &[]).await.status, 200);
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Member {
    url: String,
    cookie: String,
}

/// A binary that was announced: where it goes.
pub struct Prepared {
    /// The upload.
    pub id: String,
    url: String,
    headers: Vec<(String, String)>,
}

impl Prepared {
    /// Sends the file to the storage.
    pub async fn put(&self, file: &[u8]) -> Result<HttpAnswer, String> {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        client::send("PUT", &self.url, &headers, file.to_vec()).await
    }
}

impl Member {
    /// The same member at the address of a later start.
    pub fn at(&self, server: &Server) -> Self {
        Self {
            url: server.url.clone(),
            cookie: self.cookie.clone(),
        }
    }

    fn cookie(&self) -> String {
        format!("feedhenry={}", self.cookie)
    }

    /// A POST of JSON, whatever comes back.
    pub async fn try_post(&self, path: &str, body: &Value) -> Result<HttpAnswer, String> {
        let headers = [
            ("content-type", "application/json"),
            ("cookie", &*self.cookie()),
        ];
        client::send(
            "POST",
            &format!("{}{path}", self.url),
            &headers,
            body.to_string(),
        )
        .await
    }

    /// A POST of JSON that must succeed.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self
            .try_post(path, body)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.bytes);
        answer.json()
    }

    /// Makes a store item and gives its guid.
    pub async fn item(&self, name: &str) -> String {
        self.post(&format!("{ADMIN}/storeitem/create"), &json!({"name": name}))
            .await["guid"]
            .as_str()
            .expect("a guid")
            .to_owned()
    }

    /// A store item.
    pub async fn read(&self, guid: &str) -> Value {
        self.post(&format!("{ADMIN}/storeitem/read"), &json!({"guid": guid}))
            .await
    }

    /// Sends a file through `uploadbinary`.
    pub async fn upload(&self, guid: &str, kind: &str, file: &[u8]) -> Result<HttpAnswer, String> {
        let boundary = "------------------------5d0a1c27";
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; \
            filename=\"app.bin\"\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        for (name, value) in [("type", kind), ("guid", guid)] {
            body.extend_from_slice(
                format!(
                    "\r\n--{boundary}\r\nContent-Disposition: form-data; \
                name=\"{name}\"\r\n\r\n{value}"
                )
                .as_bytes(),
            );
        }
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let headers = [
            ("content-type", &*content_type),
            ("cookie", &*self.cookie()),
        ];
        client::send(
            "POST",
            &format!("{}{ADMIN}/storeitem/uploadbinary", self.url),
            &headers,
            body,
        )
        .await
    }

    /// Announces a file that goes straight to the storage.
    pub async fn prepare(&self, guid: &str, kind: &str, size: usize) -> Result<Prepared, String> {
        let body = json!({"guid": guid, "type": kind, "size": size, "fileName": "app.bin"});
        let answer = self
            .try_post(&format!("{ADMIN}/storeitem/prepareupload"), &body)
            .await?;
        let prepared = answer.json();
        let text = |value: &Value| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| prepared.to_string())
        };
        let headers = prepared["headers"].as_object().into_iter().flatten();
        let headers = headers
            .map(|(name, value)| Ok((name.clone(), text(value)?)))
            .collect::<Result<_, String>>()?;
        Ok(Prepared {
            id: text(&prepared["uploadId"])?,
            url: text(&prepared["url"])?,
            headers,
        })
    }

    /// Where an upload stands.
    pub async fn status(&self, upload: &str) -> Result<Value, String> {
        let answer = self
            .try_post(
                &format!("{ADMIN}/storeitem/uploadstatus"),
                &json!({"uploadId": upload}),
            )
            .await?;
        if answer.status == 200 {
            Ok(answer.json())
        } else {
            Err(format!("{:?}", answer.bytes))
        }
    }

    /// Waits for the verdict on an upload.
    pub async fn ended(&self, upload: &str, patience: Duration) -> Value {
        let waiting = async {
            loop {
                let status = self.status(upload).await.expect("a status");
                if !matches!(status["state"].as_str(), Some("waiting" | "reading")) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        tokio::time::timeout(patience, waiting)
            .await
            .unwrap_or_else(|_| panic!("the upload {upload} did not end"))
    }

    /// Follows the install link of an item's Android binary to its bytes.
    pub async fn install(&self, guid: &str) -> HttpAnswer {
        let url = format!(
            "{}/box/srv/1.1/mas/storeitem/install?guid={guid}&type=android",
            self.url
        );
        let sent = client::send("GET", &url, &[("cookie", &*self.cookie())], "")
            .await
            .expect("an answer");
        assert_eq!(sent.status, 302, "{:?}", sent.bytes);
        client::send("GET", sent.header("location"), &[], "")
            .await
            .expect("the storage's answer")
    }
}

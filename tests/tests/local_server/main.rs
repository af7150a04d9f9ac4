//! The program `appdepot` as people run it: a process with a data folder.

mod kept_data;
mod killed;
mod passwords;
mod server;
mod uploads;
mod work;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use appdepot_tests::client::HttpAnswer;
use appdepot_tests::{PASSWORD, client};
use serde_json::{Value, json};
use server::{ADMIN, Server, bare_command, command};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn fhcrc(data: &Path) -> String {
    std::fs::read_to_string(data.join("clients/fhcrc")).expect("the settings of fhc")
}

fn apperian_token(data: &Path) -> String {
    let text = std::fs::read_to_string(data.join("clients/apperian-token"))
        .expect("the token of clients of the Apperian API");
    text.strip_suffix('\n').expect("one line").to_owned()
}

fn setting<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))
        .unwrap_or_else(|| panic!("no {name} in {text}"))
}

fn wso2_client(data: &Path) -> Value {
    let text = std::fs::read_to_string(data.join("clients/wso2-client.json"))
        .expect("the settings of clients of the publisher API");
    serde_json::from_str(&text).expect("JSON")
}

/// A token by these settings and that password.
async fn token(settings: &Value, password: &str) -> HttpAnswer {
    let text = |name: &str| {
        settings[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} in {settings}"))
            .to_owned()
    };
    let (id, secret, username) = (text("clientId"), text("clientSecret"), text("username"));
    let form = [
        ("grant_type", "password"),
        ("username", &username),
        ("password", password),
        ("client_id", &id),
        ("client_secret", &secret),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    client::send(
        "POST",
        &text("tokenUrl"),
        &[("content-type", "application/x-www-form-urlencoded")],
        body,
    )
    .await
    .unwrap()
}

fn password_lines(stderr: &str) -> Vec<&str> {
    stderr
        .lines()
        .filter_map(|line| line.strip_prefix("admin password: "))
        .collect()
}

async fn names(member: &server::Member) -> Vec<String> {
    let list = member
        .post(&format!("{ADMIN}/storeitem/list"), &json!({}))
        .await;
    list["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_a_tenant_and_says_its_password_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new/folder");
    let mut first = command(&data);
    first.env_remove("APPDEPOT_ADMIN_PASSWORD");
    let started = Instant::now();
    let server = Server::run(first).await;
    assert!(
        server.url.starts_with("http://127.0.0.1:") && !server.url.ends_with(":0"),
        "{}",
        server.url
    );

    // Standard error is read beside; what was said before `ready` may still be on its way.
    while password_lines(&server.stderr()).is_empty() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "no password: {}",
            server.stderr()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let password = password_lines(&server.stderr())[0].to_owned();
    assert!(password.len() >= 16, "{password}");
    for user in ["admin", "admin@example.com"] {
        let answer = server.sign_in(user, &password).await;
        assert_eq!(
            (answer.status, &answer.json()["result"]),
            (200, &json!("ok")),
            "{user}"
        );
    }
    assert_eq!(server.sign_in("admin", PASSWORD).await.status, 401);

    let path = data.join("clients/fhcrc");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        std::fs::metadata(data.join("key"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    let text = fhcrc(&data);
    assert_eq!(setting(&text, "feedhenry"), format!("{}/", server.url));
    assert_eq!(
        (setting(&text, "domain"), setting(&text, "username")),
        ("dev", "admin@example.com")
    );
    let key = setting(&text, "user_api_key");
    let listed = server
        .json(
            "POST",
            &format!("{ADMIN}/storeitem/list"),
            &[("x-fh-auth-user", key)],
            &json!({}),
        )
        .await
        .unwrap();
    assert_eq!(listed.status, 200, "{:?}", listed.bytes);

    let path = data.join("clients/wso2-client.json");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let settings = wso2_client(&data);
    assert_eq!(
        settings["baseUrl"],
        format!("{}/api/appm/publisher/v1.1", server.url)
    );
    assert_eq!(settings["tokenUrl"], format!("{}/oauth2/token", server.url));
    assert_eq!(settings["username"], "admin@example.com");
    let got = token(&settings, &password).await;
    assert_eq!(
        (got.status, &got.json()["token_type"]),
        (200, &json!("Bearer")),
        "{:?}",
        got.bytes
    );
    assert_eq!(token(&settings, "another").await.status, 400);

    let path = data.join("clients/apperian-token");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let api_token = apperian_token(&data);
    let listed = server
        .json(
            "GET",
            "/v2/applications/",
            &[("x-token", &api_token)],
            &json!({}),
        )
        .await
        .unwrap();
    assert_eq!(
        (listed.status, listed.json()),
        (200, json!({"applications": []})),
        "{:?}",
        listed.bytes
    );

    let ended = server.stop().await;
    assert_eq!(
        (ended.code, &*ended.stdout),
        (Some(0), ""),
        "{}",
        ended.stderr
    );
    let secret = settings["clientSecret"].as_str().unwrap();
    assert!(
        !ended.stderr.contains(&api_token)
            && !ended.stderr.contains(secret)
            && !ended
                .stderr
                .contains(got.json()["access_token"].as_str().unwrap()),
        "secrets are in no log"
    );
    assert_eq!(password_lines(&ended.stderr), [password]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_what_was_there_and_rewrites_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    assert!(
        password_lines(&server.stderr()).is_empty(),
        "a password that was given is not printed"
    );
    let admin = server.admin().await;
    let guid = admin.item("Made before").await;
    let before = fhcrc(folder.path());
    let (client_before, token_before) = (wso2_client(folder.path()), apperian_token(folder.path()));
    assert_eq!(setting(&before, "feedhenry"), format!("{}/", server.url));
    let ended = server.stop().await;
    assert_eq!(
        (ended.code, &*ended.stdout),
        (Some(0), ""),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains(PASSWORD), "a password is in no log");

    // Another port for sure: the old one is taken while the server starts again.
    let old_port = setting(&before, "feedhenry")
        .trim_end_matches('/')
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    let held = TcpListener::bind(old_port).ok();
    let mut again = command(folder.path());
    again.env("APPDEPOT_ADMIN_PASSWORD", "another password altogether");
    let server = Server::run(again).await;
    drop(held);
    let after = fhcrc(folder.path());
    assert_eq!(setting(&after, "feedhenry"), format!("{}/", server.url));
    assert_eq!(
        setting(&after, "user_api_key"),
        setting(&before, "user_api_key")
    );
    assert_eq!(
        std::fs::metadata(folder.path().join("clients/fhcrc"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    assert_eq!(apperian_token(folder.path()), token_before);
    let client_after = wso2_client(folder.path());
    for name in ["clientId", "clientSecret", "username"] {
        assert_eq!(client_after[name], client_before[name], "{name}");
    }
    assert_eq!(
        client_after["baseUrl"],
        format!("{}/api/appm/publisher/v1.1", server.url)
    );
    assert_eq!(
        token(&client_after, PASSWORD).await.status,
        200,
        "the client is the same, where the server is now"
    );
    assert_eq!(
        server
            .sign_in("admin", "another password altogether")
            .await
            .status,
        401
    );
    assert_eq!(
        admin.at(&server).read(&guid).await["name"],
        "Made before",
        "the session from before holds too"
    );
    assert_eq!(names(&server.admin().await).await, ["Made before"]);
    let ended = server.stop().await;
    assert_eq!(ended.code, Some(0));
    assert!(password_lines(&ended.stderr).is_empty());
}

/// Settings that somebody took away are made again, and what he put in their place is left.
#[tokio::test(flavor = "multi_thread")]
async fn missing_settings_are_made_and_foreign_ones_left() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        Server::start(folder.path()).await.stop().await.code,
        Some(0)
    );
    let (key, path) = (
        fhcrc(folder.path()),
        folder.path().join("clients/wso2-client.json"),
    );
    let key = setting(&key, "user_api_key").to_owned();
    std::fs::remove_file(&path).unwrap();
    let server = Server::start(folder.path()).await;
    assert_eq!(
        token(&wso2_client(folder.path()), PASSWORD).await.status,
        200
    );
    assert_eq!(
        setting(&fhcrc(folder.path()), "user_api_key"),
        key,
        "what was there is not made again"
    );
    assert_eq!(server.stop().await.code, Some(0));
    std::fs::write(&path, "mine").unwrap();
    let server = Server::start(folder.path()).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(
        setting(&fhcrc(folder.path()), "feedhenry"),
        format!("{}/", server.url)
    );
    assert_eq!(server.stop().await.code, Some(0));
}

async fn fails(mut command: tokio::process::Command) -> Output {
    let output = tokio::time::timeout(Duration::from_secs(30), command.kill_on_drop(true).output())
        .await
        .expect("it ends")
        .unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "{output:?}");
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let output = fails(command(folder.path())).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.lines()
            .any(|line| line.starts_with("error: the data folder ")
                && line.contains("in use by another process")),
        "{told}"
    );

    let other = tempfile::tempdir().unwrap();
    let mut same_port = bare_command();
    same_port
        .arg("--data")
        .arg(other.path())
        .args(["--listen", server.host()]);
    let told = String::from_utf8(fails(same_port).await.stderr).unwrap();
    assert!(
        told.contains(&format!("error: {} cannot be listened on", server.host())),
        "{told}"
    );
    let mut odd_status = bare_command();
    odd_status
        .arg("--data")
        .arg(other.path())
        .args(["--wso2-create-status", "202"]);
    let told = String::from_utf8(fails(odd_status).await.stderr).unwrap();
    assert!(
        told.contains("--wso2-create-status") && told.contains("200, 201"),
        "{told}"
    );
    server.assert_alive().await;
    assert_eq!(server.admin().await.item("Still served").await.len(), 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_sets_what_options_set() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = bare_command();
    command
        .current_dir(folder.path())
        .env("APPDEPOT_LISTEN", "127.0.0.1:0")
        .env("APPDEPOT_DATA", &data)
        .env("APPDEPOT_TENANT", "acme")
        .env("APPDEPOT_ADMIN_PASSWORD", PASSWORD);
    let server = Server::run(command).await;
    assert!(data.join("clients/fhcrc").exists() && !folder.path().join(".appdepot").exists());
    let answer = server.sign_in("admin", PASSWORD).await;
    assert_eq!(
        (answer.status, &answer.json()["domain"]),
        (200, &json!("acme")),
        "without a name it is the default tenant"
    );
    assert_eq!(setting(&fhcrc(&data), "domain"), "acme");
    assert_eq!(server.stop().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn local_operations_are_for_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let new =
        json!({"name": "other", "adminEmail": "boss@other.example", "adminPassword": PASSWORD});

    for headers in [
        ("host", "evil.example"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("host", "127.0.0.1.evil.example:4000"),
    ] {
        let refused = server
            .json("POST", "/local/tenants", &[headers], &new)
            .await
            .unwrap();
        assert_eq!(refused.status, 403, "{headers:?}");
        let url = format!("{}/local/schedule/housekeeping", server.url);
        assert_eq!(
            client::send("POST", &url, &[headers], "")
                .await
                .unwrap()
                .status,
            403,
            "{headers:?}"
        );
        assert_eq!(
            server.get("/local/mail", &[headers]).await.status,
            403,
            "{headers:?}"
        );
    }
    let url = format!("{}/local/tenants", server.url);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        assert_eq!(
            client::send("POST", &url, &[("content-type", kind)], new.to_string())
                .await
                .unwrap()
                .status,
            415,
            "{kind}"
        );
    }
    assert_eq!(
        client::send("POST", &url, &[], new.to_string())
            .await
            .unwrap()
            .status,
        415,
        "without a type"
    );

    for bad in [
        json!({}),
        json!({"name": "Other", "adminEmail": "a@b.example", "adminPassword": PASSWORD}),
        json!({"name": "x y", "adminEmail": "a@b.example", "adminPassword": PASSWORD}),
        json!({"name": "x", "adminEmail": "no address", "adminPassword": PASSWORD}),
        json!({"name": "x", "adminEmail": "a@b.example", "adminPassword": ""}),
    ] {
        let answer = server
            .json("POST", "/local/tenants", &[], &bad)
            .await
            .unwrap();
        assert_eq!(answer.status, 400, "{bad}: {:?}", answer.bytes);
        assert!(answer.json()["message"].is_string());
    }
    let no_address = json!({"name": "x", "adminEmail": "no address", "adminPassword": PASSWORD});
    let answer = server
        .json("POST", "/local/tenants", &[], &no_address)
        .await
        .unwrap();
    let (status, told) = (answer.status, answer.json()["message"].to_string());
    assert!(
        status == 400 && told.contains("invalid_adminEmail: ") && told.contains("mail address"),
        "{status} {told}"
    );

    let own_origin = server.url.clone();
    let made = server
        .json("POST", "/local/tenants", &[("origin", &own_origin)], &new)
        .await
        .unwrap();
    assert_eq!(made.status, 200, "{:?}", made.bytes);
    let made = made.json();
    assert_eq!(made["name"], "other");
    let tenant_id = made["handle"].as_str().unwrap();
    assert!(
        tenant_id.len() == 8 && tenant_id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{tenant_id}"
    );
    let settings = made["clients"]["fhcrc"].as_str().unwrap();
    assert_eq!(
        (setting(settings, "domain"), setting(settings, "feedhenry")),
        ("other", &*format!("{}/", server.url))
    );
    let client: Value =
        serde_json::from_str(made["clients"]["wso2-client.json"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&client["tokenUrl"], &client["username"]),
        (
            &json!(format!("{}/oauth2/token", server.url)),
            &json!("boss@other.example")
        )
    );
    assert_eq!(token(&client, PASSWORD).await.status, 200);
    assert_eq!(
        server
            .json("POST", "/local/tenants", &[], &new)
            .await
            .unwrap()
            .status,
        409
    );

    // Two tenants that see nothing of each other.
    let dev = server.admin().await;
    let other = server.admin_of("other", "boss@other.example").await;
    let guid = dev.item("Secret of dev").await;
    other.item("Secret of other").await;
    assert_eq!(
        (names(&dev).await, names(&other).await),
        (
            vec!["Secret of dev".to_owned()],
            vec!["Secret of other".to_owned()]
        )
    );
    for (path, body) in [
        ("storeitem/read", json!({"guid": guid})),
        ("storeitem/update", json!({"guid": guid, "name": "Taken"})),
        ("storeitem/delete", json!({"guid": guid})),
        ("appstore/additem", json!({"guid": guid})),
        (
            "storeitem/prepareupload",
            json!({"guid": guid, "type": "android", "size": 10, "fileName": "a"}),
        ),
    ] {
        let answer = other
            .try_post(&format!("{ADMIN}/{path}"), &body)
            .await
            .unwrap();
        assert_eq!(answer.status, 404, "{path}: {:?}", answer.bytes);
    }
    let key = setting(settings, "user_api_key");
    let read = server
        .json(
            "POST",
            &format!("{ADMIN}/storeitem/read"),
            &[("x-fh-auth-user", key)],
            &json!({"guid": guid}),
        )
        .await
        .unwrap();
    assert_eq!(read.status, 404);
    let keys = other
        .try_post("/box/srv/1.1/ide/dev/api/list", &json!({"type": "user"}))
        .await
        .unwrap();
    assert_eq!(keys.status, 403, "{:?}", keys.bytes);
    assert_eq!(dev.read(&guid).await["name"], "Secret of dev");

    let page = server.get("/local/mail", &[]).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    let list = server
        .get("/local/mail", &[("accept", "application/json")])
        .await;
    assert_eq!((list.status, list.json()), (200, json!([])));

    let done = server
        .json("POST", "/local/schedule/housekeeping", &[], &json!({}))
        .await
        .unwrap();
    assert_eq!(
        (done.status, done.json()),
        (
            200,
            json!({
                "jobs": 0, "objects": 0, "uploads": 0, "releases": 0, "apps": 0, "files": 0,
                "alerts": 0, "warnings": 0,
            })
        )
    );
    let url = format!("{}/local/schedule/housekeeping", server.url);
    assert_eq!(
        client::send("POST", &url, &[], "").await.unwrap().status,
        200,
        "without a body"
    );
    assert_eq!(
        server.get("/local/schedule/housekeeping", &[]).await.status,
        404
    );
    assert_eq!(server.get("/local/", &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_refuses_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let admin = server.admin().await;
    let guid = admin.item("Large").await;
    for megabytes in [6.5, 11.0, 40.0] {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size"
        )]
        let file = vec![7; (megabytes * 1e6) as usize];
        let answer = admin
            .upload(&guid, "android", &file)
            .await
            .unwrap_or_else(|error| panic!("{megabytes} MB: {error}"));
        assert_eq!(answer.status, 413, "{megabytes} MB: {:?}", answer.bytes);
        assert!(answer.json()["message"].is_string());
    }
    assert_eq!(admin.read(&guid).await["binaries"], json!([]));

    // A client that looks for an answer only after it has sent everything.
    let mut stream = tokio::net::TcpStream::connect(server.host()).await.unwrap();
    let head = format!(
        "POST {ADMIN}/storeitem/uploadbinary HTTP/1.1\r\nhost: {}\r\ncontent-length: \
        60000000\r\n\r\n",
        server.host()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![7; 60_000_000]).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    server.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_limits_of_aws_a_large_app_passes() {
    let folder = tempfile::tempdir().unwrap();
    let mut unlimited = command(folder.path());
    unlimited.arg("--no-aws-limits");
    let server = Server::run(unlimited).await;
    let admin = server.admin().await;
    let guid = admin.item("Large").await;
    let file = uploads::large_apk(7);
    assert!(file.len() > 7_000_000);
    let answer = admin.upload(&guid, "android", &file).await.unwrap();
    assert_eq!(answer.status, 200, "{:?}", answer.bytes);
    let shown: Value = admin.read(&guid).await;
    assert_eq!(
        shown["binaries"][0]["package"]["size"],
        file.len(),
        "{shown}"
    );
    assert!(
        admin.install(&guid).await.bytes == file,
        "it is installed as it was sent"
    );
}

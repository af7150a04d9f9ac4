//! Nothing connects to where it may not, whoever says so.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde_json::json;
use tokio::net::TcpListener;

use super::openid::{Keys, metadata, now, sign};
use super::server::{Server, certificate, json as reply, redirect};
use super::{CALLBACK, NOWHERE, Script, any, parse};
use crate::connect::Failure;
use crate::{Configuration, Connector, LdapConfiguration, Reach};

/// This machine, in every form a URL knows.
const HERE: [&str; 15] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "017700000001",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
    "localhost.",
    "a.localhost",
    "0.0.0.0",
    "[::]",
    "127.255.255.254",
];

/// Has every protocol connect to a host; gives why each did not, if it did not.
async fn everywhere(connector: &Connector, host: &str, port: u16) -> Vec<Failure> {
    let scheme = if connector.reach == Reach::Public {
        "https"
    } else {
        "http"
    };
    let url = format!("{scheme}://{host}:{port}/x");
    let openid = parse("OPENID", json!({"issuer": url, "clientId": "a"}));
    let oauth1 = parse(
        "OAUTH1",
        json!({
            "consumerKey": "a", "consumerSecret": "b", "requestTokenUrl": url, "authorizeUrl": url,
            "accessTokenUrl": url,
        }),
    );
    let mut failures = vec![
        connector.begin(&openid, CALLBACK, "s").await.err(),
        connector.begin(&oauth1, CALLBACK, "s").await.err(),
    ];
    let Configuration::Mbaas(mbaas) = parse("MBAAS", json!({"authEndpoint": url})) else {
        unreachable!()
    };
    failures.push(
        connector
            .delegate(&mbaas, &json!({"userId": "a"}))
            .await
            .err(),
    );
    for (scheme, starttls) in [("ldap", true), ("ldap", false), ("ldaps", true)] {
        let url = format!("{scheme}://{host}:{port}");
        let Configuration::Ldap(ldap) = parse(
            "LDAP",
            json!({"url": url, "dn": "dc=a", "dn_prefix": "uid", "starttls": starttls}),
        ) else {
            unreachable!()
        };
        failures.push(connector.bind(&ldap, "a", "b").await.err());
    }
    failures.into_iter().flatten().collect()
}

/// A listener on both loopback addresses that hangs up on everybody.
async fn trap() -> Server {
    let server = Server::listen(|stream| async move { drop(stream) }).await;
    // Where there is no IPv6, its loopback address needs no watching.
    if let Ok(listener) = TcpListener::bind(("::1", server.port)).await {
        let counter = server.counter();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    server
}

#[tokio::test]
async fn no_form_of_this_machine_is_connected_to() {
    let trap = trap().await;
    let public = Connector::new(Reach::Public, None).unwrap();
    for host in HERE {
        // What parsing would have refused already is judged again.
        let failures = everywhere(&public, host, trap.port).await;
        assert_eq!(failures.len(), 6, "{host}");
        assert!(
            failures
                .iter()
                .all(|failure| matches!(failure, Failure::Misconfigured(_))),
            "{host}: {failures:?}"
        );
    }
    assert_eq!(trap.connections().await, 0);
    // The trap works: with the parameter of the deployment each protocol comes to it.
    for host in ["127.0.0.1", "2130706433"] {
        assert_eq!(everywhere(&any(), host, trap.port).await.len(), 6);
    }
    assert_eq!(trap.connections().await, 12);
}

#[tokio::test]
async fn other_schemes_and_users_are_refused_even_where_any_host_will_do() {
    let trap = trap().await;
    let port = trap.port;
    for url in [
        format!("http://user@127.0.0.1:{port}/"),
        format!("http://u:p@127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
        format!("ftp://127.0.0.1:{port}/"),
    ] {
        let fields = json!({"authEndpoint": url});
        assert!(
            Configuration::parse(
                crate::PolicyType::Mbaas,
                fields.as_object().unwrap(),
                Reach::Any
            )
            .is_err()
        );
        let Configuration::Mbaas(mut mbaas) =
            parse("MBAAS", json!({"authEndpoint": "https://a.example"}))
        else {
            unreachable!()
        };
        mbaas.auth_endpoint = url.parse().unwrap();
        for connector in [any(), Connector::new(Reach::Public, None).unwrap()] {
            assert!(
                matches!(
                    connector.delegate(&mbaas, &json!({})).await,
                    Err(Failure::Misconfigured(_))
                ),
                "{url}"
            );
        }
    }
    for url in [
        "ldapi://%2fvar%2frun%2fldapi".to_owned(),
        format!("ldap://user@127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}"),
    ] {
        let ldap = LdapConfiguration {
            url: url.parse().unwrap(),
            dn: "dc=a".to_owned(),
            dn_prefix: "uid".to_owned(),
            starttls: false,
            email_verified: false,
            ca_certificate: None,
        };
        assert!(
            matches!(
                any().bind(&ldap, "a", "b").await,
                Err(Failure::Misconfigured(_))
            ),
            "{url}"
        );
    }
    assert_eq!(trap.connections().await, 0);
}

#[tokio::test]
async fn names_are_judged_by_what_they_resolve_to() {
    let trap = trap().await;
    for address in [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "169.254.169.254",
        "::ffff:127.0.0.1",
        "fd00:ec2::254",
        "0.0.0.0",
    ] {
        let public = Connector::new(Reach::Public, None)
            .unwrap()
            .with_resolver(Arc::new(Script::new(&[&[address]])));
        let failures = everywhere(&public, "provider.example", trap.port).await;
        assert!(
            failures.len() == 6
                && failures
                    .iter()
                    .all(|failure| matches!(failure, Failure::Misconfigured(_))),
            "{address}: {failures:?}"
        );
    }
    assert_eq!(trap.connections().await, 0);
}

#[tokio::test]
async fn a_name_that_moves_is_resolved_once_for_each_connection() {
    let trap = trap().await;
    let script = Arc::new(Script::new(&[&[NOWHERE], &["127.0.0.1"]]));
    let public = Connector::new(Reach::Public, None)
        .unwrap()
        .with_resolver(script.clone());
    let Configuration::Mbaas(mbaas) = parse(
        "MBAAS",
        json!({"authEndpoint": format!("https://provider.example:{}/", trap.port)}),
    ) else {
        unreachable!()
    };
    let started = Instant::now();
    // Public when it is judged, private when somebody would ask again: nobody does.
    let failed = public.delegate(&mbaas, &json!({})).await;
    assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
    assert!(
        started.elapsed().as_secs() < 30,
        "a connection takes 3 seconds at most"
    );
    assert_eq!(script.asked.load(Ordering::SeqCst), 1);
    let failed = public.delegate(&mbaas, &json!({})).await;
    assert!(
        matches!(failed, Err(Failure::Misconfigured(_))),
        "{failed:?}"
    );
    // Of a list with both only the public one is tried.
    let public = Connector::new(Reach::Public, None)
        .unwrap()
        .with_resolver(Arc::new(Script::new(&[&["127.0.0.1", NOWHERE, "::1"]])));
    let failed = public.delegate(&mbaas, &json!({})).await;
    assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
    assert_eq!(trap.connections().await, 0);
}

/// A connector for which the address that a script gives first is a public one, at which this
/// process answers.
fn world(pem: &str, lists: &[&[&str]]) -> Connector {
    let mut connector = Connector::new(Reach::Public, Some(pem))
        .unwrap()
        .with_resolver(Arc::new(Script::new(lists)));
    connector.detours = vec![("8.8.8.8".parse().unwrap(), "127.0.0.1".parse().unwrap())];
    connector
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (pem, acceptor) = certificate(&["provider.example"]);
    let trap = trap().await;
    let to = format!("http://127.0.0.1:{}/", trap.port);
    let server = Server::start_tls(acceptor, move |_| redirect(&to)).await;
    let failures = everywhere(
        &world(&pem, &[&["8.8.8.8"]]),
        "provider.example",
        server.port,
    )
    .await;
    assert_eq!(failures.len(), 6, "{failures:?}");
    assert!(
        failures[..3]
            .iter()
            .all(|failure| matches!(failure, Failure::Misconfigured(text) if text.contains("302"))),
        "{failures:?}"
    );
    assert_eq!(trap.connections().await, 0);
}

#[tokio::test]
async fn what_a_provider_names_is_judged_too() {
    let (pem, acceptor) = certificate(&["provider.example"]);
    let trap = trap().await;
    let here = format!("https://127.0.0.1:{}/x", trap.port);
    // Which field of the discovery document leads astray, and whether the beginning notices.
    for (field, at_begin) in [
        ("jwks_uri", true),
        ("authorization_endpoint", true),
        ("token_endpoint", false),
        ("userinfo_endpoint", false),
    ] {
        let (keys, here, acceptor) = (Keys::new(), here.clone(), acceptor.clone());
        let nonce = Arc::new(std::sync::Mutex::new(String::new()));
        let memory = nonce.clone();
        let server = Server::start_tls(acceptor, move |request| {
            let issuer = format!("https://{}", request.headers["host"]);
            match request.path.as_str() {
                "/.well-known/openid-configuration" => {
                    let mut metadata = metadata(&issuer);
                    metadata[field] = json!(here);
                    reply(200, &metadata)
                }
                "/token" => {
                    let claims = json!({
                        "iss": issuer, "aud": "a", "sub": "1", "exp": now() + 60, "iat": now(),
                        "nonce": *memory.lock().unwrap(),
                    });
                    reply(
                        200,
                        &json!({
                            "access_token": "b", "token_type": "Bearer",
                            "id_token": sign(keys.own(), &claims),
                        }),
                    )
                }
                _ => reply(200, &keys.set()),
            }
        })
        .await;
        let connector = world(&pem, &[&["8.8.8.8"]]);
        let configuration = parse(
            "OPENID",
            json!({"issuer": format!("https://provider.example:{}", server.port), "clientId": "a"}),
        );
        let begun = connector.begin(&configuration, CALLBACK, "s").await;
        if at_begin {
            assert!(
                matches!(&begun, Err(Failure::Misconfigured(text)) if text.contains("private")),
                "{field}: {begun:?}"
            );
            continue;
        }
        let (url, pending) = begun.unwrap();
        let query: std::collections::BTreeMap<String, String> = url::Url::parse(&url)
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        nonce.lock().unwrap().clone_from(&query["nonce"]);
        let back = [("code".to_owned(), "c".to_owned())].into();
        let finished = connector
            .finish(&configuration, CALLBACK, &pending, &back)
            .await;
        if field == "userinfo_endpoint" {
            // The whole of it under a public reach and TLS; only what is optional is missing.
            assert_eq!(finished.unwrap().subject, "1");
        } else {
            assert!(
                matches!(&finished, Err(Failure::Misconfigured(text)) if text.contains("private")),
                "{field}: {finished:?}"
            );
        }
    }
    // The name moves between discovery and keys.
    let server = Server::start_tls(acceptor, |request| {
        reply(
            200,
            &metadata(&format!("https://{}", request.headers["host"])),
        )
    })
    .await;
    let connector = world(&pem, &[&["8.8.8.8"], &["127.0.0.1"]]);
    let configuration = parse(
        "OPENID",
        json!({"issuer": format!("https://provider.example:{}", server.port), "clientId": "a"}),
    );
    let begun = connector.begin(&configuration, CALLBACK, "s").await;
    assert!(matches!(begun, Err(Failure::Misconfigured(_))), "{begun:?}");
    assert_eq!(server.connections().await, 1);
    assert_eq!(trap.connections().await, 0);
}

#[tokio::test]
async fn a_provider_must_prove_its_name() {
    let (pem, acceptor) = certificate(&["other.example"]);
    let (stranger, _) = certificate(&["provider.example"]);
    let server = Server::start_tls(acceptor, |_| reply(200, &json!({"userId": "a"}))).await;
    for (pem, host) in [(&pem, "provider.example"), (&stranger, "other.example")] {
        let Configuration::Mbaas(mbaas) = parse(
            "MBAAS",
            json!({"authEndpoint": format!("https://{host}:{}/", server.port)}),
        ) else {
            unreachable!()
        };
        let failed = world(pem, &[&["8.8.8.8"]])
            .delegate(&mbaas, &json!({}))
            .await;
        assert!(
            matches!(failed, Err(Failure::Misconfigured(_))),
            "{failed:?}"
        );
    }
    let Configuration::Mbaas(mbaas) = parse(
        "MBAAS",
        json!({"authEndpoint": format!("https://other.example:{}/", server.port)}),
    ) else {
        unreachable!()
    };
    assert_eq!(
        world(&pem, &[&["8.8.8.8"]])
            .delegate(&mbaas, &json!({}))
            .await
            .unwrap()
            .0
            .subject,
        "a"
    );
    assert!(matches!(
        Connector::new(Reach::Public, Some("nothing")),
        Err(Failure::Misconfigured(_))
    ));
}

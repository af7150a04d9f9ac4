//! A directory that understands three requests.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::server::{Server, certificate, closed_port};
use super::{any, parse};
use crate::connect::dial::Stream;
use crate::connect::{Failure, Identity};
use crate::{Configuration, LdapConfiguration};

fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, length[0], length[1]], content.as_slice()].concat()
}

/// The elements that stand one after the other; short and long lengths.
fn elements(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut all = vec![];
    while let [tag, length, rest @ ..] = bytes {
        let (length, rest) = match length {
            ..=0x7f => (usize::from(*length), rest),
            _ => {
                let (digits, rest) = rest.split_at(usize::from(*length & 0x7f));
                (
                    digits
                        .iter()
                        .fold(0, |length, digit| length << 8 | usize::from(*digit)),
                    rest,
                )
            }
        };
        all.push((*tag, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    all
}

struct Entry {
    code: u8,
    start_tls: u8,
    attributes: Option<Vec<(&'static str, &'static str)>>,
    seen: Mutex<Vec<(String, String)>>,
}

fn entry(code: u8) -> Arc<Entry> {
    let attributes = Some(vec![
        ("uid", "jane"),
        ("Mail", "jane@example.com"),
        ("cn", "Jane"),
        ("displayName", "Jane Doe"),
    ]);
    Arc::new(Entry {
        code,
        start_tls: 0,
        attributes,
        seen: Mutex::default(),
    })
}

async fn request(stream: &mut Box<dyn Stream>) -> Option<(Vec<u8>, u8, Vec<u8>)> {
    let mut bytes = vec![];
    loop {
        // Requests of these tests arrive whole or in pieces; a length is in the first bytes.
        if bytes.len() >= 6 {
            let head = if bytes[1] < 0x80 {
                2
            } else {
                2 + usize::from(bytes[1] & 0x7f)
            };
            let length = if head == 2 {
                usize::from(bytes[1])
            } else {
                bytes[2..head]
                    .iter()
                    .fold(0, |length, digit| length << 8 | usize::from(*digit))
            };
            if bytes.len() >= head + length {
                assert_eq!(bytes.len(), head + length);
                let mut parts = elements(&bytes[head..]).into_iter();
                let ((_, id), (tag, operation)) = (parts.next()?, parts.next()?);
                return Some((id, tag, operation));
            }
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&some[..count]),
            _ => return None,
        }
    }
}

async fn serve(stream: Box<dyn Stream>, entry: Arc<Entry>, mut acceptor: Option<TlsAcceptor>) {
    let mut stream = stream;
    let result = |tag: u8, code: u8| {
        element(
            tag,
            &[&[0x0a, 1, code], &element(4, &[]), &element(4, &[b"text"])],
        )
    };
    while let Some((id, tag, operation)) = request(&mut stream).await {
        let id = element(2, &[&id]);
        let parts = elements(&operation);
        let answers = match tag {
            0x60 => {
                assert_eq!((parts[0].1.as_slice(), parts[2].0), ([3].as_slice(), 0x80));
                let text = |at: usize| String::from_utf8(parts[at].1.clone()).unwrap();
                entry.seen.lock().unwrap().push((text(1), text(2)));
                vec![result(0x61, entry.code)]
            }
            0x63 => {
                assert_eq!(parts[1].1, [0], "the own entry and no other");
                let found = entry.attributes.as_ref().map(|attributes| {
                    let attributes: Vec<_> = attributes
                        .iter()
                        .map(|(name, value)| {
                            element(
                                0x30,
                                &[
                                    &element(4, &[name.as_bytes()]),
                                    &element(0x31, &[&element(4, &[value.as_bytes()])]),
                                ],
                            )
                        })
                        .collect();
                    let attributes: Vec<_> = attributes.iter().map(Vec::as_slice).collect();
                    element(
                        0x64,
                        &[&element(4, &[&parts[0].1]), &element(0x30, &attributes)],
                    )
                });
                let done = result(0x65, if found.is_some() { 0 } else { 50 });
                found.into_iter().chain([done]).collect()
            }
            0x77 => {
                assert_eq!(
                    operation,
                    element(0x80, &[b"1.3.6.1.4.1.1466.20037"])
                        .iter()
                        .enumerate()
                        .filter(|(at, _)| *at != 1 && *at != 2)
                        .map(|(_, b)| *b)
                        .collect::<Vec<_>>()
                );
                vec![result(0x78, entry.start_tls)]
            }
            _ => return,
        };
        for answer in answers {
            stream
                .write_all(&element(0x30, &[&id, &answer]))
                .await
                .unwrap();
        }
        if tag == 0x60 && entry.code != 0 {
            // Some hang up on whom they refuse.
            return;
        }
        if tag == 0x77
            && entry.start_tls == 0
            && let Some(acceptor) = acceptor.take()
        {
            match acceptor.accept(stream).await {
                Ok(encrypted) => stream = Box::new(encrypted),
                Err(_) => return,
            }
        }
    }
}

/// A directory that speaks in clear until it is asked for TLS.
async fn plain(entry: &Arc<Entry>, acceptor: Option<TlsAcceptor>) -> Server {
    let entry = entry.clone();
    Server::listen(move |stream| serve(Box::new(stream), entry.clone(), acceptor.clone())).await
}

fn configuration(url: &str, more: Value) -> LdapConfiguration {
    let mut fields = json!({"url": url, "dn": "ou=people,dc=example,dc=com", "dn_prefix": "uid"});
    fields
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    match parse("LDAP", fields) {
        Configuration::Ldap(ldap) => ldap,
        _ => unreachable!(),
    }
}

fn in_clear(server: &Server) -> LdapConfiguration {
    configuration(
        &format!("ldap://127.0.0.1:{}", server.port),
        json!({"starttls": false}),
    )
}

#[tokio::test]
async fn binds_and_reads_the_own_entry() {
    let entry = entry(0);
    let server = plain(&entry, None).await;
    let identity = any()
        .bind(&in_clear(&server), "Jane", "pass wörd")
        .await
        .unwrap();
    let (subject, email, name) = (
        "jane".to_owned(),
        Some("jane@example.com".to_owned()),
        Some("Jane Doe".to_owned()),
    );
    // People may write their own entry in many directories: it proves nothing unless the policy
    // says so.
    assert_eq!(
        identity,
        Identity {
            subject: subject.clone(),
            email: email.clone(),
            email_verified: false,
            name: name.clone()
        }
    );
    let vouching = configuration(
        &format!("ldap://127.0.0.1:{}", server.port),
        json!({"starttls": false, "emailVerified": "true"}),
    );
    assert_eq!(
        any().bind(&vouching, "Jane", "pass wörd").await.unwrap(),
        Identity {
            subject,
            email,
            email_verified: true,
            name
        }
    );
    entry.seen.lock().unwrap().pop();
    assert_eq!(
        *entry.seen.lock().unwrap(),
        [(
            "uid=Jane,ou=people,dc=example,dc=com".to_owned(),
            "pass wörd".to_owned()
        )]
    );
    assert_eq!(server.connections().await, 2);
}

#[tokio::test]
async fn the_entry_need_not_be_readable() {
    let entry = Arc::new(Entry {
        code: 0,
        start_tls: 0,
        attributes: None,
        seen: Mutex::default(),
    });
    let identity = any()
        .bind(&in_clear(&plain(&entry, None).await), " Jane  Doe", "p")
        .await
        .unwrap();
    assert_eq!(
        identity,
        Identity {
            subject: "jane doe".to_owned(),
            email: None,
            email_verified: false,
            name: None
        }
    );
    // What the directory found says who it is, where it compares more loosely than we do.
    let entry = Arc::new(Entry {
        code: 0,
        start_tls: 0,
        attributes: Some(vec![("UID", "Jorg")]),
        seen: Mutex::default(),
    });
    assert_eq!(
        any()
            .bind(&in_clear(&plain(&entry, None).await), "Jörg", "p")
            .await
            .unwrap()
            .subject,
        "jorg"
    );
}

#[tokio::test]
async fn tells_a_wrong_password_from_trouble() {
    for (code, kind) in [
        (49, "denied"),
        (32, "denied"),
        (51, "unreachable"),
        (52, "unreachable"),
        (80, "unreachable"),
        (53, "misconfigured"),
        (13, "misconfigured"),
        (34, "misconfigured"),
    ] {
        let failed = any()
            .bind(&in_clear(&plain(&entry(code), None).await), "jane", "p")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            failed.starts_with(kind) && failed.contains(&format!("answered {code}")),
            "{code}: {failed}"
        );
    }
}

#[tokio::test]
async fn empty_names_and_passwords_are_denied_without_asking() {
    let server = plain(&entry(0), None).await;
    let long = "x".repeat(257);
    for (user, password) in [
        ("jane", ""),
        ("", "p"),
        (" ", "p"),
        ("", ""),
        (long.as_str(), "p"),
        ("jane", long.as_str()),
    ] {
        assert!(matches!(
            any().bind(&in_clear(&server), user, password).await,
            Err(Failure::Denied(_))
        ));
    }
    assert_eq!(server.connections().await, 0);
}

#[tokio::test]
async fn names_arrive_as_one_value() {
    let entry = entry(49);
    let server = plain(&entry, None).await;
    let names = [
        ("*", "*"),
        ("*)(uid=*", "*)(uid\\3d*"),
        ("jane,ou=admins", "jane\\2cou\\3dadmins"),
        ("jane\\,x", "jane\\5c\\2cx"),
        ("a\0b", "a\\00b"),
        ("a\nb", "a\\0ab"),
        ("+cn=admin", "\\2bcn\\3dadmin"),
        ("#04", "\\2304"),
        ("\"q\"", "\\22q\\22"),
        ("a;b<c>", "a\\3bb\\3cc\\3e"),
        (" x ", "\\20x\\20"),
    ];
    for (name, _) in names {
        assert!(matches!(
            any().bind(&in_clear(&server), name, "p").await,
            Err(Failure::Denied(_))
        ));
    }
    let seen: Vec<_> = entry
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(
        seen,
        names.map(|(_, escaped)| format!("uid={escaped},ou=people,dc=example,dc=com"))
    );
}

#[tokio::test]
async fn encrypts_before_it_sends_the_password() {
    let (pem, acceptor) = certificate(&["localhost", "127.0.0.1"]);
    let (other, _) = certificate(&["localhost", "127.0.0.1"]);
    let entry = entry(0);
    let starting = plain(&entry, Some(acceptor.clone())).await;
    let encrypted = {
        let (entry, acceptor) = (entry.clone(), acceptor);
        Server::listen(move |stream| {
            let (entry, acceptor) = (entry.clone(), acceptor.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(Box::new(stream), entry, None).await;
                }
            }
        })
        .await
    };
    for url in [
        format!("ldap://127.0.0.1:{}/", starting.port),
        format!("ldaps://127.0.0.1:{}/", encrypted.port),
    ] {
        let identity = any()
            .bind(
                &configuration(&url, json!({"caCertificate": pem})),
                "jane",
                "secret",
            )
            .await
            .unwrap();
        assert_eq!(identity.subject, "jane");
        // The connector's own roots do as well.
        let connector = crate::Connector::new(crate::Reach::Any, Some(&pem)).unwrap();
        assert!(
            connector
                .bind(&configuration(&url, json!({})), "jane", "secret")
                .await
                .is_ok()
        );
        let sent = entry.seen.lock().unwrap().len();
        for more in [json!({}), json!({"caCertificate": other})] {
            let failed = any()
                .bind(&configuration(&url, more), "jane", "secret")
                .await;
            assert!(
                matches!(failed, Err(Failure::Misconfigured(_))),
                "{failed:?}"
            );
        }
        assert_eq!(
            entry.seen.lock().unwrap().len(),
            sent,
            "a directory that proves nothing is sent no password"
        );
    }
    // The certificate is right, the host is not.
    let (pem, acceptor) = certificate(&["directory.example"]);
    let server = plain(&entry, Some(acceptor)).await;
    let failed = any()
        .bind(
            &configuration(
                &format!("ldap://127.0.0.1:{}/", server.port),
                json!({"caCertificate": pem}),
            ),
            "jane",
            "secret",
        )
        .await;
    assert!(
        matches!(failed, Err(Failure::Misconfigured(_))),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_directory_without_tls_gets_no_password_in_clear() {
    let entry = Arc::new(Entry {
        code: 0,
        start_tls: 2,
        attributes: None,
        seen: Mutex::default(),
    });
    let server = plain(&entry, None).await;
    let failed = any()
        .bind(
            &configuration(&format!("ldap://127.0.0.1:{}/", server.port), json!({})),
            "jane",
            "secret",
        )
        .await;
    assert!(
        matches!(&failed, Err(Failure::Misconfigured(text)) if text.contains("StartTLS")),
        "{failed:?}"
    );
    assert!(entry.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn answers_in_time_whatever_the_directory_does() {
    let failed = any()
        .bind(
            &configuration(
                &format!("ldap://127.0.0.1:{}", closed_port().await),
                json!({}),
            ),
            "jane",
            "p",
        )
        .await;
    assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
    let silent = Server::silent().await;
    let started = Instant::now();
    let (clear, starttls) = (
        in_clear(&silent),
        configuration(&format!("ldap://127.0.0.1:{}", silent.port), json!({})),
    );
    let connector = any();
    let (one, two) = tokio::join!(
        connector.bind(&clear, "jane", "p"),
        connector.bind(&starttls, "jane", "p")
    );
    assert!(
        matches!(
            (&one, &two),
            (Err(Failure::Unreachable(_)), Err(Failure::Unreachable(_)))
        ),
        "{one:?} {two:?}"
    );
    assert!(started.elapsed().as_secs() < 30);
}

#[tokio::test]
async fn survives_what_is_no_ldap() {
    let mut deep = vec![];
    // As deep as a message may be long: the stack of the client of LDAP would not hold it.
    while deep.len() < 60_000 {
        let length = u16::try_from(deep.len()).unwrap().to_be_bytes();
        deep.splice(0..0, [0x30, 0x82, length[0], length[1]]);
    }
    let endless = [b"\x30\x84\x7f\xff\xff\xff".as_slice(), &[0; 100_000]].concat();
    let flood = element(
        0x30,
        &[
            &[2, 1, 9],
            &element(
                0x64,
                &[&element(4, &[&[b'x'; 30_000]]), &element(0x30, &[])],
            ),
        ],
    )
    .repeat(100);
    let empty = b"\x30\x00".to_vec();
    let odd = b"\x30\x06\x02\x01\x01\x61\x01\x00".to_vec();
    let short = b"\x30\x05\x02\x01\x01\x61\x00".to_vec();
    for garbage in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        deep,
        endless,
        flood,
        empty,
        odd,
        short,
        vec![],
    ] {
        let server = Server::listen(move |mut stream| {
            let garbage = garbage.clone();
            async move {
                let mut some = [0; 1024];
                let _ = stream.read(&mut some).await;
                let _ = stream.write_all(&garbage).await;
            }
        })
        .await;
        for more in [json!({"starttls": false}), json!({})] {
            let started = Instant::now();
            let failed = any()
                .bind(
                    &configuration(&format!("ldap://127.0.0.1:{}", server.port), more),
                    "jane",
                    "p",
                )
                .await;
            assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
            assert!(started.elapsed().as_secs() < 30);
        }
    }
}

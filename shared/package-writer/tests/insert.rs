//! Documents come into apps, and nothing else changes.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::io::{self, Cursor};

use package_reader::testing::archive::{Frame, Part, framed, zip};
use package_reader::testing::{Apk, Ipa};
use package_reader::{Platform, RefusalCode, read_metadata};
use package_writer::{DOCUMENT_BYTES, DOCUMENTS, WriteError, insert};
use support::{Folder, Seen, by_name, entries};

/// Puts documents into an app and gives the result.
fn inserted(platform: Platform, app: &[u8], documents: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = Folder::new();
    let (source, target) = (folder.file("source", app), folder.path("target"));
    insert(platform, &source, &target, documents).unwrap();
    assert_eq!(
        std::fs::read(&source).unwrap(),
        app,
        "the source is left alone"
    );
    assert_eq!(folder.names(), ["source", "target"], "nothing else is left");
    std::fs::read(target).unwrap()
}

fn apk() -> Vec<u8> {
    let mut parts = Apk::default().parts();
    parts.push(Part {
        mode: 0o100_755,
        ..Part::stored("lib/arm64-v8a/libfirst.so", &[7; 5000])
    });
    parts.push(Part::deflated("lib/arm64-v8a/libsecond.so", &[8; 5000]));
    parts.push(Part::stored("assets/odd", b"three"));
    framed(
        &parts,
        &Frame {
            comment: b"a channel".to_vec(),
            ..Frame::default()
        },
    )
}

#[test]
fn an_apk_gets_documents() {
    let apk = apk();
    let out = inserted(
        Platform::Android,
        &apk,
        &[("policy.json", b"{\"a\":1}"), ("b.bin", &[0, 255])],
    );
    let (before, after) = (entries(&apk), entries(&out));
    assert_eq!(after.len(), before.len() + 2);
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(old.content(), new.content(), "{}", old.name);
    }
    let new: Vec<_> = after[before.len()..]
        .iter()
        .map(|entry| {
            (
                entry.name.as_str(),
                entry.packed.as_slice(),
                entry.time,
                entry.method,
            )
        })
        .collect();
    assert_eq!(
        new,
        [
            (
                "assets/appdepot/policy.json",
                &b"{\"a\":1}"[..],
                0x0021_0000,
                0
            ),
            ("assets/appdepot/b.bin", &[0, 255][..], 0x0021_0000, 0)
        ]
    );
    for entry in after.iter().filter(|entry| entry.method == 0) {
        let step = if entry.name.starts_with("lib/") {
            16_384
        } else {
            4
        };
        assert_eq!(entry.data_at % step, 0, "{}", entry.name);
    }
    assert!(out.ends_with(b"\x09\0a channel"));
    let length = out.len() as u64;
    let package = read_metadata(Cursor::new(&out), length, Platform::Android).unwrap();
    assert_eq!(
        (
            package.identifier.as_str(),
            package.version_code.as_str(),
            package.label.as_str()
        ),
        ("com.example.app", "1", "Example")
    );
    assert_eq!(
        out,
        inserted(
            Platform::Android,
            &apk,
            &[("policy.json", b"{\"a\":1}"), ("b.bin", &[0, 255])]
        ),
        "the same again"
    );
}

#[test]
fn a_document_is_replaced_where_it_stands() {
    let first = inserted(
        Platform::Android,
        &apk(),
        &[("a.json", b"1"), ("b.json", b"2")],
    );
    let second = inserted(
        Platform::Android,
        &first,
        &[("a.json", b"longer than before")],
    );
    let names = |bytes: &[u8]| {
        entries(bytes)
            .into_iter()
            .map(|entry| entry.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first), names(&second));
    let second = by_name(&second);
    assert_eq!(
        second["assets/appdepot/a.json"].packed,
        b"longer than before"
    );
    assert_eq!(second["assets/appdepot/b.json"].packed, b"2");
}

#[test]
fn old_signatures_of_an_apk_are_left_out() {
    let (signed, _) = Apk {
        min_sdk: Some(21),
        more: vec![("META-INF/services/x".to_owned(), b"kept".to_vec())],
        ..Apk::default()
    }
    .build_signed("old");
    assert!(
        signed
            .windows(16)
            .any(|window| window == b"APK Sig Block 42")
            && by_name(&signed).contains_key("META-INF/MANIFEST.MF")
    );
    let out = inserted(Platform::Android, &signed, &[("a.json", b"1")]);
    assert!(!out.windows(16).any(|window| window == b"APK Sig Block 42"));
    let names: Vec<String> = by_name(&out)
        .into_keys()
        .filter(|name| name.starts_with("META-INF/"))
        .collect();
    assert_eq!(names, ["META-INF/services/x"]);
}

#[test]
fn an_ipa_gets_documents() {
    let mut parts = Ipa::default().parts();
    parts.push(Part {
        mode: 0o120_755,
        ..Part::stored(
            "Payload/Example.app/Frameworks/F.framework/Current",
            b"Versions/A",
        )
    });
    parts.push(Part {
        mode: 0o100_755,
        ..Part::deflated("Payload/Example.app/tool", b"#!/bin/sh")
    });
    parts.push(Part::stored(
        "Payload/Example.app/_CodeSignature/CodeResources",
        b"old",
    ));
    let ipa = zip(&parts);
    let out = inserted(Platform::Ios, &ipa, &[("policy.json", b"{}")]);
    let (before, after) = (entries(&ipa), entries(&out));
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(old.content(), new.content(), "{}", old.name);
    }
    assert_eq!(
        (after.len(), after[before.len()].name.as_str()),
        (before.len() + 1, "Payload/Example.app/appdepot/policy.json")
    );
    let length = out.len() as u64;
    assert_eq!(
        read_metadata(Cursor::new(out), length, Platform::Ios)
            .unwrap()
            .identifier,
        "com.example.app"
    );
}

#[test]
fn sizes_behind_the_data_and_large_ends_become_plain() {
    // With flag 3 the entry's own header has no sizes; the records of zip64 are of no use below 4
    // GB.
    let mut parts = Apk::default().parts();
    for part in &mut parts {
        (part.flags, part.local_unpacked) = (8, Some(0));
    }
    let out = inserted(
        Platform::Android,
        &framed(
            &parts,
            &Frame {
                zip64: true,
                ..Frame::default()
            },
        ),
        &[],
    );
    assert_eq!(
        entries(&out).iter().map(Seen::content).collect::<Vec<_>>(),
        entries(&Apk::default().build())
            .iter()
            .map(Seen::content)
            .collect::<Vec<_>>()
    );
    assert!(!out.windows(4).any(|window| window == b"PK\x06\x06"));
    let listed = out
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    assert_eq!(out[listed + 8] & 8, 0);
}

#[test]
fn source_and_target_may_be_the_same() {
    let folder = Folder::new();
    let file = folder.file("app.apk", &apk());
    insert(Platform::Android, &file, &file, &[("a.json", b"1")]).unwrap();
    assert!(by_name(&std::fs::read(&file).unwrap()).contains_key("assets/appdepot/a.json"));
    assert_eq!(folder.names(), ["app.apk"]);
}

#[test]
fn wrong_calls_change_nothing() {
    let folder = Folder::new();
    let (source, target) = (
        folder.file("app.apk", &apk()),
        folder.file("target", b"as before"),
    );
    let long = "a".repeat(101);
    let many: Vec<String> = (0..=DOCUMENTS)
        .map(|number| format!("{number}.json"))
        .collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let large = vec![0; DOCUMENT_BYTES + 1];
    let calls: Vec<Vec<(&str, &[u8])>> = vec![
        vec![("", b"")],
        vec![("../a", b"")],
        vec![("a/b", b"")],
        vec![(".hidden", b"")],
        vec![("ä", b"")],
        vec![("a\0", b"")],
        vec![(&long, b"")],
        vec![("a", &large)],
        vec![("a", b"1"), ("a", b"2")],
        many,
    ];
    for documents in calls {
        let result = insert(Platform::Android, &source, &target, &documents);
        assert!(
            matches!(&result, Err(WriteError::File(error)) if error.kind() == io::ErrorKind::InvalidInput),
            "{:?}: {result:?}",
            documents[0].0
        );
    }
    let missing = insert(Platform::Android, &folder.path("missing"), &target, &[]);
    assert!(
        matches!(missing, Err(WriteError::File(error)) if error.kind() == io::ErrorKind::NotFound)
    );
    assert_eq!(std::fs::read(&target).unwrap(), b"as before");
    assert_eq!(folder.names(), ["app.apk", "target"]);
}

#[test]
fn what_is_no_app_is_refused() {
    let cases = [
        (Platform::Ios, apk(), RefusalCode::WrongType),
        (
            Platform::Android,
            Ipa::default().build(),
            RefusalCode::WrongType,
        ),
        (
            Platform::Android,
            zip(&[Part::stored("a", b"1")]),
            RefusalCode::NotAnApp,
        ),
        (
            Platform::Ios,
            zip(&[Part::stored("a", b"1")]),
            RefusalCode::NotAnApp,
        ),
        (
            Platform::Android,
            b"text".to_vec(),
            RefusalCode::NotAnArchive,
        ),
        (
            Platform::Android,
            zip(&[
                Apk::default().parts(),
                vec![Part::stored("classes.dex", b"2")],
            ]
            .concat()),
            RefusalCode::Ambiguous,
        ),
        (
            Platform::Android,
            zip(&[
                Apk::default().parts(),
                vec![Part {
                    unpacked: 9,
                    ..Part::deflated("bomb", &[0; 99_999])
                }],
            ]
            .concat()),
            RefusalCode::Unreadable,
        ),
        (
            Platform::Android,
            zip(&[
                Apk::default().parts(),
                vec![Part {
                    crc: 9,
                    ..Part::stored("spoilt", b"1")
                }],
            ]
            .concat()),
            RefusalCode::Unreadable,
        ),
    ];
    for (platform, app, expected) in cases {
        let folder = Folder::new();
        let (source, target) = (folder.file("source", &app), folder.path("target"));
        match insert(platform, &source, &target, &[("a.json", b"1")]) {
            Err(WriteError::Refused(refusal)) => assert_eq!(refusal.code, expected, "{refusal}"),
            other => panic!("{expected}: {other:?}"),
        }
        assert_eq!(folder.names(), ["source"]);
    }
}

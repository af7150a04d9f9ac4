//! Signed APKs are verified by another program's verifier and stay the apps that they were.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod support;

use std::io::Cursor;

use package_reader::testing::archive::{Frame, Part, framed, zip};
use package_reader::testing::{Apk, Ipa};
use package_reader::{Platform, RefusalCode, Signature, apk_signature, read_metadata};
use package_writer::{Identity, WriteError, insert, sign_android};
use support::{Folder, entries, identity};

fn signed(apk: &[u8], identity: &Identity) -> Result<Vec<u8>, WriteError> {
    let folder = Folder::new();
    let (source, target) = (folder.file("source", apk), folder.path("target"));
    let result = sign_android(&source, &target, identity);
    assert_eq!(
        folder.names(),
        if result.is_ok() {
            vec!["source", "target"]
        } else {
            vec!["source"]
        }
    );
    result?;
    let (schemes, expected) = match apk_signature(&target) {
        Signature::Verified {
            schemes,
            certificate_sha256,
        } => (schemes, certificate_sha256),
        other => panic!("{other:?}"),
    };
    assert_eq!(expected, identity.fingerprint());
    let verified = apk::sign::verify(&target).unwrap();
    let bytes = std::fs::read(target).unwrap();
    let length = bytes.len() as u64;
    let min: u32 = read_metadata(Cursor::new(&bytes), length, Platform::Android)
        .unwrap()
        .min_os
        .parse()
        .unwrap();
    assert_eq!(schemes, if min < 24 { vec![1, 2, 3] } else { vec![2, 3] });
    assert_eq!(
        verified
            .certificate()
            .sha256_fingerprint()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>(),
        identity.fingerprint()
    );
    Ok(bytes)
}

/// Name, checksum and packed bytes of everything that is not a signature.
fn contents(apk: &[u8]) -> Vec<(String, u16, u32, Vec<u8>)> {
    let kept = entries(apk).into_iter().filter(|entry| {
        ![".SF", ".RSA", ".EC", ".MF"]
            .iter()
            .any(|end| entry.name.ends_with(end))
    });
    kept.map(|entry| (entry.name, entry.method, entry.crc, entry.packed))
        .collect()
}

#[test]
fn every_kind_of_key_signs() {
    for (file, min) in [
        ("rsa.p12", 16),
        ("rsa.p12", 23),
        ("rsa-legacy.p12", 24),
        ("ec.p12", 21),
        ("ec.p12", 30),
    ] {
        let apk = Apk {
            min_sdk: Some(min),
            ..Apk::default()
        }
        .build();
        let identity = identity(file);
        let out = signed(&apk, &identity).unwrap();
        assert_eq!(contents(&apk), contents(&out), "{file} {min}");
        assert_eq!(out, signed(&apk, &identity).unwrap(), "the same again");
    }
}

#[test]
fn a_changed_app_signed_anew_is_the_same_app() {
    let folder = Folder::new();
    let (before, _) = Apk {
        min_sdk: Some(21),
        version_code: 77,
        ..Apk::default()
    }
    .build_signed("the old signer");
    let (source, changed) = (folder.file("source", &before), folder.path("changed"));
    insert(
        Platform::Android,
        &source,
        &changed,
        &[("policy.json", b"{}")],
    )
    .unwrap();
    assert!(matches!(
        apk_signature(&changed),
        Signature::Unverified { .. }
    ));
    let out = signed(&std::fs::read(&changed).unwrap(), &identity("rsa.p12")).unwrap();
    let length = out.len() as u64;
    let package = read_metadata(Cursor::new(&out), length, Platform::Android).unwrap();
    assert_eq!(
        (
            package.identifier.as_str(),
            package.version_code.as_str(),
            package.version_name.as_str()
        ),
        ("com.example.app", "77", "1.0")
    );
    assert!(package.icon.is_some());
    let (mut old, new) = (contents(&before), contents(&out));
    assert_eq!(new.last().unwrap().0, "assets/appdepot/policy.json");
    old.push(new.last().unwrap().clone());
    assert_eq!(old, new);
    // Signing what is signed replaces the signature.
    let again = signed(&out, &identity("ec.p12")).unwrap();
    assert_eq!(contents(&again), new);
}

#[test]
fn unusual_layouts_are_signed() {
    let mut parts = Apk::default().parts();
    for part in &mut parts {
        (part.flags, part.local_unpacked) = (8, Some(0));
    }
    parts.push(Part::stored("lib/arm64-v8a/libfirst.so", &[7; 5000]));
    let frame = Frame {
        between: vec![0; 100],
        comment: b"a channel".to_vec(),
        ..Frame::default()
    };
    let out = signed(&framed(&parts, &frame), &identity("rsa.p12")).unwrap();
    for entry in entries(&out).iter().filter(|entry| entry.method == 0) {
        assert_eq!(
            entry.data_at
                % if entry.name.starts_with("lib/") {
                    16_384
                } else {
                    4
                },
            0,
            "{}",
            entry.name
        );
    }
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let refusal = |apk: &[u8], keys: &str| match signed(apk, &identity(keys)) {
        Err(WriteError::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refusal(
            &Apk {
                min_sdk: Some(16),
                ..Apk::default()
            }
            .build(),
            "ec.p12"
        ),
        RefusalCode::UnsupportedKey
    );
    assert_eq!(
        refusal(
            &Apk {
                min_sdk: None,
                ..Apk::default()
            }
            .build(),
            "ec.p12"
        ),
        RefusalCode::UnsupportedKey
    );
    assert_eq!(
        refusal(&Ipa::default().build(), "rsa.p12"),
        RefusalCode::WrongType
    );
    assert_eq!(
        refusal(
            &zip(&[Part::stored("AndroidManifest.xml", b"<manifest/>")]),
            "rsa.p12"
        ),
        RefusalCode::Unreadable
    );
    let bomb = Part {
        unpacked: 9,
        ..Part::deflated("bomb", &[0; 99_999])
    };
    assert_eq!(
        refusal(
            &zip(&[
                Apk {
                    min_sdk: Some(16),
                    ..Apk::default()
                }
                .parts(),
                vec![bomb]
            ]
            .concat()),
            "rsa.p12"
        ),
        RefusalCode::Unreadable
    );
    let forged = Part::stored("a\r\nName: classes.dex", b"1");
    assert_eq!(
        refusal(
            &zip(&[
                Apk {
                    min_sdk: Some(16),
                    ..Apk::default()
                }
                .parts(),
                vec![forged]
            ]
            .concat()),
            "rsa.p12"
        ),
        RefusalCode::Unreadable
    );
}

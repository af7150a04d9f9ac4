//! What is signed is verified, and what is not is not.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use package_reader::testing::{Apk, android::sign, archive};
use package_reader::{Signature, apk_signature, ipa_signature};

struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Temporary {
        let path =
            std::env::temp_dir().join(format!("package-reader-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn verdict(name: &str, bytes: &[u8]) -> Signature {
    apk_signature(&Temporary::new(name, bytes).0)
}

fn unverified(name: &str, bytes: &[u8]) -> (String, Option<String>) {
    match verdict(name, bytes) {
        Signature::Unverified {
            reason,
            certificate_sha256,
        } => (reason, certificate_sha256),
        verified => panic!("{name}: {verified:?}"),
    }
}

#[test]
fn signed() {
    let (old, certificate) = Apk {
        min_sdk: Some(21),
        ..Apk::default()
    }
    .build_signed("first");
    let expected = Signature::Verified {
        schemes: vec![1, 2, 3],
        certificate_sha256: certificate.clone(),
    };
    assert_eq!(verdict("old.apk", &old), expected);
    let (new, same) = Apk::default().build_signed("first");
    let (_, other) = Apk::default().build_signed("second");
    assert!(same == certificate && other != certificate && certificate.len() == 64);
    let json = serde_json::to_value(verdict("new.apk", &new)).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "state": "verified", "schemes": [2, 3], "certificateSha256": certificate,
        })
    );
}

#[test]
fn a_changed_byte_is_found() {
    let (signed, certificate) = Apk::default().build_signed("first");
    let block = signed
        .windows(16)
        .position(|window| window == b"APK Sig Block 42")
        .unwrap();
    for at in [40, 100, block / 4, signed.len() - 3 * 22] {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        assert!(
            matches!(
                verdict("changed.apk", &changed),
                Signature::Unverified { .. }
            ),
            "byte {at}"
        );
    }
    // What the certificate claims is still told, as a claim. The table of resources is stored and
    // read by no one here.
    let table = signed
        .windows(14)
        .position(|window| window == b"resources.arsc")
        .unwrap()
        + 600;
    let mut changed = signed;
    changed[table] ^= 1;
    assert_eq!(unverified("claimed.apk", &changed).1, Some(certificate));
}

#[test]
fn a_foreign_signature_is_found() {
    let (mine, _) = Apk::default().build_signed("first");
    let (theirs, certificate) = Apk {
        version_code: 2,
        ..Apk::default()
    }
    .build_signed("second");
    let block = |apk: &[u8]| {
        let magic = apk
            .windows(16)
            .position(|window| window == b"APK Sig Block 42")
            .unwrap();
        let size = u64::from_le_bytes(apk[magic - 8..magic].try_into().unwrap()) as usize;
        magic + 16 - size - 8..magic + 16
    };
    let (at, from) = (block(&mine), block(&theirs));
    let mut forged = mine[..at.start].to_vec();
    forged.extend_from_slice(&theirs[from.clone()]);
    let moved = forged.len() as u32;
    forged.extend_from_slice(&mine[at.end..]);
    let end = forged.len() - 22;
    forged[end + 16..end + 20].copy_from_slice(&moved.to_le_bytes());
    let (reason, claimed) = unverified("forged.apk", &forged);
    assert!(
        claimed == Some(certificate) && reason.contains("digest"),
        "{reason}"
    );
}

#[test]
fn not_signed() {
    let (reason, certificate) = unverified("unsigned.apk", &Apk::default().build());
    assert_eq!((reason.as_str(), certificate), ("not signed", None));
    assert!(matches!(
        ipa_signature(Path::new("any.ipa")),
        Signature::Unverified { .. }
    ));
    assert!(matches!(
        apk_signature(Path::new("/does/not/exist.apk")),
        Signature::Unverified { .. }
    ));
    for bytes in [&b""[..], b"text", &Apk::default().build()[..500]] {
        unverified("noise.apk", bytes);
    }
}

#[test]
fn a_large_unsigned_file_takes_no_time() {
    let mut parts = Apk::default().parts();
    parts.push(archive::Part::stored("assets/big", &vec![7; 45 << 20]));
    let file = Temporary::new("large.apk", &archive::zip(&parts));
    let started = Instant::now();
    assert!(matches!(
        apk_signature(&file.0),
        Signature::Unverified { .. }
    ));
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_bomb_in_a_signed_file_is_not_inflated() {
    let (signed, _) = Apk {
        min_sdk: Some(21),
        ..Apk::default()
    }
    .build_signed("first");
    let mut parts = Apk::default().parts();
    parts.push(archive::Part::stored("META-INF/CERT.RSA", b"x"));
    parts.push(archive::Part {
        unpacked: 10,
        ..archive::Part::deflated("assets/bomb", &vec![0; 64 << 20])
    });
    let (reason, _) = unverified("bomb.apk", &archive::zip(&parts));
    assert!(reason.contains("another size"), "{reason}");
    let mut parts = Apk::default().parts();
    parts.push(archive::Part::stored("META-INF/CERT.RSA", b"x"));
    let lines = b"Name: a\r\n\r\n".repeat(400_000);
    parts.push(archive::Part::deflated("META-INF/MANIFEST.MF", &lines));
    let (reason, _) = unverified("lines.apk", &archive::zip(&parts));
    assert!(reason.contains("too large"), "{reason}");
    // A block that claims to be as large as the file is not read.
    let magic = signed
        .windows(16)
        .position(|window| window == b"APK Sig Block 42")
        .unwrap();
    let mut large = signed;
    large[magic - 8..magic].copy_from_slice(&(1u64 << 40).to_le_bytes());
    let (reason, _) = unverified("block.apk", &large);
    assert!(reason.contains("too large"), "{reason}");
}

#[test]
fn a_signature_can_be_put_on_what_others_built() {
    let (signed, certificate) = sign(
        &archive::zip(
            &Apk {
                icon: 0,
                ..Apk::default()
            }
            .parts(),
        ),
        "third",
    );
    assert!(matches!(
        verdict("third.apk", &signed),
        Signature::Verified { certificate_sha256, .. } if certificate_sha256 == certificate
    ));
}

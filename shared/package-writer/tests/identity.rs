//! Key files: what opens, and what is said about what does not.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod support;

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, Pkcs12Archive, PrivateKeyChain,
};
use package_writer::{IDENTITY_BYTES, Identity, KeyKind, RefusalCode, WriteError};
use support::{PASSWORD, fixture, identity};

fn refusal(bytes: &[u8], password: &str) -> (RefusalCode, String) {
    match Identity::from_pkcs12(bytes, password) {
        Err(WriteError::Refused(refusal)) => {
            assert!(
                refusal.reason.ends_with('.') && refusal.reason.len() < 300,
                "{refusal}"
            );
            (refusal.code, refusal.reason)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_openssl_makes_opens() {
    for (file, subject, kind, fingerprint) in [
        (
            "rsa.p12",
            "Example RSA",
            KeyKind::Rsa(2048),
            "609f563b5b382f53daa778e2b9d33d6467e4c5a7cee6d2ac100e749f55db35de",
        ),
        (
            "rsa-legacy.p12",
            "Example RSA",
            KeyKind::Rsa(2048),
            "609f563b5b382f53daa778e2b9d33d6467e4c5a7cee6d2ac100e749f55db35de",
        ),
        (
            "ec.p12",
            "Example EC",
            KeyKind::P256,
            "8bbf3bef28a5722e6183058a99d72732696c5b067aaa9f5bebf889406b11c61c",
        ),
    ] {
        let identity = identity(file);
        assert_eq!(
            (identity.subject().as_str(), identity.key_kind()),
            (subject, kind),
            "{file}"
        );
        // What `openssl x509 -fingerprint -sha256 -enddate` printed when the files were made.
        assert_eq!(
            (identity.fingerprint().as_str(), identity.not_after()),
            (fingerprint, 2_572_978_905),
            "{file}"
        );
        assert!(
            !format!("{identity:?}").contains("key: "),
            "a key is not shown"
        );
    }
}

#[test]
fn wrong_passwords_are_told() {
    for file in ["rsa.p12", "rsa-legacy.p12", "ec.p12"] {
        for password in ["", "Secret", "secret ", "пароль"] {
            assert_eq!(
                refusal(&fixture(file), password).0,
                RefusalCode::WrongPassword,
                "{file}"
            );
        }
    }
}

#[test]
fn what_cannot_sign_is_told() {
    for (file, code, word) in [
        ("no-key.p12", RefusalCode::UnsupportedKey, "no private key"),
        (
            "no-certificate.p12",
            RefusalCode::Unreadable,
            "no certificate",
        ),
        ("p521.p12", RefusalCode::UnsupportedKey, "curves"),
        ("weak.p12", RefusalCode::UnsupportedKey, "1024 bits"),
        ("slow.p12", RefusalCode::TooLarge, "too long"),
    ] {
        let (found, reason) = refusal(&fixture(file), PASSWORD);
        assert!(
            found == code && reason.contains(word),
            "{file}: {found}: {reason}"
        );
    }
    assert_eq!(
        refusal(&vec![0x30; IDENTITY_BYTES + 1], PASSWORD).0,
        RefusalCode::TooLarge
    );
    assert_eq!(refusal(b"", PASSWORD).0, RefusalCode::Unreadable);
    assert_eq!(
        refusal(b"-----BEGIN CERTIFICATE-----", PASSWORD).0,
        RefusalCode::Unreadable
    );
}

fn written(key: &str, certificates: &[Certificate], algorithm: EncryptionAlgorithm) -> Vec<u8> {
    let key = Pkcs12Archive::from_pkcs12(&fixture(key), PASSWORD)
        .unwrap()
        .keys
        .remove(0)
        .key;
    let mut store = KeyStore::new();
    store.add_entry(
        "example",
        KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new("id", key, certificates.to_vec())),
    );
    store
        .writer(PASSWORD)
        .encryption_algorithm(algorithm)
        .encryption_iterations(1000)
        .mac_iterations(1000)
        .write()
        .unwrap()
}

fn certificate(file: &str) -> Certificate {
    Pkcs12Archive::from_pkcs12(&fixture(file), PASSWORD)
        .unwrap()
        .certs
        .remove(0)
        .cert
}

#[test]
fn a_certificate_has_to_belong_to_the_key() {
    let strange = written(
        "rsa.p12",
        &[certificate("ec.p12")],
        EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
    );
    let (code, reason) = refusal(&strange, PASSWORD);
    assert!(
        code == RefusalCode::Unreadable && reason.contains("belongs"),
        "{reason}"
    );
    // The right one is found wherever it stands.
    for algorithm in [
        EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
        EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
    ] {
        let both = written(
            "ec.p12",
            &[certificate("rsa.p12"), certificate("ec.p12")],
            algorithm,
        );
        assert_eq!(
            Identity::from_pkcs12(&both, PASSWORD).unwrap().subject(),
            "Example EC"
        );
    }
}

#[test]
fn damaged_files_are_refused_and_never_panic() {
    let whole = fixture("ec.p12");
    for length in 0..whole.len() {
        assert!(
            Identity::from_pkcs12(&whole[..length], PASSWORD).is_err(),
            "cut to {length}"
        );
    }
    // A changed byte may also be in a name, or not matter; it must only not kill or change who
    // signs.
    let right = identity("ec.p12").fingerprint();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x15;
        if let Ok(identity) = Identity::from_pkcs12(&changed, PASSWORD) {
            assert_eq!(identity.fingerprint(), right, "byte {at}");
        }
    }
}

//! Files that nobody should accept are refused, or written as something that the strict reader
//! takes; nothing is left behind.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod support;

use std::io::Cursor;

use package_reader::testing::{Apk, Ipa, hostile, read_with_fallback};
use package_reader::{Archive, Platform, read_metadata};
use package_writer::{WriteError, insert, sign_android, sign_ios};
use support::ios::{NOW, any_profile};
use support::{Folder, identity};

fn check(name: &str, result: Result<(), WriteError>, folder: &Folder) -> bool {
    match result {
        Err(WriteError::Refused(refusal)) => {
            assert!(
                refusal.reason.len() < 400
                    && refusal.reason.ends_with('.')
                    && !refusal.reason.contains(char::is_control),
                "{name}: {refusal}"
            );
            assert_eq!(folder.names(), ["source"], "{name}");
            false
        }
        Err(WriteError::File(error)) => panic!("{name}: {error}"),
        Ok(()) => {
            std::fs::remove_file(folder.path("target")).unwrap();
            true
        }
    }
}

#[test]
fn hostile_files_are_refused_or_made_plain() {
    let (keys, apple_keys, profile) = (identity("rsa.p12"), identity("ios.p12"), any_profile());
    let (mut inserted, mut signed, mut all) = (0, 0, 0);
    for file in hostile() {
        let folder = Folder::new();
        let (source, target) = (folder.file("source", &file.bytes), folder.path("target"));
        all += 1;
        let result = insert(file.platform, &source, &target, &[("policy.json", b"{}")]);
        if result.is_ok() {
            // What is wrong with it lies inside of an entry, which is as it was.
            let bytes = std::fs::read(&target).unwrap();
            let length = bytes.len() as u64;
            assert!(
                read_metadata(Cursor::new(bytes), length, file.platform).is_err(),
                "{}",
                file.name
            );
        }
        inserted += u32::from(check(file.name, result, &folder));
        let result = match file.platform {
            Platform::Android => sign_android(&source, &target, &keys),
            Platform::Ios => sign_ios(
                &source,
                &target,
                &apple_keys,
                &profile,
                NOW,
                &folder.path(""),
            ),
        };
        signed += u32::from(check(file.name, result, &folder));
    }
    assert!(all >= 60 && inserted < all, "{inserted} of {all}");
    assert_eq!(signed, 0, "what the reader refuses is not signed");
}

#[test]
fn changed_bytes_are_refused_or_stay_where_they_are() {
    let apps = [
        (
            Platform::Android,
            Apk {
                icon: 0,
                ..Apk::default()
            }
            .build(),
        ),
        (
            Platform::Ios,
            Ipa {
                icon: 0,
                ..Ipa::default()
            }
            .build(),
        ),
    ];
    for (platform, app) in apps {
        let (mut written, mut state) = (0, 1_u32);
        for round in 0..400 {
            let mut changed = app.clone();
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Half of them in the list of entries and the end.
            let at = if round % 2 == 0 {
                state as usize % app.len()
            } else {
                app.len() - 1 - state as usize % 400
            };
            changed[at] ^= 1 << (state >> 29);
            let folder = Folder::new();
            let (source, target) = (folder.file("source", &changed), folder.path("target"));
            let result = insert(platform, &source, &target, &[("policy.json", b"{}")]);
            if result.is_ok() {
                let bytes = std::fs::read(&target).unwrap();
                let mut archive = Archive::open(Cursor::new(&bytes), bytes.len() as u64).unwrap();
                let names: Vec<String> = archive
                    .names()
                    .map(|name| String::from_utf8_lossy(name).into_owned())
                    .collect();
                let document = names
                    .iter()
                    .find(|name| name.ends_with("appdepot/policy.json"))
                    .unwrap();
                assert_eq!(
                    archive.read(document, 10).unwrap().unwrap(),
                    b"{}",
                    "byte {at}"
                );
            }
            written += u32::from(check(&format!("byte {at}"), result, &folder));
        }
        assert!((20..380).contains(&written), "{written} of 400");
    }
}

#[test]
fn what_is_only_spoilt_is_written() {
    let keys = identity("rsa.p12");
    for file in read_with_fallback() {
        let folder = Folder::new();
        let (source, target) = (folder.file("source", &file.bytes), folder.path("target"));
        check(
            file.name,
            insert(file.platform, &source, &target, &[("policy.json", b"{}")]),
            &folder,
        );
        if file.platform == Platform::Android {
            check(file.name, sign_android(&source, &target, &keys), &folder);
        }
    }
}

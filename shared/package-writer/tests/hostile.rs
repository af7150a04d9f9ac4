//! Files that nobody should accept are refused, or written as something that the strict reader takes; nothing is left behind.

mod support;

use std::io::Cursor;

use package_reader::testing::{hostile, read_with_fallback};
use package_reader::{Platform, read_metadata};
use package_writer::{WriteError, insert, sign_android};
use support::{Folder, identity};

fn check(name: &str, result: Result<(), WriteError>, folder: &Folder) -> bool {
    match result {
        Err(WriteError::Refused(refusal)) => {
            assert!(refusal.reason.len() < 400 && refusal.reason.ends_with('.') && !refusal.reason.contains(char::is_control), "{name}: {refusal}");
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
    let keys = identity("rsa.p12");
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
            assert!(read_metadata(Cursor::new(bytes), length, file.platform).is_err(), "{}", file.name);
        }
        inserted += u32::from(check(file.name, result, &folder));
        if file.platform == Platform::Android {
            signed += u32::from(check(file.name, sign_android(&source, &target, &keys), &folder));
        }
    }
    assert!(all >= 60 && inserted < all, "{inserted} of {all}");
    assert_eq!(signed, 0, "what the reader refuses is not signed");
}

#[test]
fn what_is_only_spoilt_is_written() {
    let keys = identity("rsa.p12");
    for file in read_with_fallback() {
        let folder = Folder::new();
        let (source, target) = (folder.file("source", &file.bytes), folder.path("target"));
        check(file.name, insert(file.platform, &source, &target, &[("policy.json", b"{}")]), &folder);
        if file.platform == Platform::Android {
            check(file.name, sign_android(&source, &target, &keys), &folder);
        }
    }
}

//! Every hostile file again, each in a process of its own that may have little memory.
#![cfg(unix)]

use std::io::Cursor;
use std::process::{Command, Stdio};

use package_reader::testing::{hostile, read_with_fallback};
use package_reader::{Platform, ReadError, apk_signature, read_metadata};

/// Kilobytes of address space. 64 MiB of it are the stack of the parsers and as much is reserved
/// for their heap.
const LIMIT: u32 = 256 * 1024;

const FILE: &str = "PACKAGE_READER_TEST_FILE";
const PLATFORM: &str = "PACKAGE_READER_TEST_PLATFORM";

/// Not a test of its own but what the other test runs.
#[test]
fn one_file() {
    let (Ok(file), Ok(platform)) = (std::env::var(FILE), std::env::var(PLATFORM)) else {
        return;
    };
    let platform = if platform == "ios" {
        Platform::Ios
    } else {
        Platform::Android
    };
    let bytes = std::fs::read(&file).unwrap();
    let length = bytes.len() as u64;
    match read_metadata(Cursor::new(bytes), length, platform) {
        Ok(_) => println!("<read>"),
        Err(ReadError::Refused(refusal)) => println!("<{}>", refusal.code),
        Err(ReadError::Source(error)) => println!("<source: {error}>"),
    }
    if platform == Platform::Android {
        println!("<signature: {:?}>", apk_signature(file.as_ref()));
    }
}

#[test]
fn hostile_files_take_little_memory() {
    let hostile = hostile().into_iter().map(|file| {
        (
            file.name,
            file.platform,
            file.bytes,
            file.expected.to_string(),
        )
    });
    let fallback = read_with_fallback()
        .into_iter()
        .map(|file| (file.name, file.platform, file.bytes, "read".to_owned()));
    let path = std::env::temp_dir().join(format!("package-reader-{}-limited", std::process::id()));
    let program = std::env::current_exe().unwrap();
    let mut wrong = Vec::new();
    for (name, platform, bytes, expected) in hostile.chain(fallback) {
        std::fs::write(&path, &bytes).unwrap();
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "ulimit -v {LIMIT}; exec \"$0\" limited::one_file --exact --nocapture \
                --test-threads 1"
            ))
            .arg(&program)
            .env(FILE, &path)
            .env(PLATFORM, platform.to_string())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let judged = platform == Platform::Ios || said.contains("<signature: Unverified");
        if !output.status.success() || !said.contains(&format!("<{expected}>")) || !judged {
            let errors = String::from_utf8_lossy(&output.stderr);
            wrong.push(format!(
                "{name}: expected {expected}, {}: {said}{errors}",
                output.status
            ));
        }
    }
    let _ = std::fs::remove_file(&path);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

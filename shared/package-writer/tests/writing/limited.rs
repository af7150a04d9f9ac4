//! Large apps are changed and signed in a process that may have little memory.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::ios::{APP, Kind, NOW, any_profile, executable, info};
use crate::support::{Folder, identity};
use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};
use package_reader::Platform;
use package_reader::testing::archive::{Part, zip};
use package_reader::testing::{Apk, hostile};
use package_writer::{insert, sign_android, sign_ios};

/// Kilobytes of address space: 64 MiB of it are the stack of a parser and as much is reserved for
/// its heap.
const LIMIT: u32 = 256 * 1024;
/// Kilobytes of memory that are really used, at most, where the system tells.
const USED: u64 = 128 * 1024;

const MEGABYTE: usize = 1024 * 1024;

const FOLDER: &str = "PACKAGE_WRITER_TEST_FOLDER";
const TASK: &str = "PACKAGE_WRITER_TEST_TASK";

/// Not a test of its own but what the others run.
#[test]
fn one_task() {
    let (Ok(folder), Ok(task)) = (std::env::var(FOLDER), std::env::var(TASK)) else {
        return;
    };
    let path = |name: &str| Path::new(&folder).join(name);
    match task.as_str() {
        "insert" => insert(
            Platform::Android,
            &path("large"),
            &path("changed"),
            &[("policy.json", b"{}")],
        )
        .unwrap(),
        "sign" => sign_android(&path("changed"), &path("signed"), &identity("rsa.p12")).unwrap(),
        "hostile" => {
            let (keys, apple_keys, profile) =
                (identity("rsa.p12"), identity("ios.p12"), any_profile());
            let platform = if path("ios").exists() {
                Platform::Ios
            } else {
                Platform::Android
            };
            // What is said is tested elsewhere; here it must only be said.
            let inserted = insert(
                platform,
                &path("file"),
                &path("changed"),
                &[("policy.json", b"{}")],
            );
            let signed = match platform {
                Platform::Android => sign_android(&path("file"), &path("signed"), &keys),
                Platform::Ios => sign_ios(
                    &path("file"),
                    &path("signed"),
                    &apple_keys,
                    &profile,
                    NOW,
                    &path(""),
                ),
            };
            println!("<{} {}>", inserted.is_ok(), signed.is_ok());
        }
        _ => {
            insert(
                Platform::Ios,
                &path("large"),
                &path("changed"),
                &[("policy.json", b"{}")],
            )
            .unwrap();
            sign_ios(
                &path("changed"),
                &path("signed"),
                &identity("ios.p12"),
                &any_profile(),
                NOW,
                &path(""),
            )
            .unwrap();
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let used = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .unwrap_or("0");
    println!("<used {used}>");
}

/// Runs a task; gives the kilobytes of memory that it used, 0 if the system does not tell.
fn run(folder: &Folder, task: &str, limit: u32) -> u64 {
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "ulimit -v {limit}; exec \"$0\" limited::one_task --exact --nocapture --test-threads 1"
        ))
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path(""))
        .env(TASK, task)
        // One thread for each processor would need address space for each.
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{task}: {}: {said}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let used = said
        .split("<used ")
        .nth(1)
        .and_then(|rest| rest.split('>').next())
        .unwrap();
    println!("{task}: {used} KB");
    used.parse().unwrap()
}

/// An archive with these files and 500 MB that cannot be compressed, a fifth of it deflated
/// nevertheless, half of it in one file.
fn large(path: &Path, files: &[(String, Vec<u8>)], folder: &str) {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path).unwrap()));
    let options = |method| SimpleFileOptions::default().compression_method(method);
    for (name, content) in files {
        zip.start_file(name.as_str(), options(CompressionMethod::Deflated))
            .unwrap();
        zip.write_all(content).unwrap();
    }
    let mut state = 88_172_645_463_325_252_u64;
    let mut noise = vec![0_u8; MEGABYTE];
    for chunk in noise.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    for (number, megabytes, method) in [
        (0, 250, CompressionMethod::Stored),
        (1, 150, CompressionMethod::Stored),
        (2, 100, CompressionMethod::Deflated),
    ] {
        zip.start_file(format!("{folder}/{number}.bin"), options(method))
            .unwrap();
        for piece in 0..megabytes {
            noise[..8].copy_from_slice(&u64::to_le_bytes(piece));
            zip.write_all(&noise).unwrap();
        }
    }
    zip.finish().unwrap().flush().unwrap();
    assert!(path.metadata().unwrap().len() > 500 * MEGABYTE as u64);
}

#[test]
fn a_large_apk_takes_little_memory() {
    let folder = Folder::new();
    // With a signature of scheme 1 too, for which every entry is unpacked.
    let apk = Apk {
        min_sdk: Some(21),
        icon: 0,
        ..Apk::default()
    };
    large(
        &folder.path("large"),
        &[
            ("AndroidManifest.xml".to_owned(), apk.manifest()),
            ("resources.arsc".to_owned(), apk.table()),
        ],
        "assets",
    );
    for task in ["insert", "sign"] {
        let used = run(&folder, task, LIMIT);
        assert!(used <= USED, "{task} used {used} KB");
    }
    assert!(apk::sign::verify(folder.path("signed")).is_ok());
}

#[test]
fn a_large_ipa_takes_little_memory() {
    let folder = Folder::new();
    let files = [
        ("Info.plist", info("com.example.app", "Example", "APPL")),
        ("Example", executable(Kind::Program, 64)),
    ];
    large(
        &folder.path("large"),
        &files.map(|(name, content)| (format!("{APP}/{name}"), content)),
        APP,
    );
    let used = run(&folder, "ios", LIMIT);
    assert!(used <= USED, "used {used} KB");
    let names = std::fs::read_dir(folder.path(""))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(
        names,
        ["changed", "large", "signed"],
        "what was unpacked is gone"
    );
}

#[test]
fn hostile_files_take_little_memory() {
    for file in hostile() {
        let folder = Folder::new();
        folder.file("file", &file.bytes);
        if file.platform == Platform::Ios {
            folder.file("ios", b"");
        }
        println!("{}", file.name);
        assert!(run(&folder, "hostile", LIMIT) <= USED, "{}", file.name);
    }
}

#[test]
fn a_large_executable_takes_its_size_a_few_times() {
    let folder = Folder::new();
    let program = executable(Kind::Program, 4096);
    let size = program.len() as u64 / 1024;
    assert!(size >= 64 * 1024);
    let parts = [
        ("Info.plist", info("com.example.app", "Example", "APPL")),
        ("Example", program),
    ];
    folder.file(
        "large",
        &zip(&parts.map(|(name, content)| Part::deflated(format!("{APP}/{name}"), &content))),
    );
    let used = run(&folder, "ios", 1024 * 1024);
    assert!(used <= 5 * size + 64 * 1024, "used {used} KB");
}

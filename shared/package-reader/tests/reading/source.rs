//! Where the bytes come from: budgets, failures, and what the reader does with them.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use package_reader::testing::archive::{Frame, Part, framed, zip};
use package_reader::testing::{Apk, Ipa};
use package_reader::{BlockCache, Package, Platform, ReadError, RefusalCode, read_metadata};

fn fetched(
    bytes: &[u8],
    budget: u64,
    platform: Platform,
) -> (Result<Package, ReadError>, u64, u32) {
    let fetch =
        |offset: u64, length: u64| Ok(bytes[offset as usize..(offset + length) as usize].to_vec());
    let mut cache = BlockCache::new(fetch, bytes.len() as u64, budget);
    let result = read_metadata(&mut cache, bytes.len() as u64, platform);
    (result, cache.fetched(), cache.requests())
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

/// The parts of an app among 100 MB of others.
fn among_others(parts: Vec<Part>, folder: &str) -> Vec<u8> {
    let blob = noise(35_000);
    let mut all: Vec<Part> = (0..1500)
        .map(|i| Part::stored(format!("{folder}/a{i}"), &blob))
        .collect();
    all.extend(parts);
    all.extend((0..1500).map(|i| Part::stored(format!("{folder}/b{i}"), &blob)));
    zip(&all)
}

#[test]
fn a_large_apk_costs_little() {
    let bytes = among_others(Apk::default().parts(), "assets");
    let (package, cost, requests) = fetched(&bytes, 2_000_000, Platform::Android);
    assert_eq!(package.unwrap().label, "Example");
    assert!(
        bytes.len() > 99 << 20 && cost < 1_000_000 && requests <= 8,
        "{cost} bytes in {requests} requests"
    );
}

#[test]
fn a_large_ipa_costs_little() {
    let bytes = among_others(Ipa::default().parts(), "Payload/Example.app/Assets");
    let (package, cost, requests) = fetched(&bytes, 2_000_000, Platform::Ios);
    assert!(package.unwrap().profile.is_some());
    assert!(
        cost < 1_000_000 && requests <= 8,
        "{cost} bytes in {requests} requests"
    );
}

#[test]
fn without_money_for_the_table_the_app_is_read_without_a_label() {
    let mut parts = Apk::default().parts();
    let table = [Apk::default().table(), noise(3_000_000)].concat();
    parts[1] = Part::stored("resources.arsc", &table);
    let bytes = zip(&parts);
    let (package, cost, _) = fetched(&bytes, 2_000_000, Platform::Android);
    let package = package.unwrap();
    assert_eq!(
        (
            package.label.as_str(),
            package.version_name.as_str(),
            package.icon
        ),
        ("com.example.app", "1.0", None)
    );
    assert!(package.partial && cost < 500_000);
    // From a disk there is no budget.
    let package =
        read_metadata(Cursor::new(&bytes), bytes.len() as u64, Platform::Android).unwrap();
    assert!(package.label == "Example" && !package.partial);
}

#[test]
fn a_list_of_entries_beyond_the_budget_is_the_files_fault() {
    let mut parts = Apk::default().parts();
    parts.extend(
        (0..30_000).map(|i| Part::stored(format!("res/a-rather-long-name-of-a-file/{i}"), b"")),
    );
    let (result, cost, _) = fetched(&zip(&parts), 2_000_000, Platform::Android);
    assert!(
        matches!(
            &result,
            Err(ReadError::Refused(refusal)) if refusal.code == RefusalCode::TooLarge
        ),
        "{result:?}"
    );
    assert!(cost < 2_000_000);
}

/// Fails from a certain read on.
struct Failing(Cursor<Vec<u8>>, u32);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1 == 0 {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "the line is dead",
            ));
        }
        self.1 -= 1;
        self.0.read(buffer)
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn an_outage_is_not_the_files_fault() {
    for (bytes, platform) in [
        (Apk::default().build(), Platform::Android),
        (Ipa::default().build(), Platform::Ios),
    ] {
        let length = bytes.len() as u64;
        let mut reads = 0;
        loop {
            match read_metadata(Failing(Cursor::new(bytes.clone()), reads), length, platform) {
                Err(ReadError::Source(error)) => {
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset)
                }
                Ok(package) => {
                    assert!(package.icon.is_some());
                    break;
                }
                Err(error) => panic!("after {reads} reads: {error}"),
            }
            reads += 1;
            assert!(reads < 100);
        }
        assert!(reads > 3);
        // A source that is shorter than it says is an outage too.
        let half = Cursor::new(bytes[..bytes.len() / 2].to_vec());
        assert!(matches!(
            read_metadata(half, length, platform),
            Err(ReadError::Source(_))
        ));
    }
}

#[test]
fn unusual_but_right_archives_are_read() {
    let parts = Apk::default().parts();
    let local_padding = zip(&[Part::stored("", b"")])[..30].to_vec();
    for (name, frame) in [
        (
            "zip64",
            Frame {
                zip64: true,
                ..Frame::default()
            },
        ),
        (
            "a comment",
            Frame {
                comment: b"made for you".repeat(100),
                ..Frame::default()
            },
        ),
        (
            "something between entries and list",
            Frame {
                between: vec![7; 5000],
                ..Frame::default()
            },
        ),
        (
            "padding in front",
            Frame {
                before: local_padding,
                ..Frame::default()
            },
        ),
    ] {
        let bytes = framed(&parts, &frame);
        let package = read_metadata(Cursor::new(&bytes), bytes.len() as u64, Platform::Android);
        assert!(package.is_ok(), "{name}: {package:?}");
    }
}

#[test]
fn archives_of_another_writer_are_read() {
    use std::io::Write;
    use zip::write::SimpleFileOptions;
    let app = Apk::default();
    // Once with sizes in front of the data, once streamed with sizes behind it.
    let mut seekable = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut streamed = zip::ZipWriter::new_stream(Vec::new());
    for (name, content) in [
        ("AndroidManifest.xml", app.manifest()),
        ("resources.arsc", app.table()),
    ] {
        for align in [4, 4096] {
            if align == 4 {
                seekable
                    .start_file(name, SimpleFileOptions::default().with_alignment(align))
                    .unwrap();
                seekable.write_all(&content).unwrap();
            } else {
                streamed
                    .start_file(name, SimpleFileOptions::default())
                    .unwrap();
                streamed.write_all(&content).unwrap();
            }
        }
    }
    for bytes in [
        seekable.finish().unwrap().into_inner(),
        streamed.finish().unwrap().into_inner(),
    ] {
        let package =
            read_metadata(Cursor::new(&bytes), bytes.len() as u64, Platform::Android).unwrap();
        assert_eq!(package.label, "Example");
    }
}

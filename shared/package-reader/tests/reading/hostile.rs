//! Every hostile file is refused with its code, quickly.

use std::io::Cursor;
use std::time::{Duration, Instant};

use package_reader::testing::{hostile, read_with_fallback};
use package_reader::{ReadError, RefusalCode, read_metadata, store_icon, testing};

#[test]
fn hostile_files_are_refused() {
    let files = hostile();
    assert!(files.len() >= 60, "only {} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let (length, started) = (file.bytes.len() as u64, Instant::now());
        let result = read_metadata(Cursor::new(&file.bytes), length, file.platform);
        let took = started.elapsed();
        match result {
            Err(ReadError::Refused(refusal)) if refusal.code == file.expected => {
                let sentence = refusal.reason.len() < 300 && refusal.reason.ends_with('.');
                assert!(sentence, "{}: {refusal}", file.name);
                assert!(
                    !refusal.reason.contains(char::is_control),
                    "{}: {refusal}",
                    file.name
                );
            }
            other => wrong.push(format!(
                "{}: expected {}, got {other:?}",
                file.name, file.expected
            )),
        }
        if took > Duration::from_secs(5) {
            wrong.push(format!("{}: took {took:?}", file.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_only_spoilt_is_read_with_what_is_left() {
    for file in read_with_fallback() {
        let started = Instant::now();
        let package = read_metadata(
            Cursor::new(&file.bytes),
            file.bytes.len() as u64,
            file.platform,
        );
        let package = package.unwrap_or_else(|error| panic!("{}: {error}", file.name));
        assert_eq!(package.identifier, "com.example.app", "{}", file.name);
        assert_eq!(package.label, file.label, "{}", file.name);
        assert_eq!(package.icon.is_some(), file.icon, "{}", file.name);
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{}: {:?}",
            file.name,
            started.elapsed()
        );
    }
}

#[test]
fn hostile_pictures_are_refused() {
    let started = Instant::now();
    let refusal = |bytes: &[u8]| store_icon(bytes).unwrap_err().code;
    assert_eq!(refusal(b""), RefusalCode::NotAnArchive);
    assert_eq!(refusal(b"<svg onload=alert(1)>"), RefusalCode::NotAnArchive);
    assert_eq!(refusal(b"GIF89a\x01\0\x01\0"), RefusalCode::NotAnArchive);
    assert_eq!(
        refusal(&testing::hostile::flood_png()),
        RefusalCode::TooLarge
    );
    assert_eq!(refusal(&testing::png(4097, 2)), RefusalCode::TooLarge);
    assert_eq!(
        refusal(&[testing::png(8, 8), vec![0; 9 << 20]].concat()),
        RefusalCode::TooLarge
    );
    let png = testing::png(200, 200);
    assert_eq!(refusal(&png[..png.len() / 2]), RefusalCode::Unreadable);
    assert_eq!(refusal(b"\x89PNG\r\n\x1a\n"), RefusalCode::Unreadable);
    assert_eq!(
        refusal(&[0xff, 0xd8, 0xff, 0xe0, 0, 16]),
        RefusalCode::Unreadable
    );
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

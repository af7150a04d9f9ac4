//! Random damage never panics, and another reader agrees about what is not damaged.

use std::io::Cursor;

use apk_info_axml::{ARSC, AXML};
use package_reader::testing::{Apk, Ipa, archive, ios};
use package_reader::{Platform, read_metadata, store_icon};

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.roll(bytes.len());
            match self.roll(8) {
                0 => bytes[at] = 0xff,
                1 => bytes[at] = 0,
                2 => bytes.truncate(at),
                3 => {
                    let end = (at + self.roll(64)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    let to = self.roll(bytes.len());
                    bytes.splice(to..to, copy);
                }
                4 => {
                    let end = (at + 4).min(bytes.len());
                    bytes[at..end].fill(if self.roll(2) == 0 { 0xff } else { 0x7f });
                }
                5 => {
                    bytes.remove(at);
                }
                _ => bytes[at] ^= 1 << self.roll(8),
            }
        }
    }
}

/// How often: the environment can ask for more.
fn rounds(usual: usize) -> usize {
    let times = std::env::var("PACKAGE_READER_ROUNDS")
        .ok()
        .and_then(|times| times.parse::<usize>().ok());
    usual * times.unwrap_or(1)
}

/// Panics inside are caught and become refusals with this text, so look for it.
fn check(bytes: &[u8], platform: Platform, what: &str) {
    if let Err(error) = read_metadata(Cursor::new(bytes), bytes.len() as u64, platform) {
        assert!(
            !error.to_string().contains("damaged and cannot be read"),
            "{what}: a parser panicked: {error}"
        );
    }
}

#[test]
fn damaged_archives() {
    let mut dice = Dice(1);
    let apk = Apk {
        icon: 8,
        ..Apk::default()
    }
    .build();
    let ipa = Ipa {
        icon: 8,
        ..Ipa::default()
    }
    .build();
    for round in 0..rounds(1500) {
        for (original, platform) in [(&apk, Platform::Android), (&ipa, Platform::Ios)] {
            let mut bytes = original.clone();
            dice.damage(&mut bytes);
            check(
                &bytes,
                platform,
                &format!("{platform} archive, round {round}"),
            );
        }
    }
}

#[test]
fn damaged_contents() {
    let mut dice = Dice(2);
    let apk = Apk {
        icon: 8,
        adaptive_icon: true,
        ..Apk::default()
    };
    let ipa = Ipa {
        icon: 8,
        ..Ipa::default()
    };
    let unpack = |part: &archive::Part| {
        let mut out = Vec::new();
        match part.method {
            0 => out.clone_from(&part.packed),
            _ => drop(io::Read::read_to_end(
                &mut flate2::read::DeflateDecoder::new(&part.packed[..]),
                &mut out,
            )),
        }
        out
    };
    use std::io;
    for (parts, platform, usual) in [
        (apk.parts(), Platform::Android, 400),
        (ipa.parts(), Platform::Ios, 250),
    ] {
        for (number, part) in parts
            .iter()
            .enumerate()
            .filter(|(_, part)| part.unpacked > 20)
        {
            let content = unpack(part);
            for round in 0..rounds(usual) {
                let mut bytes = content.clone();
                dice.damage(&mut bytes);
                let mut parts = parts.clone();
                parts[number] = archive::Part::stored(&part.name, &bytes);
                let name = String::from_utf8_lossy(&part.name);
                check(
                    &archive::zip(&parts),
                    platform,
                    &format!("{name}, round {round}"),
                );
            }
        }
    }
}

#[test]
fn damaged_pictures() {
    let mut dice = Dice(3);
    for original in [
        package_reader::testing::png(24, 24),
        package_reader::testing::jpeg(24, 24),
        ios::apple_png(24, 24),
    ] {
        for round in 0..rounds(500) {
            let mut bytes = original.clone();
            dice.damage(&mut bytes);
            if let Err(refusal) = store_icon(&bytes) {
                assert!(
                    !refusal.reason.contains("damaged and cannot be read"),
                    "round {round}: {refusal}"
                );
            }
        }
    }
}

/// The parser that others use reads the same out of generated manifests and tables.
#[test]
fn another_reader_agrees() {
    for (label_in_table, version_code) in [(true, 1), (false, 77), (true, 2_000_000_000)] {
        let app = Apk {
            label_in_table,
            version_code,
            label: "Zweiter Leser ☕".to_owned(),
            ..Apk::default()
        };
        let table = ARSC::new(&mut app.table().as_slice()).unwrap();
        let manifest = AXML::new(&mut app.manifest().as_slice(), Some(&table)).unwrap();
        let theirs = |tag: &str, name: &str| {
            manifest
                .get_attribute_value(tag, name, Some(&table))
                .unwrap_or_default()
        };
        let bytes = app.build();
        let ours =
            read_metadata(Cursor::new(&bytes), bytes.len() as u64, Platform::Android).unwrap();
        assert_eq!(ours.identifier, theirs("manifest", "package"));
        assert_eq!(ours.version_code, theirs("manifest", "versionCode"));
        assert_eq!(ours.version_name, theirs("manifest", "versionName"));
        assert_eq!(ours.min_os, theirs("uses-sdk", "minSdkVersion"));
        assert_eq!(
            ours.target_sdk.unwrap().to_string(),
            theirs("uses-sdk", "targetSdkVersion")
        );
        assert_eq!(
            ours.permissions,
            manifest
                .get_root_attribute_values("uses-permission", "name")
                .collect::<Vec<_>>()
        );
        assert_eq!(ours.label, theirs("application", "label"));
    }
}

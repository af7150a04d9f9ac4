//! Temporary folders, keys, and a look into archives that shares nothing with what wrote them.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[cfg(feature = "ios")]
pub mod ios;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use package_writer::Identity;
use tempfile::TempDir;

/// The password of every file in tests/fixtures.
pub const PASSWORD: &str = "secret";

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name),
    )
    .unwrap()
}

pub fn identity(name: &str) -> Identity {
    Identity::from_pkcs12(&fixture(name), PASSWORD).unwrap()
}

/// A folder that goes away with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The names of what is in it.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// An entry as a simple reader sees it: the list's record without the offset and the flag for sizes
/// behind the data, and the packed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub name: String,
    pub made_by: u16,
    pub flags: u16,
    pub method: u16,
    pub time: u32,
    pub crc: u32,
    pub unpacked: u32,
    pub external: u32,
    pub packed: Vec<u8>,
    pub data_at: usize,
}

impl Seen {
    /// Without what may differ between two archives.
    pub fn content(&self) -> Seen {
        Seen {
            data_at: 0,
            ..self.clone()
        }
    }
}

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    bytes[at..at + length]
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// All entries in the order of the list.
pub fn entries(archive: &[u8]) -> Vec<Seen> {
    let end = archive
        .windows(4)
        .rposition(|window| window == b"PK\x05\x06")
        .unwrap();
    let mut at = number(archive, end + 16, 4);
    let mut out = Vec::new();
    for _ in 0..number(archive, end + 10, 2) {
        assert_eq!(&archive[at..at + 4], b"PK\x01\x02");
        let (name, extra, comment) = (
            number(archive, at + 28, 2),
            number(archive, at + 30, 2),
            number(archive, at + 32, 2),
        );
        let local = number(archive, at + 42, 4);
        assert_eq!(&archive[local..local + 4], b"PK\x03\x04");
        let data_at = local + 30 + number(archive, local + 26, 2) + number(archive, local + 28, 2);
        out.push(Seen {
            name: String::from_utf8(archive[at + 46..at + 46 + name].to_vec()).unwrap(),
            made_by: number(archive, at + 4, 2) as u16,
            flags: number(archive, at + 8, 2) as u16 & !8,
            method: number(archive, at + 10, 2) as u16,
            time: number(archive, at + 12, 4) as u32,
            crc: number(archive, at + 16, 4) as u32,
            unpacked: number(archive, at + 24, 4) as u32,
            external: number(archive, at + 38, 4) as u32,
            packed: archive[data_at..data_at + number(archive, at + 20, 4)].to_vec(),
            data_at,
        });
        at += 46 + name + extra + comment;
    }
    out
}

/// The entries by name.
pub fn by_name(archive: &[u8]) -> BTreeMap<String, Seen> {
    entries(archive)
        .into_iter()
        .map(|entry| (entry.name.clone(), entry))
        .collect()
}

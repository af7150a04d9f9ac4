//! Zip archives, right or wrong as asked.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// An entry. Start from [`Part::stored`] or [`Part::deflated`] and spoil what is to be wrong.
#[derive(Clone, Debug)]
pub struct Part {
    /// The name in the list of entries.
    pub name: Vec<u8>,
    /// The name in the entry's own header; the same as in the list if `None`.
    pub local_name: Option<Vec<u8>>,
    /// The packed bytes.
    pub packed: Vec<u8>,
    /// The declared size, unpacked.
    pub unpacked: u64,
    /// The size that the entry's own header declares; the same as the list if `None`.
    pub local_unpacked: Option<u32>,
    /// The checksum.
    pub crc: u32,
    /// 0 stored, 8 deflated.
    pub method: u16,
    /// General purpose flags.
    pub flags: u16,
    /// The extra field of the list.
    pub extra: Vec<u8>,
    /// The Unix mode, 0 for none.
    pub mode: u32,
    /// Makes the list point to the data of the entry of this number instead, and writes none.
    pub shares: Option<usize>,
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Raw deflate.
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = DeflateEncoder::new(Vec::new(), Compression::new(6));
    out.write_all(bytes)
        .and_then(|()| out.finish())
        .expect("memory can be written to")
}

impl Part {
    /// An entry that is not compressed.
    pub fn stored(name: impl AsRef<[u8]>, content: &[u8]) -> Part {
        Part {
            name: name.as_ref().to_vec(),
            local_name: None,
            packed: content.to_vec(),
            unpacked: content.len() as u64,
            local_unpacked: None,
            crc: crc(content),
            method: 0,
            flags: 0,
            extra: Vec::new(),
            mode: 0,
            shares: None,
        }
    }

    /// A compressed entry.
    pub fn deflated(name: impl AsRef<[u8]>, content: &[u8]) -> Part {
        Part {
            packed: deflate(content),
            method: 8,
            ..Part::stored(name, content)
        }
    }
}

/// What surrounds the entries.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Bytes before the first entry.
    pub before: Vec<u8>,
    /// Whether offsets count from the first entry instead of the start of the file.
    pub offsets_from_first: bool,
    /// Bytes between the entries and the list of them, where Android keeps signatures.
    pub between: Vec<u8>,
    /// The comment at the end.
    pub comment: Vec<u8>,
    /// Bytes after the archive.
    pub after: Vec<u8>,
    /// The number of entries to claim.
    pub count: Option<u64>,
    /// Whether to write the records of zip64.
    pub zip64: bool,
    /// The number of this disk.
    pub disk: u16,
}

/// A plain archive.
pub fn zip(parts: &[Part]) -> Vec<u8> {
    framed(parts, &Frame::default())
}

/// An archive with something around it.
pub fn framed(parts: &[Part], frame: &Frame) -> Vec<u8> {
    let mut out = frame.before.clone();
    let base = if frame.offsets_from_first {
        out.len()
    } else {
        0
    };
    let mut starts: Vec<usize> = Vec::new();
    for part in parts {
        if let Some(other) = part.shares {
            starts.push(starts[other]);
            continue;
        }
        starts.push(out.len() - base);
        let name = part.local_name.as_ref().unwrap_or(&part.name);
        out.extend_from_slice(b"PK\x03\x04");
        for value in [20, part.flags, part.method, 0, 0x21] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        let unpacked = part
            .local_unpacked
            .unwrap_or(part.unpacked.min(u64::from(u32::MAX)) as u32);
        for value in [part.crc, part.packed.len() as u32, unpacked] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(name);
        out.extend_from_slice(&part.packed);
    }
    out.extend_from_slice(&frame.between);
    let directory_start = (out.len() - base) as u64;
    for (part, start) in parts.iter().zip(starts) {
        let mut extra = part.extra.clone();
        if part.unpacked >= u64::from(u32::MAX) {
            extra.extend_from_slice(&[1, 0, 8, 0]);
            extra.extend_from_slice(&part.unpacked.to_le_bytes());
        }
        out.extend_from_slice(b"PK\x01\x02");
        // Made on Unix, so that the mode counts.
        for value in [0x0314, 20, part.flags, part.method, 0, 0x21] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        let packed =
            part.shares
                .map_or(part.packed.len(), |other| parts[other].packed.len()) as u32;
        for value in [
            part.crc,
            packed,
            part.unpacked.min(u64::from(u32::MAX)) as u32,
        ] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        for value in [part.name.len() as u16, extra.len() as u16, 0, 0, 0] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        for value in [part.mode << 16, start as u32] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&part.name);
        out.extend_from_slice(&extra);
    }
    let directory_length = (out.len() - base) as u64 - directory_start;
    let count = frame.count.unwrap_or(parts.len() as u64);
    if frame.zip64 {
        let at = out.len() as u64;
        out.extend_from_slice(b"PK\x06\x06");
        out.extend_from_slice(&44u64.to_le_bytes());
        out.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for value in [count, count, directory_length, directory_start] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
        out.extend_from_slice(&at.to_le_bytes());
        out.extend_from_slice(&1u32.to_le_bytes());
    }
    out.extend_from_slice(b"PK\x05\x06");
    let small = |value: u64| if frame.zip64 { u32::MAX } else { value as u32 };
    for value in [
        frame.disk,
        frame.disk,
        small(count) as u16,
        small(count) as u16,
    ] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    for value in [small(directory_length), small(directory_start)] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    out.extend_from_slice(&(frame.comment.len() as u16).to_le_bytes());
    out.extend_from_slice(&frame.comment);
    out.extend_from_slice(&frame.after);
    out
}

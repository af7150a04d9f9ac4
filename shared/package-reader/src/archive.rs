//! A strict reader of zip archives: one way to read a file, or none.
//!
//! The list of entries is read once and as a whole, and everything that two programs could
//! understand differently is refused: doubled records, contradicting headers, overlapping entries,
//! counts that lie. Entries are inflated into memory, each with a cap that is checked before and
//! during inflating.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic;

use flate2::bufread::DeflateDecoder;

use crate::refusal::{ReadError, RefusalCode, quoted, refused};

/// Entries of an archive, at most.
pub const ENTRIES: u64 = 65_000;
/// Bytes of the list of entries, at most.
const DIRECTORY: u64 = 16 * 1024 * 1024;
/// Bytes that all entries together may declare to unpack to.
const UNPACKED: u64 = 8 * 1024 * 1024 * 1024;
/// Bytes of an entry's name, at most.
const NAME: usize = 1024;
/// Bytes that a local header may have beyond its name without a second read: signing tools pad to 4
/// or 16 KiB.
const PADDING: u64 = 1024;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";

const END_LENGTH: usize = 22;
const END_64_LENGTH: u64 = 56;
const LOCATOR_64_LENGTH: usize = 20;

/// Flags: encrypted, strongly encrypted, masked headers.
const SECRET: u16 = 1 | 1 << 6 | 1 << 13;
/// Flag: the sizes follow the data, so the local header has none.
const SIZES_FOLLOW: u16 = 1 << 3;

/// An open archive.
pub struct Archive<R> {
    source: R,
    length: u64,
    directory: Vec<u8>,
    directory_start: u64,
    entries: Vec<Entry>,
    comment: Vec<u8>,
    /// Start offsets of all entries, ascending.
    starts: Vec<u64>,
    starved: bool,
}

/// What the list says about one entry.
#[derive(Clone, Debug)]
pub struct Entry {
    record: Range<usize>,
    name: Range<usize>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    pub(crate) unpacked: u64,
    start: u64,
    symbolic_link: bool,
}

impl Entry {
    /// Whether the data is deflated; otherwise it is stored, in what can be read.
    pub fn is_deflated(&self) -> bool {
        self.method == 8
    }

    /// Whether it is a symbolic link, whose data is the path that it leads to.
    pub fn is_link(&self) -> bool {
        self.symbolic_link
    }

    /// The checksum that it declares.
    pub fn crc(&self) -> u32 {
        self.crc
    }

    /// Bytes of its data in the archive.
    pub fn packed(&self) -> u64 {
        self.packed
    }

    /// Bytes that it declares to unpack to.
    pub fn unpacked(&self) -> u64 {
        self.unpacked
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

fn truncated() -> ReadError {
    refused(
        RefusalCode::Truncated,
        "The file ends before it should: the upload is incomplete.",
    )
}

fn ambiguous(reason: impl Into<String>) -> ReadError {
    refused(RefusalCode::Ambiguous, reason)
}

fn unreadable(reason: impl Into<String>) -> ReadError {
    refused(RefusalCode::Unreadable, reason)
}

/// Where the list of entries is.
struct End {
    comment: Vec<u8>,
    entries: u64,
    directory_start: u64,
    directory_length: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Opens the archive that fills the `length` bytes of `source`.
    ///
    /// # Errors
    ///
    /// What is no archive, has too many entries or can be read in two ways is refused.
    pub fn open(mut source: R, length: u64) -> Result<Archive<R>, ReadError> {
        let end = find_end(&mut source, length)?;
        if end.entries > ENTRIES {
            return Err(refused(
                RefusalCode::TooManyEntries,
                format!(
                    "The archive has {} entries; at most {ENTRIES} are accepted.",
                    end.entries
                ),
            ));
        }
        if end.directory_length > DIRECTORY {
            return Err(refused(
                RefusalCode::TooLarge,
                "The archive's list of entries is longer than 16 MB.",
            ));
        }
        let directory = read_at(
            &mut source,
            length,
            end.directory_start,
            end.directory_length,
        )?;
        let mut entries = Vec::with_capacity(end.entries as usize);
        let mut at = 0;
        while at < directory.len() {
            if entries.len() as u64 == ENTRIES {
                return Err(refused(
                    RefusalCode::TooManyEntries,
                    format!("The archive has more than {ENTRIES} entries."),
                ));
            }
            at += parse_record(&directory, at, &mut entries)?;
        }
        if entries.len() as u64 != end.entries {
            return Err(ambiguous(
                "The archive has another number of entries than it says.",
            ));
        }
        let mut total = 0u64;
        for entry in &entries {
            total = total.saturating_add(entry.unpacked);
        }
        if total > UNPACKED {
            return Err(refused(
                RefusalCode::TooLarge,
                "The archive unpacks to more than 8 GB.",
            ));
        }
        let starts = check_placement(&entries, end.directory_start)?;
        let mut archive = Archive {
            source,
            length,
            directory,
            directory_start: end.directory_start,
            entries,
            comment: end.comment,
            starts,
            starved: false,
        };
        // Signing tools leave padding before the first entry, which looks like an entry itself.
        // Anything else there is a second file in this one.
        if archive.starts.first().is_some_and(|first| *first >= 4) && archive.bytes(0, 4)? != LOCAL
        {
            return Err(ambiguous("The file has something else before the archive."));
        }
        Ok(archive)
    }

    /// The record of an entry in the list, as it is in the file.
    pub fn record(&self, entry: &Entry) -> &[u8] {
        &self.directory[entry.record.clone()]
    }

    /// The comment at the end of the archive.
    pub fn comment(&self) -> &[u8] {
        &self.comment
    }

    /// Gives a reader of an entry's packed bytes, once its own header says the same as the list,
    /// and the extra field of that header. Links are not refused here.
    ///
    /// # Errors
    ///
    /// An entry that is encrypted, compressed in an unknown way, or overlaps another is refused.
    pub fn open_packed(&mut self, entry: &Entry) -> Result<(io::Take<&mut R>, Vec<u8>), ReadError> {
        let name = self.directory[entry.name.clone()].to_vec();
        check_method(
            &Entry {
                symbolic_link: false,
                ..entry.clone()
            },
            &name,
        )?;
        let limit = self.end_of(entry);
        let fixed = 30 + name.len() as u64;
        let header = self.bytes(entry.start, fixed.min(limit - entry.start))?;
        let data = check_local(entry, &name, &header)?;
        if entry.start + data + entry.packed > limit {
            return Err(ambiguous("Two entries of the archive overlap."));
        }
        let extra = self.bytes(entry.start + fixed, data - fixed)?;
        self.source.seek(SeekFrom::Start(entry.start + data))?;
        Ok(((&mut self.source).take(entry.packed), extra))
    }

    /// The names of all entries, in the order of the list, as bytes.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.entries
            .iter()
            .map(|entry| &self.directory[entry.name.clone()])
    }

    /// All entries with their names.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &Entry)> {
        self.entries
            .iter()
            .map(|entry| (&self.directory[entry.name.clone()], entry))
    }

    /// Whether there is an entry of that name.
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|n| n == name.as_bytes())
    }

    /// Where the list of entries begins: what is signed ends before it.
    pub(crate) fn directory_start(&self) -> u64 {
        self.directory_start
    }

    /// The one entry of that name.
    ///
    /// # Errors
    ///
    /// Two of them are refused.
    pub fn find(&self, name: &str) -> Result<Option<Entry>, ReadError> {
        let mut found = self
            .entries()
            .filter(|(n, _)| *n == name.as_bytes())
            .map(|(_, entry)| entry);
        let entry = found.next().cloned();
        if found.next().is_some() {
            return Err(ambiguous(format!(
                "The archive has two entries named {}.",
                quoted(name.as_bytes())
            )));
        }
        Ok(entry)
    }

    /// Bytes of the file, from `start` on.
    pub(crate) fn bytes(&mut self, start: u64, length: u64) -> Result<Vec<u8>, ReadError> {
        let result = read_at(&mut self.source, self.length, start, length);
        // Nothing else in there is too large but what the source gives.
        self.starved |= matches!(
            &result,
            Err(ReadError::Refused(refusal)) if refusal.code == RefusalCode::TooLarge
        );
        result
    }

    /// Whether the source refused to give something because it would have been too much.
    pub(crate) fn starved(&self) -> bool {
        self.starved
    }

    /// The content of the entry of that name, `None` if there is none. More than `cap` bytes are
    /// refused before they are inflated, whatever is declared.
    ///
    /// # Errors
    ///
    /// What is too big, damaged, encrypted or a link is refused.
    pub fn read(&mut self, name: &str, cap: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(entry) = self.find(name)? else {
            return Ok(None);
        };
        let too_large = || {
            refused(
                RefusalCode::TooLarge,
                format!(
                    "{} is bigger than the {} KB that are accepted.",
                    quoted(name.as_bytes()),
                    cap / 1024
                ),
            )
        };
        // Deflate never makes anything this much longer.
        if entry.unpacked > cap || entry.packed > cap + cap / 64 + 1024 {
            return Err(too_large());
        }
        let packed = self.packed(&entry)?;
        let content = match entry.method {
            0 => packed,
            _ => {
                let content = match inflate(&packed, entry.unpacked, cap) {
                    Ok(content) => content,
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        return Err(truncated());
                    }
                    Err(_) => {
                        return Err(unreadable(format!(
                            "{} is damaged.",
                            quoted(name.as_bytes())
                        )));
                    }
                };
                if content.len() as u64 > cap {
                    return Err(too_large());
                }
                content
            }
        };
        if content.len() as u64 != entry.unpacked {
            return Err(unreadable(format!(
                "{} has another size than is declared.",
                quoted(name.as_bytes())
            )));
        }
        let mut crc = flate2::Crc::new();
        crc.update(&content);
        if crc.sum() != entry.crc {
            return Err(unreadable(format!(
                "{} is damaged: its checksum differs.",
                quoted(name.as_bytes())
            )));
        }
        Ok(Some(content))
    }

    /// The packed bytes of an entry, once its local header says the same as the list.
    fn packed(&mut self, entry: &Entry) -> Result<Vec<u8>, ReadError> {
        let name = self.directory[entry.name.clone()].to_vec();
        check_method(entry, &name)?;
        let limit = self.end_of(entry);
        let guess = (30 + name.len() as u64 + entry.packed + PADDING).min(limit - entry.start);
        let mut bytes = self.bytes(entry.start, guess)?;
        let data = check_local(entry, &name, &bytes)?;
        let (from, to) = (data, data + entry.packed);
        if entry.start + to > limit {
            return Err(ambiguous("Two entries of the archive overlap."));
        }
        if to > bytes.len() as u64 {
            bytes = self.bytes(entry.start, to)?;
        }
        bytes.truncate(to as usize);
        Ok(bytes.split_off(from as usize))
    }

    /// The first byte that cannot belong to the entry any more.
    fn end_of(&self, entry: &Entry) -> u64 {
        let next = self.starts.partition_point(|start| *start <= entry.start);
        self.starts
            .get(next)
            .copied()
            .unwrap_or(self.directory_start)
    }

    /// Inflates every entry into nothing and refuses if one of them gives more than it declares:
    /// what reads whole entries later cannot be kept busy for longer than the declared sizes make
    /// it.
    pub(crate) fn check_declared_sizes(&mut self) -> Result<(), ReadError> {
        let entries = self.entries.clone();
        let mut sink = vec![0; 64 * 1024];
        for entry in entries
            .iter()
            .filter(|entry| entry.method != 0 && entry.flags & SECRET == 0)
        {
            let name = self.directory[entry.name.clone()].to_vec();
            check_method(entry, &name)?;
            let limit = self.end_of(entry);
            let header = self.bytes(
                entry.start,
                (30 + name.len() as u64).min(limit - entry.start),
            )?;
            let data = entry.start + check_local(entry, &name, &header)?;
            self.source
                .seek(SeekFrom::Start(data))
                .map_err(ReadError::Source)?;
            let input =
                io::BufReader::with_capacity(64 * 1024, (&mut self.source).take(entry.packed));
            let mut output = DeflateDecoder::new(input).take(entry.unpacked + 1);
            let mut inflated = 0;
            loop {
                match output.read(&mut sink) {
                    Ok(0) => break,
                    Ok(count) => inflated += count as u64,
                    Err(_) => return Err(unreadable(format!("{} is damaged.", quoted(&name)))),
                }
            }
            if inflated != entry.unpacked {
                return Err(unreadable(format!(
                    "{} has another size than is declared.",
                    quoted(&name)
                )));
            }
        }
        Ok(())
    }
}

/// Inflates at most one byte more than `cap`. Makes an error of a panic.
fn inflate(packed: &[u8], expected: u64, cap: u64) -> io::Result<Vec<u8>> {
    panic::catch_unwind(|| {
        let mut content = Vec::with_capacity(expected.min(cap) as usize);
        DeflateDecoder::new(packed)
            .take(cap + 1)
            .read_to_end(&mut content)
            .map(|_| content)
    })
    .unwrap_or_else(|_| Err(io::ErrorKind::InvalidData.into()))
}

fn check_method(entry: &Entry, name: &[u8]) -> Result<(), ReadError> {
    if entry.flags & SECRET != 0 {
        return Err(unreadable(format!("{} is encrypted.", quoted(name))));
    }
    if entry.symbolic_link {
        return Err(unreadable(format!(
            "{} is a link to another file.",
            quoted(name)
        )));
    }
    match entry.method {
        0 if entry.packed != entry.unpacked => Err(unreadable(format!(
            "{} has another size than is declared.",
            quoted(name)
        ))),
        0 | 8 => Ok(()),
        method => Err(unreadable(format!(
            "{} is compressed in a way that phones do not know (method {method}).",
            quoted(name)
        ))),
    }
}

/// Checks an entry's own header (the beginning of `bytes`) against the list; gives the offset of
/// its data in `bytes`.
fn check_local(entry: &Entry, name: &[u8], bytes: &[u8]) -> Result<u64, ReadError> {
    let disagree = || {
        ambiguous(format!(
            "The archive contradicts itself about {}.",
            quoted(name)
        ))
    };
    if bytes.len() < 30 + name.len() || bytes[..4] != LOCAL {
        return Err(disagree());
    }
    let name_length = usize::from(u16_at(bytes, 26));
    if name_length != name.len() || bytes[30..30 + name_length] != *name {
        return Err(disagree());
    }
    let flags = u16_at(bytes, 6);
    if u16_at(bytes, 8) != entry.method || (flags ^ entry.flags) & SECRET != 0 {
        return Err(disagree());
    }
    let (packed, unpacked) = (u64::from(u32_at(bytes, 18)), u64::from(u32_at(bytes, 22)));
    let large = u64::from(u32::MAX);
    // Sizes that follow the data may be zero here; sizes of zip64 are in an extra field.
    let same = |here: u64, listed: u64| {
        here == listed || here == large || (flags & SIZES_FOLLOW != 0 && here == 0)
    };
    if !same(packed, entry.packed) || !same(unpacked, entry.unpacked) {
        return Err(disagree());
    }
    Ok(30 + name_length as u64 + u64::from(u16_at(bytes, 28)))
}

fn read_at<R: Read + Seek>(
    source: &mut R,
    whole: u64,
    start: u64,
    length: u64,
) -> Result<Vec<u8>, ReadError> {
    if start.checked_add(length).is_none_or(|end| end > whole) {
        return Err(truncated());
    }
    source.seek(SeekFrom::Start(start))?;
    let mut bytes = vec![0; length as usize];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Finds the end record of the archive, and refuses what has none, or two.
fn find_end<R: Read + Seek>(source: &mut R, length: u64) -> Result<End, ReadError> {
    if length == 0 {
        return Err(refused(RefusalCode::NotAnArchive, "The file is empty."));
    }
    let tail_length = length.min((END_LENGTH + LOCATOR_64_LENGTH + 0xffff) as u64);
    let tail_start = length - tail_length;
    let tail = read_at(source, length, tail_start, tail_length)?;
    let candidates: Vec<usize> = (0..(tail.len() + 1).saturating_sub(END_LENGTH))
        .filter(|at| tail[*at..at + 4] == END)
        .collect();
    let ends_the_file =
        |at: &usize| at + END_LENGTH + usize::from(u16_at(&tail, at + 20)) == tail.len();
    let mut fitting = candidates.iter().copied().filter(ends_the_file);
    let Some(at) = fitting.next() else {
        // An end record that fits everything but the end of the file: something was appended.
        let appended = candidates.iter().any(|at| {
            let directory_end =
                u64::from(u32_at(&tail, at + 16)) + u64::from(u32_at(&tail, at + 12));
            directory_end == tail_start + *at as u64
                && at + END_LENGTH + usize::from(u16_at(&tail, at + 20)) < tail.len()
        });
        if appended {
            return Err(ambiguous("The file has something else after the archive."));
        }
        let head = read_at(source, length, 0, length.min(4))?;
        return Err(if head == LOCAL || !candidates.is_empty() {
            truncated()
        } else {
            refused(
                RefusalCode::NotAnArchive,
                "The file is not an app: apps are zip archives (.apk or .ipa).",
            )
        });
    };
    if fitting.next().is_some() {
        return Err(ambiguous(
            "The file has two ends: it can be read as two different archives.",
        ));
    }
    let record = &tail[at..];
    let mut end = End {
        comment: record[END_LENGTH..].to_vec(),
        entries: u64::from(u16_at(record, 10)),
        directory_start: u64::from(u32_at(record, 16)),
        directory_length: u64::from(u32_at(record, 12)),
    };
    let mut disks = [u32::from(u16_at(record, 4)), u32::from(u16_at(record, 6))];
    let mut on_this_disk = u64::from(u16_at(record, 8));
    let mut directory_end = tail_start + at as u64;
    if at >= LOCATOR_64_LENGTH
        && tail[at - LOCATOR_64_LENGTH..at - LOCATOR_64_LENGTH + 4] == LOCATOR_64
    {
        let locator = &tail[at - LOCATOR_64_LENGTH..at];
        let start = u64_at(locator, 8);
        let large = read_at(source, length, start, END_64_LENGTH)?;
        let declared = u64_at(&large, 4).saturating_add(12);
        if large[..4] != END_64
            || start.saturating_add(declared) != directory_end - LOCATOR_64_LENGTH as u64
        {
            return Err(unreadable("The end of the archive is damaged."));
        }
        // The small record either says the same or says to look here.
        let agree = |small: u64, saturated: u64, large: u64| small == saturated || small == large;
        let (entries, size, offset) = (u64_at(&large, 32), u64_at(&large, 40), u64_at(&large, 48));
        if !agree(end.entries, 0xffff, entries)
            || !agree(end.directory_length, u64::from(u32::MAX), size)
            || !agree(end.directory_start, u64::from(u32::MAX), offset)
        {
            return Err(ambiguous(
                "The archive contradicts itself about its list of entries.",
            ));
        }
        end = End {
            entries,
            directory_start: offset,
            directory_length: size,
            ..end
        };
        disks = [u32_at(&large, 16), u32_at(&large, 20)];
        on_this_disk = u64_at(&large, 24);
        directory_end = start;
    }
    if disks != [0, 0] || on_this_disk != end.entries {
        return Err(unreadable("The archive is one part of several."));
    }
    match end.directory_start.checked_add(end.directory_length) {
        Some(stop) if stop == directory_end => Ok(end),
        Some(stop) if stop < directory_end => {
            Err(ambiguous("The file has something else beside the archive."))
        }
        _ => Err(truncated()),
    }
}

/// Parses the record at `at` and gives its length.
fn parse_record(directory: &[u8], at: usize, entries: &mut Vec<Entry>) -> Result<usize, ReadError> {
    let damaged = || unreadable("The archive's list of entries is damaged.");
    let record = &directory[at..];
    if record.len() < 46 || record[..4] != CENTRAL {
        return Err(damaged());
    }
    let name_length = usize::from(u16_at(record, 28));
    let extra_length = usize::from(u16_at(record, 30));
    let comment_length = usize::from(u16_at(record, 32));
    let whole = 46 + name_length + extra_length + comment_length;
    if record.len() < whole {
        return Err(damaged());
    }
    let name = &record[46..46 + name_length];
    check_name(name)?;
    let mut entry = Entry {
        record: at..at + whole,
        name: at + 46..at + 46 + name_length,
        flags: u16_at(record, 8),
        method: u16_at(record, 10),
        crc: u32_at(record, 16),
        packed: u64::from(u32_at(record, 20)),
        unpacked: u64::from(u32_at(record, 24)),
        start: u64::from(u32_at(record, 42)),
        // Made on Unix (3) with the file type "link" in the upper half of the attributes.
        symbolic_link: record[5] == 3 && u32_at(record, 38) >> 28 == 0o12,
    };
    read_extra(
        &record[46 + name_length..46 + name_length + extra_length],
        name,
        &mut entry,
    )?;
    entries.push(entry);
    Ok(whole)
}

/// Zip64 sizes, and the second name that some programs prefer.
fn read_extra(mut extra: &[u8], name: &[u8], entry: &mut Entry) -> Result<(), ReadError> {
    let large = u64::from(u32::MAX);
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        // Alignment tools leave padding that is not made of fields.
        let Some(mut field) = extra.get(4..4 + length) else {
            break;
        };
        extra = &extra[4 + length..];
        if id == 1 {
            for value in [&mut entry.unpacked, &mut entry.packed, &mut entry.start] {
                if *value == large {
                    if field.len() < 8 {
                        return Err(unreadable("The archive's list of entries is damaged."));
                    }
                    *value = u64_at(field, 0);
                    field = &field[8..];
                }
            }
        } else if id == 0x7075
            && name.is_ascii()
            && field.get(5..).is_some_and(|other| other != name)
        {
            return Err(ambiguous(format!(
                "The archive has two names for {}.",
                quoted(name)
            )));
        }
    }
    if [entry.unpacked, entry.packed, entry.start].contains(&large) {
        return Err(unreadable("The archive's list of entries is damaged."));
    }
    Ok(())
}

/// Names that would lead outside of the folder into which the archive is unpacked are refused,
/// although nothing is unpacked here: whoever downloads the file may do it.
fn check_name(name: &[u8]) -> Result<(), ReadError> {
    let drive = name.len() >= 2 && name[0].is_ascii_alphabetic() && name[1] == b':';
    let bad = name.len() > NAME
        || name.first() == Some(&b'/')
        || drive
        || name.iter().any(|byte| matches!(byte, 0 | b'\\'))
        || name.split(|byte| *byte == b'/').any(|part| part == b"..");
    if bad {
        return Err(unreadable(format!(
            "The archive has an entry with a forbidden name: {}.",
            quoted(name)
        )));
    }
    Ok(())
}

/// Checks that no two entries share bytes and that all end before the list; gives their starts in
/// order.
fn check_placement(entries: &[Entry], directory_start: u64) -> Result<Vec<u64>, ReadError> {
    let mut placed: Vec<(u64, u64)> = entries
        .iter()
        .map(|entry| {
            (
                entry.start,
                entry
                    .start
                    .saturating_add(30 + entry.name.len() as u64)
                    .saturating_add(entry.packed),
            )
        })
        .collect();
    placed.sort_unstable();
    let followers = placed
        .iter()
        .skip(1)
        .map(|(start, _)| *start)
        .chain([directory_start]);
    for ((_, end), next) in placed.iter().zip(followers) {
        if *end > next {
            return Err(ambiguous("Two entries of the archive overlap."));
        }
    }
    Ok(placed.into_iter().map(|(start, _)| start).collect())
}

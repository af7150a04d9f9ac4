//! Writing zip archives: entries of another archive with their packed bytes as they are, and new
//! ones.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

#[cfg(feature = "ios")]
use flate2::{Compression, write::DeflateEncoder};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use package_reader::{Archive, Entry, RefusalCode, quoted};
use tempfile::NamedTempFile;

use crate::failure::{WriteError, refused};

/// Bytes of an archive, and of what an entry unpacks to, at most: beyond that zip needs records
/// that Android does not read.
const LARGEST: u64 = u32::MAX as u64 - 1;
/// Entries of an archive, at most; one more says “look elsewhere”.
const MOST: u16 = u16::MAX - 1;
/// Bytes that are read and written at once.
const CHUNK: usize = 64 * 1024;

/// Flag: the sizes follow the data.
const SIZES_FOLLOW: u16 = 1 << 3;
/// Extra fields: sizes of zip64, and padding as Android's own tools make it.
const FIELD_ZIP64: u16 = 1;
const FIELD_ALIGNMENT: u16 = 0xd935;
/// Bytes of the smallest field of padding: its id, its length, the alignment.
const SMALLEST_PADDING: u64 = 6;

/// Midnight of 1980-01-01 as zip writes it: what new entries are dated.
const DATE: u16 = 1 << 5 | 1;

/// What an entry's headers say, except where it is.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    made_by: u16,
    needed: u16,
    flags: u16,
    pub(crate) deflated: bool,
    time: u16,
    date: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    internal: u16,
    external: u32,
    name: Vec<u8>,
    list_extra: Vec<u8>,
    own_extra: Vec<u8>,
    comment: Vec<u8>,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

impl Head {
    /// What the record of an entry says; `own_extra` is the extra field of the entry's own header.
    fn of(record: &[u8], name: &[u8], entry: &Entry, own_extra: &[u8]) -> Head {
        Head {
            needed: u16_at(record, 6),
            deflated: entry.is_deflated(),
            crc: entry.crc(),
            packed: entry.packed(),
            unpacked: entry.unpacked(),
            own_extra: without_placement(own_extra),
            ..Head::of_changed(record, name)
        }
    }

    /// The record of an entry whose content is another now.
    fn of_changed(record: &[u8], name: &[u8]) -> Head {
        let extra_length = usize::from(u16_at(record, 30));
        let (extra, comment) = record[46 + name.len()..].split_at(extra_length);
        Head {
            made_by: u16_at(record, 4),
            flags: u16_at(record, 8) & !SIZES_FOLLOW,
            time: u16_at(record, 12),
            date: u16_at(record, 14),
            internal: u16_at(record, 36),
            external: u32::from(u16_at(record, 38)) | u32::from(u16_at(record, 40)) << 16,
            list_extra: without_placement(extra),
            comment: comment.to_vec(),
            name: name.to_vec(),
            ..Head::file("")
        }
    }

    /// A new regular file, made on Unix with the mode 644.
    pub(crate) fn file(name: &str) -> Head {
        Head {
            made_by: 3 << 8 | 20,
            needed: 20,
            // The name is UTF-8.
            flags: 1 << 11,
            deflated: false,
            time: 0,
            date: DATE,
            crc: 0,
            packed: 0,
            unpacked: 0,
            internal: 0,
            external: 0o100_644 << 16,
            name: name.as_bytes().to_vec(),
            list_extra: Vec::new(),
            own_extra: Vec::new(),
            comment: Vec::new(),
        }
    }

    /// What both headers have in common: from the version to the sizes.
    fn shared(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(22);
        for value in [
            self.needed,
            self.flags,
            if self.deflated { 8 } else { 0 },
            self.time,
            self.date,
        ] {
            out.extend(value.to_le_bytes());
        }
        // Both sizes are at most LARGEST.
        for value in [self.crc, self.packed as u32, self.unpacked as u32] {
            out.extend(value.to_le_bytes());
        }
        out
    }
}

/// An extra field without what depends on the place and the sizes of the entry, and without padding
/// that is no field.
fn without_placement(mut extra: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while extra.len() >= 4 {
        let (id, end) = (u16_at(extra, 0), 4 + usize::from(u16_at(extra, 2)));
        let Some(field) = extra.get(..end) else {
            break;
        };
        if ![0, FIELD_ZIP64, FIELD_ALIGNMENT].contains(&id) {
            out.extend_from_slice(field);
        }
        extra = &extra[end..];
    }
    out
}

/// Opens the archive at `path`.
pub(crate) fn open(path: &Path) -> Result<Archive<BufReader<File>>, WriteError> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(Archive::open(
        BufReader::with_capacity(CHUNK, file),
        length,
    )?)
}

/// A new file in the folder of `target`, which it can be moved to.
pub(crate) fn beside(target: &Path) -> Result<NamedTempFile, WriteError> {
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    Ok(NamedTempFile::new_in(folder)?)
}

/// An archive that is being written.
pub(crate) struct Writer {
    file: BufWriter<NamedTempFile>,
    at: u64,
    directory: Vec<u8>,
    entries: u16,
}

impl Writer {
    /// Begins an archive in a new file beside `target`.
    pub(crate) fn beside(target: &Path) -> Result<Writer, WriteError> {
        Ok(Writer {
            file: BufWriter::with_capacity(CHUNK, beside(target)?),
            at: 0,
            directory: Vec::new(),
            entries: 0,
        })
    }

    /// Copies an entry as it is packed, and checks that it unpacks to what it declares. If it is
    /// not compressed, its data will begin at a multiple of `alignment`.
    pub(crate) fn copy(
        &mut self,
        archive: &mut Archive<impl Read + Seek>,
        name: &[u8],
        entry: &Entry,
        alignment: u16,
    ) -> Result<(), WriteError> {
        let record = archive.record(entry).to_vec();
        let (mut data, own_extra) = archive.open_packed(entry)?;
        self.begin(&Head::of(&record, name, entry, &own_extra), alignment)?;
        let mut check = Check::new(name, entry);
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = data.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            check.feed(&buffer[..count])?;
            self.file.write_all(&buffer[..count])?;
        }
        check.finish()
    }

    /// Writes an entry of another archive with the content of a file, compressed anew, or a new one
    /// if `old` is `None`. What is compressed lies beside the file for a while.
    #[cfg(feature = "ios")]
    pub(crate) fn compress(
        &mut self,
        name: &str,
        old: Option<&[u8]>,
        file: &Path,
    ) -> Result<(), WriteError> {
        let mut head = old.map_or_else(
            || Head::file(name),
            |record| Head::of_changed(record, name.as_bytes()),
        );
        let mut packed = beside(file)?;
        let mut crc = Crc::new();
        let mut encoder = DeflateEncoder::new(
            BufWriter::with_capacity(CHUNK, packed.as_file_mut()),
            Compression::new(6),
        );
        let mut content = File::open(file)?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = content.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            crc.update(&buffer[..count]);
            head.unpacked += count as u64;
            encoder.write_all(&buffer[..count])?;
        }
        encoder.finish()?.flush()?;
        head.deflated = true;
        head.crc = crc.sum();
        head.packed = packed.as_file().metadata()?.len();
        packed.seek(SeekFrom::Start(0))?;
        self.begin(&head, 1)?;
        std::io::copy(&mut packed, &mut self.file)?;
        Ok(())
    }

    /// Writes an entry that is not compressed.
    pub(crate) fn store(
        &mut self,
        mut head: Head,
        content: &[u8],
        alignment: u16,
    ) -> Result<(), WriteError> {
        let mut crc = Crc::new();
        crc.update(content);
        head.deflated = false;
        (head.crc, head.packed, head.unpacked) =
            (crc.sum(), content.len() as u64, content.len() as u64);
        self.begin(&head, alignment)?;
        Ok(self.file.write_all(content)?)
    }

    /// Writes an entry's header and record; its data has to follow.
    fn begin(&mut self, head: &Head, alignment: u16) -> Result<(), WriteError> {
        let data = self.at + 30 + (head.name.len() + head.own_extra.len()) as u64;
        let padding = if head.deflated {
            Vec::new()
        } else {
            padding(data, alignment)
        };
        let end = data + padding.len() as u64 + head.packed;
        if end + self.directory.len() as u64 > LARGEST || head.unpacked > LARGEST {
            return Err(refused(
                RefusalCode::TooLarge,
                "Apps of 4 GB and more, or with files of that size, cannot be changed or signed.",
            ));
        }
        if self.entries == MOST {
            return Err(refused(
                RefusalCode::TooManyEntries,
                format!("An app can have {MOST} entries at most."),
            ));
        }
        let extra_length = head.own_extra.len() + padding.len();
        let (Ok(name_length), Ok(extra_length)) =
            (u16::try_from(head.name.len()), u16::try_from(extra_length))
        else {
            return Err(refused(
                RefusalCode::Unreadable,
                format!("The header of {} is too long.", quoted(&head.name)),
            ));
        };
        let shared = head.shared();
        let start = self.at as u32;
        self.file.write_all(b"PK\x03\x04")?;
        self.file.write_all(&shared)?;
        self.file.write_all(&name_length.to_le_bytes())?;
        self.file.write_all(&extra_length.to_le_bytes())?;
        for part in [&head.name, &head.own_extra, &padding] {
            self.file.write_all(part)?;
        }
        self.directory.extend_from_slice(b"PK\x01\x02");
        self.directory.extend(head.made_by.to_le_bytes());
        self.directory.extend(shared);
        for length in [head.name.len(), head.list_extra.len(), head.comment.len()] {
            // Each is as long as in the archive that it is from, or shorter.
            self.directory.extend((length as u16).to_le_bytes());
        }
        self.directory.extend([0, 0]);
        self.directory.extend(head.internal.to_le_bytes());
        self.directory.extend(head.external.to_le_bytes());
        self.directory.extend(start.to_le_bytes());
        for part in [&head.name, &head.list_extra, &head.comment] {
            self.directory.extend_from_slice(part);
        }
        self.entries += 1;
        self.at = end;
        Ok(())
    }

    /// Writes the list of entries and gives the file.
    pub(crate) fn finish(mut self, comment: &[u8]) -> Result<NamedTempFile, WriteError> {
        let length = self.directory.len() as u64;
        if self.at + length > LARGEST {
            return Err(refused(
                RefusalCode::TooLarge,
                "Apps of 4 GB and more cannot be changed or signed.",
            ));
        }
        self.file.write_all(&self.directory)?;
        self.file.write_all(b"PK\x05\x06\0\0\0\0")?;
        for _ in 0..2 {
            self.file.write_all(&self.entries.to_le_bytes())?;
        }
        for value in [length, self.at] {
            self.file.write_all(&(value as u32).to_le_bytes())?;
        }
        self.file.write_all(&(comment.len() as u16).to_le_bytes())?;
        self.file.write_all(comment)?;
        let mut file = self
            .file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        file.flush()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

/// The field that makes data which would begin at `data` begin at a multiple of `alignment`.
fn padding(data: u64, alignment: u16) -> Vec<u8> {
    let step = u64::from(alignment.max(1));
    if data.is_multiple_of(step) {
        return Vec::new();
    }
    let zeros = (step - (data + SMALLEST_PADDING) % step) % step;
    let mut field = FIELD_ALIGNMENT.to_le_bytes().to_vec();
    field.extend((zeros as u16 + 2).to_le_bytes());
    field.extend(alignment.to_le_bytes());
    field.resize(field.len() + zeros as usize, 0);
    field
}

/// Unpacks what it is fed into nothing, to see that it is what the entry declares.
pub(crate) struct Check<'a> {
    name: &'a [u8],
    crc: u32,
    unpacked: u64,
    seen: u64,
    sum: Crc,
    inflater: Option<Decompress>,
    ended: bool,
    sink: Vec<u8>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(name: &'a [u8], entry: &Entry) -> Check<'a> {
        Check {
            name,
            crc: entry.crc(),
            unpacked: entry.unpacked(),
            seen: 0,
            sum: Crc::new(),
            inflater: entry.is_deflated().then(|| Decompress::new(false)),
            ended: !entry.is_deflated(),
            sink: if entry.is_deflated() {
                vec![0; CHUNK]
            } else {
                Vec::new()
            },
        }
    }

    fn damaged(&self) -> WriteError {
        refused(
            RefusalCode::Unreadable,
            format!("{} is damaged.", quoted(self.name)),
        )
    }

    fn other_size(&self) -> WriteError {
        refused(
            RefusalCode::Unreadable,
            format!("{} has another size than is declared.", quoted(self.name)),
        )
    }

    /// Takes the next packed bytes; gives each unpacked piece to `take`.
    pub(crate) fn feed_into(
        &mut self,
        mut packed: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let Some(inflater) = &mut self.inflater else {
            self.sum.update(packed);
            self.seen += packed.len() as u64;
            return if self.seen > self.unpacked {
                Err(self.other_size())
            } else {
                take(packed)
            };
        };
        // Bytes behind the end of the compressed data say nothing.
        while !self.ended {
            let (consumed, produced) = (inflater.total_in(), inflater.total_out());
            let Ok(status) = inflater.decompress(packed, &mut self.sink, FlushDecompress::None)
            else {
                return Err(self.damaged());
            };
            packed = &packed[(inflater.total_in() - consumed) as usize..];
            let count = (inflater.total_out() - produced) as usize;
            self.seen += count as u64;
            if self.seen > self.unpacked {
                return Err(self.other_size());
            }
            self.sum.update(&self.sink[..count]);
            take(&self.sink[..count])?;
            self.ended = matches!(status, Status::StreamEnd);
            // All is consumed, and nothing waits for room.
            if packed.is_empty() && count < self.sink.len() {
                break;
            }
        }
        Ok(())
    }

    fn feed(&mut self, packed: &[u8]) -> Result<(), WriteError> {
        self.feed_into(packed, |_| Ok(()))
    }

    /// Says whether all of it was right.
    pub(crate) fn finish(self) -> Result<(), WriteError> {
        if !self.ended {
            return Err(self.damaged());
        }
        if self.seen != self.unpacked {
            return Err(self.other_size());
        }
        if self.sum.sum() != self.crc {
            return Err(refused(
                RefusalCode::Unreadable,
                format!("{} is damaged: its checksum differs.", quoted(self.name)),
            ));
        }
        Ok(())
    }
}

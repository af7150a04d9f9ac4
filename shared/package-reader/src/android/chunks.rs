//! The building blocks of Android's binary formats: chunks and pools of strings, read in place.
//!
//! Nothing is copied out of the bytes except the strings that are asked for, each shortened to a
//! cap. A file of a few kilobytes can therefore not grow into gigabytes, as it does when every
//! reference to a long string becomes a copy.

/// The bytes break the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

/// One chunk: its type, its header and the whole of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk<'a> {
    pub(crate) kind: u16,
    pub(crate) header: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Takes the first chunk off `bytes`; `None` where no chunk can begin any more.
    pub(crate) fn next(bytes: &mut &'a [u8]) -> Result<Option<Chunk<'a>>, Malformed> {
        let (Some(kind), Some(header), Some(size)) =
            (u16_at(bytes, 0), u16_at(bytes, 2), u32_at(bytes, 4))
        else {
            return Ok(None);
        };
        let (header, size) = (usize::from(header), size as usize);
        if header < 8 || size < header || size > bytes.len() || !size.is_multiple_of(4) {
            return Err(Malformed);
        }
        let (chunk, rest) = bytes.split_at(size);
        *bytes = rest;
        Ok(Some(Chunk {
            kind,
            header,
            bytes: chunk,
        }))
    }

    /// What follows the header.
    pub(crate) fn body(&self) -> &'a [u8] {
        &self.bytes[self.header..]
    }
}

/// A pool of strings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strings<'a> {
    offsets: &'a [u8],
    data: &'a [u8],
    utf8: bool,
}

impl<'a> Strings<'a> {
    pub(crate) const KIND: u16 = 0x0001;

    pub(crate) fn parse(chunk: Chunk<'a>) -> Result<Strings<'a>, Malformed> {
        let field = |at| u32_at(chunk.bytes, at).ok_or(Malformed);
        let (count, flags, start) = (field(8)? as usize, field(16)?, field(20)? as usize);
        let offsets_end = count
            .checked_mul(4)
            .and_then(|length| length.checked_add(chunk.header))
            .ok_or(Malformed)?;
        let offsets = chunk
            .bytes
            .get(chunk.header..offsets_end)
            .ok_or(Malformed)?;
        let data = if count == 0 {
            &[]
        } else {
            chunk.bytes.get(start..).ok_or(Malformed)?
        };
        Ok(Strings {
            offsets,
            data,
            utf8: flags & 0x100 != 0,
        })
    }

    /// The string of that index, shortened to `cap` characters (or somewhat more). `None` without
    /// such a string or if it does not fit into the pool.
    pub(crate) fn get(&self, index: u32, cap: usize) -> Option<String> {
        let offset = u32_at(self.offsets, (index as usize).checked_mul(4)?)? as usize;
        let mut data = self.data.get(offset..)?;
        if self.utf8 {
            take_utf8_length(&mut data)?;
            let length = take_utf8_length(&mut data)?;
            let text = data.get(..length)?;
            let text =
                String::from_utf8_lossy(&text[..length.min(cap.saturating_mul(4))]).into_owned();
            return Some(shortened(text, cap));
        }
        let mut length = usize::from(u16_at(data, 0)?);
        let mut at = 2usize;
        if length & 0x8000 != 0 {
            length = (length & 0x7fff) << 16 | usize::from(u16_at(data, 2)?);
            at = 4;
        }
        let text = data.get(at..at.checked_add(length.checked_mul(2)?)?)?;
        let units = text
            .as_chunks::<2>()
            .0
            .iter()
            .take(cap.saturating_mul(2))
            .map(|unit| u16::from_le_bytes(*unit));
        let text = char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        Some(shortened(text, cap))
    }
}

impl Strings<'_> {
    /// How long the string of that index claims to be, in its units; 0 without such a string. Costs
    /// nothing.
    pub(crate) fn length(&self, index: u32) -> u64 {
        let at = (index as usize)
            .checked_mul(4)
            .and_then(|at| u32_at(self.offsets, at));
        let Some(mut data) = at.and_then(|offset| self.data.get(offset as usize..)) else {
            return 0;
        };
        if self.utf8 {
            return take_utf8_length(&mut data)
                .and_then(|_| take_utf8_length(&mut data))
                .unwrap_or(0) as u64;
        }
        match (u16_at(data, 0), u16_at(data, 2)) {
            (Some(high), Some(low)) if high & 0x8000 != 0 => {
                u64::from(high & 0x7fff) << 16 | u64::from(low)
            }
            (Some(length), _) => u64::from(length),
            _ => 0,
        }
    }
}

fn take_utf8_length(data: &mut &[u8]) -> Option<usize> {
    let first = usize::from(*data.first()?);
    if first & 0x80 == 0 {
        *data = &data[1..];
        return Some(first);
    }
    let second = usize::from(*data.get(1)?);
    *data = &data[2..];
    Some((first & 0x7f) << 8 | second)
}

fn shortened(mut text: String, cap: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(cap) {
        text.truncate(end);
    }
    text
}

/// A value as both formats store it: 8 bytes of size, type and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) kind: u8,
    pub(crate) data: u32,
}

impl Value {
    pub(crate) const REFERENCE: u8 = 0x01;
    pub(crate) const STRING: u8 = 0x03;
    pub(crate) const FLOAT: u8 = 0x04;
    pub(crate) const DYNAMIC_REFERENCE: u8 = 0x07;
    pub(crate) const DECIMAL: u8 = 0x10;
    pub(crate) const HEXADECIMAL: u8 = 0x11;
    pub(crate) const BOOLEAN: u8 = 0x12;

    /// The id of the resource that it refers to.
    pub(crate) fn reference(&self) -> Option<u32> {
        matches!(self.kind, Value::REFERENCE | Value::DYNAMIC_REFERENCE).then_some(self.data)
    }
}

//! Android's binary XML, as a stream of elements.

use crate::android::chunks::{Chunk, Malformed, Strings, Value, u16_at, u32_at};
use crate::refusal::{ReadError, RefusalCode, refused};

/// Elements inside each other, at most.
const DEPTH: usize = 128;
/// Characters that all names and texts of a document may have together once every reference to one
/// is counted. Other parsers copy them all.
const TEXT: u64 = 32 * 1024 * 1024;

/// The chunk of attribute ids.
const IDS: u16 = 0x0180;

const NONE: u32 = u32::MAX;

/// A checked document.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    strings: Strings<'a>,
    /// Ids of attributes, by the index of their name: what Android goes by.
    ids: &'a [u8],
    nodes: &'a [u8],
}

/// The start of an element.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    /// Elements around it: 0 for the root.
    pub(crate) depth: usize,
    /// At most 64 characters.
    pub(crate) name: String,
    attributes: &'a [u8],
    stride: usize,
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute {
    namespace: u32,
    name: u32,
    raw: u32,
    pub(crate) value: Value,
}

impl<'a> Document<'a> {
    /// Checks the whole document: sizes, depth, and that its text does not multiply. `what` names
    /// it in the refusals.
    pub(crate) fn parse(mut bytes: &'a [u8], what: &str) -> Result<Document<'a>, ReadError> {
        let malformed = || {
            refused(
                RefusalCode::Unreadable,
                format!("{what} is damaged or not in Android's binary form."),
            )
        };
        let whole = Chunk::next(&mut bytes)
            .ok()
            .flatten()
            .ok_or_else(malformed)?;
        if whole.kind != 0x0003 {
            return Err(malformed());
        }
        let mut document = Document {
            strings: Strings::default(),
            ids: &[],
            nodes: &[],
        };
        let mut rest = whole.body();
        let mut has_strings = false;
        loop {
            let before = rest;
            match Chunk::next(&mut rest).map_err(|Malformed| malformed())? {
                // Of two of them, one program takes the first and another the last.
                Some(chunk) if chunk.kind == Strings::KIND && !has_strings => {
                    document.strings = Strings::parse(chunk).map_err(|Malformed| malformed())?;
                    has_strings = true;
                }
                Some(chunk) if chunk.kind == IDS && document.ids.is_empty() => {
                    document.ids = chunk.body()
                }
                Some(chunk) if matches!(chunk.kind, Strings::KIND | IDS) => return Err(malformed()),
                Some(chunk) if (0x0100..0x0180).contains(&chunk.kind) => {
                    document.nodes = before;
                    break;
                }
                Some(_) => {}
                None => return Err(malformed()),
            }
        }
        let mut text = 0u64;
        let mut rest = document.nodes;
        let mut depth = 0usize;
        while let Some(chunk) = Chunk::next(&mut rest).map_err(|Malformed| malformed())? {
            match chunk.kind {
                0x0102 => {
                    depth += 1;
                    if depth > DEPTH {
                        return Err(refused(
                            RefusalCode::TooDeep,
                            format!("{what} has more than {DEPTH} elements inside each other."),
                        ));
                    }
                    let element = document.element(chunk, depth - 1).ok_or_else(malformed)?;
                    text += document
                        .strings
                        .length(u32_at(chunk.bytes, chunk.header + 4).unwrap_or(NONE));
                    for attribute in element.attributes() {
                        text += document.strings.length(attribute.name)
                            + document.strings.length(attribute.raw);
                        if attribute.value.kind == Value::STRING {
                            text += document.strings.length(attribute.value.data);
                        }
                    }
                    if text > TEXT {
                        return Err(refused(
                            RefusalCode::TooLarge,
                            format!("The texts of {what} multiply."),
                        ));
                    }
                }
                0x0103 => depth = depth.checked_sub(1).ok_or_else(malformed)?,
                _ => {}
            }
        }
        Ok(document)
    }

    fn element(&self, chunk: Chunk<'a>, depth: usize) -> Option<Element<'a>> {
        let body = chunk.body();
        let name = self.strings.get(u32_at(body, 4)?, 64)?;
        let (start, stride, count) = (
            usize::from(u16_at(body, 8)?),
            usize::from(u16_at(body, 10)?),
            usize::from(u16_at(body, 12)?),
        );
        if count > 0 && stride < 20 {
            return None;
        }
        let attributes = body.get(start..start + stride * count)?;
        Some(Element {
            depth,
            name,
            attributes,
            stride: stride.max(20),
        })
    }

    /// All elements, in the order in which they begin.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Element<'a>> + '_ {
        let mut rest = self.nodes;
        let mut depth = 0usize;
        std::iter::from_fn(move || {
            while let Ok(Some(chunk)) = Chunk::next(&mut rest) {
                match chunk.kind {
                    0x0102 => {
                        depth += 1;
                        return self.element(chunk, depth - 1);
                    }
                    0x0103 => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            None
        })
    }

    /// The element's attribute of that id (from Android's own attributes). Two of them are refused.
    pub(crate) fn attribute(
        &self,
        element: &Element<'_>,
        id: u32,
    ) -> Result<Option<Attribute>, ReadError> {
        self.one(element, |attribute| self.id(attribute.name) == Some(id))
    }

    /// The element's attribute of that name and without a namespace. Two of them are refused.
    pub(crate) fn plain_attribute(
        &self,
        element: &Element<'_>,
        name: &str,
    ) -> Result<Option<Attribute>, ReadError> {
        self.one(element, |attribute| {
            attribute.namespace == NONE
                && self.strings.get(attribute.name, 64).as_deref() == Some(name)
        })
    }

    fn one(
        &self,
        element: &Element<'_>,
        fits: impl Fn(&Attribute) -> bool,
    ) -> Result<Option<Attribute>, ReadError> {
        let mut found = element.attributes().filter(fits);
        let attribute = found.next();
        if found.next().is_some() {
            return Err(refused(
                RefusalCode::Ambiguous,
                format!(
                    "The manifest gives an attribute of “{}” twice.",
                    element.name
                ),
            ));
        }
        Ok(attribute)
    }

    fn id(&self, name: u32) -> Option<u32> {
        u32_at(self.ids, (name as usize).checked_mul(4)?)
    }

    /// The attribute's own text, at most `cap` characters: a string, or a number written out. Not
    /// of a reference.
    pub(crate) fn text(&self, attribute: &Attribute, cap: usize) -> Option<String> {
        match attribute.value.kind {
            Value::STRING => self.strings.get(attribute.value.data, cap),
            Value::DECIMAL => Some((attribute.value.data as i32).to_string()),
            Value::HEXADECIMAL => Some(format!("0x{:x}", attribute.value.data)),
            Value::BOOLEAN => Some((attribute.value.data != 0).to_string()),
            Value::FLOAT => Some(f32::from_bits(attribute.value.data).to_string()),
            Value::REFERENCE | Value::DYNAMIC_REFERENCE => None,
            _ => self.strings.get(attribute.raw, cap),
        }
    }
}

impl Element<'_> {
    fn attributes(&self) -> impl Iterator<Item = Attribute> {
        self.attributes
            .chunks_exact(self.stride)
            .filter_map(|bytes| {
                Some(Attribute {
                    namespace: u32_at(bytes, 0)?,
                    name: u32_at(bytes, 4)?,
                    raw: u32_at(bytes, 8)?,
                    value: Value {
                        kind: *bytes.get(15)?,
                        data: u32_at(bytes, 16)?,
                    },
                })
            })
    }
}

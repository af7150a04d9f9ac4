//! Android's table of resources, searched in place: what it takes does not grow with what the table
//! claims to hold.

use crate::android::chunks::{Chunk, Malformed, Strings, Value, u16_at, u32_at};

/// References followed from one resource to another.
const HOPS: usize = 16;
/// Values of one resource that are looked at: one per screen density, language and so on.
const VALUES: usize = 512;
/// Chunks of a table. Every search walks over them, so a table of nothing but chunks is not
/// searched.
const CHUNKS: usize = 100_000;

const TABLE: u16 = 0x0002;
const PACKAGE: u16 = 0x0200;
const TYPE: u16 = 0x0201;

/// A table whose outer structure was checked.
#[derive(Debug)]
pub(crate) struct Resources<'a> {
    strings: Strings<'a>,
    packages: &'a [u8],
}

/// A value with the qualifiers under which it holds.
#[derive(Clone, Debug)]
pub(crate) struct Qualified {
    pub(crate) value: Value,
    /// Dots per inch; 0 without a qualifier.
    pub(crate) density: u16,
    /// Whether a language, a region, a night mode or the like is asked for.
    pub(crate) special: bool,
    /// Whether there is no qualifier at all.
    pub(crate) default: bool,
}

/// A file that a resource stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) density: u16,
    special: bool,
}

impl<'a> Resources<'a> {
    pub(crate) fn parse(mut bytes: &'a [u8]) -> Result<Resources<'a>, Malformed> {
        let table = Chunk::next(&mut bytes)?
            .filter(|chunk| chunk.kind == TABLE)
            .ok_or(Malformed)?;
        let mut rest = table.body();
        let strings = Chunk::next(&mut rest)?
            .filter(|chunk| chunk.kind == Strings::KIND)
            .ok_or(Malformed)?;
        let resources = Resources {
            strings: Strings::parse(strings)?,
            packages: rest,
        };
        let mut chunks = 0;
        while let Some(package) = Chunk::next(&mut rest)? {
            let mut inner = package.body();
            chunks += 1;
            while package.kind == PACKAGE && Chunk::next(&mut inner)?.is_some() {
                chunks += 1;
            }
            if chunks > CHUNKS {
                return Err(Malformed);
            }
        }
        Ok(resources)
    }

    /// All values of the resource of that id.
    pub(crate) fn values(&self, id: u32) -> Vec<Qualified> {
        let (package_id, type_id, entry) = (id >> 24, (id >> 16) as u8, id & 0xffff);
        let mut values = Vec::new();
        let mut packages = self.packages;
        while let Ok(Some(package)) = Chunk::next(&mut packages) {
            if package.kind != PACKAGE || u32_at(package.bytes, 8) != Some(package_id) {
                continue;
            }
            let mut rest = package.body();
            while let Ok(Some(chunk)) = Chunk::next(&mut rest) {
                if chunk.kind == TYPE && chunk.bytes.get(8) == Some(&type_id) {
                    values.extend(value_in(chunk, entry));
                    if values.len() == VALUES {
                        return values;
                    }
                }
            }
        }
        values
    }

    /// The text that a resource has without any qualifier, or the closest to that; at most `cap`
    /// characters.
    pub(crate) fn text(&self, mut id: u32, cap: usize) -> Option<String> {
        for _ in 0..HOPS {
            let values = self.values(id);
            let best = values
                .iter()
                .min_by_key(|value| (!value.default, value.special))?;
            match best.value {
                Value {
                    kind: Value::STRING,
                    data,
                } => return self.strings.get(data, cap),
                Value {
                    kind: Value::DECIMAL,
                    data,
                } => return Some((data as i32).to_string()),
                Value {
                    kind: Value::BOOLEAN,
                    data,
                } => return Some((data != 0).to_string()),
                value => id = value.reference()?,
            }
        }
        None
    }

    /// The files that a resource stands for under all qualifiers, the best picture first: no
    /// special qualifier, then the highest density.
    pub(crate) fn files(&self, id: u32) -> Vec<File> {
        let mut files: Vec<File> = Vec::new();
        let mut asked = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if asked.len() == HOPS || asked.contains(&id) {
                continue;
            }
            asked.push(id);
            for value in self.values(id) {
                if value.value.kind == Value::STRING {
                    // 0xfffe and 0xffff stand for "any" and "none": both say nothing about how
                    // sharp it is.
                    let density = if value.density >= 0xfffe {
                        1
                    } else {
                        value.density
                    };
                    let path = self
                        .strings
                        .get(value.value.data, 1024)
                        .filter(|path| !path.is_empty());
                    if let Some(path) =
                        path.filter(|path| !files.iter().any(|file| file.path == *path))
                    {
                        files.push(File {
                            path,
                            density,
                            special: value.special,
                        });
                    }
                } else if let Some(next) = value.value.reference() {
                    open.push(next);
                }
            }
        }
        files.sort_by_key(|file| (file.special, std::cmp::Reverse(file.density)));
        files
    }
}

/// The simple value of that entry in a chunk of type values.
fn value_in(chunk: Chunk<'_>, entry: u32) -> Option<Qualified> {
    let bytes = chunk.bytes;
    let (flags, count, start) = (
        *bytes.get(9)?,
        u32_at(bytes, 12)?,
        u32_at(bytes, 16)? as usize,
    );
    let index = bytes.get(chunk.header..)?;
    let quarter = |at: usize| match u16_at(index, at)? {
        0xffff => None,
        offset => Some(usize::from(offset) * 4),
    };
    let offset = if flags & 1 != 0 {
        // Sparse: pairs of entry and offset, sorted.
        let pairs = index
            .get(..(count as usize).checked_mul(4)?)?
            .as_chunks::<4>()
            .0;
        let at = pairs
            .binary_search_by_key(&entry, |pair| {
                u32::from(u16::from_le_bytes([pair[0], pair[1]]))
            })
            .ok()?;
        quarter(at * 4 + 2)?
    } else if entry >= count {
        return None;
    } else if flags & 2 != 0 {
        quarter(entry as usize * 2)?
    } else {
        match u32_at(index, entry as usize * 4)? {
            u32::MAX => return None,
            offset => offset as usize,
        }
    };
    let item = bytes.get(start.checked_add(offset)?..)?;
    let (size, flags) = (usize::from(u16_at(item, 0)?), u16_at(item, 2)?);
    let value = if flags & 0x0008 != 0 {
        Value {
            kind: (flags >> 8) as u8,
            data: u32_at(item, 4)?,
        }
    } else if flags & 0x0001 != 0 {
        return None;
    } else {
        Value {
            kind: *item.get(size.checked_add(3)?)?,
            data: u32_at(item, size.checked_add(4)?)?,
        }
    };
    let config = bytes.get(20..chunk.header)?;
    let config = config.get(..(u32_at(config, 0)? as usize).clamp(4, config.len()))?;
    let field = |at: usize, length: usize| {
        config
            .get(at..at + length)
            .is_some_and(|f| f.iter().any(|b| *b != 0))
    };
    // Network and language; orientation and touch; keyboard; then layout direction, night mode,
    // car, watch, television.
    let special = field(4, 8) || field(12, 2) || field(16, 4) || field(28, 2);
    Some(Qualified {
        value,
        density: u16_at(config, 14).unwrap_or(0),
        special,
        default: config[4..].iter().all(|byte| *byte == 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with one chunk of values: flags, index and items as given.
    fn table(flags: u8, count: u32, index: &[u8], items: &[u8]) -> Vec<u8> {
        let chunk = |kind: u16, header: &[u8], body: &[u8]| {
            let mut out = kind.to_le_bytes().to_vec();
            out.extend_from_slice(&(8 + header.len() as u16).to_le_bytes());
            out.extend_from_slice(&((8 + header.len() + body.len()) as u32).to_le_bytes());
            [&out[..], header, body].concat()
        };
        let mut head = vec![2, flags, 0, 0];
        head.extend_from_slice(&count.to_le_bytes());
        head.extend_from_slice(&(84 + index.len() as u32).to_le_bytes());
        let mut config = vec![0; 64];
        config[0] = 64;
        head.extend(config);
        let values = chunk(TYPE, &head, &[index, items].concat());
        let mut package = 0x7fu32.to_le_bytes().to_vec();
        package.extend([0; 276]);
        let package = chunk(PACKAGE, &package, &values);
        let strings = chunk(Strings::KIND, &[0; 20], &[]);
        chunk(TABLE, &1u32.to_le_bytes(), &[strings, package].concat())
    }

    fn numbers(table: &[u8], id: u32) -> Vec<u32> {
        let resources = Resources::parse(table).unwrap();
        resources
            .values(id)
            .iter()
            .map(|value| value.value.data)
            .collect()
    }

    const SEVEN: [u8; 16] = [8, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, Value::DECIMAL, 7, 0, 0, 0];

    #[test]
    fn every_kind_of_index() {
        let plain = table(0, 2, &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], &SEVEN);
        let short = table(2, 2, &[0xff, 0xff, 0, 0], &SEVEN);
        let sparse = table(1, 2, &[0, 0, 0xff, 0xff, 9, 0, 0, 0], &SEVEN);
        for (table, last) in [(plain, 1), (short, 1), (sparse, 9)] {
            assert_eq!(numbers(&table, 0x7f02_0000 + last), [7]);
            for absent in [0x7f02_0000, 0x7f02_0005, 0x7f03_0000, 0x0102_0000 + last] {
                assert_eq!(numbers(&table, absent), [0; 0]);
            }
        }
    }

    #[test]
    fn every_kind_of_item() {
        let compact = [0, 0, 8, Value::DECIMAL, 9, 0, 0, 0];
        assert_eq!(numbers(&table(0, 1, &[0; 4], &compact), 0x7f02_0000), [9]);
        let complex = [16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(
            numbers(&table(0, 1, &[0; 4], &complex), 0x7f02_0000),
            [0; 0]
        );
        // Offsets that lead out of the chunk.
        for offset in [8u32, 17, 0x7fff_fffc, u32::MAX - 1] {
            let table = table(0, 1, &offset.to_le_bytes(), &SEVEN);
            assert_eq!(numbers(&table, 0x7f02_0000), [0; 0]);
        }
    }
}

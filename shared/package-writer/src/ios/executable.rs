//! A look at executable files (Mach-O) before others parse them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use package_reader::{RefusalCode, quoted};

use crate::failure::{WriteError, refused};

/// Bytes of an executable file, at most: signing holds it in memory several times.
pub const EXECUTABLE_BYTES: u64 = 256 * 1024 * 1024;

/// Bytes of what an old signature says, each part: entitlements and conditions.
const CLAIMS: usize = 64 * 1024;
/// Programs in one file, for several processors, and commands of a program.
const PROGRAMS: usize = 8;
const COMMANDS: u32 = 4096;

const FAT: u32 = 0xcafe_babe;
const FAT_64: u32 = 0xcafe_babf;
const THIN_32: u32 = 0xfeed_face;
const THIN_64: u32 = 0xfeed_facf;

const SEGMENT: u32 = 0x1;
const SEGMENT_64: u32 = 0x19;
const SIGNATURE: u32 = 0x1d;
const ENCRYPTION: u32 = 0x21;
const ENCRYPTION_64: u32 = 0x2c;

/// The parts of a signature that may be long: lists of hashes, requirements, and the signature
/// itself.
const SUPERBLOB: u32 = 0xfade_0cc0;
const LONG_SLOTS: [u32; 3] = [0, 2, 0x1_0000];

fn big(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

fn little(bytes: &[u8], at: usize) -> Option<u32> {
    big(bytes, at).map(u32::swap_bytes)
}

/// Whether a file begins like an executable file of Apple's systems.
pub(crate) fn is_executable(path: &Path) -> Result<bool, WriteError> {
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    Ok([FAT, FAT_64].map(Some).contains(&big(&head, 0))
        || [THIN_32, THIN_64].map(Some).contains(&little(&head, 0)))
}

/// Checks that an executable file can be signed, and that it is not built to overwhelm who does it.
/// `name` names it.
pub(crate) fn check(path: &Path, name: &[u8]) -> Result<(), WriteError> {
    if path.metadata()?.len() > EXECUTABLE_BYTES {
        return Err(refused(
            RefusalCode::TooLarge,
            format!(
                "The executable file {} is bigger than the 256 MB that are accepted.",
                quoted(name)
            ),
        ));
    }
    let bytes = std::fs::read(path)?;
    for program in programs(&bytes).ok_or_else(|| damaged(name))? {
        check_program(program, name)?;
    }
    Ok(())
}

fn damaged(name: &[u8]) -> WriteError {
    refused(
        RefusalCode::Unreadable,
        format!(
            "The executable file {} is damaged, or it is none of iOS.",
            quoted(name)
        ),
    )
}

/// The programs in a file: one, or one for each kind of processor.
fn programs(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let magic = big(bytes, 0)?;
    if ![FAT, FAT_64].contains(&magic) {
        return Some(vec![bytes]);
    }
    let count = big(bytes, 4)? as usize;
    if count == 0 || count > PROGRAMS || magic == FAT_64 {
        return None;
    }
    let mut end = 8 + 20 * count;
    let mut programs = Vec::new();
    for number in 0..count {
        let record = 8 + 20 * number;
        let (start, length) = (
            big(bytes, record + 8)? as usize,
            big(bytes, record + 12)? as usize,
        );
        // In order and apart, so that no byte is signed twice.
        if start < end {
            return None;
        }
        end = start.checked_add(length)?;
        programs.push(bytes.get(start..end)?);
    }
    Some(programs)
}

fn check_program(program: &[u8], name: &[u8]) -> Result<(), WriteError> {
    let header = match little(program, 0) {
        Some(THIN_32) => 28,
        Some(THIN_64) => 32,
        _ => return Err(damaged(name)),
    };
    let found = read_commands(program, header).ok_or_else(|| damaged(name))?;
    if found.encrypted {
        let reason = format!(
            "The executable file {} is encrypted: it is from the App Store and cannot be signed by \
            others.",
            quoted(name)
        );
        return Err(refused(RefusalCode::Unreadable, reason));
    }
    if !found.signed && found.first_section < found.commands_end + 16 {
        let reason = format!(
            "The executable file {} has no room for a signature.",
            quoted(name)
        );
        return Err(refused(RefusalCode::Unreadable, reason));
    }
    if found.claims > CLAIMS {
        let reason = format!(
            "The old signature of the executable file {} is bigger than what is accepted.",
            quoted(name)
        );
        return Err(refused(RefusalCode::TooLarge, reason));
    }
    Ok(())
}

#[derive(Default)]
struct Found {
    encrypted: bool,
    signed: bool,
    commands_end: usize,
    first_section: usize,
    /// Bytes of the longest part of the old signature that is parsed as a document.
    claims: usize,
}

/// Reads the commands of a program; `None` if they are damaged.
fn read_commands(program: &[u8], header: usize) -> Option<Found> {
    let (count, length) = (little(program, 16)?, little(program, 20)? as usize);
    if count > COMMANDS {
        return None;
    }
    let mut found = Found {
        commands_end: header.checked_add(length)?,
        first_section: program.len(),
        ..Found::default()
    };
    program.get(..found.commands_end)?;
    let mut at = header;
    for _ in 0..count {
        let (kind, size) = (little(program, at)?, little(program, at + 4)? as usize);
        let command = program.get(at..at.checked_add(size)?)?;
        at += size;
        if size < 8 || at > found.commands_end {
            return None;
        }
        match kind {
            SEGMENT | SEGMENT_64 => {
                let (sections, first, step, offset) = if kind == SEGMENT {
                    (48, 56, 68, 40)
                } else {
                    (64, 72, 80, 48)
                };
                for number in 0..little(command, sections)? as usize {
                    let start = little(command, first + step * number + offset)? as usize;
                    // Sections without bytes in the file say 0.
                    if start > 0 {
                        found.first_section = found.first_section.min(start);
                    }
                }
            }
            ENCRYPTION | ENCRYPTION_64 => found.encrypted |= little(command, 16)? != 0,
            SIGNATURE => {
                let (start, length) = (little(command, 8)? as usize, little(command, 12)? as usize);
                found.signed = true;
                found.claims = claims(program.get(start..start.checked_add(length)?)?)?;
            }
            _ => {}
        }
    }
    Some(found)
}

/// Bytes of the longest part of a signature that is a document; `None` if it is damaged.
fn claims(signature: &[u8]) -> Option<usize> {
    // A linker leaves room that nothing has been written to yet.
    if signature.iter().all(|byte| *byte == 0) {
        return Some(0);
    }
    if big(signature, 0)? != SUPERBLOB {
        return None;
    }
    let count = big(signature, 8)? as usize;
    if count > 64 {
        return None;
    }
    let mut longest = 0;
    for number in 0..count {
        let (slot, start) = (
            big(signature, 12 + 8 * number)?,
            big(signature, 16 + 8 * number)? as usize,
        );
        let length = big(signature, start.checked_add(4)?)? as usize;
        signature.get(start..start.checked_add(length)?)?;
        if !LONG_SLOTS.contains(&slot) && !(0x1000..0x1010).contains(&slot) {
            longest = longest.max(length);
        }
    }
    Some(longest)
}

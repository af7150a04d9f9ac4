//! Who signed an app.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::panic;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::android;
use crate::archive::Archive;
use crate::isolation::isolated;
use crate::refusal::{ReadError, RefusalCode, refused};

/// Bytes of the block that holds the signatures of schemes 2 and 3.
const BLOCK: u64 = 4 * 1024 * 1024;
const BLOCK_MAGIC: [u8; 16] = *b"APK Sig Block 42";
const SCHEME_2: u32 = 0x7109_871a;
const SCHEME_3: u32 = 0xf053_68c0;

/// Bytes of each file of a scheme 1 signature, and how many signatures there may be.
const JAR_FILE: u64 = 6 * 1024 * 1024;
const JAR_SIGNATURES: usize = 8;
/// Lines that the files of a scheme 1 signature may have for each entry, and beyond that. Parsing
/// one costs much more memory than its bytes.
const JAR_LINES: usize = 8;
const JAR_HEAD: usize = 1000;
/// Bytes that all entries together may declare to unpack to: scheme 1 unpacks them all.
const JAR_UNPACKED: u64 = 2 * 1024 * 1024 * 1024;

/// A verdict about a signature. There is no verdict “invalid”: what cannot be verified here may
/// still install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "state",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
pub enum Signature {
    /// The whole file is what the holder of the certificate's key signed.
    Verified {
        /// The numbers of Android's schemes whose signatures are there and right: 1, 2, 3.
        schemes: Vec<u8>,
        /// SHA-256 of the first signer's certificate, 64 lower case hexadecimal digits.
        certificate_sha256: String,
    },
    /// Nothing is known.
    Unverified {
        /// Why, as a phrase or a sentence.
        reason: String,
        /// SHA-256 of the certificate that the file claims for itself, which anybody could have put
        /// there.
        certificate_sha256: Option<String>,
    },
}

impl Signature {
    fn unverified(reason: impl Into<String>) -> Signature {
        Signature::Unverified {
            reason: reason.into(),
            certificate_sha256: None,
        }
    }
}

/// Pass 2: the verdict over the whole APK at `path`.
///
/// Streams the file: 10 MB of memory whatever its size, and up to about 120 MB for an archive of
/// 65,000 entries. Takes the time to hash the file once for each scheme, and for scheme 1 also to
/// inflate it twice. Never fails and never panics: what goes wrong is the reason of a
/// [`Signature::Unverified`].
pub fn apk_signature(path: &Path) -> Signature {
    panic::catch_unwind(|| judge(path))
        .unwrap_or_else(|_| Signature::unverified("the file is damaged"))
}

fn judge(path: &Path) -> Signature {
    let verdict = File::open(path)
        .map_err(ReadError::Source)
        .and_then(|file| {
            let length = file.metadata().map_err(ReadError::Source)?.len();
            let mut archive = Archive::open(BufReader::new(file), length)?;
            let block = signing_block(&mut archive)?;
            let claimed = block
                .as_deref()
                .and_then(claimed_certificate)
                .map(|certificate| sha256(&certificate));
            Ok(
                match check(&mut archive, block.is_some()).and_then(|()| verify(path)) {
                    Ok(signature) => signature,
                    Err(error) => Signature::Unverified {
                        reason: reason(error),
                        certificate_sha256: claimed,
                    },
                },
            )
        });
    verdict.unwrap_or_else(|error| Signature::unverified(reason(error)))
}

/// The verdict about an IPA, whose code signature is not checked.
pub fn ipa_signature(_path: &Path) -> Signature {
    Signature::unverified("the code signature is not checked")
}

fn reason(error: ReadError) -> String {
    match error {
        ReadError::Refused(refusal) => refusal.reason,
        ReadError::Source(error) => format!("the file could not be read: {error}"),
    }
}

fn unverifiable(reason: impl Into<String>) -> ReadError {
    refused(RefusalCode::Unreadable, reason)
}

/// Makes sure that verifying is worth beginning, and that the file is not built to make it long or
/// big.
fn check<R: Read + Seek>(archive: &mut Archive<R>, has_block: bool) -> Result<(), ReadError> {
    let mut signatures = 0;
    let mut unpacked = 0u64;
    let mut lists = Vec::new();
    let entries = archive.entries().count();
    for (name, entry) in archive.entries() {
        unpacked = unpacked.saturating_add(entry.unpacked);
        let Some(file) = name
            .strip_prefix(b"META-INF/")
            .filter(|file| !file.contains(&b'/'))
        else {
            continue;
        };
        let file = file.to_ascii_uppercase();
        let is_signature = [&b".RSA"[..], b".DSA", b".EC"]
            .iter()
            .any(|suffix| file.ends_with(suffix));
        signatures += usize::from(is_signature);
        let is_list = file == b"MANIFEST.MF" || file.ends_with(b".SF");
        if (is_signature || is_list) && entry.unpacked > JAR_FILE {
            return Err(unverifiable("the files of its signature are too large"));
        }
        if is_list {
            lists.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    if signatures == 0 && !has_block {
        return Err(unverifiable("not signed"));
    }
    if signatures > JAR_SIGNATURES || lists.len() > JAR_SIGNATURES + 1 {
        return Err(unverifiable("it has too many signatures"));
    }
    let manifest = android::read_manifest(archive)?;
    isolated("The manifest", || android::check_manifest(&manifest))?;
    if signatures > 0 {
        if unpacked > JAR_UNPACKED {
            return Err(unverifiable("it unpacks to more than 2 GB"));
        }
        for list in lists {
            let content = archive.read(&list, JAR_FILE)?.unwrap_or_default();
            let lines = content.iter().filter(|byte| **byte == b'\n').count();
            if lines > JAR_LINES * entries + JAR_HEAD {
                return Err(unverifiable("the files of its signature are too large"));
            }
        }
        archive.check_declared_sizes()?;
    }
    Ok(())
}

fn verify(path: &Path) -> Result<Signature, ReadError> {
    isolated("The signature", || {
        let verification =
            apk::sign::verify(path).map_err(|error| unverifiable(error.to_string()))?;
        Ok(Signature::Verified {
            schemes: verification
                .schemes
                .iter_schemes()
                .map(|scheme| match scheme {
                    apk::sign::Scheme::V1 => 1,
                    apk::sign::Scheme::V2 => 2,
                    apk::sign::Scheme::V3 => 3,
                })
                .collect(),
            certificate_sha256: hexadecimal(&verification.certificate().sha256_fingerprint()),
        })
    })
}

/// The block between the entries and their list, if there is one.
fn signing_block<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Option<Vec<u8>>, ReadError> {
    let end = archive.directory_start();
    if end < 32 {
        return Ok(None);
    }
    let foot = archive.bytes(end - 24, 24)?;
    if foot[8..] != BLOCK_MAGIC {
        return Ok(None);
    }
    let size = u64::from_le_bytes([
        foot[0], foot[1], foot[2], foot[3], foot[4], foot[5], foot[6], foot[7],
    ]);
    if !(24..=BLOCK).contains(&size) || size + 8 > end {
        return Err(unverifiable("the block of its signatures is too large"));
    }
    archive.bytes(end - size, size - 24).map(Some)
}

/// The first signer's certificate in a signing block, newest scheme first. Only read, not verified.
fn claimed_certificate(block: &[u8]) -> Option<Vec<u8>> {
    let mut found: [Option<&[u8]>; 2] = [None, None];
    let mut rest = block;
    while rest.len() >= 12 {
        let length = usize::try_from(u64::from_le_bytes(rest[..8].try_into().ok()?)).ok()?;
        let pair = rest.get(8..8usize.checked_add(length)?)?;
        let id = u32::from_le_bytes(pair.get(..4)?.try_into().ok()?);
        match id {
            SCHEME_3 => found[0] = found[0].or(Some(&pair[4..])),
            SCHEME_2 => found[1] = found[1].or(Some(&pair[4..])),
            _ => {}
        }
        rest = &rest[8 + length..];
    }
    let mut signers = prefixed(&mut found[0].or(found[1])?)?;
    let mut signer = prefixed(&mut signers)?;
    let mut signed = prefixed(&mut signer)?;
    let _digests = prefixed(&mut signed)?;
    let mut certificates = prefixed(&mut signed)?;
    prefixed(&mut certificates).map(<[u8]>::to_vec)
}

/// Takes a sequence with its length before it off `bytes`.
fn prefixed<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let content = rest.get(..length)?;
    *bytes = &rest[length..];
    Some(content)
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

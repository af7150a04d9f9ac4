//! Putting documents into apps.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use package_reader::{Archive, Platform, RefusalCode, app_folder, check_platform, quoted};
use tempfile::NamedTempFile;

use crate::archive::{self, Head, Writer};
use crate::failure::{WriteError, guarded, refused};

/// Documents that can be put into an app at once.
pub const DOCUMENTS: usize = 64;
/// Bytes of a document, at most.
pub const DOCUMENT_BYTES: usize = 1024 * 1024;

/// Bytes to which data that is not compressed is aligned in an APK, and native libraries, which
/// Android maps by pages.
const ALIGNMENT: u16 = 4;
const PAGE: u16 = 16 * 1024;

/// Writes a copy of the app at `source` to `target` which has these documents in it, each a file
/// name and its content: `assets/appdepot/<file name>` in an APK, `Payload/<app>.app/appdepot/<file
/// name>` in an IPA. A document of that name that is there already is replaced where it stands; new
/// ones come last, dated 1980-01-01.
///
/// All other entries keep their order, names, attributes and packed bytes. In an APK, what is not
/// compressed is aligned to 4 bytes, native libraries to 16 KiB, and signatures of every scheme are
/// left out, because they would be wrong. The code signature of an IPA stays and is invalid. Both
/// have to be signed anew. The same input gives the same bytes. `target` may be `source`.
///
/// # Errors
///
/// [`WriteError::Refused`] if the file is no app of that platform, if it is damaged or can be read
/// in two ways, or if the result would have 4 GB or 65,535 entries. [`WriteError::File`] of the
/// kind `InvalidInput` for more than [`DOCUMENTS`] documents, one with more than
/// [`DOCUMENT_BYTES`], one that is there twice, or a file name that is not made of 1 to 100 ASCII
/// letters, digits, `.`, `_` and `-` or begins with a `.`; of other kinds if reading or writing
/// failed.
pub fn insert(
    platform: Platform,
    source: &Path,
    target: &Path,
    documents: &[(&str, &[u8])],
) -> Result<(), WriteError> {
    check_documents(documents)?;
    guarded("The app is damaged and cannot be read.", || {
        let mut archive = archive::open(source)?;
        let file = rewrite(&mut archive, platform, target, documents)?;
        file.persist(target)
            .map_err(|error| WriteError::File(error.error))?;
        Ok(())
    })
}

fn check_documents(documents: &[(&str, &[u8])]) -> Result<(), WriteError> {
    let invalid = |reason: &str| {
        Err(WriteError::File(io::Error::new(
            io::ErrorKind::InvalidInput,
            reason,
        )))
    };
    if documents.len() > DOCUMENTS {
        return invalid("too many documents");
    }
    let mut names = HashSet::new();
    for (name, content) in documents {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if name.is_empty() || name.len() > 100 || name.starts_with('.') || !plain {
            return invalid("a document's file name is not plain");
        }
        if content.len() > DOCUMENT_BYTES {
            return invalid("a document is too large");
        }
        if !names.insert(name) {
            return invalid("a document is given twice");
        }
    }
    Ok(())
}

/// Copies the app into a new file beside `target`, in the one layout that all programs read alike,
/// with these documents.
pub(crate) fn rewrite(
    archive: &mut Archive<BufReader<File>>,
    platform: Platform,
    target: &Path,
    documents: &[(&str, &[u8])],
) -> Result<NamedTempFile, WriteError> {
    check_platform(archive, platform)?;
    let folder = match platform {
        Platform::Android if !archive.has("AndroidManifest.xml") => {
            return Err(refused(
                RefusalCode::NotAnApp,
                "The archive has no AndroidManifest.xml, so it is not an app.",
            ));
        }
        Platform::Android => "assets/appdepot".to_owned(),
        Platform::Ios => format!("{}/appdepot", app_folder(archive)?),
    };
    let mut documents: Vec<Option<(String, &[u8])>> = documents
        .iter()
        .map(|(name, content)| Some((format!("{folder}/{name}"), *content)))
        .collect();
    let entries: Vec<_> = archive
        .entries()
        .map(|(name, entry)| (name.to_vec(), entry.clone()))
        .collect();
    let mut names = HashSet::with_capacity(entries.len());
    for (name, _) in &entries {
        if !names.insert(name.as_slice()) {
            return Err(refused(
                RefusalCode::Ambiguous,
                format!("The archive has two entries named {}.", quoted(name)),
            ));
        }
    }
    let mut writer = Writer::beside(target)?;
    for (name, entry) in &entries {
        let document = documents
            .iter_mut()
            .find(|document| {
                document
                    .as_ref()
                    .is_some_and(|(path, _)| path.as_bytes() == name)
            })
            .and_then(Option::take);
        if let Some((path, content)) = document {
            writer.store(Head::file(&path), content, alignment(platform, name))?;
        } else if platform == Platform::Android && is_signature(name) {
            // It would not fit what is in there any more.
        } else {
            writer.copy(archive, name, entry, alignment(platform, name))?;
        }
    }
    for (path, content) in documents.into_iter().flatten() {
        writer.store(
            Head::file(&path),
            content,
            alignment(platform, path.as_bytes()),
        )?;
    }
    let comment = archive.comment().to_vec();
    writer.finish(&comment)
}

fn alignment(platform: Platform, name: &[u8]) -> u16 {
    match platform {
        Platform::Ios => 1,
        Platform::Android if name.starts_with(b"lib/") && name.ends_with(b".so") => PAGE,
        Platform::Android => ALIGNMENT,
    }
}

/// Whether an entry is part of a signature of scheme 1.
fn is_signature(name: &[u8]) -> bool {
    let Some(file) = name
        .strip_prefix(b"META-INF/")
        .filter(|file| !file.contains(&b'/'))
    else {
        return false;
    };
    let file = file.to_ascii_lowercase();
    file == b"manifest.mf"
        || file.starts_with(b"sig-")
        || [&b".sf"[..], b".rsa", b".dsa", b".ec"]
            .iter()
            .any(|end| file.ends_with(end))
}

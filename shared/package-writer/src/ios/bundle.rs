//! An app's folder, unpacked where others can work on it, and packed again.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Crc;
use package_reader::{Archive, Entry, RefusalCode, quoted};
use tempfile::NamedTempFile;

use crate::archive::{Check, Writer};
use crate::failure::{WriteError, refused};

/// Bytes that an app may unpack to if it is to be signed.
pub const UNPACKED_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Folders that have an Info.plist, in an app and inside of each other: each of them is looked
/// through for others.
const BUNDLES: usize = 256;
const NESTED: usize = 8;
/// Bytes of a name between two slashes, and of where a link leads to.
const COMPONENT: usize = 255;
const LINK: u64 = 1024;
const CHUNK: usize = 64 * 1024;

type Source = Archive<BufReader<File>>;

/// An app that is unpacked.
pub(crate) struct Bundle {
    root: PathBuf,
    /// The app's folder in the archive, with a slash at its end.
    prefix: String,
    /// Its files, as paths from its folder.
    pub(crate) files: Vec<String>,
    /// The folders that have an Info.plist, except the app itself.
    pub(crate) nested: Vec<String>,
}

fn forbidden(name: &[u8]) -> WriteError {
    refused(
        RefusalCode::Unreadable,
        format!(
            "The archive has an entry with a forbidden name: {}.",
            quoted(name)
        ),
    )
}

fn twofold(name: &[u8]) -> WriteError {
    refused(
        RefusalCode::Ambiguous,
        format!("The archive has two entries for {}.", quoted(name)),
    )
}

impl Bundle {
    /// Unpacks the app at `folder` of the archive into the new folder `root`. Nothing gets out of
    /// it: names are made of plain parts, links are made when all files are there and have to lead
    /// to something inside.
    pub(crate) fn unpack(
        archive: &mut Source,
        folder: &str,
        root: &Path,
    ) -> Result<Bundle, WriteError> {
        let prefix = format!("{folder}/");
        let entries: Vec<(Vec<u8>, Entry)> = archive
            .entries()
            .map(|(name, entry)| (name.to_vec(), entry.clone()))
            .collect();
        let inside: Vec<(&str, &Entry)> = entries
            .iter()
            .filter_map(|(name, entry)| Some((name.strip_prefix(prefix.as_bytes())?, entry)))
            .filter(|(path, _)| !path.is_empty())
            .map(|(path, entry)| plain(path).map(|path| (path, entry)))
            .collect::<Result<_, _>>()?;
        if inside
            .iter()
            .fold(0u64, |sum, (_, entry)| sum.saturating_add(entry.unpacked()))
            > UNPACKED_BYTES
        {
            return Err(refused(
                RefusalCode::TooLarge,
                "The app unpacks to more than the 4 GB that can be signed.",
            ));
        }
        check_tree(&inside)?;
        let mut bundle = Bundle {
            root: root.to_path_buf(),
            prefix,
            files: Vec::new(),
            nested: nested(&inside)?,
        };
        fs::create_dir(root)?;
        let mut links = Vec::new();
        for (path, entry) in inside {
            let place = root.join(path);
            if path.ends_with('/') {
                fs::create_dir_all(place)?;
                continue;
            }
            if let Some(parent) = place.parent() {
                fs::create_dir_all(parent)?;
            }
            if entry.is_link() {
                links.push((place, link_target(archive, path, entry)?, path));
            } else {
                let mut file = BufWriter::with_capacity(CHUNK, File::create_new(&place)?);
                unpack(archive, path, entry, |piece| Ok(file.write_all(piece)?))?;
                file.flush()?;
                bundle.files.push(path.to_owned());
            }
        }
        let real_root = fs::canonicalize(root)?;
        for (place, target, _) in &links {
            link(target, place)?;
        }
        for (place, _, path) in &links {
            if !fs::canonicalize(place).is_ok_and(|real| real.starts_with(&real_root)) {
                return Err(refused(
                    RefusalCode::Unreadable,
                    format!(
                        "The link {} leads out of the app or to nothing.",
                        quoted(path.as_bytes())
                    ),
                ));
            }
        }
        Ok(bundle)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The place of a file.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// Writes the archive beside `target` with the files as they are now: what has not changed
    /// keeps its packed bytes, and what is new comes last.
    pub(crate) fn pack(
        &self,
        archive: &mut Source,
        target: &Path,
    ) -> Result<NamedTempFile, WriteError> {
        let mut fresh = BTreeMap::new();
        list(&self.root, "", &mut fresh)?;
        let entries: Vec<(Vec<u8>, Entry)> = archive
            .entries()
            .map(|(name, entry)| (name.to_vec(), entry.clone()))
            .collect();
        let mut writer = Writer::beside(target)?;
        for (name, entry) in &entries {
            let file = name
                .strip_prefix(self.prefix.as_bytes())
                .and_then(|path| fresh.remove(std::str::from_utf8(path).ok()?));
            match file {
                Some(file)
                    if !entry.is_link() && checksum(&file)? != (entry.unpacked(), entry.crc()) =>
                {
                    let record = archive.record(entry).to_vec();
                    writer.compress(&String::from_utf8_lossy(name), Some(&record), &file)?;
                }
                _ => writer.copy(archive, name, entry, 1)?,
            }
        }
        for (path, file) in fresh {
            writer.compress(&format!("{}{path}", self.prefix), None, &file)?;
        }
        let comment = archive.comment().to_vec();
        writer.finish(&comment)
    }
}

/// A path as text, if it is made of plain parts.
fn plain(path: &[u8]) -> Result<&str, WriteError> {
    let text = std::str::from_utf8(path).map_err(|_| forbidden(path))?;
    let part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.len() <= COMPONENT
            && !part.contains(|c: char| c.is_control() || c == '\\')
    };
    if text.strip_suffix('/').unwrap_or(text).split('/').all(part) {
        Ok(text)
    } else {
        Err(forbidden(path))
    }
}

/// Checks that nothing is there twice, and that nothing lies inside of what is not a folder.
fn check_tree(inside: &[(&str, &Entry)]) -> Result<(), WriteError> {
    let mut all = HashSet::new();
    let mut files = HashSet::new();
    for (path, _) in inside {
        let bare = path.strip_suffix('/').unwrap_or(path);
        if !all.insert(bare) {
            return Err(twofold(bare.as_bytes()));
        }
        if bare == *path {
            files.insert(bare);
        }
    }
    for (path, _) in inside {
        let bare = path.strip_suffix('/').unwrap_or(path);
        let mut folders = bare.match_indices('/').map(|(at, _)| &bare[..at]);
        if let Some(folder) = folders.find(|folder| files.contains(folder)) {
            return Err(twofold(folder.as_bytes()));
        }
    }
    Ok(())
}

/// The folders that have an Info.plist, except the app itself.
fn nested(inside: &[(&str, &Entry)]) -> Result<Vec<String>, WriteError> {
    let folders: HashSet<&str> = inside
        .iter()
        .filter_map(|(path, _)| path.strip_suffix("/Info.plist"))
        .collect();
    if folders.len() > BUNDLES {
        let reason = format!(
            "The app has {} bundles inside of it; at most {BUNDLES} can be signed.",
            folders.len()
        );
        return Err(refused(RefusalCode::TooManyEntries, reason));
    }
    for folder in &folders {
        let above = folder
            .match_indices('/')
            .filter(|(at, _)| folders.contains(&folder[..*at]))
            .count();
        if above >= NESTED {
            return Err(refused(
                RefusalCode::TooDeep,
                format!("The app has more than {NESTED} bundles inside of each other."),
            ));
        }
    }
    let mut folders: Vec<String> = folders.into_iter().map(str::to_owned).collect();
    folders.sort();
    Ok(folders)
}

/// Unpacks an entry piece by piece.
fn unpack(
    archive: &mut Source,
    path: &str,
    entry: &Entry,
    mut take: impl FnMut(&[u8]) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut check = Check::new(path.as_bytes(), entry);
    let (mut packed, _) = archive.open_packed(entry)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = packed.read(&mut buffer)?;
        if count == 0 {
            return check.finish();
        }
        check.feed_into(&buffer[..count], &mut take)?;
    }
}

/// Where a link leads to.
fn link_target(archive: &mut Source, path: &str, entry: &Entry) -> Result<String, WriteError> {
    let mut target = Vec::new();
    if entry.unpacked() <= LINK {
        unpack(archive, path, entry, |piece| {
            target.extend_from_slice(piece);
            Ok(())
        })?;
    }
    let target = String::from_utf8(target).unwrap_or_default();
    if target.is_empty() || target.starts_with('/') || target.contains(char::is_control) {
        return Err(refused(
            RefusalCode::Unreadable,
            format!(
                "The link {} leads out of the app or to nothing.",
                quoted(path.as_bytes())
            ),
        ));
    }
    Ok(target)
}

#[cfg(unix)]
fn link(target: &str, place: &Path) -> Result<(), WriteError> {
    Ok(std::os::unix::fs::symlink(target, place)?)
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> Result<(), WriteError> {
    Err(refused(
        RefusalCode::Unreadable,
        "The app has links, which cannot be made here.",
    ))
}

/// The size and the checksum of a file.
fn checksum(path: &Path) -> Result<(u64, u32), WriteError> {
    let mut file = File::open(path)?;
    let (mut length, mut crc) = (0, Crc::new());
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((length, crc.sum()));
        }
        length += count as u64;
        crc.update(&buffer[..count]);
    }
}

/// All regular files under a folder, as paths from it.
fn list(
    folder: &Path,
    path: &str,
    found: &mut BTreeMap<String, PathBuf>,
) -> Result<(), WriteError> {
    for file in fs::read_dir(folder)? {
        let file = file?;
        let name = format!("{path}{}", file.file_name().to_string_lossy());
        let kind = file.file_type()?;
        if kind.is_dir() {
            // As deep as names are long, at most.
            list(&file.path(), &format!("{name}/"), found)?;
        } else if kind.is_file() {
            found.insert(name, file.path());
        }
    }
    Ok(())
}

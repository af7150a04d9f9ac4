//! Files that are uploaded on their own and named by what uses them: packages, pictures and
//! documents of the publisher API (001 12, 13).
//!
//! A counter beside the file says how many uses it has: one for each kept version of an app that
//! came from it, one for each place of an app that shows it, one for each document whose content it
//! is. What nothing uses is removed after a week.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::id::{AppId, BinaryType, Guid, TenantId};
use crate::model::apps::analysis::PackageAnalysis;
use crate::model::apps::app::App;
use crate::model::apps::file;
use crate::model::apps::file::{FileUses, StoredFile};
use crate::model::task;
use crate::model::task::Task;
use crate::store::record::Record;
use crate::store::record::{Reader, Stored};
use crate::store::{Condition, Write, keys};

impl PackageAnalysis {
    /// The version as the publisher API shows it: its name, or its code where it has no name.
    pub fn shown_version(&self) -> &str {
        if self.version_name.is_empty() {
            self.package["versionCode"].as_str().unwrap_or_default()
        } else {
            &self.version_name
        }
    }
}

/// A new file's name: 120 random bits, a dot, the extension of what it is.
pub fn new_name(extension: &str) -> String {
    format!("{}.{extension}", Guid::random())
}

/// The type of package that a file's extension announces; case does not count. An `ipa` is for
/// every device.
pub fn package_kind(file_name: &str) -> Option<BinaryType> {
    match file::extension(file_name)?.to_ascii_lowercase().as_str() {
        "apk" => Some(BinaryType::Android),
        "ipa" => Some(BinaryType::Ios),
        _ => None,
    }
}

/// The name that a reference ends with: clients write paths of the original before it.
pub fn last_segment(reference: &str) -> &str {
    reference.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// A file of that name.
///
/// # Errors
/// The store's.
pub async fn find(
    reader: &mut Reader<'_>,
    tenant_id: TenantId,
    name: &str,
) -> Result<Option<Stored<StoredFile>>, Error> {
    reader.get(&keys::file(tenant_id, name)).await
}

/// The write that adds to a file's uses; it refuses its transaction where there is no such file.
/// Whoever takes a use back writes [`Task::File`] with it, as [`uses`] does.
pub fn used(tenant_id: TenantId, name: &str, by: i64) -> Write {
    Write::Count {
        key: keys::file_uses(tenant_id, name),
        kind: FileUses::KIND,
        by,
        condition: Condition::Present,
    }
}

/// The writes that make the uses of `before` those of `after`: names of files, once per use. At
/// most two per name.
///
/// # Errors
/// Internal.
pub fn uses(
    tenant_id: TenantId,
    before: &[String],
    after: &[String],
    now: Timestamp,
) -> Result<Vec<Write>, Error> {
    let mut counted = BTreeMap::<&String, i64>::new();
    for name in after {
        *counted.entry(name).or_default() += 1;
    }
    for name in before {
        *counted.entry(name).or_default() -= 1;
    }
    let mut writes = Vec::new();
    for (name, by) in counted.into_iter().filter(|(_, by)| *by != 0) {
        writes.push(used(tenant_id, name, by));
        if by < 0 {
            writes.push(task::task(
                now,
                &Task::File {
                    tenant_id,
                    name: name.clone(),
                },
            )?);
        }
    }
    Ok(writes)
}

/// The files that the kept versions on an app record came from, once per version. Their uses change
/// with the app record.
pub fn files_of(app: &App) -> Vec<String> {
    app.binaries
        .iter()
        .flat_map(|binary| &binary.versions)
        .filter_map(|version| version.file.clone())
        .collect()
}

/// The task that takes back the uses of an app that is deleted: `files` once per use. `None` where
/// it uses none.
///
/// # Errors
/// Internal.
pub fn abandoned(
    tenant_id: TenantId,
    app: AppId,
    files: Vec<String>,
    now: Timestamp,
) -> Result<Option<Write>, Error> {
    if files.is_empty() {
        Ok(None)
    } else {
        task::task(
            now,
            &Task::Abandoned {
                tenant_id,
                app: app.item(),
                files,
            },
        )
        .map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{clock, id};
    use crate::model::apps::file as file_record;
    use crate::model::apps::file::Content;
    use crate::store;

    fn named(file_name: &str) -> file_record::StoredFile {
        file_record::StoredFile {
            name: new_name("jpg"),
            upload: id::Guid::random(),
            content: Content::Static {
                media_type: "image/jpeg".to_owned(),
                icon: None,
            },
            file_name: file_name.to_owned(),
            size: 1,
            sha256: "00".to_owned(),
            by: id::Guid::random(),
            created: clock::Timestamp(0),
            app: None,
        }
    }

    #[test]
    fn a_download_is_named_by_what_it_is() {
        assert_eq!(named("a.JPG").download_name(), "a.JPG");
        assert_eq!(named("a.jpeg").download_name(), "a.jpeg");
        assert_eq!(named("a.exe").download_name(), "a.exe.jpg");
        assert_eq!(named("jpg").download_name(), "jpg.jpg");
        let unnamed = named("");
        assert_eq!(unnamed.download_name(), unnamed.name);
    }

    #[test]
    fn uses_are_counted_once_per_name() {
        let tenant_id = id::TenantId::of_name("dev");
        let names = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let writes = uses(
            tenant_id,
            &names(&["a", "b", "b"]),
            &names(&["b", "c", "c"]),
            clock::Timestamp(0),
        )
        .unwrap();
        let counts: Vec<(&str, i64)> = writes
            .iter()
            .filter_map(|write| {
                if let store::Write::Count { key, by, .. } = write {
                    Some((key.pk.rsplit('#').next().unwrap_or_default(), *by))
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(counts, [("a", -1), ("b", -1), ("c", 2)]);
        assert_eq!(writes.len(), 5, "and a chore for each that was released");
        assert!(
            uses(
                tenant_id,
                &names(&["a"]),
                &names(&["a"]),
                clock::Timestamp(0)
            )
            .unwrap()
            .is_empty()
        );
    }
}

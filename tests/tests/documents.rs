//! The documents that people read: their links lead somewhere, every page is found from the first
//! one, and what they say of the toolchain is so.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Folders that hold no documents of this repository.
const SKIPPED: [&str; 6] = [
    ".appdepot",
    ".aws-sam",
    ".git",
    ".venv",
    "node_modules",
    "target",
];

fn root() -> PathBuf {
    plain(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every `*.md` file of the repository.
fn documents() -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    folders.push(entry.path());
                }
            } else if name.ends_with(".md") {
                found.push(entry.path());
            }
        }
    }
    found
}

/// The document without its blocks of code and its code in lines, which hold no links.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && !line.starts_with("    ") {
            for (at, part) in line.split('`').enumerate() {
                // A link's own text may be code: something has to stand for it.
                prose.push_str(if at % 2 == 0 { part } else { "code" });
            }
            prose.push('\n');
        }
    }
    prose
}

/// Where the links and pictures of a document lead.
fn links(text: &str) -> Vec<String> {
    let text = prose(text);
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// The anchors that a code host makes of a document's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|heading| {
            heading
                .chars()
                .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut checked = 0;
    let mut broken = Vec::new();
    for document in documents() {
        let text = read(&document);
        for target in links(&text).iter().filter(|target| !is_elsewhere(target)) {
            checked += 1;
            let (path, anchor) = match target.split_once('#') {
                Some((path, anchor)) => (path, Some(anchor)),
                None => (target.as_str(), None),
            };
            let file = if path.is_empty() {
                document.clone()
            } else {
                plain(&document.parent().unwrap().join(path))
            };
            let found = file.starts_with(root())
                && file.exists()
                && anchor.is_none_or(|anchor| anchors(&read(&file)).contains(anchor));
            if !found {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(checked >= 100, "only {checked} links were found");
}

#[test]
fn every_page_is_found_from_the_readme_or_the_architecture() {
    let linked: BTreeSet<PathBuf> = ["README.md", "docs/architecture.md"]
        .iter()
        .flat_map(|name| {
            let document = root().join(name);
            links(&read(&document))
                .into_iter()
                .filter(|target| !is_elsewhere(target))
                .map(move |target| {
                    let path = target.split('#').next().unwrap_or_default().to_owned();
                    plain(&document.parent().unwrap().join(path))
                })
                .collect::<Vec<_>>()
        })
        .collect();
    let pages: Vec<PathBuf> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .chain(
            [
                "CHANGELOG.md",
                "CODE_OF_CONDUCT.md",
                "CONTRIBUTING.md",
                "LICENSE",
                "SECURITY.md",
            ]
            .map(|name| root().join(name)),
        )
        .collect();
    let lost: Vec<_> = pages
        .iter()
        .filter(|page| !linked.contains(*page))
        .collect();
    assert!(lost.is_empty(), "nothing leads to {lost:#?}");
}

#[test]
fn the_toolchain_is_one_version_everywhere() {
    let value = |file: &str, name: &str| {
        read(&root().join(file))
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('='))
            .unwrap_or_else(|| panic!("no {name} in {file}"))
            .trim()
            .trim_matches('"')
            .to_owned()
    };
    let version = value("Cargo.toml", "rust-version");
    assert_eq!(value("rust-toolchain.toml", "channel"), version);
    assert!(
        read(&root().join("README.md")).contains(&format!("Rust {version}")),
        "the README does not ask for Rust {version}"
    );
}

#[test]
fn a_link_is_found_and_code_is_not() {
    let text = "See [a](b.md) and ![c](d.svg#e), not `[f](g)`.\n\n    \
        [h](i)\n\n```\n[j](k)\n```\n[`l`](m)\n";
    assert_eq!(links(text), ["b.md", "d.svg#e", "m"]);
    assert!(anchors("# What it *is*, and `why`\n").contains("what-it-is-and-why"));
}

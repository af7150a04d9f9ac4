//! Where code may stand, and what it may name: no circle of files in any crate, the floors of
//! `shared/src`, and paths of the API in the route table alone.
//!
//! What breaks a rule today stands in `tests/layout-exceptions.txt` with its reason. The file can
//! only shrink: a line that nothing needs fails these tests as well.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use exceptions::Exceptions;
use names::{Crate, Sources};
use rules::{Finding, Prefixes};

mod exceptions;

mod made_up;

mod names;

mod rules;

mod syntax;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// The folders of the workspace's crates.
fn crates() -> Vec<PathBuf> {
    let root = repository();
    let mut found = Vec::new();
    for folder in ["shared", "functions", "bench", "template", "tests"] {
        found.push(root.join(folder));
        found.extend(folders(&root.join(folder)));
    }
    found.retain(|folder| folder.join("Cargo.toml").is_file());
    found
}

fn read_folder(folder: &Path, into: &mut Sources) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(repository()).unwrap();
            let name = name.to_str().unwrap().to_owned();
            into.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// Every library and program of the workspace, read once.
static ALL: LazyLock<Vec<Crate>> = LazyLock::new(read_all);

fn read_all() -> Vec<Crate> {
    let mut sources = Sources::new();
    for folder in crates() {
        read_folder(&folder.join("src"), &mut sources);
    }
    let is_root = |path: &&String| {
        path.ends_with("/src/lib.rs")
            || path.ends_with("/src/main.rs")
            || path.contains("/src/bin/")
    };
    let roots = sources.keys().filter(is_root);
    roots
        .map(|root| Crate::read(&sources, root).unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

fn exceptions() -> Exceptions {
    let text = fs::read_to_string(repository().join("tests/layout-exceptions.txt")).unwrap();
    Exceptions::read(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn hold(rules: &[&str], findings: impl IntoIterator<Item = Vec<Finding>>) {
    let findings: Vec<Finding> = findings.into_iter().flatten().collect();
    let wrong = exceptions().judge(rules, &findings);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_files_stand_in_a_circle() {
    hold(&["circle"], ALL.iter().map(rules::in_circles));
}

#[test]
fn no_file_imports_an_upper_floor() {
    hold(
        &["floor", "record", "async"],
        ALL.iter().map(rules::across_floors),
    );
    hold(&["no-floor"], ALL.iter().map(rules::on_no_floor));
}

#[test]
fn paths_of_the_api_stand_in_the_route_table_alone() {
    let table = shared::http::routes::all();
    let paths = table.iter().flat_map(|function| {
        let prefixes = function.prefixes.iter().copied();
        prefixes.chain(function.rows.iter().map(|row| row.path))
    });
    let prefixes = Prefixes::of(paths);
    let judged = ALL.iter().filter(|of| {
        let root = &of.files[0].path;
        root.starts_with("shared/src/") || root.starts_with("functions/")
    });
    hold(
        &["path"],
        judged.map(|of| rules::path_literals(of, &prefixes)),
    );
}

#[test]
fn every_exception_names_a_rule() {
    let rules = ["circle", "floor", "record", "async", "no-floor", "path"];
    let exceptions = exceptions();
    let unknown: BTreeSet<&str> = exceptions
        .rules()
        .filter(|rule| !rules.contains(rule))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// What is not read cannot break a rule: each file of a crate is a module of it, or a test's.
#[test]
fn every_crate_is_read() {
    let roots: BTreeSet<&str> = ALL.iter().map(|of| of.files[0].path.as_str()).collect();
    for folder in crates() {
        let name = folder.strip_prefix(repository()).unwrap();
        let inside = format!("{}/src/", name.to_str().unwrap());
        assert!(
            roots.iter().any(|root| root.starts_with(&inside)),
            "{inside}"
        );
    }
    let files: usize = ALL.iter().map(|of| of.files.len()).sum();
    assert!(files > 250, "{files} files of {} crates", ALL.len());
}

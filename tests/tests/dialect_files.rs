//! What is the same for every dialect names none of them: a dialect is a file of its own.

use std::fs;
use std::path::{Path, PathBuf};

const PRODUCTS: [&str; 5] = ["rhmap", "feedhenry", "wso2", "apperian", "pingid"];

/// The way of a request. The names of headers and cookies stand in `presented.rs`, and the rows of
/// `routes.rs` name the dialect that each speaks.
const PIPELINE: [&str; 6] = [
    "http/pipeline.rs",
    "http/incoming.rs",
    "http/authenticate.rs",
    "http/routing.rs",
    "http/reply.rs",
    "http/dialect/answer.rs",
];

/// The room of what only one document has, and the line that declares it.
const ROOM_OF_ONE_DOCUMENT: &str = "domain/pingid";
const DECLARED_ROOM: &str = "pub mod pingid;";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/src")
}

/// The lines of the file's code, without its comments and unit tests, each with its number.
fn code(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    let lines = text.lines().enumerate();
    lines
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(at, line)| {
            let code = line.split_once(" // ").map_or(line, |(code, _)| code);
            (at + 1, code.to_lowercase())
        })
}

/// A line without its texts: what they say is stored, sent or mailed.
fn without_texts(line: &str) -> String {
    let parts = line.split('"').step_by(2);
    parts.collect::<Vec<_>>().join("\"\"")
}

fn names_a_product(line: &str) -> bool {
    PRODUCTS.iter().any(|product| line.contains(product))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_pipeline_names_no_product() {
    let mut found = Vec::new();
    for file in PIPELINE {
        let text = fs::read_to_string(source().join(file)).unwrap();
        for (number, line) in code(&text).filter(|(_, line)| names_a_product(line)) {
            found.push(format!("{file}:{number}: {line}"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_domain_names_no_product() {
    let source = source();
    let mut files = Vec::new();
    rust_files(&source.join("domain"), &mut files);
    assert!(files.len() > 20, "{files:#?}");
    let mut found = Vec::new();
    for path in files {
        let file = path.strip_prefix(&source).unwrap();
        if file.starts_with(ROOM_OF_ONE_DOCUMENT) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in code(&text) {
            if names_a_product(&without_texts(&line)) && line.trim() != DECLARED_ROOM {
                found.push(format!("{}:{number}: {line}", file.display()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Every dialect has a name of its own, and no file of a dialect leaves a kind of error to `_`.
#[test]
fn dialects_are_told_apart_and_spell_every_kind_of_error() {
    let mut names = Vec::new();
    let mut files = Vec::new();
    rust_files(&source().join("http/dialect"), &mut files);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let file = path.strip_prefix(source()).unwrap().display().to_string();
        if !text.contains("impl Dialect for ") {
            continue;
        }
        for (number, line) in code(&text) {
            assert!(!line.contains(" _ =>"), "{file}:{number}: {line}");
        }
        let name = text.split_once("fn name(&self)").unwrap().1;
        names.push(name.split('"').nth(1).unwrap().to_owned());
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(all >= 10 && names.len() == all, "{names:?}");
}

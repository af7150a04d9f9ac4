//! How the sources are laid out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The most columns that a line of Rust may have.
const COLUMNS: usize = 100;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files under a folder whose names end so, without what is built or hidden.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// The same under the root, sorted, each with its path from there and its text.
fn sources(ending: &str) -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    files(&root, ending, &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("under the root");
        let text = fs::read_to_string(&path).expect("a text");
        (name.to_string_lossy().into_owned(), text)
    };
    found.into_iter().map(read).collect()
}

/// `long-lines.txt` names the files that may have longer lines, each with how many and why. It can
/// only shrink: a file with fewer of them than it says fails too.
#[test]
fn lines_have_at_most_a_hundred_columns() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("long-lines.txt");
    let exceptions = fs::read_to_string(path).expect("the exceptions");
    let mut excepted: Vec<(&str, usize)> = Vec::new();
    for line in exceptions.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.splitn(3, '\t');
        let (Some(file), Some(count), Some(_why)) = (fields.next(), fields.next(), fields.next())
        else {
            panic!("not a file, a number and a reason, with tabs between: {line}");
        };
        excepted.push((file, count.parse().expect("a number")));
    }
    let sources = sources(".rs");
    assert!(sources.len() > 300, "only {} files", sources.len());
    let mut wrong = Vec::new();
    for (file, text) in &sources {
        let long: Vec<usize> = (1..)
            .zip(text.lines())
            .filter(|(_, line)| line.chars().count() > COLUMNS)
            .map(|(number, _)| number)
            .collect();
        let allowed = excepted
            .iter()
            .find(|(of, _)| of == file)
            .map_or(0, |(_, count)| *count);
        if long.len() > allowed {
            wrong.extend(long.iter().map(|number| format!("{file}:{number}")));
        } else if long.len() < allowed {
            let count = long.len();
            wrong.push(format!(
                "{file}: {count} are left, long-lines.txt says {allowed}"
            ));
        }
    }
    let known: BTreeSet<&str> = sources.iter().map(|(file, _)| file.as_str()).collect();
    wrong.extend(
        excepted
            .iter()
            .filter(|(file, _)| !known.contains(file))
            .map(|(file, _)| format!("{file}: is not there, long-lines.txt names it")),
    );
    assert!(
        wrong.is_empty(),
        "lines of more than {COLUMNS} columns:\n{}",
        wrong.join("\n")
    );
}

/// Where a manifest says that a target has no tests, none of its tests would ever run.
#[test]
fn what_is_not_tested_has_no_tests() {
    let (mut without, mut wrong) = (0, Vec::new());
    let files = sources(".rs");
    for (manifest, text) in sources("Cargo.toml") {
        let folder = manifest.trim_end_matches("Cargo.toml");
        for section in text.split("\n[").skip(1) {
            let says = |what: &str| section.lines().any(|line| line == what);
            let (kind, name) = match section.split_once(']') {
                Some(("lib", _)) => ("library", format!("{folder}src/")),
                Some(("[bin", _)) => {
                    let path = section
                        .lines()
                        .find_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'))
                        .unwrap_or_else(|| panic!("{manifest}: a program without its path"));
                    ("program", format!("{folder}{path}"))
                }
                _ => continue,
            };
            let programs = [format!("{folder}src/main.rs"), format!("{folder}src/bin/")];
            let own: Vec<&(String, String)> = files
                .iter()
                .filter(|(file, _)| file.starts_with(&name))
                .filter(|(file, _)| {
                    kind == "program" || !programs.iter().any(|of| file.starts_with(of))
                })
                .collect();
            if says("test = false") {
                without += 1;
                let tested = own.iter().filter(|(_, text)| {
                    text.lines().any(|line| {
                        let line = line.trim_start();
                        line.starts_with("#[test") || line.starts_with("#[tokio::test")
                    })
                });
                wrong.extend(tested.map(|(file, _)| format!("{file}: {manifest} says no tests")));
            }
            if says("doctest = false") {
                let fenced = own.iter().filter(|(_, text)| {
                    text.lines()
                        .map(str::trim_start)
                        .filter_map(|line| {
                            line.strip_prefix("//!")
                                .or_else(|| line.strip_prefix("///"))
                        })
                        .any(|line| line.trim() == "```" || line.trim() == "```rust")
                });
                wrong
                    .extend(fenced.map(|(file, _)| format!("{file}: {manifest} says no examples")));
            }
        }
    }
    assert!(
        without > 30,
        "only {without} targets say that they have none"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

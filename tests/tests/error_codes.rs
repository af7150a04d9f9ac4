//! Each stable code of an error occurs in a test or a documented pair: what nothing asks for may
//! change unnoticed.

use shared::base::code::Code;
use std::collections::BTreeSet;
use std::path::Path;

/// The text of every file with one of these extensions under a folder.
fn read_all(folder: &Path, extensions: &[&str], into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            read_all(&path, extensions, into);
        } else if extension.is_some_and(|extension| extensions.contains(&extension)) {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
            into.push('\n');
        }
    }
}

/// Whether a code stands in a text as a word of its own.
fn occurs(code: &str, text: &str) -> bool {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.match_indices(code).any(|(at, _)| {
        !text[..at].ends_with(goes_on) && !text[at + code.len()..].starts_with(goes_on)
    })
}

#[test]
fn each_code_occurs_in_a_test() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = String::new();
    read_all(&here.join("tests"), &["rs"], &mut texts);
    read_all(&here.join("documented"), &["json"], &mut texts);
    let listed = std::fs::read_to_string(here.join("untested-codes.txt")).unwrap();
    let listed: BTreeSet<&str> = listed
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let untested: BTreeSet<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !occurs(code, &texts))
        .collect();
    let new: Vec<_> = untested.difference(&listed).collect();
    assert!(new.is_empty(), "no test asks for these codes: {new:?}");
    let old: Vec<_> = listed.difference(&untested).collect();
    assert!(
        old.is_empty(),
        "take these out of untested-codes.txt, since a test asks for them or they are no codes: {old:?}"
    );
}

//! The pairs that do not pass yet, by the names of their files: `pending.txt`. They are replayed
//! too and must fail. The list can only shrink: `UPDATE_GOLDEN=1` takes out those that pass by now and adds none.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::case::{cases, folder};

/// The tests of one run take their names out one after the other.
static TURN: Mutex<()> = Mutex::new(());

pub struct Pending(BTreeSet<String>);

fn list() -> PathBuf {
    folder().join("pending.txt")
}

impl Pending {
    /// The list; empty where nothing is pending any more and the file is gone.
    pub fn read() -> Self {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self::read_now()
    }

    fn read_now() -> Self {
        if !list().exists() {
            return Self(BTreeSet::new());
        }
        Self(fs::read_to_string(list()).expect("the list is read").lines().map(str::to_owned).collect())
    }

    pub fn holds(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// Tells of pairs that are listed and pass, or takes them out of the list with `UPDATE_GOLDEN=1`.
pub fn passed(names: &[&str]) {
    if names.is_empty() {
        return;
    }
    assert!(std::env::var_os("UPDATE_GOLDEN").is_some(), "these pass and stand in pending.txt, UPDATE_GOLDEN=1 takes them out: {names:#?}");
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut left = Pending::read_now().0;
    left.retain(|name| !names.contains(&name.as_str()));
    if left.is_empty() {
        fs::remove_file(list()).expect("the list is removed");
    } else {
        fs::write(list(), left.iter().fold(String::new(), |text, name| text + name + "\n")).expect("the list is written");
    }
}

#[test]
fn the_list_is_sorted_and_names_files() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let text = if list().exists() { fs::read_to_string(list()).expect("the list is read") } else { String::new() };
    let names: BTreeSet<&str> = text.lines().collect();
    assert_eq!(text, names.iter().fold(String::new(), |text, name| text + name + "\n"), "sorted, each name once, a line each");
    let files = cases();
    for name in names {
        assert!(files.iter().any(|(file, ..)| file == name), "{name} is no file");
    }
}

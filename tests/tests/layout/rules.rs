//! The rules of the layout, each as a function from crates to what breaks it.

use std::collections::BTreeSet;

use crate::names::{Crate, circles};

/// Where `shared` keeps its code.
const SHARED: &str = "shared/src/";
/// The folders of `shared/src`. A file may import only from its own folder and from those above.
const FLOORS: [&str; 15] = [
    "base",
    "store",
    "services",
    "model",
    "domain/events",
    "domain/people",
    "domain/apps",
    "domain/app_policies",
    "domain/publishing",
    "domain/sign_in",
    "domain/log",
    "domain/endpoints",
    "domain/pingid",
    "domain/background",
    "http",
];
/// Where records stand, and nothing that waits for a store.
const MODEL: &str = "model";
/// The files that may write the paths of the API.
const ROUTE_TABLES: [&str; 1] = ["shared/src/http/routes.rs"];

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// What an exception for it is called, without line numbers, which change.
    pub name: String,
    /// What is wrong, with file and line.
    pub text: String,
}

/// Files that stand in a circle, one finding each.
pub fn in_circles(of: &Crate) -> Vec<Finding> {
    let arrows = of.arrows();
    let mut findings = Vec::new();
    for circle in circles(of.files.len(), &arrows) {
        for file in &circle {
            let path = &of.files[*file].path;
            let inside = arrows
                .iter()
                .filter(|arrow| arrow.item && arrow.from == *file && circle.contains(&arrow.to));
            let names: Vec<String> = inside
                .map(|arrow| {
                    let to = &of.files[arrow.to].path;
                    format!("{path}:{} names {} of {to}", arrow.line, arrow.path)
                })
                .collect();
            findings.push(Finding {
                name: format!("circle {path}"),
                text: format!(
                    "stands in a circle of {} files: {}",
                    circle.len(),
                    names.join("; ")
                ),
            });
        }
    }
    findings
}

/// The floor of a file of `shared/src`, counted from the lowest, which stands first.
fn floor(path: &str) -> Option<usize> {
    let inside = path.strip_prefix(SHARED)?;
    FLOORS.iter().position(|folder| {
        let rest = inside.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Imports from a floor that stands later in [`FLOORS`] than the file's own, and what stands in the
/// wrong place: records outside of the model, and code that waits inside of it.
pub fn across_floors(of: &Crate) -> Vec<Finding> {
    let mut findings = Vec::new();
    for arrow in of.arrows() {
        let (from, to) = (&of.files[arrow.from].path, &of.files[arrow.to].path);
        if let (Some(own), Some(other)) = (floor(from), floor(to))
            && other > own
        {
            findings.push(Finding {
                name: format!("floor {from} {to}"),
                text: format!(
                    "{from}:{} imports an upper floor: {} of {to} ({} stands below {})",
                    arrow.line, arrow.path, FLOORS[own], FLOORS[other]
                ),
            });
        }
    }
    for file in &of.files {
        let path = &file.path;
        let Some(own) = floor(path) else { continue };
        let model = FLOORS[own] == MODEL;
        for scope in &file.scopes {
            let records = scope.records.iter().filter(|_| !model);
            findings.extend(records.map(|line| Finding {
                name: format!("record {path}"),
                text: format!("{path}:{line} is a record outside of {MODEL}/"),
            }));
            let waits = scope.asynchronous.iter().filter(|_| model);
            findings.extend(waits.map(|line| Finding {
                name: format!("async {path}"),
                text: format!("{path}:{line} is asynchronous in {MODEL}/"),
            }));
        }
    }
    findings
}

/// Files of `shared/src` with code that stand on no floor.
pub fn on_no_floor(of: &Crate) -> Vec<Finding> {
    let files = of.files.iter();
    files
        .filter(|file| file.path.starts_with(SHARED) && floor(&file.path).is_none())
        .filter_map(|file| Some((file, file.scopes.iter().find_map(|scope| scope.code)?)))
        .map(|(file, line)| Finding {
            name: format!("no-floor {SHARED}"),
            text: format!("{}:{line} stands on no floor", file.path),
        })
        .collect()
}

/// By what a literal is known as a path of the route table.
#[derive(Debug)]
pub struct Prefixes {
    /// Found anywhere in a literal: they have two segments.
    anywhere: BTreeSet<String>,
    /// Found where a literal or what follows a base address starts: they have one segment.
    first: BTreeSet<String>,
}

impl Prefixes {
    /// Of the table's paths: of each the first two segments, if they stand before its first
    /// parameter, else the first.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut made = Self {
            anywhere: BTreeSet::new(),
            first: BTreeSet::new(),
        };
        for path in paths.into_iter().filter(|path| path.starts_with('/')) {
            let literal: Vec<&str> = path
                .split('/')
                .skip(1)
                .take_while(|segment| !segment.starts_with('{'))
                .collect();
            match literal.as_slice() {
                [] => {}
                [one] => {
                    made.first.insert(format!("/{one}"));
                }
                [one, two, ..] => {
                    made.first.insert(format!("/{one}"));
                    made.anywhere.insert(format!("/{one}/{two}"));
                }
            }
        }
        made
    }

    /// Whether a literal writes a path of the table again.
    pub fn knows(&self, literal: &str) -> bool {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        let starts = |text: &str| {
            let found = |prefix: &String| text.strip_prefix(prefix.as_str()).is_some_and(ends);
            self.first.iter().any(found)
        };
        let inside = |prefix: &String| {
            let mut places = literal.match_indices(prefix.as_str());
            places.any(|(at, _)| ends(&literal[at + prefix.len()..]))
        };
        starts(literal)
            || literal.split('}').skip(1).any(starts)
            || self.anywhere.iter().any(inside)
    }
}

/// Literals that write a path of the route table again.
pub fn path_literals(of: &Crate, prefixes: &Prefixes) -> Vec<Finding> {
    let mut findings = Vec::new();
    let files = of.files.iter();
    for file in files.filter(|file| !ROUTE_TABLES.contains(&file.path.as_str())) {
        let literals = file.scopes.iter().flat_map(|scope| &scope.literals);
        for (literal, line) in literals.filter(|(literal, _)| prefixes.knows(literal)) {
            findings.push(Finding {
                name: format!("path {} {}", file.path, literal.escape_debug()),
                text: format!(
                    "{}:{line} writes a path that the route table has: {literal:?}",
                    file.path
                ),
            });
        }
    }
    findings
}

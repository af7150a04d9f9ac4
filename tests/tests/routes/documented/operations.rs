//! The documented operations against the route table.

use std::collections::BTreeSet;
use std::fs;

use appdepot_tests::golden;
use shared::base::rights::Permission;
use shared::http::routes::Route;

use super::SPANS;
use super::case::{Case, cases, folder};

/// A documented operation with one of its methods.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Documented {
    dialect: String,
    section: String,
    method: String,
    path: String,
}

impl Documented {
    fn line(&self) -> String {
        [&*self.dialect, &*self.section, &*self.method, &*self.path].join("\t")
    }

    /// What routes are told apart by: sections that print the same method and path are one
    /// operation.
    fn route(&self) -> (String, String) {
        (self.method.clone(), shape_of(&self.path))
    }
}

/// A path without its query and without the names of its parameters, which the documents write in
/// three ways.
fn shape_of(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let segments = path.split('/').map(|segment| {
        if segment.starts_with(['{', '<', '(']) {
            "{}"
        } else {
            segment
        }
    });
    segments
        .collect::<Vec<_>>()
        .join("/")
        .trim_end_matches('/')
        .to_owned()
}

/// The rows of a table, each with that many columns.
fn rows<const COLUMNS: usize>(table: &str) -> Vec<[String; COLUMNS]> {
    let text = fs::read_to_string(folder().join(table)).expect("the table is there");
    let cells = |line: &str| {
        line.split('\t')
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .try_into()
    };
    text.lines()
        .skip(1)
        .map(|line| {
            cells(line).unwrap_or_else(|row| panic!("{table}: {row:?} has {COLUMNS} columns"))
        })
        .collect()
}

/// The operations of `operations.tsv`, those of `wso2-operations.tsv` that are not there, and those
/// of `apperian-operations.tsv`.
fn documented() -> Vec<Documented> {
    let mut documented = Vec::new();
    for [dialect, section, _, methods, path] in rows("operations.tsv") {
        let one = |method: &str| Documented {
            dialect: dialect.clone(),
            section: section.clone(),
            method: method.to_owned(),
            path: path.clone(),
        };
        documented.extend(methods.split('|').map(one));
    }
    let known: BTreeSet<String> = documented
        .iter()
        .map(|operation| operation.section.clone())
        .collect();
    for [section, _, method, path, _] in rows("wso2-operations.tsv") {
        if !known.contains(&section) {
            documented.push(Documented {
                dialect: "wso2".to_owned(),
                section,
                method,
                path,
            });
        }
    }
    for [section, _, method, path] in rows("apperian-operations.tsv") {
        documented.push(Documented {
            dialect: "apperian".to_owned(),
            section,
            method,
            path,
        });
    }
    documented
}

/// The rows of the route table.
fn served() -> impl Iterator<Item = Route> {
    shared::http::routes::all()
        .into_iter()
        .flat_map(|function| function.rows)
}

/// The documented operations without a row of that method, path and section. What clients ask
/// beside the documents (`001b`, `000a`, `000b`) stands in none of them: those rows cite none.
fn missing() -> BTreeSet<Documented> {
    let documented = documented();
    let rows: BTreeSet<((String, String), &str)> = served()
        .map(|row| ((row.method.to_string(), shape_of(row.path)), row.section))
        .collect();
    let cites = |section: &str, cited: &str| {
        cited == section
            || (["001b ", "000a ", "000b "]
                .iter()
                .any(|beside| section.starts_with(beside))
                && cited.starts_with("own: "))
    };
    let has_row = |operation: &Documented| {
        let route = operation.route();
        let same = || documented.iter().filter(|other| other.route() == route);
        rows.iter().any(|(served, cited)| {
            *served == route && same().any(|other| cites(&other.section, cited))
        })
    };
    documented
        .iter()
        .filter(|operation| !has_row(operation))
        .cloned()
        .collect()
}

#[test]
fn the_operations_of_the_replayed_chapters_have_their_rows() {
    let served = |section: &str| SPANS.iter().any(|span| span.holds(section));
    assert_eq!(
        documented()
            .iter()
            .filter(|operation| served(&operation.section))
            .count(),
        80 + 46 + 4 + 4 + 36
    );
    let missing: Vec<String> = missing()
        .iter()
        .filter(|operation| served(&operation.section))
        .map(Documented::line)
        .collect();
    assert!(
        missing.is_empty(),
        "no row of that method, path and section:\n{}",
        missing.join("\n")
    );
}

/// `missing-operations.txt` says what is documented and not served yet. It can only shrink, also
/// with `UPDATE_GOLDEN=1`.
#[test]
fn what_is_missing_is_known() {
    let known = fs::read_to_string(folder().join("missing-operations.txt")).ok();
    let lines: Vec<String> = missing().iter().map(Documented::line).collect();
    let listed = |line: &&String| {
        known
            .as_ref()
            .is_none_or(|known| known.lines().any(|one| one == *line))
    };
    let lost: Vec<&String> = lines.iter().filter(|line| !listed(line)).collect();
    assert!(
        lost.is_empty(),
        "these documented operations have no row any more: {lost:#?}"
    );
    golden(
        "tests/documented/missing-operations.txt",
        &lines
            .iter()
            .fold(String::new(), |text, line| text + line + "\n"),
    );
}

#[test]
fn the_rows_of_the_publisher_api_ask_for_the_published_scopes() {
    for [section, operation, method, path, scope] in rows("wso2-operations.tsv") {
        let row = served()
            .find(|row| row.method == *method && shape_of(row.path) == shape_of(&path))
            .unwrap_or_else(|| panic!("no row of {method} {path}"));
        let asked = match row.permission {
            Permission::Scope(scope) => scope.as_str(),
            Permission::Open => "-",
            other => panic!("{section} {operation} asks for {other:?}"),
        };
        assert_eq!(asked, scope, "{section} {operation}");
    }
}

#[test]
fn every_operation_of_the_publisher_api_is_replayed() {
    let cases = cases();
    for [section, operation, method, path, _] in rows("wso2-operations.tsv") {
        let succeeds = |case: &Case| {
            let fits = |(have, want): (&str, &str)| want == "{}" || have == want;
            let (shape, asked) = (shape_of(&path), shape_of(&case.request.path));
            let same_path = asked.split('/').count() == shape.split('/').count()
                && asked.split('/').zip(shape.split('/')).all(fits);
            let success = case.response.status < 400 && case.response.status != 304;
            case.section == section && case.request.method == method && same_path && success
        };
        assert!(
            cases.iter().any(|(.., case)| succeeds(case)),
            "{section} {operation}: no file replays it with success"
        );
        assert_eq!(
            SPANS.iter().filter(|span| span.holds(&section)).count(),
            1,
            "{section} {operation}"
        );
    }
}

#[test]
fn every_operation_of_the_apperian_and_pingid_apis_is_replayed() {
    let cases = cases();
    // The last of the calls is every method that does not exist.
    for operation in documented().iter().filter(|operation| {
        ["apperian", "pingid"].contains(&&*operation.dialect) && operation.section != "000b 7"
    }) {
        let good = |case: &Case| {
            let body = case
                .response
                .body
                .as_ref()
                .or(case.response.signed.as_ref());
            case.section == operation.section
                && case.response.status < 400
                && body
                    .is_none_or(|body| body.get("error").is_none_or(|error| error == "<<absent>>"))
        };
        assert!(
            cases.iter().any(|(.., case)| good(case)),
            "{}: no file replays it with success",
            operation.line()
        );
    }
}

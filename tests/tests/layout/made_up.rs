//! That the rules can fail: small made-up crates.

use crate::exceptions::Exceptions;
use crate::names::{Crate, Sources};
use crate::rules::{Finding, Prefixes, across_floors, in_circles, on_no_floor, path_literals};

fn made(files: &[(&str, &str)]) -> Crate {
    let sources: Sources = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    Crate::read(&sources, files[0].0).unwrap()
}

fn names(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding.name.as_str())
        .collect()
}

fn texts(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding.text.as_str())
        .collect()
}

const PAIR: [&str; 2] = ["circle x/src/a.rs", "circle x/src/b.rs"];

/// Two modules of which the first holds `a`, and the second names the first.
fn pair(a: &str) -> Crate {
    made(&[
        (
            "x/src/lib.rs",
            "pub mod a;\npub mod b;\npub use b::Other;\n",
        ),
        ("x/src/a.rs", a),
        (
            "x/src/b.rs",
            "use crate::a::Thing;\n\npub struct Other(Thing);\n",
        ),
    ])
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    for a in [
        "use crate::b::Other;\npub struct Thing(Box<Other>);",
        "use crate::{b::{Other as Else}};\npub struct Thing(Box<Else>);",
        "pub struct Thing(Box<crate::b::Other>);",
        "pub struct Thing(Box<super::b::Other>);",
        "pub struct Thing; fn f() { let _ = super::b::Other(Thing); }",
        "use crate::b;\npub struct Thing(Box<b::Other>);",
        "use super::b as c;\npub struct Thing(Vec<c::Other>);",
        // Handed on by the root, from which it is not.
        "pub struct Thing(Box<crate::Other>);",
        "pub struct Thing; fn f() { use super::*; let _ = b::Other(Thing); }",
        "pub struct Thing; fn f() { println!(\"{}\", crate::b::Other::NAME); }",
        "pub struct Thing; macro_rules! m { () => { $crate::b::Other } }",
        "#[serde(with = \"crate::b::Other\")] pub struct Thing;",
        "pub struct Thing; mod inner { fn f(_: super::super::b::Other) {} }",
        // Not found there: a macro may have made it.
        "pub struct Thing; fn f(_: crate::b::Made) {}",
    ] {
        assert_eq!(names(&in_circles(&pair(a))), PAIR, "{a}");
    }
}

#[test]
fn what_is_no_arrow_makes_no_circle() {
    for a in [
        "pub struct Thing;",
        // A module alone is no item of it.
        "use crate::b;\npub struct Thing;",
        "pub use crate::b::Other;\npub struct Thing;",
        "/// [`Other`](crate::b::Other)\npub struct Thing;",
        "pub struct Thing; fn f() { let b = 1; println!(\"crate::b::Other {b}\"); }",
        "use other::b::Other;\npub struct Thing;",
    ] {
        assert_eq!(in_circles(&pair(a)), [], "{a}");
    }
}

#[test]
fn what_is_compiled_for_tests_alone_is_not_read() {
    for a in [
        "pub struct Thing;\n#[cfg(test)]\nmod tests { use crate::b::Other; }",
        "pub struct Thing;\n#[cfg(all(test, unix))]\nfn f(_: crate::b::Other) {}",
        "pub struct Thing;\n#[test]\nfn f() { crate::b::Other::made(); }",
        "pub struct Thing;\nimpl Thing { #[cfg(test)] fn f(_: crate::b::Other) {} }",
        // Such a file need not even be there.
        "pub struct Thing;\n#[cfg(test)]\nmod tests;",
    ] {
        assert_eq!(in_circles(&pair(a)), [], "{a}");
    }
    let a = "pub struct Thing;\n#[cfg(not(test))]\nmod used { use crate::b::Other; }";
    assert_eq!(names(&in_circles(&pair(a))), PAIR);
}

#[test]
fn a_circle_is_told_with_its_files_and_lines() {
    let found = in_circles(&made(&[
        ("x/src/lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
        ("x/src/a.rs", "\n\nuse crate::b::B;\npub struct A(B);"),
        (
            "x/src/b.rs",
            "use crate::{\n    c::C,\n};\npub struct B(C);",
        ),
        ("x/src/c/mod.rs", "pub struct C(Box<crate::a::A>);"),
        ("x/src/d.rs", "use crate::a::A;"),
    ]));
    assert_eq!(
        texts(&found),
        [
            "stands in a circle of 3 files: x/src/a.rs:3 names crate::b::B of x/src/b.rs",
            "stands in a circle of 3 files: x/src/b.rs:2 names crate::c::C of x/src/c/mod.rs",
            "stands in a circle of 3 files: x/src/c/mod.rs:1 names crate::a::A of x/src/a.rs",
        ]
    );
}

#[test]
fn a_parent_that_names_a_child_that_names_it_stands_in_a_circle() {
    let found = in_circles(&made(&[
        (
            "x/src/lib.rs",
            "mod a;\npub fn f() { a::g() }\npub fn h() {}",
        ),
        ("x/src/a.rs", "pub fn g() { crate::h() }"),
    ]));
    assert_eq!(names(&found), ["circle x/src/lib.rs", "circle x/src/a.rs"]);
}

/// A `shared/src` with one file on three floors, of which the lowest holds `base`.
fn floors(base: &str, model: &str) -> Crate {
    made(&[
        (
            "shared/src/lib.rs",
            "pub mod base;\npub mod domain;\npub mod model;\npub mod http;\n",
        ),
        ("shared/src/base/mod.rs", "pub mod id;\n"),
        ("shared/src/base/id.rs", base),
        ("shared/src/model/mod.rs", "pub mod app;\n"),
        ("shared/src/model/app.rs", model),
        ("shared/src/domain/mod.rs", "pub mod apps;\n"),
        ("shared/src/domain/apps/mod.rs", "pub mod making;\n"),
        (
            "shared/src/domain/apps/making.rs",
            "use crate::model::app::App;\nuse crate::base::id;\nasync fn f(_: App, _: id::Id) {}",
        ),
        (
            "shared/src/http/mod.rs",
            "use crate::domain::apps::making;\npub struct Call;",
        ),
    ])
}

#[test]
fn an_import_of_an_upper_floor_is_found_with_its_line() {
    let app = "use crate::base::id::Id;\npub struct App(Id);";
    assert_eq!(across_floors(&floors("pub struct Id;", app)), []);
    let told = |line: usize, path: &str, to: &str, own: &str, other: &str| {
        format!(
            "{line} imports an upper floor: {path} of shared/src/{to} ({own} stands below {other})"
        )
    };
    for (base, line, path) in [
        (
            "\nuse crate::model::app::App;\npub struct Id;",
            2,
            "crate::model::app::App",
        ),
        (
            "pub struct Id;\n\nfn f(_: crate::model::app::App) {}",
            3,
            "crate::model::app::App",
        ),
        (
            "pub use crate::model::app::App;\npub struct Id;",
            1,
            "crate::model::app::App",
        ),
        (
            "pub struct Id;\nuse crate::{\n  model::app,\n};",
            3,
            "crate::model::app",
        ),
    ] {
        let wanted = told(line, path, "model/app.rs", "base", "model");
        let wanted = format!("shared/src/base/id.rs:{wanted}");
        assert_eq!(
            texts(&across_floors(&floors(base, app))),
            [wanted],
            "{base}"
        );
    }
    let up = "pub struct App;\nfn f(_: crate::http::Call) {}";
    let wanted = told(2, "crate::http::Call", "http/mod.rs", "model", "http");
    assert_eq!(
        texts(&across_floors(&floors("pub struct Id;", up))),
        [format!("shared/src/model/app.rs:{wanted}")]
    );
}

#[test]
fn records_stand_in_the_model_which_never_waits() {
    let record = "pub struct Id;\nimpl crate::model::Record for Id {}";
    let named = |base: &str, model: &str| {
        let found = across_floors(&floors(base, model));
        texts(&found).join("\n")
    };
    assert!(
        named(record, "pub struct App;")
            .contains("shared/src/base/id.rs:2 is a record outside of model/")
    );
    for app in [
        "pub struct App;\npub async fn f() {}",
        "pub struct App;\nimpl App { async fn f() {} }",
        "pub struct App;\nfn f() { drop(async {}); }",
        "pub struct App;\nfn f() { spawn!(async move { 1 }); }",
    ] {
        assert_eq!(
            named("pub struct Id;", app),
            "shared/src/model/app.rs:2 is asynchronous in model/",
            "{app}"
        );
    }
    let app = "pub struct App;\nimpl Record for App {}";
    assert_eq!(named("pub struct Id;", app), "");
}

#[test]
fn code_of_the_shared_crate_stands_on_a_floor() {
    assert_eq!(
        on_no_floor(&floors("pub struct Id;", "pub struct App;")),
        []
    );
    let found = on_no_floor(&made(&[
        (
            "shared/src/lib.rs",
            "pub mod a;\npub mod based;\npub use a::A;\n",
        ),
        ("shared/src/a.rs", "\npub struct A;"),
        (
            "shared/src/based.rs",
            "use crate::a::A;\npub mod inner { pub fn f() {} }",
        ),
    ]));
    assert_eq!(
        texts(&found),
        [
            "shared/src/a.rs:2 stands on no floor",
            "shared/src/based.rs:2 stands on no floor",
        ]
    );
    let elsewhere = made(&[("x/src/lib.rs", "pub struct A;")]);
    assert_eq!(on_no_floor(&elsewhere), []);
}

#[test]
fn a_path_of_the_table_is_known_wherever_it_is_written() {
    let prefixes = Prefixes::of([
        "/box/srv/1.1/ide/{domain}/api/list",
        "/applications/{application}",
        "/upload",
        "/v1/{proxy+}",
        "$default",
    ]);
    for path in [
        "/box/srv/1.1/mas",
        "{base}/box/srv/1.1/mas/storeitem/install?guid={}",
        "https://store.example/box/srv",
        "/applications",
        "/applications/{}",
        "{}/upload?transactionID={transaction}",
        "{base}/v1/downloads/{name}",
        "/upload",
    ] {
        assert!(prefixes.knows(path), "{path}");
    }
    for other in [
        "",
        "/",
        "applications",
        "/uploads/applications",
        "/uploaded",
        "/boxes/srv",
        "no /upload is known",
        "text/html",
    ] {
        assert!(!prefixes.knows(other), "{other}");
    }
}

#[test]
fn a_path_is_found_in_code_and_in_macros_and_not_in_tests_or_the_table() {
    let prefixes = Prefixes::of(["/box/srv/1.1/tst/version"]);
    let found = path_literals(
        &made(&[
            ("shared/src/lib.rs", "pub mod http;\npub mod a;\n"),
            ("shared/src/http/mod.rs", "pub mod routes;\n"),
            (
                "shared/src/http/routes.rs",
                "const P: &str = \"/box/srv/1.1/tst/version\";",
            ),
            (
                "shared/src/a.rs",
                "const P: &str = \"/box/srv/1.1\";\n\
                 fn f(base: &str) {\n    format!(\"{base}/box/srv/2\");\n}\n\
                 /// \"/box/srv/3\"\n\
                 #[cfg(test)]\nmod tests { const P: &str = \"/box/srv/4\"; }",
            ),
        ]),
        &prefixes,
    );
    assert_eq!(
        texts(&found),
        [
            "shared/src/a.rs:1 writes a path that the route table has: \"/box/srv/1.1\"",
            "shared/src/a.rs:3 writes a path that the route table has: \"{base}/box/srv/2\"",
        ]
    );
}

#[test]
fn exceptions_have_reasons_and_only_shrink() {
    let finding = |name: &str| Finding {
        name: name.to_owned(),
        text: format!("{name} is wrong"),
    };
    let exceptions = Exceptions::read("# Why.\n\ncircle a # known\npath b /c # known\n").unwrap();
    let judge = |findings: &[Finding]| exceptions.judge(&["circle"], findings);
    assert_eq!(judge(&[finding("circle a")]), Vec::<String>::new());
    assert_eq!(
        judge(&[finding("circle a"), finding("circle d")]),
        ["circle d is wrong"]
    );
    assert_eq!(judge(&[]), ["take this exception out: circle a"]);
    assert!(Exceptions::read("circle a\n").is_err());
    assert!(Exceptions::read("circle a # x\ncircle a # y\n").is_err());
}

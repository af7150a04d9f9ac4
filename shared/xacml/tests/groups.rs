//! The decision over a web app, and the ways in which an address tries to be another one.

#![allow(clippy::expect_used, reason = "a panic is how a test fails")]

mod common;

use common::condition;
use jiff::Timestamp;
use jiff::tz::Offset;
use xacml::groups::{
    Circumstances, Decision, Group, LONGEST_PATH, Partial, Rule, Ruling, Subject, Template, decide,
    decide_at, decide_under,
};
use xacml::{NAMESPACE, Value, parse};

fn now() -> Timestamp {
    "2024-02-29T10:00:00Z".parse().expect("a moment")
}

fn templates(lines: &[(&str, &str, usize)]) -> Vec<Template> {
    lines
        .iter()
        .map(|(pattern, verb, group)| Template::new(pattern, verb, *group).expect(pattern))
        .collect()
}

fn open(name: &str) -> Group {
    Group {
        name: name.to_owned(),
        anonymous: true,
        ..Group::default()
    }
}

fn closed(name: &str) -> Group {
    Group {
        name: name.to_owned(),
        roles: vec!["nobody has this".to_owned()],
        ..Group::default()
    }
}

fn person(id: &str, roles: &[&str]) -> Subject {
    Subject {
        id: Some(id.to_owned()),
        roles: roles.iter().map(ToString::to_string).collect(),
        attributes: Vec::new(),
    }
}

fn letter(decision: &Decision) -> char {
    match decision.ruling {
        Ruling::Permit => 'P',
        Ruling::Deny => 'D',
        Ruling::NotApplicable => 'N',
    }
}

#[test]
fn the_most_specific_template_decides() {
    // The groups are named by number; only the one that is asked for is open.
    let patterns = [
        "/*",
        "/a/*",
        "/a/{id}",
        "/a/b",
        "/a/{id}/c",
        "/{x}/b/c",
        "/a/{id}/*",
        "/",
        "/open/*/",
    ];
    let lines: Vec<_> = patterns
        .iter()
        .enumerate()
        .map(|(group, pattern)| (*pattern, "GET", group))
        .collect();
    for (path, wanted) in [
        ("/", "/"),
        ("/x", "/*"),
        ("/x/y/z", "/*"),
        ("/a", "/a/*"),
        ("/a/", "/a/*"),
        ("/a/x", "/a/{id}"),
        ("/a/x/", "/a/{id}"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b"),
        ("/a/%62", "/a/b"),
        // From the left: what stands first counts most.
        ("/a/b/c", "/a/{id}/c"),
        ("/x/b/c", "/{x}/b/c"),
        ("/a/x/c/d", "/a/{id}/*"),
        ("/ab", "/*"),
        ("/open/", "/open/*/"),
        ("/open/a/b", "/open/*/"),
    ] {
        for (order, reversed) in [
            (lines.clone(), false),
            (lines.iter().rev().copied().collect(), true),
        ] {
            let groups: Vec<Group> = patterns
                .iter()
                .map(|pattern| {
                    if *pattern == wanted {
                        open(pattern)
                    } else {
                        closed(pattern)
                    }
                })
                .collect();
            let decision = decide(
                &templates(&order),
                &groups,
                path,
                "GET",
                &Subject::default(),
                now(),
            );
            assert!(
                decision.admits(),
                "{path} by {wanted}, reversed {reversed}: {decision}"
            );
            assert_eq!(
                decision
                    .groups
                    .iter()
                    .map(|group| patterns[*group])
                    .collect::<Vec<_>>(),
                [wanted],
                "{path}"
            );
            let groups: Vec<Group> = patterns
                .iter()
                .map(|pattern| {
                    if *pattern == wanted {
                        closed(pattern)
                    } else {
                        open(pattern)
                    }
                })
                .collect();
            let decision = decide(
                &templates(&order),
                &groups,
                path,
                "GET",
                &Subject::default(),
                now(),
            );
            assert_eq!(
                letter(&decision),
                'D',
                "{path} by {wanted}, reversed {reversed}: {decision}"
            );
            assert_eq!(
                decision
                    .groups
                    .iter()
                    .map(|group| patterns[*group])
                    .collect::<Vec<_>>(),
                [wanted],
                "{path}"
            );
        }
    }
}

#[test]
fn nothing_is_for_another_verb_or_path() {
    let (templates, groups) = (
        templates(&[("/a", "GET", 0), ("/b/{id}", "post", 0)]),
        [open("all")],
    );
    for (verb, path, wanted) in [
        ("GET", "/a", 'P'),
        ("POST", "/a", 'N'),
        ("HEAD", "/a", 'N'),
        ("get", "/a", 'D'),
        ("", "/a", 'D'),
        ("GET ", "/a", 'D'),
        ("GET", "/", 'N'),
        ("GET", "/A", 'N'),
        ("GET", "/a/b", 'N'),
        ("POST", "/b/1", 'P'),
        ("POST", "/b", 'N'),
        ("POST", "/b/1/2", 'N'),
    ] {
        let decision = decide(&templates, &groups, path, verb, &Subject::default(), now());
        assert_eq!(
            (letter(&decision), decision.admits()),
            (wanted, wanted == 'P'),
            "{verb} {path}: {decision}"
        );
    }
    assert_eq!(
        letter(&decide(
            &[],
            &groups,
            "/a",
            "GET",
            &Subject::default(),
            now()
        )),
        'N'
    );
}

#[test]
fn two_groups_for_the_same_must_both_admit() {
    for (first, second, wanted, by) in [
        (open("a"), open("b"), 'P', vec![0, 1]),
        (open("a"), closed("b"), 'D', vec![1]),
        (closed("a"), open("b"), 'D', vec![0]),
    ] {
        // Once more for the first: it is asked once.
        let templates = templates(&[
            ("/a/{id}", "GET", 0),
            ("/a/{name}", "GET", 1),
            ("/a/{key}", "GET", 0),
            ("/a/*", "GET", 2),
        ]);
        let decision = decide(
            &templates,
            &[first, second, closed("c")],
            "/a/1",
            "GET",
            &Subject::default(),
            now(),
        );
        assert_eq!((letter(&decision), decision.groups), (wanted, by));
    }
}

#[test]
fn a_path_is_not_taken_for_another_one() {
    // Everything is open but /admin: whoever gets past the second template gets in.
    let templates = templates(&[
        ("/*", "GET", 0),
        ("/admin", "GET", 1),
        ("/admin/*", "GET", 1),
        ("/caf\u{e9}", "GET", 1),
        ("/a b", "GET", 1),
    ]);
    let groups = [open("all"), closed("administrators")];
    let path_of = |path: &str| decide(&templates, &groups, path, "GET", &Subject::default(), now());
    for path in [
        "/admin",
        "/admin/",
        "/admin/x",
        "/%61dmin",
        "/%61%64%6D%69%6e",
        "/Admin",
        "/ADMIN/",
        "/aDmin/x",
        "/admin/%20x",
        "//admin",
        "/admin//",
        "/admin//x",
        "/x//admin",
        "//",
        "///",
        "/./admin",
        "/x/../admin",
        "/admin/..",
        "/admin/.",
        "/..",
        "/.",
        "/%2e%2e/admin",
        "/%2E/admin",
        "/x/%2e%2e/admin",
        "/.%2e/admin",
        "/x%2f..%2fadmin",
        "/x%2Fadmin",
        "/x%5c..%5cadmin",
        "/x\\admin",
        "\\admin",
        "/\\admin",
        "/admin;x=1",
        "/admin;",
        "/;/admin",
        "/x/..;/admin",
        "/x/..;a=b/admin",
        "/%3b/admin",
        "/admin%3Bx",
        "/admin%00",
        "/admin%00.png",
        "/admin%0a",
        "/admin\n",
        "/admin%7f",
        "/%2561dmin",
        "/%252e%252e/admin",
        "/admin%",
        "/admin%2",
        "/admin%zz",
        "/admin%2525",
        "/%c0%aeadmin",
        "/%c0%af",
        "/%ff",
        "/%u0061dmin",
        "/admin?x",
        "/admin#x",
        "/x?/admin",
        "/admin%20",
        "/%20admin",
        "/admin.",
        "/admin...",
        "/admin%09",
        "admin",
        "",
        "x/admin",
        "http://h/admin",
        "*",
        "/ad%E2%80%8Bmin",
        "/ad\u{200b}min",
        "/\u{feff}admin",
        "/ad%C2%ADmin",
        "/caf%C3%A9",
        "/CAF%C3%89",
        "/cafe%CC%81",
        "/\u{ff41}dmin",
        "/adm%C4%B1n",
        "/adm%EF%BC%A9n",
        "/a%C2%A0b",
        "/a%20b",
        "/a%20B",
    ] {
        let decision = path_of(path);
        assert_eq!(letter(&decision), 'D', "{path}: {decision}");
        // Either the closed group says so, or nobody can say which one it would be.
        assert_eq!(
            (decision.groups == [1], decision.groups.is_empty()),
            (!decision.indeterminate, decision.indeterminate),
            "{path}: {decision:?}"
        );
    }
    let long = format!("/{}", "x".repeat(LONGEST_PATH));
    assert_eq!(letter(&path_of(&long)), 'D');
    for path in [
        "/",
        "/x",
        "/x/",
        "/x/admin",
        "/administrators",
        "/x.html",
        "/.well-known/x",
        "/a+b",
        "/x%20y",
        "/x:y@z",
        "/caf",
        "/%7Eann",
        "/*",
        "/{id}",
        "/a..b",
    ] {
        let decision = path_of(path);
        assert!(decision.admits(), "{path}: {decision}");
    }
    let path = &long[..LONGEST_PATH];
    assert!(path_of(path).admits());
}

#[test]
fn patterns_that_would_not_be_understood_are_refused() {
    for pattern in [
        "",
        "a",
        "/a*",
        "/*a",
        "/{id}.json",
        "/{}",
        "/{a}{b}",
        "/{a*}",
        "/a//b",
        "//",
        "/../a",
        "/a;b",
        "/a%2fb",
        "/a?b",
        "/a%",
        "/{a",
        "/%7Bid%7D/*/x*",
    ] {
        let refused = Template::new(pattern, "GET", 0).expect_err(pattern);
        assert!(
            refused.ends_with('.') && refused.contains("pattern"),
            "{refused}"
        );
    }
    assert!(Template::new("/a", "", 0).is_err() && Template::new("/a", "G T", 0).is_err());
    for pattern in ["/", "/*", "/*/", "/a/*/b", "/a/{id}/", "/a%20b", "/%7Eann"] {
        assert_eq!(
            Template::new(pattern, "get", 0).expect(pattern).pattern(),
            pattern
        );
    }
}

#[test]
fn groups_are_for_roles_for_people_or_for_all() {
    let templates = templates(&[("/*", "GET", 0)]);
    let (ann, bob, nobody) = (
        person("ann", &["staff"]),
        person("bob", &[]),
        Subject {
            roles: vec!["staff".to_owned()],
            ..Subject::default()
        },
    );
    let staff = Group {
        name: "staff".to_owned(),
        roles: vec!["owner".to_owned(), "staff".to_owned()],
        ..Group::default()
    };
    let any = Group {
        name: "any".to_owned(),
        ..Group::default()
    };
    let all = Group {
        anonymous: true,
        ..staff.clone()
    };
    for (group, subject, wanted) in [
        (&staff, &ann, 'P'),
        (&staff, &bob, 'D'),
        (&staff, &nobody, 'D'),
        (&staff, &person("eve", &["Staff"]), 'D'),
        (&any, &ann, 'P'),
        (&any, &bob, 'P'),
        (&any, &nobody, 'D'),
        (&any, &person("", &["staff"]), 'D'),
        (&staff, &person("", &["staff"]), 'D'),
        (&all, &nobody, 'P'),
        (&all, &bob, 'P'),
    ] {
        let decision = decide(
            &templates,
            std::slice::from_ref(group),
            "/x",
            "GET",
            subject,
            now(),
        );
        assert_eq!(
            letter(&decision),
            wanted,
            "{} {subject:?}: {decision}",
            group.name
        );
    }
    let decision = decide(&templates, &[], "/x", "GET", &ann, now());
    assert_eq!(
        decision.to_string(),
        "Deny: The policy group of the pattern \"/*\" is not there."
    );
}

#[test]
fn partials_admit_keep_out_or_cannot_be_told() {
    let templates = templates(&[("/*", "GET", 0)]);
    let read = |short: &str| parse(&condition(short)).expect(short);
    let (yes, no, unknown) = (
        read("true"),
        read("false"),
        read("(string-is-in 'a' !string/unknown)"),
    );
    let rule = |id: i64, effect: &str, short: &str| {
        let inside = condition(short).replacen(&format!(" xmlns=\"{NAMESPACE}\""), "", 1);
        Partial::text(
            id,
            format!(r#"<Rule Effect="{effect}" RuleId=" rule {id} ">{inside}</Rule>"#),
        )
    };
    let unknown_text = "(string-is-in 'a' !string/unknown)";
    // What is denied, whether it is for want of an answer, and by which partial and rule.
    for (partials, wanted, indeterminate, by) in [
        (
            vec![],
            "Permit: Of the pattern \"/*\", the policy groups admit: \"g\".",
            false,
            vec![],
        ),
        (
            vec![Partial::new(1, yes.clone()), Partial::new(2, yes.clone())],
            "Permit: ",
            false,
            vec![(1, None), (2, None)],
        ),
        (
            vec![
                Partial::new(1, yes.clone()),
                Partial::new(2, no.clone()),
                Partial::missing(3),
            ],
            "Deny: The policy partial 2 of the group \"g\" does not hold.",
            false,
            vec![(2, None)],
        ),
        (
            vec![rule(1, "Deny", "false"), rule(2, "Permit", "true")],
            "Permit: ",
            false,
            vec![(1, Some("rule 1")), (2, Some("rule 2"))],
        ),
        (
            vec![Partial::new(1, yes.clone()), rule(7, "Deny", "true")],
            "Deny: The policy partial 7 (rule 7) of the group \"g\" denies.",
            false,
            vec![(7, Some("rule 7"))],
        ),
        (
            vec![rule(8, "Permit", "false")],
            "Deny: The policy partial 8 (rule 8) of the group \"g\" does not hold.",
            false,
            vec![(8, Some("rule 8"))],
        ),
        (
            vec![Partial::missing(3)],
            "Deny: The policy partial 3 of the group \"g\" is not there.",
            true,
            vec![(3, None)],
        ),
        (
            vec![rule(4, "Deny", unknown_text)],
            "Deny: The policy partial 4 (rule 4) of the group \"g\" cannot be evaluated: ",
            true,
            vec![(4, Some("rule 4"))],
        ),
        (
            vec![Partial::new(4, unknown)],
            "Deny: The policy partial 4 of the group \"g\" cannot be evaluated: ",
            true,
            vec![(4, None)],
        ),
        (
            vec![Partial::text(5, "<Rule Effect='Permit'>")],
            "Deny: The policy partial 5 of the group \"g\" cannot be read: Line 1",
            true,
            vec![(5, None)],
        ),
    ] {
        for anonymous in [true, false] {
            let group = Group {
                name: "g".to_owned(),
                roles: Vec::new(),
                anonymous,
                partials: partials.clone(),
            };
            let decision = decide(
                &templates,
                &[group],
                "/x",
                "GET",
                &person("ann", &[]),
                now(),
            );
            assert!(decision.to_string().starts_with(wanted), "{decision}");
            let by: Vec<Rule> = by
                .iter()
                .map(|(partial, id)| Rule {
                    partial: *partial,
                    id: id.map(str::to_owned),
                })
                .collect();
            assert_eq!(
                (decision.groups, decision.rules, decision.indeterminate),
                (vec![0], by, indeterminate),
                "{wanted}"
            );
        }
    }
}

#[test]
fn conditions_see_who_asks_for_what_and_when() {
    let templates = templates(&[("/*", "GET", 0), ("/*", "POST", 0)]);
    let designator = |category: &str, id: &str, data_type: &str| {
        format!(
            r#"<Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:{data_type}-one-and-only"><AttributeDesignator Category="{category}" AttributeId="{id}" DataType="http://www.w3.org/2001/XMLSchema#{data_type}" MustBePresent="true"/></Apply>"#
        )
    };
    let equal = |category: &str, id: &str, data_type: &str, text: &str| {
        let value = format!(
            r#"<AttributeValue DataType="http://www.w3.org/2001/XMLSchema#{data_type}">{text}</AttributeValue>"#
        );
        let id = designator(category, id, data_type);
        parse(&format!(r#"<Condition><Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:{data_type}-equal">{id}{value}</Apply></Condition>"#))
            .expect("a condition")
    };
    let subject = Subject {
        attributes: vec![("department".to_owned(), Value::string("sales"))],
        ..person("ann", &["staff"])
    };
    // Claims do not make anybody somebody else: one-and-only below would fail on a second value.
    let subject = Subject {
        attributes: [
            xacml::request::SUBJECT_ID,
            xacml::request::SUBJECT_ROLE,
            xacml::request::ROLE_CLAIM,
        ]
        .map(|id| (id.to_owned(), Value::string("root")))
        .into_iter()
        .chain(subject.attributes.clone())
        .collect(),
        ..subject
    };
    let (who, what, how, when) = (
        xacml::request::SUBJECT,
        xacml::request::RESOURCE,
        xacml::request::ACTION,
        xacml::request::ENVIRONMENT,
    );
    // Nor do they make it another time or another path.
    let there = Offset::from_hours(2).expect("an offset");
    let told = |of: &[(&str, Value)]| {
        of.iter()
            .map(|(id, value)| ((*id).to_owned(), value.clone()))
            .collect()
    };
    let time = Value::parse(xacml::DataType::Time, "23:00:00").expect("a time");
    let circumstances = Circumstances {
        resource: told(&[
            ("owner", Value::string("ann")),
            (xacml::request::RESOURCE_ID, Value::string("/other")),
        ]),
        environment: told(&[
            ("zone", Value::string("inside")),
            (xacml::request::CURRENT_TIME, time),
        ]),
        ..Circumstances::at(now(), there)
    };
    for (condition, wanted) in [
        (equal(what, "owner", "string", "ann"), 'P'),
        (equal(when, "zone", "string", "inside"), 'P'),
        (equal(when, "zone", "string", "outside"), 'D'),
        (equal(who, xacml::request::SUBJECT_ID, "string", "ann"), 'P'),
        (
            equal(who, xacml::request::SUBJECT_ROLE, "string", "staff"),
            'P',
        ),
        (
            equal(who, xacml::request::ROLE_CLAIM, "string", "staff"),
            'P',
        ),
        (equal(who, "department", "string", "sales"), 'P'),
        (equal(who, "department", "string", "Sales"), 'D'),
        (
            equal(what, xacml::request::RESOURCE_ID, "string", "/a/b"),
            'P',
        ),
        (
            equal(what, xacml::request::RESOURCE_ID, "string", "/%61/b/"),
            'D',
        ),
        (
            equal(what, xacml::request::RESOURCE_ID, "anyURI", "/a/b"),
            'P',
        ),
        (equal(how, xacml::request::ACTION_ID, "string", "GET"), 'P'),
        (
            equal(when, xacml::request::CURRENT_TIME, "time", "12:00:00+02:00"),
            'P',
        ),
        (
            equal(when, xacml::request::CURRENT_TIME, "time", "12:00:00"),
            'P',
        ),
        (
            equal(when, xacml::request::CURRENT_TIME, "time", "10:00:00"),
            'D',
        ),
        (
            equal(when, xacml::request::CURRENT_DATE, "date", "2024-02-29"),
            'P',
        ),
        (
            equal(
                when,
                xacml::request::CURRENT_DATE_TIME,
                "dateTime",
                "2024-02-29T10:00:00Z",
            ),
            'P',
        ),
        (equal(who, "unknown", "string", "x"), 'D'),
    ] {
        let group = Group {
            name: "g".to_owned(),
            partials: vec![Partial::new(1, condition.clone())],
            ..Group::default()
        };
        let decision = decide_under(
            &templates,
            std::slice::from_ref(&group),
            "/%61/b/",
            "GET",
            &subject,
            &circumstances,
        );
        assert_eq!(letter(&decision), wanted, "{condition:?}: {decision}");
        // Who is not signed in has no name, no roles and no attributes, whatever the caller fills
        // in.
        let stranger = Subject {
            id: None,
            ..subject.clone()
        };
        let decision = decide_at(
            &templates,
            &[Group {
                anonymous: true,
                ..group
            }],
            "/a/b",
            "GET",
            &stranger,
            now(),
            there,
        );
        assert!(
            !decision.admits() || !format!("{condition:?}").contains("access-subject"),
            "{decision}"
        );
    }
}

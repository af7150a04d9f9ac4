//! What holds for any text and any request: reading never panics, evaluating never panics, and both
//! end soon.

use std::sync::LazyLock;

use crate::notation::{condition, parse as parse_short};
use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;
use xacml::groups::{Group, Subject, Template, decide};
use xacml::{DataType, Outcome, Request, Value, functions, parse};

// One condition with every function that takes single values, and some of each other kind.
static SEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    [
        "(and (or $boolean/b true) (not false) (n-of 2 true true (integer-less-than 1 2)))",
        "(string-at-least-one-member-of (string-bag 'editor' 'owner') \
        !string/http://wso2.org/claims/role)",
        "(time-in-range (time-one-and-only !time/t) time:08:30:00 time:17:00:00+01:00)",
        "(any-of #string-regexp-match '^[a-z\\-]{1,9}(?:\\.\\w+)*$' $string/s)",
        "(integer-equal (integer-divide 7 (integer-subtract 3 (integer-one-and-only $integer/i))) \
        9223372036854775807)",
        "(dateTime-less-than (dateTime-add-dayTimeDuration dateTime:9999-12-31T00:00:00Z \
        dayTimeDuration:P1DT2H3M4.5S) dateTime:0001-01-01T00:00:00)",
        "(rfc822Name-match '.example.com' (rfc822Name-from-string 'ann@east.example.com'))",
        "(x500Name-match x500Name:'o=Example,c=US' x500Name:'cn=Ann+ou=a\\,b,o=Example,c=US')",
        "(ipAddress-is-in ipAddress:10.0.0.1/255.0.0.0:80-443 (ipAddress-bag \
        ipAddress:[2001:db8::1]:-80))",
        "(all-of-any #double-greater-than (double-bag double:1.5E300 double:-INF) (map \
        #double-multiply double:1E300 (double-bag double:NaN)))",
        "(string-equal (string-substring 'äöü€' 1 -1) (string-concatenate 'ö' 'ü' '€'))",
        "(hexBinary-equal hexBinary:0aff hexBinary:0AFF)",
        "(yearMonthDuration-equal yearMonthDuration:P1Y6M yearMonthDuration:P18M)",
    ]
    .map(condition)
    .to_vec()
});

const PIECES: [&str; 24] = [
    "<",
    ">",
    "/>",
    "</Apply>",
    "<Apply FunctionId=\"",
    "\"",
    "&amp;",
    "&x;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE a>",
    "xmlns=\"\"",
    "9999999999999999999",
    "-",
    "\\",
    "(",
    "[",
    "{9999}",
    "é",
    "\u{0}",
    "T24:00:00",
    "urn:oasis:names:tc:xacml:1.0:function:",
];

#[derive(Clone, Debug)]
enum Change {
    Cut(usize, usize),
    Put(usize, usize),
    Copy(usize, usize, usize),
    Swap(usize, char),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = 0..4_000_usize;
    proptest::collection::vec(
        prop_oneof![
            (place.clone(), 0..40_usize).prop_map(|(at, length)| Change::Cut(at, length)),
            (place.clone(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Put(at, piece)),
            (place.clone(), place.clone(), 0..200_usize)
                .prop_map(|(from, to, length)| Change::Copy(from, to, length)),
            (place, proptest::char::any()).prop_map(|(at, c)| Change::Swap(at, c)),
        ],
        0..6,
    )
}

fn changed(seed: &str, changes: &[Change]) -> String {
    let mut text: Vec<char> = seed.chars().collect();
    for change in changes {
        let length = text.len().max(1);
        let at = |place: usize| place % length;
        match change {
            Change::Cut(from, count) => {
                drop(text.drain(at(*from).min(text.len())..(at(*from) + count).min(text.len())))
            }
            Change::Put(place, piece) => drop(text.splice(
                at(*place).min(text.len())..at(*place).min(text.len()),
                PIECES[*piece].chars(),
            )),
            Change::Copy(from, to, count) => {
                let piece: Vec<char> = text.iter().skip(at(*from)).take(*count).copied().collect();
                let place = at(*to).min(text.len());
                drop(text.splice(place..place, piece));
            }
            Change::Swap(place, c) => {
                if let Some(old) = text.get_mut(at(*place)) {
                    *old = *c;
                }
            }
        }
    }
    text.into_iter().collect()
}

// Values at the edges of every data type.
fn edge() -> impl Strategy<Value = (DataType, &'static str)> {
    prop::sample::select(vec![
        (DataType::String, ""),
        (DataType::String, "a\u{0}é"),
        (DataType::Boolean, "true"),
        (DataType::Boolean, "false"),
        (DataType::Integer, "9223372036854775807"),
        (DataType::Integer, "-9223372036854775808"),
        (DataType::Integer, "0"),
        (DataType::Integer, "-1"),
        (DataType::Double, "NaN"),
        (DataType::Double, "INF"),
        (DataType::Double, "-1.7976931348623157E308"),
        (DataType::Double, "-0"),
        (DataType::Double, "5E-324"),
        (DataType::Time, "23:59:59.999999999-14:00"),
        (DataType::Time, "00:00:00+14:00"),
        (DataType::Date, "0001-01-01+14:00"),
        (DataType::Date, "9999-12-31-14:00"),
        (DataType::Date, "2024-02-29"),
        (DataType::DateTime, "0001-01-01T00:00:00+14:00"),
        (DataType::DateTime, "9999-12-31T23:59:59.999999999-14:00"),
        (DataType::DayTimeDuration, "P366000000D"),
        (DataType::DayTimeDuration, "-P366000000D"),
        (DataType::DayTimeDuration, "PT0.000000001S"),
        (DataType::YearMonthDuration, "P1000000Y"),
        (DataType::YearMonthDuration, "-P12000000M"),
        (DataType::AnyUri, ""),
        (DataType::AnyUri, "urn:é"),
        (DataType::HexBinary, ""),
        (DataType::HexBinary, "00FF"),
        (DataType::Base64Binary, "AA=="),
        (DataType::Rfc822Name, "a@b"),
        (DataType::X500Name, "a=b"),
        (DataType::X500Name, "a=\\,+b=c,d=e"),
        (DataType::IpAddress, "[::]/[::]:0-65535"),
        (DataType::IpAddress, "0.0.0.0:-0"),
        (DataType::DnsName, "*.a:0-65535"),
    ])
}

fn request() -> impl Strategy<Value = Request> {
    let attributes = proptest::collection::vec(
        (
            prop::sample::select(vec!["b", "i", "s", "t", "http://wso2.org/claims/role"]),
            edge(),
        ),
        0..12,
    );
    (
        attributes,
        -377_705_023_201..253_402_207_200_i64,
        -90_000..90_000_i32,
    )
        .prop_map(|(attributes, now, offset)| {
            let now = Timestamp::from_second(now).unwrap_or(Timestamp::UNIX_EPOCH);
            let request = Request::at(now, Offset::from_seconds(offset).unwrap_or(Offset::UTC));
            attributes
                .into_iter()
                .fold(request, |request, (id, (data_type, text))| {
                    request.subject(id, Value::parse(data_type, text).expect(text))
                })
        })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn changed_conditions_are_read_or_refused(
        seed in 0..SEEDS.len(),
        changes in changes(),
        request in request(),
    ) {
        let text = changed(&SEEDS[seed], &changes);
        match parse(&text) {
            Ok(condition) => {
                let outcome = condition.evaluate(&request);
                prop_assert_eq!(&outcome, &condition.evaluate(&request));
                if let Outcome::Indeterminate(why) = outcome {
                    prop_assert!(!why.is_empty());
                }
            }
            Err(refused) => prop_assert!((1..4_000).contains(&refused.to_string().len())),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = parse(&text);
        let _ = parse(&format!("<Condition>{text}</Condition>"));
        for data_type in DataType::ALL.iter().copied() {
            if let Ok(value) = Value::parse(data_type, &text) {
                prop_assert_eq!(value.data_type(), data_type);
            }
        }
    }

    #[test]
    fn a_value_that_is_written_is_read_back((data_type, text) in edge()) {
        let value = Value::parse(data_type, text).expect(text);
        let again = Value::parse(data_type, &value.text()).expect(text);
        prop_assert_eq!(again.text(), value.text());
    }

    #[test]
    fn no_function_panics_on_values_at_the_edge(
        at in 0..10_000_usize,
        values in proptest::collection::vec(edge(), 6),
        request in request(),
    ) {
        // For each parameter the first of the values that has its type, or any attribute.
        let all: Vec<_> = functions().collect();
        let function = all[at % all.len()];
        let signature = function.signature();
        let Some((takes, gives)) = signature.split_once(" → ") else {
            return Ok(());
        };
        let takes = takes.trim_matches(['(', ')']);
        let arguments: Vec<String> = takes.split(", ").filter(|kind| !kind.is_empty()).map(|kind| {
            let kind = kind.trim_end_matches(" …");
            let name = kind.trim_start_matches("bag of ");
            let text = values
                .iter()
                .find(|(data_type, _)| data_type.name() == name)
                .map(|(_, text)| format!("{name}:'{text}'"))
                .filter(|text| !text.contains('\u{0}'));
            match (kind.starts_with("bag"), text) {
                (true, Some(text)) => {
                    format!("({name}-union ({name}-bag {text} {text}) ${name}/s)")
                }
                (true, None) => format!("${name}/i"),
                (false, Some(text)) => text,
                (false, None) => format!("({name}-one-and-only ${name}/t)"),
            }
        }).collect();
        let call = format!("({} {})", function.name(), arguments.join(" "));
        let name = gives.trim_start_matches("bag of ");
        let short = match gives {
            "boolean" => call,
            _ if gives.starts_with("bag of ") => {
                format!("(integer-equal 0 ({name}-bag-size {call}))")
            }
            _ => format!("({name}-is-in {call} ${name}/s)"),
        };
        if takes.contains("function") {
            return Ok(());
        }
        if let Ok(condition) = parse_short(&short) {
            let _ = condition.evaluate(&request);
        }
    }

    #[test]
    fn no_path_panics_and_none_comes_near_what_is_closed(
        path in "[/a-dA-D.%;\\\\0-9?é ]{0,24}",
        tail in "\\PC{0,12}",
    ) {
        let templates = [("/*", 0), ("/ab", 1), ("/ab/*", 1)]
            .map(|(pattern, group)| Template::new(pattern, "GET", group).expect("a template"));
        let groups = [
            Group { anonymous: true, ..Group::default() },
            Group { roles: vec!["x".to_owned()], ..Group::default() },
        ];
        let (nobody, now) = (Subject::default(), Timestamp::UNIX_EPOCH);
        for path in [
            path.clone(),
            format!("/{path}"),
            format!("{path}{tail}"),
            format!("/{tail}"),
            format!("/ab{tail}"),
            format!("/{path}/../ab"),
        ] {
            if decide(&templates, &groups, &path, "GET", &nobody, now).admits() {
                // As the most lenient of servers would read it.
                let lenient = percent_encoding::percent_decode_str(&path)
                    .decode_utf8_lossy()
                    .to_lowercase()
                    .replace('\\', "/");
                let first = lenient
                    .split('/')
                    .map(|part| part.split(';').next().unwrap_or_default())
                    .find(|part| !part.is_empty() && *part != ".")
                    .unwrap_or_default();
                prop_assert!(first != "ab", "{path:?}");
                prop_assert!(!lenient.contains("/../") && !lenient.contains("//"), "{path:?}");
            }
        }
    }
}

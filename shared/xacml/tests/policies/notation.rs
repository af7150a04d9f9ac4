//! Conditions in a short notation, so that a test shows what it is about.
//!
//! `(name argument …)` applies a function, `#name` is a function given to another, `'text'` a
//! string, `5` and `true` what they look like, `type:text` or `type:'text'` a value of any type,
//! `$type/id` an attribute of the subject, `!type/id` one that must be present.

use xacml::{Condition, DataType, Outcome, Refused, Request, functions};

pub const HEAD: &str = r#"<Condition xmlns="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17">"#;

/// The XML of an expression in the short notation, as a whole condition.
pub fn condition(short: &str) -> String {
    format!("{HEAD}{}</Condition>", xml(short))
}

pub fn parse(short: &str) -> Result<Condition, Refused> {
    xacml::parse(&condition(short))
}

/// `T`, `F`, `I` or `R`, and the reason of the last two.
pub fn answer(short: &str, request: &Request) -> (char, String) {
    match parse(short) {
        Err(refused) => ('R', refused.to_string()),
        Ok(condition) => match condition.evaluate(request) {
            Outcome::True => ('T', String::new()),
            Outcome::False => ('F', String::new()),
            Outcome::Indeterminate(why) => ('I', why),
        },
    }
}

/// Holds every line of a table, an expected letter and an expression, against what comes out.
pub fn table(request: &Request, lines: &str) {
    let mut wrong = Vec::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (wanted, short) = line.split_once(' ').expect("a letter and an expression");
        let (found, why) = answer(short, request);
        if wanted != found.to_string() {
            wrong.push(format!("{line}\n    is {found} {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub fn xml(short: &str) -> String {
    let mut rest = short.trim();
    let out = one(&mut rest);
    assert!(rest.trim().is_empty(), "{rest:?} is left of {short:?}");
    out
}

fn id(name: &str) -> String {
    if name.contains(':') {
        return name.to_owned();
    }
    functions()
        .find(|function| function.name() == name)
        .map_or_else(
            || format!("urn:unknown:{name}"),
            |function| function.id().to_owned(),
        )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

fn data_type(name: &str) -> DataType {
    DataType::ALL
        .iter()
        .copied()
        .find(|data_type| data_type.name() == name)
        .unwrap_or_else(|| panic!("no data type {name}"))
}

fn value(name: &str, text: &str) -> String {
    format!(
        r#"<AttributeValue DataType="{}">{}</AttributeValue>"#,
        data_type(name).uri(),
        escape(text)
    )
}

fn word<'a>(rest: &mut &'a str) -> &'a str {
    let end = rest.find([' ', ')', '(']).unwrap_or(rest.len());
    let (word, left) = rest.split_at(end);
    *rest = left;
    word
}

fn quoted<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let inside = rest.strip_prefix('\'')?;
    let end = inside.find('\'').expect("a closing quote");
    *rest = &inside[end + 1..];
    Some(&inside[..end])
}

fn one(rest: &mut &str) -> String {
    *rest = rest.trim_start();
    if let Some(text) = quoted(rest) {
        return value("string", text);
    }
    if let Some(inside) = rest.strip_prefix('(') {
        *rest = inside;
        let name = word(rest);
        let mut out = format!(r#"<Apply FunctionId="{}">"#, id(name));
        loop {
            *rest = rest.trim_start();
            match rest.strip_prefix(')') {
                Some(left) => {
                    *rest = left;
                    return out + "</Apply>";
                }
                None => out += &one(rest),
            }
        }
    }
    if let Some(colon) = rest
        .find(|c: char| !c.is_ascii_alphanumeric())
        .filter(|at| *at > 0 && rest[*at..].starts_with(":'"))
    {
        let name = &rest[..colon];
        *rest = &rest[colon + 1..];
        return value(name, quoted(rest).expect("a quote"));
    }
    let word = word(rest);
    match word.chars().next() {
        Some('#') => format!(r#"<Function FunctionId="{}"/>"#, id(&word[1..])),
        Some(mark @ ('$' | '!')) => {
            let (name, id) = word[1..].split_once('/').unwrap_or(("string", &word[1..]));
            format!(
                r#"<AttributeDesignator AttributeId="{}" DataType="{}" MustBePresent="{}"
                    Category="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject"/>"#,
                escape(id),
                data_type(name).uri(),
                mark == '!'
            )
        }
        _ if word == "true" || word == "false" => value("boolean", word),
        _ if word.parse::<i64>().is_ok() => value("integer", word),
        _ => {
            let (name, text) = word
                .split_once(':')
                .unwrap_or_else(|| panic!("no value {word:?}"));
            value(name, text)
        }
    }
}

//! The document that says what is offered is written by the code that offers it.

#![allow(clippy::expect_used, reason = "a panic is how a test fails")]

use std::fmt::Write;

use xacml::{
    DataType, LONGEST_MATCHED, LONGEST_PATTERN, LONGEST_VALUE, Limits, MOST_CLASSES, MOST_STEPS,
    NAMESPACE, functions, groups::LONGEST_PATH,
};

#[test]
fn the_document_lists_what_the_code_offers() {
    golden("docs/xacml.md", &folded(&document()));
}

// Holds a generated document against the committed one; `UPDATE_GOLDEN` in the environment writes
// it instead.
fn golden(document: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(document);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("the document is written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let first = committed
        .lines()
        .zip(text.lines())
        .find(|(before, now)| before != now);
    assert!(
        committed == text,
        "{document} is not what the code says; UPDATE_GOLDEN=1 cargo test rewrites it. The first \
        difference: {first:#?}"
    );
}

/// The document with its paragraphs and list items in lines of at most 100 columns; tables and
/// headings stay as they are.
fn folded(document: &str) -> String {
    let mut out = String::new();
    for line in document.lines() {
        if line.starts_with(['|', '#']) {
            out.push_str(line);
        } else {
            let indent = if line.starts_with("- ") { "  " } else { "" };
            let mut columns = 0;
            for word in line.split(' ') {
                let length = word.chars().count();
                if columns > 0 && columns + 1 + length > 100 {
                    out.push('\n');
                    out.push_str(indent);
                    columns = indent.len();
                } else if columns > 0 {
                    out.push(' ');
                    columns += 1;
                }
                out.push_str(word);
                columns += length;
            }
        }
        out.push('\n');
    }
    out
}

fn document() -> String {
    let limits = Limits::default();
    let mut out = format!(
        "# XACML policy partials\n\n\
        Written by a test of `shared/xacml` from the code; change it there.\n\n\
        ## What a partial is\n\n\
        One `Condition` element of XACML 3.0, or one `Rule` element around one, with its `Effect`, \
        an optional `Description` and an empty `Target`. \
        A bare condition has the effect Permit. The elements are in the namespace `{NAMESPACE}`, \
        by default or by prefix; because a bare condition is \
        usually written as it would stand inside a policy, a text without any namespace is read as \
        if it were there. Other namespaces are refused, and so \
        is one element inside another namespace than the element around it. An XML declaration, \
        comments and CDATA are taken; a document type \
        declaration is refused, so no entity is ever expanded and nothing is fetched.\n\n\
        Everything is checked before a partial is stored: functions, the number and the types of \
        their arguments, data types, the form of every value, \
        regular expressions, and that the whole is a boolean. `AttributeSelector`, \
        `VariableReference`, the attribute `Issuer`, XPath functions and \
        whole policies are refused.\n\n"
    );
    let _ = write!(
        out,
        "| Limit | Value |\n|---|---|\n\
        | Text of a partial | {} bytes |\n| Elements inside one another | {} |\n| Expressions | {} \
        |\n| Nodes of the XML | {} |\n\
        | A tag | 8192 bytes |\n| Regular expressions | {}, each of {LONGEST_PATTERN} bytes, \
        {MOST_CLASSES} classes and {MOST_STEPS} steps, all together {} steps |\n\
        | Text held against a regular expression | {LONGEST_MATCHED} bytes |\n| Text of one value \
        | {LONGEST_VALUE} bytes |\n| Path of a decision | {LONGEST_PATH} bytes |\n\n",
        limits.bytes,
        limits.depth,
        limits.expressions,
        limits.nodes,
        limits.patterns,
        4 * MOST_STEPS
    );
    out += "## How a condition is evaluated\n\n\
        - The answer is true, false or Indeterminate with a reason. Indeterminate comes from a \
        missing attribute that must be present, `one-and-only` of \
        a bag of none or several, an overflow, a division by zero, a text that is no value of its \
        type, and work without bounds.\n\
        - `or` is true if any argument is, even after an Indeterminate one; `and` is false if any \
        argument is; `n-of` is true once enough are true and false \
        once enough cannot be. Otherwise an Indeterminate argument makes the whole Indeterminate. \
        What follows a decision is not evaluated.\n\
        - The clock is that of the request. A time, a date or a dateTime that names no zone is of \
        the place of the request; in `time-in-range`, the bounds are of the \
        zone of the time. A range may span midnight.\n\
        - An integer has 64 bits. A double that is no finite number after arithmetic is \
        Indeterminate. `round` rounds a half to the even neighbour; \
        `integer-divide` and `double-to-integer` cut towards zero.\n\
        - Years are 1 to 9999. The days of a month are cut to its end: 31 January and one month is \
        29 February 2024.\n\
        - Mail addresses are compared without case in the host only, distinguished names without \
        case, IP addresses by address, mask and ports.\n\n\
        ### Regular expressions\n\n\
        Those of XPath: found anywhere unless `^` and `$` hold them, `.` is any character but a \
        newline, `\\w` is anything but punctuation, separators and other \
        (so not `_`), `\\s` is space, tab, newline and return, `\\d` is any decimal digit. \
        Matching takes time in proportion to the text. Refused rather than read \
        in another way: back-references, `\\i` and `\\c`, blocks such as `\\p{IsGreek}`, one class \
        taken from another, groups with `(?` other than `(?:`, and \
        escapes that XML Schema does not have, such as `\\b`.\n\n\
        What a pattern comes to is counted in steps: a letter is one for each of its bytes, a \
        class one for each range of bytes that it is made of, and what \
        is repeated counts as often as it may occur. `[a-z]{1,64}` comes to some 250 steps, \
        `\\w{1,64}` to 240,000, for a class of the whole of Unicode is large.\n\n\
        ## The decision over a web app\n\n\
        - Of the URL templates for the verb whose pattern fits the path, the most specific one \
        decides. From the left, at the first segment where two differ: text, \
        then `{name}` or `*`, then the end, then `/*`. `/a/*` is also for `/a`, and one slash at \
        the end never counts. Where several are equally specific, each of their \
        groups must admit. Patterns with a `*` or a `{name}` inside a segment are refused.\n\
        - A group admits everybody where it is anonymous, or users who are signed in and have \
        one of its roles; without roles, every user who is signed in. A group that is not there \
        admits nobody.\n\
        - Then each partial that permits must be true and each that denies must be false, for \
        anonymous groups as well. Indeterminate, or a partial that is not there or cannot be read, \
        denies, and the decision says that this was why.\n\
        - No template for the path and the verb is NotApplicable. A gateway lets through Permit \
        only. A decision names the groups that had to admit or the one that denied, and the \
        partials \
        with their `RuleId`.\n\
        - A path is decoded once, segment by segment, and denied where a server could read it in \
        another way: empty, `.` and `..` segments, `;`, backslashes, encoded \
        slashes and percent signs, control and invisible characters, bytes that are not UTF-8, a \
        segment that ends with a dot or white space, or a path that only case or \
        the composition of characters keeps from another template.\n\
        - A condition sees, of the subject, `subject-id`, the roles as \
        `urn:oasis:names:tc:xacml:2.0:subject:role` and `http://wso2.org/claims/role`, and what \
        else the \
        gateway knows; of the resource, the decoded path as `resource-id` (string and anyURI); of \
        the action, the verb as `action-id`; of the environment, \
        `current-time`, `current-date` and `current-dateTime`. A gateway may say more of the \
        resource and of the environment, but none of these.\n\n\
        ## Data types\n\n| Name | Identifier |\n|---|---|\n";
    for data_type in DataType::ALL.iter().copied() {
        let _ = writeln!(out, "| {} | `{}` |", data_type.name(), data_type.uri());
    }
    out += "\nThe durations are read under their two older identifiers as well.\n\n## Functions\n\n\
        The identifier is `urn:oasis:names:tc:xacml:` with the version, `:function:` and the name. \
        An older version means the same function. \
        These are all mandatory functions of XACML 3.0 and, beyond it, `is-in` and the functions \
        of sets for ipAddress and dnsName. What partials are usually written with is among them: \
        `string-equal`, `string-equal-ignore-case`, \
        `string-one-and-only`, `string-is-in`, `string-bag`, `string-subset`, \
        `string-at-least-one-member-of` and `string-set-equals` over the claims of the subject, \
        `string-regexp-match` with `any-of` over the resource, `time-in-range` and the comparisons \
        of dates over the environment, and `and`, `or`, `not`, `n-of` around them.\n\n\
        | Function | Version | Older | Takes and gives |\n|---|---|---|---|\n";
    let version = |id: &str| {
        id.trim_start_matches("urn:oasis:names:tc:xacml:")
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    for function in functions() {
        let older = function.older_id().map(version).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {older} | {} |",
            function.name(),
            version(function.id()),
            function.signature()
        );
    }
    let _ = write!(
        out,
        "\n{} functions. Not offered: those over XPath, `access-permitted`, and what other \
        products added.\n",
        functions().count()
    );
    out
}

//! Regular expressions as `string-regexp-match` wants them: those of XPath, in an engine that never goes back.
//!
//! The engine's own syntax differs from XPath's. What means the same is passed on, what has another meaning is rewritten
//! (`\w`, `\s`, `\d`), and what would silently mean something else is refused.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

/// The longest pattern, in bytes.
pub const LONGEST_PATTERN: usize = 1_000;
/// The longest text that a pattern is held against, in bytes; Indeterminate above.
pub const LONGEST_MATCHED: usize = 8_192;
/// The most memory that a compiled pattern takes, in bytes; those of one condition take at most four times as much. Classes
/// of the whole of Unicode are large: each copy of `\w` takes some ten kilobytes.
pub const LARGEST_COMPILED: usize = 2 * 1024 * 1024;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    // At most, in bytes.
    pub(crate) size: usize,
    // Places in the pattern that one byte of text may have to be held against.
    places: u64,
}

impl Pattern {
    pub(crate) fn compile(pattern: &str) -> Result<Self, String> {
        let shown = crate::value::shortened(pattern);
        if pattern.len() > LONGEST_PATTERN {
            return Err(format!("The regular expression {shown:?} is longer than {LONGEST_PATTERN} bytes."));
        }
        let translated = translate(pattern).map_err(|why| format!("The regular expression {shown:?} is not offered: {why}."))?;
        let read = regex_syntax::ParserBuilder::new().nest_limit(32).build().parse(&translated);
        // Where it cannot be read, the engine says so below.
        let places = read.map_or(0, |read| places(&read));
        // The smallest size that holds the program says what it takes.
        for size in [LARGEST_COMPILED / 128, LARGEST_COMPILED / 32, LARGEST_COMPILED / 8, LARGEST_COMPILED / 2, LARGEST_COMPILED] {
            match RegexBuilder::new(&translated).size_limit(size).nest_limit(32).build() {
                Ok(regex) => return Ok(Self { regex, size, places }),
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => {
                    let last = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                    return Err(format!("The regular expression {shown:?} cannot be read: {last}."));
                }
            }
        }
        Err(format!("The regular expression {shown:?} compiles to more than {LARGEST_COMPILED} bytes."))
    }

    /// The work that a text of so many bytes is, at most.
    pub(crate) const fn work(&self, bytes: usize) -> u64 {
        10 + self.places.saturating_mul(bytes as u64 + 1)
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

// The engine keeps a set of the places where a match may have come to, and looks at each of them for each byte. Size does
// not tell how many these are: a class of Unicode is one place of many bytes, an optional letter is a place of few.
fn places(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(_) => 2,
        HirKind::Capture(capture) => places(&capture.sub).saturating_add(2),
        HirKind::Repetition(repetition) => {
            let copies = repetition.max.map_or(repetition.min.saturating_add(1), |max| max.max(1));
            places(&repetition.sub).saturating_add(1).saturating_mul(u64::from(copies))
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().map(places).fold(1, u64::saturating_add),
    }
}

fn translate(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    // Whether we are inside `[…]`, and whether nothing but `[` or `[^` came so far.
    let (mut class, mut first) = (false, false);
    while let Some(c) = rest.next() {
        let at_first = std::mem::take(&mut first);
        match c {
            '\\' => match rest.next() {
                Some('w') => out.push_str("[^\\p{P}\\p{Z}\\p{C}]"),
                Some('W') => out.push_str("[\\p{P}\\p{Z}\\p{C}]"),
                Some('s') => out.push_str("[ \\t\\n\\r]"),
                Some('S') => out.push_str("[^ \\t\\n\\r]"),
                Some('d') => out.push_str("\\p{Nd}"),
                Some('D') => out.push_str("\\P{Nd}"),
                Some(kind @ ('p' | 'P')) => {
                    let mut name = String::new();
                    if rest.next() != Some('{') {
                        return Err("\\p takes a general category in braces, such as \\p{Lu}");
                    }
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some(c) if c.is_ascii_alphabetic() && name.len() < 2 => name.push(c),
                            _ => return Err("\\p takes a general category in braces, such as \\p{Lu}; blocks such as \\p{IsGreek} are not offered"),
                        }
                    }
                    out.push_str(&format!("\\{kind}{{{name}}}"));
                }
                Some(c @ ('n' | 'r' | 't' | '\\' | '|' | '.' | '-' | '^' | '?' | '*' | '+' | '{' | '}' | '(' | ')' | '[' | ']' | '$')) => out.extend(['\\', c]),
                Some('i' | 'I' | 'c' | 'C') => return Err("the classes \\i and \\c are not offered"),
                Some('0'..='9') => return Err("it refers back to a group"),
                Some(_) => return Err("XML Schema knows no such escape"),
                None => return Err("it ends with a backslash"),
            },
            '[' if class => return Err("a [ inside a class is written \\[, and taking one class from another is not offered"),
            '[' => {
                class = true;
                first = true;
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            ']' if class && at_first => return Err("a class holds nothing"),
            ']' if class => {
                class = false;
                out.push(']');
            }
            ']' => return Err("a ] that closes no class is written \\]"),
            // The engine reads these doubled, as operations on classes.
            '&' | '~' | '^' if class => out.extend(['\\', c]),
            '-' if class && rest.peek() == Some(&'-') => return Err("a - inside a class is written \\-"),
            '(' if !class && rest.peek() == Some(&'?') => {
                rest.next();
                if rest.next() != Some(':') {
                    return Err("of the groups that begin with (? only (?: is offered");
                }
                out.push_str("(?:");
            }
            '{' if !class => {
                // The engine takes white space in a quantifier; XML Schema takes digits and one comma.
                out.push('{');
                let mut digits = 0;
                loop {
                    match rest.next() {
                        Some(c @ '0'..='9') => {
                            digits += 1;
                            out.push(c);
                        }
                        Some(',') if digits > 0 => out.push(','),
                        Some('}') if digits > 0 => break out.push('}'),
                        _ => return Err("a { that begins no quantifier such as {2,3} is written \\{"),
                    }
                }
            }
            '}' if !class => return Err("a } that closes no quantifier is written \\}"),
            _ => out.push(c),
        }
    }
    if class { Err("a class is not closed") } else { Ok(out) }
}

//! Regular expressions as `string-regexp-match` wants them: those of XPath, in an engine that never
//! goes back.
//!
//! The engine's own syntax differs from XPath's. What means the same is passed on, what has another
//! meaning is rewritten (`\w`, `\s`, `\d`), and what would silently mean something else is refused.

use regex_automata::Input;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{Compiler, Config, WhichCaptures};
use regex_syntax::hir::{Class, Hir, HirKind};
use regex_syntax::utf8::Utf8Sequences;

/// The longest pattern, in bytes.
pub const LONGEST_PATTERN: usize = 1_000;
/// The longest text that a pattern is held against, in bytes; Indeterminate above.
pub const LONGEST_MATCHED: usize = 8_192;
/// The most that one pattern may come to, in steps; those of one condition come to at most four
/// times as much. A letter is a step for each of its bytes, a class one for each range of bytes
/// that it is made of, and what is repeated counts as often as it may occur. Classes of the whole
/// of Unicode are large: a `\w` is some four thousand steps.
pub const MOST_STEPS: u64 = 400_000;
/// The most classes such as `\w`, `\d` and `\p{L}` that one pattern holds: each is put together
/// from a table while the pattern is read, before anybody knows what it comes to.
pub const MOST_CLASSES: usize = 100;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    engine: PikeVM,
    cost: Cost,
}

/// What a pattern comes to. Computed from what was read of it and from nothing else: what an engine
/// takes, or says that it takes, is another with each version and with what other crates ask of it.
#[derive(Clone, Copy, Debug)]
struct Cost {
    // What is built and kept, whose number memory is in proportion to.
    steps: u64,
    // Places in the pattern that one byte of text may have to be held against.
    places: u64,
}

impl Pattern {
    pub(crate) fn compile(pattern: &str) -> Result<Self, String> {
        let shown = crate::value::shortened(pattern);
        if pattern.len() > LONGEST_PATTERN {
            return Err(format!(
                "The regular expression {shown:?} is longer than {LONGEST_PATTERN} bytes."
            ));
        }
        // A backslash that is itself escaped may be counted as well; who writes so many of them is
        // told the same.
        let classes = pattern
            .match_indices('\\')
            .filter(|(at, _)| pattern[at + 1..].starts_with(['w', 'W', 'd', 'D', 'p', 'P']));
        if classes.count() > MOST_CLASSES {
            return Err(format!(
                "The regular expression {shown:?} holds more than {MOST_CLASSES} classes such as \
                \\w, \\d and \\p{{L}}."
            ));
        }
        let translated = translate(pattern)
            .map_err(|why| format!("The regular expression {shown:?} is not offered: {why}."))?;
        let read = regex_syntax::ParserBuilder::new()
            .nest_limit(32)
            .build()
            .parse(&translated);
        let cannot = |error: String| {
            let last = error
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            format!("The regular expression {shown:?} cannot be read: {last}.")
        };
        let hir = read.map_err(|error| cannot(error.to_string()))?;
        // Before anything is built: a repeated pattern is built as often as it may occur.
        let cost = cost(&hir);
        if cost.steps > MOST_STEPS {
            return Err(format!(
                "The regular expression {shown:?} comes to more than {MOST_STEPS} steps."
            ));
        }
        let nfa = Compiler::new()
            .configure(Config::new().which_captures(WhichCaptures::None))
            .build_from_hir(&hir);
        let engine = nfa
            .and_then(PikeVM::new_from_nfa)
            .map_err(|error| cannot(error.to_string()))?;
        Ok(Self { engine, cost })
    }

    pub(crate) const fn steps(&self) -> u64 {
        self.cost.steps
    }

    /// The work that a text of so many bytes is, at most.
    pub(crate) const fn work(&self, bytes: usize) -> u64 {
        // The engine lays out its sets of places anew for each text.
        10 + self.cost.steps / 256 + self.cost.places.saturating_mul(bytes as u64 + 1)
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.engine.is_match(
            &mut self.engine.create_cache(),
            Input::new(text).earliest(true),
        )
    }
}

// The engine keeps a set of the places where a match may have come to, and looks at each of them
// for each byte. Steps do not tell how many these are: a class of Unicode is one place of many
// steps, an optional letter is a place of few.
fn cost(hir: &Hir) -> Cost {
    let both = |steps: u64, places: u64| Cost { steps, places };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => both(1, 1),
        HirKind::Literal(literal) => both(literal.0.len() as u64, literal.0.len() as u64),
        HirKind::Class(Class::Bytes(class)) => both(class.ranges().len() as u64, 2),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class
                .ranges()
                .iter()
                .flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
            both(
                1 + ranges.map(|sequence| sequence.len() as u64).sum::<u64>(),
                2,
            )
        }
        HirKind::Capture(capture) => cost(&capture.sub),
        HirKind::Repetition(repetition) => {
            let copies = u64::from(
                repetition
                    .max
                    .map_or(repetition.min.saturating_add(1), |max| max.max(1)),
            );
            let once = cost(&repetition.sub);
            // Each copy begins with a choice of going in or past, and may end with one of going
            // back.
            both(
                once.steps.saturating_add(2).saturating_mul(copies),
                once.places.saturating_add(1).saturating_mul(copies),
            )
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(cost).fold(both(1, 1), |all, part| {
                both(
                    all.steps.saturating_add(part.steps).saturating_add(1),
                    all.places.saturating_add(part.places),
                )
            })
        }
    }
}

// The general categories of XML Schema.
const CATEGORIES: [&str; 36] = [
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc",
    "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Z", "Zs", "Zl", "Zp", "S", "Sm", "Sc", "Sk", "So", "C",
    "Cc", "Cf", "Co", "Cn",
];

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
                            _ => {
                                return Err(
                                    "\\p takes a general category in braces, such as \\p{Lu}; \
                                    blocks such as \\p{IsGreek} are not offered",
                                );
                            }
                        }
                    }
                    // The engine knows more names than these where another crate asks it to.
                    if !CATEGORIES.contains(&name.as_str()) {
                        return Err("\\p takes a general category of XML Schema, such as \\p{Lu}");
                    }
                    out.push_str(&format!("\\{kind}{{{name}}}"));
                }
                Some(
                    c @ ('n' | 'r' | 't' | '\\' | '|' | '.' | '-' | '^' | '?' | '*' | '+' | '{'
                    | '}' | '(' | ')' | '[' | ']' | '$'),
                ) => out.extend(['\\', c]),
                Some('i' | 'I' | 'c' | 'C') => {
                    return Err("the classes \\i and \\c are not offered");
                }
                Some('0'..='9') => return Err("it refers back to a group"),
                Some(_) => return Err("XML Schema knows no such escape"),
                None => return Err("it ends with a backslash"),
            },
            '[' if class => {
                return Err(
                    "a [ inside a class is written \\[, and taking one class from another is not \
                    offered",
                );
            }
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
            '-' if class && rest.peek() == Some(&'-') => {
                return Err("a - inside a class is written \\-");
            }
            '(' if !class && rest.peek() == Some(&'?') => {
                rest.next();
                if rest.next() != Some(':') {
                    return Err("of the groups that begin with (? only (?: is offered");
                }
                out.push_str("(?:");
            }
            '{' if !class => {
                // The engine takes white space in a quantifier; XML Schema takes digits and one
                // comma.
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
                        _ => {
                            return Err(
                                "a { that begins no quantifier such as {2,3} is written \\{",
                            );
                        }
                    }
                }
            }
            '}' if !class => return Err("a } that closes no quantifier is written \\}"),
            _ => out.push(c),
        }
    }
    if class {
        Err("a class is not closed")
    } else {
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The limit is one of steps; what it is for is memory, which the engine counts itself.
    #[test]
    fn memory_is_in_proportion_to_steps() {
        for pattern in [
            "a",
            ".",
            "x?",
            r"\w",
            r"\W{20}",
            r"[\w.\-]{1,64}@example\.com$",
            r"\p{Lu}{10}\p{Cn}\P{L}",
            "(a?){900}",
            "(){900}",
            "(a*){900}",
            "(a{2,}){900}",
            "((|a|){30}){30}",
            "(^|$){900}",
            "(^a?$)*{900}",
            "((((a|b*)?)+)*){0,900}",
            "(é|ß|€){900}",
            "\u{20000}{900}",
            "[a\u{20000}]{900}",
            "(abc|abd|ab[ef]){900}",
        ] {
            let pattern = Pattern::compile(pattern).unwrap_or_else(|why| panic!("{why}"));
            let bytes = pattern.engine.get_nfa().memory_usage() as u64;
            assert!(
                bytes <= 1_000 + 16 * pattern.steps(),
                "{pattern:?} takes {bytes} bytes for {} steps",
                pattern.steps()
            );
        }
    }

    // Alternatives, choices and repetitions inside one another; classes by what they are in UTF-8.
    #[test]
    fn steps_are_counted_from_the_pattern_alone() {
        for (pattern, steps) in [
            ("", 1),
            ("abc", 3),
            ("é", 2),
            ("[a-cx-z]", 3),
            ("[é\u{20000}]", 7),
            ("a{3}", 9),
            ("a{2,5}", 15),
            ("a{2,}", 9),
            ("a*", 3),
            ("(a{3}){4}", 44),
            ("a*|b*", 9),
            ("(?:ab){2}$", 12),
        ] {
            assert_eq!(
                Pattern::compile(pattern)
                    .unwrap_or_else(|why| panic!("{why}"))
                    .steps(),
                steps,
                "{pattern}"
            );
        }
    }
}

//! The decision over a web app: URL templates lead to policy groups, groups to roles and partials.
//!
//! Whatever is in doubt is denied: an address that two servers could read in two ways, a group or a
//! partial that is not there, a condition that cannot be evaluated. A gateway lets through what
//! [`Decision::admits`] and nothing else.

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::Offset;
use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;

use crate::parse::{Condition, Effect, Outcome, parse};
use crate::request::{
    ACTION_ID, CURRENT_DATE, CURRENT_DATE_TIME, CURRENT_TIME, RESOURCE_ID, ROLE_CLAIM, Request,
    SUBJECT_ID, SUBJECT_ROLE,
};
use crate::value::{DataType, Value, shortened};

/// The longest path that is decided about, in bytes as it was sent; longer ones are denied.
pub const LONGEST_PATH: usize = 8_192;

/// Whom a group of resources is open to. What else a group says, such as its throttling tier, is
/// the caller's: a [`Decision`] names groups by their place.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The name, for the reasons.
    pub name: String,
    /// One of these is needed, compared exactly. Empty: whoever is signed in.
    pub roles: Vec<String>,
    /// Nobody needs to be signed in or to have a role. The partials are held against the request
    /// all the same.
    pub anonymous: bool,
    /// What must hold as well.
    pub partials: Vec<Partial>,
}

/// A policy partial as a group refers to it.
///
/// Its condition admits or keeps out, as its `Rule` says: one that permits must be true, one that
/// denies must be false. A bare condition permits.
#[derive(Clone, Debug)]
pub struct Partial {
    id: i64,
    held: Held,
}

#[derive(Clone, Debug)]
enum Held {
    Condition(Condition),
    // Read when it is asked: most groups of an app have no say in a decision.
    Text(String),
    Missing,
}

impl Partial {
    /// A partial that was read already. `id` is its number, for the reasons.
    #[must_use]
    pub const fn new(id: i64, condition: Condition) -> Self {
        Self {
            id,
            held: Held::Condition(condition),
        }
    }

    /// A partial as it is stored. It is read if its group is asked; a text that cannot be read
    /// admits nobody.
    #[must_use]
    pub fn text(id: i64, text: impl Into<String>) -> Self {
        Self {
            id,
            held: Held::Text(text.into()),
        }
    }

    /// A reference to a partial that is not there: it admits nobody.
    #[must_use]
    pub const fn missing(id: i64) -> Self {
        Self {
            id,
            held: Held::Missing,
        }
    }

    // What decided, and whether it admits; why not otherwise.
    fn admits(&self, request: &Request) -> (Rule, Result<(), Refusal>) {
        let mut rule = Rule {
            partial: self.id,
            id: None,
        };
        let doubt = |why: String| Err(Refusal { why, doubt: true });
        let read;
        let condition = match &self.held {
            Held::Condition(condition) => condition,
            Held::Text(text) => match parse(text) {
                Ok(condition) => {
                    read = condition;
                    &read
                }
                Err(refused) => return (rule, doubt(format!("cannot be read: {refused}"))),
            },
            Held::Missing => return (rule, doubt("is not there.".to_owned())),
        };
        rule.id = condition.rule_id().map(str::to_owned);
        let refusal = |why: &str| {
            Err(Refusal {
                why: why.to_owned(),
                doubt: false,
            })
        };
        let admits = match (condition.evaluate(request), condition.effect()) {
            (Outcome::True, Effect::Permit) | (Outcome::False, Effect::Deny) => Ok(()),
            (Outcome::False, Effect::Permit) => refusal("does not hold."),
            (Outcome::True, Effect::Deny) => refusal("denies."),
            (Outcome::Indeterminate(why), _) => doubt(format!("cannot be evaluated: {why}")),
        };
        (rule, admits)
    }
}

struct Refusal {
    why: String,
    // Nothing said no; nobody could say yes.
    doubt: bool,
}

/// One URL template of a web app.
#[derive(Clone, Debug)]
pub struct Template {
    pattern: String,
    segments: Vec<Segment>,
    // Whether the pattern ends with `/*`.
    open: bool,
    verb: String,
    group: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    Any,
}

impl Template {
    /// A template from its pattern, its verb and the index of its group.
    ///
    /// A pattern begins with `/`. `{name}` or `*` as a whole segment stands for any one segment,
    /// `*` as the last one for any number of them, also none. One slash at the end does not count.
    /// The verb is compared without case.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the pattern or the verb. A web app with such a
    /// template must be denied as a whole, for another template could be taken for the missing one.
    pub fn new(pattern: &str, verb: &str, group: usize) -> Result<Self, String> {
        let shown = shortened(pattern);
        let mut segments = Vec::new();
        let mut open = false;
        if verb.is_empty()
            || !verb
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
        {
            return Err(format!(
                "The verb {:?} of the pattern {shown:?} is no HTTP method.",
                shortened(verb)
            ));
        }
        let inside = pattern
            .strip_prefix('/')
            .ok_or_else(|| format!("The pattern {shown:?} does not begin with a slash."))?;
        let inside = inside.strip_suffix('/').unwrap_or(inside);
        let parts: Vec<&str> = if pattern == "/" {
            Vec::new()
        } else {
            inside.split('/').collect()
        };
        for (index, part) in parts.iter().enumerate() {
            if *part == "*" && index + 1 == parts.len() {
                open = true;
                continue;
            }
            let name = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            if *part == "*"
                || name.is_some_and(|name| !name.is_empty() && !name.contains(['{', '}', '*']))
            {
                segments.push(Segment::Any);
            } else if part.contains(['{', '}', '*']) {
                return Err(format!(
                    "The pattern {shown:?} has {:?}: a * or a {{name}} stands for a whole segment \
                    only.",
                    shortened(part)
                ));
            } else {
                segments.push(Segment::Text(plain(part).map_err(|why| {
                    format!("The pattern {shown:?} leads nowhere: {why}.")
                })?));
            }
        }
        Ok(Self {
            pattern: pattern.to_owned(),
            segments,
            open,
            verb: verb.to_ascii_uppercase(),
            group,
        })
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    fn fits(&self, path: &[String], same: fn(&str, &str) -> bool) -> bool {
        let length = if self.open {
            path.len() >= self.segments.len()
        } else {
            path.len() == self.segments.len()
        };
        length
            && self.segments.iter().zip(path).all(|(segment, part)| {
                matches!(segment, Segment::Any)
                    || matches!(segment, Segment::Text(text) if same(text, part))
            })
    }

    // Greater is more specific: at the first segment where two differ, text before any segment
    // before the open end.
    fn rank(&self, other: &Self) -> Ordering {
        let kind = |template: &Self, at: usize| match template.segments.get(at) {
            Some(Segment::Text(_)) => 3,
            Some(Segment::Any) => 2,
            None if !template.open => 1,
            None => 0,
        };
        (0..=self.segments.len().max(other.segments.len()))
            .map(|at| kind(self, at).cmp(&kind(other, at)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// Who asks.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The name of whoever is signed in; `None` or empty: nobody is, and roles and attributes do
    /// not count.
    pub id: Option<String>,
    /// The roles.
    pub roles: Vec<String>,
    /// Further attributes of the subject: identifier and value. The name and the roles are never
    /// taken from here, for whoever fills in these may be told them by somebody else.
    pub attributes: Vec<(String, Value)>,
}

impl Subject {
    fn signed_in(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }
}

/// When and where somebody asks, and what else is known of it.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The moment.
    pub now: Timestamp,
    /// How far the clock of the place is from UTC.
    pub offset: Offset,
    /// Further attributes of what is asked for: identifier and value. Its name is never taken from
    /// here: it is the path.
    pub resource: Vec<(String, Value)>,
    /// Further attributes of what holds for everybody, such as an address. The time is never taken
    /// from here.
    pub environment: Vec<(String, Value)>,
}

impl Circumstances {
    /// Nothing but the moment, by the clock of a place `offset` from UTC.
    #[must_use]
    pub const fn at(now: Timestamp, offset: Offset) -> Self {
        Self {
            now,
            offset,
            resource: Vec::new(),
            environment: Vec::new(),
        }
    }
}

/// What a gateway does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Let it through.
    Permit,
    /// Keep it out.
    Deny,
    /// No template of the app is for it. Keep it out as well.
    NotApplicable,
}

/// A rule that had a say in a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The number of the policy partial.
    pub partial: i64,
    /// The `RuleId` of the partial. `None` where it has none or cannot be read.
    pub id: Option<String>,
}

/// A ruling, and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub ruling: Ruling,
    /// The groups that decided, by their place in what was given. With [`Ruling::Permit`], every
    /// group that had to admit: several only where equally specific templates lead to several, and
    /// the strictest of their tiers is the one to throttle by. With [`Ruling::Deny`], the one that
    /// denied; none where the request itself or a missing group is the reason.
    pub groups: Vec<usize>,
    /// With [`Ruling::Permit`], every rule that had to admit; with [`Ruling::Deny`], the one that
    /// did not, if it was one.
    pub rules: Vec<Rule>,
    /// Whether it was denied because something could not be told (XACML's Indeterminate): a path
    /// with two readings, a group or a partial that is not there or cannot be read, a condition
    /// without an answer. Only ever with [`Ruling::Deny`].
    pub indeterminate: bool,
    /// The reason, in a sentence. It names groups, patterns and attributes: for the log and for who
    /// keeps the app, not for whoever was kept out.
    pub reason: String,
}

impl Decision {
    /// Whether the request may pass.
    #[must_use]
    pub const fn admits(&self) -> bool {
        matches!(self.ruling, Ruling::Permit)
    }

    fn doubt(reason: String) -> Self {
        Self {
            ruling: Ruling::Deny,
            groups: Vec::new(),
            rules: Vec::new(),
            indeterminate: true,
            reason,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.ruling, self.reason)
    }
}

/// Decides about one request for a web app, by the clock of UTC.
///
/// `path` is what follows the context of the app, as it was sent: percent-encoded, without query or
/// fragment. See [`decide_under`] for the rest.
#[must_use]
pub fn decide(
    templates: &[Template],
    groups: &[Group],
    path: &str,
    verb: &str,
    subject: &Subject,
    now: Timestamp,
) -> Decision {
    decide_at(templates, groups, path, verb, subject, now, Offset::UTC)
}

/// As [`decide`], by the clock of a place `offset` from UTC.
#[must_use]
pub fn decide_at(
    templates: &[Template],
    groups: &[Group],
    path: &str,
    verb: &str,
    subject: &Subject,
    now: Timestamp,
    offset: Offset,
) -> Decision {
    decide_under(
        templates,
        groups,
        path,
        verb,
        subject,
        &Circumstances::at(now, offset),
    )
}

/// As [`decide_at`], with what else is known.
///
/// Of the templates for the verb whose pattern fits the path, the most specific one decides:
/// segment by segment from the left, text comes before `{name}` and `*`, those before the end, and
/// the end before `/*`. Where several are equally specific, each of their groups must admit, in the
/// order of the templates. A group admits if it is anonymous or one of its roles is the subject's
/// (no roles: whoever is signed in), and each of its partials that permits is true and each that
/// denies is false.
///
/// The path is decoded once. It is denied if a server behind the gateway could read it as another
/// one: with empty, `.` or `..` segments, backslashes, control characters, `;`, encoded slashes or
/// percent signs, broken or invalid encoding, white space or dots at the edge of a segment, or
/// where only case or the composition of characters keeps it from another template. The conditions
/// see the decoded path without a slash at its end as `resource-id`, the verb as `action-id`, the
/// name and the roles of the subject, the time, and what is known beside them.
#[must_use]
pub fn decide_under(
    templates: &[Template],
    groups: &[Group],
    path: &str,
    verb: &str,
    subject: &Subject,
    circumstances: &Circumstances,
) -> Decision {
    let segments = match segments(path) {
        Ok(segments) => segments,
        Err(why) => {
            return Decision::doubt(format!(
                "The path {:?} is not decided about: {why}.",
                shortened(path)
            ));
        }
    };
    if verb.is_empty()
        || !verb
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
    {
        return Decision::doubt(format!(
            "The verb {:?} is not decided about: it is not in capital letters.",
            shortened(verb)
        ));
    }
    let exact = most_specific(templates, &segments, verb, |text, part| text == part);
    let alike = most_specific(templates, &segments, verb, alike);
    // Servers and file systems that look away from case or from the composition of characters would
    // serve the other one.
    if !exact.is_empty() && exact != alike {
        let other = alike
            .first()
            .map_or("", |index| templates[*index].pattern());
        return Decision::doubt(format!(
            "Only case or the composition of characters keeps the path {:?} from the pattern {:?}.",
            shortened(path),
            shortened(other)
        ));
    }
    let Some(first) = exact.first() else {
        let reason = format!(
            "No URL template of the app is for {verb} {:?}.",
            shortened(path)
        );
        return Decision {
            ruling: Ruling::NotApplicable,
            groups: Vec::new(),
            rules: Vec::new(),
            indeterminate: false,
            reason,
        };
    };
    let pattern = shortened(templates[*first].pattern());
    let request = request(&segments, verb, subject, circumstances);
    let (mut asked, mut rules) = (Vec::new(), Vec::new());
    for index in exact {
        let template = &templates[index];
        if asked.contains(&template.group) {
            continue;
        }
        let Some(group) = groups.get(template.group) else {
            return Decision::doubt(format!(
                "The policy group of the pattern {:?} is not there.",
                shortened(&template.pattern)
            ));
        };
        if let Err((rule, Refusal { why, doubt })) = admits(group, subject, &request, &mut rules) {
            let rules = rule.into_iter().collect();
            return Decision {
                ruling: Ruling::Deny,
                groups: vec![template.group],
                rules,
                indeterminate: doubt,
                reason: why,
            };
        }
        asked.push(template.group);
    }
    let names: Vec<String> = asked
        .iter()
        .map(|group| format!("{:?}", shortened(&groups[*group].name)))
        .collect();
    let reason = format!(
        "Of the pattern {pattern:?}, the policy groups admit: {}.",
        names.join(", ")
    );
    Decision {
        ruling: Ruling::Permit,
        groups: asked,
        rules,
        indeterminate: false,
        reason,
    }
}

fn alike(text: &str, part: &str) -> bool {
    if text.is_ascii() && part.is_ascii() {
        text.eq_ignore_ascii_case(part)
    } else {
        folded(text) == folded(part)
    }
}

// In capitals first: some small letters have no other way to their kin.
fn folded(text: &str) -> String {
    text.nfkc()
        .collect::<String>()
        .to_uppercase()
        .to_lowercase()
}

fn most_specific(
    templates: &[Template],
    path: &[String],
    verb: &str,
    same: fn(&str, &str) -> bool,
) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::new();
    for (index, template) in templates.iter().enumerate() {
        if template.verb != verb || !template.fits(path, same) {
            continue;
        }
        match best.first().map(|first| template.rank(&templates[*first])) {
            None | Some(Ordering::Equal) => best.push(index),
            Some(Ordering::Greater) => best = vec![index],
            Some(Ordering::Less) => {}
        }
    }
    best
}

// The rule that refuses, if it is one, and why. The rules that admit are put to the others.
fn admits(
    group: &Group,
    subject: &Subject,
    request: &Request,
    rules: &mut Vec<Rule>,
) -> Result<(), (Option<Rule>, Refusal)> {
    let name = shortened(&group.name);
    let refusal = |why: String| Err((None, Refusal { why, doubt: false }));
    if !group.anonymous {
        if subject.signed_in().is_none() {
            return refusal(format!(
                "The policy group {name:?} is for people who are signed in."
            ));
        }
        if !group.roles.is_empty() && !group.roles.iter().any(|role| subject.roles.contains(role)) {
            return refusal(format!(
                "The policy group {name:?} is for roles of which the subject has none."
            ));
        }
    }
    for partial in &group.partials {
        let (rule, admits) = partial.admits(request);
        if let Err(Refusal { why, doubt }) = admits {
            let named = rule
                .id
                .as_deref()
                .map_or(String::new(), |id| format!(" ({})", shortened(id)));
            let why = format!(
                "The policy partial {}{named} of the group {name:?} {why}",
                rule.partial
            );
            return Err((Some(rule), Refusal { why, doubt }));
        }
        rules.push(rule);
    }
    Ok(())
}

fn request(
    path: &[String],
    verb: &str,
    subject: &Subject,
    circumstances: &Circumstances,
) -> Request {
    let path = format!("/{}", path.join("/"));
    let mut request =
        Request::at(circumstances.now, circumstances.offset).action(ACTION_ID, Value::string(verb));
    for (id, value) in circumstances
        .resource
        .iter()
        .filter(|(id, _)| id != RESOURCE_ID)
    {
        request = request.resource(id, value.clone());
    }
    let clock = [CURRENT_TIME, CURRENT_DATE, CURRENT_DATE_TIME];
    for (id, value) in circumstances
        .environment
        .iter()
        .filter(|(id, _)| !clock.contains(&id.as_str()))
    {
        request = request.environment(id, value.clone());
    }
    // A path with a space is no URI; a condition that asks for one finds none then.
    if let Ok(uri) = Value::parse(DataType::AnyUri, &path) {
        request = request.resource(RESOURCE_ID, uri);
    }
    request = request.resource(RESOURCE_ID, Value::string(path));
    let Some(id) = subject.signed_in() else {
        return request;
    };
    request = request.subject(SUBJECT_ID, Value::string(id));
    for role in &subject.roles {
        request = request
            .subject(SUBJECT_ROLE, Value::string(role))
            .subject(ROLE_CLAIM, Value::string(role));
    }
    let others = subject
        .attributes
        .iter()
        .filter(|(id, _)| ![SUBJECT_ID, SUBJECT_ROLE, ROLE_CLAIM].contains(&id.as_str()));
    others.fold(request, |request, (id, value)| {
        request.subject(id, value.clone())
    })
}

// The segments of a path as it was sent, decoded, without the slash at the end.
fn segments(path: &str) -> Result<Vec<String>, &'static str> {
    if path.len() > LONGEST_PATH {
        return Err("it is too long");
    }
    let inside = path
        .strip_prefix('/')
        .ok_or("it does not begin with a slash")?;
    let inside = inside.strip_suffix('/').unwrap_or(inside);
    if inside.is_empty() {
        // Of two slashes the second one was taken away above.
        return if path == "/" {
            Ok(Vec::new())
        } else {
            Err("a segment is empty")
        };
    }
    inside.split('/').map(plain).collect()
}

/// Whether a character may leave no trace where it is shown: Unicode's default ignorable and format
/// characters.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

// One segment, decoded once; refused where another reader could see more or less than one segment
// in it.
fn plain(segment: &str) -> Result<String, &'static str> {
    let bytes = segment.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'%' if !bytes
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) =>
            {
                return Err("a percent sign is not followed by two hexadecimal digits");
            }
            b'?' | b'#' => return Err("it holds a query or a fragment"),
            _ => {}
        }
    }
    let text = percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| "it is not UTF-8")?;
    if text.is_empty() {
        return Err("a segment is empty");
    }
    if text.contains(['/', '\\']) {
        return Err("a segment holds an encoded slash or a backslash");
    }
    if text.contains(';') {
        return Err("a segment holds a semicolon, which servers cut off or not");
    }
    if text.contains('%') {
        return Err("a segment holds an encoded percent sign, which could be decoded again");
    }
    // Marks that are not seen, such as those of writing direction and the joiners, are format
    // characters.
    if text.chars().any(|c| c.is_control() || is_unseen(c)) {
        return Err("a segment holds a control character");
    }
    if text.ends_with('.')
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
    {
        return Err("a segment is . or .., or ends with a dot or white space");
    }
    Ok(text.into_owned())
}

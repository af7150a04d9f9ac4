//! From text to a checked condition.

use std::fmt;
use std::sync::Arc;

use roxmltree::{Document, Node, ParsingOptions};

use crate::evaluate::{Evaluation, Expression};
use crate::functions::{Function, Higher, Op, Type, function, functions, in_one_line};
use crate::regexp::{MOST_STEPS, Pattern};
use crate::request::Request;
use crate::value::{DataType, Raw, Value, shortened};

/// The namespace of XACML 3.0.
pub const NAMESPACE: &str = "urn:oasis:names:tc:xacml:3.0:core:schema:wd-17";

/// How large a condition may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Elements inside one another.
    pub depth: usize,
    /// Applications, values, designators and functions.
    pub expressions: usize,
    /// Everything in the XML: elements, texts, comments.
    pub nodes: u32,
    /// Regular expressions that are compiled when the condition is read.
    pub patterns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 30_000,
            depth: 32,
            expressions: 1_000,
            nodes: 10_000,
            patterns: 32,
        }
    }
}

/// Why a text is no condition, for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// One or more whole sentences.
    pub reason: String,
    /// The line, counted from one, where it is known.
    pub line: Option<u32>,
    /// The character of the line, counted from one, where it is known.
    pub column: Option<u32>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => {
                write!(f, "Line {line}, column {column}: {}", self.reason)
            }
            _ => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for Refused {}

/// What a partial does where its condition holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// It admits; where the condition does not hold, nobody is admitted.
    #[default]
    Permit,
    /// It keeps out.
    Deny,
}

/// What a condition says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be said, for this reason. Nobody is admitted on its strength.
    Indeterminate(String),
}

/// A condition that was read and checked. Copies share what was read.
#[derive(Clone, Debug)]
pub struct Condition {
    effect: Effect,
    rule: Option<Arc<str>>,
    expression: Arc<Expression>,
}

impl Condition {
    /// The effect of the `Rule` around the condition; [`Effect::Permit`] for a bare condition.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// The `RuleId` of the `Rule` around the condition, as it was written but for white space at
    /// its ends. `None` for a bare condition and for a rule without one.
    #[must_use]
    pub fn rule_id(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// What the condition says about `request`, as XACML 3.0 has it.
    ///
    /// The same request gets the same answer: no clock is read and nothing is looked up. The work
    /// is bounded; a condition that needs more is [`Outcome::Indeterminate`].
    #[must_use]
    pub fn evaluate(&self, request: &Request) -> Outcome {
        match Evaluation::new(request).find(&self.expression) {
            Ok(crate::evaluate::Found::One(Value(Raw::Boolean(true)))) => Outcome::True,
            Ok(crate::evaluate::Found::One(Value(Raw::Boolean(false)))) => Outcome::False,
            Ok(_) => Outcome::Indeterminate("The condition gave no boolean.".to_owned()),
            Err(reason) => Outcome::Indeterminate(reason),
        }
    }
}

/// Reads and checks a condition within the default [`Limits`]: at most 30,000 bytes.
///
/// The text is one `Condition` element, or one `Rule` element around one. Its elements are in the
/// namespace [`NAMESPACE`], by default or by prefix, or in none at all. A DTD is refused, so there
/// are no entities.
///
/// # Errors
/// The first thing that is wrong, and where it stands.
pub fn parse(text: &str) -> Result<Condition, Refused> {
    parse_within(text, &Limits::default())
}

/// As [`parse`], within limits of the caller's.
///
/// # Errors
/// The first thing that is wrong, and where it stands.
pub fn parse_within(text: &str, limits: &Limits) -> Result<Condition, Refused> {
    let nowhere = |reason: String| Refused {
        reason,
        line: None,
        column: None,
    };
    if text.len() > limits.bytes {
        return Err(nowhere(format!(
            "The condition is {} bytes long; at most {} are taken.",
            text.len(),
            limits.bytes
        )));
    }
    // What the parser of XML makes of nesting and of many attributes is its own affair; it never
    // sees more than is taken.
    if let Some((line, reason)) = oversized(text, limits) {
        return Err(Refused {
            reason,
            line: Some(line),
            column: Some(1),
        });
    }
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: limits.nodes,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => {
            nowhere("The condition has a document type declaration, which is not taken.".to_owned())
        }
        roxmltree::Error::NodesLimitReached => nowhere(too_many(limits)),
        error => {
            let pos = error.pos();
            // The parser ends its message with the position, which is told on its own here.
            let reason = error.to_string();
            let reason = reason
                .rfind(" at ")
                .map_or(reason.as_str(), |at| &reason[..at]);
            Refused {
                reason: format!("This is no well-formed XML: {}.", shortened(reason)),
                line: Some(pos.row),
                column: Some(pos.col),
            }
        }
    })?;
    let root = document.root_element();
    let mut reader = Reader {
        limits,
        namespace: namespace(&root).map(str::to_owned),
        expressions: 0,
        patterns: 0,
        steps: 0,
    };
    if reader
        .namespace
        .as_deref()
        .is_some_and(|namespace| namespace != NAMESPACE)
    {
        let namespace = reader.namespace.as_deref().unwrap_or_default();
        return Err(refused(
            &root,
            format!(
                "The namespace {:?} is not that of XACML 3.0, {NAMESPACE}.",
                shortened(namespace)
            ),
        ));
    }
    let (effect, condition) = match root.tag_name().name() {
        "Condition" => (Effect::Permit, root),
        "Rule" => reader.rule(root)?,
        "Policy" | "PolicySet" => {
            return Err(refused(
                &root,
                "A partial is one Condition, or one Rule around it; a whole policy is not taken."
                    .to_owned(),
            ));
        }
        other => {
            return Err(refused(
                &root,
                format!(
                    "The element {:?} is not known here: a partial is one Condition, or one Rule \
                    around it.",
                    shortened(other)
                ),
            ));
        }
    };
    reader.attributes(&condition, &[])?;
    let expression = match reader.children(condition)?[..] {
        [only] => reader.expression(only)?,
        ref many => {
            return Err(refused(
                &condition,
                format!(
                    "A Condition holds one expression; this one holds {}.",
                    many.len()
                ),
            ));
        }
    };
    if expression.result() != Type::One(DataType::Boolean) {
        return Err(refused(
            &condition,
            format!(
                "A condition is a boolean; this expression gives a {}.",
                expression.result()
            ),
        ));
    }
    let rule = root
        .attribute("RuleId")
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(Arc::from);
    Ok(Condition {
        effect,
        rule,
        expression: Arc::new(expression),
    })
}

fn too_many(limits: &Limits) -> String {
    format!(
        "The XML holds more than {} elements, texts and comments.",
        limits.nodes
    )
}

// The longest tag, in bytes. The parser compares each attribute of a tag with all the others.
const LONGEST_TAG: usize = 8_192;

// Counts tags without reading them, comments and such aside: enough to stop before the nesting is
// built. It may count too few where the XML is broken, never too many where it is well-formed.
fn oversized(text: &str, limits: &Limits) -> Option<(u32, String)> {
    let line = |rest: &str| {
        u32::try_from(text[..text.len() - rest.len()].matches('\n').count() + 1).unwrap_or(u32::MAX)
    };
    let (mut depth, mut tags, mut rest) = (0_usize, 0_u32, text);
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        tags += 1;
        // A closing tag is no node, so there are at least half as many nodes as there are tags.
        if tags / 2 > limits.nodes {
            return Some((line(rest), too_many(limits)));
        }
        let skipped = [
            ("<!--", "-->"),
            ("<![CDATA[", "]]>"),
            ("<?", "?>"),
            ("<!", ">"),
        ]
        .into_iter()
        .find(|(begin, _)| rest.starts_with(begin));
        if let Some((begin, end)) = skipped {
            let inside = &rest[begin.len()..];
            rest = inside.find(end).map_or("", |at| &inside[at + end.len()..]);
            continue;
        }
        // A > may stand inside the quotes of an attribute.
        let mut quote = None;
        let end = rest.char_indices().find(|(_, c)| match (quote, *c) {
            (None, '>') => true,
            (None, '"' | '\'') => {
                quote = Some(*c);
                false
            }
            (Some(open), c) if c == open => {
                quote = None;
                false
            }
            _ => false,
        });
        let tag = &rest[..end.map_or(rest.len(), |(at, _)| at)];
        if tag.len() > LONGEST_TAG {
            return Some((
                line(rest),
                format!("A tag is longer than {LONGEST_TAG} bytes."),
            ));
        }
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else {
            depth += 1;
            if depth > limits.depth {
                return Some((
                    line(rest),
                    format!(
                        "More than {} elements stand inside one another.",
                        limits.depth
                    ),
                ));
            }
            if tag.ends_with('/') {
                depth -= 1;
            }
        }
        rest = &rest[tag.len()..];
    }
    None
}

// An empty namespace is none.
fn namespace<'a>(node: &Node<'a, '_>) -> Option<&'a str> {
    node.tag_name()
        .namespace()
        .filter(|namespace| !namespace.is_empty())
}

fn refused(node: &Node<'_, '_>, reason: String) -> Refused {
    let pos = node.document().text_pos_at(node.range().start);
    Refused {
        reason,
        line: Some(pos.row),
        column: Some(pos.col),
    }
}

struct Reader<'l> {
    limits: &'l Limits,
    // That of the outermost element; all others are in the same.
    namespace: Option<String>,
    expressions: usize,
    patterns: usize,
    // What they come to.
    steps: u64,
}

impl Reader<'_> {
    // The child elements. Text between them is white space.
    fn children<'a, 'i>(&self, node: Node<'a, 'i>) -> Result<Vec<Node<'a, 'i>>, Refused> {
        let mut children = Vec::new();
        for child in node.children() {
            if child.is_element() {
                if namespace(&child) != self.namespace.as_deref() {
                    let name = shortened(child.tag_name().name());
                    return Err(refused(
                        &child,
                        format!(
                            "The element {name:?} is not in the namespace of the element around it."
                        ),
                    ));
                }
                children.push(child);
            } else if child.is_text()
                && child
                    .text()
                    .is_some_and(|text| !text.trim_matches([' ', '\t', '\r', '\n']).is_empty())
            {
                return Err(refused(
                    &child,
                    format!("{} holds elements, not text.", node.tag_name().name()),
                ));
            }
        }
        Ok(children)
    }

    // Attributes of other namespaces, such as a schema location, say nothing here.
    fn attributes(&self, node: &Node<'_, '_>, known: &[&str]) -> Result<(), Refused> {
        match node
            .attributes()
            .find(|attribute| attribute.namespace().is_none() && !known.contains(&attribute.name()))
        {
            Some(attribute) => Err(refused(
                node,
                format!(
                    "{} has no attribute {:?}.",
                    node.tag_name().name(),
                    shortened(attribute.name())
                ),
            )),
            None => Ok(()),
        }
    }

    fn attribute<'a>(&self, node: &Node<'a, '_>, name: &str) -> Result<&'a str, Refused> {
        match node.attribute(name) {
            Some(value) if !value.trim().is_empty() => Ok(value),
            _ => Err(refused(
                node,
                format!("{} needs the attribute {name}.", node.tag_name().name()),
            )),
        }
    }

    fn rule<'a, 'i>(&self, rule: Node<'a, 'i>) -> Result<(Effect, Node<'a, 'i>), Refused> {
        self.attributes(&rule, &["Effect", "RuleId"])?;
        let effect = match self.attribute(&rule, "Effect")? {
            "Permit" => Effect::Permit,
            "Deny" => Effect::Deny,
            other => {
                return Err(refused(
                    &rule,
                    format!(
                        "The effect of a Rule is Permit or Deny, not {:?}.",
                        shortened(other)
                    ),
                ));
            }
        };
        let mut condition = None;
        for child in self.children(rule)? {
            match child.tag_name().name() {
                "Description" => {}
                "Target" if self.children(child)?.is_empty() => {}
                "Target" => {
                    return Err(refused(
                        &child,
                        "The Target of a partial is empty: the URL pattern \
                        and the verb of the app say what it is for."
                            .to_owned(),
                    ));
                }
                "Condition" if condition.is_none() => condition = Some(child),
                "Condition" => {
                    return Err(refused(
                        &child,
                        "A partial holds one Condition; this is a second one.".to_owned(),
                    ));
                }
                other => {
                    return Err(refused(
                        &child,
                        format!(
                            "The element {:?} is not taken in the Rule of a partial.",
                            shortened(other)
                        ),
                    ));
                }
            }
        }
        condition
            .map(|condition| (effect, condition))
            .ok_or_else(|| {
                refused(
                    &rule,
                    "The Rule of a partial holds one Condition; this one holds none.".to_owned(),
                )
            })
    }

    fn count(&mut self, node: &Node<'_, '_>) -> Result<(), Refused> {
        self.expressions += 1;
        if self.expressions > self.limits.expressions {
            return Err(refused(
                node,
                format!(
                    "The condition holds more than {} expressions.",
                    self.limits.expressions
                ),
            ));
        }
        Ok(())
    }

    fn expression(&mut self, node: Node<'_, '_>) -> Result<Expression, Refused> {
        self.count(&node)?;
        match node.tag_name().name() {
            "Apply" => self.apply(node),
            "AttributeValue" => self.literal(&node),
            "AttributeDesignator" => self.designator(&node),
            "AttributeSelector" => Err(refused(
                &node,
                "AttributeSelector is not offered: the \
                request holds attributes, no XML to select from."
                    .to_owned(),
            )),
            "VariableReference" => Err(refused(
                &node,
                "VariableReference is not offered: a partial \
                stands alone and defines no variables."
                    .to_owned(),
            )),
            "Function" => Err(refused(
                &node,
                "Function stands only in the applications that take one, first: any-of, all-of, \
                any-of-any, all-of-any, any-of-all, all-of-all, map."
                    .to_owned(),
            )),
            "SubjectAttributeDesignator"
            | "ResourceAttributeDesignator"
            | "ActionAttributeDesigna\
                tor"
            | "EnvironmentAttributeDesignator" => Err(refused(
                &node,
                "This is XACML 2.0; in XACML 3.0 it is AttributeDesignator, \
                    with a Category."
                    .to_owned(),
            )),
            other => Err(refused(
                &node,
                format!(
                    "The element {:?} is no expression; these are: Apply, AttributeValue, \
                    AttributeDesignator, Function.",
                    shortened(other)
                ),
            )),
        }
    }

    fn data_type(&self, node: &Node<'_, '_>) -> Result<DataType, Refused> {
        let uri = self.attribute(node, "DataType")?;
        DataType::of_uri(uri).ok_or_else(|| {
            let known: Vec<_> = DataType::ALL.iter().copied().map(DataType::uri).collect();
            refused(
                node,
                format!(
                    "The data type {:?} is not known. These are: {}.",
                    shortened(uri),
                    known.join(", ")
                ),
            )
        })
    }

    fn literal(&self, node: &Node<'_, '_>) -> Result<Expression, Refused> {
        self.attributes(node, &["DataType"])?;
        let data_type = self.data_type(node)?;
        let mut text = String::new();
        for child in node.children() {
            if child.is_element() {
                return Err(refused(
                    &child,
                    "An AttributeValue holds text only.".to_owned(),
                ));
            }
            // A comment may stand inside the text.
            if child.is_text() {
                text.push_str(child.text().unwrap_or_default());
            }
        }
        Value::parse(data_type, &text)
            .map(Expression::Literal)
            .map_err(|reason| refused(node, reason))
    }

    fn designator(&self, node: &Node<'_, '_>) -> Result<Expression, Refused> {
        self.attributes(
            node,
            &[
                "Category",
                "AttributeId",
                "DataType",
                "MustBePresent",
                "Issuer",
            ],
        )?;
        if node.has_attribute("Issuer") {
            return Err(refused(
                node,
                "Issuer is not offered: the attributes of a request name \
                nobody who issued them, so it would never match."
                    .to_owned(),
            ));
        }
        if !self.children(*node)?.is_empty() {
            return Err(refused(
                node,
                "An AttributeDesignator holds nothing.".to_owned(),
            ));
        }
        let must_be_present = match self.attribute(node, "MustBePresent")?.trim() {
            "true" | "1" => true,
            "false" | "0" => false,
            other => {
                return Err(refused(
                    node,
                    format!(
                        "MustBePresent is true or false, not {:?}.",
                        shortened(other)
                    ),
                ));
            }
        };
        Ok(Expression::Designator {
            category: self.attribute(node, "Category")?.trim().to_owned(),
            id: self.attribute(node, "AttributeId")?.trim().to_owned(),
            data_type: self.data_type(node)?,
            must_be_present,
        })
    }

    fn function(&self, node: &Node<'_, '_>) -> Result<&'static Function, Refused> {
        self.attributes(node, &["FunctionId"])?;
        let id = self.attribute(node, "FunctionId")?;
        function(id).ok_or_else(|| {
            let name = id.rsplit(':').next().unwrap_or_default();
            let meant = functions()
                .find(|function| function.name() == name)
                .map_or(String::new(), |function| {
                    format!(" The function of that name is {}.", function.id())
                });
            refused(
                node,
                format!(
                    "The function {:?} is not offered.{meant} Offered are: {}.",
                    shortened(id),
                    in_one_line()
                ),
            )
        })
    }

    fn apply(&mut self, node: Node<'_, '_>) -> Result<Expression, Refused> {
        let function = self.function(&node)?;
        let mut children = self.children(node)?;
        // Said by the standard, and by nobody read.
        if children
            .first()
            .is_some_and(|child| child.tag_name().name() == "Description")
        {
            children.remove(0);
        }
        if let Op::Higher(kind) = function.op {
            return self.higher(&node, function, kind, &children);
        }
        let mut arguments = Vec::with_capacity(children.len());
        for child in &children {
            arguments.push(self.expression(*child)?);
        }
        let least = function.parameters.len();
        if arguments.len() < least || function.rest.is_none() && arguments.len() > least {
            return Err(refused(
                &node,
                format!(
                    "{} takes {}; here it gets {}.",
                    function.name(),
                    function.signature(),
                    counted(arguments.len())
                ),
            ));
        }
        for (index, (argument, child)) in arguments.iter().zip(&children).enumerate() {
            let wanted = function
                .parameters
                .get(index)
                .copied()
                .or(function.rest)
                .unwrap_or(function.result);
            if argument.result() != wanted {
                return Err(refused(
                    child,
                    mismatch(function, index + 1, wanted, argument.result()),
                ));
            }
        }
        let pattern = self.pattern(function, &arguments, &children)?;
        Ok(Expression::Apply {
            function,
            inner: None,
            arguments,
            pattern,
            result: function.result,
        })
    }

    // A pattern that is written in the condition is compiled once, here, and refused here where it
    // is none.
    fn pattern(
        &mut self,
        function: &Function,
        arguments: &[Expression],
        children: &[Node<'_, '_>],
    ) -> Result<Option<Pattern>, Refused> {
        let (Op::RegexpMatch, [Expression::Literal(Value(Raw::String(pattern))), ..], [child, ..]) =
            (function.op, arguments, children)
        else {
            return Ok(None);
        };
        self.patterns += 1;
        if self.patterns > self.limits.patterns {
            return Err(refused(
                child,
                format!(
                    "The condition holds more than {} regular expressions.",
                    self.limits.patterns
                ),
            ));
        }
        let compiled = Pattern::compile(pattern).map_err(|reason| refused(child, reason))?;
        self.steps += compiled.steps();
        if self.steps > 4 * MOST_STEPS {
            return Err(refused(
                child,
                format!(
                    "The regular expressions of the condition come to more than {} steps.",
                    4 * MOST_STEPS
                ),
            ));
        }
        Ok(Some(compiled))
    }

    fn higher(
        &mut self,
        node: &Node<'_, '_>,
        function: &'static Function,
        kind: Higher,
        children: &[Node<'_, '_>],
    ) -> Result<Expression, Refused> {
        let (first, children) = match children {
            [first, rest @ ..] if first.tag_name().name() == "Function" => (first, rest),
            _ => {
                return Err(refused(
                    node,
                    format!(
                        "{} takes a Function first: {}.",
                        function.name(),
                        function.signature()
                    ),
                ));
            }
        };
        self.count(first)?;
        if !self.children(*first)?.is_empty() {
            return Err(refused(first, "A Function holds nothing.".to_owned()));
        }
        let inner = self.function(first)?;
        let mut arguments = Vec::with_capacity(children.len());
        for child in children {
            arguments.push(self.expression(*child)?);
        }
        let bags = arguments
            .iter()
            .filter(|argument| matches!(argument.result(), Type::Bag(_)))
            .count();
        let fits = match kind {
            Higher::AnyOf | Higher::AllOf | Higher::Map => bags == 1,
            Higher::AnyOfAny => !arguments.is_empty(),
            Higher::AllOfAny | Higher::AnyOfAll | Higher::AllOfAll => {
                bags == 2 && arguments.len() == 2
            }
        };
        if !fits {
            let given = format!("{}, {} of them bags", counted(arguments.len()), bags);
            return Err(refused(
                node,
                format!(
                    "{} takes {}; after the function it gets {given}.",
                    function.name(),
                    function.signature()
                ),
            ));
        }
        // The inner function gets one value of each, so it takes and gives single values.
        let Type::One(gives) = inner.result else {
            return Err(refused(
                first,
                format!(
                    "{} gives a bag; {} takes a function that gives one value.",
                    inner.name(),
                    function.name()
                ),
            ));
        };
        if matches!(inner.op, Op::Higher(_))
            || inner
                .parameters
                .iter()
                .chain(&inner.rest)
                .any(|parameter| matches!(parameter, Type::Bag(_)))
        {
            return Err(refused(
                first,
                format!(
                    "{} takes bags or functions; {} takes a function of single values.",
                    inner.name(),
                    function.name()
                ),
            ));
        }
        if kind != Higher::Map && gives != DataType::Boolean {
            return Err(refused(
                first,
                format!(
                    "{} takes a function that gives a boolean; {} gives a {}.",
                    function.name(),
                    inner.name(),
                    inner.result
                ),
            ));
        }
        if arguments.len() < inner.parameters.len()
            || inner.rest.is_none() && arguments.len() > inner.parameters.len()
        {
            return Err(refused(
                first,
                format!(
                    "{} takes {}; here it gets {}.",
                    inner.name(),
                    inner.signature(),
                    counted(arguments.len())
                ),
            ));
        }
        for (index, (argument, child)) in arguments.iter().zip(children).enumerate() {
            let wanted = inner
                .parameters
                .get(index)
                .copied()
                .or(inner.rest)
                .unwrap_or(inner.result);
            if argument.result().data_type() != wanted.data_type() {
                return Err(refused(
                    child,
                    mismatch(inner, index + 1, wanted, argument.result()),
                ));
            }
        }
        let pattern = self.pattern(inner, &arguments, children)?;
        let result = if kind == Higher::Map {
            Type::Bag(gives)
        } else {
            Type::One(DataType::Boolean)
        };
        Ok(Expression::Apply {
            function,
            inner: Some(inner),
            arguments,
            pattern,
            result,
        })
    }
}

fn counted(arguments: usize) -> String {
    if arguments == 1 {
        "1 argument".to_owned()
    } else {
        format!("{arguments} arguments")
    }
}

fn mismatch(function: &Function, position: usize, wanted: Type, given: Type) -> String {
    let help = match (wanted, given) {
        (Type::One(one), Type::Bag(bag)) if one == bag => format!(
            " {}-one-and-only makes one value of a bag that holds one.",
            one.name()
        ),
        (Type::Bag(bag), Type::One(one)) if one == bag => {
            format!(" {}-bag makes a bag of values.", one.name())
        }
        _ => String::new(),
    };
    format!(
        "{} takes a {wanted} as argument {position}, not a {given}.{help}",
        function.name()
    )
}

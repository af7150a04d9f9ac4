//! What a condition says about a request.

use std::cell::Cell;
use std::cmp::Ordering;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span};

use crate::functions::{Function, Higher, Op, Type};
use crate::regexp::{LONGEST_MATCHED, Pattern};
use crate::request::Request;
use crate::value::{DataType, LONGEST_VALUE, Raw, SECOND, Value, shortened};

// Enough for any condition that a person writes; what is built to last is stopped after a fraction
// of a second.
const WORK: u64 = 4_000_000;
// A pattern that only the request knows is compiled while evaluating: reading it, and building each
// of its steps.
const WORK_OF_READING: u64 = 500_000;
const WORK_OF_A_STEP: u64 = 8;
const DAY: i128 = 86_400 * SECOND;

/// A checked expression.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Literal(Value),
    Designator {
        category: String,
        id: String,
        data_type: DataType,
        must_be_present: bool,
    },
    // `function` is what is applied; for a function over functions, `inner` is the one it was
    // given.
    Apply {
        function: &'static Function,
        inner: Option<&'static Function>,
        arguments: Vec<Expression>,
        pattern: Option<Pattern>,
        result: Type,
    },
}

impl Expression {
    pub(crate) const fn result(&self) -> Type {
        match self {
            Self::Literal(value) => Type::One(value.data_type()),
            Self::Designator { data_type, .. } => Type::Bag(*data_type),
            Self::Apply { result, .. } => *result,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Found {
    One(Value),
    Bag(Vec<Value>),
}

impl Found {
    fn one(&self) -> Result<&Value, String> {
        match self {
            Self::One(value) => Ok(value),
            Self::Bag(_) => Err(unchecked()),
        }
    }

    fn bag(&self) -> Result<&[Value], String> {
        match self {
            Self::Bag(values) => Ok(values),
            Self::One(_) => Err(unchecked()),
        }
    }

    fn truth(&self) -> Result<bool, String> {
        match self.one()?.0 {
            Raw::Boolean(flag) => Ok(flag),
            _ => Err(unchecked()),
        }
    }

    fn integer(&self) -> Result<i64, String> {
        match self.one()?.0 {
            Raw::Integer(number) => Ok(number),
            _ => Err(unchecked()),
        }
    }

    fn double(&self) -> Result<f64, String> {
        match self.one()?.0 {
            Raw::Double(number) => Ok(number),
            _ => Err(unchecked()),
        }
    }

    // The text of a string or a URI.
    fn text(&self) -> Result<&str, String> {
        match &self.one()?.0 {
            Raw::String(text) | Raw::AnyUri(text) => Ok(text),
            _ => Err(unchecked()),
        }
    }
}

// The types were checked when the condition was read, so this is not reached; a decision never
// panics all the same.
fn unchecked() -> String {
    "A value is not of the data type that was checked.".to_owned()
}

fn truth(flag: bool) -> Found {
    Found::One(Value::boolean(flag))
}

pub(crate) struct Evaluation<'a> {
    request: &'a Request,
    work: Cell<u64>,
}

impl<'a> Evaluation<'a> {
    pub(crate) const fn new(request: &'a Request) -> Self {
        Self {
            request,
            work: Cell::new(WORK),
        }
    }

    fn spend(&self, work: u64) -> Result<(), String> {
        // Not set to zero when there is too little left: what comes after a failure must fail as
        // well.
        let left = self.work.get().checked_sub(work);
        self.work.set(left.unwrap_or(0));
        left.map(drop)
            .ok_or_else(|| "The condition needs more work than one decision may take.".to_owned())
    }

    /// The value or the values, or why there are none.
    pub(crate) fn find(&self, expression: &Expression) -> Result<Found, String> {
        self.spend(5)?;
        match expression {
            Expression::Literal(value) => {
                self.spend(value.weight())?;
                Ok(Found::One(value.clone()))
            }
            Expression::Designator {
                category,
                id,
                data_type,
                must_be_present,
            } => {
                if *must_be_present && !self.request.has(category, id, *data_type) {
                    return Err(format!(
                        "The request has no attribute {} of data type {}, which must be present.",
                        shortened(id),
                        data_type.name()
                    ));
                }
                let mut bag = Vec::new();
                for value in self.request.values(category, id) {
                    self.spend(value.weight())?;
                    if value.data_type() == *data_type {
                        bag.push(value.clone());
                    }
                }
                Ok(Found::Bag(bag))
            }
            Expression::Apply {
                function,
                inner,
                arguments,
                pattern,
                ..
            } => match function.op {
                Op::Or => self
                    .any(
                        arguments
                            .iter()
                            .map(|argument| self.find(argument)?.truth()),
                    )
                    .map(truth),
                Op::And => self
                    .all(
                        arguments
                            .iter()
                            .map(|argument| self.find(argument)?.truth()),
                    )
                    .map(truth),
                Op::NOf => self.n_of(arguments).map(truth),
                Op::Higher(kind) => {
                    let inner = inner.ok_or_else(unchecked)?;
                    let found = arguments
                        .iter()
                        .map(|argument| self.find(argument))
                        .collect::<Result<Vec<_>, _>>()?;
                    self.higher(kind, inner, pattern.as_ref(), &found)
                }
                _ => {
                    let found = arguments
                        .iter()
                        .map(|argument| self.find(argument))
                        .collect::<Result<Vec<_>, _>>()?;
                    self.apply(function, pattern.as_ref(), &found)
                        .map_err(|why| format!("{}: {why}", function.name()))
                }
            },
        }
    }

    // True where one is; what failed before it does not matter then, and decides otherwise.
    fn any(&self, truths: impl Iterator<Item = Result<bool, String>>) -> Result<bool, String> {
        let mut failed = None;
        for truth in truths {
            self.spend(1)?;
            match truth {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(why) => failed = failed.or(Some(why)),
            }
        }
        failed.map_or(Ok(false), Err)
    }

    fn all(&self, truths: impl Iterator<Item = Result<bool, String>>) -> Result<bool, String> {
        self.any(truths.map(|truth| truth.map(|truth| !truth)))
            .map(|truth| !truth)
    }

    fn n_of(&self, arguments: &[Expression]) -> Result<bool, String> {
        let (wanted, truths) = arguments.split_first().ok_or_else(unchecked)?;
        let wanted = self.find(wanted)?.integer()?;
        let wanted =
            usize::try_from(wanted).map_err(|_| format!("n-of: {wanted} is less than zero."))?;
        if wanted > truths.len() {
            return Err(format!(
                "n-of: {wanted} of {} conditions cannot hold.",
                truths.len()
            ));
        }
        let (mut held, mut failed, mut why) = (0, 0, None);
        for (done, argument) in truths.iter().enumerate() {
            // Neither what is left nor what failed could make up for what is missing.
            if held >= wanted || held + failed + (truths.len() - done) < wanted {
                break;
            }
            match self.find(argument).and_then(|found| found.truth()) {
                Ok(true) => held += 1,
                Ok(false) => {}
                Err(reason) => {
                    failed += 1;
                    why = why.or(Some(reason));
                }
            }
        }
        match why {
            _ if held >= wanted => Ok(true),
            Some(why) if held + failed >= wanted => Err(why),
            _ => Ok(false),
        }
    }

    fn higher(
        &self,
        kind: Higher,
        inner: &'static Function,
        pattern: Option<&Pattern>,
        found: &[Found],
    ) -> Result<Found, String> {
        let call = |values: Vec<Value>| {
            self.spend(5 + values.iter().map(Value::weight).sum::<u64>())?;
            let values: Vec<Found> = values.into_iter().map(Found::One).collect();
            match inner.op {
                // These three are evaluated argument by argument elsewhere; here the arguments are
                // values already.
                Op::Or => self.any(values.iter().map(Found::truth)).map(truth),
                Op::And => self.all(values.iter().map(Found::truth)).map(truth),
                Op::NOf => {
                    let arguments: Vec<Expression> = values
                        .iter()
                        .map(|value| value.one().cloned().map(Expression::Literal))
                        .collect::<Result<_, _>>()?;
                    self.n_of(&arguments).map(truth)
                }
                _ => self
                    .apply(inner, pattern, &values)
                    .map_err(|why| format!("{}: {why}", inner.name())),
            }
        };
        let holds = |values: Vec<Value>| call(values)?.truth();
        // The arguments once for each value of the only bag.
        let spread = || -> Result<Vec<Vec<Value>>, String> {
            let at = found
                .iter()
                .position(|argument| matches!(argument, Found::Bag(_)))
                .ok_or_else(unchecked)?;
            let mut rows = Vec::new();
            for value in found[at].bag()? {
                let mut row = Vec::with_capacity(found.len());
                for (index, argument) in found.iter().enumerate() {
                    let value = if index == at { value } else { argument.one()? };
                    self.spend(value.weight())?;
                    row.push(value.clone());
                }
                rows.push(row);
            }
            Ok(rows)
        };
        let pairs = || -> Result<(&[Value], &[Value]), String> {
            match found {
                [one, other] => Ok((one.bag()?, other.bag()?)),
                _ => Err(unchecked()),
            }
        };
        match kind {
            Higher::AnyOf => self.any(spread()?.into_iter().map(holds)).map(truth),
            Higher::AllOf => self.all(spread()?.into_iter().map(holds)).map(truth),
            Higher::Map => {
                let mut bag = Vec::new();
                for row in spread()? {
                    bag.push(call(row)?.one()?.clone());
                }
                Ok(Found::Bag(bag))
            }
            Higher::AnyOfAny => {
                let bags: Vec<&[Value]> = found
                    .iter()
                    .map(|argument| match argument {
                        Found::One(value) => std::slice::from_ref(value),
                        Found::Bag(values) => values.as_slice(),
                    })
                    .collect();
                if bags.iter().any(|bag| bag.is_empty()) {
                    return Ok(truth(false));
                }
                // Counts through every combination, the last argument fastest.
                let mut at = vec![0; bags.len()];
                let rows = std::iter::from_fn(|| {
                    let row = (at.len() == bags.len()).then(|| {
                        bags.iter()
                            .zip(&at)
                            .map(|(bag, at)| bag[*at].clone())
                            .collect::<Vec<_>>()
                    })?;
                    let mut index = bags.len();
                    loop {
                        if index == 0 {
                            at.clear();
                            break;
                        }
                        index -= 1;
                        at[index] += 1;
                        if at[index] < bags[index].len() {
                            break;
                        }
                        at[index] = 0;
                    }
                    Some(row)
                });
                self.any(rows.map(holds)).map(truth)
            }
            Higher::AllOfAny => {
                let (first, second) = pairs()?;
                let inner = |one: &Value| {
                    self.any(
                        second
                            .iter()
                            .map(|other| holds(vec![one.clone(), other.clone()])),
                    )
                };
                self.all(first.iter().map(inner)).map(truth)
            }
            Higher::AnyOfAll => {
                let (first, second) = pairs()?;
                let inner = |one: &Value| {
                    self.all(
                        second
                            .iter()
                            .map(|other| holds(vec![one.clone(), other.clone()])),
                    )
                };
                self.any(first.iter().map(inner)).map(truth)
            }
            Higher::AllOfAll => {
                let (first, second) = pairs()?;
                let inner = |one: &Value| {
                    self.all(
                        second
                            .iter()
                            .map(|other| holds(vec![one.clone(), other.clone()])),
                    )
                };
                self.all(first.iter().map(inner)).map(truth)
            }
        }
    }

    fn member(&self, value: &Value, bag: &[Value]) -> Result<bool, String> {
        self.spend(bag.len() as u64 * (1 + value.weight() / 4))?;
        Ok(bag.iter().any(|other| value.same(other, self.request.zone)))
    }

    fn subset(&self, one: &[Value], other: &[Value]) -> Result<bool, String> {
        for value in one {
            if !self.member(value, other)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn apply(
        &self,
        function: &'static Function,
        pattern: Option<&Pattern>,
        found: &[Found],
    ) -> Result<Found, String> {
        let at = |index: usize| found.get(index).ok_or_else(unchecked);
        let one = |index: usize| at(index)?.one();
        let bag = |index: usize| at(index)?.bag();
        let zone = self.request.zone;
        let value = |raw: Raw| Ok(Found::One(Value(raw)));
        let text = |text: String| {
            self.spend(text.len() as u64 / 16)?;
            if text.len() > LONGEST_VALUE {
                Err(format!("the text is longer than {LONGEST_VALUE} bytes."))
            } else {
                Ok(Found::One(Value(Raw::String(text))))
            }
        };
        let order = |wanted: fn(Ordering) -> bool| {
            Ok(truth(one(0)?.order(one(1)?, zone).is_some_and(wanted)))
        };
        match function.op {
            Op::Equal => Ok(truth(one(0)?.same(one(1)?, zone))),
            Op::EqualIgnoreCase => Ok(truth(
                at(0)?.text()?.to_lowercase() == at(1)?.text()?.to_lowercase(),
            )),
            Op::Greater => order(Ordering::is_gt),
            Op::GreaterOrEqual => order(Ordering::is_ge),
            Op::Less => order(Ordering::is_lt),
            Op::LessOrEqual => order(Ordering::is_le),
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Mod => {
                arithmetic(function.op, found)
            }
            Op::Abs => match one(0)?.0 {
                Raw::Integer(number) => value(Raw::Integer(
                    number.checked_abs().ok_or("the result is too large.")?,
                )),
                Raw::Double(number) => value(Raw::Double(number.abs())),
                _ => Err(unchecked()),
            },
            Op::Round => value(Raw::Double(at(0)?.double()?.round_ties_even())),
            Op::Floor => value(Raw::Double(at(0)?.double()?.floor())),
            // White space at both ends goes, as the standard says; what is between the words stays.
            Op::NormalizeSpace => text(
                at(0)?
                    .text()?
                    .trim_matches([' ', '\t', '\r', '\n'])
                    .to_owned(),
            ),
            Op::LowerCase => text(at(0)?.text()?.to_lowercase()),
            Op::ToInteger => {
                let number = at(0)?.double()?.trunc();
                // The bounds are powers of two, which a double holds exactly.
                const BOUND: f64 = 9_223_372_036_854_775_808.0;
                if (-BOUND..BOUND).contains(&number) {
                    #[allow(clippy::cast_possible_truncation)]
                    value(Raw::Integer(number as i64))
                } else {
                    Err("the number is no integer of 64 bits.".to_owned())
                }
            }
            #[allow(clippy::cast_precision_loss)]
            Op::ToDouble => value(Raw::Double(at(0)?.integer()? as f64)),
            Op::Not => Ok(truth(!at(0)?.truth()?)),
            Op::TimeInRange => time_in_range(one(0)?, one(1)?, one(2)?, zone),
            Op::Shift { later } => shift(one(0)?, one(1)?, later)
                .map(Found::One)
                .ok_or_else(|| "the result is outside the years 1 to 9999.".to_owned()),
            Op::Concatenate => {
                let mut all = String::new();
                for part in found {
                    let part = part.text()?;
                    if all.len() + part.len() > LONGEST_VALUE {
                        return Err(format!("the text is longer than {LONGEST_VALUE} bytes."));
                    }
                    all.push_str(part);
                }
                text(all)
            }
            Op::FromString => {
                Value::parse(function.result.data_type(), at(0)?.text()?).map(Found::One)
            }
            Op::ToText => text(one(0)?.text()),
            // The first argument is what is looked for, in these three.
            Op::StartsWith => Ok(truth(at(1)?.text()?.starts_with(at(0)?.text()?))),
            Op::EndsWith => Ok(truth(at(1)?.text()?.ends_with(at(0)?.text()?))),
            Op::Contains => Ok(truth(at(1)?.text()?.contains(at(0)?.text()?))),
            Op::Substring => substring(at(0)?.text()?, at(1)?.integer()?, at(2)?.integer()?)
                .map(|part| Found::One(Value::string(part)))
                .ok_or_else(|| "the positions are not inside the text.".to_owned()),
            Op::OneAndOnly => match bag(0)? {
                [value] => Ok(Found::One(value.clone())),
                values => Err(format!("the bag holds {} values, not one.", values.len())),
            },
            Op::BagSize => value(Raw::Integer(
                i64::try_from(bag(0)?.len()).unwrap_or(i64::MAX),
            )),
            Op::IsIn => self.member(one(0)?, bag(1)?).map(truth),
            Op::Bag => Ok(Found::Bag(
                found
                    .iter()
                    .map(|value| value.one().cloned())
                    .collect::<Result<_, _>>()?,
            )),
            Op::Intersection => {
                let (mut both, other) = (Vec::new(), bag(1)?);
                for value in bag(0)? {
                    if self.member(value, other)? && !self.member(value, &both)? {
                        both.push(value.clone());
                    }
                }
                Ok(Found::Bag(both))
            }
            Op::AtLeastOneMemberOf => {
                let other = bag(1)?;
                for value in bag(0)? {
                    if self.member(value, other)? {
                        return Ok(truth(true));
                    }
                }
                Ok(truth(false))
            }
            Op::Union => {
                let mut all = Vec::new();
                for index in 0..found.len() {
                    for value in bag(index)? {
                        if !self.member(value, &all)? {
                            all.push(value.clone());
                        }
                    }
                }
                Ok(Found::Bag(all))
            }
            Op::Subset => self.subset(bag(0)?, bag(1)?).map(truth),
            Op::SetEquals => Ok(truth(
                self.subset(bag(0)?, bag(1)?)? && self.subset(bag(1)?, bag(0)?)?,
            )),
            Op::RegexpMatch => {
                let written = one(1)?.text();
                if written.len() > LONGEST_MATCHED {
                    return Err(format!("the text is longer than {LONGEST_MATCHED} bytes."));
                }
                let compiled;
                let pattern = match pattern {
                    Some(pattern) => pattern,
                    None => {
                        self.spend(WORK_OF_READING)?;
                        compiled = Pattern::compile(at(0)?.text()?)?;
                        self.spend(compiled.steps() * WORK_OF_A_STEP)?;
                        &compiled
                    }
                };
                self.spend(pattern.work(written.len()))?;
                Ok(truth(pattern.is_match(&written)))
            }
            Op::X500Match => match (&one(0)?.0, &one(1)?.0) {
                (Raw::X500(_, ending), Raw::X500(_, name)) => Ok(truth(name.ends_with(ending))),
                _ => Err(unchecked()),
            },
            Op::MailMatch => match &one(1)?.0 {
                Raw::Mail { local, host } => Ok(truth(mail_match(at(0)?.text()?, local, host))),
                _ => Err(unchecked()),
            },
            // Evaluated argument by argument, above.
            Op::Or | Op::And | Op::NOf | Op::Higher(_) => Err(unchecked()),
        }
    }
}

fn arithmetic(op: Op, found: &[Found]) -> Result<Found, String> {
    let (first, rest) = found.split_first().ok_or_else(unchecked)?;
    match first.one()?.0 {
        Raw::Integer(mut number) => {
            for next in rest {
                let next = next.integer()?;
                if next == 0 && matches!(op, Op::Divide | Op::Mod) {
                    return Err("the divisor is zero.".to_owned());
                }
                let result = match op {
                    Op::Add => number.checked_add(next),
                    Op::Subtract => number.checked_sub(next),
                    Op::Multiply => number.checked_mul(next),
                    Op::Divide => number.checked_div(next),
                    _ => number.checked_rem(next),
                };
                number = result.ok_or("the result is no integer of 64 bits.")?;
            }
            Ok(Found::One(Value::integer(number)))
        }
        Raw::Double(mut number) => {
            for next in rest {
                let next = next.double()?;
                if next == 0.0 && op == Op::Divide {
                    return Err("the divisor is zero.".to_owned());
                }
                number = match op {
                    Op::Add => number + next,
                    Op::Subtract => number - next,
                    Op::Multiply => number * next,
                    _ => number / next,
                };
            }
            // An infinity would pass every comparison of one direction.
            if number.is_finite() {
                Ok(Found::One(Value(Raw::Double(number))))
            } else {
                Err("the result is no finite number.".to_owned())
            }
        }
        _ => Err(unchecked()),
    }
}

// Midnight may lie inside the range. A time without a zone is of the request's place, bounds
// without one are of the zone of the time.
fn time_in_range(time: &Value, from: &Value, to: &Value, zone: i32) -> Result<Found, String> {
    let Raw::Time(_, written) = time.0 else {
        return Err(unchecked());
    };
    let zone_of_bounds = written.unwrap_or(zone);
    let instant = |value: &Value, zone: i32| value.instant(zone).ok_or_else(unchecked);
    let (time, from, to) = (
        instant(time, zone)?,
        instant(from, zone_of_bounds)?,
        instant(to, zone_of_bounds)?,
    );
    Ok(truth(
        (time - from).rem_euclid(DAY) <= (to - from).rem_euclid(DAY),
    ))
}

fn shift(moment: &Value, duration: &Value, later: bool) -> Option<Value> {
    let sign = if later { 1 } else { -1 };
    let moved = match (&moment.0, &duration.0) {
        (Raw::DateTime(moment, zone), Raw::Days(nanoseconds)) => {
            let nanoseconds = nanoseconds * sign;
            let duration = SignedDuration::new(
                i64::try_from(nanoseconds / SECOND).ok()?,
                i32::try_from(nanoseconds % SECOND).ok()?,
            );
            Raw::DateTime(moment.checked_add(duration).ok()?, *zone)
        }
        (Raw::DateTime(moment, zone), Raw::Months(months)) => {
            let date = add_months(
                moment.date(),
                months.checked_mul(i64::try_from(sign).ok()?)?,
            )?;
            Raw::DateTime(DateTime::from_parts(date, moment.time()), *zone)
        }
        (Raw::Date(date, zone), Raw::Months(months)) => Raw::Date(
            add_months(*date, months.checked_mul(i64::try_from(sign).ok()?)?)?,
            *zone,
        ),
        _ => return None,
    };
    let year = match moved {
        Raw::DateTime(moment, _) => moment.year(),
        Raw::Date(date, _) => date.year(),
        _ => 0,
    };
    (1..=9999).contains(&year).then_some(Value(moved))
}

// The day is cut to the end of the month, as XML Schema says.
fn add_months(date: Date, months: i64) -> Option<Date> {
    date.checked_add(Span::new().try_months(months).ok()?).ok()
}

// Characters, not bytes; -1 is the end.
fn substring(text: &str, from: i64, to: i64) -> Option<String> {
    let length = text.chars().count();
    let from = usize::try_from(from).ok()?;
    let to = if to == -1 {
        length
    } else {
        usize::try_from(to).ok()?
    };
    (from <= to && to <= length).then(|| text.chars().skip(from).take(to - from).collect())
}

// A whole address, a host, or a dot and the end of a host.
fn mail_match(wanted: &str, local: &str, host: &str) -> bool {
    if let Some((wanted_local, wanted_host)) = wanted.rsplit_once('@') {
        return wanted_local == local && wanted_host.to_lowercase() == host;
    }
    let wanted = wanted.to_lowercase();
    if wanted.starts_with('.') {
        wanted.len() > 1 && host.ends_with(&wanted) && host.len() > wanted.len()
    } else {
        wanted == host
    }
}

//! The closed list of functions: their identifiers, what they take and give, and what each one
//! does.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use crate::value::DataType;

/// One value or a bag of values, of one data type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Exactly one value.
    One(DataType),
    /// Any number of values in no order.
    Bag(DataType),
}

impl Type {
    /// The data type of the value or values.
    #[must_use]
    pub const fn data_type(self) -> DataType {
        match self {
            Self::One(data_type) | Self::Bag(data_type) => data_type,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(data_type) => f.write_str(data_type.name()),
            Self::Bag(data_type) => write!(f, "bag of {}", data_type.name()),
        }
    }
}

/// A function that a condition may apply.
#[derive(Debug)]
pub struct Function {
    pub(crate) id: String,
    pub(crate) older: Option<String>,
    pub(crate) parameters: Vec<Type>,
    // What may follow the parameters, any number of times.
    pub(crate) rest: Option<Type>,
    pub(crate) result: Type,
    pub(crate) op: Op,
}

impl Function {
    /// The identifier that `FunctionId` carries.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// An older identifier of the same function, which is read as well.
    #[must_use]
    pub fn older_id(&self) -> Option<&str> {
        self.older.as_deref()
    }

    /// The end of the identifier: `string-equal`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.rsplit(':').next().unwrap_or_default()
    }

    /// What the function takes and gives: `(string, string) → boolean`.
    #[must_use]
    pub fn signature(&self) -> String {
        if let Op::Higher(kind) = self.op {
            return kind.signature().to_owned();
        }
        let mut takes: Vec<String> = self.parameters.iter().map(ToString::to_string).collect();
        if let Some(rest) = self.rest {
            takes.push(format!("{rest} …"));
        }
        format!("({}) → {}", takes.join(", "), self.result)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    EqualIgnoreCase,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Mod,
    Abs,
    Round,
    Floor,
    NormalizeSpace,
    LowerCase,
    ToInteger,
    ToDouble,
    Or,
    And,
    NOf,
    Not,
    TimeInRange,
    // Later by the duration, or earlier.
    Shift { later: bool },
    Concatenate,
    FromString,
    ToText,
    StartsWith,
    EndsWith,
    Contains,
    Substring,
    OneAndOnly,
    BagSize,
    IsIn,
    Bag,
    Intersection,
    AtLeastOneMemberOf,
    Union,
    Subset,
    SetEquals,
    RegexpMatch,
    X500Match,
    MailMatch,
    Higher(Higher),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Higher {
    AnyOf,
    AllOf,
    AnyOfAny,
    AllOfAny,
    AnyOfAll,
    AllOfAll,
    Map,
}

impl Higher {
    const fn signature(self) -> &'static str {
        match self {
            Self::AnyOf | Self::AllOf => "(function to boolean, one bag among values …) → boolean",
            Self::AnyOfAny => "(function to boolean, value or bag …) → boolean",
            Self::AllOfAny | Self::AnyOfAll | Self::AllOfAll => {
                "(function to boolean, bag, bag) → boolean"
            }
            Self::Map => "(function, one bag among values …) → bag of what the function gives",
        }
    }
}

/// Every function, in the order in which the list shows them.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter()
}

/// The function of an identifier, of today or an older one. `None` where it is not offered.
#[must_use]
pub fn function(id: &str) -> Option<&'static Function> {
    static INDEX: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
        functions()
            .flat_map(|function| {
                [Some(function.id()), function.older_id()]
                    .into_iter()
                    .flatten()
                    .map(move |id| (id, function))
            })
            .collect()
    });
    INDEX.get(id).copied()
}

/// Every function in one line: names that differ by their data type only are put together.
pub(crate) fn in_one_line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for function in functions() {
            let (kind, ending) = DataType::ALL
                .iter()
                .copied()
                .find_map(|data_type| {
                    Some((
                        data_type.name(),
                        function
                            .name()
                            .strip_prefix(data_type.name())?
                            .strip_prefix('-')?,
                    ))
                })
                .map_or(("", function.name()), |(kind, ending)| (kind, ending));
            match groups
                .iter_mut()
                .find(|(name, kinds)| *name == ending && kinds[0].is_empty() == kind.is_empty())
            {
                Some((_, kinds)) => kinds.push(kind),
                None => groups.push((ending, vec![kind])),
            }
        }
        let show = |(ending, kinds): (&str, Vec<&str>)| match kinds[..] {
            [""] => ending.to_owned(),
            [kind] => format!("{kind}-{ending}"),
            _ => format!("({})-{ending}", kinds.join("|")),
        };
        groups.into_iter().map(show).collect::<Vec<_>>().join(", ")
    });
    &LINE
}

static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(list);

fn list() -> Vec<Function> {
    use DataType::{
        AnyUri, Boolean, Date, DateTime, DayTimeDuration, DnsName, Double, Integer, IpAddress,
        Rfc822Name, String, Time, X500Name, YearMonthDuration,
    };
    use Type::{Bag, One};

    let mut all = Vec::new();
    let mut put = |version: &str,
                   older: Option<&str>,
                   name: &str,
                   parameters: &[Type],
                   rest: Option<Type>,
                   result: Type,
                   op: Op| {
        let id = |version: &str| format!("urn:oasis:names:tc:xacml:{version}:function:{name}");
        all.push(Function {
            id: id(version),
            older: older.map(id),
            parameters: parameters.to_vec(),
            rest,
            result,
            op,
        });
    };
    let boolean = One(Boolean);
    // Functions over a data type carry the version that brought the type; the durations had an
    // older one.
    let version = |data_type: DataType| match data_type {
        DayTimeDuration | YearMonthDuration => ("3.0", Some("1.0")),
        IpAddress | DnsName => ("2.0", None),
        _ => ("1.0", None),
    };

    // A.3.1: equality. The standard has none for addresses and hosts.
    for data_type in DataType::ALL
        .iter()
        .copied()
        .filter(|data_type| !matches!(data_type, IpAddress | DnsName))
    {
        let (new, old) = version(data_type);
        put(
            new,
            old,
            &format!("{}-equal", data_type.name()),
            &[One(data_type); 2],
            None,
            boolean,
            Op::Equal,
        );
        if data_type == String {
            put(
                "3.0",
                None,
                "string-equal-ignore-case",
                &[One(String); 2],
                None,
                boolean,
                Op::EqualIgnoreCase,
            );
        }
    }
    // A.3.2: arithmetic.
    for data_type in [Integer, Double] {
        let (name, one) = (data_type.name(), One(data_type));
        put(
            "1.0",
            None,
            &format!("{name}-add"),
            &[one; 2],
            Some(one),
            one,
            Op::Add,
        );
        put(
            "1.0",
            None,
            &format!("{name}-subtract"),
            &[one; 2],
            None,
            one,
            Op::Subtract,
        );
        put(
            "1.0",
            None,
            &format!("{name}-multiply"),
            &[one; 2],
            Some(one),
            one,
            Op::Multiply,
        );
        put(
            "1.0",
            None,
            &format!("{name}-divide"),
            &[one; 2],
            None,
            one,
            Op::Divide,
        );
        if data_type == Integer {
            put("1.0", None, "integer-mod", &[one; 2], None, one, Op::Mod);
        }
        put(
            "1.0",
            None,
            &format!("{name}-abs"),
            &[one],
            None,
            one,
            Op::Abs,
        );
    }
    put(
        "1.0",
        None,
        "round",
        &[One(Double)],
        None,
        One(Double),
        Op::Round,
    );
    put(
        "1.0",
        None,
        "floor",
        &[One(Double)],
        None,
        One(Double),
        Op::Floor,
    );
    // A.3.3 and A.3.4: other forms of text and numbers.
    put(
        "1.0",
        None,
        "string-normalize-space",
        &[One(String)],
        None,
        One(String),
        Op::NormalizeSpace,
    );
    put(
        "1.0",
        None,
        "string-normalize-to-lower-case",
        &[One(String)],
        None,
        One(String),
        Op::LowerCase,
    );
    put(
        "1.0",
        None,
        "double-to-integer",
        &[One(Double)],
        None,
        One(Integer),
        Op::ToInteger,
    );
    put(
        "1.0",
        None,
        "integer-to-double",
        &[One(Integer)],
        None,
        One(Double),
        Op::ToDouble,
    );
    // A.3.5: logic.
    put("1.0", None, "or", &[], Some(boolean), boolean, Op::Or);
    put("1.0", None, "and", &[], Some(boolean), boolean, Op::And);
    put(
        "1.0",
        None,
        "n-of",
        &[One(Integer)],
        Some(boolean),
        boolean,
        Op::NOf,
    );
    put("1.0", None, "not", &[boolean], None, boolean, Op::Not);
    // A.3.6 and A.3.8: order.
    for data_type in [Integer, Double, String, Time, DateTime, Date] {
        for (name, op) in [
            ("greater-than", Op::Greater),
            ("greater-than-or-equal", Op::GreaterOrEqual),
            ("less-than", Op::Less),
            ("less-than-or-equal", Op::LessOrEqual),
        ] {
            put(
                "1.0",
                None,
                &format!("{}-{name}", data_type.name()),
                &[One(data_type); 2],
                None,
                boolean,
                op,
            );
        }
    }
    put(
        "2.0",
        None,
        "time-in-range",
        &[One(Time); 3],
        None,
        boolean,
        Op::TimeInRange,
    );
    // A.3.7: moments and durations.
    for (moment, duration) in [
        (DateTime, DayTimeDuration),
        (DateTime, YearMonthDuration),
        (Date, YearMonthDuration),
    ] {
        for (verb, later) in [("add", true), ("subtract", false)] {
            let name = format!("{}-{verb}-{}", moment.name(), duration.name());
            put(
                "3.0",
                Some("1.0"),
                &name,
                &[One(moment), One(duration)],
                None,
                One(moment),
                Op::Shift { later },
            );
        }
    }
    // A.3.9: text.
    put(
        "2.0",
        None,
        "string-concatenate",
        &[One(String); 2],
        Some(One(String)),
        One(String),
        Op::Concatenate,
    );
    for data_type in DataType::ALL.iter().copied().filter(|data_type| {
        !matches!(
            data_type,
            String | DataType::HexBinary | DataType::Base64Binary
        )
    }) {
        put(
            "3.0",
            None,
            &format!("{}-from-string", data_type.name()),
            &[One(String)],
            None,
            One(data_type),
            Op::FromString,
        );
        put(
            "3.0",
            None,
            &format!("string-from-{}", data_type.name()),
            &[One(data_type)],
            None,
            One(String),
            Op::ToText,
        );
    }
    for data_type in [String, AnyUri] {
        let name = data_type.name();
        put(
            "3.0",
            None,
            &format!("{name}-starts-with"),
            &[One(String), One(data_type)],
            None,
            boolean,
            Op::StartsWith,
        );
        put(
            "3.0",
            None,
            &format!("{name}-ends-with"),
            &[One(String), One(data_type)],
            None,
            boolean,
            Op::EndsWith,
        );
        put(
            "3.0",
            None,
            &format!("{name}-contains"),
            &[One(String), One(data_type)],
            None,
            boolean,
            Op::Contains,
        );
        put(
            "3.0",
            None,
            &format!("{name}-substring"),
            &[One(data_type), One(Integer), One(Integer)],
            None,
            One(String),
            Op::Substring,
        );
    }
    // A.3.10 and A.3.11: bags and sets.
    for data_type in DataType::ALL.iter().copied() {
        let ((new, old), name, one, bag) = (
            version(data_type),
            data_type.name(),
            One(data_type),
            Bag(data_type),
        );
        put(
            new,
            old,
            &format!("{name}-one-and-only"),
            &[bag],
            None,
            one,
            Op::OneAndOnly,
        );
        put(
            new,
            old,
            &format!("{name}-bag-size"),
            &[bag],
            None,
            One(Integer),
            Op::BagSize,
        );
        put(
            new,
            old,
            &format!("{name}-is-in"),
            &[one, bag],
            None,
            boolean,
            Op::IsIn,
        );
        put(
            new,
            old,
            &format!("{name}-bag"),
            &[],
            Some(one),
            bag,
            Op::Bag,
        );
        put(
            new,
            old,
            &format!("{name}-intersection"),
            &[bag; 2],
            None,
            bag,
            Op::Intersection,
        );
        put(
            new,
            old,
            &format!("{name}-at-least-one-member-of"),
            &[bag; 2],
            None,
            boolean,
            Op::AtLeastOneMemberOf,
        );
        put(
            new,
            old,
            &format!("{name}-union"),
            &[bag; 2],
            Some(bag),
            bag,
            Op::Union,
        );
        put(
            new,
            old,
            &format!("{name}-subset"),
            &[bag; 2],
            None,
            boolean,
            Op::Subset,
        );
        put(
            new,
            old,
            &format!("{name}-set-equals"),
            &[bag; 2],
            None,
            boolean,
            Op::SetEquals,
        );
    }
    // A.3.12: functions over functions. Those of 3.0 take whatever their older namesakes took.
    for (new, old, name, kind) in [
        ("3.0", Some("1.0"), "any-of", Higher::AnyOf),
        ("3.0", Some("1.0"), "all-of", Higher::AllOf),
        ("3.0", Some("1.0"), "any-of-any", Higher::AnyOfAny),
        ("1.0", None, "all-of-any", Higher::AllOfAny),
        ("1.0", None, "any-of-all", Higher::AnyOfAll),
        ("1.0", None, "all-of-all", Higher::AllOfAll),
        ("3.0", Some("1.0"), "map", Higher::Map),
    ] {
        put(new, old, name, &[], None, boolean, Op::Higher(kind));
    }
    // A.3.13: regular expressions.
    for (version, data_type) in [
        ("1.0", String),
        ("2.0", AnyUri),
        ("2.0", IpAddress),
        ("2.0", DnsName),
        ("2.0", Rfc822Name),
        ("2.0", X500Name),
    ] {
        put(
            version,
            None,
            &format!("{}-regexp-match", data_type.name()),
            &[One(String), One(data_type)],
            None,
            boolean,
            Op::RegexpMatch,
        );
    }
    // A.3.14: names.
    put(
        "1.0",
        None,
        "x500Name-match",
        &[One(X500Name); 2],
        None,
        boolean,
        Op::X500Match,
    );
    put(
        "1.0",
        None,
        "rfc822Name-match",
        &[One(String), One(Rfc822Name)],
        None,
        boolean,
        Op::MailMatch,
    );
    all
}

//! Conditions of XACML 3.0: read, checked in full before they are stored, and evaluated without a clock or a network.
//!
//! [`parse`] takes the text of one policy partial and gives a [`Condition`], or says what is wrong and where.
//! [`Condition::evaluate`] holds it against a [`Request`]. [`groups::decide`] answers for a web app whose URL templates and
//! policy groups lead to such conditions.

mod evaluate;
mod functions;
pub mod groups;
mod parse;
mod regexp;
pub mod request;
mod value;

pub use functions::{Function, Type, function, functions};
pub use parse::{Condition, Effect, Limits, NAMESPACE, Outcome, Refused, parse, parse_within};
pub use regexp::{LARGEST_COMPILED, LONGEST_MATCHED, LONGEST_PATTERN};
pub use request::Request;
pub use value::{DataType, LONGEST_VALUE, Value};

//! Conditions of XACML 3.0: read, checked in full before they are stored, and evaluated without a clock or a network.
//!
//! [`parse`] takes the text of one policy partial and gives a [`Condition`], or says what is wrong and where.
//! [`Condition::evaluate`] holds it against a [`Request`]. [`groups::decide`] answers for a web app whose URL templates and
//! policy groups lead to such conditions.
//!
//! ```
//! use xacml::{Outcome, Request, Value, parse, request};
//!
//! let condition = parse(
//!     r#"<Condition>
//!         <Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:string-is-in">
//!             <AttributeValue DataType="http://www.w3.org/2001/XMLSchema#string">staff</AttributeValue>
//!             <AttributeDesignator Category="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject"
//!                 AttributeId="http://wso2.org/claims/role" DataType="http://www.w3.org/2001/XMLSchema#string" MustBePresent="true"/>
//!         </Apply>
//!     </Condition>"#,
//! )?;
//! assert_eq!(condition.evaluate(&Request::new().subject(request::ROLE_CLAIM, Value::string("staff"))), Outcome::True);
//! assert!(matches!(condition.evaluate(&Request::new()), Outcome::Indeterminate(_)));
//! # Ok::<(), xacml::Refused>(())
//! ```

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

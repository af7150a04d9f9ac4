//! Conditions of XACML 3.0: read, checked in full before they are stored, and evaluated without a
//! clock or a network.
//!
//! A function that takes a partial calls [`parse`]: it gives a [`Condition`], or says in a sentence
//! what is wrong and where, which is for the person who wrote it. What was refused is not stored;
//! what was taken is stored as the text it came as.
//!
//! A function that takes a web app makes a [`groups::Template`] of each of its URL templates, and
//! refuses the app with what is said about a pattern or a verb. One that decides about a request
//! makes the templates and the groups again, with the texts of the partials as they are stored, and
//! asks [`groups::decide`]. Let through what it admits, and nothing else; the places of the groups
//! that decided lead to their throttling tiers.
//!
//! Nothing is fetched and nothing is kept. Time and memory are bounded for each partial
//! ([`Limits`], and the constants beside it), so whoever stores partials bounds how many a group
//! refers to.
//!
//! ```
//! use xacml::groups::{Group, Partial, Ruling, Subject, Template, decide};
//! use xacml::{Effect, parse};
//!
//! // Taken and stored.
//! let text = r#"<Rule Effect="Deny" RuleId="not-from-outside">
//!     <Condition>
//!         <Apply FunctionId="urn:oasis:names:tc:xacml:1.0:function:string-is-in">
//!             <AttributeValue
//!                 DataType="http://www.w3.org/2001/XMLSchema#string">contractor</AttributeValue>
//!             <AttributeDesignator
//!                 Category="urn:oasis:names:tc:xacml:1.0:subject-category:access-subject"
//!                 AttributeId="http://wso2.org/claims/role"
//!                 DataType="http://www.w3.org/2001/XMLSchema#string" MustBePresent="true"/>
//!         </Apply>
//!     </Condition>
//! </Rule>"#;
//! assert_eq!(parse(text)?.effect(), Effect::Deny);
//! let refused = parse("<Rule/>").unwrap_err().to_string();
//! assert_eq!(refused, "Line 1, column 1: Rule needs the attribute Effect.");
//!
//! // Read back and asked.
//! let groups = [
//!     Group {
//!         name: "staff".to_owned(),
//!         roles: vec!["employee".to_owned()],
//!         partials: vec![Partial::text(7, text)],
//!         ..Group::default()
//!     },
//!     Group { name: "all".to_owned(), anonymous: true, ..Group::default() },
//! ];
//! let templates = [Template::new("/*", "GET", 1)?, Template::new("/staff/*", "GET", 0)?];
//! let contractor = Subject {
//!     id: Some("ann".to_owned()),
//!     roles: vec!["employee".to_owned(), "contractor".to_owned()],
//!     ..Subject::default()
//! };
//! let now = jiff::Timestamp::UNIX_EPOCH;
//! let decision = decide(&templates, &groups, "/staff/plans", "GET", &contractor, now);
//! assert_eq!((decision.ruling, decision.groups), (Ruling::Deny, vec![0]));
//! assert_eq!(decision.rules[0].id.as_deref(), Some("not-from-outside"));
//! assert!(decide(&templates, &groups, "/", "GET", &Subject::default(), now).admits());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Alone, a condition is held against a [`Request`] by [`Condition::evaluate`].

mod evaluate;
mod functions;
pub mod groups;
mod parse;
mod regexp;
pub mod request;
mod value;

pub use functions::{Function, Type, function, functions};
pub use parse::{Condition, Effect, Limits, NAMESPACE, Outcome, Refused, parse, parse_within};
pub use regexp::{LONGEST_MATCHED, LONGEST_PATTERN, MOST_CLASSES, MOST_STEPS};
pub use request::Request;
pub use value::{DataType, LONGEST_VALUE, Value};

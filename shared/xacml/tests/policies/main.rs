//! Conditions, functions, and the decision over a web app.

mod conditions;
mod document;
mod functions;
mod groups;
mod notation;
mod properties;

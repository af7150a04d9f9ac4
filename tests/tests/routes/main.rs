//! What holds for every route of the table: who is let in, what attacks and failing stores meet,
//! that what one API writes the others read, and the documented requests and answers.

mod access_matrix;
mod attacks;
mod documented;
mod error_codes;
mod every_route;
mod failing_store;
mod reference;
mod round_trips;

//! The other services behind traits: the bucket, mail, the keeper of keys; and what a
//! function is started with.

pub mod context;
pub mod mail;
pub mod objects;
pub mod sealing;
pub mod signed_calls;

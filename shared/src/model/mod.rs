//! What is stored: every record and the values inside it, with their limits.
//!
//! Nothing here reads or writes: a file of this floor has no `async` function.

pub mod app_policies;
pub mod apps;
pub mod credentials;
pub mod endpoints;
pub mod events;
#[cfg(test)]
mod kept_words;
pub mod log;
pub mod people;
pub mod pingid;
pub mod task;
pub mod task_run;

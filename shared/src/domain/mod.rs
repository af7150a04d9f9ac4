//! The rules, whoever asks and in whatever dialect: a room for each subject.

pub mod app_policies;
pub mod apps;
pub mod background;
pub mod endpoints;
pub mod events;
pub mod log;
pub mod people;
pub mod pingid;
pub mod publishing;
pub mod sign_in;

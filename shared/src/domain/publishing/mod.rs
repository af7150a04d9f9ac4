//! How the publisher API and the Apperian API make apps.

pub mod app_text;
pub mod native_app;
#[allow(
    clippy::module_inception,
    reason = "the room is named after the file that the rest of it serves"
)]
pub mod publishing;
pub mod publishing_call;

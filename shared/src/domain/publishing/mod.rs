//! How the publisher API and the Apperian API make apps.

pub mod app_text;
pub mod native_app;
pub mod publishing;
pub mod publishing_call;

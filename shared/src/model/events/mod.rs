//! Events, alerts, and what is mailed of them.

pub mod alert;
pub mod download_spike;
pub mod due_mail;
pub mod event;
pub mod notification;
pub mod reported_event;

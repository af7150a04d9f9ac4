//! Events and alerts: what happened, who wants to hear of it, and what is told.

pub mod alert;
pub mod event;
pub mod event_log;
pub mod expiry;
pub mod notification;
pub mod reported_event;
pub mod spike_watch;

//! What happens after a request: uploads are read, packages are changed and signed, events are
//! kept, alerts are mailed and housekeeping removes what has expired.

mod alert_evaluation;
mod alerts;
mod app_events;
mod event_limits;
mod events;
mod expiry;
mod package_work;
mod uploads;

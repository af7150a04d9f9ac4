//! The evaluation of events against alerts, and the mails that come of it.

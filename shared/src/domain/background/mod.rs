//! What runs by a schedule.

pub mod download_spike;
pub mod evaluation;
pub mod housekeeping;

//! What runs by a schedule: one file, or folder, for each task.

pub mod download_spike;
pub mod evaluation;
pub mod housekeeping;
pub mod minute;
pub mod task;

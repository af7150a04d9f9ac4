//! Limits that hold for everything.

/// The most that one answer holds: a function's 6 MB less the envelope of the gateway. Lists that
/// their documents do not page are refused beyond it, never cut.
pub const MAX_ANSWER: usize = 5_000_000;

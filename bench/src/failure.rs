//! Why a run ended before its end.

/// Any error: its text is shown, and the run ends.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

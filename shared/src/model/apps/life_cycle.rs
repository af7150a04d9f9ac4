//! The states of an app, and the steps that it took.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::rights::Right;
use crate::store::record::Record;

/// Where an app stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the documents' own names")]
pub enum State {
    #[default]
    Created,
    InReview,
    Approved,
    Rejected,
    Published,
    Unpublished,
    Deprecated,
    Retired,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::InReview,
        Self::Approved,
        Self::Rejected,
        Self::Published,
        Self::Unpublished,
        Self::Deprecated,
        Self::Retired,
    ];

    /// As the history has it: `In-Review`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::InReview => "In-Review",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
            Self::Published => "Published",
            Self::Unpublished => "Unpublished",
            Self::Deprecated => "Deprecated",
            Self::Retired => "Retired",
        }
    }

    /// As the API has it: `IN-REVIEW`.
    pub fn upper(self) -> String {
        self.title().to_uppercase()
    }
}

/// What takes an app from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the documents' own names")]
pub enum Action {
    SubmitForReview,
    Approve,
    Reject,
    Publish,
    Revert,
    Unpublish,
    Deprecate,
    RePublish,
    Retire,
    Recycle,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::SubmitForReview,
        Self::Approve,
        Self::Reject,
        Self::Publish,
        Self::Revert,
        Self::Unpublish,
        Self::Deprecate,
        Self::RePublish,
        Self::Retire,
        Self::Recycle,
    ];

    /// The documents' name.
    pub fn title(self) -> &'static str {
        match self {
            Self::SubmitForReview => "Submit for Review",
            Self::Approve => "Approve",
            Self::Reject => "Reject",
            Self::Publish => "Publish",
            Self::Revert => "Revert",
            Self::Unpublish => "Unpublish",
            Self::Deprecate => "Deprecate",
            Self::RePublish => "Re-Publish",
            Self::Retire => "Retire",
            Self::Recycle => "Recycle",
        }
    }

    /// Reads the name of an action: case does not count, and the blanks of `Submit for Review` may
    /// be `#` (as the document prints it), `+` or `%20` (encoded twice); a client that cuts the
    /// address at the first `#` leaves `Submit`.
    ///
    /// # Errors
    /// Invalid, with the actions that there are.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let plain = text
            .replace("%20", " ")
            .replace("%23", " ")
            .replace(['#', '+'], " ");
        let words: Vec<&str> = plain.split_whitespace().collect();
        let wanted = words.join(" ");
        if wanted.eq_ignore_ascii_case("submit") {
            return Ok(Self::SubmitForReview);
        }
        let known = || Self::ALL.map(Self::title).join(", ");
        Self::ALL
            .into_iter()
            .find(|action| action.title().eq_ignore_ascii_case(&wanted))
            .ok_or_else(|| Error::invalid(format!("action is one of {}", known())))
    }

    /// The right that it asks for: creators submit, whoever answers for the store does everything
    /// else.
    pub fn right(self) -> Right {
        match self {
            Self::SubmitForReview | Self::Recycle => Right::WriteStoreItems,
            _ => Right::WriteStore,
        }
    }
}

/// A step that an app took. Its creation is one without a beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// From where; `None` for its creation.
    pub from: Option<State>,
    /// By what; `None` for its creation.
    pub by: Option<Action>,
    /// To where.
    pub to: State,
}

/// The steps of one change, which may be several.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Steps {
    /// In the order in which they were taken.
    pub steps: Vec<Step>,
    /// When.
    pub at: Timestamp,
    /// The name of who did it.
    pub user: String,
    /// Why, where somebody said it.
    pub reason: Option<String>,
}

impl Record for Steps {
    const KIND: &'static str = "steps";
}

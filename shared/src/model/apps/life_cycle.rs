//! The states of an app, and the steps that it took.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::error::Error;
use crate::base::rights::Right;
use crate::store::record::Record;

/// Where an app stands.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "Train-Case")]
#[allow(missing_docs, reason = "the documents' own names")]
pub enum LifeCycleState {
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

impl LifeCycleState {
    /// All of them.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// As the history has it: `In-Review`.
    pub fn title(self) -> &'static str {
        self.into()
    }

    /// As the API has it: `IN-REVIEW`.
    pub fn upper(self) -> String {
        self.title().to_uppercase()
    }
}

/// What takes an app from one state to another.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "Train-Case", ascii_case_insensitive)]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_action)]
#[allow(missing_docs, reason = "the documents' own names")]
pub enum Action {
    #[strum(to_string = "Submit for Review")]
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
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The documents' name.
    pub fn title(self) -> &'static str {
        self.into()
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
        wanted.parse()
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

fn unknown_action(_: &str) -> Error {
    let known = <Action as strum::VariantNames>::VARIANTS.join(", ");
    Error::invalid(format!("action is one of {known}"))
}

/// A step that an app took. Its creation is one without a beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// From where; `None` for its creation.
    pub from: Option<LifeCycleState>,
    /// By what; `None` for its creation.
    pub by: Option<Action>,
    /// To where.
    pub to: LifeCycleState,
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

//! An error is a meaning. How each dialect spells it stands in that dialect's file.

use std::fmt;

use crate::base::code::{Code, ErrorText};

/// What went wrong, as the caller must understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No operation has this path.
    NoSuchOperation,
    /// The path exists, with other methods.
    MethodNotAllowed,
    /// The thing named is not there, or is another tenant's.
    NotFound,
    /// The request cannot be understood or breaks a limit.
    Invalid,
    /// It contradicts what is stored.
    Conflict,
    /// No credential, or one that is not valid.
    Unauthenticated,
    /// A valid credential without the right to do this.
    Forbidden,
    /// An `If-…` header does not hold.
    PreconditionFailed,
    /// More bytes or entries than the limit.
    TooLarge,
    /// A content type that is not taken.
    UnsupportedType,
    /// Throttled; try later.
    TooManyRequests,
    /// The store or another service did not answer; try again.
    Unavailable,
    /// A defect of ours.
    Internal,
}

impl Kind {
    /// The word that the log has for it; alarms count by these words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchOperation => "NoSuchOperation",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotFound => "NotFound",
            Self::Invalid => "Invalid",
            Self::Conflict => "Conflict",
            Self::Unauthenticated => "Unauthenticated",
            Self::Forbidden => "Forbidden",
            Self::PreconditionFailed => "PreconditionFailed",
            Self::TooLarge => "TooLarge",
            Self::UnsupportedType => "UnsupportedType",
            Self::TooManyRequests => "TooManyRequests",
            Self::Unavailable => "Unavailable",
            Self::Internal => "Internal",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error: its meaning, a stable code where programs must tell it from others, a text for the
/// caller, and a cause that only the log sees. No code reads the texts.
#[derive(Debug)]
pub struct Error {
    /// The meaning.
    pub kind: Kind,
    /// What programs tell it by.
    pub code: Option<Code>,
    /// The request's field that is meant.
    pub field: Option<String>,
    /// The text that the caller reads: the code alone, `code: sentence`, or a sentence.
    pub message: String,
    /// The sentence without the code, for dialects that have a place of its own for it.
    pub detail: Option<String>,
    /// Whether `message` is the code alone, since clients compare the whole text, and `detail`
    /// stands beside it.
    pub is_beside: bool,
    /// What the log gets, once, from the pipeline. It never reaches a caller.
    pub cause: Option<String>,
    /// Whether records that were read one after the other contradict each other: another request
    /// may have changed them in between, so that a change begins again before it reports a defect.
    pub is_torn: bool,
    /// Whether a failed sign-in is meant (RHMAP adds `result:"fail"`).
    pub sign_in: bool,
}

impl Error {
    /// An error of that meaning with that text.
    pub fn new(kind: Kind, text: impl Into<ErrorText>) -> Self {
        let ErrorText {
            message,
            code,
            detail,
            field,
            is_beside,
        } = text.into();
        Self {
            kind,
            code,
            field,
            message,
            detail,
            is_beside,
            cause: None,
            is_torn: false,
            sign_in: false,
        }
    }

    /// What went wrong, in a line for people: the code with its sentence, or the sentence.
    pub fn line(&self) -> String {
        match &self.detail {
            Some(detail) if self.is_beside => format!("{}: {detail}", self.message),
            Some(_) | None => self.message.clone(),
        }
    }

    /// The sentence for people without any code.
    pub fn sentence(&self) -> &str {
        match (self.code, &self.detail) {
            (Some(_), Some(detail)) => detail,
            _ => &self.message,
        }
    }

    /// The same error, which calls the field that its sentence begins with by another name.
    #[must_use]
    pub fn with_field_named(self, name: &str) -> Self {
        match (self.code, self.detail) {
            (None, Some(rest)) => Self {
                message: format!("{name}{rest}"),
                field: Some(name.to_owned()),
                code: None,
                detail: Some(rest),
                ..self
            },
            (code, detail) => Self {
                code,
                detail,
                ..self
            },
        }
    }

    /// The thing named is not there.
    pub fn not_found(text: impl Into<ErrorText>) -> Self {
        Self::new(Kind::NotFound, text)
    }

    /// The request is not valid.
    pub fn invalid(text: impl Into<ErrorText>) -> Self {
        Self::new(Kind::Invalid, text)
    }

    /// It contradicts what is stored.
    pub fn conflict(text: impl Into<ErrorText>) -> Self {
        Self::new(Kind::Conflict, text)
    }

    /// The caller may not do this.
    pub fn forbidden(text: impl Into<ErrorText>) -> Self {
        Self::new(Kind::Forbidden, text)
    }

    /// No valid credential.
    pub fn unauthenticated() -> Self {
        Self::new(
            Kind::Unauthenticated,
            "Operation not permitted: not logged in or the credential is not valid",
        )
    }

    /// A failed sign-in: the same words for an unknown user and a wrong password.
    pub fn sign_in_failed() -> Self {
        Self {
            sign_in: true,
            ..Self::new(Kind::Unauthenticated, "User login failed")
        }
    }

    /// More than the limit allows.
    pub fn too_large(text: impl Into<ErrorText>) -> Self {
        Self::new(Kind::TooLarge, text)
    }

    /// Another service did not answer; `cause` is for the log.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(
                Kind::Unavailable,
                "The service is temporarily unavailable, please try again",
            )
        }
    }

    /// Records that contradict each other: a defect, unless another request changed one of them
    /// between the reads. A change that ends with it begins again a few times; `cause` is for the
    /// log.
    pub fn torn(cause: impl fmt::Display) -> Self {
        Self {
            is_torn: true,
            ..Self::internal(cause)
        }
    }

    /// A defect of ours; `cause` is for the log.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(
                Kind::Internal,
                "The service met an internal error and logged it, please tell an administrator",
            )
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.line())
    }
}

impl std::error::Error for Error {}
